//! What is known about the account at one moment: plain data. `None` and `Unreadable` mean "could not be read", never "there is none".

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    budgets::{Ahead, Filter, Insight, Period, TimeUnit},
    duration::Duration,
    finding::Remedy,
    policy::Tightening,
    price::Prices,
};

/// What the rules look at. Built by `cost-aws` from the account, or by a test from literals.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The present, in whose light everything is judged.
    pub now: Timestamp,
    /// What instances cost per hour in this Region ([`crate::policy::Policy::prices_of`]).
    pub prices: Arc<Prices>,
    /// SageMaker notebook instances.
    pub notebooks: Vec<Notebook>,
    /// Studio apps that are not deleted.
    pub apps: Vec<App>,
    /// Who sets an idle shutdown in Studio: domains, user profiles, spaces.
    pub idle_shutdowns: Vec<IdleShutdown>,
    /// Training jobs that run, and those that were asked for by name.
    pub training_jobs: Vec<TrainingJob>,
    /// Training jobs of one series, by what became of the ended ones.
    pub job_series: Vec<JobSeries>,
    /// Hyperparameter tuning jobs that run, and those that were asked for by name.
    pub tuning_jobs: Vec<TuningJob>,
    /// Resources of any kind that are looked at for their tags.
    pub audited: Vec<Audited>,
    /// Required tag keys, as the bill knows them.
    pub tag_keys: Vec<TagKey>,
    /// The account's budgets.
    pub budgets: Vec<Budget>,
    /// What the account spends on `SageMaker`.
    pub spend: Option<Spend>,
    /// What runs, looked at because a budget pays for it.
    pub running: Vec<Running>,
    /// Which rules are enforced, and for whom, because a budget is used up.
    pub tightenings: Vec<Tightening>,
    /// Whether those could not be read: then what they might enforce stays as it is.
    pub unread_tightenings: bool,
    /// How many of a kind were looked at, where not all of them are kept in these facts.
    pub looked_at: BTreeMap<Kind, usize>,
    /// Resources, by id, that were asked for and do not exist: what is open about them is closed.
    pub gone: BTreeSet<String>,
    /// Kinds of which every resource of the Region is in these facts. What is missing from a complete kind is gone.
    pub complete: BTreeSet<Kind>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

impl Facts {
    /// All resources, of all kinds.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        let tagging = self.audited.iter().map(|audited| &audited.resource).chain(self.tag_keys.iter().map(|key| &key.resource));
        let money = self.budgets.iter().map(|budget| &budget.resource).chain(self.spend.iter().map(|spend| &spend.resource));
        self.acted_upon().chain(tagging).chain(money).chain(self.running.iter().map(|running| &running.0.resource))
    }

    /// All but what is looked at for its tags or a budget alone.
    pub fn acted_upon(&self) -> impl Iterator<Item = &Resource> {
        let notebooks = self.notebooks.iter().map(|notebook| &notebook.resource);
        let apps = self.apps.iter().map(|app| &app.resource);
        let idle_shutdowns = self.idle_shutdowns.iter().map(|settings| &settings.resource);
        let training = self.training_jobs.iter().map(|job| &job.resource).chain(self.job_series.iter().map(|series| &series.resource));
        let jobs = training.chain(self.tuning_jobs.iter().map(|job| &job.resource));
        notebooks.chain(apps).chain(idle_shutdowns).chain(jobs)
    }

    /// Leaves out what is gone. A series is not gone with its newest job, nor a tag key or a budget with a resource.
    pub fn forget(&mut self, gone: &BTreeSet<String>) {
        let stays = |resource: &Resource| !gone.contains(&resource.id);
        self.notebooks.retain(|notebook| stays(&notebook.resource));
        self.apps.retain(|app| stays(&app.resource));
        self.idle_shutdowns.retain(|level| stays(&level.resource));
        self.training_jobs.retain(|job| stays(&job.resource));
        self.tuning_jobs.retain(|job| stays(&job.resource));
        self.audited.retain(|audited| stays(&audited.resource));
        self.running.retain(|running| stays(&running.0.resource));
    }

    /// All resources, to complete what is known of them.
    pub fn resources_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        let notebooks = self.notebooks.iter_mut().map(|notebook| &mut notebook.resource);
        let apps = self.apps.iter_mut().map(|app| &mut app.resource);
        let idle_shutdowns = self.idle_shutdowns.iter_mut().map(|settings| &mut settings.resource);
        let training = self.training_jobs.iter_mut().map(|job| &mut job.resource);
        let training = training.chain(self.job_series.iter_mut().map(|series| &mut series.resource));
        let jobs = training.chain(self.tuning_jobs.iter_mut().map(|job| &mut job.resource));
        let audited = self.audited.iter_mut().map(|audited| &mut audited.resource);
        let tagging = audited.chain(self.tag_keys.iter_mut().map(|key| &mut key.resource));
        let running = self.running.iter_mut().map(|running| &mut running.0.resource);
        notebooks.chain(apps).chain(idle_shutdowns).chain(jobs).chain(tagging).chain(running)
    }
}

