//! Findings that are gone, and what that saves.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    plan::{
        entry::{Entry, State},
        saving::Saving,
    },
    vocabulary::{price::HOURS_PER_MONTH, resource::Kind},
};

/// A finding that is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// As it goes back into the ledger.
    pub entry: Entry,
    /// What that saves, if something was stopped.
    pub saving: Option<Saving>,
    /// The guard stopped it, but broke off before it could say so.
    pub pending_notice: bool,
}

/// Several rules may have found what one stop ended: that is one saving, the guard's if one of its rules acted, until the first of them would have
/// ended by itself.
pub(crate) fn saved_once(closed: &mut [Closed]) {
    let mut by_resource: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, one) in closed.iter().enumerate().filter(|(_, one)| one.saving.is_some()) {
        by_resource.entry(one.entry.id.clone()).or_default().push(index);
    }
    for indices in by_resource.into_values().filter(|indices| 1 < indices.len()) {
        let saving = |index: &usize| closed[*index].saving.as_ref();
        let until = indices.iter().filter_map(|index| Some(saving(index)?.until)).min();
        let kept = indices.iter().copied().find(|index| saving(index).is_some_and(|saving| saving.by_guard)).unwrap_or(indices[0]);
        for index in indices {
            let one = &mut closed[index];
            match (one.saving.take().filter(|_| index == kept), until) {
                (Some(saving), Some(until)) => one.saving = Some(saving.until(until, one.entry.usd_per_hour)),
                (saving, _) => one.saving = saving,
            }
        }
    }
}

/// Closes an entry whose finding is gone. `run`: since when the resource runs, if it does; `completed`: it is a job that did its work to the end.
pub(crate) fn close(mut entry: Entry, run: Option<Timestamp>, completed: bool, now: Timestamp) -> Option<Closed> {
    if matches!(entry.state, State::Closed | State::Unreadable) {
        return None;
    }
    // Nobody stopped what completed.
    let by_guard = matches!(entry.state, State::Acting | State::Acted) && !completed;
    // What is on in the same run was not stopped: that run broke off before.
    let pending_notice = by_guard && entry.notified_at.is_none() && (run.is_none() || run != entry.run);
    // What still is on in the same run was not stopped: its waste ended by the clock. Who stopped and started it again
    // saved nothing that can be known, but what the guard stopped was off until that start.
    let ends_by_itself = Kind::of(&entry.id).is_some_and(Kind::ends_by_itself);
    let ended = run.is_none() && (by_guard || !ends_by_itself);
    let saved = entry.run.is_some() && entry.state != State::Exempt && (ended || (by_guard && run != entry.run));
    let saving = saved.then(|| {
        let from = if by_guard { entry.last_seen } else { now };
        let month = SignedDuration::from_hours(HOURS_PER_MONTH.to_i64().unwrap_or(730));
        let until = entry.ends.unwrap_or(from + month).min(run.unwrap_or(Timestamp::MAX));
        // Nobody knows for how long a job would have gone on.
        Saving::new(by_guard, from, until, entry.usd_per_hour.filter(|_| !ends_by_itself))
    });
    entry.state = State::Closed;
    entry.act_after = None;
    entry.last_seen = now;
    entry.failure = None;
    Some(Closed { entry, saving, pending_notice })
}
