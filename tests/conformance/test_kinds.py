"""The kinds that a tag audit looks at, driven by boto3: what is given comes back, pages, states, events, the trail, money."""

import datetime
import json

import pytest

from test_boto3 import ARN, refused

UTC = datetime.timezone.utc
ESTATE = """
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
trail = true
[[domain]]
id = "d-1"
tag-propagation = true
[[user-profile]]
domain = "d-1"
name = "ann"
[[user-profile]]
domain = "d-1"
name = "bob"
create = "2026-11-23 11:00"
by = { role = "Admin", session = "carl" }
[[space]]
domain = "d-1"
name = "lab"
owner = "ann"
[[space]]
domain = "d-1"
name = "later"
create = "2026-11-23 11:00"
jupyter-lab-idle-minutes = 90
by = "ann"
[[app]]
domain = "d-1"
space = "lab"
create = "2026-11-23 11:00"
by = { role = "SageMakerExecution", source-identity = "ann" }
[[notebook]]
name = "eda"
create = "2026-11-23 11:00"
by = { sso = "dora@example.com", permission-set = "DataScientist" }
tags = { Owner = "dora@example.com" }
[[training-job]]
name = "churn"
create = "2026-11-23 11:00"
by = { root = true }
[[tuning-job]]
name = "hpo"
create = "2026-11-23 11:00"
definition = [{}]
by = { service = "sagemaker.amazonaws.com" }
[[model]]
name = "churn-{}"
count = 25
data = "s3://ml/model.tar.gz"
tags = { team = "nlp" }
created = "-3d"
apart = "1h"
[[model]]
name = "several"
containers = ["image-1", "image-2"]
[[endpoint-config]]
name = "real-time"
variants = [
    { name = "blue", model = "churn-00000", instance-type = "ml.g5.xlarge", instance-count = 2, weight = 3 },
    { name = "green", model = "several", definition = { ManagedInstanceScaling = { Status = "ENABLED", MinInstanceCount = 1, MaxInstanceCount = 3 } } },
]
[[endpoint-config]]
name = "serverless"
model = "churn-00001"
serverless = { memory-mb = 2048, max-concurrency = 5 }
[[endpoint-config]]
name = "async"
model = "churn-00002"
asynchronous = true
[[endpoint-config]]
name = "components"
instance-type = "ml.g5.xlarge"
[[endpoint]]
name = "Real-Time"
config = "real-time"
tags = { Owner = "ann@example.com" }
[[endpoint]]
name = "serverless"
[[endpoint]]
name = "async"
[[endpoint]]
name = "components"
[[endpoint]]
name = "broken"
config = "async"
status = "Failed"
since = "-1d"
[[inference-component]]
name = "llm"
endpoint = "components"
model = "churn-00003"
copies = 2
accelerators = 1
[[processing-job]]
name = "prep"
instance-count = 2
takes = "2h"
since = "-10m"
tags = { Owner = "ann@example.com" }
[[processing-job]]
name = "old-{}"
count = 12
apart = "1h"
status = "Completed"
since = "-1d"
[[processing-job]]
name = "bad"
status = "Failed"
failure = "ClientError: no such file"
[[transform-job]]
name = "score"
model = "churn-00000"
takes = "30m"
since = "-1m"
[[automl-job]]
name = "pilot"
takes = "3h"
[[resource]]
kind = "feature-group"
name = "customers_{}"
count = 11
[[resource]]
kind = "pipeline"
name = "nightly"
executions = ["-2d", "-1d", "-10m"]
by = { role = "SageMakerExecution", source-identity = "ann" }
tags = { team = "nlp" }
[[resource]]
kind = "mlflow-tracking-server"
name = "tracking"
[[resource]]
kind = "cluster"
name = "hyper"
instance-type = "ml.m5.xlarge"
instance-count = 3
[[endpoint]]
name = "planned"
config = "async"
tags = { Owner = "eve@example.com" }
create = { at = "2026-11-23 12:00", zone = "Europe/Berlin" }
by = { federated = "eve" }
plan = [{ at = "2026-11-23 12:00", do = "delete" }]
[[endpoint]]
name = "too-many"
config = "async"
create = "2026-11-23 11:00"
by = { identity-center = "544894e8-80c1-707f-60e3-3ba6510dfac1" }
fails = "ResourceLimitExceeded"
[[processing-job]]
name = "daily"
submit = ["mon-fri 11:00"]
by = { unknown = true }
"""
ROLE = "arn:aws:iam::123456789012:role/DataScience"


def at(hour, minute=0, day=23):
    return datetime.datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def pages(call, items, **arguments):
    """All items, and how many there were on each page."""
    all, sizes, token = [], [], {}
    while True:
        answer = call(**arguments, **token)
        all += answer[items]
        sizes.append(len(answer[items]))
        if "NextToken" not in answer:
            return all, sizes
        token = {"NextToken": answer["NextToken"]}


