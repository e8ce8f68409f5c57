//! The variables of a job in `SageMaker`'s JSON: the environment, the hyperparameters and the container's arguments of a training job, or those that a tuning job
//! gives to its training jobs.

use std::collections::BTreeMap;

use cost_rules::facts::{Variables, arguments};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct VariablesRecord {
    environment: BTreeMap<String, String>,
    hyper_parameters: BTreeMap<String, String>,
    static_hyper_parameters: BTreeMap<String, String>,
    algorithm_specification: AlgorithmRecord,
    training_job_definition: Option<Box<VariablesRecord>>,
    training_job_definitions: Vec<VariablesRecord>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct AlgorithmRecord {
    container_entrypoint: Vec<String>,
    container_arguments: Vec<String>,
}

impl VariablesRecord {
    pub(super) fn all(self) -> Variables {
        let AlgorithmRecord { container_entrypoint, container_arguments } = self.algorithm_specification;
        let definitions = self.training_job_definition.map(|one| *one).into_iter().chain(self.training_job_definitions);
        let own = self.environment.into_iter().chain(self.hyper_parameters).chain(self.static_hyper_parameters);
        let arguments = arguments(container_entrypoint.into_iter().chain(container_arguments));
        own.chain(arguments).chain(definitions.flat_map(Self::all)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_variables_of_a_job_are_in_its_environment_its_hyperparameters_its_arguments_and_its_definitions() {
        let names = |described: Value| -> Vec<String> {
            VariablesRecord::deserialize(described).unwrap().all().into_iter().map(|(name, _)| name).collect()
        };
        let training = json!({"TrainingJobName": "a", "Environment": {"TASK_TOKEN": "x"}, "HyperParameters": {"epochs": "10"}});
        assert_eq!(names(training), ["TASK_TOKEN", "epochs"]);
        let one = json!({"TrainingJobDefinition": {"StaticHyperParameters": {"task_token": "x"}, "Environment": {"A": "b"}}});
        assert_eq!(names(one), ["A", "task_token"]);
        let several = json!({"TrainingJobDefinitions": [{"StaticHyperParameters": {"a": "1"}}, {"StaticHyperParameters": {"b": "1"}}]});
        assert_eq!(names(several), ["a", "b"]);
        let container = json!({"ContainerEntrypoint": ["python3"], "ContainerArguments": ["--task-token", "x"]});
        assert_eq!(names(json!({"AlgorithmSpecification": container})), ["argument", "task-token"]);
        assert_eq!(names(json!({"TrainingJobDefinition": {"AlgorithmSpecification": container}})), ["argument", "task-token"]);
        assert_eq!(names(json!({})), Vec::<String>::new());
    }
}
