//! What `SageMaker` cost in each hour, on demand, by usage type: Cost Explorer's hourly data, which the payer's account must switch on (money-facts §2.1).
//!
//! `UnblendedCost` of what a plan covers is its on-demand cost (money-facts §2.2), so that one request has both.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_costexplorer::types::{DateInterval, Dimension, Granularity, GroupDefinition, GroupDefinitionType};
use cost_rules::{
    currency::Currency,
    period::{begin_of, day_of},
    price::HOURS_PER_MONTH,
    rulebook::Rulebook,
    savings_plan::Usage,
};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use rust_decimal::Decimal;

use crate::{
    clients::{Clients, why::why},
    gather::{
        bill::{dimension, services},
        read::{Read, decimal, every_page},
    },
};

/// How many days Cost Explorer keeps hours.
const DAYS: i64 = 14;
/// Yesterday's hours are not all there yet.
const LATE: i64 = 1;
/// What a plan covers, or could: use on demand, and use that a plan covers.
const USE: [&str; 2] = ["Usage", "SavingsPlanCoveredUsage"];
const COVERED: &str = "SavingsPlanCoveredUsage";
/// What Cost Explorer says where hours are not switched on.
const SAYS: &str = "opt-in";
/// What to do then.
pub(super) const NOT_OPTED_IN: &str = "Cost Explorer has no hourly data: from days nobody can tell what nights cost. The payer's account switches them on in Billing and Cost Management, Cost Explorer, Settings, Hourly granularity ($0.01 a month for each 1,000 lines of usage); two weeks later there is an advice. Until then there is AWS's own recommendation, with all waste in it.";

/// What was read.
pub(super) enum Answer {
    Read(Hours),
    /// It is not switched on. With the number of requests.
    NotOptedIn(u32),
    Failed(u32, String),
}

/// The hours that were read.
pub(super) struct Hours {
    /// When the first hour begins.
    pub(super) from: Timestamp,
    /// On-demand dollars by hour and usage type (with its Region).
    pub(super) on_demand: Usage,
    /// USD on demand of one hour of each usage type.
    pub(super) prices: BTreeMap<String, Decimal>,
    /// The part that plans cover, USD on demand, by usage type.
    covered: BTreeMap<String, Decimal>,
    pub(super) requests: u32,
}

impl Hours {
    /// What of the usage no plan covers, USD a month.
    pub(super) fn uncovered_a_month(&self, eligible: &Usage) -> Decimal {
        let covered: Decimal = eligible.usage_types().iter().filter_map(|name| self.covered.get(name)).sum();
        (eligible.on_demand() - covered).max(Decimal::ZERO) * HOURS_PER_MONTH / Decimal::from(eligible.hours().max(1))
    }
}

/// Reads the last two weeks.
pub(super) async fn read(clients: &Clients, rulebook: &Rulebook, now: Timestamp) -> Answer {
    let until = day_of(now).saturating_sub(LATE.days());
    let from = day_of(now).saturating_sub(DAYS.days());
    let mut cells = Cells::default();
    let mut requests = 0;
    match pages(clients, rulebook, (from, until), &mut cells, &mut requests).await {
        Ok(()) => {}
        Err(why) if why.to_lowercase().contains(SAYS) => return Answer::NotOptedIn(requests),
        Err(why) => return Answer::Failed(requests, why),
    }
    let hours = usize::try_from(until.duration_since(from).as_hours()).unwrap_or_default();
    match cells.into_hours(begin_of(from), hours, requests) {
        Some(hours) => Answer::Read(hours),
        None => Answer::Failed(requests, "ce:GetCostAndUsage: an hour has an amount that is negative or too large".to_owned()),
    }
}

