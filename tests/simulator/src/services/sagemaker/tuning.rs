//! Hyperparameter tuning jobs: their life, the training jobs that they launch, and their API. One file: one state machine and its answers.

use std::{cmp::Ordering, collections::BTreeMap, ops::Bound, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    estate::jobs as spec,
    life::jobs::{
        NewJob, Step,
        life::{Script, View},
        milliseconds,
    },
    services::{
        On, Operation,
        sagemaker::training::{self, is_between, one_of},
    },
    wire::{Page, Refusal, page_of, seconds, text, with_token},
    world::{Due, TagLog, World},
};

pub(crate) const STRATEGIES: [&str; 4] = ["Bayesian", "Random", "Hyperband", "Grid"];
/// The statuses of a tuning job in the API.
const STATUSES: [&str; 7] = ["Completed", "InProgress", "Failed", "Stopped", "Stopping", "Deleting", "DeleteFailed"];
/// It fails after this many failed training jobs without a completed one.
const FUTILE: usize = 5;

/// A tuning job.
pub(crate) struct Tuning {
    pub(crate) name: String,
    /// The input of `CreateHyperParameterTuningJob`, without the name and the tags.
    pub(crate) definition: Value,
    conduct: Conduct,
    /// Oldest first; the first is its creation.
    history: Vec<(Timestamp, &'static str)>,
    failure: Option<String>,
    pub(crate) children: Vec<Child>,
}

/// A training job that a tuning job has launched.
pub(crate) struct Child {
    pub(crate) key: Arc<str>,
    /// The index of its definition.
    definition: usize,
    tuned: BTreeMap<String, String>,
    /// The final value of its objective metric.
    objective: f64,
}

/// How its training jobs run, if they are from the estate.
#[derive(Default)]
pub(crate) struct Conduct {
    /// One script for each definition.
    pub(crate) scripts: Vec<Arc<Script>>,
    /// Its training jobs run on demand, even if their definition asks for Spot.
    pub(crate) without_spot: bool,
    /// What AWS adds of who started them, by definition: `AutoMLJobArn`.
    pub(crate) parents: Vec<Value>,
}

impl Tuning {
    pub(crate) fn created(&self) -> Timestamp {
        self.history.first().map_or(Timestamp::MIN, |(at, _)| *at)
    }

    /// Its status at a moment, and since when; `None`: it did not exist yet.
    pub(crate) fn as_of(&self, at: Timestamp) -> Option<(Timestamp, &'static str)> {
        self.history.iter().rev().find(|(since, _)| *since <= at).copied()
    }

    pub(crate) fn status(&self) -> &'static str {
        self.history.last().map_or("Failed", |(_, status)| *status)
    }

    fn modified(&self) -> Timestamp {
        self.history.last().map_or(Timestamp::MIN, |(at, _)| *at)
    }

    pub(crate) fn ended(&self) -> Option<Timestamp> {
        self.history.last().filter(|(_, status)| has_ended(status)).map(|(at, _)| *at)
    }

    pub(crate) fn definitions(&self) -> Vec<&Value> {
        match self.definition.get("TrainingJobDefinitions").and_then(Value::as_array) {
            Some(several) => several.iter().collect(),
            None => self.definition.get("TrainingJobDefinition").into_iter().collect(),
        }
    }

    fn limit(&self, name: &str) -> Option<u64> {
        self.definition.pointer(&format!("/HyperParameterTuningJobConfig/ResourceLimits/{name}")).and_then(Value::as_u64)
    }

    /// A field of a definition, or the corresponding field of the tuning job's configuration.
    fn of(&self, definition: usize, own: &str, common: &str) -> Option<&Value> {
        let definitions = self.definitions();
        let own = definitions.get(definition).and_then(|definition| definition.get(own));
        own.or_else(|| self.definition.get("HyperParameterTuningJobConfig")?.get(common))
    }

    fn objective_of(&self, definition: usize, name: &str) -> Option<&str> {
        self.of(definition, "TuningObjective", "HyperParameterTuningJobObjective").and_then(|objective| text(objective, name))
    }
}

