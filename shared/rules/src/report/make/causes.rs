//! Why it is more or less than before.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::civil::Date;
use rust_decimal::{Decimal, dec};

use super::{Use, View};
use crate::{
    report::{ALL_TEAMS, Cause, Hours, Money, ReportPeriod, SEVERAL_TEAMS, SEVERAL_TYPES, cuts::Twice},
    vocabulary::{
        component::{Component, instance_type_of},
        period::plus_days,
    },
};

/// The most causes of a difference.
const CAUSES: usize = 5;

/// Differences below this are no cause of their own. Those of a component are one together.
const LEAST: Decimal = Decimal::ONE;

/// The part of a difference that one day must have to be the day on which it was.
const NEARLY_ALL: Decimal = dec!(0.8);

/// The part of it that no other day may have then.
const ANOTHER: Decimal = dec!(0.5);

/// The part of the highest difference of a day up to which another day is as usual.
const HARDLY: Decimal = dec!(0.05);

/// So many usual days may lie between others: a weekend and a day.
const GAP: i64 = 3;

/// What a cause is of: its component, its type and its team.
pub(super) type Of<'a> = (Component, &'a str, &'a str);

/// What was spent on something in the period, and on average in as many days of the one before.
#[derive(Clone, Default)]
struct Spent {
    usd: Twice,
    by_day: BTreeMap<Date, Decimal>,
    hours: Decimal,
    /// Whether some of the cost has no hours on the bill.
    lacks_hours: bool,
}

impl Spent {
    fn add_use(&mut self, one: &Use<'_>) {
        self.add(&Self {
            usd: one.usd,
            by_day: one.by_day.clone(),
            hours: one.quantity,
            lacks_hours: Hours(one.quantity).known_of(Money(one.usd.now)).is_none(),
        });
    }

    fn add(&mut self, other: &Self) {
        self.usd += other.usd;
        self.hours += other.hours;
        self.lacks_hours |= other.lacks_hours;
        for (day, usd) in &other.by_day {
            *self.by_day.entry(*day).or_default() += usd;
        }
    }

    fn difference(&self, period: ReportPeriod) -> Decimal {
        self.usd.now - period.in_its_days(self.usd.before)
    }

    fn is_cause(&self, period: ReportPeriod) -> bool {
        LEAST <= self.difference(period).abs()
    }

    /// How much more than usual each day was, in USD, the highest first.
    fn more_by_day(&self, period: ReportPeriod) -> Vec<(Decimal, Date)> {
        let usual = period.in_its_days(self.usd.before) / Decimal::from(period.days().max(1));
        let mut more: Vec<(Decimal, Date)> = self.by_day.iter().map(|(day, usd)| (*usd - usual, *day)).collect();
        more.sort_by_key(|(usd, _)| Reverse(*usd));
        more
    }

    /// The last day on which it was more than usual, if more than [`GAP`] days of the period follow. `None`: it goes on, or it is less.
    fn until(&self, period: ReportPeriod) -> Option<Date> {
        let more = self.more_by_day(period);
        let (most, _) = more.first().filter(|(most, _)| Decimal::ZERO < *most && Decimal::ZERO < self.difference(period))?;
        let last = more.iter().filter(|(usd, _)| *most * HARDLY < *usd).map(|(_, day)| *day).max()?;
        (plus_days(last, GAP + 1) < period.until).then_some(last)
    }

    /// The day on which nearly all of what is more was. `None`: it was on several, or it is less.
    fn mostly_on(&self, period: ReportPeriod) -> Option<Date> {
        let more = self.more_by_day(period);
        let (most, day) = *more.first()?;
        let next = more.get(1).map_or(Decimal::ZERO, |(usd, _)| *usd);
        let difference = self.difference(period);
        let is_that_day = Decimal::ZERO < difference && difference * NEARLY_ALL <= most && next <= most * ANOTHER;
        is_that_day.then_some(day)
    }

    fn cause(&self, (component, what, team): Of<'_>, period: ReportPeriod) -> Cause {
        let has_hours = component.is_by_instance() && !self.lacks_hours && !self.hours.is_zero();
        Cause {
            component,
            what: what.to_owned(),
            team: team.to_owned(),
            difference: Money(self.difference(period)),
            days: Some(self.by_day.values().filter(|usd| Decimal::ZERO < **usd).count()),
            mostly_on: self.mostly_on(period),
            until: self.until(period),
            hours: has_hours.then_some(Hours(self.hours)),
            found: vec![],
            more_found: 0,
        }
    }
}

