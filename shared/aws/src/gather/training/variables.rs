//! The variables of a job in `SageMaker`'s JSON: the environment and the hyperparameters of a training job, or those that a tuning job gives to its training jobs.

use std::collections::BTreeMap;

use cost_rules::facts::Variables;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct VariablesRecord {
    environment: BTreeMap<String, String>,
    hyper_parameters: BTreeMap<String, String>,
    static_hyper_parameters: BTreeMap<String, String>,
    training_job_definition: Option<Box<VariablesRecord>>,
    training_job_definitions: Vec<VariablesRecord>,
}

impl VariablesRecord {
    pub(super) fn all(self) -> Variables {
        let definitions = self.training_job_definition.map(|one| *one).into_iter().chain(self.training_job_definitions);
        let own = self.environment.into_iter().chain(self.hyper_parameters).chain(self.static_hyper_parameters);
        own.chain(definitions.flat_map(Self::all)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_variables_of_a_job_are_in_its_environment_its_hyperparameters_and_its_definitions() {
        let names = |described: Value| -> Vec<String> {
            VariablesRecord::deserialize(described).unwrap().all().into_iter().map(|(name, _)| name).collect()
        };
        let training = json!({"TrainingJobName": "a", "Environment": {"TASK_TOKEN": "x"}, "HyperParameters": {"epochs": "10"}});
        assert_eq!(names(training), ["TASK_TOKEN", "epochs"]);
        let one = json!({"TrainingJobDefinition": {"StaticHyperParameters": {"task_token": "x"}, "Environment": {"A": "b"}}});
        assert_eq!(names(one), ["A", "task_token"]);
        let several = json!({"TrainingJobDefinitions": [{"StaticHyperParameters": {"a": "1"}}, {"StaticHyperParameters": {"b": "1"}}]});
        assert_eq!(names(several), ["a", "b"]);
        assert_eq!(names(json!({})), Vec::<String>::new());
    }
}
