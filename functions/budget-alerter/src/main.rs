//! The Lambda loop of budget-alerter.

use budget_alerter::{NAME, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    cost_aws::serve(NAME, handle).await
}
