//! # endpoint-autoscaling-ineffective
//!
//! ## What it finds
//! An endpoint whose auto scaling does nothing, or does not what somebody expects of it:
//!
//! - its minimum and maximum are the same, and more than one instance;
//! - nothing changes it: no policy and no scheduled action;
//! - somebody has suspended it;
//! - a policy follows a metric that this kind of endpoint does not publish, so that it never acts;
//! - no alarm is left of a policy;
//! - it never removes capacity: scale-in is off, or it added capacity in the last six weeks and removed none, although the requests fell to half and less;
//! - a cooldown is longer than `longest-cooldown`, so that it cannot follow a day;
//! - its requests always exceed the target, even at its maximum, or never come near it, although its minimum is more than one instance.
//!
//! An endpoint that is being deployed is left alone, and so is one whose auto scaling could not be read.
//!
//! ## Why it costs money
//! Whoever has set up auto scaling expects that instances go when requests do. If they stay, they are billed around the clock.
//!
//! ## What happens, and what is lost
//! Its owner is mailed.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{
        ActivityOutcome, AttachStage, AutoScaling, Endpoint, Follows, Invocations, Scaling, ScalingPolicy, ScheduledAction, Serving,
        TrackedMetric,
    },
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Detail, Notice, Verdict, Waste},
    },
    vocabulary::duration::Duration,
};

/// How much the requests of an hour must have fallen, from the busiest hour, to ask for less capacity.
const FELL_TO: f32 = 0.5;
/// A busiest hour with less than this share of the target is far below it: its busiest minutes may have twice the requests of its mean.
const FAR_BELOW: f64 = 0.25;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointAutoscalingIneffective {
    /// The longest cooldown that still follows the course of a day.
    longest_cooldown: Duration,
}

impl Default for EndpointAutoscalingIneffective {
    fn default() -> Self {
        Self { longest_cooldown: Duration::hours(2) }
    }
}

impl Rule for EndpointAutoscalingIneffective {
    const NAME: &'static str = "endpoint-autoscaling-ineffective";
    const TO_DO: &'static str = "correct its auto scaling, or remove it";
    type Subject = Endpoint;

    fn nonsense(&self) -> Option<&'static str> {
        (self.longest_cooldown < Duration::minutes(5)).then_some("`longest-cooldown` is less than five minutes, which is AWS's default")
    }

    fn check(&self, endpoint: &Endpoint, _: &RuleContext<'_>) -> Verdict {
        if let Err(verdict) = endpoint.judged_run() {
            return verdict;
        }
        // The guard's own half of it is not its owner's fault.
        if endpoint.attached.as_ref().is_some_and(|attached| attached.stage == AttachStage::Attaching) {
            return Verdict::Later;
        }
        let Some(components) = &endpoint.components else { return Verdict::Unknown("its inference components could not be read".into()) };
        let variants = endpoint.variants.iter().map(|one| (&one.name, &one.scaling, one.invocations.as_ref()));
        let components = components.iter().map(|one| (&one.name, &one.scaling, one.invocations.as_ref()));
        let mut faults = vec![];
        for (name, scaling, invocations) in variants.chain(components) {
            match scaling {
                AutoScaling::Unread => return Verdict::Unknown("its auto scaling could not be read".into()),
                AutoScaling::None => {}
                AutoScaling::Target(scaling) => {
                    faults.extend(self.faults(endpoint.serving, scaling, invocations).into_iter().map(|fault| format!("{name}: {fault}")));
                }
            }
        }
        let [first, rest @ ..] = &faults[..] else { return Verdict::Fine };
        let reason = format!("its auto scaling does nothing useful: {first}");
        let details = if rest.is_empty() { vec![] } else { vec![Detail { title: "Also:".into(), list: rest.to_vec() }] };
        let notice = Notice {
            headline: Some("did not scale usefully"),
            details,
            advice: Some("correct it, or remove it if the number of instances should not change".into()),
            ..Notice::default()
        };
        Verdict::Waste(Box::new(Waste { reason: reason.into(), notice, ..Waste::default() }))
    }
}

