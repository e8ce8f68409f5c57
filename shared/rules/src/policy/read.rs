//! The policy's TOML. A key that is not known, a value of the wrong form, a contradiction: each is an error with its line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    sync::OnceLock,
};

use jiff::{civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Billing, BudgetPolicy, CommonSettings, ConfiguredRule, Coverage, Creators, Exemption, Match, Override, Policy, PriceOverrides, RuleSet,
};
use crate::{
    duration::Duration,
    facts::Kind,
    finding::Mode,
    price::Usd,
    rules::{self, Entry},
    schedule::{Calendar, Schedule, zone_named},
};

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong and what was expected; names the key.
    pub message: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for PolicyError {}

/// Everything but the rules and the overrides.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct General {
    #[serde(deserialize_with = "zone")]
    timezone: TimeZone,
    owner_tags: Vec<String>,
    team_tags: Vec<String>,
    max_actions: u32,
    remind_after: Duration,
    working_hours: WorkingHours,
    exemption: Exemption,
    prices: PriceOverrides,
    creators: Creators,
    billing: Billing,
    coverage: Coverage,
    budget: Vec<BudgetPolicy>,
}

impl Default for General {
    fn default() -> Self {
        Self {
            timezone: TimeZone::UTC,
            owner_tags: vec!["Owner".into(), "owner".into()],
            team_tags: vec!["Team".into(), "team".into(), "CostCenter".into()],
            max_actions: 25,
            remind_after: Duration::days(7),
            working_hours: WorkingHours::default(),
            exemption: Exemption::default(),
            prices: PriceOverrides::default(),
            creators: Creators::default(),
            billing: Billing::default(),
            coverage: Coverage::default(),
            budget: vec![],
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WorkingHours {
    default: Option<Schedule>,
    teams: BTreeMap<String, Schedule>,
    #[serde(deserialize_with = "days")]
    holidays: BTreeSet<Date>,
}

/// The keys that every `[rules.x]` has, beside the rule's own.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Common {
    mode: RuleMode,
    grace: Option<Duration>,
    remind_after: Option<Duration>,
    escalate_after: Option<Duration>,
    max_actions: Option<u32>,
}

impl Default for Common {
    fn default() -> Self {
        Self { mode: RuleMode::Report, grace: None, remind_after: None, escalate_after: None, max_actions: None }
    }
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RuleMode {
    Report,
    Enforce,
    Off,
}

const COMMON_KEYS: [&str; 5] = ["mode", "grace", "remind-after", "escalate-after", "max-actions"];
const GENERAL_KEYS: [&str; 14] = [
    "timezone",
    "owner-tags",
    "team-tags",
    "max-actions",
    "remind-after",
    "working-hours",
    "exemption",
    "prices",
    "creators",
    "billing",
    "coverage",
    "budget",
    "rules",
    "override",
];
const SECTION_KEYS: [(&str, &[&str]); 6] = [
    ("working-hours", &["default", "teams", "holidays"]),
    ("exemption", &["max", "allow-always"]),
    ("prices", &["hourly", "notebook-volume-gb-month"]),
    ("creators", &["email-domain", "not-people"]),
    ("billing", &["services"]),
    ("coverage", &["bucket", "prefix", "metrics"]),
];

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its line, key and what was expected.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        read(text).map_err(|Wrong { span, message }| {
            let key = span.as_ref().and_then(|span| key_of_line(text, span.start)).filter(|key| !message.contains(key));
            PolicyError {
                line: span.map(|span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()),
                message: key.map_or(message.clone(), |key| format!("`{key}`: {message}")),
            }
        })
    }
}

/// The key that stands before this place on its line.
fn key_of_line(text: &str, at: usize) -> Option<&str> {
    let line = text.get(..at)?.rsplit('\n').next()?;
    let (before, _) = line.rsplit_once('=')?;
    let key = before.rsplit(['{', ',', '=']).next()?.trim().trim_matches('"');
    (!key.is_empty()).then_some(key)
}

/// An error with its place in the text.
struct Wrong {
    span: Option<Range<usize>>,
    message: String,
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self { span: error.span(), message: error.message().lines().collect::<Vec<_>>().join("; ") }
    }
}

