//! endpoint-autoscaler on the simulated account: what it finds, what it mails, and what it leaves alone.

use aws_sdk_applicationautoscaling::types::ServiceNamespace;
use cost_aws::report::Report;
use end_to_end::{
    Function, Guard,
    testing::{account, guard_of, hours, mails_to, minutes, put_tracking, register_scaling, states_of, subjects},
};
use serde_json::json;
use simulator::{Fault, Simulator, What};

const POLICY: &str = r#"
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
"#;

const CONFIGS: &str = r#"
[[model]]
name = "m"
[[endpoint-config]]
name = "four"
model = "m"
instance-type = "ml.m5.xlarge"
instance-count = 4
[[endpoint-config]]
name = "one"
model = "m"
instance-type = "ml.m5.xlarge"
[[endpoint-config]]
name = "queue"
model = "m"
instance-type = "ml.m5.xlarge"
asynchronous = true
[[endpoint-config]]
name = "shared"
instance-type = "ml.g5.xlarge"
variants = [{ name = "v", instance-type = "ml.g5.xlarge", definition = { ManagedInstanceScaling = { Status = "ENABLED", MinInstanceCount = 0 } } }]
"#;

/// Requests of four instances by day and of less than one by night.
const BURSTY: &str = r#"
[[endpoint]]
name = "bursty"
config = "four"
created = "-30d"
tags = { Owner = "ann@example.com" }
traffic = [{ requests = 1200, hours = "mon-fri/08:00-18:00@Europe/Berlin", outside = 60, noise = 10, most = 400, latency-ms = 80 }]
"#;

const FORGOTTEN: &str = r#"
[[endpoint]]
name = "forgotten"
config = "one"
created = "-30d"
tags = { Owner = "bob@example.com" }
"#;

const OFFICE: &str = r#"
[[endpoint]]
name = "office"
config = "one"
created = "-30d"
tags = { Owner = "carol@example.com" }
traffic = [{ requests = 60, hours = "mon-fri/09:00-17:00@Europe/Berlin", outside = 0, most = 400 }]
"#;

const OTHERS: &str = r#"
[[endpoint]]
name = "queue"
created = "-30d"
tags = { Owner = "dan@example.com" }
[[endpoint]]
name = "shared"
created = "-30d"
tags = { Owner = "dan@example.com" }
[[inference-component]]
name = "llm"
endpoint = "shared"
model = "m"
memory-mb = 4096
traffic = [{ requests = 5 }]
"#;

fn endpoints(estate: &str) -> (Simulator, Guard) {
    let account = account(&format!("{CONFIGS}{estate}"));
    let guard = guard_of(Function::EndpointAutoscaler, &account, POLICY);
    (account, guard)
}

/// Auto scaling as somebody has set it up by hand.
async fn scale(account: &Simulator, endpoint: &str, min: i32, max: i32) {
    let id = format!("endpoint/{endpoint}/variant/AllTraffic");
    register_scaling(account, &id, min, max).await;
    put_tracking(account, &id, "mine", 300.0).await;
}

fn rules<'a>(report: &'a Report, name: &str) -> Vec<&'a str> {
    states_of(report, name).into_iter().map(|(rule, _)| rule).collect()
}

#[tokio::test]
async fn each_endpoint_is_found_for_what_it_is() {
    let (account, guard) = endpoints(&format!("{BURSTY}{FORGOTTEN}{OFFICE}{OTHERS}"));
    let report = guard.run().await.unwrap();
    for (name, found) in [
        ("bursty", &["endpoint-without-autoscaling"][..]),
        ("forgotten", &["endpoint-idle"]),
        ("office", &["endpoint-off-hours"]),
        ("queue", &["endpoint-idle"]),
        ("shared", &[]),
    ] {
        assert_eq!(rules(&report, name), found, "{name}: {report:#?}");
    }
    assert_eq!((report.unread.len(), report.failures.len()), (0, 0), "{report:#?}");
    assert!(report.cost_usd.is_some_and(|usd| 0.0 < usd && usd < 0.001), "{report:?}");
    let mails = account.mails();
    let [mail] = &mails_to(&mails, "ann@example.com")[..] else { panic!("{:?}", subjects(&account)) };
    for says in [
        "AllTraffic runs 4 instances around the clock:",
        "Saves: about $",
        "TO SET IT BY HAND OR BY CODE",
        "one instance handles 3",
        "aws application-autoscaling register-scalable-target --region eu-central-1",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "resource \"aws_appautoscaling_target\"",
    ] {
        assert!(mail.message.contains(says), "{says}: {}", mail.message);
    }
    // A second run finds the same, and mails nobody.
    let second = guard.run().await.unwrap();
    assert_eq!((second.findings.len(), account.mails().len()), (report.findings.len(), mails.len()));
}

