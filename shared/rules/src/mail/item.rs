//! What a mail says about one finding, and about one resource with all of its findings.

use std::collections::HashMap;

use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

use crate::{
    plan::{Closed, End, FindingKey, News, Planned},
    policy::{Policy, UnreadableTags},
    remedy::Remedy,
    rulebook::Finding,
    rules::{
        costs_are_waste,
        verdict::{Detail, Notice, Severity},
    },
    vocabulary::{
        duration::Duration,
        price::Instances,
        resource::{Kind, UNOWNED},
        text::{lines, one_line},
        timed_text::TimedText,
        working_time::LongerHours,
    },
};

/// What an owner is notified of about one finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The finding's key in the ledger, where the notification is recorded.
    pub key: FindingKey,
    /// What the owner is notified of.
    pub news: News,
    /// The resource's id. Findings of one resource are one entry in the mail.
    pub id: String,
    /// The resource's ARN.
    pub arn: String,
    /// The resource's name.
    pub name: String,
    /// Its owner. `None`: no owner is known.
    pub owner: Option<String>,
    /// Its team. `None`: no team is known.
    pub team: Option<String>,
    /// Why it is waste.
    pub reason: TimedText,
    /// Its cost in USD per hour. `None`: not known.
    pub usd_per_hour: Option<Decimal>,
    /// Its cost in USD per month. `None`: not known.
    pub usd_per_month: Option<Decimal>,
    /// When the waste ends by itself ([`crate::rules::verdict::Waste::ends`]).
    pub ends: Option<Timestamp>,
    /// The time zone in which its owner reads times.
    pub zone: TimeZone,
    /// What the guard can do. `None`: the finding is gone.
    pub remedy: Option<Remedy>,
    /// Why the guard takes no action here although the policy says `enforce`. `None`: it is not suspended.
    pub suspended: Option<UnreadableTags>,
    /// What the mail says in addition.
    pub notice: Notice,
    /// Whether the warning holds for a week: it is done again without another mail if its owner leaves it on again.
    pub recurs: bool,
    /// Whether the same was done before ([`Item::habit`]).
    pub is_repeated: bool,
    /// What is done to what of whom: to this resource, or to a job of this series. The same text again means that the same was done before. Empty: not known.
    pub habit: String,
}

impl Item {
    /// The item of a planned finding. `None`: its owner is not notified of anything.
    pub fn of(planned: &Planned, policy: &Policy) -> Option<Self> {
        let Finding { rule, resource, series, owner, team, waste, suspended, .. } = &planned.finding;
        let news = planned.news.clone()?;
        let was = waste.was.as_ref().filter(|_| matches!(news, News::Done(_)));
        Some(Self {
            key: planned.entry.key(),
            news,
            id: resource.id.clone(),
            arn: resource.arn_or_id().to_owned(),
            name: resource.name.clone(),
            owner: owner.clone(),
            team: team.clone(),
            reason: was.unwrap_or(&waste.reason).clone(),
            usd_per_hour: waste.usd_per_hour,
            usd_per_month: waste.usd_per_month,
            ends: waste.ends,
            zone: policy.zone_of_resource(resource),
            remedy: Some(waste.remedy.clone()),
            suspended: suspended.clone(),
            notice: Notice { advice: planned.advice(), ..waste.notice.clone() },
            recurs: waste.recurs,
            is_repeated: false,
            habit: habit(rule, series.as_ref().unwrap_or(&resource.id), owner.as_deref(), &waste.remedy),
        })
    }

    /// The item of a resource that the guard stopped, or wrote something to, in a run that could not notify the owner.
    pub fn of_pending(closed: &Closed, end: End, policy: &Policy) -> Self {
        let entry = &closed.entry;
        Self {
            key: entry.key(),
            news: News::Done(end),
            id: entry.id.clone(),
            arn: entry.arn.clone(),
            name: entry.name.clone(),
            owner: entry.owner.clone(),
            team: entry.team.clone(),
            reason: format!("found by the rule {}", entry.rule).into(),
            usd_per_hour: entry.usd_per_hour,
            usd_per_month: entry.usd_per_month,
            ends: entry.ends,
            zone: policy.zone_of(entry.team.as_deref()).clone(),
            remedy: closed.written.clone(),
            suspended: None,
            notice: Notice::default(),
            recurs: false,
            is_repeated: false,
            habit: String::new(),
        }
    }

