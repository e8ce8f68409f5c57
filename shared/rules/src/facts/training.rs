//! Training jobs, series of them, and tuning jobs.

use jiff::Timestamp;

use crate::{
    facts::subject::Subject,
    vocabulary::{
        duration::Duration,
        price::Instances,
        resource::{Kind, Resource},
        series::series_id,
    },
};

/// A training job.
#[derive(Clone, Debug)]
pub struct TrainingJob {
    /// Which one and whose.
    pub resource: Resource,
    /// Where these facts come from: the search index, which is behind, or the service itself. What the index says is confirmed before it is
    /// reported.
    pub indexed: bool,
    /// What it is doing.
    pub status: JobStatus,
    /// When it was submitted: the start of its only run.
    pub created: Option<Timestamp>,
    /// When training began. `None`: it has not.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// `EnableManagedSpotTraining`
    pub spot: bool,
    /// `CheckpointConfig.S3Uri`
    pub checkpoint: Option<String>,
    /// What it runs on; empty for a serverless job.
    pub instances: Vec<Instances>,
    /// `StoppingCondition.MaxRuntimeInSeconds`
    pub max_runtime: Option<Duration>,
    /// `ResourceConfig.KeepAlivePeriodInSeconds`: a warm pool is asked for.
    pub keep_alive: Option<Duration>,
    /// Where its instances come from.
    pub capacity: Capacity,
    /// The ARN of the tuning, AutoML or labelling job that it belongs to.
    pub parent: Option<String>,
    /// A Marketplace or own algorithm by name, which may write no checkpoints.
    pub algorithm: Option<String>,
    /// Whether it bears signs of the `SageMaker` Python SDK, which may be waiting for this very name.
    pub waited_for: bool,
    /// The last word on what it does or how it ended, as the API spells it: `MaxWaitTimeExceeded`.
    pub secondary_status: Option<String>,
    /// Why it failed, in AWS's words.
    pub failure: Option<String>,
    /// The job whose work it does, if the guard submitted it; or why that is not known.
    pub replaces: Option<Result<Replaced, String>>,
    /// How long it trained, in seconds. Known at its end.
    pub training_seconds: Option<i64>,
    /// How much of that is billed, per instance.
    pub billable_seconds: Option<i64>,
}

/// A job whose work the guard submitted once more as Spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its name.
    pub name: String,
    /// The definition of the job that replaces it, as `CreateTrainingJob` took it: JSON.
    pub definition: String,
    /// What became of it, by the service's own word.
    pub fate: Fate,
    /// Whether the guard itself is about to stop it: then nobody else has to.
    pub at_work: bool,
}

/// What became of a job that was submitted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs.
    Runs,
    /// It did its work to the end.
    Completed,
    /// It did not: it was stopped, or failed, or is gone.
    Ended,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// It runs, or waits for capacity. The only state that a stop is legal in.
    InProgress,
    /// It came to its end.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped, by a person or by a limit.
    Stopped,
    /// On its way between states, or in one that is not known: left alone.
    Other,
}

/// Where a training job's instances come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// The common pool of an instance type: on demand or Spot.
    Common,
    /// `ResourceConfig.TrainingPlanArn`: what was reserved by a training plan.
    TrainingPlan,
    /// `ResourceConfig.InstancePreferences`: AWS chooses the instance type.
    InstancePreferences,
    /// `ServerlessJobConfig`: it has no instances of its own.
    Serverless,
}

/// What became of the ended training jobs of one series.
#[derive(Clone, Debug)]
pub struct JobSeries {
    /// Its id `job-series/training-job/<stem>`, the ARN and the tags of its newest job.
    pub resource: Resource,
    /// How many of its jobs completed.
    pub completed: u32,
    /// How long the longest of them trained.
    pub longest: Duration,
    /// The time limit of its newest job.
    pub max_runtime: Option<Duration>,
    /// What its newest job ran on.
    pub instances: Vec<Instances>,
    /// Warm pools that its jobs left.
    pub warm_pools: u32,
    /// Those of them that no job used again.
    pub unused_warm_pools: u32,
    /// For how long those were kept, and billed.
    pub unused_for: Duration,
    /// How far back this looks.
    pub window: Duration,
}

/// A hyperparameter tuning job.
#[derive(Clone, Debug)]
pub struct TuningJob {
    /// Which one and whose.
    pub resource: Resource,
    /// As of a training job.
    pub indexed: bool,
    /// What it is doing.
    pub status: JobStatus,
    /// When it was submitted: the start of its only run.
    pub created: Option<Timestamp>,
    /// Whether its definitions ask for Spot: all of them.
    pub spot: bool,
    /// What a training job of each of its definitions runs on; none of one whose `InstanceConfigs` let the service choose.
    pub definitions: Vec<Vec<Instances>>,
    /// `MaxParallelTrainingJobs`
    pub parallel: u32,
    /// `MaxNumberOfTrainingJobs`
    pub most_jobs: u32,
    /// `MaxRuntimeInSeconds` of one training job.
    pub max_runtime: Option<Duration>,
    /// Its training jobs that run: how many, and how many of them on Spot. `None`: they were not looked at.
    pub running: Option<(u32, u32)>,
}

impl Subject for TrainingJob {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.status == JobStatus::InProgress)
    }
    fn series(&self) -> Option<String> {
        Some(series_id(Kind::TrainingJob, &self.resource.name))
    }
    fn part_of(&self) -> Option<&str> {
        self.parent.as_deref()
    }
}

impl Subject for JobSeries {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
}

impl Subject for TuningJob {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.status == JobStatus::InProgress)
    }
    fn series(&self) -> Option<String> {
        Some(series_id(Kind::TuningJob, &self.resource.name))
    }
}
