//! Reads TOML; each error has its line and its key.

use std::{collections::BTreeMap, fmt, ops::Range, sync::LazyLock};

use jiff::civil::Date;
use regex::Regex;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::vocabulary::{
    price::Usd,
    spelling::nearest,
    text::{is_alike, lines},
};

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The line, from 1. `None`: not known.
    pub line: Option<usize>,
    /// What is wrong and what was expected, with the name of the key.
    pub message: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", shown(&self.message)),
            None => f.write_str(&shown(&self.message)),
        }
    }
}

/// The message for a terminal or a log: names in it are those that somebody wrote.
fn shown(message: &str) -> String {
    lines(&message.replace(['\n', '\r'], " "))
}

impl std::error::Error for PolicyError {}

/// The text of a policy file.
///
/// # Errors
/// It is not in UTF-8. The message says how to save it.
pub fn text_of(file: Vec<u8>) -> Result<String, PolicyError> {
    let is_utf_16 = file.starts_with(&[0xff, 0xfe]) || file.starts_with(&[0xfe, 0xff]) || file.iter().take(2).any(|byte| *byte == 0);
    let encoding = if is_utf_16 { "is in UTF-16" } else { "is not in UTF-8" };
    let error = || PolicyError { line: None, message: format!("the file {encoding}: save it as UTF-8 in your editor") };
    let text = String::from_utf8(file).ok().filter(|_| !is_utf_16).ok_or_else(error)?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// The key before this place on the same line.
fn key_of_line(text: &str, at: usize) -> Option<&str> {
    let line = text.get(..at)?.rsplit('\n').next()?;
    let (before, after) = line.rsplit_once('=')?;
    // After `team = "x", ` comes the next key, after `days = ["x", ` the next value.
    if after.contains(',') && !after.trim_start().starts_with('[') {
        return None;
    }
    let key = before.rsplit(['{', ',', '=']).next()?.trim().trim_matches('"');
    (!key.is_empty()).then_some(key)
}

/// An error with its place in the text.
#[derive(PartialEq)]
pub(crate) struct Wrong {
    span: Option<Range<usize>>,
    message: String,
    /// Each key is valid by itself, but two keys contradict each other or one is missing. If another key is wrong, this error may be caused by it.
    pub(crate) is_contradiction: bool,
}

impl Wrong {
    /// Where it begins in the text, in bytes.
    pub(crate) fn at(&self) -> Option<usize> {
        self.span.as_ref().map(|span| span.start)
    }

    /// The same at this place, if its own is not known.
    pub(crate) fn at_least(self, span: Range<usize>) -> Self {
        Self { span: self.span.or(Some(span)), ..self }
    }

    /// The error with its line in this text, and with its key if the message does not name it.
    pub(crate) fn in_text(self, text: &str) -> PolicyError {
        let Self { span, message, .. } = self;
        let is_named = |key: &&str| message.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_')).any(|word| word == *key);
        let key = span
            .as_ref()
            .and_then(|span| key_of_line(text, span.start))
            .filter(|key| !is_named(key) && !message.contains(&format!("`{key}`")));
        PolicyError {
            line: span.map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()),
            message: key.map_or(message.clone(), |key| format!("`{key}`: {message}")),
        }
    }
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self { span: error.span(), message: plain(&error.message().lines().collect::<Vec<_>>().join("; ")), is_contradiction: false }
    }
}

/// A message of the deserializer in TOML's words.
fn plain(message: &str) -> String {
    [
        ("invalid type: map", "invalid type: table"),
        ("invalid type: sequence", "invalid type: list"),
        ("expected a sequence", "expected a list: [\"…\"]"),
        ("expected a map", "expected a table: { … }"),
    ]
    .iter()
    .fold(message.to_owned(), |text, (serdes, tomls)| text.replace(serdes, tomls))
}

pub(crate) fn wrong<T>(span: Range<usize>, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { span: Some(span), message: message.into(), is_contradiction: false })
}

