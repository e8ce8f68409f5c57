//! Budgets of AWS Budgets: limits, filters, forecasts, and the rules that are enforced when a budget is used up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::{
    facts::subject::Subject,
    vocabulary::{
        currency::Currency,
        period::{Period, TimeUnit},
        price::dollars,
        resource::{Kind, Resource},
        text::is_alike,
        timed_text::TimedText,
    },
};

/// The limit of a period. Planned limits (by their start, in seconds since 1970) have precedence, because AWS may leave out `limit` if there are any.
pub fn limit_of(period: Period, limit: Option<Decimal>, planned: &BTreeMap<i64, Decimal>) -> Option<Decimal> {
    let begins = TimeZone::UTC.to_timestamp(period.from.at(0, 0, 0, 0)).map_or(i64::MAX, Timestamp::as_second);
    planned.range(..=begins).next_back().map(|(_, limit)| *limit).or(limit)
}

/// An amount in whole percent of a limit, rounded. What is below the limit or below one of these thresholds in percent is never shown as having reached it: it is
/// cut. `None`: the limit is not positive, or the calculation overflows.
pub fn percent_of(amount: Decimal, limit: Decimal, thresholds: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    let hundredfold = amount.checked_mul(Decimal::ONE_HUNDRED).filter(|_| Decimal::ZERO < limit)?;
    let exact = hundredfold.checked_div(limit)?;
    let rounded = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    let seems_reached = |one: Decimal| exact < one && one <= rounded;
    let is_cut = seems_reached(Decimal::ONE_HUNDRED) || thresholds.into_iter().any(seems_reached);
    Some(if is_cut { exact.floor() } else { rounded })
}

/// Whether an amount is more than `percent` percent of a limit.
pub fn is_over(amount: Decimal, limit: Decimal, percent: Decimal) -> bool {
    limit.checked_mul(percent).is_some_and(|bound| bound / Decimal::ONE_HUNDRED < amount)
}

/// An amount in a budget's unit: `$12.00`, `12.5 Hrs`.
pub fn amount(amount: Decimal, unit: &str) -> String {
    if Currency::of_account().is(unit) { dollars(amount) } else { format!("{} {unit}", amount.round_dp(2).normalize()) }
}

/// How a budget compares names (`MatchOptions`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Where in the name the text must be.
    pub at: At,
    /// Whether small and capital letters are the same.
    pub ignores_case: bool,
}

/// A place in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// All of it.
    Whole,
    /// Its beginning.
    Start,
    /// Its end.
    End,
    /// Anywhere.
    Anywhere,
}

impl Likeness {
    /// Whether a name is like a text.
    pub(crate) fn is_met(self, name: &str, text: &str) -> bool {
        let spelt = |one: &str| if self.ignores_case { one.to_lowercase() } else { one.to_owned() };
        let (name, text) = (spelt(name), spelt(text));
        match self.at {
            At::Whole => name == text,
            At::Start => name.starts_with(&text),
            At::End => name.ends_with(&text),
            At::Anywhere => name.contains(&text),
        }
    }
}

/// How much of the spend on `SageMaker` a part of a filter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// All of it.
    All,
    /// Some of it.
    Part,
    /// Nothing.
    Nothing,
    /// Not known.
    Unknown,
}

/// What a budget counts. Whether it counts a row of the daily spend may be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// One of these services.
    Service(Vec<String>),
    /// A service whose name is like one of these.
    ServiceLike(Vec<String>, Likeness),
    /// One of these usage types.
    UsageType(Vec<String>),
    /// One of these instance types.
    InstanceType(Vec<String>),
    /// Accounts, Regions or zones: their name for people, and whether the guard's own is among them.
    Place(String, bool),
    /// One of these values of a tag. The key has no prefix `user:`. The empty value: the tag is missing.
    Tag(String, Vec<String>),
    /// All of these. Empty: everything.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// One of these types of charges (`RECORD_TYPE`), such as `Usage`, `Credit` or `Tax`.
    Charges(Vec<String>),
    /// Something that the daily spend does not show, with its name for people.
    Unknown(String),
}

impl Filter {
    /// A filter that counts everything.
    pub const fn everything() -> Self {
        Self::All(vec![])
    }

