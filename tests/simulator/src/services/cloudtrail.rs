//! CloudTrail: its event history, `LookupEvents`. It has all calls on SageMaker that change something or open something since the start, at once: real events take some minutes.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    life::trail::{Recorded, SOURCE},
    services::{On, Operation},
    wire::{Refusal, seconds, text, with_token},
    world::World,
};

/// For how long events are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The most events of a page, and as many as there are if the caller does not say.
const PAGE: usize = 50;

pub(super) const OPERATIONS: &[Operation] = &[Operation::new("LookupEvents", On::Nothing, |world, input| lookup(world, input))];

/// What is looked for.
type Wanted = fn(&Recorded, &str) -> bool;

/// The one attribute that a call may name.
fn attribute(input: &Value) -> Result<Option<(Wanted, &str)>, Refusal> {
    let refused = |message: String| Err(Refusal::new(400, "InvalidLookupAttributesException", message));
    let attributes = input.get("LookupAttributes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let [attribute] = attributes else {
        return if attributes.is_empty() { Ok(None) } else { refused("Too many lookup attributes: only one is allowed".into()) };
    };
    let wanted: Wanted = match text(attribute, "AttributeKey").unwrap_or_default() {
        "EventName" => |one, value| one.operation == value,
        "EventSource" => |_, value| value == SOURCE,
        "Username" => |one, value| username(one) == Some(value),
        "EventId" => |one, value| one.id == value,
        key => return refused(format!("The attribute {key} is not simulated")),
    };
    Ok(Some((wanted, text(attribute, "AttributeValue").unwrap_or_default())))
}

fn lookup(world: &World, input: &Value) -> Result<Value, Refusal> {
    let time = |name: &str| input.get(name).and_then(Value::as_f64);
    let bounds = (time("StartTime"), time("EndTime"));
    if let (Some(start), Some(end)) = bounds
        && end < start
    {
        return Err(Refusal::new(400, "InvalidTimeRangeException", "The start time must be before the end time"));
    }
    let size = match input.get("MaxResults").map(|size| size.as_u64().and_then(|size| usize::try_from(size).ok())) {
        None => PAGE,
        Some(Some(size @ 1..=PAGE)) => size,
        Some(_) => return Err(Refusal::new(400, "InvalidMaxResultsException", "The maximum number of results must be between 1 and 50")),
    };
    // The number of the oldest event on the page before.
    let before = match text(input, "NextToken").map(|token| token.strip_prefix("before:").and_then(|number| number.parse().ok())) {
        None => world.recorded.len(),
        Some(Some(number)) => number,
        Some(None) => return Err(Refusal::new(400, "InvalidNextTokenException", "The next token is not valid")),
    };
    let attribute = attribute(input)?;
    let is_wanted = |one: &Recorded| {
        let at = seconds(one.at);
        world.now - KEPT <= one.at
            && bounds.0.is_none_or(|start| start <= at)
            && bounds.1.is_none_or(|end| at <= end)
            && attribute.is_none_or(|(wanted, value)| wanted(one, value))
    };
    // The newest event comes first.
    let mut found = world.recorded.iter().enumerate().take(before).rev().filter(|(_, one)| is_wanted(one));
    let page: Vec<(usize, &Recorded)> = found.by_ref().take(size).collect();
    let next = found.next().and_then(|_| page.last()).map(|(number, _)| format!("before:{number}"));
    Ok(with_token(json!({"Events": page.into_iter().map(|(_, one)| event(one)).collect::<Vec<_>>()}), next))
}

/// The name that `LookupEvents` gives beside the record: a user's, or that of a role's session.
fn username(one: &Recorded) -> Option<&str> {
    let identity = &one.detail["userIdentity"];
    let of_arn = || identity["arn"].as_str()?.rsplit('/').next();
    identity["userName"].as_str().or_else(of_arn)
}

fn event(one: &Recorded) -> Value {
    let mut event = json!({
        "EventId": one.id, "EventName": one.operation, "ReadOnly": "false", "EventTime": seconds(one.at), "EventSource": SOURCE, "Resources": [],
        "CloudTrailEvent": one.detail.to_string(),
    });
    let access_key = one.detail["userIdentity"]["accessKeyId"].as_str();
    for (name, value) in [("Username", username(one)), ("AccessKeyId", access_key)] {
        if let Some((value, event)) = value.zip(event.as_object_mut()) {
            event.insert(name.to_owned(), value.into());
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::Estate;

    /// A notebook that is started every working day and stopped in the evening, lived for three days.
    fn world() -> World {
        let estate = "region = \"eu-central-1\"\nstart = \"2026-11-23T00:00:00Z\"\n[[notebook]]\nname = \"n\"\nstatus = \"Stopped\"\nby = \"ann\"\n\
            plan = [{ at = \"mon-fri 08:00\", do = \"start\" }, { at = \"mon-fri 09:00\", do = \"open\" }, { at = \"mon-fri 18:00\", do = \"stop\" }]";
        let mut world = World::new(Estate::from_toml(estate).unwrap());
        let until: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        world.live_until(until);
        world
    }

    fn named(name: &str, more: &Value) -> Value {
        let mut input = json!({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    }

    fn times(answer: &Value) -> Vec<String> {
        let record = |event: &Value| serde_json::from_str::<Value>(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
        answer["Events"].as_array().unwrap().iter().map(|event| record(event)["eventTime"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_newest_comes_first_page_by_page() {
        let world = world();
        let first = lookup(&world, &named("StartNotebookInstance", &json!({"MaxResults": 2}))).unwrap();
        assert_eq!(times(&first), ["2026-11-25T08:00:00Z", "2026-11-24T08:00:00Z"]);
        let second = lookup(&world, &named("StartNotebookInstance", &json!({"MaxResults": 2, "NextToken": first["NextToken"]}))).unwrap();
        assert_eq!((times(&second), second.get("NextToken")), (vec!["2026-11-23T08:00:00Z".to_owned()], None));
        let event = &first["Events"][0];
        assert_eq!((&event["Username"], &event["EventName"]), (&json!("ann"), &json!("StartNotebookInstance")));
    }

    #[test]
    fn times_and_attributes_limit_it() {
        let world = world();
        let at = |time: &str| seconds(time.parse().unwrap());
        let of_tuesday = json!({"StartTime": at("2026-11-24T00:00:00Z"), "EndTime": at("2026-11-24T23:59:00Z")});
        let count = |input: &Value| lookup(&world, input).unwrap()["Events"].as_array().unwrap().len();
        assert_eq!(count(&named("StopNotebookInstance", &of_tuesday)), 1);
        assert_eq!(count(&named("CreatePresignedNotebookInstanceUrl", &json!({}))), 3);
        assert_eq!(count(&json!({"LookupAttributes": [{"AttributeKey": "EventSource", "AttributeValue": SOURCE}]})), 9);
        assert_eq!(count(&json!({"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": "bob"}]})), 0);
        assert_eq!(count(&json!({})), 9);
    }

    #[test]
    fn wrong_input_is_refused_with_the_services_codes() {
        let world = world();
        let one = json!({"AttributeKey": "EventName", "AttributeValue": "x"});
        for (input, code) in [
            (json!({"LookupAttributes": [one, one]}), "InvalidLookupAttributesException"),
            (json!({"MaxResults": 51}), "InvalidMaxResultsException"),
            (json!({"NextToken": "x"}), "InvalidNextTokenException"),
            (json!({"StartTime": 2.0, "EndTime": 1.0}), "InvalidTimeRangeException"),
        ] {
            assert_eq!(lookup(&world, &input).unwrap_err().code, code, "{input}");
        }
    }
}
