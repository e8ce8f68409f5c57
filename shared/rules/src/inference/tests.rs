//! The cost model against published examples, each with its source, and what must hold for any endpoint.

use jiff::Timestamp;
use proptest::prelude::*;
use rust_decimal::{Decimal, dec, prelude::ToPrimitive as _};

use super::*;
use crate::{duration::Duration, price::Prices, scaling::Traffic};

const RATES: Rates = Rates::US_EAST_1;

fn price(region: &str, instance_type: &str) -> f64 {
    Prices::of_region(region, []).hourly_hosting(instance_type).and_then(|usd| usd.to_f64()).unwrap()
}

/// Callers wait as they do today.
#[expect(clippy::unnecessary_wraps, reason = "an argument")]
fn at_once(_: ServingOption) -> Option<Duration> {
    Some(Duration::seconds(0))
}

/// So many requests a minute for a week.
fn constant(per_minute: u64) -> Requests {
    Requests::by_minute(&Traffic::new(Timestamp::UNIX_EPOCH, vec![Some(per_minute); 7 * 24 * 60]))
}

fn workload<'a>(requests: &'a Requests, instance_type: &str, instances: u32) -> Workload<'a> {
    Workload {
        requests,
        instances,
        usd_per_hour: Some(price("us-east-1", instance_type)),
        volume_gb: None,
        seconds: 0.1,
        slowest: None,
        memory_gib: Some(2.0),
        payload: Some(0.0),
        carries: None,
        scaled: None,
        hardware: None,
        features: Features::default(),
    }
}

fn estimate(workload: &Workload<'_>, option: ServingOption) -> Estimate {
    options(workload, &Assumptions::default(), Some(&RATES)).into_iter().find(|one| one.option == option).unwrap()
}

fn usd(workload: &Workload<'_>, option: ServingOption) -> f64 {
    estimate(workload, option).usd.unwrap().expected
}

fn is_cents(usd: f64, published: f64) -> bool {
    (usd - published).abs() < 0.005 + 1e-9
}

/// AWS's developer guide, inference-recommender-instance-recommendation: cost per inference at `MaxInvocations`; ml.g4dn.xlarge: a test of sagemaker-python-sdk.
#[test]
fn the_cost_of_a_request_is_that_of_inference_recommender() {
    for (instance_type, per_minute, published) in [
        ("ml.c5.xlarge", 648, 5.246_913_588e-06),
        ("ml.c5d.large", 655, 2.926_208_708e-06),
        ("ml.m5.large", 570, 3.362_573_124e-06),
        ("ml.g4dn.xlarge", 1645, 7.456_940_238e-06),
    ] {
        let requests = constant(per_minute);
        let each = usd(&workload(&requests, instance_type, 1), ServingOption::RealTime) / requests.per_month(requests.total());
        assert!((each / published - 1.0).abs() < 1e-7, "{instance_type}: {each}");
    }
}

/// Infracost's golden files 0da4c138 and 057e158b (2026): instances around the clock. A shadow variant is billed as the variant that it copies.
#[test]
fn instances_cost_their_hours() {
    let requests = constant(0);
    assert!(is_cents(usd(&workload(&requests, "ml.m5.xlarge", 2), ServingOption::RealTime), 335.80));
    assert!(is_cents(usd(&workload(&requests, "ml.m5.large", 1), ServingOption::RealTime), 83.95));
    assert!(is_cents(usd(&workload(&requests, "ml.m5.xlarge", 1), ServingOption::RealTime), 167.90));
}

/// Infracost's golden file 057e158b: 100 hours, 20 GB for ten days, 30 GB out and 15 GB in.
#[test]
fn data_and_volumes_cost_what_a_bill_has() {
    const GB: f64 = 1_073_741_824.0;
    assert!(is_cents(100.0 * price("us-east-1", "ml.m5.xlarge"), 23.00));
    assert!(is_cents(6.6666 * RATES.volume, 0.93));
    assert!(is_cents(RATES.of_bytes(30.0 * GB), 0.48) && is_cents(RATES.of_bytes(15.0 * GB), 0.24));
    // The same through the model: a volume of 20 GB is there all month.
    let requests = constant(0);
    let with_volume = Workload { volume_gb: Some(20.0), ..workload(&requests, "ml.m5.xlarge", 1) };
    assert!(is_cents(usd(&with_volume, ServingOption::RealTime), 167.90 + 2.80));
}

