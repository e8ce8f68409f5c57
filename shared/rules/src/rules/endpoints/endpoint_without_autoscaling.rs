//! # endpoint-without-autoscaling
//!
//! ## What it finds
//! A real-time endpoint whose number of instances never changes, although its requests do: a setting was found that would have carried the requests of the last 14 days for less.
//! The setting (minimum, maximum, target, cooldowns, and scheduled actions where the requests keep hours) is worked out from the endpoint's own requests by the minute, and replayed over them. Of all
//! settings that keep the share of short minutes under `max-short-share`, the cheapest is proposed. A minute is short if there were more requests than its instances carry.
//!
//! What one instance carries is what it has carried at its usual latency. It may carry more: then the proposal has more instances than are needed, which is never dangerous.
//!
//! What was announced is what is attached, although the requests change meanwhile. If it does not keep `max-short-share` any more, or somebody has changed the number of instances, its owner is
//! warned anew.
//!
//! An endpoint whose auto scaling somebody took back after this guard had attached it is not judged for 90 days, and the guard never attaches it again.
//! An endpoint that this guard hibernates outside its working hours is not judged. One that is less than `min-age` old is not judged, and neither is one that is being deployed or whose metrics could not be read. A variant that AWS cannot scale is in the report with the reason.
//!
//! ## Why it costs money
//! Every instance is billed around the clock. Requests come by day, or in bursts.
//!
//! ## What happens, and what is lost
//! Its owner is mailed what the setting saves and risks, with the commands, and as `CloudFormation` and Terraform. Where code owns the endpoint, write it there: the next deployment would set
//! everything else back. With `mode = "enforce"`, the guard warns first and then attaches the setting, once. What a person changes later is never set back.
//!
//! ## Settings

use rust_decimal::{Decimal, dec, prelude::FromPrimitive as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{AutoScaling, Compute, Endpoint, Invocations, Variant},
    rules::{
        context::RuleContext,
        endpoints::proposed::{self, Proposed},
        rule::{Manner, Rule},
        verdict::Verdict,
    },
    scaling::{Question, Terms, Way, propose, propose_again},
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, Usd},
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointWithoutAutoscaling {
    /// What a setting must save, in USD per month and endpoint.
    min_saving: Usd,
    /// The number of instances below which no variant is scaled. AWS recommends two and more for production: `[[override]] match = { tag.Environment = "prod*" }`.
    #[schemars(range(min = 1))]
    min_instances: u32,
    /// The share of minutes that may be short.
    #[schemars(range(min = 0.0, max = 0.5))]
    max_short_share: f64,
    /// How long an instance takes from its start until it serves, if no scaling activity of the variant tells.
    start_up: Duration,
    /// How old an endpoint must be to be judged: at most 14 days.
    min_age: Duration,
}

impl Default for EndpointWithoutAutoscaling {
    fn default() -> Self {
        Self { min_saving: Usd(dec!(20)), min_instances: 1, max_short_share: 0.001, start_up: Terms::START_UP, min_age: Duration::days(3) }
    }
}

impl Rule for EndpointWithoutAutoscaling {
    const NAME: &'static str = "endpoint-without-autoscaling";
    const TO_DO: &'static str = "set auto scaling";
    // An endpoint of production is changed: its owner has time to look at it.
    const MANNER: Manner = Manner { grace: Duration::days(3), ..Manner::ENFORCEABLE };
    type Subject = Endpoint;

