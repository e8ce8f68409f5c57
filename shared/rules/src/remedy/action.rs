//! Remedies: the action's name, the AWS CLI command for a person, and what a mail says about it.

use std::collections::BTreeMap;

use crate::{
    remedy::hibernation::{Sleep, WakesBy},
    scaling::{Attachment, Counts, FIRST_NAME, POLICY_NAME, Way, how_to_set_copies, how_to_set_instances},
    vocabulary::{
        duration::Duration,
        resource::{AppHome, region_option},
        text::{argument, one_line, quoted},
    },
};

/// What the guard can do about waste if the policy allows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remedy {
    /// Nothing: the owner has to act.
    #[default]
    None,
    /// `StopNotebookInstance`: the volume and its files are kept.
    StopNotebook,
    /// `DeleteApp`: the space or user profile and its files are kept, what is only in memory is lost.
    DeleteApp {
        /// The domain's id.
        domain: String,
        /// The space or the user profile.
        home: AppHome,
        /// As the API spells it.
        app_type: String,
        /// The app's name.
        app_name: String,
    },
    /// `StopTrainingJob`: artifacts that it has written may be kept, everything else is lost.
    StopTrainingJob,
    /// `CreateTrainingJob` with the same work on managed Spot, then `StopTrainingJob` for this job.
    ResubmitAsSpot(SpotTerms),
    /// `StopHyperParameterTuningJob`: its running training jobs are stopped too, the results of those that ended are kept.
    StopTuningJob,
    /// `StopProcessingJob`: what it has not written to S3 is lost.
    StopProcessingJob,
    /// `StopTransformJob`: what it has not written to S3 is lost.
    StopTransformJob,
    /// `StopAutoMLJob`: the candidates that it has so far are kept.
    StopAutoMlJob,
    /// `AddTags` with keys that the resource does not have: no value is ever overwritten.
    AddTags {
        /// Keys and values.
        tags: BTreeMap<String, String>,
        /// Where the values come from, for people: `Owner from who created it`.
        from: String,
        /// What the owner can do about tags that are still missing afterwards.
        rest: Option<String>,
    },
    /// `RegisterScalableTarget`, `PutScheduledAction`, `PutScalingPolicy` and `PutMetricAlarm` for variants or inference components.
    AttachScaling(Way, Vec<Attachment>),
    /// `DeleteEndpoint`, after everything that it takes to create the endpoint again was stored.
    Hibernate(Sleep),
    /// `UpdateCostAllocationTagsStatus`: the tag key is activated for billing, from then on.
    ActivateTag,
}

/// How a training job is submitted again as Spot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpotTerms {
    /// The new job's name.
    pub name: String,
    /// How much longer than its time limit the new job may take, including the wait for Spot capacity.
    pub wait: Duration,
    /// The S3 prefix for checkpoints if the old job has none. `None`: beside the job's output.
    pub checkpoints: Option<String>,
    /// Whether the old job writes checkpoints. The new job then continues from them, otherwise it starts from the beginning.
    pub resumes: bool,
}

const ADD_TAGS: &str = "add-tags";
const ATTACH_SCALING: &str = "attach-auto-scaling";
const HIBERNATE: &str = "hibernate-endpoint";
const RESUBMIT: &str = "resubmit-as-spot";
const SCALE_TO_ZERO: &str = "scale-to-zero";
const SCHEDULE: &str = "schedule-scaling";
const ACTIVATE_TAG: &str = "activate-cost-allocation-tag";

