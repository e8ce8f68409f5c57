//! budget-alerter: finds budgets that are exceeded or about to be, explains what drives them and what still runs, and enforces more rules where the policy says
//! so.

use cost_aws::{
    Context,
    area::Stoppable,
    event::{Trigger, Triggers},
    gather::{
        bill,
        budgets::{self, Account, find_running, last_periods},
    },
    ledger::budget_measures,
    report::{Report, cents},
    settle::{LookCloser, Memory, Run, settle},
};
use cost_rules::{
    facts::{Facts, OnExceed},
    period::day_of,
    plan::{Entry, Plan, State},
    report::BudgetOnRecord,
    resource::Kind,
    rules::budgets::explain::{explain, name_running},
    scope::Scope,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "budget-alerter";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers { kinds: &[Kind::Budget], budgets: true, ..Triggers::NONE };

/// One run at the time `now`: all budgets and the spend, or single budgets.
///
/// # Errors
/// The function does not accept the event, the policy cannot be read, or the account is not known. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    // AWS tries a topic that is added to a budget.
    if request.trigger == Trigger::Nothing {
        return Ok(Report { function: NAME.to_owned(), ..Report::default() });
    }
    let rulebook = context.rulebook(now).await?;
    let account = context.account()?;
    let ledger = context.ledger();
    let run = Run { context, rulebook: &rulebook, areas: Stoppable, request: &request, scope: request.scope(), essential: &[Kind::Budget] };
    let (listed, spend, entries, held) = tokio::join!(
        Box::pin(budgets::all(
            &context.clients,
            &rulebook,
            Account { partition: context.partition(), id: account, region: &context.clients.region },
            now
        )),
        Box::pin(bill::days::read(
            &context.clients,
            &rulebook,
            &ledger,
            account,
            bill::days::Reading { keeps: !request.dry_run, ..bill::days::Reading::default() },
            now
        )),
        ledger.findings(&run.scope),
        Box::pin(budget_measures::read(context, &rulebook, now))
    );
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    facts.budgets = listed.into_facts(&mut facts);
    let recorded = Box::pin(record(&run, &facts)).await;
    facts.spend = spend.spend.into_iter().collect();
    facts.reading.unread.extend(spend.unread);
    facts.reading.unread.extend(budgets::missing(request.budgets(), &facts));
    facts.measures.unread = held.is_err();
    facts.measures.in_force = held.unwrap_or_else(|unread| {
        facts.reading.unread.push(unread);
        vec![]
    });
    explain(&mut facts, &rulebook.policy);
    budgets::narrow(&mut facts, &run.scope);
    let mut failures = spend.failures;
    failures.extend(recorded.map(|error| format!("{error:#}")));
    failures.extend(Box::pin(enforce_more(&run, &mut facts)).await.map(|error| format!("{error:#}")));
    let may_stop = run.scope == Scope::Everything && may_stop(&facts, entries.as_deref().unwrap_or_default());

    let closer = WhatRuns { run: &run, account, may_stop, is_known: false };
    let mut report = settle(&run, &mut facts, Memory::Read(entries), closer).await;
    report.cost_usd = cents(Decimal::from(spend.requests) / Decimal::ONE_HUNDRED);
    report.failures.extend(failures);
    Ok(report)
}

/// Records the budgets for the cost report, if all of them are known.
async fn record(run: &Run<'_, Stoppable>, facts: &Facts) -> Option<anyhow::Error> {
    if run.request.dry_run || !facts.reading.complete.contains(&Kind::Budget) {
        return None;
    }
    let budgets: Vec<BudgetOnRecord> = facts.budgets.iter().filter_map(|one| BudgetOnRecord::of(one, &run.rulebook.policy)).collect();
    let month = day_of(facts.now).first_of_month();
    run.context.ledger().remember_budgets(month, &budgets, facts.now).await.err()
}

/// Records what is enforced from now on because budgets are used up, before anybody is notified of it.
async fn enforce_more(run: &Run<'_, Stoppable>, facts: &mut Facts) -> Option<anyhow::Error> {
    let is_whole = facts.reading.complete.contains(&Kind::Budget);
    let wanted = run.rulebook.wanted_measures(facts);
    facts.measures.in_force.sort();
    // Measures that could not be read are overwritten only if all budgets are known.
    let may_write = !run.request.dry_run && (is_whole || !facts.measures.unread);
    let mut failure = None;
    if wanted != facts.measures.in_force && may_write {
        failure = budget_measures::write(run.context, &wanted, facts.now).await.err();
    }
    if failure.is_none() {
        facts.measures.unread &= !is_whole;
        facts.measures.in_force = wanted;
    }
    run.rulebook.explain_measures(facts);
    failure
}

/// Whether anything may be stopped because a budget is used up, or was going to be.
fn may_stop(facts: &Facts, entries: &[Entry]) -> bool {
    let is_open = |entry: &Entry| OnExceed::StopStoppable.rules().contains(&entry.rule.as_str()) && entry.state != State::Closed;
    facts.measures.in_force.iter().any(|one| one.what == OnExceed::StopStoppable) || entries.iter().any(is_open)
}

/// Reads what was spent in the previous period of the budgets that somebody is notified of, and what runs now, if that is needed for a mail or something may be
/// stopped.
struct WhatRuns<'a> {
    run: &'a Run<'a, Stoppable>,
    account: &'a str,
    may_stop: bool,
    is_known: bool,
}

impl LookCloser for WhatRuns<'_> {
    async fn look(&mut self, facts: &mut Facts, plan: &Plan) -> bool {
        if std::mem::replace(&mut self.is_known, true) {
            return false;
        }
        let Run { context, rulebook, scope, .. } = self.run;
        let notified = plan.planned.iter().filter(|one| one.step.notifies()).map(|one| &one.finding.resource);
        let (spends, notified): (Vec<_>, Vec<_>) =
            notified.filter(|one| matches!(one.kind(), Some(Kind::Budget | Kind::Spend))).partition(|one| one.kind() == Some(Kind::Spend));
        let notified: Vec<String> = notified.into_iter().map(|resource| resource.id.clone()).collect();
        let is_told = !notified.is_empty() || !spends.is_empty();
        let unread = Box::pin(last_periods(&context.clients, self.account, &mut facts.budgets, &notified)).await;
        facts.reading.unread.extend(unread);
        if is_told || self.may_stop {
            let is_all = Box::pin(find_running(context, rulebook, is_told, facts)).await;
            name_running(facts, &rulebook.policy, is_all);
        }
        // A run for single budgets judges nothing else.
        if *scope != Scope::Everything {
            facts.running.clear();
            facts.reading.complete.clear();
        }
        true
    }
}
