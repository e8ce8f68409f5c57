"""The kinds of resources that tag-auditor checks, held against all that AWS's newest API model can tag: what is new there is added, or docs/tags.md says why not."""

import pathlib
import re

import botocore.session

TOP = pathlib.Path(__file__).parents[2]
SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")


def source(path):
    return (TOP / path).read_text()


def taggable():
    """What an operation makes with tags: `CreateAutoMLJobV2` an AutoMLJob. Updates only change the tags of what is there."""
    verbs = re.compile(r"(?:Create|Import|Register)([A-Z]\w*?)(?:V\d+)?")
    shapes = {name: SAGEMAKER.operation_model(name).input_shape for name in SAGEMAKER.operation_names}
    tagging = {name for name, shape in shapes.items() if shape and "Tags" in shape.members and not name.startswith("Update")}
    made = {name: verbs.fullmatch(name) for name in tagging - {"AddTags"}}
    assert all(made.values()), f"another verb that makes something: {[name for name, match in made.items() if not match]}"
    return {match[1] for match in made.values()}


def checked():
    calls = re.findall(r'Call::new\("Create(\w+?)(?:V\d+)?", Kind::(\w+),', source("shared/aws/src/event/creation.rs"))
    tagged = re.search(r"pub const TAGGED: &\[Self\] = &\[([^\]]+)\]", source("shared/rules/src/vocabulary/resource.rs"))[1]
    assert {kind for _, kind in calls} == set(re.findall(r"Self::(\w+)", tagged)), "a kind without its creation, or the other way round"
    return {thing for thing, _ in calls}


def unchecked():
    """The table of docs/tags.md: each thing with its reason."""
    section = source("docs/tags.md").partition("## What is not checked")[2]
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", section, re.MULTILINE)
    found = [(thing, why) for things, why in rows for thing in re.findall(r"`(\w+)`", things)]
    assert len(found) == len(dict(found)), "twice in docs/tags.md"
    return dict(found)


def test_each_kind_that_can_be_tagged_is_checked_or_the_documentation_says_why_not():
    new = sorted(taggable() - checked() - set(unchecked()))
    assert new == [], f"new kinds {new}: add them (CONTRIBUTING.md), or to the table in docs/tags.md with the reason"
    assert sorted(set(unchecked()) - taggable()) == [], "docs/tags.md names what AWS does not tag"
    assert sorted(checked() & set(unchecked())) == [], "docs/tags.md says of what is checked that it is not"


def test_how_many_kinds_are_checked_is_told():
    assert f"the tags of {len(checked())} kinds of resources" in source("docs/tags.md")


def test_what_the_sdk_did_not_know_is_looked_at_again_with_a_new_sdk():
    [version] = re.findall(r'name = "aws-sdk-sagemaker"\nversion = "(\d+\.\d+)', source("Cargo.lock"))
    [reason] = {why for why in unchecked().values() if "aws-sdk-sagemaker" in why}
    assert f"aws-sdk-sagemaker {version})" in reason, "does the new SDK know these kinds? Add them, or only the version to docs/tags.md"
