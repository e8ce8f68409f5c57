"""The commands that people are told to run, in the documentation, the stack's outputs and the mails: complete, in the stack's Region, and allowed to owners."""

import json
import pathlib
import re
import shlex

import pytest
from stack import Stack, translated
from test_docs import PAGES

TOP = pathlib.Path(__file__).parents[2]
DEPLOY = (TOP / "docs/deploy.md").read_text()
# Of the whole account: they have no Region, or one only.
GLOBAL = {"budgets", "ce", "iam", "s3"}


def logical_lines(text):
    return text.replace("\\\n", " ").splitlines()


def commands(text):
    """The AWS CLI's commands with options: lines of code blocks, and code within a sentence. A bare name, or one with … for the rest, is none that anybody runs."""
    found = []
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        found += [line.strip() for line in logical_lines(block) if line.strip().startswith("aws ")]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    found += re.findall(r"`(aws [^`]+)`", prose)
    return [one for one in found if " --" in one and "…" not in one]


OUTPUTS = [of["Description"] for of in translated()["Outputs"].values()]
TOLD = [one for page in PAGES if page.name != "CHANGELOG.md" for one in commands(page.read_text())] + re.findall(r"aws \w.*", "\n".join(OUTPUTS))
SOURCES = [path for folder in ("shared", "functions") for path in sorted((TOP / folder).rglob("*.rs")) if "tests" not in path.name]
# Up to the tests of the file.
CODE = [path.read_text().split("#[cfg(test)]\nmod tests")[0] for path in SOURCES]


def test_there_are_commands_in_all_of_them():
    assert len(TOLD) > 15 and any("--cli-read-timeout" in one for one in OUTPUTS)


@pytest.mark.parametrize("command", sorted(set(TOLD)))
def test_a_command_names_its_region(command):
    """The shell's default Region may be another than the stack's: then a policy is stored where no function looks."""
    service = command.split()[1]
    assert service in GLOBAL or "--region " in command


@pytest.mark.parametrize("command", sorted({one for one in TOLD if " lambda invoke " in one}))
def test_a_run_is_waited_for(command):
    """The AWS CLI gives up after 60 seconds, and starts the same run again."""
    timeout = int(re.search(r"--cli-read-timeout (\d+)", command)[1])
    assert timeout > max(of["Timeout"] for of in Stack().of_type("AWS::Lambda::Function").values())


def test_the_code_names_the_region_in_its_commands():
    bare = [line.strip() for text in CODE for line in text.splitlines() if re.search(r"`?aws (?!ce|budgets|iam|s3)[a-z]+ [a-z-]+ \{?(?!\{?region|\{\}|--region|…)[-\w{]", line)]
    assert [line for line in bare if not line.startswith("//") and "--" in line] == []


def actions_of(statements):
    return {action for one in statements for action in (one["Action"] if isinstance(one["Action"], list) else [one["Action"]])}


def test_owners_may_run_what_their_mails_say():
    (policy,) = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", DEPLOY, re.MULTILINE | re.DOTALL)]
    verbs = {verb for text in CODE for line in text.splitlines() if not line.strip().startswith("//") for verb in re.findall(r"\baws sagemaker ([a-z-]+)", line)}
    verbs -= {"list-tags"}  # of `cost-guard spot-definition`, not of a mail
    # Mails have the command that shows a resource of any kind.
    verbs = {"describe-*" if verb.startswith("describe-") else verb for verb in verbs}
    told = {"sagemaker:" + "".join(word.capitalize() for word in verb.split("-")).replace("AutoMl", "AutoML") for verb in verbs}
    # The name of these commands is not beside `aws application-autoscaling` in the code. Application Auto Scaling makes and deletes alarms in the caller's name.
    scaling = {"register-scalable-target", "deregister-scalable-target"}
    scaling |= {"put-scaling-policy", "delete-scaling-policy", "put-scheduled-action", "delete-scheduled-action"}
    assert all(any(verb in text for text in CODE) for verb in scaling)
    told |= {"application-autoscaling:" + "".join(word.capitalize() for word in verb.split("-")) for verb in scaling}
    told |= {"cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms", "cloudwatch:DeleteAlarms"}
    assert len(told) > 10 and actions_of(policy["Statement"]) == told | {"iam:PassRole", "iam:CreateServiceLinkedRole", "lambda:InvokeFunction"}


def filters():
    """Each filter policy that the page names."""
    found = []
    for command in (one for one in commands(DEPLOY) if "FilterPolicy" in one):
        words = shlex.split(command.replace("<", "'<").replace(">", ">'"))
        for option, value in zip(words, words[1:]):
            if option == "--attributes":
                found.append(json.loads(json.loads(value)["FilterPolicy"]))
            elif option == "--attribute-value":
                found.append(json.loads(value))
    return found + [json.loads(one) for one in re.findall(r"`(\{\"[^`]+\})`", DEPLOY) if "dry-run" not in one]


def test_filters_are_by_what_mails_have():
    publish = (TOP / "shared/aws/src/mailer.rs").read_text()
    attributes = set(re.findall(r'message_attributes\("(\w+)"', publish))
    severities = {"info", "warning", "critical"}
    found = filters()
    assert len(found) >= 5 and {"owner": ["unowned"]} in found and {"severity": ["critical"]} in found
    for one in found:
        assert set(one) <= attributes and set(one.get("severity", [])) <= severities, one
