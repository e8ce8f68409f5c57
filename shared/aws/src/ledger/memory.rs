//! What else is remembered in the ledger: who created a resource, and what is read seldom.

use std::collections::HashMap;

use anyhow::anyhow;
use aws_sdk_dynamodb::types::AttributeValue;
use cost_rules::facts::Creator;
use jiff::{SignedDuration, Timestamp};

use super::table::{Item, Ledger, item, text};
use crate::clients::why::why;

/// How long it is remembered who created a resource.
const CREATOR_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

impl Ledger<'_> {
    /// Remembers who created a resource.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn remember_creator(&self, id: &str, creator: &Creator, now: Timestamp) -> anyhow::Result<()> {
        let texts = [("pk", Some(self.pk("creator")?)), ("sk", Some(id.to_owned())), ("user", Some(creator.user.clone()))];
        let numbers = [("expires", Some((now + CREATOR_KEPT).as_second().to_string()))];
        let sent = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item(texts, numbers))).send().await;
        sent.map(drop).map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))
    }

    /// Who created these resources, by id, where that is remembered.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn creators(&self, ids: impl Iterator<Item = String>) -> anyhow::Result<HashMap<String, Creator>> {
        let items = self.batch("creator", ids).await?;
        let creator = |item: &Item| Some((text(item, "sk")?.to_owned(), Creator { user: text(item, "user")?.to_owned() }));
        Ok(items.iter().filter_map(creator).collect())
    }

    /// When something that is read seldom was read last, and what was kept of it.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn kept(&self, name: &str) -> anyhow::Result<Option<(Timestamp, String)>> {
        let call = self.clients.dynamodb.get_item().table_name(self.table).consistent_read(true).set_key(Some(self.key("cache", name)?));
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
        Ok(self.query("cache").await?.iter().filter_map(kept).collect())
    }

    /// Remembers that something that is read seldom was read now, and what is to be kept of it.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn keep(&self, name: &str, what: &str, now: Timestamp) -> anyhow::Result<()> {
        self.put_kept(self.kept_item(name, what, now)?).await
    }

    /// The same, for so long.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn keep_for(&self, name: &str, what: &str, now: Timestamp, long: SignedDuration) -> anyhow::Result<()> {
        let mut item = self.kept_item(name, what, now)?;
        item.insert("expires".to_owned(), AttributeValue::N((now + long).as_second().to_string()));
        self.put_kept(item).await
    }

    fn kept_item(&self, name: &str, what: &str, now: Timestamp) -> anyhow::Result<Item> {
        let mut item = self.key("cache", name)?;
        item.insert("at".to_owned(), AttributeValue::S(now.to_string()));
        item.insert("what".to_owned(), AttributeValue::S(what.to_owned()));
        Ok(item)
    }

    async fn put_kept(&self, item: Item) -> anyhow::Result<()> {
        let sent = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item)).send().await;
        sent.map(drop).map_err(|error| anyhow!("ledger table {}: {}", self.table, why(&error)))
    }
}
