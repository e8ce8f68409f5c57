//! Tuning jobs in `SageMaker`'s JSON, from descriptions and from the search index, and the facts that are made of them.

use cost_rules::{
    duration::Duration,
    facts::{Capacity, TuningDefinition, TuningJob},
    resource::Kind,
    rulebook::Rulebook,
};
use serde::Deserialize;

use super::{AlgorithmSpecification, ResourceConfig, StoppingCondition, Tag, resource, status, tags_of, work};
use crate::gather::wire::time;

/// The fields that are read of a tuning job, from a description or from the search index.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::gather::training) struct TuningRecord {
    hyper_parameter_tuning_job_name: String,
    hyper_parameter_tuning_job_arn: String,
    hyper_parameter_tuning_job_status: Option<String>,
    hyper_parameter_tuning_job_config: Option<TuningConfig>,
    training_job_definition: Option<DefinitionRecord>,
    training_job_definitions: Option<Vec<DefinitionRecord>>,
    training_job_status_counters: Option<StatusCounters>,
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
#[expect(clippy::struct_field_names, reason = "AWS's names")]
struct ResourceLimits {
    max_number_of_training_jobs: Option<u32>,
    max_parallel_training_jobs: Option<u32>,
    max_runtime_in_seconds: Option<i64>,
}

/// The numbers of training jobs that have ended. Those that failed and are tried again are not among them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatusCounters {
    completed: Option<u32>,
    stopped: Option<u32>,
    non_retryable_error: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DefinitionRecord {
    algorithm_specification: Option<AlgorithmSpecification>,
    role_arn: Option<String>,
    enable_managed_spot_training: Option<bool>,
    resource_config: Option<ResourceConfig>,
    hyper_parameter_tuning_resource_config: Option<ResourceConfig>,
    stopping_condition: Option<StoppingCondition>,
}

impl TuningRecord {
    pub(in crate::gather::training) fn job(self, rulebook: &Rulebook, indexed: bool) -> TuningJob {
        let definitions: Vec<DefinitionRecord> =
            self.training_job_definition.into_iter().chain(self.training_job_definitions.unwrap_or_default()).collect();
        let limits = self.hyper_parameter_tuning_job_config.and_then(|config| config.resource_limits);
        let limit = |read: fn(&ResourceLimits) -> Option<u32>| limits.as_ref().and_then(read);
        let parallel = limit(|limits| limits.max_parallel_training_jobs).unwrap_or(1);
        let most_jobs = limit(|limits| limits.max_number_of_training_jobs);
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
            work: definitions.first().and_then(|first| work(first.algorithm_specification.as_ref(), first.role_arn.as_deref())),
            parallel: parallel.min(most_jobs.unwrap_or(parallel)),
            most_jobs,
            ended: self.training_job_status_counters.map_or(0, |counters| counters.ended()),
            max_runtime: limits.as_ref().and_then(|limits| limits.max_runtime_in_seconds).map(Duration::seconds),
            definitions: definitions.into_iter().map(DefinitionRecord::definition).collect(),
            running: None,
        }
    }
}

impl StatusCounters {
    fn ended(&self) -> u32 {
        [self.completed, self.stopped, self.non_retryable_error].into_iter().flatten().fold(0, u32::saturating_add)
    }
}

impl DefinitionRecord {
    fn definition(self) -> TuningDefinition {
        let configured = || self.resource_config.iter().chain(&self.hyper_parameter_tuning_resource_config);
        TuningDefinition {
            capacity: configured().map(ResourceConfig::capacity).find(|capacity| *capacity != Capacity::Common).unwrap_or(Capacity::Common),
            keep_alive: configured().find_map(ResourceConfig::keep_alive),
            algorithm: self.algorithm_specification.and_then(AlgorithmSpecification::name),
            spot: self.enable_managed_spot_training.unwrap_or_default(),
            choices: configured().map(ResourceConfig::choices).find(|choices| !choices.is_empty()).unwrap_or_default(),
            max_runtime: self.stopping_condition.and_then(|condition| condition.max_runtime_in_seconds).map(Duration::seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use cost_rules::price::Instances;
    use serde_json::json;

    use super::*;

    fn one(instance_type: &str, count: u32) -> Vec<Instances> {
        vec![Instances { instance_type: instance_type.into(), count }]
    }

    #[test]
    fn a_tuning_job_has_limits_and_choices() {
        let record = json!({
            "HyperParameterTuningJobName": "hpo", "HyperParameterTuningJobArn": "arn:aws:sagemaker:eu-central-1:123456789012:hyper-parameter-tuning-job/hpo",
            "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 500, "MaxParallelTrainingJobs": 4, "MaxRuntimeInSeconds": 3600}},
            "TrainingJobStatusCounters": {"Completed": 3, "InProgress": 4, "RetryableError": 5, "NonRetryableError": 1, "Stopped": 2},
            "TrainingJobDefinitions": [
                {"AlgorithmSpecification": {"TrainingImage": "664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1"}, "EnableManagedSpotTraining": true, "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}},
                {"HyperParameterTuningResourceConfig": {"AllocationStrategy": "Prioritized", "InstanceConfigs": [
                    {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}, {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}
                ]}, "StoppingCondition": {"MaxRuntimeInSeconds": 7200}},
            ],
        });
        let job = TuningRecord::deserialize(record).unwrap().job(&Rulebook::from_toml("").unwrap(), false);
        let [spot, listed] = &job.definitions[..] else { panic!("{job:?}") };
        assert_eq!((spot.spot, &spot.choices), (true, &vec![one("ml.m5.xlarge", 1)]));
        assert_eq!((listed.spot, &listed.choices), (false, &vec![one("ml.m5.large", 1), one("ml.m5.xlarge", 2)]));
        assert_eq!((job.ended, spot.algorithm.as_deref(), listed.algorithm.as_deref()), (6, Some("linear-learner"), None));
        assert_eq!((job.max_runtime, listed.max_runtime), (Some(Duration::hours(1)), Some(Duration::hours(2))));
        assert_eq!((job.is_spot(), job.longest()), (false, Some(Duration::hours(1))));
    }

    #[test]
    fn a_definition_has_its_capacity_and_its_warm_pool() {
        for (more, capacity, keep_alive) in [
            (json!({}), Capacity::Common, None),
            (json!({"TrainingPlanArn": "arn:aws:sagemaker:eu-central-1:123456789012:training-plan/x"}), Capacity::TrainingPlan, None),
            (json!({"InstancePreferences": []}), Capacity::InstancePreferences, None),
            (json!({"KeepAlivePeriodInSeconds": 1800}), Capacity::Common, Some(Duration::minutes(30))),
        ] {
            for field in ["ResourceConfig", "HyperParameterTuningResourceConfig"] {
                let mut definition = json!({});
                definition[field] = more.clone();
                let read = DefinitionRecord::deserialize(definition).unwrap().definition();
                assert_eq!((read.capacity, read.keep_alive), (capacity, keep_alive), "{field}: {more}");
            }
        }
    }
}
