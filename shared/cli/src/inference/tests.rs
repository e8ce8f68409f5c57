//! The command, from its options to what it prints.

use clap::Parser as _;

use super::*;
use crate::{Arguments, Command};

const TRAFFIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/data/traffic");

fn run(file: &str, line: &str) -> Result<String, String> {
    let arguments = ["cost-guard", "inference-options", "--traffic", file].into_iter().chain(line.split(' '));
    let command = Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?.command;
    let Command::InferenceOptions(asked) = command else { unreachable!("these tests are of one command") };
    asked.run().map_err(|error| format!("{error:#}"))
}

/// The answer for a public series, which has one number a line.
fn json_of(series: &str, line: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("traffic.csv");
    let text = std::fs::read_to_string(format!("{TRAFFIC}/{series}.txt")).unwrap();
    let lines: Vec<String> = text.lines().enumerate().map(|(minute, requests)| format!("{minute},{requests}")).collect();
    std::fs::write(&file, format!("minute,requests\n{}\n", lines.join("\n"))).unwrap();
    serde_json::from_str(&run(file.to_str().unwrap(), &format!("{line} --format json")).unwrap()).unwrap()
}

fn option<'a>(answer: &'a Value, name: &str) -> &'a Value {
    answer["options"].as_array().unwrap().iter().find(|one| one["option"] == name).unwrap()
}

#[test]
fn the_answer_has_the_fields_of_the_contract() {
    let answer = json_of("rare-daytime", "--instance-type ml.m5.xlarge --instances 2 --latency 80ms --memory 3GB --payload 20KB");
    let names: Vec<&str> = answer["options"].as_array().unwrap().iter().map(|one| one["option"].as_str().unwrap()).collect();
    let expected =
        ["real-time", "real-time-scaled", "serverless", "serverless-provisioned", "asynchronous", "batch-transform", "inference-component"];
    assert_eq!(names, expected);
    for one in answer["options"].as_array().unwrap() {
        for field in ["option", "eligible", "why-not", "usd-per-month", "usd-low", "usd-high", "cold-share"] {
            assert!(one.get(field).is_some(), "{field}: {one}");
        }
        let usd = |field: &str| one[field].as_f64().unwrap();
        assert!(usd("usd-low") <= usd("usd-per-month") && usd("usd-per-month") <= usd("usd-high"), "{one}");
    }
    assert_eq!((&option(&answer, "serverless")["memory-gb"], &option(&answer, "real-time")["instances"]), (&json!(3), &json!(2)));
    assert_eq!(option(&answer, "serverless")["sizes"].as_array().unwrap().len(), 4);
}

#[test]
fn what_cannot_be_used_or_told_says_why() {
    for (line, name, eligible, says) in [
        ("--memory 3GB --gpu", "serverless", json!(false), "accelerator"),
        ("--memory 7GB", "serverless", json!(false), "6 GB at most"),
        ("", "serverless", json!(null), "cannot tell: how much memory"),
        ("--memory 3GB --payload 5MB", "serverless", json!(false), "larger than the 4 MiB"),
        ("--memory 3GB --payload 5MB", "asynchronous", json!(true), ""),
        ("--memory 3GB --region eu-central-1", "serverless", json!(null), "prices of this Region"),
        ("--memory 3GB --payload 7MB", "real-time", json!(false), "larger than the 6 MiB"),
        ("--memory 3GB --payload 7MB", "real-time-scaled", json!(false), "larger than the 6 MiB"),
    ] {
        let answer = json_of("steady", format!("--instance-type ml.m5.xlarge --instances 2 --latency 80ms {line}").trim());
        let one = option(&answer, name);
        assert_eq!(one["eligible"], eligible, "{line}: {one}");
        assert!(one["why-not"].as_str().unwrap_or_default().contains(says), "{line}: {one}");
    }
    // A GPU type may be used without its GPU.
    let answer = json_of("steady", "--instance-type ml.g5.xlarge --instances 1 --latency 80ms --memory 3GB");
    assert_eq!(option(&answer, "serverless")["eligible"], json!(null));
    let long = json_of("rare-daytime", "--instance-type ml.m5.xlarge --instances 1 --latency 90s --memory 3GB");
    assert!(["asynchronous", "batch-transform"].contains(&long["recommended"].as_str().unwrap()), "nothing else answers it: {long}");
    assert_eq!((&option(&long, "serverless")["eligible"], &option(&long, "asynchronous")["eligible"]), (&json!(false), &json!(true)));
}

#[test]
fn wrong_input_says_what_was_expected() {
    let file = format!("{TRAFFIC}/web-diurnal-nasa.csv");
    for (line, says) in [
        ("--instance-type ml.m5.xlarge --instances 0 --latency 80ms", "--instances 0 is no endpoint"),
        ("--instance-type m5.xlarge --instances 1 --latency 80ms", "expected for example ml.m5.xlarge"),
        ("--instance-type ml.m5.xlarge --instances 1 --latency fast", "`fast` is no latency"),
        ("--instance-type ml.m5.xlarge --instances 1 --latency 0s", "`0s` is no latency"),
        ("--instance-type ml.m5.xlarge --instances 1 --latency 80ms --memory 3", "`3` is no size"),
        ("--instance-type ml.m5.xlarge --instances 1 --latency 80ms --payload -3KB", "is no size"),
        ("--instance-type ml.m5.xlarge --instances 1 --latency 80ms --max-cold-share 2", "is no share"),
        ("--instance-type ml.m5.xlarge --instances 1 --latency 80ms --min-saving NaN", "is no amount"),
    ] {
        let error = run(&file, line).unwrap_err();
        assert!(error.contains(says), "{line}: {error}");
    }
}

#[test]
fn a_price_that_is_not_known_is_said_and_not_guessed() {
    let answer = json_of("steady", "--instance-type ml.zz9.large --instances 1 --latency 80ms --memory 3GB");
    assert_eq!(option(&answer, "real-time")["usd-per-month"], json!(null));
    assert_eq!(answer["recommended"], json!(null));
    let warnings = answer["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains("no price of ml.zz9.large in us-east-1")), "{warnings:?}");
}