fn wrong<T>(span: Range<usize>, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { span: Some(span), message: message.into() })
}

type Table<'i> = Spanned<DeTable<'i>>;

fn read(text: &str) -> Result<Policy, Wrong> {
    let mut root = DeTable::parse(text)?;
    only_known_keys(root.get_ref(), "the policy", GENERAL_KEYS)?;
    for (section, keys) in SECTION_KEYS {
        if let Some(value) = root.get_ref().get(section) {
            only_known_keys(table(value, section)?.get_ref(), &format!("[{section}]"), keys.iter().copied())?;
        }
    }
    let rules = match root.get_mut().remove("rules") {
        Some(value) => tables(&value, "rules")?,
        None => BTreeMap::new(),
    };
    let overrides = root.get_mut().remove("override");
    let mut budgets_at = vec![];
    if let Some(value) = root.get_ref().get("budget") {
        let DeValue::Array(items) = value.get_ref() else { return wrong(value.span(), "`budget` is a list: write [[budget]]") };
        for item in items {
            only_known_keys(table(item, "budget")?.get_ref(), "[[budget]]", ["name", "owner", "team", "on-exceed"])?;
            budgets_at.push(item.span());
        }
    }
    let place = |key: &str| root.get_ref().get(key).map(Spanned::span).unwrap_or_default();
    let (max_actions_at, remind_after_at, owner_tags_at) = (place("max-actions"), place("remind-after"), place("owner-tags"));
    let within = |section: &str, key: &str| match root.get_ref().get(section).map(Spanned::get_ref) {
        Some(DeValue::Table(table)) => table.get(key).map(Spanned::span).unwrap_or_default(),
        _ => 0..0,
    };
    let (creators_at, coverage_at) = (within("creators", "email-domain"), within("coverage", "bucket"));
    let general = General::deserialize(toml::Deserializer::from(root))?;
    if general.max_actions == 0 {
        return wrong(max_actions_at, NO_ACTIONS);
    }
    often_enough(general.remind_after, remind_after_at)?;
    if general.owner_tags.iter().all(String::is_empty) {
        return wrong(owner_tags_at, "`owner-tags` names no tag: nobody would ever be mailed: write for example [\"Owner\"]");
    }

    if let Some(domain) = general.creators.email_domain.as_ref().filter(|domain| domain.contains('@') || !domain.contains('.')) {
        return wrong(creators_at, format!("`email-domain` is `{domain}`: write what stands behind the @, for example \"example.com\""));
    }
    if let Some(bucket) = general.coverage.bucket.as_ref().filter(|bucket| !is_bucket(bucket)) {
        return wrong(coverage_at, format!("`bucket` is `{bucket}`: write the name of an S3 bucket alone, for example \"finops-reports\""));
    }
    let read_set = |over: &BTreeMap<String, Table<'_>>| -> Result<RuleSet, Wrong> {
        only_known_rules(&rules)?;
        only_known_rules(over)?;
        let read = rules::ALL.iter().filter_map(|entry| rule(entry, [&rules, over], &general).transpose());
        Ok(RuleSet(read.collect::<Result<_, _>>()?))
    };
    let mut policy_overrides = vec![];
    if let Some(value) = overrides {
        let DeValue::Array(items) = value.get_ref() else { return wrong(value.span(), "`override` is a list: write [[override]]") };
        for item in items {
            let (matches, rules) = one_override(&table(item, "override")?)?;
            policy_overrides.push(Override { matches, rules: read_set(&rules)? });
        }
    }
    let rules = read_set(&BTreeMap::new())?;
    for (place, (one, at)) in general.budget.iter().zip(budgets_at).enumerate() {
        let covers = |before: &&BudgetPolicy| ["*", "**", one.name.glob().glob()].contains(&before.name.glob().glob());
        if let Some(before) = general.budget.iter().take(place).find(covers) {
            return wrong(
                at,
                format!("this [[budget]] never applies: one before it, `{}`, matches all of its names", before.name.glob().glob()),
            );
        }
        on_exceed_can_be(one, &rules, at)?;
    }
    let default_hours = || "mon-fri/08:00-19:00".parse().unwrap_or_else(|_| Schedule::always());
    Ok(Policy {
        calendar: Calendar { zone: general.timezone, holidays: general.working_hours.holidays },
        owner_tags: general.owner_tags,
        team_tags: general.team_tags,
        hours: general.working_hours.default.unwrap_or_else(default_hours),
        team_hours: general.working_hours.teams,
        exemption: general.exemption,
        prices: general.prices,
        creators: general.creators,
        billing: general.billing,
        coverage: general.coverage,
        budgets: general.budget,
        rules,
        overrides: policy_overrides,
        prices_read: OnceLock::new(),
    })
}

