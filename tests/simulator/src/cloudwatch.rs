//! CloudWatch metrics: what was put, and what the idle agents of the estate's notebooks would have put every five minutes.

use std::collections::BTreeMap;

use cost_rules::schedule::Calendar;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    wire::{Refusal, seconds, text},
    world::{Notebook, World},
};

const AGENT_NAMESPACE: &str = "CostGuard/Notebooks";
const AGENT_METRIC: &str = "IdleSeconds";
const AGENT_DIMENSION: &str = "NotebookInstanceName";
const AGENT_PERIOD: i64 = 300;

pub(crate) fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    match operation {
        "PutMetricData" => put(world, input),
        "ListMetrics" => Ok(list(world, input)),
        "GetMetricData" => get(world, input),
        _ => Err(Refusal::not_simulated("cloudwatch", operation)),
    }
}

/// `<namespace>|<metric>|<dimension>=<value>,…`
fn key(namespace: &str, metric: &str, dimensions: Option<&Value>) -> String {
    let mut pairs: Vec<String> = dimensions
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| format!("{}={}", text(one, "Name").unwrap_or_default(), text(one, "Value").unwrap_or_default()))
        .collect();
    pairs.sort();
    format!("{namespace}|{metric}|{}", pairs.join(","))
}

fn time(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    let milliseconds = (value.as_f64()? * 1000.0) as i64;
    Timestamp::from_millisecond(milliseconds).ok()
}

fn put(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let namespace = text(input, "Namespace").unwrap_or_default();
    for datum in input.get("MetricData").and_then(Value::as_array).into_iter().flatten() {
        let Some(metric) = text(datum, "MetricName") else {
            return Err(Refusal::new(400, "MissingParameter", "The parameter MetricData.member.1.MetricName is required."));
        };
        let at = datum.get("Timestamp").and_then(time).unwrap_or(world.now);
        let value = datum.get("Value").and_then(Value::as_f64);
        let key = key(namespace, metric, datum.get("Dimensions"));
        world.metrics.entry(key).or_default().extend(value.map(|value| (at, value)));
    }
    Ok(json!({}))
}

/// When the agent in a notebook published, and what: seconds since it was last used, within the run. Its clock starts with each run.
fn agent_points(notebook: &Notebook, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, f64)> {
    let Some(used) = &notebook.spec.used else { return vec![] };
    let calendar = Calendar { zone: TimeZone::UTC, holidays: std::collections::BTreeSet::new() };
    let first = from.as_second().div_euclid(AGENT_PERIOD) * AGENT_PERIOD;
    let mut points = vec![];
    let mut at = Timestamp::from_second(first).unwrap_or(from);
    while at <= until {
        if let Some(start) = notebook.runs.at(at).filter(|_| from <= at) {
            let last_used = if used.is_working(at, &calendar) { at } else { used.off_since(at, &calendar).unwrap_or(start).max(start) };
            #[expect(clippy::cast_precision_loss, reason = "seconds of an idle time")]
            points.push((at, at.duration_since(last_used).as_secs() as f64));
        }
        at += SignedDuration::from_secs(AGENT_PERIOD);
    }
    points
}

