//! The simulator's own API, for shells and other languages: `/_simulator/…`, with JSON in and out.

use axum::{body::Bytes, http::Uri, response::IntoResponse};
use serde_json::{Value, json};

use crate::{
    Shared,
    estate::{plan::Deed, times::Duration},
    life::order::Listed as _,
    services::s3::Bucket,
    wire::decode_path,
};

/// `GET calls · log · mails · chat · events · put-events · state · resources · bill · spend · budgets · served · objects · object/<key>`,
/// `POST advance {"by": "15m"} · deed {"to": …, "do": …} · fault {"on": …, "what": …} · clear-faults`
pub(crate) fn serve(shared: &Shared, uri: &Uri, body: &Bytes) -> axum::response::Response {
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = match uri.path().trim_start_matches("/_simulator/") {
        "calls" => Ok(json!(shared.traffic.calls())),
        "log" => Ok(json!(shared.traffic.log())),
        "mails" => Ok(json!(shared.world().mails)),
        "chat" => Ok(json!(shared.world().chat)),
        "events" => Ok(json!(shared.world().take_events())),
        "put-events" => Ok(json!(shared.world().put_events)),
        "state" => Ok(state(shared)),
        "resources" => Ok(json!(shared.world().resources())),
        "bill" => Ok(bill(shared)),
        "spend" => Ok(spend(shared)),
        "budgets" => Ok(budgets(shared)),
        "served" => Ok(served(shared)),
        "objects" => Ok(json!(shared.world().bucket.as_ref().map(Bucket::objects).unwrap_or_default())),
        "advance" => advance(shared, &input),
        "fault" => fault(shared, &input),
        "deed" => deed(shared, &input),
        "clear-faults" => {
            shared.world().faults.clear();
            Ok(json!({}))
        }
        other => {
            let object = other.strip_prefix("object/").and_then(|key| shared.world().bucket.as_ref()?.content(&decode_path(key)));
            if let Some(content) = object {
                return content.into_response();
            }
            Err(format!(
                "`{other}` is not known: calls, log, mails, chat, events, put-events, state, resources, bill, spend, budgets, served, objects, object/<key>, advance, deed, fault or clear-faults"
            ))
        }
    };
    match answer {
        Ok(answer) => ([("content-type", "application/json")], answer.to_string()).into_response(),
        Err(error) => (axum::http::StatusCode::BAD_REQUEST, error).into_response(),
    }
}

fn state(shared: &Shared) -> Value {
    let mut world = shared.world();
    shared.tick(&mut world);
    let notebooks = world.notebooks.values().map(|one| json!({"name": one.spec.name, "status": one.status, "last-modified": one.modified}));
    let apps = world.apps.values().map(|one| json!({"arn": one.arn, "status": one.status}));
    let notebooks: Vec<Value> = notebooks.collect();
    let apps: Vec<Value> = apps.collect();
    // Jobs that had ended before the start are left out: there may be tens of thousands.
    let training = world.jobs.training.iter().filter(|job| job.next_at().is_some() || shared.started <= job.modified()).map(|job| {
        let last = job.last();
        json!({"name": job.name, "status": last.status, "secondary-status": last.secondary, "spot": job.spot, "last-modified": last.at})
    });
    let training: Vec<Value> = training.collect();
    let tuning =
        world.jobs.tunings.values().map(|job| json!({"name": job.name, "status": job.status(), "training-jobs": job.children.len()}));
    let tuning: Vec<Value> = tuning.collect();
    let others = world.assets.iter().filter(|one| one.is_of_interest(shared.started));
    let others: Vec<Value> = others
        .map(|one| json!({"kind": one.kind.name, "name": one.name, "status": one.status(), "last-modified": one.modified()}))
        .collect();
    json!({"now": world.now, "notebooks": notebooks, "apps": apps, "training-jobs": training, "tuning-jobs": tuning, "resources": others})
}

fn bill(shared: &Shared) -> Value {
    let mut world = shared.world();
    shared.tick(&mut world);
    let lines = world.bill(shared.started).into_iter().map(|line| {
        json!({"arn": line.arn, "name": line.name, "kind": line.kind, "owner": line.owner, "instance-type": line.instance_type,
               "seconds": line.ran.as_secs(), "usd": line.usd.map(|usd| usd.to_string())})
    });
    Value::Array(lines.collect())
}

fn spend(shared: &Shared) -> Value {
    let mut world = shared.world();
    shared.tick(&mut world);
    let rows = world.spend().into_iter().map(|row| {
        json!({"day": row.day, "service": row.service, "usage-type": row.usage_type, "operation": row.operation, "region": row.region,
               "account": row.account, "record-type": row.record_type, "tags": row.tags, "usd": row.usd.to_string(),
               "quantity": row.quantity.to_string(), "unit": row.unit})
    });
    json!({"rows": rows.collect::<Vec<_>>(), "cost-explorer-usd": world.billing.requests_usd().to_string()})
}

fn served(shared: &Shared) -> Value {
    let mut world = shared.world();
    shared.tick(&mut world);
    json!(world.served(shared.started, world.now))
}

fn budgets(shared: &Shared) -> Value {
    let mut world = shared.world();
    shared.tick(&mut world);
    let states = world.budgets.states().into_iter().map(|state| {
        json!({"name": state.name, "at": state.at, "from": state.from, "until": state.until, "limit": state.limit.to_string(),
               "actual": state.actual.to_string(), "forecast": state.forecast.map(|usd| usd.to_string()), "alarms": state.alarms})
    });
    Value::Array(states.collect())
}

fn advance(shared: &Shared, input: &Value) -> Result<Value, String> {
    let by: Duration = input.get("by").and_then(Value::as_str).and_then(|by| by.parse().ok()).ok_or("expected {\"by\": \"15m\"}")?;
    let mut world = shared.world();
    let until = world.now + by.signed();
    world.live_until(until);
    Ok(json!({"now": world.now}))
}

fn deed(shared: &Shared, input: &Value) -> Result<Value, String> {
    let expected = "expected {\"to\": \"churn\", \"do\": \"stop\"}";
    let what = input.get("to").and_then(Value::as_str).ok_or(expected)?;
    let deed: Deed = input.get("do").and_then(Value::as_str).ok_or(expected)?.parse().map_err(|error| format!("{error}"))?;
    let mut world = shared.world();
    shared.tick(&mut world);
    world.deed(what, &deed);
    Ok(json!({}))
}

fn fault(shared: &Shared, input: &Value) -> Result<Value, String> {
    let fault = serde_json::from_value(input.clone())
        .map_err(|error| format!("not a fault ({error}): expected {{\"on\": \"sagemaker:ListApps\", \"what\": \"access-denied\"}}"))?;
    shared.world().faults.push(fault);
    Ok(json!({}))
}
