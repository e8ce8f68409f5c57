//! tag-auditor: finds `SageMaker` resources without the required tags, reports what they cost, finds their owners, and tags them where the policy allows it.

use cost_aws::{
    Context,
    area::{CostTags, Tagged},
    coverage,
    event::{OwnEvent, Trigger, Triggers},
    gather::{
        bill::cost_tags::bill,
        inventory::{
            Inventory,
            ownership::{AskOwnership, recall_ownership},
        },
    },
    report::Report,
    settle::{LookCloser, Memory, Run, due, settle},
    subscriptions,
};
use cost_rules::{coverage::Coverage, facts::Facts, plan::Plan, resource::Kind, rulebook::Rulebook};
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "tag-auditor";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers { kinds: Kind::TAGGED, creations: true, own: &[OwnEvent::DueOnly], ..Triggers::NONE };

/// One run at the time `now`: everything, what is due, or single resources.
///
/// # Errors
/// The function does not accept the event, or the policy cannot be read. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    let ledger = context.ledger();
    let inventory = Inventory::of_all(&context.clients, &rulebook);
    let mut failures = vec![];
    if let Some((id, creator)) = request.creator().filter(|_| !request.dry_run) {
        failures.extend(ledger.remember_creator(id, creator, now).await.err());
    }
    let essential = kinds_of(&rulebook, &[Kind::NotebookInstance, Kind::TrainingJob, Kind::Endpoint]);
    let mut run =
        Run { context, rulebook: &rulebook, areas: (Tagged, CostTags), request: &request, scope: request.scope(), essential: &essential };
    let (mut facts, entries) = if request.is_whole() {
        let kinds = kinds_of(&rulebook, Kind::TAGGED);
        tokio::join!(Box::pin(inventory.everything(&kinds, now)), ledger.findings(&run.scope))
    } else {
        let all = ledger.findings(&run.scope).await;
        if request.trigger == Trigger::Due {
            // Cost allocation tags are looked at in complete runs only.
            run.scope = due(all.iter().flatten().filter(|entry| Kind::of(&entry.id) != Some(Kind::TagKey)), now);
        }
        (inventory.named(&run.scope.named().unwrap_or_default(), now).await, all)
    };
    let (mut spends, mut requests) = (vec![], 0);
    if request.is_whole() {
        let bill = bill(context, &rulebook, &request, now).await;
        (facts.tag_keys, spends, requests) = (bill.keys, bill.spends, bill.requests);
        facts.reading.unread.extend(bill.unread);
        failures.extend(bill.failure);
    }
    facts.reading.unread.extend(request.unread());
    recall_ownership(&mut facts, entries.iter().flatten(), &rulebook.policy);

    let closer = Ownership(AskOwnership::new(context, inventory, &request));
    let mut report = settle(&run, &mut facts, Memory::Read(entries), closer).await;
    report.add_requests(requests);
    if request.is_whole() {
        let coverage = Coverage::of(&rulebook, &facts, &rulebook.evaluate(&facts), spends);
        failures.extend(coverage::tell(context, &rulebook, &coverage, &mut report, now).await.err());
        if !request.dry_run {
            let lost = subscriptions::lost(context, now).await;
            report.add_lost_subscriptions(*lost.as_ref().unwrap_or(&0), now);
            failures.extend(lost.err());
        }
    }
    report.failures.extend(failures.iter().map(|error| format!("{error:#}")));
    Ok(report)
}

/// Finds the owners of the findings that somebody is notified of.
struct Ownership<'a>(AskOwnership<'a>);

impl LookCloser for Ownership<'_> {
    async fn look(&mut self, facts: &mut Facts, plan: &Plan) -> bool {
        self.0.ask(facts, plan).await
    }
}

/// Those of these kinds that the policy audits.
fn kinds_of(rulebook: &Rulebook, kinds: &[Kind]) -> Vec<Kind> {
    kinds.iter().copied().filter(|kind| rulebook.audits(*kind)).collect()
}
