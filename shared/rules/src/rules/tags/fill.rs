//! The values of missing tags that the guard knows: from a key that is nearly the right one, from who created the resource, or from its parents.

use crate::{
    facts::{Ancestor, Asset},
    policy::{Requirement, is_legal_key, is_legal_value, values},
    rules::context::RuleContext,
    vocabulary::resource::Kind,
};

/// A known value of a missing tag, and where it comes from.
pub(super) struct Filled {
    pub(super) value: String,
    pub(super) from: String,
}

/// The value of a missing tag. `None`: no value is known that matches the requirement.
pub(super) fn fill(wanted: &Requirement<'_>, audited: &Asset, cx: &RuleContext<'_>) -> Option<Filled> {
    let policy = cx.policy;
    let names = |keys: &[String]| keys.iter().any(|key| wanted.keys.contains(key));
    let is_owner = names(&policy.owner_tags);
    let is_usable = |value: &str| {
        // Who has left is not written into a tag, not even beside others.
        let is_here = |owner: String| policy.still_here(&owner) == Some(owner);
        let is_said = if is_owner { policy.owner_named(value).is_some_and(is_here) } else { !value.trim().is_empty() };
        is_said && wanted.takes(value) && is_legal_value(value) && is_legal_key(wanted.key())
    };
    let near = audited.resource.tags.read().and_then(|tags| wanted.near_miss(tags)).filter(|(_, value)| is_usable(value));
    if let Some((key, value)) = near {
        return Some(Filled { value: value.to_owned(), from: format!("its tag \"{key}\"") });
    }
    let creator = audited.creator.as_ref().filter(|_| is_owner).and_then(|creator| policy.owner_by(creator));
    if let Some(value) = creator.filter(|value| is_usable(value)) {
        return Some(Filled { value, from: "who created it".to_owned() });
    }
    // A parent may have another one of the policy's owner or team keys.
    let mut keys = wanted.keys.to_vec();
    keys.extend(policy.owner_tags.iter().filter(|_| is_owner).cloned());
    keys.extend(policy.team_tags.iter().filter(|_| names(&policy.team_tags)).cloned());
    // Only the nearest parent with a value counts. If its value is not valid, a value from farther up would charge the cost to somebody else.
    let said = |ancestor: &Ancestor| {
        let said = values(&ancestor.tags, &keys).filter(|value| !value.trim().is_empty());
        let values: Vec<String> = said.map(str::to_owned).collect();
        (!values.is_empty()).then_some(values)
    };
    let (ancestor, values) = audited.ancestors.iter().find_map(|ancestor| Some((ancestor, said(ancestor)?)))?;
    let value = values.into_iter().find(|value| is_usable(value))?;
    let kind = Kind::of(&ancestor.id).map_or("parent", Kind::words);
    let name = ancestor.id.split_once('/').map_or("", |(_, name)| name);
    Some(Filled { value, from: format!("its {kind} {name}") })
}
