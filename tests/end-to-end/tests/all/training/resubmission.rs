//! A job and its Spot job when calls fail, answers are lost, or people intervene: at most one Spot job, every loss of work is notified, and no mail is wrong.

use aws_sdk_sagemaker::config::retry::RetryConfig;
use cost_aws::ledger::{Resubmission, Stage};

use super::*;

fn no_stop(times: u64) -> Fault {
    Fault::new("sagemaker:StopTrainingJob", What::Refuse("AccessDeniedException".into(), "no".into())).times(times)
}

/// [`CHURN`], and how long its Spot job takes.
fn churn_with_spot_job(takes: &str) -> String {
    let new = CHURN.replace(OLD, NEW).replace("takes = \"6h\"", &format!("takes = {takes}"));
    format!("{CHURN}{}", new.replace("created = \"-10m\"", "submit = [{ at = \"2030-01-01 09:00\" }]"))
}

/// The state in the ledger of a rule's finding; `None`: there is none.
fn ledger_state(account: &Simulator, rule: &str) -> Option<String> {
    let items = account.table_items(TABLE);
    items.iter().find(|item| item["rule"]["S"] == rule).map(|item| item["state"]["S"].as_str().unwrap().to_owned())
}

fn is_told(account: &Simulator, text: &str) -> bool {
    account.mails().iter().any(|mail| mail.subject.contains(text) || mail.message.contains(text))
}

/// The rules with findings in the new events and in a sweep.
async fn found(account: &Simulator, guard: &Guard) -> Vec<&'static str> {
    let mut found = vec![];
    for event in account.take_events() {
        found.extend(guard.wake(event).await.unwrap().findings.into_iter().map(|one| one.rule));
    }
    found.extend(guard.run().await.unwrap().findings.into_iter().map(|one| one.rule));
    found
}

/// A guard that does not retry calls of SageMaker.
fn impatient(account: &Simulator) -> Guard {
    let mut guard = guard(account, RESUBMIT);
    let once = guard.context.clients.sagemaker.config().to_builder().retry_config(RetryConfig::disabled()).build();
    guard.context.clients.sagemaker = aws_sdk_sagemaker::Client::from_conf(once).into();
    guard
}

/// A run that is cut off while it stops the old job: the job is not stopped, and the run does not know it.
async fn breaks_off_before_the_stop(account: &Simulator, guard: &mut Guard) {
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::Timeout(1)));
    let context = guard.context.clone();
    guard.context = context.until(std::time::SystemTime::now() + std::time::Duration::from_secs(13));
    guard.wake(event(account, OLD)).await.unwrap();
    guard.context = context;
    account.clear_faults();
}

#[tokio::test]
async fn a_spot_job_that_was_deleted_is_not_created_again() {
    let account = account(CHURN);
    let guard = guard(&account, RESUBMIT);
    let run = account.now() - minutes(10);
    // An earlier run created the new job and could not stop the old one. Then somebody deleted the new one (DeleteTrainingJob).
    let definition = Some(format!("{{\"TrainingJobName\": \"{NEW}\"}}"));
    let one = Resubmission { name: NEW.into(), of: OLD.into(), run: Some(run), stage: Stage::Created, definition, at: run };
    guard.context.ledger().store_resubmission(&one).await.unwrap();
    let report = guard.wake(event(&account, OLD)).await.unwrap();
    assert_eq!((status(&account, NEW).as_str(), status(&account, OLD).as_str()), ("none", "InProgress"), "{report:?}");
    for _ in 0..3 {
        account.advance(minutes(30));
        assert!(guard.wake(due()).await.unwrap().actions.is_empty(), "it stays so");
    }
    assert_eq!(account.mails().len(), 1);
    let mail = account.mails().remove(0);
    assert_eq!(
        (mail.subject.as_str(), mail.attributes["severity"].1.as_str()),
        ("Cost guard: Churn-Train-0001 will not be resubmitted as Spot, costs up to $13.17", "warning")
    );
}

