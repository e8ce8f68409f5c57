//! What the platform's address gets of the owners' mails: the filter of its subscription is the template's.

use end_to_end::{
    Function, Guard, TABLE,
    testing::{account_at, guard_of, hours, mails_to, minutes},
};
use jiff::Timestamp;
use serde_json::json;
use simulator::{Fault, Mail, Simulator, What};

const BERLIN: &str = "timezone = \"Europe/Berlin\"\n";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A Monday evening after working hours, with a notebook of each of these owners, and one that nobody owns.
fn evening(owners: usize, policy: &str) -> (Simulator, Guard, Guard) {
    let notebook = |n: usize| {
        let tags = if n == 0 { String::new() } else { format!("tags = {{ Owner = \"p{n}@example.com\" }}\n") };
        format!("[[notebook]]\nname = \"n{n}\"\ninstance-type = \"ml.m5.xlarge\"\nsince = \"-8h\"\n{tags}")
    };
    let account = account_at("2026-11-23T18:05:00Z", &(0..=owners).map(notebook).collect::<String>());
    let [stopper, reporter] =
        [Function::NotebookStopper, Function::CostReporter].map(|function| guard_of(function, &account, &format!("{BERLIN}{policy}")));
    (account, stopper, reporter)
}

/// The mails that `AlertEmail` gets.
fn platforms(account: &Simulator) -> Vec<Mail> {
    account.mails_for("AlertSubscription").unwrap()
}

/// The mails that an owner's own subscription gets.
fn owns(account: &Simulator, owner: &str) -> usize {
    account.mails_by(&json!({"owner": [owner]})).unwrap().len()
}

#[tokio::test]
async fn from_ten_owners_on_the_platform_gets_one_summary_and_the_owners_get_theirs() {
    let (account, stopper, reporter) = evening(12, "");
    assert_eq!(stopper.run().await.unwrap().notified, 13);
    let first = platforms(&account);
    assert_eq!((account.mail_count(), first.len()), (13, 11), "ten owners, and what nobody owns");
    assert_eq!(mails_to(&first, "unowned").len(), 1);
    assert!((1..=12).all(|n| owns(&account, &format!("p{n}@example.com")) == 1));
    account.live_until(time("2026-11-24T07:30:00Z"));
    assert_eq!(reporter.run().await.unwrap().notified, 0, "it is not morning");
    account.live_until(time("2026-11-24T08:05:00Z"));
    let dry = reporter.wake(json!({"dry-run": true})).await.unwrap();
    assert_eq!((dry.waiting, dry.notified), (1, 0));
    assert_eq!(reporter.run().await.unwrap().notified, 1);
    assert_eq!(reporter.run().await.unwrap().notified, 0, "one a day");
    let summary = platforms(&account).pop().unwrap();
    assert_eq!(summary.subject, "Cost guard: platform: 12 owners, $1,761.75 a month open");
    let attribute = |name: &str| summary.attributes[name].1.as_str();
    assert_eq!(
        ["audience", "owner", "team", "severity", "function"].map(attribute),
        ["platform", "platform", "unowned", "info", "cost-reporter"]
    );
    for says in [
        "* p1@example.com: 1 found ($135.52 a month), 1 mail, 1 open ($135.52 a month)",
        "… and 2 more owners:",
        "* notebook instance n0, $135.52 a month",
    ] {
        assert!(summary.message.contains(says), "{says}: {}", summary.message);
    }
    assert_eq!((platforms(&account).len(), owns(&account, "unowned")), (12, 1), "a subscription to what nobody owns gets no summary");
    account.live_until(time("2026-11-25T08:05:00Z"));
    assert_eq!(reporter.run().await.unwrap().notified, 0, "nothing happened since");
    // A week later each owner is reminded. Few or many of them: the summary goes on, also in a new process.
    account.live_until(time("2026-11-30T18:30:00Z"));
    let stopper = guard_of(Function::NotebookStopper, &account, BERLIN);
    stopper.run().await.unwrap();
    assert_eq!(mails_to(&platforms(&account), "p1@example.com").len(), 1);
    assert_eq!(owns(&account, "p1@example.com"), 2);
}

