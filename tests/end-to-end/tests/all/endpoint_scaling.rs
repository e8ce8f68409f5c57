//! endpoint-autoscaler lets endpoints go to zero and scales them by working hours, on the simulated account: what stands afterwards, what becomes of the instances, and
//! what is left when it is taken back.

use aws_sdk_applicationautoscaling::types::ServiceNamespace;
use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm, Statistic};
use end_to_end::{
    Function, Guard, clients,
    testing::{account, days, due, guard_of, hours, mails_to, minutes, put_tracking, register_scaling, states_of, subjects},
};
use jiff::Timestamp;
use serde_json::json;
use simulator::Simulator;

/// Two instances of a queue that has work for an hour of each working day.
const QUEUE: &str = r#"
[hosting]
zero-datapoints = true
[[model]]
name = "m"
[[endpoint-config]]
name = "queue"
model = "m"
instance-type = "ml.m5.xlarge"
instance-count = 2
asynchronous = true
[[endpoint]]
name = "queue"
created = "-30d"
tags = { Owner = "dan@example.com" }
traffic = [{ requests = 20, hours = "mon-fri/12:00-13:00@Europe/Berlin", outside = 0, latency-ms = 1000 }]
"#;

/// An endpoint whose component has work in the same hours.
const SHARED: &str = r#"
[hosting]
zero-datapoints = true
[[model]]
name = "m"
[[endpoint-config]]
name = "shared"
instance-type = "ml.m5.xlarge"
variants = [{ name = "v", instance-type = "ml.m5.xlarge", definition = { ManagedInstanceScaling = { Status = "ENABLED", MinInstanceCount = 0, MaxInstanceCount = 4 } } }]
[[endpoint]]
name = "shared"
created = "-30d"
tags = { Owner = "dan@example.com" }
[[inference-component]]
name = "llm"
endpoint = "shared"
model = "m"
memory-mb = 4096
traffic = [{ requests = 20, hours = "mon-fri/12:00-13:00@Europe/Berlin", outside = 0 }]
"#;

/// Three instances of a real-time endpoint that is called in office hours.
const OFFICE: &str = r#"
[[model]]
name = "m"
[[endpoint-config]]
name = "office"
model = "m"
instance-type = "ml.m5.xlarge"
instance-count = 3
[[endpoint]]
name = "office"
created = "-30d"
tags = { Owner = "dan@example.com" }
traffic = [{ requests = 60, hours = "mon-fri/09:00-17:00@Europe/Berlin", outside = 0, most = 400 }]
"#;

const ZERO: &str = r#"
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
[rules.endpoint-never-at-zero]
mode = "enforce"
grace = "1h"
[rules.endpoint-off-hours]
mode = "off"
"#;

const HOURS: &str = r#"
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
[rules.endpoint-off-hours]
mode = "enforce"
grace = "1h"
[rules.endpoint-never-at-zero]
mode = "off"
[rules.endpoint-without-autoscaling]
mode = "off"
"#;

fn guarded(estate: &str, policy: &str) -> (Simulator, Guard) {
    let account = account(estate);
    let guard = guard_of(Function::EndpointAutoscaler, &account, policy);
    (account, guard)
}

/// All auto scaling and all alarms: what detaching has to leave as it was.
#[derive(Debug, PartialEq)]
struct Standing {
    /// Resource id, minimum and maximum.
    targets: Vec<(String, i32, i32)>,
    policies: Vec<String>,
    actions: Vec<String>,
    /// Those of target tracking are left out.
    alarms: Vec<String>,
    /// Instances or copies.
    capacity: i32,
}

