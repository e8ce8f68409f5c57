//! Stops notebook instances.

use aws_sdk_sagemaker::error::ProvideErrorMetadata as _;
use cost_rules::{
    plan::{End, Outcome},
    remedy::Remedy,
    rulebook::Finding,
};

use crate::{
    clients::{Clients, why::why},
    gather::says_gone,
};

/// Stops a notebook instance. `None`: the finding has another remedy.
pub(crate) async fn act(clients: &Clients, finding: &Finding) -> Option<Outcome> {
    match finding.waste.remedy {
        Remedy::StopNotebook => Some(stop_notebook(clients, &finding.resource.name).await),
        _ => None,
    }
}

/// `sagemaker:StopNotebookInstance`, allowed only in state `InService` (aws-facts §2.1).
async fn stop_notebook(clients: &Clients, name: &str) -> Outcome {
    let Err(error) = clients.sagemaker.stop_notebook_instance().notebook_instance_name(name).send().await else { return Outcome::Done };
    let message = error.as_service_error().and_then(|error| error.message()).unwrap_or_default();
    if error.as_service_error().is_some_and(says_gone) {
        Outcome::Gone
    } else if message.contains("Status (Stopped)") {
        Outcome::AlreadyDone("it was stopped already".into())
    } else if message.contains("Status (Stopping)") || message.contains("Status (Deleting)") {
        Outcome::Over(End::Stopping(Some("it was being stopped or deleted already".into())))
    } else if message.contains("not in ([InService])") {
        Outcome::Skipped(format!("it is on its way to another state: {message}"))
    } else {
        Outcome::Failed(why(&error))
    }
}
