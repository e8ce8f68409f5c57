//! endpoint-autoscaler: finds endpoints that do not follow their requests, or that nobody calls, works out the right setting, and notifies their owners.

use cost_aws::{
    Context,
    area::Endpoints,
    detach::detach,
    event::{OwnEvent, StateChange, Trigger, Triggers},
    gather,
    report::Report,
    settle::{KnowsEnough, Memory, Run, due, settle},
};
use cost_rules::{facts::Facts, plan::ScalingSaving, resource::Kind};
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "endpoint-autoscaler";

/// What wakes it.
pub const TRIGGERS: Triggers = Triggers {
    kinds: &[Kind::Endpoint],
    changes: &[StateChange { detail_type: "SageMaker Endpoint State Change", kind: Kind::Endpoint, fields: "Endpoint", is_judged: false }],
    own: &[OwnEvent::DueOnly, OwnEvent::Detach],
    ..Triggers::NONE
};

/// How many metrics CloudWatch returns for one USD (aws-facts §4).
const METRICS_PER_USD: f64 = 100_000.0;

/// One run at the time `now`: all endpoints, or those that the event names.
///
/// # Errors
/// The function does not accept the event, or the policy cannot be read. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    if let Trigger::Detach(endpoint) = &request.trigger {
        return Box::pin(detach(context, endpoint, request.dry_run, now)).await;
    }
    let rulebook = context.rulebook(now).await?;
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    let ledger = context.ledger();
    let mut scope = request.scope();
    let (entries, attached) = tokio::join!(ledger.findings(&scope), ledger.all_attached());
    if request.trigger == Trigger::Due {
        scope = due(entries.iter().flatten(), now);
    }
    let by_hour = gather::endpoints::read(&context.clients, &rulebook, &scope, &mut facts).await;
    gather::endpoints::take_attached(&mut facts, attached);
    // Requests by the minute are read only of those endpoints that may save enough.
    let wanted = rulebook.needs_minutes(&facts);
    let metrics = by_hour + gather::endpoints::minutes(&context.clients, &mut facts, &wanted).await;
    let run = Run { context, rulebook: &rulebook, areas: Endpoints, request: &request, scope, essential: &[Kind::Endpoint] };
    let mut report = Box::pin(settle(&run, &mut facts, Memory::Read(entries), KnowsEnough)).await;
    if report.is_whole {
        let savings: Vec<ScalingSaving> =
            facts.endpoints.iter().filter_map(|endpoint| ScalingSaving::of(endpoint, &rulebook.policy, now)).collect();
        report.failures.extend(ledger.remember_scaling_savings(&savings).await.err().map(|error| format!("{error:#}")));
    }
    report.cost_usd = Some(f64::from(u32::try_from(metrics).unwrap_or(u32::MAX)) / METRICS_PER_USD);
    Ok(report)
}
