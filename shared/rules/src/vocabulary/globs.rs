//! Lists of patterns such as `pipelines-*`, without regard to case.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;

/// The form of a pattern of names, as a regular expression. `SageMaker` names what it has with letters, digits, hyphens and underscores; an app is named by
/// three such words.
pub(crate) const NAMES: &str = r"^([A-Za-z0-9_ *?-]|\[[!^]?[A-Za-z0-9_-]+\]|\{[A-Za-z0-9_ *?,!^{}\[\]-]*\})*$";

/// The same of keys of tags, without `=`: no value stands in a key. [`ANY`] does not stand in it either.
const KEYS: &str = r"^([\p{L}\p{N}_ .:/+@*?-]|\[[!^]?[^\[\]]+\]|\{[^()|$%=\\]*\})*$";

/// What another language means by `*`.
const ANY: &str = r"\.[*+]";

/// What stands behind the message about a pattern that is none.
pub(crate) const A_PATTERN: &str = "a pattern is for example \"churn*\", or \"{churn,fraud}*\" for several";

/// Whether a pattern can match the name of a resource.
pub(crate) fn is_of_names(pattern: &str) -> bool {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(NAMES).ok());
    has_form(pattern, &FORM)
}

/// Whether a pattern can match the key of a tag.
pub(crate) fn is_of_keys(pattern: &str) -> bool {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(KEYS).ok());
    has_form(pattern, &FORM) && !pattern.contains(".*") && !pattern.contains(".+")
}

/// Each word of a pattern is one of the three of an app's name, but `and` and `or` are meant to join names.
fn has_form(pattern: &str, form: &LazyLock<Option<Regex>>) -> bool {
    form.as_ref().is_none_or(|form| form.is_match(pattern)) && !pattern.split(' ').any(|word| ["and", "or"].contains(&word))
}

/// Patterns like `pipelines-*`, any of which may match. Case does not count.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    texts: Vec<String>,
    set: globset::GlobSet,
}

impl Globs {
    /// From patterns in the code. If one of them is not valid, the result matches nothing.
    pub(crate) fn of(patterns: &[&str]) -> Self {
        Self::read(patterns.iter().map(|text| (*text).to_owned()).collect()).unwrap_or_default()
    }

    /// Reads patterns. Spaces around each are removed.
    pub(crate) fn read(mut texts: Vec<String>) -> Result<Self, String> {
        let no_pattern = |error: globset::Error| format!("not a pattern: {error}");
        let mut set = globset::GlobSetBuilder::new();
        for text in &mut texts {
            *text = text.trim().to_owned();
            if text.is_empty() {
                return Err("a pattern is empty: leave it out, or write for example \"prod*\"".to_owned());
            }
            set.add(globset::GlobBuilder::new(text).case_insensitive(true).build().map_err(no_pattern)?);
        }
        Ok(Self { set: set.build().map_err(no_pattern)?, texts })
    }

    /// The patterns as they are written.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.set.is_match(text)
    }
}

impl Serialize for Globs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.texts.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Globs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Globs {
    fn schema_name() -> Cow<'static, str> {
        "Globs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": filled_glob_schema(generator) })
    }
}

/// The schema of one pattern like `prod*` that is not empty.
pub(crate) fn filled_glob_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = glob_schema(generator);
    schema.insert("pattern".into(), r"\S".into());
    schema
}

/// The schema of one pattern like `prod*`.
pub(crate) fn glob_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "glob", "type": "string", "examples": ["prod*", "pipelines-*"] })
}

/// The schema of patterns of names.
pub(crate) fn names_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut name = glob_schema(generator);
    name.insert("allOf".into(), json!([{ "pattern": r"\S" }, { "pattern": NAMES }]));
    json_schema!({ "type": "array", "items": name })
}

/// The schema of patterns of keys of tags.
pub(crate) fn keys_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut key = glob_schema(generator);
    key.insert("allOf".into(), json!([{ "pattern": r"\S" }, { "pattern": KEYS }, { "not": { "pattern": ANY } }]));
    json_schema!({ "type": "array", "items": key })
}
