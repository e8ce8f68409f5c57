//! Tests of what the platform's address gets: which mails, when a summary, and what it says.

use std::collections::BTreeSet;

use super::{
    regular::{at, entry, policy_of, saved},
    *,
};
use crate::{
    facts::Unread,
    mail::{Audience, Failure, MANY_OWNERS, Period, PlatformGets, Sent, Told, Trouble, period_since, platform_summary},
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
    let for_platform = Item { notice: Notice { for_platform: true, ..notice() }, ..item(News::Found, "a", None) };
    assert_eq!(PlatformGets::Summary.audience(&one(std::slice::from_ref(&for_platform))).words(), ["owner", "platform"]);
    // What waited for a morning is told by the same rule.
    let policy = policy_of("[mail]\nreports = \"daily\"");
    let daily = |item: Item| {
        let waits = notifications(&[(item, Due::Daily)], &context(&policy));
        daily::daily("ann@example.com", &waits.iter().collect::<Vec<_>>(), &context(&policy))
    };
    assert_eq!((daily(found()).audience, daily(of_budget(found())).audience), (Audience::Owner, Audience::OwnerAndPlatform));
    assert_eq!(daily(for_platform).audience, Audience::OwnerAndPlatform);
    assert_eq!(daily(found()).told, Some(Told { warned: 0 }));
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
    Sent { owner: owner.into(), told: Told { warned: 0 } }
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
        let failures: Vec<Failure> = failures.iter().map(|one| Failure { text: (*one).to_owned(), resource: None }).collect();
        let unread: Vec<Unread> = unread.iter().map(|(what, why)| Unread::new(*what, *why)).collect();
        Trouble::of("notebook-stopper", &failures, &unread, held_back, format!("2026-11-29T12:{held_back:02}:00Z").parse().unwrap())
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
    assert_eq!(digest.subject, "Cost guard: platform: 1 failed, 12 owners, 1 resource stopped, $2.50 saved, $286.00 a month open");
    assert_eq!(
        (digest.owner.as_str(), digest.audience, digest.told, &digest.teams[..]),
        ("platform", Audience::Platform, None, &["unowned".to_owned()][..])
    );
    for line in [
        "For whoever runs the platform.",
        "AWS account 123456789012, Region eu-central-1.",
        "All owners from Fri 2026-11-27 to Mon 2026-11-30.",
        "* p11@example.com: 1 mail, 1 resource stopped, $2.50 saved, $4.00 saved by Spot, 1 open ($21.00 a month)",
        "… and 2 more owners: 3 mails, 2 open ($21.00 a month)",
        "In all: 13 mails, 1 resource stopped, $2.50 saved, $4.00 saved by Spot, 12 open ($186.00 a month)",
        "NO OWNER KNOWN",
        "* in all: 1 mail, 1 open ($100.00 a month)",
        "* notebook instance nobodys, $100.00 a month",
        "* notebook-stopper: 3 actions waited for a later run (`max-actions`)",
        "* notebook-stopper: mail to ann: denied (Sun 2026-11-29 13:00)",
        "* notebook-stopper: apps: denied (2 runs, Sun 2026-11-29 13:00 to Sun 2026-11-29 13:03)",
        "KEPT BY TAG, ENDS WITHIN A WEEK",
        "All times: Europe/Berlin.",
        "Set `contact` in `[mail]` so that owners know whom to ask.",
        "* is over: name old-* until 2026-11-20 (demo for the board)",
        "* ends soon: name soon-* until 2026-12-02 (paper)",
        "* notebook instance paper of ann@example.com until the end of Tue 2026-12-01",
    ] {
        assert!(digest.body.lines().any(|found| found == line), "{line}\n{}", digest.body);
    }
    for absent in ["later-*", "thesis", "p0@example.com"] {
        assert!(!digest.body.contains(absent), "{absent}\n{}", digest.body);
    }
    assert!(digest.body.len() < 3000, "{} bytes", digest.body.len());
}

#[test]
fn each_owner_has_what_their_own_mails_tell_and_the_sum_counts_a_resource_once() {
    let policy = policy_of("timezone = \"Europe/Berlin\"");
    let first_seen = "2026-11-28T08:00:00Z".parse().unwrap();
    let of = |rule: &str, owner: Option<&str>, usd| Entry {
        owner: owner.map(str::to_owned),
        usd_per_month: Some(usd),
        first_seen,
        ..entry(rule, "churn", State::Reported)
    };
    let entries = [
        ("notebook-stopper", vec![of("notebook-idle", None, dec!(100)), of("guard-tag-unreadable", Some("ann@example.com"), dec!(90))]),
        ("tag-auditor", vec![of("notebook-always-on", Some("ann@example.com"), dec!(80))]),
    ];
    let period = Period {
        since: "2026-11-27T08:05:00Z".parse().unwrap(),
        sent: vec![mail_to("ann@example.com")],
        saved: vec![],
        troubles: vec![],
        entries: &entries,
        exempts: vec![],
    };
    let digest = platform_summary(&period, &at(&policy, "2026-11-30T08:05:00Z")).unwrap();
    assert_eq!(digest.subject, "Cost guard: platform: 1 owner, $100.00 a month open");
    for line in [
        "* ann@example.com: 1 found ($90.00 a month), 1 mail, 1 open ($90.00 a month)",
        "* in all: 1 found ($100.00 a month), 1 open ($100.00 a month)",
        "The costs a month are what the resources would cost if they were left on, each counted once. \"Found\" includes what was mended since.",
        "TAGS OF THE GUARD THAT CANNOT BE READ",
        "* notebook instance churn of ann@example.com",
    ] {
        assert!(digest.body.lines().any(|found| found == line), "{line}\n{}", digest.body);
    }
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
            saved: (0..3).map(|n| saved(&format!("n{n}"), SavedBy::Guard, Some(usd))).collect(),
            troubles: vec![],
            entries: &[("notebook-stopper", (0..owners).map(open).collect())],
            exempts: vec![],
        };
        platform_summary(&period, &at(&policy, "2026-11-30T08:05:00Z")).unwrap().subject
    };
    let starts = |subject: &str, owners: &str| {
        assert!(subject.starts_with(&format!("Cost guard: platform: {owners}3 resources stopped, ")), "{subject}");
    };
    starts(&of(4, 3, dec!(1)), "3 of 5 owners mailed, ");
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

