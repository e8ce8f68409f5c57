//! Estimates and groups as JSON, for the command line and for reports.

use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};
use serde_json::{Map, Value, json};

use crate::inference::{
    advice::Shared,
    estimate::{Estimate, Fit, ServingOption, Usd},
};

/// All options, one each: of serverless memory sizes the first, with all of them in `sizes`.
pub fn options_json(estimates: &[Estimate]) -> Value {
    let mut by_option: Vec<(ServingOption, Value)> = vec![];
    for one in estimates {
        let known = by_option.iter_mut().find(|(option, _)| *option == one.option);
        if let Some(sizes) = known.and_then(|(_, first)| first["sizes"].as_array_mut()) {
            sizes.push(estimate_json(one));
            continue;
        }
        let mut first = estimate_json(one);
        if one.memory_gb.is_some() {
            first["sizes"] = json!([estimate_json(one)]);
        }
        by_option.push((one.option, first));
    }
    by_option.into_iter().map(|(_, one)| one).collect()
}

/// A group that would share a multi-model endpoint.
pub fn shared_json(shared: &Shared) -> Value {
    let group = &shared.group;
    json!({
        "members": shared.members.iter().map(|member| &member.name).collect::<Vec<_>>(),
        "instance-type": group.instance_type,
        "instances": group.instances,
        "usd-per-month": cents(group.usd_per_month),
        "usd-per-month-today": cents(group.usd_per_month_today),
        "highest-cpu": group.highest.cpu,
        "highest-memory": group.highest.memory,
        "highest-gpu": group.highest.gpu,
        "highest-gpu-memory": group.highest.gpu_memory,
    })
}

fn cents(usd: f64) -> Option<f64> {
    Decimal::from_f64(usd)?.round_dp(2).to_f64()
}

fn estimate_json(one: &Estimate) -> Value {
    let (eligible, why_not) = match &one.fit {
        Fit::Yes => (Some(true), None),
        Fit::No(why) => (Some(false), Some(why.clone())),
        Fit::CannotTell(why) => (None, Some(format!("cannot tell: {why}"))),
    };
    let usd = |of: fn(&Usd) -> f64| one.usd.as_ref().and_then(|usd| cents(of(usd)));
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| json.insert(name.to_owned(), value);
    put("option", json!(one.option.name()));
    put("eligible", json!(eligible));
    put("why-not", json!(why_not));
    put("usd-per-month", json!(usd(|usd| usd.expected)));
    put("usd-low", json!(usd(|usd| usd.low)));
    put("usd-high", json!(usd(|usd| usd.high)));
    put("cold-share", json!(one.cold_share));
    put("latency-seconds", json!(one.seconds));
    put("cold-latency-seconds", json!(one.cold_seconds));
    put("assumes", json!(one.assumes));
    if let Some(instance_type) = &one.instance_type {
        put("instance-type", json!(instance_type));
    }
    for (name, value) in [
        ("instances", one.instances),
        ("memory-gb", one.memory_gb),
        ("provisioned-concurrency", one.provisioned),
        ("requests-at-once", one.at_once),
    ] {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    Value::Object(json)
}
