"""The SAM template: linted as it is and as it is translated, in step with the code, the events and the manual, and with what leads its users."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import parameters
import permissions
import pytest
from cfnlint.decode import cfn_yaml
from stack import TEMPLATE, Stack, translated
from test_permissions import ON_BEHALF

TOP = pathlib.Path(__file__).parents[2]
FUNCTIONS = sorted(folder.name for folder in (TOP / "functions").iterdir() if (folder / "Cargo.toml").exists())


@pytest.fixture(scope="session")
def template():
    return cfn_yaml.load(str(TEMPLATE))


@pytest.fixture(scope="session")
def as_cloudformation(tmp_path_factory):
    path = tmp_path_factory.mktemp("translated") / "template.json"
    path.write_text(json.dumps(translated()))
    return path


def passes(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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


@pytest.mark.parametrize("lint", [[], ["--lint"]], ids=["translated", "linted"])
def test_sam_accepts_the_template_without_credentials(lint):
    # At home it would find credentials; in an empty one it would ask each time whether there is a newer SAM CLI.
    home = TOP / ".venv/deploying"
    environment = {"HOME": home, "PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-central-1", "SAM_CLI_TELEMETRY": "0"}
    passes(home / "bin/sam", "validate", *lint, "--template", TEMPLATE, env=environment)


def cfn_lint(path):
    passes(pathlib.Path(sys.executable).parent / "cfn-lint", "--regions", "eu-central-1", "--", path)


def test_the_template_passes_cfn_lint():
    # `sam validate --lint` lets warnings pass.
    cfn_lint(TEMPLATE)


def test_the_translated_template_passes_cfn_lint(as_cloudformation):
    # cfn-lint does not look inside SAM's own blocks.
    cfn_lint(as_cloudformation)


def test_checkov_finds_what_is_excepted_and_no_more(as_cloudformation, tmp_path):
    options = ["--framework", "cloudformation", "--skip-download", "--soft-fail", "--output", "json"]
    found = json.loads(passes(TOP / ".venv/checking/bin/checkov", "--file", as_cloudformation, *options, cwd=tmp_path))
    failed = {(one["check_id"], one["resource"], one["check_name"]) for one in found["results"]["failed_checks"]}
    excepted = cfn_yaml.load(str(TOP / ".checkov.yaml"))["skip-check"]
    assert sorted(one for one in failed if one[0] not in excepted) == []
    assert sorted(set(excepted) - {one[0] for one in failed}) == [], "no longer needed"


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


def test_every_call_of_the_code_is_granted(template):
    """What the code calls, by the SDK's method names, is what the role may do, no more and no less."""
    source = "\n".join(path.read_text() for path in (TOP / "shared/aws/src").rglob("*.rs") if path.name not in ("tests.rs", "testing.rs"))
    services = {
        "sagemaker": "sagemaker", "tagging": "tag", "cloudwatch": "cloudwatch", "dynamodb": "dynamodb", "sns": "sns", "ssm": "ssm",
        "costexplorer": "ce", "s3": "s3", "budgets": "budgets", "autoscaling": "application-autoscaling",
        "computeoptimizer": "compute-optimizer", "ecr": "ecr", "savingsplans": "savingsplans", "eventbridge": "events",
    }  # fmt: skip
    calls = {f"sagemaker:{operation}" for operation in re.findall(r'"((?:List|Describe|GetEndpoint|PutEndpoint)[A-Z]\w+)"', source)}
    for client, method in re.findall(rf"\b({'|'.join(services)})\s*\.([a-z_0-9]+)\(", source):
        if method in ("clone", "config", "new", "into"):
            continue
        operation = "".join(part.capitalize() for part in method.split("_")).replace("AutoMl", "AutoML")
        calls.add(f"{services[client]}:{operation}")
    # All reading of budgets is one action (service authorization reference).
    calls = {"budgets:ViewBudget" if call.startswith("budgets:") else call for call in calls}
    # A transaction of puts asks for PutItem (DynamoDB developer guide, transactions and IAM).
    calls = {"dynamodb:PutItem" if call == "dynamodb:TransactWriteItems" else call for call in calls}
    granted = {action for _, _, statement in statements(template) for action in actions(statement)}
    # CreateTrainingJob with a role asks for PassRole.
    granted -= ({"iam:PassRole"} | ON_BEHALF) - calls
    assert calls == granted


