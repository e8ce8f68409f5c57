//! Budgets over time: periods, limits, messages that are sent once per period.

use super::*;
use crate::{estate::Estate, services};

const ESTATE: &str = r#"
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
budget-topic = "budgets"
[cost-allocation-tags]
Team = "always"
[[spend]]
usage-type = "EUC1-Host:ml.m5.xlarge"
usd = 24
quantity = 96
tags = { Team = "nlp" }
[[spend]]
usage-type = "EUC1-Train:ml.m5.xlarge"
usd = 10
quantity = 40
[[spend]]
usage-type = "Credit"
record-type = "Credit"
usd = -40
from = "2026-11-02"
until = "2026-11-03"
[[spend]]
service = "Tax"
usage-type = "Tax"
record-type = "Tax"
usd = 7
from = "2026-11-01"
until = "2026-11-02"
"#;

fn world(budget: &str) -> World {
    World::new(Estate::from_toml(&format!("{ESTATE}[[budget]]\nname = \"ml\"\n{budget}")).unwrap())
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn state(world: &World) -> BudgetState {
    world.budgets.states().remove(0)
}

fn ask(world: &mut World, operation: &str, more: &Value) -> Result<Value, Refusal> {
    let mut input = json!({"AccountId": "123456789012", "BudgetName": "ml"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    services::call(world, "budgets", operation, &input)
}

#[test]
fn what_counts() {
    // The spend of 22 days, with a tax of 7 and a credit of 40.
    for (budget, actual) in [
        ("amount = 1000", dec!(715)),
        ("amount = 1000\ncost-types = { IncludeCredit = false }", dec!(755)),
        ("amount = 1000\ncost-types = { IncludeCredit = false, IncludeTax = false }", dec!(748)),
        ("amount = 1000\ncost-filters = { Service = [\"Tax\"] }", dec!(7)),
        ("amount = 1000\ncost-filters = { TagKeyValue = [\"user:Team$nlp\"] }", dec!(528)),
        ("amount = 1000\ncost-filters = { TagKeyValue = [\"Team$nlp\"] }", dec!(0)),
        ("amount = 1000\nfilter-expression = { Tags = { Key = \"Team\", MatchOptions = [\"ABSENT\"] } }", dec!(187)),
        ("amount = 1000\ncost-filters = { UsageType = [\"Credit\"] }", dec!(0)),
        ("amount = 1000\ntype = \"USAGE\"\nunit = \"Hrs\"\ncost-filters = { UsageType = [\"EUC1-Train:ml.m5.xlarge\"] }", dec!(880)),
        ("amount = 1000\ntime-unit = \"QUARTERLY\"", dec!(1769)),
        ("amount = 1000\ntime-unit = \"DAILY\"", dec!(34)),
        ("amount = 1000\ntime-unit = \"CUSTOM\"\nfrom = \"2026-11-20\"\nuntil = \"2026-12-15\"", dec!(102)),
        ("amount = 90\ntype = \"SAVINGS_PLANS_UTILIZATION\"\nunit = \"PERCENTAGE\"\nactual = 71.5", dec!(71.5)),
    ] {
        assert_eq!(state(&world(budget)).actual, actual, "{budget}");
    }
}

#[test]
fn periods() {
    for (budget, from, until) in [
        ("time-unit = \"DAILY\"", "2026-11-22", "2026-11-23"),
        ("time-unit = \"MONTHLY\"", "2026-11-01", "2026-12-01"),
        ("time-unit = \"QUARTERLY\"", "2026-10-01", "2027-01-01"),
        ("time-unit = \"ANNUALLY\"", "2026-01-01", "2027-01-01"),
        ("time-unit = \"CUSTOM\"\nfrom = \"-3d\"\nuntil = \"2026-12-24\"", "2026-11-20", "2026-12-24"),
    ] {
        let state = state(&world(&format!("amount = 1\n{budget}")));
        assert_eq!((state.from.to_string(), state.until.to_string()), (from.to_owned(), until.to_owned()), "{budget}");
    }
}

#[test]
fn planned_limits_change_with_the_month_and_the_last_goes_on() {
    let mut world = world("planned = { \"2026-11-01\" = 4000, \"2026-12-01\" = 5000 }");
    assert_eq!(state(&world).limit, dec!(4000));
    let described = ask(&mut world, "DescribeBudgets", &json!({})).unwrap()["Budgets"][0].clone();
    assert_eq!(described["BudgetLimit"]["Amount"], "4000.0");
    assert_eq!(described["PlannedBudgetLimits"]["1796083200"], json!({"Amount": "5000.0", "Unit": "USD"}), "2026-12-01");
    for (time, limit) in [("2026-12-01T08:00:00Z", dec!(5000)), ("2027-02-01T08:00:00Z", dec!(5000))] {
        world.live_until(at(time));
        assert_eq!(state(&world).limit, limit, "{time}");
    }
}

#[test]
fn the_bill_is_looked_at_only_so_often() {
    let mut world = world("amount = 1000\nupdated-every = \"12h\"");
    let before = state(&world);
    world.live_until(at("2026-11-23T19:59:00Z"));
    assert_eq!(state(&world), before);
    world.live_until(at("2026-11-23T20:00:00Z"));
    assert_eq!(state(&world).actual, dec!(732), "half a day more: of 8 hours ago");
    let mut unhealthy = self::world("amount = 1000\nhealth = { status = \"UNHEALTHY\", reason = \"BILLING_VIEW_UNHEALTHY\" }");
    unhealthy.live_until(at("2026-11-25T20:00:00Z"));
    assert_eq!(state(&unhealthy).actual, dec!(715), "it is not updated");
    assert_eq!(
        ask(&mut unhealthy, "DescribeBudgets", &json!({})).unwrap()["Budgets"][0]["HealthStatus"]["StatusReason"],
        "BILLING_VIEW_UNHEALTHY"
    );
}

#[test]
fn a_forecast_is_what_is_spent_and_what_is_to_come() {
    let usage = "amount = 1000\ncost-types = { IncludeCredit = false, IncludeTax = false }";
    assert_eq!(state(&world(usage)).forecast, Some(dec!(30) * dec!(34)));
    assert_eq!(state(&world("amount = 1000\nforecast = 12.5")).forecast, Some(dec!(12.5)));
    assert_eq!(state(&world("amount = 1000\ntime-unit = \"DAILY\"")).forecast, None);
    let little = world("amount = 1000\ncost-filters = { Service = [\"Tax\"] }");
    assert_eq!(state(&little).forecast, None, "there is too little history");
}

/// The messages: time and text.
fn messages(world: &mut World) -> Vec<(String, String)> {
    let text = |event: &Value, name: &str| event["Records"][0]["Sns"][name].as_str().unwrap().to_owned();
    world.take_events().iter().map(|event| (text(event, "Timestamp"), text(event, "Message"))).collect()
}

#[test]
fn a_threshold_is_told_of_once_in_a_period_when_it_is_crossed() {
    let two = "notifications = [{ threshold = 80, topic = true }, { threshold = 900, threshold-type = \"ABSOLUTE_VALUE\", topic = true }, { threshold = 1, emails = [\"x@example.com\"] }]";
    let mut world = world(&format!("amount = 1000\n{two}"));
    assert_eq!(state(&world).alarms, [false, false, true]);
    world.live_until(at("2026-11-30T23:00:00Z"));
    let told = messages(&mut world);
    let times: Vec<&str> = told.iter().map(|(at, _)| at.as_str()).collect();
    // 715 and 34 a day: 800 is exceeded on 25 November in the afternoon, 900 on the 28th in the morning. The bill shows it 8 hours later.
    assert_eq!(times, ["2026-11-26T00:00:00.000Z", "2026-11-29T00:00:00.000Z"]);
    assert_eq!(
        told[0].1,
        "AWS Budget Notification November 26, 2026\nAWS Account 123456789012\n\nDear AWS Customer,\n\nYou requested that we alert you when the ACTUAL Cost associated with your ml budget is greater than $800.00 for the current month. The ACTUAL Cost associated with this budget is $805.67. You can find additional details below and by accessing the AWS Budgets dashboard [1].\n\nBudget Name: ml\nBudget Type: Cost\nBudgeted Amount: $1,000.00\nAlert Type: ACTUAL\nAlert Threshold: > $800.00\nACTUAL Amount: $805.67\n\n[1] https://console.aws.amazon.com/billing/home#/budgets\n"
    );
    assert_eq!(state(&world).alarms, [true, true, true]);
    world.live_until(at("2026-12-01T09:00:00Z"));
    assert_eq!(state(&world).alarms, [false, false, false], "a new month");
    world.live_until(at("2026-12-31T23:00:00Z"));
    assert_eq!(messages(&mut world).len(), 2, "and told of again");
}

#[test]
fn the_event_is_that_of_lambda_and_faults_reach_it() {
    let mut world = world("amount = 720\nnotifications = [{ topic = true }]");
    world.faults.push(crate::Fault::new("*", crate::What::DuplicateEvents));
    world.live_until(at("2026-11-24T08:00:00Z"));
    let events = world.take_events();
    assert_eq!(events.len(), 2, "the same one, twice");
    let record = &events[0]["Records"][0];
    assert_eq!(record["EventSource"], "aws:sns");
    assert_eq!(record["Sns"]["TopicArn"], "arn:aws:sns:eu-central-1:123456789012:budgets");
    assert_eq!(record["Sns"]["Subject"], "AWS Budgets: ml has exceeded your alert threshold");
}

#[test]
fn what_was_passed_before_the_start_was_told_of_before() {
    let mut world = world("amount = 100\nnotifications = [{ topic = true }]");
    assert_eq!(state(&world).alarms, [true]);
    world.live_until(at("2026-11-30T23:00:00Z"));
    assert_eq!(messages(&mut world), []);
}

#[test]
fn days_and_forecasts_have_their_own_words() {
    let daily = "amount = 30\ntime-unit = \"DAILY\"\nnotifications = [{ topic = true }]";
    let mut days = world(daily);
    assert_eq!(state(&days).alarms, [true], "of yesterday");
    days.live_until(at("2026-11-25T12:00:00Z"));
    let told = messages(&mut days);
    // At midnight the bill has two thirds of the day, at 8 o'clock all of it.
    assert_eq!(told.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["2026-11-24T08:00:00.000Z", "2026-11-25T08:00:00.000Z"]);
    let yesterday = "is greater than $30.00 per day. Yesterday, the ACTUAL Cost associated with this budget is $34.00.";
    assert!(told[0].1.contains(yesterday), "{}", told[0].1);
    let mut forecast = world("amount = 1000\nnotifications = [{ type = \"FORECASTED\", threshold = 100, topic = true }]");
    assert_eq!(state(&forecast).alarms, [false]);
    forecast.budgets.0.get_mut("ml").unwrap().spec.forecast = Some(dec!(1234.5));
    forecast.live_until(at("2026-11-23T16:00:00Z"));
    let told = messages(&mut forecast);
    assert!(told[0].1.contains("Alert Type: FORECASTED\nAlert Threshold: > $1,000.00\nFORECASTED Amount: $1,234.50\n"), "{}", told[0].1);
}

#[test]
fn a_budget_ends_with_its_last_day() {
    let mut world = world("amount = 1000\nuntil = \"2026-11-25\"");
    world.live_until(at("2026-11-24T23:00:00Z"));
    assert_eq!(world.budgets.states().len(), 1);
    world.live_until(at("2026-11-25T12:00:00Z"));
    assert_eq!(world.budgets.states().len(), 0);
}
