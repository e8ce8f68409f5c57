//! budget-alerter: finds budgets that are about to break, says what drove them and what runs on, and tightens the rules where the policy says so.

use std::collections::BTreeSet;

use cost_aws::{
    Context,
    event::{Triggers, Wake},
    gather::{
        bill,
        budgets::{self, find_running},
    },
    ledger::tightenings,
    report::{Report, cents},
    run::{Known, settle},
};
use cost_rules::{
    facts::{Budget, Facts, OnExceed, Tightening, Unread},
    plan::{Entry, State, plan},
    policy::{Policy, STOPPABLE_TAG},
    resource::Kind,
    rules::budgets::explain::{explain, name_running},
    scope::Scope,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "budget-alerter";

/// What wakes it.
pub const TRIGGERS: Triggers = Triggers { kinds: &[Kind::Budget], changes: &[], creations: false, budgets: true, due_only: false };

/// One run, in the light of `now`: all budgets and the spend, or single budgets.
///
/// # Errors
/// The event is not one of the function's, or the policy cannot be read: nothing was done then. Whatever fails later is in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let wake = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.policy(now).await?;
    let account = context.account()?;
    let ledger = context.ledger();
    let (listed, spend, entries, held) = tokio::join!(
        Box::pin(budgets::all(&context.clients, &rulebook, account, now)),
        Box::pin(bill::days::read(&context.clients, &rulebook, &ledger, account, !wake.dry_run, now)),
        ledger.findings(&wake.scope),
        Box::pin(tightenings::read(context, &rulebook, now))
    );
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    let mut failures = spend.failures;
    facts.budgets = listed.told_to(&mut facts);
    facts.spend = spend.spend;
    facts.reading.unread.extend(spend.unread);
    facts.reading.unread.extend(missing(&wake, &facts));
    facts.measures.unread = held.is_err();
    facts.measures.in_force = held.unwrap_or_else(|unread| {
        facts.reading.unread.push(unread);
        vec![]
    });
    explain(&mut facts, &rulebook);
    narrow(&mut facts, &wake.scope);
    failures.extend(Box::pin(tighten(context, &rulebook, &wake, &mut facts)).await.map(|error| format!("{error:#}")));
    let told = told(&rulebook, &wake, &facts, entries.as_ref().ok());
    let unread = Box::pin(budgets::last_periods(&context.clients, account, &mut facts.budgets, &told)).await;
    facts.reading.unread.extend(unread);
    let may_stop = wake.scope == Scope::Everything && may_stop(&facts, entries.as_ref().ok());
    if !told.is_empty() || may_stop {
        let is_all = Box::pin(find_running(context, &rulebook, !told.is_empty(), &mut facts)).await;
        name_running(&mut facts, &rulebook, is_all);
    }
    // Who asks for single budgets has nothing else judged.
    if wake.scope != Scope::Everything {
        facts.running.clear();
        facts.reading.complete.clear();
    }

    let mut report = settle(context, &rulebook, &wake, &mut facts, Known::Read(entries), &[Kind::Budget]).await;
    report.cost_usd = cents(Decimal::from(spend.requests) / Decimal::ONE_HUNDRED);
    report.failures.extend(failures);
    Ok(report)
}

/// Budgets that AWS Budgets told of, and that are not there.
fn missing(wake: &Wake, facts: &Facts) -> Vec<Unread> {
    let is_there = |name: &String| facts.budgets.iter().any(|budget| budget.resource.name == *name);
    let missing = wake.budgets.iter().filter(|name| facts.reading.complete.contains(&Kind::Budget) && !is_there(name));
    missing
        .map(|name| Unread {
            what: format!("budget {name}, of which AWS Budgets told"),
            why: "there is no such budget in this account".to_owned(),
        })
        .collect()
}

/// Leaves what a run is asked for.
fn narrow(facts: &mut Facts, scope: &Scope) {
    let Some(named) = scope.named() else { return };
    if facts.reading.complete.remove(&Kind::Budget) {
        let there: BTreeSet<&String> = facts.budgets.iter().map(|budget| &budget.resource.id).collect();
        facts.reading.gone.extend(named.keys().filter(|id| !there.contains(id)).cloned());
    }
    facts.budgets.retain(|budget| named.contains_key(&budget.resource.id));
    facts.spend = None;
}

