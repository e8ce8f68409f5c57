//! What a function works with in one invocation: AWS, its settings, the rulebook, and how much time is left.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use cost_rules::{resource::Arn, rulebook::Rulebook};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout_at};

use self::{policy::PolicyCache, settings::Settings};
use crate::clients::Clients;

mod log;
mod policy;
pub mod settings;

/// No new action or mail is begun when less than this is left before Lambda ends the function.
const RESERVE: Duration = Duration::from_secs(10);

/// Actions and mails in progress are aborted when less than this is left: the ledger and the report still have to be written.
const LAST: Duration = Duration::from_secs(4);

/// Reading ends this long before the reserve begins, so that what was read can be acted upon. If there is little time, reading takes half of it.
const SETTLING: Duration = Duration::from_mins(1);

/// The error if the account is not known: the ledger needs it.
pub(crate) const ACCOUNT_UNKNOWN: &str = "which account this is is not known: neither the function's ARN nor COST_GUARD_TOPIC_ARN tells";

/// What a function works with, for one invocation. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The function's name.
    pub function: &'static str,
    /// The clients.
    pub clients: Clients,
    /// The settings from the environment.
    pub settings: Settings,
    policies: Arc<PolicyCache>,
    account: Option<String>,
    began: Instant,
    deadline: Option<Instant>,
    /// Whether a confirmed subscription to the topic is known.
    pub(crate) is_heard: Arc<AtomicBool>,
    /// Whether it is known that the platform's address gets the summary in place of the mails. That never ends by itself.
    pub(crate) has_summary: Arc<AtomicBool>,
}

impl Context {
    /// A context without a deadline.
    pub fn new(function: &'static str, clients: Clients, settings: Settings) -> Self {
        Self {
            function,
            clients,
            settings,
            policies: Arc::default(),
            account: None,
            began: Instant::now(),
            deadline: None,
            is_heard: Arc::default(),
            has_summary: Arc::default(),
        }
    }

    /// Reads the settings from the environment, and starts the log.
    ///
    /// # Errors
    /// The environment is wrong. The error lists all that is.
    pub async fn from_env(function: &'static str) -> anyhow::Result<Self> {
        let settings = Settings::from_env()?;
        log::start(&settings.log);
        Ok(Self::new(function, Clients::from_env().await, settings))
    }

    /// A copy for an invocation that begins now, with Lambda's deadline and the function's account.
    #[must_use]
    pub fn invoked(&self, invocation: &lambda_runtime::Context) -> Self {
        let account = account_of(&invocation.invoked_function_arn);
        Self { account: account.map(str::to_owned), ..self.until(invocation.deadline()) }
    }

    /// A copy for an invocation that begins now and ends at this deadline. A deadline in the past is ignored: `cargo lambda` sends one of 1970.
    #[must_use]
    pub fn until(&self, deadline: SystemTime) -> Self {
        let began = Instant::now();
        let Ok(left) = deadline.duration_since(SystemTime::now()) else {
            let clients = Clients { read_until: None, ..self.clients.clone() };
            return Self { deadline: None, began, clients, ..self.clone() };
        };
        let work = working(left);
        let clients = Clients { read_until: Some(began + work - SETTLING.min(work / 2)), ..self.clients.clone() };
        Self { deadline: Some(began + left), began, clients, ..self.clone() }
    }

    /// A copy for reads that come after the lists: they may take this part (1: all, 2: half) of the time in which something new may be begun.
    #[must_use]
    pub(crate) fn asking_for(&self, part: u32) -> Self {
        let now = Instant::now();
        let until = self.deadline.map(|deadline| now + working(deadline.saturating_duration_since(now)) / part);
        Self { clients: Clients { read_until: until, ..self.clients.clone() }, ..self.clone() }
    }

    /// The account of the function, or else of its topic.
    ///
    /// # Errors
    /// Neither ARN contains an account.
    pub fn account(&self) -> anyhow::Result<&str> {
        self.account.as_deref().or_else(|| account_of(&self.settings.topic_arn)).context(ACCOUNT_UNKNOWN)
    }

    /// The partition that the function runs in: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &str {
        Arn::parse(&self.settings.topic_arn).map_or("aws", |arn| arn.partition)
    }

    /// The policy with its rules.
    ///
    /// # Errors
    /// The policy cannot be read or is wrong. Then nothing may be done.
    pub async fn rulebook(&self, now: Timestamp) -> anyhow::Result<Arc<Rulebook>> {
        self.policies.get(&self.settings.policy, &self.clients, now).await
    }

    /// The current time in an invocation that began at `now`: minutes may have passed since then.
    pub(crate) fn later(&self, now: Timestamp) -> Timestamp {
        now + SignedDuration::try_from(self.began.elapsed()).unwrap_or_default()
    }

    /// Whether it is too late to begin anything new.
    pub(crate) fn time_is_up(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline < Instant::now() + RESERVE)
    }

    /// The result of a future. `None`: there was none before the last seconds of the invocation.
    pub(crate) async fn in_time<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline - LAST, what).await.ok(),
            None => Some(what.await),
        }
    }
}

fn account_of(arn: &str) -> Option<&str> {
    Arn::parse(arn).map(|arn| arn.account).filter(|account| !account.is_empty())
}

/// How much of the time that is left may be used: all but the reserve. If less than the reserve is left, all of it, because reading does no harm.
fn working(left: Duration) -> Duration {
    Some(left.saturating_sub(RESERVE)).filter(|work| !work.is_zero()).unwrap_or(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_deadline_that_is_over_when_an_invocation_begins_is_none() {
        let context = testing::context(testing::clients());
        let soon = context.until(SystemTime::now() + Duration::from_secs(5));
        assert!(soon.time_is_up() && soon.clients.read_until.is_some(), "less than the reserve");
        // `cargo lambda watch` sends this value.
        let ended = soon.until(SystemTime::UNIX_EPOCH + Duration::from_mins(10));
        assert!(!ended.time_is_up() && ended.clients.read_until.is_none());
    }
}
