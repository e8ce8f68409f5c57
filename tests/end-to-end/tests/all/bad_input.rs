//! Faults and wrong input: the guard reports a clear message or recovers. Nothing is done twice, and nothing is lost.

use end_to_end::{
    Guard, TABLE, clients as guard_clients,
    testing::{account_at, hours, minutes},
};
use serde_json::json;
use simulator::{Deed, Estate, Fault, Simulator, What};

const ENFORCE_AT_ONCE: &str =
    "timezone = \"Europe/Berlin\"\nmax-actions = 100\n[rules.notebook-off-hours]\nmode = \"enforce\"\ngrace = \"0s\"";
const ENFORCE: &str = "timezone = \"Europe/Berlin\"\n[rules.notebook-off-hours]\nmode = \"enforce\"\ngrace = \"30m\"";

/// A Monday evening in Berlin, with `count` running notebooks, a space with an app, and a notebook that never gets tags.
fn evening(count: usize) -> Simulator {
    let estate = format!(
        r#"
        [[notebook]]
        name = "nb-{{}}"
        count = {count}
        instance-type = "ml.m5.xlarge"
        since = "-10h"
        tags = {{ Owner = "ann@example.com", Team = "churn" }}
        [[notebook]]
        name = "untagged"
        instance-type = "ml.m5.xlarge"
        since = "-10h"
        [[domain]]
        id = "d-1"
        name = "company"
        [[space]]
        domain = "d-1"
        name = "lab"
        tags = {{ Owner = "bob@example.com" }}
        [[app]]
        domain = "d-1"
        space = "lab"
        since = "-10h"
        "#
    );
    account_at("2026-11-23T20:00:00Z", &estate)
}

fn running(account: &Simulator) -> usize {
    account.notebooks().iter().filter(|notebook| notebook.status == "InService").count()
}

fn stops(account: &Simulator) -> u64 {
    account.calls().get("sagemaker:StopNotebookInstance").copied().unwrap_or_default()
}

#[tokio::test]
async fn a_policy_with_an_error_does_nothing_and_says_where() {
    for (policy, says) in [
        ("[rules.notebook-off-hours]\nmod = \"enforce\"", "line 2: `mod` is not a key of [rules.notebook-off-hours]: did you mean `mode`?"),
        ("[working-hours]\ndefault = \"nine to five\"", "line 2: "),
        ("timezone = \"Middle/Earth\"", "line 1: `timezone`: `Middle/Earth` is not a time zone"),
        ("\nremind-after = \"-1d\"", "line 2: `remind-after`: `-1d` is negative"),
    ] {
        let account = evening(1);
        let error = Guard::new(&account, policy).unwrap().run().await.unwrap_err().to_string();
        assert!(error.starts_with("policy file ") && error.contains(says), "{error}");
        assert_eq!((account.calls().len(), account.mails().len()), (0, 0), "{policy}");
    }
}

#[tokio::test]
async fn a_missing_policy_parameter_is_named() {
    let account = evening(1);
    let mut guard = Guard::new(&account, "").unwrap();
    guard.context.settings.policy = cost_aws::settings::PolicySource::Parameter("/cost-guard/policy".into());
    let error = guard.run().await.unwrap_err().to_string();
    assert!(
        error.contains("SSM parameter /cost-guard/policy")
            && error.contains("aws ssm put-parameter --region eu-central-1 --name /cost-guard/policy"),
        "{error}"
    );
    account.put_parameter("/cost-guard/policy", "[rules.cheaper-than-free]\nmode = \"enforce\"");
    let newer = guard.run().await.unwrap_err().to_string();
    assert!(
        newer.contains("line 1: `cheaper-than-free` is not a rule") && newer.contains("if a newer one knows it, deploy that first"),
        "{newer}"
    );
    account.put_parameter("/cost-guard/policy", "timezone = \"Europe/Berlin\"");
    assert_eq!(guard.run().await.unwrap().function, "notebook-stopper");
}