    /// The same, with all that others wrote as lines of text.
    pub(crate) fn as_text(&self) -> Self {
        let notice = Notice {
            subject: self.notice.subject.as_deref().map(one_line),
            details: self.notice.details.iter().map(Detail::as_text).collect(),
            before: self.notice.before.iter().map(Detail::as_text).collect(),
            by_hand: self.notice.by_hand.iter().map(Detail::as_text).collect(),
            advice: self.notice.advice.as_deref().map(lines),
            ..self.notice.clone()
        };
        Self {
            arn: one_line(&self.arn),
            name: one_line(&self.name),
            team: self.team.as_deref().map(|team| one_line(team).trim().to_owned()).filter(|team| !team.is_empty()),
            reason: self.reason.map(one_line),
            suspended: self.suspended.as_ref().map(|tags| UnreadableTags { why: one_line(&tags.why), commands: lines(&tags.commands) }),
            notice,
            ..self.clone()
        }
    }

    /// Whether its owner is told what was found, and not what is done.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.news, News::Found | News::Reminder(_) | News::Escalation(_))
    }

    /// Whether it tells of something of which nothing is done yet.
    pub(crate) const fn is_before(&self) -> bool {
        self.is_open() || matches!(self.news, News::Warning(_))
    }

    /// Whether it tells of auto scaling that the guard attaches: each rule has its own.
    fn is_of_scaling(&self) -> bool {
        !self.is_open() && matches!(self.remedy, Some(Remedy::AttachScaling(..)))
    }

    /// Whether it is about a resource of which nothing is done and nothing is lost.
    pub(crate) fn is_report(&self) -> bool {
        // A budget that is used up may have stops enforced, and about a commitment nobody expects a stop.
        let kind = Kind::of(&self.id);
        self.is_open() && self.notice.severity == Severity::Info && !matches!(kind, Some(Kind::Budget | Kind::SavingsPlan))
    }

    /// What it wastes in USD per month. `None`: not known, or it costs the same when the finding is mended.
    fn wasted_per_month(&self) -> Option<Decimal> {
        self.usd_per_month.filter(|_| !self.is_open() || costs_are_waste(&self.key.rule))
    }

    /// The guard's action, as the end of "it will be …".
    pub(crate) fn participle(&self) -> &'static str {
        self.remedy.as_ref().map_or("stopped", Remedy::participle)
    }

    /// What has happened to it when it is over: `stopped`.
    pub(crate) fn ended(&self) -> &'static str {
        match &self.remedy {
            Some(remedy @ Remedy::Hibernate(_)) => remedy.participle(),
            _ => "stopped",
        }
    }

    /// Its place among findings of the same urgency, the highest first: by its cost, then what runs at an unknown price by the number of its instances, then
    /// what costs nothing.
    pub(crate) fn rank(&self) -> impl Ord + use<> {
        (self.wasted_per_month(), self.usd_per_month, self.notice.unpriced.as_deref().map(Instances::number))
    }
}

impl Detail {
    /// The same, with all that others wrote as lines of text.
    fn as_text(&self) -> Self {
        Self { title: self.title.map(one_line), list: self.list.iter().map(|line| one_line(line)).collect() }
    }
}

/// See [`Item::habit`].
fn habit(rule: &str, what: &str, owner: Option<&str>, remedy: &Remedy) -> String {
    format!("{rule}#{what}@{}#{}", addressee(owner), remedy.action())
}

/// To whom the mail about an owner's resources goes: the owner, or `unowned`.
pub fn addressee(owner: Option<&str>) -> String {
    Some(one_line(owner.unwrap_or_default()).trim()).filter(|owner| !owner.is_empty()).unwrap_or(UNOWNED).to_owned()
}

