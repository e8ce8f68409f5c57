//! Whole lives of a finding, run by run: which events each run tells, and that no happening is told twice.

use std::collections::{BTreeMap, BTreeSet};

use boon::{Compiler, Schemas};
use rust_decimal::dec;
use serde_json::json;

use super::*;
use crate::{
    facts::{Facts, Notebook, Reading, RunState},
    plan::{Outcomes, Record, plan},
    policy::KEEP_UNTIL_TAG,
    rulebook::Rulebook,
    samples::{entry, notebook, tagged},
    vocabulary::{price::Prices, scope::Scope},
};

const ENFORCE: &str = "timezone = \"Europe/Berlin\"\n[rules.notebook-off-hours]\nmode = \"enforce\"\n[rules.notebook-always-on]\nmode = \"off\"\n[rules.notebook-idle]\nmode = \"off\"";
const REPORT: &str = "timezone = \"Europe/Berlin\"\n[rules.notebook-always-on]\nmode = \"off\"\n[rules.notebook-idle]\nmode = \"off\"";

/// A run of the guard, and what goes well in it.
#[derive(Clone)]
struct Run {
    now: &'static str,
    notebooks: Vec<Notebook>,
    outcome: Outcome,
    has_mails: bool,
    /// Whether the writes after the actions and mails succeed.
    has_writes: bool,
}

fn run(now: &'static str, notebooks: &[Notebook]) -> Run {
    Run { now, notebooks: notebooks.to_vec(), outcome: Outcome::Done, has_mails: true, has_writes: true }
}

/// A ledger in memory.
#[derive(Default)]
struct Ledger(BTreeMap<FindingKey, Entry>);

impl Ledger {
    fn write(&mut self, records: &[Record]) -> HashSet<FindingKey> {
        for record in records {
            let entry = record.entry();
            self.0.insert(record.key(), Entry { version: entry.version + 1, ..entry.clone() });
        }
        records.iter().map(Record::key).collect()
    }

    /// One run as cost-aws does it, and its events.
    fn live(&mut self, run: &Run, policy: &str) -> Vec<Event> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let teller = Teller { function: "notebook-stopper", account: "123456789012", region: "eu-central-1", zone: &zone };
        let facts = Facts {
            now: run.now.parse().unwrap(),
            prices: Prices::of_region("us-east-1", []).into(),
            notebooks: run.notebooks.clone(),
            reading: Reading { complete: [Kind::NotebookInstance].into(), ..Reading::default() },
            ..Facts::default()
        };
        let judgement = Rulebook::from_toml(policy).unwrap().evaluate(&facts);
        let mut plan = plan(judgement, &facts, Some(self.0.values().cloned().collect()), &Scope::Everything);
        self.write(&plan.intended(false, facts.now));
        plan.written();
        let mut events = teller.found(&plan);
        let of = |one: &Planned| (one.finding.resource.id.clone(), one.finding.waste.remedy.clone());
        let outcomes: Outcomes = plan.due().into_iter().map(|one| (of(one), run.outcome.clone())).collect();
        let silent = plan.settle(&outcomes, facts.now);
        let told: Vec<FindingKey> = plan.planned.iter().filter(|one| one.news.is_some()).map(|one| one.entry.key()).collect();
        let pending = plan.closed.iter().filter(|one| one.pending_notice).map(|one| one.entry.key());
        let keys: Vec<FindingKey> = told.into_iter().chain(pending).collect();
        let reached = if run.has_mails { keys.iter().collect() } else { HashSet::new() };
        let after = plan.notified(&keys, &reached, facts.now);
        let mut written = HashSet::new();
        if run.has_writes {
            written.extend(self.write(&silent));
            written.extend(self.write(&after));
        }
        events.extend(teller.done(&plan, &written));
        events
    }
}

fn on() -> Notebook {
    notebook("2026-11-23T08:00:00Z")
}

fn off() -> Notebook {
    Notebook { state: RunState::Stopped, ..on() }
}

fn kept() -> Notebook {
    tagged(on(), &[(KEEP_UNTIL_TAG, "2026-11-24")])
}

/// What each run tells, and that no key was told before.
fn check(policy: &str, runs: &[(Run, &[What])]) -> Vec<Event> {
    let (mut ledger, mut keys, mut all) = (Ledger::default(), BTreeSet::new(), vec![]);
    for (run, expected) in runs {
        let events = ledger.live(run, policy);
        assert_eq!(events.iter().map(|one| one.detail_type).collect::<Vec<_>>(), *expected, "{}: {events:#?}", run.now);
        for event in events {
            assert!(keys.insert(event.detail.key.clone()), "told twice: {}", event.detail.key);
            all.push(event);
        }
    }
    all
}

