//! How an action ended, and what its owner is notified of.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::{remedy::Remedy, rules::verdict::Severity};

/// How the actions of a run ended. Two remedies on one resource are two actions; one that two rules asked for is one.
pub type Outcomes = HashMap<(String, Remedy), Outcome>;

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

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It was so already.
    AlreadyDone(String),
    /// It is over, and there is more to say of it.
    Over(End),
    /// The resource is gone.
    Gone,
    /// Not done, because the resource is no longer what was judged.
    Skipped(String),
    /// It may have been done: no answer came.
    Unknown(String),
    /// Not done: AWS refused, for this reason.
    Failed(String),
    /// Not done, for this reason, which stays: it is not tried again.
    GivenUp(String),
    /// Submitted again and not stopped: two jobs do the same work.
    Doubled {
        /// Why.
        why: String,
        /// What its owner can do.
        advice: String,
    },
    /// AWS refused to submit it again, for this reason: the job goes on as it is, and this is the definition for whoever wants to do it.
    NotResubmitted {
        /// Why.
        why: String,
        /// As `CreateTrainingJob` takes it: JSON.
        definition: String,
    },
}

impl Outcome {
    /// As it stands in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done | Self::Over(End::Stopped(_) | End::NotNeeded(_) | End::Replaced(_)) => "done",
            Self::AlreadyDone(_) | Self::Gone | Self::Over(End::ByItself(_)) => "already-done",
            Self::Skipped(_) | Self::Unknown(_) => "skipped",
            Self::Failed(_) | Self::GivenUp(_) | Self::Doubled { .. } | Self::NotResubmitted { .. } => "failed",
        }
    }

    /// Why, where there is something to say.
    pub fn detail(&self) -> &str {
        match self {
            Self::Done | Self::Over(End::Stopped(None)) => "",
            Self::Gone => "it is gone",
            Self::Over(End::Stopped(Some(what)) | End::NotNeeded(what) | End::Replaced(what) | End::ByItself(what)) => what,
            Self::AlreadyDone(why)
            | Self::Skipped(why)
            | Self::Unknown(why)
            | Self::Failed(why)
            | Self::GivenUp(why)
            | Self::Doubled { why, .. }
            | Self::NotResubmitted { why, .. } => why,
        }
    }

    /// Whether what was found is no more, by this or already.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::AlreadyDone(_) | Self::Over(_) | Self::Gone)
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        (self.name() == "failed").then(|| self.detail())
    }
}
