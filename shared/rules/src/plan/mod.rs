//! Decides what is done now, from the findings and from what the ledger remembers: mail, remind, warn, wait, act, hold back or close. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use self::{
    close::{close, saved_once},
    entry::at_work,
    series::name_others,
    spared::Now,
    step::{new_entry, restarted, step},
};
use crate::{
    facts::{AttachStage, Endpoint, Facts, JobStatus},
    remedy::Remedy,
    rulebook::{Judgement, ids_of_entry},
    vocabulary::scope::Scope,
};

pub use self::{
    close::Closed,
    entry::{Entry, FindingKey, Kept, LONGEST_RUN, State, add_failure, take_back_failure},
    outcome::{End, Ended, News, Outcome, Outcomes},
    record::Record,
    saving::{Saved, SavedBy, Saving, ScalingSaving, SpotSaving},
    spared::{Spared, WhySpared},
    step::{Planned, Step},
    vanishing::{Window, vanishing},
};

mod announced;
mod close;
mod entry;
mod outcome;
mod record;
mod saving;
mod series;
mod settle;
mod spared;
mod step;
mod told;
mod vanishing;

/// What a run does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is done about each finding, in the order of the findings.
    pub planned: Vec<Planned>,
    /// The findings that are gone.
    pub closed: Vec<Closed>,
}

impl Plan {
    /// Whether nobody is mailed, no action is taken and nothing is written.
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.planned.iter().all(|one| !one.changed && matches!(one.step, Step::Wait | Step::Exempt))
    }
}

impl Plan {
    /// What is not stopped although its owner was warned of that.
    pub fn spared(&self) -> impl Iterator<Item = (&Entry, &Spared)> {
        let planned = self.planned.iter().filter_map(|one| Some((&one.entry, one.spared.as_ref()?)));
        planned.chain(self.closed.iter().filter_map(|one| Some((&one.entry, one.spared.as_ref()?))))
    }

    /// The plan without what is mailed only because its owner is mailed about something new. `None`: there is nothing of that kind.
    pub fn without_companions(&self) -> Option<Self> {
        if self.planned.iter().all(|one| !one.is_companion) {
            return None;
        }
        let mut plan = self.clone();
        for one in plan.planned.iter_mut().filter(|one| one.is_companion) {
            one.step = Step::Wait;
        }
        Some(plan)
    }
}

/// Decides what this run does. Without a ledger (`entries` is `None`) no action is taken and nobody is mailed, because it is not known who was
/// notified before.
pub fn plan(judgement: Judgement, facts: &Facts, entries: Option<Vec<Entry>>, scope: &Scope) -> Plan {
    let now = facts.now;
    let Judgement { findings, undecided, exempted, .. } = judgement;
    let unchanged = |finding| {
        let entry = new_entry(&finding, now);
        Planned::new(finding, Step::Wait, entry, false)
    };
    let Some(entries) = entries else {
        return Plan { planned: findings.into_iter().map(unchanged).collect(), closed: vec![] };
    };
    let mut known: HashMap<(String, String), Entry> =
        entries.into_iter().map(|entry| ((entry.rule.clone(), entry.id.clone()), entry)).collect();
    let mut plan = Plan::default();
    let mut met: HashSet<(String, String)> = HashSet::new();
    for finding in findings {
        let warned = (finding.rule.to_owned(), finding.resource.id.clone());
        let is_warned = |old: &Entry| finding.may_wait_for_it && matches!(old.state, State::Warned | State::Acting);
        if known.get(&warned).is_some_and(is_warned) {
            plan.planned.extend(known.remove(&warned).map(|old| Planned::new(finding, Step::Wait, old, false)));
            continue;
        }
        let key = (finding.rule.to_owned(), finding.entry_id());
        // A finding with an entry of its own (notified, warned or stopped) is not reported again as part of its series.
        let own = || known.get(&(finding.rule.to_owned(), finding.resource.id.clone())).filter(|own| own.owner == finding.owner);
        // What was written to it is told when its own entry is closed.
        let own = own().map(|own| Entry { id: key.1.clone(), version: 0, written: None, ..own.clone() });
        let entry = known.remove(&key).or(own);
        if !met.insert(key) {
            // The owner is notified of another resource of this series.
            plan.planned.push(unchanged(finding));
        } else if matches!(scope, Scope::Changed(..)) {
            if let Some(old) = entry.filter(|old| restarted(old, &finding)) {
                plan.closed.extend(close(old, finding.run, false, now));
            }
        } else {
            plan.planned.push(step(finding, entry.as_ref(), now));
        }
    }
    hold_back(&mut plan.planned);
    if *scope == Scope::Everything {
        notify_together(&mut plan.planned, now);
    }
    name_others(&mut plan.planned);
    if known.is_empty() {
        return plan;
    }
    let undecided: HashSet<(&str, &str)> = undecided.iter().map(|(rule, id)| (*rule, id.as_str())).collect();
    let there: HashSet<&str> = facts.resources().map(|resource| resource.id.as_str()).collect();
    let runs = runs(facts);
    let training = facts.training_jobs.iter().map(|job| (&job.resource, job.status));
    let jobs = training.chain(facts.tuning_jobs.iter().map(|job| (&job.resource, job.status)));
    let completed: HashSet<&str> = jobs.filter(|(_, status)| *status == JobStatus::Completed).map(|(one, _)| one.id.as_str()).collect();
    let mut gone: Vec<Entry> = known
        .into_values()
        .filter(|entry| scope.includes(&entry.id))
        .filter(|entry| ids_of_entry(&entry.id).all(|id| !undecided.contains(&(entry.rule.as_str(), id))) && !at_work(entry, now))
        .filter(|entry| there.contains(entry.id.as_str()) || facts.reading.gone.contains(&entry.id) || facts.reading.is_listed(&entry.id))
        .collect();
    gone.sort_by(|a, b| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)));
    let now_known = Now::of(facts, &exempted);
    plan.closed.extend(gone.into_iter().filter_map(|entry| {
        let run = runs.get(entry.id.as_str()).copied();
        let completed = completed.contains(entry.id.as_str());
        let spared = now_known.spared(&entry, run);
        let resource = entry.written.as_ref().and_then(|_| facts.resources().find(|resource| resource.id == entry.id));
        let written = resource.and_then(|resource| entry.unsaid(resource)).filter(|remedy| was_done(remedy, &entry.id, facts));
        close(entry, run, completed, now).map(|closed| closed.also(written, spared))
    }));
    saved_once(&mut plan.closed);
    plan
}

