//! cost-reporter: mails each owner once a day what the other functions found, and once a week what was stopped, what that saved and what is still open. In the
//! home Region it also reads the bill once a day, and reports once a week and once a month where the money goes.

use cost_aws::{
    Context, cost_report,
    event::{OwnEvent, Trigger, Triggers},
    regular_mails,
    report::Report,
};
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "cost-reporter";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers { own: &[OwnEvent::MailNow, OwnEvent::Period], ..Triggers::NONE };

/// One run at the time `now`.
///
/// # Errors
/// The function does not accept the event, or the policy or the ledger cannot be read. Then nobody was mailed. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    if let Trigger::Period(period) = request.trigger {
        let asked = cost_report::asked(context, &rulebook, (period, request.dry_run), cost_page::page, now);
        return Box::pin(asked).await;
    }
    let mut report = regular_mails::send(context, &rulebook, request.trigger == Trigger::MailNow, request.dry_run, now).await?;
    if context.settings.reads_bill {
        Box::pin(cost_report::regular(context, &rulebook, cost_page::page, now, &mut report)).await;
    }
    Ok(report)
}
