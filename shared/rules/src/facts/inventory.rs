//! Resources of any kind, looked at for their tags or because a budget pays for them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    facts::subject::Subject,
    remedy::Remedy,
    vocabulary::{duration::Duration, price::Instances, resource::Resource, series::series_id},
};

/// A resource that is looked at for its tags. Its `resource` has its own tags only: the bill knows no others.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Which one.
    pub resource: Resource,
    /// How many tags it has, those included that nobody reads.
    pub tag_count: usize,
    /// The start of its run, if it runs.
    pub run: Option<Timestamp>,
    /// What it runs on, where that is known.
    pub instances: Vec<Instances>,
    /// The most that it may run, of a job.
    pub limit: Option<Duration>,
    /// What stops it while it runs; [`Remedy::None`]: nothing that loses no data.
    pub stop: Remedy,
    /// What it belongs to, or was made of.
    pub parent: Option<Parent>,
    /// The id or ARN of what started it and waits for it, of a job ([`Subject::part_of`]).
    pub part_of: Option<String>,
    /// The parent, its parent, …: as far as they are known.
    pub ancestors: Vec<Ancestor>,
    /// Who created it, where CloudTrail said so.
    pub creator: Option<Creator>,
    /// Why it is not known whose it is, if some of that could not be read: then nothing is done about it.
    pub ownership_unknown: Option<String>,
}

/// What a resource belongs to, or was made of: an app to its space, a space to its owner's profile, an endpoint to its configuration, a job to its tuning job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its id.
    pub id: String,
    /// Its name as it is spelt, where that is known.
    pub name: Option<String>,
}

/// A parent with its own tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancestor {
    /// Its id.
    pub id: String,
    /// Its own tags.
    pub tags: BTreeMap<String, String>,
}

/// Who created a resource, by CloudTrail's `userIdentity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creator {
    /// The name of the user, or of the session of a role.
    pub user: String,
}

/// A resource that a budget pays for while it runs.
#[derive(Clone, Debug)]
pub struct RunningAsset(pub Asset);

impl Subject for Asset {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.run
    }
    fn series(&self) -> Option<String> {
        let kind = self.resource.kind().filter(|kind| kind.is_job())?;
        Some(series_id(kind, &self.resource.name))
    }
    fn part_of(&self) -> Option<&str> {
        self.part_of.as_deref()
    }
    fn has_guard_tags(&self) -> bool {
        false
    }
}

impl Subject for RunningAsset {
    fn resource(&self) -> &Resource {
        &self.0.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.0.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.0.run
    }
    fn part_of(&self) -> Option<&str> {
        self.0.part_of.as_deref()
    }
    fn has_guard_tags(&self) -> bool {
        false
    }
}
