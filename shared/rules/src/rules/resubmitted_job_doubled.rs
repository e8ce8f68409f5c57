//! # resubmitted-job-doubled
//!
//! ## What it finds
//! A training job that the guard submitted as Spot in place of another one (`training-on-demand` with `remedy = "resubmit"`), while that one runs on because AWS
//! refused to stop it, or has done the work by itself.
//!
//! ## Why it costs money
//! The same work is done twice, and paid twice.
//!
//! ## What happens, and what is lost
//! Its owner is mailed which of the two to stop. Nothing else.
//!
//! ## Settings

use serde::{Deserialize, Serialize};

use super::{Rule, Scene};
use crate::{
    facts::{Beside, JobStatus, TrainingJob},
    finding::{Severity, Verdict, Waste},
};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ResubmittedJobDoubled {}

impl Rule for ResubmittedJobDoubled {
    const NAME: &'static str = "resubmitted-job-doubled";
    const ENFORCEABLE: bool = false;
    type Subject = TrainingJob;

    fn check(&self, job: &TrainingJob, scene: &Scene<'_>) -> Verdict {
        let running = job.replaces.as_ref().filter(|_| job.status == JobStatus::InProgress);
        let Some((replaced, beside)) = running.and_then(|replaced| Some((replaced, replaced.beside?))) else { return Verdict::Fine };
        let (what, stop) = match beside {
            Beside::Runs => ("both run, and do the same work", &replaced.name),
            Beside::Completed => ("that one has done the work by itself, and this one does it once more", &job.resource.name),
        };
        Verdict::Waste(Box::new(Waste {
            reason: format!("the guard submitted it as Spot in place of {}, and could not stop that one: {what}", replaced.name),
            advice: Some(format!(
                "stop one of them: aws sagemaker stop-training-job {}--training-job-name {stop}",
                job.resource.region_option()
            )),
            severity: Severity::Warning,
            headline: Some("does work that is done twice"),
            usd_per_hour: scene.hourly_of(&job.instances),
            ..Waste::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};
    use crate::facts::Replaced;

    #[test]
    fn two_jobs_at_the_same_work_are_told_while_the_new_one_runs() {
        let job = |status, beside| {
            let replaces = Some(Replaced { name: "churn".into(), definition: String::new(), beside });
            TrainingJob { status, replaces, ..training_job("2026-11-24T08:00:00Z") }
        };
        let own = job(JobStatus::InProgress, None).resource.name;
        for (job, stop) in [
            (job(JobStatus::InProgress, Some(Beside::Runs)), Some("churn")),
            (job(JobStatus::InProgress, Some(Beside::Completed)), Some(own.as_str())),
            (job(JobStatus::InProgress, None), None),
            (job(JobStatus::Completed, Some(Beside::Runs)), None),
        ] {
            match (ResubmittedJobDoubled {}.check(&job, &scene("2026-11-24T12:00:00Z")), stop) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(name)) => {
                    assert!(waste.advice.unwrap().ends_with(&format!("--training-job-name {name}")), "{job:?}");
                }
                (verdict, _) => panic!("{job:?}: {verdict:?}"),
            }
        }
    }
}
