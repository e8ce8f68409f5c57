//! What a replay takes, and what it gives: an auto scaling setting, what is assumed of the instances, and the outcome.

use crate::{scaling::days::Scheduled, vocabulary::duration::Duration};

/// An auto scaling setting: the scalable target, one target tracking policy, and scheduled actions.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The minimum number of instances.
    pub min: u32,
    /// The maximum number of instances.
    pub max: u32,
    /// The policy's target: requests a minute and instance.
    pub target: f64,
    /// The policy's `ScaleOutCooldown`.
    pub scale_out_cooldown: Duration,
    /// The policy's `ScaleInCooldown`.
    pub scale_in_cooldown: Duration,
    /// Scheduled actions that change the minimum and maximum.
    pub schedules: Vec<Scheduled>,
}

impl Setting {
    /// So many instances, always. Its target is never used.
    pub fn fixed(instances: u32, target: f64) -> Self {
        let cooldown = Duration::seconds(300);
        Self { min: instances, max: instances, target, scale_out_cooldown: cooldown, scale_in_cooldown: cooldown, schedules: vec![] }
    }

    /// The lowest minimum of all hours.
    pub fn least(&self) -> u32 {
        self.schedules.iter().map(|action| action.min).min().unwrap_or(self.min).min(self.min)
    }
}

/// What is assumed of the instances and of CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Requests a minute that one instance carries.
    pub per_instance: f64,
    /// The time from the decision for a new instance until it serves.
    pub start_up: Duration,
    /// The time after which CloudWatch shows a datapoint.
    pub metric_delay: Duration,
}

impl Terms {
    /// CloudWatch's usual delay.
    pub const METRIC_DELAY: Duration = Duration::minutes(1);
    /// CloudWatch's delay on a bad day.
    pub const LONG_METRIC_DELAY: Duration = Duration::minutes(3);
    /// The time that an instance takes to start, if nothing is known of it.
    pub const START_UP: Duration = Duration::minutes(5);

    /// The usual terms for what one instance carries.
    pub fn usual(per_instance: f64) -> Self {
        Self { per_instance, start_up: Self::START_UP, metric_delay: Self::METRIC_DELAY }
    }
}

/// How fast target tracking removes instances. AWS does not say, so both are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleIn {
    /// One instance at a time.
    Gradual,
    /// All that are not needed, at once.
    Proportional,
}

/// The outcome of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The minutes of the traffic.
    pub minutes: u64,
    /// What is billed: instances that serve or start, added up over the minutes.
    pub instance_minutes: u64,
    /// Minutes in which each instance got more requests than it carries.
    pub short_minutes: u64,
    /// The most instances that were billed at a time.
    pub peak_instances: u32,
    /// How often instances were added.
    pub scale_outs: u64,
    /// How often instances were removed.
    pub scale_ins: u64,
}

/// A length of time in whole minutes, rounded up.
pub(super) fn in_minutes(length: Duration) -> usize {
    let seconds = u64::try_from(length.signed().as_secs()).unwrap_or_default();
    usize::try_from(seconds.div_ceil(60)).unwrap_or(usize::MAX)
}
