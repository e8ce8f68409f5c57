//! CloudWatch's alarms: each minute they look at their metrics, and while one is in alarm it calls its scaling actions every minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    life::hosting::traffic::{minute_of, moment_of},
    services::cloudwatch::{Metric, Point, series},
    wire::{seconds, text},
    world::{Due, World},
};

/// All alarms, by name.
#[derive(Default)]
pub(crate) struct Alarms {
    pub(crate) all: BTreeMap<String, Alarm>,
    /// Whether the next look is on the agenda.
    is_planned: bool,
}

/// How a missing data point is filled in (`FILL` of metric math).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fill {
    With(f64),
    Repeat,
}

/// What an alarm looks at.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) metric: Metric,
    pub(crate) statistic: fn(&Point) -> f64,
    /// In seconds.
    pub(crate) period: i64,
    pub(crate) fill: Option<Fill>,
}

/// An alarm.
#[derive(Clone)]
pub(crate) struct Alarm {
    /// The input of `PutMetricAlarm`, or what Application Auto Scaling put.
    pub(crate) input: Value,
    pub(crate) arn: String,
    pub(crate) watched: Watched,
    pub(crate) state: &'static str,
    reason: String,
    changed: Timestamp,
    configured: Timestamp,
}

/// A scaling action that an alarm calls.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) alarm: String,
    /// The ARN of the policy, perhaps with `:createdBy/…`.
    pub(crate) action: String,
    /// The last data point.
    pub(crate) value: f64,
    /// The minute of the last data point.
    pub(crate) minute: i64,
    pub(crate) threshold: f64,
}

impl Alarm {
    pub(crate) fn new(input: Value, arn: String, watched: Watched, now: Timestamp) -> Self {
        let reason = "Unchecked: Initial alarm creation".to_owned();
        Self { input, arn, watched, state: "INSUFFICIENT_DATA", reason, changed: now, configured: now }
    }

    fn number(&self, name: &str, absent: i64) -> i64 {
        self.input.get(name).and_then(Value::as_i64).unwrap_or(absent)
    }

    pub(crate) fn threshold(&self) -> f64 {
        self.input.get("Threshold").and_then(Value::as_f64).unwrap_or_default()
    }

    fn breaches(&self, value: f64) -> bool {
        let threshold = self.threshold();
        match text(&self.input, "ComparisonOperator").unwrap_or_default() {
            "GreaterThanThreshold" => threshold < value,
            "GreaterThanOrEqualToThreshold" => threshold <= value,
            "LessThanThreshold" => value < threshold,
            _ => value <= threshold,
        }
    }

