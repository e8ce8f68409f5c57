//! Faults around training jobs: lost answers, refusals, duplicates, and changes of the policy and of tags between runs. No work is lost, and nothing is
//! done or notified twice.

use super::*;

#[tokio::test]
async fn a_replacement_that_was_stopped_is_no_reason_to_stop_the_old_one() {
    let account = account(CHURN);
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::Refuse("InternalFailure".into(), "gone".into())).times(10));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.clear_faults();
    account.deed(NEW, &Deed::Stop);
    account.advance(minutes(6));
    assert_eq!(status(&account, NEW), "Stopped");
    guard.wake(due()).await.unwrap();
    assert_eq!(status(&account, OLD), "InProgress", "both are stopped: the work is lost");
}

#[tokio::test]
async fn a_stop_whose_answer_is_lost_does_not_stop_the_new_one() {
    let account = account(CHURN);
    // When the call is retried, the old job is already stopped.
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::Takes("121s".parse().unwrap())).times(1));
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::LostAnswer(1)).times(1));
    guard(&account, RESUBMIT).wake(event(&account, OLD)).await.unwrap();
    assert_eq!(account.calls()["sagemaker:StopTrainingJob"], 2);
    assert_eq!(
        (status(&account, OLD).as_str(), status(&account, NEW).as_str()),
        ("Stopped", "InProgress"),
        "both are stopped: the work is lost"
    );
}

#[tokio::test]
async fn a_new_tag_that_asks_for_resubmission_is_heard() {
    let account = account(&CHURN.replace("created = \"-10m\"", "created = \"-2h\""));
    let guard = guard(&account, STOP);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.add_fault(Fault::new("*", What::SearchBehind("1h".parse().unwrap())));
    account.advance(minutes(5));
    account.deed(OLD, &Deed::Tag("cost-guard:spot".into(), "resubmit".into()));
    account.advance(minutes(6));
    let r = guard.run().await.unwrap();
    assert_ne!(r.actions.first().map(|a| (a.action, a.outcome)), Some(("stop-training-job", "done")), "stopped without resubmission");
}

#[tokio::test]
async fn lost_work_is_told_though_the_policy_resubmits_no_more() {
    let failing = CHURN.replace("takes = \"6h\"", "takes = \"6h\"\nends = \"Failed\"\nfailure = \"AlgorithmError: out of memory\"");
    let account = account(&failing);
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    guard.set_policy("").unwrap();
    account.advance(hours(8));
    let mut found = vec![];
    for event in account.take_events() {
        found.extend(guard.wake(event).await.unwrap().findings.into_iter().map(|f| f.rule));
    }
    found.extend(guard.run().await.unwrap().findings.into_iter().map(|f| f.rule));
    assert!(found.contains(&"resubmitted-job-failed"), "{found:?}");
}

const ONE_TEAM: &str = "[rules.training-on-demand]\nmode = \"off\"\n[[override]]\nmatch = { team = \"churn\" }\nrules.training-on-demand.mode = \"enforce\"\nrules.training-on-demand.remedy = \"stop\"\nrules.training-on-demand.grace = \"10m\"\n";

#[tokio::test]
async fn an_override_counts_for_events() {
    let account = account(CHURN);
    let guard = guard(&account, ONE_TEAM);
    let r = guard.wake(event(&account, OLD)).await.unwrap();
    assert_eq!(states(&r), [("training-on-demand", "warned")]);
}

#[tokio::test]
async fn what_an_override_warned_of_comes_due() {
    let account = account(CHURN);
    let guard = guard(&account, ONE_TEAM);
    let r = guard.run().await.unwrap();
    assert_eq!(states(&r), [("training-on-demand", "warned")]);
    account.advance(minutes(11));
    guard.wake(due()).await.unwrap();
    account.advance(minutes(6));
    guard.wake(due()).await.unwrap();
    assert_eq!(status(&account, OLD), "Stopped", "warned, and never stopped");
}

