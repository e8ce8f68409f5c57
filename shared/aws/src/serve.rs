//! The Lambda loop that all functions share.

use cost_rules::{
    mail::{Failure, Trouble},
    policy::PlatformMails,
};
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
        let context = context.invoked(&event.context);
        let report = handle(event.payload, &context, now).await?;
        Box::pin(leave_trouble(&context, &report, now)).await;
        report.finish(now)
    }))
    .await
}

/// Leaves what went wrong in a run for the platform's summary, if the policy may ask for one.
pub async fn leave_trouble(context: &Context, report: &Report, now: Timestamp) {
    let failure = |text: &String| Failure { text: text.clone(), resource: report.failed_resources.get(text).cloned() };
    let failures: Vec<Failure> = report.failures.iter().map(failure).collect();
    let troubles = Trouble::of(context.function, &failures, &report.unread, report.held_back, now);
    if troubles.is_empty() || report.dry_run {
        return;
    }
    // The policy was read in this run, and is cached.
    if context.rulebook(now).await.is_ok_and(|rulebook| rulebook.policy.mail.platform != PlatformMails::EachMail)
        && let Some(Err(error)) = context.in_time(context.ledger().note_troubles(troubles, now)).await
    {
        lambda_runtime::tracing::warn!("what went wrong is not in the platform's summary: {error:#}");
    }
}
