//! tag-auditor under faults: unreadable facts, resources that must not be touched, late and duplicate events, unusual tags and owners. One file: one case
//! per test.

use std::fmt::Write as _;

use super::*;

const ARN: &str = "arn:aws:sagemaker:eu-central-1:123456789012:";

async fn wake_creations(account: &Simulator, guard: &Guard) {
    for event in account.take_events().into_iter().filter(|event| event["detail-type"] == "AWS API Call via CloudTrail") {
        guard.wake(event).await.unwrap();
    }
}

const STUDIO: &str = r#"
[[domain]]
id = "d-1"
name = "company"
[[user-profile]]
domain = "d-1"
name = "ann"
[[space]]
domain = "d-1"
name = "lab"
"#;

/// As documented in the README, an app's keep-until may be on its space, profile or domain.
#[tokio::test]
async fn a_wish_to_keep_on_the_space_keeps_its_app() {
    let account = account(&format!(
        r#"{}
        tags = {{ "cost-guard:keep-until" = "2026-12-31" }}
        [[app]]
        domain = "d-1"
        space = "lab"
        type = "JupyterLab"
        instance-type = "ml.m5.xlarge"
        "#,
        STUDIO.trim_end()
    ));
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    guard.run().await.unwrap();
    account.advance(days(4));
    guard.run().await.unwrap();
    assert_eq!(account.apps().iter().filter(|app| app.status == "InService").count(), 1);
}

/// tag-auditor does not delete apps of the types that notebook-stopper does not delete by default: Canvas, `RStudioServerPro`, `JupyterServer`.
#[tokio::test]
async fn apps_that_must_not_be_touched_are_not_deleted() {
    let app = |kind: &str, instance: &str| {
        format!("[[app]]\ndomain = \"d-1\"\nuser-profile = \"ann\"\ntype = \"{kind}\"\ninstance-type = \"{instance}\"\nsince = \"-1d\"\n")
    };
    let account = account(&format!(
        "{STUDIO}{}{}{}",
        app("Canvas", "ml.m5.4xlarge"),
        app("RStudioServerPro", "ml.m5.xlarge"),
        app("JupyterServer", "system")
    ));
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    guard.run().await.unwrap();
    account.advance(days(4));
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.len(), 0);
}

/// Unknown is not absent: if its parents cannot be read, its inherited tags are unknown, and it must not be stopped.
#[tokio::test]
async fn what_belongs_to_something_unreadable_is_not_stopped() {
    let account = account(&format!(
        r#"{}
        tags = {{ Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }}
        [[app]]
        domain = "d-1"
        space = "lab"
        type = "JupyterLab"
        instance-type = "ml.m5.xlarge"
        "#,
        STUDIO.trim_end()
    ));
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    account.add_fault(Fault::new("sagemaker:ListSpaces", What::AccessDenied));
    guard.run().await.unwrap();
    account.advance(days(4));
    guard.run().await.unwrap();
    assert_eq!(
        account.apps().iter().filter(|app| app.status == "InService").count(),
        1,
        "deleted an app although its space could not be read"
    );
}

/// If the creator cannot be read, no other owner may be written.
#[tokio::test]
async fn an_unreadable_creator_is_not_replaced_by_the_parent() {
    let account = account(&format!(
        r#"trail = true
        {}
        tags = {{ Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }}
        [[app]]
        domain = "d-1"
        space = "lab"
        type = "JupyterLab"
        instance-type = "ml.m5.xlarge"
        create = "2026-11-23 09:00"
        by = "bob"
        "#,
        STUDIO.trim_end()
    ));
    let guard = guard(&account, REQUIRED);
    account.advance(minutes(61));
    wake_creations(&account, &guard).await;
    guard.set_policy(&format!("{REQUIRED}{TAG}")).unwrap();
    account.advance(minutes(10));
    account.add_fault(Fault::new("dynamodb:BatchGetItem", What::AccessDenied));
    guard.run().await.unwrap();
    let owner = tags(&account, "app/d-1/lab/jupyterlab/default").get("Owner").cloned();
    assert_ne!(owner.as_deref(), Some("ann@example.com"), "bob created it");
}

