"""CloudTrail's event history, driven by boto3: the newest first, page by page, by one attribute and a time, with the service's own refusals."""

import datetime
import json

from test_boto3 import refused

ESTATE = """region = "eu-central-1"
start = "2026-11-23T08:00:00Z"
[[notebook]]
name = "churn"
status = "Stopped"
by = "ann"
plan = [{ at = "mon-fri 09:00", do = "start" }, { at = "mon-fri 10:00", do = "open" }, { at = "mon-fri 18:00", do = "stop" }]
"""


def of(name):
    return [{"AttributeKey": "EventName", "AttributeValue": name}]


def test_the_history_is_looked_up_page_by_page(simulated):
    simulated.control("advance", {"by": "60h"})
    trail = simulated.client("cloudtrail")
    pages = list(trail.get_paginator("lookup_events").paginate(LookupAttributes=of("StartNotebookInstance"), PaginationConfig={"PageSize": 2}))
    events = [event for page in pages for event in page["Events"]]
    assert [len(page["Events"]) for page in pages] == [2, 1]
    assert [event["EventTime"].day for event in events] == [25, 24, 23]
    record = json.loads(events[0]["CloudTrailEvent"])
    assert (record["eventName"], record["requestParameters"], record["userIdentity"]["userName"]) == (
        "StartNotebookInstance", {"notebookInstanceName": "churn"}, "ann")
    assert (events[0]["Username"], events[0]["EventSource"]) == ("ann", "sagemaker.amazonaws.com")
    day = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
    opened = trail.lookup_events(LookupAttributes=of("CreatePresignedNotebookInstanceUrl"), StartTime=day, EndTime=day + datetime.timedelta(days=1))
    assert [event["EventTime"].hour for event in opened["Events"]] == [10]
    assert refused(trail.lookup_events, LookupAttributes=of("a") * 2)[0] == "InvalidLookupAttributesException"
    assert refused(trail.lookup_events, StartTime=day, EndTime=day - datetime.timedelta(days=1))[0] == "InvalidTimeRangeException"


def test_what_is_only_read_is_not_in_it(simulated):
    simulated.client("sagemaker").list_notebook_instances()
    assert refused(simulated.client("sagemaker").stop_notebook_instance, NotebookInstanceName="churn")
    [event] = simulated.client("cloudtrail").lookup_events()["Events"]
    assert (event["EventName"], json.loads(event["CloudTrailEvent"])["errorCode"]) == ("StopNotebookInstance", "ValidationException")
