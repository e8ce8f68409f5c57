//! What people do in a simulated week: `{ at = "mon-fri 08:55", zone = "Europe/Berlin", do = "start" }`.

use std::str::FromStr;

use anyhow::{Context as _, bail};
use jiff::{
    Timestamp, ToSpan as _,
    civil::{DateTime, Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, de};

use crate::estate::times::{self, zone_named};

/// Something that a person does, once or every week.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedAction {
    /// When.
    at: Occurrence,
    /// The time zone of `at`; absent: UTC.
    #[serde(default = "utc", deserialize_with = "zone")]
    zone: TimeZone,
    /// What is done.
    #[serde(rename = "do")]
    pub action: Deed,
}

/// When something is submitted or created, once or every week: `{ at = "mon-fri 09:10", zone = "Europe/Berlin" }`, or only the time, in UTC.
#[derive(Clone, Debug)]
pub struct Occasion {
    at: Occurrence,
    zone: TimeZone,
}

impl<'de> Deserialize<'de> for Occasion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            at: Occurrence,
            #[serde(default = "utc", deserialize_with = "zone")]
            zone: TimeZone,
        }
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(at) => {
                Ok(Self { at: at.parse().map_err(|error: anyhow::Error| de::Error::custom(error))?, zone: utc() })
            }
            form => {
                let Form { at, zone } = serde_json::from_value(form).map_err(de::Error::custom)?;
                Ok(Self { at, zone })
            }
        }
    }
}

impl Occasion {
    /// The first time later than `after`.
    pub(crate) fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.at.next_after(&self.zone, after)
    }
}

/// When something is done.
#[derive(Clone, Debug)]
enum Occurrence {
    /// Once: `2026-11-24 10:00`.
    Once(DateTime),
    /// On each of these days: `mon-fri 08:55`.
    Weekly(Vec<Weekday>, Time),
}

/// What people do to a notebook, an app or a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Start it; has no effect if it runs.
    Start,
    /// Stop it; has no effect if it is stopped.
    Stop,
    /// Delete it.
    Delete,
    /// Open it in a browser; has no effect if it does not run.
    Open,
    /// `tag <key>=<value>`
    Tag(String, String),
    /// `untag <key>`
    Untag(String),
    /// What happens to an endpoint, or to an inference component.
    Hosting(HostingDeed),
}

/// What people or AWS do to an endpoint or an inference component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostingDeed {
    /// `maintain 30m`: AWS maintains it for so long (`SystemUpdating`).
    Maintain(times::Duration),
    /// `roll-back`: an update under way is rolled back.
    RollBack,
    /// `fail-roll-back`: the update under way and its rollback fail (`UpdateRollbackFailed`).
    FailRollBack,
    /// `break`: it takes no requests (`OutOfService`).
    Break,
    /// `update <configuration>`: somebody deploys another configuration.
    Update(String),
    /// `scale 3`: somebody sets the count of its first variant, or its copies.
    Scale(u64),
    /// `move-tag <image>`: the tag names another image from now on.
    MoveTag(String),
}

impl PlannedAction {
    /// The first time later than `after`.
    pub(crate) fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.at.next_after(&self.zone, after)
    }
}

impl Occurrence {
    fn next_after(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let instant = |wall: DateTime| zone.to_ambiguous_timestamp(wall).compatible().ok();
        match self {
            Self::Once(wall) => instant(*wall).filter(|at| after < *at),
            Self::Weekly(days, time) => {
                let today = after.to_zoned_datetime(zone.clone()).date();
                (0..9)
                    .filter_map(|offset| {
                        let day = today.checked_add(i64::from(offset).days()).ok()?;
                        days.contains(&day.weekday()).then(|| instant(day.to_datetime(*time))).flatten()
                    })
                    .find(|at| after < *at)
            }
        }
    }
}

impl FromStr for Occurrence {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let expected = || format!("`{text}` is not a time of a plan: write \"mon 08:55\", \"mon-fri 08:55\" or \"2026-11-24 10:00\"");
        if let Ok(once) = text.parse::<DateTime>() {
            return Ok(Self::Once(once));
        }
        let (days, time) = text.split_once(' ').with_context(expected)?;
        let time: Time = time.parse().ok().with_context(expected)?;
        Ok(Self::Weekly(times::days(days).with_context(expected)?, time))
    }
}

impl FromStr for Deed {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text.split_once(' ') {
            None if text == "start" => Self::Start,
            None if text == "stop" => Self::Stop,
            None if text == "delete" => Self::Delete,
            None if text == "open" => Self::Open,
            Some(("tag", tag)) if tag.contains('=') => {
                let (key, value) = tag.split_once('=').unwrap_or_default();
                Self::Tag(key.to_owned(), value.to_owned())
            }
            Some(("untag", key)) => Self::Untag(key.to_owned()),
            None if text == "roll-back" => Self::Hosting(HostingDeed::RollBack),
            None if text == "fail-roll-back" => Self::Hosting(HostingDeed::FailRollBack),
            None if text == "break" => Self::Hosting(HostingDeed::Break),
            Some(("maintain", takes)) => Self::Hosting(HostingDeed::Maintain(takes.parse()?)),
            Some(("update", config)) => Self::Hosting(HostingDeed::Update(config.to_owned())),
            Some(("scale", count)) => {
                Self::Hosting(HostingDeed::Scale(count.parse().with_context(|| format!("`{text}`: expected a number"))?))
            }
            Some(("move-tag", image)) => Self::Hosting(HostingDeed::MoveTag(image.to_owned())),
            _ => bail!(
                "`{text}` is nothing that people do here: write start, stop, delete, open, \"tag <key>=<value>\", \"untag <key>\", or of an endpoint \"maintain 30m\", roll-back, fail-roll-back, break, \"update <configuration>\", \"scale 3\" or \"move-tag <image>\""
            ),
        })
    }
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    zone_named(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

impl<'de> Deserialize<'de> for Occurrence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: anyhow::Error| de::Error::custom(error))
    }
}

impl<'de> Deserialize<'de> for Deed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: anyhow::Error| de::Error::custom(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_next_time() {
        let plan = |at: &str| PlannedAction { at: at.parse().unwrap(), zone: zone_named("Europe/Berlin").unwrap(), action: Deed::Start };
        for (at, after, next) in [
            ("mon 08:55", "2026-11-23T07:54:00Z", Some("2026-11-23T07:55:00Z")),
            ("mon 08:55", "2026-11-23T07:55:00Z", Some("2026-11-30T07:55:00Z")),
            ("mon-fri 08:55", "2026-11-27T08:00:00Z", Some("2026-11-30T07:55:00Z")),
            ("sat-sun 10:00", "2026-11-28T09:00:00Z", Some("2026-11-29T09:00:00Z")),
            ("2026-11-24 10:00", "2026-11-23T00:00:00Z", Some("2026-11-24T09:00:00Z")),
            ("2026-11-24 10:00", "2026-11-24T09:00:00Z", None),
        ] {
            assert_eq!(plan(at).next_after(after.parse().unwrap()), next.map(|next| next.parse().unwrap()), "{at} after {after}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for at in ["monday 08:55", "mon", "mon 25:00", "24.11.2026"] {
            assert!(at.parse::<Occurrence>().unwrap_err().to_string().contains("mon 08:55"), "{at}");
        }
        assert!("reboot".parse::<Deed>().unwrap_err().to_string().contains("write start"));
    }
}
