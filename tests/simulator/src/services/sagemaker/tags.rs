//! SageMaker's tags, with AWS's limits (aws-facts §2.5).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    wire::{Refusal, text},
    world::{TagLog, World},
};

/// The maximum for one resource.
const MOST_TAGS: usize = 50;

pub(super) fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    if let Some(most) = input.get("MaxResults").and_then(Value::as_i64).filter(|most| *most < 50) {
        return Err(Refusal::invalid_value(&most.to_string(), "maxResults", "Member must have value greater than or equal to 50"));
    }
    let arn = text(input, "ResourceArn").unwrap_or_default();
    let log = world.tags.get(arn).ok_or_else(|| no_such_arn(arn))?;
    Ok(json!({"Tags": as_list(log.now())}))
}

fn no_such_arn(arn: &str) -> Refusal {
    Refusal::new(400, "ValidationException", format!("Resource {arn} does not exist"))
}

/// The tags of an input, checked against AWS's limits (aws-facts §2.5).
pub(crate) fn tag_list(input: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let given = input.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let tags: BTreeMap<String, String> =
        given.map(|tag| (text(tag, "Key").unwrap_or_default().to_owned(), text(tag, "Value").unwrap_or_default().to_owned())).collect();
    let legal = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c));
    for (key, value) in &tags {
        for (field, text, most) in [("key", key, 128), ("value", value, 256)] {
            let field = format!("tags.1.member.{field}");
            if most < text.chars().count() {
                return Err(Refusal::invalid_value(text, &field, &format!("Member must have length less than or equal to {most}")));
            }
            if !legal(text) {
                let constraint = "Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)";
                return Err(Refusal::invalid_value(text, &field, constraint));
            }
        }
        if key.is_empty() || key.to_lowercase().starts_with("aws:") {
            return Err(Refusal::validation(format!("The tag key '{key}' is empty or begins with aws:, which is AWS's own")));
        }
    }
    Ok(tags)
}

pub(crate) fn as_list(tags: BTreeMap<String, String>) -> Vec<Value> {
    tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

pub(super) fn add(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let tags = tag_list(input)?;
    let arn = text(input, "ResourceArn").unwrap_or_default();
    let had = world.tags.get(arn).map(TagLog::now).unwrap_or_default();
    // AWS's own tags do not count.
    let own = had.keys().chain(tags.keys()).filter(|key| !key.starts_with("aws:"));
    if MOST_TAGS < own.collect::<BTreeSet<_>>().len() {
        return Err(Refusal::new(400, "ResourceLimitExceeded", format!("A resource has at most {MOST_TAGS} tags")));
    }
    if !world.change_tags(arn, |now| now.extend(tags)) {
        return Err(no_such_arn(arn));
    }
    let now = world.tags.get(arn).map(TagLog::now).unwrap_or_default();
    Ok(json!({"Tags": as_list(now)}))
}

pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let keys: Vec<&str> = input.get("TagKeys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let arn = text(input, "ResourceArn").unwrap_or_default();
    if !world.change_tags(arn, |now| now.retain(|key, _| !keys.contains(&key.as_str()))) {
        return Err(no_such_arn(arn));
    }
    Ok(json!({}))
}
