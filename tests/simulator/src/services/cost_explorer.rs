//! Cost Explorer: costs by period and group, forecasts, anomalies, cost allocation tags, with AWS's own error texts (aws-facts §7).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::{
    life::billing::{
        Amount, Filter, HOUR, Kind, Metric, Visible, amount_text, day_of, dimension, first_day, known_dimension, midnight, plus_days,
        plus_months,
    },
    services::{On, Operation},
    wire::{Refusal, text},
    world::World,
};

mod anomalies;
mod forecast;
mod recommendation;
mod savings_plans;
mod tags;

pub(crate) use forecast::Outlook;

/// The dimensions that costs can be grouped by, in the order of AWS's error text.
const GROUPS: [&str; 18] = [
    "AZ",
    "INSTANCE_TYPE",
    "LINKED_ACCOUNT",
    "OPERATION",
    "PURCHASE_TYPE",
    "SERVICE",
    "USAGE_TYPE",
    "PLATFORM",
    "TENANCY",
    "RECORD_TYPE",
    "LEGAL_ENTITY_NAME",
    "DEPLOYMENT_OPTION",
    "DATABASE_ENGINE",
    "CACHE_ENGINE",
    "INSTANCE_TYPE_FAMILY",
    "REGION",
    "BILLING_ENTITY",
    "INVOICING_ENTITY",
];
/// The cost metrics of `GetCostAndUsage`. There are no discounts here, so net costs are the same as the others.
const COSTS: [(&str, Metric); 6] = [
    ("UnblendedCost", Metric::Unblended),
    ("AmortizedCost", Metric::Amortized),
    ("BlendedCost", Metric::Unblended),
    ("NetUnblendedCost", Metric::Unblended),
    ("NetAmortizedCost", Metric::Amortized),
    ("PublicOnDemandCost", Metric::OnDemand),
];
const QUANTITIES: [&str; 2] = ["UsageQuantity", "NormalizedUsageAmount"];
const ANALYTICS: [&str; 4] = ["BilledCost", "ContractedCost", "ListCost", "PublicEquivalentBilledCost"];
/// How many days of hours Cost Explorer has.
const HOURLY_DAYS: i64 = 14;
/// How long a new account has no data (console: up to 24 hours).
const NO_DATA: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

const ALL: On = On::Service(|world, operation| format!("arn:aws:ce:us-east-1:{}:/{operation}", world.account));

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("GetCostAndUsage", ALL, |world, input| paid(world, |world| cost_and_usage(world, input))),
    Operation::new("GetCostAndUsageWithResources", ALL, |_, _| Err(by_resource())),
    Operation::new("GetCostForecast", ALL, |world, input| paid(world, |world| forecast::get(world, input))),
    Operation::new("GetAnomalies", ALL, |world, input| paid(world, |world| anomalies::get(world, input))),
    Operation::new("GetSavingsPlansCoverage", ALL, |world, input| paid(world, |world| savings_plans::coverage(world, input))),
    Operation::new("GetSavingsPlansUtilization", ALL, |world, input| paid(world, |world| savings_plans::utilization(world, input))),
    Operation::new("GetSavingsPlansUtilizationDetails", ALL, |world, input| paid(world, |world| savings_plans::details(world, input))),
    Operation::new("GetSavingsPlansPurchaseRecommendation", ALL, |world, input| paid(world, |world| recommendation::get(world, input))),
    Operation::new("GetSavingsPlanPurchaseRecommendationDetails", ALL, |world, input| {
        paid(world, |world| recommendation::details(world, input))
    }),
    Operation::new("ListCostAllocationTags", ALL, |world, input| paid(world, |world| tags::list(world, input))),
    Operation::new("UpdateCostAllocationTagsStatus", ALL, |world, input| paid(world, |world| tags::update(world, input))),
];

/// Serves a call and bills it, if it is not refused. Each page is a call.
fn paid(world: &mut World, serve: impl FnOnce(&mut World) -> Result<Value, Refusal>) -> Result<Value, Refusal> {
    let lag = world.cost_explorer.lag.signed();
    world.settle(world.now - lag);
    let answer = serve(world);
    if answer.is_ok() {
        world.billing.requested(world.now);
    }
    answer
}

fn data_unavailable(message: &str) -> Refusal {
    Refusal::new(400, "DataUnavailableException", message)
}

/// Costs by resource are opt-in of the payer, and this account has not opted in. The text of AWS's refusal is not known.
fn by_resource() -> Refusal {
    data_unavailable("Resource-level data is not enabled for this account")
}

/// Refuses the call in the first day of a new account, which has no data.
fn has_data(world: &World) -> Result<(), Refusal> {
    if world.cost_explorer.new_account && world.now < world.started + NO_DATA {
        let message =
            "Data is not available. Please try to adjust the time period. If just enabled Cost Explorer, data might not be ingested yet";
        return Err(data_unavailable(message));
    }
    Ok(())
}

