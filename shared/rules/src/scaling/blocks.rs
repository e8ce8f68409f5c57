//! A proposal as people set it: commands of the AWS CLI, `CloudFormation` and Terraform.

use std::fmt::Write as _;

use rust_decimal::prelude::ToPrimitive as _;
use serde_json::json;

use crate::{
    scaling::{
        attachment::{Attachment, DIMENSION, METRIC, NAMESPACE, POLICY_NAME},
        command::autoscaling_command,
    },
    vocabulary::text::{argument, literal, quoted},
};

impl Attachment {
    /// The commands of the AWS CLI, one a line. `region`: the CLI's option ([`crate::vocabulary::resource::region_option`]).
    pub fn commands(&self, region: &str) -> String {
        let command = |name: &str| autoscaling_command(name, region, DIMENSION, &self.resource_id);
        let mut text = format!("{} --min-capacity {} --max-capacity {}\n", command("register-scalable-target"), self.min, self.max);
        let _ = writeln!(
            text,
            "{} --policy-name {POLICY_NAME} --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration {}",
            command("put-scaling-policy"),
            quoted(&self.tracking().to_string())
        );
        for action in &self.actions {
            let _ = writeln!(
                text,
                "{} --scheduled-action-name {} --schedule {} --timezone {} --scalable-target-action MinCapacity={},MaxCapacity={}",
                command("put-scheduled-action"),
                action.name,
                quoted(&action.schedule),
                argument(&action.zone),
                action.min,
                action.max
            );
        }
        text
    }

    /// The policy's configuration, as the API takes it.
    fn tracking(&self) -> serde_json::Value {
        json!({
            "TargetValue": self.target.to_f64(),
            "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
            "ScaleOutCooldown": self.scale_out_cooldown.signed().as_secs(),
            "ScaleInCooldown": self.scale_in_cooldown.signed().as_secs(),
        })
    }

    /// Resources for a `CloudFormation` template, in YAML.
    pub fn cloud_formation(&self) -> String {
        let mut text = format!(
            "CostGuardScalableTarget:\n  Type: AWS::ApplicationAutoScaling::ScalableTarget\n  Properties:\n    ServiceNamespace: {NAMESPACE}\n    \
             ScalableDimension: {DIMENSION}\n    ResourceId: {}\n    MinCapacity: {}\n    MaxCapacity: {}\n",
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
        let _ = write!(
            text,
            "CostGuardScalingPolicy:\n  Type: AWS::ApplicationAutoScaling::ScalingPolicy\n  Properties:\n    PolicyName: {POLICY_NAME}\n    \
             PolicyType: TargetTrackingScaling\n    ScalingTargetId: !Ref CostGuardScalableTarget\n    TargetTrackingScalingPolicyConfiguration:\n      \
             TargetValue: {}\n      PredefinedMetricSpecification:\n        PredefinedMetricType: {METRIC}\n      ScaleOutCooldown: {}\n      \
             ScaleInCooldown: {}\n",
            self.target,
            self.scale_out_cooldown.signed().as_secs(),
            self.scale_in_cooldown.signed().as_secs()
        );
        text
    }

    /// Resources for Terraform.
    pub fn terraform(&self) -> String {
        const OF_TARGET: &str = "  service_namespace  = aws_appautoscaling_target.cost_guard.service_namespace\n  \
             scalable_dimension = aws_appautoscaling_target.cost_guard.scalable_dimension\n  \
             resource_id        = aws_appautoscaling_target.cost_guard.resource_id\n";
        let mut text = format!(
            "resource \"aws_appautoscaling_target\" \"cost_guard\" {{\n  service_namespace  = \"{NAMESPACE}\"\n  scalable_dimension = \"{DIMENSION}\"\n  \
             resource_id        = {}\n  min_capacity       = {}\n  max_capacity       = {}\n}}\n",
            template(&self.resource_id),
            self.min,
            self.max
        );
        let _ = write!(
            text,
            "resource \"aws_appautoscaling_policy\" \"cost_guard\" {{\n  name               = \"{POLICY_NAME}\"\n  \
             policy_type        = \"TargetTrackingScaling\"\n{OF_TARGET}  target_tracking_scaling_policy_configuration {{\n    target_value       = {}\n    \
             scale_out_cooldown = {}\n    scale_in_cooldown  = {}\n    predefined_metric_specification {{\n      predefined_metric_type = \"{METRIC}\"\n    }}\n  \
             }}\n}}\n",
            self.target,
            self.scale_out_cooldown.signed().as_secs(),
            self.scale_in_cooldown.signed().as_secs()
        );
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
        text
    }
}

/// A text in Terraform's language: `${` and `%{` would begin a template.
fn template(text: &str) -> String {
    literal(text).replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        scaling::{Scheduled, Setting, days::Days},
        vocabulary::duration::Duration,
    };