impl Remedy {
    /// The action's name in the report.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::StopNotebook => "stop-notebook-instance",
            Self::DeleteApp { .. } => "delete-app",
            Self::StopTrainingJob => "stop-training-job",
            Self::ResubmitAsSpot(_) => RESUBMIT,
            Self::StopTuningJob => "stop-tuning-job",
            Self::StopProcessingJob => "stop-processing-job",
            Self::StopTransformJob => "stop-transform-job",
            Self::StopAutoMlJob => "stop-automl-job",
            Self::AddTags { .. } => ADD_TAGS,
            Self::ActivateTag => ACTIVATE_TAG,
            Self::AttachScaling(Way::Follow, _) => ATTACH_SCALING,
            Self::AttachScaling(Way::ToZero, _) => SCALE_TO_ZERO,
            Self::AttachScaling(Way::ByHours, _) => SCHEDULE,
            Self::Hibernate(_) => HIBERNATE,
            Self::None => "none",
        }
    }

    /// The AWS CLI command with which a person ends the waste; empty if there is none. For a resubmission it only stops the old job. `region`: [`region_option`].
    pub fn command(&self, name: &str, region: &str) -> String {
        let name = argument(name);
        match self {
            Self::StopNotebook => format!("aws sagemaker stop-notebook-instance {region}--notebook-instance-name {name}"),
            Self::DeleteApp { domain, home, app_type, app_name } => {
                let home = match home {
                    AppHome::Space(space) => format!("--space-name {}", argument(space)),
                    AppHome::UserProfile(profile) => format!("--user-profile-name {}", argument(profile)),
                };
                let (domain, app_type, app_name) = (argument(domain), argument(app_type), argument(app_name));
                format!("aws sagemaker delete-app {region}--domain-id {domain} {home} --app-type {app_type} --app-name {app_name}")
            }
            Self::StopTrainingJob | Self::ResubmitAsSpot(_) => {
                format!("aws sagemaker stop-training-job {region}--training-job-name {name}")
            }
            Self::StopTuningJob => {
                format!("aws sagemaker stop-hyper-parameter-tuning-job {region}--hyper-parameter-tuning-job-name {name}")
            }
            Self::StopProcessingJob => format!("aws sagemaker stop-processing-job {region}--processing-job-name {name}"),
            Self::StopTransformJob => format!("aws sagemaker stop-transform-job {region}--transform-job-name {name}"),
            Self::StopAutoMlJob => format!("aws sagemaker stop-auto-ml-job {region}--auto-ml-job-name {name}"),
            // The advice of their rules says what a person can do.
            Self::AddTags { .. } | Self::ActivateTag | Self::AttachScaling(..) | Self::Hibernate(_) | Self::None => String::new(),
        }
    }

    /// The end of the sentence "it will be …".
    pub const fn participle(&self) -> &'static str {
        match self {
            Self::ResubmitAsSpot(_) => "resubmitted as Spot",
            Self::AddTags { .. } => "tagged",
            Self::ActivateTag => "activated",
            Self::AttachScaling(Way::Follow, _) => "given auto scaling",
            Self::AttachScaling(Way::ToZero, _) => "given auto scaling to zero",
            Self::AttachScaling(Way::ByHours, _) => "given auto scaling by working hours",
            Self::Hibernate(_) => "hibernated",
            _ => "stopped",
        }
    }

    /// What the owner has to know before the action, the same for all of its kind: what is kept and what is lost. `None`: nothing is lost, or that differs from
    /// one to the next ([`Self::what_is_lost`]).
    pub const fn what_is_kept(&self) -> Option<&'static str> {
        Some(match self {
            // aws-facts §2.1
            Self::StopNotebook => {
                "Stopping a notebook instance keeps all files in its SageMaker folder. Running kernels, what is only in memory, and files elsewhere are lost."
            }
            // aws-facts §2.2
            Self::DeleteApp { home: AppHome::Space(_), .. } => {
                "Stopping a Studio app keeps all files of its space. Running kernels and what is only in memory are lost."
            }
            Self::DeleteApp { home: AppHome::UserProfile(_), .. } => {
                "Stopping a Studio app keeps all files of its user profile. Running kernels and what is only in memory are lost."
            }
            Self::StopTuningJob => {
                "Stopping a tuning job keeps the results of its training jobs that have ended. Those that run are stopped with it."
            }
            Self::StopProcessingJob => "Stopping a processing job keeps what it has written to S3 by then. Everything else is lost.",
            Self::StopTransformJob => "Stopping a transform job keeps what it has written to S3 by then. Everything else is lost.",
            Self::StopAutoMlJob => "Stopping an AutoML job keeps the candidates that it has by then. What is in training is lost.",
            Self::AttachScaling(way, _) => what_scaling_risks(*way),
            // aws-facts §3.6
            Self::Hibernate(_) => {
                "Hibernating deletes an endpoint and keeps its model and its configuration. Its tags, auto scaling and number of instances are stored, and come back with it. \
                 While it is deleted, its callers get errors. It comes back with a new creation time. If its model names the image by a tag (such as latest) that \
                 then points to another image, it comes back with that image."
            }
            Self::StopTrainingJob | Self::ResubmitAsSpot(_) | Self::AddTags { .. } | Self::ActivateTag | Self::None => return None,
        })
    }

    /// What this one training job loses by the action, before it and after it, as the end of a sentence (aws-facts §2.3). `writes_checkpoints`: `None` if that is
    /// not known. `None`: it is no training job.
    pub const fn what_is_lost(&self, writes_checkpoints: Option<bool>) -> Option<&'static str> {
        Some(match (self, writes_checkpoints) {
            (Self::StopTrainingJob, Some(true)) => "its training since its last checkpoint. The checkpoints in S3 are kept",
            (Self::StopTrainingJob, Some(false)) => "its training, except what its own code saves: the job has no CheckpointConfig",
            (Self::StopTrainingJob, None) => "its training since its last checkpoint, or all of it if it writes none",
            (Self::ResubmitAsSpot(SpotTerms { resumes: true, .. }), _) => {
                "its training since its last checkpoint. The Spot job does that part again"
            }
            (Self::ResubmitAsSpot(_), _) => "its training so far: the job has no CheckpointConfig. The Spot job starts from the beginning",
            _ => return None,
        })
    }

    /// What the owner has to know after the action: what is kept, what is lost, how to start it again.
    pub fn when_done(&self, name: &str, arn: &str, writes_checkpoints: Option<bool>) -> String {
        match self {
            Self::StopNotebook => {
                let (region, name) = (region_option(arn), argument(name));
                format!(
                    "Its files are kept; what was only in memory is lost. Start it again: aws sagemaker start-notebook-instance {region}--notebook-instance-name {name}"
                )
            }
            Self::StopTuningJob => "The results of its training jobs that had ended are kept, the others were stopped with it.".to_owned(),
            Self::StopTrainingJob | Self::ResubmitAsSpot(_) => {
                // It was stopped and not resubmitted.
                let lost = Self::StopTrainingJob.what_is_lost(writes_checkpoints).unwrap_or_default();
                format!("Lost:  {lost}.\n  Submit it again where you submitted it.")
            }
            Self::StopProcessingJob | Self::StopTransformJob | Self::StopAutoMlJob => {
                "What it wrote to S3 is kept. Submit it again where you submitted it.".to_owned()
            }
            Self::AddTags { tags, from, .. } => {
                let written = tags.iter().map(|(key, value)| one_line(&format!("{key}={value}"))).collect::<Vec<_>>().join(", ");
                let from = one_line(from);
                let right: Vec<(&str, String)> = tags.keys().map(|key| (key.as_str(), format!("<{key}>"))).collect();
                let right = how_to_add(arn, right.iter().map(|(key, value)| (*key, value.as_str())));
                format!("It now has: {written} ({from}).\n  Wrong? Write the right value over it: {right}")
            }
            Self::AttachScaling(way, attachments) => detach(name, &region_option(arn), *way, attachments),
            Self::Hibernate(sleep) => sleep.until_somebody_wakes_it(name, &region_option(arn)),
            Self::ActivateTag => "The bill shows it from the next day on.".to_owned(),
            Self::DeleteApp { .. } => {
                "Its files are kept; what was only in memory is lost. Start it again where you started it.".to_owned()
            }
            Self::None => "Its files are kept. Start it again where you started it.".to_owned(),
        }
    }

    /// Whether it undoes itself and is done again, day by day. One warning of it holds as long as that goes on.
    pub const fn is_routine(&self) -> bool {
        matches!(self, Self::Hibernate(Sleep { wakes: WakesBy::WorkingHours, .. }))
    }

    /// The end of "it will be …", of a remedy that is known only by its [`Remedy::action`].
    pub fn participle_of_action(action: &str) -> &'static str {
        match name_of_action(action) {
            ATTACH_SCALING => Self::AttachScaling(Way::Follow, vec![]).participle(),
            SCALE_TO_ZERO => Self::AttachScaling(Way::ToZero, vec![]).participle(),
            SCHEDULE => Self::AttachScaling(Way::ByHours, vec![]).participle(),
            HIBERNATE => "hibernated",
            RESUBMIT => "resubmitted as Spot",
            _ => "stopped",
        }
    }

    /// Whether it ends a job, for which a workflow may wait.
    pub const fn ends_job(&self) -> bool {
        matches!(
            self,
            Self::StopTrainingJob
                | Self::ResubmitAsSpot(_)
                | Self::StopTuningJob
                | Self::StopProcessingJob
                | Self::StopTransformJob
                | Self::StopAutoMlJob
        )
    }

    /// Whether what it changes goes on running afterwards.
    pub const fn leaves_running(&self) -> bool {
        matches!(self, Self::AttachScaling(..)) || self.is_harmless()
    }

    /// The same of a remedy that is known only by its [`Remedy::action`].
    pub fn leaves_running_action(action: &str) -> bool {
        [ADD_TAGS, ACTIVATE_TAG, ATTACH_SCALING, SCALE_TO_ZERO, SCHEDULE].contains(&name_of_action(action))
    }

    /// Whether it stops nothing. Then the owner is not warned first, and the tag `cost-guard:keep-until` does not prevent it.
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::AddTags { .. } | Self::ActivateTag)
    }
}