def wanted(sample):
    """Which rules a sample event is for, by its name."""
    # IN_SERVICE is heard of only where endpoints may be hibernated.
    none = {"creation-that-failed", "training-job-of-a-new-status", "training-resources", "endpoint-resources", "endpoint-in-service"}
    by_name = {
        "notebook-": "NotebookStopperStateChange", "training-": "TrainingJobSpotEnforcerTrainingJob",
        "tuning-": "TrainingJobSpotEnforcerTuningJob", "endpoint-": "EndpointAutoscalerStateChange", "creation-": "TagAuditorCreation",
    }  # fmt: skip
    return set() if sample in none else {rule for start, rule in by_name.items() if sample.startswith(start)}


def matched(stack, event):
    rules = stack.of_type("AWS::Events::Rule")
    assert len(rules) == 5
    return {name for name in rules if stack.hears(name, event)}


@pytest.mark.parametrize("path", sorted((TOP / "events").glob("*.json")), ids=lambda path: path.stem)
def test_each_sample_event_matches_the_rules_that_it_is_for_and_no_other(path):
    event = json.loads(path.read_text())
    event = event if isinstance(event, dict) else {}
    tests_own = {**event, "source": "test.sagemaker"}
    production, tested = Stack(), Stack(TestEventSource="test.sagemaker")
    assert matched(production, event) == matched(tested, event) == matched(tested, tests_own) == wanted(path.stem)
    assert matched(production, tests_own) == matched(tested, {**event, "source": "test.other"}) == set()


def test_every_alarm_has_its_page_in_the_runbook():
    pages = re.findall(r"^## (\w+)$", (TOP / "docs/runbook.md").read_text(), re.MULTILINE)
    assert sorted(pages) == sorted(Stack().of_type("AWS::CloudWatch::Alarm"))


def test_the_manual_of_the_permissions_is_the_templates(template):
    assert (TOP / "docs/permissions.md").read_text() == permissions.manual(template), "docs/permissions.md is stale: run `make docs`"
    policy = permissions.scan_policy(template)
    assert (TOP / "docs/scan-permissions.json").read_text() == policy, "docs/scan-permissions.json is stale: run `make docs`"
    assert len("".join(policy.split())) <= 6144, "IAM takes no longer managed policy"


def within(parameter, value):
    if "AllowedPattern" in parameter:
        return re.fullmatch(parameter["AllowedPattern"], value) is not None
    return value in parameter.get("AllowedValues", [value]) and parameter.get("MinValue", value) <= value <= parameter.get("MaxValue", value)


def test_who_deploys_is_led(template):
    """docs/parameters.md and the console tell each parameter by its description; `sam deploy` shows the outputs with theirs."""
    for name, of in template["Parameters"].items():
        assert of["Description"] and ("Default" in of or name == "AlertEmail"), name
        assert {"AllowedPattern", "AllowedValues"} & set(of) or {"MinValue", "MaxValue"} <= set(of), name
        assert "Default" not in of or within(of, of["Default"]), name
        assert ("AllowedPattern" in of) == ("ConstraintDescription" in of), name
    assert [name for name, of in template["Outputs"].items() if not of.get("Description")] == []


def test_a_panic_is_an_error_of_one_run_not_the_end_of_the_process():
    assert tomllib.loads((TOP / "Cargo.toml").read_text())["profile"]["release"]["panic"] == "unwind"


def test_the_manual_of_the_parameters_is_the_templates(template):
    assert (TOP / "docs/parameters.md").read_text() == parameters.manual(template), "docs/parameters.md is stale: run `make docs`"


def test_that_an_endpoint_is_in_service_is_heard_of_where_endpoints_may_be_hibernated():
    event = json.loads((TOP / "events/endpoint-in-service.json").read_text())
    assert matched(Stack(AllowEnforcement="yes", AllowHibernation="yes"), event) == {"EndpointAutoscalerStateChange"}
