//! Tests of the life of a finding, run by run: what is mailed, warned, done, held back and closed, and that a second run does nothing.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use rust_decimal::dec;

use super::*;
use crate::{
    facts::{Change, JobStatus, Notebook, Reading, RunState, TrainingJob, Usage, Workflow},
    plan::{
        entry::{FAILURES_KEPT, add_failure, take_back_failure},
        saving::SpotSaving,
        step::STANDING,
    },
    policy::KEEP_UNTIL_TAG,
    remedy::Remedy,
    rulebook::{Finding, Rulebook},
    rules::verdict::Waste,
    samples::{audited, budget, notebook, training_job},
    vocabulary::{
        duration::Duration,
        price::Prices,
        resource::{Kind, Tags},
    },
};
use proptest::prelude::*;

const ENFORCE: &str = "timezone = \"Europe/Berlin\"\n[rules.notebook-off-hours]\nmode = \"enforce\"\n[rules.notebook-always-on]\nmode = \"off\"\n[rules.notebook-idle]\nmode = \"off\"";

const REPORT: &str = "timezone = \"Europe/Berlin\"\n[rules.notebook-always-on]\nmode = \"off\"\n[rules.notebook-idle]\nmode = \"off\"";

/// A ledger in memory with the conditions of the real one: a write is refused if the ledger has another version.
#[derive(Default)]
struct Ledger(BTreeMap<FindingKey, Entry>);

/// What goes well or wrong in a run.
#[derive(Clone, Debug)]
struct Luck {
    /// How every action ends.
    outcome: Outcome,
    /// Whether the mails are sent.
    mails: bool,
    /// Whether the writes after the actions and mails succeed.
    writes: bool,
}

const GOOD_LUCK: Luck = Luck { outcome: Outcome::Done, mails: true, writes: true };

impl Ledger {
    fn entries(&self) -> Vec<Entry> {
        self.0.values().cloned().collect()
    }

    /// Writes what it can. Returns the keys of the refused records.
    fn write(&mut self, records: Vec<Record>) -> HashSet<FindingKey> {
        let mut refused = HashSet::new();
        for record in records {
            let entry = record.entry();
            if self.0.get(&record.key()).map_or(0, |known| known.version) == entry.version {
                self.0.insert(record.key(), Entry { version: entry.version + 1, ..entry.clone() });
            } else {
                refused.insert(record.key());
            }
        }
        refused
    }

    /// The second half of a run, as in `cost-aws`.
    fn settle(&mut self, plan: &mut Plan, luck: &Luck, now: Timestamp) {
        let refused = self.write(plan.intended(false, now));
        plan.leave(&refused);
        plan.written();
        let of = |one: &Planned| (one.finding.resource.id.clone(), one.finding.waste.remedy.clone());
        let outcomes: Outcomes = plan.due().into_iter().map(|one| (of(one), luck.outcome.clone())).collect();
        let silent = plan.settle(&outcomes, now);
        let told: Vec<FindingKey> = plan.planned.iter().filter(|one| one.news.is_some()).map(|one| one.entry.key()).collect();
        let untold: Vec<FindingKey> = plan.closed.iter().filter(|one| one.pending_notice).map(|one| one.entry.key()).collect();
        let keys: Vec<&FindingKey> = told.iter().chain(&untold).collect();
        let reached = if luck.mails { keys.iter().copied().collect() } else { HashSet::new() };
        let after = plan.notified(keys, &reached, now);
        if luck.writes {
            self.write(silent);
            self.write(after);
        }
    }
}

fn facts(now: &str, notebooks: &[Notebook]) -> Facts {
    Facts {
        now: now.parse().unwrap(),
        prices: Prices::of_region("us-east-1", []).into(),
        notebooks: notebooks.to_vec(),
        reading: Reading { complete: [Kind::NotebookInstance].into(), ..Reading::default() },
        ..Facts::default()
    }
}

/// One run with a budget of 1,000 USD a month of which `actual` is spent. Returns the planned steps.
fn spent(ledger: &mut Ledger, now: &str, actual: i64) -> Vec<Step> {
    let mut budget = budget("ml-dev");
    (budget.actual, budget.period) = (
        Some(actual.into()),
        budget.period.and_then(|period| {
            crate::vocabulary::period::Period::current(period.unit, period.from, "2087-06-15".parse().unwrap(), now.parse().unwrap())
        }),
    );
    let rulebook = Rulebook::from_toml("").unwrap();
    let facts =
        Facts { budgets: vec![budget], reading: Reading { complete: [Kind::Budget].into(), ..Reading::default() }, ..facts(now, &[]) };
    let mut plan = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
    let steps = steps(&plan);
    ledger.settle(&mut plan, &GOOD_LUCK, facts.now);
    steps
}

#[test]
fn a_budget_is_told_once_for_each_threshold_and_period() {
    let mut ledger = Ledger::default();
    for (now, actual, expected) in [
        ("2026-11-10T06:00:00Z", 700, None),
        ("2026-11-20T06:00:00Z", 810, Some(Step::Report)),
        ("2026-11-20T14:00:00Z", 830, Some(Step::Wait)),
        ("2026-11-21T06:00:00Z", 1010, Some(Step::Report)),
        ("2026-11-21T14:00:00Z", 990, Some(Step::Wait)), // the bill was corrected: 80 % is no news
        ("2026-11-21T22:00:00Z", 790, None),
        ("2026-11-22T06:00:00Z", 1020, Some(Step::Wait)),
        ("2026-11-30T22:00:00Z", 1900, Some(Step::Wait)),
        ("2026-12-01T06:00:00Z", 5, None),
        ("2026-12-20T06:00:00Z", 900, Some(Step::Report)),
        ("2027-02-20T06:00:00Z", 900, Some(Step::Report)),
    ] {
        assert_eq!(spent(&mut ledger, now, actual), expected.into_iter().collect::<Vec<_>>(), "{now}: {actual}");
    }
}

