//! `savings-plan`: hours of usage and a plan's rates in, the best commitment out.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use cost_rules::{
    price::dollars,
    savings_plan::{Covering, FEWEST_HOURS, Outcome, Rate, Rates, Usage},
};
use csv::ByteRecord;
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use rust_decimal::{Decimal, dec, prelude::ToPrimitive as _};
use serde_json::{Value, json};

use crate::{
    output::{Format, table},
    rows::{self, shown},
};

/// The options of `savings-plan`.
#[derive(Args)]
pub(crate) struct SavingsPlan {
    /// The usage, a CSV file with the header `hour,<usage type>,…`: instance-hours of each usage type, one line for each hour. Empty is 0.
    #[arg(long, value_name = "FILE")]
    usage: PathBuf,
    /// The prices, a CSV file with the header `usage-type,on-demand,savings-plan`: USD per hour. An empty `savings-plan`: the plan does not cover it.
    #[arg(long, value_name = "FILE")]
    rates: PathBuf,
    /// The commitment of plans that are owned already, at the same rates. It is used first, and the answer is about what it leaves.
    #[arg(long, value_name = "USD_PER_HOUR", allow_negative_numbers = true, default_value = "0", hide_default_value = true)]
    owned: Decimal,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Numbers must be less than this.
const MOST: Decimal = dec!(1_000_000);
/// The least price, USD per hour: less is rounded away.
const LEAST: Decimal = dec!(0.000000001);

/// What an hour of a usage type costs. `None`: the plan does not cover it.
type Prices = BTreeMap<String, (Decimal, Option<Decimal>)>;

impl SavingsPlan {
    pub(crate) fn run(&self) -> anyhow::Result<String> {
        let is_commitment = !self.owned.is_sign_negative() && self.owned < MOST;
        ensure!(is_commitment, "--owned {} is no commitment: expected USD per hour, from 0 to less than a million", self.owned);
        let prices = prices(&self.rates)?;
        let all = usage(&self.usage, &prices, &self.rates)?;
        let of_plan = |(name, (on_demand, savings_plan)): (&String, &(Decimal, Option<Decimal>))| {
            Some((name.clone(), Rate { on_demand: *on_demand, savings_plan: (*savings_plan)? }))
        };
        let rates: Rates = prices.iter().filter_map(of_plan).collect();
        let owned = Covering::new(&all, &rates).outcome(self.owned);
        let left = Covering::new(&all, &rates).rest(self.owned);
        let covering = Covering::new(&left, &rates);
        let best = covering.outcome(covering.best());
        let not_covered: Vec<&str> = all.usage_types().iter().filter(|name| !rates.contains_key(*name)).map(String::as_str).collect();
        let answer = Answer { best: &best, owned: &owned, curve: covering.curve(best.commitment), not_covered };
        Ok(if self.format == Format::Json { format!("{:#}\n", answer.json()) } else { answer.text() })
    }
}

/// Reads the prices.
fn prices(file: &Path) -> anyhow::Result<Prices> {
    const HEADER: [&[u8]; 3] = [b"usage-type", b"on-demand", b"savings-plan"];
    let mut prices = Prices::new();
    let mut is_header = true;
    rows::each(file, |record| {
        if std::mem::take(&mut is_header) {
            let spelt =
                |field: &[u8]| field.to_ascii_lowercase().iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect::<Vec<u8>>();
            ensure!(
                record.iter().map(spelt).eq(HEADER),
                "`{}` is not the header: expected `usage-type,on-demand,savings-plan`",
                rows::fields(record)
            );
            return Ok(());
        }
        let [name, on_demand, savings_plan] = record.iter().collect::<Vec<_>>()[..] else {
            bail!("{} field(s): expected a usage type and two prices, for example `USE1-Host:ml.m5.xlarge,0.23,0.1679`", record.len());
        };
        let (name, on_demand) = (usage_type(name)?, price(on_demand)?);
        let savings_plan = if savings_plan.is_empty() { None } else { Some(price(savings_plan)?) };
        ensure!(
            prices.insert(name.clone(), (on_demand, savings_plan)).is_none(),
            "`{name}` has a price already: expected one line for each usage type"
        );
        Ok(())
    })?;
    ensure!(
        !prices.is_empty(),
        "{}: there is no price: expected the header `usage-type,on-demand,savings-plan`, then one line for each usage type",
        file.display()
    );
    Ok(prices)
}

/// Reads the usage, at on-demand prices.
fn usage(file: &Path, prices: &Prices, priced_in: &Path) -> anyhow::Result<Usage> {
    let mut columns: Option<(Vec<Decimal>, Usage)> = None;
    let mut seen = std::collections::HashSet::new();
    let mut before: Option<Hour> = None;
    rows::each(file, |record| {
        let Some((on_demand, usage)) = &mut columns else {
            columns = Some(header(record, prices, priced_in)?);
            return Ok(());
        };
        ensure!(
            record.len() == on_demand.len() + 1,
            "{} field(s): expected an hour and {} usage types, as in the header",
            record.len(),
            on_demand.len()
        );
        let hour = record.iter().next().unwrap_or_default();
        ensure!(!hour.is_empty(), "the hour is empty: expected a time or a number, for example `2026-11-23T00:00:00Z`");
        ensure!(seen.insert(hour.to_vec()), "the hour `{}` is there already: expected each hour once", shown(hour));
        let this = Hour::of(hour)?;
        ensure!(
            before.zip(this).is_none_or(|(before, this)| before.is_followed_by(this)),
            "the hour `{}` does not follow the line before: expected a line for each hour, in their order (empty is 0)",
            shown(hour)
        );
        before = this;
        let usd: Vec<Decimal> = record
            .iter()
            .skip(1)
            .zip(&*on_demand)
            .map(|(hours, price)| Ok(instance_hours(hours)? * price))
            .collect::<anyhow::Result<_>>()?;
        usage.push(usd).context("more than 9 million USD in an hour: expected instance-hours")
    })?;
    let name = file.display();
    let (_, usage) = columns
        .with_context(|| format!("{name}, line 1: the file is empty: expected the header `hour,<usage type>,…`, then one line an hour"))?;
    ensure!(
        0 < usage.hours(),
        "{name}, line 2: there is no hour: expected an hour and instance-hours, for example `2026-11-23T00:00:00Z,4,1.5`"
    );
    Ok(usage)
}

/// An hour whose place among the others is known.
#[derive(Clone, Copy)]
enum Hour {
    Number(u64),
    Time(Timestamp),
}

impl Hour {
    /// `None`: it has a name of its own, and follows whatever is above it.
    fn of(field: &[u8]) -> anyhow::Result<Option<Self>> {
        let text = String::from_utf8_lossy(field);
        if let Ok(number) = text.parse() {
            return Ok(Some(Self::Number(number)));
        }
        if let Ok(at) = text.parse() {
            return Ok(Some(Self::Time(at)));
        }
        let hour = text.strip_suffix('Z').unwrap_or(&text);
        let Ok(at) = hour.parse::<DateTime>() else { return Ok(None) };
        ensure!(
            hour.parse::<Date>().is_err() || text.contains([':', 'T', ' ']),
            "`{text}` is a day: expected hours, because from days nobody can tell what nights cost"
        );
        Ok(TimeZone::UTC.to_timestamp(at).ok().map(Self::Time))
    }

