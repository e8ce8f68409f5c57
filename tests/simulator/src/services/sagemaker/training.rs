//! SageMaker's training jobs in the API, with AWS's own error texts (aws-facts §2.3). One file: one API, with its validation.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    estate::jobs as spec,
    life::{
        jobs::{
            NewJob,
            life::{Job, View},
        },
        order::{Asked, Order, Part, Sorting},
    },
    services::{
        On, Operation,
        sagemaker::tags::{as_list, tag_list},
    },
    wire::{Page, Refusal, seconds, text, with_token},
    world::{TagLog, World},
};

/// The statuses of a training job in the API.
pub(crate) const STATUSES: [&str; 6] = ["InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting"];
/// The statuses of a warm pool.
const POOL_STATUSES: [&str; 4] = ["Available", "Terminated", "Reused", "InUse"];
/// 28 days, in seconds.
const LONGEST: i64 = 28 * 24 * 3600;
/// Built-in algorithms without checkpoints. As Spot jobs they may wait for an hour at most (developer guide, model-managed-spot-training).
const WITHOUT_CHECKPOINTS: [&str; 15] = [
    "blazingtext",
    "factorization-machines",
    "forecasting-deepar",
    "ipinsights",
    "kmeans",
    "knn",
    "lda",
    "linear-learner",
    "ntm",
    "object2vec",
    "pca",
    "randomcutforest",
    "seq2seq",
    "topic-modeling",
    // 0.72; later ones are `sagemaker-xgboost`.
    "xgboost",
];

const ONE: On = On::One("training-job", "TrainingJobName");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("CreateTrainingJob", ONE, create),
    Operation::new("DescribeTrainingJob", ONE, |world, input| find(world, input).map(|job| described(world, &present(world, job)))),
    Operation::new("ListTrainingJobs", On::All("training-job"), |world, input| list(world, input)),
    Operation::new("StopTrainingJob", ONE, stop),
];

/// A job as it is now.
pub(crate) fn present<'a>(world: &World, job: &'a Job) -> View<'a> {
    job.as_of(world.now).unwrap_or_else(|| job.after_change(0))
}

/// For a missing name AWS answers this, and not the `ResourceNotFound` of its model (aws/aws-sdk#165).
fn find<'a>(world: &'a World, input: &Value) -> Result<&'a Job, Refusal> {
    let name = text(input, "TrainingJobName").unwrap_or_default();
    let found = world.jobs.training.get(name).filter(|job| job.name == name);
    found.ok_or_else(|| Refusal::validation("Requested resource not found.".into()))
}

fn stop(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let job = find(world, input)?;
    match job.last().status {
        "InProgress" => {}
        // No recording of AWS's answer for this status was found.
        "Stopping" => return Ok(json!({})),
        status => {
            return Err(Refusal::validation(format!("The request was rejected because the training job is in status {status}.")));
        }
    }
    let name = job.name.clone();
    world.stop_job(&name);
    Ok(json!({}))
}

fn create(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = legal_name(input, "TrainingJobName", "trainingJobName", 63)?;
    legal_role(input, "roleArn")?;
    legal_output(input, "outputDataConfig")?;
    legal_parameters(input.get("HyperParameters"), "hyperParameters")?;
    let serverless = input.get("ServerlessJobConfig").is_some();
    if !serverless {
        legal_algorithm(input, "algorithmSpecification")?;
    }
    legal_resources(input, "resourceConfig", serverless)?;
    legal_times(input, "stoppingCondition")?;
    legal_checkpoint(input)?;
    let tags = legal_tags(input)?;
    legal_spot(input)?;
    let arn = world.job_arn(&name);
    if world.jobs.training.get(&name).is_some() {
        let message = format!(
            "Training job names must be unique within an AWS account and region, and a training job with this name already exists ({arn})"
        );
        return Err(Refusal::new(400, "ResourceInUse", message));
    }
    let mut definition = input.clone();
    if let Some(fields) = definition.as_object_mut() {
        for apart in ["TrainingJobName", "Tags"] {
            fields.remove(apart);
        }
    }
    let definition = spec::filled(definition).into();
    world.create_job(NewJob { name, definition, script: None, parents: Value::Null, tuning: None, tags });
    Ok(json!({"TrainingJobArn": arn}))
}

