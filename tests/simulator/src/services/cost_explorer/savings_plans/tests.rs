//! Coverage and utilization by the hour, day and month, of plans that were worked out by hand.

use super::*;
use crate::{estate::Estate, services};

/// 10 USD an hour from 08:00 to 16:00, of which a plan of 4 USD covers 5.
const ESTATE: &str = r#"
start = "2026-11-23T12:00:00Z"
[cost-explorer]
hourly = true
[savings-plan-rates]
discounts = { 1y-no-upfront = 20, 3y-all-upfront = 50 }
[[savings-plan]]
id = "a"
commitment = 4
start = "2026-11-20T00:00:00Z"
[[savings-plan]]
id = "b"
type = "Compute"
term = "3y"
payment = "all-upfront"
commitment = 1
start = "2026-11-21T00:00:00Z"
[[spend]]
usage-type = "USE1-Host:ml.m5.xlarge"
usd = 80
from = "2026-11-01"
hours = "mon-sun/08:00-16:00"
[[spend]]
usage-type = "USE1-Host:VolumeUsage.gp3"
usd = 80
"#;

fn world(toml: &str) -> World {
    World::new(Estate::from_toml(toml).unwrap())
}

fn query(start: &str, end: &str, more: &Value) -> Value {
    let mut query = json!({"TimePeriod": {"Start": start, "End": end}});
    query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    query
}

fn asked(world: &mut World, operation: &str, query: &Value) -> Value {
    services::call(world, "ce", operation, query).unwrap_or_else(|refusal| panic!("{query}: {refusal:?}"))
}

/// The start, covered, on demand and percent of each element.
fn covered(answer: &Value) -> Vec<[String; 4]> {
    let all = answer["SavingsPlansCoverages"].as_array().unwrap();
    let of = |one: &Value| {
        let text = |pointer| one.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        [
            text("/TimePeriod/Start"),
            text("/Coverage/SpendCoveredBySavingsPlans"),
            text("/Coverage/OnDemandCost"),
            text("/Coverage/CoveragePercentage"),
        ]
    };
    all.iter().map(of).collect()
}

