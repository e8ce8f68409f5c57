//! Tests of the mails: what they say, in which order, and what fits into them.

use rust_decimal::{Decimal, dec};

use super::*;
use crate::{
    plan::{End, FindingKey, News},
    policy::Policy,
    remedy::Remedy,
    rules::verdict::{Detail, Notice, Severity},
    vocabulary::{
        duration::Duration, price::Instances, resource::AppHome, time_zone::zone_named, timed_text::TimedText, working_time::LongerHours,
    },
};

fn policy() -> Policy {
    Policy::from_toml("timezone = \"Europe/Berlin\"").unwrap()
}

fn context(policy: &Policy) -> MailContext<'_> {
    MailContext { function: "notebook-stopper", policy, now: "2026-11-23T18:00:00Z".parse().unwrap() }
}

fn item(news: News, name: &str, usd_per_month: Option<Decimal>) -> Item {
    Item {
        key: key("notebook-off-hours", &format!("notebook-instance/{name}")),
        news,
        id: format!("notebook-instance/{name}"),
        arn: format!("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}"),
        name: name.into(),
        owner: Some("ann@example.com".into()),
        team: Some("nlp".into()),
        reason: "on since Mon 2026-11-23 09:00 CET (11h), outside the policy's working hours".into(),
        usd_per_hour: usd_per_month.map(|usd| usd / dec!(730)),
        usd_per_month,
        ends: Some("2026-11-24T07:00:00Z".parse().unwrap()),
        zone: zone_named("Europe/Berlin").unwrap(),
        remedy: Some(Remedy::StopNotebook),
        suspended: None,
        notice: notice(),
        recurs: false,
        is_repeated: false,
        habit: String::new(),
    }
}

fn key(rule: &str, id: &str) -> FindingKey {
    FindingKey { rule: rule.into(), id: id.into() }
}

fn notice() -> Notice {
    let hours = LongerHours { tag: "mon-fri/08:00-22:00@Europe/Berlin".into(), until: "2026-11-23T21:00:00Z".parse().unwrap(), on: None };
    Notice { hours: Some(hours), supposes: Some("if left on every night and weekend"), ..Notice::default() }
}

fn warning() -> News {
    News::Warning("2026-11-23T18:30:00Z".parse().unwrap())
}

fn stopped() -> News {
    News::Done(End::Stopped(None))
}

fn stopping() -> News {
    News::Done(End::Stopping(None))
}

fn one(items: &[Item]) -> Digest {
    let mut digests = digests(items, &BTreeMap::new(), &context(&policy()));
    assert_eq!(digests.len(), 1);
    digests.remove(0)
}

#[test]
fn a_warning_says_when_and_how_to_keep_it() {
    let digest = one(&[item(warning(), "churn", Some(dec!(112.93)))]);
    assert_eq!(digest.subject, "Cost guard: churn will be stopped Mon 2026-11-23 19:30 CET, saves about $1.93 until 08:00");
    assert_eq!((digest.severity, digest.teams), (Severity::Warning, vec!["nlp".to_owned()]));
    for line in [
        "For ann@example.com.",
        "All times: Europe/Berlin.",
        "Stopping a notebook instance keeps all files in its SageMaker folder. Running kernels, what is only in memory, and files elsewhere are lost.",
        "* notebook instance churn: on Mon 2026-11-23 19:30 it will be stopped, unless you keep it",
        "  Saves: about $1.93 until Tue 2026-11-24 08:00 ($0.15 an hour).",
        "  Stop it now:                             aws sagemaker stop-notebook-instance --region eu-central-1 --notebook-instance-name churn",
        "  Keep it until the end of Tue 2026-11-24: aws sagemaker add-tags --region eu-central-1 --resource-arn arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn --tags 'Key=cost-guard:keep-until,Value=2026-11-24'",
        "  Keep it until the end of Mon 2026-11-30: aws sagemaker add-tags --region eu-central-1 --resource-arn arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn --tags 'Key=cost-guard:keep-until,Value=2026-11-30'",
    ] {
        assert!(digest.body.lines().any(|found| found == line), "{line}\n{}", digest.body);
    }
}

#[test]
fn what_is_only_reported_says_so_once() {
    const SAYS: &str = "Only reported: the rules in brackets stop nothing. A rule that stops something warns you first.";
    let critical = Item { notice: Notice { severity: Severity::Critical, ..notice() }, ..item(News::Found, "c", None) };
    let budget = Item { id: "budget/ml".into(), ..item(News::Found, "ml", None) };
    for (items, line) in [
        (vec![item(News::Found, "a", None), item(News::Reminder("2026-11-16T18:00:00Z".parse().unwrap()), "b", None)], Some(3)),
        (vec![item(warning(), "a", None), item(News::Found, "b", None), item(News::Found, "c", None)], Some(17)),
        (vec![item(warning(), "a", None)], None),
        (vec![critical], None),
        (vec![budget], None),
    ] {
        let body = one(&items).body;
        assert_eq!(body.lines().position(|found| found == SAYS), line, "{body}");
        assert_eq!(body.matches(SAYS).count(), usize::from(line.is_some()), "{body}");
    }
}

