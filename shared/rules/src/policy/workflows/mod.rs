//! Signs on a job that somebody's workflow waits for it.

use std::sync::LazyLock;

use serde::{Deserialize as _, Deserializer, de};

use crate::{
    policy::settings::Policy,
    vocabulary::{
        globs::{A_PATTERN, Globs, is_of_keys, is_of_names},
        machines::is_machine,
        people::{full_name, is_group, is_placeholder},
        resource::{Arn, Resource},
    },
};

/// The names of tools that wait for the jobs that they start. Tools that only create resources, such as Terraform, are none.
const TOOLS: &str = "activebatch,airflow,appveyor,appworx,argoproj,astronomer,automic,autosys,azkaban,azuredevops,azure[!a-z]devops,azurepipelines,\
    azure[!a-z]pipelines,bitrise,buildkite,camunda,circleci,clearml,codebuild,codefresh,codepipeline,dagster,databricks,dataiku,digdag,dolphinscheduler,elyra,\
    flyte,inngest,jenkins,kedro,kestra,kubeflow,matillion,metaflow,mlrun,mwaa,nextflow,oozie,orkes,pachyderm,pipedream,ploomber,polyaxon,rundeck,runmyjobs,\
    snakemake,spinnaker,stonebranch,streamsets,teamcity,tekton,valohai,workato,zapier,zeebe,zenml";

/// Further ones that are parts of words, too.
const SHORT: &str = "argo,bamboo,controlm,control[!a-z]m,ctm,gha,gocd,kfp,n8n,nifi,opcon,prefect,sfn,uc4";

/// Further ones that are words, too.
const WORDS: &str = "cadence,concourse,conductor,harness,hatchet,jams,mage,redwood,semaphore,temporal,tidal,windmill";

/// Further ones as they are written in names of jobs: of two words, which stand in no other name.
const IN_NAMES: &str = "step-function,step-functions,stepfunction,stepfunctions,state-machine,statemachine,github-action,github-actions,githubactions,\
    gitlab-ci,gitlabci,travis-ci,travisci,circle-ci,bitbucket-pipeline,bitbucket-pipelines";

/// What people call what they wrote for such a tool, and which then is what made a job: `churn-pipeline`.
const PARTS: &str = "dag,orchestration,orchestrator,pipeline,pipelines,workflow,workflows";

