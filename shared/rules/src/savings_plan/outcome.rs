//! What a commitment would have come to.

use rust_decimal::Decimal;

use super::fixed::to_usd;

/// The hours of 30 days: the block in which a plan is used worst.
const BLOCK: usize = 30 * 24;

/// What a commitment comes to in the hours of some use. USD, unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// USD per hour.
    pub commitment: Decimal,
    /// How many hours these are.
    pub hours: usize,
    /// All of the use on demand.
    pub on_demand: Decimal,
    /// The part of the use that a plan can cover, on demand.
    pub eligible: Decimal,
    /// The commitment and what stays on demand.
    pub cost: Decimal,
    /// What on demand the commitment covers.
    pub covered: Decimal,
    /// The part of the commitment that nobody uses.
    pub unused: Decimal,
    /// In how many hours that is.
    pub under_used_hours: usize,
    /// What nobody uses in the worst 30 days. `None`: there are fewer.
    pub worst_unused: Option<Decimal>,
}

impl Outcome {
    /// What it saves. Negative: it costs more than without.
    pub fn saving(&self) -> Decimal {
        self.on_demand - self.cost
    }

    /// The commitment of all hours.
    pub fn committed(&self) -> Decimal {
        self.commitment * Decimal::from(self.hours)
    }

    /// The used part of the commitment, 0 to 1. `None`: there is no commitment.
    pub fn utilisation(&self) -> Option<Decimal> {
        let committed = Some(self.committed()).filter(|usd| !usd.is_zero())?;
        Some(Decimal::ONE - self.unused / committed)
    }

    /// The part of what a plan can cover that this one covers, 0 to 1. `None`: there is none.
    pub fn coverage(&self) -> Option<Decimal> {
        (!self.eligible.is_zero()).then(|| self.covered / self.eligible)
    }

    /// The utilisation below which the plan costs more than it saves, 0 to 1: with one discount, 1 less the discount. `None`: nothing is covered.
    pub fn break_even(&self) -> Option<Decimal> {
        (!self.covered.is_zero()).then(|| (self.committed() - self.unused) / self.covered)
    }
}

/// Less than this, in 10⁻¹² USD, is no unused commitment: cells are rounded.
const ROUNDING: i64 = 1_000;

/// Sums up the hours.
pub(super) struct Spent {
    commitment: i64,
    hours: usize,
    covered: i128,
    unused: Vec<i64>,
}

impl Spent {
    pub(super) fn new(commitment: i64, hours: usize) -> Self {
        Self { commitment, hours, covered: 0, unused: Vec::with_capacity(hours) }
    }

    /// Adds an hour: what is covered on demand, and what the use costs at the plan's rates.
    pub(super) fn add(&mut self, covered: i128, planned: i64) {
        self.covered += covered;
        self.unused.push((self.commitment - planned).max(0));
    }

    pub(super) fn outcome(mut self, commitment: Decimal, on_demand: Decimal, eligible: Decimal) -> Outcome {
        // Without any use that a plan covers, all of it is unused.
        self.unused.resize(self.hours, self.commitment);
        let covered = to_usd(self.covered);
        Outcome {
            commitment,
            hours: self.hours,
            on_demand,
            eligible,
            cost: commitment * Decimal::from(self.hours) + on_demand - covered,
            covered,
            unused: to_usd(self.unused.iter().map(|one| i128::from(*one)).sum()),
            under_used_hours: self.unused.iter().filter(|one| ROUNDING < **one).count(),
            worst_unused: worst(&self.unused).map(to_usd),
        }
    }
}

/// The most in 30 days in a row.
fn worst(unused: &[i64]) -> Option<i128> {
    let mut sum: i128 = unused.get(..BLOCK)?.iter().map(|one| i128::from(*one)).sum();
    let mut most = sum;
    for (old, new) in unused.iter().zip(unused.get(BLOCK..)?) {
        sum += i128::from(*new) - i128::from(*old);
        most = most.max(sum);
    }
    Some(most)
}