#[test]
fn what_was_mailed_lately_is_counted_and_not_listed_with_each_new_one() {
    let rulebook = Rulebook::from_toml("[rules.missing-tag]\nrequired = { CostCenter = \".+\" }\n").unwrap();
    let mut ledger = Ledger::default();
    for (now, number, told, counted) in [
        ("2026-11-23T08:00:00Z", 3, 3, None),
        ("2026-11-23T09:00:00Z", 4, 1, Some("Also:  3 more")),
        ("2026-11-23T10:00:00Z", 4, 0, None),
        ("2026-11-24T09:00:00Z", 5, 1, Some("Also:  4 more")),
        // For the first three, half of the week until their reminder is over.
        ("2026-11-26T20:30:00Z", 6, 4, Some("Also:  2 more")),
    ] {
        let names = ["churn", "fraud", "demand", "price", "image", "text"];
        let facts = Facts {
            assets: names[..number].iter().map(|name| audited(&format!("model/{name}"), &[])).collect(),
            reading: Reading { complete: [Kind::Model].into(), ..Reading::default() },
            ..facts(now, &[])
        };
        let mut plan = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
        let mailed: Vec<&Planned> = plan.planned.iter().filter(|one| one.step.notifies()).collect();
        let details: Vec<String> =
            mailed.iter().flat_map(|one| &one.finding.waste.notice.details).map(|one| one.title.to_string()).collect();
        assert_eq!((mailed.len(), details.len()), (told, usize::from(counted.is_some())), "{now}: {details:?}");
        assert!(counted.is_none_or(|counted| details[0].starts_with(counted)), "{now}: {details:?}");
        ledger.settle(&mut plan, &GOOD_LUCK, facts.now);
    }
}

/// One run of the guard, and a second run at the same time that must do nothing.
fn run(policy: &str, ledger: &mut Ledger, now: &str, notebooks: &[Notebook]) -> Plan {
    let rulebook = Rulebook::from_toml(policy).unwrap();
    let facts = facts(now, notebooks);
    let first = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
    ledger.settle(&mut first.clone(), &GOOD_LUCK, facts.now);
    let held = first.planned.iter().any(|one| one.step == Step::HoldBack);
    let second = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
    assert!(held || second.is_empty(), "a second run at {now} plans {second:#?}");
    first
}

fn steps(plan: &Plan) -> Vec<Step> {
    plan.planned.iter().map(|one| one.step.clone()).collect()
}

fn named(name: &str, started: &str, instance_type: &str) -> Notebook {
    let mut notebook = notebook(started);
    notebook.resource.id = format!("notebook-instance/{name}");
    notebook.resource.name = name.into();
    notebook.instance_type = Some(instance_type.into());
    notebook
}

fn stopped(mut notebook: Notebook, since: &str) -> Notebook {
    notebook.state = RunState::Stopped;
    notebook.since = Some(since.parse().unwrap());
    notebook
}

fn keep(mut notebook: Notebook, until: &str) -> Notebook {
    notebook.resource.tags = Tags::Known(BTreeMap::from([(KEEP_UNTIL_TAG.to_owned(), until.to_owned())]));
    notebook
}

const STARTED: &str = "2026-11-23T08:00:00Z";

#[test]
fn report_mode_mails_once_and_reminds_after_a_week() {
    let (mut ledger, left_on) = (Ledger::default(), [notebook(STARTED)]);
    for (now, expected) in [
        ("2026-11-23T17:00:00Z", vec![]),
        ("2026-11-23T18:00:00Z", vec![Step::Report]),
        ("2026-11-23T18:15:00Z", vec![Step::Wait]),
        ("2026-11-24T09:00:00Z", vec![]),           // working hours: closed without a mail
        ("2026-11-24T18:00:00Z", vec![Step::Wait]), // notified yesterday
        ("2026-11-30T17:45:00Z", vec![]),
        ("2026-11-30T18:00:00Z", vec![Step::Remind]),
        ("2026-12-01T18:00:00Z", vec![Step::Wait]),
    ] {
        assert_eq!(steps(&run(REPORT, &mut ledger, now, &left_on)), expected, "{now}");
    }
}

#[test]
fn enforcement_warns_waits_acts_and_closes_with_what_it_saved() {
    let (mut ledger, left_on) = (Ledger::default(), [notebook(STARTED)]);
    for (now, expected) in [
        ("2026-11-23T18:00:00Z", Step::Warn),
        ("2026-11-23T18:15:00Z", Step::Wait),
        ("2026-11-23T18:29:59Z", Step::Wait),
        ("2026-11-23T18:30:00Z", Step::Act),
    ] {
        assert_eq!(steps(&run(ENFORCE, &mut ledger, now, &left_on)), [expected], "{now}");
    }
    let after = run(ENFORCE, &mut ledger, "2026-11-23T18:45:00Z", &[stopped(notebook(STARTED), "2026-11-23T18:31:00Z")]);
    let saving = after.closed[0].saving.clone().unwrap();
    assert!(saving.by_guard && !after.closed[0].pending_notice);
    // Off from 18:30 until 07:00 UTC, at 0.23 USD/h.
    assert_eq!(saving.usd, Some(dec!(2.875)));
}

#[test]
fn a_warning_given_to_one_run_does_not_count_for_the_next() {
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    let again = [notebook("2026-11-23T12:05:00Z")];
    let restarted = run(ENFORCE, &mut ledger, "2026-11-23T18:45:00Z", &again);
    assert_eq!(steps(&restarted), [Step::Warn]);
    assert_eq!(restarted.planned[0].entry.act_after, Some("2026-11-23T19:15:00Z".parse().unwrap()));
}

#[test]
fn a_state_change_closes_the_grace_of_the_last_run_and_starts_nothing() {
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    let rulebook = Rulebook::from_toml(ENFORCE).unwrap();
    let changed = Scope::Changed("notebook-instance/churn".into(), None);
    let plan_at = |ledger: &Ledger, notebook: Notebook| {
        let mut facts = facts("2026-11-23T18:10:00Z", &[notebook]);
        facts.reading.complete.clear();
        plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &changed)
    };
    assert_eq!(plan_at(&ledger, notebook(STARTED)), Plan::default(), "the same run: its clock goes on");
    for fresh in [notebook("2026-11-23T18:09:00Z"), notebook("2026-11-23T09:00:00Z")] {
        let plan = plan_at(&ledger, fresh);
        assert_eq!((plan.planned.len(), plan.closed.len()), (0, 1));
        assert_eq!((plan.closed[0].entry.state, &plan.closed[0].saving), (State::Closed, &None));
    }
    let nothing_before = plan_at(&Ledger::default(), notebook(STARTED));
    assert_eq!(nothing_before, Plan::default(), "no mail by itself");
}

