//! The UTC days that a budget counts together.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// How often a budget begins anew: `Budget.TimeUnit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum TimeUnit {
    Daily,
    Monthly,
    Quarterly,
    Annually,
    Custom,
}

/// The days that a budget counts together, in UTC, as the bill does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// How often there is a new one.
    pub unit: TimeUnit,
    /// Its first day.
    pub from: Date,
    /// The first day after it.
    pub until: Date,
}

/// The UTC day of a moment.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// So many days later.
pub(crate) fn plus_days(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

fn plus_months(day: Date, months: i64) -> Date {
    day.saturating_add(months.months())
}

/// From one day to another.
pub(crate) fn days_between(from: Date, until: Date) -> i64 {
    until.duration_since(from).as_hours() / 24
}

impl Period {
    /// The one that counts now, of a budget from its `TimePeriod`'s start to its end. A daily budget is judged by the day before (aws-facts §6).
    /// `None`: it has not begun, or is over.
    pub fn current(unit: TimeUnit, start: Date, end: Date, now: Timestamp) -> Option<Self> {
        let today = day_of(now);
        let month = today.first_of_month();
        let (from, until) = match unit {
            TimeUnit::Daily => (plus_days(today, -1), today),
            TimeUnit::Monthly => (month, plus_months(month, 1)),
            TimeUnit::Quarterly => {
                let from = plus_months(month, -i64::from((month.month() - 1) % 3));
                (from, plus_months(from, 3))
            }
            TimeUnit::Annually => (today.first_of_year(), plus_months(today.first_of_year(), 12)),
            TimeUnit::Custom => (start, end),
        };
        (from < until && start < until && from < end && from <= today).then_some(Self { unit, from, until })
    }

    /// The one before: as many days before a custom one.
    #[must_use]
    pub fn before(self) -> Self {
        let from = match self.unit {
            // A day is like the same weekday.
            TimeUnit::Daily => plus_days(self.from, -7),
            TimeUnit::Monthly => plus_months(self.from, -1),
            TimeUnit::Quarterly => plus_months(self.from, -3),
            TimeUnit::Annually => plus_months(self.from, -12),
            TimeUnit::Custom => plus_days(self.from, -self.days()),
        };
        Self { from, until: if self.unit == TimeUnit::Daily { plus_days(from, 1) } else { self.from }, ..self }
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        days_between(self.from, self.until)
    }

    /// How many of its days are over.
    pub fn days_over(self, now: Timestamp) -> i64 {
        days_between(self.from, day_of(now)).clamp(0, self.days())
    }

    /// How many of its days are not over.
    pub fn days_left(self, now: Timestamp) -> i64 {
        self.days() - self.days_over(now)
    }

    /// When it begins.
    pub fn begin(self) -> Timestamp {
        TimeZone::UTC.to_timestamp(self.from.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }

    /// When it ends.
    pub fn end(self) -> Timestamp {
        TimeZone::UTC.to_timestamp(self.until.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }

    /// For people: `November 2026`.
    pub fn words(self) -> String {
        match self.unit {
            TimeUnit::Daily => self.from.strftime("%a %F").to_string(),
            TimeUnit::Monthly => self.from.strftime("%B %Y").to_string(),
            TimeUnit::Quarterly => format!("the quarter from {}", self.from),
            TimeUnit::Annually => self.from.strftime("%Y").to_string(),
            TimeUnit::Custom => format!("{} to {}", self.from, plus_days(self.until, -1)),
        }
    }
}
