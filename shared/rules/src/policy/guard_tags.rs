//! The values of the `cost-guard:` tags that a user sets on a resource.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use crate::{
    policy::{
        guard_keys::{KEEP_UNTIL_TAG, SCHEDULE_TAG, SPOT_TAG, STOPPABLE_TAG, Slip},
        settings::Policy,
    },
    remedy::{how_to_add, how_to_remove},
    vocabulary::{
        duration::Duration,
        resource::Resource,
        schedule::{Schedule, meant},
    },
};

/// An exemption by the tag `cost-guard:keep-until` or by the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The tag's value, as it was written.
    pub value: String,
    /// When it ends. `None`: never (`always`).
    pub until: Option<Timestamp>,
    /// How long it holds at most, from when its value was first seen. `None`: without limit.
    pub longest: Option<Duration>,
    /// Until when the policy keeps it besides, whatever `longest` says.
    pub by_policy: Option<Timestamp>,
}

impl Keep {
    /// Whether it holds now, if its value was first seen at `seen`.
    pub fn holds(&self, seen: Timestamp, now: Timestamp) -> bool {
        let is_asked_for = self.until.is_none_or(|until| now < until) && self.longest.is_none_or(|longest| now < seen + longest.signed());
        is_asked_for || self.by_policy.is_some_and(|until| now < until)
    }
}

/// `cost-guard:` tags of a resource that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadableTags {
    /// What is wrong with them, and how to write them.
    pub why: String,
    /// The AWS CLI commands that correct them, one a line.
    pub commands: String,
}

/// A `cost-guard:` tag that cannot be read.
struct WrongTag {
    why: String,
    commands: Vec<String>,
}

impl Policy {
    /// Which of a resource's `cost-guard:` tags cannot be read. `None`: all can be read, or the tags are not known.
    pub(crate) fn unreadable_tags(&self, resource: &Resource) -> Option<UnreadableTags> {
        let wrong = self.wrong_tags(resource);
        (!wrong.is_empty()).then(|| UnreadableTags {
            why: wrong.iter().map(|one| one.why.as_str()).collect::<Vec<_>>().join("; "),
            commands: wrong.into_iter().flat_map(|one| one.commands).collect::<Vec<_>>().join("\n"),
        })
    }

    fn wrong_tags(&self, resource: &Resource) -> Vec<WrongTag> {
        let Some(tags) = resource.tags.read() else { return vec![] };
        let arn = resource.arn_or_id();
        let of_value = |key: &str| {
            let value = tags.get(key)?;
            let why = self.why_unreadable(key, value)?;
            Some(WrongTag {
                why: format!("its tag {key} cannot be read: {why}"),
                commands: vec![how_to_add(arn, [(key, &*example(key, value))])],
            })
        };
        let slips: Vec<_> = tags.iter().filter_map(|(key, value)| Some((key, value.trim(), self.slip_of(key)?))).collect();
        let of_key = |(key, value, slip): &(&String, &str, Slip)| {
            let is_only_one = slips.iter().all(|(_, other, of)| of != slip || other == value);
            let add = match slip {
                Slip::Of(meant) if !tags.contains_key(*meant) => {
                    Some(how_to_add(arn, [(*meant, &*self.value_meant(meant, value, is_only_one))]))
                }
                // The value of the right key holds.
                Slip::Of(_) | Slip::Unknown => None,
            };
            WrongTag {
                why: format!("its tag \"{key}\" cannot be read: {}", slip.how_to_write(key, tags)),
                commands: add.into_iter().chain([how_to_remove(arn, key)]).collect(),
            }
        };
        let of_values = [SCHEDULE_TAG, KEEP_UNTIL_TAG, STOPPABLE_TAG, SPOT_TAG].into_iter().filter_map(of_value);
        of_values.chain(slips.iter().map(of_key)).collect()
    }

    /// Why the value of one of the guard's tags cannot be read. `None`: it can.
    fn why_unreadable(&self, key: &str, value: &str) -> Option<String> {
        let not_one_of = |known: &[&str]| {
            let is_known = known.contains(&value.trim());
            let known = known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or ");
            (!is_known).then(|| format!("`{value}` is not known: write {known}"))
        };
        match key {
            SCHEDULE_TAG => value.parse::<Schedule>().err().map(|error| error.to_string()),
            KEEP_UNTIL_TAG => self.keep_of(value, &self.calendar.zone).err(),
            STOPPABLE_TAG => not_one_of(&["yes", "no"]),
            SPOT_TAG => not_one_of(&["resubmit"]),
            _ => None,
        }
    }

