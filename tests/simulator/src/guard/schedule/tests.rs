//! Every schedule of the template over a whole year, in several time zones, compared with minutes that are computed without cron; and the refused expressions.

use std::path::Path;

use jiff::civil::{DateTime, Weekday};

use super::*;
use crate::guard::{
    stack::{Schedule, Stack},
    template::{Place, Template},
};

const YEAR: [&str; 2] = ["2026-01-01T00:00", "2027-01-01T00:00"];

fn schedules(zone: &str) -> Vec<Schedule> {
    let template = Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/template.yaml")).unwrap();
    let place = Place { account: "123456789012".into(), region: "eu-central-1".into(), names: [].into() };
    let parameters = [("ScheduleTimezone", zone), ("AllowEnforcement", "yes")];
    let deployment = template.deployed(&place, &parameters).unwrap();
    Stack::new(&deployment.functions, Timestamp::UNIX_EPOCH).unwrap().schedules().to_vec()
}

/// Whether a schedule should fire at a time of the zone's clock; `None`: the schedule has a rate.
fn is_meant(schedule: &Schedule) -> Option<fn(DateTime) -> bool> {
    Some(match (schedule.function.as_str(), schedule.name.as_str()) {
        ("notebook-stopper", "Schedule") => |at| at.minute() % 15 == 0,
        ("training-job-spot-enforcer", "Sweep") => |at| (at.hour(), at.minute()) == (7, 0),
        ("tag-auditor", "Audit") => |at| (at.hour(), at.minute()) == (7, 30),
        ("endpoint-autoscaler", "Schedule") => |at| (at.hour(), at.minute()) == (7, 45),
        ("inference-advisor", "Schedule") => |at| (at.weekday(), at.hour(), at.minute()) == (Weekday::Monday, 8, 0),
        ("savings-plan-advisor", "Schedule") => |at| (at.hour(), at.minute()) == (9, 0),
        ("budget-alerter", "Schedule") => |at| at.minute() == 15 && at.hour() % 6 == 3,
        ("cost-reporter", _) | (_, "Due") => return None,
        other => panic!("when is {other:?} meant to fire?"),
    })
}

#[test]
fn each_schedule_of_the_template_fires_at_its_minutes_all_year_through_both_changes_of_the_clock() {
    // The quarter hours that fire in a year. Where the clock changes, four that it skips do not fire, and four that it repeats fire once.
    for (zone, quarters) in [("UTC", 35_040), ("Europe/Berlin", 35_036), ("America/New_York", 35_036), ("Asia/Kolkata", 35_040)] {
        let tz = TimeZone::get(zone).unwrap();
        let [from, until] = YEAR.map(|at| tz.to_timestamp(at.parse().unwrap()).unwrap());
        let schedules = schedules(zone);
        assert_eq!(schedules.len(), 11, "{schedules:?}");
        for schedule in schedules {
            assert!(schedule.enabled, "{schedule:?}");
            let second = SignedDuration::from_secs(1);
            let fired = schedule.expression.between(&schedule.zone, from, from - second, until - second);
            let Some(is_meant) = is_meant(&schedule) else {
                let (every, count, input) = match schedule.function.as_str() {
                    "cost-reporter" => (60, 8_759, serde_json::json!({})),
                    "tag-auditor" | "endpoint-autoscaler" => (15, 35_039, serde_json::json!({"due-only": true})),
                    _ => (5, 105_119, serde_json::json!({"due-only": true})),
                };
                assert!(fired.iter().all(|at| at.duration_since(from).as_secs() % (every * 60) == 0), "{schedule:?}");
                assert_eq!((fired.len(), schedule.input.clone()), (count, input));
                continue;
            };
            assert_eq!((&schedule.zone, &schedule.input), (&tz, &serde_json::json!({})), "{schedule:?}");
            // Goes through every minute of the year on the zone's clock, and leaves out a clock time that was seen before.
            let minutes = (0..).map(|n| from + SignedDuration::from_mins(n)).take_while(|at| *at < until);
            let expected: Vec<Timestamp> = minutes
                .filter(|at| {
                    let civil = tz.to_datetime(*at);
                    is_meant(civil) && tz.to_datetime(*at - SignedDuration::from_hours(1)) != civil
                })
                .collect();
            assert_eq!(fired, expected, "{zone}: {schedule:?}");
            let count = match schedule.function.as_str() {
                "notebook-stopper" => quarters,
                "budget-alerter" => 4 * 365,
                "inference-advisor" => 52,
                _ => 365,
            };
            assert_eq!(fired.len(), count, "{zone}: {schedule:?}");
        }
    }
}

