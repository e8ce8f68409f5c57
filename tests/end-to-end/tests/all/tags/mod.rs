//! tag-auditor: which resources lack tags, who owns them, and how they get their tags. In this process, on a simulated account.

use std::collections::BTreeMap;

use end_to_end::{
    Function, Guard, STOPS, one_of_each_kind,
    testing::{account, days, due, guard_of, hours, mails_to, minutes, states_of},
};
use serde_json::{Value, json};
use simulator::{Deed, Fault, Simulator, What};

mod faults;

fn guard(account: &Simulator, policy: &str) -> Guard {
    guard_of(Function::TagAuditor, account, policy)
}

const REQUIRED: &str = "timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n[creators]\nemail-domain = \"example.com\"\n\
    [rules.untagged-spend]\nmode = \"off\"\n[rules.inactive-cost-allocation-tag]\nmode = \"off\"\n[rules.missing-tag]\nrequired = { Owner = \".+@.+\", Team = [\"nlp\", \"vision\"], CostCenter = \"[A-Z]{2}[0-9]{4}\" }\n";
/// The same with the rules that read the bill.
fn with_bill() -> String {
    REQUIRED.replace("mode = \"off\"\n", "")
}

/// The same, and it activates cost allocation tags.
fn activating() -> String {
    with_bill().replace("[rules.inactive-cost-allocation-tag]\n", "[rules.inactive-cost-allocation-tag]\nmode = \"enforce\"\n")
}

const TAG: &str = "mode = \"enforce\"\nremedy = \"tag\"\n";
const STOP: &str = "mode = \"enforce\"\nremedy = \"stop-after-grace\"\ngrace = \"3d\"\n";

fn tags(account: &Simulator, id: &str) -> BTreeMap<String, String> {
    account.tags_of(&format!("arn:aws:sagemaker:eu-central-1:123456789012:{id}")).unwrap_or_default()
}

const MIXED: &str = r#"
[[notebook]]
name = "tagged"
tags = { Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }
[[notebook]]
name = "cheap"
instance-type = "ml.t3.medium"
tags = { Owner = "ann@example.com", Team = "nlp" }
[[notebook]]
name = "dear"
instance-type = "ml.m5.4xlarge"
tags = { Owner = "ann@example.com", Team = "nlp", costcenter = "AB1234" }
[[notebook]]
name = "nobodys"
[[model]]
name = "m"
tags = { Owner = "bob@example.com", Team = "speech", CostCenter = "AB1234" }
"#;

#[tokio::test]
async fn each_owner_hears_of_all_their_findings_in_one_mail_and_the_dearest_first() {
    let account = account(MIXED);
    let guard = guard(&account, REQUIRED);
    let report = guard.run().await.unwrap();
    assert_eq!((report.total_findings, report.notified), (4, 3), "{report:?}");
    let mails = account.mails();
    let [anns] = mails_to(&mails, "ann@example.com")[..] else { panic!("one mail to ann: {mails:?}") };
    let place = |text: &str| anns.message.find(text).unwrap_or_else(|| panic!("{text}: {}", anns.message));
    assert!(place("notebook instance dear") < place("notebook instance cheap"));
    for says in [
        "its tag \"costcenter\" (AB1234) does not count: the key must be exactly CostCenter",
        "aws sagemaker add-tags --region eu-central-1 --resource-arn arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/dear --tags 'Key=CostCenter,Value=AB1234'",
    ] {
        place(says);
    }
    assert!(!anns.message.contains("Stop it now"), "{}", anns.message);
    let [bobs] = mails_to(&mails, "bob@example.com")[..] else { panic!("one mail to bob") };
    assert!(bobs.message.contains("its tag Team has the value speech: it must be one of nlp, vision"), "{}", bobs.message);
    let [nobodys] = mails_to(&mails, "unowned")[..] else { panic!("one mail to nobody") };
    assert!(nobodys.message.contains("notebook instance nobodys"), "{}", nobodys.message);

    // The next day there is nothing new. After a week there is a reminder, and after two weeks it goes to the team, too.
    account.advance(days(1));
    assert_eq!(guard.run().await.unwrap().notified, 0);
    account.advance(days(7));
    assert_eq!(guard.run().await.unwrap().notified, 3);
    account.advance(days(7));
    guard.run().await.unwrap();
    let mails = account.mails();
    let last = mails_to(&mails, "ann@example.com").pop().unwrap();
    assert_eq!(last.attributes["severity"].1, "warning", "{}: {}", last.subject, last.message);
}

