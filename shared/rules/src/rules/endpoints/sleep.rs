//! Whether an endpoint may be hibernated, by what is known of it (aws-facts §3.6).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{AttachStage, AutoScaling, CanSleep, Compute, Endpoint, Fixed, Hibernation, Serving, Variant},
    policy::{AlsoSleeps, Policy},
    remedy::{Remedy, Sleep, WakesBy},
    rules::{context::RuleContext, rule::RemedyName},
    vocabulary::{duration::Duration, resource::Resource},
};

/// An endpoint that was hibernated by its working hours of late will be so again: holidays may lie between.
const USUAL: Duration = Duration::days(7);

/// Families of instance types with GPUs or other accelerators, by their first letters: `ml.g5.xlarge`, `ml.p4d.24xlarge`, `ml.inf2.xlarge`, `ml.trn1.2xlarge`.
const ACCELERATED: [&str; 5] = ["g", "p", "inf", "trn", "dl"];

/// Keys of tags that name an environment.
const ENVIRONMENT: [&str; 3] = ["environment", "env", "stage"];

/// The setting `remedy` of a rule about endpoints that nobody needs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EndpointRemedy {
    None,
    Hibernate,
}

impl EndpointRemedy {
    pub(crate) fn name(self) -> Option<RemedyName> {
        (self == Self::Hibernate).then_some(RemedyName::Hibernate)
    }

    pub(crate) fn lacks(self) -> Option<&'static str> {
        (self == Self::None).then_some("has no `remedy`: write remedy = \"hibernate\"")
    }

    /// What the guard would do about an endpoint. If nothing, the end of the reason, which says why.
    pub(crate) fn of(self, endpoint: &Endpoint, wakes: WakesBy, cx: &RuleContext<'_>) -> (Remedy, String) {
        if self == Self::None {
            return (Remedy::None, String::new());
        }
        match endpoint.sleep(wakes, cx.policy) {
            Ok(sleep) => (Remedy::Hibernate(sleep), String::new()),
            Err(why) => (Remedy::None, format!("; only reported, because {why}")),
        }
    }
}

impl Endpoint {
    /// How it is hibernated.
    ///
    /// # Errors
    /// Why it must not be, as the end of a sentence.
    pub fn sleep(&self, wakes: WakesBy, policy: &Policy) -> Result<Sleep, String> {
        let config = self.config.clone().ok_or("its configuration is not known")?;
        let refused = |why: &str| Err(why.to_owned());
        match self.serving {
            Serving::RealTime | Serving::Asynchronous => {}
            Serving::Components => return refused("inference components would have to be deleted with it"),
            Serving::Serverless => return refused("it is serverless"),
            Serving::Unknown => return refused("its configuration could not be read"),
        }
        if let Some(why) = self.variants.iter().find_map(of_variant) {
            return Err(why);
        }
        // One that is due while it sleeps would be missed, and the endpoint would run through the day with the capacity of the night.
        if wakes == WakesBy::WorkingHours && self.variants.iter().any(has_scheduled_actions) {
            return refused("its auto scaling has scheduled actions, which could be missed while it sleeps");
        }
        if self.attached.as_ref().is_some_and(|attached| attached.stage == AttachStage::Attaching) {
            return refused("auto scaling is being attached to it");
        }
        let also = &policy.hibernation.also;
        if !also.contains(&AlsoSleeps::Gpu) && self.variants.iter().any(is_accelerated) {
            return refused(
                "AWS may have no capacity for its GPUs when it is to be created again (`also = [\"gpu\"]` in `[hibernation]` allows it)",
            );
        }
        if !also.contains(&AlsoSleeps::Production)
            && let Some(tag) = tag_of_production(&self.resource)
        {
            return Err(format!("its tag {tag} says that it is production (`also = [\"production\"]` in `[hibernation]` allows it)"));
        }
        match &self.can_sleep {
            CanSleep::NotLooked | CanSleep::Yes => Ok(Sleep { config, wakes }),
            CanSleep::No(why) => Err(why.clone()),
            CanSleep::Unknown(why) => Err(format!("it is not known whether it could be created again as it is: {why}")),
        }
    }
}

impl Endpoint {
    /// Whether the guard hibernates it outside its working hours.
    pub(crate) fn sleeps_by_hours(&self, now: Timestamp) -> bool {
        let is_recent = |hibernation: &Hibernation| now.duration_since(hibernation.since) < USUAL.signed();
        self.hibernation.as_ref().is_some_and(|hibernation| hibernation.wakes == WakesBy::WorkingHours && is_recent(hibernation))
    }
}

/// Why an endpoint with this variant is not hibernated.
fn of_variant(variant: &Variant) -> Option<String> {
    let name = &variant.name;
    if variant.is_shadow {
        return Some(format!("{name} is a shadow variant: a test may be under way"));
    }
    if variant.scaling == AutoScaling::Unread {
        return Some(format!("the auto scaling of {name} could not be read"));
    }
    match &variant.compute {
        Compute::Instances { fixed: Some(fixed @ (Fixed::Reserved | Fixed::Managed { .. })), .. } => {
            Some(format!("of {name}, {}", fixed.why()))
        }
        Compute::Instances { .. } => None,
        Compute::Serverless { .. } => Some(format!("{name} is serverless")),
    }
}

fn has_scheduled_actions(variant: &Variant) -> bool {
    matches!(&variant.scaling, AutoScaling::Target(scaling) if !scaling.scheduled.is_empty())
}

