//! budget-alerter: all sorts of budgets, the actions when one is used up, and faults. In this process, on a simulated account.

use end_to_end::{
    Function, Guard, STOPS, TABLE, one_of_each_kind,
    testing::{account_at, guard_of, hours, minutes, states_of, subjects},
};
use rust_decimal::dec;
use serde_json::{Value, json};
use simulator::{Deed, Fault, Simulator, What};

mod faults;

/// An account with `estate` on a Tuesday noon in the fourth week of November. Team nlp spends 20 USD a day.
fn account(estate: &str) -> Simulator {
    account_from("2026-11-24T11:00:00Z", estate)
}

fn account_from(start: &str, estate: &str) -> Simulator {
    let nlp = r#"
        [[spend]]
        usage-type = "EUC1-Host:ml.m5.xlarge"
        usd = 20
        tags = { Team = "nlp" }
        "#;
    account_at(start, &format!("budget-topic = \"budgets\"\ncost-allocation-tags = {{ Team = \"always\" }}\n{estate}\n{nlp}"))
}

fn guard(account: &Simulator, policy: &str) -> Guard {
    let policy = format!("timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n{policy}");
    guard_of(Function::BudgetAlerter, account, &policy)
}

const NLP: &str = r#"
[[budget]]
name = "ml-nlp"
amount = 400
cost-filters = { Service = ["Amazon SageMaker"], TagKeyValue = ["user:Team$nlp"] }
notifications = [{ type = "ACTUAL", threshold = 50, topic = true }]
"#;

#[tokio::test]
async fn budgets_of_every_sort_are_understood_or_said_not_to_be() {
    let account = account(
        r#"
        [[budget]]
        name = "planned"
        planned = { "2026-10-01" = 900, "2026-11-01" = 400 }
        cost-filters = { Service = ["Amazon SageMaker"] }
        [[budget]]
        name = "hours"
        type = "USAGE"
        unit = "Hrs"
        amount = 100
        actual = 130
        [[budget]]
        name = "credits"
        amount = 100
        actual = -250
        [[budget]]
        name = "nothing-at-all"
        amount = 0
        actual = 0.01
        [[budget]]
        name = "zero-spend"
        amount = 1
        actual = 0.02
        notifications = [{ type = "ACTUAL", threshold = 0.01, threshold-type = "ABSOLUTE_VALUE", emails = ["ann@example.com"] }]
        [[budget]]
        name = "project"
        time-unit = "CUSTOM"
        from = "2026-11-20"
        until = "2026-12-10"
        amount = 60
        cost-filters = { Service = ["Amazon SageMaker"] }
        [[budget]]
        name = "day"
        time-unit = "DAILY"
        from = "2026-11-01"
        amount = 15
        cost-filters = { Service = ["Amazon SageMaker"] }
        [[budget]]
        name = "quarter"
        time-unit = "QUARTERLY"
        amount = 1000
        cost-filters = { Service = ["Amazon SageMaker"] }
        [[budget]]
        name = "new-form"
        amount = 100
        filter-expression = { Dimensions = { Key = "SERVICE", Values = ["Amazon SageMaker"] } }
        metrics = ["UnblendedCost"]
        [[budget]]
        name = "reserved"
        type = "RI_UTILIZATION"
        unit = "PERCENTAGE"
        amount = 100
        actual = 130
        [[budget]]
        name = "sick"
        amount = 5000
        health = { status = "UNHEALTHY", reason = "FILTER_INVALID" }
        [[budget]]
        name = "anothers"
        amount = 1
        actual = 900
        cost-filters = { Service = ["Amazon Simple Storage Service"] }
        "#,
    );
    let guard = guard(&account, "");
    guard.run().await.unwrap();
    // A daily budget's cost of the day before is known at noon (UTC).
    account.advance(hours(2));
    let report = guard.run().await.unwrap();
    let exceeded = [("budget-exceeded", "reported")];
    for (name, expected) in [
        ("planned", &exceeded[..]),
        ("hours", &exceeded),
        ("credits", &[]),
        ("nothing-at-all", &exceeded),
        ("zero-spend", &exceeded),
        ("project", &exceeded),
        ("day", &exceeded),
        ("quarter", &exceeded),
        ("new-form", &exceeded),
        ("reserved", &[]),
        ("sick", &[("budget-unhealthy", "reported")]),
        ("anothers", &[]),
    ] {
        assert_eq!(states_of(&report, name), expected, "{name}: {:#?}", report.findings);
    }
    let reason = |name: &str| report.findings.iter().find(|finding| finding.name == name).map(|finding| finding.reason.clone()).unwrap();
    assert!(
        reason("planned").starts_with("it is used up: $46") && reason("planned").contains(" of $400.00 (116 %) spent for November 2026"),
        "{}",
        reason("planned")
    );
    assert!(reason("hours").starts_with("it is used up: 130 Hrs of 100 Hrs (130 %) spent"), "{}", reason("hours"));
    assert!(reason("day").contains("spent for Mon 2026-11-23; the threshold is 100 %"), "{}", reason("day"));
    assert!(reason("project").contains("for 2026-11-20 to 2026-12-09, with 16 days to go"), "{}", reason("project"));
    assert!(reason("sick").ends_with("AWS says that it is unhealthy: FILTER_INVALID"), "{}", reason("sick"));
    assert_eq!((report.examined["budget"], report.unread.len(), report.notified), (12, 0, 1), "{:?}", report.unread);
    assert_eq!(account.cost_explorer_usd(), dec!(0.03), "one page each of days, anomalies and forecast");
}