#[tokio::test]
async fn what_is_known_is_tagged_and_nothing_is_written_over() {
    let account = account(&format!(
        r#"{MIXED}
        [[domain]]
        id = "d-1"
        name = "company"
        tags = {{ Team = "vision", CostCenter = "CD5678" }}
        [[space]]
        domain = "d-1"
        name = "lab"
        tags = {{ Owner = "cleo@example.com" }}
        [[app]]
        domain = "d-1"
        space = "lab"
        type = "JupyterLab"
        instance-type = "ml.m5.xlarge"
        tags = {{ Team = "speech" }}
        [[endpoint-config]]
        name = "e"
        variants = [{{ name = "v", model = "m", instance-type = "ml.m5.xlarge" }}]
        [[endpoint]]
        name = "e""#
    ));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    let first = guard.run().await.unwrap();
    assert!(first.actions.iter().all(|action| (action.action, action.outcome) == ("add-tags", "done")), "{first:?}");
    // From its own misspelled key.
    assert_eq!(tags(&account, "notebook-instance/dear")["CostCenter"], "AB1234");
    assert_eq!(tags(&account, "notebook-instance/dear")["costcenter"], "AB1234", "nothing is taken away");
    // From its space and its domain. Its own value stays, even if it is not allowed.
    let app = tags(&account, "app/d-1/lab/jupyterlab/default");
    assert_eq!(
        (app["Owner"].as_str(), app["Team"].as_str(), app["CostCenter"].as_str()),
        ("cleo@example.com", "speech", "CD5678"),
        "{app:?}"
    );
    // From the model of its configuration, but only the values that are allowed.
    let endpoint = tags(&account, "endpoint/e");
    assert_eq!((endpoint.get("Owner").map(String::as_str), endpoint.get("Team")), (Some("bob@example.com"), None), "{endpoint:?}");
    assert!(tags(&account, "notebook-instance/nobodys").is_empty(), "what nobody knows is not made up");
    // The second run writes nothing, and mails nobody again.
    account.advance(days(1));
    let mails = account.mails().len();
    let second = guard.run().await.unwrap();
    assert_eq!((second.actions.len(), account.mails().len()), (0, mails), "{second:?}");
}

#[tokio::test]
async fn who_creates_something_untagged_hears_of_it_at_once() {
    let create = |name: &str, by: &str| format!("[[notebook]]\nname = \"{name}\"\ncreate = \"2026-11-23 09:00\"\nby = {by}\n");
    let account = account(&format!(
        "trail = true\n{}{}{}{}{}[[notebook]]\nname = \"refused\"\ncreate = \"2026-11-23 09:00\"\nfails = \"ResourceLimitExceeded\"\n",
        create("by-sso", "{ sso = \"ann@example.com\", permission-set = \"DataScientist\" }"),
        create("by-user", "\"bob\""),
        create("by-profile", "{ role = \"Studio\", source-identity = \"cleo\" }"),
        create("by-studio", "{ role = \"Studio\" }"),
        create("by-root", "{ root = true }"),
    ));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    account.advance(minutes(61));
    let events: Vec<Value> =
        account.take_events().into_iter().filter(|event| event["detail-type"] == "AWS API Call via CloudTrail").collect();
    assert_eq!(events.len(), 6, "{events:?}");
    let mut failed = 0;
    for event in events.iter().chain(&events) {
        let report = guard.wake(event.clone()).await.unwrap();
        failed += usize::from(report.findings.is_empty() && event["detail"]["errorCode"].is_string());
    }
    assert_eq!(failed, 2, "the failed call, twice");
    for (name, owner) in [("by-sso", "ann@example.com"), ("by-user", "bob@example.com"), ("by-profile", "cleo@example.com")] {
        assert_eq!(tags(&account, &format!("notebook-instance/{name}"))["Owner"], owner, "{name}");
        let mails = account.mails();
        assert_eq!(mails_to(&mails, owner).len(), 1, "{name}: each is told once, however often the event comes");
    }
    let mails = account.mails();
    assert_eq!(mails_to(&mails, "unowned").len(), 2, "nobody is behind a session named SageMaker, or root");
    assert!(tags(&account, "notebook-instance/by-studio").is_empty());
    // The daily audit knows the creators from the events, and notifies nobody again.
    let report = guard.run().await.unwrap();
    assert_eq!((report.notified, report.actions.len()), (0, 0), "{report:?}");
}

