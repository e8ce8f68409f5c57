//! From findings and what the ledger remembers of them to what is done now: mail, remind, warn, wait, act, hold back, close. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use crate::{
    duration::Duration,
    facts::{Facts, JobStatus, Kind, TrainingJob, id_of_arn},
    finding::{Finding, Judgement, is_news},
    policy::{OnExceed, Policy},
    price::{HOURS_PER_MONTH, Prices},
    rules::{self, Subject as _},
};

/// A stop takes a few minutes to show: what was acted upon is not acted upon again within this time.
const SETTLING: SignedDuration = SignedDuration::from_mins(15);

/// What another run is at work on is left to it for this long: a function runs for five minutes at most. After that, that run has broken off.
const LONGEST_RUN: SignedDuration = SignedDuration::from_mins(6);

/// Between attempts to act on one finding, if they fail.
const SOONEST_RETRY: SignedDuration = SignedDuration::from_mins(4);
const LATEST_RETRY: SignedDuration = SignedDuration::from_hours(12);

/// How many different failures of one finding are remembered.
const FAILURES_KEPT: usize = 8;

/// An open finding is written again when nothing but the time has changed, so that it does not expire: this often.
const REFRESH: SignedDuration = SignedDuration::from_hours(24);

/// What the ledger remembers of one finding. Its key is (rule, resource id).
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The rule's name.
    pub rule: String,
    /// The id under which it is remembered ([`Finding::entry_id`]).
    pub id: String,
    /// The resource's ARN, or its id where none was known.
    pub arn: String,
    /// The resource's name.
    pub name: String,
    /// Whose it was when it was last found.
    pub owner: Option<String>,
    /// Whose team's.
    pub team: Option<String>,
    /// How far it has come.
    pub state: State,
    /// When it was found first.
    pub first_seen: Timestamp,
    /// When it was found last (at most a day ago, if it is still open).
    pub last_seen: Timestamp,
    /// What its owner was told of ([`crate::finding::Waste::topic`]).
    pub topic: Option<String>,
    /// What its owner was warned of, or what was done ([`crate::finding::Remedy::action`]).
    pub action: Option<String>,
    /// When its team was told, because it was open for so long.
    pub escalated_at: Option<Timestamp>,
    /// When its owner was last mailed about its state. `None`: not yet, or that mail failed: it is due. What is only told is written as told
    /// before it is mailed, and taken back if the mail fails: nobody is mailed twice. What is warned of or done is written as told after it was
    /// mailed: nothing is stopped unwarned.
    pub notified_at: Option<Timestamp>,
    /// When the guard may act. Set by a warning.
    pub act_after: Option<Timestamp>,
    /// The start of the run that it is about.
    pub run: Option<Timestamp>,
    /// What it costs.
    pub usd_per_hour: Option<Decimal>,
    /// What it costs.
    pub usd_per_month: Option<Decimal>,
    /// When the waste would have ended by itself.
    pub ends: Option<Timestamp>,
    /// The wish to keep it, and when it was first seen.
    pub kept: Option<Kept>,
    /// When an attempt to act is made again, if it fails.
    pub retry_after: Option<Timestamp>,
    /// Why attempts to act failed: one line for each different failure that its owner was told ([`told_failure`]). Empty: one that nobody was told.
    pub failure: Option<String>,
    /// Counts the writes: a write on top of another run's is refused. 0: not in the ledger yet.
    pub version: u64,
}

/// How far a finding has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its owner was told.
    Reported,
    /// Its owner was told when it will be stopped.
    Warned,
    /// The guard was about to act. If this is read, that run did not come to its end.
    Acting,
    /// The guard acted.
    Acted,
    /// The guard cannot act, and will not be able to: this run of the resource is left alone.
    GivenUp,
    /// Its owner wishes to keep it.
    Exempt,
    /// It is gone. Kept for a while, so that who was told yesterday is not told again today.
    Closed,
    /// The ledger's item cannot be read: written by another version, or by hand. It is left alone, and with it the finding.
    Unreadable,
}

/// A wish to keep a resource, as the ledger remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The tag's value.
    pub value: String,
    /// When it was first seen: the longest exemption counts from here.
    pub since: Timestamp,
}

impl Entry {
    /// Whether there is something to do about it now, without anything new being found: a warning whose time has come, or a run that broke off.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.state {
            State::Warned => {
                !at_work(self, now) && self.act_after.max(self.retry_after.filter(|_| self.failure.is_some())).is_none_or(|at| at <= now)
            }
            State::Acting => !at_work(self, now),
            State::GivenUp => self.notified_at.is_none(),
            State::Reported | State::Acted | State::Exempt | State::Closed | State::Unreadable => false,
        }
    }
}

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
}

