//! Stops jobs of any kind.

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use cost_rules::{
    plan::{End, Outcome},
    remedy::Remedy,
    rulebook::Finding,
};

use crate::{
    clients::{Clients, why::why},
    gather::says_gone,
};

/// Stops a job of any kind. `None`: the finding has another remedy.
pub(crate) async fn act(clients: &Clients, finding: &Finding) -> Option<Outcome> {
    let (sagemaker, name) = (&clients.sagemaker, finding.resource.name.as_str());
    Some(match finding.waste.remedy {
        Remedy::StopTrainingJob => stop_training_job(clients, name).await,
        Remedy::StopTuningJob => stop_tuning_job(clients, name).await,
        Remedy::StopProcessingJob => job_outcome(sagemaker.stop_processing_job().processing_job_name(name).send().await),
        Remedy::StopTransformJob => job_outcome(sagemaker.stop_transform_job().transform_job_name(name).send().await),
        Remedy::StopAutoMlJob => job_outcome(sagemaker.stop_auto_ml_job().auto_ml_job_name(name).send().await),
        _ => return None,
    })
}

/// `sagemaker:StopTrainingJob`, allowed only in state `InProgress`. The job has 120 seconds to save its work (aws-facts §2.3).
pub(super) async fn stop_training_job(clients: &Clients, name: &str) -> Outcome {
    job_outcome(clients.sagemaker.stop_training_job().training_job_name(name).send().await)
}

/// `sagemaker:StopHyperParameterTuningJob`, allowed only in state `InProgress`. Its training jobs are stopped too.
pub(super) async fn stop_tuning_job(clients: &Clients, name: &str) -> Outcome {
    job_outcome(clients.sagemaker.stop_hyper_parameter_tuning_job().hyper_parameter_tuning_job_name(name).send().await)
}

/// The outcome of a call that stops a job.
fn job_outcome<O, E, R>(answer: Result<O, SdkError<E, R>>) -> Outcome
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match answer {
        Ok(_) => Outcome::Done,
        Err(error) => job_not_stopped(error.as_service_error(), why(&error)),
    }
}

/// The outcome of a refused stop. If the job has already ended, the refusal is a `ValidationException` that names its status (aws-facts §2.3).
fn job_not_stopped(error: Option<&impl ProvideErrorMetadata>, why: String) -> Outcome {
    let message = error.and_then(ProvideErrorMetadata::message).unwrap_or_default();
    if error.is_some_and(says_gone) {
        Outcome::Gone
    } else if message.contains("status Stopping") {
        Outcome::Over(End::Stopping(Some("it was being stopped already".into())))
    } else if message.contains("status Stopped") {
        Outcome::AlreadyDone("it was stopped already".into())
    } else if let Some(status) = ["Failed", "Completed"].iter().find(|status| message.contains(&format!("status {status}"))) {
        Outcome::Over(End::ByItself(format!("it is {status}")))
    } else {
        Outcome::Failed(why)
    }
}
