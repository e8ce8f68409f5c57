//! # warm-pool-idle
//!
//! ## What it finds
//! A series of training jobs that keeps its instances warm (`KeepAlivePeriodInSeconds`) for later jobs that do not come: more than `unused-share` of its
//! warm pools of the last four weeks were not used again.
//!
//! ## Why it costs money
//! A warm pool is billed like training as long as it exists.
//!
//! ## What happens, and what is lost
//! The owner of its newest job is mailed. Nothing else happens.
//!
//! ## Settings

use rust_decimal::dec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::JobSeries,
    rules::{
        context::{RuleContext, unpriced_job},
        rule::Rule,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::roughly,
        price::{HOURS_PER_MONTH, Usd},
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WarmPoolIdle {
    /// The share of a series' warm pools that may end unused.
    #[schemars(range(min = 0.0, max = 1.0))]
    unused_share: f64,
    /// Unused warm pools that cost less than this, in USD per month, are not reported.
    min_monthly_cost: Usd,
}

impl Default for WarmPoolIdle {
    fn default() -> Self {
        Self { unused_share: 0.5, min_monthly_cost: Usd(dec!(5)) }
    }
}

impl Rule for WarmPoolIdle {
    const NAME: &'static str = "warm-pool-idle";
    const TO_DO: &'static str = "keep instances warm for a shorter time: keep_alive_period_in_seconds";
    type Subject = JobSeries;

    fn nonsense(&self) -> Option<&'static str> {
        (!(0.0..=1.0).contains(&self.unused_share)).then_some("`unused-share` is no share: write a number from 0 to 1, 0.5 for a half")
    }

    fn check(&self, series: &JobSeries, cx: &RuleContext<'_>) -> Verdict {
        if f64::from(series.unused_warm_pools) <= f64::from(series.warm_pools) * self.unused_share {
            return Verdict::Fine;
        }
        let usd_per_hour = cx.hourly_of(&series.instances);
        let usd_per_month = usd_per_hour.map(|usd| usd * series.unused_for.in_hours() * HOURS_PER_MONTH / series.window.in_hours());
        if usd_per_month.is_some_and(|usd| usd < self.min_monthly_cost.0) {
            return Verdict::Fine;
        }
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "{} of its {} warm pools of the last {} were never used again, and were kept for {} in all",
                series.unused_warm_pools,
                series.warm_pools,
                series.window,
                roughly(series.unused_for.signed())
            )
            .into(),
            usd_per_month,
            notice: Notice {
                advice: Some(
                    "keep instances warm only where the next job follows: keep_alive_period_in_seconds of the Estimator, or \
                 ResourceConfig.KeepAlivePeriodInSeconds, shorter or left out. Without a warm pool the jobs may run on Spot."
                        .to_owned(),
                ),
                unpriced: unpriced_job(&series.instances, usd_per_hour),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;
    use crate::vocabulary::duration::Duration;

    #[test]
    fn finds_pools_that_wait_in_vain() {
        for (pools, unused, hours, told) in [
            (0, 0, 0, None),
            (10, 5, 20, None),
            (10, 6, 20, Some("6 of its 10 warm pools of the last 14d were never used again, and were kept for 20h in all")),
            (2, 2, 2, None), // less than 5 USD a month
        ] {
            let series = JobSeries { warm_pools: pools, unused_warm_pools: unused, unused_for: Duration::hours(hours), ..job_series() };
            match WarmPoolIdle::default().check(&series, &context("2026-11-24T12:00:00Z")) {
                Verdict::Fine => assert_eq!(told, None, "{series:?}"),
                Verdict::Waste(waste) => {
                    assert_eq!(Some(waste.reason.to_string().as_str()), told);
                    // 20 h x 0.23 USD in 14 days.
                    assert_eq!(waste.usd_per_month.map(|usd| usd.round_dp(2)), Some(dec!(9.99)));
                }
                verdict => panic!("{verdict:?}"),
            }
        }
    }
}
