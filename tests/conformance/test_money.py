"""Cost Explorer, Budgets and S3, driven by boto3: values, pages, errors with AWS's own texts, time."""

import datetime
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, account_of
from test_boto3 import refused

ESTATE = """
region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
topic = "cost-guard"
bucket = "cost-guard-reports"
budget-topic = "budgets"

[cost-allocation-tags]
Team = "always"
"aws:createdBy" = "inactive"

[cost-explorer]
page = 3

[[notebook]]
name = "churn"
instance-type = "ml.m5.xlarge"
since = "-8h"
tags = { Owner = "ann@example.com", Team = "nlp" }

[[spend]]
usage-type = "EUC1-Host:ml.m5.xlarge"
usd = 24
quantity = 96
tags = { Team = "nlp", Owner = "ann@example.com" }
spikes = [{ day = "2026-11-12", usd = 480 }]

[[spend]]
usage-type = "EUC1-Train:ml.m5.xlarge"
usd = { mon-fri = 10 }
quantity = 40

[[spend]]
service = "Amazon Simple Storage Service"
usage-type = "EUC1-TimedStorage-ByteHrs"
usd = 1.5
quantity = 2
unit = "GB-Mo"

[[spend]]
usage-type = "Credits"
record-type = "Credit"
usd = -40
from = "2026-11-02"
until = "2026-11-03"

[[budget]]
name = "ml"
amount = 1250
cost-filters = { Service = ["Amazon SageMaker"] }
notifications = [
    { threshold = 80, topic = true, emails = ["ann@example.com"] },
    { type = "FORECASTED", threshold = 100, emails = ["ann@example.com"] },
]

[[budget]]
name = "nlp"
planned = { "2026-11-01" = 500, "2026-12-01" = 600 }
filter-expression = { Tags = { Key = "Team", Values = ["nlp"], MatchOptions = ["EQUALS"] } }
metrics = ["UnblendedCost"]

[[budget]]
name = "gone-wrong"
amount = 10
time-unit = "DAILY"
health = { status = "UNHEALTHY", reason = "BILLING_VIEW_UNHEALTHY" }
"""
DAY = {"Start": "2026-11-20", "End": "2026-11-21"}
SERVICE = {"Dimensions": {"Key": "SERVICE", "Values": ["Amazon SageMaker"]}}


@pytest.fixture
def account(tmp_path):
    with account_of(tmp_path, ESTATE) as account:
        yield account


def costs(account, **more):
    """By period: the total, or what each group cost, of all pages."""
    ce = account.client("ce")
    asked = dict({"TimePeriod": DAY, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]}, **more)
    periods = {}
    while True:
        answer = ce.get_cost_and_usage(**asked)
        for result in answer["ResultsByTime"]:
            period = periods.setdefault(result["TimePeriod"]["Start"], {})
            period.update({"total": one["Amount"] for one in result["Total"].values()})
            period.update({"|".join(group["Keys"]): group["Metrics"][asked["Metrics"][0]]["Amount"] for group in result["Groups"]})
        if "NextPageToken" not in answer:
            return periods
        asked["NextPageToken"] = answer["NextPageToken"]


def by(kind, key):
    return {"Type": kind, "Key": key}


