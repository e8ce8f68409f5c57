//! What the cost model needs of an endpoint, from the facts.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    facts::{AutoScaling, Autoscaler, Compute, Fixed, Hosted, Invocations, Measured, Scaling, Variant},
    inference::{Advice, Feature, Features, HOURS, Hardware, InstanceTypes, PricedType, Rates, Requests, Scaled, Used, Workload},
    rules::context::RuleContext,
    vocabulary::price::Prices,
};

/// The share of failed requests from which on an endpoint's metrics say nothing of how it should be served.
const FAILING: f64 = 0.5;
/// How long instances have to be in use, so that a weekday with most requests is among it (inference-facts §E7).
const SETTLED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// No endpoint gets so many requests in two weeks.
const MOST_REQUESTS: f64 = 1e15;
/// A GPU that is never used more than this is not used: a driver alone uses as much.
const UNUSED_GPU: f64 = 0.01;

/// An endpoint with one variant whose use is known.
pub(super) struct Known<'a> {
    pub(super) hosted: &'a Hosted,
    pub(super) measured: &'a Measured,
    pub(super) invocations: &'a Invocations,
    /// What it runs on.
    pub(super) today: PricedType<'a>,
    /// How many instances it has; with auto scaling, never fewer.
    pub(super) instances: u32,
    /// How many it may have had in its busiest minute: the same without auto scaling.
    most: u32,
    pub(super) requests: Requests,
    /// How long a request takes, in seconds.
    seconds: f64,
}

/// The instance types of a Region with their prices, those of the table alone.
pub(super) fn offered(prices: &Prices) -> Vec<PricedType<'static>> {
    let all = InstanceTypes::shipped().iter().filter_map(|(name, has)| {
        let usd_per_hour = prices.hourly_hosting(name)?.to_f64()?;
        Some(PricedType { name, has, usd_per_hour })
    });
    all.collect()
}

impl<'a> Known<'a> {
    /// # Errors
    /// Why nothing can be advised.
    pub(super) fn of(hosted: &'a Hosted, cx: &'a RuleContext<'_>) -> Result<Self, Advice> {
        let unknown = |why: String| Err(Advice::Unknown(why));
        let [variant] = &hosted.endpoint.variants[..] else {
            return Err(Advice::LeftAlone("it has several variants, and its requests are divided between them".into()));
        };
        let (name, instances, most) = instances(variant)?;
        let Some(has) = InstanceTypes::shipped().get(name) else { return unknown(format!("what {name} has is not known")) };
        let Some(usd_per_hour) = cx.prices.hourly_hosting(name).and_then(|usd| usd.to_f64()) else {
            return unknown(format!("no price of {name} in this Region is known"));
        };
        let Some(invocations) = &variant.invocations else { return unknown("how often it was called could not be read".into()) };
        let Some(measured) = &hosted.measured else { return unknown("how much of its instances it uses could not be read".into()) };
        if let Some(changed) = hosted.changed_after(invocations.from).filter(|at| cx.now.duration_since(*at) < SETTLED) {
            let day = |at: Timestamp| at.strftime("%Y-%m-%d");
            return unknown(format!(
                "its configuration or its number of instances changed on {}: how much of them it uses can be told from {} on",
                day(changed),
                day(changed + SETTLED)
            ));
        }
        if let Some(what) = hosted.unread {
            return unknown(format!("{what} could not be read"));
        }
        if hosted.autoscaler == Autoscaler::Unread {
            return unknown("what endpoint-autoscaler has told of it could not be read".into());
        }
        let requests = match &invocations.minutes {
            Some(minutes) => Requests::by_minute(minutes),
            None => Requests::by_hour(invocations.from, &invocations.hours),
        };
        if !(0.0..MOST_REQUESTS).contains(&requests.total()) {
            return unknown("how often it was called is no number that can be".into());
        }
        if FAILING * requests.total() <= measured.failed {
            let share = 100.0 * measured.failed / requests.total().max(1.0);
            return Err(Advice::LeftAlone(format!("{share:.0} % of its requests fail, so that its metrics say nothing of what it needs")));
        }
        let Some(seconds) = measured.seconds.filter(|seconds| 0.0 < *seconds) else {
            return unknown("how long its requests take is not known (ModelLatency)".into());
        };
        Ok(Self { hosted, measured, invocations, today: PricedType { name, has, usd_per_hour }, instances, most, requests, seconds })
    }

