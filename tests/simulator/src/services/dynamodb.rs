//! `DynamoDB`: dynoxide's tables, the estate's items, and the fault of a batch that is served in part.

use dynoxide::{Database, DynoxideError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    services::{On, Operation},
    wire::{Refusal, text},
};

const TABLE: On = On::Of(|world, input| {
    let of_item = || input.pointer("/TransactItems/0")?.as_object()?.values().next().and_then(|item| text(item, "TableName"));
    let of_batch = || input.get("RequestItems")?.as_object()?.keys().next().map(String::as_str);
    let table = text(input, "TableName").or_else(of_item).or_else(of_batch).unwrap_or_default();
    format!("arn:aws:dynamodb:{}:{}:table/{table}", world.region, world.account)
});

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("PutItem", TABLE, |world, input| world.tables.put(input)),
    Operation::new("GetItem", TABLE, |world, input| served(input, |request| world.tables.0.get_item(request))),
    Operation::new("Query", TABLE, |world, input| served(input, |request| world.tables.0.query(request))),
    Operation::new("Scan", TABLE, |world, input| world.tables.scan(input)),
    Operation::new("TransactWriteItems", TABLE, |world, input| served(input, |request| world.tables.0.transact_write_items(request))),
    Operation::new("BatchGetItem", TABLE, |world, input| world.tables.batch_get(input)),
];

pub(crate) struct Tables(Database);

impl Tables {
    pub(crate) fn new(table: Option<&str>) -> Self {
        let tables = Self(Database::memory().expect("a database in memory needs nothing"));
        if let Some(table) = table {
            tables.create(table).expect("the first table of a database");
        }
        tables
    }

    /// Creates a table with the string keys `pk` and `sk`.
    fn create(&self, table: &str) -> Result<Value, Refusal> {
        let keys = json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]);
        let types = json!([{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]);
        let input = json!({"TableName": table, "KeySchema": keys, "AttributeDefinitions": types, "BillingMode": "PAY_PER_REQUEST"});
        served(&input, |request| self.0.create_table(request))
    }

    /// The items of a table, sorted by key.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        let (mut items, mut scan) = (vec![], json!({"TableName": table}));
        while let Ok(mut page) = self.scan(&scan) {
            items.extend(page["Items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            scan["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
            if scan["ExclusiveStartKey"].is_null() {
                break;
            }
        }
        items.sort_by_key(|item| ["/pk/S", "/sk/S"].map(|key| item.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned()));
        items
    }

    /// Replaces the items of a table.
    pub(crate) fn restore(&self, table: &str, items: &[Value]) -> Result<(), Refusal> {
        served(&json!({"TableName": table}), |request| self.0.delete_table(request))?;
        self.create(table)?;
        items.iter().try_for_each(|item| self.put(&json!({"TableName": table, "Item": item})).map(drop))
    }

    fn put(&self, input: &Value) -> Result<Value, Refusal> {
        served(input, |request| self.0.put_item(request))
    }

    fn scan(&self, input: &Value) -> Result<Value, Refusal> {
        served(input, |request| self.0.scan(request))
    }

    fn batch_get(&self, input: &Value) -> Result<Value, Refusal> {
        served(input, |request| self.0.batch_get_item(request))
    }

    /// A batch that leaves its last item unprocessed, as happens under load.
    pub(crate) fn batch_get_partly(&self, input: &Value) -> Result<Value, Refusal> {
        let (mut asked, mut left) = (input.clone(), json!({}));
        let Some(tables) = asked["RequestItems"].as_object_mut() else { return self.batch_get(input) };
        for (table, of) in tables.iter_mut() {
            if let Some(last) = of["Keys"].as_array_mut().and_then(Vec::pop) {
                left[table] = of.clone();
                left[table]["Keys"] = json!([last]);
            }
        }
        tables.retain(|_, of| of["Keys"].as_array().is_some_and(|keys| !keys.is_empty()));
        let is_all = tables.is_empty();
        let mut answer = if is_all { json!({"Responses": {}}) } else { self.batch_get(&asked)? };
        answer["UnprocessedKeys"] = left;
        Ok(answer)
    }
}

/// Serves a request that is given in its wire format.
fn served<'a, I: Deserialize<'a>, O: Serialize>(input: &'a Value, serve: impl FnOnce(I) -> dynoxide::Result<O>) -> Result<Value, Refusal> {
    let invalid = |error: serde_json::Error| Refusal::validation(error.to_string());
    let answer = serve(I::deserialize(input).map_err(invalid)?).map_err(|error| refused(&error))?;
    serde_json::to_value(answer).map_err(invalid)
}

fn refused(error: &DynoxideError) -> Refusal {
    let code = error.error_type().rsplit('#').next().unwrap_or_default();
    let mut fields: Value = serde_json::from_str(&error.to_json()).unwrap_or_default();
    for known in ["__type", "message", "Message"] {
        fields.as_object_mut().map(|fields| fields.remove(known));
    }
    Refusal { fields, ..Refusal::new(error.status_code(), code, error.to_string()) }
}
