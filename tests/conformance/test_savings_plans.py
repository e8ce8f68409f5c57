"""Savings Plans, and what Cost Explorer says of them and by the hour, driven by boto3: each answer is one that AWS's models allow."""

import pathlib

import pytest

from conftest import ACCOUNT
from test_boto3 import refused

DATA = pathlib.Path(__file__).parents[1] / "simulator" / "data"
ESTATE = f"""
start = "2026-08-17T12:00:00Z"
[cost-explorer]
hourly = true
[savings-plan-rates]
csv = "{DATA}/rates.csv"
[[spend]]
csv = "{DATA}/fleet_a_endpoints_336h.csv"
tags = {{ Team = "search" }}
[[spend]]
usage-type = "USE1-Host:VolumeUsage.gp3"
usd = 24
from = "2026-08-01"
[[savings-plan]]
name = "first"
commitment = 1.5
start = "2026-08-03T00:00:00Z"
returnable-until = "2026-08-10T00:00:00Z"
[[savings-plan]]
name = "next"
commitment = 2
term = "3y"
payment = "partial-upfront"
start = "2026-09-01T00:00:00Z"
[[savings-plan]]
name = "refused"
commitment = 2
state = "payment-failed"
start = "2026-08-01T00:00:00Z"
[[savings-plan]]
name = "compute"
type = "Compute"
commitment = 10
start = "2026-01-01T00:00:00Z"
[[resource]]
kind = "training-plan"
name = "reserved"
definition = {{ StartTime = "-3d", DurationHours = 168, TotalInstanceCount = 4, InUseInstanceCount = 1, InstanceType = "ml.p5.48xlarge", UpfrontFee = "5000.00", CurrencyCode = "USD", TargetResources = ["training-job"] }}
[[resource]]
kind = "training-plan"
name = "over"
definition = {{ StartTime = "-30d", DurationHours = 168, TotalInstanceCount = 2 }}
"""
FLEET = {"Start": "2026-08-03", "End": "2026-08-17"}
HOURS = {"Start": "2026-08-03T00:00:00Z", "End": "2026-08-17T00:00:00Z"}
SERVICE = {"Dimensions": {"Key": "SERVICE", "Values": ["Amazon SageMaker"]}}
SAGEMAKER = {"Dimensions": {"Key": "SAVINGS_PLANS_TYPE", "Values": ["SageMakerSavingsPlans"]}}


def pages(call, items, token="nextToken", **asked):
    """All items, and how many each page had."""
    found, sizes = [], []
    while True:
        answer = call(**asked)
        found += answer[items]
        sizes.append(len(answer[items]))
        if token not in answer:
            return found, sizes
        asked[token] = answer[token]


def test_plans_are_told_with_their_states(simulated):
    plans = simulated.client("savingsplans")
    found, sizes = pages(plans.describe_savings_plans, "savingsPlans", maxResults=3)
    assert sizes == [3, 1]
    assert {plan["tags"]["Name"]: plan["state"] for plan in found} == {"first": "active", "next": "queued", "refused": "payment-failed", "compute": "active"}
    [next] = plans.describe_savings_plans(states=["queued"])["savingsPlans"]
    assert (next["upfrontPaymentAmount"], next["recurringPaymentAmount"]) == ("26280.00000000", "1.00000000")
    [first] = plans.describe_savings_plans(filters=[{"name": "savings-plan-type", "values": ["SageMaker"]}], states=["active"])["savingsPlans"]
    assert (first["commitment"], first["returnableUntil"]) == ("1.50000000", "2026-08-10T00:00:00.000Z")
    assert plans.describe_savings_plans(savingsPlanArns=[first["savingsPlanArn"]])["savingsPlans"] == [first]
    assert refused(plans.describe_savings_plans, states=["sold"])[0] == "ValidationException"


