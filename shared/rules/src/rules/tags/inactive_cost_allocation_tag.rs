//! # inactive-cost-allocation-tag
//!
//! ## What it finds
//! A required tag key (`required` of `missing-tag`; without it the owner's and the team's) that resources have, but that is not activated as a cost allocation
//! tag. It is checked in every audit. Only the payer account of an organization may read this: in other accounts the report says so, and nobody is mailed.
//!
//! ## Why it costs money
//! Without activation the tag is on no bill, in no budget and not in Cost Explorer, however well resources are tagged. Activation is not retroactive: earlier
//! spend has no tag, except after a backfill of up to 12 months.
//!
//! ## What happens, and what is lost
//! Report: whoever runs the platform is mailed the command. Enforce: the key is activated at once. Nothing is lost. It takes a day to appear in the bill.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{TagKey, TagKeyStatus},
    remedy::Remedy,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{duration::Duration, period::day_of, text::quoted},
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct InactiveCostAllocationTag {}

impl Rule for InactiveCostAllocationTag {
    const NAME: &'static str = "inactive-cost-allocation-tag";
    const TO_DO: &'static str = "activate the tag key for billing";
    const MANNER: Manner = Manner { grace: Duration::minutes(0), ..Manner::ENFORCEABLE };
    type Subject = TagKey;

    fn check(&self, key: &TagKey, cx: &RuleContext<'_>) -> Verdict {
        let name = &key.resource.name;
        let month = day_of(cx.now).first_of_month();
        let backfill = format!("aws ce start-cost-allocation-tag-backfill --backfill-from {month}T00:00:00Z");
        match key.status {
            // No resource has the key yet: `missing-tag` reports that.
            Some(TagKeyStatus::Active | TagKeyStatus::NeverSeen) => Verdict::Fine,
            Some(TagKeyStatus::NotThePayer) => {
                Verdict::Exempt("only the payer's account of the organization may say whether it is a cost allocation tag".to_owned())
            }
            None => Verdict::Later,
            Some(TagKeyStatus::Inactive) => Verdict::Waste(Box::new(Waste {
                reason: format!(
                    "resources have the tag {name}, but it is not activated for billing: the bill, budgets and Cost Explorer do not show it"
                )
                .into(),
                was: Some(format!("resources have the tag {name}, but it was not activated for billing").into()),
                remedy: Remedy::ActivateTag,
                notice: Notice {
                    advice: Some(format!(
                        "activate it. The bill shows it from the next day on.\n\
                     aws ce update-cost-allocation-tags-status --cost-allocation-tags-status {}\n\
                     {PAST}:\n{backfill}\nIn an organization only its payer account may run these.",
                        quoted(&format!("TagKey={name},Status=Active"))
                    )),
                    after_stop: Some(format!("{PAST}:\n{backfill}\nIn an organization only its payer account may run this.")),
                    headline: Some("not activated for billing"),
                    ..Notice::default()
                },
                ..Waste::default()
            })),
        }
    }
}

/// What the command of a backfill is for.
const PAST: &str =
    "to see it in the bill of past months, too, put the first of these months here as the date (twelve months ago at the earliest)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn only_what_can_be_activated_is_found() {
        for (status, expected) in [
            (Some(TagKeyStatus::Active), "Fine"),
            (Some(TagKeyStatus::NeverSeen), "Fine"),
            (Some(TagKeyStatus::NotThePayer), "Exempt"),
            (None, "Later"),
            (Some(TagKeyStatus::Inactive), "Waste"),
        ] {
            let verdict = InactiveCostAllocationTag {}.check(&TagKey { status, ..tag_key("CostCenter") }, &context("2026-11-24T12:00:00Z"));
            assert!(format!("{verdict:?}").starts_with(expected), "{status:?}: {verdict:?}");
            if let Verdict::Waste(waste) = verdict {
                assert!(waste.remedy == Remedy::ActivateTag && waste.notice.advice.unwrap().contains("'TagKey=CostCenter,Status=Active'"));
            }
        }
    }
}