#[test]
fn a_wish_to_keep_holds_back_until_its_day_and_no_longer_than_allowed() {
    let policy = format!("{ENFORCE}\n[exemption]\nmax = \"2d\"");
    let mut ledger = Ledger::default();
    for (now, until, expected) in [
        ("2026-11-23T18:00:00Z", None, Step::Warn),
        ("2026-11-23T18:30:00Z", Some("2026-11-24"), Step::Exempt),
        ("2026-11-24T22:59:00Z", Some("2026-11-24"), Step::Exempt),
        ("2026-11-24T23:00:00Z", Some("2026-11-24"), Step::Warn), // the day is over in Berlin: warned again
        ("2026-11-24T23:20:00Z", Some("2030-01-01"), Step::Exempt),
        ("2026-11-26T23:15:00Z", Some("2030-01-01"), Step::Exempt),
        ("2026-11-26T23:20:00Z", Some("2030-01-01"), Step::Warn), // two days after it was first seen
        ("2026-11-26T23:50:00Z", Some("2030-01-01"), Step::Act),
    ] {
        let notebook = until.map_or_else(|| notebook(STARTED), |until| keep(notebook(STARTED), until));
        assert_eq!(steps(&run(&policy, &mut ledger, now, &[notebook])), [expected], "{now} kept until {until:?}");
    }
}

/// An owner's tag said more than it may hold, so the policy's exemption took its place: it was stopped at the tag's end.
#[test]
fn the_policy_keeps_what_a_tag_no_longer_keeps() {
    let exempt = "[[exempt]]\nmatch = { name = \"churn\" }\nuntil = \"2026-11-27\"\nreason = \"demo\"";
    let policy = format!("{ENFORCE}\n[exemption]\nmax = \"2d\"\n{exempt}");
    let mut ledger = Ledger::default();
    for (now, expected) in [
        ("2026-11-24T23:20:00Z", Step::Exempt),
        ("2026-11-26T23:20:00Z", Step::Exempt), // two days after the tag was first seen
        ("2026-11-27T22:59:00Z", Step::Exempt),
        ("2026-11-27T23:00:00Z", Step::Warn), // the day of the policy is over, and the tag does not begin again
    ] {
        assert_eq!(steps(&run(&policy, &mut ledger, now, &[keep(notebook(STARTED), "2030-01-01")])), [expected], "{now}");
    }
}

#[test]
fn an_unreadable_tag_suspends_enforcement_and_is_told() {
    let (mut ledger, unreadable) = (Ledger::default(), [keep(notebook(STARTED), "as long as I like")]);
    assert_eq!(steps(&run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &unreadable)), [Step::Report, Step::Report]);
    assert_eq!(steps(&run(ENFORCE, &mut ledger, "2026-11-23T20:00:00Z", &unreadable)), [Step::Wait, Step::Wait]);
}

fn owned(mut notebook: Notebook, owner: &str) -> Notebook {
    notebook.resource.tags = Tags::Known(BTreeMap::from([("Owner".to_owned(), owner.to_owned())]));
    notebook
}

#[test]
fn a_new_owner_is_told_and_warned_anew() {
    for (policy, told) in [(REPORT, Step::Report), (ENFORCE, Step::Warn)] {
        let mut ledger = Ledger::default();
        assert_eq!(steps(&run(policy, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)])), std::slice::from_ref(&told));
        let of_bob = [owned(notebook(STARTED), "bob@example.com")];
        let anew = run(policy, &mut ledger, "2026-11-23T18:45:00Z", &of_bob);
        assert_eq!(steps(&anew), [told], "what was told to nobody was not told to bob");
        assert!(anew.planned[0].entry.act_after.is_none_or(|at| at == "2026-11-23T19:15:00Z".parse().unwrap()));
        assert_eq!(steps(&run(policy, &mut ledger, "2026-11-23T19:00:00Z", &of_bob)), [Step::Wait]);
    }
}

#[test]
fn a_grace_that_has_become_longer_is_given() {
    let longer = format!("{ENFORCE}\n").replace("[rules.notebook-off-hours]\n", "[rules.notebook-off-hours]\ngrace = \"2h\"\n");
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    for (now, expected) in [("2026-11-23T18:45:00Z", Step::Wait), ("2026-11-23T19:59:00Z", Step::Wait), ("2026-11-23T20:00:00Z", Step::Act)]
    {
        assert_eq!(steps(&run(&longer, &mut ledger, now, &[notebook(STARTED)])), [expected], "{now}");
    }
    // A finding that was due without a grace and failed was never warned of.
    let at_once = longer.replace("2h", "0s");
    let mut ledger = Ledger::default();
    run(&at_once, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    ledger.0.values_mut().for_each(|entry| (entry.state, entry.failure) = (State::Warned, Some("refused".into())));
    assert_eq!(steps(&run(ENFORCE, &mut ledger, "2026-11-23T18:15:00Z", &[notebook(STARTED)])), [Step::Warn]);
}

#[test]
fn an_item_that_cannot_be_read_is_exempted() {
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    ledger.0.values_mut().for_each(|entry| entry.state = State::Unreadable);
    for notebooks in [vec![notebook(STARTED)], vec![]] {
        assert!(run(ENFORCE, &mut ledger, "2026-11-23T20:00:00Z", &notebooks).is_empty());
    }
}

#[test]
fn what_was_asked_for_and_does_not_exist_is_closed() {
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    let mut gone = facts("2026-11-23T18:15:00Z", &[]);
    gone.reading.complete.clear();
    gone.reading.gone = ["notebook-instance/churn".to_owned()].into();
    let rulebook = Rulebook::from_toml(ENFORCE).unwrap();
    assert_eq!(plan(rulebook.evaluate(&gone), &gone, Some(ledger.entries()), &Scope::Everything).closed.len(), 1);
}

#[test]
fn one_stop_is_one_saving() {
    let policy = "timezone = \"Europe/Berlin\"\n[rules.notebook-off-hours]\nmode = \"enforce\"\n[rules.notebook-idle]\nmode = \"off\"";
    let old = "2026-11-18T08:00:00Z";
    let mut ledger = Ledger::default();
    run(policy, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(old)]);
    run(policy, &mut ledger, "2026-11-23T18:30:00Z", &[notebook(old)]);
    let after = run(policy, &mut ledger, "2026-11-23T18:45:00Z", &[stopped(notebook(old), "2026-11-23T18:31:00Z")]);
    let savings: Vec<_> = after.closed.iter().filter_map(|one| Some((one.entry.rule.as_str(), one.saving.as_ref()?))).collect();
    let [(rule, saving)] = &savings[..] else { panic!("{savings:?}") };
    assert_eq!((*rule, saving.by_guard, saving.usd), ("notebook-off-hours", true, Some(dec!(2.875))), "until work begins");
}

