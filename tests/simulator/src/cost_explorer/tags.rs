//! Cost Explorer's tags: `GetTags`, and the cost allocation tags, which only the paying account has (aws-facts §7.6).

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::{Page, add, has_data, interval, paged, values_page, zoned};
use crate::{
    billing::{Amount, Backfill, CostTags, Filter, Kind, Visible, day_of, midnight, plus_months},
    sagemaker::with_token,
    wire::{Refusal, text},
    world::World,
};

/// The most keys of one update, and of one page of the list (botocore's model).
const MOST_UPDATES: usize = 20;
const MOST_LISTED: usize = 100;

pub(super) fn values(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (start, end) = interval(world, input)?;
    let filter = Filter::of(input)?;
    has_data(world)?;
    let wanted = text(input, "TagKey");
    let mut found: BTreeMap<String, Amount> = BTreeMap::new();
    let sort = |kind: &Kind, visible: &Visible<'_>| {
        let values = match wanted {
            // What has no such tag has an empty value.
            Some(key) => vec![visible.tag(key).unwrap_or_default().to_owned()],
            None => visible.keys().cloned().collect(),
        };
        filter.takes(kind, visible).then_some(values)
    };
    world.billing.sorted(start, end, sort, |_, values, _, amount| {
        for value in values {
            add(&mut found, value, amount);
        }
    });
    let (values, page, total) = values_page(world, input, &found)?;
    Ok(page.sign(json!({"ReturnSize": values.len(), "TotalSize": total, "Tags": values}), "NextPageToken"))
}

/// Members of an organization have no say in its cost allocation tags.
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

/// A page of at most so many, of those that were asked for.
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

fn backfill_json(world: &World, from: Date, requested: Timestamp, completed: Timestamp) -> Value {
    let is_done = completed <= world.now;
    let mut request = json!({
        "BackfillFrom": zoned(midnight(from)), "RequestedAt": zoned(requested),
        "BackfillStatus": if is_done { "SUCCEEDED" } else { "PROCESSING" }, "LastUpdatedAt": zoned(if is_done { completed } else { requested }),
    });
    if is_done {
        request["CompletedAt"] = zoned(completed).into();
    }
    request
}

pub(super) fn start_backfill(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    payer(world, "")?;
    let from = text(input, "BackfillFrom").and_then(|from| from.parse::<Timestamp>().ok()).map(day_of);
    let this_month = day_of(world.now).first_of_month();
    let legal = from.filter(|from| *from == from.first_of_month() && *from <= this_month && plus_months(this_month, -12) <= *from);
    let Some(from) = legal else {
        let message = "BackfillFrom must be the first day of a month, at most twelve months ago, and not in the future";
        return Err(Refusal::validation(message.into()));
    };
    let now = world.now;
    if !world.billing.tags.backfill(from, now) {
        let message =
            "A request to backfill is already in progress. Once the previous request is complete, you can create another request.";
        return Err(Refusal::new(400, "BackfillLimitExceededException", message));
    }
    let completed = world.billing.tags.backfills().last().map_or(now, Backfill::completed);
    Ok(json!({"BackfillRequest": backfill_json(world, from, now, completed)}))
}

pub(super) fn backfills(world: &World, input: &Value) -> Result<Value, Refusal> {
    payer(world, "")?;
    let tags: &CostTags = &world.billing.tags;
    let all: Vec<Value> = tags.backfills().iter().rev().map(|one| backfill_json(world, one.from, one.at, one.completed())).collect();
    let page = bounded_page(input, 1000, all.len())?;
    let list = all.get(page.range.clone()).unwrap_or_default();
    Ok(with_token(json!({"BackfillRequests": list}), page.next))
}