#[test]
fn a_warning_says_once_for_each_action_what_a_stop_keeps() {
    let app = |name: &str, home| Item {
        id: format!("app/d-1/{name}"),
        remedy: Some(Remedy::DeleteApp { domain: "d-1".into(), home, app_type: "JupyterLab".into(), app_name: "default".into() }),
        ..item(warning(), name, None)
    };
    let space = AppHome::Space("lab".into());
    let body = one(&[
        item(warning(), "a", None),
        item(warning(), "b", None),
        app("c", space.clone()),
        app("d", space),
        item(stopped(), "e", None),
    ])
    .body;
    for (text, times) in [("Stopping a notebook instance keeps all files", 1), ("Stopping a Studio app keeps all files of its space.", 1)] {
        assert_eq!(body.matches(text).count(), times, "{text}\n{body}");
    }
    assert!(!one(&[item(News::Found, "a", None)]).body.contains("Stopping a"));
}

#[test]
fn a_mail_has_one_clock() {
    let in_tokyo = Item { zone: zone_named("Asia/Tokyo").unwrap(), ..item(warning(), "a", Some(dec!(73000))) };
    let mut in_berlin = item(News::Found, "b", None);
    in_berlin.reason = TimedText::from("on since ").time("2026-11-23T08:00:00Z".parse().unwrap());
    let digest = one(&[in_berlin, in_tokyo]);
    assert_eq!(digest.subject, "Cost guard: a will be stopped Tue 2026-11-24 03:30 UTC+9, saves about $1,250.00");
    for text in [
        "All times: Asia/Tokyo (UTC+9).",
        "a: on Tue 2026-11-24 03:30 it will be",
        "on since Mon 2026-11-23 17:00 (",
        "until Tue 2026-11-24 16:00",
    ] {
        assert!(digest.body.contains(text), "{text}\n{}", digest.body);
    }
}

#[test]
fn tomorrow_lasts_until_the_owners_next_day_ends() {
    // The tag's day ends by the owner's clock, or by the policy's in Berlin if that is later.
    for (zone, at, until, day) in [
        ("Europe/Berlin", "2026-11-23T18:30:00Z", "until the end of Tue 2026-11-24", "2026-11-24"),
        ("Europe/Berlin", "2026-11-27T01:45:00Z", "until the end of Sat 2026-11-28", "2026-11-28"),
        ("Asia/Tokyo", "2026-11-24T10:30:00Z", "until Thu 2026-11-26 08:00", "2026-11-25"),
        ("Asia/Tokyo", "2026-11-23T18:30:00Z", "until Thu 2026-11-26 08:00", "2026-11-25"),
        ("America/New_York", "2026-11-24T23:30:00Z", "until the end of Wed 2026-11-25", "2026-11-25"),
    ] {
        let item = Item { zone: zone_named(zone).unwrap(), ..item(News::Warning(at.parse().unwrap()), "a", None) };
        let body = one(&[item]).body;
        let line = body.lines().find(|line| line.starts_with(&format!("  Keep it {until}:"))).unwrap();
        assert!(line.ends_with(&format!("Value={day}'")), "{zone} {at}: {line}");
    }
}

#[test]
fn longer_hours_are_written_to_what_outlives_an_app() {
    let mut app = item(warning(), "lab", None);
    app.arn = "arn:aws:sagemaker:eu-central-1:123456789012:app/d-1/ann-lab/jupyterlab/default".into();
    app.id = "app/d-1/ann-lab/jupyterlab/default".into();
    for (on, at) in [(Some("space/d-1/ann-lab"), "123456789012:space/d-1/ann-lab --tags"), (None, "ann-lab/jupyterlab/default --tags")] {
        app.notice.hours.as_mut().unwrap().on = on.map(str::to_owned);
        let body = one(&[app.clone()]).body;
        let line = body.lines().find(|line| line.starts_with("  Give it longer hours:")).unwrap();
        assert!(line.contains(at), "{line}");
        assert_eq!(body.matches("ann-lab/jupyterlab/default --tags 'Key=cost-guard:keep-until").count(), 2, "{body}");
    }
}

#[test]
fn a_stopped_job_has_cost_what_it_ran() {
    let stopped_job = |billed_since: Option<&str>| Item {
        id: "training-job/churn".into(),
        remedy: Some(Remedy::StopTrainingJob),
        usd_per_hour: Some(dec!(1.895)),
        notice: Notice { billed_since: billed_since.map(|at| at.parse().unwrap()), ..Notice::default() },
        ..item(stopped(), "churn", None)
    };
    for (since, cost) in [
        (Some("2026-11-23T17:45:00Z"), "  Cost:  $1.90 an hour, about $0.47 in the 15m that it ran."),
        (None, "  Cost:  $1.90 an hour while it was on."),
    ] {
        let body = one(&[stopped_job(since)]).body;
        assert!(body.lines().any(|line| line == cost), "{cost}\n{body}");
    }
}

