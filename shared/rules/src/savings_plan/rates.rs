//! The six ways to buy a plan, and what use costs on demand and at a plan's rates.

use std::{collections::BTreeMap, fmt, str::FromStr};

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vocabulary::price::HOURS_PER_MONTH;

/// For how long a plan is bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Term {
    /// 365 days.
    #[default]
    #[serde(rename = "1y")]
    OneYear,
    /// 1,095 days.
    #[serde(rename = "3y")]
    ThreeYears,
}

impl Term {
    /// Its hours.
    pub const fn hours(self) -> u32 {
        match self {
            Self::OneYear => 365 * 24,
            Self::ThreeYears => 1_095 * 24,
        }
    }

    /// In months of [`HOURS_PER_MONTH`].
    pub fn months(self) -> Decimal {
        Decimal::from(self.hours()) / HOURS_PER_MONTH
    }

    /// The term with this length in seconds (`termDurationInSeconds`, `durationSeconds`).
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        [Self::OneYear, Self::ThreeYears].into_iter().find(|term| i64::from(term.hours()) * 3_600 == seconds)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneYear => "1 year",
            Self::ThreeYears => "3 years",
        })
    }
}

/// When a plan is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Payment {
    /// By the hour.
    #[default]
    NoUpfront,
    /// Half of it when it is bought, the rest by the hour.
    PartialUpfront,
    /// All of it when it is bought.
    AllUpfront,
}

impl Payment {
    /// The part that is paid when the plan is bought.
    pub fn upfront(self) -> Decimal {
        match self {
            Self::NoUpfront => Decimal::ZERO,
            Self::PartialUpfront => Decimal::new(5, 1),
            Self::AllUpfront => Decimal::ONE,
        }
    }
}

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUpfront => "No Upfront",
            Self::PartialUpfront => "Partial Upfront",
            Self::AllUpfront => "All Upfront",
        })
    }
}

impl FromStr for Payment {
    type Err = ();

    /// As AWS writes it: `No Upfront` or `NO_UPFRONT`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let is = |payment: &Self| payment.to_string().eq_ignore_ascii_case(&text.replace('_', " "));
        [Self::NoUpfront, Self::PartialUpfront, Self::AllUpfront].into_iter().find(is).ok_or(())
    }
}

/// A way to buy a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "its own words")]
pub struct Offer {
    pub term: Term,
    pub payment: Payment,
}

impl Offer {
    /// All six, the one that binds least first.
    pub const ALL: [Self; 6] = {
        const fn of(term: Term, payment: Payment) -> Offer {
            Offer { term, payment }
        }
        [
            of(Term::OneYear, Payment::NoUpfront),
            of(Term::OneYear, Payment::PartialUpfront),
            of(Term::OneYear, Payment::AllUpfront),
            of(Term::ThreeYears, Payment::NoUpfront),
            of(Term::ThreeYears, Payment::PartialUpfront),
            of(Term::ThreeYears, Payment::AllUpfront),
        ]
    };
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.term, self.payment)
    }
}

/// What an hour of a usage type costs, in USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// On demand.
    pub on_demand: Decimal,
    /// At the plan's rate.
    pub savings_plan: Decimal,
}

impl Rate {
    /// The saving, as a part of the on-demand price.
    pub fn discount(&self) -> Decimal {
        Decimal::ONE - self.savings_plan / self.on_demand
    }
}

/// The rates of the usage types that a plan covers. Both rates are more than 0.
pub type Rates = BTreeMap<String, Rate>;
