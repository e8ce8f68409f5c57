//! The regular mails: who is mailed now what has waited, and who gets a weekly summary. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    facts::SleepingEndpoint,
    mail::{
        daily::daily,
        delivery::Due,
        digest::Digest,
        item::{MailContext, addressee},
        notification::Notification,
        weekly::{OwnersWeek, WEEK, weekly},
    },
    plan::{Entry, FindingKey, Saved, SavedBy, State},
    policy::Policy,
    vocabulary::resource::Kind,
};

/// What a run left less than this ago may not be all that it leaves. It waits for the next mail.
const LEAVING: SignedDuration = SignedDuration::from_mins(6);

/// A weekly summary that could not be sent within this time is left out.
pub(crate) const SUMMARY_DAY: SignedDuration = SignedDuration::from_hours(24);

/// A notification that waits, or that was mailed already.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// What the owner is told.
    pub notification: Notification,
    /// The time of the run that left it.
    pub since: Timestamp,
}

/// Until when an owner was mailed what waited. `None`: never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mailed {
    /// In daily mails.
    pub daily: Option<Timestamp>,
    /// In weekly summaries.
    pub weekly: Option<Timestamp>,
    /// In the platform's summaries.
    pub platform: Option<Timestamp>,
}

/// A regular mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regular {
    /// The daily mail.
    Daily,
    /// The weekly summary. It has the daily mail in it.
    Weekly,
    /// The platform's summary of all owners.
    Platform,
}

/// What is on the desk of who sends the regular mails.
#[derive(Debug, Default)]
pub struct Desk {
    /// Every notification that is kept.
    pub waiting: Vec<Waiting>,
    /// Until when each owner was mailed.
    pub mailed: HashMap<String, Mailed>,
    /// The findings, by function.
    pub entries: Vec<(&'static str, Vec<Entry>)>,
    /// What was saved in the last week.
    pub saved: Vec<Saved>,
    /// Endpoints that sleep.
    pub sleeping: Vec<SleepingEndpoint>,
    /// Whether a person asks for everything that waits, whatever the time.
    pub is_asked: bool,
}

/// A regular mail that is due now.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// The mail.
    pub digest: Digest,
    /// What it is.
    pub regular: Regular,
    /// Until when its owner was mailed what waited, once it is sent.
    pub until: Timestamp,
    /// Until when its owner was mailed before.
    pub before: Mailed,
}

impl Desk {
    /// Whether a mail may be due, for which the functions' findings and savings are needed.
    pub fn is_anything_due(&self, context: &MailContext<'_>) -> bool {
        let is_due = |(name, owner): (&String, &Owner<'_>)| {
            let mailed = self.mailed.get(name).copied().unwrap_or_default();
            owner.is_daily_due(self, &owner.left(Due::Daily, mailed.daily, context.now), context)
        };
        is_summary_day(context.policy, context.now) || self.owners(context.policy).iter().any(is_due)
    }

    /// The mails that are due now.
    pub fn letters(&self, context: &MailContext<'_>) -> Vec<Letter> {
        let known = self.known();
        self.owners(context.policy).iter().filter_map(|(name, owner)| owner.letter(self, name, &known, context)).collect()
    }

    /// What there is to tell each owner. What belongs to an owner who has left is told to who stands in.
    fn owners(&self, policy: &Policy) -> BTreeMap<String, Owner<'_>> {
        let whose = |owner: Option<&str>, team: Option<&str>| addressee(owner.and_then(|owner| policy.mailed_for(owner, team)).as_deref());
        let mut owners: BTreeMap<String, Owner<'_>> = BTreeMap::new();
        for one in &self.waiting {
            let owner = whose(Some(&one.notification.owner), one.notification.team.as_deref());
            owners.entry(owner).or_default().waiting.push(one);
        }
        for entry in self.entries.iter().flat_map(|(_, entries)| entries) {
            owners.entry(whose(entry.owner.as_deref(), entry.team.as_deref())).or_default().entries.push(entry);
        }
        for saved in &self.saved {
            owners.entry(whose(saved.owner.as_deref(), saved.team.as_deref())).or_default().saved.push(saved);
        }
        for one in &self.sleeping {
            let owner = whose(policy.owner_of(&one.resource).as_deref(), policy.team_of(&one.resource).as_deref());
            owners.entry(owner).or_default().sleeping.push(one);
        }
        owners
    }

    fn known(&self) -> Known<'_> {
        let all = self.entries.iter().flat_map(|(function, entries)| entries.iter().map(move |entry| (*function, entry)));
        Known {
            entries: all.map(|(function, entry)| ((function, entry.key()), entry)).collect(),
            stopped: self.saved.iter().filter(|saved| saved.by != SavedBy::Scaling).map(|saved| saved.arn.as_str()).collect(),
        }
    }
}

