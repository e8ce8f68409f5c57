//! The Lambda loop that all functions share.

use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{context::Context, report::Report};

/// The Lambda loop of a function. A wrong environment fails every invocation, so that each caller is told why, instead of a process that dies on its
/// start.
///
/// # Errors
/// The runtime's own.
pub async fn serve(
    function: &'static str,
    handle: impl AsyncFn(Value, &Context, Timestamp) -> anyhow::Result<Report>,
) -> Result<(), lambda_runtime::Error> {
    let (context, handle) = (&Context::from_env(function).await, &handle);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let context = context.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let now = Timestamp::now();
        handle(event.payload, &context.invoked(&event.context), now).await?.finish(now)
    }))
    .await
}
