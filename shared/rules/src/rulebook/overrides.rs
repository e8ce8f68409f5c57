//! `[[override]]`: other rule settings for some resources.

use std::{collections::BTreeMap, fmt};

use globset::GlobMatcher;
use toml::{Spanned, de::DeValue};

use crate::{
    policy::{Table, Wrong, contradiction, filled_glob, glob, only_known_keys, table, tables, wrong},
    rulebook::rule_set::RuleSet,
    vocabulary::{
        resource::{Kind, Resource},
        spelling::nearest,
        text::{alike, folded, is_alike},
    },
};

const CHANGES_NOTHING: &str = "this [[override]] changes nothing: write for example rules.notebook-off-hours.mode = \"report\"";

/// `[[override]]`: other settings for some resources.
pub(crate) struct Override {
    pub(crate) matches: Match,
    pub(crate) rules: RuleSet,
}

/// Which resources an override or an exemption applies to: everything that it names must match. Patterns are globs: `prod*`.
#[derive(Default)]
pub(crate) struct Match {
    tags: Vec<(String, GlobMatcher)>,
    /// As it is written, and without case and blanks.
    team: Option<(String, GlobMatcher)>,
    name: Option<GlobMatcher>,
    kind: Option<GlobMatcher>,
}

impl Override {
    /// Reads one override: which resources it applies to, and its sections of rules.
    pub(crate) fn read<'i>(item: &Spanned<DeValue<'i>>) -> Result<(Match, BTreeMap<String, Table<'i>>), Wrong> {
        let item = table(item, "override")?;
        only_known_keys(item.get_ref(), "[[override]]", ["match", "rules"])?;
        let Some(matching) = item.get_ref().get("match") else {
            return contradiction(
                item.span(),
                "this [[override]] has no `match`: write for example match = { tag.Environment = \"prod*\" }",
            );
        };
        let Some(rules) = item.get_ref().get("rules") else {
            return contradiction(item.span(), CHANGES_NOTHING);
        };
        if table(rules, "rules")?.get_ref().is_empty() {
            return contradiction(rules.span(), CHANGES_NOTHING);
        }
        Ok((Match::read(&table(matching, "match")?)?, tables(rules, "rules")?))
    }
}

impl Match {
    pub(super) fn read(matching: &Table<'_>) -> Result<Self, Wrong> {
        only_known_keys(matching.get_ref(), "`match`", ["tag", "team", "name", "kind"])?;
        let mut matches = Self::default();
        for (key, value) in matching.get_ref() {
            match key.get_ref().as_ref() {
                "team" => matches.team = Some(team(value)?),
                "name" => matches.name = Some(filled_glob(value)?),
                "kind" => matches.kind = Some(kinds(value)?),
                _ => {
                    for (tag, pattern) in table(value, "match.tag")?.get_ref() {
                        matches.tags.push((tag.get_ref().to_string(), glob(pattern)?));
                    }
                }
            }
        }
        if matches.tags.is_empty() && matches.team.is_none() && matches.name.is_none() && matches.kind.is_none() {
            return contradiction(matching.span(), "this `match` names nothing: write for example match = { team = \"research\" }");
        }
        Ok(matches)
    }

    pub(crate) fn reads_tag(&self, key: &str) -> bool {
        self.tag_keys().any(|tag| is_alike(tag, key))
    }

    pub(crate) fn tag_keys(&self) -> impl Iterator<Item = &String> {
        self.tags.iter().map(|(tag, _)| tag)
    }

    pub(crate) fn is_match(&self, resource: &Resource, team: Option<&str>) -> bool {
        let Some(tags) = resource.tags.read() else { return false };
        self.tags.iter().all(|(key, glob)| alike(tags, key).is_some_and(|(_, value)| glob.is_match(value.trim())))
            && self.team.as_ref().is_none_or(|(_, glob)| team.is_some_and(|team| glob.is_match(folded(team).collect::<String>())))
            && self.name.as_ref().is_none_or(|glob| glob.is_match(&resource.name))
            && self.kind.as_ref().is_none_or(|glob| resource.kind().is_some_and(|kind| glob.is_match(kind.as_str())))
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = self.tags.iter().map(|(key, glob)| format!("{key}={}", glob.glob()));
        let team = self.team.iter().map(|(team, _)| format!("team {team}"));
        let name = self.name.iter().map(|glob| format!("name {}", glob.glob()));
        let kind = self.kind.iter().map(|glob| format!("kind {}", glob.glob()));
        f.write_str(&tags.chain(team).chain(name).chain(kind).collect::<Vec<_>>().join(" and "))
    }
}

/// Reads a pattern of teams. Case and blanks do not count.
fn team(value: &Spanned<DeValue<'_>>) -> Result<(String, GlobMatcher), Wrong> {
    let written = filled_glob(value)?.glob().glob().to_owned();
    let pattern: String = folded(&written).collect();
    Ok((written, glob(&Spanned::new(value.span(), DeValue::String(pattern.into())))?))
}

/// Reads a pattern. It must match at least one kind of resource.
fn kinds(value: &Spanned<DeValue<'_>>) -> Result<GlobMatcher, Wrong> {
    let glob = glob(value)?;
    if Kind::ALL.iter().any(|kind| glob.is_match(kind.as_str())) {
        return Ok(glob);
    }
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    wrong(value.span(), format!("`{}` is no kind of resource{}", glob.glob(), nearest(glob.glob().glob(), &known)))
}
