//! What is asked: the endpoints that could share one, the instance types that may be used, and how full an instance may be.

use crate::inference::instance_types::PricedType;

/// What an endpoint uses in one hour, on all of its instances together. What is negative or no number counts as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// vCPUs in use: 1.5 is one and a half.
    pub vcpus: f64,
    /// Requests a minute.
    pub requests: f64,
    /// GPUs in use. Zero on an instance type without GPUs.
    pub gpus: f64,
}

/// An endpoint that could share a multi-model endpoint with others of the same image, role, network, key and isolation.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// What the answer calls it. No two candidates have the same.
    pub id: usize,
    /// The instance type that it has today.
    pub today: PricedType<'a>,
    /// How many instances it has today.
    pub instances: u32,
    /// How many instances have to serve it at least: 2 if it has several today, so that one may fail. Its model is loaded on as many.
    pub at_least: u32,
    /// Its load by the hour, from the same hour on as that of all others. After its last hour it has none.
    pub load: Vec<Load>,
    /// The memory that its model and server need at most on one instance, in GiB.
    pub memory_gib: f64,
    /// The memory of GPUs that its model needs at most on one instance, in GiB. Zero on an instance type without GPUs.
    pub gpu_memory_gib: f64,
    /// The size of its unpacked model, in GiB. `None`: not known, and it is taken to need all of `memory_gib`.
    pub model_gib: Option<f64>,
}

/// How full an instance may be in any hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The share of its vCPUs, 0 to 1.
    pub cpu: f64,
    /// The share of its memory and of the memory of its GPUs, 0 to 1.
    pub memory: f64,
    /// The share of its GPUs, 0 to 1.
    pub gpu: f64,
    /// The most requests a minute that one instance carries. `None`: not known, and not limited.
    pub requests: Option<f64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cpu: 0.7, memory: 0.8, gpu: 0.8, requests: None }
    }
}
