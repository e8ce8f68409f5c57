//! Which amounts a page may have: those of its report, and what follows from them by addition.

use std::collections::BTreeSet;

use cost_rules::{
    price::dollars,
    report::{Change, CostReport, Money, Series},
};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

/// The amounts in a text, without their signs.
pub(crate) fn on(text: &str) -> BTreeSet<String> {
    let digits = |rest: &str| rest.chars().take_while(|c| c.is_ascii_digit() || ",.".contains(*c)).collect::<String>();
    let amounts = text.split('$').skip(1).map(|rest| format!("${}", digits(rest).trim_end_matches(['.', ','])));
    amounts.filter(|amount| 1 < amount.len()).collect()
}

/// All amounts that a report's page may have, as they may be written.
pub(crate) fn known(report: &CostReport) -> BTreeSet<String> {
    let json = serde_json::to_value(report).unwrap();
    let mut all = derived(report);
    let mut written = BTreeSet::new();
    strings(&json, &mut |text| match text.parse::<Decimal>() {
        Ok(usd) => all.push(Money(usd)),
        Err(_) => written.extend(on(text)),
    });
    for Money(usd) in all {
        written.extend(forms(usd.abs()));
    }
    written
}

/// An amount with cents, in whole dollars, and as a unit cost.
fn forms(usd: Decimal) -> [String; 3] {
    let rounded = |digits| usd.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    [dollars(usd), dollars(rounded(0)).trim_end_matches(".00").to_owned(), format!("${:.4}", rounded(4))]
}

fn strings(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => found(text),
        Value::Array(all) => all.iter().for_each(|one| strings(one, found)),
        Value::Object(all) => all.values().for_each(|one| strings(one, found)),
        _ => {}
    }
}

/// What follows from the report's amounts.
fn derived(report: &CostReport) -> Vec<Money> {
    let mut all = vec![];
    let lines = report.teams.iter().chain(&report.accounts).map(|line| line.spent);
    let changes: Vec<Change> = lines.chain(report.components.iter().map(|line| line.spent)).chain([report.spent]).collect();
    let compared: Vec<Change> = changes.iter().map(|change| change.by_days_of(report.period)).collect();
    all.extend(compared.iter().filter_map(|change| change.before));
    all.extend(compared.iter().filter_map(Change::difference));
    all.extend(report.average_day().into_iter().flat_map(|day| [day.usd, day.before]));
    let sum = |all: Vec<Money>| all.into_iter().sum::<Money>();
    let named = sum(report.causes.iter().map(|cause| cause.difference).collect());
    all.extend(report.spent.by_days_of(report.period).difference().map(|difference| Money(difference.0 - named.0)));
    all.extend(report.month.budgets.iter().filter_map(|budget| Some(Money(budget.forecast?.0 - budget.limit.0))));
    let guard = &report.guard;
    all.push(Money(guard.estimated.0 - guard.realised.0 - guard.open.0));
    all.push(sum(report.decisions.iter().take(20).filter_map(|decision| decision.usd_per_month).collect()));
    all.push(sum(report.sleeping.iter().filter_map(|endpoint| endpoint.saved).collect()));
    let plans = &report.savings_plans;
    let commitment = plans.covered.0 + plans.unused.unwrap_or_default().0;
    let eligible = plans.covered_on_demand.0 + plans.not_covered.0;
    all.extend([commitment, eligible, plans.covered_on_demand.0 - commitment].map(Money));
    let counted = || report.method.charge_types.iter().filter(|charge| charge.is_counted);
    all.push(counted().map(|charge| charge.billed).sum());
    all.push(counted().map(|charge| charge.amortized).sum());
    all.extend(of_trend(report));
    all.extend(of_rests(report));
    all
}

/// The days, and the blocks of seven days: of each component, of all, and of those after the first seven.
fn of_trend(report: &CostReport) -> Vec<Money> {
    let all = &report.trend.components;
    let days = report.trend.days.len();
    let sum = |of: &[Series], from: usize, until: usize| of.iter().flat_map(|series| &series.usd[from..until]).copied().sum::<Money>();
    let mut sums: Vec<Money> = (0..days).map(|day| sum(all, day, day + 1)).collect();
    for from in (days % 7..days).step_by(7) {
        sums.extend(all.iter().map(|one| sum(std::slice::from_ref(one), from, from + 7)));
        sums.extend([sum(all, from, from + 7), sum(&all[7.min(all.len())..], from, from + 7)]);
    }
    sums
}

/// What tables that are cut leave out: everything after the first so many.
fn of_rests(report: &CostReport) -> Vec<Money> {
    let tails = |usd: Vec<Money>| {
        let longer = |sum: &mut Decimal, usd: Money| {
            *sum += usd.0;
            Some(Money(*sum))
        };
        usd.into_iter().rev().scan(Decimal::ZERO, longer).collect::<Vec<Money>>()
    };
    let of_types = report.components.iter().flat_map(|line| {
        let mut usd: Vec<Money> = line.usage_types.values().copied().collect();
        usd.sort_by(|one, other| other.cmp(one));
        tails(usd)
    });
    let tables = [
        report.teams.iter().map(|line| line.spent.usd).collect(),
        report.accounts.iter().map(|line| line.spent.usd).collect(),
        report.instance_types.iter().map(|line| line.usd).collect(),
        report.guard.savings.iter().map(|saving| saving.estimated).collect(),
        report.sleeping.iter().filter_map(|endpoint| endpoint.saved).collect(),
        report.exemptions.iter().filter_map(|exemption| exemption.usd_per_month).collect(),
        report.inference.iter().filter_map(|advice| advice.saves).collect(),
        report.method.charge_types.iter().map(|charge| charge.amortized).collect(),
    ];
    tables.into_iter().flat_map(tails).chain(of_types).collect()
}
