//! Endpoints that the guard has hibernated, as the ledger remembers them.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    facts::subject::Subject,
    remedy::WakesBy,
    vocabulary::{duration::Duration, resource::Resource},
};

/// The shortest and the longest pause between two attempts to create an endpoint again.
const PAUSES: [SignedDuration; 2] = [SignedDuration::from_mins(15), SignedDuration::from_hours(6)];

/// What the ledger remembers of an endpoint that was hibernated, without what it takes to create it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hibernation {
    /// How far it has come.
    pub stage: HibernationStage,
    /// When this stage was reached.
    pub at: Timestamp,
    /// What wakes it.
    pub wakes: WakesBy,
    /// When it was hibernated.
    pub since: Timestamp,
    /// When the endpoint was created first. Hibernating does not make it a new one.
    pub first_created: Timestamp,
    /// What it costs in USD per hour while it runs. `None`: not known.
    pub usd_per_hour: Option<Decimal>,
    /// How long AWS took to create it again, the last time. `None`: it was never created again.
    pub took: Option<Duration>,
    /// Why it could not be created again so far. `None`: nothing has failed.
    pub failed: Option<FailedWake>,
    /// When it was to be created again, by the hours of the time when it was hibernated. `None`: when somebody asks, or not known.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Whether the guard, and not a person, has asked AWS to create it in this stage.
    #[serde(default)]
    pub is_created_by_guard: bool,
}

/// How far a hibernation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HibernationStage {
    /// Everything is stored. The endpoint may be deleted already, or not.
    Deleting,
    /// The endpoint is deleted.
    Asleep,
    /// It shall be created again. It may be there already, without all of what it had.
    Waking,
    /// It is as it was. What was stored is kept, because the guard may hibernate it again.
    Awake,
}

/// Whether an endpoint can be created again as it was, as far as only a closer look shows: what depends on it, and whether all that it is made of can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CanSleep {
    /// Nobody has looked.
    #[default]
    NotLooked,
    /// Nothing speaks against it.
    Yes,
    /// It cannot, for this reason.
    No(String),
    /// It is not known, for this reason.
    Unknown(String),
}

/// An attempt to create an endpoint again that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FailedWake {
    /// Why, with AWS's own words.
    pub why: String,
    /// When it failed for the first time.
    pub since: Timestamp,
    /// When it is tried again.
    pub retry_after: Timestamp,
}

/// An endpoint that sleeps, or that is being created again.
#[derive(Clone, Debug)]
pub struct SleepingEndpoint {
    /// The endpoint's id, ARN, name, tags and owner, as they were.
    pub resource: Resource,
    /// The name of its configuration.
    pub config: String,
    /// What the ledger remembers.
    pub hibernation: Hibernation,
}

impl Hibernation {
    /// Whether the endpoint is not there, or not yet as it was.
    pub const fn is_open(&self) -> bool {
        !matches!(self.stage, HibernationStage::Awake)
    }

    /// When an endpoint with this creation time was created first. One that somebody has created since is a new one.
    pub fn first_created_of(&self, created: Timestamp) -> Timestamp {
        let is_ours = self.stage == HibernationStage::Awake && created <= self.at;
        if is_ours { self.first_created.min(created) } else { created }
    }

    /// Reaches a stage.
    pub const fn reach(&mut self, stage: HibernationStage, now: Timestamp) {
        (self.stage, self.at, self.is_created_by_guard) = (stage, now, false);
    }

    /// The same after a step failed that is taken again in the next run. If it has failed for longer than `patience`, that counts as a failure to create it.
    #[must_use]
    pub fn out_of_patience(&self, why: &str, patience: SignedDuration, now: Timestamp) -> Self {
        let is_new = self.failed.as_ref().is_none_or(|failed| failed.retry_after <= now);
        if self.stage == HibernationStage::Waking && is_new && patience <= now.duration_since(self.at) {
            return self.failing(why.to_owned(), now);
        }
        self.clone()
    }

    /// What it has saved between two times, in USD, at most until it was woken. `None`: its price is not known.
    pub fn saved_between(&self, from: Timestamp, until: Timestamp) -> Option<Decimal> {
        let is_woken = matches!(self.stage, HibernationStage::Waking | HibernationStage::Awake);
        let until = if is_woken { until.min(self.at) } else { until };
        Some(self.usd_per_hour? * Duration::between(self.since.max(from), until).in_hours())
    }

    /// The same after an attempt to create it again has failed. Each pause is as long as all time since the first failure.
    #[must_use]
    pub fn failing(&self, why: String, now: Timestamp) -> Self {
        let since = self.failed.as_ref().map_or(now, |failed| failed.since);
        let [shortest, longest] = PAUSES;
        let retry_after = now + now.duration_since(since).clamp(shortest, longest);
        Self { failed: Some(FailedWake { why, since, retry_after }), ..self.clone() }
    }
}

impl Subject for SleepingEndpoint {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    /// Its tags cannot be changed while it sleeps.
    fn has_guard_tags(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::hibernation;

    fn asleep() -> Hibernation {
        Hibernation { usd_per_hour: Some(Decimal::TWO), ..hibernation(HibernationStage::Asleep, "2026-11-24T18:00:00Z") }
    }

    #[test]
    fn pauses_grow_with_the_time_since_the_first_failure() {
        let (mut one, mut now, mut pauses) = (asleep(), asleep().at, vec![]);
        for _ in 0..8 {
            one = one.failing("no capacity".into(), now);
            let retry_after = one.failed.as_ref().unwrap().retry_after;
            pauses.push(retry_after.duration_since(now).as_mins());
            now = retry_after;
        }
        assert_eq!(pauses, [15, 15, 30, 60, 120, 240, 360, 360]);
        assert_eq!(one.failed.unwrap().since, asleep().at);
    }

    #[test]
    fn it_saves_by_the_hour() {
        assert_eq!(asleep().saved_between(Timestamp::UNIX_EPOCH, "2026-11-25T06:00:00Z".parse().unwrap()), Some(Decimal::from(24)));
        assert_eq!(asleep().saved_between(Timestamp::UNIX_EPOCH, "2026-11-24T17:00:00Z".parse().unwrap()), Some(Decimal::ZERO));
        let mut woken = asleep();
        woken.reach(HibernationStage::Awake, "2026-11-25T06:00:00Z".parse().unwrap());
        assert_eq!(woken.saved_between(Timestamp::UNIX_EPOCH, "2026-12-25T06:00:00Z".parse().unwrap()), Some(Decimal::from(24)));
    }

    #[test]
    fn the_ledger_reads_what_it_wrote() {
        let one = asleep().failing("no capacity".into(), asleep().at);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Hibernation>(&text).unwrap(), one, "{text}");
    }
}
