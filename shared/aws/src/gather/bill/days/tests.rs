//! Tests of the requests to Cost Explorer, and of what is cached of its answers.

use std::sync::{Arc, Mutex};

use aws_sdk_costexplorer::{
    operation::{
        get_anomalies::{GetAnomaliesError, GetAnomaliesOutput},
        get_cost_and_usage::{GetCostAndUsageError, GetCostAndUsageOutput},
        get_cost_forecast::{GetCostForecastError, GetCostForecastOutput},
    },
    types::{
        Anomaly as Described, DateInterval, ForecastResult, Granularity, Group, Impact, MetricValue, ResultByTime, RootCause,
        RootCauseImpact, error::DataUnavailableException,
    },
};
use aws_sdk_dynamodb::{
    operation::{put_item::PutItemOutput, query::QueryOutput},
    types::AttributeValue,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use cost_rules::vocabulary::component::Component;
use rust_decimal::{Decimal, dec};

use super::{
    super::{Amounts, BILLED, QUANTITY},
    asking::{ROWS, the_largest},
    *,
};
use crate::testing;

fn now() -> Timestamp {
    "2026-11-11T12:00:00Z".parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn group(usage: &str, team: &str, amount: &str) -> Group {
    let cost = MetricValue::builder().amount(amount).unit("USD").build();
    Group::builder().keys(usage).keys(format!("Team${team}")).metrics(METRIC, cost).build()
}

fn charge(record_type: &str, amount: &str) -> Group {
    let cost = MetricValue::builder().amount(amount).unit("USD").build();
    Group::builder().keys("123456789012").keys(record_type).metrics(METRIC, cost.clone()).metrics(BILLED, cost).build()
}

fn on(date: &str, groups: Vec<Group>) -> ResultByTime {
    let next = day(date).tomorrow().unwrap();
    let period = DateInterval::builder().start(date).end(next.to_string()).build().unwrap();
    ResultByTime::builder().time_period(period).set_groups(Some(groups)).build()
}

/// The ledger's table in memory: it answers queries, and takes puts.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<HashMap<String, (String, String)>>>);

impl Table {
    fn client(&self) -> aws_sdk_dynamodb::Client {
        let (read, written) = (self.clone(), self.clone());
        let query = mock!(aws_sdk_dynamodb::Client::query).then_compute_output(move |_| {
            let table = read.0.lock().unwrap().clone();
            let items = table.iter().map(|(name, (at, what))| {
                [("sk", name), ("at", at), ("what", what)].map(|(key, value)| (key.to_owned(), AttributeValue::S(value.clone()))).into()
            });
            QueryOutput::builder().set_items(Some(items.collect())).build()
        });
        let put = mock!(aws_sdk_dynamodb::Client::put_item).then_compute_output(move |asked| {
            let item = asked.item().unwrap();
            let text = |name: &str| item[name].as_s().unwrap().clone();
            assert!(item.contains_key("expires"), "what is kept has its end");
            written.0.lock().unwrap().insert(text("sk"), (text("at"), text("what")));
            PutItemOutput::builder().build()
        });
        mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &[&query, &put])
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.lock().unwrap().keys().cloned().collect();
        names.sort();
        names
    }
}

async fn known(table: &Table, rules: &[&Rule], keeps: bool, now: Timestamp) -> Known {
    let costexplorer = mock_client!(aws_sdk_costexplorer, RuleMode::MatchAny, rules);
    let clients = Clients { costexplorer: costexplorer.into(), dynamodb: table.client().into(), ..testing::clients() };
    let ledger = Ledger { clients: &clients, table: "ledger", function: "budget-alerter", account: Some("123456789012") };
    read(
        &clients,
        &Rulebook::from_toml("team-tags = [\"Team\"]").unwrap(),
        &ledger,
        "123456789012",
        Reading { keeps, charges: true, ..Reading::default() },
        now,
    )
    .await
}

/// Two pages of days for any request, beginning with its first day.
fn days() -> Rule {
    mock!(aws_sdk_costexplorer::Client::get_cost_and_usage).then_compute_output(|asked| {
        assert_eq!(asked.granularity(), Some(&Granularity::Daily));
        let (first, page) = (asked.time_period().unwrap().start(), GetCostAndUsageOutput::builder());
        if asked.group_by()[0].key() == Some("LINKED_ACCOUNT") {
            assert_eq!(asked.metrics(), [METRIC, BILLED]);
            return page.results_by_time(on(first, vec![charge("Usage", "22.5"), charge("Credit", "-2.5")])).build();
        }
        assert_eq!(asked.metrics(), [METRIC, BILLED, QUANTITY]);
        match asked.next_page_token() {
            None => page.results_by_time(on(first, vec![group("EUC1-Host:x", "nlp", "10.5")])).next_page_token("2").build(),
            Some(_) => page
                .results_by_time(on(first, vec![group("USE1-Host:x", "nlp", "1E+1"), group("Notebk:y", "", "2")]))
                .results_by_time(on("2026-11-10", vec![]))
                .build(),
        }
    })
}

fn anomalies() -> Rule {
    mock!(aws_sdk_costexplorer::Client::get_anomalies).then_compute_output(|asked| {
        let interval = asked.date_interval().unwrap();
        assert_eq!(interval.end_date(), Some("2026-11-10"), "the last day that may be asked for is yesterday");
        let impact = |actual: f64| {
            Impact::builder().max_impact(actual).total_impact(actual).total_actual_spend(actual).total_expected_spend(20.0).build()
        };
        let cause = RootCause::builder().service("Amazon SageMaker").usage_type("EUC1-Cluster:z");
        let cause = cause.impact(RootCauseImpact::builder().contribution(180.5).build()).build();
        let anomaly = |service: &str, actual| {
            let score = aws_sdk_costexplorer::types::AnomalyScore::builder().max_score(1.0).current_score(1.0).build();
            let built =
                Described::builder().anomaly_id("1").monitor_arn("arn").anomaly_start_date("2026-11-09T00:00:00Z").anomaly_score(score);
            built.dimension_value(service).impact(impact(actual))
        };
        GetAnomaliesOutput::builder()
            .anomalies(anomaly("Amazon SageMaker", 200.5).root_causes(cause.clone()).build().unwrap())
            .anomalies(anomaly("Amazon Simple Storage Service", 900.0).build().unwrap())
            .anomalies(anomaly("123456789012", 50.0).anomaly_end_date("2026-11-10T00:00:00Z").root_causes(cause).build().unwrap())
            .build()
            .unwrap()
    })
}

fn forecast() -> Rule {
    mock!(aws_sdk_costexplorer::Client::get_cost_forecast).then_compute_output(|asked| {
        let period = asked.time_period().unwrap();
        assert_eq!((period.start(), period.end()), ("2026-11-11", "2026-12-01"));
        let result =
            ForecastResult::builder().mean_value("400.5").prediction_interval_lower_bound("350").prediction_interval_upper_bound("460");
        GetCostForecastOutput::builder().forecast_results_by_time(result.build()).build()
    })
}

#[tokio::test]
async fn each_page_is_paid_once_a_day_and_a_final_day_once() {
    let table = Table::default();
    let (days, anomalies, forecast) = (days(), anomalies(), forecast());
    let rules = [&days, &anomalies, &forecast];
    let first = known(&table, &rules, true, now()).await;
    assert_eq!((first.requests, first.unread.len(), first.failures.len()), (5, 0, 0));
    let spend = first.spend.unwrap();
    let charges: Vec<_> =
        spend.charges[&day("2026-08-08")].iter().map(|one| (one.record_type.as_str(), one.usd, one.is_of_use())).collect();
    assert_eq!(charges, [("Usage", dec!(22.5), true), ("Credit", dec!(-2.5), false)]);
    assert_eq!(spend.estimated_from, day("2026-11-08"));
    let row = |usage: &str, team: &str, usd| DailySpend { usage: usage.into(), team: team.into(), usd, ..DailySpend::default() };
    assert_eq!(spend.days[&day("2026-08-08")], [row("Host:x", "nlp", dec!(20.5)), row("Notebk:y", "", dec!(2))], "Regions are one");
    assert_eq!(spend.days[&day("2026-11-10")], [], "a day without any spend is known");
    assert_eq!(spend.ahead.map(|ahead| (ahead.usd, ahead.low, ahead.high)), Some((dec!(400.5), dec!(350), dec!(460))));
    let told = spend.anomalies.unwrap();
    assert_eq!(told.len(), 2, "another service's is not ours: {told:?}");
    assert_eq!((told[0].actual, told[0].until, &told[0].causes), (dec!(200.5), None, &vec![("Cluster:z".to_owned(), dec!(180.5))]));
    assert_eq!(
        table.names(),
        [
            "anomalies",
            "charges#2026-08-08",
            "charges-asked",
            "forecast",
            "requests#2026-11-11",
            "spend#2026-08-08",
            "spend#2026-11-10",
            "spend-asked"
        ]
    );

    assert_eq!(first.requests_by_day, [(day("2026-11-11"), 5)].into());

    let again = known(&table, &rules, true, now()).await;
    assert_eq!(again.requests_by_day, first.requests_by_day);
    assert_eq!((again.requests, days.num_calls()), (0, 3), "the same day: all of it is known");
    let spend = again.spend.unwrap();
    assert!(spend.days.len() == 2 && spend.ahead.is_some() && spend.anomalies.unwrap().len() == 2);
    let early = known(&table, &rules, true, "2026-11-12T07:59:00Z".parse().unwrap()).await;
    assert_eq!(early.requests, 0, "the bill does not have the day before yet");
}

#[test]
fn only_days_that_may_still_change_are_read_again() {
    let today = day("2026-11-11");
    let kept = |read_on: &str, days: std::ops::RangeInclusive<i64>| -> Kept {
        let name = |ago: i64| format!("{DAY}{}", today.saturating_sub(ago.days()));
        days.map(|ago| (name(ago), (read_on.parse().unwrap(), json!([])))).collect()
    };
    let yesterday = "2026-11-10T06:00:00Z";
    for (kept, first) in [
        (Kept::new(), "2026-08-08"),
        (kept(yesterday, 1..=95), "2026-11-07"),
        (kept(yesterday, 1..=50), "2026-08-08"),
        (kept("2026-11-11T06:00:00Z", 1..=95), "2026-11-08"),
        // A month changes until it is settled.
        (kept("2026-11-07T23:00:00Z", 1..=95), "2026-10-01"),
    ] {
        assert_eq!(first_not_final::<DailySpend>(&kept, DAY, day("2026-08-08"), now()), day(first));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_the_rest_goes_on() {
    let table = Table::default();
    let throttled = mock!(aws_sdk_costexplorer::Client::get_anomalies)
        .then_error(|| GetAnomaliesError::generic(testing::error("LimitExceededException", "too many")));
    let new = mock!(aws_sdk_costexplorer::Client::get_cost_forecast)
        .then_error(|| GetCostForecastError::DataUnavailableException(DataUnavailableException::builder().build()));
    let found = known(&table, &[&days(), &throttled, &new], true, now()).await;
    let spend = found.spend.unwrap();
    assert_eq!((spend.anomalies, spend.ahead), (None, None));
    assert_eq!(found.unread.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["anomalies of what SageMaker cost"]);
    assert!(found.unread[0].why.contains("ce:GetAnomalies: LimitExceededException"), "{:?}", found.unread);
    assert!(
        !table.names().contains(&"anomalies".to_owned()) && table.names().contains(&"forecast".to_owned()),
        "asked again in the next run"
    );

    let table = Table::default();
    let nothing = mock!(aws_sdk_costexplorer::Client::get_cost_and_usage)
        .then_error(|| GetCostAndUsageError::generic(testing::error("DataUnavailableException", "no data yet")));
    let found = known(&table, &[&nothing, &anomalies(), &new], true, now()).await;
    assert!(found.spend.is_none() && found.unread[0].what == "what SageMaker cost by day", "{:?}", found.unread);
    assert!(!table.names().contains(&"spend-asked".to_owned()), "{:?}", table.names());
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let table = Table::default();
    let found = known(&table, &[&days(), &anomalies(), &forecast()], false, now()).await;
    assert!(found.spend.is_some() && found.requests == 5 && table.names().is_empty());
}

#[test]
fn a_day_with_very_many_rows_is_summed_up_by_component_and_team() {
    let usage = |n: usize| if n.is_multiple_of(3) { format!("Train:ml.x.{n:04}") } else { format!("Host:ml.x.{n:04}") };
    let of = |n: usize| Amounts { usd: Decimal::from(n + 1), billed: Some(Decimal::from(n + 2)), quantity: Decimal::from(n) };
    let rows: BTreeMap<_, _> = (0..ROWS + 10).map(|n| ((usage(n), format!("team-{}", n % 2)), of(n))).collect();
    let sum = |component: Component, rows: &[DailySpend]| -> (Decimal, Decimal, Decimal) {
        let of = rows.iter().filter(|row| Component::of(&row.usage) == component);
        of.fold(Default::default(), |sum, row| (sum.0 + row.usd, sum.1 + row.on_the_invoice(), sum.2 + row.quantity))
    };
    let all: Vec<DailySpend> = (0..ROWS + 10).map(|n| of(n).into_row(usage(n), String::new())).collect();
    let kept = the_largest(rows);
    let rest: Vec<_> = kept[ROWS..].iter().map(|row| (row.usage.as_str(), row.team.as_str())).collect();
    assert_eq!(
        rest,
        [("others:training", "team-0"), ("others:training", "team-1"), ("others:realtime", "team-0"), ("others:realtime", "team-1")]
    );
    for component in [Component::Training, Component::Realtime] {
        assert_eq!(sum(component, &kept), sum(component, &all), "nothing is dropped");
    }
}

#[tokio::test]
async fn an_anomaly_of_the_whole_account_is_not_all_sagemakers() {
    let impact = Impact::builder().max_impact(9000.0).total_impact(9000.0).total_actual_spend(10000.0).total_expected_spend(1000.0).build();
    let ours = RootCause::builder().service("Amazon SageMaker").usage_type("EUC1-Host:x");
    let ours = ours.impact(RootCauseImpact::builder().contribution(30.0).build()).build();
    let ec2 = RootCause::builder().service("Amazon Elastic Compute Cloud - Compute").usage_type("EUC1-BoxUsage:x");
    let ec2 = ec2.impact(RootCauseImpact::builder().contribution(8970.0).build()).build();
    let score = aws_sdk_costexplorer::types::AnomalyScore::builder().max_score(1.0).current_score(1.0).build();
    let described = Described::builder().anomaly_id("1").monitor_arn("arn").anomaly_start_date("2026-11-09T00:00:00Z").anomaly_score(score);
    let described = described.dimension_value("123456789012").impact(impact).root_causes(ec2).root_causes(ours).build().unwrap();
    let rulebook = Rulebook::from_toml("").unwrap();
    let asking = Asking { clients: &testing::clients(), rulebook: &rulebook, now: now(), requests: 0.into() };
    let found = asking.anomaly(described).unwrap();
    assert!(found.actual - found.expected < dec!(100), "{found:?}");
}

#[tokio::test]
async fn a_bill_in_another_currency_is_paid_for_once_in_20_hours() {
    let table = Table::default();
    let cny = mock!(aws_sdk_costexplorer::Client::get_cost_and_usage).then_output(|| {
        let cost = MetricValue::builder().amount("1").unit("CNY").build();
        let group = Group::builder().keys("CNN1-Host:x").keys("Team$nlp").metrics(METRIC, cost).build();
        GetCostAndUsageOutput::builder().results_by_time(on("2026-11-10", vec![group])).build()
    });
    let (anomalies, forecast) = (anomalies(), forecast());
    let rules = [&cny, &anomalies, &forecast];
    let first = known(&table, &rules, true, now()).await;
    assert!(first.unread[0].why.ends_with("is in CNY, expected USD: the guard reads a bill in one currency. If all of it is in CNY, say `currency = \"CNY\"` in [prices] of the policy"), "{:?}", first.unread);
    let asked = cny.num_calls();
    let again = known(&table, &rules, true, now() + SignedDuration::from_hours(19)).await;
    assert_eq!((again.requests, cny.num_calls(), again.is_current), (0, asked, false));
    assert!(
        again.unread[0].why.contains("expected USD: the guard reads a bill in one currency. If all of it is in CNY, say `currency = \"CNY\"` in [prices] of the policy (asked at 2026-11-11T12:00:00Z"),
        "{:?}",
        again.unread
    );
    known(&table, &[&cny, &anomalies], true, now() + SignedDuration::from_hours(20)).await;
    assert_eq!(cny.num_calls(), 2 * asked);
}

#[test]
fn what_lasts_has_advice_and_what_may_change_within_the_hour_has_none() {
    for (why, says) in [
        ("ce:GetCostAndUsage: AccessDeniedException: User not enabled for cost explorer access", Some("enable Cost Explorer")),
        (
            "ce:GetCostAndUsage: AccessDeniedException: Linked account doesn't have access to cost explorer",
            Some("the payer account must allow"),
        ),
        ("ce:GetCostAndUsage: AmortizedCost of Host:x is in CNY, expected USD", Some("one currency")),
        ("ce:GetCostAndUsage: LimitExceededException", None),
        ("ce:GetCostAndUsage: AccessDeniedException: User: arn:aws:sts::1:x is not authorized to perform: ce:GetCostAndUsage", None),
    ] {
        assert_eq!(advice(why).is_some(), says.is_some(), "{why}");
        assert!(with_advice(why).contains(says.unwrap_or_default()), "{why}");
    }
}
