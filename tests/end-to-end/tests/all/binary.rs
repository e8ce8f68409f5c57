//! The real binary, as Lambda runs it: environment, events, answers and errors.

use std::{path::PathBuf, time::Duration};

use end_to_end::{self as function, lambda::Function};
use serde_json::{Value, json};
use simulator::{Estate, Simulator};

/// The binary uses the real clock, so what depends on the hour or the day of the month is off, or no part of a test.
const ALWAYS_ON: &str = "[rules.notebook-off-hours]\nmode = \"off\"\n[rules.notebook-always-on]\nmode = \"enforce\"\ngrace = \"0s\"";

const TIMEOUT: Duration = Duration::from_mins(5);

/// A function's binary, in the folder above that of this test. `cargo build --workspace` puts it there.
fn binary(function: function::Function) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(std::path::Path::parent).unwrap().join(function.name())
}

fn account() -> Simulator {
    let estate = r#"
        region = "eu-central-1"
        [[notebook]]
        name = "left-on"
        instance-type = "ml.m5.xlarge"
        since = "-20d"
        tags = { Owner = "ann@example.com", Team = "churn" }
        [[training-job]]
        name = "on-demand"
        instance-type = "ml.m5.xlarge"
        max-runtime = "1d"
        created = "-1h"
        takes = "20h"
        tags = { Owner = "ann@example.com", Team = "churn" }
        [[model]]
        name = "untagged"
        [[endpoint-config]]
        name = "forgotten"
        model = "untagged"
        instance-type = "ml.m5.xlarge"
        [[endpoint]]
        name = "forgotten"
        created = "-30d"
        tags = { Owner = "ann@example.com", Team = "churn" }
        [[budget]]
        name = "everything"
        amount = 1000
        health = { status = "UNHEALTHY", reason = "FILTER_INVALID" }
    "#;
    let account = Simulator::start(Estate::from_toml(estate).unwrap()).unwrap();
    function::deploy(&account, &[]).unwrap();
    account
}

async fn start(account: &Simulator, timeout: Duration, more: &[(&str, &str)]) -> Function {
    start_one(function::Function::NotebookStopper, account, timeout, more).await
}

async fn start_one(function: function::Function, account: &Simulator, timeout: Duration, more: &[(&str, &str)]) -> Function {
    let topic = account.topic_arn();
    let mut environment = vec![
        ("AWS_ENDPOINT_URL", account.endpoint()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", function.name()),
        ("AWS_SECRET_ACCESS_KEY", "simulated"),
        ("COST_GUARD_TOPIC_ARN", topic.as_str()),
        ("COST_GUARD_TABLE", "cost-guard"),
    ];
    environment.extend_from_slice(more);
    Function::start(&binary(function), &environment, timeout).await.unwrap()
}

/// The keys of an object, sorted.
fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn the_report_is_the_contracts() {
    for function in function::Function::ALL {
        let (kind, rule, usd) = match function {
            function::Function::BudgetAlerter => ("budget", "budget-unhealthy", Value::Null),
            function::Function::EndpointAutoscaler => ("endpoint", "endpoint-idle", json!(201.48)),
            function::Function::NotebookStopper => ("notebook-instance", "notebook-always-on", json!(201.48)),
            // One has no findings of its own, the others judge two weeks (tests/inference, tests/savings_plans.rs).
            function::Function::CostReporter | function::Function::InferenceAdvisor | function::Function::SavingsPlanAdvisor => continue,
            function::Function::TagAuditor => ("model", "missing-tag", Value::Null),
            function::Function::TrainingJobSpotEnforcer => ("training-job", "training-on-demand", json!(6.36)),
        };
        let account = account();
        account.put_parameter("/cost-guard/policy", "max-actions = 3");
        let mut running = start_one(function, &account, TIMEOUT, &[("COST_GUARD_POLICY", "ssm:/cost-guard/policy")]).await;
        for event in [json!({"dry-run": true}), json!({}), Value::Null] {
            let report = running.invoke(event.clone()).await.unwrap().unwrap();
            let mut fields = vec![
                "actions",
                "dry-run",
                "examined",
                "findings",
                "function",
                "held-back",
                "notified",
                "total-findings",
                "unread",
                "waiting",
            ];
            match function {
                function::Function::TagAuditor => {
                    fields.insert(1, "coverage");
                    fields.insert(1, "cost-usd");
                }
                function::Function::BudgetAlerter | function::Function::EndpointAutoscaler => fields.insert(1, "cost-usd"),
                _ => {}
            }
            assert_eq!(keys(&report), fields);
            assert_eq!((&report["function"], &report["examined"][kind]), (&json!(function.name()), &json!(1)));
            let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == rule);
            let finding = finding.unwrap_or_else(|| panic!("no {rule}: {report}"));
            assert_eq!(keys(finding), ["monthly-cost-usd", "name", "owner", "reason", "remedy", "resource", "rule", "state", "team"]);
            assert_eq!((&finding["state"], &finding["monthly-cost-usd"]), (&json!("reported"), &usd), "{event}");
        }
        assert_eq!(account.mails().len(), 1, "the dry run mailed nobody, the third run had nothing new");
    }
}