/// A week of the platform, with these findings and this trouble.
fn week_of<'a>(entries: &'a [(&'static str, Vec<Entry>)], troubles: Vec<Trouble>) -> Period<'a> {
    Period { since: "2026-11-23T08:00:00Z".parse().unwrap(), sent: vec![], saved: vec![], troubles, entries, exempts: vec![] }
}

#[test]
fn who_wasted_most_in_the_week_comes_first_though_it_was_mended_since() {
    let policy = policy_of("timezone = \"Europe/Berlin\"");
    let of = |owner: &str, name: &str, state, usd: i64, first_seen: &str| Entry {
        owner: Some(format!("{owner}@example.com")),
        usd_per_month: Some(Decimal::from(usd)),
        first_seen: first_seen.parse().unwrap(),
        ..entry("notebook-off-hours", name, state)
    };
    let (before, within) = ("2026-11-10T08:00:00Z", "2026-11-25T08:00:00Z");
    let entries = [(
        "notebook-stopper",
        vec![
            of("old", "a", State::Reported, 900, before),
            of("open", "b", State::Reported, 50, within),
            of("mended", "c", State::Closed, 700, within),
            // Found by two rules: the same money.
            Entry { rule: "notebook-always-on".into(), ..of("mended", "c", State::Closed, 600, within) },
            of("long-mended", "d", State::Closed, 800, before),
            of("keeps", "e", State::Exempt, 800, within),
        ],
    )];
    let stopped = |name: &str| Saved { owner: Some("mended@example.com".into()), ..saved(name, SavedBy::Guard, Some(dec!(2))) };
    let saved = vec![stopped("c"), stopped("c"), stopped("c2")];
    let body = platform_summary(&Period { saved, ..week_of(&entries, vec![]) }, &at(&policy, "2026-11-30T08:05:00Z")).unwrap().body;
    let owners: Vec<&str> = body
        .lines()
        .skip_while(|line| *line != "OWNERS")
        .skip(1)
        .take_while(|line| !line.is_empty() && !line.starts_with("The costs"))
        .collect();
    assert_eq!(
        owners,
        [
            "* mended@example.com: 1 found ($700.00 a month), 2 resources stopped 3 times, $6.00 saved",
            "* open@example.com: 1 found ($50.00 a month), 1 open ($50.00 a month)",
            "* old@example.com: 1 open ($900.00 a month)",
            "In all: 2 found ($750.00 a month), 2 resources stopped 3 times, $6.00 saved, 2 open ($950.00 a month)",
        ]
    );
}

#[test]
fn what_solved_itself_is_one_line_at_the_end() {
    const JOB: &str = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/job";
    let policy = policy_of("timezone = \"Europe/Berlin\"");
    let failed = |resource: Option<&str>, when: &str| {
        let failure = Failure { text: "resubmit-as-spot: no quota".into(), resource: resource.map(str::to_owned) };
        Trouble::of("notebook-stopper", &[failure], &[], 0, when.parse().unwrap())
    };
    let fails = Entry { failure: Some("no quota".into()), ..entry("training-on-demand", "job", State::Warned) };
    let done = Entry { failure: None, state: State::Closed, ..fails.clone() };
    let (early, late) = ("2026-11-24T12:15:00Z", "2026-11-30T07:30:00Z");
    for (what, entry, troubles, is_so) in [
        ("it was done fifteen minutes later", &done, failed(Some(JOB), early), false),
        ("it was done before this morning's mail", &done, failed(Some(JOB), late), false),
        ("it fails since Tuesday, and is tried again", &fails, failed(Some(JOB), early), true),
        ("a mail that was not sent", &done, failed(None, late), true),
        ("a mail of Tuesday", &done, failed(None, early), false),
    ] {
        let entries = [("notebook-stopper", vec![entry.clone()])];
        let digest = platform_summary(&week_of(&entries, troubles), &at(&policy, "2026-11-30T08:05:00Z")).unwrap();
        assert_eq!(digest.subject.contains("1 failed"), is_so, "{what}: {}", digest.subject);
        assert_eq!(digest.body.contains("\nFAILED\n* notebook-stopper: resubmit-as-spot: no quota ("), is_so, "{what}\n{}", digest.body);
        let end = "\nNo longer so: 1 failure of notebook-stopper (last on ";
        assert_eq!(digest.body.contains(end), !is_so, "{what}\n{}", digest.body);
    }
    let entries = [("notebook-stopper", vec![fails])];
    let body = platform_summary(&week_of(&entries, failed(Some(JOB), late)), &at(&policy, "2026-11-30T08:05:00Z")).unwrap().body;
    assert!(body.find("FAILED") < body.find("OWNERS"), "{body}");
}
