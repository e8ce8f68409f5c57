//! Gives an endpoint that serves again what `CreateEndpoint` does not take: missing tags, auto scaling, its resource policy. What somebody has set meanwhile stays.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::MetricAlarm;
use cost_rules::remedy::{Blueprint, TargetBlueprint};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::tags::adding;
use crate::{
    clients::{Clients, why::why},
    gather::{
        all_tags,
        endpoints::blueprint::{resource_policy, scalable_targets, scaling_policies, scheduled_actions},
        wire::{call_unknown, with_body},
    },
};

/// Completes an endpoint. Returns what is not as it was. All calls can be made again.
pub(crate) async fn complete(clients: &Clients, blueprint: &Blueprint, there: &Value, now: Timestamp) -> Result<Vec<String>, String> {
    tags(clients, blueprint).await?;
    let mut notes = vec![];
    for target in &blueprint.targets {
        notes.extend(scaling(clients, target, now).await?);
    }
    policy(clients, blueprint).await?;
    notes.extend(blueprint.moved_images(there).iter().map(|variant| format!("{variant} runs another image: its tag has moved")));
    Ok(notes)
}

/// Somebody who creates it by hand gives it no tags.
async fn tags(clients: &Clients, blueprint: &Blueprint) -> Result<(), String> {
    let arn = blueprint.text("EndpointArn");
    let missing = blueprint.missing_tags(&all_tags(clients, arn).await?.unwrap_or_default());
    if missing.is_empty() {
        return Ok(());
    }
    let sent = adding(clients, arn, &missing).send().await;
    sent.map(drop).map_err(|error| format!("sagemaker:AddTags: {}", why(&error)))
}

async fn policy(clients: &Clients, blueprint: &Blueprint) -> Result<(), String> {
    let name = blueprint.text("EndpointName");
    let Some(policy) = &blueprint.policy else { return Ok(()) };
    if resource_policy(clients, name).await?.is_some() {
        return Ok(());
    }
    call_unknown::<Value>(clients, "PutEndpointPolicy", json!({"EndpointName": name, "ResourcePolicy": policy})).await.map(drop)
}

/// Registers a target that is not there, and puts the policies and scheduled actions that it does not have.
async fn scaling(clients: &Clients, target: &TargetBlueprint, now: Timestamp) -> Result<Vec<String>, String> {
    let id = target.resource_id();
    if scalable_targets(clients, vec![id.to_owned()]).await?.is_empty() {
        let call = clients.autoscaling.register_scalable_target().customize().mutate_request(with_body(target.register().to_string()));
        call.send().await.map_err(|error| format!("application-autoscaling:RegisterScalableTarget: {}", why(&error)))?;
    }
    let has: BTreeSet<String> = names(&scheduled_actions(clients, id).await?, "ScheduledActionName");
    for action in target.put_actions(now).filter(|action| !has.contains(action["ScheduledActionName"].as_str().unwrap_or_default())) {
        let call = clients.autoscaling.put_scheduled_action().customize().mutate_request(with_body(action.to_string()));
        call.send().await.map_err(|error| format!("application-autoscaling:PutScheduledAction: {}", why(&error)))?;
    }
    let has: BTreeSet<String> = names(&scaling_policies(clients, id).await?, "PolicyName");
    let mut notes = vec![];
    for (policy, stored) in target.put_policies().zip(&target.policies) {
        if has.contains(policy["PolicyName"].as_str().unwrap_or_default()) {
            continue;
        }
        let call = clients.autoscaling.put_scaling_policy().customize().mutate_request(with_body(policy.to_string()));
        let put = call.send().await.map_err(|error| format!("application-autoscaling:PutScalingPolicy: {}", why(&error)))?;
        if policy["PolicyType"] == "StepScaling" {
            notes.extend(connect(clients, stored, &put.policy_arn).await?);
        }
    }
    Ok(notes)
}

fn names(items: &[Value], field: &str) -> BTreeSet<String> {
    items.iter().filter_map(|item| item[field].as_str().map(str::to_owned)).collect()
}

/// Lets the alarms of a step policy call it again: the policy may have another ARN now, and AWS has taken the action out of its alarms (aws-facts §3.6).
async fn connect(clients: &Clients, stored: &Value, arn: &str) -> Result<Vec<String>, String> {
    let alarms: BTreeSet<String> = names(stored["Alarms"].as_array().map_or(&[][..], Vec::as_slice), "AlarmName");
    if alarms.is_empty() {
        return Ok(vec![]);
    }
    let asked = clients.cloudwatch.describe_alarms().set_alarm_names(Some(alarms.iter().cloned().collect())).send().await;
    let found = asked.map_err(|error| format!("cloudwatch:DescribeAlarms: {}", why(&error)))?.metric_alarms.unwrap_or_default();
    let old = stored["PolicyARN"].as_str().unwrap_or_default();
    for alarm in &found {
        let mut actions: Vec<String> = alarm.alarm_actions().iter().filter(|action| *action != old && *action != arn).cloned().collect();
        actions.push(arn.to_owned());
        if actions != alarm.alarm_actions() {
            put_alarm(clients, alarm, actions).await?;
        }
    }
    let is_there = |name: &String| found.iter().any(|alarm| alarm.alarm_name() == Some(name));
    let policy = stored["PolicyName"].as_str().unwrap_or_default();
    Ok(alarms
        .iter()
        .filter(|name| !is_there(name))
        .map(|name| format!("alarm {name} is gone, so that policy {policy} does nothing"))
        .collect())
}

/// `PutMetricAlarm` overwrites all of an alarm, so that every field is sent.
async fn put_alarm(clients: &Clients, alarm: &MetricAlarm, actions: Vec<String>) -> Result<(), String> {
    let alarm = alarm.clone();
    let put = clients.cloudwatch.put_metric_alarm();
    let put =
        put.set_alarm_name(alarm.alarm_name).set_alarm_description(alarm.alarm_description).set_actions_enabled(alarm.actions_enabled);
    let put = put
        .set_ok_actions(alarm.ok_actions)
        .set_alarm_actions(Some(actions))
        .set_insufficient_data_actions(alarm.insufficient_data_actions);
    let put = put.set_metric_name(alarm.metric_name).set_namespace(alarm.namespace).set_statistic(alarm.statistic);
    let put =
        put.set_extended_statistic(alarm.extended_statistic).set_dimensions(alarm.dimensions).set_period(alarm.period).set_unit(alarm.unit);
    let put = put.set_evaluation_periods(alarm.evaluation_periods).set_datapoints_to_alarm(alarm.datapoints_to_alarm);
    let put = put
        .set_threshold(alarm.threshold)
        .set_comparison_operator(alarm.comparison_operator)
        .set_treat_missing_data(alarm.treat_missing_data);
    let put = put.set_evaluate_low_sample_count_percentile(alarm.evaluate_low_sample_count_percentile);
    let put = put.set_metrics(alarm.metrics).set_threshold_metric_id(alarm.threshold_metric_id);
    put.send().await.map(drop).map_err(|error| format!("cloudwatch:PutMetricAlarm: {}", why(&error)))
}
