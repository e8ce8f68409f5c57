//! training-job-spot-enforcer: finds training and tuning jobs that pay on-demand prices, tells their owners, and stops or resubmits them as Spot where the
//! policy says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cost_aws::{
    Context,
    event::{StateChange, Triggers, Wake},
    gather::{self, training::Sweep},
    ledger::{Resubmission, Stage},
    report::Report,
    run::{Known, settle},
};
use cost_rules::{
    facts::{Facts, Fate, JobStatus, Replaced, TrainingJob, Unread},
    plan::{Entry, SpotSaving, State},
    policy::Policy,
    remedy::may_be_resubmission,
    resource::Kind,
    scope::Scope,
};
use futures_util::future::{join_all, try_join_all};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "training-job-spot-enforcer";

/// What wakes it.
pub const TRIGGERS: Triggers = Triggers {
    kinds: &[Kind::TrainingJob, Kind::TuningJob],
    changes: &[
        StateChange { detail_type: "SageMaker Training Job State Change", kind: Kind::TrainingJob, fields: "TrainingJob", is_judged: true },
        StateChange {
            detail_type: "SageMaker HyperParameter Tuning Job State Change",
            kind: Kind::TuningJob,
            fields: "HyperParameterTuningJob",
            is_judged: true,
        },
    ],
    creations: false,
    budgets: false,
    due_only: true,
};

/// The daily sweep, in the ledger.
const SWEEP: &str = "training-jobs";
/// A run that submits a job again and stops the old one may be about it for this long.
const RESUBMITTING: SignedDuration = SignedDuration::from_mins(10);
/// For how long a job that failed is looked at, so that its owner can be told of it.
const LOST_WORK_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What a sweep looks back to where there was none before.
const FIRST_SWEEP: SignedDuration = SignedDuration::from_hours(24);

/// One run, in the light of `now`: everything, what is due, or the job that an event tells of.
///
/// # Errors
/// The event is not one of the function's, or the policy cannot be read: nothing was done then. Whatever fails later is in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let mut wake = TRIGGERS.read(&event, context.home())?;
    let policy = context.policy(now).await?;
    if wake.scope == Scope::Everything && !wake.due_only {
        return Ok(everything(context, &policy, &wake, now).await);
    }
    let mut entries = None;
    if wake.due_only {
        let all = context.ledger().findings(&Scope::Everything).await;
        let due = all.iter().flatten().filter(|entry| entry.is_due(now));
        wake.scope = Scope::Only(due.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect());
        entries = Some(all);
    }
    Ok(some(context, &policy, &wake, entries, now).await)
}

/// The daily sweep: the search index, and by the service's own word what it finds and what is open in the ledger.
async fn everything(context: &Context, policy: &Policy, wake: &Wake, now: Timestamp) -> Report {
    let ledger = context.ledger();
    let last = ledger.kept(SWEEP).await.ok().flatten().map_or(now - FIRST_SWEEP, |(last, _)| last);
    let (swept, entries) = tokio::join!(gather::training::sweep(&context.clients, policy, last, now), ledger.findings(&Scope::Everything));
    let Sweep { mut facts, savings } = swept;
    let running: BTreeSet<String> = facts.resources().map(|resource| resource.id.clone()).collect();
    let open = entries.iter().flatten().filter(|entry| entry.state != State::Closed && !running.contains(&entry.id));
    let open = open.filter(|entry| matches!(Kind::of(&entry.id), Some(Kind::TrainingJob | Kind::TuningJob)));
    let open: BTreeMap<String, Option<String>> = open.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect();
    gather::training::some(&context.clients, policy, &open, &mut facts).await;
    let resubmissions = tell_replaced(context, policy, wake, entries.as_deref().ok(), &mut facts).await;

    let is_whole = facts.complete.contains(&Kind::JobSeries);
    let essential = [Kind::JobSeries, Kind::TuningJob];
    let mut report = settle(context, policy, wake, &mut facts, Known::Read(entries), &essential).await;
    if !wake.dry_run {
        report.failures.extend(tidy(context, &facts, resubmissions).await.err().map(|error| format!("{error:#}")));
    }
    if !wake.dry_run && is_whole {
        let remembered = match ledger.remember_spot_savings(&savings, now).await {
            Ok(()) => ledger.keep(SWEEP, "", now).await,
            failed => failed,
        };
        report.failures.extend(remembered.err().map(|error| format!("{error:#}")));
    }
    report
}

