//! Signs on a job that somebody's workflow waits for it.

use crate::{
    policy::settings::Policy,
    vocabulary::resource::{Arn, Resource},
};

impl Policy {
    /// The workflow that a job's tags or its name tell of: `the execution pipeline/churn/execution/abc`. `None`: there is no sign of one.
    pub(crate) fn workflow_of(&self, job: &Resource) -> Option<String> {
        let by_tag = job.tags.read().and_then(|tags| tags.iter().find(|(key, _)| self.workflows.tags.is_match(key)));
        match by_tag {
            Some((key, value)) => Some(match Arn::parse(value) {
                Some(_) => format!("{value} (its tag {key})"),
                None => format!("the workflow that its tag {key} tells of"),
            }),
            None => self.workflows.names.is_match(&job.name).then(|| "the pipeline that its name tells of".to_owned()),
        }
    }
}