#[test]
fn a_name_is_whole_before_the_date_of_a_stop_that_is_near() {
    let long = "forecast-backtest-of-2026";
    let items = |zone: &str| -> Vec<Item> {
        let zone = zone_named(zone).unwrap();
        [long, "b"]
            .map(|name| Item { zone: zone.clone(), ..item(warning(), name, Some(if name == long { dec!(73000) } else { dec!(730) })) })
            .into()
    };
    assert_eq!(
        one(&items("Asia/Tokyo")).subject,
        "Cost guard: forecast-backtest-of-2026 and 1 more will be stopped 03:30 UTC+9, saves about $1,262.50"
    );
}

#[test]
fn a_stop_saves_what_it_saves_this_time() {
    let on = |name: &str, news: News, ends: Option<&str>| Item {
        ends: ends.map(|ends| ends.parse().unwrap()),
        ..item(news, name, Some(dec!(730)))
    };
    let (morning, monday) = (Some("2026-11-24T07:00:00Z"), Some("2026-11-30T07:00:00Z"));
    let job = Item { id: "training-job/c".into(), remedy: Some(Remedy::StopTrainingJob), ..on("c", warning(), morning) };
    for (items, saves) in [
        (vec![on("a", warning(), morning)], "19:30 CET, saves about $12.50 until 08:00"),
        (vec![on("a", warning(), monday)], "19:30 CET, saves about $156.50 until Mon 08:00"),
        (vec![on("a", warning(), morning), on("b", warning(), morning)], "19:30 CET, saves about $25.00 until 08:00"),
        (vec![on("a", warning(), morning), on("a", warning(), None)], "19:30 CET, saves about $12.50 until 08:00"),
        (vec![on("a", warning(), morning), on("b", warning(), monday)], "19:30 CET, saves about $169.00"),
        (
            (0..4)
                .map(|n| {
                    on(&format!("{n}"), if n == 0 { warning() } else { News::Warning("2026-11-23T19:00:00Z".parse().unwrap()) }, morning)
                })
                .collect(),
            "0 and 3 more will be stopped from Mon 2026-11-23 19:30 CET, saves about $48.50",
        ),
        (vec![on("a", warning(), morning), on("b", warning(), None)], "19:30 CET, $2.00 an hour"),
        (vec![on("a", stopped(), None)], "a was stopped, $1.00 an hour"),
        (
            vec![on("a-notebook-with-a-name", warning(), morning)],
            "a-notebook-with-a-name will be stopped Mon 2026-11-23 19:30 CET, saves about $12.50",
        ),
        (vec![job], "19:30 CET, saves up to $730.00"),
    ] {
        let subject = one(&items).subject;
        assert!(subject.ends_with(saves), "{saves}: {subject}");
    }
}

#[test]
fn what_costs_the_same_with_all_tags_is_not_in_the_sum() {
    let untagged = |name: &str, rule: &str| Item {
        key: key(rule, &format!("notebook-instance/{name}")),
        notice: Notice { headline: Some("untagged"), ..Notice::default() },
        ..item(News::Found, name, Some(dec!(730)))
    };
    let digest = one(&[untagged("a", "missing-tag")]);
    assert_eq!(digest.subject, "Cost guard: a untagged");
    assert!(digest.body.contains("  Costs: $730.00 a month, whether it is tagged or not ($1.00 an hour).\n"), "{}", digest.body);
    let both = one(&[untagged("a", "missing-tag"), item(News::Found, "a", Some(dec!(100))), untagged("b", "missing-tag")]);
    assert_eq!(both.subject, "Cost guard: a and 1 more need a look, $100.00 a month");
    let stopped =
        one(&[Item { ends: None, ..untagged("a", "missing-tag") }, Item { ends: None, news: warning(), ..untagged("b", "missing-tag") }]);
    assert!(stopped.subject.contains("19:30 CET, $1.00 an hour; 1 more"), "{}", stopped.subject);
}

#[test]
fn two_rules_on_one_resource_are_one_cost() {
    let digest = one(&[item(News::Found, "churn", Some(dec!(100))), item(warning(), "churn", Some(dec!(40)))]);
    assert_eq!(digest.subject, "Cost guard: churn will be stopped Mon 2026-11-23 19:30 CET, saves about $1.71 until 08:00");
    assert_eq!(digest.body.matches("* notebook").count(), 1);
    assert_eq!(digest.body.matches("Why:").count(), 2);
}

