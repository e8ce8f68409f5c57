"""Every simulated operation, driven by boto3: values, pages, errors with AWS's own texts, states over time, faults."""

import datetime
import pathlib
import re

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from conftest import TOP

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:"
NOTEBOOK = ARN + "notebook-instance/churn-eda"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_notebooks_are_listed_page_by_page_and_by_filter(simulated):
    sagemaker = simulated.client("sagemaker")
    first = sagemaker.list_notebook_instances(MaxResults=20)
    second = sagemaker.list_notebook_instances(MaxResults=20, NextToken=first["NextToken"])
    names = [one["NotebookInstanceName"] for page in (first, second) for one in page["NotebookInstances"]]
    assert len(names) == len(set(names)) == 26 and "NextToken" not in second
    assert len(sagemaker.list_notebook_instances()["NotebookInstances"]) == 10, "AWS's default page"
    running = sagemaker.list_notebook_instances(StatusEquals="InService")["NotebookInstances"]
    assert [one["NotebookInstanceName"] for one in running] == ["Churn-EDA"]
    assert running[0]["NotebookInstanceArn"] == NOTEBOOK, "AWS writes names in lower case in ARNs"
    assert running[0]["NotebookInstanceLifecycleConfigName"] == "cost-guard-idle-agent"
    assert running[0]["LastModifiedTime"] == datetime.datetime(2026, 11, 23, 6, tzinfo=datetime.timezone.utc)
    assert len(sagemaker.list_notebook_instances(NameContains="bulk", MaxResults=100)["NotebookInstances"]) == 25
    since = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc)
    assert len(sagemaker.list_notebook_instances(LastModifiedTimeAfter=since)["NotebookInstances"]) == 1
    backwards = sagemaker.list_notebook_instances(SortBy="Name", SortOrder="Descending", MaxResults=2)["NotebookInstances"]
    assert [one["NotebookInstanceName"] for one in backwards] == ["bulk-00024", "bulk-00023"]


def test_a_notebook_goes_through_its_states(simulated):
    sagemaker = simulated.client("sagemaker")

    def status():
        return sagemaker.describe_notebook_instance(NotebookInstanceName="Churn-EDA")["NotebookInstanceStatus"]

    sagemaker.stop_notebook_instance(NotebookInstanceName="Churn-EDA")
    assert status() == "Stopping"
    code, message = refused(sagemaker.stop_notebook_instance, NotebookInstanceName="Churn-EDA")
    assert (code, message) == (
        "ValidationException",
        f"Status (Stopping) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance ({NOTEBOOK}).",
    )
    simulated.control("advance", {"by": "2m"})
    assert status() == "Stopped"
    sagemaker.start_notebook_instance(NotebookInstanceName="Churn-EDA")
    assert status() == "Pending"
    simulated.control("advance", {"by": "5m"})
    assert status() == "InService"
    events = simulated.control("events")
    assert [event["detail"]["NotebookInstanceStatus"] for event in events] == ["Stopping", "Stopped", "Pending", "InService"]
    assert refused(sagemaker.delete_notebook_instance, NotebookInstanceName="Churn-EDA")[0] == "ValidationException"
    sagemaker.delete_notebook_instance(NotebookInstanceName="bulk-00000")
    assert sagemaker.describe_notebook_instance(NotebookInstanceName="bulk-00000")["NotebookInstanceStatus"] == "Deleting"
    simulated.control("advance", {"by": "2m"})
    assert refused(sagemaker.describe_notebook_instance, NotebookInstanceName="bulk-00000") == ("ValidationException", "RecordNotFound")
    assert refused(sagemaker.stop_notebook_instance, NotebookInstanceName="nobody") == ("ValidationException", "RecordNotFound")


