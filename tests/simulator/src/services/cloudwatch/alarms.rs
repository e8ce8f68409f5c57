//! CloudWatch's metric alarms: put, described and deleted. What they do is in `life::alarms`.

use serde_json::{Value, json};

use super::{Metric, data::statistic, invalid, metric};
use crate::{
    life::alarms::{Alarm, Fill, Watched},
    wire::{Refusal, text, with_token},
    world::World,
};

const MOST_PER_PAGE: usize = 100;
const OPERATORS: [&str; 4] = ["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"];

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn arn_of(world: &World, name: &str) -> String {
    format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", world.region, world.account)
}

/// The ARN that a role must allow: of one alarm, or of all.
pub(super) fn arn_in(world: &World, input: &Value) -> String {
    let of = text(input, "AlarmName").or_else(|| list(input, "AlarmNames").first().and_then(Value::as_str));
    arn_of(world, of.unwrap_or("*"))
}

fn required(name: &str) -> Refusal {
    invalid("MissingParameter", format!("The parameter {name} is required."))
}

/// What an alarm, or the customized metric of a policy, looks at: one metric, or `FILL` of one.
pub(crate) fn watched(of: &Value, period: i64) -> Result<Watched, Refusal> {
    let queries = list(of, "Metrics");
    if queries.is_empty() {
        let name = text(of, "MetricName").ok_or_else(|| required("MetricName"))?;
        let metric = metric(text(of, "Namespace").unwrap_or_default(), name, of.get("Dimensions"));
        return one(metric, text(of, "Statistic").unwrap_or("Average"), period, None);
    }
    let stat_of = |id: &str| queries.iter().find(|query| text(query, "Id") == Some(id)).and_then(|query| query.get("MetricStat"));
    let shown = queries.iter().find(|query| query.get("ReturnData").and_then(Value::as_bool).unwrap_or(queries.len() == 1));
    let shown = shown.ok_or_else(|| invalid("ValidationError", "One of the Metrics must return data."))?;
    let (stat, fill) = match text(shown, "Expression") {
        None => (shown.get("MetricStat"), None),
        Some(expression) => {
            let inside = expression.strip_prefix("FILL(").and_then(|rest| rest.strip_suffix(')')).and_then(|inside| inside.split_once(','));
            let known = inside.and_then(|(id, with)| {
                let fill = if with.trim() == "REPEAT" { Fill::Repeat } else { Fill::With(with.trim().parse().ok()?) };
                Some((stat_of(id.trim())?, fill))
            });
            let (stat, fill) = known.ok_or_else(|| Refusal::not_simulated("cloudwatch", &format!("the expression {expression}")))?;
            (Some(stat), Some(fill))
        }
    };
    let stat = stat.ok_or_else(|| required("Metrics.member.1.MetricStat"))?;
    let of = stat.get("Metric").cloned().unwrap_or_default();
    let metric = metric(text(&of, "Namespace").unwrap_or_default(), text(&of, "MetricName").unwrap_or_default(), of.get("Dimensions"));
    one(metric, text(stat, "Stat").unwrap_or("Average"), stat.get("Period").and_then(Value::as_i64).unwrap_or(period), fill)
}

fn one(metric: Metric, stat: &str, period: i64, fill: Option<Fill>) -> Result<Watched, Refusal> {
    let statistic = statistic(stat).ok_or_else(|| Refusal::not_simulated("cloudwatch", &format!("the statistic {stat}")))?;
    Ok(Watched { metric, statistic, period, fill })
}