fn has_ended(status: &str) -> bool {
    matches!(status, "Completed" | "Failed" | "Stopped")
}

/// A number that looks random and is always the same for the same text (FNV-1a).
fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Creates a valid tuning job, and launches its first training jobs.
pub(crate) fn create(world: &mut World, name: String, definition: Value, tags: &BTreeMap<String, String>, conduct: Conduct) {
    let (now, arn, key) = (world.now, world.tuning_arn(&name), Arc::<str>::from(name.to_lowercase()));
    world.first_tags(&arn, now, tags);
    let tuning = Tuning { name, definition, conduct, history: vec![(now, "InProgress")], failure: None, children: vec![] };
    if let Some(most) = tuning.limit("MaxRuntimeInSeconds").and_then(|most| i64::try_from(most).ok()) {
        world.at(now + SignedDuration::from_secs(most), Due::Job(Step::TuningLimit(Arc::clone(&key))));
    }
    world.jobs.tunings.insert(Arc::clone(&key), tuning);
    tell(world, &key);
    go_on(world, &key);
}

/// Called after one of its training jobs has ended: launches the next ones, or ends the tuning job.
pub(crate) fn go_on(world: &mut World, key: &str) {
    let Some(tuning) = world.jobs.tunings.get(key) else { return };
    let statuses: Vec<&str> =
        tuning.children.iter().filter_map(|child| Some(world.jobs.training.by_key(&child.key)?.last().status)).collect();
    let running = statuses.iter().filter(|status| !has_ended(status)).count();
    let failed = statuses.iter().filter(|status| **status == "Failed").count();
    let (launched, running) = (as_u64(statuses.len()), as_u64(running));
    let most = tuning.limit("MaxNumberOfTrainingJobs").unwrap_or(u64::MAX);
    match tuning.status() {
        "InProgress" if FUTILE <= failed && !statuses.contains(&"Completed") => {
            let failure = format!(
                "No training job succeeded after {failed} attempts. Please take a look at the training job failures to get more details."
            );
            if let Some(tuning) = world.jobs.tunings.get_mut(key) {
                tuning.failure = Some(failure);
            }
            enter(world, key, "Failed");
            stop_children(world, key);
        }
        "InProgress" if launched < most => {
            let free = tuning.limit("MaxParallelTrainingJobs").unwrap_or(1).saturating_sub(running);
            for _ in 0..free.min(most - launched) {
                launch(world, key);
            }
        }
        "InProgress" if running == 0 => enter(world, key, "Completed"),
        "Stopping" if running == 0 => enter(world, key, "Stopped"),
        _ => {}
    }
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Stops a tuning job in progress, and all its training jobs.
pub(crate) fn stop(world: &mut World, name: &str) {
    let key = name.to_lowercase();
    if world.jobs.tunings.get(key.as_str()).is_some_and(|tuning| tuning.status() == "InProgress") {
        enter(world, &key, "Stopping");
        stop_children(world, &key);
        go_on(world, &key);
    }
}

fn stop_children(world: &mut World, key: &str) {
    let Some(tuning) = world.jobs.tunings.get(key) else { return };
    let children: Vec<Arc<str>> = tuning.children.iter().map(|child| Arc::clone(&child.key)).collect();
    for child in children {
        world.stop_job(&child);
    }
}

fn enter(world: &mut World, key: &str, status: &'static str) {
    let now = world.now;
    if let Some(tuning) = world.jobs.tunings.get_mut(key) {
        tuning.history.push((now, status));
    }
    tell(world, key);
}

fn launch(world: &mut World, key: &str) {
    let Some(tuning) = world.jobs.tunings.get(key) else { return };
    let number = tuning.children.len();
    let definitions = tuning.definitions();
    let which = number % definitions.len().max(1);
    let Some(mut definition) = definitions.get(which).map(|from| Value::clone(from)) else { return };
    let script = tuning.conduct.scripts.get(which).cloned();
    let name = format!("{}-{:03}-{:08x}", tuning.name, number + 1, digest(&format!("{} {number}", tuning.name)));
    let tuned = tuning.of(which, "HyperParameterRanges", "ParameterRanges").map(|ranges| sample(ranges, number)).unwrap_or_default();
    if let Some(fields) = definition.as_object_mut() {
        let mut parameters = fields.remove("StaticHyperParameters").unwrap_or_else(|| json!({}));
        // AWS passes the objective metric to the training job in this hyperparameter (answers of real accounts).
        if let Some(metric) = tuning.objective_of(which, "MetricName") {
            parameters["_tuning_objective_metric"] = metric.into();
        }
        for (name, value) in &tuned {
            parameters[name] = value.as_str().into();
        }
        for apart in ["TuningObjective", "DefinitionName", "HyperParameterRanges"] {
            fields.remove(apart);
        }
        if let Some(resources) = fields.remove("HyperParameterTuningResourceConfig") {
            fields.entry("ResourceConfig").or_insert_with(|| first_resources(&resources));
        }
        fields.insert("HyperParameters".into(), parameters);
        if tuning.conduct.without_spot {
            fields.insert("EnableManagedSpotTraining".into(), false.into());
            if let Some(stopping) = fields.get_mut("StoppingCondition").and_then(Value::as_object_mut) {
                stopping.remove("MaxWaitTimeInSeconds");
            }
        }
    }
    let arn = world.tuning_arn(&tuning.name);
    // Later training jobs get the tags that the tuning job has at that time (API reference, AddTags).
    let tags = world.tags.get(&arn).map(TagLog::now).unwrap_or_default();
    let child = Child { key: name.to_lowercase().into(), definition: which, objective: f64::from(digest(&name) % 1000) / 1000.0, tuned };
    let definition = spec::for_job(&Arc::new(spec::filled(definition)), &name);
    let mut parents = tuning.conduct.parents.get(which).cloned().unwrap_or_else(|| json!({}));
    parents["TuningJobArn"] = arn.as_str().into();
    if let Some(tuning) = world.jobs.tunings.get_mut(key) {
        tuning.children.push(child);
    }
    world.create_job(NewJob { name, definition, script, parents, tuning: Some(key.into()), tags });
}

/// A `ResourceConfig` from a `HyperParameterTuningResourceConfig`. Of several instance types it takes the first.
fn first_resources(tuning: &Value) -> Value {
    let first = tuning.pointer("/InstanceConfigs/0");
    let fields = ["InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId"];
    let value = |name: &str| first.and_then(|first| first.get(name)).or_else(|| tuning.get(name)).cloned();
    fields.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}

/// The n-th set of hyperparameters, evenly spread over the ranges.
fn sample(ranges: &Value, number: usize) -> BTreeMap<String, String> {
    let list = |name: &str| ranges.get(name).and_then(Value::as_array).into_iter().flatten();
    let bound = |range: &Value, name: &str| text(range, name).and_then(|value| value.parse::<f64>().ok()).unwrap_or_default();
    let share = f64::from(u32::try_from(number % 10).unwrap_or_default()) / 10.0;
    let between = |range: &Value| bound(range, "MinValue") + share * (bound(range, "MaxValue") - bound(range, "MinValue"));
    let mut chosen = BTreeMap::new();
    let mut choose = |range: &Value, value: String| drop(chosen.insert(text(range, "Name").unwrap_or_default().to_owned(), value));
    for range in list("IntegerParameterRanges") {
        choose(range, format!("{:.0}", between(range)));
    }
    for range in list("ContinuousParameterRanges") {
        choose(range, format!("{}", between(range)));
    }
    for range in list("CategoricalParameterRanges") {
        let values: Vec<&str> = range.get("Values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        choose(range, values.get(number % values.len().max(1)).copied().unwrap_or_default().to_owned());
    }
    chosen
}

fn tell(world: &mut World, key: &str) {
    if world.is_before_the_start() {
        return;
    }
    let Some(tuning) = world.jobs.tunings.get(key) else { return };
    let arn = world.tuning_arn(&tuning.name);
    let (jobs, objectives) = counters(world, tuning, world.now);
    let mut detail = json!({
        "HyperParameterTuningJobName": tuning.name, "HyperParameterTuningJobArn": arn, "HyperParameterTuningJobStatus": tuning.status(),
        "CreationTime": milliseconds(tuning.created()), "LastModifiedTime": milliseconds(tuning.modified()),
        "TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives,
        "Tags": world.tags.get(&arn).map(TagLog::now).unwrap_or_default(),
    });
    // As the events of training jobs, these have nothing about Spot and checkpoints.
    let shown = |definition: &Value| {
        let mut shown = definition.clone();
        if let Some(fields) = shown.as_object_mut() {
            for hidden in ["EnableManagedSpotTraining", "CheckpointConfig"] {
                fields.remove(hidden);
            }
            if let Some(stopping) = fields.get_mut("StoppingCondition").and_then(Value::as_object_mut) {
                stopping.remove("MaxWaitTimeInSeconds");
            }
        }
        shown
    };
    let definitions: Vec<Value> = tuning.definitions().into_iter().map(shown).collect();
    if tuning.definition.get("TrainingJobDefinitions").is_some() {
        detail["TrainingJobDefinitions"] = definitions.into();
    } else if let Some(one) = definitions.into_iter().next() {
        detail["TrainingJobDefinition"] = one;
    }
    if let Some(failure) = tuning.failure.as_deref().filter(|_| tuning.status() == "Failed") {
        detail["FailureReason"] = failure.into();
    }
    world.tell("SageMaker HyperParameter Tuning Job State Change", &[&arn], &detail);
}

fn children<'a>(world: &'a World, tuning: &'a Tuning, at: Timestamp) -> impl Iterator<Item = (&'a Child, View<'a>)> {
    tuning.children.iter().filter_map(move |child| Some((child, world.jobs.training.by_key(&child.key)?.as_of(at)?)))
}

/// `TrainingJobStatusCounters` and `ObjectiveStatusCounters`.
fn counters(world: &World, tuning: &Tuning, at: Timestamp) -> (Value, Value) {
    let statuses: Vec<&str> = children(world, tuning, at).map(|(_, view)| view.last().status).collect();
    let count = |wanted: &[&str]| statuses.iter().filter(|status| wanted.contains(status)).count();
    let jobs = json!({
        "Completed": count(&["Completed"]), "InProgress": count(&["InProgress", "Stopping"]), "RetryableError": 0,
        "NonRetryableError": count(&["Failed"]), "Stopped": count(&["Stopped"]),
    });
    let objectives = json!({
        "Succeeded": count(&["Completed"]), "Pending": count(&["InProgress", "Stopping"]), "Failed": count(&["Failed", "Stopped"]),
    });
    (jobs, objectives)
}

const ONE: On = On::One("hyper-parameter-tuning-job", "HyperParameterTuningJobName");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("CreateHyperParameterTuningJob", ONE, create_by_call),
    Operation::new("DescribeHyperParameterTuningJob", ONE, |world, input| {
        find(world, input).map(|tuning| described(world, tuning, world.now))
    }),
    Operation::new("ListHyperParameterTuningJobs", On::All("hyper-parameter-tuning-job"), |world, input| list(world, input)),
    Operation::new("ListTrainingJobsForHyperParameterTuningJob", ONE, |world, input| list_children(world, input)),
    Operation::new("StopHyperParameterTuningJob", ONE, stop_by_call),
];