/// An `IdentityCenterUser` has a user id and no name, so no address can be made from it with an email domain.
#[tokio::test]
async fn an_id_is_no_address() {
    let account = account(
        "trail = true\n[[notebook]]\nname = \"n\"\ncreate = \"2026-11-23 09:00\"\nby = { identity-center = \"94482488-3041-70e2-a1b2-0123456789ab\" }\n\
      [[notebook]]\nname = \"tf\"\ncreate = \"2026-11-23 09:00\"\nby = { role = \"ci\", session = \"aws-go-sdk-1732363200000000000\" }\n\
      [[notebook]]\nname = \"lambda\"\ncreate = \"2026-11-23 09:00\"\nby = { role = \"provisioner\", session = \"notebook-provisioner\" }\n",
    );
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    account.advance(minutes(61));
    wake_creations(&account, &guard).await;
    assert_eq!(tags(&account, "notebook-instance/n").get("Owner"), None);
}

/// A pipeline of ann's, and its untagged job `prep`, which this tag key marks as the pipeline's.
fn of_pipeline(kind: &str, key: &str) -> String {
    format!(
        r#"
        [[resource]]
        kind = "pipeline"
        name = "nightly"
        tags = {{ Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }}
        [[{kind}]]
        name = "prep"
        takes = "20d"
        max-runtime = "20d"
        created = "-1h"
        tags = {{ "{key}" = "{ARN}pipeline/nightly/execution/abc" }}
        "#
    )
}

/// The owner of a pipeline's job is the pipeline's owner, in the daily audit, too.
#[tokio::test]
async fn a_job_of_a_pipeline_is_its_owners() {
    for key in ["sagemaker:pipeline-execution-arn", "aws:sagemaker:pipeline-execution-arn"] {
        let account = account(&of_pipeline("processing-job", key));
        let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
        guard.run().await.unwrap();
        assert_eq!(tags(&account, "processing-job/prep").get("Owner").map(String::as_str), Some("ann@example.com"), "{key}");
    }
}

/// The mail about a pipeline's job goes to the pipeline's owner.
#[tokio::test]
async fn a_job_of_a_pipeline_is_told_its_owner() {
    let account = account(&of_pipeline("training-job", "sagemaker:pipeline-execution-arn"));
    let guard = guard(&account, REQUIRED);
    guard.run().await.unwrap();
    assert_eq!(mails_to(&account.mails(), "ann@example.com").len(), 1);
}

/// Resources for which an override turns the rules off do not count as tagged.
#[tokio::test]
async fn what_no_rule_looks_at_is_not_covered() {
    let account = account("[[model]]\nname = \"m-{}\"\ncount = 9\n[[notebook]]\nname = \"n\"\n");
    let policy = format!(
        "{REQUIRED}[[override]]\nmatch = {{ kind = \"model\" }}\nrules.missing-tag.mode = \"off\"\nrules.invalid-tag-value.mode = \"off\"\n"
    );
    let report = guard(&account, &policy).run().await.unwrap();
    let coverage = report.coverage.unwrap();
    assert_eq!(coverage["resources"]["percent"], json!(0), "the only resource that is looked at is not tagged");
}

/// A series that was tagged for weeks starts a new finding when a job is untagged again: without "open since", and without an escalation.
#[tokio::test]
async fn a_series_that_was_mended_begins_anew() {
    let job = |day: &str| {
        format!(
            "[[processing-job]]\nname = \"prep-{day}\"\ntakes = \"1h\"\ncreate = \"{day} 09:00\"\ntags = {{ Owner = \"ann@example.com\" }}\n"
        )
    };
    let account = account(&format!("{}{}", job("2026-11-24"), job("2027-01-12")));
    let guard = guard(&account, REQUIRED);
    for _ in 0..60 {
        account.advance(days(1));
        guard.run().await.unwrap();
    }
    let mails = account.mails();
    let anns = mails_to(&mails, "ann@example.com");
    assert_eq!(anns.last().unwrap().attributes["severity"].1, "info", "escalated although it was gone for six weeks");
}

