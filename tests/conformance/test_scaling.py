"""Application Auto Scaling and CloudWatch's alarms, driven by boto3: every operation, pages, errors, and what scaling does in virtual time."""

import datetime

from conftest import REGION
from test_boto3 import refused
from test_kinds import UTC, at

ESTATE = """
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
[[model]]
name = "m"
[[endpoint-config]]
name = "c"
model = "m"
[[endpoint]]
name = "busy"
config = "c"
traffic = [{ requests = 100, most = 400, from = "2026-11-22T08:00:00Z", until = "2026-11-23T10:00:00Z", bursts = [{ every = "1d", at = "8h 5m", lasts = "25m", requests = 900 }] }]
[[endpoint]]
name = "many-{}"
count = 60
config = "c"
"""
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TRACKING = {
    "TargetValue": 200.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    "ScaleOutCooldown": 300,
    "ScaleInCooldown": 300,
}
STEP = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
    "Cooldown": 300,
    "MetricAggregationType": "Average",
}


def of(endpoint):
    return dict(ServiceNamespace="sagemaker", ResourceId=f"endpoint/{endpoint}/variant/AllTraffic", ScalableDimension=DIMENSION)


def paged(call, items, **arguments):
    all, sizes, token = [], [], {}
    while True:
        answer = call(ServiceNamespace="sagemaker", **arguments, **token)
        all += answer[items]
        sizes.append(len(answer[items]))
        if "NextToken" not in answer:
            return all, sizes
        token = {"NextToken": answer["NextToken"]}


def test_target_tracking_follows_the_traffic(simulated):
    scaling, cloudwatch = simulated.client("application-autoscaling"), simulated.client("cloudwatch")
    arn = scaling.register_scalable_target(**of("busy"), MinCapacity=1, MaxCapacity=8, Tags={"team": "nlp"})["ScalableTargetARN"]
    put = scaling.put_scaling_policy(**of("busy"), PolicyName="p", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=TRACKING)
    assert put["PolicyARN"].startswith(f"arn:aws:autoscaling:{REGION}:123456789012:scalingPolicy:")
    assert put["PolicyARN"].endswith(":resource/sagemaker/endpoint/busy/variant/AllTraffic:policyName/p")
    high, low = cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking-endpoint/busy/variant/AllTraffic-Alarm")["MetricAlarms"]
    assert high["AlarmDescription"].startswith(f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {put['PolicyARN']}:createdBy/")
    assert (high["EvaluationPeriods"], high["Threshold"], high["ComparisonOperator"]) == (3, 200.0, "GreaterThanThreshold")
    assert (low["EvaluationPeriods"], low["Threshold"], low["ComparisonOperator"]) == (15, 180.0, "LessThanThreshold")
    assert len(cloudwatch.describe_alarms(ActionPrefix=put["PolicyARN"])["MetricAlarms"]) == 2
    simulated.control("advance", {"by": "9m"})
    [target] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[of("busy")["ResourceId"]])["ScalableTargets"]
    assert (target["ScalableTargetARN"], target["MinCapacity"], target["MaxCapacity"]) == (arn, 1, 8)
    assert cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"][0]["AlarmName"] == high["AlarmName"]
    [activity] = scaling.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    assert (activity["StatusCode"], activity["StartTime"].astimezone(UTC)) == ("InProgress", at(8, 8))
    assert activity["Description"] == "Setting desired instance count to 5."
    assert activity["Cause"] == f"monitor alarm {high['AlarmName']} in state ALARM triggered policy p"
    simulated.control("advance", {"by": "81m"})
    activities = scaling.describe_scaling_activities(ServiceNamespace="sagemaker", ResourceId=of("busy")["ResourceId"])["ScalingActivities"]
    assert [one["Description"][-2] for one in activities] == ["1", "2", "3", "4", "5"], "newest first"
    assert {one["StatusCode"] for one in activities} == {"Successful"}
    all = scaling.describe_scaling_activities(ServiceNamespace="sagemaker", IncludeNotScaledActivities=True)["ScalingActivities"]
    assert {reason["Code"] for one in all for reason in one.get("NotScaledReasons", [])} >= {"AlreadyAtMinCapacity"}


