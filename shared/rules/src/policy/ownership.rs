//! Whose a resource is: by its tags, its creator and what it belongs to.

use std::collections::BTreeMap;

use crate::{
    facts::{Asset, Creator},
    policy::{required_tags::Requirement, settings::Policy},
    vocabulary::resource::Resource,
};

impl Policy {
    /// Whose a resource is.
    pub fn owner_of(&self, resource: &Resource) -> Option<String> {
        resource.tags.read().and_then(|tags| first_tag(tags, &self.owner_tags)).or_else(|| resource.ownership.owner.clone())
    }

    /// Whose team's a resource is.
    pub fn team_of(&self, resource: &Resource) -> Option<String> {
        resource.tags.read().and_then(|tags| first_tag(tags, &self.team_tags)).or_else(|| resource.ownership.team.clone())
    }

    /// The owner whom a creator stands for; `None`: it is no person.
    pub fn owner_by(&self, creator: &Creator) -> Option<String> {
        let user = creator.user.trim();
        if user.is_empty() || self.creators.not_people.is_match(user) {
            return None;
        }
        Some(match &self.creators.email_domain {
            Some(domain) if !user.contains('@') => format!("{user}@{domain}"),
            _ => user.to_owned(),
        })
    }

    /// Whose a resource is by a tag that is nearly the owner's or the team's, by its creator and by what it belongs to; what none of them tells stays as it was.
    pub fn settle_ownership(&self, audited: &mut Asset) {
        let creator = audited.creator.as_ref().and_then(|creator| self.owner_by(creator));
        let tags = audited.resource.tags.read();
        let nearly =
            |keys: &[String]| Some(Requirement::any_value(keys).near_miss(tags?)?.1.trim().to_owned()).filter(|value| !value.is_empty());
        let by_ancestors = |keys: &[String]| audited.ancestors.iter().find_map(|ancestor| first_tag(&ancestor.tags, keys));
        let owner = nearly(&self.owner_tags).or(creator).or_else(|| by_ancestors(&self.owner_tags));
        let team = nearly(&self.team_tags).or_else(|| by_ancestors(&self.team_tags));
        let whose = &mut audited.resource.ownership;
        whose.owner = owner.or(whose.owner.take());
        whose.team = team.or(whose.team.take());
    }
}

fn first_tag(tags: &BTreeMap<String, String>, keys: &[String]) -> Option<String> {
    keys.iter().filter_map(|key| tags.get(key)).map(|value| value.trim()).find(|value| !value.is_empty()).map(str::to_owned)
}
