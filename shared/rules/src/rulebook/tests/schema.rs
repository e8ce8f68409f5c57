//! Tests that `check-policy` and the JSON Schema accept the same policies.

use std::collections::BTreeSet;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use super::WRONG;
use crate::rulebook::Rulebook;

/// What `check-policy` refuses and a schema accepts: a part of the message, and why.
const BEYOND_A_SCHEMA: &[(&str, &str)] = &[
    ("as the bill spells it", "it has four prefixes, in any case"),
    ("is not a time zone", "the names of the time zones are a database"),
    ("summer time: write", "the names of the time zones are a database"),
    ("is not a day", "a pattern does not count the days of a month"),
    ("is less than", "a pattern does not compare durations"),
    ("is more than", "a pattern does not compare durations"),
    ("`remind-after` is", "a pattern does not compare durations"),
    ("is longer than ten years", "a pattern does not compare durations"),
    ("is not a duration", "a pattern does not know that the longer unit comes first"),
    ("begins at 24:00", "a pattern does not compare times"),
    ("is empty: write 00:00-24:00", "a pattern does not compare times"),
    ("is not a pattern", "JSON Schema does not read globs and regular expressions"),
    ("not a pattern:", "JSON Schema does not read globs"),
    ("is no kind of resource", "a schema does not know what a glob matches"),
    ("is everybody", "a schema does not know what a glob matches"),
    ("is the name of no app", "two keys contradict each other"),
    ("has a blank, which no name of this kind has", "two keys contradict each other"),
    ("`tag` matches nothing of kind", "two keys contradict each other"),
    ("changes nothing for", "two sections contradict each other"),
    ("who has left", "two keys contradict each other"),
    ("is to be enforced, but", "two keys contradict each other"),
    ("are the same team", "a schema does not compare keys"),
    ("are both 0", "two keys contradict each other"),
    ("but the policy says mode = \"off\"", "two sections contradict each other"),
    ("but budget-exceeded is off", "two sections contradict each other"),
    ("this [[budget]] never applies", "two entries of a list contradict each other"),
];

/// What `check-policy` accepts and the schema refuses, and why.
const STRICTER: &[(&str, &str)] = &[
    ("remind-after = \"PT168H\"", "the schema knows the durations that the documentation knows"),
    ("remind-after = \"1.5h\"", "the schema knows the durations that the documentation knows"),
    ("[working-hours]\ndefault = \" always \"", "spaces around a text are a slip that is let pass"),
    ("[rules.training-on-demand]\nmode = \"off\"\nmax-progress = 3", "what is off is not looked at: two keys"),
];

/// Policies of the repository, and policies at the limits of a schema.
const MORE: &[&str] = &[
    "",
    include_str!("../../../../../infra/policy.toml"),
    include_str!("../../../../../tests/end-to-end/estates/budget-month-policy.toml"),
    include_str!("../../../../../tests/end-to-end/estates/ml-team-enforce.toml"),
    include_str!("../../../../../tests/end-to-end/estates/ml-team-report.toml"),
    include_str!("../../../../../docs/examples/production-inference.toml"),
    include_str!("../../../../../docs/examples/research-lab.toml"),
    include_str!("../../../../../docs/examples/shared-platform.toml"),
    include_str!("../../../../../docs/examples/strict-finops.toml"),
    "[inference]\nsmall-images = [\"[\"]",
    "remind-after = \"1 week 2 days\"",
    "remind-after = \"1h 1d\"",
    "[working-hours]\nholidays = [\"2026-02-30\"]",
    "[working-hours]\ndefault = \"mon/24:00-08:00\"",
    "[working-hours]\ndefault = \"mon/08:00-08:00\"",
    "[rules.spend-spike]\nmin-percent = 0\ndeviations = 0",
    "[rules.budget-exceeded]\nmode = \"off\"\n[[budget]]\nname = \"ml*\"\non-exceed = \"stop-stoppable\"",
    "[rules.missing-tag]\nrequired = { \"aws:createdBy\" = \".+\" }",
    "[working-hours]\nteams = { Vision = \"always\", vision = \"never\" }",
    "[[exempt]]\nmatch = { name = \"a\" }\nuntil = \"2026-02-30\"\nreason = \"x\"",
    "[[exempt]]\nmatch = { tag = { Env = \"\" } }\nuntil = 2026-12-31\nreason = \"x\"",
    "[rules.missing-tag]\nrequired = { \"cost;center\" = \".+\" }",
    "[rules.missing-tag]\nrequired = { Team = [\"a;b\"] }",
    "[rules.missing-tag]\nrequired = { \"Zoë Ünal\" = [\"Zoë\"] }",
    "[prices]\nhourly = { \"ml.m5.xlarge\" = \"0.23\", \"ml.g5.xlarge\" = 1 }",
    "[prices]\nhourly = { \"ml.m5.xlarge\" = \"1,5\" }",
];