fn required(field: &str) -> Refusal {
    Refusal::validation(format!(
        "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
    ))
}

/// A required name, checked for its length and characters.
pub(crate) fn legal_name(input: &Value, name: &str, field: &str, most: usize) -> Result<String, Refusal> {
    let name = text(input, name).ok_or_else(|| required(field))?;
    if most < name.len() {
        return Err(Refusal::invalid_value(name, field, &format!("Member must have length less than or equal to {most}")));
    }
    if !spec::is_legal_name(name) {
        let constraint = format!("Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){{0,{}}}", most - 1);
        return Err(Refusal::invalid_value(name, field, &constraint));
    }
    Ok(name.to_owned())
}

pub(crate) fn legal_role(input: &Value, field: &str) -> Result<(), Refusal> {
    let role = text(input, "RoleArn").ok_or_else(|| required(field))?;
    let legal = role.starts_with("arn:aws") && role.contains(":iam::") && role.contains(":role/");
    if legal { Ok(()) } else { Err(pattern(role, field, "^arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+$")) }
}

fn pattern(value: &str, field: &str, pattern: &str) -> Refusal {
    Refusal::invalid_value(value, field, &format!("Member must satisfy regular expression pattern: {pattern}"))
}

/// `(https|s3)://([^/]+)/?(.*)`
fn legal_uri(uri: &str, field: &str) -> Result<(), Refusal> {
    let rest = uri.strip_prefix("s3://").or_else(|| uri.strip_prefix("https://"));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
        return Ok(());
    }
    Err(pattern(uri, field, "^(https|s3)://([^/]+)/?(.*)$"))
}

pub(crate) fn legal_output(input: &Value, field: &str) -> Result<(), Refusal> {
    let output = input.get("OutputDataConfig").ok_or_else(|| required(field))?;
    let field = format!("{field}.s3OutputPath");
    legal_uri(text(output, "S3OutputPath").ok_or_else(|| required(&field))?, &field)
}

pub(crate) fn legal_checkpoint(input: &Value) -> Result<(), Refusal> {
    let Some(checkpoint) = input.get("CheckpointConfig") else { return Ok(()) };
    let field = "checkpointConfig.s3Uri";
    legal_uri(text(checkpoint, "S3Uri").ok_or_else(|| required(field))?, field)
}

pub(crate) fn legal_parameters(parameters: Option<&Value>, field: &str) -> Result<(), Refusal> {
    let Some(parameters) = parameters.and_then(Value::as_object) else { return Ok(()) };
    let too_long = |most: usize| Refusal::invalid_value("…", field, &format!("Member must have length less than or equal to {most}"));
    if 100 < parameters.len() {
        return Err(too_long(100));
    }
    let long = |text: &str, most: usize| most < text.chars().count();
    match parameters.iter().find(|(key, value)| long(key, 256) || value.as_str().is_none_or(|value| long(value, 2500))) {
        Some((key, _)) => Err(too_long(if long(key, 256) { 256 } else { 2500 })),
        None => Ok(()),
    }
}

pub(crate) fn legal_algorithm(input: &Value, field: &str) -> Result<(), Refusal> {
    let algorithm = input.get("AlgorithmSpecification").ok_or_else(|| required(field))?;
    let mode = text(algorithm, "TrainingInputMode").ok_or_else(|| required(&format!("{field}.trainingInputMode")))?;
    one_of(mode, &format!("{field}.trainingInputMode"), &["Pipe", "File", "FastFile"])?;
    if algorithm.get("TrainingImage").is_some() == algorithm.get("AlgorithmName").is_some() {
        // AWS requires exactly one of the two (API reference, AlgorithmSpecification); the text is not AWS's own.
        return Err(Refusal::validation("Exactly one of TrainingImage and AlgorithmName must be given in AlgorithmSpecification.".into()));
    }
    Ok(())
}