/// A day of an input: `2026-11-12`.
fn day(input: &Value, name: &str) -> Result<Date, Refusal> {
    let written = text(input, name).unwrap_or_default();
    let is_plain = written.len() == 10;
    written
        .parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or_else(|| Refusal::validation("Time period is invalid. Valid format is: yyyy-MM-dd.".into()))
}

/// The `TimePeriod` of an input in the past: its first day, and the first day after it.
fn interval(world: &World, input: &Value) -> Result<(Date, Date), Refusal> {
    let period = input.get("TimePeriod").cloned().unwrap_or_default();
    let (start, end) = (day(&period, "Start")?, day(&period, "End")?);
    if end <= start {
        return Err(Refusal::validation("Start date (and hour) should be before end date (and hour)".into()));
    }
    if start < first_day(world.now) {
        return Err(Refusal::validation("You haven't enabled historical data beyond 14 months.".into()));
    }
    if plus_months(day_of(world.now).first_of_month(), 1) < end {
        return Err(Refusal::validation("end date past the beginning of next month".into()));
    }
    Ok((start, end))
}

/// The days or months of an interval. The first and last month may be incomplete.
fn periods(start: Date, end: Date, granularity: &str) -> Vec<(Date, Date)> {
    let mut periods = vec![];
    let mut from = start;
    while from < end {
        let next = if granularity == "MONTHLY" { plus_months(from.first_of_month(), 1) } else { plus_days(from, 1) };
        periods.push((from, next.min(end)));
        from = next;
    }
    periods
}

fn period_json((start, end): (Date, Date)) -> Value {
    json!({"Start": start.to_string(), "End": end.to_string()})
}

/// The hours of an input's `TimePeriod`, which has whole hours: `2026-11-12T14:00:00Z`. Cost Explorer keeps them for 14 days.
fn hours(world: &World, input: &Value) -> Result<Vec<(Timestamp, Timestamp)>, Refusal> {
    let period = input.get("TimePeriod").cloned().unwrap_or_default();
    let hour = |name: &str| {
        let written = text(&period, name).unwrap_or_default();
        let at = written.parse::<Timestamp>().ok().filter(|at| written.len() == 20 && at.as_second() % HOUR.as_secs() == 0);
        at.ok_or_else(|| Refusal::validation("Time period is invalid. Valid format is: yyyy-MM-ddTHH:mm:ssZ.".into()))
    };
    let (start, end) = (hour("Start")?, hour("End")?);
    if end <= start {
        return Err(Refusal::validation("Start date (and hour) should be before end date (and hour)".into()));
    }
    if start < midnight(plus_days(day_of(world.now), -HOURLY_DAYS)) {
        return Err(Refusal::validation(format!("Hourly data is available for the last {HOURLY_DAYS} days only")));
    }
    if midnight(plus_days(day_of(world.now), 1)) < end {
        return Err(Refusal::validation("end date past the beginning of tomorrow".into()));
    }
    let begins = std::iter::successors(Some(start), |begin| Some(*begin + HOUR)).take_while(|begin| *begin < end);
    Ok(begins.map(|begin| (begin, begin + HOUR)).collect())
}

/// The periods that an input asks for, and how one of them is written.
fn periods_of(world: &World, input: &Value, granularity: &str) -> Result<Periods, Refusal> {
    if granularity == "HOURLY" {
        return Ok(Periods { all: hours(world, input)?, json: |(start, end)| json!({"Start": zoned(start), "End": zoned(end)}) });
    }
    let (start, end) = interval(world, input)?;
    let all = periods(start, end, granularity).into_iter().map(|(start, end)| (midnight(start), midnight(end))).collect();
    Ok(Periods { all, json: |(start, end)| period_json((day_of(start), day_of(end))) })
}

/// The periods of an answer, in order and without gaps.
struct Periods {
    all: Vec<(Timestamp, Timestamp)>,
    json: fn((Timestamp, Timestamp)) -> Value,
}

impl Periods {
    fn start(&self) -> Timestamp {
        self.all.first().map(|(start, _)| *start).unwrap_or_default()
    }

    fn end(&self) -> Timestamp {
        self.all.last().map(|(_, end)| *end).unwrap_or_default()
    }

    /// The number of the period that a moment is in.
    fn number(&self, at: Timestamp) -> usize {
        self.all.partition_point(|(_, end)| *end <= at)
    }
}

/// An element of `GroupBy`.
enum Group {
    Dimension(String),
    Tag(String),
}