pub(crate) fn contradiction<T>(span: Range<usize>, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { span: Some(span), message: message.into(), is_contradiction: true })
}

pub(crate) type Table<'i> = Spanned<DeTable<'i>>;

/// Reads a name that is not empty. Spaces around it are removed.
pub(crate) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Err(de::Error::custom("is empty: leave it out, or write a name")),
        name => Ok(Some(name.to_owned())),
    }
}

/// The form of a day, as a regular expression.
pub(crate) const DAY: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// Reads a day: `2026-12-25`. A day with a time is none, because the time would not count.
pub(crate) fn day(text: &str) -> Option<Date> {
    let is_plain = text.len() == 10 && text.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    text.parse().ok().filter(|_| is_plain)
}

/// The value of `team` for a budget that is for all teams.
pub(super) const EVERY_TEAM: &str = "*";

/// What makes a pattern or a list of a text. No tag of `SageMaker` has one of them in its value, so no team has.
const MARKS: [char; 7] = ['*', '?', '[', '{', ',', ';', '|'];

/// The form of a team's name without [`MARKS`], as a regular expression.
pub(crate) const TEAM: &str = r"^[^*?\[{,;|]*[^*?\[{,;|\s][^*?\[{,;|]*$";

/// Reads a team's name, or `*` for all teams. Spaces around it are removed.
pub(crate) fn team<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match name(deserializer)? {
        Some(team) if team != EVERY_TEAM && team.contains(MARKS) => Err(de::Error::custom(format!(
            "`team` is `{team}`, which is no name of a team: write one [[budget]] per team, or team = \"*\" for all teams"
        ))),
        team => Ok(team),
    }
}

/// Reads what belongs to teams. Teams are compared without case and blanks, so that a team of two spellings would be two in the policy and one elsewhere.
pub(crate) fn by_team<'de, D: Deserializer<'de>, V: Deserialize<'de>>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error> {
    let teams = BTreeMap::<String, V>::deserialize(deserializer)?;
    let names: Vec<&String> = teams.keys().collect();
    if names.iter().any(|name| name.trim().is_empty()) {
        return Err(de::Error::custom("the name of a team is empty: leave it out, or write a name"));
    }
    if let Some(name) = names.iter().find(|name| name.contains(MARKS)) {
        return Err(de::Error::custom(format!(
            "`{name}` is no name of a team: no pattern and no list stands here: write one line per team. What is for all teams stands in `default` and `holidays`"
        )));
    }
    let twice = names
        .iter()
        .enumerate()
        .find_map(|(number, name)| names[..number].iter().find(|other| is_alike(other, name)).map(|other| (other, name)));
    match twice {
        Some((one, other)) => Err(de::Error::custom(format!("`{one}` and `{other}` are the same team: leave one out"))),
        None => Ok(teams),
    }
}

/// Reads a pattern that is not empty. Spaces around it are removed.
pub(crate) fn filled_glob(value: &Spanned<DeValue<'_>>) -> Result<globset::GlobMatcher, Wrong> {
    match value.get_ref() {
        DeValue::String(pattern) if pattern.trim().is_empty() => {
            wrong(value.span(), "a pattern is empty: leave it out, or write for example \"prod*\"")
        }
        _ => glob(value),
    }
}

/// Reads a pattern. Spaces around it are removed.
pub(crate) fn glob(value: &Spanned<DeValue<'_>>) -> Result<globset::GlobMatcher, Wrong> {
    let DeValue::String(pattern) = value.get_ref() else { return wrong(value.span(), "a pattern is a text: \"prod*\"") };
    // AWS writes names in lower case in some ARNs, and people spell tags in many ways.
    match globset::GlobBuilder::new(pattern.trim()).case_insensitive(true).build() {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => wrong(value.span(), format!("`{pattern}` is not a pattern: {}", error.kind())),
    }
}

