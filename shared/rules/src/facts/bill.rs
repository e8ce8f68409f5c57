//! What the account spends, and which tag keys are activated for billing.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{budgets::RunningCost, subject::Subject},
    vocabulary::{period::days_between, resource::Resource},
};

/// AWS's forecast of what `SageMaker` will cost from one day to another, in USD. It is between `low` and `high` with a probability of 80 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "its own words")]
pub struct ServiceForecast {
    pub from: Date,
    pub until: Date,
    pub usd: Decimal,
    pub low: Decimal,
    pub high: Decimal,
}

impl ServiceForecast {
    /// What of it is left on a day: the same for each of the days.
    #[must_use]
    pub fn left_on(self, day: Date) -> Self {
        let from = day.clamp(self.from, self.until);
        let part = Decimal::from(days_between(from, self.until)) / Decimal::from(days_between(self.from, self.until).max(1));
        Self { from, until: self.until, usd: self.usd * part, low: self.low * part, high: self.high * part }
    }
}

/// A required tag key: whether it is activated for billing, and the spend with and without it.
#[derive(Clone, Debug)]
pub struct TagKey {
    /// Its id is `tag-key/<key>`, its name is the key.
    pub resource: Resource,
    /// Whether it is activated for billing. `None`: not known, or not read in this run.
    pub status: Option<TagKeyStatus>,
    /// The spend with and without it. `None`: not read in this run.
    pub spend: Option<TagSpend>,
}

/// `CostAllocationTag.Status`, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKeyStatus {
    /// It is a cost allocation tag.
    Active,
    /// It can be activated.
    Inactive,
    /// AWS does not list it: nothing that is billed ever had it, or only since less than a day.
    NeverSeen,
    /// Not known: only the payer account of the organization may read it.
    NotThePayer,
}

/// What was spent on SageMaker in a number of days, with a tag and without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSpend {
    /// The tag's keys. Any of them counts.
    pub keys: Vec<String>,
    /// The number of days.
    pub days: u32,
    /// USD with and without a value for the key, by usage type without its Region prefix.
    pub by_usage: BTreeMap<String, Split>,
    /// The same by team. The empty team: spend without a team.
    pub by_team: BTreeMap<String, Split>,
}

impl TagSpend {
    /// The sum of all usage types.
    pub fn all(&self) -> Split {
        self.by_usage
            .values()
            .fold(Split::default(), |sum, one| Split { tagged: sum.tagged + one.tagged, untagged: sum.untagged + one.untagged })
    }
}

/// USD with and without a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "its own words")]
pub struct Split {
    pub tagged: Decimal,
    pub untagged: Decimal,
}

impl Split {
    /// The sum of both.
    pub fn total(&self) -> Decimal {
        self.tagged + self.untagged
    }
}

/// What the account spends on `SageMaker` in all Regions, from Cost Explorer.
#[derive(Clone, Debug)]
pub struct Spend {
    /// Its id is `spend/sagemaker`.
    pub resource: Resource,
    /// The rows of each UTC day that is over and known.
    pub days: BTreeMap<Date, Vec<DailySpend>>,
    /// What each type of charge came to on each of these days, by account. A day is missing if it could not be read.
    pub charges: BTreeMap<Date, Vec<Charge>>,
    /// The first day that AWS may still correct: this one and all later ones are estimated.
    pub estimated_from: Date,
    /// What AWS Cost Anomaly Detection found. `None`: it could not be read.
    pub anomalies: Option<Vec<Anomaly>>,
    /// AWS's forecast for the rest of this month. `None`: there is too little history, or it could not be read.
    pub ahead: Option<ServiceForecast>,
    /// The spend of the last 30 days that no budget counts, in USD by team, the highest first. `None`: not known.
    pub uncovered: Option<Vec<(String, Decimal)>>,
    /// What runs now in the guard's Region. `None`: not read.
    pub running: Option<Running>,
}

/// What runs now in the guard's Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// The most expensive first.
    pub all: Vec<RunningCost>,
    /// Its Region. `None`: nothing runs.
    pub region: Option<String>,
}

impl Spend {
    /// The last day that the bill has. Days without any cost at the end are not on it yet: Cost Explorer lags.
    pub fn last_day(&self) -> Option<Date> {
        self.days.iter().rev().find(|(_, rows)| !rows.is_empty()).map(|(day, _)| *day)
    }

    /// USD of each day, of the rows for which `taken` is true. Days without such rows are included.
    pub fn daily(&self, taken: &dyn Fn(&DailySpend) -> bool) -> BTreeMap<Date, Decimal> {
        self.days.iter().map(|(day, rows)| (*day, rows.iter().filter(|row| taken(row)).map(|row| row.usd).sum())).collect()
    }
}

/// What one usage type cost one team on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailySpend {
    /// The usage type without its Region prefix: `Host:ml.g5.xlarge`.
    #[serde(rename = "u")]
    pub usage: String,
    /// The value of the first of the policy's team tags. Empty: no value.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// USD: the amortized cost.
    #[serde(rename = "c")]
    pub usd: Decimal,
    /// USD on the invoice: the unblended cost, with what takes back the cost of use that a Savings Plan covers. `None`: the same as `usd`.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub billed: Option<Decimal>,
    /// How much was used, in the unit of its component ([`crate::vocabulary::component::Component::unit`]).
    #[serde(rename = "q", default, skip_serializing_if = "Decimal::is_zero")]
    pub quantity: Decimal,
}

/// What one type of charge came to in one account on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The account: twelve digits.
    #[serde(rename = "a")]
    pub account: String,
    /// AWS's `RECORD_TYPE`: `Usage`, `Credit`, `SavingsPlanCoveredUsage`, …
    #[serde(rename = "r")]
    pub record_type: String,
    /// USD: the amortized cost.
    #[serde(rename = "c")]
    pub usd: Decimal,
    /// USD on the invoice: the unblended cost.
    #[serde(rename = "b")]
    pub billed: Decimal,
}

/// Charges that are not the cost of any use, by their `RECORD_TYPE`. All others are, whatever they are called: discounts make use cheaper.
pub const NO_USE: [&str; 3] = ["Credit", "Refund", "Tax"];

impl DailySpend {
    /// USD on the invoice.
    pub fn on_the_invoice(&self) -> Decimal {
        self.billed.unwrap_or(self.usd)
    }
}

impl Charge {
    /// Whether it is the cost of use.
    pub fn is_of_use(&self) -> bool {
        !NO_USE.contains(&self.record_type.as_str())
    }
}

/// An anomaly that AWS Cost Anomaly Detection found (aws-facts §7.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Its first day.
    pub from: Date,
    /// Its last day. `None`: it has not ended.
    pub until: Option<Date>,
    /// The expected spend in USD.
    pub expected: Decimal,
    /// The actual spend in USD.
    pub actual: Decimal,
    /// The usage types that caused it, with their USD.
    pub causes: Vec<(String, Decimal)>,
}

impl Subject for TagKey {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn has_guard_tags(&self) -> bool {
        false
    }
}

impl Subject for Spend {
    fn resource(&self) -> &Resource {
        &self.resource
    }
    fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
    fn has_guard_tags(&self) -> bool {
        false
    }
}
