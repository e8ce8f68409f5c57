//! Sends mails through the topic: one SNS message each, with attributes that subscriptions can filter by, at a pace that SNS allows.

use std::{sync::atomic::Ordering, time::Duration};

use anyhow::anyhow;
use aws_sdk_sns::types::MessageAttributeValue;
use cost_rules::{mail::Digest, owners};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use crate::{
    clients::{Clients, why::why},
    context::Context,
    subscriptions::confirmed,
};

/// The most mails in a second. SNS suspends an e-mail subscription that gets more than 10 messages a second, and two functions may mail at a time.
pub(crate) const MAILS_A_SECOND: usize = 5;

/// When the next mails may be sent.
#[derive(Default)]
pub(crate) struct Pace {
    next: Option<Instant>,
}

impl Pace {
    /// Sends at most [`MAILS_A_SECOND`] mails at once, not earlier than a second after the last ones. Returns the result of each, in any order. A mail that
    /// could not be sent in the time of this run is an error.
    pub(crate) async fn send<'d>(&mut self, context: &Context, digests: &[&'d Digest]) -> Vec<(&'d Digest, Result<(), String>)> {
        if let Some(next) = self.next.filter(|_| !context.time_is_up()) {
            tokio::time::sleep_until(next).await;
        }
        self.next = Some(Instant::now() + Duration::from_secs(1));
        let sent = stream::iter(digests).map(async |digest| (*digest, send(context, digest).await));
        sent.buffer_unordered(MAILS_A_SECOND).collect().await
    }
}

async fn send(context: &Context, digest: &Digest) -> Result<(), String> {
    let late = || format!("mail to {}: this run is out of time, the next one sends it", digest.owner);
    if context.time_is_up() {
        return Err(late());
    }
    let sent = context.in_time(publish(&context.clients, &context.settings.topic_arn, digest)).await;
    sent.ok_or_else(late)?.map_err(|error| format!("{error:#}"))
}

/// Why no mail would reach anybody. Until somebody has confirmed a subscription, SNS accepts all mails and delivers none. Once a subscription is known, it is
/// not checked again.
pub(crate) async fn nobody_listens(context: &Context) -> Option<String> {
    if context.is_heard.load(Ordering::Relaxed) {
        return None;
    }
    let topic = &context.settings.topic_arn;
    match confirmed(&context.clients, topic).await {
        Ok(None | Some(1..)) => {
            context.is_heard.store(true, Ordering::Relaxed);
            None
        }
        Ok(Some(0)) => Some(format!("nobody has confirmed a subscription to {topic}: nobody is mailed until then")),
        // Publishing may work even so.
        Err(error) => {
            lambda_runtime::tracing::warn!("who is subscribed to {topic} is not known: {error:#}");
            None
        }
    }
}

/// Publishes one digest.
///
/// # Errors
/// SNS refuses the message. The error names the topic and the reason.
async fn publish(clients: &Clients, topic_arn: &str, digest: &Digest) -> anyhow::Result<()> {
    let sent = clients
        .sns
        .publish()
        .topic_arn(topic_arn)
        .subject(&digest.subject)
        .message(&digest.body)
        .message_attributes("function", each(&digest.functions)?)
        .message_attributes("severity", attribute("String", digest.severity.as_str())?)
        .message_attributes("team", each(&digest.teams)?)
        .message_attributes("owner", each(&owners::each(&digest.owner))?)
        .send()
        .await;
    sent.map(drop).map_err(|error| anyhow!("mail to {} through {topic_arn} (COST_GUARD_TOPIC_ARN): {}", digest.owner, why(&error)))
}

/// One value, or a list: a filter on any of its values matches it.
fn each<T: AsRef<str> + serde::Serialize>(values: &[T]) -> anyhow::Result<MessageAttributeValue> {
    match values {
        [one] => attribute("String", one.as_ref()),
        several => attribute("String.Array", &serde_json::to_string(several)?),
    }
}

fn attribute(data_type: &str, value: &str) -> anyhow::Result<MessageAttributeValue> {
    Ok(MessageAttributeValue::builder().data_type(data_type).string_value(value).build()?)
}
