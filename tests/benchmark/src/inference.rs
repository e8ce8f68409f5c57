//! inference-advisor: 2,000 endpoints of which a quarter is called, and the arithmetic alone: what each way of serving would cost, and which endpoints could share one.

use std::time::Instant;

use anyhow::ensure;
use cost_rules::{
    facts::{Autoscaler, Compute, Facts, Hosted, Invocations, Measured, Model},
    inference::{Advice, Candidate, Feature, Features, InstanceTypes, Limits, Load, PricedType, pack},
    rulebook::Rulebook,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use simulator::{Estate, Simulator};

use crate::{
    Figure, INFERENCE_ADVISOR, LATENCY,
    endpoints::{alike, endpoint},
    median, peak_mib, start,
};

const ENDPOINTS: usize = 2_000;
const USED: usize = 500;
/// The hours of 30 days.
const HOURS: usize = 30 * 24;
/// How many endpoints are packed.
const PACKED: usize = 500;

fn account() -> anyhow::Result<Simulator> {
    let mut estate = "[[model]]\nname = \"m\"\n".to_owned();
    for (name, count, more) in [
        ("quiet", ENDPOINTS - USED, ""),
        ("used", USED, "traffic = [{ requests = 6, hours = \"mon-fri/08:00-18:00\", outside = 1, latency-ms = 80 }]\n"),
    ] {
        estate += &alike(name, count, "model = \"m\"\ninstance-type = \"ml.m5.xlarge\"", more);
    }
    Simulator::start(Estate::from_toml(&estate)?)
}

pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let account = account()?;
    account.set_latency(LATENCY);
    let (mut seconds, mut memory, mut usd) = (vec![], vec![], vec![]);
    for _ in 0..runs {
        let mut run = start(INFERENCE_ADVISOR, &account, account.endpoint(), "", &[]).await?;
        let started = Instant::now();
        let report = run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
        seconds.push(started.elapsed().as_secs_f64());
        ensure!(report["examined"]["endpoint"] == ENDPOINTS && report["total-findings"] == USED, "{}", report["unread"]);
        memory.push(peak_mib(run.function.id())?);
        usd.push(report["cost-usd"].as_f64().unwrap_or(f64::NAN));
    }
    Ok(vec![
        Figure {
            what: "2,000 endpoints of which 500 are called: wall time / what CloudWatch charges",
            measured: format!("{:.2} s / ${:.2}", median(seconds), median(usd)),
            goal: "within a function's five minutes",
        },
        Figure {
            what: "2,000 endpoints of which 500 are called: peak memory",
            measured: format!("{:.1} MiB", median(memory)),
            goal: "≤ 96 MiB",
        },
        Figure {
            what: "what each way would cost 2,000 endpoints, by 720 hours each: one core",
            measured: format!("{:.3} s", advising(runs)?),
            goal: "≤ 2 s",
        },
        Figure { what: "which of 500 endpoints could share one: one core", measured: format!("{:.2} s", packing(runs)?), goal: "≤ 2 s" },
    ])
}

/// The time to advise 2,000 endpoints from a month of hours, in seconds.
fn advising(runs: usize) -> anyhow::Result<f64> {
    let rulebook = Rulebook::from_toml("[prices]\nserverless-gb-second = 0.00002")?;
    let now: Timestamp = "2026-11-24T00:00:00Z".parse()?;
    let mut seconds = vec![];
    for _ in 0..runs {
        let hosted = (0..ENDPOINTS).map(|number| hosted(number, now)).collect();
        let mut facts = Facts { now, prices: rulebook.policy.prices_of("us-east-1"), hosted, ..Facts::default() };
        let started = Instant::now();
        rulebook.advise(&mut facts, |_| true);
        seconds.push(started.elapsed().as_secs_f64());
        let is_given = |one: &&Hosted| matches!(&one.advice, Advice::Given(given) if given.best.is_some());
        ensure!(facts.hosted.iter().filter(is_given).count() == ENDPOINTS, "not all are advised");
    }
    Ok(median(seconds))
}

/// An endpoint of one instance that is called by day, each at other hours.
fn hosted(number: usize, now: Timestamp) -> Hosted {
    let mut endpoint = endpoint(number, 1, false, now);
    endpoint.resource.arn = Some(format!("arn:aws:sagemaker:us-east-1:123456789012:endpoint/{number}"));
    let variant = &mut endpoint.variants[0];
    variant.compute = Compute::Instances { instance_type: Some("ml.m5.xlarge".into()), current: 1, desired: 1, fixed: None };
    let rate = |hour: usize| if (number % 12..number % 12 + 10).contains(&(hour % 24)) { 300.0 } else { 3.0 };
    let hours = (0..HOURS).map(|hour| Some(rate(hour))).collect();
    variant.invocations = Some(Invocations::by_hour(now - SignedDuration::from_hours(30 * 24), hours));
    let measured = Measured { seconds: Some(0.1), slowest: Some(0.4), cpu: vec![0.1; HOURS], memory: Some(0.2), ..Measured::default() };
    let model = Model {
        name: "m".into(),
        image: Some("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1".into()),
        data_url: Some("s3://ml/m.tar.gz".into()),
        role: None,
        network: None,
        is_isolated: false,
        environment: String::new(),
    };
    Hosted {
        endpoint,
        config: Some(json!({})),
        model: Some(model),
        features: Features { has: [Feature::Vpc].into(), ..Features::default() },
        unread: None,
        measured: Some(measured),
        autoscaler: Autoscaler::Nothing,
        advice: Advice::Pending,
    }
}

/// The time to find the groups of 500 endpoints with two weeks of hours, in seconds.
fn packing(runs: usize) -> anyhow::Result<f64> {
    const TYPES: [(&str, f64); 6] = [
        ("ml.m5.large", 0.115),
        ("ml.m5.xlarge", 0.23),
        ("ml.m5.2xlarge", 0.461),
        ("ml.c5.xlarge", 0.204),
        ("ml.c5.2xlarge", 0.408),
        ("ml.r5.xlarge", 0.302),
    ];
    let types: Vec<PricedType<'_>> = TYPES
        .iter()
        .filter_map(|(name, usd_per_hour)| {
            let has = InstanceTypes::shipped().get(name)?;
            Some(PricedType { name, has, usd_per_hour: *usd_per_hour })
        })
        .collect();
    let candidate = |id: usize| {
        let busy = |hour: usize| if (id % 24..id % 24 + 6).contains(&(hour % 24)) { 0.6 } else { 0.05 };
        let load = (0..336).map(|hour| Load { vcpus: busy(hour), requests: busy(hour) * 100.0, gpus: 0.0 }).collect();
        #[expect(clippy::cast_precision_loss, reason = "below 7")]
        let memory_gib = 1.0 + (id % 7) as f64 * 0.3;
        Candidate { id, today: types[id % 2], instances: 1, at_least: 1, load, memory_gib, gpu_memory_gib: 0.0, model_gib: None }
    };
    let candidates: Vec<Candidate<'_>> = (0..PACKED).map(candidate).collect();
    let mut seconds = vec![];
    for _ in 0..runs {
        let started = Instant::now();
        let packing = pack(&candidates, &types, &Limits::default());
        seconds.push(started.elapsed().as_secs_f64());
        ensure!(!packing.groups.is_empty(), "nothing is shared");
    }
    Ok(median(seconds))
}