#[test]
fn subjects_say_the_most_urgent() {
    let failed = || News::Failed("AccessDeniedException".into());
    let since = || News::Reminder("2026-11-16T18:00:00Z".parse().unwrap());
    for (items, subject, severity) in [
        (vec![item(News::Found, "a", None)], "Cost guard: a needs a look", Severity::Info),
        (
            vec![item(News::Found, "a", Some(dec!(1))), item(since(), "b", Some(dec!(2)))],
            "Cost guard: b and 1 more need a look, $3.00 a month",
            Severity::Info,
        ),
        (vec![item(stopped(), "a", Some(dec!(730)))], "Cost guard: a was stopped, saves about $13.00 until 08:00", Severity::Info),
        (vec![item(stopping(), "a", Some(dec!(730)))], "Cost guard: a is being stopped, saves about $13.00 until 08:00", Severity::Info),
        (
            vec![item(stopping(), "a", Some(dec!(730))), item(stopping(), "b", Some(dec!(1460)))],
            "Cost guard: b and 1 more are being stopped, saves about $39.00 until 08:00",
            Severity::Info,
        ),
        (
            vec![item(stopped(), "a", None), item(failed(), "b", None)],
            "Cost guard: b could not be stopped; 1 more in this mail",
            Severity::Critical,
        ),
        (
            vec![item(stopped(), "a", None), item(warning(), "b", None)],
            "Cost guard: b will be stopped Mon 2026-11-23 19:30 CET; 1 more in this mail",
            Severity::Warning,
        ),
        (
            vec![item(stopped(), "a", Some(dec!(730))), item(stopped(), "b", Some(dec!(1460))), item(News::Found, "c", Some(dec!(4)))],
            "Cost guard: b and 1 more were stopped, saves about $39.00 until 08:00; 1 more in this mail",
            Severity::Info,
        ),
        (
            vec![item(News::Found, &"ä".repeat(200), None)],
            &format!("Cost guard: {}..{} needs a look", "?".repeat(36), "?".repeat(36)),
            Severity::Info,
        ),
    ] {
        let digest = one(&items);
        assert_eq!((digest.subject.as_str(), digest.severity), (subject, severity));
    }
}

#[test]
fn what_nobody_owns_and_what_has_no_price_is_said() {
    let mut nobodys = item(News::Found, "x", None);
    (nobodys.owner, nobodys.team) = (None, None);
    let digest = one(&[nobodys]);
    assert_eq!((digest.owner.as_str(), digest.teams), ("unowned", vec!["unowned".to_owned()]));
    assert!(digest.body.starts_with("No owner is known: no tag Owner or owner of the resources below names anybody."), "{}", digest.body);
    assert!(digest.body.contains("price not known"));
}

#[test]
fn a_mail_to_a_name_goes_out_as_unowned_too() {
    for (owner, owners, audience) in [
        ("ann@example.com", &["ann@example.com"][..], Audience::Owner),
        ("ann@example.com, bob@example.com", &["ann@example.com", "bob@example.com"], Audience::Owner),
        ("ann@example.com, bob", &["ann@example.com", "bob", "unowned"], Audience::OwnerAndPlatform),
        ("ann", &["ann", "unowned"], Audience::OwnerAndPlatform),
        ("#ml-team", &["#ml-team", "unowned"], Audience::OwnerAndPlatform),
        ("Decker, Arun", &["Decker, Arun", "unowned"], Audience::OwnerAndPlatform),
        ("", &["unowned"], Audience::Platform),
    ] {
        let digest = one(&[Item { owner: Some(owner.to_owned()), ..item(News::Found, "x", None) }]);
        assert_eq!((&digest.owners()[..], digest.audience), (owners, audience), "{owner}");
    }
}

#[test]
fn what_runs_at_an_unknown_price_is_not_told_as_if_it_were_free() {
    let unpriced = |name: &str, counts: &[u32]| {
        let instances = counts.iter().map(|count| Instances { instance_type: "ml.p9.giant".into(), count: *count }).collect();
        let mut item = item(News::Found, name, None);
        item.remedy = Some(Remedy::None);
        item.notice.unpriced = Some(instances);
        item
    };
    let mut stopped_long_ago = item(News::Found, "stopped", None);
    stopped_long_ago.remedy = Some(Remedy::None);
    let digest = one(&[
        stopped_long_ago,
        item(News::Found, "cheap", Some(dec!(1))),
        unpriced("server", &[]),
        unpriced("fleet", &[8]),
        unpriced("pair", &[1, 1]),
        item(News::Found, "dear", Some(dec!(900))),
    ]);
    let order: Vec<&str> = digest.body.lines().filter_map(|line| line.strip_prefix("* notebook instance ")).collect();
    assert_eq!(order, ["dear", "cheap", "fleet", "pair", "server", "stopped"]);
    for (line, times) in [
        ("  Costs: price not known (8 x ml.p9.giant).", 1),
        ("  Costs: price not known (1 x ml.p9.giant + 1 x ml.p9.giant).", 1),
        ("  Costs: price not known.", 1),
    ] {
        assert_eq!(digest.body.lines().filter(|found| *found == line).count(), times, "{line}\n{}", digest.body);
    }
    assert_eq!(digest.subject, "Cost guard: dear and 5 more need a look, at least $901.00 a month");
}

#[test]
fn a_long_mail_is_cut_at_a_finding() {
    let items: Vec<Item> = (0..3000).map(|n| item(News::Found, &format!("nb-{n:05}"), Some(dec!(1)))).collect();
    let digest = one(&items);
    let told = digest.body.matches("* notebook").count();
    assert!(digest.body.len() < 250 * 1024 && 250 < told);
    assert_eq!(digest.notified.len(), told, "who is not in it was not told");
    assert!(digest.body.contains(&format!("… and {} more", 3000 - told)), "{}", &digest.body[digest.body.len() - 300..]);
}

