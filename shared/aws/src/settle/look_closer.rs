//! Confirms findings with the service itself before somebody is notified: indexes lag behind, and the tag index omits resources that were never tagged.

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{
    facts::{Facts, Workflow},
    plan::{Plan, Planned, Step},
};

use super::Run;
use crate::{area::Area, gather};

/// The ids of the resources that were confirmed in this run.
#[derive(Default)]
pub(super) struct Confirmed(BTreeSet<String>);

impl Confirmed {
    /// The ids that must still be confirmed before this plan is carried out.
    pub(super) fn left(&self, plan: &Plan, has_ledger: bool) -> BTreeSet<String> {
        // One job of a series is reported for all. If it turns out to be fine, the next job of the series would be reported: from the second round on, the
        // whole series is confirmed.
        let mut ids = unconfirmed(plan, has_ledger, !self.0.is_empty());
        ids.retain(|id| !self.0.contains(id));
        ids
    }

    pub(super) fn add(&mut self, ids: BTreeSet<String>) {
        self.0.extend(ids);
    }
}

/// Reads the state and the tags of these resources (by id) from the service itself.
pub(super) async fn confirm<A: Area>(run: &Run<'_, A>, facts: &mut Facts, ids: &BTreeSet<String>) {
    run.areas.confirm(&run.context.asking_for(2), run.rulebook, facts, ids).await;
}

/// Asks which workflows wait for the jobs that this plan would stop or resubmit, now or after a warning; says whether anything was asked.
pub(super) async fn workflows<A: Area>(run: &Run<'_, A>, facts: &mut Facts, plan: &Plan) -> bool {
    let ends = |one: &&Planned| matches!(one.step, Step::Warn | Step::Act) && one.finding.waste.remedy.ends_job();
    let jobs = plan.planned.iter().filter(ends).map(|one| &one.finding.resource).filter(|job| !facts.workflows.contains_key(&job.id));
    let jobs: BTreeMap<String, String> = jobs.map(|job| (job.id.clone(), job.name.clone())).collect();
    if jobs.is_empty() {
        return false;
    }
    run.areas.workflows(&run.context.asking_for(2), run.rulebook, facts, &jobs).await;
    // A job for which nobody answered is left alone.
    for id in jobs.keys() {
        facts.workflows.entry(id.clone()).or_insert_with(|| Workflow::Unknown("this function does not read it".to_owned()));
    }
    gather::workflows::add_creators(&run.context.ledger(), &run.rulebook.policy, facts, &jobs).await;
    true
}

/// The ids of the resources to confirm: all that this plan would report or warn about. A resource to act upon is read again anyway, so it is confirmed only if
/// its tags are unconfirmed. Without a ledger nobody is notified, so the same holds for all that the report lists. `whole_series`: also all other resources of
/// their series.
fn unconfirmed(plan: &Plan, has_ledger: bool, whole_series: bool) -> BTreeSet<String> {
    let is_notified = |one: &&Planned| one.step.only_reports() || one.step == Step::Warn;
    let is_unsure = |one: &&Planned| (!has_ledger || one.step == Step::Act) && gather::is_unconfirmed(&one.finding.resource);
    let found: Vec<&Planned> = plan.planned.iter().filter(|one| is_notified(one) || is_unsure(one)).collect();
    let series: BTreeSet<String> =
        found.iter().filter(|one| whole_series && one.finding.series.is_some()).map(|one| one.finding.entry_id()).collect();
    let of_series = plan.planned.iter().filter(|one| series.contains(&one.finding.entry_id()));
    found.into_iter().chain(of_series).map(|one| one.finding.resource.id.clone()).collect()
}