#[test]
fn a_life_is_four_events() {
    use What::{ActedUpon, Closed, Opened, Warned};
    let events = check(
        ENFORCE,
        &[
            (run("2026-11-23T18:05:00Z", &[on()]), &[Opened, Warned]),
            (run("2026-11-23T18:05:01Z", &[on()]), &[]),
            (run("2026-11-23T18:40:00Z", &[on()]), &[ActedUpon]),
            (run("2026-11-23T18:41:00Z", &[on()]), &[]),
            (run("2026-11-23T18:50:00Z", &[off()]), &[Closed]),
            (run("2026-11-23T18:50:01Z", &[off()]), &[]),
        ],
    );
    let id = events[0].detail.id.clone();
    let keys: Vec<String> = events.iter().map(|event| event.detail.key.clone()).collect();
    let key = |what: &str, at: &str| format!("123456789012#eu-central-1#notebook-stopper#notebook-off-hours#{what}#{at}#{id}");
    assert_eq!(
        keys,
        [
            key("opened", "2026-11-23T18:05:00Z"),
            key("warned", "2026-11-23T18:05:00Z"),
            key("acted-upon", "2026-11-23T18:40:00Z"),
            key("closed", "2026-11-23T18:50:00Z")
        ]
    );
    let warned = serde_json::to_value(&events[1]).unwrap();
    assert_eq!(warned["detail-type"], "Finding Warned");
    let detail = &warned["detail"];
    assert_eq!(
        (&detail["version"], &detail["state"], &detail["kind"], &detail["action"], &detail["first-seen"], &detail["currency"]),
        (
            &json!("1"),
            &json!("warned"),
            &json!("notebook-instance"),
            &json!("stop-notebook-instance"),
            &json!("2026-11-23T18:05:00Z"),
            &json!("USD")
        )
    );
    assert!(detail["usd-per-hour"].is_f64() && detail["act-after"].is_string() && detail["outcome"].is_null(), "{detail:#}");
    assert_eq!((events[2].detail.outcome, events[2].detail.state), (Some(Ended::Done), State::Acted));
    assert_eq!((events[3].detail.state_before, events[3].detail.state), (Some(State::Acted), State::Closed));
}

#[test]
fn an_event_tells_only_what_is_in_the_ledger() {
    use What::{ActedUpon, Closed, Opened, Warned};
    let evening = || run("2026-11-23T18:05:00Z", &[on()]);
    let unmailed = Run { has_mails: false, ..evening() };
    let unwritten = Run { has_writes: false, ..evening() };
    for first in [unmailed, unwritten] {
        // Who was not mailed was not warned. The next run does it.
        check(ENFORCE, &[(first, &[Opened]), (run("2026-11-23T18:20:00Z", &[on()]), &[Warned])]);
    }
    // What was done was done, whether its owner was mailed or not; what is closed is mailed by the run that closes it.
    let due = || run("2026-11-23T18:40:00Z", &[on()]);
    let gone = || run("2026-11-23T18:50:00Z", &[off()]);
    let unmailed = Run { has_mails: false, ..due() };
    let still_unmailed = Run { has_mails: false, ..gone() };
    check(
        ENFORCE,
        &[
            (evening(), &[Opened, Warned]),
            (unmailed, &[ActedUpon]),
            (still_unmailed, &[]),
            (run("2026-11-23T18:55:00Z", &[off()]), &[Closed]),
        ],
    );
    let unwritten = Run { has_writes: false, ..gone() };
    check(ENFORCE, &[(evening(), &[Opened, Warned]), (due(), &[ActedUpon]), (unwritten, &[]), (gone(), &[Closed])]);
}

#[test]
fn what_its_owner_keeps_is_closed_and_opened_again_afterwards() {
    use What::{Closed, Opened};
    let events = check(
        REPORT,
        &[
            (run("2026-11-23T18:05:00Z", &[on()]), &[Opened]),
            (run("2026-11-23T18:20:00Z", &[kept()]), &[Closed]),
            (run("2026-11-23T19:20:00Z", &[kept()]), &[]),
            (run("2026-11-25T19:20:00Z", &[kept()]), &[Opened]),
            (run("2026-11-25T19:40:00Z", &[off()]), &[Closed]),
        ],
    );
    assert_eq!((events[1].detail.state, events[1].detail.state_before), (State::Exempt, Some(State::Reported)));
    assert_eq!(events[3].detail.state_before, Some(State::Reported));
    // What was never open is not closed.
    check(REPORT, &[(run("2026-11-23T18:05:00Z", &[kept()]), &[]), (run("2026-11-23T18:20:00Z", &[off()]), &[])]);
}