#[tokio::test]
async fn auto_scaling_that_does_nothing_is_told_and_one_that_works_is_not() {
    let (account, guard) = endpoints(&format!("{BURSTY}{}", BURSTY.replace("bursty", "fixed").replace("ann", "eve")));
    scale(&account, "bursty", 1, 5).await;
    scale(&account, "fixed", 4, 4).await;
    account.advance(hours(3));
    let report = guard.run().await.unwrap();
    assert_eq!((rules(&report, "bursty"), rules(&report, "fixed")), (vec![], vec!["endpoint-autoscaling-ineffective"]), "{report:#?}");
    assert!(report.findings[0].reason.contains("its minimum and its maximum are both 4"), "{:?}", report.findings[0]);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_judged() {
    for (on, unread) in [
        ("cloudwatch:GetMetricData", "use"),
        ("application-autoscaling:DescribeScalableTargets", "auto scaling of endpoints"),
        ("sagemaker:DescribeEndpointConfig", "configuration"),
    ] {
        let (account, guard) = endpoints(&format!("{BURSTY}{OFFICE}"));
        account.add_fault(Fault::new(on, What::AccessDenied));
        let report = guard.run().await.unwrap();
        assert!(report.unread.iter().any(|one| one.what.contains(unread)), "{on}: {:?}", report.unread);
        assert_eq!(rules(&report, "bursty"), [""; 0], "{on}: {report:#?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_changes_is_left_alone_and_one_that_is_deleted_is_done_with() {
    let scaling = "plan = [{ at = \"2026-11-23 08:01\", do = \"scale 6\" }]\n";
    let (account, guard) = endpoints(&format!("{FORGOTTEN}{BURSTY}{scaling}"));
    account.advance(minutes(2));
    let report = guard.run().await.unwrap();
    assert_eq!((rules(&report, "bursty"), rules(&report, "forgotten")), (vec![], vec!["endpoint-idle"]));
    end_to_end::clients(&account).sagemaker.delete_endpoint().endpoint_name("forgotten").send().await.unwrap();
    let arn = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/forgotten";
    let event = json!({
        "detail-type": "SageMaker Endpoint State Change", "source": "aws.sagemaker", "account": "123456789012", "region": "eu-central-1",
        "resources": [arn], "detail": {"EndpointName": "forgotten", "EndpointArn": arn, "EndpointStatus": "DELETING"},
    });
    account.advance(hours(1));
    let ended = guard.wake(event).await.unwrap();
    assert_eq!((ended.findings.len(), ended.unread.len()), (0, 0), "{ended:?}");
    let asked: u64 = account.calls().iter().filter(|(call, _)| call.contains("GetMetricData")).map(|(_, count)| count).sum();
    assert!(asked <= 2, "an event costs no metrics: {:?}", account.calls());
}

#[tokio::test]
async fn an_account_without_endpoints_costs_nothing() {
    let (account, guard) = endpoints("");
    let report = guard.run().await.unwrap();
    assert_eq!((report.cost_usd, report.findings.len(), report.unread.len()), (Some(0.0), 0, 0));
    assert!(account.calls().values().sum::<u64>() < 12, "{:?}", account.calls());
}

const ATTACHES: &str = r#"
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
[rules.endpoint-without-autoscaling]
mode = "enforce"
grace = "1h"
"#;

/// An account with a bursty endpoint, and a guard that attaches auto scaling after an hour.
fn attaching() -> (Simulator, Guard) {
    let account = account(&format!("{CONFIGS}{BURSTY}"));
    let guard = guard_of(Function::EndpointAutoscaler, &account, ATTACHES);
    (account, guard)
}

/// What is attached to `bursty`: minimum and maximum of the target, and the names of its policies. `None`: there is no target.
async fn attached(account: &Simulator) -> Option<(i32, i32, Vec<String>)> {
    let client = end_to_end::clients(account).autoscaling.clone();
    let targets = client.describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker).send().await.unwrap();
    let target = targets.scalable_targets().first()?.clone();
    let policies = client.describe_scaling_policies().service_namespace(ServiceNamespace::Sagemaker).send().await.unwrap();
    let names = policies.scaling_policies().iter().map(|policy| policy.policy_name.clone()).collect();
    Some((target.min_capacity, target.max_capacity, names))
}

async fn instances(account: &Simulator) -> i32 {
    let described = end_to_end::clients(account).sagemaker.describe_endpoint().endpoint_name("bursty").send().await.unwrap();
    described.production_variants()[0].desired_instance_count().unwrap()
}

fn ours() -> Vec<String> {
    vec!["cost-guard-target-tracking".to_owned()]
}

#[tokio::test]
async fn auto_scaling_is_attached_once_after_a_warning_and_taken_back_on_request() {
    let (account, guard) = attaching();
    let warned = guard.run().await.unwrap();
    assert_eq!((states_of(&warned, "bursty"), attached(&account).await), (vec![("endpoint-without-autoscaling", "warned")], None));
    let warning = account.mails()[0].message.clone();
    assert!(warning.contains("will be given auto scaling"), "{warning}");
    account.advance(hours(2));
    let done = guard.wake(end_to_end::testing::due()).await.unwrap();
    assert_eq!(states_of(&done, "bursty"), [("endpoint-without-autoscaling", "acted")], "{done:#?}");
    let (min, max, policies) = attached(&account).await.unwrap();
    assert_eq!((min, policies), (1, ours()));
    assert!((4..=6).contains(&max), "{max}");
    let told = account.mails().last().unwrap().clone();
    assert!(told.subject.contains("given auto scaling") && told.message.contains("deregister-scalable-target"), "{told:?}");

    account.advance(hours(24));
    let mails = account.mails().len();
    let second = guard.run().await.unwrap();
    assert_eq!((states_of(&second, "bursty"), second.actions.len(), account.mails().len()), (vec![], 0, mails), "{second:#?}");

    let dry = guard.wake(json!({"detach": "bursty", "dry-run": true})).await.unwrap();
    assert_eq!((dry.actions[0].outcome, attached(&account).await.is_some()), ("planned", true));
    account.advance(hours(15)); // the night, with fewer instances
    assert!(instances(&account).await < 4);
    let back = guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert_eq!((back.actions[0].action, back.actions[0].outcome), ("detach-auto-scaling", "done"), "{back:#?}");
    account.advance(minutes(30));
    assert_eq!((attached(&account).await, instances(&account).await), (None, 4));
    let again = guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert_eq!(again.actions[0].outcome, "already-done");

    account.advance(hours(24));
    let after = guard.run().await.unwrap();
    assert_eq!((states_of(&after, "bursty"), attached(&account).await), (vec![], None), "what was taken back stays so");
}

/// The setting that a mail names.
fn setting(mail: &str) -> String {
    let lines = mail.lines().skip_while(|line| !line.contains("Setting of AllTraffic:"));
    let lines: Vec<&str> = lines.take_while(|line| line.contains("Setting of") || line.starts_with("         ")).collect();
    assert!(!lines.is_empty(), "{mail}");
    lines.join("\n")
}

#[tokio::test]
async fn what_was_announced_is_what_is_attached_although_the_requests_change() {
    let traffic = |more: &str| BURSTY.replace("latency-ms = 80 }]", &format!("latency-ms = 80 }}{more}]"));
    let policy = ATTACHES.replace("grace = \"1h\"", "grace = \"3d\"");
    for (more, is_kept) in [
        // Some more by night.
        (", { requests = 30, from = \"2026-11-23T12:00:00Z\", most = 400 }", true),
        // Four times as many in the evening.
        (
            ", { requests = 2400, hours = \"mon-sun/19:00-22:00@Europe/Berlin\", outside = 0, from = \"2026-11-23T12:00:00Z\", most = 400 }",
            false,
        ),
    ] {
        let account = account(&format!("{CONFIGS}{}", traffic(more)));
        let guard = guard_of(Function::EndpointAutoscaler, &account, &policy);
        guard.run().await.unwrap();
        let announced = setting(&account.mails()[0].message);
        for _ in 0..3 {
            account.advance(hours(24));
            guard.run().await.unwrap();
        }
        account.advance(hours(1));
        guard.wake(end_to_end::testing::due()).await.unwrap();
        let mails = account.mails();
        let last = mails_to(&mails, "ann@example.com").last().unwrap().message.clone();
        if is_kept {
            assert_eq!((setting(&last), mails.len()), (announced, 2), "{:?}", subjects(&account));
            assert!(attached(&account).await.is_some());
        } else {
            // Nothing is attached that was not announced: the owner is warned anew, with another setting.
            assert!(last.contains("WILL BE GIVEN AUTO SCALING") && setting(&last) != announced, "{last}");
            assert_eq!(attached(&account).await, None);
        }
    }
}

#[tokio::test]
async fn what_a_person_changed_later_is_never_set_back() {
    let (account, guard) = attaching();
    guard.run().await.unwrap();
    account.advance(hours(2));
    guard.wake(end_to_end::testing::due()).await.unwrap();
    scale(&account, "bursty", 2, 8).await;
    guard.run().await.unwrap();
    let (min, max, mut policies) = attached(&account).await.unwrap();
    policies.sort();
    assert_eq!((min, max, &policies[..]), (2, 8, &["cost-guard-target-tracking".to_owned(), "mine".to_owned()][..]));
    // What somebody has added stays when the guard's part is taken back.
    let back = guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert!(back.actions[0].detail.contains("somebody has added to its auto scaling"), "{back:#?}");
    assert_eq!(attached(&account).await, Some((2, 8, vec!["mine".to_owned()])));
}

#[tokio::test]
async fn an_interrupted_run_is_finished_by_the_next_one() {
    for call in ["RegisterScalableTarget", "PutScheduledAction", "PutScalingPolicy"] {
        for what in [What::AccessDenied, What::LostAnswer(1)] {
            let (account, guard) = attaching();
            guard.run().await.unwrap();
            account.advance(hours(2));
            account.add_fault(Fault::new(&format!("application-autoscaling:{call}"), what.clone()).times(1));
            let _ = guard.wake(end_to_end::testing::due()).await.unwrap();
            account.clear_faults();
            account.advance(hours(1));
            let report = guard.run().await.unwrap();
            let (_, _, policies) = attached(&account).await.unwrap_or_else(|| panic!("{call} {what:?}: {report:#?}"));
            assert_eq!(policies, ours(), "{call} {what:?}");
            let told = account.mails().iter().filter(|mail| mail.subject.contains("was given auto scaling")).count();
            assert!(told == 1, "{call} {what:?}: {:?}", subjects(&account));
        }
    }
}

#[tokio::test]
async fn a_quota_that_is_full_is_told_once() {
    let account = account(&format!("[hosting]\nscalable-targets = 0\n{CONFIGS}{BURSTY}"));
    let guard = guard_of(Function::EndpointAutoscaler, &account, ATTACHES);
    guard.run().await.unwrap();
    account.advance(hours(2));
    let full = guard.wake(end_to_end::testing::due()).await.unwrap();
    assert!(full.actions[0].detail.contains("higher quota of scalable targets"), "{full:#?}");
    let mails = account.mails().len();
    account.advance(hours(24));
    let next = guard.run().await.unwrap();
    let subjects = &subjects(&account)[mails..];
    assert_eq!((next.actions.len(), subjects), (0, &[][..]), "{:?}", next.findings);
}

#[tokio::test]
async fn what_is_not_the_guards_cannot_be_taken_back() {
    let (account, guard) = attaching();
    scale(&account, "bursty", 1, 5).await;
    let report = guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert!(report.unread[0].why.contains("has attached no auto scaling"), "{report:#?}");
    assert!(attached(&account).await.is_some());
    for (event, says) in [
        (json!({"detach": "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/bursty"}), "is not the name of an endpoint"),
        (json!({"detach": "bursty", "due-only": true}), "leave out the rest"),
        (json!({"detach": 3}), "expected"),
    ] {
        let error = guard.wake(event.clone()).await.unwrap_err().to_string();
        assert!(error.contains(says), "{event}: {error}");
    }
}

#[tokio::test]
async fn provisioned_concurrency_that_is_hardly_used_is_found() {
    let (account, unpriced) = endpoints(
        r#"
        [[endpoint-config]]
        name = "ready"
        variants = [{ name = "v", model = "m", serverless = { memory-mb = 2048, max-concurrency = 10, provisioned-concurrency = 5 } }]
        [[endpoint]]
        name = "ready"
        created = "-30d"
        tags = { Owner = "ann@example.com" }
        traffic = [{ requests = 6, latency-ms = 100 }]
        "#,
    );
    let report = unpriced.run().await.unwrap();
    assert!(report.unread.iter().any(|unread| unread.why.starts_with("the serverless prices of this Region are not known")), "{report:#?}");
    let prices = "[prices]\nserverless-gb-second = 0.00002\nready-gb-second = 0.000005\nbusy-gb-second = 0.00001165\nhosting-data-gb = 0.016\n\
                  hosting-volume-gb-month = 0.14";
    let report = guard_of(Function::EndpointAutoscaler, &account, prices).run().await.unwrap();
    assert_eq!(rules(&report, "ready"), ["provisioned-concurrency-unused"], "{report:#?}");
    let usd = report.findings[0].monthly_cost_usd.unwrap();
    assert!(100.0 < usd && usd < 131.4, "{usd}");
}