pub(crate) fn one_of(value: &str, field: &str, known: &[&str]) -> Result<(), Refusal> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(Refusal::invalid_value(value, field, &format!("Member must satisfy enum value set: [{}]", known.join(", "))))
}

/// An optional whole number, checked against its bounds.
pub(crate) fn within(input: &Value, name: &str, field: &str, (least, most): (i64, i64)) -> Result<Option<i64>, Refusal> {
    let Some(value) = input.get(name) else { return Ok(None) };
    let bound = match value.as_i64() {
        Some(number) if number < least => format!("greater than or equal to {least}"),
        Some(number) if most < number => format!("less than or equal to {most}"),
        Some(number) => return Ok(Some(number)),
        None => return Err(Refusal::new(400, "SerializationException", format!("{name} is not a number"))),
    };
    Err(Refusal::invalid_value(&value.to_string(), field, &format!("Member must have value {bound}")))
}

/// The model allows 0 to 21600, the developer guide 3600.
fn keep_alive(resources: &Value) -> Result<Option<i64>, Refusal> {
    within(resources, "KeepAlivePeriodInSeconds", "resourceConfig.keepAlivePeriodInSeconds", (0, 21600))
}

pub(crate) fn legal_resources(input: &Value, field: &str, serverless: bool) -> Result<(), Refusal> {
    let Some(resources) = input.get("ResourceConfig") else {
        return if serverless { Ok(()) } else { Err(required(field)) };
    };
    keep_alive(resources)?;
    let count_of = |of: &Value, field: &str| within(of, "InstanceCount", &format!("{field}.instanceCount"), (0, i64::MAX));
    let type_of = |of: &Value, field: &str| match text(of, "InstanceType").filter(|instance_type| !instance_type.starts_with("ml.")) {
        Some(unknown) => Err(Refusal::invalid_value(unknown, &format!("{field}.instanceType"), "Member must satisfy enum value set")),
        None => Ok(()),
    };
    count_of(resources, field)?;
    type_of(resources, field)?;
    let list = |name: &str| resources.get(name).and_then(Value::as_array).filter(|list| !list.is_empty());
    let (groups, preferences) = (list("InstanceGroups"), list("InstancePreferences"));
    for (name, one) in [("instanceGroups", groups), ("instancePreferences", preferences)] {
        for member in one.into_iter().flatten() {
            let field = format!("{field}.{name}.1.member");
            count_of(member, &field)?;
            type_of(member, &field)?;
        }
    }
    let given = [resources.get("InstanceType").is_some(), groups.is_some(), preferences.is_some()];
    if !serverless && given.iter().filter(|given| **given).count() != 1 {
        // AWS requires exactly one of the three (API reference, ResourceConfig); the text is not AWS's own.
        return Err(Refusal::validation(
            "Exactly one of InstanceType, InstanceGroups and InstancePreferences must be given in ResourceConfig.".into(),
        ));
    }
    if let Some(selected) = ["SelectedInstanceType", "SelectedInstanceCount"].iter().find(|name| resources.get(**name).is_some()) {
        // The field is only in answers (model); the text is not AWS's own.
        return Err(Refusal::validation(format!("{selected} is read-only.")));
    }
    Ok(())
}

pub(crate) fn legal_times(input: &Value, field: &str) -> Result<(), Refusal> {
    let Some(stopping) = input.get("StoppingCondition") else { return Ok(()) };
    within(stopping, "MaxRuntimeInSeconds", &format!("{field}.maxRuntimeInSeconds"), (1, LONGEST))?;
    within(stopping, "MaxWaitTimeInSeconds", &format!("{field}.maxWaitTimeInSeconds"), (1, i64::MAX))?;
    within(stopping, "MaxPendingTimeInSeconds", &format!("{field}.maxPendingTimeInSeconds"), (1800, 2_419_200))?;
    Ok(())
}

pub(crate) fn legal_tags(input: &Value) -> Result<std::collections::BTreeMap<String, String>, Refusal> {
    if input.get("Tags").and_then(Value::as_array).is_some_and(|tags| 50 < tags.len()) {
        return Err(Refusal::invalid_value("[…]", "tags", "Member must have length less than or equal to 50"));
    }
    tag_list(input)
}