#[test]
fn many_teams_leave_room_for_the_mail() {
    let of_team = |n: usize| Item { team: Some(format!("a-team-with-a-long-name-{n:05}")), ..item(News::Found, &format!("nb-{n}"), None) };
    let items: Vec<Item> = (0..2000).map(of_team).collect();
    let digest = one(&items);
    let attribute: usize = digest.teams.iter().map(|team| team.len() + 3).sum();
    assert!(200 < digest.teams.len() && attribute <= 8 * 1024 && digest.body.len() + attribute < 255 * 1024);
}

#[test]
fn only_what_helps_is_offered() {
    let always_on = |name: &str| Item { key: key("notebook-always-on", "x"), ..item(News::Found, name, None) };
    let always_on = |name: &str| Item { notice: Notice::default(), ..always_on(name) };
    assert!(one(&[item(News::Found, "a", None)]).body.contains("Give it longer hours"));
    assert!(!one(&[item(News::Found, "a", None), always_on("a")]).body.contains("Give it longer hours"), "hours end no long run");
    let short = Policy::from_toml("[exemption]\nmax = \"2d\"").unwrap();
    let digest = digests(&[item(News::Found, "a", None)], &BTreeMap::new(), &context(&short)).remove(0);
    assert!(
        digest.body.contains("No report and no stop for 2d: aws sagemaker add-tags") && digest.body.contains("Value=2026-11-25"),
        "{}",
        digest.body
    );
    // Hours until 22:00 prevent a stop at 19:30, and none at 22:00.
    for (stop, is_offered) in [("2026-11-23T18:30:00Z", true), ("2026-11-23T21:00:00Z", false)] {
        let body = one(&[item(News::Warning(stop.parse().unwrap()), "a", None)]).body;
        assert_eq!(body.contains("Give it longer hours"), is_offered, "{body}");
    }
}

#[test]
fn what_is_only_reported_is_not_kept_and_its_cost_says_what_it_supposes() {
    let always_on = Item {
        notice: Notice { supposes: Some("if left on day and night"), ..Notice::default() },
        key: key("notebook-always-on", "notebook-instance/a"),
        ..item(News::Found, "a", Some(dec!(730)))
    };
    let off_hours = || item(News::Found, "a", Some(dec!(500)));
    for (items, line) in [
        (vec![off_hours()], "  Costs: $500.00 a month if left on every night and weekend ($0.68 an hour)."),
        (vec![off_hours(), always_on], "  Costs: $730.00 a month if left on day and night ($1.00 an hour)."),
    ] {
        let body = one(&items).body;
        assert!(body.lines().any(|found| found == line), "{line}\n{body}");
        assert!(body.contains("  No report and no stop until the end of Mon 2026-11-30: aws") && !body.contains("Keep it"), "{body}");
    }
}

#[test]
fn what_is_stopped_again_without_a_warning_is_said_once() {
    let recurring = |name: &str| Item { recurs: true, ..item(warning(), name, None) };
    for (items, says) in [
        (
            vec![recurring("a")],
            Some("This warning holds for 7 days: what is left on when working hours end is stopped without another warning"),
        ),
        (vec![recurring("a"), recurring("b")], Some("holds for 7 days: what")),
        (vec![recurring("a"), item(warning(), "b", None)], Some("holds for 7 days (a): what")),
        (vec![recurring("a"), recurring("c"), item(warning(), "b", None)], Some("holds for 7 days (a, c): what")),
        (vec![item(warning(), "b", None)], None),
    ] {
        let body = one(&items).body;
        for text in ["This warning holds", "What you start or use after working hours gets a new warning."] {
            assert_eq!(body.matches(text).count(), usize::from(says.is_some()), "{body}");
        }
        assert!(says.is_none_or(|says| body.contains(says)), "{body}");
    }
}

#[test]
fn a_tag_that_suspends_a_stop_comes_with_the_commands_that_correct_it() {
    let tags = crate::policy::UnreadableTags { why: "its tag x cannot be read".into(), commands: "aws add\naws remove".into() };
    let suspended = Item { suspended: Some(tags), ..item(News::Reminder("2026-11-16T18:00:00Z".parse().unwrap()), "a", None) };
    let note =
        "  Note:  the guard leaves it alone for now: its tag x cannot be read.\n         Correct that: aws add\n         aws remove\n";
    let body = one(std::slice::from_ref(&suspended)).body;
    assert!(body.contains(note), "{body}");
    // The finding about the tag itself has them.
    let told = Item { reason: "its tag x cannot be read".into(), ..suspended.clone() };
    assert!(!one(&[suspended, told]).body.contains("Note:"));
}

