//! A proposal as people set it: commands of the AWS CLI, `CloudFormation` and Terraform.

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    scaling::{days::Scheduled, setting::Setting},
    vocabulary::text::{argument, literal, quoted},
};

/// Names that the guard gives begin with this, because policies and scheduled actions cannot be tagged.
const PREFIX: &str = "cost-guard";

/// The variant of an endpoint that a setting is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The Region.
    pub region: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The variant's name.
    pub variant: String,
}

const NAMESPACE: &str = "sagemaker";
const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";
const METRIC: &str = "SageMakerVariantInvocationsPerInstance";

impl Variant {
    fn resource_id(&self) -> String {
        format!("endpoint/{}/variant/{}", self.endpoint, self.variant)
    }

    /// The commands of the AWS CLI, one a line.
    pub fn commands(&self, setting: &Setting) -> String {
        let command = |name: &str| {
            format!(
                "aws application-autoscaling {name} --region {} --service-namespace {NAMESPACE} --scalable-dimension {DIMENSION} --resource-id {}",
                argument(&self.region),
                argument(&self.resource_id())
            )
        };
        let mut text = format!("{} --min-capacity {} --max-capacity {}\n", command("register-scalable-target"), setting.min, setting.max);
        let _ = writeln!(
            text,
            "{} --policy-name {PREFIX}-target-tracking --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration {}",
            command("put-scaling-policy"),
            quoted(&tracking(setting).to_string())
        );
        for action in &setting.schedules {
            let _ = writeln!(
                text,
                "{} --scheduled-action-name {} --schedule {} --timezone {} --scalable-target-action MinCapacity={},MaxCapacity={}",
                command("put-scheduled-action"),
                action_name(action),
                quoted(&cron(action)),
                argument(action.zone_name()),
                action.min,
                action.max
            );
        }
        text
    }

    /// Resources for a `CloudFormation` template, in YAML.
    pub fn cloud_formation(&self, setting: &Setting) -> String {
        let mut text = format!(
            "CostGuardScalableTarget:\n  Type: AWS::ApplicationAutoScaling::ScalableTarget\n  Properties:\n    ServiceNamespace: {NAMESPACE}\n    \
             ScalableDimension: {DIMENSION}\n    ResourceId: {}\n    MinCapacity: {}\n    MaxCapacity: {}\n",
            literal(&self.resource_id()),
            setting.min,
            setting.max
        );
        if !setting.schedules.is_empty() {
            text.push_str("    ScheduledActions:\n");
        }
        for action in &setting.schedules {
            let _ = write!(
                text,
                "      - ScheduledActionName: {}\n        Schedule: {}\n        Timezone: {}\n        ScalableTargetAction:\n          \
                 MinCapacity: {}\n          MaxCapacity: {}\n",
                action_name(action),
                literal(&cron(action)),
                literal(action.zone_name()),
                action.min,
                action.max
            );
        }
        let _ = write!(
            text,
            "CostGuardScalingPolicy:\n  Type: AWS::ApplicationAutoScaling::ScalingPolicy\n  Properties:\n    PolicyName: {PREFIX}-target-tracking\n    \
             PolicyType: TargetTrackingScaling\n    ScalingTargetId: !Ref CostGuardScalableTarget\n    TargetTrackingScalingPolicyConfiguration:\n      \
             TargetValue: {}\n      PredefinedMetricSpecification:\n        PredefinedMetricType: {METRIC}\n      ScaleOutCooldown: {}\n      \
             ScaleInCooldown: {}\n",
            setting.target,
            setting.scale_out_cooldown.signed().as_secs(),
            setting.scale_in_cooldown.signed().as_secs()
        );
        text
    }

