//! Resubmits a training job as managed Spot, and stops the old one. The new job is created first, so that no work is lost: if AWS refuses it, the old job goes
//! on as it is. The new job's name is always the same, so the next run finishes what an interrupted run began. A job that was created once is never created
//! again.

use aws_sdk_sagemaker::error::ProvideErrorMetadata;
use cost_rules::{
    facts::Fate,
    plan::{End, Outcome},
    remedy::{RESUBMITTED_TAG, Remedy, SpotTerms, as_spot, how_to_stop, how_to_stop_one, new_name},
    resource::{Kind, Resource},
    rulebook::Finding,
};
use jiff::Timestamp;

use super::jobs::{stop_training_job, stop_tuning_job};
use crate::{
    clients::why::why,
    context::Context,
    gather::{all_tags, training, wire::with_body},
    ledger::{LONGEST_DEFINITION, Resubmission, Stage},
};

/// The state of the new job, according to the service.
enum New {
    /// The new job runs and does the old job's work.
    Runs,
    /// The new job completed the old job's work.
    Completed,
    /// There is no job with its name.
    Gone,
    /// The job with its name will not do the old job's work: it has ended, or somebody else created it.
    Useless(String),
    /// AWS refused to create it.
    Refused(String),
    /// AWS says that its definition is invalid, so that it can never be created.
    Invalid(String),
    /// AWS had an error or gave no answer, and the job does not exist.
    NoAnswer(String),
    /// The service gave no answer, so the new job may or may not exist.
    Unknown(String),
}

/// Stops a training or tuning job, or resubmits a training job as Spot. `None`: the finding has another remedy.
pub(crate) async fn act(context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
    Some(match &finding.waste.remedy {
        Remedy::StopTrainingJob => Box::pin(stop(context, finding)).await,
        Remedy::ResubmitAsSpot(terms) => Box::pin(resubmit(context, finding, terms, now)).await,
        Remedy::StopTuningJob => stop_tuning_job(&context.clients, &finding.resource.name).await,
        _ => return None,
    })
}

