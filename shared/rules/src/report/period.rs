//! The period of a report: a calendar month, or an ISO week from Monday to Sunday, in UTC days as on the bill.

use std::fmt;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, ISOWeekDate, Weekday},
};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vocabulary::period::{day_of, days_between, plus_days};

/// The digits after the point of an amount that was divided.
const DIGITS: u32 = 6;

/// A calendar month or an ISO week. Its name is `2026-10` or `2026-W47`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReportPeriod {
    /// Whether it is a week or a month.
    pub unit: ReportUnit,
    /// Its first day.
    #[schemars(with = "String")]
    pub from: Date,
    /// The first day after it.
    #[schemars(with = "String")]
    pub until: Date,
}

/// The length of a report's period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "its own words")]
pub enum ReportUnit {
    Week,
    Month,
}

impl ReportPeriod {
    /// The month of a day.
    pub fn month_of(day: Date) -> Self {
        let from = day.first_of_month();
        Self { unit: ReportUnit::Month, from, until: from.saturating_add(1.month()) }
    }

    /// The ISO week of a day.
    pub fn week_of(day: Date) -> Self {
        let from = plus_days(day, -i64::from(day.weekday().to_monday_zero_offset()));
        Self { unit: ReportUnit::Week, from, until: plus_days(from, 7) }
    }

    /// The period that `2026-10` or `2026-W47` names. `None`: the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = text.split_once('-')?;
        let number = |digits: &str, count: usize| -> Option<i16> {
            let is_plain = digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_plain)
        };
        let year = number(year, 4)?;
        match rest.strip_prefix('W') {
            Some(week) => {
                let week = i8::try_from(number(week, 2)?).ok()?;
                Some(Self::week_of(ISOWeekDate::new(year, week, Weekday::Monday).ok()?.date()))
            }
            None => Some(Self::month_of(Date::new(year, i8::try_from(number(rest, 2)?).ok()?, 1).ok()?)),
        }
    }

    /// The month in which it ends.
    pub(crate) fn last_month(self) -> Self {
        Self::month_of(plus_days(self.until, -1))
    }

    /// The period before this one.
    #[must_use]
    pub fn before(self) -> Self {
        let last = plus_days(self.from, -1);
        match self.unit {
            ReportUnit::Week => Self::week_of(last),
            ReportUnit::Month => Self::month_of(last),
        }
    }

    /// Whether a day is in it.
    pub fn has(self, day: Date) -> bool {
        self.from <= day && day < self.until
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        days_between(self.from, self.until)
    }

    /// Its days in order.
    pub fn all_days(self) -> impl Iterator<Item = Date> {
        self.from.series(1.day()).take_while(move |day| *day < self.until)
    }

    /// Whether the period before has fewer or more days.
    pub fn is_of_other_length(self) -> bool {
        self.days() != self.before().days()
    }

    /// What an amount of the period before comes to in as many days as this one has.
    pub(crate) fn in_its_days(self, before: Decimal) -> Decimal {
        let (days, days_before) = (self.days(), self.before().days());
        if days == days_before { before } else { (before * Decimal::from(days) / Decimal::from(days_before.max(1))).round_dp(DIGITS) }
    }

    /// Whether all of its days are over.
    pub fn is_over(self, now: Timestamp) -> bool {
        self.until <= day_of(now)
    }

    /// For people: `November 2026`, or `the week from Mon 2026-11-16 to Sun 2026-11-22`.
    pub fn words(self) -> String {
        match self.unit {
            ReportUnit::Month => self.from.strftime("%B %Y").to_string(),
            ReportUnit::Week => {
                format!("the week from {} to {}", self.from.strftime("%a %F"), plus_days(self.until, -1).strftime("%a %F"))
            }
        }
    }

    /// In a sentence: `in this week`.
    pub(crate) const fn in_words(self) -> &'static str {
        match self.unit {
            ReportUnit::Week => "in this week",
            ReportUnit::Month => "in this month",
        }
    }

    /// What the period before is called: `the week before`, `October`.
    pub fn before_words(self) -> String {
        match self.unit {
            ReportUnit::Week => "the week before".to_owned(),
            ReportUnit::Month => self.before().from.strftime("%B").to_string(),
        }
    }

    /// The same in a sentence: `October scaled to 30 days`.
    pub fn scaled_words(self) -> String {
        format!("{} scaled to {} days", self.before_words(), self.days())
    }

    /// What its amounts are compared with, in its number of days: `the week before`, `July`, `October, 30 days`.
    pub fn compared_words(self) -> String {
        let before = self.before_words();
        if self.is_of_other_length() { format!("{before}, {} days", self.days()) } else { before }
    }
}

impl fmt::Display for ReportPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            ReportUnit::Month => write!(f, "{}", self.from.strftime("%Y-%m")),
            ReportUnit::Week => {
                let week = self.from.iso_week_date();
                write!(f, "{:04}-W{:02}", week.year(), week.week())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_and_written() {
        for (text, from, until) in [
            ("2026-10", "2026-10-01", "2026-11-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
            ("2026-W47", "2026-11-16", "2026-11-23"),
            ("2026-W53", "2026-12-28", "2027-01-04"),
            ("2025-W01", "2024-12-30", "2025-01-06"),
        ] {
            let period = ReportPeriod::parse(text).unwrap();
            assert_eq!((period.from.to_string(), period.until.to_string()), (from.to_owned(), until.to_owned()), "{text}");
            assert_eq!(period.to_string(), text);
        }
        for wrong in
            ["", "2026", "2026-13", "2026-00", "2026-1", "2026-W00", "2025-W53", "2026-W7", "26-10", "2026-10-01", "2026-w47", "2026-+1"]
        {
            assert_eq!(ReportPeriod::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_it_is_compared_with_has_as_many_days() {
        for (text, before, compared) in [
            ("2026-W47", "the week before", "the week before"),
            ("2026-08", "July", "July"),
            ("2026-11", "October", "October, 30 days"),
            ("2027-01", "December", "December"),
            ("2027-02", "January", "January, 28 days"),
        ] {
            let period = ReportPeriod::parse(text).unwrap();
            assert_eq!((period.before_words().as_str(), period.compared_words().as_str()), (before, compared), "{text}");
        }
    }

    #[test]
    fn the_period_before_is_of_the_same_kind() {
        for (text, before) in [("2026-01", "2025-12"), ("2026-W01", "2025-W52"), ("2027-W01", "2026-W53")] {
            assert_eq!(ReportPeriod::parse(text).unwrap().before().to_string(), before);
        }
    }
}
