"""The simulator and moto as processes, boto3 clients for both, and the check of every answer against botocore's own service models."""

import contextlib
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from xml.etree import ElementTree

import boto3
import botocore.session
import cbor2
import pytest
from botocore.config import Config

TOP = pathlib.Path(__file__).parents[2]
REGION = "eu-central-1"
ACCOUNT = "123456789012"
ESTATE = """
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
topic = "cost-guard"
table = "cost-guard"
[[notebook]]
name = "Churn-EDA"
instance-type = "ml.m5.xlarge"
since = "-2h"
lifecycle-config = "cost-guard-idle-agent"
used = "never"
tags = { Owner = "ann@example.com" }
[[notebook]]
name = "bulk-{}"
count = 25
status = "Stopped"
since = "-3d"
[[domain]]
id = "d-1"
name = "company"
tags = { Owner = "platform@example.com" }
tag-propagation = true
jupyter-lab-idle = { lifecycle-management = "ENABLED", idle-timeout-minutes = 60, max-idle-timeout-minutes = 120 }
[[user-profile]]
domain = "d-1"
name = "ann"
code-editor-idle = { lifecycle-management = "DISABLED", idle-timeout-minutes = 60 }
[[space]]
domain = "d-1"
name = "lab"
owner = "ann"
jupyter-lab-idle-minutes = 90
[[app]]
domain = "d-1"
space = "lab"
instance-type = "ml.m5.xlarge"
since = "-5h"
[[app]]
domain = "d-1"
user-profile = "ann"
type = "KernelGateway"
status = "Deleted"
since = "-5h"
"""


class Account:
    """An AWS account at an endpoint."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def client(self, service):
        config = Config(retries={"total_max_attempts": 1})
        client = boto3.client(
            service, region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id="x", aws_secret_access_key="x", config=config
        )
        client.meta.events.register("after-call.*.*", check_answer)
        return client

    def cbor(self, target, service, operation, value):
        """One call in Smithy's RPC v2 CBOR, its answer checked against AWS's model: status, headers, answer."""
        request = urllib.request.Request(
            f"{self.endpoint}/service/{target}/operation/{operation}",
            data=cbor2.dumps(value, timezone=datetime.timezone.utc, datetime_as_timestamp=True),
            headers={"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"},
        )
        try:
            http = urllib.request.urlopen(request)
        except urllib.error.HTTPError as refused:
            http = refused
        answer = cbor2.loads(http.read())
        model = botocore.session.get_session().get_service_model(service).operation_model(operation)
        if http.status == 200 and model.output_shape:
            check_shape(operation, model.output_shape, answer)
        return http.status, http.headers, answer

    def control(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_simulator/{path}", data=data) as answer:
            return json.loads(answer.read() or "null")


# Real answers have these words for AccountScope, which AWS's model does not know.
REAL = {"Payer", "Linked"}


def check_answer(http_response, model, **_):
    """boto3 drops what its models do not know, in silence: here that is an error."""
    kind = http_response.headers.get("content-type", "")
    if http_response.status_code != 200 or not model.output_shape or model.has_streaming_output:
        return
    if model.service_model.metadata["protocol"] == "rest-xml":
        check_xml(model.name, model.output_shape, http_response.content)
    elif "json" in kind:
        check_shape(model.name, model.output_shape, json.loads(http_response.content or "{}"))


def check_xml(where, shape, content):
    """The elements of an answer in XML, and those of the structures in its flat lists."""
    known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
    for element in ElementTree.fromstring(content) if content else ():
        name = element.tag.rpartition("}")[2]
        assert name in known, f"{where}: {name} is not in AWS's model"
        member = known[name].member if known[name].type_name == "list" else known[name]
        if member.type_name == "structure":
            check_xml(f"{where}.{name}", member, ElementTree.tostring(element))


def check_shape(where, shape, value):
    if shape.type_name == "structure":
        assert isinstance(value, dict), f"{where} is not an object: {value!r}"
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{where}: {unknown} is not in AWS's model"
        missing = set(shape.required_members) - set(value)
        assert not missing, f"{where}: {missing} is required by AWS's model"
        for name, inner in value.items():
            check_shape(f"{where}.{name}", shape.members[name], inner)
    elif shape.type_name == "list":
        for inner in value:
            check_shape(where + "[]", shape.member, inner)
    elif shape.type_name == "map":
        for inner in value.values():
            check_shape(where + "{}", shape.value, inner)
    elif shape.type_name == "string":
        assert isinstance(value, str), f"{where}: {value!r} is not a text"
        assert not shape.enum or value in shape.enum or (shape.name == "AccountScope" and value in REAL), f"{where}: {value!r} is not one of {shape.enum}"
    elif shape.type_name in ("integer", "long", "double", "float"):
        assert isinstance(value, (int, float)), f"{where}: {value!r} is not a number"
    elif shape.type_name == "timestamp":
        assert isinstance(value, (int, float, datetime.datetime)), f"{where}: {value!r} is not a time"
    elif shape.type_name == "boolean":
        assert isinstance(value, bool), f"{where}: {value!r} is not true or false"


def start(command, environment, ready):
    process = subprocess.Popen(command, env=dict(os.environ, **environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        line = process.stdout.readline()
        found = re.search(ready, line)
        if found:
            return process, found.group(1)
        assert process.poll() is None, line
    raise AssertionError(f"{command} did not start")


@contextlib.contextmanager
def account_of(folder, estate):
    """A simulated account that holds this at its start."""
    binary = pathlib.Path(os.environ.get("SIMULATOR", TOP / "target" / "debug" / "simulator"))
    assert binary.exists(), f"{binary} is not there: cargo build --workspace"
    (folder / "estate.toml").write_text(estate)
    process, endpoint = start([binary, "--estate", folder / "estate.toml", "--port", "0"], {}, r"AWS_ENDPOINT_URL=(\S+)")
    yield Account(endpoint)
    process.kill()
    process.wait()


@pytest.fixture
def simulated(tmp_path, request):
    """With the module's own ESTATE, where it has one."""
    with account_of(tmp_path, getattr(request.module, "ESTATE", ESTATE)) as account:
        yield account


@pytest.fixture(scope="session")
def moto():
    command = [sys.executable, "-m", "moto.server", "-p", "0"]
    process, endpoint = start(command, {"AWS_DEFAULT_REGION": REGION, "PYTHONUNBUFFERED": "1"}, r"Running on (http://127\.0\.0\.1:\d+)")
    yield Account(endpoint)
    process.kill()
    process.wait()
