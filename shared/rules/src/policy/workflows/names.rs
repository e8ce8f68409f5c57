//! Names of jobs that a workflow chose.

use std::sync::LazyLock;

use regex::Regex;

use crate::{
    policy::workflows::tools::{globs, regex},
    vocabulary::{
        globs::Globs,
        series::{begins_with_id, is_made_anew, is_of_pipeline, without_end_of_sdk},
    },
};

/// Names that services and tools choose, or that nothing else has.
static NAMES: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        // Models of Amazon Redshift ML (`CREATE MODEL` fails with its job), refreshes of Amazon Quick Sight's datasets, models and data flows of SageMaker
        // Canvas, and the components of Kubeflow Pipelines (aws-facts §2.3).
        "redshiftml-20*",
        "quicksight-auto-generated-*",
        "*canvas-data-prep*",
        "Canvas1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*",
        "{TrainingJob,HPOJob,ProcessingJob,BatchTransform}-20????????????-????",
        // The id of a run of Airflow, whose underscores and colons are no letters of a name.
        "{backfill,manual,scheduled}--20*",
        "*-{backfill,manual,scheduled,triggered}--20*",
        "{backfill,manual,scheduled}-20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]-[0-9][0-9]-[0-9][0-9]-*",
        "*-{backfill,manual,scheduled,triggered}-20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]-[0-9][0-9]-[0-9][0-9]-*",
        // The same in fewer letters, `ts_nodash`.
        "{backfill,manual,scheduled}-20[0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9]*",
        "*-{backfill,manual,scheduled}-20[0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9]*",
        // The name of a tool.
        "{CERTAIN}-*",
        "*-{IN_NAMES}-*",
        "{ci,cicd,ci-cd}-{build,job,pipeline,runner,workflow}-*",
        "{WORDS}-workflow-*",
    ])
});

/// The beginning of what a step of SageMaker Pipelines is called: the id of the execution, the step, and a random end. Pipes have the same word.
static OF_PIPELINE: LazyLock<Regex> = LazyLock::new(|| regex(&["pipelines-(.+)"]));

/// A service job of AWS Batch, with its id (aws-facts §2.3).
static OF_BATCH: LazyLock<Regex> = LazyLock::new(|| regex(&["AWSBatch.*[0-9a-f]{32}"]));

/// A node of an execution of Flyte: a letter and random letters and digits, and the numbers of the node and of the attempt.
static OF_FLYTE: LazyLock<Regex> = LazyLock::new(|| regex(&["(?:.+-)?([a-z][a-z0-9]{19})(?:-n[0-9]{1,3}(?:-[0-9]{1,2})?)+"]));

/// Names that have one of a tool in them which is also that of data. A time or an id behind it tells that the tool's run is meant.
static LIKE_DATA: LazyLock<Regex> = LazyLock::new(|| {
    regex(&["(?:LIKE_DATA)-(.+)", "(?:bitbucket|github|gitlab)-(?:pipeline|runner|workflow)-(.+)", "(?:BEFORE_TIME)-(.+)"])
});

/// The same where it is mostly data or a method. People put a date behind these names, too, so it takes an id.
static RATHER_DATA: LazyLock<Regex> = LazyLock::new(|| regex(&["(?:RATHER_DATA)-(.+)", ".+-(?:ALSO_MATHS)-(.+)"]));

/// The same with a word for a run, whose id has to be next: `tidal-job-41`, but `temporal-flow-net` and `ci-run-of-confidence`.
static BEFORE_ID: LazyLock<Regex> = LazyLock::new(|| {
    regex(&[
        "(?:LIKE_DATA|RATHER_DATA|WORDS|ado|azdo|bitbucket|github|gitlab|ci|cicd|ci-cd)-(?:build|execution|flow|job|pipeline|run|runner|task|workflow)-(.+)",
    ])
});

/// A date at the end of a name, with the time or without.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)-?20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?:[t-]?\d{4,6}z?)?$")
        .expect("a regular expression that the tests use")
});

/// What Jenkins calls a build: its job and its number.
static BUILD_TAG: LazyLock<Regex> = LazyLock::new(|| regex(&["jenkins-.+-[0-9]{1,6}"]));

/// The run of a pipeline of SageMaker, as people name it.
static PIPELINE: LazyLock<Regex> = LazyLock::new(|| regex(&["(?:sagemaker|sm)-pipelines?-(.+)"]));

/// Models and methods.
static ORDINARY: LazyLock<Globs> =
    LazyLock::new(|| globs(&["databricks-{dbrx,dolly,mpt}*", "{state-machine-learning,*-state-machine-learning}*"]));

/// Whether a workflow chose this name.
pub(super) fn is_sign(name: &str) -> bool {
    NAMES.is_match(name)
        || OF_BATCH.is_match(name)
        || behind(&OF_FLYTE, name).is_some_and(begins_with_id)
        || behind(&OF_PIPELINE, name).is_some_and(|rest| is_of_pipeline(name) || is_steps(rest))
        || behind(&PIPELINE, name).is_some_and(is_made_anew)
        || (!ORDINARY.is_match(name) && is_run_of_tool(name))
}

/// Whether it is the id of an execution and a step as people name it: with digits in the id or with capitals. `leak-detection` is somebody's work.
fn is_steps(rest: &str) -> bool {
    let id = rest.split('-').next().unwrap_or(rest);
    id.contains(|c: char| c.is_ascii_digit()) || rest.contains(|c: char| c.is_ascii_uppercase())
}

