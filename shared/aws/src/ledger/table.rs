//! The table: a function's part of it, how it is read, and how items are built and parsed.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, anyhow};
use aws_sdk_dynamodb::{
    operation::put_item::{PutItemError, builders::PutItemFluentBuilder},
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem, builders::PutBuilder},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    clients::{Clients, why::why},
    context::{ACCOUNT_UNKNOWN, Context},
};

/// How long a finding is kept after it was last seen.
pub(super) const FINDING_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The most items in one transaction of DynamoDB.
pub(super) const TRANSACTION: usize = 100;

/// The upper limits of the pauses between attempts, in milliseconds.
const LONGEST_PAUSES_MS: [u64; 6] = [50, 100, 200, 400, 800, 1600];

/// The pauses between attempts: at the unprocessed rest of a batch, or at a transaction that conflicted with another one. Each has a random length up to its
/// limit ("full jitter"), so that two runs that conflicted do not conflict again at the next attempt.
pub(super) fn pauses(mut random: fastrand::Rng) -> impl Iterator<Item = Duration> {
    LONGEST_PAUSES_MS.into_iter().map(move |longest| Duration::from_millis(random.u64(..=longest)))
}

pub(super) type Item = HashMap<String, AttributeValue>;

/// One function's part of the table, in one account and Region.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    /// The clients.
    pub clients: &'a Clients,
    /// The table's name.
    pub table: &'a str,
    /// The function whose findings these are.
    pub function: &'a str,
    /// The account whose findings these are. `None`: it is not known, and the ledger can be neither read nor written.
    pub account: Option<&'a str>,
}

impl Context {
    /// The function's part of the ledger, in its own account and Region.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger { clients: &self.clients, table: &self.settings.table, function: self.function, account: self.account().ok() }
    }
}

