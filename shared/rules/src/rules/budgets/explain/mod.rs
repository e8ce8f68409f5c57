//! What a mail explains about budgets: where they are heading, what drove them, what runs, and what no budget counts. Pure, and in decimals.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::{Timestamp, civil::Date};
use rust_decimal::{Decimal, MathematicalOps as _, dec};

use crate::{
    facts::{Billed, Budget, CostDriver, DailySpend, Facts, Forecast, Running, RunningAsset, RunningCost, Spend, Unhealthy},
    policy::{Policy, is_mistyped_team},
    remedy::Remedy,
    vocabulary::{
        currency::Currency,
        duration::Duration,
        period::{Period, TimeUnit, begin_of, day_of, days_between, plus_days},
        price::{Instances, Prices},
        resource::{Arn, Kind, Resource},
        text::{argument, is_alike},
        usage_type::is_savings_plan,
    },
};

/// A budget that stands at zero beside less than this much on the bill, in USD, may have rounded it.
const WORTH_A_WORD: Decimal = Decimal::ONE;

/// How many causes and running resources a mail names.
const NAMED: usize = 5;

/// How many weeks our own forecast looks back.
const WEEKS: i64 = 4;

/// Four of five values of a normal distribution lie within this many standard deviations.
const FOUR_OF_FIVE: Decimal = dec!(1.2816);

/// Until this many days of its period are over, a budget's spend says little about where it is heading.
const FEWEST_DAYS: i64 = 5;

/// The longest period that has a run-rate, in days. A custom period may be longer.
const LONGEST: i64 = 366;

