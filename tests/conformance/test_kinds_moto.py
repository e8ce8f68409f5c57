"""The same calls about endpoints, processing jobs, feature groups, … to the simulator and to moto, compared answer by answer."""

from test_moto import compare, teller

# No estate: both begin with nothing.
ESTATE = 'region = "eu-central-1"\nstart = "2026-11-23T08:00:00Z"\n'
# As in test_moto.py: what is known to differ, and why the simulator is right.
DIFFERENCES = {
    "a name with capitals": "moto writes the name in the ARN as given; AWS in lower case (as in test_moto.py)",
    "model twice": "moto replaces the model; AWS refuses: Cannot create already existing model (error text recorded by users of real accounts)",
    "describe model": "moto gives an empty list of Containers beside the PrimaryContainer; of AWS it is one of the two (CreateModel API reference)",
    "list models": "moto does not look at NameContains (ListModels API reference)",
    "config twice": "as model twice",
    "endpoint twice": "as model twice",
    "describe endpoint kinds-1": "moto copies the configuration's DataCaptureConfig, which the model does not allow",
    "describe endpoint serverless": "as describe endpoint kinds-1",
    "describe endpoint async": "as describe endpoint kinds-1; and moto has no AsyncInferenceConfig (model)",
    "tags of an endpoint": "moto forgets the tags of CreateEndpoint (CreateEndpoint API reference)",
    "processing twice": "moto replaces the job; AWS refuses with ResourceInUse (model)",
    "describe processing in progress": "moto has a job Completed at once; and no ProcessingResources, which the model requires",
    "describe processing": "as describe processing in progress",
    "stop processing": "moto stops what has ended; AWS refuses (error text recorded by users of real accounts)",
    "describe transform": "moto gives an empty FailureReason and LabelingJobArn of a job that did not fail and has none",
    "auto ml": "moto fails with HTTP 500 without what the model does not require",
    "auto ml twice": "as auto ml",
    "describe auto ml": "as auto ml: there is none",
    "list auto ml": "as auto ml: there is none",
    "stop auto ml": "as auto ml: there is none",
    "describe feature group": "moto has no NextToken, which the model requires",
    "describe no feature group": "moto fails with HTTP 500; the model has ResourceNotFound",
    "describe pipeline": "moto invents a user profile that created it",
    "describe no pipeline": "moto refuses with a ValidationException; the model has ResourceNotFound",
    "cluster": "moto fails with HTTP 500 without what the model does not require, and makes the cluster all the same",
    "describe cluster": "moto has the name in the ARN, where the model has an id, an empty FailureMessage, and no Status of a group",
    "describe no cluster": "as describe no pipeline",
    "list clusters": "as describe cluster",
    "delete cluster": "as describe cluster",
    "index": "moto writes the ARN of a configuration as a tuple; names and token as in test_moto.py",
}
ROLE = "arn:aws:iam::123456789012:role/DataScience"