/// The same file: serverless seconds with their data, and provisioned concurrency.
#[test]
fn serverless_seconds_cost_what_a_bill_has() {
    // A million requests a month of half a second, with 20 GB out and 10 GB in.
    let requests = Requests::by_hour(Timestamp::UNIX_EPOCH, &vec![Some(1_000_000.0 / 730.0); 730]);
    let payload = 30.0 * 1_073_741_824.0 / 1_000_000.0;
    let one = Workload { seconds: 0.5, payload: Some(payload), ..workload(&requests, "ml.m5.large", 1) };
    assert!(is_cents(usd(&one, ServingOption::Serverless), 20.00 + 0.32 + 0.16));
    let small = Workload { seconds: 0.25, memory_gib: Some(1.0), payload: Some(0.0), ..one };
    assert!(is_cents(usd(&small, ServingOption::Serverless), 5.00));
    // Two environments of 2 GB for 200,000 seconds each, and 400,000 seconds of requests.
    assert!(is_cents(400_000.0 * 2.0 * RATES.ready, 4.00) && is_cents(400_000.0 * 2.0 * RATES.busy, 9.32));
}

/// Documentation of awslabs/stable-diffusion-aws-extension (December 2023), and a real bill of eu-west-1 of the same month in aws-samples/sagemaker-ssh-helper (`Sample_Costs.md`): each line is rounded.
#[test]
fn bills_that_were_published_come_out() {
    assert!(is_cents(8.0 * 20.0 * price("us-east-1", "ml.g5.2xlarge") + 240.0 * RATES.volume, 276.00));
    for (hours, instance_type, published) in [
        (dec!(8.208), "ml.m5.xlarge", dec!(2.11)),
        (dec!(74.998), "ml.g4dn.4xlarge", dec!(125.85)),
        (dec!(31.543), "ml.g4dn.12xlarge", dec!(172.00)),
        (dec!(22.409), "ml.g5.12xlarge", dec!(177.26)),
        (dec!(1.299), "ml.g4dn.xlarge", dec!(1.07)),
        (dec!(2.126), "ml.m5.xlarge", dec!(0.55)),
    ] {
        let usd = Prices::of_region("eu-west-1", []).hourly_hosting(instance_type).unwrap() * hours;
        let rounded = usd.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        assert_eq!(rounded, published, "{instance_type} for {hours} h");
    }
    assert_eq!((dec!(0.222) * dec!(0.154)).round_dp(2), dec!(0.03));
}

/// Arithmetic only.
#[test]
fn larger_examples_add_up() {
    // Ten million requests of 100 ms on 2 GB, with 10 GB of data.
    let requests = Requests::by_hour(Timestamp::UNIX_EPOCH, &vec![Some(10_000_000.0 / 730.0); 730]);
    let one = Workload { payload: Some(1_073.741_824), ..workload(&requests, "ml.m5.large", 1) };
    assert!(is_cents(usd(&one, ServingOption::Serverless), 40.16));
    // 100 environments of 2 GB for 40 hours; a million seconds in them; 300,000 seconds without; 13 GB.
    let ready = 100.0 * 40.0 * 3600.0 * 2.0 * RATES.ready;
    let busy = 1_000_000.0 * 2.0 * RATES.busy;
    let spilled = 300_000.0 * 2.0 * RATES.on_demand;
    assert!(is_cents(ready, 144.0) && is_cents(busy, 23.30) && is_cents(spilled, 12.0) && is_cents(13.0 * RATES.data, 0.21));
    assert!(is_cents(2.0 * 24.0 * 31.0 * price("us-east-1", "ml.c5.xlarge"), 303.55));
    assert!(is_cents(2.5 * 31.0 * price("us-east-1", "ml.c5.xlarge"), 15.81));
}

