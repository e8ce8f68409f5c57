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
        "*{airflow,argoproj,autosys,azkaban,camunda,dagster,databricks,flyte,jenkins,kedro,kubeflow,luigi,metaflow,mwaa,oozie,tekton,zenml}*",
        "{prefect,*[!a-z]prefect}",
        "{prefect,*[!a-z]prefect}[!a-z]*",
        "{dag,*[!a-z]dag}",
        "{dag,*[!a-z]dag}{id,name,run}*",
        "{dag,*[!a-z]dag}[!a-z]{id,name,run}*",
        "{task,*[!a-z]task}{id,instance,run}*",
        "{task,*[!a-z]task}[!a-z]{id,instance,run}*",
        "*{state,state[!a-z]}machine*",
        "*{step,step[!a-z],steps,steps[!a-z]}function*",
        "{sfn,*[!a-z]sfn}",
        "{sfn,*[!a-z]sfn}{[!a-z],arn,execution}*",
        "{execution,*[!a-z]execution}{name,[!a-z]name}*",
        "{build,execution,flow,pipeline,workflow,*[!a-z]{build,execution,flow,pipeline,workflow}}{arn,execution,id,number,run,url,uuid}*",
        "{build,execution,flow,pipeline,workflow,*[!a-z]{build,execution,flow,pipeline,workflow}}[!a-z]{arn,execution,id,number,run,url,uuid}*",
        "{ci,*[!a-z]ci,*{buildkite,circle,github,gitlab,semaphore,travis}*}[!a-z]{build,job,run}*{attempt,id,num,url}*",
        "*{buildkite,circle,github,gitlab,semaphore,travis}{build,job,run}*{attempt,id,num,url}*",
        "*{circle,github,gitlab,travis}{action*,ci}",
        "*{circle,github,gitlab,travis}[!a-z]{action*,ci}",
        "{system_jobid,tf_build}",
    ])
});

/// Keys of tags that tell by what a job was made or started: then the value may be the name of a tool. As the name of a team or a project it is no sign.
static ORIGINS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "*{created,launched,managed,orchestrated,run,scheduled,started,submitted,triggered}{by,[!a-z]by}",
        "{engine,launcher,orchestrator,runner,scheduler,source,trigger,workflow}",
        "*[!a-z]{engine,launcher,orchestrator,runner,scheduler,source,trigger,workflow}",
    ])
});

/// The names of tools that wait for the jobs that they start. Tools that only create resources, such as Terraform, are none.
static WAITING: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "*{airflow,argoproj,autosys,azkaban,buildkite,camunda,circleci,codebuild,codepipeline,dagster,databricks,flyte,jenkins}*",
        "*{kedro,kubeflow,metaflow,mwaa,oozie,tekton,zenml}*",
        "{argo,kfp,prefect,sfn}",
        "{argo,kfp,prefect,sfn}[!a-z@.]*",
        "*{state,state[!a-z]}machine*",
        "*{step,step[!a-z],steps,steps[!a-z]}function*",
        "*{bitbucket,github,gitlab}{actions,ci,pipeline*}",
        "*{bitbucket,github,gitlab}[!a-z]{actions,ci,pipeline*}",
    ])
});

/// Links to a run of a workflow.
static LINKS: LazyLock<Globs> =
    LazyLock::new(|| Globs::of(&["http*://*{dag_run_id=,dagrunid=,/actions/runs/,/-/jobs/,/-/pipelines/}*", "http*://airflow*"]));

/// The services whose ARN in a tag's value is that of a workflow, whatever the key is.
const ORCHESTRATORS: [&str; 7] = ["airflow", "airflow-serverless", "batch", "codebuild", "codepipeline", "datapipeline", "states"];

