//! What CloudWatch has of endpoints and components (aws-facts §4), computed from their traffic and the capacity that they had at that time.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::{
    estate::traffic::TrafficSpec,
    life::hosting::{
        Hosting,
        levels::{Level, Mode},
        traffic::{Curve, minute_of, moment_of},
    },
    services::cloudwatch::{Metric, Point},
};

/// The least number of minutes that are kept for the next metric.
const WORTH_KEEPING: i64 = 60;
/// How far back the backlog of an asynchronous endpoint is followed.
const BACKLOG: i64 = 24 * 60;

/// What a variant did in a minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minute {
    pub(crate) level: Option<Level>,
    pub(crate) requests: f64,
    /// How many it could take.
    pub(crate) room: f64,
    backlog: f64,
}

impl Minute {
    /// Whether the endpoint is there and has instances.
    fn runs(&self) -> Option<Level> {
        self.level.filter(|level| level.is_up)
    }

    pub(crate) fn served(&self) -> f64 {
        match self.runs().map(|level| level.mode) {
            None => 0.0,
            // They wait, and are not lost.
            Some(Mode::Asynchronous) => self.requests,
            Some(_) => self.requests.min(self.room),
        }
    }
}

/// Minutes that were computed.
#[derive(Debug)]
pub(crate) struct Computed {
    /// The variant, from when to when, and how many changes of its capacity there were by then.
    what: (String, String, i64, i64, usize),
    minutes: Arc<Vec<Minute>>,
}

/// The numbers of a request.
#[derive(Clone, Copy)]
struct Costs {
    latency_ms: f64,
    cpu_ms: f64,
    gpu_ms: f64,
    memory: f64,
    gpu_memory: f64,
    most: f64,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of instances fit")]
fn number(count: u64) -> f64 {
    count as f64
}

impl Hosting {
    /// The names of the variants that an endpoint has or had.
    pub(crate) fn variants(&self, of: &str) -> impl Iterator<Item = &str> {
        self.levels.get(of).into_iter().flat_map(|logs| logs.keys().map(String::as_str))
    }

    /// The curves that a variant's requests come from.
    fn curves<'a>(&'a self, of: &str, variant: &'a str) -> impl Iterator<Item = &'a Curve> {
        let all = self.traffic.get(of).into_iter().flatten();
        all.filter(move |curve| curve.spec.variant.as_deref().is_none_or(|one| one == variant))
    }

    fn costs(&self, of: &str, variant: &str) -> Costs {
        let spec = |curve: &Curve| Costs {
            latency_ms: curve.spec.latency_ms,
            cpu_ms: curve.spec.cpu_ms,
            gpu_ms: curve.spec.gpu_ms,
            memory: self.memory(of, variant, |spec| spec.memory),
            gpu_memory: self.memory(of, variant, |spec| spec.gpu_memory),
            most: curve.most(),
        };
        let idle = Costs { latency_ms: 100.0, cpu_ms: 0.0, gpu_ms: 0.0, memory: 10.0, gpu_memory: 10.0, most: 600.0 };
        self.curves(of, variant).next().map_or(idle, spec)
    }

    /// How much of a memory is used, in percent: each model that requests name takes its part of it.
    fn memory(&self, of: &str, variant: &str, part: fn(&TrafficSpec) -> f64) -> f64 {
        let mut loaded = BTreeSet::new();
        let models = self.curves(of, variant).filter(|curve| loaded.insert(curve.spec.target_model.as_deref()));
        models.map(|curve| part(&curve.spec)).sum::<f64>().min(100.0)
    }

    pub(crate) fn latency(&self, of: &str, variant: &str) -> f64 {
        self.costs(of, variant).latency_ms / 1000.0
    }

