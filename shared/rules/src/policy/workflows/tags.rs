//! Tags that tell of a workflow.

use std::sync::LazyLock;

use crate::{
    policy::workflows::{
        tools::{globs, in_words},
        values::{has_workflows_arn, is_nothing, is_run},
    },
    vocabulary::{
        globs::Globs,
        machines::is_machine,
        owners::Named,
        people::{full_name, is_group, is_of_group, is_placeholder, is_ticket},
        series::is_made_anew,
    },
};

/// Keys of tags that AWS sets on jobs: SageMaker Pipelines, the notebook jobs of Studio and of Unified Studio's workflows (which list a job and its result by the name that they gave it),
/// Step Functions, the AWS controllers for Kubernetes, and any service of AWS that created the job for itself, such as `CloudFormation`, whose stack fails with
/// its job: only AWS can set `aws:` (aws-facts §2.3, §2.5).
static OF_AWS: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "aws:*",
        "sagemaker:pipeline*",
        "sagemaker:is-scheduling-notebook-job",
        "sagemaker-notebook-execution",
        "MANAGED_BY_AWS",
        "AWS_STEP_FUNCTIONS*",
        "services.k8s.aws/*",
    ])
});

/// The same of tools that set no tags by themselves, whose users do: with the name of the tool, or with what tells a run of its graph (DAG), workflow or build
/// from others: of services for builds, the variables with which these are known, such as `GITHUB_RUN_ID`. A workflow's name alone may be that of the project.
static KEYS: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        // The name of a tool: alone, or with what it runs. `databricks-cost-center` is no run.
        "*{TOOLS,luigi}",
        "{SHORT,*[!a-z]{SHORT}}",
        "*{TOOLS,luigi}{WORK,*[!a-z]{WORK}}",
        "*{TOOLS,luigi}{WORK,*[!a-z]{WORK}}{[!a-z]*,id,key,name,number,url,uuid}",
        "{SHORT,*[!a-z]{SHORT}}[!a-z]{WORK,*[!a-z]{WORK}}",
        "{SHORT,*[!a-z]{SHORT}}[!a-z]{WORK,*[!a-z]{WORK}}{[!a-z]*,id,key,name,number,url,uuid}",
        "{WORDS,*[!a-z]{WORDS}}[!a-z]{RUNNABLE,*[!a-z]{RUNNABLE}}",
        "{WORDS,*[!a-z]{WORDS}}[!a-z]{RUNNABLE,*[!a-z]{RUNNABLE}}{[!a-z]*,id,key,name,number,url,uuid}",
        "*mwaa[!a-z]{env,environment}*",
        "{jenkins,*[!a-z]jenkins}[!a-z]url",
        // A graph, and a task in it.
        "{dag,*[./:]dag}",
        "{dag,*[!a-z]dag}[!a-z]*",
        "{dag,*[!a-z]dag}{id,name,run,task}*",
        "{task,*[!a-z]task}{id,instance,run}*",
        "{task,*[!a-z]task}[!a-z]{id,instance,run}*",
        "{execution,*[!a-z]execution}{date,name,[!a-z]date,[!a-z]name}*",
        "{logical,*[!a-z]logical}{date,[!a-z]date}",
        "data{interval,[!a-z]interval}{end,start,[!a-z]end,[!a-z]start}",
        // Services of AWS.
        "*{task,callback}{token,[!a-z]token}*",
        "*batch{job,[!a-z]job}{arn,id,[!a-z]arn,[!a-z]id}",
        "*aws{batch,[!a-z]batch}{job,[!a-z]job}*",
        "*glue{workflow,[!a-z]workflow}*",
        "*{state,state[!a-z]}machine*",
        "*{step,step[!a-z],steps,steps[!a-z]}function*",
        "sfn{arn,execution}*",
        "*[!a-z]sfn{arn,execution}*",
        // A run.
        "{job,*[!a-z]job}{run,[!a-z]run}",
        "{job,*[!a-z]job}{run,[!a-z]run}{id,[!a-z]*}",
        "{execution,*[./:]execution}",
        "*execution{arn,[!a-z]arn}",
        "*exec{id,[!a-z]id}",
        "{RUNNING,*[!a-z]{RUNNING}}{arn,execution,id,number,run,uid,url,uuid}*",
        "{RUNNING,*[!a-z]{RUNNING}}[!a-z]{arn,execution,id,number,run,uid,url,uuid}*",
        "{flow,*[./:]flow}{execution,run,[!a-z]execution,[!a-z]run}*",
        "{wf,tfx,*[!a-z]{wf,tfx}}{execution,pipeline,run,[!a-z]execution,[!a-z]id,[!a-z]pipeline,[!a-z]run}*",
        "*{pipeline,workflow}{arn,counter,execution,id,number,run,uid,url,uuid}*",
        "*{pipeline,workflow}[!a-z]{arn,counter,execution,id,iid,number,run,uid,url,uuid}*",
        "{parent,*[!a-z]parent}{dag,execution,pipeline,workflow,[!a-z]dag,[!a-z]execution,[!a-z]pipeline,[!a-z]workflow}",
        // A step of one.
        "*{pipeline,workflow,[!a-z]dag}{stage,step,[!a-z]stage,[!a-z]step}",
        "*{pipeline,workflow,[!a-z]dag}{stage,step,[!a-z]stage,[!a-z]step}{id,name,[!a-z]*}",
        "*{workflow,[!a-z]dag}{task,[!a-z]task}",
        "*{workflow,[!a-z]dag}{task,[!a-z]task}{id,name,[!a-z]*}",
        // Services for builds.
        "{ci,*[!a-z]ci,*{buildkite,circle,github,gitlab,semaphore,travis}*}[!a-z]{build,job,run}*{attempt,id,num,url}*",
        "{ci,cicd,*[!a-z]{ci,cicd}}[!a-z]{build,job,pipeline,run,workflow}",
        "*{buildkite,circle,github,gitlab,semaphore,travis}{build,job,run}*{attempt,id,num,url}*",
        "*{bitbucket,circle,github,gitlab}{pipeline,workflow,[!a-z]pipeline,[!a-z]workflow}*",
        "*{circle,github,gitlab,travis}{action,actions,ci,[!a-z]action,[!a-z]actions,[!a-z]ci}",
        "*{github,gitlab}{action,actions,ci,[!a-z]action,[!a-z]actions,[!a-z]ci}{WORK,[!a-z]{WORK}}*",
        "*{github,gitlab}{run,[!a-z]run}",
        "{release[!a-z]releaseid,system[!a-z]jobid,tf_build}",
        "*{adf,datafactory,data[!a-z]factory,dbt[!a-z]cloud,synapse}{runid,[!a-z]runid,[!a-z]run[!a-z]id}",
    ])
});