fn series(
    world: &World,
    namespace: &str,
    metric: &str,
    dimensions: Option<&Value>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<(Timestamp, f64)> {
    let put = world.metrics.get(&key(namespace, metric, dimensions)).into_iter().flatten();
    let mut points: Vec<(Timestamp, f64)> = put.filter(|(at, _)| from <= *at && *at < until).copied().collect();
    if (namespace, metric) == (AGENT_NAMESPACE, AGENT_METRIC) {
        let name = dimensions.and_then(Value::as_array).and_then(|list| list.first()).and_then(|one| text(one, "Value"));
        if let Some(notebook) = name.and_then(|name| world.notebooks.get(name)) {
            points.extend(agent_points(notebook, from, until.min(world.now)).into_iter().filter(|(at, _)| *at < until));
        }
    }
    points
}

fn list(world: &World, input: &Value) -> Value {
    let (namespace, metric) = (text(input, "Namespace"), text(input, "MetricName"));
    let recent = world.now - SignedDuration::from_hours(if text(input, "RecentlyActive").is_some() { 3 } else { 14 * 24 });
    let of = |namespace: &str, metric: &str, dimensions: Vec<Value>| json!({"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions});
    let mut metrics: Vec<Value> = world
        .metrics
        .iter()
        .filter(|(_, points)| points.iter().any(|(at, _)| recent <= *at))
        .filter_map(|(key, _)| {
            let mut parts = key.splitn(3, '|');
            let (in_namespace, name, pairs) = (parts.next()?, parts.next()?, parts.next()?);
            let wanted = namespace.is_none_or(|wanted| wanted == in_namespace) && metric.is_none_or(|wanted| wanted == name);
            let dimensions =
                pairs.split(',').filter_map(|pair| pair.split_once('=')).map(|(name, value)| json!({"Name": name, "Value": value}));
            wanted.then(|| of(in_namespace, name, dimensions.collect()))
        })
        .collect();
    if namespace.is_none_or(|wanted| wanted == AGENT_NAMESPACE) && metric.is_none_or(|wanted| wanted == AGENT_METRIC) {
        let publishing = world.notebooks.values().filter(|notebook| !agent_points(notebook, recent, world.now).is_empty());
        metrics.extend(
            publishing
                .map(|notebook| of(AGENT_NAMESPACE, AGENT_METRIC, vec![json!({"Name": AGENT_DIMENSION, "Value": notebook.spec.name})])),
        );
    }
    let skip = text(input, "NextToken").and_then(|token| token.parse::<usize>().ok()).unwrap_or_default();
    let next = (skip + 500 < metrics.len()).then(|| (skip + 500).to_string());
    let page: Vec<Value> = metrics.into_iter().skip(skip).take(500).collect();
    crate::sagemaker::with_token(json!({"Metrics": page}), next)
}

fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let queries: Vec<&Value> = input.get("MetricDataQueries").and_then(Value::as_array).into_iter().flatten().collect();
    if 500 < queries.len() {
        return Err(Refusal::new(400, "ValidationError", "The collection MetricDataQueries must not have a size greater than 500."));
    }
    let bound = |name: &str| {
        input.get(name).and_then(time).ok_or_else(|| Refusal::new(400, "MissingParameter", format!("The parameter {name} is required.")))
    };
    let (from, until) = (bound("StartTime")?, bound("EndTime")?);
    let ascending = text(input, "ScanBy") == Some("TimestampAscending");
    let results: Vec<Value> = queries
        .into_iter()
        .map(|query| {
            let stat = query.get("MetricStat").cloned().unwrap_or_default();
            let metric = stat.get("Metric").cloned().unwrap_or_default();
            let (namespace, name) = (text(&metric, "Namespace").unwrap_or_default(), text(&metric, "MetricName").unwrap_or_default());
            let period = stat.get("Period").and_then(Value::as_i64).unwrap_or(60).max(1);
            let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            for (at, value) in series(world, namespace, name, metric.get("Dimensions"), from, until) {
                buckets.entry(at.as_second().div_euclid(period) * period).or_default().push(value);
            }
            let mut points: Vec<(i64, f64)> =
                buckets.into_iter().map(|(start, values)| (start, statistic(text(&stat, "Stat").unwrap_or("Average"), &values))).collect();
            if !ascending {
                points.reverse();
            }
            let id = text(query, "Id").unwrap_or_default();
            let starts: Vec<Value> =
                points.iter().filter_map(|(start, _)| Timestamp::from_second(*start).ok()).map(|start| seconds(start).into()).collect();
            let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
            json!({"Id": id, "Label": name, "Timestamps": starts, "Values": values, "StatusCode": "Complete"})
        })
        .collect();
    Ok(json!({"MetricDataResults": results}))
}

fn statistic(stat: &str, values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a handful of values")]
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    match stat {
        "Minimum" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "Maximum" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "Sum" => sum,
        "SampleCount" => count,
        _ => sum / count,
    }
}
