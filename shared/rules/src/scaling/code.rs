//! Auto scaling as people deploy it: resources for `CloudFormation` and Terraform.

use std::fmt::Write as _;

use crate::{
    scaling::attachment::{Attachment, BACKLOG_METRIC, FIRST_NAME, NAMESPACE, POLICY_NAME, Tracked, Tracking, Wake},
    vocabulary::text::literal,
};

impl Attachment {
    /// Resources for a `CloudFormation` template, in YAML.
    pub fn cloud_formation(&self) -> String {
        let mut text = format!(
            "CostGuardScalableTarget:\n  Type: AWS::ApplicationAutoScaling::ScalableTarget\n  Properties:\n    ServiceNamespace: {NAMESPACE}\n    \
             ScalableDimension: {}\n    ResourceId: {}\n    MinCapacity: {}\n    MaxCapacity: {}\n",
            self.dimension(),
            literal(&self.resource_id),
            self.min,
            self.max
        );
        if !self.actions.is_empty() {
            text.push_str("    ScheduledActions:\n");
        }
        for action in &self.actions {
            let _ = write!(
                text,
                "      - ScheduledActionName: {}\n        Schedule: {}\n        Timezone: {}\n        ScalableTargetAction:\n          \
                 MinCapacity: {}\n          MaxCapacity: {}\n",
                action.name,
                literal(&action.schedule),
                literal(&action.zone),
                action.min,
                action.max
            );
        }
        text += &self.tracking.as_ref().map_or_else(String::new, Tracking::cloud_formation);
        text += &self.wake.as_ref().map_or_else(String::new, |wake| wake.cloud_formation(&self.alarm_name()));
        text
    }

    /// Resources for Terraform.
    pub fn terraform(&self) -> String {
        let mut text = format!(
            "resource \"aws_appautoscaling_target\" \"cost_guard\" {{\n  service_namespace  = \"{NAMESPACE}\"\n  scalable_dimension = \"{}\"\n  \
             resource_id        = {}\n  min_capacity       = {}\n  max_capacity       = {}\n{}}}\n",
            self.dimension(),
            template(&self.resource_id),
            self.min,
            self.max,
            if self.actions.is_empty() { "" } else { CHANGED_BY_ACTIONS }
        );
        text += &self.tracking.as_ref().map_or_else(String::new, Tracking::terraform);
        for action in &self.actions {
            let _ = write!(
                text,
                "resource \"aws_appautoscaling_scheduled_action\" \"{}\" {{\n  name               = \"{}\"\n{OF_TARGET}  schedule           = {}\n  \
                 timezone           = {}\n  scalable_target_action {{\n    min_capacity = {}\n    max_capacity = {}\n  }}\n}}\n",
                action.name.replace('-', "_"),
                action.name,
                template(&action.schedule),
                template(&action.zone),
                action.min,
                action.max
            );
        }
        text += &self.wake.as_ref().map_or_else(String::new, |wake| wake.terraform(&self.alarm_name()));
        text
    }
}

/// What keeps Terraform from setting bounds back that scheduled actions have changed since.
const CHANGED_BY_ACTIONS: &str = "  lifecycle {\n    ignore_changes = [min_capacity, max_capacity]\n  }\n";

/// The arguments with which a resource of Terraform names its target.
const OF_TARGET: &str = "  service_namespace  = aws_appautoscaling_target.cost_guard.service_namespace\n  \
     scalable_dimension = aws_appautoscaling_target.cost_guard.scalable_dimension\n  \
     resource_id        = aws_appautoscaling_target.cost_guard.resource_id\n";

impl Tracking {
    fn cloud_formation(&self) -> String {
        let metric = match &self.metric {
            Tracked::Backlog(endpoint) => format!(
                "      CustomizedMetricSpecification:\n        MetricName: {BACKLOG_METRIC}\n        Namespace: AWS/SageMaker\n        \
                 Statistic: Average\n        Dimensions: [{{Name: EndpointName, Value: {}}}]\n",
                literal(endpoint)
            ),
            other => {
                format!("      PredefinedMetricSpecification:\n        PredefinedMetricType: {}\n", other.predefined().unwrap_or_default())
            }
        };
        format!(
            "CostGuardScalingPolicy:\n  Type: AWS::ApplicationAutoScaling::ScalingPolicy\n  Properties:\n    PolicyName: {POLICY_NAME}\n    \
             PolicyType: TargetTrackingScaling\n    ScalingTargetId: !Ref CostGuardScalableTarget\n    TargetTrackingScalingPolicyConfiguration:\n      \
             TargetValue: {}\n{metric}      ScaleOutCooldown: {}\n      ScaleInCooldown: {}\n",
            self.target,
            self.scale_out_cooldown.signed().as_secs(),
            self.scale_in_cooldown.signed().as_secs()
        )
    }

