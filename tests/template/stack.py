"""The stack that CloudFormation makes of infra/template.yaml: translated by SAM, conditions decided, each reference a name or ARN in a made-up account."""

import functools
import json
import os
import pathlib
import re
from unittest import mock

from cfnlint.decode import cfn_yaml
from moto.events.models import EventPattern
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

TEMPLATE = pathlib.Path(__file__).parents[2] / "infra" / "template.yaml"
PSEUDO = {"AWS::AccountId": "123456789012", "AWS::NoValue": None, "AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::StackName": "guard"}
ARNS = {
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::CloudWatch::Alarm": "cloudwatch:{here}:alarm:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{here}:table/{name}",
    "AWS::Events::Rule": "events:{here}:rule/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{here}:key/{name}",
    "AWS::Lambda::Function": "lambda:{here}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{here}:log-group:{name}:*",
    "AWS::SNS::Topic": "sns:{here}:{name}",
    "AWS::SQS::Queue": "sqs:{here}:{name}",
}
REF_IS_THE_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}
# What the tests' simulated account has them called, whose calls test_permissions.py judges.
NAMES = {"Ledger": "cost-guard", "Topic": "cost-guard", "ChatTopic": "cost-guard-chat"}
# Channels of both applications.
CHAT = {
    "SlackWorkspaceId": "T0123ABCD", "SlackChannelId": "C0123ABCD", "TeamsTeamId": "01234567-89ab-cdef-0123-456789abcdef",
    "TeamsTenantId": "fedcba98-7654-3210-fedc-ba9876543210", "TeamsChannelId": "19%3a0123abcd%40thread.tacv2",
}  # fmt: skip
# All that the guard may be allowed.
EVERYTHING = {
    "AllowEnforcement": "yes", "AllowResubmission": "yes", "AllowHibernation": "yes", "PolicyParameter": "/cost-guard/policy", "ReportBucket": "finops",
    "PublishEvents": "yes", "EventBusName": "finops",
} | CHAT  # fmt: skip


class NoManagedPolicies(ManagedPolicyLoader):
    def __init__(self):
        super().__init__(None)

    def load(self):
        return {}


@functools.cache
def translated():
    document = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATE))))
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": PSEUDO["AWS::Region"]}):
        return transform(document, {}, NoManagedPolicies())


class Stack:
    """`resources` and `outputs` are those that these parameters make; what refers to one that is not made is an error."""

    def __init__(self, **parameters):
        template = translated()
        defaults = {name: of["Default"] for name, of in template["Parameters"].items() if "Default" in of}
        self.values = PSEUDO | defaults | {"AlertEmail": "finops@example.com"} | parameters
        self.conditions = template["Conditions"]
        self.types = {name: of["Type"] for name, of in template["Resources"].items() if self.makes(of)}
        self.resources = {name: self.value(template["Resources"][name]["Properties"]) for name in self.types}
        self.outputs = {name: self.value(of["Value"]) for name, of in template["Outputs"].items() if self.makes(of)}

    def of_type(self, kind):
        return {name: of for name, of in self.resources.items() if self.types[name] == kind}

    def policies(self, role):
        """A role's by name: its own, and those of the stack that it shares."""
        of, managed = self.resources[role], self.of_type("AWS::IAM::ManagedPolicy")
        shared = {name: policy["PolicyDocument"] for name, policy in managed.items() if self.arn(name) in of.get("ManagedPolicyArns", [])}
        return shared | {policy["PolicyName"]: policy["PolicyDocument"] for policy in of.get("Policies", [])}

    def statements(self, role):
        return [statement for policy in self.policies(role).values() for statement in policy["Statement"]]

    def hears(self, rule, event):
        return EventPattern.load(json.dumps(self.resources[rule]["EventPattern"])).matches_event(event)

    def makes(self, resource):
        return "Condition" not in resource or self.value({"Condition": resource["Condition"]})

    def name(self, logical):
        return NAMES.get(logical, f"guard-{logical}")

    def arn(self, logical):
        here = f"{self.values['AWS::Region']}:{self.values['AWS::AccountId']}"
        return "arn:aws:" + ARNS[self.types[logical]].format(here=here, account=self.values["AWS::AccountId"], name=self.name(logical))

    def reference(self, name):
        logical, _, attribute = name.partition(".")
        if logical in self.values:
            return self.values[logical]
        return self.arn(logical) if attribute == "Arn" or self.types[logical] in REF_IS_THE_ARN and not attribute else self.name(logical)

    def value(self, node):
        match node:
            case {"Ref": name}:
                return self.reference(name)
            case {"Fn::GetAtt": [logical, attribute]}:
                return self.reference(f"{logical}.{attribute}")
            case {"Fn::Sub": [text, given]}:
                given = self.value(given)
                return re.sub(r"\$\{([^}]+)\}", lambda found: str(given[found[1]] if found[1] in given else self.reference(found[1])), text)
            case {"Fn::Sub": text}:
                return self.value({"Fn::Sub": [text, {}]})
            case {"Fn::If": [condition, then, otherwise]}:
                return self.value(then if self.value({"Condition": condition}) else otherwise)
            case {"Condition": str(condition)}:
                return self.value(self.conditions[condition])
            case {"Fn::Equals": [one, other]}:
                return self.value(one) == self.value(other)
            case {"Fn::Not": [one]}:
                return not self.value(one)
            case {"Fn::And": each}:
                return all(map(self.value, each))
            case {"Fn::Or": each}:
                return any(map(self.value, each))
            case dict():
                assert not any(key.startswith("Fn::") for key in node), f"not known here: {list(node)}"
                valued = {key: self.value(of) for key, of in node.items()}
                return {key: of for key, of in valued.items() if of is not None}
            case list():
                return [of for of in map(self.value, node) if of is not None]
            case _:
                return node