/// A refused Cost Explorer call must not lose the bill's data until the next week.
#[tokio::test]
async fn a_refused_bill_is_asked_again_and_what_was_known_is_kept() {
    let account = account(BILL);
    let guard = guard(&account, &with_bill());
    guard.run().await.unwrap();
    account.advance(days(8));
    account.add_fault(Fault::new("ce:GetCostAndUsage", What::Refuse("LimitExceededException".into(), "Rate exceeded".into())).times(20));
    guard.run().await.unwrap();
    account.clear_faults();
    account.advance(days(1));
    let next = guard.run().await.unwrap();
    assert_ne!(next.coverage.unwrap()["spend-usd"], json!([]), "a day later nothing is known, and nothing says so");
}

/// When inactive-cost-allocation-tag changes from report to enforce, it acts in the next run and not a week later.
#[tokio::test]
async fn activation_begins_when_the_policy_says_so() {
    let account = account(BILL);
    let guard = guard(&account, &with_bill());
    guard.run().await.unwrap();
    guard.set_policy(&activating()).unwrap();
    account.advance(days(1));
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.len(), 1);
}

#[tokio::test]
async fn a_refused_activation_is_tried_again_without_noise() {
    let account = account(BILL);
    let guard = guard(&account, &activating());
    account.add_fault(Fault::new("ce:UpdateCostAllocationTagsStatus", What::AccessDenied));
    guard.run().await.unwrap();
    account.clear_faults();
    account.advance(minutes(30));
    let due = guard.wake(due()).await.unwrap();
    assert_eq!(due.unread.len(), 0);
    account.advance(days(1));
    let next = guard.run().await.unwrap();
    assert_eq!(next.actions.len(), 1, "tried again");
}

/// If `GetResources` is denied, the report has a few lines about it, and not one per kind.
#[tokio::test]
async fn a_refused_tag_index_is_said_once() {
    let account = account(MIXED);
    account.add_fault(Fault::new("tag:GetResources", What::AccessDenied));
    account.add_fault(Fault::new("tagging:GetResources", What::AccessDenied));
    let report = guard(&account, REQUIRED).run().await.unwrap();
    assert!(report.findings.is_empty());
    assert!(report.unread.len() <= 3, "{}", report.unread.len());
}

/// The tags of a parent are confirmed if the tag index is stale.
#[tokio::test]
async fn a_parent_by_a_stale_index_is_not_believed() {
    let account = account(&format!(
        r#"{}
        [[app]]
        domain = "d-1"
        space = "lab"
        type = "JupyterLab"
        instance-type = "ml.m5.xlarge"
        "#,
        STUDIO.trim_end().to_owned() + "\ntags = { Owner = \"ann@example.com\", Team = \"nlp\", CostCenter = \"AB1234\" }\n"
    ));
    account.advance(minutes(60));
    account.deed(&format!("{ARN}space/d-1/lab"), &Deed::Tag("Owner".into(), "cleo@example.com".into()));
    account.add_fault(Fault::new("*", What::StaleTags("10m".parse().unwrap())));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    guard.run().await.unwrap();
    assert_eq!(tags(&account, "app/d-1/lab/jupyterlab/default")["Owner"], "cleo@example.com");
}

/// Root creates a resource again: the creator of the deleted one is not its creator.
#[tokio::test]
async fn a_creator_of_one_that_is_gone_is_not_the_next_ones() {
    let account = account("trail = true\n[[notebook]]\nname = \"n\"\ncreate = \"2026-11-23 09:00\"\nby = \"bob\"\n");
    let guard = guard(&account, REQUIRED);
    account.advance(minutes(61));
    let events: Vec<Value> =
        account.take_events().into_iter().filter(|event| event["detail-type"] == "AWS API Call via CloudTrail").collect();
    for event in &events {
        guard.wake(event.clone()).await.unwrap();
    }
    let mut again = events[0].clone();
    again["detail"]["userIdentity"] = json!({"type": "Root", "arn": "arn:aws:iam::123456789012:root", "accountId": "123456789012"});
    guard.set_policy(&format!("{REQUIRED}{TAG}")).unwrap();
    account.advance(days(1));
    guard.wake(again).await.unwrap();
    assert_eq!(tags(&account, "notebook-instance/n").get("Owner"), None);
}

