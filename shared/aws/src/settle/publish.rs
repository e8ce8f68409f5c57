//! Sends the mails: one SNS message per owner and run, with attributes that subscriptions can filter by.

use anyhow::anyhow;
use aws_sdk_sns::types::MessageAttributeValue;
use cost_rules::{mail::Digest, owners};

use crate::clients::{Clients, why::why};

/// Publishes one digest.
///
/// # Errors
/// SNS refuses the message. The error names the topic and the reason.
pub(super) async fn publish(clients: &Clients, topic_arn: &str, function: &str, digest: &Digest) -> anyhow::Result<()> {
    let sent = clients
        .sns
        .publish()
        .topic_arn(topic_arn)
        .subject(&digest.subject)
        .message(&digest.body)
        .message_attributes("function", attribute("String", function)?)
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
