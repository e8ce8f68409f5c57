//! Endpoints: what serves their requests, how it scales, and how much they are used.

use std::sync::OnceLock;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{
        hibernation::{CanSleep, Hibernation},
        notebooks::RunState,
        subject::Subject,
    },
    scaling::{Attachment, Capacity, Proposal, Traffic, Way},
    vocabulary::{duration::Duration, price::Instances, resource::Resource},
};

/// An endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its id, ARN, name, tags and owner.
    pub resource: Resource,
    /// Its state. In [`RunState::Changing`] AWS refuses every change, also while it only scales.
    pub state: RunState,
    /// `CreationTime`. An endpoint that was deleted and created again has a new one.
    pub created: Option<Timestamp>,
    /// `LastModifiedTime`: when it was last created, updated, scaled or maintained.
    pub modified: Option<Timestamp>,
    /// The name of its configuration.
    pub config: Option<String>,
    /// How it answers.
    pub serving: Serving,
    /// Whether a deployment is under way, or a variant is on its way to another state.
    pub is_deploying: bool,
    /// Its production variants, and after them its shadow variants.
    pub variants: Vec<Variant>,
    /// Its inference components. `None`: not read.
    pub components: Option<Vec<Component>>,
    /// Requests that wait in the queue of an asynchronous endpoint. `None`: not read, or there is no queue.
    pub backlog: Option<Backlog>,
    /// The auto scaling that the guard attached once. `None`: it never did.
    pub attached: Option<Attached>,
    /// The auto scaling that its owner was warned of, and that was not attached yet, if it is to follow the requests. Empty: there is none.
    pub announced: Vec<Attachment>,
    /// What the ledger remembers of its hibernation. `None`: it was never hibernated, or this could not be read.
    pub hibernation: Option<Hibernation>,
    /// The inference router that sends requests to it. `None`: there is none, or it was not read.
    pub router: Option<String>,
    /// Whether it can be hibernated, as far as only a closer look shows.
    pub can_sleep: CanSleep,
    /// What Compute Optimizer says. `None`: not enrolled, or not read.
    pub compute_optimizer: Option<IdleByAws>,
}

/// Auto scaling that the guard attached to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attached {
    /// Why.
    #[serde(default)]
    pub way: Way,
    /// What was attached, by variant or inference component.
    pub attachments: Vec<Attachment>,
    /// What it was promised to save. `None`: nothing was promised.
    #[serde(default)]
    pub usd_per_month: Option<Decimal>,
    /// How far it has come.
    pub stage: AttachStage,
    /// When this stage was reached.
    pub at: Timestamp,
}

/// How far the guard has come with auto scaling that it attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachStage {
    /// Some calls may have been made. The next run makes all of them again.
    Attaching,
    /// All of it was attached.
    Attached,
    /// It was taken away again, because somebody asked for that.
    Detached,
}

/// How an endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// At once, from its variants.
    RealTime,
    /// From a queue.
    Asynchronous,
    /// At once, from inference components that share its instances.
    Components,
    /// At once, without instances.
    Serverless,
    /// Its configuration could not be read.
    Unknown,
}

/// A variant of an endpoint.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name. It is a part of the scalable target's id, in this spelling.
    pub name: String,
    /// Whether it gets copies of requests and answers nobody.
    pub is_shadow: bool,
    /// What it runs on.
    pub compute: Compute,
    /// Its share of the requests, relative to the other variants. `None`: not known.
    pub weight: Option<f64>,
    /// Its auto scaling.
    pub scaling: AutoScaling,
    /// The longest that instances took to start, by its scaling activities of six weeks. `None`: none tells.
    pub start_up: Option<Duration>,
    /// How often it was called. `None`: not read.
    pub invocations: Option<Invocations>,
    /// The mean share of its provisioned concurrency that was in use, from 0 to 1. `None`: not read, or it has none.
    pub provisioned_use: Option<f64>,
}

/// What a variant runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compute {
    /// Instances that are billed by the hour.
    Instances {
        /// `ml.m5.xlarge`. `None`: not known, because its configuration is gone.
        instance_type: Option<String>,
        /// How many there are.
        current: u32,
        /// How many there shall be.
        desired: u32,
        /// Why Application Auto Scaling cannot change their number. `None`: it can.
        fixed: Option<Fixed>,
    },
    /// No instances: billed by the duration of requests.
    Serverless {
        /// Its memory in MB.
        memory_mb: u32,
        /// Environments that are kept ready, and billed as long as they are. `None`: none.
        provisioned: Option<u32>,
    },
}

/// Why Application Auto Scaling cannot change the number of a variant's instances (aws-facts §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// A burstable type (`ml.t2.…`).
    Burstable,
    /// `ManagedInstanceScaling`: the endpoint itself follows its inference components.
    Managed {
        /// `MinInstanceCount`: the instances that it keeps without a component. `None`: not known.
        least: Option<u32>,
    },
    /// It runs in reserved capacity, which is paid anyway.
    Reserved,
    /// Several instance types. AWS does not say whether such a variant can be a scalable target.
    SeveralTypes,
    /// A shadow variant follows the variant that it copies.
    Shadow,
}

