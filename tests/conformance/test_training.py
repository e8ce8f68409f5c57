"""Training jobs, tuning jobs and Search, driven by boto3: what is given comes back, lives, pages, filters, events, money, faults."""

import datetime

import pytest

from conftest import check_shape
from test_boto3 import ARN, refused

UTC = datetime.timezone.utc
ESTATE = """
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
[[training-job]]
name = "old-{}"
count = 25
apart = "1h"
status = "Completed"
since = "-1d"
takes = "30m"
tags = { team = "nlp" }
[[training-job]]
name = "churn"
instance-count = 2
takes = "1h"
since = "-10m"
spot = true
max-runtime = "2h"
max-wait = "4h"
checkpoint = "s3://bucket/{job}/checkpoints"
interruptions = ["30m"]
hyper-parameters = { epochs = "3" }
input = "s3://bucket/input"
tags = { Owner = "ann@example.com" }
[[training-job]]
name = "broken"
status = "Failed"
since = "-2d"
[[training-job]]
name = "warm"
keep-alive = "1h"
takes = "10m"
since = "-5m"
[[training-job]]
name = "autopilot"
since = "-5m"
auto-ml-arn = "arn:aws:sagemaker:eu-central-1:123456789012:automl-job/x"
training-plan = "arn:aws:sagemaker:eu-central-1:123456789012:training-plan/reserved-capacity"
[[tuning-job]]
name = "tune"
jobs = 4
parallel = 2
tags = { Owner = "bob@example.com" }
definition = [{ takes = "20m", spot = true, max-runtime = "1h", max-wait = "2h" }]
created = "-1m"
[[training-job]]
name = "daily"
takes = "5m"
volume-gb = 50
submit = [{ at = "mon-fri 09:10", zone = "Europe/Berlin" }]
"""
JOB = dict(
    RoleArn="arn:aws:iam::123456789012:role/DataScience",
    AlgorithmSpecification={"TrainingImage": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/x:1", "TrainingInputMode": "File"},
    OutputDataConfig={"S3OutputPath": "s3://bucket/output"},
    ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
    StoppingCondition={"MaxRuntimeInSeconds": 7200},
)


def at(day, hour, minute=0):
    return datetime.datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def names(answer, of="TrainingJobName"):
    return [one[of] for key in answer if key.endswith("Summaries") for one in answer[key]]


def test_what_is_given_comes_back_and_lives(simulated):
    sagemaker = simulated.client("sagemaker")
    whole = dict(
        JOB,
        TrainingJobName="Whole-1",
        HyperParameters={"epochs": "3"},
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in", "S3DataDistributionType": "FullyReplicated"}},
                "ContentType": "text/csv",
                "CompressionType": "Gzip",
                "RecordWrapperType": "None",
                "InputMode": "File",
            }
        ],
        OutputDataConfig={"S3OutputPath": "s3://bucket/output", "KmsKeyId": "alias/x", "CompressionType": "NONE"},
        VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        StoppingCondition={"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 3600},
        EnableManagedSpotTraining=True,
        EnableNetworkIsolation=True,
        EnableInterContainerTrafficEncryption=True,
        CheckpointConfig={"S3Uri": "s3://bucket/checkpoints", "LocalPath": "/opt/ml/checkpoints"},
        DebugHookConfig={"S3OutputPath": "s3://bucket/debug"},
        DebugRuleConfigurations=[{"RuleConfigurationName": "r", "RuleEvaluatorImage": "image"}],
        TensorBoardOutputConfig={"S3OutputPath": "s3://bucket/tensorboard"},
        ExperimentConfig={"ExperimentName": "e"},
        ProfilerConfig={"DisableProfiler": True},
        ProfilerRuleConfigurations=[{"RuleConfigurationName": "r", "RuleEvaluatorImage": "image"}],
        Environment={"A": "b"},
        RetryStrategy={"MaximumRetryAttempts": 2},
        RemoteDebugConfig={"EnableRemoteDebug": False},
        InfraCheckConfig={"EnableInfraCheck": True},
        MlflowConfig={"MlflowResourceArn": "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-app/app-X"},
        SessionChainingConfig={"EnableSessionTagChaining": True},
        Tags=[{"Key": "Owner", "Value": "ann"}],
    )
    arn = sagemaker.create_training_job(**whole)["TrainingJobArn"]
    assert arn == ARN + "training-job/whole-1"
    job = sagemaker.describe_training_job(TrainingJobName="Whole-1")
    assert {key: job.get(key) for key in whole if key not in ("Tags", "SessionChainingConfig")} == {
        key: value for key, value in whole.items() if key not in ("Tags", "SessionChainingConfig")
    }
    assert "Tags" not in job and "SessionChainingConfig" not in job
    assert (job["TrainingJobStatus"], job["SecondaryStatus"], job["CreationTime"]) == ("InProgress", "Starting", at(23, 8))
    simulated.control("advance", {"by": "2h"})
    job = sagemaker.describe_training_job(TrainingJobName="Whole-1")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded"), "an hour from its creation on"
    transitions = [one["Status"] for one in job["SecondaryStatusTransitions"]]
    assert transitions == ["Starting", "Downloading", "Training", "Stopping", "MaxWaitTimeExceeded"]
    assert job["TrainingEndTime"] - job["TrainingStartTime"] == datetime.timedelta(seconds=job["TrainingTimeInSeconds"])
    assert job["BillableTimeInSeconds"] == round(job["TrainingTimeInSeconds"] * 0.3), "Spot saves 70 % here"
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "Owner", "Value": "ann"}]


