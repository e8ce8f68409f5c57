//! Text in which times are still times: whoever shows it writes them by the reader's clock.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::vocabulary::time_zone::{clock, moment};

/// Text in which times are still times. [`fmt::Write`] appends text to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct TimedText(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Piece {
    Text(String),
    Time(Timestamp),
}

/// The stored form: text without times is a plain text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Plain(String),
    Pieces(Vec<Piece>),
}

impl TimedText {
    /// Appends a time.
    pub fn push_time(&mut self, at: Timestamp) {
        self.0.push(Piece::Time(at));
    }

    /// The same with a time at its end.
    #[must_use]
    pub fn time(mut self, at: Timestamp) -> Self {
        self.push_time(at);
        self
    }

    /// The same with more text at its end.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.push_text(text);
        self
    }

    fn push_text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    /// Appends another one.
    pub fn append(&mut self, other: &Self) {
        for piece in &other.0 {
            match piece {
                Piece::Text(text) => self.push_text(text),
                Piece::Time(at) => self.push_time(*at),
            }
        }
    }

    /// The same with all texts changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let changed = |piece: &Piece| match piece {
            Piece::Text(text) => Piece::Text(change(text)),
            Piece::Time(at) => Piece::Time(*at),
        };
        Self(self.0.iter().map(changed).collect())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(text) if text.is_empty()))
    }

    /// Whether there is a time in it.
    pub fn has_time(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Time(_)))
    }

    /// The text, for a reader who knows by which clock: `on since Mon 2026-11-23 09:00`.
    pub fn by_clock_of(&self, zone: &TimeZone) -> String {
        self.show(|at| moment(at, zone))
    }

    /// The text, with the time zone beside each time: `on since Mon 2026-11-23 09:00 CET`.
    pub fn with_zone(&self, zone: &TimeZone) -> String {
        self.show(|at| clock(at, zone))
    }

    fn show(&self, time: impl Fn(Timestamp) -> String) -> String {
        let shown = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Time(at) => time(*at),
        };
        self.0.iter().map(shown).collect()
    }
}

/// With times in UTC.
impl fmt::Display for TimedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_zone(&TimeZone::UTC))
    }
}

impl fmt::Write for TimedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_text(text);
        Ok(())
    }
}

impl From<String> for TimedText {
    fn from(text: String) -> Self {
        Self(vec![Piece::Text(text)])
    }
}

impl From<&str> for TimedText {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl PartialEq<&str> for TimedText {
    fn eq(&self, other: &&str) -> bool {
        self.with_zone(&TimeZone::UTC) == *other
    }
}

impl PartialEq<String> for TimedText {
    fn eq(&self, other: &String) -> bool {
        self.with_zone(&TimeZone::UTC) == *other
    }
}

impl From<Stored> for TimedText {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Plain(text) => Self::from(text),
            Stored::Pieces(pieces) => Self(pieces),
        }
    }
}

impl From<TimedText> for Stored {
    fn from(text: TimedText) -> Self {
        if text.has_time() { Self::Pieces(text.0) } else { Self::Plain(text.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::time_zone::zone_named;

    #[test]
    fn a_time_is_written_by_the_readers_clock() {
        let text = TimedText::from("on since ").time("2026-11-23T08:00:00Z".parse().unwrap()).text(" (2h)");
        for (zone, by_clock, with_zone) in [
            ("Europe/Berlin", "on since Mon 2026-11-23 09:00 (2h)", "on since Mon 2026-11-23 09:00 CET (2h)"),
            ("Asia/Tokyo", "on since Mon 2026-11-23 17:00 (2h)", "on since Mon 2026-11-23 17:00 UTC+9 (2h)"),
        ] {
            let zone = zone_named(zone).unwrap();
            assert_eq!((text.by_clock_of(&zone).as_str(), text.with_zone(&zone).as_str()), (by_clock, with_zone));
        }
        assert_eq!(text, "on since Mon 2026-11-23 08:00 UTC (2h)");
    }

    #[test]
    fn what_is_stored_is_read_again_and_plain_text_is_plain() {
        let timed = TimedText::from("a").time("2026-11-23T08:00:00Z".parse().unwrap());
        for (text, stored) in [(timed, r#"[{"text":"a"},{"time":"2026-11-23T08:00:00Z"}]"#), (TimedText::from("b").text("c"), r#""bc""#)] {
            assert_eq!(serde_json::to_string(&text).unwrap(), stored);
            assert_eq!(serde_json::from_str::<TimedText>(stored).unwrap(), text);
        }
    }
}
