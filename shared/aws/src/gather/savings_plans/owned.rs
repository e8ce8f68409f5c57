//! The Savings Plans that are owned, and how they are used (money-facts §4.4, §4.5).

use std::collections::BTreeMap;

use aws_sdk_costexplorer::{
    operation::get_savings_plans_utilization_details::GetSavingsPlansUtilizationDetailsError,
    types::{DateInterval, SavingsPlansUtilizationDetail},
};
use aws_sdk_savingsplans::types::{CurrencyCode, SavingsPlan as Described, SavingsPlanState, SavingsPlanType};
use cost_rules::{
    currency::Currency,
    facts::{PlanKind, SavingsPlan, Utilisation},
    period::{begin_of, day_of},
    resource::Kind,
    rulebook::Rulebook,
    savings_plan::{Offer, Term},
};
use jiff::{Timestamp, ToSpan as _};
use rust_decimal::Decimal;

use super::resource;
use crate::{
    clients::{Clients, why::why},
    gather::read::{Listed, Read, decimal, every_page},
};

/// How many days of use are looked at.
const DAYS: i64 = 14;
/// Cost Explorer is up to two days late (money-facts §2.1).
const LATE: i64 = 2;

/// The plans that are active, or bought and not yet in force.
pub(super) async fn plans(clients: &Clients, rulebook: &Rulebook, now: Timestamp) -> Listed<SavingsPlan> {
    let call = clients.savingsplans.describe_savings_plans().states(SavingsPlanState::Active);
    let call = call.states(SavingsPlanState::Queued).states(SavingsPlanState::PaymentPending);
    Listed::read_of(
        clients,
        Kind::SavingsPlan,
        "savingsplans:DescribeSavingsPlans",
        |plan: &SavingsPlan| plan.resource.id.clone(),
        async |token| {
            let page = call.clone().set_next_token(token).send().await.map_err(|error| why(&error))?;
            let plans = page.savings_plans.unwrap_or_default();
            let plans: Read<Vec<_>> = plans.into_iter().map(|plan| read(rulebook, plan, now)).collect();
            Ok((plans?, page.next_token))
        },
    )
    .await
}

/// `None`: it has no id. An error: a field says what nobody understands.
fn read(rulebook: &Rulebook, plan: Described, now: Timestamp) -> Read<Option<SavingsPlan>> {
    let Some(id) = plan.savings_plan_id else { return Ok(None) };
    let time = |name: &str, text: Option<&String>| -> Read<Timestamp> {
        let text = text.map(String::as_str).unwrap_or_default();
        text.parse().map_err(|_| format!("`{name}` of plan {id} is `{text}`, expected a time"))
    };
    let currency = Currency::of_account().check(plan.currency.as_ref().map(CurrencyCode::as_str));
    currency.map_err(|why| format!("plan {id} {why}"))?;
    let (start, end) = (time("start", plan.start.as_ref())?, time("end", plan.end.as_ref())?);
    let returnable = plan.returnable_until.as_ref().map(|until| time("returnableUntil", Some(until))).transpose()?;
    let payment = plan.payment_option.as_ref().and_then(|payment| payment.as_str().parse().ok());
    let offer = Term::of_seconds(plan.term_duration_in_seconds).zip(payment).map(|(term, payment)| Offer { term, payment });
    let kind = match plan.savings_plan_type {
        Some(SavingsPlanType::Sagemaker) => PlanKind::SageMaker,
        Some(other) => PlanKind::Other(other.as_str().to_owned()),
        None => PlanKind::Other("unknown".to_owned()),
    };
    let commitment =
        decimal(plan.commitment.as_deref().unwrap_or_default()).map_err(|why| format!("the commitment of plan {id}: {why}"))?;
    if commitment.is_sign_negative() {
        return Err(format!("the commitment of plan {id} is {commitment}, expected 0 or more"));
    }
    let name = plan.description.filter(|text| !text.is_empty()).unwrap_or_else(|| id.clone());
    Ok(Some(SavingsPlan {
        resource: resource(rulebook, &id, plan.savings_plan_arn, &name),
        kind,
        is_active: plan.state == Some(SavingsPlanState::Active) && start <= now,
        offer,
        commitment,
        start,
        end,
        // AWS writes the start if it cannot be returned.
        returnable_until: returnable.filter(|until| start < *until),
        utilisation: None,
        uncovered_usd_per_month: None,
        has_sagemaker_plan: false,
        is_followed: false,
        renewal: None,
    }))
}

/// How the plans are used, by id, and the number of requests. A plan that began today is not known yet.
pub(super) async fn utilisation(clients: &Clients, plans: &[&SavingsPlan], now: Timestamp) -> (Read<BTreeMap<String, Utilisation>>, u32) {
    let until = day_of(now).saturating_sub((LATE - 1).days());
    let from = until.saturating_sub(DAYS.days());
    if plans.iter().all(|plan| begin_of(until) <= plan.start) {
        return (Ok(BTreeMap::new()), 0);
    }
    let period = match DateInterval::builder().start(from.to_string()).end(until.to_string()).build() {
        Ok(period) => period,
        Err(error) => return (Err(error.to_string()), 0),
    };
    let call = clients.costexplorer.get_savings_plans_utilization_details().time_period(period);
    let (mut found, mut requests) = (BTreeMap::new(), 0);
    let read = every_page(clients, async |token| {
        requests += 1;
        let page = match call.clone().set_next_token(token).send().await {
            Ok(page) => page,
            // No plan was in force in these days.
            Err(error) if error.as_service_error().is_some_and(GetSavingsPlansUtilizationDetailsError::is_data_unavailable_exception) => {
                return Ok(None);
            }
            Err(error) => return Err(format!("ce:GetSavingsPlansUtilizationDetails: {}", why(&error))),
        };
        for one in page.savings_plans_utilization_details {
            let Some(plan) = plans.iter().find(|plan| plan.resource.arn.is_some() && plan.resource.arn == one.savings_plan_arn) else {
                continue;
            };
            let began = day_of(plan.start).max(from);
            let days = u32::try_from(until.duration_since(began).as_hours() / 24).unwrap_or_default();
            if 0 < days {
                found.insert(plan.resource.id.clone(), used(one, days, plan.commitment)?);
            }
        }
        Ok(page.next_token)
    });
    let read = read.await;
    (read.map(|()| found), requests)
}

fn used(one: SavingsPlansUtilizationDetail, days: u32, commitment: Decimal) -> Read<Utilisation> {
    let number = |text: Option<String>| -> Read<Decimal> { text.as_deref().map_or(Ok(Decimal::ZERO), decimal) };
    let (committed, used) = one.utilization.map_or((None, None), |of| (of.total_commitment, of.used_commitment));
    let on_demand = one.savings.and_then(|savings| savings.on_demand_cost_equivalent);
    let committed = number(committed)?;
    // A plan may begin in the middle of a day.
    let hours = committed.checked_div(commitment).filter(|hours| Decimal::ONE <= *hours).unwrap_or_else(|| Decimal::from(24 * days));
    Ok(Utilisation { days, hours, committed, used: number(used)?, on_demand: number(on_demand)? })
}
