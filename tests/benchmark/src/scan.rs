//! `cost-guard scan` of a large Region, beside the slowest of its functions alone.

use std::{
    fs::File,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use simulator::Simulator;
use tempfile::NamedTempFile;

use crate::{
    BUDGET_ALERTER, ENDPOINT_AUTOSCALER, Figure, INFERENCE_ADVISOR, LATENCY, NOTEBOOK_STOPPER, SPOT_ENFORCER, TAG_AUDITOR, binary, median,
    peak_mib, tags,
};

/// With the 20,000 resources of the audit these are 10,000 notebooks, 2,000 endpoints and 20,000 others.
const MORE: &str =
    "[[notebook]]\nname = \"more-{}\"\ncount = 8000\n[[resource]]\nkind = \"feature-group\"\nname = \"more-{}\"\ncount = 4000\n";

/// How often the memory of the command is looked at.
const LOOKED_AT: Duration = Duration::from_millis(20);

/// What a scan took.
struct Took {
    seconds: f64,
    mib: f64,
}

pub(crate) fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let account = tags::account(MORE)?;
    account.set_latency(LATENCY);
    let functions = [BUDGET_ALERTER, ENDPOINT_AUTOSCALER, INFERENCE_ADVISOR, NOTEBOOK_STOPPER, TAG_AUDITOR, SPOT_ENFORCER];
    let mut slowest = (TAG_AUDITOR, 0.0);
    for function in functions {
        let took = scan(&account, &["--function", function])?;
        if slowest.1 < took.seconds {
            slowest = (function, took.seconds);
        }
    }
    let (mut all, mut alone, mut memory) = (vec![], vec![], vec![]);
    for _ in 0..runs {
        alone.push(scan(&account, &["--function", slowest.0])?.seconds);
        let took = scan(&account, &[])?;
        all.push(took.seconds);
        memory.push(took.mib);
    }
    let (all, alone) = (median(all), median(alone));
    Ok(vec![
        Figure {
            what: "scan of 10,000 notebooks, 2,000 endpoints and 20,000 others: wall time",
            measured: format!("{all:.2} s = {:.2} × {} alone ({alone:.2} s, run beside it)", all / alone, slowest.0),
            goal: "≤ 1.3 ×",
        },
        Figure { what: "scan: peak memory", measured: format!("{:.1} MiB", median(memory)), goal: "≤ 200 MiB" },
    ])
}

fn scan(account: &Simulator, arguments: &[&str]) -> anyhow::Result<Took> {
    let output = NamedTempFile::new()?;
    let started = Instant::now();
    let mut process = Command::new(binary("cost-guard"))
        .args(["scan", "--format", "json", "--as-of", &account.now().to_string()])
        .args(arguments)
        .env_clear()
        .envs([("AWS_ENDPOINT_URL", account.endpoint()), ("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "simulated")])
        .envs([("AWS_SECRET_ACCESS_KEY", "simulated"), ("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nonexistent")])
        .stdout(Stdio::from(File::create(output.path())?))
        .spawn()
        .context("cost-guard is not there: make bench builds it")?;
    let mut mib = 0.0;
    while process.try_wait()?.is_none() {
        mib = peak_mib(Some(process.id())).unwrap_or(mib);
        sleep(LOOKED_AT);
    }
    let seconds = started.elapsed().as_secs_f64();
    let found: Value = serde_json::from_reader(File::open(output.path())?)?;
    ensure!(found["unread"] == json!([]), "{}", found["unread"]);
    Ok(Took { seconds, mib })
}
