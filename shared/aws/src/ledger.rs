//! The ledger: one `DynamoDB` table with what the guard remembers between runs. Every write is conditional, so that two runs at once do no harm.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `finding#<function>` | `<rule>#<resource id>` | an open or recently closed finding, with the action it led to |
//! | `saving#<function>` | `<time>#<rule>#<resource id>` | what a stop saved, estimated |
//! | `swept#<function>` | a name | when something that is read seldom was read last |
//!
//! `expires` is the table's TTL attribute (seconds since 1970). Findings of all rules of a function are read with one query.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context as _, anyhow, bail};
use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem},
};
use cost_rules::{
    plan::{Entry, Kept, Saving, Scope, State},
    rules,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{Clients, event, why::why};

/// How long a finding is remembered after it was last seen.
const FINDING_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long a saving is remembered: a year and a month, for a comparison with last year.
const SAVING_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

/// DynamoDB's most items in one transaction.
const TRANSACTION: usize = 100;

/// Transactions written at the same time.
const TRANSACTIONS_IN_FLIGHT: usize = 8;

type Item = HashMap<String, AttributeValue>;

/// One function's part of the table.
#[derive(Clone, Copy, Debug)]
pub struct Ledger<'a> {
    /// Where AWS is.
    pub clients: &'a Clients,
    /// The table.
    pub table: &'a str,
    /// The function whose findings these are.
    pub function: &'a str,
}

/// One thing to write.
#[derive(Clone, Debug)]
pub enum Record {
    /// A finding, on top of the version that was read.
    Finding(Entry),
    /// A finding that is gone, with what that saved: both or neither.
    Closed(Entry, Option<Saving>),
}

impl Record {
    fn entry(&self) -> &Entry {
        match self {
            Self::Finding(entry) | Self::Closed(entry, _) => entry,
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
        match event::ids(scope) {
            None => self.all().await,
            Some(ids) => self.some(&ids).await,
        }
    }

    async fn all(&self) -> anyhow::Result<Vec<Entry>> {
        let pages = self
            .clients
            .dynamodb
            .query()
            .table_name(self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(self.finding_pk()));
        let mut items = pages.into_paginator().items().send();
        let mut entries = vec![];
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
            entries.push(entry(&item).with_context(|| format!("ledger table {}: an item that cannot be read", self.table))?);
        }
        Ok(entries)
    }

    async fn some(&self, ids: &HashSet<String>) -> anyhow::Result<Vec<Entry>> {
        let keys: Vec<Item> = ids
            .iter()
            .flat_map(|id| rules::ALL.iter().map(move |rule| format!("{}#{id}", rule.name)))
            .map(|sk| Item::from([("pk".to_owned(), AttributeValue::S(self.finding_pk())), ("sk".to_owned(), AttributeValue::S(sk))]))
            .collect();
        let mut entries = vec![];
        for keys in keys.chunks(100) {
            let mut asked = Some(self.keys(keys.to_vec())?);
            while let Some(keys) = asked.take() {
                let answer = self.clients.dynamodb.batch_get_item().request_items(self.table, keys).send().await;
                let answer = answer.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
                for item in answer.responses.unwrap_or_default().remove(self.table).unwrap_or_default() {
                    entries.push(entry(&item).with_context(|| format!("ledger table {}: an item that cannot be read", self.table))?);
                }
                asked = answer.unprocessed_keys.and_then(|mut rest| rest.remove(self.table));
            }
        }
        Ok(entries)
    }

    fn keys(&self, keys: Vec<Item>) -> anyhow::Result<KeysAndAttributes> {
        let built = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build();
        built.with_context(|| format!("ledger table {}", self.table))
    }

    /// Writes, and tells which were refused because another run had written on top of the same version: that run looks after them.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn write(&self, records: Vec<Record>, now: Timestamp) -> anyhow::Result<HashSet<Key>> {
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
        let written = stream::iter(transactions).map(async |records| self.write_all(records, now).await);
        let refused: Vec<HashSet<Key>> = written.buffer_unordered(TRANSACTIONS_IN_FLIGHT).try_collect().await?;
        Ok(refused.into_iter().flatten().collect())
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

    /// One transaction; tells which of the records were refused, in which case none was written.
    async fn transaction(&self, records: &[Record], now: Timestamp) -> anyhow::Result<Vec<usize>> {
        let mut puts = vec![];
        let mut of_record = vec![];
        for (index, record) in records.iter().enumerate() {
            puts.push(self.finding_put(record.entry())?);
            of_record.push(index);
            if let Record::Closed(entry, Some(saving)) = record {
                puts.push(self.put(self.saving_item(entry, saving, now)).build()?);
                of_record.push(index);
            }
        }
        let items = puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build()).collect();
        let sent = self.clients.dynamodb.transact_write_items().set_transact_items(Some(items)).send().await;
        let Err(error) = sent else { return Ok(vec![]) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() {
            let reasons = canceled.cancellation_reasons();
            let refused = reasons
                .iter()
                .zip(&of_record)
                .filter(|(reason, _)| matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict")));
            let refused: Vec<usize> = refused.map(|(_, index)| *index).collect();
            if !refused.is_empty() {
                return Ok(refused);
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

    /// When something that is read seldom was read last.
    pub async fn swept(&self, name: &str) -> anyhow::Result<Option<Timestamp>> {
        let answer = self.clients.dynamodb.get_item().table_name(self.table).set_key(Some(self.swept_key(name))).send().await;
        let answer = answer.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
        Ok(answer.item.as_ref().and_then(|item| text(item, "at")?.parse().ok()))
    }

    /// Remembers that something that is read seldom was read now.
    pub async fn set_swept(&self, name: &str, now: Timestamp) -> anyhow::Result<()> {
        let mut item = self.swept_key(name);
        item.insert("at".to_owned(), AttributeValue::S(now.to_string()));
        let sent = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item)).send().await;
        sent.map(drop).map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))
    }

    fn finding_pk(&self) -> String {
        format!("finding#{}", self.function)
    }

    fn swept_key(&self, name: &str) -> Item {
        let pk = AttributeValue::S(format!("swept#{}", self.function));
        Item::from([("pk".to_owned(), pk), ("sk".to_owned(), AttributeValue::S(name.to_owned()))])
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
            ("notified-at", entry.notified_at.map(|at| at.to_string())),
            ("act-after", entry.act_after.map(|at| at.to_string())),
            ("run", entry.run.map(|at| at.to_string())),
            ("ends", entry.ends.map(|at| at.to_string())),
            ("kept", entry.kept.as_ref().map(|kept| kept.value.clone())),
            ("kept-since", entry.kept.as_ref().map(|kept| kept.since.to_string())),
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
        notified_at: time(item, "notified-at")?,
        act_after: time(item, "act-after")?,
        run: time(item, "run")?,
        usd_per_hour: number(item, "usd-per-hour")?,
        usd_per_month: number(item, "usd-per-month")?,
        ends: time(item, "ends")?,
        kept: kept.map(|(value, since)| Kept { value, since }),
        failure: optional("failure"),
        version: item.get("version").and_then(|value| value.as_n().ok()?.parse().ok()).context("`version` is missing")?,
    })
}

const STATES: [(State, &str); 6] = [
    (State::Reported, "reported"),
    (State::Warned, "warned"),
    (State::Acting, "acting"),
    (State::Acted, "acted"),
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
