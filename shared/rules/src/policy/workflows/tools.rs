//! The names of tools that wait for the jobs that they start, and patterns with these names in them. Tools that only create resources, such as Terraform, are
//! none of them.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use crate::vocabulary::globs::Globs;

/// Tools for work on data and on models.
const OF_DATA: &[&str] = &[
    "argoproj",
    "azkaban",
    "dagster",
    "digdag",
    "dolphinscheduler",
    "elyra",
    "flyte",
    "kestra",
    "kubeflow",
    "matillion",
    "metaflow",
    "mlrun",
    "mwaa",
    "oozie",
    "pachyderm",
    "polyaxon",
    "snakemake",
    "streamsets",
    "valohai",
    "zenml",
    "clearml",
];

/// Schedulers of all that a company runs at night.
const OF_COMPANIES: &[&str] = &["activebatch", "appworx", "automic", "autosys", "rundeck", "runmyjobs", "stonebranch"];

/// Services that build and deploy.
const OF_BUILDS: &[&str] = &[
    "appveyor",
    "azuredevops",
    "azure[!a-z]devops",
    "azurepipelines",
    "azure[!a-z]pipelines",
    "bitrise",
    "buildkite",
    "circleci",
    "codebuild",
    "codefresh",
    "codepipeline",
    "teamcity",
    "tekton",
];

/// Engines of processes, and tools that connect services.
const OF_PROCESSES: &[&str] = &["camunda", "inngest", "orkes", "workato", "zapier", "zeebe"];

/// Further ones that are parts of words, too.
const ABBREVIATIONS: &[&str] = &["controlm", "control[!a-z]m", "gocd", "kfp", "n8n", "opcon", "prefect", "sfn", "uc4"];

/// Further ones whose names are also those of data, models, diseases or people: `airflow-sensors`, `databricks-dolly`.
const ALSO_DATA: &[&str] = &["airflow", "astronomer", "databricks", "dataiku", "jenkins", "nextflow", "pipedream", "spinnaker"];

/// The same that are parts of words, too. `gha` is GitHub Actions, and Ghana.
const SHORT_ALSO_DATA: &[&str] = &["argo", "bamboo", "ctm", "gha", "nifi"];

/// Libraries in which people write pipelines, which run by themselves or in one of the tools.
const LIBRARIES: &[&str] = &["kedro", "ploomber"];

/// Further ones that are words, too.
const WORDS: &[&str] =
    &["cadence", "concourse", "conductor", "harness", "hatchet", "jams", "mage", "redwood", "semaphore", "temporal", "tidal", "windmill"];

/// Further ones as they are written in names of jobs: of two words, which stand in no other name.
const IN_NAMES: &[&str] = &[
    "stepfunction",
    "stepfunctions",
    "github-action",
    "github-actions",
    "githubactions",
    "gitlab-ci",
    "gitlabci",
    "travis-ci",
    "travisci",
    "circle-ci",
    "bitbucket-pipeline",
    "bitbucket-pipelines",
];

/// Further ones as they are written in names of jobs, before the time or the id of a run.
const BEFORE_TIME: &[&str] =
    &["actions-runner", "aws-batch", "dbt-run", "gh-actions", "glue-workflow", "luigi", "states-execution", "step-fn", "stepfn", "tfx"];

/// Further ones that are a sign only where a key tells what made the job: alone or with other words behind.
const IN_VALUES: &[&str] = &[
    "abinitio",
    "adf",
    "alteryx",
    "aws[!a-z]glue",
    "azdo",
    "azure[!a-z]data[!a-z]factory",
    "bmc[!a-z]control[!a-z]m",
    "boomi",
    "ca7",
    "cirrus[!a-z]ci",
    "cloud[!a-z]composer",
    "codecatalyst",
    "covalent",
    "cronicle",
    "dagit",
    "datafactory",
    "dbt[!a-z]cloud",
    "dkron",
    "drone[!a-z]ci",
    "emr[!a-z]step",
    "forgejo",
    "gh[!a-z]actions",
    "ghactions",
    "gitea[!a-z]actions",
    "glue[!a-z]job",
    "iics",
    "informatica",
    "iws",
    "js7",
    "keboola",
    "mulesoft",
    "netflix[!a-z]conductor",
    "octopus[!a-z]deploy",
    "opswise",
    "outerbounds",
    "screwdriver",
    "sematic",
    "snaplogic",
    "snowflake[!a-z]task",
    "statesexecution",
    "step[!a-z]fn",
    "synapse",
    "talend",
    "tfs",
    "tivoli",
    "tws",
    "unionai",
    "vsts",
    "woodpecker",
    "zuul",
];

/// Services for builds by their plain names, which as a source are those of where the code is.
const FORGES: &[&str] = &["bitbucket", "drone", "github", "gitlab", "prow"];

/// Two words that are also those of mathematics: `step-function-approximation`.
const ALSO_MATHS: &[&str] = &["step-function", "step-functions", "state-machine", "statemachine"];

/// What people call what they wrote for such a tool, and which then is what made a job: `churn-pipeline`.
const PARTS: &[&str] = &["dag", "orchestration", "orchestrator", "pipeline", "pipelines", "workflow", "workflows"];

/// Tools that create resources. They wait for no job.
const CREATING: &[&str] = &[
    "ansible",
    "cdk",
    "cdktf",
    "cloudformation",
    "crossplane",
    "opentofu",
    "pulumi",
    "puppet",
    "spacelift",
    "terraform",
    "terragrunt",
    "tofu",
];

