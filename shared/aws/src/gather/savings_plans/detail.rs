//! The hours behind AWS's own recommendation (money-facts §4.2), for accounts whose Cost Explorer has no hourly data. How AWS means them is not documented in full, so
//! they are read only if the policy says so, and used only if they add up to the recommendation's own sums.

use aws_sdk_costexplorer::types::{RecommendationDetailData, RecommendationDetailHourlyMetrics};
use cost_rules::{
    currency::Currency,
    savings_plan::{ALL_OF_SAGEMAKER, ByAws, Rate, Rates, Usage},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, dec};

use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, decimal},
};

/// How far the hours may be from the recommendation's own sums, as a part.
const MAY_DIFFER: Decimal = dec!(0.01);

/// The longest time since the last hour.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What no plan covers now, hour by hour and as one usage type, with the average rate of the recommended plan.
pub(super) struct Detail {
    /// When the first hour begins.
    pub(super) from: Timestamp,
    pub(super) usage: Usage,
    pub(super) rates: Rates,
}

/// An hour of the recommendation.
struct Hour {
    at: Timestamp,
    /// What the recommended plan would leave, USD on demand.
    left: Decimal,
    /// USD of the recommended commitment that would be used.
    used: Decimal,
}

/// Reads the detail of a recommendation. `None`: it has none.
pub(super) async fn read(clients: &Clients, by_aws: &ByAws, now: Timestamp) -> Read<Option<Detail>> {
    const CALL: &str = "ce:GetSavingsPlanPurchaseRecommendationDetails";
    let Some(id) = &by_aws.detail else { return Ok(None) };
    let call = clients.costexplorer.get_savings_plan_purchase_recommendation_details().recommendation_detail_id(id);
    let answer = call.send().await.map_err(|error| format!("{CALL}: {}", why(&error)))?;
    let Some(data) = answer.recommendation_detail_data else { return Ok(None) };
    detail(data, by_aws.commitment, now).map_err(|why| format!("{CALL}: {why}"))
}

fn detail(data: RecommendationDetailData, commitment: Decimal, now: Timestamp) -> Read<Option<Detail>> {
    Currency::of_account().check(data.currency_code.as_deref()).map_err(|why| format!("an amount {why}"))?;
    let left = number("EstimatedOnDemandCost", data.estimated_on_demand_cost)?;
    let without = number("EstimatedOnDemandCostWithCurrentCommitment", data.estimated_on_demand_cost_with_current_commitment)?;
    let hours = data.metrics_over_lookback_period.unwrap_or_default().into_iter().map(|one| hour(one, commitment));
    let mut hours = hours.collect::<Read<Vec<Hour>>>()?;
    hours.sort_by_key(|hour| hour.at);
    let (Some(first), Some(last)) = (hours.first(), hours.last()) else { return Ok(None) };
    if OLDEST < now.duration_since(last.at) {
        return Err(format!(
            "its hours end at {}: open Savings Plans, Recommendations in Billing and Cost Management, and choose to refresh them",
            last.at
        ));
    }
    let sum = |of: fn(&Hour) -> Decimal| hours.iter().map(of).sum::<Decimal>();
    if without * MAY_DIFFER < (sum(|hour| hour.left) - left).abs() {
        return Err(format!("its hours add up to {} on demand, expected {left}", sum(|hour| hour.left)));
    }
    // What a dollar on demand costs with the plan, on average.
    let rate = sum(|hour| hour.used).checked_div(without - left).filter(|rate| Decimal::ZERO < *rate && *rate < Decimal::ONE);
    let rate = rate.ok_or_else(|| format!("its plan would cover {} on demand, expected more than it costs", without - left))?;
    let mut usage = Usage::new(vec![ALL_OF_SAGEMAKER.to_owned()]);
    for (number, hour) in (0..).zip(&hours) {
        if hour.at != first.at + SignedDuration::from_hours(number) {
            return Err(format!("the hour {} does not follow the one before", hour.at));
        }
        usage.push([hour.left + hour.used / rate]).ok_or_else(|| format!("the hour {} has an amount that is too large", hour.at))?;
    }
    let rate = Rate { on_demand: Decimal::ONE, savings_plan: rate };
    Ok(Some(Detail { from: first.at, usage, rates: Rates::from([(ALL_OF_SAGEMAKER.to_owned(), rate)]) }))
}

