//! The subject of a mail: at most 99 ASCII characters, with the resource and what happens to it first, then the cost.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    mail::item::{MailEntry, is_job, said},
    plan::{End, News},
    policy::Policy,
    remedy::Remedy,
    vocabulary::{duration::roughly, price::dollars},
};

/// The longest subject that SNS accepts, in ASCII characters.
pub(crate) const SUBJECT: usize = 99;

pub(crate) fn subject(told: &[MailEntry<'_>], policy: &Policy, now: Timestamp) -> String {
    let Some(MailEntry { first, .. }) = told.first() else { return String::new() };
    // The most urgent entry comes first. The subject and its cost are about all entries with the same news.
    let is_only_told = matches!(first.news, News::Found | News::Reminder(_));
    if let Some(subject) = first.notice.subject.as_ref().filter(|_| is_only_told) {
        let more = if 1 < told.len() { format!(", and {} more", told.len() - 1) } else { String::new() };
        let subject = shortened(subject, SUBJECT.saturating_sub(12 + more.len()));
        return printable(&format!("Cost guard: {subject}{more}"));
    }
    let is_alike = |one: &&MailEntry<'_>| is_only_told || said(one.first, true) == said(first, true);
    let alike: Vec<&MailEntry<'_>> = told.iter().filter(is_alike).collect();
    let total: Decimal = alike.iter().filter_map(|told| told.usd_per_month).sum();
    let hourly: Decimal = alike.iter().filter_map(|told| told.usd_per_hour).sum();
    let has_jobs = alike.iter().any(|told| is_job(told.first));
    // The cost of a job is given until its time limit, the cost of everything else per month.
    let of_jobs: Decimal = alike.iter().filter(|told| is_job(told.first)).filter_map(|told| told.usd_per_month).sum();
    let a_month = total - of_jobs;
    // What runs at an unknown price is not free.
    let is_least = alike.iter().any(|told| told.unpriced.is_some() && told.usd_per_month.is_none());
    let least = if is_least { "at least " } else { "" };
    let cost = match first.news {
        News::Done(End::ByItself(_)) => String::new(),
        News::Done(_) if first.remedy.as_ref().is_some_and(Remedy::is_harmless) => String::new(),
        News::Done(_) if has_jobs && !hourly.is_zero() => format!(", {} an hour", dollars(hourly)),
        // Nothing is saved before it is stopped.
        News::Done(End::Stopping(_)) if !has_jobs && !total.is_zero() => format!(", {} a month", dollars(total)),
        News::Done(_) if !has_jobs && !total.is_zero() => format!(", saves up to {} a month", dollars(total)),
        News::Done(_) => String::new(),
        _ if total.is_zero() => String::new(),
        _ if a_month.is_zero() => format!(", up to {}", dollars(total)),
        _ if !of_jobs.is_zero() => format!(", {least}{} a month and up to {}", dollars(a_month), dollars(of_jobs)),
        _ => format!(", {least}{} a month", dollars(total)),
    };
    let mut what = said(first, alike.len() == 1);
    if let News::Warning(_) = first.news {
        let mut stops: Vec<Timestamp> =
            alike.iter().filter_map(|told| if let News::Warning(at) = told.first.news { Some(at) } else { None }).collect();
        stops.sort_unstable();
        stops.dedup();
        let from = if 1 < stops.len() { "from " } else { "" };
        what += &stops.first().map(|at| format!(" {from}{}", policy.clock(*at))).unwrap_or_default();
    }
    if let (News::Escalation(since), Some(headline)) = (&first.news, first.notice.headline) {
        what = format!("still {headline} after {}", roughly(now.duration_since(*since)));
    }
    if is_only_told {
        first.notice.headline.unwrap_or("needs a look").clone_into(&mut what);
    }
    let whose = match alike.len() {
        1 if told.len() == 1 => shortened(&first.name, SUBJECT.saturating_sub(13 + what.len() + cost.len())),
        n if is_only_told
            && alike.iter().all(|one| one.first.notice.headline.is_some() && one.first.notice.headline == first.notice.headline) =>
        {
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

pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(SUBJECT).collect()
}

/// Shortens a name to `room` characters by leaving out its middle, because names often differ only at their end.
pub(crate) fn shortened(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room || room < 8 {
        return name.to_owned();
    }
    let front = (room - 2) / 2;
    let end: String = name.chars().skip(length - (room - 2 - front)).collect();
    name.chars().take(front).chain("..".chars()).chain(end.chars()).collect()
}
