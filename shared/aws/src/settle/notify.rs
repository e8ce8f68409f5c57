//! Notifies the owners of a run's findings: urgent mails are sent, one per owner, and the rest is left for the regular mails. Then the ledger records who was
//! notified.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cost_rules::{
    mail::{self, Digest, Due, Item, MailContext, Notification, Post},
    plan::{Closed, End, FindingKey, Plan, Planned, Record, Step},
    policy::Policy,
    remedy::new_name,
    resource::Kind,
};
use jiff::Timestamp;

use super::{Run, remember};
use crate::{
    area::Area,
    context::Context,
    ledger::{self, Ledger, Stage, Together},
    mailer::{self, MAILS_A_SECOND, Pace},
    report::Report,
};

/// Notifies all owners: mails what is urgent, and leaves the rest for their next regular mails. `nobody_listens`: why no mail would reach anybody; then none is
/// sent. Returns the keys of the findings that were written into the ledger since.
pub(super) async fn owners<A: Area>(
    run: &Run<'_, A>,
    context: &Context,
    plan: &mut Plan,
    nobody_listens: Option<String>,
    now: Timestamp,
    report: &mut Report,
) -> ledger::Keys {
    let mail_context = MailContext { function: context.function, policy: &run.rulebook.policy, now };
    let mut items = items(&context.ledger(), &run.rulebook.policy, plan).await;
    mark_habits(&context.ledger(), &mut items).await;
    let Post { mut at_once, later } = mail::sort_out(items, &run.rulebook.policy.mail);
    let mut written = leave(context, plan, &later, &mail_context, report).await;
    leave_asides(context, plan, &mail_context).await;
    remember::mailed_now(context, plan, &mut at_once, now, report).await;
    let mut keys: HashMap<String, Vec<&FindingKey>> = HashMap::new();
    for item in &at_once {
        keys.entry(mail::addressee(item.owner.as_deref())).or_default().push(&item.key);
    }
    let digests = mail::digests(&at_once, &held_back(plan), &mail_context);
    let mut pace = Pace::new(context, &run.rulebook.policy, now);
    // The ledger is written after each few mails, so that an interrupted run forgets at most these.
    for lot in digests.chunks(MAILS_A_SECOND) {
        let lot: Vec<&Digest> = lot.iter().collect();
        let unheard = || lot.iter().map(|digest| (*digest, Err(String::new()))).collect();
        let sent = if nobody_listens.is_none() { pace.send(&lot, report).await } else { unheard() };
        let mut after = vec![];
        for (digest, sent) in sent {
            let reached: HashSet<&FindingKey> = if sent.is_ok() { digest.notified.iter().collect() } else { HashSet::new() };
            match sent {
                Ok(()) => report.notified += 1,
                Err(why) => report.failures.extend(Some(why).filter(|why| !why.is_empty())),
            }
            keep_habits(&context.ledger(), at_once.iter().filter(|item| reached.contains(&item.key)), now).await;
            after.extend(plan.notified(keys.remove(&digest.owner).into_iter().flatten(), &reached, now));
        }
        written.extend(remember::told(context, after, now, report).await);
    }
    report.failures.extend(nobody_listens);
    written
}

/// Leaves notifications for the owners' next regular mails, each together with the record that its owner is notified: both are written, or neither. What could
/// not be left was not notified: the next run notifies it. Returns the keys of the findings that were written.
async fn leave(
    context: &Context,
    plan: &mut Plan,
    later: &[(Item, Due)],
    mail_context: &MailContext<'_>,
    report: &mut Report,
) -> ledger::Keys {
    let notifications: Vec<Notification> = mail::notifications(later, mail_context);
    if notifications.is_empty() {
        return ledger::Keys::new();
    }
    let now = mail_context.now;
    let all: HashSet<&FindingKey> = notifications.iter().flat_map(|one| &one.findings).collect();
    let together = notifications.iter().map(|one| Together { records: plan.notified(&one.findings, &all, now), left: Some(one) });
    let together: Vec<Together<'_>> = together.collect();
    let mut written: ledger::Keys = together.iter().flat_map(|one| one.records.iter().map(Record::key)).collect();
    let unwritten = context.ledger().write_together(together, now).await;
    let is_left = |key: &FindingKey| !unwritten.refused.contains(key) && !unwritten.failed.contains(key);
    report.waiting += notifications.iter().filter(|one| one.findings.iter().all(is_left)).count();
    keep_habits(&context.ledger(), later.iter().map(|(item, _)| item).filter(|item| is_left(&item.key)), now).await;
    written.retain(is_left);
    let Some(why) = unwritten.why else { return written };
    report.failures.push(format!("what owners are told in their next regular mail: {why:#}"));
    let after = plan.notified(&unwritten.failed, &HashSet::new(), now);
    written.extend(remember::told(context, after, now, report).await);
    written
}