#[test]
fn a_failure_is_told_once_for_each_reason_and_nothing_that_was_not_tried() {
    use What::{ActedUpon, Closed, Opened, Warned};
    let due = |now, outcome| Run { outcome, ..run(now, &[on()]) };
    let events = check(
        ENFORCE,
        &[
            (run("2026-11-23T18:05:00Z", &[on()]), &[Opened, Warned]),
            (due("2026-11-23T18:40:00Z", Outcome::Skipped("later".into())), &[]),
            (due("2026-11-23T18:55:00Z", Outcome::Failed("AccessDenied".into())), &[ActedUpon]),
            (due("2026-11-23T20:00:00Z", Outcome::Failed("AccessDenied".into())), &[]),
            (due("2026-11-24T00:00:00Z", Outcome::Unknown("no answer".into())), &[]),
            (due("2026-11-24T02:00:00Z", Outcome::Gone), &[Closed]),
        ],
    );
    let failed = &events[2].detail;
    assert_eq!(
        (failed.outcome, failed.outcome_detail.as_deref(), failed.state),
        (Some(Ended::Failed), Some("AccessDenied"), State::Warned)
    );
}

fn event(name: &str) -> Event {
    let zone = TimeZone::UTC;
    let teller = Teller { function: "notebook-stopper", account: "123456789012", region: "eu-central-1", zone: &zone };
    let before = State::Reported;
    let entry = Entry { usd_per_hour: Some(dec!(0.0123456789)), ..entry("notebook-idle", name, State::Closed) };
    teller.of_closed(&Closed { entry, before, saving: None, pending_notice: false, written: None, spared: None })
}

#[test]
fn hostile_names_are_one_line_and_no_amount_is_a_text() {
    let event = event("a\n#opened#\u{7}<!channel>");
    assert_eq!(event.detail.name, "a #opened#\u{fffd}<!channel>");
    assert!(!serde_json::to_string(&event).unwrap().contains("\\n"));
    assert_eq!((event.detail.usd_per_hour, event.detail.usd_per_month), (Some(0.012_346), Some(201.48)));
    let no_arn = Entry { arn: "notebook-instance/a".into(), ..entry("notebook-idle", "a", State::Closed) };
    let teller = Teller { function: "f", account: "1", region: "r", zone: &TimeZone::UTC };
    assert_eq!(teller.detail(&no_arn, What::Closed, no_arn.last_seen).resource, None);
}

#[test]
fn events_fit_into_their_requests() {
    let small: Vec<Event> = (0..23).map(|number| event(&format!("nb-{number}"))).collect();
    assert_eq!(batches(&small).iter().map(|batch| batch.len()).collect::<Vec<_>>(), [10, 10, 3]);
    assert!(batches(&[]).is_empty());
    // Texts of people are cut at 1,000 characters, so that a single event always fits; ten may not.
    let mut large = event(&"\u{1f600}".repeat(5000));
    let text = large.detail.name.clone();
    for field in [&mut large.detail.owner, &mut large.detail.team, &mut large.detail.reason, &mut large.detail.outcome_detail] {
        *field = Some(text.clone());
    }
    let large = vec![large; 10];
    let batches = batches(&large);
    assert!(1 < batches.len() && batches.iter().map(|batch| batch.len()).sum::<usize>() == 10);
    for batch in batches {
        let bytes: usize = batch.iter().map(|event| serde_json::to_string(&event.detail).unwrap().len()).sum();
        assert!(bytes < MOST_BYTES, "{bytes}");
    }
}

#[test]
fn events_are_as_their_schema_says() {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("event.json", Event::schema()).unwrap();
    let schema = compiler.compile("event.json", &mut schemas).unwrap();
    let life = check(
        ENFORCE,
        &[
            (run("2026-11-23T18:05:00Z", &[on()]), &[What::Opened, What::Warned]),
            (run("2026-11-23T18:40:00Z", &[on()]), &[What::ActedUpon]),
            (run("2026-11-23T18:50:00Z", &[off()]), &[What::Closed]),
        ],
    );
    for event in life {
        assert_eq!(event.detail_type.detail_type(), serde_json::to_value(event.detail_type).unwrap());
        let mut whole = serde_json::to_value(&event).unwrap();
        whole["source"] = json!(SOURCE);
        schemas.validate(&whole, schema).unwrap();
        whole["detail"]["state"] = json!("unreadable");
        assert!(schemas.validate(&whole, schema).is_err());
    }
}
