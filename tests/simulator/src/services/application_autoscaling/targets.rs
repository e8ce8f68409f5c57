//! Scalable targets: registered, described, deregistered.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{arn, is_asked, names, namespace, not_found, page, scalable};
use crate::{
    life::{
        hosting::fleet::instance_type,
        scaling::{Dimension, Parts, Scalable, Suspended, Target},
    },
    wire::{Refusal, seconds},
    world::World,
};

fn role(world: &World) -> String {
    let service = "sagemaker.application-autoscaling.amazonaws.com";
    format!("arn:aws:iam::{}:role/aws-service-role/{service}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint", world.account)
}

/// What AWS refuses to scale (developer guide; error texts recorded by users where they are known).
fn check(world: &World, of: &Scalable, least: u64) -> Result<(), Refusal> {
    let refuse = |text: String| Err(Refusal::validation(text));
    let missing = |kind: &str, name: &str| {
        let arn = world.arn(&format!("{kind}/{name}"));
        Refusal::validation(format!("Could not find {} \"{arn}\".", kind.replace('-', " ")))
    };
    match of.parts() {
        Some(Parts::Variant { endpoint, variant }) => {
            let asset = world.endpoint(endpoint).ok_or_else(|| missing("endpoint", endpoint))?;
            let fleet = asset.grown.fleet.as_deref().ok_or_else(|| missing("endpoint", endpoint))?;
            let found = fleet
                .variant(variant)
                .ok_or_else(|| Refusal::validation(format!("Could not find variant {variant} of endpoint {endpoint}.")))?;
            let is_serverless = found.serverless.is_some();
            if of.dimension == Dimension::Provisioned {
                return if found.provisioned().is_some() {
                    Ok(())
                } else {
                    refuse(format!("Variant {variant} has no provisioned concurrency."))
                };
            }
            if is_serverless {
                return refuse(format!("Variant {variant} is serverless: it has no instances to scale."));
            }
            if instance_type(&found.definition).is_some_and(|of| of.starts_with("ml.t2.")) {
                return refuse("Burstable instances are not supported for automatic scaling.".into());
            }
            if found.managed().is_some() {
                return refuse(format!("Variant {variant} has managed instance scaling. Register its inference components instead."));
            }
            if least == 0 && !fleet.is_asynchronous() {
                return refuse("Minimum capacity must be greater than 0 for a real-time endpoint.".into());
            }
            Ok(())
        }
        Some(Parts::Component(name)) => world.component(name).map(|_| ()).ok_or_else(|| missing("inference-component", name)),
        None => Ok(()),
    }
}

pub(super) fn register(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let of = scalable(input)?;
    let bound = |name: &str| input.get(name).and_then(Value::as_i64);
    let before = world.scaling.targets.get(&of);
    let (Some(least), Some(most)) = (
        bound("MinCapacity").or(before.and_then(|target| i64::try_from(target.least).ok())),
        bound("MaxCapacity").or(before.and_then(|target| i64::try_from(target.most).ok())),
    ) else {
        return Err(Refusal::validation("MinCapacity and MaxCapacity must be specified when registering a new scalable target".into()));
    };
    let (Ok(least), Ok(most)) = (u64::try_from(least), u64::try_from(most)) else {
        return Err(Refusal::validation("Capacity must not be negative".into()));
    };
    if most < least {
        return Err(Refusal::validation(format!("Maximum capacity cannot be less than minimum capacity: {most} < {least}")));
    }
    check(world, &of, least)?;
    let quota = world.hosting.spec.scalable_targets;
    if before.is_none() && quota <= world.scaling.targets.len() {
        let text = format!("Failed to register scalable target: the limit of {quota} scalable targets has been exceeded.");
        return Err(Refusal::new(400, "LimitExceededException", text));
    }
    let id = world.scaling.uuid(&of.resource).replace('-', "");
    let (now, new_arn) = (world.now, arn(world, &format!("{id}0000")));
    let target = world.scaling.targets.entry(of.clone()).or_insert_with(|| Target::new(new_arn, now));
    (target.least, target.most) = (least, most);
    if let Some(state) = input.get("SuspendedState") {
        let is = |name: &str, before: bool| state.get(name).and_then(Value::as_bool).unwrap_or(before);
        let was = target.suspended;
        target.suspended = Suspended {
            scale_in: is("DynamicScalingInSuspended", was.scale_in),
            scale_out: is("DynamicScalingOutSuspended", was.scale_out),
            scheduled: is("ScheduledScalingSuspended", was.scheduled),
        };
    }
    let tags: BTreeMap<String, String> = input.get("Tags").cloned().and_then(|tags| serde_json::from_value(tags).ok()).unwrap_or_default();
    target.tags.extend(tags);
    let answer = json!({"ScalableTargetARN": target.arn});
    world.clamp_capacity(&of);
    Ok(answer)
}

pub(super) fn deregister(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let of = scalable(input)?;
    if world.deregister(&of) { Ok(json!({})) } else { Err(not_found("No scalable target registered", &of)) }
}

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    namespace(input)?;
    let ids = names(input, "ResourceIds")?;
    if ids.is_empty() && input.get("ScalableDimension").is_some() {
        return Err(Refusal::validation("ScalableDimension requires ResourceIds".into()));
    }
    let wanted = |of: &Scalable| is_asked(input, of) && (ids.is_empty() || ids.contains(&of.resource.as_str()));
    let all = world.scaling.targets.iter().filter(|(of, _)| wanted(of));
    let all: Vec<_> = all.map(|(of, target)| (format!("{} {}", of.resource, of.dimension.text()), (of, target))).collect();
    page(input, "ScalableTargets", 50, &all, |(of, target)| {
        json!({
            "ServiceNamespace": "sagemaker", "ResourceId": of.resource, "ScalableDimension": of.dimension.text(),
            "MinCapacity": target.least, "MaxCapacity": target.most, "RoleARN": role(world), "CreationTime": seconds(target.created),
            "ScalableTargetARN": target.arn,
            "SuspendedState": {
                "DynamicScalingInSuspended": target.suspended.scale_in, "DynamicScalingOutSuspended": target.suspended.scale_out,
                "ScheduledScalingSuspended": target.suspended.scheduled,
            },
        })
    })
}
