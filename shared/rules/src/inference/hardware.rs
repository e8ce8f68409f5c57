//! What an endpoint's instances have, and how much of it is used.

use crate::inference::instance_types::PricedType;

/// What an endpoint's instances have, and how much of it is used.
#[derive(Clone, Copy, Debug)]
pub struct Hardware<'a> {
    /// The type that it has today.
    pub today: PricedType<'a>,
    /// The types that it could have instead. Also those that its image does not run on.
    pub offered: &'a [PricedType<'a>],
    /// Whether its volume has a size or a key of its own, which local disks cannot have.
    pub needs_volume: bool,
    /// How much of its instances is used when they have most to do.
    pub used: Used,
}

/// How much of an instance is used when it has most to do: shares from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Used {
    /// Of its vCPUs.
    pub cpu: f64,
    /// Of its memory.
    pub memory: f64,
    /// Of its GPUs. Zero without GPUs.
    pub gpu: f64,
    /// Of the memory of its GPUs. Zero without GPUs.
    pub gpu_memory: f64,
}