#[tokio::test]
async fn a_replacement_of_an_earlier_job_of_this_name_is_none() {
    // Both jobs ended weeks ago. The old one was deleted (DeleteTrainingJob), and its name is used again.
    let before = CHURN
        .replace(OLD, NEW)
        .replace("created = \"-10m\"", "created = \"-20d\"")
        .replace("tags = {", "tags = { \"cost-guard:resubmitted-from\" = \"Churn-Train-0001\",");
    let account = account(&format!("{CHURN}{before}"));
    guard(&account, RESUBMIT).wake(event(&account, OLD)).await.unwrap();
    assert_eq!(status(&account, OLD), "InProgress", "stopped, in favour of a job that ended three weeks ago");
}

const TEAM_BY_OVERRIDE: &str = "[[override]]\nmatch = { team = \"churn\" }\nrules.training-on-demand.mode = \"enforce\"\nrules.training-on-demand.remedy = \"stop\"\nrules.training-on-demand.grace = \"10m\"\n";

#[tokio::test]
async fn reported_for_all_and_enforced_for_a_team() {
    for with_unowned in [false, true] {
        let other = CHURN.replace("-0001", "-0002").replace("tags = { Owner = \"ann@example.com\", Team = \"churn\" }", "");
        let account = account(&format!("{CHURN}{other}"));
        let guard = guard(&account, TEAM_BY_OVERRIDE);
        if with_unowned {
            guard.wake(event(&account, "Churn-Train-0002")).await.unwrap();
        }
        guard.wake(event(&account, OLD)).await.unwrap();
        account.advance(minutes(11));
        guard.wake(due()).await.unwrap();
        assert_eq!(status(&account, OLD), "Stopping", "with an unowned job of its series: {with_unowned}");
    }
}

#[tokio::test]
async fn a_job_that_is_kept_does_not_hide_another_one_of_its_series() {
    let account = account(&format!(
        "{}{}",
        CHURN.replace("tags = {", "tags = { \"cost-guard:keep-until\" = \"2026-12-01\","),
        CHURN.replace("-0001", "-0002")
    ));
    let guard = guard(&account, "");
    guard.run().await.unwrap();
    guard.wake(event(&account, "Churn-Train-0002")).await.unwrap();
    assert_eq!(account.mails().len(), 1);
}

#[tokio::test]
async fn nothing_is_stopped_while_nobody_listens() {
    let account = account(&format!("confirmed-subscriptions = 0\n{CHURN}"));
    let guard = guard(&account, STOP);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(11));
    guard.wake(due()).await.unwrap();
    assert_eq!(status(&account, OLD), "InProgress", "stopped, and nobody was ever reached");
}

#[tokio::test]
async fn duplicates_at_the_same_moment_are_no_failure() {
    let account = account(CHURN);
    let guard = guard(&account, STOP);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.deed(OLD, &Deed::Stop);
    account.advance(minutes(5));
    account.set_latency(std::time::Duration::from_millis(50));
    let (a, b) = (guard.wake(event(&account, OLD)), guard.wake(event(&account, OLD)));
    let (a, b) = tokio::join!(a, b);
    let failures = [a.unwrap().failures, b.unwrap().failures].concat();
    assert!(failures.is_empty(), "{failures:?}");
}

#[tokio::test]
async fn what_could_not_all_be_written_is_told_by_the_next_run() {
    let jobs: String = (0..150).map(|n| CHURN.replace(OLD, &format!("work{n}x"))).collect();
    let account = account(&jobs);
    let guard = guard(&account, "");
    account.add_fault(Fault::new("dynamodb:TransactWriteItems", What::Refuse("ValidationException".into(), "no".into())).after(1).times(1));
    let first = guard.run().await.unwrap();
    guard.run().await.unwrap();
    let mail = account.mails().pop().unwrap();
    let told = mail.message.matches("* training job").count();
    assert!(first.notified == 1 && (50..=100).contains(&told), "one transaction is told by the first run, the other by the second: {told}");
}