/// Such keys that tell of no run: the tool's servers and what people have in it, the build of an image or of code, a task that a person has, how long
/// something runs and on what, and a graph of causes.
static NO_RUN: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "*{TOOLS,SHORT,WORDS,luigi}{THINGS,[!a-z]{THINGS}}",
        "*{TOOLS,SHORT,WORDS,luigi}{THINGS,[!a-z]{THINGS}}{id,key,name,url,[!a-z]id,[!a-z]key,[!a-z]name,[!a-z]token,[!a-z]url}",
        "*{TOOLS,SHORT,WORDS,luigi}[!a-z]*[!a-z]{home,host,hostname}",
        "{BUILT,*[!a-z]{BUILT}}{build,[!a-z]build}{date,id,number,tag,url,[!a-z]date,[!a-z]id,[!a-z]number,[!a-z]tag,[!a-z]url}",
        "*runtime",
        "*runtime[!a-z]*",
        "*{task,task[!a-z]}instance{s,type,[!a-z]count,[!a-z]type}",
        "*causal*dag*",
        "*dag{type,[!a-z]type}",
        "*{asana,clickup,jira,linear,monday,notion,redmine,ticket,trello,youtrack}{task,[!a-z]task}*",
    ])
});

/// Keys that are a sign only if the value is an id: what else people have in a tool, the tasks of Hugging Face's pipelines (`fill-mask`) and of what evaluates
/// models, and ways to execute code.
static WITH_ID: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "*{TOOLS,luigi}*",
        "{SHORT,*[!a-z]{SHORT}}[!a-z]*",
        "{WORDS,*[!a-z]{WORDS}}[!a-z]*task*",
        "*pipeline{task,[!a-z]task}",
        "*pipeline{task,[!a-z]task}{id,[!a-z]id}",
        "*[!a-z]{dag,execution}",
    ])
});

