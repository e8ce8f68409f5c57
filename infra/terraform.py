"""Writes infra/terraform/variables.tf and outputs.tf from infra/template.yaml: each parameter a variable, each output an output. `make docs` calls it; a test fails when they are stale."""

import json
import pathlib
import re

from cfnlint.decode import cfn_yaml

TOP = pathlib.Path(__file__).parents[1]
MODULE = TOP / "infra/terraform"
HEAD = "# Made by `make docs` from infra/template.yaml. A test fails when it is stale.\n"


def snake(name):
    """`TeamsTeamId` → `teams_team_id`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def text(value):
    """A string of HCL, in which ${ and %{ begin nothing."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def literal(value):
    return text(value) if isinstance(value, str) else json.dumps(value)


def matches(pattern, variable):
    """Terraform's patterns are RE2's: what may not stand in front, (?!…), becomes a condition of its own."""
    not_first = re.match(r"\^\(\?!([^()]+)\)", pattern)
    if not_first:
        pattern = "^" + pattern[not_first.end() :]
    assert pattern.startswith("^") and pattern.endswith("$") and "(?!" not in pattern and "(?=" not in pattern and "(?<" not in pattern, pattern
    refused = [f"!can(regex({text('^' + not_first[1])}, {variable}))"] if not_first else []
    return " && ".join([f"can(regex({text(pattern)}, {variable}))", *refused])


def expression(node):
    """A condition of the template's rules."""
    match node:
        case {"Ref": name}:
            return f"var.{snake(name)}"
        case {"Fn::Equals": [one, other]}:
            return f"{expression(one)} == {expression(other)}"
        case {"Fn::Not": [{"Fn::Equals": [one, other]}]}:
            return f"{expression(one)} != {expression(other)}"
        case {"Fn::Not": [{"Fn::Not": [one]}]}:
            return expression(one)
        case {"Fn::Not": [one]}:
            return f"!({expression(one)})"
        case {"Fn::And": each}:
            return " && ".join(f"({expression(one)})" for one in each)
        case {"Fn::Or": each}:
            return " || ".join(f"({expression(one)})" for one in each)
        case str():
            return text(node)
    raise AssertionError(f"not known here: {node}")


def first_parameter(node):
    if isinstance(node, dict):
        return node["Ref"] if "Ref" in node else first_parameter(list(node.values()))
    return next((found for one in node if not isinstance(one, str) and (found := first_parameter(one))), None)


def validations(name, of, rules):
    """(condition, message): what the template asks of one parameter, and then of it and others."""
    variable = f"var.{snake(name)}"
    if "AllowedPattern" in of:
        yield matches(of["AllowedPattern"], variable), f"{name} must be {of['ConstraintDescription']}."
    if "AllowedValues" in of:
        yield f"contains([{', '.join(map(literal, of['AllowedValues']))}], {variable})", f"{name} must be one of {', '.join(map(str, of['AllowedValues']))}."
    if "MinValue" in of:
        yield f"{variable} >= {of['MinValue']} && {variable} <= {of['MaxValue']}", f"{name} must be {of['MinValue']} to {of['MaxValue']}."
    for rule in rules.values():
        if first_parameter(rule["RuleCondition"]) == name:
            for one in rule["Assertions"]:
                yield f"{expression({'Fn::Not': [rule['RuleCondition']]})} || {expression(one['Assert'])}", one["AssertDescription"]


def variable(name, of, rules):
    kind = {"String": "string", "Number": "number"}[of["Type"]]
    lines = [f"  description = {text(of['Description'])}", f"  type        = {kind}"]
    if "Default" in of:
        lines.append(f"  default     = {literal(of['Default'])}")
    lines.append("  nullable    = false")
    for condition, message in validations(name, of, rules):
        lines += ["", "  validation {", f"    condition     = {condition}", f"    error_message = {text(message)}", "  }"]
    return "\n".join([f'variable "{snake(name)}" {{', *lines, "}"])


def variables(template):
    given = template["Parameters"]
    width = max(map(len, given))
    passed = [f"    {name:{width}} = {'tostring(var.%s)' % snake(name) if of['Type'] == 'Number' else 'var.' + snake(name)}" for name, of in given.items()]
    parts = [variable(name, of, template["Rules"]) for name, of in given.items()]
    return "\n\n".join([HEAD.rstrip("\n"), *parts, "\n".join(["locals {", "  parameters = {", *passed, "  }", "}"])]) + "\n"


def outputs(template):
    def one(name, of):
        # What the parameters leave out is null.
        return f'output "{snake(name)}" {{\n  description = {text(of["Description"])}\n  value       = lookup(aws_cloudformation_stack.guard.outputs, "{name}", null)\n}}'

    return "\n\n".join([HEAD.rstrip("\n"), *(one(name, of) for name, of in template["Outputs"].items())]) + "\n"


def files():
    template = json.loads(json.dumps(cfn_yaml.load(str(TOP / "infra/template.yaml"))))
    return {MODULE / "variables.tf": variables(template), MODULE / "outputs.tf": outputs(template)}


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content)
