//! The estate: what a simulated account holds at its start, read from TOML (README.md of this crate). An unknown key is an error. One file, although it is
//! long: it documents each key of the format.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

use crate::{
    estate::{
        fault::Fault,
        jobs::{TrainingJobSpec, TuningJobSpec},
        plan::{Occasion, PlannedAction},
        times::{Duration, Hours},
    },
    life::trail::Creator,
    world::{APP_STATUSES, NOTEBOOK_STATUSES},
};

pub mod fault;
pub(crate) mod jobs;
pub(crate) mod kinds;
mod money;
pub mod plan;
pub(crate) mod savings;
pub mod times;
pub(crate) mod traffic;

pub use kinds::{
    AutoMlJobSpec, EndpointConfigSpec, EndpointSpec, InferenceComponentSpec, ModelSpec, ProcessingJobSpec, ResourceSpec, ServerlessSpec,
    TransformJobSpec, VariantSpec,
};
pub use money::{
    Activation, AnomalySpec, BudgetSpec, CostExplorerSpec, Day, HealthSpec, NotificationSpec, PerDay, PlanSpec, SpendSpec, Spike,
};
pub use savings::{HourTable, Offer, Payment, RateSpec, RateTable, RatesSpec, SavingsPlanSpec};
pub use traffic::{BurstSpec, HostingSpec, TrafficSpec};

/// The types of Studio apps in the API.
const APP_TYPES: [&str; 9] = [
    "JupyterServer",
    "KernelGateway",
    "DetailedProfiler",
    "TensorBoard",
    "CodeEditor",
    "JupyterLab",
    "RStudioServerPro",
    "RSessionGateway",
    "Canvas",
];

/// What the account holds at its start.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Estate {
    /// The account's id.
    pub account: String,
    /// The Region.
    pub region: String,
    /// When the simulation starts; absent: the real time.
    pub start: Option<Timestamp>,
    /// The name of the SNS topic for the guard's mails; absent: there is no topic.
    pub topic: Option<String>,
    /// The number of confirmed subscriptions to a topic.
    pub confirmed_subscriptions: u32,
    /// The name of the `DynamoDB` table; absent: there is no table.
    pub table: Option<String>,
    /// SSM parameters.
    pub parameters: BTreeMap<String, String>,
    /// Prices in USD per hour, by instance type. They override the shipped ones.
    pub prices: BTreeMap<String, Decimal>,
    /// Notebook instances.
    pub notebook: Vec<NotebookSpec>,
    /// Studio domains.
    pub domain: Vec<DomainSpec>,
    /// Studio user profiles.
    pub user_profile: Vec<UserProfileSpec>,
    /// Studio spaces.
    pub space: Vec<SpaceSpec>,
    /// Studio apps.
    pub app: Vec<AppSpec>,
    /// Training jobs.
    pub training_job: Vec<TrainingJobSpec>,
    /// Hyperparameter tuning jobs.
    pub tuning_job: Vec<TuningJobSpec>,
    /// Models.
    pub model: Vec<ModelSpec>,
    /// Endpoint configurations.
    pub endpoint_config: Vec<EndpointConfigSpec>,
    /// Endpoints.
    pub endpoint: Vec<EndpointSpec>,
    /// Inference components.
    pub inference_component: Vec<InferenceComponentSpec>,
    /// How endpoints, their metrics and their scaling behave.
    pub hosting: HostingSpec,
    /// Processing jobs.
    pub processing_job: Vec<ProcessingJobSpec>,
    /// Transform jobs.
    pub transform_job: Vec<TransformJobSpec>,
    /// `AutoML` jobs.
    pub automl_job: Vec<AutoMlJobSpec>,
    /// Feature groups, pipelines, tracking servers, clusters.
    pub resource: Vec<ResourceSpec>,
    /// Whether CloudTrail delivers events of who creates what.
    pub trail: bool,
    /// The faults.
    pub fault: Vec<Fault>,
    /// Whether the account is its organization's payer. Only a payer has cost allocation tags.
    pub payer: bool,
    /// A CSV file with rows of the bill, in columns of the FOCUS specification; absent: there is only planted spend and what runs.
    pub bill: Option<String>,
    /// The name of the S3 bucket; absent: there is no bucket.
    pub bucket: Option<String>,
    /// The bucket's Region; absent: the account's.
    pub bucket_region: Option<String>,
    /// The name of the SNS topic that Budgets publishes to.
    pub budget_topic: Option<String>,
    /// Spend in addition to what runs here.
    pub spend: Vec<SpendSpec>,
    /// Budgets.
    pub budget: Vec<BudgetSpec>,
    /// Anomalies in addition to those in the spend.
    pub anomaly: Vec<AnomalySpec>,
    /// How Cost Explorer behaves.
    pub cost_explorer: CostExplorerSpec,
    /// Tag keys, each with the time from which it is a cost allocation tag.
    pub cost_allocation_tags: BTreeMap<String, Activation>,
    /// Savings Plans that the account owns.
    pub savings_plan: Vec<SavingsPlanSpec>,
    /// What AWS offers Savings Plans for.
    pub savings_plan_rates: RatesSpec,
}

