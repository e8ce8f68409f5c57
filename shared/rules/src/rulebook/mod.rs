//! The policy with its rules and overrides. [`Rulebook::evaluate`] applies them to the facts.

use jiff::Timestamp;

use crate::{
    policy::{KEEP_UNTIL_TAG, Keep, Policy, names_workflow},
    rules::rule::RemedyName,
    vocabulary::resource::{Kind, Resource},
};

pub(crate) use self::finding::ids_of_entry;
pub use self::{
    check::MOST_ERRORS,
    finding::{Exempted, Finding, Judgement, Mode, Terms},
    read::COMMON_KEYS,
    words::RuleWords,
};
use self::{
    exempt::Exempt,
    overrides::{Match, Override},
    rule_set::{ConfiguredRule, RuleSet},
};

mod advise;
mod budget_measures;

mod check;
mod evaluate;
mod exempt;
mod finding;
mod overrides;
mod read;
mod rule_set;
mod schema;
mod teams;
mod words;

/// The policy with its rules. `Rulebook::from_toml("")` is the default: every rule, report only.
pub struct Rulebook {
    /// The settings that all rules share.
    pub policy: Policy,
    rules: RuleSet,
    overrides: Vec<Override>,
    exempts: Vec<Exempt>,
}

impl Rulebook {
    /// Whether the policy or a rule reads a tag: because of its key, or because its value names a workflow. Other tags need not be kept in memory.
    pub fn keeps_tag(&self, key: &str, value: &str) -> bool {
        self.reads_tag(key) || names_workflow(key, value)
    }

    /// Whether the policy or a rule reads a tag because of its key.
    pub fn reads_tag(&self, key: &str) -> bool {
        self.policy.reads_guard_tag(key)
            || self.policy.reads_owner_or_team(key)
            || self.policy.is_workflow_tag(key)
            || self.matches().any(|one| one.reads_tag(key))
            || self.configured().any(|rule| rule.check.reads_tag(key, &self.policy))
    }

    /// Whether a rule is on for any resource. If not, facts that only this rule needs are not read.
    pub fn uses_rule(&self, name: &str) -> bool {
        self.configured().any(|rule| rule.registration.name == name)
    }

    /// Whether an exemption or an override may go by the name of a Studio domain, which what is in the domain does not have.
    pub fn names_domains(&self) -> bool {
        self.matches().any(Match::names_domains)
    }

    /// Which resources the overrides and the exemptions apply to.
    fn matches(&self) -> impl Iterator<Item = &Match> {
        self.overrides.iter().map(|one| &one.matches).chain(self.exempts.iter().map(|one| &one.matches))
    }

    /// Whether a rule is enforced for any resource.
    pub fn enforces_rule(&self, name: &str) -> bool {
        self.configured().any(|rule| rule.registration.name == name && rule.terms.mode == Mode::Enforce)
    }

    /// Whether anything is enforced, or would be enforced when a budget is used up.
    pub fn enforces(&self) -> bool {
        self.policy.budgets().iter().any(|one| one.on_exceed.is_some()) || self.configured().any(|rule| rule.terms.mode == Mode::Enforce)
    }

    /// Whether a rule with this `remedy` is enforced for any resource.
    pub fn enforces_by(&self, remedy: RemedyName) -> bool {
        self.configured().any(|rule| rule.terms.mode == Mode::Enforce && rule.check.remedy() == Some(remedy))
    }

    /// Whether any rule judges the tags of this kind.
    pub fn audits(&self, kind: Kind) -> bool {
        self.configured().any(|rule| rule.check.audits(kind))
    }

    /// Whether a rule requires tags of this resource.
    pub fn requires_tags_of(&self, resource: &Resource) -> bool {
        resource.kind().is_some_and(|kind| self.rules_of(resource).0.iter().any(|rule| rule.check.audits(kind)))
    }

