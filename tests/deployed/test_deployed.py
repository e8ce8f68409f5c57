"""The deployed stack lives: everything that the template says wakes a function does wake it, and what the functions do arrives where people are."""

import datetime
import json
import re
import shlex

import boto3
import pytest
from conftest import ACCOUNT, FUNCTIONS, HERE, POLICY, REGION, REPORTS, STACK, TEST_SOURCE, TOP, delete, deploy, eventually, physical, resources

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
# Every trigger of the template, and what a run that it wakes looks at.
SCHEDULES = {
    "NotebookStopperSchedule": {"notebook-instance"},
    "TrainingJobSpotEnforcerSweep": {"training-job", "hyper-parameter-tuning-job"},
    "TagAuditorAudit": {"notebook-instance", "training-job", "hyper-parameter-tuning-job", "model"},
    "EndpointAutoscalerSchedule": {"endpoint"},
    "InferenceAdvisorSchedule": {"endpoint"},
    "BudgetAlerterSchedule": {"budget"},
    "SavingsPlanAdvisorSchedule": {"savings-plan"},
    # Nothing is due.
    "TrainingJobSpotEnforcerDue": set(),
    "TagAuditorDue": set(),
    "EndpointAutoscalerDue": set(),
    "CostReporterSchedule": set(),
}
EVENTS = {
    "NotebookStopperStateChange": ("notebook-in-service", f"{ARN}:notebook-instance/kept"),
    "TrainingJobSpotEnforcerTrainingJob": ("training-job-in-progress", f"{ARN}:training-job/on-demand"),
    "TrainingJobSpotEnforcerTuningJob": ("tuning-job-in-progress", f"{ARN}:hyper-parameter-tuning-job/tuned"),
    "EndpointAutoscalerStateChange": ("endpoint-deleting", f"{ARN}:endpoint/steady"),
    "TagAuditorCreation": ("creation-notebook-by-user", f"{ARN}:notebook-instance/kept"),
}
TOPICS = {"BudgetAlerterBudgetMessage"}
# The filter of AlertEmail's subscription.
PLATFORM = {"audience": ["platform", {"exists": False}]}


def function_of(trigger):
    return next(name for name in FUNCTIONS if trigger.startswith(name))


def subscribed(cloud, name, topic, policy):
    """A queue of this name that is subscribed to the topic with this filter; its URL."""
    sqs = cloud("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may_send = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [may_send]})})
    cloud("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": json.dumps(policy)} if policy else {})
    return url


