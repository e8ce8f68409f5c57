//! Lets all functions look at all Regions, at the same time, and gathers what they found. Ctrl-C ends it with what there is.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context as _;
use cost_aws::{caller::Caller, report::Report};
use cost_guard::Function;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Notify;

use super::found::{Found, Unread};

/// How many Regions are looked at at the same time.
const REGIONS_AT_A_TIME: usize = 4;

/// What to look for, and where.
pub(crate) struct Look<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) functions: Vec<Function>,
    /// The bill is read in the first one.
    pub(crate) regions: Vec<String>,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) now: Timestamp,
    /// Whether standard error hears how far it is.
    pub(crate) tells_progress: bool,
}

/// One function's look at one Region.
#[derive(Clone, Copy)]
struct Part<'a> {
    function: Function,
    region: &'a str,
}

/// Looks at everything.
pub(crate) async fn look(look: &Look<'_>) -> anyhow::Result<Found> {
    let interrupted = interrupted()?;
    let mut found = Found::new(look.caller.account.clone(), look.regions.clone(), look.now);
    let mut waiting: Vec<Part<'_>> =
        look.regions.iter().rev().flat_map(|region| look.functions.iter().map(|function| Part { function: *function, region })).collect();
    let all = waiting.len();
    let mut under_way = FuturesUnordered::new();
    let mut open: Vec<Part<'_>> = vec![];
    loop {
        while under_way.len() < REGIONS_AT_A_TIME * look.functions.len()
            && let Some(part) = waiting.pop()
        {
            open.push(part);
            under_way.push(async move { (part, one(look, part).await) });
        }
        let ended = tokio::select! {
            ended = under_way.next() => ended,
            () = interrupted.notified() => {
                found.not_looked_at = open.iter().chain(&waiting).map(|part| format!("{} in {}", part.function.name(), part.region)).collect();
                found.was_interrupted = true;
                break;
            }
        };
        let Some((part, report)) = ended else { break };
        open.retain(|one| (one.function, one.region) != (part.function, part.region));
        add(&mut found, part, report);
        if look.tells_progress {
            eprintln!(
                "{} in {}: done ({} of {all}), {} found so far",
                part.function.name(),
                part.region,
                all - open.len() - waiting.len(),
                found.findings.len()
            );
        }
    }
    found.sort();
    Ok(found)
}

/// Is notified when somebody presses Ctrl-C.
fn interrupted() -> anyhow::Result<Arc<Notify>> {
    let notify = Arc::new(Notify::new());
    let by_signal = Arc::clone(&notify);
    ctrlc::set_handler(move || by_signal.notify_one()).context("Ctrl-C could not be listened to")?;
    Ok(notify)
}

async fn one(look: &Look<'_>, Part { function, region }: Part<'_>) -> anyhow::Result<Report> {
    let is_first = look.regions.first().is_some_and(|first| first == region);
    let context = look.caller.context(function.name(), region, look.policy.clone(), is_first);
    // Savings Plans and budgets are the whole account's.
    if !is_first && matches!(function, Function::SavingsPlanAdvisor | Function::BudgetAlerter) {
        return Ok(Report::new(function.name(), true));
    }
    function.handle(json!({"dry-run": true}), &context, look.now).await
}

fn add(found: &mut Found, Part { function, region }: Part<'_>, report: anyhow::Result<Report>) {
    let unread = |what: &str, why: &str| Unread::new(function.name(), region, what, why);
    match report {
        Ok(report) => {
            for one in &report.unread {
                let of = if one.rule.is_some() { &mut found.unjudged } else { &mut found.unread };
                of.push(unread(&one.what, &one.why));
            }
            found.unread.extend(report.failures.iter().map(|why| unread("this run", why)));
            found.cost_usd += report.cost_usd.unwrap_or_default();
            found.add(region, function.name(), report.findings);
        }
        Err(error) => found.unread.push(unread("everything", &format!("{error:#}"))),
    }
}