LISTS = [
    ("list_models", "Models", "ModelName", "Model", 26),
    ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", "EndpointConfig", 4),
    ("list_endpoints", "Endpoints", "EndpointName", "Endpoint", 5),
    ("list_inference_components", "InferenceComponents", "InferenceComponentName", "InferenceComponent", 1),
    ("list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobName", "ProcessingJob", 14),
    ("list_transform_jobs", "TransformJobSummaries", "TransformJobName", "TransformJob", 1),
    ("list_auto_ml_jobs", "AutoMLJobSummaries", "AutoMLJobName", "AutoMLJob", 1),
    ("list_feature_groups", "FeatureGroupSummaries", "FeatureGroupName", "FeatureGroup", 11),
    ("list_pipelines", "PipelineSummaries", "PipelineName", "Pipeline", 1),
    ("list_mlflow_tracking_servers", "TrackingServerSummaries", "TrackingServerName", "TrackingServer", 1),
    ("list_clusters", "ClusterSummaries", "ClusterName", "Cluster", 1),
]
NOT_FOUND = {"AutoMLJob", "FeatureGroup", "Pipeline", "TrackingServer", "Cluster"}
DESCRIBES = {"AutoMLJob": "describe_auto_ml_job_v2", "TrackingServer": "describe_mlflow_tracking_server"}


def snake(noun):
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in noun).lstrip("_")


@pytest.mark.parametrize("operation, items, field, noun, count", LISTS)
def test_each_kind_is_listed_by_pages_and_described(simulated, operation, items, field, noun, count):
    sagemaker = simulated.client("sagemaker")
    call = getattr(sagemaker, operation)
    all, sizes = pages(call, items)
    assert len(all) == len({one[field] for one in all}) == count
    assert sizes[:-1] == [10] * (len(sizes) - 1), "AWS's default page"
    small, sizes = pages(call, items, MaxResults=3)
    assert small == all and set(sizes[:-1]) <= {3}
    for order, turned in (("Ascending", False), ("Descending", True)):
        by_name = "NAME" if noun == "Cluster" else "Name"
        sorted_ones, _ = pages(call, items, SortBy=by_name, SortOrder=order, MaxResults=4)
        names = [one[field].lower() for one in sorted_ones]
        assert names == sorted(names, reverse=turned) and len(names) == count
        by_time = "CREATION_TIME" if noun == "Cluster" else "CreationTime"
        times = [one["CreationTime"] for one in pages(call, items, SortBy=by_time, SortOrder=order, MaxResults=4)[0]]
        assert times == sorted(times, reverse=turned) and len(times) == count
    created = "Created" if noun in ("Pipeline", "TrackingServer") else "CreationTime"
    long_ago = datetime.datetime(2026, 10, 1, tzinfo=UTC)
    assert call(**{f"{created}After": at(9)})[items] == call(**{f"{created}Before": long_ago})[items] == []
    assert len(pages(call, items, **{f"{created}Before": at(8, 1)})[0]) == count
    describe = getattr(sagemaker, DESCRIBES.get(noun, f"describe_{snake(noun)}"))
    for one in all[:3]:
        described = describe(**{field: one[field]})
        arn = f"{noun}Arn"
        assert (described[field], described[arn], described["CreationTime"]) == (one[field], one[arn], one["CreationTime"])
        status = f"{noun}Status"
        assert described.get(status) == one.get(status) or noun == "Pipeline"
    assert refused(call, MaxResults=10, NextToken="nonsense")[0] == "ValidationException"
    code, message = refused(describe, **{field: "nobody"})
    assert (code, "nobody" in message) == (("ResourceNotFound" if noun in NOT_FOUND else "ValidationException"), True)


def test_filters(simulated):
    sagemaker = simulated.client("sagemaker")

    def names(answer):
        [items] = [value for key, value in answer.items() if key not in ("ResponseMetadata", "NextToken")]
        return [next(value for key, value in one.items() if key.endswith("Name") and not key.startswith("Endpoint")) for one in items]

    def endpoints(**arguments):
        return sorted(one["EndpointName"] for one in sagemaker.list_endpoints(**arguments)["Endpoints"])

    assert endpoints(StatusEquals="InService") == ["Real-Time", "async", "components", "serverless"]
    assert endpoints(StatusEquals="Failed") == ["broken"] and endpoints(NameContains="ync") == ["async"]
    assert endpoints(LastModifiedTimeAfter=at(0, day=22)) == ["broken"]
    assert names(sagemaker.list_processing_jobs(StatusEquals="Failed")) == ["bad"]
    assert names(sagemaker.list_processing_jobs(NameContains="00003")) == ["old-00003"]
    assert names(sagemaker.list_transform_jobs(StatusEquals="Completed")) == []
    assert names(sagemaker.list_auto_ml_jobs(StatusEquals="InProgress", NameContains="il")) == ["pilot"]
    assert len(names(sagemaker.list_models(NameContains="churn", MaxResults=100))) == 25
    assert names(sagemaker.list_models(CreationTimeAfter=at(8, day=20), SortBy="Name")) == ["churn-00000"], "at this moment, too"
    assert names(sagemaker.list_inference_components(EndpointNameEquals="components", VariantNameEquals="AllTraffic")) == ["llm"]
    assert names(sagemaker.list_inference_components(EndpointNameEquals="components", VariantNameEquals="x")) == []
    assert names(sagemaker.list_inference_components(EndpointNameEquals="async")) == []
    assert len(names(sagemaker.list_feature_groups(FeatureGroupStatusEquals="Created", OfflineStoreStatusEquals="Active"))) == 10
    assert names(sagemaker.list_feature_groups(OfflineStoreStatusEquals="Blocked")) == []
    assert names(sagemaker.list_pipelines(PipelineNamePrefix="night")) == ["nightly"] and names(sagemaker.list_pipelines(PipelineNamePrefix="ight")) == []
    assert names(sagemaker.list_pipelines(ManagedBy="AWS")) == []
    assert names(sagemaker.list_mlflow_tracking_servers(TrackingServerStatus="Created", MlflowVersion="3.0.0")) == ["tracking"]
    assert names(sagemaker.list_mlflow_tracking_servers(TrackingServerStatus="Stopped")) == []
    assert names(sagemaker.list_clusters(NameContains="hyp")) == ["hyper"]
    plan = ARN + "training-plan/nothing-of-this-name"
    assert names(sagemaker.list_clusters(TrainingPlanArn=plan)) == [], "what does not match is left out of its page"
    assert refused(sagemaker.list_endpoints, StatusEquals="Running")[0] == "ValidationException"
    assert refused(sagemaker.list_models, SortBy="Status")[0] == "ValidationException"


