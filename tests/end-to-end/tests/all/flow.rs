//! One notebook through a night: event to mail, warning, stop, ledger. In this process, on a simulated account.

use end_to_end::{
    Guard, TABLE,
    testing::{account_at, minutes},
};
use serde_json::json;
use simulator::{Deed, Estate, Simulator};

const ESTATE: &str = r#"
[[notebook]]
name = "Churn-EDA"
instance-type = "ml.m5.xlarge"
since = "-8h"
tags = { Owner = "ann@example.com", Team = "churn" }
"#;

const ENFORCE: &str = r#"
timezone = "Europe/Berlin"
[rules.notebook-off-hours]
mode = "enforce"
"#;

fn account() -> Simulator {
    account_at("2026-11-23T16:00:00Z", ESTATE)
}

#[tokio::test]
async fn an_evening_under_enforcement() {
    let account = account();
    let guard = Guard::new(&account, ENFORCE).unwrap();

    let at_work = guard.run().await.unwrap();
    assert_eq!((at_work.total_findings, at_work.examined["notebook-instance"]), (0, 1), "{at_work:?}");
    assert_eq!(account.mails(), []);

    account.live_until("2026-11-23T18:05:00Z".parse().unwrap());
    let evening = guard.run().await.unwrap();
    assert_eq!((evening.findings[0].state, evening.notified), ("warned", 1), "{evening:?}");
    let mail = account.mails().pop().unwrap();
    assert_eq!(mail.subject, "Cost guard: Churn-EDA will be stopped Mon 2026-11-23 19:35 CET, saves about $3.43 until 08:00");
    let attribute = |name: &str| mail.attributes[name].1.clone();
    assert_eq!(["function", "severity", "team", "owner"].map(attribute), ["notebook-stopper", "warning", "churn", "ann@example.com"]);

    account.advance(minutes(15));
    let waiting = guard.run().await.unwrap();
    assert_eq!((waiting.findings[0].state, waiting.notified), ("warned", 0));

    account.advance(minutes(15));
    let stopped = guard.run().await.unwrap();
    assert_eq!((stopped.findings[0].state, stopped.actions[0].outcome), ("acted", "done"), "{stopped:?}");
    assert_eq!(account.notebook("Churn-EDA").unwrap().status, "Stopping");
    assert_eq!(account.mails().last().unwrap().subject, "Cost guard: Churn-EDA is being stopped, saves about $3.43 until 08:00");

    account.advance(minutes(15));
    let after = guard.run().await.unwrap();
    assert_eq!((after.total_findings, after.notified), (0, 0));
    let items = account.table_items(TABLE);
    let saving = items.iter().find(|item| item["pk"]["S"] == "saving#notebook-stopper#123456789012#eu-central-1").expect("what it saved");
    assert_eq!(saving["by"]["S"], "guard");
    let finding = items.iter().find(|item| item["pk"]["S"] == "finding#notebook-stopper#123456789012#eu-central-1").expect("the finding");
    assert_eq!(finding["state"]["S"], "closed");
    assert_eq!(account.mails().len(), 2, "one warning, one note that it was done");
}

/// A run neither reads nor writes the part of the table that belongs to another account or Region.
#[tokio::test]
async fn one_ledger_serves_many_accounts_and_regions() {
    let first = account();
    first.live_until("2026-11-23T18:05:00Z".parse().unwrap());
    let notified = Guard::new(&first, ENFORCE).unwrap().run().await.unwrap().notified;
    let theirs = first.table_items(TABLE);
    assert!(0 < notified && !theirs.is_empty());
    for (id, region) in [("210987654321", "eu-central-1"), ("123456789012", "eu-west-1")] {
        let estate = format!("account = \"{id}\"\nregion = \"{region}\"\nstart = \"2026-11-23T18:05:00Z\"\n{ESTATE}");
        let second = Simulator::start(Estate::from_toml(&estate).unwrap()).unwrap();
        let guard = Guard::new(&second, ENFORCE).unwrap();
        second.restore_table(TABLE, &theirs).unwrap();
        assert_eq!(guard.run().await.unwrap().notified, notified, "{id} in {region} knows nothing yet");
        let items = second.table_items(TABLE);
        assert!(theirs.iter().all(|item| items.contains(item)), "what the other one knows is left alone");
        assert_eq!(items.len(), 2 * theirs.len());
    }
}

