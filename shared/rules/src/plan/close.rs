//! Closes findings that are gone, and counts what that saves.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    plan::{
        entry::{Entry, State},
        saving::Saving,
        spared::Spared,
    },
    remedy::Remedy,
    vocabulary::{price::HOURS_PER_MONTH, resource::Kind},
};

/// A finding that is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// The entry as it is written into the ledger.
    pub entry: Entry,
    /// Its state in the ledger before this run.
    pub before: State,
    /// What that saves. `None`: nothing was stopped.
    pub saving: Option<Saving>,
    /// Whether the guard stopped it, or wrote something, in a run that was interrupted before it could notify the owner.
    pub pending_notice: bool,
    /// What the guard has written, of which its owner was not notified. `None`: nothing.
    pub written: Option<Remedy>,
    /// Why it is not stopped although its owner was warned. `None`: its owner knows, or was not warned.
    pub spared: Option<Spared>,
}

impl Closed {
    /// The same, with what else its owner is to be told.
    pub(crate) fn also(self, written: Option<Remedy>, spared: Option<Spared>) -> Self {
        Self { pending_notice: self.pending_notice || written.is_some(), written, spared, ..self }
    }
}

/// Counts one saving per resource, because one stop may end findings of several rules. It is the guard's saving if the guard acted on one of them. It
/// lasts until the first of the findings would have ended by itself.
pub(crate) fn saved_once(closed: &mut [Closed]) {
    let mut by_resource: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, one) in closed.iter().enumerate().filter(|(_, one)| one.saving.is_some()) {
        by_resource.entry(one.entry.id.clone()).or_default().push(index);
    }
    for indices in by_resource.into_values().filter(|indices| 1 < indices.len()) {
        let saving = |index: &usize| closed[*index].saving.as_ref();
        let until = indices.iter().filter_map(|index| Some(saving(index)?.until)).min();
        let counted = indices.iter().copied().find(|index| saving(index).is_some_and(|saving| saving.by_guard)).unwrap_or(indices[0]);
        for index in indices {
            let one = &mut closed[index];
            match (one.saving.take().filter(|_| index == counted), until) {
                (Some(saving), Some(until)) => one.saving = Some(saving.until(until, one.entry.usd_per_hour)),
                (saving, _) => one.saving = saving,
            }
        }
    }
}

