//! Required tags: their keys and values, and keys that are nearly right.

use std::{borrow::Cow, collections::BTreeMap, fmt, slice, sync::LazyLock};

use regex::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{policy::settings::Policy, vocabulary::resource::is_aws};

/// The maximum number of tags of a resource (AWS: `AddTags`).
pub const MOST_TAGS: usize = 50;

/// What SageMaker accepts as a key or a value (aws-facts §2.5).
const LEGAL_TEXT: &str = r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$";
static LEGAL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(LEGAL_TEXT).ok());

/// A Unicode class in a pattern, `\p{…}`. Its name is captured unless it is a general category.
static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let category = "L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfon]?";
    Regex::new(&format!(r"\\[pP]\{{(?:(?:{category})|([^}}]*))\}}")).ok()
});

/// The pattern that everybody writes for an address.
const ADDRESS: &str = ".+@.+";

/// The maximum size of a compiled pattern, in bytes. A larger one is a mistake. (No pattern is slow: matching takes time in proportion to the value's length.)
const PATTERN: usize = 1 << 20;

/// The minimum length of a required key for which a key with one wrong letter counts as nearly right.
const SLIPS_FROM: usize = 5;

/// How Cost Explorer, AWS Budgets and Cost and Usage Reports begin the keys of the tags that people set.
const ON_THE_BILL: [&str; 4] = ["user:", "resourcetags/", "resource_tags/", "resource_tags_"];

/// Why no resource has a tag of this key, for people: the bill alone has it, or spells it so. `None`: some may have it.
pub(crate) fn why_on_no_resource(key: &str) -> Option<String> {
    let key = key.trim();
    let lower = key.to_lowercase();
    if lower == "aws:createdby" {
        return Some(format!("`{key}`, which is on the bill only and on no resource: write a key that people set"));
    }
    ON_THE_BILL.iter().any(|start| lower.starts_with(start)).then(|| {
        let own = ON_THE_BILL.iter().fold(lower.as_str(), |own, start| own.strip_prefix(start).unwrap_or(own));
        let own = own.strip_prefix("user_").or_else(|| own.strip_prefix("user:")).unwrap_or(own);
        // The letters of the key as it is written: its end.
        let own = key.get(key.len().saturating_sub(own.len())..).unwrap_or(own);
        format!("`{key}`, as the bill spells it: write the key that resources have, such as `{own}`")
    })
}

/// Whether SageMaker accepts it as the key of a new tag: 1 to 128 legal characters, not beginning with `aws:`.
pub fn is_legal_key(key: &str) -> bool {
    (1..=128).contains(&key.chars().count()) && !is_aws(key) && is_legal(key)
}

/// Whether SageMaker accepts it as the value of a tag: at most 256 legal characters.
pub fn is_legal_value(value: &str) -> bool {
    value.chars().count() <= 256 && is_legal(value)
}

fn is_legal(text: &str) -> bool {
    LEGAL.as_ref().is_some_and(|legal| legal.is_match(text))
}

/// `required` of the tag rules: keys, each with a pattern for the whole value or a list of values. Empty: one of the policy's owner tags and one of its
/// team tags, each with any value.
#[derive(Clone, Debug, Default)]
pub struct Required(BTreeMap<String, Values>);

/// Which values are accepted.
#[derive(Clone, Debug)]
enum Values {
    Pattern { text: String, regex: Regex },
    OneOf(Vec<String>),
}

/// One required tag: one of these keys, with an accepted value.
#[derive(Clone, Copy, Debug)]
pub struct Requirement<'a> {
    /// Any of them is enough. The guard writes the first one.
    pub keys: &'a [String],
    /// `None`: any value that is not empty.
    values: Option<&'a Values>,
}

/// Whether a resource's tags meet a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met<'t> {
    /// One of the keys is there, with an accepted value.
    Right,
    /// This key is there, but this value is not accepted.
    Wrong(&'t str, &'t str),
    /// None of the keys is there.
    Missing,
}

impl Required {
    /// The requirements one by one.
    pub fn each<'a>(&'a self, policy: &'a Policy) -> Vec<Requirement<'a>> {
        if self.0.is_empty() {
            let keys = [&policy.owner_tags, &policy.team_tags].into_iter().filter(|keys| !keys.is_empty());
            return keys.map(|keys| Requirement::any_value(keys)).collect();
        }
        self.0.iter().map(|(key, values)| Requirement { keys: slice::from_ref(key), values: Some(values) }).collect()
    }

