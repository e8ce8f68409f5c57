"""How the stack hangs together: which events wake a function, where what fails is left, who is told, who may use a topic, a queue or the key, what is kept."""

import json
import pathlib
import re

import botocore.session
import pytest
from permissions import listed, pascal
from stack import CHAT, Stack, translated

TOP = pathlib.Path(__file__).parents[2]
SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
FUNCTIONS = ["NotebookStopper", "TrainingJobSpotEnforcer", "TagAuditor", "EndpointAutoscaler", "InferenceAdvisor", "CostReporter", "BudgetAlerter", "SavingsPlanAdvisor"]
GUARD = Stack()
# In the other Regions of an account nobody looks after the budgets and commitments.
STACKS = pytest.mark.parametrize(("stack", "functions"), [(GUARD, FUNCTIONS), (Stack(IsHomeRegion="no"), FUNCTIONS[:6])], ids=["home", "elsewhere"])
DEAD_LETTERS = {"Arn": GUARD.arn("DeadLetters")}


def source(path):
    return (TOP / path).read_text()


@STACKS
def test_the_functions_are_these(stack, functions):
    assert set(stack.of_type("AWS::Lambda::Function")) == set(functions)


def creations():
    """The calls that create what the code lists for tag-auditor, in all their versions."""
    lists = "".join(path.read_text() for path in (TOP / "shared/aws/src/gather").rglob("*.rs") if path.name not in ("tests.rs", "routers.rs"))
    things = "|".join(sorted(set(re.findall(r'"List([A-Z]\w+)s"', lists))))
    return {name for name in SAGEMAKER.operation_names if re.fullmatch(rf"Create({things})(V\d+)?", name)}


def test_tag_auditor_hears_of_all_that_it_can_read_and_of_nothing_else():
    tagged = re.search(r"pub const TAGGED: &\[Self\] = &\[([^\]]+)\]", source("shared/rules/src/vocabulary/resource.rs"))[1]
    assert len({re.sub(r"V\d+$", "", name) for name in creations()}) == tagged.count("Self::")
    sample = json.loads(source("events/creation-notebook-by-user.json"))

    def heard(**changes):
        return GUARD.hears("TagAuditorCreation", {**sample, "detail": {**sample["detail"], **changes}})

    assert {name for name in SAGEMAKER.operation_names if heard(eventName=name)} == creations()
    assert not any(heard(eventName=name, eventSource="amplify.amazonaws.com") for name in creations())
    assert not any(heard(eventName=name, errorCode="AccessDenied") for name in creations())


ENDED = {"Completed", "Failed", "Stopped"}
# By the fields of a state change: its rule, and which statuses are heard of.
CHANGES = {
    "NotebookInstance": ("NotebookStopperStateChange", {"InService", "Stopped", "Failed", "Deleted"}),
    "TrainingJob": ("TrainingJobSpotEnforcerTrainingJob", {"InProgress"} | ENDED),
    "Endpoint": ("EndpointAutoscalerStateChange", {"Deleting", "Deleted", "Failed"}),
    "HyperParameterTuningJob": ("TrainingJobSpotEnforcerTuningJob", {"InProgress"} | ENDED),
}
TRIGGER = re.compile(r'StateChange \{\s*detail_type: "([^"]+)",\s*kind: Kind::\w+,\s*fields: "(\w+)"')


def test_each_state_change_that_the_code_knows_is_heard_when_it_matters():
    known = [(path.parts[-3], *found) for path in (TOP / "functions").glob("*/src/lib.rs") for found in TRIGGER.findall(path.read_text())]
    assert sorted(fields for _, _, fields in known) == sorted(CHANGES)
    for folder, detail_type, fields in known:
        rule, statuses = CHANGES[fields]
        assert [target["Arn"] for target in GUARD.resources[rule]["Targets"]] == [GUARD.arn(pascal(folder))], rule
        # The API knows no status of what is gone; events do.
        for status in {*SAGEMAKER.shape_for(f"{fields}Status").enum, "Deleted"}:
            told = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper() if fields == "Endpoint" else status
            event = {"source": "aws.sagemaker", "detail-type": detail_type, "detail": {f"{fields}Status": told}}
            assert GUARD.hears(rule, event) == (status in statuses), (rule, status)