    /// What a variant did in some minutes. The copies of a component are those of the variant with an empty name.
    pub(crate) fn minutes(&self, of: &str, variant: &str, from: i64, until: i64) -> Arc<Vec<Minute>> {
        if until - from < WORTH_KEEPING {
            return Arc::new(self.computed(of, variant, from, until));
        }
        let changes = self.levels.get(of).and_then(|logs| logs.get(variant)).map(Vec::len).unwrap_or_default();
        let what = (of.to_owned(), variant.to_owned(), from, until, changes);
        if let Some(kept) = self.computed.borrow().as_ref().filter(|kept| kept.what == what) {
            return Arc::clone(&kept.minutes);
        }
        let minutes = Arc::new(self.computed(of, variant, from, until));
        *self.computed.borrow_mut() = Some(Computed { what, minutes: Arc::clone(&minutes) });
        minutes
    }

    fn computed(&self, of: &str, variant: &str, from: i64, until: i64) -> Vec<Minute> {
        let length = usize::try_from(until - from).unwrap_or_default();
        let log = self.levels.get(of).and_then(|logs| logs.get(variant)).map(Vec::as_slice).unwrap_or_default();
        let costs = self.costs(of, variant);
        let mut place = log.partition_point(|(at, _)| *at <= moment_of(from));
        let mut levels = Vec::with_capacity(length);
        for minute in from..until {
            while log.get(place).is_some_and(|(at, _)| *at <= moment_of(minute)) {
                place += 1;
            }
            levels.push(place.checked_sub(1).and_then(|last| log.get(last)).map(|(_, level)| *level));
        }
        let requests = self.requests(of, variant, from, &levels);
        let mut backlog = 0.0;
        let minute = |(level, requests): (Option<Level>, f64)| {
            let room = match level {
                Some(Level { mode: Mode::Serverless, concurrency, .. }) => number(concurrency) * 60.0 / (costs.latency_ms / 1000.0),
                Some(level) => number(level.count) * costs.most,
                None => 0.0,
            };
            let waits = level.is_some_and(|level| level.is_up && level.mode == Mode::Asynchronous);
            backlog = if waits { (backlog + requests - room).max(0.0) } else { 0.0 };
            Minute { level, requests, room, backlog }
        };
        levels.into_iter().zip(requests).map(minute).collect()
    }

    fn requests(&self, of: &str, variant: &str, from: i64, levels: &[Option<Level>]) -> Vec<f64> {
        let mut requests = vec![0.0; levels.len()];
        let mut begin = 0;
        while begin < levels.len() {
            let share = |place: usize| levels.get(place).copied().flatten().map(|level| level.share);
            let own = share(begin);
            let end = (begin..levels.len()).find(|place| share(*place) != own).unwrap_or(levels.len());
            if let Some(part) = requests.get_mut(begin..end) {
                let from = from + i64::try_from(begin).unwrap_or_default();
                for curve in self.curves(of, variant) {
                    // Before it was ever there nobody knows its weight.
                    let share = if curve.spec.variant.is_some() || variant.is_empty() { 1.0 } else { own.unwrap_or_default() };
                    curve.add(from, share, part);
                }
            }
            begin = end;
        }
        requests
    }

    /// The data points of one of AWS's own metrics of endpoints; `None`: it is another metric.
    pub(crate) fn points(&self, metric: &Metric, from: Timestamp, until: Timestamp) -> Option<Vec<Point>> {
        let dimension = |name: &str| metric.dimensions.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let is_host = match metric.namespace.as_str() {
            "AWS/SageMaker" => false,
            "/aws/sagemaker/Endpoints" | "/aws/sagemaker/InferenceComponents" => true,
            _ => return None,
        };
        let (of, variant) = match (dimension("EndpointName"), dimension("VariantName"), dimension("InferenceComponentName")) {
            (Some(endpoint), Some(variant), None) => (format!("endpoint/{}", endpoint.to_lowercase()), variant.to_owned()),
            // An asynchronous endpoint has one variant.
            (Some(endpoint), None, None) => {
                let of = format!("endpoint/{}", endpoint.to_lowercase());
                let variant = self.variants(&of).next().unwrap_or_default().to_owned();
                (of, variant)
            }
            (None, None, Some(component)) => (format!("inference-component/{}", component.to_lowercase()), String::new()),
            _ => return Some(vec![]),
        };
        let of_whole = metric.dimensions.len() == 1;
        let (first, last) = (minute_of(from + SignedDuration::from_secs(59)), minute_of(until + SignedDuration::from_secs(59)));
        let logs = self.levels.get(&of).into_iter().flat_map(|logs| logs.values().flatten());
        let lead = if logs.into_iter().any(|(_, level)| level.mode == Mode::Asynchronous) { BACKLOG } else { 1 };
        let costs = self.costs(&of, &variant);
        let minutes = self.minutes(&of, &variant, first - lead, last);
        let before = usize::try_from(lead).unwrap_or_default();
        let point = |(minute, pair): (i64, &[Minute])| {
            let [previous, now] = pair else { return None };
            let at = moment_of(minute);
            let shape =
                if is_host { host(&metric.name, now, costs)? } else { self.invoked(&metric.name, (previous, now), costs, of_whole)? };
            Some(shape.at(at))
        };
        Some((first..last).zip(minutes.windows(2).skip(before - 1)).filter_map(point).collect())
    }

