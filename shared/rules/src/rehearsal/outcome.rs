//! What a rehearsal shows: each stop with what came after it, the mails, and what is not known.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

use super::{
    history::{RunEnd, Use, Used},
    scope::NotRehearsed,
};
use crate::{
    facts::Unread,
    vocabulary::{resource::Resource, time_zone::clock},
};

/// What is used within this time after a stop was stopped wrongly.
pub(super) const WRONG_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What a policy would have done.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// How many resources were on in this time.
    pub looked_at: usize,
    /// What would have been stopped, oldest first.
    pub stops: Vec<Stop>,
    /// How many warnings of a stop there would have been.
    pub warnings: usize,
    /// The mails by owner; [`crate::resource::UNOWNED`] where none is known.
    pub mails: BTreeMap<String, Mails>,
    /// How often an action was left for the next run because of `max-actions`.
    pub held_back: usize,
    /// The rules that were not rehearsed, and why.
    pub not_rehearsed: Vec<NotRehearsed>,
    /// What a rule could not judge.
    pub unjudged: Vec<Unread>,
}

/// The mails that an owner would have got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mails {
    /// How many mails at once.
    pub at_once: usize,
    /// How many entries of regular mails: those of a morning or of a week.
    pub regular: usize,
}

/// A stop that the policy would have made.
#[derive(Clone, Debug)]
pub struct Stop {
    /// When.
    pub at: Timestamp,
    /// The resource.
    pub resource: Resource,
    /// The rules that ask for it.
    pub rules: Vec<&'static str>,
    /// `stop-notebook-instance`, `delete-app` or `hibernate-endpoint`.
    pub action: &'static str,
    /// Why, with times by the clock of `zone`.
    pub reason: String,
    /// Whose it is. `None`: not known.
    pub owner: Option<String>,
    /// Of which team. `None`: not known.
    pub team: Option<String>,
    /// The time zone in which its owner reads times.
    pub zone: TimeZone,
    /// What happened next, in reality.
    pub after: After,
    /// The use because of which it was wrong. `None`: it was not used within an hour.
    pub wrong: Option<Use>,
    /// Until when it would have saved money.
    pub saved_until: Timestamp,
    /// What it would have saved, in USD. `None`: no price is known.
    pub saved_usd: Option<Decimal>,
}

/// What happened to a resource after a stop, in reality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// It was used while it was on: its owner would have had to start it again.
    Used(Use),
    /// It ended.
    Ended(RunEnd),
    /// The guard would have created it again at this time.
    Woken(Timestamp),
    /// It was on until now, and nobody is known to have used it.
    StillOn,
}

impl Stop {
    /// Whether it was stopped or deleted within an hour in reality, too.
    pub fn was_stopped_soon_after(&self) -> bool {
        matches!(self.after, After::Ended(end) if end.at.duration_since(self.at) <= WRONG_WITHIN)
    }

    /// In words, with times by the clock of `zone`: `opened by ann at 19:50`.
    pub fn after_words(&self) -> String {
        let time = |at: Timestamp| clock(at, &self.zone);
        let used = |one: &Use| {
            let by = one.by.as_deref().map_or_else(String::new, |by| format!(" by {by}"));
            let hour = if one.what == Used::Called { "in the hour until" } else { "at" };
            format!("{}{by} {hour} {}", one.what.as_str(), time(one.at))
        };
        match (&self.wrong, &self.after) {
            (Some(wrong), _) => used(wrong),
            (None, After::Used(next)) => used(next),
            (None, After::Ended(end)) => format!("it {} {}", end.how.words(), time(end.at)),
            (None, After::Woken(at)) => format!("not called until the guard would have created it again at {}", time(*at)),
            (None, After::StillOn) => "on until now, and not known to be used".to_owned(),
        }
    }
}

impl Rehearsal {
    /// The stops of what was used within an hour after.
    pub fn wrong(&self) -> impl Iterator<Item = &Stop> {
        self.stops.iter().filter(|stop| stop.wrong.is_some())
    }

    /// How many were stopped or deleted within an hour in reality, too.
    pub fn stopped_soon_after(&self) -> usize {
        self.stops.iter().filter(|stop| stop.was_stopped_soon_after()).count()
    }

    /// What all stops whose price is known would have saved, in USD.
    pub fn saved_usd(&self) -> Decimal {
        self.stops.iter().filter_map(|stop| stop.saved_usd).sum()
    }
}
