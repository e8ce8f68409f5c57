//! A setting as Application Auto Scaling takes it: a scalable target, a target tracking policy and scheduled actions.

use rust_decimal::{Decimal, prelude::FromPrimitive as _};
use serde::{Deserialize, Serialize};

use crate::{
    scaling::{days::Scheduled, setting::Setting},
    vocabulary::duration::Duration,
};

/// Names that the guard gives begin with this, because policies and scheduled actions cannot be tagged.
const PREFIX: &str = "cost-guard";

/// The name of the guard's target tracking policy. It begins as all names that the guard gives.
pub const POLICY_NAME: &str = "cost-guard-target-tracking";

/// The service namespace of all of `SageMaker`'s targets.
pub(super) const NAMESPACE: &str = "sagemaker";
/// The scalable dimension of a variant's instances.
pub const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";
/// The metric that the policy tracks.
pub const METRIC: &str = "SageMakerVariantInvocationsPerInstance";

/// Auto scaling for the instances of a variant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attachment {
    /// The variant's name.
    pub variant: String,
    /// The variant's id in Application Auto Scaling: `endpoint/churn/variant/AllTraffic`.
    pub resource_id: String,
    /// How many instances the variant has without auto scaling.
    pub instances: u32,
    /// The minimum number of instances.
    pub min: u32,
    /// The maximum number of instances.
    pub max: u32,
    /// What the policy aims at: requests a minute and instance.
    pub target: Decimal,
    /// `ScaleOutCooldown`.
    pub scale_out_cooldown: Duration,
    /// `ScaleInCooldown`.
    pub scale_in_cooldown: Duration,
    /// The scheduled actions.
    pub actions: Vec<ScheduledBounds>,
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
        Self {
            variant: variant.to_owned(),
            resource_id: format!("endpoint/{endpoint}/variant/{variant}"),
            instances,
            min: setting.min,
            max: setting.max,
            target: Decimal::from_f64(setting.target).unwrap_or_default(),
            scale_out_cooldown: setting.scale_out_cooldown,
            scale_in_cooldown: setting.scale_in_cooldown,
            actions: setting.schedules.iter().map(ScheduledBounds::new).collect(),
        }
    }
}

impl ScheduledBounds {
    fn new(action: &Scheduled) -> Self {
        let (hour, minute) = action.hour_and_minute();
        let days = action.days.to_string();
        Self {
            name: format!("{PREFIX}-{}-{hour:02}{minute:02}", days.replace(',', "-")),
            schedule: format!("cron({minute} {hour} ? * {} *)", days.to_uppercase()),
            zone: action.zone_name().to_owned(),
            min: action.min,
            max: action.max,
        }
    }
}
