//! What happened in an account, as far as its history tells: when each resource was on, and when it was used.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::{
    facts::{App, Endpoint, Notebook, Usage},
    vocabulary::price::Prices,
};

/// How far back an endpoint's use is looked at in each run.
pub const USE_LOOKED_BACK: SignedDuration = SignedDuration::from_hours(14 * 24);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What happened in one account and Region.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// When the rehearsal begins.
    pub from: Timestamp,
    /// When it ends: now.
    pub until: Timestamp,
    /// USD per hour of instances in this Region.
    pub prices: Arc<Prices>,
    /// The names of Studio domains by their ids, if an exemption may go by them.
    pub domain_names: BTreeMap<String, String>,
    /// Notebook instances, also those that are deleted now.
    pub notebooks: Vec<Past<Notebook>>,
    /// Studio apps, also those that are deleted now.
    pub apps: Vec<Past<App>>,
    /// Endpoints. Of each variant and component, `invocations` are of the whole time, and of [`USE_LOOKED_BACK`] before it.
    pub endpoints: Vec<Past<Endpoint>>,
}

/// A resource and its past.
#[derive(Clone, Debug)]
pub struct Past<F> {
    /// As it is today, with the tags of today.
    pub today: F,
    /// When it was on, oldest first, as far as it can be rehearsed. No two of them overlap.
    pub runs: Vec<Run>,
    /// When it was used, oldest first.
    pub uses: Vec<Use>,
    /// What its idle agent measured, oldest first. Empty: it has none.
    pub measured: Vec<Usage>,
}

/// A time for which a resource was on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// When it was started.
    pub from: Timestamp,
    /// How it ended. `None`: it is still on.
    pub end: Option<RunEnd>,
    /// What it ran on. `None`: on what it has today.
    pub instance_type: Option<String>,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: Ending,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Somebody stopped it.
    Stopped,
    /// Somebody deleted it.
    Deleted,
    /// By no call: it failed, or AWS stopped it.
    ByItself,
}

/// A resource, or a time for which it may have been on, that is not rehearsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The resource's id.
    pub id: String,
    /// When the run began that is left out. `None`: that is not known, or all of the resource is left out.
    pub from: Option<Timestamp>,
    /// Why.
    pub why: WhyLeftOut,
}

/// Why something is not rehearsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyLeftOut {
    /// The run ended without a call, and nothing says when.
    EndNotKnown,
    /// It is on, or on its way to another state, and nothing says since when.
    StartNotKnown,
    /// A notebook or an app that is deleted now, and no event says what it was.
    DeletedNow,
    /// An endpoint that is deleted now.
    DeletedEndpoint,
}

impl WhyLeftOut {
    /// As the title of a list.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndNotKnown => "runs that ended without a call, so that nothing says when",
            Self::StartNotKnown => "on today or on their way to another state, and nothing says since when",
            Self::DeletedNow => "notebooks and apps that are deleted now, and no event says what they were",
            Self::DeletedEndpoint => "endpoints that are deleted now, so that nothing says what they ran on",
        }
    }
}

/// A time at which a resource was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// When. Of calls of an endpoint, the end of their hour: they were made before it.
    pub at: Timestamp,
    /// How.
    pub what: Used,
    /// Who did it, as CloudTrail names them. `None`: not known.
    pub by: Option<String>,
}

/// How a resource was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// Somebody opened it.
    Opened,
    /// Somebody started or created it.
    Started,
    /// An endpoint was called.
    Called,
    /// Its idle agent saw that a person or a program used it.
    Busy,
}

impl Used {
    /// The verb: `opened`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Started => "started",
            Self::Called => "called",
            Self::Busy => "in use",
        }
    }
}

impl Use {
    /// The earliest time at which it may have been: an endpoint's calls are known by the hour.
    pub fn earliest(&self) -> Timestamp {
        if self.what == Used::Called { self.at - HOUR } else { self.at }
    }
}

impl Run {
    /// Until when it was on. `None`: it is still on.
    pub fn until(&self) -> Option<Timestamp> {
        self.end.map(|end| end.at)
    }

    /// Whether it was on at this time.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && self.until().is_none_or(|until| at < until)
    }
}

impl Ending {
    /// In words, before a time.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Stopped => "was stopped at",
            Self::Deleted => "was deleted at",
            Self::ByItself => "ended without a call at",
        }
    }
}

impl<F> Past<F> {
    /// Whether it was on at any time of this span.
    pub fn is_on_within(&self, from: Timestamp, until: Timestamp) -> bool {
        self.runs.iter().any(|run| run.from < until && run.until().is_none_or(|end| from < end))
    }

    /// The run that contains this time. `None`: it was off.
    pub fn run_at(&self, at: Timestamp) -> Option<&Run> {
        self.runs.iter().find(|run| run.contains(at))
    }

    /// What the idle agent had last measured at this time. `None`: nothing, or not lately.
    pub(super) fn usage_at(&self, now: Timestamp) -> Option<Usage> {
        let known = self.measured.partition_point(|usage| usage.known_until <= now);
        let last = self.measured[..known].last()?;
        (now.duration_since(last.known_until) <= Usage::FRESH).then_some(*last)
    }
}

/// When a notebook was used, by what its idle agent measured.
pub fn uses_measured(measured: &[Usage]) -> impl Iterator<Item = Use> {
    let is_busy = |usage: &&Usage| usage.known_until.duration_since(usage.last) < Usage::MEASURED_EVERY;
    measured.iter().filter(is_busy).map(|usage| Use { at: usage.last, what: Used::Busy, by: None })
}
