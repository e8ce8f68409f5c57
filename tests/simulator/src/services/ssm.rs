//! SSM: `GetParameter` and `PutParameter`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    services::{On, Operation},
    wire::{Refusal, seconds, text},
    world::World,
};

/// The maximum size of a standard parameter's value, in bytes.
const MOST_BYTES: usize = 4096;

pub(crate) struct Parameter {
    value: String,
    /// `String`, `StringList` or `SecureString`.
    kind: String,
    version: u64,
    modified: Timestamp,
}

impl Parameter {
    pub(crate) fn new(value: &str, modified: Timestamp) -> Self {
        Self { value: value.to_owned(), kind: "String".into(), version: 1, modified }
    }

    /// The next version, with another value.
    fn next(&self, value: &str, modified: Timestamp) -> Self {
        Self { value: value.to_owned(), kind: self.kind.clone(), version: self.version + 1, modified }
    }
}

/// Sets a parameter and returns its version.
pub(crate) fn put(world: &mut World, name: &str, value: &str) -> u64 {
    let parameter = world.parameters.get(name).map_or_else(|| Parameter::new(value, world.now), |before| before.next(value, world.now));
    let version = parameter.version;
    world.parameters.insert(name.to_owned(), parameter);
    version
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("GetParameter", On::Of(arn), |world, input| get(world, input)),
    Operation::new("PutParameter", On::Of(arn), put_by_call),
];

fn name(input: &Value) -> &str {
    text(input, "Name").unwrap_or_default()
}

fn arn(world: &World, input: &Value) -> String {
    format!("arn:aws:ssm:{}:{}:parameter/{}", world.region, world.account, name(input).trim_start_matches('/'))
}

fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let name = name(input);
    // AWS's error has no message.
    let parameter = world.parameters.get(name).ok_or_else(|| Refusal::new(400, "ParameterNotFound", ""))?;
    Ok(json!({"Parameter": {
        "Name": name, "Type": parameter.kind, "Value": parameter.value, "Version": parameter.version,
        "LastModifiedDate": seconds(parameter.modified), "ARN": arn(world, input), "DataType": "text",
    }}))
}

fn put_by_call(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = name(input);
    let value = text(input, "Value").unwrap_or_default();
    let known = world.parameters.contains_key(name);
    if known && !input.get("Overwrite").and_then(Value::as_bool).unwrap_or_default() {
        let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
        return Err(Refusal::new(400, "ParameterAlreadyExists", message));
    }
    let Some(kind) = text(input, "Type").or(known.then_some("")) else {
        return Err(Refusal::validation("A parameter type is required when you create a parameter.".into()));
    };
    if MOST_BYTES < value.len() && !matches!(text(input, "Tier"), Some("Advanced" | "Intelligent-Tiering")) {
        let message = format!(
            "Standard tier parameters support a maximum parameter value of {MOST_BYTES} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
        );
        return Err(Refusal::validation(message));
    }
    let version = put(world, name, value);
    if let Some(parameter) = world.parameters.get_mut(name).filter(|_| !kind.is_empty()) {
        kind.clone_into(&mut parameter.kind);
    }
    Ok(json!({"Version": version, "Tier": "Standard"}))
}
