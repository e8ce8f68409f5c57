"""Writes the template that goes with a release's archives, and the release's notes: `make release-files` calls it.

With a folder of S3 and a Region, the template is one for archives that lie in that folder, and the address and the console's quick-create link are printed (docs/deploy.md).
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).parents[1]
CODE = re.compile(r"(        Binary: (\S+)\n(?:.*\n)*?      CodeUri: )\.\.\n")


def template(text, folder=""):
    """The template whose functions have the archives beside it: `sam deploy` uploads them, nothing is built. Or those of a folder of S3, as CloudFormation itself wants them."""
    of_release, replaced = CODE.subn(rf"\g<1>{folder}\g<2>-arm64.zip\n", text)
    assert replaced == len(re.findall(r"^    Type: AWS::Serverless::Function$", text, re.MULTILINE)), "a function's CodeUri was not found"
    return of_release


def notes(changelog):
    """The newest section of the changelog."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    assert len(sections) > 1, "CHANGELOG.md has no section"
    title, _, text = sections[1].partition("\n")
    return f"{text.strip()}\n\nDeploy: `sam deploy --guided --template-file template.yaml` beside the archives (docs/deploy.md). Checksums are in SHA256SUMS; SECURITY.md says how to verify where a file was built.\n"


def address(folder, region):
    """Where the template of a folder of S3 is, as CloudFormation asks for it."""
    bucket, _, path = folder.removeprefix("s3://").strip("/").partition("/")
    return f"https://{bucket}.s3.{region}.amazonaws.com/{path + '/' if path else ''}template.yaml"


def launch(url, region, stack="sagemaker-cost-guard"):
    """The console's quick-create link: its page shows the template's parameters, and creates the stack."""
    return f"https://{region}.console.aws.amazon.com/cloudformation/home?region={region}#/stacks/create/review?templateURL={url}&stackName={stack}"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    if len(sys.argv) not in (2, 4) or len(sys.argv) == 4 and not re.fullmatch(r"s3://[a-z0-9.-]+(/[A-Za-z0-9._-]+)*/?", sys.argv[2]):
        sys.exit("Write: python3 infra/release.py target/release-files [s3://my-bucket/sagemaker-cost-guard/0.1.0 eu-central-1]")
    at = sys.argv[2].rstrip("/") + "/" if len(sys.argv) == 4 else ""
    (folder / "template.yaml").write_text(template((TOP / "infra/template.yaml").read_text(), at))
    if at:
        url = address(at, sys.argv[3])
        print(f"template: {url}\nlaunch:   {launch(url, sys.argv[3])}")
    (folder.parent / "release-notes.md").write_text(notes((TOP / "CHANGELOG.md").read_text()))