#[test]
fn each_finding_has_its_own_max_actions_and_failures_come_last() {
    let policy = r#"
        timezone = "Europe/Berlin"
        max-actions = 2
        [rules.notebook-off-hours]
        mode = "enforce"
        grace = "0s"
        [rules.notebook-always-on]
        mode = "off"
        [rules.notebook-idle]
        mode = "off"
        [[override]]
        match = { name = "research*" }
        rules.notebook-off-hours.max-actions = 100
    "#;
    let mut left_on: Vec<Notebook> = (0..5).map(|n| named(&format!("base-{n}"), STARTED, "ml.m5.xlarge")).collect();
    left_on.push(named("research-dear", STARTED, "ml.g5.48xlarge"));
    let acted = |plan: &Plan| {
        let acted = plan.planned.iter().filter(|one| one.step == Step::Act).map(|one| one.entry.name.clone());
        acted.collect::<Vec<_>>()
    };
    assert_eq!(acted(&run(policy, &mut Ledger::default(), "2026-11-23T18:00:00Z", &left_on)), ["base-0", "research-dear"]);

    let mut ledger = Ledger::default();
    run(policy, &mut ledger, "2026-11-23T18:00:00Z", &left_on);
    ledger.0.values_mut().for_each(|entry| (entry.state, entry.failure) = (State::Warned, Some("refused".into())));
    assert_eq!(
        acted(&run(policy, &mut ledger, "2026-11-23T18:15:00Z", &left_on)),
        ["base-1", "base-2", "research-dear"],
        "the others have their turn, research has its own"
    );
}

#[test]
fn at_most_max_actions_and_the_most_expensive_first() {
    let policy = "timezone = \"Europe/Berlin\"\nmax-actions = 2\n[rules.notebook-off-hours]\nmode = \"enforce\"\ngrace = \"0s\"\n[rules.notebook-always-on]\nmode = \"off\"";
    let mut left_on = vec![
        named("cheap", STARTED, "ml.m5.large"),
        named("dear", STARTED, "ml.g5.48xlarge"),
        named("unknown", STARTED, "ml.zz.large"),
        named("middle", STARTED, "ml.m5.4xlarge"),
    ];
    let mut ledger = Ledger::default();
    let first = run(policy, &mut ledger, "2026-11-23T18:00:00Z", &left_on);
    let acted: Vec<_> = first.planned.iter().filter(|one| one.step == Step::Act).map(|one| one.entry.name.as_str()).collect();
    assert_eq!(acted, ["dear", "middle"]);
    assert_eq!(first.planned.iter().filter(|one| one.step == Step::HoldBack).count(), 2);
    left_on.retain(|notebook| !acted.contains(&notebook.resource.name.as_str()));
    let second = run(policy, &mut ledger, "2026-11-23T18:15:00Z", &left_on);
    assert_eq!(steps(&second), [Step::Act, Step::Act]);
}

/// The policy by which a warning holds for a week.
fn weekly_warnings() -> String {
    format!("[mail]\nrepeated-warnings = \"weekly\"\n{}", ENFORCE.split_once('\n').map_or("", |(_, rules)| rules)).replacen(
        "[mail]",
        "timezone = \"Europe/Berlin\"\n[mail]",
        1,
    )
}

#[test]
fn a_warning_holds_for_a_week_for_what_is_left_on_again() {
    let policy = weekly_warnings();
    let left_on = |day: u8| notebook(&format!("2026-11-{day}T08:00:00Z"));
    let mut ledger = Ledger::default();
    for (now, notebook, expected) in [
        ("2026-11-23T18:00:00Z", left_on(23), Step::Warn),
        ("2026-11-23T18:30:00Z", left_on(23), Step::Act),
        ("2026-11-24T18:00:00Z", left_on(24), Step::Wait), // warned yesterday: nobody is mailed
        ("2026-11-24T18:15:00Z", left_on(24), Step::Wait),
        ("2026-11-24T18:30:00Z", left_on(24), Step::Act), // and still it has its grace
        ("2026-11-25T18:00:00Z", notebook("2026-11-25T08:00:00Z"), Step::Wait),
        ("2026-11-26T00:00:00Z", notebook("2026-11-25T19:00:00Z"), Step::Warn), // started in off hours: somebody wants it
        ("2026-11-27T18:00:00Z", left_on(27), Step::Wait),
        ("2026-11-27T18:15:00Z", owned(left_on(27), "bob"), Step::Warn), // he was never warned
    ] {
        assert_eq!(steps(&run(&policy, &mut ledger, now, &[notebook])), [expected], "{now}");
    }
    let mut ledger = Ledger::default();
    for (now, day, expected) in [
        ("2026-11-23T18:00:00Z", 23, Step::Warn),
        ("2026-11-23T18:30:00Z", 23, Step::Act),
        ("2026-11-30T17:59:00Z", 30, Step::Wait), // within working hours in Berlin: no finding
        ("2026-11-30T18:00:00Z", 30, Step::Warn), // the week is over
    ] {
        let plan = run(&policy, &mut ledger, now, &[left_on(day)]);
        assert!(steps(&plan).iter().all(|step| *step == expected), "{now}: {plan:?}");
    }
    let mut ledger = Ledger::default();
    for day in [23, 24] {
        let now = format!("2026-11-{day}T18:00:00Z");
        assert_eq!(steps(&run(ENFORCE, &mut ledger, &now, &[left_on(day)])), [Step::Warn], "by default each time has its warning");
        run(ENFORCE, &mut ledger, &format!("2026-11-{day}T18:30:00Z"), &[left_on(day)]);
    }
}

