//! What the rules about other ways of serving say of endpoints, and what they do not say where something is not known.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    facts::{AutoScaling, Autoscaler, Compute, Endpoint, Facts, Fixed, Hosted, Invocations, Measured, Model, Scaling, Serving, Suspended},
    inference::{Advice, Feature, Features, Fit, ServingOption, Sharing},
    price::Prices,
    resource::Tags,
    rulebook::{Judgement, Rulebook},
    samples::{endpoint, resource, with_tags},
    scaling::Traffic,
};
use jiff::Timestamp;
use rust_decimal::dec;

const NOW: &str = "2026-11-24T12:00:00Z";
const HOURS: usize = 337;

/// A real-time endpoint on one `ml.m5.xlarge` with so many requests in each hour, each of 100 ms, that uses a tenth of its vCPUs and 15 % of its memory.
fn hosted(name: &str, requests: f32) -> Hosted {
    let mut endpoint = Endpoint { resource: resource(&format!("endpoint/{name}")), ..endpoint("2026-10-01T00:00:00Z") };
    endpoint.config = Some(format!("{name}-1"));
    let variant = &mut endpoint.variants[0];
    variant.compute = Compute::Instances { instance_type: Some("ml.m5.xlarge".into()), current: 1, desired: 1, fixed: None };
    variant.invocations = Some(Invocations::by_hour("2026-11-10T12:00:00Z".parse().unwrap(), vec![Some(requests); HOURS]));
    let config = json!({"EndpointConfigName": format!("{name}-1"), "EndpointConfigArn": "arn", "CreationTime": 1.0,
        "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}]});
    let model = Model {
        name: name.to_owned(),
        image: Some("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1".into()),
        data_url: Some(format!("s3://ml/{name}.tar.gz")),
        role: Some("arn:aws:iam::123456789012:role/ml".into()),
        network: None,
        is_isolated: false,
        environment: "{}".into(),
    };
    let measured = Measured { seconds: Some(0.1), slowest: Some(0.5), cpu: vec![0.1; HOURS], memory: Some(0.15), ..Measured::default() };
    Hosted {
        endpoint,
        config: Some(config),
        model: Some(model),
        features: Features::default(),
        unread: None,
        measured: Some(measured),
        autoscaler: Autoscaler::Nothing,
        advice: Advice::Pending,
    }
}

fn judged(policy: &str, hosted: Vec<Hosted>) -> (Facts, Judgement) {
    let rulebook = Rulebook::from_toml(policy).unwrap();
    let prices = Prices::of_region("us-east-1", []);
    let mut facts = Facts { now: NOW.parse().unwrap(), prices: prices.into(), hosted, ..Facts::default() };
    rulebook.advise(&mut facts, |_| true);
    rulebook.advise_sharing(&mut facts);
    let judgement = rulebook.evaluate(&facts);
    (facts, judgement)
}

/// The rules and the endpoints that they tell of.
fn found(policy: &str, hosted: Vec<Hosted>) -> Vec<(&'static str, String)> {
    let (_, judgement) = judged(policy, hosted);
    judgement.findings.into_iter().map(|finding| (finding.rule, finding.resource.name)).collect()
}

fn told(rule: &'static str) -> Vec<(&'static str, String)> {
    vec![(rule, "churn".to_owned())]
}

fn with(change: impl FnOnce(&mut Hosted)) -> Vec<Hosted> {
    let mut one = hosted("churn", 60.0);
    change(&mut one);
    vec![one]
}

fn measured(one: &mut Hosted) -> &mut Measured {
    one.measured.as_mut().unwrap()
}

#[test]
fn the_cheapest_way_that_leaves_callers_what_they_have() {
    assert_eq!(found("", with(|_| ())), told("endpoint-fits-serverless"));
    let in_a_vpc = || with(|one| _ = one.features.has.insert(Feature::Vpc));
    assert_eq!(found("", in_a_vpc()), told("endpoint-oversized"));
    assert_eq!(found("[rules.endpoint-fits-batch]\ncallers-wait = \"1d\"", in_a_vpc()), told("endpoint-fits-batch"));
    // What somebody has turned off is not recommended, and the next cheapest is.
    assert_eq!(found("[rules.endpoint-fits-serverless]\nmode = \"off\"", with(|_| ())), told("endpoint-oversized"));
    let off = "[[override]]\nmatch = { name = \"churn\" }\n[override.rules.endpoint-fits-serverless]\nmode = \"off\"";
    assert_eq!(found(off, with(|_| ())), told("endpoint-oversized"));
    assert_eq!(found("[inference]\nmin-saving = 1000", with(|_| ())), vec![]);
}

/// What is said of an option of an endpoint on these instances.
fn fit(instance_type: &str, option: ServingOption) -> Fit {
    let (facts, _) = judged("", with(|one| on(one, Some(instance_type))));
    let Advice::Given(given) = &facts.hosted[0].advice else { panic!("{:?}", facts.hosted[0].advice) };
    given.estimates.iter().find(|one| one.option == option).unwrap().fit.clone()
}

#[test]
fn not_every_instance_type_can_be_left_in_every_way() {
    use ServingOption::{Asynchronous, BatchTransform, Serverless};
    for (instance_type, option, says) in [
        ("ml.c6g.xlarge", Serverless, "AWS does not say whether an image for arm64 can be served like this"),
        ("ml.t2.xlarge", Asynchronous, "an endpoint on burstable instances (ml.t2), which AWS does not scale, cannot be served like this"),
        ("ml.c5.large", BatchTransform, "an endpoint on instances of a type that batch transform does not have cannot be served like this"),
    ] {
        match fit(instance_type, option) {
            Fit::No(why) | Fit::CannotTell(why) => assert_eq!(why, says),
            Fit::Yes => panic!("{instance_type} {option:?}"),
        }
    }
    assert_eq!([fit("ml.m5.xlarge", Asynchronous), fit("ml.t2.xlarge", Serverless)], [Fit::Yes, Fit::Yes]);
}

#[test]
fn bursts_in_a_night_may_wait_in_a_queue() {
    let nightly = |wait: &str| {
        let mut one = hosted("churn", 0.0);
        let hours = &mut one.endpoint.variants[0].invocations.as_mut().unwrap().hours;
        (0..HOURS).filter(|hour| hour % 24 == 0).for_each(|hour| hours[hour] = Some(5000.0));
        one.features.has.insert(Feature::Vpc);
        measured(&mut one).cpu = vec![0.65; HOURS];
        found(&format!("[rules.endpoint-fits-async]\ncallers-wait = \"{wait}\""), vec![one])
    };
    assert_eq!([nightly("0s"), nightly("15m")], [vec![], told("endpoint-fits-async")]);
}

#[test]
fn no_dollar_is_told_twice() {
    let saved = |autoscaler| {
        let (_, judgement) = judged("", with(|one| (one.autoscaler, one.endpoint.variants[0].scaling) = (autoscaler, AutoScaling::None)));
        judgement.findings.first().and_then(|finding| finding.waste.usd_per_month).map(|usd| usd.round_dp(0))
    };
    // An ml.m5.xlarge costs 167.90 USD a month.
    let alone = saved(Autoscaler::Nothing).unwrap();
    assert_eq!(saved(Autoscaler::Saves(Some(dec!(100)))), Some(alone - dec!(100)));
    assert_eq!(saved(Autoscaler::Saves(Some(dec!(167.9)))), None, "endpoint-idle has told of all of it");
    assert_eq!(saved(Autoscaler::Saves(None)), Some(alone), "nothing was promised");
    assert_eq!(saved(Autoscaler::Unread), None);
}

#[test]
fn what_is_not_known_is_said_once_and_nothing_is_advised() {
    type Change = fn(&mut Hosted);
    for (says, change) in [
        ("how much of its instances it uses could not be read", (|one| one.measured = None) as Change),
        ("what endpoint-autoscaler has told of it could not be read", |one| one.autoscaler = Autoscaler::Unread),
        ("its model could not be read", |one| one.unread = Some("its model")),
        ("how long its requests take is not known", |one| measured(one).seconds = None),
        ("how long its requests take is not known", |one| measured(one).seconds = Some(0.0)),
        ("its auto scaling could not be read", |one| one.endpoint.variants[0].scaling = AutoScaling::Unread),
        ("its instance type is not known", |one| on(one, None)),
        ("what ml.x9.giant has is not known", |one| on(one, Some("ml.x9.giant"))),
        ("no price of ml.m6i.large in this Region is known", |one| on(one, Some("ml.m6i.large"))),
    ] {
        let (_, judgement) = judged("", with(change));
        assert_eq!(judgement.findings, vec![], "{says}");
        let [unread] = &judgement.unknown[..] else { panic!("{says}: {:?}", judgement.unknown) };
        assert!(unread.why.contains(says), "{says}: {}", unread.why);
    }
}

fn on(one: &mut Hosted, instance_type: Option<&str>) {
    let instance_type = instance_type.map(str::to_owned);
    one.endpoint.variants[0].compute = Compute::Instances { instance_type, current: 1, desired: 1, fixed: None };
}

#[test]
fn what_is_better_left_alone_is_in_the_report_with_the_reason() {
    type Change = fn(&mut Hosted);
    for (says, change) in [
        ("100 % of its requests fail", (|one| measured(one).failed = 60.0 * 337.0) as Change),
        ("it has several variants", |one| one.endpoint.variants.push(one.endpoint.variants[0].clone())),
        ("it runs in reserved capacity", |one| {
            let instance_type = Some("ml.m5.xlarge".to_owned());
            one.endpoint.variants[0].compute = Compute::Instances { instance_type, current: 1, desired: 1, fixed: Some(Fixed::Reserved) };
        }),
    ] {
        let (_, judgement) = judged("", with(change));
        let exempted: Vec<&str> = judgement.exempted.iter().map(|one| one.why.as_str()).collect();
        assert!(exempted.len() == 1 && exempted[0].starts_with(says), "{says}: {exempted:?}");
        assert!(judgement.findings.is_empty() && judgement.unknown.is_empty(), "{says}");
    }
}

#[test]
fn what_is_new_unused_or_of_another_kind_is_not_judged() {
    type Change = fn(&mut Hosted);
    for change in [
        (|one| one.endpoint.created = Some("2026-11-20T00:00:00Z".parse().unwrap())) as Change,
        |one| one.endpoint.variants[0].invocations.as_mut().unwrap().hours.fill(None),
        |one| one.endpoint.serving = Serving::Asynchronous,
    ] {
        let (_, judgement) = judged("", with(change));
        assert!(judgement.findings.is_empty() && judgement.unknown.is_empty() && judgement.exempted.is_empty());
    }
}

#[test]
fn gaps_and_single_datapoints_give_no_nonsense() {
    type Change = fn(&mut Hosted);
    for change in [
        (|one| one.endpoint.variants[0].invocations.as_mut().unwrap().hours.iter_mut().skip(1).for_each(|hour| *hour = None)) as Change,
        |one| (measured(one).cpu, measured(one).memory) = (vec![], None),
        |one| measured(one).cpu = vec![f32::NAN; HOURS],
        |one| measured(one).seconds = Some(1e9),
        |one| measured(one).seconds = Some(f64::MIN_POSITIVE),
        |one| one.endpoint.variants[0].invocations.as_mut().unwrap().hours.fill(Some(f32::MAX)),
        |one| one.config = None,
        |one| one.model = None,
        |one| (one.config, one.model) = (Some(json!({})), None),
    ] {
        for finding in judged("", with(change)).1.findings {
            let usd = finding.waste.usd_per_month.unwrap();
            assert!(dec!(20) <= usd && usd <= dec!(167.91), "{finding:?}");
        }
    }
}

#[test]
fn auto_scaling_counts_with_the_least_that_it_keeps() {
    let (_, judgement) = judged("", with(|one| scaled(one, 2)));
    let [finding] = &judgement.findings[..] else { panic!() };
    assert!(
        finding.waste.reason.to_string().contains("on 2 x ml.m5.xlarge (the least that its auto scaling keeps) they cost $335.80"),
        "{}",
        finding.waste.reason
    );
    let steps: Vec<&String> = finding.waste.notice.by_hand.iter().flat_map(|block| &block.list).collect();
    let at = |text: &str| steps.iter().enumerate().filter(|(_, step)| step.contains(text)).map(|(at, _)| at).collect::<Vec<_>>();
    let (off, update, on) = (at("deregister-scalable-target"), at(" update-endpoint "), at("register-scalable-target --region"));
    let on: Vec<usize> = on.into_iter().filter(|at| !off.contains(at)).collect();
    assert!(off.len() == 2 && update.len() == 2, "AWS refuses another type with auto scaling, there and back: {steps:#?}");
    assert!((0..2).all(|way| off[way] < update[way] && update[way] < on[way]), "{steps:#?}");
    assert!(steps[on[1]].ends_with("--min-capacity 2 --max-capacity 9"), "{}", steps[on[1]]);
    // Two of the new ones do the work of two: as long as it has six, it needs six of them.
    assert!(steps[0].contains(r#""InitialInstanceCount":6"#), "{}", steps[0]);
}

/// An endpoint in a VPC with six instances, by auto scaling of so many to nine.
fn scaled(one: &mut Hosted, min: u32) {
    let scaling =
        Scaling { min, max: 9, suspended: Suspended::default(), created: None, policies: vec![], scheduled: vec![], activities: vec![] };
    let instance_type = Some("ml.m5.xlarge".to_owned());
    one.endpoint.variants[0].compute = Compute::Instances { instance_type, current: 6, desired: 6, fixed: None };
    one.endpoint.variants[0].scaling = AutoScaling::Target(Box::new(scaling));
    one.features.has.insert(Feature::Vpc);
}

#[test]
fn what_nine_instances_carried_is_not_taken_for_what_one_carries() {
    // 2,700 requests a minute of 0.1 s: one instance that answers one at a time carries 600.
    let busy = |one: &mut Hosted| one.endpoint.variants[0].invocations.as_mut().unwrap().hours.fill(Some(162_000.0));
    let (facts, _) = judged("", with(|one| (scaled(one, 1), busy(one)).0));
    let Advice::Given(given) = &facts.hosted[0].advice else { panic!() };
    let usd = |option| given.estimates.iter().find(|one| one.option == option).unwrap().usd.unwrap().expected;
    // Work for 4.5 instances; one is counted.
    assert!(4.4 * 167.9 < usd(ServingOption::BatchTransform), "{}", usd(ServingOption::BatchTransform));
    // The same where endpoints would share one.
    let mut all = alike();
    scaled(&mut all[3], 1);
    assert_eq!(groups(all), [["a", "b", "c"]]);
}

#[test]
fn a_savings_plan_is_not_left_without_a_word() {
    let (_, judgement) = judged("[inference]\nsavings-plan-discount = 0.2", with(|_| ()));
    let [finding] = &judgement.findings[..] else { panic!() };
    assert!(finding.waste.usd_per_month.unwrap() < dec!(135), "80 % of 167.90");
    let details: Vec<String> = finding.waste.notice.details.iter().map(|detail| detail.title.to_string()).collect();
    assert!(
        details
            .iter()
            .any(|line| line.starts_with("Savings Plan: today's cost is with 20 % off. The plan's commitment is paid until it ends")),
        "{details:?}"
    );
}

/// Four endpoints in a VPC that could share one.
fn alike() -> Vec<Hosted> {
    let in_a_vpc = |name: &str| {
        let mut one = hosted(name, 60.0);
        one.features.has.insert(Feature::Vpc);
        one.endpoint.resource = with_tags(one.endpoint.resource.clone(), &[("Team", "risk")]);
        one
    };
    ["a", "b", "c", "d"].map(in_a_vpc).into()
}

fn groups(all: Vec<Hosted>) -> Vec<Vec<String>> {
    let (facts, _) = judged("", all);
    let of = |one: &Hosted| match &one.advice {
        Advice::Given(given) => match &given.sharing {
            Sharing::First(shared) => Some(shared.members.iter().map(|member| member.name.clone()).collect()),
            _ => None,
        },
        _ => None,
    };
    facts.hosted.iter().filter_map(of).collect()
}

#[test]
fn endpoints_that_are_alike_share_one_and_only_the_first_tells_of_it() {
    assert_eq!(groups(alike()), [["a", "b", "c", "d"]]);
    assert_eq!(found("", alike()), [("endpoints-fit-multi-model", "a".to_owned())]);
    let off = "[rules.endpoints-fit-multi-model]\nmode = \"off\"";
    assert_eq!(found(off, alike()).len(), 4, "alone, each is oversized");
    // What serverless would do for less is not shared.
    let mut all = alike();
    for one in &mut all {
        one.features.has.clear();
    }
    assert_eq!(groups(all), Vec::<Vec<String>>::new());
}

#[test]
fn a_shared_endpoint_has_the_data_and_the_savings_plan_of_today() {
    let saved = |policy: &str| {
        let (_, judgement) = judged(policy, alike());
        let [finding] = &judgement.findings[..] else { panic!("{policy}: {:?}", judgement.findings) };
        assert_eq!(finding.rule, "endpoints-fit-multi-model", "{policy}");
        finding.waste.usd_per_month.unwrap()
    };
    let plain = saved("");
    assert_eq!(saved("[inference]\npayload-kb = 1000").round_dp(2), plain.round_dp(2));
    assert_eq!((saved("[inference]\nsavings-plan-discount = 0.2") / dec!(0.8)).round_dp(2), plain.round_dp(2));
}

#[test]
fn an_hour_that_has_just_begun_is_not_the_busiest() {
    let mut all = alike();
    for (number, one) in all.iter_mut().enumerate() {
        // Each is busy in other hours of the day.
        measured(one).cpu = (0..HOURS).map(|hour| if hour % 24 / 6 == number { 0.6 } else { 0.05 }).collect();
        measured(one).cpu[HOURS - 1] = f32::NAN;
    }
    let (facts, _) = judged("", all);
    let Advice::Given(given) = &facts.hosted[0].advice else { panic!() };
    let Sharing::First(shared) = &given.sharing else { panic!("{:?}", given.sharing) };
    assert!(shared.members.len() == 4 && shared.group.busiest.unwrap().hour < HOURS - 1, "{shared:?}");
}

#[test]
fn endpoints_that_differ_share_nothing() {
    type Change = fn(&mut Hosted);
    let changes: BTreeMap<&str, Change> = [
        (
            "image",
            (|one| one.model.as_mut().unwrap().image = Some("x.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0".into())) as Change,
        ),
        ("role", |one| one.model.as_mut().unwrap().role = None),
        ("network", |one| one.model.as_mut().unwrap().network = Some("{}".into())),
        ("isolation", |one| one.model.as_mut().unwrap().is_isolated = true),
        ("environment", |one| one.model.as_mut().unwrap().environment = "{\"A\":\"1\"}".into()),
        ("no archive", |one| one.model.as_mut().unwrap().data_url = None),
        ("an own image", |one| one.model.as_mut().unwrap().image = Some("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1".into())),
        ("key", |one| one.config.as_mut().unwrap()["KmsKeyId"] = json!("k")),
        ("team", |one| one.endpoint.resource = with_tags(one.endpoint.resource.clone(), &[("Team", "loans")])),
        ("stage", |one| one.endpoint.resource = with_tags(one.endpoint.resource.clone(), &[("Team", "risk"), ("Environment", "prod")])),
        ("an image that is named after AWS's", |one| {
            one.model.as_mut().unwrap().image = Some("999988887777.dkr.ecr.us-east-1.amazonaws.com/risk-xgboost:1".into());
        }),
        ("a wish to keep it", |one| {
            one.endpoint.resource = with_tags(one.endpoint.resource.clone(), &[("Team", "risk"), ("cost-guard:keep-until", "2026-12-31")]);
        }),
        ("tags that could not be read", |one| one.endpoint.resource.tags = Tags::Unreadable),
        ("a private registry", |one| _ = one.features.has.insert(Feature::PrivateRegistry)),
        ("data capture", |one| _ = one.features.has.insert(Feature::DataCapture)),
        ("several containers", |one| _ = one.features.has.insert(Feature::SeveralContainers)),
        ("perhaps a multi-model container", |one| _ = one.features.unknown.insert(Feature::MultiModel)),
        ("failing", |one| one.measured.as_mut().unwrap().failed = 1e9),
    ]
    .into();
    for (what, change) in changes {
        let mut all = alike();
        change(&mut all[3]);
        assert_eq!(groups(all), [["a", "b", "c"]], "{what}");
    }
}

/// The commands of the move, and of the way back.
fn steps(policy: &str, hosted: Vec<Hosted>) -> Vec<String> {
    let (_, judgement) = judged(policy, hosted);
    judgement.findings.iter().flat_map(|finding| &finding.waste.notice.by_hand).flat_map(|block| block.list.clone()).collect()
}

const BY_BATCH: &str = "[rules.endpoint-fits-batch]\ncallers-wait = \"1d\"\n[rules.endpoint-fits-serverless]\nmode = \"off\"";

#[test]
fn a_job_sends_as_many_requests_at_once_as_an_instance_has_answered() {
    // Of 100 ms each, an instance that answers one at a time carries 600 a minute.
    for (of_an_hour, at_once) in
        [(30_000.0, ""), (150_000.0, " --max-concurrent-transforms 4"), (1_500_000.0, " --max-concurrent-transforms 16")]
    {
        let mut one = hosted("churn", 0.0);
        let hours = &mut one.endpoint.variants[0].invocations.as_mut().unwrap().hours;
        (0..HOURS).filter(|hour| hour % 24 == 0).for_each(|hour| hours[hour] = Some(of_an_hour));
        let steps = steps(BY_BATCH, vec![one]);
        let job = steps.iter().find(|step| step.contains("create-transform-job")).unwrap();
        assert!(job.contains("\"InstanceCount\":1") && job.ends_with(&format!("}}'{at_once}")), "{job}");
    }
}

#[test]
fn the_longest_name_gives_a_name_that_aws_takes() {
    let long = "c".repeat(63);
    let jobs = steps(BY_BATCH, vec![hosted(&long, 60.0)]);
    let job = jobs.iter().find_map(|step| step.split_once("--transform-job-name ")?.1.split_once(" --model-name")).unwrap().0;
    let run = job.replace("$(date +%Y%m%d-%H%M)", "20261124-1200");
    assert!(run.len() <= 63 && run.ends_with("-batch-20261124-1200"), "{run}");
}

const BY_COMPONENT: &str = "[rules.endpoint-fits-async]\ncallers-wait = \"1h\"\n[rules.endpoint-oversized]\nmode = \"off\"";

#[test]
fn a_component_has_the_network_and_the_vcpus_that_it_has_today() {
    let mut one = hosted("churn", 0.0);
    let hours = &mut one.endpoint.variants[0].invocations.as_mut().unwrap().hours;
    (0..HOURS).filter(|hour| hour % 24 == 0).for_each(|hour| hours[hour] = Some(5000.0));
    // An asynchronous endpoint cannot capture data.
    one.features.has.extend([Feature::DataCapture, Feature::Vpc, Feature::NetworkIsolation]);
    (measured(&mut one).cpu, measured(&mut one).memory) = (vec![0.65; HOURS], Some(0.95));
    let model = one.model.as_mut().unwrap();
    (model.network, model.is_isolated) = (Some(r#"{"SecurityGroupIds":["g"],"Subnets":["a"]}"#.into()), true);
    let variant = &mut one.config.as_mut().unwrap()["ProductionVariants"][0];
    (variant["VolumeSizeInGB"], variant["InferenceAmiVersion"]) = (json!(200), json!("al2-ami-sagemaker-inference-gpu-2"));
    let steps = steps(BY_COMPONENT, vec![one]);
    let has = |text: &str| steps.iter().any(|step| step.contains(text));
    for text in [
        r#""EnableNetworkIsolation":true"#,
        r#""VpcConfig":{"SecurityGroupIds":["g"],"Subnets":["a"]}"#,
        r#""VolumeSizeInGB":200"#,
        r#""InferenceAmiVersion":"al2-ami-sagemaker-inference-gpu-2""#,
        // 65 % of four vCPUs; of 16 GiB, two stay with the system.
        r#""NumberOfCpuCoresRequired":3"#,
        r#""MinMemoryRequiredInMb":14336"#,
    ] {
        assert!(has(text), "{text}: {steps:#?}");
    }
}

#[test]
fn the_hour_of_the_week_with_most_requests_has_room() {
    let oversized = |change: fn(&mut Hosted)| {
        let mut one = hosted("churn", 60.0);
        one.features.has.insert(Feature::Vpc);
        change(&mut one);
        found("", vec![one]) == told("endpoint-oversized")
    };
    assert!(oversized(|_| ()));
    // Two hours in two weeks: the 99th percentile does not have them.
    assert!(!oversized(|one| {
        for hour in [100, 268] {
            one.endpoint.variants[0].invocations.as_mut().unwrap().hours[hour] = Some(20_000.0);
            measured(one).cpu[hour] = 0.95;
        }
    }));
    assert!(oversized(|one| measured(one).cpu[100] = 0.95), "an instance may have started");
    assert!(oversized(|one| measured(one).cpu[..30].fill(f32::NAN)));
    assert!(!oversized(|one| measured(one).cpu[..40].fill(f32::NAN)), "too few datapoints");
    assert!(!oversized(|one| measured(one).cpu[1..].fill(f32::NAN)));
}

#[test]
fn what_was_used_of_other_instances_says_nothing() {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let outcome = |change: &dyn Fn(&mut Hosted)| {
        let in_a_vpc = with(|one| {
            one.features.has.insert(Feature::Vpc);
            change(one);
        });
        let (_, judgement) = judged("", in_a_vpc);
        judgement.unknown.first().map_or_else(|| format!("{} found", judgement.findings.len()), |unread| unread.why.clone())
    };
    let configured = |one: &mut Hosted, time: &str| one.config.as_mut().unwrap()["CreationTime"] = json!(at(time).as_second());
    for (time, says) in [
        (
            "2026-11-20T09:00:00Z",
            "its configuration or its number of instances changed on 2026-11-20: how much of them it uses can be told from 2026-11-27 on",
        ),
        ("2026-11-17T11:00:00Z", "1 found"),
        ("2026-10-20T09:00:00Z", "1 found"),
        ("2026-09-20T09:00:00Z", "1 found"),
    ] {
        let seen = outcome(&|one| configured(one, time));
        assert!(seen.ends_with(says), "{time}: {seen}");
    }
    // One that was created again as it was is no other one.
    for (modified, says) in [("2026-11-22T09:00:00Z", "changed on 2026-11-22"), ("2026-10-01T00:20:00Z", "1 found")] {
        let seen = outcome(&|one| one.endpoint.modified = Some(at(modified)));
        assert!(seen.contains(says), "{modified}: {seen}");
    }
    let seen = outcome(&|one| {
        scaled(one, 2);
        one.endpoint.modified = Some(at("2026-11-22T09:00:00Z"));
    });
    assert_eq!(seen, "1 found", "it is modified each time that it scales");
    // The busiest hour was on the instances before.
    let seen = outcome(&|one| {
        configured(one, "2026-11-17T11:00:00Z");
        one.endpoint.variants[0].invocations.as_mut().unwrap().hours[3] = Some(20_000.0);
        measured(one).cpu = vec![0.1; 7 * 24 + 1];
    });
    assert_eq!(seen, "1 found");
}

#[test]
fn by_the_hour_alone_nothing_is_recommended() {
    let rulebook = Rulebook::from_toml("").unwrap();
    let advised = |is_read: bool| {
        let mut one = hosted("churn", 60.0);
        let minutes = Traffic::new("2026-11-10T12:00:00Z".parse().unwrap(), vec![Some(1); HOURS * 60]);
        one.endpoint.variants[0].invocations.as_mut().unwrap().minutes = is_read.then_some(minutes);
        let mut facts =
            Facts { now: NOW.parse().unwrap(), prices: Prices::of_region("us-east-1", []).into(), hosted: vec![one], ..Facts::default() };
        rulebook.advise_by_minute(&mut facts, |_| true);
        facts.hosted.remove(0).advice
    };
    assert!(matches!(advised(true), Advice::Given(given) if given.best.is_some()));
    assert_eq!(advised(false), Advice::Unknown("its requests by the minute could not be read".into()));
}

#[test]
fn the_oldest_of_a_group_tells_of_it_whatever_the_order_is() {
    let mut all = alike();
    all[2].endpoint.created = Some("2026-09-01T00:00:00Z".parse().unwrap());
    assert_eq!(found("", all.clone()), [("endpoints-fit-multi-model", "c".to_owned())]);
    all.reverse();
    assert_eq!(found("", all), [("endpoints-fit-multi-model", "c".to_owned())]);
}

#[test]
fn steps_that_are_not_there_are_not_promised() {
    let advice = |change: fn(&mut Hosted)| {
        let in_a_vpc = with(|one| {
            one.features.has.insert(Feature::Vpc);
            change(one);
        });
        let (_, mut judgement) = judged("", in_a_vpc);
        let notice = judgement.findings.remove(0).waste.notice;
        (notice.by_hand.is_empty(), notice.advice.unwrap())
    };
    let (is_empty, says) = advice(|_| ());
    assert!(!is_empty && says.starts_with("see the steps"), "{says}");
    for change in [(|one| one.config = None) as fn(&mut Hosted), |one| one.model = None] {
        let (is_empty, says) = advice(change);
        assert!(is_empty && says.starts_with("its configuration or its model could not be found"), "{says}");
    }
}

#[test]
fn names_of_others_stay_text_in_the_commands() {
    let hostile = "churn; rm -rf ~ '$(id)'";
    let mut one = hosted("churn", 60.0);
    one.endpoint.resource.name = hostile.into();
    one.model.as_mut().unwrap().name = hostile.into();
    one.config.as_mut().unwrap()["ProductionVariants"][0]["ModelName"] = json!(hostile);
    let (_, judgement) = judged("", vec![one]);
    for step in judgement.findings.iter().flat_map(|finding| &finding.waste.notice.by_hand).flat_map(|block| &block.list) {
        let is_comment = step.starts_with('#');
        assert!(is_comment || !step.contains("$(id)'\"") && !step.replace(r"'\''", "").contains(" '$(id)' "), "{step}");
        assert!(!step.contains('\n'), "{step}");
    }
}
