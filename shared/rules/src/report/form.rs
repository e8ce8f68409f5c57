//! The form of the report: its numbers and names, as JSON has them ([`super::words`] says them to people).

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    report::{Hours, Money, ReportPeriod},
    savings_plan::Offered,
    vocabulary::{component::Component, currency::Currency, period::day_of},
};

/// A report on one period: of the account, or of one team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CostReport {
    /// The account whose bill it is: twelve digits.
    pub account: String,
    /// The Region of the guard that made it. The bill is of all Regions.
    pub region: String,
    /// When it was made.
    #[schemars(with = "String")]
    pub made: Timestamp,
    /// The currency of all its amounts. Fields that are called `usd` are in it, too.
    #[serde(default)]
    pub currency: Currency,
    /// Its period.
    pub period: ReportPeriod,
    /// The team whose numbers it has. Absent: all teams.
    pub team: Option<String>,
    /// What was spent in the period, and in the one before.
    pub spent: Change,
    /// Why it is not compared with the period before, for people. Absent: it is, or days of the period itself are missing.
    #[serde(default)]
    pub not_compared: Option<String>,
    /// The month in which the period ends.
    pub month: Month,
    /// Why it is more or less than before: the largest differences first, at most five. If the period before has fewer or more days, each is
    /// compared with as many average days of it.
    pub causes: Vec<Cause>,
    /// What the guard did in the period, and what that saved.
    pub guard: GuardsWork,
    /// What needs a decision when the report is made: exceeded budgets first, then the most expensive.
    pub decisions: Vec<Decision>,
    /// How many more need one and are not listed.
    pub more_decisions: usize,
    /// What all of them cost in USD per month, the listed and the others. Absent: not known of any.
    #[serde(default)]
    pub decisions_usd_per_month: Option<Money>,
    /// The cost of each day.
    pub trend: Trend,
    /// What was spent by component, the highest first.
    pub components: Vec<ComponentLine>,
    /// What was spent by team, the highest first. The one without a team is `untagged`.
    pub teams: Vec<Line>,
    /// What was spent by account, the highest first. Empty: it is not known, or this is a team's report.
    pub accounts: Vec<Line>,
    /// What was spent by instance type, the highest first.
    pub instance_types: Vec<InstanceType>,
    /// Managed Spot's part of training.
    pub spot: Spot,
    /// What Savings Plans cover.
    pub savings_plans: SavingsPlans,
    /// The most expensive resources.
    pub resources: Resources,
    /// The endpoints that sleep when the report is made.
    pub sleeping: Vec<Sleeping>,
    /// What is exempt when the report is made, and until when.
    pub exemptions: Vec<Exemption>,
    /// Endpoints that would cost less served another way.
    pub inference: Vec<Advice>,
    /// How all this is known, and what it leaves out.
    pub method: Method,
}

impl CostReport {
    /// The JSON Schema of its JSON.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// What was spent in a period and in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// USD in the period.
    pub usd: Money,
    /// USD in the period before. Absent: the two cannot be compared. Days of one are not on the bill, its charges are not known, or only one of them has teams.
    pub before: Option<Money>,
}

impl Change {
    /// The difference in USD. `None`: nothing is known of the period before.
    pub fn difference(&self) -> Option<Money> {
        Some(Money(self.usd.0 - self.before?.0))
    }

    /// The same by the day: compared with what as many days of the period before came to.
    #[must_use]
    pub fn by_days_of(&self, period: ReportPeriod) -> Self {
        Self { before: self.before.map(|before| Money(period.in_its_days(before.0))), ..*self }
    }

    /// The difference by the day, in whole percent of the period before. `None`: nothing was spent before, or it is not known.
    pub fn percent(&self, period: ReportPeriod) -> Option<i64> {
        let by_day = self.by_days_of(period);
        let before = by_day.before?.0;
        (Decimal::ZERO < before).then(|| (by_day.difference()?.0 * Decimal::ONE_HUNDRED / before).round().to_i64())?
    }
}

/// The month in which the period ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Month {
    /// `November 2026`
    pub name: String,
    /// USD from its first day to the end of the period.
    pub usd: Money,
    /// Days until the end of the period that are not on the bill: `usd` lacks them.
    #[serde(default)]
    pub missing_days: usize,
    /// Whether it was over when the report was made.
    #[serde(default)]
    pub is_over: bool,
    /// AWS's forecast of the whole month. Absent: the month is over, or AWS has too little history.
    pub forecast: Option<Forecast>,
    /// The month's budgets that count SageMaker, those that are used most first.
    pub budgets: Vec<Budget>,
    /// Whether budget-alerter has read no budgets of this month. Then nobody knows here whether there are any.
    #[serde(default)]
    pub lacks_budgets: bool,
}

