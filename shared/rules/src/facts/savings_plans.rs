//! Savings Plans that are owned, what could be committed to, and training plans.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    facts::Subject,
    savings_plan::{Advice, ByAws, Offer},
    vocabulary::{price::HOURS_PER_MONTH, resource::Resource},
};

/// What a Savings Plan covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanKind {
    /// `SageMaker`, and nothing else.
    SageMaker,
    /// Something else, as AWS calls it: `Compute`, `EC2Instance`, `Database`.
    Other(String),
}

/// A Savings Plan that is owned: active, or queued until it starts.
#[derive(Clone, Debug)]
pub struct SavingsPlan {
    /// Its id is `savings-plan/<id>`.
    pub resource: Resource,
    /// What it covers.
    pub kind: PlanKind,
    /// Whether it is in force.
    pub is_active: bool,
    /// How it was bought. `None`: not known.
    pub offer: Option<Offer>,
    /// USD per hour.
    pub commitment: Decimal,
    /// When it began, or will.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Until when it can be given back. `None`: it cannot.
    pub returnable_until: Option<Timestamp>,
    /// How it is used. `None`: not known, or not yet: Cost Explorer is up to two days late.
    pub utilisation: Option<Utilisation>,
    /// What `SageMaker` costs on demand in a month although a plan could cover it. `None`: not known.
    pub uncovered_usd_per_month: Option<Decimal>,
    /// Whether a `SageMaker` plan is owned or queued.
    pub has_sagemaker_plan: bool,
    /// Whether another plan is queued that begins when this one ends.
    pub is_followed: bool,
    /// What to renew when it ends, USD per hour: what would be advised without it. `None`: not known.
    pub renewal: Option<Decimal>,
}

/// How a plan is used. USD in these days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utilisation {
    /// How many days these are.
    pub days: u32,
    /// How many hours of them the plan was in force.
    pub hours: Decimal,
    /// The commitment.
    pub committed: Decimal,
    /// The used part of it.
    pub used: Decimal,
    /// What the used part would have cost on demand.
    pub on_demand: Decimal,
}

impl Utilisation {
    /// The used part, 0 to 1.
    pub fn part(&self) -> Decimal {
        if self.committed.is_zero() { Decimal::ONE } else { self.used / self.committed }
    }

    /// The part below which it costs more than it saves. `None`: nothing was used.
    pub fn break_even(&self) -> Option<Decimal> {
        (!self.on_demand.is_zero()).then(|| self.used / self.on_demand)
    }

    /// USD of these days, as USD a month.
    pub fn a_month(&self, usd: Decimal) -> Decimal {
        usd * HOURS_PER_MONTH / self.hours.max(Decimal::ONE)
    }
}

/// What the account could commit to.
#[derive(Clone, Debug)]
pub struct Commitment {
    /// Its id is `savings-plan/sagemaker`.
    pub resource: Resource,
    /// The AWS account that asked. Cost Explorer of an organization's payer tells of all its accounts.
    pub account: Option<String>,
    /// What is advised. `None`: there are no hourly data, or no rates.
    pub advice: Option<Advice>,
    /// Why there is no advice.
    pub why_not: Option<String>,
    /// What AWS recommends.
    pub by_aws: Vec<ByAws>,
    /// The commitment that was mailed, as long as what is advised differs by less than a tenth from it: then nobody needs another mail. USD per hour.
    pub known_as: Decimal,
    /// What was advised a week ago, if no plan was bought since. `None`: nothing was.
    pub advised_before: Option<Advised>,
}

/// What was advised once, for the policy's way to buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Advised {
    /// USD per hour.
    pub commitment: Decimal,
    /// What it was to save, USD a month.
    pub usd_per_month: Decimal,
}

/// Capacity for training that was paid in advance.
#[derive(Clone, Debug)]
pub struct TrainingPlan {
    /// Its id is `training-plan/<name>`.
    pub resource: Resource,
    /// Whether its time has come, and is not over.
    pub is_active: bool,
    /// The instance type, if all of it is of one.
    pub instance_type: Option<String>,
    /// How many instances it has.
    pub instances: u32,
    /// How many of them something uses.
    pub in_use: u32,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// What was paid, USD. `None`: not known, or in another currency.
    pub paid: Option<Decimal>,
    /// When its last training job ended. `None`: there was none, or it is for something else.
    pub last_used: Option<Timestamp>,
}

impl TrainingPlan {
    /// The dollars that are left in it. `None`: not known.
    pub fn left(&self, now: Timestamp) -> Option<Decimal> {
        let seconds = |from: Timestamp, until: Timestamp| Decimal::from(until.as_second().saturating_sub(from.as_second()).max(0));
        let whole = Some(seconds(self.start, self.end)).filter(|whole| !whole.is_zero())?;
        Some(self.paid? * seconds(now.max(self.start), self.end) / whole)
    }
}

macro_rules! subjects {
    ($($subject:ty: $has_guard_tags:literal),+) => {$(
        impl Subject for $subject {
            fn resource(&self) -> &Resource {
                &self.resource
            }
            fn resource_mut(&mut self) -> &mut Resource {
                &mut self.resource
            }
            fn has_guard_tags(&self) -> bool {
                $has_guard_tags
            }
        }
    )+};
}

subjects!(SavingsPlan: false, Commitment: false, TrainingPlan: true);
