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
    bill::{Anomaly, DailySpend, ServiceForecast, Spend, Split, TagKey, TagKeyStatus, TagSpend},
    budgets::{Budget, BudgetMeasure, CostDriver, Filter, Forecast, Insight, OnExceed, RunningCost, amount, is_over, limit_of, percent_of},
    inventory::{Ancestor, Asset, Creator, Parent, RunningAsset},
    notebooks::{Notebook, RunState, Usage},
    studio::{App, IdleSettings, IdleShutdown},
    subject::Subject,
    training::{Capacity, Fate, JobSeries, JobStatus, Replaced, TrainingJob, TuningJob},
    workflows::{Workflow, Workflows},
};

mod bill;
mod budgets;
mod inventory;
mod notebooks;
mod studio;
mod subject;
mod training;
mod workflows;

/// The subjects of the facts, one line each: from this list follow the fields, what goes over all of them, and where a rule finds its own.
macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $list:ident: $subject:ident,)+) => {
        /// What the rules look at. Built by `cost-aws` from the account, or by a test from literals.
        #[derive(Clone, Debug, Default)]
        pub struct Facts {
            /// The present, in whose light everything is judged.
            pub now: Timestamp,
            /// USD per hour of instances in this Region ([`crate::policy::Policy::prices_of`]).
            pub prices: Arc<Prices>,
            $($(#[doc = $doc])+ pub $list: Vec<$subject>,)+
            /// What is enforced because budgets are used up.
            pub measures: Measures,
            /// The workflows that wait for jobs.
            pub workflows: Workflows,
            /// What was read, and what could not be.
            pub reading: Reading,
        }

        impl Facts {
            /// All subjects, of all kinds.
            pub fn subjects(&self) -> impl Iterator<Item = &dyn Subject> {
                std::iter::empty()$(.chain(self.$list.iter().map(|subject| subject as &dyn Subject)))+
            }

            /// All subjects, to complete what is known of them.
            pub fn subjects_mut(&mut self) -> impl Iterator<Item = &mut dyn Subject> {
                std::iter::empty()$(.chain(self.$list.iter_mut().map(|subject| subject as &mut dyn Subject)))+
            }

            /// Leaves out the resources, by id, that are gone.
            pub fn forget(&mut self, gone: &BTreeSet<String>) {
                $(self.$list.retain(|subject| !gone.contains(&subject.resource().id));)+
            }
        }

        $(impl Listed for $subject {
            fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
                facts.$list.iter()
            }
        })+
    };
}

facts! {
    /// SageMaker notebook instances.
    notebooks: Notebook,
    /// Studio apps that are not deleted.
    apps: App,
    /// Who sets an idle shutdown in Studio: domains, user profiles, spaces.
    idle_shutdowns: IdleShutdown,
    /// Training jobs that run, and those that were asked for by name.
    training_jobs: TrainingJob,
    /// Training jobs of one series, by what became of the ended ones.
    job_series: JobSeries,
    /// Hyperparameter tuning jobs that run, and those that were asked for by name.
    tuning_jobs: TuningJob,
    /// Resources of any kind that are looked at for their tags.
    assets: Asset,
    /// Required tag keys, as the bill knows them.
    tag_keys: TagKey,
    /// The account's budgets.
    budgets: Budget,
    /// What the account spends on `SageMaker`: one, or none where it was not read.
    spend: Spend,
    /// What runs, looked at because a budget pays for it.
    running: RunningAsset,
}

impl Facts {
    /// All resources, of all kinds.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.subjects().map(Subject::resource)
    }

    /// All resources, to complete what is known of them.
    pub fn resources_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        self.subjects_mut().map(Subject::resource_mut)
    }

    /// Those whose own `cost-guard:` tags count: all but what is looked at for its tags, for the bill or for a budget.
    pub fn tagged_resources(&self) -> impl Iterator<Item = &Resource> {
        self.subjects().filter(|subject| subject.has_guard_tags()).map(Subject::resource)
    }

    /// No subjects, in the same circumstances.
    #[must_use]
    pub fn of_this_moment(&self) -> Self {
        Self {
            now: self.now,
            prices: Arc::clone(&self.prices),
            measures: self.measures.clone(),
            workflows: self.workflows.clone(),
            ..Self::default()
        }
    }

    /// What the account spends on `SageMaker`.
    pub fn spend(&self) -> Option<&Spend> {
        self.spend.first()
    }
}

/// What the rules are applied to, one at a time.
pub trait Listed: Subject + Sized + 'static {
    /// All of them.
    fn all(facts: &Facts) -> impl Iterator<Item = &Self>;
}

impl Listed for Resource {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.tagged_resources()
    }
}

/// What is enforced because budgets are used up.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// Which rules are enforced, and for whom.
    pub in_force: Vec<BudgetMeasure>,
    /// Whether they could not be read: then what they might enforce stays as it is.
    pub unread: bool,
}

/// What was read, and what could not be.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Kinds of which every resource of the Region is in the facts. What is missing from a complete kind is gone.
    pub complete: BTreeSet<Kind>,
    /// How many of a kind were looked at, where not all of them are kept in the facts.
    pub looked_at: BTreeMap<Kind, usize>,
    /// Resources, by id, that were asked for and do not exist: what is open about them is closed.
    pub gone: BTreeSet<String>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What: `Studio apps`, `tags of notebook-instance/x`.
    pub what: String,
    /// Why, with AWS's own error code.
    pub why: String,
}
