//! A rehearsal, for people, programs, spreadsheets and wikis.

use std::fmt::Write as _;

use cost_rules::{
    price::dollars,
    rehearsal::{Mails, NotRehearsed, Rehearsal, Stop},
    resource::{Kind, owner_words},
    text::{cell, one_line},
};
use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde_json::{Value, json};

use crate::{output, scan::shown::plain};

/// How many stops the table lists. The other formats have all.
const LISTED: usize = 50;

/// Names of sums.
const WRONG: &str = "wrong stops (used within an hour after)";
const ANYWAY: &str = "stopped anyway (in reality within an hour after)";
const HELD_BACK: &str = "left for the next run (max-actions)";

/// What no history tells.
const LIMITS: [&str; 4] = [
    "Who had a notebook or an app open already used it without a call that AWS records, and only a notebook's idle agent shows that: more stops may have been wrong than are counted.",
    "Tags, instance types, prices and exemptions are those of today, and so is what a deployed guard has already done.",
    "Whether a program was running, and what was only in memory, is in no history.",
    "When a budget was used up, and what that would have enforced (`on-exceed`), is in no history.",
];

/// A rehearsal of a policy in one account and Region.
pub(super) struct Rehearsed {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) of: Rehearsal,
    pub(super) unread: Vec<Unread>,
    /// The ids of resources that are deleted now, and of which the history does not say what they were.
    pub(super) forgotten: Vec<String>,
    /// How many metrics CloudWatch was asked for.
    pub(super) metrics: usize,
}

/// What could not be read, and why.
pub(super) struct Unread {
    pub(super) what: String,
    pub(super) why: String,
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
    text + &sums(of) + &not_known(rehearsed)
}

/// `Account 123456789012, eu-central-1, 30 days until 2026-11-30T00:00:00Z: this policy would have stopped …`
fn headline(rehearsed: &Rehearsed) -> String {
    let of = &rehearsed.of;
    let hours = of.until.duration_since(of.from).as_hours();
    let days = if hours == 24 { "1 day".to_owned() } else { format!("{} days", hours / 24) };
    let place = format!("Account {}, {}, {days} until {}", rehearsed.account, rehearsed.region, second(of.until));
    if of.looked_at == 0 {
        let known = if rehearsed.unread.is_empty() { "" } else { " as far as could be read" };
        return format!("{place}: no notebook instance, Studio app or endpoint was on{known}, so there is nothing to rehearse.");
    }
    let looked = format!("of {} that were on", of.looked_at);
    if of.stops.is_empty() {
        return format!("{place}: this policy would have stopped nothing {looked}.");
    }
    let times = |number: usize| if number == 1 { "once".to_owned() } else { format!("{number} times") };
    let resources: std::collections::BTreeSet<&str> = of.stops.iter().map(|stop| stop.resource.id.as_str()).collect();
    format!(
        "{place}: this policy would have stopped something {} ({} resources {looked}), {} wrongly, and saved about {}.",
        times(of.stops.len()),
        resources.len(),
        times(of.wrong().count()).replace("0 times", "never"),
        dollars(of.saved_usd())
    )
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

/// The sums, and the mails by owner.
fn sums(of: &Rehearsal) -> String {
    let row = |name, number: usize| (name, vec![number.to_string()]);
    let mut rows = vec![
        row("stops", of.stops.len()),
        row(WRONG, of.wrong().count()),
        row(ANYWAY, of.anyway()),
        row("stops whose price is not known", of.stops.iter().filter(|stop| stop.saved_usd.is_none()).count()),
        row("warnings", of.warnings),
        row(HELD_BACK, of.held_back),
    ];
    rows.retain(|(name, values)| *name == "stops" || *name == WRONG || values[0] != "0");
    rows.push(("saved", vec![dollars(of.saved_usd())]));
    let mut text = format!("\n{}", output::table(&rows));
    if !of.mails.is_empty() {
        text += "\nMails at once, by owner:\n";
        for (owner, Mails { at_once, regular }) in &of.mails {
            let more = if *regular == 0 { String::new() } else { format!(", and {regular} entries of regular mails") };
            let _ = writeln!(text, "* {}: {at_once}{more}", one_line(owner_words(owner)));
        }
    }
    text
}

/// What was not rehearsed, what no history tells, and what could not be read.
pub(super) fn not_known(rehearsed: &Rehearsed) -> String {
    let of = &rehearsed.of;
    let mut text = String::new();
    if !rehearsed.unread.is_empty() {
        text += "\nCould not be read, so more may have been stopped:\n";
        for one in &rehearsed.unread {
            let _ = writeln!(text, "* {}: {}", one.what, one.why);
        }
    }
    text += "\nNot known:\n";
    for NotRehearsed { rules, why } in &of.not_rehearsed {
        let _ = writeln!(text, "* {}: {why}", rules.join(", "));
    }
    for one in &of.unjudged {
        let _ = writeln!(text, "* {}: {}", one_line(&one.what), one_line(&one.why));
    }
    if !rehearsed.forgotten.is_empty() {
        let _ = writeln!(
            text,
            "* {}: deleted, and not known what they were: {}",
            rehearsed.forgotten.len(),
            one_line(&rehearsed.forgotten.join(", "))
        );
    }
    for limit in LIMITS {
        let _ = writeln!(text, "* {limit}");
    }
    if 0 < rehearsed.metrics {
        let _ =
            writeln!(text, "\nAWS charges {} for what was read (CloudWatch). CloudTrail's events are free.", charged(rehearsed.metrics));
    }
    text
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
    let texts = |what: &str, why: &str| json!({"what": one_line(what), "why": one_line(why)});
    let object = json!({
        "account": rehearsed.account, "region": rehearsed.region, "from": second(of.from), "until": second(of.until), "looked-at": of.looked_at,
        "stops": stops,
        "sums": {
            "stops": of.stops.len(), "wrong": of.wrong().count(), "stopped-anyway": of.anyway(), "warnings": of.warnings, "held-back": of.held_back,
            "saved-usd": usd(of.saved_usd()),
        },
        "mails": mails,
        "not-rehearsed": of.not_rehearsed.iter().map(|one| json!({"rules": one.rules, "why": one.why})).collect::<Vec<_>>(),
        "unjudged": of.unjudged.iter().map(|one| texts(&one.what, &one.why)).collect::<Vec<_>>(),
        "forgotten": rehearsed.forgotten, "limits": LIMITS,
        "unread": rehearsed.unread.iter().map(|one| texts(&one.what, &one.why)).collect::<Vec<_>>(),
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
    let rest = sums(&rehearsed.of) + &not_known(rehearsed);
    let line = |line: &str| match (line.strip_prefix("* "), line.split_once("  ")) {
        (Some(item), _) => format!("* {}\n", plain(item)),
        (None, Some((name, value))) => format!("* {}: {}\n", plain(name), plain(value.trim())),
        (None, None) => format!("{}\n", plain(line)),
    };
    text + &rest.lines().map(line).collect::<String>()
}