def test_a_notebook_is_created(simulated):
    sagemaker = simulated.client("sagemaker")
    new = dict(NotebookInstanceName="New", InstanceType="ml.t3.medium", RoleArn="arn:aws:iam::123456789012:role/x" , Tags=[{"Key": "a", "Value": "b"}])
    arn = sagemaker.create_notebook_instance(**new)["NotebookInstanceArn"]
    assert refused(sagemaker.create_notebook_instance, **new)[0] == "ValidationException"
    assert refused(sagemaker.create_notebook_instance, **dict(new, NotebookInstanceName="a-"))[0] == "ValidationException"
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_tags_are_set_over_and_removed(simulated):
    sagemaker, tagging = simulated.client("sagemaker"), simulated.client("resourcegroupstaggingapi")
    bulk = ARN + "notebook-instance/bulk-00001"

    def indexed():
        found = tagging.get_resources(ResourceTypeFilters=["sagemaker:notebook-instance"])["ResourceTagMappingList"]
        return {one["ResourceARN"]: one["Tags"] for one in found}

    assert set(indexed()) == {NOTEBOOK}, "what was never tagged is not named"
    sagemaker.add_tags(ResourceArn=bulk, Tags=[{"Key": "Team", "Value": "x"}, {"Key": "Team2", "Value": "y"}])
    sagemaker.add_tags(ResourceArn=bulk, Tags=[{"Key": "Team", "Value": "z"}])
    assert sagemaker.list_tags(ResourceArn=bulk)["Tags"] == [{"Key": "Team", "Value": "z"}, {"Key": "Team2", "Value": "y"}]
    sagemaker.delete_tags(ResourceArn=bulk, TagKeys=["Team", "Team2"])
    assert indexed()[bulk] == [], "what was tagged once is named without tags"
    code, _ = refused(sagemaker.add_tags, ResourceArn=bulk, Tags=[{"Key": "Team", "Value": "x (y)"}])
    assert code == "ValidationException"
    assert refused(sagemaker.add_tags, ResourceArn=bulk, Tags=[{"Key": "aws:x", "Value": "x"}])[0] == "ValidationException"
    fifty_one = [{"Key": str(number), "Value": "x"} for number in range(51)]
    assert refused(sagemaker.add_tags, ResourceArn=bulk, Tags=fifty_one)[0] == "ResourceLimitExceeded"
    assert refused(sagemaker.list_tags, ResourceArn=ARN + "notebook-instance/nobody")[0] == "ValidationException"


def test_the_index_has_pages_and_kinds(simulated):
    tagging = simulated.client("resourcegroupstaggingapi")
    first = tagging.get_resources(ResourcesPerPage=1, ResourceTypeFilters=["sagemaker"])
    second = tagging.get_resources(ResourcesPerPage=1, ResourceTypeFilters=["sagemaker"], PaginationToken=first["PaginationToken"])
    assert second["PaginationToken"] == ""
    arns = [one["ResourceARN"] for page in (first, second) for one in page["ResourceTagMappingList"]]
    assert arns == [ARN + "domain/d-1", NOTEBOOK]
    assert tagging.get_resources(ResourceTypeFilters=["sagemaker:app"])["ResourceTagMappingList"] == []
    named = tagging.get_resources(TagFilters=[{"Key": "Owner", "Values": ["ann@example.com", "x"]}])["ResourceTagMappingList"]
    assert [one["ResourceARN"] for one in named] == [NOTEBOOK]
    assert refused(tagging.get_resources, PaginationToken="nonsense")[0] == "PaginationTokenExpiredException"