def test_rates_and_offerings(simulated):
    plans = simulated.client("savingsplans")
    usage = "USE1-Train:ml.m4.16xlarge"
    rates = plans.describe_savings_plans_offering_rates(products=["SageMaker"], usageTypes=[usage])["searchResults"]
    assert len(rates) == 6
    [real] = [rate["rate"] for rate in rates if rate["savingsPlanOffering"]["paymentOption"] == "Partial Upfront" and rate["savingsPlanOffering"]["durationSeconds"] == 31536000]
    assert real == "2.60544"
    found, sizes = pages(plans.describe_savings_plans_offering_rates, "searchResults", maxResults=50, serviceCodes=["AmazonSageMaker"])
    assert (len(found), sizes) == (84, [50, 34])
    offerings = plans.describe_savings_plans_offerings(planTypes=["SageMaker"], durations=[94608000])["searchResults"]
    assert {one["offeringId"] for one in offerings} < {rate["savingsPlanOffering"]["offeringId"] for rate in found}
    [first] = plans.describe_savings_plans(states=["active"], filters=[{"name": "savings-plan-type", "values": ["SageMaker"]}])["savingsPlans"]
    own = plans.describe_savings_plan_rates(savingsPlanId=first["savingsPlanId"], filters=[{"name": "usageType", "values": [usage]}])["searchResults"]
    assert [(rate["rate"], rate["currency"]) for rate in own] == [("2.7648", "USD")]
    assert refused(plans.describe_savings_plan_rates, savingsPlanId="x")[0] == "ResourceNotFoundException"


def test_nothing_is_bought_or_returned(simulated):
    plans = simulated.client("savingsplans")
    assert refused(plans.create_savings_plan, savingsPlanOfferingId="x", commitment="1")[1] == "not simulated: savingsplans:CreateSavingsPlan"
    assert refused(plans.return_savings_plan, savingsPlanId="x")[1] == "not simulated: savingsplans:ReturnSavingsPlan"
    simulated.control("fault", {"on": "savingsplans:*", "what": "access-denied", "times": 1})
    code, message = refused(plans.describe_savings_plans)
    assert code == "AccessDeniedException" and f"savingsplans:DescribeSavingsPlans on resource: arn:aws:savingsplans::{ACCOUNT}:savingsplan/*" in message


def test_costs_by_the_hour(simulated):
    ce = simulated.client("ce")
    asked = dict(TimePeriod=HOURS, Granularity="HOURLY", Metrics=["AmortizedCost"], Filter=SERVICE)
    results = ce.get_cost_and_usage(**asked)["ResultsByTime"]
    assert (len(results), results[0]["TimePeriod"]) == (336, {"Start": "2026-08-03T00:00:00Z", "End": "2026-08-03T01:00:00Z"})
    days = ce.get_cost_and_usage(**dict(asked, TimePeriod=FLEET, Granularity="DAILY"))["ResultsByTime"]
    total = lambda results: round(sum(float(one["Total"]["AmortizedCost"]["Amount"]) for one in results), 6)  # noqa: E731
    assert total(results) == total(days)
    by_type = ce.get_cost_and_usage(TimePeriod=FLEET, Granularity="MONTHLY", Metrics=["UnblendedCost"], GroupBy=[{"Type": "DIMENSION", "Key": "RECORD_TYPE"}])
    rows = {group["Keys"][0]: float(group["Metrics"]["UnblendedCost"]["Amount"]) for group in by_type["ResultsByTime"][0]["Groups"]}
    assert rows["SavingsPlanRecurringFee"] == 504.0 and rows["SavingsPlanCoveredUsage"] == -rows["SavingsPlanNegation"] == 657.048
    old = dict(asked, TimePeriod={"Start": "2026-08-02T23:00:00Z", "End": "2026-08-03T01:00:00Z"})
    assert refused(ce.get_cost_and_usage, **old)[0] == "ValidationException"
    assert refused(ce.get_cost_and_usage, **dict(asked, TimePeriod=FLEET))[0] == "ValidationException"


def test_coverage(simulated):
    ce = simulated.client("ce")
    hours, sizes = pages(ce.get_savings_plans_coverage, "SavingsPlansCoverages", "NextToken", TimePeriod=HOURS, Granularity="HOURLY", Filter=SERVICE, MaxResults=200)
    assert sizes == [200, 136]
    total = sum(float(one["Coverage"]["TotalCost"]) for one in hours)
    assert round(total, 3) == 2870.662, "without storage"
    assert len(ce.get_savings_plans_coverage(TimePeriod=FLEET, Granularity="DAILY")["SavingsPlansCoverages"]) == 14
    grouped = ce.get_savings_plans_coverage(TimePeriod=FLEET, GroupBy=[{"Type": "DIMENSION", "Key": "REGION"}])["SavingsPlansCoverages"]
    assert grouped[0]["Attributes"] == {"REGION": "us-east-1"}
    assert refused(ce.get_savings_plans_coverage, TimePeriod=dict(FLEET, End="2026-08-18"), Granularity="DAILY")[0] == "ValidationException"


