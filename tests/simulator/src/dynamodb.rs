//! `DynamoDB`: tables with the string keys `pk` and `sk`, conditional writes, transactions, queries.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::{
    expression::{Item, Names, holds, string},
    wire::{Refusal, text},
};

/// `DynamoDB`'s most bytes in one page of a query.
const PAGE_BYTES: usize = 1024 * 1024;

type Key = (String, String);

/// All tables.
#[derive(Default)]
pub(crate) struct Tables(BTreeMap<String, BTreeMap<Key, Item>>);

impl Tables {
    pub(crate) fn with(table: Option<&str>) -> Self {
        Self(table.map(|table| (table.to_owned(), BTreeMap::new())).into_iter().collect())
    }

    /// The items of a table.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        self.0.get(table).into_iter().flat_map(BTreeMap::values).cloned().map(Value::Object).collect()
    }

    fn table(&mut self, input: &Value) -> Result<&mut BTreeMap<Key, Item>, Refusal> {
        let name = text(input, "TableName").unwrap_or_default();
        self.0.get_mut(name).ok_or_else(|| Refusal::new(400, "ResourceNotFoundException", "Requested resource not found"))
    }

    pub(crate) fn call(&mut self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        match operation {
            "CreateTable" => {
                let name = text(input, "TableName").unwrap_or_default().to_owned();
                if self.0.contains_key(&name) {
                    return Err(Refusal::new(400, "ResourceInUseException", format!("Table already exists: {name}")));
                }
                self.0.insert(name.clone(), BTreeMap::new());
                Ok(json!({"TableDescription": described(&name)}))
            }
            "DescribeTable" => {
                self.table(input)?;
                Ok(json!({"Table": described(text(input, "TableName").unwrap_or_default())}))
            }
            "PutItem" => {
                let item = object(input, "Item")?;
                let table = self.table(input)?;
                check(table, &key(&item)?, input)?;
                table.insert(key(&item)?, item);
                Ok(json!({}))
            }
            "GetItem" => {
                let key = key(&object(input, "Key")?)?;
                Ok(self.table(input)?.get(&key).map_or(json!({}), |item| json!({"Item": item})))
            }
            "DeleteItem" => {
                let key = key(&object(input, "Key")?)?;
                let table = self.table(input)?;
                check(table, &key, input)?;
                table.remove(&key);
                Ok(json!({}))
            }
            "Query" => self.query(input),
            "BatchGetItem" => self.batch_get(input),
            "TransactWriteItems" => self.transact(input),
            _ => Err(Refusal::not_simulated("dynamodb", operation)),
        }
    }

    fn query(&mut self, input: &Value) -> Result<Value, Refusal> {
        let condition = text(input, "KeyConditionExpression").unwrap_or_default().to_owned();
        let names = Names { names: input.get("ExpressionAttributeNames"), values: input.get("ExpressionAttributeValues") };
        let limit = input.get("Limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let start = input.get("ExclusiveStartKey").and_then(Value::as_object).map(key).transpose()?;
        let (mut items, mut bytes, mut last) = (vec![], 0, None);
        for (key, item) in self.table(input)?.iter() {
            if start.as_ref().is_some_and(|start| key <= start) || !holds(&condition, Some(item), &names)? {
                continue;
            }
            if limit <= items.len() || PAGE_BYTES < bytes {
                last = items.last().and_then(Value::as_object).map(|item| json!({"pk": item.get("pk"), "sk": item.get("sk")}));
                break;
            }
            bytes += Value::Object(item.clone()).to_string().len();
            items.push(Value::Object(item.clone()));
        }
        let mut answer = json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items});
        if let (Some(last), Some(fields)) = (last, answer.as_object_mut()) {
            fields.insert("LastEvaluatedKey".to_owned(), last);
        }
        Ok(answer)
    }

    fn batch_get(&mut self, input: &Value) -> Result<Value, Refusal> {
        let mut responses = json!({});
        for (table, asked) in input.get("RequestItems").and_then(Value::as_object).into_iter().flatten() {
            let keys: Vec<&Item> = asked.get("Keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
            if 100 < keys.len() {
                return Err(Refusal::validation("Too many items requested for the BatchGetItem call".into()));
            }
            let keys = keys.into_iter().map(key).collect::<Result<Vec<Key>, Refusal>>()?;
            if keys.iter().collect::<HashSet<_>>().len() < keys.len() {
                return Err(Refusal::validation("Provided list of item keys contains duplicates".into()));
            }
            let items = self.table(&json!({"TableName": table}))?;
            responses[table] = keys.iter().filter_map(|key| items.get(key)).cloned().map(Value::Object).collect();
        }
        Ok(json!({"Responses": responses, "UnprocessedKeys": {}}))
    }

    /// All or nothing, with a reason for each item where nothing.
    fn transact(&mut self, input: &Value) -> Result<Value, Refusal> {
        let items: Vec<&Value> = input.get("TransactItems").and_then(Value::as_array).into_iter().flatten().collect();
        if items.is_empty() || 100 < items.len() {
            return Err(Refusal::validation("Member must have length less than or equal to 100, and at least 1".into()));
        }
        let mut keys = HashSet::new();
        let mut puts = vec![];
        let mut reasons = vec![];
        for item in items {
            let Some(put) = item.get("Put") else { return Err(Refusal::not_simulated("dynamodb", "TransactWriteItems other than Put")) };
            let new = object(put, "Item")?;
            let name = text(put, "TableName").unwrap_or_default().to_owned();
            if !keys.insert((name.clone(), key(&new)?)) {
                return Err(Refusal::validation("Transaction request cannot include multiple operations on one item".into()));
            }
            let failed = match check(self.table(put)?, &key(&new)?, put) {
                Ok(()) => false,
                Err(refusal) if refusal.code == "ConditionalCheckFailedException" => true,
                Err(refusal) => return Err(refusal),
            };
            reasons.push(if failed {
                json!({"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"})
            } else {
                json!({"Code": "None"})
            });
            puts.push((name, new));
        }
        if reasons.iter().any(|reason| reason["Code"] != "None") {
            let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
            let message = format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
            return Err(Refusal {
                fields: json!({"CancellationReasons": reasons}),
                ..Refusal::new(400, "TransactionCanceledException", message)
            });
        }
        for (table, item) in puts {
            let key = key(&item)?;
            self.0.entry(table).or_default().insert(key, item);
        }
        Ok(json!({}))
    }
}

fn described(name: &str) -> Value {
    json!({"TableName": name, "TableStatus": "ACTIVE", "ItemCount": 0,
           "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]})
}

fn object(input: &Value, field: &str) -> Result<Item, Refusal> {
    input
        .get(field)
        .and_then(Value::as_object)
        .cloned()
        .ok_or_else(|| Refusal::validation(format!("The parameter '{field}' is required but was not present in the request")))
}

fn key(item: &Item) -> Result<Key, Refusal> {
    let part = |name: &str| item.get(name).filter(|value| value.get("S").is_some()).map(string);
    part("pk")
        .zip(part("sk"))
        .ok_or_else(|| Refusal::validation("One or more parameter values were invalid: Missing the key pk or sk in the item".into()))
}

fn check(table: &BTreeMap<Key, Item>, key: &Key, input: &Value) -> Result<(), Refusal> {
    let Some(condition) = text(input, "ConditionExpression") else { return Ok(()) };
    let names = Names { names: input.get("ExpressionAttributeNames"), values: input.get("ExpressionAttributeValues") };
    if holds(condition, table.get(key), &names)? {
        Ok(())
    } else {
        Err(Refusal::new(400, "ConditionalCheckFailedException", "The conditional request failed"))
    }
}
