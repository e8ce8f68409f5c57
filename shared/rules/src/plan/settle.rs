//! The second half of a run: what is written to the ledger before the actions, after the actions, and after the mails. Pure.
//!
//! [`Plan::intended`] → (ledger) → [`Plan::due`] → (actions) → [`Plan::settle`] → (ledger) → (mails) → [`Plan::notified`] → (ledger)

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use crate::{
    plan::{
        Plan,
        close::Closed,
        entry::{Entry, FindingKey, State, add_failure, take_back_failure},
        outcome::{End, News, Outcome, Outcomes},
        record::Record,
        step::{Planned, Step},
    },
    remedy::{Remedy, how_to_stop, how_to_submit},
    rulebook::Finding,
};

impl Plan {
    /// The records to write before anything is done or mailed. `is_unread`: the ledger was not read, so each finding is claimed.
    pub fn intended(&mut self, is_unread: bool, now: Timestamp) -> Vec<Record> {
        let changed = self.planned.iter_mut().filter(|one| one.changed);
        changed.map(|one| if is_unread { claim(one, now) } else { Record::Finding(one.entry.clone()) }).collect()
    }

    /// Findings that may wait for a regular mail are not recorded as notified until they are left for it.
    pub fn notify_later(&mut self, may_wait: impl Fn(&Planned) -> bool) {
        for one in self.planned.iter_mut().filter(|one| one.step.only_reports() && may_wait(one)) {
            one.entry.notified_at = None;
        }
    }

    /// The records to write before a mail is sent at once: what could have waited, and goes out with it, is recorded as notified first, as everything that is
    /// only reported.
    pub fn notify_now<'a>(&mut self, keys: impl IntoIterator<Item = &'a FindingKey>, now: Timestamp) -> Vec<Record> {
        let keys: HashSet<&FindingKey> = keys.into_iter().collect();
        let waits = |one: &&mut Planned| one.step.only_reports() && one.entry.notified_at.is_none() && keys.contains(&one.entry.key());
        let recorded = self.planned.iter_mut().filter(waits).map(|one| {
            one.entry.notified_at = Some(now);
            let record = Record::Finding(one.entry.clone());
            one.entry.version += 1;
            record
        });
        recorded.collect()
    }

    /// Counts up the versions of the changed findings, because they are in the ledger now.
    pub fn written(&mut self) {
        for one in self.planned.iter_mut().filter(|one| one.changed) {
            one.entry.version += 1;
        }
    }

    /// Leaves these findings alone in this run, because they could not be written.
    pub fn leave(&mut self, unwritten: &HashSet<FindingKey>) {
        for one in self.planned.iter_mut().filter(|one| unwritten.contains(&one.entry.key())) {
            one.leave();
        }
    }

    /// Leaves everything alone in this run, because the ledger cannot be written.
    pub fn leave_all(&mut self) {
        self.planned.iter_mut().for_each(Planned::leave);
        self.closed.clear();
    }

    /// Says nothing of these gone findings that they were spared, because another run has written that they are gone, or the next one will.
    pub fn leave_spared(&mut self, unwritten: &HashSet<FindingKey>) {
        for one in self.closed.iter_mut().filter(|one| unwritten.contains(&one.entry.key())) {
            one.spared = None;
        }
    }

    /// The actions to take. Each remedy of a resource is there once, even if several rules ask for it.
    pub fn due(&self) -> Vec<&Planned> {
        let mut due: BTreeMap<(&str, &Remedy), &Planned> = BTreeMap::new();
        for one in self.planned.iter().filter(|one| one.step == Step::Act) {
            due.entry((&one.finding.resource.id, &one.finding.waste.remedy)).or_insert(one);
        }
        due.into_values().collect()
    }

    /// Adds to the plan how the actions ended and what each owner is notified of. Returns the records of the findings of which nobody is notified.
    pub fn settle(&mut self, outcomes: &Outcomes, now: Timestamp) -> Vec<Record> {
        let mut silent = vec![];
        for one in &mut self.planned {
            one.outcome = Some(&one.step)
                .filter(|step| **step == Step::Act)
                .and_then(|_| outcomes.get(&(one.finding.resource.id.clone(), one.finding.waste.remedy.clone())).cloned());
            one.news = match one.step {
                Step::Report => Some(News::Found),
                Step::Remind => Some(News::Reminder(one.entry.first_seen)),
                Step::Escalate => Some(News::Escalation(one.entry.first_seen)),
                Step::Warn => one.entry.act_after.map(News::Warning),
                Step::Act => settle_action(&mut one.entry, &one.finding, one.outcome.as_ref(), now),
                Step::Wait | Step::HoldBack | Step::Exempt => None,
            };
            if one.step == Step::Act && one.news.is_none() {
                silent.push(Record::Finding(one.entry.clone()));
            }
        }
        silent.extend(self.closed.iter().filter(|one| !one.pending_notice).map(Record::from));
        silent
    }

    /// The records to write after the mails about these findings. `reached`: the findings whose mail was sent.
    pub fn notified<'a>(
        &mut self,
        keys: impl IntoIterator<Item = &'a FindingKey>,
        reached: &HashSet<&FindingKey>,
        now: Timestamp,
    ) -> Vec<Record> {
        let keys: HashSet<&FindingKey> = keys.into_iter().collect();
        let settled = self.planned.iter_mut().filter(|one| one.news.is_some()).filter_map(|one| {
            let key = one.entry.key();
            keys.contains(&key).then(|| settle_mail(one, reached.contains(&key), now)).flatten()
        });
        let mut records: Vec<Record> = settled.collect();
        let closed = self.closed.iter().filter(|one| one.pending_notice && reached.contains(&one.entry.key()));
        records.extend(
            closed.map(|Closed { entry, saving, .. }| Record::Closed(Entry { notified_at: Some(now), ..entry.clone() }, saving.clone())),
        );
        records
    }
}

