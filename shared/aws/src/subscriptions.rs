//! The subscriptions to the topic: whether anybody has confirmed one, and whether one that was confirmed is gone. SNS has no metric for either.

use anyhow::anyhow;
use jiff::Timestamp;
use lambda_runtime::tracing::warn;

use crate::{
    clients::{Clients, why::why},
    context::Context,
};

/// The name in the ledger of how many subscriptions were confirmed when they were last counted.
const CONFIRMED: &str = "subscriptions-confirmed";

/// How many subscriptions to the topic are confirmed. `None`: SNS does not say so.
///
/// # Errors
/// SNS refuses the call.
pub(crate) async fn confirmed(clients: &Clients, topic_arn: &str) -> anyhow::Result<Option<u64>> {
    let answer = clients.sns.get_topic_attributes().topic_arn(topic_arn).send().await;
    let answer = answer.map_err(|error| anyhow!("sns:GetTopicAttributes: {}", why(&error)))?;
    Ok(answer.attributes.as_ref().and_then(|attributes| attributes.get("SubscriptionsConfirmed")?.parse().ok()))
}

/// How many confirmed subscriptions are gone since they were last counted, and counts them. Each loss is told once: somebody may have meant it.
///
/// # Errors
/// The ledger cannot be read or written. What SNS does not say is no error, because mails may be delivered even so.
pub async fn lost(context: &Context, now: Timestamp) -> anyhow::Result<u64> {
    let topic = &context.settings.topic_arn;
    let confirmed = match confirmed(&context.clients, topic).await {
        Ok(Some(confirmed)) => confirmed,
        Ok(None) => return Ok(0),
        Err(error) => {
            warn!("who is subscribed to {topic} is not known: {error:#}");
            return Ok(0);
        }
    };
    let ledger = context.ledger();
    let before = ledger.kept(CONFIRMED).await?.and_then(|(_, count)| count.parse::<u64>().ok());
    if before != Some(confirmed) {
        ledger.keep(CONFIRMED, &confirmed.to_string(), now).await?;
    }
    let lost = before.unwrap_or_default().saturating_sub(confirmed);
    if 0 < lost {
        warn!("{lost} confirmed subscriptions to {topic} are gone: there are {confirmed} now");
    }
    Ok(lost)
}