fn is_run_of_tool(name: &str) -> bool {
    // The SDK puts a time behind each name, whoever runs it.
    let name = without_end_of_sdk(name);
    BUILD_TAG.is_match(name)
        || behind(&LIKE_DATA, name).is_some_and(is_made_anew)
        || behind(&RATHER_DATA, name).is_some_and(|rest| is_made_anew(&DATE.replace(rest, "")))
        || behind(&BEFORE_ID, name).is_some_and(begins_with_id)
}

/// What stands behind such a beginning.
fn behind<'a>(beginning: &Regex, name: &'a str) -> Option<&'a str> {
    beginning.captures(name)?.iter().skip(1).flatten().next().map(|rest| rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_named_after_a_tool_that_ran_them_were_stopped() {
        for name in [
            "airflow-churn-20261130",
            "airflow-churn-1764493800123",
            "airflow-task-41",
            "kfp-train-x7k2p",
            "sfn-train-3f2b8c1e",
            "argo-train-x7k2p",
            "databricks-churn-20261130T091000",
            "jenkins-build-41",
            "jenkins-churn-3f2b8c1e",
            "jenkins-churn-41",
            "gha-17955702-1",
            "step-functions-churn-3f2b8c1e",
            "churn-state-machine-3f2b8c1e",
            "StepFunctions-churn",
            "tidal-job-41",
            "temporal-workflow-churn",
            "github-run-17955702",
            "gitlab-pipeline-41",
            "ci-job-churn",
            "sagemaker-pipeline-churn-kytlemm1lvpq-cIpzShs3Qp",
            "sagemaker-pipeline-churn-20261130",
            "sagemaker-pipeline-churn-2026-11-30-09-10-00-123",
            "churn-manual-2026-11-30T09-10-00-000000-00-00",
            "scheduled-2026-11-30T00-00-00-00-00",
            "pipelines-kytlemm1lvpq-TrainChurn-cIpzShs3Qp",
            "pipelines-kytlemm1lvpq-train-churn-abcdefghij",
            "pipelines-a1b2c3-Train",
            "AWSBatchchurn3f2b8c1e9a4d4c1b8f6e1a2b3c4d5e6f",
            "gitlab-pipeline-churn-3f2b8c1e",
            "ci-run-41",
            "states-execution-3f2b8c1e",
            "stepfn-churn-3f2b8c1e",
            "step-fn-churn-3f2b8c1e",
            "glue-workflow-churn-3f2b8c1e",
            "gh-actions-17955702-1",
            "actions-runner-17955702",
            "ado-pipeline-20261130-1",
            "azdo-build-41",
            "tfx-churn-20261130T091000",
            "luigi-train-20261130",
            "train-scheduled-20261130T000000",
            "scheduled-20261130T000000-train",
            "aws-batch-3f2b8c1e-9a4d-4c1b-8f6e",
            "dbt-run-3f2b8c1e",
            "argo-churn-x7k2p-20261130",
            // Flyte: it waited for a job that was submitted again.
            "f7wkqzprnbgm5xhvdcts-n0-0",
            "a6mzhqjqxkmvsqpc7zjh-n12-0",
            "train-a6mzhqjqxkmvsqpc7zjh-n0-0",
            "a6mzhqjqxkmvsqpc7zjh-n0-0-n1-0",
            "asset-triggered--2026-11-30T00-00-00-00-00",
            "churn-dataset-triggered-2026-11-30T00-00-00-000000-00-00",
        ] {
            assert!(is_sign(name), "{name}");
        }
    }

    /// They were exempt for ever: their names begin with a word that is also the name of a tool.
    #[test]
    fn ordinary_jobs_passed_for_those_of_a_tool() {
        for name in [
            "airflow-sensor-anomaly",
            "airflow-prediction",
            "databricks-dolly-v2-12b",
            "databricks-dolly-v2-12b-20261130",
            "state-machine-learning",
            "finite-state-machine-learning-3f2b8c1e",
            "step-function-approx",
            "temporal-flow-net",
            "temporal-flow-net-20261130",
            "tidal-flow-forecast",
            "harness-task-eval",
            "github-job-recommender",
            "gha-crop-yield",
            "ctm-topic-model",
            "bamboo-forest-seg",
            "jenkins-disease-yolo",
            "nextflow-predictor",
            "kedro-iris",
            "argo-float-temperature",
            "churn-manual-2026-11-30",
            "pipelines-leak-detection",
            "churn-n0-0",
            "segmentationofimages-n0-0",
            "pipelines-corrosion-seg",
            "AWSBatchNorm-ablation",
            "AWSBatch-size-study",
            "gitlab-pipeline-duration",
            "aws-batch-sizes",
            "luigi-mansion-qa",
            "train-scheduled-20261130",
            "ci-run-of-confidence",
            "ci-flow-cytometry",
            "argo-float-20261130",
            "bamboo-species-20261130-091000",
            "kedro-iris-2026-11-30",
            "step-function-approx-20261130",
            "markov-state-machine-sim-20261130",
            "databricks-mpt-7b-3f2b8c1e",
        ] {
            assert!(!is_sign(name), "{name}");
            for end in ["2026-11-30-09-10-00-123", "20261130091000", "1764493800-3f2b"] {
                let named_by_sdk = format!("{name}-{end}");
                assert!(!is_sign(&named_by_sdk), "{named_by_sdk}");
            }
        }
        assert!(!is_sign("sagemaker-pipeline-churn"));
    }
}
