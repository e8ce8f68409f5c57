//! The keys of the `cost-guard:` tags, and keys that are nearly one of them.

use std::collections::BTreeMap;

use crate::{
    policy::{required_tags::plain, settings::Policy},
    remedy::RESUBMITTED_TAG,
    vocabulary::{resource::is_aws, spelling::nearest, text::is_alike},
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
    /// What is wrong with a key of these tags, and how to write it.
    pub(super) fn how_to_write(self, key: &str, tags: &BTreeMap<String, String>) -> String {
        match self {
            Self::Of(meant) if tags.contains_key(meant) => {
                format!("its key is not exactly {meant}, which the resource has as well: remove this one")
            }
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

    /// Whether a key is nearly one of the guard's. A key that the policy itself names is right, in any case.
    pub(crate) fn slip_of(&self, key: &str) -> Option<Slip> {
        let mut named = self.owner_tags.iter().chain(&self.team_tags).chain(&self.other_tags);
        slip_of(key).filter(|_| !named.any(|one| is_alike(one, key)) && !self.is_workflow_tag(key))
    }
}

/// What a key is nearly. `None`: it is one of the guard's, or has nothing to do with the guard.
///
/// To stop what somebody protected is worse than to leave on what nobody did, but a tag of another tool must not suspend the guard for ever. So:
///
/// * a key whose first words are `cost guard`, in any letters that look so, is meant for the guard, whatever follows;
/// * with one slip in them too, unless they begin with another word: `coast-guard:schedule` is another tool's. Before a name they may stand behind other
///   words, or behind the name: `ml:cost-gaurd:schedule`, `schedule:cost-gaurd`;
/// * with two slips only before a name that is right: `cos-gaurd:keep-until`;
/// * a name that only the guard has (`keep-until`, `keep-reason`, `stoppable`) is meant for the guard even behind another word, one of the two or their
///   initials: `coast-guard:keep-until`, `guard:keep-until`, `CG:keep-until`;
/// * `keep-until` is meant for it with any other words, too, unless these are another guard's: `keep-until-date`, `ml:keep-until`;
/// * longer words, such as `cost-guardian`, are another tool's.
fn slip_of(key: &str) -> Option<Slip> {
    if KEYS.contains(&key) || key == RESUBMITTED_TAG || is_aws(key) {
        return None;
    }
    let seen = seen(key);
    // Cost Explorer writes `user:` before keys.
    let key = seen.strip_prefix("user:").unwrap_or(&seen);
    meant_by(key).map(Slip::Of).or_else(|| begins_as_ours(key).then_some(Slip::Unknown))
}

/// The key that is meant, if the guard's words are in it, or nearly.
fn meant_by(key: &str) -> Option<&'static str> {
    let letters = plain(key);
    let after_prefix = letters.split_once(PREFIX).and_then(|(front, rest)| named(if rest.is_empty() { front } else { rest }));
    let with_name = || KEYS.into_iter().find(|key| letters.strip_suffix(name_of(key).as_str()).is_some_and(|front| is_slip(front, key)));
    let with_others = || is_keep_until(key).then_some(KEEP_UNTIL_TAG);
    let from_each_word = || [0].into_iter().chain(ends(key)).find_map(|at| nearly(&key[at..]));
    let turned = || KEYS.into_iter().find(|name| is_turned(key, name));
    turned().or(after_prefix).or_else(with_name).or_else(with_others).or_else(from_each_word)
}

/// Whether it has the words of one of the guard's keys in another order: `guard-cost:schedule`, `schedule:guard:cost`.
fn is_turned(key: &str, ours: &str) -> bool {
    let words = |key: &str| {
        let mut from = 0;
        let mut words: Vec<String> = ends(key).into_iter().map(|to| plain(&key[std::mem::replace(&mut from, to)..to])).collect();
        words.sort_unstable();
        words
    };
    // Without case, two words that are written as one still are two: `GuardCost`, `guardcost:schedule`.
    let in_one = |key: &str| key.replacen("guardcost", "guard cost", 1).replacen("costguard", "cost guard", 1);
    words(&in_one(key)) == words(ours) || words(&in_one(&key.to_lowercase())) == words(ours)
}

/// Whether it is `keep-until`, with two slips or with other words before or behind it, or with another word for `until`. `cost-guardian:keep-until` is another
/// tool's; `sagemaker-guard:keep-until` is the guard's under the name that people give it.
fn is_keep_until(key: &str) -> bool {
    let (letters, name) = (plain(key), name_of(KEEP_UNTIL_TAG));
    let is_name = |letters: String| letters == name || is_of_two_slips(&letters) || ["keeptil", "keeptill"].contains(&letters.as_str());
    let word_ends = ends(key);
    let is_first = || word_ends.iter().any(|at| is_name(plain(&key[..*at])));
    let is_last = || [0].iter().chain(&word_ends).any(|at| is_name(plain(&key[*at..])));
    strsim::osa_distance(&letters, &name) <= 1 || (!is_of_another_guard(key) && (is_first() || is_last()))
}

/// Whether letters are `keepuntil` with two slips of typing: they begin and end as it does, and have no others.
fn is_of_two_slips(letters: &str) -> bool {
    let name = name_of(KEEP_UNTIL_TAG);
    let is_typed = || letters.chars().all(|c| name.contains(c)) && letters.starts_with("keep") && letters.ends_with('l');
    strsim::osa_distance(letters, &name) <= 2 && is_typed()
}

/// Whether another guard has the key: in one word with `guard`, as `guardian` and `lifeguard`, or with a word before it that names it. Those of the
/// guard's own work do not.
fn is_of_another_guard(key: &str) -> bool {
    const OURS: [&str; 6] = ["aws", "bill", "budget", "ml", "sagemaker", "spend"];
    let letters = plain(key);
    let is_ours = |word: &&str| letters.strip_prefix(word).is_some_and(|rest| rest.starts_with("guard"));
    let is_one_word = || !ends(key).iter().any(|at| plain(&key[..*at]).ends_with("guard"));
    letters.contains("guard") && (is_one_word() || !OURS.iter().any(is_ours))
}

/// The key that is meant by a text with one slip in the guard's words, before a name or behind it.
fn nearly(text: &str) -> Option<&'static str> {
    let letters = plain(text);
    let split = |at: usize| letters.split_at_checked(at).map(|(front, rest)| (front.to_owned(), rest.to_owned()));
    // In `cosguardkeepuntill` it is not seen where words end.
    let halves: Vec<(String, String)> = match ends(text).as_slice() {
        [_] => (PREFIX.len() - 1..=PREFIX.len() + 1).filter_map(split).collect(),
        several => several.iter().map(|at| (plain(&text[..*at]), plain(&text[*at..]))).collect(),
    };
    let meant = |ours: &str, name: &str| named(name).filter(|_| is_slipped_once(ours));
    halves.iter().find_map(|(front, rest)| meant(front, rest).or_else(|| meant(rest, front)))
}