impl Group {
    fn read(input: &Value) -> Result<Self, Refusal> {
        let key = text(input, "Key").unwrap_or_default();
        match text(input, "Type") {
            Some("DIMENSION") if !GROUPS.contains(&key) => {
                Err(Refusal::validation(format!("Group Definition dimension is invalid. Valid values are {}", GROUPS.join(", "))))
            }
            Some("DIMENSION") => known_dimension(key).map(|()| Self::Dimension(key.to_owned())),
            Some("TAG") if key.is_empty() => Err(Refusal::validation("Group Definition of type TAG has no Key".into())),
            Some("TAG") => Ok(Self::Tag(key.to_owned())),
            other => Err(Refusal::not_simulated("ce", &format!("groups by {}", other.unwrap_or("nothing")))),
        }
    }

    /// The group of a row: the dimension's value, or `key$value` for a tag.
    fn of(&self, kind: &Kind, visible: &Visible<'_>) -> String {
        match self {
            Self::Dimension(name) => dimension(kind, name).unwrap_or_default().to_owned(),
            Self::Tag(key) => format!("{key}${}", visible.tag(key).unwrap_or_default()),
        }
    }
}

/// The sum of a group's rows.
#[derive(Clone, Default)]
struct Sum {
    amount: Amount,
    units: BTreeSet<String>,
}

impl Sum {
    fn add(&mut self, kind: &Kind, amount: Amount) {
        self.amount += amount;
        if !amount.quantity.is_zero() && !self.units.contains(&kind.unit) {
            self.units.insert(kind.unit.clone());
        }
    }

    fn metrics(&self, metrics: &[&str], currency: &str) -> Value {
        let metric = |name: &&str| {
            let (amount, unit) = match *name {
                "UsageQuantity" => {
                    // AWS adds all quantities. The sum of different units has no unit.
                    let unit = self.units.first().filter(|_| self.units.len() == 1).map_or("N/A", String::as_str);
                    (self.amount.quantity, unit)
                }
                // SageMaker has no normalized units.
                "NormalizedUsageAmount" => (Decimal::ZERO, "N/A"),
                name => (self.amount.of(cost_metric(name).unwrap_or(Metric::Unblended)), currency),
            };
            ((*name).to_owned(), json!({"Amount": amount_text(amount), "Unit": unit}))
        };
        Value::Object(metrics.iter().map(metric).collect::<Map<_, _>>())
    }
}

fn granularity<'a>(world: &World, input: &'a Value) -> Result<&'a str, Refusal> {
    match text(input, "Granularity").unwrap_or_default() {
        // AWS's own text.
        "HOURLY" if !world.cost_explorer.hourly => Err(Refusal::new(
            400,
            "AccessDeniedException",
            "Hourly data granularity is an opt-in only feature. You can enable this feature from the PAYER account's Cost Explorer Settings page.",
        )),
        known @ ("DAILY" | "MONTHLY" | "HOURLY") => Ok(known),
        other => Err(Refusal::invalid_value(other, "granularity", "Member must satisfy enum value set: [DAILY, MONTHLY, HOURLY]")),
    }
}

fn cost_metric(name: &str) -> Option<Metric> {
    COSTS.iter().find(|(known, _)| *known == name).map(|(_, metric)| *metric)
}

fn metrics(input: &Value) -> Result<Vec<&str>, Refusal> {
    let metrics: Vec<&str> = input.get("Metrics").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if metrics.is_empty() {
        return Err(Refusal::validation("Metrics is required for GetCostAndUsage: at least one".into()));
    }
    for metric in &metrics {
        if ANALYTICS.contains(metric) {
            return Err(Refusal::not_simulated("ce", &format!("the metric {metric}")));
        }
        if cost_metric(metric).is_none() && !QUANTITIES.contains(metric) {
            let known = COSTS.iter().map(|(name, _)| name).chain(&QUANTITIES).copied().collect::<Vec<_>>().join(", ");
            return Err(Refusal::validation(format!("Metric {metric} is invalid. Valid values are {known}")));
        }
    }
    Ok(metrics)
}

