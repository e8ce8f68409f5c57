//! Reads the message that AWS Budgets sends through SNS (aws-facts §6). Only the account and the budgets' names are read from it: all else is asked of AWS.

use anyhow::{Context as _, ensure};
use cost_rules::{
    resource::{Arn, Kind},
    text::is_alike,
};
use serde::Deserialize;
use serde_json::Value;

use super::request::{Home, Trigger};

/// The subject of the message with which AWS Budgets tries a topic that is added to a budget. It is about no budget.
const TEST: &str = "SNS Topic Verified!";

/// The event as SNS sends it to Lambda. AWS's own samples differ in the case of field names, and have more fields.
#[derive(Deserialize)]
struct Delivery {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "Sns", alias = "sns")]
    sns: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Subject", alias = "subject")]
    subject: Option<String>,
    #[serde(rename = "Message", alias = "message")]
    text: String,
}

/// What the message asks for: a run that looks at all budgets, whether it names one or not, or nothing.
///
/// # Errors
/// The event is not from SNS, not about budgets, or about another account.
pub(super) fn read(event: &Value, home: Home<'_>) -> anyhow::Result<Trigger> {
    let delivery: Delivery = serde_json::from_value(event.clone())
        .context("an event with \"Records\" that are not SNS's: expected Records[].Sns.Message with the text of AWS Budgets")?;
    ensure!(!delivery.records.is_empty(), "an event without any record: expected Records[].Sns.Message with the text of AWS Budgets");
    let messages: Vec<Message> = delivery.records.into_iter().map(|record| record.sns).filter(|message| !message.is_test()).collect();
    if messages.is_empty() {
        return Ok(Trigger::Nothing);
    }
    let mut names = vec![];
    for message in &messages {
        let said = Said::of(&message.text);
        if let (Some(of), Some(own)) = (said.accounts.first(), home.account) {
            ensure!(
                said.accounts.iter().any(|of| of == own),
                "a message of AWS Budgets about account {of}, but this function looks after {own}: deploy one function per account"
            );
        }
        ensure!(
            !said.names.is_empty() || message.is_about_budgets() || message.is_empty(),
            "a message of SNS that is not about budgets: expected the text that AWS Budgets sends, with a line `Budget Name: …`"
        );
        names.extend(said.names);
    }
    Ok(Trigger::Budgets(names))
}

impl Message {
    fn is_test(&self) -> bool {
        // One that is delivered raw has no subject.
        let subject = self.subject.as_deref().filter(|subject| !subject.trim().is_empty());
        is_alike(subject.unwrap_or(&self.text), TEST)
    }

    /// Whether it says nothing. To look at all budgets costs nothing.
    fn is_empty(&self) -> bool {
        self.subject.as_deref().unwrap_or_default().trim().is_empty() && self.text.trim().is_empty()
    }

    /// Whether AWS Budgets may have sent it. How it words what it sends is not documented.
    fn is_about_budgets(&self) -> bool {
        [self.subject.as_deref().unwrap_or_default(), &self.text].iter().any(|text| text.to_lowercase().contains("budget"))
    }
}

/// The budgets and the accounts that a message names.
#[derive(Default)]
struct Said {
    names: Vec<String>,
    accounts: Vec<String>,
}

impl Said {
    fn of(text: &str) -> Self {
        let mut said = Self::default();
        said.read(text);
        said
    }

    /// An alert is plain text. The notice of an adjusted limit is JSON, and not documented: everything in it is looked at.
    fn read(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(json @ (Value::Object(_) | Value::Array(_))) => self.read_json("", &json),
            _ => text.lines().for_each(|line| self.read_line(line.trim())),
        }
    }

    /// `field`: its name as [`plain`] writes it, with that of the object around it if that is needed: `budgetname`, also for `{"budget": {"name": …}}`.
    fn read_json(&mut self, field: &str, value: &Value) {
        match (value, field) {
            (Value::Object(fields), _) => {
                for (name, value) in fields {
                    let name = plain(name);
                    let field = if matches!(name.as_str(), "name" | "id") { format!("{field}{name}") } else { name };
                    self.read_json(&field, value);
                }
            }
            (Value::Array(items), _) => items.iter().for_each(|item| self.read_json(field, item)),
            (Value::String(text), "budgetname") => self.names.extend(name_of(text, &mut self.accounts)),
            (Value::String(text), "accountid") => self.accounts.extend(account_in(text)),
            (Value::Number(number), "accountid") => self.accounts.extend(account_in(&number.to_string())),
            (Value::String(text), _) => self.read(text),
            _ => {}
        }
    }

    fn read_line(&mut self, line: &str) {
        let arn = line.find("arn:").and_then(|at| line.get(at..));
        if let Some(name) = value(line, "Budget Name") {
            self.names.extend(name_of(name, &mut self.accounts));
        } else if let Some(account) = value(line, "AWS Account") {
            self.accounts.extend(account_in(account));
        } else if let Some(arn) = arn.filter(|arn| budget_of(arn).is_some()) {
            self.names.extend(name_of(arn, &mut self.accounts));
        }
    }
}

