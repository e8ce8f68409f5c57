//! cost-reporter: the daily mails and the weekly summaries, with what the other functions leave for them.

use end_to_end::{
    Function, Guard, TABLE,
    testing::{account_at, guard_of, hours, mails_to, minutes, subjects},
};
use jiff::Timestamp;
use serde_json::json;
use simulator::{Deed, Fault, Simulator, What};

const DAILY: &str = r#"
timezone = "Europe/Berlin"
[mail]
reports = "daily"
"#;

const ESTATE: &str = r#"
[[notebook]]
name = "churn"
instance-type = "ml.m5.xlarge"
since = "-8h"
tags = { Owner = "ann@example.com", Team = "churn" }
[[notebook]]
name = "vision"
instance-type = "ml.g5.xlarge"
since = "-8h"
tags = { Owner = "bob@example.com", Team = "vision" }
"#;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A Monday evening after working hours, with notebook-stopper and cost-reporter.
fn evening(policy: &str) -> (Simulator, Guard, Guard) {
    evening_of(ESTATE, policy)
}

fn evening_of(estate: &str, policy: &str) -> (Simulator, Guard, Guard) {
    let account = account_at("2026-11-23T18:05:00Z", estate);
    let guards = [Function::NotebookStopper, Function::CostReporter].map(|function| guard_of(function, &account, policy));
    let [stopper, reporter] = guards;
    (account, stopper, reporter)
}

#[tokio::test]
async fn what_was_found_waits_for_the_morning_and_is_mailed_once() {
    let (account, stopper, reporter) = evening(DAILY);
    let found = stopper.run().await.unwrap();
    assert_eq!((found.total_findings, found.notified, found.waiting), (2, 0, 2));
    assert_eq!(stopper.run().await.unwrap().waiting, 0, "a second run leaves nothing");
    assert_eq!((reporter.run().await.unwrap().notified, account.mail_count()), (0, 0), "it is evening");
    account.live_until(time("2026-11-24T08:05:00Z"));
    let dry = reporter.wake(json!({"dry-run": true})).await.unwrap();
    assert_eq!((dry.notified, dry.waiting, account.mail_count()), (0, 2, 0));
    assert_eq!(reporter.run().await.unwrap().notified, 2);
    assert_eq!((reporter.run().await.unwrap().notified, account.mail_count()), (0, 2), "nobody is mailed twice");
    let mails = account.mails();
    let ann = mails_to(&mails, "ann@example.com")[0];
    assert_eq!(ann.subject, "Cost guard: churn needs a look, $135.52 a month");
    let attribute = |name: &str| ann.attributes[name].1.as_str();
    assert_eq!(["function", "severity", "team", "owner"].map(attribute), ["notebook-stopper", "info", "churn", "ann@example.com"]);
    assert!(
        ann.message.contains("\nFOUND\n\n* notebook instance churn: found on Mon 2026-11-23 19:05\n  Why:   on since"),
        "{}",
        ann.message
    );
}

