//! The owner and the team of a resource: from its tags, its creator and what it belongs to.

use std::collections::BTreeMap;

use crate::{
    facts::{Asset, Creator},
    policy::{Creators, required_tags::Requirement, settings::Policy},
    vocabulary::{
        machines::is_machine,
        owners::{Named, is_address, joined, user_in},
        resource::{Kind, Resource},
        text::{alike, is_alike, one_line},
    },
};

impl Policy {
    /// The owner of a resource: from its own tags, else from [`Resource::ownership`]. If the owner has left, who stands in. `None`: not known, or nobody does.
    pub fn owner_of(&self, resource: &Resource) -> Option<String> {
        let named = self.named_owner(resource)?;
        self.still_here(&named).or_else(|| self.mailed_for(&named, self.team_of(resource).as_deref()))
    }

    /// The owner of a resource, who may have left.
    pub(super) fn named_owner(&self, resource: &Resource) -> Option<String> {
        resource.tags.read().and_then(|tags| self.owner_in(tags)).or_else(|| resource.ownership.owner.clone())
    }

    /// The team of a resource: from its own tags, else from [`Resource::ownership`]. As the policy spells it, if the policy names it, because subscriptions
    /// filter by the spelling. `None`: not known.
    pub fn team_of(&self, resource: &Resource) -> Option<String> {
        let team = resource.tags.read().and_then(|tags| self.team_in(tags)).or_else(|| resource.ownership.team.clone())?;
        Some(self.spelling_of(&team).map_or(team, str::to_owned))
    }

    /// Whether the policy names a team, apart from exemptions and overrides.
    pub(crate) fn names_team(&self, team: &str) -> bool {
        self.spelling_of(team).is_some()
    }

    /// How the policy spells a team. `None`: it does not name the team.
    fn spelling_of(&self, team: &str) -> Option<&str> {
        let by_hours = alike(&self.team_hours, team).map(|(name, _)| name);
        let by_holidays = || alike(&self.calendars.by_team, team).map(|(name, _)| name);
        let by_budget = || self.budgets().iter().filter_map(|budget| budget.team.as_ref()).find(|name| is_alike(name, team));
        by_hours.or_else(by_holidays).or_else(by_budget).map(String::as_str)
    }

    /// The owner of what this creator created: the user's name or e-mail address. `None`: the creator is not a person.
    pub fn owner_by(&self, creator: &Creator) -> Option<String> {
        let user = user_in(creator.user.trim());
        // Of an address, the domain tells nothing: people work at companies that make tools.
        let name = user.split('@').next()?;
        if [user, name].iter().any(|one| self.creators.not_people.is_match(one)) || self.is_machine(without_tag(name)) {
            return None;
        }
        match self.creators.named(&creator.user) {
            Named::Addresses(addresses) => Some(addresses),
            Named::Person(name) => Some(self.creators.address_of(&name)),
            Named::Session { .. } | Named::Several(_) | Named::Other(_) | Named::Nobody => None,
        }
    }

    fn is_machine(&self, name: &str) -> bool {
        self.creators.not_people.is_match(name) || is_machine(name)
    }

    /// The owner that an earlier run found ([`Resource::ownership`]). `None`: the name of a machine, from before the guard knew it as one.
    pub fn owner_recalled(&self, owner: &str) -> Option<String> {
        let owner = self.owner_named(owner)?;
        let domain = self.creators.email_domain.as_ref().map(|domain| domain.to_lowercase());
        let completed = domain.and_then(|domain| owner.strip_suffix(&format!("@{domain}")).map(str::to_owned));
        let is_persons = |name: &str| !self.is_machine(name) && Named::of(name) != Named::Nobody;
        completed.is_none_or(|name| is_persons(without_tag(&name))).then_some(owner)
    }

