//! Cost Explorer's answers: periods, groups, pages, lag, forecasts, anomalies, tags.

use rust_decimal::dec;

use super::*;
use crate::{estate::Estate, services};

const ESTATE: &str = r#"
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
[cost-allocation-tags]
Team = "always"
Project = "2026-11-20T00:00:00Z"
[[spend]]
usage-type = "EUC1-Host:ml.m5.xlarge"
usd = 24
quantity = 96
tags = { Team = "nlp", Project = "p1", Owner = "ann" }
[[spend]]
usage-type = "EUC1-Train:ml.m5.xlarge"
usd = 10
quantity = 40
[[spend]]
service = "Amazon Simple Storage Service"
usage-type = "EUC1-TimedStorage-ByteHrs"
usd = 1.5
quantity = 2
unit = "GB-Mo"
account = "222222222222"
[[spend]]
usage-type = "Credit"
record-type = "Credit"
usd = -4
from = "2026-11-01"
until = "2026-11-02"
"#;

fn world() -> World {
    World::new(Estate::from_toml(ESTATE).unwrap())
}

fn query(start: &str, end: &str, granularity: &str, more: &Value) -> Value {
    let mut query = json!({"TimePeriod": {"Start": start, "End": end}, "Granularity": granularity, "Metrics": ["UnblendedCost"]});
    query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    query
}

fn asked(world: &mut World, query: &Value) -> Value {
    services::call(world, "ce", "GetCostAndUsage", query).unwrap_or_else(|refusal| panic!("{query}: {refusal:?}"))
}

/// The keys and the cost of each group.
type Costs = Vec<(Vec<String>, String)>;

/// The start, the total and the groups of each period.
fn told(answer: &Value) -> Vec<(String, String, Costs)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = |result: &Value| {
        let group = |group: &Value| {
            (group["Keys"].as_array().unwrap().iter().map(text).collect::<Vec<_>>(), text(&group["Metrics"]["UnblendedCost"]["Amount"]))
        };
        result["Groups"].as_array().unwrap().iter().map(group).collect::<Vec<_>>()
    };
    let period = |result: &Value| (text(&result["TimePeriod"]["Start"]), text(&result["Total"]["UnblendedCost"]["Amount"]), groups(result));
    answer["ResultsByTime"].as_array().unwrap().iter().map(period).collect()
}

#[test]
fn months_are_as_long_as_they_are_and_the_first_and_last_may_be_cut() {
    let mut world = world();
    let answer = asked(&mut world, &query("2026-01-30", "2026-04-02", "MONTHLY", &json!({})));
    let totals: Vec<(String, String)> = told(&answer).into_iter().map(|(start, total, _)| (start, total)).collect();
    let told = [("2026-01-30", "71"), ("2026-02-01", "994"), ("2026-03-01", "1100.5"), ("2026-04-01", "35.5")];
    assert_eq!(totals, told.map(|(start, total)| (start.to_owned(), total.to_owned())));
    assert_eq!(answer["ResultsByTime"][1]["TimePeriod"]["End"], "2026-03-01");
    assert_eq!(answer["ResultsByTime"][3]["TimePeriod"]["End"], "2026-04-02");
    assert!(answer.get("GroupDefinitions").is_none());
}

#[test]
fn the_data_is_behind_and_the_current_month_is_an_estimate() {
    let mut world = world();
    let days = query("2026-10-31", "2026-11-24", "DAILY", &json!({}));
    let answer = asked(&mut world, &days);
    let results = answer["ResultsByTime"].as_array().unwrap();
    assert_eq!((&results[0]["Estimated"], &results[1]["Estimated"]), (&json!(false), &json!(true)));
    assert_eq!(told(&answer)[1].1, "31.5", "the credit of 1 November");
    assert_eq!(told(&answer)[23], ("2026-11-23".to_owned(), "0".to_owned(), vec![]), "at 8 o'clock nothing of the day is known");
    world.live_until("2026-11-23T20:00:00Z".parse().unwrap());
    assert_eq!(told(&asked(&mut world, &days))[23].1, "17.76", "half of the day, and the request before, which is on the bill too");
    world.live_until("2026-11-24T20:00:00Z".parse().unwrap());
    assert_eq!(told(&asked(&mut world, &days))[23].1, "35.52", "all of it, and two requests");
}

