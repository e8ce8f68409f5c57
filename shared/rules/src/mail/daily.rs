//! The daily mail of an owner: everything that has waited since the last one.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::{
    mail::{
        body::{BODY, ONLY_REPORTED, at_the_end, by_which_clock, link_line, opening},
        closing::closing,
        digest::{Audience, Digest, Told, teams},
        item::MailContext,
        notification::Notification,
        subject::{SUBJECT, printable, shortened},
    },
    rules::verdict::Severity,
    vocabulary::{price::dollars, timed_text::TimedText},
};

/// The daily mail of an owner. `waiting` is what it tells: at least one. What does not fit is counted in the mail, and is in the weekly summary.
pub(crate) fn daily(owner: &str, waiting: &[&Notification], context: &MailContext<'_>) -> Digest {
    let arns: Vec<&str> = waiting.iter().map(|one| one.arn.as_str()).collect();
    let zone = context.policy.zone_of(waiting.iter().find_map(|one| one.team.as_deref()));
    let mut text = opening(owner, &arns, context);
    if waiting.iter().any(|one| has_time(one)) {
        text += &by_which_clock(zone, context.now);
    }
    let is_report = waiting.iter().all(|one| one.is_report);
    text += if is_report { ONLY_REPORTED } else { "" };
    text += &sections(waiting, zone, is_report, BODY.saturating_sub(text.len()));
    text += &at_the_end(waiting.iter().map(|one| one.by_hand.as_str()), BODY.saturating_sub(text.len()));
    text += &closing(owner, context);
    let mut functions: Vec<String> = waiting.iter().map(|one| one.function.clone()).collect();
    functions.sort();
    functions.dedup();
    Digest {
        owner: owner.to_owned(),
        functions,
        teams: teams(waiting.iter().filter_map(|one| one.team.clone())),
        severity: Severity::Info,
        subject: subject(waiting),
        body: text,
        notified: vec![],
        audience: Audience::of(owner, waiting.iter().any(|one| one.concerns_the_platform())),
        told: Some(Told::default()),
    }
}

/// Whether there is a time in what a notification says.
pub(crate) fn has_time(one: &Notification) -> bool {
    [&one.head, &one.costs].into_iter().chain(&one.reasons).chain(&one.more).any(TimedText::has_time)
}

/// What happened under one heading: the notifications of each resource.
struct Section<'a> {
    heading: &'a str,
    resources: Vec<Vec<&'a Notification>>,
}

/// The parts of the mail, by what happened, the most expensive first. A resource that is told more than once under a heading has one part, with all reasons.
/// `is_report`: the mail has said that all of it is only reported. Links to the console are left out if they would take the place of resources.
pub(crate) fn sections(waiting: &[&Notification], zone: &TimeZone, is_report: bool, room: usize) -> String {
    let sections = in_order(waiting);
    let (text, left) = written(&sections, is_report, room, |same| joined(same).by_clock_of(zone) + &link_line(same[0].link.as_deref()));
    if left == 0 {
        return text;
    }
    let (text, left) = written(&sections, is_report, room, |same| joined(same).by_clock_of(zone));
    if left == 0 {
        return text;
    }
    format!("{text}\n… and {left} more, which do not fit into one mail: your weekly summary counts them.\n")
}

/// The sections: what was done comes before what is open, and what costs most first.
fn in_order<'a>(waiting: &[&'a Notification]) -> Vec<Section<'a>> {
    let mut sections: Vec<Section<'_>> = vec![];
    let mut places: HashMap<(&str, &str), (usize, usize)> = HashMap::new();
    for one in waiting {
        let index = sections.iter().position(|section| section.heading == one.heading).unwrap_or(sections.len());
        if index == sections.len() {
            sections.push(Section { heading: &one.heading, resources: vec![] });
        }
        let resources = &mut sections[index].resources;
        let (_, place) = *places.entry((&one.heading, &one.arn)).or_insert((index, resources.len()));
        match resources.get_mut(place) {
            Some(same) => same.push(one),
            None => resources.push(vec![one]),
        }
    }
    sections.sort_by_key(|section| section.resources[0][0].is_open);
    for section in &mut sections {
        section.resources.sort_by_key(|same| std::cmp::Reverse(cost(same)));
    }
    sections
}

/// The text of these sections, and how many resources do not fit.
fn written(sections: &[Section<'_>], is_report: bool, room: usize, resource: impl Fn(&[&Notification]) -> String) -> (String, usize) {
    let mut text = String::new();
    let mut left = 0;
    for Section { heading, resources } in sections {
        let mut part = format!("\n{}\n", heading.to_uppercase());
        if !is_report && resources.iter().flatten().all(|one| one.is_report) {
            part += ONLY_REPORTED;
        }
        for same in resources {
            part += &resource(same);
            if room < text.len() + part.len() {
                left += 1;
            } else {
                text += &part;
            }
            part.clear();
        }
    }
    (text, left)
}

/// The part about one resource: why it is told, once for each reason, then what it costs, then what can be done about all of it.
fn joined(same: &[&Notification]) -> TimedText {
    let mut text = same[0].head.clone();
    let dearest = same.iter().max_by_key(|one| (one.usd_per_month, !one.costs.is_empty()));
    let reasons = same.iter().flat_map(|one| &one.reasons);
    let more = same.iter().flat_map(|one| &one.more);
    let mut told: Vec<&TimedText> = vec![];
    for line in reasons.chain(dearest.map(|one| &one.costs)).chain(more) {
        if !told.contains(&line) {
            text.append(line);
            told.push(line);
        }
    }
    text.text("\n")
}

/// What a resource costs a month: the highest of what its notifications say, because it is the same money.
fn cost(same: &[&Notification]) -> Option<Decimal> {
    same.iter().filter_map(|one| one.usd_per_month).max()
}

/// `Cost guard: churn and 1 more stopped, 3 found, $337.00 a month`: the most expensive resource has its name in it.
fn subject(waiting: &[&Notification]) -> String {
    let mut by_resource: BTreeMap<&str, Option<Decimal>> = BTreeMap::new();
    let mut counts: Vec<(&str, Vec<&Notification>)> = vec![];
    let mut ordered = waiting.to_vec();
    ordered.sort_by_key(|one| one.is_open);
    for one in ordered {
        let usd = by_resource.entry(&one.arn).or_default();
        *usd = (*usd).max(one.usd_per_month);
        match counts.iter_mut().find(|(what, _)| *what == one.counted_as) {
            Some((_, alike)) if alike.iter().any(|other| other.arn == one.arn) => {}
            Some((_, alike)) => alike.push(one),
            None => counts.push((&one.counted_as, vec![one])),
        }
    }
    let total: Decimal = by_resource.values().flatten().sum();
    let cost = if total.is_zero() { String::new() } else { format!(", {} a month", dollars(total)) };
    let Some(((what, alike), others)) = counts.split_first() else { return String::new() };
    let Some(dearest) = alike.iter().rev().max_by_key(|one| (one.usd_per_month, one.usd_per_hour)) else { return String::new() };
    let what = if by_resource.len() == 1 { dearest.headline.as_str() } else { what };
    let more = if 1 < alike.len() { format!(" and {} more", alike.len() - 1) } else { String::new() };
    // A resource that is told of in two ways is named with the first one.
    let others = others.iter().filter(|_| 1 < by_resource.len()).map(|(what, alike)| format!(", {} {what}", alike.len()));
    let end = format!("{more} {what}{}{cost}", others.collect::<String>());
    let name = shortened(&dearest.name, SUBJECT.saturating_sub(12 + end.len()));
    printable(&format!("Cost guard: {name}{end}"))
}
