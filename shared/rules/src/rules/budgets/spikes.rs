//! Finds days that cost far more than usual for their weekday. Robust against holidays, ends of months and past spikes. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{ToSpan as _, civil::Date};
use rust_decimal::{Decimal, dec};

use crate::{facts::Anomaly, vocabulary::period::plus_days};

/// A day is compared with this many earlier days of the same weekday.
pub(crate) const WEEKS: i64 = 8;

/// If fewer such days are known, the day is not compared.
const FEWEST: usize = 3;

/// The standard deviation of a normal distribution is its median absolute deviation times this.
const TO_STANDARD: Decimal = dec!(1.4826);

/// After this many days in a row, a spike is the usual spend.
const LONGEST: i64 = 14;

/// If the first days of our spike and of AWS's are at most this many days apart, they are the same.
const NEARLY: i64 = 3;

/// This many usual days in a row do not end a spike: a weekend and one more day.
const GAP: i64 = 3;

/// How far above usual a day must be. It must reach all three limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// USD more than usual.
    pub usd: Decimal,
    /// Percent more than usual.
    pub percent: Decimal,
    /// Standard deviations more than usual.
    pub deviations: Decimal,
}

/// Days in a row that cost far more than usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spike {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub last: Date,
    /// What these days cost, in USD.
    pub actual: Decimal,
    /// What these days usually cost, in USD: for each the median of earlier days of the same weekday.
    pub usual: Decimal,
    /// How many earlier days that were, at least.
    pub earlier_days: usize,
    /// Whether AWS Cost Anomaly Detection found it.
    pub by_aws: bool,
    /// Whether only AWS found it. Then `actual` and `usual` are AWS's numbers.
    pub is_awss_alone: bool,
}

/// The spike that is not over: it includes `last_day` or the day before it, or AWS says that it continues.
///
/// `last_day` is the last known day. The day before counts because the bill of the last day may be incomplete. An anomaly that AWS found on the same days is
/// the same spike. `daily`: USD of each day, including days without spend that lie between others. `holidays`: days with which no other day is compared.
pub fn current(
    daily: &BTreeMap<Date, Decimal>,
    last_day: Date,
    holidays: &BTreeSet<Date>,
    anomalies: &[Anomaly],
    limits: Limits,
) -> Option<Spike> {
    let own = own(daily, last_day, holidays, limits).or_else(|| own(daily, plus_days(last_day, -1), holidays, limits));
    let open = anomalies.iter().filter(|one| one.until.is_none_or(|until| last_day <= until) && one.from <= last_day);
    // Small anomalies are not worth a mail.
    let more = |one: &Anomaly| one.actual - one.expected;
    let open = open.filter(|one| limits.usd <= more(one) && one.expected * limits.percent / dec!(100) <= more(one));
    let by_aws = open.filter(|one| plus_days(last_day, -LONGEST) < one.from).min_by_key(|one| one.from);
    match (own, by_aws) {
        // AWS may have seen the spike a little earlier. An anomaly that began long before is another one.
        (Some(own), Some(aws)) => {
            let from = if plus_days(own.from, -NEARLY) <= aws.from { own.from.min(aws.from) } else { own.from };
            Some(Spike { from, by_aws: true, ..own })
        }
        (Some(own), None) => Some(own),
        (None, Some(aws)) => {
            let (actual, usual) = (aws.actual, aws.expected);
            Some(Spike { from: aws.from, last: last_day, actual, usual, earlier_days: 0, by_aws: true, is_awss_alone: true })
        }
        (None, None) => None,
    }
}

/// Finds a spike by our own measure, backwards from the last day. Usual days in between, for example a weekend, do not end it. A day whose excess is more
/// than twice that of the day before begins a new spike.
fn own(daily: &BTreeMap<Date, Decimal>, last_day: Date, holidays: &BTreeSet<Date>, limits: Limits) -> Option<Spike> {
    let mut spike: Option<Spike> = None;
    let mut next_is_off_by = Decimal::MAX;
    for ago in 0..LONGEST {
        let day = plus_days(last_day, -ago);
        let Some(Usual { usd: usual, earlier_days }) = far_above(daily, day, holidays, limits) else {
            if spike.as_ref().is_none_or(|spike| plus_days(day, GAP) < spike.from) {
                return spike;
            }
            continue;
        };
        let actual = daily.get(&day).copied().unwrap_or_default();
        if (actual - usual) * Decimal::TWO < next_is_off_by && spike.is_some() {
            return spike;
        }
        next_is_off_by = actual - usual;
        spike = Some(match spike {
            None => Spike { from: day, last: day, actual, usual, earlier_days, by_aws: false, is_awss_alone: false },
            Some(spike) => Spike {
                from: day,
                actual: spike.actual + actual,
                usual: spike.usual + usual,
                earlier_days: spike.earlier_days.min(earlier_days),
                ..spike
            },
        });
    }
    // It has lasted for so long that it is the usual spend.
    None
}

