//! A finding: waste of one resource, with whose it is and what the policy allows.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    facts::{BudgetMeasure, Unread},
    policy::Keep,
    rules::verdict::Waste,
    vocabulary::{duration::Duration, resource::Resource},
};

/// What a rule may do about what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Mail the owner.
    #[default]
    Report,
    /// Mail the owner, then act.
    Enforce,
}

/// What the policy says of a rule, for one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What the rule may do.
    pub mode: Mode,
    /// How long the owner is warned before the guard acts.
    pub grace: Duration,
    /// How long until an open finding is mailed again.
    pub remind_after: Duration,
    /// How long until the team is notified of a finding that is still open; `None`: never.
    pub escalate_after: Option<Duration>,
    /// Whether its owner is notified of it with all their other findings, when they are notified of one.
    pub notified_together: bool,
    /// How often the rule may act in one run.
    pub max_actions: u32,
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
    /// What the policy says of the rule here.
    pub terms: Terms,
    /// The owner's wish to keep it, from `cost-guard:keep-until`.
    pub keep: Option<Keep>,
    /// Why the policy's `enforce` is suspended here: a `cost-guard:` tag that cannot be read.
    pub suspended: Option<String>,
    /// The used-up budget because of which alone it is enforced.
    pub measure: Option<BudgetMeasure>,
}

impl Finding {
    /// Whether the guard acts upon it, in its time.
    pub fn is_enforced(&self) -> bool {
        self.terms.mode == Mode::Enforce && self.suspended.is_none()
    }

    /// What its owner is warned of: the action, and because of which budget. A warning of one is none of another.
    pub fn action(&self) -> String {
        let action = self.waste.remedy.action();
        self.measure.as_ref().map_or_else(|| action.to_owned(), |one| format!("{action}, because of {}", one.budget))
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
pub struct Exempted {
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

/// All that the rules say of the account. The order is the rules' and then the facts' order.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The waste.
    pub findings: Vec<Finding>,
    /// What was left alone, and why.
    pub exempted: Vec<Exempted>,
    /// (rule, resource id) that could not be judged for want of a fact.
    pub undecided: BTreeSet<(&'static str, String)>,
    /// The same for people, one line per rule and reason.
    pub unknown: Vec<Unread>,
}