/// AWS's own tags do not count for the limit of 50.
#[tokio::test]
async fn tags_of_aws_take_no_room() {
    let many: Vec<String> = (0..47).map(|n| format!("k{n} = \"v\"")).collect();
    let account = account(&format!(
        "[[notebook]]\nname = \"n\"\ntags = {{ {}, costcenter = \"AB1234\", Owner = \"ann@example.com\", \"aws:cloudformation:stack-name\" = \"s\", \"aws:cloudformation:stack-id\" = \"s\", \"aws:cloudformation:logical-id\" = \"s\" }}\n",
        many.join(", ")
    ));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    guard.run().await.unwrap();
    assert_eq!(tags(&account, "notebook-instance/n").get("CostCenter").map(String::as_str), Some("AB1234"));
}

/// The owner is mailed about the tuning job and not about each of its training jobs. One stop ends them all.
#[tokio::test]
async fn a_tuning_job_and_its_children() {
    let account = account(
        r#"
        [[tuning-job]]
        name = "hpo"
        jobs = 10
        parallel = 4
        tags = { Owner = "ann@example.com" }
        definition = [{ instance-type = "ml.m5.xlarge", takes = "2d", max-runtime = "5d" }]
        created = "-1h"
        "#,
    );
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    let warned = guard.run().await.unwrap();
    let others = warned.findings.iter().filter(|finding| finding.name != "hpo").map(|finding| finding.state);
    assert_eq!(states_of(&warned, "hpo"), [("missing-tag", "warned")]);
    assert_eq!(others.collect::<Vec<_>>(), ["exempt"; 4], "it runs four training jobs");
    assert_eq!(account.mail_count(), 1);
    account.advance(days(3) + minutes(5));
    let acted = guard.run().await.unwrap();
    assert_eq!(acted.actions.iter().map(|one| (one.action, one.outcome)).collect::<Vec<_>>(), [("stop-tuning-job", "done")]);
    account.advance(minutes(5));
    assert_eq!(account.tuning_job("hpo").unwrap().status, "Stopped");
    let statuses: Vec<String> = account.training_jobs().into_iter().map(|job| job.status).collect();
    assert_eq!(statuses, [["Completed"; 4], ["Stopped"; 4]].concat(), "the first four had ended by themselves");
    assert_eq!(account.mail_count(), 2);
}

/// An estate with resources of every kind, almost all of them untagged.
fn of_every_kind() -> String {
    let more = r#"
[[space]]
domain = "d-1"
name = "lab"
[[app]]
domain = "d-1"
space = "lab"
type = "JupyterLab"
instance-type = "ml.m5.xlarge"
[[training-job]]
name = "old"
status = "Completed"
since = "-1d"
[[endpoint-config]]
name = "ec"
variants = [{ name = "v", instance-type = "ml.m5.xlarge", definition = { ManagedInstanceScaling = { Status = "ENABLED", MinInstanceCount = 0 } } }]
[[endpoint]]
name = "ep"
config = "ec"
[[endpoint-config]]
name = "sl"
variants = [{ name = "v", model = "m", serverless = { memory-mb = 2048, max-concurrency = 5 } }]
[[endpoint]]
name = "sl"
[[inference-component]]
name = "llm"
endpoint = "ep"
model = "m"
memory-mb = 1024
[[resource]]
kind = "feature-group"
name = "fg"
[[resource]]
kind = "mlflow-tracking-server"
name = "ts"
[[resource]]
kind = "mlflow-app"
name = "new"
[[resource]]
kind = "partner-app"
name = "new"
[[resource]]
kind = "training-plan"
name = "new"
[[resource]]
kind = "training-session"
name = "new"
[[resource]]
kind = "optimization-job"
name = "new"
[[resource]]
kind = "inference-recommendations-job"
name = "new"
[[resource]]
kind = "ai-recommendation-job"
name = "new"
[[resource]]
kind = "labeling-job"
name = "new"
"#;
    format!("{}{more}", one_of_each_kind(""))
}

