//! One resource during a rehearsal: what history says of it, and what the rehearsal has changed.

use jiff::{SignedDuration, Timestamp};

use super::{
    history::{Past, Run, USE_LOOKED_BACK, Use},
    outcome::{After, WRONG_WITHIN},
};
use crate::{
    facts::{App, Endpoint, Hibernation, HibernationStage, Invocations, Notebook, RunState, Subject},
    remedy::WakesBy,
};

/// A resource, and its last stop by the rehearsal.
pub(super) struct Course<'h, F> {
    pub(super) past: &'h Past<F>,
    stopped: Option<Stopped>,
}

/// A stop by the rehearsal. It ends when history starts the resource again or uses it, or when the guard creates it again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped {
    at: Timestamp,
    until: Timestamp,
    is_woken: bool,
}

/// What came after a stop.
pub(super) struct Aftermath {
    pub(super) after: After,
    pub(super) wrong: Option<Use>,
    pub(super) saved_until: Timestamp,
}

impl<'h, F: Replayed> Course<'h, F> {
    pub(super) const fn of(past: &'h Past<F>) -> Self {
        Self { past, stopped: None }
    }

    pub(super) fn id(&self) -> &str {
        &self.past.today.resource().id
    }

    /// As it would have been at this time. `None`: off.
    pub(super) fn at(&self, now: Timestamp) -> Option<F> {
        let run = self.past.run_at(now)?;
        let before = self.stopped.filter(|stopped| run.from < stopped.until);
        if before.is_some_and(|stopped| now < stopped.until) {
            return None;
        }
        Some(F::on(self.past, run, before.as_ref(), now))
    }

    /// Stops it. `wakes`: when the guard creates it again. `end`: the end of the history.
    pub(super) fn stop(&mut self, at: Timestamp, wakes: Option<Timestamp>, end: Timestamp) -> Aftermath {
        let ended = self.past.run_at(at).and_then(|run| run.until);
        let is_before = |time: &Timestamp, limit: Option<Timestamp>| limit.is_none_or(|limit| *time < limit);
        let next = self.past.uses.iter().find(|used| at < used.at).filter(|used| is_before(&used.at, wakes));
        let used = next.filter(|used| is_before(&used.at, ended));
        let wakes = wakes.filter(|wakes| is_before(wakes, ended) && is_before(wakes, Some(end)));
        let after = match (used, wakes, ended) {
            (Some(used), ..) => After::Used(used.clone()),
            (None, Some(wakes), _) => After::Woken(wakes),
            (None, None, Some(ended)) => After::Ended(ended),
            (None, None, None) => After::StillOn,
        };
        let started = self.past.runs.iter().map(|run| run.from).find(|from| at < *from);
        let until = used.map(|used| used.at).or(wakes).or(started).unwrap_or(Timestamp::MAX);
        self.stopped = Some(Stopped { at, until, is_woken: wakes == Some(until) });
        let saved_until = until.min(ended.unwrap_or(end)).min(end);
        Aftermath { after, wrong: next.filter(|used| used.at.duration_since(at) <= WRONG_WITHIN).cloned(), saved_until }
    }
}

/// What can be replayed.
pub(super) trait Replayed: Subject + Clone {
    /// As it was at the time `now` of a run. `before`: the rehearsal's stop in this run, which is over.
    fn on(past: &Past<Self>, run: &Run, before: Option<&Stopped>, now: Timestamp) -> Self;
}

/// When it was started last: by history, or by whoever needed it after a stop.
fn since(run: &Run, before: Option<&Stopped>) -> Timestamp {
    before.map_or(run.from, |stopped| stopped.until)
}

impl Replayed for Notebook {
    fn on(past: &Past<Self>, run: &Run, before: Option<&Stopped>, now: Timestamp) -> Self {
        let instance_type = run.instance_type.clone().or_else(|| past.today.instance_type.clone());
        Self { state: RunState::InService, since: Some(since(run, before)), usage: past.usage_at(now), instance_type, ..past.today.clone() }
    }
}

impl Replayed for App {
    fn on(past: &Past<Self>, run: &Run, before: Option<&Stopped>, _: Timestamp) -> Self {
        let instance_type = run.instance_type.clone().or_else(|| past.today.instance_type.clone());
        Self { state: RunState::InService, created: Some(since(run, before)), instance_type, ..past.today.clone() }
    }
}

impl Replayed for Endpoint {
    fn on(past: &Past<Self>, run: &Run, before: Option<&Stopped>, now: Timestamp) -> Self {
        let mut endpoint =
            Self { state: RunState::InService, is_deploying: false, created: Some(since(run, before)), ..past.today.clone() };
        let variants = endpoint.variants.iter_mut().map(|variant| &mut variant.invocations);
        let components = endpoint.components.iter_mut().flatten().map(|component| &mut component.invocations);
        for invocations in variants.chain(components) {
            *invocations = invocations.as_ref().map(|all| known_then(all, now));
        }
        endpoint.hibernation = before.map(|stopped| Hibernation {
            stage: HibernationStage::Awake,
            at: stopped.until,
            wakes: if stopped.is_woken { WakesBy::WorkingHours } else { WakesBy::Asking },
            since: stopped.at,
            first_created: run.from,
            usd_per_hour: None,
            took: None,
            failed: None,
            until: None,
            is_created_by_guard: stopped.is_woken,
        });
        endpoint
    }
}

/// The requests by the hour that were known at this time.
fn known_then(all: &Invocations, now: Timestamp) -> Invocations {
    let this_hour = usize::try_from(now.duration_since(all.from).as_hours()).unwrap_or_default();
    let looked_back = usize::try_from(USE_LOOKED_BACK.as_hours()).unwrap_or_default();
    let first = this_hour.saturating_sub(looked_back).min(all.hours.len());
    let hours = all.hours[first..all.hours.len().min(this_hour + 1)].to_vec();
    let from = all.from + SignedDuration::from_hours(i64::try_from(first).unwrap_or_default());
    Invocations::by_hour(from, hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_known_then_is_seen() {
        let from: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let all = Invocations::by_hour(from, (0..24 * 30).map(|hour| Some(hour as f32)).collect());
        let seen = known_then(&all, "2026-11-20T07:45:00Z".parse().unwrap());
        assert_eq!((seen.from, seen.hours.len()), ("2026-11-06T07:00:00Z".parse().unwrap(), 24 * 14 + 1));
        assert_eq!((seen.hours[0], seen.hours.last()), (Some(127.0), Some(&Some(463.0))));
        let early = known_then(&all, "2026-11-02T00:00:00Z".parse().unwrap());
        assert_eq!((early.from, early.hours.len()), (from, 25));
    }
}
