//! An endpoint as the cost model sees it: its requests, what they take, and what it has that not every way of serving can do.

use std::collections::BTreeSet;

use crate::{
    inference::{hardware::Hardware, requests::Requests},
    scaling::Proposal,
};

/// The longest that a request may take on real-time and serverless endpoints, in seconds (aws-facts §8.3).
pub(super) const LONGEST: f64 = 60.0;

/// An endpoint with one variant that answers.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    /// Its requests.
    pub requests: &'a Requests,
    /// How many instances it has.
    pub instances: u32,
    /// What one of them costs, in USD per hour. `None`: not known.
    pub usd_per_hour: Option<f64>,
    /// The size of an instance's volume in GB. `None`: it is not known, or the instance has disks of its own: it is left out.
    pub volume_gb: Option<f64>,
    /// How long a request takes, in seconds: the mean.
    pub seconds: f64,
    /// How long the slowest one took, in seconds. `None`: not known.
    pub slowest: Option<f64>,
    /// The memory that the model and its server need at most, in GiB. `None`: not known.
    pub memory_gib: Option<f64>,
    /// The bytes in and out of a request. `None`: they were not measured, and the assumption holds.
    pub payload: Option<f64>,
    /// Requests a minute that one instance carries. `None`: not known.
    pub carries: Option<f64>,
    /// What auto scaling would do for it. `None`: it was not worked out.
    pub scaled: Option<Scaled>,
    /// What its instances have and how much of it is used. `None`: not known.
    pub hardware: Option<Hardware<'a>>,
    /// What it has that not every way of serving can do.
    pub features: Features,
}

impl Workload<'_> {
    /// Requests a minute that one instance carries: what is known, else one request at a time, but no less than it carries today.
    pub fn carried(&self) -> f64 {
        let serial = 60.0 / self.seconds.max(1e-4);
        let today = self.requests.peak_per_minute() / f64::from(self.instances.max(1));
        self.carries.unwrap_or_else(|| serial.max(today)).max(1e-9)
    }
}

/// What auto scaling would do for an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaled {
    /// The instance-hours that it saves in a month.
    pub saved_hours: f64,
    /// Its instances, at most. `None`: not known.
    pub most_instances: Option<u32>,
    /// Why the saving is not promised: what the past does not support. `None`: it is.
    pub doubt: Option<String>,
}

impl From<&Proposal> for Scaled {
    fn from(proposal: &Proposal) -> Self {
        let doubt = proposal.doubts.iter().find(|doubt| doubt.forbids_promise);
        Self {
            saved_hours: proposal.saved_hours_per_month(),
            most_instances: Some(proposal.setting.max),
            doubt: doubt.map(|doubt| doubt.text.trim_end_matches('.').to_owned()),
        }
    }
}

/// What an endpoint has, and of what it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// What it has.
    pub has: BTreeSet<Feature>,
    /// What it may have.
    pub unknown: BTreeSet<Feature>,
}

/// Something that not every way of serving can do (aws-facts §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// It computes on a GPU or another accelerator.
    Accelerator,
    /// `VpcConfig`.
    Vpc,
    /// `EnableNetworkIsolation`.
    NetworkIsolation,
    /// `DataCaptureConfig`.
    DataCapture,
    /// Several production variants.
    SeveralVariants,
    /// Shadow variants.
    ShadowVariants,
    /// Several containers, in a row or called one by one.
    SeveralContainers,
    /// A multi-model container.
    MultiModel,
    /// A model package of the marketplace.
    Marketplace,
    /// A model that is not one compressed archive.
    UncompressedModel,
    /// An image in a private registry.
    PrivateRegistry,
    /// Clarify explains its answers.
    Explainer,
    /// An image of more than 10 GB.
    LargeImage,
    /// An image for arm64.
    Arm64,
    /// Burstable instances (`ml.t2`).
    Burstable,
    /// Instances of a type on which batch transform jobs do not run.
    NoTransform,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Accelerator,
        Self::Vpc,
        Self::NetworkIsolation,
        Self::DataCapture,
        Self::SeveralVariants,
        Self::ShadowVariants,
        Self::SeveralContainers,
        Self::MultiModel,
        Self::Marketplace,
        Self::UncompressedModel,
        Self::PrivateRegistry,
        Self::Explainer,
        Self::LargeImage,
        Self::Arm64,
        Self::Burstable,
        Self::NoTransform,
    ];

    /// The beginning of the sentence "… cannot be served like this": lower case.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Accelerator => "a model that computes on an accelerator",
            Self::Vpc => "a model in a VPC",
            Self::NetworkIsolation => "a model with network isolation",
            Self::DataCapture => "an endpoint with data capture",
            Self::SeveralVariants => "an endpoint with several variants",
            Self::ShadowVariants => "an endpoint with shadow variants",
            Self::SeveralContainers => "a model of several containers",
            Self::MultiModel => "a multi-model container",
            Self::Marketplace => "a model package of the marketplace",
            Self::UncompressedModel => "a model that is not one compressed archive",
            Self::PrivateRegistry => "an image in a private registry",
            Self::Explainer => "an endpoint with an explainer",
            Self::LargeImage => "an image of more than 10 GB",
            Self::Arm64 => "an image for arm64",
            Self::Burstable => "an endpoint on burstable instances (ml.t2), which AWS does not scale,",
            Self::NoTransform => "an endpoint on instances of a type that batch transform does not have",
        }
    }
}
