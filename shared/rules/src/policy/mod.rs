//! The settings of the policy that all rules read. It knows no rule.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;

use crate::vocabulary::{
    price::Prices,
    schedule::{Calendar, Schedule},
};

pub use self::{
    budgets::BudgetPolicy,
    guard_tags::{KEEP_UNTIL_TAG, Keep, SCHEDULE_TAG, SPOT_TAG, STOPPABLE_TAG},
    required_tags::{MOST_TAGS, Met, Required, Requirement, is_legal_key, is_legal_value},
    sections::{Billing, Coverage, CoverageMetric, Creators, Exemption, PriceOverrides},
    toml::PolicyError,
};
pub(crate) use self::{
    general::General,
    toml::{Table, Wrong, contradiction, glob, nearest_or_newer, only_known_keys, table, tables, wrong},
};

mod budgets;
mod general;
mod guard_tags;
mod ownership;
mod required_tags;
mod sections;
mod toml;

/// The settings that all rules share.
pub struct Policy {
    /// The policy's time zone and holidays.
    pub calendar: Calendar,
    /// The first of these tags that is present names the owner.
    pub owner_tags: Vec<String>,
    /// The first of these tags that is present names the team.
    pub team_tags: Vec<String>,
    /// Working hours where neither a resource nor its team has its own.
    pub hours: Schedule,
    /// Working hours by team.
    pub team_hours: BTreeMap<String, Schedule>,
    /// How long a wish to keep a resource may hold.
    pub exemption: Exemption,
    /// Prices that go before the shipped ones.
    pub prices: PriceOverrides,
    /// Who creates resources.
    pub creators: Creators,
    /// What the bill is asked for.
    pub billing: Billing,
    /// Where the tag coverage goes.
    pub coverage: Coverage,
    budgets: Vec<BudgetPolicy>,
    prices_read: OnceLock<(String, Arc<Prices>)>,
}

impl Default for Policy {
    fn default() -> Self {
        General::default().into_policy()
    }
}

impl Policy {
    /// The prices that hold in a Region. Read once: a process looks after one Region.
    pub fn prices_of(&self, region: &str) -> Arc<Prices> {
        let read = || Arc::new(Prices::of_region(region, &self.prices.hourly));
        let (of, prices) = self.prices_read.get_or_init(|| (region.to_owned(), read()));
        if of == region { Arc::clone(prices) } else { read() }
    }

    /// A moment for people, in the policy's time zone: `Mon 2026-11-23 09:00 CET`.
    pub fn clock(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.calendar.zone.clone()).strftime("%a %F %H:%M %Z").to_string()
    }
}

#[cfg(test)]
impl Policy {
    /// Reads a policy that says nothing of rules.
    pub(crate) fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let root = ::toml::de::DeTable::parse(text).map_err(|error| Wrong::from(error).in_text(text))?;
        General::read(root).map(|(general, _)| general.into_policy()).map_err(|wrong| wrong.in_text(text))
    }
}
