//! Tests of the regular mails: what waits for which, who is mailed when, and what the mails say.

use super::*;
pub(super) use crate::samples::entry;
use crate::{
    facts::{Hibernation, HibernationStage, SleepingEndpoint},
    mail::{Desk, Due, Mailed, Notification, Regular, Waiting, asides, notifications, sort_out},
    plan::{Closed, Entry, Kept, Plan, Saved, SavedBy, Spared, State, WhySpared},
    remedy::WakesBy,
};

const DAILY: &str = "timezone = \"Europe/Berlin\"\n[mail]\nreports = \"daily\"";

pub(super) fn policy_of(text: &str) -> Policy {
    Policy::from_toml(text).unwrap()
}

pub(super) fn at<'a>(policy: &'a Policy, now: &str) -> MailContext<'a> {
    MailContext { function: "cost-reporter", policy, now: now.parse().unwrap() }
}

#[test]
fn each_item_is_mailed_when_it_matters() {
    let resubmitted = || News::Done(End::Replaced("churn-spot".into()));
    let tagged = || Item {
        remedy: Some(Remedy::AddTags { tags: [("Team".into(), "nlp".into())].into(), from: String::new(), rest: None }),
        ..item(stopped(), "a", None)
    };
    let repeated = |news| Item { is_repeated: true, ..item(news, "a", None) };
    let critical = || Item { notice: Notice { severity: Severity::Critical, ..Notice::default() }, ..item(News::Found, "a", None) };
    for (what, item, by_default, daily) in [
        ("a warning", item(warning(), "a", None), None, None),
        ("a failure", item(News::Failed("denied".into()), "a", None), None, None),
        ("what is critical", critical(), None, None),
        ("a finding", item(News::Found, "a", None), None, Some(Due::Daily)),
        ("a first stop", item(stopped(), "a", None), None, Some(Due::Daily)),
        ("the same stop again", repeated(stopped()), Some(Due::Weekly), Some(Due::Weekly)),
        ("a failure again", repeated(News::Failed("denied".into())), None, None),
        (
            "a stop that its warning has announced",
            Item { recurs: true, ..item(stopped(), "a", None) },
            Some(Due::Weekly),
            Some(Due::Weekly),
        ),
        ("a job's new name", item(resubmitted(), "a", None), None, None),
        ("the next job's new name", repeated(resubmitted()), Some(Due::Weekly), Some(Due::Weekly)),
        ("tags", tagged(), None, Some(Due::Weekly)),
    ] {
        for (policy, due) in [("", by_default), (DAILY, daily)] {
            let post = sort_out(vec![item.clone()], &policy_of(policy).mail);
            assert_eq!(
                (post.at_once.len(), post.later.first().map(|(_, due)| *due)),
                (usize::from(due.is_none()), due),
                "{what}: {policy}"
            );
        }
    }
    let at_once = "[mail]\nrepeated-stops = \"at-once\"";
    assert_eq!(sort_out(vec![repeated(stopped())], &policy_of(at_once).mail).at_once.len(), 1, "a policy setting says otherwise");
}

#[test]
fn who_is_mailed_at_once_gets_the_mornings_mail_with_it() {
    let bobs = Item { owner: Some("bob@example.com".into()), ..item(News::Found, "c", None) };
    let post = sort_out(vec![item(warning(), "a", None), item(News::Found, "b", None), bobs], &policy_of(DAILY).mail);
    assert_eq!((post.at_once.len(), post.later.len()), (2, 1));
}

fn found(name: &str, usd: Option<Decimal>) -> Notification {
    let policy = policy();
    notifications(&[(item(News::Found, name, usd), Due::Daily)], &context(&policy)).remove(0)
}

fn left(notification: Notification, since: &str) -> Waiting {
    Waiting { notification, since: since.parse().unwrap() }
}

