//! A deployed template's triggers: which functions an event is delivered to, and when the schedules fire.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context as _, bail};
use jiff::{Timestamp, tz::TimeZone};
use quamina::Quamina;
use serde_json::Value;

use crate::{
    estate::times::zone_named,
    guard::{
        schedule::Expression,
        template::{Deployed, only},
    },
};

/// The triggers of a deployed template's functions.
pub struct Stack {
    since: Timestamp,
    functions: Vec<String>,
    schedules: Vec<Schedule>,
    /// The patterns of the enabled `EventBridge` rules, each with its function's name.
    patterns: Quamina<String>,
    /// The subscribed functions, by topic ARN.
    subscriptions: BTreeMap<String, Vec<String>>,
}

/// A schedule of a function.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The function's name.
    pub function: String,
    /// Its name in the template.
    pub name: String,
    /// When it fires.
    pub expression: Expression,
    /// The time zone of a `cron(…)`.
    pub zone: TimeZone,
    /// The event that the function gets.
    pub input: Value,
    /// A disabled schedule never fires.
    pub enabled: bool,
}

/// A moment at which a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// When.
    pub at: Timestamp,
    /// The function that it wakes.
    pub function: String,
    /// The schedule's name in the template.
    pub schedule: String,
    /// The event that the function gets.
    pub input: Value,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("functions", &self.functions).field("schedules", &self.schedules).finish_non_exhaustive()
    }
}

impl Stack {
    pub(crate) fn new(functions: &[Deployed], since: Timestamp) -> anyhow::Result<Self> {
        let mut stack = Self { since, functions: vec![], schedules: vec![], patterns: Quamina::new(), subscriptions: BTreeMap::new() };
        for function in functions {
            stack.functions.push(function.name.clone());
            for (name, (kind, properties)) in &function.events {
                stack.add(&function.name, name, kind, properties).with_context(|| format!("{}, {name}", function.logical))?;
            }
        }
        stack.functions.sort();
        Ok(stack)
    }

    fn add(&mut self, function: &str, name: &str, kind: &str, properties: &Value) -> anyhow::Result<()> {
        let text = |of: &str| properties.get(of).and_then(Value::as_str);
        let enabled = match text("State") {
            None | Some("ENABLED") => true,
            Some("DISABLED") => false,
            Some(other) => bail!("State is `{other}`: expected ENABLED or DISABLED"),
        };
        let always = ["State", "RetryPolicy", "DeadLetterConfig"];
        match kind {
            "ScheduleV2" => {
                let own =
                    ["OmitName", "PermissionsBoundary", "Name", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "Input"];
                only(properties, &[&always[..], &own].concat())?;
                let zone = text("ScheduleExpressionTimezone").unwrap_or("UTC");
                self.schedules.push(Schedule {
                    function: function.to_owned(),
                    name: name.to_owned(),
                    expression: text("ScheduleExpression").context("ScheduleExpression is missing")?.parse()?,
                    zone: zone_named(zone)?,
                    input: serde_json::from_str(text("Input").context("a schedule without an Input is not simulated")?).context("Input")?,
                    enabled,
                });
            }
            "EventBridgeRule" => {
                only(properties, &[&always[..], &["Pattern"]].concat())?;
                let pattern = properties.get("Pattern").context("Pattern is missing")?;
                // The pattern of a disabled rule must be valid, too.
                let mut trial: Quamina<String> = Quamina::new();
                let patterns = if enabled { &mut self.patterns } else { &mut trial };
                patterns.add_pattern(function.to_owned(), &pattern.to_string()).with_context(|| pattern.to_string())?;
            }
            "SNS" => {
                only(properties, &["Topic", "RedrivePolicy"])?;
                let topic = text("Topic").context("Topic is missing")?;
                self.subscriptions.entry(topic.to_owned()).or_default().push(function.to_owned());
            }
            other => bail!("triggers of type `{other}` are not simulated: ScheduleV2, EventBridgeRule, SNS"),
        }
        Ok(())
    }

    /// The functions that are deployed, by name.
    pub fn functions(&self) -> &[String] {
        &self.functions
    }

    /// The schedules, disabled ones included.
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// The functions that an event is delivered to: by the patterns of the rules, or by the subscriptions if it is a topic's message.
    ///
    /// # Errors
    /// The value is not an event.
    pub fn targets(&self, event: &Value) -> anyhow::Result<Vec<String>> {
        if let Some(topic) = event.pointer("/Records/0/Sns/TopicArn").and_then(Value::as_str) {
            return Ok(self.subscriptions.get(topic).cloned().unwrap_or_default());
        }
        let mut targets = self.patterns.matches_for_event(event.to_string().as_bytes()).with_context(|| event.to_string())?;
        targets.sort();
        Ok(targets)
    }

    /// What fires later than `after` and not later than `until`, sorted by time, function and schedule.
    pub fn firings(&self, after: Timestamp, until: Timestamp) -> Vec<Firing> {
        let mut firings: Vec<Firing> = self.schedules.iter().flat_map(|schedule| self.firings_of(schedule, after, until)).collect();
        firings.sort_by(|a, b| (a.at, &a.function, &a.schedule).cmp(&(b.at, &b.function, &b.schedule)));
        firings
    }

    fn firings_of(&self, schedule: &Schedule, after: Timestamp, until: Timestamp) -> Vec<Firing> {
        if !schedule.enabled {
            return vec![];
        }
        let moments = schedule.expression.between(&schedule.zone, self.since, after, until);
        let firing =
            |at| Firing { at, function: schedule.function.clone(), schedule: schedule.name.clone(), input: schedule.input.clone() };
        moments.into_iter().map(firing).collect()
    }
}

#[cfg(test)]
mod tests;