impl Planned {
    /// Leaves it alone in this run.
    fn leave(&mut self) {
        self.step = Step::Wait;
        self.changed = false;
        self.news = None;
        self.spared = None;
    }

    /// What the owner can do: the rule's advice, or the definition of a job that could not be submitted again. `None`: nothing.
    pub fn advice(&self) -> Option<String> {
        let waste = &self.finding.waste;
        match &self.outcome {
            Some(Outcome::Doubled { advice, .. }) => Some(advice.clone()),
            Some(Outcome::NotResubmitted { definition, .. }) => serde_json::from_str(definition).ok().map(|definition| {
                let old = &self.finding.resource;
                format!(
                    "to submit it as Spot yourself, {}\nOnce AWS has accepted that, stop this one: {}",
                    how_to_submit(definition, old),
                    how_to_stop(&old.name, &old.region_option())
                )
            }),
            // The guard has already done it.
            Some(Outcome::Over(End::Replaced(_) | End::NotNeeded(_))) => None,
            Some(Outcome::Done | Outcome::AlreadyDone(_) | Outcome::Over(End::Stopping(_))) => match &waste.remedy {
                Remedy::AddTags { rest, .. } => rest.clone(),
                _ => waste.notice.after_stop.clone().or_else(|| waste.notice.advice.clone()),
            },
            _ => waste.notice.advice.clone(),
        }
    }
}

/// The record of a finding that was not read from the ledger.
fn claim(one: &mut Planned, now: Timestamp) -> Record {
    // No entry in the ledger has this version.
    one.entry.version = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Record::Claim(one.entry.clone(), now - one.finding.terms.remind_after.signed())
}

/// Updates an entry after an action. Returns what the owner is notified of.
fn settle_action(entry: &mut Entry, finding: &Finding, outcome: Option<&Outcome>, now: Timestamp) -> Option<News> {
    // The next run acts again: the entry becomes a warning whose time has come. The owner was warned in time, and that warning still holds.
    let due_again = |entry: &mut Entry| {
        entry.state = State::Warned;
        // Nobody is warned before something is written, and what was written may not have been told yet.
        let warned_at = entry.act_after.map_or(now, |at| now.min(at - finding.terms.grace.signed()));
        entry.notified_at = (!finding.waste.remedy.is_harmless()).then_some(warned_at);
    };
    let end = match outcome {
        Some(Outcome::Done) if finding.waste.remedy.leaves_running() => Some(End::Stopped(None)),
        Some(Outcome::Done) => Some(End::Stopping(None)),
        Some(Outcome::AlreadyDone(why)) => Some(End::Stopped(Some(why.clone()))),
        Some(Outcome::Over(end)) => Some(end.clone()),
        _ => None,
    };
    if let Some(end) = end {
        // What ended by itself saves nothing.
        entry.state = if matches!(end, End::ByItself(_)) { State::Closed } else { State::Acted };
        entry.failure = None;
        entry.last_seen = now;
        // A routine needs no other warning as long as it goes on.
        if finding.waste.remedy.is_routine() && finding.waste.recurs {
            entry.standing = Some(now);
        }
        return Some(News::Done(end));
    }
    match outcome {
        Some(Outcome::Gone) => {
            entry.state = State::Closed;
            entry.last_seen = now;
            None
        }
        Some(Outcome::GivenUp(why)) => {
            entry.state = State::GivenUp;
            // What it was notified of before stays known, in case this mail fails and it is tried again.
            entry.failure = add_failure(entry.failure.as_deref(), why).or(entry.failure.take());
            entry.last_seen = now;
            Some(News::GivenUp(why.clone()))
        }
        Some(failed @ (Outcome::Failed(why) | Outcome::NotResubmitted { why, .. } | Outcome::Doubled { why, .. })) => {
            due_again(entry);
            // An owner is notified once of a failure. The function's own error reports it every time.
            entry.failure = Some(add_failure(entry.failure.as_deref(), why)?);
            Some(match failed {
                Outcome::Doubled { .. } => News::Doubled(why.clone()),
                Outcome::NotResubmitted { .. } => News::Refused(why.clone()),
                _ => News::Failed(why.clone()),
            })
        }
        // The next run finds out whether it was done. The ledger still says that this run was about to act.
        Some(Outcome::Unknown(_)) => None,
        _ => {
            due_again(entry);
            None
        }
    }
}

/// The record of a finding after its mail. A finding that is only reported was recorded as notified before a mail that is sent at once. This is taken back if
/// the mail was not sent.
fn settle_mail(one: &mut Planned, is_reached: bool, now: Timestamp) -> Option<Record> {
    let entry = &mut one.entry;
    let written_as_notified = one.step.only_reports() && entry.notified_at.is_some();
    if one.step == Step::Act && entry.state == State::Warned {
        // It stays due. If nobody was notified of the failure, the owner is notified when it happens again.
        entry.failure = if is_reached { entry.failure.take() } else { entry.failure.as_deref().map(take_back_failure) };
    } else {
        entry.notified_at = is_reached.then_some(now);
        if one.step == Step::Warn && one.finding.waste.recurs {
            entry.standing = entry.notified_at;
        }
    }
    (written_as_notified != is_reached || one.step == Step::Act).then(|| Record::Finding(entry.clone()))
}
