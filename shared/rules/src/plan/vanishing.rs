//! What will vanish from the usage because of open findings: what a Savings Plan must not be sized by (money-facts §5.3).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    plan::entry::{Entry, State},
    policy::Policy,
    rules::costs_are_waste,
    savings_plan::{Amount, Certainty, Deduction, Together, Usage, Vanishing},
    vocabulary::{
        component::Component,
        price::HOURS_PER_MONTH,
        resource::{Arn, Ownership, Resource, Tags},
        text::one_line,
    },
};

/// Rules whose training goes on, on Spot. A plan does not cover Spot.
const MOVE_TO_SPOT: [&str; 2] = ["training-on-demand", "tuning-on-demand"];
/// How many resources of a deduction are named.
const NAMED: usize = 3;
/// The end of the names of rules whose waste is outside working hours only.
const OFF_HOURS: &str = "-off-hours";

/// The hours of the usage.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    /// The usage.
    pub usage: &'a Usage,
    /// When its first hour begins.
    pub from: Timestamp,
}

impl Window<'_> {
    fn hours(&self) -> impl Iterator<Item = Timestamp> {
        let from = self.from;
        (0..self.usage.hours()).map(move |hour| from + SignedDuration::from_hours(i64::try_from(hour).unwrap_or(i64::MAX)))
    }
}

/// What belongs together in a line of the advice.
type Group<'e> = BTreeMap<Key<'e>, Vec<&'e Entry>>;
/// How sure it is, the rule, where it is on the bill, and the type of its instances.
type Key<'e> = (Certainty, &'e str, Component, Option<&'e str>);

/// What will vanish: waste first, then what moves to Spot. `entries`: the findings of all functions.
pub fn vanishing(entries: &[&Entry], policy: &Policy, window: Window<'_>) -> Vec<Deduction> {
    let (mut waste, mut moves): (Group<'_>, Group<'_>) = Default::default();
    for entry in the_dearest(entries) {
        let (Some(certainty), Some(component)) = (certainty(entry), Component::of_id(&entry.id)) else { continue };
        let groups = if MOVE_TO_SPOT.contains(&entry.rule.as_str()) { &mut moves } else { &mut waste };
        groups.entry((certainty, &entry.rule, component, entry.instance_type.as_deref())).or_default().push(entry);
    }
    let deduction = |((certainty, rule, component, instance_type), of): (Key<'_>, &[&Entry]), what: &str, amount| {
        let on = instance_type.map_or_else(String::new, |instance_type| format!(" on {instance_type}"));
        let what = format!("{rule}: {what}{on}");
        Deduction {
            what,
            resources: named(of),
            together: together(of),
            component,
            instance_type: instance_type.map(str::to_owned),
            amount,
            certainty,
        }
    };
    let waste = waste.into_iter().map(|(group, of)| {
        let resources = if of.len() == 1 { "1 resource".to_owned() } else { format!("{} resources", of.len()) };
        deduction((group, &of), &resources, Amount::Hourly(hourly(&of, policy, window)))
    });
    let moves = moves.into_iter().map(|(group, of)| {
        let all = deduction((group, &of), "moves to Spot", Amount::Share(Decimal::ONE));
        let monthly: Decimal = of.iter().filter_map(|entry| entry.usd_per_month).sum();
        let on_demand = all.on_demand(window.usage) * HOURS_PER_MONTH / Decimal::from(window.usage.hours().max(1));
        let share = if on_demand <= monthly { Decimal::ONE } else { monthly / on_demand };
        Deduction { amount: Amount::Share(share), ..all }
    });
    waste.chain(moves).collect()
}

fn together(entries: &[&Entry]) -> Together {
    Together { resources: entries.len(), usd_per_month: entries.iter().filter_map(|entry| entry.usd_per_month).sum() }
}

/// The resources that cost most.
fn named(entries: &[&Entry]) -> Vec<Vanishing> {
    let mut dearest: Vec<&&Entry> = entries.iter().collect();
    dearest.sort_by(|a, b| b.usd_per_month.cmp(&a.usd_per_month).then(a.name.cmp(&b.name)));
    let vanishing = |entry: &&Entry| Vanishing {
        name: one_line(&entry.name),
        owner: entry.owner.as_deref().map(one_line),
        found: entry.first_seen,
        told: entry.notified_at,
        usd_per_month: entry.usd_per_month.unwrap_or_default(),
        reason: entry.reason.clone(),
        since: entry.run,
        region: Arn::parse(&entry.arn).map(|arn| arn.region.to_owned()).filter(|region| !region.is_empty()),
        instance_type: entry.instance_type.clone(),
    };
    dearest.into_iter().take(NAMED).map(vanishing).collect()
}

