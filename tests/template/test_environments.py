"""infra/environments.py: two environments never deploy into the same stack."""

import pathlib
import sys
import tomllib

import pytest

TOP = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "infra"))
import environments  # noqa: E402

SHIPPED = tomllib.loads((TOP / "infra/samconfig.toml").read_text())
# What SAM leaves after a guided deployment to eu-central-1.
DEPLOYED = {"deploy": {"parameters": {"stack_name": "guard", "region": "eu-central-1"}}, "global": {"parameters": {"region": "eu-central-1"}}}


def copied(**parameters):
    return {"deploy": {"parameters": {"stack_name": "guard", **parameters}}}


@pytest.mark.parametrize("chosen", ["dev", "prod"])
def test_the_shipped_environments_are_deployed(chosen):
    assert environments.refusal(SHIPPED, chosen) is None


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (copied(region="eu-central-1"), "both are of the Region eu-central-1"),
        (copied(), "[prod-us.deploy.parameters] names no Region"),
        (copied(region="us-east-1"), None),
        (copied(stack_name="guard-us"), None),
    ],
    ids=["copied", "without a Region", "its own Region", "its own name"],
)
def test_a_copied_environment_does_not_change_the_first_stack(second, why):
    refused = environments.refusal({"version": 0.1, "prod": DEPLOYED, "prod-us": second}, "prod-us")
    assert (refused or "").find(why or "") >= 0 and bool(refused) == bool(why), refused


def test_the_first_stack_can_still_be_deployed_beside_another_region():
    assert environments.refusal({"prod": DEPLOYED, "prod-us": copied(region="us-east-1")}, "prod") is None


def test_an_environment_that_is_not_there_is_told_with_those_that_are():
    assert environments.refusal(SHIPPED, "nope") == "CONFIG_ENV is 'nope': infra/samconfig.toml has CONFIG_ENV=dev, CONFIG_ENV=prod"
