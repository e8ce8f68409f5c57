//! `DynamoDB`'s update expressions: SET, REMOVE, ADD and DELETE of whole attributes.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::expression::{Item, Names, Operand, Reader, kind, number};
use crate::wire::Refusal;

const FIELD: &str = "UpdateExpression";

/// What is done to one attribute.
#[derive(Debug)]
enum Change {
    Set(String, Term),
    Remove(String),
    /// To a number or a set.
    Add(String, Operand),
    /// From a set.
    Delete(String, Operand),
}

/// What an attribute is set to.
#[derive(Debug)]
enum Term {
    Plain(Operand),
    IfNotExists(String, Operand),
    Append(Box<Term>, Box<Term>),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
}

/// An update of an item.
#[derive(Debug)]
pub(crate) struct Update(Vec<Change>);

impl Update {
    pub(crate) fn read(expression: &str, names: &Names<'_>) -> Result<Self, Refusal> {
        let mut reader = Reader::new(FIELD, expression, names)?;
        let mut changes = vec![];
        while !reader.at_end() {
            let clause = ["SET", "REMOVE", "ADD", "DELETE"].into_iter().find(|clause| reader.take(clause));
            let clause = clause.ok_or_else(|| reader.wrong_word())?;
            loop {
                let name = reader.attribute()?;
                changes.push(match clause {
                    "SET" => {
                        reader.expect("=")?;
                        Change::Set(name, sum(&mut reader)?)
                    }
                    "REMOVE" => Change::Remove(name),
                    "ADD" => Change::Add(name, reader.operand()?),
                    _ => Change::Delete(name, reader.operand()?),
                });
                if !reader.take(",") {
                    break;
                }
            }
        }
        let mut touched: Vec<&str> = changes.iter().map(Change::attribute).collect();
        touched.sort_unstable();
        if let Some([twice, ..]) = touched.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!(
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [{twice}], path two: [{twice}]"
            );
            return Err(reader.invalid(&message));
        }
        Ok(Self(changes))
    }

    /// The attributes that it changes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Change::attribute)
    }

    /// The item after it; every right side is that of before.
    pub(crate) fn of(&self, before: &Item) -> Result<Item, Refusal> {
        let mut after = before.clone();
        for change in &self.0 {
            match change {
                Change::Set(name, term) => drop(after.insert(name.clone(), term.of(before)?)),
                Change::Remove(name) => drop(after.remove(name)),
                Change::Add(name, operand) => {
                    let more = operand.of(Some(before)).unwrap_or_default();
                    let sum = match before.get(name) {
                        None if matches!(kind(&more), "N" | "SS" | "NS") => more,
                        Some(now) if kind(now) == "N" && kind(&more) == "N" => added(now, &more, Decimal::checked_add)?,
                        Some(now) if matches!(kind(now), "SS" | "NS") && kind(now) == kind(&more) => {
                            let mut members = self::members(now);
                            let new: Vec<Value> = self::members(&more).into_iter().filter(|member| !members.contains(member)).collect();
                            members.extend(new);
                            json!({ kind(now): members })
                        }
                        _ => return Err(wrong_type("ADD")),
                    };
                    after.insert(name.clone(), sum);
                }
                Change::Delete(name, operand) => {
                    let less = operand.of(Some(before)).unwrap_or_default();
                    let Some(now) = before.get(name) else { continue };
                    if kind(now) != kind(&less) || !matches!(kind(now), "SS" | "NS") {
                        return Err(wrong_type("DELETE"));
                    }
                    let gone = members(&less);
                    let left: Vec<Value> = members(now).into_iter().filter(|member| !gone.contains(member)).collect();
                    // There are no empty sets.
                    if left.is_empty() { drop(after.remove(name)) } else { drop(after.insert(name.clone(), json!({ kind(now): left }))) }
                }
            }
        }
        Ok(after)
    }
}

impl Change {
    fn attribute(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Remove(name) | Self::Add(name, _) | Self::Delete(name, _) => name,
        }
    }
}

