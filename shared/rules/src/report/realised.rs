//! Savings held against the bill: what was estimated, and what of it the days after confirm. What the bill does not confirm is not claimed. Days that AWS may
//! still correct confirm nothing, because more may come.
//!
//! The savings of one component and team are held together. What each day after the first of them would have cost without them is the mean of the same weekday in
//! the four weeks before; the bill confirms as much as the days after cost less than that, and never more than was estimated.

use std::collections::BTreeMap;

use jiff::{SignedDuration, civil::Date};
use rust_decimal::Decimal;

use crate::{
    plan::{Saved, SavedBy},
    report::{
        Money, Savings,
        cuts::{Cuts, UNTAGGED},
        days_in_words,
        period::ReportPeriod,
    },
    vocabulary::{
        component::Component,
        period::{begin_of, day_of, plus_days},
        price::dollars,
        resource::Arn,
        text::folded,
    },
};

/// How many days before the first saving say what was usual.
const USUAL_DAYS: i64 = 28;

/// How many of them must be on the bill.
const LEAST_DAYS: usize = 7;

/// What the savings of one component and team come to.
#[derive(Debug)]
pub(crate) struct Held {
    /// The line of the report.
    pub(crate) line: Savings,
    /// USD of the estimate that nothing is known of yet.
    pub(crate) open: Decimal,
}

/// Holds savings against the days of the bill before `estimated_from`, the highest estimate first. `savings`: of the period and of the time before it, as far as
/// the bill is known.
pub(crate) fn hold(cuts: &Cuts, estimated_from: Date, savings: &[&Saved]) -> Vec<Held> {
    let mut groups: BTreeMap<(Component, String), Vec<&Saved>> = BTreeMap::new();
    for saved in savings.iter().filter(|one| one.by != SavedBy::Spot && one.usd.is_some()) {
        let Some(component) = component_of(saved) else { continue };
        groups.entry((component, team_key(saved.team.as_deref()))).or_default().push(saved);
    }
    let teams = cuts.team_names();
    let mut held: Vec<Held> = groups
        .into_iter()
        .filter_map(|((component, key), savings)| {
            let bill = Bill::of(cuts, component, &teams, &key).until(estimated_from);
            Group { component, savings, bill, period: cuts.period }.held()
        })
        .collect();
    held.sort_by_key(|one| std::cmp::Reverse(one.line.estimated));
    held
}

fn component_of(saved: &Saved) -> Option<Component> {
    Component::of_id(&Arn::parse(&saved.arn)?.id()?)
}

/// The components on whose lines a saving shows: what is submitted again as Spot moves from one to the other.
const fn lines_of(component: Component) -> &'static [Component] {
    match component {
        Component::Realtime => &[Component::Realtime, Component::Async],
        Component::Training => &[Component::Training, Component::TrainingSpot],
        Component::Notebook => &[Component::Notebook],
        Component::Studio => &[Component::Studio],
        Component::Processing => &[Component::Processing],
        Component::Batch => &[Component::Batch],
        Component::Hyperpod => &[Component::Hyperpod],
        _ => &[],
    }
}

fn team_key(team: Option<&str>) -> String {
    folded(team.unwrap_or_default()).collect()
}

/// The cost of each day that is final.
struct Bill {
    days: BTreeMap<Date, Decimal>,
    /// The team as the bill spells it.
    team: String,
    /// Whether the bill has anything of the team.
    has_team: bool,
}

impl Bill {
    fn of(cuts: &Cuts, component: Component, teams: &[String], key: &str) -> Self {
        let is_team = |team: &String| team_key(Some(team).filter(|team| *team != UNTAGGED).map(String::as_str)) == key;
        let of_team: Vec<bool> = teams.iter().map(is_team).collect();
        let lines = lines_of(component);
        let counts = |(line, team): &(Component, usize)| lines.contains(line) && of_team.get(*team) == Some(&true);
        let cost = |rows: &std::collections::HashMap<(Component, usize), Decimal>| {
            rows.iter().filter(|(of, _)| counts(of)).map(|(_, usd)| *usd).sum::<Decimal>()
        };
        let days: BTreeMap<Date, Decimal> = cuts.days.iter().map(|(day, rows)| (*day, cost(rows))).collect();
        let team = teams.iter().find(|team| is_team(team)).cloned();
        Self { has_team: days.values().any(|usd| !usd.is_zero()), days, team: team.unwrap_or_else(|| UNTAGGED.to_owned()) }
    }

