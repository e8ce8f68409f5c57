//! How an action ended, and what its owner is notified of.

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{remedy::Remedy, rules::verdict::Severity};

/// How the actions of a run ended, by resource id and remedy. Two remedies on one resource are two actions. A remedy that two rules ask for is one action.
pub type Outcomes = HashMap<(String, Remedy), Outcome>;

/// What an owner is notified of, in the order in which a mail lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// The guard's action failed for this reason, and the guard tries again.
    Failed(String),
    /// The guard submitted it again but could not stop it, for this reason: two jobs do the same work.
    Doubled(String),
    /// The guard's action failed for this reason, and the guard does not try again.
    GivenUp(String),
    /// AWS refused to submit it again as Spot, for this reason. It goes on as it is, and the guard tries again.
    Refused(String),
    /// The guard will act at this time.
    Warning(Timestamp),
    /// It is over, in this way.
    Done(End),
    /// It is still waste, since this time, and now its team is notified too.
    Escalation(Timestamp),
    /// It is waste.
    Found,
    /// It is still waste, since this time.
    Reminder(Timestamp),
}

/// How a resource that the guard had to stop has ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// AWS has accepted the guard's stop, or an earlier one as the note says. It is not stopped yet.
    Stopping(Option<String>),
    /// The guard stopped it or found it stopped, with a note for the owner if there is one.
    Stopped(Option<String>),
    /// The guard stopped it because this Spot job has completed its work.
    NotNeeded(String),
    /// The guard stopped it, and this Spot job does its work now.
    Replaced(String),
    /// It ended by itself, with a note for the owner.
    ByItself(String),
}

impl News {
    pub(crate) const fn severity(&self) -> Severity {
        match self {
            Self::Failed(_) | Self::Doubled(_) => Severity::Critical,
            Self::GivenUp(_) | Self::Refused(_) | Self::Warning(_) | Self::Escalation(_) => Severity::Warning,
            Self::Done(_) | Self::Found | Self::Reminder(_) => Severity::Info,
        }
    }
}

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It was already done, as this text says.
    AlreadyDone(String),
    /// It has ended, in this way.
    Over(End),
    /// The resource is gone.
    Gone,
    /// Not done, because the resource is no longer what was judged.
    Skipped(String),
    /// Not known whether it was done, for this reason, for example because AWS did not answer.
    Unknown(String),
    /// Not done: AWS refused, for this reason.
    Failed(String),
    /// Not done, for this permanent reason: it is not tried again.
    GivenUp(String),
    /// Submitted again but not stopped: two jobs do the same work.
    Doubled {
        /// Why it could not be stopped.
        why: String,
        /// What its owner can do.
        advice: String,
    },
    /// AWS refused to submit it again. The job continues as it is, and its owner gets the definition.
    NotResubmitted {
        /// Why AWS refused.
        why: String,
        /// The definition as `CreateTrainingJob` takes it: JSON.
        definition: String,
    },
}

/// In short, how an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The guard did it.
    Done,
    /// It was already so.
    AlreadyDone,
    /// Nothing was done: the next run looks at it.
    Skipped,
    /// AWS refused it.
    Failed,
}

impl Outcome {
    /// Its name in the report.
    pub const fn name(&self) -> &'static str {
        match self.ended() {
            Ended::Done => "done",
            Ended::AlreadyDone => "already-done",
            Ended::Skipped => "skipped",
            Ended::Failed => "failed",
        }
    }

    /// In short, how it ended.
    pub const fn ended(&self) -> Ended {
        match self {
            Self::Done | Self::Over(End::Stopping(None) | End::Stopped(_) | End::NotNeeded(_) | End::Replaced(_)) => Ended::Done,
            Self::AlreadyDone(_) | Self::Gone | Self::Over(End::Stopping(Some(_)) | End::ByItself(_)) => Ended::AlreadyDone,
            Self::Skipped(_) | Self::Unknown(_) => Ended::Skipped,
            Self::Failed(_) | Self::GivenUp(_) | Self::Doubled { .. } | Self::NotResubmitted { .. } => Ended::Failed,
        }
    }

    /// The reason or the note. Empty: there is none.
    pub fn detail(&self) -> &str {
        match self {
            Self::Done | Self::Over(End::Stopping(None) | End::Stopped(None)) => "",
            Self::Gone => "it is gone",
            Self::Over(
                End::Stopping(Some(what)) | End::Stopped(Some(what)) | End::NotNeeded(what) | End::Replaced(what) | End::ByItself(what),
            ) => what,
            Self::AlreadyDone(why)
            | Self::Skipped(why)
            | Self::Unknown(why)
            | Self::Failed(why)
            | Self::GivenUp(why)
            | Self::Doubled { why, .. }
            | Self::NotResubmitted { why, .. } => why,
        }
    }

    /// Whether the waste has ended, by this action or before it.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::AlreadyDone(_) | Self::Over(_) | Self::Gone)
    }

    /// Why it failed. `None`: it did not fail.
    pub fn failure(&self) -> Option<&str> {
        (self.ended() == Ended::Failed).then(|| self.detail())
    }
}