#[tokio::test]
async fn a_thousand_budgets_are_read_and_told_in_one_mail() {
    let one = |n| format!("[[budget]]\nname = \"b-{n:04}\"\namount = 100\nactual = {}\n", if n % 2 == 0 { 90 } else { 10 });
    let budgets = (0..1001).map(one).collect::<Vec<_>>().concat();
    let account = account(&budgets);
    let guard = guard(&account, "[rules.no-budget]\nmode = \"off\"");
    let report = guard.run().await.unwrap();
    assert_eq!((report.examined["budget"], report.total_findings, report.notified), (1001, 501, 1));
    assert_eq!(account.calls()["budgets:DescribeBudgets"], 2);
    let mail = &account.mails()[0];
    assert!(mail.subject.ends_with(", and 500 more"), "{}", mail.subject);
    let told = mail.message.matches("\n* budget ").count();
    assert!(100 < told, "{told}");
    assert_eq!(guard.run().await.unwrap().notified, usize::from(told < 501), "what did not fit comes with the next, and nothing twice");
}

#[tokio::test]
async fn without_the_bill_the_budgets_are_told_all_the_same() {
    for (fault, says) in [
        (What::AccessDenied, "AccessDenied"),
        (What::Refuse("DataUnavailableException".into(), "Data is not available.".into()), "DataUnavailableException"),
    ] {
        let account = account(NLP);
        account.add_fault(Fault::new("ce:GetCostAndUsage", fault));
        let report = guard(&account, "").run().await.unwrap();
        assert_eq!(states_of(&report, "ml-nlp"), [("budget-exceeded", "reported")], "{:?}", report.findings);
        let unread: Vec<_> = report.unread.iter().map(|one| (one.what.as_str(), one.why.contains(says))).collect();
        assert_eq!(unread, [("what SageMaker cost by day", true)], "{:?}", report.unread);
        account.clear_faults();
        let again = guard(&account, "").run().await.unwrap();
        assert_eq!((again.unread.len(), again.cost_usd), (0, Some(0.01)), "only what was not known is asked again");
    }
    let throttled = account(NLP);
    throttled.add_fault(Fault::new("ce:*", What::Throttle(2)));
    throttled.add_fault(Fault::new("budgets:*", What::Throttle(2)));
    let report = guard(&throttled, "").run().await.unwrap();
    assert_eq!((states_of(&report, "ml-nlp").len(), report.unread.len()), (1, 0), "it is ridden out");
    let new = account(&format!("{NLP}\n[cost-explorer]\nnew-account = true"));
    let report = guard(&new, "").run().await.unwrap();
    assert_eq!(states_of(&report, "ml-nlp"), [("budget-exceeded", "reported")]);
    assert!(report.unread.iter().any(|one| one.why.contains("DataUnavailableException")), "{:?}", report.unread);
}

