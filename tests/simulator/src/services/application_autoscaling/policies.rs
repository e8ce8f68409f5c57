//! Scaling policies: put with their alarms, described, deleted.

use serde_json::{Value, json};

use super::{is_asked, names, namespace, not_found, page, required, scalable};
use crate::{
    life::{
        alarms::Alarm,
        scaling::{Dimension, Parts, Policy, Rule, Scalable},
    },
    services::cloudwatch::alarms::{arn_of, watched},
    wire::{Refusal, seconds, text},
    world::World,
};

const MOST_POLICIES: usize = 50;
const MOST_STEPS: usize = 20;
const STEP: &str = "StepScalingPolicyConfiguration";
const TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";

fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::validation(text.into()))
}

/// The metric that a predefined one stands for: its name, its statistic, and the dimension that it is for.
fn predefined(name: &str) -> Option<(&'static str, &'static str, Dimension)> {
    Some(match name {
        "SageMakerVariantInvocationsPerInstance" => ("InvocationsPerInstance", "Sum", Dimension::Instances),
        "SageMakerVariantConcurrentRequestsPerModelHighResolution" => ("ConcurrentRequestsPerModel", "Average", Dimension::Instances),
        "SageMakerVariantProvisionedConcurrencyUtilization" => {
            ("ServerlessProvisionedConcurrencyUtilization", "Average", Dimension::Provisioned)
        }
        "SageMakerInferenceComponentInvocationsPerCopy" => ("InvocationsPerCopy", "Sum", Dimension::Copies),
        "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution" => ("ConcurrentRequestsPerCopy", "Average", Dimension::Copies),
        _ => return None,
    })
}

/// What a target tracking policy's alarms look at, as fields of `PutMetricAlarm`.
fn metric_of(of: &Scalable, tracking: &Value) -> Result<Value, Refusal> {
    match (tracking.get("PredefinedMetricSpecification"), tracking.get("CustomizedMetricSpecification")) {
        (Some(predefined_one), None) => {
            if predefined_one.get("ResourceLabel").is_some() {
                return refuse("ResourceLabel must not be specified for this metric type");
            }
            let kind = text(predefined_one, "PredefinedMetricType").unwrap_or_default();
            let Some((name, statistic, dimension)) = predefined(kind) else {
                return refuse(format!("Predefined metric type {kind} is not supported for the service namespace sagemaker"));
            };
            if dimension != of.dimension {
                return refuse(format!(
                    "Predefined metric type {kind} is not supported for the scalable dimension {}",
                    of.dimension.text()
                ));
            }
            let one = |name: &str, value: &str| json!({"Name": name, "Value": value});
            let dimensions = match of.parts() {
                Some(Parts::Variant { endpoint, variant }) => vec![one("EndpointName", endpoint), one("VariantName", variant)],
                Some(Parts::Component(component)) => vec![one("InferenceComponentName", component)],
                None => vec![],
            };
            Ok(json!({"Namespace": "AWS/SageMaker", "MetricName": name, "Statistic": statistic, "Dimensions": dimensions}))
        }
        (None, Some(customized)) => {
            let mut fields = customized.clone();
            if let Some(queries) = customized.get("Metrics").and_then(Value::as_array) {
                let queries: Vec<Value> = queries.iter().cloned().map(with_period).collect();
                fields = json!({"Metrics": queries});
            }
            Ok(fields)
        }
        _ => refuse("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified"),
    }
}

/// A metric of a policy has no period; that of an alarm has one.
fn with_period(mut query: Value) -> Value {
    if let Some(stat) = query.get_mut("MetricStat") {
        stat["Period"] = 60.into();
    }
    query
}

fn rule(input: &Value) -> Result<Rule, Refusal> {
    let kind = text(input, "PolicyType").unwrap_or("StepScaling");
    match kind {
        "StepScaling" => {
            let Some(step) = input.get(STEP) else { return refuse(format!("{STEP} must be specified for a policy of type StepScaling")) };
            let adjustments = step.get("StepAdjustments").and_then(Value::as_array).map(Vec::len).unwrap_or_default();
            if text(step, "AdjustmentType").is_none() || adjustments == 0 {
                return refuse("AdjustmentType and StepAdjustments must be specified");
            }
            if MOST_STEPS < adjustments {
                return Err(Refusal::new(400, "LimitExceededException", "The number of step adjustments exceeds the limit of 20"));
            }
            Ok(Rule::Step(step.clone()))
        }
        "TargetTrackingScaling" => {
            let Some(tracking) = input.get(TRACKING) else {
                return refuse(format!("{TRACKING} must be specified for a policy of type TargetTrackingScaling"));
            };
            if !tracking.get("TargetValue").and_then(Value::as_f64).is_some_and(|target| 0.0 < target) {
                return refuse("TargetValue must be greater than 0");
            }
            Ok(Rule::Tracking(tracking.clone()))
        }
        "PredictiveScaling" => refuse("PredictiveScaling is not supported for the service namespace sagemaker"),
        other => Err(Refusal::invalid_value(
            other,
            "policyType",
            "Member must satisfy enum value set: [StepScaling, PredictiveScaling, TargetTrackingScaling]",
        )),
    }
}