#[tokio::test]
async fn a_job_can_be_asked_for_by_its_arn() {
    let account = account(CHURN);
    let arn = "arn:aws:sagemaker:eu-central-1:123456789012:training-job/Churn-Train-0001";
    let r = guard(&account, "").wake(json!({"resources": [arn], "dry-run": true})).await.unwrap();
    assert_eq!(r.total_findings, 1);
}

#[tokio::test]
async fn due_only_with_resources_looks_at_these_only() {
    let account = account(CHURN);
    let guard = guard(&account, STOP);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(11));
    let refused =
        guard.wake(json!({"due-only": true, "resources": ["arn:aws:sagemaker:eu-central-1:123456789012:training-job/other"]})).await;
    assert!(refused.unwrap_err().to_string().contains("leave out"));
    assert_eq!(status(&account, OLD), "InProgress");
}

#[tokio::test]
async fn what_goes_on_is_not_told_as_stopped() {
    let account = account(CHURN);
    let mut guard = guard(&account, &STOP.replace("10m", "0s"));
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::Timeout(1)));
    let context = guard.context.clone();
    guard.context = context.until(std::time::SystemTime::now() + std::time::Duration::from_secs(13));
    guard.wake(event(&account, OLD)).await.unwrap();
    guard.context = context;
    account.clear_faults();
    account.advance(minutes(7));
    guard.set_policy("").unwrap();
    guard.wake(due()).await.unwrap();
    assert_eq!(status(&account, OLD), "InProgress");
    assert!(subjects(&account).iter().all(|subject| !subject.contains("being stopped")), "{:?}", subjects(&account));
}

#[tokio::test]
async fn two_jobs_do_not_run_to_their_end_untold() {
    let account = account(CHURN);
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::AccessDenied));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    for _ in 0..4 {
        account.advance(minutes(100));
        guard.wake(due()).await.unwrap();
    }
    assert!(account.mails().iter().any(|mail| mail.message.contains(NEW)), "its owner never hears of the second job");
}

const HPO: &str = r#"
[[tuning-job]]
name = "Churn-HPO"
jobs = 10
parallel = 2
tags = { Owner = "eve@example.com" }
created = "-10m"
definition = [{ instance-type = "ml.m5.xlarge", takes = "20h", max-runtime = "1d" }]
"#;

/// AWS runs it on demand although it has asked for Spot: its owner has done what was asked, and can do no more.
#[tokio::test]
async fn a_tuning_job_that_asked_for_spot_is_not_stopped_and_the_platform_hears_of_it() {
    let spot = "spot = true, max-runtime = \"1d\", max-wait = \"2d\"";
    let account = account(&HPO.replace("max-runtime = \"1d\"", spot).replace("parallel = 2", "parallel = 2\nchildren-without-spot = true"));
    let guard = guard(&account, "[mail]\nplatform = \"daily-summary\"\n[rules.tuning-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"");
    for _ in 0..3 {
        guard.run().await.unwrap();
        account.advance(minutes(60));
    }
    assert_eq!(account.tuning_job("Churn-HPO").unwrap().status, "InProgress");
    let mails = account.mails_for("AlertSubscription").unwrap();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].message.contains("it asked for managed Spot, but AWS runs"), "{}", mails[0].message);
}

