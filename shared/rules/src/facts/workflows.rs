//! Workflows that wait for a job: executions of pipelines and of state machines, AutoML jobs.

use std::collections::BTreeMap;

/// Jobs by id, with the workflow that waits for each. A job that is missing was not asked for.
pub type Workflows = BTreeMap<String, Workflow>;

/// The variables that a job was given, names with values: its environment and its hyperparameters.
pub type Variables = Vec<(String, String)>;

/// Whether a workflow waits for a job. The workflow fails if the job is stopped or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workflow {
    /// No workflow waits for it.
    None,
    /// This workflow waits for it: `pipeline/churn/execution/abc`.
    Waits(String),
    /// Why it is not known.
    Unknown(String),
}

impl Workflow {
    /// What is known from two sources: a workflow that waits counts for more than what is not known, and that for more than none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Waits(workflow), _) | (_, Self::Waits(workflow)) => Self::Waits(workflow),
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::None, Self::None) => Self::None,
        }
    }
}
