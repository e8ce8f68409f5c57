//! `DynamoDB`: tables, conditional writes, batches, transactions, queries. Without indexes, streams and nested paths.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::wire::{Refusal, text};
use expression::{Condition, Item, Names};
use table::{Key, Table, projected, projection};
use update::Update;

mod expression;
mod table;
#[cfg(test)]
mod tests;
mod update;

/// How long a transaction's token is remembered.
const TOKEN_LIVES: SignedDuration = SignedDuration::from_mins(10);

/// All tables.
pub(crate) struct Tables {
    /// `arn:aws:dynamodb:<region>:<account>:table/`
    arn: String,
    by_name: BTreeMap<String, Table>,
    /// The transactions that were done, by their tokens: when, and what.
    done: BTreeMap<String, (Timestamp, Value)>,
}

/// What a write does to one item.
enum Write {
    Put(Item),
    Update(Update, Item),
    Delete,
    Check,
}

impl Tables {
    pub(crate) fn new(region: &str, account: &str, table: Option<&str>, now: Timestamp) -> Self {
        let by_name = table.map(|table| (table.to_owned(), Table::of_the_guard(now))).into_iter().collect();
        Self { arn: format!("arn:aws:dynamodb:{region}:{account}:table/"), by_name, done: BTreeMap::new() }
    }

