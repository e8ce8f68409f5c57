//! # resubmitted-job-doubled
//!
//! ## What it finds
//! A training job that the guard submitted as Spot in place of another one (`training-on-demand` with `remedy = "resubmit"`), if both do the same work: the
//! first job still runs because AWS refused to stop it, or it has completed the work while the Spot job still runs. Also if the first job is still `Stopping`
//! three hours after the guard stopped it. As long as the guard itself tries to stop
//! the first job, this rule notifies nobody, because the owner knows from the mail of `training-on-demand`.
//!
//! ## Why it costs money
//! The same work is done and paid for twice. If the first job writes checkpoints, both jobs write them to the same place.
//!
//! ## What happens, and what is lost
//! Its owner is mailed how to stop either job, or the one that is no longer needed. Nothing else happens.
//!
//! ## Settings

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Fate, JobStatus, Replaced, TrainingJob},
    remedy::{how_to_stop, how_to_stop_one},
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Notice, Severity, Verdict, Waste},
    },
    vocabulary::{
        duration::{Duration, roughly},
        text::argument,
    },
};

/// A stop takes minutes. AWS does not say since when a job has been `Stopping`.
const LONGEST_STOP: Duration = Duration::hours(3);

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ResubmittedJobDoubled {}

impl Rule for ResubmittedJobDoubled {
    const NAME: &'static str = "resubmitted-job-doubled";
    const TO_DO: &'static str = "stop one of the two jobs";
    type Subject = TrainingJob;

    fn check(&self, job: &TrainingJob, cx: &RuleContext<'_>) -> Verdict {
        let replaced = match &job.replaces {
            None => return Verdict::Fine,
            Some(Err(why)) => return Verdict::Unknown(why.clone()),
            Some(Ok(replaced)) => replaced,
        };
        let region = job.resource.region_option();
        if replaced.fate == Fate::Stopping && matches!(job.status, JobStatus::InProgress | JobStatus::Completed) {
            let stopping = cx.now.duration_since(replaced.since);
            return match replaced.at_work {
                true => Verdict::Later,
                false if stopping <= LONGEST_STOP.signed() => Verdict::Fine,
                false => Verdict::Waste(Box::new(hangs(replaced, stopping, &region))),
            };
        }
        let (what, to_do) = match (job.status, replaced.fate) {
            (JobStatus::InProgress, Fate::Runs) => {
                ("both run, and do the same work", how_to_stop_one(&replaced.name, &job.resource.name, &replaced.definition, &region))
            }
            (JobStatus::InProgress, Fate::Completed) => (
                "the original has done the work itself, and this one does it once more",
                format!("stop this one: {}", how_to_stop(&job.resource.name, &region)),
            ),
            (JobStatus::Completed, Fate::Runs) => (
                "this one has done the work, and the original does it once more",
                format!("stop the original: {}", how_to_stop(&replaced.name, &region)),
            ),
            _ => return Verdict::Fine,
        };
        if replaced.at_work {
            return Verdict::Later;
        }
        Verdict::Waste(Box::new(Waste {
            reason: format!("the guard submitted it as Spot in place of {}, and could not stop the original: {what}", replaced.name).into(),
            // The original runs on demand. What this one costs on Spot is not known.
            usd_per_hour: cx.hourly_of(&job.instances).filter(|_| replaced.fate == Fate::Runs),
            notice: Notice {
                advice: Some(to_do),
                severity: Severity::Warning,
                headline: Some("at work that is done twice"),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

/// The original was asked to stop, and has not ended.
fn hangs(replaced: &Replaced, stopping: SignedDuration, region: &str) -> Waste {
    Waste {
        reason: format!(
            "the guard submitted it as Spot in place of {}, and AWS took the stop of the original {} ago, but that is still Stopping, and may be billed",
            replaced.name,
            roughly(stopping)
        )
        .into(),
        notice: Notice {
            key: Some("Stopping".to_owned()),
            advice: Some(format!(
                "open a case with AWS Support if it stays so. Its state: aws sagemaker describe-training-job {region}--training-job-name {}",
                argument(&replaced.name)
            )),
            severity: Severity::Warning,
            headline: Some("in place of a job that hangs"),
            ..Notice::default()
        },
        ..Waste::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn two_jobs_at_the_same_work_are_told_until_one_is_stopped() {
        let job = |status, fate, at_work| {
            let replaces = Some(Ok(Replaced {
                name: "the-old-one".into(),
                definition: String::new(),
                fate,
                since: "2026-11-24T08:59:00Z".parse().unwrap(),
                at_work,
            }));
            TrainingJob { status, replaces, ..training_job("2026-11-24T08:00:00Z") }
        };
        let since = |mut job: TrainingJob, since: &str| {
            if let Some(Ok(replaced)) = &mut job.replaces {
                replaced.since = since.parse().unwrap();
            }
            job
        };
        let own = job(JobStatus::InProgress, Fate::Runs, false).resource.name;
        let unknown = TrainingJob { replaces: Some(Err("no answer".into())), ..job(JobStatus::InProgress, Fate::Runs, false) };
        for (job, expected) in [
            (job(JobStatus::InProgress, Fate::Runs, false), vec!["the-old-one", own.as_str()]),
            (job(JobStatus::InProgress, Fate::Completed, false), vec![own.as_str()]),
            (job(JobStatus::Completed, Fate::Runs, false), vec!["the-old-one"]),
            (job(JobStatus::InProgress, Fate::Runs, true), vec!["later"]),
            (job(JobStatus::InProgress, Fate::Ended, true), vec!["fine"]),
            (job(JobStatus::Completed, Fate::Completed, false), vec!["fine"]),
            (job(JobStatus::Failed, Fate::Runs, false), vec!["fine"]),
            (job(JobStatus::InProgress, Fate::Stopping, false), vec!["the-old-one", "AWS Support"]),
            (job(JobStatus::Completed, Fate::Stopping, false), vec!["the-old-one", "AWS Support"]),
            (job(JobStatus::InProgress, Fate::Stopping, true), vec!["later"]),
            (since(job(JobStatus::InProgress, Fate::Stopping, false), "2026-11-24T09:00:00Z"), vec!["fine"]),
            (unknown, vec!["no answer"]),
        ] {
            let runs_on_demand = matches!(&job.replaces, Some(Ok(Replaced { fate: Fate::Runs, .. })));
            let told = match (ResubmittedJobDoubled {}).check(&job, &context("2026-11-24T12:00:00Z")) {
                Verdict::Waste(waste) => {
                    assert_eq!(waste.usd_per_hour.is_some(), runs_on_demand, "Spot has no price that is known: {job:?}");
                    waste.notice.advice.unwrap()
                }
                Verdict::Fine => "fine".into(),
                Verdict::Later => "later".into(),
                Verdict::Unknown(why) | Verdict::Exempt(why) => why,
            };
            assert!(expected.iter().all(|name| told.contains(name)), "{told}: {job:?}");
            assert_eq!(told.contains("--training-job-name the-old-one"), expected.contains(&"the-old-one"), "{told}: {job:?}");
        }
    }
}
