//! Compute Optimizer: whether the account is enrolled, and the endpoints that AWS calls idle by its own criterion.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use crate::{
    life::{
        hosting::{
            Hosting,
            levels::Mode,
            traffic::{minute_of, moment_of},
        },
        kinds::{Asset, table::kind_of},
        order::{Listed as _, Ordered},
    },
    services::{On, Operation},
    wire::{Refusal, seconds, text},
    world::{TagLog, World},
};

/// "The endpoint had zero invocations over the 14-day lookback period" (Compute Optimizer, view-idle-recommendations).
const LOOK_BACK: i64 = 14;
const HOURS_PER_MONTH: f64 = 730.0;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("GetEnrollmentStatus", On::Nothing, |world, _| Ok(enrollment(world))),
    Operation::new("GetIdleRecommendations", On::Nothing, |world, input| idle(world, input)),
];

fn enrollment(world: &World) -> Value {
    json!({
        "status": world.hosting.spec.compute_optimizer, "memberAccountsEnrolled": false, "numberOfMemberAccountsOptedIn": 0,
        "lastUpdatedTimestamp": seconds(world.began),
    })
}

fn list<'a>(input: &'a Value, name: &str) -> Vec<&'a str> {
    input.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn invalid(text: &str) -> Refusal {
    Refusal::new(400, "InvalidParameterValueException", text)
}

/// Recommendations are refreshed once a day: they are as of the last midnight UTC.
fn refreshed(world: &World) -> Timestamp {
    moment_of(minute_of(world.now).div_euclid(24 * 60) * 24 * 60)
}

/// Whether an endpoint has the metric `Invocations`, and had none. An asynchronous one has no such metric: how AWS treats it is not documented, and here it
/// is never idle.
fn is_idle(world: &World, asset: &Asset, until: Timestamp) -> bool {
    let from = until - SignedDuration::from_hours(24 * LOOK_BACK);
    let of = Hosting::key(asset.kind, &asset.name);
    let variants: Vec<&str> = world.hosting.variants(&of).collect();
    let nothing = |variant: &&str| {
        let minutes = world.hosting.minutes(&of, variant, minute_of(from), minute_of(until));
        minutes.iter().all(|minute| minute.requests == 0.0 && minute.level.is_none_or(|level| level.mode != Mode::Asynchronous))
    };
    asset.created() <= from
        && asset.status() == "InService"
        && !variants.is_empty()
        && variants.iter().all(nothing)
        && !serves_components(world, asset, (from, until))
}

/// Requests to components are requests to their endpoint.
fn serves_components(world: &World, endpoint: &Asset, (from, until): (Timestamp, Timestamp)) -> bool {
    let shelf = kind_of("inference-component").and_then(|kind| world.assets.shelf(kind));
    let mut components = shelf.into_iter().flat_map(|shelf| shelf.of(&endpoint.name.to_lowercase()).collect::<Vec<_>>());
    components.any(|component| {
        let of = Hosting::key(component.kind, &component.name);
        world.hosting.minutes(&of, "", minute_of(from), minute_of(until)).iter().any(|minute| minute.requests != 0.0)
    })
}

/// What an endpoint costs a month.
fn monthly(world: &World, asset: &Asset) -> f64 {
    let fleet = asset.grown.fleet.as_deref();
    let instances = fleet.into_iter().flat_map(|fleet| &fleet.variants).filter_map(|variant| {
        let hourly = world.hourly(crate::life::hosting::fleet::instance_type(&variant.definition)?)?.to_f64()?;
        Some(hourly * crate::life::scaling::decide::number(variant.count.current))
    });
    instances.sum::<f64>() * HOURS_PER_MONTH
}

fn recommendation(world: &World, asset: &Asset, at: Timestamp) -> Value {
    let savings = json!({
        "savingsOpportunityPercentage": 100.0, "estimatedMonthlySavings": {"currency": "USD", "value": (monthly(world, asset) * 100.0).round() / 100.0},
    });
    let tags = world.tags.get(&asset.arn).map(TagLog::now).unwrap_or_default();
    json!({
        "resourceArn": asset.arn, "resourceId": asset.name, "resourceType": "SageMakerEndpoint", "accountId": world.account, "finding": "Idle",
        "findingDescription": "The endpoint had zero invocations over the 14-day lookback period.",
        "savingsOpportunity": savings, "savingsOpportunityAfterDiscounts": savings,
        "utilizationMetrics": [{"name": "Invocations", "statistic": "Maximum", "value": 0.0}],
        "lookBackPeriodInDays": LOOK_BACK, "lastRefreshTimestamp": seconds(at),
        "tags": tags.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>(),
    })
}

fn idle(world: &World, input: &Value) -> Result<Value, Refusal> {
    if world.hosting.spec.compute_optimizer != "Active" {
        let text =
            format!("Account {} is not registered for recommendations. To opt in, use the UpdateEnrollmentStatus action.", world.account);
        return Err(Refusal::new(400, "OptInRequiredException", text));
    }
    if list(input, "accountIds").iter().any(|account| *account != world.account) {
        return Err(invalid("The account is not a member account of the organization."));
    }
    let size = match input.get("maxResults").and_then(Value::as_i64) {
        None | Some(0) => 100,
        Some(size) => {
            usize::try_from(size).ok().filter(|size| *size <= 100).ok_or_else(|| invalid("maxResults must be between 0 and 100"))?
        }
    };
    let after = match text(input, "nextToken")
        .map(|token| token.strip_prefix("after:").and_then(|after| after.parse::<usize>().ok().or((after.is_empty()).then_some(0))))
    {
        None => 0,
        Some(place) => place.ok_or_else(|| invalid("The next token is not valid"))?,
    };
    let (arns, at) = (list(input, "resourceArns"), refreshed(world));
    let filters = input.get("filters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let fits = |filter: &Value| {
        let own = if text(filter, "name") == Some("Finding") { "Idle" } else { "SageMakerEndpoint" };
        list(filter, "values").contains(&own)
    };
    let shelf = kind_of("endpoint").and_then(|kind| world.assets.shelf(kind));
    let wanted = |asset: &&Asset| arns.is_empty() || arns.iter().any(|arn| arn.eq_ignore_ascii_case(&asset.arn));
    let all = shelf.into_iter().flat_map(Ordered::iter).filter(wanted).filter(|_| filters.iter().all(fits));
    let mut found: Vec<Value> = all.filter(|asset| is_idle(world, asset, at)).map(|asset| recommendation(world, asset, at)).collect();
    let savings =
        |one: &Value| one.pointer("/savingsOpportunity/estimatedMonthlySavings/value").and_then(Value::as_f64).unwrap_or_default();
    let is_ascending = input.pointer("/orderBy/order").and_then(Value::as_str) == Some("Asc");
    found
        .sort_by(|one, other| if is_ascending { savings(one).total_cmp(&savings(other)) } else { savings(other).total_cmp(&savings(one)) });
    let shown: Vec<Value> = found.iter().skip(after).take(size).cloned().collect();
    let mut answer = json!({"idleRecommendations": shown, "errors": []});
    if after + shown.len() < found.len() {
        answer["nextToken"] = format!("after:{}", after + shown.len()).into();
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
