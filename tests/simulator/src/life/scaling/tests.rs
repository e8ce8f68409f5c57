//! Target tracking, steps, bounds and schedules in virtual time.

use serde_json::{Value, json};

use crate::{Estate, services, world::World};

const ESTATE: &str = r#"
    region = "eu-central-1"
    start = "2026-11-23T08:00:00Z"
    [[model]]
    name = "m"
    [[endpoint-config]]
    name = "c"
    model = "m"
    [[endpoint-config]]
    name = "async"
    model = "m"
    asynchronous = true
    [[endpoint-config]]
    name = "serverless"
    model = "m"
    serverless = { memory-mb = 2048, max-concurrency = 10, provisioned-concurrency = 2 }
"#;
const RESOURCE: &str = "endpoint/e/variant/AllTraffic";
const INSTANCES: &str = "sagemaker:variant:DesiredInstanceCount";

/// An endpoint `e` with these keys, and settings before it.
fn endpoint(settings: &str, keys: &str) -> World {
    World::new(Estate::from_toml(&format!("{ESTATE}\n{settings}\n[[endpoint]]\nname = \"e\"\n{keys}")).unwrap())
}

fn scaling(world: &mut World, operation: &str, more: &Value) -> Result<Value, String> {
    let mut input = json!({"ServiceNamespace": "sagemaker", "ResourceId": RESOURCE, "ScalableDimension": INSTANCES});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    services::call(world, "application-autoscaling", operation, &input).map_err(|refusal| format!("{} {}", refusal.code, refusal.message))
}

fn register(world: &mut World, least: u64, most: u64) {
    scaling(world, "RegisterScalableTarget", &json!({"MinCapacity": least, "MaxCapacity": most})).unwrap();
}

fn track(world: &mut World, name: &str, target: f64, more: &Value) -> Value {
    let mut configuration = json!({
        "TargetValue": target, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    });
    configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let input =
        json!({"PolicyName": name, "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration});
    scaling(world, "PutScalingPolicy", &input).unwrap()
}

fn after(world: &mut World, minutes: i64) {
    world.live_until(world.now + jiff::SignedDuration::from_mins(minutes));
}

/// Each capacity that was set, with the minute after the start.
fn steps(world: &World) -> Vec<(i64, u64)> {
    let minute = |one: &super::activities::Activity| {
        let start = one.described()["StartTime"].as_f64().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "minutes")]
        Some((((start - crate::wire::seconds(world.started)) / 60.0) as i64, one.want?))
    };
    world.scaling.activities.iter().filter_map(minute).collect()
}

fn reasons(world: &mut World) -> Vec<String> {
    let all = scaling(world, "DescribeScalingActivities", &json!({"IncludeNotScaledActivities": true})).unwrap();
    let codes = all["ScalingActivities"].as_array().unwrap().iter().filter_map(|one| one["NotScaledReasons"][0]["Code"].as_str());
    codes.map(str::to_owned).collect()
}

fn count(world: &mut World) -> (u64, u64) {
    let of = super::Scalable { resource: RESOURCE.into(), dimension: super::Dimension::Instances };
    let capacity = world.capacity(&of).unwrap();
    (capacity.current, capacity.desired)
}

/// (Bursts are counted from 1970: the first is five minutes after the start.) 100 requests a minute for 5 minutes, 1,000 for 25 and 100 for an hour: a reference trace that was worked out by hand.
const TRACE: &str = r#"
    config = "c"
    scaling-takes = "5m"
    traffic = [{ requests = 100, most = 400, bursts = [{ every = "90m", lasts = "25m", requests = 900, at = "35m" }] }]
"#;

