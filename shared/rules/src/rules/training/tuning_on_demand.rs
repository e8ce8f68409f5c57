//! # tuning-on-demand
//!
//! ## What it finds
//! A hyperparameter tuning job whose training jobs run at on-demand prices: one of its definitions did not ask for managed Spot, or all asked and its
//! training jobs did not get it. (The second case is not seen when a tuning job begins, because it has no training jobs yet.) A job below
//! `min-hourly-cost` is left alone.
//!
//! ## Why it costs money
//! A tuning job starts many training jobs, and each of them starts from zero anyway. That makes it the best use of Spot.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed, with the lines to change. Enforce (needs `remedy = "stop"`): its owner is warned, and after `grace` the tuning job and its
//! running training jobs are stopped. The results of the ended ones are kept. A tuning job is never resubmitted: it would lose what it has learned.
//! A tuning job that asked for Spot and did not get it is only reported, to its owner and to the platform's address: its owner has done what was asked.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{JobStatus, TuningJob},
    policy::MailSettings,
    remedy::Remedy,
    rules::{
        context::RuleContext,
        rule::{Manner, RemedyName, Rule},
        training::{StopRemedy, hours_since, spot_lines::OWN_CODE_HAS_TO},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::price::{HOURS_PER_MONTH, SPOT_SAVES_UP_TO, Usd, dollars},
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
    const TO_DO: &'static str = "ask for Spot in the next one, with checkpoints: use_spot_instances=True, checkpoint_s3_uri";
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
        let is_asked_for = job.is_spot();
        let found = match (is_asked_for, job.running) {
            (false, _) => format!("{} did not ask for managed Spot, which costs up to {SPOT_SAVES_UP_TO} % less", part_of(job)),
            (true, Some((running, on_spot))) if on_spot < running => {
                format!("it asked for managed Spot, but AWS runs {} of its {running} running training jobs on demand", running - on_spot)
            }
            (true, Some(_)) => return Verdict::Fine,
            (true, None) => return Verdict::Later,
        };
        // All training jobs that run at the same time may be of the most expensive definition, on the most expensive of its instances.
        let on_demand = || job.definitions.iter().filter(|definition| is_asked_for || !definition.spot);
        let dearest = on_demand().flat_map(|definition| &definition.choices).filter_map(|instances| cx.hourly_of(instances)).max();
        let parallel = Decimal::from(job.parallel);
        let usd_per_hour = dearest.map(|usd| usd * parallel);
        let ran = hours_since(job.created, cx.now) * parallel;
        let hours = job.training_time(on_demand()).map(|time| (time.in_hours() - ran).clamp(Decimal::ZERO, HOURS_PER_MONTH * parallel));
        if let Some(usd) = usd_per_hour.filter(|usd| *usd < self.min_hourly_cost.0) {
            return Verdict::Exempt(format!("it costs {} an hour: the policy begins at {}", dollars(usd), dollars(self.min_hourly_cost.0)));
        }
        let can_stop = self.remedy == StopRemedy::Stop && !is_asked_for;
        let only_reported = if is_asked_for { "; only reported, because its owner cannot mend that" } else { "" };
        let jobs = job
            .most_jobs
            .map_or_else(|| format!("{parallel} training jobs at a time"), |jobs| format!("{jobs} training jobs, {parallel} at a time"));
        Verdict::Waste(Box::new(Waste {
            reason: format!("{found}: {jobs}{only_reported}").into(),
            usd_per_hour,
            usd_per_month: dearest.zip(hours).map(|(usd, hours)| usd * hours),
            remedy: if can_stop { Remedy::StopTuningJob } else { Remedy::None },
            notice: Notice {
                advice: Some(if is_asked_for { not_given(&cx.policy.mail) } else { ask_for_spot() }),
                billed_since: job.created,
                for_platform: is_asked_for,
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

/// The lines with which a tuning job asks for Spot.
fn ask_for_spot() -> String {
    format!(
        "ask for Spot in its training job definition.\n\
         SageMaker Python SDK: the tuner's Estimator(..., use_spot_instances=True, max_wait=<max_run or more>, checkpoint_s3_uri=\"s3://<bucket>/<prefix>\")\n\
         CreateHyperParameterTuningJob: \"TrainingJobDefinition\": {{\"EnableManagedSpotTraining\": true, \"StoppingCondition\": \
         {{\"MaxWaitTimeInSeconds\": <MaxRuntimeInSeconds or more>}}, \"CheckpointConfig\": {{\"S3Uri\": \"s3://<bucket>/<prefix>\"}}}}\n{OWN_CODE_HAS_TO}"
    )
}

/// What its owner can do if it asked for Spot: to ask for it again changes nothing.
fn not_given(mail: &MailSettings) -> String {
    format!(
        "nothing now: Spot is asked for already, and nothing is stopped. Ask {} why it is not given, before you submit such a job again.",
        mail.whom_to_ask()
    )
}

/// The subject of a reason: `it`, or if some of its definitions ask for Spot and others do not, `1 of its 2 definitions`.
fn part_of(job: &TuningJob) -> String {
    let (all, not) = (job.definitions.len(), job.definitions.iter().filter(|definition| !definition.spot).count());
    if not < all { format!("{not} of its {all} definitions") } else { "it".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::TuningDefinition, samples::*, vocabulary::duration::Duration};

    fn spot(mut job: TuningJob) -> TuningJob {
        job.definitions.iter_mut().for_each(|definition| definition.spot = true);
        job
    }

    #[test]
    fn a_tuning_job_costs_no_more_than_its_limits_and_definitions_let_it() {
        let definition = |instance_type: &str| tuning_definition(instance_type);
        let on_spot = |instance_type: &str| TuningDefinition { spot: true, ..definition(instance_type) };
        let choices = |types: &[&str]| TuningDefinition {
            choices: types.iter().flat_map(|one| definition(one).choices).collect(),
            ..definition("ml.m5.xlarge")
        };
        let with = |definitions: Vec<TuningDefinition>| TuningJob { definitions, ..tuning_job("2026-11-24T12:00:00Z") };
        let all = "it did not ask for managed Spot";
        // Twenty training jobs of at most one hour, four at a time. An ml.m5.xlarge costs $0.23 an hour, an ml.m5.2xlarge $0.461.
        for (job, usd, reason) in [
            (with(vec![definition("ml.m5.xlarge")]), Some(dec!(4.60)), all),
            // The whole of it ends after one hour, or after longer than its training jobs can take.
            (
                TuningJob { max_runtime: Some(Duration::hours(1)), most_jobs: Some(500), ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(0.92)),
                all,
            ),
            (TuningJob { max_runtime: Some(Duration::days(9)), ..with(vec![definition("ml.m5.xlarge")]) }, Some(dec!(4.60)), all),
            // Five of one hour, four at a time, are not eight.
            (TuningJob { most_jobs: Some(5), ..with(vec![definition("ml.m5.xlarge")]) }, Some(dec!(1.15)), all),
            (
                TuningJob { most_jobs: Some(5), max_runtime: Some(Duration::minutes(90)), ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(1.15)),
                all,
            ),
            // As many as there is time for.
            (
                TuningJob { most_jobs: None, max_runtime: Some(Duration::hours(6)), ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(5.52)),
                "it did not ask for managed Spot, which costs up to 90 % less: 4 training jobs at a time",
            ),
            (TuningJob { most_jobs: None, ..with(vec![definition("ml.m5.xlarge")]) }, None, all),
            // A month has 730 hours.
            (
                TuningJob { max_runtime: Some(Duration::days(90)), most_jobs: None, ..with(vec![definition("ml.m5.xlarge")]) },
                Some(dec!(671.60)),
                all,
            ),
            // The service chooses one of a list.
            (with(vec![choices(&["ml.m5.large", "ml.m5.xlarge", "ml.t3.medium"])]), Some(dec!(4.60)), all),
            (with(vec![choices(&["ml.new", "ml.m5.xlarge"])]), Some(dec!(4.60)), all),
            (with(vec![choices(&[])]), None, all),
            // The price is of those that did not ask.
            (with(vec![definition("ml.m5.xlarge"), on_spot("ml.p3.2xlarge")]), Some(dec!(4.60)), "1 of its 2 definitions did not ask"),
            (
                with(vec![on_spot("ml.p3.2xlarge"), on_spot("ml.p3.2xlarge"), definition("ml.m5.xlarge")]),
                Some(dec!(4.60)),
                "1 of its 3 definitions",
            ),
            (with(vec![definition("ml.m5.xlarge"), definition("ml.t3.medium")]), Some(dec!(4.60)), all),
            (
                with(vec![
                    definition("ml.m5.xlarge"),
                    TuningDefinition { max_runtime: Some(Duration::days(2)), ..on_spot("ml.m5.xlarge") },
                ]),
                Some(dec!(4.60)),
                "1 of its 2 definitions",
            ),
        ] {
            let Verdict::Waste(waste) = TuningOnDemand::default().check(&job, &context("2026-11-24T12:00:00Z")) else { panic!("{job:?}") };
            assert_eq!(waste.usd_per_month, usd, "{job:?}");
            assert!(waste.reason.to_string().starts_with(reason), "{}", waste.reason);
        }
    }

    #[test]
    fn finds_parents_that_did_not_ask_and_children_that_did_not_get() {
        let job = || tuning_job("2026-11-24T11:00:00Z");
        for (job, expected) in [
            (job(), "it did not ask for managed Spot"),
            (spot(job()), "later"),
            (TuningJob { running: Some((4, 4)), ..spot(job()) }, ""),
            (TuningJob { running: Some((4, 1)), ..spot(job()) }, "it asked for managed Spot, but AWS runs 3 of its 4 running"),
            (TuningJob { status: JobStatus::Completed, ..job() }, ""),
        ] {
            match TuningOnDemand::default().check(&job, &context("2026-11-24T12:00:00Z")) {
                Verdict::Fine => assert_eq!(expected, "", "{job:?}"),
                Verdict::Later => assert_eq!(expected, "later", "{job:?}"),
                Verdict::Waste(waste) => {
                    assert!(!expected.is_empty() && waste.reason.to_string().starts_with(expected), "{}", waste.reason);
                }
                verdict => panic!("{verdict:?}"),
            }
        }
    }

    #[test]
    fn who_asked_for_spot_is_not_told_to_ask_for_it() {
        let job = || tuning_job("2026-11-24T11:00:00Z");
        for (job, advice, not) in [
            (job(), "ask for Spot in its training job definition", "already"),
            (TuningJob { running: Some((2, 0)), ..spot(job()) }, "Ask the team that runs your ML platform why", "use_spot_instances"),
        ] {
            let rule = TuningOnDemand { remedy: StopRemedy::Stop, ..TuningOnDemand::default() };
            let Verdict::Waste(waste) = rule.check(&job, &context("2026-11-24T12:00:00Z")) else { panic!("{job:?}") };
            // It has done what was asked: it is never stopped, and the platform hears of it.
            assert_eq!((waste.remedy == Remedy::None, waste.notice.for_platform), (job.is_spot(), job.is_spot()));
            let told = waste.notice.advice.unwrap();
            assert!(told.contains(advice) && !told.contains(not), "{told}");
        }
    }

    #[test]
    fn its_price_is_that_of_all_that_run_at_once() {
        let rule = TuningOnDemand { remedy: StopRemedy::Stop, ..TuningOnDemand::default() };
        let Verdict::Waste(waste) = rule.check(&tuning_job("2026-11-24T11:00:00Z"), &context("2026-11-24T12:00:00Z")) else {
            panic!("waste")
        };
        // Twenty jobs of at most one hour, four at a time, each on one ml.m5.xlarge. One of its five hours is over.
        assert_eq!((waste.usd_per_hour, waste.usd_per_month, waste.remedy), (Some(dec!(0.92)), Some(dec!(3.68)), Remedy::StopTuningJob));
        let cheap = TuningOnDemand { min_hourly_cost: Usd(dec!(1)), ..TuningOnDemand::default() };
        assert!(matches!(cheap.check(&tuning_job("2026-11-24T11:00:00Z"), &context("2026-11-24T12:00:00Z")), Verdict::Exempt(_)));
    }
}
