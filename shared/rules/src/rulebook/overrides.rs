//! `[[override]]`: other rule settings for some resources.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::LazyLock};

use globset::GlobMatcher;
use regex::Regex;
use toml::{Spanned, de::DeValue};

use crate::{
    policy::{Table, Wrong, contradiction, filled_glob, glob, is_named, is_nearly_team, only_known_keys, table, tables, wrong},
    rulebook::rule_set::RuleSet,
    vocabulary::{
        patterns::{JOBS, NAMES, TAG_KEY, TAG_VALUES, TEAMS, Texts},
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
        if let (Some(tag), Some(kind)) = (named.get("tag"), &kind) {
            has_tags(tag, kind)?;
        }
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

    /// Whether it names a team, or may mean it by a pattern.
    pub(super) fn has_team(&self, team: &str) -> bool {
        self.team.as_ref().is_some_and(|(_, glob)| glob.is_match(folded(team).collect::<String>()))
    }

    /// The team that it names and that may be meant by this one, if it applies to a resource of that team.
    pub(super) fn team_meant(&self, resource: &Resource, homes: &[Resource], team: &str) -> Option<&str> {
        let (named, _) = self.team.as_ref().filter(|(named, _)| !named.contains(['*', '?', '[', '{']))?;
        (is_nearly_team(team, named) && self.covers(resource, homes, Some(named))).then_some(named)
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
            && (self.team.is_none() || team.is_some_and(|team| self.has_team(team)))
            && self
                .name
                .as_ref()
                .is_none_or(|glob| is_named(glob, &resource.name) || id_of_domain(resource).is_some_and(|id| glob.is_match(id)))
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

/// Refuses tags of what has none here, such as a budget.
fn has_tags(tag: &Spanned<DeValue<'_>>, kinds: &GlobMatcher) -> Result<(), Wrong> {
    let mut meant = Kind::ALL.iter().filter(|kind| kinds.is_match(kind.as_str()));
    if meant.all(|kind| kind.is_of_the_account()) {
        let kind = kinds.glob();
        return contradiction(
            tag.span(),
            format!("`tag` matches nothing of kind = \"{kind}\", which has no tags here: write `name` or `team`"),
        );
    }
    Ok(())
}

/// Reads patterns of tags, by their keys.
fn tags(value: &Spanned<DeValue<'_>>) -> Result<Vec<(String, GlobMatcher)>, Wrong> {
    let tags = table(value, "match.tag")?;
    if tags.get_ref().is_empty() {
        return wrong(value.span(), "`tag` is empty: write for example tag.Environment = \"prod*\"");
    }
    let read = |(key, pattern): (&Spanned<_>, &Spanned<DeValue<'_>>)| Ok((tag_key(key)?, glob_of(&TAG_VALUES, pattern, glob)?));
    tags.get_ref().iter().map(read).collect()
}

/// Reads the key of a tag. It is no pattern.
fn tag_key(key: &Spanned<Cow<'_, str>>) -> Result<String, Wrong> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(TAG_KEY).ok());
    let text = key.get_ref();
    if FORM.as_ref().is_none_or(|form| form.is_match(text)) {
        return Ok(text.to_string());
    }
    wrong(
        key.span(),
        format!("`{text}` is no key of a tag: only its value may be a pattern: write for example tag.Environment = \"prod*\""),
    )
}

/// Reads a pattern that can match one of these texts.
fn glob_of<'i>(
    texts: &Texts,
    value: &Spanned<DeValue<'i>>,
    read: impl Fn(&Spanned<DeValue<'i>>) -> Result<GlobMatcher, Wrong>,
) -> Result<GlobMatcher, Wrong> {
    let glob = read(value)?;
    match texts.refusal(glob.glob().glob()) {
        Some(refusal) => wrong(value.span(), format!("`{}` is {refusal}", glob.glob())),
        None => Ok(glob),
    }
}

/// Reads a pattern of names.
fn names(value: &Spanned<DeValue<'_>>, kinds: Option<&GlobMatcher>) -> Result<GlobMatcher, Wrong> {
    let glob = filled_glob(value)?;
    let pattern = glob.glob().glob();
    match why_no_name(pattern, kinds) {
        Some(why) => wrong(value.span(), format!("`{pattern}` {why}")),
        None => Ok(glob),
    }
}

/// Why a pattern can match no name of these kinds. What belongs to the account, such as a budget, may have any characters in its name, and an app's has blanks.
fn why_no_name(pattern: &str, kinds: Option<&GlobMatcher>) -> Option<String> {
    let may_be = |kind: &Kind| kinds.is_none_or(|kinds| kinds.is_match(kind.as_str()));
    let may_be_of_account = kinds.is_some() && Kind::ALL.iter().any(|kind| kind.is_of_the_account() && may_be(kind));
    if is_a_part_of_an_apps_name(pattern, kinds) {
        return Some(format!("is the name of no app: {AN_APPS_NAME}"));
    }
    if may_be_of_account {
        return None;
    }
    if let Some(refusal) = NAMES.refusal(pattern) {
        let meant = id_meant(pattern).unwrap_or(format!("{refusal}; with a budget's name, write kind = \"budget\" too"));
        return Some(format!("is {meant}"));
    }
    (!may_be(&Kind::App) && !JOBS.can_match(pattern))
        .then(|| format!("has a blank, which no name of this kind has: {}", JOBS.meant(pattern)))
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

/// What is wrong with an ARN or an id where a name is meant. `None`: it is neither.
fn id_meant(pattern: &str) -> Option<String> {
    let id = Arn::parse(pattern).map_or(pattern, |arn| arn.resource);
    let (kind, name) = id.split_once('/').filter(|_| Kind::of(id).is_some())?;
    let name = if name.contains('/') { "…" } else { name };
    Some(format!("no pattern of names: write kind = \"{kind}\", name = \"{name}\""))
}

/// Reads a pattern of teams. Case and blanks do not count.
fn team(value: &Spanned<DeValue<'_>>) -> Result<(String, GlobMatcher), Wrong> {
    let written = glob_of(&TEAMS, value, filled_glob)?.glob().glob().to_owned();
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