def steps(account):
    """Yields (name, answer or error) of the same story on any account."""
    sagemaker, tagging = account.client("sagemaker"), account.client("resourcegroupstaggingapi")
    told, tell = teller(forgiving=not account.is_simulator)
    tags = [{"Key": "Owner", "Value": "ann"}]

    def wait():
        if account.is_simulator:
            account.control("advance", {"by": "2h"})

    container = {"Image": "image", "ModelDataUrl": "s3://ml/model.tar.gz", "Mode": "SingleModel", "Environment": {}}
    new = dict(ModelName="kinds-1", ExecutionRoleArn=ROLE, PrimaryContainer=container, EnableNetworkIsolation=False, Tags=tags)
    new["VpcConfig"] = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    tell("a name with capitals", sagemaker.create_model, **dict(new, ModelName="Capitals"))
    model = tell("model", sagemaker.create_model, **new)["ModelArn"]
    tell("model twice", sagemaker.create_model, **new)
    tell("describe model", sagemaker.describe_model, ModelName="kinds-1")
    tell("describe no model", sagemaker.describe_model, ModelName="nobody")
    tell("list models", sagemaker.list_models, NameContains="kinds")
    tell("tags of a model", sagemaker.list_tags, ResourceArn=model)

    variant = {"VariantName": "a", "ModelName": "kinds-1", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2, "InitialVariantWeight": 1.0}
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 10,
        "DestinationS3Uri": "s3://ml/capture",
        "KmsKeyId": "alias/x",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    config = dict(EndpointConfigName="kinds-1", ProductionVariants=[variant], DataCaptureConfig=capture, Tags=tags)
    tell("config of no model", sagemaker.create_endpoint_config, **dict(config, ProductionVariants=[dict(variant, ModelName="nobody")]))
    tell("config", sagemaker.create_endpoint_config, **config)
    tell("config twice", sagemaker.create_endpoint_config, **config)
    tell("describe config", sagemaker.describe_endpoint_config, EndpointConfigName="kinds-1")
    tell("describe no config", sagemaker.describe_endpoint_config, EndpointConfigName="nobody")
    tell("list configs", sagemaker.list_endpoint_configs, NameContains="kinds")
    serverless = {"VariantName": "a", "ModelName": "kinds-1", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}, "InitialVariantWeight": 1.0}
    tell("serverless config", sagemaker.create_endpoint_config, EndpointConfigName="serverless", ProductionVariants=[serverless], DataCaptureConfig=capture)
    output = {"OutputConfig": {"S3OutputPath": "s3://ml/async"}}
    tell("async config", sagemaker.create_endpoint_config, EndpointConfigName="async", ProductionVariants=[variant], AsyncInferenceConfig=output, DataCaptureConfig=capture)
    tell("describe async config", sagemaker.describe_endpoint_config, EndpointConfigName="async")
    nothing = {"VariantName": "a", "ModelName": "kinds-1"}
    tell("config without instances", sagemaker.create_endpoint_config, EndpointConfigName="nothing", ProductionVariants=[nothing])

    tell("endpoint without config", sagemaker.create_endpoint, EndpointName="kinds-1", EndpointConfigName="nobody")
    endpoint = tell("endpoint", sagemaker.create_endpoint, EndpointName="kinds-1", EndpointConfigName="kinds-1", Tags=tags)["EndpointArn"]
    tell("endpoint twice", sagemaker.create_endpoint, EndpointName="kinds-1", EndpointConfigName="kinds-1")
    for kind in ("serverless", "async"):
        sagemaker.create_endpoint(EndpointName=kind, EndpointConfigName=kind)
    wait()
    for name in ("kinds-1", "serverless", "async"):
        tell(f"describe endpoint {name}", sagemaker.describe_endpoint, EndpointName=name)
    tell("describe no endpoint", sagemaker.describe_endpoint, EndpointName="nobody")
    tell("list endpoints", sagemaker.list_endpoints, NameContains="kinds", StatusEquals="InService")
    tell("list no endpoints", sagemaker.list_endpoints, StatusEquals="Failed")
    tell("tags of an endpoint", sagemaker.list_tags, ResourceArn=endpoint)
    tell("delete no endpoint", sagemaker.delete_endpoint, EndpointName="nobody")
    tell("delete endpoint", sagemaker.delete_endpoint, EndpointName="kinds-1")
    wait()
    tell("describe what is deleted", sagemaker.describe_endpoint, EndpointName="kinds-1")
    tell("delete config", sagemaker.delete_endpoint_config, EndpointConfigName="serverless")
    tell("delete no config", sagemaker.delete_endpoint_config, EndpointConfigName="nobody")
    tell("delete no model", sagemaker.delete_model, ModelName="nobody")

    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
    job = dict(
        ProcessingJobName="kinds-1",
        ProcessingResources={"ClusterConfig": cluster},
        AppSpecification={"ImageUri": "image"},
        RoleArn=ROLE,
        StoppingCondition={"MaxRuntimeInSeconds": 7200},
        Tags=tags,
    )
    tell("processing", sagemaker.create_processing_job, **job)
    tell("processing twice", sagemaker.create_processing_job, **job)
    tell("describe processing in progress", sagemaker.describe_processing_job, ProcessingJobName="kinds-1")
    wait()
    tell("describe processing", sagemaker.describe_processing_job, ProcessingJobName="kinds-1")
    tell("describe no processing", sagemaker.describe_processing_job, ProcessingJobName="nobody")
    tell("list processing", sagemaker.list_processing_jobs, NameContains="kinds")
    tell("stop processing", sagemaker.stop_processing_job, ProcessingJobName="kinds-1")
    tell("stop no processing", sagemaker.stop_processing_job, ProcessingJobName="nobody")

    transform = dict(
        TransformJobName="kinds-1",
        ModelName="kinds-1",
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://ml/in"}}},
        TransformOutput={"S3OutputPath": "s3://ml/out"},
        TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        Tags=tags,
    )
    tell("transform", sagemaker.create_transform_job, **transform)
    wait()
    tell("describe transform", sagemaker.describe_transform_job, TransformJobName="kinds-1")
    tell("describe no transform", sagemaker.describe_transform_job, TransformJobName="nobody")
    tell("list transforms", sagemaker.list_transform_jobs, NameContains="kinds")

    auto_ml = dict(
        AutoMLJobName="kinds-1",
        AutoMLJobInputDataConfig=[{"ChannelType": "training", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://ml/in"}}}],
        OutputDataConfig={"S3OutputPath": "s3://ml/out"},
        AutoMLProblemTypeConfig={"TabularJobConfig": {"TargetAttributeName": "y"}},
        RoleArn=ROLE,
        Tags=tags,
    )
    tell("auto ml", sagemaker.create_auto_ml_job_v2, **auto_ml)
    tell("auto ml twice", sagemaker.create_auto_ml_job_v2, **auto_ml)
    tell("describe auto ml", sagemaker.describe_auto_ml_job_v2, AutoMLJobName="kinds-1")
    tell("describe no auto ml", sagemaker.describe_auto_ml_job_v2, AutoMLJobName="nobody")
    tell("list auto ml", sagemaker.list_auto_ml_jobs, NameContains="kinds")
    tell("stop auto ml", sagemaker.stop_auto_ml_job, AutoMLJobName="kinds-1")

    features = [{"FeatureName": "id", "FeatureType": "String"}, {"FeatureName": "t", "FeatureType": "Fractional"}]
    group = dict(
        FeatureGroupName="kinds_1",
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="t",
        FeatureDefinitions=features,
        RoleArn=ROLE,
        OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://ml/features"}},
        Tags=tags,
    )
    tell("feature group", sagemaker.create_feature_group, **group)
    tell("feature group twice", sagemaker.create_feature_group, **group)
    wait()
    tell("describe feature group", sagemaker.describe_feature_group, FeatureGroupName="kinds_1")
    tell("describe no feature group", sagemaker.describe_feature_group, FeatureGroupName="nobody")

    pipeline = dict(PipelineName="kinds-1", PipelineDefinition="{}", RoleArn=ROLE, ClientRequestToken="0" * 32, Tags=tags)
    tell("pipeline", sagemaker.create_pipeline, **pipeline)
    tell("pipeline twice", sagemaker.create_pipeline, **pipeline)
    tell("describe pipeline", sagemaker.describe_pipeline, PipelineName="kinds-1")
    tell("describe no pipeline", sagemaker.describe_pipeline, PipelineName="nobody")
    tell("list pipelines", sagemaker.list_pipelines, PipelineNamePrefix="kinds")
    tell("list executions", sagemaker.list_pipeline_executions, PipelineName="kinds-1")
    tell("delete pipeline", sagemaker.delete_pipeline, PipelineName="kinds-1", ClientRequestToken="0" * 32)

    groups = [
        {
            "InstanceGroupName": "workers",
            "InstanceType": "ml.m5.xlarge",
            "InstanceCount": 2,
            "ExecutionRole": ROLE,
            "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-scripts", "OnCreate": "create.sh"},
        }
    ]
    tell("cluster", sagemaker.create_cluster, ClusterName="kinds-1", InstanceGroups=groups, Tags=tags)
    tell("cluster twice", sagemaker.create_cluster, ClusterName="kinds-1", InstanceGroups=groups)
    wait()
    tell("describe cluster", sagemaker.describe_cluster, ClusterName="kinds-1")
    tell("describe no cluster", sagemaker.describe_cluster, ClusterName="nobody")
    tell("list clusters", sagemaker.list_clusters, NameContains="kinds")
    tell("delete cluster", sagemaker.delete_cluster, ClusterName="kinds-1")

    tell("index", tagging.get_resources, ResourceTypeFilters=["sagemaker:model", "sagemaker:endpoint-config"])
    return told


def test_the_simulator_and_moto_agree_or_the_difference_is_listed(simulated, moto):
    simulated.is_simulator, moto.is_simulator = True, False
    compare(steps(simulated), steps(moto), DIFFERENCES)