/// Patterns with these names in them.
fn globs(patterns: &[&str]) -> Globs {
    let lists = [("TOOLS", TOOLS), ("SHORT", SHORT), ("WORDS", WORDS), ("IN_NAMES", IN_NAMES), ("PARTS", PARTS)];
    let with_names = |pattern: &&str| lists.iter().fold((*pattern).to_owned(), |pattern, (name, list)| pattern.replace(name, list));
    let patterns: Vec<String> = patterns.iter().map(with_names).collect();
    Globs::of(&patterns.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Names that workflows choose for jobs: SageMaker Pipelines, the service jobs of AWS Batch, models of Amazon Redshift ML (`CREATE MODEL` fails with its
/// job), refreshes of Amazon Quick Sight's datasets, models and data flows of SageMaker Canvas, and the components of Kubeflow Pipelines (aws-facts §2.3); those
/// with the id of a run of Airflow; and those that begin with the name of a tool.
static NAMES: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "pipelines-*",
        "AWSBatch*",
        "redshiftml-20*",
        "quicksight-auto-generated-*",
        "*canvas-data-prep*",
        "Canvas1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*",
        "{TrainingJob,HPOJob,ProcessingJob,BatchTransform}-20????????????-????",
        "{backfill,manual,scheduled}--20*",
        "*-{backfill,manual,scheduled}--20*",
        "{TOOLS,SHORT,IN_NAMES}-*",
        "*-{IN_NAMES}-*",
        "{WORDS,ci,cicd,ci-cd,github,gitlab,bitbucket}-{build,execution,flow,job,pipeline,run,runner,task,workflow}-*",
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
static KEYS: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "*{TOOLS,luigi}*",
        "{SHORT,*[!a-z]{SHORT}}",
        "{SHORT,*[!a-z]{SHORT}}[!a-z]*",
        "{WORDS,*[!a-z]{WORDS}}[!a-z]*{build,execution,flow,job,pipeline,run,task}*",
        "{dag,*[!a-z]dag}",
        "{dag,*[!a-z]dag}[!a-z]*",
        "{dag,*[!a-z]dag}{id,name,run,task}*",
        "{task,*[!a-z]task}{id,instance,run}*",
        "{task,*[!a-z]task}[!a-z]{id,instance,run}*",
        "*{task,callback}{token,[!a-z]token}*",
        "{job,*[!a-z]job}{run,[!a-z]run}",
        "{job,*[!a-z]job}{run,[!a-z]run}{id,[!a-z]*}",
        "*batch{job,[!a-z]job}{arn,id,[!a-z]arn,[!a-z]id}",
        "*glue{workflow,[!a-z]workflow}*",
        "*{state,state[!a-z]}machine*",
        "*{step,step[!a-z],steps,steps[!a-z]}function*",
        "sfn{arn,execution}*",
        "*[!a-z]sfn{arn,execution}*",
        "{execution,*[!a-z]execution}",
        "{execution,*[!a-z]execution}{date,name,[!a-z]date,[!a-z]name}*",
        "{logical,*[!a-z]logical}{date,[!a-z]date}",
        "data{interval,[!a-z]interval}*",
        "*exec{id,[!a-z]id}",
        "{build,execution,flow,orchestration,*[!a-z]{build,execution,flow,orchestration}}{arn,execution,id,number,run,uid,url,uuid}*",
        "{build,execution,flow,orchestration,*[!a-z]{build,execution,flow,orchestration}}[!a-z]{arn,execution,id,number,run,uid,url,uuid}*",
        "*{pipeline,workflow}{arn,counter,execution,id,number,run,uid,url,uuid}*",
        "*{pipeline,workflow}[!a-z]{arn,counter,execution,id,number,run,uid,url,uuid}*",
        "*{pipeline,workflow,[!a-z]dag}{stage,step,task,[!a-z]stage,[!a-z]step,[!a-z]task}",
        "*{pipeline,workflow,[!a-z]dag}{stage,step,task,[!a-z]stage,[!a-z]step,[!a-z]task}{id,name,[!a-z]*}",
        "{ci,*[!a-z]ci,*{buildkite,circle,github,gitlab,semaphore,travis}*}[!a-z]{build,job,run}*{attempt,id,num,url}*",
        "{ci,cicd,*[!a-z]{ci,cicd}}[!a-z]{build,job,pipeline,run,workflow}",
        "*{buildkite,circle,github,gitlab,semaphore,travis}{build,job,run}*{attempt,id,num,url}*",
        "*{bitbucket,circle,github,gitlab}{pipeline,workflow,[!a-z]pipeline,[!a-z]workflow}*",
        "*{circle,github,gitlab,travis}{action*,ci}",
        "*{circle,github,gitlab,travis}[!a-z]{action*,ci}",
        "{system_jobid,tf_build}",
    ])
});

/// Keys of tags that tell by what a job was made or started: then the value may be the name of a tool. As the name of a team or a project it is no sign.
static ORIGINS: LazyLock<Globs> = LazyLock::new(|| {
    let done = "created,deployed,executed,initiated,invoked,launched,managed,orchestrated,requested,run,scheduled,spawned,started,submitted,triggered";
    let by = "caller,creator,engine,initiator,invoker,launcher,orchestration,orchestrator,origin,runner,scheduler,source,submitter,tool,trigger,workflow";
    Globs::of(&[&format!("*{{{done}}}{{by,[!a-z]by,[!a-z]from,[!a-z]via,[!a-z]with}}"), &format!("{{{by},*[!a-z]{{{by}}}}}")])
});

/// What stands there then.
static WAITING: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "*{TOOLS}*",
        "{SHORT,WORDS}",
        "{SHORT,WORDS}[!a-z@.]*",
        "{ci,cicd,ci[!a-z]cd}",
        "{ci,cicd,ci[!a-z]cd}[!a-z@.]*",
        "{dag,*[!a-z]dag,*{orchestration,orchestrator,pipeline,pipelines,workflow,workflows}}",
        "{PARTS,*[!a-z]{PARTS}}[!a-z]*",
        "*sagemaker{pipeline,[!a-z]pipeline}*",
        "*{glue,glue[!a-z]}workflow*",
        "{awsbatch,aws[!a-z]batch}",
        "*{state,state[!a-z]}machine*",
        "*{step,step[!a-z],steps,steps[!a-z]}function*",
        "*{bitbucket,github,gitlab,travis}{actions,ci,pipeline*}",
        "*{bitbucket,github,gitlab,travis}[!a-z]{actions,ci,pipeline*,runner*}",
    ])
});

