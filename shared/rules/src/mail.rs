//! The mails: one digest per owner and run. Subject first, then what, why, dollars, when, and how to stop or keep it. Pure.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    duration::{Duration, roughly},
    facts::{AppHome, Kind, place, region_option},
    finding::{Finding, Remedy, Severity, SpotTerms},
    plan::Closed,
    policy::{KEEP_UNTIL_TAG, Policy, SCHEDULE_TAG},
    price::dollars,
    resubmission::how_to_stop,
    tagging::how_to_add,
};

/// Longest subject that SNS takes, in ASCII characters.
const SUBJECT: usize = 99;

/// Longest body: SNS takes 256 KiB with subject and attributes; these and the ending need room.
const BODY: usize = 240 * 1024;

/// For how long a mail offers to keep a resource.
const WEEK: Duration = Duration::days(7);

/// Room for the names of teams in a mail's attributes.
const TEAMS: usize = 8 * 1024;

/// Who gets what nobody owns.
pub const UNOWNED: &str = "unowned";

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

/// What happened, in the order in which it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// The guard could not stop it or submit it again, for this reason, and tries again.
    Failed(String),
    /// The guard submitted it again and could not stop it, for this reason: two jobs do the same work.
    Doubled(String),
    /// The guard could not, for this reason, and tries no more.
    GivenUp(String),
    /// It will be stopped then.
    Warning(Timestamp),
    /// It is over.
    Done(End),
    /// It still is waste, since then, which is for its team to hear.
    Escalation(Timestamp),
    /// It is waste.
    Found,
    /// It still is, since then.
    Reminder(Timestamp),
}

/// How something came to its end that the guard was to stop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The guard stopped it, or found it stopped: with what there is to say of that.
    Stopped(Option<String>),
    /// The guard stopped it because its Spot job, this one, has done its work.
    NotNeeded(String),
    /// The guard stopped it, and its work is this Spot job's now.
    Replaced(String),
    /// By itself, with what there is to say of that.
    ByItself(String),
}

impl News {
    const fn severity(&self) -> Severity {
        match self {
            Self::Failed(_) | Self::Doubled(_) => Severity::Critical,
            Self::GivenUp(_) | Self::Warning(_) | Self::Escalation(_) => Severity::Warning,
            Self::Done(_) | Self::Found | Self::Reminder(_) => Severity::Info,
        }
    }
}

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Whose: `unowned` where nobody is known.
    pub owner: String,
    /// The teams of what is in it: `unowned` where none is known.
    pub teams: Vec<String>,
    /// The most urgent of what is in it.
    pub severity: Severity,
    /// At most 99 printable ASCII characters.
    pub subject: String,
    /// Plain text. With subject and attributes it fits into one message of SNS.
    pub body: String,
    /// The findings that it tells: those that did not fit are not among them.
    pub told: Vec<(String, String)>,
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
struct Told<'a> {
    first: &'a Item,
    /// What the guard can do about it: of the most urgent news that has anything.
    remedy: Option<&'a Remedy>,
    hours: Option<&'a str>,
    keys: Vec<&'a (String, String)>,
    reasons: Vec<(&'a str, &'a str)>,
    advice: Vec<&'a str>,
    details: Vec<&'a str>,
    usd_per_hour: Option<Decimal>,
    usd_per_month: Option<Decimal>,
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

/// The mails of a run. `held_back`: by owner, what was due but exceeded the most that may be done in one run.
pub fn digests(items: &[Item], held_back: &BTreeMap<String, usize>, letterhead: &Letterhead<'_>) -> Vec<Digest> {
    let mut by_owner: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in items {
        by_owner.entry(item.owner.as_deref().unwrap_or(UNOWNED)).or_default().push(item);
    }
    by_owner.into_iter().map(|(owner, items)| digest(owner, items, held_back.get(owner).copied().unwrap_or(0), letterhead)).collect()
}

