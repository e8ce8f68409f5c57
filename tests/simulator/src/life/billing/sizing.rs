//! The commitment of a Savings Plan that would have cost least in some past hours: an exact search, because the cost is convex and piecewise linear.

use jiff::Timestamp;
use rust_decimal::{Decimal, dec};

use super::{Amount, Billing, HOUR, Hour, Kind, Plans, Visible};
use crate::estate::Offer;

/// What a division may be off by.
const NOISE: Decimal = dec!(0.000000000001);

impl Billing {
    /// The usage between two moments that plans may cover, or have covered, hour by hour, at on-demand prices. A record by day has each day spread evenly.
    pub(crate) fn coverable(&self, from: Timestamp, until: Timestamp, takes: impl Fn(&Kind) -> bool) -> Vec<Hour> {
        let number = |at: Timestamp| usize::try_from(at.duration_since(from).as_secs() / self.length.as_secs()).unwrap_or_default();
        let mut slots = vec![Hour::default(); number(until)];
        let sort = |kind: &Kind, _: &Visible<'_>| (self.is_coverable(kind) && takes(kind)).then_some(());
        self.sorted(from, until, sort, |slot, (), kind, amount| {
            if let Some(slot) = slots.get_mut(number(slot.begin)) {
                slot.add(kind, amount);
            }
        });
        let hours = self.length.as_secs() / HOUR.as_secs();
        let spread = |mut slot: Hour| {
            for usage in &mut slot.0 {
                usage.amount = Amount::share(usage.amount, Decimal::ONE, hours.into());
            }
            std::iter::repeat_n(slot, usize::try_from(hours).unwrap_or(1))
        };
        if hours == 1 { slots } else { slots.into_iter().flat_map(spread).collect() }
    }
}

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