#[tokio::test]
async fn the_policy_says_what_the_platform_gets() {
    for (setting, at_once, next_morning, next_monday) in
        [("each-mail", 13, 13, 13), ("daily-summary", 1, 2, 3), ("weekly-summary", 1, 1, 2)]
    {
        let (account, stopper, reporter) = evening(12, &format!("[mail]\nplatform = \"{setting}\"\n"));
        stopper.run().await.unwrap();
        assert_eq!((account.mail_count(), platforms(&account).len()), (13, at_once), "{setting}");
        account.live_until(time("2026-11-24T08:05:00Z"));
        reporter.run().await.unwrap();
        assert_eq!(platforms(&account).len(), next_morning, "{setting}");
        account.live_until(time("2026-11-30T08:05:00Z"));
        reporter.run().await.unwrap();
        // The owners' own weekly summaries are theirs, and so is that of what nobody owns the platform's.
        let unowned = mails_to(&platforms(&account), "unowned").len();
        let platforms = mails_to(&platforms(&account), "platform").len();
        assert_eq!((unowned, platforms), (2, next_monday - at_once.min(next_monday)), "{setting}");
        let is_written = |kind: &str| account.table_items(TABLE).iter().any(|item| item["pk"]["S"].as_str().unwrap().starts_with(kind));
        assert_eq!(is_written("sent#"), setting != "each-mail", "{setting}");
    }
}

#[tokio::test]
async fn few_owners_are_no_summary_and_a_ledger_that_does_not_say_is_each_mail() {
    let (account, stopper, reporter) = evening(9, "");
    // The first query is for its findings, and the other one for the mails that were sent: it says both whether the summary has begun and to how many.
    account.add_fault(Fault::new("dynamodb:Query", What::Refuse("AccessDeniedException".into(), "no".into())).after(1));
    let run = stopper.run().await.unwrap();
    assert_eq!((run.notified, run.failures.len(), platforms(&account).len()), (10, 0, 10), "{run:?}");
    account.clear_faults();
    account.live_until(time("2026-11-24T08:05:00Z"));
    assert_eq!((reporter.run().await.unwrap().notified, platforms(&account).len()), (0, 10));
}

#[tokio::test]
async fn what_went_wrong_is_in_the_summary_and_a_summary_that_was_not_sent_comes_again() {
    let (account, stopper, reporter) = evening(1, "[mail]\nplatform = \"daily-summary\"\n");
    account.add_fault(Fault::new("sagemaker:ListApps", What::Refuse("AccessDeniedException".into(), "no".into())));
    for _ in 0..2 {
        assert!(!stopper.run().await.unwrap().unread.is_empty());
        account.advance(minutes(15));
    }
    account.clear_faults();
    account.live_until(time("2026-11-24T08:05:00Z"));
    account.add_fault(Fault::new("sns:Publish", What::Refuse("InvalidParameter".into(), "no".into())).times(1));
    let failed = reporter.run().await.unwrap();
    assert_eq!((failed.notified, failed.failures.len()), (0, 1), "{failed:?}");
    account.advance(hours(1));
    assert_eq!(reporter.run().await.unwrap().notified, 1);
    let summary = platforms(&account).pop().unwrap();
    assert!(summary.subject.starts_with("Cost guard: platform: 1 failed, 1 owner, "), "{}", summary.subject);
    for says in [
        "\nFAILED\n* cost-reporter: ",
        "\nCOULD NOT BE READ\n* notebook-stopper: ",
        " (2 runs, Mon 2026-11-23 19:05 to Mon 2026-11-23 19:20)\n",
    ] {
        assert!(summary.message.contains(says), "{says}: {}", summary.message);
    }
    let items = account.table_items(TABLE);
    let left = |function: &str| {
        let is_trouble = |item: &&serde_json::Value| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("trouble#"));
        items.iter().filter(is_trouble).filter(|item| item["sk"]["S"].as_str().is_some_and(|sk| sk.contains(function))).count()
    };
    assert_eq!((left("notebook-stopper"), left("cost-reporter")), (1, 1), "each cause of a day is one item: {items:?}");
}

#[tokio::test]
async fn a_person_can_ask_for_the_summary() {
    let (account, stopper, reporter) = evening(1, "[mail]\nplatform = \"daily-summary\"\n");
    stopper.run().await.unwrap();
    account.advance(minutes(30));
    assert_eq!(reporter.wake(json!({"mail-now": true})).await.unwrap().notified, 1);
    assert_eq!(mails_to(&platforms(&account), "platform").len(), 1);
}