/// What a day usually costs.
struct Usual {
    /// The median in USD.
    usd: Decimal,
    /// Of how many earlier days of the same weekday.
    earlier_days: usize,
}

/// What a day usually costs. `None`: it does not cost far more than that, or too few days are known.
fn far_above(daily: &BTreeMap<Date, Decimal>, day: Date, holidays: &BTreeSet<Date>, limits: Limits) -> Option<Usual> {
    let actual = *daily.get(&day)?;
    let usd_on = |other: Date| daily.get(&other).copied().filter(|_| !holidays.contains(&other));
    let mut usual: Vec<Decimal> = (1..=WEEKS).filter_map(|weeks| usd_on(plus_days(day, -7 * weeks))).collect();
    if usual.len() < FEWEST {
        return None;
    }
    let middle = median(&mut usual);
    let mut off: Vec<Decimal> = usual.iter().map(|usd| (*usd - middle).abs()).collect();
    let deviation = median(&mut off) * TO_STANDARD;
    let more = actual - middle;
    let is_far = limits.usd <= more && middle * limits.percent / dec!(100) <= more && deviation * limits.deviations <= more;
    // Some charges are billed on the first or the last day of every month.
    let month = day.first_of_month();
    let like = |months: i64| {
        let other = month.saturating_sub(months.months());
        if day == month { Some(other) } else { (day == day.last_of_month()).then(|| other.last_of_month()) }
    };
    let as_before = (1..=3).filter_map(like).filter_map(|other| daily.get(&other)).any(|usd| actual <= *usd * dec!(1.2));
    (is_far && !as_before).then_some(Usual { usd: middle, earlier_days: usual.len() })
}