/// Stores the new job's definition, creates the new job, and stops the old one, in this order.
async fn resubmit(context: &Context, finding: &Finding, terms: &SpotTerms, now: Timestamp) -> Outcome {
    let (ledger, old) = (context.ledger(), &finding.resource);
    let definition = match definition(context, old, terms).await {
        Ok(Some(definition)) => definition,
        Ok(None) => return Outcome::Gone,
        Err(why) => return Outcome::Failed(why),
    };
    if LONGEST_DEFINITION < definition.len() {
        return Outcome::GivenUp(format!("its definition has {} bytes, and the ledger takes {LONGEST_DEFINITION}", definition.len()));
    }
    let resubmission = Resubmission {
        name: terms.name.clone(),
        of: old.name.clone(),
        run: finding.run,
        stage: Stage::Stored,
        definition: Some(definition),
        at: now,
    };
    let mut stored = match ledger.store_resubmission(&resubmission).await {
        Ok(stored) => stored,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    if (&stored.of, stored.run) != (&old.name, finding.run) {
        return Outcome::GivenUp(format!(
            "its new name, {}, is that of the Spot job of an earlier job, which is still looked after",
            terms.name
        ));
    }
    let new = if stored.stage == Stage::Stored { create(context, &stored).await } else { look(context, &stored).await };
    match new {
        New::Runs => finish(context, &mut stored, false).await,
        New::Completed => finish(context, &mut stored, true).await,
        New::Refused(why) => Outcome::NotResubmitted { why, definition: stored.definition.unwrap_or_default() },
        New::NoAnswer(why) => Outcome::Failed(why),
        New::Unknown(why) => Outcome::Unknown(why),
        New::Useless(why) | New::Invalid(why) => Outcome::GivenUp(why),
        New::Gone => {
            Outcome::GivenUp(format!("it was submitted as Spot before, as {}, and that job is gone: it is not done twice", stored.name))
        }
    }
}

/// `sagemaker:StopTrainingJob`. If the job was already resubmitted, before the policy changed, its Spot job does the work.
async fn stop(context: &Context, finding: &Finding) -> Outcome {
    let old = &finding.resource.name;
    let found = context.ledger().resubmission(&Kind::TrainingJob.id(&new_name(old, finding.run))).await;
    match found {
        Ok(Some(mut one)) if (&one.of, one.run) == (old, finding.run) => match look(context, &one).await {
            New::Runs => finish(context, &mut one, false).await,
            New::Completed => finish(context, &mut one, true).await,
            New::Unknown(why) => Outcome::Unknown(why),
            New::Gone | New::Useless(_) | New::Invalid(_) | New::Refused(_) | New::NoAnswer(_) => {
                stop_training_job(&context.clients, old).await
            }
        },
        Ok(_) => stop_training_job(&context.clients, old).await,
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

/// Stops the old job, because the new one does its work, or has completed it (`is_done`). If AWS refuses the stop, the old job is described: a stop whose
/// answer was lost is refused when it is sent again.
async fn finish(context: &Context, one: &mut Resubmission, is_done: bool) -> Outcome {
    let (old, new) = (one.of.clone(), one.name.clone());
    let region = format!("--region {} ", context.clients.region);
    let does = if is_done { "has done its work" } else { "runs in its place" };
    let doubled = |definition: Option<&str>, why: String| Outcome::Doubled {
        why: format!("training job {new} {does}, but this one {why}"),
        advice: if is_done {
            format!("stop this one: {}", how_to_stop(&old, &region))
        } else {
            how_to_stop_one(&old, &new, definition.unwrap_or_default(), &region)
        },
    };
    if one.stage == Stage::Stored {
        match context.ledger().set_stage(one, Stage::Created).await {
            Ok(true) => {}
            Ok(false) => return Outcome::Unknown("another run is at work on it".into()),
            Err(error) => {
                return doubled(one.definition.as_deref(), format!("was not stopped, because {new} could not be remembered: {error:#}"));
            }
        }
    }
    let stopped = stop_training_job(&context.clients, &old).await;
    let fate = match &stopped {
        Outcome::Done => Ok(Fate::Stopping),
        _ => training::fate(&context.clients, &old, one.run).await,
    };
    let (end, stage) = match fate {
        Err(why) => return Outcome::Unknown(format!("{}, and what became of it is not known: {why}", stopped.detail())),
        Ok(Fate::Runs) => return doubled(one.definition.as_deref(), format!("could not be stopped: {}", stopped.detail())),
        Ok(Fate::Ended | Fate::Stopping) if is_done => (End::NotNeeded(new.clone()), Stage::Settled),
        // The next runs see when it has ended.
        Ok(Fate::Stopping) => return Outcome::Over(End::Replaced(new)),
        Ok(Fate::Ended) => (End::Replaced(new.clone()), Stage::Stopped),
        Ok(Fate::Completed) if is_done => (End::ByItself(format!("it has done its work, and so has {new}")), Stage::Settled),
        // The old job completed at the last moment: the new one is not needed.
        Ok(Fate::Completed) => match stop_training_job(&context.clients, &new).await.failure() {
            None => (End::ByItself(format!("it has done its work, and its Spot job, {new}, was stopped")), Stage::Settled),
            // The rule resubmitted-job-doubled reports the new job.
            Some(why) => {
                return Outcome::Skipped(format!("it has done its work, and {new}, which nobody needs, could not be stopped: {why}"));
            }
        },
    };
    if let Err(error) = context.ledger().set_stage(one, stage).await {
        lambda_runtime::tracing::warn!("{error:#}: the next sweep finds out how far {new} has come");
    }
    Outcome::Over(end)
}

/// The new job's definition, made from the old job's current description and all of its tags. `None`: the old job is gone.
async fn definition(context: &Context, old: &Resource, terms: &SpotTerms) -> Result<Option<String>, String> {
    let (described, tags) =
        tokio::join!(training::describe_training(&context.clients, &old.name), all_tags(&context.clients, old.arn_or_id()));
    let (Some(described), Some(tags)) = (described?, tags?) else { return Ok(None) };
    as_spot(&described, &tags, terms).map(|definition| Some(definition.to_string()))
}

/// `sagemaker:CreateTrainingJob` with the stored definition as the request's body. After any error, the job is described: it may have been created by a call
/// whose answer was lost, or by an interrupted run.
async fn create(context: &Context, stored: &Resubmission) -> New {
    let new = stored.name.as_str();
    let body = stored.definition.clone().unwrap_or_default();
    let call = context.clients.sagemaker.create_training_job().training_job_name(new).customize().mutate_request(with_body(body));
    let Err(error) = call.send().await else { return New::Runs };
    let answer = format!("CreateTrainingJob {new}: {}", why(&error));
    // Only a client error (4xx) is a refusal. After a server error or no answer, the job may still appear.
    let is_refusal = error.raw_response().is_some_and(|response| response.status().is_client_error());
    let is_invalid = error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ValidationException");
    match look(context, stored).await {
        New::Gone if is_refusal && is_invalid => New::Invalid(answer),
        New::Gone if is_refusal => New::Refused(answer),
        New::Gone => New::NoAnswer(answer),
        New::Unknown(why) => New::Unknown(format!("{answer}, and whether it is there is not known: {why}")),
        found => found,
    }
}

/// The state of the new job, read from the service itself.
async fn look(context: &Context, stored: &Resubmission) -> New {
    let (clients, new) = (&context.clients, stored.name.as_str());
    let there = match training::now(clients, new).await {
        Ok(Some(there)) => there,
        Ok(None) => return New::Gone,
        Err(why) => return New::Unknown(why),
    };
    let is_newer = there.created.zip(stored.run).is_some_and(|(new, old)| old <= new);
    // A job that already had 50 tags does not have the mark.
    let bears_mark = !stored.definition.as_ref().is_some_and(|definition| definition.contains(RESUBMITTED_TAG))
        || match all_tags(clients, &there.arn).await {
            Ok(Some(tags)) => tags.get(RESUBMITTED_TAG) == Some(&stored.of),
            Ok(None) => return New::Gone,
            Err(why) => return New::Unknown(why),
        };
    match there.status.as_str() {
        _ if !is_newer || !bears_mark => New::Useless(format!("there is a training job {new}, and it is no resubmission of {}", stored.of)),
        "InProgress" => New::Runs,
        "Completed" => New::Completed,
        status @ ("Stopping" | "Stopped" | "Failed" | "Deleting") => {
            New::Useless(format!("it was submitted as Spot before, as {new}, and that job is {status}: it is not done twice"))
        }
        status => New::Unknown(format!("training job {new} is {status}")),
    }
}