    /// What the cost model needs of it. `offered`: the instance types that it may move to.
    pub(super) fn workload<'w>(&'w self, offered: &'w [PricedType<'w>]) -> Workload<'w> {
        Workload {
            requests: &self.requests,
            instances: self.instances,
            usd_per_hour: Some(self.today.usd_per_hour),
            volume_gb: self.volume_gb(),
            seconds: self.seconds,
            slowest: self.measured.slowest,
            memory_gib: self.memory_gib(),
            payload: None,
            carries: self.carries(),
            scaled: Some(self.scaled()),
            hardware: self.used().map(|used| Hardware { today: self.today, offered, needs_volume: self.needs_volume(), used }),
            features: self.features(),
        }
    }

    /// The memory that its model and server use at most on one instance, in GiB. `None`: not known.
    pub(super) fn memory_gib(&self) -> Option<f64> {
        Some(self.measured.memory? * self.today.has.memory_gib)
    }

    /// How much of an instance it uses at its busiest. `None`: one of the measures has no datapoint, or too few.
    pub(super) fn used(&self) -> Option<Used> {
        let (cpu, memory) = (self.busiest(&self.measured.cpu)?, self.measured.memory?);
        let (gpu, gpu_memory) = match self.today.has.gpus {
            0 => (0.0, 0.0),
            _ => (self.busiest(&self.measured.gpu)?, self.measured.gpu_memory?),
        };
        Some(Used { cpu, memory, gpu, gpu_memory })
    }

    /// The use at its busiest: no less than in the hour with most requests, which is left out otherwise if it comes once a week. `None`: too many hours have no datapoint.
    fn busiest(&self, hours: &[f32]) -> Option<f64> {
        let known = hours.iter().filter(|share| share.is_finite()).count();
        let busiest = Measured::busiest(hours).filter(|_| hours.len() * 9 <= known * 10)?;
        let requests = self.invocations.hours.iter().map(|requests| requests.unwrap_or_default());
        let used = (0..).zip(requests).filter_map(|(hour, requests)| Some((requests, self.in_hour(hours, hour)?)));
        let of_most = used.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, share)| share);
        Some(busiest.max(of_most.unwrap_or_default()))
    }

    /// The use in an hour of its requests. `None`: no datapoint.
    pub(super) fn in_hour(&self, shares: &[f32], hour: usize) -> Option<f64> {
        // Both are hours of the same window; the newest is at the end.
        let behind = self.invocations.hours.len() - hour;
        let share = shares.len().checked_sub(behind).and_then(|at| shares.get(at))?;
        share.is_finite().then(|| f64::from(*share))
    }

    fn volume_gb(&self) -> Option<f64> {
        self.hosted.config.as_ref()?["ProductionVariants"][0]["VolumeSizeInGB"].as_f64()
    }

    fn rates(&self, cx: &RuleContext<'_>) -> Option<Rates> {
        cx.policy.rates_of(self.hosted.endpoint.resource.region()?)
    }

    /// What its data in and out costs, in USD a month. Zero: no price is known.
    pub(super) fn usd_of_data(&self, cx: &RuleContext<'_>) -> f64 {
        let bytes = self.requests.per_month(self.requests.total()) * cx.policy.inference.assumptions().payload;
        self.rates(cx).map_or(0.0, |rates| rates.of_bytes(bytes))
    }

    /// What the volume of an instance costs, in USD an hour. Zero: its size or its price is not known.
    pub(super) fn usd_of_volume(&self, cx: &RuleContext<'_>) -> f64 {
        self.rates(cx).zip(self.volume_gb()).map_or(0.0, |(rates, gb)| rates.volume * gb / HOURS)
    }

    /// Whether it has more instances in some hours than in others.
    pub(super) const fn is_scaled(&self) -> bool {
        self.instances < self.most
    }

    /// Requests a minute that one instance carries for certain, if it may have had more instances than are counted. `None`: the model tells it from those.
    fn carries(&self) -> Option<f64> {
        self.is_scaled().then(|| (60.0 / self.seconds).max(self.requests.peak_per_minute() / f64::from(self.most)))
    }

    /// Whether its volume has a size or a key of its own, which local disks cannot have, or may have one.
    pub(super) fn needs_volume(&self) -> bool {
        self.volume_gb().is_some() || self.hosted.config.as_ref().is_none_or(|config| config["KmsKeyId"].is_string())
    }

    fn scaled(&self) -> Scaled {
        let (saved_hours, doubt) = match self.hosted.autoscaler {
            Autoscaler::Saves(Some(usd)) => (usd.to_f64().unwrap_or_default() / self.today.usd_per_hour, None),
            Autoscaler::Saves(None) => (0.0, Some("endpoint-autoscaler promises no saving".to_owned())),
            Autoscaler::Nothing | Autoscaler::Unread => (0.0, None),
        };
        Scaled { saved_hours, most_instances: None, doubt }
    }

    /// What it has, with what follows from its instances. A GPU that nobody uses may be one that its model does not need.
    fn features(&self) -> Features {
        let mut features = self.hosted.features.clone();
        let has = self.today.has;
        let of_type = [(Feature::Arm64, has.arm64), (Feature::Burstable, has.burstable), (Feature::NoTransform, !has.transform)];
        features.has.extend(of_type.into_iter().filter(|(_, is_so)| *is_so).map(|(feature, _)| feature));
        let is_unused = self.used().is_some_and(|used| used.gpu <= UNUSED_GPU) && self.today.has.accelerators == 0;
        match self.today.has.gpus + self.today.has.accelerators {
            0 => false,
            _ if is_unused => features.unknown.insert(Feature::Accelerator),
            _ => features.has.insert(Feature::Accelerator),
        };
        features
    }
}

/// How many instances auto scaling always keeps of so many.
pub(super) fn least(scaling: &Scaling, desired: u32) -> u32 {
    scaling.least().min(desired).max(1)
}

/// The type of a variant's instances, how many it always has, and how many it may have.
fn instances(variant: &Variant) -> Result<(&str, u32, u32), Advice> {
    let Compute::Instances { instance_type, desired, fixed, .. } = &variant.compute else {
        return Err(Advice::LeftAlone("it has no instances".into()));
    };
    if let Some(fixed @ (Fixed::Reserved | Fixed::SeveralTypes | Fixed::Managed { .. } | Fixed::Shadow)) = fixed {
        return Err(Advice::LeftAlone(fixed.why().into()));
    }
    let Some(name) = instance_type else { return Err(Advice::Unknown("its instance type is not known".into())) };
    match &variant.scaling {
        AutoScaling::Unread => Err(Advice::Unknown("its auto scaling could not be read".into())),
        AutoScaling::Target(scaling) => Ok((name, least(scaling, *desired), scaling.max.max(*desired))),
        AutoScaling::None => Ok((name, *desired, *desired)),
    }
}