    /// Whether it counts something that is charged as usage. `part` decides this for the parts that have no other filter in them. `None`: unknown.
    pub(crate) fn judge(&self, part: &dyn Fn(&Self) -> Option<bool>) -> Option<bool> {
        self.judge_charged(&counts_usage, part)
    }

    /// The same for what is charged otherwise. `charges` decides whether these types of charges include it.
    pub(crate) fn judge_charged(&self, charges: &dyn Fn(&[String]) -> Option<bool>, part: &dyn Fn(&Self) -> Option<bool>) -> Option<bool> {
        let every = |parts: &[Self], wanted: bool| {
            let judged: Vec<Option<bool>> = parts.iter().map(|one| one.judge_charged(charges, part)).collect();
            if judged.contains(&Some(!wanted)) { Some(!wanted) } else { judged.iter().all(|one| *one == Some(wanted)).then_some(wanted) }
        };
        match self {
            Self::All(parts) => every(parts, true),
            Self::Any(parts) => every(parts, false),
            Self::Not(inner) => inner.judge_charged(charges, part).map(|judged| !judged),
            Self::Charges(types) => charges(types),
            one => part(one),
        }
    }

    /// Whether it certainly leaves out this type of charge.
    pub(crate) fn leaves_out(&self, charge: &str) -> bool {
        self.judge_charged(&|types| Some(has_charge(types, charge)), &|_| None) == Some(false)
    }

    /// Whether it counts anything, if its parts that have no other filter in them count these shares. `None`: unknown.
    pub(crate) fn counts_any(&self, share: &dyn Fn(&Self) -> Share) -> Option<bool> {
        let judged = |partly: Option<bool>| {
            self.judge(&|part| match share(part) {
                Share::All => Some(true),
                Share::Part => partly,
                Share::Nothing => Some(false),
                Share::Unknown => None,
            })
        };
        // What a part counts and what it does not count are both there, so that one of them is enough.
        if [true, false].into_iter().any(|partly| judged(Some(partly)) == Some(true)) { Some(true) } else { judged(None) }
    }

    /// Whether it counts nothing of the guard's own account and Region. `false` if it is not certain.
    pub fn is_elsewhere(&self) -> bool {
        let is_here = |part: &Self| if let Self::Place(_, is_here) = part { Some(*is_here) } else { None };
        self.judge(&is_here) == Some(false)
    }

    /// Whether it filters by service and by nothing else.
    pub(crate) fn is_service_alone(&self) -> bool {
        match self {
            Self::Service(_) => true,
            Self::All(parts) => matches!(parts.as_slice(), [one] if one.is_service_alone()),
            _ => false,
        }
    }

    /// Whether it takes these services and no others.
    pub(crate) fn is_of(&self, services: &[String]) -> bool {
        match self {
            Self::Service(of) => of.iter().all(|service| services.contains(service)),
            Self::All(parts) => parts.iter().any(|part| part.is_of(services)),
            _ => false,
        }
    }

    /// Whether it counts only spend with some value of this tag.
    pub(crate) fn filters_by_tag(&self, key: &str) -> bool {
        match self {
            Self::Tag(own, values) => own == key && values.iter().all(|value| !value.is_empty()),
            Self::All(parts) => parts.iter().any(|part| part.filters_by_tag(key)),
            Self::Any(parts) => !parts.is_empty() && parts.iter().all(|part| part.filters_by_tag(key)),
            _ => false,
        }
    }

    /// The team whose spend it counts: the only value of one of these tags. `None`: no or several teams.
    pub fn team(&self, team_tags: &[String]) -> Option<&str> {
        match self {
            Self::Tag(key, values) if team_tags.iter().any(|tag| is_alike(tag, key)) => match values.as_slice() {
                [one] if !one.is_empty() => Some(one),
                _ => None,
            },
            Self::All(parts) => parts.iter().find_map(|part| part.team(team_tags)),
            Self::Any(parts) if parts.len() == 1 => parts.first()?.team(team_tags),
            _ => None,
        }
    }
}

/// Use that a Savings Plan covers, as a type of charge. Its unblended cost is that on demand.
pub(crate) const COVERED_USAGE: &str = "SavingsPlanCoveredUsage";

