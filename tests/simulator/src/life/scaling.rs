//! Application Auto Scaling: scalable targets with their policies and scheduled actions, and what they do to endpoints. It decides by its own code, not by
//! the guard's replay, so that a mistake there shows here.

use std::{collections::BTreeMap, str::FromStr};

use jiff::Timestamp;
use serde_json::Value;

use crate::{life::trail::digest, world::World};

pub(crate) mod activities;
pub(crate) mod decide;
mod engine;
pub(crate) mod schedule;

/// What is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Instances,
    Provisioned,
    Copies,
}

/// The thing that is scaled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scalable {
    /// `endpoint/<endpoint>/variant/<variant>` or `inference-component/<name>`.
    pub(crate) resource: String,
    pub(crate) dimension: Dimension,
}

/// A scalable target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) created: Timestamp,
    pub(crate) arn: String,
    /// `SuspendedState`
    pub(crate) suspended: Suspended,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) actions: BTreeMap<String, Action>,
    /// The cooldown of the last scale-out.
    out: Option<Out>,
    /// Until when a scale-in waits.
    in_until: Option<Timestamp>,
    /// Why nothing was done the last time, and by which alarm.
    not_scaled: Option<(activities::NotScaled, String)>,
}

/// The cooldown of a scale-out: what it added counts as capacity of the next one.
#[derive(Clone, Copy, Debug)]
struct Out {
    until: Timestamp,
    /// The capacity before and after it.
    from: u64,
    to: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspended {
    pub(crate) scale_in: bool,
    pub(crate) scale_out: bool,
    pub(crate) scheduled: bool,
}

/// A scaling policy.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) arn: String,
    pub(crate) created: Timestamp,
    pub(crate) rule: Rule,
    /// Of target tracking: its alarms' names, for out and in.
    pub(crate) alarms: Vec<String>,
}

/// What a policy does: its configuration, as it was put.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Tracking(Value),
    Step(Value),
}

/// A scheduled action.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) arn: String,
    pub(crate) created: Timestamp,
    /// The input that put it.
    pub(crate) input: Value,
    /// Which of the actions with this name it is.
    number: u64,
}

/// All of Application Auto Scaling.
#[derive(Default)]
pub(crate) struct Scaling {
    pub(crate) targets: BTreeMap<Scalable, Target>,
    pub(crate) activities: Vec<activities::Activity>,
    numbers: u64,
}

impl Dimension {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Instances => "sagemaker:variant:DesiredInstanceCount",
            Self::Provisioned => "sagemaker:variant:DesiredProvisionedConcurrency",
            Self::Copies => "sagemaker:inference-component:DesiredCopyCount",
        }
    }

    /// As in the descriptions of activities.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Instances => "desired instance count",
            Self::Provisioned => "desired provisioned concurrency",
            Self::Copies => "desired copy count",
        }
    }
}

impl FromStr for Dimension {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Instances, Self::Provisioned, Self::Copies].into_iter().find(|one| one.text() == text).ok_or(())
    }
}

/// The parts of a `ResourceId`.
pub(crate) enum Parts<'a> {
    Variant { endpoint: &'a str, variant: &'a str },
    Component(&'a str),
}

impl Scalable {
    /// `None`: it is not what this dimension scales.
    pub(crate) fn parts(&self) -> Option<Parts<'_>> {
        match (self.dimension, self.resource.split('/').collect::<Vec<_>>().as_slice()) {
            (Dimension::Instances | Dimension::Provisioned, ["endpoint", endpoint, "variant", variant]) => {
                Some(Parts::Variant { endpoint, variant })
            }
            (Dimension::Copies, ["inference-component", name]) => Some(Parts::Component(name)),
            _ => None,
        }
    }
}

impl Target {
    pub(crate) fn new(arn: String, created: Timestamp) -> Self {
        Self {
            least: 0,
            most: 0,
            created,
            arn,
            suspended: Suspended::default(),
            tags: BTreeMap::new(),
            policies: BTreeMap::new(),
            actions: BTreeMap::new(),
            out: None,
            in_until: None,
            not_scaled: None,
        }
    }
}

impl Scaling {
    /// An id that is new each time, in the form of a UUID.
    pub(crate) fn uuid(&mut self, of: &str) -> String {
        self.numbers += 1;
        let (one, other) = (digest(&format!("{of} {}", self.numbers)), digest(&format!("{} {of}", self.numbers)));
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            one >> 32,
            (one >> 16) & 0xffff,
            one & 0xfff,
            other >> 52,
            other & 0xffff_ffff_ffff
        )
    }

    /// A new number for a scheduled action.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl World {
    /// Whether a scalable target is registered for a variant.
    pub(crate) fn is_scaled(&self, endpoint: &str, variant: &str) -> bool {
        let is = |parts: Parts<'_>| matches!(parts, Parts::Variant { endpoint: of, variant: one } if of == endpoint && one == variant);
        self.scaling.targets.keys().any(|of| of.parts().is_some_and(is))
    }

    fn scalables_of(&self, endpoint: &str) -> Vec<Scalable> {
        let is = |parts: Parts<'_>| matches!(parts, Parts::Variant { endpoint: of, .. } if of == endpoint);
        self.scaling.targets.keys().filter(|of| of.parts().is_some_and(is)).cloned().collect()
    }

    /// The ARNs of the scalable targets of an endpoint.
    pub(crate) fn targets_of(&self, endpoint: &str) -> Vec<String> {
        self.scalables_of(endpoint).iter().filter_map(|of| Some(self.scaling.targets.get(of)?.arn.clone())).collect()
    }

    /// Deregisters the scalable targets of an endpoint that is deleted.
    pub(crate) fn forget_scaling(&mut self, endpoint: &str) {
        for of in self.scalables_of(endpoint) {
            self.deregister(&of);
        }
    }

    /// Removes a target with its policies, scheduled actions and alarms; false: there is none.
    pub(crate) fn deregister(&mut self, of: &Scalable) -> bool {
        let Some(target) = self.scaling.targets.remove(of) else { return false };
        for policy in target.policies.values() {
            self.remove_alarms(policy);
        }
        true
    }

    /// Removes the alarms that target tracking owns, or the action of those that call a step policy. Such an alarm itself stays.
    pub(crate) fn remove_alarms(&mut self, policy: &Policy) {
        policy.alarms.iter().for_each(|alarm| drop(self.alarms.all.remove(alarm)));
        for alarm in self.alarms.all.values_mut() {
            if let Some(actions) = alarm.input.get_mut("AlarmActions").and_then(Value::as_array_mut) {
                actions.retain(|action| action.as_str() != Some(&policy.arn));
            }
        }
    }
}

#[cfg(test)]
mod tests;