    fn nonsense(&self) -> Option<&'static str> {
        if self.min_instances < 1 {
            return Some("`min-instances` is 0: a real-time variant has at least one instance");
        }
        if !(0.0..=0.5).contains(&self.max_short_share) {
            return Some("`max-short-share` is not between 0 and 0.5");
        }
        if Duration::days(14) < self.min_age {
            return Some("`min-age` is more than 14 days: CloudWatch is asked for the last 14 days");
        }
        (Duration::hours(2) < self.start_up).then_some("`start-up` is more than two hours: AWS gives up before that")
    }

    fn concerns(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_real_time() && endpoint.variants.iter().any(|one| self.is_meant(endpoint, one))
    }

    fn needs_minutes(&self, endpoint: &Endpoint, cx: &RuleContext<'_>) -> bool {
        let is_old = endpoint.judged_old(self.min_age, cx.now).is_ok();
        let most = |variant: &Variant| {
            cx.hourly_of_variant(variant).map(|(count, each)| each * Decimal::from(count - self.min_instances.min(count)))
        };
        let saved: Decimal = endpoint.variants.iter().filter(|one| self.is_meant(endpoint, one) && is_used(one)).filter_map(most).sum();
        self.concerns(endpoint) && is_old && !endpoint.sleeps_by_hours(cx.now) && self.min_saving.0 <= saved * HOURS_PER_MONTH
    }

    fn check(&self, endpoint: &Endpoint, cx: &RuleContext<'_>) -> Verdict {
        if let Err(verdict) = endpoint.judged_old(self.min_age, cx.now) {
            return verdict;
        }
        // Its nights tell nothing, and scheduled actions would be missed while it sleeps.
        if endpoint.sleeps_by_hours(cx.now) {
            return Verdict::Exempt("it is hibernated outside its working hours".to_owned());
        }
        if endpoint.was_taken_back(cx.now) || endpoint.is_begun_below(Way::Follow, self.min_instances) {
            return Verdict::Fine;
        }
        let mut proposed = vec![];
        for variant in endpoint.variants.iter().filter(|one| self.is_meant(endpoint, one)) {
            match self.judge(endpoint, variant, cx) {
                Ok(found) => proposed.extend(found),
                Err(verdict) => return verdict,
            }
        }
        let usd_per_month: Decimal = proposed.iter().map(|one| one.usd_per_month).sum();
        if proposed.is_empty() || usd_per_month < self.min_saving.0 {
            return Verdict::Fine;
        }
        Verdict::Waste(Box::new(proposed::waste(endpoint, &proposed, usd_per_month)))
    }
}

impl EndpointWithoutAutoscaling {
    /// Whether the number of a variant's instances is to be judged.
    fn is_meant(&self, endpoint: &Endpoint, variant: &Variant) -> bool {
        let Compute::Instances { desired, fixed, .. } = &variant.compute else { return false };
        // What the guard began to attach is finished, though its target may be there already.
        let has_none = endpoint.is_begun(Way::Follow) || !matches!(variant.scaling, AutoScaling::Target(_));
        !variant.is_shadow && fixed.is_none() && self.min_instances < *desired && has_none
    }

    /// The proposal for a variant that has no auto scaling. `Ok(None)`: nothing is saved.
    fn judge<'a>(&self, endpoint: &Endpoint, variant: &'a Variant, cx: &RuleContext<'_>) -> Result<Option<Proposed<'a>>, Verdict> {
        let unknown = |why: String| Verdict::Unknown(format!("variant {}: {why}", variant.name));
        if variant.scaling == AutoScaling::Unread {
            return Err(unknown("its auto scaling could not be read".into()));
        }
        let invocations = variant.invocations.as_ref().ok_or_else(|| unknown("how often it was called could not be read".into()))?;
        // One that nobody calls is the matter of `endpoint-idle`.
        if !is_used(variant) {
            return Ok(None);
        }
        let Some((instances, each)) = cx.hourly_of_variant(variant) else { return Err(unknown("its price is not known".into())) };
        let Some(Invocations { minutes: Some(minutes), carries, .. }) = variant.invocations.as_ref() else {
            return if self.needs_minutes(endpoint, cx) {
                Err(unknown("its requests by the minute could not be read".into()))
            } else {
                Ok(None)
            };
        };
        let carries =
            carries.ok_or_else(|| unknown("what one instance carries cannot be told: no minute has requests and a latency".into()))?;
        let start_up = variant.start_up.unwrap_or(self.start_up);
        let question = Question {
            terms: Terms { per_instance: carries.per_minute, start_up, metric_delay: Terms::METRIC_DELAY },
            instances,
            min_instances: self.min_instances,
            max_short_share: self.max_short_share,
            zone: cx.policy.zone_of(cx.policy.team_of(&endpoint.resource).as_deref()).clone(),
        };
        // What its owner was warned of is done, as long as it still keeps the limit.
        let announced = endpoint.announced_for(&variant.name, instances);
        let again = || announced.and_then(|setting| propose_again(minutes, &question, setting));
        let proposal = invocations.proposal.get_or_init(|| Box::new(again().unwrap_or_else(|| propose(minutes, &question))));
        let saved = Decimal::from_f64(proposal.saved_hours_per_month()).unwrap_or_default() * each;
        Ok((Decimal::ZERO < saved).then_some(Proposed { variant, proposal, carries, start_up, usd_per_month: saved }))
    }
}