/// The name of an action, behind which stand what it starts from and the budget that causes it.
fn name_of_action(action: &str) -> &str {
    action.split([' ', ',']).next().unwrap_or_default()
}

/// What auto scaling risks, before it is attached (aws-facts §3.2, §3.4).
const fn what_scaling_risks(way: Way) -> &'static str {
    match way {
        // Target tracking adds an instance after three minutes above the target, and the instance takes minutes to start.
        Way::Follow => {
            "Auto scaling changes no model and no configuration. When requests rise quickly, they may be slow or fail until new instances serve, some minutes later."
        }
        Way::ToZero => {
            "Auto scaling to zero changes no model and no configuration. The first requests after a pause start an instance, which takes some minutes: those to an \
             asynchronous endpoint wait in its queue, those to an inference component fail until it serves, so that callers have to try again. A request that \
             takes longer than ten minutes may be cut off when its instance is removed. With few requests it may go to zero between them."
        }
        Way::ByHours => {
            "Auto scaling by working hours changes no model and no configuration. Outside working hours requests may be slow or fail: what has gone to zero starts \
             with the first ones, which takes some minutes. On holidays it runs as on other days."
        }
    }
}

/// How a person takes auto scaling away again.
fn detach(endpoint: &str, region: &str, way: Way, attachments: &[Attachment]) -> String {
    let what = match way {
        Way::Follow => "From now on the number of its instances follows its requests.",
        Way::ToZero => "From now on it goes to zero while there is no work, and the first request brings an instance back.",
        Way::ByHours => "From now on it has fewer instances outside its working hours.",
    };
    let mut lines = vec![format!("{what} To take that back:")];
    for one in attachments {
        lines.extend(detach_one(endpoint, region, one));
    }
    lines.join("\n  ")
}