/// Of each resource the finding that costs most, of those that are open if there is one: two rules may find the same waste.
fn the_dearest<'e>(entries: &[&'e Entry]) -> impl Iterator<Item = &'e Entry> {
    let mut dearest: BTreeMap<&str, &Entry> = BTreeMap::new();
    let counts = |entry: &&&Entry| costs_are_waste(&entry.rule) && entry.usd_per_month.is_some_and(|usd| Decimal::ZERO < usd);
    for entry in entries.iter().filter(counts) {
        let known = dearest.entry(&entry.id).or_insert(entry);
        let rank = |entry: &Entry| (entry.state != State::Closed, entry.usd_per_month);
        if rank(known) < rank(entry) {
            *known = entry;
        }
    }
    dearest.into_values()
}

/// `None`: it goes on, because its owner keeps it or because it is used again.
fn certainty(entry: &Entry) -> Option<Certainty> {
    let is_over = entry.stopped.is_some() && !MOVE_TO_SPOT.contains(&entry.rule.as_str());
    match entry.state {
        State::Warned | State::Acting | State::Acted => Some(Certainty::Enforced),
        State::Reported | State::GivenUp => Some(Certainty::Reported),
        // Such a finding is closed each morning, and opened each evening.
        State::Closed if is_off_hours(entry) && entry.action.is_some() => Some(Certainty::Enforced),
        // Until its owner had ended it, it is in the hours.
        State::Closed if is_over => Some(Certainty::Over),
        State::Closed if is_off_hours(entry) => Some(Certainty::Reported),
        State::Closed | State::Exempt | State::Unreadable => None,
    }
}

fn is_off_hours(entry: &Entry) -> bool {
    entry.rule.ends_with(OFF_HOURS)
}

/// Until when its waste is in the usage. What the guard ended is there until then only; what it ends every evening, until it began to.
fn until(entry: &Entry) -> Timestamp {
    match entry.state {
        State::Acted | State::Closed if is_off_hours(entry) && entry.action.is_some() => entry.first_seen,
        State::Acted => entry.last_seen,
        State::Closed => entry.stopped.unwrap_or(Timestamp::MAX),
        _ => Timestamp::MAX,
    }
}

/// USD on demand in each hour.
fn hourly(entries: &[&Entry], policy: &Policy, window: Window<'_>) -> Vec<Decimal> {
    let mut usd = vec![Decimal::ZERO; window.usage.hours()];
    for entry in entries {
        let (is_off_hours, until) = (is_off_hours(entry), until(entry));
        let of_an_hour = match entry.usd_per_hour {
            Some(usd) if is_off_hours => usd,
            _ => entry.usd_per_month.unwrap_or_default() / HOURS_PER_MONTH,
        };
        let works = works(entry, policy);
        for (sum, at) in usd.iter_mut().zip(window.hours()) {
            let is_in = entry.run.is_none_or(|run| run <= at) && at < until && !(is_off_hours && works(at));
            if is_in {
                *sum += of_an_hour;
            }
        }
    }
    usd
}

