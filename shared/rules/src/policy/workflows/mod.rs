//! Signs on a job that somebody's workflow waits for it: its name, its tags, and the variables that it was given.

use serde::{Deserialize as _, Deserializer, de};

pub use self::tags::names_workflow;
use self::values::has_workflows_arn;
use crate::{
    policy::{sections::WorkflowSigns, settings::Policy},
    vocabulary::{
        globs::Globs,
        patterns::{JOBS, TAG_KEYS},
        resource::{Arn, Resource},
    },
};

mod creators;
mod names;
mod tags;
mod tools;
mod values;
mod variables;

impl Policy {
    /// The workflow that a job's tags or its name tell of: `the execution pipeline/churn/execution/abc`. `None`: there is no sign of one.
    pub(crate) fn workflow_of(&self, job: &Resource) -> Option<String> {
        let tags = job.tags.read().into_iter().flatten();
        let mut tags = tags.map(|(key, value)| (key.as_str(), value.trim().trim_matches('"')));
        let is_sign = |key: &str, value: &str| self.is_sign(key, value, tags::is_sign) && !self.is_owners_name(job, key, value);
        if let Some(tag) = tags.find(|(key, value)| tags::is_of_aws(key) || is_sign(key, value)) {
            return Some(told("tag", tag));
        }
        self.is_workflows_name(&job.name).then(|| "the workflow that its name tells of".to_owned())
    }

    /// The same by the variables that a job was given, in its environment, as hyperparameters or as arguments: tools hand over the token or the run to answer to.
    #[must_use]
    pub fn workflow_of_variables(&self, variables: &[(String, String)]) -> Option<String> {
        let variables = variables::spread(variables);
        let mut variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        variables.find(|(name, value)| self.is_sign(name, value, variables::is_sign)).map(|variable| told("variable", variable))
    }

    /// Whether the key of a tag says that a workflow waits for a job.
    pub(crate) fn is_workflow_tag(&self, key: &str) -> bool {
        tags::is_of_aws(key) || tags::is_key(key) || self.workflows.tags.is_match(key)
    }

    /// `is_known`: whether such a pair is a sign without the policy's own. What the policy says does not change whose ARN it is.
    fn is_sign(&self, key: &str, value: &str, is_known: fn(&str, &str) -> bool) -> bool {
        let WorkflowSigns { tags, not_tags, .. } = &self.workflows;
        has_workflows_arn(value) || (!not_tags.is_match(key) && (tags.is_match(key) || is_known(key, value)))
    }

    /// Whether a tag tells that the owner made the job, whose name is also that of a tool: `created-by = mage`.
    fn is_owners_name(&self, job: &Resource, key: &str, value: &str) -> bool {
        let is_owner = || self.owner_of(job).is_some_and(|owner| self.owner_named(value) == Some(owner));
        tags::may_name_owner(key, value) && is_owner()
    }

    fn is_workflows_name(&self, name: &str) -> bool {
        let WorkflowSigns { names, not_names, .. } = &self.workflows;
        !not_names.is_match(name) && (names.is_match(name) || names::is_sign(name))
    }
}

/// What such a pair tells of. `what`: what it is, `tag`.
fn told(what: &str, (key, value): (&str, &str)) -> String {
    match Arn::parse(value) {
        Some(_) => format!("{value} (its {what} {key})"),
        None => format!("the workflow that its {what} {key} tells of"),
    }
}

/// Reads patterns of names.
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    names_of("names", deserializer)
}

/// Reads patterns of names that are no sign.
pub(super) fn not_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    names_of("not-names", deserializer)
}

/// Reads patterns of keys of tags.
pub(super) fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    keys_of("tags", deserializer)
}

/// Reads patterns of keys of tags that are no sign.
pub(super) fn not_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    keys_of("not-tags", deserializer)
}

/// `at`: the key of the policy.
fn names_of<'de, D: Deserializer<'de>>(at: &str, deserializer: D) -> Result<Globs, D::Error> {
    Globs::deserialize(deserializer)?.of_texts(at, &JOBS)
}

fn keys_of<'de, D: Deserializer<'de>>(at: &str, deserializer: D) -> Result<Globs, D::Error> {
    let globs = Globs::deserialize(deserializer)?;
    let with_value = globs.texts().iter().find_map(|text| Some((text, text.split_once('=').or_else(|| text.split_once(": "))?)));
    match with_value {
        Some((text, (key, _))) => Err(de::Error::custom(format!(
            "`{at}` has `{text}`, which is no pattern of keys of tags: the value of a tag does not count: write the key alone, \"{}\"",
            key.trim()
        ))),
        None => globs.of_texts(at, &TAG_KEYS),
    }
}

#[cfg(test)]
mod tests;
