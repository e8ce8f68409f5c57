//! cost-reporter: mails each owner once a day what the other functions found, and once a week what was stopped, what that saved and what is still open.

use cost_aws::{
    Context,
    event::{OwnEvent, Trigger, Triggers},
    regular_mails,
    report::Report,
};
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "cost-reporter";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers { own: &[OwnEvent::MailNow], ..Triggers::NONE };

/// One run at the time `now`.
///
/// # Errors
/// The function does not accept the event, or the policy or the ledger cannot be read. Then nobody was mailed. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    regular_mails::send(context, &rulebook, request.trigger == Trigger::MailNow, request.dry_run, now).await
}
