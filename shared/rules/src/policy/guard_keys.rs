//! The keys of the `cost-guard:` tags, and keys that are nearly one of them.

use crate::{
    policy::{required_tags::plain, settings::Policy},
    remedy::RESUBMITTED_TAG,
    vocabulary::{resource::is_aws, spelling::nearest},
};

/// Tag with a resource's own working hours.
pub const SCHEDULE_TAG: &str = "cost-guard:schedule";

/// Tag with the last day that a resource is kept, `2026-12-31`, or `always`.
pub const KEEP_UNTIL_TAG: &str = "cost-guard:keep-until";

/// Tag with a text for people. It has no effect.
const KEEP_REASON_TAG: &str = "cost-guard:keep-reason";

/// Tag with which the owner of a training job asks the guard to submit it again as Spot: `resubmit`.
pub const SPOT_TAG: &str = "cost-guard:spot";

/// Tag with which the owner of a resource says that it may be stopped when its budget is used up: `yes`, or `no`.
pub const STOPPABLE_TAG: &str = "cost-guard:stoppable";

/// The keys that people set. Of two that are equally near, the first one is meant.
const KEYS: [&str; 5] = [SCHEDULE_TAG, KEEP_UNTIL_TAG, STOPPABLE_TAG, SPOT_TAG, KEEP_REASON_TAG];

/// The letters that all of the guard's keys begin with.
const PREFIX: &str = "costguard";

/// A key that is meant for the guard, and is none of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// This key is meant.
    Of(&'static str),
    /// It begins as the guard's keys do. Which one is meant is not known.
    Unknown,
}

impl Slip {
    /// What is wrong with the key, and how to write it.
    pub(crate) fn how_to_write(self, key: &str) -> String {
        match self {
            Self::Of(meant) => format!("its key is not exactly {meant}: add a tag with that key, and remove this one"),
            Self::Unknown => format!("its key is none of the guard's{}", nearest(key, &KEYS)),
        }
    }
}

impl Policy {
    /// Whether the guard reads a tag: it is one of the guard's, or meant to be one.
    pub(crate) fn reads_guard_tag(&self, key: &str) -> bool {
        (KEYS.contains(&key) && key != KEEP_REASON_TAG) || self.slip_of(key).is_some()
    }

    /// Whether a key is nearly one of the guard's. A key that the policy itself names is right.
    pub(crate) fn slip_of(&self, key: &str) -> Option<Slip> {
        let mut named = self.owner_tags.iter().chain(&self.team_tags).chain(&self.other_tags);
        slip_of(key).filter(|_| named.all(|one| one != key) && !self.is_workflow_tag(key))
    }
}

/// What a key is nearly. `None`: it is one of the guard's, or has nothing to do with the guard.
fn slip_of(key: &str) -> Option<Slip> {
    if KEYS.contains(&key) || key == RESUBMITTED_TAG || is_aws(key) {
        return None;
    }
    meant_by(&plain(key)).map(Slip::Of).or_else(|| begins_as_ours(key).then_some(Slip::Unknown))
}

/// The key that these letters and digits are nearly: the beginning has at most one wrong letter, and the rest is similar to the name of a tag.
fn meant_by(letters: &str) -> Option<&'static str> {
    let after_prefix = letters.split_once(PREFIX).map(|(_, rest)| rest);
    let after_slip = (PREFIX.len() - 1..=PREFIX.len() + 1).filter_map(|length| {
        let (prefix, rest) = letters.split_at_checked(length)?;
        (strsim::osa_distance(prefix, PREFIX) == 1).then_some(rest)
    });
    after_prefix.into_iter().chain(after_slip).find_map(named)
}

/// The key with a name that is similar to this one: `keepuntill`, `keep`, `schedules`.
fn named(name: &str) -> Option<&'static str> {
    /// A shorter name is no abbreviation.
    const ABBREVIATED: usize = 4;
    let distance_to = |key: &str| {
        let wanted = plain(key).split_off(PREFIX.len());
        let is_part = ABBREVIATED <= name.len() && (wanted.starts_with(name) || name.starts_with(&wanted));
        let distance = strsim::osa_distance(name, &wanted);
        (distance <= wanted.len() / 4 || is_part).then_some(distance)
    };
    KEYS.into_iter().filter_map(|key| Some((distance_to(key)?, key))).min_by_key(|(distance, _)| *distance).map(|(_, key)| key)
}

