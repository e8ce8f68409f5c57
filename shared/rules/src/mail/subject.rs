//! The subject of a mail: at most 99 ASCII characters, with the resource and what happens to it first, then the cost or what it saves.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    mail::item::{MailEntry, StopSaves, is_job, said},
    plan::{End, News},
    remedy::Remedy,
    vocabulary::{
        duration::roughly,
        price::{SPOT_SAVES_UP_TO, dollars},
        time_zone::{clock, time_of_day, until},
    },
};

/// The longest subject that SNS accepts, in ASCII characters.
pub(crate) const SUBJECT: usize = 99;

/// The fewest characters of a name that say something.
const SHORTEST: usize = 8;

/// The most urgent entry comes first. The subject and its cost are about all entries with the same news.
pub(crate) fn subject(told: &[MailEntry<'_>], now: Timestamp) -> String {
    let Some(MailEntry { first, .. }) = told.first() else { return String::new() };
    let is_only_told = matches!(first.news, News::Found | News::Reminder(_));
    if let Some(subject) = first.notice.subject.as_ref().filter(|_| is_only_told) {
        let more = if 1 < told.len() { format!(", and {} more", told.len() - 1) } else { String::new() };
        let subject = shortened(subject, SUBJECT.saturating_sub(12 + more.len()));
        return printable(&format!("Cost guard: {subject}{more}"));
    }
    let is_alike = |one: &&MailEntry<'_>| is_only_told || said(one.first, true) == said(first, true);
    let alike: Vec<&MailEntry<'_>> = told.iter().filter(is_alike).collect();
    let cost = cost(&alike, now);
    let [long, brief] = [false, true].map(|is_brief| what(&alike, now, is_brief));
    let dearest = alike.iter().rev().max_by_key(|told| (told.wasted_per_month, told.usd_per_month)).map_or(*first, |told| told.first);
    let more = if 1 < alike.len() { format!(" and {} more", alike.len() - 1) } else { String::new() };
    let besides = if alike.len() < told.len() { format!("; {} more in this mail", told.len() - alike.len()) } else { String::new() };
    // The name says more than what stands at the end, and than the date of a stop within a day.
    let ends = [
        format!("{long}{}{besides}", cost.text),
        format!("{long}{}{besides}", cost.short),
        format!("{long}{}", cost.short),
        format!("{brief}{}", cost.short),
    ];
    let room = |end: &String| SUBJECT.saturating_sub(13 + more.len() + end.len());
    let name = dearest.name.chars().count();
    // A name is shortened before the cost is left out, but not to less than says something.
    let last = ends.last().filter(|end| SHORTEST <= room(end)).unwrap_or(&brief);
    let end = ends.iter().find(|end| name <= room(end)).unwrap_or(last);
    printable(&format!("Cost guard: {}{more} {end}", shortened(&dearest.name, room(end))))
}

/// What happens to entries with the same news: `will be stopped Mon 2026-11-23 19:30 CET`. `is_brief`: without the date of what happens within a day.
fn what(alike: &[&MailEntry<'_>], now: Timestamp, is_brief: bool) -> String {
    let first = alike[0].first;
    match &first.news {
        News::Warning(_) => {
            let stop = |told: &&MailEntry<'_>| if let News::Warning(at) = told.first.news { Some(at) } else { None };
            let mut stops: Vec<Timestamp> = alike.iter().filter_map(stop).collect();
            stops.sort_unstable();
            stops.dedup();
            let from = if 1 < stops.len() { "from " } else { "" };
            let time = |at: Timestamp| {
                let is_near = at.duration_since(now) < SignedDuration::from_hours(24);
                if is_brief && is_near { time_of_day(at, &first.zone) } else { clock(at, &first.zone) }
            };
            let at = stops.first().map(|at| format!(" {from}{}", time(*at))).unwrap_or_default();
            said(first, alike.len() == 1) + &at
        }
        News::Escalation(since) if let Some(headline) = first.notice.headline => {
            format!("still {headline} after {}", roughly(now.duration_since(*since)))
        }
        News::Found | News::Reminder(_) => {
            let headline = first.notice.headline.filter(|_| alike.iter().all(|one| one.first.notice.headline == first.notice.headline));
            headline.unwrap_or(if alike.len() == 1 { "needs a look" } else { "need a look" }).to_owned()
        }
        _ => said(first, alike.len() == 1),
    }
}

/// The end of a subject.
struct Cost {
    text: String,
    /// For a long name.
    short: String,
}

impl From<String> for Cost {
    fn from(text: String) -> Self {
        Self { short: text.clone(), text }
    }
}

/// What entries with the same news cost, or what their stop saves.
fn cost(alike: &[&MailEntry<'_>], now: Timestamp) -> Cost {
    let first = alike[0].first;
    let total: Decimal = alike.iter().filter_map(|told| told.wasted_per_month).sum();
    let hourly: Decimal = alike.iter().filter_map(|told| told.usd_per_hour).sum();
    let has_jobs = alike.iter().any(|told| is_job(told.first));
    // The cost of a job is given until its time limit, the cost of everything else per month.
    let of_jobs: Decimal = alike.iter().filter(|told| is_job(told.first)).filter_map(|told| told.wasted_per_month).sum();
    let a_month = total - of_jobs;
    // What runs at an unknown price is not free.
    let is_least = alike.iter().any(|told| told.unpriced.is_some() && told.usd_per_month.is_none());
    let least = if is_least { "at least " } else { "" };
    let runs_on = first.remedy.as_ref().is_some_and(Remedy::leaves_running);
    let saves_by_month = alike.iter().all(|told| told.is_saving && told.saves_by_month());
    match first.news {
        News::Done(End::ByItself(_)) => String::new().into(),
        News::Done(End::Replaced(_)) => format!(", saves up to {SPOT_SAVES_UP_TO} %").into(),
        _ if saves_by_month && !total.is_zero() => {
            Cost { text: format!(", saves about {} a month", dollars(total)), short: format!(", saves {} a month", dollars(total)) }
        }
        // What is not promised is not in a subject.
        _ if saves_by_month => String::new().into(),
        News::Done(_) if runs_on => String::new().into(),
        News::Warning(_) | News::Done(_) if !has_jobs => saves(alike, now).unwrap_or_else(|| {
            if hourly.is_zero() { String::new().into() } else { format!(", {least}{} an hour", dollars(hourly)).into() }
        }),
        News::Done(_) if !hourly.is_zero() => format!(", {} an hour", dollars(hourly)).into(),
        News::Done(_) => String::new().into(),
        _ if total.is_zero() => String::new().into(),
        News::Warning(_) if a_month.is_zero() && alike.iter().all(|told| told.ends_a_job()) => {
            format!(", saves up to {}", dollars(total)).into()
        }
        _ if a_month.is_zero() => format!(", costs up to {}", dollars(total)).into(),
        _ if !of_jobs.is_zero() => format!(", {least}{} a month and up to {}", dollars(a_month), dollars(of_jobs)).into(),
        _ => format!(", {least}{} a month", dollars(total)).into(),
    }
}

/// What the stops save this time: `, saves about $12.40 until 07:30`. `None`: the end of one of them is not known.
fn saves(alike: &[&MailEntry<'_>], now: Timestamp) -> Option<Cost> {
    let priced = alike.iter().filter(|told| told.usd_per_hour.is_some());
    let saves: Vec<StopSaves> = priced.map(|told| told.stop_saves(now)).collect::<Option<_>>()?;
    let (first, zone) = (saves.first()?, &alike[0].first.zone);
    let least = if saves.len() < alike.len() { "at least" } else { "about" };
    let short = format!(", saves {least} {}", dollars(saves.iter().map(|one| one.usd).sum()));
    let is_one_end = saves.iter().all(|one| one.until == first.until);
    let end = if is_one_end { format!(" until {}", until(first.until, now, zone)) } else { String::new() };
    Some(Cost { text: format!("{short}{end}"), short })
}

/// `Cost guard: your week: 2 stopped, $5.00 saved`: what a mail counts. If not all of it fits, the part with the number `least` is left out, rather than half of
/// the last number. `nothing`: what stands there if nothing is counted.
pub(crate) fn counting(whose: &str, parts: &[Option<String>], least: usize, nothing: &str) -> String {
    let written = |left_out: Option<usize>| {
        let parts = parts.iter().enumerate().filter(|(number, _)| Some(*number) != left_out);
        let parts: Vec<&str> = parts.filter_map(|(_, part)| part.as_deref()).collect();
        format!("Cost guard: {whose}: {}", if parts.is_empty() { nothing.to_owned() } else { parts.join(", ") })
    };
    let all = written(None);
    printable(&if SUBJECT < all.len() { written(Some(least)) } else { all })
}

pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(SUBJECT).collect()
}

/// Shortens a name to `room` characters by leaving out its middle, because names often differ only at their end.
pub(crate) fn shortened(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room || room < SHORTEST {
        return name.to_owned();
    }
    let front = (room - 2) / 2;
    let end: String = name.chars().skip(length - (room - 2 - front)).collect();
    name.chars().take(front).chain("..".chars()).chain(end.chars()).collect()
}
