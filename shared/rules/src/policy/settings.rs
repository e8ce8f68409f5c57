//! The settings that all rules share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;

use crate::{
    policy::{
        inference::InferenceSettings,
        sections::{
            Billing, BudgetPolicy, Coverage, Creators, Exemption, HibernationSettings, MailSettings, PriceOverrides, ReportSettings,
            SavingsPlanSettings, WorkflowSigns,
        },
    },
    vocabulary::{
        calendars::Calendars, currency::Currency, globs::Globs, price::Prices, schedule::Schedule, time_zone, working_time::Calendar,
    },
};

/// The settings that all rules share.
pub struct Policy {
    /// The policy's time zone, and the holidays there.
    pub calendar: Calendar,
    /// The holidays of other time zones and of teams.
    pub calendars: Calendars,
    /// The first of these tags that has a value names the owner.
    pub owner_tags: Vec<String>,
    /// The first of these tags that has a value names the team.
    pub team_tags: Vec<String>,
    /// Other tag keys that the policy names: those that rules require and overrides match.
    pub(crate) other_tags: BTreeSet<String>,
    /// Working hours where neither a resource nor its team has its own.
    pub hours: Schedule,
    /// Working hours by team.
    pub team_hours: BTreeMap<String, Schedule>,
    /// How long owners may exempt resources by tag.
    pub exemption: Exemption,
    /// Prices that replace the shipped ones.
    pub prices: PriceOverrides,
    /// How the creators of resources become their owners.
    pub creators: Creators,
    /// Owners who have left, spelled as [`Policy::owner_named`] spells them, or patterns.
    pub left: Globs,
    /// Signs of jobs that somebody's workflow waits for.
    pub workflows: WorkflowSigns,
    /// Which endpoints may be hibernated.
    pub hibernation: HibernationSettings,
    /// What a recommendation for an endpoint must save, and what is assumed.
    pub inference: InferenceSettings,
    /// When owners are mailed.
    pub mail: MailSettings,
    /// The names of SageMaker in the bill.
    pub billing: Billing,
    /// The cost report: when it is made, for whom, and where it is stored.
    pub report: ReportSettings,
    /// Which Savings Plan is advised, and who hears of it.
    pub savings_plan: SavingsPlanSettings,
    /// Where the tag coverage is written.
    pub coverage: Coverage,
    pub(super) budgets: Vec<BudgetPolicy>,
    pub(super) prices_read: OnceLock<(String, Arc<Prices>)>,
}

impl Policy {
    /// The prices of a Region. They are cached for the first Region that is asked for, because a process handles only one.
    pub fn prices_of(&self, region: &str) -> Arc<Prices> {
        let read = || match self.currency(region) {
            Currency::Usd => Arc::new(Prices::of_region(region, &self.prices.hourly)),
            Currency::Cny => Arc::new(Prices::only(&self.prices.hourly)),
        };
        let (of, prices) = self.prices_read.get_or_init(|| (region.to_owned(), read()));
        if of == region { Arc::clone(prices) } else { read() }
    }

    /// The currency of the bill of an account whose guard is in this Region.
    pub fn currency(&self, region: &str) -> Currency {
        self.prices.currency.unwrap_or_else(|| Currency::of_region(region))
    }

    /// A time for people, in the policy's time zone: `Mon 2026-11-23 09:00 CET`.
    pub fn clock(&self, at: Timestamp) -> String {
        time_zone::clock(at, &self.calendar.zone)
    }
}