def test_studio(simulated):
    sagemaker = simulated.client("sagemaker")
    apps = sagemaker.list_apps(MaxResults=1)
    more = sagemaker.list_apps(MaxResults=1, NextToken=apps["NextToken"])
    assert [one["Status"] for one in apps["Apps"] + more["Apps"]].count("Deleted") == 1, "deleted apps are shown for a day"
    which = dict(DomainId="d-1", SpaceName="lab", AppType="JupyterLab", AppName="default")
    app = sagemaker.describe_app(**which)
    assert (app["AppArn"], app["Status"]) == (ARN + "app/d-1/lab/jupyterlab/default", "InService")
    assert app["LastUserActivityTimestamp"] == app["LastHealthCheckTimestamp"], "AWS's health checks move both"
    sagemaker.delete_app(**which)
    assert sagemaker.describe_app(**which)["Status"] == "Deleting"
    simulated.control("advance", {"by": "2m"})
    assert sagemaker.describe_app(**which)["Status"] == "Deleted", "as long as it is listed"
    code, message = refused(sagemaker.delete_app, **which)
    assert code == "ValidationException" and "has already been deleted" in message, "not ResourceNotFound"
    simulated.control("advance", {"by": "25h"})
    assert sagemaker.list_apps()["Apps"] == []
    assert refused(sagemaker.describe_app, **which)[0] == refused(sagemaker.delete_app, **which)[0] == "ResourceNotFound"
    assert sagemaker.create_app(ResourceSpec={"InstanceType": "ml.m5.large"}, **which)["AppArn"] == app["AppArn"]
    assert sagemaker.describe_app(**which)["Status"] == "Pending"
    assert refused(sagemaker.create_app, **which)[0] == "ResourceInUse"
    assert refused(sagemaker.create_app, **dict(which, SpaceName="x"))[0] == "ResourceNotFound"
    simulated.control("advance", {"by": "4m"})
    assert sagemaker.list_apps(SpaceNameEquals="lab")["Apps"][0]["Status"] == "InService"
    tags = sagemaker.list_tags(ResourceArn=app["AppArn"])["Tags"]
    assert tags == [{"Key": "Owner", "Value": "platform@example.com"}], "TagPropagation is on in the domain"
    assert sagemaker.list_domains()["Domains"][0]["DomainArn"] == ARN + "domain/d-1"
    idle = sagemaker.describe_domain(DomainId="d-1")["DefaultUserSettings"]["JupyterLabAppSettings"]["AppLifecycleManagement"]["IdleSettings"]
    assert idle == {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": 60, "MaxIdleTimeoutInMinutes": 120}
    assert sagemaker.describe_domain(DomainId="d-1")["TagPropagation"] == "ENABLED"
    assert sagemaker.list_user_profiles(DomainIdEquals="d-1")["UserProfiles"][0]["UserProfileName"] == "ann"
    profile = sagemaker.describe_user_profile(DomainId="d-1", UserProfileName="ann")["UserSettings"]["CodeEditorAppSettings"]
    assert profile["AppLifecycleManagement"]["IdleSettings"]["LifecycleManagement"] == "DISABLED"
    assert sagemaker.list_spaces(DomainIdEquals="d-2")["Spaces"] == []
    described = sagemaker.describe_space(DomainId="d-1", SpaceName="lab")
    assert described["OwnershipSettings"] == {"OwnerUserProfileName": "ann"}
    space = described["SpaceSettings"]["JupyterLabAppSettings"]
    assert space["AppLifecycleManagement"]["IdleSettings"] == {"IdleTimeoutInMinutes": 90}
    for call, arguments in [
        (sagemaker.describe_domain, {"DomainId": "d-2"}),
        (sagemaker.describe_space, {"DomainId": "d-1", "SpaceName": "x"}),
        (sagemaker.describe_user_profile, {"DomainId": "d-1", "UserProfileName": "x"}),
    ]:
        assert refused(call, **arguments)[0] == "ResourceNotFound"


def test_metrics(simulated):
    cloudwatch = simulated.client("cloudwatch")
    listed = cloudwatch.list_metrics(Namespace="CostGuard/Notebooks", MetricName="IdleSeconds", RecentlyActive="PT3H")["Metrics"]
    dimension = {"Name": "NotebookInstanceName", "Value": "Churn-EDA"}
    assert listed == [{"Namespace": "CostGuard/Notebooks", "MetricName": "IdleSeconds", "Dimensions": [dimension]}]
    now = datetime.datetime(2026, 11, 23, 8, tzinfo=datetime.timezone.utc)

    def get(metric, count=1, namespace="CostGuard/Notebooks"):
        stat = {"Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": [dimension]}, "Period": 300, "Stat": "Minimum"}
        queries = [{"Id": f"q{n}", "MetricStat": stat} for n in range(count)]
        return cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=now - datetime.timedelta(minutes=30), EndTime=now)

    [result] = get("IdleSeconds")["MetricDataResults"]
    assert result["Timestamps"][0] > result["Timestamps"][1], "newest first"
    assert result["Values"][0] == 2 * 3600 - 300, "never used since its start two hours ago"
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "x", "Dimensions": [dimension], "Value": 7, "Timestamp": now - datetime.timedelta(minutes=5)}])
    [result] = get("x", namespace="Own")["MetricDataResults"]
    assert result["Values"] == [7]
    assert refused(get, metric="x", count=501)[0] == "ValidationError"
    put = cloudwatch.put_metric_data
    assert refused(put, Namespace="AWS/SageMaker", MetricData=[{"MetricName": "x", "Value": 7}])[0] == "InvalidParameterValue"
    old = now - datetime.timedelta(days=15)
    assert refused(put, Namespace="Own", MetricData=[{"MetricName": "x", "Value": 7, "Timestamp": old}])[0] == "InvalidParameterValue"
    assert cloudwatch.list_metrics(Namespace="Own", Dimensions=[dimension])["Metrics"][0]["MetricName"] == "x"
    assert cloudwatch.list_metrics(Namespace="Own", Dimensions=[dict(dimension, Value="x")])["Metrics"] == []


