//! # training-plan-idle
//!
//! ## What it finds
//! A training plan whose time has come, of which nothing was used for `idle-after`: no instance of it is in use, and no training job ended on it since.
//!
//! ## Why it costs money
//! It was paid in advance for certain days. What nobody uses of them is lost.
//!
//! ## What happens, and what is lost
//! Its owner is mailed the dollars that are left in it, until when, and how to use it. Nothing else happens: a training plan cannot be given back.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::TrainingPlan,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Notice, Severity, Verdict, Waste},
    },
    vocabulary::{
        duration::{Duration, roughly},
        price::dollars,
        timed_text::TimedText,
    },
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TrainingPlanIdle {
    /// How long nothing may use it.
    idle_after: Duration,
}

impl Default for TrainingPlanIdle {
    fn default() -> Self {
        Self { idle_after: Duration::hours(12) }
    }
}

impl Rule for TrainingPlanIdle {
    const NAME: &'static str = "training-plan-idle";
    const TO_DO: &'static str = "use the training plan: it is paid";
    const MANNER: Manner = Manner { remind_after: Some(Duration::days(1)), ..Manner::DEFAULT };
    type Subject = TrainingPlan;

    fn check(&self, plan: &TrainingPlan, cx: &RuleContext<'_>) -> Verdict {
        if !plan.is_active || plan.instances == 0 || 0 < plan.in_use {
            return Verdict::Fine;
        }
        let since = plan.last_used.unwrap_or(plan.start).max(plan.start);
        let idle = cx.now.duration_since(since);
        if idle < self.idle_after.signed() || plan.end <= cx.now {
            return Verdict::Fine;
        }
        let what = plan.instance_type.as_deref().unwrap_or("instances");
        let left = plan.left(cx.now).map_or_else(String::new, |usd| format!("; {} are left in it", dollars(usd)));
        let reason = TimedText::from(format!("{} {what}, paid in advance until ", plan.instances))
            .time(plan.end)
            .text(&format!(", and nothing has used them for {}{left}", roughly(idle)));
        let arn = plan.resource.arn.as_deref().unwrap_or(&plan.resource.id);
        let advice = format!(
            "name it in a training job (ResourceConfig.TrainingPlanArn = {arn}), or tell the teams that wait for such instances that these are paid. It cannot be given back."
        );
        let notice = Notice { severity: Severity::Warning, headline: Some("paid and idle"), advice: Some(advice), ..Notice::default() };
        Verdict::Waste(Box::new(Waste { reason, notice, ..Waste::default() }))
    }
}
