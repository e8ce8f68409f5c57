"""The commands that the mails of inference-advisor say, run with the AWS CLI: the endpoint ends as advised, and after the way back as it was."""

import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time

import pytest
from conftest import ACCOUNT, REGION, TOP, account_of

VPC = 'definition = { VpcConfig = { Subnets = ["subnet-1"], SecurityGroupIds = ["sg-1"] } }'
XGBOOST = 'image = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1"'
POLICY = """
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
[prices]
serverless-gb-second = 0.00002
ready-gb-second = 0.000005
busy-gb-second = 0.00001165
hosting-data-gb = 0.016
hosting-volume-gb-month = 0.14
[[override]]
match = { tag.Callers = "wait-minutes" }
[override.rules.endpoint-fits-async]
callers-wait = "30m"
[[override]]
match = { tag.Callers = "wait-a-day" }
[override.rules.endpoint-fits-batch]
callers-wait = "1d"
"""


def endpoint(name, instances, traffic, model="", config="", tags=""):
    count, instance_type = instances
    return f"""
[[model]]
name = "{name}"
data = "s3://ml/{name}/model.tar.gz"
{model}
[[endpoint-config]]
name = "{name}-1"
model = "{name}"
instance-type = "{instance_type}"
instance-count = {count}
{config}
[[endpoint]]
name = "{name}"
config = "{name}-1"
created = "-60d"
tags = {{ Owner = "{name}@example.com", Team = "risk", {tags} }}
traffic = [{traffic}]
"""


# Without `start`: the function's process has the real time, and so has the account until its clock is advanced.
ESTATE = """
region = "eu-central-1"
topic = "cost-guard"
table = "cost-guard"
[hosting]
images = { "ml:1" = 1.9 }
"""
SMALL = "{{ requests = {}, noise = 20, latency-ms = 30, cpu-ms = 60, memory = 10, most = 1500 }}"
ESTATE += endpoint("rare", (1, "ml.m5.xlarge"), "{ requests = 2, latency-ms = 300, memory = 10 }")
ESTATE += endpoint("fleet", (6, "ml.m5.xlarge"), "{ requests = 600, noise = 10, latency-ms = 60, cpu-ms = 40, memory = 40, most = 1500 }", VPC)
ESTATE += endpoint("elastic", (4, "ml.m5.xlarge"), "{ requests = 600, noise = 10, latency-ms = 60, cpu-ms = 20, memory = 10, most = 1500 }", VPC)
ESTATE += endpoint(
    "documents",
    (1, "ml.g5.xlarge"),
    '{ bursts = [{ every = "3h", lasts = "15m", requests = 10 }], latency-ms = 2000, gpu-ms = 1500, most = 30 }',
    tags='Callers = "wait-minutes"',
)
ESTATE += endpoint(
    "captured",
    (1, "ml.m5.2xlarge"),
    '{ bursts = [{ every = "12h", lasts = "30m", requests = 20 }], cpu-ms = 2000, latency-ms = 500, most = 120 }',
    config='definition = { DataCaptureConfig = { EnableCapture = true, InitialSamplingPercentage = 10, DestinationS3Uri = "s3://ml/captured", CaptureOptions = [{ CaptureMode = "Input" }] } }',
    tags='Callers = "wait-minutes"',
)
ESTATE += endpoint(
    "nightly",
    (1, "ml.m5.4xlarge"),
    '{ bursts = [{ every = "1d", lasts = "1h", requests = 200 }], latency-ms = 100, cpu-ms = 1000, memory = 60 }',
    tags='Callers = "wait-a-day"',
)
for letter, requests in (("a", 20), ("b", 30), ("c", 10)):
    ESTATE += endpoint(f"risk-{letter}", (1, "ml.m5.large"), SMALL.format(requests), f"{XGBOOST}\n{VPC}")


