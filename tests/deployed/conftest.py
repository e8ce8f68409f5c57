"""The stack, deployed: ministack is CloudFormation, Lambda, EventBridge, Scheduler, SNS, SQS, DynamoDB, SSM and S3, with IAM; the simulated account is SageMaker and the bill."""

import contextlib
import datetime
import io
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

import boto3
import pytest

TOP = pathlib.Path(__file__).parents[2]
HERE = TOP / "tests" / "deployed"
FUNCTIONS = {"NotebookStopper": "notebook-stopper", "TrainingJobSpotEnforcer": "training-job-spot-enforcer", "TagAuditor": "tag-auditor", "BudgetAlerter": "budget-alerter", "EndpointAutoscaler": "endpoint-autoscaler", "InferenceAdvisor": "inference-advisor", "CostReporter": "cost-reporter", "SavingsPlanAdvisor": "savings-plan-advisor"}
BINARIES = pathlib.Path(os.environ.get("COST_GUARD_BINARIES", TOP / "target" / "release"))
REGION = "eu-central-1"
ACCOUNT = "123456789012"
STACK = "guard"
CODE = "cost-guard-code"
REPORTS = "cost-guard-reports"
POLICY = "/cost-guard/policy"
TEST_SOURCE = "test.sagemaker"
PARAMETERS = {
    "AlertEmail": "platform@example.com",
    "PolicyParameter": POLICY,
    "AllowEnforcement": "yes",
    "AllowHibernation": "yes",
    "ReserveConcurrency": "yes",
    "ReportBucket": REPORTS,
    "TestEventSource": TEST_SOURCE,
    **{schedule: "rate(1 minute)" for schedule in ("NotebookSchedule", "TrainingSweepSchedule", "TagAuditSchedule", "EndpointSchedule", "InferenceSchedule", "BudgetSchedule", "SavingsPlanSchedule")},
    "ScheduleTimezone": "Europe/Berlin",
}
# What ministack does not know: saved queries, and alarms on metric math.
MATH = r"\w+IsSilent"
NOT_DEPLOYED = rf"^  (What\w+:\n    Type: AWS::Logs::QueryDefinition|({MATH}):\n    Type: AWS::CloudWatch::Alarm)\n(    .*\n|\n)+"


def eventually(check, seconds=90, what=""):
    """The first answer of `check` that is one; ministack's scheduler looks every ten seconds."""
    until = time.monotonic() + seconds
    while True:
        if found := check():
            return found
        assert time.monotonic() < until, f"waited {seconds} s for {what or check.__name__}"
        time.sleep(0.3)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def process(command, log, **environment):
    with open(log, "w") as output:
        started = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent, env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true", "RUST_BACKTRACE": "0", **environment})
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                started.kill()


