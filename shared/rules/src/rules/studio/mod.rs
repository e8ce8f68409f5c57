//! Rules about Studio apps.

use jiff::Timestamp;

use crate::{
    facts::App,
    remedy::Remedy,
    rules::{context::judged_run, verdict::Verdict},
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
        let may_stop = is_of(app_types);
        if !may_stop && !is_of(report_only) {
            return Verdict::Fine;
        }
        let run = match judged_run(self.state, self.created) {
            Ok(run) => run,
            Err(verdict) => return verdict,
        };
        match self.instance_type.as_deref() {
            // A session of Canvas is billed whatever instance it is said to have.
            _ if self.is_canvas() => {}
            Some("system") => return Verdict::Fine,
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
