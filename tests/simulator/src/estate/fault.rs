//! Faults: throttling, server errors, lost and late answers, refusals, repeated page tokens, stale tags and searches, late and duplicate events, and
//! changes right before a call.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Deserializer};

use crate::estate::{plan::Deed, times::Duration};

/// A fault, and the calls that it affects.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    /// Which calls: `sagemaker:ListApps`, `sagemaker:*` or `*`.
    pub on: String,
    /// What happens.
    pub what: What,
    /// How often it happens at most; absent: no limit.
    pub times: Option<u64>,
    /// How many of these calls succeed before it.
    #[serde(default)]
    pub after: u64,
    /// How many of these calls there were.
    #[serde(skip)]
    seen: u64,
    /// How often the fault has happened.
    #[serde(skip)]
    happened: u64,
}

/// What happens to a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Every n-th call is refused with the service's throttling error.
    Throttle(u64),
    /// Every n-th call fails with HTTP 500.
    ServerError(u64),
    /// Every n-th call has no effect and gets no answer for a minute.
    Timeout(u64),
    /// Every n-th call has its effect, but its answer is lost: the caller gets HTTP 500.
    LostAnswer(u64),
    /// Every n-th batch leaves its last item unprocessed (`UnprocessedItems`, `UnprocessedKeys`, `FailedEntryCount`).
    Unprocessed(u64),
    /// The call is refused as not authorized.
    AccessDenied,
    /// The answer's next page token is the one that was sent, so the caller gets the same page again.
    RepeatToken,
    /// The tag index answers as of this long ago. (`on` is ignored.)
    StaleTags(Duration),
    /// Search answers as of this long ago. (`on` is ignored.)
    SearchBehind(Duration),
    /// The call is refused with this error code and message: `{ refuse = ["ResourceLimitExceeded", "…"] }`. In the message,
    /// `{/ResourceConfig/InstanceType}` is replaced by the value of this field of the request.
    Refuse(Said, Said),
    /// Each event is delivered twice. (`on` is ignored.)
    DuplicateEvents,
    /// Events are delivered this much later. (`on` is ignored.)
    LateEvents(Duration),
    /// Right before the call is served, a person does this to a notebook, app or job, by name or ARN: `{ before = ["churn", "stop"] }`.
    Before(String, Deed),
    /// The call is served at once, but its answer comes after this much virtual time.
    Takes(Duration),
}

/// The code or message of a refusal. The text is never freed, so that it is `&'static` as the simulator's own error codes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said(&'static str);

impl Said {
    /// Its text.
    pub fn text(self) -> &'static str {
        self.0
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        // Each text is stored once, however many faults have it.
        static KEPT: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        Self(kept.get(text).copied().unwrap_or_else(|| {
            let text: &'static str = text.to_owned().leak();
            kept.insert(text);
            text
        }))
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| text.as_str().into())
    }
}

impl Fault {
    /// A fault of all calls that match `on`.
    pub fn new(on: &str, what: What) -> Self {
        Self { on: on.to_owned(), what, times: None, after: 0, seen: 0, happened: 0 }
    }

    /// Limits how often the fault happens.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets this many of the calls succeed first.
    #[must_use]
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    fn concerns(&self, call: &str) -> bool {
        self.on == call || self.on.strip_suffix('*').is_some_and(|prefix| call.starts_with(prefix))
    }

    /// Counts a call, and answers whether the fault happens to it.
    pub(crate) fn strikes(&mut self, call: &str) -> bool {
        if !self.concerns(call) || self.times.is_some_and(|times| times <= self.happened) {
            return false;
        }
        self.seen += 1;
        let every = match self.what {
            What::Throttle(every)
            | What::ServerError(every)
            | What::Timeout(every)
            | What::LostAnswer(every)
            | What::Unprocessed(every) => every.max(1),
            _ => 1,
        };
        let strikes = self.after < self.seen && (self.seen - self.after).is_multiple_of(every);
        self.happened += u64::from(strikes);
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_each_nth_of_its_calls_and_no_others() {
        let mut fault = Fault::new("sagemaker:*", What::Throttle(3)).times(2);
        let calls = ["sagemaker:ListApps", "sns:Publish", "sagemaker:ListTags"];
        let struck: Vec<bool> = calls.iter().cycle().take(15).map(|call| fault.strikes(call)).collect();
        assert_eq!(struck.iter().filter(|struck| **struck).count(), 2, "two times at most");
        assert_eq!(struck.iter().position(|struck| *struck), Some(3), "the third call that it concerns");
    }

    #[test]
    fn lets_the_first_calls_pass() {
        let mut fault = Fault::new("*", What::AccessDenied).after(2).times(1);
        assert_eq!([(); 5].map(|()| fault.strikes("sns:Publish")), [false, false, true, false, false]);
    }
}
