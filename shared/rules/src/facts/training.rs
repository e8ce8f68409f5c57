//! Training jobs, series of training jobs, and tuning jobs.

use jiff::Timestamp;
use rust_decimal::Decimal;

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
    /// Its id, ARN, name, tags and owner.
    pub resource: Resource,
    /// Whether these facts come from the search index, which may be behind, and not from the service itself. They are confirmed before
    /// they are reported.
    pub indexed: bool,
    /// Its status.
    pub status: JobStatus,
    /// When it was submitted: the start of its only run.
    pub created: Option<Timestamp>,
    /// When training began. `None`: it has not begun.
    pub started: Option<Timestamp>,
    /// When it ended. `None`: it has not ended.
    pub ended: Option<Timestamp>,
    /// `EnableManagedSpotTraining`
    pub spot: bool,
    /// `CheckpointConfig.S3Uri`
    pub checkpoint: Option<String>,
    /// What it runs on. Empty for a serverless job.
    pub instances: Vec<Instances>,
    /// `StoppingCondition.MaxRuntimeInSeconds`
    pub max_runtime: Option<Duration>,
    /// `ResourceConfig.KeepAlivePeriodInSeconds`: how long its warm pool is kept. `None` or zero: it has no warm pool.
    pub keep_alive: Option<Duration>,
    /// Where its instances come from.
    pub capacity: Capacity,
    /// The ARN of the tuning, AutoML or labelling job that it belongs to.
    pub parent: Option<String>,
    /// What tells which work it does if its name does not: its image or algorithm, and its role.
    pub work: Option<String>,
    /// The name of its algorithm, from the Marketplace or the account, which may not write checkpoints. `None`: it has an image.
    pub algorithm: Option<String>,
    /// Whether it looks as if the `SageMaker` Python SDK submitted it. The SDK may be waiting for the job with this name.
    pub waited_for: bool,
    /// `SecondaryStatus`: what it does, or how it ended, as the API spells it: `MaxWaitTimeExceeded`.
    pub secondary_status: Option<String>,
    /// `FailureReason`: why it failed, in AWS's words.
    pub failure: Option<String>,
    /// The job that it replaces, or why that is not known. `None`: the guard did not submit it.
    pub replaces: Option<Result<Replaced, String>>,
    /// `TrainingTimeInSeconds`: how long it trained. `None`: it has not ended.
    pub training_seconds: Option<i64>,
    /// `BillableTimeInSeconds`: how much of that is billed, per instance.
    pub billable_seconds: Option<i64>,
}

/// A job that the guard submitted again as Spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its name.
    pub name: String,
    /// The definition of the Spot job that replaces it: the input of `CreateTrainingJob` as JSON. Empty: not known.
    pub definition: String,
    /// What became of it, according to the service.
    pub fate: Fate,
    /// When the guard submitted its work again.
    pub since: Timestamp,
    /// Whether the guard is still trying to stop it. Then nobody else has to.
    pub at_work: bool,
}

/// What became of a job after the guard submitted it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is still running.
    Runs,
    /// It is being stopped: it may hang in that, and be billed.
    Stopping,
    /// It completed.
    Completed,
    /// It did not complete: it was stopped, failed, or no longer exists.
    Ended,
}

/// The status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// It runs, or waits for capacity. It can be stopped only in this status.
    InProgress,
    /// It completed.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped, by a person or by a limit.
    Stopped,
    /// Any other status, such as stopping, or not known. It is left alone.
    Other,
}

/// Where a training job's instances come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// The common pool of an instance type: on demand or Spot.
    Common,
    /// `ResourceConfig.TrainingPlanArn`: capacity that a training plan reserved.
    TrainingPlan,
    /// `ResourceConfig.InstancePreferences`: AWS chooses the instance type.
    InstancePreferences,
    /// `ServerlessJobConfig`: it has no instances of its own.
    Serverless,
}

/// One series of training jobs, with counts of its ended jobs.
#[derive(Clone, Debug)]
pub struct JobSeries {
    /// Its id is `job-series/training-job/<stem>`. Its ARN and tags are those of its newest job.
    pub resource: Resource,
    /// How many of its jobs completed.
    pub completed: u32,
    /// The longest training time of a completed job.
    pub longest: Duration,
    /// The time limit of its newest job.
    pub max_runtime: Option<Duration>,
    /// What its newest job ran on.
    pub instances: Vec<Instances>,
    /// How many warm pools its jobs left.
    pub warm_pools: u32,
    /// How many of these no job used again.
    pub unused_warm_pools: u32,
    /// How long the unused ones were kept and billed, in total.
    pub unused_for: Duration,
    /// How far back jobs are counted.
    pub window: Duration,
}