#[tokio::test]
async fn every_step_run_twice_does_nothing_the_second_time() {
    let account = account();
    let guard = Guard::new(&account, ENFORCE).unwrap();
    for passed in [0, 125, 15, 15, 15, 600] {
        account.advance(minutes(passed));
        guard.run().await.unwrap();
        // The second run closes the findings that the first one ended, and does nothing else.
        let closing = guard.run().await.unwrap();
        assert_eq!((closing.notified, closing.actions.len()), (0, 0), "at {}", account.now());
        let (mails, items) = (account.mails(), account.table_items(TABLE));
        account.reset_counts();
        let again = guard.run().await.unwrap();
        assert_eq!((again.notified, again.actions.len()), (0, 0), "at {}", account.now());
        assert_eq!((account.mails(), account.table_items(TABLE)), (mails, items), "at {}", account.now());
        assert_eq!(account.calls().get("dynamodb:TransactWriteItems"), None, "at {}", account.now());
    }
}

#[tokio::test]
async fn a_state_change_closes_and_mails_nobody() {
    let account = account();
    let guard = Guard::new(&account, ENFORCE).unwrap();
    account.live_until("2026-11-23T18:05:00Z".parse().unwrap());
    guard.run().await.unwrap();
    account.take_events();
    account.deed("Churn-EDA", &Deed::Stop);
    account.advance(minutes(2));
    account.deed("Churn-EDA", &Deed::Start);
    account.advance(minutes(5));
    let events = account.take_events();
    let statuses: Vec<&str> = events.iter().map(|event| event["detail"]["NotebookInstanceStatus"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["Stopping", "Stopped", "Pending", "InService"]);
    for event in events {
        let report = guard.wake(event.clone()).await.unwrap();
        assert_eq!((report.notified, report.actions.len()), (0, 0), "{event}");
    }
    assert_eq!(account.mails().len(), 1, "only the warning");
    account.live_until("2026-11-23T19:00:00Z".parse().unwrap());
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.len(), 0, "the new run was never warned, and was started in off hours: {report:?}");
    assert_eq!(account.notebook("Churn-EDA").unwrap().status, "InService");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let account = account();
    let guard = Guard::new(&account, &format!("{ENFORCE}grace = \"0s\"")).unwrap();
    account.live_until("2026-11-23T18:05:00Z".parse().unwrap());
    let report = guard.wake(json!({"dry-run": true})).await.unwrap();
    assert_eq!((report.dry_run, report.actions[0].outcome, report.notified), (true, "planned", 0));
    assert_eq!((account.mails().len(), account.table_items(TABLE).len()), (0, 0));
    assert_eq!(account.notebook("Churn-EDA").unwrap().status, "InService");
    let real = guard.run().await.unwrap();
    assert_eq!((real.actions[0].outcome, real.notified), ("done", 1));
}

/// Written one by one, what was done to 900 notebooks would take 18 seconds at 20 ms a call.
#[tokio::test]
async fn what_was_done_is_remembered_in_few_writes() {
    let account = account_at(
        "2026-11-23T16:00:00Z",
        "[[notebook]]\nname = \"left-on-{}\"\ncount = 60\nsince = \"-5d\"\ntags = { Owner = \"ann@example.com\" }\n",
    );
    let policy = "max-actions = 100\n[working-hours]\ndefault = \"always\"\n[rules.notebook-always-on]\nmode = \"enforce\"\ngrace = \"0s\"";
    let report = Guard::new(&account, policy).unwrap().run().await.unwrap();
    assert_eq!(report.actions.iter().filter(|action| action.outcome == "done").count(), 60);
    let writes: u64 =
        account.calls().iter().filter(|(call, _)| call.contains("PutItem") || call.contains("TransactWrite")).map(|(_, count)| count).sum();
    assert!(writes < 12, "{:?}", account.calls());
}
