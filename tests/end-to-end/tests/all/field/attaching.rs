//! Auto scaling that the guard attaches and takes back, while people and faults come in between.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_sagemaker::types::DesiredWeightAndCapacity;
use end_to_end::{
    Function, Guard, clients,
    testing::{account, damage, due, guard_of, hours, minutes, put_tracking, register_scaling, states_of, subjects},
};
use serde_json::json;
use simulator::{Fault, Simulator, What};

const ATTACHES: &str = r#"
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
[rules.endpoint-without-autoscaling]
mode = "enforce"
grace = "0s"
"#;

const DIMENSION: ScalableDimension = ScalableDimension::SageMakerVariantDesiredInstanceCount;

/// An endpoint of this name on four instances by variant, which are needed by day only.
fn endpoint(name: &str, variants: &[&str]) -> (Simulator, Guard) {
    let variant = |name: &&str| format!("{{ name = \"{name}\", model = \"m\", instance-type = \"ml.m5.xlarge\", instance-count = 4 }}");
    let all: Vec<String> = variants.iter().map(variant).collect();
    let requests = 1200 * variants.len();
    let account = account(&format!(
        r#"
        [[model]]
        name = "m"
        [[endpoint-config]]
        name = "four"
        variants = [{}]
        [[endpoint]]
        name = "{name}"
        config = "four"
        created = "-30d"
        tags = {{ Owner = "ann@example.com" }}
        traffic = [{{ requests = {requests}, hours = "mon-fri/08:00-18:00@Europe/Berlin", outside = 60, noise = 10, most = 400, latency-ms = 80 }}]
        "#,
        all.join(", ")
    ));
    let guard = guard_of(Function::EndpointAutoscaler, &account, ATTACHES);
    (account, guard)
}

/// An attachment that was interrupted by this call.
async fn interrupted(call: &str) -> (Simulator, Guard) {
    let (account, guard) = endpoint("bursty", &["v"]);
    let refused = What::Refuse("ValidationException".into(), "no".into());
    account.add_fault(Fault::new(&format!("application-autoscaling:{call}"), refused));
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions[0].outcome, "failed", "{report:#?}");
    account.clear_faults();
    account.advance(minutes(20));
    (account, guard)
}

/// What somebody registers by hand.
async fn register(account: &Simulator, min: i32, max: i32, policy: Option<&str>) {
    register_scaling(account, "endpoint/bursty/variant/v", min, max).await;
    if let Some(name) = policy {
        put_tracking(account, "endpoint/bursty/variant/v", name, 300.0).await;
    }
}

async fn deregister(account: &Simulator) {
    let target = clients(account).autoscaling.deregister_scalable_target().service_namespace(ServiceNamespace::Sagemaker);
    target.scalable_dimension(DIMENSION).resource_id("endpoint/bursty/variant/v").send().await.unwrap();
}

/// Minimum and maximum of each target.
async fn bounds(account: &Simulator) -> Vec<(i32, i32)> {
    let targets = clients(account).autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker);
    targets.send().await.unwrap().scalable_targets().iter().map(|target| (target.min_capacity, target.max_capacity)).collect()
}

async fn scale(account: &Simulator, count: i32) {
    let wanted = DesiredWeightAndCapacity::builder().variant_name("v").desired_instance_count(count).build();
    let call = clients(account).sagemaker.update_endpoint_weights_and_capacities().endpoint_name("bursty");
    call.desired_weights_and_capacities(wanted).send().await.unwrap();
    account.advance(minutes(30));
}

async fn instances(account: &Simulator, endpoint: &str) -> Vec<i32> {
    let described = clients(account).sagemaker.describe_endpoint().endpoint_name(endpoint).send().await.unwrap();
    described.production_variants().iter().map(|variant| variant.desired_instance_count().unwrap()).collect()
}

#[tokio::test]
async fn who_had_set_up_auto_scaling_after_an_interrupted_run_had_its_bounds_overwritten() {
    for call in ["RegisterScalableTarget", "PutScalingPolicy"] {
        let (account, guard) = interrupted(call).await;
        register(&account, 2, 8, Some("mine")).await;
        let report = guard.run().await.unwrap();
        assert_eq!((bounds(&account).await, report.actions.len()), (vec![(2, 8)], 0), "{call}: {report:#?}");
    }
}

#[tokio::test]
async fn who_had_scaled_to_ten_after_an_interrupted_run_was_scaled_in_to_six() {
    let (account, guard) = interrupted("PutScalingPolicy").await;
    deregister(&account).await;
    scale(&account, 10).await;
    register(&account, 1, 6, None).await;
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.len(), 0, "{report:#?}");
}

#[tokio::test]
async fn who_had_scaled_to_ten_after_the_warning_was_scaled_in_without_another() {
    let (account, _) = endpoint("bursty", &["v"]);
    let guard = guard_of(Function::EndpointAutoscaler, &account, &ATTACHES.replace("0s", "3d"));
    guard.run().await.unwrap();
    account.advance(hours(70));
    scale(&account, 10).await;
    account.advance(hours(3));
    let report = guard.wake(due()).await.unwrap();
    assert_eq!((report.actions.len(), states_of(&report, "bursty")), (0, vec![("endpoint-without-autoscaling", "warned")]), "{report:#?}");
    assert_eq!(account.mails().len(), 2, "{:?}", subjects(&account));
    account.advance(hours(73));
    let report = guard.wake(due()).await.unwrap();
    assert_eq!(report.actions[0].outcome, "done", "{report:#?}");
}