#[tokio::test]
async fn budgets_that_cannot_be_read_are_not_taken_for_none() {
    let account = account(NLP);
    let guard = guard(&account, "[[budget]]\nname = \"*\"\non-exceed = \"enforce-off-hours\"");
    guard.run().await.unwrap();
    assert_eq!(account.mail_count(), 1);
    account.add_fault(Fault::new("budgets:DescribeBudgets", What::AccessDenied));
    let report = guard.run().await.unwrap();
    assert_eq!((report.notified, report.total_findings, report.is_whole), (0, 0, false), "{:?}", report.findings);
    assert!(
        report.unread.iter().any(|one| one.what == "budgets (budgets:DescribeBudgets)" && one.why.contains("AccessDenied")),
        "{:?}",
        report.unread
    );
    account.clear_faults();
    assert_eq!(guard.run().await.unwrap().notified, 0, "it was not closed meanwhile");

    account.add_fault(Fault::new("budgets:DescribeNotificationsForBudget", What::AccessDenied));
    let report = guard.run().await.unwrap();
    assert!(report.unread.iter().any(|one| one.what == "notifications of budget/ml-nlp"), "{:?}", report.unread);
}

#[tokio::test]
async fn a_message_of_budgets_tells_nothing_twice_and_says_what_it_does_not_find() {
    let account = account(NLP);
    let guard = guard(&account, "");
    let message = |name: &str| json!({"Records": [{"Sns": {"Message": format!("AWS Account 123456789012\nBudget Name: {name}\n")}}]});
    assert_eq!(guard.wake(message("ml-nlp")).await.unwrap().notified, 1);
    assert_eq!(guard.wake(message("ml-nlp")).await.unwrap().notified, 0, "the same message twice");
    assert_eq!(guard.run().await.unwrap().notified, 0, "and the schedule after it");
    let report = guard.wake(message("deleted")).await.unwrap();
    assert_eq!(report.unread.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["budget deleted, of which AWS Budgets told"]);
}

#[tokio::test]
async fn a_dry_run_writes_and_mails_nothing_and_one_budget_can_be_asked_for() {
    let account = account(&format!("{NLP}\n[[budget]]\nname = \"Other\"\namount = 1\nactual = 5"));
    let guard = guard(&account, "[[budget]]\nname = \"*\"\nteam = \"*\"\non-exceed = \"stop-stoppable\"");
    let report = guard.wake(json!({"dry-run": true})).await.unwrap();
    assert_eq!((report.total_findings, account.mail_count(), account.table_items(TABLE).len()), (2, 0, 0));
    let named = json!({"resources": ["arn:aws:budgets::123456789012:budget/Other", "arn:aws:budgets::123456789012:budget/gone"]});
    let report = guard.wake(named).await.unwrap();
    assert_eq!((report.examined["budget"], report.notified), (1, 1), "{:?}", report.findings);
    assert_eq!(report.unread.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["budget/gone"]);
    assert!(subjects(&account)[0].starts_with("budget Other is used up: $5.00 of $1.00"), "{:?}", subjects(&account));
}