#[test]
fn the_daily_mail_comes_on_the_next_working_morning_and_once() {
    let policy = policy_of(DAILY);
    // 2026-11-27 is a Friday. 09:00 in Berlin is 08:00Z.
    let waiting = vec![left(found("a", Some(dec!(10))), "2026-11-27T18:00:00Z"), left(found("b", None), "2026-11-27T19:00:00Z")];
    let mut desk = Desk { waiting, ..Desk::default() };
    for (now, is_mailed) in
        [("2026-11-27T20:00:00Z", false), ("2026-11-28T12:00:00Z", false), ("2026-11-30T07:59:00Z", false), ("2026-11-30T08:05:00Z", true)]
    {
        assert_eq!(desk.letters(&at(&policy, now)).len(), usize::from(is_mailed), "{now}");
    }
    desk.is_asked = true;
    let letter = desk.letters(&at(&policy, "2026-11-27T20:00:00Z")).remove(0);
    assert_eq!((letter.regular, letter.digest.subject.as_str()), (Regular::Daily, "Cost guard: a and 1 more found, $10.00 a month"));
    desk.mailed.insert("ann@example.com".into(), Mailed { daily: Some(letter.until), ..Mailed::default() });
    assert_eq!(desk.letters(&at(&policy, "2026-11-27T20:00:00Z")), [], "nobody is mailed twice");
    desk.waiting.push(left(found("c", None), "2026-11-27T19:58:00Z"));
    assert_eq!(desk.letters(&at(&policy, "2026-11-27T20:00:00Z")), [], "its run may still leave more");
    assert_eq!(desk.letters(&at(&policy, "2026-11-27T20:06:00Z")).len(), 1);
}

#[test]
fn what_somebody_mended_before_the_mail_is_not_told() {
    let policy = policy_of(DAILY);
    let waiting = vec![left(found("a", None), "2026-11-26T18:00:00Z")];
    let desk = |entries: Vec<Entry>, saved: Vec<Saved>| Desk {
        waiting: waiting.clone(),
        entries: vec![("notebook-stopper", entries)],
        saved,
        ..Desk::default()
    };
    let off_hours =
        |state, run: Option<&str>| Entry { run: run.map(|run| run.parse().unwrap()), ..entry("notebook-off-hours", "a", state) };
    let run = Some("2026-11-26T08:00:00Z");
    for (what, desk, told) in [
        ("it is open", desk(vec![off_hours(State::Reported, run)], vec![]), 1),
        ("working hours began", desk(vec![off_hours(State::Closed, run)], vec![]), 1),
        ("its owner stopped it", desk(vec![off_hours(State::Closed, run)], vec![saved("a", SavedBy::Owner, None)]), 0),
        ("its tag was written", desk(vec![off_hours(State::Closed, None)], vec![]), 0),
    ] {
        assert_eq!(desk.letters(&at(&policy, "2026-11-27T08:05:00Z")).len(), told, "{what}");
    }
}

#[test]
fn what_was_found_this_morning_waits_for_the_next_one_although_older_things_were_mended() {
    let policy = policy_of(DAILY);
    let desk = Desk {
        waiting: vec![left(found("a", None), "2026-11-25T18:00:00Z"), left(found("b", None), "2026-11-26T09:00:00Z")],
        entries: vec![("notebook-stopper", vec![entry("notebook-off-hours", "a", State::Closed)])],
        ..Desk::default()
    };
    assert_eq!(desk.letters(&at(&policy, "2026-11-26T10:05:00Z")), [], "the morning's mail would come two hours late");
    let next = desk.letters(&at(&policy, "2026-11-27T08:05:00Z"));
    assert!(next.len() == 1 && next[0].digest.subject.starts_with("Cost guard: b "), "{next:?}");
}