/// Keys of tags whose value is what runs the workflow that the job is a part of, whether it is a tool that is known here or not.
static ORCHESTRATION: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "*orchestrat{ed,ion,or}",
        "*orchestrat{ed,ion,or}{by,name,tool,with,[!a-z]by,[!a-z]name,[!a-z]tool,[!a-z]via,[!a-z]with}",
        "*workflow{engine,manager,tool,[!a-z]engine,[!a-z]manager,[!a-z]tool}",
    ])
});

/// Links to a run of a workflow.
static LINKS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "http*://*{dag_run_id=,dagrunid=,/actions/runs/,/-/jobs/,/-/pipelines/,/_build/,/builds/,/codebuild/,/executions/,/flow-runs/,/pipelines/results/}*",
        "http*://*/dags/*/{graph,grid,runs}*",
    ])
});

/// The servers of tools that wait.
static HOSTS: LazyLock<Globs> = LazyLock::new(|| globs(&["*{TOOLS}*", "{SHORT,WORDS,ci,*[!a-z]{SHORT,WORDS,ci}}.*"]));

/// Ids of runs of Airflow.
static RUNS: LazyLock<Globs> = LazyLock::new(|| Globs::of(&["{asset_triggered,backfill,dataset_triggered,manual,scheduled}__20*"]));

/// The services whose ARN in a tag's value is that of a workflow, whatever the key is.
const ORCHESTRATORS: [&str; 7] = ["airflow", "airflow-serverless", "batch", "codebuild", "codepipeline", "datapipeline", "states"];

impl Policy {
    /// The workflow that a job's tags or its name tell of: `the execution pipeline/churn/execution/abc`. `None`: there is no sign of one.
    pub(crate) fn workflow_of(&self, job: &Resource) -> Option<String> {
        if let Some(workflow) = job.tags.read().and_then(|tags| self.workflow_in("tag", tags)) {
            return Some(workflow);
        }
        let is_sign = NAMES.is_match(&job.name) || self.workflows.names.is_match(&job.name);
        is_sign.then(|| "the workflow that its name tells of".to_owned())
    }

    /// The same by the variables that a job was given, in its environment or as hyperparameters: tools hand over the token or the run to answer to.
    #[must_use]
    pub fn workflow_of_variables(&self, variables: &[(String, String)]) -> Option<String> {
        self.workflow_in("variable", variables.iter().map(|(key, value)| (key, value)))
    }

    /// `what`: what these pairs are, `tag`.
    fn workflow_in<'a>(&self, what: &str, pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Option<String> {
        // The SageMaker SDK writes hyperparameters as JSON, in quotes.
        let mut pairs = pairs.into_iter().map(|(key, value)| (key, value.trim().trim_matches('"')));
        let (key, value) = pairs.find(|(key, value)| self.is_workflow_tag(key) || names_workflow(key, value))?;
        Some(match Arn::parse(value) {
            Some(_) => format!("{value} (its {what} {key})"),
            None => format!("the workflow that its {what} {key} tells of"),
        })
    }

    /// Whether a tag says that a workflow waits for a job.
    pub(crate) fn is_workflow_tag(&self, key: &str) -> bool {
        TAGS.is_match(key) || KEYS.is_match(key) || self.workflows.tags.is_match(key)
    }
}

/// Whether the value of a tag names a workflow, or a tool that waits: by an ARN in it, by a link to a run or its id, or where the key
/// tells what made the job.
pub fn names_workflow(key: &str, value: &str) -> bool {
    let value = value.trim();
    let is_variable = key.eq_ignore_ascii_case("ci") && value.eq_ignore_ascii_case("true");
    // The address of a repository tells where the code is, that of a person who.
    let is_of_people = || value.contains("://") || value.contains('@') || is_group(value);
    let is_tool = || ORIGINS.is_match(key.trim()) && WAITING.is_match(value);
    let is_tool = || !is_of_people() && (is_tool() || (ORCHESTRATION.is_match(key.trim()) && !is_nobody_or_person(value)));
    is_variable || has_workflows_arn(value) || is_link_to_run(value) || RUNS.is_match(value) || is_tool()
}

