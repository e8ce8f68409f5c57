"""The SAM template: linted as it is and as it is translated, in step with the functions' folders, and with no permission that loses data."""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

import permissions
import pytest
from cfnlint.decode import cfn_yaml
from moto.events.models import EventPattern
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

TOP = pathlib.Path(__file__).parents[2]
TEMPLATE = TOP / "infra" / "template.yaml"
FUNCTIONS = sorted(folder.name for folder in (TOP / "functions").iterdir() if (folder / "Cargo.toml").exists())

# These know no resource-level permission (AWS's service authorization reference).
WITHOUT_RESOURCES = {
    "sagemaker:ListNotebookInstances", "sagemaker:ListApps", "sagemaker:ListDomains", "sagemaker:ListUserProfiles",
    "sagemaker:ListSpaces", "sagemaker:Search", "tag:GetResources", "cloudwatch:ListMetrics", "cloudwatch:GetMetricData",
    "sagemaker:ListAutoMLJobs", "sagemaker:ListClusters", "sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints", "sagemaker:ListFeatureGroups",
    "sagemaker:ListHyperParameterTuningJobs", "sagemaker:ListInferenceComponents", "sagemaker:ListMlflowTrackingServers", "sagemaker:ListModels",
    "sagemaker:ListPipelines", "sagemaker:ListProcessingJobs", "sagemaker:ListTrainingJobs", "sagemaker:ListTransformJobs",
    "ce:GetAnomalies", "ce:GetCostAndUsage", "ce:GetCostForecast", "ce:ListCostAllocationTags", "ce:UpdateCostAllocationTagsStatus",
}  # fmt: skip
LOSES_DATA = re.compile(r"sagemaker:(\*|Delete(?!App$).*)")


class NoManagedPolicies(ManagedPolicyLoader):
    def __init__(self):
        super().__init__(None)

    def load(self):
        return {}


@pytest.fixture(scope="session")
def template():
    return cfn_yaml.load(str(TEMPLATE))


@pytest.fixture(scope="session")
def translated():
    document = json.loads(json.dumps(cfn_yaml.load(str(TEMPLATE))))
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        return transform(document, {}, NoManagedPolicies())


