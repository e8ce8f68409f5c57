//! Reads the rules and overrides of the policy's TOML. Unknown keys, values of the wrong form and contradictions are errors with their line.

use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    policy::{BudgetPolicy, General, PolicyError, Repeated, Table, Wrong, contradiction, nearest_or_newer, only_known_keys, tables, wrong},
    rulebook::{
        Mode, Rulebook, Terms,
        exempt::Exempt,
        overrides::{Match, Override},
        rule_set::{ConfiguredRule, RuleSet},
    },
    rules::{self, rule::Registration},
    vocabulary::duration::Duration,
};

/// Sections of rules, by the rules' names.
type Sections<'i> = BTreeMap<String, Table<'i>>;

/// The keys that every `[rules.x]` has in addition to the rule's own.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Common {
    /// `"report"`: mail the owner · `"enforce"`: warn, then act · `"off"`
    mode: RuleMode,
    /// The time from the warning to the action. `"0s"`: the guard acts without a warning.
    grace: Option<Duration>,
    /// The time until an open finding is mailed again. At least one hour.
    remind_after: Option<Duration>,
    /// The time until a finding that is still open is mailed once more, with the severity `warning` and for its team.
    escalate_after: Option<Duration>,
    /// The maximum number of actions in one run. Further actions are held back until the next run.
    #[schemars(range(min = 1))]
    max_actions: Option<u32>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RuleMode {
    #[default]
    Report,
    Enforce,
    Off,
}

/// The keys that every `[rules.x]` has.
pub const COMMON_KEYS: [&str; 5] = ["mode", "grace", "remind-after", "escalate-after", "max-actions"];

impl Rulebook {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first error, with its line, its key and what was expected.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let read = DeTable::parse(text).map_err(Wrong::from).and_then(read);
        read.map_err(|wrong| wrong.in_text(text))
    }
}

pub(super) fn read(mut root: Table<'_>) -> Result<Rulebook, Wrong> {
    General::only_known_keys(root.get_ref(), ["rules", "override", "exempt"])?;
    let sections = match root.get_mut().remove("rules") {
        Some(value) => tables(&value, "rules")?,
        None => Sections::new(),
    };
    let written_overrides = root.get_mut().remove("override");
    let written_exempts = root.get_mut().remove("exempt");
    let (general, budgets_at) = General::read(root)?;
    let mut overrides = vec![];
    if let Some(value) = written_overrides {
        for item in items(&value, "override")? {
            let (matches, over) = Override::read(item)?;
            can_apply(&matches, &over)?;
            overrides.push(Override { matches, rules: rule_set(&sections, &over, &general)? });
        }
    }
    let rules = rule_set(&sections, &Sections::new(), &general)?;
    for (budget, at) in general.budget.iter().zip(budgets_at) {
        on_exceed_can_be(budget, &rules, at)?;
    }
    let exempts = match &written_exempts {
        Some(value) => items(value, "exempt")?.iter().map(Exempt::read).collect::<Result<_, _>>()?,
        None => vec![],
    };
    let mut rulebook = Rulebook { policy: general.into_policy(), rules, overrides, exempts };
    let keys = rulebook.matches().flat_map(|one| one.tag_keys().cloned());
    rulebook.policy.other_tags = keys.chain(rulebook.required_keys().into_iter().flatten()).collect();
    Ok(rulebook)
}

/// The items of a list that is written as `[[name]]`.
fn items<'a, 'i>(value: &'a Spanned<DeValue<'i>>, name: &str) -> Result<&'a [Spanned<DeValue<'i>>], Wrong> {
    match value.get_ref() {
        DeValue::Array(items) => Ok(items),
        _ => wrong(value.span(), format!("`{name}` is a list: write [[{name}]]")),
    }
}

/// Refuses settings of a rule for kinds of resources that the rule is not about.
fn can_apply(matches: &Match, over: &Sections<'_>) -> Result<(), Wrong> {
    for (registration, section) in rules::ALL.iter().filter_map(|one| Some((one, over.get(one.name)?))) {
        if !matches.can_cover(registration.kinds) {
            let kinds = registration.kinds.iter().map(|kind| format!("\"{}\"", kind.as_str())).collect::<Vec<_>>().join(", ");
            let name = registration.name;
            return wrong(
                section.span(),
                format!(
                    "this [[override]] changes nothing for {name}: the rule is only about resources of the kind {kinds}, which `match` leaves out"
                ),
            );
        }
    }
    Ok(())
}

/// All rules that are on. An override's settings (`over`) replace the policy's.
fn rule_set(sections: &Sections<'_>, over: &Sections<'_>, general: &General) -> Result<RuleSet, Wrong> {
    only_known_rules(sections)?;
    only_known_rules(over)?;
    let read = rules::ALL.iter().filter_map(|registration| rule(registration, [sections, over], general).transpose());
    Ok(RuleSet(read.collect::<Result<_, _>>()?))
}

