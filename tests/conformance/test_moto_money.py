"""Cost Explorer, Budgets and S3: the same calls to the simulator and to moto, compared as in test_moto.py. Where they differ, the table says who is right."""

import datetime
import json
import urllib.request

from botocore.exceptions import ClientError

from conftest import ACCOUNT, account_of
from test_moto import both_refuse

# What is known to differ: the step, and why the simulator is right. A row that no longer differs fails the test.
# The sources: "model" is botocore's service model, "recorded" is what users of real accounts have published.
DIFFERENCES = {
    "costs": "moto answers what it was given, without GroupDefinitions; AWS names them (GetCostAndUsage API reference, sample)",
    "costs, the wrong way round": "moto checks nothing; AWS: Start date (and hour) should be before end date (and hour) (recorded)",
    "costs of too long ago": "moto checks nothing; AWS: You haven't enabled historical data beyond 14 months. (recorded)",
    "costs by nothing that there is": "moto checks nothing; AWS: Group Definition dimension is invalid (recorded)",
    "budgets": "moto has a forecast of 0 where there is none, and no HealthStatus; AWS leaves ForecastedSpend out (it is not required in the model) and has HealthStatus (model); amounts with a decimal (recorded). AWS gives the BudgetLimit of the current month besides the planned ones (Budget API reference), and the FilterExpression with ShowFilterExpression only (model); CostTypes do not go with it (CreateBudget API reference)",
    "notifications": "moto gives neither the state nor the ThresholdType, which is PERCENTAGE where none is given (model; recorded)",
    "notifications of nothing": "moto fails with HTTP 500; AWS refuses with NotFoundException (model)",
    "put": "an ETag is opaque (API reference, Object: it may or may not be an MD5 digest); moto does not name the checksum's type and the encryption, which AWS has for every object since 2023 (S3 User Guide)",
}
GROUPS = [{"Type": "DIMENSION", "Key": "SERVICE"}]
ASKED = dict(TimePeriod={"Start": "2026-11-20", "End": "2026-11-21"}, Granularity="DAILY", Metrics=["UnblendedCost"])
ESTATE = """
start = "2026-11-23T08:00:00Z"
region = "eu-central-1"
bucket = "compared"
[[spend]]
usage-type = "EUC1-Host:ml.m5.xlarge"
usd = 24
"""


def seed(moto):
    """moto's Cost Explorer answers what it is given, each new question with the next one."""
    metrics = {"UnblendedCost": {"Amount": "24", "Unit": "USD"}}
    day = {"TimePeriod": ASKED["TimePeriod"], "Total": {}, "Groups": [{"Keys": ["Amazon SageMaker"], "Metrics": metrics}], "Estimated": True}
    body = json.dumps({"account_id": ACCOUNT, "results": [{"ResultsByTime": [day], "DimensionValueAttributes": []}]}).encode()
    request = urllib.request.Request(f"{moto.endpoint}/moto-api/static/ce/cost-and-usage-results", data=body, headers={"content-type": "application/json"})
    urllib.request.urlopen(request).read()
    moto.client("s3").create_bucket(Bucket="compared", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})