fn times(expression: &str, zone: &str, from: &str, until: &str) -> Vec<String> {
    let [from, until] = [from, until].map(|at| at.parse::<Timestamp>().unwrap());
    let zone = TimeZone::get(zone).unwrap();
    let fired = expression.parse::<Expression>().unwrap().between(&zone, from, from, until);
    fired.iter().map(Timestamp::to_string).collect()
}

#[test]
fn a_minute_that_is_skipped_does_not_fire_and_one_that_is_repeated_fires_once() {
    let of_2026 = |expression| times(expression, "Europe/Berlin", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
    let nightly = of_2026("cron(30 2 * * ? *)");
    assert_eq!(nightly.len(), 363);
    assert!(!nightly.iter().any(|at| at.starts_with("2026-03-29")), "{nightly:?}");
    assert!(nightly.contains(&"2026-10-25T00:30:00Z".to_owned()) && !nightly.contains(&"2026-10-25T01:30:00Z".to_owned()));
}

#[test]
fn fields_are_as_eventbridge_has_them() {
    let fires = |expression| times(expression, "UTC", "2026-11-22T23:59:00Z", "2026-12-02T00:00:00Z");
    for (expression, expected) in [
        ("cron(0 9 ? * MON *)", vec!["2026-11-23T09:00:00Z", "2026-11-30T09:00:00Z"]),
        ("cron(0 9 ? * 1 *)", vec!["2026-11-29T09:00:00Z"]),
        (
            "cron(30 8,18 24-25 nov ? 2026)",
            vec!["2026-11-24T08:30:00Z", "2026-11-24T18:30:00Z", "2026-11-25T08:30:00Z", "2026-11-25T18:30:00Z"],
        ),
        ("cron(0 */12 1 12 ? *)", vec!["2026-12-01T00:00:00Z", "2026-12-01T12:00:00Z"]),
        ("cron(0 0 1 1 ? 2027)", vec![]),
        ("rate(4 days)", vec!["2026-11-26T23:59:00Z", "2026-11-30T23:59:00Z"]),
    ] {
        assert_eq!(fires(expression), expected, "{expression}");
    }
}

#[test]
fn what_has_a_rate_fires_from_the_deployment_on() {
    let [since, after, until] = ["00:07", "00:15", "00:31"].map(|at| format!("2026-11-23T{at}:00Z").parse::<Timestamp>().unwrap());
    let every = "rate(5 minutes)".parse::<Expression>().unwrap();
    let fired = |after| -> Vec<String> {
        let moments = every.between(&TimeZone::UTC, since, after, until);
        moments.iter().map(|at| at.to_string()[8..16].to_owned()).collect()
    };
    assert_eq!(fired(after), ["23T00:17", "23T00:22", "23T00:27"]);
    assert_eq!(fired(since)[0], "23T00:12");
    assert_eq!(fired(since - SignedDuration::from_hours(9))[0], "23T00:12", "nothing fires before there is anything");
}

#[test]
fn what_is_not_simulated_is_refused() {
    for (expression, why) in [
        ("at(2026-11-23T00:00:00)", "expected cron"),
        ("rate(0 minutes)", "expected rate"),
        ("rate(5 weeks)", "expected rate"),
        ("rate(5 minutess)", "expected rate"),
        ("cron(? 7 * * ? *)", "? is for day-of-month or day-of-week"),
        ("cron(0 7 * * ?)", "there are 5"),
        ("cron(0 7 * * * *)", "one of day-of-month and day-of-week is ?"),
        ("cron(0 7 ? * ? *)", "one of day-of-month and day-of-week is ?"),
        ("cron(60 7 * * ? *)", "minutes: `60`"),
        ("cron(0 7 L * ? *)", "day-of-month: `L` is not simulated"),
        ("cron(0 7 ? * MON#2 *)", "day-of-week: `MON#2` is not simulated"),
        ("cron(0 7 ? * FRI-MON *)", "a range goes up"),
        ("cron(0/0 7 * * ? *)", "expected start/step"),
    ] {
        let error = format!("{:#}", expression.parse::<Expression>().unwrap_err());
        assert!(error.contains(why) && error.contains(expression), "{expression}: {error}");
    }
}