    /// A metric of `AWS/SageMaker` in one minute.
    fn invoked(&self, name: &str, (before, now): (&Minute, &Minute), costs: Costs, of_whole: bool) -> Option<Shape> {
        let level = now.runs()?;
        let count = number(level.count);
        let busy = costs.latency_ms / 1000.0 * now.requests / 60.0;
        match (level.mode, name) {
            (Mode::Holder, _) => None,
            (Mode::Asynchronous, _) => asynchronous(name, (before, now), costs, of_whole),
            (Mode::Copies, "NoCapacityInvocationFailures") => {
                (level.count == 0 && 0.0 < now.requests).then(|| Shape::each(now.requests, 1.0))
            }
            (Mode::RealTime | Mode::Copies, _) if level.count == 0 => None,
            (Mode::RealTime, "InvocationsPerInstance") | (Mode::Copies, "InvocationsPerCopy") => self.counted(now, 1.0 / count),
            (Mode::RealTime, "ConcurrentRequestsPerModel") | (Mode::Copies, "ConcurrentRequestsPerCopy") => {
                Some(Shape::sampled(busy / count))
            }
            (Mode::Serverless, "ServerlessConcurrentExecutionsUtilization") => {
                Some(Shape::sampled(busy / number(level.concurrency.max(1))))
            }
            (Mode::Serverless, _) if name.starts_with("ServerlessProvisionedConcurrency") => provisioned(name, now, level, busy),
            (Mode::Serverless, "MemoryUtilization") => Some(Shape::sampled(costs.memory)),
            // A cold start.
            (Mode::Serverless, "ModelSetupTime") => {
                (level.provisioned == 0 && 0.0 < now.requests && before.requests == 0.0).then(|| Shape::each(1.0, 3_000_000.0))
            }
            (_, "Invocations") => self.counted(now, 1.0),
            (_, "ModelLatency") if 0.0 < now.requests => {
                let queued = (now.requests / now.room.max(1.0)).max(1.0);
                Some(Shape::spread(now.requests, costs.latency_ms * 1000.0 * queued))
            }
            (_, "OverheadLatency") if 0.0 < now.requests => Some(Shape::spread(now.requests, 5000.0)),
            (_, "Invocation5XXErrors") => self.failed(now, (now.requests - now.served()).max(0.0)),
            (_, "Invocation4XXErrors" | "InvocationModelErrors") => self.failed(now, 0.0),
            _ => None,
        }
    }

    /// A value for each request. A minute without requests has none, or 0, as the estate says.
    fn counted(&self, now: &Minute, value: f64) -> Option<Shape> {
        if now.requests == 0.0 { self.spec.zero_datapoints.then(|| Shape::each(1.0, 0.0)) } else { Some(Shape::each(now.requests, value)) }
    }

