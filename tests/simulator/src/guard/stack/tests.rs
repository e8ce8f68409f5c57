//! Which functions the template's patterns deliver an event to, and which triggers are refused.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::guard::template::{Place, Template};

fn stack_of(template: &Template, parameters: &[(&str, &str)]) -> anyhow::Result<Stack> {
    let names = [("BudgetTopic", "budgets".to_owned())];
    let place = Place { account: "123456789012".into(), region: "eu-central-1".into(), names: names.into() };
    Stack::new(&template.deployed(&place, parameters)?.functions, Timestamp::UNIX_EPOCH)
}

fn stack(parameters: &[(&str, &str)]) -> Stack {
    stack_of(&Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/template.yaml")).unwrap(), parameters).unwrap()
}

fn event(source: &str, detail_type: &str, detail: &Value) -> Value {
    json!({"source": source, "detail-type": detail_type, "detail": detail})
}

#[test]
fn events_go_to_whose_patterns_match() {
    let notebook =
        |status: &str| event("aws.sagemaker", "SageMaker Notebook Instance State Change", &json!({"NotebookInstanceStatus": status}));
    let created = |more: Value| {
        let mut detail = json!({"eventSource": "sagemaker.amazonaws.com", "eventName": "CreateModel"});
        detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event("aws.sagemaker", "AWS API Call via CloudTrail", &detail)
    };
    let message = |topic: &str| json!({"Records": [{"Sns": {"TopicArn": format!("arn:aws:sns:eu-central-1:123456789012:{topic}")}}]});
    let stack = stack(&[]);
    for (event, targets) in [
        (notebook("InService"), &["notebook-stopper"][..]),
        (notebook("Stopping"), &[]),
        (event("custom", "SageMaker Notebook Instance State Change", &json!({"NotebookInstanceStatus": "Stopped"})), &[]),
        (
            event("aws.sagemaker", "SageMaker Training Job State Change", &json!({"TrainingJobStatus": "Failed"})),
            &["training-job-spot-enforcer"],
        ),
        (event("aws.sagemaker", "SageMaker Endpoint State Change", &json!({})), &[]),
        (event("aws.sagemaker", "SageMaker Endpoint State Change", &json!({"EndpointStatus": "DELETING"})), &["endpoint-autoscaler"]),
        (created(json!({})), &["tag-auditor"]),
        (created(json!({"errorCode": "AccessDenied"})), &[]),
        (created(json!({"eventName": "DescribeModel"})), &[]),
        (message("budgets"), &["budget-alerter"]),
        (message("others"), &[]),
        (json!({"due-only": true}), &[]),
    ] {
        assert_eq!(stack.targets(&event).unwrap(), targets, "{event}");
    }
}

#[test]
fn parameters_decide_what_wakes_whom() {
    let created = event(
        "aws.sagemaker",
        "AWS API Call via CloudTrail",
        &json!({"eventSource": "sagemaker.amazonaws.com", "eventName": "CreateModel"}),
    );
    assert_eq!(stack(&[("WatchCreations", "no")]).targets(&created).unwrap(), [""; 0]);
    let mine = event("cost-guard.test", "SageMaker Training Job State Change", &json!({"TrainingJobStatus": "Failed"}));
    assert_eq!(stack(&[("TestEventSource", "cost-guard.test")]).targets(&mine).unwrap(), ["training-job-spot-enforcer"]);
    let hour = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(1);
    let due = |parameters| {
        let firings = stack(parameters).firings(Timestamp::UNIX_EPOCH, hour);
        firings.into_iter().filter(|firing| firing.schedule == "Due").count()
    };
    assert_eq!(due(&[]), 0, "nothing comes due where nothing may be done");
    assert_eq!(due(&[("AllowEnforcement", "yes")]), 12 + 4 + 4);
}

#[test]
fn firings_are_in_the_order_of_time() {
    let firings = stack(&[("AllowEnforcement", "yes")]).firings(Timestamp::UNIX_EPOCH, "1970-01-02T00:00:00Z".parse().unwrap());
    assert!(firings.is_sorted_by_key(|firing| (firing.at, &firing.function)), "{firings:?}");
    // Schedules: one every quarter of an hour (96), the three due-only ones (288, 96 and 96), budgets (4), four daily runs, and the regular mails (24).
    assert_eq!(firings.len(), 96 + 288 + 96 + 96 + 4 + 4 + 24);
}

#[test]
fn a_trigger_that_is_not_simulated_is_refused() {
    let of = |trigger: &str| {
        let function = "Type: AWS::Serverless::Function\n    Metadata: {BuildProperties: {Binary: f}}\n    Properties:";
        let template = Template::parse(&format!("Resources:\n  F:\n    {function}\n      Events:\n        T: {trigger}\n"))?;
        stack_of(&template, &[])
    };
    assert!(of("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '{}'}}").is_ok());
    for (trigger, why) in [
        ("{Type: S3, Properties: {Bucket: b}}", "`S3` are not simulated"),
        ("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}", "without an Input"),
        ("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '{'}}", "Input"),
        ("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '{}', State: PAUSED}}", "State is `PAUSED`"),
        ("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '{}', StartDate: x}}", "`StartDate` is not simulated"),
        ("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '{}', ScheduleExpressionTimezone: Berlin}}", "`Berlin`"),
        ("{Type: EventBridgeRule, Properties: {Pattern: {source: [{sounds-like: x}]}}}", "sounds-like"),
        ("{Type: EventBridgeRule, Properties: {Pattern: {source: [a]}, InputPath: $.detail}}", "`InputPath` is not simulated"),
        ("{Type: SNS, Properties: {Topic: t, FilterPolicy: {a: [b]}}}", "`FilterPolicy` is not simulated"),
    ] {
        let error = format!("{:#}", of(trigger).unwrap_err());
        assert!(error.contains(why) && error.contains("F, T"), "{trigger}: {error}");
    }
}
