//! How much of the usage Savings Plans cover, and how much of the plans is used.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, dec};
use serde_json::{Map, Value, json};

use super::{Page, Periods, granularity, has_data, interval, paged, period_json, periods_of, zoned};
use crate::{
    life::billing::{Filter, HOUR, Kind, Owned, Utilization, Visible, amount_text, day_of, dimension, midnight},
    services::savings_plans::arn,
    wire::{Refusal, text},
    world::World,
};

/// What AWS documents as the default of `MaxResults`.
const RESULTS: usize = 20;
/// The dimensions that coverage can be grouped by.
const GROUPS: [&str; 3] = ["SERVICE", "REGION", "INSTANCE_FAMILY"];
/// The dimensions that plans can be filtered by.
const FILTERS: [&str; 6] = ["LINKED_ACCOUNT", "SAVINGS_PLAN_ARN", "SAVINGS_PLANS_TYPE", "REGION", "PAYMENT_OPTION", "INSTANCE_TYPE_FAMILY"];
const DATA_TYPES: [&str; 4] = ["ATTRIBUTES", "UTILIZATION", "AMORTIZED_COMMITMENT", "SAVINGS"];

/// The periods of an input, all of them in the past. Without a granularity there is one.
fn past_periods(world: &World, input: &Value) -> Result<Periods, Refusal> {
    let periods = if text(input, "Granularity").is_some() {
        periods_of(world, input, granularity(world, input)?)?
    } else {
        let (start, end) = interval(world, input)?;
        Periods { all: vec![(midnight(start), midnight(end))], json: |(start, end)| period_json((day_of(start), day_of(end))) }
    };
    let is_hourly = text(input, "Granularity") == Some("HOURLY");
    if (if is_hourly { world.now } else { midnight(day_of(world.now)) }) < periods.end() {
        return Err(Refusal::validation("End date cannot be in the future".into()));
    }
    Ok(periods)
}

fn page(world: &World, input: &Value, all: usize) -> Result<Page, Refusal> {
    let asked = input.get("MaxResults").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
    paged(input, "NextToken", asked.unwrap_or(RESULTS).min(world.cost_explorer.page), all)
}

fn percent(part: Decimal, of: Decimal) -> Decimal {
    if of.is_zero() { Decimal::ZERO } else { part * dec!(100) / of }
}

/// The value of a dimension that coverage is grouped by.
fn group_of(kind: &Kind, name: &str) -> String {
    match name {
        "INSTANCE_FAMILY" => {
            let family = kind.usage_type.find("ml.").and_then(|at| kind.usage_type[at..].rsplit_once('.')).map(|(family, _)| family);
            family.unwrap_or_default().to_owned()
        }
        name => dimension(kind, name).unwrap_or_default().to_owned(),
    }
}

fn coverage_json(covered: Decimal, on_demand: Decimal) -> Value {
    let total = covered + on_demand;
    json!({
        "SpendCoveredBySavingsPlans": amount_text(covered), "OnDemandCost": amount_text(on_demand), "TotalCost": amount_text(total),
        "CoveragePercentage": amount_text(percent(covered, total)),
    })
}