#[tokio::test]
async fn every_kind() {
    let account = account(&of_every_kind());
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    let report = guard.run().await.unwrap();
    account.advance(days(3) + minutes(5));
    guard.wake(due()).await.unwrap();
    assert_eq!(report.unread.len(), 0);
}

/// As above, but the rules of training jobs, which another function has, are off.
#[tokio::test]
async fn a_job_of_a_pipeline_is_its_owners_whatever_other_rules_are_off() {
    let account = account(&of_pipeline("processing-job", "sagemaker:pipeline-execution-arn"));
    let guard =
        guard(&account, &format!("{REQUIRED}[rules.training-on-demand]\nmode = \"off\"\n[rules.tuning-on-demand]\nmode = \"off\"\n"));
    let report = guard.run().await.unwrap();
    assert_eq!(report.findings[0].owner.as_deref(), Some("ann@example.com"));
}

/// The audit ran before CloudTrail's event came. The event still sets the creator.
#[tokio::test]
async fn a_late_event_tells_its_creator() {
    let account = account("trail = true\n[[notebook]]\nname = \"n\"\ncreate = \"2026-11-23 09:00\"\nby = \"bob\"\n");
    let guard = guard(&account, REQUIRED);
    account.advance(minutes(61));
    guard.run().await.unwrap();
    account.advance(minutes(5));
    wake_creations(&account, &guard).await;
    account.advance(days(1));
    guard.run().await.unwrap();
    assert_eq!(mails_to(&account.mails(), "bob@example.com").len(), 1);
}

/// Two people submit jobs of the same series.
#[tokio::test]
async fn each_hears_of_their_own_jobs_of_one_series() {
    let job = |n: u8, by: &str, at: &str| {
        format!("[[processing-job]]\nname = \"prep-{n}\"\ntakes = \"9d\"\nmax-runtime = \"9d\"\ncreate = \"{at}\"\nby = \"{by}\"\n")
    };
    let account = account(&format!("trail = true\n{}{}", job(1, "ann", "2026-11-23 09:00"), job(2, "bob", "2026-11-23 10:00")));
    let guard = guard(&account, REQUIRED);
    account.advance(minutes(61));
    wake_creations(&account, &guard).await;
    account.advance(minutes(60));
    wake_creations(&account, &guard).await;
    for _ in 0..8 {
        account.advance(days(1));
        guard.run().await.unwrap();
    }
    let mails = account.mails();
    assert!(!mails_to(&mails, "bob@example.com").is_empty());
    assert!(mails_to(&mails, "ann@example.com").iter().all(|mail| !mail.message.contains("prep-2")));
    assert_eq!(mails_to(&mails, "unowned").len(), 0, "both are known");
    assert_eq!(mails_to(&mails, "bob@example.com").len(), mails_to(&mails, "ann@example.com").len(), "both are reminded");
}

/// 20 owners over five weeks: at most one mail per owner and run, weekly reminders, and one escalation.
#[tokio::test]
async fn twenty_owners_over_weeks() {
    let mut estate = String::new();
    for n in 0..20 {
        for kind in ["notebook", "model"] {
            writeln!(estate, "[[{kind}]]\nname = \"{kind}-{n}\"\ntags = {{ Owner = \"p{n}@example.com\", Team = \"nlp\" }}\n").unwrap();
        }
    }
    let account = account(&estate);
    let guard = guard(&account, REQUIRED);
    let mut days_told = vec![];
    for day in 0..36 {
        let before = account.mails().len();
        let report = guard.run().await.unwrap();
        let again = guard.run().await.unwrap();
        assert_eq!(again.notified, 0);
        let mails = account.mails();
        let new = &mails[before..];
        let anns = mails_to(new, "p3@example.com");
        if let Some(mail) = anns.first() {
            days_told.push((day, mail.attributes["severity"].1.clone(), report.notified));
        }
        assert!(anns.len() <= 1);
        account.advance(days(1));
    }
    assert_eq!(days_told.iter().filter(|one| one.1 == "warning").count(), 1);
}