def lint(path):
    command = [pathlib.Path(sys.executable).parent / "cfn-lint", "--regions", "eu-central-1", "--", path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def functions(template):
    found = permissions.functions(template)
    assert found
    return found


def statements(template):
    """Each function's statements, with the condition that they are under; the managed policies among them."""
    for name, function in functions(template).items():
        for condition, statement in permissions.statements(template, function):
            yield name, condition, statement


def actions(statement):
    return permissions.listed(statement["Action"])


def test_the_template_passes_cfn_lint():
    lint(TEMPLATE)


def test_the_translated_template_passes_cfn_lint(translated, tmp_path):
    # cfn-lint does not look inside SAM's own blocks.
    path = tmp_path / "translated.json"
    path.write_text(json.dumps(translated))
    lint(path)


def test_every_function_folder_is_deployed_under_its_name(template):
    deployed = {name: of["Metadata"]["BuildProperties"]["Binary"] for name, of in functions(template).items()}
    assert deployed == {permissions.pascal(folder): folder for folder in FUNCTIONS}


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_cargo_lambda_deploys_with_the_same_settings(template, folder):
    manifest = tomllib.loads((TOP / "functions" / folder / "Cargo.toml").read_text())
    settings = manifest["package"]["metadata"]["lambda"]["deploy"]
    shared = template["Globals"]["Function"]
    own = functions(template)[permissions.pascal(folder)]["Properties"]
    assert settings["memory"] == own.get("MemorySize", shared["MemorySize"])
    assert settings["timeout"] == own.get("Timeout", shared["Timeout"])


def test_the_environment_is_the_contract(template):
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert set(variables) == {"COST_GUARD_POLICY", "COST_GUARD_TOPIC_ARN", "COST_GUARD_TABLE", "COST_GUARD_LOG"}
    source = (TOP / "shared/aws/src/settings.rs").read_text()
    assert set(variables) == set(re.findall(r'given\("(COST_GUARD_\w+)"\)', source))


def test_the_ledgers_keys_are_those_of_the_code(template):
    table = template["Resources"]["Ledger"]["Properties"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    source = (TOP / "shared/aws/src/ledger.rs").read_text()
    assert all(f'"{name}"' in source for name in ("pk", "sk", table["TimeToLiveSpecification"]["AttributeName"]))


def test_permissions_are_narrowed_where_they_can_be(template):
    for name, _, statement in statements(template):
        if statement["Resource"] == "*":
            assert set(actions(statement)) <= WITHOUT_RESOURCES, (name, statement["Sid"])


def test_no_function_may_lose_data(template):
    granted = [(name, action) for name, _, statement in statements(template) for action in actions(statement)]
    assert granted
    assert [one for one in granted if LOSES_DATA.match(one[1])] == []


def test_without_enforcement_the_role_cannot_stop_anything(template):
    for name, condition, statement in statements(template):
        for action in actions(statement):
            if re.match(r"sagemaker:(Stop|Delete)", action):
                assert condition == "MayEnforce", (name, action)
            if re.match(r"sagemaker:Create|iam:", action):
                assert condition == "MayResubmit", (name, action)
            if re.match(r"sagemaker:Add|ce:Update", action):
                assert condition in ("MayEnforce", "MayResubmit"), (name, action)


def test_every_call_of_the_code_is_granted(template):
    """What the code calls, by the SDK's method names, is what the role may do, no more and no less."""
    source = "\n".join(path.read_text() for path in (TOP / "shared/aws/src").rglob("*.rs") if path.name not in ("tests.rs", "testing.rs"))
    services = {
        "sagemaker": "sagemaker", "tagging": "tag", "cloudwatch": "cloudwatch", "dynamodb": "dynamodb", "sns": "sns", "ssm": "ssm",
        "costexplorer": "ce", "s3": "s3", "budgets": "budgets",
    }  # fmt: skip
    calls = {f"sagemaker:{operation}" for operation in re.findall(r'"((?:List|Describe)[A-Z]\w+)"', source)}
    for client, method in re.findall(rf"\b({'|'.join(services)})\s*\.([a-z_0-9]+)\(", source):
        if method in ("clone", "new", "into"):
            continue
        operation = "".join(part.capitalize() for part in method.split("_")).replace("AutoMl", "AutoML")
        calls.add(f"{services[client]}:{operation}")
    # All reading of budgets is one action (service authorization reference).
    calls = {"budgets:ViewBudget" if call.startswith("budgets:") else call for call in calls}
    # A transaction of puts asks for PutItem (DynamoDB developer guide, transactions and IAM).
    calls = {"dynamodb:PutItem" if call == "dynamodb:TransactWriteItems" else call for call in calls}
    granted = {action for _, _, statement in statements(template) for action in actions(statement)}
    # Asked for by another service on the caller's behalf: SNS, and CreateTrainingJob with a role.
    granted -= {"kms:GenerateDataKey", "kms:Decrypt", "iam:PassRole"}
    assert calls == granted


def patterns(template):
    """The patterns of EventBridge, by function and event."""
    for name, function in functions(template).items():
        for event, of in function["Properties"]["Events"].items():
            if of["Type"] == "EventBridgeRule":
                yield f"{name}.{event}", json.dumps(of["Properties"]["Pattern"])


def wanted(sample):
    """Which of them a sample event is for, by its name."""
    none = {"creation-that-failed", "training-job-of-a-new-status", "training-resources"}
    by_name = {
        "notebook-": "NotebookStopper.StateChange", "training-": "TrainingJobSpotEnforcer.TrainingJob",
        "tuning-": "TrainingJobSpotEnforcer.TuningJob", "creation-": "TagAuditor.Creation",
    }  # fmt: skip
    return set() if sample in none else {rule for start, rule in by_name.items() if sample.startswith(start)}


@pytest.mark.parametrize("path", sorted((TOP / "events").glob("*.json")), ids=lambda path: path.stem)
def test_each_sample_event_matches_the_rules_that_it_is_for_and_no_other(template, path):
    event = json.loads(path.read_text())
    rules = dict(patterns(template))
    assert len(rules) == 4
    matched = {rule for rule, pattern in rules.items() if isinstance(event, dict) and EventPattern.load(pattern).matches_event(event)}
    assert matched == wanted(path.stem)


def alarms(template):
    return {name: of["Properties"] for name, of in template["Resources"].items() if of["Type"] == "AWS::CloudWatch::Alarm"}


def test_every_alarm_is_heard_and_has_its_page_in_the_runbook(template):
    pages = re.findall(r"^## (\w+)$", (TOP / "docs/runbook.md").read_text(), re.MULTILINE)
    assert sorted(pages) == sorted(alarms(template))
    for name, alarm in alarms(template).items():
        assert alarm["AlarmActions"] == [{"Ref": "OpsTopic"}], name


def test_every_function_has_its_alarms(template):
    for name in functions(template):
        assert {f"{name}Fails", f"{name}IsSilent"} <= set(alarms(template)), name
        # The dead man's switch: no word is a bad sign.
        assert alarms(template)[f"{name}IsSilent"]["TreatMissingData"] == "breaching"
        for of_all in ("ActionsFail", "FunctionsAreThrottled"):
            assert f'{{"Ref": "{name}"}}' in json.dumps(alarms(template)[of_all]["Metrics"]), (of_all, name)


def test_the_manual_of_the_permissions_is_the_templates(template):
    assert (TOP / "docs/permissions.md").read_text() == permissions.manual(template), "docs/permissions.md is stale: run `make docs`"