#[tokio::test]
async fn a_person_can_ask_for_what_waits() {
    let (account, stopper, reporter) = evening(DAILY);
    stopper.run().await.unwrap();
    account.advance(minutes(7));
    assert_eq!(reporter.wake(json!({"mail-now": true})).await.unwrap().notified, 2);
    for refused in
        [json!({"mail-now": true, "due-only": true}), json!({"resources": ["arn:aws:sagemaker:eu-central-1:123456789012:app/x"]})]
    {
        let error = reporter.wake(refused.clone()).await.unwrap_err();
        assert!(!format!("{error:#}").is_empty(), "{refused}");
    }
    assert_eq!(account.mail_count(), 2);
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_comes_with_the_next_run() {
    let (account, stopper, reporter) = evening(DAILY);
    stopper.run().await.unwrap();
    account.live_until(time("2026-11-24T08:05:00Z"));
    account.add_fault(Fault::new("sns:Publish", What::Refuse("InvalidParameter".into(), "no".into())).times(1));
    let failed = reporter.run().await.unwrap();
    assert_eq!((failed.notified, failed.failures.len()), (1, 1), "{failed:?}");
    let next = reporter.run().await.unwrap();
    assert_eq!((next.notified, next.failures.len(), account.mail_count()), (1, 0, 2));
}

#[tokio::test]
async fn nobody_is_recorded_as_mailed_while_nobody_listens() {
    let (account, stopper, reporter) = evening_of(&format!("confirmed-subscriptions = 0\n{ESTATE}"), DAILY);
    assert_eq!(stopper.run().await.unwrap().waiting, 2);
    account.live_until(time("2026-11-24T08:05:00Z"));
    for _ in 0..2 {
        let unheard = reporter.run().await.unwrap();
        assert_eq!((unheard.notified, unheard.failures.len(), account.mail_count()), (0, 1, 0), "{unheard:?}");
    }
    assert!(account.table_items(TABLE).iter().all(|item| !item["pk"]["S"].as_str().unwrap().starts_with("mailed#")));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_leaves_the_finding_for_the_next_run() {
    let (account, stopper, reporter) = evening(DAILY);
    // The first write is that of the findings, the second one leaves the notifications.
    account.add_fault(Fault::new("dynamodb:TransactWriteItems", What::Refuse("InternalServerError".into(), "no".into())).times(1).after(1));
    let failed = stopper.run().await.unwrap();
    assert!(failed.waiting == 0 && !failed.failures.is_empty(), "{failed:?}");
    account.clear_faults();
    account.advance(minutes(15));
    assert_eq!(stopper.run().await.unwrap().waiting, 2);
    account.live_until(time("2026-11-24T08:05:00Z"));
    assert_eq!(reporter.run().await.unwrap().notified, 2);
}

#[tokio::test]
async fn a_notebook_left_on_each_evening_is_one_warning_and_one_summary() {
    let policy = format!("{DAILY}repeated-warnings = \"weekly\"\n[rules.notebook-off-hours]\nmode = \"enforce\"\n");
    let (account, stopper, reporter) = evening(&policy);
    for day in ["2026-11-23", "2026-11-24", "2026-11-25"] {
        account.live_until(time(&format!("{day}T18:05:00Z")).max(account.now()));
        let warned = stopper.run().await.unwrap();
        assert!(warned.findings.iter().all(|finding| finding.state == "warned"), "{day}: {warned:?}");
        account.advance(minutes(30));
        assert_eq!(stopper.run().await.unwrap().actions.len(), 2, "{day}");
        account.advance(minutes(15));
        stopper.run().await.unwrap();
        account.live_until(time(&format!("{day}T18:05:00Z")) + hours(14));
        reporter.run().await.unwrap();
        for name in ["churn", "vision"] {
            account.deed(name, &Deed::Start);
        }
    }
    let warnings = "will be stopped Mon 2026-11-23 19:35 CET";
    let sent = subjects(&account);
    assert!(sent.len() == 2 && sent.iter().all(|subject| subject.contains(warnings)), "{sent:?}");
    assert!(
        account.mails()[0]
            .message
            .contains("This warning holds for 7 days: what is left on when working hours end is stopped without another warning")
    );
    account.live_until(time("2026-11-30T08:05:00Z"));
    assert_eq!(reporter.run().await.unwrap().notified, 2);
    let mails = account.mails();
    let summary = mails_to(&mails, "ann@example.com")[1];
    assert!(summary.subject.starts_with("Cost guard: your week: 1 resource stopped 3 times, $"), "{}", summary.subject);
    assert!(summary.message.contains("* notebook instance churn: 3 times, which saved about $"), "{}", summary.message);
}

#[tokio::test]
async fn what_was_not_stopped_after_a_warning_is_explained_in_the_summary() {
    let policy = format!("{DAILY}[rules.notebook-off-hours]\nmode = \"enforce\"\ngrace = \"14h\"\n");
    let (account, stopper, reporter) = evening(&policy);
    stopper.run().await.unwrap();
    assert_eq!(account.mail_count(), 2, "both are warned");
    account.live_until(time("2026-11-24T07:10:00Z"));
    for _ in 0..2 {
        assert_eq!(stopper.run().await.unwrap().waiting, 0, "no mail is due for it");
    }
    account.live_until(time("2026-11-29T18:05:00Z"));
    stopper.run().await.unwrap();
    account.live_until(time("2026-11-30T08:05:00Z"));
    reporter.run().await.unwrap();
    let mails = account.mails();
    let summary = mails_to(&mails, "ann@example.com").pop().unwrap();
    let line = "NOT STOPPED AFTER A WARNING\n* notebook instance churn, which was to be stopped on Tue 2026-11-24 09:05 CET: what it was to be stopped for ended \
                on Tue 2026-11-24 08:00 CET (notebook-off-hours)\n\n";
    assert!(summary.subject.starts_with("Cost guard: your week: ") && summary.message.contains(line), "{}", summary.message);
}

/// SNS suspends an e-mail subscription that gets more than ten mails in a second, and `AlertEmail` gets all of them.
#[tokio::test]
async fn a_first_run_with_sixty_owners_silences_nobody() {
    let notebook = |n: usize| {
        format!(
            "[[notebook]]\nname = \"n{n}\"\ninstance-type = \"ml.m5.xlarge\"\nsince = \"-8h\"\ntags = {{ Owner = \"p{n}@example.com\" }}\n"
        )
    };
    let estate: String = (0..60).map(notebook).collect();
    // The platform's summary comes the morning after the owners' mails.
    for (policy, mails) in [("timezone = \"Europe/Berlin\"", 61), (DAILY, 60)] {
        let (account, stopper, reporter) = evening_of(&estate, policy);
        stopper.run().await.unwrap();
        account.live_until(time("2026-11-24T08:05:00Z"));
        reporter.run().await.unwrap();
        assert_eq!((account.mail_count(), account.is_mail_suspended()), (mails, false), "{policy}");
    }
}
