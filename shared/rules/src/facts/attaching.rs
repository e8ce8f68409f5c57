//! The calls that attach auto scaling, and those that take it back: decided from what stands there right before. What a person did is never overwritten.

use jiff::Timestamp;

use crate::{
    facts::endpoints::{ActivityOutcome, Attached, AutoScaling, Endpoint, Follows, Scaling},
    scaling::{Attachment, Bounds, Counts, FIRST_NAME, POLICY_NAME, ScheduledBounds, Tracking, Wake},
    vocabulary::duration::Duration,
};

/// A call that attaches a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put<'a> {
    /// Register the scalable target, or change its minimum. The maximum is `None` if somebody set it.
    Target {
        /// The minimum.
        min: u32,
        /// The maximum.
        max: Option<u32>,
    },
    /// Put a scheduled action.
    Action(&'a ScheduledBounds),
    /// Put the target tracking policy.
    Tracking(&'a Tracking),
    /// Put the policy that adds the first one, and its alarm.
    Wake(&'a Wake),
}

/// A call that takes a part back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeBack<'a> {
    /// Set the minimum back, and the maximum if a scheduled action has lowered it. That starts instances at once if there are fewer.
    Bounds {
        /// The minimum.
        min: u32,
        /// The maximum. `None`: it stays.
        max: Option<u32>,
    },
    /// Set the number of instances or copies back, if there are fewer.
    Capacity,
    /// Deregister the target, with all that belongs to it.
    Target,
    /// Delete this policy.
    Policy(&'a str),
    /// Delete this scheduled action.
    Action(&'a str),
    /// Delete the alarm that brings the first one back.
    Alarm,
}

/// How to take all of it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack<'a> {
    /// The calls, in this order. All of them can be made again.
    pub calls: Vec<TakeBack<'a>>,
    /// What has to be known of it.
    pub note: Option<String>,
}

impl Attachment {
    /// The calls that are left, in their order, by what stands there. All of them can be made again.
    ///
    /// # Errors
    /// Somebody has changed the target since this was worked out.
    pub fn left_to_put(&self, there: Option<&Scaling>) -> Result<Vec<Put<'_>>, String> {
        let name = &self.variant;
        let mut calls = vec![];
        let now = match (there, self.before) {
            (None, Some(_)) => return Err(format!("somebody has removed the auto scaling of {name} meanwhile")),
            (None, None) => {
                let (min, max) = (self.first_min(), Some(self.max));
                calls.push(Put::Target { min, max });
                min
            }
            (Some(target), _) if !self.has_set(target) => {
                return Err(format!(
                    "somebody has changed the auto scaling of {name} meanwhile: its bounds are {} to {}",
                    target.min, target.max
                ));
            }
            (Some(target), _) => target.min,
        };
        // One policy of this kind is enough: what somebody has put is kept.
        let is_tracked = there.is_some_and(|target| target.policies.iter().any(|policy| matches!(policy.follows, Follows::Target { .. })));
        calls.extend(self.tracking.as_ref().filter(|_| !is_tracked).map(Put::Tracking));
        calls.extend(self.wake.as_ref().map(Put::Wake));
        let scheduled = |name: &str| there.is_some_and(|target| target.scheduled.iter().any(|action| action.name == name));
        calls.extend(self.actions.iter().filter(|action| !scheduled(&action.name)).map(Put::Action));
        if self.min == 0 && now != 0 {
            calls.push(Put::Target { min: 0, max: None });
        }
        Ok(calls)
    }

    /// Whether the target's bounds are those of before, or the guard's.
    pub(super) fn has_set(&self, target: &Scaling) -> bool {
        let own = [self.first_min(), self.min].map(|min| Bounds { min, max: self.max });
        let scheduled = self.actions.iter().map(|action| Bounds { min: action.min, max: action.max });
        own.into_iter().chain(self.before).chain(scheduled).any(|set| set == bounds_of(target))
    }

    /// Whether this name is one that was given to a policy or a scheduled action of it.
    pub(super) fn has_named(&self, name: &str) -> bool {
        let tracking = self.tracking.is_some() && name == POLICY_NAME;
        tracking || (self.wake.is_some() && name == FIRST_NAME) || self.actions.iter().any(|action| action.name == name)
    }

    /// Whether all policies and scheduled actions that stand there were given by it.
    pub(super) fn has_only_ours(&self, target: &Scaling) -> bool {
        names_in(target).all(|name| self.has_named(name))
    }

    /// Whether some of it stands there.
    pub(super) fn has_begun(&self, target: &Scaling) -> bool {
        let is_theirs = self.before.is_some_and(|before| before == bounds_of(target));
        self.before.is_none() || names_in(target).any(|name| self.has_named(name)) || (self.has_set(target) && !is_theirs)
    }

    /// How to take it back, by what stands there. What others have added stays.
    pub fn to_take_back<'a>(&self, there: Option<&'a Scaling>) -> TakenBack<'a> {
        let alarm = self.wake.iter().map(|_| TakeBack::Alarm);
        let Some(target) = there else {
            return TakenBack { calls: alarm.collect(), note: Some(format!("{} had no auto scaling any more", self.variant)) };
        };
        let policies: Vec<&str> = target.policies.iter().map(|policy| policy.name.as_str()).collect();
        let actions: Vec<&str> = target.scheduled.iter().map(|action| action.name.as_str()).collect();
        if self.before.is_none() && self.has_only_ours(target) {
            // A target without anything in it is somebody else's, unless its bounds are the guard's.
            if policies.is_empty() && actions.is_empty() && !self.has_set(target) {
                return TakenBack { calls: alarm.collect(), note: Some(self.is_theirs()) };
            }
            // The instances come back first: if that is refused, nothing else is done.
            return TakenBack { calls: [TakeBack::Capacity, TakeBack::Target].into_iter().chain(alarm).collect(), note: None };
        }
        let mut calls: Vec<TakeBack<'a>> = self.bounds_back(target).into_iter().collect();
        calls.extend(actions.into_iter().filter(|name| self.has_named(name)).map(TakeBack::Action));
        calls.extend(policies.into_iter().filter(|name| self.has_named(name)).map(TakeBack::Policy));
        calls.extend(alarm);
        TakenBack { calls, note: self.before.is_none().then(|| self.is_theirs()) }
    }

    fn is_theirs(&self) -> String {
        format!("{}: somebody has added to its auto scaling, so that the scalable target stays with what is not the guard's", self.variant)
    }

    /// The bounds of before, as far as the guard's stand there. Where nothing brings the first one back any more, zero is the guard's as well.
    fn bounds_back(&self, target: &Scaling) -> Option<TakeBack<'static>> {
        let was = self.bounds_before();
        let is_lowered = |action: &ScheduledBounds| action.max == target.max && target.max < was.max;
        let max = self.actions.iter().any(is_lowered).then_some(was.max);
        let min = was.min.max(1).min(max.unwrap_or(target.max));
        // Where instances only follow the requests, what somebody has added goes on between the bounds that stand there.
        let is_meant = self.before.is_some() || self.wake.is_some() || self.tracking.is_none();
        (is_meant && target.min <= self.least() && target.min < min).then_some(TakeBack::Bounds { min, max })
    }

    /// Whether it still stands as it was attached.
    fn stands(&self, target: &Scaling) -> bool {
        let has_policy = |name: &str| target.policies.iter().any(|policy| policy.name == name);
        let has_action =
            |action: &ScheduledBounds| target.scheduled.iter().any(|there| there.name == action.name && there.min == Some(action.min));
        let is_tracked = self.tracking.is_none() || target.policies.iter().any(|policy| matches!(policy.follows, Follows::Target { .. }));
        self.has_set(target) && is_tracked && (self.wake.is_none() || has_policy(FIRST_NAME)) && self.actions.iter().all(has_action)
    }

    /// Whether there were fewer instances than before at some time since.
    fn came_down(&self, target: &Scaling, since: Timestamp) -> bool {
        let is_lower = |outcome: &ActivityOutcome| matches!(outcome, ActivityOutcome::SetTo(count) if *count < self.instances);
        target.activities.iter().any(|activity| since <= activity.at && is_lower(&activity.outcome))
    }
}

