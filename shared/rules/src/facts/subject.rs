//! The trait of everything that a rule can judge.

use jiff::Timestamp;

use crate::vocabulary::{
    price::Instances,
    resource::{Kind, Resource, id_of_arn},
    series::series_id,
};

/// What a rule can judge.
pub trait Subject {
    /// Its id, ARN, name, tags and owner.
    fn resource(&self) -> &Resource;
    /// The same, to add to what is known about it.
    fn resource_mut(&mut self) -> &mut Resource;
    /// When its current run began. `None`: it does not run.
    fn run(&self) -> Option<Timestamp> {
        None
    }
    /// What it runs on now. Empty: not known, or it has no instances.
    fn instances(&self) -> Vec<Instances> {
        vec![]
    }
    /// The id of the series that it belongs to.
    fn series(&self) -> Option<String> {
        None
    }
    /// The id or ARN of what started it as a part of its own work and waits for it: a tuning, AutoML or labelling job, a monitoring schedule.
    fn part_of(&self) -> Option<&str> {
        None
    }
    /// What it is in, of a Studio app. An exemption of one of them is also its own.
    fn homes(&self) -> Vec<Resource> {
        self.resource().homes()
    }
    /// Whether its owner is to hear of a `cost-guard:` tag that cannot be read. What another one started and is told of has that one's tags.
    fn has_guard_tags(&self) -> bool {
        !self.part_of().is_some_and(is_told_itself)
    }
}

/// Whether the id or ARN is of a kind whose own owner hears of its tags.
pub(super) fn is_told_itself(id_or_arn: &str) -> bool {
    id_of_arn(id_or_arn).as_deref().or(Some(id_or_arn)).and_then(Kind::of).is_some_and(Kind::can_be_stopped)
}

impl Subject for Resource {
    fn resource(&self) -> &Resource {
        self
    }
    fn resource_mut(&mut self) -> &mut Resource {
        self
    }
    fn series(&self) -> Option<String> {
        let kind = self.kind().filter(|kind| kind.is_job())?;
        Some(series_id(kind, self, None))
    }
}
