//! What was predicted against a bill: the same requests, served in the recommended way for the same two weeks on the simulated account.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};
use cost_aws::report::Report;
use end_to_end::{
    Function, clients,
    testing::{account, account_at, days, guard_of, hours, minutes},
};
use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::Value;
use simulator::Simulator;

use super::estate::{self, Planted};

/// When the two weeks of the advice began.
const BEGAN: &str = "2026-11-09T08:00:00Z";
/// Two weeks are this part of a month of 730 hours.
const OF_A_MONTH: f64 = 14.0 * 24.0 / 730.0;
/// How near a bill must be.
const WITHIN: f64 = 0.10;

/// What each endpoint would cost in the recommended way, and what it needs for that.
async fn predicted(planted: &[Planted]) -> Report {
    let account = account(&estate::toml(planted, |_| None));
    guard_of(Function::InferenceAdvisor, &account, estate::POLICY).run().await.unwrap()
}

fn option<'a>(report: &'a Report, name: &str) -> &'a Value {
    let one = report.serving.iter().find(|one| one["name"] == name).unwrap();
    one["options"].as_array().unwrap().iter().find(|option| option["option"] == one["recommended"]).unwrap()
}

/// USD of the endpoints and jobs of this account since it began, for two weeks.
fn billed(account: &Simulator, name: &str) -> f64 {
    let lines = account.bill().into_iter().filter(|line| line.name.starts_with(name));
    lines.filter_map(|line| line.usd).sum::<rust_decimal::Decimal>().to_f64().unwrap()
}

fn differs(name: &str, billed: f64, predicted: f64) -> Option<String> {
    let differs = billed / predicted - 1.0;
    (WITHIN < differs.abs()).then(|| format!("{name}: billed {billed:.2}, predicted {predicted:.2}: {:+.1} %", differs * 100.0))
}

/// Serverless without and with provisioned concurrency, and other instances: the configuration says all.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_predicted_for_serverless_and_other_instances_is_billed() {
    let folder = estate::series();
    let planted = estate::all(folder.path());
    let report = predicted(&planted).await;
    let serverless = |name: &str| {
        let option = option(&report, name);
        let ready =
            option["provisioned-concurrency"].as_u64().map_or_else(String::new, |ready| format!(", provisioned-concurrency = {ready}"));
        format!("serverless = {{ memory-mb = {}, max-concurrency = 50{ready} }}", option["memory-gb"].as_u64().unwrap() * 1024)
    };
    let others = |name: &str| {
        let option = option(&report, name);
        format!("instance-type = {}\ninstance-count = {}", option["instance-type"], option["instances"])
    };
    let of = |one: &Planted| match one.fits?.1 {
        "serverless" | "serverless-provisioned" => Some(serverless(one.name)),
        "real-time-other-instances" => Some(others(one.name)),
        _ => None,
    };
    let moved = account_at(BEGAN, &estate::toml(&planted, of));
    moved.advance(days(14));
    let all: Vec<&Planted> = planted.iter().filter(|one| of(one).is_some()).collect();
    let predicted = |name: &str| option(&report, name)["usd-per-month"].as_f64().unwrap() * OF_A_MONTH;
    let wrong: Vec<String> = all.iter().filter_map(|one| differs(one.name, billed(&moved, one.name), predicted(one.name))).collect();
    assert_eq!((all.len(), wrong), (7, vec![]));
}

/// A queue and a component that go to zero by the auto scaling that the mail sets.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_predicted_for_what_goes_to_zero_is_billed() {
    const SCALES: &str = "timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\n[rules.endpoint-off-hours]\nmode = \"off\"\n\
                          [rules.endpoint-never-at-zero]\nmode = \"enforce\"\ngrace = \"0s\"\nmin-saving = 0\n";
    let folder = estate::series();
    let planted = estate::all(folder.path());
    let report = predicted(&planted).await;
    let of = |one: &Planted| match one.fits?.1 {
        "asynchronous" => Some("asynchronous = true".to_owned()),
        "inference-component" => Some("component".to_owned()),
        _ => None,
    };
    let planted: Vec<Planted> = planted.into_iter().filter(|one| of(one).is_some()).collect();
    // Two weeks for the guard to see when there is no work. A component goes to zero only if AWS publishes zeros (aws-facts §4).
    let estate = estate::toml(&planted, of).replacen("[hosting]\n", "[hosting]\nzero-datapoints = true\n", 1);
    let moved = account_at("2026-10-26T08:00:00Z", &estate);
    let guard = guard_of(Function::EndpointAutoscaler, &moved, SCALES);
    for _ in 0..2 {
        guard.run().await.unwrap();
        moved.advance(minutes(30));
    }
    moved.live_until(BEGAN.parse().unwrap());
    let before: Vec<f64> = planted.iter().map(|one| billed(&moved, one.name)).collect();
    moved.advance(days(14));
    let predicted = |name: &str| option(&report, name)["usd-per-month"].as_f64().unwrap() * OF_A_MONTH;
    let both = planted.iter().zip(before);
    let wrong: Vec<String> =
        both.filter_map(|(one, before)| differs(one.name, billed(&moved, one.name) - before, predicted(one.name))).collect();
    assert_eq!((planted.len(), wrong), (3, vec![]));
}

