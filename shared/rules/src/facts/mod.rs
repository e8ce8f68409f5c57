//! What is known about the account at one time: plain data. A fact that could not be read is `None` or `Unreadable`, and differs from "there is none".

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::vocabulary::{
    price::Prices,
    resource::{Kind, Resource},
};

pub(crate) use self::budgets::{COVERED_USAGE, Share, counts_plan_fees, counts_usage};
pub use self::{
    attaching::{Put, TakeBack, TakenBack},
    bill::{Anomaly, Charge, DailySpend, NO_USE, Running, ServiceForecast, Spend, Split, TagKey, TagKeyStatus, TagSpend},
    budgets::{
        At, Billed, Budget, BudgetMeasure, CostDriver, Filter, Forecast, Insight, Likeness, OnExceed, RunningCost, Unhealthy, amount,
        is_over, limit_of, percent_of,
    },
    endpoints::{
        Activity, ActivityOutcome, AttachStage, Attached, AutoScaling, Backlog, Component, Compute, Endpoint, Fixed, Follows, IdleByAws,
        Invocations, Scaling, ScalingPolicy, ScheduledAction, Serving, Suspended, TrackedMetric, Variant,
    },
    hibernation::{CanSleep, FailedWake, Hibernation, HibernationStage, SleepingEndpoint},
    hosted::{Autoscaler, Hosted, Measured, Model},
    inventory::{Ancestor, Asset, Creator, Parent, RunningAsset},
    notebooks::{Change, Notebook, RunState, Usage},
    savings_plans::{Advised, Commitment, PlanKind, SavingsPlan, TrainingPlan, Utilisation},
    studio::{App, IdleSettings, IdleShutdown},
    subject::Subject,
    training::{Capacity, Fate, JobSeries, JobStatus, Replaced, TrainingJob, TuningDefinition, TuningJob},
    workflows::{Variables, Workflow, Workflows, arguments},
};

mod attaching;
mod bill;
mod budgets;
mod endpoints;
mod hibernation;
mod hosted;
mod inventory;
mod notebooks;
mod savings_plans;
mod studio;
mod subject;
mod training;
mod unfinished;
mod workflows;

/// The lists of subjects, one line each. The fields, the iterators over all subjects, and each rule's access to its subjects are generated from them.
macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $list:ident: $subject:ident of $kinds:expr,)+) => {
        /// What the rules look at. Built by `cost-aws` from the account, or by a test from literals.
        #[derive(Clone, Debug, Default)]
        pub struct Facts {
            /// The time at which everything is judged.
            pub now: Timestamp,
            /// USD per hour of instances in this Region ([`crate::policy::Policy::prices_of`]).
            pub prices: Arc<Prices>,
            $($(#[doc = $doc])+ pub $list: Vec<$subject>,)+
            /// What is enforced because budgets are used up.
            pub measures: Measures,
            /// The workflows that wait for jobs.
            pub workflows: Workflows,
            /// The names of Studio domains by their ids (`domain/d-1`), if an exemption may go by them.
            pub domain_names: BTreeMap<String, String>,
            /// What was read, and what could not be read.
            pub reading: Reading,
        }

        impl Facts {
            /// All subjects, of all kinds.
            pub fn subjects(&self) -> impl Iterator<Item = &dyn Subject> {
                std::iter::empty()$(.chain(self.$list.iter().map(|subject| subject as &dyn Subject)))+
            }

            /// All subjects, to add to what is known about them.
            pub fn subjects_mut(&mut self) -> impl Iterator<Item = &mut dyn Subject> {
                std::iter::empty()$(.chain(self.$list.iter_mut().map(|subject| subject as &mut dyn Subject)))+
            }

            /// Removes the resources with these ids.
            pub fn forget(&mut self, gone: &BTreeSet<String>) {
                $(self.$list.retain(|subject| !gone.contains(&subject.resource().id));)+
            }
        }

        $(impl Listed for $subject {
            const KINDS: &'static [Kind] = $kinds;

            fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
                facts.$list.iter()
            }
        })+
    };
}