impl EndpointAutoscalingIneffective {
    /// What is wrong with the scaling of a variant or a component.
    fn faults(&self, serving: Serving, scaling: &Scaling, invocations: Option<&Invocations>) -> Vec<String> {
        let mut faults = vec![];
        if scaling.policies.is_empty() && scaling.scheduled.is_empty() {
            faults.push("no policy and no scheduled action changes its capacity".to_owned());
        }
        let changes_bounds =
            |action: &ScheduledAction| action.min.is_some_and(|min| min != scaling.min) || action.max.is_some_and(|max| max != scaling.max);
        if scaling.min == scaling.max && 1 < scaling.max && !scaling.scheduled.iter().any(changes_bounds) {
            faults.push(format!("its minimum and its maximum are both {}", scaling.max));
        }
        let suspended = scaling.suspended;
        let switches =
            [(suspended.scale_in, "scaling in"), (suspended.scale_out, "scaling out"), (suspended.scheduled, "its scheduled actions")];
        faults.extend(switches.into_iter().filter(|(is_off, _)| *is_off).map(|(_, what)| format!("somebody has suspended {what}")));
        faults.extend(scaling.policies.iter().filter_map(|policy| self.fault_of(policy, serving)));
        if let (true, Some(invocations)) = (faults.is_empty(), invocations) {
            faults.extend(scaling.policies.iter().filter_map(|policy| out_of_reach(policy, scaling, invocations)));
        }
        if faults.is_empty() && never_comes_down(scaling) && invocations.is_some_and(fell) {
            faults.push(
                "in the last six weeks it added capacity and removed none, although requests fell to half of the busiest hour and less"
                    .to_owned(),
            );
        }
        faults
    }

    fn fault_of(&self, policy: &ScalingPolicy, serving: Serving) -> Option<String> {
        let Follows::Target { metric, scale_out_cooldown, scale_in_cooldown, never_scales_in, .. } = &policy.follows else { return None };
        let name = &policy.name;
        if let Some(metric) = unpublished(metric, serving) {
            return Some(format!("policy {name} follows {metric}, which this kind of endpoint does not publish"));
        }
        if policy.alarms.is_empty() {
            return Some(format!("policy {name} has no alarm left, and so never acts"));
        }
        if *never_scales_in {
            return Some(format!("policy {name} never scales in"));
        }
        let longest = (*scale_out_cooldown).max(*scale_in_cooldown);
        (self.longest_cooldown < longest)
            .then(|| format!("policy {name} has a cooldown of {longest}: the limit is {}", self.longest_cooldown))
    }
}

/// The metric, if this kind of endpoint does not publish it (aws-facts §3.5: an asynchronous endpoint counts no invocations by instance).
fn unpublished(metric: &TrackedMetric, serving: Serving) -> Option<&str> {
    let TrackedMetric::Predefined(name) = metric else { return None };
    let is_of = match serving {
        Serving::Asynchronous => false,
        Serving::RealTime => name.starts_with("SageMakerVariant") && name != "SageMakerVariantProvisionedConcurrencyUtilization",
        Serving::Serverless => name == "SageMakerVariantProvisionedConcurrencyUtilization",
        Serving::Components | Serving::Unknown => true,
    };
    (!is_of).then_some(name)
}

/// What is wrong with a target that all requests exceed, or that none come near.
fn out_of_reach(policy: &ScalingPolicy, scaling: &Scaling, invocations: &Invocations) -> Option<String> {
    let Follows::Target { metric: TrackedMetric::Predefined(metric), target, .. } = &policy.follows else { return None };
    if metric != "SageMakerVariantInvocationsPerInstance" {
        return None;
    }
    // The last hour is not over. A minute of an hour has at most as many requests as the hour, so only means can be compared.
    let whole_hours = invocations.hours.len().saturating_sub(1);
    let a_minute = invocations.hours.iter().take(whole_hours).flatten().map(|requests| f64::from(*requests) / 60.0);
    let (least, most) = a_minute.fold((f64::MAX, 0.0_f64), |(least, most), one| (least.min(one), most.max(one)));
    let name = &policy.name;
    if *target < least / f64::from(scaling.max) && least < f64::MAX {
        return Some(format!("its requests exceed the target of policy {name} in every hour, even at its maximum of {}", scaling.max));
    }
    let is_far = 0.0 < most && 1 < scaling.min && most / f64::from(scaling.min) < FAR_BELOW * target;
    is_far.then(|| {
        format!(
            "even the busiest hour had {:.0} requests a minute for each instance at its minimum of {}, far below the target of policy {name} ({target})",
            most / f64::from(scaling.min),
            scaling.min
        )
    })
}

