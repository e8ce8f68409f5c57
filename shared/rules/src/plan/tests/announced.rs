//! Tests of warnings that say exactly what will be done, and of those that hold for a routine.

use super::*;
use crate::{
    remedy::{Sleep, WakesBy},
    scaling::{Attachment, Way},
};

/// One run that finds this remedy, or nothing. Returns the step.
fn found(ledger: &mut Ledger, now: &str, remedy: Option<Remedy>) -> Option<Step> {
    let rulebook = Rulebook::from_toml(ENFORCE).unwrap();
    let there = facts(now, &[notebook(STARTED)]);
    let facts = if remedy.is_some() { facts(now, &[notebook(STARTED)]) } else { facts(now, &[]) };
    let of = |remedy: Remedy| {
        let mut finding = rulebook.evaluate(&self::facts("2026-11-23T18:00:00Z", &there.notebooks)).findings.remove(0);
        (finding.waste.recurs, finding.waste.remedy) = (remedy.is_routine(), remedy);
        finding
    };
    let judgement = Judgement { findings: remedy.into_iter().map(of).collect(), ..Judgement::default() };
    let mut plan = plan(judgement, &facts, Some(ledger.entries()), &Scope::Everything);
    ledger.settle(&mut plan, &GOOD_LUCK, facts.now);
    steps(&plan).first().cloned()
}

#[test]
fn only_what_was_announced_is_attached() {
    let to = |max: u32| Some(Remedy::AttachScaling(Way::Follow, vec![Attachment { max, ..Attachment::of_variant("shop", "v", 4) }]));
    let mut ledger = Ledger::default();
    for (now, remedy, expected) in [
        ("2026-11-23T18:00:00Z", to(6), Step::Warn),
        ("2026-11-23T18:15:00Z", to(6), Step::Wait),
        // From the same number of instances, to another one.
        ("2026-11-23T18:30:00Z", to(7), Step::Warn),
        ("2026-11-23T18:45:00Z", to(7), Step::Wait),
        ("2026-11-23T19:00:00Z", to(7), Step::Act),
    ] {
        assert_eq!(found(&mut ledger, now, remedy), Some(expected), "{now}");
    }
    // What was announced is a fact for the rules, until it is done.
    let mut ledger = Ledger::default();
    found(&mut ledger, "2026-11-23T18:00:00Z", to(6));
    let announced = |ledger: &Ledger| {
        let mut one = crate::samples::endpoint("2026-10-01T00:00:00Z");
        one.resource.id.clone_from(&ledger.entries()[0].id);
        let mut facts = Facts { endpoints: vec![one], ..Facts::default() };
        facts.take_announced(&ledger.entries());
        facts.endpoints[0].announced.iter().map(|one| one.max).collect::<Vec<_>>()
    };
    assert_eq!(announced(&ledger), [6]);
    found(&mut ledger, "2026-11-23T18:30:00Z", to(6));
    assert!(announced(&ledger).is_empty());
}

#[test]
fn a_routine_is_warned_of_once_and_again_after_a_week_without_it() {
    let sleep = || Some(Remedy::Hibernate(Sleep { config: "two".into(), wakes: WakesBy::WorkingHours }));
    let mut ledger = Ledger::default();
    let mut warnings = vec![];
    for day in (1..=20).chain(28..=30) {
        let at = |time: &str| format!("2026-11-{day:02}T{time}:00Z");
        if found(&mut ledger, &at("18:00"), sleep()) == Some(Step::Warn) {
            warnings.push(day);
        }
        assert_eq!(found(&mut ledger, &at("18:30"), sleep()), Some(Step::Act), "{day}");
        assert_eq!(found(&mut ledger, &at("20:00"), None), None);
    }
    assert_eq!(warnings, [1, 28]);
}

#[test]
fn what_was_given_auto_scaling_by_another_rule_was_not_spared() {
    use crate::facts::{AttachStage, Attached};
    let mut ledger = Ledger::default();
    let remedy = Remedy::AttachScaling(Way::ToZero, vec![Attachment::of_variant("shop", "v", 4)]);
    found(&mut ledger, "2026-11-23T18:00:00Z", Some(remedy));
    let warned = ledger.entries().remove(0);
    let told = |attached: Option<Attached>, warned: &Entry| {
        let mut one = crate::samples::endpoint("2026-10-01T00:00:00Z");
        one.resource.id.clone_from(&warned.id);
        one.attached = attached;
        let facts = Facts { now: "2026-11-23T19:00:00Z".parse().unwrap(), endpoints: vec![one], ..Facts::default() };
        Now::of(&facts, &[]).spared(warned, warned.run).is_some()
    };
    let by_hours = Attached {
        way: Way::ByHours,
        attachments: vec![],
        usd_per_month: None,
        stage: AttachStage::Attached,
        at: "2026-11-23T18:30:00Z".parse().unwrap(),
    };
    assert!(told(None, &warned) && !told(Some(by_hours.clone()), &warned));
    let sleep = Entry { action: Some("hibernate-endpoint".into()), ..warned };
    assert!(told(Some(by_hours), &sleep), "it is not hibernated");
}
