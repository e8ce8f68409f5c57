//! SSM: `GetParameter`, `PutParameter`.

use serde_json::{Value, json};

use crate::{
    wire::{Refusal, text},
    world::World,
};

pub(crate) fn call(world: &mut World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    let name = text(input, "Name").unwrap_or_default();
    match operation {
        "GetParameter" => {
            let Some(value) = world.parameters.get(name) else { return Err(Refusal::new(400, "ParameterNotFound", "")) };
            let arn = format!("arn:aws:ssm:{}:{}:parameter/{}", world.region, world.account, name.trim_start_matches('/'));
            Ok(
                json!({"Parameter": {"Name": name, "Type": "String", "Value": value, "Version": 1, "LastModifiedDate": 0.0, "ARN": arn, "DataType": "text"}}),
            )
        }
        "PutParameter" => {
            let overwrite = input.get("Overwrite").and_then(Value::as_bool).unwrap_or_default();
            if !overwrite && world.parameters.contains_key(name) {
                let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
                return Err(Refusal::new(400, "ParameterAlreadyExists", message));
            }
            world.parameters.insert(name.to_owned(), text(input, "Value").unwrap_or_default().to_owned());
            Ok(json!({"Version": 1, "Tier": "Standard"}))
        }
        _ => Err(Refusal::not_simulated("ssm", operation)),
    }
}