/// From enforce to report and back to enforce: the grace begins with a new warning.
#[tokio::test]
async fn a_grace_does_not_survive_report_mode() {
    let account = account("[[notebook]]\nname = \"n\"\ntags = { Owner = \"ann@example.com\" }\n");
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    guard.run().await.unwrap();
    guard.set_policy(REQUIRED).unwrap();
    account.advance(days(1));
    guard.run().await.unwrap();
    guard.set_policy(&format!("{REQUIRED}{STOP}")).unwrap();
    account.advance(days(4));
    let report = guard.run().await.unwrap();
    assert_eq!((report.actions.len(), states_of(&report, "n")[0].1), (0, "warned"));
}

/// A pattern must match the whole value.
#[tokio::test]
async fn a_pattern_with_loose_parentheses_is_refused() {
    let account = account(MIXED);
    let error = guard(&account, "[rules.missing-tag]\nrequired = { Team = \"nlp)|(vision\" }\n").run().await.unwrap_err();
    assert!(format!("{error:#}").contains("is not a pattern"), "{error:#}");
}

/// The coverage table of the day is not replaced by an empty one.
#[tokio::test]
async fn an_unreadable_index_does_not_empty_the_table() {
    let account = account(&format!("bucket = \"finops\"\n{MIXED}"));
    let guard = guard(&account, &format!("{REQUIRED}[coverage]\nbucket = \"finops\"\n"));
    guard.run().await.unwrap();
    account.add_fault(Fault::new("tagging:GetResources", What::AccessDenied));
    account.add_fault(Fault::new("tag:GetResources", What::AccessDenied));
    account.advance(minutes(10));
    guard.run().await.unwrap();
    let table = String::from_utf8(account.object("tag-coverage/account=123456789012/region=eu-central-1/2026-11-23.csv").unwrap()).unwrap();
    assert!(table.lines().count() > 1);
}

/// Each run writes a limited number of tags, and the next run continues.
#[tokio::test]
async fn many_are_tagged_a_few_per_run() {
    let account = account(
        "[[notebook]]\nname = \"n-{}\"\ncount = 60\ntags = { Owner = \"ann@example.com\", Team = \"nlp\", costcenter = \"AB1234\" }\n",
    );
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    let mut written = vec![];
    for _ in 0..4 {
        written.push(guard.run().await.unwrap().actions.len());
        account.advance(days(1));
    }
    assert_eq!(written, [25, 25, 10, 0]);
    assert!(account.resources().iter().all(|resource| resource.tags["CostCenter"] == "AB1234"));
}

/// `AddTags` is refused for several days.
#[tokio::test]
async fn refused_tagging_is_told_once() {
    let account = account("[[notebook]]\nname = \"n\"\ntags = { Owner = \"ann@example.com\", Team = \"nlp\", costcenter = \"AB1234\" }\n");
    account.add_fault(Fault::new("sagemaker:AddTags", What::AccessDenied));
    let guard = guard(&account, &format!("{REQUIRED}{TAG}"));
    for _ in 0..5 {
        guard.run().await.unwrap();
        account.advance(days(1));
    }
    assert_eq!(account.mails().len(), 1);
}

/// Creations in another Region or by another service.
#[tokio::test]
async fn events_of_elsewhere_are_refused() {
    let account = account("trail = true\n[[notebook]]\nname = \"n\"\ncreate = \"2026-11-23 09:00\"\nby = \"bob\"\n");
    let guard = guard(&account, REQUIRED);
    account.advance(minutes(61));
    let event = account.take_events().into_iter().find(|event| event["detail-type"] == "AWS API Call via CloudTrail").unwrap();
    for (pointer, value) in [
        ("/region", json!("us-east-1")),
        ("/detail/eventSource", json!("amplify.amazonaws.com")),
        ("/detail/responseElements/notebookInstanceArn", json!("arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/n")),
    ] {
        let mut other = event.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        let report = guard.wake(other).await;
        assert!(report.is_err() || report.unwrap().notified == 0, "{pointer}");
    }
}

