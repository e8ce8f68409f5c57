//! A first look at many endpoints: what scaling could save at most, from sums by the hour.

use crate::scaling::lines::number;

/// The most instance-hours that any setting can save in these hours, from the sum of requests of each. Only what could save enough is worth datapoints by the minute.
///
/// In an hour with so many requests, at least their even share of instances must be there, except in minutes that may be short. An hour without a datapoint counts as
/// one without requests.
pub fn saving_at_most(hours: &[Option<u64>], per_instance: f64, instances: u32, min_instances: u32, max_short_share: f64) -> f64 {
    let (now, least) = (f64::from(instances), f64::from(min_instances));
    let needed = |requests: &Option<u64>| (number(requests.unwrap_or(0)) / 60.0 / per_instance).max(least).min(now);
    let saved: f64 = hours.iter().map(|requests| now - needed(requests)).sum();
    let spared = number(hours.len() as u64) * max_short_share * (now - least).max(0.0);
    saved + spared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scaling::{Question, Terms, Traffic, propose};

    #[test]
    fn an_endpoint_that_nobody_calls_saves_all_but_the_minimum() {
        assert!((saving_at_most(&[Some(0), None], 120.0, 8, 1, 0.0) - 14.0).abs() < 1e-9);
        // Half an instance for an hour, and what one minute of a hundred may spare.
        assert!((saving_at_most(&[Some(3600); 2], 120.0, 8, 0, 0.01) - 15.16).abs() < 1e-9);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn no_proposal_saves_more(levels in prop::collection::vec(0_u64..900, 24..72), instances in 1_u32..9) {
            let minutes = levels.iter().flat_map(|level| std::iter::repeat_n(Some(*level), 60));
            let traffic = Traffic::new("2026-11-23T00:00:00Z".parse().unwrap(), minutes);
            let question =
                Question { terms: Terms::usual(120.0), instances, min_instances: 1, max_short_share: 0.01, zone: jiff::tz::TimeZone::UTC };
            let proposal = propose(&traffic, &question);
            let saved = number(proposal.today.instance_minutes - proposal.replay.instance_minutes) / 60.0;
            let hours: Vec<_> = levels.iter().map(|level| Some(level * 60)).collect();
            prop_assert!(saved <= saving_at_most(&hours, 120.0, instances, 1, 0.01) + 1e-6);
        }
    }
}
