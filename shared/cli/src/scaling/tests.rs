//! The two commands, from their options to what they print.

use clap::{Parser as _, error::ErrorKind};

use super::*;
use crate::{Arguments, Command};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/data/traffic/web-diurnal-nasa.csv");

/// Runs a command line, without `--traffic`, on these minutes.
fn run_on(csv: &str, line: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("traffic.csv");
    std::fs::write(&file, csv).unwrap();
    run(file.to_str().unwrap(), line)
}

fn run(file: &str, line: &str) -> Result<String, String> {
    let arguments = ["cost-guard"].into_iter().chain(line.split(' ')).chain(["--traffic", file]);
    let answer = match Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?.command {
        Command::ReplayScaling(asked) => asked.run(),
        Command::ProposeScaling(asked) => asked.run(),
        _ => unreachable!("these tests are of two commands"),
    };
    answer.map_err(|error| format!("{error:#}"))
}

/// The traffic of the reference trace: 100 requests for 5 minutes, 1,000 for 25, 100 for 60.
fn reference() -> String {
    let requests = [(100, 5), (1000, 25), (100, 60)].into_iter().flat_map(|(requests, minutes)| std::iter::repeat_n(requests, minutes));
    requests.enumerate().fold("minute,requests\n".to_owned(), |text, (minute, requests)| text + &format!("{minute},{requests}\n"))
}

#[test]
fn a_replay_has_the_fields_of_the_contract() {
    let line = "replay-scaling --per-instance 400 --min 1 --max 8 --target 200 --format json";
    let json: Value = serde_json::from_str(&run_on(&reference(), line).unwrap()).unwrap();
    let expected = json!({"minutes": 90, "instance-minutes": 268, "short-minutes": 8, "peak-instances": 5, "scale-outs": 1, "scale-ins": 4, "usd": null});
    assert_eq!(json, expected);
    let priced = run_on(&reference(), &format!("{line} --instance-type ml.m5.xlarge --region us-east-1")).unwrap();
    let priced: Value = serde_json::from_str(&priced).unwrap();
    assert_eq!(priced["usd"], json!(1.03)); // 268 minutes at 0.23 an hour
    let started = run_on(&reference(), &format!("{line} --start 5")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&started).unwrap()["short-minutes"], 0);
}

#[test]
fn people_get_a_table() {
    let text = run_on(&reference(), "replay-scaling --per-instance 400 --min 1 --max 8 --target 200").unwrap();
    assert!(text.contains("instance-minutes         268\n") && text.contains("short minutes     8 (8.89 %)\n"), "{text}");
    let text = run(SAMPLE, "propose-scaling --per-instance 46 --instances 8 --instance-type ml.m5.xlarge --region us-east-1").unwrap();
    assert!(
        text.starts_with("Advice (") && text.contains("proposed") && text.contains("Saves $") && text.contains("not promised"),
        "{text}"
    );
}

#[test]
fn a_proposal_has_the_fields_of_the_contract_and_its_replay_is_that_of_its_setting() {
    let csv = (0..20_160).fold("minute,requests\n".to_owned(), |text, minute| {
        let requests = 300 + 250 * u32::from((480..1080).contains(&(minute % 1440))) * (minute % 7);
        text + &format!("{minute},{requests}\n")
    });
    let proposed = run_on(&csv, "propose-scaling --per-instance 200 --instances 12 --max-short-share 0.01 --format json").unwrap();
    let proposed: Value = serde_json::from_str(&proposed).unwrap();
    for key in [
        "advice",
        "min",
        "max",
        "target",
        "scale-out-cooldown",
        "scale-in-cooldown",
        "schedules",
        "replay",
        "today",
        "saving-usd-per-month",
        "warnings",
    ] {
        assert!(proposed.get(key).is_some(), "{key}: {proposed}");
    }
    assert_eq!(proposed["today"]["instance-minutes"], 12 * 20_160);
    if proposed["schedules"].as_array().unwrap().is_empty() {
        let of = |key: &str| proposed[key].to_string();
        let line = format!(
            "replay-scaling --per-instance 200 --min {} --max {} --target {} --scale-out-cooldown {}s --scale-in-cooldown {}s --format json",
            of("min"),
            of("max"),
            of("target"),
            of("scale-out-cooldown"),
            of("scale-in-cooldown")
        );
        assert_eq!(serde_json::from_str::<Value>(&run_on(&csv, &line).unwrap()).unwrap(), proposed["replay"]);
    }
}

