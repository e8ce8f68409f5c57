//! What plans charge for what was used: AWS decides what a plan covers. A usage type without a rate is not covered (money-facts §1.4).

use std::collections::BTreeMap;

use aws_sdk_savingsplans::types::{
    CurrencyCode, SavingsPlanOfferingRate, SavingsPlanProductType, SavingsPlanRateServiceCode, SavingsPlanType,
};
use cost_rules::{
    currency::Currency,
    savings_plan::{Offer, Rate, Rates, Term, Usage},
};
use rust_decimal::Decimal;

use super::hours::Hours;
use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, decimal, every_page},
};

/// Usage types in one request. AWS's model has no limit; this keeps the request short.
const AT_A_TIME: usize = 100;
/// The most rates of a page (botocore's model).
const PAGE: i32 = 1000;

/// The rates of all ways to buy a plan.
pub(super) struct OfferRates {
    pub(super) offers: BTreeMap<Offer, Rates>,
}

impl OfferRates {
    /// The part of the usage that a plan can cover.
    pub(super) fn eligible(&self, usage: &Usage) -> Usage {
        let names = usage.usage_types();
        let is_covered: Vec<bool> = names.iter().map(|name| self.offers.values().any(|rates| rates.contains_key(name))).collect();
        usage.only(&is_covered)
    }
}

/// Reads the rates of what was used. What it cost on demand comes from the bill itself.
pub(super) async fn read(clients: &Clients, hours: &Hours) -> Read<OfferRates> {
    let prices = &hours.prices;
    let mut offers: BTreeMap<Offer, Rates> = BTreeMap::new();
    let names: Vec<&String> = prices.keys().collect();
    for some in names.chunks(AT_A_TIME) {
        let call = clients
            .savingsplans
            .describe_savings_plans_offering_rates()
            .savings_plan_types(SavingsPlanType::Sagemaker)
            .products(SavingsPlanProductType::Sagemaker)
            .service_codes(SavingsPlanRateServiceCode::Sagemaker)
            .set_usage_types(Some(some.iter().map(|name| (*name).clone()).collect()))
            .max_results(PAGE);
        every_page(clients, async |token| {
            let page = call.clone().set_next_token(token).send().await;
            let page = page.map_err(|error| format!("savingsplans:DescribeSavingsPlansOfferingRates: {}", why(&error)))?;
            for one in page.search_results.unwrap_or_default() {
                add(&mut offers, one, prices)?;
            }
            Ok(page.next_token)
        })
        .await?;
    }
    Ok(OfferRates { offers })
}

/// Adds a rate. One of another currency, or in another unit than hours, is left out.
fn add(offers: &mut BTreeMap<Offer, Rates>, one: SavingsPlanOfferingRate, prices: &BTreeMap<String, Decimal>) -> Read<()> {
    let (Some(offering), Some(rate), Some(name)) = (one.savings_plan_offering, one.rate, one.usage_type) else { return Ok(()) };
    let payment = offering.payment_option.as_ref().and_then(|payment| payment.as_str().parse().ok());
    let offer = Term::of_seconds(offering.duration_seconds).zip(payment).map(|(term, payment)| Offer { term, payment });
    let has_currency = Currency::of_account().check(offering.currency.as_ref().map(CurrencyCode::as_str)).is_ok();
    let is_hours = one.unit.as_ref().is_none_or(|unit| unit.as_str() == "Hrs");
    let (Some(offer), Some(on_demand)) = (offer.filter(|_| has_currency && is_hours), prices.get(&name)) else { return Ok(()) };
    let savings_plan = decimal(&rate).map_err(|why| format!("the rate of {name}: {why}"))?;
    if Decimal::ZERO < savings_plan {
        offers.entry(offer).or_default().insert(name, Rate { on_demand: *on_demand, savings_plan });
    }
    Ok(())
}