/// Two complete runs at the same time.
#[tokio::test]
async fn two_whole_runs_at_once_mail_once() {
    let account = account(&format!("bucket = \"finops\"\n{MIXED}"));
    let one = guard(&account, &format!("{REQUIRED}{TAG}"));
    let two = guard(&account, &format!("{REQUIRED}{TAG}"));
    let (a, b) = tokio::join!(one.run(), two.run());
    assert!(a.is_ok() && b.is_ok());
    let mut seen: Vec<String> = account.mails().iter().map(|mail| format!("{} {}", mail.attributes["owner"].1, mail.message)).collect();
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
    account.advance(days(1));
    let next = one.run().await.unwrap();
    assert_eq!(next.notified, 0);
}

/// Each operation is refused on its own: the report says so, and nothing is stopped before its time.
#[tokio::test]
async fn each_operation_refused() {
    let fine = account(&of_every_kind());
    guard(&fine, &format!("{REQUIRED}{STOP}")).run().await.unwrap();
    for operation in fine.calls().into_keys() {
        let account = account(&of_every_kind());
        account.add_fault(Fault::new(&operation, What::AccessDenied));
        let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
        for _ in 0..2 {
            let report = guard.run().await.unwrap();
            let is_said = !report.unread.is_empty() || !report.failures.is_empty();
            assert!(is_said || operation == "sns:GetTopicAttributes", "{operation} was refused, and nobody is told");
            account.advance(days(1));
        }
        let stops = account.calls().into_keys().filter(|call| call.starts_with("sagemaker:Stop") || call == "sagemaker:DeleteApp");
        assert_eq!(stops.collect::<Vec<_>>(), [""; 0], "{operation}");
    }
}

/// Lost answers do not change the number of mails.
#[tokio::test]
async fn lost_answers() {
    let mails_with = async |lost: Option<&str>| {
        let account = account(&format!("bucket = \"finops\"\n{MIXED}"));
        let guard = guard(&account, &format!("{REQUIRED}{TAG}[coverage]\nbucket = \"finops\"\n"));
        if let Some(operation) = lost {
            account.add_fault(Fault::new(operation, What::LostAnswer(1)).times(2));
        }
        for _ in 0..4 {
            guard.run().await.unwrap();
            account.advance(hours(12));
        }
        account.mails().len()
    };
    let all = mails_with(None).await;
    for operation in
        ["dynamodb:PutItem", "dynamodb:TransactWriteItems", "sagemaker:AddTags", "s3:PutObject", "dynamodb:BatchGetItem", "dynamodb:Query"]
    {
        assert_eq!(mails_with(Some(operation)).await, all, "{operation}");
    }
}

/// A keep-until tag does not exempt a notebook from the rule about missing tags.
#[tokio::test]
async fn who_keeps_a_notebook_hears_of_its_missing_tags() {
    let account =
        account("[[notebook]]\nname = \"n\"\ntags = { Owner = \"ann@example.com\", \"cost-guard:keep-until\" = \"2027-01-31\" }\n");
    guard(&account, REQUIRED).run().await.unwrap();
    assert_eq!(account.mails().len(), 1);
}

/// The mail about a stopped job asks to tag the next job, because tagging the stopped one is useless.
#[tokio::test]
async fn a_stopped_job_is_not_to_be_tagged_any_more() {
    let account = account(
        "[[processing-job]]\nname = \"p\"\ntakes = \"20d\"\nmax-runtime = \"20d\"\ncreated = \"-1h\"\ntags = { Owner = \"ann@example.com\" }\n",
    );
    let guard = guard(&account, &format!("{REQUIRED}{STOP}"));
    guard.run().await.unwrap();
    account.advance(days(3) + minutes(1));
    guard.wake(due()).await.unwrap();
    let mail = account.mails().pop().unwrap();
    assert!(mail.message.contains("tag the next one"));
}

