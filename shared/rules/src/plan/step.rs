//! What is done about one finding now, by what the ledger remembers of it.

use jiff::{SignedDuration, Timestamp};

use crate::{
    facts::OnExceed,
    plan::{
        entry::{Entry, Kept, State, at_work},
        outcome::{News, Outcome},
    },
    rulebook::Finding,
    rules::verdict::is_news,
    vocabulary::duration::Duration,
};

/// A stop takes a few minutes to show: what was acted upon is not acted upon again within this time.
const SETTLING: SignedDuration = SignedDuration::from_mins(15);

/// Between attempts to act on one finding, if they fail.
const SOONEST_RETRY: SignedDuration = SignedDuration::from_mins(4);

const LATEST_RETRY: SignedDuration = SignedDuration::from_hours(12);

/// An open finding is written again when nothing but the time has changed, so that it does not expire: this often.
const REFRESH: SignedDuration = SignedDuration::from_hours(24);

/// What is done about a finding now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: its owner knows, and its time has not come.
    Wait,
    /// Mail it for the first time.
    Report,
    /// Mail it again.
    Remind,
    /// Mail it again, to its team too: it has been open for long.
    Escalate,
    /// Mail that it will be stopped, and when.
    Warn,
    /// Act.
    Act,
    /// It is due, but the rule has acted often enough in this run.
    HoldBack,
    /// Nothing: its owner wishes to keep it.
    Exempt,
}

/// A finding with what is done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The finding.
    pub finding: Finding,
    /// What is done now.
    pub step: Step,
    /// What the ledger says of it from now on.
    pub entry: Entry,
    /// Whether that differs from what it says already.
    pub changed: bool,
    /// How the action ended, once it was tried.
    pub outcome: Option<Outcome>,
    /// What its owner is notified of, once the actions are done.
    pub news: Option<News>,
}

impl Planned {
    /// A finding with what is done about it, before anything is done.
    pub(crate) const fn new(finding: Finding, step: Step, entry: Entry, changed: bool) -> Self {
        Self { finding, step, entry, changed, outcome: None, news: None }
    }
}

impl Step {
    /// Whether its owner is only told: nothing is stopped, and nothing will be.
    pub const fn only_reports(&self) -> bool {
        matches!(self, Self::Report | Self::Remind | Self::Escalate)
    }

    /// Whether its owner is told anything.
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
        escalated_at: None,
        notified_at: None,
        act_after: None,
        run: finding.run,
        usd_per_hour: finding.waste.usd_per_hour,
        usd_per_month: finding.waste.usd_per_month,
        ends: finding.waste.ends,
        kept: None,
        retry_after: None,
        failure: None,
        version: 0,
    }
}

/// Whether the resource was stopped and started since the entry was written.
pub(crate) fn restarted(entry: &Entry, finding: &Finding) -> bool {
    finding.run.is_some() && entry.run != finding.run
}

pub(crate) fn step(mut finding: Finding, old: Option<&Entry>, now: Timestamp) -> Planned {
    // Lists of Studio apps name no ARN; when this one was told, it was known.
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
        // What comes back has not been open all the time.
        (entry.first_seen, entry.escalated_at) = if old.state == State::Closed { (now, None) } else { (old.first_seen, old.escalated_at) };
        if old.owner == entry.owner && !restarted(old, &finding) {
            entry.failure.clone_from(&old.failure);
        }
        // Who was told is not who it belongs to now.
        entry.notified_at = old.notified_at.filter(|_| old.owner == entry.owner);
    }
    let step = match exemption(&finding, &mut entry, now) {
        true => {
            entry.state = State::Exempt;
            entry.notified_at = None;
            Step::Exempt
        }
        false if finding.is_enforced() => enforce(&finding, old, &mut entry, now),
        false => report(&finding, old, &mut entry, now),
    };
    let changed = match old {
        None => step != Step::Wait,
        Some(old) => {
            let told = step.notifies();
            if !told && old.state == entry.state && now.duration_since(old.last_seen) < REFRESH {
                entry.last_seen = old.last_seen;
            }
            told || significant(old) != significant(&entry)
        }
    };
    Planned::new(finding, step, entry, changed)
}

