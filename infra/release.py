"""Writes the template that goes with a release's archives, and the release's notes: `make release-files` calls it."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).parents[1]
CODE = re.compile(r"(        Binary: (\S+)\n(?:.*\n)*?      CodeUri: )\.\.\n")


def template(text):
    """The template whose functions have the archives beside it: `sam deploy` uploads them, nothing is built."""
    of_release, replaced = CODE.subn(r"\g<1>\g<2>-arm64.zip\n", text)
    assert replaced == len(re.findall(r"^    Type: AWS::Serverless::Function$", text, re.MULTILINE)), "a function's CodeUri was not found"
    return of_release


def notes(changelog):
    """The newest section of the changelog."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    assert len(sections) > 1, "CHANGELOG.md has no section"
    title, _, text = sections[1].partition("\n")
    return f"{text.strip()}\n\nDeploy: `sam deploy --guided --template-file template.yaml` beside the archives (docs/deploy.md). Checksums are in SHA256SUMS; SECURITY.md says how to verify where a file was built.\n"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    (folder / "template.yaml").write_text(template((TOP / "infra/template.yaml").read_text()))
    (folder.parent / "release-notes.md").write_text(notes((TOP / "CHANGELOG.md").read_text()))