#[test]
fn a_mail_in_the_morning_says_whether_it_is_still_so() {
    let policy = policy_of(DAILY);
    let of = |entry: Entry| {
        let waiting = vec![left(found("a", None), "2026-11-26T18:00:00Z")];
        let desk = Desk { waiting, entries: vec![("notebook-stopper", vec![entry])], ..Desk::default() };
        desk.letters(&at(&policy, "2026-11-27T08:05:00Z")).remove(0).digest.body
    };
    let time = |text: &str| text.parse().unwrap();
    let off_hours = |state, last_seen: &str| Entry {
        run: Some(time("2026-11-26T08:00:00Z")),
        ends: Some(time("2026-11-27T07:00:00Z")),
        last_seen: time(last_seen),
        ..entry("notebook-off-hours", "a", state)
    };
    for (entry, says) in [
        (Entry { ends: None, ..off_hours(State::Reported, "2026-11-26T18:00:00Z") }, ", and still so\n"),
        // Nobody has looked at it since working hours began.
        (off_hours(State::Reported, "2026-11-26T18:00:00Z"), "\n"),
        (off_hours(State::Closed, "2026-11-27T07:15:00Z"), ", still on when working hours began on Fri 2026-11-27 08:00\n"),
        // It was started anew in the night: what became of it is not known.
        (off_hours(State::Closed, "2026-11-26T22:00:00Z"), "\n"),
    ] {
        let body = of(entry);
        assert!(body.contains(&format!("* notebook instance a: found on Mon 2026-11-23 19:00{says}")), "{says}\n{body}");
    }
}

#[test]
fn a_first_summary_of_new_findings_alone_names_the_account_and_the_team() {
    let policy = policy_of(DAILY);
    let account = Item { id: "tag-key/Owner".into(), remedy: Some(Remedy::None), ..item(News::Found, "Owner", None) };
    let desk = Desk {
        waiting: vec![
            left(found("a", None), "2026-11-27T18:00:00Z"),
            left(notifications(&[(account, Due::Daily)], &context(&policy)).remove(0), "2026-11-27T18:00:00Z"),
        ],
        ..Desk::default()
    };
    let digest = desk.letters(&at(&policy, "2026-11-30T08:05:00Z")).remove(0).digest;
    assert!(digest.body.contains("\nAWS account 123456789012, Region eu-central-1.\n"), "{}", digest.body);
    assert!(digest.body.contains("\nFOUND\nOnly reported: "), "a tag key is only reported, too\n{}", digest.body);
    assert_eq!(digest.teams, ["nlp"]);
}

pub(super) fn saved(name: &str, by: SavedBy, usd: Option<Decimal>) -> Saved {
    Saved {
        arn: format!("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}"),
        name: name.into(),
        owner: Some("ann@example.com".into()),
        team: None,
        by,
        action: None,
        is_resubmitted: false,
        from: jiff::Timestamp::UNIX_EPOCH,
        until: jiff::Timestamp::UNIX_EPOCH,
        usd,
    }
}

