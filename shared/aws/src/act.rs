//! The actions: one idempotent SDK call each (of training jobs see `resubmit`), legal from one state only. What is already so, or gone, is success.

use std::collections::BTreeMap;

use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry};
use aws_sdk_sagemaker::{
    error::{ProvideErrorMetadata, SdkError},
    operation::delete_app::DeleteAppError,
    types::{AppType, Tag},
};
use cost_rules::{
    facts::AppHome,
    finding::{Finding, Remedy},
    mail::End,
};
use jiff::Timestamp;

use crate::{
    clients::{Clients, why::why},
    context::Context,
    gather::says_gone,
    resubmit,
};

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
        Remedy::StopNotebook => stop_notebook(clients, name).await,
        Remedy::DeleteApp { domain, home, app_type, app_name } => delete_app(clients, domain, home, app_type, app_name).await,
        Remedy::StopTrainingJob => Box::pin(resubmit::stop(context, finding)).await,
        Remedy::StopTuningJob => stop_tuning_job(clients, name).await,
        Remedy::StopProcessingJob => job_outcome(clients.sagemaker.stop_processing_job().processing_job_name(name).send().await),
        Remedy::StopTransformJob => job_outcome(clients.sagemaker.stop_transform_job().transform_job_name(name).send().await),
        Remedy::StopAutoMlJob => job_outcome(clients.sagemaker.stop_auto_ml_job().auto_ml_job_name(name).send().await),
        Remedy::AddTags { tags, .. } => add_tags(clients, finding.resource.arn_or_id(), tags).await,
        Remedy::ActivateTag => activate_tag(clients, name).await,
        Remedy::ResubmitAsSpot(terms) => Box::pin(resubmit::resubmit(context, finding, terms, now)).await,
        Remedy::None => Outcome::Skipped("this rule only advises".into()),
    }
}

/// `sagemaker:StopTrainingJob`, legal from `InProgress` only. The job gets 120 seconds to write what it has (aws-facts §2.3).
pub(crate) async fn stop_training_job(clients: &Clients, name: &str) -> Outcome {
    job_outcome(clients.sagemaker.stop_training_job().training_job_name(name).send().await)
}

/// `sagemaker:StopHyperParameterTuningJob`, legal from `InProgress` only: its training jobs are stopped with it.
async fn stop_tuning_job(clients: &Clients, name: &str) -> Outcome {
    job_outcome(clients.sagemaker.stop_hyper_parameter_tuning_job().hyper_parameter_tuning_job_name(name).send().await)
}

/// How the stop of a job of any kind ended.
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

/// `sagemaker:AddTags`. The tags are those that were missing a moment ago: no value is written over.
async fn add_tags(clients: &Clients, arn: &str, tags: &BTreeMap<String, String>) -> Outcome {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    match clients.sagemaker.add_tags().resource_arn(arn).set_tags(Some(tags)).send().await {
        Ok(_) => Outcome::Done,
        Err(error) if error.as_service_error().is_some_and(says_gone) => Outcome::Gone,
        Err(error) => Outcome::Failed(why(&error)),
    }
}

