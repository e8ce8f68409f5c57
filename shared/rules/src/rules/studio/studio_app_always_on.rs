//! # studio-app-always-on
//!
//! ## What it finds
//! A Studio app that has been on for longer than `max-uptime`. The rule does not use an app's `LastUserActivityTimestamp`, because AWS's own
//! health checks update it too. Studio's idle shutdown is the better tool where it is on: see `studio-idle-shutdown-off`.
//!
//! ## Why it costs money
//! A Studio app's instance is billed until the app is deleted, a Canvas session until its user logs out. Closing the browser tab does not stop it. The guard does
//! not know the price of a Canvas session.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed. Enforce: its owner is warned, and after `grace` the app is deleted. Its space, profile and
//! files stay. Unsaved work in memory is lost. The owner can start the app again in Studio. Kinds in `report-only` are never deleted.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::App,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        studio::{AppType, default_app_types, reported_app_types},
        verdict::Verdict,
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StudioAppAlwaysOn {
    /// The app kinds to look at, and to delete where the rule is enforced.
    app_types: Vec<AppType>,
    /// The app kinds that are only reported, whatever the mode is. A kind that `app-types` names as well may be deleted.
    report_only: Vec<AppType>,
    /// How long an app may be on.
    max_uptime: Duration,
}

impl Default for StudioAppAlwaysOn {
    fn default() -> Self {
        Self { app_types: default_app_types(), report_only: reported_app_types(), max_uptime: Duration::days(3) }
    }
}

impl Rule for StudioAppAlwaysOn {
    const NAME: &'static str = "studio-app-always-on";
    const TO_DO: &'static str = "stop it, or keep it with the tag cost-guard:keep-until";
    const MANNER: Manner = Manner::ENFORCEABLE;
    type Subject = App;

    fn nonsense(&self) -> Option<&'static str> {
        (self.max_uptime < Duration::hours(1)).then_some("`max-uptime` is less than an hour: who would ever work")
    }

    fn check(&self, app: &App, cx: &RuleContext<'_>) -> Verdict {
        app.judge_billed(&self.app_types, &self.report_only, |run, remedy| cx.up_longer_than(self.max_uptime, run, app.billed_as(), remedy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn three_days_are_the_limit_for_what_is_billed() {
        let rule = StudioAppAlwaysOn::default();
        for (app_type, instance_type, started, waste) in [
            ("JupyterLab", "ml.m5.xlarge", "2026-11-21T12:00:00Z", false),
            ("JupyterLab", "ml.m5.xlarge", "2026-11-21T11:59:59Z", true),
            ("JupyterLab", "system", "2026-01-01T00:00:00Z", false),
            ("Canvas", "system", "2026-11-21T11:59:59Z", true),
            ("Canvas", "system", "2026-11-21T12:00:00Z", false),
        ] {
            let verdict = rule.check(&app(app_type, instance_type, started), &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{instance_type} {started}: {verdict:?}");
        }
    }
}