/// What makes an entry worth writing.
fn significant(entry: &Entry) -> impl PartialEq + '_ {
    let told = (entry.notified_at, entry.act_after, &entry.topic, &entry.action);
    (entry.state, entry.last_seen, told, entry.run, &entry.kept, &entry.failure, &entry.owner)
}

/// Whether the owner's wish to keep it holds; remembers since when it is wished.
fn exemption(finding: &Finding, entry: &mut Entry, now: Timestamp) -> bool {
    let Some(keep) = &finding.keep else {
        entry.kept = None;
        return false;
    };
    let kept = entry.kept.take().filter(|kept| kept.value == keep.value).unwrap_or_else(|| Kept { value: keep.value.clone(), since: now });
    let longest = keep.longest.map(|longest| kept.since + longest.signed());
    entry.kept = Some(kept);
    keep.until.is_none_or(|until| now < until) && longest.is_none_or(|end| now < end)
}

fn report(finding: &Finding, old: Option<&Entry>, entry: &mut Entry, now: Timestamp) -> Step {
    entry.state = State::Reported;
    entry.failure = None;
    match (old, entry.notified_at) {
        // A stop that broke off, in a rule that only reports by now: told as any other finding.
        (Some(old), Some(at)) if old.state != State::Exempt && !is_news(old.topic.as_deref(), entry.topic.as_deref()) => {
            // What was told stays told, though less of it is so now.
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
    // A warning of something else is none, nor is what was done then what is to be done now.
    let same_run = old.filter(|old| !restarted(old, finding) && old.action.as_ref().is_none_or(|action| *action == finding.action()));
    let last_try = same_run.map(|old| old.last_seen);
    let is_early = |old: &Entry| match old.state {
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
        // What was given up and nobody was told of is found out anew.
        Some(old) if matches!(old.state, State::Acting | State::Acted) || (old.state == State::GivenUp && old.owner == entry.owner) => {
            entry.act_after = old.act_after;
            due_to_act(entry, last_try, now)
        }
        _ if finding.terms.grace == Duration::minutes(0) => due_to_act(entry, last_try, now),
        _ => {
            entry.state = State::Warned;
            let Some(act_after) = warned(finding, same_run, entry) else {
                let act_after = now + finding.terms.grace.signed();
                // Nobody is warned of what ends before it comes: what is waste anyway is only told.
                if let Some(one) = finding.measure.as_ref().filter(|one| one.until <= act_after) {
                    (entry.state, entry.action) = (State::Reported, None);
                    return if one.what == OnExceed::StopStoppable { Step::Wait } else { report(finding, old, entry, now) };
                }
                entry.act_after = Some(act_after);
                return entry_due(entry, Step::Warn);
            };
            entry.act_after = Some(act_after);
            if now < act_after { Step::Wait } else { due_to_act(entry, last_try, now) }
        }
    }
}

/// Until when its owner was warned. A warning that was not mailed, or to somebody else, is none; a grace that has become longer is given.
fn warned(finding: &Finding, same_run: Option<&Entry>, entry: &Entry) -> Option<Timestamp> {
    let told = same_run.filter(|old| old.state == State::Warned)?.act_after?;
    let mailed = entry.notified_at?;
    Some(told.max(mailed + finding.terms.grace.signed()))
}

fn entry_due(entry: &mut Entry, step: Step) -> Step {
    entry.notified_at = None;
    step
}

/// `last_try`: when the entry was written last; if an attempt failed, that was then.
fn due_to_act(entry: &mut Entry, last_try: Option<Timestamp>, now: Timestamp) -> Step {
    entry.state = State::Acting;
    // A refusal for good is not met every few minutes: each pause is three times as long as the one before.
    let since_last = last_try.filter(|_| entry.failure.is_some()).map_or(0, |at| now.duration_since(at).as_secs());
    entry.retry_after = Some(now + SignedDuration::from_secs(3 * since_last.max(0)).clamp(SOONEST_RETRY, LATEST_RETRY));
    entry_due(entry, Step::Act)
}