/// awslabs' serverless-inference-benchmarking toolkit: requests a month at which serverless costs as much as an instance. A month has 720 hours there.
#[test]
fn serverless_breaks_even_where_the_toolkit_says() {
    for (gb, instance_type, seconds, per_month) in [
        (1.0, "ml.t2.medium", 0.05, 40_320_000.0),
        (2.0, "ml.t2.medium", 0.5, 2_016_000.0),
        (3.0, "ml.c5.large", 0.1, 12_240_000.0),
        (6.0, "ml.c5.xlarge", 1.0, 1_224_000.0),
    ] {
        let instance = price("us-east-1", instance_type) * 720.0;
        let each = seconds * gb * RATES.on_demand;
        assert!((instance / each / per_month - 1.0).abs() < 1e-9, "{gb} GB: {}", instance / each);
    }
    // With 10 KB in and 10 KB out.
    let each = 0.1 * 3.0 * RATES.on_demand + RATES.of_bytes(20_480.0);
    assert!((price("us-east-1", "ml.c5.large") * 720.0 / each - 11_647_573.0).abs() < 1.0);
    // Provisioned concurrency pays from 60 % of use on.
    assert!((RATES.ready / (RATES.on_demand - RATES.busy) - 0.599).abs() < 0.001);
}

#[test]
fn provisioned_concurrency_keeps_as_many_as_cost_least() {
    // 600 requests a minute of 0.3 s: three at once on average.
    let requests = constant(600);
    let busy = Workload { seconds: 0.3, ..workload(&requests, "ml.m5.xlarge", 2) };
    let one = estimate(&busy, ServingOption::ServerlessProvisioned);
    assert!((2..=4).contains(&one.provisioned.unwrap()), "{one:?}");
    assert!(one.usd.unwrap().expected < usd(&busy, ServingOption::Serverless), "at this use it pays");
    let rare = constant(0);
    let idle = workload(&rare, "ml.m5.xlarge", 2);
    assert_eq!(estimate(&idle, ServingOption::ServerlessProvisioned).provisioned, Some(1));
}

#[test]
fn each_feature_that_aws_refuses_is_a_reason() {
    let requests = constant(1);
    for feature in Feature::ALL {
        let has = |features: Features| Workload { features, ..workload(&requests, "ml.m5.xlarge", 2) };
        let known = has(Features { has: [feature].into(), ..Features::default() });
        let refused = match feature {
            Feature::Burstable => ServingOption::Asynchronous,
            Feature::NoTransform => ServingOption::BatchTransform,
            _ => ServingOption::Serverless,
        };
        assert!(estimate(&known, refused).fit != Fit::Yes, "{feature:?}: {refused:?}");
        let unknown = has(Features { unknown: [feature].into(), ..Features::default() });
        assert!(matches!(estimate(&unknown, refused).fit, Fit::CannotTell(_)), "{feature:?}");
        assert_eq!(estimate(&known, ServingOption::RealTime).fit, Fit::Yes, "what is there runs");
        for one in options(&unknown, &Assumptions::default(), Some(&RATES)) {
            let is_recommended = recommended(std::slice::from_ref(&one), &Assumptions::default(), 0.0, at_once).is_some();
            assert!(!is_recommended || one.fit == Fit::Yes);
        }
    }
}

#[test]
fn what_makes_callers_wait_is_recommended_only_where_they_may() {
    // A burst of work every night: a queue or a job is far cheaper.
    let minutes: Vec<Option<u64>> = (0..14 * 24 * 60).map(|minute| Some(if minute % 1440 < 60 { 600 } else { 0 })).collect();
    let requests = Requests::by_minute(&Traffic::new(Timestamp::UNIX_EPOCH, minutes));
    let gpu = Features { has: [Feature::Accelerator].into(), ..Features::default() };
    let nightly = Workload { features: gpu, ..workload(&requests, "ml.g5.xlarge", 1) };
    let assumptions = Assumptions::default();
    let estimates = options(&nightly, &assumptions, Some(&RATES));
    let best = |minutes: i64| {
        let wait = |_| Some(Duration::minutes(minutes));
        recommended(&estimates, &assumptions, 20.0, wait).map(|one| one.option)
    };
    assert_eq!([0, 15, 25 * 60].map(best), [None, Some(ServingOption::Asynchronous), Some(ServingOption::BatchTransform)]);
    let no_batch = |option| (option != ServingOption::BatchTransform).then_some(Duration::hours(25));
    let found = recommended(&estimates, &assumptions, 20.0, no_batch).map(|one| one.option);
    assert_eq!(found, Some(ServingOption::Asynchronous), "the policy has turned the cheapest off");
}

