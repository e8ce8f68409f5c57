//! The API: pages, errors, quotas and tags.

use serde_json::{Value, json};

use crate::{Estate, services, world::World};

const ESTATE: &str = r#"
    region = "eu-central-1"
    start = "2026-11-23T08:00:00Z"
    [hosting]
    scalable-targets = 60
    [[model]]
    name = "m"
    [[endpoint-config]]
    name = "c"
    model = "m"
    [[endpoint-config]]
    name = "burstable"
    model = "m"
    instance-type = "ml.t2.medium"
    [[endpoint-config]]
    name = "serverless"
    model = "m"
    serverless = { memory-mb = 2048, max-concurrency = 10 }
    [[endpoint]]
    name = "e-{}"
    count = 61
    config = "c"
    [[endpoint]]
    name = "burstable"
    [[endpoint]]
    name = "serverless"
"#;

fn ask(world: &mut World, operation: &str, endpoint: &str, more: &Value) -> Result<Value, &'static str> {
    let resource = format!("endpoint/{endpoint}/variant/AllTraffic");
    let dimension = "sagemaker:variant:DesiredInstanceCount";
    let mut input = json!({"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": dimension});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    services::call(world, "application-autoscaling", operation, &input).map_err(|refusal| refusal.code)
}

fn world() -> World {
    World::new(Estate::from_toml(ESTATE).unwrap())
}

#[test]
fn targets_have_a_quota_pages_and_tags() {
    let mut world = world();
    let bounds = json!({"MinCapacity": 1, "MaxCapacity": 2, "Tags": {"a": "b"}});
    for number in 0..60 {
        ask(&mut world, "RegisterScalableTarget", &format!("e-{number:05}"), &bounds).unwrap();
    }
    assert_eq!(ask(&mut world, "RegisterScalableTarget", "e-00060", &bounds), Err("LimitExceededException"));
    ask(&mut world, "RegisterScalableTarget", "e-00000", &json!({"MaxCapacity": 5})).unwrap();
    let mut list = |more: Value| {
        let mut input = json!({"ServiceNamespace": "sagemaker"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        services::call(&mut world, "application-autoscaling", "DescribeScalableTargets", &input).map_err(|refusal| refusal.code)
    };
    let first = list(json!({})).unwrap();
    let second = list(json!({"NextToken": first["NextToken"]})).unwrap();
    let size = |answer: &Value| answer["ScalableTargets"].as_array().unwrap().len();
    assert_eq!((size(&first), size(&second), second.get("NextToken")), (50, 10, None));
    assert_eq!((&first["ScalableTargets"][0]["MinCapacity"], &first["ScalableTargets"][0]["MaxCapacity"]), (&json!(1), &json!(5)));
    assert_eq!(list(json!({"NextToken": "nonsense"})), Err("InvalidNextTokenException"));
    assert_eq!(list(json!({"MaxResults": 51})), Err("ValidationException"));
    assert_eq!(size(&list(json!({"ResourceIds": ["endpoint/e-00003/variant/AllTraffic"]})).unwrap()), 1);
    let arn = first["ScalableTargets"][0]["ScalableTargetARN"].clone();
    let mut tags = |operation: &str, more: Value| {
        let mut input = json!({"ResourceARN": arn});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        services::call(&mut world, "application-autoscaling", operation, &input).map_err(|refusal| refusal.code)
    };
    tags("TagResource", json!({"Tags": {"c": "d"}})).unwrap();
    tags("UntagResource", json!({"TagKeys": ["a"]})).unwrap();
    assert_eq!(tags("ListTagsForResource", json!({})).unwrap()["Tags"], json!({"c": "d"}));
    assert_eq!(tags("ListTagsForResource", json!({"ResourceARN": "arn:x"})), Err("ResourceNotFoundException"));
}

#[test]
fn what_aws_refuses_is_refused() {
    let mut world = world();
    for (endpoint, bounds) in [
        ("e-00000", json!({"MinCapacity": 0, "MaxCapacity": 2})),
        ("e-00000", json!({"MinCapacity": 3, "MaxCapacity": 2})),
        ("e-00000", json!({"MinCapacity": 3})),
        ("burstable", json!({"MinCapacity": 1, "MaxCapacity": 2})),
        ("serverless", json!({"MinCapacity": 1, "MaxCapacity": 2})),
        ("nobody", json!({"MinCapacity": 1, "MaxCapacity": 2})),
        ("e-00000", json!({"MinCapacity": 1, "MaxCapacity": 2, "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"})),
        ("e-00000", json!({"MinCapacity": 1, "MaxCapacity": 2, "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"})),
    ] {
        assert_eq!(ask(&mut world, "RegisterScalableTarget", endpoint, &bounds), Err("ValidationException"), "{endpoint} {bounds}");
    }
    let policy = |kind: &str, configuration: Value| json!({"PolicyName": "p", "PolicyType": kind, format!("{kind}PolicyConfiguration"): configuration});
    let metric = json!({"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"});
    let fine = policy("TargetTrackingScaling", json!({"TargetValue": 5, "PredefinedMetricSpecification": metric}));
    assert_eq!(ask(&mut world, "PutScalingPolicy", "e-00000", &fine), Err("ObjectNotFoundException"));
    assert_eq!(ask(&mut world, "DeregisterScalableTarget", "e-00000", &json!({})), Err("ObjectNotFoundException"));
    ask(&mut world, "RegisterScalableTarget", "e-00000", &json!({"MinCapacity": 1, "MaxCapacity": 2})).unwrap();
    ask(&mut world, "PutScalingPolicy", "e-00000", &fine).unwrap();
    let label = json!({"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance", "ResourceLabel": "x"});
    for wrong in [
        policy("TargetTrackingScaling", json!({"TargetValue": 0, "PredefinedMetricSpecification": metric})),
        policy("TargetTrackingScaling", json!({"TargetValue": 1, "PredefinedMetricSpecification": label})),
        policy(
            "TargetTrackingScaling",
            json!({"TargetValue": 1, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}),
        ),
        policy("TargetTrackingScaling", json!({"TargetValue": 1})),
        policy("StepScaling", json!({"AdjustmentType": "ChangeInCapacity"})),
        policy("PredictiveScaling", json!({})),
    ] {
        assert_eq!(ask(&mut world, "PutScalingPolicy", "e-00000", &wrong), Err("ValidationException"), "{wrong}");
    }
    for operation in ["DeleteScalingPolicy", "DeleteScheduledAction"] {
        let missing = json!({"PolicyName": "x", "ScheduledActionName": "x"});
        assert_eq!(ask(&mut world, operation, "e-00000", &missing), Err("ObjectNotFoundException"));
    }
    let all = ask(&mut world, "DescribeScalingPolicies", "e-00000", &json!({"PolicyNames": ["p"]})).unwrap();
    assert_eq!(all["ScalingPolicies"][0]["Alarms"].as_array().unwrap().len(), 2);
    ask(&mut world, "DeregisterScalableTarget", "e-00000", &json!({})).unwrap();
    assert_eq!(world.alarms.all.len(), 0);
}