@pytest.mark.parametrize(
    "change, code, message",
    [
        (dict(TrainingJobName="churn"), "ResourceInUse", "Training job names must be unique within an AWS account and region"),
        (dict(TrainingJobName="a_b"), "ValidationException", "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"),
        (dict(TrainingJobName="a" * 64), "ValidationException", "Member must have length less than or equal to 63"),
        (dict(EnableManagedSpotTraining=True), "ValidationException", "Invalid MaxWaitTimeInSeconds. It must be present and be greater than"),
        (
            dict(StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}),
            "ValidationException",
            "It is only supported when EnableManagedSpotTraining is set to true",
        ),
        (
            dict(
                EnableManagedSpotTraining=True,
                StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
                ResourceConfig=dict(JOB["ResourceConfig"], KeepAlivePeriodInSeconds=60),
            ),
            "ValidationException",
            "KeepAlivePeriodInSeconds is not supported",
        ),
        (
            dict(
                EnableManagedSpotTraining=True,
                StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
                ResourceConfig={"InstancePreferences": [{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}], "VolumeSizeInGB": 30},
            ),
            "ValidationException",
            "InstancePreferences is not supported",
        ),
        (
            dict(EnableManagedSpotTraining=True, StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}),
            "ValidationException",
            "It must be present and be greater than or equal to MaxRuntimeInSeconds",
        ),
        (
            dict(
                EnableManagedSpotTraining=True,
                StoppingCondition={"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 3601},
                AlgorithmSpecification={"TrainingImage": "1.dkr.ecr.x.amazonaws.com/forecasting-deepar:1", "TrainingInputMode": "File"},
            ),
            "ValidationException",
            "above 3600 is not supported for the given algorithm",
        ),
        (
            dict(ResourceConfig=dict(JOB["ResourceConfig"], KeepAlivePeriodInSeconds=21601)),
            "ValidationException",
            "Value '21601' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must have value less than or equal to 21600",
        ),
        (dict(ResourceConfig=dict(JOB["ResourceConfig"], SelectedInstanceType="ml.g5.xlarge")), "ValidationException", "SelectedInstanceType is read-only"),
        (dict(ResourceConfig=dict(JOB["ResourceConfig"], InstanceType="m5.xlarge")), "ValidationException", "at 'resourceConfig.instanceType'"),
        (dict(ResourceConfig={"VolumeSizeInGB": 1}), "ValidationException", "Exactly one of InstanceType, InstanceGroups and InstancePreferences"),
        (dict(StoppingCondition={"MaxRuntimeInSeconds": 2_419_201}), "ValidationException", "Member must have value less than or equal to 2419200"),
        (dict(OutputDataConfig={"S3OutputPath": "s3://"}), "ValidationException", "at 'outputDataConfig.s3OutputPath'"),
        (
            dict(AlgorithmSpecification={"TrainingImage": "x", "TrainingInputMode": "Files"}),
            "ValidationException",
            "Member must satisfy enum value set: [Pipe, File, FastFile]",
        ),
        (dict(CheckpointConfig={"S3Uri": "bucket"}), "ValidationException", "at 'checkpointConfig.s3Uri' failed to satisfy constraint"),
        (dict(Tags=[{"Key": str(number), "Value": "x"} for number in range(51)]), "ValidationException", "less than or equal to 50"),
        (dict(Tags=[{"Key": "a", "Value": "b (c)"}]), "ValidationException", "regular expression pattern"),
        (dict(Tags=[{"Key": "aws:createdBy", "Value": "b"}]), "ValidationException", "aws:"),
    ],
)
def test_creation_is_refused(simulated, change, code, message):
    said, text = refused(simulated.client("sagemaker").create_training_job, **{**JOB, "TrainingJobName": "new", **change})
    assert said == code and message in text


