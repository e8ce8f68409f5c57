//! Tests of whole rehearsals, on histories of a few days in Berlin (UTC+1 in November), where working hours are mon-fri/08:00-19:00.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

use super::*;
use crate::{
    facts::{App, AutoScaling, Backlog, Endpoint, Invocations, Notebook, Serving, Usage},
    rulebook::Rulebook,
    samples::{app, endpoint, notebook, tagged, with_tags},
    vocabulary::price::Prices,
};

const BERLIN: &str = "timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\n[working-hours]\ndefault = \"mon-fri/08:00-19:00\"\n";

fn enforcing(rule: &str) -> Rulebook {
    Rulebook::from_toml(&format!("{BERLIN}[rules.{rule}]\nmode = \"enforce\"\n")).unwrap()
}

/// `24T18:30` in UTC.
fn at(time: &str) -> Timestamp {
    format!("2026-11-{time}:00Z").parse().unwrap()
}

fn run(from: &str, until: Option<&str>) -> Run {
    Run { from: at(from), end: until.map(|until| stopped(at(until))), instance_type: None }
}

fn stopped(at: Timestamp) -> RunEnd {
    RunEnd { at, how: Ending::Stopped }
}

fn used(time: &str, what: Used) -> Use {
    Use { at: at(time), what, by: Some("ann".into()) }
}

/// Monday the 23rd to Saturday the 28th.
fn week() -> History {
    let prices = Arc::new(Prices::of_region("us-east-1", []));
    History { from: at("23T00:00"), until: at("28T00:00"), prices, ..History::default() }
}

/// An `ml.m5.xlarge` at $0.23 an hour.
fn past(runs: &[(&str, Option<&str>)], uses: &[(&str, Used)]) -> Past<Notebook> {
    let today = tagged(notebook("2026-11-23T08:00:00Z"), &[("Owner", "ann@example.com")]);
    let uses = uses.iter().map(|(time, what)| used(time, *what)).collect();
    Past { today, runs: runs.iter().map(|(from, until)| run(from, *until)).collect(), uses, measured: vec![] }
}

fn of_notebook(rulebook: &Rulebook, runs: &[(&str, Option<&str>)], uses: &[(&str, Used)]) -> Rehearsal {
    rehearse(rulebook, &History { notebooks: vec![past(runs, uses)], ..week() })
}

fn times(rehearsal: &Rehearsal) -> Vec<Timestamp> {
    rehearsal.stops.iter().map(|stop| stop.at).collect()
}

#[test]
fn what_is_left_on_is_warned_of_and_stopped_half_an_hour_later() {
    let rehearsal = of_notebook(&enforcing("notebook-off-hours"), &[("23T08:00", None)], &[]);
    let [stop] = &rehearsal.stops[..] else { panic!("{:#?}", rehearsal.stops) };
    assert_eq!((stop.at, stop.action, &stop.rules[..]), (at("23T18:30"), "stop-notebook-instance", &["notebook-off-hours"][..]));
    assert_eq!((stop.owner.as_deref(), &stop.after, &stop.wrong), (Some("ann@example.com"), &After::StillOn, &None));
    assert!(stop.reason.contains("outside the policy's working hours") && stop.reason.contains("19:00 CET"), "{}", stop.reason);
    // From Monday 18:30 to Saturday 00:00 are 101.5 hours.
    assert_eq!((stop.saved_until, stop.saved_usd, rehearsal.saved_usd()), (at("28T00:00"), Some(dec!(23.345)), dec!(23.345)));
    // The warning, and the stop.
    assert_eq!((rehearsal.warnings, rehearsal.mails["ann@example.com"]), (1, Mails { at_once: 2, regular: 0 }));
    assert_eq!((rehearsal.looked_at, rehearsal.stopped_soon_after()), (1, 0));
}

