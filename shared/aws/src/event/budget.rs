//! Reads the message that AWS Budgets sends through SNS. It is plain text (aws-facts §6). Only the account and the budget's name are read from it.

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::request::Home;

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
    #[serde(rename = "Message", alias = "message")]
    text: String,
}

/// The names of the budgets that the message is about.
///
/// # Errors
/// The event is not from SNS, not from AWS Budgets, or about another account.
pub(super) fn read(event: &Value, home: Home<'_>) -> anyhow::Result<Vec<String>> {
    let delivery: Delivery = serde_json::from_value(event.clone())
        .context("an event with \"Records\" that are not SNS's: expected Records[].Sns.Message with the text of AWS Budgets")?;
    ensure!(!delivery.records.is_empty(), "an event without any record: expected Records[].Sns.Message with the text of AWS Budgets");
    let named = delivery.records.iter().map(|record| {
        let text = &record.sns.text;
        let notice = serde_json::from_str::<Value>(text).ok();
        let field = |line: &str, name: &str| match &notice {
            Some(notice) => text_of(notice, name),
            None => value(text, line).map(str::to_owned),
        };
        if let (Some(of), Some(own)) = (field("AWS Account", "accountid"), home.account) {
            ensure!(
                of == own,
                "a message of AWS Budgets about account {of}, but this function looks after {own}: deploy one function per account"
            );
        }
        let name = field("Budget Name", "budgetname").filter(|name| !name.is_empty());
        name.context("a message of SNS without a line `Budget Name: …`: expected the text that AWS Budgets sends")
    });
    named.collect()
}

/// The text of a field anywhere in AWS Budgets' notice of an adjusted limit, which is JSON. The notice is not documented: upper and lower case and `_` make no
/// difference. `name`: in lower case.
fn text_of(notice: &Value, name: &str) -> Option<String> {
    let fields = notice.as_object()?;
    let found = fields.iter().find(|(key, value)| key.replace(['_', ' ', '-'], "").to_lowercase() == name && value.is_string());
    let inner = || fields.values().find_map(|value| text_of(value, name));
    found.and_then(|(_, value)| value.as_str().map(str::to_owned)).or_else(inner)
}

/// The text after a key at the beginning of a line. There may be a colon after the key.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix(key)?;
        let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix(char::is_whitespace))?;
        Some(rest.trim())
    })
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
        ] {
            assert_eq!(read(&event, HOME).unwrap(), names);
        }
        let nowhere = Home { account: None, ..HOME };
        assert!(read(&of(&[TEXT]), nowhere).is_ok(), "whose account this is is not known");
    }

    #[test]
    fn what_is_no_message_of_budgets_is_refused() {
        for (event, says) in [
            (json!({"Records": []}), "without any record"),
            (json!({"Records": [{"s3": {}}]}), "that are not SNS's"),
            (json!({"Records": 3}), "that are not SNS's"),
            (of(&["{\"AlarmName\": \"x\"}"]), "without a line `Budget Name: …`"),
            (of(&[r#"{"accountId": "999999999999", "budgetName": "auto"}"#]), "about account 999999999999"),
            (of(&["Budget Name:  "]), "without a line `Budget Name: …`"),
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