def test_a_page_may_be_empty_and_not_the_last(simulated):
    sagemaker = simulated.client("sagemaker")
    oldest_first = dict(SortBy="CreationTime", SortOrder="Ascending", MaxResults=10)
    pages, token = [], {}
    while token is not None:
        page = sagemaker.list_training_jobs(StatusEquals="InProgress", **oldest_first, **token)
        pages.append(names(page))
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert pages[:2] == [[], []] and "churn" in pages[2] and len(pages) == 4
    every = [name for page in sagemaker.get_paginator("list_training_jobs").paginate(**oldest_first) for name in names(page)]
    assert len(every) == len(set(every)) == 31
    assert names(sagemaker.list_training_jobs(NameContains="old", SortBy="Name", MaxResults=100)) == [f"old-{n:05}" for n in range(25)]
    assert names(sagemaker.list_training_jobs(CreationTimeBefore=at(22, 1), CreationTimeAfter=at(21, 22))) == [f"old-{n:05}" for n in range(7, 10)]
    assert names(sagemaker.list_training_jobs(LastModifiedTimeBefore=at(21, 8, 1), NameContains="o")) == ["old-00024", "broken"]
    assert names(sagemaker.list_training_jobs(WarmPoolStatusEquals="InUse")) == ["warm"]
    planned = sagemaker.list_training_jobs(TrainingPlanArnEquals="arn:aws:sagemaker:eu-central-1:123456789012:training-plan/reserved-capacity")
    assert names(planned) == ["autopilot"]
    by_status = sagemaker.list_training_jobs(SortBy="Status", SortOrder="Descending", MaxResults=100)["TrainingJobSummaries"]
    assert [one["TrainingJobStatus"] for one in by_status] == ["InProgress"] * 5 + ["Failed"] + ["Completed"] * 25


def test_stopping(simulated):
    sagemaker = simulated.client("sagemaker")
    sagemaker.stop_training_job(TrainingJobName="churn")
    assert sagemaker.describe_training_job(TrainingJobName="churn")["TrainingJobStatus"] == "Stopping"
    simulated.control("advance", {"by": "2m"})
    job = sagemaker.describe_training_job(TrainingJobName="churn")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"], job["TrainingTimeInSeconds"]) == ("Stopped", "Stopped", 600)
    assert refused(sagemaker.stop_training_job, TrainingJobName="churn") == (
        "ValidationException",
        "The request was rejected because the training job is in status Stopped.",
    )
    for call in (sagemaker.stop_training_job, sagemaker.describe_training_job):
        assert refused(call, TrainingJobName="nobody") == ("ValidationException", "Requested resource not found.")
    sagemaker.create_training_job(**JOB, TrainingJobName="never")
    sagemaker.stop_training_job(TrainingJobName="never")
    sagemaker.stop_training_job(TrainingJobName="never")
    simulated.control("advance", {"by": "2m"})
    never = sagemaker.describe_training_job(TrainingJobName="never")
    assert never["TrainingJobStatus"] == "Stopped" and "TrainingTimeInSeconds" not in never, "it had no instances yet"
    simulated.control("deed", {"to": "autopilot", "do": "stop"})
    assert sagemaker.describe_training_job(TrainingJobName="autopilot")["TrainingJobStatus"] == "Stopping"


