//! `EventBridge` Scheduler's expressions: `rate(…)` counts from the deployment, `cron(…)` names minutes on the clock of a time zone.

use std::{collections::BTreeSet, str::FromStr};

use anyhow::{Context as _, bail, ensure};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `rate(15 minutes)`
    Rate(SignedDuration),
    /// `cron(0 7 * * ? *)`
    Cron(Cron),
}

/// The six fields of a `cron(…)`, each with the values that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: BTreeSet<i16>,
    months: BTreeSet<i16>,
    /// 1 is Sunday.
    weekdays: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

impl FromStr for Expression {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let inside = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = inside("rate") {
            return Ok(Self::Rate(rate_of(rate).with_context(|| format!("`{text}`: expected rate(15 minutes)"))?));
        }
        let fields = inside("cron").with_context(|| format!("`{text}`: expected cron(0 7 * * ? *) or rate(15 minutes)"))?;
        Ok(Self::Cron(Cron::of(fields).with_context(|| format!("`{text}`"))?))
    }
}

fn rate_of(text: &str) -> Option<SignedDuration> {
    let (value, unit) = text.split_once(' ')?;
    let value: u32 = value.parse().ok().filter(|value| *value != 0)?;
    let hours = match unit {
        "minute" | "minutes" => return Some(SignedDuration::from_mins(value.into())),
        "hour" | "hours" => 1,
        "day" | "days" => 24,
        _ => return None,
    };
    Some(SignedDuration::from_hours(i64::from(value) * hours))
}

impl Expression {
    /// The times at which it fires, later than `after` and not later than `until`. A rate first fires one period after `since`.
    pub fn between(&self, zone: &TimeZone, since: Timestamp, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        match self {
            Self::Rate(every) => {
                let every = every.as_secs();
                let passed = after.max(since).duration_since(since).as_secs();
                let moments = (passed / every + 1..).map(|n| since + SignedDuration::from_secs(n * every));
                moments.skip_while(|at| *at <= after).take_while(|at| *at <= until).collect()
            }
            Self::Cron(cron) => cron.between(zone, after, until),
        }
    }
}

impl Cron {
    fn of(text: &str) -> anyhow::Result<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields.as_slice() else {
            bail!("expected six fields (minutes hours day-of-month month day-of-week year), and there are {}", fields.len());
        };
        ensure!([minutes, hours, months, years].iter().all(|field| **field != "?"), "? is for day-of-month or day-of-week");
        ensure!((*days == "?") != (*weekdays == "?"), "one of day-of-month and day-of-week is ?, and the other is not");
        Ok(Self {
            minutes: field(minutes, 0, 59, &[]).context("minutes")?,
            hours: field(hours, 0, 23, &[]).context("hours")?,
            days: field(days, 1, 31, &[]).context("day-of-month")?,
            months: field(months, 1, 12, &MONTHS).context("month")?,
            weekdays: field(weekdays, 1, 7, &WEEKDAYS).context("day-of-week")?,
            years: field(years, 1970, 2199, &[]).context("year")?,
        })
    }

    fn is_on(&self, day: Date) -> bool {
        let weekday = i16::from(day.weekday().since(Weekday::Sunday)) + 1;
        self.days.contains(&day.day().into())
            && self.months.contains(&day.month().into())
            && self.weekdays.contains(&weekday)
            && self.years.contains(&day.year())
    }

    /// A minute that the clock skips does not fire. A minute that it repeats fires once, the first time. (AWS does not document which time.)
    fn between(&self, zone: &TimeZone, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let first = zone.to_datetime(after).date();
        let last = zone.to_datetime(until).date();
        let days = first.yesterday().unwrap_or(first).series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
        let mut moments = vec![];
        for day in days.filter(|day| self.is_on(*day)) {
            for (hour, minute) in self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute))) {
                let (Ok(hour), Ok(minute)) = (i8::try_from(hour), i8::try_from(minute)) else { continue };
                let civil = day.at(hour, minute, 0, 0);
                let offset = match zone.to_ambiguous_timestamp(civil).offset() {
                    AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => offset,
                    AmbiguousOffset::Gap { .. } => continue,
                };
                moments.extend(offset.to_timestamp(civil).ok().filter(|at| after < *at && *at <= until));
            }
        }
        moments
    }
}

/// The values of a field: `*`, `?`, `5`, `1,2`, `MON-FRI`, `0/15`, `*/15`. AWS's other forms (L, W, #) are refused.
fn field(text: &str, least: i16, most: i16, names: &[&str]) -> anyhow::Result<BTreeSet<i16>> {
    let value = |text: &str| -> anyhow::Result<i16> {
        let word = names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|n| i16::try_from(n + 1).ok());
        let value = word.or_else(|| text.parse().ok()).filter(|value| (least..=most).contains(value));
        value.with_context(|| format!("`{text}` is not simulated: expected {least} to {most}, *, ?, lists, ranges or start/step"))
    };
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        if part == "*" || part == "?" {
            values.extend(least..=most);
        } else if let Some((start, step)) = part.split_once('/') {
            let start = if start == "*" { least } else { value(start)? };
            let step: usize = step.parse().ok().filter(|step| *step != 0).with_context(|| format!("`{part}`: expected start/step"))?;
            values.extend((start..=most).step_by(step));
        } else if let Some((from, to)) = part.split_once('-') {
            let (from, to) = (value(from)?, value(to)?);
            ensure!(from <= to, "`{part}`: a range goes up");
            values.extend(from..=to);
        } else {
            values.insert(value(part)?);
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests;