pub(crate) fn table<'i>(value: &Spanned<DeValue<'i>>, key: &str) -> Result<Table<'i>, Wrong> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(Spanned::new(value.span(), table.clone())),
        _ => wrong(value.span(), format!("`{key}` is a section, not a single value")),
    }
}

pub(crate) fn tables<'i>(value: &Spanned<DeValue<'i>>, key: &str) -> Result<BTreeMap<String, Table<'i>>, Wrong> {
    let sections = table(value, key)?;
    sections
        .get_ref()
        .iter()
        .map(|(name, value)| {
            let mut section = table(value, &format!("{key}.{}", name.get_ref()))?;
            // The span of a table of dotted keys is of no use in an error, so that of its name is taken.
            section = Spanned::new(name.span(), section.into_inner());
            Ok((name.get_ref().to_string(), section))
        })
        .collect()
}

pub(crate) fn only_known_keys<'k>(table: &DeTable<'_>, section: &str, known: impl IntoIterator<Item = &'k str>) -> Result<(), Wrong> {
    let known: Vec<&str> = known.into_iter().collect();
    match table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
        Some(key) => wrong(key.span(), format!("`{}` is not a key of {section}{}", key.get_ref(), nearest_or_newer(key.get_ref(), &known))),
        None => Ok(()),
    }
}

/// [`nearest`], but if no known name is similar, it also says that a newer version may know the name: a policy may be stored before that version is deployed.
pub(crate) fn nearest_or_newer(name: &str, known: &[&str]) -> String {
    let near = nearest(name, known);
    let hint = concat!("; this is version ", env!("CARGO_PKG_VERSION"), " of the guard: if a newer one knows it, deploy that first");
    if near.ends_with('?') { near } else { format!("{near}{hint}") }
}

/// Reads a pattern such as `ml-dev*`. Spaces around it are removed.
pub(crate) fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<globset::GlobMatcher, D::Error> {
    let text = String::deserialize(deserializer)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(de::Error::custom("is empty: write for example \"ml-dev*\""));
    }
    let glob = globset::GlobBuilder::new(text).case_insensitive(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| de::Error::custom(format!("`{text}` is not a pattern: {}", error.kind())))
}

/// Whether a pattern matches a name, or is the name itself: `[ML] monthly`.
pub(crate) fn is_named(pattern: &globset::GlobMatcher, name: &str) -> bool {
    pattern.is_match(name) || is_written(pattern, name)
}

/// Whether a pattern is this name, letter by letter.
pub(crate) fn is_written(pattern: &globset::GlobMatcher, name: &str) -> bool {
    pattern.glob().glob().to_lowercase() == name.trim().to_lowercase()
}

/// The form of an instance type's name, with one of AWS's sizes at its end: a type that is spelled otherwise never gets its price.
pub(crate) const INSTANCE_TYPE: &str = r"^ml\.[a-z0-9-]+\.(nano|micro|small|medium|large|[0-9]*xlarge|metal(-[0-9a-z]+)?)$";