impl Endpoint {
    /// The scaling of the variant or inference component to which this was attached. `None`: there is none of this name.
    pub(super) fn scaling_of(&self, one: &Attachment) -> Option<&AutoScaling> {
        match one.counts {
            Counts::Instances => self.variants.iter().find(|variant| variant.name == one.variant).map(|variant| &variant.scaling),
            Counts::Copies if self.components.is_none() => Some(&AutoScaling::Unread),
            Counts::Copies => self.components.iter().flatten().find(|part| part.name == one.variant).map(|part| &part.scaling),
        }
    }

    /// The target that stands where this was attached. `None`: there is none, or it is not known.
    pub(crate) fn target_of(&self, one: &Attachment) -> Option<&Scaling> {
        match self.scaling_of(one)? {
            AutoScaling::Target(target) => Some(target),
            AutoScaling::None | AutoScaling::Unread => None,
        }
    }
}

impl Attached {
    /// Whether all of it stands as it was attached, and has taken instances away in the last week. `of`: the scaling of a resource id; `None`: not known, or there is none.
    pub(crate) fn has_saved<'a>(&self, of: impl Fn(&Attachment) -> Option<&'a Scaling>, now: Timestamp) -> bool {
        let since = now - Duration::days(7).signed();
        let all = || self.attachments.iter().map(|one| (one, of(one)));
        let stands = all().all(|(one, target)| target.is_some_and(|target| one.stands(target)));
        stands && all().any(|(one, target)| target.is_some_and(|target| one.came_down(target, since)))
    }
}

