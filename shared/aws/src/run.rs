//! The part of a run that all functions share: judge, plan, confirm what would be told, then settle: ledger, actions, mails, ledger, report.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::atomic::Ordering,
};

use cost_rules::{
    duration::Duration,
    facts::{Facts, Unread},
    mail::{self, Digest, Item, Letterhead},
    plan::{Closed, End, Entry, News, Plan, Planned, State, Step, plan, told_failure, untold_failure},
    rulebook::Rulebook,
    remedy::{Remedy, how_to_stop, how_to_submit, new_name},
    resource::{Kind, UNOWNED},
    rulebook::{Finding, Judgement},
    scope::Scope,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::sync::Semaphore;

use crate::{
    Context,
    act::{Outcome, act},
    event::Wake,
    gather,
    ledger::{self, Key, Ledger, Record, Stage},
    notify::{is_anybody_subscribed, publish},
    report::{FINDINGS_SHOWN, Report, ReportedAction, ReportedFinding, cents},
};

/// Actions in flight. Each is looked at once more right before, by twice as many.
const ACTIONS_IN_FLIGHT: usize = 16;

/// Mails in flight.
const MAILS_IN_FLIGHT: usize = 4;

/// After so many mails the ledger is told what was mailed: a run that breaks off forgets no more than these.
const MAILS_PER_WRITE: usize = 32;

/// What the ledger says of a run's findings.
pub enum Known {
    /// What was read. If nothing could be, nothing is done and nobody is mailed.
    Read(anyhow::Result<Vec<Entry>>),
    /// Nothing was read, and all that was found is only to be told: writing it finds out whether it is news. Saves a call where an event
    /// wakes the function for one resource.
    Unread,
}

impl Known {
    /// Whether [`Known::Unread`] will do for these findings.
    pub fn can_be_unread(judgement: &Judgement) -> bool {
        let only_told = |finding: &Finding| !finding.is_enforced() && finding.keep.is_none();
        !judgement.findings.is_empty() && judgement.undecided.is_empty() && judgement.findings.iter().all(only_told)
    }
}

/// Judges the facts, plans, and does what is planned. What would be told is confirmed first: indexes lag behind, and leave out what was never tagged.
/// `essential`: the kinds without which the function has not done its work.
pub async fn settle(context: &Context, rulebook: &Rulebook, wake: &Wake, facts: &mut Facts, known: Known, essential: &[Kind]) -> Report {
    let mut report = Report { function: context.function.to_owned(), dry_run: wake.dry_run, ..Report::default() };
    let claims = matches!(known, Known::Unread);
    let entries = match known {
        Known::Unread => Some(vec![]),
        Known::Read(read) => read.map_err(|error| report.unread.push(no_ledger(&error))).ok(),
    };
    let has_ledger = entries.is_some();
    let unreadable: Vec<Unread> = entries.iter().flatten().filter(|entry| entry.state == State::Unreadable).map(unreadable).collect();
    let mut judgement = rulebook.evaluate(facts);
    // If what would have been told of a series turns out to be fine, the next of it would be told: all of it is confirmed then.
    let mut confirmed = BTreeSet::new();
    let Plan { mut planned, closed } = loop {
        let plan = plan(judgement.clone(), facts, entries.clone(), &wake.scope);
        let mut doubtful = doubtful(&plan, has_ledger, !confirmed.is_empty());
        doubtful.retain(|id| !confirmed.contains(id));
        if doubtful.is_empty() {
            break plan;
        }
        gather::confirm(&context.asking_for(2).clients, rulebook, facts, &doubtful).await;
        judgement = rulebook.evaluate(facts);
        confirmed.extend(doubtful);
    };
    let context = &context.asking_for(1);
    report.examined = examined(facts);
    report.unread.extend(facts.reading.unread.iter().chain(&judgement.unknown).cloned().chain(unreadable));
    if !wake.by_change && wake.scope != Scope::Everything {
        report.unread.extend(facts.reading.gone.iter().map(|id| Unread { what: id.clone(), why: "there is no such resource".to_owned() }));
    }
    let exempted: Vec<ReportedFinding> = judgement.exempted.iter().map(ReportedFinding::exempted).collect();
    report.total_findings = planned.len() + exempted.len();
    report.held_back = planned.iter().filter(|one| one.step == Step::HoldBack).count();
    report.is_whole = wake.scope == Scope::Everything && !wake.dry_run && !wake.due_only;
    report.is_whole &= has_ledger && essential.iter().all(|kind| facts.reading.complete.contains(kind) || facts.reading.looked_at.contains_key(kind));
    let outcomes = if wake.dry_run {
        due(&planned).into_keys().map(|id| (id, None)).collect()
    } else if has_ledger {
        carry_out(context, rulebook, facts, &mut planned, closed, claims, &mut report).await
    } else {
        HashMap::new()
    };
    report.actions = actions(&planned, &outcomes);
    report.waste_usd_per_month = waste_usd_per_month(&planned, &outcomes);
    report.stopped_usd_per_month = stopped_usd_per_month(&planned, &outcomes);
    report.findings = planned.into_iter().map(|one| reported(one, &outcomes)).chain(exempted).take(FINDINGS_SHOWN).collect();
    report
}

/// Whose tags and state are confirmed: of whatever this plan would tell. What it would act upon is looked at once more anyway, so that only unknown tags
/// matter; and so does what the report says where there is no ledger and nothing is told. `whole_series`: and all others of their series.
fn doubtful(plan: &Plan, has_ledger: bool, whole_series: bool) -> BTreeSet<String> {
    let told = |one: &&Planned| one.step.only_tells() || one.step == Step::Warn;
    let unsure = |one: &&Planned| (!has_ledger || one.step == Step::Act) && gather::is_doubtful(&one.finding.resource);
    let found: Vec<&Planned> = plan.planned.iter().filter(|one| told(one) || unsure(one)).collect();
    let series: BTreeSet<String> =
        found.iter().filter(|one| whole_series && one.finding.series.is_some()).map(|one| one.finding.entry_id()).collect();
    let of_series = plan.planned.iter().filter(|one| series.contains(&one.finding.entry_id()));
    found.into_iter().chain(of_series).map(|one| one.finding.resource.id.clone()).collect()
}

/// How the action on a resource ended, by resource id; `None`: only planned.
type Outcomes = HashMap<String, Option<Outcome>>;

/// Ledger first, then actions, then mails, each followed by the ledger again. Each step is safe to be broken off after.
async fn carry_out(
    context: &Context,
    rulebook: &Rulebook,
    facts: &Facts,
    planned: &mut [Planned],
    closed: Vec<Closed>,
    claims: bool,
    report: &mut Report,
) -> Outcomes {
    let (ledger, now) = (context.ledger(), facts.now);
    let before =
        planned.iter_mut().filter(|one| one.changed).map(|one| if claims { claim(one, now) } else { Record::Finding(one.entry.clone()) });
    let unwritten = ledger.write(before.collect(), now).await;
    leave(planned, &unwritten.refused, "another run looks after these findings");
    if let Some(error) = unwritten.why {
        report.is_whole = false;
        report.unread.push(no_ledger(&error));
        leave(planned, &unwritten.failed, "the next run looks at these findings");
        if planned.iter().all(|one| !one.changed) {
            for one in planned.iter_mut() {
                one.step = Step::Wait;
            }
            return HashMap::new();
        }
    }
    for one in planned.iter_mut().filter(|one| one.changed) {
        one.entry.version += 1;
    }

    let (outcomes, nobody_listens) =
        tokio::join!(act_on_due(context, rulebook, facts, planned), nobody_listens(context, planned, report.is_whole));
    for (id, one) in due(planned) {
        if let Some(why) = outcomes.get(&id).and_then(|outcome| outcome.as_ref()?.failure()) {
            report.failures.push(format!("{} of {}: {why}", one.finding.waste.remedy.action(), one.entry.arn));
        }
    }
    let mut items = vec![];
    let mut silent = vec![];
    for one in planned.iter_mut() {
        let outcome = outcomes.get(&one.finding.resource.id).and_then(Option::as_ref);
        let news = match one.step {
            Step::Report => Some(News::Found),
            Step::Remind => Some(News::Reminder(one.entry.first_seen)),
            Step::Escalate => Some(News::Escalation(one.entry.first_seen)),
            Step::Warn => one.entry.act_after.map(News::Warning),
            Step::Act => settle_action(&mut one.entry, one.finding.terms.grace, outcome, now),
            Step::Wait | Step::HoldBack | Step::Exempt => None,
        };
        match news {
            Some(news) => items.push(Item { advice: advice(one, outcome), ..Item::of(&one.finding, news) }),
            None if one.step == Step::Act => silent.push(Record::Finding(one.entry.clone())),
            None => {}
        }
    }
    for one in closed.iter().filter(|one| one.untold) {
        items.push(Item::of_untold(one, untold_end(&ledger, &one.entry).await));
    }
    silent.extend(closed.iter().filter(|one| !one.untold).map(|one| Record::Closed(one.entry.clone(), one.saving.clone())));
    write_silent(&ledger, silent, now, report).await;
    let untold: HashMap<Key, Closed> = closed.into_iter().filter(|one| one.untold).map(|one| (ledger::key(&one.entry), one)).collect();
    let letterhead = Letterhead { function: context.function, rulebook, now };
    mail_all(context, &letterhead, &items, planned, &untold, nobody_listens, report).await;
    outcomes
}

/// How the guard ended something in a run that could not say so: it may have submitted it again.
async fn untold_end(ledger: &Ledger<'_>, entry: &Entry) -> End {
    if Kind::of(&entry.id) != Some(Kind::TrainingJob) {
        return End::Stopped(None);
    }
    let found = ledger.resubmission(&Kind::TrainingJob.id(&new_name(&entry.name, entry.run))).await.ok().flatten();
    let found = found.filter(|found| found.of == entry.name && found.run == entry.run && found.stage != Stage::Stored);
    found.map_or(End::Stopped(None), |found| End::Replaced(found.name))
}

/// Why nobody would be reached. Before anybody has confirmed a subscription, SNS takes every mail and delivers none. Asked where something will be
/// stopped, and in whole runs that have something to tell; not again once somebody is there.
async fn nobody_listens(context: &Context, planned: &[Planned], is_whole: bool) -> Option<String> {
    let is_told = |one: &Planned| match one.step {
        Step::Warn | Step::Act => true,
        Step::Report | Step::Remind | Step::Escalate => is_whole,
        Step::Wait | Step::HoldBack | Step::Exempt => false,
    };
    if context.is_heard.load(Ordering::Relaxed) || !planned.iter().any(is_told) {
        return None;
    }
    let topic = &context.settings.topic_arn;
    match is_anybody_subscribed(&context.clients, topic).await {
        Ok(true) => {
            context.is_heard.store(true, Ordering::Relaxed);
            None
        }
        Ok(false) => Some(format!("nobody has confirmed a subscription to {topic}: nobody is mailed until then")),
        // Publishing may work all the same.
        Err(error) => {
            lambda_runtime::tracing::warn!("who is subscribed to {topic} is not known: {error:#}");
            None
        }
    }
}

/// For a finding of which it is not known whether it is in the ledger.
fn claim(one: &mut Planned, now: Timestamp) -> Record {
    // Never the version of one that is there.
    one.entry.version = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Record::Claim(one.entry.clone(), now - one.finding.terms.remind_after.signed())
}

/// What was done and told, into the ledger. What another run has written over meanwhile is not known to be told.
async fn write_after(ledger: &Ledger<'_>, records: Vec<Record>, now: Timestamp, report: &mut Report) {
    let unwritten = ledger.write(records, now).await;
    let refused = Some(&unwritten.refused).filter(|refused| !refused.is_empty());
    let refused = refused.map(|refused| format!("the ledger was written by another run too ({:?})", ledger::by_rule(refused)));
    for what in refused.into_iter().chain(unwritten.why.map(|error| format!("{error:#}"))) {
        report.failures.push(format!("{what}: what was mailed or done in this run may be mailed again"));
    }
}

/// What nobody is told of, into the ledger. What another run has written over meanwhile, that run has seen.
async fn write_silent(ledger: &Ledger<'_>, records: Vec<Record>, now: Timestamp, report: &mut Report) {
    let unwritten = ledger.write(records, now).await;
    if !unwritten.refused.is_empty() {
        lambda_runtime::tracing::info!(refused = ?ledger::by_rule(&unwritten.refused), "another run has written these findings too");
    }
    report.failures.extend(unwritten.why.map(|error| format!("{error:#}: the next run looks at it again")));
}

/// Findings that could not be written are left alone in this run.
fn leave(planned: &mut [Planned], unwritten: &HashSet<Key>, why: &str) {
    if unwritten.is_empty() {
        return;
    }
    lambda_runtime::tracing::info!(findings = ?ledger::by_rule(unwritten), "{why}");
    for one in planned.iter_mut().filter(|one| unwritten.contains(&ledger::key(&one.entry))) {
        one.step = Step::Wait;
        one.changed = false;
    }
}

/// What is due, each resource once: several rules may have found it.
fn due(planned: &[Planned]) -> BTreeMap<String, &Planned> {
    let mut due = BTreeMap::new();
    for one in planned.iter().filter(|one| one.step == Step::Act) {
        due.entry(one.finding.resource.id.clone()).or_insert(one);
    }
    due
}

async fn act_on_due(context: &Context, rulebook: &Rulebook, facts: &Facts, planned: &[Planned]) -> Outcomes {
    let permits = Semaphore::new(ACTIONS_IN_FLIGHT);
    let look_and_act = async |one: &Planned| match still_due(context, rulebook, facts, &one.finding).await {
        Ok(fresh) => {
            let _permit = permits.acquire().await;
            if context.time_is_up() { out_of_time() } else { act(context, &fresh, facts.now).await }
        }
        Err(outcome) => outcome,
    };
    let one_resource = async |(id, one): (String, &Planned)| {
        let ended = if context.time_is_up() { Some(out_of_time()) } else { context.in_time(Box::pin(look_and_act(one))).await };
        let outcome = ended.unwrap_or_else(|| Outcome::Unknown("no answer before the end of this run: the next one looks at it".into()));
        lambda_runtime::tracing::info!(
            action = one.finding.waste.remedy.action(),
            resource = one.finding.resource.arn_or_id(),
            outcome = outcome.name(),
            detail = outcome.detail()
        );
        (id, Some(outcome))
    };
    stream::iter(due(planned)).map(one_resource).buffer_unordered(3 * ACTIONS_IN_FLIGHT).collect().await
}

fn out_of_time() -> Outcome {
    Outcome::Skipped("this run is out of time: the next one goes on".into())
}

/// Looks at a resource once more, by the service's own word and in the light of this very moment: is it the same run, still found by the same rule,
/// and still not kept? The finding of this moment.
async fn still_due(context: &Context, rulebook: &Rulebook, facts: &Facts, finding: &Finding) -> Result<Finding, Outcome> {
    let mut fresh = match gather::again(&context.clients, rulebook, facts, &finding.resource.id).await {
        Ok(Some(fresh)) => fresh,
        Ok(None) => return Err(Outcome::Gone),
        Err(_) if context.time_is_up() => return Err(out_of_time()),
        Err(error) => return Err(Outcome::Failed(format!("it could not be read again: {error:#}"))),
    };
    fresh.now = context.later(facts.now);
    let judgement = rulebook.evaluate(&fresh);
    match judgement.findings.into_iter().find(|found| found.rule == finding.rule) {
        None => Err(Outcome::Skipped("it changed since it was read: it is not found any more".into())),
        Some(found) if found.run != finding.run => Err(Outcome::Skipped("it was started anew since it was read".into())),
        Some(found)
            if found.keep != finding.keep || !found.is_enforced() || found.owner != finding.owner || found.action() != finding.action() =>
        {
            Err(Outcome::Skipped("its tags changed since they were read: the next run looks at it".into()))
        }
        Some(found) => Ok(found),
    }
}

/// What the ledger says after an action, and what the owner is told.
fn settle_action(entry: &mut Entry, grace: Duration, outcome: Option<&Outcome>, now: Timestamp) -> Option<News> {
    // A warned entry whose time has come is acted upon by the next run: its owner was warned in time, and that holds.
    let due_again = |entry: &mut Entry| {
        entry.state = State::Warned;
        entry.notified_at = Some(entry.act_after.map_or(now, |at| now.min(at - grace.signed())));
    };
    let end = match outcome {
        Some(Outcome::Done) => Some(End::Stopped(None)),
        Some(Outcome::AlreadyDone(why)) => Some(End::Stopped(Some(why.clone()))),
        Some(Outcome::Over(end)) => Some(end.clone()),
        _ => None,
    };
    if let Some(end) = end {
        // What ended by itself saves nothing.
        entry.state = if matches!(end, End::ByItself(_)) { State::Closed } else { State::Acted };
        entry.failure = None;
        entry.last_seen = now;
        return Some(News::Done(end));
    }
    match outcome {
        Some(Outcome::Gone) => {
            entry.state = State::Closed;
            entry.last_seen = now;
            None
        }
        Some(Outcome::GivenUp(why)) => {
            entry.state = State::GivenUp;
            entry.failure = Some(why.clone());
            entry.last_seen = now;
            Some(News::GivenUp(why.clone()))
        }
        Some(failed @ (Outcome::Failed(why) | Outcome::NotResubmitted { why, .. } | Outcome::Doubled { why, .. })) => {
            due_again(entry);
            // A failure is told once; the function's own error says it every time.
            entry.failure = Some(told_failure(entry.failure.as_deref(), why)?);
            Some(if matches!(failed, Outcome::Doubled { .. }) { News::Doubled(why.clone()) } else { News::Failed(why.clone()) })
        }
        // Whether it was done is for the next run to find out: the ledger goes on saying that this one was about to.
        Some(Outcome::Unknown(_)) => None,
        _ => {
            due_again(entry);
            None
        }
    }
}

/// What the owner can do: what the rule says, and if a job could not be submitted again, its definition.
fn advice(one: &Planned, outcome: Option<&Outcome>) -> Option<String> {
    match outcome {
        Some(Outcome::Doubled { advice, .. }) => Some(advice.clone()),
        Some(Outcome::NotResubmitted { definition, .. }) => Some(match serde_json::from_str(definition) {
            Ok(definition) => {
                let old = &one.finding.resource;
                format!(
                    "nothing, if it may go on as it is: the guard tries again. To submit it as Spot yourself, {}\nOnce AWS has accepted that, stop this one: {}",
                    how_to_submit(definition, old),
                    how_to_stop(&old.name, &old.region_option())
                )
            }
            Err(_) => "nothing: it goes on as it is, and the guard tries again.".to_owned(),
        }),
        // The guard has done it.
        Some(Outcome::Over(End::Replaced(_) | End::NotNeeded(_))) => None,
        Some(Outcome::Done | Outcome::AlreadyDone(_)) => match &one.finding.waste.remedy {
            Remedy::AddTags { rest, .. } => rest.clone(),
            _ => one.finding.waste.after_stop.clone().or_else(|| one.finding.waste.advice.clone()),
        },
        _ => one.finding.waste.advice.clone(),
    }
}

/// Mails every owner, some at a time, and tells the ledger after each lot who was reached.
async fn mail_all(
    context: &Context,
    letterhead: &Letterhead<'_>,
    items: &[Item],
    planned: &mut [Planned],
    untold: &HashMap<Key, Closed>,
    nobody_listens: Option<String>,
    report: &mut Report,
) {
    let mut held_back: BTreeMap<String, usize> = BTreeMap::new();
    for one in planned.iter().filter(|one| one.step == Step::HoldBack) {
        *held_back.entry(one.finding.owner.clone().unwrap_or_else(|| UNOWNED.to_owned())).or_default() += 1;
    }
    let told = planned.iter_mut().filter(|one| one.step.tells());
    let mut by_key: HashMap<Key, &mut Planned> = told.map(|one| (ledger::key(&one.entry), one)).collect();
    let mut keys: HashMap<&str, Vec<&Key>> = HashMap::new();
    for item in items {
        keys.entry(item.owner.as_deref().unwrap_or(UNOWNED)).or_default().push(&item.key);
    }
    let digests = mail::digests(items, &held_back, letterhead);
    let now = letterhead.now;
    for lot in digests.chunks(MAILS_PER_WRITE) {
        let sent = stream::iter(lot)
            .map(async |digest| (digest, if nobody_listens.is_none() { send(context, digest).await } else { Err(String::new()) }));
        let mut after = vec![];
        for (digest, sent) in sent.buffer_unordered(MAILS_IN_FLIGHT).collect::<Vec<_>>().await {
            let told: HashSet<&Key> = if sent.is_ok() { digest.told.iter().collect() } else { HashSet::new() };
            match sent {
                Ok(()) => report.notified += 1,
                Err(why) => report.failures.extend(Some(why).filter(|why| !why.is_empty())),
            }
            for key in keys.remove(digest.owner.as_str()).into_iter().flatten() {
                if let Some(one) = by_key.get_mut(key) {
                    after.extend(settle_mail(one, told.contains(key), now));
                } else if let Some(closed) = untold.get(key).filter(|_| told.contains(key)) {
                    let entry = Entry { notified_at: Some(now), ..closed.entry.clone() };
                    after.push(Record::Closed(entry, closed.saving.clone()));
                }
            }
        }
        write_after(&context.ledger(), after, now, report).await;
    }
    report.failures.extend(nobody_listens);
}

/// What the ledger says of a finding after its mail. What is only told was written as told before: it is taken back if nobody was reached.
fn settle_mail(one: &mut Planned, is_told: bool, now: Timestamp) -> Option<Record> {
    let entry = &mut one.entry;
    let written_as_told = one.step.only_tells();
    if one.step == Step::Act && entry.state == State::Warned {
        // It goes on being due. A failure that nobody was told is told when it is met again.
        entry.failure = if is_told { entry.failure.take() } else { entry.failure.as_deref().map(untold_failure) };
    } else {
        entry.notified_at = is_told.then_some(now);
    }
    (written_as_told != is_told || one.step == Step::Act).then(|| Record::Finding(entry.clone()))
}

async fn send(context: &Context, digest: &Digest) -> Result<(), String> {
    let late = || format!("mail to {}: this run is out of time, the next one sends it", digest.owner);
    if context.time_is_up() {
        return Err(late());
    }
    let sent = context.in_time(publish(&context.clients, &context.settings.topic_arn, context.function, digest)).await;
    sent.ok_or_else(late)?.map_err(|error| format!("{error:#}"))
}

fn actions(planned: &[Planned], outcomes: &Outcomes) -> Vec<ReportedAction> {
    let reported = due(planned).into_iter().filter_map(|(id, one)| {
        let outcome = outcomes.get(&id)?.as_ref();
        Some(ReportedAction {
            action: one.finding.waste.remedy.action(),
            resource: one.finding.resource.arn_or_id().to_owned(),
            outcome: outcome.map_or("planned", Outcome::name),
            detail: outcome.map_or("", Outcome::detail).to_owned(),
        })
    });
    reported.collect()
}

/// Of the resources that are neither left alone nor stopped now. What is found of the bill (budgets, spend, tags) is the cost of resources too.
fn waste_usd_per_month(planned: &[Planned], outcomes: &Outcomes) -> Decimal {
    let is_wasted = |one: &&Planned| {
        let id = &one.finding.resource.id;
        let is_over = matches!(outcomes.get(id), Some(Some(outcome)) if outcome.is_over());
        Kind::of(id).is_some_and(|kind| !kind.is_of_the_account())
            && one.step != Step::Exempt
            && one.entry.state != State::Exempt
            && !is_over
    };
    each_once(planned.iter().filter(is_wasted).filter_map(|one| Some((one.finding.resource.id.as_str(), one.finding.waste.usd_per_month?))))
}

fn stopped_usd_per_month(planned: &[Planned], outcomes: &Outcomes) -> Decimal {
    let stopped = planned.iter().filter(|one| {
        let id = &one.finding.resource.id;
        // A job would have come to its end by itself.
        one.step == Step::Act && matches!(outcomes.get(id), Some(Some(Outcome::Done))) && !Kind::of(id).is_some_and(Kind::ends_by_itself)
    });
    each_once(stopped.filter_map(|one| Some((one.finding.resource.id.as_str(), one.finding.waste.usd_per_month?))))
}

/// The sum over the resources, of the most that is said of each.
fn each_once<'a>(costs: impl Iterator<Item = (&'a str, Decimal)>) -> Decimal {
    let mut by_resource: BTreeMap<&str, Decimal> = BTreeMap::new();
    for (id, usd) in costs {
        let most = by_resource.entry(id).or_default();
        *most = usd.max(*most);
    }
    by_resource.values().sum()
}

