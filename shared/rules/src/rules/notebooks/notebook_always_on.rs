//! # notebook-always-on
//!
//! ## What it finds
//! A notebook instance that has been on for longer than `max-uptime` without a break. The rule needs no schedule and no idle agent. It finds what
//! `notebook-off-hours` and `notebook-idle` miss: a notebook with the schedule `always`, or one that a program keeps busy day and night.
//!
//! ## Why it costs money
//! A notebook that is on for days is seldom used for days. A long computation is cheaper as a training or processing job, which ends by itself.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed. Enforce: its owner is warned, and after `grace` the instance is stopped. Everything in
//! its `SageMaker` folder stays; a computation that is still running is lost.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Notebook,
    remedy::Remedy,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::Verdict,
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NotebookAlwaysOn {
    /// How long a notebook may be on without a break.
    max_uptime: Duration,
}

impl Default for NotebookAlwaysOn {
    fn default() -> Self {
        Self { max_uptime: Duration::days(3) }
    }
}

impl Rule for NotebookAlwaysOn {
    const NAME: &'static str = "notebook-always-on";
    const TO_DO: &'static str = "stop it, or keep it with the tag cost-guard:keep-until";
    const MANNER: Manner = Manner::ENFORCEABLE;
    type Subject = Notebook;

    fn nonsense(&self) -> Option<&'static str> {
        (self.max_uptime < Duration::hours(1)).then_some("`max-uptime` is less than an hour: who would ever work")
    }

    fn check(&self, notebook: &Notebook, cx: &RuleContext<'_>) -> Verdict {
        match notebook.judged_run() {
            Ok(run) => cx.up_longer_than(self.max_uptime, run, notebook.instance_type.as_deref(), Remedy::StopNotebook),
            Err(verdict) => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn three_days_are_the_limit() {
        let rule = NotebookAlwaysOn::default();
        for (started, waste) in [("2026-11-23T12:00:00Z", false), ("2026-11-21T12:00:00Z", false), ("2026-11-21T11:59:59Z", true)] {
            let verdict = rule.check(&notebook(started), &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{started}: {verdict:?}");
        }
    }
}
