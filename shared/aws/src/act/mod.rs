//! The actions: one idempotent SDK call each (but for `resubmit`), legal from one state only. What is already so, or gone, is success.

use cost_rules::{plan::End, remedy::Remedy, rulebook::Finding};
use jiff::Timestamp;

use crate::context::Context;

mod jobs;
mod notebooks;
mod resubmit;
mod studio;
mod tags;

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It was so already.
    AlreadyDone(String),
    /// It is over, and there is more to say of it.
    Over(End),
    /// The resource is gone.
    Gone,
    /// Not done, because the resource is no longer what was judged.
    Skipped(String),
    /// It may have been done: no answer came.
    Unknown(String),
    /// Not done: AWS refused, for this reason.
    Failed(String),
    /// Not done, for this reason, which stays: it is not tried again.
    GivenUp(String),
    /// Submitted again and not stopped: two jobs do the same work.
    Doubled {
        /// Why.
        why: String,
        /// What its owner can do.
        advice: String,
    },
    /// AWS refused to submit it again, for this reason: the job goes on as it is, and this is the definition for whoever wants to do it.
    NotResubmitted {
        /// Why.
        why: String,
        /// As `CreateTrainingJob` takes it: JSON.
        definition: String,
    },
}

impl Outcome {
    /// As it stands in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done | Self::Over(End::Stopped(_) | End::NotNeeded(_) | End::Replaced(_)) => "done",
            Self::AlreadyDone(_) | Self::Gone | Self::Over(End::ByItself(_)) => "already-done",
            Self::Skipped(_) | Self::Unknown(_) => "skipped",
            Self::Failed(_) | Self::GivenUp(_) | Self::Doubled { .. } | Self::NotResubmitted { .. } => "failed",
        }
    }

    /// Why, where there is something to say.
    pub fn detail(&self) -> &str {
        match self {
            Self::Done | Self::Over(End::Stopped(None)) => "",
            Self::Gone => "it is gone",
            Self::Over(End::Stopped(Some(what)) | End::NotNeeded(what) | End::Replaced(what) | End::ByItself(what)) => what,
            Self::AlreadyDone(why)
            | Self::Skipped(why)
            | Self::Unknown(why)
            | Self::Failed(why)
            | Self::GivenUp(why)
            | Self::Doubled { why, .. }
            | Self::NotResubmitted { why, .. } => why,
        }
    }

    /// Whether what was found is no more, by this or already.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::AlreadyDone(_) | Self::Over(_) | Self::Gone)
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        (self.name() == "failed").then(|| self.detail())
    }
}

/// Acts upon a finding that is due.
pub async fn act(context: &Context, finding: &Finding, now: Timestamp) -> Outcome {
    let (clients, name) = (&context.clients, finding.resource.name.as_str());
    match &finding.waste.remedy {
        Remedy::StopNotebook => notebooks::stop_notebook(clients, name).await,
        Remedy::DeleteApp { domain, home, app_type, app_name } => studio::delete_app(clients, domain, home, app_type, app_name).await,
        Remedy::StopTrainingJob => Box::pin(resubmit::stop(context, finding)).await,
        Remedy::StopTuningJob => jobs::stop_tuning_job(clients, name).await,
        Remedy::StopProcessingJob => jobs::job_outcome(clients.sagemaker.stop_processing_job().processing_job_name(name).send().await),
        Remedy::StopTransformJob => jobs::job_outcome(clients.sagemaker.stop_transform_job().transform_job_name(name).send().await),
        Remedy::StopAutoMlJob => jobs::job_outcome(clients.sagemaker.stop_auto_ml_job().auto_ml_job_name(name).send().await),
        Remedy::AddTags { tags, .. } => tags::add_tags(clients, finding.resource.arn_or_id(), tags).await,
        Remedy::ActivateTag => tags::activate_tag(clients, name).await,
        Remedy::ResubmitAsSpot(terms) => Box::pin(resubmit::resubmit(context, finding, terms, now)).await,
        Remedy::None => Outcome::Skipped("this rule only advises".into()),
    }
}

#[cfg(test)]
mod tests;
