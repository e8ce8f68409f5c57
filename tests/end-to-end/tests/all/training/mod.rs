//! training-job-spot-enforcer: from a job's event to the mail, the stop, the resubmission and the Spot saving. In this process, on a simulated account.

use end_to_end::{
    Function, Guard, TABLE,
    testing::{account, days, due, guard_of, hours, minutes, states, subjects},
};
use serde_json::{Value, json};
use simulator::{Deed, Fault, Simulator, What};

mod faults;
mod resubmission;

const CHURN: &str = r#"
[[training-job]]
name = "Churn-Train-0001"
instance-type = "ml.m5.xlarge"
instance-count = 2
max-runtime = "1d"
created = "-10m"
takes = "6h"
output = "s3://ml-company/output"
hyper-parameters = { epochs = "3" }
tags = { Owner = "ann@example.com", Team = "churn" }
"#;

const STOP: &str = "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"\ngrace = \"10m\"\n";
const RESUBMIT: &str = "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"resubmit\"\ngrace = \"0s\"\n";

/// The job of [`CHURN`], and the Spot job that replaces it.
const OLD: &str = "Churn-Train-0001";
const NEW: &str = "Churn-Train-0001-spot";

fn guard(account: &Simulator, policy: &str) -> Guard {
    guard_of(Function::TrainingJobSpotEnforcer, account, policy)
}

/// The event of a job as EventBridge delivers it.
fn event(account: &Simulator, name: &str) -> Value {
    let arn = &account.training_job(name).unwrap().arn;
    json!({"detail-type": "SageMaker Training Job State Change", "source": "aws.sagemaker", "region": "eu-central-1", "time": "1583831889050",
           "resources": [arn], "detail": {"TrainingJobName": name, "TrainingJobArn": arn, "TrainingJobStatus": "InProgress", "Tags": {}}})
}

fn status(account: &Simulator, name: &str) -> String {
    account.training_job(name).map_or_else(|| "none".into(), |job| job.status)
}

#[tokio::test]
async fn an_event_is_six_calls_and_one_mail_and_its_duplicate_none() {
    let account = account(CHURN);
    let guard = guard(&account, "timezone = \"Europe/Berlin\"");
    let event = event(&account, "Churn-Train-0001");
    account.reset_counts();
    let report = guard.wake(event.clone()).await.unwrap();
    assert_eq!((states(&report), report.notified), (vec![("training-on-demand", "reported")], 1), "{report:?}");
    // Two of them are for the platform's summary: whether it is sent or to whom mails went, and that this one did.
    assert_eq!(account.calls().values().sum::<u64>(), 6, "{:?}", account.calls());
    let mail = account.mails().pop().unwrap();
    assert_eq!(mail.subject, "Cost guard: Churn-Train-0001 needs a look, costs up to $13.17");
    assert_eq!((mail.attributes["owner"].1.as_str(), mail.attributes["team"].1.as_str()), ("ann@example.com", "churn"));
    for says in [
        "2 x ml.m5.xlarge",
        "$0.55 an hour, at most $13.17",
        "use_spot_instances=True, max_run=86400",
        "\"EnableManagedSpotTraining\": true",
    ] {
        assert!(mail.message.contains(says), "{says}: {}", mail.message);
    }
    for _ in 0..2 {
        let again = guard.wake(event.clone()).await.unwrap();
        assert_eq!((again.notified, account.mails().len()), (0, 1));
    }
    account.advance(days(8));
    account.deed("Churn-Train-0001", &Deed::Stop);
}

#[tokio::test]
async fn a_series_is_told_once_a_week_by_events_too() {
    let account =
        account(&format!("{}\nsubmit = [{{ at = \"mon-sun 09:00\" }}]", CHURN.replace("created = \"-10m\"\n", "").replace("-0001", "")));
    let guard = guard(&account, "");
    let mut mails = vec![];
    for day in 0..9 {
        account.advance(days(1));
        for event in account.take_events() {
            guard.wake(event).await.unwrap();
        }
        mails.push((day, account.mails().len()));
    }
    assert_eq!(mails.iter().map(|(_, mails)| *mails).collect::<Vec<_>>(), [0; 9], "events of ended jobs start nothing: {mails:?}");
}