#[test]
fn what_came_after_a_stop_decides_whether_it_was_right() {
    use Used::{Opened, Started};
    let rulebook = enforcing("notebook-off-hours");
    for (runs, uses, after, wrong, saved_until) in [
        // Opened 20 minutes after the stop of 18:30.
        (&[("23T08:00", Some("23T23:00"))][..], &[("23T18:50", Opened)][..], "used", Some(Opened), "23T18:50"),
        (&[("23T08:00", Some("23T23:00"))], &[("23T19:30", Opened)], "used", Some(Opened), "23T19:30"),
        (&[("23T08:00", Some("23T23:00"))], &[("23T19:31", Opened)], "used", None, "23T19:31"),
        // Opened before the stop.
        (&[("23T08:00", Some("23T23:00"))], &[("23T18:25", Opened)], "ended", None, "23T23:00"),
        // Its owner stopped it and started it again.
        (&[("23T08:00", Some("23T18:40")), ("23T19:00", Some("23T19:10"))], &[("23T19:00", Started)], "ended", Some(Started), "23T18:40"),
        (&[("23T08:00", Some("23T18:40")), ("24T07:00", Some("24T17:00"))], &[("24T07:00", Started)], "ended", None, "23T18:40"),
    ] {
        let rehearsal = of_notebook(&rulebook, runs, uses);
        let stop = &rehearsal.stops[0];
        let is = match &stop.after {
            After::Used(_) => "used",
            After::Ended(_) => "ended",
            After::Woken(_) => "woken",
            After::StillOn => "on",
        };
        let expected = (at("23T18:30"), after, wrong, at(saved_until));
        assert_eq!((stop.at, is, stop.wrong.as_ref().map(|one| one.what), stop.saved_until), expected, "{runs:?} {uses:?}");
        assert_eq!(rehearsal.wrong().count(), usize::from(wrong.is_some()));
    }
}

#[test]
fn what_was_stopped_soon_after_is_counted() {
    let stopped = |until: &str| of_notebook(&enforcing("notebook-off-hours"), &[("23T08:00", Some(until))], &[]).stopped_soon_after();
    assert_eq!((stopped("23T19:30"), stopped("23T19:31")), (1, 0));
}

#[test]
fn a_stop_is_followed_by_another_only_after_a_start() {
    let rulebook = enforcing("notebook-off-hours");
    // On all week, and not used: one stop.
    assert_eq!(times(&of_notebook(&rulebook, &[("23T08:00", None)], &[])), [at("23T18:30")]);
    // On all week, and opened on two mornings: its owner would have had to start it.
    let opened = [("24T08:00", Used::Opened), ("26T08:00", Used::Opened)];
    let rehearsal = of_notebook(&rulebook, &[("23T08:00", None)], &opened);
    assert_eq!(times(&rehearsal), [at("23T18:30"), at("24T18:30"), at("26T18:30")]);
    assert_eq!(rehearsal.stops.iter().map(|stop| stop.saved_until).collect::<Vec<_>>(), [at("24T08:00"), at("26T08:00"), at("28T00:00")]);
    // Stopped and started in reality.
    let both = [("23T08:00", Some("23T20:00")), ("24T08:00", Some("24T20:00"))];
    assert_eq!(times(&of_notebook(&rulebook, &both, &[])), [at("23T18:30"), at("24T18:30")]);
}

#[test]
fn settings_and_exemptions_hold_as_in_a_real_run() {
    let stops = |policy: &str, tags: &[(&str, &str)]| {
        let rulebook = Rulebook::from_toml(&format!("{BERLIN}{policy}")).unwrap();
        let mut one = past(&[("23T08:00", None)], &[]);
        one.today = tagged(one.today, tags);
        times(&rehearse(&rulebook, &History { notebooks: vec![one], ..week() }))
    };
    let enforce = "[rules.notebook-off-hours]\nmode = \"enforce\"\n";
    for (policy, tags, expected) in [
        (enforce.to_owned(), &[][..], &["23T18:30"][..]),
        (format!("{enforce}grace = \"2h\"\n"), &[], &["23T20:00"]),
        (String::new(), &[], &[]),
        (enforce.to_owned(), &[("cost-guard:keep-until", "2026-11-25")], &["25T23:30"]),
        (enforce.to_owned(), &[("cost-guard:schedule", "always")], &[]),
        (enforce.to_owned(), &[("cost-guard:schedule", "whenever")], &[]),
        (
            format!("{enforce}[[override]]\nmatch = {{ tag.Env = \"prod*\" }}\nrules.notebook-off-hours.mode = \"report\"\n"),
            &[("Env", "prod")],
            &[],
        ),
        ("[rules.notebook-always-on]\nmode = \"enforce\"\n".to_owned(), &[], &["26T08:45"]),
        (format!("{enforce}[[exempt]]\nmatch = {{ kind = \"notebook-instance\" }}\nuntil = \"2026-12-31\"\nreason = \"x\"\n"), &[], &[]),
    ] {
        assert_eq!(stops(&policy, tags), expected.iter().map(|time| at(time)).collect::<Vec<_>>(), "{policy} {tags:?}");
    }
}

#[test]
fn a_tag_that_nobody_understands_is_told() {
    let mut one = past(&[("23T08:00", None)], &[]);
    one.today = tagged(one.today, &[("cost-guard:schedule", "whenever")]);
    let rehearsal = rehearse(&enforcing("notebook-off-hours"), &History { notebooks: vec![one], ..week() });
    assert!(rehearsal.unjudged.iter().any(|one| one.what.starts_with("notebook-off-hours: 1 resource")), "{:?}", rehearsal.unjudged);
}