impl Default for Estate {
    fn default() -> Self {
        Self {
            account: "123456789012".into(),
            region: "us-east-1".into(),
            start: None,
            topic: Some("cost-guard".into()),
            confirmed_subscriptions: 1,
            table: Some("cost-guard".into()),
            parameters: BTreeMap::new(),
            prices: BTreeMap::new(),
            notebook: vec![],
            domain: vec![],
            user_profile: vec![],
            space: vec![],
            app: vec![],
            training_job: vec![],
            tuning_job: vec![],
            model: vec![],
            endpoint_config: vec![],
            endpoint: vec![],
            inference_component: vec![],
            hosting: HostingSpec::default(),
            processing_job: vec![],
            transform_job: vec![],
            automl_job: vec![],
            resource: vec![],
            trail: false,
            fault: vec![],
            payer: true,
            bill: None,
            bucket: None,
            bucket_region: None,
            budget_topic: None,
            spend: vec![],
            budget: vec![],
            anomaly: vec![],
            cost_explorer: CostExplorerSpec::default(),
            cost_allocation_tags: BTreeMap::new(),
            savings_plan: vec![],
            savings_plan_rates: RatesSpec::default(),
        }
    }
}

/// A notebook instance, or `count` of them with `{}` in the name.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NotebookSpec {
    /// Its name; `{}` is replaced by a number if there is a `count`.
    pub name: String,
    /// How many.
    pub count: usize,
    /// `ml.t3.medium`
    pub instance_type: String,
    /// `InService`, `Stopped`, …
    pub status: String,
    /// When it was last started or stopped.
    pub since: When,
    /// When it was created; absent: a month before the start.
    pub created: Option<When>,
    /// The size of its volume, in GB.
    pub volume_gb: i32,
    /// The name of its lifecycle configuration.
    pub lifecycle_config: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it is used, as its idle agent sees it. Absent: it has no agent, and so no metric.
    pub used: Option<Hours>,
    /// Who creates it.
    pub by: Option<Creator>,
    /// When it is created; absent: it exists at the start.
    pub create: Option<Occasion>,
    /// The error code with which its creation is refused.
    pub fails: Option<String>,
    /// What people do with it.
    pub plan: Vec<PlannedAction>,
}

impl Default for NotebookSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            count: 1,
            instance_type: "ml.t3.medium".into(),
            status: "InService".into(),
            since: When::Before(Duration::hours(1)),
            created: None,
            volume_gb: 5,
            lifecycle_config: None,
            tags: BTreeMap::new(),
            used: None,
            by: None,
            create: None,
            fails: None,
            plan: vec![],
        }
    }
}

