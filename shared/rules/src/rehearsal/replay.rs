//! Lives through the history, run by run.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};

use super::{
    course::{Course, Replayed},
    guard::{Guard, Stops},
    history::{History, Past},
    outcome::{Rehearsal, Stop},
    scope::{ATTACHES, NotRehearsed, not_rehearsed},
};
use crate::{
    facts::{Facts, Reading},
    remedy::{Remedy, WakesBy},
    rulebook::{Finding, Rulebook},
    vocabulary::{duration::Duration, resource::Kind, scope::Scope},
};

/// How often notebook-stopper runs, and what is due at endpoints is looked at (`NotebookSchedule` of the template).
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// When endpoint-autoscaler looks at all endpoints, in UTC: the defaults of `EndpointSchedule` and `ScheduleTimezone` in the template.
const ENDPOINTS_AT: Time = Time::constant(7, 45, 0, 0);

/// How long the deletion of an endpoint takes, about.
const DELETED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What the policy would have done in this history.
pub fn rehearse(rulebook: &Rulebook, history: &History) -> Rehearsal {
    let mut rehearsal = Rehearsal { from: history.from, until: history.until, ..Rehearsal::default() };
    rehearsal.not_rehearsed = not_rehearsed(rulebook);
    rehearsal.looked_at =
        [on_of(history, &history.notebooks), on_of(history, &history.apps), on_of(history, &history.endpoints)].iter().sum();
    notebooks_and_apps(rulebook, history, &mut rehearsal);
    endpoints(rulebook, history, &mut rehearsal);
    rehearsal.stops.sort_by(|a, b| (a.at, &a.resource.id).cmp(&(b.at, &b.resource.id)));
    rehearsal
}

/// How many of them were on.
fn on_of<F>(history: &History, all: &[Past<F>]) -> usize {
    all.iter().filter(|past| past.is_on_within(history.from, history.until)).count()
}

/// The times of runs: each quarter of an hour.
fn quarters(history: &History) -> impl Iterator<Item = Timestamp> {
    let seconds = QUARTER.as_secs();
    let first = history.from.as_second().div_euclid(seconds) + 1;
    let last = history.until.as_second().div_euclid(seconds);
    (first..=last).filter_map(move |quarter| Timestamp::from_second(quarter * seconds).ok())
}

fn facts_at(history: &History, now: Timestamp, complete: &[Kind]) -> Facts {
    Facts {
        now,
        prices: std::sync::Arc::clone(&history.prices),
        domain_names: history.domain_names.clone(),
        reading: Reading { complete: complete.iter().copied().collect(), ..Reading::default() },
        ..Facts::default()
    }
}

/// What notebook-stopper would have done.
fn notebooks_and_apps(rulebook: &Rulebook, history: &History, rehearsal: &mut Rehearsal) {
    let mut notebooks: Vec<_> = history.notebooks.iter().map(Course::of).collect();
    let mut apps: Vec<_> = history.apps.iter().map(Course::of).collect();
    let mut guard = Guard::new(rulebook);
    for now in quarters(history) {
        let facts = Facts {
            notebooks: notebooks.iter().filter_map(|one| one.at(now)).collect(),
            apps: apps.iter().filter_map(|one| one.at(now)).collect(),
            ..facts_at(history, now, &[Kind::NotebookInstance, Kind::App])
        };
        let stops = guard.run(&facts, &Scope::Everything, rehearsal);
        let stopping = Stopping { rulebook, now, end: history.until };
        stopping.stop(&mut notebooks, &stops, rehearsal);
        stopping.stop(&mut apps, &stops, rehearsal);
    }
    take(guard, rehearsal);
}

/// What endpoint-autoscaler would have done.
fn endpoints(rulebook: &Rulebook, history: &History, rehearsal: &mut Rehearsal) {
    let mut endpoints: Vec<_> = history.endpoints.iter().map(Course::of).collect();
    let mut guard = Guard::new(rulebook);
    for now in quarters(history) {
        let is_daily = now.to_zoned_datetime(TimeZone::UTC).time() == ENDPOINTS_AT;
        let scope = if is_daily { Scope::Everything } else { guard.due(now) };
        if scope.named().is_some_and(|named| named.is_empty()) {
            continue;
        }
        let seen = endpoints.iter().filter(|one| scope.includes(one.id()));
        let facts = Facts { endpoints: seen.filter_map(|one| one.at(now)).collect(), ..facts_at(history, now, &[Kind::Endpoint]) };
        let stops = guard.run(&facts, &scope, rehearsal);
        Stopping { rulebook, now, end: history.until }.stop(&mut endpoints, &stops, rehearsal);
        // The event of its deletion wakes the function, which closes the finding: the next evening is another one.
        for id in stops.into_keys() {
            let facts = facts_at(history, now + DELETED_AFTER, &[Kind::Endpoint]);
            guard.run(&facts, &Scope::Changed(id, None), rehearsal);
        }
    }
    take(guard, rehearsal);
}

/// Adds what a function could not judge or rehearse.
fn take(guard: Guard<'_>, rehearsal: &mut Rehearsal) {
    let (unjudged, attaching) = guard.end();
    rehearsal.unjudged.extend(unjudged);
    let rules: BTreeSet<&'static str> = attaching.into_iter().collect();
    if !rules.is_empty() {
        rehearsal.not_rehearsed.insert(0, NotRehearsed { rules: rules.into_iter().collect(), why: ATTACHES });
    }
}

/// What a function stops at one time.
struct Stopping<'a> {
    rulebook: &'a Rulebook,
    now: Timestamp,
    end: Timestamp,
}

impl Stopping<'_> {
    fn stop<F: Replayed>(&self, courses: &mut [Course<'_, F>], stops: &Stops, rehearsal: &mut Rehearsal) {
        for course in courses.iter_mut().filter(|_| !stops.is_empty()) {
            if let Some(findings @ [first, ..]) = stops.get(course.id()).map(Vec::as_slice) {
                let stop = self.stop_one(course, first, findings);
                rehearsal.stops.push(stop);
            }
        }
    }

    fn stop_one<F: Replayed>(&self, course: &mut Course<'_, F>, finding: &Finding, findings: &[Finding]) -> Stop {
        let wakes = match &finding.waste.remedy {
            Remedy::Hibernate(sleep) if sleep.wakes == WakesBy::WorkingHours => finding.waste.ends,
            _ => None,
        };
        let aftermath = course.stop(self.now, wakes, self.end);
        let policy = &self.rulebook.policy;
        let zone = policy.zone_of_resource(&finding.resource);
        let hours = Duration::between(self.now, aftermath.saved_until).in_hours();
        Stop {
            at: self.now,
            resource: course.past.today.resource().clone(),
            rules: findings.iter().map(|one| one.rule).collect(),
            action: finding.waste.remedy.action(),
            reason: finding.waste.reason.with_zone(&zone),
            owner: finding.owner.clone(),
            team: finding.team.clone(),
            zone,
            after: aftermath.after,
            wrong: aftermath.wrong,
            saved_until: aftermath.saved_until,
            saved_usd: finding.waste.usd_per_hour.map(|usd| usd * hours),
        }
    }
}