    /// Whether a key is required, or nearly the same as a required one.
    pub fn reads(&self, key: &str, policy: &Policy) -> bool {
        self.each(policy).iter().any(|wanted| wanted.keys.iter().any(|one| one == key) || wanted.is_nearly(key))
    }
}

impl<'a> Requirement<'a> {
    /// One of these keys, with any value that is not empty.
    pub const fn any_value(keys: &'a [String]) -> Self {
        Self { keys, values: None }
    }
    /// For people: `Owner or owner`.
    pub fn name(&self) -> String {
        self.keys.join(" or ")
    }

    /// The key that the guard writes.
    pub fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    /// For people: which values are accepted.
    pub fn wants(&self) -> String {
        match self.values {
            None => "any value".to_owned(),
            Some(Values::Pattern { text, .. }) if text == ".+" => "any value".to_owned(),
            Some(Values::Pattern { text, .. }) if text == ADDRESS => "an e-mail address".to_owned(),
            Some(Values::Pattern { text, .. }) => format!("a value of the pattern {text}"),
            Some(Values::OneOf(values)) => format!("one of {}", values.join(", ")),
        }
    }

    /// Whether a value is accepted.
    pub fn takes(&self, value: &str) -> bool {
        match self.values {
            None => !value.trim().is_empty(),
            Some(Values::Pattern { regex, .. }) => regex.is_match(value),
            Some(Values::OneOf(values)) => values.iter().any(|one| one == value),
        }
    }

    /// Whether these tags meet it.
    pub fn met_by<'t>(&self, tags: &'t BTreeMap<String, String>) -> Met<'t> {
        let there = || self.keys.iter().filter_map(|key| tags.get_key_value(key));
        match there().next() {
            None => Met::Missing,
            Some(_) if there().any(|(_, value)| self.takes(value)) => Met::Right,
            Some((key, value)) => Met::Wrong(key, value),
        }
    }

    /// A tag whose key is nearly one of these: `costcenter`, `Cost-Center`, `CostCentre` or `CostCenter ` for `CostCenter`. A tag with an accepted value is
    /// preferred.
    pub fn near_miss<'t>(&self, tags: &'t BTreeMap<String, String>) -> Option<(&'t str, &'t str)> {
        let near = || tags.iter().filter(|(key, _)| self.is_nearly(key)).map(|(key, value)| (key.as_str(), value.as_str()));
        near().find(|(_, value)| self.takes(value)).or_else(|| near().next())
    }

    fn is_nearly(&self, key: &str) -> bool {
        let plain_key = plain(key);
        let is_near = |wanted: &String| {
            let plain_wanted = plain(wanted);
            // `CostCenter2` is another key, not a misspelt `CostCenter`.
            let digits = |key: &str| key.chars().filter(char::is_ascii_digit).collect::<String>();
            let is_slip = || {
                SLIPS_FROM <= plain_wanted.len()
                    && digits(&plain_wanted) == digits(&plain_key)
                    && strsim::osa_distance(&plain_wanted, &plain_key) == 1
            };
            plain_wanted == plain_key || is_slip()
        };
        !self.keys.iter().any(|wanted| wanted == key) && !plain_key.is_empty() && self.keys.iter().any(is_near)
    }
}

/// Only the letters and digits of a key, in lower case.
pub(super) fn plain(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl fmt::Display for Requirement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wants().as_str() {
            "any value" => f.write_str(&self.name()),
            wants => write!(f, "{} ({wants})", self.name()),
        }
    }
}

impl Serialize for Required {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Required {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = deserializer.deserialize_map(Keys)?;
        if let Some(key) = keys.keys().find(|key| !is_legal_key(key)) {
            let why = if is_aws(key) { "AWS alone sets tags that begin with aws:" } else { "SageMaker takes no such key" };
            return Err(de::Error::custom(format!("`{key}` cannot be required: {why}")));
        }
        if let Some(why) = keys.keys().find_map(|key| why_on_no_resource(key)) {
            return Err(de::Error::custom(format!("`required` names {why}")));
        }
        Ok(Self(keys))
    }
}

