//! The month in which the period ends: what it came to, AWS's forecast of it, and its budgets.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use super::View;
use crate::{
    facts::ServiceForecast,
    report::{Budget, Forecast, Money, Month, budget::BudgetOnRecord, period::ReportPeriod},
    vocabulary::{
        period::day_of,
        text::{is_alike, one_line},
    },
};

impl View<'_> {
    pub(super) fn month(&self) -> Month {
        let month = self.period().last_month();
        let so_far = ReportPeriod { until: self.period().until.min(month.until), ..month };
        let (is_over, as_of) = (month.is_over(self.from.now), self.from.budgets_read.map(day_of));
        let mut budgets: Vec<Budget> = self.from.budgets_of(self.team).map(|(one, by_bill)| one.line(as_of, is_over, by_bill)).collect();
        budgets.sort_by_key(|budget| Reverse(budget.used()));
        let (usd, missing_days) = (self.spent_in(so_far), self.missing_days(so_far));
        let lacks_budgets = self.from.budgets_read.is_none();
        Month { name: month.words(), usd: Money(usd), missing_days, is_over, forecast: self.forecast(month), budgets, lacks_budgets }
    }

    fn forecast(&self, month: ReportPeriod) -> Option<Forecast> {
        let ahead = self.ahead()?;
        let before = ReportPeriod { until: ahead.from, ..month };
        let with = |usd: Decimal| Money(self.spent_in(before) + usd);
        Some(Forecast { usd: with(ahead.usd), low: with(ahead.low), high: with(ahead.high), missing_days: self.missing_days(before) })
    }

    fn spent_in(&self, days: ReportPeriod) -> Decimal {
        self.from.cuts.days.range(days.from..days.until.max(days.from)).map(|(_, rows)| self.sum_of(rows, |_| true)).sum()
    }

    /// AWS's forecast, if it is of the report's month. It is of the whole account.
    pub(super) fn ahead(&self) -> Option<ServiceForecast> {
        self.from.ahead.filter(|ahead| self.team.is_none() && ahead.until == self.period().last_month().until && ahead.from < ahead.until)
    }

    /// The month's lowest budget of SageMaker alone: its name, and what it allows on each day.
    pub(super) fn lowest_budget(&self) -> Option<(String, Money)> {
        let month = self.period().last_month();
        let is_its = |one: &&BudgetOnRecord| match (self.team, &one.team) {
            (Some(own), Some(team)) => is_alike(own, team),
            (own, team) => own.is_none() && team.is_none(),
        };
        let budgets =
            self.from.budgets.iter().filter(|one| one.is_of_sagemaker && one.unhealthy.is_none() && one.month == month.from).filter(is_its);
        let lowest = budgets.min_by_key(|one| one.limit)?;
        Some((one_line(&lowest.name), Money(lowest.limit / Decimal::from(month.days().max(1)))))
    }
}
