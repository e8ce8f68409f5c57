//! Training jobs in `SageMaker`'s JSON, from descriptions and from the search index, and the facts that are made of them. What tuning jobs share with them.

use std::collections::{BTreeSet, HashMap};

use cost_rules::{
    duration::Duration,
    facts::{Capacity, JobStatus, TrainingJob},
    price::Instances,
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
    vocabulary::{
        image::{built_in_algorithm, without_version},
        secrets::without_secrets,
        series::is_named_by_sdk,
    },
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::gather::wire::time;

mod tuning;

pub(super) use tuning::TuningRecord;

/// What the SageMaker Python SDK leaves on a job that it submits: hyperparameters if it brings its own code, or (version 3) channels for that code.
const SDK_HYPERPARAMETERS: [&str; 2] = ["sagemaker_job_name", "sagemaker_submit_directory"];
const SDK_CHANNELS: [&str; 2] = ["sm_drivers", "code"];
/// The end of the manifest that the SDK writes for the data of its own algorithms.
const SDK_MANIFEST: &str = "/.amazon.manifest";

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
    role_arn: Option<String>,
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
    /// Only of a tuning job: the service chooses one of these.
    instance_configs: Option<Vec<InstanceGroup>>,
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
    training_image: Option<String>,
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
    data_source: Option<DataSource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataSource {
    s3_data_source: Option<S3DataSource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct S3DataSource {
    s3_uri: Option<String>,
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

impl TrainingRecord {
    pub(super) fn job(self, rulebook: &Rulebook, indexed: bool) -> TrainingJob {
        let resources = self.resource_config.unwrap_or_default();
        let capacity = if self.serverless_job_config.is_some() { Capacity::Serverless } else { resources.capacity() };
        let waited_for = is_named_by_sdk(&self.training_job_name)
            || SDK_HYPERPARAMETERS.iter().any(|name| self.hyper_parameters.contains(*name))
            || self.input_data_config.iter().flatten().any(Channel::is_of_sdk)
            // Version 2 asks for the debugger's hook by default; few other clients do.
            || self.debug_hook_config.is_some();
        TrainingJob {
            work: work(self.algorithm_specification.as_ref(), self.role_arn.as_deref()),
            algorithm: self.algorithm_specification.and_then(AlgorithmSpecification::name),
            resource: resource(Kind::TrainingJob, self.training_job_name, self.training_job_arn, tags_of(rulebook, self.tags, indexed)),
            indexed,
            status: status(self.training_job_status.as_deref()),
            created: time(self.creation_time),
            started: time(self.training_start_time),
            ended: time(self.training_end_time),
            spot: self.enable_managed_spot_training.unwrap_or_default(),
            checkpoint: self.checkpoint_config.and_then(|config| config.s3_uri),
            keep_alive: resources.keep_alive(),
            instances: resources.instances(),
            max_runtime: self.stopping_condition.and_then(|condition| condition.max_runtime_in_seconds).map(Duration::seconds),
            capacity,
            parent: self.tuning_job_arn.or(self.auto_ml_job_arn).or(self.labeling_job_arn),
            waited_for,
            secondary_status: self.secondary_status,
            failure: self.failure_reason.filter(|reason| !reason.is_empty()).map(|reason| without_secrets(&reason)),
            replaces: None,
            training_seconds: self.training_time_in_seconds,
            billable_seconds: self.billable_time_in_seconds,
        }
    }
}

impl AlgorithmSpecification {
    /// The algorithm's name, if it may write no checkpoints.
    fn name(self) -> Option<String> {
        let built_in = || built_in_algorithm(self.training_image.as_deref()?).map(str::to_owned);
        self.algorithm_name.or_else(built_in)
    }
}

impl Channel {
    fn is_of_sdk(&self) -> bool {
        let data = self.data_source.as_ref().and_then(|source| source.s3_data_source.as_ref()?.s3_uri.as_deref());
        self.channel_name.as_deref().is_some_and(|name| SDK_CHANNELS.contains(&name)) || data.is_some_and(|uri| uri.ends_with(SDK_MANIFEST))
    }
}

/// What tells which work a job does: its algorithm or image, without the image's version, and its role.
fn work(algorithm: Option<&AlgorithmSpecification>, role: Option<&str>) -> Option<String> {
    let algorithm = algorithm?;
    let image = algorithm.algorithm_name.as_deref().or_else(|| algorithm.training_image.as_deref().map(without_version))?;
    Some(format!("{image} {}", role?))
}

impl ResourceConfig {
    fn instances(&self) -> Vec<Instances> {
        let one = InstanceGroup { instance_type: self.instance_type.clone(), instance_count: self.instance_count };
        one.instances().into_iter().chain(self.instance_groups.iter().flatten().filter_map(InstanceGroup::instances)).collect()
    }

    /// Where its instances come from, if it has any.
    const fn capacity(&self) -> Capacity {
        match self {
            Self { training_plan_arn: Some(_), .. } => Capacity::TrainingPlan,
            Self { instance_preferences: Some(_), .. } => Capacity::InstancePreferences,
            _ => Capacity::Common,
        }
    }

    fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive_period_in_seconds.map(Duration::seconds)
    }

    /// What a training job of a tuning job runs on: one of these.
    fn choices(&self) -> Vec<Vec<Instances>> {
        let listed = self.instance_configs.iter().flatten().filter_map(InstanceGroup::instances).map(|one| vec![one]);
        Some(self.instances()).filter(|instances| !instances.is_empty()).into_iter().chain(listed).collect()
    }
}

impl InstanceGroup {
    /// `None`: it has no instances, as beside the groups of a cluster.
    fn instances(&self) -> Option<Instances> {
        Some(Instances { instance_type: self.instance_type.clone()?, count: self.instance_count.filter(|count| 0 < *count)? })
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
    let tags = tags.unwrap_or_default().into_iter().filter(|tag| rulebook.keeps_tag(&tag.key, &tag.value));
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn training(more: &Value) -> TrainingJob {
        let mut record = json!({
            "TrainingJobName": "churn", "TrainingJobArn": "arn:aws:sagemaker:eu-central-1:123456789012:training-job/churn",
            "TrainingJobStatus": "InProgress", "RoleArn": "arn:aws:iam::123456789012:role/ML",
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        TrainingRecord::deserialize(record).unwrap().job(&Rulebook::from_toml("").unwrap(), false)
    }

    fn one(instance_type: &str, count: u32) -> Vec<Instances> {
        vec![Instances { instance_type: instance_type.into(), count }]
    }

    #[test]
    fn fit_leaves_its_signs_on_a_job() {
        let data = |uri: &str| json!({"InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": uri}}}]});
        for (more, is_waited_for) in [
            (json!({}), false),
            (json!({"TrainingJobName": "kmeans-2018-01-31-14-07-29-021"}), true),
            (json!({"TrainingJobName": "mnist-1795570200-cc7d"}), true),
            (json!({"TrainingJobName": "churn-20261124091000"}), true),
            (json!({"TrainingJobName": "churn-20261124"}), false),
            (data("s3://ml-company/kmeans/.amazon.manifest"), true),
            (data("s3://ml-company/kmeans/data.manifest"), false),
            (json!({"InputDataConfig": [{"ChannelName": "code", "DataSource": {"FileSystemDataSource": {}}}]}), true),
            (json!({"HyperParameters": {"sagemaker_job_name": "churn"}}), true),
            (json!({"DebugHookConfig": {}}), true),
        ] {
            assert_eq!(training(&more).waited_for, is_waited_for, "{more}");
        }
    }

    #[test]
    fn why_a_job_failed_is_told_without_its_command_line() {
        let failed = training(&json!({"FailureReason": "AlgorithmError: exit code 1 Command \"python train.py --w ZQ1\""}));
        assert_eq!(failed.failure.as_deref(), Some("AlgorithmError: exit code 1 Command (hidden)"));
    }

    #[test]
    fn a_built_in_image_is_an_algorithm_and_no_instances_are_none() {
        let image = "664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1";
        let job = training(&json!({
            "AlgorithmSpecification": {"TrainingImage": image},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 0, "InstanceGroups": [{"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}]},
        }));
        assert_eq!((job.algorithm.as_deref(), job.instances), (Some("linear-learner"), one("ml.m5.xlarge", 2)));
        let work = "664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner arn:aws:iam::123456789012:role/ML";
        assert_eq!(job.work.as_deref(), Some(work));
        let own = image.replace("664544806723", "123456789012");
        assert_eq!(training(&json!({"AlgorithmSpecification": {"TrainingImage": own}})).algorithm, None);
    }
}