impl Step {
    /// Whether its owner is only told: nothing is stopped, and nothing will be.
    pub const fn only_tells(&self) -> bool {
        matches!(self, Self::Report | Self::Remind | Self::Escalate)
    }

    /// Whether its owner is told anything.
    pub const fn tells(&self) -> bool {
        self.only_tells() || matches!(self, Self::Warn | Self::Act)
    }
}

/// A finding that is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// As it goes back into the ledger.
    pub entry: Entry,
    /// What that saves, if something was stopped.
    pub saving: Option<Saving>,
    /// The guard stopped it, but broke off before it could say so.
    pub untold: bool,
}

/// What a stop saves.
#[derive(Clone, Debug, PartialEq)]
pub struct Saving {
    /// Whether the guard stopped it; else its owner did.
    pub by_guard: bool,
    /// From when.
    pub from: Timestamp,
    /// Until when it would have gone on: a month where no end is known.
    pub until: Timestamp,
    /// USD in that time; `None`: no price known.
    pub usd: Option<Decimal>,
}

/// What Spot saved on one job that came to its end: `1 − BillableTimeInSeconds / TrainingTimeInSeconds` of its on-demand price (aws-facts §2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct SpotSaving {
    /// The job's id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whose team's.
    pub team: Option<String>,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it trained, in seconds.
    pub training_seconds: i64,
    /// How much of that is billed.
    pub billable_seconds: i64,
    /// USD, of all of its instances; `None`: no price known.
    pub usd: Option<Decimal>,
}

impl Saving {
    /// From a moment to another one, at a price that counts while it is known for how long it would have gone on.
    fn new(by_guard: bool, from: Timestamp, until: Timestamp, usd_per_hour: Option<Decimal>) -> Self {
        let until = until.max(from);
        let hours = Decimal::from(until.duration_since(from).as_secs()) / Decimal::from(3600);
        Self { by_guard, from, until, usd: usd_per_hour.map(|usd| (usd * hours).round_dp(4)) }
    }

    fn until(self, until: Timestamp, usd_per_hour: Option<Decimal>) -> Self {
        Self::new(self.by_guard, self.from, until, usd_per_hour.filter(|_| self.usd.is_some()))
    }
}

impl SpotSaving {
    /// Of a job that ended, was on Spot and trained at all.
    pub fn of(job: &TrainingJob, policy: &Policy, prices: &Prices) -> Option<Self> {
        let (training_seconds, billable_seconds) = job.training_seconds.zip(job.billable_seconds)?;
        let ended =
            job.ended.filter(|_| job.spot && job.status != JobStatus::InProgress && 0 < training_seconds && 0 <= billable_seconds)?;
        let hours = Decimal::from(training_seconds.saturating_sub(billable_seconds).max(0)) / Decimal::from(3600);
        let usd = prices.hourly_of(&job.instances).map(|usd| (usd * hours).round_dp(4));
        Some(Self {
            id: job.resource.id.clone(),
            arn: job.resource.arn_or_id().to_owned(),
            name: job.resource.name.clone(),
            owner: policy.owner_of(&job.resource),
            team: policy.team_of(&job.resource),
            ended,
            training_seconds,
            billable_seconds,
            usd,
        })
    }

    /// In percent of the on-demand price.
    pub fn percent(&self) -> Decimal {
        let billed = Decimal::from(self.billable_seconds) / Decimal::from(self.training_seconds.max(1));
        ((Decimal::ONE - billed) * Decimal::ONE_HUNDRED).round_dp(1)
    }
}

/// What is done now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// About what was found, in the findings' order.
    pub planned: Vec<Planned>,
    /// About what is gone.
    pub closed: Vec<Closed>,
}

impl Plan {
    /// Whether nobody is mailed, nothing is done and nothing is written.
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.planned.iter().all(|one| !one.changed && matches!(one.step, Step::Wait | Step::Exempt))
    }
}

/// What this run is for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everything.
    #[default]
    Everything,
    /// These resources: by id, with the name as it is spelt, where that is known.
    Only(BTreeMap<String, Option<String>>),
    /// This resource changed its state (as in `Only`): what the change ends is closed, and nothing is started.
    Changed(String, Option<String>),
}