def delivered(cloud, url):
    """What has arrived in a queue since it was last asked."""
    sqs, arrived = cloud("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            arrived.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return arrived


@pytest.fixture(scope="module")
def mails(deployed):
    """What has arrived so far for each team, and for whoever gets everything: attributes and text."""
    filters = {"nlp": {"team": ["nlp"]}, "vision": {"team": ["vision"]}, "everything": None}
    urls = {name: subscribed(deployed.cloud, name, deployed.of["Topic"], policy) for name, policy in filters.items()}
    arrived = {name: [] for name in filters}

    def read(name):
        arrived[name] += delivered(deployed.cloud, urls[name])
        return arrived[name]

    return read


def test_every_trigger_of_the_template_is_here(deployed):
    found = resources(deployed.cloud)

    def of(kind):
        return {one["LogicalResourceId"] for one in found if one["ResourceType"] == kind}

    assert of("AWS::Scheduler::Schedule") == set(SCHEDULES)
    assert of("AWS::Events::Rule") == set(EVENTS)
    assert of("AWS::SNS::Subscription") - {"AlertSubscription", "OpsSubscription"} == TOPICS
    assert of("AWS::Lambda::Function") == set(FUNCTIONS)


def change(deployed, schedule, **to):
    scheduler, name = deployed.cloud("scheduler"), deployed.of[schedule]
    of = scheduler.get_schedule(Name=name)
    kept = {key: of[key] for key in ("FlexibleTimeWindow", "Target", "State", "ScheduleExpression", "ScheduleExpressionTimezone")}
    scheduler.update_schedule(Name=name, **kept | to)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_wakes_its_function_with_its_input(deployed, mails, schedule):
    function, before = function_of(schedule), 0
    if not SCHEDULES[schedule]:
        # Its rate is not a parameter; all else is as it is deployed.
        before = len(deployed.reports(function))
        change(deployed, schedule, ScheduleExpression="rate(1 minute)")

    def runs():
        found = deployed.reports(function)[before:]
        return [one for one in found if bool(SCHEDULES[schedule]) == bool(one["examined"])]

    report = eventually(runs, 100, f"{schedule}: {deployed.log(function)[-3000:]}")[0]
    # Two runs of one function at the same time are refused: what has fired rests from here on.
    change(deployed, schedule, State="DISABLED")
    assert not report["dry-run"]
    assert SCHEDULES[schedule] <= {kind for kind, count in report["examined"].items() if count}


def test_what_is_wasted_was_stopped_and_its_owners_team_alone_has_heard_of_it(deployed, mails):
    report = deployed.reports("NotebookStopper")[0]
    assert [(one["action"], one["resource"], one["outcome"]) for one in report["actions"]] == [("stop-notebook-instance", f"{ARN}:notebook-instance/weekend", "done")]
    status = {one["name"]: one["status"] for one in deployed.simulated("state")["notebooks"]}
    assert status["weekend"] in ("Stopping", "Stopped") and status["kept"] == "InService"
    (mail,) = [one for one in mails("nlp") if one["MessageAttributes"]["function"]["Value"] == "notebook-stopper"]
    assert "weekend" in mail["Subject"] and "stopped" in mail["Subject"]
    assert {key: value["Value"] for key, value in mail["MessageAttributes"].items()} == {
        "function": "notebook-stopper", "severity": "info", "team": "nlp", "owner": "ann@example.com", "audience": '["owner","platform"]',
    }  # fmt: skip
    (mail,) = [one for one in mails("vision") if one["MessageAttributes"]["function"]["Value"] == "training-job-spot-enforcer"]
    assert "on-demand" in mail["Message"] and "weekend" not in mail["Message"]


def send(deployed, trigger):
    """A sample event, about a resource of this account, from the source that the test may use."""
    sample, arn = EVENTS[trigger]
    event = json.loads((TOP / "events" / f"{sample}.json").read_text())
    detail, name = event["detail"], arn.rsplit("/", 1)[1]
    if trigger == "TagAuditorCreation":
        detail["requestParameters"]["notebookInstanceName"] = name
        detail["responseElements"] = {"notebookInstanceArn": arn}
    else:
        kind = next(key.removesuffix("Arn") for key in detail if key.endswith("Arn") and key.removesuffix("Arn") + "Name" in detail)
        detail |= {f"{kind}Name": name, f"{kind}Arn": arn}
    entry = {"Source": TEST_SOURCE, "DetailType": event["detail-type"], "Detail": json.dumps(detail), "Resources": [arn] if event["resources"] else []}
    assert deployed.cloud("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


@pytest.mark.parametrize("trigger", EVENTS)
def test_every_rule_wakes_its_function_for_the_resource_of_the_event(deployed, trigger):
    kind = EVENTS[trigger][1].rsplit(":", 1)[1].split("/")[0]

    def narrow():
        return [one for one in deployed.reports(function_of(trigger))[before:] if one["examined"].get(kind) == 1 and sum(one["examined"].values()) <= 2]

    before = len(deployed.reports(function_of(trigger)))
    send(deployed, trigger)
    report = eventually(narrow, 60, f"{trigger}: {deployed.log(function_of(trigger))[-3000:]}")[0]
    assert not report["dry-run"]


def test_an_endpoint_is_hibernated_when_a_person_asks(deployed):
    sagemaker = boto3.client("sagemaker", endpoint_url=deployed.address, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")

    def asked(event):
        (action,) = deployed.invoke("EndpointAutoscaler", event)["actions"]
        return action["outcome"], action["detail"]

    assert asked({"hibernate": "sleepy", "dry-run": True}) == ("planned", "")
    assert sagemaker.describe_endpoint(EndpointName="sleepy")["EndpointStatus"] == "InService"
    assert asked({"hibernate": "sleepy"}) == ("done", "")
    # Its deletion takes minutes here as it does on AWS, so that it is not waited for: what comes then is tested end to end.
    assert sagemaker.describe_endpoint(EndpointName="sleepy")["EndpointStatus"] == "Deleting"
    assert asked({"restore": "sleepy", "dry-run": True}) == ("planned", "")


def test_a_message_of_budgets_wakes_the_budget_alerter(deployed):
    message = json.loads((TOP / "events" / "budget-spent.json").read_text())["Records"][0]["Sns"]
    publish = deployed.cloud("sns").publish
    report = deployed.next_report("BudgetAlerter", lambda: publish(TopicArn=deployed.of["BudgetTopic"], Subject=message["Subject"], Message=message["Message"]))
    assert report["examined"]["budget"] == 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_cannot_be_handled_is_tried_again_and_left_in_the_queue(deployed, function):
    deployed.cloud("lambda").invoke(FunctionName=deployed.of[function], InvocationType="Event", Payload=b'{"who": "knows"}')
    sqs = deployed.cloud("sqs")
    (message,) = eventually(lambda: sqs.receive_message(QueueUrl=deployed.of["DeadLetters"]).get("Messages"), 30)
    sqs.delete_message(QueueUrl=deployed.of["DeadLetters"], ReceiptHandle=message["ReceiptHandle"])
    left = json.loads(message["Body"])
    assert left["requestPayload"] == {"who": "knows"} and "expected" in left["responsePayload"]["errorMessage"]
    assert deployed.log(function).count("who") == 2


def stored(deployed, prefix):
    """The keys in the bucket for reports that begin so."""
    return [one["Key"] for one in deployed.cloud("s3").list_objects_v2(Bucket=REPORTS, Prefix=prefix).get("Contents", [])]


def test_the_coverage_is_in_the_bucket(deployed):
    keys = stored(deployed, "tag-coverage/")
    assert keys and all(re.fullmatch(rf"tag-coverage/account={ACCOUNT}/region={REGION}/\d{{4}}-\d\d-\d\d\.csv", key) for key in keys)


def test_the_report_that_a_person_asks_for_is_in_the_bucket_and_in_the_mail(deployed, mails):
    assert not stored(deployed, "cost-report/")
    month = f"{datetime.date.today().replace(day=1) - datetime.timedelta(days=1):%Y-%m}"
    report = deployed.invoke("CostReporter", {"period": month})
    assert not report["unread"], report
    folder, table = (f"cost-report/{of}account={ACCOUNT}/period={month}/" for of in ("", "table/"))
    assert set(stored(deployed, "cost-report/")) >= {f"{folder}report.html", f"{folder}report.json", f"{table}costs.csv"}
    page = deployed.cloud("s3").get_object(Bucket=REPORTS, Key=f"{folder}report.html")
    assert page["ContentType"].startswith("text/html") and b"<title>SageMaker cost" in page["Body"].read()
    (mail,) = [one for one in mails("everything") if one["MessageAttributes"]["function"]["Value"] == "cost-reporter"]
    assert month in mail["Subject"] and f"s3://{REPORTS}/{folder}report.html" in mail["Message"]


def documented_filters():
    """The filters of the subscriptions that docs/deploy.md tells people to make."""
    page = (TOP / "docs/deploy.md").read_text().replace("\\\n", " ")
    given = [shlex.split(line)[-1] for line in page.splitlines() if "FilterPolicy" in line]
    filters = [json.loads(json.loads(one).get("FilterPolicy", one)) for one in given]
    inline = [one for one in map(json.loads, re.findall(r'`(\{"[^`]+\]\})`', page)) if one != PLATFORM]
    return [*filters, *inline]


@pytest.mark.parametrize("policy", documented_filters(), ids=json.dumps)
def test_a_subscription_with_a_filter_of_the_docs_gets_what_it_says_and_nothing_else(deployed, policy):
    sns = deployed.cloud("sns")
    topic = sns.create_topic(Name="filtered")["TopicArn"]
    url = subscribed(deployed.cloud, "filtered", topic, policy)

    def publish(subject, **attributes):
        given = {"owner": "somebody@example.com", "team": "other", "severity": "info", "function": "tag-auditor"} | attributes
        typed = {name: {"DataType": "String.Array" if of.startswith("[") else "String", "StringValue": of} for name, of in given.items()}
        sns.publish(TopicArn=topic, Subject=subject, Message=subject, MessageAttributes=typed)

    wanted = {name: values[-1] for name, values in policy.items()}
    publish("wanted", **wanted)
    publish("one of several", **wanted | {name: json.dumps(["x", of]) for name, of in wanted.items() if name != "severity"})
    for name in wanted:
        publish("not wanted", **{key: of for key, of in wanted.items() if key != name})
    arrived = [message["Subject"] for message in delivered(deployed.cloud, url)]
    sns.delete_topic(TopicArn=topic)
    deployed.cloud("sqs").delete_queue(QueueUrl=url)
    assert sorted(arrived) == ["one of several", "wanted"]


def test_the_platforms_address_gets_the_owners_mails_as_the_policy_says(deployed):
    sns, parameters, functions, stopper = *map(deployed.cloud, ("sns", "ssm", "lambda")), deployed.of["NotebookStopper"]
    subscription = sns.get_subscription_attributes(SubscriptionArn=deployed.of["AlertSubscription"])["Attributes"]
    assert (json.loads(subscription["FilterPolicy"]), subscription["FilterPolicyScope"]) == (PLATFORM, "MessageAttributes")
    filters = {"platform": PLATFORM, "carol": {"owner": ["carol@example.com"]}}
    urls = {name: subscribed(deployed.cloud, name, deployed.of["Topic"], policy) for name, policy in filters.items()}

    def arrived(name):
        return [mail["Subject"] for mail in delivered(deployed.cloud, urls[name]) if "forgotten" in mail["Subject"]]

    def put(policy):
        parameters.put_parameter(Name=POLICY, Type="String", Value=policy, Overwrite=True)
        # A new process reads it anew, and another timeout needs one.
        timeout = functions.get_function_configuration(FunctionName=stopper)["Timeout"]
        functions.update_function_configuration(FunctionName=stopper, Timeout=timeout - 1)

    policy = (HERE / "policy.toml").read_text()
    try:
        for name, setting, of_platform in (("forgotten-a", "each-mail", 1), ("forgotten-b", "daily-summary", 0)):
            put(policy + f'''
[mail]
platform = "{setting}"
[[override]]
match = {{ name = "{name}" }}
rules.notebook-forgotten.mode = "report"
''')
            report = deployed.invoke("NotebookStopper", {})
            assert report["notified"], report
            of_carol = arrived("carol")
            assert len(of_carol) == 1 and name in of_carol[0], of_carol
            assert len(arrived("platform")) == of_platform, setting
    finally:
        put(policy)


def test_nothing_is_mailed_or_done_twice(deployed, mails):
    before = len(mails("everything"))
    assert before >= len(mails("nlp")) + len(mails("vision"))
    for function in FUNCTIONS:
        report = deployed.invoke(function, {})
        assert (report["notified"], report["actions"]) == (0, []), report
    assert len(mails("everything")) == before


def test_a_new_version_keeps_ledger_and_policy(deployed, mails):
    before, table = len(mails("everything")), deployed.of["Ledger"]
    remembered = deployed.cloud("dynamodb").scan(TableName=table)["Count"]
    code = deployed.cloud("lambda").get_function_configuration(FunctionName=deployed.of["NotebookStopper"])["CodeSha256"]
    stack, failed = deploy(deployed.cloud, "2", verb="update_stack", NotebookSchedule="rate(15 minutes)")
    assert (stack["StackStatus"], failed) == ("UPDATE_COMPLETE", [])
    assert deployed.cloud("lambda").get_function_configuration(FunctionName=deployed.of["NotebookStopper"])["CodeSha256"] != code
    assert deployed.cloud("scheduler").get_schedule(Name=deployed.of["NotebookStopperSchedule"])["ScheduleExpression"] == "rate(15 minutes)"
    assert deployed.cloud("dynamodb").scan(TableName=table)["Count"] == remembered > 0
    for function in FUNCTIONS:
        report = deployed.invoke(function, {})
        assert (report["notified"], report["actions"]) == (0, []), report
    assert len(mails("everything")) == before


def test_a_second_stack_is_refused(deployed):
    tables = deployed.cloud("dynamodb").list_tables
    before = tables()["TableNames"]
    stack, failed = deploy(deployed.cloud, "2", "second")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("OnlyStackHere" in one and "already exists" in one for one in failed), failed
    delete(deployed.cloud, "second")
    assert tables()["TableNames"] == before, "each attempt would leave an empty ledger"


def test_beside_another_stack_without_budgets_with_a_topic_of_ones_own_and_with_no_policy_yet(deployed):
    topic = deployed.cloud("sns").create_topic(Name="costs")["TopicArn"]
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boundary = deployed.cloud("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(anything))["Policy"]["Arn"]
    parameters = {
        "IsOnlyStack": "no", "IsHomeRegion": "no", "AllowEnforcement": "no", "AllowHibernation": "no", "PolicyParameter": "/cost-guard/absent", "TopicArn": topic, "PermissionsBoundary": boundary,
    }  # fmt: skip
    stack, failed = deploy(deployed.cloud, "2", "beside", **parameters)
    assert (stack["StackStatus"], failed) == ("CREATE_COMPLETE", [])
    of = physical(deployed.cloud, "beside")
    assert not [name for name in of if "Budget" in name or name in ("Topic", "AlertSubscription")]
    environment = deployed.cloud("lambda").get_function_configuration(FunctionName=of["NotebookStopper"])["Environment"]["Variables"]
    assert environment["COST_GUARD_TOPIC_ARN"] == topic
    assert deployed.cloud("scheduler").get_schedule(Name=of["TagAuditorDue"])["State"] == "DISABLED"
    answer = json.load(deployed.cloud("lambda").invoke(FunctionName=of["NotebookStopper"], Payload=b"{}")["Payload"])
    assert "/cost-guard/absent" in answer["errorMessage"] and "aws ssm put-parameter" in answer["errorMessage"], answer
    delete(deployed.cloud, "beside")
    deployed.cloud("sns").delete_topic(TopicArn=topic)


def test_a_role_that_somebody_narrowed_is_told_with_what_to_give_back(deployed):
    iam, role = deployed.cloud("iam"), deployed.of["NotebookStopperRole"]
    iam.detach_role_policy(RoleName=role, PolicyArn=deployed.of["RememberAndMail"])
    try:
        answer = deployed.invoke("NotebookStopper", {})
    finally:
        iam.attach_role_policy(RoleName=role, PolicyArn=deployed.of["RememberAndMail"])
    (why,) = [one["why"] for one in answer["unread"] if "ledger" in one["what"]]
    assert '{"Effect": "Allow", "Action": "dynamodb:Query", "Resource": ' in why


def test_a_deleted_stack_leaves_the_ledger_and_nothing_else(deployed):
    cloud = deployed.cloud
    delete(cloud)
    assert deployed.of["Ledger"] in cloud("dynamodb").list_tables()["TableNames"]
    keys = [one["KeyId"] for one in cloud("kms").list_keys()["Keys"]]
    left = {
        "functions": [one["FunctionName"] for one in cloud("lambda").list_functions()["Functions"]],
        "schedules": [one["Name"] for one in cloud("scheduler").list_schedules()["Schedules"]],
        "rules": [one["Name"] for one in cloud("events").list_rules()["Rules"]],
        "topics": [one["TopicArn"] for one in cloud("sns").list_topics()["Topics"]],
        "queues": [one for one in cloud("sqs").list_queues().get("QueueUrls", []) if "guard-" in one],
        "log groups": [one["logGroupName"] for one in cloud("logs").describe_log_groups()["logGroups"]],
        "alarms": [one["AlarmName"] for one in cloud("cloudwatch").describe_alarms()["MetricAlarms"]],
        "dashboards": [one["DashboardName"] for one in cloud("cloudwatch").list_dashboards()["DashboardEntries"]],
        "roles": [one["RoleName"] for one in cloud("iam").list_roles()["Roles"] if one["RoleName"].startswith(STACK)],
        "keys": [key for key in keys if cloud("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion"],
        "parameters": [one["Name"] for one in cloud("ssm").describe_parameters()["Parameters"] if one["Name"] != POLICY],
    }
    assert left == {kind: [] for kind in left}