    fn is_followed_by(self, next: Self) -> bool {
        match (self, next) {
            (Self::Number(this), Self::Number(next)) => this.checked_add(1) == Some(next),
            (Self::Time(this), Self::Time(next)) => next.duration_since(this) == SignedDuration::from_hours(1),
            _ => false,
        }
    }
}

/// The on-demand price of each usage type in the header, and no hour yet.
fn header(record: &ByteRecord, prices: &Prices, priced_in: &Path) -> anyhow::Result<(Vec<Decimal>, Usage)> {
    let first = record.iter().next().unwrap_or_default().to_ascii_lowercase();
    ensure!(first.starts_with(b"hour") && 1 < record.len(), "`{}` is not the header: expected `hour,<usage type>,…`", rows::fields(record));
    let names: Vec<String> = record.iter().skip(1).map(usage_type).collect::<anyhow::Result<_>>()?;
    if let Some(twice) = names.iter().enumerate().find_map(|(index, name)| names[..index].contains(name).then_some(name)) {
        bail!("`{twice}` is there twice: expected each usage type once");
    }
    let on_demand = |name: &String| {
        let price = prices.get(name).with_context(|| {
            format!("`{name}` has no price in {}: expected a line `{name},<on-demand>,<savings-plan>` (empty at the end: the plan does not cover it)", priced_in.display())
        });
        price.map(|(on_demand, _)| *on_demand)
    };
    let on_demand = names.iter().map(on_demand).collect::<anyhow::Result<_>>()?;
    Ok((on_demand, Usage::new(names)))
}

fn usage_type(field: &[u8]) -> anyhow::Result<String> {
    let name = str::from_utf8(field).ok().filter(|name| !name.is_empty());
    name.map(str::to_owned).with_context(|| format!("`{}` is no usage type: expected for example `USE1-Host:ml.m5.xlarge`", shown(field)))
}

fn price(field: &[u8]) -> anyhow::Result<Decimal> {
    let price = number(field).filter(|price| LEAST <= *price);
    price.with_context(|| format!("`{}` is no price: expected USD per hour, more than 0, for example `0.23`", shown(field)))
}

fn instance_hours(field: &[u8]) -> anyhow::Result<Decimal> {
    if field.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let hours = number(field).filter(|hours| Decimal::ZERO <= *hours);
    hours
        .with_context(|| format!("`{}` are no instance-hours: expected a number of 0 or more, for example `1.5`, or nothing", shown(field)))
}

/// A decimal number below a million, which may have an exponent.
fn number(field: &[u8]) -> Option<Decimal> {
    let text = str::from_utf8(field).ok()?;
    // A decimal may have `_` between its digits.
    let number = text.parse().or_else(|_| Decimal::from_scientific(text)).ok().filter(|_| !text.contains('_'))?;
    Some(number).filter(|number: &Decimal| number.abs() < MOST)
}

/// What is printed.
struct Answer<'a> {
    best: &'a Outcome,
    owned: &'a Outcome,
    /// USD per hour, and USD.
    curve: Vec<(Decimal, Decimal)>,
    not_covered: Vec<&'a str>,
}

