//! Counts the calls, the simultaneous calls, and their results.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Call {
    /// When, in virtual time.
    pub at: Timestamp,
    /// `service:Operation`
    pub call: String,
    /// The name or ARN that it was about; empty: it has none.
    pub subject: String,
    /// AWS's error code; `None`: the call was served.
    pub error: Option<String>,
}

/// A permission that a caller needed, in IAM's terms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Asked {
    /// The access key of the call. In tests, a function's access key is its name.
    pub(crate) caller: String,
    /// `sagemaker:ListApps`, `budgets:ViewBudget`
    pub(crate) action: String,
    /// The ARN, or `*` if the call is about no particular resource.
    pub(crate) resource: String,
}

/// All calls since the counts were last reset.
#[derive(Default)]
pub(crate) struct Traffic(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    calls: BTreeMap<String, u64>,
    in_flight: BTreeMap<String, u64>,
    most_in_flight: BTreeMap<String, u64>,
    log: Vec<Call>,
}

/// A call that is being served. It ends when this value is dropped, which also happens when the caller disconnects.
pub(crate) struct InFlight<'a> {
    traffic: &'a Traffic,
    call: String,
}

impl Traffic {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arrived(&self, call: &str) -> InFlight<'_> {
        let mut counts = self.counts();
        *counts.calls.entry(call.to_owned()).or_default() += 1;
        let in_flight = counts.in_flight.entry(call.to_owned()).or_default();
        *in_flight += 1;
        let now = *in_flight;
        let most = counts.most_in_flight.entry(call.to_owned()).or_default();
        *most = now.max(*most);
        InFlight { traffic: self, call: call.to_owned() }
    }

    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        self.counts().calls.clone()
    }

    /// The number of refused calls, by `service:Operation Code`.
    pub(crate) fn refused(&self) -> BTreeMap<String, u64> {
        let mut refused = BTreeMap::new();
        for call in &self.counts().log {
            if let Some(code) = &call.error {
                *refused.entry(format!("{} {code}", call.call)).or_default() += 1;
            }
        }
        refused
    }

    pub(crate) fn most_in_flight(&self) -> BTreeMap<String, u64> {
        self.counts().most_in_flight.clone()
    }

    pub(crate) fn log(&self) -> Vec<Call> {
        self.counts().log.clone()
    }

    /// Resets everything except the calls in flight.
    pub(crate) fn forget(&self) {
        let mut counts = self.counts();
        let in_flight = std::mem::take(&mut counts.in_flight);
        *counts = Counts { in_flight, ..Counts::default() };
    }
}

impl InFlight<'_> {
    /// Records the call's result.
    pub(crate) fn settle(&self, at: Timestamp, subject: String, error: Option<&str>) {
        let call = Call { at, call: self.call.clone(), subject, error: error.map(str::to_owned) };
        self.traffic.counts().log.push(call);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut counts = self.traffic.counts();
        if let Some(in_flight) = counts.in_flight.get_mut(&self.call) {
            *in_flight = in_flight.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_in_flight_until_it_is_dropped() {
        let traffic = Traffic::default();
        let (one, two) = (traffic.arrived("ssm:GetParameter"), traffic.arrived("ssm:GetParameter"));
        one.settle(Timestamp::UNIX_EPOCH, "/x".into(), Some("ParameterNotFound"));
        drop((one, two));
        let three = traffic.arrived("ssm:GetParameter");
        let calls = |count: u64| BTreeMap::from([("ssm:GetParameter".to_owned(), count)]);
        assert_eq!((traffic.calls(), traffic.most_in_flight()), (calls(3), calls(2)));
        assert_eq!(traffic.refused(), BTreeMap::from([("ssm:GetParameter ParameterNotFound".to_owned(), 1)]));
        traffic.forget();
        drop(three);
        assert_eq!((traffic.calls().len(), traffic.log().len()), (0, 0));
    }
}
