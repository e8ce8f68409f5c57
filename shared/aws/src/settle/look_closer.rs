//! What is confirmed by the service itself before somebody is notified: indexes lag behind, and leave out what was never tagged.

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{
    facts::{Facts, Workflow},
    plan::{Plan, Planned, Step},
};

use super::Run;
use crate::{area::Area, gather};

/// The resources, by id, that were confirmed in this run.
#[derive(Default)]
pub(super) struct Confirmed(BTreeSet<String>);

impl Confirmed {
    /// Those that have to be confirmed before this plan is carried out.
    pub(super) fn left(&self, plan: &Plan, has_ledger: bool) -> BTreeSet<String> {
        // If what would have been told of a series turns out to be fine, the next of it would be told: all of it is confirmed then.
        let mut ids = unconfirmed(plan, has_ledger, !self.0.is_empty());
        ids.retain(|id| !self.0.contains(id));
        ids
    }

    pub(super) fn add(&mut self, ids: BTreeSet<String>) {
        self.0.extend(ids);
    }
}

/// Reads the tags and the state of these from the service itself.
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
    let workflows = run.areas.workflows(&run.context.asking_for(2), &jobs, facts.now).await;
    // What nobody answered for is left alone.
    facts.workflows.extend(jobs.into_keys().map(|id| (id, Workflow::Unknown("nothing of this function reads it".to_owned()))));
    facts.workflows.extend(workflows);
    true
}

/// Whose tags and state are confirmed: of whatever this plan would tell. What it would act upon is looked at once more anyway, so that only unknown tags
/// matter; and so does what the report says where there is no ledger and nobody is notified. `whole_series`: and all others of their series.
fn unconfirmed(plan: &Plan, has_ledger: bool, whole_series: bool) -> BTreeSet<String> {
    let is_told = |one: &&Planned| one.step.only_reports() || one.step == Step::Warn;
    let is_unsure = |one: &&Planned| (!has_ledger || one.step == Step::Act) && gather::is_unconfirmed(&one.finding.resource);
    let found: Vec<&Planned> = plan.planned.iter().filter(|one| is_told(one) || is_unsure(one)).collect();
    let series: BTreeSet<String> =
        found.iter().filter(|one| whole_series && one.finding.series.is_some()).map(|one| one.finding.entry_id()).collect();
    let of_series = plan.planned.iter().filter(|one| series.contains(&one.finding.entry_id()));
    found.into_iter().chain(of_series).map(|one| one.finding.resource.id.clone()).collect()
}
