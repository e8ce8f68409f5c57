//! The values of the `cost-guard:` tags that a user sets on a resource.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _, civil::Date};

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
        let not_one_of = |key: &str, known: &[&str]| {
            let value = tags.get(key).filter(|value| !known.contains(&value.trim()))?;
            let known = known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or ");
            Some(format!("`{value}` is not known: write {known}"))
        };
        let hours = tags.get(SCHEDULE_TAG).and_then(|value| value.parse::<Schedule>().err()).map(|error| error.to_string());
        let right_hours = tags.get(SCHEDULE_TAG).map_or_else(String::new, |value| meant(value));
        let values = [
            (SCHEDULE_TAG, right_hours.as_str(), hours),
            (KEEP_UNTIL_TAG, "<year-month-day>", self.keep(resource).and_then(Result::err)),
            (STOPPABLE_TAG, "yes", not_one_of(STOPPABLE_TAG, &["yes", "no"])),
            (SPOT_TAG, "resubmit", not_one_of(SPOT_TAG, &["resubmit"])),
        ];
        let of_value = |(key, right, why): (&str, &str, Option<String>)| {
            Some(WrongTag { why: format!("its tag {key} cannot be read: {}", why?), commands: vec![how_to_add(arn, [(key, right)])] })
        };
        let of_key = |(key, value): (&String, &String)| {
            let slip = self.slip_of(key)?;
            let add = if let Slip::Of(meant) = slip { Some(how_to_add(arn, [(meant, value.trim())])) } else { None };
            Some(WrongTag {
                why: format!("its tag \"{key}\" cannot be read: {}", slip.how_to_write(key)),
                commands: add.into_iter().chain([how_to_remove(arn, key)]).collect(),
            })
        };
        values.into_iter().filter_map(of_value).chain(tags.iter().filter_map(of_key)).collect()
    }

    /// Whether the owner of these tags may wish to keep what they are on: it has `cost-guard:keep-until`, or a key that is nearly one of the guard's.
    pub(crate) fn may_keep(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.keys().any(|key| key == KEEP_UNTIL_TAG || self.slip_of(key).is_some())
    }

    /// The exemption that the owner asks for; an error if the tag's value cannot be read. `None`: there is no such tag, or the tags are not known.
    pub(crate) fn keep(&self, resource: &Resource) -> Option<Result<Keep, String>> {
        let value = resource.tags.read()?.get(KEEP_UNTIL_TAG)?;
        Some(match value.trim() {
            "always" if self.exemption.allow_always => Ok(Keep { value: value.clone(), until: None, longest: None, by_policy: None }),
            "always" => Err("the policy does not allow `always`: write a day, for example 2026-12-31".into()),
            day => match self.end_of_day(day) {
                Some(until) => Ok(Keep { value: value.clone(), until: Some(until), longest: Some(self.exemption.max), by_policy: None }),
                None => Err(format!("`{value}` is not a day: write a day, for example 2026-12-31")),
            },
        })
    }

    /// When an exemption by tag ends whose value was first seen at this time. `None`: it has no end, or the policy made it.
    pub(crate) fn kept_until(&self, value: &str, since: Timestamp) -> Option<Timestamp> {
        Some(self.end_of_day(value.trim())?.min(since + self.exemption.max.signed()))
    }

    /// The end of a day in the policy's time zone. `None`: it is not a day.
    pub(crate) fn end_of_day(&self, day: &str) -> Option<Timestamp> {
        let end = day.parse::<Date>().ok()?.saturating_add(1.day()).to_zoned_datetime(self.calendar.zone.clone());
        Some(end.map_or(Timestamp::MAX, |end| end.timestamp()))
    }
}
