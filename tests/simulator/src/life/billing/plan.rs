//! The rows of a Savings Plan without an upfront payment, as AWS writes them: covered usage, its negation, and the plan's fee (aws-facts §7.2).

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::civil::Date;
use rust_decimal::{Decimal, dec};
use serde::Deserialize;

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

/// One row of a bill in the columns of the FOCUS specification, with its own (`x_…`) for what FOCUS does not have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Row {
    #[serde(rename = "ChargePeriodStart")]
    pub(super) day: Date,
    sub_account_id: String,
    team: String,
    service_name: String,
    #[serde(rename = "x_RecordType")]
    record_type: String,
    #[serde(rename = "x_UsageType")]
    usage_type: String,
    #[serde(rename = "x_Operation")]
    operation: String,
    pricing_unit: String,
    pricing_quantity: Decimal,
    #[serde(rename = "x_UnblendedCost")]
    unblended: Decimal,
    #[serde(rename = "x_AmortizedCost")]
    amortized: Decimal,
    #[serde(rename = "x_PublicOnDemandCost")]
    on_demand: Decimal,
}

impl Row {
    pub(super) fn amount(&self) -> Amount {
        Amount { usd: self.unblended, amortized: self.amortized, on_demand: self.on_demand, quantity: self.pricing_quantity }
    }

    /// `region`: of its usage. A fee and a tax have none.
    pub(super) fn kind(self, region: &str) -> Kind {
        let is_usage = !self.operation.is_empty();
        let team = Some(self.team).filter(|team| !team.is_empty());
        Kind {
            service: self.service_name,
            usage_type: self.usage_type,
            operation: self.operation,
            region: if is_usage { region.to_owned() } else { String::new() },
            account: self.sub_account_id,
            record_type: self.record_type,
            unit: self.pricing_unit,
            tags: team.into_iter().map(|team| ("Team".to_owned(), team)).collect(),
        }
    }
}

/// The rows of a bill as CSV.
///
/// # Errors
/// It cannot be read; the error names the file and the line.
pub(super) fn read(path: &str) -> anyhow::Result<Vec<Row>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("bill = \"{path}\""))?;
    reader.deserialize().collect::<Result<_, _>>().with_context(|| format!("bill = \"{path}\""))
}