    /// Sets [`Resource::ownership`]: from a tag whose key is nearly right, else from the creator (the owner only), else from what the resource belongs to, else
    /// as it was. Who has left is the owner only if nobody else is. A creator that waits for its job is what the job is a part of.
    pub fn settle_ownership(&self, audited: &mut Asset) {
        let creator = audited.creator.as_ref().and_then(|creator| self.owner_by(creator));
        let tags = audited.resource.tags.read();
        let nearly = |keys: &[String]| Some(Requirement::any_value(keys).near_miss(tags?)?.1);
        let ancestors = || audited.ancestors.iter().map(|ancestor| &ancestor.tags);
        let near = nearly(&self.owner_tags).and_then(|value| self.owner_named(value));
        let owner = self.first_here(near.into_iter().chain(creator).chain(ancestors().filter_map(|tags| self.owner_in(tags))));
        let team = nearly(&self.team_tags).and_then(text);
        let team = team.or_else(|| ancestors().find_map(|tags| self.team_in(tags)));
        if audited.resource.kind().is_some_and(Kind::is_job) && audited.part_of.is_none() {
            audited.part_of = audited.creator.as_ref().and_then(|creator| self.workflow_of_creator(creator));
        }
        let ownership = &mut audited.resource.ownership;
        ownership.owner = owner.or(ownership.owner.take());
        ownership.team = team.or(ownership.team.take());
    }

    fn owner_in(&self, tags: &BTreeMap<String, String>) -> Option<String> {
        self.first_here(values(tags, &self.owner_tags).filter_map(|value| self.owner_named(value)))
    }

    /// The first owner who is still here, else the first one.
    fn first_here(&self, owners: impl Iterator<Item = String>) -> Option<String> {
        let mut first = None;
        for owner in owners {
            if self.still_here(&owner).is_some() {
                return Some(owner);
            }
            first.get_or_insert(owner);
        }
        first
    }

    fn team_in(&self, tags: &BTreeMap<String, String>) -> Option<String> {
        values(tags, &self.team_tags).find_map(text)
    }

    /// The owner's tag that is there and names nobody, and its value: `Owner`, `TBD`. `None`: there is none, or somebody is known.
    pub(crate) fn tag_of_nobody<'t>(&'t self, resource: &'t Resource) -> Option<(&'t str, &'t str)> {
        let tags = resource.tags.read().filter(|_| self.named_owner(resource).is_none())?;
        entries(tags, &self.owner_tags).find(|(_, value)| !value.trim().is_empty())
    }

    /// Whether a tag with this key names the owner or the team.
    pub fn reads_owner_or_team(&self, key: &str) -> bool {
        self.owner_tags.iter().chain(&self.team_tags).any(|tag| is_alike(tag, key))
    }
}

impl Creators {
    /// See [`Policy::owner_named`].
    pub(super) fn owner_named(&self, value: &str) -> Option<String> {
        match self.named(value) {
            Named::Addresses(owner) | Named::Other(owner) => Some(owner),
            Named::Person(name) => Some(self.address_of(&name)),
            Named::Several(people) => Some(joined(people.iter().map(|one| self.address_of(one)))),
            Named::Session { .. } | Named::Nobody => None,
        }
    }

    /// Whom a text names. The session of a role in which people work (`people-roles`) is a person's.
    fn named(&self, text: &str) -> Named {
        match Named::of(text) {
            Named::Session { role, name } if self.people_roles.is_match(&role) => Named::Person(name),
            named => named,
        }
    }

    /// The address of a person, by name or by address.
    fn address_of(&self, name: &str) -> String {
        match &self.email_domain {
            Some(domain) if !is_address(name) => format!("{name}@{domain}").to_lowercase(),
            _ => name.to_owned(),
        }
    }
}

/// The values of these keys, in the order of the keys. Case and blanks of a key do not count, but keys that are spelled as these come first.
pub(crate) fn values<'t>(tags: &'t BTreeMap<String, String>, keys: &'t [String]) -> impl Iterator<Item = &'t str> {
    entries(tags, keys).map(|(_, value)| value)
}

/// The same, with the keys as they are spelled on the resource.
pub(crate) fn entries<'t>(tags: &'t BTreeMap<String, String>, keys: &'t [String]) -> impl Iterator<Item = (&'t str, &'t str)> {
    let exact = keys.iter().filter_map(|key| tags.get_key_value(key));
    let alike = keys.iter().flat_map(|key| tags.iter().filter(move |(other, _)| *other != key && is_alike(other, key)));
    exact.chain(alike).map(|(key, value)| (key.as_str(), value.as_str()))
}