#[tokio::test]
async fn a_job_is_warned_of_and_stopped_when_its_time_has_come() {
    let account = account(CHURN);
    let guard = guard(&account, STOP);
    let warned = guard.wake(event(&account, "Churn-Train-0001")).await.unwrap();
    assert_eq!((states(&warned), warned.notified), (vec![("training-on-demand", "warned")], 1));
    for (after, outcome) in [(5, None), (6, Some("done"))] {
        account.advance(minutes(after));
        let report = guard.wake(due()).await.unwrap();
        assert_eq!(report.actions.first().map(|action| action.outcome), outcome, "{report:?}");
    }
    assert_eq!(status(&account, "Churn-Train-0001"), "Stopping");
    assert_eq!(account.mails().last().unwrap().subject, "Cost guard: Churn-Train-0001 is being stopped, $0.55 an hour");
    account.advance(minutes(15));
    for event in account.take_events() {
        guard.wake(event).await.unwrap();
    }
    let items = account.table_items(TABLE);
    let saving =
        items.iter().find(|item| item["pk"]["S"] == "saving#training-job-spot-enforcer#123456789012#eu-central-1").expect("the stop");
    assert_eq!((&saving["by"]["S"], saving.get("estimated-usd")), (&json!("guard"), None), "nobody knows for how long it would have run");
    assert_eq!(account.mails().len(), 2);
}

#[tokio::test]
async fn a_job_is_submitted_again_as_spot_and_only_then_stopped() {
    let account = account(CHURN);
    let guard = guard(&account, RESUBMIT);
    let report = guard.wake(event(&account, "Churn-Train-0001")).await.unwrap();
    assert_eq!(
        report.actions.iter().map(|action| (action.action, action.outcome)).collect::<Vec<_>>(),
        [("resubmit-as-spot", "done")],
        "{report:?}"
    );
    let old = account.training_job("Churn-Train-0001").unwrap();
    let new = account.training_job("Churn-Train-0001-spot").unwrap();
    assert_eq!((old.status.as_str(), new.status.as_str(), new.spot), ("Stopping", "InProgress", true));
    for (field, differs) in [
        ("StoppingCondition", true),
        ("CheckpointConfig", true),
        ("EnableManagedSpotTraining", true),
        ("AlgorithmSpecification", false),
        ("HyperParameters", false),
        ("ResourceConfig", false),
        ("OutputDataConfig", false),
        ("RoleArn", false),
    ] {
        assert_eq!(old.definition[field] != new.definition[field], differs, "{field}: {} {}", old.definition, new.definition);
    }
    assert_eq!((new.tags["Owner"].as_str(), new.tags["cost-guard:resubmitted-from"].as_str()), ("ann@example.com", "Churn-Train-0001"));
    let mail = account.mails().pop().unwrap();
    assert_eq!(mail.subject, "Cost guard: Churn-Train-0001 was resubmitted as Spot, saves up to 90 %");
    for says in [
        "restarted its work on Spot as Churn-Train-0001-spot.\n  It starts from the beginning, because there were no checkpoints: what was trained so far is done again. It may finish \
         up to 12h later.",
        "stop-training-job --region eu-central-1 --training-job-name Churn-Train-0001-spot",
    ] {
        assert!(mail.message.contains(says), "{says}: {}", mail.message);
    }

    // Further events of both jobs, each delivered twice, change nothing.
    account.add_fault(Fault::new("*", What::DuplicateEvents));
    account.advance(minutes(30));
    for event in account.take_events() {
        let report = guard.wake(event).await.unwrap();
        assert_eq!((report.actions.len(), report.notified), (0, 0), "{report:?}");
    }
    assert_eq!(account.training_jobs().len(), 2);
    // After its end, the ledger has the Spot saving.
    account.advance(hours(8));
    for event in account.take_events() {
        guard.wake(event).await.unwrap();
    }
    let items = account.table_items(TABLE);
    let saved = items.iter().find(|item| item["by"]["S"] == "spot").expect("what Spot saved");
    assert_eq!((saved["name"]["S"].as_str(), saved["percent"]["N"].as_str()), (Some("Churn-Train-0001-spot"), Some("70")));
}

