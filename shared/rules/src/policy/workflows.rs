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
/// job), and the components of Kubeflow Pipelines.
static NAMES: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&["pipelines-*", "AWSBatch*", "redshiftml-20*", "{TrainingJob,HPOJob,ProcessingJob,BatchTransform}-20????????????-????"])
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
        TAGS.is_match(key) || self.workflows.tags.is_match(key)
    }
}