#[test]
fn target_tracking_follows_the_reference_trace() {
    for (how, wanted) in [("gradual", vec![(8, 5), (45, 4), (50, 3), (55, 2), (60, 1)]), ("proportional", vec![(8, 5), (45, 1)])] {
        let mut world = endpoint(&format!("[hosting]\nscale-in = \"{how}\""), TRACE);
        let start = world.now;
        register(&mut world, 1, 8);
        let put = track(&mut world, "p", 200.0, &json!({"ScaleOutCooldown": 300, "ScaleInCooldown": 300}));
        assert!(put["Alarms"][0]["AlarmName"].as_str().unwrap().starts_with("TargetTracking-endpoint/e/variant/AllTraffic-AlarmHigh-"));
        after(&mut world, 90);
        assert_eq!(steps(&world), wanted, "{how}");
        let served = world.served(start, world.now).remove(0);
        assert_eq!(served.short_minutes, 8, "until the instances have started");
        let last = scaling(&mut world, "DescribeScalingActivities", &json!({})).unwrap()["ScalingActivities"].clone();
        let first = last.as_array().unwrap().last().unwrap();
        assert_eq!(first["Description"], "Setting desired instance count to 5.");
        assert!(first["Cause"].as_str().unwrap().contains("in state ALARM triggered policy p"));
        assert_eq!(first["StatusCode"], "Successful");
        let statuses: Vec<Value> = world.take_events().into_iter().map(|event| event["detail"]["EndpointStatus"].clone()).collect();
        assert_eq!(statuses[..2], ["UPDATING", "IN_SERVICE"]);
    }
}

#[test]
fn without_data_points_nothing_scales_in_and_with_zeros_it_does() {
    for (zeros, left) in [(false, 3), (true, 1)] {
        let mut world = endpoint(&format!("[hosting]\nzero-datapoints = {zeros}"), "config = \"c\"\ncounts = { AllTraffic = 3 }");
        register(&mut world, 1, 8);
        track(&mut world, "p", 200.0, &json!({}));
        after(&mut world, 60);
        assert_eq!(count(&mut world), (left, left), "zeros: {zeros}");
    }
}

#[test]
fn bounds_suspension_and_capacity_limit_what_alarms_do() {
    let busy = "config = \"c\"\ntraffic = [{ requests = 5000 }]";
    let mut world = endpoint("", busy);
    register(&mut world, 2, 3);
    assert_eq!(count(&mut world), (1, 2), "the bounds hold at once");
    after(&mut world, 10);
    track(&mut world, "p", 100.0, &json!({}));
    after(&mut world, 15);
    assert_eq!(count(&mut world), (3, 3));
    assert_eq!(reasons(&mut world), ["AlreadyAtMaxCapacity"], "equal ones in a row are one");
    let mut world = endpoint("", busy);
    let suspended = json!({"MinCapacity": 1, "MaxCapacity": 9, "SuspendedState": {"DynamicScalingOutSuspended": true}});
    scaling(&mut world, "RegisterScalableTarget", &suspended).unwrap();
    track(&mut world, "p", 100.0, &json!({}));
    after(&mut world, 15);
    assert_eq!(count(&mut world), (1, 1));
    let mut world = endpoint("", "config = \"c\"\ntraffic = [{ requests = 5000 }]\nno-capacity-until = \"2026-11-24T00:00:00Z\"");
    register(&mut world, 1, 9);
    track(&mut world, "p", 1000.0, &json!({}));
    after(&mut world, 40);
    assert_eq!(count(&mut world).0, 1);
    let all = scaling(&mut world, "DescribeScalingActivities", &json!({})).unwrap()["ScalingActivities"].clone();
    let failed = all.as_array().unwrap().last().unwrap();
    assert_eq!(failed["StatusCode"], "Failed");
    assert!(failed["StatusMessage"].as_str().unwrap().contains("InsufficientInstanceCapacity"));
}

#[test]
fn an_endpoint_under_way_cannot_be_scaled() {
    let mut world = endpoint("", "config = \"c\"\ntraffic = [{ requests = 5000 }]");
    register(&mut world, 1, 9);
    track(&mut world, "p", 1000.0, &json!({}));
    world.deed("endpoint/e", &"maintain 20m".parse().unwrap());
    after(&mut world, 10);
    assert_eq!((reasons(&mut world), count(&mut world)), (vec!["TargetServicePutResourceAsUnscalable".into()], (1, 1)));
    after(&mut world, 15);
    assert_eq!(count(&mut world), (5, 5), "afterwards it is");
}