fn reported(one: Planned, outcomes: &Outcomes) -> ReportedFinding {
    let Planned { finding, step, entry, .. } = one;
    let state = match step {
        Step::Exempt => "exempt",
        Step::HoldBack => "held-back",
        Step::Report | Step::Remind | Step::Escalate => "reported",
        Step::Warn => "warned",
        Step::Act => match outcomes.get(&finding.resource.id) {
            Some(Some(outcome)) if outcome.is_over() => "acted",
            Some(Some(Outcome::Skipped(_))) => "warned",
            Some(Some(Outcome::GivenUp(_))) => "reported",
            _ => "acting",
        },
        Step::Wait => match entry.state {
            State::Warned => "warned",
            State::Acting => "acting",
            State::Acted => "acted",
            State::Exempt => "exempt",
            State::Reported | State::GivenUp | State::Closed | State::Unreadable => "reported",
        },
    };
    ReportedFinding {
        rule: finding.rule,
        resource: finding.resource.arn_or_id().to_owned(),
        remedy: finding.waste.remedy.action(),
        name: finding.resource.name,
        owner: finding.owner,
        team: finding.team,
        reason: finding.waste.reason,
        monthly_cost_usd: finding.waste.usd_per_month.and_then(cents),
        state,
    }
}

/// How many were looked at, by kind: a kind that was read in full and has none is told from one that was not read.
fn examined(facts: &Facts) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&'static str, usize> = facts.reading.complete.iter().map(|kind| (kind.as_str(), 0)).collect();
    for kind in facts.resources().filter_map(cost_rules::resource::Resource::kind).filter(|kind| !facts.reading.looked_at.contains_key(kind)) {
        *counts.entry(kind.as_str()).or_default() += 1;
    }
    counts.extend(facts.reading.looked_at.iter().map(|(kind, count)| (kind.as_str(), *count)));
    counts
}

fn no_ledger(error: &anyhow::Error) -> Unread {
    Unread { what: "the ledger: nothing is enforced and nobody is mailed".to_owned(), why: format!("{error:#}") }
}

fn unreadable(entry: &Entry) -> Unread {
    Unread {
        what: format!("what the ledger says of {} ({}): it is left alone", entry.id, entry.rule),
        why: entry.failure.clone().unwrap_or_default(),
    }
}
