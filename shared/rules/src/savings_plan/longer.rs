//! The use of the last two months, longer than Cost Explorer keeps hours: the days of the bill, each with the hours that the known days have on average.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use rust_decimal::Decimal;

use super::{
    covering::Covering,
    deduct::{Deduction, deduct},
    rates::Rates,
    usage::{ALL_OF_SAGEMAKER, Usage},
};
use crate::vocabulary::{
    period::{begin_of, day_of},
    usage_type::without_region,
};

/// How many days AWS's own recommendations look back (money-facts §4.1).
const MOST_DAYS: usize = 60;
/// Of fewer days than this nothing is said that the hours do not say.
const FEWEST_DAYS: usize = 28;
const HOURS: usize = 24;

/// How much was used of each usage type (without Regions) on each day of the bill, in instance-hours. A day that is not known is not in it.
pub type Days = BTreeMap<Date, BTreeMap<String, Decimal>>;

/// The use of the last days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Longer {
    /// When its first hour begins.
    pub from: Timestamp,
    /// On-demand dollars by hour and usage type, as the usage of the known hours has them.
    pub usage: Usage,
}

impl Longer {
    /// The days that end with these hours. `None`: the bill has too few days, or does not know a usage type of these hours.
    pub fn of(usage: &Usage, from: Timestamp, days: &Days) -> Option<Self> {
        let end = from + SignedDuration::from_hours(i64::try_from(usage.hours()).ok()?);
        let last = day_of(end).yesterday().ok()?;
        let earlier = (0..MOST_DAYS).map_while(|back| days.get(&last.saturating_sub(i64::try_from(back).ok()?.days())));
        let mut known: Vec<&BTreeMap<String, Decimal>> = earlier.collect();
        known.reverse();
        if known.len() < FEWEST_DAYS || usage.usage_types() == [ALL_OF_SAGEMAKER] {
            return None;
        }
        let first = last.saturating_sub(i64::try_from(known.len() - 1).ok()?.days());
        Some(Self { from: begin_of(first), usage: in_days(usage, from, &parts(usage, &known)?)? })
    }

    /// What stays of it without what vanishes. `left`: what stays of the known hours, of which the first begins at `from`. A day on which something began has its
    /// dollars, at the hours of an average day.
    pub(super) fn without(&self, deductions: &[Deduction], left: &Usage, from: Timestamp) -> Option<Self> {
        let lean = deduct(&self.usage, deductions).0;
        let usual: Vec<Decimal> = average_day(left, from)?.into_iter().reduce(added).unwrap_or_default();
        let part = |(usd, usual): (Decimal, &Decimal)| usd.checked_div(*usual).unwrap_or_default();
        let of_day = |day: Usage| day.by_usage_type().map(|(_, usd)| usd).zip(&usual).map(part).collect();
        let parts: Vec<Vec<Decimal>> = lean.days().map(of_day).collect();
        Some(Self { usage: in_days(left, from, &parts)?, ..self.clone() })
    }

    /// The number of days.
    pub fn days(&self) -> usize {
        self.usage.hours() / HOURS
    }

    /// The day after the last one.
    pub(super) fn until(&self) -> Date {
        day_of(self.from).saturating_add(i64::try_from(self.days()).unwrap_or_default().days())
    }

    /// What a commitment would have saved on each day, USD.
    pub(super) fn savings(&self, rates: &Rates, commitment: Decimal) -> Vec<Decimal> {
        self.usage.days().map(|day| Covering::new(&day, rates).outcome(commitment).saving()).collect()
    }
}

fn added(mut sums: Vec<Decimal>, more: Vec<Decimal>) -> Vec<Decimal> {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    sums
}

/// Days with the hours of an average day of this usage, each with a part of each usage type.
fn in_days(usage: &Usage, from: Timestamp, parts: &[Vec<Decimal>]) -> Option<Usage> {
    let a_day = average_day(usage, from)?;
    let mut days = Usage::new(usage.usage_types().to_vec());
    for (of_day, of_hour) in parts.iter().flat_map(|of_day| a_day.iter().map(move |of_hour| (of_day, of_hour))) {
        days.push(of_hour.iter().zip(of_day).map(|(usd, part)| usd * part))?;
    }
    Some(days)
}

/// How much of each usage type was used on each day, as a part of what the days of these hours used on average.
fn parts(usage: &Usage, known: &[&BTreeMap<String, Decimal>]) -> Option<Vec<Vec<Decimal>>> {
    let window = usage.hours() / HOURS;
    let quantity =
        |day: &BTreeMap<String, Decimal>, name: &str| day.get(without_region(name)).copied().unwrap_or_default().max(Decimal::ZERO);
    let means: Vec<Decimal> = usage
        .usage_types()
        .iter()
        .map(|name| known.iter().rev().take(window).map(|day| quantity(day, name)).sum::<Decimal>() / Decimal::from(window.max(1)))
        .collect();
    let part = |day: &BTreeMap<String, Decimal>, (name, mean): (&String, &Decimal)| quantity(day, name).checked_div(*mean);
    known.iter().map(|day| usage.usage_types().iter().zip(&means).map(|one| part(day, one)).collect()).collect()
}

