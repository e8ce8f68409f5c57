//! Endpoints that are hibernated and created again, on the simulated account: they come back as they were, whatever happens on the way.

use cost_aws::report::Report;
use end_to_end::{
    Function, Guard,
    testing::{account_at, damage, due, guard_of, hours, mails_to, minutes, states_of, subjects},
};
use serde_json::{Value, json};
use simulator::{Fault, Simulator, What};

mod people;

/// 2026-11-23 is a Monday.
const MONDAY: &str = "2026-11-23T07:00:00Z";

const POLICY: &str = r#"
timezone = "UTC"
owner-tags = ["Owner"]
[working-hours]
default = "mon-fri/08:00-19:00"
[rules.endpoint-idle]
mode = "enforce"
remedy = "hibernate"
grace = "1h"
[rules.endpoint-off-hours]
mode = "enforce"
remedy = "hibernate"
[rules.endpoint-without-autoscaling]
mode = "off"
"#;

const MODEL: &str = r#"
[[model]]
name = "m"
[[endpoint-config]]
name = "two"
variants = [
    { name = "Blue", model = "m", instance-type = "ml.m5.xlarge", instance-count = 1 },
    { name = "Green", model = "m", instance-type = "ml.m5.large", instance-count = 1 },
]
"#;

const FORGOTTEN: &str = r#"
[[endpoint]]
name = "Forgotten"
config = "two"
created = "-30d"
tags = { Owner = "bob@example.com", Team = "churn", Extra = "kept" }
"#;

const OFFICE: &str = r#"
[[endpoint]]
name = "office"
config = "two"
created = "-30d"
tags = { Owner = "carol@example.com" }
traffic = [{ requests = 60, hours = "mon-fri/09:00-17:00@UTC", outside = 0, most = 400 }]
"#;

fn start(estate: &str) -> (Simulator, Guard) {
    let account = account_at(MONDAY, &format!("{MODEL}{estate}"));
    let guard = guard_of(Function::EndpointAutoscaler, &account, POLICY);
    (account, guard)
}

/// Lets time pass as it does for a deployment: what is due is looked at every 15 minutes.
async fn live(account: &Simulator, guard: &Guard, quarters: i64) -> Vec<Report> {
    let mut reports = vec![];
    for _ in 0..quarters {
        account.advance(minutes(15));
        reports.push(guard.wake(due()).await.unwrap());
    }
    reports
}

/// Everything that AWS says of an endpoint, but for times, ARNs of policies and names of alarms. `Null`: there is none.
async fn picture(account: &Simulator, name: &str) -> Value {
    let clients = end_to_end::clients(account);
    let Ok(endpoint) = clients.sagemaker.describe_endpoint().endpoint_name(name).send().await else { return Value::Null };
    let tags = clients.sagemaker.list_tags().resource_arn(endpoint.endpoint_arn().unwrap()).send().await.unwrap();
    let mut tags: Vec<String> = tags.tags().iter().map(|tag| format!("{}={}", tag.key().unwrap(), tag.value().unwrap())).collect();
    tags.sort();
    let variants: Vec<Value> = endpoint
        .production_variants()
        .iter()
        .map(|one| json!([one.variant_name(), one.desired_instance_count(), one.current_instance_count(), one.desired_weight()]))
        .collect();
    let of = aws_sdk_applicationautoscaling::types::ServiceNamespace::Sagemaker;
    let mine = |id: &str| id.starts_with(&format!("endpoint/{name}/"));
    let targets = clients.autoscaling.describe_scalable_targets().service_namespace(of.clone()).send().await.unwrap();
    let targets: Vec<Value> = targets
        .scalable_targets()
        .iter()
        .filter(|one| mine(&one.resource_id))
        .map(|one| json!([one.resource_id, one.min_capacity, one.max_capacity, format!("{:?}", one.suspended_state)]))
        .collect();
    let policies = clients.autoscaling.describe_scaling_policies().service_namespace(of.clone()).send().await.unwrap();
    let policies: Vec<Value> = policies
        .scaling_policies()
        .iter()
        .filter(|one| mine(&one.resource_id))
        .map(|one| {
            let tracking = format!("{:?}", one.target_tracking_scaling_policy_configuration);
            json!([one.policy_name, tracking, format!("{:?}", one.step_scaling_policy_configuration)])
        })
        .collect();
    let actions = clients.autoscaling.describe_scheduled_actions().service_namespace(of).send().await.unwrap();
    let actions: Vec<Value> = actions
        .scheduled_actions()
        .iter()
        .filter(|one| mine(&one.resource_id))
        .map(|one| json!([one.scheduled_action_name, one.schedule, one.timezone, format!("{:?}", one.scalable_target_action)]))
        .collect();
    json!({
        "config": endpoint.endpoint_config_name(), "status": endpoint.endpoint_status().map(ToString::to_string), "tags": tags,
        "variants": variants, "targets": targets, "policies": policies, "actions": actions,
    })
}

