//! Hibernates endpoints: stores what it takes to create one again, and deletes it. Nothing is deleted before what was stored was read back and compared.

use cost_rules::{
    facts::{Hibernation, HibernationStage, SleepingEndpoint},
    plan::{End, LONGEST_RUN, Outcome},
    remedy::{Blueprint, Remedy, Sleep},
    resource::{Ownership, Resource, Tags},
    rulebook::Finding,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::recreate::remove;
use crate::{
    context::Context,
    gather::{
        endpoints::{
            blueprint::{Planned, blueprint},
            describe_as,
        },
        wire::time,
    },
    ledger::LONGEST_BLUEPRINT,
};

/// Hibernates an endpoint. `None`: the finding has another remedy.
pub(crate) async fn act(context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
    let Remedy::Hibernate(sleep) = &finding.waste.remedy else { return None };
    let resource =
        Resource { ownership: Ownership { owner: finding.owner.clone(), team: finding.team.clone() }, ..finding.resource.clone() };
    let due = Due { resource, sleep: sleep.clone(), usd_per_hour: finding.waste.usd_per_hour, until: finding.waste.ends };
    Some(Box::pin(hibernate(context, due, now)).await)
}

/// An endpoint that is to be hibernated.
pub(crate) struct Due {
    /// With its owner and its team.
    pub(crate) resource: Resource,
    pub(crate) sleep: Sleep,
    pub(crate) usd_per_hour: Option<Decimal>,
    /// When it is to be created again, as far as that is known now.
    pub(crate) until: Option<Timestamp>,
}

/// Hibernates an endpoint.
pub(crate) async fn hibernate(context: &Context, due: Due, now: Timestamp) -> Outcome {
    let Due { resource, sleep, usd_per_hour, until } = due;
    let (id, name) = (resource.id.clone(), resource.name.clone());
    let planned = match Box::pin(blueprint(&context.clients, &name)).await {
        Ok(Planned::Blueprint(blueprint)) => *blueprint,
        Ok(Planned::Refused(why)) => return Outcome::GivenUp(format!("{why}: it would not come back as it is")),
        Ok(Planned::Gone) => return Outcome::Gone,
        Err(why) => return Outcome::Failed(why),
    };
    let length = serde_json::to_string(&planned).map_or(usize::MAX, |text| text.len());
    if LONGEST_BLUEPRINT < length {
        return Outcome::GivenUp(format!("what it takes to create it again has {length} bytes, and the ledger takes {LONGEST_BLUEPRINT}"));
    }
    let ledger = context.ledger();
    let before = match ledger.hibernation(&id).await {
        Ok(before) => before.map(|one| one.hibernation),
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    if before.as_ref().is_some_and(|before| is_being_deleted(before, now)) {
        return Outcome::Skipped(AT_WORK.into());
    }
    let created = time(planned.endpoint["CreationTime"].as_f64()).unwrap_or(now);
    let mut one = SleepingEndpoint {
        // The service itself has said which tags it has.
        resource: Resource { tags: Tags::Known(planned.tags.clone()), ..resource },
        config: sleep.config.clone(),
        hibernation: Hibernation {
            stage: HibernationStage::Deleting,
            at: now,
            wakes: sleep.wakes,
            since: now,
            first_created: before.as_ref().map_or(created, |before| before.first_created_of(created)),
            usd_per_hour,
            took: before.as_ref().and_then(|before| before.took),
            failed: None,
            until,
            is_created_by_guard: false,
        },
    };
    match ledger.begin_hibernating(&one, &planned, before.as_ref()).await {
        Ok(true) => {}
        Ok(false) => return Outcome::Skipped(AT_WORK.into()),
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    }
    let outcome = Box::pin(delete(context, &name, &planned)).await;
    // Whether it is deleted is not known: the next run sees it.
    if let Some(unknown @ Outcome::Unknown(_)) = outcome {
        return unknown;
    }
    // What the guard has not deleted, it must not create again.
    let stage = if outcome.is_none() { HibernationStage::Asleep } else { HibernationStage::Awake };
    one.hibernation.reach(stage, now);
    let recorded = ledger.set_hibernation(&one, HibernationStage::Deleting).await;
    // If that failed, the next run sees whether it is there.
    outcome.unwrap_or_else(|| Outcome::Over(End::Stopped(recorded.err().map(|error| format!("{error:#}")))))
}

/// Deletes the endpoint, if it is still as it was read. `None`: AWS has begun to delete it.
async fn delete(context: &Context, name: &str, planned: &Blueprint) -> Option<Outcome> {
    match describe_as::<Value>(&context.clients, name).await {
        Ok(Some(there)) if is_same(&planned.endpoint, &there) => {}
        Ok(Some(_)) => return Some(Outcome::Skipped("it changed since it was read".into())),
        Ok(None) => return Some(Outcome::Gone),
        Err(why) => return Some(Outcome::Failed(why)),
    }
    let why = remove(&context.clients, name).await.err()?;
    // AWS refuses it while the endpoint scales, and when it is asked a second time because its first answer was lost.
    match describe_as::<Value>(&context.clients, name).await {
        Ok(there) if there.as_ref().is_none_or(|there| there["EndpointStatus"] == "Deleting") => None,
        Ok(_) if why.contains("Cannot update in-progress endpoint") => Some(Outcome::Skipped(why)),
        Ok(_) => Some(Outcome::Failed(why)),
        Err(unknown) => Some(Outcome::Unknown(format!("{why}; {unknown}"))),
    }
}

const AT_WORK: &str = "it sleeps already, or another run is at work on it";

/// Whether another run may be at work on it.
fn is_being_deleted(before: &Hibernation, now: Timestamp) -> bool {
    before.stage == HibernationStage::Deleting && now.duration_since(before.at) < LONGEST_RUN
}

/// Whether the endpoint is as it was read: nobody has changed it, and nothing is under way.
fn is_same(read: &Value, there: &Value) -> bool {
    ["EndpointStatus", "EndpointConfigName", "CreationTime", "LastModifiedTime", "ProductionVariants", "PendingDeploymentSummary"]
        .iter()
        .all(|field| read.get(field) == there.get(field))
}