fn number(name: &str, text: Option<String>) -> Read<Decimal> {
    let text = text.ok_or_else(|| format!("there is no `{name}`"))?;
    decimal(&text).map_err(|why| format!("`{name}`: {why}"))
}

fn hour(one: RecommendationDetailHourlyMetrics, commitment: Decimal) -> Read<Hour> {
    let start = one.start_time.unwrap_or_default();
    let at = start.parse().map_err(|_| format!("an hour is `{start}`, expected a time"))?;
    let used = number("EstimatedNewCommitmentUtilization", one.estimated_new_commitment_utilization)? / Decimal::ONE_HUNDRED;
    Ok(Hour {
        at,
        left: number("EstimatedOnDemandCost", one.estimated_on_demand_cost)?.max(Decimal::ZERO),
        used: used.clamp(Decimal::ZERO, Decimal::ONE) * commitment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recommendation of $7 per hour with these hours: what it leaves on demand, and how much of it is used.
    fn told(sums: [&str; 2], hours: &[(&str, &str, &str)]) -> Read<Option<(Decimal, Vec<Decimal>)>> {
        let of = |(at, left, used): &(&str, &str, &str)| {
            let hour = RecommendationDetailHourlyMetrics::builder().start_time(*at).estimated_on_demand_cost(*left);
            hour.estimated_new_commitment_utilization(*used).build()
        };
        let data = RecommendationDetailData::builder().currency_code("USD").estimated_on_demand_cost(sums[0]);
        let data = data.estimated_on_demand_cost_with_current_commitment(sums[1]);
        let data = data.set_metrics_over_lookback_period(Some(hours.iter().map(of).collect())).build();
        Ok(detail(data, dec!(7), "2026-11-20T00:00:00Z".parse().unwrap())?.map(|detail| {
            let hours = detail.usage.hours();
            let usd = |hour| detail.usage.last(hours - hour).on_demand() - detail.usage.last(hours - hour - 1).on_demand();
            (detail.rates[ALL_OF_SAGEMAKER].savings_plan, (0..hours).map(usd).collect())
        }))
    }

    #[test]
    fn an_hour_is_what_the_plan_leaves_and_what_it_covers() {
        // $20, of which a plan of $7 at 0.7 covers $10; then $5, all of it with half of the plan.
        let hours = [("2026-11-16T01:00:00Z", "0", "50"), ("2026-11-16T00:00:00Z", "10", "100")];
        assert_eq!(told(["10", "25"], &hours), Ok(Some((dec!(0.7), vec![dec!(20), dec!(5)]))));
        assert_eq!(told(["0", "0"], &[]), Ok(None));
    }

    #[test]
    fn hours_that_do_not_add_up_are_not_used() {
        let (first, second) = (("2026-11-16T00:00:00Z", "10", "100"), ("2026-11-16T01:00:00Z", "0", "50"));
        for (sums, hours, says) in [
            (["100", "125"], [first, second], "its hours add up to 10 on demand, expected 100"),
            (["10", "12"], [first, second], "its plan would cover 2 on demand"),
            (["10", "10"], [first, second], "its plan would cover 0 on demand"),
            (["10", "25"], [first, ("2026-11-16T03:00:00Z", "0", "50")], "does not follow the one before"),
            (["10", "25"], [("2026-10-16T00:00:00Z", "10", "100"), ("2026-10-16T01:00:00Z", "0", "50")], "its hours end at 2026-10-16"),
            (["10", "25"], [first, ("then", "0", "50")], "an hour is `then`, expected a time"),
            (["10", "25"], [first, ("2026-11-16T01:00:00Z", "none", "50")], "`EstimatedOnDemandCost`: an amount is `none`"),
        ] {
            let why = told(sums, &hours).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }
}
