//! The account as a server: over a socket, and while the test's runtime is blocked.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::*;

const ESTATE: &str = r#"
start = "2026-11-23T08:00:00Z"
[[notebook]]
name = "nb-{}"
count = 250
tags = { Owner = "ann" }
"#;

fn account() -> Simulator {
    Simulator::start(Estate::from_toml(ESTATE).unwrap()).unwrap()
}

/// Calls a JSON service; returns the HTTP status and the answer.
fn call(account: &Simulator, target: &str, input: &Value) -> (u16, Value) {
    let body = input.to_string();
    let mut stream = TcpStream::connect(account.endpoint().trim_start_matches("http://")).unwrap();
    let head =
        format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: {target}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
}

fn list(account: &Simulator, token: Option<&Value>) -> Value {
    let mut input = json!({"MaxResults": 100});
    if let Some(token) = token {
        input["NextToken"] = token.clone();
    }
    call(account, "SageMaker.ListNotebookInstances", &input).1
}

fn names(page: &Value) -> Vec<&str> {
    page["NotebookInstances"].as_array().unwrap().iter().map(|one| one["NotebookInstanceName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn answers_while_the_test_blocks_its_runtime() {
    let account = account();
    let first = list(&account, None);
    // The token's item is deleted; the next page still continues after it.
    account.deed("nb-00099", &Deed::Delete);
    let second = list(&account, first.get("NextToken"));
    let third = list(&account, second.get("NextToken"));
    let all: Vec<&str> = [&first, &second, &third].into_iter().flat_map(names).collect();
    assert_eq!((all.len(), third.get("NextToken")), (250, None));
    assert!(all.is_sorted());
    assert_eq!(account.calls(), BTreeMap::from([("sagemaker:ListNotebookInstances".to_owned(), 3)]));
}

#[test]
fn latency_does_not_hold_up_other_calls() {
    let account = account();
    account.set_latency(Duration::from_millis(100));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let account = account.clone();
            thread::spawn(move || list(&account, None))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(1 < account.most_in_flight()["sagemaker:ListNotebookInstances"]);
}

#[test]
fn the_owner_sees_the_money_and_the_bucket() {
    let toml = r#"
        start = "2026-11-23T08:00:00Z"
        bucket = "reports"
        budget-topic = "budgets"
        [[spend]]
        usage-type = "x"
        usd = 1.5
        from = "-2d"
        [[budget]]
        name = "all"
        amount = 2
        notifications = [{ topic = true }]
    "#;
    let account = Simulator::start(Estate::from_toml(toml).unwrap()).unwrap();
    assert!(account.topic_arn().ends_with(":cost-guard"), "the guard's, not that of Budgets");
    let asked = json!({"TimePeriod": {"Start": "2026-11-22", "End": "2026-11-23"}, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]});
    let (status, answer) = call(&account, "AWSInsightsIndexService.GetCostAndUsage", &asked);
    assert_eq!((status, &answer["ResultsByTime"][0]["Total"]["UnblendedCost"]["Amount"]), (200, &json!("1.5")));
    let cent = rust_decimal::dec!(0.01);
    assert_eq!(account.cost_explorer_usd(), cent);
    account.advance(SignedDuration::from_hours(4));
    let spend = account.spend();
    let told: Vec<(String, Decimal)> = spend.iter().map(|row| (format!("{} {}", row.day, row.usage_type), row.usd)).collect();
    let (whole, half) = (rust_decimal::dec!(1.5), rust_decimal::dec!(0.75));
    let row = |row: &str, usd| (format!("2026-11-{row}"), usd);
    assert_eq!(told, [row("21 x", whole), row("22 x", whole), row("23 x", half), row("23 USE1-APIRequest", cent)]);
    let [budget] = &account.budgets()[..] else { panic!("one budget") };
    assert_eq!((budget.actual, budget.forecast, budget.alarms.as_slice()), (whole + whole, None, &[true][..]));

    let mut stream = TcpStream::connect(account.endpoint().trim_start_matches("http://")).unwrap();
    stream.write_all(b"PUT /reports/a/b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!((account.objects()[0].key.as_str(), account.object("a/b")), ("a/b", Some(b"hello".to_vec())));
    let log = account.call_log();
    assert_eq!((log[1].call.as_str(), log[1].subject.as_str()), ("s3:PutObject", "reports/a/b"));
}

#[test]
fn ends_with_its_last_clone() {
    let account = account();
    let address = account.endpoint().trim_start_matches("http://").to_owned();
    drop(account.clone());
    assert!(TcpStream::connect(&address).is_ok());
    drop(account);
    assert!(TcpStream::connect(&address).is_err(), "the port is still served");
}

#[test]
fn the_clock_may_be_tied_to_the_real_one_and_advanced_too() {
    let account = account();
    account.run_in_real_time();
    let before = account.now();
    account.advance(SignedDuration::from_hours(1));
    let after = account.now();
    assert!(before + SignedDuration::from_hours(1) <= after);
    // Ends only if the clock goes on.
    while account.now() <= after {}
}
