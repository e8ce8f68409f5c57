//! What moves scalable targets: alarms that call policies, and the bounds of a target. Each change is a change of the endpoint.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    life::{
        alarms::Call,
        hosting::{Hosting, fleet::Pair},
        kinds::{Asset, Kind, table::kind_of},
        order::Listed as _,
        scaling::{
            Dimension, Out, Parts, Policy, Rule, Scalable,
            activities::NotScaled,
            decide::{ScaleIn, stepped, tracked, tracked_in},
        },
    },
    world::World,
};

/// What a policy wants for its target.
#[derive(Clone, Debug)]
struct Proposal {
    want: u64,
    cooldown: SignedDuration,
    cause: String,
    is_out: bool,
}

/// A length of time in a policy, in seconds.
fn cooldown(policy: &Value, name: &str) -> SignedDuration {
    SignedDuration::from_secs(policy.get(name).and_then(Value::as_i64).unwrap_or(300))
}

impl World {
    /// The endpoint or component that is scaled.
    fn scaled(&self, of: &Scalable) -> Option<&Asset> {
        match of.parts()? {
            Parts::Variant { endpoint, .. } => self.endpoint(endpoint),
            Parts::Component(name) => self.component(name),
        }
    }

    /// The capacity that there is and should be; `None`: there is no such endpoint, variant or component.
    pub(crate) fn capacity(&self, of: &Scalable) -> Option<Pair<u64>> {
        let fleet = self.scaled(of)?.grown.fleet.as_deref()?;
        match (of.parts()?, of.dimension) {
            (Parts::Variant { variant, .. }, Dimension::Provisioned) => fleet.variant(variant)?.provisioned(),
            (Parts::Variant { variant, .. }, _) => Some(fleet.variant(variant)?.count.clone()),
            (Parts::Component(_), _) => Some(fleet.variants.first()?.count.clone()),
        }
    }

    /// Brings the capacity to a number, or records why not.
    fn bring_to(&mut self, of: &Scalable, want: u64, cause: &str) -> bool {
        let Some(asset) = self.scaled(of) else { return false };
        if asset.status() != "InService" {
            self.note_not_scaled(of, NotScaled::TargetServicePutResourceAsUnscalable, cause);
            return false;
        }
        let (kind, name) = (asset.kind, asset.name.clone());
        self.note_begun(of, want, cause);
        self.change_capacity(kind, &name, |fleet| match (of.parts(), of.dimension) {
            (Some(Parts::Variant { variant, .. }), Dimension::Provisioned) => {
                let serverless = fleet.variant_mut(variant).and_then(|variant| variant.serverless.as_mut());
                if let Some(config) = serverless {
                    config.desired["ProvisionedConcurrency"] = want.into();
                }
            }
            (Some(Parts::Variant { variant, .. }), _) => {
                fleet.variant_mut(variant).into_iter().for_each(|variant| variant.count.desired = want);
            }
            _ => fleet.variants.iter_mut().for_each(|variant| variant.count.desired = want),
        });
        true
    }

    /// Brings a capacity that is out of bounds back into them.
    pub(crate) fn clamp_capacity(&mut self, of: &Scalable) {
        let Some((capacity, target)) = self.capacity(of).zip(self.scaling.targets.get(of)) else { return };
        let (least, most) = (target.least, target.most);
        if capacity.desired < least {
            self.bring_to(of, least, &format!("minimum capacity was set to {least}"));
        } else if most < capacity.desired {
            self.bring_to(of, most, &format!("maximum capacity was set to {most}"));
        }
    }

    /// What follows when an endpoint or component has come to rest.
    pub(crate) fn scaling_settled(&mut self, kind: &'static Kind, key: &str) {
        let is = |of: &Scalable| match of.parts() {
            Some(Parts::Variant { endpoint, .. }) => kind.name == "endpoint" && endpoint.eq_ignore_ascii_case(key),
            Some(Parts::Component(name)) => kind.name == "inference-component" && name.eq_ignore_ascii_case(key),
            None => false,
        };
        let all: Vec<Scalable> = self.scaling.targets.keys().filter(|of| is(of)).cloned().collect();
        for of in all {
            let failure = self.scaled(&of).and_then(|asset| asset.grown.fleet.as_ref()?.failure.clone());
            if let Some(capacity) = self.capacity(&of) {
                self.settle_activities(&of, capacity.current, failure.as_deref());
            }
            if self.scaled(&of).is_some_and(|asset| asset.status() == "InService") && failure.is_none() {
                self.clamp_capacity(&of);
            }
        }
    }

    /// Alarms call their policies: of each target the largest capacity wins; it goes down only if all policies that scale in want it.
    pub(crate) fn scale_by_alarms(&mut self, calls: &[Call]) {
        let mut called: BTreeMap<Scalable, Vec<(Policy, &Call)>> = BTreeMap::new();
        for call in calls {
            if let Some((of, policy)) = self.policy_of(call) {
                called.entry(of).or_default().push((policy, call));
            }
        }
        for (of, calls) in called {
            let mine: Vec<Proposal> = calls.iter().filter_map(|(policy, call)| self.proposal(&of, policy, call)).collect();
            let out = mine.iter().filter(|one| one.is_out).max_by_key(|one| one.want);
            let inward = mine.iter().filter(|one| !one.is_out).max_by_key(|one| one.want);
            match (out, inward) {
                (Some(out), _) => self.scale_out(&of, out),
                (None, Some(inward)) if self.all_agree(&of, &calls) => self.scale_in(&of, inward),
                _ => {}
            }
        }
    }