async fn standing(account: &Simulator) -> Standing {
    let clients = clients(account);
    let scaling = &clients.autoscaling;
    let targets = scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker).send().await.unwrap();
    let policies = scaling.describe_scaling_policies().service_namespace(ServiceNamespace::Sagemaker).send().await.unwrap();
    let actions = scaling.describe_scheduled_actions().service_namespace(ServiceNamespace::Sagemaker).send().await.unwrap();
    let alarms = clients.cloudwatch.describe_alarms().send().await.unwrap();
    let named = |name: &str| (!name.starts_with("TargetTracking-")).then(|| name.to_owned());
    let mut standing = Standing {
        targets: targets.scalable_targets().iter().map(|one| (one.resource_id.clone(), one.min_capacity, one.max_capacity)).collect(),
        policies: policies.scaling_policies().iter().map(|one| one.policy_name.clone()).collect(),
        actions: actions.scheduled_actions().iter().map(|one| one.scheduled_action_name.clone()).collect(),
        alarms: alarms.metric_alarms().iter().filter_map(|alarm| named(alarm.alarm_name()?)).collect(),
        capacity: capacity(account).await,
    };
    standing.policies.sort();
    standing
}

/// The instances of the one endpoint, or the copies of the one component.
async fn capacity(account: &Simulator) -> i32 {
    let sagemaker = clients(account).sagemaker.clone();
    let components = sagemaker.list_inference_components().send().await.unwrap();
    if let Some(one) = components.inference_components().first() {
        let name = one.inference_component_name().unwrap();
        let described = sagemaker.describe_inference_component().inference_component_name(name).send().await.unwrap();
        return described.runtime_config().unwrap().current_copy_count().unwrap();
    }
    instances(account).await
}

async fn instances(account: &Simulator) -> i32 {
    let sagemaker = clients(account).sagemaker.clone();
    let endpoints = sagemaker.list_endpoints().send().await.unwrap();
    let name = endpoints.endpoints()[0].endpoint_name().unwrap();
    let described = sagemaker.describe_endpoint().endpoint_name(name).send().await.unwrap();
    described.production_variants()[0].current_instance_count().unwrap()
}

fn until(account: &Simulator, moment: &str) {
    let moment: Timestamp = moment.parse().unwrap();
    account.advance(moment.duration_since(account.now()));
}

/// The guard warns, and acts after the grace. Returns the mails.
async fn warned_and_done(account: &Simulator, guard: &Guard, name: &str, rule: &str) -> (String, String) {
    let warned = guard.run().await.unwrap();
    assert_eq!(states_of(&warned, name), [(rule, "warned")], "{warned:#?}");
    account.advance(hours(2));
    let done = guard.wake(due()).await.unwrap();
    assert_eq!(states_of(&done, name), [(rule, "acted")], "{done:#?}");
    let mails = account.mails();
    let [warning, told] = &mails_to(&mails, "dan@example.com")[..] else { panic!("{:?}", subjects(account)) };
    (format!("{}\n{}", warning.subject, warning.message), format!("{}\n{}", told.subject, told.message))
}

/// A second run plans nothing and mails nobody.
async fn is_settled(account: &Simulator, guard: &Guard) {
    let (mails, before) = (account.mails().len(), standing(account).await);
    let second = guard.run().await.unwrap();
    assert_eq!((second.findings.len(), second.actions.len(), account.mails().len()), (0, 0, mails), "{second:#?}");
    assert_eq!(standing(account).await, before);
}

/// Takes it back. Returns what has to be known.
async fn detach(guard: &Guard, endpoint: &str) -> String {
    let back = guard.wake(json!({"detach": endpoint})).await.unwrap();
    assert_eq!((back.actions[0].outcome, back.failures.len()), ("done", 0), "{back:#?}");
    back.actions[0].detail.clone()
}

