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
//! Report: its owner is mailed, with the commands.
//!
//! Enforce with `remedy = "schedule"`: the guard warns first and then attaches scheduled actions, once: when working hours end, the minimum becomes zero (asynchronous
//! endpoints, and inference components whose instances follow them) or `min-instances` (real-time variants, of which AWS keeps one); 20 minutes before they begin, it becomes what it was.
//! Asynchronous endpoints and inference components are woken by an alarm if somebody calls them outside working hours: that takes some minutes. Holidays are like other days to scheduled actions.
//! What a person changes later is never set back.
//!
//! The guard leaves it alone, with the reason in the mail, where that saves nothing (a real-time variant with one instance), where somebody has scheduled actions or has suspended its scaling, and
//! where scheduled actions cannot say the hours: `always`, `never`, or hours that begin at a time that clocks skip when summer time begins.
//!
//! Enforce with `remedy = "hibernate"`: scheduled actions for what can go to zero. Of a real-time endpoint, its owner is warned once a week, and each time when working hours end, but not before `grace`, it is hibernated: the guard stores what it takes to create it
//! again, and deletes it. It creates it again before working hours begin (`wake-before` in `[hibernation]`), with its tags, its auto scaling and its number of instances. A break of less than
//! three hours does not count. While it is deleted, its callers get errors. Hibernating needs a deployment with `AllowHibernation = yes`. docs/endpoints.md says which endpoints are only
//! reported, and what does not come back.
//!
//! ## Settings

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, prelude::FromPrimitive as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{AutoScaling, Endpoint, Invocations, Serving},
    policy::{HoursOf, Policy},
    remedy::{Remedy, Sleep, WakesBy},
    rules::{
        context::RuleContext,
        endpoints::{
            attaching::{CODE_OWNS_IT, how_to_set},
            sleep,
        },
        rule::{Manner, RemedyName, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    scaling::{Attachment, OfficeHours, Way},
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, dollars},
        schedule::Schedule,
        timed_text::TimedText,
        working_time::Calendar,
    },
};

/// A break of working hours that is shorter than this is not worth a creation of some minutes.
const SHORTEST_SLEEP: SignedDuration = SignedDuration::from_hours(3);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointOffHours {
    /// The number of instances that a real-time variant keeps outside of its working hours.
    #[schemars(range(min = 1))]
    min_instances: u32,
    /// How old an endpoint must be to be judged: at most 14 days.
    min_age: Duration,
    /// The action if the rule is enforced: `"schedule"` attaches scheduled actions, `"hibernate"` deletes real-time endpoints every evening and creates them again every morning.
    remedy: OffHoursRemedy,
}

/// The setting `remedy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OffHoursRemedy {
    Schedule,
    Hibernate,
}

impl Default for EndpointOffHours {
    fn default() -> Self {
        Self { min_instances: 1, min_age: Duration::days(7), remedy: OffHoursRemedy::Schedule }
    }
}

impl Rule for EndpointOffHours {
    const NAME: &'static str = "endpoint-off-hours";
    const TO_DO: &'static str = "run it in working hours only";
    // A warning of the morning is of this evening: a hibernated endpoint runs anew each day. What production keeps is said once, for both rules.
    const MANNER: Manner = Manner {
        grace: Duration::hours(8),
        warns_weekly: true,
        shares: Some(("endpoint-without-autoscaling", "min-instances")),
        ..Manner::ENFORCEABLE
    };
    type Subject = Endpoint;

    fn remedy(&self) -> Option<RemedyName> {
        Some(match self.remedy {
            OffHoursRemedy::Schedule => RemedyName::Schedule,
            OffHoursRemedy::Hibernate => RemedyName::Hibernate,
        })
    }

    fn reads_tag(&self, key: &str, _: &Policy) -> bool {
        sleep::reads_tag(key)
    }