@pytest.fixture(scope="session", autouse=True)
def nobodys_profile():
    """Whoever runs this may have an AWS account: none of it is used here."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("deployed")


@pytest.fixture(scope="session")
def account(logs):
    """The address of the simulated account."""
    estate = logs / "estate.toml"
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    estate.write_text(f'start = "{start:%Y-%m-%dT%H:%M:%SZ}"\n' + (HERE / "estate.toml").read_text())
    log = logs / "simulator.log"
    with process([TOP / "target/debug/simulator", "--estate", estate, "--port", "0", "--real-time"], log) as running:
        line = eventually(lambda: (running.poll() is not None and pytest.fail(log.read_text())) or re.search(r"AWS_ENDPOINT_URL=(\S+)", log.read_text()), 20, "the simulator")
        yield line[1]


@pytest.fixture(scope="session")
def cloud(logs, account):
    """ministack: a function that makes clients of it."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    simulated = {f"AWS_ENDPOINT_URL_{service}": account for service in ("SAGEMAKER", "BUDGETS", "CLOUDWATCH", "APPLICATION_AUTO_SCALING", "COMPUTE_OPTIMIZER", "COST_EXPLORER", "SAVINGSPLANS", "RESOURCE_GROUPS_TAGGING_API")}
    # The functions run with what ministack was started with: it reads AWS_ENDPOINT_URL for them.
    environment = {
        "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "AUTH": "true", "LAMBDA_EXECUTOR": "local", "IOT_MTLS_ENABLED": "false", "SFTP_ENABLED": "false",
        "MINISTACK_ACCOUNT_ID": ACCOUNT, "MINISTACK_REGION": REGION, "AWS_ENDPOINT_URL": endpoint, "PYTHONUNBUFFERED": "1", **simulated,
    }  # fmt: skip
    log = logs / "ministack.log"
    # It unpacks the functions there, over a gigabyte, and leaves them.
    unpacked = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with unpacked as folder, process([pathlib.Path(sys.executable).parent / "ministack"], log, TMPDIR=folder, **environment) as running:
        def is_ready():
            assert running.poll() is None, log.read_text()
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"{endpoint}/_ministack/health")

        eventually(is_ready, 30, "ministack")
        yield lambda service: boto3.client(service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


def zipped(binary, version):
    """A function's code, as Lambda takes it. Another version is another archive of the same binary."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        path = BINARIES / binary
        assert path.exists(), f"{path} is not there: make test-deployed builds it"
        file.writestr(entry, path.read_bytes())
        file.comment = version.encode()
    return archive.getvalue()


def template(cloud, version):
    """The template as it is, with the functions' code of this version in S3, less what ministack cannot make."""
    for binary in FUNCTIONS.values():
        cloud("s3").put_object(Bucket=CODE, Key=f"{binary}-{version}.zip", Body=zipped(binary, version))
    text = (TOP / "infra" / "template.yaml").read_text()
    code = r"(        Binary: (\S+)\n(?:.*\n)*?      CodeUri: )\.\.\n"
    text, replaced = re.subn(code, rf"\g<1>s3://{CODE}/\g<2>-{version}.zip\n", text)
    assert replaced == len(FUNCTIONS)
    text, dropped = re.subn(NOT_DEPLOYED, "", text, flags=re.MULTILINE)
    # Three saved queries, and an alarm of the silence of each but the two advisors.
    assert dropped == 3 + len(FUNCTIONS) - 2
    return re.sub(rf', "\$\{{({MATH})\.Arn\}}"', "", text)


def settled(cloud, name=STACK):
    """The stack when CloudFormation has done what it does, with what went wrong."""
    def stack():
        found = cloud("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    found = eventually(stack, 60, f"the stack {name}")
    events = cloud("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return found, [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in events if "FAILED" in event["ResourceStatus"]]


def deploy(cloud, version, name=STACK, verb="create_stack", **parameters):
    # Too large to be sent within the call: SAM puts it into its bucket, too.
    s3, key = cloud("s3"), f"template-{version}.yaml"
    s3.put_object(Bucket=CODE, Key=key, Body=template(cloud, version).encode())
    getattr(cloud("cloudformation"), verb)(
        StackName=name, TemplateURL=f"{s3.meta.endpoint_url}/{CODE}/{key}", Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in {**PARAMETERS, **parameters}.items()],
    )  # fmt: skip
    return settled(cloud, name)


def delete(cloud, name=STACK):
    stacks = cloud("cloudformation")
    stack = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    stacks.delete_stack(StackName=name)
    eventually(lambda: stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE", 60, f"the end of {name}")


def resources(cloud, name=STACK):
    return cloud("cloudformation").describe_stack_resources(StackName=name)["StackResources"]


def physical(cloud, name=STACK):
    """What AWS calls each resource, by its logical name."""
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources(cloud, name)}


class Deployed:
    """The stack, and what can be seen of it."""

    def __init__(self, cloud, account):
        self.cloud, self.address = cloud, account
        self.of = physical(cloud)

    def simulated(self, what):
        return json.load(urllib.request.urlopen(f"{self.address}/_simulator/{what}"))

    def reports(self, function):
        """The reports in a function's log, oldest first."""
        group = self.of[f"{function}Log"]
        events = self.cloud("logs").filter_log_events(logGroupName=group)["events"]
        lines = (line for event in events for line in event["message"].splitlines())
        found = (json.loads(line) for line in lines if line.startswith("{"))
        return [one for one in found if "total-findings" in one]

    def log(self, function):
        return "\n".join(event["message"] for event in self.cloud("logs").filter_log_events(logGroupName=self.of[f"{function}Log"])["events"])

    def next_report(self, function, do, seconds=60):
        """What the next run says, which `do` brings about."""
        before = len(self.reports(function))
        do()
        return eventually(lambda: self.reports(function)[before:], seconds, f"a run of {function}; its log: {self.log(function)[-2000:]}")[0]

    def invoke(self, function, event):
        answer = self.cloud("lambda").invoke(FunctionName=self.of[function], Payload=json.dumps(event).encode())
        return json.load(answer["Payload"])


@pytest.fixture(scope="session")
def deployed(cloud, account):
    s3 = cloud("s3")
    for bucket in (CODE, REPORTS):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    cloud("ssm").put_parameter(Name=POLICY, Type="String", Value=(HERE / "policy.toml").read_text())
    stack, failed = deploy(cloud, "1")
    assert (stack["StackStatus"], failed) == ("CREATE_COMPLETE", [])
    return Deployed(cloud, account)
