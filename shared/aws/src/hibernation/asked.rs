//! Hibernates or restores one endpoint because a person asks for it.

use cost_rules::{
    facts::{Backlog, Facts, HibernationStage, RunState},
    policy::Policy,
    remedy::WakesBy,
    resource::{Kind, Ownership, Resource},
    rulebook::Rulebook,
    scope::Scope,
};
use jiff::Timestamp;

use super::{Hibernations, Which};
use crate::{
    act::hibernate::{Due, hibernate},
    context::Context,
    gather,
    report::{Report, ReportedAction},
};

const HIBERNATE: &str = "hibernate-endpoint";

/// Hibernates the endpoint of this name, whoever calls it. What would not come back as it was is refused all the same.
pub async fn hibernate_now(context: &Context, rulebook: &Rulebook, endpoint: &str, is_dry_run: bool, now: Timestamp) -> Report {
    let mut report = Report::new(context.function, is_dry_run);
    let id = Kind::Endpoint.id(endpoint);
    let (outcome, detail) = match Box::pin(judge(context, rulebook, endpoint, &mut report, now)).await {
        Err(why) => ("skipped", why),
        Ok(_) if is_dry_run => ("planned", String::new()),
        Ok(due) => {
            let outcome = Box::pin(hibernate(context, due, now)).await;
            report.failures.extend(outcome.failure().map(|why| format!("{HIBERNATE} of {endpoint}: {why}")));
            (outcome.name(), outcome.detail().to_owned())
        }
    };
    report.actions.push(ReportedAction { action: HIBERNATE, resource: id, outcome, detail });
    report
}

/// Whether the endpoint may be hibernated. `Err`: why not.
async fn judge(context: &Context, rulebook: &Rulebook, endpoint: &str, report: &mut Report, now: Timestamp) -> Result<Due, String> {
    let id = Kind::Endpoint.id(endpoint);
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    // A name in lower case may be from an ARN, which has no capitals.
    let spelt = endpoint.chars().any(char::is_uppercase).then(|| endpoint.to_owned());
    let scope = Scope::Only([(id.clone(), spelt)].into());
    Box::pin(gather::endpoints::read(&context.clients, rulebook, &scope, &mut facts)).await;
    gather::endpoints::take_attached(&mut facts, context.ledger().all_attached().await);
    gather::endpoints::look_at_sleep(&context.clients, &mut facts, &[id]).await;
    report.unread.append(&mut facts.reading.unread);
    // What is not known is not acted upon: a tag may protect it, or its queue may be full.
    if let Some(unread) = report.unread.first() {
        return Err(format!("{} could not be read: {}", unread.what, unread.why));
    }
    let Some(found) = facts.endpoints.pop() else { return Err("there is no endpoint of this name".to_owned()) };
    if found.state != RunState::InService || found.is_deploying {
        return Err("it is not in service, or a change of it is under way".to_owned());
    }
    if found.backlog.as_ref().is_some_and(Backlog::has_waited) {
        return Err("requests wait in its queue".to_owned());
    }
    if let Some(kept) = rulebook.is_kept(&found.resource, now) {
        return Err(kept);
    }
    let sleep = found.sleep(WakesBy::Asking, &rulebook.policy)?;
    let usd_per_hour = found.instances().and_then(|instances| facts.prices.hourly_of(&instances));
    let (owner, team) = (rulebook.policy.owner_of(&found.resource), rulebook.policy.team_of(&found.resource));
    Ok(Due { resource: Resource { ownership: Ownership { owner, team }, ..found.resource }, sleep, usd_per_hour, until: None })
}

/// Creates the endpoint of this name again, or goes on with that.
pub async fn restore_now(context: &Context, policy: &Policy, endpoint: &str, is_dry_run: bool, now: Timestamp) -> Report {
    let mut report = Report::new(context.function, is_dry_run);
    let id = Kind::Endpoint.id(endpoint);
    let known = Hibernations::tend(context, policy, &Which::Asked(&id), is_dry_run, now).await;
    match known.all.get(&id) {
        None if known.unread.is_empty() => {
            let detail = "the guard has hibernated no endpoint of this name".to_owned();
            report.actions.push(ReportedAction { action: super::ACTION, resource: id, outcome: "skipped", detail });
        }
        Some(one) if is_dry_run => {
            let outcome = if one.hibernation.stage == HibernationStage::Awake { "already-done" } else { "planned" };
            report.actions.push(ReportedAction { action: super::ACTION, resource: id, outcome, detail: String::new() });
        }
        _ => {}
    }
    known.alone(report)
}
