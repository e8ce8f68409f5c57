//! The life of one training job in virtual time: its states, Spot interruptions, limits and warm pool. It does not use the account. One file: one state
//! machine.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive as _};
use serde_json::{Value, json};

/// From the submission to the first download.
const STARTING: SignedDuration = SignedDuration::from_mins(2);
/// The same on a warm pool.
const STARTING_WARM: SignedDuration = SignedDuration::from_secs(10);
/// How long it is Starting before it becomes Pending, if there is no capacity.
const CAPACITY_SOUGHT: SignedDuration = SignedDuration::from_secs(10);
/// Download of the data and the image.
const DOWNLOADING: SignedDuration = SignedDuration::from_mins(1);
/// Upload of the model.
const UPLOADING: SignedDuration = SignedDuration::from_secs(30);
/// From SIGTERM to SIGKILL (aws-facts §2.3).
const STOPPING: SignedDuration = SignedDuration::from_secs(120);
/// From the loss of Spot instances to the next start.
const INTERRUPTED: SignedDuration = SignedDuration::from_mins(5);
/// AWS's default of `MaxRuntimeInSeconds`: a day.
pub(crate) const MAX_RUNTIME: SignedDuration = SignedDuration::from_hours(24);

/// How a job runs and ends if nobody stops it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// How long it waits for capacity.
    pub(crate) pending: SignedDuration,
    /// How long it waits for Spot capacity; `None`: as `pending`.
    pub(crate) spot_pending: Option<SignedDuration>,
    /// How long it trains, without interruptions.
    pub(crate) takes: SignedDuration,
    /// `Completed`, `Failed`, or `Stopped`: somebody stops it at that time.
    pub(crate) ends: String,
    /// `FailureReason` if it fails.
    pub(crate) failure: String,
    /// Spot interruptions: each after this much training time of all attempts together.
    pub(crate) interruptions: Vec<SignedDuration>,
    /// The Spot discount: 0.7 is 70 %.
    pub(crate) spot_discount: Decimal,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            pending: SignedDuration::ZERO,
            spot_pending: None,
            takes: SignedDuration::from_hours(1),
            ends: "Completed".into(),
            failure: "AlgorithmError: ExecuteUserScriptError: ExitCode 1".into(),
            interruptions: vec![],
            spot_discount: Decimal::new(7, 1),
        }
    }
}

/// A change of a job's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    /// `TrainingJobStatus`
    pub(crate) status: &'static str,
    /// `SecondaryStatus`
    pub(crate) secondary: &'static str,
    message: &'static str,
    /// Whether it has its instances from here on.
    held: bool,
}

/// The next change of a job.
#[derive(Clone, Copy, Debug)]
enum Next {
    Wait,
    Download,
    Train,
    Upload,
    Interrupt,
    Restart,
    End,
    /// It is stopped, and ends with this `SecondaryStatus`.
    Stop(&'static str),
    Stopped,
}

/// A warm pool: instances that are retained after a job.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    from: Timestamp,
    /// When it is terminated if no job reuses it.
    pub(crate) until: Timestamp,
    reused: Option<(Timestamp, String)>,
}

/// A training job.
pub(crate) struct Job {
    pub(crate) name: String,
    /// The input of `CreateTrainingJob`, without the name and the tags.
    pub(crate) definition: Arc<Value>,
    /// Fields that AWS adds: `TuningJobArn`, `AutoMLJobArn`, `LabelingJobArn`.
    pub(crate) parents: Value,
    /// The tuning job that launched it.
    pub(crate) tuning: Option<Arc<str>>,
    pub(crate) script: Arc<Script>,
    pub(crate) spot: bool,
    /// Oldest first; the first is its creation.
    history: Vec<Moment>,
    pool: Option<Pool>,
    keep_alive: SignedDuration,
    max_runtime: SignedDuration,
    max_wait: Option<SignedDuration>,
    checkpoint: bool,
    /// Whether it runs on the warm pool of another job.
    warm: bool,
    /// The time in the state Training, over all attempts.
    trained: SignedDuration,
    /// The part of `trained` that was not lost by interruptions.
    progress: SignedDuration,
    stopped_as: &'static str,
    next: Option<(Timestamp, Next)>,
}

