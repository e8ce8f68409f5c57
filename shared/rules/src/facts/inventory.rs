//! Resources of any kind that are read for their tags, or because a budget pays for them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    facts::{
        notebooks::Change,
        subject::{Subject, is_told_itself},
    },
    remedy::Remedy,
    vocabulary::{
        duration::Duration,
        price::{Instances, Prices},
        resource::{Kind, Resource, Tags, id_of_arn},
        series::{is_made_anew, is_made_for_a_job, series_id},
    },
};

/// How long a job of Clarify or Inference Recommender may run: a processing job's limit unless it sets another one.
const LONGEST_JOB: SignedDuration = SignedDuration::from_hours(24);

/// A resource that is judged by its tags. `resource` has only its own tags, because the bill has no inherited ones.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its id, ARN, name and own tags.
    pub resource: Resource,
    /// The number of its tags, including those that are not kept in `resource`. Tags of AWS (`aws:`) do not count.
    pub tag_count: usize,
    /// When it was created. Only of endpoints, their configurations and models. `None`: not known.
    pub created: Option<Timestamp>,
    /// When its current run began. `None`: it does not run.
    pub run: Option<Timestamp>,
    /// Whether it is being deleted. Nobody has to tag it any more.
    pub is_leaving: bool,
    /// The state that it should be in for minutes only, and since when. Only of jobs, endpoints and what is like one.
    pub changing: Option<(Change, Option<Timestamp>)>,
    /// What it runs on. Empty: not known, or it has no instances.
    pub instances: Vec<Instances>,
    /// The time limit of a job. `None`: not a job, or not known.
    pub limit: Option<Duration>,
    /// What stops it while it runs. [`Remedy::None`]: there is no such action that the guard may take.
    pub stop: Remedy,
    /// What it belongs to, or was made from.
    pub parent: Option<Parent>,
    /// What started it and waits for it, of a job: an id or ARN ([`Subject::part_of`]), or the creator that waits.
    pub part_of: Option<String>,
    /// As in [`crate::facts::TrainingJob::work`], once the job was described.
    pub work: Option<String>,
    /// Whether a job asked for Spot: what it pays by the hour is not known while it runs.
    pub is_spot: bool,
    /// The parent, the parent's parent and so on, as far as they are known.
    pub ancestors: Vec<Ancestor>,
    /// Who created it, according to CloudTrail. `None`: not known.
    pub creator: Option<Creator>,
    /// Why its owner is not known: something about the owner could not be read. Then the guard does not act on it.
    pub ownership_unknown: Option<String>,
}

impl Asset {
    /// USD per hour on demand. `None`: its price is not known, or it does not pay it.
    pub fn usd_per_hour(&self, prices: &Prices) -> Option<Decimal> {
        prices.hourly_of_kind(self.resource.kind(), &self.instances).filter(|_| !self.is_spot)
    }

    /// Whether it is a job of a tuning or AutoML job, which is judged itself.
    pub fn is_child_job(&self) -> bool {
        let of_part = |of: &String| Kind::of(id_of_arn(of).as_ref().unwrap_or(of));
        let of = self.parent.iter().map(|parent| Kind::of(&parent.id)).chain(self.part_of.iter().map(of_part));
        of.flatten().any(|kind| matches!(kind, Kind::TuningJob | Kind::AutoMlJob))
    }

    /// Whether a job of SageMaker made it for itself and deletes it at its end. What is older was left behind.
    pub fn is_of_a_job_at_work(&self, now: Timestamp) -> bool {
        let is_young = |created: Timestamp| now < created + LONGEST_JOB;
        self.resource.kind().is_some_and(Kind::is_of_hosting)
            && is_made_for_a_job(&self.resource.name)
            && self.created.is_some_and(is_young)
    }
}

/// What a resource belongs to, or was made from: the space of an app, the owner's profile of a space, the configuration of an endpoint, the tuning job of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its id.
    pub id: String,
    /// Its name in its original spelling. `None`: not known.
    pub name: Option<String>,
}

/// A parent with its own tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancestor {
    /// Its id.
    pub id: String,
    /// Its name. A domain's is not in its id.
    pub name: String,
    /// Its own tags.
    pub tags: BTreeMap<String, String>,
}

/// Who created a resource, from CloudTrail's `userIdentity`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Creator {
    /// The name of the user, or the ARN of a role's session. Empty: not known, or a program's.
    pub user: String,
    /// The service, user or session that made the call, also a program's, which may wait for a job: `states.amazonaws.com`. Empty: not known.
    pub maker: String,
}

/// A running resource that a budget pays for.
#[derive(Clone, Debug)]
pub struct RunningAsset(pub Asset);

impl Subject for Asset {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn instances(&self) -> Vec<Instances> {
        self.instances.clone()
    }
    fn run(&self) -> Option<Timestamp> {
        self.run
    }
    fn series(&self) -> Option<String> {
        let kind = self.resource.kind().filter(|kind| kind.is_in_series())?;
        // A model stays until somebody deletes it. If people number their models, each has to be tagged.
        let is_of_series = kind.is_job() || is_made_anew(&self.resource.name);
        is_of_series.then(|| series_id(kind, &self.resource, self.work.as_deref()))
    }
    fn part_of(&self) -> Option<&str> {
        self.part_of.as_deref()
    }
    fn homes(&self) -> Vec<Resource> {
        let homes = self.resource.homes();
        // Its own tags are not those of what it is in.
        let tagged =
            |one: &Ancestor| Resource { name: one.name.clone(), tags: Tags::Known(one.tags.clone()), ..self.resource.within(&one.id) };
        if homes.is_empty() { homes } else { homes.into_iter().chain(self.ancestors.iter().map(tagged)).collect() }
    }
    /// Notebooks, apps, training and tuning jobs are also facts of their own, with the tags of what they belong to.
    fn has_guard_tags(&self) -> bool {
        let is_read_only_here = |kind| matches!(kind, Kind::ProcessingJob | Kind::TransformJob | Kind::AutoMlJob);
        self.run.is_some() && self.resource.kind().is_some_and(is_read_only_here) && !self.part_of().is_some_and(is_told_itself)
    }
}

impl Subject for RunningAsset {
    fn resource(&self) -> &Resource {
        &self.0.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.0.resource
    }
    fn instances(&self) -> Vec<Instances> {
        self.0.instances.clone()
    }
    fn run(&self) -> Option<Timestamp> {
        self.0.run
    }
    fn part_of(&self) -> Option<&str> {
        self.0.part_of.as_deref()
    }
    fn homes(&self) -> Vec<Resource> {
        self.0.homes()
    }
    fn has_guard_tags(&self) -> bool {
        false
    }
}
