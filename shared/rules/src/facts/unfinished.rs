//! Auto scaling that an interrupted run began to attach: whether it is finished as it was worked out then.

use jiff::Timestamp;

use crate::{
    facts::endpoints::{AttachStage, Attached, AutoScaling, Compute, Endpoint, Scaling, Suspended},
    scaling::{Attachment, Counts},
};

impl Endpoint {
    /// Sets what the guard has attached. What it only began to attach is finished if it still fits. If nothing of it stands, it is worked out anew. Otherwise
    /// somebody has changed the endpoint meanwhile, and it is left to them. What is known of its hibernation has to be set before.
    pub fn take_attached(&mut self, attached: Option<Attached>) {
        let stage_of = |attached: &Attached| match attached.stage {
            AttachStage::Attaching if !self.has_some_of(attached) => None,
            AttachStage::Attaching if !attached.attachments.iter().all(|one| self.fits(one)) => Some(AttachStage::Attached),
            stage => Some(stage),
        };
        self.attached = attached.and_then(|attached| Some(Attached { stage: stage_of(&attached)?, ..attached }));
    }

    /// Forgets its auto scaling, because it is not known what of it the guard attached.
    pub fn forget_scaling(&mut self) {
        self.variants.iter_mut().for_each(|variant| variant.scaling = AutoScaling::Unread);
        self.components.iter_mut().flatten().for_each(|component| component.scaling = AutoScaling::Unread);
    }

    /// When it was created first. Hibernating it does not make it a new one.
    pub(crate) fn first_created(&self) -> Option<Timestamp> {
        let created = self.created?;
        Some(self.hibernation.as_ref().map_or(created, |hibernation| hibernation.first_created_of(created)))
    }

    /// Whether some of it may stand. An endpoint that was created later has nothing of it: AWS removes targets with their endpoint.
    fn has_some_of(&self, attached: &Attached) -> bool {
        let stands = |one: &Attachment| match self.scaling_of(one) {
            Some(AutoScaling::Target(target)) => one.has_begun(target),
            Some(AutoScaling::Unread) => true,
            Some(AutoScaling::None) | None => false,
        };
        self.first_created().is_none_or(|created| created <= attached.at) && attached.attachments.iter().any(stands)
    }

    /// Whether what it is attached to is as it was when this was worked out. More instances than the maximum would be taken away at once.
    fn fits(&self, one: &Attachment) -> bool {
        let is_untouched = match self.scaling_of(one) {
            Some(AutoScaling::Target(target)) => target.is_as_left(one),
            // Where somebody had a target, they have removed it.
            Some(AutoScaling::None) => one.before.is_none(),
            // The rules judge nothing then.
            Some(AutoScaling::Unread) => return true,
            None => false,
        };
        is_untouched && self.capacity_of(one).is_some_and(|capacity| capacity <= one.max)
    }

    /// How many instances or copies there shall be. `None`: not known, or auto scaling cannot change it.
    fn capacity_of(&self, one: &Attachment) -> Option<u32> {
        if one.counts == Counts::Copies {
            return self.components.iter().flatten().find(|part| part.name == one.variant)?.copies;
        }
        match self.variants.iter().find(|variant| variant.name == one.variant)?.compute {
            Compute::Instances { desired, fixed: None, .. } => Some(desired),
            Compute::Instances { .. } | Compute::Serverless { .. } => None,
        }
    }
}

