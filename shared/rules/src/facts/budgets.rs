//! Budgets of AWS Budgets: limits, filters, forecasts, and the rules that a used-up budget enforces.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    facts::subject::Subject,
    vocabulary::{
        period::{Period, TimeUnit},
        price::dollars,
        resource::Resource,
    },
};

/// The limit of a period. Planned limits (by the second since 1970 that they begin) go before: AWS may leave out the other one then.
pub fn limit_of(period: Period, limit: Option<Decimal>, planned: &BTreeMap<i64, Decimal>) -> Option<Decimal> {
    let begins = TimeZone::UTC.to_timestamp(period.from.at(0, 0, 0, 0)).map_or(i64::MAX, Timestamp::as_second);
    planned.range(..=begins).next_back().map(|(_, limit)| *limit).or(limit)
}

/// What part of a limit an amount is, in whole percent, rounded down: what is not all of it is not called so. `None`: of a limit of nothing, or beyond all counting.
pub fn percent_of(amount: Decimal, limit: Decimal) -> Option<Decimal> {
    let hundredfold = amount.checked_mul(Decimal::ONE_HUNDRED).filter(|_| Decimal::ZERO < limit)?;
    hundredfold.checked_div(limit).map(|percent| percent.floor())
}

/// Whether an amount is more than so many percent of a limit.
pub fn is_over(amount: Decimal, limit: Decimal, percent: Decimal) -> bool {
    limit.checked_mul(percent).is_some_and(|bound| bound / Decimal::ONE_HUNDRED < amount)
}

/// An amount in a budget's unit: `$12.00`, `12.5 Hrs`.
pub fn amount(amount: Decimal, unit: &str) -> String {
    if unit == "USD" { dollars(amount) } else { format!("{} {unit}", amount.round_dp(2).normalize()) }
}

/// What a budget counts, as far as it can be told of a day's spend. `None` of a part: it cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// One of these services.
    Service(Vec<String>),
    /// One of these usage types.
    UsageType(Vec<String>),
    /// One of these values of a tag, by its key without `user:`. The empty value: none.
    Tag(String, Vec<String>),
    /// All of these; of none: everything.
    All(Vec<Self>),
    /// Any of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// Charges of a sort, as credits or taxes: of usage all.
    Charges,
    /// Something that a day's spend does not tell, in its own words.
    Unknown(String),
}

impl Filter {
    /// Everything.
    pub const fn everything() -> Self {
        Self::All(vec![])
    }

    pub(crate) fn judge(&self, part: &dyn Fn(&Self) -> Option<bool>) -> Option<bool> {
        let every = |parts: &[Self], wanted: bool| {
            let judged: Vec<Option<bool>> = parts.iter().map(|one| one.judge(part)).collect();
            if judged.contains(&Some(!wanted)) { Some(!wanted) } else { judged.iter().all(|one| *one == Some(wanted)).then_some(wanted) }
        };
        match self {
            Self::All(parts) => every(parts, true),
            Self::Any(parts) => every(parts, false),
            // Usage is never left out by what is said of credits, taxes and the like.
            Self::Not(inner) if **inner == Self::Charges => Some(true),
            Self::Not(inner) => inner.judge(part).map(|judged| !judged),
            one => part(one),
        }
    }

    /// Whether it takes the spend of services and nothing but that.
    pub(crate) fn is_service_alone(&self) -> bool {
        match self {
            Self::Service(_) => true,
            Self::All(parts) => matches!(parts.as_slice(), [one] if one.is_service_alone()),
            _ => false,
        }
    }

    /// The one team whose spend it is, by these tags.
    pub fn team(&self, team_tags: &[String]) -> Option<&str> {
        match self {
            Self::Tag(key, values) if team_tags.contains(key) => match values.as_slice() {
                [one] if !one.is_empty() => Some(one),
                _ => None,
            },
            Self::All(parts) => parts.iter().find_map(|part| part.team(team_tags)),
            Self::Any(parts) if parts.len() == 1 => parts.first()?.team(team_tags),
            _ => None,
        }
    }
}

/// Where a budget is heading by the end of its period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// In the budget's unit.
    pub amount: Decimal,
    /// Between these it lies in four of five cases, where that can be told.
    pub range: Option<(Decimal, Decimal)>,
    /// Whether it is AWS's own; else our run-rate.
    pub by_aws: bool,
}