def test_spot_is_interrupted_and_goes_on_from_its_checkpoint(simulated):
    sagemaker = simulated.client("sagemaker")
    simulated.control("advance", {"by": "3h"})
    job = sagemaker.describe_training_job(TrainingJobName="churn")
    statuses = [one["Status"] for one in job["SecondaryStatusTransitions"]]
    again = ["Starting", "Downloading", "Training"]
    assert statuses == [*again, "Interrupted", *again, "Uploading", "Completed"]
    assert (job["TrainingTimeInSeconds"], job["BillableTimeInSeconds"]) == (2 * 60 + 3600 + 30, 1125)
    assert job["CheckpointConfig"]["S3Uri"] == "s3://bucket/churn/checkpoints"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == "s3://ml-company/output/churn/output/model.tar.gz"
    events = [one for one in simulated.control("events") if one["detail"].get("TrainingJobName") == "churn"]
    assert [one["detail"]["SecondaryStatus"] for one in events] == ["Interrupted", *again, "Uploading", "Completed"]
    event = events[-1]
    assert event["detail-type"] == "SageMaker Training Job State Change" and event["resources"] == [ARN + "training-job/churn"]
    assert event["detail"]["Tags"] == {"Owner": "ann@example.com"} and isinstance(event["detail"]["TrainingEndTime"], int)
    assert not {"EnableManagedSpotTraining", "CheckpointConfig", "BillableTimeInSeconds"} & set(event["detail"])
    # What an event shows of a job is in the API's shape.
    shape = sagemaker.meta.service_model.operation_model("DescribeTrainingJob").output_shape
    shown = {key: value for key, value in event["detail"].items() if key != "Tags"}
    check_shape("event", shape, dict(shown, ModelArtifacts=job["ModelArtifacts"]))


def test_a_warm_pool(simulated):
    sagemaker = simulated.client("sagemaker")

    def pool(name):
        return sagemaker.describe_training_job(TrainingJobName=name)["WarmPoolStatus"]

    assert pool("warm") == {"Status": "InUse"}
    simulated.control("advance", {"by": "13m 30s"})
    # It ended 8 minutes and 30 seconds after the start.
    assert pool("warm") == {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 300}
    same = sagemaker.describe_training_job(TrainingJobName="warm")
    shape = dict(same["ResourceConfig"], KeepAlivePeriodInSeconds=60)
    sagemaker.create_training_job(**dict(JOB, TrainingJobName="next", ResourceConfig=shape, RoleArn=same["RoleArn"]))
    assert pool("warm") == {"Status": "Reused", "ResourceRetainedBillableTimeInSeconds": 300, "ReusedByJob": "next"}
    simulated.control("advance", {"by": "10s"})
    assert pool("next") == {"Status": "InUse"}
    simulated.control("advance", {"by": "3h"})
    assert pool("next") == {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 60}


def test_a_tuning_job(simulated):
    sagemaker = simulated.client("sagemaker")
    tune = dict(HyperParameterTuningJobName="tune")
    job = sagemaker.describe_hyper_parameter_tuning_job(**tune)
    assert (job["HyperParameterTuningJobStatus"], job["TrainingJobStatusCounters"]["InProgress"]) == ("InProgress", 2)
    assert job["TrainingJobDefinition"]["EnableManagedSpotTraining"] is True
    children = names(sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**tune))
    assert len(children) == 2 and all(name.startswith("tune-00") for name in children)
    child = sagemaker.describe_training_job(TrainingJobName=children[0])
    assert (child["TuningJobArn"], child["EnableManagedSpotTraining"]) == (ARN + "hyper-parameter-tuning-job/tune", True)
    assert sagemaker.list_tags(ResourceArn=child["TrainingJobArn"])["Tags"] == [{"Key": "Owner", "Value": "bob@example.com"}]
    simulated.control("advance", {"by": "2h"})
    job = sagemaker.describe_hyper_parameter_tuning_job(**tune)
    assert (job["HyperParameterTuningJobStatus"], job["ObjectiveStatusCounters"]["Succeeded"]) == ("Completed", 4)
    best = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(SortBy="FinalObjectiveMetricValue", MaxResults=1, **tune)
    assert names(best) == [job["BestTrainingJob"]["TrainingJobName"]] and "NextToken" in best
    assert refused(sagemaker.stop_hyper_parameter_tuning_job, **tune)[0] == "ValidationException"
    ended = [one for one in simulated.control("events") if one["detail-type"] == "SageMaker HyperParameter Tuning Job State Change"]
    assert [one["detail"]["HyperParameterTuningJobStatus"] for one in ended] == ["Completed"]
    nobody = ("ResourceNotFound", "Amazon SageMaker can't find a tuning job called nobody.")
    for call in (sagemaker.describe_hyper_parameter_tuning_job, sagemaker.stop_hyper_parameter_tuning_job):
        assert refused(call, HyperParameterTuningJobName="nobody") == nobody


