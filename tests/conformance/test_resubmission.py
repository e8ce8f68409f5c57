"""Random training jobs, submitted again as Spot: every definition passes AWS's own service model, and differs only where it must."""

import json
import pathlib
import random
import subprocess

import botocore.session
import pytest
from botocore.validate import ParamValidator

COST_GUARD = pathlib.Path(__file__).parents[2] / "target" / "debug" / "cost-guard"
MODEL = botocore.session.get_session().get_service_model("sagemaker")
CREATE = MODEL.operation_model("CreateTrainingJob").input_shape
DESCRIBE = MODEL.operation_model("DescribeTrainingJob").output_shape
JOBS = 400
# What a resubmission is for, and what cannot be copied.
CHANGED = {"TrainingJobName", "EnableManagedSpotTraining", "StoppingCondition", "ResourceConfig", "CheckpointConfig", "Tags"}
NOT_FOR_USERS = {"SelectedInstanceType", "SelectedInstanceCount", "KeepAlivePeriodInSeconds"}


def without_empty(value):
    """Without fields that are an empty list."""
    return {name: of for name, of in value.items() if of != []} if isinstance(value, dict) else value


def value_of(shape, chance, depth=0):
    """A random value of a shape, within what the model says of it."""
    kind = shape.type_name
    if kind == "structure":
        wanted = [name for name in shape.members if name in shape.required_members or (depth < 5 and chance.random() < 0.5)]
        return {name: value_of(shape.members[name], chance, depth + 1) for name in wanted}
    if kind == "list":
        least = shape.metadata.get("min", 0)
        return [value_of(shape.member, chance, depth + 1) for _ in range(chance.randint(least, least + 2))]
    if kind == "map":
        return {value_of(shape.key, chance, depth + 1): value_of(shape.value, chance, depth + 1) for _ in range(chance.randint(0, 3))}
    if kind == "string":
        if shape.enum:
            return chance.choice(shape.enum)
        least = shape.metadata.get("min", 0)
        length = chance.randint(least, min(max(least, 1) + 20, shape.metadata.get("max", 60)))
        return "".join(chance.choice("abcdefgh-0123 \u00e4") for _ in range(length))
    if kind in ("integer", "long"):
        least = shape.metadata.get("min", 0)
        return chance.randint(least, min(least + 100_000, shape.metadata.get("max", 10**9)))
    if kind in ("float", "double"):
        return chance.random()
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "timestamp":
        return chance.uniform(1.6e9, 1.9e9)
    raise AssertionError(f"a {kind} is not known")


def random_job(chance):
    job = value_of(DESCRIBE, chance)
    job["TrainingJobName"] = "".join(chance.choice("abcXYZ019") for _ in range(chance.randint(1, 63)))
    job["OutputDataConfig"] = dict(value_of(MODEL.shape_for("OutputDataConfig"), chance), S3OutputPath=f"s3://bucket/{chance.randint(0, 99)}/")
    job.setdefault("RoleArn", "arn:aws:iam::123456789012:role/DataScience")
    job.setdefault("ResourceConfig", value_of(MODEL.shape_for("ResourceConfig"), chance))
    keys = [chance.choice(["Owner", "Team", "aws:cloudformation:stack-name", "AWS:x", f"k{n}"]) for n in range(chance.choice([0, 3, 50]))]
    job["Tags"] = [{"Key": key, "Value": "v"} for key in dict.fromkeys(keys)]
    # Nulls, as some clients write what is not there.
    for name in chance.sample(sorted(set(DESCRIBE.members) - set(job)), 2):
        job[name] = None
    return job


@pytest.fixture(scope="module")
def jobs():
    chance = random.Random(20261124)
    jobs = [random_job(chance) for _ in range(JOBS)]
    called = [COST_GUARD, "spot-definition", "--wait", "12h"]
    done = subprocess.run(called, input="\n".join(map(json.dumps, jobs)), capture_output=True, text=True, check=True)
    definitions = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(definitions) == JOBS
    return list(zip(jobs, definitions))


def test_every_definition_passes_the_service_model(jobs):
    for _, new in jobs:
        report = ParamValidator().validate(new, CREATE)
        assert not report.has_errors(), report.generate_report()


def test_a_definition_differs_only_where_it_must(jobs):
    for old, new in jobs:
        # An empty list says nothing, and AWS refuses some of them.
        kept = {name for name in set(CREATE.members) & set(DESCRIBE.members) if old.get(name) not in (None, [])}
        assert set(new) == kept | CHANGED
        # Of an algorithm of the Marketplace AWS knows the metrics, and refuses others.
        algorithm = dict(old.get("AlgorithmSpecification") or {})
        if algorithm.get("AlgorithmName"):
            algorithm.pop("MetricDefinitions", None)
        for name in kept - CHANGED:
            assert without_empty(new[name]) == without_empty(algorithm if name == "AlgorithmSpecification" else old[name]), name
        # A cluster of groups has no other instances.
        left_out = NOT_FOR_USERS | ({"InstanceType", "InstanceCount"} if old["ResourceConfig"].get("InstanceGroups") else set())
        assert new["ResourceConfig"] == {name: value for name, value in old["ResourceConfig"].items() if name not in left_out and value != []}
        assert new.get("CheckpointConfig") == old.get("CheckpointConfig") or old.get("CheckpointConfig") is None
        limits = dict(new["StoppingCondition"])
        wait = limits.pop("MaxWaitTimeInSeconds")
        before = dict(old.get("StoppingCondition") or {})
        before.pop("MaxWaitTimeInSeconds", None)
        assert limits == before
        assert wait == before.get("MaxRuntimeInSeconds", 86400) + 12 * 3600


def test_a_definition_is_spot_with_a_name_checkpoints_and_tags_of_its_own(jobs):
    for old, new in jobs:
        assert new["EnableManagedSpotTraining"] is True
        assert new["TrainingJobName"].endswith("-spot") and len(new["TrainingJobName"]) <= 63
        if old.get("CheckpointConfig") is None:
            assert new["CheckpointConfig"]["S3Uri"].endswith("/" + new["TrainingJobName"])
        tags = {tag["Key"]: tag["Value"] for tag in new["Tags"]}
        assert len(tags) == len(new["Tags"]) <= 50 and not any(key.lower().startswith("aws:") for key in tags)
        assert {tag["Key"] for tag in old["Tags"] if not tag["Key"].lower().startswith("aws:")} <= set(tags)
        assert tags.get("cost-guard:resubmitted-from") == old["TrainingJobName"] or len(tags) == 50
