"""The same calls to Application Auto Scaling, and about endpoints that change, to the simulator and to moto, compared answer by answer."""

import re

from test_kinds_moto import ROLE
from test_moto import compare, teller
from test_scaling import STEP, TRACKING, of

# No estate: both begin with nothing.
ESTATE = 'region = "eu-central-1"\nstart = "2026-11-23T08:00:00Z"\n'
# As in test_moto.py: what is known to differ, and why the simulator is right.
DIFFERENCES = {
    "policy without a target": "moto takes it; the model has ObjectNotFoundException",
    "deregister nothing": "moto refuses with a ValidationException; the model has ObjectNotFoundException",
    "register without bounds": "moto takes it; the first time both are required (RegisterScalableTarget API reference)",
    "targets": "moto has no RoleARN, which the model requires, and no SuspendedState",
    "target by id": "as targets",
    "tracking policy": "moto makes alarms for DynamoDB and ECS only; AWS for each such policy (PutScalingPolicy API reference)",
    "policies": "moto has the policy that was put without a target; and no alarms, as above",
    "policy by name": "moto does not look at PolicyNames (DescribeScalingPolicies API reference)",
    "delete no policy": "as deregister nothing",
    "scheduled actions": "moto has no id in the ARN (PutScheduledAction API reference)",
    "delete no action": "moto lets it pass; the model has ObjectNotFoundException",
    "policies of nothing": "moto keeps the policies of a target that is deregistered; AWS deletes them (DeregisterScalableTarget API reference)",
}


def without_ids(value):
    """Without what each account makes up: ids, times, and the digests of images."""
    if isinstance(value, dict):
        changing = {"CreationTime", "ScalableTargetARN", "ResolutionTime", "StartTime", "EndTime"}
        return {key: without_ids(one) for key, one in value.items() if key not in changing}
    if isinstance(value, list):
        return [without_ids(one) for one in value]
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    return re.sub(uuid, "<id>", value) if isinstance(value, str) else value


def steps(account):
    sagemaker, scaling = account.client("sagemaker"), account.client("application-autoscaling")
    told, tell = teller(forgiving=not account.is_simulator)

    def wait():
        if account.is_simulator:
            account.control("advance", {"by": "10m"})

    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "image"})
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    wait()
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2, "DesiredWeight": 1.0}]
    tell("scale", sagemaker.update_endpoint_weights_and_capacities, EndpointName="e", DesiredWeightsAndCapacities=wanted)
    wait()
    missing = [{"VariantName": "x", "DesiredInstanceCount": 2}]
    tell("scale nothing", sagemaker.update_endpoint_weights_and_capacities, EndpointName="e", DesiredWeightsAndCapacities=missing)
    tell("scale no endpoint", sagemaker.update_endpoint_weights_and_capacities, EndpointName="x", DesiredWeightsAndCapacities=wanted)

    tell("policy without a target", scaling.put_scaling_policy, **of("e"), PolicyName="p", PolicyType="StepScaling", StepScalingPolicyConfiguration=STEP)
    tell("deregister nothing", scaling.deregister_scalable_target, **of("e"))
    tell("register without bounds", scaling.register_scalable_target, **of("e"))
    scaling.register_scalable_target(**of("e"), MinCapacity=1, MaxCapacity=4)
    tell("register again", lambda: scaling.register_scalable_target(**of("e"), MaxCapacity=6) and {})
    tell("targets", scaling.describe_scalable_targets, ServiceNamespace="sagemaker")
    tell("target by id", scaling.describe_scalable_targets, ServiceNamespace="sagemaker", ResourceIds=[of("e")["ResourceId"]], ScalableDimension=of("e")["ScalableDimension"])
    tell("no targets", scaling.describe_scalable_targets, ServiceNamespace="sagemaker", ResourceIds=["endpoint/x/variant/AllTraffic"])
    tell("step policy", scaling.put_scaling_policy, **of("e"), PolicyName="step", PolicyType="StepScaling", StepScalingPolicyConfiguration=STEP)
    tell("tracking policy", scaling.put_scaling_policy, **of("e"), PolicyName="tracking", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=TRACKING)
    tell("policies", scaling.describe_scaling_policies, ServiceNamespace="sagemaker")
    tell("policy by name", scaling.describe_scaling_policies, ServiceNamespace="sagemaker", PolicyNames=["step"])
    tell("delete no policy", scaling.delete_scaling_policy, **of("e"), PolicyName="x")
    tell("delete policy", scaling.delete_scaling_policy, **of("e"), PolicyName="step")
    action = {"MinCapacity": 1, "MaxCapacity": 2}
    new = dict(of("e"), ScheduledActionName="night", Schedule="cron(0 19 ? * MON-FRI *)", Timezone="Europe/Berlin", ScalableTargetAction=action)
    tell("scheduled action", scaling.put_scheduled_action, **new)
    tell("scheduled actions", scaling.describe_scheduled_actions, ServiceNamespace="sagemaker")
    tell("delete no action", scaling.delete_scheduled_action, **of("e"), ScheduledActionName="x")
    tell("delete action", scaling.delete_scheduled_action, **of("e"), ScheduledActionName="night")
    tell("deregister", scaling.deregister_scalable_target, **of("e"))
    tell("policies of nothing", scaling.describe_scaling_policies, ServiceNamespace="sagemaker")
    return [(name, without_ids(answer)) for name, answer in told]


def test_the_simulator_and_moto_agree_or_the_difference_is_listed(simulated, moto):
    simulated.is_simulator, moto.is_simulator = True, False
    compare(steps(simulated), steps(moto), DIFFERENCES)