#[tokio::test]
async fn what_stays_untagged_is_stopped_after_its_grace_if_it_can_be_stopped() {
    let account = account(
        r#"
        [[notebook]]
        name = "n"
        tags = { Owner = "ann@example.com" }
        [[notebook]]
        name = "mended"
        tags = { Owner = "ann@example.com" }
        [[processing-job]]
        name = "p"
        takes = "20d"
        max-runtime = "20d"
        created = "-1h"
        [[model]]
        name = "m"
        "#,
    );
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    let warned = guard.run().await.unwrap();
    assert_eq!(states_of(&warned, "n"), [("missing-tag", "warned")]);
    assert_eq!(states_of(&warned, "p"), [("missing-tag", "warned")]);
    assert_eq!(states_of(&warned, "m"), [("missing-tag", "reported")], "a model runs not");
    let all = [("Owner", "ann@example.com"), ("Team", "nlp"), ("CostCenter", "AB1234")];
    for (key, value) in all {
        account.deed("mended", &Deed::Tag(key.into(), value.into()));
    }
    account.advance(days(3) + minutes(1));
    let stopped = guard.wake(due()).await.unwrap();
    let done: Vec<_> = stopped.actions.iter().map(|action| (action.action, action.outcome)).collect();
    assert_eq!(done, [("stop-notebook-instance", "done"), ("stop-processing-job", "done")], "{stopped:?}");
    assert_eq!(account.notebook("mended").unwrap().status, "InService");
    assert_ne!(account.notebook("n").unwrap().status, "InService");
    let mails = account.mails().len();
    assert_eq!(guard.wake(due()).await.unwrap().actions.len(), 0);
    account.advance(minutes(10));
    guard.run().await.unwrap();
    assert_eq!(account.mails().len(), mails, "nobody hears twice of a stop");
}

#[tokio::test]
async fn a_kind_that_cannot_be_read_is_unread_and_the_rest_goes_on() {
    let account = account(MIXED);
    account.add_fault(Fault::new("sagemaker:ListModels", What::AccessDenied));
    account.add_fault(Fault::new("sagemaker:ListClusters", What::Refuse("UnknownOperationException".into(), "not in this Region".into())));
    let report = guard(&account, REQUIRED).run().await.unwrap();
    assert_eq!((report.total_findings, report.examined["notebook-instance"]), (3, 4), "{report:?}");
    let unread: Vec<_> = report.unread.iter().map(|unread| format!("{}: {}", unread.what, unread.why)).collect();
    assert!(unread.iter().any(|line| line.contains("ListModels") || line.contains("model")), "{unread:?}");
    assert_eq!(report.failures, [""; 0]);
    let coverage = report.coverage.unwrap();
    assert_eq!(coverage["resources"]["by-kind"].get("model"), None, "what is not known is not counted");
}

const BILL: &str = r#"
bucket = "finops"
[cost-allocation-tags]
Owner = "always"
Team = "always"
CostCenter = "inactive"
[[spend]]
usage-type = "EUC1-Host:ml.m5.xlarge"
usd = 10
tags = { Team = "nlp", Owner = "ann@example.com" }
[[spend]]
usage-type = "EUC1-Notebk:ml.m5.xlarge"
usd = 5
[[spend]]
usage-type = "EUC1-Notebk:ml.m5.xlarge"
usd = -4
record-type = "Credit"
[[spend]]
service = "Amazon Simple Storage Service"
usage-type = "EUC1-TimedStorage-ByteHrs"
usd = 100
"#;

#[tokio::test]
async fn the_bill_is_read_once_a_week_and_its_dollars_are_told() {
    let account = account(BILL);
    let guard = guard(&account, &with_bill());
    let report = guard.run().await.unwrap();
    assert_eq!(states_of(&report, "CostCenter"), [("inactive-cost-allocation-tag", "reported")], "{report:?}");
    assert_eq!(
        (states_of(&report, "Owner"), states_of(&report, "Team")),
        (vec![("untagged-spend", "reported")], vec![("untagged-spend", "reported")])
    );
    let reason = &report.findings.iter().find(|finding| finding.name == "Team").unwrap().reason;
    assert!(reason.contains("$150.00 of the $450.00") && reason.contains("Notebk:ml.m5.xlarge $150.00"), "{reason}");
    let spend = &report.coverage.as_ref().unwrap()["spend-usd"];
    assert_eq!(
        (&spend[0]["tag"], &spend[0]["percent"], &spend[0]["by-kind"]["endpoint"]["tagged"]),
        (&json!("Owner"), &json!(66.7), &json!(300)),
        "{spend}"
    );
    let asked = account.calls()["ce:GetCostAndUsage"];
    assert_eq!(asked, 3, "one page of all, one for each of two keys");
    account.advance(days(1));
    let next = guard.run().await.unwrap();
    assert_eq!((account.calls()["ce:GetCostAndUsage"], next.notified), (asked, 0));
    assert_eq!(next.coverage.unwrap()["spend-usd"], *spend, "as it was kept");
    account.advance(days(7));
    guard.run().await.unwrap();
    assert!(asked < account.calls()["ce:GetCostAndUsage"]);
}