#[test]
fn who_uses_it_in_the_evening_is_warned_again() {
    let policy = weekly_warnings();
    let used = |until: &str| Notebook {
        usage: Some(Usage { last: until.parse().unwrap(), known_until: until.parse().unwrap() }),
        ..notebook("2026-11-24T08:00:00Z")
    };
    let mut ledger = Ledger::default();
    run(&policy, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    run(&policy, &mut ledger, "2026-11-23T18:30:00Z", &[notebook(STARTED)]);
    for (now, last, expected) in [
        ("2026-11-24T18:00:00Z", "2026-11-24T17:59:00Z", Step::Wait),
        ("2026-11-24T18:15:00Z", "2026-11-24T18:14:00Z", Step::Warn),
        ("2026-11-24T18:30:00Z", "2026-11-24T18:14:00Z", Step::Wait),
        ("2026-11-24T18:45:00Z", "2026-11-24T18:14:00Z", Step::Act),
    ] {
        assert_eq!(steps(&run(&policy, &mut ledger, now, &[used(last)])), [expected], "{now}");
    }
}

#[test]
fn what_may_be_done_only_later_is_announced_for_then_and_done_then() {
    let hours = "[working-hours]\ndefault = \"mon-fri/08:00-19:00\"";
    let enforced = "[rules.endpoint-off-hours]\nmode = \"enforce\"\nremedy = \"hibernate\"\ngrace = \"1h\"";
    let rulebook = Rulebook::from_toml(&format!("{hours}\n{enforced}")).unwrap();
    let mut endpoint = crate::samples::endpoint("2026-10-01T00:00:00Z");
    // Called at noon of each working day. 24 November 2026 is a Tuesday.
    let is_noon = |hour: usize| (hour % 24 == 12 && !matches!(hour / 24 % 7, 5 | 6)).then_some(5.0);
    let from = "2026-11-09T00:00:00Z".parse().unwrap();
    endpoint.variants[0].invocations = Some(crate::facts::Invocations::by_hour(from, (0..336).map(is_noon).collect()));
    let mut ledger = Ledger::default();
    let mut at = |now: &str| {
        let reading = Reading { complete: [Kind::Endpoint].into(), ..Reading::default() };
        let facts = Facts { endpoints: vec![endpoint.clone()], reading, ..facts(now, &[]) };
        let mut plan = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
        ledger.settle(&mut plan, &Luck { outcome: Outcome::Done, mails: true, writes: true }, facts.now);
        let one = plan.planned.remove(0);
        (one.step, one.entry.act_after.map(|at| at.to_string()))
    };
    let evening = Some("2026-11-24T19:00:00Z".to_owned());
    assert_eq!(at("2026-11-24T09:00:00Z"), (Step::Warn, evening.clone()));
    assert_eq!(at("2026-11-24T12:00:00Z"), (Step::Wait, evening.clone()), "its grace is over, and people work");
    assert_eq!(at("2026-11-24T18:45:00Z"), (Step::Wait, evening.clone()));
    assert_eq!(at("2026-11-24T19:00:00Z").0, Step::Act);
}

#[test]
fn a_warning_that_was_not_mailed_is_no_warning() {
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    ledger.0.values_mut().for_each(|entry| entry.notified_at = None);
    let retry = run(ENFORCE, &mut ledger, "2026-11-23T18:45:00Z", &[notebook(STARTED)]);
    assert_eq!(steps(&retry), [Step::Warn]);
    assert_eq!(retry.planned[0].entry.act_after, Some("2026-11-23T19:15:00Z".parse().unwrap()));
}

#[test]
fn a_run_that_broke_off_is_finished_by_the_next() {
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    ledger.0.values_mut().for_each(|entry| (entry.state, entry.notified_at) = (State::Acting, None));
    assert_eq!(steps(&run(ENFORCE, &mut Ledger(ledger.0.clone()), "2026-11-23T18:45:00Z", &[notebook(STARTED)])), [Step::Act]);
    let done = run(ENFORCE, &mut ledger, "2026-11-23T18:45:00Z", &[stopped(notebook(STARTED), "2026-11-23T18:31:00Z")]);
    assert!(done.closed[0].pending_notice, "it was stopped, and nobody said so yet");
}

#[test]
fn a_stop_saves_nothing_before_it_is_stopped() {
    let is = |state, since: &str| Notebook { state, since: Some(since.parse().unwrap()), ..notebook(STARTED) };
    let stopping = |_| is(RunState::Changing(Change::Stopping), "2026-11-23T18:31:00Z");
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    let mut done = run(ENFORCE, &mut ledger, "2026-11-23T18:30:00Z", &[notebook(STARTED)]);
    assert_eq!(steps(&done), [Step::Act]);
    let key = (done.planned[0].finding.resource.id.clone(), Remedy::StopNotebook);
    done.settle(&[(key, Outcome::Done)].into(), "2026-11-23T18:30:00Z".parse().unwrap());
    assert_eq!(done.planned[0].news, Some(News::Done(End::Stopping(None))));
    for (now, told) in
        [("2026-11-23T18:45:00Z", vec![]), ("2026-11-24T20:31:00Z", vec![Step::Report]), ("2026-11-25T20:31:00Z", vec![Step::Wait])]
    {
        let hangs = run(ENFORCE, &mut ledger, now, &[stopping(now)]);
        assert_eq!((steps(&hangs), hangs.closed.len()), (told, 0), "{now}: neither saved nor told twice");
    }
    let ended = run(ENFORCE, &mut ledger, "2026-11-26T20:00:00Z", &[is(RunState::Stopped, "2026-11-26T19:00:00Z")]);
    assert_eq!(ended.closed.iter().filter(|one| one.saving.is_some()).count(), 1, "{ended:#?}");
}

#[test]
fn what_another_run_is_at_work_on_is_left_to_it() {
    let rulebook = Rulebook::from_toml(ENFORCE).unwrap();
    for state in [State::Warned, State::Acting] {
        let mut ledger = Ledger::default();
        run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
        ledger.0.values_mut().for_each(|entry| (entry.state, entry.notified_at) = (state, None));
        for notebooks in [vec![notebook(STARTED)], vec![]] {
            let soon = facts("2026-11-23T18:05:00Z", &notebooks);
            assert!(plan(rulebook.evaluate(&soon), &soon, Some(ledger.entries()), &Scope::Everything).is_empty(), "{state:?}");
            let later = facts("2026-11-23T18:06:00Z", &notebooks);
            assert!(!plan(rulebook.evaluate(&later), &later, Some(ledger.entries()), &Scope::Everything).is_empty(), "{state:?}");
        }
    }
}

#[test]
fn a_series_is_told_once_and_each_of_its_jobs_is_acted_upon() {
    let jobs = || {
        ["churn-train-1", "churn-train-2"].map(|name| {
            let mut job = training_job("2026-11-23T11:00:00Z");
            (job.resource.name, job.resource.id) = (name.into(), format!("training-job/{name}"));
            job
        })
    };
    let plan_of = |policy: &str, ledger: &mut Ledger, now: &str, jobs: Vec<TrainingJob>| {
        let rulebook = Rulebook::from_toml(policy).unwrap();
        let facts = Facts { training_jobs: jobs, ..facts(now, &[]) };
        let plan = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
        ledger.settle(&mut plan.clone(), &GOOD_LUCK, facts.now);
        steps(&plan)
    };
    let mut ledger = Ledger::default();
    let [first, second] = jobs();
    assert_eq!(plan_of("", &mut ledger, "2026-11-23T12:00:00Z", vec![first.clone()]), [Step::Report]);
    assert_eq!(plan_of("", &mut ledger, "2026-11-23T13:00:00Z", vec![first, second]), [Step::Wait, Step::Wait]);
    assert_eq!(plan_of("", &mut ledger, "2026-11-30T12:00:00Z", jobs().into()), [Step::Remind, Step::Wait]);
    let enforce = "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"\ngrace = \"5m\"";
    assert_eq!(plan_of(enforce, &mut ledger, "2026-11-30T12:00:00Z", jobs().into()), [Step::Warn, Step::Warn]);
    assert_eq!(plan_of(enforce, &mut ledger, "2026-11-30T12:05:00Z", jobs().into()), [Step::Act, Step::Act]);
}

#[test]
fn a_job_that_comes_to_its_end_by_itself_saves_nothing() {
    let enforce = Rulebook::from_toml("[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"").unwrap();
    for (state, saving) in [(State::Warned, false), (State::Acted, true)] {
        let mut ledger = Ledger::default();
        let mut jobs = Facts { training_jobs: vec![training_job("2026-11-23T11:00:00Z")], ..facts("2026-11-23T12:00:00Z", &[]) };
        ledger.settle(&mut plan(enforce.evaluate(&jobs), &jobs, Some(vec![]), &Scope::Everything), &GOOD_LUCK, jobs.now);
        ledger.0.values_mut().for_each(|entry| entry.state = state);
        (jobs.now, jobs.training_jobs[0].status) = ("2026-11-23T13:00:00Z".parse().unwrap(), JobStatus::Stopped);
        let closing = plan(enforce.evaluate(&jobs), &jobs, Some(ledger.entries()), &Scope::Everything);
        let [closed] = &closing.closed[..] else { panic!("{closing:?}") };
        assert_eq!(closed.saving.is_some(), saving, "{state:?}");
        assert!(
            closed.saving.as_ref().is_none_or(|saving| saving.by_guard && saving.usd.is_none()),
            "for how long it would have run is not known"
        );
    }
}

#[test]
fn what_completed_was_not_stopped() {
    let enforce = Rulebook::from_toml("[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"").unwrap();
    for (status, was_stopped) in [(JobStatus::Completed, false), (JobStatus::Stopped, true)] {
        let mut ledger = Ledger::default();
        let mut jobs = Facts { training_jobs: vec![training_job("2026-11-23T11:00:00Z")], ..facts("2026-11-23T12:00:00Z", &[]) };
        ledger.settle(&mut plan(enforce.evaluate(&jobs), &jobs, Some(vec![]), &Scope::Everything), &GOOD_LUCK, jobs.now);
        ledger.0.values_mut().for_each(|entry| (entry.state, entry.notified_at) = (State::Acting, None));
        (jobs.now, jobs.training_jobs[0].status) = ("2026-11-23T13:00:00Z".parse().unwrap(), status);
        let closing = plan(enforce.evaluate(&jobs), &jobs, Some(ledger.entries()), &Scope::Everything);
        let [closed] = &closing.closed[..] else { panic!("{closing:?}") };
        assert_eq!((closed.pending_notice, closed.saving.is_some()), (was_stopped, was_stopped), "{status:?}");
    }
}

#[test]
fn what_was_given_up_is_told_once_to_each_owner_and_exempted_until_its_next_run() {
    for (told, owner, started, expected) in [
        (true, None, STARTED, Step::Wait),
        (false, None, STARTED, Step::Act),
        (true, Some("bob"), STARTED, Step::Warn),
        (true, None, "2026-11-23T17:00:00Z", Step::Warn),
    ] {
        let mut ledger = Ledger::default();
        run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
        for entry in ledger.0.values_mut() {
            (entry.state, entry.failure) = (State::GivenUp, Some("there is no way".into()));
            entry.notified_at = entry.notified_at.filter(|_| told);
            assert_eq!(entry.is_due("2026-11-23T18:45:00Z".parse().unwrap()), !told);
            if let Some(other) = owner {
                entry.owner = Some(other.to_owned());
            }
        }
        let next = run(ENFORCE, &mut ledger, "2026-11-23T18:45:00Z", &[notebook(started)]);
        assert_eq!(next.is_empty(), expected == Step::Wait, "{told} {owner:?} {started}");
        assert_eq!(steps(&next), [expected], "{told} {owner:?} {started}");
    }
}

#[test]
fn a_failure_is_told_once() {
    let told = |failures: &[&str]| {
        let mut known: Option<String> = None;
        failures.iter().filter(|why| add_failure(known.as_deref(), why).map(|all| known = Some(all)).is_some()).count()
    };
    assert_eq!(told(&["no quota: 3 Instances", "denied", "no quota: 4 Instances", "denied"]), 2);
    assert_eq!(told(&["InternalFailure (request 8f14e45f-ceea)", "InternalFailure (request c9f0f895-fb98)"]), 1);
    assert_eq!(told(&["two\nlines", "two lines"]), 1);
    let many = (b'a'..=b'z').fold(None, |known, letter| add_failure(known.as_deref(), &char::from(letter).to_string()));
    assert_eq!(many.unwrap().lines().count(), FAILURES_KEPT);
    assert_eq!((take_back_failure("a\nb"), take_back_failure("a")), ("a".to_owned(), String::new()));
    assert!(add_failure(Some(""), "a").is_some());
}

#[test]
fn what_spot_saved_is_the_share_that_was_not_billed() {
    let rulebook = Rulebook::from_toml("").unwrap();
    let prices = Prices::of_region("us-east-1", []);
    let job = |training, billable| TrainingJob {
        spot: true,
        status: JobStatus::Completed,
        ended: Some("2026-11-24T12:00:00Z".parse().unwrap()),
        training_seconds: training,
        billable_seconds: billable,
        ..training_job("2026-11-24T08:00:00Z")
    };
    for (training, billable, saved) in [
        (Some(500), Some(100), Some((dec!(80.0), dec!(0.0511)))), // 400 s on two of 0.23 USD/h
        (Some(3600), Some(3600), Some((dec!(0.0), dec!(0)))),
        (Some(100), Some(500), Some((dec!(-400.0), dec!(0)))),
        (Some(0), Some(0), None),
        (None, Some(100), None), // it failed before it started
    ] {
        let saving = SpotSaving::of(&job(training, billable), &rulebook.policy, &prices);
        assert_eq!(saving.map(|saving| (saving.percent(), saving.usd.unwrap())), saved, "{training:?} {billable:?}");
    }
    assert_eq!(SpotSaving::of(&TrainingJob { spot: false, ..job(Some(500), Some(500)) }, &rulebook.policy, &prices), None);
}

#[test]
fn what_could_not_be_read_is_left_as_it_is() {
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    let rulebook = Rulebook::from_toml(ENFORCE).unwrap();
    let mut nothing_listed = facts("2026-11-23T18:15:00Z", &[]);
    nothing_listed.reading.complete.clear();
    let mut dark = notebook(STARTED);
    dark.resource.tags = Tags::Unreadable;
    for facts in [nothing_listed, facts("2026-11-23T18:15:00Z", &[dark])] {
        let plan = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
        assert_eq!(plan, Plan::default());
    }
    let deleted = run(ENFORCE, &mut ledger, "2026-11-23T18:15:00Z", &[]);
    assert_eq!(deleted.closed.len(), 1, "a complete list without it: it is gone");
}

#[test]
fn a_warning_outlives_a_run_that_could_not_ask_who_waits_for_the_job() {
    let policy = "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"\ngrace = \"10m\"";
    let rulebook = Rulebook::from_toml(policy).unwrap();
    let mut ledger = Ledger::default();
    for (now, workflow, step, state) in [
        ("2026-11-24T09:00:00Z", Workflow::None, Step::Warn, State::Warned),
        ("2026-11-24T09:15:00Z", Workflow::Unknown("denied".into()), Step::Wait, State::Warned),
        ("2026-11-24T09:30:00Z", Workflow::None, Step::Act, State::Acted),
    ] {
        let job = training_job("2026-11-24T08:00:00Z");
        let workflows = [(job.resource.id.clone(), workflow)].into();
        let facts = Facts { training_jobs: vec![job], workflows, ..facts(now, &[]) };
        let mut plan = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
        let of_rule = plan.planned.iter().find(|one| one.finding.rule == "training-on-demand").unwrap();
        assert_eq!(of_rule.step, step, "{now}");
        ledger.settle(&mut plan, &GOOD_LUCK, facts.now);
        let entry = ledger.entries().into_iter().find(|entry| entry.rule == "training-on-demand").unwrap();
        assert_eq!(entry.state, state, "{now}");
    }
}

#[test]
fn without_a_ledger_nothing_is_done_and_nobody_is_mailed() {
    let rulebook =
        Rulebook::from_toml(&format!("{ENFORCE}\ngrace = \"0s\"").replace("mode = \"off\"\ngrace", "mode = \"off\"\n#")).unwrap();
    let facts = facts("2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    let plan = plan(rulebook.evaluate(&facts), &facts, None, &Scope::Everything);
    assert_eq!(steps(&plan), [Step::Wait]);
    assert!(plan.is_empty());
}

#[test]
fn two_remedies_on_one_resource_are_two_actions_and_each_has_its_outcome() {
    let rulebook = Rulebook::from_toml(&format!("{ENFORCE}\ngrace = \"0s\"")).unwrap();
    let facts = facts("2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    let mut finding = rulebook.evaluate(&facts).findings.remove(0);
    finding.terms.grace = Duration::minutes(0);
    let tags = Remedy::AddTags { tags: BTreeMap::from([("Team".into(), "nlp".into())]), from: String::new(), rest: None };
    let of = |rule: &'static str, remedy: &Remedy| {
        let finding = Finding { rule, waste: Waste { remedy: remedy.clone(), ..finding.waste.clone() }, ..finding.clone() };
        step(finding, None, facts.now)
    };
    let planned =
        vec![of("invalid-tag-value", &Remedy::StopNotebook), of("missing-tag", &tags), of("notebook-idle", &Remedy::StopNotebook)];
    let mut plan = Plan { planned, closed: vec![] };
    let due: Vec<&Remedy> = plan.due().into_iter().map(|one| &one.finding.waste.remedy).collect();
    assert_eq!(due, [&Remedy::StopNotebook, &tags], "what two rules ask for is done once");
    let id = finding.resource.id.clone();
    let outcomes: Outcomes = [((id.clone(), Remedy::StopNotebook), Outcome::Done), ((id, tags), Outcome::Failed("denied".into()))].into();
    plan.settle(&outcomes, facts.now);
    let states: Vec<State> = plan.planned.iter().map(|one| one.entry.state).collect();
    assert_eq!(states, [State::Acted, State::Warned, State::Acted]);
    assert_eq!(plan.planned[1].news, Some(News::Failed("denied".into())));
}

#[test]
fn what_may_wait_is_not_recorded_as_notified_before_it_is_left() {
    let mut ledger = Ledger::default();
    let facts = facts("2026-11-23T19:00:00Z", &[notebook("2026-11-23T08:00:00Z")]);
    let judged =
        |ledger: &Ledger| plan(Rulebook::from_toml(REPORT).unwrap().evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
    let mut interrupted = judged(&ledger);
    interrupted.notify_later(|_| true);
    ledger.write(interrupted.intended(false, facts.now));
    interrupted.written();
    // Nothing was left: the next run reports it.
    let mut next = judged(&ledger);
    assert_eq!(steps(&next), [Step::Report]);
    next.notify_later(|_| true);
    ledger.write(next.intended(false, facts.now));
    next.written();
    next.settle(&Outcomes::new(), facts.now);
    let key = next.planned[0].entry.key();
    let left = next.notified([&key], &HashSet::from([&key]), facts.now);
    assert!(ledger.write(left).is_empty());
    assert_eq!(steps(&judged(&ledger)), [Step::Wait]);
    // The run before does not leave it once more.
    interrupted.settle(&Outcomes::new(), facts.now);
    let late = interrupted.notified([&key], &HashSet::from([&key]), facts.now);
    assert_eq!(ledger.write(late), HashSet::from([key]));
}

#[test]
fn what_could_wait_is_recorded_as_notified_before_it_is_mailed_with_something_urgent() {
    let mut ledger = Ledger::default();
    let facts = facts("2026-11-23T19:00:00Z", &[notebook("2026-11-23T08:00:00Z")]);
    let mut plan = plan(Rulebook::from_toml(REPORT).unwrap().evaluate(&facts), &facts, Some(vec![]), &Scope::Everything);
    plan.notify_later(|_| true);
    ledger.write(plan.intended(false, facts.now));
    plan.written();
    plan.settle(&Outcomes::new(), facts.now);
    let key = plan.planned[0].entry.key();
    assert!(ledger.write(plan.notify_now([&key], facts.now)).is_empty());
    assert_eq!(ledger.entries()[0].notified_at, Some(facts.now));
    assert_eq!(plan.notify_now([&key], facts.now), [], "it is recorded");
    // The mail was not sent: that is taken back.
    assert!(ledger.write(plan.notified([&key], &HashSet::new(), facts.now)).is_empty());
    assert_eq!(ledger.entries()[0].notified_at, None);
}

fn any_luck() -> impl Strategy<Value = Luck> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Done),
        1 => Just(Outcome::AlreadyDone("it was stopped".into())),
        1 => Just(Outcome::Gone),
        1 => Just(Outcome::Skipped("it changed".into())),
        1 => Just(Outcome::Unknown("no answer".into())),
        2 => "[abc]{1}".prop_map(Outcome::Failed),
        1 => Just(Outcome::GivenUp("never".into())),
    ];
    (outcome, prop::bool::weighted(0.8), prop::bool::weighted(0.9)).prop_map(|(outcome, mails, writes)| Luck { outcome, mails, writes })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Whatever happens to a notebook, and whatever fails (actions, lost answers, mails, the ledger): it is stopped only if its owner was mailed a
    /// warning a whole grace before, in this run of the notebook, or in the last week where the policy says that a warning holds for a week. While writes to the ledger succeed, nobody is mailed the same twice. What was given
    /// up is left alone until the next start.
    #[test]
    fn nobody_is_stopped_unwarned(minutes in prop::collection::vec((1i64..600, 0u8..5, any_luck()), 1..60), holds in any::<bool>()) {
        let rulebook = Rulebook::from_toml(&if holds { weekly_warnings() } else { ENFORCE.to_owned() }).unwrap();
        let mut ledger = Ledger::default();
        let mut now: Timestamp = "2026-11-23T07:00:00Z".parse().unwrap();
        let mut started = now;
        let mut on = true;
        let mut warned: Option<Timestamp> = None;
        let mut standing: Option<Timestamp> = None;
        let mut found: Option<Timestamp> = None;
        let mut mailed: Vec<News> = vec![];
        let mut given_up = false;
        let mut is_ledger_whole = true;
        for (pause, happening, luck) in minutes {
            now += SignedDuration::from_mins(pause);
            if happening == 0 {
                (on, started, warned, given_up) = (!on, now, None, false);
                mailed.clear();
            }
            let mut notebook = notebook(&started.to_string());
            if !on {
                notebook = stopped(notebook, &started.to_string());
            }
            if happening == 1 {
                notebook = keep(notebook, "2026-11-26");
            }
            let facts = facts(&now.to_string(), &[notebook]);
            let mut plan = plan(rulebook.evaluate(&facts), &facts, Some(ledger.entries()), &Scope::Everything);
            let steps = steps(&plan);
            ledger.settle(&mut plan, &luck, now);
            is_ledger_whole &= luck.writes;
            // Working hours and a wish to keep it end a finding, if that is written to the ledger. What comes later is a new finding.
            if steps.iter().any(|step| *step != Step::Exempt) {
                found = found.or(Some(now));
            } else if luck.writes {
                (found, warned, given_up) = (None, None, false);
                mailed.clear();
            }
            for (one, step) in plan.planned.iter().zip(steps) {
                if step == Step::Act {
                    // A warning that holds for a week is given once, and each run of the notebook has its grace. An action that was due while it held may
                    // fail, and is tried again later.
                    let holding = standing.filter(|at| holds && found.is_some_and(|found| found.duration_since(*at) <= STANDING));
                    let at = warned.or(holding).expect("a warning that was mailed");
                    prop_assert!(SignedDuration::from_mins(30) <= now.duration_since(started));
                    prop_assert!(SignedDuration::from_mins(30) <= now.duration_since(at));
                    prop_assert!(happening != 1 || "2026-11-26T23:00:00Z".parse::<Timestamp>().unwrap() <= now);
                    prop_assert!(!given_up || !is_ledger_whole, "it was given up");
                    given_up |= luck.mails && matches!(luck.outcome, Outcome::GivenUp(_));
                    if matches!(luck.outcome, Outcome::Done | Outcome::AlreadyDone(_) | Outcome::Gone) {
                        (on, started) = (false, now);
                    }
                }
                let Some(news) = one.news.clone().filter(|_| luck.mails) else { continue };
                if let News::Warning(_) = news {
                    (warned, standing) = (Some(now), Some(now));
                } else {
                    prop_assert!(!is_ledger_whole || !mailed.contains(&news), "{news:?} was mailed before");
                    mailed.push(news);
                }
            }
        }
    }
}

mod announced;
mod spared;
