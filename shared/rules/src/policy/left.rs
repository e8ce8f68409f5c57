//! Owners who have left, and who gets their mail.

use std::collections::BTreeMap;

use crate::{
    policy::{Creators, ownership::entries, settings::Policy},
    vocabulary::{
        globs::Globs,
        owners::{each, without},
        resource::Resource,
        text::is_alike,
    },
};

impl Globs {
    /// The same list with names and addresses spelled as owners are, so that they can be compared. Patterns stay as they are.
    pub(super) fn as_owners(&self, creators: &Creators) -> Self {
        let spelled = |text: &String| match creators.owner_named(text).filter(|_| !text.contains(['*', '?', '[', '{'])) {
            Some(owner) => each(&owner).into_iter().map(str::to_owned).collect(),
            None => vec![text.clone()],
        };
        Self::read(self.texts().iter().flat_map(spelled).collect()).unwrap_or_default()
    }
}

impl Policy {
    /// Those of an owner who have not left. `None`: all of them have.
    pub fn still_here(&self, owner: &str) -> Option<String> {
        if self.left.texts().is_empty() { Some(owner.to_owned()) } else { without(owner, |one| self.left.is_match(one)) }
    }

    /// Who is mailed about what had this owner and this team. `None`: whoever runs the platform.
    pub fn mailed_for(&self, owner: &str, team: Option<&str>) -> Option<String> {
        self.still_here(owner).or_else(|| self.owner_of_team(team?))
    }

    /// The owner of a team's `[[budget]]`, who stands in for its owners who have left.
    fn owner_of_team(&self, team: &str) -> Option<String> {
        let own = self.budgets.iter().filter(|budget| budget.team.as_ref().is_some_and(|name| is_alike(name, team)));
        own.into_iter().find_map(|budget| self.owner_by_section(budget))
    }

    /// The owner of a resource who has left, so that somebody else is mailed about it. `None`: its owner has not left, or is not known.
    pub fn owner_who_left(&self, resource: &Resource) -> Option<String> {
        self.named_owner(resource).filter(|owner| self.still_here(owner).is_none())
    }

    /// The owner's tag that names somebody who has left, and whom, if no other tag names somebody who is here.
    pub(crate) fn tag_of_who_left<'t>(&'t self, tags: &'t BTreeMap<String, String>) -> Option<(&'t str, &'t str)> {
        if self.left.texts().is_empty() {
            return None;
        }
        let named = || entries(tags, &self.owner_tags).filter_map(|(key, value)| Some((key, value, self.owner_named(value)?)));
        if named().any(|(.., owner)| self.still_here(&owner).is_some()) {
            return None;
        }
        named().next().map(|(key, value, _)| (key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::audited;

    fn policy(more: &str) -> Policy {
        Policy::from_toml(&format!(
            "owner-tags = [\"Owner\", \"Contact\"]\nteam-tags = [\"Team\"]\n[creators]\nemail-domain = \"example.com\"\n{more}"
        ))
        .unwrap()
    }

    const LEFT: &str = "[ownership]\nleft = [\"Zoe\", \"mailto:yan@example.com\", \"*@contractor.example.com\", \"Old Team\"]\n";
    const BUDGETS: &str = "[[budget]]\nname = \"all\"\nteam = \"*\"\nowner = \"cto\"\n[[budget]]\nname = \"a\"\nteam = \"nlp\"\n\
        [[budget]]\nname = \"b\"\nteam = \"NLP\"\nowner = \"lead\"\n";

    #[test]
    fn who_left_owns_nothing_anymore() {
        let policy = policy(&format!("{LEFT}{BUDGETS}"));
        for (tags, by_ledger, owner, left) in [
            (&[("Owner", "ann")][..], None, Some("ann@example.com"), None),
            (&[("Owner", "ZOE@Example.com")], None, None, Some("zoe@example.com")),
            (&[("Owner", "zoe"), ("Team", " nlp")], None, Some("lead@example.com"), Some("zoe@example.com")),
            (&[("Owner", "zoe"), ("Team", "vision")], None, None, Some("zoe@example.com")),
            (&[("Owner", "zoe, ann@example.com")], None, Some("ann@example.com"), None),
            (&[("Owner", "zoe@example.com;yan@example.com")], None, None, Some("yan@example.com, zoe@example.com")),
            (&[("Owner", "zoe"), ("Contact", "bob")], None, Some("bob@example.com"), None),
            (&[("Owner", "x@contractor.example.com")], None, None, Some("x@contractor.example.com")),
            (&[("Owner", "old team")], None, None, Some("old team")),
            (&[("Team", "nlp")], Some("yan@example.com"), Some("lead@example.com"), Some("yan@example.com")),
            // Who created it gave it away.
            (&[("Owner", "zoe")], Some("ann@example.com"), None, Some("zoe@example.com")),
            (&[("Team", "nlp")], None, None, None),
        ] {
            let mut resource = audited("model/x", tags).resource;
            resource.ownership.owner = by_ledger.map(str::to_owned);
            let found = (policy.owner_of(&resource), policy.owner_who_left(&resource));
            assert_eq!((found.0.as_deref(), found.1.as_deref()), (owner, left), "{tags:?}");
        }
    }

    #[test]
    fn without_a_list_everybody_is_here() {
        let resource = audited("model/x", &[("Owner", "zoe"), ("Team", "nlp")]).resource;
        let policy = policy(BUDGETS);
        assert_eq!((policy.owner_of(&resource).as_deref(), policy.owner_who_left(&resource)), (Some("zoe@example.com"), None));
    }
}
