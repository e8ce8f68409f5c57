//! Times as an estate writes them: lengths (`90s`, `1h 30m`, `7d`), days of the week (`mon-fri`), weekly hours (`mon-fri/09:00-11:00@Europe/Berlin`).

use std::{fmt, str::FromStr};

use anyhow::{Context as _, bail, ensure};
use jiff::{
    SignedDuration, Span, SpanRelativeTo, Timestamp, ToSpan as _, Unit,
    civil::{Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, de};

/// A length of time, never negative. A day is 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(SignedDuration);

impl Duration {
    /// `n` minutes.
    pub const fn minutes(n: i64) -> Self {
        Self(SignedDuration::from_mins(n))
    }

    /// `n` hours.
    pub const fn hours(n: i64) -> Self {
        Self(SignedDuration::from_hours(n))
    }

    /// `n` days.
    pub const fn days(n: i64) -> Self {
        Self(SignedDuration::from_hours(24 * n))
    }

    /// The length as jiff's type.
    pub const fn signed(self) -> SignedDuration {
        self.0
    }
}

impl FromStr for Duration {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let expected = || format!("`{text}` is not a duration: write for example \"90s\", \"1h 30m\" or \"7d\"");
        let span: Span = text.parse().ok().with_context(expected)?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().with_context(expected)?;
        ensure!(!length.is_negative(), "{}", expected());
        Ok(Self(length))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let balanced = jiff::SpanRound::new().largest(Unit::Day).days_are_24_hours();
        match Span::try_from(self.0).and_then(|span| span.round(balanced)) {
            Ok(span) => write!(f, "{span:#}"),
            Err(_) => write!(f, "{:#}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// When people use a notebook: `always`, `never`, or in these hours of each week.
#[derive(Clone, Debug)]
pub struct Hours {
    windows: Vec<(Vec<Weekday>, Time, i64)>,
    zone: TimeZone,
}

impl Hours {
    /// When it was last used at or before a moment; `None`: not in the week before.
    pub(crate) fn last_used(&self, at: Timestamp) -> Option<Timestamp> {
        let today = at.to_zoned_datetime(self.zone.clone()).date();
        let mut days = (0..=7).filter_map(|back: i64| today.checked_sub(back.days()).ok());
        days.find_map(|day| {
            let instant = |wall| self.zone.to_ambiguous_timestamp(wall).compatible().ok();
            let of_day = self.windows.iter().filter(|(days, ..)| days.contains(&day.weekday()));
            let used = of_day.filter_map(|(_, from, minutes)| {
                let from = day.to_datetime(*from);
                let (start, end) = (instant(from)?, instant(from.checked_add(minutes.minutes()).ok()?)?);
                (start <= at).then_some(end.min(at))
            });
            used.max()
        })
    }
}

impl Hours {
    /// The hours between two moments: from when to when, in order. Adjoining ones are not joined.
    pub(crate) fn between(&self, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let instant = |wall| self.zone.to_ambiguous_timestamp(wall).compatible().ok();
        let day_of = |at: Timestamp| at.to_zoned_datetime(self.zone.clone()).date();
        let first = day_of(from).yesterday().unwrap_or_else(|_| day_of(from));
        let days = first.series(1.days()).take_while(|day| *day <= day_of(until));
        let of_day = |day: jiff::civil::Date| {
            let windows = self.windows.iter().filter(move |(days, ..)| days.contains(&day.weekday()));
            windows.filter_map(move |(_, from, minutes)| {
                let from = day.to_datetime(*from);
                Some((instant(from)?, instant(from.checked_add(minutes.minutes()).ok()?)?))
            })
        };
        let mut all: Vec<(Timestamp, Timestamp)> = days.flat_map(of_day).filter(|(begin, end)| from < *end && *begin < until).collect();
        all.sort_unstable();
        all
    }
}

impl FromStr for Hours {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (windows, zone) = text.split_once('@').unwrap_or((text, "UTC"));
        let all_week = || (days("mon-sun").unwrap_or_default(), Time::midnight(), 24 * 60);
        let windows = match windows {
            "never" => vec![],
            "always" => vec![all_week()],
            windows => windows.split('+').map(|one| window(one).with_context(|| not_hours(text))).collect::<anyhow::Result<_>>()?,
        };
        Ok(Self { windows, zone: zone_named(zone)? })
    }
}

fn not_hours(text: &str) -> String {
    format!("`{text}` is not when something is used: write \"always\", \"never\" or for example \"mon-fri/09:00-11:00@Europe/Berlin\"")
}

/// `mon-fri/09:00-11:00`: the days, the begin, and the length in minutes. It ends on the day on which it begins.
fn window(text: &str) -> anyhow::Result<(Vec<Weekday>, Time, i64)> {
    let (on, hours) = text.split_once('/').context("days and hours")?;
    let (from, until) = hours.split_once('-').context("from and until")?;
    let midnight = Time::midnight();
    let (from, until) = (from.parse::<Time>()?, if until == "24:00" { midnight } else { until.parse::<Time>()? });
    let minutes = from.duration_until(until).as_mins() + if until == midnight { 24 * 60 } else { 0 };
    ensure!(0 < minutes, "it ends before it begins");
    Ok((days(on).context("days")?, from, minutes))
}

/// `mon`, `mon-fri`
pub(crate) fn days(text: &str) -> Option<Vec<Weekday>> {
    let day = |name: &str| {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let offset = names.iter().position(|known| *known == name)?;
        Weekday::from_monday_zero_offset(i8::try_from(offset).ok()?).ok()
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    Some(first.cycle_forward().take(7).take_while(|day| *day != last).chain([last]).collect())
}

/// A time zone by its IANA name.
pub(crate) fn zone_named(name: &str) -> anyhow::Result<TimeZone> {
    match TimeZone::get(name) {
        Ok(zone) => Ok(zone),
        Err(_) => bail!("`{name}` is not a time zone: write an IANA name, for example \"Europe/Berlin\" or \"UTC\""),
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error| de::Error::custom(format!("{error:#}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_when_something_was_last_used() {
        // 2026-11-23 is a Monday; Berlin is an hour ahead of UTC.
        for (hours, at, used) in [
            ("mon-fri/09:00-11:00@Europe/Berlin", "2026-11-23T07:59:00Z", Some("2026-11-20T10:00:00Z")),
            ("mon-fri/09:00-11:00@Europe/Berlin", "2026-11-23T08:30:00Z", Some("2026-11-23T08:30:00Z")),
            ("mon-fri/09:00-11:00@Europe/Berlin", "2026-11-23T10:00:00Z", Some("2026-11-23T10:00:00Z")),
            ("mon-fri/09:00-11:00@Europe/Berlin", "2026-11-23T20:00:00Z", Some("2026-11-23T10:00:00Z")),
            ("tue/09:00-10:00+mon/22:00-24:00", "2026-11-24T00:30:00Z", Some("2026-11-24T00:00:00Z")),
            ("mon/09:00-10:00", "2026-11-23T08:00:00Z", Some("2026-11-16T10:00:00Z")),
            ("always", "2026-11-23T08:00:00Z", Some("2026-11-23T08:00:00Z")),
            ("never", "2026-11-23T08:00:00Z", None),
            // Winter time began on 25 October.
            ("sat-sun/12:00-13:00@Europe/Berlin", "2026-10-25T23:00:00Z", Some("2026-10-25T12:00:00Z")),
        ] {
            let last = hours.parse::<Hours>().unwrap().last_used(at.parse().unwrap());
            assert_eq!(last, used.map(|used| used.parse().unwrap()), "{hours} at {at}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for text in ["9-5", "mo-fr/09:00-11:00", "mon-fri/09:00", "mon/22:00-06:00", "mon/25:00-26:00"] {
            assert!(format!("{:#}", text.parse::<Hours>().unwrap_err()).contains("mon-fri/09:00-11:00"), "{text}");
        }
        assert!("never@Middle/Earth".parse::<Hours>().unwrap_err().to_string().contains("time zone"));
        for text in ["-5m", "soon", "90", "1 month"] {
            assert!(text.parse::<Duration>().unwrap_err().to_string().contains("1h 30m"), "{text}");
        }
        assert_eq!(["90s", "1h 30m", "2w"].map(|text| text.parse::<Duration>().unwrap().to_string()), ["1m 30s", "1h 30m", "14d"]);
    }
}
