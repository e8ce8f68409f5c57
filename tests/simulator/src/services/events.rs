//! EventBridge: `PutEvents` keeps the events. JSON 1.1.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    services::{On, Operation},
    wire::{Refusal, text},
    world::World,
};

/// The most entries of a request.
const MOST_ENTRIES: usize = 10;
/// What all entries of a request together must stay below, in bytes (eb-putevent-size).
const TOO_MANY_BYTES: usize = 256 * 1024;

/// An event that was put on a bus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PutEvent {
    /// When.
    pub at: Timestamp,
    /// The id that EventBridge gave it.
    pub id: String,
    /// The name of the bus.
    pub bus: String,
    /// `source`
    pub source: String,
    /// `detail-type`
    pub detail_type: String,
    /// `resources`
    pub resources: Vec<String>,
    /// `detail`
    pub detail: Value,
}

pub(super) const OPERATIONS: &[Operation] = &[Operation::new("PutEvents", On::Of(bus_arn), put)];

fn entries(input: &Value) -> &[Value] {
    input["Entries"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The bus's name: it may be given by its ARN.
fn bus(entry: &Value) -> &str {
    let bus = text(entry, "EventBusName").unwrap_or("default");
    bus.split_once(":event-bus/").map_or(bus, |(_, name)| name)
}

/// The ARN of the bus of the first entry: the guard's requests have one bus.
fn bus_arn(world: &World, input: &Value) -> String {
    let bus = entries(input).first().map_or("default", bus);
    format!("arn:aws:events:{}:{}:event-bus/{bus}", world.region, world.account)
}

/// The source that IAM's `events:source` has. Empty: the request has no entry.
pub(crate) fn source(input: &Value) -> &str {
    entries(input).first().and_then(|entry| text(entry, "Source")).unwrap_or_default()
}

/// The size of an entry (eb-putevent-size).
fn size(entry: &Value) -> usize {
    let resources = entry["Resources"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::len).sum::<usize>();
    let texts = ["Source", "DetailType", "Detail"].iter().filter_map(|field| text(entry, field)).map(str::len).sum::<usize>();
    let time = if entry["Time"].is_null() { 0 } else { 14 };
    resources + texts + time
}

fn put(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let entries = entries(input);
    if entries.is_empty() || MOST_ENTRIES < entries.len() {
        let bound = if entries.is_empty() { "greater than or equal to 1" } else { "less than or equal to 10" };
        let constraint = format!("Member must have length {bound}");
        return Err(Refusal::invalid_value(&input["Entries"].to_string(), "entries", &constraint));
    }
    if TOO_MANY_BYTES <= entries.iter().map(size).sum() {
        return Err(Refusal::validation("Total size of the entries in the request is over the limit.".into()));
    }
    let answers: Vec<Value> = entries.iter().map(|entry| put_one(world, entry)).collect();
    Ok(answer(&answers))
}

fn answer(entries: &[Value]) -> Value {
    let failed = entries.iter().filter(|entry| entry["EventId"].is_null()).count();
    json!({"FailedEntryCount": failed, "Entries": entries})
}

/// The answer for one entry: its id, or why it was not taken.
fn put_one(world: &mut World, entry: &Value) -> Value {
    let refused = |code: &str, message: &str| json!({"ErrorCode": code, "ErrorMessage": message});
    let (Some(source), Some(detail_type), Some(detail)) = (text(entry, "Source"), text(entry, "DetailType"), text(entry, "Detail")) else {
        return refused("InvalidArgument", "Parameter Detail, DetailType or Source is not valid. Reason: it is required.");
    };
    if source.starts_with("aws.") {
        return refused("NotAuthorizedForSourceException", "Not authorized for the source.");
    }
    let Some(detail) = serde_json::from_str(detail).ok().filter(Value::is_object) else {
        return refused("MalformedDetail", "Detail is malformed.");
    };
    let id = format!("00000000-0000-0000-0000-{:012}", world.put_events.len() + 1);
    let resources = entry["Resources"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let (bus, source, detail_type) = (bus(entry).to_owned(), source.to_owned(), detail_type.to_owned());
    world.put_events.push(PutEvent { at: world.now, id: id.clone(), bus, source, detail_type, resources, detail });
    json!({"EventId": id})
}

/// The answer of a bus that does not take the last entry of a request.
pub(crate) fn put_partly(world: &mut World, input: &Value) -> Value {
    let (taken, last) = entries(input).split_at(entries(input).len().saturating_sub(1));
    let mut answers: Vec<Value> = taken.iter().map(|entry| put_one(world, entry)).collect();
    answers.extend(last.iter().map(|_| json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"})));
    answer(&answers)
}