/// Something that drove a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostDriver {
    /// The usage type, without its Region.
    pub usage: String,
    /// The team; empty: none.
    pub team: String,
    /// USD in this period so far.
    pub now: Decimal,
    /// USD in as many days of the last one; `None`: not known.
    pub before: Option<Decimal>,
}

/// Something that runs on, and is what a budget counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningCost {
    /// `endpoint churn-scorer (1 x ml.m5.xlarge)`
    pub what: String,
    /// The AWS CLI's command that stops it; `None`: there is none that loses nothing.
    pub stop: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// USD per hour; `None`: no price known.
    pub usd_per_hour: Option<Decimal>,
}

/// What a budget's mail says beyond its numbers. Found out by `rules::budgets::explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Insight {
    /// Where it is heading.
    pub forecast: Option<Forecast>,
    /// What drove it, the greatest growth first.
    pub causes: Vec<CostDriver>,
    /// What runs now, the most expensive first: the first few.
    pub burning: Vec<RunningCost>,
    /// Of all that runs and has a price: USD per hour.
    pub running_usd: Decimal,
    /// How much more runs than is named.
    pub more_running: usize,
    /// Whether there may be more, or of a price that is not known: then the sum is the least.
    pub is_least: bool,
    /// The Region in which that was looked at.
    pub region: Option<String>,
    /// Whether all is known that runs.
    pub knows_running: bool,
    /// What the guard does about it, or why it does nothing although the policy asks for it.
    pub measure: Option<String>,
    /// What of its filter was not looked at.
    pub untold: BTreeSet<String>,
}

/// A budget of AWS Budgets (aws-facts §6).
#[derive(Clone, Debug)]
pub struct Budget {
    /// Its id `budget/<name>`, its ARN and its name. Whose: of the policy, or the one team that it counts.
    pub resource: Resource,
    /// Whether it counts money; else hours or gigabytes.
    pub is_cost: bool,
    /// Of all of its amounts: `USD`, `Hrs`.
    pub unit: String,
    /// The present period; `None`: it has not begun, or is over.
    pub period: Option<Period>,
    /// The limit of that period; `None`: not known.
    pub limit: Option<Decimal>,
    /// What was spent in it, as AWS knows it; `None`: it does not yet.
    pub actual: Option<Decimal>,
    /// What AWS forecasts for its end; `None`: it has too little history.
    pub forecast: Option<Decimal>,
    /// Of what it counts.
    pub filter: Filter,
    /// At how many percent of the limit its owner wishes to be told of what was spent.
    pub thresholds: Vec<Decimal>,
    /// The same for what is forecast.
    pub forecast_thresholds: Vec<Decimal>,
    /// Whether its notifications, and with them its own thresholds, could not be read.
    pub unread_thresholds: bool,
    /// Why AWS does not update it, if it does not.
    pub unhealthy: Option<String>,
    /// What was budgeted for the period before, and what was spent then.
    pub last: Option<(Decimal, Decimal)>,
    /// What its mail says beyond its numbers.
    pub insight: Insight,
}

impl Budget {
    /// What is spent in the present period. AWS looks at the bill some times a day, and does not say when it did: when a period begins, what it tells is the last one's.
    pub fn spent(&self, now: Timestamp) -> Option<Decimal> {
        let period = self.period?;
        let known_from =
            period.begin() + if period.unit == TimeUnit::Daily { SignedDuration::from_hours(36) } else { SignedDuration::from_hours(24) };
        self.actual.filter(|_| known_from <= now)
    }
}

/// What the guard does when a budget is used up, until its period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnExceed {
    /// Both off-hours rules are enforced for its team.
    EnforceOffHours,
    /// What of its team is tagged `cost-guard:stoppable = yes` is stopped after a grace.
    StopStoppable,
}

impl OnExceed {
    /// The rules that are enforced then.
    pub const fn rules(self) -> &'static [&'static str] {
        match self {
            Self::EnforceOffHours => &["notebook-off-hours", "studio-app-off-hours"],
            Self::StopStoppable => &["stoppable-over-budget"],
        }
    }
}

/// Rules that are enforced because a budget is used up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BudgetMeasure {
    /// The budget's name.
    pub budget: String,
    /// For whom; `None`: for everybody.
    pub team: Option<String>,
    /// What is done.
    pub what: OnExceed,
    /// When the budget's period ends, and this with it.
    pub until: Timestamp,
}

impl BudgetMeasure {
    /// Whether it is for a resource of this team.
    pub fn is_for(&self, team: Option<&str>) -> bool {
        self.team.is_none() || self.team.as_deref() == team
    }
}

impl Subject for Budget {
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
