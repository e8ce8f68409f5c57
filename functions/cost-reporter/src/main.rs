//! The Lambda loop of cost-reporter.

use cost_reporter::{NAME, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    cost_aws::serve(NAME, handle).await
}
