//! CloudWatch metrics: those that were published, and those that the idle agents of the estate's notebooks publish every five minutes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    services::{On, Operation},
    wire::{Refusal, seconds, text, with_token},
    world::{Notebook, World},
};

const AGENT_NAMESPACE: &str = "CostGuard/Notebooks";
const AGENT_METRIC: &str = "IdleSeconds";
const AGENT_DIMENSION: &str = "NotebookInstanceName";
const AGENT_PERIOD: i64 = 300;

/// AWS's limits of queries, metrics per page and data points per answer (aws-facts §4).
const MOST_QUERIES: usize = 500;
const METRICS_PER_PAGE: usize = 500;
const MOST_POINTS: i64 = 100_800;

/// A metric: namespace, name, and dimensions sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
}

/// The samples that were published for one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    at: Timestamp,
    sum: f64,
    count: f64,
    least: f64,
    most: f64,
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("PutMetricData", On::Nothing, put),
    Operation::new("ListMetrics", On::Nothing, |world, input| list(world, input)),
    Operation::new("GetMetricData", On::Nothing, |world, input| get(world, input)),
];

fn invalid(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn time(value: &Value) -> Option<Timestamp> {
    // Times are in seconds, in JSON and, behind a tag, in CBOR.
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    let milliseconds = (value.as_f64()? * 1000.0) as i64;
    Timestamp::from_millisecond(milliseconds).ok()
}

fn metric(namespace: &str, name: &str, dimensions: Option<&Value>) -> Metric {
    let list = dimensions.and_then(Value::as_array).into_iter().flatten();
    let mut dimensions: Vec<(String, String)> =
        list.map(|one| (text(one, "Name").unwrap_or_default().to_owned(), text(one, "Value").unwrap_or_default().to_owned())).collect();
    dimensions.sort();
    Metric { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
}

impl Point {
    fn one(at: Timestamp, value: f64) -> Self {
        Self { at, sum: value, count: 1.0, least: value, most: value }
    }

    /// The sum of two points.
    fn with(self, other: Self) -> Self {
        Self {
            at: self.at,
            sum: self.sum + other.sum,
            count: self.count + other.count,
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

/// The points of a datum: it has a `Value`, `Values` (with `Counts`), or `StatisticValues`.
fn points(datum: &Value, at: Timestamp) -> Option<Vec<Point>> {
    if let Some(value) = datum.get("Value").and_then(Value::as_f64) {
        return Some(vec![Point::one(at, value)]);
    }
    if let Some(statistics) = datum.get("StatisticValues") {
        let part = |name: &str| statistics.get(name).and_then(Value::as_f64);
        return Some(vec![Point { at, sum: part("Sum")?, count: part("SampleCount")?, least: part("Minimum")?, most: part("Maximum")? }]);
    }
    let counts = datum.get("Counts").and_then(Value::as_array);
    let point = |(place, value): (usize, &Value)| {
        let count = counts.map_or(Some(1.0), |counts| counts.get(place)?.as_f64())?;
        let value = value.as_f64()?;
        Some(Point { at, sum: value * count, count, least: value, most: value })
    };
    datum.get("Values")?.as_array()?.iter().enumerate().map(point).collect()
}

fn put(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let namespace = text(input, "Namespace").unwrap_or_default();
    if namespace.is_empty() || namespace.starts_with("AWS/") || namespace.starts_with(':') {
        return Err(invalid("InvalidParameterValue", format!("The value {namespace} for parameter Namespace is invalid.")));
    }
    let mut all = vec![];
    for (place, datum) in input.get("MetricData").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let field = |name: &str| format!("MetricData.member.{}.{name}", place + 1);
        let required = |name: &str| invalid("MissingParameter", format!("The parameter {} is required.", field(name)));
        let name = text(datum, "MetricName").filter(|name| !name.is_empty()).ok_or_else(|| required("MetricName"))?;
        let at = datum.get("Timestamp").and_then(time).unwrap_or(world.now);
        if at < world.now - SignedDuration::from_hours(14 * 24) || world.now + SignedDuration::from_hours(2) < at {
            let message =
                format!("The parameter {} must specify a time within the past two weeks or the next two hours.", field("Timestamp"));
            return Err(invalid("InvalidParameterValue", message));
        }
        let metric = metric(namespace, name, datum.get("Dimensions"));
        if metric.dimensions.iter().any(|(name, value)| name.is_empty() || value.is_empty()) {
            return Err(required("Dimensions.member.1.Value"));
        }
        all.push((metric, points(datum, at).ok_or_else(|| required("Value"))?));
    }
    if all.is_empty() || 1000 < all.len() {
        return Err(invalid("ValidationError", "The collection MetricData must have a size between 1 and 1000."));
    }
    for (metric, points) in all {
        world.metrics.entry(metric).or_default().extend(points);
    }
    Ok(json!({}))
}

/// The times at which a notebook's agent published, and the start of the run: every five minutes of each run, not later than `until`.
fn agent_times(notebook: &Notebook, from: Timestamp, until: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let first = from.as_second().div_euclid(AGENT_PERIOD) * AGENT_PERIOD;
    let last = if notebook.spec.used.is_some() { until.as_second() } else { i64::MIN };
    let tick = move |number: i64| Some(first + number * AGENT_PERIOD).filter(|second| *second <= last);
    (0..)
        .map_while(tick)
        .filter_map(|second| Timestamp::from_second(second).ok())
        .filter(move |at| from <= *at)
        .filter_map(|at| Some((at, notebook.runs.at(at)?)))
}

/// What the agent published: seconds since the notebook was last used. The count starts again with each run.
fn agent_points(notebook: &Notebook, from: Timestamp, until: Timestamp) -> Vec<Point> {
    let Some(used) = &notebook.spec.used else { return vec![] };
    let point = |(at, start): (Timestamp, Timestamp)| {
        let last_used = used.last_used(at).unwrap_or(start).max(start);
        #[expect(clippy::cast_precision_loss, reason = "seconds of an idle time")]
        Point::one(at, at.duration_since(last_used).as_secs() as f64)
    };
    agent_times(notebook, from, until).map(point).collect()
}

fn series(world: &World, metric: &Metric, from: Timestamp, until: Timestamp) -> Vec<Point> {
    let mut points: Vec<Point> = world.metrics.get(metric).cloned().unwrap_or_default();
    if let (AGENT_NAMESPACE, AGENT_METRIC, [(dimension, name)]) = (metric.namespace.as_str(), metric.name.as_str(), &metric.dimensions[..])
        && dimension == AGENT_DIMENSION
        && let Some(notebook) = world.notebooks.get(name)
    {
        points.extend(agent_points(notebook, from, until.min(world.now)));
    }
    points.retain(|point| from <= point.at && point.at < until);
    points
}

fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (namespace, name) = (text(input, "Namespace"), text(input, "MetricName"));
    let active = match text(input, "RecentlyActive") {
        None => SignedDuration::from_hours(14 * 24),
        Some("PT3H") => SignedDuration::from_hours(3),
        Some(_) => return Err(invalid("ValidationError", "The value of RecentlyActive must be PT3H.")),
    };
    let recent = world.now - active;
    let filters: Vec<&Value> = input.get("Dimensions").and_then(Value::as_array).into_iter().flatten().collect();
    let wanted = |metric: &Metric| {
        namespace.is_none_or(|wanted| wanted == metric.namespace)
            && name.is_none_or(|wanted| wanted == metric.name)
            && filters.iter().all(|filter| {
                let (name, value) = (text(filter, "Name"), text(filter, "Value"));
                metric.dimensions.iter().any(|(own, of)| name == Some(own) && value.is_none_or(|value| value == of))
            })
    };
    let put = world.metrics.iter().filter(|(_, points)| points.iter().any(|point| recent <= point.at)).map(|(metric, _)| metric.clone());
    let agents =
        world.notebooks.values().filter(|notebook| agent_times(notebook, recent, world.now).next().is_some()).map(|notebook| Metric {
            namespace: AGENT_NAMESPACE.into(),
            name: AGENT_METRIC.into(),
            dimensions: vec![(AGENT_DIMENSION.into(), notebook.spec.name.clone())],
        });
    let metrics: BTreeSet<Metric> = put.chain(agents).filter(wanted).collect();
    let token = text(input, "NextToken").map(|token| token.parse::<usize>().ok().or(token.strip_prefix("after:").map(|_| 0)));
    let skip = match token {
        None => 0,
        Some(place) => place.ok_or_else(|| invalid("InvalidParameterValue", "Invalid nextToken"))?,
    };
    let next = (skip + METRICS_PER_PAGE < metrics.len()).then(|| (skip + METRICS_PER_PAGE).to_string());
    let page = metrics.into_iter().skip(skip).take(METRICS_PER_PAGE).map(|metric| {
        let dimensions: Vec<Value> = metric.dimensions.into_iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
        json!({"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions})
    });
    Ok(with_token(json!({"Metrics": page.collect::<Vec<_>>()}), next))
}

fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let queries: Vec<&Value> = input.get("MetricDataQueries").and_then(Value::as_array).into_iter().flatten().collect();
    if queries.is_empty() || MOST_QUERIES < queries.len() {
        let message = format!("The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}.");
        return Err(invalid("ValidationError", message));
    }
    let bound = |name: &str| {
        input.get(name).and_then(time).ok_or_else(|| invalid("MissingParameter", format!("The parameter {name} is required.")))
    };
    let (from, until) = (bound("StartTime")?, bound("EndTime")?);
    if until <= from {
        return Err(invalid("ValidationError", "The parameter EndTime must be greater than StartTime."));
    }
    let newest_first = text(input, "ScanBy") != Some("TimestampAscending");
    let (mut ids, mut asked, mut results) = (BTreeSet::new(), 0, vec![]);
    for query in queries {
        let id = text(query, "Id").unwrap_or_default();
        let is_legal = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_legal || !ids.insert(id) {
            let message = format!(
                "The value '{id}' for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$, or is there twice."
            );
            return Err(invalid("ValidationError", message));
        }
        let Some(stat) = query.get("MetricStat") else {
            return Err(Refusal::not_simulated("cloudwatch", "GetMetricData with expressions"));
        };
        let of = stat.get("Metric").cloned().unwrap_or_default();
        let metric = metric(text(&of, "Namespace").unwrap_or_default(), text(&of, "MetricName").unwrap_or_default(), of.get("Dimensions"));
        let period = stat.get("Period").and_then(Value::as_i64).unwrap_or(0);
        if period < 1 || (period % 60 != 0 && ![1, 5, 10, 20, 30].contains(&period)) {
            let message = "The parameter MetricDataQueries.member.MetricStat.Period must be 1, 5, 10, 20, 30 or a multiple of 60.";
            return Err(invalid("ValidationError", message));
        }
        let kind = text(stat, "Stat").unwrap_or_default();
        let statistic = statistic(kind).ok_or_else(|| Refusal::not_simulated("cloudwatch", &format!("the statistic {kind}")))?;
        asked += until.duration_since(from).as_secs() / period;
        if query.get("ReturnData").and_then(Value::as_bool) == Some(false) {
            continue;
        }
        let mut buckets: BTreeMap<i64, Point> = BTreeMap::new();
        for point in series(world, &metric, from, until).into_iter().filter(|_| is_kept(world.now, from, period)) {
            let bucket = point.at.as_second().div_euclid(period) * period;
            buckets.entry(bucket).and_modify(|bucket| *bucket = bucket.with(point)).or_insert(point);
        }
        let mut points: Vec<(f64, f64)> = buckets
            .into_iter()
            .filter_map(|(start, bucket)| Some((seconds(Timestamp::from_second(start).ok()?), statistic(&bucket))))
            .collect();
        if newest_first {
            points.reverse();
        }
        let (times, values): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
        let label = text(query, "Label").unwrap_or(&metric.name);
        results.push(json!({"Id": id, "Label": label, "Timestamps": times, "Values": values, "StatusCode": "Complete"}));
    }
    if MOST_POINTS < asked {
        // AWS returns a NextToken here. No function asks for so many points.
        return Err(Refusal::not_simulated("cloudwatch", &format!("GetMetricData of more than {MOST_POINTS} data points")));
    }
    Ok(json!({"MetricDataResults": results, "Messages": []}))
}

/// Whether CloudWatch still has data of this period: older data is only there for longer periods (aws-facts §4).
fn is_kept(now: Timestamp, from: Timestamp, period: i64) -> bool {
    match now.duration_since(from).as_hours() / 24 {
        ..15 => true,
        15..63 => period % 300 == 0,
        _ => period % 3600 == 0,
    }
}

fn statistic(name: &str) -> Option<fn(&Point) -> f64> {
    Some(match name {
        "Minimum" => |point| point.least,
        "Maximum" => |point| point.most,
        "Sum" => |point| point.sum,
        "SampleCount" => |point| point.count,
        "Average" => |point| point.sum / point.count,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{estate::Estate, services};

    const ESTATE: &str = r#"
        start = "2026-11-23T07:30:00Z"
        [[notebook]]
        name = "agent"
        since = "-1h"
        used = "mon-fri/09:00-11:00@Europe/Berlin"
        [[notebook]]
        name = "none"
    "#;

    fn world(now: &str) -> World {
        let mut world = World::new(Estate::from_toml(ESTATE).unwrap());
        world.live_until(now.parse().unwrap());
        world
    }

    fn at(time: &str) -> f64 {
        seconds(time.parse().unwrap())
    }

    fn asked(world: &mut World, namespace: &str, metric: &str, stat: &str, from: &str, until: &str) -> Result<Value, String> {
        let dimensions = json!([{"Name": AGENT_DIMENSION, "Value": "agent"}]);
        let stat = json!({"Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}, "Period": 300, "Stat": stat});
        let input = json!({"MetricDataQueries": [{"Id": "a", "MetricStat": stat}], "StartTime": at(from), "EndTime": at(until), "ScanBy": "TimestampAscending"});
        let answer = services::call(world, "cloudwatch", "GetMetricData", &input).map_err(|refusal| refusal.message)?;
        Ok(answer["MetricDataResults"][0]["Values"].clone())
    }

    #[test]
    fn an_agent_counts_from_its_start_is_zero_in_use_and_counts_on_after() {
        let mut world = world("2026-11-23T10:20:00Z");
        let mut idle = |from, until| asked(&mut world, AGENT_NAMESPACE, AGENT_METRIC, "Minimum", from, until).unwrap();
        // It was started at 06:30 and used from 08:00 to 10:00 UTC.
        assert_eq!(idle("2026-11-23T06:30:00Z", "2026-11-23T06:45:00Z"), json!([0.0, 300.0, 600.0]));
        assert_eq!(idle("2026-11-23T07:55:00Z", "2026-11-23T08:10:00Z"), json!([5100.0, 0.0, 0.0]));
        assert_eq!(idle("2026-11-23T10:05:00Z", "2026-11-23T11:00:00Z"), json!([300.0, 600.0, 900.0, 1200.0]));
        let all = idle("2026-11-23T06:30:00Z", "2026-11-23T10:15:00Z");
        assert_eq!(all.as_array().unwrap()[42..], [0.0, 300.0, 600.0].map(Value::from), "one query over both times without use");
    }

    #[test]
    fn lists_what_is_active_with_its_dimensions() {
        let mut world = world("2026-11-23T10:20:00Z");
        let own = json!({"Namespace": "Own", "MetricData": [
            {"MetricName": "x", "Value": 1.0, "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}], "Timestamp": at("2026-11-23T05:00:00Z")},
        ]});
        services::call(&mut world, "cloudwatch", "PutMetricData", &own).unwrap();
        let mut count =
            |input: Value| services::call(&mut world, "cloudwatch", "ListMetrics", &input).unwrap()["Metrics"].as_array().unwrap().len();
        assert_eq!(count(json!({})), 2);
        assert_eq!(count(json!({"RecentlyActive": "PT3H"})), 1);
        assert_eq!(count(json!({"Dimensions": [{"Name": "b"}]})), 1);
        assert_eq!(count(json!({"Dimensions": [{"Name": "b", "Value": "3"}]})), 0);
    }

    #[test]
    fn every_statistic_of_every_form_of_datum() {
        let mut world = world("2026-11-23T10:20:00Z");
        let dimensions = json!([{"Name": AGENT_DIMENSION, "Value": "agent"}]);
        let datum = |mut more: Value| {
            more["MetricName"] = "x".into();
            more["Dimensions"] = dimensions.clone();
            more["Timestamp"] = at("2026-11-23T10:00:00Z").into();
            more
        };
        let data = [
            datum(json!({"Value": 1.0})),
            datum(json!({"Values": [2.0, 4.0], "Counts": [3.0, 1.0]})),
            datum(json!({"StatisticValues": {"SampleCount": 5.0, "Sum": 19.0, "Minimum": 0.5, "Maximum": 8.0}})),
        ];
        services::call(&mut world, "cloudwatch", "PutMetricData", &json!({"Namespace": "Own", "MetricData": data})).unwrap();
        for (stat, value) in [("Sum", 30.0), ("SampleCount", 10.0), ("Average", 3.0), ("Minimum", 0.5), ("Maximum", 8.0)] {
            let values = asked(&mut world, "Own", "x", stat, "2026-11-23T09:00:00Z", "2026-11-23T10:30:00Z").unwrap();
            assert_eq!(values, json!([value]), "{stat}");
        }
        let refused = asked(&mut world, "Own", "x", "p90", "2026-11-23T09:00:00Z", "2026-11-23T10:30:00Z").unwrap_err();
        assert!(refused.contains("not simulated"), "{refused}");
        let refused = asked(&mut world, "Own", "x", "Sum", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z").unwrap_err();
        assert!(refused.contains("EndTime"), "{refused}");
        let own = json!({"Namespace": "AWS/SageMaker", "MetricData": [datum(json!({"Value": 1.0}))]});
        assert!(services::call(&mut world, "cloudwatch", "PutMetricData", &own).unwrap_err().message.contains("AWS/SageMaker"));
    }
}