#[tokio::test]
async fn a_missing_topic_fails_the_run_and_loses_no_mail() {
    let account = evening(2);
    let mut guard = Guard::new(&account, ENFORCE).unwrap();
    // The role allows only the stack's own topic.
    account.undeploy();
    let topic = std::mem::replace(&mut guard.context.settings.topic_arn, "arn:aws:sns:eu-central-1:123456789012:gone".into());
    let report = guard.run().await.unwrap();
    assert_eq!((report.notified, report.failures.len()), (0, 3));
    assert!(report.failures[0].contains("COST_GUARD_TOPIC_ARN") && report.failures[0].contains("NotFound"), "{:?}", report.failures);
    assert!(report.finish(account.now()).is_err());

    account.advance(hours(1));
    let still = guard.run().await.unwrap();
    assert_eq!((running(&account), still.actions.len()), (3, 0), "who was never warned is not stopped");
    guard.context.settings.topic_arn = topic;
    account.advance(minutes(15));
    assert_eq!(guard.run().await.unwrap().notified, 3);
}

#[tokio::test]
async fn without_its_table_nothing_is_enforced_and_nobody_mailed() {
    let account = evening(2);
    let mut guard = Guard::new(&account, ENFORCE_AT_ONCE).unwrap();
    account.undeploy();
    guard.context.settings.table = "gone".into();
    let report = guard.run().await.unwrap();
    assert_eq!((report.total_findings, report.actions.len(), report.notified), (4, 0, 0), "found and reported, no more");
    assert!(
        report.unread.iter().any(|one| one.what.contains("ledger") && one.why.contains("gone") && one.why.contains("ResourceNotFound")),
        "{:?}",
        report.unread
    );
    assert_eq!((running(&account), account.mails().len()), (3, 0));
}

/// The ledger's keys contain the account id.
#[tokio::test]
async fn in_an_account_that_is_not_known_nothing_is_enforced_and_nobody_mailed() {
    let account = evening(2);
    let mut guard = Guard::new(&account, ENFORCE_AT_ONCE).unwrap();
    guard.context.settings.topic_arn = "arn:aws:sns:eu-central-1::cost-guard".into();
    let report = guard.run().await.unwrap();
    assert_eq!((report.total_findings, report.actions.len(), report.notified), (4, 0, 0), "found and reported, no more");
    let unread = report.unread.iter().find(|one| one.what.contains("ledger")).expect("why");
    assert!(unread.why.contains("COST_GUARD_TOPIC_ARN"), "{unread:?}");
    assert_eq!((running(&account), account.mails().len(), account.table_items(TABLE).len()), (3, 0, 0));
}

#[tokio::test]
async fn throttling_on_every_third_call_is_ridden_out() {
    let account = evening(4);
    account.add_fault(Fault::new("*", What::Throttle(3)));
    let guard = Guard::new(&account, ENFORCE_AT_ONCE).unwrap();
    let report = guard.run().await.unwrap();
    assert_eq!(
        (report.failures.len(), report.unread.iter().filter(|one| !one.what.contains("notebook-idle")).count()),
        (0, 0),
        "{:?}",
        report.unread
    );
    assert_eq!((running(&account), report.actions.len()), (0, 5));
    assert_eq!(account.mails().len(), 3, "each owner once");
}

#[tokio::test]
async fn server_errors_are_ridden_out() {
    let account = evening(3);
    account.add_fault(Fault::new("*", What::ServerError(4)));
    let report = Guard::new(&account, ENFORCE_AT_ONCE).unwrap().run().await.unwrap();
    assert_eq!((report.failures.len(), running(&account), account.mails().len()), (0, 0, 3));
}

#[tokio::test]
async fn a_notebook_deleted_between_list_and_stop_is_done_already() {
    let account = evening(2);
    account.add_fault(Fault::new("sagemaker:StopNotebookInstance", What::Before("nb-00000".into(), Deed::Delete)).times(1));
    let report = Guard::new(&account, ENFORCE_AT_ONCE).unwrap().run().await.unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
    let outcomes: Vec<_> = report.actions.iter().map(|action| action.outcome).collect();
    assert!(outcomes.iter().all(|outcome| matches!(*outcome, "done" | "already-done")), "{:?}", report.actions);
}

