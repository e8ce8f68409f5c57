//! Notebook instances, their state and their use.

use jiff::{SignedDuration, Timestamp};

use crate::{
    facts::subject::Subject,
    vocabulary::{price::Instances, resource::Resource},
};

/// A SageMaker notebook instance.
#[derive(Clone, Debug)]
pub struct Notebook {
    /// Its id, ARN, name, tags and owner.
    pub resource: Resource,
    /// `ml.t3.medium`. `None`: not known.
    pub instance_type: Option<String>,
    /// Its state.
    pub state: RunState,
    /// `LastModifiedTime`: the start of a running instance, the stop of a stopped one.
    pub since: Option<Timestamp>,
    /// Size of its volume in GB. `None`: not read.
    pub volume_gb: Option<i32>,
    /// Its use, from the idle agent's metric. `None`: there is no recent datapoint.
    pub usage: Option<Usage>,
}

/// When a notebook was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When a person or a program last used it.
    pub last: Timestamp,
    /// The time of the last measurement. Later use is not known.
    pub known_until: Timestamp,
}

impl Usage {
    /// How often the idle agent measures.
    pub const MEASURED_EVERY: SignedDuration = SignedDuration::from_mins(5);

    /// A measurement that is older than this does not count.
    pub const FRESH: SignedDuration = SignedDuration::from_mins(20);
}

/// The state of a notebook instance or an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Running, and billed by the hour. It can be stopped only in this state.
    InService,
    /// Stopped. Only the volume of the notebook is billed.
    Stopped,
    /// It failed. It does not run, and the volume of a notebook is billed.
    Failed,
    /// Deleted. A list shows a deleted app for a day.
    Deleted,
    /// On its way to another state. It is left alone.
    Changing(Change),
    /// Any other state: in maintenance, or not known. It is left alone.
    Other,
}

impl RunState {
    /// Whether it is being deleted, or deleted.
    pub const fn is_leaving(self) -> bool {
        matches!(self, Self::Deleted | Self::Changing(Change::Deleting))
    }
}

/// A state in which a resource should be for minutes, because it is on its way to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Starting.
    Pending,
    /// Starting, of an endpoint and what is like one.
    Creating,
    /// Its settings are being changed.
    Updating,
    /// An update failed, and is being undone.
    RollingBack,
    /// An update failed, and so did undoing it: instances of both go on.
    UpdateRollbackFailed,
    /// It runs, and takes no requests.
    OutOfService,
    /// A creation failed.
    CreateFailed,
    /// An update failed: it may still run.
    UpdateFailed,
    /// A start failed.
    StartFailed,
    /// A stop failed: it may still run.
    StopFailed,
    /// A deletion failed: it may still run.
    DeleteFailed,
    /// A stop was asked for.
    Stopping,
    /// A deletion was asked for.
    Deleting,
}

impl Change {
    /// As AWS spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::RollingBack => "RollingBack",
            Self::UpdateRollbackFailed => "UpdateRollbackFailed",
            Self::OutOfService => "OutOfService",
            Self::CreateFailed => "CreateFailed",
            Self::UpdateFailed => "UpdateFailed",
            Self::StartFailed => "StartFailed",
            Self::StopFailed => "StopFailed",
            Self::DeleteFailed => "DeleteFailed",
            Self::Stopping => "Stopping",
            Self::Deleting => "Deleting",
        }
    }
}

impl Subject for Notebook {
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
        self.since.filter(|_| self.state == RunState::InService)
    }
    fn has_guard_tags(&self) -> bool {
        !self.state.is_leaving()
    }
}
