//! What a rule says of one resource, and all that the rules say of the account.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    duration::Duration,
    facts::{AppHome, Resource, Unread},
    policy::Tightening,
};

/// What a rule says of one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// No waste that this rule knows.
    Fine,
    /// Waste.
    Waste(Box<Waste>),
    /// It would be waste, but this speaks against doing anything about it. It is in the report, and nobody is mailed.
    LeftAlone(String),
    /// It is on its way to another state: nothing is done, and what is in the ledger stays as it is until it has come there.
    Later,
    /// A fact is missing, this one. Nothing is done, and what is in the ledger stays as it is.
    Unknown(String),
}

/// The waste that a rule found, in the rule's own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waste {
    /// Why it is waste, with the numbers: observed and limit. A sentence without its final period.
    pub reason: String,
    /// What a person can do about it, beside what the guard would do. May have several lines.
    pub advice: Option<String>,
    /// USD per hour that it costs; `None`: no price known, or not billed by the hour.
    pub usd_per_hour: Option<Decimal>,
    /// USD per month that it costs if nothing changes, of a job at most until its time limit; `None`: no price known.
    pub usd_per_month: Option<Decimal>,
    /// When the waste would end by itself (working hours begin): what is saved is counted until then.
    pub ends: Option<Timestamp>,
    /// What a person can do once the guard has stopped it, where that is another thing than before.
    pub after_stop: Option<String>,
    /// The working hours that it is judged by, with their time zone: what its owner may change by a tag. Only where that would help.
    pub hours: Option<String>,
    /// What the guard can do about it.
    pub remedy: Remedy,
    /// What its owner was told of: when it becomes another, its owner is told anew.
    pub topic: Option<String>,
    /// How urgently its mail is to be read, while the guard does nothing about it.
    pub severity: Severity,
    /// What a subject says of it, as the end of "churn …" and of "3 resources …"; `None`: that it needs a look.
    pub headline: Option<&'static str>,
    /// The whole subject, where its name is not the best beginning: it is told by itself.
    pub subject: Option<String>,
    /// What there is to know beyond the reason: lines, as its mail has them.
    pub details: Vec<String>,
    /// What its owner can do so that the guard does nothing, as the end of "unless you …"; `None`: keep it.
    pub instead: Option<&'static str>,
}

/// A topic that has levels: of two of the same series, only the higher one is news ([`is_news`]).
pub fn leveled(series: &str, level: Decimal) -> String {
    format!("{series}{LEVEL}{}", level.normalize())
}

const LEVEL: &str = " at ";

/// Whether who was told of one topic has to be told of another.
pub fn is_news(told: Option<&str>, now: Option<&str>) -> bool {
    let level = |topic: Option<&str>| {
        let (series, level) = topic?.rsplit_once(LEVEL)?;
        Some((series.to_owned(), level.parse::<Decimal>().ok()?))
    };
    match (level(told), level(now)) {
        (Some((told, before)), Some((now, level))) if told == now => before < level,
        _ => told != now,
    }
}

/// How urgently a mail is to be read: its message attribute `severity`, by which a subscription can filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be looked at some time.
    #[default]
    Info,
    /// Something will be stopped, or is done twice.
    Warning,
    /// Something could not be stopped, or work is lost.
    Critical,
}

impl Severity {
    /// As the attribute spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What the guard can do about waste, where the policy says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: its owner has to.
    #[default]
    None,
    /// `StopNotebookInstance`: the volume and what is on it stay.
    StopNotebook,
    /// `DeleteApp`: the space or profile and its files stay, what is only in memory is lost.
    DeleteApp {
        /// The domain's id.
        domain: String,
        /// The space or the user profile.
        home: AppHome,
        /// As the API spells it.
        app_type: String,
        /// The app's name.
        app_name: String,
    },
    /// `StopTrainingJob`: its artifacts so far may be kept, what it has not written is lost.
    StopTrainingJob,
    /// `CreateTrainingJob` of the same work on managed Spot, then `StopTrainingJob` of this one.
    ResubmitAsSpot(SpotTerms),
    /// `StopHyperParameterTuningJob`: its training jobs are stopped with it, the ended ones' results are kept.
    StopTuningJob,
    /// `StopProcessingJob`: what it has not written to S3 is lost.
    StopProcessingJob,
    /// `StopTransformJob`: what it has not written to S3 is lost.
    StopTransformJob,
    /// `StopAutoMLJob`: the candidates that it has so far are kept.
    StopAutoMlJob,
    /// `AddTags`, of keys that the resource does not have: no value is ever written over.
    AddTags {
        /// Keys and values.
        tags: BTreeMap<String, String>,
        /// From where they are, for people: `Owner from who created it`.
        from: String,
        /// What its owner can do about the tags that are missing after that.
        rest: Option<String>,
    },
    /// `UpdateCostAllocationTagsStatus`: the bill is told by this key from then on.
    ActivateTag,
}

