//! The rules, one file each. To add one: its file, its `mod` line and its line in [`ALL`] (CONTRIBUTING.md).

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use toml::{Spanned, de::DeTable};

use crate::{
    duration::{Duration, roughly},
    facts::{
        App, Audited, Budget, Facts, IdleShutdown, Instances, JobSeries, JobStatus, Kind, Notebook, Resource, RunState, Running, Spend,
        TagKey, Tags, TrainingJob, TuningJob, job_stem,
    },
    finding::{Remedy, Verdict, Waste},
    policy::{OnExceed, Policy, Tightening},
    price::{HOURS_PER_MONTH, Prices},
    tagging::Required,
};

mod audit;
mod budget;
mod budget_exceeded;
mod budget_forecast_exceeded;
mod budget_unhealthy;
mod guard_tag_unreadable;
mod inactive_cost_allocation_tag;
mod invalid_tag_value;
mod missing_tag;
mod no_budget;
mod notebook_always_on;
mod notebook_forgotten;
mod notebook_idle;
mod notebook_off_hours;
mod resubmitted_job_doubled;
mod resubmitted_job_failed;
mod runtime_limit_loose;
mod spend_spike;
mod spot_without_checkpoint;
mod stoppable_over_budget;
mod studio_app_always_on;
mod studio_app_off_hours;
mod studio_idle_shutdown_off;
mod training_on_demand;
mod tuning_on_demand;
mod untagged_spend;
mod warm_pool_idle;

/// Every rule, in the order of the manual.
pub static ALL: &[Entry] = &[
    Entry::of::<notebook_off_hours::NotebookOffHours>(),
    Entry::of::<notebook_idle::NotebookIdle>(),
    Entry::of::<notebook_always_on::NotebookAlwaysOn>(),
    Entry::of::<notebook_forgotten::NotebookForgotten>(),
    Entry::of::<studio_app_off_hours::StudioAppOffHours>(),
    Entry::of::<studio_app_always_on::StudioAppAlwaysOn>(),
    Entry::of::<studio_idle_shutdown_off::StudioIdleShutdownOff>(),
    Entry::of::<training_on_demand::TrainingOnDemand>(),
    Entry::of::<tuning_on_demand::TuningOnDemand>(),
    Entry::of::<spot_without_checkpoint::SpotWithoutCheckpoint>(),
    Entry::of::<warm_pool_idle::WarmPoolIdle>(),
    Entry::of::<runtime_limit_loose::RuntimeLimitLoose>(),
    Entry::of::<resubmitted_job_doubled::ResubmittedJobDoubled>(),
    Entry::of::<resubmitted_job_failed::ResubmittedJobFailed>(),
    Entry::of::<missing_tag::MissingTag>(),
    Entry::of::<invalid_tag_value::InvalidTagValue>(),
    Entry::of::<inactive_cost_allocation_tag::InactiveCostAllocationTag>(),
    Entry::of::<untagged_spend::UntaggedSpend>(),
    Entry::of::<budget_exceeded::BudgetExceeded>(),
    Entry::of::<budget_forecast_exceeded::BudgetForecastExceeded>(),
    Entry::of::<budget_unhealthy::BudgetUnhealthy>(),
    Entry::of::<no_budget::NoBudget>(),
    Entry::of::<spend_spike::SpendSpike>(),
    Entry::of::<stoppable_over_budget::StoppableOverBudget>(),
    Entry::of::<guard_tag_unreadable::GuardTagUnreadable>(),
];

