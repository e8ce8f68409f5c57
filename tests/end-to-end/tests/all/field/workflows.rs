//! Jobs that a pipeline, a state machine or an AutoML job waits for were stopped, and the workflow failed
//! (sagemaker-python-sdk#3946, #4590, #5776; aws-cdk#32536; kubeflow/pipelines#6465).

use cost_aws::report::Report;
use end_to_end::{
    Function,
    testing::{account, due, guard_of, hours, mails_to},
};
use serde_json::{Value, json};
use simulator::{Fault, Simulator, What};

use super::stop_calls;

const ENFORCE: &str = r#"
[rules.training-on-demand]
mode = "enforce"
remedy = "stop"
grace = "10m"
[rules.tuning-on-demand]
mode = "enforce"
remedy = "stop"
grace = "10m"
[rules.missing-tag]
mode = "enforce"
remedy = "stop-after-grace"
grace = "1h"
required = { CostCenter = "[0-9]+" }
"#;

/// A training job, `more` of its section after it.
fn training(name: &str, more: &str) -> String {
    format!(
        "[[training-job]]\nname = \"{name}\"\ninstance-type = \"ml.m5.xlarge\"\nmax-runtime = \"20h\"\ntakes = \"20h\"\ncreated = \"-10m\"\n{more}\n"
    )
}

fn processing(name: &str, more: &str) -> String {
    format!("[[processing-job]]\nname = \"{name}\"\nmax-runtime = \"20h\"\ntakes = \"20h\"\ncreated = \"-10m\"\n{more}\n")
}

fn tuning(name: &str, more: &str, children: &str) -> String {
    format!(
        "[[tuning-job]]\nname = \"{name}\"\ncreated = \"-10m\"\n{more}\n\
         definition = [{{ instance-type = \"ml.m5.xlarge\", takes = \"20h\", max-runtime = \"20h\"{children} }}]\n"
    )
}

fn pipeline(jobs: &str) -> String {
    format!("[[resource]]\nkind = \"pipeline\"\nname = \"churn\"\nexecutions = [\"-15m\", \"-3d\"]\ntakes = \"20h\"\njobs = [{jobs}]\n")
}

/// The calls that stop a job, after a warning, its grace and a second run of both functions that stop jobs.
async fn stops(account: &Simulator) -> (u64, Vec<Report>) {
    let guards = [Function::TrainingJobSpotEnforcer, Function::TagAuditor].map(|function| guard_of(function, account, ENFORCE));
    let mut reports = vec![];
    for guard in &guards {
        reports.push(guard.run().await.unwrap());
    }
    account.advance(hours(2));
    for guard in &guards {
        guard.wake(due()).await.unwrap();
        reports.push(guard.run().await.unwrap());
    }
    (stop_calls(account), reports)
}

async fn is_left_alone(estate: &str, because: &str) {
    let account = account(estate);
    let (stops, reports) = stops(&account).await;
    assert_eq!(stops, 0, "{estate}: {reports:?}");
    let reasons: Vec<&str> = reports.iter().flat_map(|report| &report.findings).map(|finding| finding.reason.as_str()).collect();
    assert!(reasons.iter().any(|reason| reason.contains(because)), "{because}: {reasons:#?}");
}

#[tokio::test]
async fn a_job_without_a_workflow_is_stopped() {
    for estate in [training("churn-train", ""), tuning("hpo", "", ""), processing("prep", "")] {
        let account = account(&format!("{estate}{}", pipeline("\"training-job/another\"")));
        assert!(0 < stops(&account).await.0, "{estate}");
    }
}

#[tokio::test]
async fn a_pipeline_with_a_custom_job_prefix_lost_its_training_job() {
    let name = "churn-train-kytlemm1lvpq-cIpzShs3Qp-0";
    let estate = format!("{}{}", training(name, "tags = { Owner = \"ann@example.com\" }"), pipeline(&format!("\"training-job/{name}\"")));
    is_left_alone(&estate, "pipeline/churn/execution/").await;
}

#[tokio::test]
async fn steps_of_other_kinds_are_waited_for_too() {
    for (job, of) in [
        (processing("prep-1", ""), "processing-job/prep-1"),
        (tuning("tune-1", "", ""), "hyper-parameter-tuning-job/tune-1"),
        (
            "[[automl-job]]\nname = \"auto-1\"\ninput = \"s3://a/b\"\noutput = \"s3://a/c\"\ntarget = \"y\"\ncreated = \"-10m\"\ntakes = \"20h\"\n".to_owned(),
            "automl-job/auto-1",
        ),
    ] {
        is_left_alone(&format!("{job}{}", pipeline(&format!("\"{of}\""))), "waits for it").await;
    }
}

#[tokio::test]
async fn names_and_tags_of_pipelines_are_signs_for_every_rule() {
    is_left_alone(&tuning("pipelines-kytlemm1lvp-Tune-cIpzS", "", ""), "the workflow that its name tells of waits for it").await;
    is_left_alone(&processing("pipelines-kytlemm1lvpq-Prep-aBcDeFgHiJ", ""), "the workflow that its name tells of waits for it").await;
    let execution = "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/churn/execution/kytlemm1lvpq";
    is_left_alone(&training("nightly", &format!("tags = {{ \"sagemaker:pipeline-execution-arn\" = \"{execution}\" }}")), execution).await;
}

#[tokio::test]
async fn a_state_machine_lost_the_job_that_it_waited_for() {
    let execution = "arn:aws:states:eu-central-1:123456789012:execution:Train:run-1";
    let tags = format!("tags = {{ MANAGED_BY_AWS = \"STARTED_BY_STEP_FUNCTIONS\", AWS_STEP_FUNCTIONS_EXECUTION_ARN = \"{execution}\" }}");
    for estate in [training("churn", &tags), tuning("hpo", &tags, ""), processing("prep", &tags)] {
        is_left_alone(&estate, execution).await;
    }
}