    fn nonsense(&self) -> Option<&'static str> {
        if self.min_instances < 1 {
            return Some("`min-instances` is 0: a real-time variant has at least one instance");
        }
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
        if endpoint.is_begun_below(Way::ByHours, self.min_instances) {
            return Verdict::Fine;
        }
        if endpoint.is_begun(Way::ByHours) {
            return Verdict::Waste(Box::new(finish(endpoint)));
        }
        // What could not be read is no reason to do anything else than before.
        if endpoint.serving == Serving::Unknown {
            return Verdict::Unknown("its configuration could not be read".into());
        }
        if endpoint.scalings().any(|scaling| *scaling == AutoScaling::Unread) {
            return Verdict::Unknown("its auto scaling could not be read".into());
        }
        if endpoint.keeps_hours(cx.now) || endpoint.goes_to_zero() {
            return Verdict::Fine;
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
        let reason = |runs: &str| {
            format!("{runs} day and night, but nobody called it outside {whose} working hours {schedule} in the last 14 days").into()
        };
        let mut waste = Waste { was: Some(reason("ran")), ..cx.endpoint_waste(endpoint, reason("runs"), off_share) };
        waste.notice.headline = Some(HEADLINE);
        match self.choose(endpoint, &schedule, calendar, cx) {
            OffHours::Hibernate(sleep, from) => {
                waste.ends = schedule.next_start(from, calendar);
                waste.not_before = Some(from).filter(|from| cx.now < *from);
                // Who created it again outside working hours needs it: that is warned of.
                waste.recurs = !was_woken_off_hours(endpoint, &schedule, calendar, cx.now);
                waste.remedy = Remedy::Hibernate(sleep);
                if let Some(start) = waste.ends {
                    let until =
                        TimedText::from("Sleeps: until shortly before ").time(start).text(", and so each time outside its working hours.");
                    waste.notice.details.push(until.into());
                }
                waste.notice.hours = schedule.longer(from, calendar);
                waste.notice.advice = Some(endpoint.how_to_delete(DELETE));
            }
            OffHours::Schedule(attachments) => {
                let saved = saved_per_hour(endpoint, &attachments, cx).map(|usd| usd * HOURS_PER_MONTH * off_share);
                scheduled(&mut waste, endpoint, attachments, saved);
            }
            OffHours::Nothing(why) => {
                let advice = endpoint.how_to_delete(DELETE);
                waste.notice.advice = Some(format!("{advice}\nThe guard leaves it alone: {why}."));
            }
        }
        Verdict::Waste(Box::new(waste))
    }
}

const HEADLINE: &str = "got requests in working hours only";
const DELETE: &str = "delete it when working hours end, and create it again before they begin";

/// What is done about an endpoint that nobody calls outside its working hours.
#[derive(Debug, PartialEq)]
enum OffHours {
    /// Scheduled actions.
    Schedule(Vec<Attachment>),
    /// It is hibernated, from this time on.
    Hibernate(Sleep, Timestamp),
    /// Nothing, for this reason.
    Nothing(String),
}

impl EndpointOffHours {
    /// The one place where that is chosen.
    fn choose(&self, endpoint: &Endpoint, schedule: &Schedule, calendar: &Calendar, cx: &RuleContext<'_>) -> OffHours {
        // What can go to zero need not be deleted.
        if self.remedy == OffHoursRemedy::Schedule || endpoint.serving != Serving::RealTime {
            return scheduled_actions(endpoint, OfficeHours::new(schedule, schedule.zone(calendar), cx.now), self.min_instances);
        }
        let Some(from) = schedule.off_from(cx.now, calendar, SHORTEST_SLEEP) else {
            return OffHours::Nothing("its working hours have no break of three hours".to_owned());
        };
        let sleep = endpoint.sleep(WakesBy::WorkingHours, cx.policy);
        sleep.map_or_else(OffHours::Nothing, |sleep| OffHours::Hibernate(sleep, from))
    }
}

/// Scheduled actions where they save something.
fn scheduled_actions(endpoint: &Endpoint, hours: Result<OfficeHours, String>, min_instances: u32) -> OffHours {
    let scheduled = hours
        .map_err(|why| format!("scheduled actions cannot keep its working hours: {why}"))
        .and_then(|hours| endpoint.by_hours(&hours, min_instances));
    scheduled.map_or_else(OffHours::Nothing, OffHours::Schedule)
}

