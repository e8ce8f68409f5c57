//! What the platform's summary is made of: the mails that were sent, what went wrong in runs, and since when the summary takes the place of the mails.

use cost_rules::mail::{Digest, MONTH, Sent, Trouble};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use super::table::{Item, Ledger, item, text};

/// The name of the item that says since when the summary takes the place of the mails.
const BEGAN: &str = "platform-summary";

/// The items of mails that were sent.
const SENT: &str = "sent";

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
        Ok(self.of_reader().kept(BEGAN).await?.map(|(at, _)| at))
    }

    /// Records that the summary takes the place of the mails from now on.
    ///
    /// # Errors
    /// The table cannot be written.
    pub(crate) async fn begin_summary(&self, now: Timestamp) -> anyhow::Result<()> {
        self.of_reader().keep(BEGAN, "", now).await
    }

    /// Records the mails that were sent. The platform's summary is none of them.
    ///
    /// # Errors
    /// The table cannot be written.
    pub(crate) async fn note_sent(&self, digests: &[&Digest], now: Timestamp) -> anyhow::Result<()> {
        let items = digests.iter().filter_map(|digest| {
            let sent = Sent { owner: digest.owner.clone(), told: digest.told? };
            Some(self.noted(SENT, &format!("{}#{}", self.function, digest.owner), &sent, now))
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

    /// Records what went wrong in a run.
    ///
    /// # Errors
    /// The table cannot be written.
    pub(crate) async fn note_trouble(&self, trouble: &Trouble, now: Timestamp) -> anyhow::Result<()> {
        self.put_one(self.noted(TROUBLE, self.function, trouble, now)?).await
    }

    /// What went wrong in runs of all functions since a time, oldest first.
    ///
    /// # Errors
    /// The table cannot be read.
    pub(crate) async fn troubles_since(&self, since: Timestamp) -> anyhow::Result<Vec<Trouble>> {
        self.noted_since(TROUBLE, since).await
    }

    fn noted(&self, kind: &str, of: &str, what: &impl Serialize, now: Timestamp) -> anyhow::Result<Item> {
        let texts =
            [("pk", Some(self.of_reader().pk(kind)?)), ("sk", Some(format!("{now}#{of}"))), ("what", Some(serde_json::to_string(what)?))];
        Ok(item(texts, [("expires", Some((now + KEPT).as_second().to_string()))]))
    }

    /// What was noted by runs that began after a time. What another version wrote in another way is left out: it is only told, and nothing depends on it.
    async fn noted_since<T: DeserializeOwned>(&self, kind: &str, since: Timestamp) -> anyhow::Result<Vec<T>> {
        let items = self.of_reader().query_from(kind, &format!("{since}{AFTER}")).await?;
        Ok(items.iter().filter_map(|item| serde_json::from_str(text(item, "what")?).ok()).collect())
    }
}
