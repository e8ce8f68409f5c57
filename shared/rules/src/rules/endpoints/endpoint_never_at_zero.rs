//! # endpoint-never-at-zero
//!
//! ## What it finds
//! An asynchronous endpoint, or one with inference components, that keeps instances through hours without work, although it could have none then: its minimum
//! is one or more, or it has no auto scaling. An hour counts if no request was processed in it, in the hour before, or in the hour after. What these hours cost must
//! reach `min-saving`.
//!
//! An endpoint that nobody calls at all is found by `endpoint-idle`. One that is less than `min-age` old is not judged, and neither is one that is being deployed or whose
//! use or auto scaling could not be read. Inference components can go to zero only on instances that follow them (managed instance scaling).
//! An endpoint whose auto scaling somebody took back after this guard had attached it is not judged for 90 days, and the guard never attaches it again.
//!
//! ## Why it costs money
//! Their instances are billed while they wait. Asynchronous endpoints keep requests in a queue, and can start when there is one.
//!
//! ## What happens, and what is lost
//! Its owner is mailed, with the commands, and as `CloudFormation` and Terraform. With `mode = "enforce"`, the guard warns first and then lets it go to zero, once: the minimum becomes zero
//! (somebody's own maximum and target tracking policy are kept), and an alarm with a step scaling policy brings the first instance back. What a person changes later is never set back.
//!
//! After hours without work, the first requests take some minutes longer: asynchronous ones wait in the queue, those to components fail until an instance serves, so that callers have to
//! try again. A request that takes longer than ten minutes may be cut off when its instance is removed.
//!
//! The guard leaves it alone, with the reason in the mail, where the instances cannot go to zero (`MinInstanceCount` above 0, reserved capacity), and where somebody has suspended its scaling or has
//! scheduled actions that set a minimum.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{AutoScaling, Compute, Endpoint, Fixed, Serving, Variant},
    rules::{
        context::RuleContext,
        endpoints::attaching::{CODE_OWNS_IT, LEAVE_IT, SET_IT, add_setting},
        rule::{Manner, Rule},
        verdict::{Verdict, Waste},
    },
    scaling::Way,
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, Usd},
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointNeverAtZero {
    /// What the hours without work must cost, in USD per month and endpoint.
    min_saving: Usd,
    /// How old an endpoint must be to be judged: at most 14 days.
    min_age: Duration,
}

impl Default for EndpointNeverAtZero {
    fn default() -> Self {
        Self { min_saving: Usd(dec!(20)), min_age: Duration::days(3) }
    }
}

impl Rule for EndpointNeverAtZero {
    const NAME: &'static str = "endpoint-never-at-zero";
    const TO_DO: &'static str = "let it go to zero";
    // An endpoint of production is changed: its owner has time to look at it.
    const MANNER: Manner = Manner { grace: Duration::days(3), ..Manner::ENFORCEABLE };
    type Subject = Endpoint;

    fn nonsense(&self) -> Option<&'static str> {
        (Duration::days(14) < self.min_age).then_some("`min-age` is more than 14 days: CloudWatch is asked for the last 14 days")
    }

    fn concerns(&self, endpoint: &Endpoint) -> bool {
        // aws-facts §3.4
        let is_managed = |variant: &Variant| matches!(variant.compute, Compute::Instances { fixed: Some(Fixed::Managed { .. }), .. });
        match endpoint.serving {
            Serving::Asynchronous => true,
            Serving::Components => endpoint.variants.iter().all(is_managed),
            Serving::RealTime | Serving::Serverless | Serving::Unknown => false,
        }
    }

    fn check(&self, endpoint: &Endpoint, cx: &RuleContext<'_>) -> Verdict {
        let created = match endpoint.judged_old(self.min_age, cx.now) {
            Ok(created) => created,
            Err(verdict) => return verdict,
        };
        if endpoint.is_begun(Way::ToZero) {
            let mut waste = waste(endpoint, cx, "the guard has begun to let it go to zero, and finishes that".to_owned(), Decimal::ONE);
            waste.usd_per_month = endpoint.attached.as_ref().and_then(|attached| attached.usd_per_month);
            return Verdict::Waste(Box::new(waste));
        }
        let least = match least(endpoint) {
            Ok(least) => least,
            Err(verdict) => return verdict,
        };
        match endpoint.known_use() {
            Err(verdict) => return verdict,
            Ok(used) if used.is_none() || least == 0 || endpoint.was_taken_back(cx.now) => return Verdict::Fine,
            Ok(_) => {}
        }
        let Some(hourly) = cx.hourly_of_endpoint(endpoint) else { return Verdict::Unknown("its price is not known".into()) };
        let Some((quiet, all)) = endpoint.quiet_hours(created) else { return Verdict::Fine };
        let share = Decimal::from(quiet) / Decimal::from(all.max(1));
        if hourly * HOURS_PER_MONTH * share < self.min_saving.0 {
            return Verdict::Fine;
        }
        let reason = format!(
            "kept instances in {quiet} of the last {all} hours, without work in the hour, before it or after it: its minimum is {least}"
        );
        Verdict::Waste(Box::new(waste(endpoint, cx, reason, share)))
    }
}