/// Kinds with their spelling and their words. One line each, so that none can be forgotten.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident, $spelt:literal, $words:literal;)+) => {
        /// A kind of resource, spelt as in its ARN.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// As it stands in an ARN: `notebook-instance`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $spelt,)+
                }
            }

            /// For a person: `notebook instance`.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$kind => $words,)+
                }
            }
        }
    };
}

kinds! {
    /// A SageMaker notebook instance.
    NotebookInstance, "notebook-instance", "notebook instance";
    /// A Studio app: `JupyterLab`, `CodeEditor`, `KernelGateway`, …
    App, "app", "Studio app";
    /// A Studio domain.
    Domain, "domain", "Studio domain";
    /// A user profile of a domain.
    UserProfile, "user-profile", "Studio user profile";
    /// A space of a domain.
    Space, "space", "Studio space";
    /// A training job.
    TrainingJob, "training-job", "training job";
    /// A hyperparameter tuning job.
    TuningJob, "hyper-parameter-tuning-job", "tuning job";
    /// A processing job.
    ProcessingJob, "processing-job", "processing job";
    /// A batch transform job.
    TransformJob, "transform-job", "transform job";
    /// An AutoML job.
    AutoMlJob, "automl-job", "AutoML job";
    /// Jobs of one kind whose names differ by a time or a number only. AWS knows no such kind: it has an id, and the ARN of its newest job.
    JobSeries, "job-series", "jobs";
    /// An endpoint.
    Endpoint, "endpoint", "endpoint";
    /// An endpoint configuration.
    EndpointConfig, "endpoint-config", "endpoint configuration";
    /// A model.
    Model, "model", "model";
    /// An inference component of an endpoint.
    InferenceComponent, "inference-component", "inference component";
    /// A feature group.
    FeatureGroup, "feature-group", "feature group";
    /// A pipeline.
    Pipeline, "pipeline", "pipeline";
    /// An MLflow tracking server.
    TrackingServer, "mlflow-tracking-server", "MLflow tracking server";
    /// A HyperPod cluster. Its ARN has an id instead of its name.
    Cluster, "cluster", "HyperPod cluster";
    /// A tag key, as the account's bill knows it: no resource, and it has no ARN.
    TagKey, "tag-key", "tag key";
    /// A budget of AWS Budgets. Its ARN has no Region.
    Budget, "budget", "budget";
    /// What the account spends on `SageMaker`: no resource, and it has no ARN.
    Spend, "spend", "spend on";
}

impl Kind {
    /// Those that have tags.
    pub const TAGGED: &[Self] = &[
        Self::NotebookInstance,
        Self::Domain,
        Self::UserProfile,
        Self::Space,
        Self::App,
        Self::TrainingJob,
        Self::TuningJob,
        Self::ProcessingJob,
        Self::TransformJob,
        Self::AutoMlJob,
        Self::Endpoint,
        Self::EndpointConfig,
        Self::Model,
        Self::InferenceComponent,
        Self::FeatureGroup,
        Self::Pipeline,
        Self::TrackingServer,
        Self::Cluster,
    ];