/// Whether these letters before the exact name of a key are `cost guard` with a slip or two. Of a name that only the guard has, they may be any words. Other
/// tools have `schedule` and `spot` too: before these, two slips are one of typing each, which leaves out, doubles or swaps letters.
fn is_slip(front: &str, key: &str) -> bool {
    let is_ours_alone = ![SCHEDULE_TAG, SPOT_TAG].contains(&key);
    let is_typed = || front.starts_with('c') && front.chars().all(|c| PREFIX.contains(c)) && !is_other_word(front);
    is_slipped_once(front)
        || (strsim::osa_distance(front, PREFIX) <= 2 && (is_ours_alone || is_typed()))
        || (is_ours_alone && ["cg", "cguard", "cost", "costs", "guard", "guardcost"].contains(&front))
}

fn is_slipped_once(front: &str) -> bool {
    strsim::osa_distance(front, PREFIX) == 1 && !is_other_word(front)
}

/// Whether they begin with a word that is nearly `cost` and is another one: `coast-guard` and `post-guard` are other tools.
fn is_other_word(front: &str) -> bool {
    const OTHERS: [&str; 13] = ["cart", "cast", "cat", "coast", "coat", "cord", "court", "crust", "dost", "host", "lost", "most", "post"];
    OTHERS.iter().any(|other| front.starts_with(other))
}