def test_a_tuning_job_is_created_and_stopped(simulated):
    sagemaker = simulated.client("sagemaker")
    ranges = {
        "IntegerParameterRanges": [{"Name": "depth", "MinValue": "2", "MaxValue": "12"}],
        "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.1", "MaxValue": "0.5"}],
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
    }
    objective = {"Type": "Maximize", "MetricName": "accuracy"}
    config = {
        "Strategy": "Random",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 3},
        "HyperParameterTuningJobObjective": objective,
        "ParameterRanges": ranges,
    }
    definition = dict(JOB, StaticHyperParameters={"epochs": "2"})
    new = dict(HyperParameterTuningJobName="new", HyperParameterTuningJobConfig=config, TrainingJobDefinition=definition)
    several = [
        dict(definition, DefinitionName=name, TuningObjective=objective, HyperParameterRanges=ranges, EnableManagedSpotTraining=name == "b")
        for name in ("a", "b")
    ]
    several[1]["StoppingCondition"] = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}
    assert refused(sagemaker.create_hyper_parameter_tuning_job, **new, TrainingJobDefinitions=several)[0] == "ValidationException"
    code, message = refused(
        sagemaker.create_hyper_parameter_tuning_job, **dict(new, TrainingJobDefinition=dict(definition, EnableManagedSpotTraining=True))
    )
    assert code == "ValidationException" and message.startswith("Invalid MaxWaitTimeInSeconds.")
    arn = sagemaker.create_hyper_parameter_tuning_job(**new, Tags=[{"Key": "a", "Value": "b"}])["HyperParameterTuningJobArn"]
    assert refused(sagemaker.create_hyper_parameter_tuning_job, **new)[0] == "ResourceInUse"
    del new["TrainingJobDefinition"]
    sagemaker.create_hyper_parameter_tuning_job(**dict(new, HyperParameterTuningJobName="new-2"), TrainingJobDefinitions=several)
    both = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="new-2")
    assert [one["EnableManagedSpotTraining"] for one in both["TrainingJobDefinitions"]] == [False, True]
    children = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="new-2")["TrainingJobSummaries"]
    assert [one["TrainingJobDefinitionName"] for one in children] == ["a", "b", "a"]
    assert children[1]["TunedHyperParameters"] == {"depth": "3", "kind": "b", "rate": "0.14"}
    described = sagemaker.describe_training_job(TrainingJobName=children[1]["TrainingJobName"])
    assert described["HyperParameters"] == {"_tuning_objective_metric": "accuracy", "epochs": "2", "depth": "3", "kind": "b", "rate": "0.14"}
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    tagged = simulated.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["sagemaker:hyper-parameter-tuning-job"])
    assert [one["ResourceARN"] for one in tagged["ResourceTagMappingList"]] == [arn, ARN + "hyper-parameter-tuning-job/tune"]
    assert names(sagemaker.list_hyper_parameter_tuning_jobs(), "HyperParameterTuningJobName") == ["new", "new-2", "tune"]
    first = sagemaker.list_hyper_parameter_tuning_jobs(MaxResults=1, SortBy="CreationTime", SortOrder="Descending", StatusEquals="InProgress")
    again = sagemaker.list_hyper_parameter_tuning_jobs(
        MaxResults=1, SortBy="CreationTime", SortOrder="Descending", StatusEquals="InProgress", NextToken=first["NextToken"]
    )
    assert names(first, "HyperParameterTuningJobName") + names(again, "HyperParameterTuningJobName") == ["new-2", "new"]
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="new")
    simulated.control("advance", {"by": "1m"})
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="new")
    assert job["HyperParameterTuningJobStatus"] == "Stopping"
    simulated.control("advance", {"by": "1m"})
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="new")
    assert (job["HyperParameterTuningJobStatus"], job["TrainingJobStatusCounters"]["Stopped"]) == ("Stopped", 3)