    fn setting() -> Setting {
        let weekdays = Days::of([jiff::civil::Weekday::Saturday, jiff::civil::Weekday::Sunday]).others();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Setting {
            min: 1,
            max: 6,
            target: 62.5,
            scale_out_cooldown: Duration::minutes(5),
            scale_in_cooldown: Duration::minutes(10),
            schedules: vec![Scheduled { days: weekdays, minute: 7 * 60 + 45, zone, min: 4, max: 6 }],
        }
    }

    fn variant(endpoint: &str) -> Attachment {
        Attachment::new(endpoint, "AllTraffic", 4, &setting())
    }

    #[test]
    fn commands_set_the_target_the_policy_and_each_scheduled_action() {
        let commands = variant("churn").commands("--region eu-central-1 ");
        let lines: Vec<&str> = commands.lines().collect();
        let common = "--region eu-central-1 --service-namespace sagemaker --scalable-dimension sagemaker:variant:DesiredInstanceCount --resource-id \
                      endpoint/churn/variant/AllTraffic";
        assert_eq!(lines[0], format!("aws application-autoscaling register-scalable-target {common} --min-capacity 1 --max-capacity 6"));
        assert!(
            lines[1]
                .starts_with(&format!("aws application-autoscaling put-scaling-policy {common} --policy-name cost-guard-target-tracking"))
        );
        let (_, configuration) = lines[1].split_once("configuration ").unwrap();
        let configuration: serde_json::Value = serde_json::from_str(configuration.trim_matches('\'')).unwrap();
        assert_eq!(configuration, variant("churn").tracking());
        assert_eq!(
            lines[2],
            format!(
                "aws application-autoscaling put-scheduled-action {common} --scheduled-action-name cost-guard-mon-fri-0745 --schedule \
                 'cron(45 7 ? * MON-FRI *)' --timezone Europe/Berlin --scalable-target-action MinCapacity=4,MaxCapacity=6"
            )
        );
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn names_of_others_stay_texts() {
        let odd = variant("a\" ${b} '; reboot #");
        assert!(odd.commands("--region eu-central-1 ").contains(r#"--resource-id 'endpoint/a" ${b} '\''; reboot #/variant/AllTraffic'"#));
        assert!(odd.cloud_formation().contains(r#"ResourceId: "endpoint/a\" ${b} '; reboot #/variant/AllTraffic""#));
        assert!(odd.terraform().contains(r#"= "endpoint/a\" $${b} '; reboot #/variant/AllTraffic""#));
    }

    #[test]
    fn code_has_the_same_numbers() {
        let (stack, terraform) = (variant("churn").cloud_formation(), variant("churn").terraform());
        for text in [
            "MinCapacity: 1\n",
            "MaxCapacity: 6\n",
            "TargetValue: 62.5\n",
            "ScaleInCooldown: 600\n",
            "Schedule: \"cron(45 7 ? * MON-FRI *)\"\n",
            "Timezone: \"Europe/Berlin\"\n",
        ] {
            assert!(stack.contains(text), "{text}: {stack}");
        }
        for text in [
            "min_capacity       = 1\n",
            "target_value       = 62.5\n",
            "scale_in_cooldown  = 600\n",
            "\"cost_guard_mon_fri_0745\"",
            "timezone           = \"Europe/Berlin\"\n",
        ] {
            assert!(terraform.contains(text), "{text}: {terraform}");
        }
    }
}
