//! What the budget rules share: thresholds, which budgets they check, and what a mail says about a budget.

use jiff::Timestamp;
use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    facts::{Budget, CostDriver, Insight, RunningCost, amount, percent_of},
    rules::{
        context::RuleContext,
        verdict::{Detail, Verdict, leveled},
    },
    vocabulary::{
        currency::Currency,
        duration::Duration,
        owners,
        period::{Period, plus_days},
        price::dollars,
        resource::{UNOWNED, owner_words},
        timed_text::TimedText,
        usage_type::{self, is_savings_plan},
    },
};

/// The advice before a budget is used up.
pub(crate) const ADVICE: &str =
    "look at the first cause: is it intended? If not, stop it now. If so, raise the limit before it is used up.";

/// Thresholds of the policy, in percent of the limit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Thresholds(#[schemars(inner(range(min = 1, max = 10_000)))] pub(super) Vec<u32>);

impl<'de> Deserialize<'de> for Thresholds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = |value: &toml::Value| {
            let percent =
                value.as_integer().and_then(|percent| u32::try_from(percent).ok()).filter(|percent| (1..=10_000).contains(percent));
            percent.ok_or_else(|| {
                de::Error::custom(format!("`{value}` is no threshold: write whole percents of the limit, for example [80, 100]"))
            })
        };
        Vec::<toml::Value>::deserialize(deserializer)?.iter().map(percent).collect::<Result<_, _>>().map(Self)
    }
}

impl Thresholds {
    /// These thresholds and the budget's own, in percent.
    pub(crate) fn and<'a>(&'a self, own: &'a [Decimal]) -> impl Iterator<Item = Decimal> + 'a {
        self.0.iter().copied().map(Decimal::from).chain(own.iter().copied())
    }
}

/// The numbers of a budget of which all numbers are known.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    pub(super) period: Period,
    pub(super) limit: Decimal,
    pub(super) actual: Decimal,
}

/// The numbers of a budget that counts `SageMaker`. `Err`: the verdict on a budget that does not, or whose numbers are not known.
pub(crate) fn numbers(budget: &Budget, cx: &RuleContext<'_>) -> Result<Numbers, Verdict> {
    if budget.filter.takes_sagemaker(cx.policy) == Some(false) {
        return Err(Verdict::Fine);
    }
    // Of a limit that AWS has not adjusted yet, `budget-unhealthy` notifies.
    if budget.adjusts && budget.has_no_real_limit() {
        return Err(Verdict::Fine);
    }
    let Some(period) = budget.period else { return Err(Verdict::Fine) };
    let Some(limit) = budget.limit else { return Err(Verdict::Unknown("AWS names no limit for its present period".into())) };
    // AWS may not have updated the budget in this period yet.
    let Some(actual) = budget.spent(cx.now) else { return Err(Verdict::Later) };
    Ok(Numbers { period, limit, actual })
}

/// ` (83 %)`. Empty if the limit is zero. What is below one of these thresholds is not shown as having reached it.
pub(crate) fn in_percent(of: Decimal, limit: Decimal, thresholds: impl IntoIterator<Item = Decimal>) -> String {
    percent_of(of, limit, thresholds).map(|percent| format!(" ({percent} %)")).unwrap_or_default()
}

/// The highest passed threshold, in percent of the limit. `None`: no threshold is passed.
pub(crate) fn passed(thresholds: impl IntoIterator<Item = Decimal>, value: Decimal, limit: Decimal) -> Option<Decimal> {
    thresholds.into_iter().filter(|percent| crate::facts::is_over(value, limit, *percent)).max()
}

/// The key under which its owner is notified once. A new limit gives a new key.
pub(crate) fn topic(Numbers { period, limit, .. }: Numbers, level: Decimal) -> String {
    leveled(&format!("{} of {}", period.from, limit.normalize()), level)
}