def test_endpoints_say_what_they_are(simulated):
    sagemaker = simulated.client("sagemaker")
    real_time = sagemaker.describe_endpoint(EndpointName="Real-Time")
    blue, green = real_time["ProductionVariants"]
    assert (blue["CurrentInstanceCount"], blue["DesiredInstanceCount"], blue["CurrentWeight"]) == (2, 2, 3.0)
    assert "InstanceType" not in blue and blue["DeployedImages"][0]["SpecifiedImage"].endswith("ml:1")
    assert green["ManagedInstanceScaling"]["MaxInstanceCount"] == 3
    config = sagemaker.describe_endpoint_config(EndpointConfigName=real_time["EndpointConfigName"])
    assert [one["InstanceType"] for one in config["ProductionVariants"]] == ["ml.g5.xlarge", "ml.m5.xlarge"]
    [serverless] = sagemaker.describe_endpoint(EndpointName="serverless")["ProductionVariants"]
    assert serverless["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5} and serverless["CurrentInstanceCount"] == 0
    assert "OutputConfig" in sagemaker.describe_endpoint(EndpointName="async")["AsyncInferenceConfig"]
    component = sagemaker.describe_inference_component(InferenceComponentName="llm")
    assert component["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
    assert (component["EndpointName"], component["VariantName"]) == ("components", "AllTraffic")
    [variant] = sagemaker.describe_endpoint_config(EndpointConfigName="components")["ProductionVariants"]
    assert "ModelName" not in variant, "inference components bring it"
    broken = sagemaker.describe_endpoint(EndpointName="broken")
    assert (broken["EndpointStatus"], "FailureReason" in broken, broken["LastModifiedTime"]) == ("Failed", True, at(8, day=22))
    models = sagemaker.describe_model(ModelName="several"), sagemaker.describe_model(ModelName="churn-00000")
    assert [one["Image"] for one in models[0]["Containers"]] == ["image-1", "image-2"]
    assert models[1]["PrimaryContainer"]["ModelDataUrl"] == "s3://ml/model.tar.gz" and models[1]["CreationTime"] == at(8, day=20)
    assert refused(sagemaker.describe_endpoint, EndpointName="x") == ("ValidationException", f'Could not find endpoint "{ARN}endpoint/x".')
    assert refused(sagemaker.describe_model, ModelName="x") == ("ValidationException", f'Could not find model "{ARN}model/x".')


def test_hosting_is_created_and_deleted(simulated):
    sagemaker = simulated.client("sagemaker")
    tags = [{"Key": "Owner", "Value": "ann"}]
    container = {"Image": "x", "ModelDataUrl": "s3://ml/m.tar.gz", "Environment": {"a": "b"}}
    model = sagemaker.create_model(ModelName="New", ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=tags)["ModelArn"]
    assert model == ARN + "model/new"
    assert sagemaker.describe_model(ModelName="New")["PrimaryContainer"] == dict(container, Mode="SingleModel")
    code, message = refused(sagemaker.create_model, ModelName="New", ExecutionRoleArn=ROLE)
    assert (code, message) == ("ValidationException", f'Cannot create already existing model "{model}".')
    variant = {"VariantName": "a", "ModelName": "New", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
    assert refused(sagemaker.create_endpoint_config, EndpointConfigName="new", ProductionVariants=[dict(variant, ModelName="x")])[1].startswith("Could not find model")
    assert refused(sagemaker.create_endpoint_config, EndpointConfigName="new", ProductionVariants=[{"VariantName": "a"}])[0] == "ValidationException"
    small = dict(variant, ServerlessConfig={"MemorySizeInMB": 100, "MaxConcurrency": 1})
    with pytest.raises(Exception, match="MemorySizeInMB|memorySizeInMB"):
        sagemaker.create_endpoint_config(EndpointConfigName="new", ProductionVariants=[small])
    shadow = dict(variant, VariantName="shadow")
    capture = {"EnableCapture": True, "InitialSamplingPercentage": 10, "DestinationS3Uri": "s3://ml/capture", "CaptureOptions": [{"CaptureMode": "Input"}]}
    config = sagemaker.create_endpoint_config(
        EndpointConfigName="new", ProductionVariants=[variant], ShadowProductionVariants=[shadow], DataCaptureConfig=capture, Tags=tags
    )["EndpointConfigArn"]
    assert sagemaker.describe_endpoint_config(EndpointConfigName="new")["DataCaptureConfig"] == capture
    assert refused(sagemaker.create_endpoint, EndpointName="new", EndpointConfigName="x")[1] == f'Could not find endpoint configuration "{ARN}endpoint-config/x".'
    endpoint = sagemaker.create_endpoint(EndpointName="new", EndpointConfigName="new", Tags=tags)["EndpointArn"]
    creating = sagemaker.describe_endpoint(EndpointName="new")
    assert creating["EndpointStatus"] == "Creating" and "ProductionVariants" not in creating
    assert creating["PendingDeploymentSummary"]["ProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"
    assert refused(sagemaker.delete_endpoint, EndpointName="new") == ("ValidationException", f'Cannot update in-progress endpoint "{endpoint}".')
    simulated.control("advance", {"by": "5m"})
    ready = sagemaker.describe_endpoint(EndpointName="new")
    assert ready["EndpointStatus"] == "InService" and "PendingDeploymentSummary" not in ready
    assert ready["ShadowProductionVariants"][0]["VariantName"] == "shadow" and ready["DataCaptureConfig"]["CaptureStatus"] == "Started"
    component = dict(
        InferenceComponentName="ic",
        EndpointName="new",
        VariantName="a",
        Specification={"ModelName": "New", "Container": {"Image": "y"}, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 128}},
        RuntimeConfig={"CopyCount": 1},
    )
    arn = sagemaker.create_inference_component(**component, Tags=tags)["InferenceComponentArn"]
    assert sagemaker.describe_inference_component(InferenceComponentName="ic")["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"] == "y"
    assert refused(sagemaker.create_inference_component, **dict(component, EndpointName="x"))[1].startswith("Cannot create already existing")
    for one in (model, config, endpoint, arn):
        assert sagemaker.list_tags(ResourceArn=one)["Tags"] == tags
    assert refused(sagemaker.delete_endpoint, EndpointName="new")[0] == "ValidationException", "inference components are on it"
    simulated.control("advance", {"by": "5m"})
    sagemaker.delete_inference_component(InferenceComponentName="ic")
    sagemaker.delete_endpoint_config(EndpointConfigName="new")
    simulated.control("advance", {"by": "2m"})
    assert refused(sagemaker.describe_inference_component, InferenceComponentName="ic")[0] == "ValidationException"
    assert refused(sagemaker.describe_endpoint_config, EndpointConfigName="new")[1].startswith("Could not find endpoint configuration")
    assert sagemaker.describe_endpoint(EndpointName="new")["EndpointConfigName"] == "new", "it lives on"
    sagemaker.delete_endpoint(EndpointName="new")
    sagemaker.delete_model(ModelName="New")
    assert sagemaker.describe_endpoint(EndpointName="new")["EndpointStatus"] == "Deleting"
    simulated.control("advance", {"by": "2m"})
    assert refused(sagemaker.describe_endpoint, EndpointName="new")[0] == refused(sagemaker.list_tags, ResourceArn=endpoint)[0] == "ValidationException"
    assert refused(sagemaker.describe_model, ModelName="New")[0] == "ValidationException"
    told = [event["detail"] for event in simulated.control("events") if event["detail-type"] == "SageMaker Endpoint State Change"]
    told = [(one["EndpointStatus"], one["ProductionVariants"]) for one in told if one["EndpointName"] == "new"]
    one = [{"DesiredWeight": 1.0, "DesiredInstanceCount": 1.0}]
    assert told == [(status, one) for status in ("CREATING", "IN_SERVICE", "DELETING", "DELETED")]


def test_an_endpoints_event_is_odd(simulated):
    sagemaker = simulated.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName="Real-Time")
    [event] = simulated.control("events")
    assert event["time"] == str(int(at(8).timestamp() * 1000)) and event["resources"] == [ARN + "endpoint/real-time"]
    detail = event["detail"]
    assert detail["LastModifiedTime"] == at(8).timestamp() * 1000.0 and detail["Tags"] == {"Owner": "ann@example.com"}
    assert detail["ProductionVariants"] == [{"DesiredWeight": 3.0, "DesiredInstanceCount": 2.0}, {"DesiredWeight": 1.0, "DesiredInstanceCount": 1.0}]


PROCESSING = dict(
    ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}},
    AppSpecification={"ImageUri": "x", "ContainerArguments": ["a"]},
    RoleArn=ROLE,
)
TRANSFORM = dict(
    ModelName="churn-00000",
    TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://ml/in"}}},
    TransformOutput={"S3OutputPath": "s3://ml/out"},
    TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
)
AUTO_ML = dict(
    AutoMLJobInputDataConfig=[{"ChannelType": "training", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://ml/in"}}}],
    OutputDataConfig={"S3OutputPath": "s3://ml/out"},
    AutoMLProblemTypeConfig={"TabularJobConfig": {"TargetAttributeName": "y"}},
    RoleArn=ROLE,
)


def test_jobs_live_and_are_stopped(simulated):
    sagemaker = simulated.client("sagemaker")
    tags = [{"Key": "Owner", "Value": "ann"}]
    arn = sagemaker.create_processing_job(ProcessingJobName="New", **PROCESSING, StoppingCondition={"MaxRuntimeInSeconds": 1800}, Tags=tags)["ProcessingJobArn"]
    code, message = refused(sagemaker.create_processing_job, ProcessingJobName="new", **PROCESSING)
    assert (code, message) == (
        "ResourceInUse",
        f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    )
    new = sagemaker.describe_processing_job(ProcessingJobName="New")
    assert new["ProcessingJobStatus"] == "InProgress" and "ProcessingStartTime" not in new
    assert {name: new[name] for name in PROCESSING} == PROCESSING
    simulated.control("advance", {"by": "5m"})
    assert sagemaker.describe_processing_job(ProcessingJobName="New")["ProcessingStartTime"] == at(8, 4)
    simulated.control("advance", {"by": "30m"})
    new = sagemaker.describe_processing_job(ProcessingJobName="New")
    assert (new["ProcessingJobStatus"], new["ProcessingEndTime"]) == ("Stopped", at(8, 34)), "after MaxRuntimeInSeconds"
    told = [event for event in simulated.control("events") if event["detail-type"] == "SageMaker Processing Job State Change"]
    mine = [event["detail"] for event in told if event["resources"] == [arn]]
    assert [one["ProcessingJobStatus"] for one in mine] == ["InProgress", "Stopped"]
    assert mine[1]["ProcessingStartTime"] == at(8, 4).timestamp() * 1000 and mine[1]["Tags"] == {"Owner": "ann"}
    sagemaker.stop_processing_job(ProcessingJobName="prep")
    assert sagemaker.describe_processing_job(ProcessingJobName="prep")["ProcessingJobStatus"] == "Stopping"
    sagemaker.stop_processing_job(ProcessingJobName="prep")
    simulated.control("advance", {"by": "2m"})
    code, message = refused(sagemaker.stop_processing_job, ProcessingJobName="prep")
    assert (code, message) == ("ValidationException", "The request was rejected because the processing job is in status Stopped.")
    assert refused(sagemaker.stop_processing_job, ProcessingJobName="x") == ("ValidationException", "Could not find job to update with name x")
    assert refused(sagemaker.describe_processing_job, ProcessingJobName="x") == ("ValidationException", "Could not find requested job with name: x")
    assert sagemaker.describe_processing_job(ProcessingJobName="bad")["FailureReason"] == "ClientError: no such file"

    arn = sagemaker.create_transform_job(TransformJobName="new", **TRANSFORM, Tags=tags)["TransformJobArn"]
    assert refused(sagemaker.create_transform_job, TransformJobName="other", **dict(TRANSFORM, ModelName="x"))[1].startswith("Could not find model")
    simulated.control("advance", {"by": "2h"})
    score, new = (sagemaker.describe_transform_job(TransformJobName=name) for name in ("score", "new"))
    assert (score["TransformJobStatus"], score["TransformStartTime"], score["TransformEndTime"]) == ("Completed", at(8, 3), at(8, 33))
    assert {name: new[name] for name in TRANSFORM} == TRANSFORM
    told = [event["detail"] for event in simulated.control("events") if event["detail-type"] == "SageMaker Transform Job State Change"]
    mine = [one for one in told if one["TransformJobArn"] == arn]
    assert [one["TransformJobStatus"] for one in mine] == ["InProgress", "Completed"] and mine[1]["CreationTime"] == "2026-11-23T08:37:00Z"
    code, message = refused(sagemaker.stop_transform_job, TransformJobName="new")
    assert (code, message) == ("ValidationException", "The request was rejected because the transform job is in status Completed.")
    sagemaker.create_transform_job(TransformJobName="newer", **TRANSFORM)
    sagemaker.stop_transform_job(TransformJobName="newer")
    simulated.control("advance", {"by": "2m"})
    newer = sagemaker.describe_transform_job(TransformJobName="newer")
    assert newer["TransformJobStatus"] == "Stopped" and "TransformStartTime" not in newer, "it never had its instances"

    sagemaker.create_auto_ml_job_v2(AutoMLJobName="new", **AUTO_ML, Tags=tags)
    new = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="new")
    assert (new["AutoMLJobStatus"], new["AutoMLProblemTypeConfigName"]) == ("InProgress", "Tabular")
    sagemaker.stop_auto_ml_job(AutoMLJobName="new")
    simulated.control("advance", {"by": "2m"})
    new = sagemaker.describe_auto_ml_job_v2(AutoMLJobName="new")
    assert (new["AutoMLJobStatus"], new["AutoMLJobSecondaryStatus"], "EndTime" in new) == ("Stopped", "Stopped", True)
    assert refused(sagemaker.stop_auto_ml_job, AutoMLJobName="x")[0] == "ResourceNotFound"


def test_what_is_stored_is_created_read_back_and_deleted(simulated):
    sagemaker = simulated.client("sagemaker")
    tags = [{"Key": "Owner", "Value": "ann"}]
    features = [{"FeatureName": "id", "FeatureType": "String"}, {"FeatureName": "t", "FeatureType": "Fractional"}]
    group = dict(RecordIdentifierFeatureName="id", EventTimeFeatureName="t", FeatureDefinitions=features, OnlineStoreConfig={"EnableOnlineStore": True})
    arns = [sagemaker.create_feature_group(FeatureGroupName="a_b", **group, Tags=tags)["FeatureGroupArn"]]
    assert refused(sagemaker.create_feature_group, FeatureGroupName="a_b", **group)[0] == "ResourceInUse"
    described = sagemaker.describe_feature_group(FeatureGroupName=arns[0])
    assert (described["FeatureGroupStatus"], described["OnlineStoreConfig"], "OfflineStoreStatus" in described) == ("Creating", {"EnableOnlineStore": True}, False)
    pipeline = dict(PipelineDefinition="{}", RoleArn=ROLE, ClientRequestToken="0" * 32)
    arns.append(sagemaker.create_pipeline(PipelineName="Mine", PipelineDescription="x", **pipeline, Tags=tags)["PipelineArn"])
    assert "(Mine) already exists" in refused(sagemaker.create_pipeline, PipelineName="Mine", **pipeline)[1]
    assert sagemaker.describe_pipeline(PipelineName=arns[1])["CreatedBy"]["IamIdentity"]["Arn"].endswith(":user/simulated")
    server = dict(ArtifactStoreUri="s3://ml/x", RoleArn=ROLE, TrackingServerSize="Large", MlflowVersion="2.16.2")
    arns.append(sagemaker.create_mlflow_tracking_server(TrackingServerName="mine", **server, Tags=tags)["TrackingServerArn"])
    assert sagemaker.describe_mlflow_tracking_server(TrackingServerName="mine")["IsActive"] == "Inactive"
    groups = [{"InstanceGroupName": "g", "InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "ExecutionRole": ROLE,
               "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-x", "OnCreate": "x.sh"}}]
    arns.append(sagemaker.create_cluster(ClusterName="mine", InstanceGroups=groups, Tags=tags)["ClusterArn"])
    assert sagemaker.describe_cluster(ClusterName=arns[3])["InstanceGroups"][0]["CurrentCount"] == 0
    simulated.control("advance", {"by": "1h"})
    assert sagemaker.describe_feature_group(FeatureGroupName="a_b")["FeatureGroupStatus"] == "Created"
    assert sagemaker.describe_mlflow_tracking_server(TrackingServerName="mine")["TrackingServerStatus"] == "Created"
    cluster = sagemaker.describe_cluster(ClusterName="mine")
    assert (cluster["ClusterStatus"], cluster["InstanceGroups"][0]["CurrentCount"], cluster["InstanceGroups"][0]["TargetCount"]) == ("InService", 2, 2)
    for arn in arns:
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    sagemaker.delete_feature_group(FeatureGroupName="a_b")
    sagemaker.delete_pipeline(PipelineName="Mine", ClientRequestToken="0" * 32)
    sagemaker.delete_mlflow_tracking_server(TrackingServerName="mine")
    sagemaker.delete_cluster(ClusterName="mine")
    assert sagemaker.describe_pipeline(PipelineName="Mine")["PipelineStatus"] == "Deleting"
    simulated.control("advance", {"by": "1h"})
    for call, name in (
        (sagemaker.describe_feature_group, {"FeatureGroupName": "a_b"}),
        (sagemaker.describe_pipeline, {"PipelineName": "Mine"}),
        (sagemaker.describe_mlflow_tracking_server, {"TrackingServerName": "mine"}),
        (sagemaker.describe_cluster, {"ClusterName": "mine"}),
    ):
        assert refused(call, **name)[0] == "ResourceNotFound"


