//! The body of a mail: what, why, dollars, when, and how to stop or keep it.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    mail::{
        closing::closing,
        item::{Item, MailContext, MailEntry, said},
        part::{Lists, Part, Read, part},
    },
    plan::News,
    remedy::{Remedy, console_link},
    vocabulary::{
        resource::{Arn, Kind, UNOWNED},
        time_zone::{clock, zone_at},
        timed_text::TimedText,
    },
};

/// The longest body, in bytes. SNS accepts 256 KiB including subject and attributes, which need room, as does the end of the body.
pub(crate) const BODY: usize = 240 * 1024;

/// The line that says by which clock the times of a mail are.
pub(crate) fn by_which_clock(zone: &TimeZone, now: Timestamp) -> String {
    let name = zone.iana_name().map_or_else(|| clock(now, zone), str::to_owned);
    // The subject has the offset where the zone has no abbreviation that people know.
    let offset = Some(zone_at(now, zone)).filter(|offset| offset.starts_with("UTC") && *offset != name);
    let offset = offset.map_or_else(String::new, |offset| format!(" ({offset})"));
    format!("All times: {name}{offset}.\n")
}

/// What a mail says, or a section of it, if all of it is only reported.
pub(crate) const ONLY_REPORTED: &str = "Only reported: the rules in brackets stop nothing. A rule that stops something warns you first.\n";

/// The body, and how many of the entries fit into it. Links to the console are left out if they would take the place of entries.
pub(crate) fn body(owner: &str, told: &[MailEntry<'_>], held_back: usize, context: &MailContext<'_>) -> (String, usize) {
    let mut lists = Lists::new();
    let parts: Vec<Part> = told.iter().map(|one| part(one, &mut lists, Read::AtOnce, context)).collect();
    let by_hand: Vec<&str> = parts.iter().map(|part| part.by_hand.as_str()).collect();
    let parts: Vec<TimedText> = parts.iter().map(Part::text).collect();
    let zone = told.first().map_or(&context.policy.calendar.zone, |one| &one.first.zone);
    let arns: Vec<&str> = told.iter().map(|one| one.first.arn.as_str()).collect();
    let mut opening = opening(owner, &arns, context);
    if parts.iter().any(TimedText::has_time) {
        opening += &by_which_clock(zone, context.now);
    }
    let texts: Vec<String> = parts.iter().map(|part| part.by_clock_of(zone)).collect();
    let linked: Vec<String> = texts.iter().zip(told).map(|(text, one)| format!("{text}{}", link_line(link(one).as_deref()))).collect();
    let (mut text, mut fitted) = written(&opening, told, &linked);
    if fitted < told.len() {
        (text, fitted) = written(&opening, told, &texts);
    }
    if 0 < held_back {
        let _ = write!(
            text,
            "\nHeld back: {held_back} more of yours are due, but one run does only so much (`max-actions`). The next run goes on.\n"
        );
    }
    text += &at_the_end(by_hand.into_iter().take(fitted), BODY.saturating_sub(text.len()));
    text += &closing(owner, context);
    (text, fitted)
}

/// How people do by hand what the mail is about, below everything else, as far as there is room.
pub(crate) fn at_the_end<'a>(by_hand: impl Iterator<Item = &'a str>, room: usize) -> String {
    let mut text = String::new();
    for one in by_hand.filter(|one| !one.is_empty()) {
        let heading = if text.is_empty() { "\nTO SET IT BY HAND OR BY CODE\n" } else { "" };
        if text.len() + heading.len() + one.len() <= room {
            text += heading;
            text += one;
        }
    }
    text
}

/// The link to a resource's page in the console.
pub(crate) fn link(told: &MailEntry<'_>) -> Option<String> {
    let Item { arn, id, name, .. } = told.first;
    console_link(arn, id, name)
}

/// The line with a link.
pub(crate) fn link_line(link: Option<&str>) -> String {
    link.map_or_else(String::new, |link| format!("  Console: {link}\n"))
}

