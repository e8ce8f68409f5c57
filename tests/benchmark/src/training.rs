//! training-job-spot-enforcer: the calls for one event, and a sweep over 50,000 jobs compared with one over 5,000.

use std::time::Instant;

use anyhow::ensure;
use serde_json::json;
use simulator::{Estate, Simulator};

use crate::{Figure, LATENCY, SPOT_ENFORCER, median, peak_mib, start};

/// The running on-demand jobs that a sweep finds, each in its own series.
const FOUND: usize = 20;

fn account(ended: usize) -> anyhow::Result<Simulator> {
    let estate = format!(
        r#"
        [[training-job]]
        name = "nightly-{{}}"
        count = {ended}
        apart = "40s"
        since = "-1h"
        status = "Completed"
        takes = "20m"
        instance-type = "ml.m5.xlarge"
        max-runtime = "2h"
        hyper-parameters = {{ epochs = "3", rate = "0.001", depth = "6", objective = "binary:logistic" }}
        tags = {{ Owner = "ann@example.com", Team = "churn", Project = "x", CostCenter = "AB1234" }}
        [[training-job]]
        name = "left-{{}}-on-demand"
        count = {FOUND}
        apart = "1s"
        created = "-10m"
        takes = "10h"
        instance-type = "ml.m5.xlarge"
        max-runtime = "1d"
        tags = {{ Owner = "bob@example.com" }}
        "#
    );
    Simulator::start(Estate::from_toml(&estate)?)
}

pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let mut figures = vec![event().await?];
    let (few_calls, few_mib, few_seconds) = sweep(5_000, runs).await?;
    let (calls, mib, seconds) = sweep(50_000, runs).await?;
    let pages = 500.0 + 1.0;
    figures.push(Figure {
        what: "sweep of 50,000 jobs with 20 findings: AWS calls",
        measured: format!("{calls:.0} = {:.2} × one per 100 jobs and one per finding", calls / (pages + FOUND_CALLS)),
        goal: "1 ×, and a handful for ledger and mails",
    });
    figures.push(Figure {
        what: "sweep of 50,000 jobs: wall time",
        measured: format!("{seconds:.1} s = {:.1} × that of 5,000 ({few_calls:.0} calls)", seconds / few_seconds),
        goal: "",
    });
    figures.push(Figure {
        what: "sweep of 50,000 jobs: peak memory",
        measured: format!("{mib:.1} MiB = {:.2} × that of 5,000 ({few_mib:.1} MiB)", mib / few_mib),
        goal: "flat",
    });
    Ok(figures)
}

/// The calls for the findings: one each.
const FOUND_CALLS: f64 = 20.0;

/// Measures the first event of a job with a finding, in report mode.
async fn event() -> anyhow::Result<Figure> {
    let account = account(0)?;
    let mut run = start(SPOT_ENFORCER, &account, account.endpoint(), "", &[]).await?;
    let name = "left-00000-on-demand";
    let change =
        json!({"detail-type": "SageMaker Training Job State Change", "source": "aws.sagemaker", "detail": {"TrainingJobName": name}});
    account.reset_counts();
    let report = run.function.invoke(change).await?.map_err(anyhow::Error::msg)?;
    ensure!(report["notified"] == 1 && report["total-findings"] == 1, "{report}");
    let calls: u64 = account.calls().values().sum();
    Ok(Figure {
        what: "one event, with a finding and its mail: AWS calls",
        measured: calls.to_string(),
        goal: "≤ 7: four, and three for the platform's summary",
    })
}

/// Measures the first sweep; returns the medians of calls, MiB and seconds.
async fn sweep(ended: usize, runs: usize) -> anyhow::Result<(f64, f64, f64)> {
    let (mut calls, mut memory, mut seconds) = (vec![], vec![], vec![]);
    for _ in 0..runs {
        let account = account(ended)?;
        account.set_latency(LATENCY);
        let mut run = start(SPOT_ENFORCER, &account, account.endpoint(), "", &[]).await?;
        account.reset_counts();
        let started = Instant::now();
        let report = run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
        seconds.push(started.elapsed().as_secs_f64());
        ensure!(report["examined"]["training-job"] == ended + FOUND && report["total-findings"] == FOUND, "{}", report["examined"]);
        memory.push(peak_mib(run.function.id())?);
        #[expect(clippy::cast_precision_loss, reason = "hundreds of calls")]
        calls.push(account.calls().values().sum::<u64>() as f64);
    }
    Ok((median(calls), median(memory), median(seconds)))
}