/// What the ledger knows by now of what waits.
struct Known<'a> {
    entries: HashMap<(&'a str, FindingKey), &'a Entry>,
    /// The ARNs of what was stopped.
    stopped: HashSet<&'a str>,
}

impl Known<'_> {
    fn of<'s>(&'s self, one: &'s Notification) -> impl Iterator<Item = Option<&'s Entry>> {
        one.findings.iter().map(|key| self.entries.get(&(one.function.as_str(), key.clone())).copied())
    }

    /// Whether somebody has mended it, so that nobody is told that it is open. What ended because working hours began was not mended.
    fn is_mended(&self, one: &Notification) -> bool {
        let is_job = |entry: &Entry| Kind::of(&entry.id).is_some_and(Kind::is_job);
        let is_mended = |entry: &Entry| {
            entry.state == State::Closed && !is_job(entry) && (entry.run.is_none() || self.stopped.contains(entry.arn.as_str()))
        };
        one.is_mendable && self.of(one).all(|entry| entry.is_some_and(is_mended))
    }

    /// The notification with what became of it before the mail: whether it is still so, or still was when working hours began.
    fn brought_up_to_date(&self, one: &Notification, now: Timestamp) -> Notification {
        let mut one = one.clone();
        if !one.is_mendable || !one.is_new() {
            return one;
        }
        // What should have ended by itself, and is still open in the ledger, was not looked at since.
        let is_open = |entry: &Entry| OPEN.contains(&entry.state) && entry.ends.is_none_or(|end| now < end);
        let ended = |entry: &Entry| entry.ends.filter(|end| entry.state == State::Closed && *end <= entry.last_seen);
        let head = if self.of(&one).flatten().any(is_open) {
            one.head.clone().text(", and still so")
        } else if let Some(end) = self.of(&one).flatten().filter_map(ended).max() {
            one.head.clone().text(", still on when working hours began on ").time(end)
        } else {
            return one;
        };
        one.head = head;
        one
    }
}

/// The states of a finding that is open.
pub(crate) const OPEN: [State; 4] = [State::Reported, State::Warned, State::Acting, State::GivenUp];

/// Whether the guard does something about it each time, as it has announced for a week: it is not open for its owner.
fn is_done_by_itself(entry: &Entry) -> bool {
    entry.state == State::Warned && entry.standing.is_some()
}

/// Whether the weekly summaries of a team are due about now.
fn is_summary_day(policy: &Policy, now: Timestamp) -> bool {
    let teams = policy.team_hours.keys().chain(policy.calendars.by_team.keys()).map(|team| Some(team.as_str()));
    teams.chain([None]).filter_map(|team| policy.last_weekly_morning(team, now)).any(|morning| now.duration_since(morning) < SUMMARY_DAY)
}

/// Whether its owner's wish to keep it still holds.
fn is_kept(entry: &Entry, MailContext { policy, now, .. }: &MailContext<'_>) -> bool {
    let has_ended =
        |value: &str, since| policy.kept_until(value, since, policy.zone_of(entry.team.as_deref())).is_some_and(|end| end <= *now);
    !entry.kept.as_ref().is_some_and(|kept| has_ended(&kept.value, kept.since))
}