/// A Studio domain.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DomainSpec {
    /// `d-…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether new apps get the tags of their space or profile and of their domain.
    pub tag_propagation: bool,
    /// Idle shutdown of `JupyterLab`.
    pub jupyter_lab_idle: Option<IdleSpec>,
    /// Idle shutdown of Code Editor.
    pub code_editor_idle: Option<IdleSpec>,
}

/// A user profile.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct UserProfileSpec {
    /// Its domain's id.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Idle shutdown of `JupyterLab`.
    pub jupyter_lab_idle: Option<IdleSpec>,
    /// Idle shutdown of Code Editor.
    pub code_editor_idle: Option<IdleSpec>,
    /// When it was created; absent: long before the start.
    pub created: Option<When>,
    /// Who creates it.
    pub by: Option<Creator>,
    /// When it is created; absent: it exists at the start.
    pub create: Option<Occasion>,
    /// The error code with which its creation is refused.
    pub fails: Option<String>,
}

/// A space.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SpaceSpec {
    /// Its domain's id.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// The user profile that owns it.
    pub owner: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Minutes until its idle `JupyterLab` is shut down.
    pub jupyter_lab_idle_minutes: Option<i32>,
    /// Minutes until its idle Code Editor is shut down.
    pub code_editor_idle_minutes: Option<i32>,
    /// When it was created; absent: long before the start.
    pub created: Option<When>,
    /// Who creates it.
    pub by: Option<Creator>,
    /// When it is created; absent: it exists at the start.
    pub create: Option<Occasion>,
    /// The error code with which its creation is refused.
    pub fails: Option<String>,
}

/// `IdleSettings`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IdleSpec {
    /// `ENABLED` or `DISABLED`
    pub lifecycle_management: String,
    /// 60 to 525,600.
    pub idle_timeout_minutes: Option<i32>,
    /// The lowest timeout that a user may set, in minutes.
    pub min_idle_timeout_minutes: Option<i32>,
    /// The highest timeout that a user may set, in minutes.
    pub max_idle_timeout_minutes: Option<i32>,
}

/// A Studio app.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppSpec {
    /// Its domain's id.
    pub domain: String,
    /// The space it runs in.
    pub space: Option<String>,
    /// Or the user profile that it runs in.
    pub user_profile: Option<String>,
    /// `JupyterLab`, …
    #[serde(rename = "type")]
    pub app_type: String,
    /// Its name.
    pub name: String,
    /// `ml.t3.medium` or `system`.
    pub instance_type: String,
    /// `InService`, `Pending`, `Deleted`, …
    pub status: String,
    /// When it was created.
    pub since: When,
    /// Its own tags.
    pub tags: BTreeMap<String, String>,
    /// Who creates it.
    pub by: Option<Creator>,
    /// When it is created; absent: it exists at the start.
    pub create: Option<Occasion>,
    /// The error code with which its creation is refused.
    pub fails: Option<String>,
    /// What people do with it.
    pub plan: Vec<PlannedAction>,
}

impl Default for AppSpec {
    fn default() -> Self {
        Self {
            domain: String::new(),
            space: None,
            user_profile: None,
            app_type: "JupyterLab".into(),
            name: "default".into(),
            instance_type: "ml.t3.medium".into(),
            status: "InService".into(),
            since: When::Before(Duration::hours(1)),
            tags: BTreeMap::new(),
            by: None,
            create: None,
            fails: None,
            plan: vec![],
        }
    }
}

/// A moment: an RFC 3339 time, or a length of time before the start, `-3d`.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// This moment.
    At(Timestamp),
    /// This long before the start.
    Before(Duration),
}

impl When {
    /// The moment, for a simulation that starts at `start`.
    pub fn at(self, start: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Before(duration) => start - duration.signed(),
        }
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let when = match text.strip_prefix('-') {
            Some(duration) => duration.parse().ok().map(Self::Before),
            None => text.parse().ok().map(Self::At),
        };
        when.ok_or_else(|| de::Error::custom(format!("`{text}` is not a moment: write 2026-11-23T08:00:00Z or, before the start, -3d")))
    }
}