    /// The value for the right key of a slipped one. What cannot be read, or is one of several values, is an example or a place to fill in.
    fn value_meant<'v>(&self, key: &str, value: &'v str, is_only_one: bool) -> Cow<'v, str> {
        match self.why_unreadable(key, value) {
            _ if !is_only_one => "<value>".into(),
            Some(_) => example(key, value),
            None => value.into(),
        }
    }

    /// Whether the owner of these tags may wish to keep what they are on: it has `cost-guard:keep-until`, or a key that is nearly one of the guard's.
    pub(crate) fn may_keep(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.keys().any(|key| key == KEEP_UNTIL_TAG || self.slip_of(key).is_some())
    }

    /// The exemption that the owner asks for; an error if the tag's value cannot be read. `None`: there is no such tag, or the tags are not known.
    pub(crate) fn keep(&self, resource: &Resource) -> Option<Result<Keep, String>> {
        resource.tags.read()?.get(KEEP_UNTIL_TAG).map(|value| self.keep_of(value, &self.zone_of_resource(resource)))
    }

    /// What its owner is told about the wish to keep it, if its day is over. If it was over when the resource was started, nobody wished it for this run.
    pub(crate) fn over_wish(&self, resource: &Resource, run: Option<Timestamp>, now: Timestamp) -> Option<String> {
        let Keep { value, until, .. } = self.keep(resource)?.ok()?;
        let end = until.filter(|until| *until <= now)?;
        let over = match run {
            Some(start) if end <= start => {
                "that day was over when it was started. The tag was copied or left over, or its year is wrong: remove it, or write a day to come."
            }
            _ => "that day is over.",
        };
        Some(format!("Its tag {KEEP_UNTIL_TAG} is {value}: {over}"))
    }

    fn keep_of(&self, value: &str, zone: &TimeZone) -> Result<Keep, String> {
        match value.trim() {
            "always" if self.exemption.allow_always => Ok(Keep { value: value.to_owned(), until: None, longest: None, by_policy: None }),
            "always" => Err("the policy does not allow `always`: write a day, for example 2026-12-31".into()),
            day => match self.end_of_day(day, zone) {
                Some(until) => Ok(Keep { value: value.to_owned(), until: Some(until), longest: Some(self.exemption.max), by_policy: None }),
                None => Err(format!("`{value}` is not a day: write a day, for example 2026-12-31")),
            },
        }
    }

    /// When an exemption by tag ends whose value was first seen at this time, of what is worked with in this time zone. `None`: it has no end, or the policy made
    /// it.
    pub(crate) fn kept_until(&self, value: &str, since: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        Some(self.end_of_day(value.trim(), zone)?.min(since + self.exemption.max.signed()))
    }

    /// The end of a day in this time zone, or in the policy's if that is later: who writes a day means it by their own clock. `None`: it is not a day.
    pub(crate) fn end_of_day(&self, day: &str, zone: &TimeZone) -> Option<Timestamp> {
        day.parse().ok().map(|day| self.end_of(day, zone))
    }

    /// See [`Self::end_of_day`].
    pub(crate) fn end_of(&self, day: Date, zone: &TimeZone) -> Timestamp {
        let end_in = |zone: &TimeZone| {
            let end = day.saturating_add(1.day()).to_zoned_datetime(zone.clone());
            end.map_or(Timestamp::MAX, |end| end.timestamp())
        };
        end_in(zone).max(end_in(&self.calendar.zone))
    }
}

/// What to write instead of a value that cannot be read: what is meant as far as it can be told, an example, or a place to fill in.
fn example<'v>(key: &str, value: &str) -> Cow<'v, str> {
    match key {
        SCHEDULE_TAG => meant(value).into(),
        KEEP_UNTIL_TAG => "<year-month-day>".into(),
        STOPPABLE_TAG => "<yes or no>".into(),
        _ => "resubmit".into(),
    }
}
