//! What a rule can judge.

use jiff::Timestamp;

use crate::vocabulary::resource::Resource;

/// What a rule can judge.
pub trait Subject {
    /// What it has in common with all others.
    fn resource(&self) -> &Resource;
    /// The same, to complete what is known of it.
    fn resource_mut(&mut self) -> &mut Resource;
    /// Since when it runs, if it does.
    fn run(&self) -> Option<Timestamp> {
        None
    }
    /// The id of the series that it is one of.
    fn series(&self) -> Option<String> {
        None
    }
    /// The id or ARN of what started it as a part of its own work and waits for it: a tuning, AutoML or labelling job, a monitoring schedule.
    fn part_of(&self) -> Option<&str> {
        None
    }
    /// Whether the `cost-guard:` tags on it count.
    fn has_guard_tags(&self) -> bool {
        true
    }
}

impl Subject for Resource {
    fn resource(&self) -> &Resource {
        self
    }
    fn resource_mut(&mut self) -> &mut Resource {
        self
    }
}
