//! Training and tuning jobs: single ones by the service's own word, all of them once a day from the search index, page by page.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_sagemaker::types::{Filter, Operator, ResourceType, SearchExpression, SearchSortOrder, TrainingJobStatus};
use cost_rules::{
    duration::Duration,
    facts::{Capacity, Facts, Fate, Instances, JobSeries, JobStatus, Kind, Resource, Tags, TrainingJob, TuningJob, Unread, Whose},
    plan::SpotSaving,
    policy::Policy,
    rules::series_id,
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use super::{
    IN_FLIGHT,
    raw::Body,
    read::{Read, every_page, name_of, says_gone, unread_of},
    tags,
};
use crate::clients::{Clients, why::why};

/// How far back the daily sweep looks: as long as a job may run.
const WINDOW: Duration = Duration::days(28);

/// How far the search index may be behind: what ended so shortly before the last sweep is counted once more, as the same item.
const BEHIND: SignedDuration = SignedDuration::from_hours(1);

/// The most series that a sweep keeps in memory. More than this are no series.
const MOST_SERIES: usize = 5_000;

/// What the SageMaker Python SDK leaves on a job that it submits: hyperparameters where it brings code of its own, in version 3 channels for that code.
const SDK_HYPERPARAMETERS: [&str; 2] = ["sagemaker_job_name", "sagemaker_submit_directory"];
const SDK_CHANNELS: [&str; 2] = ["sm_drivers", "code"];

/// What is read of a training job, be it described or found.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TrainingRecord {
    training_job_name: String,
    training_job_arn: String,
    training_job_status: Option<String>,
    secondary_status: Option<String>,
    failure_reason: Option<String>,
    enable_managed_spot_training: Option<bool>,
    checkpoint_config: Option<CheckpointConfig>,
    resource_config: Option<ResourceConfig>,
    stopping_condition: Option<StoppingCondition>,
    serverless_job_config: Option<IgnoredAny>,
    algorithm_specification: Option<AlgorithmSpecification>,
    #[serde(default, deserialize_with = "names")]
    hyper_parameters: BTreeSet<String>,
    input_data_config: Option<Vec<Channel>>,
    debug_hook_config: Option<IgnoredAny>,
    tuning_job_arn: Option<String>,
    #[serde(rename = "AutoMLJobArn")]
    auto_ml_job_arn: Option<String>,
    labeling_job_arn: Option<String>,
    warm_pool_status: Option<WarmPoolStatus>,
    creation_time: Option<f64>,
    training_start_time: Option<f64>,
    training_end_time: Option<f64>,
    training_time_in_seconds: Option<i64>,
    billable_time_in_seconds: Option<i64>,
    /// In the search index only.
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CheckpointConfig {
    s3_uri: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResourceConfig {
    instance_type: Option<String>,
    instance_count: Option<u32>,
    instance_groups: Option<Vec<InstanceGroup>>,
    keep_alive_period_in_seconds: Option<i64>,
    training_plan_arn: Option<String>,
    instance_preferences: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceGroup {
    instance_type: Option<String>,
    instance_count: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoppingCondition {
    max_runtime_in_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AlgorithmSpecification {
    algorithm_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WarmPoolStatus {
    status: Option<String>,
    resource_retained_billable_time_in_seconds: Option<i64>,
    reused_by_job: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Channel {
    channel_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

/// The names of a map, without its values.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[expect(clippy::zero_sized_map_values, reason = "the values are skipped over")]
    let map = Option::<HashMap<String, IgnoredAny>>::deserialize(deserializer)?;
    Ok(map.into_iter().flatten().map(|(name, _)| name).collect())
}

/// What is read of a tuning job, be it described or found.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TuningRecord {
    hyper_parameter_tuning_job_name: String,
    hyper_parameter_tuning_job_arn: String,
    hyper_parameter_tuning_job_status: Option<String>,
    hyper_parameter_tuning_job_config: Option<TuningConfig>,
    training_job_definition: Option<TuningDefinition>,
    training_job_definitions: Option<Vec<TuningDefinition>>,
    creation_time: Option<f64>,
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TuningConfig {
    resource_limits: Option<ResourceLimits>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceLimits {
    max_number_of_training_jobs: Option<u32>,
    max_parallel_training_jobs: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TuningDefinition {
    enable_managed_spot_training: Option<bool>,
    resource_config: Option<ResourceConfig>,
    hyper_parameter_tuning_resource_config: Option<ResourceConfig>,
    stopping_condition: Option<StoppingCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    #[serde(default)]
    results: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hit {
    training_job: Option<TrainingRecord>,
    hyper_parameter_tuning_job: Option<TuningRecord>,
}

/// What a sweep found beside facts.
pub struct Sweep {
    /// Running jobs, series, and what could not be read.
    pub facts: Facts,
    /// What Spot saved on the jobs that ended since the last sweep.
    pub savings: Vec<SpotSaving>,
}

/// All training jobs of the last four weeks, and all running tuning jobs, from the search index, which is behind. Running jobs become facts, ended ones
/// are counted into their series page by page: memory stays flat. `since`: the last sweep.
pub async fn sweep(clients: &Clients, policy: &Policy, since: Timestamp, now: Timestamp) -> Sweep {
    let prices = policy.prices_of(&clients.region);
    let mut facts = Facts { now, prices: prices.clone(), ..Facts::default() };
    let mut savings = vec![];
    let mut series: HashMap<String, JobSeries> = HashMap::new();
    let mut looked_at = 0;
    let created = Filter::builder().name("CreationTime").operator(Operator::GreaterThan).value(search_time(now - WINDOW.signed())).build();
    let read = search(clients, ResourceType::TrainingJob, created, |hit| {
        let Some(record) = hit.training_job else { return };
        looked_at += 1;
        let warm_pool = record.warm_pool_status.as_ref().map(WarmPoolStatus::retained);
        let job = record.job(policy, true);
        if job.status == JobStatus::InProgress {
            facts.training_jobs.push(job);
            return;
        }
        if job.ended.is_some_and(|ended| since - BEHIND < ended) {
            savings.extend(SpotSaving::of(&job, policy, &prices));
        }
        // A tuning job's training jobs are as it wants them: it has limits of its own.
        if job.parent.is_some() {
            return;
        }
        let whose = policy.owner_of(&job.resource).unwrap_or_default();
        let id = format!("{}@{whose}", series_id(Kind::TrainingJob, &job.resource.name));
        if series.contains_key(&id) || series.len() < MOST_SERIES {
            count(series.entry(id.clone()).or_insert_with(|| new_series(id, &job)), &job, warm_pool.flatten());
        }
    });
    let training = read.await;
    let running = Filter::builder().name("HyperParameterTuningJobStatus").operator(Operator::Equals).value("InProgress").build();
    let tuning = search(clients, ResourceType::HyperParameterTuningJob, running, |hit| {
        facts.tuning_jobs.extend(hit.hyper_parameter_tuning_job.map(|record| record.job(policy, true)));
    });
    let tuning = tuning.await;

    for (kind, read) in [(Kind::TrainingJob, training), (Kind::TuningJob, tuning)] {
        match read {
            // Running jobs that are missing in the index may be too new for it: that none is gone is only known of the series.
            Ok(()) if kind == Kind::TrainingJob => {
                facts.complete.insert(Kind::JobSeries);
                facts.looked_at.insert(kind, looked_at);
            }
            Ok(()) => drop(facts.looked_at.insert(kind, facts.tuning_jobs.len())),
            Err(why) => facts.unread.push(Unread { what: format!("{}s (sagemaker:Search)", kind.words()), why }),
        }
    }
    facts.job_series = series.into_values().collect();
    facts.job_series.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
    count_children(&mut facts);
    Sweep { facts, savings }
}

/// Tells each tuning job how many of its training jobs run, and how many of them on Spot.
fn count_children(facts: &mut Facts) {
    let mut running: HashMap<&str, (u32, u32)> = HashMap::new();
    for job in &facts.training_jobs {
        if let Some(parent) = &job.parent {
            let (all, on_spot) = running.entry(parent).or_default();
            *all += 1;
            *on_spot += u32::from(job.spot);
        }
    }
    for job in &mut facts.tuning_jobs {
        job.running = job.resource.arn.as_deref().map(|arn| running.get(arn).copied().unwrap_or_default());
    }
}

fn new_series(id: String, newest: &TrainingJob) -> JobSeries {
    JobSeries {
        resource: Resource { id, ..newest.resource.clone() },
        completed: 0,
        longest: Duration::seconds(0),
        max_runtime: newest.max_runtime,
        instances: newest.instances.clone(),
        warm_pools: 0,
        unused_warm_pools: 0,
        unused_for: Duration::seconds(0),
        window: WINDOW,
    }
}

/// Counts an ended job into its series. `warm_pool`: whether the pool that it left was used again, and for how long it was kept.
fn count(series: &mut JobSeries, job: &TrainingJob, warm_pool: Option<(bool, Duration)>) {
    if job.status == JobStatus::Completed {
        series.completed += 1;
        series.longest = series.longest.max(Duration::seconds(job.training_seconds.unwrap_or_default()));
    }
    if let Some((reused, kept)) = warm_pool {
        series.warm_pools += 1;
        if !reused {
            series.unused_warm_pools += 1;
            series.unused_for = Duration::seconds(series.unused_for.signed().as_secs() + kept.signed().as_secs());
        }
    }
}

impl WarmPoolStatus {
    /// A pool whose end is known: whether it was used again, and for how long it was kept.
    fn retained(&self) -> Option<(bool, Duration)> {
        let kept = Duration::seconds(self.resource_retained_billable_time_in_seconds.unwrap_or_default());
        match self.status.as_deref() {
            Some("Reused") => Some((true, kept)),
            Some("Terminated") => Some((self.reused_by_job.is_some(), kept)),
            _ => None,
        }
    }
}

/// Every hit of a search, newest first. One record that cannot be read does not hide the others, but then it is not the whole.
async fn search(clients: &Clients, resource: ResourceType, filter: Filter, mut tell: impl FnMut(Hit)) -> Read<()> {
    let expression = SearchExpression::builder().filters(filter).build();
    let mut odd: Vec<String> = vec![];
    every_page(clients, async |token| {
        let body = Body::default();
        let call = clients.sagemaker.search().resource(resource.clone()).search_expression(expression.clone()).max_results(100);
        let call = call.sort_by("CreationTime").sort_order(SearchSortOrder::Descending).set_next_token(token);
        let page = call.customize().interceptor(body.clone()).send().await.map_err(|error| why(&error))?;
        for hit in body.json::<Found>("Search")?.results {
            match Hit::deserialize(&hit) {
                Ok(hit) => tell(hit),
                Err(error) => odd.push(error.to_string()),
            }
        }
        Ok(page.next_token)
    })
    .await?;
    odd.first().map_or(Ok(()), |why| Err(format!("{} of its records could not be read: {why}", odd.len())))
}

fn search_time(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Single jobs by the service's own word ([`Scope::named`]), with the tags of those that run, by which the policy's overrides are chosen. What the training
/// jobs of tuning jobs run on costs two calls more: [`look_at_children`].
///
/// [`Scope::named`]: cost_rules::plan::Scope::named
pub async fn some(clients: &Clients, policy: &Policy, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) {
    let before = (facts.training_jobs.len(), facts.tuning_jobs.len());
    some_without_tags(clients, policy, named, facts).await;
    let training = facts.training_jobs[before.0..].iter_mut();
    // What belongs to a tuning job is its tuning job's.
    let training = training.filter(|job| job.status == JobStatus::InProgress && job.parent.is_none()).map(|job| &mut job.resource);
    let tuning = facts.tuning_jobs[before.1..].iter_mut().filter(|job| job.status == JobStatus::InProgress).map(|job| &mut job.resource);
    let mut failed: Vec<(String, String)> = vec![];
    let mut gone = BTreeSet::new();
    let read = stream::iter(training.chain(tuning)).map(async |resource| (tags::of(clients, policy, resource.arn_or_id()).await, resource));
    for (read, resource) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(Some(tags)) => resource.tags = Tags::Known(tags),
            Ok(None) => drop(gone.insert(resource.id.clone())),
            Err(why) => {
                resource.tags = Tags::Unreadable;
                failed.push((resource.id.clone(), why));
            }
        }
    }
    facts.unread.extend(unread_of("tags", &failed));
    facts.forget(&gone);
    facts.gone.extend(gone);
}

/// The same, one call each.
pub(super) async fn some_without_tags(clients: &Clients, policy: &Policy, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) {
    let mut failed: Vec<(String, String)> = vec![];
    let read = stream::iter(named).map(async |(id, name)| (id, one(clients, policy, id, name.as_deref()).await));
    for (id, read) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(Some(Job::Training(job))) => facts.training_jobs.push(*job),
            Ok(Some(Job::Tuning(job))) => facts.tuning_jobs.push(*job),
            Ok(None) => drop(facts.gone.insert(id.clone())),
            Err(why) => failed.push((id.clone(), why)),
        }
    }
    facts.unread.extend(unread_of("state", &failed));
}

/// Tells each running tuning job that asked for Spot whether its training jobs got it.
pub async fn look_at_children(clients: &Clients, policy: &Policy, facts: &mut Facts) {
    let mut failed: Vec<(String, String)> = vec![];
    for job in facts.tuning_jobs.iter_mut().filter(|job| job.spot && job.status == JobStatus::InProgress && job.running.is_none()) {
        match children(clients, policy, &job.resource.name).await {
            Ok(running) => job.running = Some(running),
            Err(why) => failed.push((job.resource.id.clone(), why)),
        }
    }
    facts.unread.extend(unread_of("training jobs", &failed));
}

/// How many training jobs of a tuning job run, and how many of them on Spot. They are all made of its definition: one of them tells for all.
async fn children(clients: &Clients, policy: &Policy, name: &str) -> Read<(u32, u32)> {
    clients.in_time()?;
    let call = clients.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job().hyper_parameter_tuning_job_name(name);
    let listed = call.status_equals(TrainingJobStatus::InProgress).max_results(100).send().await;
    let listed = listed.map_err(|error| format!("sagemaker:ListTrainingJobsForHyperParameterTuningJob: {}", why(&error)))?;
    let running: Vec<String> =
        listed.training_job_summaries.unwrap_or_default().into_iter().filter_map(|job| job.training_job_name).collect();
    let count = u32::try_from(running.len()).unwrap_or(u32::MAX);
    match running.first() {
        None => Ok((0, 0)),
        Some(first) => Ok((count, if training(clients, policy, first).await?.is_none_or(|job| job.spot) { count } else { 0 })),
    }
}

/// `None`: there is none. A job of which only the ARN is known may be spelt otherwise than its ARN is: that it is not found says nothing then.
async fn one(clients: &Clients, policy: &Policy, id: &str, spelt: Option<&str>) -> Read<Option<Job>> {
    let name = spelt.unwrap_or_else(|| name_of(id));
    let found = match Kind::of(id) {
        Some(Kind::TuningJob) => describe_tuning(clients, policy, name).await?.map(|job| Job::Tuning(Box::new(job))),
        _ => training(clients, policy, name).await?.map(|job| Job::Training(Box::new(job))),
    };
    if found.is_none() && spelt.is_none() {
        return Err(format!("there is no job of the name {name}: names are case-sensitive, ARNs may be in lower case"));
    }
    Ok(found)
}

enum Job {
    Training(Box<TrainingJob>),
    Tuning(Box<TuningJob>),
}

/// A training job as it is now, without its tags. `None`: there is none of this name.
pub(super) async fn training(clients: &Clients, policy: &Policy, name: &str) -> Read<Option<TrainingJob>> {
    Ok(record(clients, name).await?.map(|record| record.job(policy, false)))
}

async fn record(clients: &Clients, name: &str) -> Read<Option<TrainingRecord>> {
    let described = describe_training(clients, name).await?;
    let record = described.map(|described| TrainingRecord::deserialize(&described)).transpose();
    record.map_err(|error| format!("sagemaker:DescribeTrainingJob: {error}"))
}

/// What `DescribeTrainingJob` answers, as it goes over the wire. `None`: there is none of this name.
pub(crate) async fn describe_training(clients: &Clients, name: &str) -> Read<Option<Value>> {
    clients.in_time()?;
    let body = Body::default();
    match clients.sagemaker.describe_training_job().training_job_name(name).customize().interceptor(body.clone()).send().await {
        Ok(_) => body.json("DescribeTrainingJob").map(Some),
        Err(error) if error.as_service_error().is_some_and(says_gone) => Ok(None),
        Err(error) => Err(format!("sagemaker:DescribeTrainingJob: {}", why(&error))),
    }
}

/// What became of a training job.
pub(crate) struct Now {
    /// `InProgress`, …: as the API spells it.
    pub(crate) status: String,
    pub(crate) created: Option<Timestamp>,
    pub(crate) arn: String,
}

/// What became of a training job. `None`: there is none of this name.
pub(crate) async fn now(clients: &Clients, name: &str) -> Read<Option<Now>> {
    Ok(record(clients, name).await?.map(|record| Now {
        status: record.training_job_status.unwrap_or_default(),
        created: time(record.creation_time),
        arn: record.training_job_arn,
    }))
}

/// What became of a training job that was submitted again. `run`: when it was created; a later job of its name is another one.
///
/// # Errors
/// It is not known.
pub async fn fate(clients: &Clients, name: &str, run: Option<Timestamp>) -> Result<Fate, String> {
    let Some(now) = now(clients, name).await?.filter(|now| run.is_none() || now.created == run) else { return Ok(Fate::Ended) };
    match now.status.as_str() {
        "InProgress" => Ok(Fate::Runs),
        "Completed" => Ok(Fate::Completed),
        "Stopping" | "Stopped" | "Failed" | "Deleting" => Ok(Fate::Ended),
        other => Err(format!("training job {name} is {other}")),
    }
}

/// A tuning job as it is now, without its tags. `None`: there is none of this name.
pub(super) async fn describe_tuning(clients: &Clients, policy: &Policy, name: &str) -> Read<Option<TuningJob>> {
    clients.in_time()?;
    let body = Body::default();
    let call = clients.sagemaker.describe_hyper_parameter_tuning_job().hyper_parameter_tuning_job_name(name);
    match call.customize().interceptor(body.clone()).send().await {
        Ok(_) => body.json::<TuningRecord>("DescribeHyperParameterTuningJob").map(|record| Some(record.job(policy, false))),
        Err(error) if error.as_service_error().is_some_and(says_gone) => Ok(None),
        Err(error) => Err(format!("sagemaker:DescribeHyperParameterTuningJob: {}", why(&error))),
    }
}

/// A training job with its tags, both asked for at the same time. `None`: there is none.
pub(super) async fn training_with_tags(clients: &Clients, policy: &Policy, known: &Resource) -> Read<Option<TrainingJob>> {
    let arn = known.arn.as_deref().ok_or("its ARN is not known")?;
    let (found, tags) = tokio::join!(training(clients, policy, &known.name), tags::of(clients, policy, arn));
    let (Some(mut job), Some(tags)) = (found?, tags?) else { return Ok(None) };
    job.resource.tags = Tags::Known(tags);
    Ok(Some(job))
}

/// A tuning job with its tags, and whether its training jobs got the Spot that it asked for. `None`: there is none.
pub(super) async fn tuning_with_tags(clients: &Clients, policy: &Policy, known: &Resource) -> Read<Option<TuningJob>> {
    let arn = known.arn.as_deref().ok_or("its ARN is not known")?;
    let (found, tags) = tokio::join!(describe_tuning(clients, policy, &known.name), tags::of(clients, policy, arn));
    let (Some(mut job), Some(tags)) = (found?, tags?) else { return Ok(None) };
    job.resource.tags = Tags::Known(tags);
    if job.spot && job.status == JobStatus::InProgress {
        job.running = Some(children(clients, policy, &job.resource.name).await?);
    }
    Ok(Some(job))
}

impl TrainingRecord {
    fn job(self, policy: &Policy, indexed: bool) -> TrainingJob {
        let resources = self.resource_config.unwrap_or_default();
        let capacity = match &resources {
            _ if self.serverless_job_config.is_some() => Capacity::Serverless,
            resources if resources.training_plan_arn.is_some() => Capacity::TrainingPlan,
            resources if resources.instance_preferences.is_some() => Capacity::InstancePreferences,
            _ => Capacity::Common,
        };
        TrainingJob {
            resource: resource(Kind::TrainingJob, self.training_job_name, self.training_job_arn, tags_of(policy, self.tags, indexed)),
            indexed,
            status: status(self.training_job_status.as_deref()),
            created: time(self.creation_time),
            started: time(self.training_start_time),
            ended: time(self.training_end_time),
            spot: self.enable_managed_spot_training.unwrap_or_default(),
            checkpoint: self.checkpoint_config.and_then(|config| config.s3_uri),
            keep_alive: resources.keep_alive_period_in_seconds.map(Duration::seconds),
            instances: resources.instances(),
            max_runtime: self.stopping_condition.and_then(|condition| condition.max_runtime_in_seconds).map(Duration::seconds),
            capacity,
            parent: self.tuning_job_arn.or(self.auto_ml_job_arn).or(self.labeling_job_arn),
            algorithm: self.algorithm_specification.and_then(|algorithm| algorithm.algorithm_name),
            waited_for: SDK_HYPERPARAMETERS.iter().any(|name| self.hyper_parameters.contains(*name))
                || self.input_data_config.iter().flatten().filter_map(|channel| channel.channel_name.as_deref()).any(|name| SDK_CHANNELS.contains(&name))
                // Version 2 asks for the debugger's hook unless it is told not to; few others do.
                || self.debug_hook_config.is_some(),
            secondary_status: self.secondary_status,
            failure: self.failure_reason.filter(|reason| !reason.is_empty()),
            replaces: None,
            training_seconds: self.training_time_in_seconds,
            billable_seconds: self.billable_time_in_seconds,
        }
    }
}

impl TuningRecord {
    fn job(self, policy: &Policy, indexed: bool) -> TuningJob {
        let definitions: Vec<TuningDefinition> =
            self.training_job_definition.into_iter().chain(self.training_job_definitions.unwrap_or_default()).collect();
        let limits = self.hyper_parameter_tuning_job_config.and_then(|config| config.resource_limits);
        let limit = |read: fn(&ResourceLimits) -> Option<u32>| limits.as_ref().and_then(read);
        let parallel = limit(|limits| limits.max_parallel_training_jobs).unwrap_or(1);
        TuningJob {
            resource: resource(
                Kind::TuningJob,
                self.hyper_parameter_tuning_job_name,
                self.hyper_parameter_tuning_job_arn,
                tags_of(policy, self.tags, indexed),
            ),
            indexed,
            status: status(self.hyper_parameter_tuning_job_status.as_deref()),
            created: time(self.creation_time),
            spot: !definitions.is_empty() && definitions.iter().all(|definition| definition.enable_managed_spot_training == Some(true)),
            parallel,
            most_jobs: limit(|limits| limits.max_number_of_training_jobs).unwrap_or(parallel),
            max_runtime: definitions
                .iter()
                .filter_map(|definition| definition.stopping_condition.as_ref()?.max_runtime_in_seconds)
                .max()
                .map(Duration::seconds),
            definitions: definitions.iter().filter_map(TuningDefinition::instances).collect(),
            running: None,
        }
    }
}

impl TuningDefinition {
    fn instances(&self) -> Option<Vec<Instances>> {
        let configured = self.resource_config.iter().chain(&self.hyper_parameter_tuning_resource_config);
        configured.map(ResourceConfig::instances).find(|instances| !instances.is_empty())
    }
}

impl ResourceConfig {
    fn instances(&self) -> Vec<Instances> {
        let group =
            |instance_type: &Option<String>, count: Option<u32>| Some(Instances { instance_type: instance_type.clone()?, count: count? });
        let groups = self.instance_groups.iter().flatten().filter_map(|one| group(&one.instance_type, one.instance_count));
        group(&self.instance_type, self.instance_count).into_iter().chain(groups).collect()
    }
}

fn resource(kind: Kind, name: String, arn: String, tags: Tags) -> Resource {
    Resource { id: kind.id(&name), arn: Some(arn), name, tags, whose: Whose::default() }
}

/// The index gives tags with the record; a description gives none, and they are asked for if the job is found.
fn tags_of(policy: &Policy, tags: Option<Vec<Tag>>, indexed: bool) -> Tags {
    if !indexed {
        return Tags::NotIndexed;
    }
    let tags = tags.unwrap_or_default().into_iter().filter(|tag| policy.reads_tag(&tag.key));
    Tags::Known(tags.map(|tag| (tag.key, tag.value)).collect())
}

fn status(status: Option<&str>) -> JobStatus {
    match status {
        Some("InProgress") => JobStatus::InProgress,
        Some("Completed") => JobStatus::Completed,
        Some("Failed") => JobStatus::Failed,
        Some("Stopped") => JobStatus::Stopped,
        _ => JobStatus::Other,
    }
}

/// Seconds since 1970, as JSON has them.
fn time(seconds: Option<f64>) -> Option<Timestamp> {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds?).ok()?).ok()
}
