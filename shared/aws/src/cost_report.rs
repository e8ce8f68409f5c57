//! The cost report: reads what it is made of, stores the pages and the tables, and mails it.

use cost_rules::{
    mail::MailContext,
    period::day_of,
    report::{self, CostReport, Due, ReportPeriod, Stored},
    rulebook::Rulebook,
    text::one_line,
};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use self::{
    gathered::Gathered,
    stored::{Files, Folder, Kept},
};
use crate::{
    context::Context,
    gather::bill::days::{self, Reading},
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
    /// Whether the bill is asked for although it was refused a short time ago: a person may have mended it.
    insists: bool,
    page: Page,
    now: Timestamp,
}

/// Reads the bill once a day, and makes the reports that are due now, where there is a bucket for them. What fails is in the run's report.
pub async fn regular(context: &Context, rulebook: &Rulebook, page: Page, now: Timestamp, report: &mut Report) {
    let run = Making { context, rulebook, is_dry_run: report.dry_run, insists: false, page, now };
    if stored::bucket(context, &rulebook.policy.report).is_none() {
        return;
    }
    let due = report::due(&rulebook.policy, now);
    if run.is_dry_run {
        report.waiting += due.len();
        return;
    }
    let mut has_read = false;
    for one in due {
        match run.make_once(one, report).await {
            Ok(read) => has_read |= read,
            Err(error) => report.failures.push(format!("the cost report of {}: {error:#}", one.period)),
        }
    }
    if has_read {
        return;
    }
    match days::is_read(&context.ledger(), now).await {
        Ok(true) => {}
        Ok(false) => run.read_today(report).await,
        Err(error) => report.failures.push(format!("today's bill: {error:#}")),
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
    let run = Making { context, rulebook, is_dry_run, insists: true, page, now };
    let gathered = run.read(period, &mut report).await?;
    // Who asked has had it, if nothing will be added to it.
    let is_told = report::is_billed(period, now) && gathered.is_whole(period);
    run.make(gathered, (period, is_told), &mut report).await?;
    Ok(report)
}

impl Making<'_> {
    async fn read_today(&self, report: &mut Report) {
        let account = match self.context.account() {
            Ok(account) => account,
            Err(error) => return report.failures.push(format!("today's bill: {error:#}")),
        };
        let reading = Reading { keeps: true, ..Reading::default() };
        let known = days::read(&self.context.clients, self.rulebook, &self.context.ledger(), account, reading, self.now).await;
        report.unread.extend(known.unread);
        report.failures.extend(known.failures);
        report.add_requests(known.requests);
    }

    /// Makes a report that nobody was mailed yet. `false`: there was nothing to do, so that the bill was not read.
    async fn make_once(&self, one: Due, report: &mut Report) -> anyhow::Result<bool> {
        let ledger = self.context.ledger();
        if !ledger.claim_report(one.period, self.now).await? {
            return Ok(false);
        }
        let made = self.make_due(one, report).await;
        // What could not be made or mailed is tried again by the next run.
        if !matches!(made, Ok(true)) {
            ledger.take_back_report(one.period).await?;
        }
        made.map(|_| true)
    }

    /// Makes a regular report, unless a later run may know more of the bill. `false`: nobody was mailed.
    async fn make_due(&self, Due { period, is_last_chance }: Due, report: &mut Report) -> anyhow::Result<bool> {
        let gathered = self.read(period, report).await?;
        if !is_last_chance && !gathered.is_whole(period) {
            report.waiting += 1;
            return Ok(false);
        }
        self.make(gathered, (period, true), report).await
    }

    async fn read(&self, period: ReportPeriod, report: &mut Report) -> anyhow::Result<Gathered> {
        let reading = Reading { keeps: !self.is_dry_run, insists: self.insists, charges: true, since: None };
        let gathered = Gathered::read(self.context, self.rulebook, period, reading, self.now).await;
        let gathered = gathered.inspect(|gathered| report.add_requests(gathered.requests))?;
        report.unread.extend(gathered.unread.iter().cloned());
        report.failures.extend(gathered.failures.iter().cloned());
        Ok(gathered)
    }

    /// Makes a report, stores it, and mails it; then come the pages of the teams, as far as there is time. `is_told`: the period needs no further mail.
    /// `false`: there is no bill of it, or it could not be mailed.
    async fn make(&self, mut gathered: Gathered, (period, is_told): (ReportPeriod, bool), report: &mut Report) -> anyhow::Result<bool> {
        self.read_more(&mut gathered, period, report).await;
        let Some(bill) = gathered.bill(period) else { return Ok(false) };
        let sources = gathered.sources(&bill, self.rulebook);
        let made = report::make(&sources, None);
        if self.is_dry_run {
            report.cost_reports.push(told(&made, &[]));
            report.waiting += 1;
            return Ok(true);
        }
        let service = self.rulebook.policy.billing.services.first().map_or("", String::as_str);
        let files = Files { made: &made, sources: &sources, spend: bill.spend, service, page: self.page };
        let folder = Folder::of(self.context, &self.rulebook.policy.report, &made);
        let own = match &folder {
            Some(folder) => folder.store(&files).await,
            None => Kept::default(),
        };
        report.failures.extend(own.failures(period));
        let is_mailed = self.mail(&made, &own.stored(folder.as_ref()), report).await?;
        if is_mailed && is_told {
            self.context.ledger().report_is_mailed(period, self.now).await?;
        }
        let (mut places, has_page) = (own.places, own.has_page);
        if let Some(folder) = folder.filter(|_| is_mailed && has_page) {
            let teams = folder.store_teams(&files).await;
            report.failures.extend(teams.failures(period));
            places.extend(teams.places);
        }
        report.cost_reports.push(told(&made, &places));
        Ok(is_mailed)
    }

    /// Asks what only a report that is made now needs: each request costs a cent.
    async fn read_more(&self, gathered: &mut Gathered, period: ReportPeriod, report: &mut Report) {
        let before = gathered.requests;
        gathered.read_more(self.context, self.rulebook, period).await;
        let more = gathered.requests - before;
        report.add_requests(more);
        if 0 < more && !self.is_dry_run {
            let counted = days::count_requests(&self.context.ledger(), self.rulebook, more, self.now).await;
            report.failures.extend(counted.err().map(|error| format!("{error:#}")));
        }
    }

    async fn mail(&self, made: &CostReport, stored: &Stored, report: &mut Report) -> anyhow::Result<bool> {
        if let Some(why) = mailer::nobody_listens(self.context).await {
            report.failures.push(why);
            return Ok(false);
        }
        let mail_context = MailContext { function: self.context.function, policy: &self.rulebook.policy, now: self.now };
        let digest = report::mail(made, stored, &mail_context);
        let mut pace = Pace::new(self.context, &self.rulebook.policy, self.now);
        for (_, sent) in pace.send(&[&digest], report).await {
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
