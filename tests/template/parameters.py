"""Prints docs/parameters.md: what `sam deploy --guided` asks for by name only, from infra/template.yaml. `make docs` writes it; a test fails when it is stale."""

import pathlib

from cfnlint.decode import cfn_yaml

TOP = pathlib.Path(__file__).parents[2]
HEAD = """<!-- Made by `make docs` from infra/template.yaml. A test fails when it is stale. -->
# Parameters

In the order in which `make deploy` asks for them. Press Enter for the default.

| parameter | default | what it is | may be |
|---|---|---|---|
"""


def bounds(of):
    if "AllowedValues" in of:
        return ", ".join(f"`{value}`" for value in of["AllowedValues"])
    return f"{of['MinValue']} to {of['MaxValue']}" if "MinValue" in of else of["ConstraintDescription"].replace("*", r"\*")


def manual(template):
    def row(name, of):
        default = f"`{of['Default']}`" if of.get("Default", "") != "" else "nothing" if "Default" in of else "**none**"
        return f"| `{name}` | {default} | {of['Description']} | {bounds(of)} |\n"

    return HEAD + "".join(row(name, of) for name, of in template["Parameters"].items())


if __name__ == "__main__":
    print(manual(cfn_yaml.load(str(TOP / "infra" / "template.yaml"))), end="")
