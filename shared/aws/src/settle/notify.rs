//! Sends the mails of a run: one per owner, in batches. After each batch, the ledger records who was notified.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::Ordering,
};

use cost_rules::{
    mail::{self, Digest, Item, MailContext},
    plan::{Closed, End, Entry, FindingKey, Plan, Planned, Step},
    remedy::new_name,
    resource::Kind,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::{Run, publish::publish, remember};
use crate::{
    area::Area,
    context::Context,
    ledger::{Ledger, Stage},
    report::Report,
    subscriptions::confirmed,
};

/// The most mails that are sent at the same time.
const MAILS_IN_FLIGHT: usize = 4;

/// Mails per batch. The ledger is written after each batch, so that an interrupted run forgets at most this many mails.
const MAILS_PER_WRITE: usize = 32;

/// Mails all owners. `nobody_listens`: why no mail would reach anybody; then none is sent.
pub(super) async fn owners<A: Area>(
    run: &Run<'_, A>,
    context: &Context,
    plan: &mut Plan,
    nobody_listens: Option<String>,
    now: Timestamp,
    report: &mut Report,
) {
    let items = items(&context.ledger(), plan).await;
    let mut keys: HashMap<String, Vec<&FindingKey>> = HashMap::new();
    for item in &items {
        keys.entry(mail::addressee(item.owner.as_deref())).or_default().push(&item.key);
    }
    let mail_context = MailContext { function: context.function, policy: &run.rulebook.policy, now };
    let digests = mail::digests(&items, &held_back(plan), &mail_context);
    for lot in digests.chunks(MAILS_PER_WRITE) {
        let sent = stream::iter(lot)
            .map(async |digest| (digest, if nobody_listens.is_none() { send(context, digest).await } else { Err(String::new()) }));
        let mut after = vec![];
        for (digest, sent) in sent.buffer_unordered(MAILS_IN_FLIGHT).collect::<Vec<_>>().await {
            let reached: HashSet<&FindingKey> = if sent.is_ok() { digest.notified.iter().collect() } else { HashSet::new() };
            match sent {
                Ok(()) => report.notified += 1,
                Err(why) => report.failures.extend(Some(why).filter(|why| !why.is_empty())),
            }
            after.extend(plan.notified(keys.remove(&digest.owner).into_iter().flatten(), &reached, now));
        }
        remember::told(context, after, now, report).await;
    }
    report.failures.extend(nobody_listens);
}

/// What the owners are notified of: findings, and resources that an earlier run stopped but was interrupted before it could mail that.
async fn items(ledger: &Ledger<'_>, plan: &Plan) -> Vec<Item> {
    let mut items: Vec<Item> = plan.planned.iter().filter_map(Item::of).collect();
    for one in plan.closed.iter().filter(|one: &&Closed| one.pending_notice) {
        items.push(Item::of_pending(one, pending_end(ledger, &one.entry).await));
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

/// How an earlier run, which could not mail it, ended a resource: it stopped it, or resubmitted it as Spot.
async fn pending_end(ledger: &Ledger<'_>, entry: &Entry) -> End {
    if Kind::of(&entry.id) != Some(Kind::TrainingJob) {
        return End::Stopped(None);
    }
    let found = ledger.resubmission(&Kind::TrainingJob.id(&new_name(&entry.name, entry.run))).await.ok().flatten();
    let found = found.filter(|found| found.of == entry.name && found.run == entry.run && found.stage != Stage::Stored);
    found.map_or(End::Stopped(None), |found| End::Replaced(found.name))
}

/// Why no mail would reach anybody. Until somebody has confirmed a subscription, SNS accepts all mails and delivers none.
///
/// This is checked in runs that warn or act, and in complete runs that report something. Once a subscription is known, it is not checked again.
pub(super) async fn nobody_listens(context: &Context, plan: &Plan, is_whole: bool) -> Option<String> {
    let is_notified = |one: &Planned| match one.step {
        Step::Warn | Step::Act => true,
        Step::Report | Step::Remind | Step::Escalate => is_whole,
        Step::Wait | Step::HoldBack | Step::Exempt => false,
    };
    if context.is_heard.load(Ordering::Relaxed) || !plan.planned.iter().any(is_notified) {
        return None;
    }
    let topic = &context.settings.topic_arn;
    match confirmed(&context.clients, topic).await {
        Ok(None | Some(1..)) => {
            context.is_heard.store(true, Ordering::Relaxed);
            None
        }
        Ok(Some(0)) => Some(format!("nobody has confirmed a subscription to {topic}: nobody is mailed until then")),
        // Publishing may work even so.
        Err(error) => {
            lambda_runtime::tracing::warn!("who is subscribed to {topic} is not known: {error:#}");
            None
        }
    }
}

async fn send(context: &Context, digest: &Digest) -> Result<(), String> {
    let late = || format!("mail to {}: this run is out of time, the next one sends it", digest.owner);
    if context.time_is_up() {
        return Err(late());
    }
    let sent = context.in_time(publish(&context.clients, &context.settings.topic_arn, context.function, digest)).await;
    sent.ok_or_else(late)?.map_err(|error| format!("{error:#}"))
}