impl Estate {
    /// Reads an estate from TOML.
    ///
    /// # Errors
    /// The error names the line and key, and what was expected.
    pub fn from_toml(text: &str) -> anyhow::Result<Self> {
        let estate: Self = toml::from_str(text)?;
        estate.check()?;
        Ok(estate)
    }

    /// Checks what the TOML format cannot: duplicate names, unknown statuses, domains, spaces and profiles that do not exist.
    fn check(&self) -> anyhow::Result<()> {
        money::check(self)?;
        savings::check(self)?;
        let mut names = BTreeSet::new();
        for notebook in &self.notebook {
            let name = &notebook.name;
            ensure!(!name.is_empty(), "[[notebook]]: `name` is missing");
            ensure!(
                notebook.count < 2 || name.contains("{}"),
                "[[notebook]] {name}: `count` is {}: write {{}} into the name, for the number",
                notebook.count
            );
            ensure!(names.insert(name), "[[notebook]] {name}: there are two of this name");
            expect_one_of(&format!("[[notebook]] {name}: status"), &notebook.status, &NOTEBOOK_STATUSES)?;
        }
        let domains: BTreeSet<&str> = self.domain.iter().map(|domain| domain.id.as_str()).collect();
        let known = |what: &str, domain: &str| {
            ensure!(domains.contains(domain), "{what}: there is no [[domain]] with id \"{domain}\"");
            Ok(())
        };
        let idle = |what: String, idle: &Option<IdleSpec>| {
            idle.as_ref().map_or(Ok(()), |idle| {
                expect_one_of(&format!("{what}: lifecycle-management"), &idle.lifecycle_management, &["ENABLED", "DISABLED"])
            })
        };
        for domain in &self.domain {
            ensure!(!domain.id.is_empty(), "[[domain]]: `id` is missing: write d-1");
            idle(format!("[[domain]] {}", domain.id), &domain.jupyter_lab_idle)?;
            idle(format!("[[domain]] {}", domain.id), &domain.code_editor_idle)?;
        }
        for profile in &self.user_profile {
            let what = format!("[[user-profile]] {}", profile.name);
            known(&what, &profile.domain)?;
            idle(what.clone(), &profile.jupyter_lab_idle)?;
            idle(what, &profile.code_editor_idle)?;
        }
        for space in &self.space {
            known(&format!("[[space]] {}", space.name), &space.domain)?;
        }
        for app in &self.app {
            let what = format!("[[app]] {} {}", app.space.as_ref().or(app.user_profile.as_ref()).map_or("", String::as_str), app.app_type);
            known(&what, &app.domain)?;
            ensure!(app.space.is_some() != app.user_profile.is_some(), "{what}: expected either `space` or `user-profile`");
            expect_one_of(&format!("{what}: type"), &app.app_type, &APP_TYPES)?;
            expect_one_of(&format!("{what}: status"), &app.status, &APP_STATUSES)?;
        }
        let start = self.start.unwrap_or_else(Timestamp::now);
        let notebooks = self.notebook.iter().map(|one| ("notebook", &one.name, one.create.as_ref(), one.fails.is_some()));
        let apps = self.app.iter().map(|one| ("app", &one.name, one.create.as_ref(), one.fails.is_some()));
        let profiles = self.user_profile.iter().map(|one| ("user-profile", &one.name, one.create.as_ref(), one.fails.is_some()));
        let spaces = self.space.iter().map(|one| ("space", &one.name, one.create.as_ref(), one.fails.is_some()));
        for (kind, name, create, fails) in notebooks.chain(apps).chain(profiles).chain(spaces) {
            check_creation(&format!("[[{kind}]] {name}"), create, &[], fails, start)?;
        }
        self.hosting.check()?;
        kinds::check(self, start)?;
        jobs::check(&self.training_job, &self.tuning_job, start)
    }

