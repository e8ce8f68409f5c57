//! CloudWatch metrics: those that were published, and those that the idle agents of the estate's notebooks publish every five minutes.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    life::hosting::traffic::{minute_of, moment_of},
    services::{On, Operation},
    wire::{Refusal, text, with_token},
    world::{Notebook, World},
};

pub(crate) mod alarms;
mod data;

const AGENT_NAMESPACE: &str = "CostGuard/Notebooks";
const AGENT_METRIC: &str = "IdleSeconds";
const AGENT_DIMENSION: &str = "NotebookInstanceName";
const AGENT_PERIOD: i64 = 300;

/// AWS's limit (aws-facts §4).
const METRICS_PER_PAGE: usize = 500;

/// A metric: namespace, name, and dimensions sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
}

/// The samples that were published for one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) at: Timestamp,
    pub(crate) sum: f64,
    pub(crate) count: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("PutMetricData", On::Nothing, put),
    Operation::new("ListMetrics", On::Nothing, |world, input| list(world, input)),
    Operation::new("GetMetricData", On::Nothing, |world, input| data::get(world, input)),
    Operation::new("PutMetricAlarm", On::Of(alarms::arn_in), alarms::put),
    Operation::new("DescribeAlarms", On::Of(alarms::arn_in), |world, input| alarms::describe(world, input)),
    Operation::new("DeleteAlarms", On::Of(alarms::arn_in), alarms::delete),
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
    pub(crate) fn with(self, other: Self) -> Self {
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

/// The data points of a metric, oldest first where they are AWS's own.
pub(crate) fn series(world: &World, metric: &Metric, from: Timestamp, until: Timestamp) -> Vec<Point> {
    // A minute is there when it is over, or as much later as the estate says.
    let later = world.hosting.spec.metric_delay.signed() - SignedDuration::from_mins(1);
    if let Some(points) = world.hosting.points(metric, from, until.min(moment_of(minute_of(world.now)) - later)) {
        return points;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{estate::Estate, services, wire::seconds};

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