/// `ce:UpdateCostAllocationTagsStatus`, for the payer's account only (aws-facts §7.6).
async fn activate_tag(clients: &Clients, key: &str) -> Outcome {
    let status = CostAllocationTagStatusEntry::builder().tag_key(key).status(CostAllocationTagStatus::Active).build();
    let status = match status {
        Ok(status) => status,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    match clients.costexplorer.update_cost_allocation_tags_status().cost_allocation_tags_status(status).send().await {
        // What is refused for one key is in the answer.
        Ok(answer) => match answer.errors().first() {
            None => Outcome::Done,
            Some(refused) => Outcome::Failed(format!("{}: {}", refused.code().unwrap_or_default(), refused.message().unwrap_or_default())),
        },
        Err(error) => Outcome::Failed(why(&error)),
    }
}

/// An ended job is refused with a `ValidationException` that tells its status (aws-facts §2.3).
fn job_not_stopped(error: Option<&impl ProvideErrorMetadata>, why: String) -> Outcome {
    let message = error.and_then(ProvideErrorMetadata::message).unwrap_or_default();
    if error.is_some_and(says_gone) {
        Outcome::Gone
    } else if message.contains("status Stopping") {
        Outcome::AlreadyDone("it was being stopped already".into())
    } else if message.contains("status Stopped") {
        Outcome::AlreadyDone("it was stopped already".into())
    } else if let Some(status) = ["Failed", "Completed"].iter().find(|status| message.contains(&format!("status {status}"))) {
        Outcome::Over(End::ByItself(format!("it is {status}")))
    } else {
        Outcome::Failed(why)
    }
}

/// `sagemaker:StopNotebookInstance`, legal from `InService` only (aws-facts §2.1).
async fn stop_notebook(clients: &Clients, name: &str) -> Outcome {
    let Err(error) = clients.sagemaker.stop_notebook_instance().notebook_instance_name(name).send().await else { return Outcome::Done };
    let message = error.as_service_error().and_then(|error| error.message()).unwrap_or_default();
    if error.as_service_error().is_some_and(says_gone) {
        Outcome::Gone
    } else if message.contains("Status (Stopped)") || message.contains("Status (Stopping)") || message.contains("Status (Deleting)") {
        Outcome::AlreadyDone("it was stopped already".into())
    } else if message.contains("not in ([InService])") {
        Outcome::Skipped(format!("it is on its way to another state: {message}"))
    } else {
        Outcome::Failed(why(&error))
    }
}

/// `sagemaker:DeleteApp`: shuts an app down. Its space, profile and files stay (aws-facts §2.2).
async fn delete_app(clients: &Clients, domain: &str, home: &AppHome, app_type: &str, app_name: &str) -> Outcome {
    let call = clients.sagemaker.delete_app().domain_id(domain).app_type(AppType::from(app_type)).app_name(app_name);
    let call = match home {
        AppHome::Space(space) => call.space_name(space),
        AppHome::UserProfile(profile) => call.user_profile_name(profile),
    };
    match call.send().await {
        Ok(_) => Outcome::Done,
        Err(error) if error.as_service_error().is_some_and(is_app_gone) => Outcome::Gone,
        Err(error) => Outcome::Failed(why(&error)),
    }
}

/// An app that has been deleted before is refused with a `ValidationException` whose text says so, not with `ResourceNotFound`. The exact text is
/// not in AWS's documentation; Terraform's AWS provider looks for these words too.
fn is_app_gone(error: &DeleteAppError) -> bool {
    error.is_resource_not_found() || says_gone(error) || error.message().is_some_and(|message| message.contains("has already been deleted"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_sagemaker::{
        Client,
        operation::{
            add_tags::{AddTagsError, AddTagsOutput},
            delete_app::DeleteAppOutput,
            stop_hyper_parameter_tuning_job::StopHyperParameterTuningJobError,
            stop_notebook_instance::{StopNotebookInstanceError, StopNotebookInstanceOutput},
            stop_training_job::StopTrainingJobError,
        },
        types::error::ResourceNotFound,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;
    use crate::testing;

    fn app() -> Remedy {
        let home = AppHome::Space("lab".into());
        Remedy::DeleteApp { domain: "d-1".into(), home, app_type: "JupyterLab".into(), app_name: "default".into() }
    }

    async fn act(clients: &Clients, remedy: &Remedy, name: &str) -> Outcome {
        // Nothing was ever submitted again.
        let empty = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| GetItemOutput::builder().build());
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&empty]);
        let clients = &Clients { dynamodb: dynamodb.into(), ..clients.clone() };
        let finding = testing::finding(&format!("notebook-instance/{name}"), remedy.clone());
        super::act(&testing::context(clients.clone()), &finding, Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn a_stop_names_the_notebook() {
        let rule = mock!(Client::stop_notebook_instance)
            .match_requests(|call| call.notebook_instance_name() == Some("churn"))
            .then_output(|| StopNotebookInstanceOutput::builder().build());
        let clients = Clients { sagemaker: testing::sagemaker(&[&rule]).into(), ..testing::clients() };
        assert_eq!(act(&clients, &Remedy::StopNotebook, "churn").await, Outcome::Done);
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn what_aws_answers_to_a_stop_is_understood() {
        for (code, message, outcome) in [
            ("ValidationException", "RecordNotFound", "already-done"),
            (
                "ValidationException",
                "Status (Stopped) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance (arn:…)",
                "already-done",
            ),
            ("ValidationException", "Status (Stopping) not in ([InService]). Unable to transition", "already-done"),
            ("ValidationException", "Status (Pending) not in ([InService]). Unable to transition", "skipped"),
            ("ValidationException", "Status (Updating) not in ([InService]). Unable to transition", "skipped"),
            ("AccessDeniedException", "User is not authorized", "failed"),
            ("InternalFailure", "", "failed"),
        ] {
            let rule =
                mock!(Client::stop_notebook_instance).then_error(move || StopNotebookInstanceError::generic(testing::error(code, message)));
            let clients = Clients { sagemaker: testing::sagemaker(&[&rule]).into(), ..testing::clients() };
            let ended = act(&clients, &Remedy::StopNotebook, "churn").await;
            assert_eq!(ended.name(), outcome, "{code}: {message}: {ended:?}");
        }
    }

    #[tokio::test]
    async fn an_app_is_deleted_in_its_space() {
        let rule = mock!(Client::delete_app)
            .match_requests(|call| {
                call.space_name() == Some("lab") && call.user_profile_name().is_none() && call.app_type() == Some(&AppType::JupyterLab)
            })
            .then_output(|| DeleteAppOutput::builder().build());
        let clients = Clients { sagemaker: testing::sagemaker(&[&rule]).into(), ..testing::clients() };
        assert_eq!(act(&clients, &app(), "lab JupyterLab default").await, Outcome::Done);
    }

    #[tokio::test]
    async fn an_app_that_is_gone_is_done_and_a_refusal_is_not() {
        let gone = mock!(Client::delete_app).then_error(|| DeleteAppError::ResourceNotFound(ResourceNotFound::builder().build()));
        let clients = Clients { sagemaker: testing::sagemaker(&[&gone]).into(), ..testing::clients() };
        assert_eq!(act(&clients, &app(), "x").await.name(), "already-done");
        let text = "App with the specified name has already been deleted";
        let before = mock!(Client::delete_app).then_error(move || DeleteAppError::generic(testing::error("ValidationException", text)));
        let clients = Clients { sagemaker: testing::sagemaker(&[&before]).into(), ..testing::clients() };
        assert_eq!(act(&clients, &app(), "x").await.name(), "already-done");
        let denied = mock!(Client::delete_app).then_error(|| DeleteAppError::generic(testing::denied()));
        let clients = Clients { sagemaker: testing::sagemaker(&[&denied]).into(), ..testing::clients() };
        assert_eq!(act(&clients, &app(), "x").await.name(), "failed");
    }

    #[tokio::test]
    async fn what_aws_answers_to_the_stop_of_a_job_is_understood() {
        let ended = |status: &str| format!("The request was rejected because the training job is in status {status}.");
        for (code, message, outcome) in [
            ("ValidationException", ended("Stopping"), "already-done"),
            ("ValidationException", ended("Completed"), "already-done"),
            ("ResourceNotFound", "Could not find job to update with name churn".to_owned(), "already-done"),
            ("AccessDeniedException", "User is not authorized".to_owned(), "failed"),
            ("ValidationException", "1 validation error detected".to_owned(), "failed"),
        ] {
            let text = message.clone();
            let training = mock!(Client::stop_training_job).then_error(move || StopTrainingJobError::generic(testing::error(code, &text)));
            let tuning = mock!(Client::stop_hyper_parameter_tuning_job)
                .then_error(move || StopHyperParameterTuningJobError::generic(testing::error(code, &message)));
            let clients = Clients { sagemaker: testing::sagemaker(&[&training, &tuning]).into(), ..testing::clients() };
            for remedy in [Remedy::StopTrainingJob, Remedy::StopTuningJob] {
                let ended = act(&clients, &remedy, "churn").await;
                assert_eq!(ended.name(), outcome, "{code}: {ended:?}");
            }
        }
    }

    #[tokio::test]
    async fn advice_is_never_acted_upon() {
        assert_eq!(act(&testing::clients(), &Remedy::None, "x").await.name(), "skipped");
    }

    #[tokio::test]
    async fn tags_are_written_to_the_resource_and_a_refusal_is_told() {
        let tags =
            || Remedy::AddTags { tags: [("Owner".to_owned(), "ann@example.com".to_owned())].into(), from: String::new(), rest: None };
        let written = mock!(Client::add_tags)
            .match_requests(|call| {
                let [tag] = call.tags() else { return false };
                call.resource_arn() == Some(testing::arn("notebook-instance/churn").as_str())
                    && (tag.key(), tag.value()) == (Some("Owner"), Some("ann@example.com"))
            })
            .then_output(|| AddTagsOutput::builder().build());
        let clients = Clients { sagemaker: testing::sagemaker(&[&written]).into(), ..testing::clients() };
        assert_eq!(act(&clients, &tags(), "churn").await, Outcome::Done);
        for (code, message, outcome) in [
            ("ResourceLimitExceeded", "A resource has at most 50 tags", "failed"),
            ("AccessDeniedException", "not authorized to perform: sagemaker:AddTags", "failed"),
            ("ValidationException", "RecordNotFound", "already-done"),
        ] {
            let refused = mock!(Client::add_tags).then_error(move || AddTagsError::generic(testing::error(code, message)));
            let clients = Clients { sagemaker: testing::sagemaker(&[&refused]).into(), ..testing::clients() };
            assert_eq!(act(&clients, &tags(), "churn").await.name(), outcome, "{code}");
        }
    }
}