#[tokio::test]
async fn a_refused_resubmission_leaves_the_job_as_it_is_and_gives_its_owner_the_definition() {
    for (code, text) in
        [("ResourceLimitExceeded", "ml.m5.xlarge for spot training job usage is 0"), ("AccessDeniedException", "iam:PassRole")]
    {
        let account = account(CHURN);
        account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse(code.into(), text.into())).times(2));
        let guard = guard(&account, RESUBMIT);
        let event = event(&account, "Churn-Train-0001");
        let report = guard.wake(event.clone()).await.unwrap();
        assert_eq!((report.actions[0].outcome, status(&account, "Churn-Train-0001").as_str()), ("failed", "InProgress"), "nothing is lost");
        let mail = account.mails().pop().unwrap();
        assert_eq!(mail.subject, "Cost guard: Churn-Train-0001 could not be resubmitted as Spot, costs up to $13.17");
        assert_eq!(mail.attributes["severity"].1, "warning", "nothing is lost");
        for says in [
            text,
            "--region eu-central-1 --cli-input-json file://job.json",
            "  The job goes on as it is, and the guard tries again, each time after a longer pause.\n",
            "accepted that, stop this one: aws",
            "\"TrainingJobName\":\"Churn-Train-0001-spot\"",
        ] {
            assert!(mail.message.contains(says), "{says}: {}", mail.message);
        }
        assert!(report.finish(account.now()).unwrap_err().to_string().contains(code));
        account.advance(minutes(5));
        assert_eq!(guard.wake(due()).await.unwrap().actions[0].outcome, "failed");
        assert_eq!(account.mails().len(), 1, "the same failure is told once");
        account.advance(minutes(15));
        assert_eq!(guard.wake(due()).await.unwrap().actions[0].outcome, "done");
        assert_eq!(status(&account, "Churn-Train-0001-spot"), "InProgress");
    }
}

#[tokio::test]
async fn a_resubmission_that_broke_off_is_finished_and_never_done_twice() {
    for lost in ["sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob", "dynamodb:PutItem"] {
        let account = account(CHURN);
        // Each of these calls is done, but its answer is lost. The SDK retries it, as the next run would after a crash.
        account.add_fault(Fault::new(lost, What::LostAnswer(1)).times(1));
        let report = guard(&account, RESUBMIT).wake(event(&account, "Churn-Train-0001")).await.unwrap();
        assert_eq!(report.actions[0].outcome, "done", "{lost}: {report:?}");
        assert_eq!((account.training_jobs().len(), status(&account, "Churn-Train-0001").as_str()), (2, "Stopping"), "{lost}");
    }
    // The run fails between the two calls. The next run stops the old job and creates nothing.
    let account = account(CHURN);
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::Refuse("InternalFailure".into(), "gone".into())).times(1));
    let guard = guard(&account, RESUBMIT);
    assert_eq!(guard.wake(event(&account, "Churn-Train-0001")).await.unwrap().actions[0].outcome, "failed");
    assert_eq!(
        (status(&account, "Churn-Train-0001").as_str(), status(&account, "Churn-Train-0001-spot").as_str()),
        ("InProgress", "InProgress")
    );
    account.advance(minutes(5));
    assert_eq!(guard.wake(due()).await.unwrap().actions[0].outcome, "done");
    assert_eq!((account.training_jobs().len(), status(&account, "Churn-Train-0001").as_str()), (2, "Stopping"));
}

#[tokio::test]
async fn a_job_of_the_new_name_that_is_not_the_guards_is_left_alone() {
    let account = account(&format!("{CHURN}\n{}", CHURN.replace("-0001", "-0001-spot")));
    let report = guard(&account, RESUBMIT).wake(event(&account, "Churn-Train-0001")).await.unwrap();
    let own = report.actions.iter().find(|action| action.resource.ends_with("churn-train-0001")).unwrap();
    assert_eq!((own.outcome, status(&account, "Churn-Train-0001").as_str()), ("failed", "InProgress"));
    assert!(own.detail.contains("no resubmission of Churn-Train-0001"), "{own:?}");
}