/// A rule. The struct is its section of the policy, `Default` its defaults.
pub trait Rule: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Named after the waste it finds; the section `[rules.<NAME>]` of the policy and the file `<name>.rs`.
    const NAME: &'static str;
    /// Whether the policy may set `mode = "enforce"`: whether [`Rule::check`] ever gives more than [`Remedy::None`].
    const ENFORCEABLE: bool;
    /// How long an owner is warned before the guard acts, where the policy does not say.
    const GRACE: Duration = Duration::minutes(30);
    /// How long until an open finding is told again, where neither the rule's section nor the policy says; `None`: as the policy says.
    const REMIND_AFTER: Option<Duration> = None;
    /// How long until what is still open is told its owner's team as well, where the policy does not say; `None`: never.
    const ESCALATE_AFTER: Option<Duration> = None;
    /// Whether what it only reports is told once for all resources of a series.
    const TOLD_PER_SERIES: bool = false;
    /// Whether all of an owner's findings are told when one of them is.
    const TOLD_TOGETHER: bool = false;
    /// Whether its owner is told of what they wish to keep, too: that wish speaks against a stop alone.
    const TELLS_KEPT: bool = false;
    /// Another rule, and a setting of it that is this one's too, where it has none of its own.
    const SHARES: Option<(&'static str, &'static str)> = None;
    /// What it looks at, one at a time.
    type Subject: Subject;

    /// What a policy that enforces this rule has to say too, and does not.
    fn lacks(&self) -> Option<&'static str> {
        None
    }

    /// What makes no sense in these settings, in any mode.
    fn nonsense(&self) -> Option<&'static str> {
        None
    }

    /// Which tags of a resource it reads, beside those that all rules read.
    fn reads_tag(&self, _key: &str, _policy: &Policy) -> bool {
        false
    }

    /// Which tags it requires of resources.
    fn required(&self) -> Option<&Required> {
        None
    }

    /// Whether it looks at the tags of this kind.
    fn audits(&self, _kind: Kind) -> bool {
        false
    }

    /// Judges one resource. Pure and infallible: what it needs and does not know makes the verdict [`Verdict::Unknown`].
    fn check(&self, subject: &Self::Subject, scene: &Scene<'_>) -> Verdict;
}

/// What a rule can look at.
pub trait Subject: Sized + 'static {
    /// All of them.
    fn all(facts: &Facts) -> impl Iterator<Item = &Self>;
    /// What it has in common with the others.
    fn resource(&self) -> &Resource;
    /// Since when it runs, if it does.
    fn run(&self) -> Option<Timestamp>;
    /// The id of the series that it is one of.
    fn series(&self) -> Option<String> {
        None
    }
}

impl Subject for Notebook {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.notebooks.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.since.filter(|_| self.state == RunState::InService)
    }
}

impl Subject for App {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.apps.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.state == RunState::InService)
    }
}

impl Subject for IdleShutdown {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.idle_shutdowns.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        None
    }
}

impl Subject for TrainingJob {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.training_jobs.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.status == JobStatus::InProgress)
    }
    fn series(&self) -> Option<String> {
        Some(series_id(Kind::TrainingJob, &self.resource.name))
    }
}

impl Subject for JobSeries {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.job_series.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        None
    }
}

impl Subject for TuningJob {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.tuning_jobs.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.status == JobStatus::InProgress)
    }
    fn series(&self) -> Option<String> {
        Some(series_id(Kind::TuningJob, &self.resource.name))
    }
}

/// The id of the series that a job of this name is one of.
pub fn series_id(kind: Kind, name: &str) -> String {
    Kind::JobSeries.id(&kind.id(job_stem(name)))
}

impl Subject for Audited {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.audited.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.run
    }
    fn series(&self) -> Option<String> {
        let kind = self.resource.kind().filter(|kind| kind.is_job())?;
        Some(series_id(kind, &self.resource.name))
    }
}

impl Subject for TagKey {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.tag_keys.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        None
    }
}

impl Subject for Budget {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.budgets.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        None
    }
}

impl Subject for Spend {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.spend.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        None
    }
}

impl Subject for Running {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.running.iter()
    }
    fn resource(&self) -> &Resource {
        &self.0.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.0.run
    }
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

/// What a rule judges in: the moment, the policy, the prices.
pub struct Scene<'a> {
    /// The present.
    pub now: Timestamp,
    /// The policy, for what all rules share: working hours, time zone, words for people.
    pub policy: &'a Policy,
    /// USD per hour.
    pub prices: &'a Prices,
    /// What is enforced because a budget is used up.
    pub tightenings: &'a [Tightening],
    /// Whether that could not be read.
    pub unread_tightenings: bool,
}

