//! `DynamoDB`'s conditions: read once, with names and values filled in, then judged on any number of items.

use std::{cell::RefCell, cmp::Ordering, collections::BTreeSet};

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::wire::Refusal;

/// An item: attribute name to typed value, `{"pk": {"S": "x"}}`.
pub(crate) type Item = Map<String, Value>;

/// The words that may not stand in an expression as they are, from `DynamoDB`'s developer guide, "Reserved words".
const RESERVED: &str = include_str!("reserved_words.txt");

/// What an expression's `:values` and `#names` stand for, and which of them were used.
pub(crate) struct Names<'a> {
    aliases: Option<&'a Map<String, Value>>,
    values: Option<&'a Map<String, Value>>,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(input: &'a Value) -> Self {
        let map = |field| input.get(field).and_then(Value::as_object);
        Self { aliases: map("ExpressionAttributeNames"), values: map("ExpressionAttributeValues"), used: RefCell::default() }
    }

    /// AWS refuses what is defined and not used: call this when all expressions are read.
    pub(crate) fn all_used(&self) -> Result<(), Refusal> {
        for (field, defined) in [("ExpressionAttributeNames", self.aliases), ("ExpressionAttributeValues", self.values)] {
            let unused: Vec<&str> =
                defined.into_iter().flat_map(Map::keys).filter(|key| !self.used.borrow().contains(*key)).map(String::as_str).collect();
            if !unused.is_empty() {
                return Err(Refusal::validation(format!(
                    "Value provided in {field} unused in expressions: keys: {{{}}}",
                    unused.join(", ")
                )));
            }
        }
        Ok(())
    }
}

/// A condition on an item.
#[derive(Debug)]
pub(crate) enum Condition {
    /// `=`, `<>`, `<`, …
    Compare(Operand, String, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(String),
    Missing(String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    /// The value of this attribute.
    Attribute(String),
    /// How long it is.
    Size(String),
    Value(Value),
}

impl Condition {
    /// Reads an expression; `field` names it in errors.
    pub(crate) fn read(field: &'static str, expression: &str, names: &Names<'_>) -> Result<Self, Refusal> {
        let mut reader = Reader::new(field, expression, names)?;
        let condition = reader.any()?;
        reader.end()?;
        Ok(condition)
    }

    /// Whether an item (or none) meets it.
    pub(crate) fn holds(&self, item: Option<&Item>) -> bool {
        match self {
            Self::Compare(left, operator, right) => {
                let pair = left.of(item).zip(right.of(item));
                let order = pair.as_ref().and_then(|(left, right)| compare(left, right));
                match operator.as_str() {
                    "=" => pair.is_some_and(|(left, right)| left == right || order.is_some_and(Ordering::is_eq)),
                    "<>" => pair.is_none_or(|(left, right)| left != right && !order.is_some_and(Ordering::is_eq)),
                    "<" => order.is_some_and(Ordering::is_lt),
                    "<=" => order.is_some_and(Ordering::is_le),
                    ">" => order.is_some_and(Ordering::is_gt),
                    _ => order.is_some_and(Ordering::is_ge),
                }
            }
            Self::Between(what, low, high) => {
                let (what, low, high) = (what.of(item), low.of(item), high.of(item));
                let ordered = |small: &Option<Value>, great: &Option<Value>| {
                    small.as_ref().zip(great.as_ref()).and_then(|(small, great)| compare(small, great)).is_some_and(Ordering::is_le)
                };
                ordered(&low, &what) && ordered(&what, &high)
            }
            Self::In(what, list) => what.of(item).is_some_and(|what| list.iter().any(|one| one.of(item).as_ref() == Some(&what))),
            Self::Exists(name) => item.is_some_and(|item| item.contains_key(name)),
            Self::Missing(name) => !item.is_some_and(|item| item.contains_key(name)),
            Self::BeginsWith(what, prefix) => {
                what.of(item).zip(prefix.of(item)).is_some_and(|(what, prefix)| string(&what).starts_with(string(&prefix)))
            }
            Self::Contains(what, part) => what.of(item).zip(part.of(item)).is_some_and(|(what, part)| contains(&what, &part)),
            Self::And(one, other) => one.holds(item) && other.holds(item),
            Self::Or(one, other) => one.holds(item) || other.holds(item),
            Self::Not(one) => !one.holds(item),
        }
    }
}

impl Operand {
    /// Its value for an item.
    pub(crate) fn of(&self, item: Option<&Item>) -> Option<Value> {
        match self {
            Self::Attribute(name) => item?.get(name).cloned(),
            Self::Value(value) => Some(value.clone()),
            Self::Size(name) => {
                let value = item?.get(name)?.as_object()?.values().next()?;
                let size = match value {
                    Value::String(text) => text.len(),
                    Value::Array(list) => list.len(),
                    Value::Object(map) => map.len(),
                    _ => return None,
                };
                Some(serde_json::json!({"N": size.to_string()}))
            }
        }
    }
}

/// Goes through an expression word by word.
pub(crate) struct Reader<'a> {
    field: &'static str,
    words: Vec<String>,
    at: usize,
    names: &'a Names<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(field: &'static str, expression: &str, names: &'a Names<'a>) -> Result<Self, Refusal> {
        if expression.trim().is_empty() {
            return Err(Refusal::validation(format!("Invalid {field}: The expression can not be empty;")));
        }
        Ok(Self { field, words: words(expression), at: 0, names })
    }

