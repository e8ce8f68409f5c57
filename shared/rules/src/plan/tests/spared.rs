//! Tests of what is said when something is not stopped although its owner was warned, and of what is not said.

use super::*;
use crate::policy::SCHEDULE_TAG;

const IDLE: &str = "timezone = \"Europe/Berlin\"\n[rules.notebook-off-hours]\nmode = \"off\"\n[rules.notebook-always-on]\nmode = \"off\"\n\
    [rules.notebook-idle]\nmode = \"enforce\"";

fn used(notebook: Notebook, last: &str, known_until: &str) -> Notebook {
    Notebook { usage: Some(Usage { last: last.parse().unwrap(), known_until: known_until.parse().unwrap() }), ..notebook }
}

fn spared(plan: &Plan) -> Vec<WhySpared> {
    plan.spared().map(|(_, spared)| spared.why.clone()).collect()
}

/// Warned at 18:00Z of a stop at 18:30Z; then a run at `now` with this policy and this notebook.
fn after_a_warning(now: &str, policy: &str, then: &Notebook) -> (Ledger, Plan) {
    let mut ledger = Ledger::default();
    let warned = run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    assert_eq!((steps(&warned), spared(&warned)), (vec![Step::Warn], vec![]));
    let plan = run(policy, &mut ledger, now, std::slice::from_ref(then));
    (ledger, plan)
}

#[test]
fn who_was_warned_hears_why_nothing_is_stopped() {
    let off = ENFORCE.replacen("enforce", "off", 1);
    let morning = "2026-11-24T07:00:00Z";
    for (what, now, policy, then, why) in [
        ("work began", morning, ENFORCE, notebook(STARTED), Some(WhySpared::Ended(morning.parse().unwrap()))),
        ("the rule is off", "2026-11-23T18:15:00Z", &off, notebook(STARTED), Some(WhySpared::NotFound)),
        ("the rule reports", "2026-11-23T18:15:00Z", REPORT, notebook(STARTED), Some(WhySpared::OnlyReported)),
        ("its owner stopped it", "2026-11-23T18:15:00Z", ENFORCE, stopped(notebook(STARTED), "2026-11-23T18:10:00Z"), None),
        ("its owner started it anew", "2026-11-23T18:15:00Z", ENFORCE, notebook("2026-11-23T18:10:00Z"), None),
        ("its owner keeps it", "2026-11-23T18:15:00Z", ENFORCE, keep(notebook(STARTED), "2026-11-30"), None),
        ("its owner set its hours", "2026-11-23T18:15:00Z", ENFORCE, hours(notebook(STARTED), "always"), None),
        ("it is another owner's", "2026-11-23T18:15:00Z", REPORT, owned(notebook(STARTED), "bob@example.com"), None),
        ("it is still to be stopped", "2026-11-23T18:15:00Z", ENFORCE, notebook(STARTED), None),
    ] {
        let (mut ledger, plan) = after_a_warning(now, policy, &then);
        assert_eq!(spared(&plan), Vec::from_iter(why), "{what}");
        assert!(plan.spared().all(|(_, spared)| spared.announced == "2026-11-23T18:30:00Z".parse().unwrap()), "{what}");
        assert_eq!(spared(&run(policy, &mut ledger, now, &[then])), [], "{what}: said once");
    }
}

fn hours(mut notebook: Notebook, hours: &str) -> Notebook {
    notebook.resource.tags = Tags::Known(BTreeMap::from([(SCHEDULE_TAG.to_owned(), hours.to_owned())]));
    notebook
}

#[test]
fn use_after_the_warning_is_named() {
    let mut ledger = Ledger::default();
    let idle = used(notebook(STARTED), "2026-11-23T09:00:00Z", "2026-11-23T12:00:00Z");
    assert_eq!(steps(&run(IDLE, &mut ledger, "2026-11-23T12:00:00Z", &[idle])), [Step::Warn]);
    let again = used(notebook(STARTED), "2026-11-23T12:10:00Z", "2026-11-23T12:15:00Z");
    let plan = run(IDLE, &mut ledger, "2026-11-23T12:15:00Z", &[again]);
    assert_eq!(spared(&plan), [WhySpared::Used("2026-11-23T12:10:00Z".parse().unwrap())]);
}

