//! `make bench`: calls, time, CPU and memory of the release binaries, run as on Lambda. It prints medians and ratios; it is not a test.
#![expect(clippy::print_stdout, reason = "the figures are what it prints")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use end_to_end::lambda::Function;
use serde_json::json;
use simulator::{Estate, Simulator};
use tempfile::NamedTempFile;

mod budgets;
mod cost_report;
mod endpoints;
mod inference;
mod savings_plan;
mod scan;
mod start;
mod tags;
mod training;

/// The duration of each simulated call in the sweeps.
const LATENCY: Duration = Duration::from_millis(20);
const TIMEOUT: Duration = Duration::from_mins(5);

const BUDGET_ALERTER: &str = "budget-alerter";
const ENDPOINT_AUTOSCALER: &str = "endpoint-autoscaler";
const INFERENCE_ADVISOR: &str = "inference-advisor";
const NOTEBOOK_STOPPER: &str = "notebook-stopper";
const TAG_AUDITOR: &str = "tag-auditor";
const SPOT_ENFORCER: &str = "training-job-spot-enforcer";

/// Calls, seconds, CPU and memory of the functions.
#[derive(Parser)]
struct Arguments {
    /// Runs of each measurement, of which the median is printed.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only these parts. Without it: all.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// What is measured together.
#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Notebooks,
    Training,
    Tags,
    Budgets,
    Endpoints,
    Inference,
    CostReport,
    SavingsPlan,
    Scan,
    Start,
}

impl Part {
    const fn what(self) -> &'static str {
        match self {
            Self::Notebooks => "10,000 notebooks in report mode, and 1,000 of which 900 are to be stopped",
            Self::Training => "One event of a training job, and sweeps over 5,000 and 50,000 jobs",
            Self::Tags => "An audit of the tags of 20,000 resources",
            Self::Budgets => "1,000 budgets and 95 days of spend",
            Self::Endpoints => "2,000 endpoints of three variants",
            Self::Inference => "2,000 endpoints of which 500 are called",
            Self::CostReport => "A bill of two million rows",
            Self::SavingsPlan => "A year of hours for six offers",
            Self::Scan => "A scan of 32,000 resources",
            Self::Start => "The start, over TLS",
        }
    }

    async fn measure(self, runs: usize) -> anyhow::Result<Vec<Figure>> {
        match self {
            Self::Notebooks => Ok([sweep(runs).await?, enforce(runs).await?].into_iter().flatten().collect()),
            Self::Training => training::measure(runs).await,
            Self::Tags => tags::measure(runs).await,
            Self::Budgets => budgets::measure(runs).await,
            Self::Endpoints => endpoints::measure(runs).await,
            Self::Inference => inference::measure(runs).await,
            Self::CostReport => cost_report::measure(runs),
            Self::SavingsPlan => savings_plan::measure(runs),
            Self::Scan => scan::measure(runs),
            Self::Start => start::measure(runs.max(15)).await,
        }
    }
}

/// A line of the result.
pub(crate) struct Figure {
    what: &'static str,
    measured: String,
    goal: &'static str,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { runs, only } = Arguments::parse();
    let runs = runs.max(1);
    for name in [BUDGET_ALERTER, ENDPOINT_AUTOSCALER, INFERENCE_ADVISOR, NOTEBOOK_STOPPER, TAG_AUDITOR, SPOT_ENFORCER] {
        ensure!(binary(name).exists(), "{} is not there: make bench builds it", binary(name).display());
    }
    let parts = if only.is_empty() { Part::value_variants() } else { &only };
    let mut figures = vec![];
    for part in parts {
        println!("{} …", part.what());
        figures.extend(Box::pin(part.measure(runs)).await?);
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["what", "median", "goal"]);
    for Figure { what, measured, goal } in figures {
        table.add_row([what, &measured, goal]);
    }
    println!("{table}");
    println!(
        "Medians of {runs} runs (the start: of {}) at {LATENCY:?} a call, on this machine, with whatever else it was doing.",
        runs.max(15)
    );
    Ok(())
}

/// A binary in the folder of this one.
fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name(name)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A running function on an account, with a policy.
pub(crate) struct Run {
    pub(crate) function: Function,
    _policy: NamedTempFile,
}

pub(crate) async fn start(name: &str, account: &Simulator, endpoint: &str, policy: &str, more: &[(&str, &str)]) -> anyhow::Result<Run> {
    let file = NamedTempFile::new()?;
    std::fs::write(file.path(), policy)?;
    let (source, topic) = (format!("file:{}", file.path().display()), account.topic_arn());
    let mut environment = vec![
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "simulated"),
        ("AWS_SECRET_ACCESS_KEY", "simulated"),
        ("COST_GUARD_POLICY", &source),
        ("COST_GUARD_TOPIC_ARN", &topic),
        ("COST_GUARD_TABLE", "cost-guard"),
        ("COST_GUARD_LOG", "warn"),
    ];
    environment.extend_from_slice(more);
    let function = Function::start(&binary(name), &environment, TIMEOUT).await?;
    Ok(Run { function, _policy: file })
}

/// The highest memory use of a process, in MiB.
fn peak_mib(process: Option<u32>) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.context("the process has ended")?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc/<pid>/status")?;
    let kib: f64 = line.split_whitespace().next().context("VmHWM is empty")?.parse()?;
    Ok(kib / 1024.0)
}