def test_utilization(simulated):
    ce = simulated.client("ce")
    answer = ce.get_savings_plans_utilization(TimePeriod=FLEET, Granularity="DAILY", Filter=SAGEMAKER)
    assert len(answer["SavingsPlansUtilizationsByTime"]) == 14
    assert answer["Total"]["Utilization"] == {"TotalCommitment": "504", "UsedCommitment": "504", "UnusedCommitment": "0", "UtilizationPercentage": "100"}
    details, sizes = pages(ce.get_savings_plans_utilization_details, "SavingsPlansUtilizationDetails", "NextToken", TimePeriod=FLEET, MaxResults=1)
    assert sizes == [1, 1]
    assert {one["Attributes"]["SavingsPlansType"] for one in details} == {"SageMakerSavingsPlans", "ComputeSavingsPlans"}


@pytest.mark.parametrize("term, payment", [(term, payment) for term in ("ONE_YEAR", "THREE_YEARS") for payment in ("NO_UPFRONT", "PARTIAL_UPFRONT", "ALL_UPFRONT")])
def test_recommendations(simulated, term, payment):
    ce = simulated.client("ce")
    asked = dict(SavingsPlansType="SAGEMAKER_SP", TermInYears=term, PaymentOption=payment, LookbackPeriodInDays="SEVEN_DAYS")
    recommendation = ce.get_savings_plans_purchase_recommendation(**asked)["SavingsPlansPurchaseRecommendation"]
    [detail] = recommendation["SavingsPlansPurchaseRecommendationDetails"]
    assert (float(detail["UpfrontCost"]) == 0) == (payment == "NO_UPFRONT")
    answer = ce.get_savings_plan_purchase_recommendation_details(RecommendationDetailId=detail["RecommendationDetailId"])
    data = answer["RecommendationDetailData"]
    assert (len(data["MetricsOverLookbackPeriod"]), data["ExistingHourlyCommitment"]) == (168, "1.5000000000")
    assert data["HourlyCommitmentToPurchase"] == detail["HourlyCommitmentToPurchase"]
    left = sum(float(hour["EstimatedOnDemandCost"]) for hour in data["MetricsOverLookbackPeriod"])
    assert round(left, 6) == round(float(detail["EstimatedOnDemandCost"]), 6)
    assert refused(ce.get_savings_plan_purchase_recommendation_details, RecommendationDetailId="0" * 36)[0] == "ValidationException"


def test_training_plans_have_their_instances_and_times(simulated):
    sagemaker = simulated.client("sagemaker")
    plans = {plan["TrainingPlanName"]: plan for plan in sagemaker.list_training_plans()["TrainingPlanSummaries"]}
    reserved, over = plans["reserved"], plans["over"]
    assert (reserved["TotalInstanceCount"], reserved["InUseInstanceCount"], reserved["AvailableInstanceCount"]) == (4, 1, 3)
    assert (reserved["Status"], reserved["EndTime"].isoformat()[:16], over["Status"]) == ("Active", "2026-08-21T12:00", "Expired")
    assert (reserved["UpfrontFee"], reserved["DurationHours"], reserved["TargetResources"]) == ("5000.00", 168, ["training-job"])
    described = sagemaker.describe_training_plan(TrainingPlanName="reserved")
    assert described["ReservedCapacitySummaries"][0]["InstanceType"] == "ml.p5.48xlarge"
    assert {key: value for key, value in described.items() if key != "ResponseMetadata"} == reserved
    [only] = sagemaker.list_training_plans(Filters=[{"Name": "Status", "Value": "Expired"}])["TrainingPlanSummaries"]
    assert only["TrainingPlanName"] == "over"
    assert refused(sagemaker.describe_training_plan, TrainingPlanName="x")[0] in ("ResourceNotFound", "ValidationException")
