//! One `DynamoDB` table: its key schema, its items in the order of their keys, and one page of a query or scan.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::expression::{Condition, Item, Names, Operand, kind, number, string};
use crate::wire::{Refusal, seconds, text};

/// The most bytes in one page.
const PAGE_BYTES: usize = 1024 * 1024;
/// The most bytes in one item.
const ITEM_BYTES: usize = 400 * 1024;

/// The value of one key attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Of type `N`.
    Number(Decimal),
    /// Of type `S`.
    Text(String),
}

/// The partition key's value and the sort key's, where the table has one.
pub(crate) type Key = (Part, Option<Part>);

/// A key attribute: its name and its type.
#[derive(Clone)]
pub(crate) struct KeyAttribute {
    pub(crate) name: String,
    kind: String,
}

/// A table.
pub(crate) struct Table {
    hash: KeyAttribute,
    range: Option<KeyAttribute>,
    created: Timestamp,
    pub(crate) items: BTreeMap<Key, Item>,
}

impl Table {
    /// With the string keys `pk` and `sk`.
    pub(crate) fn of_the_guard(created: Timestamp) -> Self {
        let key = |name: &str| KeyAttribute { name: name.into(), kind: "S".into() };
        Self { hash: key("pk"), range: Some(key("sk")), created, items: BTreeMap::new() }
    }

    /// From `CreateTable`.
    pub(crate) fn create(input: &Value, created: Timestamp) -> Result<Self, Refusal> {
        let list = |field: &str| input.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        let (schema, definitions) = (list("KeySchema"), list("AttributeDefinitions"));
        let key = |key_type: &str| {
            let name = schema.iter().find(|key| text(key, "KeyType") == Some(key_type)).and_then(|key| text(key, "AttributeName"));
            name.map(|name| {
                let definition = definitions.iter().find(|one| text(one, "AttributeName") == Some(name));
                match definition.and_then(|one| text(one, "AttributeType")) {
                    Some(kind @ ("S" | "N")) => Ok(KeyAttribute { name: name.to_owned(), kind: kind.to_owned() }),
                    Some(_) => Err(Refusal::not_simulated("dynamodb", "CreateTable with binary keys")),
                    None => Err(Refusal::validation(format!(
                        "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [{name}]"
                    ))),
                }
            })
            .transpose()
        };
        for field in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
            if input.get(field).is_some() {
                return Err(Refusal::not_simulated("dynamodb", &format!("CreateTable with {field}")));
            }
        }
        let no_hash = || Refusal::validation("No Hash Key specified in schema. All Dynamo DB tables must have exactly one hash key".into());
        let (hash, range) = (key("HASH")?.ok_or_else(no_hash)?, key("RANGE")?);
        if definitions.len() != 1 + usize::from(range.is_some()) {
            let message = "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions";
            return Err(Refusal::validation(message.into()));
        }
        Ok(Self { hash, range, created, items: BTreeMap::new() })
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    /// `TableDescription`
    pub(crate) fn described(&self, name: &str, arn: &str) -> Value {
        let types: Vec<Value> = self.keys().map(|key| json!({"AttributeName": key.name, "AttributeType": key.kind})).collect();
        let schema: Vec<Value> =
            self.keys().zip(["HASH", "RANGE"]).map(|(key, key_type)| json!({"AttributeName": key.name, "KeyType": key_type})).collect();
        json!({
            "TableName": name, "TableArn": arn, "TableStatus": "ACTIVE", "CreationDateTime": seconds(self.created),
            "AttributeDefinitions": types, "KeySchema": schema,
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "ItemCount": self.items.len(), "TableSizeBytes": self.items.values().map(bytes).sum::<usize>(),
        })
    }

    /// The key of an item that is to be stored, which is checked.
    pub(crate) fn key_of_new(&self, item: &Item) -> Result<Key, Refusal> {
        for (name, value) in item {
            check_value(name, value)?;
        }
        if ITEM_BYTES < bytes(item) {
            return Err(Refusal::validation("Item size has exceeded the maximum allowed size".into()));
        }
        let part = |key: &KeyAttribute| {
            let invalid = |what: String| Refusal::validation(format!("One or more parameter values were invalid: {what}"));
            let value = item.get(&key.name).ok_or_else(|| invalid(format!("Missing the key {} in the item", key.name)))?;
            if kind(value) != key.kind {
                return Err(invalid(format!("Type mismatch for key {} expected: {} actual: {}", key.name, key.kind, kind(value))));
            }
            part_of(key, value)
        };
        Ok((part(&self.hash)?, self.range.as_ref().map(part).transpose()?))
    }

