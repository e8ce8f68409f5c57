//! # endpoint-off-hours
//!
//! ## What it finds
//! An endpoint that runs day and night, although outside its working hours nobody called it in the last 14 days, and within them somebody did. The working hours are the same as
//! of notebooks: the tag `cost-guard:schedule`, else those of its team, else those of the policy. An endpoint that is less than a week old is not judged, and neither is one whose use
//! could not be read.
//!
//! ## Why it costs money
//! Working hours of 11 hours on five days are a third of the week. The other two thirds are billed as well.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed, with the commands that delete it and create it again. While it is deleted, its callers get errors.
//!
//! Enforce with `remedy = "hibernate"`: its owner is warned, and each time when working hours end, but not before `grace`, it is hibernated: the guard stores what it takes to create it again,
//! and deletes it. It creates it again before working hours begin (`wake-before` in `[hibernation]`), with its tags, its auto scaling and its number of instances. A break of less than three
//! hours does not count. Hibernating needs a deployment with `AllowHibernation = yes`. docs/endpoints.md says which endpoints are only reported, and what does not come back.
//!
//! ## Settings

use jiff::SignedDuration;
use rust_decimal::{Decimal, prelude::FromPrimitive as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Endpoint, Invocations},
    policy::{HoursOf, Policy},
    remedy::WakesBy,
    rules::{
        context::RuleContext,
        endpoints::sleep::{self, EndpointRemedy},
        rule::{Manner, RemedyName, Rule},
        verdict::{Verdict, Waste},
    },
    vocabulary::{duration::Duration, schedule::Schedule, working_time::Calendar},
};

/// A break of working hours that is shorter than this is not worth a creation of some minutes.
const SHORTEST_SLEEP: SignedDuration = SignedDuration::from_hours(3);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointOffHours {
    /// How old an endpoint must be to be judged: at most 14 days.
    min_age: Duration,
    /// The action if the rule is enforced: `"hibernate"`. To enforce the rule, the policy must set it.
    remedy: EndpointRemedy,
}

impl Default for EndpointOffHours {
    fn default() -> Self {
        Self { min_age: Duration::days(7), remedy: EndpointRemedy::None }
    }
}

impl Rule for EndpointOffHours {
    const NAME: &'static str = "endpoint-off-hours";
    const TO_DO: &'static str = "run it in working hours only";
    // A warning of the morning is of this evening.
    const MANNER: Manner = Manner { grace: Duration::hours(8), ..Manner::ENFORCEABLE };
    type Subject = Endpoint;

    fn remedy(&self) -> Option<RemedyName> {
        self.remedy.name()
    }

    fn lacks(&self) -> Option<&'static str> {
        self.remedy.lacks()
    }

    fn reads_tag(&self, key: &str, _: &Policy) -> bool {
        sleep::reads_tag(key)
    }

    fn nonsense(&self) -> Option<&'static str> {
        if self.min_age < Duration::days(3) {
            return Some("`min-age` is less than three days: a weekend would look like a habit");
        }
        (Duration::days(14) < self.min_age).then_some("`min-age` is more than 14 days: CloudWatch is asked for the last 14 days")
    }

    fn concerns(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_billed_when_idle()
    }

    fn check(&self, endpoint: &Endpoint, cx: &RuleContext<'_>) -> Verdict {
        if let Err(verdict) = endpoint.judged_old(self.min_age, cx.now) {
            return verdict;
        }
        let HoursOf { schedule, whose, calendar } = match cx.policy.hours_of(&endpoint.resource) {
            Ok(hours) => hours,
            Err(why) => return Verdict::Unknown(why),
        };
        let used = match endpoint.judged_use() {
            Ok(used) => used,
            Err(verdict) => return verdict,
        };
        // One that nobody calls at all is the matter of `endpoint-idle`.
        if used.is_none() || endpoint.uses().any(|invocations| is_used_off_hours(invocations, &schedule, calendar)) {
            return Verdict::Fine;
        }
        let Some(off_share) = Decimal::from_f64(schedule.off_share()).filter(|share| Decimal::ZERO < *share) else { return Verdict::Fine };
        let Some(from) = schedule.off_from(cx.now, calendar, SHORTEST_SLEEP) else { return Verdict::Fine };
        let (remedy, only_reported) = self.remedy.of(endpoint, WakesBy::WorkingHours, cx);
        let reason =
            format!("runs day and night, but nobody called it outside {whose} working hours {schedule} in the last 14 days{only_reported}");
        let mut waste = Waste {
            ends: schedule.next_start(from, calendar),
            not_before: Some(from).filter(|from| cx.now < *from),
            recurs: true,
            remedy,
            ..cx.endpoint_waste(endpoint, reason.into(), off_share)
        };
        waste.notice.hours = schedule.longer(from, calendar);
        waste.notice.headline = Some("got requests in working hours only");
        waste.notice.advice = Some(endpoint.how_to_delete("delete it when working hours end, and create it again before they begin"));
        Verdict::Waste(Box::new(waste))
    }
}

