//! A rehearsal, for people, programs, spreadsheets and wikis.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use cost_rules::{
    facts::Unread,
    price::dollars,
    rehearsal::{LeftOut, Mails, NotRehearsed, Rehearsal, Stop, WhyLeftOut},
    resource::{Kind, owner_words},
    text::{cell, one_line},
};
use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde_json::{Value, json};

use crate::{output, scan::shown::plain};

/// How many stops the table lists. The other formats have all.
const LISTED: usize = 50;

/// How many resources of those that are left out the texts name. JSON has all.
const NAMED: usize = 5;

/// What no history tells.
const LIMITS: [&str; 6] = [
    "Who had a notebook or an app open already used it without a call that AWS records, and only a notebook's idle agent shows that: more stops may have been wrong than are counted.",
    "Calls of endpoints are known by the hour: a run within an hour does not see its calls, and a call in the hour of a stop counts as made after it.",
    "Tags, prices and exemptions are those of today, and so is what a deployed guard has already done. Instance types are those of the call that created a notebook or an app, else those of today.",
    "The functions run at the template's default times: endpoints are looked at daily at 07:45 UTC.",
    "Whether a program was running, and what was only in memory, is in no history.",
    "When a budget was used up, and what that would have enforced (`on-exceed`), is in no history.",
];

/// A rehearsal of a policy in one account and Region.
pub(super) struct Rehearsed {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) of: Rehearsal,
    pub(super) unread: Vec<Unread>,
    /// What could not be rehearsed.
    pub(super) left_out: Vec<LeftOut>,
    /// How many metrics CloudWatch was asked for.
    pub(super) metrics: usize,
}

/// A list with a title.
struct Section {
    title: &'static str,
    items: Vec<String>,
}

/// For people: the stops with what came after them, the sums, and what is not known.
pub(super) fn table(rehearsed: &Rehearsed) -> String {
    let of = &rehearsed.of;
    let mut text = format!("{}\n", headline(rehearsed));
    for stop in of.stops.iter().take(LISTED) {
        let saved = saved(stop);
        let after = after(stop);
        let _ = write!(
            text,
            "\n{}  {}, {}: {saved}\n    {after}\n    {} ({})\n",
            time(stop),
            name(stop),
            owner(stop),
            stop.reason,
            rules(stop)
        );
    }
    if LISTED < of.stops.len() {
        let _ = writeln!(text, "\n… and {} more: --format csv or json has all.", of.stops.len() - LISTED);
    }
    let rows: Vec<(&str, Vec<String>)> = sums(of).into_iter().map(|(name, value)| (name, vec![value])).collect();
    let _ = write!(text, "\n{}{}", output::table(&rows), mails(of).as_ref().map_or_else(String::new, Section::text));
    text + &not_known(rehearsed)
}

impl Section {
    fn text(&self) -> String {
        self.items.iter().fold(format!("\n{}:\n", self.title), |text, item| text + &format!("* {}\n", one_line(item)))
    }

    fn markdown(&self) -> String {
        self.items.iter().fold(format!("\n{}:\n\n", self.title), |text, item| text + &format!("* {}\n", plain(item)))
    }
}

/// `Account 123456789012, eu-central-1, 30 days until 2026-11-30T00:00:00Z: this policy would have stopped …`
fn headline(rehearsed: &Rehearsed) -> String {
    let of = &rehearsed.of;
    let hours = of.until.duration_since(of.from).as_hours();
    let days = counted(usize::try_from(hours / 24).unwrap_or_default(), "day", "days");
    let place = format!("Account {}, {}, {days} until {}", rehearsed.account, rehearsed.region, second(of.until));
    if of.looked_at == 0 {
        let is_whole = rehearsed.unread.is_empty() && rehearsed.left_out.is_empty();
        let known = if is_whole { "" } else { " as far as is known" };
        return format!("{place}: no notebook instance, Studio app or endpoint was on{known}, so there is nothing to rehearse.");
    }
    let looked = format!("of {} that were on", of.looked_at);
    if of.stops.is_empty() {
        return format!("{place}: this policy would have stopped nothing {looked}.");
    }
    let resources: BTreeSet<&str> = of.stops.iter().map(|stop| stop.resource.id.as_str()).collect();
    format!(
        "{place}: this policy would have stopped something {} ({} {looked}), {} wrongly, and saved at most about {}.",
        times(of.stops.len()),
        counted(resources.len(), "resource", "resources"),
        times(of.wrong().count()),
        dollars(of.saved_usd())
    )
}

/// `never`, `once`, `2 times`
pub(super) fn times(number: usize) -> String {
    match number {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        _ => format!("{number} times"),
    }
}

