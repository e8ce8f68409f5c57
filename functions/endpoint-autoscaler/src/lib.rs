//! endpoint-autoscaler: finds endpoints that do not follow their requests, or that nobody calls, works out the right setting, and notifies their owners.

use std::collections::{BTreeMap, BTreeSet};

use cost_aws::{
    Context,
    area::Endpoints,
    detach::detach,
    event::{Order, OwnEvent, Request, StateChange, Trigger, Triggers},
    gather,
    hibernation::{
        Hibernations, Which,
        asked::{hibernate_now, restore_now},
    },
    report::Report,
    settle::{LookCloser, Memory, Run, due, settle},
};
use cost_rules::{
    facts::{CanSleep, Facts},
    plan::{Plan, Planned, ScalingSaving},
    policy::Policy,
    remedy::Remedy,
    resource::Kind,
    scope::Scope,
};
use jiff::Timestamp;
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "endpoint-autoscaler";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers {
    kinds: &[Kind::Endpoint],
    changes: &[StateChange { detail_type: "SageMaker Endpoint State Change", kind: Kind::Endpoint, fields: "Endpoint", is_judged: false }],
    own: &[OwnEvent::DueOnly, OwnEvent::Order(Order::Detach), OwnEvent::Order(Order::Hibernate), OwnEvent::Order(Order::Restore)],
    ..Triggers::NONE
};

/// One run at the time `now`: all endpoints, or those that the event names.
///
/// # Errors
/// The function does not accept the event, or the policy cannot be read. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    if let Trigger::Ordered(order, endpoint) = &request.trigger {
        return Box::pin(obey(*order, endpoint, context, request.dry_run, now)).await;
    }
    let rulebook = match context.rulebook(now).await {
        Ok(rulebook) => rulebook,
        Err(error) => {
            // Without a policy nothing is done but this: endpoints are created again at the time that was known when they were hibernated.
            if !request.dry_run {
                Box::pin(Hibernations::tend(context, &Policy::default(), &Which::Overdue, false, now)).await;
            }
            return Err(error);
        }
    };
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    // What slept is created again first: then it is judged in this run.
    let hibernations = Box::pin(Hibernations::tend(context, &rulebook.policy, &which(&request), request.dry_run, now)).await;
    let mut scope = request.scope();
    let ledger = context.ledger();
    let (entries, attached) = tokio::join!(ledger.findings(&scope), ledger.all_attached());
    // Each step of a scaling endpoint is an event. Where nothing is open and nothing slept, there is nothing to do.
    let is_of_nothing = hibernations.touched.is_empty() && entries.as_ref().is_ok_and(Vec::is_empty);
    if matches!(request.trigger, Trigger::Ended(..)) && is_of_nothing {
        return Ok(hibernations.alone(Report::new(NAME, request.dry_run)));
    }
    if request.trigger == Trigger::Due {
        scope = due(entries.iter().flatten(), now);
    }
    scope = also(scope, &hibernations.touched);
    let by_hour = gather::endpoints::read(&context.clients, &rulebook, &scope, &mut facts).await;
    hibernations.take_into(&mut facts);
    gather::endpoints::take_attached(&mut facts, attached);
    facts.take_announced(entries.iter().flatten());
    // Requests by the minute are read only of those endpoints that may save enough.
    let wanted = rulebook.needs_minutes(&facts);
    let metrics = by_hour + gather::endpoints::minutes(&context.clients, &mut facts, &wanted).await;
    let run = Run { context, rulebook: &rulebook, areas: Endpoints, request: &request, scope, essential: &[Kind::Endpoint] };
    let mut report = Box::pin(settle(&run, &mut facts, Memory::Read(entries), LookAtEndpoints { context, are_routers_read: false })).await;
    hibernations.report(&mut report);
    if report.is_whole {
        let savings: Vec<ScalingSaving> =
            facts.endpoints.iter().filter_map(|endpoint| ScalingSaving::of(endpoint, &rulebook.policy, now)).collect();
        report.failures.extend(ledger.remember_scaling_savings(&savings).await.err().map(|error| format!("{error:#}")));
    }
    report.add_metrics_read(metrics);
    Ok(report)
}

async fn obey(order: Order, endpoint: &str, context: &Context, is_dry_run: bool, now: Timestamp) -> anyhow::Result<Report> {
    match order {
        Order::Detach => {
            context.rulebook(now).await?;
            Box::pin(detach(context, endpoint, is_dry_run, now)).await
        }
        Order::Hibernate => {
            let rulebook = context.rulebook(now).await?;
            Ok(Box::pin(hibernate_now(context, &rulebook, endpoint, is_dry_run, now)).await)
        }
        // A person asks for it, whatever the policy says.
        Order::Restore => Ok(Box::pin(restore_now(context, &Policy::default(), endpoint, is_dry_run, now)).await),
    }
}

/// Which hibernated endpoints a run looks after.
fn which(request: &Request) -> Which<'_> {
    match &request.trigger {
        Trigger::Changed(id, _) | Trigger::Ended(id, _) => Which::Changed(id),
        Trigger::Schedule => Which::All,
        _ => Which::Due,
    }
}

/// The same resources and these, which are judged as in any run.
fn also(scope: Scope, touched: &BTreeMap<String, Option<String>>) -> Scope {
    match scope {
        _ if touched.is_empty() => scope,
        Scope::Everything => Scope::Everything,
        Scope::Only(mut named) => {
            named.extend(touched.clone());
            Scope::Only(named)
        }
        Scope::Changed(..) => Scope::Only(touched.clone()),
    }
}

/// Reads what speaks against notifying somebody: inference routers that need an endpoint that nobody calls, and whatever keeps an endpoint from being created again as it is, before its
/// owner is notified that it will be hibernated.
struct LookAtEndpoints<'a> {
    context: &'a Context,
    are_routers_read: bool,
}

impl LookCloser for LookAtEndpoints<'_> {
    async fn look(&mut self, facts: &mut Facts, plan: &Plan) -> bool {
        let is_idle = |one: &Planned| one.step.notifies() && one.finding.rule == "endpoint-idle";
        if plan.planned.iter().any(is_idle) && !std::mem::replace(&mut self.are_routers_read, true) {
            gather::endpoints::read_routers(&self.context.clients, facts).await;
            return true;
        }
        let is_meant = |one: &&Planned| one.step.notifies() && matches!(one.finding.waste.remedy, Remedy::Hibernate(_));
        let wanted: BTreeSet<&String> = plan.planned.iter().filter(is_meant).map(|one| &one.finding.resource.id).collect();
        let unseen = facts.endpoints.iter().filter(|one| one.can_sleep == CanSleep::NotLooked && wanted.contains(&one.resource.id));
        let ids: Vec<String> = unseen.map(|one| one.resource.id.clone()).collect();
        if ids.is_empty() {
            return false;
        }
        Box::pin(gather::endpoints::look_at_sleep(&self.context.clients, facts, &ids)).await;
        true
    }
}
