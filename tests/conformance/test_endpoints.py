"""Endpoints that live, scale and sleep, driven by boto3: each state, each write that is refused meanwhile, what hangs on them, their metrics."""

import datetime
import json

from test_boto3 import ARN, refused
from test_kinds import ROLE, at, pages

ESTATE = """
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
[hosting]
compute-optimizer = "Active"
[[model]]
name = "m"
image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/m:1"
[[endpoint-config]]
name = "real-time"
model = "m"
instance-count = 2
definition = { CrossRegionTrafficConfig = { MaxInvocationsPerSecondPerInstance = 3, MaxCrossRegionPercentPerEndpoint = 50 }, DataCaptureConfig = { EnableCapture = true, InitialSamplingPercentage = 10, DestinationS3Uri = "s3://ml/capture", CaptureOptions = [{ CaptureMode = "Input" }] } }
[[endpoint-config]]
name = "other"
model = "m"
instance-type = "ml.c5.large"
[[endpoint-config]]
name = "serverless"
model = "m"
serverless = { memory-mb = 2048, max-concurrency = 5, provisioned-concurrency = 2 }
[[endpoint-config]]
name = "async"
model = "m"
asynchronous = true
[[endpoint-config]]
name = "components"
variants = [{ name = "v", instance-type = "ml.g5.xlarge", definition = { ManagedInstanceScaling = { Status = "ENABLED", MinInstanceCount = 0, MaxInstanceCount = 4 } } }]
[[endpoint]]
name = "Live"
config = "real-time"
counts = { AllTraffic = 3 }
tags = { Owner = "ann@example.com" }
traffic = [{ requests = 300, hours = "mon-fri/09:00-17:00@Europe/Berlin", latency-ms = 50 }]
[[endpoint]]
name = "forgotten"
config = "other"
[[endpoint]]
name = "async"
[[endpoint]]
name = "serverless"
[[endpoint]]
name = "components"
[[inference-component]]
name = "llm"
endpoint = "components"
variant = "v"
model = "m"
[[endpoint]]
name = "scarce"
config = "other"
no-capacity-until = "2026-11-24T08:00:00Z"
[[resource]]
kind = "monitoring-schedule"
name = "watch-{}"
count = 11
endpoint = "async"
[[resource]]
kind = "inference-experiment"
name = "shadow"
endpoint = "Live"
[[resource]]
kind = "inference-router"
name = "router"
destination = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/live"
"""


def wait(account, by):
    account.control("advance", {"by": by})


def counts(sagemaker, name="Live"):
    described = sagemaker.describe_endpoint(EndpointName=name)
    variant = described["ProductionVariants"][0]
    return described["EndpointStatus"], variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


def test_capacity_changes_and_other_writes_wait(simulated):
    sagemaker = simulated.client("sagemaker")
    assert counts(sagemaker) == ("InService", 3, 3)
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 5}]
    assert sagemaker.update_endpoint_weights_and_capacities(EndpointName="Live", DesiredWeightsAndCapacities=wanted)["EndpointArn"] == ARN + "endpoint/live"
    assert counts(sagemaker) == ("Updating", 3, 5)
    in_progress = ("ValidationException", f'Cannot update in-progress endpoint "{ARN}endpoint/live".')
    assert refused(sagemaker.update_endpoint, EndpointName="Live", EndpointConfigName="real-time") == in_progress
    assert refused(sagemaker.delete_endpoint, EndpointName="Live") == in_progress
    assert refused(sagemaker.update_endpoint_weights_and_capacities, EndpointName="Live", DesiredWeightsAndCapacities=wanted) == in_progress
    wait(simulated, "5m")
    assert counts(sagemaker) == ("InService", 5, 5)
    missing = [{"VariantName": "x", "DesiredWeight": 1.0}]
    assert refused(sagemaker.update_endpoint_weights_and_capacities, EndpointName="Live", DesiredWeightsAndCapacities=missing)[0] == "ValidationException"
    assert refused(sagemaker.update_endpoint_weights_and_capacities, EndpointName="x", DesiredWeightsAndCapacities=wanted)[1].startswith("Could not find endpoint")
    told = [one["detail"] for one in simulated.control("events")]
    assert [(one["EndpointStatus"], one["ProductionVariants"][0]["DesiredInstanceCount"]) for one in told] == [("UPDATING", 5.0), ("IN_SERVICE", 5.0)]


