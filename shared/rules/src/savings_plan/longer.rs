//! The use of the last two months, longer than Cost Explorer keeps hours: the days of the bill, each with the hours that the known days have on average.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use rust_decimal::{Decimal, dec};

use super::{
    deduct::{Deduction, deduct},
    usage::{ALL_OF_SAGEMAKER, Usage},
};
use crate::vocabulary::{
    period::{begin_of, day_of},
    usage_type::without_region,
};

/// How many days AWS's own recommendations look back (money-facts §4.1).
const MOST_DAYS: i64 = 60;
/// Of fewer days than this nothing is said that the hours do not say.
const FEWEST_DAYS: usize = 28;
/// The hours of a day.
pub(super) const HOURS: usize = 24;
/// The largest part of the dollars that may be of usage types which the bill does not know yet.
const UNKNOWN: Decimal = dec!(0.05);

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
        let first = last.saturating_sub(MOST_DAYS.days());
        let bill: Vec<Option<&BTreeMap<String, Decimal>>> =
            first.series(1.day()).skip(1).take_while(|day| *day <= last).map(|day| days.get(&day)).collect();
        // It begins with the first day that is known. What is not known later counts as an average day.
        let bill: Vec<_> = bill.into_iter().skip_while(Option::is_none).collect();
        if bill.iter().flatten().count() < FEWEST_DAYS || usage.usage_types() == [ALL_OF_SAGEMAKER] {
            return None;
        }
        let first = last.saturating_sub(i64::try_from(bill.len() - 1).ok()?.days());
        Some(Self { from: begin_of(first), usage: in_days(usage, from, &parts(usage, &bill)?)? })
    }

    /// What stays of it without what vanishes. `left`: what stays of the known hours, of which the first begins at `from`. A day on which something began has its
    /// dollars, at the hours of an average day.
    pub(super) fn without(&self, deductions: &[Deduction], left: &Usage, from: Timestamp) -> Option<Self> {
        let lean = deduct(&self.usage, deductions).0;
        let usual: Vec<Decimal> = average_day(left, from).into_iter().reduce(added).unwrap_or_default();
        let part = |(usd, usual): (Decimal, &Decimal)| usd.checked_div(*usual).unwrap_or_default();
        let of_day = |day: Usage| day.by_usage_type().map(|(_, usd)| usd).zip(&usual).map(part).collect();
        let parts: Vec<Vec<Decimal>> = lean.days().map(of_day).collect();
        Some(Self { usage: in_days(left, from, &parts)?, ..self.clone() })
    }

    /// The number of days.
    pub fn days(&self) -> usize {
        self.usage.hours() / HOURS
    }
}

fn added(mut sums: Vec<Decimal>, more: Vec<Decimal>) -> Vec<Decimal> {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    sums
}

/// Days with the hours of an average day of this usage, each with a part of each usage type.
fn in_days(usage: &Usage, from: Timestamp, parts: &[Vec<Decimal>]) -> Option<Usage> {
    let a_day = average_day(usage, from);
    let mut days = Usage::new(usage.usage_types().to_vec());
    for (of_day, of_hour) in parts.iter().flat_map(|of_day| a_day.iter().map(move |of_hour| (of_day, of_hour))) {
        days.push(of_hour.iter().zip(of_day).map(|(usd, part)| usd * part))?;
    }
    Some(days)
}

/// How much of each usage type was used on each day, as a part of what the days of these hours used on average. `None`: the bill does not know what was used in these
/// hours.
fn parts(usage: &Usage, bill: &[Option<&BTreeMap<String, Decimal>>]) -> Option<Vec<Vec<Decimal>>> {
    let window = bill.len().saturating_sub(usage.hours() / HOURS);
    let quantity =
        |day: &BTreeMap<String, Decimal>, name: &str| day.get(without_region(name)).copied().unwrap_or_default().max(Decimal::ZERO);
    let mean = |name: &str, days: &[Option<&BTreeMap<String, Decimal>>]| {
        let known: Vec<Decimal> = days.iter().flatten().map(|day| quantity(day, name)).collect();
        known.iter().sum::<Decimal>() / Decimal::from(known.len().max(1))
    };
    let names = usage.usage_types();
    let now: Vec<Decimal> = names.iter().map(|name| mean(name, bill.get(window..).unwrap_or_default())).collect();
    let unknown: Decimal = usage.by_usage_type().zip(&now).filter(|(_, mean)| mean.is_zero()).map(|((_, usd), _)| usd).sum();
    if usage.on_demand() * UNKNOWN < unknown {
        return None;
    }
    let usual: Vec<Decimal> = names.iter().map(|name| mean(name, bill)).collect();
    let of_day = |day: Option<&BTreeMap<String, Decimal>>| {
        let used = names.iter().zip(&usual).map(|(name, usual)| day.map_or(*usual, |day| quantity(day, name)));
        used.zip(&now).map(|(used, now)| used.checked_div(*now).unwrap_or_default()).collect()
    };
    Some(bill.iter().copied().map(of_day).collect())
}

/// The hours of a day (UTC) on average: USD of each usage type.
fn average_day(usage: &Usage, from: Timestamp) -> Vec<Vec<Decimal>> {
    let first = usize::try_from(from.duration_since(begin_of(day_of(from))).as_hours()).unwrap_or_default();
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
    sums
}

#[cfg(test)]
mod tests {
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
    fn days_without_use_count() {
        let longer = Longer::of(&week(), from(), &bill(&[(80, dec!(0)), (7, dec!(24))])).unwrap();
        assert_eq!((longer.days(), longer.usage.on_demand()), (60, dec!(252)));
        assert_eq!(Longer::of(&week(), from(), &bill(&[(20, dec!(0)), (7, dec!(24))])), None, "too few days");
    }

    /// A day without an answer must not make twice as large a plan look right.
    #[test]
    fn a_day_that_is_not_known_counts_as_an_average_one() {
        let whole = bill(&[(52, dec!(6)), (8, dec!(24))]);
        for missing in [jiff::civil::date(2026, 11, 29), jiff::civil::date(2026, 11, 24), jiff::civil::date(2026, 10, 31)] {
            let mut gap = whole.clone();
            gap.remove(&missing);
            let (with, without) = (Longer::of(&week(), from(), &whole).unwrap(), Longer::of(&week(), from(), &gap).unwrap());
            assert_eq!((without.days(), without.from), (60, with.from), "{missing}");
            let differs = (without.usage.on_demand() / with.usage.on_demand() - Decimal::ONE).abs();
            assert!(differs < dec!(0.05), "{missing}: {differs}");
        }
        let mut late = whole;
        late.retain(|day, _| jiff::civil::date(2026, 10, 10) <= *day);
        assert_eq!(Longer::of(&week(), from(), &late).unwrap().days(), 51, "it begins with the first day that is known");
    }

    #[test]
    fn a_small_usage_type_that_the_bill_does_not_know_yet_counts_as_none() {
        for (usd, is_known) in [(dec!(0.05), true), (dec!(0.2), false)] {
            let mut usage = Usage::new(vec![HOST.to_owned(), "EUC1-Host:ml.t3.medium".to_owned()]);
            (0..168).for_each(|_| usage.push([dec!(2), usd]).unwrap());
            let longer = Longer::of(&usage, from(), &bill(&[(60, dec!(24))]));
            assert_eq!(longer.is_some(), is_known, "{usd}");
            assert!(longer.is_none_or(|longer| longer.usage.dollars().all(|row| row == [dec!(2), dec!(0)])));
        }
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
