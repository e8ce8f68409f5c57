//! inference-advisor: finds endpoints whose requests another way of serving would answer for less, works out which one, and notifies their owners. It changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use cost_aws::{
    Context,
    area::EndpointAdvice,
    event::Triggers,
    gather,
    ledger::Ledger,
    report::Report,
    settle::{KnowsEnough, Memory, Run, settle},
};
use cost_rules::{
    facts::{Facts, Unread},
    resource::Kind,
    rulebook::Rulebook,
    scope::Scope,
};
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "inference-advisor";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers { kinds: &[Kind::Endpoint], ..Triggers::NONE };

/// The function whose findings are read, so that no dollar is told twice.
const AUTOSCALER: &str = "endpoint-autoscaler";

/// The endpoints whose requests by the minute are in memory at the same time.
const AT_A_TIME: usize = 50;

/// One run at the time `now`: all endpoints, or those that the event names.
///
/// # Errors
/// The function does not accept the event, or the policy cannot be read. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    let scope = request.scope();
    let ledger = context.ledger();
    let autoscaler = Ledger { function: AUTOSCALER, ..ledger };
    let (entries, told) = tokio::join!(ledger.findings(&scope), autoscaler.findings(&Scope::Everything));
    // Which endpoints could share one is worked out from all of them, also where some are named.
    let mut metrics = gather::endpoints::read(&context.clients, &rulebook, &Scope::Everything, &mut facts).await;
    let listed: BTreeSet<String> = facts.endpoints.iter().map(|one| one.resource.id.clone()).collect();
    metrics += gather::hosted::read(&context.clients, &rulebook.policy, context.account().ok(), &mut facts).await;
    facts.take_told(told.as_deref().ok());
    facts.reading.unread.extend(told.err().map(|error| Unread::new("findings of endpoint-autoscaler", format!("{error:#}"))));
    metrics += Box::pin(advise(context, &rulebook, &mut facts)).await;
    let named = scope.named();
    if let Some(named) = &named {
        only(named, &listed, &mut facts);
    }
    let run = Run { context, rulebook: &rulebook, areas: EndpointAdvice, request: &request, scope, essential: &[Kind::Endpoint] };
    let mut report = Box::pin(settle(&run, &mut facts, Memory::Read(entries), KnowsEnough)).await;
    report.add_options(&facts, named.is_some());
    report.add_metrics_read(metrics);
    Ok(report)
}

/// Works out what is advised: by the hour for all endpoints, and then by the minute where another way may be cheaper. Returns how many metrics `CloudWatch` was asked for.
async fn advise(context: &Context, rulebook: &Rulebook, facts: &mut Facts) -> usize {
    rulebook.advise(facts, |_| true);
    let promising = facts.hosted.iter().filter(|one| one.advice.given().is_some_and(|given| given.best.is_some()));
    let promising: Vec<String> = promising.map(|one| one.endpoint.resource.id.clone()).collect();
    let mut metrics = 0;
    for some in promising.chunks(AT_A_TIME) {
        let ids: BTreeSet<String> = some.iter().cloned().collect();
        metrics += gather::hosted::minutes(&context.clients, facts, &ids).await;
        rulebook.advise_by_minute(facts, |id| ids.contains(id));
        gather::hosted::forget_minutes(facts);
    }
    rulebook.advise_sharing(facts);
    metrics
}

/// Leaves only the named endpoints, and says of which of them nothing can be advised.
fn only(named: &BTreeMap<String, Option<String>>, listed: &BTreeSet<String>, facts: &mut Facts) {
    facts.hosted.retain(|one| named.contains_key(&one.endpoint.resource.id));
    let hosted: BTreeSet<&String> = facts.hosted.iter().map(|one| &one.endpoint.resource.id).collect();
    let others = named.keys().filter(|id| listed.contains(*id) && !hosted.contains(id));
    let why = "it is no real-time endpoint: another way of serving is looked for only for those";
    facts.reading.unread.extend(others.map(|id| Unread::new(id.clone(), why)));
    if facts.reading.complete.contains(&Kind::Endpoint) {
        facts.reading.gone.extend(named.keys().filter(|id| !listed.contains(*id)).cloned());
    }
}