    pub(crate) fn invalid(&self, what: &str) -> Refusal {
        Refusal::validation(format!("Invalid {}: {what}", self.field))
    }

    pub(crate) fn wrong_word(&self) -> Refusal {
        let near = self.words[self.at.saturating_sub(1)..].iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" ");
        let token = self.words.get(self.at).map_or("<EOF>", String::as_str);
        self.invalid(&format!("Syntax error; token: \"{token}\", near: \"{near}\""))
    }

    /// The next word, if it is this one.
    pub(crate) fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, word: &str) -> Result<(), Refusal> {
        if self.take(word) { Ok(()) } else { Err(self.wrong_word()) }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.words.len() <= self.at
    }

    pub(crate) fn end(&self) -> Result<(), Refusal> {
        if self.at_end() { Ok(()) } else { Err(self.wrong_word()) }
    }

    fn next(&mut self) -> Result<String, Refusal> {
        let word = self.words.get(self.at).cloned().ok_or_else(|| self.wrong_word())?;
        self.at += 1;
        Ok(word)
    }

    /// The name of an attribute, written out or as `#name`.
    pub(crate) fn attribute(&mut self) -> Result<String, Refusal> {
        let word = self.next()?;
        if word.contains(['.', '[']) {
            return Err(Refusal::not_simulated("dynamodb", &format!("the path {word}: only whole attributes")));
        }
        if word.starts_with('#') {
            let name = self.names.aliases.and_then(|aliases| aliases.get(&word)).and_then(Value::as_str);
            let undefined =
                || self.invalid(&format!("An expression attribute name used in the document path is not defined; attribute name: {word}"));
            let name = name.ok_or_else(undefined)?.to_owned();
            self.names.used.borrow_mut().insert(word);
            return Ok(name);
        }
        if !word.starts_with(|first: char| first.is_ascii_alphabetic()) {
            self.at -= 1;
            return Err(self.wrong_word());
        }
        if RESERVED.split_whitespace().any(|reserved| reserved.eq_ignore_ascii_case(&word)) {
            return Err(self.invalid(&format!("Attribute name is a reserved keyword; reserved keyword: {word}")));
        }
        Ok(word)
    }

    /// An attribute, a `:value` or `size(attribute)`.
    pub(crate) fn operand(&mut self) -> Result<Operand, Refusal> {
        if self.words.get(self.at).is_some_and(|word| word == "size") && self.words.get(self.at + 1).is_some_and(|word| word == "(") {
            self.at += 2;
            let name = self.attribute()?;
            self.expect(")")?;
            return Ok(Operand::Size(name));
        }
        if !self.words.get(self.at).is_some_and(|word| word.starts_with(':')) {
            return self.attribute().map(Operand::Attribute);
        }
        let word = self.next()?;
        let value = self.names.values.and_then(|values| values.get(&word)).cloned();
        let undefined =
            || self.invalid(&format!("An expression attribute value used in expression is not defined; attribute value: {word}"));
        let value = value.ok_or_else(undefined)?;
        self.names.used.borrow_mut().insert(word);
        Ok(Operand::Value(value))
    }

    fn any(&mut self) -> Result<Condition, Refusal> {
        let mut condition = self.all()?;
        while self.take("OR") {
            condition = Condition::Or(Box::new(condition), Box::new(self.all()?));
        }
        Ok(condition)
    }

    fn all(&mut self) -> Result<Condition, Refusal> {
        let mut condition = self.one()?;
        while self.take("AND") {
            condition = Condition::And(Box::new(condition), Box::new(self.one()?));
        }
        Ok(condition)
    }

    fn one(&mut self) -> Result<Condition, Refusal> {
        if self.take("NOT") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.take("(") {
            let condition = self.any()?;
            self.expect(")")?;
            return Ok(condition);
        }
        if self.words.get(self.at + 1).is_some_and(|next| next == "(") && self.words.get(self.at).is_none_or(|word| word != "size") {
            return self.function();
        }
        let left = self.operand()?;
        if self.take("BETWEEN") {
            let low = self.operand()?;
            self.expect("AND")?;
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.take("IN") {
            self.expect("(")?;
            let mut list = vec![self.operand()?];
            while self.take(",") {
                list.push(self.operand()?);
            }
            self.expect(")")?;
            return Ok(Condition::In(left, list));
        }
        let operator = self.next()?;
        if !["=", "<>", "<", "<=", ">", ">="].contains(&operator.as_str()) {
            self.at -= 1;
            return Err(self.wrong_word());
        }
        Ok(Condition::Compare(left, operator, self.operand()?))
    }

    fn function(&mut self) -> Result<Condition, Refusal> {
        let name = self.next()?;
        self.expect("(")?;
        let condition = match name.as_str() {
            "attribute_exists" => Condition::Exists(self.attribute()?),
            "attribute_not_exists" => Condition::Missing(self.attribute()?),
            "begins_with" | "contains" => {
                let what = self.operand()?;
                self.expect(",")?;
                let part = self.operand()?;
                if name == "contains" { Condition::Contains(what, part) } else { Condition::BeginsWith(what, part) }
            }
            _ => return Err(self.invalid(&format!("Invalid function name; function: {name}"))),
        };
        self.expect(")")?;
        Ok(condition)
    }
}

