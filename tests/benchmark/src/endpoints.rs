//! endpoint-autoscaler: 2,000 endpoints of three variants, a run in which nothing is due, and the arithmetic alone.

use std::{io::Write as _, net::TcpStream, time::Instant};

use anyhow::ensure;
use cost_rules::{
    facts::{AutoScaling, Compute, Endpoint, Facts, Invocations, RunState, Serving, Variant},
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
    scaling::{Bound, Capacity, Traffic},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use simulator::{Estate, Simulator};

use crate::{ENDPOINT_AUTOSCALER, Figure, LATENCY, median, peak_mib, read_body, start};

const ENDPOINTS: usize = 2_000;

/// Endpoints with requests, of which some could save enough.
const USED: usize = 20;

/// How many calls of one kind the function makes at the same time.
const IN_FLIGHT: usize = 8;

fn account() -> anyhow::Result<Simulator> {
    let mut estate = "[[model]]\nname = \"m\"\n".to_owned();
    for (name, count, more) in [
        ("quiet", ENDPOINTS - USED, ""),
        ("used", USED, "traffic = [{ requests = 600, hours = \"mon-fri/08:00-18:00\", outside = 30, most = 300, latency-ms = 80 }]\n"),
    ] {
        let variant = |name: &str| format!("{{ name = \"{name}\", model = \"m\", instance-type = \"ml.m5.xlarge\", instance-count = 2 }}");
        let variants = ["a", "b", "c"].map(variant).join(", ");
        estate += &alike(name, count, &format!("variants = [{variants}]"), more);
    }
    Simulator::start(Estate::from_toml(&estate)?)
}

/// So many endpoints with their configurations, as an estate file. `config` and `more`: further lines of a configuration and of an endpoint.
pub(crate) fn alike(name: &str, count: usize, config: &str, more: &str) -> String {
    format!(
        "[[endpoint-config]]\nname = \"{name}-{{}}\"\ncount = {count}\n{config}\n\
         [[endpoint]]\nname = \"{name}-{{}}\"\ncount = {count}\ncreated = \"-30d\"\n{more}tags = {{ Owner = \"ann@example.com\" }}\n"
    )
}

pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let account = account()?;
    // Every quiet endpoint is idle. What is measured is a run in which all of that is known.
    start(ENDPOINT_AUTOSCALER, &account, account.endpoint(), "", &[])
        .await?
        .function
        .invoke(json!({}))
        .await?
        .map_err(anyhow::Error::msg)?;
    account.set_latency(LATENCY);
    let (mut seconds, mut memory, mut describes, mut others, mut floors, mut due) = (vec![], vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        floors.push(described_beside(&account)?);
        let mut run = start(ENDPOINT_AUTOSCALER, &account, account.endpoint(), "", &[]).await?;
        account.reset_counts();
        let started = Instant::now();
        let report = run.function.invoke(json!({})).await?.map_err(anyhow::Error::msg)?;
        seconds.push(started.elapsed().as_secs_f64());
        ensure!(report["examined"]["endpoint"] == ENDPOINTS && report["unread"] == json!([]), "{}", report["unread"]);
        memory.push(peak_mib(run.function.id())?);
        let calls = account.calls();
        #[expect(clippy::cast_precision_loss, reason = "thousands of calls")]
        let count = |is: &dyn Fn(&str) -> bool| calls.iter().filter(|(call, _)| is(call)).map(|(_, count)| *count).sum::<u64>() as f64;
        describes.push(count(&|call| call.starts_with("sagemaker:Describe")));
        others.push(count(&|call| !call.starts_with("sagemaker:Describe")));
        account.reset_counts();
        run.function.invoke(json!({"due-only": true})).await?.map_err(anyhow::Error::msg)?;
        #[expect(clippy::cast_precision_loss, reason = "a handful of calls")]
        due.push(account.calls().values().sum::<u64>() as f64);
    }
    let (seconds, floor) = (median(seconds), median(floors));
    let (screening, proposals) = arithmetic(runs)?;
    Ok(vec![
        Figure {
            what: "2,000 endpoints of three variants: calls that describe / all others",
            measured: format!("{:.0} / {:.0}", median(describes), median(others)),
            goal: "one per endpoint and per configuration",
        },
        Figure {
            what: "2,000 endpoints: wall time",
            measured: format!(
                "{seconds:.2} s = {:.2} × the descriptions, {IN_FLIGHT} at a time ({floor:.2} s, run beside it)",
                seconds / floor
            ),
            goal: "≤ 1.5 ×",
        },
        Figure { what: "2,000 endpoints: peak memory", measured: format!("{:.1} MiB", median(memory)), goal: "≤ 96 MiB" },
        Figure { what: "a run in which nothing is due: calls", measured: format!("{:.0}", median(due)), goal: "≤ 3" },
        Figure {
            what: "which of 6,000 variants could save enough, by 336 hours each: one core",
            measured: format!("{screening:.3} s"),
            goal: "≤ 1 s",
        },
        Figure {
            what: "proposals for 200 variants from 14 days by the minute: one core",
            measured: format!("{proposals:.2} s"),
            goal: "≤ 3 s",
        },
    ])
}

