//! The settings from environment variables. They are read once, and all errors are reported at once.

use std::path::PathBuf;

use anyhow::bail;
use cost_rules::resource::Arn;

use super::log;

/// A function's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `COST_GUARD_POLICY`.
    pub policy: PolicySource,
    /// `COST_GUARD_TOPIC_ARN`: the SNS topic that mails go to.
    pub topic_arn: String,
    /// `COST_GUARD_TABLE`: the DynamoDB table that is the ledger.
    pub table: String,
    /// `COST_GUARD_BUCKET`: the S3 bucket for cost reports. `None`: they are only mailed.
    pub bucket: Option<String>,
    /// `COST_GUARD_BILL`: whether this stack reads the account's bill by itself (`yes`, the default), or the stack of another Region does (`no`).
    pub reads_bill: bool,
    /// `EVENT_BUS_NAME`: the EventBridge bus that events are put on. `None`: none are.
    pub event_bus: Option<String>,
    /// `CHAT_TOPIC_ARN`: the SNS topic of the chat, which gets what is mailed. `None`: there is no chat.
    pub chat_topic_arn: Option<String>,
    /// `COST_GUARD_LOG`: a tracing filter, `info` by default.
    pub log: String,
}

/// Where the policy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// The built-in default: every rule, report only.
    BuiltIn,
    /// `file:<path>`
    File(PathBuf),
    /// `ssm:<parameter name>`
    Parameter(String),
}

impl Settings {
    /// Reads the process's environment.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads any variables.
    ///
    /// # Errors
    /// Settings are wrong. The error lists all of them, one line each.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let given = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut wrong = vec![];
        let policy = match given("COST_GUARD_POLICY") {
            None => PolicySource::BuiltIn,
            Some(text) => {
                match text.split_once(':') {
                    Some(("file", path)) if !path.is_empty() => PolicySource::File(path.into()),
                    Some(("ssm", name)) if !name.is_empty() => PolicySource::Parameter(name.to_owned()),
                    _ => {
                        wrong.push(format!("COST_GUARD_POLICY is `{text}`: expected ssm:<parameter name> or file:<path>, or nothing for the built-in default"));
                        PolicySource::BuiltIn
                    }
                }
            }
        };
        let topic_arn = given("COST_GUARD_TOPIC_ARN").unwrap_or_default();
        if topic_arn.is_empty() {
            wrong.push("COST_GUARD_TOPIC_ARN is not set: expected the ARN of the SNS topic that mails go to".into());
        } else if !is_topic(&topic_arn) {
            wrong.push(no_topic("COST_GUARD_TOPIC_ARN", &topic_arn));
        }
        let chat_topic_arn = given("CHAT_TOPIC_ARN");
        wrong.extend(chat_topic_arn.as_deref().filter(|arn| !is_topic(arn)).map(|arn| no_topic("CHAT_TOPIC_ARN", arn)));
        let event_bus = given("EVENT_BUS_NAME");
        wrong.extend(event_bus.as_deref().filter(|name| !is_bus(name)).map(|name| {
            format!("EVENT_BUS_NAME is `{name}`: expected the name of an EventBridge bus, at most 256 of A-Z a-z 0-9 . - _ /")
        }));
        let table = given("COST_GUARD_TABLE").unwrap_or_default();
        if table.is_empty() {
            wrong.push("COST_GUARD_TABLE is not set: expected the name of the DynamoDB table that is the ledger".into());
        }
        let reads_bill = match given("COST_GUARD_BILL").as_deref() {
            None | Some("yes") => true,
            Some("no") => false,
            Some(other) => {
                wrong.push(format!("COST_GUARD_BILL is `{other}`: expected yes, or no where the stack of another Region reads the bill"));
                false
            }
        };
        let log = given("COST_GUARD_LOG").unwrap_or_else(|| "info".into());
        if let Err(error) = log::filter(&log) {
            wrong.push(format!("COST_GUARD_LOG is `{log}`: expected a tracing filter, for example info or cost_aws=debug ({error})"));
        }
        if !wrong.is_empty() {
            bail!("the environment is not complete:\n{}", wrong.join("\n"));
        }
        Ok(Self { policy, topic_arn, table, bucket: given("COST_GUARD_BUCKET"), reads_bill, event_bus, chat_topic_arn, log })
    }
}

fn is_topic(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.service == "sns" && !arn.resource.contains(':'))
}

fn no_topic(variable: &str, value: &str) -> String {
    format!("{variable} is `{value}`: expected the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>")
}

/// Whether it is a bus of this account and Region: the template's parameter takes the same names.
fn is_bus(name: &str) -> bool {
    name.len() <= 256 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    const TOPIC: (&str, &str) = ("COST_GUARD_TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:cost-guard");
    const TABLE: (&str, &str) = ("COST_GUARD_TABLE", "cost-guard");

    #[test]
    fn a_policy_is_built_in_a_file_or_a_parameter() {
        for (variables, rulebook) in [
            (&[TOPIC, TABLE][..], PolicySource::BuiltIn),
            (&[TOPIC, TABLE, ("COST_GUARD_POLICY", "file:infra/policy.toml")], PolicySource::File("infra/policy.toml".into())),
            (&[TOPIC, TABLE, ("COST_GUARD_POLICY", "ssm:/cost-guard/policy")], PolicySource::Parameter("/cost-guard/policy".into())),
        ] {
            assert_eq!(read(variables).unwrap().policy, rulebook);
        }
    }

    #[test]
    fn events_and_the_chat_are_off_unless_they_are_set() {
        let none = read(&[TOPIC, TABLE, ("EVENT_BUS_NAME", " ")]).unwrap();
        assert_eq!((none.event_bus, none.chat_topic_arn), (None, None));
        let chat = "arn:aws:sns:eu-central-1:123456789012:chat";
        let both = read(&[TOPIC, TABLE, ("EVENT_BUS_NAME", "finops/guard"), ("CHAT_TOPIC_ARN", chat)]).unwrap();
        assert_eq!((both.event_bus.as_deref(), both.chat_topic_arn.as_deref()), (Some("finops/guard"), Some(chat)));
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let error = read(&[
            ("COST_GUARD_POLICY", "policy.toml"),
            ("COST_GUARD_TOPIC_ARN", "cost-guard"),
            ("COST_GUARD_BILL", "true"),
            ("EVENT_BUS_NAME", "arn:aws:events:eu-central-1:123456789012:event-bus/x"),
            ("CHAT_TOPIC_ARN", "chat"),
            ("COST_GUARD_LOG", "a=b=c"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "COST_GUARD_POLICY is `policy.toml`",
            "COST_GUARD_TOPIC_ARN is `cost-guard`",
            "COST_GUARD_TABLE is not set",
            "COST_GUARD_BILL is `true`",
            "EVENT_BUS_NAME is `arn:aws:events",
            "CHAT_TOPIC_ARN is `chat`: expected the ARN of an SNS topic",
            "COST_GUARD_LOG is `a=b=c`",
        ] {
            assert!(error.contains(name), "{error}");
        }
    }
}