/// What takes back the unblended cost of [`COVERED_USAGE`], as a type of charge.
pub(crate) const NEGATION: &str = "SavingsPlanNegation";

/// Whether a type of charge is among these. The spellings differ: `SavingsPlanCoveredUsage`, `Savings Plan Covered Usage` (aws-facts §7.2).
fn has_charge(types: &[String], charge: &str) -> bool {
    types.iter().any(|one| one.replace(' ', "").eq_ignore_ascii_case(charge))
}

/// Whether these types of charges include usage. `None`: only a part of it.
pub(crate) fn counts_usage(types: &[String]) -> Option<bool> {
    if has_charge(types, "Usage") {
        return Some(true);
    }
    if has_charge(types, "DiscountedUsage") || has_charge(types, COVERED_USAGE) { None } else { Some(false) }
}

/// Whether these types of charges include the fee of a Savings Plan. `None`: only a part of it.
pub(crate) fn counts_plan_fees(types: &[String]) -> Option<bool> {
    let [upfront, recurring] = ["SavingsPlanUpfrontFee", "SavingsPlanRecurringFee"].map(|fee| has_charge(types, fee));
    (upfront == recurring).then_some(upfront)
}

/// The forecast for the end of a budget's period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// In the budget's unit.
    pub amount: Decimal,
    /// It is between these amounts with a probability of 80 %. `None`: not known.
    pub range: Option<(Decimal, Decimal)>,
    /// Whether it is AWS's forecast; otherwise it is the guard's run rate.
    pub by_aws: bool,
}

impl Forecast {
    /// With an amount that was already spent.
    #[must_use]
    pub(crate) fn and(self, spent: Decimal) -> Self {
        let range = self.range.map(|(low, high)| (low + spent, high + spent));
        Self { amount: self.amount + spent, range, ..self }
    }
}

/// A cause of a budget's spend: one usage type of one team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostDriver {
    /// The usage type without its Region prefix.
    pub usage: String,
    /// The team. Empty: no team.
    pub team: String,
    /// USD in this period so far.
    pub now: Decimal,
    /// USD in as many days of the period before. `None`: not known.
    pub before: Option<Decimal>,
}

/// A running resource that a budget counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningCost {
    /// `endpoint churn-scorer (1 x ml.m5.xlarge)`
    pub what: String,
    /// Its kind.
    pub kind: Kind,
    /// The types of its instances.
    pub types: Vec<String>,
    /// The AWS CLI command that stops it. `None`: there is none that the guard can recommend.
    pub stop: Option<String>,
    /// Its owner. `None`: not known.
    pub owner: Option<String>,
    /// USD per hour. `None`: no price is known.
    pub usd_per_hour: Option<Decimal>,
    /// The number of its instances. 0: not known.
    pub instances: u32,
    /// Whether others call it, so that they get errors when it is stopped.
    pub is_called: bool,
}

/// What the bill has of a budget in its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billed {
    /// The first day that is not on the bill yet.
    pub until: Date,
    /// USD of `SageMaker` that the budget counts before that day. `None`: a day is not known, or the bill does not show what the budget counts.
    pub usd: Option<Decimal>,
    /// USD of the same on the invoice, where what a Savings Plan covers is nothing. `None` with `usd`.
    pub invoiced: Option<Decimal>,
    /// USD that it may count of payments for Savings Plans beyond what these were for in these days: what was paid in advance.
    pub prepaid: Decimal,
    /// Whether the budget counts nothing else.
    pub is_all: bool,
}

/// What a budget's mail says in addition to the budget's numbers. Set by `rules::budgets::explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Insight {
    /// The forecast for the end of the period.
    pub forecast: Option<Forecast>,
    /// The causes of the spend, the greatest growth first.
    pub causes: Vec<CostDriver>,
    /// What the bill has of it in its period. `None`: there is no bill.
    pub billed: Option<Billed>,
    /// The most expensive running resources, the most expensive first.
    pub burning: Vec<RunningCost>,
    /// USD per hour of all running resources whose price is known, including those that are not in `burning`.
    pub running_usd: Decimal,
    /// USD that these have cost since the end of the last day on the bill.
    pub ran_usd: Decimal,
    /// The number of running resources that are not in `burning`.
    pub more_running: usize,
    /// How many of these run at a price that is not known.
    pub more_unpriced: usize,
    /// Whether `running_usd` is a lower bound, because not everything was read or a price is not known.
    pub is_least: bool,
    /// The Region of the running resources.
    pub region: Option<String>,
    /// Whether all running resources were read.
    pub knows_running: bool,
    /// What the guard does because the budget is used up, or why it does nothing although the policy asks for it. `None`: neither.
    pub measure: Option<TimedText>,
    /// The parts of its filter that the daily spend does not show.
    pub untold: BTreeSet<String>,
}