#[test]
fn no_more_than_max_actions_are_stopped_at_a_time() {
    let rulebook = Rulebook::from_toml(&format!("max-actions = 1\n{BERLIN}[rules.notebook-off-hours]\nmode = \"enforce\"\n")).unwrap();
    let named = |name: &str| {
        let mut one = past(&[("23T08:00", None)], &[]);
        one.today.resource.id = format!("notebook-instance/{name}");
        one
    };
    let rehearsal = rehearse(&rulebook, &History { notebooks: vec![named("a"), named("b")], ..week() });
    assert_eq!((times(&rehearsal), rehearsal.held_back), (vec![at("23T18:30"), at("23T18:45")], 1));
}

#[test]
fn what_the_idle_agent_measured_decides_and_counts_as_use() {
    let rulebook = enforcing("notebook-idle");
    // Used until 10:00, and again from 12:55 on. It is idle for two hours at noon, warned of, and stopped half an hour later.
    let measured = |until: &str| {
        let times = (0..12 * 12).map(|five| at("23T08:00") + SignedDuration::from_mins(5 * five));
        let is_busy = |time: Timestamp| time <= at("23T10:00") || at("23T12:55") <= time;
        let mut last = at("23T08:00");
        let usage = times.map(|time| {
            last = if is_busy(time) { time } else { last };
            Usage { last, known_until: time }
        });
        usage.filter(|usage| usage.known_until < at(until)).collect::<Vec<Usage>>()
    };
    let of = |measured: Vec<Usage>| {
        let uses = uses_measured(&measured).collect();
        rehearse(&rulebook, &History { notebooks: vec![Past { uses, measured, ..past(&[("23T08:00", None)], &[]) }], ..week() })
    };
    let rehearsal = of(measured("23T20:00"));
    assert_eq!(times(&rehearsal), [at("23T12:30")], "{:#?}", rehearsal.stops);
    assert_eq!(rehearsal.stops[0].wrong, Some(Use { at: at("23T12:55"), what: Used::Busy, by: None }));
    assert!(rehearsal.stops[0].after_words().starts_with("in use at Mon 2026-11-23 13:55 CET"), "{}", rehearsal.stops[0].after_words());
    // Without a datapoint of the last 20 minutes nothing is known.
    let rehearsal = of(measured("23T11:00"));
    assert!(rehearsal.stops.is_empty() && rehearsal.unjudged.iter().any(|one| one.why.contains("IdleSeconds")), "{rehearsal:?}");
}

#[test]
fn apps_are_deleted_and_each_new_one_is_judged_for_itself() {
    let today = App {
        resource: with_tags(app("JupyterLab", "ml.m5.xlarge", "2026-11-24T08:00:00Z").resource, &[("Owner", "bob@example.com")]),
        ..app("JupyterLab", "ml.m5.xlarge", "2026-11-24T08:00:00Z")
    };
    let runs = vec![Run { instance_type: Some("ml.t3.medium".into()), ..run("23T08:00", Some("23T20:00")) }, run("24T08:00", None)];
    let apps = vec![Past { today, runs, uses: vec![used("24T08:00", Used::Started)], measured: vec![] }];
    let rehearsal = rehearse(&enforcing("studio-app-off-hours"), &History { apps, ..week() });
    assert_eq!(times(&rehearsal), [at("23T18:30"), at("24T18:30")]);
    assert!(rehearsal.stops.iter().all(|stop| stop.action == "delete-app" && stop.owner.as_deref() == Some("bob@example.com")));
    // An hour and a half of the first, 77.5 hours of the second.
    assert_eq!(
        rehearsal.stops.iter().map(|stop| stop.saved_usd).collect::<Vec<_>>(),
        [Some(dec!(0.05) * dec!(1.5)), Some(dec!(0.23) * dec!(77.5))]
    );
}

/// A call in the hour that begins at this time.
fn called_in(hour: Timestamp) -> Use {
    Use { at: hour + SignedDuration::from_hours(1), what: Used::Called, by: None }
}