fn forecast(world: &mut World, start: &str, end: &str, granularity: &str, more: &Value) -> Result<Value, Refusal> {
    let mut query = query(start, end, granularity, more);
    query["Metric"] = "UNBLENDED_COST".into();
    services::call(world, "ce", "GetCostForecast", &query)
}

#[test]
fn a_forecast_follows_the_weekdays() {
    let toml = "start = \"2026-11-23T08:00:00Z\"\n[[spend]]\nusage-type = \"x\"\nusd = { mon-fri = 10, sat = 3 }\nfrom = \"-70d\"";
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    let answer = forecast(&mut world, "2026-11-23", "2026-12-05", "MONTHLY", &json!({})).unwrap();
    // November: five weekdays, a Saturday and a Monday. December: Tuesday to Friday.
    assert_eq!(answer["Total"], json!({"Amount": "103", "Unit": "USD"}));
    let means: Vec<&Value> = answer["ForecastResultsByTime"].as_array().unwrap().iter().map(|one| &one["MeanValue"]).collect();
    assert_eq!(means, ["63", "40"]);
    assert!(answer["ForecastResultsByTime"][0].get("PredictionIntervalLowerBound").is_none(), "not asked for");
    let level = json!({"PredictionIntervalLevel": 80});
    let answer = forecast(&mut world, "2026-11-23", "2026-11-25", "DAILY", &level).unwrap();
    let first = &answer["ForecastResultsByTime"][0];
    assert_eq!(
        (&first["PredictionIntervalLowerBound"], &first["PredictionIntervalUpperBound"]),
        (&json!("10"), &json!("10")),
        "no week was another"
    );
    world.cost_explorer.forecast_usd = Some(dec!(7.5));
    assert_eq!(forecast(&mut world, "2026-11-23", "2026-11-25", "DAILY", &json!({})).unwrap()["Total"]["Amount"], "15");
}

#[test]
fn an_interval_is_wider_at_a_higher_level_and_where_days_differ() {
    let toml = "start = \"2026-11-23T08:00:00Z\"\n[[spend]]\nusage-type = \"x\"\nusd = 100\nnoise = 20";
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    let mut bounds = |level: i64| {
        let answer = forecast(&mut world, "2026-11-23", "2026-11-24", "DAILY", &json!({"PredictionIntervalLevel": level})).unwrap();
        let of = |name: &str| answer["ForecastResultsByTime"][0][name].as_str().unwrap().parse::<Decimal>().unwrap();
        (of("PredictionIntervalLowerBound"), of("MeanValue"), of("PredictionIntervalUpperBound"))
    };
    let (narrow, wide) = (bounds(60), bounds(95));
    assert!(wide.0 < narrow.0 && narrow.0 < narrow.1 && narrow.1 < narrow.2 && narrow.2 < wide.2, "{narrow:?} {wide:?}");
    assert_eq!(narrow.2 - narrow.1, narrow.1 - narrow.0);
}

