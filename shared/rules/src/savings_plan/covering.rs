//! How a plan covers use, and the best commitment.
//!
//! In each hour AWS covers the use with the highest saving first (of the same saving: the lowest rate first), until the commitment is used up. The rest is on demand; what is not used is lost (money-facts §5.1). The cost is therefore convex
//! and made of straight lines in the commitment, and the best one is where its slope changes its sign (§5.2).

use rust_decimal::{Decimal, dec};

use super::{
    fixed::{part, to_fixed, to_usd},
    outcome::{Outcome, Spent},
    rates::Rates,
    usage::Usage,
};

/// A slope of less than this, in hours, is flat: rates are divided, and rounded at the 28th digit.
const FLAT: Decimal = dec!(0.000000001);
/// The decimal places of a commitment that AWS accepts.
pub(super) const PLACES: u32 = 5;
/// More than all roundings of an hour.
const HAIR: Decimal = dec!(0.000000001);
/// What counts as the same cost: up to 1 % more (money-facts §0.12).
const HARDLY_MORE: Decimal = dec!(1.01);
/// The least commitment in USD per hour that AWS sells.
const LEAST: Decimal = dec!(0.001);

/// The sum of an hour. What does not fit is as large as an `i64` can be.
fn total(row: &[i64]) -> i64 {
    row.iter().fold(0, |sum: i64, cell| sum.saturating_add(*cell))
}

/// A usage type that the plan covers. The rates are in 10⁻¹² USD per hour.
struct Column {
    index: usize,
    on_demand: i64,
    savings_plan: i64,
    /// On-demand dollars that a dollar of the plan covers.
    worth: Decimal,
}

/// Use, and a plan's rates for it.
pub struct Covering<'a> {
    usage: &'a Usage,
    /// In the order in which AWS covers them.
    columns: Vec<Column>,
    /// What each hour's use costs at the plan's rates: a row for each hour, a cell for each column.
    planned: Vec<i64>,
}

