//! Scheduled actions: put, described, deleted.

use serde_json::{Value, json};

use super::{is_asked, names, namespace, not_found, page, required, scalable};
use crate::{
    life::scaling::{
        Action,
        schedule::{When, zone_of},
    },
    wire::{Refusal, seconds, text},
    world::World,
};

const MOST: usize = 200;
/// What comes back as it was given.
const FIELDS: [&str; 5] = ["Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction"];

pub(super) fn put(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let of = scalable(input)?;
    let name = text(input, "ScheduledActionName").filter(|name| !name.is_empty()).ok_or_else(|| required("scheduledActionName"))?;
    if name.contains([':', '/', '|']) || name.trim() != name {
        return Err(Refusal::validation("ScheduledActionName must not contain : / | or begin or end with a blank".into()));
    }
    let target = world.scaling.targets.get(&of).ok_or_else(|| not_found("No scalable target registered", &of))?;
    let before = target.actions.get(name).cloned();
    if before.is_none() && MOST <= target.actions.len() {
        return Err(Refusal::new(400, "LimitExceededException", "The number of scheduled actions exceeds the limit of 200"));
    }
    // "When you update a scheduled action, … parameters that you leave out" of the bounds stay; StartTime and EndTime are deleted (model).
    let mut merged = input.clone();
    for field in ["Schedule", "Timezone", "ScalableTargetAction"] {
        if let (None, Some(kept)) = (merged.get(field), before.as_ref().and_then(|action| action.input.get(field)).cloned()) {
            merged[field] = kept;
        }
    }
    let schedule = text(&merged, "Schedule").ok_or_else(|| Refusal::validation("Schedule must be specified".into()))?;
    let zone = zone_of(&merged).map_err(Refusal::validation)?;
    When::of(schedule, &zone).map_err(Refusal::validation)?;
    let bound = |which: &str| merged.get("ScalableTargetAction").and_then(|action| action.get(which)).and_then(Value::as_i64);
    match (bound("MinCapacity"), bound("MaxCapacity")) {
        (None, None) => return Err(Refusal::validation("ScalableTargetAction must have a MinCapacity or a MaxCapacity".into())),
        (Some(least), Some(most)) if most < least => {
            return Err(Refusal::validation(format!("Maximum capacity cannot be less than minimum capacity: {most} < {least}")));
        }
        _ => {}
    }
    let (uuid, number) = (world.scaling.uuid(name), world.scaling.number());
    let fresh = format!(
        "arn:aws:autoscaling:{}:{}:scheduledAction:{uuid}:resource/sagemaker/{}:scheduledActionName/{name}",
        world.region, world.account, of.resource
    );
    let (arn, created) = before.map_or((fresh, world.now), |action| (action.arn, action.created));
    if let Some(target) = world.scaling.targets.get_mut(&of) {
        target.actions.insert(name.to_owned(), Action::new(arn, created, merged, number));
    }
    world.plan_action(&of, name);
    Ok(json!({}))
}

pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let of = scalable(input)?;
    let name = text(input, "ScheduledActionName").ok_or_else(|| required("scheduledActionName"))?;
    let removed = world.scaling.targets.get_mut(&of).and_then(|target| target.actions.remove(name));
    removed.map(|_| json!({})).ok_or_else(|| not_found(&format!("No scheduled action found with name {name}"), &of))
}

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    namespace(input)?;
    let wanted = names(input, "ScheduledActionNames")?;
    let targets = world.scaling.targets.iter().filter(|(of, _)| is_asked(input, of));
    let all = targets.flat_map(|(of, target)| target.actions.iter().map(move |(name, action)| (of, name, action)));
    let all = all.filter(|(_, name, _)| wanted.is_empty() || wanted.contains(&name.as_str()));
    let all: Vec<_> =
        all.map(|(of, name, action)| (format!("{} {} {name}", of.resource, of.dimension.text()), (of, name, action))).collect();
    page(input, "ScheduledActions", 50, &all, |(of, name, action)| {
        let mut described = json!({
            "ScheduledActionName": name, "ScheduledActionARN": action.arn, "ServiceNamespace": "sagemaker", "ResourceId": of.resource,
            "ScalableDimension": of.dimension.text(), "CreationTime": seconds(action.created),
        });
        for field in FIELDS {
            if let Some(value) = action.input.get(field) {
                described[field] = value.clone();
            }
        }
        described
    })
}
