"""The documentation: no dead link, a section for each fact that the code refers to, a short README with a true table."""

import pathlib
import re
import xml.etree.ElementTree

import pytest
import rules_table

TOP = pathlib.Path(__file__).parents[2]
CODE = [
    path
    for folder in ("shared", "functions", "tests", "infra")
    for path in sorted((TOP / folder).rglob("*"))
    if path.suffix in (".rs", ".py", ".toml", ".yaml", ".sh") and path.is_file()
]
PAGES = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md"), TOP / "events/README.md", *(TOP / "infra").rglob("*.md"), *(TOP / "tests").rglob("README.md")])


def prose(path):
    """A page without its code blocks: what looks like a heading or a link there is none."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """As GitHub makes them of headings: lower case, without punctuation, blanks as dashes."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TOP)))
def test_no_link_is_dead(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    local = [target for target in targets if not re.match(r"https?://", target)]
    for target in local:
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), f"{target}: there is no such file"
        assert not anchor or anchor in anchors(linked), f"{target}: there is no such heading"


def test_each_fact_that_the_code_refers_to_has_its_section_and_no_other_is_kept():
    referred = {number for path in CODE for number in re.findall(r"aws-facts §(\d+(?:\.\d+)?)", path.read_text())}
    sections = set(re.findall(r"^##+ (\d+(?:\.\d+)?) ", (TOP / "docs/aws-facts.md").read_text(), re.MULTILINE))
    assert referred, "no reference was found"
    assert sorted(referred - sections) == [], "docs/aws-facts.md has no such section"
    chapters = {number.partition(".")[0] for number in referred}
    assert sorted(sections - referred - chapters) == [], "nothing refers to it"


def test_the_readme_is_read_in_a_few_minutes():
    assert len((TOP / "README.md").read_text().split()) <= 1500


def test_the_readme_tells_of_each_rule_what_the_code_does():
    readme = rules_table.README.read_text()
    assert readme == rules_table.written(readme), "README.md's table of the rules is stale: run `make docs`"


def test_each_row_of_the_readmes_table_is_a_phrase():
    rows = rules_table.ROW.finditer(rules_table.README.read_text())
    assert [row["rule"] for row in rows if not rules_table.is_short(row["finds"])] == [], "say in a phrase what these rules find"


@pytest.mark.parametrize("picture", sorted((TOP / "docs/images").glob("*.svg")), ids=lambda path: path.name)
def test_pictures_are_well_formed(picture):
    assert xml.etree.ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"
