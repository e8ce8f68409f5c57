//! Budgets: which period a day lies in, which spend they count, where they are heading, and what drove them. Pure, and in decimals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rust_decimal::{Decimal, MathematicalOps as _, dec};
use serde::{Deserialize, Serialize};

use crate::{
    coverage::without_region,
    facts::{Budget, DailySpend, Facts, Instances, Kind, Resource, Running, Spend, place},
    finding::Remedy,
    mail::command,
    policy::Policy,
    price::{Prices, dollars},
};

/// Causes and running resources that a mail names.
const NAMED: usize = 5;

/// A forecast of ours looks at so many weeks.
const WEEKS: i64 = 4;

/// Four of five outcomes of a normal distribution lie within so many standard deviations.
const FOUR_OF_FIVE: Decimal = dec!(1.2816);

/// Before so many days of its period are over, what a budget has spent says little of where it is heading.
const FEWEST_DAYS: i64 = 5;

/// A period of more days than a year, as a custom one may have, is beyond any run-rate.
const LONGEST: i64 = 366;

/// How often a budget begins anew: `Budget.TimeUnit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum TimeUnit {
    Daily,
    Monthly,
    Quarterly,
    Annually,
    Custom,
}

/// The days that a budget counts together, in UTC, as the bill does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// How often there is a new one.
    pub unit: TimeUnit,
    /// Its first day.
    pub from: Date,
    /// The first day after it.
    pub until: Date,
}