/// The budget's name in a text that is a name or an ARN. `None`: it is empty. The account of an ARN is added.
fn name_of(text: &str, accounts: &mut Vec<String>) -> Option<String> {
    let name = match budget_of(text) {
        Some((name, account)) => {
            accounts.extend(account_in(account));
            name
        }
        None => text.trim(),
    };
    (!name.is_empty()).then(|| name.to_owned())
}

/// The account in a text: twelve digits, perhaps with hyphens between them, and with the account's name beside them. `None`: there is none.
fn account_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '-');
    words.map(|word| word.replace('-', "")).find(|digits| digits.len() == 12)
}

/// The name and the account of a budget's ARN, or of the ARN of one of its actions.
fn budget_of(arn: &str) -> Option<(&str, &str)> {
    let arn = Arn::parse(arn.trim()).filter(|arn| arn.service == "budgets")?;
    let (kind, name) = arn.resource.split_once('/')?;
    let name = name.split_once("/action/").map_or(name, |(name, _)| name);
    (kind == Kind::Budget.as_str()).then_some((name, arn.account))
}

/// A field's name in lower case, without what joins its words.
fn plain(name: &str) -> String {
    name.replace(['_', ' ', '-'], "").to_lowercase()
}

/// The text after a key at the beginning of a line. There may be a colon after the key.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(key)?;
    let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix(char::is_whitespace))?;
    Some(rest.trim())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOME: Home<'static> = Home { region: "eu-central-1", account: Some("123456789012") };
    const TEXT: &str = "AWS Budget Notification September 26, 2022\r\nAWS Account 123456789012\r\n\r\nDear AWS Customer,\r\n\r\nYou requested that we alert you when the ACTUAL Cost \
        associated with your ml: dev budget is greater than $1.60 (80.0% of your budget) for the current month.\r\n\r\nBudget Name: ml: dev\r\nBudget Type: Cost\r\n\
        Budgeted Amount: $2.00\r\nAlert Type: FORECASTED\r\nAlert Threshold: > $1.60\r\nFORECASTED Amount: $1.90\r\n";

    fn of(texts: &[&str]) -> Value {
        let records: Vec<Value> =
            texts.iter().map(|text| json!({"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": text}})).collect();
        json!({ "Records": records })
    }

    #[test]
    fn the_name_is_read_from_whatever_else_there_is() {
        for (event, names) in [
            (of(&[TEXT]), vec!["ml: dev"]),
            (of(&["Budget Name:x"]), vec!["x"]),
            (of(&[TEXT, "noise\n  Budget Name:  y  \nAlert Type: ACTUAL"]), vec!["ml: dev", "y"]),
            (json!({"Records": [{"sns": {"message": "Budget Name: z", "Timestamp": 3}}]}), vec!["z"]),
            // AWS adjusted a limit.
            (
                of(&[
                    r#"{"accountId": "123456789012", "budgetName": "auto", "previousBudgetLimit": "0.01", "currentBudgetLimit": "310.5"}"#,
                ]),
                vec!["auto"],
            ),
            (of(&[r#"{"detail": {"Budget_Name": "auto"}, "currentBudgetLimit": {"amount": 3}}"#]), vec!["auto"]),
            (of(&[r#"[{"budgetName": "one"}, {"budgetName": "two", "accountId": 123456789012}]"#]), vec!["one", "two"]),
            (of(&[r#"{"notices": [{"budget": {"name": "inner", "limit": {"amount": "3"}}}]}"#]), vec!["inner"]),
            (of(&[r#"{"budgetName": ["one", "two"]}"#]), vec!["one", "two"]),
            // An ARN, also of an action; a message within a message.
            (of(&[r#"{"budgetName": "arn:aws:budgets::123456789012:budget/ml dev"}"#]), vec!["ml dev"]),
            (of(&[r#"{"resources": ["arn:aws:budgets::123456789012:budget/ml"]}"#]), vec!["ml"]),
            (of(&["An action was run for your budget.\nBudget: arn:aws:budgets::123456789012:budget/ml/action/7a1f-02\n"]), vec!["ml"]),
            (of(&["Budget Name: arn:aws-cn:budgets::123456789012:budget/ml"]), vec!["ml"]),
            (of(&[&json!({"Type": "Notification", "Message": TEXT}).to_string()]), vec!["ml: dev"]),
            (of(&[&json!({"Message": r#"{"budgetName": "deep"}"#}).to_string()]), vec!["deep"]),
            // What names no budget is a run that looks at all of them.
            (of(&["AWS Budget Notification\nDear AWS Customer,"]), vec![]),
            (of(&["Budget Name:  "]), vec![]),
            (of(&[r#"{"previousBudgetLimit": "0.01", "currentBudgetLimit": "310.5"}"#]), vec![]),
            (json!({"Records": [{"Sns": {"Subject": "AWS Budgets: x has exceeded", "Message": ""}}]}), vec![]),
        ] {
            let names = names.into_iter().map(str::to_owned).collect();
            assert_eq!(read(&event, HOME).unwrap(), Trigger::Budgets(names), "{event}");
        }
        for (account, is_own) in [
            ("1234-5678-9012", true),
            ("123456789012 - ml-prod", true),
            (": 123456789012 (ml-prod)", true),
            ("123456789012 (team-999999999999)", true),
            ("(ml-prod)", true), // it names none
            ("12345678901", true),
            ("9999-9999-9999", false),
            ("999999999999 (123456)", false),
        ] {
            let text = TEXT.replace("Account 123456789012", &format!("Account {account}"));
            assert_eq!(read(&of(&[&text]), HOME).is_ok(), is_own, "{account}");
        }
        let nowhere = Home { account: None, ..HOME };
        assert!(read(&of(&[TEXT]), nowhere).is_ok(), "whose account this is is not known");
    }

    #[test]
    fn a_topic_that_is_tried_is_about_nothing() {
        let tried = |subject: &str, text: &str| json!({"Sns": {"Subject": subject, "Message": text}});
        for (records, names) in [
            (json!([tried("SNS Topic Verified!", "Your SNS topic was verified.")]), None),
            (json!([tried(" sns topic verified! ", "")]), None),
            (json!([tried("SNS Topic Verified!", TEXT)]), None),
            (json!([{"Sns": {"Message": "SNS Topic Verified!"}}]), None),
            (json!([{"Sns": {"Message": ""}}]), Some(vec![])),
            (json!([tried("SNS Topic Verified!", ""), tried("AWS Budgets: x", "Budget Name: x")]), Some(vec!["x".to_owned()])),
        ] {
            assert_eq!(read(&json!({ "Records": records }), HOME).unwrap(), names.map_or(Trigger::Nothing, Trigger::Budgets), "{records}");
        }
    }

    #[test]
    fn what_is_no_message_of_budgets_is_refused() {
        for (event, says) in [
            (json!({"Records": []}), "without any record"),
            (json!({"Records": [{"s3": {}}]}), "that are not SNS's"),
            (json!({"Records": 3}), "that are not SNS's"),
            (of(&["{\"AlarmName\": \"x\"}"]), "that is not about budgets: expected the text"),
            (of(&["hello"]), "with a line `Budget Name: …`"),
            (json!({"Records": [{"Sns": {"Subject": "ALARM: x", "Message": ""}}]}), "that is not about budgets"),
            (of(&[r#"{"accountId": "999999999999", "budgetName": "auto"}"#]), "about account 999999999999"),
            (of(&[r#"{"arn": "arn:aws:budgets::999999999999:budget/auto"}"#]), "about account 999999999999"),
            (
                of(&[&TEXT.replace("Account 123456789012", "Account 999999999999")]),
                "about account 999999999999, but this function looks after 123456789012",
            ),
        ] {
            let error = format!("{:#}", read(&event, HOME).unwrap_err());
            assert!(error.contains(says), "{event}: {error}");
        }
    }
}
