//! Why something is not stopped although its owner was warned of that.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::{
    facts::Facts,
    plan::entry::{Entry, State},
    policy::SCHEDULE_TAG,
    remedy::Remedy,
    rulebook::{Exempted, Finding},
    vocabulary::resource::Resource,
};

/// Something that is not stopped although its owner was warned of that. Nobody hears of what its owner did: it was exempted, stopped or started anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    /// When it was to be stopped.
    pub announced: Timestamp,
    /// Why it is not.
    pub why: WhySpared,
}

/// Why something is not stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhySpared {
    /// It was used after the warning, last at this time.
    Used(Timestamp),
    /// The waste ended by itself at this time: working hours began, or a budget's period ended.
    Ended(Timestamp),
    /// The rule does not find it anymore, for a reason that is not known: its use, its tags or the policy changed.
    NotFound,
    /// A tag of the guard's cannot be read, as this text says.
    Suspended(String),
    /// The rule only reports it now.
    OnlyReported,
}

/// What is known now of the resources whose findings are gone.
pub(super) struct Now<'a> {
    at: Timestamp,
    /// When each was last used.
    used: HashMap<&'a str, Timestamp>,
    /// The resources of which a rule would have reported something, and those whose owners have set their working hours.
    exempt: HashSet<(Option<&'static str>, &'a str)>,
    /// The endpoints to which auto scaling was attached, for whatever reason.
    scaled: HashSet<&'a str>,
}

impl<'a> Now<'a> {
    pub(super) fn of(facts: &'a Facts, exempted: &'a [Exempted]) -> Self {
        let used = facts.notebooks.iter().filter_map(|notebook| Some((notebook.resource.id.as_str(), notebook.usage?.last)));
        let has_hours = |resource: &&Resource| resource.tags.read().is_some_and(|tags| tags.contains_key(SCHEDULE_TAG));
        let by_hours = facts.resources().filter(has_hours).map(|resource| (None, resource.id.as_str()));
        let by_rule = exempted.iter().map(|one| (Some(one.rule), one.resource.id.as_str()));
        let scaled = facts.endpoints.iter().filter(|one| one.attached.is_some()).map(|one| one.resource.id.as_str());
        Self { at: facts.now, used: used.collect(), exempt: by_hours.chain(by_rule).collect(), scaled: scaled.collect() }
    }

    /// Why a resource whose finding is gone is not stopped. `run`: the start of its current run. `None`: its owner was not warned, has done something about it,
    /// or it does not run anymore in the run that the warning was about.
    pub(super) fn spared(&self, warned: &Entry, run: Option<Timestamp>) -> Option<Spared> {
        let (announced, mailed) = was_warned(warned)?;
        run.filter(|run| Some(*run) == warned.run)?;
        // It has auto scaling by another rule.
        if self.scaled.contains(warned.id.as_str()) && warned.action.as_deref().is_some_and(Remedy::leaves_running_action) {
            return None;
        }
        let used = self.used.get(warned.id.as_str()).copied().filter(|used| mailed < *used);
        let why = match (used, warned.ends.filter(|ends| *ends <= self.at)) {
            (_, Some(ended)) => WhySpared::Ended(ended),
            _ if self.exempt.iter().any(|(rule, id)| *id == warned.id && rule.is_none_or(|rule| rule == warned.rule)) => return None,
            (Some(used), None) => WhySpared::Used(used),
            (None, None) => WhySpared::NotFound,
        };
        Some(Spared { announced, why })
    }
}

/// Why a resource that is still found is not stopped: the guard may only report it now. `now`: its entry from now on.
pub(super) fn only_reported(finding: &Finding, warned: &Entry, now: &Entry) -> Option<Spared> {
    let (announced, _) =
        was_warned(warned).filter(|_| now.state == State::Reported && (now.run, &now.owner) == (warned.run, &warned.owner))?;
    let why = finding.suspended.clone().map_or(WhySpared::OnlyReported, |tags| WhySpared::Suspended(tags.why));
    Some(Spared { announced, why })
}

/// When it was to be stopped, and when its owner was mailed that. `None`: no warning was mailed since it was found. One that holds for a week says that there
/// are no more mails.
fn was_warned(entry: &Entry) -> Option<(Timestamp, Timestamp)> {
    let (announced, mailed) = entry.act_after.zip(entry.notified_at).filter(|_| entry.state == State::Warned)?;
    (entry.first_seen <= mailed).then_some((announced, mailed))
}
