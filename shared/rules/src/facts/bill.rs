//! What the account spends, and how the bill knows its tags.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{facts::subject::Subject, vocabulary::resource::Resource};

/// AWS's forecast of what `SageMaker` will cost from one day to another, in USD. Between the last two it lies in four of five cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "its own words")]
pub struct ServiceForecast {
    pub from: Date,
    pub until: Date,
    pub usd: Decimal,
    pub low: Decimal,
    pub high: Decimal,
}

/// A required tag key, as the account's bill knows it.
#[derive(Clone, Debug)]
pub struct TagKey {
    /// Its id `tag-key/<key>` and its name, which is the key.
    pub resource: Resource,
    /// Whether the bill is told by it. `None`: not known, or not asked for in this run.
    pub status: Option<TagKeyStatus>,
    /// What was spent with and without it. `None`: not asked for in this run.
    pub spend: Option<TagSpend>,
}

/// `CostAllocationTag.Status`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKeyStatus {
    /// It is a cost allocation tag.
    Active,
    /// It could be one.
    Inactive,
    /// Nothing that costs ever had it, or less than a day ago.
    NeverSeen,
    /// This account may not ask: it is not the payer of its organization.
    NotThePayer,
}

/// What was spent on SageMaker in a number of days, with a tag and without.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagSpend {
    /// The tag's keys, any of which will do.
    pub keys: Vec<String>,
    /// How many days.
    pub days: u32,
    /// By usage type, without the Region's prefix: what has a value for the key, and what has none. USD.
    pub by_usage: BTreeMap<String, Split>,
    /// By team, the same; the empty team: of none.
    pub by_team: BTreeMap<String, Split>,
}

impl TagSpend {
    /// All of it.
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
    /// Both.
    pub fn total(&self) -> Decimal {
        self.tagged + self.untagged
    }
}

/// What the account spends on `SageMaker`, in all Regions, by Cost Explorer.
#[derive(Clone, Debug)]
pub struct Spend {
    /// Its id `spend/sagemaker`.
    pub resource: Resource,
    /// By UTC day, all that are over and known.
    pub days: BTreeMap<Date, Vec<DailySpend>>,
    /// What AWS's own anomaly detection found; `None`: it could not be read.
    pub anomalies: Option<Vec<Anomaly>>,
    /// AWS's forecast for the rest of this month; `None`: it has too little history, or could not be read.
    pub ahead: Option<ServiceForecast>,
    /// What no budget counts, in the last 30 days: by team, the most expensive first. `None`: not known.
    pub uncovered: Option<Vec<(String, Decimal)>>,
}

impl Spend {
    /// USD of each day, of what is taken. A day without any is there too.
    pub fn daily(&self, taken: &dyn Fn(&DailySpend) -> bool) -> BTreeMap<Date, Decimal> {
        self.days.iter().map(|(day, rows)| (*day, rows.iter().filter(|row| taken(row)).map(|row| row.usd).sum())).collect()
    }
}

/// What one usage type cost one team on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailySpend {
    /// The usage type, without its Region: `Host:ml.g5.xlarge`.
    #[serde(rename = "u")]
    pub usage: String,
    /// The value of the first of the policy's team tags; empty: none.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// USD.
    #[serde(rename = "c")]
    pub usd: Decimal,
}

/// An anomaly that AWS's own detection found (aws-facts §7.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Its first day.
    pub from: Date,
    /// Its last day; `None`: it goes on.
    pub until: Option<Date>,
    /// USD that were expected.
    pub expected: Decimal,
    /// USD that were spent.
    pub actual: Decimal,
    /// The usage types that it is put down to, with their USD.
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
