//! Requests and responses as raw JSON: what is created again must keep the fields that the SDK does not know, and some operations it does not know either.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::AfterDeserializationInterceptorContextRef},
        orchestrator::HttpRequest,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::read::{Read, says_gone};
use crate::clients::{Clients, why::why};

/// Stores the body of a response. For `.customize().interceptor(…)`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(Arc<Mutex<Vec<u8>>>);

impl Intercept for Body {
    fn name(&self) -> &'static str {
        "Body"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default().to_vec();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body;
        Ok(())
    }
}

impl Body {
    /// Takes the stored body, and parses it as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, operation: &str) -> Read<T> {
        let body = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        serde_json::from_slice(&body).map_err(|error| format!("{operation}: an answer that cannot be read: {error}"))
    }
}

/// Replaces the body of a request. For `.customize().mutate_request(…)`.
pub(crate) fn with_body(body: String) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    move |request| {
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body.clone());
    }
}

/// A call of `SageMaker` that the SDK does not know. `None`: there is no such thing.
pub(crate) async fn call_unknown<T: DeserializeOwned>(clients: &Clients, operation: &'static str, input: Value) -> Read<Option<T>> {
    clients.in_time()?;
    let (body, set_body) = (Body::default(), with_body(input.to_string()));
    // The SDK's own call only carries this one.
    let call = clients.sagemaker.describe_endpoint().endpoint_name("-").customize().interceptor(body.clone());
    let call = call.mutate_request(move |request| {
        request.headers_mut().insert("x-amz-target", format!("SageMaker.{operation}"));
        set_body(request);
    });
    described(call.send().await, &body, operation)
}

/// The answer of a call that describes one resource, as JSON. `None`: there is no such resource.
pub(crate) fn described<T: DeserializeOwned, O, E, R>(sent: Result<O, SdkError<E, R>>, body: &Body, operation: &str) -> Read<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match sent {
        Ok(_) => body.json(&format!("sagemaker:{operation}")).map(Some),
        Err(error) if error.as_service_error().is_some_and(says_gone) => Ok(None),
        Err(error) => Err(format!("sagemaker:{operation}: {}", why(&error))),
    }
}

/// From seconds since 1970, as in the JSON. `None`: missing, or out of range.
pub(crate) fn time(seconds: Option<f64>) -> Option<Timestamp> {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds?).ok()?).ok()
}
