//! tag-auditor: finds what of `SageMaker` is not tagged, says what that costs, finds whose it is, and tags it where the policy lets it.

use cost_aws::{
    Context, coverage,
    event::Triggers,
    gather::{
        bill::cost_tags::bill,
        inventory::{self, whose::find_whose},
    },
    report::Report,
    run::{Known, settle},
};
use cost_rules::{coverage::Coverage, plan::Entry, rulebook::Rulebook, resource::Kind, scope::Scope};
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "tag-auditor";

/// What wakes it.
pub const TRIGGERS: Triggers = Triggers { kinds: Kind::TAGGED, changes: &[], creations: true, budgets: false, due_only: true };

/// One run, in the light of `now`: everything, what is due, or what an event tells was created.
///
/// # Errors
/// The event is not one of the function's, or the policy cannot be read: nothing was done then. Whatever fails later is in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let mut wake = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.policy(now).await?;
    let ledger = context.ledger();
    let mut failures = vec![];
    if let Some((id, creator)) = wake.creator.as_ref().filter(|_| !wake.dry_run) {
        failures.extend(ledger.remember_creator(id, creator, now).await.err());
    }
    let essential = kinds_of(&rulebook, &[Kind::NotebookInstance, Kind::TrainingJob, Kind::Endpoint]);
    let is_whole = wake.scope == Scope::Everything && !wake.due_only;
    let (mut facts, entries) = if is_whole {
        let kinds = kinds_of(&rulebook, Kind::TAGGED);
        tokio::join!(Box::pin(inventory::everything(&context.clients, &rulebook, &kinds, now)), ledger.findings(&wake.scope))
    } else {
        let all = ledger.findings(&wake.scope).await;
        if wake.due_only {
            // A tag of the bill is looked at in whole runs.
            let is_due = |entry: &&Entry| entry.is_due(now) && Kind::of(&entry.id) != Some(Kind::TagKey);
            let due = all.iter().flatten().filter(is_due);
            wake.scope = Scope::Only(due.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect());
        }
        (inventory::some(&context.clients, &rulebook, &wake.scope.named().unwrap_or_default(), now).await, all)
    };
    let mut spends = vec![];
    if is_whole {
        let bill = bill(context, &rulebook, &wake, now).await;
        (facts.tag_keys, spends) = (bill.keys, bill.spends);
        facts.reading.unread.extend(bill.unread);
        failures.extend(bill.failure);
    }
    let unread = find_whose(context, &rulebook, &wake, &mut facts, entries.as_ref().ok().cloned()).await;
    facts.reading.unread.extend(unread);

    let mut report = settle(context, &rulebook, &wake, &mut facts, Known::Read(entries), &essential).await;
    if is_whole {
        let coverage = Coverage::of(&rulebook, &facts, &rulebook.evaluate(&facts), spends);
        failures.extend(coverage::tell(context, &rulebook, &coverage, &mut report, now).await.err());
    }
    report.failures.extend(failures.iter().map(|error| format!("{error:#}")));
    Ok(report)
}

/// Those of these kinds that the policy wants to be looked at.
fn kinds_of(rulebook: &Rulebook, kinds: &[Kind]) -> Vec<Kind> {
    kinds.iter().copied().filter(|kind| rulebook.audits(*kind)).collect()
}
