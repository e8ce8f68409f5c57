//! Bills as files: CSV in the columns of the FOCUS specification.

use anyhow::Context as _;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Amount, Kind};

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