/// `a=:b` is three words as `a = :b` is.
fn words(expression: &str) -> Vec<String> {
    let in_name = |letter: char| letter.is_alphanumeric() || "_#:.[]".contains(letter);
    let mut words = vec![];
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if in_name(first) {
            rest.find(|letter| !in_name(letter)).unwrap_or(rest.len())
        } else if ["<=", "<>", ">="].iter().any(|operator| rest.starts_with(operator)) {
            2
        } else {
            first.len_utf8()
        };
        let (word, more) = rest.split_at(length);
        words.push(word.to_owned());
        rest = more.trim_start();
    }
    words
}

/// The text of an `S` or `N`.
pub(crate) fn string(value: &Value) -> &str {
    value.as_object().and_then(|typed| typed.values().next()).and_then(Value::as_str).unwrap_or_default()
}

/// `S`, `N`, …
pub(crate) fn kind(value: &Value) -> &str {
    value.as_object().and_then(|typed| typed.keys().next()).map_or("", String::as_str)
}

/// The number of an `N`.
pub(crate) fn number(value: &Value) -> Option<Decimal> {
    let text = value.get("N")?.as_str()?;
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (kind(left), kind(right)) {
        ("N", "N") => Some(number(left)?.cmp(&number(right)?)),
        ("S", "S") | ("B", "B") => Some(string(left).cmp(string(right))),
        _ => None,
    }
}

fn contains(what: &Value, part: &Value) -> bool {
    match what.as_object().and_then(|typed| typed.values().next()) {
        Some(Value::String(text)) => kind(what) == kind(part) && text.contains(string(part)),
        // A list has typed values in it, a set plain ones.
        Some(Value::Array(list)) => {
            list.contains(part) || part.as_object().and_then(|typed| typed.values().next()).is_some_and(|plain| list.contains(plain))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(expression: &str, item: Option<&Item>, input: &Value) -> Result<bool, String> {
        let names = Names::of(input);
        Condition::read("ConditionExpression", expression, &names).map(|condition| condition.holds(item)).map_err(|refusal| refusal.message)
    }

    #[test]
    fn judges_conditions() {
        let item = json!({"pk": {"S": "finding#x"}, "version": {"N": "10"}, "name": {"S": "b"}, "tags": {"SS": ["a", "b"]}});
        let input = json!({
            "ExpressionAttributeNames": {"#n": "name"},
            "ExpressionAttributeValues": {":v": {"N": "10.0"}, ":w": {"N": "9"}, ":p": {"S": "finding#"}, ":b": {"S": "b"}},
        });
        for (expression, on_item, on_none) in [
            ("attribute_not_exists(pk)", false, true),
            ("attribute_exists(pk) AND version = :v", true, false),
            ("version=:v", true, false),
            ("version = :w", false, false),
            ("version>=:w", true, false),
            ("version <> :w", true, true),
            ("begins_with(pk, :p)", true, false),
            ("version BETWEEN :w AND :v AND #n IN (:p, :b)", true, false),
            ("contains(tags, :b)", true, false),
            ("size(#n) < :w", true, false),
            ("NOT (#n = :b OR version < :w)", false, true),
            ("version = :b", false, false),
        ] {
            assert_eq!(judged(expression, item.as_object(), &input), Ok(on_item), "{expression}");
            assert_eq!(judged(expression, None, &input), Ok(on_none), "{expression} on nothing");
        }
    }

    #[test]
    fn refuses_what_aws_refuses() {
        let input = json!({"ExpressionAttributeValues": {":v": {"N": "1"}}});
        for (expression, says) in [
            ("version =", "Syntax error; token: \"<EOF>\""),
            ("version = :v version", "Syntax error; token: \"version\""),
            ("version = :w", "An expression attribute value used in expression is not defined; attribute value: :w"),
            ("#x = :v", "not defined; attribute name: #x"),
            ("status = :v", "Attribute name is a reserved keyword; reserved keyword: status"),
            ("exists(version)", "Invalid function name; function: exists"),
            ("", "The expression can not be empty"),
        ] {
            let said = judged(expression, None, &input).unwrap_err();
            assert!(said.contains(says), "{expression}: {said}");
        }
        let names = Names::of(&input);
        Condition::read("ConditionExpression", "attribute_exists(pk)", &names).unwrap();
        assert!(names.all_used().unwrap_err().message.contains("unused in expressions: keys: {:v}"));
    }
}