/// One rule with its settings, the override's over the policy's; `None` if it is off.
fn rule(entry: &Entry, sections: [&BTreeMap<String, Table<'_>>; 2], general: &General) -> Result<Option<ConfiguredRule>, Wrong> {
    let section = format!("[rules.{}]", entry.name);
    let mut merged = DeTable::new();
    let mut span = 0..0;
    if let Some((of, key)) = entry.shares {
        let written = sections.iter().rev().find_map(|layer| layer.get(of)?.get_ref().get_key_value(key));
        merged.extend(written.map(|(key, value)| (key.clone(), value.clone())));
    }
    for layer in sections.iter().filter_map(|layer| layer.get(entry.name)) {
        span = layer.span();
        for (key, value) in layer.get_ref() {
            // The key of the later layer goes in with its place in the text.
            merged.remove(key.get_ref().as_ref());
            merged.insert(key.clone(), value.clone());
        }
    }
    let own = (entry.defaults)();
    only_known_keys(&merged, &section, COMMON_KEYS.into_iter().chain(own.keys().map(String::as_str)))?;
    let mut shared = DeTable::new();
    for key in COMMON_KEYS {
        if let Some((key, value)) = merged.remove_entry(key) {
            shared.insert(key, value);
        }
    }
    let mode_at = shared.get("mode").map_or_else(|| span.clone(), Spanned::span);
    let max_at = shared.get("max-actions").map(Spanned::span);
    let remind_at = shared.get("remind-after").map(Spanned::span);
    let common = Common::deserialize(toml::Deserializer::from(Spanned::new(span.clone(), shared)))?;
    let check = (entry.read)(Spanned::new(span.clone(), merged))?;
    if let (Some(0), Some(at)) = (common.max_actions, max_at) {
        return wrong(at, NO_ACTIONS);
    }
    if let (Some(remind_after), Some(at)) = (common.remind_after, remind_at) {
        often_enough(remind_after, at)?;
    }
    let mode = match common.mode {
        RuleMode::Off => return Ok(None),
        _ if check.nonsense().is_some() => return wrong(span, format!("{section}: {}", check.nonsense().unwrap_or_default())),
        RuleMode::Report => Mode::Report,
        RuleMode::Enforce if entry.enforceable => {
            if let Some(lacks) = check.lacks() {
                return wrong(mode_at, format!("{section} is to be enforced, but {lacks}"));
            }
            Mode::Enforce
        }
        RuleMode::Enforce => {
            return wrong(mode_at, format!("{section} cannot be enforced, it only reports: write mode = \"report\" or \"off\""));
        }
    };
    let common = CommonSettings {
        mode,
        grace: common.grace.unwrap_or(entry.grace),
        remind_after: common.remind_after.or(entry.remind_after).unwrap_or(general.remind_after),
        escalate_after: common.escalate_after.or(entry.escalate_after),
        told_together: entry.told_together,
        tells_kept: entry.tells_kept,
        max_actions: common.max_actions.unwrap_or(general.max_actions),
    };
    Ok(Some(ConfiguredRule { name: entry.name, common, check }))
}

const NO_ACTIONS: &str = "`max-actions` is 0: write mode = \"report\" for what must not act";

/// AWS's naming rules, without the rarer ones.
fn is_bucket(name: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|c| is_plain(c) || matches!(c, b'-' | b'.'))
        && [name.bytes().next(), name.bytes().last()].into_iter().flatten().all(is_plain)
}

