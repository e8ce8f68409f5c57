//! The answer: which endpoints share one, on what, and how full its instances are.

/// Which endpoints share one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packing {
    /// Those that do, by their first member.
    pub groups: Vec<Group>,
    /// The ids of those that stay as they are, in order.
    pub alone: Vec<usize>,
}

/// Endpoints that share one multi-model endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Their ids, in order: two at least.
    pub members: Vec<usize>,
    /// The type of its instances.
    pub instance_type: String,
    /// How many instances it has.
    pub instances: u32,
    /// What it costs, in USD per month of 730 hours.
    pub usd_per_month: f64,
    /// What its members cost today, in USD per month.
    pub usd_per_month_today: f64,
    /// How full its instances are.
    pub highest: Highest,
    /// The hour in which an instance is nearest to a limit. `None`: there is no load in any hour.
    pub busiest: Option<BusiestHour>,
}

/// The highest use of an instance in any hour, in shares from 0 to 1 of all that it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Highest {
    /// Of its vCPUs.
    pub cpu: f64,
    /// Of its memory, with all models loaded and with what the server needs.
    pub memory: f64,
    /// Of its GPUs.
    pub gpu: f64,
    /// Of the memory of its GPUs.
    pub gpu_memory: f64,
}

/// The hour in which the instances of a group have most to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BusiestHour {
    /// Its place in the load, from 0.
    pub hour: usize,
    /// The member with most of the load in it: the noisy neighbour.
    pub noisiest: usize,
    /// That member's share of the load, 0 to 1.
    pub share: f64,
}
