"""Prints docs/permissions.md: what each function's role may do, from infra/template.yaml; with `--scan`, docs/scan-permissions.json: the IAM policy for
`cost-guard scan`, `rehearse` and `doctor`. `make docs` writes both; a test fails when they are stale."""

import json
import pathlib
import re
import sys

from cfnlint.decode import cfn_yaml

TOP = pathlib.Path(__file__).parents[2]
HEAD = """<!-- Made by `make docs` from infra/template.yaml. A test fails when it is stale. -->
# Permissions

One role per function. *Only with* names the parameters of the stack without which the role does not have the permission at all. `<region>` and `<account>` are the stack's own.

Each schedule has a role of its own, which may call its function and leave what fails in DeadLetters. The parameter `PermissionsBoundary` bounds all of these roles; it must let through what stands here.

"""
CONDITIONS = {
    "MayEnforce": "AllowEnforcement = yes",
    "MayHibernate": "AllowEnforcement = yes, AllowHibernation = yes",
    "MayResubmit": "AllowEnforcement = yes, AllowResubmission = yes",
    "HasReportBucket": "ReportBucket",
    "LooksAfterBudgets": "IsHomeRegion = yes",
    "HasPolicyParameter": "PolicyParameter",
    "EncryptsMails": "the stack's own topic, or TopicKeyArn",
    "PublishesEvents": "PublishEvents = yes",
    "HasChat": "SlackChannelId, or TeamsChannelId",
    "HasChatOnly": "TopicArn, and SlackChannelId or TeamsChannelId",
}


def functions(template):
    return {name: of for name, of in template["Resources"].items() if of["Type"] == "AWS::Serverless::Function"}


def statements(template, function):
    """A function's statements, each with the condition that it is under; the managed policies among them."""
    role = template["Resources"][function["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
    managed = [template["Resources"][policy["Ref"]]["Properties"] for policy in role["ManagedPolicyArns"]]
    for policy in [*managed, *role["Policies"]]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][:2] if "Fn::If" in statement else (None, statement)


def pascal(kebab):
    return "".join(part.capitalize() for part in kebab.split("-"))


def listed(one):
    return one if isinstance(one, list) else [one]


def resource(of):
    """An ARN for people; the name of the stack's own thing where the template refers to one."""
    if isinstance(of, dict):
        (kind, name), = of.items()
        if kind == "Fn::If":
            return " or ".join(resource(one) for one in name[1:])
        if kind == "Ref" and name in ("TopicArn", "TopicKeyArn"):
            return f"`<{name}>`"
        if kind != "Fn::Sub":
            return f"the stack's {name[0] if isinstance(name, list) else name.split('.')[0]}"
        of = name if isinstance(name, str) else name[0]
    of = of.replace("${AWS::Partition}", "aws").replace("${AWS::Region}", "<region>").replace("${AWS::AccountId}", "<account>")
    of = of.replace(".Arn}", "}")
    named = re.sub(r"[$]{(\w+)}", r"<\1>", of)
    return f"`{named}`"


def words(sid):
    """`FindNotebooksAndApps` → `find notebooks and apps`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", sid).lower()


def manual(template):
    parts = [HEAD]
    for name, function in sorted(functions(template).items()):
        parts.append(f"## {name}\n\n| to | action | on | only with |\n|---|---|---|---|\n")
        for condition, statement in statements(template, function):
            on = " ".join(resource(one) for one in listed(statement["Resource"]))
            limits = "".join(f"; {key} = {value}" for test in statement.get("Condition", {}).values() for key, value in test.items())
            actions = " ".join(f"`{action}`" for action in listed(statement["Action"]))
            parts.append(f"| {words(statement['Sid'])} | {actions} | {on}{limits} | {CONDITIONS[condition] if condition else ''} |\n")
        parts.append("\n")
    return "".join(parts).rstrip("\n") + "\n"


# What only a deployed function reads: its ledger, its bucket, its own policy and keys.
ITS_OWN = {"dynamodb", "events", "kms", "logs", "s3", "sqs", "ssm"}


# What only `cost-guard rehearse` reads, and no function.
REHEARSED = {"cloudtrail:LookupEvents"}


def reads(action):
    service, operation = action.split(":")
    return service not in ITS_OWN and re.match("BatchGet|Describe|Get|Head|List|Search|View", operation)


def scan_policy(template):
    """All that the functions' roles may read, and what a rehearsal reads besides, as an IAM policy."""
    actions = {action for function in functions(template).values() for _, statement in statements(template, function) for action in listed(statement["Action"])}
    statement = {"Sid": "CostGuardScan", "Effect": "Allow", "Action": sorted({*filter(reads, actions), *REHEARSED}), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2) + "\n"


if __name__ == "__main__":
    made = scan_policy if "--scan" in sys.argv else manual
    print(made(cfn_yaml.load(str(TOP / "infra" / "template.yaml"))), end="")
