//! Which resources a run looks at.

use std::collections::BTreeMap;

use crate::vocabulary::resource::{Kind, id_of_arn};

/// What this run is for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everything.
    #[default]
    Everything,
    /// These resources: by id, with the name as it is spelt, where that is known.
    Only(BTreeMap<String, Option<String>>),
    /// This resource changed its state (as in `Only`): what the change ends is closed, and nothing is started.
    Changed(String, Option<String>),
}

impl Scope {
    /// Whether a resource is looked at in this run.
    pub fn includes(&self, id: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(named) => named.contains_key(id),
            Self::Changed(one, _) => one == id,
        }
    }

    /// The resources that it names, by id, with their names as they are spelt, where that is known. `None`: everything.
    pub fn named(&self) -> Option<BTreeMap<String, Option<String>>> {
        match self {
            Self::Everything => None,
            Self::Only(named) => Some(named.clone()),
            Self::Changed(id, name) => Some([(id.clone(), name.clone())].into()),
        }
    }
}

/// The resources that a run is asked for, by id, or the first ARN that names nothing of these kinds.
///
/// # Errors
/// That ARN.
pub fn scope_of_arns(arns: &[String], kinds: &[Kind]) -> Result<Scope, String> {
    let ids = arns.iter().map(|arn| {
        let id = id_of_arn(arn).filter(|id| Kind::of(id).is_some_and(|kind| kinds.contains(&kind)));
        // An ARN in lower case may be of a name that is spelt otherwise.
        let spelt = arn.rsplit('/').next().filter(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())).map(str::to_owned);
        id.map(|id| (id, spelt)).ok_or_else(|| arn.clone())
    });
    ids.collect::<Result<_, _>>().map(Scope::Only)
}
