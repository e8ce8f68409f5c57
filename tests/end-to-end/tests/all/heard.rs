//! What others hear: events on a bus of EventBridge, and what was mailed in a chat. On a simulated account, judged by the roles of the template.

use std::collections::BTreeSet;

use end_to_end::{
    EVENT_BUS, Guard,
    testing::{account_at, minutes},
};
use serde_json::json;
use simulator::{Fault, PutEvent, Simulator, What};

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
    account_at("2026-11-23T18:05:00Z", ESTATE)
}

fn guard(account: &Simulator, policy: &str) -> Guard {
    Guard::new(account, policy).expect("a guard").heard()
}

fn types(events: &[PutEvent]) -> Vec<&str> {
    events.iter().map(|event| event.detail_type.trim_start_matches("Finding ")).collect()
}

#[tokio::test]
async fn the_life_of_a_notebooks_finding_is_four_events() {
    let account = account();
    let guard = guard(&account, ENFORCE);
    for (passed, told) in [(0, 2), (15, 2), (15, 3), (15, 4), (15, 4)] {
        account.advance(minutes(passed));
        for _ in 0..2 {
            let report = guard.run().await.unwrap();
            assert_eq!(report.failures, Vec::<String>::new());
        }
        assert_eq!(account.put_events().len(), told, "{passed}: {:#?}", account.put_events());
    }
    let events = account.put_events();
    assert_eq!(types(&events), ["Opened", "Warned", "Acted Upon", "Closed"]);
    let keys: BTreeSet<&str> = events.iter().map(|event| event.detail["key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 4, "{keys:?}");
    let arn = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn-eda";
    for event in &events {
        assert_eq!((event.source.as_str(), event.bus.as_str()), ("sagemaker-cost-guard", EVENT_BUS));
        assert_eq!((event.resources.as_slice(), event.detail["resource"].as_str()), ([arn.to_owned()].as_slice(), Some(arn)));
        let detail = |field: &str| event.detail[field].as_str().unwrap_or_default();
        assert_eq!(["owner", "team", "kind"].map(detail), ["ann@example.com", "churn", "notebook-instance"]);
    }
    assert_eq!((&events[2].detail["outcome"], &events[3].detail["state-before"]), (&json!("done"), &json!("acted")));
    assert_eq!(events[1].detail["act-after"], "2026-11-23T18:35:00Z");
}

#[tokio::test]
async fn a_dry_run_and_a_guard_without_a_bus_put_nothing() {
    let account = account();
    guard(&account, ENFORCE).wake(json!({"dry-run": true})).await.unwrap();
    Guard::new(&account, ENFORCE).unwrap().run().await.unwrap();
    assert_eq!(account.put_events(), []);
    assert_eq!(account.calls().get("events:PutEvents"), None);
}

#[tokio::test]
async fn an_account_full_of_waste_is_told_in_batches_and_once() {
    let estate = "[[notebook]]\nname = \"left-on-{}\"\ncount = 1000\nsince = \"-5d\"\ntags = { Owner = \"ann@example.com\" }\n";
    let account = account_at("2026-11-23T18:05:00Z", estate);
    let policy = "[working-hours]\ndefault = \"always\"\n[rules.notebook-idle]\nmode = \"off\"\n[rules.notebook-forgotten]\nmode = \"off\"";
    let guard = guard(&account, policy);
    account.add_fault(Fault::new("events:PutEvents", What::Unprocessed(7)));
    guard.run().await.unwrap();
    guard.run().await.unwrap();
    let keys: BTreeSet<String> = account.put_events().iter().map(|event| event.detail["key"].to_string()).collect();
    let events = account.put_events();
    assert_eq!((events.len(), keys.len()), (1000, 1000), "some were put once more, and none twice");
    assert!((100..=120).contains(&account.calls()["events:PutEvents"]), "{:?}", account.calls());
}

#[tokio::test]
async fn a_bus_that_refuses_is_a_failure_and_stops_neither_mails_nor_actions() {
    let account = account();
    let guard = guard(&account, &format!("{ENFORCE}grace = \"0s\""));
    assert!(account.revoke("notebook-stopper", "PublishEvents"));
    let report = guard.run().await.unwrap();
    let [failure] = report.failures.as_slice() else { panic!("{:?}", report.failures) };
    assert!(failure.starts_with("2 of 2 events could not be put on the bus finops (EVENT_BUS_NAME): AccessDeniedException: "), "{failure}");
    assert!(failure.contains("events:PutEvents on resource: arn:aws:events:eu-central-1:123456789012:event-bus/finops"), "{failure}");
    assert_eq!((report.notified, account.notebook("Churn-EDA").unwrap().status.as_str()), (1, "Stopping"));
    // The guard puts an event at most once.
    account.clear_faults();
    let report = guard.run().await.unwrap();
    assert_eq!((report.notified, account.put_events()), (0, vec![]));
    account.forget_asked();
}

#[tokio::test]
async fn the_role_may_put_events_of_this_source_on_this_bus_only() {
    use aws_sdk_eventbridge::types::PutEventsRequestEntry;
    let account = account();
    let guard = guard(&account, ENFORCE);
    for (source, bus, is_allowed) in
        [("sagemaker-cost-guard", EVENT_BUS, true), ("sagemaker-cost-guard", "default", false), ("another-program", EVENT_BUS, false)]
    {
        let entry = PutEventsRequestEntry::builder().source(source).detail_type("x").detail("{}").event_bus_name(bus).build();
        let put = guard.context.clients.eventbridge.put_events().entries(entry).send().await;
        assert_eq!(put.is_ok(), is_allowed, "{source} on {bus}: {put:?}");
    }
    account.forget_asked();
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let name = "<!channel> \\\"}],\\\"state\\\":\\\"closed\\\" *x*";
    let estate = format!("[[notebook]]\nname = \"nb\"\nsince = \"-8h\"\ntags = {{ Owner = \"{name}\", Team = \"a\\nb\" }}\n");
    let account = account_at("2026-11-23T18:05:00Z", &estate);
    guard(&account, "timezone = \"Europe/Berlin\"\n[rules.notebook-idle]\nmode = \"off\"").run().await.unwrap();
    let events = account.put_events();
    assert_eq!(types(&events), ["Opened"]);
    let detail = &events[0].detail;
    assert_eq!((&detail["team"], &detail["state"]), (&json!("a b"), &json!("reported")));
    assert!(detail["owner"].as_str().unwrap().contains("\"}],\"state\":\"closed\""), "{detail:#}");
}

#[tokio::test]
async fn each_mail_is_told_in_the_chat_once() {
    let account = account();
    let guard = guard(&account, ENFORCE);
    for passed in [0, 15, 15, 15] {
        account.advance(minutes(passed));
        guard.run().await.unwrap();
    }
    let (mails, chat) = (account.mails(), account.chat());
    assert_eq!((mails.len(), chat.len()), (2, 2));
    let mut ids = BTreeSet::new();
    for (mail, told) in mails.iter().zip(&chat) {
        let message: serde_json::Value = serde_json::from_str(&told.message).unwrap();
        assert_eq!((&message["version"], &message["source"]), (&json!("1.0"), &json!("custom")));
        assert_eq!(message["content"]["title"], mail.subject);
        assert!(message["content"]["description"].as_str().unwrap().contains("Churn-EDA"), "{message:#}");
        ids.insert(message["id"].to_string());
    }
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn a_chat_that_fails_keeps_no_mail_back_and_sends_none_twice() {
    let account = account();
    let mut guard = guard(&account, ENFORCE);
    guard.context.settings.chat_topic_arn = Some("arn:aws:sns:eu-central-1:123456789012:gone".into());
    let report = guard.run().await.unwrap();
    let [failure] = report.failures.as_slice() else { panic!("{:?}", report.failures) };
    assert!(failure.starts_with("what was mailed to ann@example.com is not in the chat (arn:aws:sns:"), "{failure}");
    assert_eq!((report.notified, account.mails().len()), (1, 1));
    guard.context.settings.chat_topic_arn = Some(account.chat_topic_arn());
    let report = guard.run().await.unwrap();
    assert_eq!((report.failures.len(), account.mails().len(), account.chat().len()), (0, 1, 0));
    account.forget_asked();
}
