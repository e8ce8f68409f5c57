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
/// Step Functions, the AWS controllers for Kubernetes, and any service of AWS that created the job for itself, such as `CloudFormation`, whose stack fails with
/// its job: only AWS can set `aws:` (aws-facts §2.3, §2.5).
static TAGS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "aws:*",
        "sagemaker:pipeline*",
        "sagemaker:is-scheduling-notebook-job",
        "MANAGED_BY_AWS",
        "AWS_STEP_FUNCTIONS*",
        "services.k8s.aws/*",
    ])
});

/// The same of tools that set no tags by themselves, whose users do: with the name of the tool, or with what tells a run of its graph (DAG), workflow or build
/// from others: of services for builds, the variables with which these are known, such as `GITHUB_RUN_ID`. A workflow's name alone may be that of the project.
static TOOLS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "*{airflow,argoproj,dagster,flyte,kedro,kubeflow,luigi,metaflow,mwaa,zenml}*",
        "{prefect,*[!a-z]prefect}",
        "{prefect,*[!a-z]prefect}[!a-z]*",
        "{dag,*[!a-z]dag}{id,name,run}*",
        "{dag,*[!a-z]dag}[!a-z]{id,name,run}*",
        "{build,execution,flow,pipeline,workflow,*[!a-z]{build,execution,flow,pipeline,workflow}}{arn,execution,id,number,run,url}*",
        "{build,execution,flow,pipeline,workflow,*[!a-z]{build,execution,flow,pipeline,workflow}}[!a-z]{arn,execution,id,number,run,url}*",
        "{ci,*[!a-z]ci,*{buildkite,circle,github,gitlab,semaphore,travis}*}[!a-z]{build,job,run}*{attempt,id,num,url}*",
        "*{buildkite,circle,github,gitlab,semaphore,travis}{build,job,run}*{attempt,id,num,url}*",
    ])
});

/// The services whose ARN in a tag's value is that of a workflow, whatever the key is.
const ORCHESTRATORS: [&str; 5] = ["airflow", "batch", "codebuild", "codepipeline", "states"];

impl Policy {
    /// The workflow that a job's tags or its name tell of: `the execution pipeline/churn/execution/abc`. `None`: there is no sign of one.
    pub(crate) fn workflow_of(&self, job: &Resource) -> Option<String> {
        let by_tag = job.tags.read().and_then(|tags| tags.iter().find(|(key, value)| self.is_workflow_tag(key) || names_workflow(value)));
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

/// Whether it is the ARN of a workflow, or of an execution of one.
pub fn names_workflow(value: &str) -> bool {
    Arn::parse(value)
        .is_some_and(|arn| ORCHESTRATORS.contains(&arn.service) || (arn.service == "sagemaker" && arn.resource.starts_with("pipeline/")))
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
            ("aws:batch:compute-environment", true),
            ("workflow-id", true),
            ("WorkflowRunId", true),
            ("temporal:workflow_id", true),
            ("GITHUB_WORKFLOW_RUN", true),
            ("GITHUB_RUN_ID", true),
            ("GithubRunNumber", true),
            ("github:run-url", true),
            ("CI_JOB_ID", true),
            ("gitlab/ci-job-url", true),
            ("CIRCLE_BUILD_NUM", true),
            ("BUILDKITE_JOB_ID", true),
            ("github-repo-url", false),
            ("github:team", false),
            ("ci", false),
            ("precision-job-id", false),
            ("job-id", false),
            ("CI_PIPELINE_ID", true),
            ("pipeline-run-id", true),
            ("build_number", true),
            ("BUILD_URL", true),
            ("codebuild:build-arn", true),
            ("execution-id", true),
            ("flow_run_name", true),
            ("Pipeline", false),
            ("pipeline-name", false),
            ("pipelines", false),
            ("build", false),
            ("Builder", false),
            ("mlflow.run_id", false),
            ("mlflow_run_id", false),
            ("workflow_owner", false),
            ("ExecutionRole", false),
            ("awscostcenter", false),
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
        for (value, is_sign) in [
            ("arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", true),
            ("arn:aws:states:eu-central-1:123456789012:express:Train:run:3f2b8c1e", true),
            ("arn:aws-cn:codebuild:cn-north-1:123456789012:build/train:3f2b8c1e", true),
            ("arn:aws:codepipeline:eu-central-1:123456789012:churn", true),
            ("arn:aws:batch:eu-central-1:123456789012:job/3f2b8c1e", true),
            ("arn:aws:airflow:eu-central-1:123456789012:environment/ml", true),
            ("arn:aws:sagemaker:eu-central-1:123456789012:pipeline/churn/execution/kytlemm1lvpq", true),
            ("arn:aws:sagemaker:eu-central-1:123456789012:model-package/churn/3", false),
            ("arn:aws:iam::123456789012:role/states", false),
            ("arn:aws:s3:::ml-company", false),
            ("states", false),
        ] {
            assert_eq!(is_known("training-job/churn", &[("started-by", value)]), is_sign, "{value}");
        }
    }
}