#[test]
fn a_queue_in_which_nobody_waited_is_still_one() {
    // Five requests are always under way, on ten instances: by the hour, none meets an endpoint without instances.
    let requests = Requests::by_hour(Timestamp::UNIX_EPOCH, &[Some(5.0 * 3600.0); 336]);
    let gpu = Features { has: [Feature::Accelerator].into(), ..Features::default() };
    let steady = Workload { features: gpu, seconds: 1.0, ..workload(&requests, "ml.g5.xlarge", 10) };
    let assumptions = Assumptions::default();
    let estimates = options(&steady, &assumptions, Some(&RATES));
    let queue = |wait| {
        let only = |option| (option == ServingOption::Asynchronous).then_some(Duration::seconds(wait));
        recommended(&estimates, &assumptions, 20.0, only).map(|one| one.option)
    };
    assert_eq!([0, 900].map(queue), [None, Some(ServingOption::Asynchronous)]);
}

#[test]
fn a_job_has_as_many_instances_as_finish_it_before_the_next_one() {
    // 150 requests a minute of a second each, on four instances: work for two and a half.
    let requests = constant(150);
    let busy = Workload { seconds: 1.0, ..workload(&requests, "ml.m5.xlarge", 4) };
    let job = estimate(&busy, ServingOption::BatchTransform);
    // Each day, each of the instances takes five minutes to start.
    assert_eq!(job.instances, Some(3));
    assert!(is_cents(job.usd.unwrap().expected, 0.23 * 730.0 * (2.5 + 3.0 * 5.0 / 1440.0)), "{job:?}");
}

#[test]
fn what_may_take_twice_as_long_has_time_and_room_for_it() {
    let requests = constant(60);
    let offered = [priced("ml.m5.large")];
    let used = Used { cpu: 0.1, memory: 0.1, ..Used::default() };
    let hardware = Some(Hardware { today: priced("ml.m5.xlarge"), offered: &offered, needs_volume: false, used });
    let of = |slowest: f64, option| {
        estimate(&Workload { slowest: Some(slowest), hardware, ..workload(&requests, "ml.m5.xlarge", 1) }, option).fit
    };
    for option in [ServingOption::Serverless, ServingOption::OtherInstances] {
        assert_eq!(of(25.0, option), Fit::Yes);
        assert_ne!(of(45.0, option), Fit::Yes, "AWS ends a request after 60 s");
    }
    // Sixty a minute of ten seconds: ten at once, in bursts twenty, and forty if they take twice as long.
    let slow = Workload { seconds: 10.0, ..workload(&requests, "ml.m5.xlarge", 1) };
    assert_eq!(estimate(&slow, ServingOption::Serverless).at_once, Some(40));
}