/// Keys whose value may be the key of a ticket.
static TASKS: LazyLock<Globs> = LazyLock::new(|| Globs::of(&["*task{id,[!a-z]id}"]));

/// Such keys that name what runs the task, too.
static TASKS_OF_TOOLS: LazyLock<Globs> =
    LazyLock::new(|| globs(&["*{TOOLS,luigi,dag,pipeline,workflow}*", "{SHORT,WORDS,*[!a-z]{SHORT,WORDS}}[!a-z]*"]));

/// Keys of tags that tell by what a job was made or started: then the value may be the name of a tool. As the name of a team or a project it is no sign.
static ORIGINS: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "*{DONE}{by,[!a-z]by,[!a-z]from,[!a-z]via,[!a-z]with}",
        "{STARTER,*[!a-z]{STARTER}}",
        "{STARTER,execution,*[!a-z]{STARTER,execution}}{name,type,[!a-z]name,[!a-z]type}",
    ])
});

/// The same, or what a job is made of. `data-source` tells where its data is from.
static SOURCES: LazyLock<Globs> = LazyLock::new(|| Globs::of(&["{origin,source}"]));

/// The same in a namespace, what was done to the job, and the application that it belongs to. There the value has to name a tool.
static APPLICATIONS: LazyLock<Globs> =
    LazyLock::new(|| globs(&["*[.:/]{origin,source}", "app.kubernetes.io/{instance,name,part-of}", "{app,application,DONE}"]));

/// The tool that stands there then.
static TOOL: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "*{TOOLS}*",
        "{SHORT,WORDS}",
        "{SHORT,WORDS,IN_VALUES}.{ai,com,dev,io}",
        "{IN_VALUES}",
        "{IN_VALUES}[!a-z@.]*",
        "{ci,cicd,ci[!a-z]cd}",
        "{ci,cicd,ci[!a-z]cd}[!a-z@.]*",
        "*sagemaker{pipeline,[!a-z]pipeline}*",
        "*{glue,glue[!a-z]}workflow*",
        "{awsbatch,aws[!a-z]batch}",
        "{batch,states}.amazonaws.com",
        "*{state,state[!a-z]}machine*",
        "*{step,step[!a-z],steps,steps[!a-z]}function*",
        "*{bitbucket,github,gitlab,travis}{actions,ci,pipeline*}",
        "*{bitbucketpipelines,githubactions,gitlabci,travisci}*",
        "*{bitbucket,github,gitlab,travis}[!a-z]{actions,ci,oidc,pipeline*,runner*}",
        "*{bitbucket,github,gitlab,travis}[!a-z]{actions,ci,oidc}[!a-z]*",
        "{github,gitlab}[!a-z][0-9]*",
    ])
});

/// Such a tool by the first word of the text: `argo-workflows`, and `Argo Rossi`.
static FIRST_WORD: LazyLock<Globs> = LazyLock::new(|| globs(&["{SHORT}[!a-z@.]*"]));

/// The same where the name is one that people have in their user names, too: `mage-prod`, and `mage-ann`.
static FIRST_WORD_IS_ONE: LazyLock<Globs> = LazyLock::new(|| globs(&["{WORDS}[!a-z@.]*"]));

/// Its name alone, which is also that of its mailbox.
static ITS_NAME: LazyLock<Globs> = LazyLock::new(|| globs(&["{TOOLS,SHORT,WORDS}"]));