def found(sagemaker, *filters, resource="TrainingJob", **more):
    keys = ("Name", "Operator", "Value")
    expression = {"Filters": [{key: value for key, value in zip(keys, one) if value} for one in filters]}
    results = sagemaker.search(Resource=resource, SearchExpression=expression, MaxResults=100, **more)["Results"]
    return [one[resource] for one in results]


def test_search(simulated):
    sagemaker = simulated.client("sagemaker")

    def count(*filters):
        return len(found(sagemaker, *filters))

    assert count(("TrainingJobStatus", "Equals", "InProgress")) == 5
    assert count(("TrainingJobStatus", "NotEquals", "Completed")) == 6
    assert count(("TrainingJobStatus", "In", "Failed,Stopped")) == 1
    assert count(("CreationTime", "GreaterThan", "2026-11-23T07:00:00")) == 5
    assert count(("CreationTime", "GreaterThanOrEqualTo", "2026-11-22T07:00:00"), ("TrainingJobName", "Contains", "old")) == 1
    assert count(("LastModifiedTime", "LessThan", "2026-11-21T09:00:00")) == 2
    assert count(("LastModifiedTime", "LessThanOrEqualTo", "2026-11-21T08:00:00")) == 2
    assert count(("TuningJobArn", "Equals", ARN + "hyper-parameter-tuning-job/tune")) == 2
    assert count(("TuningJobArn", "NotExists"), ("TrainingJobStatus", "Equals", "InProgress")) == 3
    assert count(("WarmPoolStatus.Status", "Equals", "InUse")) == 1
    assert count(("Tags.team", "Exists")) == 25
    assert count(("Tags.Owner", "Equals", "ann@example.com")) == 1
    assert count(("EnableManagedSpotTraining", "Equals", "true")) == 3
    assert count(("ResourceConfig.InstanceType", "Equals", "ml.m5.xlarge")) == 31
    assert count(("BillableTimeInSeconds", "LessThan", "2000")) == 25
    either = [{"Filters": [{"Name": "Tags.team", "Operator": "Exists"}]}, {"Filters": [{"Name": "TrainingJobStatus", "Value": "Failed"}]}]
    found_either = sagemaker.search(Resource="TrainingJob", SearchExpression={"Operator": "Or", "SubExpressions": either}, MaxResults=100)
    assert len(found_either["Results"]) == 26
    (whole,) = found(sagemaker, ("TrainingJobName", "Equals", "churn"))
    described = sagemaker.describe_training_job(TrainingJobName="churn")
    assert whole["Tags"] == [{"Key": "Owner", "Value": "ann@example.com"}]
    assert {key: value for key, value in whole.items() if key != "Tags"} == {key: described[key] for key in whole if key != "Tags"}
    ages = [one["CreationTime"] for one in found(sagemaker, ("TrainingJobName", "Contains", "o"), SortBy="CreationTime", SortOrder="Ascending")]
    assert ages == sorted(ages) and len(ages) == 27
    for one, says in [
        ({"Name": "Nonsense", "Value": "x"}, "Nonsense is not a valid property"),
        ({"Name": "CreationTime", "Operator": "GreaterThan", "Value": "yesterday"}, "not an ISO 8601 date-time"),
        ({"Name": "TrainingJobName", "Operator": "Exists", "Value": "x"}, "takes no Value"),
        ({"Name": "TrainingJobName", "Operator": "Equals"}, "needs a Value"),
    ]:
        code, message = refused(sagemaker.search, Resource="TrainingJob", SearchExpression={"Filters": [one]})
        assert code == "ValidationException" and says in message
    (tuning,) = found(sagemaker, ("HyperParameterTuningJobStatus", "Equals", "InProgress"), resource="HyperParameterTuningJob")
    assert tuning["TrainingJobDefinition"]["EnableManagedSpotTraining"] is True and tuning["Tags"][0]["Value"] == "bob@example.com"
    for sort in ("CreationTime", "LastModifiedTime", "TrainingJobStatus", "TrainingJobName"):
        for order in ("Ascending", "Descending"):
            pages = list(sagemaker.get_paginator("search").paginate(Resource="TrainingJob", SortBy=sort, SortOrder=order, PaginationConfig={"PageSize": 10}))
            assert [len(page["Results"]) for page in pages] == [10, 10, 10, 1]
            values = [str(one["TrainingJob"][sort]).lower() for page in pages for one in page["Results"]]
            assert values == sorted(values, reverse=order == "Descending")