#[tokio::test]
async fn the_record_of_a_running_spot_job_is_not_written_over() {
    // The old job was stopped and deleted. Its name is used again while its Spot job runs.
    let spot = CHURN
        .replace(OLD, NEW)
        .replace("created = \"-10m\"", "created = \"-1h\"\nspot = true\nmax-wait = \"2d\"\nends = \"Failed\"\nfailure = \"AlgorithmError\"")
        .replace("tags = {", "tags = { \"cost-guard:resubmitted-from\" = \"Churn-Train-0001\",");
    let account = account(&format!("{CHURN}{spot}"));
    let guard = guard(&account, RESUBMIT);
    let earlier = account.now() - minutes(70);
    let definition = Some(format!("{{\"TrainingJobName\": \"{NEW}\"}}"));
    let one = Resubmission { name: NEW.into(), of: OLD.into(), run: Some(earlier), stage: Stage::Stopped, definition, at: earlier };
    guard.context.ledger().store_resubmission(&one).await.unwrap();
    guard.wake(event(&account, OLD)).await.unwrap();
    assert_eq!(account.mails().len(), 1, "it cannot be submitted again");
    account.advance(minutes(30));
    guard.wake(due()).await.unwrap();
    assert_eq!((account.mails().len(), status(&account, OLD).as_str()), (1, "InProgress"), "told once");
    account.advance(hours(8));
    assert_eq!(status(&account, NEW), "Failed");
    let found = found(&account, &guard).await;
    assert!(found.contains(&"resubmitted-job-failed"), "lost work is not told: {found:?}");
}

#[tokio::test]
async fn a_spot_job_that_fails_early_beside_the_old_one_is_no_lost_work() {
    let account = account(&churn_with_spot_job("\"4m\"\nends = \"Failed\""));
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.take_events();
    account.advance(minutes(8));
    assert_eq!((status(&account, NEW).as_str(), status(&account, OLD).as_str()), ("Failed", "InProgress"));
    for event in account.take_events() {
        guard.wake(event).await.unwrap();
    }
    assert!(!is_told(&account, "its work is not done"), "the old one does it");
}

#[tokio::test]
async fn an_old_job_that_ended_by_itself_is_not_told_as_resubmitted() {
    let account = account(&CHURN.replace("takes = \"6h\"", "takes = \"10m\""));
    // The old job ends between the two calls.
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Takes("6m".parse().unwrap())).times(1));
    guard(&account, RESUBMIT).wake(event(&account, OLD)).await.unwrap();
    assert_eq!((status(&account, OLD).as_str(), status(&account, NEW).as_str()), ("Completed", "Stopping"));
    let mail = account.mails().pop().unwrap();
    assert_eq!(mail.subject, "Cost guard: Churn-Train-0001 was over already");
    assert!(mail.message.contains(NEW) && !mail.message.contains("Let it wait for"), "{}", mail.message);
}

#[tokio::test]
async fn what_was_created_without_an_answer_is_not_told_as_refused() {
    let account = account(CHURN);
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::LostAnswer(1)).times(1));
    impatient(&account).wake(event(&account, OLD)).await.unwrap();
    assert_eq!((status(&account, NEW).as_str(), status(&account, OLD).as_str()), ("InProgress", "Stopping"));
    assert!(!is_told(&account, "create-training-job"), "it is there");
}

#[tokio::test]
async fn without_an_answer_nobody_is_told_to_submit_the_job_himself() {
    for (describe_fails, mails) in [(false, 1), (true, 0)] {
        let account = account(CHURN);
        account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::ServerError(1)));
        if describe_fails {
            // The function reads the job three times before it acts (also for its variables), and once for its definition.
            let fails = What::Refuse("InternalFailure".into(), "x".into());
            account.add_fault(Fault::new("sagemaker:DescribeTrainingJob", fails).after(4));
        }
        let report = impatient(&account).wake(event(&account, OLD)).await.unwrap();
        assert_eq!(report.actions[0].outcome, if describe_fails { "skipped" } else { "failed" }, "{report:?}");
        assert_eq!((account.mails().len(), status(&account, OLD).as_str()), (mails, "InProgress"));
        assert!(!is_told(&account, "create-training-job"), "it may still come");
    }
}

#[tokio::test]
async fn a_stop_of_a_resubmitted_job_names_the_spot_job() {
    let account = account(CHURN);
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    guard.set_policy(&STOP.replace("10m", "0s")).unwrap();
    account.advance(minutes(6));
    guard.wake(due()).await.unwrap();
    assert_eq!(status(&account, OLD), "Stopping");
    let mail = account.mails().pop().unwrap();
    assert_eq!(mail.subject, "Cost guard: Churn-Train-0001 was resubmitted as Spot, saves up to 90 %");
    assert!(!mail.message.contains("Submit it again") && mail.message.contains(NEW), "its work goes on as {NEW}: {}", mail.message);
}