async fn sweep(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let account = Simulator::start(Estate::from_toml(
        r#"
        [[notebook]]
        name = "nb-{}"
        count = 9995
        instance-type = "ml.m5.xlarge"
        tags = { Owner = "ann@example.com", Team = "churn", Project = "x", CostCenter = "AB1234" }
        [[notebook]]
        name = "left-on-{}"
        count = 3
        since = "-5d"
        tags = { Owner = "bob@example.com" }
        [[notebook]]
        name = "untagged-{}"
        count = 2
        since = "-5d"
        "#,
    )?)?;
    let policy = "[working-hours]\ndefault = \"always\"";
    // The day's first run also reads Studio's idle shutdown, and mails. The measured runs are like the other 95 of the day.
    start(NOTEBOOK_STOPPER, &account, account.endpoint(), policy, &[])
        .await?
        .function
        .invoke(json!({}))
        .await?
        .map_err(anyhow::Error::msg)?;
    account.set_latency(LATENCY);
    let (mut seconds, mut memory, mut calls, mut floors) = (vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        floors.push(sequential_pages(&account, "ListNotebookInstances")?);
        let mut run = start(NOTEBOOK_STOPPER, &account, account.endpoint(), policy, &[]).await?;
        account.reset_counts();
        let started = Instant::now();
        let report = run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
        seconds.push(started.elapsed().as_secs_f64());
        ensure!(report["examined"]["notebook-instance"] == 10_000 && report["total-findings"] == 5, "{report}");
        memory.push(peak_mib(run.function.id())?);
        #[expect(clippy::cast_precision_loss, reason = "hundreds of calls")]
        calls.push(account.calls().values().sum::<u64>() as f64);
    }
    let (seconds, floor) = (median(seconds), median(floors));
    Ok(vec![
        Figure { what: "sweep of 10,000 notebooks: AWS calls", measured: format!("{:.0}", median(calls)), goal: "≤ 210" },
        Figure { what: "100 pages one after the other, nothing else (run beside it)", measured: format!("{floor:.2} s"), goal: "2.0 s" },
        Figure {
            what: "sweep: wall time",
            measured: format!("{seconds:.2} s = {:.2} × the pages", seconds / floor),
            goal: "≤ 1.25 × 2.0 s",
        },
        Figure { what: "sweep: peak memory", measured: format!("{:.1} MiB", median(memory)), goal: "≤ 28 MiB" },
    ])
}

/// The shortest time to read a whole list, in seconds: its pages of 100, one after the other.
pub(crate) fn sequential_pages(account: &Simulator, operation: &str) -> anyhow::Result<f64> {
    let address = account.endpoint().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let started = Instant::now();
    let mut token: Option<String> = None;
    loop {
        let mut input = json!({"MaxResults": 100});
        if let Some(token) = &token {
            input["NextToken"] = token.as_str().into();
        }
        let body = input.to_string();
        let head =
            format!("POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-target: SageMaker.{operation}\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let answer: serde_json::Value = serde_json::from_slice(&read_body(&mut stream)?)?;
        match answer["NextToken"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => return Ok(started.elapsed().as_secs_f64()),
        }
    }
}

fn read_body(stream: &mut TcpStream) -> anyhow::Result<Vec<u8>> {
    let mut answer = vec![];
    let mut buffer = vec![0; 65536];
    loop {
        let read = stream.read(&mut buffer)?;
        ensure!(0 < read, "the simulator closed the connection");
        answer.extend_from_slice(&buffer[..read]);
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
        let length: usize =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")).context("no content-length")?.trim().parse()?;
        if head + 4 + length <= answer.len() {
            return Ok(answer.split_off(head + 4));
        }
    }
}

async fn enforce(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let estate = r#"
        [[notebook]]
        name = "left-on-{}"
        count = 900
        instance-type = "ml.m5.xlarge"
        since = "-5d"
        tags = { Owner = "ann@example.com" }
        [[notebook]]
        name = "fine-{}"
        count = 100
        tags = { Owner = "bob@example.com" }
    "#;
    let policy =
        "max-actions = 1000\n[working-hours]\ndefault = \"always\"\n[rules.notebook-always-on]\nmode = \"enforce\"\ngrace = \"0s\"";
    let (mut seconds, mut memory, mut in_flight) = (vec![], vec![], vec![]);
    for _ in 0..runs {
        let account = Simulator::start(Estate::from_toml(estate)?)?;
        let mut run = start(NOTEBOOK_STOPPER, &account, account.endpoint(), policy, &[]).await?;
        account.set_latency(LATENCY);
        let started = Instant::now();
        let report = run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
        seconds.push(started.elapsed().as_secs_f64());
        let stopped = account.notebooks().iter().filter(|notebook| notebook.status == "Stopping").count();
        ensure!(stopped == 900 && report["notified"] == 1, "{stopped} stopped, {} mailed", report["notified"]);
        memory.push(peak_mib(run.function.id())?);
        #[expect(clippy::cast_precision_loss, reason = "a handful of calls")]
        in_flight.push(account.most_in_flight().get("sagemaker:StopNotebookInstance").copied().unwrap_or_default() as f64);
    }
    let seconds = median(seconds);
    let floor = LATENCY.as_secs_f64() * (900.0_f64 / 16.0).ceil();
    Ok(vec![
        Figure {
            what: "900 of 1,000 stopped, each looked at once more: whole run",
            measured: format!("{seconds:.2} s = {:.2} × the stops alone", seconds / floor),
            goal: "≤ 2 s",
        },
        Figure { what: "stops in flight at most", measured: format!("{:.0}", median(in_flight)), goal: "16" },
        Figure { what: "enforcing run: peak memory", measured: format!("{:.1} MiB", median(memory)), goal: "" },
    ])
}
