//! The owner and the team of a resource: from its tags, its creator and what it belongs to.

use std::collections::BTreeMap;

use crate::{
    facts::{Asset, Creator},
    policy::{required_tags::Requirement, settings::Policy},
    vocabulary::resource::Resource,
};

impl Policy {
    /// The owner of a resource: from its own tags, else from [`Resource::ownership`]. `None`: not known.
    pub fn owner_of(&self, resource: &Resource) -> Option<String> {
        resource.tags.read().and_then(|tags| first_tag(tags, &self.owner_tags)).or_else(|| resource.ownership.owner.clone())
    }

    /// The team of a resource: from its own tags, else from [`Resource::ownership`]. `None`: not known.
    pub fn team_of(&self, resource: &Resource) -> Option<String> {
        resource.tags.read().and_then(|tags| first_tag(tags, &self.team_tags)).or_else(|| resource.ownership.team.clone())
    }

    /// The owner of what this creator created: the user's name or e-mail address. `None`: the creator is not a person.
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

    /// Sets [`Resource::ownership`]: from a tag whose key is nearly right, else from the creator (the owner only), else from what the resource belongs to, else
    /// as it was.
    pub fn settle_ownership(&self, audited: &mut Asset) {
        let creator = audited.creator.as_ref().and_then(|creator| self.owner_by(creator));
        let tags = audited.resource.tags.read();
        let nearly =
            |keys: &[String]| Some(Requirement::any_value(keys).near_miss(tags?)?.1.trim().to_owned()).filter(|value| !value.is_empty());
        let by_ancestors = |keys: &[String]| audited.ancestors.iter().find_map(|ancestor| first_tag(&ancestor.tags, keys));
        let owner = nearly(&self.owner_tags).or(creator).or_else(|| by_ancestors(&self.owner_tags));
        let team = nearly(&self.team_tags).or_else(|| by_ancestors(&self.team_tags));
        let ownership = &mut audited.resource.ownership;
        ownership.owner = owner.or(ownership.owner.take());
        ownership.team = team.or(ownership.team.take());
    }
}

fn first_tag(tags: &BTreeMap<String, String>, keys: &[String]) -> Option<String> {
    keys.iter().filter_map(|key| tags.get(key)).map(|value| value.trim()).find(|value| !value.is_empty()).map(str::to_owned)
}
