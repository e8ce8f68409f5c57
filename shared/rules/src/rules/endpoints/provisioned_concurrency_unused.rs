//! # provisioned-concurrency-unused
//!
//! ## What it finds
//! A serverless endpoint whose provisioned concurrency is used so little that its requests would be cheaper without it. It pays from a use of about 60 % on: what is kept ready costs
//! `ready-gb-second` for each second and GB of memory, and in exchange a request costs `busy-gb-second` instead of `serverless-gb-second` (section `[prices]`). The use is the mean of the last 14 days.
//! What the difference comes to must reach `min-saving`. An endpoint that is less than 14 days old is not judged, and neither is one that is being deployed or whose use could not be read.
//!
//! The shipped prices are those of us-east-1. AWS publishes them for each memory size; those of other sizes than 2 GB are taken in proportion.
//!
//! ## Why it costs money
//! Provisioned concurrency is billed around the clock, whether there are requests or not.
//!
//! ## What happens, and what is lost
//! Its owner is mailed. Without provisioned concurrency, requests after a pause wait for a cold start.
//!
//! ## Settings

use rust_decimal::{Decimal, dec, prelude::FromPrimitive as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Compute, Endpoint, Variant},
    inference::Rates,
    policy::NO_RATES,
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, Usd},
        text::{argument, quoted},
    },
};

/// How far back the use is read.
const WINDOW: Duration = Duration::days(14);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ProvisionedConcurrencyUnused {
    /// What must be saved, in USD per month and endpoint.
    min_saving: Usd,
}

impl Default for ProvisionedConcurrencyUnused {
    fn default() -> Self {
        Self { min_saving: Usd(dec!(5)) }
    }
}

impl Rule for ProvisionedConcurrencyUnused {
    const NAME: &'static str = "provisioned-concurrency-unused";
    const TO_DO: &'static str = "remove its provisioned concurrency, or let auto scaling set it";
    type Subject = Endpoint;

    fn concerns(&self, endpoint: &Endpoint) -> bool {
        endpoint.variants.iter().any(|variant| provisioned(variant).is_some())
    }

    fn check(&self, endpoint: &Endpoint, cx: &RuleContext<'_>) -> Verdict {
        if let Err(verdict) = endpoint.judged_old(WINDOW, cx.now) {
            return verdict;
        }
        let Some(rates) = endpoint.resource.region().and_then(|region| cx.policy.rates_of(region)) else {
            return Verdict::Unknown(NO_RATES.into());
        };
        let (mut usd_per_hour, mut told) = (Decimal::ZERO, vec![]);
        for (variant, ready, gb) in
            endpoint.variants.iter().filter_map(|variant| provisioned(variant).map(|(ready, gb)| (variant, ready, gb)))
        {
            let Some(used) = variant.provisioned_use.and_then(Decimal::from_f64) else {
                return Verdict::Unknown(format!("variant {}: the use of its provisioned concurrency could not be read", variant.name));
            };
            let saved = saved(&rates, used) * gb * Decimal::from(ready) * dec!(3600);
            if Decimal::ZERO < saved {
                usd_per_hour += saved;
                told.push(format!(
                    "{} keeps {ready} environments ready, of which {:.0} % were in use on average",
                    variant.name,
                    used * dec!(100)
                ));
            }
        }
        let usd_per_month = usd_per_hour * HOURS_PER_MONTH;
        if told.is_empty() || usd_per_month < self.min_saving.0 {
            return Verdict::Fine;
        }
        let notice = Notice { headline: Some("hardly used provisioned concurrency"), advice: Some(advice(endpoint)), ..Notice::default() };
        let (usd_per_hour, usd_per_month) = (Some(usd_per_hour), Some(usd_per_month));
        Verdict::Waste(Box::new(Waste { reason: told.join("; ").into(), usd_per_hour, usd_per_month, notice, ..Waste::default() }))
    }
}

