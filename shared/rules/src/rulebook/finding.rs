//! Findings: the waste of one resource, its owner, and what the policy allows. And the judgement, which has all findings of a run.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    facts::{BudgetMeasure, Unread},
    policy::{Keep, UnreadableTags},
    remedy::Remedy,
    rules::verdict::Waste,
    vocabulary::{duration::Duration, resource::Resource},
};

/// What stands between a series and its owner in the id of an entry.
const OWNER: char = '@';

/// What a rule may do about what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Mail the owner.
    #[default]
    Report,
    /// Mail the owner, then act.
    Enforce,
}

/// The settings of a rule that apply to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What the rule may do.
    pub mode: Mode,
    /// How long the owner is warned before the guard acts.
    pub grace: Duration,
    /// How long until an open finding is mailed again.
    pub remind_after: Duration,
    /// How long until the team is notified of a finding that is still open. `None`: never.
    pub escalate_after: Option<Duration>,
    /// Whether an owner who is notified of one finding of such rules is notified of all their open ones.
    pub notified_together: bool,
    /// The maximum number of actions of the rule in one run.
    pub max_actions: u32,
    /// Whether a warning holds for a week where the waste recurs ([`Waste::recurs`]). If not, each action needs a warning of its own.
    pub warned_weekly: bool,
}

/// What one rule found about one resource, with the owner and what the policy allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// The resource.
    pub resource: Resource,
    /// The id of the series that the resource belongs to. A finding that is only reported is mailed once per series and owner.
    pub series: Option<String>,
    /// The start of the resource's run. The grace of one run does not count for the next run.
    pub run: Option<Timestamp>,
    /// The type of its instances. `None`: not known, it has none, or they are of several.
    pub instance_type: Option<String>,
    /// The owner ([`crate::policy::Policy::owner_of`]). `None`: not known.
    pub owner: Option<String>,
    /// The team ([`crate::policy::Policy::team_of`]). `None`: not known.
    pub team: Option<String>,
    /// What was found.
    pub waste: Waste,
    /// The settings of the rule that apply here.
    pub terms: Terms,
    /// The exemption that the owner asks for with `cost-guard:keep-until`. `None`: there is none, or it has no effect here.
    pub keep: Option<Keep>,
    /// Why it is not enforced although the policy says so: a `cost-guard:` tag cannot be read, or its team is nearly one that is exempt.
    pub suspended: Option<UnreadableTags>,
    /// The used-up budget because of which it is enforced. `None`: the policy alone decides.
    pub measure: Option<BudgetMeasure>,
    /// Whether it is only reported because it is not known if a workflow waits for the job. What its owner was warned of stays as it is until that is known.
    pub may_wait_for_it: bool,
}

impl Finding {
    /// Whether the guard acts upon it when the grace is over.
    pub fn is_enforced(&self) -> bool {
        self.terms.mode == Mode::Enforce && self.suspended.is_none()
    }

    /// What its owner is warned of: the action with what it starts from, and the budget that causes it. A warning of one action is not a warning of another.
    pub fn action(&self) -> String {
        let action = self.waste.remedy.action();
        let action = match &self.waste.remedy {
            // Who has changed the number of instances since was warned of another change.
            Remedy::AttachScaling(_, attachments) => {
                let from: Vec<String> = attachments.iter().map(|one| format!("{} {}", one.starts_from(), one.variant)).collect();
                format!("{action} from {}", from.join(", "))
            }
            _ => action.to_owned(),
        };
        self.measure.as_ref().map_or_else(|| action.clone(), |one| format!("{action}, because of {}", one.budget))
    }

    /// The id of its entry in the ledger: that of its series and owner if it is only reported and has no exemption, else that of the resource.
    pub fn entry_id(&self) -> String {
        match self.series.as_ref().filter(|_| !self.is_enforced() && self.keep.is_none()) {
            Some(series) => format!("{series}{OWNER}{}", self.owner.as_deref().unwrap_or_default()),
            None => self.resource.id.clone(),
        }
    }
}

/// A resource that a rule would have reported, and why it is exempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Exempted {
    /// The rule's name.
    pub rule: &'static str,
    /// The resource.
    pub resource: Resource,
    /// The owner. `None`: not known.
    pub owner: Option<String>,
    /// The team. `None`: not known.
    pub team: Option<String>,
    /// Why it is exempt.
    pub why: String,
}

/// The result of all rules. Findings and exempt resources are sorted by rule name, then by resource id.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The waste.
    pub findings: Vec<Finding>,
    /// The exempt resources.
    pub exempted: Vec<Exempted>,
    /// (rule, id) of resources, and of their series, that could not be judged: a fact is not known, or the resource is changing its state.
    pub undecided: BTreeSet<(&'static str, String)>,
    /// Which facts are not known, for people: one line per rule and reason.
    pub unknown: Vec<Unread>,
}

impl Judgement {
    /// Why a rule could not judge something: the first fact that it lacks. `None`: it lacks none.
    pub fn why_unknown(&self, rule: &str) -> Option<&str> {
        self.unknown.iter().find(|one| one.rule == Some(rule)).map(|one| one.why.as_str())
    }

    /// Records that a resource could not be judged, nor therefore its series.
    pub(crate) fn leave_undecided(&mut self, rule: &'static str, resource: &Resource, series: Option<String>) {
        self.undecided.extend([Some(resource.id.clone()), series].into_iter().flatten().map(|id| (rule, id)));
    }
}

/// The ids of which an entry of the ledger may be: of a resource, or of a series and its owner.
pub(crate) fn ids_of_entry(id: &str) -> impl Iterator<Item = &str> {
    std::iter::once(id).chain(id.match_indices(OWNER).map(|(at, _)| &id[..at]))
}