#[test]
fn a_chart_is_written() {
    let file = tempfile::NamedTempFile::with_suffix(".svg").unwrap();
    let path = file.path().display();
    run(SAMPLE, &format!("propose-scaling --per-instance 46 --instances 8 --chart {path}")).unwrap();
    assert!(std::fs::read_to_string(file.path()).unwrap().contains("proposed"));
    let error = run(SAMPLE, "propose-scaling --per-instance 46 --instances 8 --chart /none/x.svg").unwrap_err();
    assert!(error.contains("/none/x.svg cannot be written"), "{error}");
}

#[test]
fn odd_options_are_refused_with_what_was_expected() {
    let replay = "replay-scaling --per-instance 400 --min 1 --max 8 --target 200";
    for (line, says) in [
        (replay.replace("400", "0"), "--per-instance 0 is no number of requests: expected more than 0"),
        (replay.replace("400", "-5"), "--per-instance -5 is no number"),
        (replay.replace("400", "NaN"), "--per-instance NaN is no number"),
        (replay.replace("200", "0"), "--target 0 is no number of requests"),
        (replay.replace("200", "inf"), "--target inf is no number of requests"),
        (replay.replace("--min 1", "--min 9"), "--min 9 is more than --max 8"),
        (replay.replace("--min 1 --max 8", "--min 0 --max 0"), "--max 0 is no capacity"),
        (format!("{replay} --start-up 5"), "`5` is not a duration: write for example"),
        (format!("{replay} --starts-at monday"), "`monday` is not a time: write for example"),
        (format!("{replay} --instance-type ml.m5.xlarge"), "--region"),
        (format!("{replay} --instance-type ml.x --region us-east-1"), "no price of ml.x in us-east-1 is known"),
        ("propose-scaling --per-instance 400 --instances 0".to_owned(), "--instances 0 is no endpoint"),
        ("propose-scaling --per-instance 400 --instances 2 --max-short-share 2".to_owned(), "--max-short-share 2 is no share"),
        ("propose-scaling --per-instance 400 --instances 2 --max-short-share NaN".to_owned(), "--max-short-share NaN is no share"),
        ("propose-scaling --per-instance 400 --instances 2 --timezone Mars/Base".to_owned(), "is not a time zone"),
    ] {
        let error = run_on("minute,requests\n0,5\n", &line).unwrap_err();
        assert!(error.contains(says), "{line}: {error}");
    }
    assert!(run_on(&reference(), &format!("{replay} --scale-in-cooldown 5m --scale-out-cooldown 300s --start-up 300s")).is_ok());
    let error = run("/none.csv", replay).unwrap_err();
    assert!(error.contains("/none.csv cannot be read"), "{error}");
    assert_eq!(Arguments::try_parse_from(["cost-guard", "replay-scaling"]).err().unwrap().kind(), ErrorKind::MissingRequiredArgument);
}

#[test]
fn huge_numbers_are_counted_and_not_wrapped() {
    let csv = "minute,requests\n0,18446744073709551614\n1,18446744073709551614\n2,18446744073709551614\n9,1\n";
    let replayed = run_on(
        csv,
        "replay-scaling --per-instance 1 --min 1 --max 4000000000 --target 0.001 --start-up 0s --metric-delay 0s --format json",
    );
    let replayed: Value = serde_json::from_str(&replayed.unwrap()).unwrap();
    assert_eq!((replayed["minutes"].as_u64(), replayed["peak-instances"].as_u64()), (Some(10), Some(4_000_000_000)));
    let proposed = run_on(csv, "propose-scaling --per-instance 0.001 --instances 4000000000 --format json").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&proposed).unwrap()["advice"], "fixed");
}
