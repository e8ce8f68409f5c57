//! How an action ended, and what its owner is told.

use jiff::Timestamp;

use crate::rules::verdict::Severity;

/// What happened, in the order in which it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// The guard could not stop it or submit it again, for this reason, and tries again.
    Failed(String),
    /// The guard submitted it again and could not stop it, for this reason: two jobs do the same work.
    Doubled(String),
    /// The guard could not, for this reason, and tries no more.
    GivenUp(String),
    /// It will be stopped then.
    Warning(Timestamp),
    /// It is over.
    Done(End),
    /// It still is waste, since then, which is for its team to hear.
    Escalation(Timestamp),
    /// It is waste.
    Found,
    /// It still is, since then.
    Reminder(Timestamp),
}

/// How something came to its end that the guard was to stop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The guard stopped it, or found it stopped: with what there is to say of that.
    Stopped(Option<String>),
    /// The guard stopped it because its Spot job, this one, has done its work.
    NotNeeded(String),
    /// The guard stopped it, and its work is this Spot job's now.
    Replaced(String),
    /// By itself, with what there is to say of that.
    ByItself(String),
}

impl News {
    pub(crate) const fn severity(&self) -> Severity {
        match self {
            Self::Failed(_) | Self::Doubled(_) => Severity::Critical,
            Self::GivenUp(_) | Self::Warning(_) | Self::Escalation(_) => Severity::Warning,
            Self::Done(_) | Self::Found | Self::Reminder(_) => Severity::Info,
        }
    }
}
