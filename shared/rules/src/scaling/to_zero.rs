//! The commands that let an asynchronous endpoint or an inference component go to zero, and bring the first instance back (aws-facts §3.4).

use serde_json::{Value, json};

use crate::{
    scaling::{
        attachment::{DIMENSION, POLICY_NAME},
        command::autoscaling_command,
    },
    vocabulary::text::{argument, quoted},
};

/// The requests that one instance of an asynchronous endpoint has waiting: AWS's own example.
const BACKLOG_TARGET: u32 = 5;

/// A scalable target, as the CLI's commands name it.
struct Target<'a> {
    region: &'a str,
    resource_id: String,
    dimension: &'static str,
    max: u32,
}

impl Target<'_> {
    fn command(&self, name: &str) -> String {
        autoscaling_command(name, self.region, self.dimension, &self.resource_id)
    }

    fn register(&self) -> String {
        format!("{} --min-capacity 0 --max-capacity {}", self.command("register-scalable-target"), self.max)
    }

    fn tracking(&self, configuration: &Value) -> String {
        format!(
            "{} --policy-name {POLICY_NAME} --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration {}",
            self.command("put-scaling-policy"),
            quoted(&configuration.to_string())
        )
    }

    /// The policy that adds the first instance. It prints its ARN, which the alarm needs.
    fn first(&self, aggregation: &str, cooldown: u32) -> String {
        let steps = json!([{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]);
        let configuration = json!({
            "AdjustmentType": "ChangeInCapacity", "MetricAggregationType": aggregation, "Cooldown": cooldown, "StepAdjustments": steps,
        });
        format!(
            "{} --policy-name cost-guard-first --policy-type StepScaling --step-scaling-policy-configuration {} --query PolicyARN --output text",
            self.command("put-scaling-policy"),
            quoted(&configuration.to_string())
        )
    }
}

/// The alarm that calls the policy above as soon as the metric is 1 in so many minutes of as many.
struct Alarm<'a> {
    metric: &'static str,
    statistic: &'static str,
    minutes: u32,
    /// Its dimension's name, and the value.
    of: (&'static str, &'a str),
}

impl Alarm<'_> {
    fn command(&self, region: &str, name: &str) -> String {
        let Self { metric, statistic, minutes, of: (dimension, value) } = self;
        format!(
            "aws cloudwatch put-metric-alarm {region}--alarm-name {} --namespace AWS/SageMaker --metric-name {metric} --dimensions {} --statistic \
             {statistic} --period 60 --evaluation-periods {minutes} --datapoints-to-alarm {minutes} --threshold 1 --comparison-operator \
             GreaterThanOrEqualToThreshold --treat-missing-data missing --alarm-actions <the ARN that the command before printed>",
            argument(name),
            quoted(&format!("Name={dimension},Value={value}"))
        )
    }
}

/// For a variant of an asynchronous endpoint with at most so many instances. `region`: the CLI's option ([`crate::vocabulary::resource::region_option`]).
pub fn asynchronous_to_zero(region: &str, endpoint: &str, variant: &str, max: u32) -> String {
    let resource_id = format!("endpoint/{endpoint}/variant/{variant}");
    let target = Target { region, resource_id, dimension: DIMENSION, max };
    let backlog = json!({
        "MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
    });
    let tracking = json!({
        "TargetValue": BACKLOG_TARGET, "CustomizedMetricSpecification": backlog, "ScaleInCooldown": 600, "ScaleOutCooldown": 300,
    });
    // Without it, the first instance comes only when the backlog exceeds the target: with no instance, the metric has no value.
    let alarm = Alarm { metric: "HasBacklogWithoutCapacity", statistic: "Average", minutes: 2, of: ("EndpointName", endpoint) };
    let alarm = alarm.command(region, &format!("cost-guard-first-{endpoint}-{variant}"));
    [target.register(), target.tracking(&tracking), target.first("Average", 300), alarm].join("\n")
}

/// For an inference component with at most so many copies. `region`: as above.
pub fn component_to_zero(region: &str, component: &str, max: u32) -> String {
    let resource_id = format!("inference-component/{component}");
    let target = Target { region, resource_id, dimension: "sagemaker:inference-component:DesiredCopyCount", max };
    // AWS's example has GreaterThanThreshold 1, which needs two failed requests in a minute.
    let alarm = Alarm { metric: "NoCapacityInvocationFailures", statistic: "Sum", minutes: 1, of: ("InferenceComponentName", component) };
    let alarm = alarm.command(region, &format!("cost-guard-first-{component}"));
    [target.register(), target.first("Maximum", 60), alarm].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_instance_comes_back_by_an_alarm() {
        let commands = asynchronous_to_zero("--region eu-central-1 ", "queue", "AllTraffic", 2);
        let lines: Vec<&str> = commands.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].ends_with("--resource-id endpoint/queue/variant/AllTraffic --min-capacity 0 --max-capacity 2"));
        assert!(lines[2].contains(r#""AdjustmentType":"ChangeInCapacity""#) && lines[2].ends_with("--query PolicyARN --output text"));
        assert!(lines[3].contains("--metric-name HasBacklogWithoutCapacity --dimensions 'Name=EndpointName,Value=queue'"), "{}", lines[3]);
        let commands = component_to_zero("--region eu-central-1 ", "llm", 1);
        assert!(commands.contains("--comparison-operator GreaterThanOrEqualToThreshold"), "{commands}");
        assert!(commands.contains("sagemaker:inference-component:DesiredCopyCount --resource-id inference-component/llm"), "{commands}");
    }
}