/// The name without what stands behind a `+`, which is what the address is for: `ann` in `ann+sagemaker`.
pub(super) fn without_tag(name: &str) -> &str {
    name.split('+').next().unwrap_or_default()
}

fn text(value: &str) -> Option<String> {
    Some(one_line(value).trim().to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::audited;

    fn policy(more: &str) -> Policy {
        Policy::from_toml(&format!("owner-tags = [\"Owner\", \"owner\"]\nteam-tags = [\"Team\"]\n{more}")).unwrap()
    }

    const DOMAIN: &str = "[creators]\nemail-domain = \"Example.com\"\nnot-people = [\"ETL-*\"]";

    #[test]
    fn one_ann_has_one_address() {
        let owner = |policy: &Policy, value: &str| policy.owner_of(&audited("model/x", &[("Owner", value)]).resource);
        for (value, bare, completed) in [
            ("Ann@Example.com", Some("ann@example.com"), Some("ann@example.com")),
            ("arn:aws:sts::123456789012:assumed-role/DataScience/ann@example.com", Some("ann@example.com"), Some("ann@example.com")),
            ("ann", Some("ann"), Some("ann@example.com")),
            (" Ann ", Some("Ann"), Some("ann@example.com")),
            ("AROAEXAMPLE:ann.example", Some("ann.example"), Some("ann.example@example.com")),
            ("AROAEXAMPLE:ann", None, None),
            ("ann@example.com:bob@example.org", Some("ann@example.com, bob@example.org"), Some("ann@example.com, bob@example.org")),
            ("Data Science Team", Some("Data Science Team"), Some("Data Science Team")),
            ("platform-team", Some("platform-team"), Some("platform-team")),
            ("ann, bob", Some("ann, bob"), Some("ann@example.com, bob@example.com")),
            ("Ann/Bob", Some("ann, bob"), Some("ann@example.com, bob@example.com")),
            ("ann@example.org; Bob", Some("ann@example.org, bob"), Some("ann@example.org, bob@example.com")),
            ("ann; ann@example.com", Some("ann, ann@example.com"), Some("ann@example.com")),
            ("Decker, Arun", Some("Decker, Arun"), Some("Decker, Arun")),
            ("#ml-team", Some("#ml-team"), Some("#ml-team")),
            ("all", None, None),
            ("JIRA-123", None, None),
            ("TBD", None, None),
            ("n/a", None, None),
            ("jenkins", None, None),
            ("noreply@example.com", None, None),
            (r"CORP\Ann", Some("Ann"), Some("ann@example.com")),
        ] {
            assert_eq!(owner(&policy(""), value).as_deref(), bare, "{value}");
            assert_eq!(owner(&policy(DOMAIN), value).as_deref(), completed, "{value}");
        }
    }

    #[test]
    fn case_and_blanks_of_keys_do_not_count() {
        let policy = policy("");
        for (tags, owner, team) in [
            (&[("OWNER", "ann@example.com"), ("TEAM", "Vision")][..], Some("ann@example.com"), Some("Vision")),
            (&[(" owner", "ann@example.com"), ("team ", " vision ")], Some("ann@example.com"), Some("vision")),
            (&[("OWNER", "ann@example.com"), ("owner", "bob@example.com")], Some("bob@example.com"), None),
            (&[("Owner", "TBD"), ("owner", "bob@example.com"), ("Team", " ")], Some("bob@example.com"), None),
            (&[("Owners", "ann@example.com"), ("Team-2", "x")], None, None),
        ] {
            let resource = audited("model/x", tags).resource;
            assert_eq!((policy.owner_of(&resource).as_deref(), policy.team_of(&resource).as_deref()), (owner, team), "{tags:?}");
        }
    }

    #[test]
    fn a_team_is_spelled_as_in_the_policy() {
        let named = "[working-hours.teams]\nvision = \"always\"\n[[budget]]\nname = \"nlp\"\nteam = \"N L P\"\n[[budget]]\nname = \"all\"\nteam = \"*\"";
        for (value, team) in
            [("VISION", "vision"), (" Vision ", "vision"), ("vision", "vision"), ("nlp", "N L P"), ("Speech", "Speech"), ("*", "*")]
        {
            let mut resource = audited("model/x", &[("Team", value)]).resource;
            assert_eq!(policy(named).team_of(&resource).as_deref(), Some(team), "{value}");
            resource = audited("model/x", &[]).resource;
            resource.ownership.team = Some(value.trim().to_owned());
            assert_eq!(policy(named).team_of(&resource).as_deref(), Some(team), "inherited {value}");
        }
    }

    #[test]
    fn machines_became_owners() {
        let policy = policy(DOMAIN);
        for (user, owner) in [
            ("ann", Some("ann@example.com")),
            ("Ann.Example", Some("ann.example@example.com")),
            ("ann+ml@example.org", Some("ann+ml@example.org")),
            ("ann+sagemaker@example.com", Some("ann+sagemaker@example.com")),
            ("jenkins+ml@example.com", None),
            ("ann+sagemaker", None),
            ("mary.jenkins@example.com", Some("mary.jenkins@example.com")),
            ("ann@github.com", Some("ann@github.com")),
            ("ETL-nightly@example.com", None),
            ("AWSCloudFormation", None),
            ("servicecatalog", None),
            ("qEXEbkBYBbJUqCBvEVWdpxHoEGdvKjYw", None),
            ("GitHub_to_AWS_via_FederatedOIDC", None),
            ("jenkins", None),
            ("jenkins@example.com", None),
            ("temp", None),
            ("saml2aws", None),
            ("assume-role-ann", None),
            ("ann-cli", None),
            ("jhub-ann", None),
            ("hub", None),
            ("ann, bob", None),
            ("nightly-retrain", None),
            ("etl-nightly", None),
            ("1795570200", None),
            ("", None),
        ] {
            assert_eq!(policy.owner_by(&Creator { user: user.into(), maker: String::new() }).as_deref(), owner, "{user}");
        }
    }

    #[test]
    fn a_session_of_one_word_became_the_mailbox_of_nobody() {
        const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/";
        let owner = |policy: &Policy, user: &str| policy.owner_by(&Creator { user: user.into(), maker: String::new() });
        let (default, with_roles) = (policy(DOMAIN), policy(&format!("{DOMAIN}\npeople-roles = [\"adfs-*\"]")));
        for (user, by_default, by_roles) in [
            ("ADFS-ML/ann", None, Some("ann@example.com")),
            ("ADFS-ML/jenkins", None, None),
            ("ADFS-ML/etl-churn", None, None),
            ("Deploy/scorer", None, None),
            ("Deploy/refit", None, None),
            ("Deploy/ann.example", Some("ann.example@example.com"), Some("ann.example@example.com")),
            ("Deploy/Ann@example.org", Some("ann@example.org"), Some("ann@example.org")),
            ("Deploy/nightly.train", None, None),
            ("AWSReservedSSO_ML_0123456789abcdef/ann", Some("ann@example.com"), Some("ann@example.com")),
        ] {
            let session = format!("{SESSION}{user}");
            assert_eq!(owner(&default, &session).as_deref(), by_default, "{user}");
            assert_eq!(owner(&with_roles, &session).as_deref(), by_roles, "{user}");
            assert_eq!(default.owner_named(&session).as_deref(), by_default, "in a tag: {user}");
        }
        assert_eq!(owner(&policy("[creators]\npeople-roles = [\"*\"]"), "AROAEXAMPLE:ann").as_deref(), Some("ann"), "no role is known");
    }

    #[test]
    fn a_machine_that_the_ledger_has_as_an_owner_is_forgotten() {
        let policy = policy(DOMAIN);
        for (owner, recalled) in [
            ("AWSCloudFormation@example.com", None),
            ("1795570200@example.com", None),
            ("TBD", None),
            ("Ann@Example.com", Some("ann@example.com")),
            ("ann@example.com, bob@example.com", Some("ann@example.com, bob@example.com")),
            ("jenkins@example.org", Some("jenkins@example.org")),
            ("platform@example.com", Some("platform@example.com")),
            ("ann+sagemaker@example.com", Some("ann+sagemaker@example.com")),
            ("jenkins+ml@example.com", None),
        ] {
            assert_eq!(policy.owner_recalled(owner).as_deref(), recalled, "{owner}");
        }
    }
}