#[tokio::test]
async fn a_queue_goes_to_zero_and_its_first_instance_comes_back() {
    let (account, guard) = guarded(QUEUE, ZERO);
    let before = standing(&account).await;
    let (warning, told) = warned_and_done(&account, &guard, "queue", "endpoint-never-at-zero").await;
    for says in [
        "will be given auto scaling to zero",
        "wait in its queue",
        "--min-capacity 2 --max-capacity 2",
        "--alarm-actions \"$ARN\"",
        "HasBacklogWithoutCapacity",
        "AWS::CloudWatch::Alarm",
        "aws_cloudwatch_metric_alarm",
    ] {
        assert!(warning.contains(says), "{says}: {warning}");
    }
    for says in ["was given auto scaling to zero", "deregister-scalable-target", "delete-alarms", "DesiredInstanceCount=2"] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let attached = standing(&account).await;
    assert_eq!(attached.targets, [("endpoint/queue/variant/AllTraffic".to_owned(), 0, 2)]);
    assert_eq!(attached.policies, ["cost-guard-first", "cost-guard-target-tracking"]);
    assert_eq!(attached.alarms, ["cost-guard-first-endpoint-queue-variant-AllTraffic"]);
    is_settled(&account, &guard).await;

    until(&account, "2026-11-24T03:00:00Z");
    assert_eq!(instances(&account).await, 0, "at night");
    until(&account, "2026-11-24T11:30:00Z");
    assert!(0 < instances(&account).await, "it has work from 12:00 in Berlin on");
    until(&account, "2026-11-24T20:00:00Z");
    assert_eq!(instances(&account).await, 0);

    assert_eq!(detach(&guard, "queue").await, "");
    account.advance(minutes(30));
    assert_eq!(standing(&account).await, before);
    account.advance(days(1));
    let after = guard.run().await.unwrap();
    assert_eq!((states_of(&after, "queue"), standing(&account).await), (vec![], before), "what was taken back stays so");
}

/// Auto scaling of the component as somebody has set it up by hand.
async fn scale(account: &Simulator, min: i32, max: i32) {
    register_scaling(account, "inference-component/llm", min, max).await;
    put_tracking(account, "inference-component/llm", "mine", 100.0).await;
}

#[tokio::test]
async fn a_component_goes_to_zero_with_its_instances_and_comes_back() {
    let (account, guard) = guarded(SHARED, ZERO);
    let before = standing(&account).await;
    let (warning, _) = warned_and_done(&account, &guard, "shared", "endpoint-never-at-zero").await;
    for says in ["callers have to try again", "NoCapacityInvocationFailures", "inference-component:DesiredCopyCount"] {
        assert!(warning.contains(says), "{says}: {warning}");
    }
    assert_eq!(standing(&account).await.targets, [("inference-component/llm".to_owned(), 0, 1)]);
    is_settled(&account, &guard).await;
    until(&account, "2026-11-24T03:00:00Z");
    assert_eq!((capacity(&account).await, instances(&account).await), (0, 0), "at night");
    until(&account, "2026-11-24T11:45:00Z");
    assert_eq!((capacity(&account).await, instances(&account).await), (1, 1));
    until(&account, "2026-11-24T20:00:00Z");
    assert_eq!(capacity(&account).await, 0);
    assert_eq!(detach(&guard, "shared").await, "");
    account.advance(minutes(40));
    assert_eq!(standing(&account).await, before);
}

#[tokio::test]
async fn somebodys_own_maximum_and_policy_are_kept() {
    let (account, guard) = guarded(SHARED, ZERO);
    scale(&account, 1, 3).await;
    account.advance(minutes(5));
    let before = standing(&account).await;
    warned_and_done(&account, &guard, "shared", "endpoint-never-at-zero").await;
    let attached = standing(&account).await;
    assert_eq!(
        (&attached.targets[0], &attached.policies[..]),
        (&("inference-component/llm".to_owned(), 0, 3), &["cost-guard-first".to_owned(), "mine".to_owned()][..])
    );
    until(&account, "2026-11-24T03:00:00Z");
    assert_eq!(capacity(&account).await, 0);
    detach(&guard, "shared").await;
    account.advance(minutes(40));
    assert_eq!(standing(&account).await, before);
}