/// Finds out where each budget is heading, what drove it, and what is spent outside all budgets.
pub fn explain(facts: &mut Facts, policy: &Policy) {
    let knows_budgets = facts.reading.complete.contains(&Kind::Budget);
    let inactive = facts.spend().and_then(|spend| inactive_tag(spend, policy));
    let rows = facts.spend().into_iter().flat_map(|spend| spend.days.values().flatten());
    let teams: BTreeSet<String> = rows.map(|row| row.team.clone()).filter(|team| !team.is_empty()).collect();
    for budget in &mut facts.budgets {
        if let Some(key) = inactive.filter(|key| budget.filter.filters_by_tag(key)) {
            budget.unhealthy.get_or_insert_with(|| Unhealthy {
                why: format!("it filters by the tag {key}, which is on no row of the bill: activate it as a cost allocation tag"),
                fix: Some(format!("activate {key} as a cost allocation tag, in Billing and Cost Management of the payer account")),
            });
        }
        if budget.unhealthy.is_none() {
            budget.unhealthy = mistaken_team(budget, &teams, policy, facts.now);
        }
        let period = budget.period;
        let billed = facts.spend.first().zip(period).map(|(spend, period)| on_the_bill(budget, spend, period, facts.now, policy));
        if budget.unhealthy.is_none() {
            budget.unhealthy = facts.spend.first().and_then(|spend| counted_nothing(budget, spend, facts.now, policy));
        }
        let insight = &mut budget.insight;
        insight.untold = budget.filter.untold(policy);
        let rows = facts.spend.first().zip(period);
        let taken = |row: &DailySpend| budget.filter.takes(row, policy) != Some(false);
        insight.causes =
            rows.map(|(spend, period)| causes(spend, period, unbilled_from(spend, period, facts.now), &taken)).unwrap_or_default();
        insight.billed = billed;
        let prepaid = billed.map(|billed| billed.prepaid).unwrap_or_default();
        insight.forecast = period.and_then(|period| {
            let daily = facts.spend.first().filter(|_| Currency::of_account().is(&budget.unit)).map(|spend| spend.daily(&taken));
            // What was paid in advance is paid once.
            let run_rate =
                budget.actual.zip(daily.as_ref()).and_then(|(actual, daily)| run_rate(daily, period, actual - prepaid, facts.now));
            let run_rate = run_rate.map(|on_use| on_use.and(prepaid));
            // A budget's forecast has no range. For a budget of all SageMaker it is Cost Explorer's range, for others it is as wide as ours.
            let is_all = budget.filter.is_service_alone() && budget.filter.is_of(&policy.billing.services);
            let ahead = facts
                .spend
                .first()
                .and_then(|spend| spend.ahead)
                .filter(|ahead| is_all && Currency::of_account().is(&budget.unit) && ahead.until == period.until);
            let width = match ahead {
                Some(ahead) => Some((ahead.usd - ahead.low, ahead.high - ahead.usd)),
                None => run_rate.as_ref().and_then(|ours| ours.range.map(|(low, high)| (ours.amount - low, high - ours.amount))),
            };
            let by_budgets = budget.forecast.or_else(|| {
                let actual = budget.actual.filter(|actual| !counts_less(*actual, insight.billed.and_then(|billed| billed.usd)))?;
                Some(actual + ahead?.usd)
            });
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
    if let Some(spend) = facts.spend.first_mut().filter(|_| knows_budgets) {
        spend.uncovered = Some(uncovered(spend, &facts.budgets, facts.now, policy));
    }
}

/// Adds to each budget of `SageMaker` what its team runs right now; without a team, and to the spend, everything that runs. `is_all`: whether `facts.running` is complete.
pub fn name_running(facts: &mut Facts, policy: &Policy, is_all: bool) {
    let region = facts.running.iter().find_map(|one| Some(Arn::parse(one.0.resource.arn.as_deref()?)?.region.to_owned()));
    for spend in facts.spend.iter_mut().filter(|_| is_all) {
        let mut all: Vec<RunningCost> = facts.running.iter().filter_map(|one| burning(one, policy, &facts.prices)).collect();
        all.sort_by(dearest_first);
        spend.running = Some(Running { all, region: region.clone() });
    }
    for budget in facts.budgets.iter_mut().filter(|budget| policy.measures_sagemaker(budget)) {
        let insight = &mut budget.insight;
        let team = budget.resource.ownership.team.as_deref();
        let is_of = |team: &str, one: &RunningAsset| policy.team_of(&one.0.resource).is_some_and(|of| is_alike(&of, team));
        let mine = |running: &&RunningAsset| team.is_none_or(|team| is_of(team, running));
        insight.burning = facts.running.iter().filter(mine).filter_map(|one| burning(one, policy, &facts.prices)).collect();
        insight.knows_running = is_all;
        insight.region.clone_from(&region);
        insight.is_least = !is_all || insight.burning.iter().any(|one| one.usd_per_hour.is_none());
        insight.running_usd = insight.burning.iter().filter_map(|one| one.usd_per_hour).sum();
        let since = insight.billed.map_or(facts.now, |billed| begin_of(billed.until));
        insight.ran_usd = facts.running.iter().filter(mine).map(|one| ran(one, policy, &facts.prices, since, facts.now)).sum();
        insight.more_running = insight.burning.len().saturating_sub(NAMED);
        insight.burning.sort_by(dearest_first);
        insight.more_unpriced = insight.burning.iter().skip(NAMED).filter(|one| one.usd_per_hour.is_none()).count();
        insight.burning.truncate(NAMED);
    }
}

/// Those at an unknown price come by the number of their instances.
fn dearest_first(a: &RunningCost, b: &RunningCost) -> Ordering {
    (b.usd_per_hour, b.instances, &a.what).cmp(&(a.usd_per_hour, a.instances, &b.what))
}

pub(crate) fn burning(running: &RunningAsset, policy: &Policy, prices: &Prices) -> Option<RunningCost> {
    let RunningAsset(audited) = running;
    audited.run?;
    // A tuning or AutoML job is billed through the training jobs that it starts.
    let kind = audited.resource.kind().filter(|kind| !matches!(kind, Kind::TuningJob | Kind::AutoMlJob))?;
    let Resource { name, .. } = &audited.resource;
    let region = audited.resource.region_option();
    let stop = match (&audited.stop, kind) {
        (Remedy::None, Kind::Endpoint) => Some(format!("aws sagemaker delete-endpoint {region}--endpoint-name {}", argument(name))),
        (Remedy::None, _) => None,
        (stop, _) => Some(stop.command(name, &region)),
    };
    let on = if audited.instances.is_empty() { String::new() } else { format!(" ({})", Instances::words(&audited.instances)) };
    Some(RunningCost {
        what: format!("{} {name}{on}", kind.words()),
        kind,
        types: audited.instances.iter().map(|one| one.instance_type.clone()).collect(),
        stop,
        owner: policy.owner_of(&audited.resource),
        instances: Instances::number(&audited.instances),
        is_called: kind == Kind::Endpoint,
        usd_per_hour: audited.usd_per_hour(prices),
    })
}

/// USD that something has cost since a time, at its price of now. 0: its price is not known.
fn ran(running: &RunningAsset, policy: &Policy, prices: &Prices, since: Timestamp, now: Timestamp) -> Decimal {
    let usd_per_hour = burning(running, policy, prices).and_then(|one| one.usd_per_hour).unwrap_or_default();
    let from = running.0.run.unwrap_or(now).max(since).min(now);
    usd_per_hour * Duration::between(from, now).in_hours()
}

/// The first day of a period that is not on the bill yet.
fn unbilled_from(spend: &Spend, period: Period, now: Timestamp) -> Date {
    let over = plus_days(period.from, period.days_over(now));
    spend.last_day().map_or(period.from, |last| plus_days(last, 1)).clamp(period.from, over)
}

/// What the bill has of a budget in its period.
fn on_the_bill(budget: &Budget, spend: &Spend, period: Period, now: Timestamp, policy: &Policy) -> Billed {
    let until = unbilled_from(spend, period, now);
    // Under which service the fee of a Savings Plan is on the bill is not known. What it covers is compared without it.
    let counted = |row: &DailySpend| budget.filter.takes(row, policy).or_else(|| is_savings_plan(&row.usage).then_some(false));
    let is_money = budget.is_cost && Currency::of_account().is(&budget.unit);
    let of = |usd: &dyn Fn(&DailySpend) -> Decimal| billed(spend, period.from..until, &counted, usd).filter(|_| is_money);
    Billed {
        until,
        usd: of(&|row| row.usd),
        invoiced: of(&DailySpend::on_the_invoice),
        prepaid: if is_money { prepaid(budget, spend, period.from..until, policy) } else { Decimal::ZERO },
        is_all: budget.filter.is_of(&policy.billing.services),
    }
}

/// USD that a budget may count of payments for Savings Plans beyond what these were for in some days: what they covered, and what of the commitment nobody used.
fn prepaid(budget: &Budget, spend: &Spend, days: Range<Date>, policy: &Policy) -> Decimal {
    // A fee is of another service than SageMaker.
    if budget.is_amortized || budget.filter.is_of(&policy.billing.services) {
        return Decimal::ZERO;
    }
    let may_count = |row: &&DailySpend| budget.filter.takes(row, policy).unwrap_or_else(|| is_savings_plan(&row.usage));
    let rows = spend.days.range(days).flat_map(|(_, rows)| rows).filter(may_count);
    rows.map(|row| row.on_the_invoice() - row.usd).sum::<Decimal>().max(Decimal::ZERO)
}

/// USD of the rows of some days that are taken. `None`: a day is not known, or of a row it is not known whether it is taken.
fn billed(
    spend: &Spend,
    days: Range<Date>,
    takes: &dyn Fn(&DailySpend) -> Option<bool>,
    usd: &dyn Fn(&DailySpend) -> Decimal,
) -> Option<Decimal> {
    let known = i64::try_from(spend.days.range(days.clone()).count()).ok()?;
    if known < days_between(days.start, days.end) {
        return None;
    }
    let rows = spend.days.range(days).flat_map(|(_, rows)| rows);
    rows.map(|row| Some(if takes(row)? { usd(row) } else { Decimal::ZERO })).sum()
}

/// Whether a budget counts less than what its days cost: it includes credits, or only a part of them that we cannot tell. What comes is then not known.
fn counts_less(actual: Decimal, cost: Option<Decimal>) -> bool {
    cost.is_some_and(|cost| actual * dec!(1.1) < cost)
}

/// What drove a period until a day, compared with as many days of the period before.
fn causes(spend: &Spend, period: Period, until: Date, taken: &dyn Fn(&DailySpend) -> bool) -> Vec<CostDriver> {
    let over = days_between(period.from, until);
    let before = period.before();
    let same_days = before.from..plus_days(before.from, over).min(before.until);
    let knows_before = spend.days.keys().next().is_some_and(|first| *first <= before.from);
    let sums = |days: Range<Date>| {
        let mut sums: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
        for row in spend.days.range(days).flat_map(|(_, rows)| rows).filter(|row| taken(row)) {
            *sums.entry((&row.usage, &row.team)).or_default() += row.usd;
        }
        sums
    };
    let past = sums(same_days);
    let mut causes: Vec<CostDriver> = sums(period.from..until)
        .into_iter()
        .filter(|(_, usd)| dec!(0.01) <= *usd)
        .map(|((usage, team), now)| CostDriver {
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

/// Our own forecast, in USD: each remaining day costs what its weekday cost in the last four weeks.
///
/// The range follows from how much days differed from that. What the budget counts outside the daily spend continues as before. The bill of the last complete
/// day may be incomplete, so that day is expected to cost at least as much. `None`: too little of the period or of the past is known, or the daily spend is
/// not what the budget counts.
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
    let in_daily: Decimal = daily.range(period.from..today).map(|(_, usd)| *usd).sum();
    if counts_less(actual, Some(in_daily)) {
        return None;
    }
    let other = (actual - in_daily).max(Decimal::ZERO);
    let other = other * Decimal::from(period.days()) / Decimal::from(over.max(1));
    let before: Decimal = daily.range(period.from..whole).map(|(_, usd)| *usd).sum();
    let first = period.from.max(whole);
    let rest: Vec<Date> = (0..days_between(first, period.until)).map(|offset| plus_days(first, offset)).collect();
    let to_come: Decimal = rest.iter().map(|day| expected(*day).max(daily.get(day).copied().unwrap_or_default())).sum();
    let sum = (before + to_come + other).max(actual);
    let off: Decimal = past.iter().map(|(day, usd)| (*usd - expected(*day)) * (*usd - expected(*day))).sum();
    let deviation = (off / Decimal::from(past.len().max(2) - 1)).sqrt()?;
    let width = FOUR_OF_FIVE * deviation * Decimal::from(rest.len()).sqrt()?;
    let round = |usd: Decimal| usd.round_dp(2);
    Some(Forecast { amount: round(sum), range: Some((round((sum - width).max(actual)), round(sum + width))), by_aws: false })
}

/// The team's tag key, if no row of the bill has it although something was spent: it is not an active cost allocation tag, or nothing that is billed has it.
/// What it filters is 0 USD then, and says nothing of what was spent.
fn inactive_tag<'a>(spend: &Spend, policy: &'a Policy) -> Option<&'a str> {
    let mut rows = spend.days.values().flatten().peekable();
    let is_known = rows.peek().is_some();
    policy.team_tags.first().map(String::as_str).filter(|_| is_known && rows.all(|row| row.team.is_empty()))
}

/// What is wrong with a budget that has counted nothing, and whose team is on no row of the bill, but another one that may be meant. AWS compares to the letter.
fn mistaken_team(budget: &Budget, teams: &BTreeSet<String>, policy: &Policy, now: Timestamp) -> Option<Unhealthy> {
    let key = policy.team_tags.first().filter(|key| budget.filter.filters_by_tag(key))?;
    let team = budget.filter.team(std::slice::from_ref(key)).filter(|team| !teams.contains(*team))?;
    budget.spent(now).filter(Decimal::is_zero)?;
    let meant = teams.iter().find(|known| is_alike(team, known)).or_else(|| teams.iter().find(|known| is_mistyped_team(team, known)))?;
    Some(Unhealthy {
        why: format!(
            "nothing was counted, and it filters by {key} = `{team}`, which no spend has: the bill has `{meant}`, and AWS compares to the letter"
        ),
        fix: Some(format!("let it filter by {key} = `{meant}` instead of `{team}`")),
    })
}

/// What is wrong with a budget that has counted nothing, although the bill has spend that its filter certainly takes.
fn counted_nothing(budget: &Budget, spend: &Spend, now: Timestamp, policy: &Policy) -> Option<Unhealthy> {
    let takes = |row: &DailySpend| budget.filter.takes(row, policy) == Some(true);
    (stands_at_zero_beside(budget, spend, now, &takes)).then(|| Unhealthy {
        why: "nothing was counted, although the bill has spend that its filter takes".to_owned(),
        fix: Some("compare its filter and its kind of cost with the bill in Cost Explorer".to_owned()),
    })
}

/// Whether a budget has counted nothing although the bill has some of these rows in its period. `false` if credits may have paid them.
fn stands_at_zero_beside(budget: &Budget, spend: &Spend, now: Timestamp, rows: &dyn Fn(&DailySpend) -> bool) -> bool {
    let Some(period) = budget.period.filter(|_| budget.is_cost && budget.stands_at_zero(now)) else { return false };
    // AWS updates budgets some hours later than the bill.
    let days = period.from..plus_days(day_of(now), -1).max(period.from);
    let usd = |row: &DailySpend| if budget.is_amortized { row.usd } else { row.on_the_invoice() };
    let billed: Decimal = spend.days.range(days.clone()).flat_map(|(_, of_day)| of_day).filter(|row| rows(row)).map(usd).sum();
    let is_credited =
        spend.charges.range(days).any(|(_, charges)| charges.iter().any(|one| one.billed < Decimal::ZERO && !one.is_of_use()));
    WORTH_A_WORD <= billed && !is_credited
}

/// The spend of the last 30 days that no healthy budget of dollars counts, in USD by team, the most expensive first.
fn uncovered(spend: &Spend, budgets: &[Budget], now: Timestamp, policy: &Policy) -> Vec<(String, Decimal)> {
    let today = day_of(now);
    let watches = |budget: &&Budget| {
        let has_period = budget.period.is_some() || budget.begins_soon;
        // If we cannot tell which rows a budget counts, that it counted none of them tells.
        let may_take = |row: &DailySpend| budget.filter.takes(row, policy) != Some(false);
        budget.is_cost && has_period && budget.unhealthy.is_none() && !stands_at_zero_beside(budget, spend, now, &may_take)
    };
    let budgets: Vec<&Budget> = budgets.iter().filter(watches).collect();
    let mut by_team: BTreeMap<&str, Decimal> = BTreeMap::new();
    for row in spend.days.range(plus_days(today, -30)..today).flat_map(|(_, rows)| rows) {
        // If we cannot tell whether a budget counts a row, we assume that it does.
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
