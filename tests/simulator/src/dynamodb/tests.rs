//! Keys, pages, conditional writes, batches and transactions.

use super::*;

fn tables() -> Tables {
    Tables::new("eu-central-1", "123456789012", Some("t"), Timestamp::UNIX_EPOCH)
}

fn item(sk: &str, version: u32) -> Value {
    json!({"pk": {"S": "p"}, "sk": {"S": sk}, "version": {"N": version.to_string()}})
}

fn key(sk: &str) -> Value {
    json!({"pk": {"S": "p"}, "sk": {"S": sk}})
}

fn call(tables: &mut Tables, operation: &str, mut input: Value) -> Result<Value, String> {
    if !operation.starts_with("Batch") && !operation.starts_with("Transact") {
        input["TableName"] = "t".into();
    }
    tables.call(operation, &input, Timestamp::UNIX_EPOCH, false).map_err(|refusal| format!("{}: {}", refusal.code, refusal.message))
}

fn filled(count: u32) -> Tables {
    let mut tables = tables();
    for number in 0..count {
        call(&mut tables, "PutItem", json!({"Item": item(&format!("{number:03}"), number)})).unwrap();
    }
    tables
}

fn sort_keys(answer: &Value) -> Vec<&str> {
    answer["Items"].as_array().unwrap().iter().map(|item| item["sk"]["S"].as_str().unwrap()).collect()
}