fn cost_and_usage(world: &World, input: &Value) -> Result<Value, Refusal> {
    let granularity = granularity(world, input)?;
    let periods = periods_of(world, input, granularity)?;
    let metrics = metrics(input)?;
    let filter = Filter::of(input)?;
    let definitions: Vec<&Value> = input.get("GroupBy").and_then(Value::as_array).into_iter().flatten().collect();
    if 2 < definitions.len() {
        return Err(Refusal::validation("GroupBy has more than two groups".into()));
    }
    let groups = definitions.iter().map(|group| Group::read(group)).collect::<Result<Vec<_>, _>>()?;
    has_data(world)?;

    let mut sums: BTreeMap<(usize, Vec<String>), Sum> = BTreeMap::new();
    let sort = |kind: &Kind, visible: &Visible<'_>| {
        filter.takes(kind, visible).then(|| groups.iter().map(|group| group.of(kind, visible)).collect::<Vec<_>>())
    };
    world.billing.sorted(periods.start(), periods.end(), sort, |slot, keys, kind, amount| {
        sums.entry((periods.number(slot.begin), keys.clone())).or_default().add(kind, amount);
    });

    // Each group of a period is an entry. A period without groups is an entry, too.
    let none = Sum::default();
    let mut entries: Vec<(usize, Option<&Vec<String>>, &Sum)> = vec![];
    for period in 0..periods.all.len() {
        let before = entries.len();
        entries.extend(sums.range((period, vec![])..(period + 1, vec![])).map(|((_, keys), sum)| (period, Some(keys), sum)));
        if entries.len() == before {
            entries.push((period, None, &none));
        }
    }
    let page = page(world, input, "NextPageToken", entries.len())?;
    let mut results: Vec<(usize, Value)> = vec![];
    for (period, keys, sum) in entries.get(page.range.clone()).unwrap_or_default() {
        if results.last().is_none_or(|(last, _)| last != period) {
            let Some(moments) = periods.all.get(*period) else { continue };
            // The current month, its days and hours are estimated.
            let estimated = midnight(day_of(world.now).first_of_month()) < moments.1;
            results.push((*period, json!({"TimePeriod": (periods.json)(*moments), "Total": {}, "Groups": [], "Estimated": estimated})));
        }
        let Some((_, result)) = results.last_mut() else { continue };
        match keys.filter(|_| !groups.is_empty()) {
            Some(keys) => {
                let group = json!({"Keys": keys, "Metrics": sum.metrics(&metrics, &world.cost_explorer.currency)});
                result["Groups"].as_array_mut().map(|groups| groups.push(group)).unwrap_or_default();
            }
            // AWS returns a total of zero for a period in which no group was found.
            None => result["Total"] = sum.metrics(&metrics, &world.cost_explorer.currency),
        }
    }
    let results: Vec<Value> = results.into_iter().map(|(_, result)| result).collect();
    let mut answer = json!({"ResultsByTime": results, "DimensionValueAttributes": attributes(&definitions, &sums)});
    if !definitions.is_empty() {
        answer["GroupDefinitions"] = json!(definitions);
    }
    Ok(page.sign(answer, "NextPageToken"))
}

/// The accounts' names, if the answer is grouped by account.
fn attributes(definitions: &[&Value], sums: &BTreeMap<(usize, Vec<String>), Sum>) -> Vec<Value> {
    let Some(place) = definitions.iter().position(|group| text(group, "Key") == Some("LINKED_ACCOUNT")) else { return vec![] };
    let accounts: BTreeSet<&String> = sums.keys().filter_map(|(_, keys)| keys.get(place)).collect();
    accounts.into_iter().map(|account| json!({"Value": account, "Attributes": {"description": account_name(account)}})).collect()
}

fn account_name(account: &str) -> String {
    format!("account-{account}")
}

/// A page of a list, and the next page's token.
struct Page {
    range: std::ops::Range<usize>,
    next: Option<String>,
}

impl Page {
    fn sign(self, mut answer: Value, token: &str) -> Value {
        if let Some(next) = self.next {
            answer[token] = next.into();
        }
        answer
    }
}

/// The page that is asked for. A token is only valid for a request with the same parameters.
fn page(world: &World, input: &Value, token: &str, all: usize) -> Result<Page, Refusal> {
    let asked = input.get("MaxResults").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
    paged(input, token, asked.unwrap_or(world.cost_explorer.page).min(world.cost_explorer.page), all)
}

fn paged(input: &Value, token: &str, size: usize, all: usize) -> Result<Page, Refusal> {
    let mut same = input.clone();
    same.as_object_mut().map(|fields| fields.remove(token)).unwrap_or_default();
    // The order of the fields does not matter.
    same.sort_all_objects();
    let print = fingerprint(&same.to_string());
    let start: usize = match text(input, token).map(|given| given.strip_prefix("after:")) {
        None | Some(Some("")) => 0,
        Some(given) => {
            let parts = given.and_then(|given| given.split_once(':'));
            let invalid =
                || Refusal::new(400, "InvalidNextTokenException", "The pagination token is invalid. Try again without a pagination token.");
            let (start, of) = parts.ok_or_else(invalid)?;
            if of != print {
                let message =
                    "Your request parameters changed between pages. Try again with the old parameters or without a pagination token.";
                return Err(Refusal::new(400, "RequestChangedException", message));
            }
            start.parse().map_err(|_| invalid())?
        }
    };
    let end = start.saturating_add(size).min(all);
    Ok(Page { range: start.min(end)..end, next: (end < all).then(|| format!("after:{end}:{print}")) })
}

/// FNV-1a, to recognize a changed request.
fn fingerprint(of: &str) -> String {
    let hash = of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// A moment as Cost Explorer writes it.
fn zoned(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests;
