//! What a run writes into the ledger.

use jiff::Timestamp;

use crate::plan::{
    close::Closed,
    entry::{Entry, FindingKey},
    saving::Saving,
};

/// What a run writes into the ledger about one finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A finding. It is written only if the ledger still has the version that was read.
    Finding(Entry),
    /// A finding that was not read from the ledger. It is written if the ledger does not have it, or if it is only reported or closed and its owner was
    /// last notified at this time or earlier.
    Claim(Entry, Timestamp),
    /// A finding that is gone, with what that saved. Both are written, or neither.
    Closed(Entry, Option<Saving>),
}

impl Record {
    /// The entry that is written.
    pub const fn entry(&self) -> &Entry {
        match self {
            Self::Finding(entry) | Self::Claim(entry, _) | Self::Closed(entry, _) => entry,
        }
    }

    /// The key of the entry.
    pub fn key(&self) -> FindingKey {
        self.entry().key()
    }
}

impl From<&Closed> for Record {
    fn from(closed: &Closed) -> Self {
        Self::Closed(closed.entry.clone(), closed.saving.clone())
    }
}