def test_costs_by_period_group_and_filter(account):
    assert costs(account) == {"2026-11-20": {"total": "35.5"}}
    assert costs(account, Filter=SERVICE, GroupBy=[by("DIMENSION", "USAGE_TYPE"), by("TAG", "Team")]) == {
        "2026-11-20": {"EUC1-Host:ml.m5.xlarge|Team$nlp": "24", "EUC1-Train:ml.m5.xlarge|Team$": "10"}
    }
    assert costs(account, GroupBy=[by("TAG", "Owner")]) == {"2026-11-20": {"Owner$": "35.5"}}, "no cost allocation tag"
    for dimension, only in [("LINKED_ACCOUNT", ACCOUNT), ("REGION", "eu-central-1"), ("RECORD_TYPE", "Usage"), ("OPERATION", "RunInstance")]:
        assert costs(account, GroupBy=[by("DIMENSION", dimension)])["2026-11-20"] == {only: "35.5"}
    months = costs(account, TimePeriod={"Start": "2026-10-15", "End": "2026-12-01"}, Granularity="MONTHLY", GroupBy=[by("DIMENSION", "SERVICE")])
    assert list(months) == ["2026-10-15", "2026-11-01"]
    assert months["2026-10-15"]["Amazon Simple Storage Service"] == "25.5"
    no_credits = {"And": [SERVICE, {"Not": {"Dimensions": {"Key": "RECORD_TYPE", "Values": ["Credit", "Refund"]}}}]}
    november = {"Start": "2026-11-02", "End": "2026-11-03"}
    assert costs(account, TimePeriod=november, Filter=SERVICE)["2026-11-02"]["total"] == "-6"
    assert costs(account, TimePeriod=november, Filter=no_credits)["2026-11-02"]["total"] == "34"
    assert costs(account, Filter={"Tags": {"Key": "Team", "MatchOptions": ["ABSENT"]}})["2026-11-20"]["total"] == "11.5"
    nothing = costs(account, Filter={"Dimensions": {"Key": "SERVICE", "Values": ["AmazonSageMaker"]}}, GroupBy=[by("TAG", "Team")])
    assert nothing == {"2026-11-20": {"total": "0"}}, "a value that does not exist is no error"


def test_usage_has_a_unit_only_where_all_of_it_has_the_same(account):
    ce = account.client("ce")
    asked = dict(TimePeriod=DAY, Granularity="DAILY", Metrics=["UsageQuantity", "NormalizedUsageAmount", "AmortizedCost"])
    [day] = ce.get_cost_and_usage(**asked)["ResultsByTime"]
    assert day["Total"]["UsageQuantity"] == {"Amount": "138", "Unit": "N/A"} and not day["Groups"] and day["Estimated"]
    [day] = ce.get_cost_and_usage(Filter=SERVICE, **asked)["ResultsByTime"]
    assert day["Total"]["UsageQuantity"] == {"Amount": "136", "Unit": "Hrs"}


def test_what_runs_is_on_the_bill_when_its_data_has_come(account):
    today = {"Start": "2026-11-23", "End": "2026-11-24"}
    only = {"Dimensions": {"Key": "USAGE_TYPE", "Values": ["EUC1-Notebk:ml.m5.xlarge"]}}
    assert costs(account, TimePeriod=today, Filter=only) == {"2026-11-23": {"total": "0"}}
    account.control("advance", {"by": "4h"})
    assert costs(account, TimePeriod=today, Filter=only, GroupBy=[by("TAG", "Team")]) == {"2026-11-23": {"Team$nlp": "1.104"}}
    rows = account.control("spend")["rows"]
    [row] = [row for row in rows if row["usage-type"] == "EUC1-Notebk:ml.m5.xlarge"]
    assert (row["day"], row["quantity"], row["unit"], row["tags"]["Owner"]) == ("2026-11-23", "12", "Hrs", "ann@example.com"), "until now"


def test_each_page_costs_a_cent(account):
    ce = account.client("ce")
    asked = dict(TimePeriod={"Start": "2026-11-19", "End": "2026-11-21"}, Granularity="DAILY", Metrics=["UnblendedCost"], GroupBy=[by("DIMENSION", "USAGE_TYPE")])
    first = ce.get_cost_and_usage(**asked)
    second = ce.get_cost_and_usage(NextPageToken=first["NextPageToken"], **asked)
    assert "NextPageToken" not in second
    assert account.control("spend")["cost-explorer-usd"] == "0.02"
    assert refused(ce.get_cost_and_usage, NextPageToken="x", **asked)[0] == "InvalidNextTokenException"
    asked["Granularity"] = "MONTHLY"
    assert refused(ce.get_cost_and_usage, NextPageToken=first["NextPageToken"], **asked)[0] == "RequestChangedException"