#[test]
fn each_training_job_says_what_its_stop_loses() {
    let job = |name: &str, writes_checkpoints, news| Item {
        id: format!("training-job/{name}"),
        remedy: Some(Remedy::StopTrainingJob),
        notice: Notice { writes_checkpoints, ..Notice::default() },
        ..item(news, name, Some(dec!(45.48)))
    };
    let resubmitted = |resumes| Item {
        remedy: Some(Remedy::ResubmitAsSpot(crate::remedy::SpotTerms {
            name: "x-spot".into(),
            wait: Duration::hours(12),
            checkpoints: None,
            resumes,
        })),
        ..job("x", Some(resumes), warning())
    };
    let none = "its training, except what its own code saves: the job has no CheckpointConfig";
    for (item, line) in [
        (job("a", Some(false), warning()), format!("  Loses: {none}.")),
        (job("a", Some(true), warning()), "  Loses: its training since its last checkpoint. The checkpoints in S3 are kept.".to_owned()),
        (job("a", None, warning()), "  Loses: its training since its last checkpoint, or all of it if it writes none.".to_owned()),
        (job("a", Some(false), warning()), "  Saves: up to $45.48 until its time limit ($0.06 an hour).".to_owned()),
        (job("a", Some(false), stopped()), format!("  Lost:  {none}.")),
        (resubmitted(true), "  Loses: its training since its last checkpoint. The Spot job does that part again.".to_owned()),
        (
            resubmitted(false),
            "  Loses: its training so far: the job has no CheckpointConfig. The Spot job starts from the beginning.".to_owned(),
        ),
    ] {
        let body = one(&[item]).body;
        assert!(body.lines().any(|found| found == line), "{line}\n{body}");
        // What is lost is said once, and nothing else is said to be kept.
        assert!(!body.contains("Stopping a training job keeps") && !body.contains("What it wrote to S3"), "{body}");
    }
}

#[test]
fn a_job_is_told_by_what_it_costs_at_most() {
    let job = |news, remedy| Item {
        key: key("training-on-demand", "training-job/churn"),
        id: "training-job/churn".into(),
        remedy: Some(remedy),
        usd_per_hour: Some(dec!(0.46)),
        notice: Notice { advice: Some("run it on Spot next time.\nSDK: use_spot_instances=True".into()), ..notice() },
        ..item(news, "churn", Some(dec!(11.04)))
    };
    let resubmit = || {
        Remedy::ResubmitAsSpot(crate::remedy::SpotTerms {
            name: "churn-spot".into(),
            wait: Duration::hours(12),
            checkpoints: None,
            resumes: false,
        })
    };
    for (item, subject, line) in [
        (
            job(News::Found, Remedy::None),
            "Cost guard: churn needs a look, costs up to $11.04",
            "  Costs: $0.46 an hour, at most $11.04 until its time limit.",
        ),
        (job(News::Found, Remedy::None), "Cost guard: churn needs a look, costs up to $11.04", "         SDK: use_spot_instances=True"),
        (
            job(warning(), resubmit()),
            "Cost guard: churn will be resubmitted as Spot Mon 2026-11-23 19:30 CET, costs up to $11.04",
            "* training job churn: on Mon 2026-11-23 19:30 it will be resubmitted as Spot, unless you keep it",
        ),
        (
            job(News::Done(End::Replaced("churn-spot".into())), resubmit()),
            "Cost guard: churn was resubmitted as Spot, saves up to 90 %",
            "  Saves: up to $0.41 of $0.46 an hour.",
        ),
        (
            job(News::Done(End::Replaced("churn-spot".into())), resubmit()),
            "Cost guard: churn was resubmitted as Spot, saves up to 90 %",
            "  It starts from the beginning: the old one was not training yet. It may finish up to 12h later.",
        ),
        (
            job(News::Done(End::Replaced("churn-spot".into())), resubmit()),
            "Cost guard: churn was resubmitted as Spot, saves up to 90 %",
            "  To keep the next one on demand, submit it with a tag and a last day, for example cost-guard:keep-until = 2026-11-30.",
        ),
        (
            job(News::Done(End::Replaced("churn-spot".into())), resubmit()),
            "Cost guard: churn was resubmitted as Spot, saves up to 90 %",
            "  Stop the new one:   aws sagemaker stop-training-job --region eu-central-1 --training-job-name churn-spot",
        ),
        (
            job(News::Done(End::Replaced("churn-spot".into())), Remedy::StopTrainingJob),
            "Cost guard: churn was resubmitted as Spot, saves up to 90 %",
            "  We asked AWS to stop churn, and restarted its work on Spot as churn-spot.",
        ),
        (
            job(News::Done(End::NotNeeded("churn-spot".into())), resubmit()),
            "Cost guard: churn was stopped, $0.46 an hour",
            "  It was stopped because its Spot job, churn-spot, has done the work.",
        ),
        (
            job(News::Done(End::ByItself("churn-spot was stopped again".into())), resubmit()),
            "Cost guard: churn was over already",
            "  Note:  churn-spot was stopped again.",
        ),
        (
            job(News::Doubled("AccessDeniedException: no.".into()), resubmit()),
            "Cost guard: churn could not be stopped, costs up to $11.04",
            "  Failed: The guard may not do this in this account. In full: AccessDeniedException: no. The guard tries again, each time after a longer pause.",
        ),
        (
            job(News::Refused("ResourceLimitExceeded.".into()), resubmit()),
            "Cost guard: churn could not be resubmitted as Spot, costs up to $11.04",
            "  You can wait for that, or do one of these:",
        ),
        (
            job(News::GivenUp("churn-spot is Stopped".into()), resubmit()),
            "Cost guard: churn will not be resubmitted as Spot, costs up to $11.04",
            "  Failed: churn-spot is Stopped. It goes on as it is, and the guard leaves it alone.",
        ),
        (
            job(warning(), Remedy::StopTrainingJob),
            "Cost guard: churn will be stopped Mon 2026-11-23 19:30 CET, saves up to $11.04",
            "  Stop it now:            aws sagemaker stop-training-job --region eu-central-1 --training-job-name churn",
        ),
    ] {
        let digest = one(&[item]);
        assert_eq!(digest.subject, subject);
        assert!(digest.body.lines().any(|found| found == line), "{line}\n{}", digest.body);
    }
}

