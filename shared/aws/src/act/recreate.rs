//! The calls that create an endpoint again. Each takes AWS's own JSON, as it was stored.

use cost_rules::remedy::Blueprint;
use serde_json::Value;

use crate::{
    clients::{Clients, why::why},
    gather::{
        Read,
        endpoints::{blueprint::missing_model, describe_config_as},
        says_gone,
        wire::with_body,
    },
};

/// What became of an attempt to create an endpoint.
pub(crate) enum Created {
    /// AWS is creating it.
    Yes,
    /// It cannot be created, for this reason.
    Refused(String),
}

/// Creates an endpoint, and before it its configuration if somebody has deleted that. AWS would be stuck for hours on an endpoint whose configuration or model is gone, so
/// both are looked at first (aws-facts §3.6).
///
/// # Errors
/// One of them could not be read.
pub(crate) async fn create(clients: &Clients, blueprint: &Blueprint) -> Read<Created> {
    if let Some(gone) = missing_model(clients, blueprint).await? {
        return Ok(Created::Refused(format!(
            "its model {gone} is gone: create the model again first, then the guard creates the endpoint"
        )));
    }
    if describe_config_as::<Value>(clients, blueprint.config_name()).await?.is_none() {
        let call = clients.sagemaker.create_endpoint_config().customize().mutate_request(with_body(blueprint.create_config().to_string()));
        if let Err(error) = call.send().await {
            return Ok(Created::Refused(format!("sagemaker:CreateEndpointConfig: {}", why(&error))));
        }
    }
    let call = clients.sagemaker.create_endpoint().customize().mutate_request(with_body(blueprint.create_endpoint().to_string()));
    Ok(match call.send().await {
        Ok(_) => Created::Yes,
        // A call whose answer was lost, or another run, has created it.
        Err(error) if why(&error).contains("Cannot create already existing endpoint") => Created::Yes,
        Err(error) => Created::Refused(format!("sagemaker:CreateEndpoint: {}", why(&error))),
    })
}

/// Deletes an endpoint. One that is gone is fine.
pub(crate) async fn remove(clients: &Clients, name: &str) -> Result<(), String> {
    match clients.sagemaker.delete_endpoint().endpoint_name(name).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(says_gone) => Ok(()),
        Err(error) => Err(format!("sagemaker:DeleteEndpoint: {}", why(&error))),
    }
}

/// Sets weights, or the number of instances of one variant.
pub(crate) async fn set_capacity(clients: &Clients, input: &Value) -> Result<(), String> {
    let call = clients.sagemaker.update_endpoint_weights_and_capacities().customize().mutate_request(with_body(input.to_string()));
    call.send().await.map(drop).map_err(|error| format!("sagemaker:UpdateEndpointWeightsAndCapacities: {}", why(&error)))
}