#[test]
fn coverage_is_of_the_usage_that_a_plan_may_cover() {
    let mut world = world(ESTATE);
    let days = query("2026-11-18", "2026-11-21", &json!({"Granularity": "DAILY"}));
    let texts = |rows: &[[&str; 4]]| rows.iter().map(|row| row.map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(
        covered(&asked(&mut world, "GetSavingsPlansCoverage", &days)),
        texts(&[["2026-11-18", "0", "80", "0"], ["2026-11-19", "0", "80", "0"], ["2026-11-20", "40", "40", "50"]])
    );
    let hours = query("2026-11-20T07:00:00Z", "2026-11-20T09:00:00Z", &json!({"Granularity": "HOURLY"}));
    assert_eq!(
        covered(&asked(&mut world, "GetSavingsPlansCoverage", &hours)),
        texts(&[["2026-11-20T07:00:00Z", "0", "0", "0"], ["2026-11-20T08:00:00Z", "5", "5", "50"]])
    );
    let group = |key: &str| query("2026-11-18", "2026-11-21", &json!({"GroupBy": [{"Type": "DIMENSION", "Key": key}]}));
    for (key, value) in [("SERVICE", "Amazon SageMaker"), ("REGION", "us-east-1"), ("INSTANCE_FAMILY", "ml.m5")] {
        let answer = asked(&mut world, "GetSavingsPlansCoverage", &group(key));
        assert_eq!(answer["SavingsPlansCoverages"][0]["Attributes"], json!({key: value}));
        assert_eq!(covered(&answer)[0][1..], ["40", "200", "16.6666666667"].map(str::to_owned));
    }
}

#[test]
fn coverage_comes_by_pages_of_twenty() {
    let mut world = world(ESTATE);
    let hours = query("2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z", &json!({"Granularity": "HOURLY"}));
    let first = asked(&mut world, "GetSavingsPlansCoverage", &hours);
    assert_eq!(covered(&first).len(), 20);
    let mut rest = hours.clone();
    rest["NextToken"] = first["NextToken"].clone();
    assert_eq!(covered(&asked(&mut world, "GetSavingsPlansCoverage", &rest))[0][0], "2026-11-09T20:00:00Z");
    let mut all = hours;
    all["MaxResults"] = 500.into();
    let answer = asked(&mut world, "GetSavingsPlansCoverage", &all);
    assert_eq!((covered(&answer).len(), answer.get("NextToken")), (336, None));
}

#[test]
fn utilization_is_of_the_commitment() {
    let mut world = world(ESTATE);
    let sagemaker = json!({"Dimensions": {"Key": "SAGEMAKER", "Values": []}});
    let filter =
        |values: &str| json!({"Filter": {"Dimensions": {"Key": "SAVINGS_PLANS_TYPE", "Values": [values]}}, "Granularity": "DAILY"});
    let answer = asked(&mut world, "GetSavingsPlansUtilization", &query("2026-11-20", "2026-11-22", &filter("SageMakerSavingsPlans")));
    assert_eq!(
        answer["Total"],
        json!({
            "Utilization": {"TotalCommitment": "192", "UsedCommitment": "64", "UnusedCommitment": "128", "UtilizationPercentage": "33.3333333333"},
            "Savings": {"NetSavings": "-112", "OnDemandCostEquivalent": "80"},
            "AmortizedCommitment": {
                "AmortizedRecurringCommitment": "192", "AmortizedUpfrontCommitment": "0", "TotalAmortizedCommitment": "192",
            },
        })
    );
    assert_eq!(answer["SavingsPlansUtilizationsByTime"].as_array().unwrap().len(), 2);
    let none = asked(&mut world, "GetSavingsPlansUtilization", &query("2026-11-20", "2026-11-22", &filter("SAGEMAKER_SP")));
    assert_eq!(none["Total"]["Utilization"]["TotalCommitment"], "0", "the enum's spelling is no error and matches nothing");
    let wrong = query("2026-11-20", "2026-11-22", &json!({"Filter": sagemaker}));
    assert_eq!(services::call(&mut world, "ce", "GetSavingsPlansUtilization", &wrong).unwrap_err().code, "ValidationException");
}

#[test]
fn details_are_by_plan() {
    let mut world = world(ESTATE);
    let answer = asked(&mut world, "GetSavingsPlansUtilizationDetails", &query("2026-11-20", "2026-11-22", &json!({"MaxResults": 1})));
    let [first] = answer["SavingsPlansUtilizationDetails"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    assert_eq!(first["SavingsPlanArn"], "arn:aws:savingsplans::123456789012:savingsplan/a");
    assert_eq!((&first["Attributes"]["HourlyCommitment"], &first["Attributes"]["PurchaseTerm"]), (&json!("4"), &json!("1yr")));
    assert_eq!(answer["Total"]["Utilization"]["TotalCommitment"], "216");
    let more = json!({"MaxResults": 1, "NextToken": answer["NextToken"]});
    let second = asked(&mut world, "GetSavingsPlansUtilizationDetails", &query("2026-11-20", "2026-11-22", &more));
    let other = &second["SavingsPlansUtilizationDetails"][0];
    assert_eq!(
        (&other["Utilization"]["UtilizationPercentage"], &other["Attributes"]["PaymentOption"]),
        (&json!("100"), &json!("All Upfront"))
    );
    assert_eq!(other["AmortizedCommitment"]["AmortizedUpfrontCommitment"], "24");
    let only =
        asked(&mut world, "GetSavingsPlansUtilizationDetails", &query("2026-11-20", "2026-11-22", &json!({"DataType": ["SAVINGS"]})));
    let fields: Vec<&String> = only["SavingsPlansUtilizationDetails"][0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["Savings", "SavingsPlanArn"]);
}

#[test]
fn what_aws_refuses_is_refused() {
    let daily = json!({"Granularity": "DAILY"});
    let hourly = json!({"Granularity": "HOURLY"});
    let grouped = json!({"Granularity": "DAILY", "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}]});
    let bare = "start = \"2026-11-23T12:00:00Z\"";
    for (toml, operation, query, code) in [
        (bare, "GetSavingsPlansUtilization", query("2026-11-20", "2026-11-22", &daily), "DataUnavailableException"),
        (bare, "GetSavingsPlansUtilizationDetails", query("2026-11-20", "2026-11-22", &json!({})), "DataUnavailableException"),
        (bare, "GetSavingsPlansCoverage", query("2026-11-20T00:00:00Z", "2026-11-20T02:00:00Z", &hourly), "AccessDeniedException"),
        (ESTATE, "GetSavingsPlansCoverage", query("2026-11-20", "2026-11-24", &daily), "ValidationException"),
        (ESTATE, "GetSavingsPlansCoverage", query("2026-11-08T00:00:00Z", "2026-11-09T00:00:00Z", &hourly), "ValidationException"),
        (ESTATE, "GetSavingsPlansCoverage", query("2026-11-20", "2026-11-21", &hourly), "ValidationException"),
        (ESTATE, "GetSavingsPlansCoverage", query("2026-11-20", "2026-11-22", &grouped), "ValidationException"),
    ] {
        let refusal = services::call(&mut world(toml), "ce", operation, &query).unwrap_err();
        assert_eq!(refusal.code, code, "{operation} {query}: {}", refusal.message);
    }
}
