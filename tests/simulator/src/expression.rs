//! `DynamoDB`'s condition expressions: comparisons, `attribute_exists`, `attribute_not_exists`, `begins_with`, AND, OR, NOT, parentheses.

use serde_json::{Map, Value};

use crate::wire::Refusal;

/// An item: attribute name to typed value, `{"pk": {"S": "x"}}`.
pub(crate) type Item = Map<String, Value>;

/// What an expression's `:values` and `#names` stand for.
pub(crate) struct Names<'a> {
    pub(crate) names: Option<&'a Value>,
    pub(crate) values: Option<&'a Value>,
}

/// Whether an item (or none) meets a condition.
pub(crate) fn holds(expression: &str, item: Option<&Item>, names: &Names<'_>) -> Result<bool, Refusal> {
    let tokens = tokens(expression);
    let mut parser = Parser { tokens: &tokens, at: 0, item, names };
    let result = parser.any()?;
    if parser.at < tokens.len() { Err(parser.invalid()) } else { Ok(result) }
}

fn tokens(text: &str) -> Vec<String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace(',', " , ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
    item: Option<&'a Item>,
    names: &'a Names<'a>,
}

impl Parser<'_> {
    fn invalid(&self) -> Refusal {
        let near = self.tokens.get(self.at).map_or("<EOF>", String::as_str);
        Refusal::new(400, "ValidationException", format!("Invalid ConditionExpression: Syntax error; token: \"{near}\""))
    }

    fn peek(&self, word: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), Refusal> {
        if self.take(word) { Ok(()) } else { Err(self.invalid()) }
    }

    fn next(&mut self) -> Result<String, Refusal> {
        let token = self.tokens.get(self.at).cloned().ok_or_else(|| self.invalid())?;
        self.at += 1;
        Ok(token)
    }

    fn any(&mut self) -> Result<bool, Refusal> {
        let mut result = self.all()?;
        while self.take("OR") {
            result |= self.all()?;
        }
        Ok(result)
    }

    fn all(&mut self) -> Result<bool, Refusal> {
        let mut result = self.one()?;
        while self.take("AND") {
            result &= self.one()?;
        }
        Ok(result)
    }

    fn one(&mut self) -> Result<bool, Refusal> {
        if self.take("NOT") {
            return Ok(!self.one()?);
        }
        if self.take("(") {
            let result = self.any()?;
            self.expect(")")?;
            return Ok(result);
        }
        let first = self.next()?;
        if self.take("(") {
            let path = self.next()?;
            let found = self.value(&path)?;
            let result = match first.as_str() {
                "attribute_exists" => found.is_some(),
                "attribute_not_exists" => found.is_none(),
                "begins_with" => {
                    self.expect(",")?;
                    let prefix = self.next()?;
                    let prefix = self.value(&prefix)?;
                    found.zip(prefix).is_some_and(|(found, prefix)| string(&found).starts_with(&string(&prefix)))
                }
                _ => return Err(self.invalid()),
            };
            self.expect(")")?;
            return Ok(result);
        }
        let (operator, right) = (self.next()?, self.next()?);
        let pair = self.value(&first)?.zip(self.value(&right)?);
        let order = pair.as_ref().and_then(|(left, right)| compare(left, right));
        Ok(match operator.as_str() {
            "=" => order.is_some_and(std::cmp::Ordering::is_eq),
            "<>" => pair.is_none() || order.is_none_or(std::cmp::Ordering::is_ne),
            "<" => order.is_some_and(std::cmp::Ordering::is_lt),
            "<=" => order.is_some_and(std::cmp::Ordering::is_le),
            ">" => order.is_some_and(std::cmp::Ordering::is_gt),
            ">=" => order.is_some_and(std::cmp::Ordering::is_ge),
            _ => return Err(self.invalid()),
        })
    }

    fn value(&self, token: &str) -> Result<Option<Value>, Refusal> {
        if token.starts_with(':') {
            let value = self.names.values.and_then(|values| values.get(token)).cloned();
            let undefined = || {
                Refusal::validation(format!("An expression attribute value used in expression is not defined; attribute value: {token}"))
            };
            return value.map(Some).ok_or_else(undefined);
        }
        let name = if token.starts_with('#') {
            self.names.names.and_then(|names| names.get(token)).and_then(Value::as_str).unwrap_or(token)
        } else {
            token
        };
        Ok(self.item.and_then(|item| item.get(name)).cloned())
    }
}

/// The text of an `S` or `N`.
pub(crate) fn string(value: &Value) -> String {
    value.as_object().and_then(|typed| typed.values().next()).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    let kind = |value: &Value| value.as_object().and_then(|typed| typed.keys().next().cloned());
    if kind(left)? != kind(right)? {
        return None;
    }
    let (left_text, right_text) = (string(left), string(right));
    if kind(left)? == "N" {
        left_text.parse::<f64>().ok()?.partial_cmp(&right_text.parse::<f64>().ok()?)
    } else {
        Some(left_text.cmp(&right_text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn judges_conditions() {
        let item = json!({"pk": {"S": "finding#x"}, "version": {"N": "10"}, "name": {"S": "b"}});
        let item = item.as_object();
        let values = json!({":v": {"N": "10"}, ":w": {"N": "9"}, ":p": {"S": "finding#"}, ":b": {"S": "b"}});
        let alias = json!({"#n": "name"});
        let names = Names { names: Some(&alias), values: Some(&values) };
        for (expression, on_item, on_none) in [
            ("attribute_not_exists(pk)", false, true),
            ("attribute_exists(pk) AND version = :v", true, false),
            ("version = :w", false, false),
            ("version > :w", true, false),
            ("version <> :w", true, true),
            ("begins_with(pk, :p)", true, false),
            ("NOT (#n = :b OR version < :w)", false, true),
        ] {
            assert_eq!(holds(expression, item, &names).ok(), Some(on_item), "{expression}");
            assert_eq!(holds(expression, None, &names).ok(), Some(on_none), "{expression} on nothing");
        }
        for wrong in ["version =", "version = :missing", "size(pk)", "version = :v version"] {
            assert!(holds(wrong, item, &names).is_err(), "{wrong}");
        }
    }
}