def test_a_pipeline_knows_its_executions(simulated):
    sagemaker = simulated.client("sagemaker")
    executions = sagemaker.list_pipeline_executions(PipelineName="nightly")["PipelineExecutionSummaries"]
    assert [one["StartTime"] for one in executions] == [at(7, 50), at(8, day=22), at(8, day=21)]
    assert [one["PipelineExecutionStatus"] for one in executions] == ["Executing", "Succeeded", "Succeeded"]
    assert len({one["PipelineExecutionArn"] for one in executions}) == 3
    call = sagemaker.list_pipeline_executions
    all, sizes = pages(call, "PipelineExecutionSummaries", PipelineName=ARN + "pipeline/nightly", MaxResults=2, SortBy="PipelineExecutionArn")
    assert (len(all), sizes) == (3, [2, 1])
    assert len(call(PipelineName="nightly", CreatedAfter=at(9, day=22))["PipelineExecutionSummaries"]) == 1
    pipeline = sagemaker.describe_pipeline(PipelineName="nightly")
    assert pipeline["LastRunTime"] == at(7, 50) and pipeline["CreatedBy"]["UserProfileName"] == "ann"
    assert sagemaker.list_pipelines()["PipelineSummaries"][0]["LastExecutionTime"] == at(7, 50)
    simulated.control("advance", {"by": "1h"})
    assert call(PipelineName="nightly")["PipelineExecutionSummaries"][0]["PipelineExecutionStatus"] == "Succeeded"
    assert refused(call, PipelineName="nobody")[0] == "ResourceNotFound"
    sagemaker.delete_pipeline(PipelineName="nightly", ClientRequestToken="0" * 32)
    simulated.control("advance", {"by": "2m"})
    assert refused(call, PipelineName="nightly")[0] == "ResourceNotFound"