const STOPPABLE: &str = r#"
[[notebook]]
name = "stoppable"
instance-type = "ml.m5.xlarge"
tags = { Owner = "ann@example.com", Team = "nlp", "cost-guard:stoppable" = "yes" }
[[notebook]]
name = "kept"
instance-type = "ml.m5.xlarge"
tags = { Owner = "ann@example.com", Team = "nlp", "cost-guard:stoppable" = "yes", "cost-guard:keep-until" = "2026-12-31" }
[[notebook]]
name = "unasked"
instance-type = "ml.m5.xlarge"
tags = { Owner = "ann@example.com", Team = "nlp" }
[[notebook]]
name = "visions"
instance-type = "ml.m5.xlarge"
tags = { Owner = "cleo@example.com", Team = "vision", "cost-guard:stoppable" = "yes" }
[[training-job]]
name = "train"
instance-type = "ml.m5.xlarge"
max-runtime = "5d"
created = "-2h"
takes = "4d"
tags = { Owner = "bob@example.com", Team = "nlp", "cost-guard:stoppable" = "yes" }
[[domain]]
id = "d-1"
name = "company"
[[space]]
domain = "d-1"
name = "kept-lab"
tags = { "cost-guard:keep-until" = "2026-12-31" }
[[app]]
domain = "d-1"
space = "kept-lab"
instance-type = "ml.m5.xlarge"
tags = { Owner = "dan@example.com", Team = "nlp", "cost-guard:stoppable" = "yes" }
"#;
const STOP: &str = "[[budget]]\nname = \"ml-*\"\non-exceed = \"stop-stoppable\"";

fn status(account: &Simulator, name: &str) -> String {
    account.notebook(name).unwrap().status
}

#[tokio::test]
async fn what_is_stoppable_is_stopped_after_a_warning_until_the_period_ends() {
    let account = account(&format!("{NLP}{STOPPABLE}"));
    let guard = guard(&account, STOP);
    let report = guard.run().await.unwrap();
    assert_eq!(states_of(&report, "stoppable"), [("stoppable-over-budget", "warned")], "{:#?}", report.findings);
    assert_eq!(states_of(&report, "train"), [("stoppable-over-budget", "warned")]);
    assert_eq!(states_of(&report, "kept"), [("stoppable-over-budget", "exempt")]);
    assert_eq!(states_of(&report, "kept-lab JupyterLab default"), [("stoppable-over-budget", "exempt")], "its space is kept");
    for (name, findings) in [("unasked", vec![]), ("visions", vec![])] {
        assert_eq!(states_of(&report, name), findings, "{name}");
    }
    let mails = account.mails();
    let budgets = mails.iter().find(|mail| mail.subject.contains("budget ml-nlp")).unwrap();
    assert!(
        budgets.message.contains(
            "Next:  until Tue 2026-12-01 01:00, what of team nlp is tagged cost-guard:stoppable = yes is stopped, after a warning."
        ),
        "{}",
        budgets.message
    );
    assert_eq!(budgets.attributes["team"].1, "nlp");
    account.advance(hours(1));
    assert_eq!(guard.run().await.unwrap().actions.len(), 0, "four hours of grace");
    account.advance(hours(4));
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.iter().map(|action| action.outcome).collect::<Vec<_>>(), ["done", "done"], "{:?}", report.actions);
    assert_eq!(
        [status(&account, "stoppable"), status(&account, "kept"), status(&account, "unasked")],
        ["Stopping", "InService", "InService"]
    );
    let mails = account.mail_count();
    assert_eq!((guard.run().await.unwrap().actions.len(), account.mail_count()), (0, mails), "a second run does nothing");
    // Somebody starts it again in the new month. The measure has ended, so this is no waste.
    account.live_until("2026-12-01T02:00:00Z".parse().unwrap());
    account.deed("stoppable", &Deed::Start);
    account.advance(hours(6));
    let report = guard.run().await.unwrap();
    assert_eq!((states_of(&report, "stoppable"), report.actions.len()), (vec![], 0));
}