/// Closes an entry whose finding is gone. `run`: the start of the resource's current run, if it runs. `completed`: it is a job that completed.
/// `None`: the entry is closed already, or cannot be read.
pub(crate) fn close(mut entry: Entry, run: Option<Timestamp>, completed: bool, now: Timestamp) -> Option<Closed> {
    if matches!(entry.state, State::Closed | State::Unreadable) {
        return None;
    }
    // A job that completed was not stopped, nor was what only got tags or auto scaling.
    let is_stop = !entry.action.as_deref().is_some_and(Remedy::leaves_running_action);
    let by_guard = matches!(entry.state, State::Acting | State::Acted) && !completed && is_stop;
    // If the resource is still in the same run, it was not stopped: the guard's run was interrupted before that.
    let pending_notice = by_guard && entry.notified_at.is_none() && (run.is_none() || run != entry.run);
    // If the resource is still in the same run, it was not stopped: the waste ended by itself, for example at the start of working hours. If its owner
    // stopped and restarted it, the saving is not known. If the guard stopped it, it was off until the restart.
    let ends_by_itself = Kind::of(&entry.id).is_some_and(Kind::ends_by_itself);
    let ended = run.is_none() && (by_guard || !ends_by_itself);
    let saved = entry.run.is_some() && entry.state != State::Exempt && (ended || (by_guard && run != entry.run));
    let from = if by_guard { entry.last_seen } else { now };
    entry.stopped = (run != entry.run).then_some(from);
    let saving = saved.then(|| {
        let month = SignedDuration::from_hours(HOURS_PER_MONTH.to_i64().unwrap_or(730));
        let until = entry.ends.unwrap_or(from + month).min(run.unwrap_or(Timestamp::MAX));
        // It is not known how long a job would have run.
        Saving::new(by_guard, from, until, entry.usd_per_hour.filter(|_| !ends_by_itself))
    });
    let before = std::mem::replace(&mut entry.state, State::Closed);
    entry.act_after = None;
    entry.last_seen = now;
    entry.failure = None;
    Some(Closed { entry, before, saving, pending_notice, written: None, spared: None })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        facts::{Asset, AttachStage, Attached, Facts},
        plan::plan,
        rulebook::Rulebook,
        samples::{audited, endpoint},
        scaling::{Attachment, Way},
        vocabulary::scope::Scope,
    };

    #[test]
    fn what_was_tagged_was_not_stopped() {
        let rule = "[rules.missing-tag]\nmode = \"enforce\"\nremedy = \"tag\"\nrequired = { CostCenter = \".+\" }";
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for run in [None, Some("2026-11-20T12:00:00Z".parse().unwrap())] {
            let asset = Asset { run, ..audited("mlflow-tracking-server/churn", &[("costcenter", "1")]) };
            let facts = Facts { now, assets: vec![asset], ..Facts::default() };
            let mut plan = plan(Rulebook::from_toml(rule).unwrap().evaluate(&facts), &facts, Some(vec![]), &Scope::Everything);
            let entry = Entry { state: State::Acted, notified_at: None, ..plan.planned.remove(0).entry };
            // It has its tags now, and its mail was not sent.
            let closed = close(entry, run, false, now).unwrap();
            assert_eq!((closed.pending_notice, closed.saving), (false, None), "{run:?}");
        }
    }

    #[test]
    fn what_was_written_and_not_mailed_is_told_by_the_next_run() {
        const RULE: &str = "[rules.missing-tag]\nmode = \"enforce\"\nremedy = \"tag\"\nrequired = { CostCenter = \".+\", Stage = \".+\" }";
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let plan_of = |tags: &[(&str, &str)], entries: Vec<Entry>| {
            let facts = Facts { now, assets: vec![audited("model/churn", tags)], ..Facts::default() };
            plan(Rulebook::from_toml(RULE).unwrap().evaluate(&facts), &facts, Some(entries), &Scope::Everything)
        };
        let half = [("costcenter", "AB1234"), ("Stage", "prod")];
        let acting = Entry { version: 1, last_seen: now - SignedDuration::from_hours(1), ..plan_of(&half, vec![]).planned.remove(0).entry };
        assert_eq!(acting.state, State::Acting);
        let with = |value| [half.as_slice(), &[("CostCenter", value)]].concat();
        // The tags are there: it was done, and nobody knows.
        let closed = plan_of(&with("AB1234"), vec![acting.clone()]).closed.remove(0);
        assert!(closed.pending_notice && matches!(closed.written, Some(Remedy::AddTags { .. })) && closed.saving.is_none());
        // Its owner was mailed, wrote another value, or deleted it.
        let mailed = Entry { notified_at: Some(now), ..acting.clone() };
        for (tags, entry) in [(with("AB1234"), &mailed), (with("XY9999"), &acting)] {
            let closed = plan_of(&tags, vec![entry.clone()]).closed.remove(0);
            assert!(!closed.pending_notice && closed.written.is_none(), "{tags:?}");
        }
        // Another tag is still missing: the mail about it says what was written.
        for (entry, is_told) in [(&acting, true), (&mailed, false)] {
            let left = plan_of(&[("costcenter", "AB1234"), ("CostCenter", "AB1234")], vec![entry.clone()]).planned.remove(0);
            let says = left.finding.waste.notice.details.iter().map(|detail| detail.title.by_clock_of(&TimeZone::UTC)).collect::<Vec<_>>();
            let right = "The guard has already tagged it. It now has: CostCenter=AB1234 (CostCenter from its tag \"costcenter\").";
            assert_eq!(says, if is_told { vec![right] } else { vec![] });
        }
    }

    #[test]
    fn auto_scaling_that_was_attached_and_not_mailed_is_told_by_the_next_run() {
        const RULE: &str = "[rules.endpoint-off-hours]\nmode = \"enforce\"";
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let attachments = vec![Attachment::of_variant("churn", "AllTraffic", 3)];
        let written = Remedy::AttachScaling(Way::ByHours, attachments.clone()).as_written();
        let plan_of = |attached: Option<AttachStage>| {
            let mut endpoint = endpoint("2026-10-01T00:00:00Z");
            let of = |stage| Attached { way: Way::ByHours, attachments: attachments.clone(), usd_per_month: None, stage, at: now };
            endpoint.attached = attached.map(of);
            let facts = Facts { now, endpoints: vec![endpoint], ..Facts::default() };
            let reading = crate::facts::Reading { complete: [crate::vocabulary::resource::Kind::Endpoint].into(), ..facts.reading.clone() };
            let facts = Facts { reading, ..facts };
            let judgement = Rulebook::from_toml(RULE).unwrap().evaluate(&Facts::default());
            let id = facts.endpoints[0].resource.id.clone();
            let entry = Entry { id, written: written.clone(), state: State::Acted, notified_at: None, ..acted(now) };
            plan(judgement, &facts, Some(vec![entry]), &Scope::Everything).closed.remove(0)
        };
        for (attached, is_told) in [(Some(AttachStage::Attached), true), (Some(AttachStage::Attaching), false), (None, false)] {
            let closed = plan_of(attached);
            assert_eq!((closed.pending_notice, closed.written.is_some(), closed.saving), (is_told, is_told, None), "{attached:?}");
        }
    }

    /// An entry of a rule about endpoints, as some run left it.
    fn acted(now: Timestamp) -> Entry {
        let asset = audited("mlflow-tracking-server/churn", &[("costcenter", "1")]);
        let facts = Facts { now, assets: vec![asset], ..Facts::default() };
        let rule = "[rules.missing-tag]\nrequired = { CostCenter = \".+\" }";
        let planned = plan(Rulebook::from_toml(rule).unwrap().evaluate(&facts), &facts, Some(vec![]), &Scope::Everything).planned.remove(0);
        let last_seen = now - SignedDuration::from_hours(1);
        Entry { rule: "endpoint-off-hours".into(), action: Some("schedule-scaling".into()), last_seen, version: 1, ..planned.entry }
    }
}
