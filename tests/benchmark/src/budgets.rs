//! budget-alerter: 1,000 budgets, and 95 days of spend of 200 usage types. Measures the first run, which reads everything, and the next one.

use std::{fmt::Write as _, time::Instant};

use anyhow::ensure;
use serde_json::json;
use simulator::{Estate, Simulator};

use crate::{BUDGET_ALERTER, Figure, LATENCY, median, peak_mib, start};

const BUDGETS: usize = 1000;
/// How many of the budgets count `SageMaker`.
const COUNTED: usize = 200;
/// The number of usage types, each with a team.
const USAGES: usize = 200;

fn account() -> anyhow::Result<Simulator> {
    let mut estate = "cost-allocation-tags = { Team = \"always\" }\n".to_owned();
    for n in 0..USAGES {
        writeln!(
            estate,
            "[[spend]]\nusage-type = \"USE1-Host:ml.m5.{n}xlarge\"\nusd = 3\nnoise = 20\ntags = {{ Team = \"team-{}\" }}",
            n % 20
        )?;
    }
    for n in 0..BUDGETS {
        let service = if n < COUNTED { "Amazon SageMaker" } else { "Amazon Simple Storage Service" };
        writeln!(estate, "[[budget]]\nname = \"budget-{n}\"\namount = 100000\ncost-filters = {{ Service = [\"{service}\"] }}")?;
    }
    Simulator::start(Estate::from_toml(&estate)?)
}

pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let policy = "team-tags = [\"Team\"]";
    let (mut memory, mut first, mut next, mut pages, mut calls) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        let account = account()?;
        account.set_latency(LATENCY);
        let mut run = start(BUDGET_ALERTER, &account, account.endpoint(), policy, &[]).await?;
        for (seconds, is_first) in [(&mut first, true), (&mut next, false)] {
            account.reset_counts();
            let started = Instant::now();
            let report = run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
            seconds.push(started.elapsed().as_secs_f64());
            ensure!(report["examined"]["budget"] == BUDGETS && report["unread"] == json!([]), "{report}");
            #[expect(clippy::cast_precision_loss, reason = "hundreds of calls")]
            let count = |prefix: &str| {
                account.calls().iter().filter(|(call, _)| call.starts_with(prefix)).map(|(_, count)| *count).sum::<u64>() as f64
            };
            if is_first {
                pages.push(count("ce:"));
                calls.push(count("budgets:"));
            } else {
                ensure!(report["cost-usd"] == 0.0, "the same day: {report}");
            }
        }
        memory.push(peak_mib(run.function.id())?);
    }
    Ok(vec![
        Figure {
            what: "1,000 budgets, 200 of them of SageMaker: calls of AWS Budgets",
            measured: format!("{:.0}", median(calls)),
            goal: "1 per 1,000, and 1 per budget of SageMaker",
        },
        Figure {
            what: "95 days of 200 usage types of teams: pages of Cost Explorer in the first run (a cent each)",
            measured: format!("{:.0}", median(pages)),
            goal: "4 of 5,000 rows, anomalies, forecast",
        },
        Figure {
            what: "budgets: wall time of the first run / of the next one on the same day",
            measured: format!("{:.2} s / {:.2} s", median(first), median(next)),
            goal: "",
        },
        Figure { what: "budgets: peak memory", measured: format!("{:.1} MiB", median(memory)), goal: "≤ 64 MiB" },
    ])
}