def test_metrics_in_cbor_as_the_rust_sdk_sends_them(simulated):
    """boto3 speaks JSON to CloudWatch: here the other protocol, by hand, checked against the same models."""
    now = datetime.datetime(2026, 11, 23, 8, tzinfo=datetime.timezone.utc)

    def call(operation, value):
        status, headers, answer = simulated.cbor("GraniteServiceVersion20100801", "cloudwatch", operation, value)
        assert headers["smithy-protocol"] == "rpc-v2-cbor" and headers["content-type"] == "application/cbor"
        return status, headers, answer

    metric = {"Namespace": "Own", "MetricName": "x", "Dimensions": [{"Name": "a", "Value": "b"}]}
    at = now - datetime.timedelta(minutes=7)
    datum = {"MetricName": "x", "Dimensions": metric["Dimensions"], "Values": [1.5, 3.0], "Timestamp": at}
    assert call("PutMetricData", {"Namespace": "Own", "MetricData": [datum]})[0] == 200
    assert call("ListMetrics", {"Namespace": "Own"})[2]["Metrics"] == [metric]
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}}
    asked = {"MetricDataQueries": [query], "StartTime": now - datetime.timedelta(hours=1), "EndTime": now}
    [result] = call("GetMetricData", asked)[2]["MetricDataResults"]
    assert (result["Timestamps"], result["Values"]) == ([now - datetime.timedelta(minutes=10)], [4.5]), "times are CBOR's times"
    status, headers, answer = call("GetMetricData", dict(asked, MetricDataQueries=[dict(query, Id="Q")]))
    assert (status, answer["__type"], headers["x-amzn-query-error"]) == (400, "ValidationError", "ValidationError;Sender")


def test_the_tag_index_in_cbor(simulated):
    answer = simulated.cbor("ResourceGroupsTaggingAPI_20170126", "resourcegroupstaggingapi", "GetResources", {"ResourcesPerPage": 1})[2]
    assert len(answer["ResourceTagMappingList"]) == 1 and answer["PaginationToken"]


def test_mails(simulated):
    sns = simulated.client("sns")
    topic = "arn:aws:sns:eu-central-1:123456789012:cost-guard"
    attributes = {"team": {"DataType": "String.Array", "StringValue": '["a","b"]'}, "owner": {"DataType": "String", "StringValue": "ann&co"}}
    assert sns.publish(TopicArn=topic, Subject="one & two", Message="ä <b>\n%", MessageAttributes=attributes)["MessageId"]
    [mail] = simulated.control("mails")
    assert (mail["subject"], mail["message"], mail["attributes"]["owner"]) == ("one & two", "ä <b>\n%", ["String", "ann&co"])
    assert refused(sns.publish, TopicArn=topic + "x", Message="x") == ("NotFound", "Topic does not exist")
    assert refused(sns.publish, TopicArn=topic, Message="x", Subject="x" * 100)[0] == "InvalidParameter"
    assert refused(sns.publish, TopicArn=topic, Message="x", Subject="x\ny")[0] == "InvalidParameter"
    assert refused(sns.publish, TopicArn=topic, Message="x" * 262145)[0] == "InvalidParameter"
    empty = {"team": {"DataType": "String", "StringValue": ""}}
    assert refused(sns.publish, TopicArn=topic, Message="x", MessageAttributes=empty)[0] == "ParameterValueInvalid"
    no_list = {"team": {"DataType": "String.Array", "StringValue": "a, b"}}
    assert refused(sns.publish, TopicArn=topic, Message="x", MessageAttributes=no_list)[0] == "ParameterValueInvalid"
    reserved = {"AWS.team": {"DataType": "String", "StringValue": "x"}}
    assert refused(sns.publish, TopicArn=topic, Message="x", MessageAttributes=reserved)[0] == "ParameterValueInvalid"
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Owner"] == "123456789012"
    assert refused(sns.get_topic_attributes, TopicArn=topic + "x")[0] == "NotFound"


