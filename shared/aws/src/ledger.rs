//! The ledger: one `DynamoDB` table with what the guard remembers between runs. Every write is conditional, so that two runs at once do no harm.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `finding#<function>` | `<rule>#<resource id>` | an open or recently closed finding, with the action it led to |
//! | `saving#<function>` | `<time>#<rule>#<resource id>` | what a stop saved, estimated |
//! | `saving#<function>` | `<time>#spot#<job id>` | what Spot saved on a job that ended, realised |
//! | `resubmission#<function>` | the new job's id | a training job that is submitted again as Spot, with its definition |
//! | `creator#<function>` | a resource id | who created it, as CloudTrail told |
//! | `kept#<function>` | a name | when something that is read seldom was read last, and what came of it |
//!
//! `expires` is the table's TTL attribute (seconds since 1970). Findings of all rules of a function are read with one query.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem},
};
use cost_rules::{
    facts::{Creator, Kind},
    plan::{Entry, Kept, Saving, Scope, SpotSaving, State},
    rules,
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    clients::{Clients, why::why},
    context::Context,
};

/// How long a finding is remembered after it was last seen.
const FINDING_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long a saving is remembered: a year and a month, for a comparison with last year.
const SAVING_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

/// The longest definition of a job, in bytes: an item of DynamoDB has 400 KB at most.
pub(crate) const LONGEST_DEFINITION: usize = 380_000;

/// How long it is remembered who created a resource.
const CREATOR_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

/// DynamoDB's most items in one transaction.
const TRANSACTION: usize = 100;

/// Transactions written at the same time.
const TRANSACTIONS_IN_FLIGHT: usize = 16;

/// Between attempts at what DynamoDB left undone: a batch's rest, or a transaction that met another one.
const PAUSES_MS: [u64; 6] = [50, 100, 200, 400, 800, 1600];

type Item = HashMap<String, AttributeValue>;

/// One function's part of the table.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    /// Where AWS is.
    pub clients: &'a Clients,
    /// The table.
    pub table: &'a str,
    /// The function whose findings these are.
    pub function: &'a str,
}

impl Context {
    /// The function's part of the ledger.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger { clients: &self.clients, table: &self.settings.table, function: self.function }
    }
}

/// One thing to write.
#[derive(Clone, Debug)]
pub enum Record {
    /// A finding, on top of the version that was read.
    Finding(Entry),
    /// A finding of which it is not known whether it is in the ledger: written if it is new, or was last told by then.
    Claim(Entry, Timestamp),
    /// A finding that is gone, with what that saved: both or neither.
    Closed(Entry, Option<Saving>),
}

impl Record {
    fn entry(&self) -> &Entry {
        match self {
            Self::Finding(entry) | Self::Claim(entry, _) | Self::Closed(entry, _) => entry,
        }
    }

    /// How many items of a transaction it takes.
    fn places(&self) -> usize {
        if matches!(self, Self::Closed(_, Some(_))) { 2 } else { 1 }
    }
}

/// The key of a finding within its function: (rule, resource id).
pub type Key = (String, String);