/// New untagged resources without an owner every day.
#[tokio::test]
async fn an_owner_with_news_each_day() {
    let mut estate = String::from("[[model]]\nname = \"m-{}\"\ncount = 5\n");
    for day in 24..30 {
        writeln!(estate, "[[model]]\nname = \"new-{day}\"\ncreate = \"2026-11-{day} 07:00\"\n").unwrap();
    }
    let account = account(&estate);
    let guard = guard(&account, REQUIRED);
    for _ in 0..7 {
        assert!(guard.run().await.unwrap().notified <= 1);
        account.advance(days(1));
    }
}

/// The tag index is stale: all jobs of a series are confirmed before the owner is notified.
#[tokio::test]
async fn no_tagged_job_of_a_series_is_told_by_a_stale_index() {
    let all = "tags = { Owner = \"ann@example.com\", Team = \"nlp\", CostCenter = \"AB1234\" }";
    let account = account(&format!(
        "[[processing-job]]\nname = \"prep-1\"\ntakes = \"9d\"\ncreate = \"2026-11-23 08:58\"\n{all}\n[[processing-job]]\nname = \"prep-2\"\ntakes = \"9d\"\ncreate = \"2026-11-23 08:59\"\n{all}\n"
    ));
    account.advance(minutes(60));
    account.add_fault(Fault::new("*", What::StaleTags("10m".parse().unwrap())));
    guard(&account, REQUIRED).run().await.unwrap();
    assert_eq!(account.mails().len(), 0, "both have all tags");
}

/// Unusual patterns are refused, or match as written.
#[tokio::test]
async fn odd_patterns_do_no_harm() {
    let account = account("[[notebook]]\nname = \"n\"\n");
    for required in
        ["{ Team = \"(?x) a # comment\" }", "{ Team = \"\" }", "{ Team = [\"\"] }", "{ Team = \"(?i)nlp\" }", "{ Team = \".*\" }"]
    {
        let guard = guard(&account, &format!("[rules.missing-tag]\nrequired = {required}\n"));
        let report = guard.run().await;
        assert!(report.is_err() || report.unwrap().total_findings == 1, "{required}");
    }
}

/// If the active cost allocation tags are unknown, no spend is reported as untagged.
#[tokio::test]
async fn spend_without_a_key_that_nobody_has_activated_is_not_called_untagged() {
    let account = account(BILL);
    account.add_fault(Fault::new("ce:ListCostAllocationTags", What::AccessDenied));
    let report = guard(&account, &with_bill()).run().await.unwrap();
    assert_eq!(states_of(&report, "CostCenter"), [], "CostCenter is not active: the bill says nothing of it");
}

/// Overrides by team and by kind replace what the rule requires.
#[tokio::test]
async fn an_override_by_team_and_kind() {
    let account = account(
        r#"
        [[notebook]]
        name = "n"
        tags = { Owner = "ann@example.com", Team = "nlp" }
        [[model]]
        name = "m"
        tags = { Owner = "ann@example.com", Team = "nlp" }
        [[notebook]]
        name = "v"
        tags = { Owner = "ann@example.com", Team = "vision" }
    "#,
    );
    let policy = "owner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n[rules.missing-tag]\nrequired = { Owner = \".+\" }\n\
        [[override]]\nmatch = { team = \"nlp\", kind = \"notebook-instance\" }\nrules.missing-tag.required = { CostCenter = \".+\" }\n\
        [[override]]\nmatch = { kind = \"model\" }\nrules.missing-tag.required = { Project = \".+\" }\n";
    let report = guard(&account, policy).run().await.unwrap();
    assert_eq!(report.findings.iter().map(|finding| finding.name.as_str()).collect::<Vec<_>>(), ["m", "n"]);
}