/// Checks what Managed Spot requires, and what it cannot be combined with.
pub(crate) fn legal_spot(input: &Value) -> Result<(), Refusal> {
    let at = |pointer: &str| input.pointer(pointer);
    let number = |pointer: &str| at(pointer).and_then(Value::as_i64);
    let wait = number("/StoppingCondition/MaxWaitTimeInSeconds");
    let refused = |message: &str| Err(Refusal::validation(message.to_owned()));
    if at("/EnableManagedSpotTraining").and_then(Value::as_bool) != Some(true) {
        return match wait {
            None => Ok(()),
            Some(_) => refused("Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"),
        };
    }
    let runtime = number("/StoppingCondition/MaxRuntimeInSeconds").unwrap_or(crate::life::jobs::life::MAX_RUNTIME.as_secs());
    if wait.is_none_or(|wait| wait < runtime) {
        return refused("Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds");
    }
    let image = at("/AlgorithmSpecification/TrainingImage").and_then(Value::as_str).unwrap_or_default();
    let repository = image.rsplit('/').next().and_then(|last| last.split([':', '@']).next()).unwrap_or_default();
    let no_checkpoints = WITHOUT_CHECKPOINTS.contains(&repository)
        || (at("/AlgorithmSpecification/AlgorithmName").is_some() && at("/CheckpointConfig").is_none());
    if no_checkpoints && wait.is_some_and(|wait| 3600 < wait) {
        return refused("Invalid MaxWaitTimeInSeconds. MaxWaitTimeInSeconds above 3600 is not supported for the given algorithm");
    }
    // AWS refuses these two (developer guide, train-warm-pools; model, InstancePreferences); the texts are not AWS's own.
    if number("/ResourceConfig/KeepAlivePeriodInSeconds").is_some_and(|seconds| 0 < seconds) {
        return refused("KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true");
    }
    if at("/ResourceConfig/InstancePreferences").is_some() {
        return refused("InstancePreferences is not supported when EnableManagedSpotTraining is set to true");
    }
    Ok(())
}

/// The answer to `DescribeTrainingJob`: the definition and what AWS adds, without the tags.
pub(crate) fn described(world: &World, view: &View<'_>) -> Value {
    let job = view.job;
    let mut described = Value::clone(&job.definition);
    let last = view.last();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            described[name] = value;
        }
    };
    let time = |at: Timestamp| Value::from(seconds(at));
    put("TrainingJobName", Some(job.name.as_str().into()));
    put("TrainingJobArn", Some(world.job_arn(&job.name).into()));
    put("TrainingJobStatus", Some(last.status.into()));
    put("SecondaryStatus", Some(last.secondary.into()));
    put("CreationTime", Some(time(job.created())));
    put("LastModifiedTime", Some(time(last.at)));
    put("TrainingStartTime", view.started().map(time));
    put("TrainingEndTime", view.ended().map(time));
    put("SecondaryStatusTransitions", Some(view.transitions(seconds).into()));
    put("FailureReason", view.failure().map(Value::from));
    let (training, billable) = view.times().unzip();
    put("TrainingTimeInSeconds", training.map(Value::from));
    put("BillableTimeInSeconds", billable.map(Value::from));
    put("WarmPoolStatus", view.pool());
    let output = job.definition.pointer("/OutputDataConfig/S3OutputPath").and_then(Value::as_str).unwrap_or_default();
    // A stopped job uploads its results, too.
    let uploaded = view.started().filter(|_| matches!(last.status, "Completed" | "Stopped"));
    let model = uploaded.map(|_| format!("{}/{}/output/model.tar.gz", output.trim_end_matches('/'), job.name)).unwrap_or_default();
    put("ModelArtifacts", Some(json!({"S3ModelArtifacts": model})));
    for (name, parent) in job.parents.as_object().into_iter().flatten() {
        put(name, Some(parent.clone()));
    }
    if let Some(fields) = described.as_object_mut() {
        // AWS documents that this field is not returned.
        fields.remove("SessionChainingConfig");
    }
    let preferred = view.started().and(job.definition.pointer("/ResourceConfig/InstancePreferences"));
    if let Some((instance_type, count)) = preferred.and(job.instances().first().copied()) {
        described["ResourceConfig"]["SelectedInstanceType"] = instance_type.into();
        described["ResourceConfig"]["SelectedInstanceCount"] = count.into();
    }
    described
}

