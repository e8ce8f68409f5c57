//! Studio apps, and the settings of Studio's own idle shutdown.

use jiff::Timestamp;

use crate::{
    facts::{notebooks::RunState, subject::Subject},
    vocabulary::{
        price::Instances,
        resource::{AppHome, Resource},
    },
};

/// A Studio app.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id, ARN, name, tags and owner.
    pub resource: Resource,
    /// The domain's id: `d-…`.
    pub domain: String,
    /// The space or the user profile that it runs in.
    pub home: AppHome,
    /// The id of the user profile that owns its space. `None`: it is in no such space, or that is not known.
    pub space_owner: Option<String>,
    /// `JupyterLab`, as the API spells it.
    pub app_type: String,
    /// Its name, usually `default`.
    pub app_name: String,
    /// `ml.t3.medium`, or `system` for an app that costs nothing. `None`: not known.
    pub instance_type: Option<String>,
    /// Its state.
    pub state: RunState,
    /// When it was created and started: an app is never stopped, only deleted.
    pub created: Option<Timestamp>,
    /// When the guard asked AWS to delete it, by the ledger. `None`: it did not.
    pub deleted_by_guard: Option<Timestamp>,
}

/// The settings of Studio's idle shutdown in a domain, a user profile or a space itself. What is not set is inherited.
#[derive(Clone, Debug)]
pub struct IdleShutdown {
    /// Its id, ARN, name, tags and owner.
    pub resource: Resource,
    /// The domain's id: `d-…`.
    pub domain: String,
    /// For `JupyterLab`.
    pub jupyter_lab: IdleSettings,
    /// For `CodeEditor`.
    pub code_editor: IdleSettings,
}

/// `AppLifecycleManagement.IdleSettings` of one app type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdleSettings {
    /// `LifecycleManagement`: `ENABLED` or `DISABLED`. Spaces do not have it.
    pub enabled: Option<bool>,
    /// `IdleTimeoutInMinutes`.
    pub timeout_minutes: Option<i32>,
}

impl Subject for App {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn instances(&self) -> Vec<Instances> {
        Instances::one(self.instance_type.as_deref())
    }
    fn run(&self) -> Option<Timestamp> {
        self.created.filter(|_| self.state == RunState::InService)
    }
    fn homes(&self) -> Vec<Resource> {
        self.resource.homes().into_iter().chain(self.space_owner.as_deref().map(|owner| self.resource.within(owner))).collect()
    }
    fn has_guard_tags(&self) -> bool {
        !self.state.is_leaving()
    }
}

impl Subject for IdleShutdown {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
}