/// The hours of a day (UTC) on average: USD of each usage type.
fn average_day(usage: &Usage, from: Timestamp) -> Option<Vec<Vec<Decimal>>> {
    let first = usize::try_from(from.duration_since(begin_of(day_of(from))).as_hours()).ok()?;
    let mut sums = vec![vec![Decimal::ZERO; usage.usage_types().len()]; HOURS];
    let mut counts = [0_u32; HOURS];
    for (hour, row) in usage.dollars().enumerate() {
        let at = (first + hour) % HOURS;
        counts[at] += 1;
        sums[at].iter_mut().zip(row).for_each(|(sum, usd)| *sum += usd);
    }
    for (usd, count) in sums.iter_mut().zip(counts).flat_map(|(of_hour, count)| of_hour.iter_mut().map(move |usd| (usd, count))) {
        *usd /= Decimal::from(count.max(1));
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    const HOST: &str = "EUC1-Host:ml.g5.xlarge";

    /// A week from Monday 2026-11-23 on: $2 by day (08:00 to 20:00), $1 by night.
    fn week() -> Usage {
        let mut usage = Usage::new(vec![HOST.to_owned()]);
        for hour in 0..7 * 24 {
            usage.push([if (8..20).contains(&(hour % 24)) { dec!(2) } else { dec!(1) }]).unwrap();
        }
        usage
    }

    fn from() -> Timestamp {
        "2026-11-23T00:00:00Z".parse().unwrap()
    }

    /// The bill up to 2026-11-29: so many instance-hours on each of so many days, oldest first.
    fn bill(stretches: &[(usize, Decimal)]) -> Days {
        let all: Vec<Decimal> = stretches.iter().flat_map(|(days, hours)| vec![*hours; *days]).collect();
        let first: Date = jiff::civil::date(2026, 11, 30).saturating_sub(i64::try_from(all.len()).unwrap().days());
        first.series(1.day()).zip(all).map(|(day, hours)| (day, BTreeMap::from([("Host:ml.g5.xlarge".to_owned(), hours)]))).collect()
    }

    #[test]
    fn each_day_of_the_bill_has_the_hours_of_an_average_day() {
        // Half as much in the month before.
        let longer = Longer::of(&week(), from(), &bill(&[(30, dec!(12)), (7, dec!(24))])).unwrap();
        assert_eq!((longer.days(), day_of(longer.from).to_string().as_str()), (37, "2026-10-24"));
        let usd: Vec<Decimal> = longer.usage.dollars().map(|row| row[0]).collect();
        assert_eq!((usd[0], usd[12], usd[30 * 24], usd[36 * 24 + 12]), (dec!(0.5), dec!(1), dec!(1), dec!(2)));
        assert_eq!(longer.usage.on_demand(), dec!(30) * dec!(18) + dec!(7) * dec!(36));
    }

    #[test]
    fn days_without_use_count_and_days_that_are_not_known_do_not() {
        let longer = Longer::of(&week(), from(), &bill(&[(80, dec!(0)), (7, dec!(24))])).unwrap();
        assert_eq!((longer.days(), longer.usage.on_demand()), (60, dec!(252)));
        let mut gap = bill(&[(80, dec!(24))]);
        gap.remove(&jiff::civil::date(2026, 10, 31));
        assert_eq!(Longer::of(&week(), from(), &gap).unwrap().days(), 29);
        gap.remove(&jiff::civil::date(2026, 11, 20));
        assert_eq!(Longer::of(&week(), from(), &gap), None, "too few days");
    }

    #[test]
    fn what_the_bill_does_not_know_is_not_guessed() {
        let unknown = bill(&[(60, dec!(0))]);
        assert_eq!(Longer::of(&week(), from(), &unknown), None, "the hours have use, the bill has none");
        let mut together = Usage::new(vec![ALL_OF_SAGEMAKER.to_owned()]);
        (0..168).for_each(|_| together.push([dec!(1)]).unwrap());
        assert_eq!(Longer::of(&together, from(), &bill(&[(60, dec!(24))])), None);
        assert_eq!(Longer::of(&week(), from(), &Days::new()), None);
    }

    #[test]
    fn hours_that_begin_within_a_day_keep_their_time_of_day() {
        let usage = week().last(7 * 24 - 6);
        let longer = Longer::of(&usage, from() + SignedDuration::from_hours(6), &bill(&[(60, dec!(24))])).unwrap();
        let first_day: Vec<Decimal> = longer.usage.dollars().take(24).map(|row| row[0]).collect();
        assert_eq!((first_day[7], first_day[8], first_day[19], first_day[20]), (dec!(1), dec!(2), dec!(2), dec!(1)));
    }
}
