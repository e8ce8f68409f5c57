//! Variables that tools give to the jobs for which they wait: in the environment, as hyperparameters, or as arguments of the container.
//!
//! The names of hyperparameters are words of machine learning: `task_id`, `flow_id`, `pipeline_stage`. So only what tells one run from another is a sign, and not
//! what tells of a tool, such as the address of its server. Names in capitals are those of variables of the environment, which are judged as the keys of tags are.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::{
    facts::Variables,
    policy::workflows::{
        tags::{is_key, tells_tool},
        tools::{globs, in_words, regex},
        values::{is_nothing, is_run},
    },
    vocabulary::globs::Globs,
};

/// Names of these variables.
static RUNS: LazyLock<Regex> = LazyLock::new(|| {
    regex(&[
        // The token with which a job answers to Step Functions, or to a callback step of SageMaker Pipelines.
        "(?:(?:aws|job|pipeline|sagemaker|sfn|states|step functions?|workflow) )?(?:task|callback) token",
        // What Step Functions and AWS Batch call their own.
        "aws step functions .*|managed by aws",
        "(?:.*[^a-z])?(?:sfn|states?|state machine|step functions?) execution (?:arn|id|name)",
        "aws batch (?:jq name|job (?:arn|attempt|id))",
        // What a tool that waits sets by itself.
        "airflow ctx .+",
        "__(?:flyte|zenml)_.+",
        "dagster pipes (?:context|messages)",
        "flyte internal .+",
        "argo workflow .+",
        "azkaban .*execid|rd job execid",
        "auto job name|autoserv|nomad alloc id|unison job|wm (?:flow )?job id",
        // A notebook that a workflow of SageMaker Unified Studio runs.
        "sm execution input path",
        // The run of a tool, of a pipeline, of a workflow.
        "(?:.*[^a-z])?(?:WITH_RUNS)(?:[^a-z].*)? (?:execution|run|workflow) (?:uu)?id",
        "(?:WORDS)(?:[^a-z].*)? (?:execution|run|workflow) id",
        "flow run id",
        "(?:.*[^a-z])?(?:dag|orchestration|orchestrator|pipeline|tfx|wf|workflow) run id",
        "(?:.*[^a-z])?(?:pipeline|workflow) execution id",
        "(?:.*[^a-z])?dag id",
        // The run of a service for builds.
        "github (?:actions?|run (?:attempt|id|number|url)|workflow|workflow (?:ref|run id))",
        "(?:.*[^a-z])?ci (?:build|job|pipeline|run) (?:id|iid|num|number|url)",
        "(?:appveyor|bamboo|bitbucket|bitrise|buildkite|circle|codebuild|codefresh|gitlab|harness|semaphore|teamcity|travis) \
         (?:build|execution|job|pipeline|workflow) (?:.+ )?(?:arn|id|key|num|number|slug|url|uuid)",
        "cf build (?:id|url)",
        "jenkins .*build.*",
        "build url|build build(?:id|number|uri)|tf build|system jobid",
        "go pipeline (?:counter|label)",
    ])
});

/// Names in capitals that are a sign as the key of a tag only: libraries that run within the job, and numbers of tokens.
static NO_VARIABLES: LazyLock<Globs> = LazyLock::new(|| globs(&["*{LIBRARIES}*", "*token*"]));

/// Whether a variable is that of a run that waits.
pub(super) fn is_sign(name: &str, value: &str) -> bool {
    let is_of_run = || RUNS.is_match(name) || RUNS.is_match(&in_words(name));
    let is_in_capitals = || !name.contains(|c: char| c.is_lowercase());
    let is_of_environment = || is_in_capitals() && is_key(name) && !NO_VARIABLES.is_match(name);
    // What Jenkins calls a build. Other builds have the tag of an image there.
    let is_build_tag = || name == "BUILD_TAG" && value.starts_with("jenkins-");
    is_run(value) || (!is_nothing(value) && (is_of_run() || is_of_environment() || is_build_tag() || tells_tool(name, value)))
}