    /// Its days before this one.
    fn until(mut self, day: Date) -> Self {
        self.days.retain(|one, _| *one < day);
        self
    }

    /// Whether too few days before a day are known, and no later report will know more: they are older than what is kept of the bill.
    fn begins_too_late(&self, day: Date) -> bool {
        !self.days.is_empty() && self.days.range(..day).count() < LEAST_DAYS
    }

    /// What each weekday usually costs before a day, and the number of days that say so. `None`: too few days are known.
    fn usual(&self, before: Date) -> Option<(usize, impl Fn(Date) -> Decimal)> {
        let days: Vec<(Date, Decimal)> = self.days.range(plus_days(before, -USUAL_DAYS)..before).map(|(day, usd)| (*day, *usd)).collect();
        let mean = |usd: Vec<Decimal>| (!usd.is_empty()).then(|| usd.iter().sum::<Decimal>() / Decimal::from(usd.len()));
        let all = mean(days.iter().map(|(_, usd)| *usd).collect())?;
        let number = days.len();
        let usual = move |day: Date| {
            mean(days.iter().filter(|(one, _)| one.weekday() == day.weekday()).map(|(_, usd)| *usd).collect()).unwrap_or(all)
        };
        (LEAST_DAYS <= number).then_some((number, usual))
    }
}

/// The savings of one component and team.
struct Group<'a> {
    component: Component,
    savings: Vec<&'a Saved>,
    bill: Bill,
    period: ReportPeriod,
}

impl Group<'_> {
    /// `None`: none of them is in the period.
    fn held(&self) -> Option<Held> {
        let in_period: Vec<&&Saved> = self.savings.iter().filter(|one| !part(one, self.period.from, self.period.until).is_zero()).collect();
        if in_period.is_empty() {
            return None;
        }
        let sum = |from: Date, until: Date| in_period.iter().map(|one| part(one, from, until)).sum::<Decimal>();
        let known = self.known_days().map(|(day, _)| sum(day, plus_days(day, 1))).sum();
        let estimated = sum(self.period.from, self.period.until);
        let (realised, why) = self.realised(known);
        let open = match realised {
            Some(_) => estimated - known,
            None if self.bill.begins_too_late(self.first()) => Decimal::ZERO,
            None => estimated,
        };
        let line = Savings {
            component: self.component,
            team: self.team(),
            times: in_period.len(),
            estimated: Money(estimated),
            realised: realised.map(Money),
            why,
        };
        Some(Held { line, open })
    }

    fn team(&self) -> String {
        if self.bill.has_team {
            return self.bill.team.clone();
        }
        self.savings.iter().find_map(|one| one.team.clone()).unwrap_or_else(|| UNTAGGED.to_owned())
    }

    /// The final days of the period with their cost.
    fn known_days(&self) -> impl Iterator<Item = (Date, Decimal)> {
        self.bill.days.range(self.period.from..self.period.until).map(|(day, usd)| (*day, *usd))
    }

    /// The day on which the first of the savings began.
    fn first(&self) -> Date {
        self.savings.iter().map(|one| day_of(one.from)).min().unwrap_or(self.period.from)
    }

    /// What the bill confirms of the known part of the estimate, and what it says in words.
    fn realised(&self, known: Decimal) -> (Option<Decimal>, String) {
        let first = self.first();
        let after: Vec<(Date, Decimal)> = self.known_days().filter(|(day, _)| first <= *day).collect();
        if !self.bill.has_team {
            return (None, "the bill has nothing of this team: its tag may not be an active cost allocation tag".to_owned());
        }
        if let Some(oldest) = self.bill.days.keys().next().filter(|_| self.bill.begins_too_late(first)) {
            let why =
                format!("it began on {first}, and the bill is known from {oldest} on: too few days before, so no report can confirm it");
            return (None, why);
        }
        let Some((days_before, usual)) = self.bill.usual(first) else {
            return (None, format!("the days before {first} are not known, so that there is nothing to compare with"));
        };
        let Some((since, _)) = after.first() else {
            return (None, "the days after are not on the bill yet, or AWS may still correct them".to_owned());
        };
        let days = Decimal::from(after.len());
        let (expected, cost) =
            (after.iter().map(|(day, _)| usual(*day)).sum::<Decimal>(), after.iter().map(|(_, usd)| *usd).sum::<Decimal>());
        let realised = (expected - cost).clamp(Decimal::ZERO, known);
        let [first, since] = [first, *since].map(|day| day.strftime("%-d %B"));
        let usual_day = format!("{} a day (the same weekdays of the {days_before} days before {first})", dollars(expected / days));
        let day_since = format!("{} a day ({} from {since} on)", dollars(cost / days), days_in_words(after.len()));
        let fell = if cost < expected { "fell" } else { "did not fall" };
        let why = format!("on average, the bill for its kind of use and team {fell} from {usual_day} to {day_since}");
        (Some(realised), why)
    }
}

