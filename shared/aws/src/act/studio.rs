//! Shuts down Studio apps.

use aws_sdk_sagemaker::{error::ProvideErrorMetadata as _, operation::delete_app::DeleteAppError, types::AppType};
use cost_rules::{plan::Outcome, remedy::Remedy, resource::AppHome, rulebook::Finding};

use crate::{
    clients::{Clients, why::why},
    gather::says_gone,
};

/// Shuts down an app. `None`: the finding has another remedy.
pub(crate) async fn act(clients: &Clients, finding: &Finding) -> Option<Outcome> {
    match &finding.waste.remedy {
        Remedy::DeleteApp { domain, home, app_type, app_name } => Some(delete_app(clients, domain, home, app_type, app_name).await),
        _ => None,
    }
}

/// `sagemaker:DeleteApp` shuts down an app. Its space, user profile and files remain (aws-facts §2.2).
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

/// Whether the app was deleted before. AWS then answers with a `ValidationException` whose text says so, and not with `ResourceNotFound`. The exact text is not
/// in AWS's documentation; Terraform's AWS provider looks for these words too.
fn is_app_gone(error: &DeleteAppError) -> bool {
    error.is_resource_not_found() || says_gone(error) || error.message().is_some_and(|message| message.contains("has already been deleted"))
}