pub(super) fn coverage(world: &World, input: &Value) -> Result<Value, Refusal> {
    let groups: Vec<&str> =
        input.get("GroupBy").and_then(Value::as_array).into_iter().flatten().filter_map(|group| text(group, "Key")).collect();
    if !groups.is_empty() && text(input, "Granularity").is_some() {
        return Err(Refusal::validation("Granularity and GroupBy cannot be set at the same time".into()));
    }
    if groups.iter().any(|group| !GROUPS.contains(group)) {
        return Err(Refusal::validation(format!("Group Definition dimension is invalid. Valid values are {}", GROUPS.join(", "))));
    }
    let periods = past_periods(world, input)?;
    let filter = Filter::of(input)?;
    has_data(world)?;
    let billing = &world.billing;
    let mut sums: BTreeMap<(usize, Vec<String>), (Decimal, Decimal)> = BTreeMap::new();
    if groups.is_empty() {
        // A period of which nothing is known yet is not there.
        let known = (0..).zip(&periods.all).filter(|(_, (start, _))| *start < billing.settled());
        sums.extend(known.map(|(number, _)| ((number, vec![]), (Decimal::ZERO, Decimal::ZERO))));
    }
    let sort = |kind: &Kind, visible: &Visible<'_>| {
        (billing.is_coverable(kind) && filter.takes(kind, visible)).then(|| groups.iter().map(|group| group_of(kind, group)).collect())
    };
    billing.sorted(periods.start(), periods.end(), sort, |slot, keys: &Vec<String>, kind, amount| {
        let (covered, on_demand) = sums.entry((periods.number(slot.begin), keys.clone())).or_default();
        *(if kind.record_type == "SavingsPlanCoveredUsage" { covered } else { on_demand }) += amount.on_demand;
    });
    let page = page(world, input, sums.len())?;
    let shown = sums.iter().skip(page.range.start).take(page.range.len()).filter_map(|((number, keys), (covered, on_demand))| {
        let attributes: Map<String, Value> =
            groups.iter().zip(keys).map(|(group, key)| ((*group).to_owned(), Value::String(key.clone()))).collect();
        let period = (periods.json)(*periods.all.get(*number)?);
        Some(json!({"Attributes": attributes, "Coverage": coverage_json(*covered, *on_demand), "TimePeriod": period}))
    });
    let answer = json!({"SavingsPlansCoverages": shown.collect::<Vec<_>>()});
    Ok(page.sign(answer, "NextToken"))
}

/// The dimensions of a filter, all of which a plan must match. Only `And` is allowed.
fn filters(input: &Value) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let Some(filter) = input.get("Filter").filter(|filter| !filter.is_null()) else { return Ok(vec![]) };
    let parts = filter.get("And").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![filter.clone()]);
    let read = |part: &Value| {
        let dimension = part.get("Dimensions").ok_or_else(|| Refusal::validation("Only And and Dimensions are supported here".into()))?;
        let key = text(dimension, "Key").unwrap_or_default();
        if !FILTERS.contains(&key) {
            return Err(Refusal::validation(format!("Dimension {key} is invalid. Valid values are {}", FILTERS.join(", "))));
        }
        let values = dimension.get("Values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Ok((key.to_owned(), values.map(str::to_owned).collect()))
    };
    parts.iter().map(read).collect()
}

/// A plan's type as Cost Explorer writes it. The spelling of the recommendations' enum matches nothing here, and is no error.
fn type_of(plan: &Owned) -> String {
    format!("{}SavingsPlans", plan.spec.plan_type)
}

fn matches(world: &World, plan: &Owned, filters: &[(String, Vec<String>)]) -> bool {
    filters.iter().all(|(key, values)| {
        let own = match key.as_str() {
            "LINKED_ACCOUNT" => world.account.clone(),
            "SAVINGS_PLAN_ARN" => arn(world, &plan.id),
            "SAVINGS_PLANS_TYPE" => type_of(plan),
            "PAYMENT_OPTION" => plan.offer.payment.text().to_owned(),
            _ => String::new(),
        };
        values.contains(&own)
    })
}

/// What was used of each plan that matches the filter, by period and the plan's place.
type Uses = BTreeMap<(usize, usize), Utilization>;

fn uses(world: &World, input: &Value, periods: &Periods) -> Result<Uses, Refusal> {
    let filters = filters(input)?;
    has_data(world)?;
    let plans = &world.billing.plans;
    let has_plans = plans.used.values().flatten().any(|used| !used.commitment.is_zero());
    if !has_plans {
        return Err(super::data_unavailable("No Savings Plans data is available for the given time period"));
    }
    let wanted: Vec<bool> = plans.owned.iter().map(|plan| matches(world, plan, &filters)).collect();
    let mut uses = Uses::new();
    for (hour, used) in plans.used.range(periods.start()..periods.end()) {
        for (place, used) in used.iter().enumerate().filter(|(place, used)| wanted.get(*place) == Some(&true) && !used.commitment.is_zero())
        {
            *uses.entry((periods.number(*hour), place)).or_default() += *used;
        }
    }
    Ok(uses)
}