class Runtime(http.server.ThreadingHTTPServer):
    """Lambda's runtime API: one event for a function, and its answer."""

    daemon_threads = True

    def __init__(self, event):
        super().__init__(("127.0.0.1", 0), Invocation)
        self.events, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        self.events.put(event)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Invocation(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        event = json.dumps(self.server.events.get()).encode()
        self.send_response(200)
        self.send_header("lambda-runtime-aws-request-id", "1")
        self.send_header("lambda-runtime-deadline-ms", str(int((time.time() + 300) * 1000)))
        self.send_header("lambda-runtime-invoked-function-arn", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:inference-advisor")
        self.send_header("content-length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.answers.put((self.path.rpartition("/")[2], json.loads(body)))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def credentials(account):
    return {
        "AWS_ENDPOINT_URL": account.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def advise(account, folder):
    """Runs the function's binary as its schedule does. Returns its report."""
    (folder / "policy.toml").write_text(POLICY)
    binary = pathlib.Path(os.environ.get("SIMULATOR", TOP / "target" / "debug" / "simulator")).parent / "inference-advisor"
    runtime = Runtime({})
    environment = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "inference-advisor",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "1",
        "COST_GUARD_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:cost-guard",
        "COST_GUARD_TABLE": "cost-guard",
        "COST_GUARD_POLICY": f"file:{folder / 'policy.toml'}",
    }
    process = subprocess.Popen([binary], env={**credentials(account), **environment}, stdout=subprocess.DEVNULL)
    try:
        kind, report = runtime.answers.get(timeout=120)
    finally:
        process.kill()
        process.wait()
        runtime.shutdown()
    assert kind == "response", report
    return report


class Person:
    """Somebody who does what a mail says, line by line, and waits long enough after each."""

    def __init__(self, account, folder):
        self.account, self.folder = account, folder
        self.printed, self.variables = [], {}

    def run(self, lines):
        for line in lines:
            if line.startswith("#"):
                self.account.control("advance", {"by": "3d" if "for some days" in line else "1m"})
            # The account answers no requests and keeps no archives of models.
            elif not line.startswith(("aws sagemaker-runtime ", "aws s3 cp ")):
                self.do(line.replace("YOUR-BUCKET", "ml-team").replace("YOUR-ROLE", f"arn:aws:iam::{ACCOUNT}:role/ml"))

    def do(self, command):
        tools = {"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.folder)}
        environment = {**credentials(self.account), **tools, **self.variables}
        sets = re.match("[A-Z]+(?==)", command)
        command += f'; printf %s "${sets[0]}"' if sets else ""
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self.printed.append(done.stdout)
        self.variables |= {sets[0]: done.stdout} if sets else {}
        self.account.control("advance", {"by": "30m"})


def steps(mail):
    """The commands of a mail: of the move, and of the way back."""
    blocks = dict(re.findall(r"^(Move|Go back)\b[^\n]*\n((?:(?:#|aws |[A-Z]+=)[^\n]*\n)+)", mail["message"], re.MULTILINE))
    return blocks["Move"].splitlines(), blocks["Go back"].splitlines()


def state(account):
    """All that a move may change, without the times."""
    sagemaker, scaling = account.client("sagemaker"), account.client("application-autoscaling")
    names = [one["EndpointName"] for one in sagemaker.list_endpoints(MaxResults=100)["Endpoints"]]
    configs = [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"]]
    components = [one["InferenceComponentName"] for one in sagemaker.list_inference_components(MaxResults=100)["InferenceComponents"]]
    found = {"components": components, "models": sorted(one["ModelName"] for one in sagemaker.list_models(MaxResults=100)["Models"])}
    for name in names:
        one = sagemaker.describe_endpoint(EndpointName=name)
        tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=one["EndpointArn"])["Tags"]}
        variant = one["ProductionVariants"][0]
        found["endpoint/" + name] = one["EndpointStatus"], one["EndpointConfigName"], variant.get("CurrentInstanceCount"), tags
    for name in configs:
        config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
        found["config/" + name] = {key: value for key, value in config.items() if key not in ("CreationTime", "ResponseMetadata")}
    of = {"ServiceNamespace": "sagemaker"}
    targets = scaling.describe_scalable_targets(**of)["ScalableTargets"]
    found["targets"] = {one["ResourceId"]: (one["MinCapacity"], one["MaxCapacity"]) for one in targets}
    policies = scaling.describe_scaling_policies(**of)["ScalingPolicies"]
    found["policies"] = {one["ResourceId"]: one.get("TargetTrackingScalingPolicyConfiguration") for one in policies}
    alarms = account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    found["alarms"] = [one["AlarmName"] for one in alarms if not one["AlarmName"].startswith("TargetTracking-")]
    return found


ELASTIC = "endpoint/elastic/variant/AllTraffic"
FOLLOWS = {"TargetValue": 400.0, "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}
OF_INSTANCES = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


def follow_requests(account):
    """Lets the endpoint `elastic` scale, as its owner has done by hand."""
    account.client("application-autoscaling").put_scaling_policy(
        PolicyName="by-requests", ResourceId=ELASTIC, **OF_INSTANCES, PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=FOLLOWS
    )


@pytest.fixture(scope="module")
def advised(tmp_path_factory):
    """An account, the mails of one run by their owner, and a person. Each test moves another endpoint, and leaves it as it was."""
    folder = tmp_path_factory.mktemp("moves")
    with account_of(folder, ESTATE) as account:
        account.client("application-autoscaling").register_scalable_target(ResourceId=ELASTIC, MinCapacity=4, MaxCapacity=8, **OF_INSTANCES)
        follow_requests(account)
        report = advise(account, folder)
        assert report["unread"] == [], report["unread"]
        mails = {mail["attributes"]["owner"][1].partition("@")[0]: mail for mail in account.control("mails")}
        yield account, mails, Person(account, folder)


def variant_of(account, name):
    sagemaker = account.client("sagemaker")
    described = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    assert described["EndpointStatus"] == "InService"
    return described["ProductionVariants"][0], config["ProductionVariants"][0]


def gone(account, name):
    return f"endpoint/{name}" not in state(account)


def test_to_serverless_and_back(advised):
    account, mails, person = advised
    move, back = steps(mails["rare"])
    before = state(account)
    person.run(move)
    deployed, configured = variant_of(account, "rare-serverless")
    [memory] = re.findall(r"serverless endpoint with (\d+) GB", mails["rare"]["message"])
    assert deployed["CurrentServerlessConfig"]["MemorySizeInMB"] == int(memory) * 1024
    assert configured["ModelName"] == "rare" and gone(account, "rare")
    assert state(account)["endpoint/rare-serverless"][3] == before["endpoint/rare"][3], "its tags"
    person.run(back)
    assert state(account) == before


def test_to_fewer_instances_and_back(advised):
    account, mails, person = advised
    move, back = steps(mails["fleet"])
    before = state(account)
    person.run(move)
    [(count, instance_type)] = re.findall(r"a month on (\d+) x (ml\.\S+?);", mails["fleet"]["message"])
    deployed, configured = variant_of(account, "fleet")
    assert (deployed["CurrentInstanceCount"], configured["InstanceType"]) == (int(count), instance_type)
    assert (int(count), instance_type) != (6, "ml.m5.xlarge")
    person.run(back)
    assert state(account) == before


def test_to_other_instances_with_auto_scaling_and_back(advised):
    account, mails, person = advised
    move, back = steps(mails["elastic"])
    before = state(account)
    person.run(move)
    [printed] = [json.loads(one) for one in person.printed if "by-requests" in one]
    assert printed["ScalingPolicies"][0]["TargetTrackingScalingPolicyConfiguration"] == FOLLOWS, "what the mail says to keep"
    _, configured = variant_of(account, "elastic")
    assert configured["InstanceType"] != "ml.m5.xlarge" and ELASTIC in state(account)["targets"]
    person.run(back)
    follow_requests(account)
    assert state(account) == before


def test_to_a_queue_and_back(advised):
    account, mails, person = advised
    move, back = steps(mails["documents"])
    before = state(account)
    person.run(move)
    described = account.client("sagemaker").describe_endpoint(EndpointName="documents-async")
    assert described["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"] == "s3://ml-team/documents-async/"
    assert state(account)["targets"]["endpoint/documents-async/variant/AllTraffic"] == (0, 1) and gone(account, "documents")
    person.run(back)
    assert state(account) == before


def test_to_a_component_and_back(advised):
    account, mails, person = advised
    move, back = steps(mails["captured"])
    before = state(account)
    person.run(move)
    assert state(account)["components"] == ["captured-component"] and gone(account, "captured")
    assert state(account)["targets"]["inference-component/captured-component"] == (0, 1)
    person.run(back)
    assert state(account) == before


def test_to_a_transform_job_and_back(advised):
    account, mails, person = advised
    move, back = steps(mails["nightly"])
    before = state(account)
    person.run(move)
    [job] = account.client("sagemaker").list_transform_jobs()["TransformJobSummaries"]
    assert job["TransformJobName"].startswith("nightly-batch-") and job["TransformJobStatus"] == "Completed" and gone(account, "nightly")
    person.run(back)
    assert state(account) == before


def test_to_a_shared_endpoint_and_back(advised):
    account, mails, person = advised
    [mail] = [mail for owner, mail in mails.items() if owner.startswith("risk-")]
    move, back = steps(mail)
    before = state(account)
    person.run(move)
    [second] = [name.partition("/")[2] for name in state(account) if name.startswith("endpoint/risk-")]
    model = account.client("sagemaker").describe_model(ModelName=second)
    assert second.endswith("-shared") and model["PrimaryContainer"]["Mode"] == "MultiModel"
    assert model["PrimaryContainer"]["ModelDataUrl"] == f"s3://ml-team/{second}/"
    person.run(back)
    assert state(account) == before, "also the tags, which differ"
