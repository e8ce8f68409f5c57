//! Endpoints that the guard has hibernated, in the ledger: how far each has come, and what it takes to create it again. Kept without expiry.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, ensure};
use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    types::{AttributeValue, TransactWriteItem},
};
use cost_rules::{
    facts::{Hibernation, HibernationStage, SleepingEndpoint},
    remedy::Blueprint,
    resource::{Ownership, Resource, Tags},
};

use super::table::{Item, Ledger, item, stage_text, text};
use crate::clients::why::why;

const KIND: &str = "hibernation";

/// What it takes to create them again lies in items of their own: it is long, and needed once.
const BLUEPRINTS: &str = "blueprint";

/// The most bytes of what it takes to create an endpoint again: an item of `DynamoDB` has at most 400 KB.
pub(crate) const LONGEST_BLUEPRINT: usize = 380_000;

impl Ledger<'_> {
    /// All endpoints that were ever hibernated, by id. `Err` of one: its item is not readable.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn hibernations(&self) -> anyhow::Result<BTreeMap<String, anyhow::Result<SleepingEndpoint>>> {
        Ok(self.query(KIND).await?.iter().map(|item| (text(item, "sk").unwrap_or_default().to_owned(), sleeping(item))).collect())
    }

    /// The endpoint of this id. `None`: it was never hibernated.
    ///
    /// # Errors
    /// The table cannot be read, or the item is not readable.
    pub async fn hibernation(&self, id: &str) -> anyhow::Result<Option<SleepingEndpoint>> {
        self.one(KIND, id).await?.as_ref().map(sleeping).transpose()
    }

    /// Stores what it takes to create an endpoint again, before it is deleted. `before`: the record that was read. `false`: it is asleep already, or another run has
    /// changed the record, and may have deleted the endpoint: what that run has stored stays.
    ///
    /// # Errors
    /// The table cannot be written, or what is there afterwards is not what was written.
    pub async fn begin_hibernating(
        &self,
        one: &SleepingEndpoint,
        blueprint: &Blueprint,
        before: Option<&Hibernation>,
    ) -> anyhow::Result<bool> {
        let definition = serde_json::to_string(blueprint)?;
        let stored =
            item([("pk", Some(self.pk(BLUEPRINTS)?)), ("sk", Some(one.resource.id.clone())), ("definition", Some(definition.clone()))], []);
        let record = self.put(self.hibernation_item(one)?);
        let record = match before {
            None => record.condition_expression("attribute_not_exists(pk)"),
            Some(before) => record
                .condition_expression("#stage IN (:deleting, :awake) AND #hibernation = :before")
                .expression_attribute_names("#stage", "stage")
                .expression_attribute_names("#hibernation", "hibernation")
                .expression_attribute_values(":deleting", AttributeValue::S(stage_text(HibernationStage::Deleting)?))
                .expression_attribute_values(":awake", AttributeValue::S(stage_text(HibernationStage::Awake)?))
                .expression_attribute_values(":before", AttributeValue::S(serde_json::to_string(before)?)),
        };
        let writes = [record, self.put(stored)].map(|put| Ok(TransactWriteItem::builder().put(put.build()?).build()));
        let writes = writes.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        match self.clients.dynamodb.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => {}
            Err(error) if error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("TransactionCanceledException") => {
                return Ok(false);
            }
            Err(error) => return Err(anyhow!("ledger table {}: {}", self.table, why(&error))),
        }
        let read = self.one(BLUEPRINTS, &one.resource.id).await?;
        let is_same = read.as_ref().and_then(|item| text(item, "definition")) == Some(definition.as_str());
        ensure!(is_same, "ledger table {}: what was stored of {} reads otherwise", self.table, one.resource.name);
        Ok(true)
    }

    /// What it takes to create the endpoint of this id again. `None`: nothing is stored.
    ///
    /// # Errors
    /// The table cannot be read, or the item is not readable.
    pub async fn blueprint(&self, id: &str) -> anyhow::Result<Option<Blueprint>> {
        let Some(found) = self.one(BLUEPRINTS, id).await? else { return Ok(None) };
        let definition = text(&found, "definition").unwrap_or_default();
        serde_json::from_str(definition).map(Some).with_context(|| format!("what it takes to create {id} again cannot be read"))
    }

    /// Records how far it has come, on top of what was read. `false`: another run has changed it in the meantime, and that change stays.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn set_hibernation(&self, one: &SleepingEndpoint, was: HibernationStage) -> anyhow::Result<bool> {
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(self.hibernation_item(one)?));
        // A write whose answer was lost is sent again. Then the record already has the new stage.
        let put = put
            .condition_expression("#stage IN (:was, :is)")
            .expression_attribute_names("#stage", "stage")
            .expression_attribute_values(":was", AttributeValue::S(stage_text(was)?))
            .expression_attribute_values(":is", AttributeValue::S(stage_text(one.hibernation.stage)?));
        self.put_if(put).await
    }

    fn hibernation_item(&self, one: &SleepingEndpoint) -> anyhow::Result<Item> {
        let SleepingEndpoint { resource, config, hibernation } = one;
        let texts = [
            ("pk", Some(self.pk(KIND)?)),
            ("sk", Some(resource.id.clone())),
            ("arn", resource.arn.clone()),
            ("name", Some(resource.name.clone())),
            ("config", Some(config.clone())),
            ("owner", resource.ownership.owner.clone()),
            ("team", resource.ownership.team.clone()),
            ("tags", Some(serde_json::to_string(resource.tags.read().unwrap_or(&BTreeMap::new()))?)),
            ("stage", Some(stage_text(hibernation.stage)?)),
            ("hibernation", Some(serde_json::to_string(hibernation)?)),
        ];
        Ok(item(texts, []))
    }
}

fn sleeping(item: &Item) -> anyhow::Result<SleepingEndpoint> {
    let owned = |name: &str| text(item, name).map(str::to_owned);
    let id = owned("sk").unwrap_or_default();
    let hibernation: Hibernation = serde_json::from_str(text(item, "hibernation").unwrap_or_default())
        .with_context(|| format!("the ledger's item of the hibernation of {id} is not readable"))?;
    let tags = serde_json::from_str(text(item, "tags").unwrap_or("{}")).with_context(|| format!("the tags of {id} cannot be read"))?;
    let resource = Resource {
        name: owned("name").unwrap_or_else(|| id.clone()),
        id,
        arn: owned("arn"),
        tags: Tags::Known(tags),
        ownership: Ownership { owner: owned("owner"), team: owned("team") },
    };
    Ok(SleepingEndpoint { resource, config: owned("config").unwrap_or_default(), hibernation })
}