/// The error text is AWS's, as its operator for Kubernetes has it.
fn find<'a>(world: &'a World, input: &Value) -> Result<&'a Tuning, Refusal> {
    let name = text(input, "HyperParameterTuningJobName").unwrap_or_default();
    let found = world.jobs.tunings.get(name.to_lowercase().as_str()).filter(|tuning| tuning.name == name);
    found.ok_or_else(|| Refusal::new(400, "ResourceNotFound", format!("Amazon SageMaker can't find a tuning job called {name}.")))
}

fn stop_by_call(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let tuning = find(world, input)?;
    let (name, status) = (tuning.name.clone(), tuning.status());
    if has_ended(status) {
        // The text is that of training and transform jobs. No recording for tuning jobs was found.
        return Err(Refusal::validation(format!("The request was rejected because the hyperparameter tuning job is in status {status}.")));
    }
    stop(world, &name);
    Ok(json!({}))
}

fn create_by_call(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = training::legal_name(input, "HyperParameterTuningJobName", "hyperParameterTuningJobName", 32)?;
    let limits = input.pointer("/HyperParameterTuningJobConfig/ResourceLimits").unwrap_or(&Value::Null);
    if let Some(strategy) = input.pointer("/HyperParameterTuningJobConfig/Strategy").and_then(Value::as_str) {
        one_of(strategy, "hyperParameterTuningJobConfig.strategy", &STRATEGIES)?;
    }
    for (name, field, least) in [
        ("MaxNumberOfTrainingJobs", "maxNumberOfTrainingJobs", 1),
        ("MaxParallelTrainingJobs", "maxParallelTrainingJobs", 1),
        ("MaxRuntimeInSeconds", "maxRuntimeInSeconds", 120),
    ] {
        let field = format!("hyperParameterTuningJobConfig.resourceLimits.{field}");
        training::within(limits, name, &field, (least, 15_768_000))?;
    }
    if limits.get("MaxNumberOfTrainingJobs").is_none() && limits.get("MaxRuntimeInSeconds").is_none() {
        return Err(Refusal::not_simulated(
            "sagemaker",
            "CreateHyperParameterTuningJob without MaxNumberOfTrainingJobs and MaxRuntimeInSeconds",
        ));
    }
    let (one, several) = (input.get("TrainingJobDefinition"), input.get("TrainingJobDefinitions").and_then(Value::as_array));
    if one.is_some() == several.is_some() {
        // AWS requires exactly one of the two (API reference); the text is not AWS's own.
        return Err(Refusal::validation("Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be given.".into()));
    }
    for definition in one.into_iter().chain(several.into_iter().flatten()) {
        legal_definition(definition)?;
    }
    let tags = training::legal_tags(input)?;
    let arn = world.tuning_arn(&name);
    if world.jobs.tunings.contains_key(name.to_lowercase().as_str()) {
        // As for training jobs. No recording for tuning jobs was found.
        let message = format!(
            "Tuning job names must be unique within an AWS account and region, and a tuning job with this name already exists ({arn})"
        );
        return Err(Refusal::new(400, "ResourceInUse", message));
    }
    let mut definition = input.clone();
    if let Some(fields) = definition.as_object_mut() {
        for apart in ["HyperParameterTuningJobName", "Tags"] {
            fields.remove(apart);
        }
        for name in ["TrainingJobDefinition", "TrainingJobDefinitions"] {
            let fill = |definition: Value| match definition {
                Value::Array(several) => several.into_iter().map(spec::filled).collect(),
                one => spec::filled(one),
            };
            if let Some(given) = fields.get_mut(name) {
                *given = fill(given.take());
            }
        }
    }
    create(world, name, definition, &tags, Conduct::default());
    Ok(json!({"HyperParameterTuningJobArn": arn}))
}