impl Scope {
    /// Whether a resource is looked at in this run.
    pub fn includes(&self, id: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(named) => named.contains_key(id),
            Self::Changed(one, _) => one == id,
        }
    }

    /// The resources that it names, by id, with their names as they are spelt, where that is known. `None`: everything.
    pub fn named(&self) -> Option<BTreeMap<String, Option<String>>> {
        match self {
            Self::Everything => None,
            Self::Only(named) => Some(named.clone()),
            Self::Changed(id, name) => Some([(id.clone(), name.clone())].into()),
        }
    }
}

/// Plans. Without a ledger (`entries` is `None`) nothing is done and nobody is mailed: what was told before is not known.
pub fn plan(judgement: Judgement, facts: &Facts, entries: Option<Vec<Entry>>, scope: &Scope) -> Plan {
    let now = facts.now;
    let Judgement { findings, undecided, .. } = judgement;
    let unchanged = |finding| Planned { entry: new_entry(&finding, now), step: Step::Wait, changed: false, finding };
    let Some(entries) = entries else {
        return Plan { planned: findings.into_iter().map(unchanged).collect(), closed: vec![] };
    };
    let mut known: HashMap<(String, String), Entry> =
        entries.into_iter().map(|entry| ((entry.rule.clone(), entry.id.clone()), entry)).collect();
    let mut plan = Plan::default();
    let mut met: HashSet<(String, String)> = HashSet::new();
    for finding in findings {
        let key = (finding.rule.to_owned(), finding.entry_id());
        // What was told, warned of or stopped by itself is not told again as one of its series.
        let own = || known.get(&(finding.rule.to_owned(), finding.resource.id.clone())).filter(|own| own.owner == finding.owner);
        let own = own().map(|own| Entry { id: key.1.clone(), version: 0, ..own.clone() });
        let entry = known.remove(&key).or(own);
        if !met.insert(key) {
            // One of a series of which another one is told.
            plan.planned.push(unchanged(finding));
        } else if matches!(scope, Scope::Changed(..)) {
            if let Some(old) = entry.filter(|old| restarted(old, &finding)) {
                plan.closed.extend(close(old, finding.run, false, now));
            }
        } else {
            plan.planned.push(step(finding, entry.as_ref(), now));
        }
    }
    hold_back(&mut plan.planned);
    if *scope == Scope::Everything {
        tell_together(&mut plan.planned, now);
    }
    if known.is_empty() {
        return plan;
    }
    let there: HashSet<&str> = facts.resources().map(|resource| resource.id.as_str()).collect();
    let runs = runs(facts);
    let training = facts.training_jobs.iter().map(|job| (&job.resource, job.status));
    let jobs = training.chain(facts.tuning_jobs.iter().map(|job| (&job.resource, job.status)));
    let completed: HashSet<&str> = jobs.filter(|(_, status)| *status == JobStatus::Completed).map(|(one, _)| one.id.as_str()).collect();
    let mut gone: Vec<Entry> = known
        .into_values()
        .filter(|entry| scope.includes(&entry.id))
        .filter(|entry| !is_undecided(&undecided, entry) && !at_work(entry, now))
        .filter(|entry| {
            let is_listed = || Kind::of(&entry.id).is_some_and(|kind| facts.complete.contains(&kind));
            there.contains(entry.id.as_str()) || facts.gone.contains(&entry.id) || is_listed()
        })
        .collect();
    gone.sort_by(|a, b| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)));
    plan.closed.extend(gone.into_iter().filter_map(|entry| {
        let run = runs.get(entry.id.as_str()).copied();
        let completed = completed.contains(entry.id.as_str());
        close(entry, run, completed, now)
    }));
    saved_once(&mut plan.closed);
    plan
}

/// Whoever is told of one finding is told of all that are open, where their rules say so: one mail with everything, and no mail for a while.
fn tell_together(planned: &mut [Planned], now: Timestamp) {
    let of = |one: &Planned| (one.finding.rule, one.finding.owner.clone());
    let told: HashSet<Option<String>> =
        planned.iter().filter(|one| one.finding.told_together && one.step.tells()).map(|one| of(one).1).collect();
    let is_open = |one: &&mut Planned| one.step == Step::Wait && one.entry.state == State::Reported && 0 < one.entry.version;
    for one in planned.iter_mut().filter(|one| one.finding.told_together && told.contains(&one.finding.owner)).filter(is_open) {
        one.step = Step::Remind;
        one.entry.notified_at = Some(now);
        one.entry.last_seen = now;
        one.changed = true;
    }
}

