//! Tests of the links to the console: each resource has one, and they give way to findings.

use jiff::tz::TimeZone;

use super::*;
use crate::mail::{Due, Notification, daily::sections, notifications};

const LINK: &str = "  Console: https://eu-central-1.console.aws.amazon.com/sagemaker/home?region=eu-central-1#/notebook-instances/churn";

#[test]
fn each_resource_has_one_link() {
    let digest = one(&[item(warning(), "churn", None), item(News::Found, "churn", None), item(News::Found, "eda", None)]);
    assert_eq!(digest.body.lines().filter(|line| *line == LINK).count(), 1, "{}", digest.body);
    assert_eq!(digest.body.matches("  Console: ").count(), 2, "{}", digest.body);
}

#[test]
fn links_give_way_to_findings() {
    let many: Vec<Item> = (0..3000).map(|n| item(News::Found, &format!("nb-{n:05}"), Some(dec!(1)))).collect();
    let of = |most: usize| one(&many[..most]);
    // The most entries that fit with their links.
    let all_with_links = (1..=many.len()).collect::<Vec<_>>().partition_point(|most| of(*most).body.contains("Console:"));
    assert_eq!(of(all_with_links).notified.len(), all_with_links);
    let cut = of(many.len());
    assert!(!cut.body.contains("Console:") && all_with_links < cut.notified.len(), "{all_with_links}");
}

#[test]
fn a_daily_mail_has_them_where_there_is_room() {
    let policy = policy();
    let with: Notification = notifications(&[(item(News::Found, "churn", None), Due::Daily)], &context(&policy)).remove(0);
    let without = Notification { link: None, ..with.clone() };
    let in_room = |one: &Notification, room: usize| sections(&[one], &TimeZone::UTC, true, room);
    let room = in_room(&without, usize::MAX).len();
    assert!(in_room(&with, usize::MAX).lines().any(|line| line == LINK));
    assert_eq!(in_room(&with, room), in_room(&without, room));
}

#[test]
fn a_notification_of_an_earlier_version_is_mailed_without_a_link() {
    let policy = policy();
    let waiting = notifications(&[(item(News::Found, "churn", None), Due::Daily)], &context(&policy)).remove(0);
    let mut stored = serde_json::to_value(&waiting).unwrap();
    stored.as_object_mut().unwrap().remove("link");
    let read: Notification = serde_json::from_value(stored).unwrap();
    assert_eq!(read, Notification { link: None, ..waiting });
}
