//! SNS: Publish into a list of mails. Query protocol, XML answers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::{wire::Refusal, world::World};

/// A message that was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// When.
    pub at: Timestamp,
    /// To which topic.
    pub topic_arn: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub message: String,
    /// By name: type and value.
    pub attributes: BTreeMap<String, (String, String)>,
}

/// Answers a call with the XML inside its `<…Result>`.
pub(crate) fn call(world: &mut World, operation: &str, form: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    match operation {
        "Publish" => publish(world, form),
        "CreateTopic" => {
            let arn = format!("arn:aws:sns:{}:{}:{}", world.region, world.account, field("Name"));
            world.topics.insert(arn.clone());
            Ok(format!("<TopicArn>{arn}</TopicArn>"))
        }
        _ => Err(Refusal::not_simulated("sns", operation)),
    }
}

fn publish(world: &mut World, form: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let field = |name: &str| form.get(name).cloned();
    let invalid = |message: String| Err(Refusal::new(400, "InvalidParameter", message));
    let topic_arn = field("TopicArn").unwrap_or_default();
    let subject = field("Subject").unwrap_or_default();
    let message = field("Message").unwrap_or_default();
    if !world.topics.contains(&topic_arn) {
        return Err(Refusal::new(404, "NotFound", "Topic does not exist"));
    }
    if message.is_empty() {
        return invalid("Invalid parameter: Empty message".into());
    }
    // Stricter than today's text ("UTF-8 … less than 100 characters"): the older one wants ASCII (aws-facts §9).
    if 100 <= subject.chars().count() || subject.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return invalid("Invalid parameter: Subject".into());
    }
    let mut attributes = BTreeMap::new();
    for number in 1.. {
        let part = |part: &str| field(&format!("MessageAttributes.entry.{number}.{part}"));
        let Some(name) = part("Name") else { break };
        let (data_type, value) = (part("Value.DataType").unwrap_or_default(), part("Value.StringValue").unwrap_or_default());
        if value.is_empty() {
            return Err(Refusal::new(
                400,
                "ParameterValueInvalid",
                format!("The message attribute '{name}' must contain non-empty message attribute value."),
            ));
        }
        attributes.insert(name, (data_type, value));
    }
    let size =
        message.len() + attributes.iter().map(|(name, (data_type, value))| name.len() + data_type.len() + value.len()).sum::<usize>();
    if 256 * 1024 < size {
        return invalid("Invalid parameter: Message too long".into());
    }
    world.mails.push(Mail { at: world.now, topic_arn, subject, message, attributes });
    Ok(format!("<MessageId>00000000-0000-0000-0000-{:012}</MessageId>", world.mails.len()))
}
