//! A way of serving an endpoint's requests: what it costs in a month, whether it may be used, and what its callers notice.

use crate::inference::workload::Workload;

/// A way of serving requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServingOption {
    /// A real-time endpoint as it is.
    RealTime,
    /// The same with auto scaling.
    RealTimeScaled,
    /// The same on fewer, smaller or newer instances.
    OtherInstances,
    /// Serverless.
    Serverless,
    /// Serverless, with environments that are kept ready.
    ServerlessProvisioned,
    /// A queue, and no instances while it is empty.
    Asynchronous,
    /// A job now and then for all that has come.
    BatchTransform,
    /// An inference component that goes to zero with its instances.
    InferenceComponent,
}

impl ServingOption {
    /// Its name in reports and in the output of `cost-guard`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RealTime => "real-time",
            Self::RealTimeScaled => "real-time-scaled",
            Self::OtherInstances => "real-time-other-instances",
            Self::Serverless => "serverless",
            Self::ServerlessProvisioned => "serverless-provisioned",
            Self::Asynchronous => "asynchronous",
            Self::BatchTransform => "batch-transform",
            Self::InferenceComponent => "inference-component",
        }
    }

    /// In words, for mails.
    pub const fn words(self) -> &'static str {
        match self {
            Self::RealTime => "real-time, as it is",
            Self::RealTimeScaled => "real-time with auto scaling",
            Self::OtherInstances => "real-time on other instances",
            Self::Serverless => "serverless",
            Self::ServerlessProvisioned => "serverless with provisioned concurrency",
            Self::Asynchronous => "asynchronous, with no instances while its queue is empty",
            Self::BatchTransform => "batch transform",
            Self::InferenceComponent => "an inference component that goes to zero",
        }
    }

    /// Whether callers get their answers at another time, or in another way.
    pub const fn changes_callers(self) -> bool {
        matches!(self, Self::Asynchronous | Self::BatchTransform | Self::InferenceComponent)
    }
}

/// Whether an option may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It may.
    Yes,
    /// It cannot, for this reason.
    No(String),
    /// It cannot be told, because this is not known.
    CannotTell(String),
}

/// USD per month of 730 hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usd {
    /// What is expected.
    pub expected: f64,
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

impl Usd {
    pub(super) const fn exactly(expected: f64) -> Self {
        Self { expected, low: expected, high: expected }
    }
}

/// An option with what it costs and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The option.
    pub option: ServingOption,
    /// Whether it may be used.
    pub fit: Fit,
    /// What it costs in a month. `None`: a price is not known, or it cannot be told.
    pub usd: Option<Usd>,
    /// The share of requests that meet a cold start, a queue or no instance, from 0 to 1.
    pub cold_share: f64,
    /// How long a request takes as a rule, in seconds.
    pub seconds: f64,
    /// How long one of `cold_share` takes or waits, in seconds. `None`: there is none.
    pub cold_seconds: Option<f64>,
    /// Instances that it has, at most. `None`: it has none of its own, or it is not known.
    pub instances: Option<u32>,
    /// The type of its instances, where it is another one than today. `None`: the same, or it has none of its own.
    pub instance_type: Option<String>,
    /// Memory of a serverless environment in GB. `None`: it is not serverless.
    pub memory_gb: Option<u32>,
    /// Environments that are kept ready. `None`: none.
    pub provisioned: Option<u32>,
    /// Requests that come at once, at most; of a batch transform job, those that each instance answers at once. `None`: it is neither serverless nor such a job.
    pub at_once: Option<u32>,
    /// The assumption that matters most. A sentence without its period.
    pub assumes: String,
}

impl Estimate {
    /// An estimate of an option that leaves latency and callers as they are.
    pub(super) fn new(option: ServingOption, workload: &Workload<'_>, usd: Option<Usd>, assumes: impl Into<String>) -> Self {
        Self {
            option,
            fit: Fit::Yes,
            usd,
            cold_share: 0.0,
            seconds: workload.seconds,
            cold_seconds: None,
            instances: None,
            instance_type: None,
            memory_gb: None,
            provisioned: None,
            at_once: None,
            assumes: assumes.into(),
        }
    }
}
