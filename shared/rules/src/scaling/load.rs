//! Traffic prepared for many replays: what the alarms see at each minute, and what blocks of minutes hold at most and at least.

use jiff::Timestamp;

use crate::scaling::traffic::{MISSING, Traffic};

/// An alarm scales out after this many datapoints above the target in a row.
pub(super) const HIGH_POINTS: usize = 3;
/// An alarm scales in after this many datapoints below `LOW_SHARE` of the target in a row.
pub(super) const LOW_POINTS: usize = 15;
/// The share of the target below which a datapoint counts as low.
pub(super) const LOW_SHARE: f64 = 0.9;
/// The minutes of a block.
pub(super) const BLOCK: usize = 32;

/// Traffic, prepared. An instance count that has held for `LOW_POINTS` datapoints needs no more than these arrays, which is what makes replays fast.
#[derive(Clone, Debug)]
pub struct Load {
    pub(super) starts_at: Timestamp,
    /// The requests of each minute, or `MISSING`.
    pub(super) requests: Vec<u64>,
    /// How many datapoints there are before each minute.
    pub(super) seen: Vec<u32>,
    /// The least of the last `HIGH_POINTS` datapoints; 0 where the minute has none, or fewer came before.
    pub(super) high: Vec<u64>,
    /// The most of the last `LOW_POINTS` datapoints; `MISSING` where the minute has none, or fewer came before.
    pub(super) low: Vec<u64>,
    pub(super) blocks: Vec<Block>,
}

/// What a block of minutes holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// The most of `high`.
    pub(super) high: u64,
    /// The least of `low`.
    pub(super) low: u64,
    /// The least requests of a minute.
    pub(super) least: u64,
    /// The most requests of a minute.
    pub(super) most: u64,
}

impl Load {
    /// Prepares traffic.
    pub fn new(traffic: &Traffic) -> Self {
        let requests = traffic.raw().to_vec();
        let mut seen = Vec::with_capacity(requests.len() + 1);
        let (mut high, mut low) = (Vec::with_capacity(requests.len()), Vec::with_capacity(requests.len()));
        let mut last = [0_u64; LOW_POINTS];
        let mut count = 0_usize;
        seen.push(0);
        for &now in &requests {
            if now == MISSING {
                high.push(0);
                low.push(MISSING);
            } else {
                last[count % LOW_POINTS] = now;
                count += 1;
                let recent = (1..=HIGH_POINTS.min(count)).map(|back| last[(count - back) % LOW_POINTS]).min();
                high.push(recent.filter(|_| HIGH_POINTS <= count).unwrap_or(0));
                low.push(if LOW_POINTS <= count { last.into_iter().fold(0, u64::max) } else { MISSING });
            }
            seen.push(u32::try_from(count).unwrap_or(u32::MAX));
        }
        let blocks = (0..requests.len()).step_by(BLOCK).map(|from| block(&requests, &high, &low, from)).collect();
        Self { starts_at: traffic.starts_at(), requests, seen, high, low, blocks }
    }

    /// How many minutes it has.
    pub fn minutes(&self) -> usize {
        self.requests.len()
    }

    /// In how many of these minutes there were more requests than `carried`.
    pub(super) fn above(&self, carried: u64, minutes: std::ops::Range<usize>) -> u64 {
        let mut short = 0;
        let mut at = minutes.start;
        while at < minutes.end {
            let end = (at / BLOCK * BLOCK + BLOCK).min(minutes.end);
            if carried < self.blocks[at / BLOCK].most {
                let above = |requests: &&u64| carried < **requests && **requests != MISSING;
                short += self.requests[at..end].iter().filter(above).count() as u64;
            }
            at = end;
        }
        short
    }
}

fn block(requests: &[u64], high: &[u64], low: &[u64], from: usize) -> Block {
    let until = (from + BLOCK).min(requests.len());
    Block {
        high: high[from..until].iter().copied().max().unwrap_or(0),
        low: low[from..until].iter().copied().min().unwrap_or(MISSING),
        least: requests[from..until].iter().copied().min().unwrap_or(MISSING),
        most: requests[from..until].iter().copied().filter(|requests| *requests != MISSING).max().unwrap_or(0),
    }
}
