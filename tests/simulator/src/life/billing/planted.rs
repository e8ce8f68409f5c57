//! Planted spend: what an estate says that the account spends besides what runs here, by day or from a file by the hour.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, civil::Date};
use rust_decimal::{Decimal, dec};

use super::{Amount, Billing, DAY, HOUR, Kind, day_of, first_day, midnight, plan};
use crate::{
    estate::{
        Estate, PlanSpec, SpendSpec,
        savings::{Hourly, on_demand},
        times::Hours,
    },
    life::prices::Prices,
};

/// Planted spend, with its dates resolved for the simulation's start.
#[derive(Clone)]
pub(super) enum Planted {
    ByDay(Box<ByDay>),
    ByHour(ByHour),
}

/// So much a day.
#[derive(Clone)]
pub(super) struct ByDay {
    spec: SpendSpec,
    kind: usize,
    /// The Savings Plan that covers it, from which day, and its rows.
    plan: Option<(PlanSpec, Date, [usize; 3])>,
    from: Date,
    until: Option<Date>,
    spikes: BTreeMap<Date, Decimal>,
    seed: u64,
}

/// A file by the hour.
#[derive(Clone)]
pub(super) struct ByHour {
    table: Arc<Hourly>,
    /// How much later than in the file it is.
    later: SignedDuration,
    /// By column: the kind of the row and the price of an hour.
    columns: Vec<(usize, Decimal)>,
}

impl Planted {
    pub(super) fn new(billing: &mut Billing, estate: &Estate, prices: &Prices, (spec, seed): (&SpendSpec, u64), start: Timestamp) -> Self {
        let today = day_of(start);
        let kind = Kind {
            service: spec.service.clone(),
            usage_type: spec.usage_type.clone(),
            operation: spec.operation.clone(),
            region: spec.region.clone().unwrap_or_else(|| estate.region.clone()),
            account: spec.account.clone().unwrap_or_else(|| estate.account.clone()),
            record_type: spec.record_type.clone(),
            unit: spec.unit.clone(),
            tags: spec.tags.clone(),
        };
        if let Some(table) = &spec.csv {
            let column = |usage_type: &String| {
                let price = on_demand(&estate.savings_plan_rates, prices, usage_type).unwrap_or_default();
                (billing.number(Kind { usage_type: usage_type.clone(), ..kind.clone() }), price)
            };
            let columns = table.0.usage_types.iter().map(column).collect();
            let first = table.0.hours.keys().next().copied().unwrap_or(start);
            let later = spec.from.map_or(SignedDuration::ZERO, |from| midnight(from.on(today)).duration_since(first));
            return Self::ByHour(ByHour { table: Arc::clone(&table.0), later, columns });
        }
        let plan = spec.savings_plan.as_ref().map(|plan| {
            let numbers = plan::kinds(&kind).map(|kind| billing.number(kind));
            (plan.clone(), plan.from.on(today), numbers)
        });
        Self::ByDay(Box::new(ByDay {
            kind: billing.number(kind),
            plan,
            from: spec.from.map_or_else(|| first_day(start), |from| from.on(today)),
            until: spec.until.map(|until| until.on(today)),
            spikes: spec.spikes.iter().map(|spike| (spike.day.on(today), spike.usd)).collect(),
            seed,
            spec: spec.clone(),
        }))
    }

    /// Its rows between two moments of one day.
    pub(super) fn rows(&self, from: Timestamp, until: Timestamp) -> Vec<(usize, Amount)> {
        match self {
            Self::ByDay(planted) => planted.rows(from, until),
            Self::ByHour(planted) => planted.rows(from, until),
        }
    }
}