impl Answer<'_> {
    /// What to know before anything is bought.
    fn note(&self) -> Option<String> {
        let hours = self.best.hours;
        (hours < FEWEST_HOURS).then(|| {
            format!("These are only {hours} hours. Use at least a week ({FEWEST_HOURS}), because weekends differ, before you buy.")
        })
    }

    fn json(&self) -> Value {
        let Self { best, owned, curve, not_covered } = self;
        let number = |usd: Decimal| usd.round_dp(8).to_f64();
        json!({
            "hours": best.hours,
            "on-demand-usd": number(best.on_demand),
            "commitment-usd-per-hour": number(best.commitment),
            "cost-usd": number(best.cost),
            "saving-usd": number(best.saving()),
            "utilisation": best.utilisation().and_then(number),
            "under-used-hours": best.under_used_hours,
            "unused-usd": number(best.unused),
            "worst-30-days-unused-usd": best.worst_unused.and_then(number),
            "coverage": best.coverage().and_then(number),
            "break-even-utilisation": best.break_even().and_then(number),
            "owned": {
                "commitment-usd-per-hour": number(owned.commitment),
                "covers-on-demand-usd": number(owned.covered),
                "unused-usd": number(owned.unused),
            },
            "not-covered": not_covered,
            "note": self.note(),
            "curve": curve.iter().map(|(commitment, cost)| json!({"commitment": number(*commitment), "cost": number(*cost)})).collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let Self { best, owned, not_covered, .. } = self;
        let percent = |part: Option<Decimal>| {
            part.map_or_else(|| "-".to_owned(), |part| format!("{} %", (part * Decimal::ONE_HUNDRED).round_dp(1).normalize()))
        };
        let mut text = if best.commitment.is_zero() {
            "Advice: do not buy. No commitment is used in enough hours to pay.\n\n".to_owned()
        } else {
            format!("Advice: commit ${} per hour.\n\n", best.commitment)
        };
        let share = (!best.on_demand.is_zero()).then(|| best.saving() / best.on_demand);
        text += &table(&[
            ("hours", vec![best.hours.to_string()]),
            ("on demand", vec![dollars(best.on_demand)]),
            ("with the plan", vec![dollars(best.cost)]),
            ("saved", vec![format!("{} ({})", dollars(best.saving()), percent(share))]),
            ("commitment used", vec![percent(best.utilisation())]),
            ("hours in which it is not all used", vec![best.under_used_hours.to_string()]),
            ("pays if used at least", vec![percent(best.break_even())]),
        ]);
        if !owned.commitment.is_zero() {
            let _ = writeln!(
                text,
                "\nThe plans of ${} per hour cover {} on demand before; this is about the rest.",
                owned.commitment,
                dollars(owned.covered)
            );
        }
        if !not_covered.is_empty() {
            let _ = writeln!(text, "\nNot covered by the plan: {}.", not_covered.join(", "));
        }
        if let Some(note) = self.note() {
            let _ = writeln!(text, "\n{note}");
        }
        text
    }
}

#[cfg(test)]
mod tests;