def test_tags_and_the_index_know_all_kinds(simulated):
    sagemaker, tagging = simulated.client("sagemaker"), simulated.client("resourcegroupstaggingapi")

    def indexed(*kinds, **more):
        return {one["ResourceARN"]: one["Tags"] for one in pages(lambda **token: page(tagging, kinds, token, **more), "items")[0]}

    assert set(indexed("sagemaker:pipeline")) == {ARN + "pipeline/nightly"}
    assert len(indexed("sagemaker:model")) == 25, "what was never tagged is not named"
    both = indexed("sagemaker:processing-job", "sagemaker:endpoint")
    assert set(both) == {ARN + "endpoint/real-time", ARN + "processing-job/prep"}
    assert len(indexed("sagemaker")) == len(indexed()) == 28
    simulated_arns = [one["arn"] for one in simulated.control("resources")]
    for arn in simulated_arns:
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "audit", "Value": "1"}])
    assert set(indexed("sagemaker")) == set(simulated_arns)
    sagemaker.delete_tags(ResourceArn=ARN + "feature-group/customers_00000", TagKeys=["audit"])
    assert indexed("sagemaker:feature-group")[ARN + "feature-group/customers_00000"] == []
    assert len(indexed("sagemaker:feature-group", TagFilters=[{"Key": "audit", "Values": ["1"]}])) == 10
    many = [{"Key": str(number), "Value": "x"} for number in range(50)]
    endpoint = ARN + "endpoint/real-time"
    assert refused(sagemaker.add_tags, ResourceArn=endpoint, Tags=many)[0] == "ResourceLimitExceeded"
    assert refused(sagemaker.add_tags, ResourceArn=endpoint, Tags=[{"Key": "a", "Value": "x;y"}])[0] == "ValidationException"
    assert refused(sagemaker.create_model, ModelName="m", ExecutionRoleArn=ROLE, Tags=[{"Key": "aws:x", "Value": "x"}])[0] == "ValidationException"
    assert refused(sagemaker.create_model, ModelName="m", ExecutionRoleArn=ROLE, Tags=many + many)[0] == "ValidationException"
    simulated.control("deed", {"to": "endpoint/real-time", "do": "tag Owner=bob"})
    simulated.control("deed", {"to": ARN + "model/several", "do": "tag Owner=bob"})
    simulated.control("deed", {"to": ARN + "domain/d-1", "do": "untag audit"})
    told = {one["arn"]: one["tags"] for one in simulated.control("resources")}
    assert (told[endpoint]["Owner"], told[ARN + "model/several"]["Owner"], told[ARN + "domain/d-1"]) == ("bob", "bob", {})