#[tokio::test]
async fn what_a_person_changed_later_is_never_set_back() {
    let (account, guard) = guarded(SHARED, ZERO);
    scale(&account, 1, 3).await;
    warned_and_done(&account, &guard, "shared", "endpoint-never-at-zero").await;
    scale(&account, 2, 5).await;
    account.advance(days(1));
    is_settled(&account, &guard).await;
    detach(&guard, "shared").await;
    account.advance(minutes(40));
    let left = standing(&account).await;
    assert_eq!(
        (&left.targets[0], &left.policies[..], left.alarms.len()),
        (&("inference-component/llm".to_owned(), 2, 5), &["mine".to_owned()][..], 0)
    );
}

#[tokio::test]
async fn an_alarm_of_somebody_else_is_never_overwritten() {
    let (account, guard) = guarded(QUEUE, ZERO);
    let alarm = clients(&account).cloudwatch.put_metric_alarm().alarm_name("cost-guard-first-endpoint-queue-variant-AllTraffic");
    let alarm = alarm.namespace("AWS/SageMaker").metric_name("HasBacklogWithoutCapacity").statistic(Statistic::Maximum).period(300);
    let alarm = alarm.evaluation_periods(1).threshold(7.0).comparison_operator(ComparisonOperator::GreaterThanThreshold);
    alarm.send().await.unwrap();
    guard.run().await.unwrap();
    account.advance(hours(2));
    let refused = guard.wake(due()).await.unwrap();
    assert!(refused.actions[0].detail.contains("somebody has an alarm named"), "{refused:#?}");
    // Nothing would wake it, so that its minimum is not zero.
    assert_eq!(standing(&account).await.targets[0].1, 2);
    detach(&guard, "queue").await;
    let alarms = clients(&account).cloudwatch.describe_alarms().send().await.unwrap();
    let theirs: Vec<Option<f64>> = alarms.metric_alarms().iter().map(MetricAlarm::threshold).collect();
    assert_eq!(theirs, [Some(7.0)]);
}

#[tokio::test]
async fn a_real_time_endpoint_keeps_one_instance_at_night() {
    let (account, guard) = guarded(OFFICE, HOURS);
    let before = standing(&account).await;
    let (warning, told) = warned_and_done(&account, &guard, "office", "endpoint-off-hours").await;
    for says in [
        "will be given auto scaling by working hours",
        "give it other hours with the tag cost-guard:schedule",
        "Outside its working hours it keeps 1 of the 3 instances of AllTraffic.",
        "mon-fri 19:00: 1 instance",
        "--schedule 'cron(0 19 ? * MON-FRI *)' --timezone Europe/Berlin --scalable-target-action MinCapacity=1,MaxCapacity=1",
    ] {
        assert!(warning.contains(says), "{says}: {warning}");
    }
    assert!(told.contains("was given auto scaling by working hours") && !told.contains("aws_appautoscaling_target"), "{told}");
    is_settled(&account, &guard).await;
    for (moment, instances_then) in [
        ("2026-11-23T17:55:00Z", 3),
        ("2026-11-23T19:00:00Z", 1),
        // 08:00 in Berlin.
        ("2026-11-24T07:00:00Z", 3),
        ("2026-11-28T12:00:00Z", 1),
        ("2026-11-30T07:00:00Z", 3),
        ("2026-11-30T20:00:00Z", 1),
    ] {
        until(&account, moment);
        assert_eq!(instances(&account).await, instances_then, "{moment}");
    }
    is_settled(&account, &guard).await;
    detach(&guard, "office").await;
    account.advance(minutes(30));
    assert_eq!(standing(&account).await, before);
}