facts! {
    /// SageMaker notebook instances.
    notebooks: Notebook of &[Kind::NotebookInstance],
    /// Studio apps that are not deleted.
    apps: App of &[Kind::App],
    /// The idle shutdown settings of Studio domains, user profiles and spaces.
    idle_shutdowns: IdleShutdown of &[Kind::Domain, Kind::UserProfile, Kind::Space],
    /// Training jobs that run, and those that were asked for by name.
    training_jobs: TrainingJob of &[Kind::TrainingJob],
    /// Series of training jobs, with counts of their ended jobs.
    job_series: JobSeries of &[Kind::JobSeries],
    /// Hyperparameter tuning jobs that run, and those that were asked for by name.
    tuning_jobs: TuningJob of &[Kind::TuningJob],
    /// Endpoints.
    endpoints: Endpoint of &[Kind::Endpoint],
    /// Endpoints for which another way of serving is looked for.
    hosted: Hosted of &[Kind::Endpoint],
    /// Endpoints that the guard has hibernated and that are not yet as they were.
    sleeping: SleepingEndpoint of &[Kind::Endpoint],
    /// Resources of any kind that are judged by their tags.
    assets: Asset of Kind::TAGGED,
    /// Required tag keys, with their status in the bill.
    tag_keys: TagKey of &[Kind::TagKey],
    /// The account's budgets.
    budgets: Budget of &[Kind::Budget],
    /// What the account spends on `SageMaker`: one element, or none if it was not read.
    spend: Spend of &[Kind::Spend],
    /// Running resources that a budget pays for.
    running: RunningAsset of Kind::TAGGED,
    /// Savings Plans that are owned, and not over.
    savings_plans: SavingsPlan of &[Kind::SavingsPlan],
    /// What the account could commit to: one element, or none if it was not looked at.
    commitments: Commitment of &[Kind::SavingsPlan],
    /// Training plans.
    training_plans: TrainingPlan of &[Kind::TrainingPlan],
}

impl Facts {
    /// All resources, of all kinds.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.subjects().map(Subject::resource)
    }

    /// All resources, to add to what is known about them.
    pub fn resources_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        self.subjects_mut().map(Subject::resource_mut)
    }

    /// The resources whose `cost-guard:` tags a rule judges: each one once, although functions read some for their tags or for a budget as well.
    pub fn tagged_resources(&self) -> impl Iterator<Item = &Resource> {
        self.subjects().filter(|subject| subject.has_guard_tags()).map(Subject::resource)
    }

    /// The same time, prices and measures, without subjects.
    #[must_use]
    pub fn of_this_moment(&self) -> Self {
        Self {
            now: self.now,
            prices: Arc::clone(&self.prices),
            measures: self.measures.clone(),
            workflows: self.workflows.clone(),
            domain_names: self.domain_names.clone(),
            ..Self::default()
        }
    }

    /// What the account spends on `SageMaker`. `None`: not read.
    pub fn spend(&self) -> Option<&Spend> {
        self.spend.first()
    }
}

/// A type of subject to which rules are applied, one subject at a time.
pub trait Listed: Subject + Sized + 'static {
    /// The kinds of resources that they are.
    const KINDS: &'static [Kind];

    /// All subjects of this type.
    fn all(facts: &Facts) -> impl Iterator<Item = &Self>;
}

impl Listed for Resource {
    const KINDS: &'static [Kind] = Kind::ALL;

    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.tagged_resources()
    }
}

/// What is enforced because budgets are used up.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// Which rules are enforced, and for whom.
    pub in_force: Vec<BudgetMeasure>,
    /// Whether they could not be read. Then findings that they might enforce stay as they are.
    pub unread: bool,
}

/// What was read, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Kinds of which all resources in the Region were read. A resource of such a kind that is not in the facts is gone.
    pub complete: BTreeSet<Kind>,
    /// Kinds of whose series all were found. A series ([`Kind::JobSeries`]) of resources of such a kind that has no finding is gone.
    pub complete_series: BTreeSet<Kind>,
    /// The number of resources read, for kinds of which not all are kept in the facts.
    pub looked_at: BTreeMap<Kind, usize>,
    /// Ids of resources that were asked for and do not exist. Their open findings are closed.
    pub gone: BTreeSet<String>,
    /// Ids of resources that may be gone, or not: their findings stay open.
    pub unknown: BTreeSet<String>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

impl Reading {
    /// Whether all was read among which a resource, or a series, of this id would be. If it was not found, it is gone.
    pub fn is_listed(&self, id: &str) -> bool {
        match Kind::of(id) {
            _ if self.unknown.contains(id) => false,
            Some(Kind::JobSeries) => Kind::of_series(id).is_some_and(|kind| self.complete_series.contains(&kind)),
            Some(kind) => self.complete.contains(&kind),
            None => false,
        }
    }
}

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What: `Studio apps`, `tags of notebook-instance/x`.
    pub what: String,
    /// Why, with AWS's own error code.
    pub why: String,
    /// `what` without names and numbers that differ from run to run: what has the same cause is the same text.
    pub cause: String,
    /// The rule that needs it, if it was read but does not say enough: an owner's tag that nobody understands, a price that is not known. The reading is whole all the same.
    pub rule: Option<&'static str>,
}

impl Unread {
    /// Something that is called the same in each run.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        let what = what.into();
        Self { cause: what.clone(), what, why: why.into(), rule: None }
    }

    /// Something whose names and numbers differ from run to run.
    #[must_use]
    pub fn with_cause(self, cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), ..self }
    }

    /// What this rule needs and was not told.
    #[must_use]
    pub fn of_rule(self, rule: &'static str) -> Self {
        Self { rule: Some(rule), ..self }
    }
}