/// One entry of a mail: a resource with all of its findings.
pub(crate) struct MailEntry<'a> {
    pub(crate) first: &'a Item,
    /// What the guard can do about it: the remedy of the most urgent finding that has one.
    pub(crate) remedy: Option<&'a Remedy>,
    pub(crate) hours: Option<&'a LongerHours>,
    /// [`Notice::supposes`], of the finding that costs most.
    pub(crate) supposes: Option<&'static str>,
    /// [`Notice::writes_checkpoints`]
    pub(crate) writes_checkpoints: Option<bool>,
    pub(crate) keys: Vec<&'a FindingKey>,
    pub(crate) reasons: Vec<(&'a str, &'a TimedText)>,
    pub(crate) advice: Vec<&'a str>,
    pub(crate) details: Vec<&'a Detail>,
    /// [`Notice::by_hand`], in a mail from before the action.
    pub(crate) by_hand: Vec<&'a Detail>,
    /// [`Notice::is_saving`], of the finding that costs most.
    pub(crate) is_saving: bool,
    /// [`Notice::unpriced`]
    pub(crate) unpriced: Option<&'a [Instances]>,
    pub(crate) usd_per_hour: Option<Decimal>,
    pub(crate) usd_per_month: Option<Decimal>,
    /// What it wastes in USD per month. `None`: not known, or it costs the same when what was found is mended.
    pub(crate) wasted_per_month: Option<Decimal>,
    /// When the first of its findings would have ended by itself.
    ends: Option<Timestamp>,
}

/// What one stop saves.
#[derive(Clone, Copy)]
pub(crate) struct StopSaves {
    pub(crate) usd: Decimal,
    /// When the waste would have ended by itself.
    pub(crate) until: Timestamp,
}

/// The entries of a mail: the most urgent first, by news and by severity, then the most expensive. A resource has one entry, with its most urgent news and
/// every reason.
pub(crate) fn entries(mut items: Vec<&Item>) -> Vec<MailEntry<'_>> {
    items.sort_by(|a, b| (&a.news, b.notice.severity, b.rank(), &a.id).cmp(&(&b.news, a.notice.severity, a.rank(), &b.id)));
    let mut entries: Vec<MailEntry<'_>> = vec![];
    let mut places: HashMap<&str, usize> = HashMap::new();
    for item in items {
        let place = *places.entry(&item.id).or_insert(entries.len());
        match entries.get_mut(place) {
            Some(same) => same.add(item),
            None => entries.push(MailEntry::of(item)),
        }
    }
    entries
}

impl<'a> MailEntry<'a> {
    fn of(item: &'a Item) -> Self {
        Self {
            first: item,
            keys: vec![&item.key],
            remedy: item.remedy.as_ref(),
            hours: item.notice.hours.as_ref(),
            supposes: item.notice.supposes,
            writes_checkpoints: item.notice.writes_checkpoints,
            reasons: vec![(&item.key.rule, &item.reason)],
            advice: item.notice.advice.as_deref().into_iter().collect(),
            details: details(item),
            by_hand: item.notice.by_hand.iter().filter(|_| item.is_before()).collect(),
            is_saving: item.notice.is_saving,
            unpriced: item.notice.unpriced.as_deref(),
            usd_per_hour: item.usd_per_hour,
            usd_per_month: item.usd_per_month,
            wasted_per_month: item.wasted_per_month(),
            ends: item.ends,
        }
    }

    /// What its stop saves until the waste would have ended by itself. `None`: it is not stopped, it is a job, or no price or no such end is known.
    pub(crate) fn stop_saves(&self, now: Timestamp) -> Option<StopSaves> {
        let from = match self.first.news {
            News::Warning(at) => at,
            News::Done(End::Stopping(_) | End::Stopped(_)) => now,
            _ => return None,
        };
        let until = self.ends.filter(|end| from < *end && !is_job(self.first))?;
        let hours = Duration::between(from, until).in_hours();
        Some(StopSaves { usd: self.usd_per_hour? * hours, until })
    }

    /// When the first of its findings ends by itself.
    pub(crate) const fn ends(&self) -> Option<Timestamp> {
        self.ends
    }

    /// Whether a mail says what is saved in a month: nothing is done, or what is done goes on.
    pub(crate) fn saves_by_month(&self) -> bool {
        self.first.is_open() || self.first.is_of_scaling()
    }

