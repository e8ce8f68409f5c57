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

/// New actions and mails are not begun when less than this is left before Lambda ends the function.
const RESERVE: Duration = Duration::from_secs(10);

/// What has been begun is broken off when less than this is left: the ledger and the report come after it.
const LAST: Duration = Duration::from_secs(4);

/// Reading ends when less than this is left until then: what was read is acted upon. Of a short time, half.
const SETTLING: Duration = Duration::from_mins(1);

/// Why nothing can be kept for an account.
pub(crate) const ACCOUNT_UNKNOWN: &str = "which account this is is not known: neither the function's ARN nor COST_GUARD_TOPIC_ARN tells";

/// What a function works with, for one invocation. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The function's name.
    pub function: &'static str,
    /// Where AWS is.
    pub clients: Clients,
    /// What the environment says.
    pub settings: Settings,
    policies: Arc<PolicyCache>,
    account: Option<String>,
    began: Instant,
    deadline: Option<Instant>,
    /// Whether somebody is known to be subscribed to the topic.
    pub(crate) is_heard: Arc<AtomicBool>,
}

impl Context {
    /// From clients and settings, without a deadline.
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
        }
    }

    /// From the environment; starts the log.
    ///
    /// # Errors
    /// All that is wrong with the environment.
    pub async fn from_env(function: &'static str) -> anyhow::Result<Self> {
        let settings = Settings::from_env()?;
        log::start(&settings.log);
        Ok(Self::new(function, Clients::from_env().await, settings))
    }

    /// The same, for an invocation that begins now: Lambda says when it ends it, and in which account.
    #[must_use]
    pub fn invoked(&self, invocation: &lambda_runtime::Context) -> Self {
        let account = account_of(&invocation.invoked_function_arn);
        Self { account: account.map(str::to_owned), ..self.until(invocation.deadline()) }
    }

    /// The same, for an invocation that begins now and is ended then. A deadline that is over is none: `cargo lambda` tells one of 1970.
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

    /// The same, for what comes after the lists were read: it may go on asking for this part (1: all, 2: half) of the time in which something new may be begun.
    #[must_use]
    pub(crate) fn asking_for(&self, part: u32) -> Self {
        let now = Instant::now();
        let until = self.deadline.map(|deadline| now + working(deadline.saturating_duration_since(now)) / part);
        Self { clients: Clients { read_until: until, ..self.clients.clone() }, ..self.clone() }
    }

    /// The account: of the function, else of its topic.
    ///
    /// # Errors
    /// Neither tells.
    pub fn account(&self) -> anyhow::Result<&str> {
        self.account.as_deref().or_else(|| account_of(&self.settings.topic_arn)).context(ACCOUNT_UNKNOWN)
    }

    /// The policy with its rules.
    ///
    /// # Errors
    /// It cannot be read or is wrong: nothing may be done then.
    pub async fn rulebook(&self, now: Timestamp) -> anyhow::Result<Arc<Rulebook>> {
        self.policies.get(&self.settings.policy, &self.clients, now).await
    }

    /// The present, of an invocation that began at `now`: minutes may have passed since.
    pub(crate) fn later(&self, now: Timestamp) -> Timestamp {
        now + SignedDuration::try_from(self.began.elapsed()).unwrap_or_default()
    }

    /// Whether nothing new may be begun.
    pub(crate) fn time_is_up(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline < Instant::now() + RESERVE)
    }

    /// What comes of something, if it comes before the invocation's last moments.
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

/// How much of what is left may be worked in. Of less than the reserve all: reading does no harm.
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
        // What `cargo lambda watch` tells.
        let ended = soon.until(SystemTime::UNIX_EPOCH + Duration::from_mins(10));
        assert!(!ended.time_is_up() && ended.clients.read_until.is_none());
    }
}
