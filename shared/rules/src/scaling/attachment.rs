//! What is attached to a variant or an inference component, as Application Auto Scaling takes it: a scalable target, a target tracking policy, scheduled actions,
//! and what brings the first instance back.

use jiff::civil::Weekday;
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};
use serde::{Deserialize, Serialize};

use crate::{
    scaling::{
        days::{Days, Scheduled},
        setting::Setting,
    },
    vocabulary::{duration::Duration, schedule::DAY_NAMES, time_zone::zone_named},
};

/// Names that the guard gives begin with this, because policies and scheduled actions cannot be tagged.
const PREFIX: &str = "cost-guard";

/// The name of the guard's target tracking policy. It begins as all names that the guard gives.
pub const POLICY_NAME: &str = "cost-guard-target-tracking";
/// The name of the guard's step scaling policy, which adds the first instance or copy.
pub const FIRST_NAME: &str = "cost-guard-first";
/// The description of an alarm that the guard put. An alarm without it is somebody else's, whatever its name is.
pub const ALARM_DESCRIPTION: &str = "Put by the SageMaker cost guard: brings the first instance back when there are requests.";

/// The service namespace of all of `SageMaker`'s targets.
pub(super) const NAMESPACE: &str = "sagemaker";
/// The scalable dimension of a variant's instances.
pub const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";
/// The scalable dimension of an inference component's copies.
pub const COPIES: &str = "sagemaker:inference-component:DesiredCopyCount";

/// Auto scaling of a variant's instances, or of an inference component's copies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attachment {
    /// The name of the variant or of the inference component.
    pub variant: String,
    /// Its id in Application Auto Scaling: `endpoint/churn/variant/AllTraffic`.
    pub resource_id: String,
    /// What is counted.
    #[serde(default)]
    pub counts: Counts,
    /// How many instances or copies it has before.
    pub instances: u32,
    /// The scalable target that somebody registered before. Its maximum is kept. `None`: there was none.
    #[serde(default)]
    pub before: Option<Bounds>,
    /// The minimum.
    pub min: u32,
    /// The maximum.
    pub max: u32,
    /// The target tracking policy. `None`: somebody's own is kept, or none is needed.
    #[serde(flatten)]
    pub tracking: Option<Tracking>,
    /// The scheduled actions.
    pub actions: Vec<ScheduledBounds>,
    /// What brings the first one back. `None`: it never goes to zero.
    #[serde(default)]
    pub wake: Option<Wake>,
}

/// Why auto scaling is attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The instances follow the requests.
    #[default]
    Follow,
    /// They go to zero while there is no work.
    ToZero,
    /// There are fewer of them outside working hours.
    ByHours,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// A variant's instances.
    #[default]
    Instances,
    /// An inference component's copies.
    Copies,
}

/// The minimum and the maximum of a scalable target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bounds {
    /// The minimum.
    pub min: u32,
    /// The maximum.
    pub max: u32,
}

/// A target tracking policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tracking {
    /// What the metric is held at.
    pub target: Decimal,
    /// `ScaleOutCooldown`.
    pub scale_out_cooldown: Duration,
    /// `ScaleInCooldown`.
    pub scale_in_cooldown: Duration,
    /// The metric.
    #[serde(default)]
    pub metric: Tracked,
}

/// The metric that a target tracking policy follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tracked {
    /// Requests a minute and instance.
    #[default]
    PerInstance,
    /// Requests a minute and copy of an inference component.
    PerCopy,
    /// Requests that wait in the queue of this asynchronous endpoint, per instance.
    Backlog(String),
}

/// What brings the first instance or copy back: a step scaling policy that adds one, called by an alarm (aws-facts §3.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wake {
    /// Requests wait in the queue of this asynchronous endpoint.
    Backlog(String),
    /// Requests to this inference component failed because it has no copy.
    Failures(String),
}

/// A scheduled action: at this time, the target's minimum and maximum become these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScheduledBounds {
    /// Its name. It is the same for the same days and time, so that putting it again replaces it. Colons and blanks are not allowed in it.
    pub name: String,
    /// `cron(45 7 ? * MON-FRI *)`
    pub schedule: String,
    /// The name of its time zone.
    pub zone: String,
    /// The minimum number of instances from then on.
    pub min: u32,
    /// The maximum number of instances from then on.
    pub max: u32,
}

impl Attachment {
    /// The setting for a variant that has so many instances.
    pub fn new(endpoint: &str, variant: &str, instances: u32, setting: &Setting) -> Self {
        let tracking = Tracking {
            target: Decimal::from_f64(setting.target).unwrap_or_default(),
            scale_out_cooldown: setting.scale_out_cooldown,
            scale_in_cooldown: setting.scale_in_cooldown,
            metric: Tracked::PerInstance,
        };
        Self {
            min: setting.min,
            max: setting.max,
            tracking: Some(tracking),
            actions: setting.schedules.iter().map(ScheduledBounds::new).collect(),
            ..Self::of_variant(endpoint, variant, instances)
        }
    }

