//! # savings-plan-wrong-kind
//!
//! ## What it finds
//! A Compute Savings Plan (or one for EC2 or databases) in an account that has no SageMaker Savings Plan, and pays at least `min-cost` a month on demand for SageMaker.
//!
//! ## Why it costs money
//! Such a plan covers nothing of SageMaker. Who bought it for SageMaker pays twice.
//!
//! ## What happens, and what is lost
//! The policy's `finance`, or whoever runs the platform, is mailed once. Nothing else happens.
//!
//! ## Settings

use rust_decimal::dec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{monthly, per_hour};
use crate::{
    facts::{PlanKind, SavingsPlan},
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{duration::Duration, price::Usd},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SavingsPlanWrongKind {
    /// USD a month of SageMaker on demand: less is not reported.
    min_cost: Usd,
}

impl Default for SavingsPlanWrongKind {
    fn default() -> Self {
        Self { min_cost: Usd(dec!(100)) }
    }
}

impl Rule for SavingsPlanWrongKind {
    const NAME: &'static str = "savings-plan-wrong-kind";
    const TO_DO: &'static str = "know that this Savings Plan covers nothing of SageMaker";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(365)), costs_are_waste: false, ..Manner::DEFAULT };
    type Subject = SavingsPlan;

    fn check(&self, plan: &SavingsPlan, _: &RuleContext<'_>) -> Verdict {
        let PlanKind::Other(kind) = &plan.kind else { return Verdict::Fine };
        if plan.has_sagemaker_plan || !plan.is_active {
            return Verdict::Fine;
        }
        let Some(usd) = plan.uncovered_usd_per_month else { return Verdict::Later };
        if usd < self.min_cost.0 {
            return Verdict::Fine;
        }
        let reason = format!(
            "a {kind} Savings Plan of {} covers nothing of SageMaker, which costs {} on demand",
            per_hour(plan.commitment),
            monthly(usd)
        );
        let advice = "if it was bought for SageMaker, give it back while AWS still takes it (a week, and in the same month). For SageMaker there are SageMaker Savings Plans.";
        let notice = Notice { headline: Some("covers nothing of SageMaker"), advice: Some(advice.to_owned()), ..Notice::default() };
        Verdict::Waste(Box::new(Waste { reason: reason.into(), notice, ..Waste::default() }))
    }
}
