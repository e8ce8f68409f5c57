//! The trait of everything that a rule can judge.

use jiff::Timestamp;

use crate::vocabulary::{resource::Resource, series::series_id};

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
    /// The id of the series that it belongs to.
    fn series(&self) -> Option<String> {
        None
    }
    /// The id or ARN of what started it as a part of its own work and waits for it: a tuning, AutoML or labelling job, a monitoring schedule.
    fn part_of(&self) -> Option<&str> {
        None
    }
    /// Whether its `cost-guard:` tags count.
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
    fn series(&self) -> Option<String> {
        let kind = self.kind().filter(|kind| kind.is_job())?;
        Some(series_id(kind, self, None))
    }
}
