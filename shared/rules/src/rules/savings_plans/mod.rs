//! Rules about commitments: Savings Plans and training plans.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::vocabulary::{currency::Currency, price::dollars};

mod reasons;
pub mod savings_plan_expiring;
pub mod savings_plan_returnable;
pub mod savings_plan_shortfall;
pub mod savings_plan_underused;
pub mod savings_plan_wrong_kind;
#[cfg(test)]
mod tests;
pub mod training_plan_idle;

/// A commitment for people: `$4.720 per hour`, rounded down as AWS shows it.
pub(crate) fn per_hour(commitment: Decimal) -> String {
    let commitment = commitment.round_dp_with_strategy(3, RoundingStrategy::ToZero);
    format!("{} per hour", Currency::of_account().amount(commitment, 3))
}

/// USD a month for people.
pub(crate) fn monthly(usd: Decimal) -> String {
    format!("{} a month", dollars(usd))
}

/// A part for people: `87.5 %`.
pub(crate) fn percent(part: Decimal) -> String {
    format!("{} %", (part * Decimal::ONE_HUNDRED).round_dp(1).normalize())
}
