//! The Lambda loop of notebook-stopper.

use notebook_stopper::{NAME, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    cost_aws::serve(NAME, handle).await
}
