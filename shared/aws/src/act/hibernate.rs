//! Hibernates endpoints: stores what it takes to create one again, and deletes it. Nothing is deleted before what was stored was read back and compared.

use cost_rules::{
    facts::{Hibernation, HibernationStage, SleepingEndpoint},
    plan::{End, Outcome},
    remedy::{Remedy, Sleep},
    resource::{Ownership, Resource},
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
    Some(Box::pin(hibernate(context, resource, sleep, finding.waste.usd_per_hour, now)).await)
}

/// Hibernates an endpoint. `resource`: with its owner and its team.
pub(crate) async fn hibernate(
    context: &Context,
    resource: Resource,
    sleep: &Sleep,
    usd_per_hour: Option<Decimal>,
    now: Timestamp,
) -> Outcome {
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
    let created = time(planned.endpoint["CreationTime"].as_f64()).unwrap_or(now);
    let mut one = SleepingEndpoint {
        resource,
        config: sleep.config.clone(),
        hibernation: Hibernation {
            stage: HibernationStage::Deleting,
            at: now,
            wakes: sleep.wakes,
            since: now,
            first_created: before.as_ref().map_or(created, |before| before.first_created_of(created)),
            usd_per_hour,
            took: before.and_then(|before| before.took),
            failed: None,
        },
    };
    match ledger.begin_hibernating(&one, &planned).await {
        Ok(true) => {}
        Ok(false) => return Outcome::Skipped("it sleeps already, or another run is at work on it".into()),
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    }
    match describe_as::<Value>(&context.clients, &name).await {
        Ok(Some(there)) if is_same(&planned.endpoint, &there) => {}
        Ok(Some(_)) => return Outcome::Skipped("it changed since it was read".into()),
        Ok(None) => return Outcome::Gone,
        Err(why) => return Outcome::Failed(why),
    }
    if let Err(why) = remove(&context.clients, &name).await {
        // AWS refuses it while the endpoint scales, and when it is asked a second time because its first answer was lost.
        let there = describe_as::<Value>(&context.clients, &name).await;
        match there {
            Ok(there) if there.as_ref().is_none_or(|there| there["EndpointStatus"] == "Deleting") => {}
            Ok(_) if why.contains("Cannot update in-progress endpoint") => return Outcome::Skipped(why),
            Ok(_) => return Outcome::Failed(why),
            Err(unknown) => return Outcome::Unknown(format!("{why}; {unknown}")),
        }
    }
    one.hibernation.reach(HibernationStage::Asleep, now);
    match ledger.set_hibernation(&one, HibernationStage::Deleting).await {
        Ok(_) => Outcome::Over(End::Stopped(None)),
        // The next run sees that it is gone.
        Err(error) => Outcome::Over(End::Stopped(Some(format!("{error:#}")))),
    }
}

/// Whether the endpoint is as it was read: nobody has changed it, and nothing is under way.
fn is_same(read: &Value, there: &Value) -> bool {
    ["EndpointStatus", "EndpointConfigName", "CreationTime", "LastModifiedTime", "ProductionVariants", "PendingDeploymentSummary"]
        .iter()
        .all(|field| read.get(field) == there.get(field))
}