/// An endpoint that was called in these hours of UTC, of each day but weekends, until this day.
fn called(hours: std::ops::Range<i8>, until: &str) -> Past<Endpoint> {
    let from = at("01T00:00");
    let mut today = endpoint("2026-10-01T00:00:00Z");
    let hour = |hour: i64| from + SignedDuration::from_hours(hour);
    let is_called = |time: Timestamp| {
        let clock = time.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        time < at(until) && hours.contains(&clock.hour()) && clock.weekday().to_monday_one_offset() < 6
    };
    let all: Vec<Timestamp> = (0..24 * 27).map(hour).collect();
    let requests = all.iter().map(|time| Some(if is_called(*time) { 10.0 } else { 0.0 })).collect();
    today.variants[0].invocations = Some(Invocations::by_hour(from, requests));
    today.variants[0].scaling = AutoScaling::None;
    let uses = all.into_iter().filter(|time| is_called(*time)).map(called_in).collect();
    let runs = vec![Run { from: "2026-10-01T00:00:00Z".parse().unwrap(), end: None, instance_type: None }];
    Past { today, runs, uses, measured: vec![] }
}

#[test]
fn an_endpoint_that_nobody_calls_is_hibernated_until_it_is_called() {
    let rulebook = Rulebook::from_toml(&format!("{BERLIN}[rules.endpoint-idle]\nmode = \"enforce\"\nremedy = \"hibernate\"\n")).unwrap();
    // Last called on Friday the 13th before 17:00: a week later it is warned of, at 07:45 UTC of the 21st, and hibernated three days later.
    let one = called(8..17, "14T00:00");
    let rehearsal = rehearse(&rulebook, &History { endpoints: vec![one.clone()], from: at("15T00:00"), ..week() });
    let [stop] = &rehearsal.stops[..] else { panic!("{:#?}", rehearsal.stops) };
    assert_eq!((stop.at, stop.action, &stop.after), (at("24T07:45"), "hibernate-endpoint", &After::StillOn));
    // Called again on the 25th: its callers would have got errors.
    let mut again = one;
    let hour = usize::try_from(24 * 24 + 9).unwrap();
    again.today.variants[0].invocations.as_mut().unwrap().hours[hour] = Some(3.0);
    again.uses.push(called_in(at("25T09:00")));
    let rehearsal = rehearse(&rulebook, &History { endpoints: vec![again], from: at("15T00:00"), ..week() });
    assert_eq!((rehearsal.stops.len(), rehearsal.stops[0].saved_until, &rehearsal.stops[0].wrong), (1, at("25T09:00"), &None));
}

#[test]
fn an_endpoint_that_is_called_in_working_hours_only_sleeps_each_night() {
    let policy = format!("{BERLIN}[rules.endpoint-off-hours]\nmode = \"enforce\"\nremedy = \"hibernate\"\n");
    let history = History { endpoints: vec![called(8..17, "28T00:00")], ..week() };
    let rehearsal = rehearse(&Rulebook::from_toml(&policy).unwrap(), &history);
    let nights = ["23T18:00", "24T18:00", "25T18:00", "26T18:00", "27T18:00"].map(at);
    assert_eq!(times(&rehearsal), nights, "{:#?}", rehearsal.stops);
    let woken = |stop: &Stop| matches!(stop.after, After::Woken(at) if stop.at < at && stop.saved_until == at);
    assert!(rehearsal.stops[..4].iter().all(woken) && rehearsal.wrong().count() == 0, "{:#?}", rehearsal.stops);
    // Who calls it after hours finds it deleted: the guard knows an hour when it is over.
    for (hour, is_wrong, saved_until) in [("25T18:00", true, "25T18:00"), ("25T19:00", false, "25T19:00")] {
        let mut late = called(8..17, "28T00:00");
        let place = usize::try_from(at(hour).duration_since(at("01T00:00")).as_hours()).unwrap();
        late.today.variants[0].invocations.as_mut().unwrap().hours[place] = Some(3.0);
        late.uses.push(called_in(at(hour)));
        late.uses.sort_by_key(|used| used.at);
        let rehearsal = rehearse(&Rulebook::from_toml(&policy).unwrap(), &History { endpoints: vec![late], ..week() });
        assert_eq!(times(&rehearsal), nights[..3], "{hour}: {:#?}", rehearsal.stops);
        let stop = &rehearsal.stops[2];
        let expected = (After::Used(called_in(at(hour))), is_wrong.then(|| called_in(at(hour))), at(saved_until));
        assert_eq!((stop.after.clone(), stop.wrong.clone(), stop.saved_until), expected, "{hour}");
    }
    // Scheduled actions stop nothing, and that is said.
    let rehearsal = rehearse(&enforcing("endpoint-off-hours"), &history);
    assert!(rehearsal.stops.is_empty());
    let said: BTreeMap<&str, &str> = rehearsal.not_rehearsed.iter().flat_map(|one| one.rules.iter().map(|rule| (*rule, one.why))).collect();
    assert!(said["endpoint-off-hours"].contains("scheduled actions"), "{said:?}");
}

