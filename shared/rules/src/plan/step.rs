//! Decides what is done about one finding now, from what the ledger remembers of it.

use jiff::{SignedDuration, Timestamp};

use crate::{
    facts::OnExceed,
    plan::{
        entry::{Entry, Kept, State, at_work},
        outcome::{News, Outcome},
        spared::{Spared, only_reported},
    },
    remedy::Remedy,
    rulebook::Finding,
    rules::verdict::{Detail, is_news},
    vocabulary::{duration::Duration, resource::Resource, text::one_line},
};

/// The guard does not act again on the same finding within this time, because the effect of a stop is visible only after a few minutes.
const SETTLING: SignedDuration = SignedDuration::from_mins(15);

/// The shortest pause after a failed attempt to act on a finding.
const SOONEST_RETRY: SignedDuration = SignedDuration::from_mins(4);

/// The longest pause after a failed attempt to act on a finding.
const LATEST_RETRY: SignedDuration = SignedDuration::from_hours(12);

/// How long a warning holds for waste that recurs.
pub(crate) const STANDING: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often an open finding is written again although nothing has changed, so that its item does not expire.
const REFRESH: SignedDuration = SignedDuration::from_hours(24);

/// What is done about a finding now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: its owner was notified, and nothing is due yet.
    Wait,
    /// Mail it for the first time.
    Report,
    /// Mail it again.
    Remind,
    /// Mail it again, to its team too, because it has been open for a long time.
    Escalate,
    /// Mail that it will be stopped, and when.
    Warn,
    /// Act.
    Act,
    /// It is due, but the rule has reached its `max-actions` in this run.
    HoldBack,
    /// Nothing: its owner wishes to keep it.
    Exempt,
}

/// A finding and what is done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The finding.
    pub finding: Finding,
    /// What is done now.
    pub step: Step,
    /// Its entry in the ledger from now on.
    pub entry: Entry,
    /// Whether the entry must be written.
    pub changed: bool,
    /// Its state in the ledger before this run. `None`: it was not there.
    pub before: Option<State>,
    /// How the action ended. `None`: no action was tried.
    pub outcome: Option<Outcome>,
    /// Whether it is mailed again only because its owner is mailed about something else.
    pub is_companion: bool,
    /// What its owner is notified of. Set after the actions. `None`: nothing.
    pub news: Option<News>,
    /// Why it is not stopped although its owner was warned. `None`: its owner knows, or was not warned.
    pub spared: Option<Spared>,
}

impl Planned {
    /// A planned finding before any action.
    pub(crate) const fn new(finding: Finding, step: Step, entry: Entry, changed: bool) -> Self {
        Self { finding, step, entry, changed, before: None, outcome: None, is_companion: false, news: None, spared: None }
    }
}

impl Step {
    /// Whether its owner is only notified, and the guard does not act, now or later.
    pub const fn only_reports(&self) -> bool {
        matches!(self, Self::Report | Self::Remind | Self::Escalate)
    }

    /// Whether its owner may be notified of something.
    pub const fn notifies(&self) -> bool {
        self.only_reports() || matches!(self, Self::Warn | Self::Act)
    }
}

pub(crate) fn new_entry(finding: &Finding, now: Timestamp) -> Entry {
    Entry {
        rule: finding.rule.to_owned(),
        id: finding.entry_id(),
        arn: finding.resource.arn_or_id().to_owned(),
        name: finding.resource.name.clone(),
        owner: finding.owner.clone(),
        team: finding.team.clone(),
        state: State::Reported,
        first_seen: now,
        last_seen: now,
        topic: finding.waste.notice.key.clone(),
        action: finding.is_enforced().then(|| finding.action()),
        announced: finding.waste.remedy.as_announced().filter(|_| finding.is_enforced()),
        escalated_at: None,
        notified_at: None,
        standing: None,
        act_after: None,
        run: finding.run,
        stopped: None,
        reason: Some(one_line(&finding.waste.reason.to_string())),
        instance_type: finding.instance_type.clone(),
        usd_per_hour: finding.waste.usd_per_hour,
        usd_per_month: finding.waste.usd_per_month,
        ends: finding.waste.ends,
        kept: None,
        retry_after: None,
        failure: None,
        written: None,
        version: 0,
    }
}

/// Whether the resource was stopped and started since the entry was written.
pub(crate) fn restarted(entry: &Entry, finding: &Finding) -> bool {
    finding.run.is_some() && entry.run != finding.run
}

