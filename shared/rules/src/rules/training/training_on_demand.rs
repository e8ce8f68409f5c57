//! # training-on-demand
//!
//! ## What it finds
//! A training job that runs at on-demand prices although it could run on managed Spot. Spot is the same instance at up to 90 % less. AWS may take
//! the instance back; the job then waits and continues from its last checkpoint.
//!
//! Some jobs are left alone, each with its reason in the report (state `exempt`): jobs of a tuning, AutoML or labelling job (the parent decides), jobs
//! with a warm pool, a training plan, instance preferences or serverless training (Spot excludes all of these), jobs below `min-hourly-cost`, and jobs
//! whose time limit is below `shortest`.
//!
//! In report mode the owner is notified once for a whole series: jobs whose names differ only by times, numbers or random ids, wherever these stand.
//! Where nothing else is left of a name, the jobs with the same image or algorithm and the same role are a series.
//!
//! ## Why it costs money
//! Every hour of it is billed at the full price. Most training can be interrupted and is not urgent.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed, with the lines to change. Enforce needs a `remedy`:
//!
//! * `"stop"`: its owner is warned, and after `grace` the job is stopped. The job then has two minutes to write to S3; everything else is lost.
//! * `"resubmit"`: its owner is warned, and after `grace` the same job is submitted again as Spot, under its name with the ending `-spot`. Then the old job
//!   is stopped. If AWS refuses the new job (no Spot quota, no permission), the old job continues, and its owner gets the new definition.
//!   If AWS calls the definition invalid, the guard gives up: the old job continues, and its owner is told why. The new job has the old job's tags, its
//!   checkpoints if it had any (else it starts from the beginning), and all its other settings. Session tags (`SessionChainingConfig`) cannot be read and
//!   are lost. If AWS refuses to stop the old job, its owner is notified that both run and how to stop either, and the guard tries again.
//!   A job is resubmitted only once: if its Spot job is deleted, stopped or fails, an old job that still runs is left alone. With the tag
//!   `cost-guard:spot = resubmit`, a job is resubmitted even where the policy says `"stop"`.
//!
//! A job is only reported if a workflow waits for it (see `[workflows]` in the policy), if its price is not known and `min-hourly-cost` is not 0, if it
//! already uploads its result, or if it was started again after its Spot job failed (its name then ends with `-again`).
//!
//! A job is not resubmitted if it has run for more than `max-progress` of its time limit, or if it uses a named or built-in algorithm and writes no
//! checkpoints. Nor is it resubmitted if it has signs of the SageMaker Python SDK, because `fit()` may be waiting for its name: a name that ends with
//! the SDK's time, the hyperparameters `sagemaker_job_name` and `sagemaker_submit_directory`, the channels `sm_drivers` and `code`, data named by
//! `.amazon.manifest`, a `DebugHookConfig`, or a tag whose key begins with `sagemaker-sdk:`. A job without these signs looks the same whoever submitted it. If people wait for such jobs, exclude the
//! jobs with an override.
//!
//! ## Settings

use jiff::SignedDuration;
use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{JobStatus, TrainingJob},
    policy::{Policy, SPOT_TAG},
    remedy::{RESUBMITTED_TAG, Remedy, SpotTerms, may_be_again, new_name},
    rules::{
        context::{RuleContext, unpriced_job},
        rule::{Manner, RemedyName, Rule},
        training::{
            SpotRemedy, hours_left, is_too_unknown,
            spot_lines::{spot_lines, without_checkpoints, writes_checkpoints},
            why_no_spot,
        },
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::{Duration, roughly},
        price::{HOURS_PER_MONTH, Instances, SPOT_SAVES_UP_TO, Usd, dollars},
    },
};

/// How the tags begin that the `SageMaker` Python SDK puts on what it starts, such as the model of `JumpStart` that it trains.
const SDK_TAGS: &str = "sagemaker-sdk:";

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TrainingOnDemand {
    /// The action if the rule is enforced: `"stop"` or `"resubmit"`. To enforce the rule, the policy must set it.
    remedy: SpotRemedy,
    /// A job that costs less than this, in USD per hour, is left alone.
    min_hourly_cost: Usd,
    /// A job with a time limit (`MaxRuntimeInSeconds`) below this is left alone.
    shortest: Duration,
    /// A job that has run for more than this share of its time limit is not resubmitted.
    #[schemars(range(min = 0.0, max = 1.0))]
    max_progress: f64,
    /// How much longer than its time limit a resubmitted job may take, including the wait for Spot capacity (`MaxWaitTimeInSeconds`).
    spot_wait: Duration,
    /// S3 prefix for the checkpoints of a resubmitted job that has none. Empty: `cost-guard-checkpoints` beside its output.
    #[schemars(regex(pattern = "^(s3://.*)?$"))]
    checkpoints: String,
}

