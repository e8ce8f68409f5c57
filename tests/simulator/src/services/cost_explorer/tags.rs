//! Cost allocation tags. Only the payer account can list or activate them (aws-facts §7.6).

use serde_json::{Value, json};

use super::{Page, paged, zoned};
use crate::{
    life::billing::midnight,
    wire::{Refusal, text, with_token},
    world::World,
};

/// The maximum number of keys in one update, and on one page of the list (botocore's model).
const MOST_UPDATES: usize = 20;
const MOST_LISTED: usize = 100;

/// Refuses member accounts of an organization.
fn payer(world: &World, doing: &str) -> Result<(), Refusal> {
    if world.payer {
        return Ok(());
    }
    Err(Refusal::new(400, "AccessDeniedException", format!("{doing}Linked account doesn't have access to cost allocation tags.")))
}

fn kind_of(key: &str) -> &'static str {
    if key.starts_with("aws:") { "AWSGenerated" } else { "UserDefined" }
}

pub(super) fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    payer(world, "")?;
    let keys: Vec<&str> = input.get("TagKeys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let (status, kind) = (text(input, "Status"), text(input, "Type"));
    let all: Vec<Value> = world
        .billing
        .tags
        .known(world.now)
        .filter_map(|(name, key)| {
            let own_status = if key.is_active { "Active" } else { "Inactive" };
            let wanted = (keys.is_empty() || keys.contains(&name.as_str()))
                && status.is_none_or(|status| status == own_status)
                && kind.is_none_or(|kind| kind == kind_of(name));
            let mut tag = json!({"TagKey": name, "Type": kind_of(name), "Status": own_status});
            if let Some(updated) = key.updated {
                tag["LastUpdatedDate"] = zoned(updated).into();
            }
            if let Some((_, last)) = key.used {
                tag["LastUsedDate"] = zoned(midnight(last.first_of_month())).into();
            }
            wanted.then_some(tag)
        })
        .collect();
    let page = bounded_page(input, MOST_LISTED, all.len())?;
    let list = all.get(page.range.clone()).unwrap_or_default();
    Ok(with_token(json!({"CostAllocationTags": list}), page.next))
}

/// A page with at most `most` keys.
fn bounded_page(input: &Value, most: usize, all: usize) -> Result<Page, Refusal> {
    let size = match input.get("MaxResults").map(Value::as_u64) {
        None => most,
        Some(Some(size @ 1..=1000)) => usize::try_from(size).unwrap_or(most).min(most),
        Some(size) => {
            let constraint = "Member must have value between 1 and 1000";
            return Err(Refusal::invalid_value(&size.unwrap_or_default().to_string(), "maxResults", constraint));
        }
    };
    paged(input, "NextToken", size, all)
}

pub(super) fn update(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    payer(world, "Failed to update Cost Allocation Tag: ")?;
    let entries: Vec<(String, bool)> = input
        .get("CostAllocationTagsStatus")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|entry| (text(entry, "TagKey").unwrap_or_default().to_owned(), text(entry, "Status") == Some("Active")))
        .collect();
    if entries.is_empty() || MOST_UPDATES < entries.len() {
        let constraint = format!("Member must have length between 1 and {MOST_UPDATES}");
        return Err(Refusal::invalid_value(&entries.len().to_string(), "costAllocationTagsStatus", &constraint));
    }
    let now = world.now;
    let known: Vec<String> = world.billing.tags.known(now).map(|(name, _)| name.clone()).collect();
    let unknown: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).filter(|key| !known.iter().any(|known| known == key)).collect();
    if !unknown.is_empty() {
        return Err(Refusal::validation(format!("Failed to update Cost Allocation Tag: Tag keys not found: {}", unknown.join(","))));
    }
    for (key, active) in entries {
        world.billing.tags.set(&key, active, now);
    }
    Ok(json!({"Errors": []}))
}
