//! Values of tags and variables that name a workflow, whatever their keys are.

use std::sync::LazyLock;

use crate::{
    policy::workflows::tools::globs,
    vocabulary::{globs::Globs, resource::Arn},
};

/// Links to a run of a workflow.
static LINKS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "http*://*{dag_run_id=,dagrunid=,/actions/runs/,/-/jobs/,/-/pipelines/,/_build/,/builds/[0-9],/codebuild/,/executions/}*",
        "http*://*{/flow-runs/,/pipelines/results/,/runs/details/}*",
        "http*://*console.aws.amazon.com/batch/*#jobs/*",
        "http*://*/dags/*/{graph,grid,runs}*",
    ])
});

/// The servers of tools that wait, and services for builds.
static HOSTS: LazyLock<Globs> =
    LazyLock::new(|| globs(&["*{TOOLS,travis-ci}*", "{SHORT,WORDS,build,builds,ci,*[!a-z]{SHORT,WORDS,build,builds,ci}}.*"]));

/// What stands in the link of such a server if it is one to a run.
static OF_RUN: LazyLock<Globs> =
    LazyLock::new(|| Globs::of(&["*[/#?&]{browse,build,dag,detail,exec,flow,job,pipeline,run,task,workflow}*"]));

/// Links to documentation, repositories and files, and to what an experiment has measured.
static OTHER_LINKS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "http*://{confluence,docs,wiki,*[!a-z]{confluence,docs,wiki}}.*",
        "http*://*/{blob,experiments}/*",
        "http*://{*.apache.org,*.readthedocs.io}/*",
        "*.{bin,git,gz,onnx,parquet,pt,safetensors,tar,tgz,whl,zip}",
    ])
});

/// The beginning of the path to documentation on a tool's server.
static DOCUMENTATION: LazyLock<Globs> =
    LazyLock::new(|| Globs::of(&["/{doc,docs,documentation,help,wiki}", "/{doc,docs,documentation,help,wiki}/*"]));

/// Ids of runs of Airflow and of AWS Glue, and the tokens with which one answers to Step Functions.
static RUNS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "{asset_triggered,backfill,dataset_triggered,manual,scheduled}__20*",
        "{jr,wr}_[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*",
        "{AAAAKgAAAA,AQC?AAAAKgAAAA}*",
    ])
});

/// The services whose ARN in a value is that of a workflow.
const ORCHESTRATORS: [&str; 7] = ["airflow", "airflow-serverless", "batch", "codebuild", "codepipeline", "datapipeline", "states"];

/// Whether nothing is meant: the key stands there, and there is no workflow.
pub(super) fn is_nothing(value: &str) -> bool {
    const NOTHING: [&str; 14] = ["", "-", "--", "0", "[]", "{}", "false", "n/a", "na", "nil", "no", "none", "null", "off"];
    NOTHING.iter().any(|nothing| value.trim().eq_ignore_ascii_case(nothing))
}

/// Whether it is the id of a run, or a link to one.
pub(super) fn is_run(value: &str) -> bool {
    RUNS.is_match(value) || is_link_to_run(value)
}

fn is_link_to_run(link: &str) -> bool {
    let Some(address) = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://")) else { return false };
    let (host, path) = address.split_at(address.find(['/', '?', '#']).unwrap_or(address.len()));
    let is_of_tool = || HOSTS.is_match(host) && OF_RUN.is_match(path);
    !OTHER_LINKS.is_match(link) && !DOCUMENTATION.is_match(path) && (LINKS.is_match(link) || is_of_tool())
}

/// Whether the ARN of a workflow, or of an execution of one, is in a text: alone, or at the end of a link to the console.
pub(super) fn has_workflows_arn(text: &str) -> bool {
    let text = text.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/");
    let is_workflows = |arn: Arn<'_>| match arn.service {
        "glue" => arn.resource.starts_with("workflow/"),
        "sagemaker" => arn.resource.starts_with("pipeline/"),
        service => ORCHESTRATORS.contains(&service),
    };
    text.match_indices("arn:").filter_map(|(at, _)| Arn::parse(&text[at..])).any(is_workflows)
}
