//! The values of the `cost-guard:` tags that a user sets on a resource.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _, civil::Date};

use crate::{
    policy::{
        guard_keys::{KEEP_UNTIL_TAG, SCHEDULE_TAG, SPOT_TAG, STOPPABLE_TAG},
        settings::Policy,
    },
    vocabulary::{duration::Duration, resource::Resource, schedule::Schedule},
};

/// An exemption that the owner asks for with the tag `cost-guard:keep-until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The tag's value, as it was written.
    pub value: String,
    /// When it ends. `None`: never (`always`).
    pub until: Option<Timestamp>,
    /// How long it holds at most, from when its value was first seen. `None`: without limit.
    pub longest: Option<Duration>,
}

impl Policy {
    /// Which of a resource's `cost-guard:` tags cannot be read, and how to write them. `None`: all can be read, or the tags are not known.
    pub(crate) fn unreadable_tag(&self, resource: &Resource) -> Option<String> {
        let tags = resource.tags.read()?;
        let not_one_of = |key: &str, known: &[&str]| {
            let value = tags.get(key).filter(|value| !known.contains(&value.trim()))?;
            let known = known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or ");
            Some(format!("`{value}` is not known: write {known}"))
        };
        let wrong = [
            (SCHEDULE_TAG, tags.get(SCHEDULE_TAG).and_then(|value| value.parse::<Schedule>().err()).map(|error| error.to_string())),
            (KEEP_UNTIL_TAG, self.keep(resource).and_then(Result::err)),
            (STOPPABLE_TAG, not_one_of(STOPPABLE_TAG, &["yes", "no"])),
            (SPOT_TAG, not_one_of(SPOT_TAG, &["resubmit"])),
        ];
        let values = wrong.into_iter().filter_map(|(key, why)| Some(format!("its tag {key} cannot be read: {}", why?)));
        let slips = tags.keys().filter_map(|key| Some((key, self.slip_of(key)?)));
        let keys = slips.map(|(key, slip)| format!("its tag \"{key}\" cannot be read: {}", slip.how_to_write(key)));
        let wrong: Vec<String> = values.chain(keys).collect();
        (!wrong.is_empty()).then(|| wrong.join("; "))
    }

    /// Whether the owner of these tags may wish to keep what they are on: it has `cost-guard:keep-until`, or a key that is nearly one of the guard's.
    pub(crate) fn may_keep(&self, tags: &BTreeMap<String, String>) -> bool {
        tags.keys().any(|key| key == KEEP_UNTIL_TAG || self.slip_of(key).is_some())
    }

    /// The exemption that the owner asks for; an error if the tag's value cannot be read. `None`: there is no such tag, or the tags are not known.
    pub(crate) fn keep(&self, resource: &Resource) -> Option<Result<Keep, String>> {
        let value = resource.tags.read()?.get(KEEP_UNTIL_TAG)?;
        Some(match value.trim() {
            "always" if self.exemption.allow_always => Ok(Keep { value: value.clone(), until: None, longest: None }),
            "always" => Err("the policy does not allow `always`: write a day, for example 2026-12-31".into()),
            day => match self.end_of(day) {
                Some(until) => Ok(Keep { value: value.clone(), until: Some(until), longest: Some(self.exemption.max) }),
                None => Err(format!("`{value}` is not a day: write a day, for example 2026-12-31")),
            },
        })
    }

    /// When an exemption by tag ends whose value was first seen at this time. `None`: it has no end, or the policy made it.
    pub(crate) fn kept_until(&self, value: &str, since: Timestamp) -> Option<Timestamp> {
        Some(self.end_of(value.trim())?.min(since + self.exemption.max.signed()))
    }

    /// The end of a day in the policy's time zone. `None`: it is not a day.
    fn end_of(&self, day: &str) -> Option<Timestamp> {
        let end = day.parse::<Date>().ok()?.saturating_add(1.day()).to_zoned_datetime(self.calendar.zone.clone());
        Some(end.map_or(Timestamp::MAX, |end| end.timestamp()))
    }
}