#[tokio::test]
async fn what_completed_by_itself_is_not_told_as_stopped() {
    let account = account(&CHURN.replace("takes = \"6h\"", "takes = \"14m\""));
    let mut guard = guard(&account, RESUBMIT);
    breaks_off_before_the_stop(&account, &mut guard).await;
    for _ in 0..3 {
        account.advance(minutes(5));
        guard.wake(due()).await.unwrap();
    }
    assert_eq!((status(&account, OLD).as_str(), status(&account, NEW).as_str()), ("Completed", "InProgress"));
    assert!(!is_told(&account, "was stopped") && !is_told(&account, "Let it wait"), "it completed");
    assert!(is_told(&account, "the original has done the work itself"));
    assert!(account.table_items(TABLE).iter().all(|item| item["by"]["S"] != "guard"), "the guard saved nothing");
}

#[tokio::test]
async fn a_spot_job_that_its_owner_stopped_is_told_once_and_without_a_command_that_must_be_refused() {
    let account = account(CHURN);
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.deed(NEW, &Deed::Stop);
    account.advance(minutes(6));
    for _ in 0..4 {
        guard.wake(due()).await.unwrap();
        account.advance(minutes(30));
    }
    let mails = account.mails();
    assert_eq!((mails.len(), status(&account, OLD).as_str()), (2, "InProgress"));
    assert_eq!(mails[1].attributes["severity"].1, "warning", "nothing is lost");
    for says in ["create-training-job", "The guard tries again"] {
        assert!(!mails[1].message.contains(says), "there is a job {NEW}: {}", mails[1].message);
    }
}

#[tokio::test]
async fn an_old_job_that_runs_on_when_its_spot_job_has_done_the_work_is_stopped() {
    let account = account(&churn_with_spot_job("\"30m\""));
    account.add_fault(no_stop(3));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    for _ in 0..36 {
        account.advance(minutes(5));
        for event in account.take_events() {
            guard.wake(event).await.unwrap();
        }
        guard.wake(due()).await.unwrap();
    }
    guard.run().await.unwrap();
    assert_eq!((status(&account, NEW).as_str(), status(&account, OLD).as_str()), ("Completed", "Stopped"));
    let mail = account.mails().pop().unwrap();
    assert_eq!(mail.subject, "Cost guard: Churn-Train-0001 was stopped, $0.55 an hour");
    assert!(mail.message.contains("has done the work") && !mail.message.contains("Let it wait"), "{}", mail.message);
    assert!(!is_told(&account, "create-training-job"));
}

#[tokio::test]
async fn an_old_job_that_the_guard_may_not_stop_is_told_when_its_spot_job_has_done_the_work() {
    let account = account(&churn_with_spot_job("\"30m\""));
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    guard.set_policy("").unwrap();
    account.advance(minutes(60));
    guard.run().await.unwrap();
    account.advance(minutes(5));
    guard.wake(due()).await.unwrap();
    assert_eq!((status(&account, NEW).as_str(), status(&account, OLD).as_str()), ("Completed", "InProgress"));
    let mail = account.mails().pop().unwrap().message;
    assert!(
        mail.contains(&format!("stop the original: aws sagemaker stop-training-job --region eu-central-1 --training-job-name {OLD}\n")),
        "{mail}"
    );
    account.deed(OLD, &Deed::Stop);
    account.advance(minutes(10));
    guard.run().await.unwrap();
    assert_eq!(ledger_state(&account, "resubmitted-job-doubled").as_deref(), Some("closed"));
}

#[tokio::test]
async fn a_failed_stop_is_not_told_as_a_failed_resubmission() {
    for checkpoint in ["", "checkpoint = \"s3://ml-company/ckpt\"\n"] {
        let account = account(&CHURN.replace("output =", &format!("{checkpoint}output =")));
        account.add_fault(no_stop(100));
        let guard = guard(&account, RESUBMIT);
        guard.wake(event(&account, OLD)).await.unwrap();
        for _ in 0..4 {
            account.advance(minutes(5));
            guard.wake(due()).await.unwrap();
        }
        assert_eq!(account.mails().len(), 1, "once");
        let mail = account.mails().remove(0);
        assert_eq!(mail.subject, "Cost guard: Churn-Train-0001 could not be stopped, costs up to $13.17");
        assert!(!mail.message.contains("run it on Spot next time"), "no way out of double work: {}", mail.message);
        for name in [OLD, NEW] {
            let command = format!("aws sagemaker stop-training-job --region eu-central-1 --training-job-name {name}\n");
            assert!(mail.message.contains(&command), "{command}: {}", mail.message);
        }
        assert_eq!(
            mail.message.contains("both write their checkpoints to s3://ml-company/ckpt"),
            !checkpoint.is_empty(),
            "{}",
            mail.message
        );
    }
}