/// A job as it was at a moment.
pub(crate) struct View<'a> {
    pub(crate) job: &'a Job,
    pub(crate) at: Timestamp,
    moments: &'a [Moment],
}

fn seconds_of(value: &Value, pointer: &str) -> Option<SignedDuration> {
    value.pointer(pointer).and_then(Value::as_i64).map(SignedDuration::from_secs)
}

impl Job {
    /// A job that is created at this moment.
    pub(crate) fn new(name: String, definition: Arc<Value>, script: Arc<Script>, at: Timestamp, warm: bool) -> Self {
        let spot = definition.get("EnableManagedSpotTraining").and_then(Value::as_bool) == Some(true);
        let mut job = Self {
            name,
            parents: Value::Null,
            tuning: None,
            script,
            spot,
            history: vec![],
            pool: None,
            keep_alive: seconds_of(&definition, "/ResourceConfig/KeepAlivePeriodInSeconds").unwrap_or_default(),
            max_runtime: seconds_of(&definition, "/StoppingCondition/MaxRuntimeInSeconds").unwrap_or(MAX_RUNTIME),
            max_wait: seconds_of(&definition, "/StoppingCondition/MaxWaitTimeInSeconds").filter(|_| spot),
            checkpoint: definition.get("CheckpointConfig").is_some(),
            definition,
            warm,
            trained: SignedDuration::ZERO,
            progress: SignedDuration::ZERO,
            stopped_as: "Stopped",
            next: None,
        };
        job.enter(at, "InProgress", "Starting", false);
        job
    }

    fn enter(&mut self, at: Timestamp, status: &'static str, secondary: &'static str, held: bool) {
        let message = match secondary {
            "Starting" if self.history.is_empty() => "Starting the training job",
            "Starting" => "Preparing the instances for training",
            "Pending" => "Training job waiting for capacity",
            "Downloading" => "Downloading the training image",
            "Training" => "Training image download completed. Training in progress.",
            "Uploading" => "Uploading generated training model",
            "Interrupted" => "The managed spot training instances were interrupted",
            "Stopping" => "Stopping the training job",
            "Stopped" => "Training job stopped",
            "MaxRuntimeExceeded" => "Training job runtime exceeded MaxRuntimeInSeconds provided",
            "MaxWaitTimeExceeded" => "Training job wait time exceeded MaxWaitTimeInSeconds provided",
            "Failed" => "Training job failed",
            _ => "Training job completed",
        };
        self.history.push(Moment { at, status, secondary, message, held });
        self.next = self.what_comes();
    }

    fn what_comes(&self) -> Option<(Timestamp, Next)> {
        let last = self.last();
        let after = |delay: SignedDuration, next| (last.at + delay.max(SignedDuration::ZERO), next);
        let pending = self.script.spot_pending.filter(|_| self.spot).unwrap_or(self.script.pending);
        let mut candidates = vec![match last.secondary {
            "Starting" if self.warm => after(STARTING_WARM, Next::Download),
            "Starting" if pending.is_zero() => after(STARTING, Next::Download),
            "Starting" => after(CAPACITY_SOUGHT, Next::Wait),
            "Pending" => after(pending + STARTING, Next::Download),
            "Downloading" => after(DOWNLOADING, Next::Train),
            "Training" => {
                let end = if self.script.ends == "Stopped" { Next::Stop("Stopped") } else { Next::Upload };
                after(self.script.takes - self.progress, end)
            }
            "Uploading" => after(UPLOADING, Next::End),
            "Interrupted" => after(INTERRUPTED, Next::Restart),
            "Stopping" => after(STOPPING, Next::Stopped),
            _ => return None,
        }];
        if !matches!(last.secondary, "Uploading" | "Stopping") {
            if last.held {
                candidates.push(after(self.max_runtime - self.held(Timestamp::MIN, last.at), Next::Stop("MaxRuntimeExceeded")));
            }
            if let Some(max_wait) = self.max_wait {
                candidates.push(((self.created() + max_wait).max(last.at), Next::Stop("MaxWaitTimeExceeded")));
            }
        }
        if last.secondary == "Training" && self.spot {
            let loss = self.script.interruptions.iter().filter(|loss| self.trained < **loss).min();
            candidates.extend(loss.map(|loss| after(*loss - self.trained, Next::Interrupt)));
        }
        // At the same time the first one counts: a job that ends is not interrupted.
        candidates.into_iter().min_by_key(|(at, _)| *at)
    }

