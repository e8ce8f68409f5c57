//! The plans of an account by the clock, what AWS offers, filters, pages and refusals.

use super::*;
use crate::{estate::Estate, services};

const ESTATE: &str = r#"
start = "2026-11-23T08:00:00Z"
[savings-plan-rates]
discounts = { 1y-no-upfront = 30 }
usage-types = { "USE1-Train:ml.m5.large" = { on-demand = 0.115, 3y-all-upfront = 0.06 } }
[[savings-plan]]
id = "11111111-2222-4333-8444-555555555555"
commitment = 2.5
payment = "partial-upfront"
start = "2026-11-22T10:30:00Z"
returnable-until = "2026-11-29T10:30:00Z"
[[savings-plan]]
name = "next"
term = "3y"
commitment = 1
start = "2026-12-01T00:00:00Z"
[[savings-plan]]
name = "past"
commitment = 1
start = "2025-11-23T09:00:00Z"
[[savings-plan]]
name = "other"
type = "Compute"
commitment = 10
start = "2026-01-01T00:00:00Z"
[[spend]]
usage-type = "USE1-Host:ml.m5.xlarge"
usd = 5.52
quantity = 24
"#;

fn world() -> World {
    World::new(Estate::from_toml(ESTATE).unwrap())
}

fn asked(world: &mut World, operation: &str, input: &Value) -> Value {
    services::call(world, "savingsplans", operation, input).unwrap_or_else(|refusal| panic!("{input}: {refusal:?}"))
}

fn states(world: &mut World, input: &Value) -> Vec<String> {
    let answer = asked(world, "DescribeSavingsPlans", input);
    let state = |plan: &Value| format!("{} {}", plan["commitment"].as_str().unwrap(), plan["state"].as_str().unwrap());
    answer["savingsPlans"].as_array().unwrap().iter().map(state).collect()
}

#[test]
fn a_plan_is_queued_active_and_retired_by_the_clock() {
    let mut world = world();
    assert_eq!(states(&mut world, &json!({})), ["1.00000000 active", "10.00000000 active", "2.50000000 active", "1.00000000 queued"]);
    world.live_until("2026-12-01T00:00:00Z".parse().unwrap());
    assert_eq!(
        states(&mut world, &json!({"filters": [{"name": "savings-plan-type", "values": ["SageMaker"]}]})),
        ["1.00000000 retired", "2.50000000 active", "1.00000000 active"]
    );
    assert_eq!(states(&mut world, &json!({"states": ["retired"]})), ["1.00000000 retired"]);
}

#[test]
fn a_plan_is_told_as_aws_tells_it() {
    let id = "11111111-2222-4333-8444-555555555555";
    let answer = asked(&mut world(), "DescribeSavingsPlans", &json!({"savingsPlanIds": [id]}));
    assert_eq!(
        answer["savingsPlans"],
        json!([{
            "offeringId": "0ffe0000-0000-4000-8000-000000000011", "savingsPlanId": id,
            "savingsPlanArn": format!("arn:aws:savingsplans::123456789012:savingsplan/{id}"),
            "description": "1 year Partial Upfront SageMaker Savings Plan", "start": "2026-11-22T10:30:00.000Z",
            "end": "2027-11-22T10:30:00.000Z", "state": "active", "savingsPlanType": "SageMaker", "paymentOption": "Partial Upfront",
            "productTypes": ["SageMaker"], "currency": "USD", "commitment": "2.50000000", "upfrontPaymentAmount": "10950.00000000",
            "recurringPaymentAmount": "1.25000000", "termDurationInSeconds": 31_536_000, "tags": {}, "returnableUntil": "2026-11-29T10:30:00.000Z",
        }])
    );
    let other = asked(&mut world(), "DescribeSavingsPlans", &json!({"filters": [{"name": "term", "values": ["94608000"]}]}));
    assert_eq!(other["savingsPlans"][0]["returnableUntil"], other["savingsPlans"][0]["start"], "it may not be returned");
    assert_eq!(other["savingsPlans"][0]["tags"], json!({"Name": "next"}));
}

#[test]
fn rates_are_those_of_the_estate_and_of_its_discounts_for_what_is_on_the_bill() {
    let mut world = world();
    let told = |answer: &Value| {
        let one = |rate: &Value| format!("{} {}", rate["usageType"].as_str().unwrap(), rate["rate"].as_str().unwrap());
        answer["searchResults"].as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    let all = asked(&mut world, "DescribeSavingsPlansOfferingRates", &json!({"products": ["SageMaker"]}));
    assert_eq!(told(&all), ["USE1-Host:ml.m5.xlarge 0.161", "USE1-Train:ml.m5.large 0.06"]);
    assert_eq!(all["searchResults"][1]["savingsPlanOffering"]["durationSeconds"], 94_608_000);
    for (input, count) in [
        (json!({"usageTypes": ["USE1-Host:ml.m5.xlarge"]}), 1),
        (json!({"usageTypes": ["USE1-Host:ml.m5"]}), 0),
        (json!({"savingsPlanPaymentOptions": ["All Upfront"]}), 1),
        (json!({"savingsPlanTypes": ["Compute"]}), 0),
        (json!({"filters": [{"name": "region", "values": ["us-east-1"]}, {"name": "instanceType", "values": ["ml.m5.large"]}]}), 1),
    ] {
        assert_eq!(told(&asked(&mut world, "DescribeSavingsPlansOfferingRates", &input)).len(), count, "{input}");
    }
    let of_plan = asked(&mut world, "DescribeSavingsPlanRates", &json!({"savingsPlanId": "5a000000-0000-4000-8000-000000000003"}));
    assert_eq!(told(&of_plan), ["USE1-Host:ml.m5.xlarge 0.161"]);
    let offerings = asked(&mut world, "DescribeSavingsPlansOfferings", &json!({"durations": [31_536_000], "planTypes": ["SageMaker"]}));
    assert_eq!(offerings["searchResults"].as_array().unwrap().len(), 3);
}

#[test]
fn answers_come_by_pages() {
    let mut world = world();
    let first = asked(&mut world, "DescribeSavingsPlans", &json!({"maxResults": 3}));
    assert_eq!(first["savingsPlans"].as_array().unwrap().len(), 3);
    let second = asked(&mut world, "DescribeSavingsPlans", &json!({"maxResults": 3, "nextToken": first["nextToken"]}));
    assert_eq!((second["savingsPlans"].as_array().unwrap().len(), second.get("nextToken")), (1, None));
}

#[test]
fn nothing_is_bought_and_what_does_not_exist_is_refused() {
    let mut world = world();
    for (operation, input, code) in [
        ("CreateSavingsPlan", json!({"savingsPlanOfferingId": "0ffe0000", "commitment": "1"}), "NotSimulated"),
        ("ReturnSavingsPlan", json!({"savingsPlanId": "x"}), "NotSimulated"),
        ("DescribeSavingsPlanRates", json!({"savingsPlanId": "x"}), "ResourceNotFoundException"),
        ("DescribeSavingsPlans", json!({"states": ["bought"]}), "ValidationException"),
        ("DescribeSavingsPlans", json!({"maxResults": 1001}), "ValidationException"),
        ("DescribeSavingsPlans", json!({"nextToken": "x"}), "ValidationException"),
        ("DescribeSavingsPlans", json!({"filters": [{"name": "size", "values": ["x"]}]}), "ValidationException"),
    ] {
        let refusal = services::call(&mut world, "savingsplans", operation, &input).unwrap_err();
        assert_eq!(refusal.code, code, "{operation} {input}");
    }
}
