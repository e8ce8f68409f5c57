//! Rules about Studio apps.

use jiff::Timestamp;

use crate::{
    facts::App,
    remedy::Remedy,
    rules::{context::judged_run, verdict::Verdict},
    vocabulary::price::Instances,
};

pub mod studio_app_always_on;
pub mod studio_app_off_hours;
pub mod studio_app_stuck;
pub mod studio_idle_shutdown_off;

/// The app kinds that the rules check by default. A policy must name Canvas and `RSessionGateway` to have them stopped, because their sessions
/// may hold unsaved work. It cannot name `RStudioServerPro` (it serves a whole domain) or `JupyterServer` (it runs on a free `system` instance).
pub(crate) fn default_app_types() -> Vec<AppType> {
    vec![AppType::JupyterLab, AppType::CodeEditor, AppType::KernelGateway, AppType::TensorBoard]
}

/// Whether an app of this kind is billed by the session, and not by the instance that it is said to have.
pub fn is_billed_by_session(app_type: &str) -> bool {
    app_type == AppType::Canvas.as_str()
}

/// The app kinds that are only reported by default: a Canvas session is billed by the hour until its user logs out (aws-facts §2.2).
pub(crate) fn reported_app_types() -> Vec<AppType> {
    vec![AppType::Canvas]
}

/// The app kinds that a policy may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum AppType {
    JupyterLab,
    CodeEditor,
    KernelGateway,
    TensorBoard,
    Canvas,
    RSessionGateway,
}

impl AppType {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::JupyterLab => "JupyterLab",
            Self::CodeEditor => "CodeEditor",
            Self::KernelGateway => "KernelGateway",
            Self::TensorBoard => "TensorBoard",
            Self::Canvas => "Canvas",
            Self::RSessionGateway => "RSessionGateway",
        }
    }
}

impl App {
    /// Judges a running app that is billed, if its kind is among those that may be stopped or those that are only reported. `judge` gets the start of its
    /// run and the remedy.
    pub(crate) fn judge_billed(
        &self,
        app_types: &[AppType],
        report_only: &[AppType],
        judge: impl FnOnce(Timestamp, Remedy) -> Verdict,
    ) -> Verdict {
        let is_of = |types: &[AppType]| types.iter().any(|one| one.as_str() == self.app_type);
        if !is_of(app_types) && !is_of(report_only) {
            return Verdict::Fine;
        }
        // What it is on, and costs, AWS may not say: such an app is only reported.
        let may_stop = is_of(app_types) && self.instance_type.as_deref() != Some(Instances::UNKNOWN_TYPE);
        let run = match judged_run(self.state, self.created) {
            Ok(run) => run,
            Err(verdict) => return verdict,
        };
        match self.instance_type.as_deref() {
            // A session of Canvas is billed whatever instance it is said to have.
            _ if self.is_canvas() => {}
            Some("system") => return Verdict::Fine,
            // That of Studio Classic may be `system`, which costs nothing.
            Some(Instances::UNKNOWN_TYPE) if self.app_type == "KernelGateway" => {
                return Verdict::Unknown("AWS does not say its instance type".into());
            }
            Some(_) => {}
            None => return Verdict::Unknown("its instance type could not be read".into()),
        }
        match judge(run, if may_stop { self.delete() } else { Remedy::None }) {
            Verdict::Waste(mut waste) if !may_stop => {
                waste.notice.advice = Some(self.how_to_end());
                Verdict::Waste(waste)
            }
            verdict => verdict,
        }
    }

    fn is_canvas(&self) -> bool {
        is_billed_by_session(&self.app_type)
    }

    /// What it is billed by. `None`: not known, as for Canvas, which is billed by the session.
    pub fn billed_as(&self) -> Option<&str> {
        self.instance_type.as_deref().filter(|_| !self.is_canvas())
    }

    /// How a person ends an app that the guard only reports.
    fn how_to_end(&self) -> String {
        let log_out = if self.is_canvas() { "log out of Canvas, which ends the session, or delete its app" } else { "delete the app" };
        let command = self.delete().command(&self.resource.name, &self.resource.region_option());
        format!("save your work, then {log_out}: {command}")
    }

    /// The remedy that stops this app.
    pub fn delete(&self) -> Remedy {
        Remedy::DeleteApp {
            domain: self.domain.clone(),
            home: self.home.clone(),
            app_type: self.app_type.clone(),
            app_name: self.app_name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        remedy::Remedy,
        rules::{rule::Rule, studio::studio_app_always_on::StudioAppAlwaysOn, verdict::Verdict},
        samples::*,
        vocabulary::price::Instances,
    };

    #[test]
    fn an_app_whose_type_aws_does_not_say_is_reported_and_never_deleted() {
        for (app_type, instance_type, expected) in [
            ("JupyterLab", Some("ml.m5.xlarge"), "stop"),
            ("JupyterLab", Some(Instances::UNKNOWN_TYPE), "report"),
            ("CodeEditor", Some(Instances::UNKNOWN_TYPE), "report"),
            ("TensorBoard", Some(Instances::UNKNOWN_TYPE), "report"),
            ("KernelGateway", Some(Instances::UNKNOWN_TYPE), "unknown"), // it may cost nothing
            ("KernelGateway", Some("system"), "fine"),
            ("JupyterLab", None, "unknown"), // it could not be read
        ] {
            let mut app = app(app_type, "ml.m5.xlarge", "2026-11-01T00:00:00Z");
            app.instance_type = instance_type.map(str::to_owned);
            let found = match StudioAppAlwaysOn::default().check(&app, &context("2026-11-24T12:00:00Z")) {
                Verdict::Waste(waste) if waste.remedy == Remedy::None => {
                    assert_eq!(waste.usd_per_hour, None, "{app_type}");
                    "report"
                }
                Verdict::Waste(_) => "stop",
                Verdict::Unknown(_) => "unknown",
                Verdict::Fine => "fine",
                verdict => panic!("{app_type}: {verdict:?}"),
            };
            assert_eq!(found, expected, "{app_type} {instance_type:?}");
        }
    }
}
