//! What AWS recommends (money-facts §4.1). It counts the waste, and nothing here makes it count anew.

use aws_sdk_costexplorer::{
    operation::get_savings_plans_purchase_recommendation::GetSavingsPlansPurchaseRecommendationOutput,
    types::{LookbackPeriodInDays, PaymentOption, SupportedSavingsPlansType, TermInYears},
};
use cost_rules::{
    currency::Currency,
    savings_plan::{ByAws, Offer, Payment, Term},
};
use rust_decimal::Decimal;

use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, decimal},
};

/// AWS's recommendation for each way to buy a plan, where it has one, and the number of requests.
pub(super) async fn read(clients: &Clients) -> (Read<Vec<ByAws>>, u32) {
    let mut found = vec![];
    let mut requests = 0;
    for offer in Offer::ALL {
        requests += 1;
        match one(clients, offer).await {
            Ok(recommended) => found.extend(recommended),
            Err(why) => return (Err(why), requests),
        }
    }
    (Ok(found), requests)
}

async fn one(clients: &Clients, offer: Offer) -> Read<Option<ByAws>> {
    let term = match offer.term {
        Term::OneYear => TermInYears::OneYear,
        Term::ThreeYears => TermInYears::ThreeYears,
    };
    let payment = match offer.payment {
        Payment::NoUpfront => PaymentOption::NoUpfront,
        Payment::PartialUpfront => PaymentOption::PartialUpfront,
        Payment::AllUpfront => PaymentOption::AllUpfront,
    };
    let call = clients.costexplorer.get_savings_plans_purchase_recommendation().savings_plans_type(SupportedSavingsPlansType::SagemakerSp);
    let call = call.term_in_years(term).payment_option(payment).lookback_period_in_days(LookbackPeriodInDays::SixtyDays);
    let answer = call.send().await.map_err(|error| format!("ce:GetSavingsPlansPurchaseRecommendation: {}", why(&error)))?;
    recommended(offer, answer)
}

/// `None`: there is nothing to recommend.
fn recommended(offer: Offer, answer: GetSavingsPlansPurchaseRecommendationOutput) -> Read<Option<ByAws>> {
    let at = answer.metadata.and_then(|metadata| metadata.generation_timestamp?.parse().ok());
    let details = answer.savings_plans_purchase_recommendation.and_then(|one| one.savings_plans_purchase_recommendation_details);
    let mut sum: Option<ByAws> = None;
    for one in details.unwrap_or_default() {
        let number = |text: Option<String>| -> Read<Decimal> { text.as_deref().map_or(Ok(Decimal::ZERO), decimal) };
        let currency = Currency::of_account().check(one.currency_code.as_deref());
        currency.map_err(|why| format!("ce:GetSavingsPlansPurchaseRecommendation: an amount {why}"))?;
        let (commitment, usd) = (number(one.hourly_commitment_to_purchase)?, number(one.estimated_monthly_savings_amount)?);
        let none = ByAws { offer, commitment: Decimal::ZERO, usd_per_month: Decimal::ZERO, detail: one.recommendation_detail_id, at };
        let sum = match &mut sum {
            // Several have hours of their own each: none of them are those of the sum.
            Some(sum) => {
                sum.detail = None;
                sum
            }
            None => sum.insert(none),
        };
        sum.commitment += commitment;
        sum.usd_per_month += usd;
    }
    Ok(sum)
}
