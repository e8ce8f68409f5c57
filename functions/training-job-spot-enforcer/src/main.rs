//! The Lambda loop of training-job-spot-enforcer.

use training_job_spot_enforcer::{NAME, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    Box::pin(cost_aws::serve(NAME, handle)).await
}
