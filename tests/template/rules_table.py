"""Writes the table of the rules into README.md: names, default modes and what each can do by the word of `cost-guard check-policy`. `make docs` runs it; a test fails when it is stale.

What a rule finds is said in the table itself, by hand; of a rule that is not in it yet, the manual's first clause is taken.
"""

import json
import pathlib
import re
import subprocess
import tempfile

TOP = pathlib.Path(__file__).parents[2]
README = TOP / "README.md"
CHECKER = TOP / "target/debug/cost-guard"
SCHEMA = json.loads((TOP / "docs/policy.schema.json").read_text())
ROW = re.compile(r"^`(?P<rule>[a-z-]+)` \| (?P<default>\w+) \| (?P<can>.+?) \| (?P<finds>.+)\n", re.MULTILINE)


def checked(policy):
    """What check-policy prints of a policy: its first error, or what each rule does."""
    assert CHECKER.exists(), f"{CHECKER} is not there: run `make unit` first"
    done = subprocess.run([CHECKER, "check-policy", policy], capture_output=True, text=True)
    return done.stdout + done.stderr


def can_do(rule):
    """The remedies that the policy may choose; a dash where the rule only reports."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as policy:
        policy.write(f'[rules.{rule}]\nmode = "enforce"\n')
        policy.flush()
        said = checked(policy.name)
    if "cannot be enforced" in said:
        return "–"
    remedy = SCHEMA["properties"]["rules"]["properties"][rule]["properties"].get("remedy", {})
    chosen = [name for name in remedy.get("enum", []) if name != "none"]
    # Where there is nothing to choose, the rule stops what it finds; of tags, it activates them; to endpoints, it attaches auto scaling.
    only = "activate" if rule.endswith("-tag") else "attach" if rule.startswith("endpoint-") else "stop"
    return ", ".join(chosen) or only


def manuals_first_clause(rule):
    section = (TOP / "docs/rules.md").read_text().split(f"\n## {rule}\n")[1]
    return re.search(r"### What it finds\s+(.+?)[.:;]\s", section, re.DOTALL).group(1).replace("\n", " ")


def is_short(finds):
    """Whether a row reads at a glance. A link does not count."""
    return len(re.sub(r"\]\([^)]*\)", "", finds)) <= 90


def table(readme):
    finds = {row["rule"]: row["finds"] for row in ROW.finditer(readme)}
    defaults = re.findall(r"^  ([a-z]+(?:-[a-z]+)+) +(report|enforce|off)\b", checked(TOP / "infra/policy.toml"), re.MULTILINE)
    assert defaults, "check-policy names no rule"
    return "".join(f"`{rule}` | {mode} | {can_do(rule)} | {finds.get(rule) or manuals_first_clause(rule)}\n" for rule, mode in defaults)


def written(readme):
    """The README with the table as it has to be."""
    rows = list(ROW.finditer(readme))
    return readme[: rows[0].start()] + table(readme) + readme[rows[-1].end() :]


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
