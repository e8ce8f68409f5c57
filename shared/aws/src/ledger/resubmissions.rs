//! Resubmissions in the ledger: training jobs that are resubmitted as Spot, with their definitions and stages.

use anyhow::Context as _;
use aws_sdk_dynamodb::types::AttributeValue;
use cost_rules::resource::Kind;
use jiff::{SignedDuration, Timestamp};

use super::table::{FINDING_KEPT, Item, Ledger, item, text};

/// The most bytes of a job's definition: an item of DynamoDB has at most 400 KB.
pub(crate) const LONGEST_DEFINITION: usize = 380_000;

/// A training job that is resubmitted as Spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resubmission {
    /// The new job's name.
    pub name: String,
    /// The old job's name.
    pub of: String,
    /// When the old job was created. `None`: not known.
    pub run: Option<Timestamp>,
    /// How far the resubmission has come.
    pub stage: Stage,
    /// The new job's definition: the JSON input of `CreateTrainingJob`. `None`: the resubmission is settled.
    pub definition: Option<String>,
    /// When it was stored.
    pub at: Timestamp,
}

impl Resubmission {
    /// Whether the guard still has to look after it. One that is only stored counts for a day, because its job may turn out to exist.
    pub fn is_open(&self, now: Timestamp) -> bool {
        match self.stage {
            Stage::Stored => now.duration_since(self.at) < SignedDuration::from_hours(24),
            Stage::Created | Stage::Stopped => true,
            Stage::Settled => false,
        }
    }

    /// The new job's id, the record's key.
    pub fn id(&self) -> String {
        Kind::TrainingJob.id(&self.name)
    }
}

/// How far a resubmission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its definition is stored; the new job may not exist.
    Stored,
    /// The new job was created; the old one may still run.
    Created,
    /// The old job was stopped; the new one does its work.
    Stopped,
    /// Nothing is left to look after.
    Settled,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Stored, Self::Created, Self::Stopped, Self::Settled];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Created => "created",
            Self::Stopped => "stopped",
            Self::Settled => "settled",
        }
    }
}

impl Ledger<'_> {
    /// Stores a resubmission before anything is done, and returns the record that is in the ledger then.
    ///
    /// An earlier record is replaced as long as no job was created from it, or if it is settled and of an earlier job with the same name. Otherwise it stays,
    /// because nothing else tells of its new job, which is still looked after.
    ///
    /// # Errors
    /// The table cannot be written or read.
    pub async fn store_resubmission(&self, resubmission: &Resubmission) -> anyhow::Result<Resubmission> {
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(self.resubmission_item(resubmission)?));
        let put = put
            .condition_expression("attribute_not_exists(pk) OR #stage = :stored OR (#stage = :settled AND #run <> :run)")
            .expression_attribute_names("#stage", "stage")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":stored", AttributeValue::S(Stage::Stored.as_str().to_owned()))
            .expression_attribute_values(":settled", AttributeValue::S(Stage::Settled.as_str().to_owned()))
            .expression_attribute_values(":run", AttributeValue::S(run_of(resubmission)));
        if self.put_if(put).await? {
            return Ok(resubmission.clone());
        }
        let found = self.resubmission(&resubmission.id()).await?;
        found.with_context(|| format!("ledger table {}: what was stored is not there", self.table))
    }

    /// Records a new stage, on top of what was read. A settled record has no definition any more. `false`: another run has changed the record in the meantime,
    /// and that change stays.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn set_stage(&self, resubmission: &mut Resubmission, stage: Stage) -> anyhow::Result<bool> {
        let definition = resubmission.definition.clone().filter(|_| stage != Stage::Settled);
        let next = Resubmission { stage, definition, ..resubmission.clone() };
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(self.resubmission_item(&next)?));
        // A write whose answer was lost is sent again. Then the record already has the new stage.
        let put = put
            .condition_expression("#run = :run AND #stage IN (:was, :is)")
            .expression_attribute_names("#stage", "stage")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":was", AttributeValue::S(resubmission.stage.as_str().to_owned()))
            .expression_attribute_values(":is", AttributeValue::S(stage.as_str().to_owned()))
            .expression_attribute_values(":run", AttributeValue::S(run_of(resubmission)));
        let is_written = self.put_if(put).await?;
        if is_written {
            *resubmission = next;
        }
        Ok(is_written)
    }

    /// The resubmission that created a job. `None`: the guard did not create it.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn resubmission(&self, new_id: &str) -> anyhow::Result<Option<Resubmission>> {
        Ok(self.one("resubmission", new_id).await?.as_ref().and_then(resubmission))
    }

    /// All resubmissions in the ledger.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn resubmissions(&self) -> anyhow::Result<Vec<Resubmission>> {
        Ok(self.query("resubmission").await?.iter().filter_map(resubmission).collect())
    }

    fn resubmission_item(&self, resubmission: &Resubmission) -> anyhow::Result<Item> {
        let texts = [
            ("pk", Some(self.pk("resubmission")?)),
            ("sk", Some(resubmission.id())),
            ("name", Some(resubmission.name.clone())),
            ("of", Some(resubmission.of.clone())),
            ("run", Some(run_of(resubmission))),
            ("stage", Some(resubmission.stage.as_str().to_owned())),
            ("definition", resubmission.definition.clone()),
            ("at", Some(resubmission.at.to_string())),
        ];
        Ok(item(texts, [("expires", Some((resubmission.at + FINDING_KEPT).as_second().to_string()))]))
    }
}

fn run_of(resubmission: &Resubmission) -> String {
    resubmission.run.map(|at| at.to_string()).unwrap_or_default()
}

fn resubmission(item: &Item) -> Option<Resubmission> {
    let stage = text(item, "stage").and_then(|stage| Stage::ALL.into_iter().find(|one| one.as_str() == stage));
    Some(Resubmission {
        name: text(item, "name")?.to_owned(),
        of: text(item, "of")?.to_owned(),
        run: text(item, "run").and_then(|at| at.parse().ok()),
        // A record of another version may have no known stage: the job is still looked after.
        stage: stage.unwrap_or(Stage::Stopped),
        definition: text(item, "definition").map(str::to_owned),
        at: text(item, "at")?.parse().ok()?,
    })
}
