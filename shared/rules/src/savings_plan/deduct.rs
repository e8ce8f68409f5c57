//! What will vanish from the usage before a plan is sized: waste, and training that moves to Spot (money-facts §5.3).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::usage::{Usage, is_of};
use crate::vocabulary::component::Component;

/// Something that will vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deduction {
    /// What it is, for people: `endpoint-idle: 3 resources`.
    pub what: String,
    /// Where it is on the bill.
    pub component: Component,
    /// How much it is.
    pub amount: Amount,
    /// Whether it ends without anybody's doing.
    pub certainty: Certainty,
}

/// How much vanishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// USD on demand in each hour.
    Hourly(Vec<Decimal>),
    /// This part of each hour, 0 to 1.
    Share(Decimal),
}

/// How sure it is that something vanishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The guard has ended it, or will: the policy says so.
    Enforced,
    /// Its owner was told, and decides.
    Reported,
}

/// What a deduction took from the usage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Deducted {
    /// What it is, for people.
    pub what: String,
    /// Where it is on the bill.
    pub component: Component,
    /// USD on demand in these hours.
    pub usd: Decimal,
    /// How sure it is.
    pub certainty: Certainty,
}

/// Takes the deductions from the usage, one after the other. Nothing becomes negative: what two of them are about is taken once.
pub(super) fn deduct(usage: &Usage, deductions: &[Deduction]) -> (Usage, Vec<Deducted>) {
    let mut left = usage.clone();
    let mut deducted = vec![];
    for deduction in deductions {
        let less = one(&left, deduction);
        let usd = left.on_demand() - less.on_demand();
        if !usd.is_zero() {
            let Deduction { what, component, certainty, .. } = deduction;
            deducted.push(Deducted { what: what.clone(), component: *component, usd, certainty: *certainty });
        }
        left = less;
    }
    (left, deducted)
}

/// The usage types of a component lose the same part of an hour each, because it is not known which of them it is.
fn one(usage: &Usage, deduction: &Deduction) -> Usage {
    let is_its: Vec<bool> = usage.usage_types().iter().map(|name| is_of(name, deduction.component)).collect();
    let of_hour = |row: &[i64]| -> Decimal {
        let its = row.iter().zip(&is_its).filter(|(_, is_its)| **is_its);
        Decimal::try_from_i128_with_scale(its.map(|(cell, _)| i128::from(*cell)).sum(), 12).unwrap_or(Decimal::MAX)
    };
    let share = |(hour, row): (usize, &[i64])| match &deduction.amount {
        Amount::Share(share) => *share,
        Amount::Hourly(usd) => {
            let (usd, all) = (usd.get(hour).copied().unwrap_or_default(), of_hour(row));
            if all <= usd { Decimal::ONE } else { usd / all }
        }
    };
    let shares: Vec<Decimal> = usage.rows().enumerate().map(share).collect();
    usage.lessened(|hour, index, usd| {
        let share = if is_its.get(index) == Some(&true) { shares.get(hour).copied().unwrap_or_default() } else { Decimal::ZERO };
        usd * (Decimal::ONE - share.clamp(Decimal::ZERO, Decimal::ONE))
    })
}