impl Scene<'_> {
    /// The used-up budget because of which this is done about a resource now, if there is one.
    pub(crate) fn tightening(&self, what: OnExceed, resource: &Resource) -> Option<&Tightening> {
        let team = self.policy.team_of(resource);
        let is_meant = |one: &&Tightening| one.what == what && self.now < one.until && one.is_for(team.as_deref());
        self.tightenings.iter().find(is_meant)
    }

    /// USD per hour of an instance type, if known.
    pub(crate) fn hourly(&self, instance_type: Option<&str>) -> Option<Decimal> {
        self.prices.hourly(instance_type?)
    }

    /// USD per hour of all these instances, if all of their prices are known.
    pub(crate) fn hourly_of(&self, instances: &[Instances]) -> Option<Decimal> {
        self.prices.hourly_of(instances)
    }

    /// Runs outside working hours: since `run`, with what it costs. The one judgement behind both off-hours rules.
    pub(crate) fn off_hours(
        &self,
        resource: &Resource,
        run: Timestamp,
        instance_type: Option<&str>,
        late_start_grace: Duration,
        remedy: Remedy,
    ) -> Verdict {
        let (schedule, whose) = match self.policy.hours_of(resource) {
            Ok(hours) => hours,
            Err(why) => return Verdict::Unknown(why),
        };
        let calendar = &self.policy.calendar;
        if schedule.is_working(self.now, calendar) {
            return Verdict::Fine;
        }
        let started_off_hours = !schedule.is_working(run, calendar);
        if started_off_hours && self.now.duration_since(run) < late_start_grace.signed() {
            return Verdict::Fine;
        }
        let ended = match schedule.off_since(self.now, calendar) {
            Some(end) if self.now.duration_since(end) < SignedDuration::from_mins(1) => ", which just ended".to_owned(),
            Some(end) => format!(", which ended {} ago", roughly(self.now.duration_since(end))),
            None => String::new(),
        };
        let usd_per_hour = self.hourly(instance_type);
        let off_share = Decimal::try_from(schedule.off_share()).unwrap_or_default();
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "on since {} ({}), outside {whose} working hours {schedule}{ended}",
                self.policy.clock(run),
                roughly(self.now.duration_since(run))
            ),
            usd_per_hour,
            usd_per_month: usd_per_hour.map(|usd| usd * HOURS_PER_MONTH * off_share),
            ends: schedule.next_start(self.now, calendar),
            hours: Some(schedule.with_zone(calendar)),
            remedy,
            ..Waste::default()
        }))
    }

    /// Runs for longer than `limit`. The one judgement behind both always-on rules.
    pub(crate) fn up_longer_than(&self, limit: Duration, run: Timestamp, instance_type: Option<&str>, remedy: Remedy) -> Verdict {
        let up = self.now.duration_since(run);
        if up <= limit.signed() {
            return Verdict::Fine;
        }
        let reason = format!("on since {}, for {} without a break: the limit is {limit}", self.policy.clock(run), roughly(up));
        Verdict::Waste(Box::new(self.running_waste(reason, instance_type, remedy)))
    }

    /// Waste of something that is billed for every hour of the month if nobody stops it.
    pub(crate) fn running_waste(&self, reason: String, instance_type: Option<&str>, remedy: Remedy) -> Waste {
        let usd_per_hour = self.hourly(instance_type);
        let usd_per_month = usd_per_hour.map(|usd| usd * HOURS_PER_MONTH);
        Waste { reason, usd_per_hour, usd_per_month, remedy, ..Waste::default() }
    }
}

/// What the policy has done about a training job that could be on Spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SpotRemedy {
    None,
    Stop,
    Resubmit,
}

