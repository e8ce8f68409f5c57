//! `[[override]]`: other rule settings for some resources.

use std::{collections::BTreeMap, fmt};

use globset::GlobMatcher;
use toml::{Spanned, de::DeValue};

use crate::{
    policy::{Table, Wrong, contradiction, filled_glob, glob, only_known_keys, table, tables, wrong},
    rulebook::rule_set::RuleSet,
    vocabulary::{
        globs::{A_PATTERN, is_of_names},
        resource::{Arn, Kind, Resource},
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

/// Which resources an override or an exemption applies to, with the apps in them: everything that it names must match. Patterns are globs: `prod*`.
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
        let named = matching.get_ref();
        only_known_keys(named, "`match`", ["tag", "team", "name", "kind"])?;
        if named.is_empty() {
            return contradiction(matching.span(), "this `match` names nothing: write for example match = { team = \"research\" }");
        }
        let kind = named.get("kind").map(kinds).transpose()?;
        Ok(Self {
            tags: named.get("tag").map(tags).transpose()?.unwrap_or_default(),
            team: named.get("team").map(team).transpose()?,
            name: named.get("name").map(|value| names(value, kind.as_ref())).transpose()?,
            kind,
        })
    }

    pub(crate) fn reads_tag(&self, key: &str) -> bool {
        self.tag_keys().any(|tag| is_alike(tag, key))
    }

    pub(crate) fn tag_keys(&self) -> impl Iterator<Item = &String> {
        self.tags.iter().map(|(tag, _)| tag)
    }

    /// Whether it may match a domain by its name.
    pub(super) fn names_domains(&self) -> bool {
        self.name.is_some() && self.kind.as_ref().is_none_or(|kind| kind.is_match(Kind::Domain.as_str()))
    }

    /// Whether it applies to a resource of this team: by its own name and tags, or of a Studio app by those of what it is in.
    pub(super) fn covers(&self, resource: &Resource, homes: &[Resource], team: Option<&str>) -> bool {
        std::iter::once(resource).chain(homes).any(|meant| self.is_match(meant, team))
    }

    /// Whether it can apply to resources of these kinds. What is in a space, a user profile or a domain is an app.
    pub(super) fn can_cover(&self, kinds: &[Kind]) -> bool {
        const HOMES: [Kind; 3] = [Kind::Space, Kind::UserProfile, Kind::Domain];
        let homes = HOMES.iter().filter(|_| kinds.contains(&Kind::App));
        self.kind.as_ref().is_none_or(|glob| kinds.iter().chain(homes).any(|kind| glob.is_match(kind.as_str())))
    }

    fn is_match(&self, resource: &Resource, team: Option<&str>) -> bool {
        let Some(tags) = resource.tags.read() else { return false };
        self.tags.iter().all(|(key, glob)| alike(tags, key).is_some_and(|(_, value)| glob.is_match(value.trim())))
            && self.team.as_ref().is_none_or(|(_, glob)| team.is_some_and(|team| glob.is_match(folded(team).collect::<String>())))
            && self
                .name
                .as_ref()
                .is_none_or(|glob| glob.is_match(&resource.name) || id_of_domain(resource).is_some_and(|id| glob.is_match(id)))
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

/// The id of a domain, `d-1`, by which AWS names it beside its name. `None`: it is no domain.
fn id_of_domain(resource: &Resource) -> Option<&str> {
    resource.id.split_once('/').filter(|_| resource.kind() == Some(Kind::Domain)).map(|(_, id)| id)
}

/// Reads patterns of tags, by their keys.
fn tags(value: &Spanned<DeValue<'_>>) -> Result<Vec<(String, GlobMatcher)>, Wrong> {
    let tags = table(value, "match.tag")?;
    if tags.get_ref().is_empty() {
        return wrong(value.span(), "`tag` is empty: write for example tag.Environment = \"prod*\"");
    }
    tags.get_ref().iter().map(|(tag, pattern)| Ok((tag.get_ref().to_string(), glob(pattern)?))).collect()
}

/// Reads a pattern of names. What belongs to the account, such as a budget, may have any characters in its name.
fn names(value: &Spanned<DeValue<'_>>, kinds: Option<&GlobMatcher>) -> Result<GlobMatcher, Wrong> {
    let glob = filled_glob(value)?;
    let pattern = glob.glob().glob();
    let mut of_account = Kind::ALL.iter().filter(|kind| kind.is_of_the_account());
    let may_be_of_account = kinds.is_some_and(|kinds| of_account.any(|kind| kinds.is_match(kind.as_str())));
    if !may_be_of_account && !is_of_names(pattern) {
        return wrong(value.span(), format!("`{pattern}` is no pattern of names: {}", name_meant(pattern)));
    }
    if is_a_part_of_an_apps_name(pattern, kinds) {
        return wrong(value.span(), format!("`{pattern}` is the name of no app: {AN_APPS_NAME}"));
    }
    Ok(glob)
}

/// How an app is named.
const AN_APPS_NAME: &str = "an app's name is that of its space or user profile, its type and its own name, which is nearly always `default`: write for example \
                            kind = \"space\", name = \"lab\" for all apps in a space, name = \"lab jupyterlab default\" for one of them, or the kind of what is \
                            called so";

/// Whether a pattern is one word where three are needed: `default`, as all apps are called, and nothing else, or any word for apps alone.
fn is_a_part_of_an_apps_name(pattern: &str, kinds: Option<&GlobMatcher>) -> bool {
    let may_be = |kind: &&Kind| kinds.is_none_or(|kinds| kinds.is_match(kind.as_str()));
    let may_be_app = may_be(&&Kind::App);
    let is_app = may_be_app && Kind::ALL.iter().filter(may_be).count() == 1;
    let is_one_word = !pattern.contains([' ', '*', '?', '[', '{']);
    is_one_word && (is_app || (may_be_app && pattern.eq_ignore_ascii_case("default")))
}

/// How to write a pattern that no resource's name can match.
fn name_meant(pattern: &str) -> String {
    let id = Arn::parse(pattern).map_or(pattern, |arn| arn.resource);
    match id.split_once('/') {
        Some((kind, name)) if Kind::of(id).is_some() && !name.contains('/') => format!("write kind = \"{kind}\", name = \"{name}\""),
        Some((kind, _)) if Kind::of(id).is_some() => format!("write kind = \"{kind}\", name = \"…\""),
        _ => format!("{A_PATTERN}; with a budget's name, write kind = \"budget\" too"),
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