#[tokio::test]
async fn every_kind_that_can_be_stopped_is_stopped_and_a_tuning_job_with_its_children() {
    let tags = "tags = { Owner = \"ann@example.com\", Team = \"nlp\", \"cost-guard:stoppable\" = \"yes\" }";
    let account = account(&format!("{NLP}{}", one_of_each_kind(tags)));
    let guard = guard(&account, STOP);
    guard.run().await.unwrap();
    account.advance(hours(6));
    let report = guard.run().await.unwrap();
    assert!(report.actions.iter().all(|action| action.outcome == "done"), "{:#?}", report.actions);
    assert_eq!(report.actions.len(), STOPS.len(), "the training jobs of the tuning job are left to it: {:#?}", report.actions);
    for stop in STOPS {
        assert_eq!(account.calls().get(stop), Some(&1), "{stop}");
    }
}

#[tokio::test]
async fn a_job_that_a_pipeline_waits_for_is_not_stopped() {
    let job = "[[training-job]]\nname = \"churn\"\ntakes = \"20d\"\nmax-runtime = \"20d\"\ncreated = \"-1h\"\n\
               tags = { Owner = \"ann@example.com\", Team = \"nlp\", \"cost-guard:stoppable\" = \"yes\" }\n";
    let pipeline =
        "[[resource]]\nkind = \"pipeline\"\nname = \"p\"\nexecutions = [\"-2h\"]\ntakes = \"20d\"\njobs = [\"training-job/churn\"]\n";
    let account = account(&format!("{NLP}{job}{pipeline}"));
    let guard = guard(&account, STOP);
    guard.run().await.unwrap();
    account.advance(hours(6));
    let report = guard.run().await.unwrap();
    assert_eq!((states_of(&report, "churn"), report.actions.len()), (vec![("stoppable-over-budget", "reported")], 0), "{report:?}");
}

#[tokio::test]
async fn a_daily_budget_tightens_nothing_and_says_so() {
    let budget = "[[budget]]\nname = \"ml-day\"\namount = 15\ntime-unit = \"DAILY\"\nfrom = \"2026-11-01\"\ncost-filters = { TagKeyValue = [\"user:Team$nlp\"] }";
    let account = account_from("2026-11-24T13:00:00Z", &format!("{STOPPABLE}{budget}"));
    let report = guard(&account, STOP).run().await.unwrap();
    assert_eq!(states_of(&report, "stoppable"), []);
    let mail = account.mails().into_iter().find(|mail| mail.subject.contains("budget ml-day")).unwrap();
    assert!(mail.message.contains("Next:  nothing of what the policy asks for: its period is over before"), "{}", mail.message);
}

#[tokio::test]
async fn without_the_policys_word_or_a_team_nothing_is_stopped() {
    for (policy, says) in [
        ("", None),
        (
            "[[budget]]\nname = \"everything\"\non-exceed = \"stop-stoppable\"",
            Some(
                "Next:  nothing of what the policy asks for: whose team's it is is not known: write team = \"…\" in its [[budget]] (\"*\": all teams).",
            ),
        ),
    ] {
        let account = account(&format!("{STOPPABLE}\n[[budget]]\nname = \"everything\"\namount = 100"));
        let guard = guard(&account, policy);
        let report = guard.run().await.unwrap();
        assert_eq!((states_of(&report, "stoppable"), report.examined["notebook-instance"]), (vec![], 4), "{policy}");
        let mail = account.mails().into_iter().find(|mail| mail.subject.contains("budget everything")).unwrap();
        assert_eq!(mail.message.contains("Next:"), says.is_some());
        assert!(says.is_none_or(|says| mail.message.contains(says)), "{}", mail.message);
        account.advance(hours(6));
        assert_eq!(guard.run().await.unwrap().actions.len(), 0);
    }
}