#[tokio::test]
async fn a_notebook_restarted_or_kept_since_it_was_read_is_left_alone() {
    for (deeds, why) in [
        (vec![Deed::Tag("cost-guard:keep-until".into(), "2026-12-01".into())], "its tags changed"),
        (vec![Deed::Tag("cost-guard:schedule".into(), "always".into())], "not found any more"),
        (vec![Deed::Stop], "not found any more"),
    ] {
        let account = evening(1);
        account.deed("untagged", &Deed::Delete);
        let guard = Guard::new(&account, ENFORCE).unwrap();
        guard.run().await.unwrap();
        account.advance(minutes(30));
        // The tag index is behind, and the list was read before the change.
        account.add_fault(Fault::new("*", What::StaleTags("10m".parse().unwrap())));
        for deed in deeds {
            account.add_fault(Fault::new("sagemaker:DescribeNotebookInstance", What::Before("nb-00000".into(), deed)).times(1));
        }
        account.add_fault(Fault::new("sagemaker:ListTags", What::Before("nb-00000".into(), Deed::Untag("nothing".into()))).times(1));
        let report = guard.run().await.unwrap();
        assert_eq!(stops(&account), 0, "{report:?}");
        assert!(report.actions.iter().all(|action| action.outcome == "skipped" && action.detail.contains(why)), "{:?}", report.actions);
        assert_eq!(report.failures, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_refused_call_leaves_its_kind_unread_and_the_rest_goes_on() {
    let account = evening(2);
    let guard = Guard::new(&account, ENFORCE).unwrap();
    guard.run().await.unwrap();
    let before = account.table_items(TABLE);
    account.add_fault(Fault::new("sagemaker:ListApps", What::AccessDenied));
    account.advance(minutes(30));
    let report = guard.run().await.unwrap();
    assert!(
        report.unread.iter().any(|one| one.what.contains("ListApps") && one.why.contains("AccessDeniedException")),
        "{:?}",
        report.unread
    );
    assert_eq!(running(&account), 0, "the notebooks are looked at all the same");
    let app =
        |items: &[serde_json::Value]| items.iter().find(|item| item["id"]["S"].as_str().is_some_and(|id| id.starts_with("app/"))).cloned();
    assert_eq!(app(&account.table_items(TABLE)), app(&before), "an app that could not be read is not gone");
}

#[tokio::test]
async fn unreadable_tags_stop_every_stop() {
    let account = evening(3);
    account.add_fault(Fault::new("tagging:GetResources", What::AccessDenied));
    let report = Guard::new(&account, ENFORCE_AT_ONCE).unwrap().run().await.unwrap();
    assert_eq!((running(&account), report.total_findings, account.mails().len()), (4, 0, 0));
    assert!(report.unread.iter().any(|one| one.what.contains("GetResources")), "{:?}", report.unread);
}

#[tokio::test]
async fn a_refused_stop_fails_the_run_is_told_and_tried_again() {
    let account = evening(1);
    account.deed("untagged", &Deed::Delete);
    account.add_fault(Fault::new("sagemaker:StopNotebookInstance", What::AccessDenied).times(2));
    let guard = Guard::new(&account, ENFORCE_AT_ONCE).unwrap();
    let first = guard.run().await.unwrap();
    assert_eq!(first.actions[0].outcome, "failed");
    let error = first.finish(account.now()).unwrap_err().to_string();
    let statement = r#"{"Effect": "Allow", "Action": "sagemaker:StopNotebookInstance", "Resource": "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/nb-00000"}"#;
    assert!(error.contains("AccessDeniedException") && error.contains(statement), "{error}");
    let mail = account.mails().into_iter().find(|mail| mail.attributes["owner"].1 == "ann@example.com").unwrap();
    assert_eq!(
        (mail.subject.as_str(), mail.attributes["severity"].1.as_str()),
        ("Cost guard: nb-00000 could not be stopped, $135.52 a month", "critical")
    );
    let mails = account.mails().len();
    account.advance(minutes(15));
    assert_eq!(guard.run().await.unwrap().actions[0].outcome, "failed");
    assert_eq!(account.mails().len(), mails, "the same failure is told once");
    account.advance(minutes(15));
    assert!(guard.run().await.unwrap().actions.is_empty(), "each pause is three times as long as the one before");
    account.advance(minutes(30));
    assert_eq!(guard.run().await.unwrap().actions[0].outcome, "done");
}

#[tokio::test]
async fn a_page_that_repeats_its_token_is_not_the_end_of_the_list() {
    for (call, what) in [("sagemaker:ListNotebookInstances", "notebook"), ("tagging:GetResources", "tags")] {
        let account = evening(3);
        account.add_fault(Fault::new(call, What::RepeatToken));
        let report = Guard::new(&account, ENFORCE).unwrap().run().await.unwrap();
        let told = report.unread.iter().any(|one| one.what.contains(what) && one.why.contains("token"));
        assert!(told, "{call}: {:?}", report.unread);
        assert_eq!(running(&account), 4);
    }
}

#[tokio::test]
async fn events_that_are_not_for_it_are_refused() {
    let account = evening(1);
    let guard = Guard::new(&account, "").unwrap();
    for (event, says) in [
        (json!({"detail-type": "SageMaker Endpoint State Change", "source": "aws.sagemaker", "detail": {}}), "another kind"),
        (json!({"detail-type": "SageMaker Notebook Instance State Change", "source": "aws.sagemaker", "detail": {}}), "half an event"),
        (json!(["x"]), "expected"),
    ] {
        let error = guard.wake(event.clone()).await.unwrap_err().to_string();
        assert!(error.contains(says), "{event}: {error}");
    }
    assert_eq!(account.mails().len(), 0);
}

#[tokio::test]
async fn two_runs_at_once_do_everything_once() {
    let account = evening(6);
    account.set_latency(std::time::Duration::from_millis(5));
    let guard = Guard::new(&account, ENFORCE_AT_ONCE).unwrap();
    let (one, other) = tokio::join!(guard.run(), guard.run());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((running(&account), stops(&account)), (0, 7), "{:?} {:?}", one.failures, other.failures);
    assert_eq!(account.mails().len(), 3, "each owner once");
}

#[tokio::test]
async fn many_findings_are_cut_in_the_report_and_counted() {
    let account = evening(600);
    let report = Guard::new(&account, "timezone = \"Europe/Berlin\"").unwrap().run().await.unwrap();
    assert_eq!(
        (report.total_findings, serde_json::to_value(&report).unwrap()["findings"].as_array().unwrap().len(), account.mails().len()),
        (603, 500, 3)
    );
}

#[tokio::test]
async fn what_did_not_fit_into_a_mail_was_not_told() {
    let account = evening(1000);
    let guard = Guard::new(&account, &ENFORCE.replace("max-actions = 100", "")).unwrap();
    let named =
        |mails: &[simulator::Mail], name: &str| mails.iter().any(|mail| mail.message.contains(&format!("* notebook instance {name}:")));
    guard.run().await.unwrap();
    let first = account.mails();
    assert!(named(&first, "nb-00000") && !named(&first, "nb-00999"), "the mail is cut");
    account.advance(minutes(31));
    let report = guard.run().await.unwrap();
    let warned_before = |action: &cost_aws::report::ReportedAction| {
        let name = action.resource.rsplit('/').next().unwrap();
        action.action == "delete-app" || name == "untagged" || named(&first, name)
    };
    assert!(!report.actions.is_empty() && report.actions.iter().all(warned_before), "who was never named is not stopped");
    assert!(account.mails().len() > first.len(), "the others are warned now");
}

#[tokio::test]
async fn an_item_that_cannot_be_read_mutes_itself_only() {
    let account = evening(1);
    let guard = Guard::new(&account, ENFORCE).unwrap();
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.into());
    let odd =
        guard.context.clients.dynamodb.put_item().table_name(TABLE).item("pk", text("finding#notebook-stopper#123456789012#eu-central-1"));
    odd.item("sk", text("notebook-off-hours#notebook-instance/nb-00000")).item("state", text("snoozed")).send().await.unwrap();
    let report = guard.run().await.unwrap();
    assert!(report.unread.iter().any(|one| one.what.contains("nb-00000") && one.why.contains("is missing")), "{:?}", report.unread);
    assert_eq!(report.notified, 2, "nobody's notebook and bob's app: {:?}", report.findings);
    account.advance(minutes(31));
    guard.run().await.unwrap();
    assert_eq!(running(&account), 1, "all but the one whose item cannot be read");
}

#[tokio::test]
async fn only_a_whole_run_that_did_its_work_is_a_sign_of_life() {
    for (fault, event, whole) in [
        (None, serde_json::Value::Null, true),
        (None, json!({"dry-run": true}), false),
        (None, json!({"resources": ["arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/nb-00000"]}), false),
        (Some("sagemaker:ListNotebookInstances"), serde_json::Value::Null, false),
        (Some("dynamodb:Query"), serde_json::Value::Null, false),
        (Some("dynamodb:TransactWriteItems"), serde_json::Value::Null, false),
    ] {
        let account = evening(1);
        if let Some(call) = fault {
            account.add_fault(Fault::new(call, What::AccessDenied));
        }
        let report = Guard::new(&account, ENFORCE).unwrap().wake(event.clone()).await.unwrap();
        assert_eq!(report.is_whole, whole, "{fault:?} {event}: {:?}", report.unread);
    }
}

#[tokio::test]
async fn a_run_ends_before_its_deadline_and_the_next_goes_on() {
    // They never had tags, so each one is confirmed by its own call. Reading and mailing have to share the time.
    let account = evening(1);
    for number in 0..400 {
        let created = guard_clients(&account).sagemaker.create_notebook_instance().notebook_instance_name(format!("extra-{number}"));
        created.instance_type("ml.m5.xlarge".into()).role_arn("arn:aws:iam::123456789012:role/x").send().await.unwrap();
    }
    account.advance(hours(5));
    account.set_latency(std::time::Duration::from_millis(300));
    let mut guard = Guard::new(&account, ENFORCE).unwrap();
    let limit = std::time::Duration::from_secs(20);
    guard.context = guard.context.until(std::time::SystemTime::now() + limit);
    let report = tokio::time::timeout(limit, guard.run()).await.expect("Lambda would have ended it").unwrap();
    assert!(report.unread.iter().any(|one| one.why.contains("out of time")), "{:?}", report.unread);
    assert!(
        0 < report.notified && !account.table_items(TABLE).is_empty(),
        "what was read in time is told and remembered: {:?}",
        report.failures
    );
}

#[tokio::test]
async fn keys_that_are_left_unprocessed_for_ever_are_an_error() {
    let account = evening(1);
    account.add_fault(Fault::new("dynamodb:BatchGetItem", What::Unprocessed(1)));
    let one = json!({"resources": ["arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/nb-00000"]});
    let report = Guard::new(&account, ENFORCE_AT_ONCE).unwrap().wake(one).await.unwrap();
    assert!(report.unread.iter().any(|one| one.why.contains("unprocessed")), "{:?}", report.unread);
    assert_eq!((running(&account), account.mails().len()), (2, 0));
}

#[tokio::test]
async fn nobody_is_mailed_until_somebody_listens() {
    let estate = "confirmed-subscriptions = 0\n[[notebook]]\nname = \"left-on\"\nsince = \"-20d\"";
    let account = Simulator::start(Estate::from_toml(estate).unwrap()).unwrap();
    let guard = Guard::new(&account, "[rules.notebook-always-on]\nmode = \"enforce\"").unwrap();
    for _ in 0..2 {
        let report = guard.run().await.unwrap();
        assert_eq!((report.notified, report.actions.len(), account.mails().len()), (0, 0, 0), "{report:?}");
        assert!(report.finish(account.now()).unwrap_err().to_string().contains("nobody has confirmed a subscription"));
        account.advance(hours(1));
    }
    assert_eq!(running(&account), 1, "who was not warned is not stopped");
}

#[tokio::test]
async fn waste_is_what_is_found_and_still_on() {
    let account = evening(2);
    let seen = Guard::new(&account, ENFORCE_AT_ONCE).unwrap().wake(serde_json::json!({"dry-run": true})).await.unwrap();
    let of = |report: &cost_aws::report::Report, is: fn(&str) -> bool| -> f64 {
        report.findings.iter().filter(|one| is(one.state)).filter_map(|one| one.monthly_cost_usd).sum()
    };
    let waste = |report: &cost_aws::report::Report| cost_aws::report::cents(report.waste_usd_per_month).unwrap();
    assert!(0.0 < waste(&seen) && (waste(&seen) - of(&seen, |_| true)).abs() < 0.01);
    let acted = Guard::new(&account, ENFORCE_AT_ONCE).unwrap().run().await.unwrap();
    assert!(waste(&acted) < waste(&seen) && (waste(&acted) - of(&acted, |state| state != "acted")).abs() < 0.01);
}
