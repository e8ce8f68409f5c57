//! # tuning-on-demand
//!
//! ## What it finds
//! A hyperparameter tuning job whose training jobs run at on-demand prices: it did not ask for managed Spot, or it asked and its training jobs did
//! not get it. (The second case is not seen when a tuning job begins, because it has no training jobs yet.) A job below `min-hourly-cost` is left alone.
//!
//! ## Why it costs money
//! A tuning job starts many training jobs, and each of them starts from zero anyway. That makes it the best use of Spot.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed, with the lines to change. Enforce (needs `remedy = "stop"`): its owner is warned, and after `grace` the tuning job and its
//! running training jobs are stopped. The results of the ended ones are kept. A tuning job is never resubmitted: it would lose what it has learned.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{JobStatus, TuningJob},
    remedy::Remedy,
    rules::{
        context::RuleContext,
        rule::{Manner, RemedyName, Rule},
        training::StopRemedy,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::Duration,
        price::{HOURS_PER_MONTH, Usd, dollars},
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TuningOnDemand {
    /// The action if the rule is enforced: `"stop"`. To enforce the rule, the policy must set it.
    remedy: StopRemedy,
    /// A tuning job is left alone if all training jobs that may run at the same time cost less than this, in USD per hour.
    min_hourly_cost: Usd,
}

impl Default for TuningOnDemand {
    fn default() -> Self {
        Self { remedy: StopRemedy::None, min_hourly_cost: Usd(dec!(0.1)) }
    }
}

impl Rule for TuningOnDemand {
    const NAME: &'static str = "tuning-on-demand";
    const MANNER: Manner = Manner { notified_per_series: true, ..Manner::ENFORCEABLE };
    type Subject = TuningJob;

    fn remedy(&self) -> Option<RemedyName> {
        self.remedy.name()
    }

    fn lacks(&self) -> Option<&'static str> {
        (self.remedy == StopRemedy::None).then_some("has no `remedy`: write remedy = \"stop\"")
    }

    fn check(&self, job: &TuningJob, cx: &RuleContext<'_>) -> Verdict {
        if job.status != JobStatus::InProgress {
            return Verdict::Fine;
        }
        let found = match (job.spot, job.running) {
            (false, _) => "did not ask for managed Spot, which costs up to 90 % less".to_owned(),
            (true, Some((running, on_spot))) if on_spot < running => {
                format!("asked for managed Spot, but {} of its {running} running training jobs did not get it", running - on_spot)
            }
            (true, Some(_)) => return Verdict::Fine,
            (true, None) => return Verdict::Later,
        };
        // All training jobs that run at the same time may be of the most expensive definition.
        let dearest = job.definitions.iter().filter_map(|instances| cx.hourly_of(instances)).max();
        let usd_per_hour = dearest.map(|usd| usd * Decimal::from(job.parallel));
        if let Some(usd) = usd_per_hour.filter(|usd| *usd < self.min_hourly_cost.0) {
            return Verdict::Exempt(format!("it costs {} an hour: the policy begins at {}", dollars(usd), dollars(self.min_hourly_cost.0)));
        }
        let limit = job.max_runtime.unwrap_or(Duration::days(1));
        let rounds = job.most_jobs.div_ceil(job.parallel.max(1));
        Verdict::Waste(Box::new(Waste {
            reason: format!("{found}: {} training jobs, {} at a time", job.most_jobs, job.parallel),
            usd_per_hour,
            usd_per_month: usd_per_hour.map(|usd| usd * (limit * rounds).in_hours().min(HOURS_PER_MONTH)),
            remedy: if self.remedy == StopRemedy::Stop { Remedy::StopTuningJob } else { Remedy::None },
            notice: Notice {
                advice: Some(
                    "ask for Spot in its training job definition.\n\
                 SageMaker Python SDK: the tuner's Estimator(..., use_spot_instances=True, max_wait=<max_run or more>)\n\
                 CreateHyperParameterTuningJob: \"TrainingJobDefinition\": {\"EnableManagedSpotTraining\": true, \"StoppingCondition\": \
                 {\"MaxWaitTimeInSeconds\": <MaxRuntimeInSeconds or more>}}"
                        .to_owned(),
                ),
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
    fn finds_parents_that_did_not_ask_and_children_that_did_not_get() {
        let job = || tuning_job("2026-11-24T11:00:00Z");
        for (job, expected) in [
            (job(), "did not ask for managed Spot"),
            (TuningJob { spot: true, ..job() }, "later"),
            (TuningJob { spot: true, running: Some((4, 4)), ..job() }, ""),
            (TuningJob { spot: true, running: Some((4, 1)), ..job() }, "asked for managed Spot, but 3 of its 4 running"),
            (TuningJob { status: JobStatus::Completed, ..job() }, ""),
        ] {
            match TuningOnDemand::default().check(&job, &context("2026-11-24T12:00:00Z")) {
                Verdict::Fine => assert_eq!(expected, "", "{job:?}"),
                Verdict::Later => assert_eq!(expected, "later", "{job:?}"),
                Verdict::Waste(waste) => assert!(!expected.is_empty() && waste.reason.starts_with(expected), "{}", waste.reason),
                verdict => panic!("{verdict:?}"),
            }
        }
    }

    #[test]
    fn its_price_is_that_of_all_that_run_at_once() {
        let rule = TuningOnDemand { remedy: StopRemedy::Stop, ..TuningOnDemand::default() };
        let Verdict::Waste(waste) = rule.check(&tuning_job("2026-11-24T11:00:00Z"), &context("2026-11-24T12:00:00Z")) else {
            panic!("waste")
        };
        // Twenty jobs of at most one hour, four at a time, each on one ml.m5.xlarge.
        assert_eq!((waste.usd_per_hour, waste.usd_per_month, waste.remedy), (Some(dec!(0.92)), Some(dec!(4.60)), Remedy::StopTuningJob));
        let cheap = TuningOnDemand { min_hourly_cost: Usd(dec!(1)), ..TuningOnDemand::default() };
        assert!(matches!(cheap.check(&tuning_job("2026-11-24T11:00:00Z"), &context("2026-11-24T12:00:00Z")), Verdict::Exempt(_)));
    }
}
