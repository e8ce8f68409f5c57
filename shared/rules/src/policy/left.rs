//! Owners who have left, and who gets their mail.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use regex::{Captures, Regex};

use crate::{
    policy::{
        Creators,
        ownership::{entries, without_tag},
        settings::Policy,
    },
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
        // `@contractor.example.com` is everybody there, and `@ann` is Ann.
        let of_domain = |text: &String| (text.starts_with('@') && text.contains('.')).then(|| format!("*{text}"));
        Self::read(self.texts().iter().flat_map(|text| spelled(text).into_iter().chain(of_domain(text))).collect()).unwrap_or_default()
    }

    /// Whether an owner is in this list: by the whole address, by what stands before the @, and without what stands behind a `+`.
    pub(super) fn has_owner(&self, owner: &str) -> bool {
        let Some((name, domain)) = owner.split_once('@') else { return self.is_match(owner) };
        let plain = without_tag(name);
        [owner, name, plain].iter().any(|one| self.is_match(one)) || self.is_match(&format!("{plain}@{domain}"))
    }
}

/// A name with the address behind it, or in brackets behind the address: `Zoe Smith <zoe@example.com>`, `zoe@example.com (Zoe Smith)`.
static WITH_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const NAME: &str = r"[^<>,;|()@]+";
    Regex::new(&format!(r"(?:({NAME},)?({NAME})<[^<>]*@[^<>]*>|[^\s<>,;|()]+@[^\s<>,;|()]+\s*\(({NAME}(?:,{NAME})?)\))")).ok()
});

impl Policy {
    /// The owner that the value of an owner's tag names. `None`: nobody (`TBD`, `n/a`). If all in it have left by the names beside their addresses, it is the
    /// first such name.
    pub fn owner_named(&self, value: &str) -> Option<String> {
        let (here, gone) = self.without_who_left(value);
        let here = if gone.is_some() { here.trim_matches([' ', ',', ';', '|']) } else { &here };
        let nobody_else = gone.is_some() && !here.contains(char::is_alphanumeric);
        if nobody_else { gone } else { self.creators.owner_named(here) }
    }

    /// A text without the addresses of those who have left by the names beside these, and the first such name.
    fn without_who_left<'t>(&self, value: &'t str) -> (Cow<'t, str>, Option<String>) {
        if self.left.texts().is_empty() || !value.contains(['<', '(']) {
            return (value.into(), None);
        }
        let Some(pattern) = WITH_NAME.as_ref() else { return (value.into(), None) };
        let mut gone = None;
        let kept = pattern.replace_all(value, |found: &Captures<'_>| {
            let part = |number| found.get(number).map_or("", |one| one.as_str());
            let (before, name) = (part(1), format!("{}{}", part(2), part(3)));
            let turned = format!("{} {before}", name.trim());
            // One word behind a comma is a first name: `Smith, Zoe`.
            let alone = name.trim().contains(' ').then(|| (name.clone(), before));
            let named = [(format!("{before}{name}"), ""), (turned, "")].into_iter().chain(alone);
            let plain = |name: String| name.trim_matches(|c: char| c.is_whitespace() || "\"',".contains(c)).to_owned();
            let mut spellings = named.map(|(name, kept)| (plain(name), kept));
            let Some((name, kept)) = spellings.find(|(name, _)| self.left.is_match(name)) else { return found[0].to_owned() };
            gone.get_or_insert(name);
            kept.to_owned()
        });
        (kept, gone)
    }

    /// Those of an owner who have not left. `None`: all of them have.
    pub fn still_here(&self, owner: &str) -> Option<String> {
        if self.left.texts().is_empty() { Some(owner.to_owned()) } else { without(owner, |one| self.left.has_owner(one)) }
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

    const DOMAIN: &str = "email-domain = \"example.com\"";

    #[test]
    fn who_left_was_mailed_where_the_tag_or_the_list_spells_the_name_otherwise() {
        let owner = |list: &str, more: &str, tag: &str| {
            let text = format!("owner-tags = [\"Owner\"]\n[creators]\n{more}\n[ownership]\nleft = [\"{list}\"]");
            let policy = Policy::from_toml(&text).unwrap();
            let resource = audited("model/x", &[("Owner", tag)]).resource;
            (policy.owner_of(&resource), policy.owner_who_left(&resource).is_some())
        };
        for (list, more, tag, here) in [
            ("zoe@example.com", "", "zoe+ml@example.com", None),
            ("zoe@example.com", "", "Zoe Smith <zoe+ml@example.com>", None),
            ("zoe+ml@example.com", "", "zoe@example.com", Some("zoe@example.com")),
            ("Zoe Smith", "", "Zoe Smith <zoe@example.com>", None),
            ("zoe smith", DOMAIN, "\\\"Zoe Smith\\\" <zoe@example.com>", None),
            ("Zoe Smith", "", "Smith, Zoe <zoe@example.com>", None),
            ("Smith, Zoe", "", "Smith, Zoe <zoe@example.com>", None),
            ("Zoe Smith", "", "zoe@example.com (Zoe Smith)", None),
            ("Zoe *", "", "Zoe Smith <zoe@example.com>", None),
            ("Zoe Smith", "", "Zoe Smithson <zoe@example.com>", Some("zoe@example.com")),
            ("Zoe Smith", "", "Zoe Smith <zoe@example.com>, Bob <bob@example.com>", Some("bob@example.com")),
            ("Zoe Smith", "", "bob@example.com, Zoe Smith <zoe@example.com>", Some("bob@example.com")),
            ("Zoe Smith", "", "ann, Zoe Smith <zoe@example.com>", Some("ann")),
            ("zoe", "", "zoe@example.com", None),
            ("zoe", "", "zoe+ml@example.com", None),
            ("zoe", "", "zoey@example.com", Some("zoey@example.com")),
            ("zoe", DOMAIN, "zoe@example.com", None),
            // With a domain of its own, a name is one of there.
            ("zoe", DOMAIN, "zoe@example.org", Some("zoe@example.org")),
            ("@contractor.com", "", "zoe@contractor.com", None),
            ("@contractor.com", "", "zoe@other-contractor.com", Some("zoe@other-contractor.com")),
            ("@ann.example", "", "ann.example", None),
        ] {
            let tag = tag.replace('\\', "");
            assert_eq!(owner(list, more, &tag), (here.map(str::to_owned), here.is_none()), "{list} and {tag}");
        }
        for (list, says) in [
            (".*@contractor.com", "here \"*@contractor.com\" may be meant"),
            ("contractor.com", "here \"*@contractor.com\" may be meant"),
            ("^zoe@example.com$", "here \"zoe@example.com\" may be meant"),
        ] {
            let error = Policy::from_toml(&format!("[ownership]\nleft = [\"{list}\"]")).err().unwrap().to_string();
            assert!(error.contains(says), "{list}: {error}");
        }
    }

    #[test]
    fn without_a_list_everybody_is_here() {
        let resource = audited("model/x", &[("Owner", "zoe"), ("Team", "nlp")]).resource;
        let policy = policy(BUDGETS);
        assert_eq!((policy.owner_of(&resource).as_deref(), policy.owner_who_left(&resource)), (Some("zoe@example.com"), None));
    }
}