/// A budget of AWS Budgets (aws-facts §6).
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub struct Budget {
    /// Its id is `budget/<name>`. Its owner is set in the policy, its team in the policy or by its filter.
    pub resource: Resource,
    /// Whether it counts money; otherwise it counts hours or gigabytes.
    pub is_cost: bool,
    /// Whether it counts amortized cost, by its `CostTypes` or its `Metrics`. Otherwise what a Savings Plan covers counts as nothing.
    pub is_amortized: bool,
    /// The unit of all its amounts: `USD`, `Hrs`.
    pub unit: String,
    /// The current period. `None`: the budget has not begun, is over, or is not a budget of cost or usage.
    pub period: Option<Period>,
    /// Whether it has no period yet, but will have one within a day, a month, a quarter or a year: whatever its periods are.
    pub begins_soon: bool,
    /// When somebody changed it last. `None`: not known.
    pub changed: Option<Timestamp>,
    /// Whether AWS sets the limit, from what was spent before (`AutoAdjustData`).
    pub adjusts: bool,
    /// The limit of that period. `None`: not known.
    pub limit: Option<Decimal>,
    /// What was spent in it, according to AWS. `None`: not known yet.
    pub actual: Option<Decimal>,
    /// AWS's forecast for its end. `None`: there is too little history.
    pub forecast: Option<Decimal>,
    /// What it counts.
    pub filter: Filter,
    /// Whether it counts only what other accounts or Regions cost: nothing of these can be stopped from here.
    pub is_elsewhere: bool,
    /// The thresholds of its notifications about the actual spend, in percent of the limit.
    pub thresholds: Vec<Decimal>,
    /// The thresholds of its notifications about the forecast, in percent of the limit.
    pub forecast_thresholds: Vec<Decimal>,
    /// Whether its notifications, and so its thresholds, could not be read.
    pub unread_thresholds: bool,
    /// Why AWS does not update it, or why it counts nothing. `None`: it is healthy.
    pub unhealthy: Option<Unhealthy>,
    /// The limit and the actual spend of the period before. `None`: not known, or not read.
    pub last: Option<(Decimal, Decimal)>,
    /// What its mail says in addition to its numbers.
    pub insight: Insight,
}

/// Why a budget does not watch the spend, and what puts that right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unhealthy {
    /// For people: `it filters by …`.
    pub why: String,
    /// What to change, for people: `let it filter by …`. `None`: not known.
    pub fix: Option<String>,
}

impl Unhealthy {
    /// A budget whose filter has these tags, which no spend has: AWS wants them as `user:Team$nlp`.
    pub fn by_tags(has: &[String], mut wants: Vec<String>) -> Self {
        wants.dedup();
        let (first, right) = (has.first().map_or("", String::as_str), wants.first().map_or("", String::as_str));
        Self {
            why: format!("it filters by {first}, which no spend has: AWS wants {right}"),
            fix: Some(format!(
                "let it filter by {} instead of {}, in the AWS Budgets console or where it is deployed from (`TagKeyValue` in its `CostFilters`)",
                wants.join(", "),
                has.join(", ")
            )),
        }
    }
}

/// The highest limit that nobody means as the spend of a team: AWS's template for an account without any spend has it, and a limit that AWS adjusts begins with
/// 0 or a cent where there is no history.
const NO_REAL_LIMIT: Decimal = Decimal::ONE;

/// If less than this part of what the bill has is on the invoice, it is worth a word.
const MOST_OF_IT: Decimal = rust_decimal::dec!(0.9);

/// A limit that AWS adjusts and that is this many times below what was spent is of a past with hardly any spend.
const FAR_ABOVE: Decimal = Decimal::TEN;

