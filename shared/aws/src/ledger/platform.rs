//! What the platform's summary is made of: the mails that were sent, what went wrong in runs, and since when the summary takes the place of the mails.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cost_rules::mail::{Digest, MONTH, Sent, Trouble};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use super::table::{Item, Ledger, item, text, time};

/// The items of mails that were sent.
const SENT: &str = "sent";

/// The item among them that says since when the summary takes the place of the mails. It sorts behind all times, so that one query finds both.
const BEGAN: &str = "summary-began";

/// The items of what went wrong.
const TROUBLE: &str = "trouble";

/// Sorts behind everything that was noted at a time: `#` stands behind the time.
const AFTER: char = '$';

/// How long what happened is kept: a day longer than the longest period that is asked for.
const KEPT: SignedDuration = SignedDuration::from_hours(24).saturating_add(MONTH);

impl Ledger<'_> {
    /// Since when the summary takes the place of the mails. `None`: it does not.
    ///
    /// # Errors
    /// The table cannot be read.
    pub(crate) async fn summary_began(&self) -> anyhow::Result<Option<Timestamp>> {
        let items = self.of_reader().batch(SENT, std::iter::once(BEGAN.to_owned())).await?;
        items.first().map_or(Ok(None), |item| time(item, "at"))
    }

    /// Records that the summary takes the place of the mails from now on.
    ///
    /// # Errors
    /// The table cannot be written.
    pub(crate) async fn begin_summary(&self, now: Timestamp) -> anyhow::Result<()> {
        let mut began = self.of_reader().key(SENT, BEGAN)?;
        began.insert("at".to_owned(), AttributeValue::S(now.to_string()));
        self.put_one(began).await
    }

    /// The mails that all functions sent since a time. `None`: the summary takes their place already.
    ///
    /// # Errors
    /// The table cannot be read.
    pub(crate) async fn sent_unless_began(&self, since: Timestamp) -> anyhow::Result<Option<Vec<Sent>>> {
        let items = self.items_since(SENT, since).await?;
        let has_begun = items.iter().any(|item| text(item, "sk") == Some(BEGAN));
        Ok((!has_begun).then(|| items.iter().filter_map(parsed).collect()))
    }

    /// Records the mails that were sent. The platform's summary is none of them.
    ///
    /// # Errors
    /// The table cannot be written.
    pub(crate) async fn note_sent(&self, digests: &[&Digest], now: Timestamp) -> anyhow::Result<()> {
        let items = digests.iter().filter_map(|digest| {
            let sent = Sent { owner: digest.owner.clone(), told: digest.told? };
            Some(self.noted(SENT, format!("{now}#{}#{}", self.function, digest.owner), &sent, now))
        });
        self.put_all(items.collect::<anyhow::Result<_>>()?).await
    }

    /// The mails that all functions sent since a time.
    ///
    /// # Errors
    /// The table cannot be read.
    pub(crate) async fn sent_since(&self, since: Timestamp) -> anyhow::Result<Vec<Sent>> {
        self.noted_since(SENT, since).await
    }

    /// Records what went wrong in a run, in one item for each cause and day. Of two runs at the same time, one may not be counted.
    ///
    /// # Errors
    /// The table cannot be read or written.
    pub(crate) async fn note_troubles(&self, troubles: Vec<Trouble>, now: Timestamp) -> anyhow::Result<()> {
        let known = self.of_reader().batch(TROUBLE, troubles.iter().map(Trouble::key)).await?;
        let known: HashMap<String, Trouble> = known.iter().filter_map(parsed).map(|one: Trouble| (one.key(), one)).collect();
        let items = troubles.into_iter().map(|one| {
            let key = one.key();
            let all = known.get(&key).map_or_else(|| one.clone(), |before| one.clone().after(before));
            self.noted(TROUBLE, key, &all, now)
        });
        self.put_all(items.collect::<anyhow::Result<_>>()?).await
    }

    /// What went wrong in runs of all functions since a time, by day. It was first seen before that if it is a cause of the whole day.
    ///
    /// # Errors
    /// The table cannot be read.
    pub(crate) async fn troubles_since(&self, since: Timestamp) -> anyhow::Result<Vec<Trouble>> {
        let items = self.of_reader().query_from(TROUBLE, &Trouble::keys_from(since)).await?;
        Ok(items.iter().filter_map(parsed).filter(|one: &Trouble| since < one.last()).collect())
    }

    fn noted(&self, kind: &str, sk: String, what: &impl Serialize, now: Timestamp) -> anyhow::Result<Item> {
        let texts = [("pk", Some(self.of_reader().pk(kind)?)), ("sk", Some(sk)), ("what", Some(serde_json::to_string(what)?))];
        Ok(item(texts, [("expires", Some((now + KEPT).as_second().to_string()))]))
    }

    /// What was noted by runs that began after a time.
    async fn noted_since<T: DeserializeOwned>(&self, kind: &str, since: Timestamp) -> anyhow::Result<Vec<T>> {
        Ok(self.items_since(kind, since).await?.iter().filter_map(parsed).collect())
    }

    async fn items_since(&self, kind: &str, since: Timestamp) -> anyhow::Result<Vec<Item>> {
        self.of_reader().query_from(kind, &format!("{since}{AFTER}")).await
    }
}

/// What an item notes. `None`: another version wrote it in another way. It is left out: it is only told, and nothing depends on it.
fn parsed<T: DeserializeOwned>(item: &Item) -> Option<T> {
    serde_json::from_str(text(item, "what")?).ok()
}