impl Scaling {
    /// Whether nobody has changed it since the guard began, or added to it. What was there before the guard stays, with whatever policies are put into it.
    fn is_as_left(&self, one: &Attachment) -> bool {
        let is_only = one.before.is_some() || one.has_only_ours(self);
        let keeps_hours = one.actions.is_empty() || self.scheduled.iter().all(|action| one.has_named(&action.name));
        one.has_set(self) && is_only && keeps_hours && self.suspended == Suspended::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Component, Follows, Hibernation, HibernationStage, ScalingPolicy, ScheduledAction},
        samples::{endpoint, hibernation},
        scaling::{Bounds, FIRST_NAME, OfficeHours, POLICY_NAME, Setting, asynchronous_to_zero, component_to_zero},
        vocabulary::time_zone::zone_named,
    };

    const BEGUN: &str = "2026-11-20T00:00:00Z";
    const BEFORE: &str = "2026-11-01T00:00:00Z";
    const AFTER: &str = "2026-11-22T00:00:00Z";

    use AttachStage::{Attached as Theirs, Attaching as Finished};

    fn target(min: u32, max: u32, policies: &[&str]) -> AutoScaling {
        let policy = |name: &&str| ScalingPolicy { name: (*name).into(), alarms: vec![], follows: Follows::Steps };
        let (suspended, policies) = (Suspended::default(), policies.iter().map(policy).collect());
        let (scheduled, activities) = (vec![], vec![]);
        AutoScaling::Target(Box::new(Scaling { min, max, suspended, created: None, policies, scheduled, activities }))
    }

    fn changed(scaling: AutoScaling, change: impl Fn(&mut Scaling)) -> AutoScaling {
        let AutoScaling::Target(mut there) = scaling else { panic!("{scaling:?}") };
        change(&mut there);
        AutoScaling::Target(there)
    }

    fn scheduled(name: &str) -> impl Fn(&mut Scaling) {
        move |there| {
            there.scheduled.push(ScheduledAction { name: name.into(), schedule: String::new(), zone: None, min: Some(1), max: None });
        }
    }

    fn one_to_four() -> Attachment {
        Attachment::new("churn", "AllTraffic", 2, &Setting { min: 1, max: 4, ..Setting::fixed(2, 100.0) })
    }

    fn to_zero() -> Attachment {
        asynchronous_to_zero("churn", "AllTraffic", 2)
    }

    /// Over a target of one to four, which somebody registered.
    fn over(one: Attachment) -> Attachment {
        Attachment { before: Some(Bounds { min: 1, max: 4 }), max: 4, ..one }
    }

    fn by_hours() -> Attachment {
        let hours = OfficeHours::new(&"mon-fri/08:00-19:00".parse().unwrap(), &zone_named("UTC").unwrap(), Timestamp::UNIX_EPOCH).unwrap();
        hours.applied(Attachment::of_variant("churn", "AllTraffic", 2), Bounds { min: 1, max: 1 })
    }

    /// What is known of an attachment that was begun, of an endpoint with this scaling and so many instances.
    fn begun(one: &Attachment, created: &str, scaling: AutoScaling, instances: u32) -> Option<AttachStage> {
        let mut endpoint = endpoint(created);
        endpoint.variants[0].scaling = scaling;
        endpoint.variants[0].compute = Compute::Instances { instance_type: None, current: instances, desired: instances, fixed: None };
        stage_of(endpoint, one)
    }

    fn stage_of(mut endpoint: Endpoint, one: &Attachment) -> Option<AttachStage> {
        let (way, stage) = (crate::scaling::Way::Follow, AttachStage::Attaching);
        let at = BEGUN.parse().unwrap();
        endpoint.take_attached(Some(Attached { way, attachments: vec![one.clone()], usd_per_month: None, stage, at }));
        endpoint.attached.map(|attached| attached.stage)
    }

    #[test]
    fn an_endpoint_that_somebody_changed_meanwhile_was_given_what_was_worked_out_before() {
        for (one, scaling, instances, stage) in [
            (one_to_four(), target(1, 4, &[]), 2, Some(Finished)),
            (one_to_four(), target(1, 4, &[POLICY_NAME]), 1, Some(Finished)),
            (one_to_four(), AutoScaling::Unread, 2, Some(Finished)),
            (to_zero(), target(2, 2, &[]), 2, Some(Finished)),
            (to_zero(), target(0, 2, &[POLICY_NAME, FIRST_NAME]), 0, Some(Finished)),
            (over(to_zero()), target(1, 4, &["mine", FIRST_NAME]), 3, Some(Finished)),
            (over(to_zero()), target(0, 4, &["mine"]), 3, Some(Finished)),
            (by_hours(), target(2, 2, &[]), 2, Some(Finished)),
            (by_hours(), changed(target(1, 1, &[]), scheduled("cost-guard-mon-fri-1900")), 1, Some(Finished)),
            (over(by_hours()), changed(target(1, 4, &["mine"]), scheduled("cost-guard-mon-fri-1900")), 2, Some(Finished)),
            // Nothing of it stands: it is worked out for the endpoint of now.
            (one_to_four(), AutoScaling::None, 2, None),
            (one_to_four(), AutoScaling::None, 10, None),
            (over(to_zero()), AutoScaling::None, 2, None),
            (over(to_zero()), target(1, 4, &["mine"]), 2, None),
            (over(to_zero()), target(3, 8, &["mine"]), 3, None),
            // It is somebody's now.
            (one_to_four(), target(1, 4, &[]), 10, Some(Theirs)),
            (one_to_four(), target(2, 8, &[]), 2, Some(Theirs)),
            (one_to_four(), target(1, 4, &["mine"]), 2, Some(Theirs)),
            (one_to_four(), changed(target(1, 4, &[]), |there| there.suspended.scale_in = true), 2, Some(Theirs)),
            (to_zero(), target(2, 2, &[]), 3, Some(Theirs)),
            (to_zero(), target(1, 2, &[]), 2, Some(Theirs)),
            (over(to_zero()), target(2, 8, &[FIRST_NAME]), 2, Some(Theirs)),
            (by_hours(), changed(target(2, 2, &[]), scheduled("mine")), 2, Some(Theirs)),
            (
                over(by_hours()),
                changed(changed(target(1, 4, &[]), scheduled("mine")), scheduled("cost-guard-mon-fri-1900")),
                2,
                Some(Theirs),
            ),
        ] {
            assert_eq!(begun(&one, BEFORE, scaling.clone(), instances), stage, "{instances} {scaling:?} {one:?}");
            assert_eq!(begun(&one, AFTER, scaling, instances), None, "an endpoint that was created since");
        }
    }

    #[test]
    fn copies_of_a_component_are_judged_as_instances_are() {
        for (copies, scaling, stage) in [
            (Some(2), target(2, 2, &[]), Some(Finished)),
            (Some(5), target(2, 2, &[]), Some(Theirs)),
            (None, target(2, 2, &[]), Some(Theirs)),
            (Some(2), target(2, 5, &[]), Some(Theirs)),
            (Some(2), AutoScaling::None, None),
            (None, AutoScaling::Unread, Some(Finished)),
        ] {
            let mut endpoint = endpoint(BEFORE);
            let component = Component { name: "llm".into(), copies, is_in_service: true, scaling, invocations: None };
            endpoint.components = Some(vec![component]);
            assert_eq!(stage_of(endpoint, &component_to_zero("llm", 2)), stage, "{copies:?}");
        }
    }

    #[test]
    fn an_endpoint_that_slept_is_not_a_new_one() {
        let mut endpoint = endpoint(AFTER);
        endpoint.variants[0].scaling = target(2, 8, &["mine"]);
        let first_created = BEFORE.parse().unwrap();
        endpoint.hibernation = Some(Hibernation { first_created, ..hibernation(HibernationStage::Awake, "2026-11-22T00:10:00Z") });
        assert_eq!(stage_of(endpoint, &one_to_four()), Some(Theirs));
    }
}