impl Budget {
    /// Whether its limit is too low to say anything about what a team may spend. Nothing is enforced because of it.
    pub fn has_no_real_limit(&self) -> bool {
        let is_behind = |limit: Decimal| self.adjusts && self.actual.is_some_and(|actual| limit * FAR_ABOVE < actual);
        self.limit.is_some_and(|limit| limit <= NO_REAL_LIMIT || is_behind(limit))
    }

    /// Why a limit that AWS has set says nothing, for people. `None`: a person has set it, it says something, or the budget is not in a period.
    pub fn no_limit_by_aws(&self) -> Option<Unhealthy> {
        let limit = self.limit.filter(|_| self.adjusts && self.has_no_real_limit() && self.period.is_some())?;
        Some(Unhealthy {
            why: format!("AWS sets its limit from what was spent before, and set {}: write a limit", amount(limit, &self.unit)),
            fix: Some("write a limit, in the AWS Budgets console".to_owned()),
        })
    }

    /// What was spent in the current period. `None`: not known yet. AWS updates the amount some times a day and does not say when, so it may still be that of the
    /// period before until the new period is a day old (a daily budget: a day and a half).
    pub fn spent(&self, now: Timestamp) -> Option<Decimal> {
        let period = self.period?;
        let known_from =
            period.begin() + if period.unit == TimeUnit::Daily { SignedDuration::from_hours(36) } else { SignedDuration::from_hours(24) };
        self.actual.filter(|_| known_from <= now)
    }

    /// Whether nothing was counted in the current period. `false` if that is not known, or somebody changed the budget within a day: AWS has not updated it yet.
    pub fn stands_at_zero(&self, now: Timestamp) -> bool {
        let is_just_changed = self.changed.is_some_and(|changed| now < changed + SignedDuration::from_hours(24));
        !is_just_changed && self.spent(now).is_some_and(|spent| spent.is_zero())
    }

    /// USD of what it has counted that were paid in advance for Savings Plans.
    pub fn prepaid(&self) -> Decimal {
        self.insight.billed.map(|billed| billed.prepaid).unwrap_or_default()
    }

    /// What was spent in the current period without what was paid in advance for Savings Plans: nobody can stop that. `None`: not known yet.
    pub fn spent_on_use(&self, now: Timestamp) -> Option<Decimal> {
        Some(self.spent(now)? - self.prepaid())
    }

    /// Whether Savings Plans cover a tenth or more of what the bill has of it.
    pub(crate) fn is_covered_by_plans(&self) -> bool {
        let billed = self.insight.billed.filter(|_| self.is_cost);
        billed.and_then(|billed| Some((billed.usd?, billed.invoiced?))).is_some_and(|(usd, invoiced)| invoiced < usd * MOST_OF_IT)
    }

    /// Whether it counts unblended cost, and so as nothing what Savings Plans cover: both the use and what takes back its cost.
    pub(crate) fn is_blind_to_plans(&self) -> bool {
        !self.is_amortized && !self.filter.leaves_out(NEGATION)
    }
}

/// What the guard does when a budget is used up, until its period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnExceed {
    /// Both off-hours rules are enforced for its team.
    EnforceOffHours,
    /// Resources of its team with the tag `cost-guard:stoppable = yes` are stopped after a grace.
    StopStoppable,
}

impl OnExceed {
    /// The rules that it enforces.
    pub const fn rules(self) -> &'static [&'static str] {
        match self {
            Self::EnforceOffHours => &["notebook-off-hours", "studio-app-off-hours"],
            Self::StopStoppable => &["stoppable-over-budget"],
        }
    }
}

/// What is enforced because one budget is used up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BudgetMeasure {
    /// The budget's name.
    pub budget: String,
    /// The team for which it is enforced. `None`: all teams.
    pub team: Option<String>,
    /// What is enforced.
    pub what: OnExceed,
    /// When it ends, together with the budget's period.
    pub until: Timestamp,
}

impl BudgetMeasure {
    /// Whether it applies to resources of this team.
    pub fn is_for(&self, team: Option<&str>) -> bool {
        self.team.as_deref().is_none_or(|own| team.is_some_and(|team| is_alike(own, team)))
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
