//! Submits a training job once more, as managed Spot, and stops the old one. In this order, so that the work is never lost: what is refused leaves the
//! old job as it is, and a run that breaks off in between is finished by the next one, because the new job's name is always the same.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::error::ProvideErrorMetadata as _;
use aws_smithy_types::body::SdkBody;
use cost_rules::{
    facts::{Kind, Resource},
    finding::SpotTerms,
    resubmission::{RESUBMITTED_TAG, as_spot},
};
use jiff::Timestamp;

use crate::{
    Context,
    act::{BEING_STOPPED, Outcome, stop_training_job},
    gather,
    ledger::Resubmission,
    why::why,
};

/// The definition is stored and read back, the new job is created, the old one is stopped.
pub(crate) async fn resubmit(context: &Context, old: &Resource, terms: &SpotTerms, now: Timestamp) -> Outcome {
    let definition = match definition(context, old, terms).await {
        Ok(Some(definition)) => definition,
        Ok(None) => return Outcome::Gone,
        Err(why) => return Outcome::Failed(why),
    };
    let new_id = format!("{}/{}", Kind::TrainingJob.as_str(), terms.name.to_lowercase());
    let resubmission = Resubmission { name: terms.name.clone(), of: old.name.clone(), definition };
    let stored = match context.ledger().store_resubmission(&new_id, &resubmission, now).await {
        Ok(stored) => stored,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    if stored.of != old.name {
        return Outcome::Failed(format!("its new name {} is that of another job, {}, that was submitted again", terms.name, stored.of));
    }
    if let Err(why) = create(context, &old.name, &terms.name, &stored.definition).await {
        return Outcome::NotResubmitted { why, definition: stored.definition };
    }
    match stop_training_job(&context.clients, &old.name).await {
        Outcome::AlreadyDone(why) if why == BEING_STOPPED => Outcome::Done,
        // The old one came to its end by itself in the last moment: nobody needs the new one.
        outcome @ (Outcome::AlreadyDone(_) | Outcome::Gone) => {
            let why = outcome.detail();
            match stop_training_job(&context.clients, &terms.name).await.failure() {
                None => Outcome::AlreadyDone(format!("{why}, and {} was stopped again", terms.name)),
                Some(failure) => Outcome::Failed(format!("{why}, and {}, which nobody needs, could not be stopped: {failure}", terms.name)),
            }
        }
        outcome => outcome,
    }
}

/// From the service's own word of this moment, with all of the job's tags. `None`: it is gone.
async fn definition(context: &Context, old: &Resource, terms: &SpotTerms) -> Result<Option<String>, String> {
    let Some(described) = gather::training::describe_training(&context.clients, &old.name).await? else { return Ok(None) };
    let tags = all_tags(context, old.arn_or_id()).await?;
    as_spot(&described, &tags, terms).map(|definition| Some(definition.to_string()))
}

async fn all_tags(context: &Context, arn: &str) -> Result<BTreeMap<String, String>, String> {
    gather::all_tags(&context.clients, arn).await?.ok_or_else(|| format!("the tags of {arn} are gone"))
}

/// `sagemaker:CreateTrainingJob` with a definition as it is. A job of this name that goes on with the old one's work is success.
async fn create(context: &Context, old_name: &str, new_name: &str, definition: &str) -> Result<(), String> {
    let body = definition.to_owned();
    let call = context.clients.sagemaker.create_training_job().training_job_name(new_name).customize().mutate_request(move |request| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body.clone());
    });
    let Err(error) = call.send().await else { return Ok(()) };
    let refused = format!("CreateTrainingJob {new_name}: {}", why(&error));
    if error.as_service_error().and_then(|error| error.code()) != Some("ResourceInUse") {
        return Err(refused);
    }
    let there = gather::training::arn_of(&context.clients, new_name).await?.ok_or_else(|| refused.clone())?;
    match all_tags(context, &there).await?.get(RESUBMITTED_TAG) {
        Some(of) if of == old_name => Ok(()),
        _ => Err(format!("{refused} It is no resubmission of {old_name}.")),
    }
}