pub(crate) fn median(of: &mut [Decimal]) -> Decimal {
    of.sort_unstable();
    let middle = of.len() / 2;
    let at = |place: usize| of.get(place).copied().unwrap_or_default();
    if of.len() % 2 == 1 { at(middle) } else { (at(middle.saturating_sub(1)) + at(middle)) / Decimal::TWO }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { usd: dec!(25), percent: dec!(50), deviations: dec!(4) };

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// Twelve weeks before and including `last`: 100 USD on weekdays, 20 on weekends.
    fn weeks(last: Date) -> BTreeMap<Date, Decimal> {
        (0..84)
            .map(|ago| plus_days(last, -ago))
            .map(|day| (day, if day.weekday().to_monday_zero_offset() < 5 { dec!(100) } else { dec!(20) }))
            .collect()
    }

    fn found(daily: &BTreeMap<Date, Decimal>, last: Date) -> Option<(Date, Decimal, Decimal)> {
        current(daily, last, &BTreeSet::new(), &[], LIMITS).map(|spike| (spike.from, spike.actual, spike.usual))
    }

    #[test]
    fn a_day_is_measured_by_its_weekday() {
        let (thursday, saturday) = (day("2026-11-26"), day("2026-11-28"));
        for (last, usd, spike) in [
            (thursday, dec!(100), None),
            (thursday, dec!(149), None),
            (thursday, dec!(160), Some((thursday, dec!(160), dec!(100)))),
            (saturday, dec!(44), None), // twice as much, and 24 USD
            (saturday, dec!(100), Some((saturday, dec!(100), dec!(20)))),
            (thursday, dec!(0), None),
            (thursday, dec!(-50), None),
        ] {
            let mut daily = weeks(last);
            daily.insert(last, usd);
            assert_eq!(found(&daily, last), spike, "{last} {usd}");
        }
    }

    #[test]
    fn days_in_a_row_are_one_spike_until_they_are_what_is_usual() {
        let last = day("2026-11-27");
        let mut daily = weeks(last);
        for ago in 0..3 {
            daily.insert(plus_days(last, -ago), dec!(300));
        }
        assert_eq!(found(&daily, last), Some((day("2026-11-25"), dec!(900), dec!(300))));
        daily.insert(last, dec!(1000));
        assert_eq!(found(&daily, last), Some((last, dec!(1000), dec!(100))), "another one on top of it");
        daily.insert(last, dec!(300));
        daily.insert(plus_days(last, 1), dec!(20));
        daily.insert(plus_days(last, 2), dec!(20));
        assert_eq!(found(&daily, plus_days(last, 2)), None, "it is over");
        for ago in 0..20 {
            daily.insert(plus_days(last, -ago), dec!(300));
        }
        assert_eq!(found(&daily, last), None, "it is what is spent now");
    }

    #[test]
    fn holidays_spikes_of_the_past_and_noise_are_no_measure() {
        let last = day("2026-11-26");
        let mut daily = weeks(last);
        for (weeks, usd) in [(1, dec!(5)), (2, dec!(900)), (3, dec!(4))] {
            daily.insert(plus_days(last, -7 * weeks), usd);
        }
        assert_eq!(found(&daily, last), None, "two holidays and a spike in the past");
        // Each such day has another cost, so 160 USD is not unusual.
        for (weeks, usd) in (1_i64..).zip([40, 160, 70, 130, 60, 150, 90, 110]) {
            daily.insert(plus_days(last, -7 * weeks), Decimal::from(usd));
        }
        daily.insert(last, dec!(180));
        assert_eq!(found(&daily, last), None, "noise");
        let holidays = BTreeSet::from([1, 2, 3, 4, 5, 6].map(|weeks| plus_days(last, -7 * weeks)));
        assert_eq!(current(&daily, last, &holidays, &[], LIMITS), None, "too few days to compare with");
    }

    #[test]
    fn the_first_of_a_month_is_measured_by_the_first_of_others_too() {
        let last = day("2026-12-01");
        let mut daily = weeks(last);
        daily.insert(last, dec!(400));
        assert!(found(&daily, last).is_some());
        daily.insert(day("2026-11-01"), dec!(390));
        assert_eq!(found(&daily, last), None);
        daily.insert(last, dec!(900));
        assert!(found(&daily, last).is_some(), "more than the months before");
    }

    #[test]
    fn awss_anomaly_of_the_same_days_is_the_same_spike() {
        let last = day("2026-11-26");
        let mut daily = weeks(last);
        daily.insert(last, dec!(300));
        let anomaly = |from: &str, until: Option<&str>| Anomaly {
            from: day(from),
            until: until.map(day),
            expected: dec!(200),
            actual: dec!(500),
            causes: vec![],
        };
        let with = |anomalies: &[Anomaly]| current(&daily, last, &BTreeSet::new(), anomalies, LIMITS).unwrap();
        assert_eq!(with(&[]).from, last);
        let both = with(&[anomaly("2026-11-25", None)]);
        assert_eq!((both.from, both.by_aws, both.actual), (day("2026-11-25"), true, dec!(300)));
        assert!(!with(&[anomaly("2026-11-20", Some("2026-11-22"))]).by_aws, "that one is over");
        assert_eq!(with(&[anomaly("2026-11-20", None)]).from, last, "that one began long before");
        let quiet = weeks(last);
        let alone = |anomaly: Anomaly| current(&quiet, last, &BTreeSet::new(), &[anomaly], LIMITS);
        assert_eq!(alone(anomaly("2026-11-25", None)).map(|spike| (spike.actual, spike.usual)), Some((dec!(500), dec!(200))));
        assert_eq!(alone(Anomaly { actual: dec!(210), ..anomaly("2026-11-25", None) }), None, "ten dollars");
        assert_eq!(alone(anomaly("2026-10-25", None)), None, "a month ago: what is spent now");
    }

    /// The first days of the spikes that are reported, day by day: only a later first day is news.
    fn told(daily: &BTreeMap<Date, Decimal>, from: Date, days: i64) -> Vec<Date> {
        let mut told: Vec<Date> = vec![];
        for ahead in 0..days {
            let today = plus_days(from, ahead);
            let known: BTreeMap<Date, Decimal> = daily.range(..=today).map(|(day, usd)| (*day, *usd)).collect();
            if let Some((from, ..)) = found(&known, today).filter(|(from, ..)| told.last().is_none_or(|last| last < from)) {
                told.push(from);
            }
        }
        told
    }

    #[test]
    fn a_growing_spike_is_one() {
        let first = day("2026-11-23");
        let mut daily = weeks(day("2026-12-05"));
        for (ago, usd) in [(0, 200), (1, 250), (2, 310), (3, 320)] {
            daily.insert(plus_days(first, ago), Decimal::from(usd));
        }
        // 100, 150, 210 and 220 USD above usual: no day is more than twice as far above as the day before.
        assert_eq!(told(&daily, first, 4), [first]);
    }

    #[test]
    fn a_new_level_of_weekdays_is_one() {
        let first = day("2026-11-02");
        let mut daily = weeks(day("2026-12-19"));
        for (day, usd) in daily.range_mut(first..) {
            if day.weekday().to_monday_zero_offset() < 5 {
                *usd = dec!(300);
            }
        }
        assert_eq!(told(&daily, first, 45), [first]);
    }

    proptest! {
        #[test]
        fn what_is_not_more_than_usual_is_no_spike(seed in proptest::collection::vec(0_i64..100_000, 84), ago in 0_i64..20) {
            let last = plus_days(day("2026-11-26"), ago);
            let mut daily: BTreeMap<Date, Decimal> =
                seed.iter().zip(0..).map(|(cents, ago)| (plus_days(last, -ago), Decimal::new(*cents, 2))).collect();
            let usual = (1..=WEEKS).map(|weeks| daily[&plus_days(last, -7 * weeks)]).max().unwrap();
            let before = found(&daily, last);
            prop_assert!(before.is_none_or(|(from, actual, usual)| from <= last && usual < actual));
            daily.insert(last, usual.min(daily[&last]));
            let least = (1..=WEEKS).map(|weeks| daily[&plus_days(last, -7 * weeks)]).min().unwrap();
            daily.insert(last, least);
            prop_assert_eq!(own(&daily, last, &BTreeSet::new(), LIMITS), None);
        }
    }
}
