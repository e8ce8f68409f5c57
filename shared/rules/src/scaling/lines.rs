//! The arithmetic of requests and instances, exact at its limits: who is above a line, and how many instances a load needs.

use crate::scaling::load::LOW_SHARE;

/// The requests of a minute as a number.
#[expect(clippy::cast_precision_loss, reason = "as every program does that divides counts")]
pub(super) fn number(requests: u64) -> f64 {
    requests as f64
}

/// Requests a minute and instance. Of no instances it is endless, unless there is nothing to do.
pub(super) fn share(requests: u64, instances: u32) -> f64 {
    match (requests, instances) {
        (0, _) => 0.0,
        (_, 0) => f64::INFINITY,
        _ => number(requests) / f64::from(instances),
    }
}

/// How many instances these requests need, if each takes `each` a minute.
pub(super) fn needed(requests: u64, each: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and too many are the most that there are")]
    let count = (number(requests) / each).ceil() as u32;
    count
}

/// For one number of instances: the requests of a minute at which something changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    /// More than this are above the target.
    pub(super) high: u64,
    /// Fewer than this are below the low share of the target.
    pub(super) low: u64,
    /// So many or fewer need fewer instances.
    pub(super) fewer: u64,
    /// More than this are more than the instances carry.
    pub(super) carried: u64,
}

impl Lines {
    pub(super) fn of(instances: u32, target: f64, per_instance: f64) -> Self {
        let all = f64::from(instances);
        Self {
            high: most(target * all, |requests| share(requests, instances) <= target),
            low: most(LOW_SHARE * target * all, |requests| share(requests, instances) < LOW_SHARE * target).saturating_add(1),
            fewer: instances.checked_sub(1).map_or(0, |less| most(target * f64::from(less), |requests| needed(requests, target) <= less)),
            carried: most(per_instance * all, |requests| share(requests, instances) <= per_instance),
        }
    }
}

/// The most requests for which something holds that holds up to about `guess`: rounding may move it by one or two.
fn most(guess: f64, holds: impl Fn(u64) -> bool) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, and too many are the most that there are")]
    let guess = guess as u64;
    let around = (0..=4).map(|step| guess.saturating_add(2).saturating_sub(step));
    around.into_iter().find(|requests| holds(*requests)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_say_what_divisions_say(instances in 0_u32..40, target in 0.01_f64..500.0, carries in 1_f64..3.0, requests in 0_u64..20_000) {
            let per_instance = target * carries;
            let lines = Lines::of(instances, target, per_instance);
            for requests in [requests, lines.high, lines.high + 1, lines.low, lines.fewer, lines.fewer + 1, lines.carried, lines.carried + 1] {
                let each = share(requests, instances);
                prop_assert_eq!(lines.high < requests, target < each, "{} of {}", requests, instances);
                prop_assert_eq!(requests < lines.low, each < LOW_SHARE * target, "{} of {}", requests, instances);
                prop_assert_eq!(lines.carried < requests, per_instance < each, "{} of {}", requests, instances);
                if 0 < instances {
                    prop_assert_eq!(requests <= lines.fewer, needed(requests, target) < instances, "{} of {}", requests, instances);
                }
            }
        }
    }

    #[test]
    fn huge_numbers_do_not_overflow() {
        let lines = Lines::of(u32::MAX, 1e300, 1e300);
        assert!(u64::MAX - 2 <= lines.high && u64::MAX - 2 <= lines.carried);
        assert_eq!(needed(u64::MAX, 0.001), u32::MAX);
    }
}
