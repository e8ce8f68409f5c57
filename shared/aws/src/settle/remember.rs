//! Reads the ledger, and writes it before anything is done, after the actions, and after the mails.

use cost_rules::{
    facts::{Facts, Unread},
    mail::Item,
    plan::{Entry, Plan, Record},
    rulebook::{Finding, Judgement},
};
use jiff::Timestamp;

use super::{Memory, Run};
use crate::{area::Area, context::Context, ledger, report::Report};

/// The ledger's entries, and whether they were not read because that is not needed. `None`: the ledger could not be read.
pub(super) async fn entries<A: Area>(run: &Run<'_, A>, facts: &Facts, memory: Memory, report: &mut Report) -> (Option<Vec<Entry>>, bool) {
    let read = match memory {
        Memory::Read(read) => read,
        Memory::ReadIfNeeded if can_be_unread(&run.rulebook.evaluate(facts)) => return (Some(vec![]), true),
        Memory::ReadIfNeeded => run.context.ledger().findings(&run.scope).await,
    };
    (read.map_err(|error| report.unread.push(no_ledger(&error))).ok(), false)
}

/// Whether these findings can be reported without reading the ledger.
fn can_be_unread(judgement: &Judgement) -> bool {
    let is_only_reported = |finding: &Finding| !finding.is_enforced() && finding.keep.is_none();
    !judgement.findings.is_empty() && judgement.undecided.is_empty() && judgement.findings.iter().all(is_only_reported)
}

/// Records what is intended. Findings that cannot be written are left alone in this run. Returns `false` if nothing else is left to do.
pub(super) async fn intended(context: &Context, plan: &mut Plan, is_unread: bool, now: Timestamp, report: &mut Report) -> bool {
    let unwritten = context.ledger().write(plan.intended(is_unread, now), now).await;
    log_left(&unwritten.refused, "another run looks after these findings");
    plan.leave(&unwritten.refused);
    if let Some(error) = unwritten.why {
        report.is_whole = false;
        let is_all_left = plan.planned.iter().all(|one| !one.changed || unwritten.failed.contains(&one.entry.key()));
        report.unread.push(if is_all_left { no_ledger(&error) } else { partly_written(unwritten.failed.len(), &error) });
        log_left(&unwritten.failed, "the next run looks at these findings");
        plan.leave(&unwritten.failed);
        if plan.planned.iter().all(|one| !one.changed) {
            plan.leave_all();
            return false;
        }
    }
    plan.written();
    true
}

/// Records that what could have waited for a regular mail is mailed at once. What cannot be written is not mailed: the next run tells it.
pub(super) async fn mailed_now(context: &Context, plan: &mut Plan, at_once: &mut Vec<Item>, now: Timestamp, report: &mut Report) {
    let records = plan.notify_now(at_once.iter().map(|item| &item.key), now);
    if records.is_empty() {
        return;
    }
    let unwritten = context.ledger().write(records, now).await;
    report.failures.extend(unwritten.why.map(|error| format!("{error:#}: the next run mails it")));
    let left: ledger::Keys = unwritten.refused.into_iter().chain(unwritten.failed).collect();
    log_left(&left, "not mailed by this run");
    plan.leave(&left);
    at_once.retain(|item| !left.contains(&item.key));
}

/// Records what was done and mailed. If another run has written an entry in the meantime, this write is refused, and the mail may be sent again. Returns the
/// keys of the findings that were written.
pub(super) async fn told(context: &Context, records: Vec<Record>, now: Timestamp, report: &mut Report) -> ledger::Keys {
    let mut keys: ledger::Keys = records.iter().map(Record::key).collect();
    let unwritten = context.ledger().write(records, now).await;
    let refused = Some(&unwritten.refused).filter(|refused| !refused.is_empty());
    let refused = refused.map(|refused| format!("the ledger was written by another run too ({:?})", ledger::by_rule(refused)));
    for what in refused.into_iter().chain(unwritten.why.map(|error| format!("{error:#}"))) {
        report.failures.push(format!("{what}: what was mailed or done in this run may be mailed again"));
    }
    keys.retain(|key| !unwritten.refused.contains(key) && !unwritten.failed.contains(key));
    keys
}

/// What was written of some findings, and what was not.
pub(super) struct Silent {
    /// The keys of the findings that were written.
    pub(super) written: ledger::Keys,
    /// The keys of the others.
    pub(super) unwritten: ledger::Keys,
}

/// Records what nobody is notified of. If another run has written an entry in the meantime, that is no failure: it has seen the same.
pub(super) async fn silent(context: &Context, records: Vec<Record>, now: Timestamp, report: &mut Report) -> Silent {
    let keys: ledger::Keys = records.iter().map(Record::key).collect();
    let unwritten = context.ledger().write(records, now).await;
    log_left(&unwritten.refused, "another run has written these findings too");
    report.failures.extend(unwritten.why.map(|error| format!("{error:#}: the next run looks at it again")));
    let (unwritten, written) = keys.into_iter().partition(|key| unwritten.refused.contains(key) || unwritten.failed.contains(key));
    Silent { written, unwritten }
}

fn log_left(keys: &ledger::Keys, why: &str) {
    if !keys.is_empty() {
        lambda_runtime::tracing::info!(findings = ?ledger::by_rule(keys), "{why}");
    }
}

fn partly_written(left: usize, error: &anyhow::Error) -> Unread {
    let what = format!("the ledger could not be written for {left} findings: the next run looks at them");
    Unread::new(what, format!("{error:#}")).with_cause("the ledger could not be written")
}

fn no_ledger(error: &anyhow::Error) -> Unread {
    Unread::new("the ledger: nothing is enforced and nobody is mailed", format!("{error:#}"))
}