/// The variables, with what is inside a value that is JSON: a text in quotes, as the SageMaker SDK writes hyperparameters, or an object with variables of its
/// own, which come before it.
pub(super) fn spread(variables: &[(String, String)]) -> Variables {
    let mut all = vec![];
    for (name, value) in variables {
        spread_one(name, Value::String(value.clone()), &mut all);
    }
    all
}

fn spread_one(name: &str, value: Value, all: &mut Variables) {
    let value = match value {
        Value::String(text) => match inside(&text) {
            Some(value) => return spread_one(name, value, all),
            None => return all.push((name.to_owned(), text.trim().to_owned())),
        },
        other => other,
    };
    let whole = value.to_string();
    match value {
        Value::Object(fields) => fields.into_iter().for_each(|(name, value)| spread_one(&name, value, all)),
        Value::Array(items) => items.into_iter().for_each(|item| spread_one(name, item, all)),
        _ => {}
    }
    all.push((name.to_owned(), whole));
}

fn inside(text: &str) -> Option<Value> {
    let is_json = text.trim_start().starts_with(['{', '[', '"']);
    is_json.then(|| serde_json::from_str(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    fn is_sign(policy: &Policy, name: &str, value: &str) -> bool {
        policy.workflow_of_variables(&[(name.to_owned(), value.to_owned())]).is_some()
    }

    #[test]
    fn a_job_whose_variables_name_the_run_that_waits_was_stopped() {
        let policy = Policy::from_toml("[workflows]\ntags = [\"acme-run\"]").unwrap();
        for (name, value) in [
            ("TASK_TOKEN", "AAAAKgAAAAIAAA"),
            ("task_token", "\"AAAAKgAAAAIAAA\""),
            ("task-token", "AAAAKgAAAAIAAA"),
            ("TaskToken", "AAAAKgAAAAIAAA"),
            ("sfn_task_token", "AAAAKgAAAAIAAA"),
            ("STEP_FUNCTION_TASK_TOKEN", "AAAAKgAAAAIAAA"),
            ("callback_token", "3f2b8c1e"),
            ("TOKEN", "AAAAKgAAAAIAAAAAAAAAAQLz"),
            ("answer", "AQCEAAAAKgAAAAMAAAAAAAAAAXcj"),
            ("STEP_FUNCTION_EXECUTION_ID", "3f2b8c1e"),
            ("stateMachineExecutionName", "3f2b8c1e"),
            ("SFN_EXECUTION_NAME", "3f2b8c1e"),
            ("churnPipelineRunId", "3f2b8c1e"),
            ("JOB_RUN_ID", "jr_3f2b8c1e9a4d4c1b8f6e"),
            ("EXECUTION_ARN", "arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e"),
            ("parent", "\"arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e\""),
            ("config", "{\"taskToken\": \"AAAAKgAAAAIAAA\"}"),
            ("config", "\"{\\\"run\\\": [{\\\"task_token\\\": \\\"AAAAKgAAAAIAAA\\\"}]}\""),
            ("AIRFLOW_CTX_DAG_ID", "churn"),
            ("AIRFLOW_CTX_DAG_RUN_ID", "manual__2026-11-30T09:10:00+00:00"),
            ("AIRFLOW_CTX_TASK_ID", "train"),
            ("AIRFLOW_RUN_ID", "17"),
            ("run", "scheduled__2026-11-30T00:00:00+00:00"),
            ("DAGSTER_PIPES_CONTEXT", "eJyrVkrOzytJrShRslJQ"),
            ("DAGSTER_PIPES_MESSAGES", "eJyrVkrOzytJrShRslJQ"),
            ("DAGSTER_RUN_ID", "3f2b8c1e"),
            ("__ZENML_ENTRYPOINT", "step"),
            ("FLYTE_INTERNAL_EXECUTION_ID", "f3f2b8c1e"),
            ("__FLYTE_CMD_1_pyflyte-execute__", "__FLYTE_CMD_DUMMY_VALUE__"),
            ("__FLYTE_ENV_VAR_FLYTE_INTERNAL_EXECUTION_ID__", "f3f2b8c1e"),
            ("POLYAXON_RUN_UUID", "3f2b8c1e"),
            ("METAFLOW_RUN_ID", "17"),
            ("ARGO_WORKFLOW_NAME", "churn-x7k2p"),
            ("KFP_RUN_ID", "3f2b8c1e"),
            ("kfpRunId", "3f2b8c1e"),
            ("PREFECT__FLOW_RUN_ID", "3f2b8c1e"),
            ("PREFECT_FLOW_RUN_ID", "3f2b8c1e"),
            ("DATABRICKS_JOB_RUN_ID", "17"),
            ("ORCHESTRATOR_RUN_ID", "17"),
            ("TEMPORAL_WORKFLOW_ID", "churn"),
            ("AWS_BATCH_JOB_ID", "3f2b8c1e"),
            ("dag_run_id", "churn-17"),
            ("GITHUB_RUN_ID", "17955702"),
            ("GITLAB_CI_JOB_ID", "1795"),
            ("CI_PIPELINE_ID", "1795"),
            ("BUILD_URL", "https://ci.example.com/job/churn/41/"),
            ("BUILDKITE_BUILD_ID", "3f2b8c1e"),
            ("CODEBUILD_BUILD_ID", "train:3f2b8c1e"),
            ("CODEBUILD_BUILD_ARN", "arn:aws:codebuild:eu-central-1:123456789012:build/train:3f2b8c1e"),
            ("CIRCLE_WORKFLOW_ID", "3f2b8c1e"),
            ("BUILD_NUMBER", "41"),
            ("BUILD_TAG", "jenkins-churn-41"),
            ("BUILD_ID", "41"),
            ("AIRFLOW_TASK_ID", "train"),
            ("DAG_RUN", "17"),
            ("TASK_INSTANCE_KEY_STR", "churn__train__20261130"),
            ("ARGO_NODE_ID", "churn-x7k2p"),
            ("ARGO_POD_NAME", "churn-x7k2p"),
            ("KFP_POD_NAME", "churn-x7k2p"),
            ("WM_JOB_ID", "3f2b8c1e"),
            ("WM_FLOW_JOB_ID", "3f2b8c1e"),
            ("DRONE_BUILD_NUMBER", "41"),
            ("RELEASE_RELEASEID", "41"),
            ("BUILDKITE", "true"),
            ("AWS_BATCH_JQ_NAME", "train"),
            ("AUTO_JOB_NAME", "CHURN"),
            ("AUTOSERV", "PRD"),
            ("CTM_ORDERID", "0a1b2"),
            ("UNISON_JOB", "CHURN"),
            ("ADF_RUN_ID", "3f2b8c1e"),
            ("DBT_CLOUD_RUN_ID", "17"),
            ("NOMAD_ALLOC_ID", "3f2b8c1e"),
            ("WORKFLOW_ID", "churn"),
            ("ORCHESTRATION_ID", "17"),
            ("ORCHESTRATOR_EXECUTION_ID", "17"),
            ("PARENT_WORKFLOW_ID", "churn"),
            ("PARENT_EXECUTION_ID", "17"),
            ("SFN_EXECUTION", "churn"),
            ("PIPELINE_RUN", "17"),
            ("PREFECT_FLOW_RUN_NAME", "brave-fox"),
            ("ORCHESTRATOR", "step-functions"),
            ("TRIGGERED_BY", "airflow"),
            ("triggered_by", "airflow"),
            ("SCHEDULER", "airflow"),
            ("STARTED_BY", "stepfunctions"),
            ("TF_BUILD", "True"),
            ("BUILD_BUILDID", "41"),
            ("JENKINS_BUILD_NUMBER", "41"),
            ("link", "https://github.com/company/churn/actions/runs/17955702"),
            ("link", "https://dbc-1.cloud.databricks.com/jobs/1/runs/41"),
            ("acme-run", "17"),
            ("acme-run", "{\"id\": 17}"),
            ("ARGO_WORKFLOW_PARAMETERS", "[{\"name\": \"day\"}]"),
        ] {
            assert!(is_sign(&policy, name, value), "{name}={value}");
        }
    }

    /// They were exempt for ever: what is a sign as the key of a tag is a word of machine learning, or tells where a server is.
    #[test]
    fn hyperparameters_and_addresses_of_servers_passed_for_workflows() {
        let policy = Policy::from_toml("").unwrap();
        for (name, value) in [
            ("DATABRICKS_HOST", "https://dbc-1.cloud.databricks.com"),
            ("DATABRICKS_TOKEN", "dapi3f2b8c1e"),
            ("CLEARML_API_HOST", "https://api.clear.ml"),
            ("CLEARML_API_ACCESS_KEY", "3f2b8c1e"),
            ("PREFECT_API_URL", "https://prefect.example.com/api"),
            ("KEDRO_ENV", "prod"),
            ("KEDRO_RUN_ID", "17"),
            ("AIRFLOW_HOME", "/opt/airflow"),
            ("JENKINS_HOME", "/var/jenkins"),
            ("CODEBUILD_SRC_DIR", "/codebuild/output/src"),
            ("LANGCHAIN_CALLBACK_TOKEN", "3f2b8c1e"),
            ("NUM_TASK_TOKENS", "8"),
            ("BUILD_TAG", "v1.2"),
            ("TRIGGERED_BY", "mary.jenkins"),
            ("TRIGGERED_BY", "ann@example.com"),
            ("ORCHESTRATOR", "torchrun"),
            ("DATABRICKS_CLUSTER_ID", "1130-091000-abc123"),
            ("MLFLOW_TRACKING_URI", "http://mlflow.kubeflow.svc.cluster.local:5000"),
            ("PIP_INDEX_URL", "https://nexus.ci.example.com/repository/pypi/simple"),
            ("eager_execution", "1"),
            ("parallel_execution", "true"),
            ("task_id", "3"),
            ("num_task_tokens", "8"),
            ("task_tokens", "8"),
            ("task_token_len", "8"),
            ("use_task_tokens", "true"),
            ("data_interval", "7"),
            ("eval_harness_tasks", "hellaswag"),
            ("eval_harness_run_id", "17"),
            ("optical_flow_run_id", "17"),
            ("pipeline_stage", "1"),
            ("pipeline_step", "train"),
            ("flow_id", "7"),
            ("optical_flow_idx", "7"),
            ("tidal_flow_rate", "0.1"),
            ("temporal_flow_loss", "l1"),
            ("activation_step_function", "heaviside"),
            ("finite_state_machine_size", "8"),
            ("dag_lambda", "0.1"),
            ("ctm_k", "20"),
            ("airflow_rate", "0.1"),
            ("mean_airflow", "0.1"),
            ("scheduler", "pipeline_1f1b"),
            ("engine", "pipeline"),
            ("source", "databricks"),
            ("ci", "true"),
            ("CI", "true"),
            ("orchestrator", "slurm"),
            ("SAGEMAKER_PROGRAM", "train.py"),
            ("sagemaker_job_name", "\"churn-2026-11-30-09-10-00-123\""),
            ("MLFLOW_RUN_ID", "3f2b8c1e"),
            ("MLFlowRunId", "3f2b8c1e"),
            ("MLFLOW_RUN_URL", "https://dbc-1.cloud.databricks.com/ml/experiments/17/runs/3f2b8c1e"),
            ("WANDB_RUN_ID", "3f2b8c1e"),
            ("precision_job_id", "1"),
            ("lr_scheduler", "cosine"),
            ("epochs", "10"),
            ("tokenizer", "bert"),
            ("HF_TASK", "text-classification"),
            ("model_id", "huggingface-llm-falcon"),
            ("task_token", "\"\""),
            ("TASK_TOKEN", "none"),
            ("TASK_TOKEN", "{}"),
            ("TF_BUILD", "False"),
            ("config", "{\"task_token_len\": 8, \"pipeline_stage\": \"1\"}"),
            ("config", "{\"taskToken\": null}"),
        ] {
            assert!(!is_sign(&policy, name, value), "{name}={value}");
        }
    }
}