#[tokio::test]
async fn a_resubmitted_job_that_fails_is_lost_work_and_its_owner_gets_the_way_back() {
    let failing = CHURN.replace("takes = \"6h\"", "takes = \"6h\"\nends = \"Failed\"\nfailure = \"AlgorithmError: out of memory\"");
    let account = account(&failing);
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, "Churn-Train-0001")).await.unwrap();
    account.advance(hours(8));
    let mut found = vec![];
    for event in account.take_events() {
        found.extend(guard.wake(event).await.unwrap().findings);
    }
    let lost = found.iter().find(|finding| finding.rule == "resubmitted-job-failed").expect("lost work");
    assert_eq!(lost.name, "Churn-Train-0001-spot");
    let mail = account.mails().pop().unwrap();
    assert_eq!(mail.attributes["severity"].1, "critical", "lost work is no report like others");
    for says in ["out of memory", "in place of Churn-Train-0001", "--cli-input-json", "\"TrainingJobName\":\"Churn-Train-0001-again\""] {
        assert!(mail.message.contains(says), "{says}: {}", mail.message);
    }
    let mails = account.mails().len();
    let sweep = guard.run().await.unwrap();
    assert!(states(&sweep).contains(&("resubmitted-job-failed", "reported")), "the daily sweep finds it too: {sweep:?}");
    assert_eq!(account.mails().len(), mails, "and tells nobody twice");
}

#[tokio::test]
async fn what_must_not_be_resubmitted_is_only_reported() {
    for (change, why) in [
        ("name = \"pipelines-a1b2c3-Train\"", "the workflow that its name tells of waits for it"),
        ("hyper-parameters = { sagemaker_job_name = \"x\" }", "fit() may be waiting"),
        ("created = \"-7h\"", "of its time limit"),
    ] {
        let key = change.split(' ').next().unwrap();
        let lines: Vec<&str> = CHURN.lines().map(|line| if line.starts_with(&format!("{key} ")) { change } else { line }).collect();
        let account = account(&lines.join("\n").replace("takes = \"6h\"", "takes = \"20h\""));
        let name = account.training_jobs()[0].name.clone();
        let report = guard(&account, RESUBMIT).wake(event(&account, &name)).await.unwrap();
        assert_eq!((report.actions.len(), report.findings[0].state), (0, "reported"), "{change}: {report:?}");
        assert!(report.findings[0].reason.contains(why), "{}", report.findings[0].reason);
    }
}

#[tokio::test]
async fn a_sweep_finds_what_the_events_missed_and_says_what_it_left_alone() {
    let account = account(&format!(
        r#"{CHURN}
        [[training-job]]
        name = "nightly-{{}}"
        count = 90
        apart = "6h"
        since = "-20h"
        status = "Completed"
        instance-type = "ml.m5.xlarge"
        takes = "20m"
        max-runtime = "1d"
        keep-alive = "30m"
        tags = {{ Owner = "bob@example.com" }}
        [[training-job]]
        name = "warm"
        instance-type = "ml.m5.xlarge"
        keep-alive = "30m"
        takes = "3h"
        created = "-10m"
        [[training-job]]
        name = "long-spot"
        instance-type = "ml.g5.xlarge"
        spot = true
        max-runtime = "12h"
        max-wait = "1d"
        takes = "10h"
        created = "-1h"
        tags = {{ Owner = "eve@example.com" }}
        [[tuning-job]]
        name = "churn-hpo"
        jobs = 10
        parallel = 2
        tags = {{ Owner = "eve@example.com" }}
        created = "-10m"
        definition = [{{ instance-type = "ml.m5.xlarge", takes = "2h" }}]
        "#
    ));
    let guard = guard(&account, "");
    let report = guard.run().await.unwrap();
    let mut found: Vec<(&str, &str, &str)> = report.findings.iter().map(|one| (one.rule, one.name.as_str(), one.state)).collect();
    found.sort_unstable();
    found.retain(|(_, name, _)| !name.starts_with("churn-hpo-"));
    assert_eq!(
        found,
        [
            ("runtime-limit-loose", "nightly-00000", "reported"),
            ("spot-without-checkpoint", "long-spot", "reported"),
            ("training-on-demand", "Churn-Train-0001", "reported"),
            ("training-on-demand", "warm", "exempt"),
            ("tuning-on-demand", "churn-hpo", "reported"),
            ("warm-pool-idle", "nightly-00000", "reported"),
        ],
        "{report:#?}"
    );
    let children: Vec<&str> = report.findings.iter().filter(|one| one.name.starts_with("churn-hpo-")).map(|one| one.state).collect();
    assert_eq!(children, ["exempt", "exempt"], "the parent decides");
    assert!(report.is_whole && report.examined["training-job"] == 95, "{:?}", report.examined);
    assert_eq!(report.notified, 3, "each owner once");
    let again = guard.run().await.unwrap();
    assert_eq!((again.notified, again.total_findings), (0, report.total_findings));
}

