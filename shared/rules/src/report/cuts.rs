//! Sums of the bill by each cut that the report needs. Rows are added one by one and not kept, so that a bill of millions of rows needs little memory.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use rust_decimal::{Decimal, dec};

use crate::{
    facts::{Charge, Spend},
    report::period::ReportPeriod,
    vocabulary::{
        component::Component,
        period::plus_days,
        text::{folded, one_line},
    },
};

/// The name of spend without a team.
pub const UNTAGGED: &str = "untagged";

/// How many days the trend shows, up to the end of the period.
const TREND_DAYS: i64 = 90;

/// Sums of one day that differ by more are not of the same reading.
const CENT: Decimal = dec!(0.01);

/// What one usage type cost one team on one day.
#[derive(Clone, Copy, Debug)]
pub struct BillRow<'a> {
    /// The UTC day.
    pub day: Date,
    /// The usage type without its Region.
    pub usage: &'a str,
    /// The team. Empty: none.
    pub team: &'a str,
    /// USD: the amortized cost.
    pub usd: Decimal,
    /// How much was used, in its component's unit.
    pub quantity: Decimal,
}

/// Amounts in the period and in the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Twice {
    pub(crate) now: Decimal,
    pub(crate) before: Decimal,
}

/// What a usage type cost a team, and how much was used in the period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    pub(crate) usd: Twice,
    /// What it cost on each day of the period.
    pub(crate) by_day: BTreeMap<Date, Decimal>,
    pub(crate) quantity: Decimal,
}

/// The sums.
#[derive(Clone, Debug)]
pub struct Cuts {
    /// The period.
    pub(crate) period: ReportPeriod,
    /// The days of which the bill is known, each with its cost by component and team.
    pub(crate) days: BTreeMap<Date, HashMap<(Component, usize), Decimal>>,
    /// By account, without credits, refunds and taxes.
    pub(crate) accounts: BTreeMap<String, Twice>,
    /// The period's charges by type: amortized and billed.
    pub(crate) charges: BTreeMap<String, (Decimal, Decimal)>,
    /// What the charges of use come to on each day.
    charged: BTreeMap<Date, Decimal>,
    /// What all charges come to on each day on the invoice.
    invoiced: BTreeMap<Date, Decimal>,
    usages: Names,
    teams: Names,
    /// The component of each usage type.
    components: Vec<Component>,
    used: HashMap<(usize, usize), Used>,
}

/// Names, each with a number.
#[derive(Clone, Debug, Default)]
struct Names {
    numbers: HashMap<String, usize>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("", String::as_str)
    }
}

impl Twice {
    fn add(&mut self, period: ReportPeriod, day: Date, usd: Decimal) {
        if period.has(day) {
            self.now += usd;
        } else if period.before().has(day) {
            self.before += usd;
        }
    }
}

impl std::ops::AddAssign for Twice {
    fn add_assign(&mut self, other: Self) {
        self.now += other.now;
        self.before += other.before;
    }
}

impl Cuts {
    /// Sums of nothing yet.
    pub fn new(period: ReportPeriod) -> Self {
        Self {
            period,
            days: BTreeMap::new(),
            accounts: BTreeMap::new(),
            charges: BTreeMap::new(),
            charged: BTreeMap::new(),
            invoiced: BTreeMap::new(),
            usages: Names::default(),
            teams: Names::default(),
            components: vec![],
            used: HashMap::new(),
        }
    }

    /// The sums of a spend.
    pub fn of(spend: &Spend, period: ReportPeriod) -> Self {
        let mut cuts = Self::new(period);
        for (day, rows) in &spend.days {
            cuts.add_day(*day);
            for row in rows {
                cuts.add(BillRow { day: *day, usage: &row.usage, team: &row.team, usd: row.usd, quantity: row.quantity });
            }
        }
        for (day, charges) in &spend.charges {
            for charge in charges {
                cuts.add_charge(*day, charge);
            }
        }
        cuts
    }

    /// The first day that it needs.
    pub fn first_day(period: ReportPeriod) -> Date {
        plus_days(period.until, -TREND_DAYS).min(period.before().from).min(plus_days(period.until, -1).first_of_month())
    }

    /// Adds a day of which the bill is known, although nothing may have been spent on it.
    pub fn add_day(&mut self, day: Date) {
        self.days.entry(day).or_default();
    }

