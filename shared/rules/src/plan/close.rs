//! Closes findings that are gone, and counts what that saves.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    plan::{
        entry::{Entry, State},
        saving::Saving,
        spared::Spared,
    },
    remedy::Remedy,
    vocabulary::{price::HOURS_PER_MONTH, resource::Kind},
};

/// A finding that is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// The entry as it is written into the ledger.
    pub entry: Entry,
    /// What that saves. `None`: nothing was stopped.
    pub saving: Option<Saving>,
    /// Whether the guard stopped it in a run that was interrupted before it could notify the owner.
    pub pending_notice: bool,
    /// Why it is not stopped although its owner was warned. `None`: its owner knows, or was not warned.
    pub spared: Option<Spared>,
}

/// Counts one saving per resource, because one stop may end findings of several rules. It is the guard's saving if the guard acted on one of them. It
/// lasts until the first of the findings would have ended by itself.
pub(crate) fn saved_once(closed: &mut [Closed]) {
    let mut by_resource: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, one) in closed.iter().enumerate().filter(|(_, one)| one.saving.is_some()) {
        by_resource.entry(one.entry.id.clone()).or_default().push(index);
    }
    for indices in by_resource.into_values().filter(|indices| 1 < indices.len()) {
        let saving = |index: &usize| closed[*index].saving.as_ref();
        let until = indices.iter().filter_map(|index| Some(saving(index)?.until)).min();
        let counted = indices.iter().copied().find(|index| saving(index).is_some_and(|saving| saving.by_guard)).unwrap_or(indices[0]);
        for index in indices {
            let one = &mut closed[index];
            match (one.saving.take().filter(|_| index == counted), until) {
                (Some(saving), Some(until)) => one.saving = Some(saving.until(until, one.entry.usd_per_hour)),
                (saving, _) => one.saving = saving,
            }
        }
    }
}

/// Closes an entry whose finding is gone. `run`: the start of the resource's current run, if it runs. `completed`: it is a job that completed.
/// `None`: the entry is closed already, or cannot be read.
pub(crate) fn close(mut entry: Entry, run: Option<Timestamp>, completed: bool, now: Timestamp) -> Option<Closed> {
    if matches!(entry.state, State::Closed | State::Unreadable) {
        return None;
    }
    // A job that completed was not stopped, nor was what only got its tags.
    let is_stop = !entry.action.as_deref().is_some_and(Remedy::is_harmless_action);
    let by_guard = matches!(entry.state, State::Acting | State::Acted) && !completed && is_stop;
    // If the resource is still in the same run, it was not stopped: the guard's run was interrupted before that.
    let pending_notice = by_guard && entry.notified_at.is_none() && (run.is_none() || run != entry.run);
    // If the resource is still in the same run, it was not stopped: the waste ended by itself, for example at the start of working hours. If its owner
    // stopped and restarted it, the saving is not known. If the guard stopped it, it was off until the restart.
    let ends_by_itself = Kind::of(&entry.id).is_some_and(Kind::ends_by_itself);
    let ended = run.is_none() && (by_guard || !ends_by_itself);
    let saved = entry.run.is_some() && entry.state != State::Exempt && (ended || (by_guard && run != entry.run));
    let saving = saved.then(|| {
        let from = if by_guard { entry.last_seen } else { now };
        let month = SignedDuration::from_hours(HOURS_PER_MONTH.to_i64().unwrap_or(730));
        let until = entry.ends.unwrap_or(from + month).min(run.unwrap_or(Timestamp::MAX));
        // It is not known how long a job would have run.
        Saving::new(by_guard, from, until, entry.usd_per_hour.filter(|_| !ends_by_itself))
    });
    entry.state = State::Closed;
    entry.act_after = None;
    entry.last_seen = now;
    entry.failure = None;
    Some(Closed { entry, saving, pending_notice, spared: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Asset, Facts},
        plan::plan,
        rulebook::Rulebook,
        samples::audited,
        vocabulary::scope::Scope,
    };

    #[test]
    fn what_was_tagged_was_not_stopped() {
        let rule = "[rules.missing-tag]\nmode = \"enforce\"\nremedy = \"tag\"\nrequired = { CostCenter = \".+\" }";
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for run in [None, Some("2026-11-20T12:00:00Z".parse().unwrap())] {
            let asset = Asset { run, ..audited("mlflow-tracking-server/churn", &[("costcenter", "1")]) };
            let facts = Facts { now, assets: vec![asset], ..Facts::default() };
            let mut plan = plan(Rulebook::from_toml(rule).unwrap().evaluate(&facts), &facts, Some(vec![]), &Scope::Everything);
            let entry = Entry { state: State::Acted, notified_at: None, ..plan.planned.remove(0).entry };
            // It has its tags now, and its mail was not sent.
            let closed = close(entry, run, false, now).unwrap();
            assert_eq!((closed.pending_notice, closed.saving), (false, None), "{run:?}");
        }
    }
}
