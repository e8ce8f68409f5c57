//! What one instance carries, from what it has carried: the variant's own metrics.

/// The metrics of one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Datapoint {
    /// `InvocationsPerInstance`.
    pub per_instance: f64,
    /// `ModelLatency` in seconds: p99, else the average.
    pub latency: Option<f64>,
    /// `CPUUtilization` by the vCPUs: 1 is all of them.
    pub cpu: Option<f64>,
    /// `GPUUtilization` by the GPUs: 1 is all of them.
    pub gpu: Option<f64>,
    /// Whether there were 5XX errors.
    pub has_errors: bool,
}

/// How it is known what one instance carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It has carried so much at its usual latency. It may carry more.
    Carried,
    /// What it has carried, by the share of the CPU that it took.
    Cpu,
    /// What it has carried, by the share of the GPU that it took.
    Gpu,
    /// It works on one request at a time, and this many fit into a minute.
    Serial,
}

/// Requests a minute that one instance carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// So many.
    pub per_minute: f64,
    /// How that is known.
    pub bound: Bound,
}

impl Bound {
    /// In words, for mails.
    pub fn words(self) -> &'static str {
        match self {
            Self::Carried => "the most that an instance has handled at its usual latency; it may handle more",
            Self::Cpu => "estimated from the CPU that its load took, up to 70 %",
            Self::Gpu => "estimated from the GPU that its load took, up to 80 %",
            Self::Serial => "estimated from its latency, one request at a time",
        }
    }
}

/// A latency up to this many times the usual one is still usual.
const USUAL: f64 = 1.5;
/// The share of minutes with the lowest load from which the usual latency is taken.
const LOW_LOAD: usize = 4;
/// How far CPU and GPU may be used.
const CPU_LIMIT: f64 = 0.7;
const GPU_LIMIT: f64 = 0.8;
/// A bottleneck is visible from this share on.
const VISIBLE: f64 = 0.2;

/// What one instance carries. `None`: no minute had requests, or no latency is known.
///
/// `is_serial`: the model works on one request at a time. A lower bound is never dangerous: it gives too many instances.
pub fn capacity(datapoints: &[Datapoint], is_serial: bool) -> Option<Capacity> {
    let mut busy: Vec<&Datapoint> = datapoints.iter().filter(|point| 0.0 < point.per_instance && point.latency.is_some()).collect();
    busy.sort_by(|one, other| one.per_instance.total_cmp(&other.per_instance));
    let usual = median(busy.iter().take(busy.len().div_ceil(LOW_LOAD)).filter_map(|point| point.latency))?;
    let is_usual = |point: &&&Datapoint| !point.has_errors && point.latency.is_some_and(|latency| latency < USUAL * usual);
    let carried = busy.iter().rev().find(is_usual)?;
    let of = |per_minute: f64, bound: Bound| Capacity { per_minute, bound };
    let by_share = |share: Option<f64>, limit: f64, bound: Bound| {
        share.filter(|share| VISIBLE <= *share).map(|share| of(carried.per_instance / share * limit, bound))
    };
    let estimate = match (carried.cpu.unwrap_or(0.0), carried.gpu.unwrap_or(0.0)) {
        _ if is_serial => Some(of(60.0 / usual, Bound::Serial)),
        (cpu, gpu) if cpu < gpu => by_share(carried.gpu, GPU_LIMIT, Bound::Gpu),
        _ => by_share(carried.cpu, CPU_LIMIT, Bound::Cpu),
    };
    // What it has carried, it carries, whatever an estimate says.
    let known = of(carried.per_instance, Bound::Carried);
    Some(estimate.filter(|estimate| known.per_minute < estimate.per_minute).unwrap_or(known))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(per_instance: f64, latency: f64) -> Datapoint {
        Datapoint { per_instance, latency: Some(latency), ..Datapoint::default() }
    }

    /// The load rises to 200 a minute. From 150 on, each request waits.
    fn rising() -> Vec<Datapoint> {
        (1..=20).map(|step| point(f64::from(step) * 10.0, if step < 15 { 0.1 } else { 0.2 })).collect()
    }

    #[test]
    fn says_what_an_instance_carries_and_how_that_is_known() {
        let with = |change: fn(&mut Datapoint)| {
            let mut points = rising();
            points.iter_mut().for_each(change);
            points
        };
        for (points, is_serial, per_minute, bound) in [
            (rising(), false, 140.0, Bound::Carried),
            (with(|point| point.has_errors = 100.0 < point.per_instance), false, 100.0, Bound::Carried),
            (with(|point| point.cpu = Some(point.per_instance / 400.0)), false, 280.0, Bound::Cpu),
            (with(|point| (point.cpu, point.gpu) = (Some(0.1), Some(0.5))), false, 224.0, Bound::Gpu),
            // An estimate below what was carried is none, nor is one from a bottleneck that is not visible.
            (with(|point| point.cpu = Some(0.95)), false, 140.0, Bound::Carried),
            (with(|point| point.cpu = Some(0.05)), false, 140.0, Bound::Carried),
            (rising(), true, 600.0, Bound::Serial),
        ] {
            let found = capacity(&points, is_serial).unwrap();
            assert!((found.per_minute - per_minute).abs() < 1e-9 && found.bound == bound, "{found:?} instead of {per_minute} by {bound:?}");
        }
    }

    #[test]
    fn without_requests_or_latency_nothing_is_known() {
        assert_eq!(capacity(&[], false), None);
        assert_eq!(capacity(&[Datapoint { per_instance: 5.0, ..Datapoint::default() }], false), None);
        assert_eq!(capacity(&[Datapoint { latency: Some(0.1), ..Datapoint::default() }], true), None);
    }
}