    /// Whether the guard stops a job, and no other takes its place.
    pub(crate) fn ends_a_job(&self) -> bool {
        self.remedy.is_some_and(|remedy| remedy.ends_job() && !matches!(remedy, Remedy::ResubmitAsSpot(_)))
    }

    /// Adds another finding of the same resource. Its cost is the same money.
    fn add(&mut self, item: &'a Item) {
        self.keys.push(&item.key);
        self.reasons.push((&item.key.rule, &item.reason));
        // What another rule would set, and what that would save, is not what is set.
        if self.first.is_of_scaling() {
            return;
        }
        if self.remedy.is_none_or(|remedy| *remedy == Remedy::None) {
            self.remedy = item.remedy.as_ref();
        }
        self.hours = self.hours.zip(item.notice.hours.as_ref()).map(|(hours, _)| hours);
        self.writes_checkpoints = self.writes_checkpoints.or(item.notice.writes_checkpoints);
        if self.usd_per_month < item.usd_per_month {
            (self.supposes, self.is_saving) = (item.notice.supposes, item.notice.is_saving);
        }
        self.advice.extend(item.notice.advice.as_deref().filter(|advice| !self.advice.contains(advice)));
        // Two rules about the same budget have the same details.
        if self.details.is_empty() {
            self.details.extend(details(item));
            self.by_hand.extend(item.notice.by_hand.iter().filter(|_| item.is_before()));
        }
        self.unpriced = self.unpriced.or(item.notice.unpriced.as_deref());
        self.usd_per_hour = self.usd_per_hour.max(item.usd_per_hour);
        self.usd_per_month = self.usd_per_month.max(item.usd_per_month);
        self.wasted_per_month = self.wasted_per_month.max(item.wasted_per_month());
        self.ends = [self.ends, item.ends].into_iter().flatten().min();
    }
}

/// The details of a mail about this: what there is to decide is left out once it is decided.
fn details(item: &Item) -> Vec<&Detail> {
    let Notice { before, details, .. } = &item.notice;
    before.iter().filter(|_| item.is_before()).chain(details).collect()
}

/// What all mails of a run share.
#[derive(Clone, Copy)]
pub struct MailContext<'a> {
    /// The function that sends them.
    pub function: &'a str,
    /// The policy, for its time zone and tags.
    pub policy: &'a Policy,
    /// The current time.
    pub now: Timestamp,
}

/// What happened to it, as the end of "churn …".
pub(crate) fn said(item: &Item, is_one: bool) -> String {
    let (is, was) = if is_one { ("is", "was") } else { ("are", "were") };
    match &item.news {
        News::Failed(_) | News::Refused(_) => format!("could not be {}", item.participle()),
        News::Doubled(_) => "could not be stopped".to_owned(),
        News::GivenUp(_) => format!("will not be {}", item.participle()),
        News::Warning(_) => format!("will be {}", item.participle()),
        News::Done(End::Stopped(_)) if item.remedy.as_ref().is_some_and(Remedy::leaves_running) => format!("{was} {}", item.participle()),
        News::Done(End::Stopping(_)) => format!("{is} being {}", item.ended()),
        News::Done(End::Stopped(_) | End::NotNeeded(_)) => format!("{was} {}", item.ended()),
        News::Done(End::Replaced(_)) => format!("{was} resubmitted as Spot"),
        News::Done(End::ByItself(_)) => format!("{was} over already"),
        News::Escalation(_) => "still so, and for the team to look at".to_owned(),
        News::Found => "found".to_owned(),
        News::Reminder(_) => "still so".to_owned(),
    }
}

/// The same, as it is said in a mail that comes hours later.
pub(crate) fn said_later(item: &Item) -> String {
    let runs_on = item.remedy.as_ref().is_some_and(Remedy::leaves_running);
    match &item.news {
        News::Done(End::Stopping(_)) if !runs_on => format!("was {}", item.ended()),
        _ => said(item, true),
    }
}

/// Whether it is a job. A job ends by itself, so its cost is not given per month.
pub(crate) fn is_job(item: &Item) -> bool {
    Kind::of(&item.id).is_some_and(Kind::is_job)
}