#[test]
fn the_weekly_summary_says_what_was_stopped_saved_open_and_kept() {
    let policy = policy_of(DAILY);
    let kept = Entry {
        kept: Some(Kept { value: "2026-12-04".into(), since: "2026-11-25T08:00:00Z".parse().unwrap() }),
        ..entry("notebook-idle", "paper", State::Exempt)
    };
    let open = vec![
        entry("notebook-idle", "gpu", State::Reported),
        entry("notebook-always-on", "gpu", State::Warned),
        entry("notebook-idle", "old", State::Closed),
        kept,
    ];
    let again = Item { is_repeated: true, ..item(stopped(), "gpu", None) };
    let mut desk = Desk {
        waiting: vec![
            left(notifications(&[(again, Due::Weekly)], &context(&policy)).remove(0), "2026-11-26T18:00:00Z"),
            left(found("new", Some(dec!(5))), "2026-11-29T18:00:00Z"),
        ],
        entries: vec![("notebook-stopper", open)],
        saved: vec![
            saved("eda", SavedBy::Guard, Some(dec!(2.5))),
            saved("eda", SavedBy::Guard, Some(dec!(2.5))),
            saved("x", SavedBy::Owner, Some(dec!(9))),
            saved("job", SavedBy::Spot, Some(dec!(7))),
            saved("churn", SavedBy::Scaling, Some(dec!(1.25))),
            saved("churn", SavedBy::Scaling, Some(dec!(1.25))),
        ],
        ..Desk::default()
    };
    assert!(!desk.is_anything_due(&at(&policy, "2026-11-28T12:00:00Z")));
    let monday = at(&policy, "2026-11-30T08:05:00Z");
    assert!(desk.is_anything_due(&monday));
    let letters = desk.letters(&monday);
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(
        (letter.regular, letter.digest.subject.as_str()),
        (Regular::Weekly, "Cost guard: your week: 1 resource stopped 2 times, $7.50 saved, 1 open, 1 found, $206.48 a month")
    );
    for line in [
        "Your week from Mon 2026-11-23 to Mon 2026-11-30.",
        "* notebook instance eda: 2 times, which saved about $5.00",
        "* endpoint churn: about $2.50 less than without it",
        "An estimate: what the mail about it said that it saves, for each day on which it has stood as it was attached.",
        "* notebook instance gpu was stopped",
        "* notebook instance gpu: open since Wed 2026-11-25 09:00 (notebook-idle, notebook-always-on), $201.48 a month",
        "WHAT YOU CAN DO ABOUT WHAT IS OPEN",
        "* notebook-always-on: stop it, or keep it with the tag cost-guard:keep-until",
        "* notebook-idle: stop it, or keep it with the tag cost-guard:keep-until",
        "* notebook instance paper until the end of Fri 2026-12-04",
        "* 1 job cost $7.00 less than on demand",
        "* notebook instance new: found on Mon 2026-11-23 19:00",
        "All times: Europe/Berlin.",
    ] {
        assert!(letter.digest.body.lines().any(|found| found == line), "{line}\n{}", letter.digest.body);
    }
    assert!(!letter.digest.body.contains("instance old"));
    // What Spot saved is no saving of the stops. Here there is room for it in the subject.
    let kept = desk.entries[0].1[3].clone();
    let less = Desk { entries: vec![("notebook-stopper", vec![kept])], saved: desk.saved.clone(), ..Desk::default() };
    let subject = less.letters(&monday).remove(0).digest.subject;
    assert_eq!(subject, "Cost guard: your week: 1 resource stopped 2 times, $7.50 saved, $7.00 saved by Spot");
    desk.mailed.insert("ann@example.com".into(), Mailed { daily: Some(letter.until), weekly: Some(letter.until), ..Mailed::default() });
    assert_eq!(desk.letters(&at(&policy, "2026-11-30T15:05:00Z")), [], "one mail a week");
    assert_eq!(desk.letters(&at(&policy, "2026-12-07T08:05:00Z")).len(), 1);
}

#[test]
fn nothing_to_tell_is_no_mail_and_a_new_guard_waits_for_its_first_week() {
    let policy = policy_of(DAILY);
    assert_eq!(Desk::default().letters(&at(&policy, "2026-11-30T08:05:00Z")), []);
    let monday_noon = Entry { first_seen: "2026-11-30T11:00:00Z".parse().unwrap(), ..entry("notebook-idle", "gpu", State::Reported) };
    let desk = Desk { entries: vec![("notebook-stopper", vec![monday_noon])], ..Desk::default() };
    assert_eq!(desk.letters(&at(&policy, "2026-11-30T12:00:00Z")), []);
    assert_eq!(desk.letters(&at(&policy, "2026-12-07T08:05:00Z")).len(), 1);
}