    /// The id of the resource of this kind and name. Two tag keys, or budgets, may differ in nothing but their case.
    pub fn id(self, name: &str) -> String {
        let name = if matches!(self, Self::TagKey | Self::Budget) { name.to_owned() } else { name.to_lowercase() };
        format!("{}/{name}", self.as_str())
    }

    /// Whether what is wasted ends by itself, as a job does. Then an end says nothing of what was saved.
    pub const fn ends_by_itself(self) -> bool {
        self.is_job() || matches!(self, Self::JobSeries)
    }

    /// Whether it is the account's as a whole: who runs the platform is told of it, where nobody else is known.
    pub const fn is_of_the_account(self) -> bool {
        matches!(self, Self::TagKey | Self::Budget | Self::Spend)
    }

    /// Whether it is a job.
    pub const fn is_job(self) -> bool {
        matches!(self, Self::TrainingJob | Self::TuningJob | Self::ProcessingJob | Self::TransformJob | Self::AutoMlJob)
    }

    /// Whether it costs money by the hour while it runs.
    pub const fn is_metered(self) -> bool {
        self.is_job() || matches!(self, Self::NotebookInstance | Self::App | Self::Endpoint | Self::TrackingServer | Self::Cluster)
    }

    /// The kind of the resource that an id or the last part of an ARN names.
    pub fn of(id: &str) -> Option<Self> {
        let (kind, _) = id.split_once('/')?;
        Self::ALL.iter().copied().find(|known| known.as_str() == kind)
    }
}

/// What all kinds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Which one, within the Region: the last part of its ARN in lower case, `notebook-instance/x` or
    /// `app/d-1/space/jupyterlab/default`. Lists of Studio apps name no ARN, but all that this needs.
    pub id: String,
    /// Its ARN as the API gave it (AWS may write names in lower case there: it is never built).
    pub arn: Option<String>,
    /// Its name.
    pub name: String,
    /// Its tags. Of a Studio app with those of its space or profile and its domain under them, where it is looked at for its use.
    pub tags: Tags,
    /// Whose it is where its tags do not say.
    pub whose: Whose,
}

/// An owner and a team that are known by something else than a resource's own tags: who created it, what it belongs to, what the ledger remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in a finding")]
pub struct Whose {
    pub owner: Option<String>,
    pub team: Option<String>,
}

impl Resource {
    /// What it is, by its id.
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(&self.id)
    }

    /// The ARN, or the id where no ARN is known.
    pub fn arn_or_id(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.id)
    }

    /// The AWS CLI's option `--region …` with a space behind it; empty where no ARN is known.
    pub fn region_option(&self) -> String {
        self.arn.as_deref().map(region_option).unwrap_or_default()
    }
}

/// The Region and the account of an ARN.
pub fn place(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.strip_prefix("arn:")?.split(':').skip(2);
    parts.next().zip(parts.next())
}

/// The AWS CLI's option `--region …` for what an ARN names, with a space behind it; empty for what is in no Region.
pub fn region_option(arn: &str) -> String {
    place(arn).filter(|(region, _)| !region.is_empty()).map(|(region, _)| format!("--region {region} ")).unwrap_or_default()
}

/// The id of the resource that an ARN names: its last part, in lower case but for a budget's name.
pub fn id_of_arn(arn: &str) -> Option<String> {
    let last = arn.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    let (kind, name) = last.split_once('/')?;
    Some(if kind == Kind::Budget.as_str() { Kind::Budget.id(name) } else { last.to_lowercase() })
}