    /// A key that something is looked up by: nothing more and nothing less than the key's attributes.
    pub(crate) fn key_of(&self, key: &Item) -> Result<Key, Refusal> {
        let mismatch = || Refusal::validation("The provided key element does not match the schema".into());
        if key.len() != 1 + usize::from(self.range.is_some()) {
            return Err(mismatch());
        }
        let part = |attribute: &KeyAttribute| {
            let value = key.get(&attribute.name).filter(|value| kind(value) == attribute.kind).ok_or_else(mismatch)?;
            part_of(attribute, value)
        };
        Ok((part(&self.hash)?, self.range.as_ref().map(part).transpose()?))
    }

    /// `Query`
    pub(crate) fn query(&self, input: &Value) -> Result<Value, Refusal> {
        let names = Names::of(input);
        let expression = text(input, "KeyConditionExpression").unwrap_or_default();
        let condition = Condition::read("KeyConditionExpression", expression, &names)?;
        let partition = self.partition(&condition)?;
        let filter = filter(input, &names)?;
        let within = |(key, item): &(&Key, &Item)| key.0 == partition && condition.holds(Some(item));
        let from = (partition.clone(), None);
        let found = self.items.range(from..).take_while(|(key, _)| key.0 == partition).filter(within);
        if input.get("ScanIndexForward").and_then(Value::as_bool) == Some(false) {
            let found: Vec<_> = found.collect();
            self.page(found.into_iter().rev(), input, filter.as_ref(), &names, |key, start| key < start)
        } else {
            self.page(found, input, filter.as_ref(), &names, |key, start| start < key)
        }
    }

    /// `Scan`
    pub(crate) fn scan(&self, input: &Value) -> Result<Value, Refusal> {
        if input.get("TotalSegments").is_some() {
            return Err(Refusal::not_simulated("dynamodb", "Scan in segments"));
        }
        let names = Names::of(input);
        let filter = filter(input, &names)?;
        self.page(self.items.iter(), input, filter.as_ref(), &names, |key, start| start < key)
    }

    /// The partition that a query's condition asks for: `pk = :v`, alone or AND one condition on the sort key.
    fn partition(&self, condition: &Condition) -> Result<Part, Refusal> {
        let (first, second) = match condition {
            Condition::And(first, second) => (first.as_ref(), Some(second.as_ref())),
            one => (one, None),
        };
        let is_hash = |one: &Condition| matches!(one, Condition::Compare(Operand::Attribute(name), ..) if *name == self.hash.name);
        let (hash, range) = if is_hash(first) { (Some(first), second) } else { (second.filter(|one| is_hash(one)), Some(first)) };
        let missed = |name: &str| Refusal::validation(format!("Query condition missed key schema element: {name}"));
        let Some(Condition::Compare(_, operator, Operand::Value(value))) = hash else { return Err(missed(&self.hash.name)) };
        if operator != "=" {
            return Err(Refusal::validation("Query key condition not supported".into()));
        }
        match (range, &self.range) {
            (None, _) => {}
            (Some(_), None) => return Err(missed(&self.hash.name)),
            (Some(on), Some(key)) => {
                let name = match on {
                    Condition::Compare(Operand::Attribute(name), operator, _) if operator != "<>" => name,
                    Condition::Between(Operand::Attribute(name), ..) | Condition::BeginsWith(Operand::Attribute(name), _) => name,
                    _ => return Err(Refusal::validation("Query key condition not supported".into())),
                };
                if *name != key.name {
                    return Err(missed(&key.name));
                }
            }
        }
        if kind(value) != self.hash.kind {
            return Err(Refusal::validation(
                "One or more parameter values were invalid: Condition parameter type does not match schema type".into(),
            ));
        }
        part_of(&self.hash, value)
    }