/// Leaves word of what is not stopped although its owner was warned. If that fails, the owner sees that it goes on, and misses only why.
async fn leave_asides(context: &Context, plan: &Plan, mail_context: &MailContext<'_>) {
    let asides = mail::asides(plan, mail_context);
    if asides.is_empty() {
        return;
    }
    if let Err(error) = context.ledger().leave(&asides, mail_context.now).await {
        lambda_runtime::tracing::warn!("owners are not told what is not stopped: {error:#}");
    }
}

/// Marks what was done before to the same resource or series of jobs. Where that is not known, the owner is mailed at once.
async fn mark_habits(ledger: &Ledger<'_>, items: &mut [Item]) {
    let habits: BTreeSet<String> = mail::habits(&*items).map(name_of_habit).collect();
    if habits.is_empty() {
        return;
    }
    match ledger.are_kept(habits.into_iter()).await {
        Ok(known) => mail::mark_habits(items, |habit| known.contains(&name_of_habit(habit))),
        Err(error) => lambda_runtime::tracing::warn!("what was done before is not known: {error:#}"),
    }
}

/// Remembers what owners were mailed that was done.
async fn keep_habits(ledger: &Ledger<'_>, items: impl Iterator<Item = &Item>, now: Timestamp) {
    let habits: BTreeSet<String> = mail::new_habits(items).map(name_of_habit).collect();
    if let Err(error) = ledger.keep_names_for(habits.into_iter(), now, mail::HABIT).await {
        lambda_runtime::tracing::warn!("what was done is not remembered: {error:#}");
    }
}

/// The name under which the ledger remembers what was done.
fn name_of_habit(habit: &str) -> String {
    format!("done#{habit}")
}

/// What the owners are notified of: findings, and resources that an earlier run stopped but was interrupted before it could mail that.
async fn items(ledger: &Ledger<'_>, policy: &Policy, plan: &Plan) -> Vec<Item> {
    let mut items: Vec<Item> = plan.planned.iter().filter_map(|one| Item::of(one, policy)).collect();
    for one in plan.closed.iter().filter(|one: &&Closed| one.pending_notice) {
        items.push(Item::of_pending(one, pending_end(ledger, one).await, policy));
    }
    items
}

/// By owner, how many actions were held back because of `max-actions`.
fn held_back(plan: &Plan) -> BTreeMap<String, usize> {
    let mut held_back = BTreeMap::new();
    for one in plan.planned.iter().filter(|one| one.step == Step::HoldBack) {
        *held_back.entry(mail::addressee(one.finding.owner.as_deref())).or_default() += 1;
    }
    held_back
}

/// How an earlier run, which could not mail it, ended a resource: it stopped or tagged it, or resubmitted it as Spot.
async fn pending_end(ledger: &Ledger<'_>, Closed { entry, written, .. }: &Closed) -> End {
    if written.is_some() || Kind::of(&entry.id) != Some(Kind::TrainingJob) {
        return End::Stopped(None);
    }
    let found = ledger.resubmission(&Kind::TrainingJob.id(&new_name(&entry.name, entry.run))).await.ok().flatten();
    let found = found.filter(|found| found.of == entry.name && found.run == entry.run && found.stage != Stage::Stored);
    found.map_or(End::Stopped(None), |found| End::Replaced(found.name))
}

/// Why no mail would reach anybody. This is checked in runs that warn or act, and in complete runs that report something.
pub(super) async fn nobody_listens(context: &Context, plan: &Plan, is_whole: bool) -> Option<String> {
    let is_notified = |one: &Planned| match one.step {
        Step::Warn | Step::Act => true,
        Step::Report | Step::Remind | Step::Escalate => is_whole,
        Step::Wait | Step::HoldBack | Step::Exempt => false,
    };
    if plan.planned.iter().any(is_notified) { mailer::nobody_listens(context).await } else { None }
}