/// Or the workflow that people wrote for it. Dag is also a given name, so it counts in front only before an id or a name behind `:` or `/`.
static WORKFLOW: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "*[!a-z]dag",
        "*{orchestration,orchestrator,pipeline,pipelines,workflow,workflows}",
        "{PARTS}{[!a-z][0-9]*,[:/]*}",
        "{orchestration,orchestrator,pipeline,pipelines,workflow,workflows}[!a-z.]*",
        "*[!a-z]{PARTS}[!a-z]*",
    ])
});

/// A word for any of them.
static ANY_WORKFLOW: LazyLock<Globs> = LazyLock::new(|| globs(&["{PARTS}"]));

/// What creates resources, and waits for no job: `terraform-pipeline`.
static CREATING: LazyLock<Globs> = LazyLock::new(|| globs(&["{CREATING,*[!a-z]{CREATING}}", "{CREATING,*[!a-z]{CREATING}}[!a-z]*"]));

/// Keys of tags that tell what started the job, or what decides when. There a machine's name is that of a tool that waits, whether it is known here or not.
static STARTED: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "*{invoked,launched,scheduled,triggered}{by,[!a-z]by,[!a-z]from,[!a-z]via}",
        "{invoker,launcher,scheduler,trigger,*[!a-z]{invoker,launcher,scheduler,trigger}}",
    ])
});

/// A service for builds by its plain name.
static FORGE: LazyLock<Globs> = LazyLock::new(|| globs(&["{FORGES}"]));

/// Keys that are a sign if their value only says yes.
static ORCHESTRATED: LazyLock<Globs> = LazyLock::new(|| Globs::of(&["{orchestrated,*[!a-z]orchestrated}"]));

/// Keys of tags whose value is what runs the workflow that the job is a part of, whether it is a tool that is known here or not.
static ORCHESTRATION: LazyLock<Globs> = LazyLock::new(|| {
    Globs::of(&[
        "*orchestrat{ed,ion,or}",
        "*orchestrat{ed,ion,or}{by,name,tool,with,[!a-z]by,[!a-z]name,[!a-z]tool,[!a-z]via,[!a-z]with}",
        "*workflow{engine,manager,tool,[!a-z]engine,[!a-z]manager,[!a-z]tool}",
    ])
});

/// What stands there if nothing waits for the job: a person runs it by hand, it shares out its work itself, or what started it goes on at once.
static BY_HAND: LazyLock<Globs> = LazyLock::new(|| {
    globs(&[
        "{adhoc,ad[!a-z]hoc,by hand,cli,console,human,laptop,local,manual,manually,user}",
        "{colab,jupyter,notebook,pycharm,rstudio,sagemaker[!a-z]studio,studio,vscode}*",
        "{WITHIN}",
        "{amazon,aws}",
        "{FORGETTING,aws[!a-z]{FORGETTING},amazon[!a-z]{FORGETTING}}",
        "{FORGETTING,aws[!a-z]{FORGETTING},amazon[!a-z]{FORGETTING}}[!a-z]*",
    ])
});

/// Keys of tags that link to what one may read.
static READING: LazyLock<Globs> = LazyLock::new(|| globs(&["{TEXTS,*[!a-z]{TEXTS}}", "{TEXTS,*[!a-z]{TEXTS}}[!a-z]*"]));

/// Whether AWS itself marks the job so.
pub(super) fn is_of_aws(key: &str) -> bool {
    OF_AWS.is_match(key)
}

/// Whether a key says that a workflow waits for a job, if its value does not deny it.
pub(super) fn is_key(key: &str) -> bool {
    has(&KEYS, key) && !has(&NO_RUN, key)
}

/// Whether a key matches, as it is written or with its words in camel case parted.
fn has(globs: &Globs, key: &str) -> bool {
    globs.is_match(key) || globs.is_match(&in_words(key))
}

/// Whether a tag that AWS does not set says so.
pub(super) fn is_sign(key: &str, value: &str) -> bool {
    names_workflow(key, value) || (is_key(key) && !is_nothing(value) && !is_persons_task(key, value))
}

/// Whether it is the task of a person: the key of a ticket, a number as long as Asana's, or a name where no tool is named.
fn is_persons_task(key: &str, value: &str) -> bool {
    let is_long = || 15 <= value.len() && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = || !value.contains(|c: char| c.is_ascii_digit());
    has(&TASKS, key) && (is_ticket(value) || (!has(&TASKS_OF_TOOLS, key) && (is_long() || is_name())))
}