#[test]
fn what_was_tagged_says_with_what_from_where_and_how_to_write_over_it() {
    let remedy = Remedy::AddTags {
        tags: [("Owner".to_owned(), "ann@example.com".to_owned())].into(),
        from: "Owner from who created it".into(),
        rest: None,
    };
    let tagged = Item {
        remedy: Some(remedy),
        notice: Notice { headline: Some("untagged"), ..notice() },
        ..item(stopped(), "churn", Some(dec!(100)))
    };
    let body = one(&[tagged]).body;
    for line in [
        "  It now has: Owner=ann@example.com (Owner from who created it).",
        "  Wrong? Write the right value over it: aws sagemaker add-tags --region eu-central-1 --resource-arn arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn --tags 'Key=Owner,Value=<Owner>'",
    ] {
        assert!(body.lines().any(|found| found == line), "{line}\n{body}");
    }
    assert!(body.contains("  Found: ") && !body.contains("Costs:") && !body.contains("Why:"), "{body}");
}

#[test]
fn what_is_open_for_long_and_what_ends_by_itself_is_counted_as_what_it_is() {
    let untagged =
        |name: &str, news| Item { notice: Notice { headline: Some("untagged"), ..notice() }, ..item(news, name, Some(dec!(100))) };
    let since = News::Escalation("2026-11-09T18:00:00Z".parse().unwrap());
    let digest = one(&[untagged("a", since.clone()), untagged("b", since)]);
    assert_eq!(digest.subject, "Cost guard: a and 1 more still untagged after 14d, $200.00 a month");
    let job = |name: &str| Item { id: format!("training-job/{name}"), usd_per_month: Some(dec!(7)), ..untagged(name, News::Found) };
    assert_eq!(one(&[job("c"), untagged("a", News::Found)]).subject, "Cost guard: a and 1 more untagged, $100.00 a month and up to $7.00");
    assert_eq!(one(&[job("c")]).subject, "Cost guard: c untagged, costs up to $7.00");
}

#[test]
fn a_budget_has_its_own_subject_and_what_there_is_to_know_once() {
    let budget = |rule: &str, severity, subject: &str| Item {
        key: key(rule, "budget/ml-dev"),
        id: "budget/ml-dev".into(),
        arn: "arn:aws:budgets::123456789012:budget/ml-dev".into(),
        name: "ml-dev".into(),
        owner: None,
        remedy: Some(Remedy::None),
        notice: Notice {
            subject: Some(subject.into()),
            details: vec!["Ahead: $1,200.00".to_owned().into(), Detail { title: "Cause: x:".into(), list: vec!["y".into()] }],
            severity,
            ..Notice::default()
        },
        ..item(News::Found, "ml-dev", None)
    };
    let used_up = || budget("budget-exceeded", Severity::Critical, "budget ml-dev: $1,010.00 of $1,000.00 (101 %)");
    let digest = one(&[budget("budget-unhealthy", Severity::Warning, "budget ml-dev does not watch the spend"), used_up()]);
    assert_eq!(digest.subject, "Cost guard: budget ml-dev: $1,010.00 of $1,000.00 (101 %)");
    assert_eq!(digest.severity, Severity::Critical);
    assert!(digest.body.starts_with("For whoever runs the platform.\nAWS account 123456789012.\n"), "{}", digest.body);
    assert_eq!((digest.body.matches("Ahead:").count(), digest.body.matches("Why:").count()), (1, 2), "{}", digest.body);
    assert!(digest.body.contains("\n  Cause: x:\n         y\n") && !digest.body.contains("Costs:"), "{}", digest.body);
    let other = Item { key: key("no-budget", "spend/sagemaker"), id: "spend/sagemaker".into(), ..used_up() };
    assert!(one(&[used_up(), other]).subject.ends_with("(101 %), and 1 more"));
}