/// Whether it runs on GPUs or other accelerators. A type that is not known counts as one.
fn is_accelerated(variant: &Variant) -> bool {
    let Compute::Instances { instance_type, .. } = &variant.compute else { return false };
    let Some(family) = instance_type.as_deref().and_then(|name| name.strip_prefix("ml.")) else { return true };
    let letters: String = family.chars().take_while(char::is_ascii_alphabetic).collect();
    ACCELERATED.contains(&letters.as_str())
}

/// The tag by which it is production.
fn tag_of_production(resource: &Resource) -> Option<String> {
    let mut tags = resource.tags.read().into_iter().flatten();
    let of_environment = |key: &str| ENVIRONMENT.iter().any(|known| key.trim().eq_ignore_ascii_case(known));
    let is_production = |value: &str| value.trim().to_ascii_lowercase().starts_with("prod");
    tags.find(|(key, value)| of_environment(key) && is_production(value)).map(|(key, value)| format!("{key}={value}"))
}

/// The stage that a tag names, in lower case: `prod`, `test`. `None`: no tag names one.
pub(crate) fn stage_of(resource: &Resource) -> Option<String> {
    let mut tags = resource.tags.read().into_iter().flatten();
    tags.find(|(key, _)| reads_tag(key)).map(|(_, value)| value.trim().to_ascii_lowercase()).filter(|stage| !stage.is_empty())
}

/// Whether [`Endpoint::sleep`] and [`stage_of`] read this tag.
pub(crate) fn reads_tag(key: &str) -> bool {
    ENVIRONMENT.iter().any(|known| key.trim().eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Attached, Invocations},
        samples::{endpoint, with_tags},
        scaling::Way,
    };

    fn refused(policy: &str, change: impl FnOnce(&mut Endpoint)) -> Option<String> {
        let mut one = endpoint("2026-10-01T00:00:00Z");
        one.variants[0].scaling = AutoScaling::None;
        change(&mut one);
        one.sleep(WakesBy::Asking, &Policy::from_toml(policy).unwrap()).err()
    }

    fn on(one: &mut Endpoint, instance_type: Option<&str>, of: Option<Fixed>) {
        let instance_type = instance_type.map(str::to_owned);
        one.variants[0].compute = Compute::Instances { instance_type, current: 1, desired: 1, fixed: of };
    }

    #[test]
    fn only_what_comes_back_as_it_was_may_sleep() {
        assert_eq!(refused("", |_| ()), None);
        assert_eq!(refused("", |one| one.serving = Serving::Asynchronous), None);
        assert_eq!(
            refused("", |one| one.variants[0].invocations = Some(Invocations::by_hour("2026-11-10T12:00:00Z".parse().unwrap(), vec![]))),
            None
        );
        for (says, change) in [
            ("configuration is not known", (|one| one.config = None) as fn(&mut Endpoint)),
            ("inference components", |one| one.serving = Serving::Components),
            ("serverless", |one| one.serving = Serving::Serverless),
            ("could not be read", |one| one.serving = Serving::Unknown),
            ("shadow variant", |one| one.variants[0].is_shadow = true),
            ("could not be read", |one| one.variants[0].scaling = AutoScaling::Unread),
            ("reserved capacity", |one| on(one, Some("ml.m5.large"), Some(Fixed::Reserved))),
            ("no capacity for its GPUs", |one| on(one, Some("ml.g5.xlarge"), None)),
            ("no capacity for its GPUs", |one| on(one, Some("ml.p4de.24xlarge"), None)),
            ("no capacity for its GPUs", |one| on(one, Some("ml.inf2.xlarge"), None)),
            ("no capacity for its GPUs", |one| on(one, None, None)),
            ("is being attached", |one| {
                let at = "2026-11-10T12:00:00Z".parse().unwrap();
                one.attached =
                    Some(Attached { attachments: vec![], stage: AttachStage::Attaching, at, way: Way::Follow, usd_per_month: None });
            }),
            ("it has monitoring schedules", |one| one.can_sleep = CanSleep::No("it has monitoring schedules".into())),
            ("is not known", |one| one.can_sleep = CanSleep::Unknown("sagemaker:DescribeModel: no answer".into())),
        ] {
            let why = refused("", change).unwrap_or_default();
            assert!(why.contains(says), "{says}: {why}");
        }
    }

    #[test]
    fn gpus_and_production_need_the_policys_word() {
        let gpu = |one: &mut Endpoint| on(one, Some("ml.g5.xlarge"), None);
        assert_eq!(refused("[hibernation]\nalso = [\"gpu\"]", gpu), None);
        for (tag, is_production) in [
            (("Environment", "Production"), true),
            (("env ", " PROD-eu"), true),
            (("Stage", "prod"), true),
            (("Environment", "preprod"), false),
            (("Product", "prod"), false),
        ] {
            let tagged = |one: &mut Endpoint| one.resource = with_tags(one.resource.clone(), &[tag]);
            assert_eq!(refused("", tagged).is_some(), is_production, "{tag:?}");
            assert_eq!(refused("[hibernation]\nalso = [\"production\"]", tagged), None, "{tag:?}");
        }
    }

    #[test]
    fn types_without_accelerator() {
        for name in ["ml.m5.large", "ml.c7g.xlarge", "ml.t2.medium", "ml.r6gd.large", "ml.c6in.large"] {
            assert_eq!(refused("", |one| on(one, Some(name), None)), None, "{name}");
        }
    }
}
