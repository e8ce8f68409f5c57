"""What the guard itself costs in a month, worked out from the template and the code: under 5 USD for 200 notebooks and 20 endpoints (docs/deploy.md). Without any free tier, at us-east-1's list prices of 2026.

Prices: https://aws.amazon.com/cloudwatch/pricing (custom metrics are billed by the hour in which they are written; alarms by metric), /kms/pricing, /lambda/pricing (arm64), /dynamodb/pricing (on demand), /aws-cost-management/aws-cost-explorer/pricing."""

import pathlib
import re

import pytest
from stack import Stack

TOP = pathlib.Path(__file__).parents[2]
GUARD = Stack(IsHomeRegion="yes")
DAYS = 365 / 12
METRIC, ALARM, KEY, COST_EXPLORER = 0.30, 0.10, 1.00, 0.01
LAMBDA_GB_SECOND, LAMBDA_RUN = 0.0000133334, 0.0000002
LOG_GB, TABLE_WRITE, TABLE_READ = 0.50, 0.625e-6, 0.125e-6

# What happens in the example account. The rest is in the template and the code.
TAG_KEYS = 3
EVENTS = 20_000  # of 3,000 training jobs
SECONDS_OF_A_RUN, SECONDS_OF_AN_EVENT = 1.0, 0.1  # a look at what is due takes as long as an event
BYTES_OF_A_RUNS_LOG = 3_000
ITEMS_READ, ITEMS_WRITTEN = 40, 3  # of the ledger, by a run


def source(path):
    return (TOP / path).read_text()


def constant(path, name):
    return int(re.search(rf"const {name}: i64 = (\d+);", source(path))[1])


def hours_of_a_day(field):
    """How many hours the hour of a cron expression is."""
    if field == "*":
        return 24
    first, _, step = field.partition("/")
    return len(range(int(first), 24, int(step))) if step else len(field.split(","))


def runs_and_hours(expression):
    """How often a schedule runs in a month, and in how many hours."""
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", expression):
        minutes = int(rate[1]) * {"minute": 1, "hour": 60}[rate[2]]
        return DAYS * 24 * 60 / minutes, DAYS * 24 * min(1, 60 / minutes)
    minute, hour, _, _, weekday, _ = re.fullmatch(r"cron\((.*)\)", expression)[1].split()
    days = DAYS if weekday in "*?" else DAYS / 7 * len(weekday.split(","))
    hours = days * hours_of_a_day(hour)
    return hours * (60 // int(minute.partition("/")[2]) if "/" in minute else 1), hours


def schedules():
    return {name: runs_and_hours(of["ScheduleExpression"]) for name, of in GUARD.of_type("AWS::Scheduler::Schedule").items()}


def alarms():
    def metrics(alarm):
        return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1

    return ALARM * sum(metrics(alarm) for alarm in GUARD.of_type("AWS::CloudWatch::Alarm").values())


def metrics():
    """Those of all functions are written in every hour, a heartbeat in the hours of complete runs, the shares that are tagged once a day."""
    (names,) = re.findall(r"let names = \[(.*?)\];", source("shared/aws/src/report.rs"))
    of_all = len(names.split(","))
    month = DAYS * 24
    # What is due is looked at in between, and is no complete run; cost-reporter's hours are mostly empty.
    whole = [hours for name, (_, hours) in schedules().items() if not re.search("Due|CostReporter", name)]
    assert 5 <= len(whole), schedules()
    coverage = TAG_KEYS * DAYS
    return METRIC * (of_all + (sum(whole) + coverage) / month)


ADVISOR = "shared/aws/src/gather/savings_plans/mod.rs"


def cost_explorer():
    """budget-alerter: a day's spend, anomalies and forecast. tag-auditor: the tag keys and their spend, once a week. cost-reporter: the charges of a report."""
    bill = "shared/aws/src/gather/bill/days.rs"
    daily = 1 + 1 / constant(bill, "ANOMALIES_EVERY") + 1 / constant(bill, "FORECAST_EVERY")
    a_week = 1 + TAG_KEYS + 1
    # savings-plan-advisor: two pages of hours and the use of the plans once a week, AWS's six recommendations every fourth.
    a_week += 2 + 1 + 6 / 4
    assert "from_hours(6 * 24 + 12)" in source(ADVISOR) and "from_hours(27 * 24)" in source(ADVISOR)
    return COST_EXPLORER * (DAYS * daily + DAYS / 7 * a_week)


def work():
    due = sum(runs for name, (runs, _) in schedules().items() if name.endswith("Due"))
    whole = sum(runs for runs, _ in schedules().values()) - due
    runs = whole + due
    memory = {function["MemorySize"] for function in GUARD.of_type("AWS::Lambda::Function").values()}
    seconds = whole * SECONDS_OF_A_RUN + (due + EVENTS) * SECONDS_OF_AN_EVENT
    compute = seconds * max(memory) / 1024 * LAMBDA_GB_SECOND + (runs + EVENTS) * LAMBDA_RUN
    logs = (runs + EVENTS) * BYTES_OF_A_RUNS_LOG / 1e9 * LOG_GB
    return compute + logs + whole * (ITEMS_READ * TABLE_READ + ITEMS_WRITTEN * TABLE_WRITE)


def keys():
    return KEY * len(GUARD.of_type("AWS::KMS::Key"))


def test_a_month_costs_less_than_five_dollars_and_the_guide_says_how_much():
    parts = {"alarms": alarms(), "metrics": metrics(), "key": keys(), "Cost Explorer": cost_explorer(), "Lambda, DynamoDB and logs": work()}
    total = sum(parts.values())
    assert total < 5, parts
    table = source("docs/deploy.md").partition("## What it costs to run")[2]
    for part, usd in parts.items():
        assert f"| {usd:.2f} |" in table, (part, usd)
    assert f"**{total:.2f}**" in table, (parts, total)


def test_schedules_are_read_as_they_run():
    day = DAYS
    for expression, runs, hours in [
        ("rate(5 minutes)", day * 288, day * 24),
        ("rate(1 hour)", day * 24, day * 24),
        ("rate(6 hours)", day * 4, day * 4),
        ("cron(0/15 * * * ? *)", day * 96, day * 24),
        ("cron(15 3/6 * * ? *)", day * 4, day * 4),
        ("cron(0 8 ? * MON *)", day / 7, day / 7),
    ]:
        assert runs_and_hours(expression) == pytest.approx((runs, hours)), expression
