//! The demo's month of endpoints: six of them, with endpoint-autoscaler and without.

use std::collections::BTreeMap;

use cost_aws::report::Report;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulator::{Estate, Firing, Mail, Simulator};

use crate::{Function, Guard, deploy, project_file};

/// How far the account's clock is advanced at a time. The runs that only look at what is due are done once in this time.
const STEP: SignedDuration = SignedDuration::from_mins(30);

/// The endpoint that its owner wakes by hand, and when. AWS has no capacity for it at first.
const WOKEN: (&str, &str) = ("hackathon-2025", "2026-11-24T08:00:00Z");

/// Four weeks.
const LENGTH: SignedDuration = SignedDuration::from_hours(28 * 24);

/// What happened in the month.
pub struct EndpointMonth {
    /// The team's time zone.
    pub zone: TimeZone,
    /// Every mail, oldest first.
    pub mails: Vec<Mail>,
    /// What was done: when, the action, and the endpoint's name.
    pub done: Vec<(Timestamp, &'static str, String)>,
    /// The endpoints by name.
    pub endpoints: BTreeMap<String, EndpointsMonth>,
    /// What became of the account at the end.
    pub account: Simulator,
    /// Everything that should not have happened.
    pub wrongs: Vec<String>,
}

/// One endpoint's month.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndpointsMonth {
    /// Its bill without the guard, in USD.
    pub without: Decimal,
    /// Its bill with the guard, in USD.
    pub with: Decimal,
    /// How many requests it got.
    pub requests: f64,
    /// How many of them were more than the instances could handle.
    pub short: f64,
    /// How many of them came while there was no endpoint, or no instance.
    pub lost: f64,
}

/// Simulates the month.
///
/// # Errors
/// The estate or the policy is invalid.
pub async fn live() -> anyhow::Result<EndpointMonth> {
    let file = |name: &str| project_file("tests/end-to-end/estates").join(name);
    let start = || Simulator::start(Estate::read(&file("endpoint-month.toml"))?);
    let (account, alone) = (start()?, start()?);
    let stack = deploy(&account, &[("ScheduleTimezone", "Europe/Berlin")])?;
    let policy = std::fs::read_to_string(file("endpoint-month-policy.toml"))?;
    let guard = Guard::of(Function::EndpointAutoscaler, &account, &policy)?;
    let reporter = Guard::of(Function::CostReporter, &account, &policy)?;
    let begin = account.now();
    let mut month = EndpointMonth {
        zone: cost_rules::time_zone::zone_named("Europe/Berlin")?,
        mails: vec![],
        done: vec![],
        endpoints: BTreeMap::new(),
        account: account.clone(),
        wrongs: vec![],
    };
    let name = guard.function.name();
    while account.now() < begin + LENGTH {
        let since = account.now();
        account.advance(STEP);
        if account.now() == WOKEN.1.parse()? {
            wake(&guard, json!({"restore": WOKEN.0}), &mut month).await?;
        }
        for event in account.take_events() {
            if stack.targets(&event)?.iter().any(|target| target == name) {
                wake(&guard, event, &mut month).await?;
            }
        }
        let firings = stack.firings(since, account.now()).into_iter().filter(|one| one.function == name);
        let last_of_each: BTreeMap<String, Value> = firings.map(|Firing { schedule, input, .. }| (schedule, input)).collect();
        for input in last_of_each.into_values() {
            wake(&guard, input, &mut month).await?;
        }
        // It runs each hour, and mails in the morning.
        let clock = account.now().to_zoned_datetime(month.zone.clone());
        if clock.hour() == 9 && clock.minute() == 0 {
            reporter.run().await?;
        }
    }
    alone.advance(LENGTH);
    month.mails = account.mails();
    month.endpoints = endpoints(&account, &alone, begin);
    Ok(month)
}

/// The bills and the requests of all endpoints.
fn endpoints(account: &Simulator, alone: &Simulator, begin: Timestamp) -> BTreeMap<String, EndpointsMonth> {
    let mut endpoints: BTreeMap<String, EndpointsMonth> = BTreeMap::new();
    for line in alone.bill().into_iter().filter(|line| line.kind == "endpoint") {
        endpoints.entry(line.name).or_default().without += line.usd.unwrap_or_default();
    }
    for line in account.bill().into_iter().filter(|line| line.kind == "endpoint") {
        endpoints.entry(line.name).or_default().with += line.usd.unwrap_or_default();
    }
    for served in account.served(begin, account.now()) {
        // The one inference component is on the endpoint `assistant`.
        let name = served.to.strip_prefix("endpoint/").unwrap_or("assistant").to_owned();
        let one = endpoints.entry(name).or_default();
        (one.requests, one.short, one.lost) = (one.requests + served.requests, one.short + served.short, one.lost + served.lost);
    }
    endpoints
}

async fn wake(guard: &Guard, event: Value, month: &mut EndpointMonth) -> anyhow::Result<()> {
    let report = guard.wake(event).await?;
    let at = guard.account.now();
    let Report { actions, failures, unread, .. } = report;
    let failures = failures.into_iter().filter(|failure| !failure.contains(WOKEN.0));
    month.wrongs.extend(failures.map(|failure| format!("{at}: {failure}")));
    month.wrongs.extend(unread.into_iter().map(|unread| format!("{at}: {} unread: {}", unread.what, unread.why)));
    let name = |resource: String| resource.rsplit('/').next().unwrap_or_default().to_owned();
    let done = actions.into_iter().filter(|action| action.outcome == "done");
    month.done.extend(done.map(|action| (at, action.action, name(action.resource))));
    Ok(())
}
