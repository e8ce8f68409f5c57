//! Submits a training job once more, as managed Spot, and stops the old one. In this order, so that the work is never lost: what is refused leaves the
//! old job as it is, and a run that breaks off in between is finished by the next one, because the new job's name is always the same.

use aws_sdk_sagemaker::error::ProvideErrorMetadata as _;
use aws_smithy_types::body::SdkBody;
use cost_rules::{
    facts::Resource,
    finding::{Finding, SpotTerms},
    resubmission::{RESUBMITTED_TAG, as_spot},
};
use jiff::Timestamp;

use crate::{
    Context,
    act::{Outcome, stop_training_job},
    gather,
    ledger::{Resubmission, Stage},
    why::why,
};

/// The definition is stored, the new job is created, the old one is stopped.
pub(crate) async fn resubmit(context: &Context, finding: &Finding, terms: &SpotTerms, now: Timestamp) -> Outcome {
    let (ledger, old) = (context.ledger(), &finding.resource);
    let definition = match definition(context, old, terms).await {
        Ok(Some(definition)) => definition,
        Ok(None) => return Outcome::Gone,
        Err(why) => return Outcome::Failed(why),
    };
    let resubmission = Resubmission {
        name: terms.name.clone(),
        of: old.name.clone(),
        run: finding.run,
        stage: Stage::Stored,
        definition: Some(definition),
        at: now,
    };
    let stored = match ledger.store_resubmission(&resubmission).await {
        Ok(stored) => stored,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    if stored.of != old.name {
        return Outcome::Failed(format!("its new name {} is that of another job, {}, that was submitted again", terms.name, stored.of));
    }
    if let Err(why) = create(context, &stored).await {
        return Outcome::NotResubmitted { why, definition: stored.definition.unwrap_or_default() };
    }
    if stored.stage == Stage::Stored
        && let Err(error) = ledger.set_stage(stored.clone(), Stage::Created).await
    {
        return Outcome::Failed(format!(
            "training job {} runs in its place, but is not remembered, and so it was not stopped: {error:#}",
            terms.name
        ));
    }
    let (outcome, stage) = stop_old(context, &old.name, &terms.name).await;
    if let Some(stage) = stage
        && let Err(error) = ledger.set_stage(stored, stage).await
    {
        lambda_runtime::tracing::warn!("{error:#}: the next sweep finds out how far {} has come", terms.name);
    }
    outcome
}

/// Stops the old job. If that is refused, the service itself is asked what became of it: a stop whose answer was lost is refused when it is sent again.
async fn stop_old(context: &Context, old: &str, new: &str) -> (Outcome, Option<Stage>) {
    let refused = match stop_training_job(&context.clients, old).await {
        Outcome::Done => return (Outcome::Done, Some(Stage::Stopped)),
        refused => refused,
    };
    let now = match gather::training::now(&context.clients, old).await {
        Ok(now) => now,
        Err(why) => return (Outcome::Unknown(format!("{}, and what became of it is not known: {why}", refused.detail())), None),
    };
    match now.as_ref().map(|now| now.status.as_str()) {
        Some("InProgress") => {
            let why = refused.detail();
            (
                Outcome::Failed(format!(
                    "training job {new} runs in its place, but it could not be stopped: {why}. If it stays so, stop one of the two"
                )),
                None,
            )
        }
        // It came to its end by itself in the last moment: nobody needs the new one.
        Some("Completed") => match stop_training_job(&context.clients, new).await.failure() {
            None => (Outcome::AlreadyDone(format!("it had come to its end, and {new} was stopped again")), Some(Stage::Settled)),
            Some(failure) => {
                (Outcome::Failed(format!("it had come to its end, and {new}, which nobody needs, could not be stopped: {failure}")), None)
            }
        },
        // Stopping, Stopped, Failed, or deleted.
        _ => (Outcome::Done, Some(Stage::Stopped)),
    }
}

/// From the service's own word of this moment, with all of the job's tags. `None`: it is gone.
async fn definition(context: &Context, old: &Resource, terms: &SpotTerms) -> Result<Option<String>, String> {
    let (described, tags) =
        tokio::join!(gather::training::describe_training(&context.clients, &old.name), gather::all_tags(&context.clients, old.arn_or_id()));
    let (Some(described), Some(tags)) = (described?, tags?) else { return Ok(None) };
    as_spot(&described, &tags, terms).map(|definition| Some(definition.to_string()))
}

/// `sagemaker:CreateTrainingJob` with a definition as it is. A job of this name that is at the old one's work is success.
async fn create(context: &Context, stored: &Resubmission) -> Result<(), String> {
    let new = stored.name.as_str();
    let Some(body) = stored.definition.clone() else {
        return Err(format!("it was submitted as Spot before, as {new}, and that is over"));
    };
    let call = context.clients.sagemaker.create_training_job().training_job_name(new).customize().mutate_request(move |request| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body.clone());
    });
    let Err(error) = call.send().await else { return Ok(()) };
    let refused = format!("CreateTrainingJob {new}: {}", why(&error));
    // Without an answer it may have been created all the same.
    if error.as_service_error().is_some_and(|error| error.code() != Some("ResourceInUse")) {
        return Err(refused);
    }
    // The guard created it, in a run that broke off or by a call whose answer was lost; or it is somebody's, and older than the job.
    let Some(there) = gather::training::now(&context.clients, new).await? else { return Err(refused) };
    let is_newer = there.created.zip(stored.run).is_some_and(|(new, old)| old <= new);
    // A job that has fifty tags of its own does not bear it.
    let bears_mark = !stored.definition.as_ref().is_some_and(|definition| definition.contains(RESUBMITTED_TAG))
        || gather::all_tags(&context.clients, &there.arn).await?.is_some_and(|tags| tags.get(RESUBMITTED_TAG) == Some(&stored.of));
    if !is_newer || !bears_mark {
        return Err(format!("{refused}. That job is no resubmission of {}", stored.of));
    }
    match there.status.as_str() {
        "InProgress" => Ok(()),
        status => Err(format!("it was submitted as Spot before, as {new}, and that job is {status}: it is not done twice")),
    }
}