    /// Reads an estate from a file.
    ///
    /// # Errors
    /// As [`Self::from_toml`]; the error also names the file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("estate {} cannot be read", path.display()))?;
        Self::from_toml(&text).with_context(|| format!("estate {}", path.display()))
    }
}

/// Checks the keys `create`, `submit` and `fails` of a section against each other.
pub(crate) fn check_creation(
    what: &str,
    create: Option<&Occasion>,
    submit: &[Occasion],
    fails: bool,
    start: Timestamp,
) -> anyhow::Result<()> {
    ensure!(create.is_none() || submit.is_empty(), "{what}: expected either `create` or `submit`");
    ensure!(!fails || create.is_some() || !submit.is_empty(), "{what}: `fails` is of a creation: write `create`, too");
    ensure!(create.is_none_or(|create| create.next_after(start).is_some()), "{what}: `create` is not after the start: write `created`");
    Ok(())
}

/// The error names the value and what was expected.
pub(crate) fn expect_one_of(what: &str, value: &str, known: &[&str]) -> anyhow::Result<()> {
    ensure!(known.contains(&value), "{what} is \"{value}\": expected one of {}", known.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_expected() {
        for (toml, says) in [
            (
                "[[notebook]]\nname = \"a\"\nstatus = \"Running\"",
                "[[notebook]] a: status is \"Running\": expected one of Pending, InService",
            ),
            ("[[notebook]]\ninstance-type = \"ml.t3.medium\"", "`name` is missing"),
            ("[[notebook]]\nname = \"a\"\ncount = 2", "write {} into the name"),
            ("[[notebook]]\nname = \"a\"\n[[notebook]]\nname = \"a\"", "two of this name"),
            ("[[notebook]]\nname = \"a\"\nsince = \"yesterday\"", "`yesterday` is not a moment"),
            ("[[notebook]]\nname = \"a\"\nplan = [{ at = \"monday\", do = \"stop\" }]", "`monday` is not a time of a plan"),
            ("[[notebook]]\nnmae = \"a\"", "unknown field `nmae`"),
            ("[[space]]\ndomain = \"d-1\"\nname = \"lab\"", "there is no [[domain]] with id \"d-1\""),
            ("[[domain]]\nid = \"d-1\"\n[[app]]\ndomain = \"d-1\"", "expected either `space` or `user-profile`"),
            ("[[fault]]\non = \"*\"\nwhat = { thrtle = 3 }", "thrtle"),
        ] {
            let error = Estate::from_toml(toml).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{toml}: {error:#}");
        }
    }

    #[test]
    fn the_one_in_the_readme_is_legal() {
        let readme = include_str!("../README.md");
        let toml = readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let estate = Estate::from_toml(toml).unwrap();
        assert_eq!((estate.training_job.len(), estate.tuning_job.len(), estate.fault.len()), (2, 1, 1));
        assert_eq!(
            (estate.model.len(), estate.endpoint_config.len(), estate.endpoint.len(), estate.inference_component.len()),
            (1, 1, 2, 1)
        );
        let jobs = (estate.processing_job.len(), estate.transform_job.len(), estate.automl_job.len());
        assert_eq!((jobs, estate.resource.len(), estate.trail), ((1, 1, 1), 1, true));
        assert_eq!((estate.spend.len(), estate.budget.len(), estate.anomaly.len(), estate.payer), (2, 1, 1, false));
        assert_eq!((estate.savings_plan.len(), estate.savings_plan_rates.all().count()), (1, 15));
    }

    #[test]
    fn a_file_is_named_in_its_errors() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "regoin = \"eu-central-1\"").unwrap();
        let error = format!("{:#}", Estate::read(file.path()).unwrap_err());
        assert!(error.contains(&file.path().display().to_string()) && error.contains("line 1") && error.contains("regoin"), "{error}");
    }
}