/// The names of all policies and scheduled actions of a target.
fn names_in(target: &Scaling) -> impl Iterator<Item = &str> {
    let policies = target.policies.iter().map(|policy| policy.name.as_str());
    policies.chain(target.scheduled.iter().map(|action| action.name.as_str()))
}

const fn bounds_of(target: &Scaling) -> Bounds {
    Bounds { min: target.min, max: target.max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Activity, ScalingPolicy, ScheduledAction, Suspended, TrackedMetric},
        scaling::{OfficeHours, asynchronous_to_zero},
        vocabulary::time_zone::zone_named,
    };

    fn target(min: u32, max: u32) -> Scaling {
        let (policies, scheduled, activities) = (vec![], vec![], vec![]);
        Scaling { min, max, suspended: Suspended::default(), created: None, policies, scheduled, activities }
    }

    fn tracking(name: &str) -> ScalingPolicy {
        let metric = TrackedMetric::Custom("ApproximateBacklogSizePerInstance".into());
        let (scale_out_cooldown, scale_in_cooldown) = (Duration::minutes(5), Duration::minutes(5));
        let follows = Follows::Target { metric, target: 5.0, scale_out_cooldown, scale_in_cooldown, never_scales_in: false };
        ScalingPolicy { name: name.into(), alarms: vec![], follows }
    }

    fn steps(name: &str) -> ScalingPolicy {
        ScalingPolicy { name: name.into(), alarms: vec![], follows: Follows::Steps }
    }

    fn ours(min: u32, max: u32) -> Scaling {
        Scaling { policies: vec![tracking(POLICY_NAME), steps(FIRST_NAME)], ..target(min, max) }
    }

    /// Two instances without auto scaling.
    fn queue() -> Attachment {
        asynchronous_to_zero("queue", "v", 2)
    }

    /// Somebody has registered one to four.
    fn theirs() -> Attachment {
        Attachment { before: Some(Bounds { min: 1, max: 4 }), max: 4, tracking: None, ..queue() }
    }

    /// One instance by night instead of two.
    fn by_hours() -> Attachment {
        let hours = OfficeHours::new(&"mon-fri/08:00-19:00".parse().unwrap(), &zone_named("UTC").unwrap(), Timestamp::UNIX_EPOCH).unwrap();
        hours.applied(Attachment::of_variant("office", "v", 2), Bounds { min: 1, max: 1 })
    }

    fn words(calls: &[Put<'_>]) -> Vec<String> {
        let word = |call: &Put<'_>| match call {
            Put::Target { min, max: Some(max) } => format!("target {min}-{max}"),
            Put::Target { min, max: None } => format!("minimum {min}"),
            Put::Action(action) => action.name.clone(),
            Put::Tracking(_) => "tracking".to_owned(),
            Put::Wake(_) => "wake".to_owned(),
        };
        calls.iter().map(word).collect()
    }

    #[test]
    fn what_is_left_is_put_and_the_minimum_of_zero_last() {
        let half = Scaling { policies: vec![tracking(POLICY_NAME)], ..target(2, 2) };
        let own = Scaling { policies: vec![tracking("mine")], ..target(1, 4) };
        for (attachment, there, left) in [
            (queue(), None, &["target 2-2", "tracking", "wake", "minimum 0"][..]),
            (queue(), Some(target(2, 2)), &["tracking", "wake", "minimum 0"]),
            (queue(), Some(half), &["wake", "minimum 0"]),
            (queue(), Some(ours(0, 2)), &["wake"]),
            (theirs(), Some(target(1, 4)), &["wake", "minimum 0"]),
            (theirs(), Some(Scaling { policies: vec![steps("mine")], ..target(1, 4) }), &["wake", "minimum 0"]),
            (Attachment { tracking: queue().tracking, ..theirs() }, Some(target(1, 4)), &["tracking", "wake", "minimum 0"]),
            // Somebody has put a policy since it was worked out.
            (Attachment { tracking: queue().tracking, ..theirs() }, Some(own), &["wake", "minimum 0"]),
            (by_hours(), None, &["target 2-2", "cost-guard-mon-fri-0740", "cost-guard-mon-fri-1900"]),
            (by_hours(), Some(target(1, 1)), &["cost-guard-mon-fri-0740", "cost-guard-mon-fri-1900"]),
        ] {
            assert_eq!(words(&attachment.left_to_put(there.as_ref()).unwrap()), left, "{there:?}");
        }
    }

    #[test]
    fn what_somebody_has_changed_is_left_alone() {
        for (attachment, there) in [
            (queue(), Some(target(3, 8))),
            (queue(), Some(target(0, 8))),
            (theirs(), Some(target(2, 4))),
            (theirs(), None),
            (by_hours(), Some(target(2, 5))),
        ] {
            let refused = attachment.left_to_put(there.as_ref()).unwrap_err();
            assert!(refused.starts_with("somebody has"), "{refused}");
        }
    }

    #[test]
    fn exactly_what_was_attached_is_taken_back() {
        use TakeBack::{Action, Alarm, Bounds, Capacity, Policy, Target};
        let minimum = |min| Bounds { min, max: None };
        let added = Scaling { policies: vec![tracking("mine"), steps(FIRST_NAME)], ..target(0, 2) };
        let scheduled = |name: &str| ScheduledAction { name: name.into(), schedule: String::new(), zone: None, min: Some(1), max: Some(1) };
        let hours = Scaling { scheduled: vec![scheduled("cost-guard-mon-fri-1900"), scheduled("mine")], ..target(1, 1) };
        for (attachment, there, calls, has_note) in [
            (queue(), Some(ours(0, 2)), vec![Capacity, Target, Alarm], false),
            (queue(), None, vec![Alarm], true),
            // It was registered and no more, or somebody has registered another one instead.
            (queue(), Some(target(2, 2)), vec![Capacity, Target, Alarm], false),
            (queue(), Some(target(0, 8)), vec![Alarm], true),
            (by_hours(), Some(target(1, 5)), vec![], true),
            // Nothing would bring the first instance back any more: the minimum does.
            (queue(), Some(added), vec![minimum(2), Policy(FIRST_NAME), Alarm], true),
            (
                theirs(),
                Some(Scaling { policies: vec![tracking("mine"), steps(FIRST_NAME)], ..target(0, 4) }),
                vec![minimum(1), Policy(FIRST_NAME), Alarm],
                false,
            ),
            // Somebody has set another minimum, or a maximum.
            (theirs(), Some(Scaling { policies: vec![steps(FIRST_NAME)], ..target(2, 4) }), vec![Policy(FIRST_NAME), Alarm], false),
            (theirs(), Some(target(0, 8)), vec![minimum(1), Alarm], false),
            (by_hours(), Some(hours), vec![Bounds { min: 2, max: Some(2) }, Action("cost-guard-mon-fri-1900")], true),
        ] {
            let taken = attachment.to_take_back(there.as_ref());
            assert_eq!((taken.calls, taken.note.is_some()), (calls, has_note), "{there:?}");
        }
    }

    #[test]
    fn it_saves_as_long_as_it_stands_and_instances_go() {
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let gone = |days: i64, count: u32| Activity {
            at: now - Duration::days(days).signed(),
            took: None,
            outcome: ActivityOutcome::SetTo(count),
        };
        let stage = crate::facts::AttachStage::Attached;
        let attached = Attached { way: crate::scaling::Way::ToZero, attachments: vec![queue()], usd_per_month: None, stage, at: now };
        for (there, saves) in [
            (Some(Scaling { activities: vec![gone(1, 0)], ..ours(0, 2) }), true),
            (Some(Scaling { activities: vec![gone(9, 0)], ..ours(0, 2) }), false),
            (Some(Scaling { activities: vec![gone(1, 2)], ..ours(0, 2) }), false),
            (Some(Scaling { activities: vec![gone(1, 0)], ..ours(1, 2) }), false),
            (Some(Scaling { activities: vec![gone(1, 0)], policies: vec![tracking("mine")], ..target(0, 2) }), false),
            (None, false),
        ] {
            assert_eq!(attached.has_saved(|_| there.as_ref(), now), saves, "{there:?}");
        }
    }
}