    /// The tags that any rule requires: for each the keys of which one is enough.
    pub fn required_keys(&self) -> Vec<Vec<String>> {
        let mut keys: Vec<Vec<String>> = vec![];
        for one in self.configured().filter_map(|rule| rule.check.required()).flat_map(|required| required.each(&self.policy)) {
            if !keys.iter().any(|known| known == one.keys) {
                keys.push(one.keys.to_vec());
            }
        }
        keys
    }

    /// The index of the first override that applies to a resource, of a Studio app also through what it is in. `None`: none applies.
    fn override_of(&self, resource: &Resource, homes: &[Resource]) -> Option<usize> {
        let team = self.policy.team_of(resource);
        self.overrides.iter().position(|one| one.matches.covers(resource, homes, team.as_deref()))
    }

    /// The exemption of a resource by its own tag or by the policy, whichever is longer. A tag that says more than it may hold does not end what the policy
    /// says. A tag that cannot be read exempts nothing.
    pub(super) fn keep(&self, resource: &Resource, homes: &[Resource]) -> Option<Keep> {
        let by_tag = self.policy.keep(resource).and_then(Result::ok);
        match (by_tag, self.exempt_of(resource, homes)) {
            (Some(tag), Some(policy)) if tag.until.is_none() || policy.until < tag.until => Some(Keep { by_policy: policy.until, ..tag }),
            (tag, policy) => policy.or(tag),
        }
    }

    /// Why its owner's wish or the policy keeps a resource at this time, as a sentence. `None`: nothing does. A tag that cannot be read keeps it, too.
    pub fn is_kept(&self, resource: &Resource, now: Timestamp) -> Option<String> {
        let holds = |keep: &Keep| keep.until.is_none_or(|until| now < until);
        let unreadable = self.policy.unreadable_tags(resource).map(|tags| tags.why);
        let by_tag =
            || self.policy.keep(resource)?.ok().filter(holds).map(|keep| format!("its tag {KEEP_UNTIL_TAG} = {} keeps it", keep.value));
        let by_policy = || self.exempt_of(resource, &resource.homes()).filter(holds).map(|keep| format!("it is kept until {}", keep.value));
        let nearly = || self.nearly_exempt(resource, &resource.homes(), now).map(|team| team.why);
        unreadable.or_else(by_tag).or_else(by_policy).or_else(nearly)
    }

    /// The longest exemption by the policy, of a Studio app also through what it is in.
    fn exempt_of(&self, resource: &Resource, homes: &[Resource]) -> Option<Keep> {
        if self.exempts.is_empty() {
            return None;
        }
        let team = self.policy.team_of(resource);
        let matches = |one: &&Exempt| one.matches.covers(resource, homes, team.as_deref());
        self.exempts
            .iter()
            .filter(matches)
            .max_by_key(|one| one.until)
            .map(|one| one.keep(&self.policy, &self.policy.zone_of_resource(resource)))
    }

    /// The `[[exempt]]` sections, each with whether it is over.
    pub fn exempts(&self, now: Timestamp) -> impl Iterator<Item = (String, bool)> {
        self.exempt_until().map(move |(exempt, until)| (exempt, until <= now))
    }

    /// The `[[exempt]]` sections, each with its end by the policy's clock.
    pub fn exempt_until(&self) -> impl Iterator<Item = (String, Timestamp)> {
        let zone = &self.policy.calendar.zone;
        self.exempts.iter().map(move |one| (one.to_string(), one.keep(&self.policy, zone).until.unwrap_or(Timestamp::MAX)))
    }

    /// The policy's own rules, then those of each override.
    fn rule_sets(&self) -> impl Iterator<Item = &RuleSet> {
        std::iter::once(&self.rules).chain(self.overrides.iter().map(|one| &one.rules))
    }

    fn configured(&self) -> impl Iterator<Item = &ConfiguredRule> {
        self.rule_sets().flat_map(|set| &set.0)
    }
}

#[cfg(test)]
mod tests;
