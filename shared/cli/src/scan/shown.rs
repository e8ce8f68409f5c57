//! What a scan found, for people, spreadsheets, wikis and browsers.

use std::fmt::Write as _;

use cost_page::scan::{self as page, Scan};
use cost_rules::{
    price::dollars,
    text::{cell, one_line},
};

use rust_decimal::Decimal;

use super::found::{Finding, Found, OfRule, Unread};
use crate::output;

/// How many findings the table lists: what costs most.
const LISTED: usize = 50;
/// What rules find whose cost is not wasted.
const NO_WASTE: &str = "not waste by itself, and not in the sum";
/// How many reasons for what could not be read it lists.
const REASONS: usize = 20;

/// For people: the sum, the rules, the findings with what to do, and what could not be looked at.
pub(super) fn table(found: &Found) -> String {
    let mut text = format!("{}\n", headline(found));
    if !found.rules.is_empty() {
        let row = |one: &OfRule| {
            let without = (0 < one.without_price).then(|| format!("{} without a price", one.without_price));
            let is_no_waste = (!one.is_waste).then(|| NO_WASTE.to_owned());
            let remarks: Vec<String> = without.into_iter().chain(is_no_waste).collect();
            (one.rule, vec![one.findings.to_string(), dollars(one.usd_per_month), remarks.join(", ")])
        };
        let _ = write!(text, "\n{}", output::table(&found.rules.iter().map(row).collect::<Vec<_>>()));
    }
    if found.rules.iter().filter(|one| one.is_waste).map(|one| one.usd_per_month).sum::<Decimal>() != found.usd_per_month {
        text += "A resource counts once in the sum, also if several rules found it.\n";
    }
    for one in found.findings.iter().take(LISTED) {
        let _ = write!(text, "\n{}  {}\n    {} ({})\n    To do: {}\n", cost(one), subject(one), one.of.reason, one.of.rule, one.to_do);
    }
    if LISTED < found.findings.len() {
        let _ = writeln!(text, "\n… and {} more: --format csv or json has all.", found.findings.len() - LISTED);
    }
    text + &not_seen(found)
}

/// `Account 123456789012, eu-central-1: 12 findings, about $1,234.00 a month.`
fn headline(found: &Found) -> String {
    let place = format!("Account {}, {}", found.account, regions(found));
    let left =
        if found.exempt == 0 { String::new() } else { format!(" {} left alone, because their owner or the policy says so.", found.exempt) };
    if found.findings.is_empty() {
        return format!("{place}: nothing found.{left}");
    }
    let findings = if found.findings.len() == 1 { "1 finding".to_owned() } else { format!("{} findings", found.findings.len()) };
    if found.findings.iter().all(|one| one.usd_per_month().is_none()) {
        return format!("{place}: {findings}, of which no price is known.{left}");
    }
    if found.rules.iter().all(|one| !one.is_waste) {
        return format!("{place}: {findings}, none of which is waste by itself.{left}");
    }
    format!("{place}: {findings}, about {} a month wasted.{left}", dollars(found.usd_per_month))
}

fn regions(found: &Found) -> String {
    if found.regions.len() <= 4 { found.regions.join(", ") } else { format!("{} Regions", found.regions.len()) }
}

fn cost(one: &Finding) -> String {
    one.usd_per_month().map_or_else(|| "no price known".to_owned(), |usd| format!("{} a month", dollars(usd)))
}

/// `forgotten-1 (endpoint, eu-central-1), ann@example.com`
fn subject(one: &Finding) -> String {
    let owner = one.of.owner.as_deref().map_or_else(|| "no owner known".to_owned(), one_line);
    let team = one.of.team.as_deref().map_or_else(String::new, |team| format!(", team {}", one_line(team)));
    format!("{} ({}, {}), {owner}{team}", one.of.name, one.kind, one.region)
}