impl Ledger<'_> {
    /// The findings of a scope.
    ///
    /// # Errors
    /// The table cannot be read: then nothing may be enforced.
    pub async fn findings(&self, scope: &Scope) -> anyhow::Result<Vec<Entry>> {
        match scope.named() {
            None => self.all().await,
            Some(named) => self.some(named.keys()).await,
        }
    }

    async fn all(&self) -> anyhow::Result<Vec<Entry>> {
        Ok(self.query(self.finding_pk()).await?.iter().filter_map(readable).collect())
    }

    /// All items of a partition.
    async fn query(&self, pk: String) -> anyhow::Result<Vec<Item>> {
        let call = self.clients.dynamodb.query().table_name(self.table).consistent_read(true);
        let call = call.key_condition_expression("pk = :pk").expression_attribute_values(":pk", AttributeValue::S(pk));
        let (mut items, mut from) = (vec![], None);
        loop {
            let page = call.clone().set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
            items.extend(page.items.unwrap_or_default());
            match page.last_evaluated_key {
                Some(last) if !last.is_empty() => from = Some(last),
                _ => return Ok(items),
            }
        }
    }

    async fn some(&self, ids: impl Iterator<Item = &String>) -> anyhow::Result<Vec<Entry>> {
        let sks = ids.flat_map(|id| rules::ALL.iter().map(move |rule| format!("{}#{id}", rule.name)));
        Ok(self.batch(&self.finding_pk(), sks).await?.iter().filter_map(readable).collect())
    }

    /// Those items of a partition that have these sort keys.
    async fn batch(&self, pk: &str, sks: impl Iterator<Item = String>) -> anyhow::Result<Vec<Item>> {
        let keys: Vec<Item> = sks.map(|sk| item([("pk", Some(pk.to_owned())), ("sk", Some(sk))], [])).collect();
        let mut items = vec![];
        for keys in keys.chunks(100) {
            let mut asked = Some(self.keys(keys.to_vec())?);
            let mut pauses = PAUSES_MS.into_iter();
            while let Some(keys) = asked.take() {
                let answer = self.clients.dynamodb.batch_get_item().request_items(self.table, keys).send().await;
                let answer = answer.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
                items.extend(answer.responses.unwrap_or_default().remove(self.table).unwrap_or_default());
                asked = answer.unprocessed_keys.and_then(|mut rest| rest.remove(self.table));
                if asked.is_some() {
                    let pause = pauses
                        .next()
                        .with_context(|| format!("ledger table {}: DynamoDB leaves keys unprocessed again and again", self.table))?;
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            }
        }
        Ok(items)
    }

    fn keys(&self, keys: Vec<Item>) -> anyhow::Result<KeysAndAttributes> {
        let built = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build();
        built.with_context(|| format!("ledger table {}", self.table))
    }

    /// Writes what can be written, and tells what was not.
    pub async fn write(&self, records: Vec<Record>, now: Timestamp) -> Unwritten {
        let mut transactions: Vec<Vec<Record>> = vec![];
        let mut room = 0;
        for record in records {
            let places = record.places();
            if let Some(last) = transactions.last_mut().filter(|_| places <= room) {
                last.push(record);
            } else {
                transactions.push(vec![record]);
                room = TRANSACTION;
            }
            room -= places;
        }
        let written = stream::iter(transactions).map(async |records| {
            let keys: Vec<Key> = records.iter().map(|record| key(record.entry())).collect();
            self.write_all(records, now).await.map_err(|error| (keys, error))
        });
        let mut unwritten = Unwritten::default();
        for written in written.buffer_unordered(TRANSACTIONS_IN_FLIGHT).collect::<Vec<_>>().await {
            match written {
                Ok(refused) => unwritten.refused.extend(refused),
                Err((keys, error)) => {
                    unwritten.failed.extend(keys);
                    unwritten.why = Some(error);
                }
            }
        }
        unwritten
    }

    /// Writes what fits into one transaction, leaving out what is refused until the rest is written.
    async fn write_all(&self, mut records: Vec<Record>, now: Timestamp) -> anyhow::Result<HashSet<Key>> {
        let mut refused = HashSet::new();
        while !records.is_empty() {
            let again = self.transaction(&records, now).await?;
            let lost: HashSet<Key> = again.iter().map(|index| key(records[*index].entry())).collect();
            if lost.is_empty() {
                break;
            }
            records.retain(|record| !lost.contains(&key(record.entry())));
            refused.extend(lost);
        }
        Ok(refused)
    }

    /// One transaction, again while it meets another one at the same moment; tells which of the records were refused, in which case none was written.
    async fn transaction(&self, records: &[Record], now: Timestamp) -> anyhow::Result<Vec<usize>> {
        for pause in PAUSES_MS {
            match self.transaction_once(records, now).await? {
                Written::Refused(refused) => return Ok(refused),
                Written::Met(_) => tokio::time::sleep(Duration::from_millis(pause)).await,
            }
        }
        match self.transaction_once(records, now).await? {
            Written::Refused(refused) => Ok(refused),
            Written::Met(why) => bail!("ledger table {}: {why}", self.table),
        }
    }

    async fn transaction_once(&self, records: &[Record], now: Timestamp) -> anyhow::Result<Written> {
        let mut puts = vec![];
        let mut of_record = vec![];
        for (index, record) in records.iter().enumerate() {
            puts.push(match record {
                Record::Claim(entry, told_by) => self.claim_put(entry, *told_by)?,
                Record::Finding(entry) | Record::Closed(entry, _) => self.finding_put(entry)?,
            });
            of_record.push(index);
            if let Record::Closed(entry, Some(saving)) = record {
                puts.push(self.put(self.saving_item(entry, saving, now)).build()?);
                of_record.push(index);
            }
        }
        let items = puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build()).collect();
        let sent = self.clients.dynamodb.transact_write_items().set_transact_items(Some(items)).send().await;
        let Err(error) = sent else { return Ok(Written::Refused(vec![])) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() {
            let reasons = canceled.cancellation_reasons();
            let refused = reasons.iter().zip(&of_record).filter(|(reason, _)| reason.code() == Some("ConditionalCheckFailed"));
            let refused: Vec<usize> = refused.map(|(_, index)| *index).collect();
            if !refused.is_empty() {
                return Ok(Written::Refused(refused));
            }
            let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
            if reasons.iter().any(|reason| reason.code().is_some_and(|code| passing.contains(&code))) {
                return Ok(Written::Met(why(&error)));
            }
        }
        bail!("ledger table {}: {}", self.table, why(&error))
    }

    fn put(&self, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().table_name(self.table).set_item(Some(item))
    }

    /// A put on top of the version that the entry was read with.
    fn finding_put(&self, entry: &Entry) -> anyhow::Result<Put> {
        let put = self.put(self.finding_item(entry));
        let put = if entry.version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :read").expression_attribute_values(":read", AttributeValue::N(entry.version.to_string()))
        };
        Ok(put.build()?)
    }

    /// A put of a finding that was not read: only where there is none, or one that is only told and due to be told again.
    fn claim_put(&self, entry: &Entry, told_by: Timestamp) -> anyhow::Result<Put> {
        let is_due = "attribute_not_exists(#told) OR #told <= :by";
        let put = self.put(self.finding_item(entry));
        let put = put
            .condition_expression(format!("attribute_not_exists(pk) OR (#state IN (:reported, :closed) AND ({is_due}))"))
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#told", "notified-at")
            .expression_attribute_values(":reported", AttributeValue::S(state_name(State::Reported).to_owned()))
            .expression_attribute_values(":closed", AttributeValue::S(state_name(State::Closed).to_owned()))
            .expression_attribute_values(":by", AttributeValue::S(told_by.to_string()));
        Ok(put.build()?)
    }

    /// Remembers what Spot saved on jobs that ended. The same job is the same item, however often it is told.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn remember_spot_savings(&self, savings: &[SpotSaving], now: Timestamp) -> anyhow::Result<()> {
        // The search index may tell a job twice, and one transaction does not take one item twice.
        let savings: Vec<&SpotSaving> =
            savings.iter().map(|saving| ((saving.ended, &saving.id), saving)).collect::<BTreeMap<_, _>>().into_values().collect();
        for chunk in savings.chunks(TRANSACTION) {
            let put =
                |saving: &&SpotSaving| Ok(TransactWriteItem::builder().put(self.put(self.spot_saving_item(saving, now)).build()?).build());
            let items: Vec<TransactWriteItem> = chunk.iter().map(put).collect::<anyhow::Result<_>>()?;
            let sent = self.clients.dynamodb.transact_write_items().set_transact_items(Some(items)).send().await;
            sent.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
        }
        Ok(())
    }

    /// Stores a resubmission before anything is done. What was stored before is written over as long as nothing was created of it, and of an earlier job of the
    /// same name if it is settled: while its new job is looked after, its record is all that tells of it. Gives what is stored then.
    ///
    /// # Errors
    /// The table cannot be written or read.
    pub async fn store_resubmission(&self, resubmission: &Resubmission) -> anyhow::Result<Resubmission> {
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(self.resubmission_item(resubmission)));
        let put = put
            .condition_expression("attribute_not_exists(pk) OR #stage = :stored OR (#stage = :settled AND #run <> :run)")
            .expression_attribute_names("#stage", "stage")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":stored", AttributeValue::S(Stage::Stored.as_str().to_owned()))
            .expression_attribute_values(":settled", AttributeValue::S(Stage::Settled.as_str().to_owned()))
            .expression_attribute_values(":run", AttributeValue::S(run_of(resubmission)));
        match put.send().await {
            Ok(_) => return Ok(resubmission.clone()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {}
            Err(error) => bail!("ledger table {}: {}", self.table, why(&error)),
        }
        let found = self.resubmission(&resubmission.id()).await?;
        found.with_context(|| format!("ledger table {}: what was stored is not there", self.table))
    }

    /// Remembers how far a resubmission has come, on top of what was read. What is settled needs no definition any more. `false`: another run has written it
    /// meanwhile, and that stays.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn set_stage(&self, resubmission: &mut Resubmission, stage: Stage) -> anyhow::Result<bool> {
        let definition = resubmission.definition.clone().filter(|_| stage != Stage::Settled);
        let next = Resubmission { stage, definition, ..resubmission.clone() };
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(self.resubmission_item(&next)));
        // A write whose answer was lost is sent again, and finds itself.
        let put = put
            .condition_expression("#run = :run AND #stage IN (:was, :is)")
            .expression_attribute_names("#stage", "stage")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":was", AttributeValue::S(resubmission.stage.as_str().to_owned()))
            .expression_attribute_values(":is", AttributeValue::S(stage.as_str().to_owned()))
            .expression_attribute_values(":run", AttributeValue::S(run_of(resubmission)));
        match put.send().await {
            Ok(_) => {
                *resubmission = next;
                Ok(true)
            }
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => Ok(false),
            Err(error) => bail!("ledger table {}: {}", self.table, why(&error)),
        }
    }

    fn resubmission_item(&self, resubmission: &Resubmission) -> Item {
        let texts = [
            ("pk", Some(self.resubmission_pk())),
            ("sk", Some(resubmission.id())),
            ("name", Some(resubmission.name.clone())),
            ("of", Some(resubmission.of.clone())),
            ("run", Some(run_of(resubmission))),
            ("stage", Some(resubmission.stage.as_str().to_owned())),
            ("definition", resubmission.definition.clone()),
            ("at", Some(resubmission.at.to_string())),
        ];
        item(texts, [("expires", Some((resubmission.at + FINDING_KEPT).as_second().to_string()))])
    }

    /// The resubmission that made a job, if the guard did.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn resubmission(&self, new_id: &str) -> anyhow::Result<Option<Resubmission>> {
        let key = Item::from([
            ("pk".to_owned(), AttributeValue::S(self.resubmission_pk())),
            ("sk".to_owned(), AttributeValue::S(new_id.to_owned())),
        ]);
        let answer = self.clients.dynamodb.get_item().table_name(self.table).consistent_read(true).set_key(Some(key)).send().await;
        let answer = answer.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
        Ok(answer.item.as_ref().and_then(resubmission))
    }

    /// All resubmissions that are remembered.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn resubmissions(&self) -> anyhow::Result<Vec<Resubmission>> {
        Ok(self.query(self.resubmission_pk()).await?.iter().filter_map(resubmission).collect())
    }

    /// Remembers who created a resource.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn remember_creator(&self, id: &str, creator: &Creator, now: Timestamp) -> anyhow::Result<()> {
        let texts = [("pk", Some(self.creator_pk())), ("sk", Some(id.to_owned())), ("user", Some(creator.user.clone()))];
        let numbers = [("expires", Some((now + CREATOR_KEPT).as_second().to_string()))];
        let sent = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item(texts, numbers))).send().await;
        sent.map(drop).map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))
    }

    /// Who created these resources, by id, where that is remembered.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn creators(&self, ids: impl Iterator<Item = String>) -> anyhow::Result<HashMap<String, Creator>> {
        let items = self.batch(&self.creator_pk(), ids).await?;
        let creator = |item: &Item| Some((text(item, "sk")?.to_owned(), Creator { user: text(item, "user")?.to_owned() }));
        Ok(items.iter().filter_map(creator).collect())
    }

    /// When something that is read seldom was read last, and what was kept of it.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn kept(&self, name: &str) -> anyhow::Result<Option<(Timestamp, String)>> {
        let call = self.clients.dynamodb.get_item().table_name(self.table).consistent_read(true).set_key(Some(self.kept_key(name)));
        let answer = call.send().await;
        let answer = answer.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
        Ok(answer.item.as_ref().and_then(|item| Some((text(item, "at")?.parse().ok()?, text(item, "what").unwrap_or_default().to_owned()))))
    }

    /// All that is kept, by name.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn all_kept(&self) -> anyhow::Result<HashMap<String, (Timestamp, String)>> {
        let kept = |item: &Item| {
            let what = text(item, "what").unwrap_or_default().to_owned();
            Some((text(item, "sk")?.to_owned(), (text(item, "at")?.parse().ok()?, what)))
        };
        Ok(self.query(format!("kept#{}", self.function)).await?.iter().filter_map(kept).collect())
    }

    /// Remembers that something that is read seldom was read now, and what is to be kept of it.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn keep(&self, name: &str, what: &str, now: Timestamp) -> anyhow::Result<()> {
        self.put_kept(self.kept_item(name, what, now)).await
    }

    /// The same, for so long.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn keep_for(&self, name: &str, what: &str, now: Timestamp, long: SignedDuration) -> anyhow::Result<()> {
        let mut item = self.kept_item(name, what, now);
        item.insert("expires".to_owned(), AttributeValue::N((now + long).as_second().to_string()));
        self.put_kept(item).await
    }

    fn kept_item(&self, name: &str, what: &str, now: Timestamp) -> Item {
        let mut item = self.kept_key(name);
        item.insert("at".to_owned(), AttributeValue::S(now.to_string()));
        item.insert("what".to_owned(), AttributeValue::S(what.to_owned()));
        item
    }

    async fn put_kept(&self, item: Item) -> anyhow::Result<()> {
        let sent = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item)).send().await;
        sent.map(drop).map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))
    }

    fn finding_pk(&self) -> String {
        format!("finding#{}", self.function)
    }

    fn creator_pk(&self) -> String {
        format!("creator#{}", self.function)
    }

    fn resubmission_pk(&self) -> String {
        format!("resubmission#{}", self.function)
    }

    fn spot_saving_item(&self, saving: &SpotSaving, now: Timestamp) -> Item {
        let texts = [
            ("pk", Some(format!("saving#{}", self.function))),
            ("sk", Some(format!("{}#spot#{}", saving.ended, saving.id))),
            ("arn", Some(saving.arn.clone())),
            ("name", Some(saving.name.clone())),
            ("owner", saving.owner.clone()),
            ("team", saving.team.clone()),
            ("by", Some("spot".to_owned())),
        ];
        let numbers = [
            ("realised-usd", saving.usd.map(|usd| usd.to_string())),
            ("percent", Some(saving.percent().to_string())),
            ("training-seconds", Some(saving.training_seconds.to_string())),
            ("billable-seconds", Some(saving.billable_seconds.to_string())),
            ("expires", Some((now + SAVING_KEPT).as_second().to_string())),
        ];
        item(texts, numbers)
    }

    fn kept_key(&self, name: &str) -> Item {
        item([("pk", Some(format!("kept#{}", self.function))), ("sk", Some(name.to_owned()))], [])
    }

    fn finding_item(&self, entry: &Entry) -> Item {
        let texts = [
            ("pk", Some(self.finding_pk())),
            ("sk", Some(format!("{}#{}", entry.rule, entry.id))),
            ("rule", Some(entry.rule.clone())),
            ("id", Some(entry.id.clone())),
            ("arn", Some(entry.arn.clone())),
            ("name", Some(entry.name.clone())),
            ("owner", entry.owner.clone()),
            ("team", entry.team.clone()),
            ("state", Some(state_name(entry.state).to_owned())),
            ("first-seen", Some(entry.first_seen.to_string())),
            ("last-seen", Some(entry.last_seen.to_string())),
            ("topic", entry.topic.clone()),
            ("action", entry.action.clone()),
            ("escalated-at", entry.escalated_at.map(|at| at.to_string())),
            ("notified-at", entry.notified_at.map(|at| at.to_string())),
            ("act-after", entry.act_after.map(|at| at.to_string())),
            ("run", entry.run.map(|at| at.to_string())),
            ("ends", entry.ends.map(|at| at.to_string())),
            ("kept", entry.kept.as_ref().map(|kept| kept.value.clone())),
            ("kept-since", entry.kept.as_ref().map(|kept| kept.since.to_string())),
            ("retry-after", entry.retry_after.map(|at| at.to_string())),
            ("failure", entry.failure.clone()),
        ];
        let numbers = [
            ("usd-per-hour", entry.usd_per_hour.map(|usd| usd.to_string())),
            ("usd-per-month", entry.usd_per_month.map(|usd| usd.to_string())),
            ("version", Some((entry.version + 1).to_string())),
            ("expires", Some((entry.last_seen + FINDING_KEPT).as_second().to_string())),
        ];
        item(texts, numbers)
    }

    fn saving_item(&self, entry: &Entry, saving: &Saving, now: Timestamp) -> Item {
        let texts = [
            ("pk", Some(format!("saving#{}", self.function))),
            ("sk", Some(format!("{now}#{}#{}", entry.rule, entry.id))),
            ("rule", Some(entry.rule.clone())),
            ("arn", Some(entry.arn.clone())),
            ("name", Some(entry.name.clone())),
            ("owner", entry.owner.clone()),
            ("team", entry.team.clone()),
            ("by", Some(if saving.by_guard { "guard" } else { "owner" }.to_owned())),
            ("from", Some(saving.from.to_string())),
            ("until", Some(saving.until.to_string())),
        ];
        let numbers = [
            ("estimated-usd", saving.usd.map(|usd| usd.to_string())),
            ("usd-per-hour", entry.usd_per_hour.map(|usd| usd.to_string())),
            ("expires", Some((now + SAVING_KEPT).as_second().to_string())),
        ];
        item(texts, numbers)
    }
}

