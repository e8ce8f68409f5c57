//! The currency of the account: its bill, its plans, its prices and all amounts that people read are in it.

use std::sync::atomic::{AtomicBool, Ordering};

use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vocabulary::text::grouped;

/// Whether the process counts in CNY. A deployment is of one account, and the bill of an account is in one currency.
static IS_CNY: AtomicBool = AtomicBool::new(false);

/// A currency of AWS's bills. Fields that are called `usd` have amounts of the account's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// US dollars.
    #[default]
    Usd,
    /// Chinese yuan: the Regions in China (money-facts §2.5).
    Cny,
}

impl Currency {
    /// The currency of bills in a Region.
    pub fn of_region(region: &str) -> Self {
        if region.starts_with("cn-") { Self::Cny } else { Self::Usd }
    }

    /// The currency of the account of this process: USD until [`Currency::count_in`] is called.
    pub fn of_account() -> Self {
        if IS_CNY.load(Ordering::Relaxed) { Self::Cny } else { Self::Usd }
    }

    /// Makes it the currency of this process.
    pub fn count_in(self) {
        IS_CNY.store(self == Self::Cny, Ordering::Relaxed);
    }

    /// AWS's code of it: `USD`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Cny => "CNY",
        }
    }

    /// Whether a unit, as AWS writes it, is this currency.
    pub fn is(self, unit: &str) -> bool {
        unit == self.code()
    }

    /// What stands before an amount: `$`.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Usd => "$",
            Self::Cny => "CNY ",
        }
    }

    /// An amount for people, with so many digits after the point: `$12,345.00`, `-$3.50`.
    pub fn amount(self, amount: Decimal, digits: u32) -> String {
        // Rounded first, because formatting a `Decimal` truncates it, and because nothing has no sign.
        let rounded = amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        let minus = if rounded < Decimal::ZERO { "-" } else { "" };
        let text = format!("{:.*}", usize::try_from(digits).unwrap_or_default(), rounded.abs());
        let (whole, rest) = text.split_once('.').map_or((text.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
        format!("{minus}{}{}{rest}", self.sign(), grouped(whole))
    }

    /// Checks the currency of an amount that AWS answered. None is the account's.
    ///
    /// # Errors
    /// It is another one.
    pub fn check(self, unit: Option<&str>) -> Result<(), String> {
        match unit.filter(|unit| !self.is(unit)) {
            Some(unit) => Err(format!("is in {unit}, expected {}", self.code())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn writes_amounts_with_their_currency() {
        for (currency, amount, digits, text) in [
            (Currency::Usd, dec!(0), 2, "$0.00"),
            (Currency::Usd, dec!(12345.678), 2, "$12,345.68"),
            (Currency::Usd, dec!(1000000), 2, "$1,000,000.00"),
            (Currency::Usd, dec!(-3.5), 2, "-$3.50"),
            (Currency::Usd, dec!(-0.0000000001), 2, "$0.00"),
            (Currency::Usd, dec!(999.994), 2, "$999.99"),
            (Currency::Usd, dec!(1234.56789), 4, "$1,234.5679"),
            (Currency::Cny, dec!(12345.678), 2, "CNY 12,345.68"),
            (Currency::Cny, dec!(-3.5), 0, "-CNY 4"),
        ] {
            assert_eq!(currency.amount(amount, digits), text);
        }
    }

    #[test]
    fn the_currency_follows_the_region_and_no_other_is_taken() {
        assert_eq!(["eu-central-1", "cn-north-1", "us-gov-west-1"].map(Currency::of_region), [Currency::Usd, Currency::Cny, Currency::Usd]);
        assert_eq!(Currency::of_account(), Currency::Usd);
        for (currency, unit, checked) in [
            (Currency::Usd, Some("USD"), Ok(())),
            (Currency::Usd, None, Ok(())),
            (Currency::Usd, Some("CNY"), Err("is in CNY, expected USD".to_owned())),
            (Currency::Cny, Some("USD"), Err("is in USD, expected CNY".to_owned())),
            (Currency::Cny, Some("CNY"), Ok(())),
        ] {
            assert_eq!(currency.check(unit), checked);
        }
    }
}
