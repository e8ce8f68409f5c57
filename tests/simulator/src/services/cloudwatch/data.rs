//! `GetMetricData`: the data points of many metrics, by periods and by pages.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Metric, Point, invalid, metric, series, time};
use crate::{
    wire::{Refusal, seconds, text, with_token},
    world::World,
};

/// AWS's limits of queries and of data points per answer (aws-facts §4).
const MOST_QUERIES: usize = 500;
const MOST_POINTS: i64 = 100_800;

type Statistic = fn(&Point) -> f64;

/// What is asked for.
struct Query<'a> {
    id: &'a str,
    label: Option<&'a str>,
    metric: Metric,
    period: i64,
    statistic: Statistic,
    is_shown: bool,
}

/// The times that are asked for.
#[derive(Clone, Copy)]
struct Span {
    from: Timestamp,
    until: Timestamp,
    newest_first: bool,
}

/// How far earlier pages have got: the query, and how many of its periods are done.
#[derive(Clone, Copy, Default)]
struct Place {
    query: usize,
    periods: i64,
}

pub(super) fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let queries: Vec<&Value> = input.get("MetricDataQueries").and_then(Value::as_array).into_iter().flatten().collect();
    if queries.is_empty() || MOST_QUERIES < queries.len() {
        let message = format!("The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}.");
        return Err(invalid("ValidationError", message));
    }
    let bound = |name: &str| {
        input.get(name).and_then(time).ok_or_else(|| invalid("MissingParameter", format!("The parameter {name} is required.")))
    };
    let span =
        Span { from: bound("StartTime")?, until: bound("EndTime")?, newest_first: text(input, "ScanBy") != Some("TimestampAscending") };
    if span.until <= span.from {
        return Err(invalid("ValidationError", "The parameter EndTime must be greater than StartTime."));
    }
    let mut ids = BTreeSet::new();
    let queries = queries.into_iter().map(|query| read(query, &mut ids)).collect::<Result<Vec<_>, _>>()?;
    let (results, next) = page(world, &queries, span, place_of(input)?);
    Ok(with_token(json!({"MetricDataResults": results, "Messages": []}), next))
}

fn place_of(input: &Value) -> Result<Place, Refusal> {
    let Some(token) = text(input, "NextToken") else { return Ok(Place::default()) };
    // The token of a fault that repeats pages comes from a call without one.
    if token == "after:" {
        return Ok(Place::default());
    }
    let place =
        token.split_once(':').and_then(|(query, periods)| Some(Place { query: query.parse().ok()?, periods: periods.parse().ok()? }));
    place.ok_or_else(|| invalid("InvalidNextToken", "The next token specified is invalid."))
}

fn read<'a>(query: &'a Value, ids: &mut BTreeSet<&'a str>) -> Result<Query<'a>, Refusal> {
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
    let of_aws = metric.namespace.starts_with("AWS/") || metric.namespace.starts_with("/aws/");
    let known = statistic(kind).or_else(|| percentile(kind).filter(|_| of_aws));
    let statistic = known.ok_or_else(|| Refusal::not_simulated("cloudwatch", &format!("the statistic {kind}")))?;
    let is_shown = query.get("ReturnData").and_then(Value::as_bool) != Some(false);
    Ok(Query { id, label: text(query, "Label"), metric, period, statistic, is_shown })
}

/// As many data points as an answer holds, from a place on. A query that does not fit is cut, and goes on in the next page.
fn page(world: &World, queries: &[Query<'_>], span: Span, place: Place) -> (Vec<Value>, Option<String>) {
    let (mut results, mut room) = (vec![], MOST_POINTS);
    for (number, query) in queries.iter().enumerate().skip(place.query).filter(|(_, query)| query.is_shown) {
        let done = if number == place.query { place.periods } else { 0 };
        if room == 0 {
            return (results, Some(format!("{number}:{done}")));
        }
        let left = span.until.duration_since(span.from).as_secs().div_euclid(query.period) + 1 - done;
        let now = left.min(room);
        let (times, values): (Vec<f64>, Vec<f64>) = points(world, query, span, (done, done + now)).into_iter().unzip();
        let status = if now < left { "PartialData" } else { "Complete" };
        let label = query.label.unwrap_or(&query.metric.name);
        results.push(json!({"Id": query.id, "Label": label, "Timestamps": times, "Values": values, "StatusCode": status}));
        if now < left {
            return (results, Some(format!("{number}:{}", done + now)));
        }
        room -= now;
    }
    (results, None)
}

/// The data points of some of the periods, counted from the first that is returned.
fn points(world: &World, query: &Query<'_>, span: Span, (first, end): (i64, i64)) -> Vec<(f64, f64)> {
    if !is_kept(world.now, span.from, query.period) {
        return vec![];
    }
    let period = |at: Timestamp| at.as_second().div_euclid(query.period);
    let (oldest, newest) = (period(span.from), period(span.until));
    let mut all = series(world, &query.metric, span.from, span.until);
    all.sort_by_key(|point| point.at);
    let mut buckets: Vec<(i64, Point)> = vec![];
    for point in all {
        match buckets.last_mut() {
            Some((last, bucket)) if *last == period(point.at) => *bucket = bucket.with(point),
            _ => buckets.push((period(point.at), point)),
        }
    }
    let place = |bucket: i64| if span.newest_first { newest - bucket } else { bucket - oldest };
    let wanted = buckets.into_iter().filter(|(bucket, _)| (first..end).contains(&place(*bucket)));
    let mut points: Vec<(f64, f64)> = wanted
        .filter_map(|(bucket, point)| Some((seconds(Timestamp::from_second(bucket * query.period).ok()?), (query.statistic)(&point))))
        .collect();
    if span.newest_first {
        points.reverse();
    }
    points
}

/// Whether CloudWatch still has data of this period: older data is only there for longer periods (aws-facts §4).
fn is_kept(now: Timestamp, from: Timestamp, period: i64) -> bool {
    match now.duration_since(from).as_hours() / 24 {
        ..15 => true,
        15..63 => period % 300 == 0,
        _ => period % 3600 == 0,
    }
}

pub(super) fn statistic(name: &str) -> Option<Statistic> {
    Some(match name {
        "Minimum" => |point| point.least,
        "Maximum" => |point| point.most,
        "Sum" => |point| point.sum,
        "SampleCount" => |point| point.count,
        "Average" => |point| point.sum / point.count,
        _ => return None,
    })
}

/// Percentiles of AWS's own metrics, guessed from the least and the most: few values are large.
fn percentile(name: &str) -> Option<Statistic> {
    fn at(point: &Point, part: f64) -> f64 {
        point.least + (point.most - point.least) * part.powi(6)
    }
    Some(match name {
        "p50" => |point| at(point, 0.5),
        "p90" => |point| at(point, 0.9),
        "p95" => |point| at(point, 0.95),
        "p99" => |point| at(point, 0.99),
        _ => return None,
    })
}