/// Whether nothing, a person or the person's own hand runs the workflow: `none`, `manual`, `ann.example`.
fn is_nobody_or_person(value: &str) -> bool {
    const BY_HAND: [&str; 5] = ["adhoc", "by hand", "human", "manual", "manually"];
    let is_full_name = || value.contains(['.', ' ']) && full_name(value).is_some() && !is_machine(value);
    is_placeholder(value) || BY_HAND.iter().any(|hand| value.eq_ignore_ascii_case(hand)) || is_full_name()
}

fn is_link_to_run(value: &str) -> bool {
    let address = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let host = address.and_then(|address| address.split('/').next());
    LINKS.is_match(value) || host.is_some_and(|host| HOSTS.is_match(host))
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

/// Reads patterns of names.
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    let globs = Globs::deserialize(deserializer)?;
    match globs.texts().iter().find(|text| !is_of_names(text)) {
        Some(text) => Err(de::Error::custom(format!("`names` has `{text}`, which is no pattern of names: {A_PATTERN}"))),
        None => Ok(globs),
    }
}

/// Reads patterns of keys of tags.
pub(super) fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    let globs = Globs::deserialize(deserializer)?;
    let Some(text) = globs.texts().iter().find(|text| !is_of_keys(text)) else { return Ok(globs) };
    let meant = match text.split_once('=') {
        Some((key, _)) => format!("the value of a tag does not count: write the key alone, \"{}\"", key.trim()),
        None => A_PATTERN.to_owned(),
    };
    Err(de::Error::custom(format!("`tags` has `{text}`, which is no pattern of keys of tags: {meant}")))
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
    fn a_job_whose_environment_or_hyperparameters_name_the_run_that_waits_was_stopped() {
        let policy = Policy::from_toml("[workflows]\ntags = [\"acme-run\"]").unwrap();
        for (key, value, is_sign) in [
            ("TASK_TOKEN", "AAAAKgAAAAIAAA", true),
            ("task_token", "\"AAAAKgAAAAIAAA\"", true),
            ("EXECUTION_ARN", "arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e", true),
            ("parent", "\"arn:aws:states:eu-central-1:123456789012:execution:Train:3f2b8c1e\"", true),
            ("AIRFLOW_CTX_DAG_RUN_ID", "manual__2026-11-30T09:10:00+00:00", true),
            ("DAGSTER_PIPES_CONTEXT", "eJyrVkrOzytJrShRslJQ", true),
            ("__ZENML_ENTRYPOINT", "step", true),
            ("GITHUB_RUN_ID", "17955702", true),
            ("acme-run", "17", true),
            ("SAGEMAKER_PROGRAM", "train.py", false),
            ("sagemaker_job_name", "\"churn-2026-11-30-09-10-00-123\"", false),
            ("MLFLOW_RUN_ID", "3f2b8c1e", false),
            ("WANDB_RUN_ID", "3f2b8c1e", false),
            ("lr_scheduler", "cosine", false),
            ("epochs", "10", false),
            ("tokenizer", "bert", false),
            ("HF_TASK", "text-classification", false),
            ("model_id", "huggingface-llm-falcon", false),
        ] {
            assert_eq!(policy.workflow_of_variables(&[(key.to_owned(), value.to_owned())]).is_some(), is_sign, "{key}={value}");
        }
    }

    #[test]
    fn a_job_of_another_tool_or_with_the_id_of_its_run_was_stopped() {
        let policy = Policy::from_toml("").unwrap();
        let is_known = |id: &str, tags: &[(&str, &str)]| policy.workflow_of(&audited(id, tags).resource).is_some();
        for (name, is_sign) in [
            ("scheduled--2026-11-30T00-00-00-00-00-train", true),
            ("churn-manual--2026-11-30T09-10-00", true),
            ("airflow-churn-20261130", true),
            ("kfp-train-x7k2p", true),
            ("sfn-train-3f2b8c1e", true),
            ("manual-churn-20261130", false),
            ("argonaut-train", false),
            ("churn-airflow", false),
        ] {
            assert_eq!(is_known(&format!("training-job/{name}"), &[]), is_sign, "{name}");
        }
        for (key, is_sign) in [
            ("kestra.io/flow", true),
            ("argo-workflow-name", true),
            ("kfp_run_id", true),
            ("nextflow", true),
            ("control-m", true),
            ("ctm_orderid", true),
            ("RD_JOB_EXECID", true),
            ("rundeck", true),
            ("TEAMCITY_BUILD", true),
            ("bamboo.buildKey", true),
            ("GO_PIPELINE_COUNTER", true),
            ("temporal-run", true),
            ("mage_ai/pipeline", true),
            ("workflowUid", true),
            ("parent-execution", true),
            ("dag_owner", true),
            ("dagTask", true),
            ("glue_job_run_id", true),
            ("JobRunId", true),
            ("job-runtime", false),
            ("TaskToken", true),
            ("callback-token", true),
            ("GlueWorkflow", true),
            ("AWS_BATCH_JOB_ID", true),
            ("MLOpsPipelineRun", true),
            ("ci-pipeline", true),
            ("GITHUB_WORKFLOW", true),
            ("AzurePipelines", true),
            ("execution_date", true),
            ("logical_date", true),
            ("orchestration-id", true),
            ("temporal", false),
            ("control-model", false),
            ("luigi", true),
            ("harness", false),
            ("image", false),
            ("date", false),
            ("batch-job", false),
            ("batch-size", false),
            ("job-name", false),
            ("JobFamily", false),
            ("cargo-id", false),
            ("pipeline-owner", false),
        ] {
            assert_eq!(is_known("training-job/churn", &[(key, "1")]), is_sign, "{key}");
        }
        for (key, value, is_sign) in [
            ("created-by", "SageMaker Pipelines", true),
            ("orchestrator", "kestra", true),
            ("scheduler", "Control-M", true),
            ("Orchestration", "StepFunctions", true),
            ("executed-by", "jenkins", true),
            ("created-from", "airflow", true),
            ("Creator", "StepFunctions", true),
            ("invoker", "step functions", true),
            ("triggered-by", "azure pipelines", true),
            ("triggered-by", "travis-ci", true),
            ("runner", "github-runner", true),
            ("triggered-by", "CI/CD", true),
            ("triggered-by", "glue workflow", true),
            ("Creator", "travis", false),
            ("creator", "ann", false),
            ("created-by", "mary.jenkins@example.com", false),
            ("created-by", "luigi", false),
            ("origin", "s3", false),
            ("run_id", "scheduled__2026-11-30T00:00:00+00:00", true),
            ("run", "manual__2026-11-30T09:10:00+00:00", true),
            ("run", "scheduled_2026-11-30", false),
            ("url", "https://dagster.cloud/prod/runs/3f2b8c1e", true),
            ("url", "https://app.prefect.cloud/account/1/workspace/2/flow-runs/flow-run/3", true),
            ("url", "https://jenkins.example.com/job/churn/41/", true),
            ("url", "https://ci.example.com/job/churn/41/console", true),
            ("url", "https://dev.azure.com/company/ml/_build/results", true),
            ("url", "https://bitbucket.org/company/churn/pipelines/results/41", true),
            ("url", "https://argo.example.com/workflows/ml/churn-x7k2p", true),
            ("url", "https://3f2b8c1e.c2.eu-central-1.airflow.amazonaws.com/dags/churn/grid", true),
            ("url", "https://ml.example.com/dags/churn/grid", true),
            ("url", "https://wandb.ai/company/churn/runs/3f2b8c1e", false),
            ("url", "https://github.com/company/churn/blob/main/dags/churn.py", false),
            ("url", "https://github.com/company/churn/blob/main/.github/workflows/train.yml", false),
            ("url", "https://cargo.example.com/churn", false),
            ("data", "s3://airflow-data/churn", false),
        ] {
            assert_eq!(is_known("training-job/churn", &[(key, value)]), is_sign, "{key}={value}");
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

    #[test]
    fn a_job_that_a_tool_of_the_company_waits_for_was_stopped() {
        let policy = Policy::from_toml("").unwrap();
        let is_known = |id: &str, tags: &[(&str, &str)]| policy.workflow_of(&audited(id, tags).resource).is_some();
        for (name, is_sign) in [
            ("step-functions-churn-3f2b8c1e", true),
            ("StepFunctions-churn", true),
            ("churn-stepfunctions-3f2b8c1e", true),
            ("github-actions-churn-17955702", true),
            ("gitlab-ci-churn-41", true),
            ("gha-churn-17955702", true),
            ("prefect-churn-x7k2p", true),
            ("controlm-churn", true),
            ("control-m-churn", true),
            ("Automic-churn", true),
            ("uc4-churn", true),
            ("stonebranch-churn", true),
            ("tidal-job-41", true),
            ("windmill-flow-41", true),
            ("n8n-churn", true),
            ("clearml-churn", true),
            ("valohai-churn", true),
            ("ci-build-41", true),
            ("temporal-fusion-transformer", false),
            ("tidal-forecast", false),
            ("windmill-faults", false),
            ("prefecture-sales", false),
            ("github-stars", false),
            ("ghana-sales", false),
            ("civil-claims", false),
        ] {
            assert_eq!(is_known(&format!("training-job/{name}"), &[]), is_sign, "{name}");
        }
        for tool in ["Automic", "UC4", "Stonebranch", "Tidal", "n8n", "Windmill", "ClearML", "Valohai", "gha"] {
            for key in ["orchestrator", "created-by", "managed_by", "Scheduler", "triggeredBy"] {
                assert!(is_known("training-job/churn", &[(key, tool)]), "{key}={tool}");
            }
        }
        for (key, value, is_sign) in [
            ("orchestrator", "our-own-thing", true),
            ("Orchestrator", "Moonraker", true),
            ("ml:orchestrated-by", "nightly", true),
            ("orchestration-tool", "hamster", true),
            ("WorkflowEngine", "hamster", true),
            ("orchestrator", "none", false),
            ("orchestrator", "manual", false),
            ("orchestrator", "ann.example", false),
            ("orchestrator", "Ann Example", false),
            ("orchestrator", "ann@example.com", false),
            ("orchestrator", "vision-team", false),
            ("orchestrator", " ", false),
            ("orchestrator-owner", "vision", false),
            ("created-by", "training-pipeline", true),
            ("created-by", "TrainingPipeline", true),
            ("created-by", "churn_workflow", true),
            ("CreatedBy", "pipeline:churn", true),
            ("submitted-by", "retrain dag", true),
            ("created-by", "pipeline-team", false),
            ("created-by", "dagmar", false),
            ("created-by", "ann", false),
            ("Team", "training-pipeline", false),
            ("pipeline-step", "train", true),
            ("PipelineStepName", "Train", true),
            ("workflow_task", "train", true),
            ("ml/pipeline_stage", "train", true),
            ("pipeline-steward", "ann", false),
        ] {
            assert_eq!(is_known("training-job/churn", &[(key, value)]), is_sign, "{key}={value}");
        }
    }

    #[test]
    fn a_pattern_of_another_language_protected_no_job() {
        const ANY: &str = "a pattern is for example \"churn*\"";
        for (key, pattern, says) in [
            ("names", "train.*", ANY),
            ("names", "^score", ANY),
            ("names", "score$", ANY),
            ("names", "batch-%", ANY),
            ("names", "(train|score)-*", ANY),
            ("names", "train-*, score-*", ANY),
            ("names", "train-* or score-*", ANY),
            ("names", "training-job/churn-*", ANY),
            ("names", "Pipeline=churn", ANY),
            ("tags", "pipeline.*", ANY),
            ("tags", "pipeline.+", ANY),
            ("tags", "^pipeline", ANY),
            ("tags", "pipeline-%", ANY),
            ("tags", "(flow|run)-id", ANY),
            ("tags", "flow-id, run-id", ANY),
            ("tags", "Pipeline=churn", "the value of a tag does not count: write the key alone, \"Pipeline\""),
        ] {
            let text = format!("[workflows]\n{key} = [\"our-*\", \"{pattern}\"]");
            let error = Policy::from_toml(&text).err().unwrap().to_string();
            assert!(error.contains(&format!("`{key}` has `{pattern}`, which is no pattern of ")) && error.contains(says), "{error}");
        }
        for (key, pattern) in [
            ("names", "train-*"),
            ("names", "{train,score}-[0-9]*"),
            ("names", "nightly_?"),
            ("tags", "our.company/run:id"),
            ("tags", "*flow*"),
            ("tags", "{flow,run}[!a-z]id"),
            ("tags", "Ünser Lauf@x+y"),
        ] {
            assert!(Policy::from_toml(&format!("[workflows]\n{key} = [\"{pattern}\"]")).is_ok(), "{pattern}");
        }
    }
}
