//! Recommendations for a fleet whose best commitments are known, and for spend that nothing is recommended for.

use super::*;
use crate::{estate::Estate, services};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// 10 USD an hour in all hours, and 10 more from 08:00 to 16:00.
const STEADY: &str = r#"
start = "2026-11-23T12:00:00Z"
[savings-plan-rates]
discounts = { 1y-no-upfront = 30, 3y-all-upfront = 50 }
[[spend]]
usage-type = "USE1-Host:ml.m5.xlarge"
usd = 240
[[spend]]
usage-type = "USE1-Train:ml.m5.xlarge"
usd = 80
hours = "mon-sun/08:00-16:00"
"#;

fn question(term: &str, payment: &str, look_back: &str) -> Value {
    json!({"SavingsPlansType": "SAGEMAKER_SP", "TermInYears": term, "PaymentOption": payment, "LookbackPeriodInDays": look_back})
}

fn world(toml: &str) -> World {
    World::new(Estate::from_toml(toml).unwrap())
}

fn asked(world: &mut World, question: &Value) -> Value {
    let answer = services::call(world, "ce", "GetSavingsPlansPurchaseRecommendation", question);
    answer.unwrap_or_else(|refusal| panic!("{question}: {refusal:?}"))["SavingsPlansPurchaseRecommendation"].clone()
}

fn first(recommendation: &Value) -> &Value {
    &recommendation["SavingsPlansPurchaseRecommendationDetails"][0]
}

#[test]
fn what_would_have_cost_least_is_recommended() {
    let recommendation = asked(&mut world(STEADY), &question("ONE_YEAR", "NO_UPFRONT", "SEVEN_DAYS"));
    let detail = first(&recommendation);
    for (field, value) in [
        ("HourlyCommitmentToPurchase", "7.000"),
        ("EstimatedSPCost", "1176.0000000000"),
        ("EstimatedOnDemandCost", "560.0000000000"),
        ("EstimatedOnDemandCostWithCurrentCommitment", "2240.0000000000"),
        ("EstimatedSavingsAmount", "504.0000000000"),
        ("EstimatedSavingsPercentage", "22.5000000000"),
        ("EstimatedMonthlySavingsAmount", "2160.0000000000"),
        ("EstimatedAverageUtilization", "100.0000000000"),
        ("CurrentMinimumHourlyOnDemandSpend", "10.0000000000"),
        ("CurrentMaximumHourlyOnDemandSpend", "20.0000000000"),
        ("UpfrontCost", "0.0000000000"),
    ] {
        assert_eq!(detail[field], value, "{field}");
    }
    assert_eq!((&recommendation["AccountScope"], &recommendation["TermInYears"]), (&json!("Payer"), &json!("ONE_YEAR")));
    assert_eq!(recommendation["SavingsPlansPurchaseRecommendationSummary"]["TotalRecommendationCount"], "1");
    let upfront = asked(&mut world(STEADY), &question("THREE_YEARS", "ALL_UPFRONT", "THIRTY_DAYS"));
    assert_eq!(first(&upfront)["HourlyCommitmentToPurchase"], "5.000");
    assert_eq!(first(&upfront)["UpfrontCost"], "131400.0000000000");
}

#[test]
fn what_an_active_plan_covers_is_not_recommended_again() {
    let owned = format!("{STEADY}[[savings-plan]]\nname = \"a\"\ncommitment = 3.5\nstart = \"2026-11-23T11:00:00Z\"");
    let recommendation = asked(&mut world(&owned), &question("ONE_YEAR", "NO_UPFRONT", "SEVEN_DAYS"));
    assert_eq!(first(&recommendation)["HourlyCommitmentToPurchase"], "3.500", "though it covered none of these hours");
    let queued = owned.replace("2026-11-23T11", "2026-12-23T11");
    let recommendation = asked(&mut world(&queued), &question("ONE_YEAR", "NO_UPFRONT", "SEVEN_DAYS"));
    assert_eq!(first(&recommendation)["HourlyCommitmentToPurchase"], "7.000");
}