impl JsonSchema for Required {
    fn schema_name() -> Cow<'static, str> {
        "Required".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "tag keys and their values",
            "type": "object",
            "propertyNames": { "pattern": LEGAL_TEXT, "minLength": 1, "maxLength": 128, "not": { "pattern": "^[Aa][Ww][Ss]:" } },
            "additionalProperties": {
                "type": ["string", "array"],
                "minItems": 1,
                "items": { "type": "string", "pattern": LEGAL_TEXT, "maxLength": 256 },
            },
            "examples": [{ "Owner": ".+@.+", "Team": ["nlp", "vision"] }],
        })
    }
}

/// Reads keys and their values. If something else is written, the error shows an example.
struct Keys;

impl<'de> de::Visitor<'de> for Keys {
    type Value = BTreeMap<String, Values>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with their values: { Owner = \".+@.+\", Team = [\"nlp\", \"vision\"] }")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map))
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pattern { text, .. } => text.serialize(serializer),
            Self::OneOf(values) => values.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected a pattern of the whole value, \"[A-Z]{2}[0-9]{4}\", or a list of values, [\"nlp\", \"vision\"]"
        )]
        enum Written {
            Pattern(String),
            OneOf(Vec<String>),
        }
        match Written::deserialize(deserializer)? {
            Written::Pattern(text) => {
                if let Some(class) = other_class(&text) {
                    return Err(de::Error::custom(format!(
                        "`{text}` is not a pattern: \\p{{{class}}} is not known: write a general category, for example \\p{{L}}"
                    )));
                }
                // The pattern is first compiled alone: `a)(b` would be accepted inside the parentheses that are added here.
                let whole = RegexBuilder::new(&text)
                    .size_limit(PATTERN)
                    .build()
                    .and_then(|_| RegexBuilder::new(&format!("^(?:{text})$")).size_limit(PATTERN).build());
                let regex =
                    whole.map_err(|error| de::Error::custom(format!("`{text}` is not a pattern: {}", last_line(&error.to_string()))))?;
                Ok(Self::Pattern { text, regex })
            }
            Written::OneOf(values) if values.is_empty() => Err(de::Error::custom("a list of no values: no tag could ever be right")),
            Written::OneOf(values) => match values.iter().find(|value| !is_legal_value(value)) {
                Some(value) => Err(de::Error::custom(format!("`{value}` is no value that SageMaker takes"))),
                None => Ok(Self::OneOf(values)),
            },
        }
    }
}

/// The name of a Unicode class in the pattern that is not a general category, such as `\p{Greek}`. The functions are built without the tables for these.
/// A build with the features of the tests has them, and must not accept a pattern that a function refuses.
fn other_class(pattern: &str) -> Option<&str> {
    CLASS.as_ref()?.captures_iter(pattern).find_map(|class| class.get(1)).map(|class| class.as_str())
}