/// Single jobs, by the service's own word. `entries`: what the ledger says, if it was read already.
async fn some(context: &Context, policy: &Policy, wake: &Wake, entries: Option<anyhow::Result<Vec<Entry>>>, now: Timestamp) -> Report {
    let mut facts = Facts { now, prices: policy.prices_of(&context.clients.region), ..Facts::default() };
    gather::training::some(&context.clients, policy, &wake.scope.named().unwrap_or_default(), &mut facts).await;
    // When a tuning job begins, its training jobs are not there yet.
    if !wake.by_change {
        gather::training::look_at_children(&context.clients, policy, &mut facts).await;
    }
    tell_replaced(context, policy, wake, entries.as_ref().and_then(|read| read.as_deref().ok()), &mut facts).await;
    let known = match entries {
        Some(entries) => Known::Read(entries),
        None if wake.by_change && Known::can_be_unread(&policy.evaluate(&facts)) => Known::Unread,
        None => Known::Read(context.ledger().findings(&wake.scope).await),
    };
    let mut report = settle(context, policy, wake, &mut facts, known, &[]).await;
    if !wake.dry_run {
        let savings = spot_savings(context, policy, &mut facts).await;
        let remembered = context.ledger().remember_spot_savings(&savings, now).await;
        report.failures.extend(remembered.err().map(|error| format!("{error:#}")));
    }
    report
}

/// The resubmissions that a run looks after: all that are open; in a run of what is due those whose old job was not stopped; of single jobs those that made
/// them.
async fn resubmissions_of(context: &Context, wake: &Wake, facts: &Facts) -> anyhow::Result<Vec<Resubmission>> {
    let ledger = context.ledger();
    if wake.due_only || wake.scope == Scope::Everything {
        let mut all = ledger.resubmissions().await?;
        all.retain(|one| one.is_open(facts.now) && !(wake.due_only && one.stage == Stage::Stopped));
        return Ok(all);
    }
    let named = facts.training_jobs.iter().filter(|job| may_be_resubmission(&job.resource.name));
    let found = try_join_all(named.map(async |job| ledger.resubmission(&job.resource.id).await)).await?;
    Ok(found.into_iter().flatten().collect())
}

/// What Spot saved on the jobs of these facts that came to their end.
async fn spot_savings(context: &Context, policy: &Policy, facts: &mut Facts) -> Vec<SpotSaving> {
    let of = |job: &TrainingJob, facts: &Facts| SpotSaving::of(job, policy, &facts.prices);
    let ended: BTreeSet<String> =
        facts.training_jobs.iter().filter(|job| of(job, facts).is_some()).map(|job| job.resource.id.clone()).collect();
    if !ended.is_empty() {
        gather::confirm(&context.clients, policy, facts, &ended).await;
    }
    facts.training_jobs.iter().filter_map(|job| of(job, facts)).collect()
}

/// Whether a job ended in a way that leaves its work undone.
fn is_lost(job: &TrainingJob) -> bool {
    matches!(job.status, JobStatus::Failed | JobStatus::Stopped)
}

/// A resubmission, and what became of its two jobs.
struct LookedAt {
    resubmission: Resubmission,
    fate: Result<Fate, String>,
    is_new_gone: bool,
}

