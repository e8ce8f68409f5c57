//! training-job-spot-enforcer: finds training and tuning jobs that pay on-demand prices, notifies their owners, and stops them or resubmits them as Spot where
//! the policy says so.

use std::collections::{BTreeMap, BTreeSet};

use cost_aws::{
    Context,
    area::Training,
    event::{OwnEvent, StateChange, Trigger, Triggers},
    gather::{
        self,
        training::{
            resubmissions::{find_replaced, tidy},
            sweep::{Sweep, sweep},
        },
    },
    report::Report,
    settle::{KnowsEnough, Memory, Run, due, settle},
};
use cost_rules::{
    facts::{Facts, TrainingJob},
    plan::{SpotSaving, State},
    resource::Kind,
    rulebook::Rulebook,
    scope::Scope,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "training-job-spot-enforcer";

/// The events that start it.
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
    own: &[OwnEvent::DueOnly],
    ..Triggers::NONE
};

/// The name of the daily sweep in the ledger.
const SWEEP: &str = "training-jobs";
/// How far back a sweep looks for Spot savings if there was no sweep before.
const FIRST_SWEEP: SignedDuration = SignedDuration::from_hours(24);

/// One run at the time `now`: everything, what is due, or single jobs.
///
/// # Errors
/// The function does not accept the event, or the policy cannot be read. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    let mut run = Run { context, rulebook: &rulebook, areas: Training, request: &request, scope: request.scope(), essential: &[] };
    let memory = match request.trigger {
        Trigger::Schedule => return Ok(everything(Run { essential: &[Kind::TrainingJob, Kind::TuningJob], ..run }, now).await),
        Trigger::Due => {
            let all = context.ledger().findings(&Scope::Everything).await;
            run.scope = due(all.iter().flatten(), now);
            Memory::Read(all)
        }
        _ if request.is_by_event() => Memory::ReadIfNeeded,
        _ => Memory::Read(context.ledger().findings(&run.scope).await),
    };
    Ok(some(&run, memory, now).await)
}

/// The daily sweep: reads the search index, and reads jobs that are open in the ledger but not running in the index from the service itself.
async fn everything(run: Run<'_, Training>, now: Timestamp) -> Report {
    let Run { context, rulebook, .. } = run;
    let ledger = context.ledger();
    let last = ledger.kept(SWEEP).await.ok().flatten().map_or(now - FIRST_SWEEP, |(last, _)| last);
    let (swept, entries) = tokio::join!(sweep(&context.clients, rulebook, last, now), ledger.findings(&Scope::Everything));
    let Sweep { mut facts, savings } = swept;
    let running: BTreeSet<String> = facts.resources().map(|resource| resource.id.clone()).collect();
    let open = entries.iter().flatten().filter(|entry| entry.state != State::Closed && !running.contains(&entry.id));
    let open = open.filter(|entry| matches!(Kind::of(&entry.id), Some(Kind::TrainingJob | Kind::TuningJob)));
    let open: BTreeMap<String, Option<String>> = open.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect();
    gather::training::some(&context.clients, rulebook, &open, &mut facts).await;
    let resubmissions = find_replaced(context, rulebook, run.request, entries.as_deref().ok(), &mut facts).await;

    let is_whole = facts.reading.complete_series.contains(&Kind::TrainingJob);
    let mut report = settle(&run, &mut facts, Memory::Read(entries), KnowsEnough).await;
    if !run.request.dry_run {
        report.failures.extend(tidy(context, &facts, resubmissions).await.err().map(|error| format!("{error:#}")));
    }
    if !run.request.dry_run && is_whole {
        let remembered = match ledger.remember_spot_savings(&savings, now).await {
            Ok(()) => ledger.keep(SWEEP, "", now).await,
            failed => failed,
        };
        report.failures.extend(remembered.err().map(|error| format!("{error:#}")));
    }
    report
}

/// A run for single jobs, which are read from the service itself.
async fn some(run: &Run<'_, Training>, memory: Memory, now: Timestamp) -> Report {
    let Run { context, rulebook, .. } = run;
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&context.clients.region), ..Facts::default() };
    gather::training::some(&context.clients, rulebook, &run.scope.named().unwrap_or_default(), &mut facts).await;
    // When a tuning job has just started, it has no training jobs yet.
    if !run.request.is_by_event() {
        gather::training::look_at_children(&context.clients, rulebook, &mut facts).await;
    }
    let entries = if run.request.trigger == Trigger::Due { memory.entries() } else { None };
    find_replaced(context, rulebook, run.request, entries, &mut facts).await;
    let mut report = settle(run, &mut facts, memory, KnowsEnough).await;
    if !run.request.dry_run {
        let savings = spot_savings(context, rulebook, &mut facts).await;
        let remembered = context.ledger().remember_spot_savings(&savings, now).await;
        report.failures.extend(remembered.err().map(|error| format!("{error:#}")));
    }
    report
}

/// The savings by Spot of the jobs in these facts that have ended.
async fn spot_savings(context: &Context, rulebook: &Rulebook, facts: &mut Facts) -> Vec<SpotSaving> {
    let of = |job: &TrainingJob, facts: &Facts| SpotSaving::of(job, &rulebook.policy, &facts.prices);
    let ended: BTreeSet<String> =
        facts.training_jobs.iter().filter(|job| of(job, facts).is_some()).map(|job| job.resource.id.clone()).collect();
    if !ended.is_empty() {
        gather::training::confirm(&context.clients, rulebook, facts, &ended).await;
    }
    facts.training_jobs.iter().filter_map(|job| of(job, facts)).collect()
}