    /// When its state next changes by itself.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.next.map(|(at, _)| at)
    }

    pub(crate) fn step(&mut self) {
        let Some((at, next)) = self.next.take() else { return };
        self.settle(at);
        match next {
            Next::Wait => self.enter(at, "InProgress", "Pending", false),
            Next::Download => self.enter(at, "InProgress", "Downloading", true),
            Next::Train => self.enter(at, "InProgress", "Training", true),
            Next::Upload => self.enter(at, "InProgress", "Uploading", true),
            Next::Interrupt => {
                if !self.checkpoint {
                    self.progress = SignedDuration::ZERO;
                }
                self.enter(at, "InProgress", "Interrupted", false);
            }
            Next::Restart => self.enter(at, "InProgress", "Starting", false),
            Next::End if self.script.ends == "Failed" => self.end(at, "Failed", "Failed"),
            Next::End => self.end(at, "Completed", "Completed"),
            Next::Stop(stopped_as) => self.begin_stop(at, stopped_as),
            Next::Stopped => self.end(at, "Stopped", self.stopped_as),
        }
    }

    /// Simulates the job until a moment, without changes from outside.
    pub(crate) fn live_until(&mut self, until: Timestamp) {
        while self.next_at().is_some_and(|at| at <= until) {
            self.step();
        }
    }

    /// Stops the job if it is in progress.
    pub(crate) fn stop(&mut self, at: Timestamp) {
        if self.last().status == "InProgress" {
            self.settle(at);
            self.begin_stop(at, "Stopped");
        }
    }

    fn begin_stop(&mut self, at: Timestamp, stopped_as: &'static str) {
        self.stopped_as = stopped_as;
        let held = self.last().held;
        self.enter(at, "Stopping", "Stopping", held);
    }

    fn end(&mut self, at: Timestamp, status: &'static str, secondary: &'static str) {
        let held = self.last().held;
        self.enter(at, status, secondary, false);
        // Instances are also retained after a stop or a failure of the algorithm, once there was a cluster (developer guide, train-warm-pools).
        if self.keep_alive.is_positive() && held {
            self.pool = Some(Pool { from: at, until: at + self.keep_alive, reused: None });
        }
    }

    /// Counts the training that ends now.
    fn settle(&mut self, at: Timestamp) {
        let last = self.last();
        if last.secondary == "Training" {
            let trained = at.duration_since(last.at);
            self.trained += trained;
            self.progress += trained;
        }
    }

    pub(crate) fn last(&self) -> Moment {
        // `new` adds the first moment, so the default is never used.
        *self.history.last().unwrap_or(&Moment { at: Timestamp::MIN, status: "", secondary: "", message: "", held: false })
    }

    pub(crate) fn created(&self) -> Timestamp {
        self.history.first().map_or(Timestamp::MIN, |moment| moment.at)
    }

    pub(crate) fn modified(&self) -> Timestamp {
        self.last().at
    }

    /// Until when it can be billed, its warm pool included.
    pub(crate) fn billed_until(&self) -> Timestamp {
        let ended = if self.next.is_some() { Timestamp::MAX } else { self.modified() };
        self.pool.as_ref().map_or(ended, |pool| pool.until.max(ended))
    }

    pub(crate) fn history(&self) -> &[Moment] {
        &self.history
    }

    /// The periods in which it had its instances, between two moments.
    pub(crate) fn holds(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let ends = self.history.iter().skip(1).map(|next| next.at).chain([Timestamp::MAX]);
        let held = self.history.iter().zip(ends).filter(|(moment, _)| moment.held);
        held.map(move |(moment, end)| (moment.at.max(from), end.min(until))).filter(|(from, until)| from < until)
    }

    /// How long it had its instances between two moments.
    fn held(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        self.holds(from, until).map(|(from, until)| until.duration_since(from)).sum()
    }

    /// The period in which its warm pool was retained, between two moments; `None`: it was not.
    pub(crate) fn kept(&self, from: Timestamp, until: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.pool.as_ref().map(|pool| pool.kept(from, until)).filter(|(from, until)| from < until)
    }

    /// The billed seconds: all of them, or with Spot the part that the discount leaves.
    fn billable(&self, held: SignedDuration) -> i64 {
        let seconds = held.as_secs();
        if !self.spot {
            return seconds;
        }
        let left = Decimal::from(seconds) * (Decimal::ONE - self.script.spot_discount);
        left.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().unwrap_or(seconds)
    }

    /// Between two moments: how long it had instances, its warm pool included, and the billed seconds.
    pub(crate) fn metered(&self, from: Timestamp, until: Timestamp) -> (SignedDuration, i64) {
        let held = self.held(from, until);
        let retained = self.pool.as_ref().map(|pool| pool.retained(from, until)).unwrap_or_default();
        (held + retained, self.billable(held) + retained.as_secs())
    }

    /// The instance types and their counts; empty for a serverless job.
    pub(crate) fn instances(&self) -> Vec<(&str, u64)> {
        let resources = self.definition.get("ResourceConfig");
        let of = |value: &'_ Value| value.get("InstanceCount").and_then(Value::as_u64).unwrap_or(1);
        let pair = |value| Value::as_str(Value::get(value, "InstanceType")?).map(|instance_type| (instance_type, of(value)));
        let list =
            |name| resources.and_then(|resources: &Value| resources.get(name)).and_then(Value::as_array).filter(|list| !list.is_empty());
        match (list("InstanceGroups"), list("InstancePreferences")) {
            (Some(groups), _) => groups.iter().filter_map(pair).collect(),
            // The first preferred type is always available here.
            (None, Some(preferred)) => preferred.iter().take(1).filter_map(pair).collect(),
            (None, None) => resources.and_then(pair).into_iter().collect(),
        }
    }

    /// What must be equal for a job to run on another job's warm pool (developer guide, train-warm-pools).
    pub(crate) fn shape(definition: &Value) -> Value {
        let at = |pointer: &str| definition.pointer(pointer).cloned().unwrap_or_default();
        let is_on = |name: &str| definition.get(name).and_then(Value::as_bool).unwrap_or_default();
        json!([
            at("/RoleArn"),
            at("/ResourceConfig/InstanceType"),
            at("/ResourceConfig/InstanceCount"),
            at("/ResourceConfig/InstanceGroups"),
            at("/ResourceConfig/VolumeKmsKeyId"),
            at("/ResourceConfig/VolumeSizeInGB"),
            at("/VpcConfig"),
            is_on("EnableInterContainerTrafficEncryption"),
            is_on("EnableNetworkIsolation"),
        ])
    }

    /// Its warm pool, if a job can reuse it.
    pub(crate) fn available_pool(&self, now: Timestamp) -> Option<&Pool> {
        self.pool.as_ref().filter(|pool| pool.reused.is_none() && now < pool.until)
    }

    /// Hands its warm pool over to another job.
    pub(crate) fn hand_over(&mut self, at: Timestamp, to: &str) {
        if let Some(pool) = &mut self.pool {
            pool.reused = Some((at, to.to_owned()));
        }
    }

    /// The job as it was at a moment; `None`: it did not exist yet.
    pub(crate) fn as_of(&self, at: Timestamp) -> Option<View<'_>> {
        let known = self.history.partition_point(|moment| moment.at <= at);
        (0 < known).then(|| View { job: self, at, moments: &self.history[..known] })
    }

    /// The job as it was after its n-th change.
    pub(crate) fn after_change(&self, change: usize) -> View<'_> {
        View { job: self, at: self.history[change].at, moments: &self.history[..=change] }
    }
}