/// Auto scaling, numbers of instances and weights as somebody has set them by hand.
async fn set_up(account: &Simulator, name: &str) {
    use aws_sdk_applicationautoscaling::types::{
        MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
        TargetTrackingScalingPolicyConfiguration,
    };
    let clients = end_to_end::clients(account);
    for (variant, count, weight) in [("Blue", 3, 0.75), ("Green", 2, 0.25)] {
        let wanted = aws_sdk_sagemaker::types::DesiredWeightAndCapacity::builder().variant_name(variant);
        let wanted = wanted.desired_instance_count(count).desired_weight(weight).build();
        let call = clients.sagemaker.update_endpoint_weights_and_capacities().endpoint_name(name);
        call.desired_weights_and_capacities(wanted).send().await.unwrap();
        account.advance(minutes(20));
    }
    let (of, id) = (ServiceNamespace::Sagemaker, format!("endpoint/{name}/variant/Blue"));
    let dimension = ScalableDimension::SageMakerVariantDesiredInstanceCount;
    let target = clients.autoscaling.register_scalable_target().service_namespace(of.clone()).resource_id(&id);
    target.scalable_dimension(dimension.clone()).min_capacity(3).max_capacity(7).tags("a", "b").send().await.unwrap();
    let metric = PredefinedMetricSpecification::builder().predefined_metric_type(MetricType::SageMakerVariantInvocationsPerInstance);
    let tracking = TargetTrackingScalingPolicyConfiguration::builder().target_value(301.5).scale_in_cooldown(700);
    let tracking = tracking.predefined_metric_specification(metric.build().unwrap()).build().unwrap();
    let policy = clients.autoscaling.put_scaling_policy().policy_name("mine").service_namespace(of.clone()).resource_id(&id);
    let policy = policy.scalable_dimension(dimension.clone()).policy_type(PolicyType::TargetTrackingScaling);
    policy.target_tracking_scaling_policy_configuration(tracking).send().await.unwrap();
}

/// A scheduled action as somebody has set it by hand.
async fn set_night(account: &Simulator, name: &str) {
    use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTargetAction, ServiceNamespace};
    let bounds = ScalableTargetAction::builder().min_capacity(3).max_capacity(5).build();
    let client = end_to_end::clients(account).autoscaling.clone();
    let action = client.put_scheduled_action().service_namespace(ServiceNamespace::Sagemaker);
    let action = action.resource_id(format!("endpoint/{name}/variant/Blue")).scheduled_action_name("night").schedule("cron(0 20 * * ? *)");
    let action = action.scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount).timezone("Europe/Berlin");
    action.scalable_target_action(bounds).send().await.unwrap();
}

fn action(report: &Report) -> (&str, &str) {
    report.actions.first().map_or(("", ""), |one| (one.action, one.outcome))
}