@pytest.mark.parametrize(
    "more, message",
    [
        ({"TimePeriod": {"Start": "2026-11-20", "End": "2026-11-20"}}, "Start date (and hour) should be before end date (and hour)"),
        ({"TimePeriod": {"Start": "2026-11-20", "End": "2026-12-02"}}, "end date past the beginning of next month"),
        ({"TimePeriod": {"Start": "2025-09-30", "End": "2026-11-20"}}, "You haven't enabled historical data beyond 14 months."),
        ({"GroupBy": [by("DIMENSION", "RESOURCE_ID")]}, "Group Definition dimension is invalid. Valid values are AZ, INSTANCE_TYPE, LINKED_ACCOUNT"),
        ({"Filter": dict(SERVICE, Tags={"Key": "a"})}, "Expression has more than one roots. Only one root operator is allowed for each expression: And, Or, Not, Dimensions, Tags, CostCategories"),
        ({"Filter": {"And": [SERVICE]}}, "And must have at least two expressions"),
        ({"Metrics": ["Cost"]}, "Metric Cost is invalid"),
    ],
)
def test_questions_that_aws_refuses(account, more, message):
    asked = dict({"TimePeriod": DAY, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]}, **more)
    code, said = refused(account.client("ce").get_cost_and_usage, **asked)
    assert code == "ValidationException" and said.startswith(message)


def test_hours_are_opt_in(account):
    asked = dict(TimePeriod={"Start": "2026-11-20T00:00:00Z", "End": "2026-11-20T02:00:00Z"}, Granularity="HOURLY")
    for call, more in [("get_cost_and_usage", {"Metrics": ["UnblendedCost"]}), ("get_savings_plans_coverage", {})]:
        code, said = refused(getattr(account.client("ce"), call), **asked, **more)
        assert code == "AccessDeniedException" and said.startswith("Hourly data granularity is an opt-in only feature")


def test_without_a_plan_there_is_coverage_but_no_utilization(account):
    ce = account.client("ce")
    asked = dict(TimePeriod=DAY, Granularity="DAILY")
    [day] = ce.get_savings_plans_coverage(**asked)["SavingsPlansCoverages"]
    assert day["Coverage"] == {"SpendCoveredBySavingsPlans": "0", "OnDemandCost": "34", "TotalCost": "34", "CoveragePercentage": "0"}
    assert refused(ce.get_savings_plans_utilization, **asked)[0] == "DataUnavailableException"
    assert refused(ce.get_savings_plans_utilization_details, TimePeriod=DAY)[0] == "DataUnavailableException"


def test_cost_explorer_throttles_and_denies_in_its_own_way(account):
    ce = account.client("ce")
    asked = dict(TimePeriod=DAY, Granularity="DAILY", Metrics=["UnblendedCost"])
    account.control("fault", {"on": "ce:*", "what": {"throttle": 1}, "times": 1})
    assert refused(ce.get_cost_and_usage, **asked)[0] == "LimitExceededException"
    account.control("fault", {"on": "ce:*", "what": "access-denied", "times": 1})
    code, message = refused(ce.get_cost_and_usage, **asked)
    assert code == "AccessDeniedException"
    assert f"perform: ce:GetCostAndUsage on resource: arn:aws:ce:us-east-1:{ACCOUNT}:/GetCostAndUsage because" in message
    account.control("fault", {"on": "ce:*", "what": "repeat-token"})
    token = ce.get_cost_and_usage(**asked)["NextPageToken"]
    assert ce.get_cost_and_usage(NextPageToken=token, **asked)["NextPageToken"] == token
    assert account.control("spend")["cost-explorer-usd"] == "0.02", "what is refused is free"


def test_a_new_account(tmp_path):
    with account_of(tmp_path, 'start = "2026-11-23T08:00:00Z"\n[cost-explorer]\nnew-account = true') as account:
        ce = account.client("ce")
        code, message = refused(ce.get_cost_and_usage, TimePeriod=DAY, Granularity="DAILY", Metrics=["UnblendedCost"])
        assert code == "DataUnavailableException" and message.startswith("Data is not available. Please try to adjust the time period.")


def test_forecasts(account):
    ce = account.client("ce")
    asked = dict(Metric="UNBLENDED_COST", Granularity="MONTHLY", Filter=SERVICE, TimePeriod={"Start": "2026-11-23", "End": "2026-12-01"})
    answer = ce.get_cost_forecast(**asked)
    assert answer["Total"]["Unit"] == "USD" and answer["ForecastResultsByTime"][0]["MeanValue"] == answer["Total"]["Amount"]
    days = ce.get_cost_forecast(PredictionIntervalLevel=80, **dict(asked, Granularity="DAILY"))["ForecastResultsByTime"]
    assert len(days) == 8
    assert all(float(day["PredictionIntervalLowerBound"]) < float(day["MeanValue"]) < float(day["PredictionIntervalUpperBound"]) for day in days)
    early = dict(asked, TimePeriod={"Start": "2026-11-22", "End": "2026-12-01"})
    assert refused(ce.get_cost_forecast, **early) == ("ValidationException", "Earliest supported Start is 2026-11-23")
    none = dict(asked, Filter={"Dimensions": {"Key": "SERVICE", "Values": ["nothing"]}})
    assert refused(ce.get_cost_forecast, **none) == ("DataUnavailableException", "Insufficient amount of historical data.")


