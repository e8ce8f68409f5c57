//! The Lambda loop of endpoint-autoscaler.

use endpoint_autoscaler::{NAME, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    Box::pin(cost_aws::serve(NAME, handle)).await
}