fn is_used(variant: &Variant) -> bool {
    variant.invocations.as_ref().is_some_and(|invocations| invocations.last_used().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::Fixed,
        rules::verdict::Waste,
        samples::*,
        scaling::{Bound, Capacity, Traffic},
    };

    const NOW: &str = "2026-11-24T12:00:00Z";

    /// Four `ml.m5.large`, each carrying 100 requests a minute. So many requests a minute from 8 to 18 o'clock UTC, a tenth of it else.
    fn busy_by_day(requests: u64) -> Endpoint {
        let mut endpoint = endpoint("2026-10-01T00:00:00Z");
        let from: jiff::Timestamp = "2026-11-10T12:00:00Z".parse().unwrap();
        let minutes: Vec<u64> =
            (0..14 * 1440).map(|minute| if (8..18).contains(&((minute / 60 + 12) % 24)) { requests } else { requests / 10 }).collect();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let hours = minutes.chunks(60).map(|hour| Some(hour.iter().sum::<u64>() as f32)).collect();
        let variant = &mut endpoint.variants[0];
        variant.compute = Compute::Instances { instance_type: Some("ml.m5.large".into()), current: 4, desired: 4, fixed: None };
        variant.invocations = Some(Invocations {
            minutes: Some(Traffic::new(from, minutes.into_iter().map(Some))),
            carries: Some(Capacity { per_minute: 100.0, bound: Bound::Carried }),
            ..Invocations::by_hour(from, hours)
        });
        endpoint
    }

    fn waste_of(endpoint: &Endpoint) -> Option<Waste> {
        match EndpointWithoutAutoscaling::default().check(endpoint, &context(NOW)) {
            Verdict::Fine => None,
            Verdict::Waste(waste) => Some(*waste),
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn a_fixed_number_of_instances_for_requests_by_day() {
        let waste = waste_of(&busy_by_day(350)).unwrap();
        let usd = waste.usd_per_month.unwrap();
        // 14 of 24 hours with one instead of four instances of 0.115 USD an hour save 147 USD a month; starting early and ending late takes some of it.
        assert!(dec!(120) < usd && usd < dec!(147), "{usd}");
        let reason = waste.reason.to_string();
        assert!(reason.starts_with("AllTraffic runs 4 instances around the clock: 1 to "), "{reason}");
        assert!(reason.contains(" would have handled its requests of the last 14 days for $"), "{reason}");
        let titles: Vec<String> = waste.notice.before.iter().chain(&waste.notice.details).map(|detail| detail.title.to_string()).collect();
        assert!(
            titles.iter().any(|title| title.starts_with("Assumed: one instance handles 100 requests a minute (the most")),
            "{titles:?}"
        );
        let overload =
            "Overload: minutes of the last 14 days in which AllTraffic got more requests than its instances handle: 0 with 4 instances, ";
        assert!(titles.iter().any(|title| title.starts_with(overload) && title.contains("The guard accepts 20.")), "{titles:?}");
        assert!(titles.iter().any(|title| title.contains("% of that. It was tried on these requests")), "{titles:?}");
        assert!(titles.iter().any(|title| title.starts_with("Setting of AllTraffic: 1 to ")), "{titles:?}");
        assert!(titles.iter().all(|title| !title.starts_with("As ")), "what is set by hand is at the end of the mail: {titles:?}");
        let commands = &waste.notice.by_hand[0];
        assert!(commands.list[0].contains("register-scalable-target --region us-east-1"), "{:?}", commands.list);
    }

    /// What would be attached, by these requests.
    fn attached(endpoint: &Endpoint) -> Vec<crate::scaling::Attachment> {
        let Some(crate::remedy::Remedy::AttachScaling(Way::Follow, attachments)) = waste_of(endpoint).map(|waste| waste.remedy) else {
            panic!()
        };
        attachments
    }

    #[test]
    fn what_was_announced_is_attached_as_long_as_it_holds() {
        let announced = attached(&busy_by_day(350));
        let by_now = |requests: u64, change: fn(&mut crate::scaling::Attachment)| {
            let mut one = busy_by_day(requests);
            one.announced.clone_from(&announced);
            change(&mut one.announced[0]);
            attached(&one)
        };
        // These requests alone would have another target.
        assert_ne!(attached(&busy_by_day(330)), announced);
        assert_eq!(by_now(330, |_| {}), announced, "the announced one still keeps the limit");
        assert_ne!(by_now(390, |announced| announced.max = 3), announced, "it would be short");
        assert_eq!(by_now(330, |announced| announced.instances = 5), attached(&busy_by_day(330)), "somebody has changed the instances");
        let two = EndpointWithoutAutoscaling { min_instances: 2, ..EndpointWithoutAutoscaling::default() };
        let mut one = busy_by_day(350);
        one.announced.clone_from(&announced);
        let Verdict::Waste(waste) = two.check(&one, &context(NOW)) else { panic!() };
        assert!(waste.reason.to_string().contains("the clock: 2 to "), "the policy keeps two by now: {}", waste.reason);
    }

    #[test]
    fn what_saves_too_little_or_is_not_used_is_fine() {
        assert!(waste_of(&busy_by_day(0)).is_none(), "endpoint-idle finds it");
        let mut one = busy_by_day(90);
        one.variants[0].compute = Compute::Instances { instance_type: Some("ml.m5.large".into()), current: 1, desired: 1, fixed: None };
        assert!(waste_of(&one).is_none());
        let mut cheap = busy_by_day(350);
        cheap.created = Some("2026-11-22T00:00:00Z".parse().unwrap());
        assert!(waste_of(&cheap).is_none(), "two days old");
    }

    #[test]
    fn minutes_are_read_only_where_they_may_pay() {
        let rule = EndpointWithoutAutoscaling::default();
        let mut endpoint = busy_by_day(350);
        assert!(rule.needs_minutes(&endpoint, &context(NOW)));
        for (compute, needs) in [
            (Compute::Instances { instance_type: Some("ml.m5.large".into()), current: 1, desired: 1, fixed: None }, false),
            (Compute::Instances { instance_type: Some("ml.m5.large".into()), current: 2, desired: 2, fixed: Some(Fixed::Reserved) }, false),
            (Compute::Instances { instance_type: None, current: 2, desired: 2, fixed: None }, false),
            (Compute::Instances { instance_type: Some("ml.m5.large".into()), current: 2, desired: 2, fixed: None }, true),
        ] {
            endpoint.variants[0].compute = compute;
            assert_eq!(rule.needs_minutes(&endpoint, &context(NOW)), needs, "{endpoint:?}");
        }
    }

    fn invocations(endpoint: &mut Endpoint) -> &mut Invocations {
        endpoint.variants[0].invocations.as_mut().unwrap()
    }

    #[test]
    fn what_is_not_known_is_not_proposed() {
        let verdict = |change: fn(&mut Endpoint)| {
            let mut endpoint = busy_by_day(350);
            change(&mut endpoint);
            EndpointWithoutAutoscaling::default().check(&endpoint, &context(NOW))
        };
        for (what, verdict) in [
            ("auto scaling", verdict(|one| one.variants[0].scaling = AutoScaling::Unread)),
            ("how often", verdict(|one| one.variants[0].invocations = None)),
            ("by the minute", verdict(|one| invocations(one).minutes = None)),
            ("what one instance carries", verdict(|one| invocations(one).carries = None)),
        ] {
            assert!(matches!(&verdict, Verdict::Unknown(why) if why.contains(what)), "{what}: {verdict:?}");
        }
        assert_eq!(verdict(|one| one.is_deploying = true), Verdict::Later);
    }
}
