//! Workflows that wait for a job: executions of pipelines and of state machines, AutoML jobs.

use std::collections::BTreeMap;

/// Jobs by id, with the workflow that waits for each. A job that is missing was not asked for.
pub type Workflows = BTreeMap<String, Workflow>;

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