pub(crate) fn step(mut finding: Finding, old: Option<&Entry>, now: Timestamp) -> Planned {
    // The list of Studio apps has no ARNs. The ledger has the ARN from an earlier run.
    if let (None, Some(old)) = (&finding.resource.arn, old.filter(|old| old.arn.starts_with("arn:"))) {
        finding.resource.arn = Some(old.arn.clone());
    }
    if let Some(old) = old.filter(|old| old.state == State::Unreadable || at_work(old, now)) {
        return Planned::new(finding, Step::Wait, old.clone(), false);
    }
    let mut entry = new_entry(&finding, now);
    if let Some(old) = old {
        entry.version = old.version;
        entry.kept.clone_from(&old.kept);
        entry.written.clone_from(&old.written);
        // A closed finding that comes back was not open in between.
        (entry.first_seen, entry.escalated_at) = if old.state == State::Closed { (now, None) } else { (old.first_seen, old.escalated_at) };
        if old.owner == entry.owner && !restarted(old, &finding) {
            entry.failure.clone_from(&old.failure);
        }
        entry.standing = old.standing.filter(|_| old.owner == entry.owner && old.action == entry.action);
        // A new owner was not notified yet.
        entry.notified_at = old.notified_at.filter(|_| old.owner == entry.owner);
    }
    let step = match exemption(&finding, &mut entry, now) {
        true => {
            entry.state = State::Exempt;
            (entry.notified_at, entry.standing) = (None, None);
            Step::Exempt
        }
        false if finding.is_enforced() => enforce(&finding, old, &mut entry, now),
        false => report(&finding, old, &mut entry, now),
    };
    match old.and_then(|old| old.unsaid(&finding.resource)) {
        _ if step == Step::Act => entry.written = finding.waste.remedy.as_written(),
        Some(remedy) => finding.waste.notice.details.push(already(&remedy, &finding.resource)),
        None => {}
    }
    let changed = match old {
        None => step != Step::Wait,
        Some(old) => {
            let notifies = step.notifies();
            if !notifies && old.state == entry.state && now.duration_since(old.last_seen) < REFRESH {
                entry.last_seen = old.last_seen;
            }
            notifies || significant(old) != significant(&entry)
        }
    };
    let spared = old.filter(|_| step == Step::Wait).and_then(|old| only_reported(&finding, old, &entry));
    let before = old.filter(|old| 0 < old.version).map(|old| old.state);
    Planned { before, spared, ..Planned::new(finding, step, entry, changed) }
}

/// What the guard has already written to a resource, of which something is still to be told.
fn already(remedy: &Remedy, resource: &Resource) -> Detail {
    let done = remedy.when_done(&resource.name, resource.arn_or_id(), None);
    let mut lines = done.lines().map(str::trim);
    let title = format!("The guard has already {} it. {}", remedy.participle(), lines.next().unwrap_or_default());
    Detail { title: title.into(), list: lines.map(str::to_owned).collect() }
}

/// The parts of an entry whose change makes it worth writing.
fn significant(entry: &Entry) -> impl PartialEq + '_ {
    let told = (entry.notified_at, entry.act_after, &entry.topic, &entry.action);
    (entry.state, entry.last_seen, told, entry.run, &entry.kept, &entry.failure, &entry.owner)
}

/// Whether the owner's wish or the policy keeps it. Records when the wish was first seen.
fn exemption(finding: &Finding, entry: &mut Entry, now: Timestamp) -> bool {
    let Some(keep) = &finding.keep else {
        entry.kept = None;
        return false;
    };
    let kept = entry.kept.take().filter(|kept| kept.value == keep.value).unwrap_or_else(|| Kept { value: keep.value.clone(), since: now });
    let holds = keep.holds(kept.since, now);
    entry.kept = Some(kept);
    holds
}

fn report(finding: &Finding, old: Option<&Entry>, entry: &mut Entry, now: Timestamp) -> Step {
    entry.state = State::Reported;
    entry.failure = None;
    match (old, entry.notified_at) {
        // An interrupted stop of a rule that now only reports is reported like any other finding.
        (Some(old), Some(at)) if old.state != State::Exempt && !is_news(old.topic.as_deref(), entry.topic.as_deref()) => {
            // The owner was notified of this topic, even if less of it is true now.
            entry.topic.clone_from(&old.topic);
            if finding.terms.escalate_after.is_some_and(|after| entry.first_seen + after.signed() <= now) && entry.escalated_at.is_none() {
                entry.escalated_at = Some(now);
                entry.notified_at = Some(now);
                return Step::Escalate;
            }
            if now.duration_since(at) < finding.terms.remind_after.signed() {
                return Step::Wait;
            }
            entry.notified_at = Some(now);
            Step::Remind
        }
        _ => {
            entry.notified_at = Some(now);
            Step::Report
        }
    }
}