def page(tagging, kinds, token, **more):
    if token:
        more["PaginationToken"] = token["NextToken"]
    answer = tagging.get_resources(ResourcesPerPage=7, ResourceTypeFilters=list(kinds), **more)
    found = {"items": answer["ResourceTagMappingList"]}
    return dict(found, NextToken=answer["PaginationToken"]) if answer["PaginationToken"] else found


def trail(simulated):
    events = [event for event in simulated.control("events") if event["detail-type"] == "AWS API Call via CloudTrail"]
    assert all(event["source"] == "aws.sagemaker" and event["resources"] == [] for event in events)
    return [event["detail"] for event in events]


def test_the_trail_tells_who_created_what(simulated):
    assert trail(simulated) == [], "what was there before has been told"
    simulated.control("advance", {"by": "3h 1m"})
    told = {}
    for detail in trail(simulated):
        told.setdefault(detail["eventName"], []).append(detail)
        assert (detail["eventSource"], detail["eventTime"], detail["awsRegion"]) == ("sagemaker.amazonaws.com", "2026-11-23T11:00:00Z", "eu-central-1")
    identities = {name: details[0]["userIdentity"] for name, details in told.items()}

    notebook = told["CreateNotebookInstance"][0]
    assert notebook["requestParameters"]["tags"] == [{"key": "Owner", "value": "dora@example.com"}]
    assert notebook["requestParameters"]["notebookInstanceName"] == "eda" and notebook["requestParameters"]["instanceType"] == "ml.t3.medium"
    assert notebook["responseElements"] == {"notebookInstanceArn": ARN + "notebook-instance/eda"}
    arn = identities["CreateNotebookInstance"]["arn"]
    assert arn.split(":", 5)[5].split("/")[::2] == ["assumed-role", "dora@example.com"] and "/AWSReservedSSO_DataScientist_" in arn
    assert identities["CreateNotebookInstance"]["sessionContext"]["sessionIssuer"]["userName"].startswith("AWSReservedSSO_DataScientist_")

    app = told["CreateApp"][0]
    assert app["requestParameters"]["resourceSpec"] == {"instanceType": "ml.t3.medium"} and app["requestParameters"]["spaceName"] == "lab"
    assert identities["CreateApp"]["sessionContext"]["sourceIdentity"] == "ann" and identities["CreateApp"]["arn"].endswith("/SageMakerExecution/SageMaker")
    assert identities["CreateUserProfile"]["principalId"].endswith(":carl")
    assert identities["CreateUserProfile"]["sessionContext"]["sessionIssuer"]["arn"] == "arn:aws:iam::123456789012:role/Admin"
    assert (identities["CreateSpace"]["type"], identities["CreateSpace"]["userName"]) == ("IAMUser", "ann")
    training = told["CreateTrainingJob"][0]
    assert identities["CreateTrainingJob"]["type"] == "Root" and training["requestParameters"]["trainingJobName"] == "churn"
    assert training["requestParameters"]["disableEFA"] is False and training["requestParameters"]["trainingJobArn"] == ARN + "training-job/churn"
    assert identities["CreateHyperParameterTuningJob"] == {"type": "AWSService", "invokedBy": "sagemaker.amazonaws.com"}
    processing = told["CreateProcessingJob"][0]
    assert processing["requestParameters"]["processingJobName"].startswith("daily-2026-11-23-11-00-00-")
    assert processing["requestParameters"]["processingResources"]["clusterConfig"]["volumeSizeInGB"] == 30
    assert identities["CreateProcessingJob"] == {"type": "Unknown"}
    made, failed = sorted(told["CreateEndpoint"], key=lambda one: "errorCode" in one)
    assert made["userIdentity"]["type"] == "FederatedUser" and made["userIdentity"]["arn"].endswith(":federated-user/eve")
    assert made["requestParameters"] == {"endpointConfigName": "async", "endpointName": "planned", "tags": [{"key": "Owner", "value": "eve@example.com"}]}
    assert (failed["errorCode"], failed["responseElements"], failed["userIdentity"]["type"]) == ("ResourceLimitExceeded", None, "IdentityCenterUser")
    assert failed["errorMessage"] and failed["userIdentity"]["onBehalfOf"]["userId"].startswith("544894e8")

    sagemaker = simulated.client("sagemaker")
    there = [one["EndpointName"] for one in sagemaker.list_endpoints(SortBy="Name", SortOrder="Ascending")["Endpoints"]]
    assert "planned" in there and "too-many" not in there
    assert sagemaker.describe_space(DomainId="d-1", SpaceName="later")["CreationTime"] == at(11)
    idle = sagemaker.describe_space(DomainId="d-1", SpaceName="later")["SpaceSettings"]["JupyterLabAppSettings"]
    assert idle == {"AppLifecycleManagement": {"IdleSettings": {"IdleTimeoutInMinutes": 90}}}
    assert sagemaker.describe_user_profile(DomainId="d-1", UserProfileName="bob")["CreationTime"] == at(11)
    assert sagemaker.list_tags(ResourceArn=ARN + "notebook-instance/eda")["Tags"] == [{"Key": "Owner", "Value": "dora@example.com"}]
    simulated.control("advance", {"by": "1d"})
    assert [one["eventName"] for one in trail(simulated)] == ["CreateProcessingJob"], "again the next day"
    assert refused(sagemaker.describe_endpoint, EndpointName="planned")[0] == "ValidationException", "deleted as planned"