/// What was not written.
#[derive(Debug, Default)]
pub struct Unwritten {
    /// Refused because another run had written on top of the same version: that run looks after them.
    pub refused: HashSet<Key>,
    /// Not written for another reason.
    pub failed: HashSet<Key>,
    /// That reason.
    pub why: Option<anyhow::Error>,
}

/// How a transaction ended.
enum Written {
    /// These records were refused; if there are none, all is written.
    Refused(Vec<usize>),
    /// It met another one, or the table's limits: nothing was written, for this reason.
    Met(String),
}

/// A training job that is submitted again as Spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resubmission {
    /// The new job's name.
    pub name: String,
    /// The old job's name.
    pub of: String,
    /// When the old job was created.
    pub run: Option<Timestamp>,
    /// How far it has come.
    pub stage: Stage,
    /// The new job's definition, as `CreateTrainingJob` takes it: JSON. `None`: it is settled.
    pub definition: Option<String>,
    /// When it was stored.
    pub at: Timestamp,
}

/// How far a resubmission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its definition is stored; the new job may not be there.
    Stored,
    /// The new job was created; the old one may run beside it.
    Created,
    /// The old job was stopped: the new one has its work.
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

impl Resubmission {
    /// Whether there is something to look after: of one that is only stored for a day, in which its job may turn out to be there.
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

fn run_of(resubmission: &Resubmission) -> String {
    resubmission.run.map(|at| at.to_string()).unwrap_or_default()
}

fn resubmission(item: &Item) -> Option<Resubmission> {
    let stage = text(item, "stage").and_then(|stage| Stage::ALL.into_iter().find(|one| one.as_str() == stage));
    Some(Resubmission {
        name: text(item, "name")?.to_owned(),
        of: text(item, "of")?.to_owned(),
        run: text(item, "run").and_then(|at| at.parse().ok()),
        // Written by a version that did not tell: it is looked after.
        stage: stage.unwrap_or(Stage::Stopped),
        definition: text(item, "definition").map(str::to_owned),
        at: text(item, "at")?.parse().ok()?,
    })
}

/// The key of an entry within its function.
pub fn key(entry: &Entry) -> Key {
    (entry.rule.clone(), entry.id.clone())
}

fn item<'k>(
    texts: impl IntoIterator<Item = (&'k str, Option<String>)>,
    numbers: impl IntoIterator<Item = (&'k str, Option<String>)>,
) -> Item {
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), AttributeValue::S(value?))));
    let numbers = numbers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), AttributeValue::N(value?))));
    texts.chain(numbers).collect()
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(item: &Item, name: &str) -> anyhow::Result<Option<Decimal>> {
    match item.get(name).and_then(|value| value.as_n().ok()) {
        Some(number) => number.parse().map(Some).with_context(|| format!("`{name}` is `{number}`")),
        None => Ok(None),
    }
}

