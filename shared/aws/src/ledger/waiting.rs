//! What owners are told later: notifications that wait in the ledger, and when each owner was last mailed. cost-reporter mails them.

use std::collections::HashMap;

use anyhow::anyhow;
use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata as _,
    types::{AttributeValue, Put},
};
use cost_rules::mail::{Mailed, Notification, Regular, Waiting};
use jiff::{SignedDuration, Timestamp};

use super::table::{Item, Ledger, item, text, time};
use crate::clients::why::why;

/// The function that mails what waits. The items are in its part of the ledger.
const READER: &str = "cost-reporter";

/// How long a notification is kept. It is mailed within a week, or after holidays.
const NOTIFICATION_KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);

impl Ledger<'_> {
    pub(super) fn of_reader(&self) -> Self {
        Ledger { function: READER, ..*self }
    }

    /// Leaves notifications for the owners' next regular mails.
    ///
    /// # Errors
    /// The table cannot be written. Some of them may be.
    pub async fn leave(&self, notifications: &[Notification], now: Timestamp) -> anyhow::Result<()> {
        let ledger = self.of_reader();
        self.put_all(notifications.iter().map(|one| ledger.waiting_item(one, now)).collect::<anyhow::Result<_>>()?).await
    }

    pub(super) fn waiting_put(&self, one: &Notification, now: Timestamp) -> anyhow::Result<Put> {
        let ledger = self.of_reader();
        Ok(ledger.put(ledger.waiting_item(one, now)?).build()?)
    }

    fn waiting_item(&self, one: &Notification, now: Timestamp) -> anyhow::Result<Item> {
        let finding = one.findings.first().map_or_else(String::new, |key| format!("{}#{}", key.rule, key.id));
        let texts = [
            ("pk", Some(self.pk("waiting")?)),
            ("sk", Some(format!("{now}#{}#{finding}", one.function))),
            ("since", Some(now.to_string())),
            ("what", Some(serde_json::to_string(one)?)),
        ];
        Ok(item(texts, [("expires", Some((now + NOTIFICATION_KEPT).as_second().to_string()))]))
    }

    /// All notifications that are kept, also those that were mailed.
    ///
    /// # Errors
    /// The table cannot be read, or a notification in it.
    pub async fn waiting(&self) -> anyhow::Result<Vec<Waiting>> {
        let waiting = |item: &Item| {
            let what = text(item, "what").unwrap_or_default();
            let notification =
                serde_json::from_str(what).map_err(|error| anyhow!("ledger item {}: {error}", text(item, "sk").unwrap_or_default()))?;
            let since =
                time(item, "since")?.ok_or_else(|| anyhow!("ledger item {}: `since` is missing", text(item, "sk").unwrap_or_default()))?;
            Ok(Waiting { notification, since })
        };
        self.of_reader().query("waiting").await?.iter().map(waiting).collect()
    }

    /// Until when each owner was mailed what waited.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn mailed(&self) -> anyhow::Result<HashMap<String, Mailed>> {
        let mut mailed: HashMap<String, Mailed> = HashMap::new();
        for item in &self.of_reader().query("mailed").await? {
            let Some((regular, owner)) = text(item, "sk").and_then(|sk| sk.split_once('#')) else { continue };
            let of_owner = mailed.entry(owner.to_owned()).or_default();
            match regular {
                DAILY => of_owner.daily = time(item, "until")?,
                WEEKLY => of_owner.weekly = time(item, "until")?,
                PLATFORM => of_owner.platform = time(item, "until")?,
                _ => {}
            }
        }
        Ok(mailed)
    }

    /// Records that an owner is mailed now what waited until a time. `false`: another run mails it.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn claim_mail(&self, owner: &str, regular: Regular, until: Timestamp) -> anyhow::Result<bool> {
        // If the answer is lost, the call is sent again, and meets its own item.
        let claim = AttributeValue::S(fastrand::u64(..).to_string());
        let mut item = self.mailed_item(owner, regular, Some(until))?;
        item.insert("claim".to_owned(), claim.clone());
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item));
        let put = put
            .condition_expression("attribute_not_exists(#until) OR #until < :until OR #claim = :claim")
            .expression_attribute_names("#until", "until")
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_values(":claim", claim)
            .expression_attribute_values(":until", AttributeValue::S(until.to_string()));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(anyhow!("ledger table {}: {}", self.table, why(&error))),
        }
    }

    /// Takes back a claim, because the mail was not sent. `before`: until when the owner was mailed before.
    ///
    /// # Errors
    /// The table cannot be written. Then the owner is not mailed what waited.
    pub async fn take_back_mail(&self, owner: &str, regular: Regular, before: Option<Timestamp>) -> anyhow::Result<()> {
        self.put_one(self.mailed_item(owner, regular, before)?).await
    }

    fn mailed_item(&self, owner: &str, regular: Regular, until: Option<Timestamp>) -> anyhow::Result<Item> {
        let name = match regular {
            Regular::Daily => DAILY,
            Regular::Weekly => WEEKLY,
            Regular::Platform => PLATFORM,
        };
        let pk = self.of_reader().pk("mailed")?;
        Ok(item([("pk", Some(pk)), ("sk", Some(format!("{name}#{owner}"))), ("until", until.map(|at| at.to_string()))], []))
    }
}

const DAILY: &str = "daily";
const WEEKLY: &str = "weekly";
const PLATFORM: &str = "platform";
