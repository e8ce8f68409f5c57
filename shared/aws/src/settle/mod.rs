//! The second half of a run, which all functions share: judge, plan, confirm what would be notified; then write the ledger, act, notify, and write it again.

use cost_rules::{
    facts::{Facts, Unread},
    mail,
    plan::{Entry, Outcomes, Plan, Step, plan},
    resource::Kind,
    rulebook::Rulebook,
    scope::Scope,
};
use jiff::Timestamp;

use crate::{
    area::Area,
    context::Context,
    event::{Request, Trigger},
    report::Report,
};

mod act;
mod look_closer;
mod notify;
mod publish;
mod remember;

/// One run of a function.
pub struct Run<'a, A> {
    /// The clients, the settings and the time that is left.
    pub context: &'a Context,
    /// The policy with its rules.
    pub rulebook: &'a Rulebook,
    /// The areas that the function is made of.
    pub areas: A,
    /// The request that woke the function.
    pub request: &'a Request,
    /// Which resources are looked at.
    pub scope: Scope,
    /// The kinds that must have been read for the run to count as complete.
    pub essential: &'a [Kind],
}

/// The ledger's entries for a run.
pub enum Memory {
    /// The entries that were read. If the read failed, nothing is done and nobody is mailed.
    Read(anyhow::Result<Vec<Entry>>),
    /// The ledger is read only if needed. Where all findings are only reported, a conditional write finds out which of them are new. That saves a call where an
    /// event wakes the function for one resource.
    ReadIfNeeded,
}

impl Memory {
    /// The entries, if they were read.
    pub fn entries(&self) -> Option<&[Entry]> {
        match self {
            Self::Read(read) => read.as_deref().ok(),
            Self::ReadIfNeeded => None,
        }
    }
}

/// The resources whose ledger entry is due now ([`Entry::is_due`]).
pub fn due<'a>(entries: impl IntoIterator<Item = &'a Entry>, now: Timestamp) -> Scope {
    let due = entries.into_iter().filter(|entry| entry.is_due(now));
    Scope::Only(due.map(|entry| (entry.id.clone(), Some(entry.name.clone()))).collect())
}

/// What a function finds out in addition before somebody is notified.
pub trait LookCloser {
    /// Completes the facts about what is planned. Returns whether it found out anything new: then everything is judged again.
    fn look(&mut self, facts: &mut Facts, plan: &Plan) -> impl Future<Output = bool>;
}

/// For a function that needs nothing in addition.
pub struct KnowsEnough;

impl LookCloser for KnowsEnough {
    async fn look(&mut self, _: &mut Facts, _: &Plan) -> bool {
        false
    }
}

/// Judges the facts, plans, and carries out the plan.
pub async fn settle<A: Area>(run: &Run<'_, A>, facts: &mut Facts, memory: Memory, mut closer: impl LookCloser) -> Report {
    let mut report = Report::new(run.context.function, run.request.dry_run);
    let (entries, is_unread) = remember::entries(run, facts, memory, &mut report).await;
    let has_ledger = entries.is_some();
    let mut confirmed = look_closer::Confirmed::default();
    let (judgement, mut plan) = 'judge: loop {
        let judgement = run.rulebook.evaluate(facts);
        let plan = plan(judgement.clone(), facts, entries.clone(), &run.scope);
        // What is new first: if none of it is left, nobody is asked about the rest.
        for planned in plan.without_companions().iter().chain([&plan]) {
            if closer.look(facts, planned).await || look_closer::workflows(run, facts, planned).await {
                continue 'judge;
            }
            let unconfirmed = confirmed.left(planned, has_ledger);
            if !unconfirmed.is_empty() {
                look_closer::confirm(run, facts, &unconfirmed).await;
                confirmed.add(unconfirmed);
                continue 'judge;
            }
        }
        break (judgement, plan);
    };
    report.read(facts, &judgement, entries.as_deref());
    // If a person named a resource that does not exist, the report says so. An event may be about a resource that is gone: that is normal.
    if matches!(run.request.trigger, Trigger::Asked(_) | Trigger::Due) {
        report.unread.extend(facts.reading.gone.iter().map(|id| Unread::new(id.clone(), "there is no such resource")));
    }
    report.held_back = plan.planned.iter().filter(|one| one.step == Step::HoldBack).count();
    report.is_whole = run.is_whole(facts) && has_ledger;
    if !run.request.dry_run && has_ledger {
        carry_out(run, facts, &mut plan, is_unread, &mut report).await;
    }
    report.done(&plan, &judgement, &run.rulebook.policy);
    report
}

impl<A> Run<'_, A> {
    /// Whether this is a complete run (and no dry run) that read all essential kinds.
    fn is_whole(&self, facts: &Facts) -> bool {
        let is_read = |kind: &Kind| facts.reading.complete.contains(kind) || facts.reading.looked_at.contains_key(kind);
        self.request.is_whole() && !self.request.dry_run && self.essential.iter().all(is_read)
    }
}

/// The actions that failed, for the function's error, each with the ARN of its resource.
fn failures(plan: &Plan) -> impl Iterator<Item = (String, String)> {
    plan.due().into_iter().filter_map(|one| {
        let why = one.outcome.as_ref()?.failure()?;
        let arn = &one.entry.arn;
        Some((format!("{} of {arn}: {why}", one.finding.waste.remedy.action()), arn.clone()))
    })
}

/// Writes the ledger, then acts, then mails, then puts events. The ledger is written again after the actions and after the mails. A run may be interrupted after
/// any step.
async fn carry_out<A: Area>(run: &Run<'_, A>, facts: &Facts, plan: &mut Plan, is_unread: bool, report: &mut Report) {
    let context = &run.context.asking_for(1);
    let now = facts.now;
    plan.notify_later(|one| mail::may_wait(one, &run.rulebook.policy.mail));
    if !remember::intended(context, plan, is_unread, now, report).await {
        return;
    }
    let publisher = publish::Publisher::of(context, run.rulebook);
    let mut events = publisher.as_ref().map(|publisher| publisher.teller.found(plan)).unwrap_or_default();
    let (outcomes, nobody_listens): (Outcomes, Option<String>) =
        tokio::join!(act::all_due(run, context, facts, plan), notify::nobody_listens(context, plan, report.is_whole));
    let silent = plan.settle(&outcomes, now);
    report.failed_resources = failures(plan).collect();
    report.failures.extend(report.failed_resources.keys().cloned());
    let silent = remember::silent(context, silent, now, report).await;
    plan.leave_spared(&silent.unwritten);
    let mut written = silent.written;
    written.extend(notify::owners(run, context, plan, nobody_listens, now, report).await);
    if let Some(publisher) = publisher {
        events.extend(publisher.teller.done(plan, &written));
        report.failures.extend(publisher.put(&events).await);
    }
}