def test_anomalies(account):
    ce = account.client("ce")
    [spike] = ce.get_anomalies(DateInterval={"StartDate": "2026-10-01", "EndDate": "2026-11-22"}, MaxResults=2)["Anomalies"]
    assert (spike["AnomalyStartDate"], spike["AnomalyEndDate"]) == ("2026-11-12T00:00:00Z",) * 2
    assert spike["Impact"]["TotalImpact"] == 480 and spike["RootCauses"][0]["UsageType"] == "EUC1-Host:ml.m5.xlarge"
    assert ce.get_anomalies(DateInterval={"StartDate": "2026-10-01"}, TotalImpact={"NumericOperator": "GREATER_THAN", "StartValue": 480})["Anomalies"] == []
    code, message = refused(ce.get_anomalies, DateInterval={"StartDate": "2026-10-01", "EndDate": "2026-11-23"})
    assert code == "ValidationException" and message.startswith("Latest supported detectionDate for GetRecentAnomalies is 2026-11-22")


def test_cost_allocation_tags(account):
    ce = account.client("ce")
    tags = {tag["TagKey"]: tag for tag in ce.list_cost_allocation_tags()["CostAllocationTags"]}
    assert {key: (tag["Status"], tag["Type"]) for key, tag in tags.items()} == {
        "Owner": ("Inactive", "UserDefined"), "Team": ("Active", "UserDefined"), "aws:createdBy": ("Inactive", "AWSGenerated"),
    }
    assert tags["Team"]["LastUsedDate"] == "2026-11-01T00:00:00Z"
    first = ce.list_cost_allocation_tags(MaxResults=2)
    assert len(ce.list_cost_allocation_tags(MaxResults=2, NextToken=first["NextToken"])["CostAllocationTags"]) == 1
    owner = [{"TagKey": "Owner", "Status": "Active"}]
    assert ce.update_cost_allocation_tags_status(CostAllocationTagsStatus=owner)["Errors"] == []
    assert [tag["TagKey"] for tag in ce.list_cost_allocation_tags(Status="Active", Type="UserDefined")["CostAllocationTags"]] == ["Owner", "Team"]
    assert refused(ce.update_cost_allocation_tags_status, CostAllocationTagsStatus=[{"TagKey": "x", "Status": "Active"}]) == (
        "ValidationException", "Failed to update Cost Allocation Tag: Tag keys not found: x",
    )
    account.control("advance", {"by": "48h"})
    owners = costs(account, TimePeriod={"Start": "2026-11-22", "End": "2026-11-25"}, Filter=SERVICE, GroupBy=[by("TAG", "Owner")])
    assert ["Owner$ann@example.com" in day for day in owners.values()] == [False, False, True], "from the day after on"


def test_a_member_account_has_no_cost_allocation_tags(tmp_path):
    with account_of(tmp_path, "payer = false") as account:
        code, message = refused(account.client("ce").list_cost_allocation_tags)
        assert (code, message) == ("AccessDeniedException", "Linked account doesn't have access to cost allocation tags.")