impl Term {
    fn of(&self, before: &Item) -> Result<Value, Refusal> {
        let missing = || Refusal::validation("The provided expression refers to an attribute that does not exist in the item".into());
        match self {
            Self::Plain(operand) => operand.of(Some(before)).ok_or_else(missing),
            Self::IfNotExists(name, other) => before.get(name).cloned().or_else(|| other.of(Some(before))).ok_or_else(missing),
            Self::Append(one, other) => {
                let list = |value: Value| value.get("L").and_then(Value::as_array).cloned().ok_or_else(|| wrong_type("list_append"));
                let all = [list(one.of(before)?)?, list(other.of(before)?)?].concat();
                Ok(json!({ "L": all }))
            }
            Self::Plus(one, other) => added(&one.of(before)?, &other.of(before)?, Decimal::checked_add),
            Self::Minus(one, other) => added(&one.of(before)?, &other.of(before)?, Decimal::checked_sub),
        }
    }
}

fn sum(reader: &mut Reader<'_>) -> Result<Term, Refusal> {
    let left = term(reader)?;
    if reader.take("+") {
        return Ok(Term::Plus(Box::new(left), Box::new(term(reader)?)));
    }
    if reader.take("-") {
        return Ok(Term::Minus(Box::new(left), Box::new(term(reader)?)));
    }
    Ok(left)
}

fn term(reader: &mut Reader<'_>) -> Result<Term, Refusal> {
    let term = if reader.take("if_not_exists") {
        reader.expect("(")?;
        let name = reader.attribute()?;
        reader.expect(",")?;
        Term::IfNotExists(name, reader.operand()?)
    } else if reader.take("list_append") {
        reader.expect("(")?;
        let one = term(reader)?;
        reader.expect(",")?;
        Term::Append(Box::new(one), Box::new(self::term(reader)?))
    } else {
        return reader.operand().map(Term::Plain);
    };
    reader.expect(")")?;
    Ok(term)
}

fn members(set: &Value) -> Vec<Value> {
    set.as_object().and_then(|typed| typed.values().next()).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn added(one: &Value, other: &Value, how: impl Fn(Decimal, Decimal) -> Option<Decimal>) -> Result<Value, Refusal> {
    let sum = number(one).zip(number(other)).and_then(|(one, other)| how(one, other));
    sum.map(|sum| json!({"N": sum.normalize().to_string()})).ok_or_else(|| wrong_type("+ or -"))
}

fn wrong_type(operator: &str) -> Refusal {
    Refusal::validation(format!("An operand in the update expression has an incorrect data type; operator or function: {operator}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updated(expression: &str) -> Result<Value, String> {
        let input = json!({"ExpressionAttributeValues": {":n": {"N": "2"}, ":s": {"S": "x"}, ":set": {"SS": ["b", "c"]}, ":l": {"L": [{"S": "y"}]}}});
        let before = json!({"n": {"N": "1.5"}, "s": {"S": "a"}, "tags": {"SS": ["a", "b"]}, "l": {"L": [{"S": "x"}]}});
        let names = Names::of(&input);
        let update = Update::read(expression, &names).map_err(|refusal| refusal.message)?;
        update.of(before.as_object().unwrap()).map(Value::Object).map_err(|refusal| refusal.message)
    }

    #[test]
    fn updates_whole_attributes() {
        let item = updated("SET n = n + :n, a = if_not_exists(a, :s), l = list_append(l, :l) REMOVE s ADD m :n, tags :set").unwrap();
        assert_eq!(
            item,
            json!({"n": {"N": "3.5"}, "a": {"S": "x"}, "m": {"N": "2"}, "tags": {"SS": ["a", "b", "c"]}, "l": {"L": [{"S": "x"}, {"S": "y"}]}})
        );
        assert_eq!(updated("DELETE tags :set SET n = n - :n").unwrap()["tags"], json!({"SS": ["a"]}));
        assert_eq!(updated("SET s = n, n = s").unwrap()["s"], json!({"N": "1.5"}), "right sides are those of before");
    }

    #[test]
    fn refuses_what_aws_refuses() {
        for (expression, says) in [
            ("SET n = n + :s", "incorrect data type"),
            ("SET n = gone", "refers to an attribute that does not exist"),
            ("SET n = :n, n = :s", "Two document paths overlap"),
            ("PUT n = :n", "Syntax error; token: \"PUT\""),
            ("SET state = :n", "reserved keyword: state"),
            ("ADD s :s", "incorrect data type"),
        ] {
            let said = updated(expression).unwrap_err();
            assert!(said.contains(says), "{expression}: {said}");
        }
    }
}