/// Whether the value of a tag names a workflow, or a tool that waits: by an ARN in it, by a link to a run or its id, or where the key
/// names a tool or tells what made the job.
pub fn names_workflow(key: &str, value: &str) -> bool {
    let (key, value) = (key.trim(), value.trim());
    let is_variable = key.eq_ignore_ascii_case("ci") && value.eq_ignore_ascii_case("true");
    let is_run = || is_run(value) && !has(&READING, key);
    let has_id = || has(&WITH_ID, key) && !has(&NO_RUN, key) && !value.contains("://") && is_made_anew(value);
    has_workflows_arn(value) || (!is_nothing(value) && (is_variable || is_run() || has_id() || tells_maker(key, value)))
}

/// Whether the key tells what made the job, and the value is a tool that waits or a workflow.
fn tells_maker(key: &str, value: &str) -> bool {
    // An address is a person's, if it is not that of a tool.
    let maker = match value.split_once('@') {
        Some((mailbox, _)) if ITS_NAME.is_match(mailbox) => mailbox,
        Some(_) => return false,
        None => value,
    };
    // The address of a repository tells where the code is.
    if maker.contains("://") || is_group(maker) || CREATING.is_match(maker) {
        return false;
    }
    let is_tool = is_tool(maker);
    let is_workflow = WORKFLOW.is_match(maker) && !is_persons_name(maker);
    let is_yes = || ["true", "yes"].iter().any(|yes| maker.eq_ignore_ascii_case(yes));
    (has(&ORIGINS, key) && (is_tool || is_workflow || FORGE.is_match(maker)))
        || (has(&STARTED, key) && is_machine(maker) && !BY_HAND.is_match(maker))
        || (has(&ORCHESTRATED, key) && is_yes())
        || (has(&SOURCES, key) && (is_tool || (is_workflow && !ANY_WORKFLOW.is_match(maker))))
        || (has(&APPLICATIONS, key) && is_tool)
        || (has(&ORCHESTRATION, key) && (is_tool || !is_nobody_or_person(maker)))
}

/// Whether the key tells what made the job, and the value is a tool that waits.
pub(super) fn tells_tool(key: &str, value: &str) -> bool {
    has(&ORIGINS, key) && !value.contains('@') && is_tool(value)
}

/// Whether a text names a tool that waits.
pub(super) fn is_tool(maker: &str) -> bool {
    let is_at_work = || {
        let mut words = maker.split(|c: char| !c.is_alphanumeric()).skip(1);
        words.any(|word| word.contains(|c: char| c.is_ascii_digit()) || is_machine(word) || is_of_group(word))
    };
    // `mary.jenkins` has a tool's name, and is a person.
    let is_surname = || is_persons_name(maker) && maker.rsplit(['.', ' ']).next().is_some_and(is_machine);
    (TOOL.is_match(maker) && !is_surname())
        || (FIRST_WORD.is_match(maker) && !is_persons_name(maker))
        || (FIRST_WORD_IS_ONE.is_match(maker) && !is_persons_name(maker) && is_at_work())
}

/// Whether nothing, a person or the person's own hand runs the workflow: `none`, `manual`, `ann.example`.
fn is_nobody_or_person(value: &str) -> bool {
    is_placeholder(value) || BY_HAND.is_match(value) || is_persons_name(value)
}

/// Whether it has the form of a first and a last name: `dag.nilsen`, `Ann Example`, but `churn.pipeline`.
fn is_persons_name(text: &str) -> bool {
    let is_of_person = |words: Vec<String>| !words.iter().any(|word| is_of_group(word));
    text.contains(['.', ' ']) && full_name(text).is_some_and(is_of_person) && !is_machine(text)
}

/// Whether the tag tells by whom the job was made, and the value may be a person's name: that of its owner then.
pub(super) fn may_name_owner(key: &str, value: &str) -> bool {
    has(&ORIGINS, key) && !is_key(key) && matches!(Named::of(value), Named::Person(_))
}