#[tokio::test]
async fn a_forgotten_endpoint_sleeps_after_a_warning_and_comes_back_as_it_was() {
    let (account, guard) = start(FORGOTTEN);
    set_up(&account, "Forgotten").await;
    set_night(&account, "Forgotten").await;
    let before = picture(&account, "Forgotten").await;
    assert_eq!(before["variants"], json!([["Blue", 3, 3, 0.75], ["Green", 2, 2, 0.25]]));
    let warned = guard.run().await.unwrap();
    assert_eq!(states_of(&warned, "Forgotten"), [("endpoint-idle", "warned")], "{warned:#?}");
    let warning = account.mails()[0].clone();
    for says in [
        "will be hibernated",
        "its callers get errors",
        "new creation time",
        "Sleeps: until you wake it, which takes some minutes: aws sagemaker create-endpoint",
    ] {
        assert!(format!("{} {}", warning.subject, warning.message).contains(says), "{says}: {warning:?}");
    }
    let reports = live(&account, &guard, 6).await;
    assert!(reports.iter().any(|report| action(report) == ("hibernate-endpoint", "done")), "{reports:#?}");
    account.advance(minutes(10));
    assert_eq!(picture(&account, "Forgotten").await, Value::Null);
    let told = account.mails().last().unwrap().clone();
    assert!(told.subject.contains("was hibernated") || told.subject.contains("is being hibernated"), "{}", told.subject);
    assert!(told.message.contains("aws sagemaker create-endpoint --region eu-central-1 --endpoint-name Forgotten"), "{}", told.message);

    // It sleeps on, and nobody is mailed again.
    let mails = account.mails().len();
    live(&account, &guard, 100).await;
    guard.run().await.unwrap();
    assert_eq!((picture(&account, "Forgotten").await, account.mails().len()), (Value::Null, mails), "{:?}", subjects(&account));

    let dry = guard.wake(json!({"restore": "Forgotten", "dry-run": true})).await.unwrap();
    assert_eq!((action(&dry), picture(&account, "Forgotten").await), (("restore-endpoint", "planned"), Value::Null));
    let asked = guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    assert_eq!(action(&asked), ("restore-endpoint", "skipped"), "AWS is creating it: {asked:#?}");
    let reports = live(&account, &guard, 8).await;
    assert!(reports.iter().any(|report| action(report) == ("restore-endpoint", "done")), "{reports:#?}");
    assert_eq!(picture(&account, "Forgotten").await, before);
    let again = guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    assert_eq!(action(&again), ("restore-endpoint", "already-done"));
    // It is new for the rule: it has as much time as any new endpoint.
    assert_eq!(states_of(&guard.run().await.unwrap(), "Forgotten"), []);
}

#[tokio::test]
async fn an_endpoint_with_office_hours_sleeps_every_night_and_is_there_in_the_morning() {
    let (account, guard) = start(OFFICE);
    set_up(&account, "office").await;
    let before = picture(&account, "office").await;
    let warned = guard.run().await.unwrap();
    assert!(states_of(&warned, "office").contains(&("endpoint-off-hours", "warned")), "{warned:#?}");
    let mail = account.mails().last().unwrap().message.clone();
    for says in [
        "This is the only warning",
        "Sleeps: until Tue 2026-11-24 07:40, when the guard begins to create it again",
        "until Tue 2026-11-24 07:40 ($",
    ] {
        assert!(mail.contains(says), "{says}: {mail}");
    }
    assert!(!mail.contains("delete-endpoint"), "{mail}");
    let mut nights = 0;
    for day in 0..4 {
        // From 07:40 on, in steps of a quarter of an hour.
        for _ in 0..96 {
            account.advance(minutes(15));
            let report = guard.wake(due()).await.unwrap();
            assert_eq!(report.failures, [""; 0], "{report:#?}");
            let now = account.now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
            let is_there = picture(&account, "office").await != Value::Null;
            let minute = i32::from(now.hour()) * 60 + i32::from(now.minute());
            if (8 * 60..19 * 60).contains(&minute) {
                assert!(is_there, "day {day}, {now}: {report:#?}");
            }
            nights += i32::from(minute / 15 == 23 * 4 && !is_there);
        }
        guard.run().await.unwrap();
    }
    assert_eq!(nights, 4, "{:?}", subjects(&account));
    live(&account, &guard, 4).await;
    assert_eq!(picture(&account, "office").await, before);
    let mails = account.mails();
    assert!(mails_to(&mails, "carol@example.com").len() <= 8, "{:?}", subjects(&account));
}