/// How long it takes to describe all endpoints and configurations, with as many calls at a time as the function makes, and nothing else, in seconds.
fn described_beside(account: &Simulator) -> anyhow::Result<f64> {
    let address = account.endpoint().trim_start_matches("http://").to_owned();
    let started = Instant::now();
    let threads: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let address = address.clone();
            std::thread::spawn(move || describe_one_after_the_other(&address, 2 * ENDPOINTS / IN_FLIGHT))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    }
    Ok(started.elapsed().as_secs_f64())
}

fn describe_one_after_the_other(address: &str, count: usize) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let body = json!({"EndpointName": "used-00000"}).to_string();
    let head =
        format!("POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-target: SageMaker.DescribeEndpoint\r\ncontent-length: {}\r\n\r\n", body.len());
    for _ in 0..count {
        stream.write_all(format!("{head}{body}").as_bytes())?;
        read_body(&mut stream)?;
    }
    Ok(())
}

/// The time to find out which of 2,000 endpoints could save enough, and to work out the proposals of 200, in seconds.
fn arithmetic(runs: usize) -> anyhow::Result<(f64, f64)> {
    let rulebook = Rulebook::from_toml("")?;
    let now: Timestamp = "2026-11-24T00:00:00Z".parse()?;
    let prices = rulebook.policy.prices_of("us-east-1");
    let facts = |endpoints| Facts { now, prices: prices.clone(), endpoints, ..Facts::default() };
    let (mut screening, mut proposals) = (vec![], vec![]);
    for _ in 0..runs {
        let all = facts((0..ENDPOINTS).map(|number| endpoint(number, 3, false, now)).collect());
        let started = Instant::now();
        let wanted = rulebook.needs_minutes(&all);
        screening.push(started.elapsed().as_secs_f64());
        ensure!(wanted.len() == ENDPOINTS, "{} of {ENDPOINTS} could save", wanted.len());
        let some = facts((0..200).map(|number| endpoint(number, 1, true, now)).collect());
        let started = Instant::now();
        let findings = rulebook.evaluate(&some).findings;
        proposals.push(started.elapsed().as_secs_f64());
        ensure!(findings.iter().any(|one| one.rule == "endpoint-without-autoscaling"), "no proposal: {findings:?}");
    }
    Ok((median(screening), median(proposals)))
}

/// An endpoint that is called by day. `by_minute`: with its requests by the minute.
pub(crate) fn endpoint(number: usize, variants: usize, by_minute: bool, now: Timestamp) -> Endpoint {
    let name = format!("endpoint-{number}");
    let from = now - SignedDuration::from_hours(14 * 24);
    // Each has its own peak and its own hours.
    let rate = |minute: usize| {
        let (hour, weekday) = (minute / 60 % 24, minute / 1440 % 7);
        let is_day = (7 + number % 3..18 + number % 3).contains(&hour) && weekday < 5;
        let wave = minute * 7 % 40;
        if is_day { 500 + wave + number % 100 } else { 20 + wave / 4 }
    };
    let variant = |number: usize| {
        #[expect(clippy::cast_precision_loss, reason = "hundreds of requests")]
        let hours = (0..336).map(|hour| Some(rate(hour * 60) as f32 * 60.0)).collect();
        let mut invocations = Invocations::by_hour(from, hours);
        if by_minute {
            invocations.minutes = Some(Traffic::new(from, (0..20_160).map(|minute| u64::try_from(rate(minute)).ok())));
            invocations.carries = Some(Capacity { per_minute: 150.0, bound: Bound::Carried });
        }
        Variant {
            name: format!("v{number}"),
            is_shadow: false,
            compute: Compute::Instances { instance_type: Some("ml.m5.xlarge".into()), current: 5, desired: 5, fixed: None },
            weight: Some(1.0),
            scaling: AutoScaling::None,
            invocations: Some(invocations),
            start_up: None,
            provisioned_use: None,
        }
    };
    Endpoint {
        resource: Resource {
            id: Kind::Endpoint.id(&name),
            arn: None,
            name,
            tags: Tags::Known([("Owner".to_owned(), "ann@example.com".to_owned())].into()),
            ownership: Ownership::default(),
        },
        state: RunState::InService,
        created: Some(now - SignedDuration::from_hours(60 * 24)),
        modified: None,
        config: Some("c".into()),
        serving: Serving::RealTime,
        is_deploying: false,
        variants: (0..variants).map(variant).collect(),
        components: Some(vec![]),
        backlog: None,
        attached: None,
        announced: vec![],
        hibernation: None,
        router: None,
        can_sleep: cost_rules::facts::CanSleep::NotLooked,
        compute_optimizer: None,
    }
}