def test_an_update_is_deployed_and_resets_or_retains(simulated):
    sagemaker = simulated.client("sagemaker")
    strategy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}}
    before = sagemaker.describe_endpoint(EndpointName="Live")
    assert before["CrossRegionTrafficConfig"] == {"MaxInvocationsPerSecondPerInstance": 3, "MaxCrossRegionPercentPerEndpoint": 50}
    [image] = before["ProductionVariants"][0]["DeployedImages"]
    assert image["ResolvedImage"].startswith("123456789012.dkr.ecr.eu-central-1.amazonaws.com/m@sha256:") and "ResolutionTime" in image
    simulated.control("deed", {"to": "endpoint/Live", "do": "move-tag " + image["SpecifiedImage"]})
    sagemaker.update_endpoint(EndpointName="Live", EndpointConfigName="real-time", RetainAllVariantProperties=True, DeploymentConfig=strategy)
    updating = sagemaker.describe_endpoint(EndpointName="Live")
    pending = updating["PendingDeploymentSummary"]
    assert (updating["EndpointStatus"], pending["EndpointConfigName"], pending["ProductionVariants"][0]["DesiredInstanceCount"]) == ("Updating", "real-time", 3)
    wait(simulated, "5m")
    after = sagemaker.describe_endpoint(EndpointName="Live")
    assert (after["LastDeploymentConfig"], "PendingDeploymentSummary" in after) == (strategy, False)
    assert after["ProductionVariants"][0]["DeployedImages"][0]["ResolvedImage"] != image["ResolvedImage"], "the tag was moved"
    assert counts(sagemaker) == ("InService", 3, 3)
    sagemaker.update_endpoint(EndpointName="Live", EndpointConfigName="other")
    wait(simulated, "5m")
    other = sagemaker.describe_endpoint(EndpointName="Live")
    assert (counts(sagemaker), other["EndpointConfigName"], "DataCaptureConfig" in other) == (("InService", 1, 1), "other", False)
    code, _ = refused(sagemaker.update_endpoint, EndpointName="Live", EndpointConfigName="serverless")
    assert code == "ValidationException", "from real-time to serverless there is no way"
    assert refused(sagemaker.update_endpoint, EndpointName="Live", EndpointConfigName="x")[1].startswith("Could not find endpoint configuration")


def test_an_endpoint_sleeps_and_wakes(simulated):
    sagemaker = simulated.client("sagemaker")
    arn = sagemaker.describe_endpoint(EndpointName="Live")["EndpointArn"]
    sagemaker.delete_endpoint(EndpointName="Live")
    taken = ("ValidationException", f'Cannot create already existing endpoint "{arn}".')
    assert refused(sagemaker.create_endpoint, EndpointName="Live", EndpointConfigName="real-time") == taken
    assert refused(sagemaker.delete_endpoint, EndpointName="Live")[1].startswith("Cannot update in-progress endpoint")
    wait(simulated, "2m")
    assert refused(sagemaker.describe_endpoint, EndpointName="Live") == ("ValidationException", f'Could not find endpoint "{arn}".')
    assert sagemaker.describe_endpoint_config(EndpointConfigName="real-time")["EndpointConfigName"] == "real-time"
    wait(simulated, "1h")
    assert sagemaker.create_endpoint(EndpointName="Live", EndpointConfigName="real-time")["EndpointArn"] == arn
    wait(simulated, "4m")
    assert counts(sagemaker) == ("InService", 2, 2), "as the configuration says"
    served = {one["to"]: one for one in simulated.control("served")}["endpoint/live"]
    assert (served["lost-minutes"], served["requests"] - served["served"]) == (64 + 2, 66 * 300.0)


def test_there_may_be_no_instances(simulated):
    sagemaker = simulated.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName="scarce")
    wait(simulated, "3m")
    sagemaker.create_endpoint(EndpointName="scarce", EndpointConfigName="other")
    wait(simulated, "31m")
    failed = sagemaker.describe_endpoint(EndpointName="scarce")
    assert failed["EndpointStatus"] == "Failed" and "InsufficientInstanceCapacity" in failed["FailureReason"]
    assert "ProductionVariants" not in failed
    assert refused(sagemaker.update_endpoint, EndpointName="scarce", EndpointConfigName="other")[0] == "ValidationException"
    sagemaker.delete_endpoint(EndpointName="scarce")


