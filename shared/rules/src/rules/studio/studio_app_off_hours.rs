//! # studio-app-off-hours
//!
//! ## What it finds
//! A Studio app that is on outside working hours. The working hours are those of its own tag `cost-guard:schedule` (or its space's,
//! profile's or domain's), else of its team, else the policy's default. Like `notebook-off-hours`, the rule checks the state now, and
//! leaves an app that was started in off hours alone for `late-start-grace`.
//!
//! The rule checks the kinds in `app-types`. It checks Canvas and `RSessionGateway` only if the policy names them, because their
//! sessions may hold unsaved work. `RStudioServerPro` (it serves a whole domain) and apps on a `system` instance are never stopped.
//!
//! ## Why it costs money
//! A Studio app's instance is billed for every second until the app is deleted, whether its browser tab is open or not.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed. Enforce: its owner is warned, and after `grace` the app is deleted (`DeleteApp`, which is how
//! Studio itself shuts an app down). Its space, profile and files stay. Unsaved work in memory is lost. The owner can start the app
//! again in Studio.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::App,
    rules::{
        context::RuleContext,
        rule::{Manner, Rule},
        studio::{AppType, default_app_types},
        verdict::Verdict,
    },
    vocabulary::duration::Duration,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StudioAppOffHours {
    /// The app kinds to look at.
    app_types: Vec<AppType>,
    /// How long an app that was started in off hours is left alone, from its start.
    late_start_grace: Duration,
}

impl Default for StudioAppOffHours {
    fn default() -> Self {
        Self { app_types: default_app_types(), late_start_grace: Duration::hours(4) }
    }
}

impl Rule for StudioAppOffHours {
    const NAME: &'static str = "studio-app-off-hours";
    const MANNER: Manner = Manner::ENFORCEABLE;
    type Subject = App;

    fn check(&self, app: &App, cx: &RuleContext<'_>) -> Verdict {
        match app.billed_run(&self.app_types) {
            Ok(run) => cx.off_hours(&app.resource, run, app.instance_type.as_deref(), self.late_start_grace, app.delete()),
            Err(verdict) => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn only_the_named_kinds_on_billed_instances() {
        let night = context("2026-11-24T02:00:00Z");
        let started = "2026-11-23T09:00:00Z";
        let with_canvas = StudioAppOffHours { app_types: vec![AppType::Canvas], ..StudioAppOffHours::default() };
        for (rule, app_type, instance_type, waste) in [
            (&StudioAppOffHours::default(), "JupyterLab", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "CodeEditor", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "KernelGateway", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "TensorBoard", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "KernelGateway", "system", false),
            (&StudioAppOffHours::default(), "Canvas", "ml.m5.xlarge", false),
            (&with_canvas, "Canvas", "ml.m5.xlarge", true),
            (&with_canvas, "JupyterLab", "ml.m5.xlarge", false),
            (&StudioAppOffHours::default(), "RStudioServerPro", "ml.m5.xlarge", false),
            (&StudioAppOffHours::default(), "JupyterServer", "system", false),
        ] {
            let verdict = rule.check(&app(app_type, instance_type, started), &night);
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{app_type} on {instance_type}: {verdict:?}");
        }
    }

    #[test]
    fn a_policy_cannot_name_what_is_never_touched() {
        for never in ["RStudioServerPro", "JupyterServer"] {
            assert!(toml::from_str::<StudioAppOffHours>(&format!("app-types = [\"{never}\"]")).is_err(), "{never}");
        }
    }
}
