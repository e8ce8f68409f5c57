"""The same calls about training and tuning jobs to the simulator and to moto, compared answer by answer."""

from test_moto import compare, teller

# As in test_moto.py: what is known to differ, and why the simulator is right.
DIFFERENCES = {
    "create": "moto writes the name in the ARN as given; AWS in lower case (a real account's answer in a public repository; of lists, boto/boto3#4606)",
    "create twice": "moto replaces the job; AWS refuses with ResourceInUse (error text recorded by users of real accounts)",
    "create with a bad name": "moto takes it; AWS's name has a pattern (model)",
    "create for Spot without a wait": "moto takes it; AWS refuses (developer guide, model-managed-spot-training; error text recorded by users)",
    "describe in progress": "moto has a job Completed at once, AWS first InProgress (TrainingJobStatus in the API reference)",
    "describe": "ARN as in create; moto knows one transition, neither training nor billable seconds, and invents metrics (model)",
    "describe Spot": "as describe",
    "list": "moto has the job that create refused; and no SecondaryStatus (model), whose times differ",
    "index": "moto keeps nothing of what was tagged once, and no PaginationToken at the end, which is empty (GetResources API reference)",
    "search": "as describe",
    "tune": "ARN as in create",
    "describe tuning": "moto invents counters, the best training job, completion details and the seconds used, and runs no training job",
    "list tunings": "as describe tuning",
}


def steps(account):
    """Yields (name, answer or error) of the same story on any account."""
    sagemaker, tagging = account.client("sagemaker"), account.client("resourcegroupstaggingapi")
    told, tell = teller()
    new = dict(
        TrainingJobName="Job-1",
        RoleArn="arn:aws:iam::123456789012:role/DataScience",
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://bucket/output", "KmsKeyId": "alias/x", "CompressionType": "GZIP"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 7200},
        HyperParameters={"epochs": "3"},
        Tags=[{"Key": "Owner", "Value": "ann"}],
    )
    spot = dict(EnableManagedSpotTraining=True, CheckpointConfig={"S3Uri": "s3://bucket/checkpoints"})
    arn = tell("create", sagemaker.create_training_job, **new)["TrainingJobArn"]
    tell("create twice", sagemaker.create_training_job, **new)
    tell("create with a bad name", sagemaker.create_training_job, **dict(new, TrainingJobName="a_b"))
    tell("create for Spot without a wait", sagemaker.create_training_job, **dict(new, **spot, TrainingJobName="spot-0"))
    waits = {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 7200}
    lower = tell("create for Spot", sagemaker.create_training_job, **dict(new, **spot, TrainingJobName="spot-1", StoppingCondition=waits))
    tell("describe in progress", sagemaker.describe_training_job, TrainingJobName="Job-1")
    if account.is_simulator:
        account.control("advance", {"by": "3h"})
    tell("describe", sagemaker.describe_training_job, TrainingJobName="Job-1")
    tell("describe Spot", sagemaker.describe_training_job, TrainingJobName="spot-1")
    tell("describe nothing", sagemaker.describe_training_job, TrainingJobName="nobody")
    tell("list", sagemaker.list_training_jobs, NameContains="spot", SortBy="Name")
    tell("list none", sagemaker.list_training_jobs, NameContains="nobody")
    tell("list by status", sagemaker.list_training_jobs, StatusEquals="Stopped")
    tell("list tags", sagemaker.list_tags, ResourceArn=arn)
    tell("list tags of another", sagemaker.list_tags, ResourceArn=lower["TrainingJobArn"])
    tell("delete tags", sagemaker.delete_tags, ResourceArn=arn, TagKeys=["Owner"])
    tell("no tags left", sagemaker.list_tags, ResourceArn=arn)
    tell("index", tagging.get_resources, ResourceTypeFilters=["sagemaker:training-job"])
    search = {"Filters": [{"Name": "TrainingJobName", "Operator": "Equals", "Value": "spot-1"}]}
    tell("search", sagemaker.search, Resource="TrainingJob", SearchExpression=search)

    definition = {key: new[key] for key in ("RoleArn", "AlgorithmSpecification", "OutputDataConfig", "ResourceConfig", "StoppingCondition")}
    config = {
        "Strategy": "Random",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "accuracy"},
    }
    tune = dict(HyperParameterTuningJobName="Tune-1", HyperParameterTuningJobConfig=config, TrainingJobDefinition=definition)
    tell("tune", sagemaker.create_hyper_parameter_tuning_job, **tune)
    tell("tune twice", sagemaker.create_hyper_parameter_tuning_job, **tune)
    if account.is_simulator:
        account.control("advance", {"by": "3h"})
    tell("describe tuning", sagemaker.describe_hyper_parameter_tuning_job, HyperParameterTuningJobName="Tune-1")
    tell("describe no tuning", sagemaker.describe_hyper_parameter_tuning_job, HyperParameterTuningJobName="nobody")
    tell("list tunings", sagemaker.list_hyper_parameter_tuning_jobs)
    tell("list no tunings", sagemaker.list_hyper_parameter_tuning_jobs, StatusEquals="Failed")
    return told


def test_the_simulator_and_moto_agree_or_the_difference_is_listed(simulated, moto):
    simulated.is_simulator, moto.is_simulator = True, False
    compare(steps(simulated), steps(moto), DIFFERENCES)
