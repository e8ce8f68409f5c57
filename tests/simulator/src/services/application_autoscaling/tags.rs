//! The tags of scalable targets. Policies and scheduled actions have none.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    life::scaling::Target,
    wire::{Refusal, text},
    world::World,
};

const MOST: usize = 50;

fn missing(arn: &str) -> Refusal {
    Refusal::new(400, "ResourceNotFoundException", format!("The resource {arn} was not found"))
}

fn target<'a>(world: &'a mut World, input: &Value) -> Result<&'a mut Target, Refusal> {
    let arn = text(input, "ResourceARN").unwrap_or_default();
    world.scaling.targets.values_mut().find(|target| target.arn == arn).ok_or_else(|| missing(arn))
}

pub(super) fn add(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let tags: BTreeMap<String, String> = input.get("Tags").cloned().and_then(|tags| serde_json::from_value(tags).ok()).unwrap_or_default();
    let target = target(world, input)?;
    let all: BTreeMap<String, String> = target.tags.clone().into_iter().chain(tags).collect();
    if MOST < all.len() {
        return Err(Refusal::new(400, "TooManyTagsException", "The resource has too many tags"));
    }
    target.tags = all;
    Ok(json!({}))
}

pub(super) fn remove(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let keys: Vec<&str> = input.get("TagKeys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    target(world, input)?.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

pub(super) fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let arn = text(input, "ResourceARN").unwrap_or_default();
    let target = world.scaling.targets.values().find(|target| target.arn == arn).ok_or_else(|| missing(arn))?;
    Ok(json!({"Tags": target.tags}))
}