fn time(item: &Item, name: &str) -> anyhow::Result<Option<Timestamp>> {
    text(item, name).map(|time| time.parse().with_context(|| format!("`{name}` is `{time}`"))).transpose()
}

fn entry(item: &Item) -> anyhow::Result<Entry> {
    let required = |name: &str| text(item, name).map(str::to_owned).with_context(|| format!("`{name}` is missing"));
    let optional = |name: &str| text(item, name).map(str::to_owned);
    let kept = optional("kept").zip(time(item, "kept-since")?);
    Ok(Entry {
        rule: required("rule")?,
        id: required("id")?,
        arn: required("arn")?,
        name: required("name")?,
        owner: optional("owner"),
        team: optional("team"),
        state: state(&required("state")?)?,
        first_seen: time(item, "first-seen")?.context("`first-seen` is missing")?,
        last_seen: time(item, "last-seen")?.context("`last-seen` is missing")?,
        topic: optional("topic"),
        action: optional("action"),
        escalated_at: time(item, "escalated-at")?,
        notified_at: time(item, "notified-at")?,
        act_after: time(item, "act-after")?,
        run: time(item, "run")?,
        usd_per_hour: number(item, "usd-per-hour")?,
        usd_per_month: number(item, "usd-per-month")?,
        ends: time(item, "ends")?,
        kept: kept.map(|(value, since)| Kept { value, since }),
        retry_after: time(item, "retry-after")?,
        failure: optional("failure"),
        version: item.get("version").and_then(|value| value.as_n().ok()?.parse().ok()).context("`version` is missing")?,
    })
}