#[test]
fn queries_page_by_page_both_ways() {
    let mut tables = filled(5);
    let mut query = json!({"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}, "Limit": 2});
    let mut pages = vec![];
    loop {
        let answer = call(&mut tables, "Query", query.clone()).unwrap();
        pages.push(sort_keys(&answer).join(" "));
        let Some(last) = answer.get("LastEvaluatedKey") else { break };
        query["ExclusiveStartKey"] = last.clone();
    }
    assert_eq!(pages, ["000 001", "002 003", "004"]);
    let backwards = json!({"KeyConditionExpression": "sk BETWEEN :a AND :b AND pk = :p", "ScanIndexForward": false,
        "ExpressionAttributeValues": {":p": {"S": "p"}, ":a": {"S": "001"}, ":b": {"S": "003"}}});
    assert_eq!(sort_keys(&call(&mut tables, "Query", backwards).unwrap()), ["003", "002", "001"]);
}

#[test]
fn a_page_ends_at_a_megabyte() {
    let mut tables = tables();
    for number in 0..4 {
        let mut item = item(&number.to_string(), 1);
        item["text"] = json!({"S": "x".repeat(300 * 1024)});
        call(&mut tables, "PutItem", json!({"Item": item})).unwrap();
    }
    let answer = call(&mut tables, "Scan", json!({})).unwrap();
    assert_eq!((sort_keys(&answer), &answer["LastEvaluatedKey"]), (vec!["0", "1", "2"], &key("2")));
    let mut large = item("large", 1);
    large["text"] = json!({"S": "x".repeat(401 * 1024)});
    assert!(call(&mut tables, "PutItem", json!({"Item": large})).unwrap_err().contains("maximum allowed size"));
}

#[test]
fn writes_are_conditional_and_tell_what_was_there() {
    let mut tables = filled(1);
    let old = json!({"Item": item("000", 9), "ConditionExpression": "version = :v", "ExpressionAttributeValues": {":v": {"N": "7"}}});
    assert_eq!(call(&mut tables, "PutItem", old).unwrap_err(), "ConditionalCheckFailedException: The conditional request failed");
    let update = json!({"Key": key("000"), "UpdateExpression": "ADD version :one", "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "UPDATED_NEW"});
    assert_eq!(call(&mut tables, "UpdateItem", update).unwrap(), json!({"Attributes": {"version": {"N": "1"}}}));
    let made = json!({"Key": key("new"), "UpdateExpression": "SET a = :one", "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "ALL_NEW"});
    assert_eq!(
        call(&mut tables, "UpdateItem", made).unwrap()["Attributes"]["sk"],
        json!({"S": "new"}),
        "an update makes what is not there"
    );
    assert_eq!(
        call(&mut tables, "DeleteItem", json!({"Key": key("000"), "ReturnValues": "ALL_OLD"})).unwrap()["Attributes"]["version"],
        json!({"N": "1"})
    );
    assert_eq!(call(&mut tables, "GetItem", json!({"Key": key("000")})).unwrap(), json!({}));
}

#[test]
fn keys_are_checked() {
    let mut tables = tables();
    for (operation, input, says) in [
        ("PutItem", json!({"Item": {"pk": {"S": "p"}}}), "Missing the key sk in the item"),
        ("PutItem", json!({"Item": {"pk": {"S": ""}, "sk": {"S": "x"}}}), "cannot contain an empty string value. Key: pk"),
        ("PutItem", json!({"Item": {"pk": {"N": "1"}, "sk": {"S": "x"}}}), "Type mismatch for key pk expected: S actual: N"),
        (
            "PutItem",
            json!({"Item": {"pk": {"S": "p"}, "sk": {"S": "x"}, "n": {"N": "one"}}}),
            "cannot be converted to a numeric value: one",
        ),
        ("GetItem", json!({"Key": {"pk": {"S": "p"}}}), "does not match the schema"),
        (
            "Query",
            json!({"KeyConditionExpression": "sk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}),
            "missed key schema element: pk",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "pk > :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}),
            "key condition not supported",
        ),
        ("UpdateItem", json!({"Key": key("x"), "UpdateExpression": "REMOVE sk"}), "Cannot update attribute sk"),
    ] {
        let said = call(&mut tables, operation, input).unwrap_err();
        assert!(said.contains(says), "{says}: {said}");
    }
}

#[test]
fn batches_have_limits_and_may_be_done_in_part() {
    let mut tables = tables();
    let batch = |count: u32| {
        let puts: Vec<Value> = (0..count).map(|number| json!({"PutRequest": {"Item": item(&format!("{number:03}"), 1)}})).collect();
        json!({"RequestItems": {"t": puts}})
    };
    assert!(call(&mut tables, "BatchWriteItem", batch(26)).unwrap_err().contains("Too many items requested"));
    let answer = tables.call("BatchWriteItem", &batch(3), Timestamp::UNIX_EPOCH, true).unwrap();
    assert_eq!(answer["UnprocessedItems"]["t"][0]["PutRequest"]["Item"]["sk"], json!({"S": "002"}));
    assert_eq!(tables.items("t").len(), 2);
    let twice = json!({"RequestItems": {"t": [{"DeleteRequest": {"Key": key("000")}}, {"DeleteRequest": {"Key": key("000")}}]}});
    assert!(call(&mut tables, "BatchWriteItem", twice).unwrap_err().contains("contains duplicates"));
    let get = json!({"RequestItems": {"t": {"Keys": [key("000"), key("001")]}}});
    let answer = tables.call("BatchGetItem", &get, Timestamp::UNIX_EPOCH, true).unwrap();
    assert_eq!((answer["Responses"]["t"].as_array().unwrap().len(), &answer["UnprocessedKeys"]["t"]["Keys"][0]), (1, &key("001")));
}

#[test]
fn transactions_are_all_or_nothing_and_once() {
    let mut tables = filled(1);
    let put = |sk: &str| json!({"Put": {"TableName": "t", "Item": item(sk, 1), "ConditionExpression": "attribute_not_exists(pk)"}});
    let refused = json!({"TransactItems": [put("new"), put("000")]});
    assert!(call(&mut tables, "TransactWriteItems", refused).unwrap_err().contains("[None, ConditionalCheckFailed]"));
    assert_eq!(tables.items("t").len(), 1);
    let mixed = json!({"ClientRequestToken": "one", "TransactItems": [
        put("new"),
        {"Update": {"TableName": "t", "Key": key("000"), "UpdateExpression": "SET version = :v", "ExpressionAttributeValues": {":v": {"N": "5"}}}},
        {"ConditionCheck": {"TableName": "t", "Key": key("gone"), "ConditionExpression": "attribute_not_exists(pk)"}},
        {"Delete": {"TableName": "t", "Key": key("nothing")}},
    ]});
    call(&mut tables, "TransactWriteItems", mixed.clone()).unwrap();
    call(&mut tables, "TransactWriteItems", mixed).unwrap();
    assert_eq!((tables.items("t").len(), &tables.items("t")[0]["version"]), (2, &json!({"N": "5"})));
    let other = json!({"ClientRequestToken": "one", "TransactItems": [put("another")]});
    assert!(call(&mut tables, "TransactWriteItems", other).unwrap_err().contains("IdempotentParameterMismatch"));
    let twice = json!({"TransactItems": [put("x"), put("x")]});
    assert!(call(&mut tables, "TransactWriteItems", twice).unwrap_err().contains("multiple operations on one item"));
}
