//! # savings-plan-returnable
//!
//! ## What it finds
//! A SageMaker Savings Plan that can still be given back (AWS says until when), and of which so little is used that it costs more than it saves.
//!
//! ## Why it costs money
//! After the deadline it is paid until its term is over.
//!
//! ## What happens, and what is lost
//! The policy's `finance`, or whoever runs the platform, is mailed the deadline and the steps. Nothing else happens: the guard has no permission to return it.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{monthly, per_hour, percent};
use crate::{
    facts::{PlanKind, SavingsPlan},
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Severity, Verdict, Waste},
    },
    vocabulary::timed_text::TimedText,
};

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SavingsPlanReturnable {}

impl Rule for SavingsPlanReturnable {
    const NAME: &'static str = "savings-plan-returnable";
    const TO_DO: &'static str = "give the Savings Plan back before the deadline";
    const MANNER: Manner = Manner::DEFAULT;
    type Subject = SavingsPlan;

    fn check(&self, plan: &SavingsPlan, cx: &RuleContext<'_>) -> Verdict {
        let Some(until) = plan.returnable_until.filter(|until| cx.now < *until) else { return Verdict::Fine };
        if plan.kind != PlanKind::SageMaker || !plan.is_active {
            return Verdict::Fine;
        }
        let Some(of) = &plan.utilisation else { return Verdict::Later };
        // What the used part would have cost on demand is less than the commitment.
        if of.committed <= of.on_demand {
            return Verdict::Fine;
        }
        let loss = of.a_month(of.committed - of.on_demand);
        let reason = TimedText::from(format!(
            "only {} of {} is used: it costs {} more than it saves, and can be given back until ",
            percent(of.part()),
            per_hour(plan.commitment),
            monthly(loss)
        ));
        let steps = "give it back in the console: Billing and Cost Management, Savings Plans, Inventory, select it, Actions, Return. The account that bought it must do so, and what was paid for it comes back. An organization can return 10 plans a year.";
        let notice = Notice {
            severity: Severity::Warning,
            headline: Some("can be given back"),
            advice: Some(steps.to_owned()),
            ..Notice::default()
        };
        Verdict::Waste(Box::new(Waste { reason: reason.time(until), usd_per_month: Some(loss), notice, ..Waste::default() }))
    }
}