    /// Adds a row.
    pub fn add(&mut self, row: BillRow<'_>) {
        let (usage, team) = (self.usages.number(row.usage), self.teams.number(row.team));
        if self.components.len() <= usage {
            self.components.push(Component::of(row.usage));
        }
        let component = self.components.get(usage).copied().unwrap_or(Component::Other);
        *self.days.entry(row.day).or_default().entry((component, team)).or_default() += row.usd;
        let used = self.used.entry((usage, team)).or_default();
        used.usd.add(self.period, row.day, row.usd);
        if self.period.has(row.day) {
            used.quantity += row.quantity;
            *used.by_day.entry(row.day).or_default() += row.usd;
        }
    }

    /// Adds what a type of charge came to in an account.
    pub fn add_charge(&mut self, day: Date, charge: &Charge) {
        *self.invoiced.entry(day).or_default() += charge.billed;
        if charge.is_of_use() {
            self.accounts.entry(charge.account.clone()).or_default().add(self.period, day, charge.usd);
            *self.charged.entry(day).or_default() += charge.usd;
        }
        if self.period.has(day) {
            let (usd, billed) = self.charges.entry(charge.record_type.clone()).or_default();
            *usd += charge.usd;
            *billed += charge.billed;
        }
    }

    /// Whether the charges of each day of a period add up to its cost. If not, they were not read, or at another time than the days.
    pub(crate) fn has_charges_of(&self, period: ReportPeriod) -> bool {
        let adds_up = |day: Date| {
            let cost = self.days.get(&day).map(|rows| rows.values().sum::<Decimal>()).unwrap_or_default();
            (cost - self.charged.get(&day).copied().unwrap_or_default()).abs() <= CENT
        };
        period.all_days().all(adds_up)
    }

    /// Whether a period's use costs what its charges come to on the invoice: no credit, refund or Savings Plan makes a difference, as far as charges were read.
    pub(crate) fn is_as_invoiced(&self, period: ReportPeriod) -> bool {
        let sum = |of: &BTreeMap<Date, Decimal>| of.range(period.from..period.until).map(|(_, usd)| *usd).sum::<Decimal>();
        (sum(&self.charged) - sum(&self.invoiced)).abs() <= CENT
    }

    /// What each usage type cost each team.
    pub(crate) fn used(&self) -> impl Iterator<Item = (&str, usize, &Used)> {
        self.used.iter().map(|((usage, team), used)| (self.usages.name(*usage), *team, used))
    }

    /// The teams' names by number, with one spelling for those that differ only in case and blanks: that of the most dollars. [`UNTAGGED`]: no team.
    pub(crate) fn team_names(&self) -> Vec<String> {
        let mut dollars: Vec<Decimal> = vec![Decimal::ZERO; self.teams.names.len()];
        for ((_, team), used) in &self.used {
            if let Some(sum) = dollars.get_mut(*team) {
                *sum += used.usd.now + used.usd.before;
            }
        }
        let mut best: HashMap<String, (Decimal, &str)> = HashMap::new();
        for (name, usd) in self.teams.names.iter().zip(dollars) {
            let one = best.entry(folded(name).collect()).or_insert((usd, name));
            if (one.0, name.as_str()) < (usd, one.1) {
                *one = (usd, name);
            }
        }
        let spelt = |name: &String| {
            let folded: String = folded(name).collect();
            let name = best.get(&folded).map_or(name.as_str(), |(_, name)| name);
            if folded.is_empty() { UNTAGGED.to_owned() } else { one_line(name) }
        };
        self.teams.names.iter().map(spelt).collect()
    }

    /// The name of each team, by its spelling on the bill.
    pub fn spellings(&self) -> BTreeMap<String, String> {
        self.teams.names.iter().cloned().zip(self.team_names()).collect()
    }

    /// The days that the trend shows, without gaps: up to 90 up to the end of the period, from the first that is known.
    pub(crate) fn trend_days(&self) -> Vec<Date> {
        let from = self.days.keys().next().copied().unwrap_or(self.period.until).max(plus_days(self.period.until, -TREND_DAYS));
        let until = self.days.keys().next_back().map_or(self.period.until, |last| plus_days(*last, 1)).min(self.period.until);
        from.series(jiff::Span::new().days(1)).take_while(|day| *day < until).collect()
    }
}