fn digest(owner: &str, mut items: Vec<&Item>, held_back: usize, letterhead: &Letterhead<'_>) -> Digest {
    let mut teams: Vec<String> = items.iter().filter_map(|item| item.team.clone()).collect();
    teams.sort();
    teams.dedup();
    // A filter that looks for a team beyond these is matched by the mail of no such team: more of them do not fit.
    let mut room = TEAMS;
    teams.retain(|team| {
        room = room.saturating_sub(team.len() + 3);
        0 < room
    });
    if teams.is_empty() {
        teams.push(UNOWNED.to_owned());
    }
    // The most urgent first, by what happened and by what it is, then the most expensive; of one resource the most urgent news is told, with every reason.
    items.sort_by(|a, b| (&a.news, b.severity, b.usd_per_month, &a.id).cmp(&(&b.news, a.severity, a.usd_per_month, &b.id)));
    let mut told: Vec<Told<'_>> = vec![];
    let mut places: HashMap<&str, usize> = HashMap::new();
    for item in &items {
        let (usd_per_hour, usd_per_month) = (item.usd_per_hour, item.usd_per_month);
        let place = *places.entry(&item.id).or_insert(told.len());
        match told.get_mut(place) {
            Some(same) => {
                same.keys.push(&item.key);
                same.reasons.push((&item.key.0, &item.reason));
                if same.remedy.is_none_or(|remedy| *remedy == Remedy::None) {
                    same.remedy = item.remedy.as_ref();
                }
                same.hours = same.hours.zip(item.hours.as_deref()).map(|(hours, _)| hours);
                same.advice.extend(item.advice.as_deref().filter(|advice| !same.advice.contains(advice)));
                // Two rules about one budget have the same to say of it.
                if same.details.is_empty() {
                    same.details.extend(item.details.iter().map(String::as_str));
                }
                same.usd_per_hour = same.usd_per_hour.max(usd_per_hour);
                same.usd_per_month = same.usd_per_month.max(usd_per_month);
            }
            None => told.push(Told {
                first: item,
                keys: vec![&item.key],
                remedy: item.remedy.as_ref(),
                hours: item.hours.as_deref(),
                reasons: vec![(&item.key.0, &item.reason)],
                advice: item.advice.as_deref().into_iter().collect(),
                details: item.details.iter().map(String::as_str).collect(),
                usd_per_hour,
                usd_per_month,
            }),
        }
    }
    let severity = items.iter().map(|item| item.news.severity().max(item.severity)).max().unwrap_or_default();
    let (body, fitted) = body(owner, &told, held_back, letterhead);
    let keys = told[..fitted].iter().flat_map(|one| one.keys.iter().copied().cloned()).collect();
    Digest { owner: owner.to_owned(), teams, severity, subject: subject(&told, letterhead.policy, letterhead.now), body, told: keys }
}

fn subject(told: &[Told<'_>], policy: &Policy, now: Timestamp) -> String {
    let Some(Told { first, .. }) = told.first() else { return String::new() };
    // The most urgent comes first: the subject is about those of which the same is said, and so are its dollars.
    let is_only_told = matches!(first.news, News::Found | News::Reminder(_));
    if let Some(subject) = first.subject.as_ref().filter(|_| is_only_told) {
        let more = if 1 < told.len() { format!(", and {} more", told.len() - 1) } else { String::new() };
        let subject = shortened(subject, SUBJECT.saturating_sub(12 + more.len()));
        return printable(&format!("Cost guard: {subject}{more}"));
    }
    let is_alike = |one: &&Told<'_>| is_only_told || said(one.first, "") == said(first, "");
    let alike: Vec<&Told<'_>> = told.iter().filter(is_alike).collect();
    let total: Decimal = alike.iter().filter_map(|told| told.usd_per_month).sum();
    let hourly: Decimal = alike.iter().filter_map(|told| told.usd_per_hour).sum();
    let has_jobs = alike.iter().any(|told| is_job(told.first));
    // A month is no measure of a job, nor its time limit of the others.
    let of_jobs: Decimal = alike.iter().filter(|told| is_job(told.first)).filter_map(|told| told.usd_per_month).sum();
    let a_month = total - of_jobs;
    let cost = match first.news {
        News::Done(End::ByItself(_)) => String::new(),
        News::Done(_) if first.remedy.as_ref().is_some_and(Remedy::is_harmless) => String::new(),
        News::Done(_) if has_jobs && !hourly.is_zero() => format!(", {} an hour", dollars(hourly)),
        News::Done(_) if !has_jobs && !total.is_zero() => format!(", saves up to {} a month", dollars(total)),
        News::Done(_) => String::new(),
        _ if total.is_zero() => String::new(),
        _ if a_month.is_zero() => format!(", up to {}", dollars(total)),
        _ if !of_jobs.is_zero() => format!(", {} a month and up to {}", dollars(a_month), dollars(of_jobs)),
        _ => format!(", {} a month", dollars(total)),
    };
    let mut what = said(first, if alike.len() == 1 { "was" } else { "were" });
    if let News::Warning(_) = first.news {
        let mut stops: Vec<Timestamp> =
            alike.iter().filter_map(|told| if let News::Warning(at) = told.first.news { Some(at) } else { None }).collect();
        stops.sort_unstable();
        stops.dedup();
        let from = if 1 < stops.len() { "from " } else { "" };
        what += &stops.first().map(|at| format!(" {from}{}", policy.clock(*at))).unwrap_or_default();
    }
    if let (News::Escalation(since), Some(headline)) = (&first.news, first.headline) {
        what = format!("still {headline} after {}", roughly(now.duration_since(*since)));
    }
    if is_only_told {
        first.headline.unwrap_or("needs a look").clone_into(&mut what);
    }
    let whose = match alike.len() {
        1 if told.len() == 1 => shortened(&first.name, SUBJECT.saturating_sub(13 + what.len() + cost.len())),
        n if is_only_told && alike.iter().all(|one| one.first.headline.is_some() && one.first.headline == first.headline) => {
            format!("{n} resources")
        }
        n if is_only_told => {
            "findings".clone_into(&mut what);
            n.to_string()
        }
        n if n == told.len() => format!("{n} resources"),
        n => format!("{n} of {}", told.len()),
    };
    printable(&format!("Cost guard: {whose} {what}{cost}"))
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(SUBJECT).collect()
}

/// A name that leaves room for what is said of it: its end is what tells it from others, and the dollars are worth more than its middle.
fn shortened(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room || room < 8 {
        return name.to_owned();
    }
    let front = (room - 2) / 2;
    let end: String = name.chars().skip(length - (room - 2 - front)).collect();
    name.chars().take(front).chain("..".chars()).chain(end.chars()).collect()
}

/// What the guard does to a resource, as the end of "it will be …".
fn done_to(item: &Item) -> &'static str {
    match item.remedy {
        Some(Remedy::ResubmitAsSpot(_)) => "resubmitted as Spot",
        Some(Remedy::AddTags { .. }) => "tagged",
        Some(Remedy::ActivateTag) => "activated",
        _ => "stopped",
    }
}