    /// The state that follows from the last periods; a `None` has no data point.
    pub(crate) fn judged(&self, values: &[Option<f64>]) -> &'static str {
        let wanted = usize::try_from(self.number("DatapointsToAlarm", self.number("EvaluationPeriods", 1))).unwrap_or(1);
        let missing = text(&self.input, "TreatMissingData").unwrap_or("missing");
        let judged: Vec<bool> = values
            .iter()
            .filter_map(|value| match (value, missing) {
                (Some(value), _) => Some(self.breaches(*value)),
                (None, "breaching") => Some(true),
                (None, "notBreaching") => Some(false),
                (None, _) => None,
            })
            .collect();
        let breaching = judged.iter().filter(|breaches| **breaches).count();
        match () {
            () if wanted <= breaching => "ALARM",
            () if judged.is_empty() && missing == "ignore" => self.state,
            () if judged.is_empty() => "INSUFFICIENT_DATA",
            // All that is there breaches, but it is not enough to tell.
            () if judged.len() < wanted && breaching == judged.len() => {
                if self.state == "ALARM" {
                    "ALARM"
                } else {
                    "INSUFFICIENT_DATA"
                }
            }
            () => "OK",
        }
    }

    /// As `DescribeAlarms` has it.
    pub(crate) fn described(&self) -> Value {
        let mut described = self.input.clone();
        let at = seconds(self.changed);
        for (name, value) in [
            ("AlarmArn", json!(self.arn)),
            ("AlarmConfigurationUpdatedTimestamp", json!(seconds(self.configured))),
            ("StateValue", json!(self.state)),
            ("StateReason", json!(self.reason)),
            ("StateUpdatedTimestamp", json!(at)),
            ("StateTransitionedTimestamp", json!(at)),
        ] {
            described[name] = value;
        }
        for (name, absent) in
            [("ActionsEnabled", json!(true)), ("OKActions", json!([])), ("AlarmActions", json!([])), ("InsufficientDataActions", json!([]))]
        {
            if described.get(name).is_none() {
                described[name] = absent;
            }
        }
        if let Some(fields) = described.as_object_mut() {
            fields.remove("Tags");
        }
        described
    }

    pub(crate) fn actions(&self) -> impl Iterator<Item = &str> {
        self.input.get("AlarmActions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }
}

impl Watched {
    /// The values of the last periods that are there by now, oldest first, and the minute of the last.
    fn values(&self, world: &World, periods: i64) -> (Vec<Option<f64>>, i64) {
        let period = self.period.max(60);
        let later = (world.hosting.spec.metric_delay.signed().as_mins() - 1).max(0) * 60;
        let end = (minute_of(world.now) * 60 - later).div_euclid(period) * period;
        let begin = end - periods * period;
        let moment = |second: i64| moment_of(second.div_euclid(60));
        let mut buckets: BTreeMap<i64, Point> = BTreeMap::new();
        for point in series(world, &self.metric, moment(begin), moment(end)) {
            let bucket = point.at.as_second().div_euclid(period) * period;
            buckets.entry(bucket).and_modify(|bucket| *bucket = bucket.with(point)).or_insert(point);
        }
        let mut last = None;
        let value = |number: i64| {
            let filled = match self.fill {
                None => None,
                Some(Fill::With(value)) => Some(value),
                Some(Fill::Repeat) => last,
            };
            last = buckets.get(&(begin + number * period)).map(|point| (self.statistic)(point)).or(filled);
            last
        };
        let values = (0..periods).map(value).collect();
        (values, end.div_euclid(60) - 1)
    }
}

impl World {
    /// Adds an alarm, or replaces it. Its state is kept.
    pub(crate) fn put_alarm(&mut self, name: &str, mut alarm: Alarm) {
        if let Some(before) = self.alarms.all.get(name) {
            (alarm.state, alarm.reason, alarm.changed) = (before.state, before.reason.clone(), before.changed);
        }
        self.alarms.all.insert(name.to_owned(), alarm);
        if !self.alarms.is_planned {
            self.alarms.is_planned = true;
            self.at(moment_of(minute_of(self.now) + 1), Due::Alarms);
        }
    }

    /// Looks at all alarms, and again in a minute.
    pub(crate) fn look_at_alarms(&mut self) {
        let mut calls = vec![];
        let names: Vec<String> = self.alarms.all.keys().cloned().collect();
        for name in names {
            let Some(alarm) = self.alarms.all.get(&name) else { continue };
            let (values, minute) = alarm.watched.values(self, alarm.number("EvaluationPeriods", 1));
            let state = alarm.judged(&values);
            let last = values.iter().rev().find_map(|value| *value);
            let is_on = alarm.input.get("ActionsEnabled").and_then(Value::as_bool).unwrap_or(true);
            if let (true, "ALARM", Some(value)) = (is_on, state, last) {
                let call =
                    |action: &str| Call { alarm: name.clone(), action: action.to_owned(), value, minute, threshold: alarm.threshold() };
                calls.extend(alarm.actions().filter(|action| action.starts_with("arn:aws:autoscaling:")).map(call));
            }
            let now = self.now;
            if let Some(alarm) = self.alarms.all.get_mut(&name).filter(|alarm| alarm.state != state) {
                let reason = format!(
                    "Threshold Crossed: {} datapoints were evaluated against the threshold ({:?}).",
                    values.len(),
                    alarm.threshold()
                );
                (alarm.state, alarm.reason, alarm.changed) = (state, reason, now);
            }
        }
        self.scale_by_alarms(&calls);
        self.alarms.is_planned = !self.alarms.all.is_empty();
        if self.alarms.is_planned {
            let next = self.now + SignedDuration::from_mins(1);
            self.at(moment_of(minute_of(next)), Due::Alarms);
        }
    }
}
