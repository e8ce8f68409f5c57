"""The kinds that came later to SageMaker, driven by boto3: they are created, listed by pages and tagged, and each answer is one that AWS's model allows."""

import pytest

from test_boto3 import ARN, refused
from test_kinds import page, pages

ROLE = "arn:aws:iam::123456789012:role/DataScience"
MODEL = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/example/1.0.0"
SOURCE = {"S3": {"S3Uri": "s3://ml/model"}}
KINDS = {
    "mlflow-app": ("mlflow_app", "Summaries", "Created", dict(ArtifactStoreUri="s3://ml/x", RoleArn=ROLE)),
    "partner-app": ("partner_app", "Summaries", "Available", dict(Type="comet", ExecutionRoleArn=ROLE, Tier="small", AuthType="IAM")),
    "training-plan": ("training_plan", "TrainingPlanSummaries", "Active", dict(TrainingPlanOfferingId="tpo-1")),
    "training-session": ("training_session", "TrainingSessionSummaries", "Running", dict(
        RoleArn=ROLE, LoraConfig={"Rank": 8, "Alpha": 16}, ModelConfig={"BaseModelArn": MODEL}, OutputConfig={"S3Location": {"Path": "s3://ml/x"}})),
    "optimization-job": ("optimization_job", "OptimizationJobSummaries", "INPROGRESS", dict(
        RoleArn=ROLE, ModelSource=SOURCE, DeploymentInstanceType="ml.g5.xlarge", OptimizationConfigs=[{"ModelQuantizationConfig": {}}],
        OutputConfig={"S3OutputLocation": "s3://ml/x"}, StoppingCondition={"MaxRuntimeInSeconds": 3600})),
    "inference-recommendations-job": ("inference_recommendations_job", "InferenceRecommendationsJobs", "IN_PROGRESS", dict(
        JobType="Default", RoleArn=ROLE, InputConfig={"ModelName": "example"})),
    "ai-recommendation-job": ("ai_recommendation_job", "AIRecommendationJobs", "InProgress", dict(
        ModelSource=SOURCE, OutputConfig={"S3OutputLocation": "s3://ml/x"}, AIWorkloadConfigIdentifier="chat",
        PerformanceTarget={"Constraints": [{"Metric": "cost"}]}, RoleArn=ROLE)),
    "labeling-job": ("labeling_job", "LabelingJobSummaryList", "InProgress", dict(
        LabelAttributeName="label", RoleArn=ROLE, OutputConfig={"S3OutputPath": "s3://ml/x"},
        InputConfig={"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://ml/manifest"}}},
        HumanTaskConfig={
            "WorkteamArn": ARN + "workteam/private-crowd/us", "UiConfig": {}, "TaskTitle": "Label", "TaskDescription": "Label",
            "NumberOfHumanWorkersPerDataObject": 1, "TaskTimeLimitInSeconds": 600})),
}  # fmt: skip
ESTATE = 'region = "eu-central-1"\nstart = "2026-11-23T08:00:00Z"\ntrail = true\n' + "".join(
    f'[[resource]]\nkind = "{kind}"\nname = "old-{{}}"\ncount = 12\ntakes = "20h"\ntags = {{ Owner = "ann@example.com" }}\n' for kind in KINDS
)


def name_field(kind):
    nouns = {"mlflow-app": "", "partner-app": "", "inference-recommendations-job": "Job", "ai-recommendation-job": "AIRecommendationJob"}
    return nouns.get(kind, kind.title().replace("-", "")) + "Name"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_created_listed_and_tagged(simulated, kind):
    noun, items, ready, definition = KINDS[kind]
    sagemaker, tagging = simulated.client("sagemaker"), simulated.client("resourcegroupstaggingapi")
    name = name_field(kind)
    create, call = getattr(sagemaker, f"create_{noun}"), getattr(sagemaker, f"list_{noun}s")
    arn = next(value for key, value in create(**{name: "New-1"}, **definition, Tags=[{"Key": "a", "Value": "b"}]).items() if key.endswith("Arn"))
    assert refused(create, **{name: "New-1"}, **definition)[0] == "ResourceInUse"
    assert arn.startswith(f"{ARN}{kind}/")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    simulated.control("advance", {"by": "15m"})
    all, sizes = pages(call, items)
    assert (len(all), sizes) == (13, [10, 3])
    assert {value for one in all for key, value in one.items() if key.endswith("Status")} == {ready}
    arns = {value for one in all for key, value in one.items() if key.endswith("Arn") and f":{kind}/" in value}
    assert len(arns) == 13 and arn in arns
    if kind == "training-session":
        assert not any(name in one for one in all), "AWS's list of sessions has no names"
    else:
        assert "New-1" in {one[name] for one in all}
    indexed = pages(lambda **token: page(tagging, [f"sagemaker:{kind}"], token), "items")[0]
    assert len(indexed) == 13
    trail = [one["detail"] for one in simulated.control("events") if one["detail-type"] == "AWS API Call via CloudTrail"]
    [event] = [one for one in trail if "errorCode" not in one]
    assert (event["eventName"].lower(), arn in event["responseElements"].values()) == (f"create{noun.replace('_', '')}", True)