fn legal_definition(definition: &Value) -> Result<(), Refusal> {
    let field = |name: &str| format!("trainingJobDefinition.{name}");
    training::legal_role(definition, &field("roleArn"))?;
    training::legal_output(definition, &field("outputDataConfig"))?;
    training::legal_algorithm(definition, &field("algorithmSpecification"))?;
    training::legal_parameters(definition.get("StaticHyperParameters"), &field("staticHyperParameters"))?;
    if definition.get("HyperParameterTuningResourceConfig").is_none() {
        training::legal_resources(definition, &field("resourceConfig"), false)?;
    }
    training::legal_times(definition, &field("stoppingCondition"))?;
    training::legal_checkpoint(definition)?;
    training::legal_spot(definition)
}

/// The fields that the description, the summary and Search share, as they were at a moment.
fn outline(world: &World, tuning: &Tuning, at: Timestamp) -> Value {
    let (since, status) = tuning.as_of(at).unwrap_or((tuning.created(), "InProgress"));
    let (jobs, objectives) = counters(world, tuning, at);
    let mut outline = json!({
        "HyperParameterTuningJobName": tuning.name, "HyperParameterTuningJobArn": world.tuning_arn(&tuning.name),
        "HyperParameterTuningJobStatus": status, "CreationTime": seconds(tuning.created()), "LastModifiedTime": seconds(since),
        "TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives,
    });
    if has_ended(status) {
        outline["HyperParameterTuningEndTime"] = seconds(since).into();
    }
    outline
}

