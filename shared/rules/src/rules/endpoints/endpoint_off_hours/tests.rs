//! Tests of the rule endpoint-off-hours.

use super::*;
use crate::{
    facts::{
        AttachStage, Attached, AutoScaling, Backlog, Compute, Follows, Hibernation, HibernationStage, Scaling, ScalingPolicy,
        ScheduledAction, Serving, Suspended, TrackedMetric,
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
    // Working hours are 07:00 to 18:00 in UTC, and 20 minutes before them it is created again. 24 November is a Tuesday.
    for (now, not_before, ends) in [
        ("2026-11-24T12:00:00Z", Some("2026-11-24T18:00:00Z"), "2026-11-25T06:40:00Z"),
        ("2026-11-24T18:00:00Z", None, "2026-11-25T06:40:00Z"),
        ("2026-11-24T23:00:00Z", None, "2026-11-25T06:40:00Z"),
        ("2026-11-25T05:00:00Z", Some("2026-11-25T18:00:00Z"), "2026-11-26T06:40:00Z"), // two hours are too short
        ("2026-11-27T20:00:00Z", None, "2026-11-30T06:40:00Z"),                         // a weekend
    ] {
        let verdict = rule.check(&one, &context(now));
        let Verdict::Waste(waste) = verdict else { panic!("{now}: {verdict:?}") };
        assert_eq!(waste.not_before.map(|at| at.to_string()).as_deref(), not_before, "{now}");
        assert_eq!(waste.ends.unwrap().to_string(), ends, "{now}");
        assert!(matches!(waste.remedy, Remedy::Hibernate(_)), "{now}: {:?}", waste.reason);
        assert!(waste.notice.before.iter().any(|detail| detail.title.to_string().starts_with("Sleeps: until")), "{now}");
    }
    // It is created so early again as AWS took long the last time.
    one.hibernation =
        Some(Hibernation { took: Some(Duration::minutes(25)), ..hibernation(HibernationStage::Awake, "2026-11-24T06:50:00Z") });
    let Verdict::Waste(waste) = rule.check(&one, &context("2026-11-24T12:00:00Z")) else { panic!() };
    assert_eq!(waste.ends.unwrap().to_string(), "2026-11-25T06:10:00Z");
    one.hibernation = None;
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
    (endpoint.serving, endpoint.backlog) = (Serving::Asynchronous, Some(Backlog::default()));
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