fn priced(name: &'static str) -> PricedType<'static> {
    PricedType { name, has: InstanceTypes::shipped().get(name).unwrap(), usd_per_hour: price("us-east-1", name) }
}

#[test]
fn other_instances_have_room_for_what_is_used() {
    let requests = constant(60);
    let offered: Vec<PricedType<'_>> = [
        "ml.m5.large",
        "ml.m5.xlarge",
        "ml.m5.2xlarge",
        "ml.c5.xlarge",
        "ml.m6g.large",
        "ml.g4dn.xlarge",
        "ml.g4dn.2xlarge",
        "ml.g5.xlarge",
        "ml.t2.medium",
    ]
    .map(priced)
    .into();
    let used = |cpu, memory| Used { cpu, memory, ..Used::default() };
    let gpu = |gpu, gpu_memory| Used { cpu: 0.1, memory: 0.1, gpu, gpu_memory };
    for (today, instances, used, expected) in [
        // Half of the vCPUs and of the memory are enough.
        ("ml.m5.2xlarge", 1, used(0.2, 0.18), Some((1, "ml.c5.xlarge"))),
        ("ml.m5.2xlarge", 1, used(0.2, 0.5), None), // 16 GB: 80 % of no smaller one; as many of the same cost the same
        ("ml.m5.2xlarge", 1, used(0.2, 0.38), Some((1, "ml.m5.xlarge"))),
        // Of a quarter of the vCPUs a request would take four times as long.
        ("ml.m5.2xlarge", 1, used(0.01, 0.05), Some((1, "ml.c5.xlarge"))),
        // Fewer of the same, or of smaller ones, but two: one may fail.
        ("ml.m5.xlarge", 4, used(0.3, 0.5), Some((2, "ml.m5.xlarge"))),
        ("ml.m5.xlarge", 4, used(0.1, 0.2), Some((2, "ml.m5.large"))),
        ("ml.m5.xlarge", 1, used(0.69, 0.7), None),
        // The same GPU with fewer vCPUs.
        ("ml.g4dn.2xlarge", 1, gpu(0.7, 0.7), Some((1, "ml.g4dn.xlarge"))),
        ("ml.g4dn.2xlarge", 1, gpu(0.9, 0.7), None),
        ("ml.g4dn.2xlarge", 1, gpu(0.7, 0.9), None),
        ("ml.g4dn.xlarge", 1, gpu(0.1, 0.1), None),
    ] {
        let hardware = Some(Hardware { today: priced(today), offered: &offered, needs_volume: false, used });
        let one = Workload { hardware, ..workload(&requests, today, instances) };
        let found = estimate(&one, ServingOption::OtherInstances);
        let chosen = found.instances.zip(found.instance_type.as_deref());
        assert_eq!(chosen, expected, "{instances} {today} {used:?}");
        assert_eq!(found.fit == Fit::Yes, expected.is_some(), "{found:?}");
    }
    // AWS refuses the size of a volume where there are local disks, and a key does not encrypt them.
    let local = [priced("ml.c5d.xlarge")];
    let with_volume = |needs_volume| {
        let hardware = Some(Hardware { today: priced("ml.m5.2xlarge"), offered: &local, needs_volume, used: used(0.2, 0.18) });
        estimate(&Workload { hardware, ..workload(&requests, "ml.m5.2xlarge", 1) }, ServingOption::OtherInstances).fit == Fit::Yes
    };
    assert_eq!([false, true].map(with_volume), [true, false]);
    let slower = Assumptions { slower: 1.2, ..Assumptions::default() };
    let hardware = Some(Hardware { today: priced("ml.m5.2xlarge"), offered: &offered, needs_volume: false, used: used(0.2, 0.3) });
    let one = Workload { hardware, ..workload(&requests, "ml.m5.2xlarge", 1) };
    let all = options(&one, &slower, Some(&RATES));
    assert!(all.iter().any(|one| one.option == ServingOption::OtherInstances && one.fit != Fit::Yes), "no request may take longer");
}

#[test]
fn a_savings_plan_makes_instances_cheaper_and_leaves_the_rest() {
    let requests = constant(60);
    let one = workload(&requests, "ml.m5.xlarge", 2);
    let with_plan = options(&one, &Assumptions { plan_discount: 0.25, ..Assumptions::default() }, Some(&RATES));
    let without = options(&one, &Assumptions::default(), Some(&RATES));
    for (with_plan, without) in with_plan.iter().zip(&without) {
        let share = with_plan.usd.zip(without.usd).map(|(with, without)| with.expected / without.expected);
        let expected = match with_plan.option {
            ServingOption::RealTime | ServingOption::BatchTransform | ServingOption::InferenceComponent => Some(0.75),
            ServingOption::RealTimeScaled => None,
            _ => Some(1.0),
        };
        assert!(share.zip(expected).is_none_or(|(share, expected)| (share - expected).abs() < 1e-9), "{with_plan:?}");
    }
}

