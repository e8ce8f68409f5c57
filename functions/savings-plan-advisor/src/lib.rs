//! savings-plan-advisor: works out how much to commit to by a SageMaker Savings Plan without committing to waste, and looks after the plans and training plans that
//! are owned. It buys nothing, and has no permission to.

use cost_aws::{
    Context,
    area::Commitments,
    event::Triggers,
    gather::savings_plans::{self, Reading},
    ledger::{FUNCTIONS, Ledger},
    report::Report,
    settle::{KnowsEnough, Memory, Run, settle},
};
use cost_rules::{
    facts::{Facts, Unread},
    plan::Entry,
    resource::Kind,
    scope::Scope,
};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "savings-plan-advisor";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers::NONE;

/// One run at the time `now`: all plans, and what could be committed to.
///
/// # Errors
/// The function does not accept the event, or the policy cannot be read. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    let ledger = context.ledger();
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    let own = ledger.findings(&Scope::Everything).await;
    let all = findings_of_all(&ledger, &mut facts).await;
    let reading = Reading {
        clients: &context.clients,
        rulebook: &rulebook,
        ledger: &ledger,
        account: context.account().ok(),
        entries: all.as_deref(),
        keeps: !request.dry_run,
        now,
    };
    let read = Box::pin(savings_plans::read(&reading, &mut facts)).await;
    Box::pin(savings_plans::training_plans(&context.clients, &rulebook, &mut facts)).await;
    let scope = Scope::Everything;
    let run = Run { context, rulebook: &rulebook, areas: Commitments, request: &request, scope, essential: &[Kind::SavingsPlan] };
    let mut report = Box::pin(settle(&run, &mut facts, Memory::Read(own), KnowsEnough)).await;
    report.failures.extend(read.failure);
    report.add_requests(read.requests);
    report.savings_plan = facts.commitments.first().map(savings_plans::told);
    Ok(report)
}

/// The findings of all functions: what is waste will not be there to be covered. `None`: one could not be read, and without it the advice would be too large.
async fn findings_of_all(ledger: &Ledger<'_>, facts: &mut Facts) -> Option<Vec<Entry>> {
    let of = FUNCTIONS.map(|function| async move { (function, Ledger { function, ..*ledger }.findings(&Scope::Everything).await) });
    let mut all = Some(vec![]);
    for (function, read) in join_all(of).await {
        match read {
            Ok(entries) => all.iter_mut().for_each(|all| all.extend(entries.iter().cloned())),
            Err(error) => {
                facts.reading.unread.push(Unread::new(format!("findings of {function}"), format!("{error:#}")));
                all = None;
            }
        }
    }
    all
}
