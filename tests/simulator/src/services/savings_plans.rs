//! Savings Plans: the plans that the account owns, what AWS offers, and the rates of both. Nothing is bought or returned here.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    estate::{Offer, Payment, savings::STATES},
    life::billing::{Kind, Owned, Visible, region_of},
    services::{On, Operation},
    wire::{Refusal, text},
    world::World,
};

const MOST_RESULTS: usize = 1000;
/// Filters that AWS documents for `DescribeSavingsPlans` and that fit no plan here: a plan for `SageMaker` has no Region or family.
const PLACELESS: [&str; 3] = ["region", "ec2-instance-family", "instance-family"];

const ALL: On = On::Service(|world, _| arn(world, "*"));

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("DescribeSavingsPlans", ALL, plans),
    Operation::new("DescribeSavingsPlanRates", On::Of(|world, input| arn(world, text(input, "savingsPlanId").unwrap_or("*"))), plan_rates),
    Operation::new("DescribeSavingsPlansOfferings", On::Nothing, offerings),
    Operation::new("DescribeSavingsPlansOfferingRates", On::Nothing, offering_rates),
];

pub(crate) fn arn(world: &World, id: &str) -> String {
    format!("arn:aws:savingsplans::{}:savingsplan/{id}", world.account)
}

/// The id of what AWS offers.
pub(crate) fn offering_id(plan_type: &str, offer: Offer) -> String {
    let payment = Payment::ALL.iter().position(|known| *known == offer.payment).unwrap_or_default();
    let first = if plan_type == "SageMaker" { "0ffe0000" } else { "0ffe0001" };
    format!("{first}-0000-4000-8000-0000000000{}{payment}", offer.years)
}

/// A moment as this service writes it.
fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// An amount as this service writes it.
fn usd(amount: Decimal) -> String {
    format!("{amount:.8}")
}

fn list<'a>(input: &'a Value, name: &str) -> Vec<&'a str> {
    input.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether a list of an input is absent, or has this value.
fn takes(input: &Value, name: &str, value: &str) -> bool {
    let wanted = list(input, name);
    wanted.is_empty() || wanted.contains(&value)
}