/// The UTC day of a moment.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// So many days later.
pub(crate) fn plus_days(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

fn plus_months(day: Date, months: i64) -> Date {
    day.saturating_add(months.months())
}

/// From one day to another.
fn days_between(from: Date, until: Date) -> i64 {
    until.duration_since(from).as_hours() / 24
}

impl Period {
    /// The one that counts now, of a budget from its `TimePeriod`'s start to its end. A daily budget is judged by the day before (aws-facts §6).
    /// `None`: it has not begun, or is over.
    pub fn current(unit: TimeUnit, start: Date, end: Date, now: Timestamp) -> Option<Self> {
        let today = day_of(now);
        let month = today.first_of_month();
        let (from, until) = match unit {
            TimeUnit::Daily => (plus_days(today, -1), today),
            TimeUnit::Monthly => (month, plus_months(month, 1)),
            TimeUnit::Quarterly => {
                let from = plus_months(month, -i64::from((month.month() - 1) % 3));
                (from, plus_months(from, 3))
            }
            TimeUnit::Annually => (today.first_of_year(), plus_months(today.first_of_year(), 12)),
            TimeUnit::Custom => (start, end),
        };
        (from < until && start < until && from < end && from <= today).then_some(Self { unit, from, until })
    }

    /// The one before: as many days before a custom one.
    #[must_use]
    pub fn before(self) -> Self {
        let from = match self.unit {
            // A day is like the same weekday.
            TimeUnit::Daily => plus_days(self.from, -7),
            TimeUnit::Monthly => plus_months(self.from, -1),
            TimeUnit::Quarterly => plus_months(self.from, -3),
            TimeUnit::Annually => plus_months(self.from, -12),
            TimeUnit::Custom => plus_days(self.from, -self.days()),
        };
        Self { from, until: if self.unit == TimeUnit::Daily { plus_days(from, 1) } else { self.from }, ..self }
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        days_between(self.from, self.until)
    }

    /// How many of its days are over.
    pub fn days_over(self, now: Timestamp) -> i64 {
        days_between(self.from, day_of(now)).clamp(0, self.days())
    }

    /// How many of its days are not over.
    pub fn days_left(self, now: Timestamp) -> i64 {
        self.days() - self.days_over(now)
    }

    /// When it begins.
    pub fn begin(self) -> Timestamp {
        TimeZone::UTC.to_timestamp(self.from.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }

    /// When it ends.
    pub fn end(self) -> Timestamp {
        TimeZone::UTC.to_timestamp(self.until.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
    }

    /// For people: `November 2026`.
    pub fn words(self) -> String {
        match self.unit {
            TimeUnit::Daily => self.from.strftime("%a %F").to_string(),
            TimeUnit::Monthly => self.from.strftime("%B %Y").to_string(),
            TimeUnit::Quarterly => format!("the quarter from {}", self.from),
            TimeUnit::Annually => self.from.strftime("%Y").to_string(),
            TimeUnit::Custom => format!("{} to {}", self.from, plus_days(self.until, -1)),
        }
    }
}

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

    /// Whether it takes a row of the spend, if that can be told.
    pub fn takes(&self, row: &DailySpend, policy: &Policy) -> Option<bool> {
        let team_key = policy.team_tags.first();
        self.judge(&|part| match part {
            Self::Service(values) => Some(values.iter().any(|value| policy.billing.services.contains(value))),
            Self::UsageType(values) => {
                let is_this = |value: &&String| without_region(value) == row.usage;
                // Rows are of all Regions.
                let is_of_all = |value: &String| without_region(value) == value;
                match values.iter().find(is_this) {
                    None => Some(false),
                    Some(value) => is_of_all(value).then_some(true),
                }
            }
            Self::Tag(key, values) if Some(key) == team_key => Some(values.contains(&row.team)),
            Self::Charges => Some(true),
            _ => None,
        })
    }

    /// Whether it takes any of `SageMaker`'s spend, if that can be told.
    pub fn takes_sagemaker(&self, policy: &Policy) -> Option<bool> {
        self.judge(&|part| match part {
            Self::Service(values) => Some(values.iter().any(|value| policy.billing.services.contains(value))),
            Self::Charges => Some(true),
            _ => None,
        })
    }

    fn judge(&self, part: &dyn Fn(&Self) -> Option<bool>) -> Option<bool> {
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
    fn is_service_alone(&self) -> bool {
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

    /// What of it a day's spend does not tell.
    pub fn untold(&self, policy: &Policy) -> BTreeSet<String> {
        let team_key = policy.team_tags.first();
        match self {
            Self::Unknown(what) => BTreeSet::from([what.clone()]),
            Self::Tag(key, _) if Some(key) != team_key => BTreeSet::from([format!("tag {key}")]),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(|part| part.untold(policy)).collect(),
            Self::Not(inner) => inner.untold(policy),
            Self::Service(_) | Self::UsageType(_) | Self::Tag(..) | Self::Charges => BTreeSet::new(),
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

/// AWS's forecast of what `SageMaker` will cost from one day to another, in USD. Between the last two it lies in four of five cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "its own words")]
pub struct Ahead {
    pub from: Date,
    pub until: Date,
    pub usd: Decimal,
    pub low: Decimal,
    pub high: Decimal,
}

/// Something that drove a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
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
pub struct Burning {
    /// `endpoint churn-scorer (1 x ml.m5.xlarge)`
    pub what: String,
    /// The AWS CLI's command that stops it; `None`: there is none that loses nothing.
    pub stop: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// USD per hour; `None`: no price known.
    pub usd_per_hour: Option<Decimal>,
}

/// What a budget's mail says beyond its numbers. Found out by [`explain`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Insight {
    /// Where it is heading.
    pub forecast: Option<Forecast>,
    /// What drove it, the greatest growth first.
    pub causes: Vec<Cause>,
    /// What runs now, the most expensive first: the first few.
    pub burning: Vec<Burning>,
    /// Of all that runs and has a price: USD per hour.
    pub burning_usd: Decimal,
    /// How much more runs than is named.
    pub more_burning: usize,
    /// Whether there may be more, or of a price that is not known: then the sum is the least.
    pub is_least: bool,
    /// The Region in which that was looked at.
    pub region: Option<String>,
    /// Whether all is known that runs.
    pub knows_burning: bool,
    /// What the guard does about it, or why it does nothing although the policy asks for it.
    pub measure: Option<String>,
    /// What of its filter was not looked at.
    pub untold: BTreeSet<String>,
}

/// Finds out where each budget is heading and what drove it, and what is spent outside all of them.
pub fn explain(facts: &mut Facts, policy: &Policy) {
    let knows_budgets = facts.complete.contains(&Kind::Budget);
    for budget in &mut facts.budgets {
        let period = budget.period;
        let insight = &mut budget.insight;
        insight.untold = budget.filter.untold(policy);
        let rows = facts.spend.as_ref().zip(period);
        let taken = |row: &DailySpend| budget.filter.takes(row, policy) != Some(false);
        insight.causes = rows.map(|(spend, period)| causes(spend, period, facts.now, &taken)).unwrap_or_default();
        insight.forecast = period.and_then(|period| {
            let daily = facts.spend.as_ref().filter(|_| budget.unit == "USD").map(|spend| spend.daily(&taken));
            let run_rate = budget.actual.zip(daily.as_ref()).and_then(|(actual, daily)| run_rate(daily, period, actual, facts.now));
            // AWS tells no range with a budget's forecast. Of a budget of all SageMaker it is Cost Explorer's, of others as wide as ours.
            let is_all = budget.filter.is_service_alone();
            let ahead = facts
                .spend
                .as_ref()
                .and_then(|spend| spend.ahead)
                .filter(|ahead| is_all && budget.unit == "USD" && ahead.until == period.until);
            let width = match ahead {
                Some(ahead) => Some((ahead.usd - ahead.low, ahead.high - ahead.usd)),
                None => run_rate.as_ref().and_then(|ours| ours.range.map(|(low, high)| (ours.amount - low, high - ours.amount))),
            };
            let by_budgets = budget.forecast.or_else(|| Some(budget.actual? + ahead?.usd));
            match by_budgets {
                Some(amount) => {
                    let least = budget.actual.unwrap_or_default().min(amount);
                    let range = width.map(|(below, above)| ((amount - below).max(least), amount + above));
                    Some(Forecast { amount, range, by_aws: true })
                }
                None => run_rate,
            }
        });
    }
    if let Some(spend) = facts.spend.as_mut().filter(|_| knows_budgets) {
        spend.uncovered = Some(uncovered(spend, &facts.budgets, facts.now, policy));
    }
}

/// Names what runs right now of each budget's team, of a budget of no team all. `is_all`: whether that is all that runs.
pub fn name_running(facts: &mut Facts, policy: &Policy, is_all: bool) {
    for budget in &mut facts.budgets {
        let insight = &mut budget.insight;
        let team = budget.resource.whose.team.as_deref();
        let mine = |running: &&Running| team.is_none() || policy.team_of(&running.0.resource).as_deref() == team;
        insight.burning = facts.running.iter().filter(mine).filter_map(|one| burning(one, policy, &facts.prices)).collect();
        insight.knows_burning = is_all;
        let arns = facts.running.iter().filter_map(|running| place(running.0.resource.arn.as_deref()?));
        insight.region = arns.map(|(region, _)| region.to_owned()).next();
        insight.is_least = !is_all || insight.burning.iter().any(|one| one.usd_per_hour.is_none());
        insight.burning_usd = insight.burning.iter().filter_map(|one| one.usd_per_hour).sum();
        insight.more_burning = insight.burning.len().saturating_sub(NAMED);
        insight.burning.sort_by(|a, b| (b.usd_per_hour, &a.what).cmp(&(a.usd_per_hour, &b.what)));
        insight.burning.truncate(NAMED);
    }
}

fn burning(running: &Running, policy: &Policy, prices: &Prices) -> Option<Burning> {
    let Running(audited) = running;
    audited.run?;
    // A tuning or AutoML job is billed by the training jobs that it starts.
    let kind = audited.resource.kind().filter(|kind| !matches!(kind, Kind::TuningJob | Kind::AutoMlJob))?;
    let Resource { name, .. } = &audited.resource;
    let region = audited.resource.region_option();
    let stop = match (&audited.stop, kind) {
        (Remedy::None, Kind::Endpoint) => Some(format!(
            "aws sagemaker delete-endpoint {region}--endpoint-name {name} # its configuration and model stay: create-endpoint brings it back"
        )),
        (Remedy::None, _) => None,
        (stop, _) => Some(command(stop, name, &region)),
    };
    let on = if audited.instances.is_empty() { String::new() } else { format!(" ({})", Instances::words(&audited.instances)) };
    Some(Burning {
        what: format!("{} {name}{on}", kind.words()),
        stop,
        owner: policy.owner_of(&audited.resource),
        usd_per_hour: prices.hourly_of(&audited.instances),
    })
}

/// What drove a period so far, against as many days of the one before. The days that are not over are in neither.
fn causes(spend: &Spend, period: Period, now: Timestamp, taken: &dyn Fn(&DailySpend) -> bool) -> Vec<Cause> {
    let over = period.days_over(now);
    let before = period.before();
    let same_days = before.from..plus_days(before.from, over).min(before.until);
    let knows_before = spend.days.keys().next().is_some_and(|first| *first <= before.from);
    let sums = |days: std::ops::Range<Date>| {
        let mut sums: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
        for row in spend.days.range(days).flat_map(|(_, rows)| rows).filter(|row| taken(row)) {
            *sums.entry((&row.usage, &row.team)).or_default() += row.usd;
        }
        sums
    };
    let past = sums(same_days);
    let mut causes: Vec<Cause> = sums(period.from..plus_days(period.from, over))
        .into_iter()
        .filter(|(_, usd)| dec!(0.01) <= *usd)
        .map(|((usage, team), now)| Cause {
            usage: usage.to_owned(),
            team: team.to_owned(),
            now,
            before: knows_before.then(|| past.get(&(usage, team)).copied().unwrap_or_default()),
        })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse((cause.now - cause.before.unwrap_or_default(), cause.now)));
    causes.truncate(NAMED);
    causes
}

/// Our own forecast: each day to come costs what its weekday cost in the last four weeks, give or take what days are off from that; what the daily spend does not tell
/// of goes on as it did. The last day that is over may not be whole in the bill yet: it is expected to cost as much at least. `None`: too little of the period, or of the
/// past, is known, or the daily spend is not what the budget counts.
pub fn run_rate(daily: &BTreeMap<Date, Decimal>, period: Period, actual: Decimal, now: Timestamp) -> Option<Forecast> {
    let over = period.days_over(now);
    if over < FEWEST_DAYS.min(period.days()) || LONGEST < period.days() || period.unit == TimeUnit::Daily {
        return None;
    }
    let today = day_of(now);
    let whole = plus_days(today, -1);
    let past: Vec<(Date, Decimal)> = daily.range(plus_days(whole, -7 * WEEKS)..whole).map(|(day, usd)| (*day, *usd)).collect();
    if past.is_empty() {
        return None;
    }
    let mean = |of: &mut dyn Iterator<Item = Decimal>| {
        let (sum, count) = of.fold((Decimal::ZERO, 0_u32), |(sum, count), one| (sum + one, count + 1));
        (count != 0).then(|| sum / Decimal::from(count))
    };
    let every_day = mean(&mut past.iter().map(|(_, usd)| *usd))?;
    let expected = |day: Date| {
        let like = &mut past.iter().filter(|(one, _)| one.weekday() == day.weekday()).map(|(_, usd)| *usd);
        mean(like).unwrap_or(every_day)
    };
    let told: Decimal = daily.range(period.from..today).map(|(_, usd)| *usd).sum();
    // The budget counts less than these days: credits, or a part of them that cannot be told.
    if actual * dec!(1.1) < told {
        return None;
    }
    let untold = (actual - told).max(Decimal::ZERO);
    let untold = untold * Decimal::from(period.days()) / Decimal::from(over.max(1));
    let before: Decimal = daily.range(period.from..whole).map(|(_, usd)| *usd).sum();
    let first = period.from.max(whole);
    let rest: Vec<Date> = (0..days_between(first, period.until)).map(|offset| plus_days(first, offset)).collect();
    let to_come: Decimal = rest.iter().map(|day| expected(*day).max(daily.get(day).copied().unwrap_or_default())).sum();
    let sum = (before + to_come + untold).max(actual);
    let off: Decimal = past.iter().map(|(day, usd)| (*usd - expected(*day)) * (*usd - expected(*day))).sum();
    let deviation = (off / Decimal::from(past.len().max(2) - 1)).sqrt()?;
    let width = FOUR_OF_FIVE * deviation * Decimal::from(rest.len()).sqrt()?;
    let round = |usd: Decimal| usd.round_dp(2);
    Some(Forecast { amount: round(sum), range: Some((round((sum - width).max(actual)), round(sum + width))), by_aws: false })
}

/// What no healthy budget of dollars counts, in the last 30 days: by team, the most expensive first.
fn uncovered(spend: &Spend, budgets: &[Budget], now: Timestamp, policy: &Policy) -> Vec<(String, Decimal)> {
    let today = day_of(now);
    let budgets: Vec<&Budget> =
        budgets.iter().filter(|budget| budget.is_cost && budget.period.is_some() && budget.unhealthy.is_none()).collect();
    let mut by_team: BTreeMap<&str, Decimal> = BTreeMap::new();
    for row in spend.days.range(plus_days(today, -30)..today).flat_map(|(_, rows)| rows) {
        // A budget of which it cannot be told counts: who made it will know.
        if budgets.iter().all(|budget| budget.filter.takes(row, policy) == Some(false)) {
            *by_team.entry(&row.team).or_default() += row.usd;
        }
    }
    let mut by_team: Vec<(String, Decimal)> = by_team.into_iter().map(|(team, usd)| (team.to_owned(), usd)).collect();
    by_team.retain(|(_, usd)| dec!(0.01) <= *usd);
    by_team.sort_by_key(|(_, usd)| std::cmp::Reverse(*usd));
    by_team
}

#[cfg(test)]
mod tests;