fn sum<'a>(all: impl Iterator<Item = &'a Utilization>) -> Utilization {
    all.fold(Utilization::default(), |mut sum, one| {
        sum += *one;
        sum
    })
}

/// The three blocks of numbers. Net savings are less what nobody used.
fn used_json(used: Utilization) -> Value {
    json!({
        "Utilization": {
            "TotalCommitment": amount_text(used.commitment), "UsedCommitment": amount_text(used.used),
            "UnusedCommitment": amount_text(used.commitment - used.used),
            "UtilizationPercentage": amount_text(percent(used.used, used.commitment)),
        },
        "Savings": {
            "NetSavings": amount_text(used.on_demand - used.commitment), "OnDemandCostEquivalent": amount_text(used.on_demand),
        },
        "AmortizedCommitment": {
            "AmortizedRecurringCommitment": amount_text(used.commitment - used.upfront), "AmortizedUpfrontCommitment": amount_text(used.upfront),
            "TotalAmortizedCommitment": amount_text(used.commitment),
        },
    })
}

pub(super) fn utilization(world: &World, input: &Value) -> Result<Value, Refusal> {
    let periods = past_periods(world, input)?;
    let uses = uses(world, input, &periods)?;
    let by_time = periods.all.iter().enumerate().map(|(number, moments)| {
        let mut shown = used_json(sum(uses.range((number, 0)..(number + 1, 0)).map(|(_, used)| used)));
        shown["TimePeriod"] = (periods.json)(*moments);
        shown
    });
    let by_time: Vec<Value> = by_time.collect();
    Ok(json!({"SavingsPlansUtilizationsByTime": by_time, "Total": used_json(sum(uses.values()))}))
}

fn attributes(world: &World, plan: &Owned) -> Value {
    json!({
        "SavingsPlansType": type_of(plan), "Region": "", "InstanceFamily": "", "PaymentOption": plan.offer.payment.text(),
        "StartDateTime": zoned(plan.start), "EndDateTime": zoned(plan.end), "PurchaseTerm": format!("{}yr", plan.offer.years),
        "AccountId": world.account, "AccountName": super::account_name(&world.account), "Status": plan.state(world.now),
        "HourlyCommitment": amount_text(plan.spec.commitment), "UpfrontFee": amount_text(plan.payments().1),
        "RecurringHourlyFee": amount_text(plan.payments().0), "TermInHours": (plan.offer.seconds() / HOUR.as_secs()).to_string(),
    })
}

pub(super) fn details(world: &World, input: &Value) -> Result<Value, Refusal> {
    let (start, end) = interval(world, input)?;
    let periods = past_periods(world, input)?;
    let types: Vec<&str> = input.get("DataType").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(other) = types.iter().find(|one| !DATA_TYPES.contains(one)) {
        return Err(Refusal::invalid_value(other, "dataType", &format!("Member must satisfy enum value set: [{}]", DATA_TYPES.join(", "))));
    }
    let uses = uses(world, input, &periods)?;
    let page = page(world, input, uses.len())?;
    let shown = uses.iter().skip(page.range.start).take(page.range.len()).filter_map(|((_, place), used)| {
        let plan = world.billing.plans.owned.get(*place)?;
        let mut shown = used_json(*used);
        shown["Attributes"] = attributes(world, plan);
        let fields = ["Attributes", "Utilization", "AmortizedCommitment", "Savings"];
        for (field, _) in fields.iter().zip(DATA_TYPES).filter(|(_, one)| !types.is_empty() && !types.contains(one)) {
            shown.as_object_mut()?.remove(*field);
        }
        shown["SavingsPlanArn"] = arn(world, &plan.id).into();
        Some(shown)
    });
    let answer = json!({
        "SavingsPlansUtilizationDetails": shown.collect::<Vec<_>>(), "Total": used_json(sum(uses.values())),
        "TimePeriod": period_json((start, end)),
    });
    Ok(page.sign(answer, "NextToken"))
}

#[cfg(test)]
mod tests;
