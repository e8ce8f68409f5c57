//! Findings in the ledger. A write is refused if the entry has changed since it was read. A closed finding is written together with its saving.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context as _, bail};
use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem},
};
use cost_rules::{
    mail::Notification,
    owners::addresses,
    plan::{Entry, FindingKey, Kept, Record, State},
    rules,
    scope::Scope,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::table::{FINDING_KEPT, Item, Ledger, TRANSACTION, item, number, pauses, text, time};
use crate::clients::why::why;

/// The most transactions at the same time.
const TRANSACTIONS_IN_FLIGHT: usize = 16;

/// Keys of findings.
pub(crate) type Keys = HashSet<FindingKey>;

/// What is written together, or not at all.
#[derive(Debug)]
pub struct Together<'n> {
    /// Records of findings.
    pub records: Vec<Record>,
    /// What their owner is told in a regular mail.
    pub left: Option<&'n Notification>,
}

impl From<Record> for Together<'_> {
    fn from(record: Record) -> Self {
        Self { records: vec![record], left: None }
    }
}

impl Together<'_> {
    /// How many items of a transaction it needs.
    fn places(&self) -> usize {
        let of_record = |record: &Record| if matches!(record, Record::Closed(_, Some(_))) { 2 } else { 1 };
        self.records.iter().map(of_record).sum::<usize>() + usize::from(self.left.is_some())
    }

    fn keys(&self) -> Vec<FindingKey> {
        self.left.map_or_else(|| self.records.iter().map(Record::key).collect(), |left| left.findings.clone())
    }
}

/// The findings that were not written.
#[derive(Debug, Default)]
pub struct Unwritten {
    /// Refused because another run has written them since they were read: that run looks after them.
    pub refused: HashSet<FindingKey>,
    /// Not written for another reason.
    pub failed: HashSet<FindingKey>,
    /// The reason why they failed (the last one, if there are several).
    pub why: Option<anyhow::Error>,
}

/// How a transaction ended.
enum Written {
    /// The indices of what was refused. Empty: everything was written.
    Refused(Vec<usize>),
    /// It conflicted with another transaction, or was throttled: nothing was written, for this reason.
    Met(String),
}

