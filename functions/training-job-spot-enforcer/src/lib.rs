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
    facts::{Beside, Facts, JobStatus, Kind, Replaced, TrainingJob, Unread},
    plan::{Entry, Scope, SpotSaving, State},
    policy::Policy,
    resubmission::may_be_resubmission,
};
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
    due_only: true,
};

/// The daily sweep, in the ledger.
const SWEEP: &str = "training-jobs";
/// A resubmission may be at work for this long; after that, its old job could not be stopped.
const AT_WORK: SignedDuration = SignedDuration::from_mins(10);
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
    let last = ledger.swept(SWEEP).await.ok().flatten().unwrap_or(now - FIRST_SWEEP);
    let (swept, entries) = tokio::join!(gather::training::sweep(&context.clients, policy, last, now), ledger.findings(&Scope::Everything));
    let Sweep { mut facts, savings } = swept;
    let running: BTreeSet<String> = facts.resources().map(|resource| resource.id.clone()).collect();
    let open = entries.iter().flatten().filter(|entry| entry.state != State::Closed && !running.contains(&entry.id));
    let open = open.filter(|entry| matches!(Kind::of(&entry.id), Some(Kind::TrainingJob | Kind::TuningJob)));
    let open: BTreeMap<String, Option<String>> = open.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect();
    gather::training::some(&context.clients, policy, &open, &mut facts).await;
    let (resubmissions, unread) = tell_replaced(context, policy, wake, &mut facts).await;

    let is_whole = facts.complete.contains(&Kind::TrainingJobSeries);
    let essential = [Kind::TrainingJobSeries, Kind::TuningJob];
    let mut report = settle(context, policy, wake, &mut facts, Known::Read(entries), &essential).await;
    report.unread.extend(unread);
    if !wake.dry_run {
        report.failures.extend(tidy(context, &facts, resubmissions).await.err().map(|error| format!("{error:#}")));
    }
    if !wake.dry_run && is_whole {
        let remembered = match ledger.remember_spot_savings(&savings, now).await {
            Ok(()) => ledger.set_swept(SWEEP, now).await,
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
    let (_, unread) = tell_replaced(context, policy, wake, &mut facts).await;
    let known = match entries {
        Some(entries) => Known::Read(entries),
        None if wake.by_change && Known::can_be_unread(&policy.evaluate(&facts)) => Known::Unread,
        None => Known::Read(context.ledger().findings(&wake.scope).await),
    };
    let mut report = settle(context, policy, wake, &mut facts, known, &[]).await;
    report.unread.extend(unread);
    if !wake.dry_run {
        let savings = spot_savings(context, policy, &mut facts).await;
        let remembered = context.ledger().remember_spot_savings(&savings, now).await;
        report.failures.extend(remembered.err().map(|error| format!("{error:#}")));
    }
    report
}

/// The resubmissions that a run looks after: all that are open; in a run of what is due those whose old job could not be stopped; of single jobs those
/// that ended without doing their work.
async fn resubmissions_of(context: &Context, wake: &Wake, facts: &Facts) -> anyhow::Result<Vec<Resubmission>> {
    let ledger = context.ledger();
    if wake.due_only || wake.scope == Scope::Everything {
        let mut all = ledger.resubmissions().await?;
        all.retain(|one| one.is_open(facts.now) && !(wake.due_only && one.stage == Stage::Stopped));
        return Ok(all);
    }
    let ended = facts.training_jobs.iter().filter(|job| is_lost(job) && may_be_resubmission(&job.resource.name));
    let ended: Vec<String> = ended.map(|job| job.resource.id.clone()).collect();
    let found = futures_util::future::try_join_all(ended.iter().map(async |id| ledger.resubmission(id).await)).await?;
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

/// Tells jobs that the guard submitted whose work they go on with; those that are not in the facts yet are read. Gives the resubmissions of this run, and
/// why they could not be read, if so.
async fn tell_replaced(context: &Context, policy: &Policy, wake: &Wake, facts: &mut Facts) -> (Vec<Resubmission>, Option<Unread>) {
    let resubmissions = match resubmissions_of(context, wake, facts).await {
        Ok(resubmissions) => resubmissions,
        Err(error) => {
            return (vec![], Some(Unread { what: "jobs that were submitted again".into(), why: format!("{error:#}") }));
        }
    };
    let known: BTreeSet<&str> = facts.training_jobs.iter().map(|job| job.resource.id.as_str()).collect();
    let unstopped = resubmissions.iter().filter(|one| one.stage != Stage::Stopped).map(|one| &one.of);
    let names = resubmissions.iter().map(|one| &one.name).chain(unstopped).map(|name| (Kind::TrainingJob.id(name), Some(name.clone())));
    let missing: BTreeMap<String, Option<String>> = names.filter(|(id, _)| !known.contains(id.as_str())).collect();
    gather::training::some(&context.clients, policy, &missing, facts).await;
    let statuses: HashMap<String, JobStatus> = facts.training_jobs.iter().map(|job| (job.resource.id.clone(), job.status)).collect();
    let by_id: HashMap<String, &Resubmission> = resubmissions.iter().map(|one| (one.id(), one)).collect();
    for job in &mut facts.training_jobs {
        let Some(found) = by_id.get(&job.resource.id).filter(|found| is_of(found, job)) else { continue };
        let beside = match statuses.get(&Kind::TrainingJob.id(&found.of)) {
            _ if found.stage == Stage::Stopped || facts.now.duration_since(found.at) < AT_WORK => None,
            Some(JobStatus::InProgress) => Some(Beside::Runs),
            Some(JobStatus::Completed) => Some(Beside::Completed),
            _ => None,
        };
        job.replaces = Some(Replaced { name: found.of.clone(), definition: found.definition.clone().unwrap_or_default(), beside });
    }
    (resubmissions, None)
}

/// Remembers how far resubmissions have come, and which need no looking after any more. A job that failed is told of for some weeks.
async fn tidy(context: &Context, facts: &Facts, resubmissions: Vec<Resubmission>) -> anyhow::Result<()> {
    let jobs: HashMap<&str, &TrainingJob> = facts.training_jobs.iter().map(|job| (job.resource.id.as_str(), job)).collect();
    for one in resubmissions {
        let (new, old) = (one.id(), Kind::TrainingJob.id(&one.of));
        let is_over = match jobs.get(new.as_str()).filter(|job| is_of(&one, job)) {
            Some(job) if job.status == JobStatus::Completed => true,
            Some(job) => is_lost(job) && job.ended.is_some_and(|ended| LOST_WORK_KEPT < facts.now.duration_since(ended)),
            None => facts.gone.contains(&new),
        };
        let was_stopped = facts.gone.contains(&old) || jobs.get(old.as_str()).is_some_and(|job| is_lost(job));
        let stage = match one.stage {
            Stage::Created | Stage::Stopped if is_over => Stage::Settled,
            Stage::Created if was_stopped => Stage::Stopped,
            stage => stage,
        };
        if stage != one.stage {
            context.ledger().set_stage(one, stage).await?;
        }
    }
    Ok(())
}

/// Whether a job is the one that a resubmission created, and none of the same name that was there before.
fn is_of(resubmission: &Resubmission, job: &TrainingJob) -> bool {
    job.created.zip(resubmission.run).is_some_and(|(created, run)| run <= created)
}