/// AWS's forecast of a whole month in USD: between `low` and `high` with a probability of 80 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "its own words")]
pub struct Forecast {
    pub usd: Money,
    pub low: Money,
    pub high: Money,
    /// Days before AWS's forecast begins that are not on the bill: all three lack them.
    #[serde(default)]
    pub missing_days: usize,
}

/// A monthly budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// Its limit in USD.
    pub limit: Money,
    /// USD spent of it. It may count more than SageMaker.
    pub spent: Money,
    /// AWS's forecast of it in USD. Absent: there is none, or the month is over.
    pub forecast: Option<Money>,
    /// The UTC day on which budget-alerter read these amounts. Absent: not known.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Date>,
    /// Whether `spent` is what the final bill has, and not what budget-alerter read.
    #[serde(default)]
    pub by_bill: bool,
    /// Why it does not watch the spend, for people: `it filters by Team$nlp, which no spend has`. Absent: it does, as far as is known.
    #[serde(default)]
    pub unhealthy: Option<String>,
}

impl Budget {
    /// Whether all of it is spent.
    pub fn is_used_up(&self) -> bool {
        Self::is_all(self.spent.0, self.limit.0)
    }

    /// Whether what is spent is all of a limit. A limit of 0 is kept as long as nothing is spent.
    pub(crate) fn is_all(spent: Decimal, limit: Decimal) -> bool {
        Decimal::ZERO < spent && limit <= spent
    }

    /// The day when it was read, if that was before a time's day.
    pub fn remembered(&self, now: Timestamp) -> Option<Date> {
        self.as_of.filter(|day| *day < day_of(now))
    }

    /// How much of it is spent.
    pub(crate) fn used(&self) -> Decimal {
        let of_nothing = if self.is_used_up() { Decimal::MAX } else { Decimal::ZERO };
        self.spent.0.checked_div(self.limit.0).unwrap_or(of_nothing)
    }
}

/// One of the largest differences to the period before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Cause {
    /// The component.
    pub component: Component,
    /// The instance type, or else the usage type without its Region; `several types`: small differences of several.
    pub what: String,
    /// The team; `untagged`: none; `several teams`: small differences of several; `all teams`: the teams of the two periods cannot be compared.
    pub team: String,
    /// USD more than before; negative: less.
    pub difference: Money,
    /// On how many of the period's days it cost something. Absent: not known.
    #[serde(default)]
    pub days: Option<usize>,
    /// The day on which nearly all of the difference was. Absent: there is no such day.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub mostly_on: Option<Date>,
    /// The last day on which it cost more than before, if more than three days of the period follow. Absent: it goes on, as far as is known, or it is less than before.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
    /// Hours of instances in the period. Absent: not known, or it is not by instance.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// What the guard found in the period that is of this component, instance type and team, the most expensive first, at most three. The bill does not say of which
    /// resource a cost is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    /// How many more were found.
    #[serde(default)]
    pub more_found: usize,
}

/// A resource that the guard found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    /// Its kind and name: `notebook instance churn`.
    pub what: String,
    /// Its owner; `unowned`: not known.
    pub owner: String,
    /// What became of it until the report was made.
    pub became: Became,
}

/// What became of a resource that the guard found. Days are those of the policy's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It needs a decision, and is among these.
    Open,
    /// Its owner keeps it.
    Kept,
    /// The guard stopped it, last on this day.
    StoppedByGuard(#[schemars(with = "String")] Date),
    /// Its owner stopped it, last on this day.
    StoppedByOwner(#[schemars(with = "String")] Date),
    /// It is not found any more since this day.
    Gone(#[schemars(with = "String")] Date),
}

/// What the guard did in the period, what that saved, and what the guard cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GuardsWork {
    /// What was done, in words (`notebook instances stopped`), and how often.
    pub did: Vec<Did>,
    /// USD saved in the period, as it was estimated.
    pub estimated: Money,
    /// USD of it that the bill confirms.
    pub realised: Money,
    /// USD of it that nothing is known of yet: the days after are not on the bill, AWS may still correct them, or days before could not be read.
    pub open: Money,
    /// By component and team, the highest estimate first.
    pub savings: Vec<Savings>,
    /// USD that the guard's requests to Cost Explorer cost in the period.
    pub own_cost: Money,
}

/// Something that the guard or an owner did, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "its own words")]
pub struct Did {
    pub what: String,
    pub times: usize,
}

/// What was saved on one component of one team: estimated, and held against the bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Savings {
    /// The component.
    pub component: Component,
    /// The team; `untagged`: none.
    pub team: String,
    /// How many stops or other savings these are.
    pub times: usize,
    /// USD in the period, as it was estimated.
    pub estimated: Money,
    /// USD of it that the bill confirms. Absent: not known.
    pub realised: Option<Money>,
    /// What the bill says, for people: its average cost a day before and since, with the days that these are of.
    pub why: String,
}