/// On which terms a training job is submitted again as Spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotTerms {
    /// The new job's name.
    pub name: String,
    /// How much longer than its time limit it may take, waiting for Spot capacity included.
    pub wait: Duration,
    /// The S3 prefix for its checkpoints where it has none. `None`: beside its output.
    pub checkpoints: Option<String>,
    /// Whether the old job writes checkpoints, from which the new one goes on; else it starts from the beginning.
    pub resumes: bool,
}

impl Remedy {
    /// The action's name in the report.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::StopNotebook => "stop-notebook-instance",
            Self::DeleteApp { .. } => "delete-app",
            Self::StopTrainingJob => "stop-training-job",
            Self::ResubmitAsSpot(_) => "resubmit-as-spot",
            Self::StopTuningJob => "stop-tuning-job",
            Self::StopProcessingJob => "stop-processing-job",
            Self::StopTransformJob => "stop-transform-job",
            Self::StopAutoMlJob => "stop-automl-job",
            Self::AddTags { .. } => "add-tags",
            Self::ActivateTag => "activate-cost-allocation-tag",
            Self::None => "none",
        }
    }

    /// Whether it ends nothing: then its owner need not be warned, and a wish to keep the resource does not speak against it.
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::AddTags { .. } | Self::ActivateTag)
    }
}

/// What a rule may do about what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Mail the owner.
    #[default]
    Report,
    /// Mail the owner, then act.
    Enforce,
}

/// One waste of one resource, with whose it is and what the policy allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// The resource.
    pub resource: Resource,
    /// The id of the series that the resource is one of. A finding that is only reported is told once for all of a series.
    pub series: Option<String>,
    /// The start of the run that the finding is about; a grace given to one run does not count for the next.
    pub run: Option<Timestamp>,
    /// Whose it is, by the first of the policy's owner tags that is present.
    pub owner: Option<String>,
    /// Whose team's, by the policy's team tags.
    pub team: Option<String>,
    /// What was found.
    pub waste: Waste,
    /// What the policy lets the rule do here.
    pub mode: Mode,
    /// How long the owner is warned before the guard acts.
    pub grace: Duration,
    /// How long until an open finding is mailed again.
    pub remind_after: Duration,
    /// How long until one that is still open is told its team as well; `None`: never.
    pub escalate_after: Option<Duration>,
    /// Whether it is told with all other findings of its owner, when one of them is.
    pub told_together: bool,
    /// How often the rule may act in one run.
    pub max_actions: u32,
    /// The owner's wish to keep it, from `cost-guard:keep-until`.
    pub keep: Option<Keep>,
    /// Why the policy's `enforce` is suspended here: a `cost-guard:` tag that cannot be read.
    pub suspended: Option<String>,
    /// The used-up budget because of which alone it is enforced.
    pub tightened: Option<Tightening>,
}

impl Finding {
    /// Whether the guard acts upon it, in its time.
    pub fn is_enforced(&self) -> bool {
        self.mode == Mode::Enforce && self.suspended.is_none()
    }

    /// What its owner is warned of: the action, and because of which budget. A warning of one is none of another.
    pub fn action(&self) -> String {
        let action = self.waste.remedy.action();
        self.tightened.as_ref().map_or_else(|| action.to_owned(), |one| format!("{action}, because of {}", one.budget))
    }

    /// Under which id the ledger remembers it: its series' and its owner's where it is only reported and nobody wishes to keep it, else its own.
    pub fn entry_id(&self) -> String {
        match self.series.as_ref().filter(|_| !self.is_enforced() && self.keep.is_none()) {
            Some(series) => format!("{series}@{}", self.owner.as_deref().unwrap_or_default()),
            None => self.resource.id.clone(),
        }
    }
}

/// A resource that a rule would have found, and why it was left alone.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftAlone {
    /// The rule's name.
    pub rule: &'static str,
    /// The resource.
    pub resource: Resource,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whose team's.
    pub team: Option<String>,
    /// Why.
    pub why: String,
}

/// The owner's wish to keep a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The tag's value, as it was written.
    pub value: String,
    /// The first moment that it no longer holds; `None`: `always`.
    pub until: Option<Timestamp>,
    /// How long a wish holds at most, from when it was first seen; `None`: the policy sets no end to this one.
    pub longest: Option<Duration>,
}

/// All that the rules say of the account. The order is the rules' and then the facts' order.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The waste.
    pub findings: Vec<Finding>,
    /// What was left alone, and why.
    pub left_alone: Vec<LeftAlone>,
    /// (rule, resource id) that could not be judged for want of a fact.
    pub undecided: BTreeSet<(&'static str, String)>,
    /// The same for people, one line per rule and reason.
    pub unknown: Vec<Unread>,
}