/// The name of a key, in letters: `keepuntil`.
fn name_of(key: &str) -> String {
    plain(key).split_off(PREFIX.len())
}

/// Its words turned round: `untilkeep`.
fn turned_name_of(key: &str) -> String {
    let name = key.rsplit(':').next().unwrap_or_default();
    name.rsplit('-').collect()
}

/// The key with a name that is similar to this one: `keepuntill`, `keep`, `schedules`.
fn named(name: &str) -> Option<&'static str> {
    /// A shorter name is no abbreviation.
    const ABBREVIATED: usize = 4;
    let distance_to = |key: &str| {
        let wanted = name_of(key);
        let is_part = ABBREVIATED <= name.len() && (wanted.starts_with(name) || name.starts_with(&wanted));
        let distance = strsim::osa_distance(name, &wanted).min(strsim::osa_distance(name, &turned_name_of(key)));
        (distance <= wanted.len() / 4 || is_part).then_some(distance)
    };
    KEYS.into_iter().filter_map(|key| Some((distance_to(key)?, key))).min_by_key(|(distance, _)| *distance).map(|(_, key)| key)
}

/// Whether its first words are `cost guard`, however they are written, or stand behind other words: `sagemaker-cost-guard:snooze`. The first
/// words may have one wrong letter, but not one more: `cost-guards` are other words.
fn begins_as_ours(key: &str) -> bool {
    let is_ours =
        |letters: &str| letters == PREFIX || (letters.starts_with('c') && letters.len() <= PREFIX.len() && is_slipped_once(letters));
    let words = ends(key);
    let is_inside = |from: usize| words.iter().any(|to| from < *to && plain(&key[from..*to]) == PREFIX);
    words.iter().any(|at| is_ours(&plain(&key[..*at])) || is_inside(*at))
}

/// Where words of a key end: before what is neither a letter nor a digit, before a capital in camel case, and at its end.
fn ends(key: &str) -> Vec<usize> {
    let is_end =
        |last: char, next: Option<char>| next.is_none_or(|next| !next.is_alphanumeric() || (last.is_lowercase() && next.is_uppercase()));
    let chars = key.char_indices().map(|(at, last)| (last, at + last.len_utf8()));
    chars.filter(|(last, at)| last.is_alphanumeric() && is_end(*last, key[*at..].chars().next())).map(|(_, at)| at).collect()
}