/// Something that needs a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Decision {
    /// What it is about: `notebook instance churn`.
    pub what: String,
    /// Its owner; `unowned`: not known.
    pub owner: String,
    /// Its team; `untagged`: none.
    pub team: String,
    /// Why, in words.
    pub why: String,
    /// What it costs in USD per month. Absent: not known.
    pub usd_per_month: Option<Money>,
    /// What happens without a decision, or until when one can be made.
    pub next: String,
    /// What can be done.
    pub to_do: String,
}

/// The cost of each day by component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Trend {
    /// The days, in order and without gaps, UTC.
    #[schemars(with = "Vec<String>")]
    pub days: Vec<Date>,
    /// USD of each of these days by component, the highest first. The values are as many as the days.
    pub components: Vec<Series>,
    /// Those of the days that are not on the bill. Their USD is 0.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub missing: Vec<Date>,
    /// The first day that AWS may still correct. Absent: all are final.
    #[schemars(with = "Option<String>")]
    pub estimated_from: Option<Date>,
    /// USD a day by AWS's forecast, for the rest of the month.
    pub forecast_per_day: Option<Money>,
    /// The last day of the forecast.
    #[schemars(with = "Option<String>")]
    pub forecast_until: Option<Date>,
    /// USD a day that the month's lowest budget of SageMaker alone allows. Absent: there is none.
    pub budget_per_day: Option<Money>,
    /// The name of that budget.
    #[serde(default)]
    pub budget: Option<String>,
}

/// USD of each day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "its own words")]
pub struct Series {
    pub component: Component,
    pub usd: Vec<Money>,
}

/// What one team or account spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// Its name.
    pub name: String,
    /// What it spent.
    pub spent: Change,
}

/// What one component cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ComponentLine {
    /// The component.
    pub component: Component,
    /// What it cost.
    pub spent: Change,
    /// Its usage types without their Region, with their USD, the highest first. Only of components that hide something: `other` and HyperPod.
    pub usage_types: BTreeMap<String, Money>,
}

/// What instances of one type cost in one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct InstanceType {
    /// The component.
    pub component: Component,
    /// `ml.g5.xlarge`
    pub instance_type: String,
    /// USD.
    pub usd: Money,
    /// Hours of instances. 0 beside a cost: they are not known.
    pub hours: Hours,
    /// USD an hour: the amortized cost by the hours. Absent: no hours or no cost are on the bill.
    pub usd_per_hour: Option<Money>,
}

/// Managed Spot's part of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Spot {
    /// USD of training on Spot.
    pub usd: Money,
    /// Instance-hours of it.
    pub hours: Hours,
    /// USD of training on demand.
    pub on_demand_usd: Money,
    /// Instance-hours of it.
    pub on_demand_hours: Hours,
    /// USD that Spot saved on the jobs that ended in the period. Absent: not known.
    pub saved: Option<Money>,
}

/// What SageMaker Savings Plans cover.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SavingsPlans {
    /// USD of use that plans cover, at the plans' rates.
    pub covered: Money,
    /// USD that the same use would cost on demand.
    pub covered_on_demand: Money,
    /// USD of the commitment that nobody used. Absent: no fee of a plan is on this bill. Another account may own the plan that covers use here.
    pub unused: Option<Money>,
    /// USD of use at on-demand prices that a plan can cover. It may be use of one day only.
    pub not_covered: Money,
    /// USD of it on the cheapest day of the period. Absent: a plan is on the bill, so that the days do not show what is at on-demand prices; or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_covered_least: Option<Money>,
    /// USD of use that no plan covers: training on Spot, serverless endpoints, storage, data and labelling.
    #[serde(default)]
    pub never_covered: Money,
    /// USD of use of which it is not sure: Canvas, asynchronous endpoints, HyperPod and other.
    #[serde(default)]
    pub not_sure: Money,
    /// Whether a plan is on the bill: it covers use, or its fee is there.
    pub is_owned: bool,
    /// What savings-plan-advisor advises. Absent: it does not know, or it is a team's report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<PlanAdvice>,
}

