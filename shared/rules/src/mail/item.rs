//! What a mail tells of one finding.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    plan::{Closed, End, News},
    policy::Policy,
    remedy::Remedy,
    rulebook::Finding,
    rules::verdict::Severity,
    vocabulary::resource::Kind,
};

/// What an owner is told of one finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The ledger's key of the finding: what a mail told is remembered under it.
    pub key: (String, String),
    /// What happened to it.
    pub news: News,
    /// The resource's id: findings of one resource are told together.
    pub id: String,
    /// The resource's ARN.
    pub arn: String,
    /// The resource's name.
    pub name: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whose team's.
    pub team: Option<String>,
    /// Why it is waste.
    pub reason: String,
    /// What its owner can do.
    pub advice: Option<String>,
    /// The working hours that it is judged by.
    pub hours: Option<String>,
    /// What it costs.
    pub usd_per_hour: Option<Decimal>,
    /// What it costs.
    pub usd_per_month: Option<Decimal>,
    /// What can be done; `None` for one that is gone.
    pub remedy: Option<Remedy>,
    /// Why the policy's enforcement is suspended here.
    pub suspended: Option<String>,
    /// As of the waste.
    pub severity: Severity,
    /// As of the waste.
    pub headline: Option<&'static str>,
    /// As of the waste.
    pub subject: Option<String>,
    /// As of the waste.
    pub details: Vec<String>,
    /// As of the waste.
    pub instead: Option<&'static str>,
}

impl Item {
    /// Of a finding.
    pub fn of(finding: &Finding, news: News) -> Self {
        Self {
            key: (finding.rule.to_owned(), finding.entry_id()),
            news,
            id: finding.resource.id.clone(),
            arn: finding.resource.arn_or_id().to_owned(),
            name: finding.resource.name.clone(),
            owner: finding.owner.clone(),
            team: finding.team.clone(),
            reason: finding.waste.reason.clone(),
            advice: finding.waste.advice.clone(),
            hours: finding.waste.hours.clone(),
            usd_per_hour: finding.waste.usd_per_hour,
            usd_per_month: finding.waste.usd_per_month,
            remedy: Some(finding.waste.remedy.clone()),
            suspended: finding.suspended.clone(),
            severity: finding.waste.severity,
            headline: finding.waste.headline,
            subject: finding.waste.subject.clone(),
            details: finding.waste.details.clone(),
            instead: finding.waste.instead,
        }
    }

    /// Of one that the guard stopped in a run that could not say so.
    pub fn of_untold(closed: &Closed, end: End) -> Self {
        let entry = &closed.entry;
        Self {
            key: (entry.rule.clone(), entry.id.clone()),
            news: News::Done(end),
            id: entry.id.clone(),
            arn: entry.arn.clone(),
            name: entry.name.clone(),
            owner: entry.owner.clone(),
            team: entry.team.clone(),
            reason: format!("found by the rule {}", entry.rule),
            advice: None,
            hours: None,
            usd_per_hour: entry.usd_per_hour,
            usd_per_month: entry.usd_per_month,
            remedy: None,
            suspended: None,
            severity: Severity::Info,
            headline: None,
            subject: None,
            details: vec![],
            instead: None,
        }
    }
}

/// What an owner is told of one resource: all of its findings.
pub(crate) struct Told<'a> {
    pub(crate) first: &'a Item,
    /// What the guard can do about it: of the most urgent news that has anything.
    pub(crate) remedy: Option<&'a Remedy>,
    pub(crate) hours: Option<&'a str>,
    pub(crate) keys: Vec<&'a (String, String)>,
    pub(crate) reasons: Vec<(&'a str, &'a str)>,
    pub(crate) advice: Vec<&'a str>,
    pub(crate) details: Vec<&'a str>,
    pub(crate) usd_per_hour: Option<Decimal>,
    pub(crate) usd_per_month: Option<Decimal>,
}

/// What all mails of a run share.
#[derive(Clone, Copy)]
pub struct Letterhead<'a> {
    /// The function that sends them.
    pub function: &'a str,
    /// The policy, for its time zone and tags.
    pub policy: &'a Policy,
    /// The present.
    pub now: Timestamp,
}

/// What the guard does to a resource, as the end of "it will be …".
pub(crate) fn done_to(item: &Item) -> &'static str {
    match item.remedy {
        Some(Remedy::ResubmitAsSpot(_)) => "resubmitted as Spot",
        Some(Remedy::AddTags { .. }) => "tagged",
        Some(Remedy::ActivateTag) => "activated",
        _ => "stopped",
    }
}

/// What became of it, as the end of "churn …". `was`: or "were".
pub(crate) fn said(item: &Item, was: &str) -> String {
    match &item.news {
        News::Failed(_) => format!("could not be {}", done_to(item)),
        News::Doubled(_) => "could not be stopped".to_owned(),
        News::GivenUp(_) => format!("will not be {}", done_to(item)),
        News::Warning(_) => format!("will be {}", done_to(item)),
        News::Done(End::Stopped(_)) if item.remedy.as_ref().is_some_and(Remedy::is_harmless) => format!("{was} {}", done_to(item)),
        News::Done(End::Stopped(_) | End::NotNeeded(_)) => format!("{was} stopped"),
        News::Done(End::Replaced(_)) => format!("{was} resubmitted as Spot"),
        News::Done(End::ByItself(_)) => format!("{was} over already"),
        News::Escalation(_) => "still so, and for the team to look at".to_owned(),
        News::Found => "found".to_owned(),
        News::Reminder(_) => "still so".to_owned(),
    }
}

/// Whether it ends by itself: then a month is no measure of what it costs.
pub(crate) fn is_job(item: &Item) -> bool {
    Kind::of(&item.id).is_some_and(Kind::is_job)
}