impl Ledger<'_> {
    /// The entries of the resources in a scope.
    ///
    /// # Errors
    /// The table cannot be read. Then nothing may be enforced.
    pub async fn findings(&self, scope: &Scope) -> anyhow::Result<Vec<Entry>> {
        match scope.named() {
            None => self.all().await,
            Some(named) => self.some(named.keys()).await,
        }
    }

    async fn all(&self) -> anyhow::Result<Vec<Entry>> {
        Ok(self.query("finding").await?.iter().filter_map(readable).collect())
    }

    async fn some(&self, ids: impl Iterator<Item = &String>) -> anyhow::Result<Vec<Entry>> {
        let sks = ids.flat_map(|id| rules::ALL.iter().map(move |rule| format!("{}#{id}", rule.name)));
        Ok(self.batch("finding", sks).await?.iter().filter_map(readable).collect())
    }

    /// Writes what can be written, and returns what was not.
    pub async fn write(&self, records: Vec<Record>, now: Timestamp) -> Unwritten {
        self.write_together(records.into_iter().map(Together::from).collect(), now).await
    }

    /// Writes what can be written, and returns what was not.
    pub async fn write_together(&self, all: Vec<Together<'_>>, now: Timestamp) -> Unwritten {
        let mut transactions: Vec<Vec<Together<'_>>> = vec![];
        let mut room = 0;
        for together in all {
            let places = together.places();
            if let Some(last) = transactions.last_mut().filter(|_| places <= room) {
                last.push(together);
            } else {
                transactions.push(vec![together]);
                room = TRANSACTION;
            }
            room -= places.min(room);
        }
        let written = stream::iter(transactions).map(async |all| {
            let keys: Vec<FindingKey> = all.iter().flat_map(Together::keys).collect();
            self.write_all(all, now).await.map_err(|error| (keys, error))
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

    /// Writes one transaction. If records are refused, it writes the others without them. Returns the keys of the refused ones.
    async fn write_all(&self, mut all: Vec<Together<'_>>, now: Timestamp) -> anyhow::Result<HashSet<FindingKey>> {
        let mut refused = HashSet::new();
        while !all.is_empty() {
            let again = self.transaction(&all, now).await?;
            if again.is_empty() {
                break;
            }
            refused.extend(again.iter().flat_map(|index| all[*index].keys()));
            let mut index = 0..;
            all.retain(|_| index.next().is_some_and(|index| !again.contains(&index)));
        }
        Ok(refused)
    }

    /// Writes one transaction; repeats it while it conflicts with another one. Returns the indices of what was refused: if there are any, nothing was written.
    async fn transaction(&self, all: &[Together<'_>], now: Timestamp) -> anyhow::Result<Vec<usize>> {
        let mut pauses = pauses(fastrand::Rng::new());
        loop {
            match self.transaction_once(all, now).await? {
                Written::Refused(refused) => return Ok(refused),
                Written::Met(why) => {
                    let pause = pauses.next().with_context(|| format!("ledger table {}: {why}", self.table))?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn transaction_once(&self, all: &[Together<'_>], now: Timestamp) -> anyhow::Result<Written> {
        let mut puts = vec![];
        let mut indices = vec![];
        for (index, together) in all.iter().enumerate() {
            puts.extend(self.puts(together, now)?);
            indices.resize(puts.len(), index);
        }
        let items = puts.into_iter().map(|put| TransactWriteItem::builder().put(put).build()).collect();
        let sent = self.clients.dynamodb.transact_write_items().set_transact_items(Some(items)).send().await;
        let Err(error) = sent else { return Ok(Written::Refused(vec![])) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() {
            let reasons = canceled.cancellation_reasons();
            let refused = reasons.iter().zip(&indices).filter(|(reason, _)| reason.code() == Some("ConditionalCheckFailed"));
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

    fn puts(&self, together: &Together<'_>, now: Timestamp) -> anyhow::Result<Vec<Put>> {
        let mut puts = vec![];
        for record in &together.records {
            puts.push(match record {
                Record::Claim(entry, told_by) => self.claim_put(entry, *told_by)?,
                Record::Finding(entry) | Record::Closed(entry, _) => self.finding_put(entry)?,
            });
            if let Record::Closed(entry, Some(saving)) = record {
                puts.push(self.put(self.saving_item(entry, saving, now)?).build()?);
            }
        }
        puts.extend(together.left.map(|left| self.waiting_put(left, now)).transpose()?);
        Ok(puts)
    }

    /// A put that is refused if the entry no longer has the version that was read.
    fn finding_put(&self, entry: &Entry) -> anyhow::Result<Put> {
        let put = self.put(self.finding_item(entry)?);
        let put = if entry.version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :read").expression_attribute_values(":read", AttributeValue::N(entry.version.to_string()))
        };
        Ok(put.build()?)
    }

    /// A put of a finding that was not read. It is refused if there is an entry, except if that is reported or closed and was not notified after `told_by`.
    fn claim_put(&self, entry: &Entry, told_by: Timestamp) -> anyhow::Result<Put> {
        let is_due = "attribute_not_exists(#told) OR #told <= :by";
        let put = self.put(self.finding_item(entry)?);
        let put = put
            .condition_expression(format!("attribute_not_exists(pk) OR (#state IN (:reported, :closed) AND ({is_due}))"))
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#told", "notified-at")
            .expression_attribute_values(":reported", AttributeValue::S(state_name(State::Reported).to_owned()))
            .expression_attribute_values(":closed", AttributeValue::S(state_name(State::Closed).to_owned()))
            .expression_attribute_values(":by", AttributeValue::S(told_by.to_string()));
        Ok(put.build()?)
    }

    fn finding_item(&self, entry: &Entry) -> anyhow::Result<Item> {
        let texts = [
            ("pk", Some(self.pk("finding")?)),
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
            ("announced", entry.announced.clone()),
            ("escalated-at", entry.escalated_at.map(|at| at.to_string())),
            ("notified-at", entry.notified_at.map(|at| at.to_string())),
            ("standing", entry.standing.map(|at| at.to_string())),
            ("act-after", entry.act_after.map(|at| at.to_string())),
            ("run", entry.run.map(|at| at.to_string())),
            ("stopped", entry.stopped.map(|at| at.to_string())),
            ("reason", entry.reason.clone()),
            ("instance-type", entry.instance_type.clone()),
            ("ends", entry.ends.map(|at| at.to_string())),
            ("kept", entry.kept.as_ref().map(|kept| kept.value.clone())),
            ("kept-since", entry.kept.as_ref().map(|kept| kept.since.to_string())),
            ("retry-after", entry.retry_after.map(|at| at.to_string())),
            ("failure", entry.failure.clone()),
            ("written", entry.written.clone().filter(|_| entry.notified_at.is_none())),
        ];
        let numbers = [
            ("usd-per-hour", entry.usd_per_hour.map(|usd| usd.to_string())),
            ("usd-per-month", entry.usd_per_month.map(|usd| usd.to_string())),
            ("version", Some((entry.version + 1).to_string())),
            ("expires", Some((entry.last_seen + FINDING_KEPT).as_second().to_string())),
        ];
        Ok(item(texts, numbers))
    }
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
        // An earlier version wrote it as the tag had it. It is the same owner.
        owner: optional("owner").map(|owner| addresses(&owner).unwrap_or(owner)),
        team: optional("team"),
        state: state(&required("state")?)?,
        first_seen: time(item, "first-seen")?.context("`first-seen` is missing")?,
        last_seen: time(item, "last-seen")?.context("`last-seen` is missing")?,
        topic: optional("topic"),
        action: optional("action"),
        announced: optional("announced"),
        escalated_at: time(item, "escalated-at")?,
        notified_at: time(item, "notified-at")?,
        standing: time(item, "standing")?,
        act_after: time(item, "act-after")?,
        run: time(item, "run")?,
        stopped: time(item, "stopped")?,
        reason: optional("reason"),
        instance_type: optional("instance-type"),
        usd_per_hour: number(item, "usd-per-hour")?,
        usd_per_month: number(item, "usd-per-month")?,
        ends: time(item, "ends")?,
        kept: kept.map(|(value, since)| Kept { value, since }),
        retry_after: time(item, "retry-after")?,
        failure: optional("failure"),
        written: optional("written"),
        version: item.get("version").and_then(|value| value.as_n().ok()?.parse().ok()).context("`version` is missing")?,
    })
}

/// The entry of an item. An item that cannot be read (written by a newer version, or by hand) becomes an `Unreadable` entry, which is left alone. `None`: the
/// item has no key either.
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
        announced: None,
        escalated_at: None,
        notified_at: None,
        standing: None,
        act_after: None,
        run: None,
        stopped: None,
        reason: None,
        instance_type: None,
        usd_per_hour: None,
        usd_per_month: None,
        ends: None,
        kept: None,
        retry_after: None,
        failure: Some(error),
        written: None,
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

/// The number of these findings by rule, for the log.
pub(crate) fn by_rule(keys: &HashSet<FindingKey>) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key.rule.as_str()).or_default() += 1;
    }
    counts
}