DUE = '{"due-only": true}'
# Each schedule: its function, what it asks of it, how often it is tried again and for how long.
SCHEDULES = {
    "NotebookStopperSchedule": ("NotebookStopper", "{}", 2, 900),
    "TrainingJobSpotEnforcerSweep": ("TrainingJobSpotEnforcer", "{}", 2, 3600),
    "TrainingJobSpotEnforcerDue": ("TrainingJobSpotEnforcer", DUE, 0, None),
    "TagAuditorAudit": ("TagAuditor", "{}", 2, 3600),
    "TagAuditorDue": ("TagAuditor", DUE, 0, None),
    "EndpointAutoscalerSchedule": ("EndpointAutoscaler", "{}", 2, 3600),
    "EndpointAutoscalerDue": ("EndpointAutoscaler", DUE, 0, None),
    "InferenceAdvisorSchedule": ("InferenceAdvisor", "{}", 2, 3600),
    "CostReporterSchedule": ("CostReporter", "{}", 2, 3600),
    "BudgetAlerterSchedule": ("BudgetAlerter", "{}", 2, 3600),
    "SavingsPlanAdvisorSchedule": ("SavingsPlanAdvisor", "{}", 2, 3600),
}


def retries(target):
    policy = target["RetryPolicy"]
    return policy["MaximumRetryAttempts"], policy.get("MaximumEventAgeInSeconds")


def test_schedules_wake_their_functions_and_what_cannot_be_delivered_is_left():
    targets = {name: schedule["Target"] for name, schedule in GUARD.of_type("AWS::Scheduler::Schedule").items()}
    found = {name: (target["Arn"], target["Input"], *retries(target)) for name, target in targets.items()}
    assert found == {name: (GUARD.arn(function), *rest) for name, (function, *rest) in SCHEDULES.items()}
    assert [name for name, target in targets.items() if target.get("DeadLetterConfig") != DEAD_LETTERS] == []
    roles = {name: target["RoleArn"] for name, target in targets.items()}
    assert roles == {name: GUARD.arn(f"{name}Role") for name in SCHEDULES}


def test_when_the_functions_are_woken():
    parameters = {
        "NotebookStopperSchedule": "NotebookSchedule", "TrainingJobSpotEnforcerSweep": "TrainingSweepSchedule",
        "TagAuditorAudit": "TagAuditSchedule", "EndpointAutoscalerSchedule": "EndpointSchedule",
        "InferenceAdvisorSchedule": "InferenceSchedule", "BudgetAlerterSchedule": "BudgetSchedule",
        "SavingsPlanAdvisorSchedule": "SavingsPlanSchedule",
    }  # fmt: skip
    given = {parameter: f"cron({at} 5 * * ? *)" for at, parameter in enumerate(parameters.values())}
    stack = Stack(ScheduleTimezone="Europe/Berlin", **given)
    found = {name: (of["ScheduleExpression"], of.get("ScheduleExpressionTimezone")) for name, of in stack.of_type("AWS::Scheduler::Schedule").items()}
    due = {"TrainingJobSpotEnforcerDue": ("rate(5 minutes)", None), "TagAuditorDue": ("rate(15 minutes)", None), "EndpointAutoscalerDue": ("rate(15 minutes)", None)}
    hourly = {"CostReporterSchedule": ("rate(1 hour)", None)}
    assert found == due | hourly | {name: (given[parameter], "Europe/Berlin") for name, parameter in parameters.items()}


@pytest.mark.parametrize(
    ("parameter", "names"),
    [("AllowEnforcement", ["EndpointAutoscalerDue", "TagAuditorDue", "TrainingJobSpotEnforcerDue"]), ("WatchCreations", ["TagAuditorCreation"])],
)
def test_what_a_parameter_turns_on_and_off(parameter, names):
    def on(value):
        return {name for name, of in Stack(**{parameter: value}).resources.items() if of.get("State", "ENABLED") == "ENABLED"}

    assert sorted(on("yes") - on("no")) == names and on("no") <= on("yes")


