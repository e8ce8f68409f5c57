//! `cost-guard scan`: the real binary against the simulated account.

use std::{
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use end_to_end::testing::account;
use serde_json::Value;
use simulator::{Fault, Simulator, What};

const ESTATE: &str = r#"
    [[notebook]]
    name = "left-on"
    instance-type = "ml.m5.xlarge"
    since = "-60d"
    tags = { Owner = "ann@example.com", Team = "churn" }
    [[notebook]]
    name = "kept"
    instance-type = "ml.m5.xlarge"
    since = "-60d"
    tags = { Owner = "ann@example.com", Team = "churn", "cost-guard:keep-until" = "2026-12-10" }
    [[model]]
    name = "m"
    tags = { Owner = "bob@example.com", Team = "churn" }
    [[endpoint-config]]
    name = "forgotten"
    model = "m"
    instance-type = "ml.g5.xlarge"
    tags = { Owner = "bob@example.com", Team = "churn" }
    [[endpoint]]
    name = "forgotten"
    created = "-30d"
    tags = { Owner = "bob@example.com", Team = "churn" }
"#;

/// Runs `cost-guard scan` with these arguments. It stands in the folder above that of this test: `cargo build --workspace` puts it there.
fn scan(account: &Simulator, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let as_of = account.now().to_string();
    run(account, "scan", &[&["--as-of", &as_of], arguments].concat(), environment)
}

/// Runs a command of `cost-guard`.
pub(crate) fn run(account: &Simulator, command: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    tool(account, command, arguments, environment).output().unwrap()
}

/// A command of `cost-guard` against this account.
fn tool(account: &Simulator, command: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(std::path::Path::parent).unwrap().join("cost-guard");
    let mut tool = Command::new(binary);
    tool.arg(command).args(arguments).env_clear();
    tool.envs([
        ("AWS_ENDPOINT_URL", account.endpoint()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "somebody"),
        ("AWS_SECRET_ACCESS_KEY", "simulated"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nonexistent"),
    ]);
    tool.envs(environment.iter().copied());
    tool
}

pub(crate) fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// What a command of `cost-guard` says that is interrupted while it reads.
pub(crate) fn interrupted(account: &Simulator, command: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut tool = tool(account, command, arguments, &[]);
    let child = tool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It is at work once it asks for resources.
    let begun = Instant::now();
    let is_at_work = || account.calls().keys().any(|call| call.starts_with("sagemaker:"));
    while !is_at_work() && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    said(&child.wait_with_output().unwrap())
}

/// What was not asked with a reading operation.
pub(crate) fn changing(account: &Simulator) -> Vec<String> {
    let is_read = |operation: &str| {
        ["Get", "List", "Describe", "BatchGet", "Lookup", "Search", "Query"].iter().any(|read| operation.starts_with(read))
    };
    account
        .calls()
        .into_iter()
        .filter(|(operation, _)| !is_read(operation.rsplit([':', '.']).next().unwrap_or_default()))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn everything_that_is_found_is_told_and_nothing_is_changed() {
    let account = account(ESTATE);
    let (status, text, error) = said(&scan(&account, &["--format", "json"], &[]));
    let found: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{error}"));
    assert_eq!(found["unread"], Value::Array(vec![]), "{text}");
    assert_eq!(status, 1, "{error}");
    let of = |rule: &str, name: &str| {
        let is_it = |one: &&Value| one["rule"] == rule && one["name"] == name;
        found["findings"].as_array().unwrap().iter().find(is_it).unwrap_or_else(|| panic!("{rule} of {name}: {text}")).clone()
    };
    let endpoint = of("endpoint-idle", "forgotten");
    assert_eq!((&endpoint["owner"], &endpoint["region"]), (&"bob@example.com".into(), &"eu-central-1".into()));
    assert!(endpoint["monthly-cost-usd"].as_f64().unwrap() > 900.0 && !endpoint["to-do"].as_str().unwrap().is_empty(), "{endpoint}");
    of("notebook-always-on", "left-on");
    assert!(found["exempt"].as_u64().unwrap() > 0 && !text.contains("\"kept\""), "{text}");
    assert!(account.mails().is_empty());
    assert_eq!(changing(&account), Vec::<String>::new());
}

#[test]
fn the_table_begins_with_the_sum_and_what_costs_most() {
    let account = account(ESTATE);
    let (status, text, _) = said(&scan(&account, &["--function", "endpoint-autoscaler", "--function", "notebook-stopper"], &[]));
    assert_eq!(status, 1);
    assert!(
        text.starts_with("Account 123456789012, eu-central-1: ") && text.contains("forgotten (endpoint, eu-central-1), bob@example.com"),
        "{text}"
    );
    assert!(!text.contains("missing-tag"), "only these functions look: {text}");
}

#[test]
fn exit_statuses_are_those_of_the_contract() {
    let account = account(ESTATE);
    let notebooks = ["--function", "notebook-stopper"];
    let status = |more: &[&str]| said(&scan(&account, &[&notebooks[..], more].concat(), &[])).0;
    assert_eq!(status(&["--fail-on-cost", "100000"]), 0);
    assert_eq!(status(&["--fail-on-cost", "1"]), 1);
    let folder = tempfile::TempDir::new().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, "[rules.notebook-idle]\nmode = \"of\"\n").unwrap();
    let (wrong, text, error) = said(&scan(&account, &[&notebooks[..], &["--policy", policy.to_str().unwrap()]].concat(), &[]));
    assert!(wrong == 3 && text.is_empty() && error.contains("mode"), "{wrong}: {error}");
    let empty = end_to_end::testing::account("");
    assert_eq!(said(&scan(&empty, &notebooks, &[])).0, 0);
}

#[test]
fn all_regions_are_looked_at_and_the_bill_is_read_once() {
    let account = account("[[model]]\nname = \"m\"\n[[spend]]\nusage-type = \"EUC1-Host:ml.m5.xlarge\"\nusd = 5\nfrom = \"-30d\"\n");
    let (_, text, error) = said(&scan(&account, &["--region", "all", "--function", "tag-auditor", "--format", "json"], &[]));
    let found: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{error}"));
    let regions: Vec<&str> = found["regions"].as_array().unwrap().iter().map(|region| region.as_str().unwrap()).collect();
    assert_eq!(regions[0], "eu-central-1", "the caller's own comes first");
    assert!(
        20 < regions.len() && regions.contains(&"ap-southeast-2") && !regions.iter().any(|region| region.starts_with("cn-")),
        "{regions:?}"
    );
    let calls = account.calls();
    assert_eq!(calls["sagemaker:ListModels"], regions.len() as u64, "{calls:?}");
    let of_one = {
        account.reset_counts();
        scan(&account, &["--function", "tag-auditor"], &[]);
        account.calls()
    };
    assert_eq!(calls.get("ce:GetCostAndUsage"), of_one.get("ce:GetCostAndUsage"), "{calls:?}");
}

#[test]
fn a_tag_that_nobody_understands_is_no_failure_of_the_scan() {
    let account = account(
        "[[notebook]]\nname = \"night\"\ninstance-type = \"ml.m5.xlarge\"\nsince = \"-20h\"\ntags = { Owner = \"ann@example.com\", \"cost-guard:schedule\" = \"whenever\" }\n",
    );
    let (status, text, error) = said(&scan(&account, &["--function", "notebook-stopper", "--format", "json"], &[]));
    let found: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{error}"));
    assert_eq!((status, &found["unread"]), (1, &Value::Array(vec![])), "{text}");
    assert!(found["unjudged"][0]["what"].as_str().unwrap().contains("night"), "{text}");
}

#[test]
fn who_interrupts_a_scan_gets_what_there_is() {
    let account = account(ESTATE);
    account.set_latency(Duration::from_millis(400));
    let as_of = account.now().to_string();
    let (status, text, error) = interrupted(&account, "scan", &["--as-of", &as_of]);
    assert!(
        status == 2 && text.contains("\nInterrupted. Not looked at: ") && text.contains(" in eu-central-1"),
        "{status}: {text}\n{error}"
    );
}

#[test]
fn what_is_denied_stands_beside_what_was_found() {
    let account = account(ESTATE);
    account.add_fault(Fault::new("sagemaker:ListApps", What::AccessDenied));
    let (status, text, _) = said(&scan(&account, &["--function", "notebook-stopper"], &[]));
    assert_eq!(status, 2, "{text}");
    assert!(
        text.contains("left-on (notebook-instance, eu-central-1)")
            && text.contains("Could not be read, so there may be more:")
            && text.contains("ListApps"),
        "{text}"
    );
}

#[test]
fn without_credentials_the_line_says_what_to_do() {
    let account = account("");
    let (status, text, error) = said(&scan(&account, &[], &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]));
    assert!(status == 2 && text.is_empty() && error.contains("aws configure sso") && error.lines().count() == 1, "{status}: {text}{error}");
    let (status, _, error) = said(&scan(&account, &["--profile", "nobody"], &[]));
    assert!(status == 2 && error.lines().count() == 1, "{status}: {error}");
    let (status, _, error) = said(&scan(&account, &[], &[("AWS_REGION", "")]));
    assert!(status == 2 && error.contains("give --region"), "{status}: {error}");
    let (status, _, error) = said(&scan(&account, &["--region", "eu central"], &[]));
    assert!(status == 2 && error.starts_with("`eu central` is no Region"), "{status}: {error}");
    let (status, _, error) = said(&scan(&account, &["--region", "cn-north-1"], &[]));
    assert!(status == 2 && error.contains("another partition"), "{status}: {error}");
}

#[test]
fn names_of_strangers_stay_text() {
    let account = account(
        "[[model]]\nname = \"m\"\n[[endpoint-config]]\nname = \"c\"\nmodel = \"m\"\ninstance-type = \"ml.g5.xlarge\"\n[[endpoint]]\nname = \"e\"\nconfig = \"c\"\ncreated = \"-30d\"\ntags = { Owner = \"=1+1|x\\u001b[31m\", Team = \"a\" }",
    );
    for format in ["table", "csv", "markdown", "html"] {
        let (_, text, _) = said(&scan(&account, &["--function", "endpoint-autoscaler", "--format", format], &[]));
        assert!(text.contains("endpoint-idle") && !text.contains('\u{1b}'), "{format}: {text}");
        assert!(format != "csv" || !text.contains(",=1"), "{text}");
        assert!(format != "html" || (text.starts_with("<!doctype html>") && text.contains("a month is wasted.</h1>")), "{text}");
    }
}

/// `cost-guard doctor` with these arguments.
fn doctor(account: &Simulator, arguments: &[&str]) -> (i32, String) {
    let (status, text, error) = said(&run(account, "doctor", &[&["--as-of", &account.now().to_string()], arguments].concat(), &[]));
    assert_eq!(error, "");
    (status, text)
}

#[test]
fn a_doctor_tells_what_would_not_work_and_what_to_do() {
    let account = account(ESTATE);
    let topic = "arn:aws:sns:eu-central-1:123456789012:guard";
    let (status, text) = doctor(&account, &[]);
    for fine in ["credentials", "prices", "policy", "permissions", "Cost Explorer"] {
        assert!(text.lines().any(|line| line.starts_with("ok ") && line.contains(fine)), "{fine}: {text}");
    }
    assert!(text.contains("give the stack's output TopicArn as --topic"), "{text}");
    assert_eq!(status, i32::from(text.contains("\nproblem")), "{text}");
    account.add_fault(Fault::new("sagemaker:ListApps", What::AccessDenied));
    let (status, text) = doctor(&account, &["--topic", topic]);
    assert!(status == 1 && text.contains("AWS denies sagemaker:ListApps") && text.contains("--print-permissions"), "{text}");
    assert_eq!(changing(&account), Vec::<String>::new());
}

#[test]
fn a_doctor_prints_the_permissions_that_a_scan_needs() {
    let account = account("");
    let (status, text) = doctor(&account, &["--print-permissions"]);
    let policy: Value = serde_json::from_str(&text).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    assert!(status == 0 && actions.contains(&"sagemaker:ListApps".into()) && !text.contains("Stop"), "{text}");
}