/// A job each day for the requests of that day, with the model's start-up and with what each request takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_predicted_for_batch_transform_is_billed() {
    let folder = estate::series();
    let planted = estate::all(folder.path());
    let report = predicted(&planted).await;
    let all: Vec<&Planted> = planted.iter().filter(|one| one.fits.is_some_and(|(_, option)| option == "batch-transform")).collect();
    let jobs: String = all.iter().map(|one| estate::jobs_toml(one, option(&report, one.name))).collect();
    let moved = account_at(BEGAN, &jobs);
    // The last job has the requests of the last day.
    moved.advance(days(14) + hours(12));
    assert_eq!(moved.bill().len(), 14 * all.len());
    let predicted = |name: &str| option(&report, name)["usd-per-month"].as_f64().unwrap() * OF_A_MONTH;
    let wrong: Vec<String> = all.iter().filter_map(|one| differs(one.name, billed(&moved, one.name), predicted(one.name))).collect();
    assert_eq!((all.len(), wrong), (2, vec![]));
}

/// One endpoint in place of several: it costs what was predicted, and its instances carry all requests in each hour with the room that was promised.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_predicted_for_a_shared_endpoint_is_billed_and_has_room() {
    let folder = estate::series();
    let planted: Vec<Planted> = estate::all(folder.path()).into_iter().chain(estate::in_shifts()).collect();
    let report = predicted(&planted).await;
    let groups = report.serving.iter().map(|one| &one["multi-model"]).filter(|group| group.is_object());
    let mut sizes = vec![];
    for group in groups {
        let names: Vec<&str> = group["members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let members: Vec<&Planted> = planted.iter().filter(|one| names.contains(&one.name)).collect();
        let moved = account_at(BEGAN, &estate::shared_toml(&members, group));
        moved.advance(days(14));
        let predicted = group["usd-per-month"].as_f64().unwrap() * OF_A_MONTH;
        assert_eq!(differs("shared", billed(&moved, "shared"), predicted), None, "{group}");
        let served = moved.served(BEGAN.parse().unwrap(), moved.now()).remove(0);
        assert!(0.0 < served.requests && served.short + served.lost <= 0.0, "{group}: {served:?}");
        let vcpus = f64::from(estate::has(group["instance-type"].as_str().unwrap()).vcpu);
        let cpu = busiest_hour(&moved, "CPUUtilization").await / 100.0 / vcpus;
        assert!(cpu <= group["highest-cpu"].as_f64().unwrap() && cpu <= 0.7, "{group}: {cpu}");
        let memory = busiest_hour(&moved, "MemoryUtilization").await / 100.0;
        assert!(memory <= 0.8, "{group}: {memory}");
        sizes.push(members.len());
    }
    sizes.sort_unstable();
    assert_eq!(sizes, [4, 6]);
}

/// The highest of a metric of the shared endpoint's instances in any hour of the two weeks, in percent.
async fn busiest_hour(account: &Simulator, name: &str) -> f64 {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let metric = Metric::builder().namespace("/aws/sagemaker/Endpoints").metric_name(name);
    let metric = metric.dimensions(dimension("EndpointName", "shared")).dimensions(dimension("VariantName", "AllTraffic")).build();
    let stat = MetricStat::builder().metric(metric).period(3600).stat("Maximum").build();
    let began: Timestamp = BEGAN.parse().unwrap();
    let asked = clients(account).cloudwatch.get_metric_data();
    let asked = asked.metric_data_queries(MetricDataQuery::builder().id("hours").metric_stat(stat).build());
    let asked = asked.start_time(DateTime::from_secs(began.as_second())).end_time(DateTime::from_secs(account.now().as_second()));
    let answer = asked.send().await.unwrap();
    let hours = answer.metric_data_results()[0].values();
    assert_eq!(hours.len(), 14 * 24);
    hours.iter().copied().fold(0.0, f64::max)
}
