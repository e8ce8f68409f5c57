//! Filter policies of subscriptions, on message attributes (aws-facts §9): the exact values of text, and `exists`.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// The message attributes by name, each with its type and value.
type Attributes = BTreeMap<String, (String, String)>;

/// Whether a message with these attributes passes a filter policy: each of its attributes has one of the policy's values.
pub(crate) fn passes(policy: &Value, attributes: &Attributes) -> anyhow::Result<bool> {
    let asked = policy.as_object().context("a filter policy is an object")?;
    for (name, conditions) in asked {
        let conditions = conditions.as_array().with_context(|| format!("{name}: expected a list"))?;
        let met = conditions.iter().map(|condition| meets(condition, name, attributes)).collect::<anyhow::Result<Vec<_>>>()?;
        if !met.contains(&true) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn meets(condition: &Value, name: &str, attributes: &Attributes) -> anyhow::Result<bool> {
    let has = attributes.get(name);
    Ok(match (condition, condition.get("exists").and_then(Value::as_bool)) {
        (Value::String(value), _) => has.is_some_and(|has| values(has).contains(value)),
        (_, Some(true)) => has.is_some(),
        // AWS passes nothing on that has no attributes at all.
        (_, Some(false)) => has.is_none() && !attributes.is_empty(),
        _ => bail!("{name}: {condition} is not simulated: a text, or {{\"exists\": true or false}}"),
    })
}

/// The values of an attribute: a list has several.
fn values((data_type, value): &(String, String)) -> Vec<String> {
    if data_type == "String.Array" { serde_json::from_str(value).unwrap_or_default() } else { vec![value.clone()] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_passes_if_each_attribute_has_one_of_the_values() {
        let of = |these: &[(&str, &str, &str)]| {
            these.iter().map(|(name, of, value)| ((*name).to_owned(), ((*of).to_owned(), (*value).to_owned()))).collect::<Attributes>()
        };
        let both = of(&[("audience", "String.Array", "[\"owner\",\"platform\"]"), ("team", "String", "nlp")]);
        let owner = of(&[("audience", "String", "owner"), ("team", "String", "nlp")]);
        let older = of(&[("team", "String", "nlp")]);
        let platform = json!({"audience": ["platform", {"exists": false}]});
        for (policy, attributes, expected) in [
            (json!({}), &owner, true),
            (platform.clone(), &both, true),
            (platform.clone(), &owner, false),
            (platform.clone(), &older, true),
            (platform, &Attributes::new(), false),
            (json!({"team": ["nlp"], "audience": ["owner"]}), &both, true),
            (json!({"team": ["vision"], "audience": ["owner"]}), &both, false),
            (json!({"audience": [{"exists": true}]}), &older, false),
        ] {
            assert_eq!(passes(&policy, attributes).unwrap(), expected, "{policy} {attributes:?}");
        }
        assert!(passes(&json!({"team": [{"prefix": "n"}]}), &older).is_err());
    }
}
