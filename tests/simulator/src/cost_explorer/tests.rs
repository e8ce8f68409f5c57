//! Cost Explorer's answers: periods, groups, pages, lag, forecasts, anomalies, tags.

use rust_decimal::dec;

use super::*;
use crate::estate::Estate;

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
    call(world, "GetCostAndUsage", query).unwrap_or_else(|refusal| panic!("{query}: {refusal:?}"))
}

/// A group's keys and what it cost.
type Costs = Vec<(Vec<String>, String)>;

/// Of each period: its start, its total and its groups.
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
fn groups_have_their_keys_and_the_total_is_empty() {
    let mut world = world();
    let group = |kind: &str, key: &str| json!({"Type": kind, "Key": key});
    let mut groups = |by: Value| {
        let answer = asked(&mut world, &query("2026-11-21", "2026-11-22", "DAILY", &json!({"GroupBy": by})));
        assert_eq!((&answer["GroupDefinitions"], &answer["ResultsByTime"][0]["Total"]), (&by, &json!({})));
        told(&answer).remove(0).2.into_iter().map(|(keys, usd)| format!("{} {usd}", keys.join("|"))).collect::<Vec<_>>()
    };
    for (by, told) in [
        (json!([group("DIMENSION", "SERVICE")]), vec!["Amazon SageMaker 34", "Amazon Simple Storage Service 1.5"]),
        (json!([group("DIMENSION", "LINKED_ACCOUNT")]), vec!["123456789012 34", "222222222222 1.5"]),
        (json!([group("DIMENSION", "REGION")]), vec!["eu-central-1 35.5"]),
        (json!([group("DIMENSION", "RECORD_TYPE")]), vec!["Usage 35.5"]),
        (json!([group("DIMENSION", "OPERATION")]), vec!["RunInstance 35.5"]),
        (json!([group("TAG", "Team")]), vec!["Team$ 11.5", "Team$nlp 24"]),
        (json!([group("TAG", "Owner")]), vec!["Owner$ 35.5"]),
        (
            json!([group("DIMENSION", "USAGE_TYPE"), group("TAG", "Project")]),
            vec!["EUC1-Host:ml.m5.xlarge|Project$p1 24", "EUC1-TimedStorage-ByteHrs|Project$ 1.5", "EUC1-Train:ml.m5.xlarge|Project$ 10"],
        ),
    ] {
        assert_eq!(groups(by.clone()), told, "{by}");
    }
    let by = json!({"GroupBy": [group("TAG", "Project")]});
    let before = asked(&mut world, &query("2026-11-19", "2026-11-20", "DAILY", &by));
    assert_eq!(told(&before)[0].2, [(vec!["Project$".to_owned()], "35.5".to_owned())], "before its activation a tag is not in the data");
    let none = json!({"GroupBy": [group("TAG", "Team")], "Filter": {"Dimensions": {"Key": "SERVICE", "Values": ["nothing"]}}});
    let none = asked(&mut world, &query("2026-11-21", "2026-11-22", "DAILY", &none));
    assert_eq!(told(&none), [("2026-11-21".to_owned(), "0".to_owned(), vec![])], "without a group there is a total, of nothing");
    let accounts = json!({"GroupBy": [group("DIMENSION", "LINKED_ACCOUNT")]});
    let accounts = asked(&mut world, &query("2026-11-21", "2026-11-22", "DAILY", &accounts));
    assert_eq!(accounts["DimensionValueAttributes"][1]["Attributes"]["description"], "account-222222222222");
}