/// What savings-plan-advisor advises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlanAdvice {
    /// How the plan is bought: `1 year, No Upfront`.
    pub offer: String,
    /// The day when it was worked out.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Date>,
    /// The commitment, USD per hour. 0: do not buy.
    pub commitment: Money,
    /// What it saves, USD a month.
    pub saves: Money,
    /// What would be the best commitment with all waste in the use, USD per hour.
    pub with_waste: Money,
    /// The same without the waste. It is more than `commitment` if the two months before carry less.
    #[serde(default)]
    pub without_waste: Money,
    /// What AWS recommends, USD per hour. Absent: nothing.
    pub by_aws: Option<Money>,
    /// What commitments cost: USD per hour, and USD a month.
    pub curve: Vec<(Money, Money)>,
}

impl PlanAdvice {
    /// The advice for one way to buy a plan.
    pub fn of(offered: &Offered, as_of: Date) -> Self {
        Self {
            as_of: Some(as_of),
            offer: offered.offer.to_string(),
            commitment: Money(offered.commitment),
            saves: Money(offered.usd_per_month),
            with_waste: Money(offered.with_waste.commitment),
            without_waste: Money(offered.by_hours()),
            by_aws: offered.by_aws.as_ref().map(|aws| Money(aws.commitment)),
            curve: offered.curve.iter().map(|(commitment, usd)| (Money(*commitment), Money(*usd))).collect(),
        }
    }
}

/// The most expensive resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Resources {
    /// How their costs are known, for people.
    pub how: String,
    /// At most ten, the most expensive first.
    pub lines: Vec<ResourceLine>,
}

/// What one resource costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ResourceLine {
    /// Its kind and name: `endpoint churn`.
    pub what: String,
    /// Its owner; `unowned`: not known.
    pub owner: String,
    /// USD, as `how` says.
    pub usd: Money,
}

/// An endpoint that sleeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Sleeping {
    /// Its name.
    pub name: String,
    /// Its owner; `unowned`: not known.
    pub owner: String,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Date,
    /// USD saved so far. Absent: no price is known.
    pub saved: Option<Money>,
    /// The command that wakes it.
    pub wake: String,
}

/// Something that is exempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Exemption {
    /// What: a resource, or the match of an `[[exempt]]` section.
    pub what: String,
    /// Its owner; `policy`: an `[[exempt]]` section.
    pub owner: String,
    /// The last day. Absent: it has no end.
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
    /// What it costs in USD per month. Absent: not known.
    pub usd_per_month: Option<Money>,
}

/// An endpoint, or a group of them, that would cost less served another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Advice {
    /// The endpoint's name.
    pub name: String,
    /// Its owner; `unowned`: not known.
    pub owner: String,
    /// The way, in words: `serverless`.
    pub way: String,
    /// What it would save in USD per month. Absent: not known.
    pub saves: Option<Money>,
}

/// How the report's numbers are known, and what they leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Method {
    /// The invoice's view of the period: unblended cost of all charge types, by charge type.
    pub charge_types: Vec<ChargeType>,
    /// Whether the charges of some days are not known, or do not add up to these days. Then accounts, charge types and what plans cover are left out.
    #[serde(default)]
    pub lacks_charges: bool,
    /// Days of the period that AWS may still correct.
    pub estimated_days: usize,
    /// Days of the period that are not on the bill yet, or not read.
    pub missing_days: usize,
    /// How many requests to Cost Explorer the guard made in the period, at 0.01 USD each.
    pub requests: u64,
    /// How many requests the reading for this report took, after the period.
    #[serde(default)]
    pub requests_for_this: u64,
    /// USD that these cost.
    #[serde(default)]
    pub cost_of_this: Money,
    /// What could not be read, each with its reason.
    pub unread: Vec<String>,
    /// What the guard's functions could not read on the last day before the report: what is listed of theirs may lack something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<Unchecked>,
    /// What a reader must know about this bill: a reseller's view, a member account, a tag that is not active.
    pub notes: Vec<String>,
}

/// What a function of the guard could not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Unchecked {
    /// The function: `inference-advisor`.
    pub function: String,
    /// What it could not read, and why, for people.
    pub why: String,
}

/// What one type of charge comes to in the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ChargeType {
    /// AWS's `RECORD_TYPE`.
    pub name: String,
    /// USD on the invoice (unblended).
    pub billed: Money,
    /// USD by use (amortized).
    pub amortized: Money,
    /// Whether the report's sums have it: credits, refunds and tax are left out.
    pub is_counted: bool,
}
