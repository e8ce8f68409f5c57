//! # spot-without-checkpoint
//!
//! ## What it finds
//! A training job on managed Spot that has no checkpoints (`CheckpointConfig`) and may run for longer than `longer-than`. AWS may take a Spot instance back
//! at any moment. Without checkpoints the job then starts from the beginning.
//!
//! ## Why it costs money
//! The training before an interruption is paid for, and must be done again.
//!
//! ## What happens, and what is lost
//! Its owner is mailed once for all jobs of the series, with what an interruption could cost and the lines to change. Nothing else happens.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{JobStatus, TrainingJob},
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        training::spot_lines::checkpoint_lines,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{
        duration::{Duration, roughly},
        price::{HOURS_PER_MONTH, dollars},
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SpotWithoutCheckpoint {
    /// The longest time limit that a Spot job without checkpoints may have.
    longer_than: Duration,
}

impl Default for SpotWithoutCheckpoint {
    fn default() -> Self {
        Self { longer_than: Duration::hours(1) }
    }
}

impl Rule for SpotWithoutCheckpoint {
    const NAME: &'static str = "spot-without-checkpoint";
    const TO_DO: &'static str = "let it write checkpoints: checkpoint_s3_uri";
    const MANNER: Manner = Manner { notified_per_series: true, ..Manner::DEFAULT };
    type Subject = TrainingJob;

    fn check(&self, job: &TrainingJob, cx: &RuleContext<'_>) -> Verdict {
        let limit = job.max_runtime.unwrap_or(Duration::days(1));
        if job.status != JobStatus::InProgress || !job.spot || job.checkpoint.is_some() || limit <= self.longer_than || job.parent.is_some()
        {
            return Verdict::Fine;
        }
        let so_far = job.started.map_or_else(String::new, |started| format!("{} so far, ", roughly(cx.now.duration_since(started))));
        let worst = match cx.hourly_of(&job.instances) {
            Some(usd) => format!("{} at the on-demand price", dollars(usd * limit.in_hours().min(HOURS_PER_MONTH))),
            None => "price not known".to_owned(),
        };
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "on Spot, and it writes no checkpoints, so an interruption starts training from zero: {so_far}up to {limit} ({worst}) near its time limit \
                 (the policy allows {} without checkpoints)",
                self.longer_than
            )
            .into(),
            notice: Notice {
                advice: Some(checkpoint_lines(job)),
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
    fn long_spot_jobs_need_checkpoints() {
        let job = || TrainingJob { spot: true, ..training_job("2026-11-24T11:00:00Z") };
        for (job, waste) in [
            (job(), true),
            (TrainingJob { spot: false, ..job() }, false),
            (TrainingJob { checkpoint: Some("s3://b/p".into()), ..job() }, false),
            (TrainingJob { max_runtime: Some(Duration::hours(1)), ..job() }, false),
            (TrainingJob { max_runtime: Some(Duration::minutes(61)), ..job() }, true),
            (TrainingJob { status: JobStatus::Stopped, ..job() }, false),
            (TrainingJob { parent: Some("arn".into()), ..job() }, false),
        ] {
            let verdict = SpotWithoutCheckpoint::default().check(&job, &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{job:?}: {verdict:?}");
        }
    }

    #[test]
    fn says_what_is_at_stake() {
        let job = TrainingJob { spot: true, ..training_job("2026-11-24T11:00:00Z") };
        let Verdict::Waste(waste) = SpotWithoutCheckpoint::default().check(&job, &context("2026-11-24T12:00:00Z")) else { panic!("waste") };
        assert_eq!(
            waste.reason,
            "on Spot, and it writes no checkpoints, so an interruption starts training from zero: 55m so far, up to 1d ($11.04 at the on-demand price) near its \
             time limit (the policy allows 1h without checkpoints)"
        );
    }
}