pub(super) fn put(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = text(input, "AlarmName").filter(|name| !name.is_empty()).ok_or_else(|| required("AlarmName"))?;
    let operator = text(input, "ComparisonOperator").ok_or_else(|| required("ComparisonOperator"))?;
    if !OPERATORS.contains(&operator) {
        return Err(Refusal::not_simulated("cloudwatch", &format!("the operator {operator}")));
    }
    let number = |name: &str| input.get(name).and_then(Value::as_i64);
    let periods = number("EvaluationPeriods").filter(|periods| 1 <= *periods).ok_or_else(|| required("EvaluationPeriods"))?;
    if number("DatapointsToAlarm").is_some_and(|wanted| wanted < 1 || periods < wanted) {
        return Err(invalid("ValidationError", "DatapointsToAlarm must be at least 1 and not more than EvaluationPeriods."));
    }
    let has_metrics = !list(input, "Metrics").is_empty();
    let period = number("Period").or(has_metrics.then_some(60)).ok_or_else(|| required("Period"))?;
    if ![10, 20, 30].contains(&period) && (period < 60 || period % 60 != 0) {
        return Err(invalid("ValidationError", "Period must be 10, 20, 30 or a multiple of 60."));
    }
    if input.get("Threshold").and_then(Value::as_f64).is_none() {
        return Err(required("Threshold"));
    }
    let missing = text(input, "TreatMissingData").unwrap_or("missing");
    if !["breaching", "notBreaching", "ignore", "missing"].contains(&missing) {
        return Err(invalid("ValidationError", format!("Option {missing} is not supported for parameter TreatMissingData.")));
    }
    let alarm = Alarm::new(input.clone(), arn_of(world, name), watched(input, period)?, world.now);
    world.put_alarm(name, alarm);
    Ok(json!({}))
}

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let names: Vec<&str> = list(input, "AlarmNames").iter().filter_map(Value::as_str).collect();
    if !names.is_empty() && input.get("AlarmNamePrefix").is_some() {
        return Err(invalid("ValidationError", "AlarmNamePrefix and AlarmNames are mutually exclusive"));
    }
    let types = list(input, "AlarmTypes");
    let size = match input.get("MaxRecords").and_then(Value::as_i64) {
        None => 50,
        Some(size @ 1..=100) => usize::try_from(size).unwrap_or(MOST_PER_PAGE),
        Some(_) => return Err(invalid("ValidationError", "MaxRecords must be between 1 and 100.")),
    };
    let after = match text(input, "NextToken").map(|token| token.strip_prefix("after:")) {
        None => "",
        Some(Some(after)) => after,
        Some(None) => return Err(invalid("InvalidNextToken", "The next token specified is invalid.")),
    };
    let wanted = |(name, alarm): &(&String, &Alarm)| {
        (names.is_empty() || names.contains(&name.as_str()))
            && text(input, "AlarmNamePrefix").is_none_or(|prefix| name.starts_with(prefix))
            && text(input, "StateValue").is_none_or(|state| alarm.state == state)
            && text(input, "ActionPrefix").is_none_or(|prefix| alarm.actions().any(|action| action.starts_with(prefix)))
            && (types.is_empty() || types.iter().any(|one| one == "MetricAlarm"))
            && after < name.as_str()
    };
    let found: Vec<(&String, &Alarm)> = world.alarms.all.iter().filter(wanted).take(size + 1).collect();
    let next = (size < found.len()).then(|| found.get(size - 1).map(|(name, _)| format!("after:{name}"))).flatten();
    let page: Vec<Value> = found.iter().take(size).map(|(_, alarm)| alarm.described()).collect();
    Ok(with_token(json!({"CompositeAlarms": [], "MetricAlarms": page}), next))
}

pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let names: Vec<&str> = list(input, "AlarmNames").iter().filter_map(Value::as_str).collect();
    if MOST_PER_PAGE < names.len() {
        return Err(invalid("ValidationError", "The collection AlarmNames must not have a size greater than 100."));
    }
    // "If you specify incorrect alarm names, or any alarm that does not exist, none is deleted and an error is returned" (API reference).
    if names.iter().any(|name| !world.alarms.all.contains_key(*name)) {
        return Err(Refusal::new(404, "ResourceNotFound", "Alarm does not exist"));
    }
    world.alarms.all.retain(|name, _| !names.contains(&name.as_str()));
    Ok(json!({}))
}