/// Whether its team works at a time. A tag of its own is not known any more: then its team's hours count.
fn works<'p>(entry: &Entry, policy: &'p Policy) -> impl Fn(Timestamp) -> bool + use<'p> {
    let resource = Resource {
        id: entry.id.clone(),
        arn: Some(entry.arn.clone()),
        name: entry.name.clone(),
        tags: Tags::Known(BTreeMap::new()),
        ownership: Ownership { owner: entry.owner.clone(), team: entry.team.clone() },
    };
    let hours = policy.hours_of(&resource).ok().map(|hours| (hours.schedule, hours.calendar));
    move |at| hours.as_ref().is_some_and(|(schedule, calendar)| schedule.is_working(at, calendar))
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::{rulebook::Rulebook, samples};

    /// Two days from a Monday on, with a notebook and an endpoint that run all the time.
    fn usage() -> Usage {
        let mut usage =
            Usage::new(vec!["EUC1-Notebk:ml.m5.xlarge".into(), "EUC1-Host:ml.g5.xlarge".into(), "EUC1-Train:ml.m5.xlarge".into()]);
        for _ in 0..48 {
            usage.push([dec!(0.5), dec!(2), dec!(1)]).unwrap();
        }
        usage
    }

    fn of(entries: &[Entry]) -> Vec<Deduction> {
        let rulebook = Rulebook::from_toml("[working-hours]\ndefault = \"mon-fri/08:00-18:00@UTC\"").unwrap();
        let usage = usage();
        let entries: Vec<&Entry> = entries.iter().collect();
        vanishing(&entries, &rulebook.policy, Window { usage: &usage, from: "2026-11-23T00:00:00Z".parse().unwrap() })
    }

    fn entry(rule: &str, id: &str, state: State) -> Entry {
        let run = Some("2026-11-01T00:00:00Z".parse().unwrap());
        let usd = (Some(dec!(0.25)), Some(dec!(182.5)));
        Entry { id: id.into(), run, usd_per_hour: usd.0, usd_per_month: usd.1, ..samples::entry(rule, "x", state) }
    }

    fn hours(deduction: &Deduction) -> usize {
        let Amount::Hourly(usd) = &deduction.amount else { panic!("{deduction:?}") };
        assert!(usd.iter().all(|usd| usd.is_zero() || *usd == dec!(0.25)), "{usd:?}");
        usd.iter().filter(|usd| !usd.is_zero()).count()
    }

    #[test]
    fn nights_are_taken_out_by_night_and_what_is_idle_all_day() {
        let found =
            of(&[entry("notebook-off-hours", "notebook-instance/a", State::Warned), entry("endpoint-idle", "endpoint/b", State::Reported)]);
        let told: Vec<_> = found.iter().map(|one| (one.what.as_str(), one.component, one.certainty, hours(one))).collect();
        assert_eq!(
            told,
            [
                ("notebook-off-hours: 1 resource", Component::Notebook, Certainty::Enforced, 28),
                ("endpoint-idle: 1 resource", Component::Realtime, Certainty::Reported, 48)
            ]
        );
    }

    #[test]
    fn what_is_idle_is_taken_from_its_own_instance_type() {
        let on = |id: &str, instance_type: &str| Entry {
            instance_type: Some(instance_type.into()),
            ..entry("endpoint-idle", id, State::Reported)
        };
        let found = of(&[on("endpoint/a", "ml.g5.xlarge"), on("endpoint/b", "ml.g5.xlarge"), on("endpoint/c", "ml.m5.xlarge")]);
        let told: Vec<_> = found.iter().map(|one| (one.what.as_str(), one.instance_type.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("endpoint-idle: 2 resources on ml.g5.xlarge", Some("ml.g5.xlarge")),
                ("endpoint-idle: 1 resource on ml.m5.xlarge", Some("ml.m5.xlarge")),
            ]
        );
    }

    #[test]
    fn what_stays_is_not_taken_out_and_nothing_is_taken_twice() {
        for (rule, id, state) in [
            ("endpoint-idle", "endpoint/b", State::Exempt),
            ("missing-tag", "endpoint/b", State::Reported),
            ("budget-exceeded", "budget/b", State::Reported),
        ] {
            assert_eq!(of(&[entry(rule, id, state)]), [], "{rule} {state:?}");
        }
        let twice = [entry("endpoint-idle", "endpoint/b", State::Reported), entry("endpoint-oversized", "endpoint/b", State::Reported)];
        assert_eq!(of(&twice).len(), 1);
        let begins = Entry { run: Some("2026-11-24T12:00:00Z".parse().unwrap()), ..twice[0].clone() };
        assert_eq!(hours(&of(&[begins])[0]), 12, "before it ran, others did");
        let ended = Entry { state: State::Acted, last_seen: "2026-11-23T10:00:00Z".parse().unwrap(), ..twice[0].clone() };
        assert_eq!(hours(&of(std::slice::from_ref(&ended))[0]), 10);
        // Its owner ended it: until then it was waste. What was found before and is found again is not over.
        let closed = Entry { state: State::Closed, stopped: Some(ended.last_seen), ..ended };
        let found = of(std::slice::from_ref(&closed));
        assert_eq!((hours(&found[0]), found[0].certainty), (10, Certainty::Over));
        let open = Entry { rule: "endpoint-oversized".into(), usd_per_month: Some(dec!(91.25)), ..twice[0].clone() };
        assert_eq!(of(&[closed, open])[0].certainty, Certainty::Reported);
    }

    /// "It is over" was said of a notebook that runs every night, and of an endpoint that is called again.
    #[test]
    fn only_what_was_stopped_is_over() {
        let stopped = Some("2026-11-24T03:00:00Z".parse().unwrap());
        for (rule, id, action, stopped, expected) in [
            ("endpoint-idle", "endpoint/b", None, stopped, Some((Certainty::Over, 27))),
            ("endpoint-idle", "endpoint/b", None, None, None),
            ("notebook-off-hours", "notebook-instance/a", None, None, Some((Certainty::Reported, 28))),
            ("notebook-off-hours", "notebook-instance/a", None, stopped, Some((Certainty::Over, 17))),
            // The guard has stopped it every evening since it was first found, before these hours.
            ("notebook-off-hours", "notebook-instance/a", Some("stop"), None, Some((Certainty::Enforced, 0))),
        ] {
            let action = action.map(str::to_owned);
            let first_seen = "2026-11-20T03:00:00Z".parse().unwrap();
            let found = of(&[Entry { first_seen, action, stopped, ..entry(rule, id, State::Closed) }]);
            assert_eq!(found.first().map(|one| (one.certainty, hours(one))), expected, "{rule} {stopped:?}");
        }
        let job = |state| Entry { stopped, ..entry("training-on-demand", "training-job/a", state) };
        assert_eq!(of(&[job(State::Closed)]), [], "a job of October must not take away December's training");
        assert_eq!(of(&[job(State::Reported)]).len(), 1);
    }

    #[test]
    fn training_that_moves_to_spot_is_a_part_of_all_training() {
        let found = of(&[entry("training-on-demand", "training-job/a", State::Reported)]);
        assert_eq!(found[0].amount, Amount::Share(dec!(0.25)), "182.50 of 730 a month");
        assert_eq!((found[0].what.as_str(), found[0].component), ("training-on-demand: moves to Spot", Component::Training));
    }
}