/// What the mail says in addition to the numbers: where the budget is heading, what drove it, what runs, what the guard does.
pub(crate) fn details(budget: &Budget, numbers @ Numbers { period, .. }: Numbers, cx: &RuleContext<'_>) -> Vec<Detail> {
    let Insight {
        causes, burning, running_usd, more_running, more_unpriced, is_least, region, knows_running, measure, untold, billed, ..
    } = &budget.insight;
    let unit = &budget.unit;
    let mut lines: Vec<Detail> = ahead(budget, numbers, cx.now);
    let last = period.before().words();
    if let Some((limit, actual)) = budget.last {
        lines.push(format!("Last:  {} of {} in {last}.", amount(actual, unit), amount(limit, unit)).into());
    }
    let prepaid = budget.prepaid();
    if let Some(billed) = billed.filter(|_| !causes.is_empty() || !prepaid.is_zero()) {
        let until = plus_days(billed.until, -1);
        let against = if causes.iter().any(|cause| cause.before.is_some()) {
            format!("what SageMaker cost until {until}, the last day on the bill, and against the same days of {last}")
        } else {
            format!("what SageMaker cost until {until}, the last day on the bill; the period before is not known")
        };
        let but = if untold.is_empty() {
            String::new()
        } else {
            format!(" (its filter by {} is not looked at here)", untold.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        };
        let misses_covered = budget.is_covered_by_plans() && budget.is_blind_to_plans();
        let amortized = if misses_covered { " (amortized: this budget counts what a Savings Plan covers as nothing)" } else { "" };
        let bought = (!prepaid.is_zero()).then(|| format!("payment in advance for a Savings Plan: {}", dollars(prepaid)));
        lines.push(Detail {
            title: format!("Cause: {against}{amortized}{but}:").into(),
            list: bought.into_iter().chain(causes.iter().map(words)).collect(),
        });
    }
    if !burning.is_empty() {
        let or_more = if *is_least { "at least " } else { "" };
        let title = format!(
            "Runs:  right now in {}, for {or_more}{} an hour in all (other Regions are not looked at):",
            region.as_deref().unwrap_or("this Region"),
            dollars(*running_usd)
        );
        let mut running = running_lines(burning, cx.policy.owner_of(&budget.resource).as_deref());
        if 0 < *more_running {
            let unpriced =
                if 0 < *more_unpriced { format!(", {more_unpriced} of them at a price that is not known") } else { String::new() };
            running.push(format!("and {more_running} more{unpriced}"));
        }
        lines.push(Detail { title: title.into(), list: running });
    } else if *knows_running {
        lines.push("Runs:  nothing that is billed by the hour, right now in this Region.".into());
    }
    if let Some(measure) = measure {
        let mut line = TimedText::from("Next:  ");
        line.append(measure);
        lines.push(line.into());
    }
    lines
}

/// Where it is heading: first what it comes to if what runs now stays on, because AWS's forecast looks back for weeks; then the forecast.
fn ahead(budget: &Budget, Numbers { period, limit, actual }: Numbers, now: Timestamp) -> Vec<Detail> {
    let unit = &budget.unit;
    let last = period.until.yesterday().unwrap_or(period.until);
    let of_limit = |usd: Decimal, thresholds: &[Decimal]| {
        percent_of(usd, limit, thresholds.iter().copied()).map_or_else(String::new, |percent| format!(", {percent} % of the limit"))
    };
    let own = (Currency::of_account().is(unit) && !budget.insight.running_usd.is_zero()).then(|| {
        let (by_then, about) = if_it_stays_on(&budget.insight, period, actual, now);
        let percent = of_limit(by_then, &[]);
        format!("Ahead: {about} {} by {last} if what runs now stays on{percent} (the guard's own figure).", dollars(by_then))
    });
    let forecast = budget.insight.forecast.as_ref().map(|forecast| {
        let range = forecast.range.filter(|(low, high)| low < high);
        let range = range.map(|(low, high)| format!(", likely between {} and {}", amount(low, unit), amount(high, unit)));
        let percent = of_limit(forecast.amount, &budget.forecast_thresholds);
        let (usd, more) = (amount(forecast.amount, unit), percent + &range.unwrap_or_default());
        match (&own, forecast.by_aws) {
            (None, true) => format!("Ahead: {usd} by {last}{more} (AWS's forecast)."),
            (None, false) => format!("Ahead: {usd} by {last}{more} (the guard's own run-rate: AWS has no forecast yet)."),
            (Some(_), true) => format!("       AWS's forecast, by the weeks before: {usd}{more}."),
            (Some(_), false) => format!("       The guard's own run-rate, by the weeks before: {usd}{more}. AWS has no forecast yet."),
        }
    });
    own.iter().chain(&forecast).map(|line| line.clone().into()).collect()
}

/// What a budget comes to if what runs now stays on to its period's end; and whether that is `about` it or `at least`.
///
/// What AWS says is spent lags by hours. So the bill's whole days count, and what runs has cost since these; if that is more. A budget that counts less than the
/// bill includes credits.
fn if_it_stays_on(insight: &Insight, period: Period, actual: Decimal, now: Timestamp) -> (Decimal, &'static str) {
    let billed = insight.billed.and_then(|billed| Some((billed.usd?, billed.is_all))).filter(|(usd, _)| *usd <= actual * dec!(1.1));
    let so_far = billed.map_or(actual, |(usd, _)| actual.max(usd + insight.ran_usd));
    let is_known = !insight.is_least && billed.is_some_and(|(_, is_all)| is_all);
    let hours = Duration::between(now, period.end()).in_hours();
    (so_far + insight.running_usd * hours, if is_known { "about" } else { "at least" })
}

/// What runs, whose it is, what it costs and how to stop it. `reader`: who is mailed.
pub(crate) fn running_lines<'a>(running: impl IntoIterator<Item = &'a RunningCost>, reader: Option<&str>) -> Vec<String> {
    let mut lines = vec![];
    for one in running {
        let cost = one.usd_per_hour.map_or_else(|| "price not known".to_owned(), |usd| format!("{} an hour", dollars(usd)));
        lines.push(format!("{}, {}: {cost}", one.what, owner_words(one.owner.as_deref().unwrap_or(UNOWNED))));
        lines.extend(before_a_stop(one, reader).map(|first| format!("  {first}")));
        lines.extend(one.stop.iter().map(|stop| format!("  {stop}")));
    }
    lines
}

