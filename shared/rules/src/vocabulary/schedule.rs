//! The grammar of working hours, which the policy and the tag `cost-guard:schedule` share.
//!
//! ```text
//! schedule = window *("+" window) ["@" zone] | "always" | "never"
//! window   = days "/" time "-" time          days = day | day "-" day          day = mon … sun
//! time     = 00:00 … 24:00                   a window may pass midnight: it belongs to the day it begins on
//! ```
//! All of its characters are legal in a SageMaker tag value (aws-facts: `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`).

use std::{borrow::Cow, fmt, str::FromStr};

use anyhow::{Context as _, bail, ensure};
use jiff::{civil::Weekday, tz::TimeZone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::vocabulary::time_zone::{ZONE, zone_meant, zone_named};

/// Minutes of a day. Schedules have no seconds.
pub(super) const DAY: u16 = 24 * 60;

/// The names of the days in a schedule, from Monday on.
pub(crate) const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When people work. [`FromStr`] reads it from text; [`Display`](fmt::Display) returns the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    pub(super) hours: Hours,
    pub(super) zone: Option<TimeZone>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    Always,
    Never,
    Windows(Vec<Window>),
}

/// From `from` to before `until`, in minutes since midnight, beginning on each of `days`. If `until <= from`, it ends on the next day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) days: Vec<Weekday>,
    pub(super) from: u16,
    pub(super) until: u16,
}

impl Schedule {
    /// Every hour is a working hour.
    pub fn always() -> Self {
        Self { text: "always".into(), hours: Hours::Always, zone: None }
    }
}

impl Window {
    pub(super) fn passes_midnight(&self) -> bool {
        self.until <= self.from
    }

    pub(super) fn minutes(&self) -> u16 {
        if self.passes_midnight() { self.until + DAY - self.from } else { self.until - self.from }
    }
}

/// `mon-fri/08:00-19:00`
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: &Weekday| DAY_NAMES[usize::from(day.to_monday_zero_offset().unsigned_abs())];
        let [first, last] = [self.days.first(), self.days.last()].map(|day| day.map_or("", name));
        let days = if first == last { first.to_owned() } else { format!("{first}-{last}") };
        write!(f, "{days}/{}-{}", time_of_day(self.from), time_of_day(self.until))
    }
}

/// A minute of the day as a schedule writes it: `07:45`, and `24:00` for the end of the day.
pub(crate) fn time_of_day(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl FromStr for Schedule {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let (hours, zone) = match text.split_once('@') {
            Some((hours, zone)) => (hours, Some(zone_named(zone)?)),
            None => (text, None),
        };
        let hours = match hours {
            "always" => Hours::Always,
            "never" => Hours::Never,
            windows => Hours::Windows(windows.split('+').map(window).collect::<anyhow::Result<_>>()?),
        };
        Ok(Self { text: text.to_owned(), hours, zone })
    }
}

/// The hours and the zone that are meant by a text that is no schedule, as far as it can be told: `mon-fri/07:00-15:00@America/New_York` of
/// `Mon-Fri/07:00-15:00@EST`. What cannot be told is an example, or a place to fill in.
pub(crate) fn meant(text: &str) -> String {
    let (hours, zone) = text.split_once('@').map_or((text, None), |(hours, zone)| (hours, Some(zone.trim())));
    let plain = hours.to_lowercase().replace(char::is_whitespace, "");
    let hours = if plain.parse::<Schedule>().is_ok() { &plain } else { "mon-fri/08:00-19:00" };
    zone.map_or_else(|| hours.to_owned(), |zone| format!("{hours}@{}", zone_meant(zone).unwrap_or("<time zone>")))
}

fn window(text: &str) -> anyhow::Result<Window> {
    let (days, times) = text
        .split_once('/')
        .with_context(|| format!("`{text}` is not working hours: write for example \"mon-fri/08:00-19:00\", \"always\" or \"never\""))?;
    let (from, until) =
        times.split_once('-').with_context(|| format!("`{times}` is not a span of time: write for example \"08:00-19:00\""))?;
    let (from, until) = (minute(from)?, minute(until)?);
    ensure!(from != DAY, "`{times}` begins at 24:00: write 00:00 and the next day");
    ensure!(from != until, "`{times}` is empty: write 00:00-24:00 for a whole day, \"always\" or \"never\"");
    let days = match days.split_once('-') {
        None => vec![weekday(days)?],
        Some((first, last)) => {
            let (first, last) = (weekday(first)?, weekday(last)?);
            first.cycle_forward().take(7).take_while(|day| *day != last).chain([last]).collect()
        }
    };
    Ok(Window { days, from, until })
}

fn weekday(text: &str) -> anyhow::Result<Weekday> {
    let offset = DAY_NAMES.iter().position(|name| *name == text).and_then(|offset| i8::try_from(offset).ok());
    offset
        .and_then(|offset| Weekday::from_monday_zero_offset(offset).ok())
        .with_context(|| format!("`{text}` is not a day: write mon, tue, wed, thu, fri, sat or sun"))
}

fn minute(text: &str) -> anyhow::Result<u16> {
    let digits = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
    let minute = text.split_once(':').and_then(|(hour, minute)| Some((digits(hour)?, digits(minute)?)));
    match minute {
        Some((24, 0)) => Ok(DAY),
        Some((hour @ 0..24, minute @ 0..60)) => Ok(hour * 60 + minute),
        _ => bail!("`{text}` is not a time: write 00:00 to 24:00"),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Schedule {
    fn schema_name() -> Cow<'static, str> {
        "Schedule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const DAY: &str = "(mon|tue|wed|thu|fri|sat|sun)";
        const TIME: &str = "(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)";
        let window = format!("{DAY}(-{DAY})?/{TIME}-{TIME}");
        json_schema!({
            "title": "working hours",
            "type": "string",
            "pattern": format!("^(always|never|{window}(\\+{window})*)(@{ZONE})?$"),
            "examples": ["mon-fri/08:00-19:00", "mon-fri/08:00-19:00+sat/10:00-14:00@Europe/Berlin", "always", "never"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_with_an_example() {
        for (text, says) in [
            ("", "is not working hours"),
            ("9-5", "is not working hours"),
            ("mo-fr/08:00-19:00", "`mo` is not a day"),
            ("mon-fri/8:00-19:00", "`8:00` is not a time"),
            ("mon-fri/08:00-25:00", "`25:00` is not a time"),
            ("mon-fri/08:60-19:00", "`08:60` is not a time"),
            ("mon-fri/08:00", "is not a span of time"),
            ("mon/08:00-08:00", "is empty"),
            ("mon/24:00-08:00", "begins at 24:00"),
            ("mon/08:00-19:00@Europe/Berln", "`Europe/Berln` is not a time zone"),
            ("mon/08:00-19:00@", "is not a time zone"),
            ("always+mon/08:00-19:00", "is not working hours"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