/// A reminder in every run would be a mail every few minutes.
fn often_enough(remind_after: Duration, at: Range<usize>) -> Result<(), Wrong> {
    if remind_after < Duration::hours(1) {
        return wrong(at, format!("`remind-after` is {remind_after}: an hour is the least, a week is usual"));
    }
    Ok(())
}

/// What is off cannot be enforced, nor should anything be stopped because of a budget of which nobody hears.
fn on_exceed_can_be(budget: &BudgetPolicy, rules: &RuleSet, at: Range<usize>) -> Result<(), Wrong> {
    let is_on = |name: &str| rules.0.iter().any(|rule| rule.name == name);
    match budget.on_exceed.filter(|what| !what.rules().iter().any(|rule| is_on(rule))) {
        Some(what) => {
            let rules = what.rules().join(" and ");
            wrong(
                at,
                format!(
                    "this [[budget]] has an `on-exceed` that enforces {rules}, but the policy says mode = \"off\" there: write mode = \"report\""
                ),
            )
        }
        None if budget.on_exceed.is_some() && !is_on("budget-exceeded") => {
            wrong(at, "this [[budget]] has an `on-exceed`, but budget-exceeded is off: nobody would hear why something is stopped")
        }
        None => Ok(()),
    }
}

/// A name that is not empty; the spaces around it are a slip.
pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Err(de::Error::custom("is empty: leave it out, or write a name")),
        name => Ok(Some(name.to_owned())),
    }
}

fn one_override<'i>(item: &Table<'i>) -> Result<(Match, BTreeMap<String, Table<'i>>), Wrong> {
    let whole = item.span();
    only_known_keys(item.get_ref(), "[[override]]", ["match", "rules"])?;
    let Some(matching) = item.get_ref().get("match") else {
        return wrong(whole, "this [[override]] has no `match`: write for example match = { tag.Environment = \"prod*\" }");
    };
    let Some(rules) = item.get_ref().get("rules") else {
        return wrong(whole, CHANGES_NOTHING);
    };
    if table(rules, "rules")?.get_ref().is_empty() {
        return wrong(rules.span(), CHANGES_NOTHING);
    }
    let matching = table(matching, "match")?;
    only_known_keys(matching.get_ref(), "`match`", ["tag", "team", "name", "kind"])?;
    let mut matches = Match::default();
    for (key, value) in matching.get_ref() {
        match key.get_ref().as_ref() {
            "team" => matches.team = Some(glob(value)?),
            "name" => matches.name = Some(glob(value)?),
            "kind" => matches.kind = Some(kinds(value)?),
            _ => {
                for (tag, pattern) in table(value, "match.tag")?.get_ref() {
                    matches.tags.push((tag.get_ref().to_string(), glob(pattern)?));
                }
            }
        }
    }
    if matches.tags.is_empty() && matches.team.is_none() && matches.name.is_none() && matches.kind.is_none() {
        return wrong(matching.span(), "this `match` names nothing: write for example match = { team = \"research\" }");
    }
    Ok((matches, tables(rules, "rules")?))
}

const CHANGES_NOTHING: &str = "this [[override]] changes nothing: write for example rules.notebook-off-hours.mode = \"report\"";

/// A pattern that at least one kind of resource matches.
fn kinds(value: &Spanned<DeValue<'_>>) -> Result<globset::GlobMatcher, Wrong> {
    let glob = glob(value)?;
    if Kind::ALL.iter().any(|kind| glob.is_match(kind.as_str())) {
        return Ok(glob);
    }
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    wrong(value.span(), format!("`{}` is no kind of resource{}", glob.glob(), nearest(glob.glob().glob(), &known)))
}

