//! Finds out what became of the jobs that the guard resubmitted as Spot, and of the old jobs whose work they do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cost_rules::{
    facts::{Facts, Fate, JobStatus, Replaced, TrainingJob, Unread},
    plan::{Entry, State},
    remedy::may_be_resubmission,
    resource::Kind,
    rulebook::Rulebook,
};
use futures_util::future::{join_all, try_join_all};
use jiff::SignedDuration;

use super::{fate, some};
use crate::{
    context::Context,
    event::{Request, Trigger},
    ledger::{Resubmission, Stage},
};

/// How long a run may need to resubmit a job and stop the old one.
const RESUBMITTING: SignedDuration = SignedDuration::from_mins(10);

/// How long a failed job is looked at, so that its owner can be notified of it.
const LOST_WORK_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The resubmissions that a run looks after. A complete run: all that are open. A due-only run: those of them whose old job was not stopped. A run for single
/// jobs: those that created these jobs.
async fn resubmissions_of(context: &Context, request: &Request, facts: &Facts) -> anyhow::Result<Vec<Resubmission>> {
    let ledger = context.ledger();
    if request.is_whole() || request.trigger == Trigger::Due {
        let mut all = ledger.resubmissions().await?;
        all.retain(|one| one.is_open(facts.now) && (request.is_whole() || one.stage != Stage::Stopped));
        return Ok(all);
    }
    let named = facts.training_jobs.iter().filter(|job| may_be_resubmission(&job.resource.name));
    let found = try_join_all(named.map(async |job| ledger.resubmission(&job.resource.id).await)).await?;
    Ok(found.into_iter().flatten().collect())
}

/// A resubmission, and what became of its two jobs.
pub struct LookedAt {
    resubmission: Resubmission,
    fate: Result<Fate, String>,
    is_new_gone: bool,
}

/// Sets on the jobs that the guard created which old job's work they do, and what became of the old job. That is read from the service itself, because mails
/// ask people to stop jobs because of it.
///
/// `entries`: all of the ledger's entries, if they were read.
pub async fn find_replaced(
    context: &Context,
    rulebook: &Rulebook,
    request: &Request,
    entries: Option<&[Entry]>,
    facts: &mut Facts,
) -> Vec<LookedAt> {
    let clients = &context.clients;
    let resubmissions = match resubmissions_of(context, request, facts).await {
        Ok(resubmissions) => resubmissions,
        Err(error) => {
            let why = format!("{error:#}");
            for job in facts.training_jobs.iter_mut().filter(|job| may_be_resubmission(&job.resource.name)) {
                job.replaces = Some(Err(why.clone()));
            }
            facts.reading.unread.push(Unread::new("jobs that were submitted again", why));
            return vec![];
        }
    };
    let known: BTreeSet<&str> = facts.training_jobs.iter().map(|job| job.resource.id.as_str()).collect();
    let missing = resubmissions.iter().map(|one| (one.id(), Some(one.name.clone()))).filter(|(id, _)| !known.contains(id.as_str()));
    let missing: BTreeMap<String, Option<String>> = missing.collect();
    // Read into facts of their own: if a job was never created, that is not reported as a resource that does not exist.
    let mut found = Facts { now: facts.now, ..Facts::default() };
    some(clients, rulebook, &missing, &mut found).await;
    facts.training_jobs.append(&mut found.training_jobs);
    facts.reading.unread.append(&mut found.reading.unread);
    let looked_at = resubmissions.into_iter().map(async |one| LookedAt {
        fate: match one.stage {
            Stage::Stored | Stage::Created => fate(clients, &one.of, one.run).await,
            Stage::Stopped | Stage::Settled => Ok(Fate::Ended),
        },
        is_new_gone: found.reading.gone.contains(&one.id()),
        resubmission: one,
    });
    let looked_at = join_all(looked_at).await;
    // Without the ledger's entries, as in a run for an event, it is assumed that the guard still tries to stop the old job. The due-only runs, every few
    // minutes, have the entries.
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
            since: one.at,
            at_work: is_at_work(one),
        };
        job.replaces = Some(fate.as_ref().map(replaced).map_err(Clone::clone));
    }
    looked_at
}

/// Records how far resubmissions have come, and which are settled. One whose job failed is settled after 30 days: until then its owner is notified of it.
///
/// # Errors
/// The ledger cannot be written.
pub async fn tidy(context: &Context, facts: &Facts, resubmissions: Vec<LookedAt>) -> anyhow::Result<()> {
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
            // If another run has written it in the meantime, that is newer.
            context.ledger().set_stage(&mut one, stage).await?;
        }
    }
    Ok(())
}

/// Whether a job is the one that a resubmission created, and not an earlier one with the same name.
fn is_of(resubmission: &Resubmission, job: &TrainingJob) -> bool {
    job.created.zip(resubmission.run).is_some_and(|(created, run)| run <= created)
}

/// Whether a job ended without completing its work.
fn is_lost(job: &TrainingJob) -> bool {
    matches!(job.status, JobStatus::Failed | JobStatus::Stopped)
}