def test_events_are_tried_again_for_an_hour_and_then_left():
    rules = GUARD.of_type("AWS::Events::Rule")
    assert set(rules) == {"TagAuditorCreation"} | {rule for rule, _ in CHANGES.values()}
    for name, rule in rules.items():
        (target,) = rule["Targets"]
        assert (retries(target), target.get("DeadLetterConfig")) == ((8, 3600), DEAD_LETTERS), name
    assert rules["TagAuditorCreation"]["Targets"][0]["Arn"] == GUARD.arn("TagAuditor")


@STACKS
def test_a_run_that_fails_is_tried_once_more_and_its_event_is_left(stack, functions):
    found = {of["FunctionName"]: of for of in stack.of_type("AWS::Lambda::EventInvokeConfig").values()}
    assert set(found) == {stack.name(name) for name in functions}
    for name, of in found.items():
        assert (of["MaximumRetryAttempts"], of["MaximumEventAgeInSeconds"]) == (1, 3600), name
        assert of["DestinationConfig"] == {"OnFailure": {"Destination": DEAD_LETTERS["Arn"]}}, name


def test_messages_of_budgets_wake_budget_alerter_or_are_left():
    assert GUARD.resources["BudgetAlerterBudgetMessage"] == {
        "TopicArn": GUARD.arn("BudgetTopic"), "Protocol": "lambda", "Endpoint": GUARD.arn("BudgetAlerter"),
        "RedrivePolicy": {"deadLetterTargetArn": DEAD_LETTERS["Arn"]},
    }  # fmt: skip


@pytest.mark.parametrize(("ops", "told"), [("", "finops@example.com"), ("ops@example.com", "ops@example.com")], ids=["one address", "two"])
def test_who_is_mailed(ops, told):
    stack = Stack(OpsEmail=ops)
    mailed = {(of["TopicArn"], of["Endpoint"]) for of in stack.of_type("AWS::SNS::Subscription").values() if of["Protocol"] == "email"}
    assert mailed == {(stack.arn("Topic"), "finops@example.com"), (stack.arn("OpsTopic"), told)}
    assert len(stack.of_type("AWS::SNS::Subscription")) == 3


def test_the_platforms_address_gets_what_is_for_the_platform_and_what_has_no_audience():
    subscriptions = GUARD.of_type("AWS::SNS::Subscription")
    alert = subscriptions["AlertSubscription"]
    # Without the scope, CloudFormation cannot add the filter to a subscription that had none (aws-facts §9).
    assert (alert["FilterPolicy"], alert["FilterPolicyScope"]) == ({"audience": ["platform", {"exists": False}]}, "MessageAttributes")
    assert [name for name, of in subscriptions.items() if "FilterPolicy" in of] == ["AlertSubscription"]
    assert json.dumps(alert["FilterPolicy"], separators=(",", ":")) in source("docs/deploy.md")


OF_ONES_OWN = "arn:aws:sns:eu-central-1:210987654321:costs"
A_KEY = "arn:aws:kms:eu-central-1:210987654321:key/1"


@pytest.mark.parametrize("key", ["", A_KEY], ids=["plain", "encrypted"])
def test_a_topic_of_ones_own_takes_the_place_of_the_stacks(key):
    stack = Stack(TopicArn=OF_ONES_OWN, TopicKeyArn=key)
    assert set(GUARD.resources) - set(stack.resources) == {"Topic", "AlertSubscription"}
    assert {of["Environment"]["Variables"]["COST_GUARD_TOPIC_ARN"] for of in stack.of_type("AWS::Lambda::Function").values()} == {OF_ONES_OWN}
    assert stack.outputs["TopicArn"] == OF_ONES_OWN
    may = {one["Sid"]: one["Resource"] for one in stack.resources["RememberAndMail"]["PolicyDocument"]["Statement"]}
    assert may["MailOwners"] == OF_ONES_OWN and may.get("EncryptMails") == (key or None)
    # The alarms and the messages of Budgets keep the stack's own topics, and these their key.
    assert {of["KmsMasterKeyId"] for of in stack.of_type("AWS::SNS::Topic").values()} == {stack.name("TopicKey")}