/// One rule with its settings. `None`: it is off.
fn rule(registration: &'static Registration, layers: [&Sections<'_>; 2], general: &General) -> Result<Option<ConfiguredRule>, Wrong> {
    if registration.manner.only_if_named && layers.iter().all(|layer| !layer.contains_key(registration.name)) {
        return Ok(None);
    }
    let section = format!("[rules.{}]", registration.name);
    let (span, mut own) = merged(registration, layers);
    let defaults = (registration.defaults)();
    only_known_keys(&own, &section, COMMON_KEYS.into_iter().chain(defaults.keys().map(String::as_str)))?;
    let mut common = DeTable::new();
    for key in COMMON_KEYS {
        common.extend(own.remove_entry(key));
    }
    let mode_at = common.get("mode").map_or_else(|| span.clone(), Spanned::span);
    let max_at = common.get("max-actions").map(Spanned::span);
    let remind_at = common.get("remind-after").map(Spanned::span);
    let common = Common::deserialize(toml::Deserializer::from(Spanned::new(span.clone(), common)))?;
    let check = (registration.read)(Spanned::new(span.clone(), own))?;
    if let (Some(max_actions), Some(at)) = (common.max_actions, max_at) {
        General::acts_at_all(max_actions, at)?;
    }
    if let (Some(remind_after), Some(at)) = (common.remind_after, remind_at) {
        General::reminds_seldom_enough(remind_after, at)?;
    }
    let mode = match common.mode {
        RuleMode::Off => return Ok(None),
        _ if check.nonsense().is_some() => return wrong(span, format!("{section}: {}", check.nonsense().unwrap_or_default())),
        RuleMode::Report => Mode::Report,
        RuleMode::Enforce if !registration.manner.enforceable => {
            return wrong(mode_at, format!("{section} cannot be enforced, it only reports: write mode = \"report\" or \"off\""));
        }
        RuleMode::Enforce => match check.lacks() {
            Some(lacks) => return contradiction(mode_at, format!("{section} is to be enforced, but {lacks}")),
            None => Mode::Enforce,
        },
    };
    let terms = terms(mode, &common, registration, general);
    Ok(Some(ConfiguredRule { registration, terms, check }))
}

/// The settings of a rule as they are written, and their place in the text. A later layer replaces the settings of an earlier one.
fn merged<'i>(registration: &Registration, layers: [&Sections<'i>; 2]) -> (Range<usize>, DeTable<'i>) {
    let mut merged = DeTable::new();
    let mut span = 0..0;
    if let Some((of, key)) = registration.manner.shares {
        let written = layers.iter().rev().find_map(|layer| layer.get(of)?.get_ref().get_key_value(key));
        merged.extend(written.map(|(key, value)| (key.clone(), value.clone())));
    }
    for section in layers.iter().filter_map(|layer| layer.get(registration.name)) {
        span = section.span();
        for (key, value) in section.get_ref() {
            // Inserting alone would keep the key of the earlier layer, and so its place in the text.
            merged.remove(key.get_ref().as_ref());
            merged.insert(key.clone(), value.clone());
        }
    }
    (span, merged)
}

fn terms(mode: Mode, common: &Common, registration: &Registration, general: &General) -> Terms {
    let manner = &registration.manner;
    Terms {
        mode,
        grace: common.grace.unwrap_or(manner.grace),
        warned_weekly: manner.warns_weekly || general.mail.repeated_warnings == Repeated::Weekly,
        remind_after: common.remind_after.or(manner.remind_after).unwrap_or(general.remind_after),
        escalate_after: common.escalate_after.or(manner.escalate_after),
        notified_together: manner.notified_together,
        max_actions: common.max_actions.unwrap_or(general.max_actions),
    }
}

/// Refuses an `on-exceed` whose rules are off, or that would stop something because of a budget of which nobody is notified.
fn on_exceed_can_be(budget: &BudgetPolicy, rules: &RuleSet, at: Range<usize>) -> Result<(), Wrong> {
    let Some(what) = budget.on_exceed else { return Ok(()) };
    let is_on = |name: &str| rules.0.iter().any(|rule| rule.registration.name == name);
    if !what.rules().iter().any(|rule| is_on(rule)) {
        let rules = what.rules().join(" and ");
        return contradiction(
            at,
            format!(
                "this [[budget]] has an `on-exceed` that enforces {rules}, but the policy says mode = \"off\" there: write mode = \"report\""
            ),
        );
    }
    if !is_on("budget-exceeded") {
        return contradiction(
            at,
            "this [[budget]] has an `on-exceed`, but budget-exceeded is off: nobody would hear why something is stopped",
        );
    }
    Ok(())
}

fn only_known_rules(sections: &Sections<'_>) -> Result<(), Wrong> {
    let known: Vec<&str> = rules::ALL.iter().map(|registration| registration.name).collect();
    match sections.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, section)) => wrong(section.span(), format!("`{name}` is not a rule{}", nearest_or_newer(name, &known))),
        None => Ok(()),
    }
}
