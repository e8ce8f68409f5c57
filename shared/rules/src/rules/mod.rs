//! The rules, one file each. To add one: its file, its `mod` line and its line in [`ALL`] (CONTRIBUTING.md).

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use toml::{Spanned, de::DeTable};

use crate::{
    duration::{Duration, roughly},
    facts::{App, Facts, IdleShutdown, Notebook, NotebookStatus, Resource, Tags},
    finding::{Remedy, Verdict, Waste},
    policy::Policy,
    price::{HOURS_PER_MONTH, Prices},
};

mod guard_tag_unreadable;
mod notebook_always_on;
mod notebook_forgotten;
mod notebook_idle;
mod notebook_off_hours;
mod studio_app_always_on;
mod studio_app_off_hours;
mod studio_idle_shutdown_off;

/// Every rule, in the order of the manual.
pub static ALL: &[Entry] = &[
    Entry::of::<notebook_off_hours::NotebookOffHours>(),
    Entry::of::<notebook_idle::NotebookIdle>(),
    Entry::of::<notebook_always_on::NotebookAlwaysOn>(),
    Entry::of::<notebook_forgotten::NotebookForgotten>(),
    Entry::of::<studio_app_off_hours::StudioAppOffHours>(),
    Entry::of::<studio_app_always_on::StudioAppAlwaysOn>(),
    Entry::of::<studio_idle_shutdown_off::StudioIdleShutdownOff>(),
    Entry::of::<guard_tag_unreadable::GuardTagUnreadable>(),
];

/// A rule. The struct is its section of the policy, `Default` its defaults.
pub trait Rule: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Named after the waste it finds; the section `[rules.<NAME>]` of the policy and the file `<name>.rs`.
    const NAME: &'static str;
    /// Whether the policy may set `mode = "enforce"`: whether [`Rule::check`] ever gives more than [`Remedy::Advice`].
    const ENFORCEABLE: bool;
    /// What it looks at, one at a time.
    type Subject: Subject;

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
}

impl Subject for Notebook {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.notebooks.iter()
    }
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.since.filter(|_| self.status == NotebookStatus::InService)
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
        self.created.filter(|_| self.in_service)
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

impl Subject for Resource {
    fn all(facts: &Facts) -> impl Iterator<Item = &Self> {
        facts.resources()
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
}

impl Scene<'_> {
    /// USD per hour of an instance type, if known.
    pub(crate) fn hourly(&self, instance_type: Option<&str>) -> Option<Decimal> {
        self.prices.hourly(instance_type?)
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
            remedy,
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
        Waste { reason, usd_per_hour, usd_per_month: usd_per_hour.map(|usd| usd * HOURS_PER_MONTH), ends: None, remedy }
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

impl App {
    /// The start of its run, if it is one that the rules look at: in service, of these kinds, on an instance that is billed.
    pub(crate) fn billed_run(&self, app_types: &[AppType]) -> Option<Timestamp> {
        let looked_at = app_types.iter().any(|app_type| app_type.as_str() == self.app_type);
        self.run().filter(|_| looked_at && self.instance_type.as_deref() != Some("system"))
    }

    pub(crate) fn delete(&self) -> Remedy {
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
    /// The rule's own settings with their defaults, as TOML.
    pub defaults: fn() -> toml::Table,
    pub(crate) read: ReadRule,
}

impl Entry {
    const fn of<R: Rule>() -> Self {
        Self {
            name: R::NAME,
            enforceable: R::ENFORCEABLE,
            // The settings are plain values: a table can always be made of them.
            defaults: || toml::Table::try_from(R::default()).unwrap_or_default(),
            read: |table| Ok(Box::new(Checked(R::deserialize(toml::Deserializer::from(table))?))),
        }
    }
}

/// A rule with its settings, over all of its subjects.
pub(crate) trait Check: Send + Sync {
    /// Judges the subjects that `select` picks, and tells each verdict that is not [`Verdict::Fine`].
    fn judge(
        &self,
        facts: &Facts,
        scene: &Scene<'_>,
        select: &dyn Fn(&Resource) -> bool,
        tell: &mut dyn FnMut(&Resource, Option<Timestamp>, Verdict),
    );
}

struct Checked<R>(R);

impl<R: Rule> Check for Checked<R> {
    fn judge(
        &self,
        facts: &Facts,
        scene: &Scene<'_>,
        select: &dyn Fn(&Resource) -> bool,
        tell: &mut dyn FnMut(&Resource, Option<Timestamp>, Verdict),
    ) {
        for subject in R::Subject::all(facts).filter(|subject| select(subject.resource())) {
            if subject.resource().tags == Tags::Unreadable {
                tell(subject.resource(), None, Verdict::Unknown("its tags could not be read".into()));
                continue;
            }
            match self.0.check(subject, scene) {
                Verdict::Fine => {}
                verdict => tell(subject.resource(), subject.run(), verdict),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
