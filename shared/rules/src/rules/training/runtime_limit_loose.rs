//! # runtime-limit-loose
//!
//! ## What it finds
//! A series of training jobs whose time limit (`StoppingCondition.MaxRuntimeInSeconds`) is more than `factor` times the duration of its longest completed job
//! of the last four weeks. A limit of `fine-below` or less is always fine.
//!
//! ## Why it costs money
//! A job that hangs is billed until its limit. The default limit is one day, and usually nobody notices before that.
//!
//! ## What happens, and what is lost
//! The owner of its newest job is mailed. Nothing else happens.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::JobSeries,
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::Duration,
        price::{dollars, price_not_known},
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RuntimeLimitLoose {
    /// How many times the duration of the longest job a limit may be.
    #[schemars(range(min = 1))]
    factor: u32,
    /// A series with fewer completed jobs is not reported.
    min_jobs: u32,
    /// A limit up to this is always fine.
    fine_below: Duration,
}

impl Default for RuntimeLimitLoose {
    fn default() -> Self {
        Self { factor: 10, min_jobs: 5, fine_below: Duration::hours(2) }
    }
}

impl Rule for RuntimeLimitLoose {
    const NAME: &'static str = "runtime-limit-loose";
    const TO_DO: &'static str = "set a shorter time limit: max_run";
    type Subject = JobSeries;

    fn nonsense(&self) -> Option<&'static str> {
        (self.factor == 0).then_some("`factor` is 0: every limit would be too long")
    }

    fn check(&self, series: &JobSeries, cx: &RuleContext<'_>) -> Verdict {
        let Some(limit) = series.max_runtime else { return Verdict::Fine };
        if series.completed < self.min_jobs || limit <= self.fine_below || limit <= series.longest * self.factor {
            return Verdict::Fine;
        }
        let at_stake = match cx.hourly_of(&series.instances) {
            Some(usd) => format!(": a job that hangs costs up to {}", dollars(usd * limit.in_hours())),
            None => format!(": a job that hangs is billed for all of it, {}", price_not_known(&series.instances)),
        };
        // Twice the longest duration, up to the next whole hour.
        let enough = (series.longest.signed().as_secs() * 2).div_euclid(3600) + 1;
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "its time limit is {limit}, but the longest of its {} completed jobs of the last {} took {}{at_stake}",
                series.completed, series.window, series.longest
            )
            .into(),
            notice: Notice {
                advice: Some(format!(
                    "set max_run of the Estimator, or StoppingCondition.MaxRuntimeInSeconds, to for example {}.",
                    enough * 3600
                )),
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

    #[test]
    fn compares_the_limit_with_what_such_jobs_took() {
        for (limit, longest, completed, waste) in [
            (Some(Duration::hours(24)), Duration::minutes(90), 5, true),
            (Some(Duration::hours(24)), Duration::minutes(144), 5, false), // ten times
            (Some(Duration::hours(24)), Duration::minutes(90), 4, false),
            (Some(Duration::hours(2)), Duration::minutes(5), 50, false),
            (None, Duration::minutes(5), 50, false),
        ] {
            let series = JobSeries { max_runtime: limit, longest, completed, ..job_series() };
            let verdict = RuntimeLimitLoose::default().check(&series, &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{series:?}: {verdict:?}");
        }
    }

    #[test]
    fn says_what_a_hanging_job_costs_and_what_is_enough() {
        let series = JobSeries { max_runtime: Some(Duration::hours(24)), longest: Duration::minutes(90), completed: 12, ..job_series() };
        let Verdict::Waste(waste) = RuntimeLimitLoose::default().check(&series, &context("2026-11-24T12:00:00Z")) else { panic!("waste") };
        assert_eq!(
            waste.reason,
            "its time limit is 1d, but the longest of its 12 completed jobs of the last 14d took 1h 30m: a job that hangs costs up to $5.52"
        );
        assert!(waste.notice.advice.unwrap().contains("14400"));
    }
}