#[tokio::test]
async fn without_capacity_it_tries_again_and_the_owner_hears_at_once() {
    let (account, guard) = start(&FORGOTTEN.replace("tags =", "no-capacity-until = \"2026-11-23T16:00:00Z\"\ntags ="));
    let before = picture(&account, "Forgotten").await;
    let asleep = guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
    assert_eq!(action(&asleep), ("hibernate-endpoint", "done"), "{asleep:#?}");
    live(&account, &guard, 2).await;
    guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    let reports = live(&account, &guard, 8).await;
    assert!(reports.iter().any(|report| action(report) == ("restore-endpoint", "failed")), "{reports:#?}");
    let mails = account.mails();
    let [mail] = &mails_to(&mails, "bob@example.com")[..] else { panic!("{:?}", subjects(&account)) };
    assert!(mail.subject.contains("could not be created again") && mail.attributes["severity"].1 == "critical", "{mail:?}");
    live(&account, &guard, 60).await;
    assert_eq!(picture(&account, "Forgotten").await, before, "{:?}", subjects(&account));
    assert_eq!(mails_to(&account.mails(), "bob@example.com").len(), 1, "{:?}", subjects(&account));
}

#[tokio::test]
async fn an_endpoint_is_found_by_the_spelling_of_its_arn_too() {
    let (account, guard) = start(FORGOTTEN);
    let arn = json!({"resources": ["arn:aws:sagemaker:eu-central-1:123456789012:endpoint/forgotten"], "dry-run": true});
    let report = guard.wake(arn).await.unwrap();
    assert_eq!((report.unread.len(), states_of(&report, "Forgotten").len()), (0, 1), "{report:#?}");
    let before = picture(&account, "Forgotten").await;
    for (order, then) in [("hibernate", "hibernate-endpoint"), ("restore", "restore-endpoint")] {
        let report = guard.wake(json!({order: "forgotten"})).await.unwrap();
        live(&account, &guard, 4).await;
        assert_eq!(picture(&account, "Forgotten").await == before, order == "restore", "{then}: {report:#?}");
    }
    let gone = json!({"resources": ["arn:aws:sagemaker:eu-central-1:123456789012:endpoint/forgotten-too"]});
    let report = guard.wake(gone).await.unwrap();
    assert_eq!(report.unread[0].why, "there is no such resource");
}

#[tokio::test]
async fn what_would_not_come_back_is_only_reported() {
    for (estate, says) in [
        ("[[resource]]\nkind = \"monitoring-schedule\"\nname = \"drift\"\nendpoint = \"Forgotten\"\n", "monitoring schedule drift"),
        ("", "Environment=prod"),
    ] {
        let tags = if estate.is_empty() { "Environment = \"prod\", Extra" } else { "Extra" };
        let (account, guard) = start(&format!("{}{estate}", FORGOTTEN.replace("Extra", tags)));
        let report = guard.run().await.unwrap();
        assert_eq!(states_of(&report, "Forgotten"), [("endpoint-idle", "reported")], "{says}: {report:#?}");
        assert!(report.findings[0].reason.contains(says), "{says}: {}", report.findings[0].reason);
        let asked = guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
        assert_eq!(action(&asked), ("hibernate-endpoint", "skipped"), "{asked:#?}");
        account.advance(hours(1));
        assert_ne!(picture(&account, "Forgotten").await, Value::Null);
    }
}