fn glob(value: &Spanned<DeValue<'_>>) -> Result<globset::GlobMatcher, Wrong> {
    let DeValue::String(pattern) = value.get_ref() else { return wrong(value.span(), "a pattern is a text: \"prod*\"") };
    match globset::Glob::new(pattern) {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => wrong(value.span(), format!("`{pattern}` is not a pattern: {}", error.kind())),
    }
}

fn table<'i>(value: &Spanned<DeValue<'i>>, key: &str) -> Result<Table<'i>, Wrong> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(Spanned::new(value.span(), table.clone())),
        _ => wrong(value.span(), format!("`{key}` is a section, not a single value")),
    }
}

fn tables<'i>(value: &Spanned<DeValue<'i>>, key: &str) -> Result<BTreeMap<String, Table<'i>>, Wrong> {
    let sections = table(value, key)?;
    sections
        .get_ref()
        .iter()
        .map(|(name, value)| {
            let mut section = table(value, &format!("{key}.{}", name.get_ref()))?;
            // A table of dotted keys has an odd span: its name's is where a reader looks.
            section = Spanned::new(name.span(), section.into_inner());
            Ok((name.get_ref().to_string(), section))
        })
        .collect()
}

fn only_known_rules(sections: &BTreeMap<String, Table<'_>>) -> Result<(), Wrong> {
    let known: Vec<&str> = rules::ALL.iter().map(|entry| entry.name).collect();
    for (name, section) in sections {
        if !known.contains(&name.as_str()) {
            return wrong(section.span(), format!("`{name}` is not a rule{}", nearest_or_newer(name, &known)));
        }
    }
    Ok(())
}

fn only_known_keys<'k>(table: &DeTable<'_>, section: &str, known: impl IntoIterator<Item = &'k str>) -> Result<(), Wrong> {
    let known: Vec<&str> = known.into_iter().collect();
    match table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
        Some(key) => wrong(key.span(), format!("`{}` is not a key of {section}{}", key.get_ref(), nearest_or_newer(key.get_ref(), &known))),
        None => Ok(()),
    }
}

/// A policy is stored in a moment and a version is deployed later, so that what is like nothing known may be of the next one.
fn nearest_or_newer(name: &str, known: &[&str]) -> String {
    let near = nearest(name, known);
    let hint = concat!("; this is version ", env!("CARGO_PKG_VERSION"), " of the guard: if a newer one knows it, deploy that first");
    if near.ends_with('?') { near } else { format!("{near}{hint}") }
}

/// `: did you mean x?`, or the list of what is known.
pub(crate) fn nearest(name: &str, known: &[&str]) -> String {
    let best = known.iter().map(|one| (strsim::jaro_winkler(name, one), one)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, one)) if 0.8 < likeness => format!(": did you mean `{one}`?"),
        _ => format!(": known are {}", known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")),
    }
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    zone_named(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Date>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let day =
        |text: &String| text.parse().map_err(|_| de::Error::custom(format!("`{text}` is not a day: write for example \"2026-12-25\"")));
    texts.iter().map(day).collect()
}

/// A pattern as `ml-dev*`.
pub(super) fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<globset::GlobMatcher, D::Error> {
    let text = String::deserialize(deserializer)?;
    let glob = globset::Glob::new(&text);
    glob.map(|glob| glob.compile_matcher()).map_err(|error| de::Error::custom(format!("`{text}` is not a pattern: {}", error.kind())))
}

/// Prices per hour by instance type.
pub(super) fn hourly<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Decimal>, D::Error> {
    let prices = BTreeMap::<String, Usd>::deserialize(deserializer)?;
    match prices.keys().find(|name| !name.starts_with("ml.")) {
        Some(name) => Err(de::Error::custom(format!("`{name}` is not an instance type of SageMaker: they begin with ml."))),
        None => Ok(prices.into_iter().map(|(name, usd)| (name, usd.0)).collect()),
    }
}
