//! Endpoints that are created, scaled, updated, rolled back and deleted, and what that costs.

use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};

use crate::{Estate, services, wire::Refusal, world::World};

const ESTATE: &str = r#"
    region = "eu-central-1"
    start = "2026-11-23T08:00:00Z"
    [prices]
    "ml.m5.xlarge" = 1
    "ml.g5.xlarge" = 2
    [[model]]
    name = "m"
    image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/m:1"
    [[endpoint-config]]
    name = "c"
    model = "m"
    instance-count = 2
    definition = { CrossRegionTrafficConfig = { MaxInvocationsPerSecondPerInstance = 3 } }
    [[endpoint-config]]
    name = "gpu"
    model = "m"
    instance-type = "ml.g5.xlarge"
    [[endpoint-config]]
    name = "two"
    variants = [
        { name = "AllTraffic", model = "m", instance-count = 1, weight = 3 },
        { name = "green", model = "m", serverless = { memory-mb = 2048, max-concurrency = 5, provisioned-concurrency = 1 } },
    ]
    [[endpoint-config]]
    name = "components"
    instance-type = "ml.g5.xlarge"
    variants = []
    definition = { ProductionVariants = [{ VariantName = "v", InstanceType = "ml.g5.xlarge", InitialInstanceCount = 1, ManagedInstanceScaling = { Status = "ENABLED", MinInstanceCount = 0, MaxInstanceCount = 4 } }] }
"#;

fn world(more: &str) -> World {
    World::new(Estate::from_toml(&format!("{ESTATE}{more}")).unwrap())
}

fn ask(world: &mut World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    services::call(world, "sagemaker", operation, input)
}

fn refused(world: &mut World, operation: &str, input: &Value) -> String {
    ask(world, operation, input).unwrap_err().message
}

fn e() -> Value {
    json!({"EndpointName": "e"})
}

fn after(world: &mut World, minutes: i64) {
    world.live_until(world.now + jiff::SignedDuration::from_mins(minutes));
}

/// The status, and of the first variant what it has and should have.
fn state(world: &mut World) -> (String, u64, u64) {
    let described = ask(world, "DescribeEndpoint", &e()).unwrap();
    let count = |name: &str| described["ProductionVariants"][0][name].as_u64().unwrap_or(99);
    (described["EndpointStatus"].as_str().unwrap().to_owned(), count("CurrentInstanceCount"), count("DesiredInstanceCount"))
}

fn is(status: &str, current: u64, desired: u64) -> (String, u64, u64) {
    (status.to_owned(), current, desired)
}

fn usd(world: &World) -> Decimal {
    world.bill(world.started).iter().filter(|line| line.kind == "endpoint").map(|line| line.usd.unwrap()).sum()
}

fn told(world: &mut World) -> Vec<String> {
    let of = |event: Value| event["detail"]["EndpointStatus"].as_str().map(str::to_owned);
    world.take_events().into_iter().filter_map(of).collect()
}

