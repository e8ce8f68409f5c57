//! What went wrong in the runs of the functions, for the platform's summary: each cause once a day, with its times.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    facts::Unread,
    mail::{plain::explained, subject::shortened, weekly::count},
    vocabulary::{text::one_line, time_zone::moment},
};

/// The most causes of one kind that a run leaves.
const CAUSES: usize = 10;

/// The longest line about a cause, in characters.
const LINE: usize = 300;

/// The longest cause, in characters: it is part of a key of the ledger.
const CAUSE: usize = 200;

/// What went wrong in the runs of a function on one day, for one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trouble {
    function: String,
    wrong: Wrong,
    /// The same text in each run.
    cause: String,
    /// As the last run said it.
    text: String,
    /// The ARN of the resource whose action failed. `None`: it is about something else.
    #[serde(default)]
    resource: Option<String>,
    first: Timestamp,
    last: Timestamp,
    runs: usize,
}

/// Something that failed in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed, and why.
    pub text: String,
    /// The ARN of the resource whose action failed. `None`: it is about something else.
    pub resource: Option<String>,
}

/// What sort of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wrong {
    /// An action, a mail or a write failed.
    Failed,
    /// Something could not be read.
    Unread,
    /// So many actions waited for a later run.
    HeldBack(usize),
}

impl Trouble {
    /// What went wrong in a run of a function that began at `now`.
    pub fn of(function: &str, failures: &[Failure], unread: &[Unread], held_back: usize, now: Timestamp) -> Vec<Self> {
        let one = |wrong, cause: &str, text: &str| Self {
            function: function.to_owned(),
            wrong,
            cause: shortened(one_line(cause).trim(), CAUSE),
            text: shortened(one_line(text).trim(), LINE),
            resource: None,
            first: now,
            last: now,
            runs: 1,
        };
        let failed =
            |Failure { text, resource }: &Failure| Self { resource: resource.clone(), ..one(Wrong::Failed, text, &explained(text)) };
        let failures = failures.iter().take(CAUSES).map(failed);
        let unread = unread.iter().take(CAUSES).map(|it| one(Wrong::Unread, &it.cause, &format!("{}: {}", it.what, it.why)));
        let held_back = (0 < held_back).then(|| one(Wrong::HeldBack(held_back), &held_back.to_string(), ""));
        let mut causes: BTreeMap<String, Self> = BTreeMap::new();
        for trouble in failures.chain(unread).chain(held_back) {
            causes.entry(trouble.key()).or_insert(trouble);
        }
        causes.into_values().collect()
    }

    /// Its key: the same for this cause in all runs of the function on one day (UTC).
    pub fn key(&self) -> String {
        let day = self.last.to_zoned_datetime(TimeZone::UTC).date();
        format!("{day}#{}#{}#{}", self.function, self.wrong.name(), self.cause)
    }

    /// The start of the keys of a day, and of all later ones.
    pub fn keys_from(since: Timestamp) -> String {
        since.to_zoned_datetime(TimeZone::UTC).date().to_string()
    }

    /// The same, with what earlier runs said of it. A run that is repeated counts once.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        let (first, last) = (self.first.min(before.first), self.last.max(before.last));
        let runs = if self.last == before.last { before.runs } else { self.runs + before.runs };
        Self { first, last, runs, ..self }
    }

    /// When it was seen last.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// The function whose runs these are.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// What could not be read, for people: `endpoint metrics: denied`. `None`: it is no such trouble.
    pub fn unread(&self) -> Option<&str> {
        (self.wrong == Wrong::Unread).then(|| self.text.trim_end_matches('.'))
    }

    /// The ARN of the resource whose action failed.
    pub(crate) fn resource(&self) -> Option<&str> {
        self.resource.as_deref()
    }
}

impl Wrong {
    const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unread => "unread",
            Self::HeldBack(_) => "held-back",
        }
    }
}

/// Each cause once, with all of its days.
pub(crate) fn by_cause(troubles: &[Trouble]) -> Vec<Trouble> {
    let mut causes: BTreeMap<(&str, &str, &str), Trouble> = BTreeMap::new();
    for one in troubles {
        let key = (&*one.function, one.wrong.name(), &*one.cause);
        let all = causes.get(&key).map_or_else(|| one.clone(), |before| one.clone().after(before));
        causes.insert(key, all);
    }
    causes.into_values().collect()
}