/// Tells jobs that the guard submitted whose work they do, and what became of that one: by the service's own word, because people are told to stop jobs by it.
/// `entries`: what the ledger says of everything, if that was read.
async fn tell_replaced(context: &Context, policy: &Policy, wake: &Wake, entries: Option<&[Entry]>, facts: &mut Facts) -> Vec<LookedAt> {
    let clients = &context.clients;
    let resubmissions = match resubmissions_of(context, wake, facts).await {
        Ok(resubmissions) => resubmissions,
        Err(error) => {
            let why = format!("{error:#}");
            for job in facts.training_jobs.iter_mut().filter(|job| may_be_resubmission(&job.resource.name)) {
                job.replaces = Some(Err(why.clone()));
            }
            facts.unread.push(Unread { what: "jobs that were submitted again".into(), why });
            return vec![];
        }
    };
    let known: BTreeSet<&str> = facts.training_jobs.iter().map(|job| job.resource.id.as_str()).collect();
    let missing = resubmissions.iter().map(|one| (one.id(), Some(one.name.clone()))).filter(|(id, _)| !known.contains(id.as_str()));
    let missing: BTreeMap<String, Option<String>> = missing.collect();
    // Apart from what was asked for: that a job was never created is nothing that could not be read.
    let mut found = Facts { now: facts.now, ..Facts::default() };
    gather::training::some(clients, policy, &missing, &mut found).await;
    facts.training_jobs.append(&mut found.training_jobs);
    facts.unread.append(&mut found.unread);
    let looked_at = resubmissions.into_iter().map(async |one| LookedAt {
        fate: match one.stage {
            Stage::Stored | Stage::Created => gather::training::fate(clients, &one.of, one.run).await,
            Stage::Stopped | Stage::Settled => Ok(Fate::Ended),
        },
        is_new_gone: found.gone.contains(&one.id()),
        resubmission: one,
    });
    let looked_at = join_all(looked_at).await;
    // The runs of what is due come every few minutes and know whether the guard is about to stop the old job: an event decides nothing about that.
    let is_at_work = |one: &Resubmission| {
        let old = Kind::TrainingJob.id(&one.of);
        let is_tried = |entry: &Entry| entry.id == old && matches!(entry.state, State::Warned | State::Acting);
        facts.now.duration_since(one.at) < RESUBMITTING || entries.is_none_or(|entries| entries.iter().any(is_tried))
    };
    let by_id: HashMap<String, &LookedAt> = looked_at.iter().map(|one| (one.resubmission.id(), one)).collect();
    for job in &mut facts.training_jobs {
        let Some(LookedAt { resubmission: one, fate, .. }) = by_id.get(&job.resource.id).filter(|one| is_of(&one.resubmission, job)) else {
            continue;
        };
        let replaced = |fate: &Fate| Replaced {
            name: one.of.clone(),
            definition: one.definition.clone().unwrap_or_default(),
            fate: *fate,
            at_work: is_at_work(one),
        };
        job.replaces = Some(fate.as_ref().map(replaced).map_err(Clone::clone));
    }
    looked_at
}

/// Remembers how far resubmissions have come, and which need no looking after any more. A job that failed is told of for some weeks.
async fn tidy(context: &Context, facts: &Facts, resubmissions: Vec<LookedAt>) -> anyhow::Result<()> {
    let jobs: HashMap<&str, &TrainingJob> = facts.training_jobs.iter().map(|job| (job.resource.id.as_str(), job)).collect();
    for LookedAt { resubmission: mut one, fate, is_new_gone } in resubmissions {
        let is_over = match jobs.get(one.id().as_str()).filter(|job| is_of(&one, job)) {
            Some(job) if job.status == JobStatus::Completed => matches!(fate, Ok(Fate::Completed | Fate::Ended)),
            Some(job) => is_lost(job) && job.ended.is_some_and(|ended| LOST_WORK_KEPT < facts.now.duration_since(ended)),
            None => is_new_gone,
        };
        let stage = match one.stage {
            Stage::Created | Stage::Stopped if is_over => Stage::Settled,
            Stage::Created if fate == Ok(Fate::Ended) => Stage::Stopped,
            stage => stage,
        };
        if stage != one.stage {
            // What another run has written meanwhile is newer.
            context.ledger().set_stage(&mut one, stage).await?;
        }
    }
    Ok(())
}

/// Whether a job is the one that a resubmission created, and none of the same name that was there before.
fn is_of(resubmission: &Resubmission, job: &TrainingJob) -> bool {
    job.created.zip(resubmission.run).is_some_and(|(created, run)| run <= created)
}