pub(crate) fn tags_as_of(world: &World, arn: &str, at: Timestamp) -> Vec<Value> {
    as_list(world.tags.get(arn).and_then(|log: &TagLog| log.at(at)).unwrap_or_default())
}

fn summary(world: &World, job: &Job) -> Value {
    let view = present(world, job);
    let last = view.last();
    let mut summary = json!({
        "TrainingJobName": job.name, "TrainingJobArn": world.job_arn(&job.name), "CreationTime": seconds(job.created()),
        "LastModifiedTime": seconds(last.at), "TrainingJobStatus": last.status, "SecondaryStatus": last.secondary,
    });
    if let Some(ended) = view.ended() {
        summary["TrainingEndTime"] = seconds(ended).into();
    }
    if let Some(pool) = view.pool() {
        summary["WarmPoolStatus"] = pool;
    }
    if let Some(plan) = job.definition.pointer("/ResourceConfig/TrainingPlanArn") {
        summary["TrainingPlanArn"] = plan.clone();
    }
    summary
}

/// A time in an input, which has it in seconds since 1970.
pub(crate) fn moment(input: &Value, name: &str) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "the time of an input, in milliseconds")]
    let milliseconds = input.get(name).and_then(Value::as_f64).map(|seconds| (seconds * 1000.0).round() as i64)?;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// Whether a time is within the input's optional bounds: `CreationTimeAfter`, `CreationTimeBefore`.
pub(crate) fn is_between(input: &Value, name: &str, at: Timestamp) -> bool {
    moment(input, &format!("{name}After")).is_none_or(|after| after < at)
        && moment(input, &format!("{name}Before")).is_none_or(|before| at < before)
}

fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let filters = [("StatusEquals", "statusEquals", &STATUSES[..]), ("WarmPoolStatusEquals", "warmPoolStatusEquals", &POOL_STATUSES)];
    for (name, field, known) in filters {
        if let Some(value) = text(input, name) {
            one_of(value, field, known)?;
        }
    }
    let by = &[("Name", Order::Name), ("CreationTime", Order::Created), ("Status", Order::Status)];
    let Asked { order, page: Page { size, after }, .. } = Sorting { by, default: Order::Created, descending: true }.asked(input)?;
    // In the model, Ascending is the default. In the operation's own example without these fields, the newest job comes first.
    let descending = text(input, "SortOrder").map_or(text(input, "SortBy").is_none(), |order| order == "Descending");
    let (contains, pool, plan) = (text(input, "NameContains"), text(input, "WarmPoolStatusEquals"), text(input, "TrainingPlanArnEquals"));
    let wanted = |job: &&Job| {
        is_between(input, "CreationTime", job.created())
            && is_between(input, "LastModifiedTime", job.modified())
            && contains.is_none_or(|part| job.name.contains(part))
            && pool.is_none_or(|pool| present(world, job).pool_status() == Some(pool))
            && plan.is_none_or(|plan| job.definition.pointer("/ResourceConfig/TrainingPlanArn").and_then(Value::as_str) == Some(plan))
    };
    let part = Part {
        order,
        descending,
        after: after.as_deref(),
        created_from: moment(input, "CreationTimeAfter"),
        created_to: moment(input, "CreationTimeBefore"),
        parent: None,
    };
    let (page, next) = world.jobs.training.page(part, size, wanted);
    // AWS cuts the page before it filters by status, so a page may be empty without being the last (its documentation of StatusEquals).
    let status = text(input, "StatusEquals");
    let shown = page.into_iter().filter(|job| status.is_none_or(|status| job.last().status == status));
    let summaries: Vec<Value> = shown.map(|job| summary(world, job)).collect();
    Ok(with_token(json!({"TrainingJobSummaries": summaries}), next))
}