impl Ledger<'_> {
    /// The partition key of the items of one kind. It contains the account and the Region, so that many of them can share one table.
    pub(super) fn pk(&self, kind: &str) -> anyhow::Result<String> {
        let account = self.account.context(ACCOUNT_UNKNOWN).with_context(|| format!("ledger table {}", self.table))?;
        Ok(format!("{kind}#{}#{account}#{}", self.function, self.clients.region))
    }

    /// The full key of an item: partition key and sort key.
    pub(super) fn key(&self, kind: &str, sk: &str) -> anyhow::Result<Item> {
        Ok(item([("pk", Some(self.pk(kind)?)), ("sk", Some(sk.to_owned()))], []))
    }

    /// All items of a partition.
    pub(super) async fn query(&self, kind: &str) -> anyhow::Result<Vec<Item>> {
        self.query_from(kind, "").await
    }

    /// The items of a partition from this sort key on.
    pub(super) async fn query_from(&self, kind: &str, from_sk: &str) -> anyhow::Result<Vec<Item>> {
        let call = self.clients.dynamodb.query().table_name(self.table).consistent_read(true);
        let call = call.expression_attribute_values(":pk", AttributeValue::S(self.pk(kind)?));
        let call = match from_sk {
            "" => call.key_condition_expression("pk = :pk"),
            from => call
                .key_condition_expression("pk = :pk AND sk >= :from")
                .expression_attribute_values(":from", AttributeValue::S(from.to_owned())),
        };
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

    /// The item with this sort key. `None`: there is none.
    pub(super) async fn one(&self, kind: &str, sk: &str) -> anyhow::Result<Option<Item>> {
        let key = self.key(kind, sk)?;
        let answer = self.clients.dynamodb.get_item().table_name(self.table).consistent_read(true).set_key(Some(key)).send().await;
        Ok(answer.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?.item)
    }

    /// The items of a partition that have these sort keys.
    pub(super) async fn batch(&self, kind: &str, sks: impl Iterator<Item = String>) -> anyhow::Result<Vec<Item>> {
        let keys: Vec<Item> = sks.map(|sk| self.key(kind, &sk)).collect::<anyhow::Result<_>>()?;
        let mut items = vec![];
        for keys in keys.chunks(100) {
            let mut asked = Some(self.keys(keys.to_vec())?);
            let mut pauses = pauses(fastrand::Rng::new());
            while let Some(keys) = asked.take() {
                let answer = self.clients.dynamodb.batch_get_item().request_items(self.table, keys).send().await;
                let answer = answer.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
                items.extend(answer.responses.unwrap_or_default().remove(self.table).unwrap_or_default());
                asked = answer.unprocessed_keys.and_then(|mut rest| rest.remove(self.table));
                if asked.is_some() {
                    let pause = pauses
                        .next()
                        .with_context(|| format!("ledger table {}: DynamoDB leaves keys unprocessed again and again", self.table))?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        Ok(items)
    }

    fn keys(&self, keys: Vec<Item>) -> anyhow::Result<KeysAndAttributes> {
        let built = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build();
        built.with_context(|| format!("ledger table {}", self.table))
    }

    /// Writes an item without a condition.
    pub(super) async fn put_one(&self, item: Item) -> anyhow::Result<()> {
        let sent = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item)).send().await;
        sent.map(drop).map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))
    }

    /// Sends a conditional write. `false`: its condition did not hold, and nothing was written.
    pub(super) async fn put_if(&self, put: PutItemFluentBuilder) -> anyhow::Result<bool> {
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => Ok(false),
            Err(error) => Err(anyhow!("ledger table {}: {}", self.table, why(&error))),
        }
    }

    /// Writes items without a condition. A single one needs no transaction, which costs twice as much.
    pub(super) async fn put_all(&self, items: Vec<Item>) -> anyhow::Result<()> {
        if let [one] = &items[..] {
            return self.put_one(one.clone()).await;
        }
        for chunk in items.chunks(TRANSACTION) {
            let put = |item: &Item| Ok(TransactWriteItem::builder().put(self.put(item.clone()).build()?).build());
            let puts: Vec<TransactWriteItem> = chunk.iter().map(put).collect::<anyhow::Result<_>>()?;
            let sent = self.clients.dynamodb.transact_write_items().set_transact_items(Some(puts)).send().await;
            sent.map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))?;
        }
        Ok(())
    }

    pub(super) fn put(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(self.table).set_item(Some(item))
    }
}

pub(super) fn item<'k>(
    texts: impl IntoIterator<Item = (&'k str, Option<String>)>,
    numbers: impl IntoIterator<Item = (&'k str, Option<String>)>,
) -> Item {
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), AttributeValue::S(value?))));
    let numbers = numbers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), AttributeValue::N(value?))));
    texts.chain(numbers).collect()
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A stage as it is stored: its name in JSON.
pub(super) fn stage_text(stage: impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_value(stage)?.as_str().unwrap_or_default().to_owned())
}

pub(super) fn number(item: &Item, name: &str) -> anyhow::Result<Option<Decimal>> {
    match item.get(name).and_then(|value| value.as_n().ok()) {
        Some(number) => number.parse().map(Some).with_context(|| format!("`{name}` is `{number}`")),
        None => Ok(None),
    }
}

pub(super) fn time(item: &Item, name: &str) -> anyhow::Result<Option<Timestamp>> {
    text(item, name).map(|time| time.parse().with_context(|| format!("`{name}` is `{time}`"))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_of_any_length_up_to_its_longest() {
        let of = |seed| pauses(fastrand::Rng::with_seed(seed)).collect::<Vec<_>>();
        let runs: Vec<Vec<Duration>> = (0..100).map(of).collect();
        for (index, longest) in LONGEST_PAUSES_MS.into_iter().map(Duration::from_millis).enumerate() {
            let pauses = || runs.iter().map(|run| run[index]);
            assert!(pauses().all(|pause| pause <= longest));
            assert!(pauses().any(|pause| pause < longest / 4) && pauses().any(|pause| longest * 3 / 4 < pause), "attempt {index}");
        }
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2), "two runs that met");
    }
}
