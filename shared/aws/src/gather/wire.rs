//! `SageMaker`'s responses as raw JSON: a resubmitted definition must keep the fields that the SDK does not know.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::AfterDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::read::{Read, says_gone};
use crate::clients::why::why;

/// Stores the body of a response. For `.customize().interceptor(…)`.
#[derive(Clone, Debug, Default)]
pub(super) struct Body(Arc<Mutex<Vec<u8>>>);

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
    pub(super) fn json<T: DeserializeOwned>(&self, operation: &str) -> Read<T> {
        let body = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        serde_json::from_slice(&body).map_err(|error| format!("sagemaker:{operation}: an answer that cannot be read: {error}"))
    }
}

/// The answer of a call that describes one resource, as JSON. `None`: there is no such resource.
pub(super) fn described<T: DeserializeOwned, O, E, R>(sent: Result<O, SdkError<E, R>>, body: &Body, operation: &str) -> Read<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match sent {
        Ok(_) => body.json(operation).map(Some),
        Err(error) if error.as_service_error().is_some_and(says_gone) => Ok(None),
        Err(error) => Err(format!("sagemaker:{operation}: {}", why(&error))),
    }
}

/// From seconds since 1970, as in the JSON. `None`: missing, or out of range.
pub(super) fn time(seconds: Option<f64>) -> Option<Timestamp> {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds?).ok()?).ok()
}