    /// The setting that it is, as the replay takes it. `None`: its instances do not follow their requests, or its schedules are not the guard's.
    pub(crate) fn setting(&self) -> Option<Setting> {
        let tracking = self.tracking.as_ref().filter(|tracking| tracking.metric == Tracked::PerInstance)?;
        Some(Setting {
            min: self.min,
            max: self.max,
            target: tracking.target.to_f64()?,
            scale_out_cooldown: tracking.scale_out_cooldown,
            scale_in_cooldown: tracking.scale_in_cooldown,
            schedules: self.actions.iter().map(ScheduledBounds::scheduled).collect::<Option<_>>()?,
        })
    }

    /// So many instances of a variant, and nothing that changes them.
    pub fn of_variant(endpoint: &str, variant: &str, instances: u32) -> Self {
        Self {
            variant: variant.to_owned(),
            resource_id: format!("endpoint/{endpoint}/variant/{variant}"),
            counts: Counts::Instances,
            instances,
            before: None,
            min: instances,
            max: instances,
            tracking: None,
            actions: vec![],
            wake: None,
        }
    }

    /// So many copies of an inference component, and nothing that changes them.
    pub fn of_component(component: &str, copies: u32) -> Self {
        Self { resource_id: format!("inference-component/{component}"), counts: Counts::Copies, ..Self::of_variant("", component, copies) }
    }

    /// Its scalable dimension.
    pub const fn dimension(&self) -> &'static str {
        match self.counts {
            Counts::Instances => DIMENSION,
            Counts::Copies => COPIES,
        }
    }

    /// What there is before it is attached: the bounds of somebody's target, else so many instances.
    pub fn bounds_before(&self) -> Bounds {
        self.before.unwrap_or(Bounds { min: self.instances, max: self.instances })
    }

    /// The minimum with which its target is registered. A minimum of zero is set last, when there is all that brings the first one back.
    pub fn first_min(&self) -> u32 {
        if self.min == 0 { self.bounds_before().min.clamp(1, self.max.max(1)) } else { self.min }
    }

    /// The lowest minimum that it ever has.
    pub fn least(&self) -> u32 {
        self.actions.iter().map(|action| action.min).min().unwrap_or(self.min).min(self.min)
    }

    /// What somebody has set: the bounds of their target, between which the number changes by itself, else the number.
    pub fn starts_from(&self) -> String {
        self.before.map_or_else(|| self.instances.to_string(), |before| format!("{}-{}", before.min, before.max))
    }

    /// The name of its endpoint, as AWS spells it. `None`: it is not one of an endpoint.
    pub fn endpoint(&self) -> Option<&str> {
        self.resource_id.strip_prefix("endpoint/")?.split('/').next()
    }

    /// The name of the alarm that brings the first one back.
    pub fn alarm_name(&self) -> String {
        format!("{FIRST_NAME}-{}", self.resource_id.replace('/', "-"))
    }
}

impl Tracked {
    /// The name of a metric that Application Auto Scaling defines. `None`: it is one of CloudWatch's own.
    pub const fn predefined(&self) -> Option<&'static str> {
        match self {
            Self::PerInstance => Some("SageMakerVariantInvocationsPerInstance"),
            Self::PerCopy => Some("SageMakerInferenceComponentInvocationsPerCopy"),
            Self::Backlog(_) => None,
        }
    }
}

/// The name of the metric of [`Tracked::Backlog`].
pub const BACKLOG_METRIC: &str = "ApproximateBacklogSizePerInstance";

impl Wake {
    /// The metric that is 1 or more when there is work and nothing that does it.
    pub const fn metric(&self) -> &'static str {
        match self {
            Self::Backlog(_) => "HasBacklogWithoutCapacity",
            Self::Failures(_) => "NoCapacityInvocationFailures",
        }
    }

    /// The metric's dimension: its name and its value.
    pub fn of(&self) -> (&'static str, &str) {
        match self {
            Self::Backlog(endpoint) => ("EndpointName", endpoint),
            Self::Failures(component) => ("InferenceComponentName", component),
        }
    }

    /// The statistic of a minute.
    pub const fn statistic(&self) -> &'static str {
        match self {
            Self::Backlog(_) => "Average",
            Self::Failures(_) => "Sum",
        }
    }

    /// In how many minutes of as many the metric has to be 1 or more. AWS's example for components is `GreaterThanThreshold` 1, which needs two failed requests.
    pub const fn minutes(&self) -> u32 {
        match self {
            Self::Backlog(_) => 2,
            Self::Failures(_) => 1,
        }
    }

    /// The policy's `MetricAggregationType`.
    pub const fn aggregation(&self) -> &'static str {
        match self {
            Self::Backlog(_) => "Average",
            Self::Failures(_) => "Maximum",
        }
    }

    /// The policy's `Cooldown`, in seconds.
    pub const fn cooldown(&self) -> u32 {
        match self {
            Self::Backlog(_) => 300,
            Self::Failures(_) => 60,
        }
    }
}

