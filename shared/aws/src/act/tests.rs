//! Tests of AWS's answers to each action, and of the outcomes that they become.

use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_sagemaker::{
    Client,
    operation::{
        add_tags::{AddTagsError, AddTagsOutput},
        delete_app::{DeleteAppError, DeleteAppOutput},
        stop_hyper_parameter_tuning_job::StopHyperParameterTuningJobError,
        stop_notebook_instance::{StopNotebookInstanceError, StopNotebookInstanceOutput},
        stop_training_job::StopTrainingJobError,
    },
    types::{AppType, error::ResourceNotFound},
};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use cost_rules::{
    plan::{End, Outcome},
    remedy::Remedy,
    resource::AppHome,
};
use jiff::Timestamp;

use crate::{
    area::{Area as _, CostTags, Tagged, Training},
    clients::Clients,
    testing,
};

fn app() -> Remedy {
    let home = AppHome::Space("lab".into());
    Remedy::DeleteApp { domain: "d-1".into(), home, app_type: "JupyterLab".into(), app_name: "default".into() }
}

async fn act(clients: &Clients, remedy: &Remedy, name: &str) -> Outcome {
    // The ledger has no resubmissions.
    let empty = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| GetItemOutput::builder().build());
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&empty]);
    let clients = &Clients { dynamodb: dynamodb.into(), ..clients.clone() };
    let finding = testing::finding(&format!("notebook-instance/{name}"), remedy.clone());
    let context = testing::context(clients.clone());
    let areas = ((Training, Tagged), CostTags);
    areas.act(&context, &finding, Timestamp::UNIX_EPOCH).await.unwrap_or_else(|| Outcome::Skipped("nobody's".into()))
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
        assert_eq!(matches!(ended, Outcome::Over(End::Stopping(_))), message.contains("(Stopping) not in"), "{message}: {ended:?}");
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
    let tags = || Remedy::AddTags { tags: [("Owner".to_owned(), "ann@example.com".to_owned())].into(), from: String::new(), rest: None };
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
