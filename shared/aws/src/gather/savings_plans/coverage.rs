//! What a plan could cover and none does, by the day: where there are no hours, this is known all the same (money-facts §4.4).

use aws_sdk_costexplorer::{
    operation::get_savings_plans_coverage::GetSavingsPlansCoverageError,
    types::{DateInterval, Granularity},
};
use cost_rules::{period::day_of, price::HOURS_PER_MONTH, rulebook::Rulebook};
use jiff::{Timestamp, ToSpan as _};
use rust_decimal::Decimal;

use crate::{
    clients::{Clients, why::why},
    gather::{
        bill::services,
        read::{Read, decimal, every_page},
    },
};

/// How many days are read. The data of the last two may not be complete.
const DAYS: i64 = 28;
const LATE: i64 = 2;
/// More than the days, so that there is one page.
const PAGE: i32 = 100;

/// USD on demand of a month that a plan could cover and none does, and the number of requests. `None`: nothing that a plan covers was used.
pub(super) async fn uncovered_a_month(clients: &Clients, rulebook: &Rulebook, now: Timestamp) -> (Read<Option<Decimal>>, u32) {
    let mut requests = 0;
    let read = sum(clients, rulebook, now, &mut requests).await;
    (read.map(|usd| usd.map(|usd| usd * HOURS_PER_MONTH / Decimal::from(24 * DAYS))), requests)
}

async fn sum(clients: &Clients, rulebook: &Rulebook, now: Timestamp, requests: &mut u32) -> Read<Option<Decimal>> {
    let until = day_of(now).saturating_sub(LATE.days());
    let from = until.saturating_sub(DAYS.days());
    let period = DateInterval::builder().start(from.to_string()).end(until.to_string()).build().map_err(|error| error.to_string())?;
    let call = clients.costexplorer.get_savings_plans_coverage().time_period(period).granularity(Granularity::Daily).max_results(PAGE);
    let call = call.filter(services(rulebook));
    let mut sum = None;
    every_page(clients, async |token| {
        *requests += 1;
        let page = match call.clone().set_next_token(token).send().await {
            Ok(page) => page,
            Err(error) if error.as_service_error().is_some_and(GetSavingsPlansCoverageError::is_data_unavailable_exception) => {
                return Ok(None);
            }
            Err(error) => return Err(format!("ce:GetSavingsPlansCoverage: {}", why(&error))),
        };
        for one in page.savings_plans_coverages {
            let usd = one.coverage.and_then(|coverage| coverage.on_demand_cost);
            let usd = usd.map(|usd| decimal(&usd).map_err(|why| format!("ce:GetSavingsPlansCoverage: {why}"))).transpose()?;
            sum = usd.map(|usd| usd + sum.unwrap_or_default()).or(sum);
        }
        Ok(page.next_token)
    })
    .await?;
    Ok(sum)
}
