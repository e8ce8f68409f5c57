//! What the guard found of the kind, instance type and team of a cause. The bill does not say of which resource a cost is, so more is not claimed.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

use super::{View, causes::Of};
use crate::{
    mail::{OPEN, addressee, of_entry},
    plan::{Entry, Saved, SavedBy, State},
    report::{ALL_TEAMS, Became, Found, cuts::UNTAGGED},
    rules::costs_are_waste,
    vocabulary::{component::Component, period::begin_of, text::is_alike},
};

/// The most resources of a cause that are named.
const FOUND: usize = 3;

impl View<'_> {
    /// What was found in the period, the most expensive first, and how many more there are.
    pub(super) fn found(&self, of: Of<'_>) -> (Vec<Found>, usize) {
        let mut resources: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in self.from.entries.iter().filter(|entry| self.is_of(entry, of)) {
            resources.entry(&entry.arn).or_default().push(entry);
        }
        let mut found: Vec<_> = resources.into_values().filter_map(|entries| self.found_by(&entries)).collect();
        found.sort_by_key(|(usd, _)| Reverse(*usd));
        let more = found.len().saturating_sub(FOUND);
        (found.into_iter().take(FOUND).map(|(_, found)| found).collect(), more)
    }

    fn is_of(&self, entry: &Entry, (component, what, team): Of<'_>) -> bool {
        let period = self.period();
        let is_its_team = match entry.team.as_deref().map(str::trim).filter(|team| !team.is_empty()) {
            _ if team == ALL_TEAMS => true,
            Some(own) => is_alike(own, team),
            None => team == UNTAGGED,
        };
        let is_in_period = entry.first_seen < begin_of(period.until) && begin_of(period.from) <= entry.last_seen;
        let is_its = is_its_team && is_in_period && costs_are_waste(&entry.rule);
        is_its && entry.instance_type.as_deref() == Some(what) && Component::of_id(&entry.id) == Some(component)
    }

    /// A resource by its findings, with what it costs in USD per month. `None`: what became of it is not known yet.
    fn found_by(&self, entries: &[&Entry]) -> Option<(Option<Decimal>, Found)> {
        let last = entries.iter().max_by_key(|entry| entry.last_seen)?;
        let found = Found { what: of_entry(last), owner: addressee(last.owner.as_deref()), became: self.became(entries, last)? };
        Some((entries.iter().filter_map(|entry| entry.usd_per_month).max(), found))
    }

    fn became(&self, entries: &[&Entry], last: &Entry) -> Option<Became> {
        let has = |states: &[State]| entries.iter().any(|entry| states.contains(&entry.state));
        let since = begin_of(self.period().from);
        let is_stop = |one: &&Saved| one.arn == last.arn && since <= one.from && matches!(one.by, SavedBy::Guard | SavedBy::Owner);
        let stop = self.from.saved.iter().filter(is_stop);
        match stop.max_by_key(|one| one.from) {
            _ if has(&OPEN) => Some(Became::Open),
            _ if has(&[State::Exempt]) => Some(Became::Kept),
            Some(stop) if stop.by == SavedBy::Guard => Some(Became::StoppedByGuard(self.day(stop.from))),
            Some(stop) => Some(Became::StoppedByOwner(self.day(stop.from))),
            None => has(&[State::Closed]).then(|| Became::Gone(self.day(last.last_seen))),
        }
    }

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.from.policy.calendar.zone.clone()).date()
    }
}