impl ByHour {
    /// `from` is the begin of an hour. A part of an hour has its part of the usage.
    fn rows(&self, from: Timestamp, until: Timestamp) -> Vec<(usize, Amount)> {
        let Some(quantities) = self.table.hours.get(&(from - self.later)) else { return vec![] };
        let seconds = Decimal::from(until.duration_since(from).as_secs());
        let rows = self.columns.iter().zip(quantities).filter(|(_, quantity)| !quantity.is_zero());
        rows.map(|((kind, price), quantity)| {
            let whole = Amount::on_demand(price * quantity, *quantity);
            (*kind, whole.share(seconds, HOUR.as_secs().into()))
        })
        .collect()
    }
}

impl ByDay {
    fn on(&self, day: Date) -> Amount {
        let spec = &self.spec;
        let is_on = self.from <= day && self.until.is_none_or(|until| day < until);
        let usd = if is_on { self.regular(day) } else { Decimal::ZERO } + self.spikes.get(&day).copied().unwrap_or_default();
        let most = spec.usd.most();
        let quantity = match spec.quantity {
            Some(quantity) if !most.is_zero() => quantity * usd / most,
            _ => Decimal::ZERO,
        };
        Amount::on_demand(usd.round_dp(10), quantity.round_dp(10))
    }

    /// One row, or those of the Savings Plan that covers it.
    fn rows(&self, from: Timestamp, until: Timestamp) -> Vec<(usize, Amount)> {
        let day = day_of(from);
        let Some((part, of)) = self.share(day, from, until) else { return vec![] };
        let used = self.on(day);
        let rows = match self.plan.as_ref().filter(|(_, from, _)| *from <= day) {
            Some((plan, _, kinds)) => kinds.iter().copied().zip(plan::amounts(used, plan)).collect(),
            None => vec![(self.kind, used)],
        };
        if part == of { rows } else { rows.into_iter().map(|(kind, amount)| (kind, amount.share(part, of))).collect() }
    }

    /// Which part of a day's cost is between two moments of the day; `None`: nothing.
    fn share(&self, day: Date, from: Timestamp, until: Timestamp) -> Option<(Decimal, Decimal)> {
        let Some(hours) = &self.spec.hours else {
            return Some((until.duration_since(from).as_secs().into(), DAY.as_secs().into()));
        };
        let part = seconds_in(hours, from, until);
        (part != 0).then(|| (part.into(), seconds_in(hours, midnight(day), midnight(day) + DAY).into()))
    }

    fn regular(&self, day: Date) -> Decimal {
        let spec = &self.spec;
        let mut usd = spec.usd.on(day.weekday());
        if day.weekday().to_monday_zero_offset() >= 5 {
            usd *= spec.weekend;
        }
        if !spec.growth.is_zero() {
            let days = u64::try_from(day.duration_since(self.from).as_hours() / 24).unwrap_or_default();
            usd *= power(Decimal::ONE + spec.growth / dec!(100), days);
        }
        if !spec.noise.is_zero() {
            let number = day.duration_since(Date::ZERO).as_hours().unsigned_abs() / 24;
            usd *= Decimal::ONE + spec.noise / dec!(100) * noise(self.seed, number);
        }
        usd
    }
}

/// How many seconds of these hours are between two moments.
fn seconds_in(hours: &Hours, from: Timestamp, until: Timestamp) -> i64 {
    let parts = hours.between(from, until).into_iter().map(|(begin, end)| end.min(until).duration_since(begin.max(from)).as_secs());
    parts.map(|seconds| seconds.max(0)).sum()
}

fn power(base: Decimal, exponent: u64) -> Decimal {
    let (mut result, mut square, mut rest) = (Decimal::ONE, base, exponent);
    while rest != 0 {
        if rest % 2 == 1 {
            result = (result * square).round_dp(18);
        }
        rest /= 2;
        if rest != 0 {
            square = (square * square).round_dp(18);
        }
    }
    result
}

/// A number from -1 to 1 that looks random and is always the same for the same day (splitmix64).
fn noise(seed: u64, day: u64) -> Decimal {
    let mut mixed = (seed ^ day.rotate_left(32)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    Decimal::from(mixed % 2_000_001) / dec!(1000000) - Decimal::ONE
}
