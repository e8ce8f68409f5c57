//! Generates docs/policy-reference.md: each key of the policy with its type, default and meaning, from the JSON Schema.

use std::{collections::BTreeMap, fmt::Write as _};

use cost_rules::{
    rulebook::{COMMON_KEYS, Rulebook},
    rules,
};
use serde_json::{Map, Value};

/// The text of the page.
pub(crate) fn page() -> anyhow::Result<String> {
    let schema = Rulebook::schema();
    let (sections, keys): (Vec<_>, Vec<_>) = properties(&schema).into_iter().partition(|(_, schema)| is_section(schema));
    let mut text = String::from(
        "<!-- Made by `make docs` from the doc comments of the types that read the policy. A test fails when it is stale. -->\n\
         # Every key of the policy\n\n\
         [policy.md](policy.md) explains how to work with the policy, [rules.md](rules.md) what the rules do. Editors read the same from [policy.schema.json](policy.schema.json).\n\
         All keys may be left out, except where it says *required*.\n\n\
         ## General keys\n\nThey stand at the top of the file, before the first section.\n\n",
    );
    text += HEAD;
    rows(&mut text, "", &keys.into_iter().collect())?;
    for (name, section) in sections {
        match section["items"].as_object() {
            _ if name == "rules" => rule_sections(&mut text, &section)?,
            Some(_) => {
                heading(&mut text, &format!("[[{name}]]"), &section)?;
                rows(&mut text, "", &required(&section["items"]))?;
            }
            None => {
                heading(&mut text, &format!("[{name}]"), &section)?;
                rows(&mut text, "", &properties(&section))?;
            }
        }
    }
    text += "\n## How values are written\n\n| type | for example |\n|---|---|\n";
    let mut types = BTreeMap::new();
    gather_types(&schema, &mut types);
    for (title, examples) in types {
        writeln!(text, "| {title} | {} |", examples.iter().map(|one| format!("`{}`", toml(one))).collect::<Vec<_>>().join(", "))?;
    }
    Ok(text)
}

const HEAD: &str = "| key | type | default | meaning |\n|---|---|---|---|\n";

/// Writes the section `[rules.x]`: the settings of all rules, then each rule's own.
fn rule_sections(text: &mut String, section: &Value) -> anyhow::Result<()> {
    let rule = |name: &str| properties(&section["properties"][name]);
    heading(text, "[rules.&lt;name&gt;]", section)?;
    let mut common: Map<String, Value> = rule(rules::ALL[0].name);
    common.retain(|key, _| COMMON_KEYS.contains(&key.as_str()));
    common.values_mut().filter_map(Value::as_object_mut).for_each(|schema| drop(schema.remove("default")));
    rows(text, "", &common)?;
    text.push_str("\nTheir defaults differ between the rules: [the manual](rules.md#the-rules) has them. A rule that only reports refuses `mode = \"enforce\"`.\n\n");
    text.push_str("The rules' own settings:\n\n| rule | key | type | default | meaning |\n|---|---|---|---|---|\n");
    for registration in rules::ALL {
        let mut own = rule(registration.name);
        own.retain(|key, _| !COMMON_KEYS.contains(&key.as_str()));
        rows(text, &format!("| [{0}](rules.md#{0}) ", registration.name), &own)?;
    }
    Ok(())
}

fn heading(text: &mut String, title: &str, section: &Value) -> anyhow::Result<()> {
    writeln!(text, "\n## {title}\n\n{}\n", described(section))?;
    text.push_str(HEAD);
    Ok(())
}

/// Writes one row per key. The keys of a nested table follow it.
fn rows(text: &mut String, before: &str, keys: &Map<String, Value>) -> anyhow::Result<()> {
    for (key, schema) in keys {
        writeln!(text, "{before}| `{key}` | {} | {} | {} |", kind(schema), default(schema), described(schema))?;
        let within = properties(schema).into_iter().map(|(inner, schema)| (format!("{key}.{inner}"), schema));
        rows(text, before, &within.collect())?;
    }
    Ok(())
}

/// The keys of an item. Required keys are marked, because they have no default.
fn required(item: &Value) -> Map<String, Value> {
    let mut keys = properties(item);
    for key in item["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        keys[key]["required"] = Value::Bool(true);
    }
    keys
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"].as_object().cloned().unwrap_or_default()
}

/// Whether this is a section of the file, or a list of sections, and not a value.
fn is_section(schema: &Value) -> bool {
    [schema, &schema["items"]].iter().any(|schema| schema["properties"].is_object())
}

/// The meaning of a key, and of those of its values that it does not name itself.
fn described(schema: &Value) -> String {
    let meaning = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    let choices = [&schema["oneOf"], &schema["items"]["oneOf"]].into_iter().filter_map(Value::as_array).flatten();
    let choices = choices.filter(|one| !meaning.contains(&format!("`{}`", one["const"])));
    let choices = choices.filter_map(|one| Some(format!(" `{}`: {}", one["const"], one["description"].as_str()?)));
    format!("{meaning}{}", choices.collect::<String>()).replace('|', "\\|")
}

fn default(schema: &Value) -> String {
    match schema.get("default") {
        _ if schema["required"] == true => "*required*".to_owned(),
        Some(default) => format!("`{}`", toml(default)),
        None => String::new(),
    }
}

/// The type of a value, in words.
fn kind(schema: &Value) -> String {
    let one_of = |values: &mut dyn Iterator<Item = &Value>| values.map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or ");
    let inner = &schema["additionalProperties"];
    match schema["type"].as_str() {
        _ if schema["title"].is_string() => schema["title"].as_str().unwrap_or_default().to_owned(),
        _ if schema["enum"].is_array() => one_of(&mut schema["enum"].as_array().into_iter().flatten()),
        _ if schema["oneOf"].is_array() => one_of(&mut schema["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"])),
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") if inner.is_object() => format!("table of {}", kind(inner)),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("string") => "text".to_owned(),
        _ => "table".to_owned(),
    }
}

/// A value as it is written in the policy.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(values) if values.is_empty() => "{}".to_owned(),
        Value::Object(values) => {
            format!("{{ {} }}", values.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Collects the types that have a name, with their examples.
fn gather_types<'s>(schema: &'s Value, types: &mut BTreeMap<&'s str, &'s [Value]>) {
    match schema {
        Value::Object(keys) => {
            if let (Some(title), Some(examples)) = (schema["title"].as_str(), schema["examples"].as_array()) {
                types.insert(title, examples);
            }
            keys.values().for_each(|inner| gather_types(inner, types));
        }
        Value::Array(items) => items.iter().for_each(|inner| gather_types(inner, types)),
        _ => {}
    }
}