/// A team with holidays of its own and the usual working hours got no summary in a week that began with one, unless something else was mailed that day.
#[test]
fn a_summary_is_due_on_the_first_working_day_of_each_team() {
    for (holidays, monday, tuesday) in [
        ("", true, false),
        ("team-holidays = { vision = [\"2026-11-30\"] }", true, true),
        ("teams = { vision = \"tue-fri/08:00-19:00\" }", true, true),
        ("holidays = [\"2026-11-30\"]", false, true),
    ] {
        let policy = policy_of(&format!("timezone = \"Europe/Berlin\"\n[working-hours]\n{holidays}"));
        let is_due = |now: &str| Desk::default().is_anything_due(&at(&policy, now));
        assert_eq!((is_due("2026-11-30T08:05:00Z"), is_due("2026-12-01T08:05:00Z")), (monday, tuesday), "{holidays}");
    }
}

#[test]
fn what_was_found_after_the_week_makes_no_summary_of_it() {
    let policy = policy_of(DAILY);
    // Monday, after the time of the summary. Something that its owner does not keep any more is known from before.
    let new = left(found("new", Some(dec!(10))), "2026-11-30T09:00:00Z");
    let first_seen = "2026-11-30T09:00:00Z".parse().unwrap();
    let before = |state| entry("notebook-idle", "old", state);
    let desk = |before: Entry| Desk {
        waiting: vec![new.clone()],
        entries: vec![("notebook-stopper", vec![before, Entry { first_seen, ..entry("notebook-off-hours", "new", State::Reported) }])],
        ..Desk::default()
    };
    let now = at(&policy, "2026-11-30T10:05:00Z");
    assert_eq!(desk(before(State::Closed)).letters(&now), [], "it is no summary");
    let next = desk(before(State::Closed)).letters(&at(&policy, "2026-12-01T08:05:00Z"));
    assert_eq!(next.iter().map(|letter| letter.regular).collect::<Vec<_>>(), [Regular::Daily]);
    let both = desk(before(State::Reported)).letters(&now).remove(0);
    assert_eq!(both.digest.subject, "Cost guard: your week: 1 open, 1 found, $211.48 a month");
}

#[test]
fn a_mail_that_waits_tells_what_was_and_counts_its_dates_from_when_it_is_read() {
    let policy = policy_of(DAILY);
    // A Friday evening, and a stop in its night. Both are read on Monday.
    let friday = at(&policy, "2026-11-27T18:00:00Z");
    let stop = notifications(&[(item(stopping(), "b", Some(dec!(730))), Due::Daily)], &friday).remove(0);
    let waiting = vec![
        left(notifications(&[(item(News::Found, "a", None), Due::Daily)], &friday).remove(0), "2026-11-27T18:00:00Z"),
        left(stop, "2026-11-27T18:00:00Z"),
    ];
    let letters = Desk { waiting, ..Desk::default() }.letters(&at(&policy, "2026-11-30T08:05:00Z"));
    let body = &letters[0].digest.body;
    for text in [
        "\nWAS STOPPED\n",
        "* notebook instance b: stopped on Fri 2026-11-27 19:00\n",
        "\nFOUND\nOnly reported: the rules in brackets stop nothing. A rule that stops something warns you first.\n",
        "* notebook instance a: found on Fri 2026-11-27 19:00\n",
        "Value=2026-12-07'",
    ] {
        assert!(body.contains(text), "{text}\n{body}");
    }
}

#[test]
fn what_several_rules_say_of_one_resource_is_joined_with_all_that_can_be_done() {
    let policy = policy_of(DAILY);
    let untagged = Item {
        key: key("missing-tag", "notebook-instance/a"),
        reason: "it lacks the tag Owner".into(),
        remedy: Some(Remedy::None),
        notice: Notice { advice: Some("tag it.".into()), ..Notice::default() },
        ..item(News::Found, "a", Some(dec!(730)))
    };
    let waiting = [untagged, item(News::Found, "a", Some(dec!(100)))]
        .map(|item| left(notifications(&[(item, Due::Daily)], &at(&policy, "2026-11-26T18:00:00Z")).remove(0), "2026-11-26T18:00:00Z"));
    let letters = Desk { waiting: waiting.to_vec(), ..Desk::default() }.letters(&at(&policy, "2026-11-27T08:05:00Z"));
    let digest = &letters[0].digest;
    assert_eq!(digest.subject, "Cost guard: a needs a look, $100.00 a month");
    let labels: Vec<&str> = digest.body.lines().filter_map(|line| line.strip_prefix("  ")?.split(':').next()).collect();
    let [rest @ .., last, "Console"] = &labels[..] else { panic!("{labels:?}") };
    assert_eq!((&rest[..3], *last), (&["Why", "Why", "Costs"][..], "Give it longer hours"), "{}", digest.body);
    assert!(rest.contains(&"To do") && rest.contains(&"Stop it now"), "{labels:?}");
}

