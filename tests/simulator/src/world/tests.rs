//! Time, money and tags of the simulated account.

use rust_decimal::dec;

use super::*;

const ESTATE: &str = r#"
start = "2026-11-23T08:00:00Z"
[[notebook]]
name = "a"
instance-type = "ml.m5.xlarge"
since = "-5h"
tags = { Owner = "ann" }
plan = [{ at = "2026-11-23 10:00", do = "stop" }, { at = "2026-11-23 12:00", do = "start" }]
[[notebook]]
name = "b"
instance-type = "ml.zz9.plural"
since = "-1h"
"#;

fn world() -> World {
    World::new(Estate::from_toml(ESTATE).unwrap())
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-23T{time}:00Z").parse().unwrap()
}

#[test]
fn what_runs_is_billed_from_in_service_until_stop_is_called() {
    let mut world = world();
    let start = world.now;
    world.live_until(at("15:00"));
    let bill = world.bill(start);
    // From 08:00 to 10:00, and from 12:03, when it was in service again, to 15:00.
    assert_eq!(bill[0].ran, SignedDuration::from_mins(2 * 60 + 2 * 60 + 57));
    assert_eq!(bill[0].usd, Some((dec!(0.23) * dec!(297) / dec!(60)).round_dp(6)));
    assert_eq!((bill[1].usd, bill[1].ran), (None, SignedDuration::from_hours(7)), "no price known");
}

#[test]
fn time_never_goes_back() {
    let mut world = world();
    world.live_until(at("09:00"));
    world.live_until(at("08:30"));
    assert_eq!(world.now, at("09:00"));
}

#[test]
fn a_deletion_ends_what_was_to_come_and_stays_on_the_bill() {
    let mut world = world();
    let start = world.now;
    world.live_until(at("09:00"));
    world.stop("a");
    world.deed("a", &Deed::Delete);
    world.live_until(at("15:00"));
    assert!(!world.notebooks.contains_key("a"));
    let bill = world.bill(start);
    let line = bill.iter().find(|line| line.name == "a").unwrap();
    assert_eq!((line.ran, line.owner.as_deref()), (SignedDuration::from_hours(1), Some("ann")));
}

#[test]
fn the_api_deletes_in_a_minute() {
    let mut world = world();
    world.stop("a");
    world.live_until(at("08:01"));
    world.begin_deletion("a");
    assert_eq!(world.notebooks["a"].status, "Deleting");
    world.live_until(at("08:02"));
    assert!(!world.notebooks.contains_key("a"));
    let statuses: Vec<Value> = world.take_events().iter().map(|event| event["detail"]["NotebookInstanceStatus"].clone()).collect();
    assert_eq!(statuses, ["Stopping", "Stopped", "Deleting", "Deleted"]);
}

#[test]
fn the_tag_index_answers_as_of_an_earlier_moment() {
    let mut world = world();
    let arn = world.notebooks["b"].arn.clone();
    world.live_until(at("09:00"));
    world.deed("b", &Deed::Tag("x".into(), "1".into()));
    world.live_until(at("10:00"));
    world.deed("b", &Deed::Untag("x".into()));
    let log = &world.tags[&arn];
    assert_eq!(log.at(at("08:59")), None, "never tagged by then");
    assert_eq!(log.at(at("09:30")), Some(BTreeMap::from([("x".to_owned(), "1".to_owned())])));
    assert_eq!(log.at(at("10:00")), Some(BTreeMap::new()), "tagged once");
}

#[test]
fn events_come_late_and_twice_where_a_fault_says_so() {
    let mut world = world();
    world.faults.push(Fault::new("*", What::LateEvents("5m".parse().unwrap())));
    world.faults.push(Fault::new("*", What::DuplicateEvents));
    world.live_until(at("10:04"));
    assert_eq!(world.take_events().len(), 0);
    world.live_until(at("10:05"));
    assert_eq!(world.take_events().len(), 2, "Stopping, twice");
    world.live_until(at("10:30"));
    assert_eq!(world.take_events().len(), 2, "Stopped, twice");
}