#[test]
fn a_step_policy_wakes_an_asynchronous_endpoint_and_tracking_lets_it_sleep() {
    let work = "config = \"async\"\ncounts = { AllTraffic = 0 }\ntraffic = [{ from = \"2026-11-23T08:30:00Z\", latency-ms = 1000, bursts = [{ every = \"1d\", at = \"9h\", lasts = \"10m\", requests = 20 }] }]";
    let mut world = endpoint("", work);
    register(&mut world, 0, 2);
    let customized = json!({
        "MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": "e"}],
    });
    let tracking = json!({"TargetValue": 50.0, "CustomizedMetricSpecification": customized});
    let input = json!({"PolicyName": "t", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking});
    scaling(&mut world, "PutScalingPolicy", &input).unwrap();
    let step = json!({
        "AdjustmentType": "ChangeInCapacity", "MetricAggregationType": "Average", "Cooldown": 300,
        "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
    });
    let put = scaling(
        &mut world,
        "PutScalingPolicy",
        &json!({"PolicyName": "s", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": step}),
    );
    let arn = put.unwrap()["PolicyARN"].clone();
    let alarm = json!({
        "AlarmName": "wake", "Namespace": "AWS/SageMaker", "MetricName": "HasBacklogWithoutCapacity", "Statistic": "Average", "Period": 60,
        "EvaluationPeriods": 2, "DatapointsToAlarm": 2, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing", "Dimensions": [{"Name": "EndpointName", "Value": "e"}], "AlarmActions": [arn],
    });
    services::call(&mut world, "cloudwatch", "PutMetricAlarm", &alarm).unwrap();
    after(&mut world, 59);
    assert_eq!(steps(&world), []);
    after(&mut world, 70);
    assert_eq!(steps(&world), [(62, 1), (82, 0)], "two minutes with a backlog; and 15 minutes without one after its end");
    let described = services::call(&mut world, "cloudwatch", "DescribeAlarms", &json!({"ActionPrefix": arn})).unwrap();
    assert_eq!(described["MetricAlarms"][0]["AlarmName"], "wake");
    scaling(&mut world, "DeleteScalingPolicy", &json!({"PolicyName": "s"})).unwrap();
    let described = services::call(&mut world, "cloudwatch", "DescribeAlarms", &json!({"AlarmNames": ["wake"]})).unwrap();
    assert_eq!(described["MetricAlarms"][0]["AlarmActions"], json!([]), "the alarm stays, its action does not");
}

#[test]
fn scheduled_actions_keep_office_hours_on_the_clock_of_a_zone() {
    let mut world = endpoint("", "config = \"c\"");
    register(&mut world, 1, 4);
    let mut put = |name: &str, schedule: &str, least: u64| {
        let action = json!({"MinCapacity": least, "MaxCapacity": 4});
        let input = json!({"ScheduledActionName": name, "Schedule": schedule, "Timezone": "Europe/Berlin", "ScalableTargetAction": action});
        scaling(&mut world, "PutScheduledAction", &input).unwrap();
    };
    put("morning", "cron(30 9 ? * MON-FRI *)", 3);
    put("evening", "at(2026-11-23T18:00:00)", 1);
    world.live_until("2026-11-23T08:40:00Z".parse().unwrap());
    assert_eq!((count(&mut world), steps(&world)), ((3, 3), vec![(30, 3)]), "half past nine in Berlin");
    world.live_until("2026-11-24T09:00:00Z".parse().unwrap());
    assert_eq!(count(&mut world), (3, 3), "a lower minimum alone takes nothing away");
    let last = world.scaling.activities.iter().filter(|one| one.cause == "scheduled action name morning was triggered").count();
    assert_eq!(last, 2);
    let new = json!({"ScheduledActionName": "morning", "Schedule": "rate(1 hour)", "ScalableTargetAction": {"MaxCapacity": 2}});
    scaling(&mut world, "PutScheduledAction", &new).unwrap();
    after(&mut world, 70);
    assert_eq!(count(&mut world), (2, 2));
    for (field, value) in [("Schedule", "cron(1 2)"), ("Schedule", "daily"), ("Timezone", "Middle/Earth"), ("ScheduledActionName", "a:b")] {
        let mut wrong = new.clone();
        wrong[field] = value.into();
        assert!(scaling(&mut world, "PutScheduledAction", &wrong).unwrap_err().starts_with("ValidationException"), "{field} {value}");
    }
}

#[test]
fn of_several_policies_the_largest_wins_and_all_have_to_agree_to_scale_in() {
    let mut world = endpoint(
        "[hosting]\nscale-in = \"proportional\"",
        "config = \"c\"\ncounts = { AllTraffic = 4 }\ntraffic = [{ requests = 400, cpu-ms = 300 }]",
    );
    register(&mut world, 1, 9);
    track(&mut world, "invocations", 1000.0, &json!({}));
    let dimensions = json!([{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "AllTraffic"}]);
    let cpu =
        json!({"MetricName": "CPUUtilization", "Namespace": "/aws/sagemaker/Endpoints", "Statistic": "Average", "Dimensions": dimensions});
    let mut put = |target: f64| {
        let tracking = json!({"TargetValue": target, "CustomizedMetricSpecification": cpu});
        let input =
            json!({"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking});
        scaling(&mut world, "PutScalingPolicy", &input).unwrap();
        world.live_until(world.now + jiff::SignedDuration::from_mins(30));
        world.capacity(&super::Scalable { resource: RESOURCE.into(), dimension: super::Dimension::Instances }).unwrap().current
    };
    // 100 requests of 300 ms a minute on each: half of a CPU, and two percent for the rest.
    assert_eq!(put(52.0), 4, "one alone would scale in");
    assert_eq!(put(26.0), 9, "8, where the rest of the load is still too much");
    assert_eq!(put(500.0), 1);
}

#[test]
fn what_goes_with_an_endpoint_is_new_afterwards() {
    let mut world = endpoint("", "config = \"c\"");
    register(&mut world, 1, 4);
    let before = track(&mut world, "p", 100.0, &json!({}))["PolicyARN"].clone();
    assert_eq!(track(&mut world, "p", 200.0, &json!({}))["PolicyARN"], before, "an update keeps it");
    assert_eq!(world.alarms.all.len(), 2);
    let update = services::call(
        &mut world,
        "sagemaker",
        "CreateEndpointConfig",
        &json!({
            "EndpointConfigName": "other", "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}],
        }),
    );
    update.unwrap();
    let change = json!({"EndpointName": "e", "EndpointConfigName": "other"});
    assert!(services::call(&mut world, "sagemaker", "UpdateEndpoint", &change).unwrap_err().message.contains("scalable target"));
    services::call(&mut world, "sagemaker", "DeleteEndpoint", &json!({"EndpointName": "e"})).unwrap();
    assert_eq!((world.scaling.targets.len(), world.alarms.all.len()), (0, 0));
    after(&mut world, 5);
    assert!(
        scaling(&mut world, "RegisterScalableTarget", &json!({"MinCapacity": 1, "MaxCapacity": 2}))
            .unwrap_err()
            .contains("Could not find endpoint")
    );
    services::call(&mut world, "sagemaker", "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "c"})).unwrap();
    after(&mut world, 5);
    register(&mut world, 1, 4);
    assert_ne!(track(&mut world, "p", 100.0, &json!({}))["PolicyARN"], before);
}

#[test]
fn provisioned_concurrency_is_scaled_by_its_use() {
    let mut world = endpoint("", "config = \"serverless\"\ntraffic = [{ requests = 240, latency-ms = 1000 }]");
    let of = json!({"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"});
    let mut more = json!({"MinCapacity": 1, "MaxCapacity": 9});
    more["ScalableDimension"] = of["ScalableDimension"].clone();
    scaling(&mut world, "RegisterScalableTarget", &more).unwrap();
    let tracking = json!({
        "TargetValue": 0.7, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"},
    });
    let mut policy =
        json!({"PolicyName": "p", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking});
    policy["ScalableDimension"] = of["ScalableDimension"].clone();
    scaling(&mut world, "PutScalingPolicy", &policy).unwrap();
    after(&mut world, 120);
    let capacity = world.capacity(&super::Scalable { resource: RESOURCE.into(), dimension: super::Dimension::Provisioned }).unwrap();
    assert_eq!(capacity.current, 6, "four are busy: 4 / 0.7, rounded up");
}