impl ScheduledBounds {
    /// The days and the time of it, as the replay takes them. `None`: its schedule is not one of the guard's.
    pub(super) fn scheduled(&self) -> Option<Scheduled> {
        let fields: Vec<&str> = self.schedule.strip_prefix("cron(")?.strip_suffix(')')?.split(' ').collect();
        let [minute, hour, "?", "*", days, "*"] = fields[..] else { return None };
        Some(Scheduled {
            days: if days == "*" { Days::ALL } else { days_of_cron(days)? },
            minute: hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?,
            zone: zone_named(&self.zone).ok()?,
            min: self.min,
            max: self.max,
        })
    }

    /// A scheduled action, as Application Auto Scaling takes it.
    pub fn new(action: &Scheduled) -> Self {
        let (hour, minute) = action.hour_and_minute();
        Self {
            name: format!("{PREFIX}-{}-{hour:02}{minute:02}", action.days.to_string().replace(',', "-")),
            schedule: format!("cron({minute} {hour} ? * {} *)", cron_days(action.days)),
            zone: action.zone_name().to_owned(),
            min: action.min,
            max: action.max,
        }
    }
}

/// `MON-THU,SUN`
fn days_of_cron(text: &str) -> Option<Days> {
    let day = |name: &str| DAY_NAMES.iter().position(|known| name.eq_ignore_ascii_case(known));
    let mut days = vec![];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        days.extend(Days::ALL.each().skip(day(first)?).take((day(last)? + 1).checked_sub(day(first)?)?));
    }
    Some(Days::of(days))
}

/// Days in AWS's cron expressions. Their week begins on Sunday, so that no range ends with it.
fn cron_days(days: Days) -> String {
    let others = Days::of(days.each().filter(|day| *day != Weekday::Sunday)).to_string().to_uppercase();
    match (days == Days::ALL, days.contains(Weekday::Sunday)) {
        (true, _) => "*".to_owned(),
        (_, false) => others,
        (_, true) if others.is_empty() => "SUN".to_owned(),
        (_, true) => format!("{others},SUN"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Tuesday, Wednesday};

    use super::*;

    #[test]
    fn days_are_written_as_aws_counts_them() {
        let weekend = Days::of([Saturday, Sunday]);
        for (days, cron) in [
            (weekend.others(), "MON-FRI"),
            (Days::ALL, "*"),
            (weekend, "SAT,SUN"),
            (Days::of([Sunday]), "SUN"),
            (Days::of([Monday, Wednesday, Tuesday, Friday]), "MON-WED,FRI"),
            (Days::of([Monday]).others(), "TUE-SAT,SUN"),
        ] {
            assert_eq!(cron_days(days), cron);
        }
    }

    #[test]
    fn what_changes_by_itself_is_not_what_somebody_has_set() {
        let over = |instances| Attachment { before: Some(Bounds { min: 1, max: 4 }), ..Attachment::of_variant("churn", "Blue", instances) };
        let component = Attachment::of_component("llm", 2);
        let all = [over(2), over(3), Attachment::of_variant("Churn", "Blue", 3), component];
        assert_eq!(all.each_ref().map(Attachment::starts_from), ["1-4", "1-4", "3", "2"]);
        assert_eq!((all[2].endpoint(), all[3].endpoint()), (Some("Churn"), None));
    }

    #[test]
    fn a_record_of_the_first_version_can_be_read() {
        let old = r#"{"variant":"Blue","resource-id":"endpoint/churn/variant/Blue","instances":4,"min":1,"max":6,"target":"62.5","scale-out-cooldown":"5m","scale-in-cooldown":"10m","actions":[]}"#;
        let read: Attachment = serde_json::from_str(old).unwrap();
        let tracking = read.tracking.clone().unwrap();
        assert_eq!((tracking.target, tracking.metric), (Decimal::new(625, 1), Tracked::PerInstance));
        assert_eq!((read.counts, read.before, &read.wake, read.first_min()), (Counts::Instances, None, &None, 1));
        let without = Attachment { tracking: None, wake: Some(Wake::Backlog("queue".into())), min: 0, ..read };
        let again: Attachment = serde_json::from_str(&serde_json::to_string(&without).unwrap()).unwrap();
        assert_eq!(again, without);
    }

    #[test]
    fn what_was_announced_is_the_same_setting_again() {
        let zone = zone_named("Europe/Berlin").unwrap();
        let at = |days, minute, min| Scheduled { days, minute, zone: zone.clone(), min, max: 9 };
        let weekend = Days::of([Weekday::Saturday, Weekday::Sunday]);
        let some = Days::of([Weekday::Monday, Weekday::Tuesday, Weekday::Thursday, Weekday::Sunday]);
        let setting = Setting {
            schedules: vec![at(Days::ALL, 0, 2), at(weekend, 465, 1), at(weekend.others(), 1425, 3), at(some, 600, 4)],
            min: 1,
            max: 9,
            ..Setting::fixed(2, 62.5)
        };
        assert_eq!(Attachment::new("churn", "v", 4, &setting).setting(), Some(setting));
        assert_eq!(Attachment::of_variant("churn", "v", 4).setting(), None);
    }
}