def test_states_that_nobody_asks_for(simulated):
    sagemaker = simulated.client("sagemaker")

    def deed(what):
        simulated.control("deed", {"to": "endpoint/Live", "do": what})
        return counts(sagemaker)[0]

    assert deed("maintain 10m") == "SystemUpdating"
    assert refused(sagemaker.delete_endpoint, EndpointName="Live")[1].startswith("Cannot update in-progress endpoint")
    wait(simulated, "10m")
    assert deed("update other") == "Updating" and deed("roll-back") == "RollingBack"
    wait(simulated, "5m")
    assert counts(sagemaker) == ("InService", 3, 3)
    assert deed("scale 4") == "Updating" and deed("fail-roll-back") == "UpdateRollbackFailed"
    sagemaker.delete_endpoint(EndpointName="Live")


def test_what_hangs_on_endpoints(simulated):
    sagemaker = simulated.client("sagemaker")
    all, sizes = pages(sagemaker.list_monitoring_schedules, "MonitoringScheduleSummaries")
    assert sizes == [10, 1] and {one["EndpointName"] for one in all} == {"async"}
    assert {one["MonitoringType"] for one in all} == {"DataQuality"} and {one["MonitoringScheduleStatus"] for one in all} == {"Scheduled"}
    assert not sagemaker.list_monitoring_schedules(EndpointName="Live")["MonitoringScheduleSummaries"]
    assert not sagemaker.list_monitoring_schedules(MonitoringTypeEquals="ModelBias")["MonitoringScheduleSummaries"]
    assert refused(sagemaker.delete_endpoint, EndpointName="async")[0] == "ValidationException"
    for one in all:
        sagemaker.delete_monitoring_schedule(MonitoringScheduleName=one["MonitoringScheduleName"])
    assert not sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
    schedule = sagemaker.describe_monitoring_schedule
    assert refused(schedule, MonitoringScheduleName="watch-00000")[0] == "ResourceNotFound"
    job = {
        "MonitoringInputs": [{"EndpointInput": {"EndpointName": "async", "LocalPath": "/opt/ml/processing/x"}}],
        "MonitoringOutputConfig": {"MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://ml/x", "LocalPath": "/opt/ml/processing/y"}}]},
        "MonitoringResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}},
        "MonitoringAppSpecification": {"ImageUri": "x"},
        "RoleArn": ROLE,
    }
    config = {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringJobDefinition": job, "MonitoringType": "ModelQuality"}
    sagemaker.create_monitoring_schedule(MonitoringScheduleName="new", MonitoringScheduleConfig=config)
    assert schedule(MonitoringScheduleName="new")["MonitoringScheduleConfig"] == config
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName="new")
    sagemaker.delete_endpoint(EndpointName="async")

    [experiment] = sagemaker.list_inference_experiments(StatusEquals="Running")["InferenceExperiments"]
    assert experiment["Name"] == "shadow"
    described = sagemaker.describe_inference_experiment(Name="shadow")
    assert described["EndpointMetadata"] == {"EndpointName": "Live", "EndpointConfigName": "real-time", "EndpointStatus": "InService"}
    [router] = sagemaker.list_inference_routers()["InferenceRouters"]
    described = sagemaker.describe_inference_router(InferenceRouterName=router["InferenceRouterName"])
    [destination] = described["RoutingTargets"][0]["Destinations"]
    assert destination == {"ResourceArn": ARN + "endpoint/live", "RoutingStatus": "Routable"}


def test_endpoint_policies(simulated):
    sagemaker = simulated.client("sagemaker")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    assert refused(sagemaker.get_endpoint_policy, EndpointName="Live")[0] == "ValidationException"
    assert refused(sagemaker.get_endpoint_policy, EndpointName="x")[0] == "ResourceNotFound"
    sagemaker.put_endpoint_policy(EndpointName="Live", ResourcePolicy=policy)
    assert sagemaker.get_endpoint_policy(EndpointName="Live")["ResourcePolicy"] == policy
    sagemaker.delete_endpoint_policy(EndpointName="Live")
    sagemaker.delete_endpoint_policy(EndpointName="Live")
    assert refused(sagemaker.get_endpoint_policy, EndpointName="Live")[0] == "ValidationException"