#[tokio::test]
async fn the_search_index_may_be_behind() {
    let account = account(CHURN);
    let guard = guard(&account, STOP);
    guard.wake(event(&account, "Churn-Train-0001")).await.unwrap();
    account.add_fault(Fault::new("*", What::SearchBehind("1h".parse().unwrap())));
    account.advance(minutes(5));
    let sweep = guard.run().await.unwrap();
    assert_eq!(
        (states(&sweep), sweep.notified),
        (vec![("training-on-demand", "warned")], 0),
        "it is too new for the index, and not gone: {sweep:?}"
    );
    account.deed("Churn-Train-0001", &Deed::Stop);
    account.advance(minutes(61));
    account.deed("Churn-Train-0001", &Deed::Tag("a".into(), "b".into()));
    let sweep = guard.run().await.unwrap();
    assert_eq!(
        (sweep.findings.len(), sweep.actions.len()),
        (0, 0),
        "the index says that it runs, the service that it was stopped: {sweep:?}"
    );
}

#[tokio::test]
async fn events_of_what_is_gone_or_elsewhere() {
    let account = account(CHURN);
    let guard = guard(&account, RESUBMIT);
    let mut gone = event(&account, "Churn-Train-0001");
    gone["detail"]["TrainingJobName"] = "never-was".into();
    let report = guard.wake(gone).await.unwrap();
    assert_eq!((report.total_findings, report.actions.len(), report.unread.len()), (0, 0, 0), "{report:?}");
    let mut elsewhere = event(&account, "Churn-Train-0001");
    elsewhere["region"] = "us-east-1".into();
    assert!(guard.wake(elsewhere).await.unwrap_err().to_string().contains("looks after eu-central-1"));
    account.deed("Churn-Train-0001", &Deed::Stop);
    let stopping = guard.wake(event(&account, "Churn-Train-0001")).await.unwrap();
    assert_eq!((stopping.actions.len(), account.training_jobs().len()), (0, 1), "it is on its way to its end: {stopping:?}");
}

#[tokio::test]
async fn a_tuning_job_is_warned_of_and_stopped_with_its_jobs() {
    let account = account(
        r#"
        [[tuning-job]]
        name = "Churn-HPO"
        jobs = 10
        parallel = 2
        tags = { Owner = "eve@example.com" }
        created = "-10m"
        definition = [{ instance-type = "ml.m5.xlarge", takes = "2h" }]
        "#,
    );
    let guard = guard(&account, "[rules.tuning-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"");
    let events = json!({"detail-type": "SageMaker HyperParameter Tuning Job State Change", "source": "aws.sagemaker", "region": "eu-central-1",
        "resources": ["arn:aws:sagemaker:eu-central-1:123456789012:tuningJob/Churn-HPO"], "detail": {"HyperParameterTuningJobName": "Churn-HPO"}});
    let report = guard.wake(events).await.unwrap();
    assert_eq!(states(&report), [("tuning-on-demand", "warned")], "{report:?}");
    account.advance(minutes(31));
    let report = guard.wake(due()).await.unwrap();
    assert_eq!((report.actions[0].action, report.actions[0].outcome), ("stop-tuning-job", "done"), "{report:?}");
    assert_ne!(account.tuning_job("Churn-HPO").unwrap().status, "InProgress");
}