def test_calls_are_in_the_trail(simulated):
    sagemaker = simulated.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="mine", EndpointConfigName="async", Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.create_processing_job(ProcessingJobName="mine", **PROCESSING, Environment={"SOME_KEY": "x"})
    refused(sagemaker.create_model, ModelName="several", ExecutionRoleArn=ROLE)
    sagemaker.list_models()
    sagemaker.create_user_profile(DomainId="d-1", UserProfileName="new")
    sagemaker.create_space(DomainId="d-1", SpaceName="new", OwnershipSettings={"OwnerUserProfileName": "new"}, SpaceSharingSettings={"SharingType": "Private"})
    simulated.control("fault", {"on": "sagemaker:CreateModel", "what": "access-denied"})
    refused(sagemaker.create_model, ModelName="denied", ExecutionRoleArn=ROLE)
    endpoint, job, model, profile, space, denied = trail(simulated)
    assert (endpoint["userIdentity"]["userName"], endpoint["responseElements"]) == ("simulated", {"endpointArn": ARN + "endpoint/mine"})
    assert endpoint["requestParameters"]["tags"] == [{"key": "a", "value": "b"}]
    assert job["requestParameters"]["environment"] == {"SOME_KEY": "x"}, "these keys are the customer's"
    assert (model["errorCode"], model["responseElements"]) == ("ValidationException", None)
    assert profile["responseElements"] == {"userProfileArn": ARN + "user-profile/d-1/new"}
    assert space["requestParameters"]["ownershipSettings"] == {"ownerUserProfileName": "new"}
    assert denied["errorCode"] == "AccessDeniedException" and ARN + "model/denied" in denied["errorMessage"]
    assert refused(sagemaker.create_user_profile, DomainId="d-1", UserProfileName="new")[0] == "ResourceInUse"
    assert refused(sagemaker.create_space, DomainId="d-2", SpaceName="x")[0] == "ResourceNotFound"
    simulated.control("fault", {"on": "*", "what": "duplicate-events"})
    trail(simulated)
    sagemaker.create_endpoint(EndpointName="again", EndpointConfigName="async")
    assert len(trail(simulated)) == 2


