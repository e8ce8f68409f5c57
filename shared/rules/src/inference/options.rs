//! All ways of serving an endpoint's requests, whether each may be used (aws-facts §8.3), and which one is recommended.

use crate::{
    inference::{
        assumptions::Assumptions,
        estimate::{Estimate, Fit, ServingOption},
        instances::{asynchronous, batch, component, real_time, scaled},
        other_instances::other_instances,
        rates::Rates,
        serverless::{provisioned, serverless},
        workload::{Feature, LONGEST, Workload},
    },
    vocabulary::duration::Duration,
};

/// The longest with a queue and in a batch transform job, in seconds.
const LONGEST_QUEUED: f64 = 3600.0;
/// The most bytes of a request: real-time, serverless, asynchronous, and batch transform.
const MOST_BYTES: [f64; 4] = [6_291_456.0, 4.0 * MIB, 1024.0 * MIB, 100.0 * MIB];
const MIB: f64 = 1_048_576.0;

/// All options. Other instances are looked for only where it is known what today's ones do. Serverless ones come once for each memory size that the model fits into, the smallest first; if it fits into none or its size is not known, once.
pub fn options(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Vec<Estimate> {
    let mut all = vec![real_time(workload, assumptions, rates), scaled(workload, assumptions, rates)];
    all.extend(workload.hardware.as_ref().map(|hardware| other_instances(workload, hardware, assumptions, rates)));
    all.extend(serverless(workload, assumptions, rates));
    all.extend(provisioned(workload, assumptions, rates));
    all.extend([asynchronous(workload, assumptions, rates), batch(workload, assumptions, rates), component(workload, assumptions, rates)]);
    for one in &mut all {
        if one.fit == Fit::Yes {
            one.fit = fit(one.option, workload, assumptions);
        }
    }
    all
}

/// Whether the limits and features of an option allow it.
fn fit(option: ServingOption, workload: &Workload<'_>, assumptions: &Assumptions) -> Fit {
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
    let is_slower = matches!(option, ServingOption::Serverless | ServingOption::ServerlessProvisioned);
    if is_slower && seconds < slowest * assumptions.slower {
        return Fit::CannotTell(format!(
            "whether a request that takes up to {slowest:.0} s today takes less than {seconds:.0} s there, when AWS ends it"
        ));
    }
    match workload.features.unknown.iter().find(|feature| option.refuses(**feature).is_some()) {
        Some(feature) => Fit::CannotTell(format!("whether it is {}", feature.words())),
        None => Fit::Yes,
    }
}

/// The cheapest option that may be used, leaves callers what they have, and saves at least `min_saving` USD a month, in the worst case of its estimate. Where a real-time
/// endpoint cannot be used at all, the cheapest one that can. `may_wait`: how long callers may wait for an answer with this option; `None`: it is not recommended.
pub fn recommended<'e>(
    estimates: &'e [Estimate],
    assumptions: &Assumptions,
    min_saving: f64,
    may_wait: impl Fn(ServingOption) -> Option<Duration>,
) -> Option<&'e Estimate> {
    let today = estimates.iter().find(|one| one.option == ServingOption::RealTime)?;
    let usd = today.usd?.expected;
    let saves = |one: &Estimate| one.usd.is_some_and(|other| min_saving.max(0.01) <= usd - other.high);
    let is_open = today.fit == Fit::Yes;
    let may = |one: &&Estimate| match may_wait(one.option).filter(|_| one.option != ServingOption::RealTime && one.fit == Fit::Yes) {
        Some(wait) => !is_open || (is_acceptable(one, assumptions, wait) && saves(one)),
        None => false,
    };
    let expected = |one: &Estimate| one.usd.map_or(f64::INFINITY, |usd| usd.expected);
    estimates.iter().filter(may).min_by(|one, other| expected(one).total_cmp(&expected(other)))
}

/// Whether an option that may be used is no worse for callers than they accept.
fn is_acceptable(one: &Estimate, assumptions: &Assumptions, may_wait: Duration) -> bool {
    let (waits, may_wait) = (one.cold_seconds.unwrap_or(0.0), may_wait.signed().as_secs_f64());
    // Also where nobody would have waited in these two weeks.
    if one.option.changes_callers() { 0.0 < may_wait && waits <= may_wait } else { one.cold_share <= assumptions.max_cold_share }
}

impl ServingOption {
    /// What AWS says of a feature with this option. `None`: it can be used.
    const fn refuses(self, feature: Feature) -> Option<Refusal> {
        use Feature as F;
        match (self, feature) {
            // They depend on the instances of today.
            (Self::Serverless | Self::ServerlessProvisioned, F::Burstable | F::NoTransform) => None,
            (Self::Serverless | Self::ServerlessProvisioned, F::Explainer | F::Arm64)
            | (Self::Asynchronous, F::Marketplace)
            | (Self::InferenceComponent, F::Marketplace | F::ShadowVariants | F::MultiModel | F::SeveralContainers | F::Explainer) => {
                Some(Refusal::Undocumented)
            }
            (Self::Serverless | Self::ServerlessProvisioned, _)
            | (
                Self::Asynchronous,
                F::DataCapture
                | F::SeveralVariants
                | F::ShadowVariants
                | F::SeveralContainers
                | F::MultiModel
                | F::Explainer
                | F::Burstable,
            )
            | (
                Self::BatchTransform,
                F::NetworkIsolation
                | F::SeveralVariants
                | F::ShadowVariants
                | F::MultiModel
                | F::UncompressedModel
                | F::Explainer
                | F::NoTransform,
            )
            | (Self::InferenceComponent, F::SeveralVariants | F::Burstable) => Some(Refusal::Impossible),
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