/// What was not looked at, and what looking cost.
pub(super) fn not_seen(found: &Found) -> String {
    let mut text = String::new();
    if !found.not_looked_at.is_empty() {
        let _ = writeln!(text, "\nInterrupted. Not looked at: {}.", found.not_looked_at.join(", "));
    }
    for (title, all) in [("Could not be read, so there may be more:", &found.unread), ("Could not be judged:", &found.unjudged)] {
        if all.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{title}");
        for one in all.iter().take(REASONS) {
            let _ = writeln!(text, "* {} ({}, {}): {}", one.what, one.function, one.region, one.why);
        }
        if REASONS < all.len() {
            let _ = writeln!(text, "* … and {} more: --format json has all", all.len() - REASONS);
        }
    }
    if 0.0 < found.cost_usd {
        let _ = writeln!(text, "\nAWS charges about ${:.2} for what was read (Cost Explorer, CloudWatch).", found.cost_usd);
    }
    text
}

/// For spreadsheets: one line for each finding.
pub(super) fn csv(found: &Found) -> anyhow::Result<String> {
    let mut table = csv::Writer::from_writer(vec![]);
    table.write_record(["account", "region", "rule", "resource", "name", "owner", "team", "usd-per-month", "reason", "to-do", "kind"])?;
    for one in &found.findings {
        let usd = one.usd_per_month().map_or_else(String::new, |usd| usd.to_string());
        let texts =
            [&one.of.resource, &one.of.name, one.of.owner.as_deref().unwrap_or_default(), one.of.team.as_deref().unwrap_or_default()]
                .map(cell);
        let [resource, name, owner, team] = texts;
        table.write_record([
            &found.account,
            &one.region,
            one.of.rule,
            &resource,
            &name,
            &owner,
            &team,
            &usd,
            &cell(&one.of.reason),
            one.to_do,
            &one.kind,
        ])?;
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}

/// For tickets and wikis.
pub(super) fn markdown(found: &Found) -> String {
    let mut text = format!("{}\n\n| USD a month | what | Region | owner | why | to do |\n|---:|---|---|---|---|---|\n", headline(found));
    for one in &found.findings {
        let usd = one.usd_per_month().map_or_else(String::new, |usd| usd.to_string());
        let owner = one.of.owner.as_deref().unwrap_or("not known");
        let _ = writeln!(
            text,
            "| {usd} | {} | {} | {} | {} ({}) | {} |",
            plain(&format!("{} {}", one.kind, one.of.name)),
            one.region,
            plain(&one.of.team.as_ref().map_or_else(|| owner.to_owned(), |team| format!("{owner}, team {team}"))),
            plain(&one.of.reason),
            one.of.rule,
            one.to_do
        );
    }
    let line = |line: &str| line.strip_prefix("* ").map_or_else(|| format!("{}\n", plain(line)), |item| format!("* {}\n", plain(item)));
    text + &not_seen(found).lines().map(line).collect::<String>()
}

/// For browsers.
pub(super) fn page(found: &Found) -> Scan {
    let finding = |one: &Finding| page::Finding {
        what: format!("{} {}", one.kind, one.of.name),
        region: one.region.clone(),
        owner: one.of.owner.clone().unwrap_or_else(|| "no owner known".to_owned()),
        team: one.of.team.clone(),
        why: one.of.reason.clone(),
        rule: one.of.rule,
        to_do: one.to_do,
        usd_per_month: one.usd_per_month().map(dollars),
    };
    let rule = |one: &OfRule| page::OfRule {
        name: one.rule,
        findings: one.findings,
        usd_per_month: dollars(one.usd_per_month),
        without_price: one.without_price,
        is_waste: one.is_waste,
    };
    let unread =
        |one: &Unread| page::Unread { what: one.what.clone(), place: format!("{}, {}", one.function, one.region), why: one.why.clone() };
    Scan {
        account: found.account.clone(),
        place: regions(found),
        as_of: found.as_of,
        usd_per_month: dollars(found.usd_per_month),
        rules: found.rules.iter().map(rule).collect(),
        findings: found.findings.iter().map(finding).collect(),
        left_alone: found.exempt,
        unread: found.unread.iter().map(unread).collect(),
        unjudged: found.unjudged.iter().map(unread).collect(),
        not_looked_at: found.not_looked_at.clone(),
        reading_cost: (0.0 < found.cost_usd).then(|| format!("${:.2}", found.cost_usd)),
    }
}

/// Text that Markdown does not read anything into.
pub(crate) fn plain(text: &str) -> String {
    let means_something = |c: char| "\\`*_[]<>|#~!@&".contains(c);
    one_line(text).chars().flat_map(|c| means_something(c).then_some('\\').into_iter().chain([c])).collect()
}