/// Whether it added capacity, and removed none. The activities of six weeks tell.
fn never_comes_down(scaling: &Scaling) -> bool {
    let set: Vec<u32> = scaling
        .activities
        .iter()
        .rev()
        .filter_map(|activity| match activity.outcome {
            ActivityOutcome::SetTo(capacity) => Some(capacity),
            _ => None,
        })
        .collect();
    let steps = || set.windows(2).map(|pair| (pair[0], pair[1]));
    set.last().is_some_and(|last| scaling.min < *last) && steps().all(|(before, after)| before <= after)
}

/// Whether the requests of some whole hour after the busiest one fell.
fn fell(invocations: &Invocations) -> bool {
    let most = invocations.hours.iter().flatten().copied().fold(0.0, f32::max);
    let Some(busiest) = invocations.hours.iter().position(|requests| requests.is_some_and(|requests| most <= requests)) else {
        return false;
    };
    let whole_hours = invocations.hours.len().saturating_sub(1);
    0.0 < most
        && invocations
            .hours
            .iter()
            .take(whole_hours)
            .skip(busiest)
            .any(|requests| requests.is_some_and(|requests| requests <= FELL_TO * most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Activity, Suspended},
        samples::*,
    };

    fn policy(metric: &str) -> ScalingPolicy {
        let follows = Follows::Target {
            metric: TrackedMetric::Predefined(metric.into()),
            target: 600.0,
            scale_out_cooldown: Duration::seconds(300),
            scale_in_cooldown: Duration::seconds(300),
            never_scales_in: false,
        };
        ScalingPolicy { name: "mine".into(), alarms: vec!["high".into(), "low".into()], follows }
    }

    fn scaling() -> Scaling {
        Scaling {
            min: 1,
            max: 4,
            suspended: Suspended::default(),
            created: None,
            policies: vec![policy("SageMakerVariantInvocationsPerInstance")],
            scheduled: vec![],
            activities: vec![],
        }
    }

    fn told(serving: Serving, scaling: Scaling, hours: &[f32]) -> Option<String> {
        let mut endpoint = endpoint("2026-10-01T00:00:00Z");
        endpoint.serving = serving;
        endpoint.variants[0].scaling = AutoScaling::Target(Box::new(scaling));
        let hours = hours.iter().map(|requests| Some(*requests)).collect();
        endpoint.variants[0].invocations = Some(Invocations::by_hour("2026-11-10T12:00:00Z".parse().unwrap(), hours));
        match EndpointAutoscalingIneffective::default().check(&endpoint, &context("2026-11-24T12:00:00Z")) {
            Verdict::Fine => None,
            Verdict::Waste(waste) => {
                Some(waste.reason.to_string().strip_prefix("its auto scaling does nothing useful: ").unwrap().to_owned())
            }
            verdict => panic!("{verdict:?}"),
        }
    }

    fn tracking(scaling: &mut Scaling) -> (&mut Duration, &mut bool) {
        match &mut scaling.policies[0].follows {
            Follows::Target { scale_in_cooldown, never_scales_in, .. } => (scale_in_cooldown, never_scales_in),
            _ => unreachable!(),
        }
    }

    fn night() -> ScheduledAction {
        ScheduledAction { name: "night".into(), schedule: "cron(0 19 ? * * *)".into(), zone: None, min: Some(1), max: Some(1) }
    }

    #[test]
    fn a_setting_that_cannot_work_is_found() {
        let with = |change: fn(&mut Scaling)| {
            let mut scaling = scaling();
            change(&mut scaling);
            told(Serving::RealTime, scaling, &[]).unwrap_or_default()
        };
        for (expected, found) in [
            ("", with(|_| {})),
            ("AllTraffic: its minimum and its maximum are both 4", with(|scaling| scaling.min = 4)),
            ("", with(|scaling| (scaling.min, scaling.max) = (1, 1))),
            // By night its scheduled actions leave one.
            ("", with(|scaling| (scaling.min, scaling.scheduled) = (4, vec![night()]))),
            ("AllTraffic: no policy and no scheduled action changes its capacity", with(|scaling| scaling.policies.clear())),
            ("AllTraffic: somebody has suspended scaling in", with(|scaling| scaling.suspended.scale_in = true)),
            ("AllTraffic: policy mine has no alarm left, and so never acts", with(|scaling| scaling.policies[0].alarms.clear())),
            ("AllTraffic: policy mine never scales in", with(|scaling| *tracking(scaling).1 = true)),
            ("AllTraffic: policy mine has a cooldown of 3h: the limit is 2h", with(|scaling| *tracking(scaling).0 = Duration::hours(3))),
            ("", with(|scaling| *tracking(scaling).0 = Duration::hours(2))),
            (
                "",
                with(|scaling| {
                    scaling.policies.clear();
                    let night = ScheduledAction {
                        name: "night".into(),
                        schedule: "cron(0 19 * * ? *)".into(),
                        zone: None,
                        min: Some(1),
                        max: Some(1),
                    };
                    scaling.scheduled.push(night);
                }),
            ),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_metric_that_is_not_published_never_scales() {
        for (serving, metric, is_found) in [
            (Serving::RealTime, "SageMakerVariantInvocationsPerInstance", false),
            (Serving::RealTime, "SageMakerVariantConcurrentRequestsPerModelHighResolution", false),
            (Serving::RealTime, "SageMakerInferenceComponentInvocationsPerCopy", true),
            (Serving::RealTime, "SageMakerVariantProvisionedConcurrencyUtilization", true),
            (Serving::Asynchronous, "SageMakerVariantInvocationsPerInstance", true),
            (Serving::Serverless, "SageMakerVariantProvisionedConcurrencyUtilization", false),
            (Serving::Serverless, "SageMakerVariantInvocationsPerInstance", true),
        ] {
            let found = told(serving, Scaling { policies: vec![policy(metric)], ..scaling() }, &[]);
            assert_eq!(found.is_some(), is_found, "{serving:?} {metric}: {found:?}");
        }
        let custom = ScalingPolicy { follows: Follows::Steps, ..policy("") };
        assert_eq!(told(Serving::Asynchronous, Scaling { policies: vec![custom], ..scaling() }, &[]), None);
    }

    #[test]
    fn a_target_that_is_out_of_reach() {
        // 600 requests a minute and instance are 36,000 an hour.
        for (min, hours, is_found) in [
            (1, &[150_000.0, 200_000.0, 0.0][..], true),
            (1, &[140_000.0, 200_000.0, 0.0], false),
            (1, &[100.0, 200.0, 0.0], false),
            (2, &[100.0, 17_000.0, 0.0], true),
            (2, &[100.0, 19_000.0, 0.0], false),
            (2, &[], false),
        ] {
            let found = told(Serving::RealTime, Scaling { min, ..scaling() }, hours);
            assert_eq!(found.is_some(), is_found, "{min} {hours:?}: {found:?}");
        }
    }

    #[test]
    fn capacity_that_never_came_down() {
        let activity = |day: u32, capacity| Activity {
            at: format!("2026-11-{day:02}T00:00:00Z").parse().unwrap(),
            took: None,
            outcome: ActivityOutcome::SetTo(capacity),
        };
        let of = |activities: Vec<Activity>, hours: &[f32]| told(Serving::RealTime, Scaling { activities, ..scaling() }, hours).is_some();
        let up = vec![activity(20, 4), activity(18, 2)];
        assert!(of(up.clone(), &[100.0, 1000.0, 400.0, 1000.0]));
        assert!(!of(up.clone(), &[100.0, 1000.0, 600.0, 1000.0]), "the requests stayed");
        assert!(!of(up.clone(), &[100.0, 1000.0, 400.0]), "the last hour is not over");
        assert!(!of(vec![activity(21, 1), activity(20, 4)], &[1000.0, 100.0, 100.0]), "it came down");
        assert!(!of(vec![], &[1000.0, 100.0, 100.0]), "it never did anything");
    }
}