def test_budgets(account):
    budgets = account.client("budgets")
    first = budgets.describe_budgets(AccountId=ACCOUNT, MaxResults=2)
    second = budgets.describe_budgets(AccountId=ACCOUNT, MaxResults=2, NextToken=first["NextToken"])
    all_of_them = {budget["BudgetName"]: budget for budget in first["Budgets"] + second["Budgets"]}
    assert list(all_of_them) == ["gone-wrong", "ml", "nlp"] and "NextToken" not in second
    ml, nlp, wrong = all_of_them["ml"], all_of_them["nlp"], all_of_them["gone-wrong"]
    # 22 days at 24, 15 weekdays at 10, a spike, a credit.
    assert ml["CalculatedSpend"]["ActualSpend"] == {"Amount": "1118.0", "Unit": "USD"}
    assert float(ml["CalculatedSpend"]["ForecastedSpend"]["Amount"]) > 1118 and ml["CostTypes"]["IncludeCredit"]
    assert ml["TimePeriod"]["Start"].date() == datetime.date(2026, 11, 1) and ml["TimePeriod"]["End"].year == 2087
    assert nlp["BudgetLimit"]["Amount"] == "500.0" and len(nlp["PlannedBudgetLimits"]) == 2
    assert "FilterExpression" not in nlp and nlp["Metrics"] == ["UnblendedCost"] and "CostFilters" not in nlp
    assert wrong["HealthStatus"]["StatusReason"] == "BILLING_VIEW_UNHEALTHY" and "ForecastedSpend" not in wrong["CalculatedSpend"]
    shown = budgets.describe_budgets(AccountId=ACCOUNT, ShowFilterExpression=True)["Budgets"]
    assert shown[2]["FilterExpression"]["Tags"]["Values"] == ["nlp"]
    [states] = [one for one in account.control("budgets") if one["name"] == "ml"]
    assert (states["actual"], states["alarms"]) == ("1118", [True, True])
    code, message = refused(budgets.describe_notifications_for_budget, AccountId=ACCOUNT, BudgetName="x")
    assert code == "NotFoundException" and message.endswith("Unable to get budget: x - the budget doesn't exist.")
    assert refused(budgets.describe_budgets, AccountId="999999999999")[0] == "AccessDeniedException"
    assert refused(budgets.describe_budgets, AccountId=ACCOUNT, NextToken="x")[0] == "InvalidNextTokenException"
    account.control("fault", {"on": "budgets:*", "what": "access-denied", "times": 1})
    code, message = refused(budgets.describe_notifications_for_budget, AccountId=ACCOUNT, BudgetName="ml")
    assert code == "AccessDeniedException" and f"budgets:ViewBudget on resource: arn:aws:budgets::{ACCOUNT}:budget/ml" in message
    account.control("fault", {"on": "budgets:*", "what": {"throttle": 1}, "times": 1})
    assert refused(budgets.describe_budgets, AccountId=ACCOUNT)[0] == "ThrottlingException"


def test_notifications(account):
    budgets = account.client("budgets")
    which = dict(AccountId=ACCOUNT, BudgetName="ml")
    first = budgets.describe_notifications_for_budget(MaxResults=1, **which)
    second = budgets.describe_notifications_for_budget(MaxResults=1, NextToken=first["NextToken"], **which)
    actual, forecast = first["Notifications"] + second["Notifications"]
    assert (actual["NotificationType"], actual["Threshold"], actual["NotificationState"]) == ("ACTUAL", 80.0, "ALARM")
    assert forecast["NotificationType"] == "FORECASTED"


def test_budgets_past(account):
    budgets = account.client("budgets")
    budgets.create_budget(AccountId=ACCOUNT, Budget=dict(NEW, TimePeriod={"Start": datetime.datetime(2026, 8, 1)}))
    history = budgets.describe_budget_performance_history(AccountId=ACCOUNT, BudgetName="new")["BudgetPerformanceHistory"]
    periods = history["BudgetedAndActualAmountsList"]
    assert [one["ActualAmount"]["Amount"] for one in periods] == ["46.5", "45.0", "46.5", "33.0"]
    assert periods[0]["TimePeriod"]["Start"].date() == datetime.date(2026, 8, 1)
    budgets.create_budget(AccountId=ACCOUNT, Budget=dict(NEW, BudgetName="year", TimeUnit="ANNUALLY"))
    assert refused(budgets.describe_budget_performance_history, AccountId=ACCOUNT, BudgetName="year")[0] == "InvalidParameterException"


NEW = {
    "BudgetName": "new", "BudgetLimit": {"Amount": "34", "Unit": "USD"}, "TimeUnit": "MONTHLY", "BudgetType": "COST",
    "CostFilters": {"Service": ["Amazon Simple Storage Service"]},
}


