//! The cost report: reads what it is made of, stores the pages and the tables, and mails it.

use cost_rules::{
    mail::MailContext,
    period::day_of,
    report::{self, CostReport, ReportPeriod, Stored},
    rulebook::Rulebook,
    text::one_line,
};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use self::{
    gathered::Gathered,
    stored::{Files, Folder},
};
use crate::{
    context::Context,
    gather::bill::days,
    mailer::{self, Pace},
    report::Report,
};

mod gathered;
mod stored;

pub use stored::Page;

/// The most groups of one cut in the run's own report.
const LINES: usize = 50;

/// What all steps of a report need.
#[derive(Clone, Copy)]
struct Making<'a> {
    context: &'a Context,
    rulebook: &'a Rulebook,
    is_dry_run: bool,
    page: Page,
    now: Timestamp,
}

/// Reads the bill once a day, and makes the reports that are due now, where there is a bucket for them. What fails is in the run's report.
pub async fn regular(context: &Context, rulebook: &Rulebook, page: Page, now: Timestamp, report: &mut Report) {
    let run = Making { context, rulebook, is_dry_run: report.dry_run, page, now };
    if stored::bucket(context, &rulebook.policy.report).is_none() {
        return;
    }
    let due = report::due(&rulebook.policy, now);
    if run.is_dry_run {
        report.waiting += due.len();
        return;
    }
    match days::is_read(&context.ledger(), now).await {
        Ok(true) => {}
        Ok(false) => run.read_today(report).await,
        Err(error) => report.failures.push(format!("today's bill: {error:#}")),
    }
    for period in due {
        if let Err(error) = run.make_once(period, report).await {
            report.failures.push(format!("the cost report of {period}: {error:#}"));
        }
    }
}

/// Makes the report of a period because a person asks for it.
///
/// # Errors
/// The period has not begun, or is too long ago, or the ledger cannot be read.
pub async fn asked(
    context: &Context,
    rulebook: &Rulebook,
    (period, is_dry_run): (ReportPeriod, bool),
    page: Page,
    now: Timestamp,
) -> anyhow::Result<Report> {
    let today = day_of(now);
    anyhow::ensure!(period.from < today, "`{period}` in \"period\" has not begun: its bill begins on {}", period.from);
    let oldest = today.first_of_month().saturating_sub(days::MONTHS.months());
    anyhow::ensure!(oldest <= period.from, "`{period}` in \"period\" is too long ago: Cost Explorer has the bill from {oldest} on");
    let mut report = Report { is_whole: true, ..Report::new(context.function, is_dry_run) };
    let run = Making { context, rulebook, is_dry_run, page, now };
    run.make(period, &mut report).await?;
    Ok(report)
}

impl Making<'_> {
    async fn read_today(&self, report: &mut Report) {
        let account = match self.context.account() {
            Ok(account) => account,
            Err(error) => return report.failures.push(format!("today's bill: {error:#}")),
        };
        let reading = days::Reading { keeps: true, since: None, charges: false };
        let known = days::read(&self.context.clients, self.rulebook, &self.context.ledger(), account, reading, self.now).await;
        report.unread.extend(known.unread);
        report.failures.extend(known.failures);
        report.add_requests(known.requests);
    }

    /// Makes a report that nobody was mailed yet.
    async fn make_once(&self, period: ReportPeriod, report: &mut Report) -> anyhow::Result<()> {
        let ledger = self.context.ledger();
        if !ledger.claim_report(period, self.now).await? {
            return Ok(());
        }
        let made = self.make(period, report).await;
        // What could not be made or mailed is tried again by the next run.
        if !matches!(made, Ok(true)) {
            ledger.take_back_report(period).await?;
        }
        made.map(drop)
    }

    /// Makes a report, stores it, and mails it. `false`: there is no bill of it, or it could not be mailed.
    async fn make(&self, period: ReportPeriod, report: &mut Report) -> anyhow::Result<bool> {
        let gathered = Gathered::read(self.context, self.rulebook, period, self.is_dry_run, self.now).await?;
        report.add_requests(gathered.requests);
        report.unread.extend(gathered.unread.iter().cloned());
        report.failures.extend(gathered.failures.iter().cloned());
        let Some(bill) = gathered.bill(period) else { return Ok(false) };
        let sources = gathered.sources(&bill, self.rulebook);
        let made = report::make(&sources, None);
        if self.is_dry_run {
            report.cost_reports.push(told(&made, &[]));
            report.waiting += 1;
            return Ok(true);
        }
        let (stored, kept) = match Folder::of(self.context, &self.rulebook.policy.report, &made) {
            None => (Stored::Nowhere("there is no bucket (`bucket` in [report], or COST_GUARD_BUCKET)".to_owned()), vec![]),
            Some(folder) => {
                let service = self.rulebook.policy.billing.services.first().map_or("", String::as_str);
                let files = Files { made: &made, sources: &sources, spend: bill.spend, service, page: self.page };
                folder.store(&files).await.unwrap_or_else(|error| {
                    // The mail goes out all the same.
                    report.failures.push(format!("the cost report of {period} is not stored: {error:#}"));
                    (Stored::Nowhere(format!("{error:#}")), vec![])
                })
            }
        };
        report.cost_reports.push(told(&made, &kept));
        self.mail(&made, &stored, report).await
    }

    async fn mail(&self, made: &CostReport, stored: &Stored, report: &mut Report) -> anyhow::Result<bool> {
        if let Some(why) = mailer::nobody_listens(self.context).await {
            report.failures.push(why);
            return Ok(false);
        }
        let mail_context = MailContext { function: self.context.function, policy: &self.rulebook.policy, now: self.now };
        let digest = report::mail(made, stored, &mail_context);
        let mut pace = Pace::new(self.context, &self.rulebook.policy, self.now);
        for (_, sent) in pace.send(&[&digest]).await {
            match sent {
                Ok(()) => report.notified += 1,
                Err(why) => {
                    report.failures.push(why);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// The report's numbers for the run's own report. The whole is in the bucket.
fn told(made: &CostReport, stored: &[String]) -> Value {
    let lines = |lines: &[report::Line]| -> Value {
        lines.iter().take(LINES).map(|line| (one_line(&line.name), json!(line.spent.usd))).collect::<serde_json::Map<_, _>>().into()
    };
    let components: serde_json::Map<String, Value> =
        made.components.iter().map(|line| (line.component.name().to_owned(), json!(line.spent.usd))).collect();
    let charges: serde_json::Map<String, Value> =
        made.method.charge_types.iter().map(|one| (one.name.clone(), json!({"amortized": one.amortized, "billed": one.billed}))).collect();
    json!({
        "period": made.period.to_string(),
        "usd": made.spent.usd,
        "usd-before": made.spent.before,
        "by-component": components,
        "by-team": lines(&made.teams),
        "by-account": lines(&made.accounts),
        "by-charge-type": charges,
        "decisions": made.decisions.len() + made.more_decisions,
        "saved-usd": {"estimated": made.guard.estimated, "realised": made.guard.realised, "open": made.guard.open},
        "estimated-days": made.method.estimated_days,
        "missing-days": made.method.missing_days,
        "stored": stored,
    })
}