#[tokio::test]
async fn an_endpoint_that_was_created_again_was_given_the_setting_of_the_old_one() {
    let (account, guard) = interrupted("PutScalingPolicy").await;
    let client = clients(&account).sagemaker.clone();
    client.delete_endpoint().endpoint_name("bursty").send().await.unwrap();
    account.advance(minutes(10));
    client.create_endpoint().endpoint_name("bursty").endpoint_config_name("four").send().await.unwrap();
    account.advance(minutes(30));
    scale(&account, 10).await;
    account.advance(hours(86)); // four days, and a night
    guard.run().await.unwrap();
    account.advance(hours(2));
    assert!(instances(&account, "bursty").await[0] < 10);
    guard.wake(json!({"detach": "bursty"})).await.unwrap();
    account.advance(minutes(30));
    assert_eq!(instances(&account, "bursty").await, [10], "worked out for the endpoint of now");
}

#[tokio::test]
async fn a_minimum_that_was_raised_after_an_interrupted_run_was_not_kept() {
    let (account, _) = interrupted("PutScalingPolicy").await;
    let guard = guard_of(Function::EndpointAutoscaler, &account, &format!("{ATTACHES}min-instances = 3"));
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.len(), 0, "{report:#?}");
}

#[tokio::test]
async fn an_owner_was_told_that_the_guards_own_half_of_the_work_is_useless() {
    let (account, guard) = interrupted("PutScheduledAction").await;
    account.add_fault(Fault::new("application-autoscaling:PutScheduledAction", What::Refuse("ValidationException".into(), "no".into())));
    let report = guard.run().await.unwrap();
    assert_eq!(states_of(&report, "bursty").len(), 1, "{report:#?}");
    assert!(!subjects(&account).iter().any(|subject| subject.contains("did not scale usefully")), "{:?}", subjects(&account));
}

#[tokio::test]
async fn who_had_taken_it_back_was_warned_again_because_a_record_could_not_be_read() {
    let (account, guard) = endpoint("bursty", &["v"]);
    guard.run().await.unwrap();
    guard.wake(json!({"detach": "bursty"})).await.unwrap();
    account.advance(hours(25));
    damage(&account, "attached", "endpoint/bursty", "detached").await;
    let mails = account.mails().len();
    for mode in ["enforce", "report"] {
        let policy = ATTACHES.replace("enforce", mode).replace("0s", "1h");
        let report = guard_of(Function::EndpointAutoscaler, &account, &policy).run().await.unwrap();
        assert_eq!((report.findings.len(), account.mails().len()), (0, mails), "{report:#?}");
        assert!(report.unread.iter().any(|one| one.what.contains("what the guard attached of endpoint/bursty")), "{:?}", report.unread);
    }
    let error = guard.wake(json!({"detach": "bursty"})).await.unwrap_err();
    assert!(format!("{error:#}").contains("what was attached to endpoint/bursty is not readable"), "{error:#}");
}

#[tokio::test]
async fn the_second_variant_was_not_taken_back_and_nothing_said_what_to_do() {
    let (account, guard) = endpoint("bursty", &["blue", "green"]);
    guard.run().await.unwrap();
    account.advance(hours(38)); // a night
    assert_eq!(instances(&account, "bursty").await, [1, 1]);
    // AWS changes one variant at a time.
    let first = guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert_eq!((first.actions[0].outcome, bounds(&account).await.len()), ("failed", 1), "{first:#?}");
    assert!(first.failures[0].contains("ask for `detach` again when the endpoint is in service"), "{first:#?}");
    account.advance(minutes(30));
    let second = guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert_eq!((second.actions[0].outcome, bounds(&account).await), ("done", vec![]), "{second:#?}");
    account.advance(minutes(30));
    assert_eq!(instances(&account, "bursty").await, [4, 4]);
}

#[tokio::test]
async fn an_endpoint_whose_name_was_typed_in_lower_case_kept_one_instance() {
    let (account, guard) = endpoint("Bursty", &["v"]);
    guard.run().await.unwrap();
    account.advance(hours(38)); // a night
    let back = guard.wake(json!({"detach": "bursty"})).await.unwrap();
    account.advance(minutes(30));
    assert_eq!((back.actions[0].outcome, instances(&account, "Bursty").await), ("done", vec![4]));
}

#[tokio::test]
async fn what_was_taken_back_but_not_answered_failed() {
    for call in ["DeregisterScalableTarget", "DeleteScalingPolicy", "DeleteScheduledAction"] {
        let (account, guard) = endpoint("bursty", &["v"]);
        guard.run().await.unwrap();
        if call.starts_with("Delete") {
            register(&account, 1, 6, Some("mine")).await;
        }
        account.add_fault(Fault::new(&format!("application-autoscaling:{call}"), What::LostAnswer(1)).times(1));
        let back = guard.wake(json!({"detach": "bursty"})).await.unwrap();
        assert_eq!((back.actions[0].outcome, &back.failures[..]), ("done", &[][..]), "{call}");
    }
}

#[tokio::test]
async fn a_target_that_somebody_had_registered_instead_was_removed() {
    let (account, guard) = endpoint("bursty", &["v"]);
    guard.run().await.unwrap();
    deregister(&account).await;
    register(&account, 2, 8, None).await;
    guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert_eq!(bounds(&account).await, [(2, 8)]);
}

#[tokio::test]
async fn what_is_taken_back_needs_no_activities_and_components_are_counted() {
    let (account, guard) = endpoint("bursty", &["v"]);
    let report = guard.run().await.unwrap();
    assert_eq!(report.examined["inference-component"], 0);
    let asked = || account.calls().get("application-autoscaling:DescribeScalingActivities").copied();
    let before = asked();
    guard.wake(json!({"detach": "bursty"})).await.unwrap();
    assert_eq!(asked(), before);
}