def test_parameters(simulated):
    ssm = simulated.client("ssm")
    assert refused(ssm.get_parameter, Name="/cost-guard/policy")[0] == "ParameterNotFound"
    ssm.put_parameter(Name="/cost-guard/policy", Value="x = 1", Type="String")
    assert ssm.get_parameter(Name="/cost-guard/policy")["Parameter"]["Value"] == "x = 1"
    assert refused(ssm.put_parameter, Name="/cost-guard/policy", Value="y", Type="String")[0] == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name="/cost-guard/policy", Value="y", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name="/cost-guard/policy")["Parameter"]["LastModifiedDate"].year == 2026
    assert refused(ssm.put_parameter, Name="/new", Value="y")[0] == "ValidationException"
    assert refused(ssm.put_parameter, Name="/new", Value="y" * 4097, Type="String")[0] == "ValidationException"


def test_the_table(simulated):
    """What the guard rests on, and the faults; whatever else DynamoDB does, the library's own tests hold against AWS."""
    dynamodb = simulated.client("dynamodb")
    table = "cost-guard"

    def item(sk, **more):
        return dict(pk={"S": "p"}, sk={"S": sk}, **more)

    def put(sk, **more):
        return {"Put": {"TableName": table, "Item": item(sk, version={"N": "1"}), **more}}

    absent = dict(ConditionExpression="attribute_not_exists(pk)")
    dynamodb.transact_write_items(TransactItems=[put(f"a{n}", **absent) for n in range(3)])
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as canceled:
        dynamodb.transact_write_items(TransactItems=[put("a1", **absent), put("b")])
    reasons = canceled.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["ConditionalCheckFailed", "None"]
    assert "Item" not in dynamodb.get_item(TableName=table, Key=item("b")), "all or nothing"
    once = dict(TransactItems=[put("once", **absent)], ClientRequestToken="once")
    dynamodb.transact_write_items(**once)
    dynamodb.transact_write_items(**once)
    query = dict(TableName=table, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}})
    first = dynamodb.query(Limit=2, **query)
    second = dynamodb.query(ExclusiveStartKey=first["LastEvaluatedKey"], **query)
    assert [one["sk"]["S"] for one in first["Items"] + second["Items"]] == ["a0", "a1", "a2", "once"]
    assert dynamodb.scan(TableName=table)["Count"] == 4
    old = dict(TableName=table, Item=item("a0"), ExpressionAttributeValues={":v": {"N": "9"}})
    assert refused(dynamodb.put_item, ConditionExpression="version = :v", **old)[0] == "ConditionalCheckFailedException"
    code, message = refused(dynamodb.put_item, ConditionExpression="state = :v", **old)
    assert code == "ValidationException" and message.endswith("Attribute name is a reserved keyword; reserved keyword: state")
    assert refused(dynamodb.put_item, TableName=table, Item=item("a0", n={"N": "one"}))[0] == "ValidationException"
    assert refused(dynamodb.query, **dict(query, TableName="gone"))[0] == "ResourceNotFoundException"
    batch = dict(RequestItems={table: {"Keys": [item("a0"), item("a1"), item("zz")]}})
    assert len(dynamodb.batch_get_item(**batch)["Responses"][table]) == 2
    simulated.control("fault", {"on": "dynamodb:Batch*", "what": {"unprocessed": 1}})
    left = dynamodb.batch_get_item(**batch)
    assert len(left["Responses"][table]) == 2 and left["UnprocessedKeys"][table]["Keys"] == [item("zz")]


