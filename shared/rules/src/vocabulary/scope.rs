//! Which resources a run looks at.

use std::collections::BTreeMap;

use crate::vocabulary::resource::{Kind, id_of_arn};

/// Which resources a run looks at.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everything.
    #[default]
    Everything,
    /// These resources: ids, each with the name in its original spelling if that is known.
    Only(BTreeMap<String, Option<String>>),
    /// This resource (id and name as in `Only`) changed its state. Findings that the change ended are closed, and no mail or action begins.
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

    /// The resources that it names: ids, each with the name in its original spelling if that is known. `None`: everything.
    pub fn named(&self) -> Option<BTreeMap<String, Option<String>>> {
        match self {
            Self::Everything => None,
            Self::Only(named) => Some(named.clone()),
            Self::Changed(id, name) => Some([(id.clone(), name.clone())].into()),
        }
    }
}

/// The ids of the resources that these ARNs name, each with the name in its original spelling if that is known.
///
/// # Errors
/// The first ARN that does not name a resource of one of `kinds`.
pub fn ids_of_arns(arns: &[String], kinds: &[Kind]) -> Result<BTreeMap<String, Option<String>>, String> {
    let ids = arns.iter().map(|arn| {
        let id = id_of_arn(arn).filter(|id| Kind::of(id).is_some_and(|kind| kinds.contains(&kind)));
        // AWS may write an ARN in lower case. So the spelling of a name without capitals is not known.
        let spelt = arn.rsplit('/').next().filter(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())).map(str::to_owned);
        id.map(|id| (id, spelt)).ok_or_else(|| arn.clone())
    });
    ids.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_other_kinds_are_refused() {
        let notebook = "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/Churn".to_owned();
        assert_eq!(
            ids_of_arns(&[notebook], &[Kind::NotebookInstance]).unwrap(),
            [("notebook-instance/churn".to_owned(), Some("Churn".to_owned()))].into()
        );
        for other in ["arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x", "arn:aws:s3:::bucket", "churn", ""] {
            assert_eq!(ids_of_arns(&[other.to_owned()], &[Kind::NotebookInstance]), Err(other.to_owned()));
        }
    }
}
