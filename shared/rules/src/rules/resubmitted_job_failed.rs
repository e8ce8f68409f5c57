//! # resubmitted-job-failed
//!
//! ## What it finds
//! A training job that the guard submitted as Spot in place of another one (`training-on-demand` with `remedy = "resubmit"`), and that failed, or got no Spot
//! capacity in its time. For `forget-after` it is lost work that somebody has to mend. Also one that still runs beside the job that it should replace, because
//! AWS refused to stop that one: the same work is done and paid twice.
//!
//! ## Why it costs money
//! What the first job had trained was paid for, and its owner waits for a result that does not come.
//!
//! ## What happens, and what is lost
//! Its owner is mailed the definition, and the command that starts the work again; of two jobs that run at the same time, how to stop one. Nothing else.
//! The mail leaves out the values of the environment, and of hyperparameters that are named like secrets.
//!
//! ## Settings

use serde::{Deserialize, Serialize};

use super::{Rule, Scene};
use crate::{
    duration::Duration,
    facts::{Beside, JobStatus, TrainingJob},
    finding::{Verdict, Waste},
    resubmission::{how_to_submit, on_demand_again},
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ResubmittedJobFailed {
    /// How long after its end it is still found.
    forget_after: Duration,
}

impl Default for ResubmittedJobFailed {
    fn default() -> Self {
        Self { forget_after: Duration::days(14) }
    }
}

impl Rule for ResubmittedJobFailed {
    const NAME: &'static str = "resubmitted-job-failed";
    const ENFORCEABLE: bool = false;
    type Subject = TrainingJob;

    fn check(&self, job: &TrainingJob, scene: &Scene<'_>) -> Verdict {
        let Some(replaced) = &job.replaces else { return Verdict::Fine };
        if let Some(beside) = replaced.beside.filter(|_| job.status == JobStatus::InProgress) {
            let (what, stop) = match beside {
                Beside::Runs => ("both run, and do the same work", &replaced.name),
                Beside::Completed => ("that one has done the work by itself, and this one does it once more", &job.resource.name),
            };
            return Verdict::Waste(Box::new(Waste {
                reason: format!("the guard submitted it as Spot in place of {}, and could not stop that one: {what}", replaced.name),
                advice: Some(format!("stop one of them: aws sagemaker stop-training-job --training-job-name {stop}")),
                usd_per_hour: scene.hourly_of(&job.instances),
                ..Waste::default()
            }));
        }
        let no_capacity = job.secondary_status.as_deref() == Some("MaxWaitTimeExceeded");
        let lost = job.status == JobStatus::Failed || (job.status == JobStatus::Stopped && no_capacity);
        let ended = job.ended.unwrap_or(scene.now);
        if !lost || self.forget_after.signed() < scene.now.duration_since(ended) {
            return Verdict::Fine;
        }
        let how = match &job.failure {
            _ if no_capacity => "got no Spot capacity in its time".to_owned(),
            Some(why) => format!("failed: {why}"),
            None => "failed".to_owned(),
        };
        let again = match on_demand_again(&replaced.definition, &replaced.name) {
            Ok(definition) => format!("start the work again, on demand as it was: {}", how_to_submit(definition, &job.resource.name)),
            Err(why) => format!("submit it again where you submitted {}: {why}", replaced.name),
        };
        Verdict::Waste(Box::new(Waste {
            reason: format!("the guard submitted it as Spot in place of {}, and it {how}: its work is not done", replaced.name),
            advice: Some(again),
            ..Waste::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};
    use crate::facts::Replaced;

    #[test]
    fn lost_work_is_found_for_two_weeks() {
        let replaced = |beside| Some(Replaced { name: "churn".into(), definition: "{\"TrainingJobName\": \"churn-spot\"}".into(), beside });
        let job = |status, secondary: &str, ended: &str| TrainingJob {
            status,
            secondary_status: Some(secondary.into()),
            failure: Some("CapacityError".into()),
            ended: Some(ended.parse().unwrap()),
            replaces: replaced(None),
            ..training_job("2026-11-24T08:00:00Z")
        };
        let today = "2026-11-24T11:00:00Z";
        for (job, expected) in [
            (job(JobStatus::Failed, "Failed", today), Some("failed: CapacityError")),
            (job(JobStatus::Stopped, "MaxWaitTimeExceeded", today), Some("got no Spot capacity in its time")),
            (job(JobStatus::Stopped, "Stopped", today), None), // somebody stopped it
            (job(JobStatus::Completed, "Completed", today), None),
            (job(JobStatus::Failed, "Failed", "2026-11-10T11:59:00Z"), None),
            (TrainingJob { replaces: None, ..job(JobStatus::Failed, "Failed", today) }, None),
            (job(JobStatus::InProgress, "Training", today), None),
            (TrainingJob { replaces: replaced(Some(Beside::Runs)), ..job(JobStatus::InProgress, "Training", today) }, Some("both run")),
            (
                TrainingJob { replaces: replaced(Some(Beside::Completed)), ..job(JobStatus::InProgress, "Training", today) },
                Some("once more"),
            ),
        ] {
            match (ResubmittedJobFailed::default().check(&job, &scene("2026-11-24T12:00:00Z")), expected) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(how)) => {
                    assert!(waste.reason.contains(how), "{}", waste.reason);
                    let way_back = if job.status == JobStatus::InProgress {
                        "stop-training-job --training-job-name churn"
                    } else {
                        "\"TrainingJobName\":\"churn-again\""
                    };
                    assert!(waste.advice.unwrap().contains(way_back));
                }
                (verdict, _) => panic!("{job:?}: {verdict:?}"),
            }
        }
    }
}