impl Policy {
    /// The workflow that a job's tags or its name tell of: `the execution pipeline/churn/execution/abc`. `None`: there is no sign of one.
    pub(crate) fn workflow_of(&self, job: &Resource) -> Option<String> {
        let by_tag =
            job.tags.read().and_then(|tags| tags.iter().find(|(key, value)| self.is_workflow_tag(key) || names_workflow(key, value)));
        if let Some((key, value)) = by_tag {
            let value = value.trim();
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

/// Whether the value of a tag names a workflow, or a tool that waits: by an ARN in it, by a link to a run, or where the key tells what made the job.
pub fn names_workflow(key: &str, value: &str) -> bool {
    let value = value.trim();
    let is_variable = key.eq_ignore_ascii_case("ci") && value.eq_ignore_ascii_case("true");
    // The address of a repository tells where the code is.
    let is_tool = || !value.contains("://") && ORIGINS.is_match(key.trim()) && WAITING.is_match(value);
    is_variable || has_workflows_arn(value) || LINKS.is_match(value) || is_tool()
}

/// Whether the ARN of a workflow, or of an execution of one, is in a text: alone, or at the end of a link to the console.
fn has_workflows_arn(text: &str) -> bool {
    let text = text.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/");
    let is_workflows = |arn: Arn<'_>| match arn.service {
        "glue" => arn.resource.starts_with("workflow/"),
        "sagemaker" => arn.resource.starts_with("pipeline/"),
        service => ORCHESTRATORS.contains(&service),
    };
    text.match_indices("arn:").filter_map(|(at, _)| Arn::parse(&text[at..])).any(is_workflows)
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
            ("ExecutionName", true),
            ("sfn_execution_name", true),
            ("sfn:execution", true),
            ("StateMachine", true),
            ("StateMachineName", true),
            ("state-machine", true),
            ("StepFunction", true),
            ("StepFunctionsExecution", true),
            ("step-functions", true),
            ("dag", true),
            ("DAG", true),
            ("task_id", true),
            ("task-instance", true),
            ("tekton.dev/taskRun", true),
            ("databricks_run_id", true),
            ("JENKINS_URL", true),
            ("oozie", true),
            ("azkaban.flow.execid", true),
            ("autosys_job", true),
            ("BITBUCKET_PIPELINE_UUID", true),
            ("TF_BUILD", true),
            ("SYSTEM_JOBID", true),
            ("gitlab-ci", true),
            ("github-actions", true),
            ("github_action", true),
            ("circleci", true),
            ("github-city", false),
            ("task", false),
            ("TaskType", false),
            ("multitask-id", false),
            ("ExecutionMode", false),
            ("dagestan", false),
            ("orchestrator", false),
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
            (" arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e", true),
            (
                "https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/arn:aws:states:eu-central-1:\
                 123456789012:execution:Train:3f2b8c1e",
                true,
            ),
            (
                "https://console.aws.amazon.com/states/home#/executions/details/arn%3Aaws%3Astates%3Aus-east-1%3A123456789012%3Aexecution%3ATrain%3A3f",
                true,
            ),
            ("https://airflow.example.com/dags/churn/grid", true),
            ("https://ml.example.com/dags/churn/grid?dag_run_id=1", true),
            ("https://github.com/company/churn/actions/runs/17955702", true),
            ("https://gitlab.example.com/ml/churn/-/pipelines/1795", true),
            ("https://github.com/company/airflow-dags", false),
            ("https://gitlab.example.com/ml/churn", false),
            ("arn:aws:glue:eu-central-1:123456789012:workflow/churn", true),
            ("arn:aws:glue:eu-central-1:123456789012:job/churn", false),
            ("arn:aws:airflow-serverless:eu-central-1:123456789012:workflow/churn", true),
            ("arn:aws:datapipeline:eu-central-1:123456789012:pipeline/df-0123", true),
            ("arn:aws:iam::123456789012:role/states", false),
            ("arn:aws:s3:::ml-company", false),
            ("states", false),
        ] {
            assert_eq!(is_known("training-job/churn", &[("started-by", value)]), is_sign, "{value}");
        }
    }
    #[test]
    fn a_tool_that_waits_is_known_where_the_key_tells_what_made_the_job() {
        for (key, value, is_sign) in [
            ("orchestrator", "airflow", true),
            ("managed-by", "airflow", true),
            ("created-by", "Airflow", true),
            ("CreatedBy", "prefect", true),
            ("managed_by", "kubeflow", true),
            ("ManagedBy", "StepFunctions", true),
            ("started-by", "step functions", true),
            ("app.kubernetes.io/managed-by", "argo", true),
            ("app.kubernetes.io/managed-by", "argo-workflows", true),
            ("ml:source", "airflow-prod", true),
            ("triggered-by", "jenkins", true),
            ("launched_by", "gitlab-ci", true),
            ("RunBy", "GitHub Actions", true),
            ("scheduler", "oozie", true),
            ("CI", "true", true),
            ("ci", "1", false),
            ("Team", "airflow", false),
            ("Project", "kubeflow", false),
            ("Owner", "prefect", false),
            ("managed-by", "terraform", false),
            ("managed-by", "cloudformation", false),
            ("managed-by", "cdk", false),
            ("managed-by", "argo.rossi@example.com", false),
            ("created-by", "cargo", false),
            ("created-by", "ann@example.com", false),
            ("source", "https://github.com/company/churn", false),
            ("source", "https://github.com/company/airflow-dags", false),
            ("standby", "airflow", false),
        ] {
            let job = audited("training-job/churn", &[(key, value)]).resource;
            assert_eq!(Policy::from_toml("").unwrap().workflow_of(&job).is_some(), is_sign, "{key}={value}");
        }
    }
}