    /// The items of a table.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        self.by_name.get(table).into_iter().flat_map(|table| table.items.values()).cloned().map(Value::Object).collect()
    }

    /// Replaces the items of a table.
    pub(crate) fn restore(&mut self, table: &str, items: &[Value], now: Timestamp) -> Result<(), Refusal> {
        if let Some(table) = self.by_name.get_mut(table) {
            table.items.clear();
        }
        for item in items {
            self.call("PutItem", &json!({"TableName": table, "Item": item}), now, false)?;
        }
        Ok(())
    }

    /// `partly`: a batch leaves its last item undone, as under load.
    pub(crate) fn call(&mut self, operation: &str, input: &Value, now: Timestamp, partly: bool) -> Result<Value, Refusal> {
        match operation {
            "CreateTable" => {
                let name = text(input, "TableName").unwrap_or_default().to_owned();
                if self.by_name.contains_key(&name) {
                    return Err(Refusal::new(400, "ResourceInUseException", format!("Table already exists: {name}")));
                }
                let table = Table::create(input, now)?;
                let described = table.described(&name, &format!("{}{name}", self.arn));
                self.by_name.insert(name, table);
                Ok(json!({"TableDescription": described}))
            }
            "DescribeTable" => {
                let name = text(input, "TableName").unwrap_or_default();
                let not_found =
                    || Refusal::new(400, "ResourceNotFoundException", format!("Requested resource not found: Table: {name} not found"));
                let table = self.by_name.get(name).ok_or_else(not_found)?;
                Ok(json!({"Table": table.described(name, &format!("{}{name}", self.arn))}))
            }
            "GetItem" => {
                let table = self.table(input)?;
                let names = Names::of(input);
                let projection = projection(input, &names)?;
                names.all_used()?;
                let item = table.items.get(&table.key_of(&object(input, "Key")?)?);
                Ok(item.map_or(json!({}), |item| json!({"Item": projected(item, projection.as_deref())})))
            }
            "PutItem" | "UpdateItem" | "DeleteItem" => self.write_one(operation, input),
            "Query" => self.table(input)?.query(input),
            "Scan" => self.table(input)?.scan(input),
            "BatchGetItem" => self.batch_get(input, partly),
            "BatchWriteItem" => self.batch_write(input, partly),
            "TransactWriteItems" => self.transact(input, now),
            _ => Err(Refusal::not_simulated("dynamodb", operation)),
        }
    }

    fn table(&self, input: &Value) -> Result<&Table, Refusal> {
        self.by_name.get(text(input, "TableName").unwrap_or_default()).ok_or_else(no_such_table)
    }

    fn table_mut(&mut self, name: &str) -> Result<&mut Table, Refusal> {
        self.by_name.get_mut(name).ok_or_else(no_such_table)
    }

    fn write_one(&mut self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        let verb = operation.trim_end_matches("Item");
        let (key, write) = self.write(verb, input)?;
        let table = self.table_mut(text(input, "TableName").unwrap_or_default())?;
        let before = table.items.get(&key).cloned();
        let after = apply(table, key, &write)?;
        let touched: Option<Vec<&str>> = if let Write::Update(update, _) = &write { Some(update.attributes().collect()) } else { None };
        let only_touched = |item: Option<Item>| -> Option<Item> {
            item.map(|item| {
                item.into_iter().filter(|(name, _)| touched.as_ref().is_none_or(|touched| touched.contains(&name.as_str()))).collect()
            })
        };
        let returned = match (text(input, "ReturnValues").unwrap_or("NONE"), verb) {
            ("NONE", _) => None,
            ("ALL_OLD", _) => before,
            ("ALL_NEW", "Update") => after,
            ("UPDATED_OLD", "Update") => only_touched(before),
            ("UPDATED_NEW", "Update") => only_touched(after),
            _ => return Err(Refusal::validation("Return values set to invalid value".into())),
        };
        Ok(returned.filter(|item| !item.is_empty()).map_or(json!({}), |item| json!({"Attributes": item})))
    }

    /// Reads a write and checks everything about it, its condition too, before anything is changed.
    fn write(&self, verb: &str, input: &Value) -> Result<(Key, Write), Refusal> {
        let table = self.table(input)?;
        let names = Names::of(input);
        let condition =
            text(input, "ConditionExpression").map(|condition| Condition::read("ConditionExpression", condition, &names)).transpose()?;
        let (key, write) = match verb {
            "Put" => {
                let item = object(input, "Item")?;
                (table.key_of_new(&item)?, Write::Put(item))
            }
            "Update" => {
                let key = object(input, "Key")?;
                let update = Update::read(text(input, "UpdateExpression").unwrap_or_default(), &names)?;
                if let Some(part) = table.keys().find(|part| update.attributes().any(|name| name == part.name)) {
                    let message = format!(
                        "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
                        part.name
                    );
                    return Err(Refusal::validation(message));
                }
                (table.key_of(&key)?, Write::Update(update, key))
            }
            "Delete" => (table.key_of(&object(input, "Key")?)?, Write::Delete),
            _ => (table.key_of(&object(input, "Key")?)?, Write::Check),
        };
        names.all_used()?;
        let now = table.items.get(&key);
        if condition.is_some_and(|condition| !condition.holds(now)) {
            let mut refusal = Refusal::new(400, "ConditionalCheckFailedException", "The conditional request failed");
            if let Some(now) = now.filter(|_| text(input, "ReturnValuesOnConditionCheckFailure") == Some("ALL_OLD")) {
                refusal.fields = json!({"Item": now});
            }
            return Err(refusal);
        }
        Ok((key, write))
    }

    fn batch_get(&self, input: &Value, partly: bool) -> Result<Value, Refusal> {
        let asked = input.get("RequestItems").and_then(Value::as_object).ok_or_else(|| required("RequestItems"))?;
        let all: usize = asked.values().map(|of| list(of, "Keys").len()).sum();
        if all == 0 || 100 < all {
            return Err(Refusal::validation("Too many items requested for the BatchGetItem call".into()));
        }
        let (mut responses, mut unprocessed) = (json!({}), json!({}));
        for (name, of) in asked {
            let table = self.by_name.get(name).ok_or_else(no_such_table)?;
            let names = Names::of(of);
            let projection = projection(of, &names)?;
            names.all_used()?;
            let asked = list(of, "Keys");
            let mut keys =
                asked.iter().map(|key| table.key_of(key.as_object().unwrap_or(&Item::new()))).collect::<Result<Vec<Key>, _>>()?;
            no_duplicates(&keys)?;
            if partly && keys.pop().is_some() {
                let mut left = of.clone();
                left["Keys"] = asked[keys.len()..].into();
                unprocessed[name] = left;
            }
            responses[name] =
                keys.iter().filter_map(|key| table.items.get(key)).map(|item| projected(item, projection.as_deref())).collect();
        }
        Ok(json!({"Responses": responses, "UnprocessedKeys": unprocessed}))
    }

    fn batch_write(&mut self, input: &Value, partly: bool) -> Result<Value, Refusal> {
        let asked = input.get("RequestItems").and_then(Value::as_object).ok_or_else(|| required("RequestItems"))?;
        let all: usize = asked.values().filter_map(Value::as_array).map(Vec::len).sum();
        if 25 < all {
            return Err(Refusal::validation("Too many items requested for the BatchWriteItem call".into()));
        }
        let (mut writes, mut unprocessed) = (vec![], json!({}));
        for (name, requests) in asked {
            let table = self.by_name.get(name).ok_or_else(no_such_table)?;
            let requests = requests.as_array().filter(|requests| !requests.is_empty());
            let requests =
                requests.ok_or_else(|| Refusal::validation("The batch write request list for a table cannot be null or empty.".into()))?;
            let read = |request: &Value| -> Result<(Key, Write), Refusal> {
                if let Some(put) = request.get("PutRequest") {
                    let item = object(put, "Item")?;
                    return Ok((table.key_of_new(&item)?, Write::Put(item)));
                }
                let delete = request.get("DeleteRequest").ok_or_else(|| required("PutRequest or DeleteRequest"))?;
                Ok((table.key_of(&object(delete, "Key")?)?, Write::Delete))
            };
            let mut of_table = requests.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            no_duplicates(&of_table.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>())?;
            if partly && of_table.pop().is_some() {
                unprocessed[name] = requests[of_table.len()..].into();
            }
            writes.extend(of_table.into_iter().map(|(key, write)| (name.clone(), key, write)));
        }
        for (name, key, write) in writes {
            apply(self.table_mut(&name)?, key, &write)?;
        }
        Ok(json!({"UnprocessedItems": unprocessed}))
    }

    /// All or nothing, with a reason for each item where nothing.
    fn transact(&mut self, input: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let items = list(input, "TransactItems");
        if items.is_empty() || 100 < items.len() {
            return Err(Refusal::validation(format!(
                "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100, and greater than or equal to 1 (it has {})",
                items.len()
            )));
        }
        let token = text(input, "ClientRequestToken");
        self.done.retain(|_, (at, _)| now.duration_since(*at) < TOKEN_LIVES);
        if let Some((_, before)) = token.and_then(|token| self.done.get(token)) {
            return if before == input {
                Ok(json!({}))
            } else {
                Err(Refusal::new(400, "IdempotentParameterMismatchException", "The request token was used with other parameters"))
            };
        }
        let (mut touched, mut writes, mut reasons) = (HashSet::new(), vec![], vec![]);
        for item in &items {
            let (verb, of) = ["Put", "Update", "Delete", "ConditionCheck"]
                .iter()
                .find_map(|verb| Some((*verb, item.get(*verb)?)))
                .ok_or_else(|| Refusal::validation("TransactItems can only contain one of Check, Put, Update or Delete".into()))?;
            let name = text(of, "TableName").unwrap_or_default().to_owned();
            let table = self.table(of)?;
            let key = if verb == "Put" { table.key_of_new(&object(of, "Item")?)? } else { table.key_of(&object(of, "Key")?)? };
            if !touched.insert((name.clone(), format!("{key:?}"))) {
                return Err(Refusal::validation("Transaction request cannot include multiple operations on one item".into()));
            }
            match self.write(verb, of) {
                Ok((key, write)) => {
                    writes.push((name, key, write));
                    reasons.push(json!({"Code": "None"}));
                }
                Err(refusal) if refusal.code == "ConditionalCheckFailedException" => {
                    let mut reason = json!({"Code": "ConditionalCheckFailed", "Message": refusal.message});
                    if let Some(now) = refusal.fields.get("Item") {
                        reason["Item"] = now.clone();
                    }
                    reasons.push(reason);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        if writes.len() < reasons.len() {
            let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
            let message = format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
            return Err(Refusal {
                fields: json!({"CancellationReasons": reasons}),
                ..Refusal::new(400, "TransactionCanceledException", message)
            });
        }
        for (name, key, write) in writes {
            apply(self.table_mut(&name)?, key, &write)?;
        }
        if let Some(token) = token {
            self.done.insert(token.to_owned(), (now, input.clone()));
        }
        Ok(json!({}))
    }
}

/// Does a write; the item after it.
fn apply(table: &mut Table, key: Key, write: &Write) -> Result<Option<Item>, Refusal> {
    let after = match write {
        Write::Put(item) => item.clone(),
        Write::Update(update, of_key) => {
            let after = update.of(table.items.get(&key).unwrap_or(of_key))?;
            table.key_of_new(&after)?;
            after
        }
        Write::Delete => {
            table.items.remove(&key);
            return Ok(None);
        }
        Write::Check => return Ok(None),
    };
    table.items.insert(key, after.clone());
    Ok(Some(after))
}

fn no_such_table() -> Refusal {
    Refusal::new(400, "ResourceNotFoundException", "Requested resource not found")
}

fn required(field: &str) -> Refusal {
    Refusal::validation(format!("The parameter '{field}' is required but was not present in the request"))
}

fn list(input: &Value, field: &str) -> Vec<Value> {
    input.get(field).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn object(input: &Value, field: &str) -> Result<Item, Refusal> {
    input.get(field).and_then(Value::as_object).cloned().ok_or_else(|| required(field))
}

fn no_duplicates(keys: &[Key]) -> Result<(), Refusal> {
    let mut sorted: Vec<&Key> = keys.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refusal::validation("Provided list of item keys contains duplicates".into()));
    }
    Ok(())
}
