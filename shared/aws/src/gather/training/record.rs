//! Training and tuning jobs in `SageMaker`'s JSON, from descriptions and from the search index, and the facts that are made of them.

use std::collections::{BTreeSet, HashMap};

use cost_rules::{
    duration::Duration,
    facts::{Capacity, JobStatus, TrainingJob, TuningJob},
    price::Instances,
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// What the SageMaker Python SDK leaves on a job that it submits: hyperparameters if it brings its own code, or (version 3) channels for that code.
const SDK_HYPERPARAMETERS: [&str; 2] = ["sagemaker_job_name", "sagemaker_submit_directory"];
const SDK_CHANNELS: [&str; 2] = ["sm_drivers", "code"];

/// The fields that are read of a training job, from a description or from the search index.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrainingRecord {
    training_job_name: String,
    pub(super) training_job_arn: String,
    pub(super) training_job_status: Option<String>,
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
    pub(super) auto_ml_job_arn: Option<String>,
    labeling_job_arn: Option<String>,
    pub(super) warm_pool_status: Option<WarmPoolStatus>,
    pub(super) creation_time: Option<f64>,
    training_start_time: Option<f64>,
    training_end_time: Option<f64>,
    training_time_in_seconds: Option<i64>,
    billable_time_in_seconds: Option<i64>,
    /// Only in the search index.
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
pub(super) struct WarmPoolStatus {
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

/// The keys of a map, without its values.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[expect(clippy::zero_sized_map_values, reason = "the values are skipped over")]
    let map = Option::<HashMap<String, IgnoredAny>>::deserialize(deserializer)?;
    Ok(map.into_iter().flatten().map(|(name, _)| name).collect())
}

/// The fields that are read of a tuning job, from a description or from the search index.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TuningRecord {
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

impl TrainingRecord {
    pub(super) fn job(self, rulebook: &Rulebook, indexed: bool) -> TrainingJob {
        let resources = self.resource_config.unwrap_or_default();
        let capacity = match &resources {
            _ if self.serverless_job_config.is_some() => Capacity::Serverless,
            resources if resources.training_plan_arn.is_some() => Capacity::TrainingPlan,
            resources if resources.instance_preferences.is_some() => Capacity::InstancePreferences,
            _ => Capacity::Common,
        };
        TrainingJob {
            resource: resource(Kind::TrainingJob, self.training_job_name, self.training_job_arn, tags_of(rulebook, self.tags, indexed)),
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
                // Version 2 asks for the debugger's hook by default; few other clients do.
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
    pub(super) fn job(self, rulebook: &Rulebook, indexed: bool) -> TuningJob {
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
                tags_of(rulebook, self.tags, indexed),
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

impl WarmPoolStatus {
    /// Whether the pool was reused, and for how long it was kept. `None`: it has not ended.
    pub(super) fn retained(&self) -> Option<(bool, Duration)> {
        let kept = Duration::seconds(self.resource_retained_billable_time_in_seconds.unwrap_or_default());
        match self.status.as_deref() {
            Some("Reused") => Some((true, kept)),
            Some("Terminated") => Some((self.reused_by_job.is_some(), kept)),
            _ => None,
        }
    }
}

fn resource(kind: Kind, name: String, arn: String, tags: Tags) -> Resource {
    Resource { id: kind.id(&name), arn: Some(arn), name, tags, ownership: Ownership::default() }
}

/// The search index contains the tags. A description does not: they are read separately.
fn tags_of(rulebook: &Rulebook, tags: Option<Vec<Tag>>, indexed: bool) -> Tags {
    if !indexed {
        return Tags::NotIndexed;
    }
    let tags = tags.unwrap_or_default().into_iter().filter(|tag| rulebook.reads_tag(&tag.key));
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

/// From seconds since 1970, as in the JSON. `None`: missing, or out of range.
pub(super) fn time(seconds: Option<f64>) -> Option<Timestamp> {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds?).ok()?).ok()
}