/// The answer to `DescribeHyperParameterTuningJob`, as it was at a moment.
pub(crate) fn described(world: &World, tuning: &Tuning, at: Timestamp) -> Value {
    let mut described = outline(world, tuning, at);
    let (since, status) = tuning.as_of(at).unwrap_or((tuning.created(), "InProgress"));
    for (name, value) in tuning.definition.as_object().into_iter().flatten() {
        described[name] = value.clone();
    }
    let better = |one: &(&Child, View<'_>), other: &(&Child, View<'_>)| {
        let order = one.0.objective.partial_cmp(&other.0.objective).unwrap_or(Ordering::Equal);
        if tuning.objective_of(one.0.definition, "Type") == Some("Maximize") { order.reverse() } else { order }
    };
    let best = children(world, tuning, at).filter(|(_, view)| view.last().status == "Completed").min_by(better);
    if let Some((child, view)) = best {
        described["BestTrainingJob"] = child_summary(world, tuning, child, &view);
    }
    if let Some(failure) = tuning.failure.as_deref().filter(|_| status == "Failed") {
        described["FailureReason"] = failure.into();
    }
    let until = if has_ended(status) { since } else { at };
    described["ConsumedResources"] = json!({"RuntimeInSeconds": until.duration_since(tuning.created()).as_secs()});
    described
}