impl View<'_> {
    /// The largest differences. Nothing, if the two periods are not compared.
    pub(super) fn causes(&self) -> Vec<Cause> {
        if self.change(Twice::default()).before.is_none() {
            return vec![];
        }
        let period = self.period();
        let mut sums: BTreeMap<Of<'_>, Spent> = BTreeMap::new();
        for one in &self.uses {
            let what = instance_type_of(one.usage).unwrap_or(one.usage);
            let team = if self.tagged.is_once() { ALL_TEAMS } else { one.team };
            sums.entry((one.component, what, team)).or_default().add_use(one);
        }
        let (large, small): (Vec<_>, Vec<_>) = sums.into_iter().partition(|(_, spent)| spent.is_cause(period));
        let small = together(&small).filter(|(_, spent)| spent.is_cause(period));
        let mut causes: Vec<Cause> = large.into_iter().chain(small).map(|(of, spent)| spent.cause(of, period)).collect();
        causes.sort_by_key(|cause| Reverse(cause.difference.0.abs()));
        causes.truncate(CAUSES);
        for cause in &mut causes {
            (cause.found, cause.more_found) = self.found((cause.component, &cause.what, &cause.team));
        }
        causes
    }
}

/// The sum of each component.
fn together<'a>(small: &[(Of<'a>, Spent)]) -> impl Iterator<Item = (Of<'a>, Spent)> {
    let components: BTreeSet<Component> = small.iter().map(|((component, ..), _)| *component).collect();
    components.into_iter().map(|component| {
        let of_it = || small.iter().filter(move |((of, ..), _)| *of == component);
        let what = the_only(of_it().map(|((_, what, _), _)| *what), SEVERAL_TYPES);
        let team = the_only(of_it().map(|((.., team), _)| *team), SEVERAL_TEAMS);
        let mut sum = Spent::default();
        of_it().for_each(|(_, spent)| sum.add(spent));
        ((component, what, team), sum)
    })
}

fn the_only<'a>(names: impl Iterator<Item = &'a str>, or: &'a str) -> &'a str {
    let names: BTreeSet<&str> = names.collect();
    names.first().filter(|_| names.len() == 1).map_or(or, |name| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A week in which something costs so much on each day, after as much on each day of the week before.
    fn week(usd: &[i64], before_a_day: i64) -> (Spent, ReportPeriod) {
        let period = ReportPeriod::parse("2026-W47").unwrap();
        let by_day: BTreeMap<Date, Decimal> = period.all_days().zip(usd.iter().map(|usd| Decimal::from(*usd))).collect();
        let usd = Twice { now: by_day.values().sum(), before: Decimal::from(7 * before_a_day) };
        (Spent { usd, by_day, hours: dec!(24), lacks_hours: false }, period)
    }

    #[test]
    fn a_cause_says_on_which_days_it_was() {
        for (usd, before_a_day, words) in [
            (&[0, 0, 870, 0, 0, 0, 0][..], 0, Some("on Wed 18 November only, 24.0 instance hours in all")),
            (&[30, 30, 900, 30, 30, 30, 30], 30, Some("nearly all of it on Wed 18 November, 24.0 instance hours in all")),
            (&[0, 40, 40, 0, 0, 0, 0], 0, Some("on 2 of 7 days, 24.0 instance hours in all")),
            (&[0, 100, 20, 0, 0, 0, 0], 0, Some("nearly all of it on Tue 17 November, 24.0 instance hours in all")),
            (&[0, 100, 40, 40, 0, 0, 0], 0, Some("on 3 of 7 days, 24.0 instance hours in all")),
            (&[0, 100, 60, 0, 0, 0, 0], 0, Some("on 2 of 7 days, 24.0 instance hours in all")),
            // Days that cost now more, now less: none of them stands out.
            (&[40, 20, 40, 20, 40, 20, 40], 30, Some("24.0 instance hours in all")),
            (&[40, 40, 40, 40, 40, 40, 40], 30, Some("24.0 instance hours in all")),
            (&[0, 0, 0, 0, 0, 0, 0], 30, Some("none in this week")),
            (&[0, 0, 40, 0, 0, 0, 0], 30, None),
        ] {
            let (spent, period) = week(usd, before_a_day);
            let cause = spent.cause((Component::Training, "ml.g5.xlarge", "nlp"), period);
            assert_eq!(cause.when(period).as_deref(), words, "{usd:?}");
        }
    }

    #[test]
    fn hours_that_are_not_known_are_left_out() {
        let (spent, period) = week(&[0, 0, 870, 0, 0, 0, 0], 0);
        let of = |component, spent: &Spent| spent.cause((component, "x", "nlp"), period).when(period).unwrap();
        assert_eq!(of(Component::Training, &Spent { lacks_hours: true, ..spent.clone() }), "on Wed 18 November only");
        assert_eq!(of(Component::Training, &Spent { hours: dec!(0), ..spent.clone() }), "on Wed 18 November only");
        assert_eq!(of(Component::Other, &spent), "on Wed 18 November only", "its quantity may be gigabytes");
    }
}
