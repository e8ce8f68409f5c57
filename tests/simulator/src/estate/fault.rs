//! What goes wrong: throttling, server errors, lost and late answers, refusals, repeated page tokens, stale tags and searches, late and duplicate events,
//! races.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Deserializer};

use crate::estate::{plan::Deed, times::Duration};

/// Something that goes wrong with some calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    /// Which calls: `sagemaker:ListApps`, `sagemaker:*` or `*`.
    pub on: String,
    /// What happens.
    pub what: What,
    /// How many of these calls it happens to; absent: all.
    pub times: Option<u64>,
    /// How many of these calls go well before.
    #[serde(default)]
    pub after: u64,
    /// How many calls there were.
    #[serde(skip)]
    seen: u64,
    /// How often it happened.
    #[serde(skip)]
    happened: u64,
}

/// What happens to a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Each n-th call is refused with the service's throttling error.
    Throttle(u64),
    /// Each n-th call fails with HTTP 500.
    ServerError(u64),
    /// Each n-th call gets no answer for a minute, and does nothing.
    Timeout(u64),
    /// Each n-th call is done, and its answer is lost: the caller gets HTTP 500.
    LostAnswer(u64),
    /// Each n-th batch leaves its last item undone (`UnprocessedItems`, `UnprocessedKeys`).
    Unprocessed(u64),
    /// The call is refused as not authorized.
    AccessDenied,
    /// The page names as its next page the one that was asked for.
    RepeatToken,
    /// The tag index answers as of this long ago.
    StaleTags(Duration),
    /// Search answers as of this long ago. (`on` is not looked at.)
    SearchBehind(Duration),
    /// The call is refused with this error code and message: `{ refuse = ["ResourceLimitExceeded", "…"] }`. In the message
    /// `{/ResourceConfig/InstanceType}` is what the request says there.
    Refuse(Said, Said),
    /// Events come twice. (`on` is not looked at.)
    DuplicateEvents,
    /// Events come this much later. (`on` is not looked at.)
    LateEvents(Duration),
    /// Right before the call is served, somebody does this to a notebook, app or job, by name or ARN: `{ before = ["churn", "stop"] }`.
    Before(String, Deed),
    /// The call is served, and its answer comes when so much time has passed in the account.
    Takes(Duration),
}

/// What a refusal says. It lives as long as the process: so do the error codes that the simulator has of its own.
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
        // The same text is kept once, however often a fault with it is made.
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
    /// For every one of the calls.
    pub fn new(on: &str, what: What) -> Self {
        Self { on: on.to_owned(), what, times: None, after: 0, seen: 0, happened: 0 }
    }

    /// For only so many of the calls.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Only when so many of the calls have gone well.
    #[must_use]
    pub fn after(mut self, calls: u64) -> Self {
        self.after = calls;
        self
    }

    fn concerns(&self, call: &str) -> bool {
        self.on == call || self.on.strip_suffix('*').is_some_and(|prefix| call.starts_with(prefix))
    }

    /// Whether it happens to this call.
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