#[tokio::test]
async fn a_required_key_is_activated_where_the_policy_says_so_and_only_by_the_payer() {
    let enforce = activating();
    let payer = account(BILL);
    let report = guard(&payer, &enforce).run().await.unwrap();
    assert_eq!(
        report.actions.iter().map(|action| (action.action, action.outcome)).collect::<Vec<_>>(),
        [("activate-cost-allocation-tag", "done")],
        "{report:?}"
    );
    let member = account(&format!("payer = false\n{BILL}"));
    let report = guard(&member, &enforce).run().await.unwrap();
    assert_eq!(report.actions.len(), 0, "{report:?}");
    let noted: Vec<_> = report.findings.iter().filter(|finding| finding.state == "exempt").collect();
    assert!(noted.len() == 3 && noted[0].reason.contains("only the payer's account"), "{report:?}");
}

#[tokio::test]
async fn coverage_goes_to_s3_as_a_table_where_the_policy_names_a_bucket() {
    let account = account(&format!("bucket = \"finops\"\n{MIXED}"));
    let guard = guard(&account, &format!("{REQUIRED}[coverage]\nbucket = \"finops\"\nprefix = \"tags/\"\n"));
    let report = guard.run().await.unwrap();
    assert_eq!(report.failures, [""; 0]);
    let resources = &report.coverage.as_ref().unwrap()["resources"];
    assert_eq!((&resources["total"], &resources["tagged"], &resources["percent"]), (&json!(5), &json!(1), &json!(20)), "{resources}");
    let table = String::from_utf8(account.object("tags/account=123456789012/region=eu-central-1/2026-11-23.csv").unwrap()).unwrap();
    assert!(table.contains("2026-11-23,123456789012,eu-central-1,resources,,nlp,notebook-instance,3,1,33.3"), "{table}");
    guard.wake(json!({"dry-run": true})).await.unwrap();
    account.add_fault(Fault::new("s3:PutObject", What::AccessDenied));
    let denied = guard.run().await.unwrap();
    assert!(denied.failures[0].contains("s3:PutObject s3://finops/tags/account="), "{:?}", denied.failures);
}

#[tokio::test]
async fn a_confirmed_subscription_that_is_gone_is_a_metric_once() {
    let account = account(&format!("confirmed-subscriptions = 3\n{MIXED}"));
    let guard = guard(&account, REQUIRED);
    let lost = async |event: Value| {
        let report = guard.wake(event).await.unwrap();
        assert_eq!(report.failures, [""; 0]);
        report.more_metrics.iter().filter_map(|line| line["SubscriptionsLost"].as_u64()).collect::<Vec<_>>()
    };
    for (confirmed, event, expected) in [
        (3, json!({}), &[][..]),
        (1, json!({"dry-run": true}), &[]),
        (1, json!({"due-only": true}), &[]),
        (1, json!({}), &[2]),
        (1, json!({}), &[]),
        (2, json!({}), &[]),
        (0, json!({}), &[2]),
    ] {
        account.confirm_subscriptions(confirmed);
        assert_eq!(lost(event.clone()).await, expected, "{confirmed}, {event}");
    }
}

#[tokio::test]
async fn the_coverages_bucket_may_be_in_another_region() {
    let account = account(&format!("bucket = \"finops\"\nbucket-region = \"eu-west-1\"\n{MIXED}"));
    let guard = guard(&account, &format!("{REQUIRED}[coverage]\nbucket = \"finops\"\n"));
    assert_eq!(guard.run().await.unwrap().failures, [""; 0]);
    assert_eq!(account.objects().len(), 1);
}

#[tokio::test]
async fn tags_that_cannot_be_written_are_told_and_never_half_written() {
    let fifty: Vec<String> = (0..50).map(|n| format!("k{n} = \"v\"")).collect();
    let account = account(&format!(
        r#"
        [[notebook]]
        name = "full"
        tags = {{ {}, costcenter = "AB1234" }}
        [[notebook]]
        name = "odd"
        tags = {{ "aws:cloudformation:stack-name" = "x", Owner = "ann@example.com", Team = "nlp", costcenter = "AB;1234" }}
        [[notebook]]
        name = "fleeting"
        tags = {{ Owner = "ann@example.com", Team = "nlp", costcenter = "AB1234" }}
        "#,
        fifty[..49].join(", ")
    ));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    account.add_fault(Fault::new("sagemaker:AddTags", What::Before("fleeting".into(), Deed::Delete)));
    let report = guard.run().await.unwrap();
    let full = report.findings.iter().find(|finding| finding.name == "full").unwrap();
    assert!(full.reason.contains("it has 50 tags, and SageMaker takes 50: remove one first"), "{full:?}");
    assert_eq!(tags(&account, "notebook-instance/full").len(), 50);
    assert_eq!(tags(&account, "notebook-instance/odd").get("CostCenter"), None, "its value is not right");
}

