//! # endpoint-never-at-zero
//!
//! ## What it finds
//! An asynchronous endpoint, or one with inference components, that keeps instances through hours without work, although it could have none then: its minimum
//! is one or more, or it has no auto scaling. An hour counts if no request was processed in it, in the hour before, or in the hour after. What these hours cost must
//! reach `min-saving`.
//!
//! An endpoint that nobody calls at all is found by `endpoint-idle`. One that is less than `min-age` old is not judged, and neither is one that is being deployed or whose
//! use or auto scaling could not be read. Inference components can go to zero only on instances that follow them (managed instance scaling).
//!
//! ## Why it costs money
//! Their instances are billed while they wait. Asynchronous endpoints keep requests in a queue, and can start when there is one.
//!
//! ## What happens, and what is lost
//! Its owner is mailed, with the commands. After hours without work, the first requests take some minutes longer: asynchronous ones wait in the queue, those to
//! components fail until an instance serves, so that callers have to try again.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{AutoScaling, Component, Compute, Endpoint, Fixed, Serving, Variant},
    rules::{context::RuleContext, rule::Rule, verdict::Verdict},
    scaling::{asynchronous_to_zero, component_to_zero},
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
    type Subject = Endpoint;

    fn nonsense(&self) -> Option<&'static str> {
        (Duration::days(14) < self.min_age).then_some("`min-age` is more than 14 days: CloudWatch is asked for the last 14 days")
    }

    fn concerns(&self, endpoint: &Endpoint) -> bool {
        // aws-facts §3.4
        let is_managed = |variant: &Variant| matches!(variant.compute, Compute::Instances { fixed: Some(Fixed::Managed), .. });
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
        let least = match least(endpoint) {
            Ok(least) => least,
            Err(verdict) => return verdict,
        };
        match endpoint.known_use() {
            Err(verdict) => return verdict,
            Ok(used) if used.is_none() || least == 0 => return Verdict::Fine,
            Ok(_) => {}
        }
        let Some(hourly) = cx.hourly_of_endpoint(endpoint) else { return Verdict::Unknown("its price is not known".into()) };
        let Some((quiet, all)) = endpoint.quiet_hours(created) else { return Verdict::Fine };
        let share = Decimal::from(quiet) / Decimal::from(all.max(1));
        if hourly * HOURS_PER_MONTH * share < self.min_saving.0 {
            return Verdict::Fine;
        }
        let reason = format!("kept instances in {quiet} hours without work, of the last {all}: its minimum is {least}");
        let mut waste = cx.endpoint_waste(endpoint, reason.into(), share);
        waste.notice.headline = Some("kept instances without work");
        waste.notice.advice = Some(advice(endpoint));
        Verdict::Waste(Box::new(waste))
    }
}

/// The lowest number of instances or copies that its auto scaling allows: 0 only if all of them may go to zero.
fn least(endpoint: &Endpoint) -> Result<u32, Verdict> {
    let Some(components) = &endpoint.components else { return Err(Verdict::Unknown("its inference components could not be read".into())) };
    let of_variants = endpoint.variants.iter().map(|variant| &variant.scaling);
    let of_components = components.iter().map(|component| &component.scaling);
    let all: Vec<&AutoScaling> = if endpoint.serving == Serving::Asynchronous { of_variants.collect() } else { of_components.collect() };
    let least = all.iter().map(|scaling| match scaling {
        AutoScaling::Unread => Err(Verdict::Unknown("its auto scaling could not be read".into())),
        AutoScaling::None => Ok(1),
        AutoScaling::Target(scaling) => Ok(scaling.least()),
    });
    Ok(least.collect::<Result<Vec<u32>, Verdict>>()?.into_iter().max().unwrap_or(0))
}

fn advice(endpoint: &Endpoint) -> String {
    let name = &endpoint.resource.name;
    let region = &endpoint.resource.region_option();
    let commands: Vec<String> = if endpoint.serving == Serving::Asynchronous {
        let of = |variant: &Variant| match variant.compute {
            Compute::Instances { desired, .. } => Some(asynchronous_to_zero(region, name, &variant.name, desired.max(1))),
            Compute::Serverless { .. } => None,
        };
        endpoint.variants.iter().filter_map(of).collect()
    } else {
        let of = |component: &Component| component_to_zero(region, &component.name, component.copies.unwrap_or(1).max(1));
        endpoint.components.iter().flatten().map(of).collect()
    };
    format!("let it go to zero. The alarm brings the first instance back:\n{}", commands.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Invocations, Scaling, Suspended},
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
        (endpoint.serving, endpoint.backlog) = (Serving::Asynchronous, Some(0));
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
            assert!(reason.starts_with("kept instances in 295 hours without work, of the last 336: its minimum is 1"), "{reason}");
            // Two instances of 0.115 USD an hour, 295 of 336 hours.
            let usd = waste.usd_per_month.unwrap();
            assert!(dec!(147) < usd && usd < dec!(148), "{usd}");
            let advice = waste.notice.advice.unwrap();
            for says in ["--min-capacity 0", "ApproximateBacklogSizePerInstance", "HasBacklogWithoutCapacity"] {
                assert!(advice.contains(says), "{says}: {advice}");
            }
        }
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
        let instance_type = Some("ml.m5.large".to_owned());
        endpoint.variants[0].compute = Compute::Instances { instance_type, current: 2, desired: 2, fixed: Some(Fixed::Managed) };
        assert!(rule.concerns(&endpoint));
        let Verdict::Waste(waste) = check(&endpoint) else { panic!() };
        assert!(waste.notice.advice.unwrap().contains("NoCapacityInvocationFailures"));
        endpoint.components = Some(vec![component(target(0))]);
        assert_eq!(check(&endpoint), Verdict::Fine);
    }
}
