//! # savings-plan-underused
//!
//! ## What it finds
//! A SageMaker Savings Plan that costs more than it saves, or of which less than `min-used` percent is used, and of which nobody uses at least `min-cost` a month. The best commitment is often not used up: 85 to 95 % are usual. It looks at the last 14 days, of a younger plan at those since it began.
//!
//! ## Why it costs money
//! What nobody uses of an hour's commitment is paid and lost.
//!
//! ## What happens, and what is lost
//! The policy's `finance`, or whoever runs the platform, is mailed how much of it is used, and from which use on it pays. Nothing else happens.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{monthly, per_hour, percent};
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
pub(crate) struct SavingsPlanUnderused {
    /// The percentage of the commitment that must be used.
    #[schemars(range(min = 1, max = 100))]
    min_used: u32,
    /// USD a month that nobody uses: less is not reported.
    min_cost: Usd,
}

impl Default for SavingsPlanUnderused {
    fn default() -> Self {
        Self { min_used: 75, min_cost: Usd(dec!(25)) }
    }
}

impl Rule for SavingsPlanUnderused {
    const NAME: &'static str = "savings-plan-underused";
    const TO_DO: &'static str = "use more of the Savings Plan, or renew less of it";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(30)), ..Manner::DEFAULT };
    type Subject = SavingsPlan;

    fn nonsense(&self) -> Option<&'static str> {
        (!(1..=100).contains(&self.min_used)).then_some("`min-used` is a percentage: write a number from 1 to 100")
    }

    fn check(&self, plan: &SavingsPlan, cx: &RuleContext<'_>) -> Verdict {
        // While it can be given back, that is what is told.
        if plan.returnable_until.is_some_and(|until| cx.now < until) || plan.kind != PlanKind::SageMaker || !plan.is_active {
            return Verdict::Fine;
        }
        let Some(of) = &plan.utilisation else { return Verdict::Later };
        let unused = of.a_month(of.committed - of.used);
        let is_loss = of.on_demand < of.committed;
        let is_used = Decimal::from(self.min_used) <= of.part() * Decimal::ONE_HUNDRED;
        if (is_used && !is_loss) || unused < self.min_cost.0 {
            return Verdict::Fine;
        }
        let pays = of.break_even().map_or_else(|| "nothing of it was used".to_owned(), |part| format!("it pays from {} on", percent(part)));
        let reason = format!(
            "{} of {} was used in the last {}: nobody uses {}; {pays}",
            percent(of.part()),
            per_hour(plan.commitment),
            if of.days == 1 { "day".to_owned() } else { format!("{} days", of.days) },
            monthly(unused)
        );
        let advice = "it covers all Regions, instance types and components of SageMaker except Spot, storage and serverless, and all accounts of the organization that share: see whether use that pays on demand elsewhere can come under it. Do not buy another plan, and renew less of it when it ends.";
        let notice = Notice { headline: Some("used too little"), advice: Some(advice.to_owned()), ..Notice::default() };
        Verdict::Waste(Box::new(Waste { reason: reason.into(), usd_per_month: Some(unused), notice, ..Waste::default() }))
    }
}