impl SpotRemedy {
    pub(crate) fn lacks(self) -> Option<&'static str> {
        (self == Self::None).then_some("has no `remedy`: write remedy = \"stop\" or remedy = \"resubmit\"")
    }
}

/// What the policy has done about something that can be stopped, and not resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StopRemedy {
    None,
    Stop,
}

/// Patterns like `pipelines-*`, any of which may match.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    texts: Vec<String>,
    set: globset::GlobSet,
}

impl Globs {
    /// Of patterns that are known to be right.
    pub(crate) fn of(patterns: &[&str]) -> Self {
        Self::read(patterns.iter().map(|text| (*text).to_owned()).collect()).unwrap_or_default()
    }

    fn read(texts: Vec<String>) -> Result<Self, globset::Error> {
        let mut set = globset::GlobSetBuilder::new();
        for text in &texts {
            set.add(globset::Glob::new(text)?);
        }
        Ok(Self { set: set.build()?, texts })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.set.is_match(text)
    }
}

impl Serialize for Globs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.texts.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Globs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Vec::deserialize(deserializer)?).map_err(|error| serde::de::Error::custom(format!("not a pattern: {error}")))
    }
}

/// The app kinds that the rules look at by default. Canvas and `RSessionGateway` sessions may hold unsaved work: a policy has to
/// name them. `RStudioServerPro` serves a whole domain, and `JupyterServer` runs on a free `system` instance: never.
pub(crate) fn default_app_types() -> Vec<AppType> {
    vec![AppType::JupyterLab, AppType::CodeEditor, AppType::KernelGateway, AppType::TensorBoard]
}

/// The app kinds that a policy may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum AppType {
    JupyterLab,
    CodeEditor,
    KernelGateway,
    TensorBoard,
    Canvas,
    RSessionGateway,
}

impl AppType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::JupyterLab => "JupyterLab",
            Self::CodeEditor => "CodeEditor",
            Self::KernelGateway => "KernelGateway",
            Self::TensorBoard => "TensorBoard",
            Self::Canvas => "Canvas",
            Self::RSessionGateway => "RSessionGateway",
        }
    }
}

impl Notebook {
    /// The start of its run, or the verdict on one that does not run.
    pub(crate) fn judged_run(&self) -> Result<Timestamp, Verdict> {
        judged_run(self.state, self.since)
    }
}

/// The start of a run, or the verdict on what does not run.
fn judged_run(state: RunState, since: Option<Timestamp>) -> Result<Timestamp, Verdict> {
    match state {
        RunState::InService => since.ok_or_else(|| Verdict::Unknown("its start time could not be read".into())),
        RunState::Stopped | RunState::Ending => Err(Verdict::Fine),
        RunState::Other => Err(Verdict::Later),
    }
}

impl App {
    /// The start of its run, if it is one that the rules look at (of these kinds, on an instance that is billed); else the verdict.
    pub(crate) fn billed_run(&self, app_types: &[AppType]) -> Result<Timestamp, Verdict> {
        if !app_types.iter().any(|app_type| app_type.as_str() == self.app_type) {
            return Err(Verdict::Fine);
        }
        let run = judged_run(self.state, self.created)?;
        match self.instance_type.as_deref() {
            Some("system") => Err(Verdict::Fine),
            Some(_) => Ok(run),
            None => Err(Verdict::Unknown("its instance type could not be read".into())),
        }
    }

    /// What stops it.
    pub fn delete(&self) -> Remedy {
        Remedy::DeleteApp {
            domain: self.domain.clone(),
            home: self.home.clone(),
            app_type: self.app_type.clone(),
            app_name: self.app_name.clone(),
        }
    }
}

