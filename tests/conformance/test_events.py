"""PutEvents of EventBridge, driven by boto3."""

import json

import pytest

from test_boto3 import refused

DETAIL = json.dumps({"version": "1", "name": "ä <b>"})


def entry(**fields):
    return {"Source": "sagemaker-cost-guard", "DetailType": "Finding Opened", "Detail": DETAIL} | fields


def test_what_was_put_can_be_read(simulated):
    events = simulated.client("events")
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn"
    answer = events.put_events(Entries=[entry(Resources=[arn], EventBusName="finops"), entry()])
    assert answer["FailedEntryCount"] == 0 and all(one["EventId"] for one in answer["Entries"])
    first, second = simulated.control("put-events")
    assert (first["source"], first["detail_type"], first["detail"], first["resources"]) == ("sagemaker-cost-guard", "Finding Opened", json.loads(DETAIL), [arn])
    assert (first["bus"], second["bus"], second["resources"]) == ("finops", "default", [])
    assert [first["id"], second["id"]] == [one["EventId"] for one in answer["Entries"]]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Detail": "no JSON"}, "MalformedDetail"),
        ({"Detail": '"a text"'}, "MalformedDetail"),
        ({"Source": "aws.sagemaker"}, "NotAuthorizedForSourceException"),
    ],
)
def test_one_wrong_entry_leaves_the_others(simulated, wrong, code):
    answer = simulated.client("events").put_events(Entries=[entry(), entry(**wrong), entry()])
    assert answer["FailedEntryCount"] == 1
    assert [one.get("ErrorCode") for one in answer["Entries"]] == [None, code, None]
    assert len(simulated.control("put-events")) == 2


def test_there_are_limits(simulated):
    events = simulated.client("events")
    assert events.put_events(Entries=[entry()] * 10)["FailedEntryCount"] == 0
    assert refused(events.put_events, Entries=[entry()] * 11)[0] == "ValidationException"
    large = entry(Detail=json.dumps({"x": "x" * 30_000}))
    assert refused(events.put_events, Entries=[large] * 9)[0] == "ValidationException"
    assert events.put_events(Entries=[large] * 8)["FailedEntryCount"] == 0
    assert len(simulated.control("put-events")) == 18


def test_a_bus_that_is_busy_takes_some(simulated):
    events = simulated.client("events")
    simulated.control("fault", {"on": "events:PutEvents", "what": {"unprocessed": 1}, "times": 1})
    answer = events.put_events(Entries=[entry(), entry()])
    assert (answer["FailedEntryCount"], answer["Entries"][1]["ErrorCode"]) == (1, "ThrottlingException")
    simulated.control("fault", {"on": "events:*", "what": "access-denied", "times": 1})
    assert refused(events.put_events, Entries=[entry()])[0] == "AccessDeniedException"
    assert len(simulated.control("put-events")) == 1


def test_moto_gives_the_same_answers(simulated, moto):
    for account in (simulated, moto):
        answer = account.client("events").put_events(Entries=[entry(), entry(Detail="no JSON")])
        assert (answer["FailedEntryCount"], set(answer["Entries"][0])) == (1, {"EventId"}), account.endpoint
        assert answer["Entries"][1]["ErrorCode"] == "MalformedDetail"
