//! The most expensive resources by the bill. Cost Explorer has costs by resource for 14 days, where the payer has switched that on (money-facts §2.6).

use std::{cmp::Reverse, collections::BTreeMap};

use aws_sdk_costexplorer::{
    error::ProvideErrorMetadata,
    types::{DateInterval, Granularity, GroupDefinition, GroupDefinitionType},
};
use cost_rules::{
    report::{Money, NO_RESOURCE_DATA, ReportPeriod, ResourceLine},
    resource::{Arn, Kind, UNOWNED},
    rulebook::Rulebook,
    text::one_line,
};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use rust_decimal::Decimal;

use super::{METRIC, keys_and_amounts, of_sagemaker};
use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, every_page},
};

/// How many days back Cost Explorer has costs by resource.
const DAYS: i64 = 14;

/// The most pages that are read. The most expensive resources of a larger account may be missing then, so none is told.
const PAGES: u32 = 5;

/// The most resources that are told.
const TOLD: usize = 10;

/// AWS's code where resource-level data is off.
const OFF: &str = "DataUnavailableException";

/// What resources that the bill does not name are called there.
const NO_RESOURCE: &str = "NoResourceId";

/// The most expensive resources of a period, as far as Cost Explorer has it.
pub struct Expensive {
    /// The days that were asked for. `None`: the period is too long ago.
    pub days: Option<(Date, Date)>,
    /// At most ten, the most expensive first, or why they could not be read.
    pub lines: Read<Vec<ResourceLine>>,
    /// The number of requests.
    pub requests: u32,
}

/// Reads the most expensive resources of the last 14 days of a period.
pub async fn read(clients: &Clients, rulebook: &Rulebook, period: ReportPeriod, now: Timestamp) -> Expensive {
    let today = cost_rules::period::day_of(now);
    let (from, until) = (period.from.max(today.saturating_sub(DAYS.days())), period.until.min(today));
    if until <= from {
        return Expensive { days: None, lines: Err("the bill has costs by resource for 14 days only".to_owned()), requests: 0 };
    }
    let mut requests = 0;
    let lines = pages(clients, rulebook, (from, until), &mut requests).await.map(most_expensive);
    Expensive { days: Some((from, until)), lines, requests }
}

async fn pages(clients: &Clients, rulebook: &Rulebook, (from, until): (Date, Date), requests: &mut u32) -> Read<BTreeMap<String, Decimal>> {
    let period = DateInterval::builder().start(from.to_string()).end(until.to_string()).build().map_err(|error| error.to_string())?;
    let by_resource = GroupDefinition::builder().r#type(GroupDefinitionType::Dimension).key("RESOURCE_ID").build();
    let call = clients.costexplorer.get_cost_and_usage_with_resources().time_period(period).granularity(Granularity::Daily);
    let call = call.metrics(METRIC).filter(of_sagemaker(rulebook, [])).group_by(by_resource);
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    let read = every_page(clients, async |token| {
        if *requests == PAGES {
            return Err(format!("the account has more resources than {PAGES} pages of Cost Explorer list"));
        }
        let page = call.clone().set_next_page_token(token).send().await;
        let page = page.map_err(|error| match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some(OFF) => NO_RESOURCE_DATA.to_owned(),
            _ => format!("ce:GetCostAndUsageWithResources: {}", why(&error)),
        })?;
        // What is refused is not billed.
        *requests += 1;
        for group in page.results_by_time.into_iter().flatten().flat_map(|day| day.groups.unwrap_or_default()) {
            let (resource, _, amounts) = keys_and_amounts(group)?;
            *sums.entry(resource).or_default() += amounts.usd;
        }
        Ok(page.next_page_token)
    });
    read.await.map(|()| sums)
}

fn most_expensive(sums: BTreeMap<String, Decimal>) -> Vec<ResourceLine> {
    let mut all: Vec<(Decimal, String)> = sums.into_iter().filter(|(id, _)| id != NO_RESOURCE).map(|(id, usd)| (usd, id)).collect();
    all.sort_by_key(|(usd, _)| Reverse(*usd));
    all.truncate(TOLD);
    all.into_iter().map(|(usd, id)| ResourceLine { what: words(&id), owner: UNOWNED.to_owned(), usd: Money(usd) }).collect()
}

/// `endpoint churn` of an ARN, or the id as it is.
fn words(id: &str) -> String {
    let known = Arn::parse(id).and_then(|arn| Some((Kind::of(&arn.id()?)?, arn.resource.split_once('/')?.1)));
    known.map_or_else(|| one_line(id), |(kind, name)| format!("{} {}", kind.words(), one_line(name)))
}