    fn page<'a>(
        &self,
        found: impl Iterator<Item = (&'a Key, &'a Item)>,
        input: &Value,
        filter: Option<&Condition>,
        names: &Names<'_>,
        is_past: impl Fn(&Key, &Key) -> bool,
    ) -> Result<Value, Refusal> {
        if input.get("IndexName").is_some() {
            return Err(Refusal::not_simulated("dynamodb", "secondary indexes"));
        }
        let projection = projection(input, names)?;
        names.all_used()?;
        let limit = match input.get("Limit").map(Value::as_u64) {
            None => usize::MAX,
            Some(Some(limit)) if 0 < limit => usize::try_from(limit).unwrap_or(usize::MAX),
            Some(_) => return Err(Refusal::validation("1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1".into())),
        };
        let invalid = || Refusal::validation("The provided starting key is invalid".into());
        let start =
            input.get("ExclusiveStartKey").and_then(Value::as_object).map(|key| self.key_of(key).map_err(|_| invalid())).transpose()?;
        let (mut items, mut scanned, mut size, mut last) = (vec![], 0, 0, None);
        for (_, item) in found.filter(|(key, _)| start.as_ref().is_none_or(|start| is_past(key, start))) {
            size += bytes(item);
            if PAGE_BYTES < size && 0 < scanned {
                break;
            }
            scanned += 1;
            if filter.is_none_or(|filter| filter.holds(Some(item))) {
                items.push(projected(item, projection.as_deref()));
            }
            last = Some(item);
            // As AWS: at its limit, a page has a next one even if nothing is there any more.
            if limit <= scanned {
                size = usize::MAX;
                break;
            }
        }
        let mut answer = json!({"Count": items.len(), "ScannedCount": scanned});
        if let Some(last) = last.filter(|_| PAGE_BYTES < size) {
            let key: Map<String, Value> = self.keys().filter_map(|key| Some((key.name.clone(), last.get(&key.name)?.clone()))).collect();
            answer["LastEvaluatedKey"] = Value::Object(key);
        }
        if text(input, "Select") != Some("COUNT") {
            answer["Items"] = items.into();
        }
        Ok(answer)
    }
}

fn filter(input: &Value, names: &Names<'_>) -> Result<Option<Condition>, Refusal> {
    text(input, "FilterExpression").map(|filter| Condition::read("FilterExpression", filter, names)).transpose()
}

/// The attributes that are asked for; `None`: all.
pub(crate) fn projection(input: &Value, names: &Names<'_>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(expression) = text(input, "ProjectionExpression") else { return Ok(None) };
    let mut reader = super::expression::Reader::new("ProjectionExpression", expression, names)?;
    let mut attributes = vec![reader.attribute()?];
    while reader.take(",") {
        attributes.push(reader.attribute()?);
    }
    reader.end()?;
    Ok(Some(attributes))
}

pub(crate) fn projected(item: &Item, projection: Option<&[String]>) -> Value {
    let wanted = |name: &String| projection.is_none_or(|names| names.contains(name));
    item.iter().filter(|(name, _)| wanted(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn part_of(key: &KeyAttribute, value: &Value) -> Result<Part, Refusal> {
    if kind(value) == "N" {
        let not_a_number = || Refusal::validation(format!("The parameter cannot be converted to a numeric value: {}", string(value)));
        return number(value).map(Part::Number).ok_or_else(not_a_number);
    }
    if string(value).is_empty() {
        return Err(Refusal::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: {}",
            key.name
        )));
    }
    Ok(Part::Text(string(value).to_owned()))
}

fn check_value(name: &str, value: &Value) -> Result<(), Refusal> {
    let typed = value.as_object().filter(|typed| typed.len() == 1).and_then(|typed| typed.iter().next());
    let invalid = |what: &str| Err(Refusal::validation(format!("{what} (attribute {name})")));
    match typed.map(|(kind, inner)| (kind.as_str(), inner)) {
        Some(("N", Value::String(text))) if number(value).is_none() => {
            invalid(&format!("The parameter cannot be converted to a numeric value: {text}"))
        }
        Some(("SS" | "NS" | "BS", Value::Array(set))) if set.is_empty() => {
            invalid("One or more parameter values were invalid: An string set  may not be empty")
        }
        Some(
            ("S" | "N" | "B", Value::String(_))
            | ("BOOL", Value::Bool(_))
            | ("NULL", Value::Bool(true))
            | ("SS" | "NS" | "BS", Value::Array(_)),
        ) => Ok(()),
        Some(("L", Value::Array(list))) => list.iter().try_for_each(|inner| check_value(name, inner)),
        Some(("M", Value::Object(map))) => map.values().try_for_each(|inner| check_value(name, inner)),
        _ => invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    }
}

/// About as many bytes as AWS counts: names and values.
pub(crate) fn bytes(item: &Item) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(list) => 3 + list.iter().map(of).sum::<usize>(),
            Value::Object(typed) => typed.values().map(of).sum(),
            _ => 1,
        }
    }
    item.iter().map(|(name, value)| name.len() + of(value)).sum()
}
