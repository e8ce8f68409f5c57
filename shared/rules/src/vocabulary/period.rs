//! Periods of budgets, in UTC days.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// The length of a budget's periods: `Budget.TimeUnit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum TimeUnit {
    Daily,
    Monthly,
    Quarterly,
    Annually,
    Custom,
}

/// One period of a budget, in UTC days, as in the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its length.
    pub unit: TimeUnit,
    /// Its first day.
    pub from: Date,
    /// The first day after it.
    pub until: Date,
}

/// The UTC day of a timestamp.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// Midnight UTC at the beginning of a day.
pub fn begin_of(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// The day that is `days` days later, or earlier if `days` is negative.
pub(crate) fn plus_days(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

fn plus_months(day: Date, months: i64) -> Date {
    day.saturating_add(months.months())
}

/// The number of days from one day to another.
pub fn days_between(from: Date, until: Date) -> i64 {
    until.duration_since(from).as_hours() / 24
}

impl Period {
    /// The current period of a budget whose `TimePeriod` has this start and end. Of a daily budget it is yesterday (aws-facts §6).
    /// `None`: the budget has not begun, or is over.
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

    /// Whether a budget whose `TimePeriod` has this start and end has no period yet, but will have one within the length of one. A daily budget has its first one
    /// on its second day.
    pub fn begins_soon(unit: TimeUnit, start: Date, end: Date, now: Timestamp) -> bool {
        let today = day_of(now);
        let soon = match unit {
            TimeUnit::Daily => plus_days(today, 1),
            TimeUnit::Monthly => plus_months(today, 1),
            TimeUnit::Quarterly => plus_months(today, 3),
            TimeUnit::Annually => plus_months(today, 12),
            TimeUnit::Custom => today,
        };
        let has_one = |at| Self::current(unit, start, end, at).is_some();
        !has_one(now) && has_one(begin_of(soon))
    }

    /// The period before this one. Of a daily budget: the same weekday a week earlier. Of a custom one: as many days.
    #[must_use]
    pub fn before(self) -> Self {
        let from = match self.unit {
            // Days are compared with the same weekday, because working days differ from weekends.
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

    /// Midnight UTC at its beginning.
    pub fn begin(self) -> Timestamp {
        begin_of(self.from)
    }

    /// Midnight UTC at its end.
    pub fn end(self) -> Timestamp {
        begin_of(self.until)
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
