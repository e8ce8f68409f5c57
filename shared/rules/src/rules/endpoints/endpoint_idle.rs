//! # endpoint-idle
//!
//! ## What it finds
//! An endpoint that nobody has called for `idle-after`: not one request to any of its variants, shadow variants or inference components, and no request in its
//! queue. A new endpoint has as much time from its creation. An endpoint that is being deployed is left alone, and so is one whose use could not be read. An endpoint without
//! instances (serverless without provisioned concurrency, or scaled to zero) costs nothing while it is idle, and is not found. One that an inference router sends requests to may be its standby, and is left alone.
//!
//! AWS Compute Optimizer has a finding of its own: no `Invocations` for 14 days. Where the account is enrolled, the mail says what it says. An asynchronous endpoint publishes no
//! `Invocations`: of it, this rule counts the requests that were processed.
//!
//! ## Why it costs money
//! A real-time endpoint is billed for every second of every instance, whether it is called or not.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed, with the command that deletes it and the one that creates it again. Deleting keeps the model and the configuration, and loses auto
//! scaling, tags, and a resource policy of the endpoint.
//!
//! Enforce with `remedy = "hibernate"`: its owner is warned, and after `grace` it is hibernated: the guard stores what it takes to create it again, and deletes it. It sleeps until somebody creates it
//! again, with the command of the mail or with `{"restore": "<endpoint>"}`. The guard then restores its tags, its auto scaling and its number of instances. Hibernating needs a deployment with
//! `AllowHibernation = yes`. docs/endpoints.md says which endpoints are only reported, and what does not come back.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Endpoint,
    policy::Policy,
    remedy::{Remedy, WakesBy},
    rules::{
        context::RuleContext,
        endpoints::sleep::{self, EndpointRemedy},
        rule::{Manner, RemedyName, Rule},
        verdict::{Detail, Verdict, Waste},
    },
    vocabulary::duration::{Duration, roughly},
};
use rust_decimal::Decimal;

/// How far back an endpoint's use is read.
const WINDOW: Duration = Duration::days(14);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointIdle {
    /// How long an endpoint may go without a request: at most 14 days.
    idle_after: Duration,
    /// The action if the rule is enforced: `"hibernate"`. To enforce the rule, the policy must set it.
    remedy: EndpointRemedy,
}

impl Default for EndpointIdle {
    fn default() -> Self {
        Self { idle_after: Duration::days(7), remedy: EndpointRemedy::None }
    }
}

impl Rule for EndpointIdle {
    const NAME: &'static str = "endpoint-idle";
    const TO_DO: &'static str = "delete it, if nobody needs it";
    // Its callers get errors while it sleeps: its owner has time to look at it.
    const MANNER: Manner = Manner { grace: Duration::days(3), ..Manner::ENFORCEABLE };
    type Subject = Endpoint;

    fn remedy(&self) -> Option<RemedyName> {
        self.remedy.name()
    }

    fn lacks(&self) -> Option<&'static str> {
        self.remedy.lacks()
    }

    fn reads_tag(&self, key: &str, _: &Policy) -> bool {
        sleep::reads_tag(key)
    }

    fn nonsense(&self) -> Option<&'static str> {
        if self.idle_after < Duration::hours(2) {
            return Some("`idle-after` is less than two hours: use is counted by the hour");
        }
        (WINDOW < self.idle_after).then_some("`idle-after` is more than 14 days: CloudWatch is asked for the last 14 days")
    }

    fn concerns(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_billed_when_idle()
    }

    fn check(&self, endpoint: &Endpoint, cx: &RuleContext<'_>) -> Verdict {
        let created = match endpoint.judged_run() {
            Ok(run) => run,
            Err(verdict) => return verdict,
        };
        let used = match endpoint.judged_use() {
            Ok(used) => used,
            Err(verdict) => return verdict,
        };
        let Some(known_from) = endpoint.known_from() else { return Verdict::Unknown("it has no variants".into()) };
        let since = used.unwrap_or(known_from).max(created);
        let idle = cx.now.duration_since(since);
        if idle < self.idle_after.signed() {
            return Verdict::Fine;
        }
        let last = match used {
            Some(_) => format!("not called for {}", roughly(idle)),
            None if created <= known_from => format!("not called in the last {}", roughly(idle)),
            None => format!("never called since it was created {} ago", roughly(idle)),
        };
        if let Some(router) = &endpoint.router {
            return Verdict::Exempt(format!("inference router {router} sends requests to it: it may be its standby"));
        }
        let (remedy, only_reported) = self.remedy.of(endpoint, WakesBy::Asking, cx);
        let reason = format!("{last}: the limit is {}{only_reported}", self.idle_after);
        let mut waste = Waste { remedy, ..cx.endpoint_waste(endpoint, reason.into(), Decimal::ONE) };
        waste.notice.details.extend(by_aws(endpoint));
        if let Remedy::Hibernate(sleep) = &waste.remedy {
            waste.notice.before.push(sleep.until_somebody_wakes_it(&endpoint.resource.name, &endpoint.resource.region_option()).into());
        }
        waste.notice.advice = Some(endpoint.how_to_delete("delete it, if nobody needs it"));
        waste.notice.headline = Some("got no requests");
        Verdict::Waste(Box::new(waste))
    }
}

