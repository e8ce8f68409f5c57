//! The Lambda loop that all functions share.

use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{context::Context, report::Report};

/// Runs the Lambda loop of a function. If the environment is wrong, every invocation fails with the reason; the process does not die at startup, where no
/// caller would see it.
///
/// # Errors
/// Those of the Lambda runtime.
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
