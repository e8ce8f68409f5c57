//! notebook-stopper: finds notebooks and Studio apps that cost money although nobody uses them, warns their owners, and stops what the policy allows it to
//! stop.

use cost_aws::{
    Context,
    area::{Notebooks, Studio},
    event::{StateChange, Triggers},
    gather::{self, Wanted},
    ledger::budget_measures,
    report::Report,
    settle::{KnowsEnough, Memory, Run, settle},
};
use cost_rules::{
    facts::{App, OnExceed},
    plan::{Entry, State},
    resource::Kind,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "notebook-stopper";

/// The events that start it.
pub const TRIGGERS: Triggers = Triggers {
    kinds: &[Kind::NotebookInstance, Kind::App],
    changes: &[StateChange {
        detail_type: "SageMaker Notebook Instance State Change",
        kind: Kind::NotebookInstance,
        fields: "NotebookInstance",
        is_judged: false,
    }],
    ..Triggers::NONE
};

/// Domains, user profiles and spaces take one call each and change rarely: they are read once a day.
const IDLE_SHUTDOWNS: &str = "studio-idle-shutdowns";
const IDLE_SHUTDOWNS_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// One run at the time `now`.
///
/// # Errors
/// The function does not accept the event, or the policy cannot be read. Then nothing was done. Later failures are in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    let ledger = context.ledger();
    let idle_shutdowns = request.is_whole()
        && rulebook.uses_rule("studio-idle-shutdown-off")
        && ledger
            .kept(IDLE_SHUTDOWNS)
            .await
            .is_ok_and(|cached| cached.is_none_or(|(last, _)| IDLE_SHUTDOWNS_EVERY <= now.duration_since(last)));
    let wanted = Wanted { scope: request.scope(), idle_shutdowns };

    let (mut facts, entries) =
        tokio::join!(gather::notebooks_and_apps(&context.clients, &rulebook, &wanted, now), ledger.findings(&wanted.scope));
    deleted_by_guard(&mut facts.apps, entries.as_deref().unwrap_or_default());
    if rulebook.policy.may_enforce_more(OnExceed::EnforceOffHours.rules()) {
        match budget_measures::read(context, &rulebook, now).await {
            Ok(held) => facts.measures.in_force = held,
            Err(unread) => {
                facts.reading.unread.push(unread);
                facts.measures.unread = true;
            }
        }
    }
    let run = Run {
        context,
        rulebook: &rulebook,
        areas: (Notebooks, Studio),
        request: &request,
        scope: wanted.scope,
        essential: &[Kind::NotebookInstance],
    };
    let mut report = settle(&run, &mut facts, Memory::Read(entries), KnowsEnough).await;

    // The attempt counts, even if it failed: one space that cannot be described must not make every run of the day read all of them.
    if idle_shutdowns && !request.dry_run {
        let remembered = ledger.keep(IDLE_SHUTDOWNS, "", now).await;
        report.failures.extend(remembered.err().map(|error| format!("{error:#}")));
    }
    Ok(report)
}

/// Sets on the apps when the guard deleted them: since when an app has been `Deleting`, AWS does not say.
fn deleted_by_guard(apps: &mut [App], entries: &[Entry]) {
    for app in apps {
        let acted = entries.iter().filter(|one| one.state == State::Acted && one.id == app.resource.id && one.run == app.created);
        app.deleted_by_guard = acted.map(|one| one.last_seen).min();
    }
}
