//! Generates docs/break-even.md: from where on another way of serving a model pays, by the same model as `inference-options`.

use std::fmt::Write as _;

use anyhow::Context as _;
use cost_page::charts::Comparison;
use cost_rules::{
    inference::{
        Assumptions, Candidate, Features, InstanceTypes, Limits, Load, PricedType, Rates, Requests, ServingOption, Workload, options, pack,
    },
    price::{Prices, dollars},
    text::grouped,
};
use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive as _;

use super::cents;

const HEAD: &str = "<!-- Made by `make docs` with the model of `cost-guard inference-options`. A test fails when it is stale. -->\n\
    # From where on another way of serving pays\n\n\
    Prices of us-east-1, months of 730 hours, no data in or out. [inference-options.md](inference-options.md) explains the model and computes the same for your own traffic.\n";

/// The charts of the page, by their names.
pub(crate) fn charts() -> anyhow::Result<Vec<(&'static str, String)>> {
    let charts = [
        ("break-even-serverless", serverless_chart()?),
        ("break-even-asynchronous", asynchronous_chart()?),
        ("break-even-multi-model", multi_model_chart()?),
    ];
    charts.into_iter().map(|(name, chart)| Ok((name, chart.svg()?))).collect()
}

fn serverless_chart() -> anyhow::Result<Comparison> {
    let busy: Vec<u32> = (0..=36).map(|step| step * 100).collect();
    let mut lines = vec![];
    for gb in [2.0, 4.0, 6.0] {
        // The cost is in proportion to the busy seconds: those of a request a minute of one second are 60 an hour.
        let requests = daily(24, 60.0);
        let each = usd(&workload(&requests, "ml.m5.large", 1.0, gb)?, ServingOption::Serverless)? / 60.0;
        lines.push((format!("serverless, {gb} GB"), busy.iter().map(|seconds| f64::from(*seconds) * each).collect()));
    }
    for instance_type in ["ml.m5.large", "ml.m5.xlarge"] {
        let around_the_clock = usd(&workload(&daily(0, 0.0), instance_type, 1.0, 2.0)?, ServingOption::RealTime)?;
        lines.push((instance_type.to_owned(), vec![around_the_clock; busy.len()]));
    }
    Ok(Comparison {
        title: "USD a month by busy seconds an hour",
        description: "The cost of a serverless endpoint of 2, 4 and 6 GB rises with the seconds of its requests. The cost of an ml.m5.large and of an ml.m5.xlarge does not.",
        below: busy.iter().map(ToString::to_string).collect(),
        lines,
    })
}

fn asynchronous_chart() -> anyhow::Result<Comparison> {
    let mut lines = vec![];
    for (name, option) in [("asynchronous", ServingOption::Asynchronous), ("real-time", ServingOption::RealTime)] {
        let of = |busy| usd(&workload(&daily(busy, 3600.0), "ml.m5.xlarge", 0.5, 2.0)?, option);
        lines.push((name.to_owned(), (0..=24).map(of).collect::<anyhow::Result<_>>()?));
    }
    Ok(Comparison {
        title: "USD a month by hours of work a day, ml.m5.xlarge",
        description: "The cost of an asynchronous endpoint rises with the hours in which there is work. The cost of a real-time endpoint does not.",
        below: (0..=24).map(|hours| hours.to_string()).collect(),
        lines,
    })
}

fn multi_model_chart() -> anyhow::Result<Comparison> {
    let costs: Vec<(f64, f64)> = (1..=32).map(together).collect::<anyhow::Result<_>>()?;
    Ok(Comparison {
        title: "USD a month by number of models, ml.m5.large",
        description: "The cost of an endpoint for each model rises with each model. The cost of one endpoint for all rises with each instance that they fill.",
        below: (1..=32).map(|models| models.to_string()).collect(),
        lines: vec![
            ("an endpoint each".to_owned(), costs.iter().map(|(apart, _)| *apart).collect()),
            ("one for all".to_owned(), costs.iter().map(|(_, together)| *together).collect()),
        ],
    })
}

/// The text of the page.
pub(crate) fn page() -> anyhow::Result<String> {
    let mut text = HEAD.to_owned();
    serverless(&mut text)?;
    asynchronous(&mut text)?;
    multi_model(&mut text)?;
    Ok(text)
}

/// Hours of a week with a request in each minute of the first `busy` hours of each day.
fn daily(busy: usize, per_hour: f32) -> Requests {
    let hours: Vec<Option<f32>> = (0..7 * 24).map(|hour| Some(if hour % 24 < busy { per_hour } else { 0.0 })).collect();
    Requests::by_hour(Timestamp::UNIX_EPOCH, &hours)
}

fn workload<'a>(requests: &'a Requests, instance_type: &str, seconds: f64, memory_gib: f64) -> anyhow::Result<Workload<'a>> {
    Ok(Workload {
        requests,
        instances: 1,
        usd_per_hour: Some(hourly(instance_type)?),
        volume_gb: None,
        seconds,
        slowest: None,
        memory_gib: Some(memory_gib),
        payload: Some(0.0),
        carries: None,
        scaled: None,
        hardware: None,
        features: Features::default(),
    })
}

fn hourly(instance_type: &str) -> anyhow::Result<f64> {
    let usd = Prices::of_region(Rates::KNOWN_REGION, []).hourly_hosting(instance_type).and_then(|usd| usd.to_f64());
    usd.with_context(|| format!("no price of {instance_type}"))
}

fn usd(workload: &Workload<'_>, option: ServingOption) -> anyhow::Result<f64> {
    let all = options(workload, &Assumptions::default(), Some(&Rates::US_EAST_1));
    let found = all.into_iter().find(|one| one.option == option).and_then(|one| one.usd);
    found.map(|usd| usd.expected).with_context(|| format!("{} has no price", option.name()))
}

