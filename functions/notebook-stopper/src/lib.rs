//! notebook-stopper: finds notebooks and Studio apps that burn money for nobody, warns their owners, and stops what the policy lets it stop.

use cost_aws::{
    Context,
    area::{Notebooks, Studio},
    event::{StateChange, Triggers},
    gather::{self, Wanted},
    ledger::budget_measures,
    report::Report,
    settle::{KnowsEnough, Memory, Run, settle},
};
use cost_rules::{facts::OnExceed, resource::Kind};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The function's name: folder, package, binary, and prefix in the ledger.
pub const NAME: &str = "notebook-stopper";

/// What wakes it.
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

/// Domains, profiles and spaces cost a call each and change seldom: they are read once a day.
const IDLE_SHUTDOWNS: &str = "studio-idle-shutdowns";
const IDLE_SHUTDOWNS_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// One run, in the light of `now`.
///
/// # Errors
/// The event is not one of the function's, or the policy cannot be read: nothing was done then. Whatever fails later is in the report.
pub async fn handle(event: Value, context: &Context, now: Timestamp) -> anyhow::Result<Report> {
    let request = TRIGGERS.read(&event, context.home())?;
    let rulebook = context.rulebook(now).await?;
    let ledger = context.ledger();
    let idle_shutdowns = request.is_whole()
        && rulebook.uses_rule("studio-idle-shutdown-off")
        && ledger
            .kept(IDLE_SHUTDOWNS)
            .await
            .is_ok_and(|kept| kept.is_none_or(|(last, _)| IDLE_SHUTDOWNS_EVERY <= now.duration_since(last)));
    let wanted = Wanted { scope: request.scope(), idle_shutdowns };

    let (mut facts, entries) =
        tokio::join!(gather::notebooks_and_apps(&context.clients, &rulebook, &wanted, now), ledger.findings(&wanted.scope));
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

    // The attempt counts: one space that cannot be described must not make every run of the day a sweep.
    if idle_shutdowns && !request.dry_run {
        let remembered = ledger.keep(IDLE_SHUTDOWNS, "", now).await;
        report.failures.extend(remembered.err().map(|error| format!("{error:#}")));
    }
    Ok(report)
}
