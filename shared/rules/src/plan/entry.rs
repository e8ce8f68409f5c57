//! What the ledger remembers of one finding.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// What another run is at work on is left to it for this long: a function runs for five minutes at most. After that, that run has broken off.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(6);

/// How many different failures of one finding are remembered.
pub(crate) const FAILURES_KEPT: usize = 8;

/// What the ledger remembers of one finding. Its key is (rule, resource id).
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The rule's name.
    pub rule: String,
    /// The id under which it is remembered ([`crate::rulebook::Finding::entry_id`]).
    pub id: String,
    /// The resource's ARN, or its id where none was known.
    pub arn: String,
    /// The resource's name.
    pub name: String,
    /// Whose it was when it was last found.
    pub owner: Option<String>,
    /// Whose team's.
    pub team: Option<String>,
    /// How far it has come.
    pub state: State,
    /// When it was found first.
    pub first_seen: Timestamp,
    /// When it was found last (at most a day ago, if it is still open).
    pub last_seen: Timestamp,
    /// What its owner was told of ([`crate::rules::verdict::Notice::key`]).
    pub topic: Option<String>,
    /// What its owner was warned of, or what was done ([`crate::remedy::Remedy::action`]).
    pub action: Option<String>,
    /// When its team was told, because it was open for so long.
    pub escalated_at: Option<Timestamp>,
    /// When its owner was last mailed about its state. `None`: not yet, or that mail failed: it is due. What is only told is written as told
    /// before it is mailed, and taken back if the mail fails: nobody is mailed twice. What is warned of or done is written as told after it was
    /// mailed: nothing is stopped unwarned.
    pub notified_at: Option<Timestamp>,
    /// When the guard may act. Set by a warning.
    pub act_after: Option<Timestamp>,
    /// The start of the run that it is about.
    pub run: Option<Timestamp>,
    /// What it costs.
    pub usd_per_hour: Option<Decimal>,
    /// What it costs.
    pub usd_per_month: Option<Decimal>,
    /// When the waste would have ended by itself.
    pub ends: Option<Timestamp>,
    /// The wish to keep it, and when it was first seen.
    pub kept: Option<Kept>,
    /// When an attempt to act is made again, if it fails.
    pub retry_after: Option<Timestamp>,
    /// Why attempts to act failed: one line for each different failure that its owner was told ([`add_failure`]). Empty: one that nobody was told.
    pub failure: Option<String>,
    /// Counts the writes: a write on top of another run's is refused. 0: not in the ledger yet.
    pub version: u64,
}

/// Under what the ledger remembers a finding, within its function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey {
    /// The rule's name.
    pub rule: String,
    /// [`crate::rulebook::Finding::entry_id`].
    pub id: String,
}

/// How far a finding has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its owner was told.
    Reported,
    /// Its owner was told when it will be stopped.
    Warned,
    /// The guard was about to act. If this is read, that run did not come to its end.
    Acting,
    /// The guard acted.
    Acted,
    /// The guard cannot act, and will not be able to: this run of the resource is left alone.
    GivenUp,
    /// Its owner wishes to keep it.
    Exempt,
    /// It is gone. Kept for a while, so that who was told yesterday is not told again today.
    Closed,
    /// The ledger's item cannot be read: written by another version, or by hand. It is left alone, and with it the finding.
    Unreadable,
}

/// A wish to keep a resource, as the ledger remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The tag's value.
    pub value: String,
    /// When it was first seen: the longest exemption counts from here.
    pub since: Timestamp,
}

impl Entry {
    /// Its key.
    pub fn key(&self) -> FindingKey {
        FindingKey { rule: self.rule.clone(), id: self.id.clone() }
    }

    /// Whether there is something to do about it now, without anything new being found: a warning whose time has come, or a run that broke off.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.state {
            State::Warned => {
                !at_work(self, now) && self.act_after.max(self.retry_after.filter(|_| self.failure.is_some())).is_none_or(|at| at <= now)
            }
            State::Acting => !at_work(self, now),
            State::GivenUp => self.notified_at.is_none(),
            State::Reported | State::Acted | State::Exempt | State::Closed | State::Unreadable => false,
        }
    }
}

/// Whether another run has written what it is about to mail or do, and not yet that it has.
pub(crate) fn at_work(entry: &Entry, now: Timestamp) -> bool {
    let begun = matches!(entry.state, State::Warned | State::Acting) && entry.notified_at.is_none();
    // A time that is yet to come was written by a clock that went wrong.
    begun && entry.last_seen <= now && now.duration_since(entry.last_seen) < LONGEST_RUN
}

/// Adds a failure to those that an owner was told ([`Entry::failure`]). `None`: it is one of them.
pub fn add_failure(told: Option<&str>, why: &str) -> Option<String> {
    // Numbers, as in the use of a quota or the id of a request, make no other failure.
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace().filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
    };
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    let told: Vec<&str> = told.iter().flat_map(|told| told.lines()).collect();
    if told.iter().any(|before| words(before) == words(&why)) {
        return None;
    }
    // Those of long ago are forgotten: an item of the ledger has its limit.
    let first = told.len().saturating_sub(FAILURES_KEPT - 1);
    Some(told[first..].iter().copied().chain([why.as_str()]).collect::<Vec<_>>().join("\n"))
}

/// Takes back the last failure, of which the mail was not sent. The attempt has failed all the same.
pub fn take_back_failure(told: &str) -> String {
    told.rsplit_once('\n').map_or_else(String::new, |(before, _)| before.to_owned())
}