def test_search_behind(simulated):
    sagemaker = simulated.client("sagemaker")
    simulated.control("fault", {"on": "*", "what": {"search-behind": "2m"}})
    sagemaker.create_training_job(**JOB, TrainingJobName="new", Tags=[{"Key": "a", "Value": "b"}])
    simulated.control("advance", {"by": "1m"})
    assert found(sagemaker, ("TrainingJobName", "Equals", "new")) == []
    simulated.control("advance", {"by": "2m"})
    (job,) = found(sagemaker, ("TrainingJobName", "Equals", "new"))
    assert (job["SecondaryStatus"], job["Tags"]) == ("Starting", [{"Key": "a", "Value": "b"}])
    assert sagemaker.describe_training_job(TrainingJobName="new")["SecondaryStatus"] == "Training"


def test_a_quota(simulated):
    sagemaker = simulated.client("sagemaker")
    limit = "The account-level service limit 'ml.m5.xlarge for spot training job usage' is 0 Instances"
    simulated.control("fault", {"on": "sagemaker:CreateTrainingJob", "what": {"refuse": ["ResourceLimitExceeded", limit]}, "times": 1})
    assert refused(sagemaker.create_training_job, **JOB, TrainingJobName="new") == ("ResourceLimitExceeded", limit)
    sagemaker.create_training_job(**JOB, TrainingJobName="new")
    simulated.control("fault", {"on": "sagemaker:StopTrainingJob", "what": "access-denied"})
    assert f"sagemaker:StopTrainingJob on resource: {ARN}training-job/new" in refused(sagemaker.stop_training_job, TrainingJobName="new")[1]


def test_people_submit_jobs_and_pay_for_them(simulated):
    sagemaker = simulated.client("sagemaker")
    simulated.control("advance", {"by": "3h"})
    (daily,) = names(sagemaker.list_training_jobs(NameContains="daily"))
    assert daily.startswith("daily-2026-11-23-08-10-00-")
    lines = {line["name"]: line for line in simulated.control("bill")}
    assert lines[daily]["kind"] == "training-job" and lines[daily]["seconds"] == 60 + 300 + 30
    assert float(lines[daily]["usd"]) == pytest.approx(0.276 * 390 / 3600, abs=1e-6), "ml.m5.xlarge in eu-central-1"
    # It had had its two instances for eight minutes before the start. Spot leaves 30 %.
    whole = sagemaker.describe_training_job(TrainingJobName="churn")["TrainingTimeInSeconds"]
    assert lines["churn"]["kind"] == "spot-training-job" and lines["churn"]["seconds"] == whole - 8 * 60
    assert float(lines["churn"]["usd"]) == pytest.approx(0.276 * 2 * round((whole - 480) * 0.3) / 3600, abs=1e-6)
    assert "old-00000" not in lines, "it had ended before the start"
    state = simulated.control("state")
    assert {"name": "tune", "status": "Completed", "training-jobs": 4} in state["tuning-jobs"]
    assert {one["name"] for one in state["training-jobs"]} >= {"churn", daily}