/// Whether it was called in an hour that has no working time, neither at its start nor at its end.
fn is_used_off_hours(invocations: &Invocations, schedule: &Schedule, calendar: &Calendar) -> bool {
    let mut start = invocations.from;
    for requests in &invocations.hours {
        let end = start + SignedDuration::from_hours(1);
        let is_off = !schedule.is_working(start, calendar) && !schedule.is_working(end - SignedDuration::from_secs(1), calendar);
        if is_off && requests.is_some_and(|requests| 0.0 < requests) {
            return true;
        }
        start = end;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{AutoScaling, Hibernation, HibernationStage},
        remedy::Remedy,
        samples::*,
    };

    /// Called once in each of these hours of the day (UTC), on these days before noon of 24 November 2026, a Tuesday.
    fn called(hours: std::ops::Range<usize>, weekend: bool) -> Endpoint {
        let mut endpoint = endpoint("2026-10-01T00:00:00Z");
        let from: jiff::Timestamp = "2026-11-10T12:00:00Z".parse().unwrap();
        let is_called = |hour: usize| {
            let at = (from + SignedDuration::from_hours(i64::try_from(hour).unwrap())).to_zoned_datetime(jiff::tz::TimeZone::UTC);
            let is_weekend = 5 <= at.weekday().to_monday_zero_offset();
            hours.contains(&usize::try_from(at.hour()).unwrap()) && (weekend || !is_weekend)
        };
        let hours = (0..336).map(|hour| is_called(hour).then_some(5.0)).collect();
        endpoint.variants[0].invocations = Some(Invocations::by_hour(from, hours));
        endpoint
    }

    #[test]
    fn nobody_calls_it_at_night() {
        // The sample's working hours are 8 to 19 o'clock in Berlin: 7 to 18 in UTC in November.
        for (hours, weekend, is_waste) in [
            (7..18, false, true),
            (9..12, false, true),
            (7..18, true, false),
            (6..18, false, false),
            (7..19, false, false),
            (0..24, true, false),
            (0..0, false, false),
        ] {
            let verdict = EndpointOffHours::default().check(&called(hours.clone(), weekend), &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), is_waste, "{hours:?} {weekend}: {verdict:?}");
        }
        let verdict = EndpointOffHours::default().check(&called(7..18, false), &context("2026-11-24T12:00:00Z"));
        let Verdict::Waste(waste) = verdict else { panic!("{verdict:?}") };
        // 113 of 168 hours of 2 x ml.m5.large at 0.115 USD an hour.
        assert_eq!(waste.usd_per_month.unwrap().round_dp(2).to_string(), "112.93");
    }

    #[test]
    fn it_sleeps_from_the_end_of_working_hours_until_they_begin() {
        let rule = EndpointOffHours { remedy: EndpointRemedy::Hibernate, ..EndpointOffHours::default() };
        let mut one = called(7..18, false);
        one.variants[0].scaling = AutoScaling::None;
        // Working hours are 07:00 to 18:00 in UTC. 24 November is a Tuesday.
        for (now, not_before, ends) in [
            ("2026-11-24T12:00:00Z", Some("2026-11-24T18:00:00Z"), "2026-11-25T07:00:00Z"),
            ("2026-11-24T18:00:00Z", None, "2026-11-25T07:00:00Z"),
            ("2026-11-24T23:00:00Z", None, "2026-11-25T07:00:00Z"),
            ("2026-11-25T05:00:00Z", Some("2026-11-25T18:00:00Z"), "2026-11-26T07:00:00Z"), // two hours are too short
            ("2026-11-27T20:00:00Z", None, "2026-11-30T07:00:00Z"),                         // a weekend
        ] {
            let verdict = rule.check(&one, &context(now));
            let Verdict::Waste(waste) = verdict else { panic!("{now}: {verdict:?}") };
            assert_eq!(waste.not_before.map(|at| at.to_string()).as_deref(), not_before, "{now}");
            assert_eq!(waste.ends.unwrap().to_string(), ends, "{now}");
            assert!(matches!(waste.remedy, Remedy::Hibernate(_)), "{now}: {:?}", waste.reason);
        }
        // What the guard has created again this morning is no new endpoint.
        one.created = Some("2026-11-24T06:45:00Z".parse().unwrap());
        assert_eq!(rule.check(&one, &context("2026-11-24T12:00:00Z")), Verdict::Fine);
        let at = "2026-11-24T06:50:00Z".parse().unwrap();
        one.hibernation = Some(Hibernation {
            stage: HibernationStage::Awake,
            at,
            wakes: WakesBy::WorkingHours,
            since: at,
            first_created: "2026-10-01T00:00:00Z".parse().unwrap(),
            usd_per_hour: None,
            took: None,
            failed: None,
        });
        assert!(matches!(rule.check(&one, &context("2026-11-24T12:00:00Z")), Verdict::Waste(_)));
    }

    #[test]
    fn a_new_one_and_one_of_other_hours_are_left_alone() {
        let mut young = called(7..18, false);
        young.created = Some("2026-11-18T00:00:00Z".parse().unwrap());
        assert_eq!(EndpointOffHours::default().check(&young, &context("2026-11-24T12:00:00Z")), Verdict::Fine);
        let mut always = called(7..18, false);
        always.resource = with_tags(always.resource, &[("cost-guard:schedule", "always")]);
        assert_eq!(EndpointOffHours::default().check(&always, &context("2026-11-24T12:00:00Z")), Verdict::Fine);
        let mut unread = called(7..18, false);
        unread.components = None;
        assert!(matches!(EndpointOffHours::default().check(&unread, &context("2026-11-24T12:00:00Z")), Verdict::Unknown(_)));
    }
}