/// The part of a saving between two days, in USD. It is spread evenly over its time.
fn part(saved: &Saved, from: Date, until: Date) -> Decimal {
    let (from, until, usd) = (begin_of(from), begin_of(until), saved.usd.unwrap_or_default());
    let length = saved.until.duration_since(saved.from);
    if length <= SignedDuration::ZERO {
        return if from <= saved.from && saved.from < until { usd } else { Decimal::ZERO };
    }
    let overlap = saved.until.min(until).duration_since(saved.from.max(from)).max(SignedDuration::ZERO);
    usd * Decimal::from(overlap.as_secs()) / Decimal::from(length.as_secs().max(1))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use rust_decimal::dec;

    use super::*;
    use crate::report::cuts::BillRow;

    const NOTEBOOK: &str = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn";

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn week() -> ReportPeriod {
        ReportPeriod::parse("2026-W47").unwrap()
    }

    fn saved(from: &str, until: &str, usd: Decimal) -> Saved {
        Saved {
            arn: NOTEBOOK.into(),
            name: "churn".into(),
            owner: None,
            team: Some("NLP".into()),
            by: SavedBy::Guard,
            action: None,
            is_resubmitted: false,
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
            usd: Some(usd),
        }
    }

    /// The bill of `Notebk` by day from `first` on: `before` a day until Mon 2026-11-16, then `after`, until `until`.
    fn bill(first: &str, until: &str, before: Decimal, after: Decimal) -> Cuts {
        let mut cuts = Cuts::new(week());
        for day in day(first).series(jiff::Span::new().days(1)).take_while(|one| *one < day(until)) {
            let usd = if day < self::day("2026-11-16") { before } else { after };
            cuts.add(BillRow { day, usage: "Notebk:ml.m5.xlarge", team: "nlp", usd, quantity: dec!(1) });
        }
        cuts
    }

    fn one(cuts: &Cuts, savings: &[&Saved]) -> (Money, Option<Money>, Decimal, String) {
        let mut held = hold(cuts, day("2026-12-01"), savings);
        assert_eq!(held.len(), 1);
        let Held { line, open } = held.remove(0);
        assert_eq!(line.team, "nlp");
        (line.estimated, line.realised, open, line.why)
    }

    #[test]
    fn the_bill_confirms_what_it_fell_by_and_never_more_than_was_estimated() {
        let week = saved("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", dec!(70));
        for (after, realised, fell, since) in [
            (dec!(20), dec!(70), "fell", "$20.00"),
            (dec!(35), dec!(35), "fell", "$35.00"),
            (dec!(40), dec!(0), "did not fall", "$40.00"),
            (dec!(90), dec!(0), "did not fall", "$90.00"),
        ] {
            let held = one(&bill("2026-10-01", "2026-11-23", dec!(40), after), &[&week]);
            let why = format!(
                "on average, the bill for its kind of use and team {fell} from $40.00 a day (the same weekdays of the 28 days before 16 November) to {since} a day (7 days from \
                 16 November on)"
            );
            assert_eq!(held, (Money(dec!(70)), Some(Money(realised)), dec!(0), why));
        }
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let week = saved("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", dec!(70));
        let (estimated, realised, open, _) = one(&bill("2026-10-01", "2026-11-20", dec!(40), dec!(20)), &[&week]);
        assert_eq!((estimated, realised, open), (Money(dec!(70)), Some(Money(dec!(40))), dec!(30)), "three days are not on the bill");
        let (_, realised, open, why) = one(&bill("2026-11-12", "2026-11-23", dec!(40), dec!(20)), &[&week]);
        assert_eq!((realised, open), (None, dec!(0)), "nothing of it will be known");
        assert_eq!(
            why,
            "it began on 2026-11-16, and the bill is known from 2026-11-12 on: too few days before, so no report can confirm it"
        );
        let other = Saved { team: Some("vision".into()), ..week.clone() };
        let held = hold(&bill("2026-10-01", "2026-11-23", dec!(40), dec!(20)), day("2026-12-01"), &[&other]);
        assert_eq!((held[0].line.realised, held[0].line.team.as_str()), (None, "vision"));
    }

    /// The page said of it "is not known yet" in every report.
    #[test]
    fn what_began_before_the_days_that_are_kept_is_never_confirmed() {
        let asleep = saved("2026-03-02T00:00:00Z", "2026-12-01T00:00:00Z", dec!(2740));
        let (estimated, realised, open, why) = one(&bill("2026-05-06", "2026-11-23", dec!(40), dec!(40)), &[&asleep]);
        assert_eq!((estimated, realised, open), (Money(dec!(70)), None, dec!(0)));
        assert!(why.starts_with("it began on 2026-03-02, and the bill is known from 2026-05-06 on"), "{why}");
        // Days in between that could not be read may still come.
        let mut cuts = bill("2026-11-16", "2026-11-23", dec!(40), dec!(20));
        for day in day("2026-09-01").series(jiff::Span::new().days(1)).take(30) {
            cuts.add_day(day);
        }
        let week = saved("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z", dec!(70));
        let (_, realised, open, why) = one(&cuts, &[&week]);
        assert_eq!((realised, open), (None, dec!(70)));
        assert!(why.contains("the days before 2026-11-16 are not known"), "{why}");
    }

    #[test]
    fn days_that_aws_may_still_correct_confirm_nothing() {
        let from_thursday = saved("2026-11-19T00:00:00Z", "2026-11-23T00:00:00Z", dec!(80));
        let mut cuts = bill("2026-10-01", "2026-11-22", dec!(40), dec!(40));
        // Only an hour of Sunday is on the bill yet.
        cuts.add(BillRow { day: day("2026-11-22"), usage: "Notebk:ml.m5.xlarge", team: "nlp", usd: dec!(2), quantity: dec!(1) });
        for (estimated_from, realised, open) in [
            ("2026-11-19", None, dec!(80)),
            ("2026-11-20", Some(dec!(0)), dec!(60)),
            ("2026-11-22", Some(dec!(0)), dec!(20)),
            ("2026-11-23", Some(dec!(38)), dec!(0)),
        ] {
            let Held { line, open: still } = hold(&cuts, day(estimated_from), &[&from_thursday]).remove(0);
            assert_eq!((line.realised.map(|usd| usd.0), still), (realised, open), "{estimated_from}: {}", line.why);
        }
    }

    #[test]
    fn a_saving_counts_with_its_part_of_the_period() {
        let month = saved("2026-11-18T00:00:00Z", "2026-12-18T00:00:00Z", dec!(300));
        let past = saved("2026-11-14T00:00:00Z", "2026-11-15T00:00:00Z", dec!(10));
        let cuts = bill("2026-10-01", "2026-11-23", dec!(40), dec!(20));
        let held = hold(&cuts, day("2026-12-01"), &[&month, &past]);
        assert_eq!((held[0].line.estimated, held[0].line.times), (Money(dec!(50)), 1));
        assert!(hold(&cuts, day("2026-12-01"), &[&past]).is_empty());
        let spot = Saved { by: SavedBy::Spot, ..month };
        assert!(hold(&cuts, day("2026-12-01"), &[&spot]).is_empty(), "what Spot saves is measured");
    }

    proptest! {
        #[test]
        fn no_more_is_claimed_than_was_estimated(costs in prop::collection::vec(0u32..200, 50), usd in 0u32..500, hours in 1i64..400) {
            let mut cuts = Cuts::new(week());
            for (day, usd) in day("2026-10-04").series(jiff::Span::new().days(1)).zip(costs) {
                cuts.add(BillRow { day, usage: "Notebk:ml.m5.xlarge", team: "nlp", usd: usd.into(), quantity: dec!(1) });
            }
            let from: Timestamp = "2026-11-17T09:00:00Z".parse().unwrap();
            let one = Saved { from, until: from + SignedDuration::from_hours(hours), usd: Some(usd.into()), ..saved("2026-11-17T09:00:00Z", "2026-11-18T09:00:00Z", dec!(1)) };
            for Held { line, open } in hold(&cuts, day("2026-12-01"), &[&one]) {
                let realised = line.realised.unwrap_or_default().0;
                prop_assert!(Decimal::ZERO <= realised && realised + open <= line.estimated.0);
            }
        }
    }
}