/// What is enforced from now on because a budget is used up: written before anybody is told so. Of a budget that is not known, or not known well enough, what was so
/// goes on.
async fn tighten(context: &Context, rulebook: &Rulebook, wake: &Wake, facts: &mut Facts) -> Option<anyhow::Error> {
    let is_whole = facts.reading.complete.contains(&Kind::Budget);
    let goes_on = |held: &Tightening| match facts.budgets.iter().find(|budget| budget.resource.name == held.budget) {
        Some(budget) => budget.period.is_some() && (budget.spent(facts.now).is_none() || budget.limit.is_none()),
        None => !is_whole,
    };
    let mut wanted: Vec<Tightening> = facts.measures.in_force.iter().filter(|held| goes_on(held)).cloned().collect();
    wanted.extend(rulebook.policy.tightenings(&facts.budgets, facts.now));
    wanted.sort();
    facts.measures.in_force.sort();
    let mut failure = None;
    // What cannot be read is not written over, unless all of it is known.
    let may_write = !wake.dry_run && (is_whole || !facts.measures.unread);
    if wanted != facts.measures.in_force && may_write {
        failure = tightenings::write(context, &wanted, facts.now).await.err();
    }
    if failure.is_none() {
        facts.measures.unread &= !is_whole;
        facts.measures.in_force = wanted;
    }
    for budget in &mut facts.budgets {
        budget.insight.measure = measure(rulebook, budget, &facts.measures.in_force, facts.now);
    }
    failure
}

/// What is done because a budget is used up, or why it is not although the policy asks for it.
fn measure(rulebook: &Rulebook, budget: &Budget, tightenings: &[Tightening], now: Timestamp) -> Option<String> {
    let what = rulebook.policy.budget(&budget.resource.name)?.on_exceed?;
    let Some(Tightening { team, until, .. }) = tightenings.iter().find(|one| one.budget == budget.resource.name) else {
        let why = match rulebook.policy.tightened_team(budget) {
            None => "whose team's it is is not known: write team = \"…\" in its [[budget]] (\"*\": all teams)",
            Some(_) if budget.period?.end() <= now => "its period is over before anything could be stopped",
            Some(_) => "it could not be written down: the next run tries again",
        };
        return rulebook.policy.is_used_up(budget, now).then(|| format!("nothing of what the policy asks for: {why}."));
    };
    let of_whom = team.as_ref().map_or_else(|| "of all teams".to_owned(), |team| format!("of team {team}"));
    let until = rulebook.policy.clock(*until);
    Some(match what {
        OnExceed::EnforceOffHours => {
            format!("until {until}, notebooks and Studio apps {of_whom} are stopped outside working hours, after a warning.")
        }
        OnExceed::StopStoppable => format!("until {until}, what {of_whom} is tagged {STOPPABLE_TAG} = yes is stopped, after a warning."),
    })
}

/// The budgets, by id, of which somebody will be told something in this run.
fn told(rulebook: &Rulebook, wake: &Wake, facts: &Facts, entries: Option<&Vec<Entry>>) -> Vec<String> {
    let planned = plan(rulebook.evaluate(facts), facts, entries.cloned(), &wake.scope).planned;
    let told = planned.iter().filter(|one| one.step.tells()).map(|one| &one.finding.resource);
    told.filter(|resource| resource.kind() == Some(Kind::Budget)).map(|resource| resource.id.clone()).collect()
}

/// Whether anything may be stopped because a budget is used up, or was to be.
fn may_stop(facts: &Facts, entries: Option<&Vec<Entry>>) -> bool {
    let is_open = |entry: &Entry| OnExceed::StopStoppable.rules().contains(&entry.rule.as_str()) && entry.state != State::Closed;
    facts.measures.in_force.iter().any(|one| one.what == OnExceed::StopStoppable) || entries.into_iter().flatten().any(is_open)
}