    fn failed(&self, now: &Minute, failed: f64) -> Option<Shape> {
        let most = if failed == 0.0 { 0.0 } else { 1.0 };
        Some(Shape { sum: failed, most, ..self.counted(now, 0.0)? })
    }
}

fn asynchronous(name: &str, (before, now): (&Minute, &Minute), costs: Costs, of_whole: bool) -> Option<Shape> {
    let count = now.runs().map_or(0.0, |level| number(level.count));
    let processed = before.backlog + now.requests - now.backlog;
    match name {
        "ApproximateBacklogSize" if of_whole => Some(Shape::sampled(now.backlog)),
        "ApproximateBacklogSizePerInstance" if of_whole => (count != 0.0).then(|| Shape::sampled(now.backlog / count)),
        "HasBacklogWithoutCapacity" if of_whole => Some(Shape::sampled(if count == 0.0 && 0.0 < now.backlog { 1.0 } else { 0.0 })),
        "ApproximateAgeOfOldestRequest" if of_whole => (0.0 < now.backlog).then(|| Shape::sampled(now.backlog / now.room.max(1.0) * 60.0)),
        // Three s, as AWS has it.
        "InvocationsProcesssed" if !of_whole => (0.0 < processed).then(|| Shape::each(processed, 1.0)),
        "TotalProcessingTime" if !of_whole => (0.0 < processed).then(|| Shape::spread(processed, costs.latency_ms)),
        "ModelLatency" if !of_whole => (0.0 < processed).then(|| Shape::spread(processed, costs.latency_ms * 1000.0)),
        _ => None,
    }
}

fn provisioned(name: &str, now: &Minute, level: Level, busy: f64) -> Option<Shape> {
    let warm = number(level.provisioned);
    if warm == 0.0 {
        return None;
    }
    let fits = (warm / busy.max(warm)).min(1.0) * now.requests;
    match name {
        "ServerlessProvisionedConcurrencyUtilization" => Some(Shape::sampled((busy / warm).min(1.0))),
        "ServerlessProvisionedConcurrencyExecutions" => Some(Shape::sampled(busy.min(warm))),
        "ServerlessProvisionedConcurrencyInvocations" => (0.0 < fits).then(|| Shape::each(fits, 1.0)),
        "ServerlessProvisionedConcurrencySpilloverInvocations" => (fits < now.requests).then(|| Shape::each(now.requests - fits, 1.0)),
        _ => None,
    }
}

/// A metric of the instances in one minute. They publish without requests, too.
fn host(name: &str, now: &Minute, costs: Costs) -> Option<Shape> {
    let level = now.runs().filter(|level| level.count != 0 && level.mode != Mode::Serverless)?;
    let count = number(level.count);
    let percent = |ms: f64| now.served().min(now.room) / count * ms / 600.0;
    let value = match name {
        "CPUUtilization" => 2.0 + percent(costs.cpu_ms),
        "MemoryUtilization" => costs.memory,
        "DiskUtilization" => 10.0,
        "GPUUtilization" if level.is_accelerated => percent(costs.gpu_ms),
        "GPUMemoryUtilization" if level.is_accelerated => costs.gpu_memory,
        _ => return None,
    };
    Some(Shape { sum: value * count, count, least: value * 0.9, most: value * 1.1 })
}

/// A data point without its time.
#[derive(Clone, Copy)]
struct Shape {
    sum: f64,
    count: f64,
    least: f64,
    most: f64,
}

impl Shape {
    /// A value for each of some requests.
    fn each(requests: f64, value: f64) -> Self {
        Self { sum: requests * value, count: requests, least: value, most: value }
    }

    /// A value that is measured once a minute.
    fn sampled(value: f64) -> Self {
        Self::each(1.0, value)
    }

    /// Times, of which the longest is 2.5 times the average.
    fn spread(requests: f64, average: f64) -> Self {
        Self { least: average * 0.7, most: if requests < 2.0 { average } else { average * 2.5 }, ..Self::each(requests, average) }
    }

    fn at(self, at: Timestamp) -> Point {
        Point { at, sum: self.sum, count: self.count, least: self.least, most: self.most }
    }
}

#[cfg(test)]
mod tests;
