//! What the guard writes to resources, as the ledger remembers it until the owner was mailed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    remedy::Remedy,
    scaling::{Attachment, Way},
    vocabulary::resource::Resource,
};

/// A remedy that writes something and stops nothing.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    Tags { tags: BTreeMap<String, String>, from: String },
    ActiveTag,
    Scaling { way: Way, attachments: Vec<Attachment> },
}

impl Remedy {
    /// What it writes, for the ledger. `None`: it writes nothing.
    pub fn as_written(&self) -> Option<String> {
        let written = match self {
            Self::AddTags { tags, from, .. } => Written::Tags { tags: tags.clone(), from: from.clone() },
            Self::ActivateTag => Written::ActiveTag,
            Self::AttachScaling(way, attachments) => Written::Scaling { way: *way, attachments: attachments.clone() },
            _ => return None,
        };
        serde_json::to_string(&written).ok()
    }

    /// What its owner is warned of, for the ledger, where more than its action has to be known: only this may be done. `None`: the action says all.
    pub fn as_announced(&self) -> Option<String> {
        match self {
            // Whoever has deployed another configuration since is warned anew.
            Self::Hibernate(sleep) => Some(sleep.config.clone()),
            Self::AttachScaling(..) => self.as_written(),
            _ => None,
        }
    }

    /// The auto scaling that was announced ([`Remedy::as_announced`]), and why.
    pub fn of_announced(announced: &str) -> Option<(Way, Vec<Attachment>)> {
        match serde_json::from_str(announced).ok()? {
            Written::Scaling { way, attachments } => Some((way, attachments)),
            Written::Tags { .. } | Written::ActiveTag => None,
        }
    }

    /// The remedy that wrote this ([`Remedy::as_written`]), if the resource has it now. Whether the guard's call had its effect may not be known.
    pub fn of_written(written: &str, resource: &Resource) -> Option<Self> {
        match serde_json::from_str(written).ok()? {
            Written::Tags { tags, from } => {
                let is_there = |has: &BTreeMap<String, String>| tags.iter().all(|(key, value)| has.get(key) == Some(value));
                resource.tags.read().is_some_and(is_there).then_some(Self::AddTags { tags, from, rest: None })
            }
            Written::ActiveTag => Some(Self::ActivateTag),
            // Whether it was attached is another record's to say.
            Written::Scaling { way, attachments } => Some(Self::AttachScaling(way, attachments)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{samples::resource, vocabulary::resource::Tags};

    #[test]
    fn what_was_written_is_known_again_where_it_is() {
        let tags = BTreeMap::from([("Owner".to_owned(), "ann@example.com".to_owned())]);
        let remedy = Remedy::AddTags { tags: tags.clone(), from: "Owner from who created it".to_owned(), rest: None };
        let written = remedy.as_written().unwrap();
        let of = |tags| Resource { tags, ..resource("model/churn") };
        assert_eq!(Remedy::of_written(&written, &of(Tags::Known(tags))), Some(remedy));
        let other = BTreeMap::from([("Owner".to_owned(), "bob@example.com".to_owned())]);
        for tags in [Tags::Known(other), Tags::NotIndexed, Tags::Unreadable] {
            assert_eq!(Remedy::of_written(&written, &of(tags)), None);
        }
        let activated = Remedy::ActivateTag.as_written().unwrap();
        assert_eq!(Remedy::of_written(&activated, &of(Tags::NotIndexed)), Some(Remedy::ActivateTag));
        assert_eq!((Remedy::StopNotebook.as_written(), Remedy::of_written("?", &of(Tags::NotIndexed))), (None, None));
    }
}