def steps(account):
    """(name, answer or error) of the same story on any account."""
    ce, budgets, s3 = account.client("ce"), account.client("budgets"), account.client("s3")
    told = []

    def tell(name, call, **arguments):
        try:
            answer = call(**arguments)
            answer.pop("ResponseMetadata", None)
        except ClientError as error:
            answer = {"error": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        told.append((name, normalized(answer)))
        return answer

    tell("costs", ce.get_cost_and_usage, GroupBy=GROUPS, **ASKED)
    tell("costs, the wrong way round", ce.get_cost_and_usage, **dict(ASKED, TimePeriod={"Start": "2026-11-21", "End": "2026-11-20"}))
    tell("costs of too long ago", ce.get_cost_and_usage, **dict(ASKED, TimePeriod={"Start": "2020-11-21", "End": "2026-11-20"}))
    tell("costs by nothing that there is", ce.get_cost_and_usage, GroupBy=[{"Type": "DIMENSION", "Key": "OWNER"}], **ASKED)

    period = {"Start": datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc), "End": datetime.datetime(2087, 6, 15, tzinfo=datetime.timezone.utc)}
    limit = {"Amount": "10.0", "Unit": "USD"}
    new = {"BudgetName": "one", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST", "TimePeriod": period, "CostFilters": {"Service": ["nothing"]}}
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
    subscribers = [{"SubscriptionType": "EMAIL", "Address": "ann@example.com"}]
    of = dict(AccountId=ACCOUNT, BudgetName="one")
    told_of = [{"Notification": notification, "Subscribers": subscribers}]
    tell("create budget", budgets.create_budget, AccountId=ACCOUNT, Budget=new, NotificationsWithSubscribers=told_of)
    tell("create budget twice", budgets.create_budget, AccountId=ACCOUNT, Budget=new)
    tell("budget without a limit", budgets.create_budget, AccountId=ACCOUNT, Budget={"BudgetName": "none", "TimeUnit": "MONTHLY", "BudgetType": "COST"})
    months = {str(int(datetime.datetime(2026, month, 1, tzinfo=datetime.timezone.utc).timestamp())): limit for month in (11, 12)}
    planned = {key: value for key, value in new.items() if key != "BudgetLimit"}
    tell("create planned budget", budgets.create_budget, AccountId=ACCOUNT, Budget=dict(planned, BudgetName="two", PlannedBudgetLimits=months))
    expression = {key: value for key, value in new.items() if key != "CostFilters"}
    expression.update(BudgetName="three", Metrics=["UnblendedCost"], FilterExpression={"Dimensions": {"Key": "SERVICE", "Values": ["nothing"]}})
    tell("create budget with an expression", budgets.create_budget, AccountId=ACCOUNT, Budget=expression)
    tell("budgets", budgets.describe_budgets, AccountId=ACCOUNT)
    tell("notifications", budgets.describe_notifications_for_budget, **of)
    tell("notifications of nothing", budgets.describe_notifications_for_budget, AccountId=ACCOUNT, BudgetName="nothing")
    tell("delete budget", budgets.delete_budget, **of)
    tell("delete budget twice", budgets.delete_budget, **of)

    bucket = "compared"
    tell("put", s3.put_object, Bucket=bucket, Key="a b/1", Body=b"hello", ContentType="text/plain", Metadata={"run": "7"})
    s3.put_object(Bucket=bucket, Key="c/0", Body=b"x")
    tell("put into no bucket", s3.put_object, Bucket="nothing", Key="x", Body=b"x")
    tell("put once", s3.put_object, Bucket=bucket, Key="c/0", Body=b"y", IfNoneMatch="*")
    return told


def normalized(answer):
    """Without times that are those of the machine."""
    if isinstance(answer, dict):
        return {key: normalized(value) for key, value in answer.items() if key not in ("LastModified", "LastUpdatedTime")}
    return [normalized(one) for one in answer] if isinstance(answer, list) else answer


def test_the_simulator_and_moto_agree_or_the_difference_is_listed(tmp_path, moto):
    seed(moto)
    with account_of(tmp_path, ESTATE) as simulated:
        ours, theirs = steps(simulated), steps(moto)
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    differing = {name: (mine, other) for (name, mine), (_, other) in zip(ours, theirs) if mine != other and not both_refuse(mine, other)}
    unlisted = {name: both for name, both in differing.items() if name not in DIFFERENCES}
    assert not unlisted, "\n".join(f"{name}\n  simulator: {mine}\n  moto:      {other}" for name, (mine, other) in unlisted.items())
    assert set(differing) == set(DIFFERENCES), f"no longer different: {set(DIFFERENCES) - set(differing)}"
