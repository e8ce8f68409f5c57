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

/// The app kinds that the rules check by default. A policy must name Canvas and `RSessionGateway` to include them, because their sessions
/// may hold unsaved work. It cannot name `RStudioServerPro` (it serves a whole domain) or `JupyterServer` (it runs on a free `system` instance).
pub(crate) fn default_app_types() -> Vec<AppType> {
    vec![AppType::JupyterLab, AppType::CodeEditor, AppType::KernelGateway, AppType::TensorBoard]
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
    /// The start of the current run of an app of these kinds on a billed instance. `Err`: the verdict on any other app.
    pub(crate) fn billed_run(&self, app_types: &[AppType]) -> Result<Timestamp, Verdict> {
        if !app_types.iter().any(|app_type| app_type.as_str() == self.app_type) {
            return Err(Verdict::Fine);
        }
        let run = judged_run(self.state, self.created)?;
        match self.instance_type.as_deref() {
            Some("system") => Err(Verdict::Fine),
            Some(_) => Ok(run),
            None => Err(Verdict::Unknown("its instance type could not be read".into())),
        }
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
