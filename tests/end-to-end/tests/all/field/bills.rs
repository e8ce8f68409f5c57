//! On the day that somebody bought a Savings Plan, covered use looked free: causes, spikes and teams' totals fell to nothing.

use std::collections::BTreeMap;

use cost_aws::{gather::bill::days, ledger::Ledger};
use cost_rules::{facts::Spend, rulebook::Rulebook};
use end_to_end::{
    Function,
    testing::{account_at, days as in_days, guard_of, states},
};
use rust_decimal::{Decimal, dec};
use serde_json::Value;
use simulator::Simulator;

/// The bill of September 2026: two accounts, a plan without upfront payment bought on the 11th at 14:00. The totals were computed exactly, by another program.
const BILL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bills/2026_09.csv");
const TOTALS: &str = include_str!("../../../bills/2026_09_totals.json");

async fn spend(account: &Simulator, policy: &str) -> Spend {
    let guard = guard_of(Function::BudgetAlerter, account, policy);
    let rulebook = Rulebook::from_toml(policy).unwrap();
    let ledger = guard.context.ledger();
    days::read(
        &guard.context.clients,
        &rulebook,
        &ledger,
        "123456789012",
        days::Reading { keeps: true, ..days::Reading::default() },
        account.now(),
    )
    .await
    .spend
    .unwrap()
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn use_that_a_plan_covers_costs_what_the_plan_costs() {
    let estate = format!("bill = \"{BILL}\"\n[cost-allocation-tags]\nTeam = \"always\"");
    let spend = spend(&account_at("2026-10-05T12:00:00Z", &estate), "team-tags = [\"Team\"]").await;
    let (mut by_usage, mut by_team): (BTreeMap<&str, Decimal>, BTreeMap<&str, Decimal>) = Default::default();
    for row in spend.days.values().flatten() {
        *by_usage.entry(&row.usage).or_default() += row.usd;
        *by_team.entry(&row.team).or_default() += row.usd;
    }
    let totals: Value = serde_json::from_str(TOTALS).unwrap();
    let asked = totals["as_the_product_asks_today"].as_object().unwrap();
    let mut expected: BTreeMap<String, Decimal> = BTreeMap::new();
    for (usage, sums) in asked {
        let usage = usage.split_once('-').map_or(usage.as_str(), |(_, rest)| rest);
        *expected.entry(usage.to_owned()).or_default() += decimal(&sums["amortized"]);
    }
    expected.insert("SageMakerSP:1yrNoUpfront".into(), decimal(&totals["record_type"]["SavingsPlanRecurringFee"]["amortized"]));
    assert_eq!(by_usage.len(), expected.len(), "{by_usage:?}");
    for (usage, usd) in expected {
        assert_eq!(by_usage[usage.as_str()].normalize(), usd.normalize(), "{usage}");
    }
    for team in ["ads", "research", "search"] {
        // The bill's totals have the one refund, which team research got.
        let refund = if team == "research" { decimal(&totals["record_type"]["Refund"]["amortized"]) } else { Decimal::ZERO };
        assert_eq!(by_team[team].normalize(), (decimal(&totals["team"][team]["amortized"]) - refund).normalize(), "{team}");
    }
}

#[tokio::test]
async fn a_plan_that_is_bought_is_no_fall_and_no_spike() {
    let estate =
        "[[spend]]\nusage-type = \"EUC1-Host:ml.g5.xlarge\"\nusd = 100\nsavings-plan = { from = \"-4d\", discount = 30, unused = 12 }\n";
    let account = account_at("2026-11-23T12:00:00Z", estate);
    let days = spend(&account, "").await.days;
    let usage = |usage: &str| days.values().rev().take(4).flatten().filter(|row| row.usage == usage).map(|row| row.usd).collect::<Vec<_>>();
    assert_eq!(usage("Host:ml.g5.xlarge"), [dec!(70); 4]);
    assert_eq!(usage("SageMakerSP:1yrNoUpfront"), [dec!(12); 4], "what nobody used of the commitment is a row of its own");
    let report = guard_of(Function::BudgetAlerter, &account, "").run().await.unwrap();
    assert!(!states(&report).iter().any(|(rule, _)| *rule == "spend-spike"), "{report:?}");
}

#[tokio::test]
async fn days_that_were_read_by_another_metric_are_read_once_more() {
    let account = account_at("2026-11-23T12:00:00Z", "[[spend]]\nusage-type = \"EUC1-Host:ml.g5.xlarge\"\nusd = 100\n");
    let asks = async || guard_of(Function::BudgetAlerter, &account, "").run().await.unwrap().cost_usd.is_some_and(|usd| 0.0 < usd);
    assert!(asks().await);
    assert!(!asks().await, "the days are cached");
    let guard = guard_of(Function::BudgetAlerter, &account, "");
    let ledger = Ledger { function: days::PLACE, ..guard.context.ledger() };
    for (name, (at, text)) in ledger.all_kept().await.unwrap() {
        ledger.keep_for(&name, &text.replace("AmortizedCost of ", ""), at, in_days(200)).await.unwrap();
    }
    assert!(asks().await, "an answer to another question is no answer");
    assert!(!asks().await);
}