/// Whether an item passes all elements of `filters`. `property`: the item's value of a filter's name; `None`: AWS has no such filter.
fn passes(input: &Value, property: impl Fn(&str) -> Option<String>) -> Result<bool, Refusal> {
    for filter in input.get("filters").and_then(Value::as_array).into_iter().flatten() {
        let name = text(filter, "name").unwrap_or_default();
        let own = property(name)
            .ok_or_else(|| Refusal::invalid_value(name, "filters.member.name", "Member must satisfy enum value set of the filter names"))?;
        if !list(filter, "values").contains(&own.as_str()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The part of a list that an input asks for, as an answer.
fn page(world: &World, input: &Value, field: &str, all: &[Value]) -> Result<Value, Refusal> {
    let size = match input.get("maxResults").map(Value::as_u64) {
        None | Some(Some(0)) => MOST_RESULTS,
        Some(size) => size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= MOST_RESULTS).ok_or_else(|| {
            Refusal::invalid_value(&input["maxResults"].to_string(), "maxResults", "Member must have value less than or equal to 1000")
        })?,
    };
    let token = text(input, "nextToken").filter(|token| !token.is_empty() && *token != "after:");
    let after = token.map_or(Some(0), |token| token.strip_prefix("after/")?.parse::<usize>().ok());
    let after = after.ok_or_else(|| Refusal::validation("The pagination token is not valid".into()))?;
    let end = after.saturating_add(size.min(world.cost_explorer.page)).min(all.len());
    let mut answer = json!({field: all.get(after..end).unwrap_or_default()});
    if end < all.len() {
        answer["nextToken"] = format!("after/{end}").into();
    }
    Ok(answer)
}

fn plan_json(world: &World, plan: &Owned) -> Value {
    let (recurring, upfront) = plan.payments();
    let products = if plan.is_of_sagemaker() { json!(["SageMaker"]) } else { json!(["EC2", "Fargate", "Lambda"]) };
    let name = &plan.spec.name;
    json!({
        "offeringId": offering_id(&plan.spec.plan_type, plan.offer), "savingsPlanId": plan.id, "savingsPlanArn": arn(world, &plan.id),
        "description": description(&plan.spec.plan_type, plan.offer), "start": written(plan.start), "end": written(plan.end),
        "state": plan.state(world.now), "savingsPlanType": plan.spec.plan_type, "paymentOption": plan.offer.payment.text(), "productTypes": products,
        "currency": plan.spec.currency, "commitment": usd(plan.spec.commitment), "upfrontPaymentAmount": usd(upfront),
        "recurringPaymentAmount": usd(recurring), "termDurationInSeconds": plan.offer.seconds(),
        "tags": if name.is_empty() { json!({}) } else { json!({"Name": name}) }, "returnableUntil": written(plan.returnable_until),
    })
}

fn description(plan_type: &str, offer: Offer) -> String {
    format!("{} year {} {plan_type} Savings Plan", offer.years, offer.payment.text())
}

fn plans(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    if let Some(other) = list(input, "states").into_iter().find(|state| !STATES.contains(state)) {
        return Err(Refusal::invalid_value(other, "states", &format!("Member must satisfy enum value set: [{}]", STATES.join(", "))));
    }
    let mut found = vec![];
    for plan in &world.billing.plans.owned {
        let shown = plan_json(world, plan);
        let field = |name: &str| Some(shown.get(name).and_then(Value::as_str).unwrap_or_default().to_owned());
        let property = |name: &str| match name {
            "savings-plan-type" => field("savingsPlanType"),
            "payment-option" => field("paymentOption"),
            "commitment" => Some(plan.spec.commitment.normalize().to_string()),
            "upfront" => Some(plan.payments().1.normalize().to_string()),
            "term" => Some(plan.offer.seconds().to_string()),
            "start" | "end" => field(name),
            placeless => PLACELESS.contains(&placeless).then(String::new),
        };
        let named = [("savingsPlanIds", "savingsPlanId"), ("savingsPlanArns", "savingsPlanArn"), ("states", "state")];
        let is_named = named.iter().all(|(list, of)| takes(input, list, &field(of).unwrap_or_default()));
        if is_named && passes(input, property)? {
            found.push(shown);
        }
    }
    page(world, input, "savingsPlans", &found)
}

/// A rate: of which offer, of which usage type, and USD per hour.
struct Rate {
    offer: Offer,
    usage_type: String,
    usd: Decimal,
}

/// The rates of an offer: those of the estate, and those that follow from its discounts for what is on the bill.
fn rates(world: &mut World, offers: &[Offer]) -> Vec<Rate> {
    let lag = world.cost_explorer.lag.signed();
    world.settle(world.now - lag);
    let mut prices: std::collections::BTreeMap<String, Decimal> =
        world.billing.plans.rates.all().map(|(usage_type, rate)| (usage_type.clone(), rate.on_demand)).collect();
    let sort = |kind: &Kind, _: &Visible<'_>| world.billing.is_coverable(kind).then(|| kind.usage_type.clone());
    world.billing.sorted(Timestamp::MIN, Timestamp::MAX, sort, |_, usage_type, _, amount| {
        if !prices.contains_key(usage_type) && !amount.quantity.is_zero() {
            prices.insert(usage_type.clone(), (amount.on_demand / amount.quantity).round_dp(8));
        }
    });
    let of = |offer: Offer| {
        let plans = &world.billing.plans;
        let rated = prices.iter().filter_map(move |(usage_type, price)| Some((usage_type, plans.rate(usage_type, *price, offer)?)));
        rated.map(move |(usage_type, usd)| Rate { offer, usage_type: usage_type.clone(), usd })
    };
    offers.iter().flat_map(|offer| of(*offer).collect::<Vec<_>>()).collect()
}

impl Rate {
    /// The value of a property or field that rates are filtered by; `None`: there is no such filter.
    fn property(&self, name: &str) -> Option<String> {
        let instance_type = self.usage_type.find("ml.").map(|at| self.usage_type[at..].to_owned()).unwrap_or_default();
        Some(match name {
            "region" => region_of(&self.usage_type).unwrap_or_default().to_owned(),
            "instanceFamily" => instance_type.rsplit_once('.').map(|(family, _)| family.to_owned()).unwrap_or_default(),
            "instanceType" => instance_type,
            "productType" => "SageMaker".into(),
            "serviceCode" => "AmazonSageMaker".into(),
            "usageType" => self.usage_type.clone(),
            "operation" => "RunInstance".into(),
            "productDescription" | "tenancy" | "productId" => String::new(),
            _ => return None,
        })
    }

    fn json(&self) -> Value {
        let properties = ["region", "instanceType", "instanceFamily"].map(|name| json!({"name": name, "value": self.property(name)}));
        json!({
            "rate": format!("{}", self.usd.normalize()), "unit": "Hrs", "productType": "SageMaker", "serviceCode": "AmazonSageMaker",
            "usageType": self.usage_type, "operation": "RunInstance", "properties": properties,
        })
    }
}

fn plan_rates(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let id = text(input, "savingsPlanId").unwrap_or_default();
    let plan = world.billing.plans.owned.iter().find(|plan| plan.id == id && plan.is_of_sagemaker()).cloned();
    let plan = plan.ok_or_else(|| Refusal::new(404, "ResourceNotFoundException", format!("The Savings Plan {id} does not exist")))?;
    let mut found = vec![];
    for rate in rates(world, &[plan.offer]) {
        if passes(input, |name| rate.property(name).filter(|_| !matches!(name, "instanceFamily" | "productId")))? {
            let mut shown = rate.json();
            shown["currency"] = plan.spec.currency.clone().into();
            found.push(shown);
        }
    }
    let mut answer = page(world, input, "searchResults", &found)?;
    answer["savingsPlanId"] = id.into();
    Ok(answer)
}

fn offerings(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let durations: Vec<i64> = input.get("durations").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect();
    let mut found = vec![];
    for offer in Offer::ALL {
        let id = offering_id("SageMaker", offer);
        let is_wanted = takes(input, "offeringIds", &id)
            && takes(input, "paymentOptions", offer.payment.text())
            && takes(input, "planTypes", "SageMaker")
            && takes(input, "currencies", "USD")
            && takes(input, "descriptions", &description("SageMaker", offer))
            && takes(input, "serviceCodes", "MachineLearningSavingsPlans")
            && takes(input, "usageTypes", &offer.usage_type())
            && takes(input, "operations", "")
            && (durations.is_empty() || durations.contains(&offer.seconds()))
            && text(input, "productType").is_none_or(|product| product == "SageMaker");
        if is_wanted && passes(input, |name| matches!(name, "region" | "instanceFamily").then(String::new))? {
            found.push(json!({
                "offeringId": id, "productTypes": ["SageMaker"], "planType": "SageMaker", "description": description("SageMaker", offer),
                "paymentOption": offer.payment.text(), "durationSeconds": offer.seconds(), "currency": "USD",
                "serviceCode": "MachineLearningSavingsPlans", "usageType": offer.usage_type(), "operation": "", "properties": [],
            }));
        }
    }
    page(world, input, "searchResults", &found)
}

fn offering_rates(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let is_wanted = takes(input, "savingsPlanTypes", "SageMaker")
        && takes(input, "products", "SageMaker")
        && takes(input, "serviceCodes", "AmazonSageMaker")
        && takes(input, "operations", "RunInstance");
    let fits = |offer: &Offer| {
        takes(input, "savingsPlanOfferingIds", &offering_id("SageMaker", *offer))
            && takes(input, "savingsPlanPaymentOptions", offer.payment.text())
    };
    let offers: Vec<Offer> = Offer::ALL.into_iter().filter(|offer| is_wanted && fits(offer)).collect();
    let mut found = vec![];
    for rate in rates(world, &offers) {
        let is_wanted = takes(input, "usageTypes", &rate.usage_type);
        if is_wanted
            && passes(input, |name| {
                rate.property(name).filter(|_| !matches!(name, "productType" | "serviceCode" | "usageType" | "operation"))
            })?
        {
            let mut shown = rate.json();
            shown["savingsPlanOffering"] = json!({
                "offeringId": offering_id("SageMaker", rate.offer), "paymentOption": rate.offer.payment.text(), "planType": "SageMaker",
                "durationSeconds": rate.offer.seconds(), "currency": "USD", "planDescription": description("SageMaker", rate.offer),
            });
            found.push(shown);
        }
    }
    page(world, input, "searchResults", &found)
}

#[cfg(test)]
mod tests;