def test_faults(simulated):
    sagemaker = simulated.client("sagemaker")
    simulated.control("fault", {"on": "sagemaker:ListApps", "what": "access-denied", "times": 1})
    code, message = refused(sagemaker.list_apps)
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: sagemaker:ListApps on resource: {ARN}app/* because no identity-based policy allows" in message
    sagemaker.list_apps()
    simulated.control("fault", {"on": "sagemaker:*", "what": {"throttle": 2}})
    sagemaker.list_apps()
    assert refused(sagemaker.list_apps) == ("ThrottlingException", "Rate exceeded")
    simulated.control("clear-faults", {})
    simulated.control("fault", {"on": "sagemaker:ListDomains", "what": "repeat-token"})
    token = sagemaker.list_domains()["NextToken"]
    assert sagemaker.list_domains(NextToken=token)["NextToken"] == token
    simulated.control("fault", {"on": "*", "what": {"stale-tags": "10m"}})
    bulk = ARN + "notebook-instance/bulk-00001"
    sagemaker.add_tags(ResourceArn=bulk, Tags=[{"Key": "a", "Value": "b"}])
    tagging = simulated.client("resourcegroupstaggingapi")
    named = lambda: bulk in [one["ResourceARN"] for one in tagging.get_resources()["ResourceTagMappingList"]]  # noqa: E731
    assert not named()
    simulated.control("advance", {"by": "10m"})
    assert named()


def test_an_answer_is_lost_but_the_call_was_done(simulated):
    sagemaker = simulated.client("sagemaker")
    simulated.control("fault", {"on": "sagemaker:StopNotebookInstance", "what": {"lost-answer": 1}, "times": 1})
    assert refused(sagemaker.stop_notebook_instance, NotebookInstanceName="Churn-EDA")[0] == "InternalFailure"
    assert refused(sagemaker.stop_notebook_instance, NotebookInstanceName="Churn-EDA")[1].startswith("Status (Stopping)")
    simulated.control("deed", {"to": "bulk-00000", "do": "start"})
    assert sagemaker.describe_notebook_instance(NotebookInstanceName="bulk-00000")["NotebookInstanceStatus"] == "Pending"
    log = [(call["call"], call["subject"], call["error"]) for call in simulated.control("log")]
    stop = ("sagemaker:StopNotebookInstance", "Churn-EDA")
    assert log[:2] == [(*stop, "InternalFailure"), (*stop, "ValidationException")]


def test_somebody_is_faster(simulated):
    sagemaker = simulated.client("sagemaker")
    simulated.control("fault", {"on": "sagemaker:StopNotebookInstance", "what": {"before": ["Churn-EDA", "stop"]}, "times": 1})
    assert refused(sagemaker.stop_notebook_instance, NotebookInstanceName="Churn-EDA")[1].startswith("Status (Stopping)")


@pytest.mark.parametrize(
    "service, on, call, arguments, code",
    [
        ("sns", "sns:*", "publish", {"TopicArn": "arn:aws:sns:eu-central-1:123456789012:cost-guard", "Message": "x"}, "AuthorizationError"),
        ("resourcegroupstaggingapi", "tagging:*", "get_resources", {}, "AccessDeniedException"),
        ("ssm", "ssm:*", "get_parameter", {"Name": "/x"}, "AccessDeniedException"),
        ("cloudwatch", "cloudwatch:*", "list_metrics", {}, "AccessDenied"),
    ],
)
def test_each_service_denies_in_its_own_way(simulated, service, on, call, arguments, code):
    simulated.control("fault", {"on": on, "what": "access-denied"})
    said, message = refused(getattr(simulated.client(service), call), **arguments)
    assert said == code and " is not authorized to perform: " in message


def test_the_bill(simulated):
    simulated.control("advance", {"by": "2h"})
    bill = {line["name"]: line for line in simulated.control("bill")}
    assert (bill["Churn-EDA"]["seconds"], bill["Churn-EDA"]["usd"]) == (7200, "0.552"), "ml.m5.xlarge in eu-central-1"
    assert bill["bulk-00000"]["seconds"] == 0


def test_every_operation_of_the_readme_is_driven_here():
    readme = (TOP / "tests" / "simulator" / "README.md").read_text()
    table = readme.split("## What is simulated")[1].split("##")[0]
    operations = set(re.findall(r"`(\w+)`", table))
    assert 40 < len(operations)
    source = "".join(test.read_text() for test in pathlib.Path(__file__).parent.glob("test_*.py"))
    assert [one for one in sorted(operations) if not re.search(rf"[.\"]{xform_name(one)}\b", source)] == []


def test_what_is_not_simulated_says_so(simulated):
    code, message = refused(simulated.client("sagemaker").list_workteams)
    assert code == "NotSimulated" and message == "not simulated: sagemaker:ListWorkteams"