fn child_summary(world: &World, tuning: &Tuning, child: &Child, view: &View<'_>) -> Value {
    let status = view.last().status;
    let mut summary = json!({
        "TrainingJobName": view.job.name, "TrainingJobArn": world.job_arn(&view.job.name), "CreationTime": seconds(view.job.created()),
        "TrainingJobStatus": status, "TunedHyperParameters": child.tuned,
        "ObjectiveStatus": match status { "Completed" => "Succeeded", "Failed" | "Stopped" => "Failed", _ => "Pending" },
    });
    let name = tuning.definitions().get(child.definition).and_then(|definition| text(definition, "DefinitionName")).map(str::to_owned);
    let objective = (status == "Completed").then(|| {
        let metric = tuning.objective_of(child.definition, "MetricName").unwrap_or("objective");
        json!({"MetricName": metric, "Value": child.objective})
    });
    for (field, value) in [
        ("TrainingJobDefinitionName", name.map(Value::from)),
        ("TrainingStartTime", view.started().map(|at| seconds(at).into())),
        ("TrainingEndTime", view.ended().map(|at| seconds(at).into())),
        ("FailureReason", view.failure().map(Value::from)),
        ("FinalHyperParameterTuningJobObjectiveMetric", objective),
    ] {
        if let Some(value) = value {
            summary[field] = value;
        }
    }
    summary
}

fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    for (name, field, known) in [
        ("StatusEquals", "statusEquals", &STATUSES[..]),
        ("SortBy", "sortBy", &["Name", "Status", "CreationTime"]),
        ("SortOrder", "sortOrder", &["Ascending", "Descending"]),
    ] {
        if let Some(value) = text(input, name) {
            one_of(value, field, known)?;
        }
    }
    let Page { size, after } = page_of(input, 10)?;
    let (status, contains) = (text(input, "StatusEquals"), text(input, "NameContains"));
    let wanted = |tuning: &&Tuning| {
        is_between(input, "CreationTime", tuning.created())
            && is_between(input, "LastModifiedTime", tuning.modified())
            && status.is_none_or(|status| tuning.status() == status)
            && contains.is_none_or(|part| tuning.name.contains(part))
    };
    let summary = |tuning: &Tuning| {
        let mut summary = outline(world, tuning, world.now);
        let config = |name: &str| tuning.definition.pointer(&format!("/HyperParameterTuningJobConfig/{name}")).cloned();
        summary["Strategy"] = config("Strategy").unwrap_or_else(|| "Bayesian".into());
        if let Some(limits) = config("ResourceLimits") {
            summary["ResourceLimits"] = limits;
        }
        summary
    };
    let descending = text(input, "SortOrder") == Some("Descending");
    let token = |last: Option<&&Tuning>| last.map(|last| format!("after:{}", last.name.to_lowercase()));
    let (page, next): (Vec<&Tuning>, _) = match text(input, "SortBy") {
        None | Some("Name") if !descending => {
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut found = world.jobs.tunings.range::<str, _>((from, Bound::Unbounded)).map(|(_, tuning)| tuning).filter(wanted);
            let page: Vec<&Tuning> = found.by_ref().take(size).collect();
            let next = found.next().and(token(page.last()));
            (page, next)
        }
        by => {
            let mut found: Vec<&Tuning> = world.jobs.tunings.values().filter(wanted).collect();
            match by {
                Some("CreationTime") => found.sort_by_key(|tuning| tuning.created()),
                Some("Status") => found.sort_by_key(|tuning| tuning.status()),
                _ => {}
            }
            if descending {
                found.reverse();
            }
            let skip = after.and_then(|key| found.iter().position(|tuning| tuning.name.to_lowercase() == key)).map_or(0, |place| place + 1);
            let page: Vec<&Tuning> = found.iter().skip(skip).take(size).copied().collect();
            let next = if skip + size < found.len() { token(page.last()) } else { None };
            (page, next)
        }
    };
    let summaries: Vec<Value> = page.into_iter().map(summary).collect();
    Ok(with_token(json!({"HyperParameterTuningJobSummaries": summaries}), next))
}

fn list_children(world: &World, input: &Value) -> Result<Value, Refusal> {
    let tuning = find(world, input)?;
    for (name, field, known) in [
        ("StatusEquals", "statusEquals", &training::STATUSES[..]),
        ("SortBy", "sortBy", &["Name", "CreationTime", "Status", "FinalObjectiveMetricValue"]),
        ("SortOrder", "sortOrder", &["Ascending", "Descending"]),
    ] {
        if let Some(value) = text(input, name) {
            one_of(value, field, known)?;
        }
    }
    let Page { size, after } = page_of(input, 10)?;
    let (status, by) = (text(input, "StatusEquals"), text(input, "SortBy"));
    let mut found: Vec<(&Child, View<'_>)> = children(world, tuning, world.now)
        .filter(|(_, view)| status.is_none_or(|status| view.last().status == status))
        // This order leaves out training jobs without an objective (model).
        .filter(|(_, view)| by != Some("FinalObjectiveMetricValue") || view.last().status == "Completed")
        .collect();
    match by {
        Some("CreationTime") => found.sort_by_key(|(_, view)| view.job.created()),
        Some("Status") => found.sort_by_key(|(_, view)| view.last().status),
        Some("FinalObjectiveMetricValue") => found.sort_by(|one, other| one.0.objective.total_cmp(&other.0.objective)),
        _ => found.sort_by(|one, other| one.0.key.cmp(&other.0.key)),
    }
    if text(input, "SortOrder") == Some("Descending") {
        found.reverse();
    }
    let skip = after.and_then(|key| found.iter().position(|(child, _)| *child.key == *key)).map_or(0, |place| place + 1);
    let page: Vec<&(&Child, View<'_>)> = found.iter().skip(skip).take(size).collect();
    let next = page.last().filter(|_| skip + size < found.len()).map(|(child, _)| format!("after:{}", child.key));
    let summaries: Vec<Value> = page.into_iter().map(|(child, view)| child_summary(world, tuning, child, view)).collect();
    Ok(with_token(json!({"TrainingJobSummaries": summaries}), next))
}
