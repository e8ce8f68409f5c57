"""The dashboard, as it is in the home Region and elsewhere: drawn without overlaps, of all functions and alarms, and only of what the functions write."""

import json
import pathlib
import re
from collections import Counter

import pytest
from stack import Stack

REPORT = pathlib.Path(__file__).parents[2] / "shared/aws/src/report.rs"


@pytest.fixture(params=["yes", "no"], ids=lambda is_home: f"home-{is_home}")
def guard(request):
    return Stack(IsHomeRegion=request.param)


def widgets(guard, kind=None):
    drawn = json.loads(guard.resources["Dashboard"]["DashboardBody"])["widgets"]
    found = [one for one in drawn if kind in (None, one["type"])]
    assert found
    return found


def test_widgets_are_beside_each_other_on_24_columns(guard):
    taken = set()
    for one in widgets(guard):
        cells = {(x, y) for x in range(one["x"], one["x"] + one["width"]) for y in range(one["y"], one["y"] + one["height"])}
        assert cells and one["x"] + one["width"] <= 24 and not cells & taken, one["properties"]
        taken |= cells


def test_it_shows_only_what_the_functions_write(guard):
    metrics = [line for one in widgets(guard, "metric") for line in one["properties"]["metrics"]]
    shown = {line[1] for line in metrics if line[0] == "CostGuard"}
    for one in widgets(guard, "log"):
        shown |= set(re.findall(r"\b[A-Z]\w+", re.sub(r"SOURCE '[^']*'", "", one["properties"]["query"])))
    assert sorted(shown - set(re.findall(r'"([A-Z]\w+)"', REPORT.read_text()))) == []


def test_every_function_is_in_every_widget(guard):
    functions = [guard.name(name) for name in guard.of_type("AWS::Lambda::Function")]
    for one in widgets(guard, "metric"):
        times = Counter(part for line in one["properties"]["metrics"] for part in line if part in functions)
        assert sorted(times) == sorted(functions) and len(set(times.values())) == 1, (one["properties"]["title"], times)
    logs = {guard.name(name) for name in guard.of_type("AWS::Logs::LogGroup")}
    for one in widgets(guard, "log"):
        assert set(re.findall(r"SOURCE '([^']*)'", one["properties"]["query"])) == logs, one["properties"]["title"]


def test_lambdas_price_is_worked_out_for_the_memory_that_the_functions_have(guard):
    (expression,) = [line[0]["expression"] for one in widgets(guard, "metric") for line in one["properties"]["metrics"] if "expression" in line[0]]
    for name, function in guard.of_type("AWS::Lambda::Function").items():
        assert f"/ 1000 * {function['MemorySize'] / 1024} *" in expression, name


def test_every_alarm_is_on_it(guard):
    (widget,) = widgets(guard, "alarm")
    assert sorted(widget["properties"]["alarms"]) == sorted(guard.arn(name) for name in guard.of_type("AWS::CloudWatch::Alarm"))