/// Reads a rule's own settings.
type ReadRule = fn(Spanned<DeTable<'_>>) -> Result<Box<dyn Check>, toml::de::Error>;

/// A rule without its type.
pub struct Entry {
    /// [`Rule::NAME`].
    pub name: &'static str,
    /// [`Rule::ENFORCEABLE`].
    pub enforceable: bool,
    /// [`Rule::GRACE`].
    pub grace: Duration,
    /// [`Rule::REMIND_AFTER`].
    pub remind_after: Option<Duration>,
    /// [`Rule::ESCALATE_AFTER`].
    pub escalate_after: Option<Duration>,
    /// [`Rule::TOLD_TOGETHER`].
    pub told_together: bool,
    /// [`Rule::TELLS_KEPT`].
    pub tells_kept: bool,
    /// [`Rule::SHARES`].
    pub(crate) shares: Option<(&'static str, &'static str)>,
    /// The rule's own settings with their defaults, as TOML.
    pub defaults: fn() -> toml::Table,
    pub(crate) read: ReadRule,
}

impl Entry {
    const fn of<R: Rule>() -> Self {
        Self {
            name: R::NAME,
            enforceable: R::ENFORCEABLE,
            grace: R::GRACE,
            remind_after: R::REMIND_AFTER,
            escalate_after: R::ESCALATE_AFTER,
            told_together: R::TOLD_TOGETHER,
            tells_kept: R::TELLS_KEPT,
            shares: R::SHARES,
            // The settings are plain values: a table can always be made of them.
            defaults: || toml::Table::try_from(R::default()).unwrap_or_default(),
            read: |table| Ok(Box::new(Checked(R::deserialize(toml::Deserializer::from(table))?))),
        }
    }
}

/// A rule with its settings, over all of its subjects.
pub(crate) trait Check: Send + Sync {
    /// Judges the subjects that `select` picks, and tells each verdict that is not [`Verdict::Fine`].
    fn judge(&self, facts: &Facts, scene: &Scene<'_>, select: &dyn Fn(&Resource) -> bool, tell: &mut dyn FnMut(Told<'_>));

    /// [`Rule::lacks`].
    fn lacks(&self) -> Option<&'static str>;

    /// [`Rule::nonsense`].
    fn nonsense(&self) -> Option<&'static str>;

    /// The setting `remedy`, if the rule has one and it is not `"none"`.
    fn remedy(&self) -> Option<String>;

    /// [`Rule::reads_tag`].
    fn reads_tag(&self, key: &str, policy: &Policy) -> bool;

    /// [`Rule::required`].
    fn required(&self) -> Option<&Required>;

    /// [`Rule::audits`].
    fn audits(&self, kind: Kind) -> bool;
}

/// A verdict, and on what.
pub(crate) struct Told<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) series: Option<String>,
    pub(crate) run: Option<Timestamp>,
    pub(crate) verdict: Verdict,
}

struct Checked<R>(R);

impl<R: Rule> Check for Checked<R> {
    fn judge(&self, facts: &Facts, scene: &Scene<'_>, select: &dyn Fn(&Resource) -> bool, tell: &mut dyn FnMut(Told<'_>)) {
        for subject in R::Subject::all(facts).filter(|subject| select(subject.resource())) {
            let resource = subject.resource();
            let verdict = match resource.tags {
                Tags::Unreadable => Verdict::Unknown("its tags could not be read".into()),
                _ => self.0.check(subject, scene),
            };
            if verdict != Verdict::Fine {
                tell(Told { resource, series: subject.series().filter(|_| R::TOLD_PER_SERIES), run: subject.run(), verdict });
            }
        }
    }

    fn lacks(&self) -> Option<&'static str> {
        self.0.lacks()
    }

    fn nonsense(&self) -> Option<&'static str> {
        self.0.nonsense()
    }

    fn remedy(&self) -> Option<String> {
        let settings = toml::Table::try_from(&self.0).ok()?;
        settings.get("remedy")?.as_str().filter(|remedy| *remedy != "none").map(str::to_owned)
    }

    fn reads_tag(&self, key: &str, policy: &Policy) -> bool {
        self.0.reads_tag(key, policy)
    }

    fn required(&self) -> Option<&Required> {
        self.0.required()
    }

    fn audits(&self, kind: Kind) -> bool {
        self.0.audits(kind)
    }
}

#[cfg(test)]
pub(crate) mod tests;
