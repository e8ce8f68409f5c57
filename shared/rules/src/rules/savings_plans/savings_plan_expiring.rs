//! # savings-plan-expiring
//!
//! ## What it finds
//! A SageMaker Savings Plan that ends within 60 days. It is mailed again when 30 and 7 days are left. Where another plan is queued that begins by then, nothing is said.
//!
//! ## Why it costs money
//! No plan renews itself. From its end on everything that it covered is on demand.
//!
//! ## What happens, and what is lost
//! The policy's `finance`, or whoever runs the platform, is mailed when it ends, what the bill rises by, and what to renew: the commitment that `savings-plan-shortfall` would advise for what stays. Nothing else happens.
//!
//! ## Settings

use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{monthly, per_hour};
use crate::{
    facts::{PlanKind, SavingsPlan},
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Severity, Verdict, Waste, leveled},
    },
    vocabulary::{
        duration::{Duration, roughly},
        timed_text::TimedText,
    },
};

/// When it is mailed, in days before its end.
const TOLD: [i64; 3] = [60, 30, 7];

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SavingsPlanExpiring {}

impl Rule for SavingsPlanExpiring {
    const NAME: &'static str = "savings-plan-expiring";
    const TO_DO: &'static str = "decide what to renew before the Savings Plan ends";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(90)), costs_are_waste: false, ..Manner::DEFAULT };
    type Subject = SavingsPlan;

    fn check(&self, plan: &SavingsPlan, cx: &RuleContext<'_>) -> Verdict {
        let left = plan.end.duration_since(cx.now);
        let days = left.as_hours() / 24;
        let level = TOLD.iter().filter(|told| days < **told).count();
        if plan.kind != PlanKind::SageMaker || !plan.is_active || left.is_negative() || level == 0 || plan.is_followed {
            return Verdict::Fine;
        }
        let is_needed = plan.renewal.is_none_or(|usd| !usd.is_zero());
        let rises =
            plan.utilisation.filter(|_| is_needed).map(|of| of.a_month(of.on_demand - of.committed)).filter(|usd| Decimal::ZERO < *usd);
        let costs = rises.map_or_else(String::new, |usd| format!("; from then on the bill is {} higher", monthly(usd)));
        let reason = TimedText::from(format!("{} ends on ", per_hour(plan.commitment)))
            .time(plan.end)
            .text(&format!(", in {}{costs}", roughly(left)));
        let renewal = match plan.renewal {
            Some(usd) if usd.is_zero() => {
                "let it end: for what stays without the waste, and what your other plans cover, no plan pays.".to_owned()
            }
            Some(usd) => format!(
                "renew {}: that is the best commitment for what stays without the waste. Queue it now, so that it begins when this one ends.",
                per_hour(usd)
            ),
            None => "see AWS's recommendation, and take out of it what the guard found as waste.".to_owned(),
        };
        let notice = Notice {
            key: Some(leveled(&format!("ends {}", plan.end), Decimal::from(level))),
            severity: if days < 7 { Severity::Warning } else { Severity::Info },
            headline: Some("ends soon"),
            advice: Some(renewal),
            is_saving: rises.is_some(),
            ..Notice::default()
        };
        Verdict::Waste(Box::new(Waste { reason, usd_per_month: rises.filter(|usd| dec!(0.01) <= *usd), notice, ..Waste::default() }))
    }
}