#[test]
fn a_queue_counts_as_in_use_only_for_the_days_after_a_request_waited_in_it() {
    let rulebook = Rulebook::from_toml(&format!("{BERLIN}[rules.endpoint-idle]\nmode = \"enforce\"\nremedy = \"hibernate\"\n")).unwrap();
    for (waited, expected) in [("09T12:00", &["27T07:45"][..]), ("13T12:00", &[]), ("26T12:00", &["26T07:45"])] {
        let mut queue = called(0..0, "01T00:00");
        let hour = |hour: i64| at("01T00:00") + SignedDuration::from_hours(hour);
        let hours = (0..24 * 27).map(|one| Some(if hour(one) == at(waited) { 4.0 } else { 0.0 })).collect();
        queue.today.serving = Serving::Asynchronous;
        queue.today.backlog = Some(Backlog { hours, from: at("01T00:00") });
        let rehearsal = rehearse(&rulebook, &History { endpoints: vec![queue], ..week() });
        assert_eq!(times(&rehearsal), expected.iter().map(|time| at(time)).collect::<Vec<_>>(), "{waited}: {:#?}", rehearsal.stops);
    }
}

#[test]
fn without_a_resource_there_is_nothing_to_say() {
    let rehearsal = rehearse(&enforcing("notebook-off-hours"), &week());
    assert_eq!((rehearsal.looked_at, rehearsal.stops.len(), rehearsal.mails.len()), (0, 0, 0));
    assert!(rehearsal.not_rehearsed.iter().any(|one| one.rules.contains(&"training-on-demand")));
}

/// Runs and openings of a notebook, in quarters of an hour from the beginning of the week.
fn pasts() -> impl Strategy<Value = Past<Notebook>> {
    let quarter = |quarter: i64| at("23T00:00") + SignedDuration::from_mins(15 * quarter);
    let runs = prop::collection::btree_set(0..480_i64, 0..12);
    let opened = prop::collection::btree_set(0..480_i64, 0..12);
    (runs, opened).prop_map(move |(edges, opened)| {
        let edges: Vec<Timestamp> = edges.into_iter().map(quarter).collect();
        let runs: Vec<Run> =
            edges.chunks(2).map(|edge| Run { from: edge[0], end: edge.get(1).copied().map(stopped), instance_type: None }).collect();
        let minute = SignedDuration::from_mins(1);
        let opened = opened.into_iter().map(|one| Use { at: quarter(one) + minute, what: Used::Opened, by: None });
        let started = runs.iter().map(|run| Use { at: run.from, what: Used::Started, by: None });
        let is_on = |used: &Use| runs.iter().any(|run| run.contains(used.at));
        let mut uses: Vec<Use> = started.chain(opened).filter(is_on).collect();
        uses.sort_by_key(|used| used.at);
        Past { runs, uses, ..past(&[], &[]) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_policy_that_only_reports_stops_nothing(notebook in pasts()) {
        let rehearsal = rehearse(&Rulebook::from_toml(BERLIN).unwrap(), &History { notebooks: vec![notebook], ..week() });
        prop_assert!(rehearsal.stops.is_empty() && rehearsal.warnings == 0);
    }

    #[test]
    fn nothing_is_stopped_twice_without_a_start_or_while_it_is_off(notebook in pasts()) {
        let history = History { notebooks: vec![notebook.clone()], ..week() };
        let rehearsal = rehearse(&enforcing("notebook-off-hours"), &history);
        for stop in &rehearsal.stops {
            prop_assert!(notebook.run_at(stop.at).is_some(), "stopped at {} while it was off", stop.at);
            prop_assert!(stop.at <= stop.saved_until && stop.saved_until <= history.until);
            let run = notebook.run_at(stop.at).unwrap();
            prop_assert!(run.until().is_none_or(|until| stop.saved_until <= until));
        }
        for pair in rehearsal.stops.windows(2) {
            let is_between = |used: &Use| pair[0].at < used.at && used.at <= pair[1].at;
            prop_assert!(notebook.uses.iter().any(is_between), "stopped at {} and {} without a start", pair[0].at, pair[1].at);
        }
        // Each hour of a run is saved once at most.
        let most: Decimal = notebook.runs.iter().map(|run| {
            let until = run.until().unwrap_or(history.until);
            Decimal::from(until.duration_since(run.from).as_secs()) / dec!(3600) * dec!(0.23)
        }).sum();
        prop_assert!(rehearsal.saved_usd() <= most.round_dp(6) + dec!(0.000001));
    }
}
