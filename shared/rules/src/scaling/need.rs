//! How many instances each minute needs, and the least that any setting can cost.

use crate::scaling::{
    lines::{needed, number},
    load::{BLOCK, Load},
    traffic::MISSING,
};

/// The instances that each minute needs. Without a datapoint it needs none.
#[derive(Clone, Debug)]
pub(super) struct Need {
    by_minute: Vec<u32>,
    /// The same, from the least to the most.
    sorted: Vec<u32>,
}

impl Need {
    pub(super) fn of(load: &Load, per_instance: f64) -> Self {
        let of = |requests: &u64| if *requests == MISSING { 0 } else { needed(*requests, per_instance) };
        let by_minute: Vec<u32> = load.requests.iter().map(of).collect();
        let mut sorted = by_minute.clone();
        sorted.sort_unstable();
        Self { by_minute, sorted }
    }

    pub(super) fn by_minute(&self) -> &[u32] {
        &self.by_minute
    }

    /// The least fixed number of instances with which no more than `allowed` minutes are short.
    pub(super) fn fixed(&self, allowed: u64) -> u32 {
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        let kept = self.sorted.len().saturating_sub(allowed);
        kept.checked_sub(1).map_or(0, |last| self.sorted[last])
    }

    /// What `allowed` short minutes can spare at most, with at least `min` instances.
    fn spared(&self, min: u32, allowed: u64) -> u64 {
        let most = self.sorted.iter().rev().take(usize::try_from(allowed).unwrap_or(usize::MAX));
        most.map(|need| u64::from(need.saturating_sub(min))).sum()
    }

    /// For each block of minutes, the least instance-minutes from there to the end.
    pub(super) fn floor(&self, min: u32, allowed: u64) -> Floor {
        let of_block = |block: &[u32]| block.iter().map(|need| u64::from(*need.max(&min))).sum::<u64>();
        let mut rest: Vec<u64> = self.by_minute.chunks(BLOCK).map(of_block).chain([0]).collect();
        for block in (1..rest.len()).rev() {
            rest[block - 1] += rest[block];
        }
        Floor { rest, spared: self.spared(min, allowed) }
    }

    /// Whether an instance count times the minutes is more than can be counted.
    pub(super) fn is_absurd(&self) -> bool {
        let most = f64::from(self.sorted.last().copied().unwrap_or(0));
        1e15 < most * number(self.sorted.len() as u64)
    }
}

/// The least that what is left of the traffic costs.
pub(super) struct Floor {
    rest: Vec<u64>,
    spared: u64,
}

impl Floor {
    /// The least that all of it costs.
    pub(super) fn all(&self) -> u64 {
        self.rest[0].saturating_sub(self.spared)
    }

    /// The least that it costs in all, if this was billed before a minute.
    pub(super) fn with(&self, billed: u64, minute: usize) -> u64 {
        let rest = self.rest.get(minute.div_ceil(BLOCK)).copied().unwrap_or(0);
        (billed + rest).saturating_sub(self.spared)
    }
}