#[test]
fn a_tag_that_cannot_be_read_is_named() {
    let (_, plan) = after_a_warning("2026-11-23T18:15:00Z", ENFORCE, &keep(notebook(STARTED), "as long as I like"));
    assert!(matches!(&spared(&plan)[..], [WhySpared::Suspended(_)]), "{plan:?}");
}

#[test]
fn a_warning_that_was_not_mailed_or_holds_for_a_week_is_not_mentioned() {
    let untold = Luck { mails: false, ..GOOD_LUCK };
    let mut ledger = Ledger::default();
    let rulebook = Rulebook::from_toml(ENFORCE).unwrap();
    let at = facts("2026-11-23T18:00:00Z", &[notebook(STARTED)]);
    ledger.settle(&mut plan(rulebook.evaluate(&at), &at, Some(vec![]), &Scope::Everything), &untold, at.now);
    assert_eq!(spared(&run(ENFORCE, &mut ledger, "2026-11-24T07:00:00Z", &[notebook(STARTED)])), []);
    let weekly = format!("{ENFORCE}\n[mail]\nrepeated-warnings = \"weekly\"");
    let mut ledger = Ledger::default();
    for (now, why) in [
        ("2026-11-23T18:00:00Z", None),
        ("2026-11-24T07:00:00Z", Some(WhySpared::Ended("2026-11-24T07:00:00Z".parse().unwrap()))),
        ("2026-11-24T18:00:00Z", None),
        ("2026-11-25T07:00:00Z", None),
    ] {
        assert_eq!(spared(&run(&weekly, &mut ledger, now, &[notebook(STARTED)])), Vec::from_iter(why), "{now}");
    }
}

#[test]
fn what_another_run_has_written_is_said_by_that_run() {
    let (_, mut plan) = after_a_warning("2026-11-24T07:00:00Z", ENFORCE, &notebook(STARTED));
    let keys: HashSet<FindingKey> = plan.closed.iter().map(|one| one.entry.key()).collect();
    plan.leave_spared(&keys);
    assert_eq!(spared(&plan), []);
    let (_, mut plan) = after_a_warning("2026-11-23T18:15:00Z", REPORT, &notebook(STARTED));
    let keys: HashSet<FindingKey> = plan.planned.iter().map(|one| one.entry.key()).collect();
    plan.leave(&keys);
    assert_eq!(spared(&plan), []);
}

#[test]
fn the_one_who_stands_in_for_an_owner_who_has_left_is_warned_before_anything_is_stopped() {
    let left = format!(
        "{ENFORCE}\n[ownership]\nleft = [\"zoe@example.com\"]\n[[budget]]\nname = \"nlp\"\nteam = \"nlp\"\nowner = \"lead@example.com\""
    );
    let mut zoes = owned(notebook(STARTED), "zoe@example.com");
    if let Tags::Known(tags) = &mut zoes.resource.tags {
        tags.insert("Team".into(), "nlp".into());
    }
    let zoes = [zoes];
    let mut ledger = Ledger::default();
    run(ENFORCE, &mut ledger, "2026-11-23T18:00:00Z", &zoes);
    for (now, expected) in [("2026-11-23T18:30:00Z", Step::Warn), ("2026-11-23T18:45:00Z", Step::Wait), ("2026-11-23T19:00:00Z", Step::Act)]
    {
        let plan = run(&left, &mut ledger, now, &zoes);
        assert_eq!(steps(&plan), [expected], "{now}");
        let finding = &plan.planned[0].finding;
        assert_eq!(finding.owner.as_deref(), Some("lead@example.com"));
        assert_eq!(finding.waste.notice.details, ["Its owner zoe@example.com has left (policy).".to_owned().into()]);
    }
}
