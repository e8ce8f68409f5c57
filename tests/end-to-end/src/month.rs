//! The demo's month: a team's budgets in November, with budget-alerter and notebook-stopper, and the cost report of it.

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::{Decimal, prelude::FromPrimitive as _};
use serde_json::{Value, json};
use simulator::{BudgetState, Estate, Firing, Mail, Simulator};

use crate::{Function, Guard, deploy, project_file};

/// The template's parameters for this month. notebook-stopper runs twice an hour, which is as long as its grace.
const PARAMETERS: [(&str, &str); 3] =
    [("ScheduleTimezone", "Europe/Berlin"), ("NotebookSchedule", "cron(0/30 * * * ? *)"), ("BudgetSchedule", "cron(0 1/6 * * ? *)")];

/// How far the account's clock is advanced at a time.
const STEP: SignedDuration = SignedDuration::from_mins(30);

/// Until the second day of December, so that a new period begins.
const LENGTH: SignedDuration = SignedDuration::from_hours(31 * 24);

/// From the month's beginning (06:00 UTC) until its report: 09:00 in Berlin on 4 December, a Friday. That is the first working morning from the 4th on, on which
/// a month is reported (docs/cost-report.md): then all of its days are final.
const UNTIL_REPORT: SignedDuration = SignedDuration::from_hours(33 * 24 + 2);

/// What happened in the month.
pub struct Month {
    /// When it began.
    pub start: Timestamp,
    /// The team's time zone.
    pub zone: TimeZone,
    /// Every mail, oldest first.
    pub mails: Vec<Mail>,
    /// The budgets at the end of each day.
    pub days: Vec<(Timestamp, Vec<BudgetState>)>,
    /// The number of AWS Budgets messages that woke the guard.
    pub messages: usize,
    /// The cost of the guard's requests to Cost Explorer, in USD: as the guard reports it, and as the bill has it.
    pub cost: (Decimal, Decimal),
    /// When notebooks were stopped, and their names.
    pub stopped: Vec<(Timestamp, String)>,
    /// The page of the month's cost report.
    pub page: String,
    /// Everything that should not have happened.
    pub wrongs: Vec<String>,
}

/// Simulates the month.
///
/// # Errors
/// The estate or the policy is invalid.
pub async fn live() -> anyhow::Result<Month> {
    let file = |name: &str| project_file("tests/end-to-end/estates").join(name);
    let account = Simulator::start(Estate::read(&file("budget-month.toml"))?)?;
    let policy = std::fs::read_to_string(file("budget-month-policy.toml"))?;
    let stack = deploy(&account, &PARAMETERS)?;
    // Jobs and tags are shown in the demo's week.
    let [alerter, stopper] = [Function::BudgetAlerter, Function::NotebookStopper].map(|function| Guard::of(function, &account, &policy));
    let (alerter, stopper) = (alerter?, stopper?);
    let start = account.now();
    let mut month = Month {
        start,
        zone: cost_rules::time_zone::zone_named("Europe/Berlin")?,
        mails: vec![],
        days: vec![],
        messages: 0,
        cost: (Decimal::ZERO, Decimal::ZERO),
        stopped: vec![],
        page: String::new(),
        wrongs: vec![],
    };
    while account.now() < start + LENGTH {
        let since = account.now();
        account.advance(STEP);
        let at = account.now();
        for event in account.take_events() {
            for function in stack.targets(&event)? {
                if function == alerter.function.name() {
                    month.messages += 1;
                    wake(&alerter, event.clone(), &mut month).await?;
                } else if function == stopper.function.name() {
                    stop(&stopper, event.clone(), &mut month).await?;
                }
            }
        }
        for Firing { function, input, .. } in stack.firings(since, at) {
            if function == stopper.function.name() {
                stop(&stopper, input, &mut month).await?;
            } else if function == alerter.function.name() {
                wake(&alerter, input.clone(), &mut month).await?;
                let mails = account.mail_count();
                let second = alerter.wake(input).await?;
                if account.mail_count() != mails || !second.actions.is_empty() || second.cost_usd != Some(0.0) {
                    month.wrongs.push(format!("{at}: a second run mailed, acted, or asked Cost Explorer again"));
                }
            }
        }
        if at.duration_since(start).as_mins() % (24 * 60) == 0 {
            month.days.push((at, account.budgets()));
        }
    }
    account.live_until(start + UNTIL_REPORT);
    let reporter = Guard::of(Function::CostReporter, &account, &policy)?;
    month.page = Box::pin(report(&reporter, &mut month)).await?;
    month.mails = account.mails();
    month.cost.1 = account.cost_explorer_usd();
    Ok(month)
}

/// Asks for the month's cost report, and returns its page.
async fn report(reporter: &Guard, month: &mut Month) -> anyhow::Result<String> {
    let report = reporter.wake(json!({"period": "2026-11"})).await?;
    month.wrongs.extend(report.failures);
    month.cost.0 += report.cost_usd.and_then(Decimal::from_f64).unwrap_or_default();
    let stored = report.cost_reports.iter().flat_map(|one| one["stored"].as_array().into_iter().flatten()).filter_map(Value::as_str);
    let page = stored.filter_map(|at| at.split_once("/cost-report/")).find(|(_, key)| key.ends_with("report.html"));
    let (_, key) = page.context("the month's cost report was not stored")?;
    let page = reporter.account.object(&format!("cost-report/{key}")).context("the month's cost report is not in its bucket")?;
    Ok(String::from_utf8(page)?)
}

async fn stop(stopper: &Guard, event: Value, month: &mut Month) -> anyhow::Result<()> {
    let report = stopper.wake(event).await?;
    let at = stopper.account.now();
    month.wrongs.extend(report.failures);
    let done = report.actions.iter().filter(|action| action.outcome == "done");
    month.stopped.extend(done.map(|action| (at, action.resource.rsplit('/').next().unwrap_or_default().to_owned())));
    Ok(())
}

async fn wake(alerter: &Guard, event: Value, month: &mut Month) -> anyhow::Result<()> {
    let report = alerter.wake(event).await?;
    month.cost.0 += report.cost_usd.and_then(Decimal::from_f64).unwrap_or_default();
    let at = alerter.account.now();
    month.wrongs.extend(report.failures.into_iter().map(|failure| format!("{at}: {failure}")));
    month.wrongs.extend(report.unread.into_iter().map(|unread| format!("{at}: {} unread: {}", unread.what, unread.why)));
    Ok(())
}