/// What a second and GB would cost less without provisioned concurrency, at this share of use. Negative: it pays.
fn saved(rates: &Rates, used: Decimal) -> Decimal {
    let price = |rate: f64| Decimal::from_f64(rate).unwrap_or_default();
    price(rates.ready) + used * price(rates.busy) - used * price(rates.on_demand)
}

/// How many environments a variant keeps ready, and the memory of each in GB.
fn provisioned(variant: &Variant) -> Option<(u32, Decimal)> {
    match variant.compute {
        Compute::Serverless { memory_mb, provisioned } => Some((provisioned?, Decimal::from(memory_mb) / dec!(1024))),
        Compute::Instances { .. } => None,
    }
}

fn advice(endpoint: &Endpoint) -> String {
    let (region, name) = (endpoint.resource.region_option(), argument(&endpoint.resource.name));
    let fewer: Vec<String> = endpoint
        .variants
        .iter()
        .filter(|variant| provisioned(variant).is_some())
        .map(|variant| {
            let wanted = format!("[{{\"VariantName\":\"{}\",\"ServerlessUpdateConfig\":{{\"ProvisionedConcurrency\":1}}}}]", variant.name);
            format!(
                "aws sagemaker update-endpoint-weights-and-capacities {region}--endpoint-name {name} --desired-weights-and-capacities {}",
                quoted(&wanted)
            )
        })
        .collect();
    format!(
        "update the endpoint to a configuration without ProvisionedConcurrency, or keep only one environment ready:\n{}",
        fewer.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    const NOW: &str = "2026-11-24T12:00:00Z";

    /// Five environments of 2 GB, of which this share is in use.
    fn serverless(used: Option<f64>) -> Endpoint {
        let mut endpoint = endpoint("2026-10-01T00:00:00Z");
        endpoint.variants[0].compute = Compute::Serverless { memory_mb: 2048, provisioned: Some(5) };
        endpoint.variants[0].provisioned_use = used;
        endpoint
    }

    fn check(endpoint: &Endpoint) -> Verdict {
        ProvisionedConcurrencyUnused::default().check(endpoint, &context(NOW))
    }

    #[test]
    fn it_pays_from_sixty_percent_on() {
        // Kept ready, five environments of 2 GB cost 0.00005 USD a second: 131.40 USD a month.
        for (used, usd) in [(0.0, Some(dec!(131.40))), (0.3, Some(dec!(65.57))), (0.55, Some(dec!(10.71))), (0.6, None), (1.0, None)] {
            match check(&serverless(Some(used))) {
                Verdict::Fine => assert_eq!(usd, None, "{used}"),
                Verdict::Waste(waste) => assert_eq!(waste.usd_per_month.map(|usd| usd.round_dp(2)), usd, "{used}"),
                verdict => panic!("{verdict:?}"),
            }
        }
        let Verdict::Waste(waste) = check(&serverless(Some(0.3))) else { panic!() };
        assert_eq!(waste.reason, "AllTraffic keeps 5 environments ready, of which 30 % were in use on average");
        assert!(
            waste.notice.advice.unwrap().contains(r#"{"VariantName":"AllTraffic","ServerlessUpdateConfig":{"ProvisionedConcurrency":1}}"#)
        );
    }

    #[test]
    fn what_is_not_known_or_new_is_not_judged() {
        assert!(matches!(check(&serverless(None)), Verdict::Unknown(_)));
        let mut elsewhere = serverless(Some(0.0));
        elsewhere.resource.arn = Some("arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn".into());
        assert!(
            matches!(check(&elsewhere), Verdict::Unknown(why) if why.starts_with("the serverless prices of this Region are not known: set all of"))
        );
        let young = Endpoint { created: Some("2026-11-20T00:00:00Z".parse().unwrap()), ..serverless(Some(0.0)) };
        assert_eq!(check(&young), Verdict::Fine);
        assert!(!ProvisionedConcurrencyUnused::default().concerns(&endpoint("2026-10-01T00:00:00Z")));
    }
}