/// The lowest number of instances or copies that its auto scaling allows: 0 only if all of them may go to zero.
fn least(endpoint: &Endpoint) -> Result<u32, Verdict> {
    if endpoint.components.is_none() {
        return Err(Verdict::Unknown("its inference components could not be read".into()));
    }
    let least = endpoint.scalings().map(|scaling| match scaling {
        AutoScaling::Unread => Err(Verdict::Unknown("its auto scaling could not be read".into())),
        AutoScaling::None => Ok(1),
        AutoScaling::Target(scaling) => Ok(scaling.least()),
    });
    Ok(least.collect::<Result<Vec<u32>, Verdict>>()?.into_iter().max().unwrap_or(0))
}

fn waste(endpoint: &Endpoint, cx: &RuleContext<'_>, reason: String, share: Decimal) -> Waste {
    let mut waste = cx.endpoint_waste(endpoint, reason.into(), share);
    waste.notice.headline = Some("kept instances without work");
    waste.notice.is_saving = true;
    match endpoint.to_zero() {
        Ok(attachments) => {
            for one in &attachments {
                add_setting(&mut waste.notice, &endpoint.resource, one);
            }
            waste.notice.advice = Some(SET_IT.into());
            waste.notice.after_stop = Some(CODE_OWNS_IT.into());
            waste.notice.instead = Some(LEAVE_IT);
            waste.remedy = endpoint.attaches(Way::ToZero, attachments);
        }
        Err(why) => waste.notice.advice = Some(format!("let it go to zero. The guard leaves it alone: {why}.")),
    }
    waste
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{AttachStage, Attached, Backlog, Component, Invocations, Scaling, ScheduledAction, Suspended},
        remedy::Remedy,
        samples::*,
    };

    const NOW: &str = "2026-11-24T12:00:00Z";

    /// Called in the first of each 24 hours of 14 days: three of 24 hours are not quiet.
    fn daily() -> Invocations {
        let hours = (0..336).map(|hour| (hour % 24 == 0).then_some(4.0)).collect();
        Invocations::by_hour("2026-11-10T12:00:00Z".parse().unwrap(), hours)
    }

    fn target(min: u32) -> AutoScaling {
        let (policies, scheduled, activities) = (vec![], vec![], vec![]);
        AutoScaling::Target(Box::new(Scaling {
            min,
            max: 4,
            suspended: Suspended::default(),
            created: None,
            policies,
            scheduled,
            activities,
        }))
    }

    fn queue(scaling: AutoScaling) -> Endpoint {
        let mut endpoint = endpoint("2026-10-01T00:00:00Z");
        (endpoint.serving, endpoint.backlog) = (Serving::Asynchronous, Some(Backlog::default()));
        endpoint.variants[0] = Variant { scaling, invocations: Some(daily()), ..endpoint.variants[0].clone() };
        endpoint
    }

    fn check(endpoint: &Endpoint) -> Verdict {
        EndpointNeverAtZero::default().check(endpoint, &context(NOW))
    }

    #[test]
    fn a_queue_that_keeps_its_instances_is_found() {
        for scaling in [AutoScaling::None, target(1)] {
            let Verdict::Waste(waste) = check(&queue(scaling)) else { panic!() };
            let reason = waste.reason.to_string();
            assert!(
                reason.starts_with(
                    "kept instances in 295 of the last 336 hours, without work in the hour, before it or after it: its minimum is 1"
                ),
                "{reason}"
            );
            // Two instances of 0.115 USD an hour, 295 of 336 hours.
            let usd = waste.usd_per_month.unwrap();
            assert!(dec!(147) < usd && usd < dec!(148), "{usd}");
            let commands = waste.notice.by_hand[0].list.join("\n");
            for says in ["--min-capacity 0", "ApproximateBacklogSizePerInstance", "HasBacklogWithoutCapacity"] {
                assert!(commands.contains(says), "{says}: {commands}");
            }
            let Remedy::AttachScaling(Way::ToZero, attachments) = waste.remedy else { panic!("{:?}", waste.remedy) };
            let [one] = &attachments[..] else { panic!("{attachments:?}") };
            // Somebody's maximum is kept.
            let (max, first) = if one.before.is_some() { (4, 1) } else { (2, 2) };
            assert_eq!((one.min, one.max, one.first_min(), one.tracking.is_some()), (0, max, first, true));
        }
    }

    #[test]
    fn fourteen_days_are_336_hours() {
        let mut endpoint = queue(AutoScaling::None);
        let hours = [&daily().hours[..], &[None]].concat();
        endpoint.variants[0].invocations = Some(Invocations::by_hour("2026-11-10T11:00:00Z".parse().unwrap(), hours));
        let Verdict::Waste(waste) = check(&endpoint) else { panic!() };
        assert!(waste.reason.to_string().contains("of the last 336 hours"), "{}", waste.reason);
    }

    #[test]
    fn what_goes_to_zero_is_never_called_or_is_not_known_is_not_found() {
        assert_eq!(check(&queue(target(0))), Verdict::Fine);
        let mut unused = queue(AutoScaling::None);
        unused.variants[0].invocations = Some(Invocations::by_hour("2026-11-10T12:00:00Z".parse().unwrap(), vec![None; 336]));
        assert_eq!(check(&unused), Verdict::Fine);
        assert!(matches!(check(&queue(AutoScaling::Unread)), Verdict::Unknown(_)));
        let mut busy = queue(AutoScaling::None);
        busy.variants[0].invocations = Some(Invocations::by_hour("2026-11-10T12:00:00Z".parse().unwrap(), vec![Some(1.0); 336]));
        assert_eq!(check(&busy), Verdict::Fine);
    }

    #[test]
    fn components_go_to_zero_only_on_instances_that_follow_them() {
        let mut endpoint = queue(AutoScaling::None);
        (endpoint.serving, endpoint.backlog) = (Serving::Components, None);
        let component =
            |scaling| Component { name: "llm".into(), copies: Some(2), is_in_service: true, scaling, invocations: Some(daily()) };
        endpoint.components = Some(vec![component(target(1))]);
        let rule = EndpointNeverAtZero::default();
        assert!(!rule.concerns(&endpoint));
        let managed = |least| {
            let instance_type = Some("ml.m5.large".to_owned());
            Compute::Instances { instance_type, current: 2, desired: 2, fixed: Some(Fixed::Managed { least }) }
        };
        endpoint.variants[0].compute = managed(Some(0));
        assert!(rule.concerns(&endpoint));
        let Verdict::Waste(waste) = check(&endpoint) else { panic!() };
        assert!(waste.notice.by_hand[0].list.concat().contains("NoCapacityInvocationFailures"));
        assert!(matches!(&waste.remedy, Remedy::AttachScaling(Way::ToZero, all) if all[0].resource_id == "inference-component/llm"));
        endpoint.components = Some(vec![component(target(0))]);
        assert_eq!(check(&endpoint), Verdict::Fine);
        // Its instances stay although its copies go.
        for (least, says) in [(Some(1), "keeps 1 (MinInstanceCount)"), (None, "does not say how many")] {
            endpoint.components = Some(vec![component(target(1))]);
            endpoint.variants[0].compute = managed(least);
            let Verdict::Waste(waste) = check(&endpoint) else { panic!() };
            let advice = waste.notice.advice.unwrap();
            assert!(waste.remedy == Remedy::None && advice.contains(says), "{advice}");
        }
    }

    fn scaling_of(endpoint: &mut Endpoint) -> &mut Scaling {
        let AutoScaling::Target(scaling) = &mut endpoint.variants[0].scaling else { panic!() };
        scaling
    }

    #[test]
    fn what_somebody_means_is_left_alone_with_the_reason() {
        let suspended = |endpoint: &mut Endpoint| scaling_of(endpoint).suspended.scale_in = true;
        let scheduled = |endpoint: &mut Endpoint| {
            let action =
                ScheduledAction { name: "morning".into(), schedule: "cron(0 8 ? * MON-FRI *)".into(), zone: None, min: Some(2), max: None };
            scaling_of(endpoint).scheduled.push(action);
        };
        let reserved = |endpoint: &mut Endpoint| {
            let Compute::Instances { fixed, .. } = &mut endpoint.variants[0].compute else { panic!() };
            *fixed = Some(Fixed::Reserved);
        };
        for (change, says) in [
            (&suspended as &dyn Fn(&mut Endpoint), "has suspended"),
            (&scheduled, "scheduled actions that set a minimum"),
            (&reserved, "reserved capacity"),
        ] {
            let mut endpoint = queue(target(1));
            change(&mut endpoint);
            let Verdict::Waste(waste) = check(&endpoint) else { panic!("{says}") };
            let advice = waste.notice.advice.unwrap();
            assert!(waste.remedy == Remedy::None && advice.contains(says), "{says}: {advice}");
        }
    }

    #[test]
    fn it_is_attached_once_and_what_was_begun_is_finished() {
        let attachments = queue(AutoScaling::None).to_zero().unwrap();
        let attached = |stage| {
            let at = "2026-08-01T00:00:00Z".parse().unwrap();
            Some(Attached { way: Way::ToZero, attachments: attachments.clone(), usd_per_month: Some(dec!(100)), stage, at })
        };
        // Its minimum is zero already, and it has no instances.
        let mut begun = queue(target(0));
        begun.attached = attached(AttachStage::Attaching);
        let Verdict::Waste(waste) = check(&begun) else { panic!() };
        assert_eq!((waste.remedy, waste.usd_per_month), (Remedy::AttachScaling(Way::ToZero, attachments.clone()), Some(dec!(100))));
        for stage in [AttachStage::Attached, AttachStage::Detached] {
            let mut endpoint = queue(target(1));
            endpoint.attached = attached(stage);
            let Verdict::Waste(waste) = check(&endpoint) else { panic!() };
            assert_eq!(waste.remedy, Remedy::None, "it is only told again");
            endpoint.attached.as_mut().unwrap().at = "2026-11-01T00:00:00Z".parse().unwrap();
            assert_eq!(check(&endpoint), Verdict::Fine, "for 90 days");
        }
    }
}