#[tokio::test]
async fn a_queue_by_working_hours_is_woken_at_night() {
    let late = "traffic = [{ requests = 20, hours = \"mon-fri/12:00-13:00@Europe/Berlin\", outside = 0, latency-ms = 1000 }, { requests = 5, hours = \"tue/23:00-24:00@Europe/Berlin\", from = \"2026-11-24T12:00:00Z\" }]";
    let (estate, _) = QUEUE.split_once("traffic = ").unwrap();
    let (account, guard) = guarded(&format!("{estate}{late}\n"), HOURS);
    let before = standing(&account).await;
    warned_and_done(&account, &guard, "queue", "endpoint-off-hours").await;
    assert_eq!(standing(&account).await.targets, [("endpoint/queue/variant/AllTraffic".to_owned(), 2, 2)]);
    for (moment, is_up) in [
        ("2026-11-23T17:55:00Z", true),
        ("2026-11-23T23:00:00Z", false),
        // It is ready before working hours begin, without any work.
        ("2026-11-24T07:00:00Z", true),
        ("2026-11-24T20:00:00Z", false),
        // Somebody works late.
        ("2026-11-24T22:15:00Z", true),
        ("2026-11-25T03:00:00Z", false),
    ] {
        until(&account, moment);
        assert_eq!(0 < instances(&account).await, is_up, "{moment}");
    }
    detach(&guard, "queue").await;
    account.advance(minutes(30));
    assert_eq!(standing(&account).await, before);
}

#[tokio::test]
async fn what_saves_nothing_is_left_alone_with_the_reason() {
    let (account, guard) = guarded(&OFFICE.replace("instance-count = 3", "instance-count = 1"), HOURS);
    let report = guard.run().await.unwrap();
    assert_eq!(states_of(&report, "office"), [("endpoint-off-hours", "reported")]);
    let mail = account.mails().remove(0).message;
    assert!(mail.contains("The guard leaves it alone: AWS keeps at least one instance of a real-time variant"), "{mail}");
    let managed = SHARED.replace("MinInstanceCount = 0", "MinInstanceCount = 1");
    let (account, guard) = guarded(&managed, ZERO);
    let report = guard.run().await.unwrap();
    assert_eq!(states_of(&report, "shared"), [("endpoint-never-at-zero", "reported")]);
    let mail = account.mails().remove(0).message;
    assert!(mail.contains("variant v keeps 1 (MinInstanceCount)"), "{mail}");
}

#[tokio::test]
async fn what_it_saves_is_counted_day_by_day_until_it_is_taken_back() {
    let (account, guard) = guarded(QUEUE, ZERO);
    warned_and_done(&account, &guard, "queue", "endpoint-never-at-zero").await;
    let saved = async || {
        let since = "2026-11-20T00:00:00Z".parse().unwrap();
        let ledger = guard.context.ledger();
        ledger.saved_since(since).await.unwrap().into_iter().map(|one| one.usd.unwrap()).collect::<Vec<_>>()
    };
    for counted in 0..3 {
        assert_eq!(saved().await.len(), counted);
        account.advance(days(1));
        guard.run().await.unwrap();
        // A second run counts the same day.
        guard.run().await.unwrap();
    }
    // Two ml.m5.xlarge of $0.276 an hour are $13.25 a day, most of them without work.
    let day = saved().await[0];
    assert!(rust_decimal::dec!(9) < day && day < rust_decimal::dec!(13.3), "{day}");
    detach(&guard, "queue").await;
    account.advance(days(1));
    guard.run().await.unwrap();
    assert_eq!(saved().await.len(), 3);
}

#[tokio::test]
async fn of_two_rules_that_are_due_at_once_the_one_that_saves_more_is_done() {
    let both = "timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\n\
                [rules.endpoint-never-at-zero]\nmode = \"enforce\"\ngrace = \"1h\"\n[rules.endpoint-off-hours]\nmode = \"enforce\"\ngrace = \"1h\"\n";
    let (account, guard) = guarded(QUEUE, both);
    guard.run().await.unwrap();
    account.advance(hours(2));
    let report = guard.wake(due()).await.unwrap();
    let outcomes: Vec<&str> = report.actions.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "done").count(), 1, "{report:#?}");
    let standing = standing(&account).await;
    // To zero at all hours, and not only outside of the working hours.
    assert_eq!((standing.targets, standing.actions), (vec![("endpoint/queue/variant/AllTraffic".to_owned(), 0, 2)], vec![]), "{report:#?}");
}