def test_what_has_instances_is_on_the_bill(simulated):
    simulated.control("advance", {"by": "2h"})
    bill = {line["name"]: line for line in simulated.control("bill")}
    assert (bill["Real-Time"]["kind"], bill["Real-Time"]["seconds"], bill["Real-Time"]["owner"]) == ("endpoint", 7200, "ann@example.com")
    rows = [row for row in simulated.control("spend")["rows"] if row["day"] == "2026-11-23"]
    hours = {row["usage-type"]: float(row["quantity"]) for row in rows if row["service"] == "Amazon SageMaker" and not row["tags"]}
    assert hours["EUC1-Host:ml.g5.xlarge"] == 10 and hours["EUC1-AsyncInf:ml.m5.xlarge"] == 10, "of what has no tags"
    assert hours["EUC1-Cluster:ml.m5.xlarge"] == 30 and hours["EUC1-Tsform:ml.m5.xlarge"] == 0.5
    mine = {row["usage-type"]: float(row["quantity"]) for row in rows if row["tags"] == {"Owner": "ann@example.com"}}
    # From four minutes after 07:50 on, two instances.
    assert mine == {"EUC1-Host:ml.g5.xlarge": 20, "EUC1-Host:ml.m5.xlarge": 10, "EUC1-Processing:ml.m5.xlarge": 4}
    assert not any("Serverless" in row["usage-type"] for row in rows)
    simulated.client("sagemaker").delete_endpoint(EndpointName="Real-Time")
    simulated.control("advance", {"by": "2h"})
    again = {line["name"]: line for line in simulated.control("bill")}
    assert again["Real-Time"]["seconds"] == 7200, "what is deleted stays on the bill"


def test_a_token_may_come_again(simulated):
    simulated.control("fault", {"on": "sagemaker:ListModels", "what": "repeat-token"})
    sagemaker = simulated.client("sagemaker")
    first = sagemaker.list_models(MaxResults=5)
    second = sagemaker.list_models(MaxResults=5, NextToken=first["NextToken"])
    assert second["NextToken"] == first["NextToken"] and second["Models"] == first["Models"]


def test_the_state_has_them(simulated):
    state = simulated.control("state")["resources"]
    of = {}
    for one in state:
        of.setdefault(one["kind"], []).append(one["name"])
    assert set(of) == {"model", "endpoint-config", "endpoint", "inference-component", "processing-job", "transform-job", "automl-job",
                       "feature-group", "pipeline", "pipeline-execution", "mlflow-tracking-server", "cluster"}
    assert of["processing-job"] == ["prep"], "not what had ended before the start"
    json.dumps(state)