#[test]
fn details_have_every_hour() {
    let mut world = world(&format!("{STEADY}[[savings-plan]]\nname = \"a\"\ncommitment = 3.5\nstart = \"2026-11-01T00:00:00Z\""));
    let recommendation = asked(&mut world, &question("ONE_YEAR", "NO_UPFRONT", "SEVEN_DAYS"));
    let id = first(&recommendation)["RecommendationDetailId"].clone();
    let input = json!({"RecommendationDetailId": id});
    let answer = services::call(&mut world, "ce", "GetSavingsPlanPurchaseRecommendationDetails", &input).unwrap();
    let data = &answer["RecommendationDetailData"];
    let hours = data["MetricsOverLookbackPeriod"].as_array().unwrap();
    assert_eq!((hours.len(), &hours[0]["StartTime"]), (168, &json!("2026-11-16T00:00:00Z")));
    assert_eq!(hours[0]["EstimatedCoverage"], "100.0000000000");
    assert_eq!(
        hours[8],
        json!({
            "StartTime": "2026-11-16T08:00:00Z", "EstimatedOnDemandCost": "10.0000000000", "CurrentCoverage": "25.0000000000",
            "EstimatedCoverage": "50.0000000000", "EstimatedNewCommitmentUtilization": "100.0000000000",
        })
    );
    assert_eq!(data["ExistingHourlyCommitment"], "3.5000000000");
    assert_eq!(data["HourlyCommitmentToPurchase"], first(&recommendation)["HourlyCommitmentToPurchase"]);
    for (id, code) in [("00000001-0000-0007-0001-00000000000x", "ValidationException"), ("x", "ValidationException")] {
        let input = json!({"RecommendationDetailId": id});
        assert_eq!(services::call(&mut world, "ce", "GetSavingsPlanPurchaseRecommendationDetails", &input).unwrap_err().code, code);
    }
}

#[test]
fn nothing_is_recommended_for_little_spend_or_for_office_hours() {
    let office = STEADY.replace("usd = 240", "usd = 0");
    let little = STEADY.replace("usd = 240", "usd = 2").replace("usd = 80", "usd = 0");
    for toml in [office, little] {
        let recommendation = asked(&mut world(&toml), &question("ONE_YEAR", "NO_UPFRONT", "SIXTY_DAYS"));
        assert_eq!(recommendation["SavingsPlansPurchaseRecommendationDetails"], json!([]));
    }
    let mut other = question("ONE_YEAR", "NO_UPFRONT", "SIXTY_DAYS");
    other["SavingsPlansType"] = "COMPUTE_SP".into();
    assert_eq!(asked(&mut world(STEADY), &other)["SavingsPlansPurchaseRecommendationDetails"], json!([]));
    let wrong = question("TWO_YEARS", "NO_UPFRONT", "SIXTY_DAYS");
    assert!(services::call(&mut world(STEADY), "ce", "GetSavingsPlansPurchaseRecommendation", &wrong).is_err());
}

#[test]
fn a_fleets_recommendation_costs_within_a_cent_of_the_best() {
    let toml = format!(
        "start = \"2026-08-10T12:00:00Z\"\n[[spend]]\ncsv = \"{DATA}/fleet_a_endpoints_336h.csv\"\n[savings-plan-rates]\ncsv = \"{DATA}/rates.csv\""
    );
    let mut world = world(&toml);
    for (payment, offer) in PAYMENTS.iter().map(|(name, payment)| (name, Offer { years: 1, payment: *payment })) {
        let recommendation = asked(&mut world, &question("ONE_YEAR", payment, "SEVEN_DAYS"));
        let detail = first(&recommendation);
        let advised: Decimal = detail["HourlyCommitmentToPurchase"].as_str().unwrap().parse().unwrap();
        let question = Question { offer, days: 7, is_of_payer: true, until: "2026-08-10T00:00:00Z".parse().unwrap() };
        let hours = question.answer(&world).unwrap().all;
        let cost = |commitment| sizing::outcome(&world.billing.plans, &hours, commitment, offer).cost();
        assert!((0..40).all(|cents| cost(advised) <= cost(Decimal::from(cents) / dec!(4)) + dec!(0.2)), "{payment}");
    }
}

#[test]
fn a_record_by_day_has_its_days_spread_evenly() {
    let toml = "start = \"2026-11-23T12:00:00Z\"\n[[spend]]\nusage-type = \"USE1-Host:ml.m5.xlarge\"\nusd = 240";
    let recommendation = asked(&mut world(toml), &question("ONE_YEAR", "NO_UPFRONT", "SEVEN_DAYS"));
    assert_eq!(first(&recommendation)["HourlyCommitmentToPurchase"], "7.300");
}
