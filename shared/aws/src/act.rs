//! The actions: one idempotent SDK call each, legal from one state only. What is already so, or gone, is success.

use aws_sdk_sagemaker::{error::ProvideErrorMetadata, operation::delete_app::DeleteAppError, types::AppType};
use cost_rules::{facts::AppHome, finding::Remedy};

use crate::{Clients, why::why};

/// How an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It was so already, or the resource is gone.
    AlreadyDone(String),
    /// Not done, because the resource is no longer what was judged.
    Skipped(String),
    /// Not done: AWS refused, for this reason.
    Failed(String),
}

impl Outcome {
    /// As it stands in the report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadyDone(_) => "already-done",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    /// Why, where there is something to say.
    pub fn detail(&self) -> &str {
        match self {
            Self::Done => "",
            Self::AlreadyDone(why) | Self::Skipped(why) | Self::Failed(why) => why,
        }
    }
}

/// Acts. `name` is the resource's name.
pub async fn act(clients: &Clients, remedy: &Remedy, name: &str) -> Outcome {
    match remedy {
        Remedy::StopNotebook => stop_notebook(clients, name).await,
        Remedy::DeleteApp { domain, home, app_type, app_name } => delete_app(clients, domain, home, app_type, app_name).await,
        Remedy::Advice(_) => Outcome::Skipped("this rule only advises".into()),
    }
}

/// `sagemaker:StopNotebookInstance`, legal from `InService` only (aws-facts §2.1).
async fn stop_notebook(clients: &Clients, name: &str) -> Outcome {
    let Err(error) = clients.sagemaker.stop_notebook_instance().notebook_instance_name(name).send().await else { return Outcome::Done };
    let message = error.as_service_error().and_then(|error| error.message()).unwrap_or_default();
    // Not modeled: AWS says all of this as a ValidationException.
    if message.contains("RecordNotFound") || message.contains("not found") {
        Outcome::AlreadyDone("the notebook is gone".into())
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
        Err(error) if error.as_service_error().is_some_and(DeleteAppError::is_resource_not_found) => {
            Outcome::AlreadyDone("the app is gone".into())
        }
        Err(error) => Outcome::Failed(why(&error)),
    }
}