def test_events_are_put_on_one_bus_and_as_the_guards_own_and_only_where_they_are_wanted():
    def told(stack):
        statements = stack.resources["RememberAndMail"]["PolicyDocument"]["Statement"]
        putting = [one for one in statements if any(action.startswith("events:") for action in listed(one["Action"]))]
        (bus,) = {of["Environment"]["Variables"].get("EVENT_BUS_NAME") for of in stack.of_type("AWS::Lambda::Function").values()}
        return bus, [(one["Action"], one["Resource"], one["Condition"]) for one in putting]

    own = {"StringEquals": {"events:source": "sagemaker-cost-guard"}}
    assert told(GUARD) == told(Stack(EventBusName="finops")) == (None, [])
    for bus in ("default", "finops"):
        arn = f"arn:aws:events:eu-central-1:123456789012:event-bus/{bus}"
        assert told(Stack(PublishEvents="yes", EventBusName=bus)) == (bus, [("events:PutEvents", arn, own)])
    # What the guide tells people to make rules for.
    assert f"| source | `{own['StringEquals']['events:source']}` |" in source("docs/events.md")


SLACK = {name: of for name, of in CHAT.items() if name.startswith("Slack")}
TEAMS = {name: of for name, of in CHAT.items() if name.startswith("Teams")}


@pytest.mark.parametrize(
    ("given", "channels"),
    [({}, set()), (SLACK, {"SlackChannel"}), (TEAMS, {"TeamsChannel"}), (CHAT, {"SlackChannel", "TeamsChannel"})],
    ids=["none", "slack", "teams", "both"],
)
def test_what_hears_of_findings_in_a_chat(given, channels):
    stack = Stack(**given)
    assert set(stack.resources) - set(GUARD.resources) == (channels | {"ChatTopic", "ChatRole"} if channels else set())
    topic = stack.arn("ChatTopic") if channels else None
    assert {of["Environment"]["Variables"].get("CHAT_TOPIC_ARN") for of in stack.of_type("AWS::Lambda::Function").values()} == {topic}
    assert stack.outputs.get("ChatTopicArn") == topic
    publishing = [one for one in stack.resources["RememberAndMail"]["PolicyDocument"]["Statement"] if "sns:Publish" in listed(one["Action"])]
    assert [one["Resource"] for one in publishing] == [stack.arn("Topic"), *([topic] if topic else [])]
    names = {"SlackChannel": SLACK, "TeamsChannel": {name.replace("TeamsTeamId", "TeamId"): of for name, of in TEAMS.items()}}
    for name in channels:
        assert stack.resources[name] == names[name] | {
            "ConfigurationName": "guard-eu-central-1", "IamRoleArn": stack.arn("ChatRole"), "SnsTopicArns": [topic], "LoggingLevel": "ERROR",
            "GuardrailPolicies": ["arn:aws:iam::aws:policy/AWSDenyAll"],
        }  # fmt: skip


@pytest.mark.parametrize("left_out", CHAT)
def test_half_a_channel_is_none(left_out):
    # The template's rules refuse it before; CloudFormation would make a topic that nobody hears.
    rest = {name: of for name, of in (SLACK if left_out in SLACK else TEAMS).items() if name != left_out}
    assert set(Stack(**rest).resources) == set(GUARD.resources)


def test_other_partitions_have_no_channel():
    gov = {"AWS::Partition": "aws-us-gov"}
    assert set(Stack(**CHAT, **gov).resources) == set(Stack(**gov).resources)


def test_who_is_in_the_channel_may_do_nothing_through_it():
    role = Stack(**CHAT).resources["ChatRole"]
    assert role == {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    }  # fmt: skip
    boundary = "arn:aws:iam::123456789012:policy/developers"
    assert Stack(**CHAT, PermissionsBoundary=boundary).resources["ChatRole"]["PermissionsBoundary"] == boundary


def test_the_functions_may_encrypt_for_the_chat_where_the_mails_have_a_topic_of_ones_own():
    def keys(**parameters):
        stack = Stack(**parameters)
        statements = stack.resources["RememberAndMail"]["PolicyDocument"]["Statement"]
        return [one["Resource"] for one in statements if "kms:Decrypt" in listed(one["Action"])]

    own = GUARD.arn("TopicKey")
    assert keys(**CHAT) == [own]
    assert keys(**CHAT, TopicArn=OF_ONES_OWN) == [own]
    assert keys(**CHAT, TopicArn=OF_ONES_OWN, TopicKeyArn=A_KEY) == [A_KEY, own]
    assert keys(TopicArn=OF_ONES_OWN) == []


