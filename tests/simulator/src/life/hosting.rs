//! Endpoints and inference components while they live: their capacity and what changes it, their traffic, and the metrics that follow from both.

use std::{cell::RefCell, collections::BTreeMap};

use jiff::{SignedDuration, Timestamp};

use crate::{
    estate::traffic::{HostingSpec, TrafficSpec},
    life::{
        hosting::{
            levels::Level,
            metrics::Computed,
            traffic::{Curve, Files},
        },
        kinds::Kind,
    },
    world::World,
};

pub(crate) mod answer;
pub(crate) mod change;
pub(crate) mod fleet;
pub(crate) mod levels;
pub(crate) mod metrics;
pub(crate) mod served;
pub(crate) mod traffic;

/// What the account knows of endpoints and components, whether or not they are there now. The keys are `endpoint/<name>` and
/// `inference-component/<name>`, in lower case.
#[derive(Default)]
pub(crate) struct Hosting {
    /// How each behaves. What a call creates behaves as the one of its name in the estate.
    pub(crate) manners: BTreeMap<String, Manner>,
    /// How often the tag of an image has moved.
    moved: BTreeMap<String, u64>,
    /// Resource policies, by the endpoint's key. They go with the endpoint.
    pub(crate) policies: BTreeMap<String, String>,
    /// The capacity of each variant in the course of time, oldest first.
    levels: BTreeMap<String, BTreeMap<String, Vec<(Timestamp, Level)>>>,
    /// Where requests come from. They come though the endpoint is gone.
    traffic: BTreeMap<String, Vec<Curve>>,
    files: Files,
    /// What a variant did, as it was computed last: its metrics are asked for one after the other.
    computed: RefCell<Option<Computed>>,
    pub(crate) spec: HostingSpec,
}

/// How an endpoint or component behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// From Creating to `InService`; `None`: as its instances usually take.
    pub(crate) creating: Option<SignedDuration>,
    /// How long more instances or copies take; `None`: as the creation.
    pub(crate) scaling: Option<SignedDuration>,
    /// Until then there are no instances for it.
    pub(crate) no_capacity_until: Option<Timestamp>,
    /// Whether its container does not answer the health check.
    pub(crate) is_unhealthy: bool,
    /// Of an endpoint with components: how many copies one instance holds.
    pub(crate) copies_per_instance: Option<u64>,
}

impl Hosting {
    pub(crate) fn new(spec: HostingSpec) -> Self {
        Self { spec, ..Self::default() }
    }

    /// The key of an endpoint or component.
    pub(crate) fn key(kind: &Kind, name: &str) -> String {
        format!("{}/{}", kind.name, name.to_lowercase())
    }

    pub(crate) fn manner(&self, kind: &Kind, name: &str) -> Manner {
        self.manners.get(&Self::key(kind, name)).cloned().unwrap_or_default()
    }

    pub(crate) fn add_traffic(&mut self, kind: &Kind, name: &str, specs: &[TrafficSpec], start: Timestamp) {
        let of = Self::key(kind, name);
        let curves = self.curves_of(&of, specs, start);
        self.traffic.entry(of).or_default().extend(curves);
    }

    /// The curves of some requests. `of`: whose they are, which makes their noise another one.
    pub(crate) fn curves_of(&mut self, of: &str, specs: &[TrafficSpec], start: Timestamp) -> Vec<Curve> {
        let each = specs.iter().enumerate();
        each.map(|(number, spec)| Curve::new(spec, &format!("{of} {number}"), start, &mut self.files)).collect()
    }

    /// Lets the tag of an image name another image.
    pub(crate) fn move_tag(&mut self, image: &str) {
        *self.moved.entry(image.to_owned()).or_default() += 1;
    }

    /// The image that a tag names now: `repository@sha256:…`.
    pub(crate) fn resolved(&self, image: &str) -> String {
        if image.contains("@sha256:") {
            return image.to_owned();
        }
        let moved = self.moved.get(image).copied().unwrap_or_default();
        let part = |part: u64| format!("{:016x}", crate::life::trail::digest(&format!("{image} {moved} {part}")));
        let repository = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(image, |(repository, _)| repository);
        format!("{repository}@sha256:{}", (0..4).map(part).collect::<String>())
    }
}

impl World {
    /// Whether something may happen to a resource because of the estate's shortages: they begin with the simulation.
    pub(crate) fn lives(&self, at: Timestamp) -> bool {
        self.started <= at
    }
}

#[cfg(test)]
mod tests;
