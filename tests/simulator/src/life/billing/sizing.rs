//! The commitment of a Savings Plan that would have cost least in some past hours: an exact search, because the cost is convex and piecewise linear.

use rust_decimal::{Decimal, dec};

use super::{Hour, Plans};
use crate::estate::Offer;

/// What a division may be off by.
const NOISE: Decimal = dec!(0.000000000001);

/// What a plan would have done in some hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// USD that the plan costs.
    pub(crate) commitment: Decimal,
    /// USD of it that usage is found for.
    pub(crate) used: Decimal,
    /// USD of usage that it does not cover.
    pub(crate) on_demand: Decimal,
}

impl Outcome {
    pub(crate) fn cost(&self) -> Decimal {
        self.commitment + self.on_demand
    }
}

/// What a plan of this commitment would have done.
pub(crate) fn outcome(plans: &Plans, hours: &[Hour], commitment: Decimal, offer: Offer) -> Outcome {
    hours.iter().fold(Outcome::default(), |sum, hour| {
        let (used, left) = plans.use_of(hour.clone(), commitment, offer);
        Outcome { commitment: sum.commitment + commitment, used: sum.used + used, on_demand: sum.on_demand + left.on_demand() }
    })
}

/// The smallest commitment with the lowest cost.
///
/// One more dollar of commitment costs one dollar in every hour, and saves `usd / cost at the plan's rate` in those whose usage it does not yet cover. So only
/// the commitments at which a usage type of some hour is just covered can be the best.
pub(crate) fn best(plans: &Plans, hours: &[Hour], offer: Offer) -> Decimal {
    let mut slope = Decimal::from(hours.len());
    let mut bends: Vec<(Decimal, Decimal)> = vec![];
    for hour in hours {
        let mut usage: Vec<(Decimal, Decimal)> = hour
            .0
            .iter()
            .filter(|usage| Decimal::ZERO < usage.amount.usd)
            .filter_map(|usage| plans.at_rate(usage, offer).map(|cost| (usage.amount.usd / cost, cost)))
            .collect();
        usage.sort_by(|one, other| other.cmp(one));
        let (mut commitment, mut saved) = (Decimal::ZERO, usage.first().map(|(saved, _)| *saved).unwrap_or_default());
        slope -= saved;
        for (place, (_, cost)) in usage.iter().enumerate() {
            commitment += cost;
            let next = usage.get(place + 1).map(|(saved, _)| *saved).unwrap_or_default();
            bends.push((commitment, saved - next));
            saved = next;
        }
    }
    bends.sort_unstable();
    let mut best = Decimal::ZERO;
    for (commitment, steeper) in bends {
        if -NOISE <= slope {
            break;
        }
        (best, slope) = (commitment, slope + steeper);
    }
    best
}
