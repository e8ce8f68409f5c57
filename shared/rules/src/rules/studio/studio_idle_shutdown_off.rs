//! # studio-idle-shutdown-off
//!
//! ## What it finds
//! A Studio domain, user profile or space whose idle shutdown for JupyterLab or Code Editor is missing, disabled, or slower than `longest`.
//! A profile or space is found only for a setting of its own. An inherited setting is a finding of its domain, so that there is not one
//! finding per person. Reading each of them takes an API call, and they seldom change, so they are read once a day.
//!
//! ## Why it costs money
//! Studio can shut down idle JupyterLab and Code Editor apps by itself, and it can see from inside whether they are used. With idle shutdown
//! off, an app is billed until somebody deletes it.
//!
//! ## What happens, and what is lost
//! Its owner is mailed. The domain's administrator can change the setting. It applies to running apps after their next start, and needs
//! SageMaker Distribution 2.0 or newer.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{IdleSettings, IdleShutdown},
    rules::{
        context::RuleContext,
        rule::Rule,
        verdict::{Notice, Verdict, Waste},
    },
    vocabulary::{duration::Duration, resource::Kind},
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StudioIdleShutdownOff {
    /// The longest idle time that a setting may allow.
    longest: Duration,
}

impl Default for StudioIdleShutdownOff {
    fn default() -> Self {
        Self { longest: Duration::hours(2) }
    }
}

impl Rule for StudioIdleShutdownOff {
    const NAME: &'static str = "studio-idle-shutdown-off";
    const TO_DO: &'static str = "ask the administrator of the Studio domain to switch on idle shutdown";
    type Subject = IdleShutdown;

    fn check(&self, level: &IdleShutdown, _: &RuleContext<'_>) -> Verdict {
        let inherits = level.resource.kind() != Some(Kind::Domain);
        let faults: Vec<String> = [("JupyterLab", level.jupyter_lab), ("Code Editor", level.code_editor)]
            .into_iter()
            .filter_map(|(app_type, settings)| Some(format!("{} for {app_type}", self.fault(settings, inherits)?)))
            .collect();
        if faults.is_empty() {
            return Verdict::Fine;
        }
        Verdict::Waste(Box::new(Waste {
            reason: format!(
                "idle shutdown in the domain {}: {}; the policy allows at most {}",
                level.domain,
                faults.join(", "),
                self.longest
            )
            .into(),
            notice: Notice {
                advice: Some(format!(
                    "ask the administrator of the Studio domain to switch on idle shutdown (SageMaker console: Domains, {}, App Configurations, \
                 Idle shutdown), then restart running apps.",
                    level.domain
                )),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

impl StudioIdleShutdownOff {
    fn fault(&self, settings: IdleSettings, inherits: bool) -> Option<String> {
        match settings {
            IdleSettings { enabled: Some(false), .. } => Some("off".into()),
            IdleSettings { enabled: None, timeout_minutes: None } => (!inherits).then(|| "not set".into()),
            IdleSettings { timeout_minutes: Some(minutes), .. } => {
                let timeout = Duration::minutes(i64::from(minutes));
                (self.longest < timeout).then(|| format!("only after {timeout}"))
            }
            IdleSettings { enabled: Some(true), timeout_minutes: None } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn names_what_each_level_itself_says() {
        let rule = StudioIdleShutdownOff::default();
        let on = |minutes| IdleSettings { enabled: Some(true), timeout_minutes: Some(minutes) };
        let off = IdleSettings { enabled: Some(false), timeout_minutes: Some(60) };
        let silent = IdleSettings::default();
        let only_timeout = |minutes| IdleSettings { enabled: None, timeout_minutes: Some(minutes) };
        for (id, jupyter_lab, code_editor, told) in [
            ("domain/d-1", on(60), on(120), None),
            ("domain/d-1", on(60), silent, Some("not set for Code Editor")),
            ("domain/d-1", off, on(60), Some("off for JupyterLab")),
            ("domain/d-1", on(121), on(60), Some("only after 2h 1m for JupyterLab")),
            ("user-profile/d-1/ann", silent, silent, None),
            ("user-profile/d-1/ann", off, silent, Some("off for JupyterLab")),
            ("space/d-1/lab", only_timeout(60), silent, None),
            ("space/d-1/lab", only_timeout(600), silent, Some("only after 10h for JupyterLab")),
        ] {
            let level = IdleShutdown { resource: resource(id), domain: "d-1".into(), jupyter_lab, code_editor };
            match (rule.check(&level, &context("2026-11-24T12:00:00Z")), told) {
                (Verdict::Fine, None) => {}
                (Verdict::Waste(waste), Some(told)) => {
                    assert!(waste.reason.to_string().contains(told) && waste.reason.to_string().contains(" d-1: "), "{}", waste.reason);
                }
                (verdict, _) => panic!("{id} {jupyter_lab:?} {code_editor:?}: {verdict:?}"),
            }
        }
    }
}