/// Finishes what the guard began.
fn finish(endpoint: &Endpoint) -> Waste {
    Waste {
        reason: "the guard has begun to scale it by its working hours, and finishes that".to_owned().into(),
        remedy: endpoint.attaches(Way::ByHours, vec![]),
        usd_per_month: endpoint.attached.as_ref().and_then(|attached| attached.usd_per_month),
        notice: Notice { headline: Some(HEADLINE), advice: Some(CODE_OWNS_IT.into()), ..Notice::default() },
        ..Waste::default()
    }
}

/// USD per hour of the instances that are not there outside working hours. `None`: a price is not known.
fn saved_per_hour(endpoint: &Endpoint, attachments: &[Attachment], cx: &RuleContext<'_>) -> Option<Decimal> {
    if attachments.iter().all(|one| one.least() == 0) {
        return cx.hourly_of_endpoint(endpoint);
    }
    let of = |one: &Attachment| {
        let variant = endpoint.variants.iter().find(|variant| variant.name == one.variant)?;
        let (_, each) = cx.hourly_of_variant(variant)?;
        Some(each * Decimal::from(one.bounds_before().min.saturating_sub(one.least())))
    };
    attachments.iter().map(of).sum()
}

/// Adds what scheduled actions do, and what they save in USD per month.
fn scheduled(waste: &mut Waste, endpoint: &Endpoint, attachments: Vec<Attachment>, saved: Option<Decimal>) {
    let notice = &mut waste.notice;
    notice.instead = Some("keep it, or give it other hours with the tag cost-guard:schedule");
    notice.after_stop = Some(CODE_OWNS_IT.into());
    notice.advice = Some(format!("set its scheduled actions with these commands; {CODE_OWNS_IT}"));
    let fewer = |one: &Attachment| format!("{} of the {} instances of {}", one.least(), one.bounds_before().min, one.variant);
    let kept: Vec<String> = attachments.iter().filter(|one| 0 < one.least()).map(fewer).collect();
    if !kept.is_empty() {
        let all = waste.usd_per_month.map_or_else(String::new, |usd| format!(" Without any, {} a month would be saved.", dollars(usd)));
        notice.details.push(format!("Outside its working hours it keeps {}.{all}", kept.join(" and ")).into());
        let delete =
            endpoint.how_to_delete("or, to save all of it, delete it when working hours end, and create it again before they begin");
        notice.advice = notice.advice.take().map(|advice| format!("{advice}\n{delete}"));
    }
    waste.usd_per_month = saved;
    notice.details.extend(attachments.iter().flat_map(|one| how_to_set(&endpoint.resource, one)));
    waste.remedy = endpoint.attaches(Way::ByHours, attachments);
}

