//! `GetCostForecast`: a day's expected cost is the mean of the last four such weekdays. AWS does not document its own method.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};

use super::{data_unavailable, day, granularity, has_data, period_json, periods};
use crate::{
    life::billing::{Filter, Metric, amount_text, day_of, midnight, plus_days, plus_months},
    wire::{Refusal, text},
    world::World,
};

/// The number of weeks that the mean and the deviation are computed from.
const WEEKS: i64 = 4;
/// The share of a normal distribution in percent, and the standard deviations that it lies within. Values between them are interpolated.
const LEVELS: [(Decimal, Decimal); 7] = [
    (dec!(51), dec!(0.690)),
    (dec!(60), dec!(0.842)),
    (dec!(70), dec!(1.036)),
    (dec!(80), dec!(1.282)),
    (dec!(90), dec!(1.645)),
    (dec!(95), dec!(1.960)),
    (dec!(99), dec!(2.576)),
];
const METRICS: [&str; 5] = ["AMORTIZED_COST", "BLENDED_COST", "NET_AMORTIZED_COST", "NET_UNBLENDED_COST", "UNBLENDED_COST"];

/// The past spend, and what follows from it for the future.
pub(crate) struct Outlook {
    /// By day, all complete days.
    past: BTreeMap<Date, Decimal>,
    /// The first day that is not complete in the data.
    today: Date,
    planted: Option<Decimal>,
}

impl Outlook {
    /// For the rows that a filter matches; `None`: there is too little history. The record must be settled before.
    pub(crate) fn of(world: &World, filter: &Filter, metric: Metric) -> Option<Self> {
        let today = day_of(world.billing.settled());
        let needed = world.cost_explorer.forecast_history.signed();
        // Must cover the weeks of the deviation and the history that is required.
        let from = plus_days(today, -(needed.as_hours() / 24 + 7 * WEEKS).max(14 * WEEKS));
        let past: BTreeMap<Date, Decimal> =
            world.billing.daily(from, today, filter).into_iter().map(|(day, amount)| (day, amount.of(metric))).collect();
        let enough = past.keys().next().is_some_and(|first| needed <= midnight(today).duration_since(midnight(*first)));
        let planted = world.cost_explorer.forecast_usd.filter(|_| metric != Metric::Quantity);
        (enough || planted.is_some()).then_some(Self { past, today, planted })
    }

    /// The expected cost of a day, in USD, or its expected quantity.
    pub(crate) fn expected(&self, day: Date) -> Decimal {
        if let Some(planted) = self.planted {
            return planted;
        }
        let ahead = day.duration_since(self.today).as_hours() / 24;
        self.mean(plus_days(day, -7 * (ahead.div_euclid(7) + 1)))
    }

    /// The mean of a past day and the three such weekdays before it.
    fn mean(&self, last: Date) -> Decimal {
        let sum: Decimal = (0..WEEKS).map(|week| self.past.get(&plus_days(last, -7 * week)).copied().unwrap_or_default()).sum();
        sum / Decimal::from(WEEKS)
    }

    /// The standard deviation of the past days from their expected cost.
    fn deviation(&self) -> Decimal {
        let days = (1..=7 * WEEKS).map(|ago| plus_days(self.today, -ago));
        let squares: Decimal = days
            .map(|day| {
                let off = self.past.get(&day).copied().unwrap_or_default() - self.mean(plus_days(day, -7));
                (off * off).round_dp(12)
            })
            .sum();
        square_root(squares / Decimal::from(7 * WEEKS - 1))
    }
}

/// Newton's method: `Decimal` has a square root only with an additional feature.
fn square_root(of: Decimal) -> Decimal {
    if of <= Decimal::ZERO {
        return Decimal::ZERO;
    }
    let mut root = of.max(Decimal::ONE);
    for _ in 0..200 {
        let next = ((root + of / root) / dec!(2)).round_dp(12);
        if next == root {
            break;
        }
        root = next;
    }
    root
}

/// How many standard deviations a prediction interval of this level has.
fn width(level: Decimal) -> Decimal {
    let pairs = LEVELS.iter().zip(LEVELS.iter().skip(1));
    let between = pairs.into_iter().find(|(_, (upper, _))| level <= *upper);
    between.map_or(dec!(2.576), |((low, from), (high, to))| from + (to - from) * (level - low) / (high - low))
}

pub(super) fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let granularity = granularity(world, input)?;
    if granularity == "HOURLY" {
        return Err(Refusal::not_simulated("ce", "a forecast by the hour"));
    }
    let period = input.get("TimePeriod").cloned().unwrap_or_default();
    let (start, end) = (day(&period, "Start")?, day(&period, "End")?);
    if end <= start {
        return Err(Refusal::validation(format!("Requested Start: {start} must be before requested End: {end}")));
    }
    let today = day_of(world.now);
    if start < today {
        return Err(Refusal::validation(format!("Earliest supported Start is {today}")));
    }
    let latest = plus_months(today, if granularity == "DAILY" { 3 } else { 18 });
    if latest < end {
        return Err(Refusal::validation(format!("Latest supported End is {latest}")));
    }
    let metric = text(input, "Metric").unwrap_or_default();
    if !METRICS.contains(&metric) {
        return Err(Refusal::validation(format!("Metric {metric} is invalid. Valid values are {}", METRICS.join(", "))));
    }
    let level = match input.get("PredictionIntervalLevel").map(Value::as_i64) {
        None => None,
        Some(Some(level @ 51..=99)) => Some(Decimal::from(level)),
        Some(level) => {
            let constraint = "Member must have value between 51 and 99";
            return Err(Refusal::invalid_value(&level.unwrap_or_default().to_string(), "predictionIntervalLevel", constraint));
        }
    };
    let filter = Filter::of(input)?;
    has_data(world)?;
    let outlook = Outlook::of(world, &filter, if metric.ends_with("AMORTIZED_COST") { Metric::Amortized } else { Metric::Unblended })
        .ok_or_else(|| data_unavailable("Insufficient amount of historical data."))?;
    let deviation = level.map(|level| outlook.deviation() * width(level));
    let mut total = Decimal::ZERO;
    let results: Vec<Value> = periods(start, end, granularity)
        .into_iter()
        .map(|(from, until)| {
            let days = (0..).map(|offset| plus_days(from, offset)).take_while(|day| *day < until);
            let (mean, count) =
                days.fold((Decimal::ZERO, Decimal::ZERO), |(sum, count), day| (sum + outlook.expected(day), count + Decimal::ONE));
            total += mean;
            let mut result = json!({"TimePeriod": period_json((from, until)), "MeanValue": amount_text(mean)});
            if let Some(deviation) = deviation {
                // The deviations of the days are assumed to be independent.
                let off = deviation * square_root(count);
                result["PredictionIntervalLowerBound"] = amount_text((mean - off).max(Decimal::ZERO)).into();
                result["PredictionIntervalUpperBound"] = amount_text(mean + off).into();
            }
            result
        })
        .collect();
    Ok(json!({"Total": {"Amount": amount_text(total), "Unit": world.cost_explorer.currency}, "ForecastResultsByTime": results}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_and_widths() {
        for (of, root) in [(dec!(0), dec!(0)), (dec!(4), dec!(2)), (dec!(0.25), dec!(0.5)), (dec!(1000000), dec!(1000))] {
            assert_eq!(square_root(of), root);
        }
        assert_eq!(
            (width(dec!(51)), width(dec!(80)), width(dec!(85)), width(dec!(99))),
            (dec!(0.690), dec!(1.282), dec!(1.4635), dec!(2.576))
        );
    }
}
