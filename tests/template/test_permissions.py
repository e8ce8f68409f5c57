"""What the functions asked the simulated account for in all tests (target/asked, by `make unit`), held against the template's permissions: neither too few nor too many."""

import fnmatch
import functools
import json
import pathlib

import permissions
import pytest
from cfnlint.decode import cfn_yaml

TOP = pathlib.Path(__file__).parents[2]
TEMPLATE = cfn_yaml.load(str(TOP / "infra" / "template.yaml"))
FUNCTIONS = permissions.functions(TEMPLATE)
# Asked for by another service on the caller's behalf: by SNS, and by CreateTrainingJob for a job's role and its tags.
ON_BEHALF = {("*", "kms:GenerateDataKey"), ("*", "kms:Decrypt"), ("TrainingJobSpotEnforcer", "iam:PassRole"), ("TrainingJobSpotEnforcer", "sagemaker:AddTags")}


@functools.cache
def asked():
    """By function: (action, resource)."""
    found = {name: set() for name in FUNCTIONS}
    for file in (TOP / "target" / "asked").glob("*.jsonl"):
        for line in file.read_text().splitlines():
            one = json.loads(line) if line else {"caller": ""}
            name = permissions.pascal(one["caller"])
            if name in found:
                found[name].add((one["action"], one["resource"]))
    return found


def pattern(resource):
    """A statement's resource as a pattern of ARNs, whatever the parameters and names of the stack."""
    if isinstance(resource, dict):
        (kind, name), = resource.items()
        if kind != "Fn::Sub":
            of = name[0] if isinstance(name, list) else name.split(".")[0]
            return {"Ledger": "arn:aws:dynamodb:*:*:table/*", "Topic": "arn:aws:sns:*", "TopicKey": "arn:aws:kms:*"}[of]
        resource = name
    for name in ("AWS::Region", "AWS::AccountId", "PolicyParameter", "ReportBucket", "TrainingRolePattern"):
        resource = resource.replace(f"${{{name}}}", "*")
    return resource.replace("${AWS::Partition}", "aws")


def allows(statement, action, resource):
    patterns = [pattern(one) for one in permissions.listed(statement["Resource"])]
    return action in permissions.listed(statement["Action"]) and any(one == "*" or fnmatch.fnmatchcase(resource, one) for one in patterns)


def own(name):
    return [statement for _, statement in permissions.statements(TEMPLATE, FUNCTIONS[name])]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_call_is_allowed(name):
    assert asked()[name], "no calls are recorded in target/asked: run `make unit` first"
    assert sorted(call for call in asked()[name] if not any(allows(statement, *call) for statement in own(name))) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_permission_is_used(name):
    used = {action for action, _ in asked()[name]}
    granted = {action for statement in own(name) for action in permissions.listed(statement["Action"])}
    on_behalf = {action for of, action in ON_BEHALF if of in ("*", name)}
    assert sorted(granted - used - on_behalf) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_statement_can_be_dropped(name):
    on_behalf = {action for of, action in ON_BEHALF if of in ("*", name)}
    needless = []
    for statement in own(name):
        others = [other for other in own(name) if other is not statement]
        is_needed = any(allows(statement, *call) and not any(allows(other, *call) for other in others) for call in asked()[name])
        if not is_needed and not set(permissions.listed(statement["Action"])) <= on_behalf:
            needless.append(statement["Sid"])
    assert needless == []