/// The key with the letters that it seems to have: full-width letters, and those of other scripts that look like the letters of the guard's keys.
fn seen(key: &str) -> String {
    // Cyrillic, Greek, Armenian and Latin ones.
    const LOOKS: [(&str, char); 19] = [
        ("\u{430}\u{3b1}", 'a'),
        ("\u{432}", 'b'),
        ("\u{441}\u{3f2}", 'c'),
        ("\u{501}", 'd'),
        ("\u{435}\u{3b5}", 'e'),
        ("\u{261}", 'g'),
        ("\u{4bb}", 'h'),
        ("\u{456}\u{131}\u{3b9}", 'i'),
        ("\u{43a}\u{3ba}", 'k'),
        ("\u{4cf}", 'l'),
        ("\u{43f}\u{578}", 'n'),
        ("\u{43e}\u{3bf}", 'o'),
        ("\u{440}\u{3c1}", 'p'),
        ("\u{433}", 'r'),
        ("\u{455}", 's'),
        ("\u{442}\u{3c4}", 't'),
        ("\u{57d}\u{3c5}", 'u'),
        ("\u{475}\u{3bd}", 'v'),
        ("\u{445}\u{3c7}", 'x'),
    ];
    let looks = |c: char| LOOKS.iter().find(|(foreign, _)| foreign.contains(c)).map(|(_, letter)| *letter);
    let narrow = |c: char| if ('\u{ff01}'..='\u{ff5e}').contains(&c) { char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c) } else { c };
    let fold = |c: char| {
        let c = narrow(c);
        if c.is_ascii() {
            return c;
        }
        let small = c.to_lowercase().next().unwrap_or(c);
        looks(small).map_or(c, |letter| if c.is_uppercase() { letter.to_ascii_uppercase() } else { letter })
    };
    key.chars().map(fold).collect()
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
            ("\u{441}\u{43e}st-gu\u{430}rd:k\u{435}\u{435}p-until", KEEP_UNTIL_TAG),
            ("\u{421}\u{43e}st-Gu\u{430}rd:\u{455}chedule", SCHEDULE_TAG),
            ("c\u{3bf}st-gu\u{3b1}rd:sp\u{3bf}t", SPOT_TAG), // Greek letters
            ("ｃｏｓｔ－ｇｕａｒｄ：ｋｅｅｐ－ｕｎｔｉｌ", KEEP_UNTIL_TAG),
            ("ＣｏｓｔＧｕａｒｄＳｃｈｅｄｕｌｅ", SCHEDULE_TAG),
            ("cos-gaurd:keep-until", KEEP_UNTIL_TAG),
            ("cos-gaurd:schedule", SCHEDULE_TAG),
            ("cosgaurdkeepuntil", KEEP_UNTIL_TAG),
            ("cosst-gard:spot", SPOT_TAG),
            ("cpst-guard:schedule", SCHEDULE_TAG),
            ("cos-guard:keep-untill", KEEP_UNTIL_TAG),
            ("cosguardkeepuntill", KEEP_UNTIL_TAG),
            ("xost-huard:keep-until", KEEP_UNTIL_TAG),
            ("sagemaker-guard:keep-until", KEEP_UNTIL_TAG),
            ("SageMakerGuard:KeepUntil", KEEP_UNTIL_TAG),
            ("budget-guard:keep-until", KEEP_UNTIL_TAG),
            ("keep-utill", KEEP_UNTIL_TAG),
            ("KeepUtnill", KEEP_UNTIL_TAG),
            ("ml:keep-utill", KEEP_UNTIL_TAG),
            ("coast-guard:keep-until", KEEP_UNTIL_TAG),
            ("post-guard:stoppable", STOPPABLE_TAG),
            ("guard:keep-until", KEEP_UNTIL_TAG),
            ("guard-cost:keep-until", KEEP_UNTIL_TAG),
            ("keep-until:cost-guard", KEEP_UNTIL_TAG),
            ("schedule/CostGuard", SCHEDULE_TAG),
            ("Cost:KeepUntil", KEEP_UNTIL_TAG),
            ("cost-stoppable", STOPPABLE_TAG),
            ("user:cost-guard:keep-until", KEEP_UNTIL_TAG), // as Cost Explorer writes it
            ("user:cost-gaurd:keep-until", KEEP_UNTIL_TAG),
            ("user:keep-until", KEEP_UNTIL_TAG),
            ("team:cost-gaurd:keep-until", KEEP_UNTIL_TAG),
            ("ml:cost-gard:schedule", SCHEDULE_TAG),
            ("prod-cost-gaurd:schedule", SCHEDULE_TAG),
            ("MlCostGaurdSchedule", SCHEDULE_TAG),
            ("ml/prod/cost-gaurd/keep-untill", KEEP_UNTIL_TAG),
            ("ml:costgaurdschedule", SCHEDULE_TAG),
            ("keep-until/cost-gaurd", KEEP_UNTIL_TAG),
            ("schedule:cost-gaurd", SCHEDULE_TAG),
            ("until-keep:cost-guard", KEEP_UNTIL_TAG),
            ("cost-guard:until-keep", KEEP_UNTIL_TAG),
            ("guard-cost:schedule", SCHEDULE_TAG),
            ("GuardCostSchedule", SCHEDULE_TAG),
            ("guardcost:schedule", SCHEDULE_TAG),
            ("guard-cost-spot", SPOT_TAG),
            ("schedule:guard-cost", SCHEDULE_TAG),
            ("guard:schedule:cost", SCHEDULE_TAG),
            ("cost-schedule:guard", SCHEDULE_TAG),
            ("Cost_Spot_Guard", SPOT_TAG),
            ("guard/cost/stoppable", STOPPABLE_TAG),
            ("cost-keep-until-guard", KEEP_UNTIL_TAG),
            ("keep-guard:cost-until", KEEP_UNTIL_TAG),
            ("reason-keep:guard-cost", KEEP_REASON_TAG),
            ("keep-until", KEEP_UNTIL_TAG),
            ("KeepUntil", KEEP_UNTIL_TAG),
            ("keep_until", KEEP_UNTIL_TAG),
            ("keep-untill", KEEP_UNTIL_TAG),
            ("keep-till", KEEP_UNTIL_TAG),
            ("ml:KeepTil", KEEP_UNTIL_TAG),
            ("keep_till_date", KEEP_UNTIL_TAG),
            ("keep-until-date", KEEP_UNTIL_TAG),
            ("KeepUntilDate", KEEP_UNTIL_TAG),
            ("keep-until-2026-12-31", KEEP_UNTIL_TAG),
            ("ml:keep-until", KEEP_UNTIL_TAG),
            ("team/Keep_Until", KEEP_UNTIL_TAG),
            ("sagemaker-cost-guard:keep-until", KEEP_UNTIL_TAG),
            ("CG:keep-until", KEEP_UNTIL_TAG),
            ("cguard:keep-until", KEEP_UNTIL_TAG),
            ("cg-stoppable", STOPPABLE_TAG),
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
    fn the_words_of_a_key_in_any_order_are_meant_for_the_guard() {
        for key in KEYS {
            let words: Vec<&str> = key.split([':', '-']).collect();
            for order in orders(words) {
                for joint in ["-", ":", "_"] {
                    let turned = order.join(joint);
                    assert_eq!(slip_of(&turned), Some(Slip::Of(key)), "{turned}");
                }
            }
        }
    }

    fn orders(words: Vec<&str>) -> Vec<Vec<&str>> {
        if words.len() <= 1 {
            return vec![words];
        }
        let with_first = |at: usize| {
            let mut rest = words.clone();
            let first = rest.remove(at);
            orders(rest).into_iter().map(move |rest| [vec![first], rest].concat())
        };
        (0..words.len()).flat_map(with_first).collect()
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
            "sagemaker-cost-guard:snooze",
            "prod/CostGuard/exempt",
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
            "coast-guard:schedule",
            "coastguard:schedule",
            "prod-coast-guard:schedule",
            "ml:lost-guard:spot",
            "schedule:coast-guard",
            "team:cost-group:schedule",
            "team:cost-guardian:schedule",
            "user:schedule",
            "CoastGuardSchedule",
            "post-guard:schedule",
            "lost-guard:spot",
            "cast-guard:unit",
            "test-guard:schedule",
            "port-guard:schedule",
            "cat-guard:schedule",
            "costguardian:x",
            "costguardian:schedule",
            "cost-guardian:schedule",
            "cost-guardian:keep-until",
            "CostGuardianSpot",
            "cost-guardrail:schedule",
            "cos-gaurd:snooze",
            "host-guard:enabled",
            "post-guard",
            "guard",
            "guard:schedule",
            "schedule",
            "Schedule",
            "cg:schedule",
            "keep",
            "keep-utilities",
            "keep-tilted",
            "keep-untilted",
            "housekeep-until",
            "other-guard:keep-until-date",
            "sagemaker-guardian:keep-until",
            "budget-guardrail:keep-until",
            "keep-ups",
            "sagemaker-cost-guardian:snooze",
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
        for (key, slip) in [
            ("cost-guard:owner", false),
            ("Cost-Guard:Owner", false),
            ("costguard/team", false),
            ("CostGuard/Team ", false),
            ("cost-guard:team", true),
            ("cost-guard-owner", true),
        ] {
            assert_eq!(policy.slip_of(key).is_some(), slip, "{key}");
        }
    }

    #[test]
    fn a_slip_tells_how_to_write_it() {
        let schedule = BTreeMap::from([(SCHEDULE_TAG.to_owned(), "always".to_owned())]);
        for (key, says) in [
            ("costguard:keep-until", "its key is not exactly cost-guard:keep-until: add a tag with that key"),
            ("Cost-Guard:Schedule", "its key is not exactly cost-guard:schedule, which the resource has as well: remove this one"),
            ("cost-guard:exempt", "its key is none of the guard's: did you mean `cost-guard:"),
        ] {
            let told = slip_of(key).unwrap().how_to_write(key, &schedule);
            assert!(told.contains(says), "{told}");
        }
    }
}