/// Whether its first words are `cost guard`, however they are written. They may have one wrong letter, but not one more:
/// `coast-guard` and `cost-guards` are other words.
fn begins_as_ours(key: &str) -> bool {
    let is_ours = |letters: &str| {
        letters == PREFIX || (letters.starts_with('c') && letters.len() <= PREFIX.len() && strsim::osa_distance(letters, PREFIX) == 1)
    };
    key.char_indices().map(|(at, last)| (last, key.split_at(at + last.len_utf8()))).any(|(last, (before, after))| {
        let is_end = after.chars().next().is_none_or(|next| !next.is_alphanumeric() || (last.is_lowercase() && next.is_uppercase()));
        is_end && is_ours(&plain(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_nearly_right_names_the_one_that_is_meant() {
        for (key, meant) in [
            ("Cost-Guard:keep-until", KEEP_UNTIL_TAG),
            ("Cost-Guard:Keep-Until", KEEP_UNTIL_TAG),
            ("COST-GUARD:KEEP-UNTIL", KEEP_UNTIL_TAG),
            ("CostGuardKeepUntil", KEEP_UNTIL_TAG),
            ("costguardkeepuntil", KEEP_UNTIL_TAG),
            ("cost-guard:keep_until", KEEP_UNTIL_TAG),
            ("cost-guard:keepuntil", KEEP_UNTIL_TAG),
            ("cost-guard:keepUntil", KEEP_UNTIL_TAG),
            ("cost-guard:keep-untill", KEEP_UNTIL_TAG),
            ("cost-guard:keep-utnil", KEEP_UNTIL_TAG),
            ("cost-guard:keep-til", KEEP_UNTIL_TAG),
            ("cost-guard:keep", KEEP_UNTIL_TAG),
            ("cost-guard:keep-until:2026-12-31", KEEP_UNTIL_TAG),
            ("cost-guard/keep-until", KEEP_UNTIL_TAG),
            ("cost-guard.keep-until", KEEP_UNTIL_TAG),
            ("cost-guard=keep-until", KEEP_UNTIL_TAG),
            ("cost_guard:keep_until", KEEP_UNTIL_TAG),
            ("cost guard keep until", KEEP_UNTIL_TAG),
            ("costguard:keep-until", KEEP_UNTIL_TAG),
            ("cost-guard:keep-until ", KEEP_UNTIL_TAG),
            (" cost-guard:keep-until", KEEP_UNTIL_TAG),
            ("cost-guard: keep-until", KEEP_UNTIL_TAG),
            ("cost-guard\u{a0}:keep-until", KEEP_UNTIL_TAG),
            ("cost-gaurd:keep-until", KEEP_UNTIL_TAG),
            ("cos-guard:keep-until", KEEP_UNTIL_TAG),
            ("costs-guard:keep-until", KEEP_UNTIL_TAG),
            ("c\u{43e}st-guard:keep-until", KEEP_UNTIL_TAG), // a Cyrillic letter
            ("user:cost-guard:keep-until", KEEP_UNTIL_TAG),  // as Cost Explorer writes it
            ("Cost-Guard:Schedule", SCHEDULE_TAG),
            ("cost-guard:shedule", SCHEDULE_TAG),
            ("cost-guard:schedules", SCHEDULE_TAG),
            ("cost-guard-schedule", SCHEDULE_TAG),
            ("cost-guard:stopable", STOPPABLE_TAG),
            ("cost-guard:Stoppable", STOPPABLE_TAG),
            ("cost-guard:spt", SPOT_TAG),
            ("cost-guard:Spot", SPOT_TAG),
            ("cost-guard:keep_reason", KEEP_REASON_TAG),
        ] {
            assert_eq!(slip_of(key), Some(Slip::Of(meant)), "{key}");
        }
    }

    #[test]
    fn what_begins_as_the_guards_keys_do_is_meant_for_the_guard() {
        for key in [
            "cost-guard:snooze",
            "cost-guard:exempt",
            "cost-guard:until",
            "Cost-Guard/owner",
            "cost_guard_enabled",
            "CostGuardIgnore",
            "cost-gaurd:snooze",
            "cost-guard",
            "cost-guard:",
            "costguard",
            "cost-guard:resubmitted_from",
        ] {
            assert_eq!(slip_of(key), Some(Slip::Unknown), "{key}");
        }
    }

    #[test]
    fn what_has_nothing_to_do_with_the_guard_is_no_slip() {
        for key in [
            "cost-guard:schedule",
            "cost-guard:keep-until",
            "cost-guard:keep-reason",
            "cost-guard:spot",
            "cost-guard:stoppable",
            "cost-guard:resubmitted-from",
            "aws:cost-guard:schedule",
            "",
            "cost-center",
            "cost-group",
            "CostCenter",
            "cost-guide",
            "cost-guardian",
            "cost-guardrail",
            "CostGuardrails",
            "cost-guards",
            "coast-guard",
            "coast-guard:unit",
            "host-guard:enabled",
            "post-guard",
            "guard",
            "guard:schedule",
            "schedule",
            "Schedule",
            "keep-until",
            "stoppable",
            "spot",
            "cost",
            "cost:schedule",
            "cost-center:schedule",
            "instance-scheduler:schedule",
            "Zoë Ünal",
        ] {
            assert_eq!(slip_of(key), None, "{key}");
        }
    }

    #[test]
    fn a_key_that_the_policy_names_is_right() {
        let policy = Policy::from_toml("owner-tags = [\"cost-guard:owner\"]\nteam-tags = [\"costguard/team\"]").unwrap();
        for (key, slip) in [("cost-guard:owner", false), ("costguard/team", false), ("cost-guard:team", true)] {
            assert_eq!(policy.slip_of(key).is_some(), slip, "{key}");
        }
    }

    #[test]
    fn a_slip_tells_how_to_write_it() {
        for (key, says) in [
            ("costguard:keep-until", "its key is not exactly cost-guard:keep-until: add a tag with that key"),
            ("cost-guard:exempt", "its key is none of the guard's: did you mean `cost-guard:"),
        ] {
            let told = slip_of(key).unwrap().how_to_write(key);
            assert!(told.contains(says), "{told}");
        }
    }
}