#[tokio::test]
async fn an_event_does_not_end_the_grace_of_a_tuning_job() {
    let account = account(HPO);
    let guard = guard(&account, "[rules.tuning-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"");
    guard.run().await.unwrap();
    let event = json!({"detail-type": "SageMaker HyperParameter Tuning Job State Change", "source": "aws.sagemaker", "region": "eu-central-1",
        "resources": ["arn:aws:sagemaker:eu-central-1:123456789012:hyper-parameter-tuning-job/Churn-HPO"], "detail": {"HyperParameterTuningJobName": "Churn-HPO", "HyperParameterTuningJobStatus": "InProgress"}});
    account.advance(minutes(5));
    guard.wake(event).await.unwrap();
    account.advance(minutes(31));
    guard.wake(due()).await.unwrap();
    assert_ne!(account.tuning_job("Churn-HPO").unwrap().status, "InProgress", "warned, and never stopped");
}

#[tokio::test]
async fn a_tuning_job_costs_what_its_dearest_definition_does() {
    let account = account(
        r#"
[[tuning-job]]
name = "mixed"
jobs = 10
parallel = 2
tags = { Owner = "eve@example.com" }
created = "-10m"
definition = [{ name = "cheap", instance-type = "ml.t3.medium", takes = "2h" }, { name = "dear", instance-type = "ml.p3.16xlarge", takes = "2h" }]
"#,
    );
    let r = guard(&account, "[prices]\nhourly = { \"ml.t3.medium\" = 0.04, \"ml.p3.16xlarge\" = 30 }").run().await.unwrap();
    assert!(r.findings.iter().any(|f| f.rule == "tuning-on-demand" && f.state == "reported"));
}

#[tokio::test]
async fn fifty_tags_and_a_lost_answer() {
    let tags: Vec<String> = (0..49).map(|n| format!("k{n} = \"v\"")).collect();
    let account = account(&CHURN.replace(
        "tags = { Owner = \"ann@example.com\", Team = \"churn\" }",
        &format!("tags = {{ Owner = \"ann@example.com\", {} }}", tags.join(", ")),
    ));
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::LostAnswer(1)).times(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(5));
    guard.wake(due()).await.unwrap();
    assert_eq!((status(&account, OLD).as_str(), status(&account, NEW).as_str()), ("Stopped", "InProgress"));
}

#[tokio::test]
async fn a_failure_whose_text_has_numbers_is_told_once() {
    let account = account(CHURN);
    let guard = guard(&account, RESUBMIT);
    for used in 0..5 {
        account.clear_faults();
        let text = format!(
            "The account-level service limit 'ml.m5.xlarge for spot training job usage' is 4 Instances, with current utilization of {used} Instances and a request delta of 2 Instances."
        );
        account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse("ResourceLimitExceeded".into(), text.as_str().into())));
        if used == 0 {
            guard.wake(event(&account, OLD)).await.unwrap();
        } else {
            guard.wake(due()).await.unwrap();
        }
        account.advance(minutes(5));
    }
    assert_eq!(account.mails().len(), 1, "{:?}", subjects(&account));
}

#[tokio::test]
async fn a_sweep_does_not_describe_what_was_resubmitted_long_ago() {
    let jobs: String = (0..12).map(|n| CHURN.replace(OLD, &format!("work{n}x"))).collect();
    let account = account(&jobs);
    let guard = guard(&account, RESUBMIT);
    for n in 0..12 {
        guard.wake(event(&account, &format!("work{n}x"))).await.unwrap();
    }
    account.advance(days(60));
    guard.run().await.unwrap();
    account.reset_counts();
    account.advance(days(1));
    guard.run().await.unwrap();
    assert_eq!(account.calls().get("sagemaker:DescribeTrainingJob"), None);
}

#[tokio::test]
async fn a_refused_definition_is_made_anew() {
    let account = account(CHURN);
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse("ResourceLimitExceeded".into(), "0".into())).times(1));
    let guard = guard(&account, &format!("{RESUBMIT}spot-wait = \"12h\"\n"));
    guard.wake(event(&account, OLD)).await.unwrap();
    guard.set_policy(&format!("{RESUBMIT}spot-wait = \"1h\"\n")).unwrap();
    account.advance(minutes(6));
    guard.wake(due()).await.unwrap();
    assert_eq!(account.training_job(NEW).unwrap().definition["StoppingCondition"]["MaxWaitTimeInSeconds"], 86400 + 3600);
}

