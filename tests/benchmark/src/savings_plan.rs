//! The best commitment of a Savings Plan: a year of hours, hundreds of usage types, six ways to buy.

use std::{hint::black_box, time::Instant};

use anyhow::{Context as _, ensure};
use cost_rules::savings_plan::{Covering, Offer, Rate, Rates, Usage};
use rust_decimal::Decimal;

use crate::{Figure, median};

const HOURS: usize = 365 * 24;
const USAGE_TYPES: usize = 300;

pub(crate) fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let usage = year()?;
    let mut seconds = vec![];
    for _ in 0..runs {
        let started = Instant::now();
        for (number, _) in Offer::ALL.iter().enumerate() {
            let rates = rates(&usage, number);
            let covering = Covering::new(&usage, &rates);
            let best = covering.best();
            ensure!(Decimal::ZERO < best, "a fleet that always runs pays for a plan");
            black_box((covering.outcome(best), covering.curve(best)));
        }
        seconds.push(started.elapsed().as_secs_f64());
    }
    Ok(vec![Figure {
        what: "the best commitment and its curve: 8,760 hours × 300 usage types, six ways to buy: one core",
        measured: format!("{:.2} s", median(seconds)),
        goal: "≤ 4 s",
    }])
}

/// Nights with less, weekends with less, and jobs now and then.
fn year() -> anyhow::Result<Usage> {
    let mut usage = Usage::new((0..USAGE_TYPES).map(|n| format!("USE1-Host:ml.c{}.{n}xlarge", n % 9)).collect());
    for hour in 0..HOURS {
        let is_day = (8..20).contains(&(hour % 24)) && hour / 24 % 7 < 5;
        let usd = |n: usize| {
            let base = if n.is_multiple_of(3) || is_day { 1_000 } else { 0 };
            Decimal::new(i64::try_from(base + (hour * 7_919 + n * 104_729) % 500).unwrap_or_default(), 4)
        };
        usage.push((0..USAGE_TYPES).map(usd)).context("an amount that is too large")?;
    }
    Ok(usage)
}

fn rates(usage: &Usage, number: usize) -> Rates {
    let discount = |n: usize| Decimal::new(i64::try_from(20 + (n + number * 5) % 40).unwrap_or_default(), 2);
    let rate = |n: usize| Rate { on_demand: Decimal::ONE, savings_plan: Decimal::ONE - discount(n) };
    usage.usage_types().iter().enumerate().map(|(n, name)| (name.clone(), rate(n))).collect()
}
