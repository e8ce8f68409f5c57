//! The requests of an endpoint's variant, minute by minute.

use jiff::{SignedDuration, Timestamp};

/// A minute without a datapoint, in the arrays. So each minute takes eight bytes.
pub(super) const MISSING: u64 = u64::MAX;

/// What a minute without a datapoint means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There were no requests. True only of an endpoint that is older than the traffic.
    Zero,
    /// It is not known. CloudWatch's alarms do nothing in such a minute.
    Unknown,
}

/// Requests by the minute. A minute may have no datapoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    requests: Vec<u64>,
    starts_at: Timestamp,
}

impl Traffic {
    /// The most requests of a minute.
    pub const MOST_REQUESTS: u64 = MISSING - 1;
    /// The most minutes: 19 years.
    pub const MOST_MINUTES: usize = 10_000_000;

    /// Traffic that starts at `starts_at`, with the requests of each minute. `None`: the minute has no datapoint.
    pub fn new(starts_at: Timestamp, requests: impl IntoIterator<Item = Option<u64>>) -> Self {
        let requests = requests.into_iter().map(|requests| requests.map_or(MISSING, |some| some.min(Self::MOST_REQUESTS))).collect();
        Self { requests, starts_at }
    }

    /// The same traffic, with another meaning of minutes that have no datapoint.
    #[must_use]
    pub fn with(mut self, missing: Missing) -> Self {
        if missing == Missing::Zero {
            self.requests.iter_mut().filter(|requests| **requests == MISSING).for_each(|requests| *requests = 0);
        }
        self
    }

    /// How many minutes it covers.
    pub fn minutes(&self) -> usize {
        self.requests.len()
    }

    /// When minute 0 began.
    pub fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    /// When a minute began.
    pub fn time_of(&self, minute: usize) -> Timestamp {
        let minutes = i64::try_from(minute).unwrap_or(i64::MAX / 60).min(i64::MAX / 60);
        self.starts_at.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
    }

    /// The requests of each minute.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<u64>> + DoubleEndedIterator + '_ {
        self.requests.iter().map(|requests| (*requests != MISSING).then_some(*requests))
    }

    /// As [`Self::iter`], with [`MISSING`].
    pub(super) fn raw(&self) -> &[u64] {
        &self.requests
    }

    /// The requests of some minutes together: those that have a datapoint.
    pub(super) fn sum(&self, minutes: std::ops::Range<usize>) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "shares and growth need no more than 15 digits")]
        let sum = self.requests[minutes].iter().filter(|requests| **requests != MISSING).map(|requests| *requests as f64).sum();
        sum
    }
}
