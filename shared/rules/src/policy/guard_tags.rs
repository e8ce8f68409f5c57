//! The `cost-guard:` tags that a user sets on a resource.

use jiff::{Timestamp, ToSpan as _, civil::Date};

use crate::{
    policy::settings::Policy,
    vocabulary::{duration::Duration, resource::Resource, schedule::Schedule, text::is_alike},
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

/// Tag with a resource's own working hours.
pub const SCHEDULE_TAG: &str = "cost-guard:schedule";

/// Tag with the last day that a resource is kept, `2026-12-31`, or `always`.
pub const KEEP_UNTIL_TAG: &str = "cost-guard:keep-until";

/// Tag with which the owner of a training job asks the guard to submit it again as Spot: `resubmit`.
pub const SPOT_TAG: &str = "cost-guard:spot";

/// Tag with which the owner of a resource says that it may be stopped when its budget is used up: `yes`, or `no`.
pub const STOPPABLE_TAG: &str = "cost-guard:stoppable";

impl Policy {
    /// The working hours of a resource, and where they come from, for people: `its own`, `team vision's`, `the policy's`.
    ///
    /// # Errors
    /// The resource's own hours cannot be read.
    pub(crate) fn hours_of(&self, resource: &Resource) -> Result<(Schedule, String), String> {
        if let Some(own) = resource.tags.read().and_then(|tags| tags.get(SCHEDULE_TAG)) {
            return match own.parse() {
                Ok(schedule) => Ok((schedule, "its own".into())),
                Err(_) => Err(format!("its tag {SCHEDULE_TAG} cannot be read")),
            };
        }
        match self.team_of(resource).and_then(|team| self.hours_of_team(&team)) {
            Some((team, hours)) => Ok((hours.clone(), format!("team {team}'s"))),
            None => Ok((self.hours.clone(), "the policy's".into())),
        }
    }

    /// The working hours of a team, with its name as the policy spells it.
    fn hours_of_team(&self, team: &str) -> Option<(&String, &Schedule)> {
        self.team_hours.get_key_value(team).or_else(|| self.team_hours.iter().find(|(known, _)| is_alike(known, team)))
    }

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
        let wrong: Vec<String> =
            wrong.into_iter().filter_map(|(key, why)| Some(format!("its tag {key} cannot be read: {}", why?))).collect();
        (!wrong.is_empty()).then(|| wrong.join("; "))
    }

    /// The exemption that the owner asks for; an error if the tag's value cannot be read. `None`: there is no such tag, or the tags are not known.
    pub(crate) fn keep(&self, resource: &Resource) -> Option<Result<Keep, String>> {
        let value = resource.tags.read()?.get(KEEP_UNTIL_TAG)?;
        Some(match value.trim() {
            "always" if self.exemption.allow_always => Ok(Keep { value: value.clone(), until: None, longest: None }),
            "always" => Err("the policy does not allow `always`: write a day, for example 2026-12-31".into()),
            day => day.parse::<Date>().map_err(|_| format!("`{value}` is not a day: write a day, for example 2026-12-31")).map(|day| {
                let end = day.saturating_add(1.day()).to_zoned_datetime(self.calendar.zone.clone());
                let until = end.map_or(Timestamp::MAX, |end| end.timestamp());
                Keep { value: value.clone(), until: Some(until), longest: Some(self.exemption.max) }
            }),
        })
    }
}
