//! tag-auditor: finds what of `SageMaker` is not tagged, says what that costs, finds whose it is, and tags it where the policy lets it.

use std::collections::{BTreeSet, HashMap};

use cost_aws::{
    Context, coverage,
    event::{Triggers, Wake},
    gather::{billing, inventory},
    report::Report,
    run::{Known, settle},
};
use cost_rules::{
    coverage::Coverage,
    facts::{Facts, Subject as _, TagKey, TagSpend, Unread},
    plan::{Entry, Planned, State, Step, plan},
    policy::Policy,
    resource::{Kind, Whose},
    scope::Scope,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "tag-auditor";

/// What wakes it.
pub const TRIGGERS: Triggers = Triggers { kinds: Kind::TAGGED, changes: &[], creations: true, budgets: false, due_only: true };

/// Each page of what was spent costs a cent, and it changes slowly: it is read once a week, and kept in the ledger.
const SPEND: &str = "tag-spend";
const SPEND_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One run, in the light of `now`: everything, what is due, or what an event tells was created.
///
/// # Errors
/// The event is not one of the function's, or the policy cannot be read: nothing was done then. Whatever fails later is in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let mut wake = TRIGGERS.read(&event, context.home())?;
    let policy = context.policy(now).await?;
    let ledger = context.ledger();
    let mut failures = vec![];
    if let Some((id, creator)) = wake.creator.as_ref().filter(|_| !wake.dry_run) {
        failures.extend(ledger.remember_creator(id, creator, now).await.err());
    }
    let essential = kinds_of(&policy, &[Kind::NotebookInstance, Kind::TrainingJob, Kind::Endpoint]);
    let is_whole = wake.scope == Scope::Everything && !wake.due_only;
    let (mut facts, entries) = if is_whole {
        let kinds = kinds_of(&policy, Kind::TAGGED);
        tokio::join!(Box::pin(inventory::everything(&context.clients, &policy, &kinds, now)), ledger.findings(&wake.scope))
    } else {
        let all = ledger.findings(&wake.scope).await;
        if wake.due_only {
            // A tag of the bill is looked at in whole runs.
            let is_due = |entry: &&Entry| entry.is_due(now) && Kind::of(&entry.id) != Some(Kind::TagKey);
            let due = all.iter().flatten().filter(is_due);
            wake.scope = Scope::Only(due.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect());
        }
        (inventory::some(&context.clients, &policy, &wake.scope.named().unwrap_or_default(), now).await, all)
    };
    let mut spends = vec![];
    if is_whole {
        let bill = bill(context, &policy, &wake, now).await;
        (facts.tag_keys, spends) = (bill.keys, bill.spends);
        facts.unread.extend(bill.unread);
        failures.extend(bill.failure);
    }
    let unread = find_whose(context, &policy, &wake, &mut facts, entries.as_ref().ok().cloned()).await;
    facts.unread.extend(unread);

    let mut report = settle(context, &policy, &wake, &mut facts, Known::Read(entries), &essential).await;
    if is_whole {
        let coverage = Coverage::of(&policy, &facts, &policy.evaluate(&facts), spends);
        failures.extend(coverage::tell(context, &policy, &coverage, &mut report, now).await.err());
    }
    report.failures.extend(failures.iter().map(|error| format!("{error:#}")));
    Ok(report)
}

/// Those of these kinds that the policy wants to be looked at.
fn kinds_of(policy: &Policy, kinds: &[Kind]) -> Vec<Kind> {
    kinds.iter().copied().filter(|kind| policy.audits(*kind)).collect()
}

/// What the bill says of the required tags.
#[derive(Default)]
struct Bill {
    keys: Vec<TagKey>,
    /// As it was read in this run or in one of the last week.
    spends: Vec<TagSpend>,
    unread: Vec<Unread>,
    failure: Option<anyhow::Error>,
}

