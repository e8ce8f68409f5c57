"""The operations that each function's binary holds, held against its role: what a role does not allow is not even linked (shared/aws/src/area.rs)."""

import functools
import os
import pathlib
import re

import botocore.session
import pytest
from permissions import listed, pascal
from stack import EVERYTHING, Stack

TOP = pathlib.Path(__file__).parents[2]
BINARIES = pathlib.Path(os.environ.get("COST_GUARD_BINARIES", TOP / "target" / "debug"))
FUNCTIONS = sorted(path.parent.name for path in TOP.glob("functions/*/Cargo.toml"))
GUARD = Stack(**EVERYTHING)
# Services whose requests name the operation in a header, and what IAM calls the service. (SNS and S3 do not: their operations cannot be read from a binary.)
SERVICES = {
    "sagemaker": "sagemaker",
    # Only the command line asks it: no function holds an operation of it.
    "cloudtrail": "cloudtrail",
    "dynamodb": "dynamodb",
    "ce": "ce",
    "budgets": "budgets",
    "resourcegroupstaggingapi": "tag",
    "ssm": "ssm",
}
# Where IAM's action has another name than the operation.
ACTIONS = {
    "budgets:DescribeBudgets": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeBudgetPerformanceHistory": "budgets:ViewBudget",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
}


@functools.cache
def model(service):
    return botocore.session.get_session().get_service_model(service)


def linked(binary):
    """IAM's actions for the operations whose names stand in the binary."""
    code = binary.read_bytes()
    found = set()
    for service, prefix in SERVICES.items():
        operations = sorted(model(service).operation_names, key=len, reverse=True)
        # The Rust SDK leaves out the package before CloudTrail's name.
        target = re.escape(model(service).metadata["targetPrefix"].rpartition(".")[2].encode())
        # Texts lie one behind the other without an end: the longest operation that one begins with is the one that is meant.
        for text in re.findall(target + rb"\.([A-Z][A-Za-z0-9]+)", code):
            name = next((name for name in operations if text.decode().startswith(name)), None)
            assert name, f"{binary}: {service} has no operation that {text} begins with"
            action = f"{prefix}:{name}"
            found.add(ACTIONS.get(action, action))
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_binary_holds_only_what_its_role_allows(name):
    binary = BINARIES / name
    assert binary.exists(), f"{binary} is not there: run `make unit` first"
    allowed = {action for statement in GUARD.statements(f"{pascal(name)}Role") for action in listed(statement["Action"])}
    operations = linked(binary)
    assert len(operations) > 2, "the operations were not found: is the binary built for another protocol?"
    assert sorted(operations - allowed) == []
