//! Scheduled actions: when they fire, and the bounds that they set (aws-facts §3.3).

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

use crate::{
    guard::schedule::Expression,
    life::scaling::{Action, Scalable},
    wire::text,
    world::{Due, World},
};

/// How far ahead a next time is looked for, in days.
const AHEAD: [i64; 3] = [8, 40, 800];

/// When an action fires.
pub(crate) enum When {
    Once(Timestamp),
    Again(Expression),
}

impl When {
    /// `at(2026-11-24T09:00:00)`, `rate(1 hour)`, `cron(0 9 ? * MON-FRI *)`; the error says what was expected.
    pub(crate) fn of(schedule: &str, zone: &TimeZone) -> Result<Self, String> {
        if let Some(at) = schedule.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')')) {
            let wall: DateTime = at.parse().map_err(|_| format!("Schedule expression '{schedule}' is not valid."))?;
            let at = zone.to_ambiguous_timestamp(wall).compatible().map_err(|error| error.to_string())?;
            return Ok(Self::Once(at));
        }
        schedule.parse().map(Self::Again).map_err(|error: anyhow::Error| format!("{error:#}"))
    }

    fn next(&self, zone: &TimeZone, since: Timestamp, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once(at) => Some(*at).filter(|at| after < *at),
            Self::Again(expression) => AHEAD.iter().find_map(|days| {
                let until = after + SignedDuration::from_hours(24 * days);
                expression.between(zone, since, after, until).into_iter().min()
            }),
        }
    }
}

/// The time zone of an action; UTC if it names none.
pub(crate) fn zone_of(input: &Value) -> Result<TimeZone, String> {
    let name = text(input, "Timezone").unwrap_or("UTC");
    TimeZone::get(name).map_err(|_| format!("Timezone '{name}' is not valid."))
}

/// A moment in an input, in seconds.
fn moment(input: &Value, name: &str) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    input.get(name).and_then(Value::as_f64).and_then(|seconds| Timestamp::from_millisecond((seconds * 1000.0) as i64).ok())
}

impl Action {
    pub(crate) fn new(arn: String, created: Timestamp, input: Value, number: u64) -> Self {
        Self { arn, created, input, number }
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = zone_of(&self.input).ok()?;
        let when = When::of(text(&self.input, "Schedule")?, &zone).ok()?;
        let start = moment(&self.input, "StartTime");
        let since = start.unwrap_or(self.created);
        let after = start.map_or(now, |start| now.max(start - SignedDuration::from_secs(1)));
        when.next(&zone, since, after).filter(|at| moment(&self.input, "EndTime").is_none_or(|end| *at <= end))
    }
}

impl World {
    /// Puts the next time of a scheduled action on the agenda.
    pub(crate) fn plan_action(&mut self, of: &Scalable, name: &str) {
        let now = self.now;
        let action = self.scaling.targets.get(of).and_then(|target| target.actions.get(name));
        if let Some((at, number)) = action.and_then(|action| Some((action.next(now)?, action.number))) {
            self.at(at, Due::Scheduled(of.clone(), name.to_owned(), number));
        }
    }

    /// A scheduled action fires: it sets the bounds, and the capacity follows at once.
    pub(crate) fn scale_by_schedule(&mut self, of: &Scalable, name: &str, number: u64) {
        let Some(target) = self.scaling.targets.get_mut(of) else { return };
        let Some(action) = target.actions.get(name).filter(|action| action.number == number) else { return };
        let bound = |which: &str| action.input.get("ScalableTargetAction")?.get(which)?.as_u64();
        let (least, most) = (bound("MinCapacity"), bound("MaxCapacity"));
        if !target.suspended.scheduled {
            (target.least, target.most) = (least.unwrap_or(target.least), most.unwrap_or(target.most));
            // Only one of the two may be given: the other gives way.
            if target.most < target.least {
                if least.is_some() { target.most = target.least } else { target.least = target.most }
            }
            let bounds = (target.least, target.most);
            self.note_bounds(of, bounds, &format!("scheduled action name {name} was triggered"));
            self.clamp_capacity(of);
        }
        self.plan_action(of, name);
    }
}
