//! A length of time as people write it in the policy: `30m`, `4h`, `1h 30m`, `7d`, `2w`.

use std::{borrow::Cow, fmt, str::FromStr};

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, never negative, in whole seconds. A day is 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(SignedDuration);

impl Duration {
    /// Ten years. A longer duration in the policy is a mistake, and calculations with it could go beyond the calendar.
    pub const LONGEST: Self = Self::days(3650);

    /// `n` seconds; 0 if `n` is negative.
    pub const fn seconds(n: i64) -> Self {
        Self(SignedDuration::from_secs(if n < 0 { 0 } else { n }))
    }

    /// `n` minutes.
    pub const fn minutes(n: i64) -> Self {
        Self(SignedDuration::from_mins(n))
    }

    /// `n` hours.
    pub const fn hours(n: i64) -> Self {
        Self(SignedDuration::from_hours(n))
    }

    /// `n` days of 24 hours.
    pub const fn days(n: i64) -> Self {
        Self(SignedDuration::from_hours(24 * n))
    }

    /// From one time to another; 0 if the second one is not later.
    pub fn between(from: Timestamp, until: Timestamp) -> Self {
        Self::seconds(until.duration_since(from).as_secs())
    }

    /// In hours, as a decimal.
    pub fn in_hours(self) -> Decimal {
        Decimal::from(self.0.as_secs()) / Decimal::from(3600)
    }

    /// As the type of the crate `jiff`, for calculations with timestamps.
    pub const fn signed(self) -> SignedDuration {
        self.0
    }
}

impl std::ops::Mul<u32> for Duration {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        Self::seconds(self.0.as_secs().saturating_mul(i64::from(times)))
    }
}

/// A length of time for people, in its two largest units at most: `3d 4h`, `2h 5m`, `40m`; `0m` below a minute.
pub fn roughly(length: SignedDuration) -> String {
    let minutes = length.as_mins().max(0);
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, m) => format!("{m}m"),
        (0, h, 0) => format!("{h}h"),
        (0, h, m) => format!("{h}h {m}m"),
        (d, 0, _) => format!("{d}d"),
        (d, h, _) => format!("{d}d {h}h"),
    }
}

impl FromStr for Duration {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let expected = || format!("`{text}` is not a duration: write for example \"30m\", \"4h\", \"1h 30m\" or \"7d\"");
        let span: Span = text.parse().with_context(expected)?;
        ensure!(
            span.get_years() == 0 && span.get_months() == 0,
            "`{text}` has months or years, whose length varies: write days, for example \"30d\""
        );
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).with_context(expected)?;
        ensure!(!length.is_negative(), "`{text}` is negative: a duration is zero or more");
        ensure!(length <= Self::LONGEST.0, "`{text}` is longer than ten years: write \"3650d\" or less");
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
        // The cause is left out: it explains jiff's grammar, but people need an example.
        let text = String::deserialize(deserializer)
            .map_err(|_| de::Error::custom("a duration is a text: write for example \"30m\" or \"7d\""))?;
        text.parse().map_err(|error: anyhow::Error| de::Error::custom(error.to_string()))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        const PATTERN: &str = "^([0-9]+ ?(w|weeks?|d|days?|h|hours?|m|mins?|minutes?|s|secs?|seconds?) ?)+$";
        json_schema!({ "title": "duration", "type": "string", "pattern": PATTERN, "examples": ["30m", "4h", "1h 30m", "7d"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_writes_it_back() {
        for (text, length, back) in [
            ("30m", Duration::minutes(30), "30m"),
            ("4h", Duration::hours(4), "4h"),
            ("1h 30m", Duration::minutes(90), "1h 30m"),
            ("7d", Duration::days(7), "7d"),
            ("2w", Duration::days(14), "14d"),
            ("0s", Duration::minutes(0), "0s"),
        ] {
            let read: Duration = text.parse().unwrap();
            assert_eq!(read, length, "{text}");
            assert_eq!(read.to_string(), back, "{text}");
        }
    }

    #[test]
    fn refuses_what_has_no_meaning() {
        for (text, says) in
            [("-5m", "negative"), ("1 month", "months"), ("soon", "not a duration"), ("90", "not a duration"), ("", "not a duration")]
        {
            let error = text.parse::<Duration>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn tells_lengths_roughly() {
        for (seconds, text) in [(30, "0m"), (2_400, "40m"), (7_200, "2h"), (7_500, "2h 5m"), (86_400, "1d"), (273_600, "3d 4h"), (-5, "0m")]
        {
            assert_eq!(roughly(SignedDuration::from_secs(seconds)), text);
        }
    }
}
