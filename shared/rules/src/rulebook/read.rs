//! The policy's TOML. An unknown key, a value of the wrong form, a contradiction: each is an error with its line.

use std::{collections::BTreeMap, ops::Range, sync::OnceLock};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    policy::{
        BudgetPolicy, General, NO_ACTIONS, Policy, PolicyError, Table, Wrong, is_bucket, key_of_line, nearest_or_newer, often_enough,
        only_known_keys, table, tables, wrong, zone,
    },
    rulebook::{
        CommonSettings, ConfiguredRule, RuleSet,
        finding::Mode,
        overrides::{Override, one_override},
    },
    rules::{self, rule::Entry},
    vocabulary::{
        duration::Duration,
        schedule::{Calendar, Schedule},
    },
};

/// The keys that every `[rules.x]` has, beside the rule's own.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Common {
    pub(crate) mode: RuleMode,
    pub(crate) grace: Option<Duration>,
    pub(crate) remind_after: Option<Duration>,
    pub(crate) escalate_after: Option<Duration>,
    pub(crate) max_actions: Option<u32>,
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

fn only_known_rules(sections: &BTreeMap<String, Table<'_>>) -> Result<(), Wrong> {
    let known: Vec<&str> = rules::ALL.iter().map(|entry| entry.name).collect();
    for (name, section) in sections {
        if !known.contains(&name.as_str()) {
            return wrong(section.span(), format!("`{name}` is not a rule{}", nearest_or_newer(name, &known)));
        }
    }
    Ok(())
}