/// What there is to tell an owner.
#[derive(Debug, Default)]
struct Owner<'a> {
    waiting: Vec<&'a Waiting>,
    entries: Vec<&'a Entry>,
    saved: Vec<&'a Saved>,
    sleeping: Vec<&'a SleepingEndpoint>,
}

impl<'a> Owner<'a> {
    fn team(&self) -> Option<&'a str> {
        let waiting = self.waiting.iter().find_map(|one| one.notification.team.as_deref());
        waiting.or_else(|| self.entries.iter().find_map(|entry| entry.team.as_deref()))
    }

    /// The notifications of one kind that were left after a time, and long enough ago.
    fn left(&self, due: Due, after: Option<Timestamp>, now: Timestamp) -> Vec<&'a Waiting> {
        let is_new =
            |one: &&Waiting| one.notification.due == due && after.is_none_or(|after| after < one.since) && one.since <= now - LEAVING;
        self.waiting.iter().copied().filter(is_new).collect()
    }

    /// Whether some of these has waited since before the last working morning.
    fn is_daily_due(&self, desk: &Desk, left: &[&Waiting], context: &MailContext<'_>) -> bool {
        let morning = context.policy.last_morning(self.team(), context.now);
        left.iter().any(|one| desk.is_asked || morning.is_some_and(|morning| one.since < morning))
    }

    /// The end of the week whose summary is due: there was something to sum up before the first working morning of this week, and it was not sent since.
    fn weekly_due(&self, mailed: Mailed, context: &MailContext<'_>) -> Option<Timestamp> {
        let morning = context.policy.last_weekly_morning(self.team(), context.now)?;
        let first = self.entries.iter().map(|entry| entry.first_seen).chain(self.waiting.iter().map(|one| one.since));
        let first = first.chain(self.sleeping.iter().map(|one| one.hibernation.since)).min();
        // A summary of that morning was recorded as mailed until a little before it.
        let is_sent = mailed.weekly.is_some_and(|last| morning <= last + LEAVING);
        let is_due = context.now.duration_since(morning) < SUMMARY_DAY && !is_sent && first.is_some_and(|first| first < morning);
        is_due.then_some(morning)
    }

    fn letter(&self, desk: &Desk, name: &str, known: &Known<'_>, context: &MailContext<'_>) -> Option<Letter> {
        let before = desk.mailed.get(name).copied().unwrap_or_default();
        let left = |due, after| self.left(due, after, context.now).into_iter().map(|one| &one.notification).collect::<Vec<_>>();
        let mut waiting = self.left(Due::Daily, before.daily, context.now);
        waiting.retain(|one| !known.is_mended(&one.notification));
        let new: Vec<Notification> = waiting.iter().map(|one| known.brought_up_to_date(&one.notification, context.now)).collect();
        let new: Vec<&Notification> = new.iter().collect();
        let letter = |digest, regular| Letter { digest, regular, until: context.now - LEAVING, before };
        if let Some(morning) = self.weekly_due(before, context) {
            let of_state =
                |states: &[State]| self.entries.iter().copied().filter(|entry| states.contains(&entry.state)).collect::<Vec<_>>();
            // No mail is sent for asides, so that those of an earlier week may still wait.
            let spared = left(Due::Aside, before.weekly.max(Some(context.now - WEEK)));
            let mut week = OwnersWeek {
                saved: self.saved.clone(),
                sleeping: self.sleeping.clone(),
                open: of_state(&OPEN).into_iter().filter(|entry| !is_done_by_itself(entry) && entry.first_seen < morning).collect(),
                kept: of_state(&[State::Exempt]).into_iter().filter(|entry| is_kept(entry, context)).collect(),
                done: left(Due::Weekly, before.weekly),
                spared,
                new: vec![],
            };
            // What was found after the week is told with it, but makes no summary by itself.
            if waiting.iter().any(|one| one.since < morning) || weekly(name, &week, context).is_some() {
                week.new = new;
                return weekly(name, &week, context).map(|digest| letter(digest, Regular::Weekly));
            }
        }
        self.is_daily_due(desk, &waiting, context).then(|| letter(daily(name, &new, context), Regular::Daily))
    }
}