/// Several rules may have found what one stop ended: that is one saving, the guard's if one of its rules acted, until the first of them would have
/// ended by itself.
fn saved_once(closed: &mut [Closed]) {
    let mut by_resource: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, one) in closed.iter().enumerate().filter(|(_, one)| one.saving.is_some()) {
        by_resource.entry(one.entry.id.clone()).or_default().push(index);
    }
    for indices in by_resource.into_values().filter(|indices| 1 < indices.len()) {
        let saving = |index: &usize| closed[*index].saving.as_ref();
        let until = indices.iter().filter_map(|index| Some(saving(index)?.until)).min();
        let kept = indices.iter().copied().find(|index| saving(index).is_some_and(|saving| saving.by_guard)).unwrap_or(indices[0]);
        for index in indices {
            let one = &mut closed[index];
            match (one.saving.take().filter(|_| index == kept), until) {
                (Some(saving), Some(until)) => one.saving = Some(saving.until(until, one.entry.usd_per_hour)),
                (saving, _) => one.saving = saving,
            }
        }
    }
}

/// What runs now, and since when.
fn runs(facts: &Facts) -> HashMap<&str, Timestamp> {
    let notebooks = facts.notebooks.iter().filter_map(|notebook| Some((notebook.resource.id.as_str(), notebook.run()?)));
    let apps = facts.apps.iter().filter_map(|app| Some((app.resource.id.as_str(), app.run()?)));
    let training = facts.training_jobs.iter().filter_map(|job| Some((job.resource.id.as_str(), job.run()?)));
    let tuning = facts.tuning_jobs.iter().filter_map(|job| Some((job.resource.id.as_str(), job.run()?)));
    let audited = facts.audited.iter().filter_map(|audited| Some((audited.resource.id.as_str(), audited.run()?)));
    let running = facts.running.iter().filter_map(|running| Some((running.0.resource.id.as_str(), running.run()?)));
    notebooks.chain(apps).chain(training).chain(tuning).chain(audited).chain(running).collect()
}

