//! Tests of what the platform's address gets: which mails, when a summary, and what it says.

use std::collections::BTreeSet;

use super::{
    regular::{at, entry, policy_of, saved},
    *,
};
use crate::{
    facts::Unread,
    mail::{Audience, MANY_OWNERS, Period, PlatformGets, Sent, Told, Trouble, period_since, platform_summary},
    plan::{Entry, Kept, Saved, SavedBy, State},
    rulebook::Rulebook,
};

fn of_budget(item: Item) -> Item {
    Item { id: "budget/ml".into(), key: key("budget-exceeded", "budget/ml"), ..item }
}

#[test]
fn what_the_platform_has_to_know_goes_there_at_once() {
    let found = || item(News::Found, "a", None);
    let critical = Notice { severity: Severity::Critical, ..Notice::default() };
    for (what, item, audience, with_summary) in [
        ("a finding", found(), ["owner", "platform"].as_slice(), ["owner"].as_slice()),
        ("a warning", item(warning(), "a", None), &["owner", "platform"], &["owner"]),
        ("a stop", item(stopped(), "a", None), &["owner", "platform"], &["owner"]),
        ("a failure", item(News::Failed("denied".into()), "a", None), &["owner", "platform"], &["owner", "platform"]),
        ("what is given up", item(News::GivenUp("denied".into()), "a", None), &["owner", "platform"], &["owner", "platform"]),
        ("what is critical", Item { notice: critical, ..found() }, &["owner", "platform"], &["owner", "platform"]),
        ("a budget with an owner", of_budget(found()), &["owner", "platform"], &["owner", "platform"]),
        ("what nobody owns", Item { owner: None, ..found() }, &["platform"], &["platform"]),
    ] {
        let digest = one(&[item]);
        assert_eq!(PlatformGets::EachMail.audience(&digest).words(), audience, "{what}");
        assert_eq!(PlatformGets::EachMailOf(BTreeSet::new()).audience(&digest).words(), audience, "{what}");
        assert_eq!(PlatformGets::Summary.audience(&digest).words(), with_summary, "{what}");
    }
    // What waited for a morning is told by the same rule.
    let policy = policy_of("[mail]\nreports = \"daily\"");
    let daily = |item: Item| {
        let waits = notifications(&[(item, Due::Daily)], &context(&policy));
        daily::daily("ann@example.com", &waits.iter().collect::<Vec<_>>(), &context(&policy))
    };
    assert_eq!((daily(found()).audience, daily(of_budget(found())).audience), (Audience::Owner, Audience::OwnerAndPlatform));
    assert_eq!(daily(found()).told, Some(Told { found: 1, warned: 0 }));
}

#[test]
fn the_summary_begins_with_the_tenth_owner_and_goes_on() {
    let mut gets = PlatformGets::EachMailOf(BTreeSet::new());
    for n in 1..MANY_OWNERS {
        assert!(!gets.count(&format!("p{n}@example.com")) && !gets.count("p1@example.com") && !gets.count("unowned"), "{n} owners");
    }
    let same = PlatformGets::EachMailOf((1..MANY_OWNERS).map(|n| format!("p{n}@example.com")).collect());
    assert_eq!(gets, same);
    assert!(gets.count("p1@example.com, p10@example.com"), "a mail to two owners");
    assert_eq!(gets, PlatformGets::Summary);
    assert!(!gets.count("p11@example.com"), "it begins once");
    assert!(!PlatformGets::EachMail.count("p1@example.com"));
}