/// What is known of a resource's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// They were read.
    Known(BTreeMap<String, String>),
    /// The tag index does not name the resource: it never had a tag, or the index has not caught up. Good enough to
    /// pass a resource over, not good enough to report it: that is confirmed first.
    NotIndexed,
    /// They could not be read: nothing may be said of the resource.
    Unreadable,
}

impl Tags {
    /// The tags by key, empty for a resource that the index does not name; `None` if they could not be read.
    pub fn read(&self) -> Option<&BTreeMap<String, String>> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self {
            Self::Known(tags) => Some(tags),
            Self::NotIndexed => Some(&NONE),
            Self::Unreadable => None,
        }
    }
}

/// A SageMaker notebook instance.
#[derive(Clone, Debug)]
pub struct Notebook {
    /// Which one and whose.
    pub resource: Resource,
    /// `ml.t3.medium`.
    pub instance_type: Option<String>,
    /// What it is doing.
    pub state: RunState,
    /// Last change by the control plane, which is the start of a running one and the stop of a stopped one.
    pub since: Option<Timestamp>,
    /// Size of its volume in GB, where it was asked for.
    pub volume_gb: Option<i32>,
    /// Its use, by the idle agent's metric. `None`: no fresh datapoint.
    pub usage: Option<Usage>,
}

/// What is known of a notebook's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When somebody or something last used it.
    pub last: Timestamp,
    /// Until when that is known: what came later was not measured.
    pub known_until: Timestamp,
}

/// What a notebook instance or an app is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Running, and billed by the hour. The only state that a stop is legal in.
    InService,
    /// Stopped: of a notebook only its volume is billed.
    Stopped,
    /// Coming to its end, or failed.
    Ending,
    /// On its way to another state, in maintenance, or in a state that is not known: left alone.
    Other,
}

/// A Studio app.
#[derive(Clone, Debug)]
pub struct App {
    /// Which one and whose.
    pub resource: Resource,
    /// The domain's id: `d-…`.
    pub domain: String,
    /// The space or the user profile that it runs in.
    pub home: AppHome,
    /// `JupyterLab`, as the API spells it.
    pub app_type: String,
    /// Its name, `default` for most.
    pub app_name: String,
    /// `ml.t3.medium`, or `system` for one that costs nothing.
    pub instance_type: Option<String>,
    /// What it is doing.
    pub state: RunState,
    /// When it was created, which is when it started: an app is never stopped, only deleted.
    pub created: Option<Timestamp>,
}

/// Where an app runs. Exactly one of the two is set in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppHome {
    /// A space, by name: `JupyterLab` and `CodeEditor`.
    Space(String),
    /// A user profile, by name: Studio Classic, Canvas, `RStudio`.
    UserProfile(String),
}

impl AppHome {
    /// The name of the space or the user profile.
    pub fn name(&self) -> &str {
        match self {
            Self::Space(name) | Self::UserProfile(name) => name,
        }
    }

    /// The id of the space or user profile in this domain.
    pub fn id(&self, domain: &str) -> String {
        match self {
            Self::Space(name) => format!("space/{domain}/{name}").to_lowercase(),
            Self::UserProfile(name) => format!("user-profile/{domain}/{name}").to_lowercase(),
        }
    }
}

/// What a domain, a user profile or a space itself says of Studio's idle shutdown. What it does not say, it inherits.
#[derive(Clone, Debug)]
pub struct IdleShutdown {
    /// Which one and whose.
    pub resource: Resource,
    /// For `JupyterLab`.
    pub jupyter_lab: IdleSettings,
    /// For `CodeEditor`.
    pub code_editor: IdleSettings,
}

/// `AppLifecycleManagement.IdleSettings` of one app type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdleSettings {
    /// `LifecycleManagement`: `ENABLED` or `DISABLED`; spaces have none.
    pub enabled: Option<bool>,
    /// `IdleTimeoutInMinutes`.
    pub timeout_minutes: Option<i32>,
}

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

/// Instances of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances {
    /// `ml.m5.xlarge`
    pub instance_type: String,
    /// How many.
    pub count: u32,
}