/// Whose users give their jobs the workflow's own ARN, under a key of their own.
#[tokio::test]
async fn a_job_whose_tag_holds_the_arn_of_a_workflow_was_stopped() {
    for arn in [
        "arn:aws:states:eu-central-1:123456789012:execution:Train:run-1",
        "arn:aws:codebuild:eu-central-1:123456789012:build/train:3f2b8c1e",
        "arn:aws:sagemaker:eu-central-1:999988887777:pipeline/churn/execution/kytlemm1lvpq",
    ] {
        let tags = format!("tags = {{ started-by = \"{arn}\" }}");
        for estate in [training("churn", &tags), tuning("hpo", &tags, ""), processing("prep", &tags)] {
            is_left_alone(&estate, &format!("{arn} (its tag started-by) waits for it")).await;
        }
    }
}

#[tokio::test]
async fn a_job_of_a_build_or_a_run_of_a_workflow_was_stopped() {
    for key in ["CI_PIPELINE_ID", "workflow-run-id", "aws:batch:job-id"] {
        let tags = format!("tags = {{ \"{key}\" = \"4711\" }}");
        is_left_alone(&training("churn", &tags), &format!("the workflow that its tag {key} tells of waits for it")).await;
    }
}

/// CloudTrail's event of a job that a session of this role has made.
fn made(job: &str, session: &str) -> Value {
    json!({
        "version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sagemaker", "account": "123456789012",
        "time": "2026-11-23T08:00:00Z", "region": "eu-central-1", "resources": [],
        "detail": {
            "eventSource": "sagemaker.amazonaws.com", "eventName": "CreateTrainingJob",
            "userIdentity": {"type": "AssumedRole", "arn": format!("arn:aws:sts::123456789012:assumed-role/{session}")},
            "requestParameters": {"trainingJobName": job},
            "responseElements": {"trainingJobArn": format!("arn:aws:sagemaker:eu-central-1:123456789012:training-job/{job}")},
        }
    })
}

/// Airflow's operators and a build's scripts leave no sign on a job but who made it, which only tag-auditor hears.
#[tokio::test]
async fn a_job_whose_creator_waits_was_stopped() {
    for (session, is_stopped) in
        [("MyAirflow-env-ExecutionRole/AmazonMWAA-airflow", false), ("train/AWSCodeBuild-3f2b8c1e", false), ("DataScience/ann", true)]
    {
        let account = account(&training("churn-train", ""));
        guard_of(Function::TagAuditor, &account, ENFORCE).wake(made("churn-train", session)).await.unwrap();
        let (stops, reports) = stops(&account).await;
        assert_eq!(0 < stops, is_stopped, "{session}: {reports:?}");
        let told = |report: &Report| {
            report.findings.iter().any(|finding| finding.rule == "training-on-demand" && finding.reason.contains("waits"))
        };
        assert_eq!(reports.iter().any(told), !is_stopped, "{session}: {reports:?}");
    }
}

#[tokio::test]
async fn an_auto_ml_job_lost_its_tuning_job() {
    let auto_ml = "arn:aws:sagemaker:eu-central-1:123456789012:automl-job/pilot";
    let pilot = "[[automl-job]]\nname = \"pilot\"\ninput = \"s3://a/b\"\noutput = \"s3://a/c\"\ntarget = \"y\"\ncreated = \"-10m\"\ntakes = \"20h\"\ntags = { CostCenter = \"1\" }\n";
    let tuning = tuning("tuning-job-1-57d7f377bfe54b40b1", "", &format!(", auto-ml-arn = \"{auto_ml}\""));
    is_left_alone(&format!("{pilot}{tuning}"), &format!("{auto_ml} waits for it")).await;
}

#[tokio::test]
async fn what_waits_for_a_job_could_not_be_read() {
    for call in ["ListPipelines", "ListPipelineExecutions", "ListPipelineExecutionSteps"] {
        let account =
            account(&format!("{}{}", training("churn", "tags = { Owner = \"ann@example.com\" }"), pipeline("\"training-job/other\"")));
        account.add_fault(Fault::new(&format!("sagemaker:{call}"), What::AccessDenied));
        let (stops, reports) = stops(&account).await;
        assert_eq!(stops, 0, "{call}: {reports:?}");
        let mails = account.mails();
        let mails = mails_to(&mails, "ann@example.com");
        assert!(mails.iter().any(|mail| mail.message.contains("it is not known whether a workflow waits for it")), "{call}: {mails:?}");
    }
}

/// Whose run is handed over to the job, which answers to it: by a variable of its environment, or by a hyperparameter.
#[tokio::test]
async fn a_job_that_was_given_a_token_or_a_run_to_answer_to_was_stopped() {
    let environment = |name: &str| format!("definition = {{ Environment = {{ {name} = \"x\" }} }}");
    let hyperparameter = "hyper-parameters = { task_token = \"AAAAKgAAAAIAAA\" }";
    for (estate, variable) in [
        (training("churn", &environment("TASK_TOKEN")), "TASK_TOKEN"),
        (training("churn", hyperparameter), "task_token"),
        (tuning("hpo", "", &format!(", {hyperparameter}")), "task_token"),
        (processing("prep", &environment("AIRFLOW_CTX_DAG_RUN_ID")), "AIRFLOW_CTX_DAG_RUN_ID"),
    ] {
        is_left_alone(&estate, &format!("the workflow that its variable {variable} tells of waits for it")).await;
    }
}