impl Pool {
    fn kept(&self, from: Timestamp, until: Timestamp) -> (Timestamp, Timestamp) {
        let end = self.reused.as_ref().map_or(self.until, |(at, _)| *at);
        (self.from.max(from), end.min(until))
    }

    fn retained(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let (from, until) = self.kept(from, until);
        until.duration_since(from).max(SignedDuration::ZERO)
    }
}

impl View<'_> {
    pub(crate) fn last(&self) -> Moment {
        self.moments.last().copied().unwrap_or_else(|| self.job.last())
    }

    pub(crate) fn started(&self) -> Option<Timestamp> {
        self.moments.iter().find(|moment| moment.held).map(|moment| moment.at)
    }

    pub(crate) fn ended(&self) -> Option<Timestamp> {
        Some(self.last()).filter(|last| matches!(last.status, "Completed" | "Failed" | "Stopped")).map(|last| last.at)
    }

    /// `TrainingTimeInSeconds` and `BillableTimeInSeconds`; `None`: it has not ended, or never had instances.
    pub(crate) fn times(&self) -> Option<(i64, i64)> {
        let (_, ended) = (self.started()?, self.ended()?);
        let held = self.job.held(Timestamp::MIN, ended);
        Some((held.as_secs(), self.job.billable(held)))
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        Some(self.job.script.failure.as_str()).filter(|_| self.last().status == "Failed")
    }

    /// The status of its warm pool, `WarmPoolStatus.Status`.
    pub(crate) fn pool_status(&self) -> Option<&'static str> {
        let job = self.job;
        if job.pool.is_none() && !job.keep_alive.is_positive() && !job.warm {
            return None;
        }
        if self.ended().is_none() {
            return self.started().map(|_| "InUse");
        }
        Some(match &job.pool {
            Some(Pool { reused: Some((at, _)), .. }) if *at <= self.at => "Reused",
            Some(pool) if self.at < pool.until => "Available",
            _ => "Terminated",
        })
    }

    /// `WarmPoolStatus`
    pub(crate) fn pool(&self) -> Option<Value> {
        let mut status = json!({"Status": self.pool_status()?});
        if let Some(pool) = self.job.pool.as_ref().filter(|_| self.ended().is_some()) {
            status["ResourceRetainedBillableTimeInSeconds"] = pool.retained(Timestamp::MIN, self.at).as_secs().into();
            if let Some((_, by)) = pool.reused.as_ref().filter(|(at, _)| *at <= self.at) {
                status["ReusedByJob"] = by.as_str().into();
            }
        }
        Some(status)
    }

    /// `SecondaryStatusTransitions`. The caller formats the times: seconds in the API, milliseconds in events.
    pub(crate) fn transitions<T: Into<Value>>(&self, time: impl Fn(Timestamp) -> T) -> Vec<Value> {
        let ends = self.moments.iter().skip(1).map(|next| Some(next.at)).chain([self.ended()]);
        let one = |(moment, end): (&Moment, Option<Timestamp>)| {
            let mut one = json!({"Status": moment.secondary, "StartTime": time(moment.at).into(), "StatusMessage": moment.message});
            if let Some(end) = end {
                one["EndTime"] = time(end).into();
            }
            one
        };
        self.moments.iter().zip(ends).map(one).collect()
    }
}
