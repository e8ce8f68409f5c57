//! Mails about endpoints: what a warning says that a later mail does not, and what was done.

use super::*;
use crate::{
    mail::notifications,
    remedy::{Sleep, WakesBy},
    rules::verdict::Detail,
    scaling::{Attachment, Way},
};

fn scaled(news: News) -> Item {
    let notice = Notice {
        is_saving: true,
        details: vec!["Setting of v: 1 to 6 instances".into()],
        before: vec!["Overload: in the last 14 days".into()],
        by_hand: vec![Detail { title: "As Terraform:".into(), list: vec!["resource".into()] }],
        ..Notice::default()
    };
    Item {
        key: key("endpoint-without-autoscaling", "endpoint/shop"),
        id: "endpoint/shop".into(),
        arn: "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/shop".into(),
        remedy: Some(Remedy::AttachScaling(Way::Follow, vec![Attachment::of_variant("shop", "v", 4)])),
        ends: None,
        notice,
        ..item(news, "shop", Some(dec!(151.53)))
    }
}

fn hibernated(news: News, wakes: WakesBy) -> Item {
    Item {
        id: "endpoint/office".into(),
        arn: "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/office".into(),
        remedy: Some(Remedy::Hibernate(Sleep { config: "two".into(), wakes })),
        ends: (wakes == WakesBy::WorkingHours).then(|| "2026-11-24T06:40:00Z".parse().unwrap()),
        notice: Notice { advice: Some("delete it".into()), ..Notice::default() },
        ..item(news, "office", Some(dec!(73)))
    }
}

#[test]
fn a_warning_of_auto_scaling_says_what_it_saves_and_has_commands_and_code_at_its_end() {
    let digest = one(&[scaled(warning())]);
    assert_eq!(digest.subject, "Cost guard: shop will be given auto scaling Mon 2026-11-23 19:30 CET, saves about $151.53 a month");
    let long = Item { name: "recommender".into(), ..scaled(warning()) };
    assert!(one(&[long]).subject.ends_with(" 19:30 CET, saves $151.53 a month"));
    for says in ["  Saves: about $151.53 a month.", "Overload: in", "Setting of v", "Leave it as it is until the end of Mon 2026-11-30:"] {
        assert!(digest.body.contains(says), "{says}: {}", digest.body);
    }
    let (entry, end) = digest.body.split_once("TO SET IT BY HAND OR BY CODE").unwrap();
    assert!(
        end.contains("SHOP\nAs Terraform:\nresource\n") && entry.contains("Console:") && !entry.contains("Terraform"),
        "{}",
        digest.body
    );
    assert!(!digest.body.contains("Costs:"), "{}", digest.body);
}

#[test]
fn what_was_given_auto_scaling_is_a_short_mail_that_begins_with_the_way_back() {
    let digest = one(&[scaled(stopped())]);
    assert_eq!(digest.subject, "Cost guard: shop was given auto scaling, saves about $151.53 a month");
    for says in ["Overload", "Terraform", "BY HAND"] {
        assert!(!digest.body.contains(says), "{says}: {}", digest.body);
    }
    let at = |text: &str| digest.body.find(text).unwrap_or_else(|| panic!("{text}: {}", digest.body));
    assert!(at("Saves: about $151.53 a month, by its last 14 days.") < at("To take that back:"));
    assert!(at("deregister-scalable-target") < at("Setting of v"));
    // What waits for the morning has them as well, and no more.
    let context = context_of_policy();
    let [one] = &notifications(&[(scaled(News::Found), Due::Daily)], &context)[..] else { panic!() };
    assert!(one.by_hand.contains("As Terraform:") && !one.more.iter().any(|line| line.to_string().contains("Terraform")), "{one:?}");
}

fn context_of_policy() -> MailContext<'static> {
    context(Box::leak(Box::new(policy())))
}

#[test]
fn what_two_rules_would_set_saves_what_the_one_saves_that_is_done() {
    let other = Item {
        key: key("endpoint-never-at-zero", "endpoint/shop"),
        news: News::Warning("2026-11-26T18:30:00Z".parse().unwrap()),
        notice: Notice { advice: Some("let it go to zero".into()), is_saving: true, ..Notice::default() },
        ..scaled(warning())
    };
    let other = Item { usd_per_month: Some(dec!(344.37)), ..other };
    let body = one(&[scaled(warning()), other]).body;
    assert!(body.contains("Saves: about $151.53 a month.") && !body.contains("344.37") && !body.contains("let it go to zero"), "{body}");
    assert!(body.contains("(endpoint-never-at-zero)"), "{body}");
}

#[test]
fn a_routine_is_warned_of_once_and_is_not_done_by_hand() {
    let digest = one(&[Item { recurs: true, ..hibernated(warning(), WakesBy::WorkingHours) }]);
    assert!(digest.subject.ends_with("saves about $1.22 until 07:40"), "{}", digest.subject);
    assert!(
        digest.body.contains("This is the only warning. The endpoint is hibernated each time its working hours end"),
        "{}",
        digest.body
    );
    for says in ["holds for 7 days", "delete-endpoint", "delete it"] {
        assert!(!digest.body.contains(says), "{says}: {}", digest.body);
    }
}

#[test]
fn what_was_hibernated_says_until_when_it_sleeps_or_slept() {
    let text = |wakes, morning: bool| {
        let item = hibernated(stopping(), wakes);
        if !morning {
            return one(&[item]).body;
        }
        let context = context_of_policy();
        let waiting = notifications(&[(item, Due::Daily)], &context);
        waiting[0].more.iter().map(|line| line.by_clock_of(&zone_named("Europe/Berlin").unwrap())).collect()
    };
    for (wakes, morning, says, says_not) in [
        (WakesBy::WorkingHours, false, "Sleeps: until Tue 2026-11-24 07:40. Then the guard creates it again", "Slept"),
        (WakesBy::WorkingHours, false, "Wake it now: aws sagemaker create-endpoint", "To do:"),
        (WakesBy::WorkingHours, true, "Slept:  until Tue 2026-11-24 07:40. Then the guard created it again", "Wake it now"),
        (WakesBy::WorkingHours, true, "It sleeps like this each time its working hours end.", "callers get errors"),
        (WakesBy::WorkingHours, true, "Keep it on for a week: aws sagemaker add-tags", "delete it"),
        (WakesBy::Asking, true, "Sleeps: until you wake it, which takes some minutes: aws sagemaker create-endpoint", "each time"),
    ] {
        let text: String = text(wakes, morning);
        assert!(text.contains(says) && !text.contains(says_not), "{says} {says_not}: {text}");
    }
}
