//! The keys of the policy that are not rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, de};

use crate::{
    policy::{
        budgets::BudgetPolicy,
        sections::{Billing, Coverage, Creators, Exemption, PriceOverrides},
        toml::{Wrong, name, wrong},
    },
    vocabulary::{
        duration::Duration,
        schedule::{Schedule, zone_named},
    },
};

/// Everything but the rules and the overrides.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct General {
    #[serde(deserialize_with = "zone")]
    pub(crate) timezone: TimeZone,
    pub(crate) owner_tags: Vec<String>,
    pub(crate) team_tags: Vec<String>,
    pub(crate) max_actions: u32,
    pub(crate) remind_after: Duration,
    pub(crate) working_hours: WorkingHours,
    pub(crate) exemption: Exemption,
    pub(crate) prices: PriceOverrides,
    pub(crate) creators: Creators,
    pub(crate) billing: Billing,
    pub(crate) coverage: Coverage,
    pub(crate) budget: Vec<BudgetPolicy>,
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
pub(crate) struct WorkingHours {
    pub(crate) default: Option<Schedule>,
    pub(crate) teams: BTreeMap<String, Schedule>,
    #[serde(deserialize_with = "days")]
    pub(crate) holidays: BTreeSet<Date>,
}

pub(crate) const NO_ACTIONS: &str = "`max-actions` is 0: write mode = \"report\" for what must not act";

/// AWS's naming rules, without the rarer ones.
pub(crate) fn is_bucket(name: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|c| is_plain(c) || matches!(c, b'-' | b'.'))
        && [name.bytes().next(), name.bytes().last()].into_iter().flatten().all(is_plain)
}

/// A reminder in every run would be a mail every few minutes.
pub(crate) fn often_enough(remind_after: Duration, at: Range<usize>) -> Result<(), Wrong> {
    if remind_after < Duration::hours(1) {
        return wrong(at, format!("`remind-after` is {remind_after}: an hour is the least, a week is usual"));
    }
    Ok(())
}

pub(crate) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    zone_named(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Date>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let day =
        |text: &String| text.parse().map_err(|_| de::Error::custom(format!("`{text}` is not a day: write for example \"2026-12-25\"")));
    texts.iter().map(day).collect()
}