def test_targets_by_pages_with_tags(simulated):
    scaling = simulated.client("application-autoscaling")
    for number in range(60):
        arn = scaling.register_scalable_target(**of(f"many-{number:05}"), MinCapacity=1, MaxCapacity=2)["ScalableTargetARN"]
    all, sizes = paged(scaling.describe_scalable_targets, "ScalableTargets")
    assert sizes == [50, 10] and len({one["ScalableTargetARN"] for one in all}) == 60
    assert all[0]["SuspendedState"] == {"DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": False, "ScheduledScalingSuspended": False}
    assert refused(scaling.describe_scalable_targets, ServiceNamespace="sagemaker", NextToken="x")[0] == "InvalidNextTokenException"
    scaling.register_scalable_target(**of("many-00059"), SuspendedState={"DynamicScalingOutSuspended": True})
    [one] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[of("many-00059")["ResourceId"]], ScalableDimension=DIMENSION)["ScalableTargets"]
    assert (one["SuspendedState"]["DynamicScalingOutSuspended"], one["MaxCapacity"]) == (True, 2)
    scaling.tag_resource(ResourceARN=arn, Tags={"a": "b", "c": "d"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"c": "d"}
    assert refused(scaling.list_tags_for_resource, ResourceARN=arn + "x")[0] == "ResourceNotFoundException"
    simulated.control("fault", {"on": "application-autoscaling:RegisterScalableTarget", "what": {"refuse": ["ConcurrentUpdateException", "busy"]}, "times": 1})
    assert refused(scaling.register_scalable_target, **of("busy"), MinCapacity=1, MaxCapacity=2)[0] == "ConcurrentUpdateException"


def test_policies_and_scheduled_actions(simulated):
    scaling, cloudwatch = simulated.client("application-autoscaling"), simulated.client("cloudwatch")
    assert refused(scaling.put_scaling_policy, **of("busy"), PolicyName="p", PolicyType="StepScaling", StepScalingPolicyConfiguration=STEP)[0] == "ObjectNotFoundException"
    scaling.register_scalable_target(**of("busy"), MinCapacity=1, MaxCapacity=4)
    put = [
        scaling.put_scaling_policy(**of("busy"), PolicyName=f"p-{number:02}", PolicyType="StepScaling", StepScalingPolicyConfiguration=STEP)
        for number in range(12)
    ]
    all, sizes = paged(scaling.describe_scaling_policies, "ScalingPolicies")
    assert sizes == [10, 2] and all[0]["StepScalingPolicyConfiguration"] == STEP
    alarm = dict(
        AlarmName="backlog", Namespace="AWS/SageMaker", MetricName="HasBacklogWithoutCapacity", Statistic="Average", Period=60, EvaluationPeriods=2,
        DatapointsToAlarm=2, Threshold=1.0, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="missing",
        Dimensions=[{"Name": "EndpointName", "Value": "busy"}], AlarmActions=[put[0]["PolicyARN"]], AlarmDescription="mine",
    )  # fmt: skip
    cloudwatch.put_metric_alarm(**alarm)
    [read] = cloudwatch.describe_alarms(AlarmNames=["backlog"])["MetricAlarms"]
    assert {name: read[name] for name in alarm} == alarm and read["StateValue"] == "INSUFFICIENT_DATA"
    status, _, answer = simulated.cbor("GraniteServiceVersion20100801", "cloudwatch", "DescribeAlarms", {"ActionPrefix": put[0]["PolicyARN"]})
    assert (status, [one["AlarmName"] for one in answer["MetricAlarms"]]) == (200, ["backlog"])
    [policy] = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", PolicyNames=["p-00"])["ScalingPolicies"]
    assert [one["AlarmName"] for one in policy["Alarms"]] == ["backlog"]
    scaling.delete_scaling_policy(**of("busy"), PolicyName="p-00")
    assert not cloudwatch.describe_alarms(AlarmNames=["backlog"])["MetricAlarms"][0]["AlarmActions"]
    assert refused(cloudwatch.delete_alarms, AlarmNames=["backlog", "x"])[0] == "ResourceNotFound"
    cloudwatch.delete_alarms(AlarmNames=["backlog"])
    assert not cloudwatch.describe_alarms()["MetricAlarms"]

    action = {"MinCapacity": 2, "MaxCapacity": 4}
    start = datetime.datetime(2026, 11, 24, tzinfo=UTC)
    new = dict(of("busy"), ScheduledActionName="morning", Schedule="cron(0 9 ? * MON-FRI *)", Timezone="Europe/Berlin", ScalableTargetAction=action)
    scaling.put_scheduled_action(**new, StartTime=start)
    [read] = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    assert ({name: read[name] for name in new}, read["StartTime"]) == (new, start)
    scaling.put_scheduled_action(**new)
    assert "StartTime" not in scaling.describe_scheduled_actions(ServiceNamespace="sagemaker", ScheduledActionNames=["morning"])["ScheduledActions"][0]
    simulated.control("advance", {"by": "25h"})
    described = simulated.client("sagemaker").describe_endpoint(EndpointName="busy")["ProductionVariants"][0]
    assert described["CurrentInstanceCount"] == 2
    assert refused(scaling.put_scheduled_action, **dict(new, Schedule="daily"))[0] == "ValidationException"
    scaling.delete_scheduled_action(**of("busy"), ScheduledActionName="morning")
    assert refused(scaling.delete_scheduled_action, **of("busy"), ScheduledActionName="morning")[0] == "ObjectNotFoundException"
    scaling.deregister_scalable_target(**of("busy"))
    assert refused(scaling.deregister_scalable_target, **of("busy"))[0] == "ObjectNotFoundException"
    assert not scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"], "they go with their target"


def test_alarms_by_pages_and_what_is_refused(simulated):
    cloudwatch = simulated.client("cloudwatch")
    alarm = dict(Namespace="N", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="LessThanThreshold")
    for number in range(60):
        cloudwatch.put_metric_alarm(AlarmName=f"a-{number:02}", **alarm)
    first = cloudwatch.describe_alarms()
    second = cloudwatch.describe_alarms(NextToken=first["NextToken"])
    assert (len(first["MetricAlarms"]), len(second["MetricAlarms"]), "NextToken" in second) == (50, 10, False)
    assert len(cloudwatch.describe_alarms(AlarmNamePrefix="a-0")["MetricAlarms"]) == 10
    assert not cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["MetricAlarms"]
    assert refused(cloudwatch.describe_alarms, NextToken="x")[0] == "InvalidNextToken"
    for wrong in (dict(Period=61), dict(TreatMissingData="x"), dict(DatapointsToAlarm=2)):
        assert refused(cloudwatch.put_metric_alarm, AlarmName="x", **dict(alarm, **wrong))[0] == "ValidationError"


def test_nothing_is_recommended_without_enrollment(simulated):
    optimizer = simulated.client("compute-optimizer")
    assert optimizer.get_enrollment_status()["status"] == "Inactive"
    assert refused(optimizer.get_idle_recommendations)[0] == "OptInRequiredException"