/// What became of it, as the end of "churn …". `was`: or "were".
fn said(item: &Item, was: &str) -> String {
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
fn is_job(item: &Item) -> bool {
    Kind::of(&item.id).is_some_and(Kind::is_job)
}

/// The body, and how many of the resources fitted into it.
fn body(owner: &str, told: &[Told<'_>], held_back: usize, letterhead: &Letterhead<'_>) -> (String, usize) {
    let mut fitted = told.len();
    let is_of_the_account = told.iter().all(|one| Kind::of(&one.first.id).is_some_and(Kind::is_of_the_account));
    let mut text = if owner == UNOWNED && is_of_the_account {
        "For whoever runs the platform.\n".to_owned()
    } else if owner == UNOWNED {
        let tags = letterhead.policy.owner_tags.join(" or ");
        let is_any_of_the_account = told.iter().any(|one| Kind::of(&one.first.id).is_some_and(Kind::is_of_the_account));
        let these = if is_any_of_the_account { "the resources among these" } else { "these" };
        format!("Nobody owns {these}: none of them has a tag {tags}. Whoever runs the platform, please find out whose they are.\n")
    } else {
        format!("For {owner}.\n")
    };
    let mut places = told.iter().filter_map(|one| place(&one.first.arn));
    match places.clone().find(|(region, _)| !region.is_empty()).or_else(|| places.next()) {
        Some(("", account)) => drop(writeln!(text, "AWS account {account}.")),
        Some((region, account)) => drop(writeln!(text, "AWS account {account}, Region {region}.")),
        None => {}
    }
    let mut heading = String::new();
    for (index, one) in told.iter().enumerate() {
        let mut part = String::new();
        let this = said(one.first, "was");
        if this != heading {
            let _ = write!(part, "\n{}\n", this.to_uppercase());
            heading = this;
        }
        resource(&mut part, one, letterhead);
        if BODY < text.len() + part.len() {
            let _ = write!(text, "\n… and {} more, which do not fit into one mail: they come with the next.\n", told.len() - index);
            fitted = index;
            break;
        }
        text += &part;
    }
    if 0 < held_back {
        let _ = write!(
            text,
            "\nHeld back: {held_back} more of yours are due, but one run does only so much (`max-actions`). The next run goes on.\n"
        );
    }
    let _ = write!(
        text,
        "\n-- \nSageMaker cost guard, {}. Whoever runs it has its manual, docs/rules.md: what each rule (in brackets) means, and what a stop keeps and loses.\n",
        letterhead.function
    );
    (text, fitted)
}

fn resource(text: &mut String, told: &Told<'_>, letterhead: &Letterhead<'_>) {
    let Letterhead { policy, now, .. } = letterhead;
    let Item { news, id, arn, name, suspended, .. } = told.first;
    // In two jobs at the same work, and in one that is left alone, there is more to know than how to stop this one.
    let remedy = told.remedy.filter(|_| !matches!(news, News::Doubled(_) | News::GivenUp(_)));
    let kind = Kind::of(id).map_or("resource", Kind::words);
    let is_done = matches!(news, News::Done(_));
    let is_mended = is_done && remedy.is_some_and(Remedy::is_harmless);
    let region = region_option(arn);
    let _ = write!(text, "\n* {kind} {name}");
    match news {
        News::Failed(why) | News::Doubled(why) => {
            let _ = write!(text, "\n  Failed: {}. The guard tries again, each time after a longer pause.", why.trim_end_matches('.'));
        }
        News::GivenUp(why) => {
            let _ = write!(text, "\n  Failed: {}. It goes on as it is, and the guard leaves it alone.", why.trim_end_matches('.'));
        }
        News::Warning(at) => {
            let _ = write!(
                text,
                ": on {} it will be {}, unless you {}",
                policy.clock(*at),
                done_to(told.first),
                told.first.instead.unwrap_or("keep it")
            );
        }
        News::Reminder(since) | News::Escalation(since) => {
            let _ = write!(text, ": open since {}", policy.clock(*since));
        }
        News::Done(End::Stopped(Some(note)) | End::ByItself(note)) => {
            let _ = write!(text, "\n  Note:  {note}.");
        }
        News::Done(_) | News::Found => {}
    }
    for (rule, reason) in &told.reasons {
        let label = if is_mended { "Was:" } else { "Why:" };
        let _ = write!(text, "\n  {label}   {reason} ({rule}).");
    }
    let _ = match (told.usd_per_month, told.usd_per_hour) {
        _ if is_mended => Ok(()),
        (_, Some(hour)) if is_done => {
            write!(text, "\n  Cost:  {} an hour while it was on.", dollars(hour))
        }
        (Some(most), Some(hour)) if is_job(told.first) => {
            write!(text, "\n  Costs: {} an hour, at most {} until its time limit.", dollars(hour), dollars(most))
        }
        (Some(month), Some(hour)) => write!(text, "\n  Costs: {} a month if nothing changes ({} an hour).", dollars(month), dollars(hour)),
        (Some(month), None) => write!(text, "\n  Costs: {} a month.", dollars(month)),
        (None, Some(hour)) => write!(text, "\n  Costs: {} an hour.", dollars(hour)),
        (None, None) if remedy == Some(&Remedy::None) || !Kind::of(id).is_some_and(Kind::is_metered) => Ok(()),
        (None, None) => write!(text, "\n  Costs: no price known."),
    };
    for line in &told.details {
        let _ = write!(text, "\n  {line}");
    }
    if let Some(why) = suspended.as_ref().filter(|why| told.reasons.iter().all(|(_, reason)| reason != why)) {
        let _ = write!(text, "\n  Note:  the guard leaves it alone for now: {why}.");
    }
    if let Some(remedy) = remedy.filter(|remedy| !is_done && **remedy != Remedy::None && !remedy.is_harmless()) {
        let keep_for = match policy.exemption.max {
            _ if is_job(told.first) => "Keep this job:".to_owned(),
            max if max < WEEK => format!("Keep it for {max}:"),
            _ => "Keep it for a week:".to_owned(),
        };
        let _ = write!(text, "\n  Stop it now:        {}", command(remedy, name, &region));
        let _ = write!(text, "\n  {keep_for:<19} {}", how_to_add(arn, [(KEEP_UNTIL_TAG, in_a_week(news, *now, policy).as_str())]));
        if let Some(hours) = told.hours {
            let _ = write!(text, "\n  Change its hours:   {}", how_to_add(arn, [(SCHEDULE_TAG, hours)]));
        }
    } else if let News::Done(end) = news {
        let _ = match (end, remedy) {
            (End::ByItself(_), _) => Ok(()),
            (End::NotNeeded(new), _) => write!(text, "\n  It was stopped because its Spot job, {new}, has done the work."),
            (End::Replaced(new), remedy) => write!(text, "{}", as_which_job(name, new, remedy, &region)),
            (End::Stopped(_), Some(Remedy::StopNotebook)) => {
                write!(
                    text,
                    "\n  Its files are kept. Start it again: aws sagemaker start-notebook-instance {region}--notebook-instance-name {name}"
                )
            }
            (End::Stopped(_), Some(Remedy::StopTuningJob)) => {
                write!(
                    text,
                    "\n  The results of its training jobs that had ended are kept, the others were stopped with it. Submit it again where you submitted it."
                )
            }
            (End::Stopped(_), Some(Remedy::StopTrainingJob | Remedy::ResubmitAsSpot(_))) => {
                write!(
                    text,
                    "\n  What it wrote to S3 is kept, what it trained since its last checkpoint is lost. Submit it again where you submitted it."
                )
            }
            (End::Stopped(_), Some(Remedy::StopProcessingJob | Remedy::StopTransformJob | Remedy::StopAutoMlJob)) => {
                write!(text, "\n  What it wrote to S3 is kept. Submit it again where you submitted it.")
            }
            (End::Stopped(_), Some(Remedy::AddTags { tags, from, .. })) => {
                let written = tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ");
                let right: Vec<(&str, String)> = tags.keys().map(|key| (key.as_str(), format!("<{key}>"))).collect();
                let right = how_to_add(arn, right.iter().map(|(key, value)| (*key, value.as_str())));
                write!(text, "\n  It now has: {written} ({from}).\n  Wrong? Write the right value over it: {right}")
            }
            (End::Stopped(_), Some(Remedy::ActivateTag)) => write!(text, "\n  In a day the bill knows it."),
            // Only what is in the ledger is known of it.
            (End::Stopped(_), None) if is_job(told.first) => write!(text, "\n  What it wrote to S3 is kept."),
            (End::Stopped(_), Some(Remedy::DeleteApp { .. } | Remedy::None) | None) => {
                write!(text, "\n  Its files are kept. Start it again where you started it.")
            }
        };
    }
    for advice in &told.advice {
        let _ = write!(text, "\n  To do: {}", advice.replace('\n', "\n         "));
    }
    text.push('\n');
}

/// The day a week from now, or from when it will be stopped; sooner where the policy keeps nothing for so long.
fn in_a_week(news: &News, now: Timestamp, policy: &Policy) -> String {
    let from = if let News::Warning(at) = news { now.max(*at) } else { now };
    (from + WEEK.min(policy.exemption.max).signed()).to_zoned_datetime(policy.calendar.zone.clone()).date().to_string()
}

/// The AWS CLI's command that does what the guard would do.
pub(crate) fn command(remedy: &Remedy, name: &str, region: &str) -> String {
    match remedy {
        Remedy::StopNotebook => format!("aws sagemaker stop-notebook-instance {region}--notebook-instance-name {name}"),
        Remedy::DeleteApp { domain, home, app_type, app_name } => {
            let home = match home {
                AppHome::Space(space) => format!("--space-name {space}"),
                AppHome::UserProfile(profile) => format!("--user-profile-name {profile}"),
            };
            format!("aws sagemaker delete-app {region}--domain-id {domain} {home} --app-type {app_type} --app-name {app_name}")
        }
        Remedy::StopTrainingJob | Remedy::ResubmitAsSpot(_) => how_to_stop(name, region),
        Remedy::StopTuningJob => format!("aws sagemaker stop-hyper-parameter-tuning-job {region}--hyper-parameter-tuning-job-name {name}"),
        Remedy::StopProcessingJob => format!("aws sagemaker stop-processing-job {region}--processing-job-name {name}"),
        Remedy::StopTransformJob => format!("aws sagemaker stop-transform-job {region}--transform-job-name {name}"),
        Remedy::StopAutoMlJob => format!("aws sagemaker stop-auto-ml-job {region}--auto-ml-job-name {name}"),
        // Their rules say in the advice how a person does it.
        Remedy::AddTags { .. } | Remedy::ActivateTag | Remedy::None => String::new(),
    }
}

/// What an owner has to know of the job that does the work now. Its terms are known in the run that submitted it.
fn as_which_job(old: &str, new: &str, remedy: Option<&Remedy>, region: &str) -> String {
    let terms = match remedy {
        Some(Remedy::ResubmitAsSpot(SpotTerms { wait, resumes, .. })) => {
            let from =
                if *resumes { "goes on from the checkpoints" } else { "starts from the beginning, because there were no checkpoints" };
            format!(" That {from}, and may take up to {wait} longer.")
        }
        _ => String::new(),
    };
    format!(
        "\n  It was stopped, and its work was submitted once more, on Spot: training job {new}.{terms} Whatever waits for {old} has to wait for {new} now.\
         \n  Stop the new one:   {}\
         \n  To keep the next one on demand, submit it with the tag {KEEP_UNTIL_TAG}, and the last day as its value.",
        how_to_stop(new, region)
    )
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    fn policy() -> Policy {
        Policy::from_toml("timezone = \"Europe/Berlin\"").unwrap()
    }

    fn letterhead(policy: &Policy) -> Letterhead<'_> {
        Letterhead { function: "notebook-stopper", policy, now: "2026-11-23T18:00:00Z".parse().unwrap() }
    }

    fn item(news: News, name: &str, usd_per_month: Option<Decimal>) -> Item {
        Item {
            key: ("notebook-off-hours".into(), format!("notebook-instance/{name}")),
            news,
            id: format!("notebook-instance/{name}"),
            arn: format!("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}"),
            name: name.into(),
            owner: Some("ann@example.com".into()),
            team: Some("nlp".into()),
            reason: "on since Mon 2026-11-23 09:00 CET (11h), outside the policy's working hours".into(),
            advice: None,
            hours: Some("mon-fri/08:00-19:00@Europe/Berlin".into()),
            usd_per_hour: usd_per_month.map(|usd| usd / dec!(730)),
            usd_per_month,
            remedy: Some(Remedy::StopNotebook),
            suspended: None,
            severity: Severity::Info,
            headline: None,
            subject: None,
            details: vec![],
            instead: None,
        }
    }

    fn warning() -> News {
        News::Warning("2026-11-23T18:30:00Z".parse().unwrap())
    }

    fn stopped() -> News {
        News::Done(End::Stopped(None))
    }

    fn one(items: &[Item]) -> Digest {
        let mut digests = digests(items, &BTreeMap::new(), &letterhead(&policy()));
        assert_eq!(digests.len(), 1);
        digests.remove(0)
    }

    #[test]
    fn a_warning_says_when_and_how_to_keep_it() {
        let digest = one(&[item(warning(), "churn", Some(dec!(112.93)))]);
        assert_eq!(digest.subject, "Cost guard: churn will be stopped Mon 2026-11-23 19:30 CET, $112.93 a month");
        assert_eq!((digest.severity, digest.teams), (Severity::Warning, vec!["nlp".to_owned()]));
        for line in [
            "For ann@example.com.",
            "* notebook instance churn: on Mon 2026-11-23 19:30 CET it will be stopped, unless you keep it",
            "  Costs: $112.93 a month if nothing changes ($0.15 an hour).",
            "  Stop it now:        aws sagemaker stop-notebook-instance --region eu-central-1 --notebook-instance-name churn",
            "  Keep it for a week: aws sagemaker add-tags --region eu-central-1 --resource-arn arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn --tags 'Key=cost-guard:keep-until,Value=2026-11-30'",
        ] {
            assert!(digest.body.lines().any(|found| found == line), "{line}\n{}", digest.body);
        }
    }

    #[test]
    fn two_rules_on_one_resource_are_one_cost() {
        let digest = one(&[item(News::Found, "churn", Some(dec!(100))), item(warning(), "churn", Some(dec!(40)))]);
        assert_eq!(digest.subject, "Cost guard: churn will be stopped Mon 2026-11-23 19:30 CET, $100.00 a month");
        assert_eq!(digest.body.matches("* notebook").count(), 1);
        assert_eq!(digest.body.matches("Why:").count(), 2);
    }

    #[test]
    fn subjects_say_the_most_urgent() {
        let failed = || News::Failed("AccessDeniedException".into());
        let since = || News::Reminder("2026-11-16T18:00:00Z".parse().unwrap());
        for (items, subject, severity) in [
            (vec![item(News::Found, "a", None)], "Cost guard: a needs a look", Severity::Info),
            (
                vec![item(News::Found, "a", Some(dec!(1))), item(since(), "b", Some(dec!(2)))],
                "Cost guard: 2 findings, $3.00 a month",
                Severity::Info,
            ),
            (vec![item(stopped(), "a", Some(dec!(1)))], "Cost guard: a was stopped, saves up to $1.00 a month", Severity::Info),
            (vec![item(stopped(), "a", None), item(failed(), "b", None)], "Cost guard: 1 of 2 could not be stopped", Severity::Critical),
            (
                vec![item(stopped(), "a", None), item(warning(), "b", None)],
                "Cost guard: 1 of 2 will be stopped Mon 2026-11-23 19:30 CET",
                Severity::Warning,
            ),
            (
                vec![item(stopped(), "a", Some(dec!(1))), item(stopped(), "b", Some(dec!(2))), item(News::Found, "c", Some(dec!(4)))],
                "Cost guard: 2 of 3 were stopped, saves up to $3.00 a month",
                Severity::Info,
            ),
            (
                vec![item(News::Found, &"ä".repeat(200), None)],
                &format!("Cost guard: {}..{} needs a look", "?".repeat(36), "?".repeat(36)),
                Severity::Info,
            ),
        ] {
            let digest = one(&items);
            assert_eq!((digest.subject.as_str(), digest.severity), (subject, severity));
        }
    }

    #[test]
    fn what_nobody_owns_and_what_has_no_price_is_said() {
        let mut nobodys = item(News::Found, "x", None);
        (nobodys.owner, nobodys.team) = (None, None);
        let digest = one(&[nobodys]);
        assert_eq!((digest.owner.as_str(), digest.teams), ("unowned", vec!["unowned".to_owned()]));
        assert!(digest.body.starts_with("Nobody owns these: none of them has a tag Owner or owner."), "{}", digest.body);
        assert!(digest.body.contains("no price known"));
    }

    #[test]
    fn a_long_mail_is_cut_at_a_finding() {
        let items: Vec<Item> = (0..3000).map(|n| item(News::Found, &format!("nb-{n:05}"), Some(dec!(1)))).collect();
        let digest = one(&items);
        let told = digest.body.matches("* notebook").count();
        assert!(digest.body.len() < 250 * 1024 && 300 < told);
        assert_eq!(digest.told.len(), told, "who is not in it was not told");
        assert!(digest.body.contains(&format!("… and {} more", 3000 - told)), "{}", &digest.body[digest.body.len() - 300..]);
    }

    #[test]
    fn many_teams_leave_room_for_the_mail() {
        let of_team =
            |n: usize| Item { team: Some(format!("a-team-with-a-long-name-{n:05}")), ..item(News::Found, &format!("nb-{n}"), None) };
        let items: Vec<Item> = (0..2000).map(of_team).collect();
        let digest = one(&items);
        let attribute: usize = digest.teams.iter().map(|team| team.len() + 3).sum();
        assert!(200 < digest.teams.len() && attribute <= 8 * 1024 && digest.body.len() + attribute < 255 * 1024);
    }

    #[test]
    fn only_what_helps_is_offered() {
        let always_on = |name: &str| Item { key: ("notebook-always-on".into(), "x".into()), ..item(News::Found, name, None) };
        let always_on = |name: &str| Item { hours: None, ..always_on(name) };
        assert!(one(&[item(News::Found, "a", None)]).body.contains("Change its hours"));
        assert!(!one(&[item(News::Found, "a", None), always_on("a")]).body.contains("Change its hours"), "hours end no long run");
        let short = Policy::from_toml("[exemption]\nmax = \"2d\"").unwrap();
        let digest = digests(&[item(News::Found, "a", None)], &BTreeMap::new(), &letterhead(&short)).remove(0);
        assert!(
            digest.body.contains("Keep it for 2d:     aws sagemaker add-tags") && digest.body.contains("Value=2026-11-25"),
            "{}",
            digest.body
        );
    }

    #[test]
    fn a_job_is_told_by_what_it_costs_at_most() {
        let job = |news, remedy| Item {
            key: ("training-on-demand".into(), "training-job/churn".into()),
            id: "training-job/churn".into(),
            remedy: Some(remedy),
            advice: Some("run it on Spot next time.\nSDK: use_spot_instances=True".into()),
            usd_per_hour: Some(dec!(0.46)),
            ..item(news, "churn", Some(dec!(11.04)))
        };
        let resubmit = || {
            Remedy::ResubmitAsSpot(crate::finding::SpotTerms {
                name: "churn-spot".into(),
                wait: Duration::hours(12),
                checkpoints: None,
                resumes: false,
            })
        };
        for (item, subject, line) in [
            (
                job(News::Found, Remedy::None),
                "Cost guard: churn needs a look, up to $11.04",
                "  Costs: $0.46 an hour, at most $11.04 until its time limit.",
            ),
            (job(News::Found, Remedy::None), "Cost guard: churn needs a look, up to $11.04", "         SDK: use_spot_instances=True"),
            (
                job(warning(), resubmit()),
                "Cost guard: churn will be resubmitted as Spot Mon 2026-11-23 19:30 CET, up to $11.04",
                "* training job churn: on Mon 2026-11-23 19:30 CET it will be resubmitted as Spot, unless you keep it",
            ),
            (
                job(News::Done(End::Replaced("churn-spot".into())), resubmit()),
                "Cost guard: churn was resubmitted as Spot, $0.46 an hour",
                "  Stop the new one:   aws sagemaker stop-training-job --region eu-central-1 --training-job-name churn-spot",
            ),
            (
                job(News::Done(End::Replaced("churn-spot".into())), Remedy::StopTrainingJob),
                "Cost guard: churn was resubmitted as Spot, $0.46 an hour",
                "  It was stopped, and its work was submitted once more, on Spot: training job churn-spot. Whatever waits for churn has to wait for churn-spot now.",
            ),
            (
                job(News::Done(End::NotNeeded("churn-spot".into())), resubmit()),
                "Cost guard: churn was stopped, $0.46 an hour",
                "  It was stopped because its Spot job, churn-spot, has done the work.",
            ),
            (
                job(News::Done(End::ByItself("churn-spot was stopped again".into())), resubmit()),
                "Cost guard: churn was over already",
                "  Note:  churn-spot was stopped again.",
            ),
            (
                job(News::Doubled("AccessDeniedException: no.".into()), resubmit()),
                "Cost guard: churn could not be stopped, up to $11.04",
                "  Failed: AccessDeniedException: no. The guard tries again, each time after a longer pause.",
            ),
            (
                job(News::GivenUp("churn-spot is Stopped".into()), resubmit()),
                "Cost guard: churn will not be resubmitted as Spot, up to $11.04",
                "  Failed: churn-spot is Stopped. It goes on as it is, and the guard leaves it alone.",
            ),
            (
                job(warning(), Remedy::StopTrainingJob),
                "Cost guard: churn will be stopped Mon 2026-11-23 19:30 CET, up to $11.04",
                "  Stop it now:        aws sagemaker stop-training-job --region eu-central-1 --training-job-name churn",
            ),
        ] {
            let digest = one(&[item]);
            assert_eq!(digest.subject, subject);
            assert!(digest.body.lines().any(|found| found == line), "{line}\n{}", digest.body);
        }
    }

    #[test]
    fn what_was_tagged_says_with_what_from_where_and_how_to_write_over_it() {
        let remedy = Remedy::AddTags {
            tags: [("Owner".to_owned(), "ann@example.com".to_owned())].into(),
            from: "Owner from who created it".into(),
            rest: None,
        };
        let tagged = Item { remedy: Some(remedy), headline: Some("untagged"), ..item(stopped(), "churn", Some(dec!(100))) };
        let body = one(&[tagged]).body;
        for line in [
            "  It now has: Owner=ann@example.com (Owner from who created it).",
            "  Wrong? Write the right value over it: aws sagemaker add-tags --region eu-central-1 --resource-arn arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn --tags 'Key=Owner,Value=<Owner>'",
        ] {
            assert!(body.lines().any(|found| found == line), "{line}\n{body}");
        }
        assert!(body.contains("  Was:   ") && !body.contains("Costs:") && !body.contains("Why:"), "{body}");
    }

    #[test]
    fn what_is_open_for_long_and_what_ends_by_itself_is_counted_as_what_it_is() {
        let untagged = |name: &str, news| Item { headline: Some("untagged"), ..item(news, name, Some(dec!(100))) };
        let since = News::Escalation("2026-11-09T18:00:00Z".parse().unwrap());
        let digest = one(&[untagged("a", since.clone()), untagged("b", since)]);
        assert_eq!(digest.subject, "Cost guard: 2 resources still untagged after 14d, $200.00 a month");
        let job = |name: &str| Item { id: format!("training-job/{name}"), usd_per_month: Some(dec!(7)), ..untagged(name, News::Found) };
        assert_eq!(
            one(&[job("c"), untagged("a", News::Found)]).subject,
            "Cost guard: 2 resources untagged, $100.00 a month and up to $7.00"
        );
        assert_eq!(one(&[job("c")]).subject, "Cost guard: c untagged, up to $7.00");
    }

    #[test]
    fn a_budget_has_its_own_subject_and_what_there_is_to_know_once() {
        let budget = |rule: &str, severity, subject: &str| Item {
            key: (rule.into(), "budget/ml-dev".into()),
            id: "budget/ml-dev".into(),
            arn: "arn:aws:budgets::123456789012:budget/ml-dev".into(),
            name: "ml-dev".into(),
            owner: None,
            remedy: Some(Remedy::None),
            hours: None,
            subject: Some(subject.into()),
            details: vec!["Ahead: $1,200.00".into(), "Cause: x:".into(), "       y".into()],
            severity,
            ..item(News::Found, "ml-dev", None)
        };
        let used_up = || budget("budget-exceeded", Severity::Critical, "budget ml-dev: $1,010.00 of $1,000.00 (101 %)");
        let digest = one(&[budget("budget-unhealthy", Severity::Warning, "budget ml-dev does not watch the spend"), used_up()]);
        assert_eq!(digest.subject, "Cost guard: budget ml-dev: $1,010.00 of $1,000.00 (101 %)");
        assert_eq!(digest.severity, Severity::Critical);
        assert!(digest.body.starts_with("For whoever runs the platform.\nAWS account 123456789012.\n"), "{}", digest.body);
        assert_eq!((digest.body.matches("Ahead:").count(), digest.body.matches("Why:").count()), (1, 2), "{}", digest.body);
        assert!(digest.body.contains("\n  Cause: x:\n         y\n") && !digest.body.contains("Costs:"), "{}", digest.body);
        let other = Item { key: ("no-budget".into(), "spend/sagemaker".into()), id: "spend/sagemaker".into(), ..used_up() };
        assert!(one(&[used_up(), other]).subject.ends_with("(101 %), and 1 more"));
    }

    #[test]
    fn each_owner_gets_one_mail_and_hears_what_is_held_back() {
        let mut bobs = item(warning(), "b", None);
        bobs.owner = Some("bob@example.com".into());
        let held = BTreeMap::from([("bob@example.com".to_owned(), 875)]);
        let digests = digests(&[item(warning(), "a", None), bobs, item(warning(), "c", None)], &held, &letterhead(&policy()));
        assert_eq!(digests.iter().map(|digest| digest.owner.as_str()).collect::<Vec<_>>(), ["ann@example.com", "bob@example.com"]);
        assert!(digests[1].body.contains("875 more of yours are due") && !digests[0].body.contains("more of yours"));
    }
}