/// What a reader must know before the command that stops something: it may be somebody else's, and others may call it. `None`: nothing.
fn before_a_stop(running: &RunningCost, reader: Option<&str>) -> Option<String> {
    running.stop.as_ref()?;
    let is_readers = reader.zip(running.owner.as_deref()).is_some_and(|(reader, owner)| owners::each(reader).contains(&owner));
    let ask = match running.owner.as_deref() {
        _ if is_readers => None,
        Some(owner) => Some(format!("Ask {owner} first.")),
        None => Some("Find out whose it is first.".to_owned()),
    };
    let called = running
        .is_called
        .then(|| "Its callers will get errors. Its configuration and its model stay: create-endpoint brings it back.".to_owned());
    let first: Vec<String> = ask.into_iter().chain(called).collect();
    (!first.is_empty()).then(|| first.join(" "))
}

/// A cause in words: `Host:ml.g5.xlarge, team nlp: $1,830.00, $1,200.00 more`
pub(crate) fn words(cause: &CostDriver) -> String {
    let team = if cause.team.is_empty() { "no team".to_owned() } else { format!("team {}", cause.team) };
    let change = match cause.before {
        None => String::new(),
        Some(before) if before.is_zero() => ", all of it new".to_owned(),
        Some(before) if before < cause.now => format!(", {} more", dollars(cause.now - before)),
        Some(before) if cause.now < before => format!(", {} less", dollars(before - cause.now)),
        Some(_) => ", as before".to_owned(),
    };
    let (usage, now) = (usage_type::words(&cause.usage), dollars(cause.now));
    if is_savings_plan(&cause.usage) { format!("{usage}: {now}{change}") } else { format!("{usage}, {team}: {now}{change}") }
}