#[test]
fn a_summary_lists_what_is_new_once_and_no_exemption_that_has_ended() {
    let policy = policy_of(DAILY);
    let kept = |name: &str, until: &str| Entry {
        kept: Some(Kept { value: until.into(), since: "2026-11-25T08:00:00Z".parse().unwrap() }),
        ..entry("notebook-idle", name, State::Exempt)
    };
    let entries = vec![
        entry("notebook-off-hours", "new", State::Reported),
        entry("missing-tag", "untagged", State::Reported),
        Entry {
            id: "job-series/training-job/nightly@ann".into(),
            arn: "nightly".into(),
            ..entry("training-on-demand", "nightly", State::Reported)
        },
        kept("over", "2026-11-29"),
        kept("paper", "2026-11-30"),
        kept("demo", "2026-12-31 by the policy: demo for the board"),
    ];
    let desk = Desk {
        waiting: vec![left(found("new", Some(dec!(201.48))), "2026-11-29T18:00:00Z")],
        entries: vec![("notebook-stopper", entries)],
        saved: vec![saved("eda", SavedBy::Guard, Some(dec!(2.5)))],
        ..Desk::default()
    };
    let digest = desk.letters(&at(&policy, "2026-11-30T08:05:00Z")).remove(0).digest;
    assert_eq!(digest.subject, "Cost guard: your week: 1 resource stopped, $2.50 saved, 2 open, 1 found, $201.48 a month");
    for (text, times) in [
        ("* notebook instance new", 1),
        ("* notebook instance untagged", 1),
        ("over", 0),
        ("paper until the end of Mon 2026-11-30", 1),
        ("demo until", 1),
        ("The savings are estimates: the on-demand price from each stop", 1),
    ] {
        assert_eq!(digest.body.matches(text).count(), times, "{text}\n{}", digest.body);
    }
}

#[test]
fn what_waits_for_somebody_who_has_left_goes_to_who_stands_in() {
    let left = format!("{DAILY}\n[ownership]\nleft = [\"ann@example.com\"]\n");
    let desk = Desk { waiting: vec![left_at_night(found("a", None))], ..Desk::default() };
    for (budget, owner) in [("", "unowned"), ("[[budget]]\nname = \"x\"\nteam = \"nlp\"\nowner = \"lead@example.com\"", "lead@example.com")]
    {
        let policy = policy_of(&format!("{left}{budget}"));
        let letters = desk.letters(&at(&policy, "2026-11-30T08:05:00Z"));
        assert_eq!(letters.iter().map(|letter| letter.digest.owner.as_str()).collect::<Vec<_>>(), [owner]);
    }
}

fn left_at_night(notification: Notification) -> Waiting {
    left(notification, "2026-11-27T18:00:00Z")
}

