//! Carries out the actions that are due. Each resource is read and judged once more right before its action.

use std::collections::BTreeMap;

use cost_rules::{
    facts::Facts,
    plan::{Outcome, Outcomes, Plan, Planned},
    rulebook::Finding,
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

use super::Run;
use crate::{area::Area, context::Context};

/// The most actions at the same time. Three times as many resources are read again at the same time, right before their actions.
const ACTIONS_IN_FLIGHT: usize = 16;

/// Carries out all actions that are due, and returns their outcomes.
pub(super) async fn all_due<A: Area>(run: &Run<'_, A>, context: &Context, facts: &Facts, plan: &Plan) -> Outcomes {
    let permits = Semaphore::new(ACTIONS_IN_FLIGHT);
    let look_and_act = async |one: &Planned| match still_due(run, context, facts, &one.finding).await {
        Ok(fresh) => {
            let _permit = permits.acquire().await;
            if context.time_is_up() { out_of_time() } else { run.areas.act(context, &fresh, facts.now).await.unwrap_or_else(not_mine) }
        }
        Err(outcome) => outcome,
    };
    let one_action = async |one: &Planned| {
        let ended = if context.time_is_up() { Some(out_of_time()) } else { context.in_time(Box::pin(look_and_act(one))).await };
        let outcome = ended.unwrap_or_else(|| Outcome::Unknown("no answer before the end of this run: the next one looks at it".into()));
        lambda_runtime::tracing::info!(
            action = one.finding.waste.remedy.action(),
            resource = one.finding.resource.arn_or_id(),
            outcome = outcome.name(),
            detail = outcome.detail()
        );
        ((one.finding.resource.id.clone(), one.finding.waste.remedy.clone()), outcome)
    };
    let one_resource = async |due: Vec<&Planned>| stream::iter(due).then(one_action).collect::<Vec<_>>().await;
    let outcomes = stream::iter(by_resource(plan)).map(one_resource).buffer_unordered(3 * ACTIONS_IN_FLIGHT);
    outcomes.flat_map(stream::iter).collect().await
}

/// What is due, by resource, with what saves most first: what two rules ask for is done one after the other, and the second is judged by what the first has done.
fn by_resource(plan: &Plan) -> Vec<Vec<&Planned>> {
    let mut all: BTreeMap<&str, Vec<&Planned>> = BTreeMap::new();
    for one in plan.due() {
        all.entry(&one.finding.resource.id).or_default().push(one);
    }
    for due in all.values_mut() {
        due.sort_by_key(|one| (std::cmp::Reverse(one.finding.waste.usd_per_month), one.finding.rule));
    }
    all.into_values().collect()
}

fn not_mine() -> Outcome {
    Outcome::Skipped("this rule only advises".into())
}

fn out_of_time() -> Outcome {
    Outcome::Skipped("this run is out of time: the next one goes on".into())
}

/// Reads a resource again from the service itself, and judges it again. Returns the finding of this moment if it is still enforced, by the same rule and for
/// the same run, owner, action and exemption. Otherwise returns the outcome that says why nothing is done.
async fn still_due<A: Area>(run: &Run<'_, A>, context: &Context, facts: &Facts, finding: &Finding) -> Result<Finding, Outcome> {
    let id = &finding.resource.id;
    let mut fresh = match run.areas.again(context, run.rulebook, facts, id).await {
        Some(Ok(Some(fresh))) => fresh,
        Some(Ok(None)) => return Err(Outcome::Gone),
        Some(Err(_)) if context.time_is_up() => return Err(out_of_time()),
        Some(Err(why)) => return Err(Outcome::Failed(format!("it could not be read again: {id}: {why}"))),
        None => return Err(Outcome::Failed(format!("it could not be read again: {id}: nothing of this run that can be acted upon"))),
    };
    fresh.now = context.later(facts.now);
    let judgement = run.rulebook.evaluate(&fresh);
    match judgement.findings.into_iter().find(|found| found.rule == finding.rule) {
        None => Err(Outcome::Skipped("it changed since it was read: it is not found any more".into())),
        Some(found) if found.run != finding.run => Err(Outcome::Skipped("it was started anew since it was read".into())),
        Some(found)
            if found.keep != finding.keep || !found.is_enforced() || found.owner != finding.owner || found.action() != finding.action() =>
        {
            Err(Outcome::Skipped("its tags changed since they were read: the next run looks at it".into()))
        }
        Some(found) if found.waste.remedy.as_announced() != finding.waste.remedy.as_announced() => {
            Err(Outcome::Skipped("another setting than the one that was announced is right by now: the next run looks at it".into()))
        }
        Some(found) => Ok(found),
    }
}