    fn terraform(&self) -> String {
        let metric = match &self.metric {
            Tracked::Backlog(endpoint) => format!(
                "    customized_metric_specification {{\n      metric_name = \"{BACKLOG_METRIC}\"\n      namespace   = \"AWS/SageMaker\"\n      \
                 statistic   = \"Average\"\n      dimensions {{\n        name  = \"EndpointName\"\n        value = {}\n      }}\n    }}\n",
                template(endpoint)
            ),
            other => format!(
                "    predefined_metric_specification {{\n      predefined_metric_type = \"{}\"\n    }}\n",
                other.predefined().unwrap_or_default()
            ),
        };
        format!(
            "resource \"aws_appautoscaling_policy\" \"cost_guard\" {{\n  name               = \"{POLICY_NAME}\"\n  \
             policy_type        = \"TargetTrackingScaling\"\n{OF_TARGET}  target_tracking_scaling_policy_configuration {{\n    target_value       = {}\n    \
             scale_out_cooldown = {}\n    scale_in_cooldown  = {}\n{metric}  }}\n}}\n",
            self.target,
            self.scale_out_cooldown.signed().as_secs(),
            self.scale_in_cooldown.signed().as_secs()
        )
    }
}

impl Wake {
    fn cloud_formation(&self, alarm: &str) -> String {
        let ((dimension, value), minutes) = (self.of(), self.minutes());
        format!(
            "CostGuardFirstPolicy:\n  Type: AWS::ApplicationAutoScaling::ScalingPolicy\n  Properties:\n    PolicyName: {FIRST_NAME}\n    \
             PolicyType: StepScaling\n    ScalingTargetId: !Ref CostGuardScalableTarget\n    StepScalingPolicyConfiguration:\n      \
             AdjustmentType: ChangeInCapacity\n      MetricAggregationType: {}\n      Cooldown: {}\n      \
             StepAdjustments: [{{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}}]\n\
             CostGuardFirstAlarm:\n  Type: AWS::CloudWatch::Alarm\n  Properties:\n    AlarmName: {}\n    Namespace: AWS/SageMaker\n    MetricName: {}\n    \
             Dimensions: [{{Name: {dimension}, Value: {}}}]\n    Statistic: {}\n    Period: 60\n    EvaluationPeriods: {minutes}\n    \
             DatapointsToAlarm: {minutes}\n    Threshold: 1\n    ComparisonOperator: GreaterThanOrEqualToThreshold\n    \
             TreatMissingData: missing\n    AlarmActions: [!Ref CostGuardFirstPolicy]\n",
            self.aggregation(),
            self.cooldown(),
            literal(alarm),
            self.metric(),
            literal(value),
            self.statistic()
        )
    }

    fn terraform(&self, alarm: &str) -> String {
        let ((dimension, value), minutes) = (self.of(), self.minutes());
        format!(
            "resource \"aws_appautoscaling_policy\" \"cost_guard_first\" {{\n  name               = \"{FIRST_NAME}\"\n  \
             policy_type        = \"StepScaling\"\n{OF_TARGET}  step_scaling_policy_configuration {{\n    adjustment_type         = \"ChangeInCapacity\"\n    \
             metric_aggregation_type = \"{}\"\n    cooldown                = {}\n    step_adjustment {{\n      metric_interval_lower_bound = 0\n      \
             scaling_adjustment          = 1\n    }}\n  }}\n}}\n\
             resource \"aws_cloudwatch_metric_alarm\" \"cost_guard_first\" {{\n  alarm_name          = {}\n  namespace           = \"AWS/SageMaker\"\n  \
             metric_name         = \"{}\"\n  dimensions          = {{ {dimension} = {} }}\n  statistic           = \"{}\"\n  period              = 60\n  \
             evaluation_periods  = {minutes}\n  datapoints_to_alarm = {minutes}\n  threshold           = 1\n  \
             comparison_operator = \"GreaterThanOrEqualToThreshold\"\n  treat_missing_data  = \"missing\"\n  \
             alarm_actions       = [aws_appautoscaling_policy.cost_guard_first.arn]\n}}\n",
            self.aggregation(),
            self.cooldown(),
            template(alarm),
            self.metric(),
            template(value),
            self.statistic()
        )
    }
}

/// A text in Terraform's language: `${` and `%{` would begin a template.
fn template(text: &str) -> String {
    literal(text).replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use crate::scaling::to_zero::{asynchronous_to_zero, component_to_zero};

    #[test]
    fn code_brings_the_first_one_back() {
        let queue = asynchronous_to_zero("queue", "AllTraffic", 2);
        let llm = component_to_zero("llm", 3);
        for (attachment, says) in [
            (&queue, &["ApproximateBacklogSizePerInstance", "HasBacklogWithoutCapacity", "EndpointName"][..]),
            (
                &llm,
                &[
                    "SageMakerInferenceComponentInvocationsPerCopy",
                    "NoCapacityInvocationFailures",
                    "InferenceComponentName",
                    "DesiredCopyCount",
                ],
            ),
        ] {
            for code in [attachment.cloud_formation(), attachment.terraform()] {
                let mut missing =
                    says.iter().chain(["cost-guard-first", "GreaterThanOrEqualToThreshold"].iter()).filter(|says| !code.contains(**says));
                assert_eq!(missing.next(), None, "{code}");
            }
        }
        assert!(queue.cloud_formation().contains("MinCapacity: 0\n    MaxCapacity: 2\n"));
        assert!(llm.terraform().contains("alarm_actions       = [aws_appautoscaling_policy.cost_guard_first.arn]"));
    }
}
