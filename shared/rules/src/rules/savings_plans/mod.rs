//! Rules about commitments: Savings Plans and training plans.

use rust_decimal::{Decimal, RoundingStrategy, dec};

use crate::{
    savings_plan::{Advice, Offered},
    vocabulary::{currency::Currency, price::dollars},
};

mod aws_number;
mod message;
mod reasons;
pub mod savings_plan_expiring;
pub mod savings_plan_returnable;
pub mod savings_plan_shortfall;
pub mod savings_plan_underused;
pub mod savings_plan_wrong_kind;
mod steps;
#[cfg(test)]
mod tests;
pub mod training_plan_idle;
mod ways;

/// A commitment for people: `$4.720 per hour`, or with up to the five digits that AWS takes, rounded down.
pub(crate) fn per_hour(commitment: Decimal) -> String {
    format!("{} per hour", Currency::of_account().amount(hourly(commitment), hourly(commitment).scale()))
}

/// A commitment with three to five digits, rounded down.
pub(crate) fn hourly(commitment: Decimal) -> Decimal {
    let mut commitment = commitment.round_dp_with_strategy(5, RoundingStrategy::ToZero).normalize();
    commitment.rescale(commitment.scale().max(3));
    commitment
}

/// USD a month for people.
pub(crate) fn monthly(usd: Decimal) -> String {
    format!("{} a month", dollars(usd))
}

/// Whole dollars for people, where cents say nothing: `$7,713`.
fn whole_dollars(usd: Decimal) -> String {
    Currency::of_account().amount(usd, 0)
}

/// `saves $12.00 a month`.
fn saves(usd: Decimal) -> String {
    if usd.is_sign_negative() { format!("costs {} more than no plan", monthly(-usd)) } else { format!("saves {}", monthly(usd)) }
}

/// A part for people: `87.5 %`.
pub(crate) fn percent(part: Decimal) -> String {
    format!("{} %", (part * Decimal::ONE_HUNDRED).round_dp(1).normalize())
}

/// ` if the last 13 days go on, and $137.20 a month if the last 60 days repeat themselves`. Empty: the bill does not tell.
fn if_longer(advice: &Advice, offered: &Offered) -> String {
    let Some((earlier, usd)) = advice.earlier.as_ref().zip(offered.if_longer) else { return String::new() };
    let (now, before) = (advice.hours / 24, earlier.days);
    let much = match usd {
        usd if offered.usd_per_month * dec!(0.95) <= usd => "as much".to_owned(),
        usd if usd.is_sign_negative() => format!("lose {}", monthly(-usd)),
        usd => monthly(usd),
    };
    format!(" if the last {now} days go on, and {much} if the last {before} days repeat themselves")
}