/// The mail with these parts, one for each entry, and how many of them fit into it.
fn written(opening: &str, told: &[MailEntry<'_>], parts: &[String]) -> (String, usize) {
    let mut text = opening.to_owned();
    let is_report = told.iter().all(|one| one.first.is_report());
    text += if is_report { ONLY_REPORTED } else { "" };
    let mut before = String::new();
    for (index, (one, part)) in told.iter().zip(parts).enumerate() {
        let this = said(one.first, true);
        let heading = if this == before { String::new() } else { heading(&this, &told[index..], is_report) };
        before = this;
        if BODY < text.len() + heading.len() + part.len() {
            let _ = write!(text, "\n… and {} more, which do not fit into one mail: they come with the next.\n", told.len() - index);
            return (text, index);
        }
        text += &heading;
        text += part;
    }
    (text, told.len())
}

/// The heading of a section, and what there is to know about all of it. `told`: the entries from its first one on.
fn heading(what: &str, told: &[MailEntry<'_>], is_report: bool) -> String {
    let mut text = format!("\n{}\n", what.to_uppercase());
    let section: Vec<&MailEntry<'_>> = told.iter().take_while(|one| said(one.first, true) == what).collect();
    if !is_report && section.iter().all(|one| one.first.is_report()) {
        text += ONLY_REPORTED;
    }
    let warned = section.iter().filter(|one| matches!(one.first.news, News::Warning(_)));
    let mut kept: Vec<&str> = vec![];
    for what in warned.filter_map(|one| one.remedy?.what_is_kept()) {
        if !kept.contains(&what) {
            let _ = writeln!(text, "{what}");
            kept.push(what);
        }
    }
    text + &again(&section)
}

/// What happens without another warning if it is left on again: said once for all of a section.
fn again(section: &[&MailEntry<'_>]) -> String {
    let recur: Vec<&MailEntry<'_>> =
        section.iter().copied().filter(|one| matches!(one.first.news, News::Warning(_)) && one.first.recurs).collect();
    let Some(MailEntry { first, .. }) = recur.first() else { return String::new() };
    let names = || recur.iter().map(|one| one.first.name.as_str()).collect::<Vec<_>>().join(", ");
    let what = if recur.len() < section.len() { format!(" ({})", names()) } else { String::new() };
    if first.remedy.as_ref().is_some_and(Remedy::is_routine) {
        return format!(
            "This is the only warning{what}. The endpoint is {} each time its working hours end, and your weekly summary counts how often.\n\
             If you create it again outside its working hours, you get a new warning.\n",
            first.participle()
        );
    }
    format!(
        "This warning holds for 7 days{what}: what is left on when working hours end is {} without another warning, and your weekly summary lists it.\n\
         What you start or use after working hours gets a new warning.\n",
        first.participle()
    )
}

/// The first lines of a mail: for whom it is, and about which account and Region.
pub(crate) fn opening(owner: &str, arns: &[&str], context: &MailContext<'_>) -> String {
    let kind = |arn: &str| Arn::parse(arn).map_or_else(|| Kind::of(arn), |arn| Kind::of(&arn.id()?));
    let is_of_the_account = |arn: &&str| kind(arn).is_some_and(Kind::is_of_the_account);
    let text = if owner == UNOWNED && arns.iter().all(is_of_the_account) {
        "For whoever runs the platform.\n".to_owned()
    } else if owner == UNOWNED {
        let tags = context.policy.owner_tags.join(" or ");
        let left = if context.policy.left.texts().is_empty() { "" } else { ", or who it names has left" };
        format!(
            "No owner is known: no tag {tags} of the resources below names anybody{left}. Please find out whose they are, or stop what nobody needs.\n"
        )
    } else {
        format!("For {owner}.\n")
    };
    text + &place(arns)
}

/// The line with the account and the Region.
pub(crate) fn place(arns: &[&str]) -> String {
    let mut arns = arns.iter().filter_map(|arn| Arn::parse(arn));
    match arns.clone().find(|arn| !arn.region.is_empty()).or_else(|| arns.next()) {
        Some(Arn { region: "", account, .. }) => format!("AWS account {account}.\n"),
        Some(Arn { region, account, .. }) => format!("AWS account {account}, Region {region}.\n"),
        None => String::new(),
    }
}