#[tokio::test]
async fn double_work_that_ends_in_this_run_is_not_told() {
    let account = account(CHURN);
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(11));
    guard.wake(due()).await.unwrap();
    assert_eq!(status(&account, OLD), "Stopping");
    assert!(!is_told(&account, "done twice") && !is_told(&account, "both run"), "it is over");
}

#[tokio::test]
async fn what_was_never_created_is_not_unread() {
    let account = account(CHURN);
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse("ResourceLimitExceeded".into(), "0".into())));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(1));
    let report = guard.wake(due()).await.unwrap();
    assert!(report.unread.is_empty(), "{:?}", report.unread);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_closes_nothing() {
    let failing = CHURN.replace("takes = \"6h\"", "takes = \"6h\"\nends = \"Failed\"\nfailure = \"AlgorithmError: out of memory\"");
    let account = account(&failing);
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(hours(8));
    let events = account.take_events();
    for event in events.clone() {
        guard.wake(event).await.unwrap();
    }
    assert_eq!(ledger_state(&account, "resubmitted-job-failed").as_deref(), Some("reported"));
    account.add_fault(Fault::new("dynamodb:GetItem", What::AccessDenied));
    for event in events {
        guard.wake(event).await.unwrap();
    }
    assert_eq!(ledger_state(&account, "resubmitted-job-failed").as_deref(), Some("reported"));
}

#[tokio::test]
async fn a_spot_job_that_reaches_its_time_limit_is_lost_work() {
    let jobs = churn_with_spot_job("\"9h\"").replace("max-runtime = \"1d\"", "max-runtime = \"8h\"");
    let account = account(&jobs);
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(hours(20));
    let new = account.training_job(NEW).unwrap();
    assert_eq!((new.status.as_str(), new.secondary_status.as_str()), ("Stopped", "MaxRuntimeExceeded"));
    let found = found(&account, &guard).await;
    assert!(found.contains(&"resubmitted-job-failed"), "its work is not done, and nobody is told: {found:?}");
    assert!(is_told(&account, "time limit, which the interruptions count towards"));
}

#[tokio::test]
async fn what_is_not_known_of_the_old_job_is_not_lost_work() {
    let account = account(&churn_with_spot_job("\"30m\"\nends = \"Failed\""));
    account.add_fault(no_stop(100));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(60));
    assert_eq!((status(&account, NEW).as_str(), status(&account, OLD).as_str()), ("Failed", "InProgress"));
    let fails = What::Refuse("InternalFailure".into(), "x".into());
    account.add_fault(Fault::new("sagemaker:DescribeTrainingJob", fails).after(1).times(1));
    let report = guard.wake(event(&account, NEW)).await.unwrap();
    assert!(report.unread.iter().any(|unread| unread.what.contains("resubmitted-job-failed")), "{:?}", report.unread);
    assert!(!is_told(&account, "its work is not done"), "the old one does it");
}

#[tokio::test]
async fn the_index_does_not_say_that_the_old_job_runs() {
    let account = account(CHURN);
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    guard.set_policy("").unwrap();
    account.advance(minutes(9));
    account.deed(OLD, &Deed::Stop);
    account.advance(minutes(4));
    assert_eq!(status(&account, OLD), "Stopped");
    account.add_fault(Fault::new("*", What::SearchBehind("5m".parse().unwrap())));
    for _ in 0..2 {
        guard.run().await.unwrap();
    }
    assert_eq!(ledger_state(&account, "resubmitted-job-doubled"), None, "it was stopped");
}

#[tokio::test]
async fn the_dollars_of_a_subject_are_of_what_was_done() {
    let other = CHURN.replace(OLD, "Other").replace("tags = {", "tags = { Environment = \"prod\",");
    let account = account(&format!("{CHURN}{other}"));
    let reported = "[[override]]\nmatch = { tag.Environment = \"prod\" }\nrules.training-on-demand.mode = \"report\"\n";
    guard(&account, &format!("{STOP}{reported}").replace("10m", "0s")).run().await.unwrap();
    assert_eq!(account.mails().pop().unwrap().subject, "Cost guard: Churn-Train-0001 is being stopped, $0.55 an hour; 1 more in this mail");
}