fn enforce(finding: &Finding, old: Option<&Entry>, entry: &mut Entry, now: Timestamp) -> Step {
    // A warning of another action or in another run does not count. What was done then is not what must be done now.
    let is_announced =
        |old: &Entry| old.action.as_ref().is_none_or(|action| *action == finding.action()) && old.announced == entry.announced;
    let is_undone = |old: &Entry| old.state == State::Acted && finding.waste.undone.is_some_and(|at| old.last_seen < at);
    let same_run = old.filter(|old| !restarted(old, finding) && is_announced(old) && !is_undone(old));
    let last_try = same_run.map(|old| old.last_seen);
    let is_too_early = finding.waste.not_before.is_some_and(|at| now < at);
    let is_early = |old: &Entry| match old.state {
        State::Acting | State::Acted if is_too_early => true,
        State::Acted => now.duration_since(old.last_seen) < SETTLING,
        State::Warned => entry.failure.is_some() && old.retry_after.is_some_and(|again| now < again),
        _ => false,
    };
    match same_run {
        Some(old) if is_early(old) => {
            *entry = old.clone();
            Step::Wait
        }
        Some(old) if old.state == State::GivenUp && entry.notified_at.is_some() => {
            (entry.state, entry.act_after) = (State::GivenUp, old.act_after);
            Step::Wait
        }
        // If nobody was notified that it was given up, the guard tries again.
        Some(old) if matches!(old.state, State::Acting | State::Acted) || (old.state == State::GivenUp && old.owner == entry.owner) => {
            entry.act_after = old.act_after;
            due_to_act(entry, last_try, now)
        }
        _ if finding.terms.grace == Duration::minutes(0) && !is_too_early => due_to_act(entry, last_try, now),
        _ => {
            entry.state = State::Warned;
            let Some(act_after) = warned(finding, same_run, entry) else {
                let act_after = finding.waste.not_before.max(Some(now + finding.terms.grace.signed())).unwrap_or(now);
                // Nobody is warned if the budget's measure ends before the grace does. What is waste without the budget is only reported.
                if let Some(one) = finding.measure.as_ref().filter(|one| one.until <= act_after) {
                    (entry.state, entry.action) = (State::Reported, None);
                    return if one.what == OnExceed::StopStoppable { Step::Wait } else { report(finding, old, entry, now) };
                }
                entry.act_after = Some(act_after);
                if finding.waste.recurs && entry.standing.is_some_and(|at| now < at + STANDING) {
                    entry.notified_at = entry.standing;
                    return Step::Wait;
                }
                return entry_due(entry, Step::Warn);
            };
            entry.act_after = Some(act_after);
            if now < act_after { Step::Wait } else { due_to_act(entry, last_try, now) }
        }
    }
}

/// When the guard may act according to the warning. `None`: the current owner was not mailed a warning. If the grace has become longer, the longer
/// one counts.
fn warned(finding: &Finding, same_run: Option<&Entry>, entry: &Entry) -> Option<Timestamp> {
    let told = same_run.filter(|old| old.state == State::Warned)?.act_after?;
    let mailed = entry.notified_at?;
    // A warning of an earlier run holds only as long as nobody needs it.
    let is_of_earlier_run = entry.standing == Some(mailed) && mailed + finding.terms.grace.signed() < told;
    if !finding.waste.recurs && is_of_earlier_run {
        return None;
    }
    Some(told.max(mailed + finding.terms.grace.signed()).max(finding.waste.not_before.unwrap_or(told)))
}

fn entry_due(entry: &mut Entry, step: Step) -> Step {
    entry.notified_at = None;
    step
}

/// Plans an action. `last_try`: when the entry was last written, which is the time of the last attempt if it failed.
fn due_to_act(entry: &mut Entry, last_try: Option<Timestamp>, now: Timestamp) -> Step {
    entry.state = State::Acting;
    // Each pause is three times as long as the one before, so that a permanent failure is not tried every few minutes.
    let since_last = last_try.filter(|_| entry.failure.is_some()).map_or(0, |at| now.duration_since(at).as_secs());
    entry.retry_after = Some(now + SignedDuration::from_secs(3 * since_last.max(0)).clamp(SOONEST_RETRY, LATEST_RETRY));
    entry_due(entry, Step::Act)
}