async fn bill(context: &Context, policy: &Policy, wake: &Wake, now: Timestamp) -> Bill {
    let (wants_spend, wants_status) = (policy.uses_rule("untagged-spend"), policy.uses_rule("inactive-cost-allocation-tag"));
    if !wants_spend && !wants_status {
        return Bill::default();
    }
    let (mut keys, mut unread) = billing::keys(&context.clients, policy).await;
    if !wants_spend {
        return Bill { keys, unread, ..Bill::default() };
    }
    let ledger = context.ledger();
    let kept = match ledger.kept(SPEND).await {
        Ok(kept) => kept,
        // Without the ledger it would be bought again and again.
        Err(error) => {
            unread.push(spend_unread(format!("{error:#}")));
            return Bill { keys, unread, ..Bill::default() };
        }
    };
    // What another version kept is read anew.
    let kept = kept.and_then(|(read, text)| Some((read, serde_json::from_str::<Vec<TagSpend>>(&text).ok()?)));
    if let Some((_, spends)) = kept.as_ref().filter(|(read, _)| now.duration_since(*read) < SPEND_EVERY) {
        return Bill { keys, spends: spends.clone(), unread, failure: None };
    }
    let spends = match billing::spends(&context.clients, policy, &keys, now).await {
        Ok(spends) => spends,
        // What is known goes on being told, and the next run asks again.
        Err(why) => {
            unread.push(spend_unread(why));
            return Bill { keys, spends: kept.map(|(_, spends)| spends).unwrap_or_default(), unread, failure: None };
        }
    };
    let mut failure = None;
    if !wake.dry_run {
        let kept = match serde_json::to_string(&spends) {
            Ok(text) => ledger.keep(SPEND, &text, now).await,
            Err(error) => Err(error.into()),
        };
        failure = kept.err();
    }
    for key in &mut keys {
        key.spend = spends.iter().find(|spend| spend.keys.first() == Some(&key.resource.name)).cloned();
    }
    Bill { keys, spends, unread, failure }
}

fn spend_unread(why: String) -> Unread {
    Unread { what: "what SageMaker cost, with and without tags".into(), why }
}

/// Whose the findings are: those that are in the ledger are whose they were; of those that are news, or that the guard may mend, it is found out, by who created them
/// and what they belong to.
async fn find_whose(context: &Context, policy: &Policy, wake: &Wake, facts: &mut Facts, entries: Option<Vec<Entry>>) -> Option<Unread> {
    remember_whose(facts, entries.iter().flatten());
    let mut asked = BTreeSet::new();
    // Who turns out to own what is told hears of all else that they own, too.
    loop {
        let ids = doubtful(policy, wake, facts, entries.clone()).into_iter().filter(|id| !asked.contains(id)).collect::<BTreeSet<String>>();
        if ids.is_empty() {
            return None;
        }
        if let Some(unread) = ask_whose(context, policy, wake, facts, &ids).await {
            return Some(unread);
        }
        asked.extend(ids);
    }
}

/// Those of which somebody is to be told, or that the guard may mend, by id.
fn doubtful(policy: &Policy, wake: &Wake, facts: &Facts, entries: Option<Vec<Entry>>) -> BTreeSet<String> {
    let planned = plan(policy.evaluate(facts), facts, entries, &wake.scope).planned;
    // What the guard may write is known only then: all of it is found out where it may write.
    let may_tag = policy.enforces_by("tag") || policy.enforces_by("stop-after-grace");
    let is_told = |one: &&Planned| wake.creator.as_ref().is_some_and(|(id, _)| *id == one.finding.resource.id);
    let is_open = |one: &&Planned| may_tag || one.step != Step::Wait || is_told(one);
    // Of a series one is planned for all, whoever's the others are.
    let open: BTreeSet<String> = planned.iter().filter(is_open).map(|one| one.finding.entry_id()).collect();
    planned.iter().filter(|one| open.contains(&one.finding.entry_id())).map(|one| one.finding.resource.id.clone()).collect()
}

/// Asks who created these, and what they belong to.
async fn ask_whose(context: &Context, policy: &Policy, wake: &Wake, facts: &mut Facts, ids: &BTreeSet<String>) -> Option<Unread> {
    let mut creators = match context.ledger().creators(ids.iter().cloned()).await {
        Ok(creators) => creators,
        Err(error) => {
            let why = format!("{error:#}");
            for audited in facts.audited.iter_mut().filter(|audited| ids.contains(&audited.resource.id)) {
                audited.doubt = Some(why.clone());
            }
            return Some(Unread { what: "who created these resources".into(), why });
        }
    };
    creators.extend(wake.creator.clone());
    for audited in facts.audited.iter_mut().filter(|audited| ids.contains(&audited.resource.id)) {
        audited.creator = creators.remove(&audited.resource.id);
    }
    inventory::enrich(&context.clients, policy, facts, ids).await;
    None
}

/// Jobs are remembered by their series, if all of it is of one owner.
fn remember_whose<'a>(facts: &mut Facts, entries: impl Iterator<Item = &'a Entry>) {
    let mut known: HashMap<&str, Option<&Entry>> = HashMap::new();
    for entry in entries.filter(|entry| entry.state != State::Closed && entry.state != State::Unreadable) {
        let id = entry.id.split_once('@').map_or(entry.id.as_str(), |(series, _)| series);
        let one = known.entry(id).or_insert(Some(entry));
        *one = one.filter(|one| one.owner == entry.owner);
    }
    for audited in &mut facts.audited {
        let series = audited.series();
        let entry = known.get(audited.resource.id.as_str()).or_else(|| known.get(series.as_deref()?)).copied().flatten();
        if let Some(entry) = entry {
            audited.resource.whose = Whose { owner: entry.owner.clone(), team: entry.team.clone() };
        }
    }
}