#[test]
fn what_was_not_stopped_after_a_warning_is_in_the_weekly_summary_and_sends_none() {
    let policy = policy_of(DAILY);
    let used = Spared { announced: "2026-11-25T18:30:00Z".parse().unwrap(), why: WhySpared::Used("2026-11-25T18:20:00Z".parse().unwrap()) };
    let closed = Closed {
        entry: entry("notebook-idle", "churn", State::Closed),
        before: State::Warned,
        saving: None,
        pending_notice: false,
        written: None,
        spared: Some(used),
    };
    let asides = asides(&Plan { closed: vec![closed], ..Plan::default() }, &context(&policy));
    let line = "* notebook instance churn, which was to be stopped on Wed 2026-11-25 19:30 CET: it was used on Wed 2026-11-25 19:20 CET (notebook-idle)";
    let of = |since: &str, entries: Vec<Entry>| Desk {
        waiting: asides.iter().map(|one| left(one.clone(), since)).collect(),
        entries: vec![("notebook-stopper", entries)],
        ..Desk::default()
    };
    let monday = at(&policy, "2026-11-30T08:05:00Z");
    assert_eq!(of("2026-11-25T18:30:00Z", vec![]).letters(&monday), [], "no mail for it alone");
    let open = || vec![entry("notebook-idle", "gpu", State::Reported)];
    for (since, told) in [("2026-11-25T18:30:00Z", true), ("2026-11-20T18:30:00Z", false)] {
        let letter = of(since, open()).letters(&monday).remove(0);
        assert_eq!(letter.digest.body.lines().any(|found| found == line), told, "{since}\n{}", letter.digest.body);
        assert_eq!(letter.digest.body.contains("NOT STOPPED AFTER A WARNING"), told);
    }
}

#[test]
fn a_summary_names_the_endpoints_that_sleep_and_how_to_wake_them() {
    let policy = policy_of(DAILY);
    let asleep = |name: &str, wakes| SleepingEndpoint {
        resource: crate::samples::with_tags(crate::samples::resource(&format!("endpoint/{name}")), &[("Owner", "ann@example.com")]),
        config: "churn-1".into(),
        hibernation: Hibernation {
            wakes,
            usd_per_hour: Some(dec!(0.5)),
            ..crate::samples::hibernation(HibernationStage::Asleep, "2026-11-25T18:00:00Z")
        },
    };
    let sleeping = vec![asleep("old", WakesBy::Asking), asleep("nightly", WakesBy::WorkingHours)];
    let desk = Desk { sleeping, ..Desk::default() };
    let [letter] = &desk.letters(&at(&policy, "2026-11-30T08:05:00Z"))[..] else { panic!() };
    assert_eq!((letter.regular, letter.digest.owner.as_str()), (Regular::Weekly, "ann@example.com"));
    // 110 hours and 5 minutes.
    let line = "* endpoint old: hibernated since Wed 2026-11-25 19:00, which has saved about $55.04 so far. Wake it: aws sagemaker create-endpoint --region us-east-1 \
                --endpoint-name old --endpoint-config-name churn-1";
    assert!(letter.digest.body.contains(line), "{}", letter.digest.body);
    // What its stop saves in a month, if nobody wakes it, is not told besides.
    let stop = Saved { arn: desk.sleeping[0].resource.arn_or_id().to_owned(), ..saved("old", SavedBy::Guard, Some(dec!(365))) };
    let desk = Desk { saved: vec![stop], ..desk };
    let [letter] = &desk.letters(&at(&policy, "2026-11-30T08:05:00Z"))[..] else { panic!() };
    assert_eq!(letter.digest.subject, "Cost guard: your week: 1 endpoint asleep, $55.04 saved");
    assert!(letter.digest.body.contains(line) && !letter.digest.body.contains("365"), "{}", letter.digest.body);
    // A week later, the subject is of that week.
    let desk = Desk { saved: vec![], ..desk };
    let [letter] = &desk.letters(&at(&policy, "2026-12-07T08:00:00Z"))[..] else { panic!() };
    assert_eq!(letter.digest.subject, "Cost guard: your week: 1 endpoint asleep, $84.00 saved");
    assert!(!letter.digest.body.contains("nightly"));
    let awake_by_itself = Desk { sleeping: vec![asleep("nightly", WakesBy::WorkingHours)], ..Desk::default() };
    assert_eq!(awake_by_itself.letters(&at(&policy, "2026-11-30T08:05:00Z")), []);
}

