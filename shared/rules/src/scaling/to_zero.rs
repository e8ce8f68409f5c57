//! Auto scaling with which an asynchronous endpoint or an inference component goes to zero, and its first instance comes back (aws-facts §3.4).

use rust_decimal::Decimal;

use crate::{
    scaling::attachment::{Attachment, Tracked, Tracking, Wake},
    vocabulary::duration::Duration,
};

/// The requests that one instance of an asynchronous endpoint has waiting: AWS's own example.
const BACKLOG_TARGET: u32 = 5;
/// Requests a minute and copy: AWS's own example. A component that is called keeps all the copies that it has today, one that is not called loses them.
const PER_COPY_TARGET: u32 = 1;

/// For a variant of an asynchronous endpoint that has so many instances: its most.
pub fn asynchronous_to_zero(endpoint: &str, variant: &str, instances: u32) -> Attachment {
    let tracking = Tracking {
        target: BACKLOG_TARGET.into(),
        scale_out_cooldown: Duration::minutes(5),
        scale_in_cooldown: Duration::minutes(10),
        metric: Tracked::Backlog(endpoint.to_owned()),
    };
    // Without it, the first instance comes only when the backlog exceeds the target: with no instance, the metric has no value.
    let wake = Wake::Backlog(endpoint.to_owned());
    to_zero(Attachment::of_variant(endpoint, variant, instances), tracking, wake)
}

/// For an inference component that has so many copies: its most.
pub fn component_to_zero(component: &str, copies: u32) -> Attachment {
    let tracking = Tracking {
        target: Decimal::from(PER_COPY_TARGET),
        scale_out_cooldown: Duration::minutes(5),
        scale_in_cooldown: Duration::minutes(5),
        metric: Tracked::PerCopy,
    };
    to_zero(Attachment::of_component(component, copies), tracking, Wake::Failures(component.to_owned()))
}

fn to_zero(of: Attachment, tracking: Tracking, wake: Wake) -> Attachment {
    Attachment { min: 0, max: of.instances.max(1), tracking: Some(tracking), wake: Some(wake), ..of }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_instance_comes_back_by_an_alarm() {
        let commands = asynchronous_to_zero("queue", "AllTraffic", 2).commands("--region eu-central-1 ");
        let lines: Vec<&str> = commands.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[0].ends_with("--resource-id endpoint/queue/variant/AllTraffic --min-capacity 2 --max-capacity 2"));
        assert!(lines[1].contains(r#""MetricName":"ApproximateBacklogSizePerInstance""#), "{}", lines[1]);
        assert!(lines[2].contains(r#""AdjustmentType":"ChangeInCapacity""#), "{}", lines[2]);
        assert!(lines[2].starts_with("ARN=$(aws ") && lines[2].ends_with("--query PolicyARN --output text)"), "{}", lines[2]);
        assert!(lines[3].contains("--metric-name HasBacklogWithoutCapacity --dimensions 'Name=EndpointName,Value=queue'"), "{}", lines[3]);
        assert!(lines[3].ends_with("--alarm-actions \"$ARN\""), "{}", lines[3]);
        assert!(lines[4].contains("register-scalable-target") && lines[4].ends_with(" --min-capacity 0"), "{}", lines[4]);
        let commands = component_to_zero("llm", 1).commands("--region eu-central-1 ");
        assert!(commands.contains("--comparison-operator GreaterThanOrEqualToThreshold"), "{commands}");
        assert!(commands.contains("SageMakerInferenceComponentInvocationsPerCopy"), "{commands}");
        assert!(commands.contains("sagemaker:inference-component:DesiredCopyCount --resource-id inference-component/llm"), "{commands}");
    }

    #[test]
    fn what_goes_to_zero_by_hand_has_its_alarm_before() {
        use crate::scaling::{Bounds, ScheduledBounds};
        let night = ScheduledBounds { name: "night".into(), schedule: "cron(0 19 ? * * *)".into(), zone: "UTC".into(), min: 0, max: 2 };
        let by_hours = Attachment { actions: vec![night], min: 2, ..asynchronous_to_zero("queue", "v", 2) };
        let theirs = Attachment { before: Some(Bounds { min: 1, max: 2 }), ..asynchronous_to_zero("queue", "v", 2) };
        for (what, last) in [(&by_hours, "MinCapacity=0,MaxCapacity=2"), (&theirs, "--min-capacity 0")] {
            let commands = what.commands("");
            let at = |text: &str| commands.lines().position(|line| line.contains(text));
            assert!(at("put-metric-alarm") < at(last) && commands.trim_end().ends_with(last), "{commands}");
            assert_eq!(commands.matches("capacity 0").count() + commands.matches("Capacity=0").count(), 1, "{commands}");
        }
    }

    #[test]
    fn the_minimum_of_zero_comes_last() {
        assert_eq!((asynchronous_to_zero("queue", "v", 3).first_min(), asynchronous_to_zero("queue", "v", 0).first_min()), (3, 1));
    }
}
