//! Converts CBOR to JSON and back, as CloudWatch's protocol uses it: times are tag 1 with seconds since 1970.

use ciborium::value::Value as Cbor;
use serde_json::{Map, Number, Value};

/// Whether a field of an answer of CloudWatch or Compute Optimizer is a time. In JSON it looks like a number.
fn holds_time(name: &str) -> bool {
    name == "Timestamps" || name.ends_with("Timestamp")
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Object(Map::new()));
    }
    ciborium::from_reader::<Cbor, _>(bytes).ok().map(to_json)
}

fn to_json(value: Cbor) -> Value {
    match value {
        Cbor::Integer(integer) => i64::try_from(integer).map_or(Value::Null, Value::from),
        Cbor::Float(float) => Number::from_f64(float).map_or(Value::Null, Value::Number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bool(bool) => Value::Bool(bool),
        Cbor::Tag(_, inner) => to_json(*inner),
        Cbor::Array(items) => items.into_iter().map(to_json).collect(),
        Cbor::Map(pairs) => {
            Value::Object(pairs.into_iter().filter_map(|(key, value)| Some((key.into_text().ok()?, to_json(value)))).collect())
        }
        _ => Value::Null,
    }
}

pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = vec![];
    // Writing to memory cannot fail.
    let _ = ciborium::into_writer(&to_cbor(value, false), &mut bytes);
    bytes
}

fn to_cbor(value: &Value, is_time: bool) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(bool) => Cbor::Bool(*bool),
        Value::Number(number) => {
            let plain = match number.as_i64() {
                Some(integer) if !is_time => Cbor::Integer(integer.into()),
                _ => Cbor::Float(number.as_f64().unwrap_or_default()),
            };
            if is_time { Cbor::Tag(1, Box::new(plain)) } else { plain }
        }
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| to_cbor(item, is_time)).collect()),
        Value::Object(fields) => {
            let pair = |(name, value): (&String, &Value)| (Cbor::Text(name.clone()), to_cbor(value, holds_time(name)));
            Cbor::Map(fields.iter().map(pair).collect())
        }
    }
}