#[test]
fn what_the_guard_will_do_about_what_is_open_is_said_with_its_time() {
    let policy = policy_of(DAILY);
    let warned = |rule: &str, action: &str, act_after: &str| Entry {
        action: Some(action.into()),
        act_after: Some(act_after.parse().unwrap()),
        notified_at: Some("2026-11-25T08:00:00Z".parse().unwrap()),
        ..entry(rule, "churn", State::Warned)
    };
    for (entries, says) in [
        (vec![entry("endpoint-idle", "churn", State::Reported)], "churn: open since Wed 2026-11-25 09:00 (endpoint-idle), $201.48 a month"),
        (
            vec![
                warned("endpoint-idle", "hibernate-endpoint", "2026-12-02T07:00:00Z"),
                Entry {
                    usd_per_month: Some(dec!(120)),
                    ..warned("endpoint-off-hours", "schedule-scaling from 2 blue", "2026-12-01T07:00:00Z")
                },
                entry("endpoint-never-at-zero", "churn", State::Reported),
            ],
            "churn: will be given auto scaling by working hours on Tue 2026-12-01 08:00, open since Wed 2026-11-25 09:00 \
             (endpoint-idle, endpoint-off-hours, endpoint-never-at-zero), saves about $120.00 a month",
        ),
        (
            vec![warned("endpoint-idle", "hibernate-endpoint", "2026-12-02T07:00:00Z")],
            "churn: will be hibernated on Wed 2026-12-02 08:00, open since",
        ),
    ] {
        let is_warned = entries[0].state == State::Warned;
        let desk = Desk { entries: vec![("endpoint-autoscaler", entries)], ..Desk::default() };
        let [letter] = &desk.letters(&at(&policy, "2026-11-30T08:05:00Z"))[..] else { panic!() };
        assert!(letter.digest.body.contains(says), "{says}: {}", letter.digest.body);
        let usd = if says.contains("$120.00") { "$120.00" } else { "$201.48" };
        assert_eq!(letter.digest.subject, format!("Cost guard: your week: 1 open, {usd} a month"));
        assert_eq!(letter.digest.body.contains("WHAT YOU CAN DO"), !is_warned, "{}", letter.digest.body);
    }
}

#[test]
fn what_auto_scaling_saved_is_a_summary_of_its_own() {
    let policy = policy_of(DAILY);
    let first = entry("endpoint-without-autoscaling", "churn", State::Closed);
    let desk = Desk {
        saved: vec![saved("churn", SavedBy::Scaling, Some(dec!(41.5)))],
        entries: vec![("endpoint-autoscaler", vec![first])],
        ..Desk::default()
    };
    let [letter] = &desk.letters(&at(&policy, "2026-11-30T08:05:00Z"))[..] else { panic!() };
    assert_eq!(letter.digest.subject, "Cost guard: your week: $41.50 saved");
    for says in ["For ann@example.com.", "AWS account 123456789012", "AUTO SCALING\n* endpoint churn: about $41.50 less than without it"] {
        assert!(letter.digest.body.contains(says), "{says}: {}", letter.digest.body);
    }
}

#[test]
fn only_what_was_done_is_a_habit_and_only_the_first_time_is_new() {
    let named = |news, habit: &str| Item { habit: habit.to_owned(), ..item(news, "a", None) };
    for (news, habit, is_known, is_repeated, new) in [
        (stopped(), "stop a", false, false, Some("stop a")),
        (stopped(), "stop a", true, true, None),
        (stopped(), "", true, false, None),
        (News::Found, "stop a", true, false, None),
    ] {
        let mut items = [named(news, habit)];
        mark_habits(&mut items, |one| is_known && one == habit);
        assert_eq!((items[0].is_repeated, new_habits(&items).next()), (is_repeated, new), "{habit} {is_known}");
    }
}
