//! How much an instance of each type may carry, and on which type some models are cheapest.

use std::cmp::Reverse;

use crate::inference::{instance_types::PricedType, packing::candidate::Limits};

/// What is limited: vCPUs, requests a minute and GPUs, which change by the hour, then memory and GPU memory in GiB, which do not.
pub(super) type Amounts = [f64; 5];
/// So many of the amounts change by the hour.
pub(super) const HOURLY: usize = 3;
/// What costs more in an hour, in USD, is no instance.
const MOST_USD: f64 = 1e5;
/// No endpoint has more instances.
pub(super) const MOST_INSTANCES: u32 = 10_000;

/// The GiB of an instance's memory that its system and model server need: 2 or a tenth, whichever is more. AWS publishes no number (inference-facts §E4).
pub fn server_gib(memory_gib: f64) -> f64 {
    (memory_gib * 0.1).max(2.0)
}

/// USD in millionths, so that sums are exact in any order. `None`: not a price.
pub(super) fn micros(usd: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "at most 10¹¹")]
    (0.0..=MOST_USD).contains(&usd).then(|| (usd * 1e6).round() as i64)
}

/// What some models need together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    /// On all instances together, in the hour in which each amount is highest.
    pub(super) amounts: Amounts,
    /// What the largest of them needs on one instance, in GiB: memory without its server, memory with it, GPU memory.
    pub(super) largest: [f64; 3],
    /// How many instances have to serve each of them at least.
    pub(super) at_least: u32,
}

impl Need {
    /// What these and others need, but for what changes by the hour: that is zero.
    pub(super) fn with_rest(&self, other: &Self) -> Self {
        let mut both = Self { at_least: self.at_least.max(other.at_least), ..Self::default() };
        for at in 0..both.largest.len() {
            both.largest[at] = self.largest[at].max(other.largest[at]);
        }
        for at in HOURLY..both.amounts.len() {
            both.amounts[at] = self.amounts[at] + other.amounts[at];
        }
        both
    }
}

/// How much one instance of a type may carry.
#[derive(Clone, Debug)]
pub(super) struct Room<'a> {
    /// The type.
    pub(super) of: PricedType<'a>,
    micros: i64,
    amounts: Amounts,
    largest: [f64; 3],
}

impl<'a> Room<'a> {
    /// `None`: multi-model endpoints do not run on the type, or what it carries is not known. A burstable CPU carries less than its vCPUs.
    fn new(of: PricedType<'a>, limits: &Limits) -> Option<Self> {
        let is_usable = of.has.multi_model && !of.has.unverified && !of.has.burstable;
        let micros = micros(of.usd_per_hour).filter(|_| is_usable)?;
        let requests = limits.requests.filter(|most| 0.0 < *most).unwrap_or(f64::INFINITY);
        let with_server = of.has.memory_gib * limits.memory;
        let memory = with_server - server_gib(of.has.memory_gib);
        let gpu_memory = of.has.gpu_memory_gib * limits.memory;
        let amounts = [f64::from(of.has.vcpu) * limits.cpu, requests, f64::from(of.has.gpus) * limits.gpu, memory, gpu_memory];
        Some(Self { of, micros, amounts, largest: [memory, with_server, gpu_memory] })
    }

    /// Whether it carries all that the other one does, for no more money.
    fn replaces(&self, other: &Self) -> bool {
        self.micros <= other.micros && fits(&other.amounts, &self.amounts) && fits(&other.largest, &self.largest)
    }

    /// Whether one instance can hold each of the models.
    pub(super) fn holds(&self, need: &Need) -> bool {
        fits(&need.largest, &self.largest)
    }

    /// How many instances it takes to carry so much of an amount.
    pub(super) fn instances_for(&self, at: usize, amount: f64) -> f64 {
        if amount <= 0.0 { 0.0 } else { amount / self.amounts[at] }
    }

    /// The instances that some models need. `None`: one of the models does not fit into an instance, or all are too many.
    fn choice(&self, place: usize, need: &Need) -> Option<Choice> {
        let exact = (0..need.amounts.len()).map(|at| self.instances_for(at, need.amounts[at])).fold(f64::from(need.at_least), f64::max);
        if !self.holds(need) || f64::from(MOST_INSTANCES) < exact {
            return None;
        }
        // A sum that is off in its last digits takes no further instance.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 10,000")]
        let instances = (exact - 1e-9).ceil() as u32;
        #[expect(clippy::cast_precision_loss, reason = "at most 10¹¹")]
        let in_use = self.micros as f64 * exact;
        Some(Choice { place, instances, micros: self.micros * i64::from(instances), in_use })
    }
}

/// Instances of one type for some models.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// The place of the type in the list.
    pub(super) place: usize,
    /// How many instances.
    pub(super) instances: u32,
    /// What they cost in an hour, in millionths of USD.
    pub(super) micros: i64,
    /// What they would cost if a part of an instance could be had.
    pub(super) in_use: f64,
}

fn fits(need: &[f64], room: &[f64]) -> bool {
    need.iter().zip(room).all(|(need, room)| need <= room)
}

/// The instance types that may be used, without those that another one replaces.
pub(super) fn rooms<'a>(types: impl IntoIterator<Item = PricedType<'a>>, limits: &Limits) -> Vec<Room<'a>> {
    let mut all: Vec<Room<'a>> = types.into_iter().filter_map(|one| Room::new(one, limits)).collect();
    all.sort_by_key(|room| (room.micros, room.of.name));
    let mut best: Vec<Room<'a>> = vec![];
    for room in all {
        if !best.iter().any(|cheaper| cheaper.replaces(&room)) {
            best.push(room);
        }
    }
    best
}

/// The cheapest instances for some models. At the same price more of them, because one may fail. `None`: there are none that carry them.
pub(super) fn cheapest(rooms: &[Room<'_>], need: &Need) -> Option<Choice> {
    let choices = rooms.iter().enumerate().filter_map(|(place, room)| room.choice(place, need));
    choices.min_by_key(|choice| (choice.micros, Reverse(choice.instances), choice.place))
}