impl Fixed {
    /// The end of the sentence "it cannot be scaled: …".
    pub const fn why(self) -> &'static str {
        match self {
            Self::Burstable => "AWS does not scale burstable instance types (ml.t2)",
            Self::Managed { .. } => "its instances follow its inference components (managed instance scaling)",
            Self::Reserved => "it runs in reserved capacity, which is paid for anyway",
            Self::SeveralTypes => "it runs on several instance types",
            Self::Shadow => "it is a shadow variant",
        }
    }
}

/// An inference component: a model with its share of an endpoint's instances.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// How many copies there shall be. `None`: not known.
    pub copies: Option<u32>,
    /// Whether it is in service.
    pub is_in_service: bool,
    /// Its auto scaling.
    pub scaling: AutoScaling,
    /// How often it was called. `None`: not read.
    pub invocations: Option<Invocations>,
}

/// How often something was called.
#[derive(Clone, Debug)]
pub struct Invocations {
    /// Requests by the hour, oldest first. `None`: the hour has no datapoint. Thousands of variants have 336 of them: half the precision halves their memory.
    pub hours: Vec<Option<f32>>,
    /// When the first of these hours began.
    pub from: Timestamp,
    /// Requests by the minute. `None`: not read, because no rule needs them.
    pub minutes: Option<Traffic>,
    /// What one instance carries. `None`: not read, or it cannot be told.
    pub carries: Option<Capacity>,
    /// The setting that the requests by the minute ask for. It takes time to work out, so that it is worked out once.
    pub proposal: OnceLock<Box<Proposal>>,
}

impl Invocations {
    /// Requests by the hour, from this time on.
    pub const fn by_hour(from: Timestamp, hours: Vec<Option<f32>>) -> Self {
        Self { hours, from, minutes: None, carries: None, proposal: OnceLock::new() }
    }

    /// When the last hour with a request ended. `None`: there was none.
    pub fn last_used(&self) -> Option<Timestamp> {
        let hour = self.hours.iter().rposition(|requests| requests.is_some_and(|requests| 0.0 < requests))?;
        let hours = i64::try_from(hour + 1).ok()?;
        self.from.checked_add(jiff::SignedDuration::from_hours(hours)).ok()
    }
}

/// How many requests waited in a queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backlog {
    /// The most that waited in each hour, oldest first. `None`: the hour has no datapoint.
    pub hours: Vec<Option<f32>>,
    /// When the first of these hours began.
    pub from: Timestamp,
}

impl Backlog {
    /// Whether a request waited in one of these hours.
    pub fn has_waited(&self) -> bool {
        self.hours.iter().flatten().any(|requests| 0.0 < *requests)
    }
}

/// Whether a variant or an inference component has auto scaling.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AutoScaling {
    /// It could not be read.
    #[default]
    Unread,
    /// It has none.
    None,
    /// It is a scalable target.
    Target(Box<Scaling>),
}

/// A scalable target with what changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// The minimum.
    pub min: u32,
    /// The maximum.
    pub max: u32,
    /// Which kinds of scaling somebody has suspended.
    pub suspended: Suspended,
    /// When it was registered.
    pub created: Option<Timestamp>,
    /// Its policies.
    pub policies: Vec<ScalingPolicy>,
    /// Its scheduled actions.
    pub scheduled: Vec<ScheduledAction>,
    /// What it did, and why it did nothing, in the last six weeks. The newest first.
    pub activities: Vec<Activity>,
}

/// Which kinds of scaling are suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspended {
    /// Policies do not remove capacity.
    pub scale_in: bool,
    /// Policies do not add capacity.
    pub scale_out: bool,
    /// Scheduled actions do nothing.
    pub scheduled: bool,
}

/// A scaling policy.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingPolicy {
    /// Its name.
    pub name: String,
    /// Names of its alarms, as Application Auto Scaling knows them.
    pub alarms: Vec<String>,
    /// What it follows.
    pub follows: Follows,
}

/// What a scaling policy follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Follows {
    /// A target value of a metric.
    Target {
        /// The metric.
        metric: TrackedMetric,
        /// The target value, in the metric's unit.
        target: f64,
        /// `ScaleOutCooldown`.
        scale_out_cooldown: Duration,
        /// `ScaleInCooldown`.
        scale_in_cooldown: Duration,
        /// Whether it never removes capacity.
        never_scales_in: bool,
    },
    /// The steps of an alarm.
    Steps,
    /// Something that this version does not know.
    Other(String),
}

/// The metric of a target tracking policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackedMetric {
    /// A metric that Application Auto Scaling defines, by its name there: `SageMakerVariantInvocationsPerInstance`.
    Predefined(String),
    /// A metric by its name in CloudWatch.
    Custom(String),
    /// An expression over several metrics.
    Expression,
}