/// What shares out the work within a job, or is the person's own program. Nothing there waits for the job.
const WITHIN: &[&str] = &[
    "accelerate",
    "bash",
    "boto3",
    "botocore",
    "deepspeed",
    "dvc",
    "horovod",
    "hydra",
    "lightning",
    "make",
    "mpi",
    "mpirun",
    "optuna",
    "python",
    "pytorch[!a-z]lightning",
    "ray",
    "sagemaker",
    "sagemaker[!a-z]{python[!a-z]sdk,sdk}",
    "script",
    "sdk",
    "shell",
    "slurm",
    "torchrun",
];

/// What starts jobs, and goes on at once.
const FORGETTING: &[&str] = &["cloudwatch", "cron", "cronjob", "crontab", "event", "eventbridge", "lambda", "s3", "sns", "sqs", "systemd"];

/// What has runs, executions or builds.
const RUNNING: &[&str] = &["build", "execution", "orchestration", "orchestrator"];

/// What a tool runs, behind its name in a key: `airflow-dag`, `argo/workflow-name`. What else stands there is something that people have in the tool.
const WORK: &[&str] =
    &["build", "dag", "exec", "execution", "flow", "job", "node", "order", "pipeline", "pipelines", "pod", "run", "task", "workflow"];

/// The same without what is also a word of machine learning beside a tool's name that is a word: `harness-task`.
const RUNNABLE: &[&str] = &["build", "execution", "flow", "job", "pipeline", "run", "workflow"];

/// What people have in a tool, and where it is.
const THINGS: &[&str] = &["api", "home", "host", "hostname", "project", "queue", "team", "user", "username", "version", "workspace"];

/// What is built of code.
const BUILT: &[&str] = &["app", "code", "container", "docker", "git", "image", "model", "package"];

/// What one may read.
const TEXTS: &[&str] = &["docs", "documentation", "readme", "runbook", "wiki"];

/// What a tool does to a job.
const DONE: &[&str] = &[
    "created",
    "deployed",
    "executed",
    "generated",
    "initiated",
    "invoked",
    "launched",
    "managed",
    "orchestrated",
    "provisioned",
    "requested",
    "run",
    "scheduled",
    "spawned",
    "started",
    "submitted",
    "triggered",
];

/// What it is then to the job.
const STARTER: &[&str] = &[
    "caller",
    "creator",
    "engine",
    "executor",
    "initiator",
    "invocation",
    "invoker",
    "launcher",
    "orchestration",
    "orchestrator",
    "requester",
    "requestor",
    "runner",
    "scheduler",
    "submitter",
    "tool",
    "trigger",
    "via",
    "workflow",
];

/// What stands in a pattern in capitals, and the lists whose names may be there.
const LISTS: &[(&str, &[&[&str]])] = &[
    ("TOOLS", &[OF_DATA, OF_COMPANIES, OF_BUILDS, OF_PROCESSES, ALSO_DATA, LIBRARIES]),
    ("SHORT", &[ABBREVIATIONS, SHORT_ALSO_DATA]),
    ("WORDS", &[WORDS]),
    ("PARTS", &[PARTS]),
    ("CREATING", &[CREATING]),
    ("WITHIN", &[WITHIN]),
    ("FORGETTING", &[FORGETTING]),
    ("RUNNING", &[RUNNING]),
    ("WORK", &[WORK]),
    ("RUNNABLE", &[RUNNABLE]),
    ("THINGS", &[THINGS, TEXTS]),
    ("BUILT", &[BUILT]),
    ("TEXTS", &[TEXTS]),
    ("DONE", &[DONE]),
    ("STARTER", &[STARTER]),
    // In names of jobs: those that nothing else is called, and the others.
    ("CERTAIN", &[OF_DATA, OF_COMPANIES, OF_BUILDS, OF_PROCESSES, ABBREVIATIONS, IN_NAMES]),
    ("IN_NAMES", &[IN_NAMES]),
    ("LIKE_DATA", &[ALSO_DATA]),
    ("RATHER_DATA", &[SHORT_ALSO_DATA, LIBRARIES, ALSO_MATHS]),
    ("IN_VALUES", &[IN_VALUES]),
    ("FORGES", &[FORGES]),
    ("BEFORE_TIME", &[BEFORE_TIME]),
    ("ALSO_MATHS", &[ALSO_MATHS]),
    ("LIBRARIES", &[LIBRARIES]),
    // Those that have runs of their own.
    ("WITH_RUNS", &[OF_DATA, OF_COMPANIES, OF_BUILDS, OF_PROCESSES, ABBREVIATIONS, ALSO_DATA, SHORT_ALSO_DATA]),
];

/// A key or a name with a hyphen between its words in camel case: `Glue-Job-Run-Id`.
pub(super) fn in_words(name: &str) -> Cow<'_, str> {
    static HUMP: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])").expect("a regular expression that the tests use"));
    HUMP.replace_all(name, "$1$3-$2$4")
}

fn filled(pattern: &str, joint: &str) -> String {
    LISTS.iter().fold(pattern.to_owned(), |pattern, (name, lists)| pattern.replace(name, &lists.concat().join(joint)))
}

/// Patterns with these names in them: `{TOOLS,SHORT}-*`.
pub(super) fn globs(patterns: &[&str]) -> Globs {
    let patterns: Vec<String> = patterns.iter().map(|pattern| filled(pattern, ",")).collect();
    Globs::of(&patterns.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Regular expressions with these names in them, any of which matches a whole text, in any case: `(?:TOOLS)-(.+)`. A space stands for what is between two words
/// of a name: `task token` for `TASK_TOKEN`, `task-token` and `TaskToken`.
pub(super) fn regex(patterns: &[&str]) -> Regex {
    let all = filled(&patterns.join("|"), "|").replace("[!", "[^").replace(' ', "[^a-z0-9]*");
    Regex::new(&format!("(?i)^(?:{all})$")).expect("a regular expression that the tests use")
}
