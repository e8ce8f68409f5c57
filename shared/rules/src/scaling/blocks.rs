//! Auto scaling as people set it: commands of the AWS CLI. The templates are in `code`.

use std::fmt::Write as _;

use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};

use crate::{
    scaling::{
        attachment::{Attachment, BACKLOG_METRIC, FIRST_NAME, POLICY_NAME, ScheduledBounds, Tracked, Tracking, Wake},
        command::autoscaling_command,
    },
    vocabulary::text::{argument, quoted},
};

impl Attachment {
    /// The commands of the AWS CLI, one a line, in an order in which nothing goes to zero before there is what wakes it. `region`: the CLI's option
    /// ([`crate::vocabulary::resource::region_option`]).
    pub fn commands(&self, region: &str) -> String {
        let command = |name: &str| self.command(name, region);
        let register = command("register-scalable-target");
        let (first, mut text) = (self.first_min(), String::new());
        match self.before {
            None => {
                let _ = writeln!(text, "{register} --min-capacity {first} --max-capacity {}", self.max);
            }
            Some(before) if ![before.min, 0].contains(&self.min) => {
                let _ = writeln!(text, "{register} --min-capacity {}", self.min);
            }
            Some(_) => {}
        }
        if let Some(tracking) = &self.tracking {
            let _ = writeln!(
                text,
                "{} --policy-name {POLICY_NAME} --policy-type TargetTrackingScaling --target-tracking-scaling-policy-configuration {}",
                command("put-scaling-policy"),
                quoted(&tracking.configuration().to_string())
            );
        }
        if let Some(wake) = &self.wake {
            let _ = writeln!(
                text,
                "ARN=$({} --policy-name {FIRST_NAME} --policy-type StepScaling --step-scaling-policy-configuration {} --query PolicyARN --output text)",
                command("put-scaling-policy"),
                quoted(&wake.configuration().to_string())
            );
            text += &wake.command(region, &self.alarm_name());
        }
        self.actions.iter().for_each(|action| text += &action.command(&command("put-scheduled-action")));
        if self.min == 0 && self.before.map_or(first, |before| before.min) != 0 {
            let _ = writeln!(text, "{register} --min-capacity 0");
        }
        text
    }

    /// A command of Application Auto Scaling about it. `region`: as above.
    pub fn command(&self, name: &str, region: &str) -> String {
        autoscaling_command(name, region, self.dimension(), &self.resource_id)
    }
}

impl Tracking {
    /// The policy's configuration, as the API takes it.
    pub fn configuration(&self) -> Value {
        let mut configuration = json!({
            "TargetValue": self.target.to_f64(),
            "ScaleOutCooldown": self.scale_out_cooldown.signed().as_secs(),
            "ScaleInCooldown": self.scale_in_cooldown.signed().as_secs(),
        });
        match &self.metric {
            Tracked::Backlog(endpoint) => {
                configuration["CustomizedMetricSpecification"] = json!({
                    "MetricName": BACKLOG_METRIC, "Namespace": "AWS/SageMaker", "Statistic": "Average",
                    "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
                });
            }
            other => configuration["PredefinedMetricSpecification"] = json!({"PredefinedMetricType": other.predefined()}),
        }
        configuration
    }
}

impl Wake {
    /// The configuration of the policy that adds the first one, as the API takes it.
    fn configuration(&self) -> Value {
        json!({
            "AdjustmentType": "ChangeInCapacity", "MetricAggregationType": self.aggregation(), "Cooldown": self.cooldown(),
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        })
    }

    /// The command that puts the alarm.
    fn command(&self, region: &str, alarm: &str) -> String {
        let (dimension, value) = self.of();
        let (metric, statistic, minutes) = (self.metric(), self.statistic(), self.minutes());
        format!(
            "aws cloudwatch put-metric-alarm {region}--alarm-name {} --namespace AWS/SageMaker --metric-name {metric} --dimensions {} --statistic \
             {statistic} --period 60 --evaluation-periods {minutes} --datapoints-to-alarm {minutes} --threshold 1 --comparison-operator \
             GreaterThanOrEqualToThreshold --treat-missing-data missing --alarm-actions \"$ARN\"\n",
            argument(alarm),
            quoted(&format!("Name={dimension},Value={value}"))
        )
    }
}

impl ScheduledBounds {
    fn command(&self, put: &str) -> String {
        format!(
            "{put} --scheduled-action-name {} --schedule {} --timezone {} --scalable-target-action MinCapacity={},MaxCapacity={}\n",
            self.name,
            quoted(&self.schedule),
            argument(&self.zone),
            self.min,
            self.max
        )
    }
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
        assert_eq!(configuration, variant("churn").tracking.unwrap().configuration());
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
            "    ignore_changes = [min_capacity, max_capacity]\n",
        ] {
            assert!(terraform.contains(text), "{text}: {terraform}");
        }
        let plain = Attachment { actions: vec![], ..variant("churn") };
        assert!(!plain.terraform().contains("ignore_changes"), "nothing else changes its bounds");
    }
}