/// Requests a month at which serverless costs as much as one instance.
fn serverless(text: &mut String) -> anyhow::Result<()> {
    *text += "\n## Serverless\n\nBelow so many requests a month, serverless costs less than one instance around the clock, if a request takes as long there:\n\n\
              | memory | instance | USD a month | at 50 ms | 100 ms | 500 ms | 1 s | busy seconds an hour |\n|---|---|---|---|---|---|---|---|\n";
    for (gb, instance_type) in [
        (1.0, "ml.t2.medium"),
        (2.0, "ml.t2.medium"),
        (3.0, "ml.c5.large"),
        (4.0, "ml.m5.large"),
        (6.0, "ml.c5.xlarge"),
        (6.0, "ml.m5.xlarge"),
    ] {
        let instance = usd(&workload(&daily(0, 0.0), instance_type, 1.0, gb)?, ServingOption::RealTime)?;
        // The cost is in proportion to the requests.
        let each = |seconds: f64| -> anyhow::Result<f64> {
            let requests = daily(24, 60.0);
            Ok(usd(&workload(&requests, instance_type, seconds, gb)?, ServingOption::Serverless)? / requests.per_month(requests.total()))
        };
        let _ = write!(text, "| {gb} GB | {instance_type} | {} |", money(instance));
        for seconds in [0.05, 0.1, 0.5, 1.0] {
            let _ = write!(text, " {} |", thousands(instance / each(seconds)?));
        }
        let _ = writeln!(text, " {} |", thousands(instance / each(1.0)? / 730.0));
    }
    *text += "\n![A line for each memory size and each instance type](images/break-even-serverless.svg)\n\nBusy seconds add up over requests that come at the same time. Provisioned concurrency pays from a use of 60 % on.\n";
    Ok(())
}

/// What a queue costs beside an instance around the clock, by the hours of work a day.
fn asynchronous(text: &mut String) -> anyhow::Result<()> {
    *text += "\n## Asynchronous\n\nWork in so many hours a day, and none in the others. An instance starts in 5 minutes, which are billed, and goes after 20 minutes with a short queue, until the next request brings it back:\n\n\
              | hours of work a day | of an instance around the clock | ml.m5.xlarge, USD a month | ml.g5.xlarge, USD a month |\n|---|---|---|---|\n";
    for busy in [0, 1, 2, 4, 8, 12, 16, 24] {
        let requests = daily(busy, 3600.0);
        let of = |instance_type: &str, option| usd(&workload(&requests, instance_type, 0.5, 2.0)?, option);
        let share = of("ml.m5.xlarge", ServingOption::Asynchronous)? / of("ml.m5.xlarge", ServingOption::RealTime)?;
        let usd = |instance_type| -> anyhow::Result<String> { Ok(money(of(instance_type, ServingOption::Asynchronous)?)) };
        let _ = writeln!(text, "| {busy} | {:.0} % | {} | {} |", 100.0 * share, usd("ml.m5.xlarge")?, usd("ml.g5.xlarge")?);
    }
    *text += "\n![Asynchronous and real-time by hours of work](images/break-even-asynchronous.svg)\n";
    Ok(())
}

/// What one endpoint for several models costs beside one for each.
fn multi_model(text: &mut String) -> anyhow::Result<()> {
    let _ = write!(
        text,
        "\n## Multi-model endpoints\n\nModels of 1 GB that need 0.1 vCPUs each, on one {SHARED} each today. An instance is filled to 70 % of its CPU and 80 % of its memory; 2 GiB of it are left to the server:\n\n\
         | models | apart, USD a month | together, USD a month | saved |\n|---|---|---|---|\n"
    );
    for models in [1, 2, 4, 8, 16, 32] {
        let (apart, together) = together(models)?;
        let _ = writeln!(text, "| {models} | {} | {} | {:.0} % |", money(apart), money(together), 100.0 * (1.0 - together / apart));
    }
    *text += "\n![One endpoint for each model and one for all](images/break-even-multi-model.svg)\n\nModels that share an endpoint share its memory as a cache: one that was not called for long is loaded again, which takes seconds to half a minute. A model with many requests slows the others down.\n";
    Ok(())
}

/// The type of the instances that models share.
const SHARED: &str = "ml.m5.large";

/// What an endpoint for each of some models costs, and one for all, in USD a month.
fn together(models: usize) -> anyhow::Result<(f64, f64)> {
    let usd_per_hour = hourly(SHARED)?;
    let today = PricedType { name: SHARED, has: InstanceTypes::shipped().get(SHARED).context("no ml.m5.large")?, usd_per_hour };
    let one = |id| Candidate {
        id,
        today,
        instances: 1,
        at_least: 1,
        load: vec![Load { vcpus: 0.1, requests: 60.0, gpus: 0.0 }],
        memory_gib: 2.0,
        gpu_memory_gib: 0.0,
        model_gib: Some(1.0),
    };
    let candidates: Vec<Candidate<'_>> = (0..models).map(one).collect();
    let packed = pack(&candidates, &[today], &Limits::default());
    let alone = usd_per_hour * 730.0;
    let count = |number: usize| u32::try_from(number).map_or(0.0, f64::from);
    let together = packed.groups.iter().map(|group| group.usd_per_month).sum::<f64>() + alone * count(packed.alone.len());
    Ok((alone * count(models), together))
}

fn money(usd: f64) -> String {
    cents(usd).map_or_else(|| "-".to_owned(), dollars)
}

/// `1,234,567`
fn thousands(count: f64) -> String {
    grouped(&format!("{count:.0}"))
}