def test_components_sleep(simulated):
    sagemaker = simulated.client("sagemaker")
    runtime = sagemaker.describe_inference_component(InferenceComponentName="llm")["RuntimeConfig"]
    assert runtime == {"DesiredCopyCount": 1, "CurrentCopyCount": 1}
    sagemaker.update_inference_component_runtime_config(InferenceComponentName="llm", DesiredRuntimeConfig={"CopyCount": 0})
    assert sagemaker.describe_inference_component(InferenceComponentName="llm")["InferenceComponentStatus"] == "Updating"
    wait(simulated, "5m")
    assert sagemaker.describe_inference_component(InferenceComponentName="llm")["RuntimeConfig"] == {"DesiredCopyCount": 0, "CurrentCopyCount": 0}
    assert counts(sagemaker, "components") == ("InService", 0, 0), "the instances follow"
    new = dict(EndpointName="components", VariantName="v", Specification={"ModelName": "m", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 128}})
    assert refused(sagemaker.create_inference_component, InferenceComponentName="new", **new, RuntimeConfig={"CopyCount": 0})[0] == "ValidationException"


def metric(namespace, name, stat, period=3600, **dimensions):
    list = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {"Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": list}, "Period": period, "Stat": stat}


def test_metrics_go_back_two_weeks_in_pages(simulated):
    cloudwatch = simulated.client("cloudwatch")
    of = dict(EndpointName="Live", VariantName="AllTraffic")
    queries = [
        {"Id": "requests", "MetricStat": metric("AWS/SageMaker", "Invocations", "Sum", **of)},
        {"Id": "each", "MetricStat": metric("AWS/SageMaker", "InvocationsPerInstance", "Sum", **of)},
        {"Id": "slow", "MetricStat": metric("AWS/SageMaker", "ModelLatency", "p99", **of)},
        {"Id": "cpu", "MetricStat": metric("/aws/sagemaker/Endpoints", "CPUUtilization", "Average", **of)},
    ]
    span = dict(StartTime=at(8, day=9), EndTime=at(8))
    answer = {one["Id"]: one for one in cloudwatch.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]}
    assert len(answer["requests"]["Values"]) == 80 and set(answer["requests"]["Values"]) == {18_000.0}
    assert set(answer["each"]["Values"]) == {6_000.0} and min(answer["slow"]["Values"]) > 50_000
    assert len(answer["cpu"]["Values"]) == 14 * 24, "instances publish without requests"
    by_the_minute = [{"Id": f"q{number}", "MetricStat": metric("AWS/SageMaker", "Invocations", "Sum", 60, **of)} for number in range(7)]
    values, token, answers = {}, {}, 0
    while True:
        answer = cloudwatch.get_metric_data(MetricDataQueries=by_the_minute, **span, **token)
        answers += 1
        for one in answer["MetricDataResults"]:
            values.setdefault(one["Id"], []).extend(zip(one["Timestamps"], one["Values"]))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert answers == 2, "100,800 data points each"
    assert all(len(one) == len(set(one)) == 80 * 60 for one in values.values()) and len(values) == 7
    assert refused(cloudwatch.get_metric_data, MetricDataQueries=queries, **span, NextToken="nonsense")[0] == "InvalidNextToken"
    assert not cloudwatch.get_metric_data(MetricDataQueries=queries[:1], StartTime=at(8, day=1), EndTime=at(8, day=1) + datetime.timedelta(minutes=1))[
        "MetricDataResults"
    ][0]["Values"], "a Sunday"


def test_serverless_seconds_are_on_the_bill(simulated):
    wait(simulated, "1h")
    rows = {row["usage-type"]: row for row in simulated.control("spend")["rows"]}
    warm = rows["EUC1-ServerlessInf:ProvisionedConcurrency:Usage-2GB"]
    assert (float(warm["quantity"]), float(warm["usd"])) == (9 * 7200, 0.648), "since midnight"


def test_compute_optimizer_finds_the_idle(simulated):
    optimizer = simulated.client("compute-optimizer")
    assert optimizer.get_enrollment_status()["status"] == "Active"
    status, headers, answer = simulated.cbor("ComputeOptimizerService", "compute-optimizer", "GetIdleRecommendations", {})
    assert (status, headers["smithy-protocol"]) == (200, "rpc-v2-cbor")
    found = {one["resourceId"]: one for one in answer["idleRecommendations"]}
    assert set(found) == {"forgotten", "scarce", "serverless", "components"}
    assert found["forgotten"]["lastRefreshTimestamp"] == at(0) and found["forgotten"]["finding"] == "Idle"
    first = optimizer.get_idle_recommendations(maxResults=3)
    rest = optimizer.get_idle_recommendations(maxResults=3, nextToken=first["nextToken"])
    assert len(first["idleRecommendations"]) == 3 and len(rest["idleRecommendations"]) == 1
    arn = found["forgotten"]["resourceArn"]
    assert len(optimizer.get_idle_recommendations(resourceArns=[arn])["idleRecommendations"]) == 1
