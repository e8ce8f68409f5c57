//! Rules about endpoints.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    facts::{Compute, Endpoint, Invocations, RunState, Serving, Variant},
    rules::{
        context::{RuleContext, judged_run},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, Instances},
        text::argument,
        timed_text::TimedText,
    },
};

mod attaching;
pub mod endpoint_autoscaling_ineffective;
pub mod endpoint_idle;
pub mod endpoint_never_at_zero;
pub mod endpoint_off_hours;
pub mod endpoint_wake_failed;
pub mod endpoint_without_autoscaling;
mod proposed;
pub mod provisioned_concurrency_unused;
pub(crate) mod sleep;

impl Endpoint {
    /// When it was created. `Err`: the verdict on an endpoint that is not in service, or on its way to another state.
    pub(crate) fn judged_run(&self) -> Result<Timestamp, Verdict> {
        match self.state {
            // A deployment may change anything that a rule would say.
            RunState::InService if self.is_deploying => Err(Verdict::Later),
            state => judged_run(state, self.created),
        }
    }

    /// The same of an endpoint that is old enough to be judged. One that is younger is fine. Hibernating it does not make it a new one.
    pub(crate) fn judged_old(&self, min_age: Duration, now: Timestamp) -> Result<Timestamp, Verdict> {
        let created = self.judged_run()?;
        let first = self.first_created().unwrap_or(created);
        if now.duration_since(first) < min_age.signed() { Err(Verdict::Fine) } else { Ok(first) }
    }

    /// Whether it costs money while nobody calls it.
    pub(crate) fn is_billed_when_idle(&self) -> bool {
        self.variants.iter().any(|variant| match &variant.compute {
            Compute::Instances { current, desired, .. } => 0 < *current.max(desired),
            Compute::Serverless { provisioned, .. } => provisioned.is_some(),
        })
    }

    /// When the last hour with a request ended. `Ok(None)`: there was none. `Err`: it is not known.
    pub(crate) fn known_use(&self) -> Result<Option<Timestamp>, Verdict> {
        self.last_used().map_err(|what| Verdict::Unknown(format!("how often it was called is not known: {what} could not be read")))
    }

    /// The same. `Err`: it is not known, or requests wait.
    pub(crate) fn judged_use(&self) -> Result<Option<Timestamp>, Verdict> {
        let used = self.known_use()?;
        match (self.serving, &self.backlog) {
            (Serving::Asynchronous, None) => Err(Verdict::Unknown("how many requests wait in its queue could not be read".into())),
            (Serving::Asynchronous, Some(backlog)) if backlog.has_waited() => Err(Verdict::Fine),
            _ => Ok(used),
        }
    }

    /// The first hour of which it is known whether it was called: every rule looks back to the same one.
    pub(crate) fn known_from(&self) -> Option<Timestamp> {
        self.uses().map(|invocations| invocations.from).max()
    }

    /// How many hours had no work, neither did the hours around them, and how many hours there are in the last 14 days, or since it was created. `None`: no use is
    /// known.
    pub(crate) fn quiet_hours(&self, created: Timestamp) -> Option<(usize, usize)> {
        let uses: Vec<&Invocations> = self.uses().collect();
        let from = uses.first()?.from;
        let hours = uses.iter().map(|invocations| invocations.hours.len()).min()?;
        let busy = |hour: usize| uses.iter().any(|invocations| invocations.hours[hour].is_some_and(|requests| 0.0 < requests));
        // A request may begin in one hour and end in the next, and an instance goes some time after the last one.
        let quiet = |hour: &usize| !(hour.saturating_sub(1)..=(hour + 1).min(hours - 1)).any(busy);
        // The first and the last hour are parts of hours, which are 14 days with the others.
        let before = usize::try_from(created.duration_since(from).as_hours()).unwrap_or(0).max(hours.saturating_sub(14 * 24)).min(hours);
        Some(((before..hours).filter(quiet).count(), hours - before))
    }

    /// The commands that delete it and create it again, and what is lost. `what`: what to do, without the command.
    pub(crate) fn how_to_delete(&self, what: &str) -> String {
        let (region, name) = (self.resource.region_option(), argument(&self.resource.name));
        let delete = format!("aws sagemaker delete-endpoint {region}--endpoint-name {name}");
        let Some(config) = &self.config else { return format!("{what}: {delete}") };
        format!(
            "{what}: {delete}\n\
             Its model and its configuration stay. Its auto scaling, tags and resource policy are lost, and its callers get errors.\n\
             Create it again: aws sagemaker create-endpoint {region}--endpoint-name {name} --endpoint-config-name {}",
            argument(config)
        )
    }
}

impl RuleContext<'_> {
    /// USD per hour of all instances of an endpoint. `None`: a price or an instance type is not known, or it has no instances.
    pub(crate) fn hourly_of_endpoint(&self, endpoint: &Endpoint) -> Option<Decimal> {
        self.hourly_of(&endpoint.instances()?)
    }

    /// How many instances a variant has, and what each costs in USD per hour. `None`: it has none, or their price is not known.
    pub(crate) fn hourly_of_variant(&self, variant: &Variant) -> Option<(u32, Decimal)> {
        let Compute::Instances { instance_type: Some(instance_type), desired, .. } = &variant.compute else { return None };
        let one = Instances { instance_type: instance_type.clone(), count: 1 };
        Some((*desired, self.hourly_of(&[one])?))
    }

    /// The waste of an endpoint that costs so much per hour in this share of the hours.
    pub(crate) fn endpoint_waste(&self, endpoint: &Endpoint, reason: TimedText, share: Decimal) -> Waste {
        let usd_per_hour = self.hourly_of_endpoint(endpoint);
        let unpriced = usd_per_hour.is_none().then(|| endpoint.instances().unwrap_or_default());
        let notice = Notice { unpriced, ..Notice::default() };
        Waste { reason, usd_per_hour, usd_per_month: usd_per_hour.map(|usd| usd * HOURS_PER_MONTH * share), notice, ..Waste::default() }
    }
}