/// A hyperparameter tuning job.
#[derive(Clone, Debug)]
pub struct TuningJob {
    /// Its id, ARN, name, tags and owner.
    pub resource: Resource,
    /// As in [`TrainingJob::indexed`].
    pub indexed: bool,
    /// Its status.
    pub status: JobStatus,
    /// When it was submitted: the start of its only run.
    pub created: Option<Timestamp>,
    /// As in [`TrainingJob::work`], by its first definition.
    pub work: Option<String>,
    /// How its training jobs are defined: each of them is of one of these definitions.
    pub definitions: Vec<TuningDefinition>,
    /// `MaxParallelTrainingJobs`
    pub parallel: u32,
    /// `MaxNumberOfTrainingJobs`. `None`: as many as there is time for.
    pub most_jobs: Option<u32>,
    /// How many of its training jobs have ended. Zero if that was not read.
    pub ended: u32,
    /// `ResourceLimits.MaxRuntimeInSeconds`: when the whole of it ends.
    pub max_runtime: Option<Duration>,
    /// The number of its running training jobs, and how many of them are on Spot. `None`: not read.
    pub running: Option<(u32, u32)>,
}

/// A definition of a tuning job's training jobs.
#[derive(Clone, Debug)]
pub struct TuningDefinition {
    /// As in [`TrainingJob::algorithm`].
    pub algorithm: Option<String>,
    /// `EnableManagedSpotTraining`
    pub spot: bool,
    /// What a training job runs on: one of these. More than one are `InstanceConfigs`, of which the service chooses.
    pub choices: Vec<Vec<Instances>>,
    /// `MaxRuntimeInSeconds` of one training job.
    pub max_runtime: Option<Duration>,
    /// Where its instances come from.
    pub capacity: Capacity,
    /// As in [`TrainingJob::keep_alive`].
    pub keep_alive: Option<Duration>,
}

impl TuningJob {
    /// Whether all of its definitions ask for Spot.
    pub fn is_spot(&self) -> bool {
        !self.definitions.is_empty() && self.definitions.iter().all(|definition| definition.spot)
    }

    /// How long it can run at most. `None`: it has no limit.
    pub fn longest(&self) -> Option<Duration> {
        let rounds = self.most_jobs.map(|jobs| jobs.div_ceil(self.parallel.max(1)));
        let longest = self.definitions.iter().map(TuningDefinition::longest).max().unwrap_or(Duration::days(1));
        rounds.map(|rounds| longest * rounds).into_iter().chain(self.max_runtime).min()
    }

    /// What may run at the same time, if it is of these definitions: the most expensive of their choices, or one whose price is not known, once for each
    /// training job. Empty: not known.
    pub fn most_at_once<'a>(
        &self,
        definitions: impl IntoIterator<Item = &'a TuningDefinition>,
        price: impl Fn(&[Instances]) -> Option<Decimal>,
    ) -> Vec<Instances> {
        let dearest = definitions.into_iter().flat_map(TuningDefinition::each_choice).max_by_key(|instances| {
            let usd = price(instances);
            (usd.is_none(), usd)
        });
        let at_once = |one: &Instances| Instances { count: one.count.saturating_mul(self.parallel), ..one.clone() };
        dearest.into_iter().flatten().map(at_once).collect()
    }
}

impl TuningDefinition {
    /// How long one of its training jobs can run at most.
    pub fn longest(&self) -> Duration {
        self.max_runtime.unwrap_or(Duration::days(1))
    }

    /// Its choices. If they are not known, one without instances.
    fn each_choice(&self) -> impl Iterator<Item = &[Instances]> {
        let unknown: &[Instances] = &[];
        self.choices.iter().map(Vec::as_slice).chain(self.choices.is_empty().then_some(unknown))
    }
}

impl Subject for TrainingJob {
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
        self.created.filter(|_| self.status == JobStatus::InProgress)
    }
    fn series(&self) -> Option<String> {
        Some(series_id(Kind::TrainingJob, &self.resource, self.work.as_deref()))
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
    fn instances(&self) -> Vec<Instances> {
        self.definitions.iter().flat_map(|definition| definition.each_choice().flatten().cloned()).collect()
    }
    fn run(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.status == JobStatus::InProgress)
    }
    fn series(&self) -> Option<String> {
        Some(series_id(Kind::TuningJob, &self.resource, self.work.as_deref()))
    }
}
