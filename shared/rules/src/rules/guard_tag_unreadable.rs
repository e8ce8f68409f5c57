//! # guard-tag-unreadable
//!
//! ## What it finds
//! A notebook instance, Studio app, training job or tuning job with a tag `cost-guard:schedule`,
//! `cost-guard:keep-until`, `cost-guard:stoppable` or `cost-guard:spot` whose value the guard cannot read.
//!
//! ## Why it costs money
//! Somebody used the tag to tell the guard something, and it has no effect. Until the tag can be read, the guard takes no action on the resource,
//! whatever the policy says, and the resource continues to cost money.
//!
//! ## What happens, and what is lost
//! Its owner is mailed what is wrong and how to write the tag. Nothing else happens.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::resource::{Kind, Resource},
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GuardTagUnreadable {}

impl Rule for GuardTagUnreadable {
    const NAME: &'static str = "guard-tag-unreadable";
    type Subject = Resource;

    fn check(&self, resource: &Resource, cx: &RuleContext<'_>) -> Verdict {
        let acted_upon = matches!(resource.kind(), Some(Kind::NotebookInstance | Kind::App | Kind::TrainingJob | Kind::TuningJob));
        match cx.policy.unreadable_tag(resource) {
            Some(reason) if acted_upon => Verdict::Waste(Box::new(Waste {
                reason,
                notice: Notice {
                    advice: Some("Write the tag anew, or remove it. Until then the guard leaves this resource alone.".into()),
                    ..Notice::default()
                },
                ..Waste::default()
            })),
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn tells_what_is_wrong_and_how_to_write_it() {
        for (tag, value, told) in [
            ("cost-guard:schedule", "mon-fri/08:00-19:00", None),
            ("cost-guard:schedule", "office hours", Some("write for example \"mon-fri/08:00-19:00\"")),
            ("cost-guard:keep-until", "2026-12-31", None),
            ("cost-guard:keep-until", "31.12.2026", Some("write a day, for example 2026-12-31")),
            ("cost-guard:keep-until", "always", Some("the policy does not allow `always`")),
            ("cost-guard:keep-reason", "anything", None),
            ("cost-guard:spot", "resubmit", None),
            ("cost-guard:spot", "yes please", Some("write `resubmit`")),
        ] {
            let notebook = tagged(notebook("2026-11-23T08:00:00Z"), &[(tag, value)]);
            match (GuardTagUnreadable {}.check(&notebook.resource, &context("2026-11-24T12:00:00Z")), told) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(told)) => assert!(waste.reason.contains(told), "{}", waste.reason),
                (verdict, _) => panic!("{tag}={value}: {verdict:?}"),
            }
        }
    }
}
