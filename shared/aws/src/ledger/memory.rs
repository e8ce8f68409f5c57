//! Further items of the ledger: the creators of resources, and cached values.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use cost_rules::facts::Creator;
use jiff::{SignedDuration, Timestamp};

use super::table::{Item, Ledger, item, text};

/// The function that hears of creations and records the creators, for all functions.
const RECORDER: &str = "tag-auditor";

/// How long the creator of a resource is kept.
const CREATOR_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

impl Ledger<'_> {
    /// Records the creator of a resource.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn remember_creator(&self, id: &str, creator: &Creator, now: Timestamp) -> anyhow::Result<()> {
        let texts = [
            ("pk", Some(self.pk("creator")?)),
            ("sk", Some(id.to_owned())),
            ("user", Some(creator.user.clone())),
            ("maker", Some(creator.maker.clone())),
        ];
        let numbers = [("expires", Some((now + CREATOR_KEPT).as_second().to_string()))];
        self.put_one(item(texts, numbers)).await
    }

    /// The creators of these resources that tag-auditor recorded, by id.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn creators(&self, ids: impl Iterator<Item = String>) -> anyhow::Result<HashMap<String, Creator>> {
        let items = Ledger { function: RECORDER, ..*self }.batch("creator", ids).await?;
        let creator = |item: &Item| {
            let maker = text(item, "maker").unwrap_or_default().to_owned();
            Some((text(item, "sk")?.to_owned(), Creator { user: text(item, "user")?.to_owned(), maker }))
        };
        Ok(items.iter().filter_map(creator).collect())
    }

    /// A cached value, and when it was cached. `None`: it is not cached.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn kept(&self, name: &str) -> anyhow::Result<Option<(Timestamp, String)>> {
        let cached = self.one("cache", name).await?;
        Ok(cached.and_then(|item| Some((text(&item, "at")?.parse().ok()?, text(&item, "what").unwrap_or_default().to_owned()))))
    }

    /// Which of these names have a cached value.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn are_kept(&self, names: impl Iterator<Item = String>) -> anyhow::Result<HashSet<String>> {
        Ok(self.batch("cache", names).await?.iter().filter_map(|item| text(item, "sk").map(str::to_owned)).collect())
    }

    /// All cached values by name, each with the time when it was cached.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn all_kept(&self) -> anyhow::Result<HashMap<String, (Timestamp, String)>> {
        let cached = |item: &Item| {
            let what = text(item, "what").unwrap_or_default().to_owned();
            Some((text(item, "sk")?.to_owned(), (text(item, "at")?.parse().ok()?, what)))
        };
        Ok(self.query("cache").await?.iter().filter_map(cached).collect())
    }

    /// Caches a value, without an expiry.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn keep(&self, name: &str, what: &str, now: Timestamp) -> anyhow::Result<()> {
        self.put_one(self.kept_item(name, what, now)?).await
    }

    /// Caches a value for this long.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn keep_for(&self, name: &str, what: &str, now: Timestamp, long: SignedDuration) -> anyhow::Result<()> {
        self.put_one(self.item_kept_for(name, what, now, long)?).await
    }

    /// Remembers these names for this long, many in one call ([`Self::are_kept`] asks for them).
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn keep_names_for(&self, names: impl Iterator<Item = String>, now: Timestamp, long: SignedDuration) -> anyhow::Result<()> {
        self.put_all(names.map(|name| self.item_kept_for(&name, "", now, long)).collect::<anyhow::Result<_>>()?).await
    }

    fn item_kept_for(&self, name: &str, what: &str, now: Timestamp, long: SignedDuration) -> anyhow::Result<Item> {
        let mut item = self.kept_item(name, what, now)?;
        item.insert("expires".to_owned(), AttributeValue::N((now + long).as_second().to_string()));
        Ok(item)
    }

    fn kept_item(&self, name: &str, what: &str, now: Timestamp) -> anyhow::Result<Item> {
        let mut item = self.key("cache", name)?;
        item.insert("at".to_owned(), AttributeValue::S(now.to_string()));
        item.insert("what".to_owned(), AttributeValue::S(what.to_owned()));
        Ok(item)
    }
}