/// Reads USD per hour by instance type.
pub(crate) fn hourly<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Decimal>, D::Error> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(INSTANCE_TYPE).ok());
    let prices = BTreeMap::<String, Usd>::deserialize(deserializer)?;
    match prices.keys().find(|name| !FORM.as_ref().is_some_and(|form| form.is_match(name))) {
        Some(name) => Err(de::Error::custom(format!(
            "`{name}` is not an instance type of SageMaker: write it as AWS does, with its size, for example \"ml.m5.xlarge\""
        ))),
        None => Ok(prices.into_iter().map(|(name, usd)| (name, usd.0)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn a_pattern_or_a_list_of_teams_was_the_name_of_none() {
        const EACH: &str = "write one line per team";
        for (text, says) in [
            ("[working-hours.teams]\n\"vision*\" = \"always\"", EACH),
            ("[working-hours.teams]\n\"nlp, churn\" = \"always\"", EACH),
            ("[working-hours.teams]\n\"{nlp,churn}\" = \"always\"", EACH),
            ("[working-hours.teams]\n\"nlp|churn\" = \"always\"", EACH),
            ("[working-hours.teams]\n\"*\" = \"always\"", "What is for all teams stands in `default`"),
            ("[working-hours.team-holidays]\n\"*\" = [\"2026-12-24\"]", "and `holidays`"),
            ("[working-hours.team-holidays]\n\"visio?\" = [\"2026-12-24\"]", EACH),
            ("[[budget]]\nname = \"a\"\nteam = \"vision*\"", "write one [[budget]] per team"),
            ("[[budget]]\nname = \"a\"\nteam = \"nlp, churn\"", "or team = \"*\" for all teams"),
            ("[[budget]]\nname = \"a\"\nteam = \"[Vv]ision\"", "`[Vv]ision`, which is no name of a team"),
        ] {
            let error = Policy::from_toml(text).err().unwrap_or_else(|| panic!("{text} was accepted")).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        for text in [
            "[working-hours.teams]\n\"Data Science\" = \"always\"\n\"R&D\" = \"never\"\n\"ml/vision (eu)\" = \"always\"",
            "[[budget]]\nname = \"a\"\nteam = \" * \"",
            "[[budget]]\nname = \"a\"\nteam = \"R&D\"",
        ] {
            assert!(Policy::from_toml(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_price_of_no_instance_type_is_refused() {
        #[derive(Debug, Deserialize)]
        struct Section {
            #[serde(deserialize_with = "hourly")]
            hourly: BTreeMap<String, Decimal>,
        }
        let read = |name: &str| toml::from_str::<Section>(&format!("hourly = {{ \"{name}\" = 1 }}"));
        for name in [
            "ml.m5.xlarge",
            "ml.t3.nano",
            "ml.p4de.24xlarge",
            "ml.p6-b200.48xlarge",
            "ml.u-6tb1.112xlarge",
            "ml.c9g.metal-24xl",
            "ml.new.large",
        ] {
            assert!(read(name).unwrap().hourly.contains_key(name), "{name}");
        }
        for name in [
            "ml.m5.xlarge ",
            " ml.m5.xlarge",
            "ml.M5.xlarge",
            "ML.m5.xlarge",
            "ml.m5.XLarge",
            "ml.m5.*",
            "ml.m5",
            "ml.m5.",
            "ml..xlarge",
            "ml.m5.xlarge/hosting",
            "ml.m5.xlrage",
            "ml.m5.4xlarge2",
            "ml.m5-xlarge",
            "m5.xlarge",
            "",
        ] {
            let error = read(name).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}` is not an instance type of SageMaker")), "{name}: {error}");
        }
    }

    #[test]
    fn a_file_in_another_encoding_is_refused_with_what_to_do() {
        let utf_16 = |order: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        for (file, says) in [
            (b"max-actions = 3".to_vec(), Ok("max-actions = 3")),
            (b"\xef\xbb\xbfmax-actions = 3".to_vec(), Ok("max-actions = 3")),
            ("owner-tags = [\"Eigent\u{fc}mer\"]".into(), Ok("owner-tags = [\"Eigent\u{fc}mer\"]")),
            (vec![], Ok("")),
            (utf_16(u16::to_le_bytes, "\u{feff}max-actions = 3"), Err("the file is in UTF-16: save it as UTF-8")),
            (utf_16(u16::to_be_bytes, "\u{feff}max-actions = 3"), Err("the file is in UTF-16: save it as UTF-8")),
            (utf_16(u16::to_le_bytes, "max-actions = 3"), Err("the file is in UTF-16")),
            (utf_16(u16::to_be_bytes, "max-actions = 3"), Err("the file is in UTF-16")),
            (b"owner-tags = [\"Eigent\xfcmer\"]".to_vec(), Err("the file is not in UTF-8: save it as UTF-8")),
        ] {
            match (text_of(file), says) {
                (Ok(text), Ok(read)) => assert_eq!(text, read),
                (Err(error), Err(says)) => assert!(error.to_string().starts_with(says), "{error}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