impl Default for TrainingOnDemand {
    fn default() -> Self {
        Self {
            remedy: SpotRemedy::None,
            min_hourly_cost: Usd(dec!(0.1)),
            shortest: Duration::minutes(15),
            max_progress: 0.25,
            spot_wait: Duration::hours(12),
            checkpoints: String::new(),
        }
    }
}

impl Rule for TrainingOnDemand {
    const NAME: &'static str = "training-on-demand";
    const TO_DO: &'static str = "run the next one on Spot, with checkpoints: use_spot_instances=True, checkpoint_s3_uri";
    /// The grace is short, because resubmitting is only worth it early in a job.
    const MANNER: Manner = Manner { grace: Duration::minutes(5), notified_per_series: true, ..Manner::ENFORCEABLE };
    type Subject = TrainingJob;

    fn remedy(&self) -> Option<RemedyName> {
        self.remedy.name()
    }

    fn lacks(&self) -> Option<&'static str> {
        self.remedy.lacks()
    }

    fn reads_tag(&self, key: &str, _: &Policy) -> bool {
        key == RESUBMITTED_TAG || key.starts_with(SDK_TAGS)
    }

    fn nonsense(&self) -> Option<&'static str> {
        if !self.checkpoints.is_empty() && !self.checkpoints.starts_with("s3://") {
            return Some("`checkpoints` is no S3 prefix: write s3://<bucket>/<prefix>");
        }
        (!(0.0..=1.0).contains(&self.max_progress)).then_some("`max-progress` is no share: write a number from 0 to 1, 0.25 for a quarter")
    }

    fn check(&self, job: &TrainingJob, cx: &RuleContext<'_>) -> Verdict {
        match job.status {
            JobStatus::InProgress if !job.spot => {}
            // A stop that hangs has not saved anything yet.
            JobStatus::Other => return Verdict::Later,
            _ => return Verdict::Fine,
        }
        let usd_per_hour = cx.hourly_of(&job.instances);
        if let Some(why) = self.spared(job, usd_per_hour) {
            return Verdict::Exempt(why);
        }
        if job.instances.is_empty() {
            return Verdict::Unknown("its instances could not be read".into());
        }
        let (remedy, only_reported) = self.remedy(job, usd_per_hour, cx);
        let limit = job.max_runtime.unwrap_or(Duration::days(1));
        let on_since = match job.started {
            Some(started) => format!("training for {}", roughly(cx.now.duration_since(started))),
            None => "not training yet".to_owned(),
        };
        let job_is = format!("({}, {on_since}, time limit {limit})", Instances::words(&job.instances));
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "it runs on demand {job_is}; it could run on managed Spot, which costs up to {SPOT_SAVES_UP_TO} % less{only_reported}"
            )
            .into(),
            was: Some(
                format!("it ran on demand {job_is}; it could have run on managed Spot, which costs up to {SPOT_SAVES_UP_TO} % less").into(),
            ),
            usd_per_hour,
            usd_per_month: usd_per_hour.map(|usd| usd * hours_left(limit, job.started, cx.now).min(HOURS_PER_MONTH)),
            remedy,
            notice: Notice {
                advice: Some(spot_lines(job, limit, self.spot_wait, &self.checkpoints)),
                writes_checkpoints: Some(writes_checkpoints(job)),
                unpriced: unpriced_job(&job.instances, usd_per_hour),
                billed_since: job.started,
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

impl TrainingOnDemand {
    /// Why the job is left alone. `None`: it could run on Spot.
    fn spared(&self, job: &TrainingJob, usd_per_hour: Option<Decimal>) -> Option<String> {
        if let Some(parent) = &job.parent {
            return Some(format!("it belongs to {parent}, where Spot is asked for"));
        }
        if let Some(why) = why_no_spot(job.capacity, job.keep_alive) {
            return Some(why);
        }
        if let Some(usd) = usd_per_hour.filter(|usd| *usd < self.min_hourly_cost.0) {
            return Some(format!("it costs {} an hour: the policy begins at {}", dollars(usd), dollars(self.min_hourly_cost.0)));
        }
        let limit = job.max_runtime.filter(|limit| *limit < self.shortest)?;
        Some(format!("its time limit is {limit}: the policy begins at {}", self.shortest))
    }

    /// What the guard would do about the job. If nothing, the end of the reason, which says why.
    fn remedy(&self, job: &TrainingJob, usd_per_hour: Option<Decimal>, cx: &RuleContext<'_>) -> (Remedy, String) {
        let only_reported = |why: String| (Remedy::None, format!("; only reported, because {why}"));
        let tags = job.resource.tags.read();
        let asked_by_tag = tags.is_some_and(|tags| tags.get(SPOT_TAG).is_some_and(|value| value.trim() == "resubmit"));
        if self.remedy == SpotRemedy::None {
            return (Remedy::None, String::new());
        }
        if tags.is_some_and(|tags| tags.contains_key(RESUBMITTED_TAG)) || may_be_again(&job.resource.name) {
            return only_reported("its work was submitted as Spot before, and somebody started it again on demand".into());
        }
        if job.secondary_status.as_deref() == Some("Uploading") {
            return only_reported("it has trained, and is uploading its result".into());
        }
        if let Some(why) = is_too_unknown(usd_per_hour, self.min_hourly_cost) {
            return only_reported(why);
        }
        if self.remedy == SpotRemedy::Stop && !asked_by_tag {
            return (Remedy::StopTrainingJob, String::new());
        }
        if job.waited_for || tags.is_some_and(|tags| tags.keys().any(|key| key.starts_with(SDK_TAGS))) {
            return only_reported("the SageMaker Python SDK seems to have submitted it, and fit() may be waiting for its name".into());
        }
        if let Some(algorithm) = without_checkpoints(job) {
            return only_reported(format!("the algorithm {algorithm} may write no checkpoints, and then AWS limits Spot to an hour"));
        }
        let limit = job.max_runtime.unwrap_or(Duration::days(1)).signed();
        let ran = job.started.map_or(SignedDuration::ZERO, |started| cx.now.duration_since(started));
        let progress = ran.as_secs_f64() / limit.as_secs_f64().max(1.0);
        if self.max_progress < progress {
            let (progress, most) = (progress * 100.0, self.max_progress * 100.0);
            return only_reported(format!("it has run for {progress:.0} % of its time limit: the policy resubmits until {most:.0} %"));
        }
        let name = new_name(&job.resource.name, job.created);
        let checkpoints = Some(self.checkpoints.clone()).filter(|prefix| !prefix.is_empty());
        (Remedy::ResubmitAsSpot(SpotTerms { name, wait: self.spot_wait, checkpoints, resumes: job.checkpoint.is_some() }), String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::Capacity, samples::*};

    fn enforced(remedy: SpotRemedy) -> TrainingOnDemand {
        TrainingOnDemand { remedy, ..TrainingOnDemand::default() }
    }

    /// `fine`, `left alone: <why>`, `unknown`, or the action.
    fn told(rule: &TrainingOnDemand, job: &TrainingJob) -> String {
        match rule.check(job, &context("2026-11-24T12:00:00Z")) {
            Verdict::Fine => "fine".into(),
            Verdict::Exempt(why) => format!("left alone: {why}"),
            Verdict::Unknown(_) => "unknown".into(),
            Verdict::Later => "later".into(),
            Verdict::Waste(waste) => waste.remedy.action().into(),
        }
    }

    #[test]
    fn finds_what_could_be_spot_and_says_why_not() {
        let job = || training_job("2026-11-24T11:00:00Z");
        let with = |change: &dyn Fn(&mut TrainingJob)| {
            let mut job = job();
            change(&mut job);
            job
        };
        for (job, expected) in [
            (job(), "none"),
            (with(&|job| job.spot = true), "fine"),
            (with(&|job| job.status = JobStatus::Completed), "fine"),
            (with(&|job| job.status = JobStatus::Other), "later"),
            (with(&|job| job.instances.clear()), "unknown"),
            (
                with(&|job| job.parent = Some("arn:…:hyper-parameter-tuning-job/t".into())),
                "left alone: it belongs to arn:…:hyper-parameter-tuning-job/t",
            ),
            (with(&|job| job.keep_alive = Some(Duration::minutes(30))), "left alone: it keeps its instances warm for 30m"),
            (with(&|job| job.keep_alive = Some(Duration::seconds(0))), "none"),
            (with(&|job| job.capacity = Capacity::TrainingPlan), "left alone: it runs on the reserved capacity"),
            (with(&|job| job.capacity = Capacity::InstancePreferences), "left alone: it has instance preferences"),
            (with(&|job| (job.capacity, job.instances) = (Capacity::Serverless, vec![])), "left alone: it is serverless"),
            (
                with(&|job| job.instances = vec![Instances { instance_type: "ml.t3.medium".into(), count: 1 }]),
                "left alone: it costs $0.05 an hour: the policy begins at $0.10",
            ),
            (with(&|job| job.instances[0].instance_type = "ml.unknown".into()), "none"),
            (with(&|job| job.max_runtime = Some(Duration::minutes(14))), "left alone: its time limit is 14m: the policy begins at 15m"),
            (with(&|job| job.max_runtime = Some(Duration::minutes(15))), "none"),
            (with(&|job| job.max_runtime = None), "none"),
        ] {
            let told = told(&TrainingOnDemand::default(), &job);
            assert!(told.starts_with(expected), "{told} instead of {expected}: {job:?}");
        }
    }

    #[test]
    fn the_remedy_is_the_policys_and_the_jobs() {
        let job = || training_job("2026-11-24T11:00:00Z");
        let tagged = |key: &str, value: &str| TrainingJob { resource: with_tags(job().resource, &[(key, value)]), ..job() };
        let asks = tagged(SPOT_TAG, "resubmit");
        for (remedy, job, expected) in [
            (SpotRemedy::None, asks.clone(), "none"),
            (SpotRemedy::Stop, job(), "stop-training-job"),
            (SpotRemedy::Stop, asks, "resubmit-as-spot"),
            (SpotRemedy::Resubmit, job(), "resubmit-as-spot"),
            (
                SpotRemedy::Resubmit,
                TrainingJob { instances: vec![Instances { instance_type: "ml.new".into(), count: 1 }], ..job() },
                "none",
            ),
            (SpotRemedy::Resubmit, TrainingJob { waited_for: true, ..job() }, "none"),
            // JumpStart's estimator was waiting for it.
            (SpotRemedy::Resubmit, tagged("sagemaker-sdk:jumpstart-model-id", "meta-textgeneration-llama-2-7b"), "none"),
            (SpotRemedy::Stop, tagged("sagemaker-sdk:jumpstart-model-id", "meta-textgeneration-llama-2-7b"), "stop-training-job"),
            (SpotRemedy::Resubmit, tagged("sagemaker:project-name", "churn"), "resubmit-as-spot"),
            (SpotRemedy::Resubmit, TrainingJob { resource: resource("training-job/churn-again"), ..job() }, "none"),
            (SpotRemedy::Stop, TrainingJob { resource: resource("training-job/churn-again"), ..job() }, "none"),
            (
                SpotRemedy::Resubmit,
                TrainingJob { algorithm: Some("object-detection".into()), checkpoint: Some("s3://a/b".into()), ..job() },
                "resubmit-as-spot",
            ),
            (
                SpotRemedy::Resubmit,
                TrainingJob { algorithm: Some("linear-learner".into()), checkpoint: Some("s3://a/b".into()), ..job() },
                "none",
            ),
            (SpotRemedy::Resubmit, TrainingJob { algorithm: Some("object-detection".into()), ..job() }, "none"),
            (SpotRemedy::Stop, TrainingJob { waited_for: true, ..job() }, "stop-training-job"),
            (SpotRemedy::Resubmit, TrainingJob { algorithm: Some("arn:…:algorithm/x".into()), ..job() }, "none"),
            // Its limit is one day, and a quarter of it is over after six hours.
            (SpotRemedy::Resubmit, TrainingJob { started: Some("2026-11-24T06:00:00Z".parse().unwrap()), ..job() }, "resubmit-as-spot"),
            (SpotRemedy::Resubmit, TrainingJob { started: Some("2026-11-24T05:59:00Z".parse().unwrap()), ..job() }, "none"),
            (SpotRemedy::Resubmit, TrainingJob { started: None, ..job() }, "resubmit-as-spot"),
        ] {
            assert_eq!(told(&enforced(remedy), &job), expected, "{remedy:?}: {job:?}");
        }
    }

    #[test]
    fn gives_dollars_and_the_lines_to_change() {
        let Verdict::Waste(waste) =
            TrainingOnDemand::default().check(&training_job("2026-11-24T11:00:00Z"), &context("2026-11-24T12:00:00Z"))
        else {
            panic!("waste");
        };
        assert_eq!(
            waste.reason,
            "it runs on demand (2 x ml.m5.xlarge, training for 55m, time limit 1d); it could run on managed Spot, which costs up to 90 % less"
        );
        // 55 minutes of its day are over.
        assert_eq!((waste.usd_per_hour, waste.usd_per_month.map(|usd| usd.round_dp(2))), (Some(dec!(0.46)), Some(dec!(10.62))));
        let lines = waste.notice.advice.unwrap();
        assert!(
            lines.contains("use_spot_instances=True, max_run=86400, max_wait=129600, checkpoint_s3_uri=\"s3://<bucket>/<prefix>\""),
            "{lines}"
        );
        assert!(lines.contains("\"MaxWaitTimeInSeconds\": 129600"), "{lines}");
    }
}
