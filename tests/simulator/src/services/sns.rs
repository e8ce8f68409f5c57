//! SNS: `Publish` stores mails. Query protocol, XML answers.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    wire::{Refusal, escaped},
    world::World,
};

pub(crate) mod filter;

/// The maximum size of a message with its attributes, in bytes (aws-facts §9).
const MOST_BYTES: usize = 256 * 1024;

/// A published message.
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
    /// The message attributes by name, each with its type and value.
    pub attributes: BTreeMap<String, (String, String)>,
}

/// The most messages in a second that an e-mail subscription gets (aws-facts §9).
const MOST_MAILS_A_SECOND: usize = 10;

/// How fast mails come, in real time: the account's own clock stands still during a run.
#[derive(Debug, Default)]
pub(crate) struct MailRate {
    last: VecDeque<Instant>,
    /// Whether SNS has suspended an e-mail subscription that gets every mail, because too many came in a second.
    pub(crate) is_suspended: bool,
}

impl MailRate {
    fn count(&mut self, at: Instant) {
        self.last.push_back(at);
        self.last.retain(|before| at.duration_since(*before) < Duration::from_secs(1));
        self.is_suspended |= MOST_MAILS_A_SECOND < self.last.len();
    }
}

/// Serves a call. The answer is the XML inside its `<…Result>`.
pub(crate) fn call(world: &mut World, operation: &str, form: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    match operation {
        "Publish" => publish(world, form),
        "GetTopicAttributes" => {
            let arn = topic(world, field("TopicArn"))?;
            let confirmed = world.confirmed_subscriptions.to_string();
            let attributes = [
                ("TopicArn", arn.as_str()),
                ("Owner", &world.account),
                ("DisplayName", ""),
                ("SubscriptionsConfirmed", &confirmed),
                ("SubscriptionsPending", "0"),
                ("SubscriptionsDeleted", "0"),
            ];
            let entry = |(key, value): (&str, &str)| format!("<entry><key>{key}</key><value>{}</value></entry>", escaped(value));
            Ok(format!("<Attributes>{}</Attributes>", attributes.map(entry).concat()))
        }
        _ => Err(Refusal::not_simulated("sns", operation)),
    }
}

fn invalid(what: &str) -> Refusal {
    Refusal::new(400, "InvalidParameter", format!("Invalid parameter: {what}"))
}

fn topic(world: &World, arn: &str) -> Result<String, Refusal> {
    if !arn.starts_with("arn:aws:sns:") {
        return Err(invalid("TopicArn"));
    }
    world.topics.get(arn).cloned().ok_or_else(|| Refusal::new(404, "NotFound", "Topic does not exist"))
}

fn publish(world: &mut World, form: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let field = |name: &str| form.get(name).cloned();
    let topic_arn = topic(world, &field("TopicArn").or_else(|| field("TargetArn")).unwrap_or_default())?;
    let message = field("Message").unwrap_or_default();
    if message.is_empty() {
        return Err(invalid("Empty message"));
    }
    // Stricter than AWS's current text ("UTF-8 … less than 100 characters"): the older text requires ASCII (aws-facts §9).
    let is_legal = |subject: &str| (1..100).contains(&subject.chars().count()) && subject.chars().all(|c| c.is_ascii() && !c.is_control());
    let subject = field("Subject");
    if subject.as_deref().is_some_and(|subject| !is_legal(subject)) {
        return Err(invalid("Subject"));
    }
    let attributes = attributes(form)?;
    let own: usize = attributes.iter().map(|(name, (data_type, value))| name.len() + data_type.len() + value.len()).sum();
    if MOST_BYTES < message.len() + own {
        return Err(invalid("Message too long"));
    }
    let is_chat = topic_arn == world.chat_topic;
    let mail = Mail { at: world.now, topic_arn, subject: subject.unwrap_or_default(), message, attributes };
    // Nobody's mailbox subscribes to the chat's topic.
    if is_chat {
        world.chat.push(mail);
    } else {
        world.mail_rate.count(Instant::now());
        world.mails.push(mail);
    }
    Ok(format!("<MessageId>00000000-0000-0000-0000-{:012}</MessageId>", world.mails.len() + world.chat.len()))
}

/// The message attributes by name, each with its type and value.
fn attributes(form: &BTreeMap<String, String>) -> Result<BTreeMap<String, (String, String)>, Refusal> {
    let mut attributes = BTreeMap::new();
    for number in 1.. {
        let part = |part: &str| form.get(&format!("MessageAttributes.entry.{number}.{part}")).cloned();
        let Some(name) = part("Name") else { break };
        let wrong = |message: String| Err(Refusal::new(400, "ParameterValueInvalid", message));
        let is_reserved = ["aws.", "amazon."].iter().any(|prefix| name.to_lowercase().starts_with(prefix));
        if is_reserved || name.is_empty() || 256 < name.len() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
            return wrong(format!(
                "The message attribute name '{name}' is not legal: A-Z, a-z, 0-9, _, - and . and not AWS. or Amazon. at its start."
            ));
        }
        let data_type = part("Value.DataType").unwrap_or_default();
        let value = part("Value.StringValue").or_else(|| part("Value.BinaryValue")).unwrap_or_default();
        if value.is_empty() {
            return wrong(format!("The message attribute '{name}' must contain non-empty message attribute value."));
        }
        let is_legal = match data_type.split_once('.').map_or((data_type.as_str(), ""), |(kind, rest)| (kind, rest)) {
            ("String", "Array") => serde_json::from_str::<Vec<Value>>(&value).is_ok(),
            ("Number", _) => value.parse::<f64>().is_ok(),
            ("String" | "Binary", _) => true,
            _ => {
                return wrong(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
                ));
            }
        };
        if !is_legal {
            return wrong(format!("Could not cast message attribute '{name}' value to {data_type}."));
        }
        attributes.insert(name, (data_type, value));
    }
    Ok(attributes)
}