fn detach_one(endpoint: &str, region: &str, one: &Attachment) -> Vec<String> {
    let command = |name: &str| one.command(name, region);
    let mut lines = vec![];
    if let Some(before) = one.before {
        lines.push(format!("{} --min-capacity {} --max-capacity {}", command("register-scalable-target"), before.min, before.max));
        let actions =
            one.actions.iter().map(|action| format!("{} --scheduled-action-name {}", command("delete-scheduled-action"), action.name));
        lines.extend(actions);
        let policies = [(POLICY_NAME, one.tracking.is_some()), (FIRST_NAME, one.wake.is_some())];
        let policies = policies.into_iter().filter(|(_, is_ours)| *is_ours);
        lines.extend(policies.map(|(name, _)| format!("{} --policy-name {name}", command("delete-scaling-policy"))));
    } else {
        lines.push(command("deregister-scalable-target"));
        lines.push(match one.counts {
            Counts::Instances => how_to_set_instances(endpoint, region, &one.variant, one.instances),
            Counts::Copies => how_to_set_copies(region, &one.variant, one.instances),
        });
    }
    if one.wake.is_some() {
        lines.push(format!("aws cloudwatch delete-alarms {region}--alarm-names {}", argument(&one.alarm_name())));
    }
    lines
}

/// The AWS CLI command that writes these tags.
pub fn how_to_add<'a>(arn: &str, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let tags: Vec<String> = tags.into_iter().map(|(key, value)| quoted(&format!("Key={key},Value={value}"))).collect();
    format!("aws sagemaker add-tags {}--resource-arn {} --tags {}", region_option(arn), argument(arn), tags.join(" "))
}

/// The AWS CLI command that removes a tag.
pub fn how_to_remove(arn: &str, key: &str) -> String {
    format!("aws sagemaker delete-tags {}--resource-arn {} --tag-keys {}", region_option(arn), argument(arn), quoted(key))
}

/// The AWS CLI command that stops a training job. `region`: the CLI's option ([`crate::vocabulary::resource::region_option`]).
pub fn how_to_stop(name: &str, region: &str) -> String {
    Remedy::StopTrainingJob.command(name, region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_scales_was_not_stopped() {
        for (action, leaves_running) in [
            ("attach-auto-scaling from 4 AllTraffic", true),
            ("scale-to-zero from 1-4 AllTraffic", true),
            ("schedule-scaling from 2 blue, 2 green", true),
            ("hibernate-endpoint", false),
            ("add-tags, because of nlp", true),
            ("activate-cost-allocation-tag", true),
            ("stop-training-job", false),
            ("stop-training-job, because of nlp", false),
        ] {
            assert_eq!(Remedy::leaves_running_action(action), leaves_running, "{action}");
        }
    }
}
