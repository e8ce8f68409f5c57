//! What the ledger remembers of one finding: its entry, its key, its state and its failures.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{remedy::Remedy, vocabulary::resource::Resource};

/// For this long, what another run has begun is left to that run. A function runs for at most five minutes, so after this time that run was
/// interrupted.
pub const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(6);

/// How many different failures of one finding are remembered.
pub(crate) const FAILURES_KEPT: usize = 8;

/// What the ledger remembers of one finding. Its key is `rule` and `id`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The rule's name.
    pub rule: String,
    /// The id under which it is stored ([`crate::rulebook::Finding::entry_id`]).
    pub id: String,
    /// The resource's ARN, or its id if the ARN was not known.
    pub arn: String,
    /// The resource's name.
    pub name: String,
    /// Its owner when it was last found. `None`: no owner was known.
    pub owner: Option<String>,
    /// Its team when it was last found. `None`: no team was known.
    pub team: Option<String>,
    /// Where the finding is in its life.
    pub state: State,
    /// When it was first found.
    pub first_seen: Timestamp,
    /// When it was last found. While it is open, this is refreshed about once a day.
    pub last_seen: Timestamp,
    /// What its owner was notified of ([`crate::rules::verdict::Notice::key`]).
    pub topic: Option<String>,
    /// What its owner was warned of, or what was done ([`crate::rulebook::Finding::action`]). `None`: it is only reported.
    pub action: Option<String>,
    /// What exactly its owner was warned of ([`crate::remedy::Remedy::as_announced`]). `None`: `action` says all.
    pub announced: Option<String>,
    /// When its team was notified, because it was open for a long time.
    pub escalated_at: Option<Timestamp>,
    /// When its owner was last mailed about its state. `None`: the mail is due, because it was not sent yet or failed.
    ///
    /// What is only reported is recorded here before the mail, and removed if the mail fails: nobody is mailed twice. Warnings and actions are
    /// recorded here after the mail: nothing is stopped without a warning.
    pub notified_at: Option<Timestamp>,
    /// When its owner was last mailed a warning that holds for a week ([`crate::rules::verdict::Waste::recurs`]), or when it was last done, if it is a routine
    /// ([`crate::remedy::Remedy::is_routine`]). `None`: there is none.
    pub standing: Option<Timestamp>,
    /// When the guard may act. Set by a warning.
    pub act_after: Option<Timestamp>,
    /// The start of the resource's run that it is about.
    pub run: Option<Timestamp>,
    /// When that run was over: its owner or the guard had stopped the resource when the finding was closed. `None`: the finding is open, the resource runs on
    /// without the waste, or an earlier version wrote it.
    pub stopped: Option<Timestamp>,
    /// Why it was found, when it was last found: one line with times in UTC. `None`: an earlier version wrote it.
    pub reason: Option<String>,
    /// The type of its instances when it was first found. `None`: not known, it has none, or they are of several.
    pub instance_type: Option<String>,
    /// Its cost in USD per hour. `None`: not known.
    pub usd_per_hour: Option<Decimal>,
    /// Its cost in USD per month. `None`: not known.
    pub usd_per_month: Option<Decimal>,
    /// When the waste would have ended by itself.
    pub ends: Option<Timestamp>,
    /// The owner's wish to keep it, and when the wish was first seen.
    pub kept: Option<Kept>,
    /// When the guard tries again if its action fails.
    pub retry_after: Option<Timestamp>,
    /// Why actions failed: one line for each different failure that its owner was notified of ([`add_failure`]). Empty: there was a failure, but
    /// nobody was notified of it.
    pub failure: Option<String>,
    /// What the guard writes or has written ([`crate::remedy::Remedy::as_written`]). It counts until its owner was mailed. `None`: nothing.
    pub written: Option<String>,
    /// Counts the writes. The ledger refuses a write if another run has written in between. 0: not in the ledger yet.
    pub version: u64,
}

/// The key of a finding in the ledger, within its function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingKey {
    /// The rule's name.
    pub rule: String,
    /// [`crate::rulebook::Finding::entry_id`].
    pub id: String,
}

/// Where a finding is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its owner was notified.
    Reported,
    /// Its owner was warned when the guard will act.
    Warned,
    /// The guard was about to act. If a later run reads this state, the run that wrote it was interrupted.
    Acting,
    /// The guard acted.
    Acted,
    /// The guard cannot act, now or later: it leaves this run of the resource alone.
    GivenUp,
    /// Its owner wishes to keep it.
    Exempt,
    /// It is gone. The entry stays for a while, so that an owner who was notified yesterday is not notified again today.
    Closed,
    /// The ledger's item cannot be read: another version or a person wrote it. The item and the finding are left alone.
    #[serde(skip)]
    Unreadable,
}

impl State {
    /// Whether it is waste about which something is still to be done, by its owner or the guard.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Reported | Self::Warned | Self::Acting | Self::Acted | Self::GivenUp => true,
            Self::Exempt | Self::Closed | Self::Unreadable => false,
        }
    }
}

/// An owner's wish to keep a resource, as the ledger remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The tag's value.
    pub value: String,
    /// When it was first seen. The longest exemption counts from here.
    pub since: Timestamp,
}

impl Entry {
    /// Its key in the ledger.
    pub fn key(&self) -> FindingKey {
        FindingKey { rule: self.rule.clone(), id: self.id.clone() }
    }

    /// Whether a run must do something about it now although nothing new was found: the time of a warning has come, a run was interrupted, or
    /// nobody was notified that it was given up.
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

/// Whether another run has recorded what it is about to mail or do, but has not finished it yet.
pub(crate) fn at_work(entry: &Entry, now: Timestamp) -> bool {
    let begun = matches!(entry.state, State::Warned | State::Acting) && entry.notified_at.is_none();
    // A time in the future comes from a wrong clock.
    begun && entry.last_seen <= now && now.duration_since(entry.last_seen) < LONGEST_RUN
}

impl Entry {
    /// What the guard has written to this resource while its owner was not mailed: the mail failed, or the run was interrupted.
    pub(crate) fn unsaid(&self, resource: &Resource) -> Option<Remedy> {
        Remedy::of_written(self.written.as_deref().filter(|_| self.notified_at.is_none())?, resource)
    }
}

/// Adds a failure to those that an owner was notified of ([`Entry::failure`]). `None`: the owner was already notified of this one.
pub fn add_failure(told: Option<&str>, why: &str) -> Option<String> {
    // Failures that differ only in numbers, for example in a request id, are the same failure.
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace().filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
    };
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    let told: Vec<&str> = told.iter().flat_map(|told| told.lines()).collect();
    if told.iter().any(|before| words(before) == words(&why)) {
        return None;
    }
    // The oldest failures are dropped, because the size of a ledger item is limited.
    let first = told.len().saturating_sub(FAILURES_KEPT - 1);
    Some(told[first..].iter().copied().chain([why.as_str()]).collect::<Vec<_>>().join("\n"))
}

/// Removes the last failure, because its mail was not sent. If no failure is left, the result is empty, which still says that an attempt failed.
pub fn take_back_failure(told: &str) -> String {
    told.rsplit_once('\n').map_or_else(String::new, |(before, _)| before.to_owned())
}
