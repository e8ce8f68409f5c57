//! Tests of a policy that its author writes: small recorded resources, each with the outcome that is expected of the rules.

use std::ops::Range;

use jiff::{Timestamp, tz::TimeZone};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

pub use self::outcome::{Failure, Outcome, Tested, report};
use self::{keys::Keys, outcome::Found};
use crate::{
    facts::Facts,
    policy::{PolicyError, Table, Wrong, contradiction, table, wrong},
    rulebook::Rulebook,
    rules::{self, rule::Registration},
    vocabulary::{resource::Kind, spelling::nearest},
};

mod keys;
mod outcome;
mod recorded;

/// A resource, and what is expected of the rules.
struct Case {
    name: String,
    kind: Kind,
    facts: Facts,
    expected: Vec<(&'static Registration, Outcome)>,
    /// Whether no other rule may find anything.
    only: bool,
}

/// Runs the cases of a file (docs/policy-tests.md), in its order.
///
/// # Errors
/// The first error of the file, with its line, its key and what was expected.
pub fn run(rulebook: &Rulebook, text: &str) -> Result<Vec<Tested>, PolicyError> {
    let read = DeTable::parse(text).map_err(Wrong::from).and_then(|root| cases(root, rulebook));
    let cases = read.map_err(|wrong| wrong.in_text(text))?;
    Ok(cases.iter().map(|case| case.run(rulebook)).collect())
}

fn cases(root: Table<'_>, rulebook: &Rulebook) -> Result<Vec<Case>, Wrong> {
    let mut keys = Keys::of(root, "a file of cases");
    let list = keys.must("case", "[[case]]")?;
    let DeValue::Array(items) = list.get_ref() else { return wrong(list.span(), "`case` is a list: write [[case]]") };
    if items.is_empty() {
        return wrong(list.span(), "`case` is empty: write [[case]]");
    }
    let mut cases: Vec<Case> = vec![];
    for item in items {
        let case = Case::read(item, rulebook)?;
        if cases.iter().any(|other| other.name == case.name) {
            return wrong(item.span(), format!("two cases have the `name` \"{}\": give each its own", case.name));
        }
        cases.push(case);
    }
    keys.done()?;
    Ok(cases)
}

impl Case {
    fn read(item: &Spanned<DeValue<'_>>, rulebook: &Rulebook) -> Result<Self, Wrong> {
        let mut keys = Keys::of(table(item, "case")?, "a [[case]]");
        let name = name(&keys.must("name", "name = \"a notebook is stopped in the evening\"")?)?;
        let at = moment(&keys.must("at", AT)?)?;
        let resource = keys.must("resource", "resource = { kind = \"notebook-instance\", running-for = \"5h\" }")?;
        let (kind, facts) = recorded::facts(table(&resource, "resource")?, at, &rulebook.policy)?;
        let expect = keys.must("expect", "expect = { notebook-off-hours = \"enforce\" }")?;
        let only = keys.or("only", false)?;
        let mut case = Self { name, kind, facts, expected: vec![], only };
        for (rule, outcome) in table(&expect, "expect")?.get_ref() {
            case.expected.push((case.rule(rule.get_ref(), rule.span())?, outcome_of(outcome)?));
        }
        if case.expected.is_empty() && !only {
            return contradiction(expect.span(), "`expect` names no rule: write for example expect = { notebook-off-hours = \"enforce\" }");
        }
        keys.done()?;
        Ok(case)
    }

    /// A rule of this name that has something to judge here.
    fn rule(&self, name: &str, at: Range<usize>) -> Result<&'static Registration, Wrong> {
        let all: Vec<&str> = rules::ALL.iter().map(|rule| rule.name).collect();
        let judges = |rule: &&Registration| rule.kinds.contains(&self.kind) && (rule.has_subject)(&self.facts);
        let here: Vec<&str> = rules::ALL.iter().filter(judges).map(|rule| rule.name).collect();
        let kind = self.kind.as_str();
        match rules::ALL.iter().find(|rule| rule.name == name) {
            None => wrong(at, format!("`{name}` is not a rule{}", nearest(name, &all))),
            Some(rule) if judges(&rule) => Ok(rule),
            Some(rule) if rule.kinds.contains(&self.kind) => {
                wrong(at, format!("`{name}` needs more than a case can say of the kind `{kind}`: a case can test {}", listed(&here)))
            }
            Some(_) => wrong(at, format!("`{name}` never looks at resources of the kind `{kind}`: a case can test {}", listed(&here))),
        }
    }

    fn run(&self, rulebook: &Rulebook) -> Tested {
        let judgement = rulebook.evaluate(&self.facts);
        let on = rulebook.rules_on(&self.facts);
        // The same clock as in the owner's mail.
        let zone = self.facts.resources().next().map_or(TimeZone::UTC, |resource| rulebook.policy.zone_of_resource(resource));
        let found = |rule: &'static str| {
            let found = || Found::of(&judgement, rule, self.facts.now, &zone);
            if on.contains(rule) { found() } else { Found { outcome: Outcome::Off, why: String::new() } }
        };
        let named = self.expected.iter().filter_map(|(rule, expected)| failure(rule.name, *expected, found(rule.name)));
        let is_other = |rule: &&Registration| self.only && self.expected.iter().all(|(named, _)| named.name != rule.name);
        let others = rules::ALL.iter().filter(is_other).map(|rule| (rule.name, found(rule.name)));
        let others = others.filter(|(_, found)| matches!(found.outcome, Outcome::Report | Outcome::Enforce));
        let others = others.filter_map(|(rule, found)| failure(rule, Outcome::Fine, found));
        Tested { name: self.name.clone(), failures: named.chain(others).collect() }
    }
}

fn failure(rule: &'static str, expected: Outcome, found: Found) -> Option<Failure> {
    (found.outcome != expected).then_some(Failure { rule, expected, found: found.outcome, why: found.why })
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn name(value: &Spanned<DeValue<'_>>) -> Result<String, Wrong> {
    match value.get_ref() {
        DeValue::String(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => wrong(value.span(), "`name` is no text: say what the case shows, for example \"a notebook is stopped in the evening\""),
    }
}

const AT: &str = "at = \"2026-11-24T21:30:00+01:00\"";

/// When a case is judged: a time with its offset from UTC, as text or as TOML's own time. Far from today, rules would calculate beyond the calendar.
fn moment(value: &Spanned<DeValue<'_>>) -> Result<Timestamp, Wrong> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        _ => return wrong(value.span(), format!("`at` is not a time: write for example {AT}")),
    };
    let is_near = |at: &Timestamp| (2000..2200).contains(&TimeZone::UTC.to_datetime(*at).year());
    match text.parse::<Timestamp>() {
        Ok(at) if is_near(&at) => Ok(at),
        Ok(_) => wrong(value.span(), "`at` is before the year 2000 or after 2199"),
        Err(_) => wrong(value.span(), format!("`at` is `{text}`, which is no time with its offset from UTC: write for example {AT}")),
    }
}

fn outcome_of(value: &Spanned<DeValue<'_>>) -> Result<Outcome, Wrong> {
    let known = Outcome::ALL.map(Outcome::as_str);
    let DeValue::String(text) = value.get_ref() else {
        return wrong(value.span(), format!("an outcome is a text, one of {}", listed(&known)));
    };
    let found = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text.as_ref());
    found.map_or_else(|| wrong(value.span(), format!("`{text}` is no outcome{}", nearest(text, &known))), Ok)
}

#[cfg(test)]
mod tests;