fn is_undecided(undecided: &BTreeSet<(&'static str, String)>, entry: &Entry) -> bool {
    let rule = rules::ALL.iter().find(|rule| rule.name == entry.rule);
    rule.is_some_and(|rule| undecided.contains(&(rule.name, entry.id.clone())))
}

/// Whether another run has written what it is about to mail or do, and not yet that it has.
fn at_work(entry: &Entry, now: Timestamp) -> bool {
    let begun = matches!(entry.state, State::Warned | State::Acting) && entry.notified_at.is_none();
    // A time that is yet to come was written by a clock that went wrong.
    begun && entry.last_seen <= now && now.duration_since(entry.last_seen) < LONGEST_RUN
}

fn new_entry(finding: &Finding, now: Timestamp) -> Entry {
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
        topic: finding.waste.topic.clone(),
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
fn restarted(entry: &Entry, finding: &Finding) -> bool {
    finding.run.is_some() && entry.run != finding.run
}

fn step(mut finding: Finding, old: Option<&Entry>, now: Timestamp) -> Planned {
    // Lists of Studio apps name no ARN; when this one was told, it was known.
    if let (None, Some(old)) = (&finding.resource.arn, old.filter(|old| old.arn.starts_with("arn:"))) {
        finding.resource.arn = Some(old.arn.clone());
    }
    if let Some(old) = old.filter(|old| old.state == State::Unreadable || at_work(old, now)) {
        return Planned { finding, step: Step::Wait, entry: old.clone(), changed: false };
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
            let told = step.tells();
            if !told && old.state == entry.state && now.duration_since(old.last_seen) < REFRESH {
                entry.last_seen = old.last_seen;
            }
            told || significant(old) != significant(&entry)
        }
    };
    Planned { finding, step, entry, changed }
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
            if finding.escalate_after.is_some_and(|after| entry.first_seen + after.signed() <= now) && entry.escalated_at.is_none() {
                entry.escalated_at = Some(now);
                entry.notified_at = Some(now);
                return Step::Escalate;
            }
            if now.duration_since(at) < finding.remind_after.signed() {
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
        _ if finding.grace == Duration::minutes(0) => due_to_act(entry, last_try, now),
        _ => {
            entry.state = State::Warned;
            let Some(act_after) = warned(finding, same_run, entry) else {
                let act_after = now + finding.grace.signed();
                // Nobody is warned of what ends before it comes: what is waste anyway is only told.
                if let Some(one) = finding.tightened.as_ref().filter(|one| one.until <= act_after) {
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
    Some(told.max(mailed + finding.grace.signed()))
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

/// Leaves each rule its `max-actions` (where overrides differ, each finding its own), the most expensive first; the others wait for the next run.
fn hold_back(planned: &mut [Planned]) {
    let mut due: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for (index, one) in planned.iter().enumerate().filter(|(_, one)| one.step == Step::Act) {
        due.entry(one.finding.rule).or_default().push(index);
    }
    for indices in due.values_mut() {
        // What failed before comes last: it would keep the others from their turn.
        indices.sort_by_cached_key(|index| {
            let entry = &planned[*index].entry;
            (entry.failure.is_some(), std::cmp::Reverse(entry.usd_per_month), entry.id.clone())
        });
        let mut acting = 0;
        for index in indices.drain(..) {
            let one = &mut planned[index];
            if acting < one.finding.max_actions {
                acting += 1;
            } else {
                one.step = Step::HoldBack;
                one.changed = false;
            }
        }
    }
}

/// Closes an entry whose finding is gone. `run`: since when the resource runs, if it does; `completed`: it is a job that did its work to the end.
fn close(mut entry: Entry, run: Option<Timestamp>, completed: bool, now: Timestamp) -> Option<Closed> {
    if matches!(entry.state, State::Closed | State::Unreadable) {
        return None;
    }
    // Nobody stopped what completed.
    let by_guard = matches!(entry.state, State::Acting | State::Acted) && !completed;
    // What is on in the same run was not stopped: that run broke off before.
    let untold = by_guard && entry.notified_at.is_none() && (run.is_none() || run != entry.run);
    // What still is on in the same run was not stopped: its waste ended by the clock. Who stopped and started it again
    // saved nothing that can be known, but what the guard stopped was off until that start.
    let ends_by_itself = Kind::of(&entry.id).is_some_and(Kind::ends_by_itself);
    let ended = run.is_none() && (by_guard || !ends_by_itself);
    let saved = entry.run.is_some() && entry.state != State::Exempt && (ended || (by_guard && run != entry.run));
    let saving = saved.then(|| {
        let from = if by_guard { entry.last_seen } else { now };
        let month = SignedDuration::from_hours(HOURS_PER_MONTH.to_i64().unwrap_or(730));
        let until = entry.ends.unwrap_or(from + month).min(run.unwrap_or(Timestamp::MAX));
        // Nobody knows for how long a job would have gone on.
        Saving::new(by_guard, from, until, entry.usd_per_hour.filter(|_| !ends_by_itself))
    });
    entry.state = State::Closed;
    entry.act_after = None;
    entry.last_seen = now;
    entry.failure = None;
    Some(Closed { entry, saving, untold })
}

/// Adds a failure to those that an owner was told ([`Entry::failure`]). `None`: it is one of them.
pub fn told_failure(told: Option<&str>, why: &str) -> Option<String> {
    // Numbers, as in the use of a quota or the id of a request, make no other failure.
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace().filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
    };
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    let told: Vec<&str> = told.iter().flat_map(|told| told.lines()).collect();
    if told.iter().any(|before| words(before) == words(&why)) {
        return None;
    }
    // Those of long ago are forgotten: an item of the ledger has its limit.
    let first = told.len().saturating_sub(FAILURES_KEPT - 1);
    Some(told[first..].iter().copied().chain([why.as_str()]).collect::<Vec<_>>().join("\n"))
}

/// Takes back the last failure, of which the mail was not sent. The attempt has failed all the same.
pub fn untold_failure(told: &str) -> String {
    told.rsplit_once('\n').map_or_else(String::new, |(before, _)| before.to_owned())
}

/// The resources that a run is asked for, by id, or the first ARN that names nothing of these kinds.
///
/// # Errors
/// That ARN.
pub fn scope_of_arns(arns: &[String], kinds: &[Kind]) -> Result<Scope, String> {
    let ids = arns.iter().map(|arn| {
        let id = id_of_arn(arn).filter(|id| Kind::of(id).is_some_and(|kind| kinds.contains(&kind)));
        // An ARN in lower case may be of a name that is spelt otherwise.
        let spelt = arn.rsplit('/').next().filter(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())).map(str::to_owned);
        id.map(|id| (id, spelt)).ok_or_else(|| arn.clone())
    });
    ids.collect::<Result<_, _>>().map(Scope::Only)
}

#[cfg(test)]
mod tests;