#[tokio::test]
async fn an_event_or_policy_that_is_wrong_is_an_error_and_not_a_dead_process() {
    let account = account();
    let mut function = start(&account, TIMEOUT, &[("COST_GUARD_POLICY", "ssm:/cost-guard/policy")]).await;
    account.put_parameter("/cost-guard/policy", "max-actoins = 3");
    let error = function.invoke(json!({})).await.unwrap().unwrap_err();
    assert!(
        error.contains("SSM parameter /cost-guard/policy, line 1: `max-actoins` is not a key of the policy: did you mean `max-actions`?"),
        "{error}"
    );
    let error = function.invoke(json!({"detail-type": "Something Else", "source": "x", "detail": {}})).await.unwrap().unwrap_err();
    assert!(error.contains("another kind"), "{error}");
    account.put_parameter("/cost-guard/policy", "max-actions = 3");
    assert!(function.invoke(json!({})).await.unwrap().is_ok(), "it goes on");
}

#[tokio::test]
async fn all_that_is_wrong_with_the_environment_is_told_at_once() {
    let account = account();
    let mut function =
        start(&account, TIMEOUT, &[("COST_GUARD_TOPIC_ARN", ""), ("COST_GUARD_TABLE", ""), ("COST_GUARD_POLICY", "policy.toml")]).await;
    let error = function.invoke(json!({})).await.unwrap().unwrap_err();
    for name in ["COST_GUARD_TOPIC_ARN is not set", "COST_GUARD_TABLE is not set", "COST_GUARD_POLICY is `policy.toml`"] {
        assert!(error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_function_that_may_not_do_what_the_policy_says_fails_with_the_permission_that_it_lacks() {
    let account = account();
    function::deploy(&account, &[("AllowEnforcement", "no")]).unwrap();
    account.put_parameter("/cost-guard/policy", &format!("timezone = \"UTC\"\n{ALWAYS_ON}"));
    let mut function = start(&account, TIMEOUT, &[("COST_GUARD_POLICY", "ssm:/cost-guard/policy")]).await;
    let error = function.invoke(json!({})).await.unwrap().unwrap_err();
    assert!(error.contains("assumed-role/notebook-stopper/") && error.contains("sagemaker:StopNotebookInstance"), "{error}");
    assert_eq!(account.notebook("left-on").unwrap().status, "InService");
}

#[tokio::test]
async fn ten_seconds_before_the_end_no_new_action_is_begun() {
    let account = account();
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), ALWAYS_ON).unwrap();
    let source = format!("file:{}", policy.path().display());
    let enforce = [("COST_GUARD_POLICY", source.as_str())];
    let mut hurried = start(&account, Duration::from_secs(9), &enforce).await;
    let report = hurried.invoke(json!({})).await.unwrap().unwrap();
    assert_eq!((&report["actions"][0]["outcome"], account.notebook("left-on").unwrap().status.as_str()), (&json!("skipped"), "InService"));
    let mut patient = start(&account, TIMEOUT, &enforce).await;
    let report = patient.invoke(json!({})).await.unwrap().unwrap();
    assert_eq!((&report["actions"][0]["outcome"], account.notebook("left-on").unwrap().status.as_str()), (&json!("done"), "Stopping"));
}