#[tokio::test]
async fn a_refusal_for_good_is_not_tried_every_five_minutes() {
    let account = account(CHURN);
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse("AccessDeniedException".into(), "no".into())));
    let guard = guard(&account, RESUBMIT);
    let mut failures = 0;
    let r = guard.wake(event(&account, OLD)).await.unwrap();
    failures += r.failures.len();
    for _ in 0..60 {
        account.advance(minutes(5));
        failures += guard.wake(due()).await.unwrap().failures.len();
    }
    assert_eq!((account.calls()["sagemaker:CreateTrainingJob"], failures), (5, 5), "in five hours");
}

#[tokio::test]
async fn a_job_that_is_uploading_its_result_is_left_alone() {
    let account = account(&CHURN.replace("takes = \"6h\"", "takes = \"6m50s\""));
    guard(&account, RESUBMIT).wake(event(&account, OLD)).await.unwrap();
    assert_eq!(account.training_job(OLD).unwrap().secondary_status, "Uploading");
}

#[tokio::test]
async fn two_due_runs_at_once_resubmit_once() {
    let account = account(CHURN);
    let guard = guard(&account, &RESUBMIT.replace("0s", "10m"));
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(11));
    account.set_latency(std::time::Duration::from_millis(30));
    let (a, b, c) = tokio::join!(guard.wake(due()), guard.wake(due()), guard.run());
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert_eq!((account.training_jobs().len(), account.mails().len()), (2, 2));
    assert_eq!(a.failures.len() + b.failures.len() + c.failures.len(), 0);
}

#[tokio::test]
async fn a_resubmission_that_could_not_say_so_names_the_new_job() {
    let account = account(CHURN);
    let mut guard = guard(&account, RESUBMIT);
    let context = guard.context.clone();
    // The stop is done, but its answers are lost.
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::LostAnswer(1)));
    guard.context = context.until(std::time::SystemTime::now() + std::time::Duration::from_secs(13));
    guard.wake(event(&account, OLD)).await.unwrap();
    guard.context = context;
    account.clear_faults();
    account.advance(minutes(7));
    guard.wake(due()).await.unwrap();
    assert!(account.mails().iter().any(|mail| mail.message.contains(NEW)));
}

#[tokio::test]
async fn a_saving_that_the_index_did_not_know_yet() {
    let account = account("[[training-job]]\nname = \"spot-1\"\nspot = true\nmax-runtime = \"1h\"\ntakes = \"20m\"\ncreated = \"-20m\"\n");
    let guard = guard(&account, "");
    guard.run().await.unwrap();
    account.advance(minutes(30));
    account.add_fault(Fault::new("*", What::SearchBehind("40m".parse().unwrap())));
    guard.run().await.unwrap();
    account.clear_faults();
    account.advance(days(1));
    guard.run().await.unwrap();
    assert!(account.table_items(TABLE).iter().any(|i| i["by"]["S"] == "spot"), "never counted");
}

#[tokio::test]
async fn work_that_was_done_by_the_old_job_too_is_told() {
    let account = account(&CHURN.replace("takes = \"6h\"", "takes = \"20m\""));
    account.add_fault(Fault::new("sagemaker:StopTrainingJob", What::Refuse("AccessDeniedException".into(), "no".into())).times(1));
    let guard = guard(&account, RESUBMIT);
    guard.wake(event(&account, OLD)).await.unwrap();
    account.advance(minutes(14));
    for event in account.take_events() {
        guard.wake(event).await.unwrap();
    }
    guard.wake(due()).await.unwrap();
    assert_eq!((status(&account, OLD).as_str(), status(&account, NEW).as_str()), ("Completed", "InProgress"));
    let mail = account.mails().pop().unwrap().message;
    assert!(mail.contains("the original has done the work itself") && mail.contains(&format!("--training-job-name {NEW}")), "{mail}");
}
