//! # studio-app-stuck
//!
//! ## What it finds
//! A Studio app that has been `Pending` for longer than `after` since it was created. AWS does not say since when an app has been `Deleting`, so the rule
//! does not judge that.
//!
//! ## Why it costs money
//! Somebody waits for it, and starts another one. The one that hangs is forgotten, and is billed if it starts after all.
//!
//! ## What happens, and what is lost
//! Its owner is mailed. Nothing else happens.
//!
//! ## Settings

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{App, Change, RunState},
    rules::{context::RuleContext, rule::Rule, verdict::Verdict},
    vocabulary::duration::Duration,
};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StudioAppStuck {
    /// How long an app may take to start.
    after: Duration,
}

impl Default for StudioAppStuck {
    fn default() -> Self {
        Self { after: Duration::hours(3) }
    }
}

impl Rule for StudioAppStuck {
    const NAME: &'static str = "studio-app-stuck";
    const TO_DO: &'static str = "delete the app, or open a case with AWS Support";
    type Subject = App;

    fn nonsense(&self) -> Option<&'static str> {
        (self.after < Duration::minutes(30)).then_some("`after` is less than 30 minutes: a start may take that long")
    }

    fn check(&self, app: &App, cx: &RuleContext<'_>) -> Verdict {
        let RunState::Changing(change @ Change::Pending) = app.state else { return Verdict::Fine };
        let region = app.resource.region_option();
        let delete = app.delete().command(&app.resource.name, &region);
        cx.stuck(change, app.created, self.after, format!("delete the app if nobody needs it, and start it again: {delete}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn has_been_starting_for_hours() {
        let rule = StudioAppStuck::default();
        let pending = RunState::Changing(Change::Pending);
        for (state, created, waste) in [
            (pending, "2026-11-24T08:59:59Z", true),
            (pending, "2026-11-24T09:00:00Z", false),
            (RunState::Changing(Change::Deleting), "2026-11-01T00:00:00Z", false),
            (RunState::InService, "2026-11-01T00:00:00Z", false),
            (RunState::Failed, "2026-11-01T00:00:00Z", false),
        ] {
            let app = App { state, ..app("JupyterLab", "ml.m5.xlarge", created) };
            let verdict = rule.check(&app, &context("2026-11-24T12:00:00Z"));
            assert_eq!(matches!(verdict, Verdict::Waste(_)), waste, "{state:?} {created}: {verdict:?}");
        }
    }
}
