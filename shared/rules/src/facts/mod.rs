//! What is known about the account at one moment: plain data. `None` and `Unreadable` mean "could not be read", never "there is none".

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::vocabulary::{
    price::Prices,
    resource::{Kind, Resource},
};

pub use self::{
    bill::{Ahead, Anomaly, DailySpend, Spend, Split, TagKey, TagKeyStatus, TagSpend},
    budgets::{Budget, Burning, Cause, Filter, Forecast, Insight, OnExceed, Tightening, amount, is_over, limit_of, percent_of},
    inventory::{Ancestor, Audited, Creator, Parent, Running},
    notebooks::{Notebook, RunState, Usage},
    studio::{App, IdleSettings, IdleShutdown},
    subject::Subject,
    training::{Capacity, Fate, JobSeries, JobStatus, Replaced, TrainingJob, TuningJob},
};

mod bill;
mod budgets;
mod inventory;
mod notebooks;
mod studio;
mod subject;
mod training;

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

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What: `Studio apps`, `tags of notebook-instance/x`.
    pub what: String,
    /// Why, with AWS's own error code.
    pub why: String,
}

impl Subject for Resource {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.acted_upon()
    }
    fn resource(&self) -> &Resource {
        self
    }
    fn run(&self) -> Option<Timestamp> {
        None
    }
}
