//! # studio-app-off-hours
//!
//! ## What it finds
//! A Studio app that is on outside working hours. The working hours are those of its own tag `cost-guard:schedule` (or that of its
//! space, its user profile or its space's owner, or its domain), else of its team, else the policy's default. Like
//! `notebook-off-hours`, the rule checks the state now, and leaves an app that was started in off hours alone for `late-start-grace`.
//!
//! The rule checks the kinds in `app-types`. Canvas sessions are only reported (`report-only`), and `RSessionGateway` is not looked at, unless the policy names
//! them in `app-types`: these sessions may hold unsaved work. `RStudioServerPro` (it serves a whole domain) and other apps on a `system` instance are never stopped.
//!
//! ## Why it costs money
//! A Studio app's instance is billed for every second until the app is deleted, whether its browser tab is open or not. A Canvas session is billed by the hour
//! until its user logs out; the guard does not know its price.
//!
//! ## What happens, and what is lost
//! Report: its owner is mailed. Enforce: its owner is warned, and after `grace` the app is deleted (`DeleteApp`, which is how
//! Studio itself shuts an app down). With `repeated-warnings = "weekly"` in `[mail]` a warning holds for a week: left on
//! again, the app is deleted after `grace` without another mail, and the weekly summary lists that. Of an app that was started in off hours its
//! owner is always warned. Its space, profile and files stay. Unsaved work in memory is lost. The owner can start the app
//! again in Studio.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::App,
    policy::SCHEDULE_TAG,
    rules::{
        context::{RuleContext, Running},
        rule::{Manner, Rule},
        studio::{AppType, default_app_types, reported_app_types},
        verdict::Verdict,
    },
    vocabulary::{duration::Duration, resource::Resource},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StudioAppOffHours {
    /// The app kinds to look at, and to delete where the rule is enforced.
    app_types: Vec<AppType>,
    /// The app kinds that are only reported, whatever the mode is. A kind that `app-types` names as well may be deleted.
    report_only: Vec<AppType>,
    /// How long an app that was started in off hours is left alone, from its start.
    late_start_grace: Duration,
}

impl Default for StudioAppOffHours {
    fn default() -> Self {
        Self { app_types: default_app_types(), report_only: reported_app_types(), late_start_grace: Duration::hours(4) }
    }
}

impl Rule for StudioAppOffHours {
    const NAME: &'static str = "studio-app-off-hours";
    const TO_DO: &'static str =
        "stop it in the evening, give it other hours with the tag cost-guard:schedule, or keep it with cost-guard:keep-until";
    const MANNER: Manner = Manner::ENFORCEABLE;
    type Subject = App;

    fn check(&self, app: &App, cx: &RuleContext<'_>) -> Verdict {
        app.judge_billed(&self.app_types, &self.report_only, |run, remedy| {
            let running = Running { resource: &app.resource, run, instance_type: app.billed_as(), last_used: None };
            let mut verdict = cx.off_hours(&running, self.late_start_grace, remedy);
            // A deleted app takes its own tags with it. Those of its space or profile last, but its own have precedence.
            if let Verdict::Waste(waste) = &mut verdict
                && let Some(hours) = waste.notice.hours.as_mut().filter(|_| !has_hours(&app.resource))
            {
                hours.on = Some(app.home.id(&app.domain));
            }
            verdict
        })
    }
}

/// Whether one of its tags sets its hours: it may be its own.
fn has_hours(resource: &Resource) -> bool {
    resource.tags.read().is_some_and(|tags| tags.contains_key(SCHEDULE_TAG))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{remedy::Remedy, rules::notebooks::notebook_off_hours::NotebookOffHours, samples::*};

    #[test]
    fn only_the_named_kinds_on_billed_instances() {
        let night = context("2026-11-24T02:00:00Z");
        let started = "2026-11-23T09:00:00Z";
        let without_canvas = StudioAppOffHours { report_only: vec![], ..StudioAppOffHours::default() };
        let with_canvas = StudioAppOffHours { app_types: vec![AppType::Canvas], ..StudioAppOffHours::default() };
        for (rule, app_type, instance_type, waste) in [
            (&StudioAppOffHours::default(), "JupyterLab", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "CodeEditor", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "KernelGateway", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "TensorBoard", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "KernelGateway", "system", false),
            (&StudioAppOffHours::default(), "Canvas", "system", true),
            (&StudioAppOffHours::default(), "Canvas", "ml.m5.xlarge", true),
            (&StudioAppOffHours::default(), "RSessionGateway", "ml.m5.xlarge", false),
            (&without_canvas, "Canvas", "system", false),
            (&with_canvas, "Canvas", "system", true),
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
    fn canvas_is_only_reported_unless_the_policy_names_it() {
        let night = context("2026-11-24T02:00:00Z");
        let mut canvas = app("Canvas", "system", "2026-11-23T09:00:00Z");
        for instance_type in [Some("system".to_owned()), None, Some("ml.m5.xlarge".to_owned())] {
            canvas.instance_type = instance_type;
            let named = StudioAppOffHours { app_types: vec![AppType::Canvas], ..StudioAppOffHours::default() };
            for (rule, remedy) in [(StudioAppOffHours::default(), Remedy::None), (named, canvas.delete())] {
                let Verdict::Waste(waste) = rule.check(&canvas, &night) else { panic!("{:?}", canvas.instance_type) };
                assert_eq!((&waste.remedy, waste.usd_per_hour), (&remedy, None), "{:?}", canvas.instance_type);
                let logs_out = waste.notice.advice.is_some_and(|advice| advice.contains("log out of Canvas"));
                assert_eq!(logs_out, remedy == Remedy::None);
            }
        }
    }

    #[test]
    fn longer_hours_are_for_what_outlives_the_app_unless_its_own_tag_has_precedence() {
        let app = app("JupyterLab", "ml.m5.xlarge", "2026-11-23T09:00:00Z");
        let home = app.home.id(&app.domain);
        let own = App { resource: with_tags(app.resource.clone(), &[("cost-guard:schedule", "mon-fri/08:00-18:00")]), ..app.clone() };
        for (app, on) in [(app, Some(home)), (own, None)] {
            let evening = context("2026-11-23T18:30:00Z");
            let Verdict::Waste(waste) = StudioAppOffHours::default().check(&app, &evening) else { panic!("{app:?}") };
            assert_eq!(waste.notice.hours.unwrap().on, on);
        }
    }

    #[test]
    fn who_leaves_a_notebook_and_an_app_on_is_mailed_once_of_both() {
        assert_eq!(StudioAppOffHours::MANNER.grace, NotebookOffHours::MANNER.grace);
    }

    #[test]
    fn a_policy_cannot_name_what_is_never_touched() {
        for never in ["RStudioServerPro", "JupyterServer"] {
            assert!(toml::from_str::<StudioAppOffHours>(&format!("app-types = [\"{never}\"]")).is_err(), "{never}");
        }
    }
}
