"""What the functions asked the simulated account for in all tests (target/asked, by `make unit`), held against the roles of the stack: neither too few permissions nor too many."""

import fnmatch
import functools
import json
import pathlib
import re

import pytest
from permissions import listed, pascal
from stack import EVERYTHING, Stack

TOP = pathlib.Path(__file__).parents[2]
GUARD = Stack(**EVERYTHING)
FUNCTIONS = sorted(GUARD.of_type("AWS::Lambda::Function"))
# Asked for by another service on the caller's behalf: by SNS, by Lambda for its log and for an event that failed, and by AWS Budgets.
ON_BEHALF = {"kms:GenerateDataKey", "kms:Decrypt", "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "billing:GetBillingViewData"} | {
    "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "iam:CreateServiceLinkedRole",
    # Application Auto Scaling asks for it where a target is registered with tags.
    "application-autoscaling:TagResource"}
# The conditions that statements have: it is the simulated SageMaker that roles are passed to, and the functions' own source that events are put as.
MET = [{"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, {"StringEquals": {"events:source": "sagemaker-cost-guard"}}]
# Tests of the process itself run in another Region, one test in two accounts; tests of faults name a table or a topic that is gone. (Cost Explorer is in one
# Region only.)
ELSEWHERE = re.compile(r"arn:aws:(?!ce:)\w+:(us-east-1|eu-west-1):|arn:aws:\w+:[\w-]+:210987654321:|arn:aws:(dynamodb|sns):.*\bgone$")


@functools.cache
def asked():
    """By function: (action, resource)."""
    found = {name: set() for name in FUNCTIONS}
    for file in (TOP / "target" / "asked").glob("*.jsonl"):
        for line in file.read_text().rstrip("\n").split("\n"):
            one = json.loads(line) if line else {"caller": ""}
            name = pascal(one["caller"])
            if name in found and not ELSEWHERE.match(one["resource"]):
                found[name].add((one["action"], one["resource"]))
    return found


def allows(statement, action, resource):
    is_met = statement.get("Condition", MET[0]) in MET
    return is_met and action in actions([statement]) and any(fnmatch.fnmatchcase(resource, one) for one in listed(statement["Resource"]))


def actions(statements):
    return {action for statement in statements for action in listed(statement["Action"])}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_a_role_of_its_own(name):
    role = GUARD.resources[f"{name}Role"]
    assert [of for of in FUNCTIONS if GUARD.resources[of]["Role"] == GUARD.arn(f"{name}Role")] == [name]
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert role["AssumeRolePolicyDocument"]["Statement"] == [trusted]
    assert role["ManagedPolicyArns"] == [GUARD.arn("RememberAndMail")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_writes_into_its_own_log_only_and_leaves_what_fails_in_the_queue(name):
    own = [one for one in GUARD.statements(f"{name}Role") if any(re.match("(logs|sqs):", action) for action in listed(one["Action"]))]
    assert {one["Sid"]: (listed(one["Action"]), one["Resource"]) for one in own} == {
        "WriteItsLog": (["logs:CreateLogStream", "logs:PutLogEvents"], GUARD.arn(f"{name}Log")),
        "LeaveWhatFails": (["sqs:SendMessage"], GUARD.arn("DeadLetters")),
    }


def test_a_boundary_is_on_every_role_and_without_one_on_none():
    boundary = "arn:aws:iam::123456789012:policy/developers"
    for given, expected in [("", {None}), (boundary, {boundary})]:
        roles = Stack(**EVERYTHING, PermissionsBoundary=given).of_type("AWS::IAM::Role")
        assert len(roles) == len(FUNCTIONS) + len(GUARD.of_type("AWS::Scheduler::Schedule")) + len(["ChatRole"]) and {of.get("PermissionsBoundary") for of in roles.values()} == expected


def test_the_other_roles_are_those_of_schedules_and_may_wake_their_function_only():
    schedules = GUARD.of_type("AWS::Scheduler::Schedule")
    assert set(GUARD.of_type("AWS::IAM::Role")) == {f"{name}Role" for name in [*FUNCTIONS, *schedules, "Chat"]}
    for name, schedule in schedules.items():
        may = [(one["Action"], one["Resource"]) for one in GUARD.statements(f"{name}Role")]
        assert may == [("lambda:InvokeFunction", schedule["Target"]["Arn"]), ("sqs:SendMessage", GUARD.arn("DeadLetters"))], name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_call_is_allowed(name):
    assert asked()[name], "no calls are recorded in target/asked: run `make unit` first"
    own = GUARD.statements(f"{name}Role")
    assert sorted(call for call in asked()[name] if not any(allows(statement, *call) for statement in own)) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_permission_is_used(name):
    used = {action for action, _ in asked()[name]}
    # One policy for the ledger and the mails is all functions': some function uses each of its permissions.
    shared = actions(GUARD.resources["RememberAndMail"]["PolicyDocument"]["Statement"])
    used |= shared & {action for calls in asked().values() for action, _ in calls}
    assert sorted(actions(GUARD.statements(f"{name}Role")) - used - ON_BEHALF) == []


# cost-reporter finds nothing, so that it has nothing to publish. It shares the policy with those that have.
SHARED = {"CostReporter": ["PublishEvents"]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_statement_can_be_dropped(name):
    own = GUARD.statements(f"{name}Role")
    needless = []
    for statement in own:
        others = [other for other in own if other is not statement]
        is_needed = any(allows(statement, *call) and not any(allows(other, *call) for other in others) for call in asked()[name])
        if not is_needed and not actions([statement]) <= ON_BEHALF:
            needless.append(statement["Sid"])
    assert needless == SHARED.get(name, [])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_not_allowed_by_the_parameters_no_role_may_do(name):
    reads = re.compile(r"[\w-]+:(BatchGet|Describe|Get|List|Query|Search|View)")
    own = {"dynamodb:PutItem", "events:PutEvents", "s3:PutObject", "sns:Publish"} | ON_BEHALF

    def acts(**parameters):
        stack = Stack(**EVERYTHING | {"AllowEnforcement": "no", "AllowResubmission": "no", "AllowHibernation": "no"} | parameters)
        return {one for one in actions(stack.statements(f"{name}Role")) - own if not reads.match(one)}

    assert acts() == acts(AllowResubmission="yes", AllowHibernation="yes") == set()
    assert not any(re.match(r"iam:|\w+:Create", action) for action in acts(AllowEnforcement="yes"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_may_lose_data(name):
    # What the guard itself attached, and the alarms that belong to it, hold no data.
    own = "App|ScalingPolicy|ScheduledAction|Alarms"
    loses = {one for one in actions(GUARD.statements(f"{name}Role")) if re.match(rf".*\*|[\w-]+:Delete(?!({own})$)", one)}
    # An endpoint that is hibernated holds no data, and everything else of it was stored before. It needs a parameter of its own.
    assert loses == ({"sagemaker:DeleteEndpoint"} if name == "EndpointAutoscaler" else set())
    awake = Stack(**EVERYTHING | {"AllowHibernation": "no"})
    assert "sagemaker:DeleteEndpoint" not in actions(awake.statements(f"{name}Role"))