/// Whether somebody has created it since working hours ended: not the guard, which does so shortly before they begin.
fn was_woken_off_hours(endpoint: &Endpoint, schedule: &Schedule, calendar: &Calendar, now: Timestamp) -> bool {
    let Some((ended, created)) = schedule.off_since(now, calendar).zip(endpoint.created) else { return false };
    let ahead = schedule.next_start(created, calendar).map(|start| start.duration_since(created));
    ended <= created && ahead.is_none_or(|ahead| SHORTEST_SLEEP < ahead)
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
        facts::{
            AttachStage, Attached, AutoScaling, Compute, Follows, Hibernation, HibernationStage, Scaling, ScalingPolicy, ScheduledAction,
            Serving, Suspended, TrackedMetric,
        },
        samples::*,
        scaling::ScheduledBounds,
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
        // 113 of 168 hours of one of two ml.m5.large at 0.115 USD an hour: the other one stays.
        assert_eq!(waste.usd_per_month.unwrap().round_dp(2).to_string(), "56.47");
    }

    #[test]
    fn it_sleeps_from_the_end_of_working_hours_until_they_begin() {
        let rule = EndpointOffHours { remedy: OffHoursRemedy::Hibernate, ..EndpointOffHours::default() };
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
        // Who woke it at night is warned again.
        let recurs = |created: &str, now: &str| {
            let one = Endpoint { created: Some(created.parse().unwrap()), ..one.clone() };
            let rule = EndpointOffHours { min_age: Duration::seconds(0), remedy: OffHoursRemedy::Hibernate, ..EndpointOffHours::default() };
            matches!(rule.check(&one, &context(now)), Verdict::Waste(waste) if waste.recurs)
        };
        for (created, now, is_as_usual) in [
            ("2026-11-23T21:00:00Z", "2026-11-23T23:00:00Z", false),
            ("2026-11-23T21:00:00Z", "2026-11-24T12:00:00Z", true),
            ("2026-11-24T06:30:00Z", "2026-11-24T06:40:00Z", true), // by the guard
            ("2026-10-01T00:00:00Z", "2026-11-23T23:00:00Z", true),
        ] {
            assert_eq!(recurs(created, now), is_as_usual, "{created} {now}");
        }
        // What the guard has created again this morning is no new endpoint.
        one.created = Some("2026-11-24T06:45:00Z".parse().unwrap());
        assert_eq!(rule.check(&one, &context("2026-11-24T12:00:00Z")), Verdict::Fine);
        let first_created = "2026-10-01T00:00:00Z".parse().unwrap();
        one.hibernation = Some(Hibernation { first_created, ..hibernation(HibernationStage::Awake, "2026-11-24T06:50:00Z") });
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

    fn hours(schedule: &str) -> Result<OfficeHours, String> {
        OfficeHours::new(
            &schedule.parse().unwrap(),
            &jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
            "2026-11-24T12:00:00Z".parse().unwrap(),
        )
    }

    fn real_time(instances: u32) -> Endpoint {
        let mut endpoint = called(7..18, false);
        endpoint.variants[0].compute =
            Compute::Instances { instance_type: Some("ml.m5.large".into()), current: instances, desired: instances, fixed: None };
        endpoint
    }

    fn asynchronous() -> Endpoint {
        let mut endpoint = real_time(2);
        (endpoint.serving, endpoint.backlog) = (Serving::Asynchronous, Some(0));
        endpoint
    }

    fn with(mut endpoint: Endpoint, min: u32, change: impl Fn(&mut Scaling)) -> Endpoint {
        let (policies, scheduled, activities, suspended) = (vec![], vec![], vec![], Suspended::default());
        let mut scaling = Scaling { min, max: 4, suspended, created: None, policies, scheduled, activities };
        change(&mut scaling);
        endpoint.variants[0].scaling = AutoScaling::Target(Box::new(scaling));
        endpoint
    }

    #[test]
    fn scheduled_actions_where_they_save_something() {
        let tracked = |scaling: &mut Scaling| {
            let metric = TrackedMetric::Predefined("SageMakerVariantInvocationsPerInstance".into());
            let cooldown = Duration::minutes(5);
            let follows =
                Follows::Target { metric, target: 5.0, scale_out_cooldown: cooldown, scale_in_cooldown: cooldown, never_scales_in: false };
            scaling.policies.push(ScalingPolicy { name: "mine".into(), alarms: vec![], follows });
        };
        let morning = |scaling: &mut Scaling| {
            scaling.scheduled.push(ScheduledAction {
                name: "morning".into(),
                schedule: "rate(1 day)".into(),
                zone: None,
                min: Some(1),
                max: None,
            });
        };
        let nothing = |_: &mut Scaling| {};
        for (endpoint, least, evening, has_wake) in [
            (real_time(3), 1, "1-1", false),
            (real_time(3), 2, "2-2", false),
            (asynchronous(), 2, "0-2", true),
            // Whoever works late is served by somebody's own policy.
            (with(real_time(3), 2, tracked), 1, "1-4", false),
            (with(real_time(3), 2, nothing), 1, "1-1", false),
            (with(asynchronous(), 1, tracked), 1, "0-4", true),
        ] {
            let chosen = scheduled_actions(&endpoint, hours("mon-fri/08:00-19:00"), least);
            let OffHours::Schedule(attachments) = chosen else { panic!("{chosen:?}") };
            let [one] = &attachments[..] else { panic!("{attachments:?}") };
            let text = |action: &ScheduledBounds| format!("{}-{}", action.min, action.max);
            let action = |hour: &str| one.actions.iter().find(|action| action.name.ends_with(hour)).map(text);
            let before = one.bounds_before();
            assert_eq!(action("1900").as_deref(), Some(evening), "{endpoint:?}");
            assert_eq!((action("0740"), one.wake.is_some(), one.min), (Some(format!("{}-{}", before.min, one.max)), has_wake, before.min));
        }
        for (endpoint, hours, least, why) in [
            (real_time(1), hours("mon-fri/08:00-19:00"), 1, "no more than 1"),
            (real_time(2), hours("mon-fri/08:00-19:00"), 2, "no more than 2"),
            (real_time(3), hours("never"), 1, "no beginning"),
            (with(real_time(3), 2, morning), hours("mon-fri/08:00-19:00"), 1, "scheduled actions already"),
            (with(real_time(3), 1, nothing), hours("mon-fri/08:00-19:00"), 1, "minimum is 1 already"),
            (with(asynchronous(), 1, |scaling| scaling.suspended.scheduled = true), hours("mon-fri/08:00-19:00"), 1, "has suspended"),
        ] {
            let OffHours::Nothing(said) = scheduled_actions(&endpoint, hours, least) else { panic!("{why}") };
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn what_it_keeps_is_said_and_not_counted() {
        let Verdict::Waste(waste) = EndpointOffHours::default().check(&real_time(3), &context("2026-11-24T12:00:00Z")) else { panic!() };
        // Two of three ml.m5.large, 113 of 168 hours.
        assert_eq!(waste.usd_per_month.unwrap().round_dp(2).to_string(), "112.93");
        assert_eq!(
            waste.notice.details[0].title.to_string(),
            "Outside its working hours it keeps 1 of the 3 instances of AllTraffic. Without any, $169.40 a month would be saved."
        );
        assert!(matches!(&waste.remedy, Remedy::AttachScaling(Way::ByHours, all) if all.len() == 1));
        assert!(waste.notice.advice.unwrap().contains("delete-endpoint"));
    }

    #[test]
    fn it_is_attached_once_and_what_goes_to_zero_anyway_is_fine() {
        let OffHours::Schedule(attachments) = scheduled_actions(&real_time(3), hours("mon-fri/08:00-19:00"), 1) else { panic!() };
        let check = |endpoint: &Endpoint| EndpointOffHours::default().check(endpoint, &context("2026-11-24T12:00:00Z"));
        let attached = |stage, at: &str, way| {
            Some(Attached { way, attachments: attachments.clone(), usd_per_month: Some(Decimal::TEN), stage, at: at.parse().unwrap() })
        };
        let mut endpoint = real_time(3);
        endpoint.attached = attached(AttachStage::Attaching, "2026-11-01T00:00:00Z", Way::ByHours);
        let Verdict::Waste(waste) = check(&endpoint) else { panic!() };
        assert_eq!(waste.remedy, Remedy::AttachScaling(Way::ByHours, attachments.clone()));
        let raised = EndpointOffHours { min_instances: 2, ..EndpointOffHours::default() };
        assert_eq!(raised.check(&endpoint, &context("2026-11-24T12:00:00Z")), Verdict::Fine, "it is not finished with fewer");
        for stage in [AttachStage::Attached, AttachStage::Detached] {
            endpoint.attached = attached(stage, "2026-11-01T00:00:00Z", Way::ByHours);
            assert_eq!(check(&endpoint), Verdict::Fine, "for 90 days");
            endpoint.attached = attached(stage, "2026-08-01T00:00:00Z", Way::ByHours);
            assert!(matches!(check(&endpoint), Verdict::Waste(waste) if waste.remedy == Remedy::None), "it is only told again");
        }
        let stands = |scaling: &mut Scaling| {
            let there = |action: &ScheduledBounds| ScheduledAction {
                name: action.name.clone(),
                schedule: action.schedule.clone(),
                zone: Some(action.zone.clone()),
                min: Some(action.min),
                max: Some(action.max),
            };
            scaling.scheduled.extend(attachments[0].actions.iter().map(there));
        };
        let mut standing = with(real_time(3), 3, stands);
        standing.attached = attached(AttachStage::Attached, "2026-08-01T00:00:00Z", Way::ByHours);
        assert_eq!(check(&standing), Verdict::Fine, "as long as it stands");
        assert_eq!(check(&with(asynchronous(), 0, |_| {})), Verdict::Fine);
    }
}