/// A line for each cause of a sort: what, how often, and when.
pub(crate) fn lines(causes: &[Trouble], wrong: Wrong, zone: &TimeZone) -> Vec<String> {
    let when = |one: &Trouble| match one.runs {
        1 => moment(one.last, zone),
        runs => format!("{}, {} to {}", count(runs, "run"), moment(one.first, zone), moment(one.last, zone)),
    };
    let causes = causes.iter().filter(|one| one.wrong == wrong);
    causes.map(|one| format!("{}: {} ({})", one.function, one.text.trim_end_matches('.'), when(one))).collect()
}

/// One line about what went wrong and does not any more: `No longer so: 1 failure of training-job-spot-enforcer (last on Tue 2026-11-24 13:15).`
pub(crate) fn no_longer_so(causes: &[Trouble], zone: &TimeZone) -> String {
    let mut of: BTreeMap<(&str, &str), (usize, Timestamp)> = BTreeMap::new();
    for one in causes {
        let what = match one.wrong {
            Wrong::Failed => "failure",
            Wrong::Unread => "unread item",
            Wrong::HeldBack(_) => continue,
        };
        let (times, last) = of.entry((&one.function, what)).or_insert((0, one.last));
        (*times, *last) = (*times + 1, one.last.max(*last));
    }
    let each =
        of.iter().map(|((function, what), (n, last))| format!("{} of {function} (last on {})", count(*n, what), moment(*last, zone)));
    let each = each.collect::<Vec<_>>().join(", ");
    if each.is_empty() { each } else { format!("\nNo longer so: {each}.\n") }
}

/// How many actions of each function waited for a later run, at most.
pub(crate) fn held_back(troubles: &[Trouble]) -> Vec<String> {
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for one in troubles {
        if let Wrong::HeldBack(n) = one.wrong {
            let before = most.entry(&one.function).or_default();
            *before = n.max(*before);
        }
    }
    most.iter().map(|(function, n)| format!("{function}: {} waited for a later run (`max-actions`)", count(*n, "action"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-{time}:00Z").parse().unwrap()
    }

    fn idle(count: usize, time: &str) -> Trouble {
        let unread =
            Unread::new(format!("notebook-idle: {count} resources not judged (a, …)"), "no agent").with_cause("notebook-idle: no agent");
        Trouble::of("notebook-stopper", &[], &[unread], 0, at(time)).remove(0)
    }

    #[test]
    fn a_cause_has_one_key_a_day_and_one_line() {
        let (early, late, next_day) = (idle(10, "23T08:00"), idle(13, "23T17:15"), idle(12, "24T08:00"));
        assert_eq!(early.key(), late.key());
        assert_ne!(late.key(), next_day.key());
        assert!(Trouble::keys_from(at("23T17:00")) <= early.key() && next_day.key() < Trouble::keys_from(at("25T00:00")));
        let of_day = late.after(&early);
        let other = Trouble::of("tag-auditor", &[], &[Unread::new("apps", "denied")], 0, at("23T09:00"));
        let told = lines(&by_cause(&[vec![of_day, next_day], other].concat()), Wrong::Unread, &TimeZone::UTC);
        assert_eq!(
            told,
            [
                "notebook-stopper: notebook-idle: 12 resources not judged (a, …): no agent (3 runs, Mon 2026-11-23 08:00 to Tue 2026-11-24 08:00)",
                "tag-auditor: apps: denied (Mon 2026-11-23 09:00)",
            ]
        );
    }

    #[test]
    fn a_run_leaves_a_cause_once_and_not_all_of_many() {
        let failure = |text: String| Failure { text, resource: None };
        let failures: Vec<Failure> = (0..40).map(|n| failure(format!("mail {n}: ThrottlingException: Rate exceeded"))).collect();
        let twice = [Unread::new("apps", "denied"), Unread::new("apps", "denied")];
        let left = Trouble::of("notebook-stopper", &failures, &twice, 3, at("23T08:00"));
        let of = |wrong: Wrong| left.iter().filter(|one| one.wrong == wrong).count();
        assert_eq!((of(Wrong::Failed), of(Wrong::Unread), of(Wrong::HeldBack(3))), (10, 1, 1));
        assert!(left.iter().any(|one| one.text.starts_with("AWS got too many requests at a time. In full: mail 0")), "{left:?}");
        let more = Trouble::of("notebook-stopper", &[], &[], 7, at("23T09:00"));
        assert_eq!(held_back(&[left, more].concat()), ["notebook-stopper: 7 actions waited for a later run (`max-actions`)"]);
        let long = Trouble::of("notebook-stopper", &[failure("\u{1f600}".repeat(2000))], &[], 0, at("23T08:00")).remove(0);
        assert!(long.key().len() <= 1024 && long.text.chars().count() <= LINE, "{} bytes", long.key().len());
    }
}