#[test]
fn a_summary_is_due_each_working_morning_or_the_first_of_a_week() {
    // 2026-11-27 is a Friday. 09:00 in Berlin is 08:00Z.
    for (setting, now, last, since) in [
        ("daily-summary", "2026-11-27T08:05:00Z", Some("2026-11-26T08:05:00Z"), Some("2026-11-26T08:05:00Z")),
        ("daily-summary", "2026-11-27T07:55:00Z", Some("2026-11-26T08:05:00Z"), None),
        ("daily-summary", "2026-11-27T09:05:00Z", Some("2026-11-27T08:05:00Z"), None),
        ("daily-summary", "2026-11-28T12:00:00Z", Some("2026-11-27T08:05:00Z"), None),
        ("daily-summary", "2026-11-30T08:05:00Z", Some("2026-11-27T08:05:00Z"), Some("2026-11-27T08:05:00Z")),
        // The first one: since the working morning before.
        ("daily-summary", "2026-11-30T08:05:00Z", None, Some("2026-11-27T08:00:00Z")),
        ("weekly-summary", "2026-11-27T08:05:00Z", Some("2026-11-23T08:05:00Z"), None),
        ("weekly-summary", "2026-11-30T08:05:00Z", Some("2026-11-23T08:05:00Z"), Some("2026-11-23T08:05:00Z")),
        ("weekly-summary", "2026-11-30T08:05:00Z", None, Some("2026-11-23T08:00:00Z")),
        // Not older than what is kept.
        ("daily-summary", "2026-11-30T08:05:00Z", Some("2026-09-01T08:05:00Z"), Some("2026-10-31T08:05:00Z")),
    ] {
        let policy = policy_of(&format!("timezone = \"Europe/Berlin\"\n[mail]\nplatform = \"{setting}\""));
        let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        let due = period_since(&policy, last.map(time), false, time(now));
        assert_eq!(due, since.map(time), "{setting} {now} {last:?}");
        assert!(period_since(&policy, last.map(time), true, time(now)).is_some(), "a person asks");
    }
}

fn mail_to(owner: &str) -> Sent {
    Sent { owner: owner.into(), told: Told { found: 1, warned: 0 } }
}

const EXEMPTS: &str = r#"
timezone = "Europe/Berlin"
[[exempt]]
match = { name = "old-*" }
until = "2026-11-20"
reason = "demo for the board"
[[exempt]]
match = { name = "soon-*" }
until = "2026-12-02"
reason = "paper"
[[exempt]]
match = { name = "later-*" }
until = "2026-12-31"
reason = "paper"
"#;

#[test]
fn the_summary_has_each_owner_and_what_the_platform_has_to_look_after() {
    let policy = policy_of("timezone = \"Europe/Berlin\"");
    let open = |owner: Option<&str>, name: &str, usd: Option<Decimal>| Entry {
        owner: owner.map(str::to_owned),
        usd_per_month: usd,
        ..entry("notebook-idle", name, State::Reported)
    };
    let kept = |name: &str, day: &str| Entry {
        kept: Some(Kept { value: day.into(), since: "2026-11-25T08:00:00Z".parse().unwrap() }),
        ..entry("notebook-idle", name, State::Exempt)
    };
    let mut found: Vec<Entry> =
        (0..12).map(|n| open(Some(&format!("p{n}@example.com")), &format!("n{n}"), Some(dec!(10) + Decimal::from(n)))).collect();
    found.extend([open(None, "nobodys", Some(dec!(100))), kept("paper", "2026-12-01"), kept("thesis", "2026-12-24")]);
    // Another rule about the same notebook: the same money.
    found.push(Entry { rule: "notebook-always-on".into(), ..open(Some("p11@example.com"), "n11", Some(dec!(5))) });
    let trouble = |failures: &[&str], unread: &[(&str, &str)], held_back| {
        let failures: Vec<String> = failures.iter().map(|one| (*one).to_owned()).collect();
        let unread: Vec<Unread> = unread.iter().map(|(what, why)| Unread::new(*what, *why)).collect();
        Trouble::of("notebook-stopper", &failures, &unread, held_back, format!("2026-11-27T12:{held_back:02}:00Z").parse().unwrap())
    };
    let period = Period {
        since: "2026-11-27T08:05:00Z".parse().unwrap(),
        sent: (0..12).map(|n| mail_to(&format!("p{n}@example.com"))).chain([mail_to("p0@example.com"), mail_to("unowned")]).collect(),
        saved: vec![
            Saved { owner: Some("p11@example.com".into()), ..saved("n11", SavedBy::Guard, Some(dec!(2.5))) },
            saved("x", SavedBy::Owner, Some(dec!(9))),
            Saved { owner: Some("p11@example.com".into()), ..saved("job", SavedBy::Spot, Some(dec!(4))) },
        ],
        troubles: [trouble(&["mail to ann: denied"], &[("apps", "denied")], 0), trouble(&[], &[("apps", "denied")], 3)].concat(),
        entries: &[("notebook-stopper", found)],
        exempts: Rulebook::from_toml(EXEMPTS).unwrap().exempt_until().collect(),
    };
    let digest = platform_summary(&period, &at(&policy, "2026-11-30T08:05:00Z")).unwrap();
    assert_eq!(digest.subject, "Cost guard: platform: 1 failed, 12 owners, 1 stopped, $2.50 saved, $286.00 a month open");
    assert_eq!(
        (digest.owner.as_str(), digest.audience, digest.told, &digest.teams[..]),
        ("platform", Audience::Platform, None, &["unowned".to_owned()][..])
    );
    for line in [
        "For whoever runs the platform.",
        "AWS account 123456789012, Region eu-central-1.",
        "All owners from Fri 2026-11-27 to Mon 2026-11-30.",
        "* p11@example.com: 1 mail, 1 found, 1 stopped, $2.50 saved, $4.00 saved by Spot, 1 open, $21.00 a month",
        "… and 2 more owners: 3 mails, 3 found, 2 open, $21.00 a month",
        "In all: 13 mails, 13 found, 1 stopped, $2.50 saved, $4.00 saved by Spot, 12 open, $186.00 a month",
        "NOBODY'S",
        "* in all: 1 mail, 1 found, 1 open, $100.00 a month",
        "* notebook instance nobodys, $100.00 a month",
        "* notebook-stopper: 3 actions waited for a later run (`max-actions`)",
        "* notebook-stopper: mail to ann: denied (Fri 2026-11-27 13:00)",
        "* notebook-stopper: apps: denied (2 runs, Fri 2026-11-27 13:00 to Fri 2026-11-27 13:03)",
        "KEPT BY TAG, ENDS WITHIN A WEEK",
        "All times: Europe/Berlin.",
        "Set `contact` in `[mail]` so that owners know whom to ask.",
        "* is over: name old-* until 2026-11-20 (demo for the board)",
        "* ends soon: name soon-* until 2026-12-02 (paper)",
        "* notebook instance paper of ann@example.com to the end of Tue 2026-12-01",
    ] {
        assert!(digest.body.lines().any(|found| found == line), "{line}\n{}", digest.body);
    }
    for absent in ["later-*", "thesis", "p0@example.com"] {
        assert!(!digest.body.contains(absent), "{absent}\n{}", digest.body);
    }
    assert!(digest.body.len() < 3000, "{} bytes", digest.body.len());
}

