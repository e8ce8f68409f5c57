//! What AWS Budgets itself sends failed the function and filled the dead letters: a message that tries the topic, and notices in other forms.

use end_to_end::{
    Function, project_file,
    testing::{account, guard_of},
};
use serde_json::{Value, json};

const ESTATE: &str = "[[budget]]\nname = \"ml-nlp\"\namount = 400\nactual = 410\ncost-filters = { Service = [\"Amazon SageMaker\"] }\n";

fn about(text: &str) -> Value {
    json!({"Records": [{"Sns": {"Subject": "AWS Budgets", "Message": text}}]})
}

#[tokio::test]
async fn a_topic_that_is_tried_wakes_it_for_nothing() {
    let account = account(ESTATE);
    let guard = guard_of(Function::BudgetAlerter, &account, "");
    let event = std::fs::read_to_string(project_file("events/budget-topic-verified.json")).unwrap();
    let report = guard.wake(serde_json::from_str(&event).unwrap()).await.unwrap();
    assert_eq!((report.examined.len(), report.total_findings, report.unread.len()), (0, 0, 0), "{report:?}");
    let read: Vec<String> = account.calls().into_keys().filter(|call| call.starts_with("budgets:") || call.starts_with("ce:")).collect();
    assert!(read.is_empty() && account.mails().is_empty(), "{read:?}");
}

#[tokio::test]
async fn a_notice_in_any_form_is_a_run_that_tells_what_is_new_once() {
    let account = account(ESTATE);
    let guard = guard_of(Function::BudgetAlerter, &account, "");
    for (text, unread) in [
        ("AWS Budget Notification\nDear AWS Customer,\n", 0),
        (r#"[{"budgetName": "ml-nlp"}]"#, 0),
        (r#"{"notices": [{"budget": {"name": "ml-nlp"}}]}"#, 0),
        (r#"{"resources": ["arn:aws:budgets::123456789012:budget/ml-nlp"]}"#, 0),
        (r#"{"previousBudgetLimit": "0.01", "currentBudgetLimit": "400"}"#, 0),
        (r#"{"budgetName": "gone"}"#, 1),
    ] {
        let report = guard.wake(about(text)).await.unwrap();
        let missing = report.unread.iter().filter(|one| one.why.contains("there is no such budget")).count();
        assert_eq!((report.examined.get("budget"), missing), (Some(&1), unread), "{text}: {report:?}");
    }
    let told = account.mails().into_iter().filter(|mail| mail.subject.contains("ml-nlp")).count();
    assert_eq!(told, 1, "{:?}", account.mails().iter().map(|mail| mail.subject.clone()).collect::<Vec<_>>());
}
