//! # studio-app-stuck
//!
//! ## What it finds
//! A Studio app that has been `Pending` for longer than `after` since it was created, or `Deleting` since the guard deleted it. Since when an app has been
//! `Deleting` that somebody else deleted AWS does not say, so the rule does not judge that.
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
    /// How long an app may take to start or to be deleted.
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
        match (app.state, app.deleted_by_guard) {
            (RunState::Changing(change @ Change::Pending), _) => {
                let delete = app.delete().command(&app.resource.name, &app.resource.region_option());
                cx.stuck(change, app.created, self.after, format!("delete the app if nobody needs it, and start it again: {delete}"))
            }
            (RunState::Changing(change @ Change::Deleting), Some(since)) => {
                cx.stuck(change, Some(since), self.after, "open a case with AWS Support if it stays so: it may still be billed".to_owned())
            }
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn hangs_since_the_guard_deleted_it() {
        for (state, deleted, waste) in [
            (RunState::Changing(Change::Deleting), Some("2026-11-24T08:59:59Z"), true),
            (RunState::Changing(Change::Deleting), Some("2026-11-24T09:00:00Z"), false),
            (RunState::Changing(Change::Deleting), None, false),
            (RunState::Deleted, Some("2026-11-24T06:00:00Z"), false),
            (RunState::InService, Some("2026-11-24T06:00:00Z"), false),
        ] {
            let deleted_by_guard = deleted.map(|at| at.parse().unwrap());
            let app = App { state, deleted_by_guard, ..app("JupyterLab", "ml.m5.xlarge", "2026-11-01T00:00:00Z") };
            let verdict = StudioAppStuck::default().check(&app, &context("2026-11-24T12:00:00Z"));
            assert_eq!(
                matches!(&verdict, Verdict::Waste(waste) if waste.reason.to_string().starts_with("Deleting since")),
                waste,
                "{deleted:?}: {verdict:?}"
            );
        }
    }

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