pub(super) fn put(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let of = scalable(input)?;
    let name = text(input, "PolicyName").filter(|name| !name.is_empty()).ok_or_else(|| required("policyName"))?;
    let rule = rule(input)?;
    let target = world.scaling.targets.get(&of).ok_or_else(|| not_found("No scalable target registered", &of))?;
    let before = target.policies.get(name).cloned();
    if before.is_none() && MOST_POLICIES <= target.policies.len() {
        return Err(Refusal::new(400, "LimitExceededException", "The number of scaling policies exceeds the limit of 50"));
    }
    if let Rule::Tracking(tracking) = &rule {
        // Before anything is changed.
        watched(&metric_of(&of, tracking)?, 60)?;
    }
    let uuid = world.scaling.uuid(name);
    let fresh = format!(
        "arn:aws:autoscaling:{}:{}:scalingPolicy:{uuid}:resource/sagemaker/{}:policyName/{name}",
        world.region, world.account, of.resource
    );
    let (arn, created) = before.as_ref().map_or((fresh, world.now), |policy| (policy.arn.clone(), policy.created));
    if let Some(before) = before {
        before.alarms.iter().for_each(|alarm| drop(world.alarms.all.remove(alarm)));
    }
    let alarms = match &rule {
        Rule::Tracking(tracking) => put_alarms(world, &of, &arn, tracking)?,
        Rule::Step(_) => vec![],
    };
    let answer = json!({"PolicyARN": arn, "Alarms": alarms.iter().map(|name| summary(world, name)).collect::<Vec<_>>()});
    if let Some(target) = world.scaling.targets.get_mut(&of) {
        target.policies.insert(name.to_owned(), Policy { arn, created, rule, alarms });
    }
    Ok(answer)
}

fn summary(world: &World, alarm: &str) -> Value {
    json!({"AlarmName": alarm, "AlarmARN": arn_of(world, alarm)})
}

/// The alarms of target tracking: out after 3 of 3 minutes above the target, in after 15 of 15 below nine tenths of it (aws-facts §3.2).
/// High-resolution metrics are looked at by the minute, too.
fn put_alarms(world: &mut World, of: &Scalable, policy: &str, tracking: &Value) -> Result<Vec<String>, Refusal> {
    let target = tracking.get("TargetValue").and_then(Value::as_f64).unwrap_or_default();
    let scales_in = !tracking.get("DisableScaleIn").and_then(Value::as_bool).unwrap_or_default();
    let sides = [("AlarmHigh", "GreaterThanThreshold", target, 3), ("AlarmLow", "LessThanThreshold", target * 0.9, 15)];
    let created_by = world.scaling.uuid(policy);
    let mut names = vec![];
    for (side, operator, threshold, periods) in sides.into_iter().take(if scales_in { 2 } else { 1 }) {
        let name = format!("TargetTracking-{}-{side}-{}", of.resource, world.scaling.uuid(side));
        let mut input = metric_of(of, tracking)?;
        let watched = watched(&input, 60)?;
        if input.get("Metrics").is_none() {
            input["Period"] = 60.into();
        }
        for (field, value) in [
            ("AlarmName", json!(name)),
            (
                "AlarmDescription",
                json!(format!("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy}:createdBy/{created_by}.")),
            ),
            ("ActionsEnabled", json!(true)),
            ("AlarmActions", json!([format!("{policy}:createdBy/{created_by}")])),
            ("ComparisonOperator", json!(operator)),
            ("Threshold", json!(threshold)),
            ("EvaluationPeriods", json!(periods)),
            ("TreatMissingData", json!("missing")),
        ] {
            input[field] = value;
        }
        let alarm = Alarm::new(input, arn_of(world, &name), watched, world.now);
        world.put_alarm(&name, alarm);
        names.push(name);
    }
    Ok(names)
}

pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let of = scalable(input)?;
    let name = text(input, "PolicyName").ok_or_else(|| required("policyName"))?;
    let policy = world.scaling.targets.get_mut(&of).and_then(|target| target.policies.remove(name));
    let policy = policy.ok_or_else(|| not_found(&format!("No scaling policy found with name {name}"), &of))?;
    world.remove_alarms(&policy);
    Ok(json!({}))
}

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    namespace(input)?;
    let wanted = names(input, "PolicyNames")?;
    let targets = world.scaling.targets.iter().filter(|(of, _)| is_asked(input, of));
    let all = targets.flat_map(|(of, target)| target.policies.iter().map(move |(name, policy)| (of, name, policy)));
    let all = all.filter(|(_, name, _)| wanted.is_empty() || wanted.contains(&name.as_str()));
    let all: Vec<_> =
        all.map(|(of, name, policy)| (format!("{} {} {name}", of.resource, of.dimension.text()), (of, name, policy))).collect();
    page(input, "ScalingPolicies", 10, &all, |(of, name, policy)| {
        let (kind, field, configuration) = match &policy.rule {
            Rule::Step(step) => ("StepScaling", STEP, step),
            Rule::Tracking(tracking) => ("TargetTrackingScaling", TRACKING, tracking),
        };
        let calls = world.alarms.all.iter().filter(|(_, alarm)| alarm.actions().any(|action| action.starts_with(&policy.arn)));
        json!({
            "PolicyARN": policy.arn, "PolicyName": name, "ServiceNamespace": "sagemaker", "ResourceId": of.resource,
            "ScalableDimension": of.dimension.text(), "PolicyType": kind, field: configuration, "CreationTime": seconds(policy.created),
            "Alarms": calls.map(|(alarm, _)| summary(world, alarm)).collect::<Vec<_>>(),
        })
    })
}