#[tokio::test]
async fn somebody_who_creates_it_by_hand_gets_all_of_it_back() {
    let (account, guard) = start(FORGOTTEN);
    set_up(&account, "Forgotten").await;
    set_night(&account, "Forgotten").await;
    let before = picture(&account, "Forgotten").await;
    guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
    live(&account, &guard, 2).await;
    let clients = end_to_end::clients(&account);
    clients.sagemaker.create_endpoint().endpoint_name("Forgotten").endpoint_config_name("two").send().await.unwrap();
    account.advance(minutes(20));
    let event = json!({
        "detail-type": "SageMaker Endpoint State Change", "source": "aws.sagemaker", "account": "123456789012", "region": "eu-central-1",
        "resources": [], "detail": {"EndpointName": "Forgotten", "EndpointStatus": "IN_SERVICE"},
    });
    guard.wake(event).await.unwrap();
    live(&account, &guard, 8).await;
    assert_eq!(picture(&account, "Forgotten").await, before);
}

#[tokio::test]
async fn a_run_that_breaks_off_after_any_call_is_finished_by_the_next() {
    let calls = [
        "dynamodb:TransactWriteItems",
        "dynamodb:GetItem",
        "sagemaker:DeleteEndpoint",
        "dynamodb:PutItem",
        "sagemaker:CreateEndpoint",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:PutScheduledAction",
        "application-autoscaling:PutScalingPolicy",
        "sagemaker:DescribeEndpoint",
    ];
    for call in calls {
        for what in [What::AccessDenied, What::LostAnswer(1)] {
            let (account, guard) = start(FORGOTTEN);
            set_up(&account, "Forgotten").await;
            set_night(&account, "Forgotten").await;
            let before = picture(&account, "Forgotten").await;
            guard.run().await.unwrap();
            account.add_fault(Fault::new(call, what.clone()).times(1));
            live(&account, &guard, 8).await;
            account.clear_faults();
            live(&account, &guard, 4).await;
            assert_eq!(picture(&account, "Forgotten").await, Value::Null, "{call} {what:?}: {:?}", subjects(&account));
            let told =
                account.mails().iter().filter(|mail| mail.subject.contains("hibernated,") || mail.subject.ends_with("hibernated")).count();
            assert!(1 <= told, "{call} {what:?}: {:?}", subjects(&account));
            account.add_fault(Fault::new(call, what.clone()).times(1));
            let _ = guard.wake(json!({"restore": "Forgotten"})).await;
            live(&account, &guard, 8).await;
            account.clear_faults();
            let _ = guard.wake(json!({"restore": "Forgotten"})).await;
            live(&account, &guard, 8).await;
            assert_eq!(picture(&account, "Forgotten").await, before, "{call} {what:?}: {:?}", subjects(&account));
        }
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_nothing_else_and_its_endpoint_is_left_alone() {
    let (account, guard) = start(&format!("{FORGOTTEN}{}", FORGOTTEN.replace("Forgotten", "Spare").replace("bob@", "dan@")));
    // It woke, and could sleep again.
    damage(&account, "hibernation", "endpoint/spare", "awake").await;
    let warned = guard.run().await.unwrap();
    assert_eq!(states_of(&warned, "Forgotten"), [("endpoint-idle", "warned")], "{warned:#?}");
    assert_eq!(states_of(&warned, "Spare"), [("endpoint-idle", "reported")], "{warned:#?}");
    assert!(warned.unread.iter().any(|one| one.what == "the hibernation of endpoint/spare"), "{:?}", warned.unread);
    live(&account, &guard, 6).await;
    account.advance(minutes(10));
    assert_eq!(picture(&account, "Forgotten").await, Value::Null);
    assert_ne!(picture(&account, "Spare").await, Value::Null);
    let asked = guard.wake(json!({"hibernate": "Spare"})).await.unwrap();
    assert!(action(&asked).1 != "done" && picture(&account, "Spare").await != Value::Null, "{asked:#?}");

    // It sleeps.
    let mails = account.mails().len();
    damage(&account, "hibernation", "endpoint/forgotten", "asleep").await;
    account.advance(hours(24));
    let after = guard.run().await.unwrap();
    assert_eq!((after.actions.len(), account.mails().len()), (0, mails), "{after:#?}");
    for id in ["endpoint/forgotten", "endpoint/spare"] {
        assert!(after.unread.iter().any(|one| one.what == format!("the hibernation of {id}")), "{:?}", after.unread);
    }
    let asked = guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    assert!(asked.actions.is_empty() && asked.unread[0].what == "the hibernation of endpoint/forgotten", "{asked:#?}");
    let reporter = guard_of(Function::CostReporter, &account, POLICY);
    let week = reporter.wake(json!({"mail-now": true})).await.unwrap();
    assert_eq!(week.failures, [""; 0]);
}

#[tokio::test]
async fn an_event_about_an_endpoint_that_never_slept_costs_a_few_reads_of_the_ledger() {
    let (account, guard) = start(FORGOTTEN);
    account.reset_counts();
    let event = json!({
        "detail-type": "SageMaker Endpoint State Change", "source": "aws.sagemaker", "account": "123456789012", "region": "eu-central-1",
        "resources": [], "detail": {"EndpointName": "Forgotten", "EndpointStatus": "IN_SERVICE"},
    });
    guard.wake(event).await.unwrap();
    let calls = account.calls();
    assert!(calls.keys().all(|call| call.starts_with("dynamodb:")) && calls.values().sum::<u64>() <= 3, "{calls:?}");
}

/// A call that the SDK does not know, with its input.
async fn call(account: &Simulator, operation: &'static str, input: &Value) {
    let body = input.to_string();
    let call = end_to_end::clients(account).sagemaker.describe_endpoint().endpoint_name("-").customize().mutate_request(move |request| {
        request.headers_mut().insert("x-amz-target", format!("SageMaker.{operation}"));
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = body.clone().into();
    });
    let _ = call.send().await;
}

#[tokio::test]
async fn a_policy_and_a_configuration_that_somebody_deleted_meanwhile_come_back_and_what_is_about_others_does_not_matter() {
    let others = r#"
[[endpoint]]
name = "other"
config = "two"
created = "-1d"
[[resource]]
kind = "inference-experiment"
name = "shadow"
endpoint = "other"
[[resource]]
kind = "inference-router"
name = "shop"
definition = { RoutingTargets = [{ Name = "a", Destinations = [{ ResourceArn = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/other" }] }] }
"#;
    let (account, guard) = start(&format!("{FORGOTTEN}{others}"));
    set_up(&account, "Forgotten").await;
    let policy = json!({"EndpointName": "Forgotten", "ResourcePolicy": "{\"Statement\": []}"});
    call(&account, "PutEndpointPolicy", &policy).await;
    let before = picture(&account, "Forgotten").await;
    let asleep = guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
    assert_eq!(action(&asleep), ("hibernate-endpoint", "done"), "{asleep:#?}");
    live(&account, &guard, 2).await;
    let clients = end_to_end::clients(&account);
    clients.sagemaker.delete_endpoint_config().endpoint_config_name("two").send().await.unwrap();
    guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    live(&account, &guard, 8).await;
    assert_eq!(picture(&account, "Forgotten").await, before);
    let calls = account.calls();
    let made = |operation: &str| calls.get(&format!("sagemaker:{operation}")).copied().unwrap_or_default();
    assert_eq!((made("CreateEndpointConfig"), made("PutEndpointPolicy")), (1, 2), "{calls:?}");
    // A router that needs it keeps it from being hibernated.
    let refused = guard.wake(json!({"hibernate": "other"})).await.unwrap();
    assert!(refused.actions[0].detail.contains("shop") || refused.actions[0].detail.contains("shadow"), "{refused:#?}");
}
