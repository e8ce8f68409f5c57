//! What was predicted against a bill: the same requests, served in the recommended way for the same two weeks on the simulated account.

use cost_aws::report::Report;
use end_to_end::{
    Function,
    testing::{account, account_at, days, guard_of, minutes},
};
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