#[tokio::test]
async fn what_is_settled_is_not_tried_for_ever() {
    let account = account(&churn_with_spot_job("\"30m\""));
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(60));
    guard.run().await.unwrap();
    for after in [60, 60, 120] {
        account.advance(minutes(after));
        let report = guard.wake(due()).await.unwrap();
        assert!(report.failures.is_empty() && report.actions.is_empty(), "{report:?}");
    }
    assert_eq!(status(&account, OLD), "Stopped");
}

#[tokio::test]
async fn failures_in_turn_are_told_once_each() {
    let account = account(CHURN);
    let guard = guard(&account, RESUBMIT);
    for n in 0..8 {
        account.clear_faults();
        let code = if n % 2 == 0 { "ResourceLimitExceeded" } else { "AccessDeniedException" };
        account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse(code.into(), "no".into())));
        guard.wake(if n == 0 { event(&account, OLD) } else { due() }).await.unwrap();
        account.advance(minutes(60));
    }
    assert!(account.mails().len() <= 2, "{}", account.mails().len());
}

#[tokio::test]
async fn an_owner_who_stops_the_old_job_hears_no_more_of_it() {
    let account = account(CHURN);
    account.add_fault(no_stop(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.deed(OLD, &Deed::Stop);
    for _ in 0..4 {
        account.advance(minutes(5));
        for event in account.take_events() {
            guard.wake(event).await.unwrap();
        }
        guard.wake(due()).await.unwrap();
    }
    assert_eq!(account.mails().len(), 1);
}

#[tokio::test]
async fn a_spot_job_that_could_not_be_remembered_is_told_and_then_found() {
    let account = account(CHURN);
    account.add_fault(Fault::new("dynamodb:PutItem", What::Refuse("ValidationException".into(), "no".into())).after(1).times(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    assert_eq!((status(&account, OLD).as_str(), status(&account, NEW).as_str()), ("InProgress", "InProgress"));
    assert!(account.mails()[0].message.contains(&format!("--training-job-name {NEW}")), "{}", account.mails()[0].message);
    account.advance(minutes(6));
    guard.wake(due()).await.unwrap();
    assert_eq!((status(&account, OLD).as_str(), account.training_jobs().len()), ("Stopping", 2));
}

#[tokio::test]
async fn an_event_does_not_close_double_work() {
    let account = account(CHURN);
    account.add_fault(no_stop(100));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    // The guard gives up: from now on the duplicate work is a finding.
    guard.set_policy("").unwrap();
    for _ in 0..2 {
        account.advance(minutes(11));
        guard.wake(due()).await.unwrap();
    }
    assert_eq!(ledger_state(&account, "resubmitted-job-doubled").as_deref(), Some("reported"));
    guard.wake(event(&account, NEW)).await.unwrap();
    assert_eq!(ledger_state(&account, "resubmitted-job-doubled").as_deref(), Some("reported"));
}

#[tokio::test]
async fn a_definition_that_the_ledger_does_not_take_is_told_once() {
    let long = format!("hyper-parameters = {{ epochs = \"{}\" }}", "3".repeat(400_000));
    let account = account(&CHURN.replace("hyper-parameters = { epochs = \"3\" }", &long));
    let guard = guard(&account, RESUBMIT);
    let mut failures = guard.wake(event(&account, OLD)).await.unwrap().failures.len();
    for _ in 0..3 {
        account.advance(minutes(30));
        failures += guard.wake(due()).await.unwrap().failures.len();
    }
    assert_eq!((failures, account.mails().len(), account.training_jobs().len()), (1, 1, 1));
    assert!(is_told(&account, "the ledger takes"));
}

#[tokio::test]
async fn a_stage_is_never_written_over_another_runs() {
    let account = account(CHURN);
    let guard = guard(&account, RESUBMIT);
    let ledger = guard.context.ledger();
    let at = account.now();
    let read = Resubmission { name: NEW.into(), of: OLD.into(), run: Some(at), stage: Stage::Created, definition: None, at };
    ledger.store_resubmission(&read).await.unwrap();
    assert!(ledger.set_stage(&mut read.clone(), Stage::Stopped).await.unwrap());
    assert!(ledger.set_stage(&mut read.clone(), Stage::Stopped).await.unwrap(), "as after a lost answer");
    assert!(!ledger.set_stage(&mut read.clone(), Stage::Settled).await.unwrap(), "it has come further");
    let mut earlier = Resubmission { run: Some(at - hours(1)), stage: Stage::Stopped, ..read };
    assert!(!ledger.set_stage(&mut earlier, Stage::Settled).await.unwrap(), "that is of an earlier job");
    assert_eq!(ledger.resubmission(&earlier.id()).await.unwrap().unwrap().stage, Stage::Stopped);
}
