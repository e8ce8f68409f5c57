//! inference-advisor on the simulated account: each endpoint of an estate gets the advice that was planted, and nobody else is mailed.

use std::collections::BTreeMap;

use cost_aws::report::Report;
use end_to_end::{
    Function,
    testing::{account, days, guard_of, hours, put_tracking, register_scaling},
};
use serde_json::{Value, json};
use simulator::{Fault, What};

mod estate;
mod replay;

/// What a report recommends, by the endpoint's name.
fn recommended(report: &Report) -> BTreeMap<String, Option<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    report.serving.iter().filter_map(|one| Some((text(&one["name"])?, text(&one["recommended"])))).collect()
}

/// The endpoints that a report tells of, each with its rule.
fn told(report: &Report) -> BTreeMap<&str, Vec<&str>> {
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.state == "reported") {
        told.entry(&finding.name).or_default().push(finding.rule);
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_gets_the_advice_that_fits_it() {
    let folder = estate::series();
    let planted = estate::all(folder.path());
    let account = account(&estate::toml(&planted, |_| None));
    let scaled = guard_of(Function::EndpointAutoscaler, &account, estate::POLICY).run().await.unwrap();
    assert_eq!(told(&scaled)["office"], ["endpoint-without-autoscaling"]);
    let before = account.mails().len();
    let guard = guard_of(Function::InferenceAdvisor, &account, estate::POLICY);
    let report = guard.run().await.unwrap();
    assert_eq!(report.unread, vec![]);

    let expected = planted.iter().filter_map(|one| Some((one.name, vec![one.fits?.0])));
    assert_eq!(told(&report), expected.collect());
    let options = recommended(&report);
    for (name, (rule, option)) in planted.iter().filter_map(|one| Some((one.name, one.fits?))) {
        let alone = Some(option.to_owned()).filter(|_| rule != "endpoints-fit-multi-model");
        assert_eq!(options[name], alone, "{name}");
    }
    let mails = account.mails();
    let mails: Vec<_> = mails[before..].iter().filter(|mail| mail.attributes["function"].1 == Function::InferenceAdvisor.name()).collect();
    let expected = planted.iter().filter(|one| one.fits.is_some()).count();
    assert_eq!(mails.len(), expected, "one to each owner of what can be mended");

    // The next week there is nothing new.
    account.advance(days(7));
    let again = guard.run().await.unwrap();
    assert_eq!((told(&again), again.notified), (told(&report), 0));
}

/// What endpoint-autoscaler tells, and what this function tells of the same endpoint, are never more than it costs.
#[tokio::test(flavor = "multi_thread")]
async fn no_dollar_is_told_by_both_functions() {
    let folder = estate::series();
    let account = account(&estate::toml(&estate::all(folder.path()), |_| None));
    let scaled = guard_of(Function::EndpointAutoscaler, &account, estate::POLICY).run().await.unwrap();
    let report = guard_of(Function::InferenceAdvisor, &account, estate::POLICY).run().await.unwrap();
    let mut by_both = 0;
    for one in &report.serving {
        let saved = |of: &Report| {
            let of_this = of.findings.iter().filter(|finding| one["name"] == finding.name);
            of_this.filter_map(|finding| finding.monthly_cost_usd).fold(0.0, f64::max)
        };
        let today = one["options"][0]["usd-per-month"].as_f64().unwrap();
        // The first of a group tells of all of it.
        let is_of_one = one["recommended"].is_string();
        assert!(!is_of_one || saved(&scaled) + saved(&report) <= today + 0.01, "{one}");
        by_both += usize::from(0.0 < saved(&scaled) && 0.0 < saved(&report));
    }
    assert!(1 <= by_both, "there are such endpoints");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_asks_for_one_endpoint() {
    let folder = estate::series();
    let more = "[[endpoint-config]]\nname = \"queue-1\"\nmodel = \"rare\"\nasynchronous = true\n[[endpoint]]\nname = \"queue\"\nconfig = \"queue-1\"\ncreated = \"-60d\"\n";
    let account = account(&format!("{}{more}", estate::toml(&estate::all(folder.path()), |_| None)));
    let guard = guard_of(Function::InferenceAdvisor, &account, estate::POLICY);
    guard.run().await.unwrap();
    let mails = account.mail_count();
    let ask = async |name: &str| {
        let arn = format!("arn:aws:sagemaker:eu-central-1:123456789012:endpoint/{name}");
        guard.wake(json!({"resources": [arn]})).await.unwrap()
    };
    // One that is left alone has its comparison, too. One of a group does not take the group's finding back.
    let busy = ask("busy").await;
    assert_eq!((told(&busy), recommended(&busy)), (BTreeMap::new(), [("busy".to_owned(), None)].into()));
    assert_eq!(told(&ask("risk-b").await), BTreeMap::new());
    assert_eq!(told(&ask("risk-a").await), [("risk-a", vec!["endpoints-fit-multi-model"])].into());
    assert_eq!(account.mail_count(), mails, "nothing is new");
    let why = |report: &Report| report.unread.iter().map(|unread| format!("{}: {}", unread.what, unread.why)).collect::<Vec<_>>();
    assert_eq!(
        why(&ask("queue").await),
        ["endpoint/queue: it is no real-time endpoint: another way of serving is looked for only for those"]
    );
    assert_eq!(why(&ask("gone").await), ["endpoint/gone: there is no such resource"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_said_and_takes_nothing_back() {
    let folder = estate::series();
    let account = account(&estate::toml(&estate::all(folder.path()), |_| None));
    let guard = guard_of(Function::InferenceAdvisor, &account, estate::POLICY);
    let whole = guard.run().await.unwrap();
    let mails = account.mail_count();
    for (call, says) in [
        ("sagemaker:DescribeModel", "model of"),
        ("sagemaker:DescribeEndpointConfig", "configuration of"),
        ("cloudwatch:GetMetricData", "use of"),
        ("ecr:DescribeImages", "image of"),
        ("application-autoscaling:DescribeScalableTargets", "auto scaling of endpoints"),
    ] {
        account.add_fault(Fault::new(call, What::AccessDenied));
        let report = guard.run().await.unwrap();
        assert!(report.unread.iter().any(|unread| unread.what.starts_with(says)), "{call}: {:?}", report.unread);
        assert_eq!(report.notified, 0, "{call}: {:?}", told(&report));
        account.clear_faults();
    }
    assert_eq!(told(&guard.run().await.unwrap()), told(&whole), "nothing was closed meanwhile");
    assert_eq!(account.mail_count(), mails);
}

/// Somebody scales it already, and nobody has tagged it.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_scales_and_has_no_tag_is_told_to_the_platform() {
    const SCALED: &str = "[hosting]\nimages = { \"ml:1\" = 1.9 }\n[[model]]\nname = \"m\"\n[[endpoint-config]]\nname = \"scaled\"\nmodel = \"m\"\n\
                          instance-type = \"ml.m5.xlarge\"\ninstance-count = 2\n[[endpoint]]\nname = \"scaled\"\ncreated = \"-60d\"\n\
                          traffic = [{ requests = 30, noise = 20, latency-ms = 50, memory = 15 }]\n";
    let account = account(SCALED);
    let id = "endpoint/scaled/variant/AllTraffic";
    register_scaling(&account, id, 2, 4).await;
    put_tracking(&account, id, "by-requests", 200.0).await;
    let report = guard_of(Function::InferenceAdvisor, &account, estate::POLICY).run().await.unwrap();
    assert_eq!(told(&report), [("scaled", vec!["endpoint-fits-serverless"])].into());
    assert_eq!(account.mails().last().unwrap().attributes["owner"].1, "unowned");
}

/// Since Tuesday it has other instances: what the old ones did says nothing of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_with_another_configuration_is_judged_a_week_later() {
    const CHANGED: &str = r#"
[[model]]
name = "m"
definition = { VpcConfig = { Subnets = ["subnet-1"], SecurityGroupIds = ["sg-1"] } }
[[endpoint-config]]
name = "large"
model = "m"
instance-type = "ml.m5.4xlarge"
[[endpoint-config]]
name = "smaller"
model = "m"
instance-type = "ml.m5.2xlarge"
create = "2026-11-24 08:00"
[[endpoint]]
name = "changed"
config = "large"
created = "-60d"
tags = { Owner = "ann@example.com" }
plan = [{ at = "2026-11-24 09:00", do = "update smaller" }]
traffic = [{ requests = 30, noise = 20, latency-ms = 50, memory = 5 }]
"#;
    let account = account(CHANGED);
    let guard = guard_of(Function::InferenceAdvisor, &account, estate::POLICY);
    let oversized: BTreeMap<&str, Vec<&str>> = [("changed", vec!["endpoint-oversized"])].into();
    assert_eq!(told(&guard.run().await.unwrap()), oversized);
    let mails = account.mail_count();
    account.advance(days(2));
    let report = guard.run().await.unwrap();
    let says = "changed on 2026-11-24: how much of them it uses can be told from 2026-12-01 on";
    assert!(report.unread.iter().any(|unread| unread.why.ends_with(says)), "{:?}", report.unread);
    assert_eq!((told(&report), report.notified), (BTreeMap::new(), 0));
    account.advance(days(6) + hours(2));
    assert_eq!(told(&guard.run().await.unwrap()), oversized, "on the smaller ones, too");
    assert_eq!(account.mail_count(), mails, "its owner knows");
}
