"""Releases: the workflows take no action that can change under its tag, and the template of a release has the archives of all functions."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

TOP = pathlib.Path(__file__).parents[2]
WORKFLOWS = sorted((TOP / ".github/workflows").glob("*.yml"))


def release():
    spec = importlib.util.spec_from_file_location("release", TOP / "infra/release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_tokens_may_only_read(path):
    workflow = yaml.safe_load(path.read_text())
    uses = re.findall(r"uses: (.*)", path.read_text())
    assert uses and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in uses), uses
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert "timeout-minutes" in job, name
        writes = {scope for scope, may in job.get("permissions", {}).items() if may == "write"}
        assert not writes or name == "release", (name, writes)
        for step in job["steps"]:
            # A tag's or branch's name in a script would be run by the shell.
            assert "${{ github.event" not in step.get("run", "") and "${{ github.ref" not in step.get("run", ""), step


def test_every_make_target_of_the_workflows_exists():
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    called = {target for path in WORKFLOWS for target in re.findall(r"\bmake ([a-z-]+)", path.read_text())}
    assert called and called <= targets


def test_the_template_of_a_release_has_the_archive_of_each_function():
    of_release = release().template((TOP / "infra/template.yaml").read_text())
    archives = re.findall(r"CodeUri: (\S+)", of_release)
    functions = {path.parent.name for path in (TOP / "functions").glob("*/Cargo.toml")}
    assert sorted(archives) == sorted(f"{name}-arm64.zip" for name in functions)


def test_the_template_for_a_bucket_has_the_archives_there_and_the_console_a_link(tmp_path):
    told = subprocess.run([sys.executable, TOP / "infra/release.py", tmp_path / "files", "s3://my-bucket/guard/0.1.0", "eu-central-1"], capture_output=True, text=True)
    assert told.returncode != 0, "there is no such folder"
    (tmp_path / "files").mkdir()
    told = subprocess.run([sys.executable, TOP / "infra/release.py", tmp_path / "files", "s3://my-bucket/guard/0.1.0/", "eu-central-1"], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    written = (tmp_path / "files/template.yaml").read_text()
    functions = {path.parent.name for path in (TOP / "functions").glob("*/Cargo.toml")}
    assert sorted(re.findall(r"CodeUri: (\S+)", written)) == sorted(f"s3://my-bucket/guard/0.1.0/{name}-arm64.zip" for name in functions)
    url = "https://my-bucket.s3.eu-central-1.amazonaws.com/guard/0.1.0/template.yaml"
    console = "https://eu-central-1.console.aws.amazon.com/cloudformation/home?region=eu-central-1#/stacks/create/review"
    assert told.stdout == f"template: {url}\nlaunch:   {console}?templateURL={url}&stackName=sagemaker-cost-guard\n"
    # CloudFormation takes 1 MB of a template in S3.
    assert len(written.encode()) < 1_000_000


def test_another_address_than_one_of_s3_is_refused(tmp_path):
    for wrong in (["https://my-bucket/guard", "eu-central-1"], ["s3://my-bucket/guard"]):
        told = subprocess.run([sys.executable, TOP / "infra/release.py", tmp_path, *wrong], capture_output=True, text=True)
        assert (told.returncode, list(tmp_path.iterdir())) == (1, []) and "s3://my-bucket" in told.stderr


def test_the_notes_are_the_newest_section():
    notes = release().notes("# Changelog\n\n## 1.2.0\n\n* New.\n\n## 1.1.0\n\n* Old.\n")
    assert "* New." in notes and "* Old." not in notes
