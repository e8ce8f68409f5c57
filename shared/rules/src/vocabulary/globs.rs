//! Lists of patterns such as `pipelines-*`, without regard to case.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::vocabulary::patterns::{Texts, glob_schema};

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

    /// The same, if each of the patterns can match one of these texts. `key`: where they stand.
    pub(crate) fn of_texts<E: serde::de::Error>(self, key: &str, texts: &Texts) -> Result<Self, E> {
        match self.texts.iter().find_map(|text| Some((text, texts.refusal(text)?))) {
            Some((text, refusal)) => Err(E::custom(format!("`{key}` has `{text}`, which is {refusal}"))),
            None => Ok(self),
        }
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

/// The schema of patterns that can match one of these texts.
pub(crate) fn globs_schema(texts: &Texts, generator: &mut SchemaGenerator) -> Schema {
    let mut pattern = texts.schema(generator);
    pattern.insert("pattern".into(), r"\S".into());
    json_schema!({ "type": "array", "items": pattern })
}

/// The schema of one pattern like `prod*` that is not empty.
pub(crate) fn filled_glob_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = glob_schema(generator);
    schema.insert("pattern".into(), r"\S".into());
    schema
}
