//! Test helpers of this crate: clients that answer from rules instead of the network.

use aws_smithy_mocks::{Rule, RuleMode, mock_client};
use aws_smithy_types::{DateTime, error::ErrorMetadata};

use std::collections::BTreeMap;

use cost_rules::{
    duration::Duration,
    facts::{AutoScaling, CanSleep, Compute, Endpoint, RunState, Serving, Variant},
    remedy::Remedy,
    resource::{Ownership, Resource, Tags},
    rulebook::{Finding, Mode, Terms},
    rules::verdict::Waste,
};

use crate::{
    clients::Clients,
    context::{
        Context,
        settings::{PolicySource, Settings},
    },
};

/// Clients without any rule: a call fails the test. Replace the clients that a test needs: `Clients { sagemaker, ..testing::clients() }`.
pub(crate) fn clients() -> Clients {
    Clients {
        region: "us-east-1".into(),
        read_until: None,
        autoscaling: autoscaling(&[]).into(),
        budgets: mock_client!(aws_sdk_budgets, RuleMode::MatchAny, none()).into(),
        sagemaker: sagemaker(&[]).into(),
        tagging: tagging(&[]).into(),
        cloudwatch: cloudwatch(&[]).into(),
        computeoptimizer: mock_client!(aws_sdk_computeoptimizer, RuleMode::MatchAny, none()).into(),
        costexplorer: mock_client!(aws_sdk_costexplorer, RuleMode::MatchAny, none()).into(),
        s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, none()).into(),
        savingsplans: mock_client!(aws_sdk_savingsplans, RuleMode::MatchAny, none()).into(),
        ecr: mock_client!(aws_sdk_ecr, RuleMode::MatchAny, none()).into(),
        eventbridge: mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, none()).into(),
        dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, none()).into(),
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, none()).into(),
        ssm: mock_client!(aws_sdk_ssm, RuleMode::MatchAny, none()).into(),
    }
}

fn none() -> &'static [&'static Rule] {
    &[]
}

pub(crate) fn sagemaker(rules: &[&Rule]) -> aws_sdk_sagemaker::Client {
    mock_client!(aws_sdk_sagemaker, RuleMode::MatchAny, rules)
}

pub(crate) fn tagging(rules: &[&Rule]) -> aws_sdk_resourcegroupstagging::Client {
    mock_client!(aws_sdk_resourcegroupstagging, RuleMode::MatchAny, rules)
}

pub(crate) fn autoscaling(rules: &[&Rule]) -> aws_sdk_applicationautoscaling::Client {
    mock_client!(aws_sdk_applicationautoscaling, RuleMode::MatchAny, rules)
}

pub(crate) fn cloudwatch(rules: &[&Rule]) -> aws_sdk_cloudwatch::Client {
    mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, rules)
}

/// An error as AWS sends it, for `SomeError::generic`.
pub(crate) fn error(code: &str, message: &str) -> ErrorMetadata {
    ErrorMetadata::builder().code(code).message(message).build()
}

/// `AccessDeniedException`
pub(crate) fn denied() -> ErrorMetadata {
    error("AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/guard/x is not authorized")
}

/// A time such as `2026-11-24T12:00:00Z`, as the SDK's type.
pub(crate) fn at(time: &str) -> DateTime {
    DateTime::from_secs(time.parse::<jiff::Timestamp>().unwrap().as_second())
}

/// The ARN of the resource with this id.
pub(crate) fn arn(id: &str) -> String {
    format!("arn:aws:sagemaker:us-east-1:123456789012:{id}")
}

/// The topic of [`context`].
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:cost-guard";

/// A context of account 123456789012 with the built-in policy.
pub(crate) fn context(clients: Clients) -> Context {
    let settings = Settings {
        policy: PolicySource::BuiltIn,
        topic_arn: TOPIC.into(),
        table: "ledger".into(),
        bucket: None,
        reads_bill: true,
        event_bus: None,
        chat_topic_arn: None,
        log: "warn".into(),
    };
    Context::new("a-function", clients, settings)
}

/// A finding about the resource with this id, with this remedy.
pub(crate) fn finding(id: &str, remedy: Remedy) -> Finding {
    let name = id.rsplit('/').next().unwrap_or_default().to_owned();
    Finding {
        rule: "a-rule",
        resource: Resource { id: id.into(), arn: Some(arn(id)), name, tags: Tags::Known(BTreeMap::new()), ownership: Ownership::default() },
        series: None,
        run: None,
        instance_type: None,
        owner: None,
        team: None,
        waste: Waste { remedy, ..Waste::default() },
        terms: Terms {
            mode: Mode::Enforce,
            grace: Duration::minutes(0),
            remind_after: Duration::days(7),
            escalate_after: None,
            notified_together: false,
            warned_weekly: false,
            max_actions: 25,
        },
        keep: None,
        suspended: None,
        measure: None,
        may_wait_for_it: false,
    }
}

/// An endpoint `churn` with one variant, `Blue`. Nothing is known of its scaling and its use.
pub(crate) fn endpoint() -> Endpoint {
    let variant = Variant {
        name: "Blue".into(),
        is_shadow: false,
        compute: Compute::Serverless { memory_mb: 1024, provisioned: None },
        weight: None,
        scaling: AutoScaling::Unread,
        invocations: None,
        start_up: None,
        provisioned_use: None,
    };
    Endpoint {
        resource: finding("endpoint/churn", Remedy::None).resource,
        state: RunState::InService,
        created: None,
        modified: None,
        config: None,
        serving: Serving::RealTime,
        is_deploying: false,
        variants: vec![variant],
        components: None,
        backlog: None,
        attached: None,
        announced: vec![],
        hibernation: None,
        router: None,
        can_sleep: CanSleep::NotLooked,
        compute_optimizer: None,
    }
}