impl Instances {
    /// For people: `2 x ml.m5.xlarge + 1 x ml.g5.xlarge`.
    pub fn words(all: &[Self]) -> String {
        all.iter().map(|one| format!("{} x {}", one.count, one.instance_type)).collect::<Vec<_>>().join(" + ")
    }
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

/// The stem of a job's name, without the times, numbers and hashes that tell one run of the same work from the next:
/// `churn-train-2026-11-24-09-10-00-123` → `churn-train`. A name of nothing else is its own stem.
pub fn job_stem(name: &str) -> &str {
    let is_counter = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let is_hash = 6 <= part.len() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_time = 8 <= digits && part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z'));
        digits == part.len() || (0 < digits && is_hash) || is_time
    };
    let mut stem = name;
    while let Some((front, last)) = stem.rsplit_once('-') {
        if !is_counter(last) {
            return stem;
        }
        stem = front;
    }
    if is_counter(stem) { name } else { stem }
}

/// A resource that is looked at for its tags. Its `resource` has its own tags only: the bill knows no others.
#[derive(Clone, Debug)]
pub struct Audited {
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
    /// The parent, its parent, …: as far as they are known.
    pub ancestors: Vec<Ancestor>,
    /// Who created it, where CloudTrail said so.
    pub creator: Option<Creator>,
    /// Why it is not known whose it is, if some of that could not be read: then nothing is done about it.
    pub doubt: Option<String>,
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

/// A required tag key, as the account's bill knows it.
#[derive(Clone, Debug)]
pub struct TagKey {
    /// Its id `tag-key/<key>` and its name, which is the key.
    pub resource: Resource,
    /// Whether the bill is told by it. `None`: not known, or not asked for in this run.
    pub status: Option<TagKeyStatus>,
    /// What was spent with and without it. `None`: not asked for in this run.
    pub spend: Option<TagSpend>,
}

/// `CostAllocationTag.Status`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKeyStatus {
    /// It is a cost allocation tag.
    Active,
    /// It could be one.
    Inactive,
    /// Nothing that costs ever had it, or less than a day ago.
    NeverSeen,
    /// This account may not ask: it is not the payer of its organization.
    NotThePayer,
}

/// What was spent on SageMaker in a number of days, with a tag and without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSpend {
    /// The tag's keys, any of which will do.
    pub keys: Vec<String>,
    /// How many days.
    pub days: u32,
    /// By usage type, without the Region's prefix: what has a value for the key, and what has none. USD.
    pub by_usage: BTreeMap<String, Split>,
    /// By team, the same; the empty team: of none.
    pub by_team: BTreeMap<String, Split>,
}

impl TagSpend {
    /// All of it.
    pub fn all(&self) -> Split {
        self.by_usage
            .values()
            .fold(Split::default(), |sum, one| Split { tagged: sum.tagged + one.tagged, untagged: sum.untagged + one.untagged })
    }
}

/// USD with and without a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "its own words")]
pub struct Split {
    pub tagged: Decimal,
    pub untagged: Decimal,
}

impl Split {
    /// Both.
    pub fn total(&self) -> Decimal {
        self.tagged + self.untagged
    }
}

/// A budget of AWS Budgets (aws-facts §6).
#[derive(Clone, Debug)]
pub struct Budget {
    /// Its id `budget/<name>`, its ARN and its name. Whose: of the policy, or the one team that it counts.
    pub resource: Resource,
    /// Whether it counts money; else hours or gigabytes.
    pub is_cost: bool,
    /// Of all of its amounts: `USD`, `Hrs`.
    pub unit: String,
    /// The present period; `None`: it has not begun, or is over.
    pub period: Option<Period>,
    /// The limit of that period; `None`: not known.
    pub limit: Option<Decimal>,
    /// What was spent in it, as AWS knows it; `None`: it does not yet.
    pub actual: Option<Decimal>,
    /// What AWS forecasts for its end; `None`: it has too little history.
    pub forecast: Option<Decimal>,
    /// Of what it counts.
    pub filter: Filter,
    /// At how many percent of the limit its owner wishes to be told of what was spent.
    pub thresholds: Vec<Decimal>,
    /// The same for what is forecast.
    pub forecast_thresholds: Vec<Decimal>,
    /// Whether its notifications, and with them its own thresholds, could not be read.
    pub unread_thresholds: bool,
    /// Why AWS does not update it, if it does not.
    pub unhealthy: Option<String>,
    /// What was budgeted for the period before, and what was spent then.
    pub last: Option<(Decimal, Decimal)>,
    /// What its mail says beyond its numbers.
    pub insight: Insight,
}