#[test]
fn anomalies_are_days_that_cost_much_more_than_their_weekdays() {
    let toml = r#"
        start = "2026-11-23T08:00:00Z"
        [[spend]]
        usage-type = "USE1-Host:ml.m5.xlarge"
        usd = { mon-fri = 200, sat-sun = 20 }
        [[spend]]
        usage-type = "USE1-Train:ml.p3.2xlarge"
        usd = 10
        spikes = [{ day = "2026-11-11", usd = 300 }, { day = "2026-11-12", usd = 480 }, { day = "2026-11-17", usd = 70 }, { day = "2026-11-22", usd = 150 }]
        [[anomaly]]
        service = "Amazon Redshift"
        usage-type = "Node:ra3"
        start = "-10d"
        end = "-9d"
        expected = 0
        actual = 50
    "#;
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    let mut found = |more: Value| {
        let mut query = json!({"DateInterval": {"StartDate": "2026-10-01", "EndDate": "2026-11-22"}});
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        services::call(&mut world, "ce", "GetAnomalies", &query).unwrap()["Anomalies"].as_array().unwrap().clone()
    };
    let all = found(json!({}));
    let starts: Vec<&Value> = all.iter().map(|one| &one["AnomalyStartDate"]).collect();
    assert_eq!(
        starts,
        ["2026-11-11T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-22T00:00:00Z"],
        "70 USD more are no anomaly, weekdays neither"
    );
    assert_eq!(all[0]["AnomalyEndDate"], "2026-11-12T00:00:00Z", "two days are one anomaly");
    assert_eq!(
        all[0]["Impact"],
        json!({"MaxImpact": 480, "TotalImpact": 780, "TotalActualSpend": 1200, "TotalExpectedSpend": 420, "TotalImpactPercentage": 185.71})
    );
    assert_eq!(all[0]["RootCauses"][0]["UsageType"], "USE1-Train:ml.p3.2xlarge");
    assert_eq!(all[0]["RootCauses"][0]["Impact"]["Contribution"], 780);
    assert_eq!((&all[1]["DimensionValue"], all[1]["Impact"].get("TotalImpactPercentage")), (&json!("Amazon Redshift"), None));
    assert!(all[2].get("AnomalyEndDate").is_none(), "it may go on");
    let count = |more: Value, found: &mut dyn FnMut(Value) -> Vec<Value>| found(more).len();
    for (more, number) in [
        (json!({"DateInterval": {"StartDate": "2026-11-13"}}), 2),
        (json!({"DateInterval": {"StartDate": "2026-10-01", "EndDate": "2026-11-11"}}), 0),
        (json!({"TotalImpact": {"NumericOperator": "GREATER_THAN_OR_EQUAL", "StartValue": 150.0}}), 2),
        (json!({"TotalImpact": {"NumericOperator": "BETWEEN", "StartValue": 1, "EndValue": 100}}), 1),
        (json!({"MonitorArn": "arn:aws:ce::1:anomalymonitor/x"}), 0),
    ] {
        assert_eq!(count(more.clone(), &mut found), number, "{more}");
    }
    for (start, end, says) in [
        ("2026-11-01", "2026-11-23", "Latest supported detectionDate for GetRecentAnomalies is 2026-11-22"),
        ("2026-08-24", "2026-11-22", "Earliest supported detectionDate for GetRecentAnomalies is 2026-08-25"),
    ] {
        let refusal =
            services::call(&mut world, "ce", "GetAnomalies", &json!({"DateInterval": {"StartDate": start, "EndDate": end}})).unwrap_err();
        assert!(refusal.message.contains(says), "{}", refusal.message);
    }
}

#[test]
fn a_step_is_an_anomaly_for_two_weeks() {
    let toml = "start = \"2026-11-23T08:00:00Z\"\n[[spend]]\nusage-type = \"x\"\nusd = 50\n[[spend]]\nusage-type = \"y\"\nusd = 500\nfrom = \"2026-10-05\"";
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    let query = json!({"DateInterval": {"StartDate": "2026-09-01", "EndDate": "2026-11-22"}});
    let found = services::call(&mut world, "ce", "GetAnomalies", &query).unwrap();
    let first = &found["Anomalies"][0];
    assert_eq!((&first["AnomalyStartDate"], &first["AnomalyEndDate"]), (&json!("2026-10-05T00:00:00Z"), &json!("2026-10-18T00:00:00Z")));
}