/// The reason in a regex error: its last line. The lines before it show the pattern with a caret under the place.
fn last_line(error: &str) -> &str {
    error.lines().last().map_or(error, |line| line.strip_prefix("error: ").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(text: &str) -> Required {
        let policy: toml::Table = toml::from_str(text).unwrap();
        policy["required"].clone().try_into().unwrap()
    }

    fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_are_patterns_of_the_whole_or_lists() {
        let policy = Policy::from_toml("").unwrap();
        let required = required(r#"required = { CostCenter = "[A-Z]{2}[0-9]{4}|none", Team = ["nlp", "vision"] }"#);
        let [cost_center, team] = required.each(&policy)[..] else { panic!("two") };
        for (of, value, right) in [
            (cost_center, "AB1234", true),
            (cost_center, "none", true),
            (cost_center, "AB12345", false),
            (cost_center, " AB1234", false),
            (cost_center, "AB1234 or none", false),
            (cost_center, "", false),
            (team, "nlp", true),
            (team, "NLP", false),
        ] {
            assert_eq!(of.takes(value), right, "{value}");
        }
        assert_eq!(team.to_string(), "Team (one of nlp, vision)");
    }

    #[test]
    fn without_required_keys_an_owner_and_a_team_are_wanted() {
        let policy = Policy::from_toml("owner-tags = [\"Owner\", \"owner\"]\nteam-tags = [\"Team\"]").unwrap();
        let required = Required::default();
        let [owner, team] = required.each(&policy)[..] else { panic!("two") };
        assert_eq!((owner.name().as_str(), owner.key(), team.name().as_str()), ("Owner or owner", "Owner", "Team"));
        assert_eq!(owner.met_by(&tags(&[("Owner", " "), ("owner", "ann")])), Met::Right, "any of them will do");
        assert_eq!(owner.met_by(&tags(&[("Owner", "")])), Met::Wrong("Owner", ""));
        assert_eq!(owner.met_by(&tags(&[("OWNER", "ann")])), Met::Missing);
    }

    #[test]
    fn a_key_that_is_nearly_right_is_known() {
        let policy = Policy::from_toml("").unwrap();
        let required = required(r#"required = { CostCenter = "[A-Z]{2}[0-9]{4}", Team = ".+" }"#);
        let [cost_center, team] = required.each(&policy)[..] else { panic!("two") };
        for (of, key, near) in [
            (cost_center, "costcenter", true),
            (cost_center, "Cost-Center", true),
            (cost_center, "cost_center ", true),
            (cost_center, "CostCenter ", true),
            (cost_center, "CostCentre", true),
            (cost_center, "CostCenters", true),
            (cost_center, "CostCenter", false),
            (cost_center, "Cost", false),
            (cost_center, "CostCenter2", false),
            (team, "TEAM", true),
            (team, "Term", false),
            (team, "Teams", false),
            (team, "-", false),
        ] {
            assert_eq!(of.near_miss(&tags(&[(key, "AB1234")])).is_some(), near, "{key} for {}", of.name());
            assert!(!near || required.reads(key, &policy), "{key}");
        }
        let two = tags(&[("Cost-Center", "?"), ("costcenter", "AB1234")]);
        assert_eq!(cost_center.near_miss(&two), Some(("costcenter", "AB1234")), "the one that is of use");
    }

    #[test]
    fn what_cannot_be_required_is_refused_with_the_reason() {
        for (written, says) in [
            (r#"{ "aws:createdBy" = ".+" }"#, "AWS alone sets tags that begin with aws:"),
            (r#"{ "user:Team" = ".+" }"#, "`user:Team`, as the bill spells it: write the key that resources have, such as `Team`"),
            (r#"{ "cost;center" = ".+" }"#, "SageMaker takes no such key"),
            ("{ Team = [] }", "no tag could ever be right"),
            (r#"{ Team = ["a;b"] }"#, "`a;b` is no value that SageMaker takes"),
            (r#"{ Team = "[a-z" }"#, "`[a-z` is not a pattern: unclosed character class"),
            (r#"{ Team = "(a{1000}){1000}" }"#, "is not a pattern"),
            (r#"{ Team = "(?=a)b" }"#, "look-around"),
            (r"{ Team = '[\p{L}\p{Greek}]+' }", r"\p{Greek} is not known"),
            ("{ Team = 3 }", "expected a pattern of the whole value"),
        ] {
            let table: toml::Table = toml::from_str(&format!("required = {written}")).unwrap();
            let error = table["required"].clone().try_into::<Required>().unwrap_err().to_string();
            assert!(error.contains(says), "{written}: {error}");
        }
    }

    #[test]
    fn a_pattern_that_backtracks_for_ever_elsewhere_takes_no_time_here() {
        let policy = Policy::from_toml("").unwrap();
        let required = required(r#"required = { Team = "(a+)+b" }"#);
        assert!(!required.each(&policy)[0].takes(&"a".repeat(256)));
    }

    #[test]
    fn legal_is_what_sagemaker_takes() {
        for (text, legal) in [
            ("ann@example.com", true),
            ("Zoë Ünal", true),
            ("a+b=c/d:e.f_g-h", true),
            ("a,b", false),
            ("a;b", false),
            ("(a)", false),
            ("a\tb", false),
        ] {
            assert_eq!((is_legal_value(text), is_legal_key(text)), (legal, legal), "{text}");
        }
        assert!(is_legal_value("") && !is_legal_key("") && !is_legal_key("aws:x") && !is_legal_value(&"a".repeat(257)));
    }
}