    /// The target and the policy that an alarm calls. The policy's ARN names the resource.
    fn policy_of(&self, call: &Call) -> Option<(Scalable, Policy)> {
        let (_, rest) = call.action.split_once(":resource/sagemaker/")?;
        let (resource, _) = rest.split_once(":policyName/")?;
        let is = |policy: &&Policy| {
            call.action.strip_prefix(policy.arn.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(":createdBy/"))
        };
        [Dimension::Instances, Dimension::Provisioned, Dimension::Copies].into_iter().find_map(|dimension| {
            let of = Scalable { resource: resource.to_owned(), dimension };
            let policy = self.scaling.targets.get(&of)?.policies.values().find(is)?.clone();
            Some((of, policy))
        })
    }

    fn proposal(&self, of: &Scalable, policy: &Policy, call: &Call) -> Option<Proposal> {
        let name = policy.arn.rsplit_once(":policyName/").map(|(_, name)| name.to_owned()).unwrap_or_default();
        let cause = format!("monitor alarm {} in state ALARM triggered policy {name}", call.alarm);
        let desired = self.capacity(of)?.desired;
        match &policy.rule {
            Rule::Step(step) => {
                let want = stepped(step, desired, call.value, call.threshold)?;
                let is_out = desired <= want;
                // In the cooldown a step counts from where the last one began.
                let out = self.scaling.targets.get(of)?.out.filter(|out| is_out && self.now < out.until);
                let want = out.map_or(Some(want), |out| stepped(step, out.from, call.value, call.threshold))?;
                Some(Proposal { want, cooldown: cooldown(step, "Cooldown"), cause, is_out })
            }
            Rule::Tracking(tracking) => {
                let target = tracking.get("TargetValue")?.as_f64()?;
                let want = tracked(self.capacity_at(of, call.minute).unwrap_or(desired), call.value, target);
                let is_out = policy.alarms.first() == Some(&call.alarm);
                if is_out {
                    return Some(Proposal { want, cooldown: cooldown(tracking, "ScaleOutCooldown"), cause, is_out });
                }
                let how = if self.hosting.spec.scale_in == "gradual" { ScaleIn::Gradual } else { ScaleIn::Proportional };
                let want = tracked_in(desired, want, how);
                Some(Proposal { want, cooldown: cooldown(tracking, "ScaleInCooldown"), cause, is_out })
            }
        }
    }

    /// The capacity in a minute that a metric is of.
    fn capacity_at(&self, of: &Scalable, minute: i64) -> Option<u64> {
        let (key, variant) = match of.parts()? {
            Parts::Variant { endpoint, variant } => (Hosting::key(kind_of("endpoint")?, endpoint), variant),
            Parts::Component(name) => (Hosting::key(kind_of("inference-component")?, name), ""),
        };
        let level = self.hosting.minutes(&key, variant, minute, minute + 1).first()?.level?;
        Some(if of.dimension == Dimension::Provisioned { level.provisioned } else { level.count })
    }

    /// Whether all target tracking policies of a target that scale in have their low alarm in alarm.
    fn all_agree(&self, of: &Scalable, calls: &[(Policy, &Call)]) -> bool {
        let lows =
            self.scaling.targets.get(of).into_iter().flat_map(|target| target.policies.values()).filter_map(|policy| policy.alarms.get(1));
        lows.into_iter().all(|low| calls.iter().any(|(_, call)| call.alarm == *low))
    }

    fn scale_out(&mut self, of: &Scalable, proposal: &Proposal) {
        let (Some(capacity), Some(target)) = (self.capacity(of), self.scaling.targets.get(of)) else { return };
        let want = proposal.want.clamp(target.least, target.most);
        if target.suspended.scale_out {
            return;
        }
        if want <= capacity.desired {
            let reason = if target.most < proposal.want.max(capacity.desired + 1) && capacity.desired == target.most {
                NotScaled::AlreadyAtMaxCapacity(target.most)
            } else {
                NotScaled::AlreadyAtDesiredCapacity(capacity.desired)
            };
            self.note_not_scaled(of, reason, &proposal.cause);
            return;
        }
        if target.out.is_some_and(|out| self.now < out.until && want <= out.to) {
            return;
        }
        let until = self.now + proposal.cooldown;
        if self.bring_to(of, want, &proposal.cause)
            && let Some(target) = self.scaling.targets.get_mut(of)
        {
            // A scale-out ends the cooldown of a scale-in.
            (target.out, target.in_until) = (Some(Out { until, from: capacity.desired, to: want }), None);
        }
    }

    fn scale_in(&mut self, of: &Scalable, proposal: &Proposal) {
        let (Some(capacity), Some(target)) = (self.capacity(of), self.scaling.targets.get(of)) else { return };
        let want = proposal.want.clamp(target.least, target.most);
        let waits = target.out.is_some_and(|out| self.now < out.until) || target.in_until.is_some_and(|until| self.now < until);
        if target.suspended.scale_in {
            return;
        }
        if capacity.desired <= want {
            let reason = if capacity.desired <= target.least {
                NotScaled::AlreadyAtMinCapacity(target.least)
            } else {
                NotScaled::AlreadyAtDesiredCapacity(capacity.desired)
            };
            self.note_not_scaled(of, reason, &proposal.cause);
            return;
        }
        if waits || capacity.current != capacity.desired {
            return;
        }
        let until = self.now + proposal.cooldown;
        if self.bring_to(of, want, &proposal.cause)
            && let Some(target) = self.scaling.targets.get_mut(of)
        {
            target.in_until = Some(until);
        }
    }
}