def test_a_threshold_is_told_of_by_sns_once(account):
    budgets = account.client("budgets")
    notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 100.0}
    topic = {"SubscriptionType": "SNS", "Address": f"arn:aws:sns:eu-central-1:{ACCOUNT}:budgets"}
    told = [{"Notification": notification, "Subscribers": [topic]}]
    budgets.create_budget(AccountId=ACCOUNT, Budget=NEW, NotificationsWithSubscribers=told)
    assert refused(budgets.create_budget, AccountId=ACCOUNT, Budget=NEW)[0] == "DuplicateRecordException"
    assert account.control("events") == []
    account.control("advance", {"by": "24h"})
    [event] = account.control("events")
    [record] = event["Records"]
    assert (record["EventSource"], record["Sns"]["Subject"]) == ("aws:sns", "AWS Budgets: new has exceeded your alert threshold")
    assert record["Sns"]["Message"].startswith(f"AWS Budget Notification November 24, 2026\nAWS Account {ACCOUNT}\n\nDear AWS Customer,\n")
    assert "Budget Name: new\nBudget Type: Cost\nBudgeted Amount: $34.00\nAlert Type: ACTUAL\nAlert Threshold: > $34.00\nACTUAL Amount: $34.50" in record["Sns"]["Message"]
    account.control("advance", {"by": "48h"})
    assert account.control("events") == []
    budgets.delete_budget(AccountId=ACCOUNT, BudgetName="new")
    assert refused(budgets.delete_budget, AccountId=ACCOUNT, BudgetName="new")[0] == "NotFoundException"


def test_objects(account):
    s3 = account.client("s3")
    bucket = "cost-guard-reports"
    s3.put_object(Bucket=bucket, Key="2026/11/a b+c.json", Body=b'{"a": 1}', ContentType="application/json", Metadata={"run": "7"})
    s3.put_object(Bucket=bucket, Key="2026/12/0.json", Body=b"\3" * 100_000, ChecksumAlgorithm="CRC32")
    first, second = account.control("objects")
    assert (first["key"], first["content-type"], first["metadata"]) == ("2026/11/a b+c.json", "application/json", {"run": "7"})
    assert (first["modified"], second["size"]) == ("2026-11-23T08:00:00Z", 100_000)
    assert account.control("object/2026/11/a%20b+c.json") == {"a": 1}
    assert refused(s3.put_object, Bucket=bucket, Key="2026/12/0.json", Body=b"", IfNoneMatch="*")[0] == "PreconditionFailed"


def test_an_object_in_chunks_with_its_checksum_behind_it_as_the_rust_sdk_sends_it(account):
    """boto3 does so over TLS only: here by hand (S3 User Guide, Signature Version 4 … using trailing headers)."""

    def put(body):
        headers = {
            "content-encoding": "aws-chunked", "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "11",
            "x-amz-trailer": "x-amz-checksum-crc32", "content-type": "text/plain",
        }
        request = urllib.request.Request(f"{account.endpoint}/cost-guard-reports/chunked?x-id=PutObject", data=body, headers=headers, method="PUT")
        try:
            return urllib.request.urlopen(request).status, b""
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    assert put(b"6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n") == (200, b"")
    assert urllib.request.urlopen(f"{account.endpoint}/_simulator/object/chunked").read() == b"hello world"
    status, error = put(b"6\r\nhello \r\n5\r\nWorld\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n")
    assert status == 400 and b"<Code>BadDigest</Code>" in error


def test_objects_that_are_not_allowed(account):
    s3 = account.client("s3")
    assert refused(s3.put_object, Bucket="other", Key="x", Body=b"x") == ("NoSuchBucket", "The specified bucket does not exist")
    account.control("fault", {"on": "s3:PutObject", "what": "access-denied", "times": 1})
    code, message = refused(s3.put_object, Bucket="cost-guard-reports", Key="x", Body=b"x")
    assert code == "AccessDenied" and "is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::cost-guard-reports/x" in message
    account.control("fault", {"on": "s3:*", "what": {"throttle": 1}, "times": 1})
    with pytest.raises(ClientError) as slow:
        s3.put_object(Bucket="cost-guard-reports", Key="x", Body=b"x")
    assert slow.value.response["Error"]["Code"] == "SlowDown" and slow.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert refused(s3.list_buckets)[1] == "not simulated: s3:GET "
