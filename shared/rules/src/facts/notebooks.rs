//! Notebook instances.

use jiff::Timestamp;

use crate::{facts::subject::Subject, vocabulary::resource::Resource};

/// A SageMaker notebook instance.
#[derive(Clone, Debug)]
pub struct Notebook {
    /// Which one and whose.
    pub resource: Resource,
    /// `ml.t3.medium`.
    pub instance_type: Option<String>,
    /// What it is doing.
    pub state: RunState,
    /// Last change by the control plane, which is the start of a running one and the stop of a stopped one.
    pub since: Option<Timestamp>,
    /// Size of its volume in GB, where it was asked for.
    pub volume_gb: Option<i32>,
    /// Its use, by the idle agent's metric. `None`: no fresh datapoint.
    pub usage: Option<Usage>,
}

/// What is known of a notebook's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When somebody or something last used it.
    pub last: Timestamp,
    /// Until when that is known: what came later was not measured.
    pub known_until: Timestamp,
}

/// What a notebook instance or an app is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Running, and billed by the hour. The only state that a stop is legal in.
    InService,
    /// Stopped: of a notebook only its volume is billed.
    Stopped,
    /// Coming to its end, or failed.
    Ending,
    /// On its way to another state, in maintenance, or in a state that is not known: left alone.
    Other,
}

impl Subject for Notebook {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn run(&self) -> Option<Timestamp> {
        self.since.filter(|_| self.state == RunState::InService)
    }
}
