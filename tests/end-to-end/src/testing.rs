//! Helpers that the tests of several functions share: accounts, lengths of time, and short forms of reports and mails.

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_dynamodb::types::AttributeValue;
use cost_aws::report::Report;
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Estate, Mail, Simulator};

use crate::{Function, Guard, TABLE, clients};

/// An account with this estate on a Monday morning during working hours.
///
/// # Panics
/// The estate is invalid.
pub fn account(estate: &str) -> Simulator {
    account_at("2026-11-23T08:00:00Z", estate)
}

/// An account in eu-central-1 with this estate, whose clock starts at this moment.
///
/// # Panics
/// The estate is invalid.
pub fn account_at(start: &str, estate: &str) -> Simulator {
    let estate = Estate::from_toml(&format!("region = \"eu-central-1\"\nstart = \"{start}\"\n{estate}")).expect("a right estate");
    Simulator::start(estate).expect("a free port")
}

/// A function with this policy.
///
/// # Panics
/// The policy cannot be stored, or the template cannot be deployed.
pub fn guard_of(function: Function, account: &Simulator, policy: &str) -> Guard {
    Guard::of(function, account, policy).expect("a guard")
}

/// Registers a variant or an inference component with Application Auto Scaling, as a person does by hand.
///
/// # Panics
/// The account refuses it.
pub async fn register_scaling(account: &Simulator, id: &str, min: i32, max: i32) {
    let target = clients(account).autoscaling.register_scalable_target().service_namespace(ServiceNamespace::Sagemaker).resource_id(id);
    let target = target.scalable_dimension(scaling_of(id).0).min_capacity(min).max_capacity(max);
    target.send().await.expect("a registered target");
}

/// Lets a registered target follow its requests with a policy of this name, as a person does by hand.
///
/// # Panics
/// The account refuses it.
pub async fn put_tracking(account: &Simulator, id: &str, name: &str, requests: f64) {
    let (dimension, metric) = scaling_of(id);
    let metric = PredefinedMetricSpecification::builder().predefined_metric_type(metric).build().expect("a right metric");
    let tracking = TargetTrackingScalingPolicyConfiguration::builder().target_value(requests).predefined_metric_specification(metric);
    let policy = clients(account).autoscaling.put_scaling_policy().policy_name(name).service_namespace(ServiceNamespace::Sagemaker);
    let policy = policy.resource_id(id).scalable_dimension(dimension).policy_type(PolicyType::TargetTrackingScaling);
    let policy = policy.target_tracking_scaling_policy_configuration(tracking.build().expect("a right policy"));
    policy.send().await.expect("a policy");
}

/// What a resource of this id scales, and the metric of its requests.
fn scaling_of(id: &str) -> (ScalableDimension, MetricType) {
    if id.starts_with("inference-component/") {
        (ScalableDimension::SageMakerInferenceComponentDesiredCopyCount, MetricType::SageMakerInferenceComponentInvocationsPerCopy)
    } else {
        (ScalableDimension::SageMakerVariantDesiredInstanceCount, MetricType::SageMakerVariantInvocationsPerInstance)
    }
}

/// `n` minutes.
pub const fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

/// `n` hours.
pub const fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

/// `n` days of 24 hours.
pub const fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

/// The event of the schedules that only look at what is due.
pub fn due() -> Value {
    json!({"due-only": true})
}

/// The findings of a report: rule and state.
pub fn states(report: &Report) -> Vec<(&str, &str)> {
    report.findings.iter().map(|finding| (finding.rule, finding.state)).collect()
}

/// The findings about one resource, by its name: rule and state.
pub fn states_of<'a>(report: &'a Report, name: &str) -> Vec<(&'a str, &'a str)> {
    report.findings.iter().filter(|finding| finding.name == name).map(|finding| (finding.rule, finding.state)).collect()
}

/// The mails to one owner.
pub fn mails_to<'a>(mails: &'a [Mail], owner: &str) -> Vec<&'a Mail> {
    mails.iter().filter(|mail| mail.attributes["owner"].1 == owner).collect()
}

/// The subjects of all mails, without their common prefix.
pub fn subjects(account: &Simulator) -> Vec<String> {
    account.mails().into_iter().map(|mail| mail.subject.trim_start_matches("Cost guard: ").to_owned()).collect()
}

/// Overwrites what endpoint-autoscaler remembers of an endpoint (`kind`: `attached`, `hibernation`) with something that nobody can read.
///
/// # Panics
/// The ledger cannot be written.
pub async fn damage(account: &Simulator, kind: &str, id: &str, stage: &str) {
    let pk = format!("{kind}#endpoint-autoscaler#123456789012#eu-central-1");
    let fields = [("pk", pk.as_str()), ("sk", id), ("stage", stage), ("what", "{"), ("hibernation", "{")];
    let put = clients(account).dynamodb.put_item().table_name(TABLE);
    let put = fields.into_iter().fold(put, |put, (key, value)| put.item(key, AttributeValue::S(value.to_owned())));
    put.send().await.expect("a table");
}
