//! The ways of serving an endpoint's requests: what each costs in a month, whether it may be used, what its callers notice, and which one is recommended.

use crate::inference::{
    Assumptions, Rates, Workload,
    instances::{asynchronous, batch, component, real_time, scaled},
    serverless::{provisioned, serverless},
    workload::Feature,
};

/// A way of serving requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServingOption {
    /// A real-time endpoint as it is.
    RealTime,
    /// The same with auto scaling.
    RealTimeScaled,
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

    /// What AWS says of a feature with this option. `None`: it can be used.
    const fn refuses(self, feature: Feature) -> Option<Refusal> {
        use Feature as F;
        match (self, feature) {
            (Self::Serverless | Self::ServerlessProvisioned, F::Explainer)
            | (Self::Asynchronous, F::Marketplace)
            | (Self::InferenceComponent, F::Marketplace | F::ShadowVariants | F::MultiModel | F::SeveralContainers | F::Explainer) => {
                Some(Refusal::Undocumented)
            }
            (Self::Serverless | Self::ServerlessProvisioned, _)
            | (
                Self::Asynchronous,
                F::DataCapture | F::SeveralVariants | F::ShadowVariants | F::SeveralContainers | F::MultiModel | F::Explainer,
            )
            | (
                Self::BatchTransform,
                F::NetworkIsolation | F::SeveralVariants | F::ShadowVariants | F::MultiModel | F::UncompressedModel | F::Explainer,
            )
            | (Self::InferenceComponent, F::SeveralVariants) => Some(Refusal::Impossible),
            _ => None,
        }
    }
}

/// What AWS says of a feature with an option.
enum Refusal {
    /// It cannot be used.
    Impossible,
    /// AWS does not say whether it can.
    Undocumented,
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
    /// Instances that it has, at most. `None`: it has none of its own.
    pub instances: Option<u32>,
    /// Memory of a serverless environment in GB. `None`: it is not serverless.
    pub memory_gb: Option<u32>,
    /// Environments that are kept ready. `None`: none.
    pub provisioned: Option<u32>,
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
            memory_gb: None,
            provisioned: None,
            assumes: assumes.into(),
        }
    }
}

/// The longest that a request may take on real-time and serverless endpoints, in seconds (aws-facts §8.3).
const LONGEST: f64 = 60.0;
/// The longest with a queue and in a batch transform job, in seconds.
const LONGEST_QUEUED: f64 = 3600.0;
/// The most bytes of a request: real-time, serverless, asynchronous, and batch transform.
const MOST_BYTES: [f64; 4] = [6_291_456.0, 4.0 * MIB, 1024.0 * MIB, 100.0 * MIB];
const MIB: f64 = 1_048_576.0;

/// All options. Serverless ones come once for each memory size that the model fits into, the smallest first; if it fits into none or its size is not known, once.
pub fn options(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Vec<Estimate> {
    let mut all = vec![real_time(workload, assumptions, rates), scaled(workload, assumptions, rates)];
    all.extend(serverless(workload, assumptions, rates));
    all.extend(provisioned(workload, assumptions, rates));
    all.extend([asynchronous(workload, assumptions), batch(workload, assumptions), component(workload, assumptions, rates)]);
    for one in &mut all {
        if one.fit == Fit::Yes {
            one.fit = fit(one.option, workload, assumptions);
        }
    }
    all
}

/// Whether the limits and features of an option allow it.
fn fit(option: ServingOption, workload: &Workload<'_>, assumptions: &Assumptions) -> Fit {
    // What is there runs, whatever is known of it.
    if option == ServingOption::RealTime {
        return Fit::Yes;
    }
    let refused = workload.features.has.iter().find_map(|feature| Some((feature, option.refuses(*feature)?)));
    match refused {
        Some((feature, Refusal::Impossible)) => return Fit::No(format!("{} cannot be served like this", feature.words())),
        Some((feature, Refusal::Undocumented)) => {
            return Fit::CannotTell(format!("AWS does not say whether {} can be served like this", feature.words()));
        }
        None => {}
    }
    let (bytes, seconds) = match option {
        ServingOption::Serverless | ServingOption::ServerlessProvisioned => (MOST_BYTES[1], LONGEST),
        ServingOption::Asynchronous => (MOST_BYTES[2], LONGEST_QUEUED),
        ServingOption::BatchTransform => (MOST_BYTES[3], LONGEST_QUEUED),
        _ => (MOST_BYTES[0], LONGEST),
    };
    let payload = workload.payload.unwrap_or(assumptions.payload);
    if bytes < payload {
        return Fit::No(format!("a request of {:.1} MiB is larger than the {:.0} MiB that AWS takes", payload / MIB, bytes / MIB));
    }
    let slowest = workload.slowest.unwrap_or(workload.seconds).max(workload.seconds);
    if seconds < slowest {
        return Fit::No(format!("a request takes up to {slowest:.0} s, and AWS ends it after {seconds:.0} s"));
    }
    match workload.features.unknown.iter().find(|feature| option.refuses(**feature).is_some()) {
        Some(feature) => Fit::CannotTell(format!("whether it is {}", feature.words())),
        None => Fit::Yes,
    }
}

/// The cheapest option that may be used, leaves callers what they have, and saves at least `min_saving` USD a month, in the worst case of its estimate.
pub fn recommended<'e>(estimates: &'e [Estimate], assumptions: &Assumptions, min_saving: f64) -> Option<&'e Estimate> {
    let today = estimates.iter().find(|one| one.option == ServingOption::RealTime)?.usd?;
    let saves = |one: &&Estimate| one.usd.is_some_and(|usd| min_saving.max(0.01) <= today.expected - usd.high);
    let may = estimates.iter().filter(|one| one.option != ServingOption::RealTime && is_acceptable(one, assumptions)).filter(saves);
    let expected = |one: &Estimate| one.usd.map_or(f64::INFINITY, |usd| usd.expected);
    may.min_by(|one, other| expected(one).total_cmp(&expected(other)))
}

/// Whether an option may be used and is no worse for callers than they accept.
fn is_acceptable(one: &Estimate, assumptions: &Assumptions) -> bool {
    let waits = one.cold_seconds.unwrap_or(0.0);
    let callers_wait = assumptions.callers_wait.signed().as_secs_f64();
    let is_bearable = if one.option.changes_callers() { waits <= callers_wait } else { one.cold_share <= assumptions.max_cold_share };
    one.fit == Fit::Yes && is_bearable
}