/// A scheduled action of a scalable target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledAction {
    /// Its name.
    pub name: String,
    /// `cron(…)`, `rate(…)` or `at(…)`.
    pub schedule: String,
    /// The time zone of the schedule. `None`: UTC.
    pub zone: Option<String>,
    /// The minimum that it sets. `None`: it leaves the minimum as it is.
    pub min: Option<u32>,
    /// The maximum that it sets. `None`: it leaves the maximum as it is.
    pub max: Option<u32>,
}

/// A scaling activity, or the reason why there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When it began.
    pub at: Timestamp,
    /// How long it took. `None`: it is under way, or not known.
    pub took: Option<Duration>,
    /// What became of it.
    pub outcome: ActivityOutcome,
}

/// What became of a scaling activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivityOutcome {
    /// The capacity was set to this.
    SetTo(u32),
    /// It failed, for this reason.
    Failed(String),
    /// Nothing was scaled, because of these codes (`AlreadyAtMaxCapacity`, …).
    NotScaled(Vec<String>),
    /// It is under way, or was overtaken by another one.
    Other,
}

/// What Compute Optimizer says of an idle endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleByAws {
    /// Over how many days it looked.
    pub days: u32,
    /// When it looked last.
    pub at: Option<Timestamp>,
}

impl Endpoint {
    /// Whether it answers at once from instances of its own, or may do so.
    pub const fn is_real_time(&self) -> bool {
        matches!(self.serving, Serving::RealTime | Serving::Unknown)
    }

    /// All instances that it is billed for, of all variants. `None`: the type of one is not known.
    pub fn instances(&self) -> Option<Vec<Instances>> {
        let billed = self.variants.iter().filter_map(|variant| match &variant.compute {
            // While it scales out, those that start count.
            Compute::Instances { instance_type, current, desired, .. } => Some((instance_type, *current.max(desired))),
            Compute::Serverless { .. } => None,
        });
        let billed = billed.filter(|(_, count)| 0 < *count);
        billed.map(|(instance_type, count)| Some(Instances { instance_type: instance_type.clone()?, count })).collect()
    }

    /// How often its variants and components were called, as far as it was read.
    pub fn uses(&self) -> impl Iterator<Item = &Invocations> {
        let components = self.components.iter().flatten().filter_map(|component| component.invocations.as_ref());
        self.variants.iter().filter_map(|variant| variant.invocations.as_ref()).chain(components)
    }

    /// When the last hour with a request ended, over all variants and components. `None`: there was none. `Err`: the use of one is not known.
    ///
    /// # Errors
    /// The name of what was not read.
    pub fn last_used(&self) -> Result<Option<Timestamp>, String> {
        let components = self.components.as_ref().ok_or("its inference components")?;
        let variants = self.variants.iter().map(|variant| (&variant.name, &variant.invocations));
        let components = components.iter().map(|component| (&component.name, &component.invocations));
        let used = variants.chain(components).map(|(name, usage)| usage.as_ref().map(Invocations::last_used).ok_or_else(|| name.clone()));
        Ok(used.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().max())
    }
}

impl Activity {
    /// The longest that instances took to start, by these activities. The first that is known does not tell whether instances came or went.
    pub fn longest_start(activities: &[Self]) -> Option<Duration> {
        let mut all: Vec<&Self> = activities.iter().collect();
        all.sort_by_key(|activity| activity.at);
        let set = all.into_iter().filter_map(|activity| match activity.outcome {
            ActivityOutcome::SetTo(count) => Some((count, activity.took)),
            _ => None,
        });
        let set: Vec<_> = set.collect();
        let grew = set.windows(2).filter(|pair| pair[0].0 < pair[1].0);
        grew.filter_map(|pair| pair[1].1).max()
    }
}

impl Scaling {
    /// The lowest minimum that it ever has.
    pub fn least(&self) -> u32 {
        self.scheduled.iter().filter_map(|action| action.min).min().map_or(self.min, |least| least.min(self.min))
    }
}

impl Subject for Endpoint {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn instances(&self) -> Vec<Instances> {
        Self::instances(self).unwrap_or_default()
    }
    fn run(&self) -> Option<Timestamp> {
        // That the guard hibernates it every night does not make it another run.
        self.first_created().filter(|_| self.state == RunState::InService)
    }
    fn has_guard_tags(&self) -> bool {
        !self.state.is_leaving()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_those_activities_that_added_instances() {
        let at = |minute: i64, outcome, took: i64| Activity {
            at: Timestamp::UNIX_EPOCH + Duration::minutes(minute).signed(),
            took: Some(Duration::minutes(took)),
            outcome,
        };
        let set = |minute, count, took| at(minute, ActivityOutcome::SetTo(count), took);
        // 9 minutes: it is not known whether instances came or went. 8: they went. 20: it failed.
        let all = [set(0, 2, 9), set(50, 1, 8), set(60, 4, 6), at(70, ActivityOutcome::Failed("no capacity".into()), 20), set(80, 5, 4)];
        assert_eq!(Activity::longest_start(&all), Some(Duration::minutes(6)));
        let mut newest_first = all.to_vec();
        newest_first.reverse();
        assert_eq!(Activity::longest_start(&newest_first), Some(Duration::minutes(6)));
        assert_eq!(Activity::longest_start(&all[..2]), None);
    }
}
