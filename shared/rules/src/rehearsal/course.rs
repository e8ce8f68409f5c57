//! One resource during a rehearsal: what history says of it, and what the rehearsal has changed.

use jiff::{SignedDuration, Timestamp};

use super::{
    history::{Past, Run, USE_LOOKED_BACK, Use},
    outcome::{After, WRONG_WITHIN},
};
use crate::{
    facts::{App, Backlog, Endpoint, Hibernation, HibernationStage, Invocations, Notebook, RunState, Subject},
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
        let run_end = self.past.run_at(at).and_then(|run| run.end);
        let ended = run_end.map(|end| end.at);
        let next = self.past.uses.iter().find(|used| at < used.at).filter(|used| wakes.is_none_or(|wakes| is_over_by(used, wakes)));
        // What ended within the hour of a call was called before it ended.
        let used = next.filter(|used| ended.is_none_or(|ended| used.earliest() < ended));
        let wakes = wakes.filter(|wakes| ended.is_none_or(|ended| *wakes < ended) && *wakes < end);
        let after = match (used, wakes, run_end) {
            (Some(used), ..) => After::Used(used.clone()),
            (None, Some(wakes), _) => After::Woken(wakes),
            (None, None, Some(end)) => After::Ended(end),
            (None, None, None) => After::StillOn,
        };
        let started = self.past.runs.iter().map(|run| run.from).find(|from| at < *from).unwrap_or(Timestamp::MAX);
        let until = used.map(|used| used.at).or(wakes).unwrap_or(started).min(started);
        self.stopped = Some(Stopped { at, until, is_woken: wakes == Some(until) });
        let off_until = used.map_or(until, |used| used.earliest().max(at));
        let saved_until = off_until.min(ended.unwrap_or(end)).min(end);
        Aftermath { after, wrong: next.filter(|used| may_be_before(used, at + WRONG_WITHIN)).cloned(), saved_until }
    }
}

/// Whether a use was before this time.
fn is_over_by(used: &Use, time: Timestamp) -> bool {
    used.earliest() < time && used.at <= time
}

/// Whether a use was at this time or before, or may have been.
fn may_be_before(used: &Use, time: Timestamp) -> bool {
    used.earliest() < time || used.at <= time
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
            *invocations = invocations.as_ref().map(|all| {
                let (from, hours) = known_then((all.from, &all.hours), now);
                Invocations::by_hour(from, hours)
            });
        }
        endpoint.backlog = endpoint.backlog.as_ref().map(|all| {
            let (from, hours) = known_then((all.from, &all.hours), now);
            Backlog { hours, from }
        });
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

/// The numbers of the hours that were over at this time, as far as a run looks back: when the first of these hours began, and the numbers.
fn known_then((from, hours): (Timestamp, &[Option<f32>]), now: Timestamp) -> (Timestamp, Vec<Option<f32>>) {
    let this_hour = usize::try_from(now.duration_since(from).as_hours()).unwrap_or_default().min(hours.len());
    let looked_back = usize::try_from(USE_LOOKED_BACK.as_hours()).unwrap_or_default();
    let first = this_hour.saturating_sub(looked_back);
    (from + SignedDuration::from_hours(i64::try_from(first).unwrap_or_default()), hours[first..this_hour].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_known_then_is_seen() {
        let from: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let all: Vec<Option<f32>> = (0..24 * 30).map(|hour| Some(hour as f32)).collect();
        for (now, first, hours, last) in [
            // The hour that is not over is not known.
            ("2026-11-20T07:45:00Z", "2026-11-06T07:00:00Z", 24 * 14, Some(462.0)),
            ("2026-11-20T08:00:00Z", "2026-11-06T08:00:00Z", 24 * 14, Some(463.0)),
            ("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z", 24, Some(23.0)),
            ("2026-11-01T00:30:00Z", "2026-11-01T00:00:00Z", 0, None),
            // The history ends before.
            ("2026-12-02T00:00:00Z", "2026-11-17T00:00:00Z", 24 * 14, Some(719.0)),
        ] {
            let (seen_from, seen) = known_then((from, &all), now.parse().unwrap());
            assert_eq!((seen_from, seen.len(), seen.last().copied().flatten()), (first.parse().unwrap(), hours, last), "{now}");
        }
    }
}
