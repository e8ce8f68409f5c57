//! Cost allocation tags: which keys Billing knows, and on which days each is in Cost Explorer's data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{day_of, plus_days};
use crate::estate::Activation;

#[derive(Clone)]
pub(crate) struct CostTags {
    keys: BTreeMap<String, Key>,
    /// How long it takes until an activated tag is in the data.
    delay: SignedDuration,
    /// The days on which a key appears in the data or disappears from it.
    changes: BTreeSet<Date>,
}

#[derive(Clone, Default)]
pub(crate) struct Key {
    pub(crate) is_active: bool,
    /// When it was last activated or deactivated.
    pub(crate) updated: Option<Timestamp>,
    /// The first and last day on which something with this key was billed.
    pub(crate) used: Option<(Date, Date)>,
    /// The periods in which it is in the data: the first day, and the first day without it. The last period may be open.
    spans: Vec<(Date, Option<Date>)>,
    /// The estate has it, so it is known even if it was never used.
    is_given: bool,
}

impl CostTags {
    pub(crate) fn new(given: &BTreeMap<String, Activation>, start: Timestamp, delay: SignedDuration) -> Self {
        let key = |activation: &Activation| {
            let at = activation.at(start);
            // A key that was always active has no update date.
            let updated = at.filter(|at| *at != Timestamp::UNIX_EPOCH);
            Key {
                is_active: at.is_some(),
                updated,
                used: None,
                spans: at.map(|at| (day_of(at), None)).into_iter().collect(),
                is_given: true,
            }
        };
        let keys = given.iter().map(|(name, activation)| (name.clone(), key(activation))).collect();
        let mut tags = Self { keys, delay, changes: BTreeSet::new() };
        tags.note_changes();
        tags
    }

    fn note_changes(&mut self) {
        self.changes = self.keys.values().flat_map(|key| &key.spans).flat_map(|(from, until)| [Some(*from), *until]).flatten().collect();
    }

    /// Records that something with these keys was billed on a day.
    pub(super) fn seen<'a>(&mut self, keys: impl Iterator<Item = &'a String>, day: Date) {
        for name in keys {
            if !self.keys.contains_key(name) {
                self.keys.insert(name.clone(), Key::default());
            }
            if let Some(key) = self.keys.get_mut(name) {
                let (first, last) = key.used.unwrap_or((day, day));
                key.used = Some((first.min(day), last.max(day)));
            }
        }
    }

    /// Whether a key is in a day's data.
    pub(crate) fn is_active(&self, name: &str, day: Date) -> bool {
        let spans = self.keys.get(name).map(|key| &key.spans).into_iter().flatten();
        spans.into_iter().any(|(from, until)| *from <= day && until.is_none_or(|until| day < until))
    }

    /// A number that differs between days with different keys in the data.
    pub(super) fn stage(&self, day: Date) -> usize {
        self.changes.range(..=day).count()
    }

    /// The keys that Billing knows: from the day after they were first used (aws-facts §7.6: up to 24 h to appear).
    pub(crate) fn known(&self, now: Timestamp) -> impl Iterator<Item = (&String, &Key)> {
        let today = day_of(now);
        self.keys.iter().filter(move |(_, key)| key.is_given || key.used.is_some_and(|(first, _)| first < today))
    }

    /// Activates or deactivates a known key. Has no effect if it already has this state.
    pub(crate) fn set(&mut self, name: &str, active: bool, now: Timestamp) {
        let from = day_of(now + self.delay);
        let Some(key) = self.keys.get_mut(name).filter(|key| key.is_active != active) else { return };
        (key.is_active, key.updated) = (active, Some(now));
        if active {
            key.spans.push((from, None));
        } else {
            // An activation that is not yet in the data never gets there.
            let end = plus_days(day_of(now), 1);
            key.spans.retain(|(since, _)| *since < end);
            for (_, until) in &mut key.spans {
                *until = Some(until.map_or(end, |until| until.min(end)));
            }
        }
        self.note_changes();
    }
}
