//! # untagged-spend
//!
//! ## What it finds
//! SageMaker spend in this Region in the last 30 days without a required tag key, according to Cost Explorer, with the usage types that cost the most. It is read
//! once a week, for one cent per key and one more (per page of Cost Explorer's answer). A tag with an empty value counts as a tag here. Cost Explorer knows a key
//! only from its activation on (`inactive-cost-allocation-tag`).
//!
//! ## Why it costs money
//! Nobody is responsible for this spend. It includes what no list of resources shows any more, such as deleted endpoints and ended jobs.
//!
//! ## What happens, and what is lost
//! Whoever runs the platform is mailed the dollars. Nothing else happens: `missing-tag` finds the resources that continue to cost money.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{Split, TagKey, TagSpend},
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::price::{Usd, dollars},
};

/// How many usage types a mail names.
const NAMED: usize = 5;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct UntaggedSpend {
    /// Untagged spend below this, in USD of the last 30 days, is not reported.
    min_cost: Usd,
    /// Untagged spend of up to this percentage of all SageMaker spend is not reported.
    #[schemars(range(max = 99))]
    max_percent: u32,
}

impl Default for UntaggedSpend {
    fn default() -> Self {
        Self { min_cost: Usd(dec!(10)), max_percent: 5 }
    }
}

impl Rule for UntaggedSpend {
    const NAME: &'static str = "untagged-spend";
    const TO_DO: &'static str = "tag what missing-tag names; Cost Explorer shows the rest: filter by \"No tag key\"";
    const MANNER: Manner = Manner { costs_are_waste: false, ..Manner::DEFAULT };
    type Subject = TagKey;

    fn nonsense(&self) -> Option<&'static str> {
        (100 <= self.max_percent).then_some("`max-percent` is 100 or more: nothing would ever be said: write mode = \"off\"")
    }

    fn check(&self, key: &TagKey, _: &RuleContext<'_>) -> Verdict {
        let Some(TagSpend { keys, days, by_usage, .. }) = &key.spend else { return Verdict::Later };
        let total: Decimal = by_usage.values().map(Split::total).sum();
        let untagged: Decimal = by_usage.values().map(|usage| usage.untagged).sum();
        if untagged < self.min_cost.0 || untagged * Decimal::ONE_HUNDRED <= total * Decimal::from(self.max_percent) {
            return Verdict::Fine;
        }
        let mut usages: Vec<_> = by_usage.iter().filter(|(_, usage)| dec!(0.01) <= usage.untagged).collect();
        usages.sort_by_key(|(name, usage)| (std::cmp::Reverse(usage.untagged), *name));
        let mut named: Vec<String> = usages.iter().take(NAMED).map(|(name, usage)| format!("{name} {}", dollars(usage.untagged))).collect();
        if NAMED < usages.len() {
            named.push(format!("{} more", usages.len() - NAMED));
        }
        // Discounts may make the tagged part negative, and so the sum less than its untagged part, or nothing.
        let percent = (untagged * Decimal::ONE_HUNDRED / total.max(untagged)).round();
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "{} of the {} that SageMaker cost in the last {days} days ({percent} %) has no value for {}: {}",
                dollars(untagged),
                dollars(total),
                keys.join(" or "),
                named.join(", ")
            )
            .into(),
            usd_per_month: Some(untagged * dec!(30) / Decimal::from((*days).max(1))),
            notice: Notice {
                advice: Some(
                    "the mails of the rule missing-tag list the resources that exist now. Cost Explorer shows what was deleted, too: filter by \"No tag key\"."
                        .to_owned(),
                ),
                headline: Some("missing on spend"),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    fn spend(usages: &[(&str, Decimal, Decimal)]) -> TagSpend {
        let by_usage = usages.iter().map(|(name, tagged, untagged)| ((*name).to_owned(), Split { tagged: *tagged, untagged: *untagged }));
        TagSpend { keys: vec!["CostCenter".into()], days: 30, by_usage: by_usage.collect(), ..TagSpend::default() }
    }

    #[test]
    fn tells_what_costs_the_most() {
        let key = TagKey {
            spend: Some(spend(&[
                ("Host:ml.m5.xlarge", dec!(100), dec!(300)),
                ("Notebk:ml.t3.medium", dec!(500), dec!(80.5)),
                ("Train:ml.m5.xlarge", dec!(20), dec!(0.004)),
            ])),
            ..tag_key("CostCenter")
        };
        let Verdict::Waste(waste) = UntaggedSpend::default().check(&key, &context("2026-11-24T12:00:00Z")) else { panic!("waste") };
        assert_eq!(
            waste.reason,
            "$380.50 of the $1,000.50 that SageMaker cost in the last 30 days (38 %) has no value for CostCenter: Host:ml.m5.xlarge $300.00, Notebk:ml.t3.medium \
             $80.50"
        );
        assert_eq!(waste.usd_per_month, Some(dec!(380.504)));
    }

    #[test]
    fn little_is_not_worth_a_mail() {
        for (usages, waste) in [
            (&[("Host:x", dec!(100), dec!(9.99))][..], false),
            (&[("Host:x", dec!(1000), dec!(50))], false), // 4.8 %
            (&[("Host:x", dec!(100), dec!(10))], true),
            (&[], false),
            (&[("Host:x", dec!(-5), dec!(0))], false),
            (&[("Host:x", dec!(-20), dec!(20))], true), // in all, nothing
            (&[("Host:x", dec!(-30), dec!(20))], true),
        ] {
            let key = TagKey { spend: Some(spend(usages)), ..tag_key("CostCenter") };
            let verdict = UntaggedSpend::default().check(&key, &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{usages:?}: {verdict:?}");
        }
        let unknown = UntaggedSpend::default().check(&tag_key("CostCenter"), &context("2026-11-24T12:00:00Z"));
        assert_eq!(unknown, Verdict::Later, "what was not asked for stays as it was");
    }
}
