//! The actions: one idempotent SDK call each (but for `resubmit`), legal from one state only. What is already so, or gone, is success.

use cost_rules::{
    plan::{End, Outcome},
    remedy::Remedy,
    rulebook::Finding,
};
use jiff::Timestamp;

use crate::context::Context;

mod jobs;
mod notebooks;
mod resubmit;
mod studio;
mod tags;

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
