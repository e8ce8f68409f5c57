//! Gives an endpoint that serves again what `CreateEndpoint` does not take: missing tags, auto scaling, its resource policy. What somebody has set meanwhile stays.

use std::collections::BTreeSet;

use cost_rules::{
    remedy::{Blueprint, TargetBlueprint},
    scaling::FIRST_NAME,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{endpoints::few_attempts, tags::adding, wake};
use crate::{
    clients::{Clients, why::why},
    gather::{
        all_tags,
        endpoints::{
            blueprint::{resource_policy, scalable_targets, scaling_policies, scheduled_actions},
            describe_config_as,
        },
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
    let config = describe_config_as::<Value>(clients, blueprint.config_name()).await?;
    if config.is_some_and(|config| blueprint.is_other_config(&config)) {
        let name = blueprint.config_name();
        notes.push(format!("somebody has replaced its configuration {name} by another one of the same name, which it serves now"));
    }
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
        let call = call.config_override(few_attempts());
        call.send().await.map_err(|error| format!("application-autoscaling:RegisterScalableTarget: {}", why(&error)))?;
    }
    let has: BTreeSet<String> = names(&scheduled_actions(clients, id).await?, "ScheduledActionName");
    for action in target.put_actions(now).filter(|action| !has.contains(action["ScheduledActionName"].as_str().unwrap_or_default())) {
        let call = clients.autoscaling.put_scheduled_action().customize().mutate_request(with_body(action.to_string()));
        call.send().await.map_err(|error| format!("application-autoscaling:PutScheduledAction: {}", why(&error)))?;
    }
    let has: BTreeSet<String> = names(&scaling_policies(clients, id).await?, "PolicyName");
    let mut notes = vec![];
    for policy in target.put_policies() {
        if has.contains(policy["PolicyName"].as_str().unwrap_or_default()) {
            continue;
        }
        let call = clients.autoscaling.put_scaling_policy().customize().mutate_request(with_body(policy.to_string()));
        let put = call.send().await.map_err(|error| format!("application-autoscaling:PutScalingPolicy: {}", why(&error)))?;
        // These alarms are the guard's own: an endpoint with others is never hibernated.
        for alarm in target.step_alarms().filter(|_| policy["PolicyName"] == FIRST_NAME) {
            if !wake::let_call(clients, alarm, &put.policy_arn).await? {
                notes.push(format!("alarm {alarm} is gone, so that policy {FIRST_NAME} does nothing"));
            }
        }
    }
    Ok(notes)
}

fn names(items: &[Value], field: &str) -> BTreeSet<String> {
    items.iter().filter_map(|item| item[field].as_str().map(str::to_owned)).collect()
}
