//! What a policy wants, as pure functions: target tracking (aws-facts §3.2) and step scaling.

use serde_json::Value;

use crate::wire::text;

/// How target tracking scales in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScaleIn {
    /// One by one.
    Gradual,
    /// As far as the metric allows.
    Proportional,
}

/// A whole number of instances, not above what anybody has.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded")]
fn whole(number: f64) -> u64 {
    number.clamp(0.0, 1_000_000.0) as u64
}

#[expect(clippy::cast_precision_loss, reason = "numbers of instances fit")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

/// The capacity at which a metric per instance would be at its target, rounded up.
pub(crate) fn tracked(capacity: u64, metric: f64, target: f64) -> u64 {
    // What is exact may come out a little above.
    whole((number(capacity) * metric / target - 1e-9).ceil())
}

/// The capacity after a scale-in of target tracking.
pub(crate) fn tracked_in(desired: u64, want: u64, how: ScaleIn) -> u64 {
    match how {
        ScaleIn::Proportional => want.min(desired),
        ScaleIn::Gradual => want.max(desired.saturating_sub(1)).min(desired),
    }
}

/// The capacity that a step policy wants for a metric; `None`: no step fits.
pub(crate) fn stepped(policy: &Value, desired: u64, value: f64, threshold: f64) -> Option<u64> {
    let distance = value - threshold;
    let bound = |step: &Value, name: &str, absent| step.get(name).and_then(Value::as_f64).unwrap_or(absent);
    // Above the threshold the lower bound belongs to a step, below it the upper one.
    let fits = |step: &&Value| {
        let lower = bound(step, "MetricIntervalLowerBound", f64::NEG_INFINITY);
        let upper = bound(step, "MetricIntervalUpperBound", f64::INFINITY);
        if 0.0 <= lower { lower <= distance && distance < upper } else { lower < distance && distance <= upper }
    };
    let step = policy.get("StepAdjustments")?.as_array()?.iter().find(fits)?;
    let adjustment = step.get("ScalingAdjustment")?.as_f64()?;
    let magnitude = policy.get("MinAdjustmentMagnitude").and_then(Value::as_f64).unwrap_or(0.0);
    let change = match text(policy, "AdjustmentType")? {
        "ExactCapacity" => return Some(whole(adjustment)),
        "PercentChangeInCapacity" => {
            let change = number(desired) * adjustment / 100.0;
            // "Values greater than 1 are rounded down, values between 0 and 1 to 1", and the same below 0.
            let rounded = if change == 0.0 { 0.0 } else { change.trunc().abs().max(1.0).copysign(change) };
            if rounded != 0.0 && rounded.abs() < magnitude { magnitude.copysign(rounded) } else { rounded }
        }
        _ => adjustment,
    };
    Some(whole(number(desired) + change))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn target_tracking_rounds_up_and_goes_down_as_it_is_told() {
        for (capacity, metric, target, want) in
            [(1, 1000.0, 200.0, 5), (5, 20.0, 200.0, 1), (4, 275.0, 200.0, 6), (2, 200.0, 200.0, 2), (3, 0.0, 5.0, 0)]
        {
            assert_eq!(tracked(capacity, metric, target), want, "{capacity} x {metric} / {target}");
        }
        assert_eq!(
            [tracked_in(5, 1, ScaleIn::Gradual), tracked_in(5, 1, ScaleIn::Proportional), tracked_in(5, 9, ScaleIn::Gradual)],
            [4, 1, 5]
        );
    }

    #[test]
    fn steps_are_those_of_the_documentation() {
        let step = |lower, upper, adjustment: i64| json!({"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper, "ScalingAdjustment": adjustment});
        let (none, zero) = (json!(null), json!(0));
        let policy = |steps: Vec<Value>| json!({"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": steps});
        let out = policy(vec![step(zero.clone(), json!(10), 0), step(json!(10), json!(20), 10), step(json!(20), none.clone(), 30)]);
        let inward = policy(vec![step(json!(-10), zero, 0), step(json!(-20), json!(-10), -10), step(none, json!(-20), -30)]);
        for (policy, desired, value, want) in [
            (&out, 10, 60.0, 11),
            (&out, 11, 70.0, 14),
            (&out, 10, 59.0, 10),
            (&inward, 14, 40.0, 13),
            (&inward, 13, 30.0, 10),
            (&inward, 13, 45.0, 13),
        ] {
            assert_eq!(stepped(policy, desired, value, 50.0), Some(want), "{desired} at {value}");
        }
        let mut least = out.clone();
        least["MinAdjustmentMagnitude"] = 3.into();
        assert_eq!(stepped(&least, 10, 60.0, 50.0), Some(13));
        let exact =
            json!({"AdjustmentType": "ExactCapacity", "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 7}]});
        assert_eq!((stepped(&exact, 1, 5.0, 1.0), stepped(&exact, 1, 0.5, 1.0)), (Some(7), None));
        let one =
            json!({"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"MetricIntervalUpperBound": 0, "ScalingAdjustment": -2}]});
        assert_eq!(stepped(&one, 1, 0.0, 1.0), Some(0));
    }
}