    /// Resources for Terraform.
    pub fn terraform(&self, setting: &Setting) -> String {
        const OF_TARGET: &str = "  service_namespace  = aws_appautoscaling_target.cost_guard.service_namespace\n  \
             scalable_dimension = aws_appautoscaling_target.cost_guard.scalable_dimension\n  \
             resource_id        = aws_appautoscaling_target.cost_guard.resource_id\n";
        let mut text = format!(
            "resource \"aws_appautoscaling_target\" \"cost_guard\" {{\n  service_namespace  = \"{NAMESPACE}\"\n  scalable_dimension = \"{DIMENSION}\"\n  \
             resource_id        = {}\n  min_capacity       = {}\n  max_capacity       = {}\n}}\n",
            template(&self.resource_id()),
            setting.min,
            setting.max
        );
        let _ = write!(
            text,
            "resource \"aws_appautoscaling_policy\" \"cost_guard\" {{\n  name               = \"{PREFIX}-target-tracking\"\n  \
             policy_type        = \"TargetTrackingScaling\"\n{OF_TARGET}  target_tracking_scaling_policy_configuration {{\n    target_value       = {}\n    \
             scale_out_cooldown = {}\n    scale_in_cooldown  = {}\n    predefined_metric_specification {{\n      predefined_metric_type = \"{METRIC}\"\n    }}\n  \
             }}\n}}\n",
            setting.target,
            setting.scale_out_cooldown.signed().as_secs(),
            setting.scale_in_cooldown.signed().as_secs()
        );
        for action in &setting.schedules {
            let _ = write!(
                text,
                "resource \"aws_appautoscaling_scheduled_action\" \"{}\" {{\n  name               = \"{}\"\n{OF_TARGET}  schedule           = {}\n  \
                 timezone           = {}\n  scalable_target_action {{\n    min_capacity = {}\n    max_capacity = {}\n  }}\n}}\n",
                action_name(action).replace('-', "_"),
                action_name(action),
                template(&cron(action)),
                template(action.zone_name()),
                action.min,
                action.max
            );
        }
        text
    }
}

fn tracking(setting: &Setting) -> serde_json::Value {
    json!({
        "TargetValue": setting.target,
        "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
        "ScaleOutCooldown": setting.scale_out_cooldown.signed().as_secs(),
        "ScaleInCooldown": setting.scale_in_cooldown.signed().as_secs(),
    })
}

/// A name that is the same for the same days and time: putting it again replaces the action. Colons and blanks are not allowed in it.
fn action_name(action: &Scheduled) -> String {
    let (hour, minute) = action.hour_and_minute();
    format!("{PREFIX}-{}-{hour:02}{minute:02}", action.days.to_string().replace(',', "-"))
}

fn cron(action: &Scheduled) -> String {
    let (hour, minute) = action.hour_and_minute();
    format!("cron({minute} {hour} ? * {} *)", action.days.to_string().to_uppercase())
}

/// A text in Terraform's language: `${` and `%{` would begin a template.
fn template(text: &str) -> String {
    literal(text).replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{scaling::days::Days, vocabulary::duration::Duration};

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

    fn variant(endpoint: &str) -> Variant {
        Variant { region: "eu-central-1".into(), endpoint: endpoint.into(), variant: "AllTraffic".into() }
    }

    #[test]
    fn commands_set_the_target_the_policy_and_each_scheduled_action() {
        let commands = variant("churn").commands(&setting());
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
        assert_eq!(configuration, tracking(&setting()));
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
        assert!(odd.commands(&setting()).contains(r#"--resource-id 'endpoint/a" ${b} '\''; reboot #/variant/AllTraffic'"#));
        assert!(odd.cloud_formation(&setting()).contains(r#"ResourceId: "endpoint/a\" ${b} '; reboot #/variant/AllTraffic""#));
        assert!(odd.terraform(&setting()).contains(r#"= "endpoint/a\" $${b} '; reboot #/variant/AllTraffic""#));
    }

    #[test]
    fn code_has_the_same_numbers() {
        let (stack, terraform) = (variant("churn").cloud_formation(&setting()), variant("churn").terraform(&setting()));
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