/// An item that cannot be read (of a newer version, or written by hand) is an entry that is left alone; one without its key is nobody's.
fn readable(item: &Item) -> Option<Entry> {
    let error = match entry(item) {
        Ok(entry) => return Some(entry),
        Err(error) => format!("{error:#}"),
    };
    let (rule, id) = text(item, "sk")?.split_once('#')?;
    Some(Entry {
        rule: rule.to_owned(),
        id: id.to_owned(),
        arn: id.to_owned(),
        name: id.to_owned(),
        owner: None,
        team: None,
        state: State::Unreadable,
        first_seen: Timestamp::UNIX_EPOCH,
        last_seen: Timestamp::UNIX_EPOCH,
        topic: None,
        action: None,
        escalated_at: None,
        notified_at: None,
        act_after: None,
        run: None,
        usd_per_hour: None,
        usd_per_month: None,
        ends: None,
        kept: None,
        retry_after: None,
        failure: Some(error),
        version: 0,
    })
}

const STATES: [(State, &str); 7] = [
    (State::Reported, "reported"),
    (State::Warned, "warned"),
    (State::Acting, "acting"),
    (State::Acted, "acted"),
    (State::GivenUp, "given-up"),
    (State::Exempt, "exempt"),
    (State::Closed, "closed"),
];

fn state_name(state: State) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("", |(_, name)| name)
}

fn state(name: &str) -> anyhow::Result<State> {
    STATES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state).with_context(|| format!("`state` is `{name}`"))
}

/// Sums up how many records were refused, by rule, for the log.
pub(crate) fn by_rule(keys: &HashSet<Key>) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for (rule, _) in keys {
        *counts.entry(rule.as_str()).or_default() += 1;
    }
    counts
}
