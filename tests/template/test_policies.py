"""Each policy of the stack, by parliament, which knows AWS's actions, their resources and their conditions (the service authorization reference)."""

import json
import re
import warnings

import botocore.session
import pytest
from permissions import listed
from stack import EVERYTHING, PSEUDO, Stack

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports what setuptools will drop
    import parliament

GUARD = Stack(**EVERYTHING)
SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
# Can be narrowed to monitors, billing views and plans, where a call names one. Those of the guard name none.
NAME_NONE = {"savingsplans:DescribeSavingsPlans", "ce:GetAnomalies", "ce:GetCostAndUsage", "ce:GetCostAndUsageWithResources", "ce:GetCostForecast"}
# By parliament's name of the finding, the policies for which it is as it should be.
EXPECTED = {
    "NO_VERSION": r"\w+(SQS|Lambda)Policy",  # SAM's own
    "PERMISSIONS_MANAGEMENT_ACTIONS": r"TopicKey|TrainingJobSpotEnforcerRole|EndpointAutoscalerRole",  # who administers the key; iam:PassRole, see below; the role of Application Auto Scaling
    "RESOURCE_STAR": r"TopicKey|BudgetAlerterRole|CostReporterRole|SavingsPlanAdvisorRole",  # the key itself; NAME_NONE
}


def policies():
    """By name: what roles may do, and who may use a topic, a queue or a key."""
    for name, of in GUARD.resources.items():
        for policy in of.get("Policies", []):
            yield name if policy["PolicyName"] == "ItsOwnWork" else policy["PolicyName"], policy["PolicyDocument"]
        for key in ("PolicyDocument", "KeyPolicy"):
            if key in of:
                yield name, of[key]


POLICIES = dict(policies())
# Actions of other services than SageMaker that are newer than parliament's copy of the service authorization reference.
NEWER_ACTIONS = ["billing:GetBillingViewData"]


def resource_types(action):
    service, _, name = action.partition(":")
    privileges = [one for of in parliament.iam_definition if of["prefix"] == service for one in of["privileges"] if one["privilege"] == name]
    return {one["resource_type"] for privilege in privileges for one in privilege["resource_types"]} - {""}


def is_newer_than_parliament(finding):
    """Whether parliament does not know an action that AWS has: for SageMaker, by its API model."""
    action = re.search(r"Unknown action (\w+):(\w+)", str(finding))
    if finding.issue != "UNKNOWN_ACTION" or not action:
        return False
    return f"{action[1]}:{action[2]}" in NEWER_ACTIONS or (action[1] == "sagemaker" and action[2] in SAGEMAKER.operation_names)


@pytest.mark.parametrize("name", POLICIES)
def test_parliament_finds_nothing(name):
    found = parliament.analyze_policy_string(json.dumps(POLICIES[name]), include_community_auditors=True).findings
    unexpected = [one for one in found if not re.fullmatch(EXPECTED.get(one.issue, ""), name) and not is_newer_than_parliament(one)]
    assert [str(one) for one in unexpected] == []


@pytest.mark.parametrize("role", GUARD.of_type("AWS::IAM::Role"))
def test_every_statement_is_narrowed_to_resources_where_aws_lets_it(role):
    wide = {action for one in GUARD.statements(role) if "*" in listed(one["Resource"]) for action in listed(one["Action"])}
    assert {action for action in wide if resource_types(action)} <= NAME_NONE


def test_a_services_permission_is_for_this_account_or_for_one_of_its_things():
    for name, policy in POLICIES.items():
        for statement in policy["Statement"]:
            if "Service" in statement.get("Principal", {}):
                limits = [value for test in statement["Condition"].values() for value in test.values()]
                account = PSEUDO["AWS::AccountId"]
                assert any(limit == account or f":{account}:" in limit for limit in limits), (name, statement["Sid"])
    for name, permission in GUARD.of_type("AWS::Lambda::Permission").items():
        assert f":{PSEUDO['AWS::AccountId']}:" in permission["SourceArn"], name


def test_roles_are_passed_to_sagemaker_only():
    passing = [one for role in GUARD.of_type("AWS::IAM::Role") for one in GUARD.statements(role) if "iam:PassRole" in listed(one["Action"])]
    assert [one["Condition"] for one in passing] == [{"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}]