@STACKS
def test_each_output_is_of_the_resource_that_it_names(stack, functions):
    expected = {f"{name}Function": stack.name(name) for name in functions}
    expected |= {f"{name}Arn": stack.arn(name) for name in stack.of_type("AWS::SNS::Topic")}
    expected |= {"LedgerTable": stack.name("Ledger"), "DeadLetterQueue": stack.name("DeadLetters")}
    found = dict(stack.outputs)
    assert found.pop("DashboardUrl").endswith(f"/home?region=eu-central-1#dashboards:name={stack.name('Dashboard')}")
    assert Stack(**{"AWS::Partition": "aws-us-gov"}).outputs["DashboardUrl"] == stack.name("Dashboard")
    assert found == expected


OF_THE_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
USES_THE_KEY = ["kms:GenerateDataKey*", "kms:Decrypt"]
# By resource and statement: who may do what to what, and when.
MAY_USE = {
    ("BudgetTopicPolicy", "BudgetsMayTell"): (
        {"Service": "budgets.amazonaws.com"}, ["sns:Publish"], GUARD.arn("BudgetTopic"),
        {**OF_THE_ACCOUNT, "ArnLike": {"aws:SourceArn": "arn:aws:budgets::123456789012:*"}},
    ),
    ("DeadLettersPolicy", "RulesMayLeaveEvents"): (
        {"Service": "events.amazonaws.com"}, ["sqs:SendMessage"], DEAD_LETTERS["Arn"],
        {"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-central-1:123456789012:rule/*"}},
    ),
    ("DeadLettersPolicy", "TopicsMayLeaveMessages"): (
        {"Service": "sns.amazonaws.com"}, ["sqs:SendMessage"], DEAD_LETTERS["Arn"],
        {"ArnEquals": {"aws:SourceArn": GUARD.arn("BudgetTopic")}},
    ),
    ("TopicKey", "TheAccountAdministersIt"): ({"AWS": "arn:aws:iam::123456789012:root"}, ["kms:*"], "*", None),
    ("TopicKey", "AlarmsMayMail"): ({"Service": "cloudwatch.amazonaws.com"}, USES_THE_KEY, "*", OF_THE_ACCOUNT),
    ("TopicKey", "BudgetsMayTell"): ({"Service": "budgets.amazonaws.com"}, USES_THE_KEY, "*", OF_THE_ACCOUNT),
}  # fmt: skip
OF_BUDGETS_ONLY = {("BudgetTopicPolicy", "BudgetsMayTell"), ("DeadLettersPolicy", "TopicsMayLeaveMessages"), ("TopicKey", "BudgetsMayTell")}


@STACKS
def test_who_may_use_a_topic_the_queue_and_the_key(stack, functions):
    found = {}
    for name, of in stack.resources.items():
        policy = {} if stack.types[name] in ("AWS::IAM::ManagedPolicy", "AWS::S3::BucketPolicy") else of.get("KeyPolicy") or of.get("PolicyDocument", {})
        for one in policy.get("Statement", []):
            assert one["Effect"] == "Allow", (name, one)
            assert set(one) <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}, (name, one)
            found[name, one["Sid"]] = (one["Principal"], listed(one["Action"]), one["Resource"], one.get("Condition"))
    is_home = "BudgetAlerter" in functions
    assert found == {key: of for key, of in MAY_USE.items() if is_home or key not in OF_BUDGETS_ONLY}
    assert stack.resources["DeadLettersPolicy"]["Queues"] == [stack.name("DeadLetters")]
    assert not is_home or stack.resources["BudgetTopicPolicy"]["Topics"] == [stack.arn("BudgetTopic")]
    assert {of["KmsMasterKeyId"] for of in stack.of_type("AWS::SNS::Topic").values()} == {stack.name("TopicKey")}
    assert stack.resources["TopicKey"]["EnableKeyRotation"] is True


def dimensions(stack, function):
    return [{"Name": "FunctionName", "Value": stack.name(function)}]