/// Values of many types. Hardly any key accepts all of them.
fn odd_values() -> Vec<Value> {
    vec![json!(true), json!(0), json!(-1), json!(1.5), json!(""), json!("?"), json!([]), json!(["?"]), json!({}), json!({ "x": "?" })]
}

struct Judges {
    schemas: Schemas,
    schema: SchemaIndex,
    /// The entries of [`BEYOND_A_SCHEMA`] that were needed.
    needed: BTreeSet<&'static str>,
}

impl Judges {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("policy.schema.json", Rulebook::schema()).unwrap();
        let schema = compiler.compile("policy.schema.json", &mut schemas).unwrap();
        Self { schemas, schema, needed: BTreeSet::new() }
    }

    /// Whether the schema accepts a policy. Text that is not TOML is refused, as editors do.
    fn schema_takes(&self, text: &str) -> bool {
        toml::from_str(text).is_ok_and(|policy| self.schemas.validate(&in_json(policy), self.schema).is_ok())
    }

    fn agree_on(&mut self, text: &str) {
        match (Rulebook::from_toml(text), self.schema_takes(text)) {
            (Ok(_), true) | (Err(_), false) => {}
            (Ok(_), false) => panic!("the schema alone refuses\n{text}"),
            (Err(error), true) => match BEYOND_A_SCHEMA.iter().find(|(message, _)| error.message.contains(message)) {
                Some((message, _)) => drop(self.needed.insert(message)),
                None => panic!("check-policy alone refuses\n{text}\n{error}"),
            },
        }
    }
}

/// TOML as JSON, as editors validate it with a schema.
fn in_json(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(day) => json!(day.to_string()),
        toml::Value::Array(values) => values.into_iter().map(in_json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, in_json(value))).collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

/// Every key of the schema, as the JSON pointer to its place in a policy, with what the schema says of it.
fn keys(schema: &Value, place: &str, found: &mut Vec<(String, Value)>) {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}/{key}");
        found.push((place.clone(), schema.clone()));
        keys(schema, &place, found);
        keys(&schema["items"], &format!("{place}/0"), found);
    }
}

/// A policy with this value at this place. A budget and an override also have their required keys.
fn policy_with(place: &str, value: &Value) -> String {
    let mut policy = json!({});
    let section = place.split('/').nth(1).unwrap_or_default();
    if place.contains("/0/") {
        let item = json!({ "name": "ml*", "match": { "team": "x" }, "rules": { "notebook-idle": { "mode": "off" } } });
        let is_needed = |key: &str| (key == "name") == (section == "budget");
        policy[section] =
            json!([item.as_object().unwrap().iter().filter(|(key, _)| is_needed(key)).collect::<std::collections::BTreeMap<_, _>>()]);
    }
    let parts: Vec<&str> = place.split('/').skip(1).collect();
    let target = parts.iter().fold(&mut policy, |at, part| match part.parse::<usize>() {
        Ok(number) => &mut at[number],
        Err(_) => &mut at[*part],
    });
    *target = value.clone();
    toml::to_string(&policy).unwrap()
}

#[test]
fn agrees_with_check_policy() {
    let mut judges = Judges::new();
    for text in WRONG.iter().map(|(text, ..)| text).chain(MORE) {
        judges.agree_on(text);
    }
    let (schema, mut all) = (Rulebook::schema(), vec![]);
    keys(&schema, "", &mut all);
    for (place, schema) in &all {
        let listed = |keyword: &str| schema[keyword].as_array().cloned().unwrap_or_default();
        let right = [listed("examples"), listed("enum"), schema.get("default").cloned().into_iter().collect()].concat();
        for value in right.iter().chain(&odd_values()) {
            judges.agree_on(&policy_with(place, value));
        }
        let misspelt = policy_with(&format!("{place}x"), right.first().unwrap_or(&json!({})));
        assert!(!judges.schema_takes(&misspelt) && Rulebook::from_toml(&misspelt).is_err(), "{misspelt}");
    }
    assert!(100 < all.len(), "the schema has lost its keys");
    for (message, why) in BEYOND_A_SCHEMA {
        assert!(judges.needed.contains(message), "no policy here needs the exception `{message}` ({why})");
    }
}

#[test]
fn is_stricter_only_where_it_is_meant_to_be() {
    let judges = Judges::new();
    for (text, why) in STRICTER {
        assert!(Rulebook::from_toml(text).is_ok() && !judges.schema_takes(text), "{text} ({why})");
    }
}

#[test]
fn every_key_is_described() {
    let mut all = vec![];
    keys(&Rulebook::schema(), "", &mut all);
    for (place, schema) in all {
        assert!(
            schema["description"].as_str().is_some_and(|text| text.ends_with(['.', '`', '"']) || text.contains("docs/rules.md#")),
            "{place}: {schema}"
        );
    }
}