/// Whether what an interrupted run was about to write was written. Of tags the tags themselves say that.
fn was_done(remedy: &Remedy, id: &str, facts: &Facts) -> bool {
    let is_attached = |endpoint: &Endpoint| endpoint.attached.as_ref().is_some_and(|attached| attached.stage == AttachStage::Attached);
    !matches!(remedy, Remedy::AttachScaling(..)) || facts.endpoints.iter().any(|one| one.resource.id == id && is_attached(one))
}

/// Adds the other open findings of an owner to a mail, if their rules have `notified_together`, so that reminders come at the same time. What was mailed
/// lately is only counted: else each new resource would list all the others once more.
fn notify_together(planned: &mut [Planned], now: Timestamp) {
    let is_told = |one: &Planned| one.finding.terms.notified_together && one.step.notifies();
    let owners: HashSet<Option<String>> = planned.iter().filter(|one| is_told(one)).map(|one| one.finding.owner.clone()).collect();
    let is_open = |one: &&mut Planned| one.step == Step::Wait && one.entry.state == State::Reported && 0 < one.entry.version;
    let mut counted: HashMap<Option<String>, usize> = HashMap::new();
    for one in planned.iter_mut().filter(|one| one.finding.terms.notified_together && owners.contains(&one.finding.owner)).filter(is_open) {
        let half = one.finding.terms.remind_after.signed() / 2;
        if one.entry.notified_at.is_some_and(|at| now.duration_since(at) < half) {
            *counted.entry(one.finding.owner.clone()).or_default() += 1;
            continue;
        }
        one.step = Step::Remind;
        one.is_companion = true;
        one.entry.notified_at = Some(now);
        one.entry.last_seen = now;
        one.changed = true;
    }
    for (owner, number) in counted {
        if let Some(new) = planned.iter_mut().find(|one| is_told(one) && !one.is_companion && one.finding.owner == owner) {
            new.finding.waste.notice.details.push(format!("Also:  {number} more, of which you were mailed before, are still so.").into());
        }
    }
}

/// The ids of the resources that run now, and the start of each run.
fn runs(facts: &Facts) -> HashMap<&str, Timestamp> {
    facts.subjects().filter_map(|subject| Some((subject.resource().id.as_str(), subject.run()?))).collect()
}

/// Limits the actions of each rule to its `max-actions`, the most expensive first. The others wait for the next run. An override may set another
/// limit for its findings.
fn hold_back(planned: &mut [Planned]) {
    let mut due: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for (index, one) in planned.iter().enumerate().filter(|(_, one)| one.step == Step::Act) {
        due.entry(one.finding.rule).or_default().push(index);
    }
    for indices in due.values_mut() {
        // What failed before comes last, so that it does not block the others.
        indices.sort_by_cached_key(|index| {
            let entry = &planned[*index].entry;
            (entry.failure.is_some(), std::cmp::Reverse(entry.usd_per_month), entry.id.clone())
        });
        let mut acting = 0;
        for index in indices.drain(..) {
            let one = &mut planned[index];
            if acting < one.finding.terms.max_actions {
                acting += 1;
            } else {
                one.step = Step::HoldBack;
                one.changed = false;
            }
        }
    }
}

#[cfg(test)]
mod tests;
