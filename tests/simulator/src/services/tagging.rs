//! The tag index: `GetResources`. It has only resources that have or had a tag, and may be stale.

use std::{collections::BTreeMap, ops::Bound};

use serde_json::{Value, json};

use crate::{
    estate::fault::What,
    services::{On, Operation},
    wire::{Refusal, text},
    world::World,
};

pub(super) const OPERATIONS: &[Operation] = &[Operation::new("GetResources", On::Nothing, |world, input| resources(world, input))];

pub(crate) fn resources(world: &World, input: &Value) -> Result<Value, Refusal> {
    let per_page = input.get("ResourcesPerPage").and_then(Value::as_u64).unwrap_or(50);
    if !(1..=100).contains(&per_page) {
        return Err(Refusal::new(400, "InvalidParameterException", "ResourcesPerPage must be between 1 and 100"));
    }
    let kinds: Vec<&str> =
        input.get("ResourceTypeFilters").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let filters: Vec<&Value> = input.get("TagFilters").and_then(Value::as_array).into_iter().flatten().collect();
    if 50 < filters.len() || 100 < kinds.len() {
        return Err(Refusal::new(400, "InvalidParameterException", "There may be 50 TagFilters and 100 ResourceTypeFilters"));
    }
    let behind = world.faults.iter().find_map(|fault| if let What::StaleTags(by) = fault.what { Some(by.signed()) } else { None });
    let as_of = world.now - behind.unwrap_or_default();
    let after = match text(input, "PaginationToken") {
        None | Some("") => None,
        Some(token) => match token.strip_prefix("after:") {
            Some(arn) => Some(arn.to_owned()),
            None => return Err(Refusal::new(400, "PaginationTokenExpiredException", "The pagination token is not valid")),
        },
    };
    let after = after.as_deref().unwrap_or_default();
    // Goes through the requested kinds in the order of their ARNs, and skips all others.
    let mut prefixes: Vec<String> = if kinds.is_empty() || kinds.contains(&"sagemaker") {
        vec![String::new()]
    } else {
        kinds.iter().filter_map(|kind| kind.strip_prefix("sagemaker:")).map(|kind| world.arn(&format!("{kind}/"))).collect()
    };
    prefixes.sort();
    prefixes.dedup();
    let mut found = prefixes
        .iter()
        .flat_map(|prefix| {
            let from = if after < prefix.as_str() { Bound::Included(prefix.as_str()) } else { Bound::Excluded(after) };
            let tags = world.tags.range::<str, _>((from, Bound::Unbounded));
            tags.take_while(move |(arn, _)| arn.starts_with(prefix.as_str()))
        })
        .filter_map(|(arn, log)| Some((arn, log.at(as_of)?)))
        .filter(|(_, tags)| filters.iter().all(|filter| matches(filter, tags)));
    let page: Vec<_> = found.by_ref().take(usize::try_from(per_page).unwrap_or(50)).collect();
    let token = if found.next().is_some() { page.last().map(|(arn, _)| format!("after:{arn}")) } else { None };
    let list: Vec<Value> = page
        .into_iter()
        .map(|(arn, tags)| {
            let tags: Vec<Value> = tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            json!({"ResourceARN": arn, "Tags": tags})
        })
        .collect();
    Ok(json!({"PaginationToken": token.unwrap_or_default(), "ResourceTagMappingList": list}))
}

/// Whether the tags match a filter: the key, with one of the values; without values, any value.
fn matches(filter: &Value, tags: &BTreeMap<String, String>) -> bool {
    let values: Vec<&str> = filter.get("Values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    text(filter, "Key").and_then(|key| tags.get(key)).is_some_and(|value| values.is_empty() || values.contains(&value.as_str()))
}