#[tokio::test]
async fn a_limit_that_is_raised_ends_what_was_tightened() {
    let policy = "[[budget]]\nname = \"ml-*\"\non-exceed = \"enforce-off-hours\"\n[rules.notebook-always-on]\nmode = \"off\"\n[rules.notebook-idle]\nmode = \"off\"";
    let account = account(&format!("{NLP}{STOPPABLE}"));
    let (alerter, stopper) =
        (guard(&account, policy), Guard::of(Function::NotebookStopper, &account, &format!("team-tags = [\"Team\"]\n{policy}")).unwrap());
    alerter.run().await.unwrap();
    account.advance(hours(12));
    let evening = stopper.run().await.unwrap();
    assert_eq!(states_of(&evening, "unasked"), [("notebook-off-hours", "warned")], "{:?}", evening.findings);
    assert_eq!(states_of(&evening, "visions"), [("notebook-off-hours", "reported")], "another team's is only told");
    // While the ledger cannot be read, only what the policy itself enforces is enforced.
    account.add_fault(Fault::new("dynamodb:GetItem", What::AccessDenied));
    let report = stopper.run().await.unwrap();
    assert!(
        report.actions.is_empty() && report.unread.iter().any(|one| one.what == "what is enforced because a budget is used up"),
        "{:?}",
        report.unread
    );
    account.clear_faults();
    // Somebody deletes the budget.
    let budgets = end_to_end::clients(&account).budgets;
    budgets.delete_budget().account_id("123456789012").budget_name("ml-nlp").send().await.unwrap();
    alerter.run().await.unwrap();
    account.advance(hours(1));
    let report = stopper.run().await.unwrap();
    assert_eq!(
        (states_of(&report, "unasked"), report.actions.len()),
        (vec![("notebook-off-hours", "reported")], 0),
        "{:?}",
        report.findings
    );
}

#[tokio::test]
async fn spend_outside_all_budgets_and_spikes_are_told_once() {
    let account = account(
        "[[spend]]\nusage-type = \"EUC1-Cluster:ml.p4d.24xlarge\"\nusd = 0\ntags = { Team = \"vision\" }\nspikes = [{ day = \"2026-11-23\", usd = 700 }]",
    );
    let guard = guard(&account, "");
    guard.run().await.unwrap();
    let mail = &account.mails()[0];
    assert!(mail.message.contains("$1,300.00 of the $1,300.00 that SageMaker cost in the last 30 days are in no budget of this account: team vision $700.00, team nlp $600.00"), "{}", mail.message);
    assert!(mail.message.contains("Cluster:ml.p4d.24xlarge, team vision: $700.00, all of it new"), "{}", mail.message);
    assert_eq!((mail.attributes["owner"].1.as_str(), mail.attributes["severity"].1.as_str()), ("unowned", "warning"));
    for _ in 0..6 {
        account.advance(hours(24));
        guard.run().await.unwrap();
    }
    assert_eq!(account.mail_count(), 1, "{:?}", subjects(&account));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_mails_nobody_and_buys_nothing() {
    let account = account(NLP);
    account.add_fault(Fault::new("dynamodb:Query", What::AccessDenied));
    let report = guard(&account, STOP).run().await.unwrap();
    assert_eq!((report.notified, report.cost_usd, account.cost_explorer_usd().is_zero()), (0, Some(0.0), true));
    assert_eq!(states_of(&report, "ml-nlp"), [("budget-exceeded", "reported")], "it is in the report");
}

#[tokio::test]
async fn events_that_are_none_of_its_are_refused() {
    let account = account(NLP);
    for (event, says) in [
        (json!({"Records": []}), "without any record"),
        (json!({"Records": [{"Sns": {"Message": "hello"}}]}), "Budget Name"),
        (json!({"resources": ["arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/x"]}), "arn:aws:budgets::<account>:budget/…"),
        (
            json!({"detail-type": "SageMaker Notebook Instance State Change", "source": "aws.sagemaker", "detail": {}}),
            "a message of AWS Budgets through SNS",
        ),
        (Value::from("run"), "expected"),
    ] {
        let error = format!("{:#}", guard(&account, "").wake(event.clone()).await.unwrap_err());
        assert!(error.contains(says), "{event}: {error}");
    }
}