/// `1 entry`, `2 entries`
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-09T19:30+01:00`
fn time(stop: &Stop) -> String {
    stop.at.to_zoned_datetime(stop.zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string()
}

/// `nlp-lab (notebook-instance)`
fn name(stop: &Stop) -> String {
    format!("{} ({})", stop.resource.name, kind(stop))
}

fn kind(stop: &Stop) -> &'static str {
    stop.resource.kind().map_or("", Kind::as_str)
}

fn owner(stop: &Stop) -> String {
    let owner = stop.owner.as_deref().map_or_else(|| "no owner known".to_owned(), one_line);
    stop.team.as_deref().map_or_else(|| owner.clone(), |team| format!("{owner}, team {}", one_line(team)))
}

fn rules(stop: &Stop) -> String {
    stop.rules.join(", ")
}

fn saved(stop: &Stop) -> String {
    stop.saved_usd.map_or_else(|| "no price known".to_owned(), |usd| format!("{} saved", dollars(usd)))
}

/// `WRONG: opened by ann at …`, `Then: …`
fn after(stop: &Stop) -> String {
    let title = if stop.wrong.is_some() { "WRONG" } else { "Then" };
    format!("{title}: {}", one_line(&stop.after_words()))
}

/// The sums, by name.
fn sums(of: &Rehearsal) -> Vec<(&'static str, String)> {
    let unpriced = of.stops.iter().filter(|stop| stop.saved_usd.is_none()).count();
    let optional = [
        ("stopped anyway (in reality within an hour after)", of.stopped_soon_after()),
        ("stops whose price is not known", unpriced),
        ("warnings", of.warnings),
        ("left for the next run (max-actions)", of.held_back),
    ];
    let always = [("stops", of.stops.len()), ("wrong stops (used within an hour after)", of.wrong().count())];
    let counts = always.into_iter().chain(optional.into_iter().filter(|(_, number)| 0 < *number));
    counts.map(|(name, number)| (name, number.to_string())).chain([("saved", dollars(of.saved_usd()))]).collect()
}

/// The mails by owner. `None`: there are none.
fn mails(of: &Rehearsal) -> Option<Section> {
    let item = |(owner, Mails { at_once, regular }): (&String, &Mails)| {
        let more = match regular {
            0 => String::new(),
            _ => format!(", and {} of regular mails", counted(*regular, "entry", "entries")),
        };
        format!("{}: {at_once}{more}", owner_words(owner))
    };
    let items: Vec<String> = of.mails.iter().map(item).collect();
    (!items.is_empty()).then_some(Section { title: "Mails at once, by owner", items })
}

/// What was not rehearsed, what no history tells, and what could not be read.
fn unknowns(rehearsed: &Rehearsed) -> Vec<Section> {
    let said = |one: &Unread| format!("{}: {}", one.what, one.why);
    let rules = |NotRehearsed { rules, why }: &NotRehearsed| format!("{}: {why}", rules.join(", "));
    let of = &rehearsed.of;
    let unread = Section { title: "Could not be read, so more may have been stopped", items: rehearsed.unread.iter().map(said).collect() };
    let items = of.not_rehearsed.iter().map(rules).chain(of.unjudged.iter().map(said)).chain(left_out(&rehearsed.left_out));
    let unknown = Section { title: "Not known", items: items.chain(LIMITS.map(str::to_owned)).collect() };
    [unread, unknown].into_iter().filter(|section| !section.items.is_empty()).collect()
}

/// What is left out, for each reason one line.
fn left_out(all: &[LeftOut]) -> impl Iterator<Item = String> {
    let mut by_reason: BTreeMap<WhyLeftOut, Vec<String>> = BTreeMap::new();
    for one in all {
        let name = one.from.map_or_else(|| one.id.clone(), |from| format!("{} (begun {})", one.id, second(from)));
        by_reason.entry(one.why).or_default().push(name);
    }
    by_reason.into_iter().map(|(why, names)| {
        let more = if NAMED < names.len() { format!(" and {} more (--format json has all)", names.len() - NAMED) } else { String::new() };
        let named: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
        format!("Not rehearsed ({}), {}: {}{more}", names.len(), why.as_str(), named.join(", "))
    })
}

/// What is not known, for people.
pub(super) fn not_known(rehearsed: &Rehearsed) -> String {
    let text: String = unknowns(rehearsed).iter().map(Section::text).collect();
    text + &price(rehearsed)
}

/// What AWS charges, as a paragraph.
fn price(rehearsed: &Rehearsed) -> String {
    match rehearsed.metrics {
        0 => String::new(),
        metrics => format!("\nAWS charges {} for what was read (CloudWatch). CloudTrail's events are free.\n", charged(metrics)),
    }
}

/// What CloudWatch charges for reading so many metrics: $0.01 for 1,000.
fn charged(metrics: usize) -> String {
    if metrics < 1000 {
        "less than a cent".to_owned()
    } else {
        format!("about {}", dollars(Decimal::from(metrics) / Decimal::from(100_000)))
    }
}

/// For programs: one JSON object.
pub(super) fn json(rehearsed: &Rehearsed) -> anyhow::Result<String> {
    let of = &rehearsed.of;
    let stops: Vec<Value> = of.stops.iter().map(|stop| stop_json(rehearsed, stop)).collect();
    let mails: Vec<Value> =
        of.mails.iter().map(|(owner, mails)| json!({"owner": owner, "at-once": mails.at_once, "regular": mails.regular})).collect();
    let texts = |one: &Unread| json!({"what": one_line(&one.what), "why": one_line(&one.why)});
    let left_out = |one: &LeftOut| json!({"resource": one.id, "from": one.from.map(second), "why": one.why.as_str()});
    let object = json!({
        "account": rehearsed.account, "region": rehearsed.region, "from": second(of.from), "until": second(of.until), "looked-at": of.looked_at,
        "stops": stops,
        "sums": {
            "stops": of.stops.len(), "wrong": of.wrong().count(), "stopped-anyway": of.stopped_soon_after(), "warnings": of.warnings, "held-back": of.held_back,
            "saved-usd": usd(of.saved_usd()),
        },
        "mails": mails,
        "not-rehearsed": of.not_rehearsed.iter().map(|one| json!({"rules": one.rules, "why": one.why})).collect::<Vec<_>>(),
        "unjudged": of.unjudged.iter().map(texts).collect::<Vec<_>>(),
        "left-out": rehearsed.left_out.iter().map(left_out).collect::<Vec<_>>(), "limits": LIMITS,
        "unread": rehearsed.unread.iter().map(texts).collect::<Vec<_>>(),
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&object)?))
}

fn usd(usd: Decimal) -> Option<f64> {
    usd.round_dp(2).to_f64()
}

fn stop_json(rehearsed: &Rehearsed, stop: &Stop) -> Value {
    let wrong = stop.wrong.as_ref().map(|one| json!({"at": second(one.at), "what": one.what.as_str(), "by": one.by}));
    json!({
        "at": time(stop), "region": rehearsed.region, "resource": stop.resource.arn_or_id(), "name": stop.resource.name, "kind": kind(stop),
        "owner": stop.owner, "team": stop.team, "rules": stop.rules, "action": stop.action, "reason": stop.reason, "after": stop.after_words(),
        "wrong": wrong, "saved-until": second(stop.saved_until), "saved-usd": stop.saved_usd.and_then(usd),
    })
}

/// For spreadsheets: one line for each stop.
pub(super) fn csv(rehearsed: &Rehearsed) -> anyhow::Result<String> {
    let mut table = csv::Writer::from_writer(vec![]);
    table.write_record([
        "account",
        "region",
        "time",
        "resource",
        "name",
        "kind",
        "owner",
        "team",
        "rules",
        "action",
        "usd-saved",
        "saved-until",
        "is-wrong",
        "after",
        "reason",
    ])?;
    for stop in &rehearsed.of.stops {
        let is_wrong = if stop.wrong.is_some() { "yes" } else { "no" };
        let text = |text: Option<&str>| cell(text.unwrap_or_default());
        table.write_record([
            &rehearsed.account,
            &rehearsed.region,
            &time(stop),
            &cell(stop.resource.arn_or_id()),
            &cell(&stop.resource.name),
            kind(stop),
            &text(stop.owner.as_deref()),
            &text(stop.team.as_deref()),
            &rules(stop),
            stop.action,
            &stop.saved_usd.map_or_else(String::new, |usd| usd.round_dp(2).to_string()),
            &second(stop.saved_until),
            is_wrong,
            &cell(&stop.after_words()),
            &cell(&stop.reason),
        ])?;
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}

/// For tickets and wikis.
pub(super) fn markdown(rehearsed: &Rehearsed) -> String {
    let mut text =
        format!("{}\n\n| time | what | owner | rules | saved | what came after |\n|---|---|---|---|---:|---|\n", headline(rehearsed));
    for stop in &rehearsed.of.stops {
        let saved = stop.saved_usd.map_or_else(String::new, dollars);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {saved} | {} |",
            time(stop),
            plain(&name(stop)),
            plain(&owner(stop)),
            rules(stop),
            plain(&after(stop))
        );
    }
    text.push('\n');
    for (name, value) in sums(&rehearsed.of) {
        let _ = writeln!(text, "* {}: {}", plain(name), plain(&value));
    }
    let sections = mails(&rehearsed.of).into_iter().chain(unknowns(rehearsed));
    text + &sections.map(|section| section.markdown()).collect::<String>() + &price(rehearsed)
}
