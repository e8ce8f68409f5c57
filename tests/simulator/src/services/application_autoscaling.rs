//! Application Auto Scaling's API for SageMaker: its operations, by area. What targets do is in `life::scaling`.

use serde_json::Value;

use crate::{
    life::scaling::Scalable,
    services::{On, Operation},
    wire::{Refusal, text},
    world::World,
};

mod actions;
mod activities;
mod policies;
mod tags;
mod targets;

/// A target's own permissions are on its ARN.
const TARGET: On = On::Of(target_arn);
const TAGGED: On = On::Arn("ResourceARN");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("RegisterScalableTarget", TARGET, targets::register),
    Operation::new("DeregisterScalableTarget", TARGET, targets::deregister),
    Operation::new("DescribeScalableTargets", On::Nothing, |world, input| targets::describe(world, input)),
    Operation::new("PutScalingPolicy", TARGET, policies::put),
    Operation::new("DeleteScalingPolicy", TARGET, policies::delete),
    Operation::new("DescribeScalingPolicies", On::Nothing, |world, input| policies::describe(world, input)),
    Operation::new("PutScheduledAction", TARGET, actions::put),
    Operation::new("DeleteScheduledAction", TARGET, actions::delete),
    Operation::new("DescribeScheduledActions", On::Nothing, |world, input| actions::describe(world, input)),
    Operation::new("DescribeScalingActivities", On::Nothing, |world, input| activities::describe(world, input)),
    Operation::new("TagResource", TAGGED, tags::add),
    Operation::new("UntagResource", TAGGED, tags::remove),
    Operation::new("ListTagsForResource", TAGGED, |world, input| tags::list(world, input)),
];

/// The ARN of the target that an input names; of one that is not registered, the ARN of all.
fn target_arn(world: &World, input: &Value) -> String {
    let registered = scalable(input).ok().and_then(|of| world.scaling.targets.get(&of));
    registered.map_or_else(|| arn(world, "*"), |target| target.arn.clone())
}

fn arn(world: &World, id: &str) -> String {
    format!("arn:aws:application-autoscaling:{}:{}:scalable-target/{id}", world.region, world.account)
}

fn required(field: &str) -> Refusal {
    Refusal::validation(format!(
        "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
    ))
}

fn namespace(input: &Value) -> Result<(), Refusal> {
    match text(input, "ServiceNamespace") {
        None => Err(required("serviceNamespace")),
        Some("sagemaker") => Ok(()),
        Some(other) => Err(Refusal::not_simulated("application-autoscaling", &format!("the namespace {other}"))),
    }
}

/// What an input names.
fn scalable(input: &Value) -> Result<Scalable, Refusal> {
    namespace(input)?;
    let resource = text(input, "ResourceId").ok_or_else(|| required("resourceId"))?;
    let dimension = text(input, "ScalableDimension").ok_or_else(|| required("scalableDimension"))?;
    let dimension = dimension
        .parse()
        .map_err(|()| Refusal::validation(format!("Unsupported service namespace, resource type or scalable dimension: {dimension}")))?;
    let of = Scalable { resource: resource.to_owned(), dimension };
    if of.parts().is_none() {
        return Err(Refusal::validation("Unsupported service namespace, resource type or scalable dimension".into()));
    }
    Ok(of)
}

/// In the words of AWS's errors.
fn named(of: &Scalable) -> String {
    format!("service namespace: sagemaker, resource ID: {}, scalable dimension: {}", of.resource, of.dimension.text())
}

fn not_found(what: &str, of: &Scalable) -> Refusal {
    Refusal::new(400, "ObjectNotFoundException", format!("{what} for {}", named(of)))
}

/// Whether a thing is one of those that a list asks for.
fn is_asked(input: &Value, of: &Scalable) -> bool {
    let is = |name: &str, own: &str| text(input, name).is_none_or(|wanted| wanted == own);
    is("ResourceId", &of.resource) && is("ScalableDimension", of.dimension.text())
}

fn names<'a>(input: &'a Value, field: &str) -> Result<Vec<&'a str>, Refusal> {
    let all: Vec<&str> = input.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if 50 < all.len() {
        return Err(Refusal::validation(format!("{field} has {} members: at most 50 are allowed", all.len())));
    }
    Ok(all)
}

/// A page of items in the order of their keys, at most `most` of them.
fn page<T>(input: &Value, field: &str, most: usize, all: &[(String, T)], describe: impl Fn(&T) -> Value) -> Result<Value, Refusal> {
    let size = match input.get("MaxResults").and_then(Value::as_i64) {
        None => most,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| Refusal::validation(format!("MaxResults must be between 1 and {most}")))?,
    };
    let after = match text(input, "NextToken") {
        None => None,
        Some(token) => {
            let place = token.strip_prefix("after:").and_then(|after| all.iter().position(|(key, _)| key == after));
            // The token of a fault that repeats pages comes from a call without one.
            Some(if token == "after:" {
                0
            } else {
                place.map(|place| place + 1).ok_or_else(|| Refusal::new(400, "InvalidNextTokenException", "The next token is not valid"))?
            })
        }
    };
    let rest = all.get(after.unwrap_or_default()..).unwrap_or_default();
    let shown = rest.get(..size.min(rest.len())).unwrap_or_default();
    let next = shown.last().filter(|_| shown.len() < rest.len()).map(|(key, _)| format!("after:{key}"));
    Ok(crate::wire::with_token(serde_json::json!({field: shown.iter().map(|(_, one)| describe(one)).collect::<Vec<_>>()}), next))
}

#[cfg(test)]
mod tests;
