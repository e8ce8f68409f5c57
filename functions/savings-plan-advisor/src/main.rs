//! The Lambda loop of savings-plan-advisor.

use savings_plan_advisor::{NAME, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    Box::pin(cost_aws::serve(NAME, handle)).await
}