/// What AWS itself says.
fn by_aws(endpoint: &Endpoint) -> Option<Detail> {
    let days = endpoint.compute_optimizer?.days;
    Some(Detail::from(format!("AWS Compute Optimizer calls it idle, too: no invocation in {days} days.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Backlog, Change, Compute, IdleByAws, Invocations, RunState, Serving},
        samples::*,
    };

    const NOW: &str = "2026-11-24T12:00:00Z";

    /// Called last so many hours ago. `None`: not in 14 days.
    fn called(hours_ago: Option<usize>) -> Invocations {
        let mut hours = vec![None; 336];
        if let Some(ago) = hours_ago {
            hours[336 - ago] = Some(3.0);
        }
        Invocations::by_hour("2026-11-10T12:00:00Z".parse().unwrap(), hours)
    }

    fn idle_for(hours_ago: Option<usize>) -> Endpoint {
        let mut endpoint = endpoint("2026-10-01T00:00:00Z");
        endpoint.variants[0].invocations = Some(called(hours_ago));
        endpoint
    }

    /// So many requests waited in its queue in one hour.
    fn waiting(requests: f32) -> Backlog {
        Backlog { hours: vec![None, Some(requests), Some(0.0)], from: "2026-11-10T12:00:00Z".parse().unwrap() }
    }

    fn told(endpoint: &Endpoint) -> &'static str {
        match EndpointIdle::default().check(endpoint, &context(NOW)) {
            Verdict::Fine => "fine",
            Verdict::Waste(_) => "waste",
            Verdict::Later => "later",
            Verdict::Unknown(_) => "unknown",
            Verdict::Exempt(_) => "exempt",
        }
    }

    #[test]
    fn nobody_calls_it() {
        for (hours_ago, expected) in [(Some(1), "fine"), (Some(168), "fine"), (Some(169), "waste"), (Some(300), "waste"), (None, "waste")] {
            assert_eq!(told(&idle_for(hours_ago)), expected, "{hours_ago:?}");
        }
        let Verdict::Waste(waste) = EndpointIdle::default().check(&idle_for(None), &context(NOW)) else { panic!() };
        assert_eq!(waste.reason, "not called in the last 14d: the limit is 7d");
        let advice = waste.notice.advice.unwrap();
        assert!(advice.contains("delete-endpoint --region us-east-1 --endpoint-name churn\n"), "{advice}");
        assert!(advice.ends_with("--endpoint-config-name churn-1"), "{advice}");
    }

    #[test]
    fn a_new_one_has_as_much_time() {
        let young = |created: &str| Endpoint { created: Some(created.parse().unwrap()), ..idle_for(None) };
        assert_eq!(told(&young("2026-11-20T00:00:00Z")), "fine");
        assert_eq!(told(&young("2026-11-17T00:00:00Z")), "waste");
    }

    #[test]
    fn what_is_not_known_is_not_idle() {
        let change = |change: fn(&mut Endpoint)| {
            let mut endpoint = idle_for(None);
            change(&mut endpoint);
            told(&endpoint)
        };
        assert_eq!(change(|one| one.variants[0].invocations = None), "unknown");
        assert_eq!(change(|one| one.components = None), "unknown");
        assert_eq!(change(|one| one.serving = Serving::Asynchronous), "unknown");
        assert_eq!(change(|one| (one.serving, one.backlog) = (Serving::Asynchronous, Some(waiting(4.0)))), "fine");
        assert_eq!(change(|one| (one.serving, one.backlog) = (Serving::Asynchronous, Some(waiting(0.0)))), "waste");
        assert_eq!(change(|one| one.is_deploying = true), "later");
        assert_eq!(change(|one| one.state = RunState::Changing(Change::Updating)), "later");
        assert_eq!(change(|one| one.state = RunState::Failed), "fine");
        assert_eq!(change(|one| one.created = None), "unknown");
    }

    #[test]
    fn what_costs_nothing_is_not_looked_at() {
        let rule = EndpointIdle::default();
        let of = |compute| {
            let mut endpoint = idle_for(None);
            endpoint.variants[0].compute = compute;
            rule.concerns(&endpoint)
        };
        assert!(!of(Compute::Serverless { memory_mb: 2048, provisioned: None }));
        assert!(of(Compute::Serverless { memory_mb: 2048, provisioned: Some(1) }));
        assert!(!of(Compute::Instances { instance_type: None, current: 0, desired: 0, fixed: None }));
        assert!(of(Compute::Instances { instance_type: None, current: 0, desired: 1, fixed: None }));
    }

    #[test]
    fn a_standby_waits_for_its_turn() {
        assert_eq!(told(&Endpoint { router: Some("shop".into()), ..idle_for(None) }), "exempt");
    }

    #[test]
    fn aws_says_so_too() {
        let agreed = Endpoint { compute_optimizer: Some(IdleByAws { days: 14, at: None }), ..idle_for(None) };
        let Verdict::Waste(waste) = EndpointIdle::default().check(&agreed, &context(NOW)) else { panic!() };
        assert_eq!(waste.notice.details[0].title, "AWS Compute Optimizer calls it idle, too: no invocation in 14 days.");
    }
}