impl Budget {
    /// What is spent in the present period. AWS looks at the bill some times a day, and does not say when it did: when a period begins, what it tells is the last one's.
    pub fn spent(&self, now: Timestamp) -> Option<Decimal> {
        let period = self.period?;
        let known_from =
            period.begin() + if period.unit == TimeUnit::Daily { SignedDuration::from_hours(36) } else { SignedDuration::from_hours(24) };
        self.actual.filter(|_| known_from <= now)
    }
}

/// What the account spends on `SageMaker`, in all Regions, by Cost Explorer.
#[derive(Clone, Debug)]
pub struct Spend {
    /// Its id `spend/sagemaker`.
    pub resource: Resource,
    /// By UTC day, all that are over and known.
    pub days: BTreeMap<Date, Vec<DailySpend>>,
    /// What AWS's own anomaly detection found; `None`: it could not be read.
    pub anomalies: Option<Vec<Anomaly>>,
    /// AWS's forecast for the rest of this month; `None`: it has too little history, or could not be read.
    pub ahead: Option<Ahead>,
    /// What no budget counts, in the last 30 days: by team, the most expensive first. `None`: not known.
    pub uncovered: Option<Vec<(String, Decimal)>>,
}

impl Spend {
    /// USD of each day, of what is taken. A day without any is there too.
    pub fn daily(&self, taken: &dyn Fn(&DailySpend) -> bool) -> BTreeMap<Date, Decimal> {
        self.days.iter().map(|(day, rows)| (*day, rows.iter().filter(|row| taken(row)).map(|row| row.usd).sum())).collect()
    }
}

/// What one usage type cost one team on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailySpend {
    /// The usage type, without its Region: `Host:ml.g5.xlarge`.
    #[serde(rename = "u")]
    pub usage: String,
    /// The value of the first of the policy's team tags; empty: none.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// USD.
    #[serde(rename = "c")]
    pub usd: Decimal,
}

/// An anomaly that AWS's own detection found (aws-facts §7.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Its first day.
    pub from: Date,
    /// Its last day; `None`: it goes on.
    pub until: Option<Date>,
    /// USD that were expected.
    pub expected: Decimal,
    /// USD that were spent.
    pub actual: Decimal,
    /// The usage types that it is put down to, with their USD.
    pub causes: Vec<(String, Decimal)>,
}

/// A resource that a budget pays for while it runs.
#[derive(Clone, Debug)]
pub struct Running(pub Audited);

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What: `Studio apps`, `tags of notebook-instance/x`.
    pub what: String,
    /// Why, with AWS's own error code.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_one_series_have_one_stem() {
        for (name, stem) in [
            ("churn-train-2026-11-24-09-10-00-123", "churn-train"),
            ("churn-train-20261124T091000Z", "churn-train"),
            ("bert-base-uncased-0007", "bert-base-uncased"),
            ("pipelines-a1b2c3d4e5f6-Train-Xy12Zz", "pipelines-a1b2c3d4e5f6-Train-Xy12Zz"),
            ("resnet50", "resnet50"),
            ("xgb-9f86d081884c", "xgb"),
            ("model-b", "model-b"),
            ("2026-11-24", "2026-11-24"),
            ("", ""),
        ] {
            assert_eq!(job_stem(name), stem, "{name}");
        }
    }
}
