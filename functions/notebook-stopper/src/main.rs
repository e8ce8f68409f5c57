//! The Lambda loop of notebook-stopper.

use cost_aws::Context;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use notebook_stopper::{NAME, handle};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // A wrong environment fails every invocation, so that each caller is told why, instead of a process that dies on its start.
    let context = &Context::from_env(NAME).await;
    run(service_fn(async |event: LambdaEvent<Value>| {
        let context = context.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let now = Timestamp::now();
        handle(event.payload, &context.until(event.context.deadline()), now).await?.finish(now)
    }))
    .await
}
