"""The same calls to the simulator and to moto, compared answer by answer. Where they differ, the table says who is right and by which source."""

import re

from botocore.exceptions import ClientError

from conftest import REGION

ARN = f"arn:aws:sagemaker:{REGION}:123456789012:notebook-instance/"

# What is known to differ: the step, and why the simulator is right. A row that no longer differs fails the test.
# The sources: "model" is botocore's service model, "facts" the AWS documentation page or recording named.
DIFFERENCES = {
    "create": "moto writes the name in the ARN as given; AWS in lower case (EventBridge events of real accounts, Service Workbench's documentation)",
    "describe": "moto has a notebook InService at once, AWS first Pending (CreateNotebookInstance API reference); ARNs as above",
    "list": "as describe; and moto gives no Url before a notebook runs",
    "stop while pending": "moto stops from any state; AWS only from InService (error text recorded by users of real accounts)",
    "stop": "moto stops at once, AWS goes through Stopping (StopNotebookInstance API reference)",
    "stop twice": "moto lets it pass; AWS refuses: Status (Stopped) not in ([InService])",
    "list tags of nothing": "moto fails with HTTP 500; AWS refuses with a ValidationException",
    "add tags": "moto keeps both values of an equal key; AWS overwrites it (AddTags API reference)",
    "index": "ARNs as in create; and the doubled tag as in add tags",
    "subject with a line break": "moto takes it; AWS refuses (Publish API reference: no line breaks or control characters)",
    "index by tag": "moto leaves out the PaginationToken where nothing is found; of AWS it is empty at the end (GetResources API reference)",
}


def teller(forgiving=False):
    """A story, and what adds a call and its answer or error to it; also an answer that AWS's model does not allow, if it is forgiving."""
    told = []

    def tell(name, call, **arguments):
        try:
            answer = call(**arguments)
            answer.pop("ResponseMetadata", None)
        except ClientError as error:
            answer = {"error": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        except AssertionError as error:
            if not forgiving:
                raise
            answer = {"malformed": str(error)}
        told.append((name, normalized(answer)))
        return answer

    return told, tell


def steps(account):
    """Yields (name, answer or error) of the same story on any account."""
    sagemaker, sns, ssm = account.client("sagemaker"), account.client("sns"), account.client("ssm")
    tagging = account.client("resourcegroupstaggingapi")
    told, tell = teller()

    role = "arn:aws:iam::123456789012:role/DataScience"
    new = dict(NotebookInstanceName="Moto-1", InstanceType="ml.m5.xlarge", RoleArn=role, Tags=[{"Key": "Owner", "Value": "ann"}])
    arn = tell("create", sagemaker.create_notebook_instance, **new)["NotebookInstanceArn"]
    tell("create twice", sagemaker.create_notebook_instance, **new)
    tell("describe", sagemaker.describe_notebook_instance, NotebookInstanceName="Moto-1")
    tell("list", sagemaker.list_notebook_instances, NameContains="Moto")
    tell("list none", sagemaker.list_notebook_instances, NameContains="nobody")
    tell("list tags", sagemaker.list_tags, ResourceArn=arn)
    tell("describe nothing", sagemaker.describe_notebook_instance, NotebookInstanceName="nobody")
    tell("stop nothing", sagemaker.stop_notebook_instance, NotebookInstanceName="nobody")
    tell("delete while it runs", sagemaker.delete_notebook_instance, NotebookInstanceName="Moto-1")
    if account.is_simulator:
        tell("stop while pending", sagemaker.stop_notebook_instance, NotebookInstanceName="Moto-1")
        account.control("advance", {"by": "5m"})
    else:
        told.append(("stop while pending", {}))
    sagemaker.stop_notebook_instance(NotebookInstanceName="Moto-1")
    tell("stop", sagemaker.describe_notebook_instance, NotebookInstanceName="Moto-1")
    if account.is_simulator:
        account.control("advance", {"by": "5m"})
    tell("stop twice", sagemaker.stop_notebook_instance, NotebookInstanceName="Moto-1")
    tell("add tags", sagemaker.add_tags, ResourceArn=arn, Tags=[{"Key": "Owner", "Value": "bob"}])
    tell("index", tagging.get_resources, ResourceTypeFilters=["sagemaker:notebook-instance"], TagFilters=[])
    tell("index by tag", tagging.get_resources, TagFilters=[{"Key": "Owner", "Values": ["nobody"]}])
    tell("delete tags", sagemaker.delete_tags, ResourceArn=arn, TagKeys=["Owner"])
    tell("no tags left", sagemaker.list_tags, ResourceArn=arn)
    tell("list tags of nothing", sagemaker.list_tags, ResourceArn=ARN + "nobody")
    tell("delete", sagemaker.delete_notebook_instance, NotebookInstanceName="Moto-1")
    if account.is_simulator:
        account.control("advance", {"by": "5m"})
    tell("describe what is deleted", sagemaker.describe_notebook_instance, NotebookInstanceName="Moto-1")

    topic = f"arn:aws:sns:{REGION}:123456789012:cost-guard"
    if not account.is_simulator:
        sns.create_topic(Name="cost-guard")
    tell("mail", sns.publish, TopicArn=topic, Subject="x", Message="y", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})
    tell("mail to nothing", sns.publish, TopicArn=topic + "x", Message="y")
    tell("a long subject", sns.publish, TopicArn=topic, Subject="x" * 101, Message="y")
    tell("subject with a line break", sns.publish, TopicArn=topic, Subject="x\ny", Message="y")
    tell("a long mail", sns.publish, TopicArn=topic, Message="y" * 262145)

    tell("no parameter", ssm.get_parameter, Name="/compared")
    ssm.put_parameter(Name="/compared", Value="v", Type="String")
    told.append(("topic", sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Owner"]))
    told.append(("parameter", ssm.get_parameter(Name="/compared")["Parameter"]["Value"]))
    tell("parameter twice", ssm.put_parameter, Name="/compared", Value="w", Type="String")
    return told


def normalized(answer):
    """Without times, ids and the like."""
    if isinstance(answer, dict):
        changing = {"CreationTime", "LastModifiedTime", "MessageId", "CreationDateTime", "TableId", "NotebookInstanceLifecycleConfigName"}
        changing |= {"ProcessingEndTime", "TransformStartTime", "TransformEndTime"}
        return {key: normalized(value) for key, value in answer.items() if key not in changing}
    if isinstance(answer, list):
        return [normalized(one) for one in answer]
    return re.sub(r"notebook-instance/\w+-1\b", "notebook-instance/moto-1", answer) if isinstance(answer, str) and "Cannot create" in answer else answer


def test_the_simulator_and_moto_agree_or_the_difference_is_listed(simulated, moto):
    simulated.is_simulator, moto.is_simulator = True, False
    compare(steps(simulated), steps(moto), DIFFERENCES)


def compare(ours, theirs, listed):
    """Fails where two stories differ in what is not listed, and where they agree in what is."""
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    differing = {name: (mine, other) for (name, mine), (_, other) in zip(ours, theirs) if mine != other and not both_refuse(mine, other)}
    unlisted = {name: both for name, both in differing.items() if name not in listed}
    assert not unlisted, "\n".join(f"{name}\n  simulator: {mine}\n  moto:      {other}" for name, (mine, other) in unlisted.items())
    assert set(differing) == set(listed), f"no longer different: {set(listed) - set(differing)}"


def both_refuse(mine, other):
    """The same error code is agreement: wordings are compared in test_boto3.py with AWS's own."""
    return isinstance(mine, dict) and isinstance(other, dict) and "error" in mine and mine["error"] == other.get("error")
