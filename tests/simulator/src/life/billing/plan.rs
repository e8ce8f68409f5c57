//! The rows of a Savings Plan without an upfront payment, as AWS writes them: covered usage, its negation, and the plan's fee (aws-facts §7.2).

use std::collections::BTreeMap;

use rust_decimal::{Decimal, dec};

use super::{Amount, Kind};
use crate::estate::PlanSpec;

/// The service of the fee. AWS does not document its name.
const FEE_SERVICE: &str = "Machine Learning Savings Plans";

/// The three rows that replace a row of usage that a plan covers.
pub(super) fn kinds(usage: &Kind) -> [Kind; 3] {
    let of_type = |record_type: &str| Kind { record_type: record_type.into(), ..usage.clone() };
    let fee = Kind {
        service: FEE_SERVICE.into(),
        usage_type: "SageMakerSP:1yrNoUpfront".into(),
        operation: String::new(),
        region: String::new(),
        record_type: "SavingsPlanRecurringFee".into(),
        unit: "Hrs".into(),
        tags: BTreeMap::new(),
        ..usage.clone()
    };
    [of_type("SavingsPlanCoveredUsage"), of_type("SavingsPlanNegation"), fee]
}

/// The amounts of the three rows. `used`: the usage at on-demand prices.
pub(super) fn amounts(used: Amount, plan: &PlanSpec) -> [Amount; 3] {
    let at_the_plans_rate = used.usd * (Decimal::ONE - plan.discount / dec!(100));
    let none = Decimal::ZERO;
    [
        Amount { amortized: at_the_plans_rate, ..used },
        Amount { usd: -used.usd, amortized: none, on_demand: none, quantity: none },
        Amount { usd: at_the_plans_rate + plan.unused, amortized: plan.unused, on_demand: none, quantity: none },
    ]
}