impl<'a> Covering<'a> {
    /// Usage types without a rate are not covered.
    pub fn new(usage: &'a Usage, rates: &Rates) -> Self {
        let column = |(index, name): (usize, &String)| {
            let rate = rates.get(name)?;
            let (on_demand, savings_plan) = (to_fixed(rate.on_demand)?, to_fixed(rate.savings_plan)?);
            let is_valid = 0 < on_demand && 0 < savings_plan;
            is_valid.then(|| (rate.discount(), Column { index, on_demand, savings_plan, worth: rate.on_demand / rate.savings_plan }))
        };
        let mut columns: Vec<(Decimal, Column)> = usage.usage_types().iter().enumerate().filter_map(column).collect();
        columns.sort_by(|(a, of_a), (b, of_b)| b.cmp(a).then(of_a.savings_plan.cmp(&of_b.savings_plan)).then(of_a.index.cmp(&of_b.index)));
        let columns: Vec<Column> = columns.into_iter().map(|(_, column)| column).collect();
        let of_row = |row: &'a [i64]| {
            let cell = |column: &Column| part(row.get(column.index).copied().unwrap_or_default(), column.savings_plan, column.on_demand);
            columns.iter().map(cell).collect::<Vec<i64>>()
        };
        let planned = usage.rows().flat_map(of_row).collect();
        Self { usage, columns, planned }
    }

    /// The hours, each with what its use costs at the plan's rates.
    fn rows(&self) -> impl Iterator<Item = &[i64]> {
        self.planned.chunks_exact(self.columns.len().max(1))
    }

    /// The least commitment with the least cost, in USD per hour: rounded down to what AWS sells, 0 if none pays.
    pub fn best(&self) -> Decimal {
        let (mut low, mut high) = (0, self.rows().map(total).max().unwrap_or_default());
        // The least of all that do not fall to their right.
        while low < high {
            let middle = low + (high - low) / 2;
            if self.falls_after(middle) { low = middle + 1 } else { high = middle }
        }
        // Each cell is rounded: what is a hair below a price is that price.
        let best = (to_usd(i128::from(low)) + HAIR).trunc_with_scale(PLACES);
        if best < LEAST { Decimal::ZERO } else { best.normalize() }
    }

    /// `limit`, if that costs hardly more than the best commitment, and no more than none; else the best. Around the best one the cost is flat: a part of a day
    /// more or less moves the best by an instance, and the cost by cents.
    pub fn nearly_best(&self, limit: Decimal) -> Decimal {
        let best = self.best();
        let cost = |commitment: Decimal| self.outcome(commitment).cost;
        let most = (cost(best) * HARDLY_MORE).min(self.usage.on_demand());
        if limit <= best || cost(limit) <= most { limit } else { best }
    }

    /// Whether a little more than this commitment costs less: in each hour that uses all of it, a further dollar covers more than a dollar on demand.
    fn falls_after(&self, commitment: i64) -> bool {
        let mut hours: Vec<u32> = vec![0; self.columns.len()];
        for row in self.rows() {
            let mut left = commitment;
            let filled = row.iter().position(|cell| {
                let is_filled = left < *cell;
                left -= *cell;
                is_filled
            });
            if let Some(count) = filled.and_then(|at| hours.get_mut(at)) {
                *count += 1;
            }
        }
        let covered: Decimal = hours.iter().zip(&self.columns).map(|(count, column)| Decimal::from(*count) * column.worth).sum();
        FLAT < covered - Decimal::from(self.usage.hours())
    }

    /// What a commitment comes to, in USD per hour.
    pub fn outcome(&self, commitment: Decimal) -> Outcome {
        let fixed = to_fixed(commitment).unwrap_or_default();
        let mut spent = Spent::new(fixed, self.usage.hours());
        for (row, used) in self.usage.rows().zip(self.rows()) {
            let covered = self.covered(used, row, fixed).map(|(_, usd)| i128::from(usd)).sum();
            spent.add(covered, total(used));
        }
        let eligible = self.columns.iter().map(|column| column.index);
        let eligible: i128 =
            eligible.map(|index| self.usage.rows().filter_map(|row| row.get(index)).map(|cell| i128::from(*cell)).sum::<i128>()).sum();
        spent.outcome(commitment, self.usage.on_demand(), to_usd(eligible))
    }

    /// What a commitment covers of an hour, in on-demand dollars, with the usage type's index.
    fn covered<'b>(&'b self, used: &'b [i64], row: &'b [i64], commitment: i64) -> impl Iterator<Item = (usize, i64)> + 'b {
        let mut left = commitment;
        used.iter().zip(&self.columns).map(move |(cell, column)| {
            let on_demand = row.get(column.index).copied().unwrap_or_default();
            let covered = if *cell <= left { on_demand } else { part(left, column.on_demand, column.savings_plan).min(on_demand) };
            left = (left - *cell).max(0);
            (column.index, covered)
        })
    }

    /// What is left on demand by a commitment.
    pub fn rest(&self, commitment: Decimal) -> Usage {
        let fixed = to_fixed(commitment).unwrap_or_default();
        let rest = |(row, used): (&[i64], &[i64])| {
            let mut rest = row.to_vec();
            for (index, covered) in self.covered(used, row, fixed) {
                if let Some(cell) = rest.get_mut(index) {
                    *cell -= covered;
                }
            }
            rest
        };
        if self.columns.is_empty() {
            return self.usage.clone();
        }
        self.usage.with(self.usage.rows().zip(self.rows()).flat_map(rest).collect())
    }

    /// What some commitments cost: from none to twice the best, or to what the use comes to on average if none pays. USD per hour, and USD.
    pub fn curve(&self, best: Decimal) -> Vec<(Decimal, Decimal)> {
        const STEPS: u32 = 40;
        let average = || {
            let all: i128 = self.planned.iter().map(|cell| i128::from(*cell)).sum();
            to_usd(all) / Decimal::from(self.usage.hours().max(1))
        };
        let until = if best.is_zero() { average() } else { best * dec!(2) };
        let at = |step: u32| (until * Decimal::from(step) / Decimal::from(STEPS)).round_dp(PLACES + 3).normalize();
        let mut commitments: Vec<Decimal> = (0..=STEPS).map(at).collect();
        commitments.dedup();
        let fixed: Vec<i64> = commitments.iter().map(|commitment| to_fixed(*commitment).unwrap_or(i64::MAX)).collect();
        let (on_demand, hours) = (self.usage.on_demand(), Decimal::from(self.usage.hours()));
        let cost = |(commitment, covered): (Decimal, i128)| (commitment, commitment * hours + on_demand - to_usd(covered));
        commitments.into_iter().zip(self.covered_by(&fixed)).map(cost).collect()
    }

    /// What commitments cover on demand, all hours together. They increase, so that one walk through an hour is enough for all of them.
    fn covered_by(&self, commitments: &[i64]) -> Vec<i128> {
        let mut sums = vec![0_i128; commitments.len()];
        for (row, used) in self.usage.rows().zip(self.rows()) {
            let (mut filled, mut covered) = (0_i64, 0_i128);
            let mut next = sums.iter_mut().zip(commitments).peekable();
            for (cell, column) in used.iter().zip(&self.columns) {
                let on_demand = row.get(column.index).copied().unwrap_or_default();
                let end = filled.saturating_add(*cell);
                while let Some((sum, commitment)) = next.next_if(|(_, commitment)| **commitment < end) {
                    let last = part(*commitment - filled, column.on_demand, column.savings_plan).min(on_demand);
                    *sum += covered + i128::from(last);
                }
                filled = end;
                covered += i128::from(on_demand);
            }
            next.for_each(|(sum, _)| *sum += covered);
        }
        sums
    }
}
