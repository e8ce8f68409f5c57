//! The daily mail of an owner: everything that has waited since the last one.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use crate::{
    mail::{
        body::{BODY, link_line, opening},
        closing::closing,
        digest::{Digest, teams},
        item::MailContext,
        notification::Notification,
        subject::{SUBJECT, printable, shortened},
    },
    rules::verdict::Severity,
    vocabulary::price::dollars,
};

/// The daily mail of an owner. `waiting` is what it tells: at least one. What does not fit is counted in the mail, and is in the weekly summary.
pub(crate) fn daily(owner: &str, waiting: &[&Notification], context: &MailContext<'_>) -> Digest {
    let arns: Vec<&str> = waiting.iter().map(|one| one.arn.as_str()).collect();
    let mut text = opening(owner, &arns, context);
    text += &sections(waiting, BODY.saturating_sub(text.len()));
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
    }
}

/// What happened under one heading: the notifications of each resource.
struct Section<'a> {
    heading: &'a str,
    resources: Vec<Vec<&'a Notification>>,
}

/// The parts of the mail, by what happened, the most expensive first. A resource that is told more than once under a heading has one part, with all reasons.
/// Links to the console are left out if they would take the place of resources.
pub(crate) fn sections(waiting: &[&Notification], room: usize) -> String {
    let (text, left) = written(waiting, room, |one| link_line(one.link.as_deref()));
    if left == 0 {
        return text;
    }
    let (text, left) = written(waiting, room, |_| String::new());
    if left == 0 {
        return text;
    }
    format!("{text}\n… and {left} more, which do not fit into one mail: your weekly summary counts them.\n")
}

/// These parts, and how many resources do not fit.
fn written(waiting: &[&Notification], room: usize, link: impl Fn(&Notification) -> String) -> (String, usize) {
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
    // What was done comes before what is open.
    sections.sort_by_key(|section| section.resources[0][0].is_open);
    let mut text = String::new();
    let mut left = 0;
    for Section { heading, mut resources } in sections {
        resources.sort_by_key(|same| std::cmp::Reverse(cost(same)));
        let mut part = format!("\n{}\n", heading.to_uppercase());
        for same in resources {
            part += &same[0].text;
            for reason in same[1..].iter().flat_map(|one| &one.reasons).filter(|reason| !same[0].reasons.contains(reason)) {
                part += reason;
                part.push('\n');
            }
            part += &link(same[0]);
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

/// What a resource costs a month: the highest of what its notifications say, because it is the same money.
fn cost(same: &[&Notification]) -> Option<Decimal> {
    same.iter().filter_map(|one| one.usd_per_month).max()
}

/// `Cost guard: 2 stopped, 3 found, $337.00 a month`
fn subject(waiting: &[&Notification]) -> String {
    let mut by_resource: BTreeMap<&str, Option<Decimal>> = BTreeMap::new();
    let mut counts: Vec<(&str, Vec<&str>)> = vec![];
    let mut ordered = waiting.to_vec();
    ordered.sort_by_key(|one| one.is_open);
    for one in ordered {
        let usd = by_resource.entry(&one.arn).or_default();
        *usd = (*usd).max(one.usd_per_month);
        match counts.iter_mut().find(|(what, _)| *what == one.counted_as) {
            Some((_, arns)) if arns.contains(&one.arn.as_str()) => {}
            Some((_, arns)) => arns.push(&one.arn),
            None => counts.push((&one.counted_as, vec![&one.arn])),
        }
    }
    let total: Decimal = by_resource.values().flatten().sum();
    let cost = if total.is_zero() { String::new() } else { format!(", {} a month", dollars(total)) };
    let what = match waiting {
        [one] => {
            let name = shortened(&one.name, SUBJECT.saturating_sub(13 + one.headline.len() + cost.len()));
            format!("{name} {}", one.headline)
        }
        _ => counts.iter().map(|(what, arns)| format!("{} {what}", arns.len())).collect::<Vec<_>>().join(", "),
    };
    printable(&format!("Cost guard: {what}{cost}"))
}
