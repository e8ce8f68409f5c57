//! tag-auditor: an audit of 20,000 resources of 8 kinds.

use std::{fmt::Write as _, time::Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use simulator::{Estate, Simulator};

use crate::{Figure, LATENCY, TAG_AUDITOR, median, peak_mib, sequential_pages, start, start::Group};

/// The section in the estate, the kind, and the number of resources.
const KINDS: [(&str, &str, usize); 8] = [
    ("model", "model", 6_000),
    ("endpoint-config", "endpoint-config", 3_000),
    ("endpoint", "endpoint", 2_000),
    ("notebook", "notebook-instance", 2_000),
    ("training-job", "training-job", 2_000),
    ("processing-job", "processing-job", 2_000),
    ("transform-job", "transform-job", 1_500),
    ("resource", "feature-group", 1_500),
];

/// Resources without tags, which the tag index does not have. Each takes calls of its own when its finding is new.
const UNTAGGED: usize = 10;

/// An account with these resources. `more`: further sections of the estate.
pub(crate) fn account(more: &str) -> anyhow::Result<Simulator> {
    let mut estate = more.to_owned();
    for (table, kind, count) in KINDS {
        let more = match kind {
            "endpoint-config" => "variants = [{ name = \"all\", model = \"model-00000\", instance-type = \"ml.m5.large\" }]",
            "endpoint" => "config = \"endpoint-config-00000\"",
            "training-job" | "processing-job" => {
                "instance-type = \"ml.m5.xlarge\"\nstatus = \"Completed\"\nsince = \"-1h\"\napart = \"1m\""
            }
            "transform-job" => "model = \"model-00000\"\nstatus = \"Completed\"\nsince = \"-1h\"\napart = \"1m\"",
            "feature-group" => "kind = \"feature-group\"",
            _ => "",
        };
        let tags = "tags = { Owner = \"ann@example.com\", Team = \"churn\", Project = \"x\", CostCenter = \"AB1234\" }";
        writeln!(estate, "[[{table}]]\nname = \"{kind}-{{}}\"\ncount = {count}\n{more}\n{tags}")?;
    }
    Simulator::start(Estate::from_toml(&estate)?)
}

pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let account = account(&format!("[[notebook]]\nname = \"untagged-{{}}\"\ncount = {UNTAGGED}\n"))?;
    let all: usize = KINDS.iter().map(|(_, _, count)| count).sum();
    // The bill is read once a week, and Cost Explorer is not measured here.
    let policy = "[rules.untagged-spend]\nmode = \"off\"\n[rules.inactive-cost-allocation-tag]\nmode = \"off\"";
    start(TAG_AUDITOR, &account, account.endpoint(), policy, &[]).await?.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
    account.set_latency(LATENCY);
    let (mut seconds, mut memory, mut lists, mut tags, mut others, mut floors) = (vec![], vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        floors.push(sequential_pages(&account, "ListModels")?);
        let mut run = start(TAG_AUDITOR, &account, account.endpoint(), policy, &[]).await?;
        account.reset_counts();
        let started = Instant::now();
        let report = run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
        seconds.push(started.elapsed().as_secs_f64());
        ensure!(report["total-findings"] == UNTAGGED && report["coverage"]["resources"]["tagged"] == json!(all), "{}", report["coverage"]);
        memory.push(peak_mib(run.function.id())?);
        let calls = account.calls();
        #[expect(clippy::cast_precision_loss, reason = "hundreds of calls")]
        let count = |is: &dyn Fn(&str) -> bool| calls.iter().filter(|(call, _)| is(call)).map(|(_, count)| *count).sum::<u64>() as f64;
        lists.push(count(&|call| call.starts_with("sagemaker:List")));
        tags.push(count(&|call| call.starts_with("tag:") || call.starts_with("tagging:")));
        others.push(count(&|call| !call.starts_with("sagemaker:List") && !call.starts_with("tag")));
    }
    let (seconds, floor) = (median(seconds), median(floors));
    let throttled = match throttled(&account, policy, runs).await {
        Ok(throttled) => format!("{throttled:.1} s"),
        Err(error) => format!("not measured: {error:#}"),
    };
    Ok(vec![
        Figure {
            what: "audit of 20,000 resources of 8 kinds (10 kinds have none): calls that list",
            measured: format!("{:.0}", median(lists)),
            goal: "≤ 200, one per empty kind, and one per untagged of the first run",
        },
        Figure { what: "audit: calls of the tag index", measured: format!("{:.0}", median(tags)), goal: "≤ 200, and one per empty kind" },
        Figure { what: "audit: calls of ledger and mail", measured: format!("{:.0}", median(others)), goal: "" },
        Figure {
            what: "audit: wall time",
            measured: format!("{seconds:.2} s = {:.2} × the 60 pages of the largest kind ({floor:.2} s)", seconds / floor),
            goal: "≤ 1.5 ×",
        },
        Figure {
            what: "audit under the CPU quota of a 128 MB Lambda: wall time",
            measured: throttled,
            goal: "≤ 60 s, a fifth of the timeout",
        },
        Figure { what: "audit: peak memory", measured: format!("{:.1} MiB", median(memory)), goal: "≤ 64 MiB" },
    ])
}

/// The same audit with the CPU share of the smallest Lambda function, to see whether that suffices.
async fn throttled(account: &Simulator, policy: &str, runs: usize) -> anyhow::Result<f64> {
    let group = Group::new()?;
    let mut seconds = vec![];
    for _ in 0..runs {
        let mut run = start(TAG_AUDITOR, account, account.endpoint(), policy, &[]).await?;
        group.take(run.function.id().context("the process has ended")?)?;
        let started = Instant::now();
        run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    Ok(median(seconds))
}