#[test]
fn nothing_is_recommended_without_a_price_or_a_saving() {
    let requests = constant(1);
    let unpriced = Workload { usd_per_hour: None, ..workload(&requests, "ml.m5.xlarge", 2) };
    let assumptions = Assumptions::default();
    assert_eq!(recommended(&options(&unpriced, &assumptions, Some(&RATES)), &assumptions, 0.0, at_once), None);
    let priced = workload(&requests, "ml.m5.xlarge", 2);
    let estimates = options(&priced, &assumptions, Some(&RATES));
    assert_eq!(recommended(&estimates, &assumptions, 20.0, at_once).map(|one| one.option), Some(ServingOption::Serverless));
    assert_eq!(recommended(&estimates, &assumptions, 1000.0, at_once), None);
    let elsewhere = options(&priced, &assumptions, None);
    assert!(elsewhere.iter().filter(|one| one.option == ServingOption::Serverless).all(|one| matches!(one.fit, Fit::CannotTell(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn estimates_are_amounts_in_order(
        counts in prop::collection::vec(0_u64..400, 1..300),
        seconds in 0.001_f64..90.0,
        memory in 0.1_f64..8.0,
        payload in 0.0_f64..8e6,
        instances in 1_u32..9,
    ) {
        let hours: Vec<Option<f32>> = counts.iter().map(|count| u16::try_from(*count).ok().map(f32::from)).collect();
        for requests in [
            Requests::by_minute(&Traffic::new(Timestamp::UNIX_EPOCH, counts.iter().map(|count| Some(*count)))),
            Requests::by_hour(Timestamp::UNIX_EPOCH, &hours),
        ] {
            let one = Workload { seconds, memory_gib: Some(memory), payload: Some(payload), ..workload(&requests, "ml.m5.xlarge", instances) };
            for estimate in options(&one, &Assumptions::default(), Some(&RATES)) {
                if let Some(Usd { expected, low, high }) = estimate.usd {
                    prop_assert!(0.0 <= low && low <= expected + 1e-9 && expected <= high + 1e-9 && high.is_finite(), "{estimate:?}");
                }
                prop_assert!((0.0..=1.0).contains(&estimate.cold_share), "{estimate:?}");
            }
            // More memory costs more, and so do longer requests.
            let sizes: Vec<f64> = options(&one, &Assumptions::default(), Some(&RATES)).iter().filter(|one| one.option == ServingOption::Serverless).filter_map(|one| one.usd).map(|usd| usd.expected).collect();
            prop_assert!(sizes.is_sorted());
            let longer = Workload { seconds: seconds * 2.0, ..one.clone() };
            prop_assert!(usd(&one, ServingOption::Serverless) <= usd(&longer, ServingOption::Serverless) + 1e-9);
        }
    }

    #[test]
    fn what_is_recommended_saves_that_much_at_least(counts in prop::collection::vec(0_u64..40, 100..600), least in 0.0_f64..200.0) {
        let requests = Requests::by_minute(&Traffic::new(Timestamp::UNIX_EPOCH, counts.iter().map(|count| Some(*count))));
        let one = workload(&requests, "ml.m5.xlarge", 2);
        let assumptions = Assumptions::default();
        let estimates = options(&one, &assumptions, Some(&RATES));
        if let Some(best) = recommended(&estimates, &assumptions, least, at_once) {
            let today = usd(&one, ServingOption::RealTime);
            prop_assert!(least <= today - best.usd.unwrap().high + 1e-9);
            prop_assert_eq!(&best.fit, &Fit::Yes);
            prop_assert!(!best.option.changes_callers());
        }
    }
}

/// The largest amount stays a number.
#[test]
fn endless_requests_stay_a_number() {
    let requests = constant(u64::MAX / 4);
    for one in options(&workload(&requests, "ml.m5.xlarge", 1), &Assumptions::default(), Some(&RATES)) {
        assert!(one.usd.is_none_or(|usd| usd.high.is_finite()), "{one:?}");
    }
    let nobody = Requests::by_hour(Timestamp::UNIX_EPOCH, &[]);
    let estimates = options(&workload(&nobody, "ml.m5.xlarge", 1), &Assumptions::default(), Some(&RATES));
    assert!(estimates.iter().all(|one| one.usd.is_none_or(|usd| usd.expected.is_finite()) && one.cold_share.is_finite()));
    assert!(Decimal::try_from(usd(&workload(&nobody, "ml.m5.xlarge", 1), ServingOption::RealTime)).is_ok());
}