def summed(stack, namespace, metric, period, functions):
    """`FILL`: a function without a point counts as 0, and does not hide the others."""

    def one(function):
        return {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions(stack, function)}

    metrics = [
        {"Id": f"m{at}", "ReturnData": False, "MetricStat": {"Metric": one(name), "Period": period, "Stat": "Sum"}}
        for at, name in enumerate(functions)
    ]
    return [" + ".join(f"FILL({metric['Id']}, 0)" for metric in metrics), *metrics]


def expected_alarms(stack, functions):
    ops = [stack.arn("OpsTopic")]
    any_is_bad = {
        "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
        "AlarmActions": ops,
    }  # fmt: skip
    # The dead man's switch: no word is a bad sign.
    none_is_bad = {"Threshold": 1, "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching", "AlarmActions": ops, "OKActions": ops}
    left = [{"Name": "QueueName", "Value": stack.name("DeadLetters")}]
    of_all = [{"Name": "Ledger", "Value": stack.reference("Ledger")}]
    yield "ActionsFail", any_is_bad | {"Namespace": "CostGuard", "MetricName": "ActionFailures", "Dimensions": of_all, "Statistic": "Sum", "Period": 3600}
    arrived = {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent", "Dimensions": left, "Statistic": "Sum", "Period": 900}
    yield "RunsFail", any_is_bad | arrived
    gone = {"Namespace": "CostGuard", "MetricName": "SubscriptionsLost", "Dimensions": dimensions(stack, "TagAuditor"), "Statistic": "Sum", "Period": 900}
    yield "SubscriptionsAreGone", any_is_bad | gone
    for name in functions:
        if name in ("InferenceAdvisor", "SavingsPlanAdvisor"):
            continue
        hours = {"NotebookStopper": stack.values["HoursUntilSilenceAlarm"], "CostReporter": 3}
        period, periods = (3600, hours[name]) if name in hours else (86400, 2)
        # A new stack has not run yet: no alarm before it should have.
        warm_up = {"WarmUpPeriodDurationInMinutes": 240 if name in hours else 2880, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": True}
        # Lambda's own metric costs nothing.
        seen = ("AWS/Lambda", "Invocations") if name == "CostReporter" else ("CostGuard", "Heartbeat")
        metrics = {"EvaluationPeriods": periods, "Metrics": summed(stack, *seen, period, [name])}
        yield f"{name}IsSilent", none_is_bad | metrics | {"WarmUpConfiguration": warm_up}


def as_expected(alarm):
    """Without what only people read; of a sum, its expression."""
    alarm = {key: of for key, of in alarm.items() if key != "AlarmDescription"}
    if "Metrics" in alarm:
        whole, *parts = alarm["Metrics"]
        assert set(whole) == {"Id", "Expression", "Label"}, whole
        alarm["Metrics"] = [whole["Expression"], *parts]
    return alarm


@STACKS
@pytest.mark.parametrize("hours", [2, 5])
def test_alarms_see_each_function_and_are_heard(stack, functions, hours):
    stack = Stack(IsHomeRegion=stack.values["IsHomeRegion"], HoursUntilSilenceAlarm=hours)
    found = {name: as_expected(alarm) for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items()}
    assert found == dict(expected_alarms(stack, functions))


def test_the_metrics_of_alarms_are_those_that_the_code_reports():
    alarms = json.dumps(GUARD.of_type("AWS::CloudWatch::Alarm"))
    named = set(re.findall(r'"Namespace": "CostGuard", "MetricName": "(\w+)"', alarms))
    reported = source("shared/aws/src/report.rs")
    assert named and [name for name in named if f'"{name}"' not in reported] == []
    assert '"Namespace": "CostGuard", "Dimensions"' in reported
    assert GUARD.resources["ActionsFail"]["Dimensions"][0]["Name"] == "Ledger" and '&["Ledger"]' in reported


def test_all_that_fails_ends_in_the_queue_that_the_alarm_sees():
    """Lambda's asynchronous runs after their retries, and what schedules, rules and subscriptions cannot deliver."""
    queue = GUARD.arn("DeadLetters")
    configured = GUARD.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert sorted(one["FunctionName"] for one in configured) == sorted(GUARD.name(name) for name in GUARD.of_type("AWS::Lambda::Function"))
    assert {one["DestinationConfig"]["OnFailure"]["Destination"] for one in configured} == {queue}
    assert {one["Target"]["DeadLetterConfig"]["Arn"] for one in GUARD.of_type("AWS::Scheduler::Schedule").values()} == {queue}
    assert {target["DeadLetterConfig"]["Arn"] for one in GUARD.of_type("AWS::Events::Rule").values() for target in one["Targets"]} == {queue}


def test_the_ledger_is_as_the_code_writes_it_and_is_kept():
    table = GUARD.resources["Ledger"]
    assert table["AttributeDefinitions"] == [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    written = "".join(path.read_text() for path in (TOP / "shared/aws/src/ledger").glob("*.rs"))
    assert [name for name in ("pk", "sk", "expires") if not re.search(rf'\("{name}", Some\(', written)] == []
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    # Of a first deployment that is rolled back nothing is kept: each would leave an empty table.
    for policy, of_the_ledger in [("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain")]:
        kept = {name: of[policy] for name, of in translated()["Resources"].items() if of.get(policy, "Delete") != "Delete"}
        assert kept == dict.fromkeys(["Ledger", "Reports", "ReportsPolicy"], of_the_ledger), policy


def test_the_bucket_of_the_reports_is_private_and_only_where_it_is_needed():
    stack = Stack()
    bucket = stack.resources["Reports"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True} and len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled" and rule["ExpirationInDays"] and rule["NoncurrentVersionExpiration"]
    (deny,) = stack.resources["ReportsPolicy"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Condition"]) == ("Deny", "*", {"Bool": {"aws:SecureTransport": "false"}})
    assert deny["Resource"] == [stack.arn("Reports"), stack.arn("Reports") + "/*"]
    for parameters in ({"IsHomeRegion": "no"}, {"ReportBucket": "finops"}):
        assert not {"Reports", "ReportsPolicy"} & set(Stack(**parameters).resources), parameters


def test_the_queue_of_dead_letters_is_encrypted_and_keeps_them_as_long_as_it_can():
    assert GUARD.resources["DeadLetters"] == {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True}


@pytest.mark.parametrize(
    ("parameters", "policy", "concurrency"),
    [
        ({}, {}, None),
        ({"PolicyParameter": "/cost-guard/policy"}, {"COST_GUARD_POLICY": "ssm:/cost-guard/policy"}, None),
        ({"ReserveConcurrency": "yes", "LogRetentionDays": 7}, {}, 1),
    ],
    ids=["by default", "policy", "concurrency"],
)
def test_each_function_knows_its_topic_its_ledger_and_its_policy(parameters, policy, concurrency):
    stack = Stack(**parameters)
    contract = {"COST_GUARD_TOPIC_ARN": stack.arn("Topic"), "COST_GUARD_TABLE": stack.name("Ledger"), "COST_GUARD_LOG": "info"}
    reports = {"COST_GUARD_BILL": "yes", "COST_GUARD_BUCKET": stack.name("Reports")}
    assert {*contract, *reports, "COST_GUARD_POLICY"} == set(re.findall(r'given\("(COST_GUARD_\w+)"\)', source("shared/aws/src/context/settings.rs")))
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        assert function["Environment"]["Variables"] == contract | policy | (reports if name == "CostReporter" else {}), name
        assert function.get("ReservedConcurrentExecutions") == concurrency, name
        assert {"Key": "application", "Value": "sagemaker-cost-guard"} in function["Tags"], name
        assert function["LoggingConfig"] == {"LogGroup": stack.name(f"{name}Log")}, name
        assert stack.resources[f"{name}Log"]["RetentionInDays"] == parameters.get("LogRetentionDays", 30), name


@STACKS
def test_each_saved_query_reads_the_logs_of_all_functions(stack, functions):
    assert set(stack.of_type("AWS::Logs::LogGroup")) == {f"{name}Log" for name in functions}
    queries = stack.of_type("AWS::Logs::QueryDefinition")
    assert queries
    for name, query in queries.items():
        assert query["LogGroupNames"] == [stack.name(f"{of}Log") for of in functions], name
