//! Whether spend has teams, and since when.

use std::collections::HashMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::{
    report::cuts::{Cuts, UNTAGGED},
    vocabulary::component::Component,
};

/// The days that are compared on which there is spend: which of them have teams.
#[derive(Clone, Copy, Default)]
pub(super) struct Tagged {
    /// The first day with spend.
    spent: Option<Date>,
    /// The first and the last day on which some of it has a team.
    told: Option<(Date, Date)>,
    /// Whether there is spend, none of it with a team, after the last of these days: on all days of the period.
    ends: bool,
}

impl Tagged {
    pub(super) fn of(cuts: &Cuts, names: &[String]) -> Self {
        let has_team = |team: usize| names.get(team).is_some_and(|name| name != UNTAGGED);
        let is_spent = |rows: &HashMap<(Component, usize), Decimal>| rows.values().any(|usd| !usd.is_zero());
        let is_told = |rows: &HashMap<(Component, usize), Decimal>| rows.iter().any(|((_, team), usd)| !usd.is_zero() && has_team(*team));
        let compared = || cuts.days.range(cuts.period.before().from..cuts.period.until);
        let told: Vec<Date> = compared().filter(|(_, rows)| is_told(rows)).map(|(day, _)| *day).collect();
        let told = told.first().copied().zip(told.last().copied());
        let is_after = |day: Date| told.is_some_and(|(_, last)| last < day);
        Self {
            spent: compared().find(|(_, rows)| is_spent(rows)).map(|(day, _)| *day),
            told,
            ends: is_after(cuts.period.from) && compared().any(|(day, rows)| cuts.period.has(*day) && is_spent(rows)),
        }
    }

    /// The first day with teams, if there was spend without any before: their tag became active then. Each team's difference is then that of the tag, and not of its
    /// spend.
    pub(super) fn since(self) -> Option<Date> {
        self.told.map(|(first, _)| first).filter(|first| self.spent.is_some_and(|spent| spent < *first))
    }

    /// Whether teams cannot be compared: they are told on some of the days only.
    pub(super) fn is_once(self) -> bool {
        self.since().is_some() || self.ends
    }
}