#[test]
fn quantities_have_a_unit_only_where_there_is_one() {
    let mut world = world();
    let metrics = json!({"Metrics": ["UsageQuantity", "NetAmortizedCost"], "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}]});
    let answer = asked(&mut world, &query("2026-11-21", "2026-11-22", "DAILY", &metrics));
    let of = |place: usize| &answer["ResultsByTime"][0]["Groups"][place]["Metrics"];
    assert_eq!(of(0)["UsageQuantity"], json!({"Amount": "136", "Unit": "Hrs"}));
    assert_eq!(of(1)["UsageQuantity"], json!({"Amount": "2", "Unit": "GB-Mo"}));
    let answer = asked(&mut world, &query("2026-11-21", "2026-11-22", "DAILY", &json!({"Metrics": ["UsageQuantity"]})));
    assert_eq!(answer["ResultsByTime"][0]["Total"]["UsageQuantity"], json!({"Amount": "138", "Unit": "N/A"}));
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

#[test]
fn pages_split_periods_and_each_costs_a_cent() {
    let mut world = world();
    world.cost_explorer.page = 2;
    let by = json!({"GroupBy": [{"Type": "DIMENSION", "Key": "USAGE_TYPE"}]});
    let (mut asking, mut groups, mut pages) = (query("2026-11-20", "2026-11-22", "DAILY", &by), vec![], 0);
    loop {
        let answer = asked(&mut world, &asking);
        groups.extend(
            told(&answer)
                .into_iter()
                .flat_map(|(start, _, groups)| groups.into_iter().map(move |(keys, _)| (start.clone(), keys[0].clone()))),
        );
        pages += 1;
        let Some(token) = answer.get("NextPageToken") else { break };
        asking["NextPageToken"] = token.clone();
    }
    assert_eq!((pages, groups.len(), groups.iter().collect::<BTreeSet<_>>().len()), (3, 6, 6));
    assert_eq!(world.billing.requests_usd(), dec!(0.03));
    let token = asking["NextPageToken"].clone();
    for (change, code) in [
        (json!({"NextPageToken": "nonsense"}), "InvalidNextTokenException"),
        (json!({"NextPageToken": token, "Granularity": "MONTHLY"}), "RequestChangedException"),
    ] {
        let mut changed = query("2026-11-20", "2026-11-22", "DAILY", &by);
        changed.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(call(&mut world, "GetCostAndUsage", &changed).unwrap_err().code, code);
    }
    assert_eq!(world.billing.requests_usd(), dec!(0.03), "what is refused is free");
}

#[test]
fn what_aws_refuses() {
    let mut world = world();
    let mut refused = |query: Value| call(&mut world, "GetCostAndUsage", &query).unwrap_err().message;
    for (start, end, more, says) in [
        ("2026-11-02", "2026-11-02", json!({}), "Start date (and hour) should be before end date (and hour)"),
        ("2026-11-02", "2026-12-02", json!({}), "end date past the beginning of next month"),
        ("2025-09-30", "2026-11-02", json!({}), "You haven't enabled historical data beyond 14 months."),
        ("2026-11-02T00:00:00Z", "2026-11-03", json!({}), "Valid format is"),
        ("2026-11-01", "2026-11-02", json!({"Granularity": "HOURLY"}), "Hourly granularity is not enabled"),
        ("2026-11-01", "2026-11-02", json!({"Granularity": "WEEKLY"}), "enum value set"),
        ("2026-11-01", "2026-11-02", json!({"Metrics": []}), "Metrics is required"),
        ("2026-11-01", "2026-11-02", json!({"Metrics": ["Cost"]}), "Metric Cost is invalid"),
        (
            "2026-11-01",
            "2026-11-02",
            json!({"GroupBy": [{"Type": "DIMENSION", "Key": "RESOURCE_ID"}]}),
            "Group Definition dimension is invalid. Valid values are AZ,",
        ),
        ("2026-11-01", "2026-11-02", json!({"GroupBy": [{}, {}, {}]}), "more than two"),
        ("2026-11-01", "2026-11-02", json!({"GroupBy": [{"Type": "COST_CATEGORY", "Key": "x"}]}), "not simulated"),
    ] {
        let says_in = refused(query(start, end, "DAILY", &more));
        assert!(says_in.contains(says), "{start} {end} {more}: {says_in}");
    }
}

#[test]
fn a_new_account_has_no_data_for_a_day() {
    let mut world = world();
    world.cost_explorer.new_account = true;
    let asking = query("2026-11-01", "2026-11-02", "DAILY", &json!({}));
    let refusal = call(&mut world, "GetCostAndUsage", &asking).unwrap_err();
    assert_eq!((refusal.code, refusal.message.contains("might not be ingested yet")), ("DataUnavailableException", true));
    world.live_until("2026-11-24T08:00:00Z".parse().unwrap());
    asked(&mut world, &asking);
}

fn forecast(world: &mut World, start: &str, end: &str, granularity: &str, more: &Value) -> Result<Value, Refusal> {
    let mut query = query(start, end, granularity, more);
    query["Metric"] = "UNBLENDED_COST".into();
    call(world, "GetCostForecast", &query)
}

#[test]
fn a_forecast_follows_the_weekdays() {
    let toml = "start = \"2026-11-23T08:00:00Z\"\n[[spend]]\nusage-type = \"x\"\nusd = { mon-fri = 10, sat = 3 }\nfrom = \"-70d\"";
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    let answer = forecast(&mut world, "2026-11-23", "2026-12-05", "MONTHLY", &json!({})).unwrap();
    // Five days, Saturday, Monday; then Tuesday to Friday.
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
fn forecasts_that_are_refused() {
    let mut world = world();
    for (start, end, granularity, more, says) in [
        ("2026-11-22", "2026-12-01", "MONTHLY", json!({}), "Earliest supported Start is 2026-11-23"),
        ("2026-12-01", "2026-12-01", "MONTHLY", json!({}), "Requested Start: 2026-12-01 must be before requested End: 2026-12-01"),
        ("2026-11-23", "2027-02-24", "DAILY", json!({}), "Latest supported End is 2027-02-23"),
        ("2026-11-23", "2028-05-24", "MONTHLY", json!({}), "Latest supported End is 2028-05-23"),
        ("2026-11-23", "2026-12-01", "MONTHLY", json!({"PredictionIntervalLevel": 50}), "between 51 and 99"),
        (
            "2026-11-23",
            "2026-12-01",
            "MONTHLY",
            json!({"Filter": {"Dimensions": {"Key": "SERVICE", "Values": ["x"]}}}),
            "Insufficient amount of historical data.",
        ),
    ] {
        let refusal = forecast(&mut world, start, end, granularity, &more).unwrap_err();
        assert!(refusal.message.contains(says), "{}", refusal.message);
    }
    let toml = |days: i64| format!("start = \"2026-11-23T08:00:00Z\"\n[[spend]]\nusage-type = \"x\"\nusd = 1\nfrom = \"-{days}d\"");
    for (days, is_enough) in [(34, false), (35, true)] {
        let mut world = World::new(Estate::from_toml(&toml(days)).unwrap());
        let answer = forecast(&mut world, "2026-11-23", "2026-12-01", "MONTHLY", &json!({}));
        assert_eq!(answer.map_err(|refusal| refusal.code).err(), (!is_enough).then_some("DataUnavailableException"), "{days} days");
    }
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
        call(&mut world, "GetAnomalies", &query).unwrap()["Anomalies"].as_array().unwrap().clone()
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
        let refusal = call(&mut world, "GetAnomalies", &json!({"DateInterval": {"StartDate": start, "EndDate": end}})).unwrap_err();
        assert!(refusal.message.contains(says), "{}", refusal.message);
    }
}

#[test]
fn a_step_is_an_anomaly_for_two_weeks() {
    let toml = "start = \"2026-11-23T08:00:00Z\"\n[[spend]]\nusage-type = \"x\"\nusd = 50\n[[spend]]\nusage-type = \"y\"\nusd = 500\nfrom = \"2026-10-05\"";
    let mut world = World::new(Estate::from_toml(toml).unwrap());
    let query = json!({"DateInterval": {"StartDate": "2026-09-01", "EndDate": "2026-11-22"}});
    let found = call(&mut world, "GetAnomalies", &query).unwrap();
    let first = &found["Anomalies"][0];
    assert_eq!((&first["AnomalyStartDate"], &first["AnomalyEndDate"]), (&json!("2026-10-05T00:00:00Z"), &json!("2026-10-18T00:00:00Z")));
}

#[test]
fn tags_are_activated_by_the_payer() {
    let mut world = world();
    // All that was spent before is taken in with the first look.
    let list = |world: &mut World| {
        let answer = call(world, "ListCostAllocationTags", &json!({})).unwrap();
        let tag = |tag: &Value| format!("{} {}", tag["TagKey"].as_str().unwrap(), tag["Status"].as_str().unwrap());
        answer["CostAllocationTags"].as_array().unwrap().iter().map(tag).collect::<Vec<_>>()
    };
    assert_eq!(list(&mut world), ["Owner Inactive", "Project Active", "Team Active"]);
    let set = |world: &mut World, key: &str, status: &str| {
        call(world, "UpdateCostAllocationTagsStatus", &json!({"CostAllocationTagsStatus": [{"TagKey": key, "Status": status}]}))
    };
    assert!(set(&mut world, "Nobody", "Active").unwrap_err().message.contains("Tag keys not found: Nobody"));
    set(&mut world, "Owner", "Active").unwrap();
    assert_eq!(list(&mut world)[0], "Owner Active");
    let by = json!({"GroupBy": [{"Type": "TAG", "Key": "Owner"}]});
    world.live_until("2026-11-25T20:00:00Z".parse().unwrap());
    let answer = asked(&mut world, &query("2026-11-22", "2026-11-26", "DAILY", &by));
    let counts: Vec<usize> = told(&answer).iter().map(|(_, _, groups)| groups.len()).collect();
    assert_eq!(counts, [1, 1, 2, 2], "from the day after its activation on");
    world.payer = false;
    let refusal = set(&mut world, "Owner", "Inactive").unwrap_err();
    assert_eq!(refusal.code, "AccessDeniedException");
    assert!(refusal.message.ends_with("Linked account doesn't have access to cost allocation tags."));
}
