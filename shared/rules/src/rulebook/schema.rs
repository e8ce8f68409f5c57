//! The JSON Schema of the policy, with which editors complete and check it. It is generated from the types that read the policy, and from their comments.

use schemars::{
    JsonSchema as _, Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{RecursiveTransform, Transform as _},
};
use serde_json::{Map, Value, json};

use crate::{
    policy::{DAY, General},
    rulebook::{Rulebook, read::Common},
    rules::{self, rule::Registration},
    vocabulary::{
        duration::Duration,
        patterns::{NAMES, TAG_KEY, TAG_VALUES, TEAMS, glob_schema},
        resource::Kind,
    },
};

impl Rulebook {
    /// The JSON Schema of a policy. It does not find errors that depend on the whole file, such as a contradiction between two keys.
    pub fn schema() -> Value {
        // The editors' TOML extension ignores keys beside a `$ref`. Inlined schemas have no `$ref`.
        let generator = &mut SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true).into_generator();
        let mut policy = General::json_schema(generator);
        policy.remove("description");
        policy.insert("$schema".into(), json!(generator.settings().meta_schema));
        policy.insert("title".into(), json!("Policy of the SageMaker cost guard"));
        add(&mut policy, "rules", rules_schema(generator));
        add(&mut policy, "override", override_schema(generator));
        add(&mut policy, "exempt", exempt_schema(generator));
        RecursiveTransform(without_null).transform(&mut policy);
        let mut policy = policy.to_value();
        // The order must not depend on the features that serde_json was built with.
        policy.sort_all_objects();
        policy
    }
}

/// `[rules.x]`: each rule's own settings, and those that all rules have.
fn rules_schema(generator: &mut SchemaGenerator) -> Value {
    let common = Common::json_schema(generator).to_value();
    let sections = rules::ALL.iter().zip(rules::SCHEMAS).map(|(registration, own)| {
        let mut section = own(generator);
        let about = format!("The rule `{0}`: docs/rules.md#{0}", registration.name);
        section.insert("description".into(), json!(about));
        for (key, schema) in properties(&common) {
            add(&mut section, &key, of_rule(&key, schema, registration));
        }
        (registration.name.to_owned(), section.to_value())
    });
    json!({
        "type": "object",
        "description": "What each rule may do, and its settings. docs/rules.md is their manual.",
        "properties": sections.collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

/// A setting that all rules have, with its default for this rule.
fn of_rule(key: &str, mut schema: Value, Registration { manner, .. }: &Registration) -> Value {
    let default = match key {
        "mode" => {
            if let Some(modes) = schema["enum"].as_array_mut().filter(|_| !manner.enforceable) {
                modes.retain(|mode| mode != "enforce");
            }
            return schema;
        }
        "grace" => Some(manner.grace),
        "remind-after" => manner.remind_after.filter(|after| *after < Duration::LONGEST),
        "escalate-after" => manner.escalate_after,
        _ => None,
    };
    schema["default"] = json!(default);
    schema
}

/// The `match` of an override or an exemption. The schemas of both are written by hand, because their tables are read by hand, so that errors have lines.
fn match_schema(generator: &mut SchemaGenerator) -> Value {
    let described = |mut schema: Schema, description: &str| {
        schema.insert("description".into(), json!(description));
        schema.insert("pattern".into(), json!(r"\S"));
        schema
    };
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let of_resources: Vec<&str> = Kind::ALL.iter().filter(|kind| !kind.is_of_the_account()).map(|kind| kind.as_str()).collect();
    json!({
        "type": "object",
        "description": "Which resources: all that stands here must match.",
        "properties": {
            "tag": {
                "type": "object",
                "description": "Tag keys, each with a glob of its value: `tag.Environment = \"prod*\"`.",
                "propertyNames": { "pattern": TAG_KEY },
                "additionalProperties": TAG_VALUES.schema(generator),
                "minProperties": 1,
            },
            "team": described(TEAMS.schema(generator), "The team."),
            "name": described(glob_schema(generator), "The resource's name."),
            "kind": {
                "title": "glob",
                "description": "The kind of resource, spelt as in an ARN.",
                "anyOf": [{ "enum": kinds }, { "type": "string", "pattern": r"[*?\[{]" }],
            },
        },
        "additionalProperties": false,
        "minProperties": 1,
        // The name of a budget may have any characters.
        "if": { "properties": { "kind": { "enum": of_resources } } },
        "then": { "properties": { "name": { "allOf": NAMES.schema(generator).get("allOf") } } },
    })
}

/// `[[override]]`.
fn override_schema(generator: &mut SchemaGenerator) -> Value {
    json!({
        "type": "array",
        "description": "Other settings of rules for some resources. The first one that matches a resource applies to it.",
        "items": {
            "type": "object",
            "properties": {
                "match": match_schema(generator),
                "rules": {
                    "description": "The settings that differ, as in `[rules]`.",
                    "allOf": [{ "$ref": "#/properties/rules" }],
                    "minProperties": 1,
                },
            },
            "additionalProperties": false,
            "required": ["match", "rules"],
        },
    })
}

/// `[[exempt]]`.
fn exempt_schema(generator: &mut SchemaGenerator) -> Value {
    json!({
        "type": "array",
        "description": "Resources that are left alone until a day, for owners who may not set the tag `cost-guard:keep-until`. They stay in the report.",
        "items": {
            "type": "object",
            "properties": {
                "match": match_schema(generator),
                "until": {
                    "type": "string",
                    "pattern": DAY,
                    "title": "day",
                    "description": "The last day, in the time zone of the resource's working hours or in the policy's: whichever ends later.",
                    "examples": ["2026-12-31"],
                },
                "reason": { "type": "string", "pattern": r"\S", "description": "Why. It is in the report." },
            },
            "additionalProperties": false,
            "required": ["match", "until", "reason"],
        },
    })
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"].as_object().cloned().unwrap_or_default()
}

fn add(section: &mut Schema, key: &str, schema: impl Into<Value>) {
    let properties = section.ensure_object().entry("properties").or_insert_with(|| json!({}));
    properties[key] = schema.into();
}

/// Removes what does not apply to TOML: null, since an optional key is just not required, and formats such as `uint32`, which no editor knows.
fn without_null(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("format");
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    for keyword in ["type", "enum", "anyOf"] {
        let Some(choices) = schema.get_mut(keyword).and_then(Value::as_array_mut) else { continue };
        choices.retain(|choice| !choice.is_null() && choice != "null" && *choice != json!({ "type": "null" }));
        if let (true, [only]) = (keyword != "enum", &choices[..]) {
            let only = only.clone();
            schema.remove(keyword);
            match only {
                Value::Object(only) => only.into_iter().for_each(|(key, value)| {
                    schema.entry(key).or_insert(value);
                }),
                only => drop(schema.insert(keyword.into(), only)),
            }
        }
    }
}