#[test]
fn a_subject_says_how_many_of_the_owners_were_mailed() {
    let policy = policy_of("timezone = \"Europe/Berlin\"");
    let of = |owners: usize, mailed: usize, usd: Decimal| {
        let open =
            |n: usize| Entry { owner: Some(format!("p{n}@example.com")), ..entry("notebook-idle", &format!("n{n}"), State::Reported) };
        let period = Period {
            since: "2026-11-27T08:05:00Z".parse().unwrap(),
            sent: (0..mailed).map(|n| mail_to(&format!("p{n}@example.com"))).collect(),
            saved: (0..131).map(|n| saved(&format!("n{n}"), SavedBy::Guard, Some(usd))).collect(),
            troubles: vec![],
            entries: &[("notebook-stopper", (0..owners).map(open).collect())],
            exempts: vec![],
        };
        platform_summary(&period, &at(&policy, "2026-11-30T08:05:00Z")).unwrap().subject
    };
    let starts =
        |subject: &str, owners: &str| assert!(subject.starts_with(&format!("Cost guard: platform: {owners}131 stopped, ")), "{subject}");
    starts(&of(11, 4, dec!(1)), "4 of 12 owners mailed, ");
    // Rather no owners than half a number of dollars.
    let long = of(1100, 400, dec!(98765.43));
    starts(&long, "");
    assert!(long.ends_with(" a month open"), "{long}");
}

#[test]
fn a_day_without_news_is_no_mail() {
    let policy = policy_of("timezone = \"Europe/Berlin\"");
    let entries = [("notebook-stopper", vec![entry("notebook-idle", "gpu", State::Reported)])];
    let period = |since: &str, sent| Period {
        since: since.parse().unwrap(),
        sent,
        saved: vec![],
        troubles: vec![],
        entries: &entries,
        exempts: vec![],
    };
    let is_told = |period: &Period<'_>, now: &str| platform_summary(period, &at(&policy, now)).is_some();
    assert!(!is_told(&period("2026-11-26T08:05:00Z", vec![]), "2026-11-27T08:05:00Z"));
    assert!(is_told(&period("2026-11-26T08:05:00Z", vec![mail_to("ann@example.com")]), "2026-11-27T08:05:00Z"));
    assert!(is_told(&period("2026-11-27T08:05:00Z", vec![]), "2026-11-30T08:05:00Z"), "a week begins: what is still open");
}