#[tokio::test]
async fn a_lost_answer_or_two_events_at_once_write_once_and_mail_once() {
    let account = account("[[notebook]]\nname = \"n\"\ntags = { Owner = \"ann@example.com\", Team = \"nlp\", costcenter = \"AB1234\" }");
    account.add_fault(Fault::new("sagemaker:AddTags", What::LostAnswer(1)).times(1));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    let event = json!({"resources": ["arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/n"]});
    let (one, two) = tokio::join!(guard.wake(event.clone()), guard.wake(event));
    let done =
        [one.unwrap(), two.unwrap()].iter().flat_map(|report| report.actions.clone()).filter(|action| action.outcome == "done").count();
    assert_eq!(done, 1);
    assert_eq!(account.mails().len(), 1, "{:?}", account.mails());
    assert_eq!(tags(&account, "notebook-instance/n")["CostCenter"], "AB1234");
}

#[tokio::test]
async fn a_dry_run_writes_mails_and_remembers_nothing() {
    let account = account(&format!("bucket = \"finops\"\n{MIXED}"));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}[coverage]\nbucket = \"finops\"\n"));
    let report = guard.wake(json!({"dry-run": true})).await.unwrap();
    assert!(report.actions.iter().all(|action| action.outcome == "planned") && !report.actions.is_empty(), "{report:?}");
    assert_eq!((account.mails().len(), account.objects().len(), account.table_items(end_to_end::TABLE).len()), (0, 0, 0));
    assert_eq!(tags(&account, "notebook-instance/dear").get("CostCenter"), None);
}

#[tokio::test]
async fn a_notebook_with_an_unreadable_guard_tag_is_told_by_its_own_function_alone() {
    let account = account(
        "[[notebook]]\nname = \"n\"\ntags = { Owner = \"ann@example.com\", Team = \"nlp\", CostCenter = \"AB1234\", \"cost-guard:keep-until\" = \"soon\" }",
    );
    let report = guard(&account, REQUIRED).run().await.unwrap();
    assert_eq!((report.total_findings, account.mails().len()), (0, 0), "{report:?}");
}

#[tokio::test]
async fn who_hears_of_something_new_hears_with_it_all_that_is_known_of_the_rest() {
    let account = account(
        r#"
        [[model]]
        name = "scorer-model"
        tags = { Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }
        [[endpoint-config]]
        name = "scorer"
        variants = [{ model = "scorer-model", instance-type = "ml.m5.xlarge" }]
        tags = { Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }
        [[endpoint]]
        name = "scorer"
        config = "scorer"
        [[endpoint]]
        name = "second"
        config = "scorer"
        create = { at = "2026-11-28 06:00" }
        "#,
    );
    let guard = guard(&account, REQUIRED);
    guard.run().await.unwrap();
    let known = "--tags 'Key=CostCenter,Value=AB1234' 'Key=Owner,Value=ann@example.com' 'Key=Team,Value=nlp'";
    assert!(account.mails()[0].message.contains(known), "{}", account.mails()[0].message);
    account.advance(days(5));
    // The mail also has the other open findings of its owner, who was mailed of them some days ago.
    guard.run().await.unwrap();
    let mails = account.mails();
    let last = mails_to(&mails, "ann@example.com").pop().unwrap();
    assert_eq!(last.message.matches("\n* ").count(), 2, "{}", last.message);
    let scorer = last.message.split("* endpoint scorer").nth(1).unwrap();
    assert!(scorer.contains("'Key=Owner,Value=ann@example.com' 'Key=Team,Value=nlp'"), "{}", last.message);
}

#[tokio::test]
async fn every_kind_that_can_be_stopped_is_stopped_if_it_stays_untagged() {
    let account = account(&one_of_each_kind(""));
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    guard.run().await.unwrap();
    account.advance(days(3) + minutes(5));
    guard.wake(due()).await.unwrap();
    for stop in STOPS {
        assert!(account.calls().contains_key(stop), "{stop}: {:?}", account.calls());
    }
}
