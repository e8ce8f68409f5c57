//! Signs on a job that somebody's workflow waits for it.

use std::sync::LazyLock;

use crate::{
    policy::settings::Policy,
    vocabulary::{
        globs::Globs,
        resource::{Arn, Resource},
    },
};

/// Names that workflows choose for jobs: SageMaker Pipelines, the service jobs of AWS Batch, models of Amazon Redshift ML (`CREATE MODEL` fails with its
/// job), refreshes of Amazon Quick Sight's datasets, models and data flows of SageMaker Canvas, and the components of Kubeflow Pipelines (aws-facts §2.3).
static NAMES: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "pipelines-*",
        "AWSBatch*",
        "redshiftml-20*",
        "quicksight-auto-generated-*",
        "*canvas-data-prep*",
        "Canvas1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*",
        "{TrainingJob,HPOJob,ProcessingJob,BatchTransform}-20????????????-????",
    ])
});

/// Keys of tags that workflows set on jobs: SageMaker Pipelines, the notebook jobs of Studio (which list a job and its result by the name that they gave it),
/// Step Functions, the AWS controllers for Kubernetes, and `CloudFormation`, whose stack fails with its job (aws-facts §2.3).
static TAGS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "sagemaker:pipeline*",
        "aws:sagemaker:pipeline*",
        "sagemaker:is-scheduling-notebook-job",
        "MANAGED_BY_AWS",
        "AWS_STEP_FUNCTIONS*",
        "aws:states:*",
        "aws:cloudformation:*",
        "services.k8s.aws/*",
    ])
});

/// The same of tools that set no tags by themselves, whose users do: with the name of the tool, or with the id of a run of its graph (DAG).
static TOOLS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "*{airflow,argoproj,dagster,flyte,kedro,kubeflow,luigi,metaflow,mwaa,zenml}*",
        "{prefect,*[!a-z]prefect}",
        "{prefect,*[!a-z]prefect}[!a-z]*",
        "{dag,*[!a-z]dag}{id,name,run}*",
        "{dag,*[!a-z]dag}[!a-z]{id,name,run}*",
    ])
});

impl Policy {
    /// The workflow that a job's tags or its name tell of: `the execution pipeline/churn/execution/abc`. `None`: there is no sign of one.
    pub(crate) fn workflow_of(&self, job: &Resource) -> Option<String> {
        let by_tag = job.tags.read().and_then(|tags| tags.iter().find(|(key, _)| self.is_workflow_tag(key)));
        if let Some((key, value)) = by_tag {
            return Some(match Arn::parse(value) {
                Some(_) => format!("{value} (its tag {key})"),
                None => format!("the workflow that its tag {key} tells of"),
            });
        }
        let is_sign = NAMES.is_match(&job.name) || self.workflows.names.is_match(&job.name);
        is_sign.then(|| "the workflow that its name tells of".to_owned())
    }

    /// Whether a tag says that a workflow waits for a job.
    pub(crate) fn is_workflow_tag(&self, key: &str) -> bool {
        TAGS.is_match(key) || TOOLS.is_match(key) || self.workflows.tags.is_match(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::audited;

    #[test]
    fn what_services_and_tools_wait_for_is_known_by_its_name_or_its_tags() {
        let policy = Policy::from_toml("").unwrap();
        let is_known = |id: &str, tags: &[(&str, &str)]| policy.workflow_of(&audited(id, tags).resource).is_some();
        for (id, is_sign) in [
            ("transform-job/quicksight-auto-generated-3f2b8c1e9a4d", true),
            ("processing-job/ann-canvas-data-prep-1712936374430", true),
            ("automl-job/Canvas1712936374430", true),
            ("processing-job/canvas-export", false),
            ("automl-job/canvas2forecast", false),
            ("transform-job/quicksight-scores", false),
            ("training-job/nightly-prefecture", false),
        ] {
            assert_eq!(is_known(id, &[]), is_sign, "{id}");
        }
        for (key, is_sign) in [
            ("airflow", true),
            ("airflow_dag_id", true),
            ("AirflowDagId", true),
            ("dag_id", true),
            ("DagId", true),
            ("dag-run-id", true),
            ("airflow/dag_run", true),
            ("mwaa:environment", true),
            ("dagster/run_id", true),
            ("prefect", true),
            ("prefect.io/flow-run-name", true),
            ("ml:prefect-flow", true),
            ("workflows.argoproj.io/workflow", true),
            ("pipelines.kubeflow.org/run_id", true),
            ("metaflow.run_id", true),
            ("flyte-execution", true),
            ("zenml:run", true),
            ("kedro-pipeline", true),
            ("Prefecture", false),
            ("cargo", false),
            ("dagger", false),
            ("DagenhamId", false),
            ("Team", false),
            ("Workflow", false),
            ("run-id", false),
        ] {
            assert_eq!(is_known("training-job/churn", &[(key, "1")]), is_sign, "{key}");
        }
    }
}