fn scale(world: &mut World, count: u64) -> Result<Value, Refusal> {
    let wanted = json!([{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]);
    ask(world, "UpdateEndpointWeightsAndCapacities", &json!({"EndpointName": "e", "DesiredWeightsAndCapacities": wanted}))
}

#[test]
fn an_endpoint_is_created_scaled_and_deleted_and_each_second_is_billed() {
    let mut world = world("");
    ask(&mut world, "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "c"})).unwrap();
    let again = refused(&mut world, "CreateEndpoint", &json!({"EndpointName": "E", "EndpointConfigName": "c"}));
    assert!(again.starts_with("Cannot create already existing endpoint"), "{again}: names differ in more than capitals");
    assert!(scale(&mut world, 3).unwrap_err().message.starts_with("Cannot update in-progress endpoint"));
    after(&mut world, 3);
    assert_eq!(state(&mut world).0, "Creating");
    after(&mut world, 1);
    assert_eq!(state(&mut world), is("InService", 2, 2));
    assert_eq!(usd(&world), dec!(0.133333), "instances are billed while it is created: 4 minutes of two");
    scale(&mut world, 5).unwrap();
    assert_eq!(state(&mut world), is("Updating", 2, 5));
    assert!(refused(&mut world, "DeleteEndpoint", &e()).starts_with("Cannot update in-progress endpoint"));
    after(&mut world, 4);
    assert_eq!(state(&mut world), is("InService", 5, 5));
    scale(&mut world, 1).unwrap();
    after(&mut world, 56);
    assert_eq!(state(&mut world), is("InService", 1, 1));
    // 4 of two, 4 of five that start, one of five that go, 55 of one.
    assert_eq!(usd(&world), dec!(1.466667));
    assert_eq!(told(&mut world), ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]);
    ask(&mut world, "DeleteEndpoint", &e()).unwrap();
    let taken = refused(&mut world, "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "c"}));
    assert!(taken.starts_with("Cannot create already existing endpoint"), "{taken}: the name is not free");
    after(&mut world, 5);
    assert!(refused(&mut world, "DescribeEndpoint", &e()).starts_with("Could not find endpoint"));
    assert_eq!((usd(&world), told(&mut world)), (dec!(1.466667), vec!["DELETING".into(), "DELETED".into()]));
}

#[test]
fn without_capacity_a_creation_fails_and_a_larger_count_falls_back() {
    let shortage = "[[endpoint]]\nname = \"e\"\nconfig = \"gpu\"\nno-capacity-until = \"2026-11-23T12:00:00Z\"";
    let mut world = world(shortage);
    assert_eq!(state(&mut world), is("InService", 1, 1), "what was there before the shortage stays");
    scale(&mut world, 2).unwrap();
    after(&mut world, 30);
    assert_eq!(state(&mut world), is("InService", 1, 1));
    let why = ask(&mut world, "DescribeEndpoint", &e()).unwrap()["FailureReason"].as_str().unwrap().to_owned();
    assert!(why.contains("InsufficientInstanceCapacity"), "{why}");
    ask(&mut world, "DeleteEndpoint", &e()).unwrap();
    after(&mut world, 2);
    let before = usd(&world);
    ask(&mut world, "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "gpu"})).unwrap();
    after(&mut world, 30);
    assert_eq!((state(&mut world).0, usd(&world)), ("Failed".into(), before), "no instances, no bill");
    assert!(scale(&mut world, 2).unwrap_err().message.contains("Failed"));
    ask(&mut world, "DeleteEndpoint", &e()).unwrap();
    world.live_until("2026-11-23T12:00:00Z".parse().unwrap());
    ask(&mut world, "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "gpu"})).unwrap();
    after(&mut world, 8);
    assert_eq!(state(&mut world), is("InService", 1, 1));
}

#[test]
fn an_unhealthy_container_fails_and_an_update_with_it_rolls_back() {
    let mut world = world("[[endpoint]]\nname = \"e\"\nconfig = \"c\"\nunhealthy = true");
    ask(&mut world, "UpdateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "two"})).unwrap();
    after(&mut world, 25);
    assert_eq!(state(&mut world).0, "RollingBack");
    after(&mut world, 5);
    let described = ask(&mut world, "DescribeEndpoint", &e()).unwrap();
    assert_eq!((state(&mut world), &described["EndpointConfigName"]), (is("InService", 2, 2), &json!("c")));
    assert!(described["FailureReason"].as_str().unwrap().contains("ping health check"));
    ask(&mut world, "DeleteEndpoint", &e()).unwrap();
    after(&mut world, 5);
    ask(&mut world, "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "c"})).unwrap();
    after(&mut world, 30);
    assert_eq!(state(&mut world).0, "Failed");
}

#[test]
fn an_update_resets_counts_and_weights_unless_they_are_retained() {
    for (retain, excluded, count, weight) in [
        (json!(null), json!([]), 2, 1.0),
        (json!(true), json!([]), 3, 2.0),
        (json!(true), json!([{"VariantPropertyType": "DesiredInstanceCount"}]), 2, 2.0),
        (json!(true), json!([{"VariantPropertyType": "DesiredWeight"}]), 3, 1.0),
    ] {
        let mut world = world("[[endpoint]]\nname = \"e\"\nconfig = \"c\"\ncounts = { AllTraffic = 3 }");
        let weights = json!([{"VariantName": "AllTraffic", "DesiredWeight": 2.0}]);
        let input = json!({"EndpointName": "e", "DesiredWeightsAndCapacities": weights});
        ask(&mut world, "UpdateEndpointWeightsAndCapacities", &input).unwrap();
        after(&mut world, 1);
        let input = json!({
            "EndpointName": "e", "EndpointConfigName": "c", "RetainAllVariantProperties": retain, "ExcludeRetainedVariantProperties": excluded,
        });
        ask(&mut world, "UpdateEndpoint", &input).unwrap();
        let pending = ask(&mut world, "DescribeEndpoint", &e()).unwrap();
        assert_eq!(pending["PendingDeploymentSummary"]["ProductionVariants"][0]["DesiredInstanceCount"], count);
        after(&mut world, 4);
        let variant = ask(&mut world, "DescribeEndpoint", &e()).unwrap()["ProductionVariants"][0].clone();
        assert_eq!((&variant["CurrentInstanceCount"], &variant["CurrentWeight"]), (&json!(count), &json!(weight)), "{retain} {excluded}");
    }
}

#[test]
fn what_aws_and_people_do_by_themselves() {
    let mut world = world("[[endpoint]]\nname = \"e\"\nconfig = \"c\"");
    let deed = |world: &mut World, what: &str| world.deed("endpoint/e", &what.parse().unwrap());
    deed(&mut world, "maintain 30m");
    assert_eq!(state(&mut world), is("SystemUpdating", 2, 2));
    assert!(refused(&mut world, "DeleteEndpoint", &e()).contains("in-progress"));
    after(&mut world, 30);
    let image = |world: &mut World| {
        let described = ask(world, "DescribeEndpoint", &e()).unwrap();
        described["ProductionVariants"][0]["DeployedImages"][0]["ResolvedImage"].as_str().unwrap().to_owned()
    };
    let before = image(&mut world);
    assert!(before.starts_with("123456789012.dkr.ecr.eu-central-1.amazonaws.com/m@sha256:"), "{before}");
    deed(&mut world, "move-tag 123456789012.dkr.ecr.eu-central-1.amazonaws.com/m:1");
    assert_eq!(image(&mut world), before);
    deed(&mut world, "update c");
    after(&mut world, 4);
    assert_ne!(image(&mut world), before, "the tag was resolved again");
    deed(&mut world, "update gpu");
    deed(&mut world, "roll-back");
    assert_eq!(state(&mut world), is("RollingBack", 2, 2));
    after(&mut world, 2);
    assert_eq!(state(&mut world), is("InService", 2, 2));
    deed(&mut world, "scale 4");
    deed(&mut world, "fail-roll-back");
    assert_eq!(state(&mut world).0, "UpdateRollbackFailed");
    ask(&mut world, "DeleteEndpoint", &e()).unwrap();
    let told = told(&mut world);
    assert_eq!(told.iter().filter(|one| *one == "ROLLING_BACK").count(), 1, "{told:?}");
    assert_eq!(told[told.len() - 2..], ["UPDATE_ROLLBACK_FAILED", "DELETING"]);
}

#[test]
fn weights_and_concurrency_change_and_wrong_variants_are_refused() {
    let mut world = world("[[endpoint]]\nname = \"e\"\nconfig = \"two\"");
    let change = |world: &mut World, wanted: Value| {
        let input = json!({"EndpointName": "e", "DesiredWeightsAndCapacities": wanted});
        ask(world, "UpdateEndpointWeightsAndCapacities", &input).map_err(|refusal| refusal.message)
    };
    assert!(change(&mut world, json!([{"VariantName": "blue", "DesiredWeight": 1}])).unwrap_err().contains("blue"));
    let both = json!([{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}, {"VariantName": "green", "ServerlessUpdateConfig": {"ProvisionedConcurrency": 3}}]);
    assert!(change(&mut world, both).unwrap_err().contains("only one variant"));
    change(&mut world, json!([{"VariantName": "green", "DesiredWeight": 4, "ServerlessUpdateConfig": {"ProvisionedConcurrency": 3}}]))
        .unwrap();
    let variant = |world: &mut World| ask(world, "DescribeEndpoint", &e()).unwrap()["ProductionVariants"][1].clone();
    let now = variant(&mut world);
    assert_eq!((&now["CurrentWeight"], &now["DesiredWeight"]), (&json!(1.0), &json!(4.0)));
    assert_eq!(now["DesiredServerlessConfig"]["ProvisionedConcurrency"], 3);
    after(&mut world, 4);
    let now = variant(&mut world);
    assert_eq!(now["CurrentServerlessConfig"], json!({"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 3}));
    assert_eq!(now.get("DesiredServerlessConfig"), None);
    let update = json!({"EndpointName": "e", "EndpointConfigName": "c"});
    ask(&mut world, "UpdateEndpoint", &update).unwrap();
    after(&mut world, 4);
    let back = json!({"EndpointName": "e", "EndpointConfigName": "two"});
    ask(&mut world, "UpdateEndpoint", &back).unwrap();
    let described = ask(&mut world, "DescribeEndpoint", &e()).unwrap();
    assert_eq!(described["CrossRegionTrafficConfig"]["MaxInvocationsPerSecondPerInstance"], 3, "fields of a newer API stay");
}

#[test]
fn components_take_their_endpoint_with_them_from_zero_and_back() {
    let mut world = world(
        "[[endpoint]]\nname = \"e\"\nconfig = \"components\"\ncopies-per-instance = 2\n[[inference-component]]\nname = \"ic\"\nendpoint = \"e\"\nmodel = \"m\"\ncopies = 1",
    );
    let copies = |world: &mut World, count: u64| {
        let input = json!({"InferenceComponentName": "ic", "DesiredRuntimeConfig": {"CopyCount": count}});
        ask(world, "UpdateInferenceComponentRuntimeConfig", &input).map_err(|refusal| refusal.message)
    };
    copies(&mut world, 3).unwrap();
    assert!(copies(&mut world, 4).unwrap_err().contains("in-progress"));
    after(&mut world, 2);
    assert_eq!(state(&mut world), is("Updating", 1, 2), "two copies fit on an instance");
    after(&mut world, 8);
    copies(&mut world, 0).unwrap();
    after(&mut world, 2);
    assert_eq!(state(&mut world), is("InService", 0, 0));
    let described = ask(&mut world, "DescribeInferenceComponent", &json!({"InferenceComponentName": "ic"})).unwrap();
    assert_eq!(described["RuntimeConfig"], json!({"DesiredCopyCount": 0, "CurrentCopyCount": 0}));
    let before = usd(&world);
    after(&mut world, 60);
    assert_eq!(usd(&world), before, "what sleeps costs nothing");
    assert!(refused(&mut world, "DeleteEndpoint", &e()).contains("components"));
}

#[test]
fn policies_go_with_the_endpoint_and_schedules_hold_it() {
    let mut world = world(
        "[[endpoint]]\nname = \"e\"\nconfig = \"c\"\n[[resource]]\nkind = \"monitoring-schedule\"\nname = \"watch\"\nendpoint = \"e\"\n[[resource]]\nkind = \"inference-experiment\"\nname = \"shadow\"\nendpoint = \"e\"",
    );
    assert!(refused(&mut world, "GetEndpointPolicy", &e()).contains("no resource policy"));
    let put = json!({"EndpointName": "e", "ResourcePolicy": "{\"Statement\": []}"});
    ask(&mut world, "PutEndpointPolicy", &put).unwrap();
    assert_eq!(ask(&mut world, "GetEndpointPolicy", &e()).unwrap()["ResourcePolicy"], put["ResourcePolicy"]);
    assert!(refused(&mut world, "DeleteEndpoint", &e()).contains("monitoring schedules"));
    let list = |world: &mut World, of: &str| {
        let input = json!({"EndpointName": of});
        ask(world, "ListMonitoringSchedules", &input).unwrap()["MonitoringScheduleSummaries"].as_array().unwrap().len()
    };
    assert_eq!((list(&mut world, "e"), list(&mut world, "other")), (1, 0));
    ask(&mut world, "DeleteMonitoringSchedule", &json!({"MonitoringScheduleName": "watch"})).unwrap();
    assert_eq!(list(&mut world, "e"), 0);
    let experiment = ask(&mut world, "DescribeInferenceExperiment", &json!({"Name": "shadow"})).unwrap();
    assert_eq!(experiment["EndpointMetadata"]["EndpointConfigName"], "c");
    ask(&mut world, "DeleteEndpoint", &e()).unwrap();
    after(&mut world, 2);
    ask(&mut world, "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "c"})).unwrap();
    assert!(refused(&mut world, "GetEndpointPolicy", &e()).contains("no resource policy"), "a new endpoint has none");
}
