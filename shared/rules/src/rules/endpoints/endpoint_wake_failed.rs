//! # endpoint-wake-failed
//!
//! ## What it finds
//! An endpoint that this guard has hibernated, that shall be created again, and that AWS does not create: there are no instances for it, a quota is used up, or its model is gone.
//!
//! ## Why it costs money
//! It costs nothing, but its callers get errors.
//!
//! ## What happens, and what is lost
//! Its owner and the platform's address are mailed at once, with AWS's reason. The guard tries again: after 15 minutes, and then at growing pauses of up to six hours. Everything that
//! it takes to create the endpoint again stays stored.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::SleepingEndpoint,
    remedy::how_to_wake,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Severity, Verdict, Waste},
    },
    vocabulary::{duration::Duration, timed_text::TimedText},
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointWakeFailed {}

impl Rule for EndpointWakeFailed {
    const NAME: &'static str = "endpoint-wake-failed";
    const TO_DO: &'static str = "see why AWS does not create it, and create it by hand if it cannot wait";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(1)), costs_are_waste: false, ..Manner::DEFAULT };
    type Subject = SleepingEndpoint;

    fn check(&self, sleeping: &SleepingEndpoint, _: &RuleContext<'_>) -> Verdict {
        let Some(failed) = &sleeping.hibernation.failed else { return Verdict::Fine };
        let resource = &sleeping.resource;
        let why = failed.why.trim().trim_end_matches('.');
        let reason = TimedText::from("it was hibernated, and AWS has not created it again since ").time(failed.since);
        let reason = reason.text(&format!(": {why}. The guard tries again on ")).time(failed.retry_after);
        let wake = how_to_wake(&resource.name, &sleeping.config, &resource.region_option());
        let notice = Notice {
            severity: Severity::Critical,
            headline: Some("could not be created again"),
            advice: Some(format!("if it cannot wait, create it by hand: {wake}\nThe guard then restores the rest.")),
            ..Notice::default()
        };
        Verdict::Waste(Box::new(Waste { reason, notice, ..Waste::default() }))
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::{facts::HibernationStage, samples::*};

    #[test]
    fn says_why_and_when_it_is_tried_again() {
        let asleep = hibernation(HibernationStage::Waking, "2026-11-24T07:00:00Z");
        let at = asleep.at;
        let resource = endpoint("2026-10-01T00:00:00Z").resource;
        let judge = |hibernation| {
            let one = SleepingEndpoint { resource: resource.clone(), config: "churn-1".into(), hibernation };
            EndpointWakeFailed {}.check(&one, &context("2026-11-24T07:05:00Z"))
        };
        assert_eq!(judge(asleep.clone()), Verdict::Fine);
        let Verdict::Waste(waste) = judge(asleep.failing("no capacity. Try again later.".into(), at)) else { panic!() };
        let said = waste.reason.by_clock_of(&jiff::tz::TimeZone::UTC);
        assert!(said.contains(": no capacity. Try again later. The guard tries again on Tue 2026-11-24 07:15"), "{said}");
        assert!(waste.notice.advice.unwrap().contains("--endpoint-config-name churn-1"));
        assert_eq!(waste.notice.severity, Severity::Critical);
    }
}
