//! The Lambda loop of tag-auditor.

use tag_auditor::{NAME, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    cost_aws::serve(NAME, handle).await
}