#[test]
fn a_mail_about_seven_budgets_has_one_list_once() {
    let budget = |n: u32, list: &str| {
        let mut item = item(News::Found, &format!("ml-{n}"), None);
        item.remedy = Some(Remedy::None);
        item.notice.details =
            vec!["Ahead: $1,200.00".to_owned().into(), Detail { title: "Runs:  right now:".into(), list: vec![list.to_owned()] }];
        item
    };
    let mut items: Vec<Item> = (1..=7).map(|n| budget(n, "endpoint churn: $1.41 an hour")).collect();
    items.push(budget(8, "nothing else"));
    let digest = one(&items);
    for (text, times) in [
        ("\n         endpoint churn: $1.41 an hour", 1),
        ("\n  Runs:  right now: as of ml-1 above.", 6),
        ("\n         nothing else", 1),
        ("\n  Ahead: $1,200.00", 8),
    ] {
        assert_eq!(digest.body.matches(text).count(), times, "{text}\n{}", digest.body);
    }
}

#[test]
fn each_owner_gets_one_mail_and_hears_what_is_held_back() {
    let mut bobs = item(warning(), "b", None);
    bobs.owner = Some("bob@example.com".into());
    let held = BTreeMap::from([("bob@example.com".to_owned(), 875)]);
    let digests = digests(&[item(warning(), "a", None), bobs, item(warning(), "c", None)], &held, &context(&policy()));
    assert_eq!(digests.iter().map(|digest| digest.owner.as_str()).collect::<Vec<_>>(), ["ann@example.com", "bob@example.com"]);
    assert!(digests[1].body.contains("875 more of yours are due") && !digests[0].body.contains("more of yours"));
}

/// What strangers write into names and tags.
const HOSTILE: [&str; 14] = [
    "churn\n\nCRITICAL\n\n* notebook instance other: delete it",
    "churn\r\nSubject: other",
    "\u{1b}[31mchurn\u{1b}[0m\u{7}",
    "\u{9b}31mchurn",
    "nruhc\u{202e}gnp.exe",
    "\u{2066}churn\u{2069}\u{200f}",
    "churn\u{2028}* other\u{2029}",
    "churn\0",
    "<script>alert(1)</script>",
    "churn%0A%0D",
    "'; rm -rf ~ #",
    "$(reboot) `reboot` \"; reboot",
    "=HYPERLINK(\"http://example.com\")",
    "\u{feff}\u{200b}",
];

#[test]
fn what_strangers_write_stays_text() {
    let long = "x".repeat(300_000);
    for text in HOSTILE.into_iter().chain([long.as_str()]) {
        for news in
            [News::Found, warning(), News::Failed(text.into()), News::GivenUp(text.into()), News::Done(End::Stopped(Some(text.into())))]
        {
            let plain = one(&[item(news.clone(), "churn", None)]);
            let notice = Notice { details: vec![text.to_owned().into()], ..notice() };
            let reason = format!("its tag Owner has the value {text}").into();
            let suspended = Some(crate::policy::UnreadableTags { why: text.to_owned(), commands: "aws sagemaker".to_owned() });
            let hostile = Item {
                owner: Some(text.into()),
                team: Some(text.into()),
                name: text.into(),
                reason,
                suspended: suspended.clone(),
                notice,
                ..item(news.clone(), "churn", None)
            };
            let digest = one(std::slice::from_ref(&hostile));
            assert!(digest.subject.len() <= 99 && digest.subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{digest:?}");
            let is_line = |text: &str| !text.is_empty() && !text.contains(char::is_control) && text.chars().count() <= 1001;
            assert!(is_line(&digest.owner) && digest.teams.iter().all(|team| is_line(team)), "{digest:?}");
            // A detail is a line of its own, and a suspension two.
            let more = 1 + 2 * usize::from(suspended.is_some());
            assert_eq!(digest.body.lines().count(), plain.body.lines().count() + more, "{}", digest.body);
            let hidden =
                |c: char| c != '\n' && c.is_control() || "\u{202e}\u{2066}\u{2069}\u{200f}\u{200b}\u{feff}\u{2028}\u{2029}".contains(c);
            assert!(!digest.body.contains(hidden) && digest.body.len() < 10_000, "{}", digest.body);
            assert_eq!(digest.notified.len(), 1, "it fits");
        }
    }
}

#[test]
fn a_command_that_people_copy_runs_nothing_else() {
    let evil = "'; rm -rf ~ #";
    let digest = one(&[Item { name: evil.into(), ..item(warning(), "churn", None) }]);
    assert!(digest.body.contains(r"--notebook-instance-name ''\''; rm -rf ~ #'"), "{}", digest.body);
    let command = crate::remedy::how_to_add("arn:aws:sagemaker:eu-central-1:123456789012:model/x", [("Owner", evil)]);
    assert!(command.ends_with(r"--tags 'Key=Owner,Value='\''; rm -rf ~ #'"), "{command}");
    let app = Remedy::DeleteApp {
        domain: "d-1".into(),
        home: crate::vocabulary::resource::AppHome::Space("$(reboot)".into()),
        app_type: "JupyterLab".into(),
        app_name: "a\nreboot".into(),
    };
    let expected = "aws sagemaker delete-app --domain-id d-1 --space-name '$(reboot)' --app-type JupyterLab --app-name 'a reboot'";
    assert_eq!(app.command("x", ""), expected);
}

mod endpoints;
mod links;
mod platform;
mod regular;
