//! Exact amounts for the report: JSON has all of their digits, and people see cents.

use std::{borrow::Cow, fmt, iter::Sum, ops::AddAssign};

use rust_decimal::{Decimal, RoundingStrategy};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::vocabulary::{price::dollars, text::grouped};

/// USD. JSON has it as a decimal in a string, as AWS does, so that sums stay exact; it prints as dollars and cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub Decimal);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dollars(self.0))
    }
}

impl AddAssign<Decimal> for Money {
    fn add_assign(&mut self, other: Decimal) {
        self.0 += other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.map(|one| one.0).sum())
    }
}

/// Hours of instances, in JSON as [`Money`] is. They print with one decimal and thousands marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hours(pub Decimal);

impl Hours {
    /// `None`: something was paid for that has no hours on the bill.
    pub fn known_of(self, usd: Money) -> Option<Self> {
        (!self.0.is_zero() || usd.0.is_zero()).then_some(self)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = format!("{:.1}", self.0.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero));
        let (whole, tenth) = rounded.split_once('.').unwrap_or((&rounded, "0"));
        write!(f, "{}.{tenth}", grouped(whole))
    }
}

impl JsonSchema for Hours {
    fn schema_name() -> Cow<'static, str> {
        "Hours".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "description": "Hours of instances: a decimal without thousands marks."})
    }
}

impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "description": "USD: a decimal without thousands marks."})
    }
}
