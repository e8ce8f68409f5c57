//! The commands that let an asynchronous endpoint or an inference component go to zero, and bring the first instance back (inference-facts §C6).

use serde_json::{Value, json};

use crate::vocabulary::text::{argument, quoted};

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
        format!(
            "aws application-autoscaling {name} --region {} --service-namespace sagemaker --scalable-dimension {} --resource-id {}",
            argument(self.region),
            self.dimension,
            argument(&self.resource_id)
        )
    }

    fn register(&self) -> String {
        format!("{} --min-capacity 0 --max-capacity {}", self.command("register-scalable-target"), self.max)
    }

    fn tracking(&self, configuration: &Value) -> String {
        format!(
            "{} --policy-name cost-guard-target-tracking --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration {}",
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

/// For a variant of an asynchronous endpoint with at most so many instances.
pub fn asynchronous_to_zero(region: &str, endpoint: &str, variant: &str, max: u32) -> String {
    let resource_id = format!("endpoint/{endpoint}/variant/{variant}");
    let target = Target { region, resource_id, dimension: "sagemaker:variant:DesiredInstanceCount", max };
    let backlog = json!({
        "MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
    });
    let tracking = json!({
        "TargetValue": BACKLOG_TARGET, "CustomizedMetricSpecification": backlog, "ScaleInCooldown": 600, "ScaleOutCooldown": 300,
    });
    // Without it, the first instance comes only when the backlog exceeds the target: with no instance, the metric has no value.
    let alarm = format!(
        "aws cloudwatch put-metric-alarm --region {} --alarm-name {} --namespace AWS/SageMaker --metric-name HasBacklogWithoutCapacity --dimensions {} \
         --statistic Average --period 60 --evaluation-periods 2 --datapoints-to-alarm 2 --threshold 1 --comparison-operator \
         GreaterThanOrEqualToThreshold --treat-missing-data missing --alarm-actions <the ARN that the command before printed>",
        argument(region),
        argument(&format!("cost-guard-first-{endpoint}-{variant}")),
        quoted(&format!("Name=EndpointName,Value={endpoint}"))
    );
    [target.register(), target.tracking(&tracking), target.first("Average", 300), alarm].join("\n")
}

/// For an inference component with at most so many copies.
pub fn component_to_zero(region: &str, component: &str, max: u32) -> String {
    let resource_id = format!("inference-component/{component}");
    let target = Target { region, resource_id, dimension: "sagemaker:inference-component:DesiredCopyCount", max };
    // AWS's example has GreaterThanThreshold 1, which needs two failed requests in a minute.
    let alarm = format!(
        "aws cloudwatch put-metric-alarm --region {} --alarm-name {} --namespace AWS/SageMaker --metric-name NoCapacityInvocationFailures --dimensions {} \
         --statistic Sum --period 60 --evaluation-periods 1 --datapoints-to-alarm 1 --threshold 1 --comparison-operator \
         GreaterThanOrEqualToThreshold --treat-missing-data missing --alarm-actions <the ARN that the command before printed>",
        argument(region),
        argument(&format!("cost-guard-first-{component}")),
        quoted(&format!("Name=InferenceComponentName,Value={component}"))
    );
    [target.register(), target.first("Maximum", 60), alarm].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_instance_comes_back_by_an_alarm() {
        let commands = asynchronous_to_zero("eu-central-1", "queue", "AllTraffic", 2);
        let lines: Vec<&str> = commands.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].ends_with("--resource-id endpoint/queue/variant/AllTraffic --min-capacity 0 --max-capacity 2"));
        assert!(lines[2].contains(r#""AdjustmentType":"ChangeInCapacity""#) && lines[2].ends_with("--query PolicyARN --output text"));
        assert!(lines[3].contains("--metric-name HasBacklogWithoutCapacity --dimensions 'Name=EndpointName,Value=queue'"), "{}", lines[3]);
        let commands = component_to_zero("eu-central-1", "llm", 1);
        assert!(commands.contains("--comparison-operator GreaterThanOrEqualToThreshold"), "{commands}");
        assert!(commands.contains("sagemaker:inference-component:DesiredCopyCount --resource-id inference-component/llm"), "{commands}");
    }
}
