//! # resubmitted-job-failed
//!
//! ## What it finds
//! A training job that the guard submitted as Spot in place of another one (`training-on-demand` with `remedy = "resubmit"`), and that failed, got no Spot
//! capacity in its time, or was stopped at its time limit, while the first job does not do the work either. The rule finds it for `forget-after` after its
//! end, because somebody must start the work again.
//!
//! ## Why it costs money
//! The training of the first job was paid for, and the owner waits for a result that does not come.
//!
//! ## What happens, and what is lost
//! Its owner is mailed the definition and the command that starts the work again. Nothing else happens. The mail has the severity `critical`. It
//! leaves out what may be secret. Of hyperparameters it shows numbers, short words, places in S3 and lists of these, if their name is not like `api_token`.
//! It shows no environment variable, and of a container's command line only the program. From AWS's reason it leaves out the command line, all of a URL but
//! its host, and what looks like a token.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Fate, JobStatus, TrainingJob},
    remedy::{how_to_submit, on_demand_again},
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Notice, Severity, Verdict, Waste},
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ResubmittedJobFailed {
    /// How long after its end a job is still found.
    forget_after: Duration,
}

impl Default for ResubmittedJobFailed {
    fn default() -> Self {
        Self { forget_after: Duration::days(14) }
    }
}

impl Rule for ResubmittedJobFailed {
    const NAME: &'static str = "resubmitted-job-failed";
    const TO_DO: &'static str = "start its work again on demand";
    type Subject = TrainingJob;

    fn check(&self, job: &TrainingJob, cx: &RuleContext<'_>) -> Verdict {
        let replaced = match &job.replaces {
            None => return Verdict::Fine,
            Some(Err(why)) => return Verdict::Unknown(why.clone()),
            Some(Ok(replaced)) => replaced,
        };
        let how = match (job.status, job.secondary_status.as_deref(), &job.failure) {
            (JobStatus::Stopped, Some("MaxWaitTimeExceeded"), _) => "got no Spot capacity in time".to_owned(),
            (JobStatus::Stopped, Some("MaxRuntimeExceeded"), _) => {
                "was stopped at its time limit, which the interruptions count towards".to_owned()
            }
            (JobStatus::Failed, _, Some(why)) => format!("failed: {why}"),
            (JobStatus::Failed, _, None) => "failed".to_owned(),
            // It runs, it completed its work, or somebody stopped it.
            _ => return Verdict::Fine,
        };
        let ended = job.ended.unwrap_or(cx.now);
        // The work is not lost if the old job does it or has completed it.
        if !matches!(replaced.fate, Fate::Ended | Fate::Stopping) || self.forget_after.signed() < cx.now.duration_since(ended) {
            return Verdict::Fine;
        }
        let again = match on_demand_again(&replaced.definition, &replaced.name) {
            Ok(definition) => {
                // `AlgorithmError` is what SageMaker calls an error of the job's own code (aws-facts §2.3).
                let is_its_own = job.failure.as_deref().is_some_and(|why| why.starts_with("AlgorithmError"));
                let first = if is_its_own { "this is an error of its code, probably not of Spot: correct it first. Then " } else { "" };
                format!("{first}start the work again, on demand: {}", how_to_submit(definition, &job.resource))
            }
            Err(why) => format!("submit it again where you submitted {}: {why}", replaced.name),
        };
        Verdict::Waste(Box::new(Waste {
            reason: format!("the guard submitted it as Spot in place of {}, and it {how}: its work is not done", replaced.name).into(),
            notice: Notice {
                advice: Some(again),
                severity: Severity::Critical,
                headline: Some("failed on Spot: its work is not done"),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Replaced;
    use crate::samples::*;

    #[test]
    fn lost_work_is_found_for_two_weeks() {
        let replaced = |fate, at_work| {
            let definition = "{\"TrainingJobName\": \"churn-spot\"}".into();
            Some(Ok(Replaced { name: "churn".into(), definition, fate, since: jiff::Timestamp::UNIX_EPOCH, at_work }))
        };
        let job = |status, secondary: &str, ended: &str| TrainingJob {
            status,
            secondary_status: Some(secondary.into()),
            failure: Some("CapacityError".into()),
            ended: Some(ended.parse().unwrap()),
            replaces: replaced(Fate::Ended, false),
            ..training_job("2026-11-24T08:00:00Z")
        };
        let today = "2026-11-24T11:00:00Z";
        for (job, expected) in [
            (job(JobStatus::Failed, "Failed", today), Some("failed: CapacityError")),
            (job(JobStatus::Stopped, "MaxWaitTimeExceeded", today), Some("got no Spot capacity in time")),
            (job(JobStatus::Stopped, "MaxRuntimeExceeded", today), Some("was stopped at its time limit")),
            (TrainingJob { replaces: replaced(Fate::Ended, true), ..job(JobStatus::Failed, "Failed", today) }, Some("CapacityError")),
            (job(JobStatus::Stopped, "Stopped", today), None), // somebody stopped it
            (job(JobStatus::Completed, "Completed", today), None),
            (job(JobStatus::Failed, "Failed", "2026-11-10T11:59:00Z"), None),
            (TrainingJob { replaces: None, ..job(JobStatus::Failed, "Failed", today) }, None),
            (job(JobStatus::InProgress, "Training", today), None),
            (TrainingJob { replaces: replaced(Fate::Runs, false), ..job(JobStatus::Failed, "Failed", today) }, None),
            (TrainingJob { replaces: replaced(Fate::Completed, false), ..job(JobStatus::Failed, "Failed", today) }, None),
            (TrainingJob { replaces: Some(Err("no answer".into())), ..job(JobStatus::Failed, "Failed", today) }, Some("unknown")),
        ] {
            match (ResubmittedJobFailed::default().check(&job, &context("2026-11-24T12:00:00Z")), expected) {
                (Verdict::Fine, None) | (Verdict::Unknown(_), Some("unknown")) => {}
                (Verdict::Waste(waste), Some(how)) => {
                    assert!(waste.reason.to_string().contains(how), "{}", waste.reason);
                    assert!(waste.notice.advice.unwrap().contains("\"TrainingJobName\":\"churn-again\""));
                }
                (verdict, _) => panic!("{job:?}: {verdict:?}"),
            }
        }
    }
}
