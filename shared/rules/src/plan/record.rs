//! What a run writes into the ledger.

use jiff::Timestamp;

use crate::plan::{
    close::Closed,
    entry::{Entry, FindingKey},
    saving::Saving,
};

/// What a run writes of one finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A finding, on top of the version that was read.
    Finding(Entry),
    /// A finding of which it is not known whether it is in the ledger: written if it is new, or if its owner was last notified by then.
    Claim(Entry, Timestamp),
    /// A finding that is gone, with what that saved: both or neither.
    Closed(Entry, Option<Saving>),
}

impl Record {
    /// What is written.
    pub const fn entry(&self) -> &Entry {
        match self {
            Self::Finding(entry) | Self::Claim(entry, _) | Self::Closed(entry, _) => entry,
        }
    }

    /// Under which key.
    pub fn key(&self) -> FindingKey {
        self.entry().key()
    }
}

impl From<&Closed> for Record {
    fn from(closed: &Closed) -> Self {
        Self::Closed(closed.entry.clone(), closed.saving.clone())
    }
}