async fn pages(clients: &Clients, rulebook: &Rulebook, (from, until): (Date, Date), cells: &mut Cells, requests: &mut u32) -> Read<()> {
    let time = |day: Date| format!("{day}T00:00:00Z");
    let period = DateInterval::builder().start(time(from)).end(time(until)).build().map_err(|error| error.to_string())?;
    let filter = aws_sdk_costexplorer::types::Expression::builder()
        .and(services(rulebook))
        .and(dimension(Dimension::RecordType, USE.map(str::to_owned).to_vec()))
        .build();
    let group = |key: &str| GroupDefinition::builder().r#type(GroupDefinitionType::Dimension).key(key).build();
    let call = clients.costexplorer.get_cost_and_usage().time_period(period).granularity(Granularity::Hourly);
    let call = call.filter(filter).group_by(group("USAGE_TYPE")).group_by(group("RECORD_TYPE")).metrics(COST).metrics(QUANTITY);
    every_page(clients, async |token| {
        *requests += 1;
        let page = call.clone().set_next_page_token(token).send().await.map_err(|error| format!("ce:GetCostAndUsage: {}", why(&error)))?;
        for result in page.results_by_time.unwrap_or_default() {
            let start = result.time_period.map(|period| period.start).unwrap_or_default();
            let at: Timestamp = start.parse().map_err(|_| format!("ce:GetCostAndUsage: an hour is `{start}`, expected a time"))?;
            for group in result.groups.unwrap_or_default() {
                cells.add(at, group)?;
            }
        }
        Ok(page.next_page_token)
    })
    .await
}

const COST: &str = "UnblendedCost";
const QUANTITY: &str = "UsageQuantity";

/// What was read, by usage type and hour.
#[derive(Default)]
struct Cells {
    usd: BTreeMap<String, BTreeMap<Timestamp, Decimal>>,
    seen: BTreeSet<(Timestamp, String, String)>,
    /// The price in each hour.
    prices: BTreeMap<String, Vec<Decimal>>,
    covered: BTreeMap<String, Decimal>,
}

impl Cells {
    fn add(&mut self, at: Timestamp, group: aws_sdk_costexplorer::types::Group) -> Read<()> {
        let keys = group.keys.unwrap_or_default();
        let [usage_type, record_type] = &keys[..] else { return Err("ce:GetCostAndUsage: a group without two keys".to_owned()) };
        let mut metrics = group.metrics.unwrap_or_default();
        let mut number = |metric: &str, is_money: bool| -> Read<Decimal> {
            let Some(value) = metrics.remove(metric) else { return Ok(Decimal::ZERO) };
            let unit = value.unit.as_deref().filter(|_| is_money);
            Currency::of_account().check(unit).map_err(|why| format!("ce:GetCostAndUsage: {metric} of {usage_type} {why}"))?;
            decimal(&value.amount.unwrap_or_default())
        };
        let (usd, quantity) = (number(COST, true)?, number(QUANTITY, false)?);
        if !self.seen.insert((at, usage_type.clone(), record_type.clone())) {
            return Err(format!("ce:GetCostAndUsage: {record_type} of {usage_type} at {at} came twice"));
        }
        *self.usd.entry(usage_type.clone()).or_default().entry(at).or_default() += usd;
        // An hour with a correction says nothing of the price.
        if let Some(price) = usd.checked_div(quantity).filter(|price| Decimal::ZERO < *price) {
            self.prices.entry(usage_type.clone()).or_default().push(price);
        }
        if record_type == COVERED {
            *self.covered.entry(usage_type.clone()).or_default() += usd;
        }
        Ok(())
    }

    /// From the first hour with any use on: before hours were switched on, nothing is known, which is not nothing.
    fn into_hours(self, from: Timestamp, hours: usize, requests: u32) -> Option<Hours> {
        let first = self.seen.first().map_or(from, |(at, ..)| (*at).max(from));
        let hours = hours.saturating_sub(usize::try_from(first.duration_since(from).as_hours()).ok()?);
        let from = first;
        let mut on_demand = Usage::new(self.usd.keys().cloned().collect());
        for hour in 0..hours {
            let at = from + SignedDuration::from_hours(i64::try_from(hour).ok()?);
            // A correction may be negative: such an hour has no use.
            on_demand.push(self.usd.values().map(|of| of.get(&at).copied().unwrap_or_default().max(Decimal::ZERO)))?;
        }
        let prices = self.prices.into_iter().filter_map(|(name, prices)| Some((name, median(prices)?))).collect();
        Some(Hours { from, on_demand, prices, covered: self.covered, requests })
    }
}

/// The middle one. `None`: there is none.
fn median(mut all: Vec<Decimal>) -> Option<Decimal> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}
