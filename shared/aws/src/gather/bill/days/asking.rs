//! The requests to Cost Explorer, and what its answers say.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use aws_sdk_costexplorer::{
    operation::{get_cost_and_usage::builders::GetCostAndUsageFluentBuilder, get_cost_forecast::GetCostForecastError},
    types::{Anomaly as Described, AnomalyDateInterval, DateInterval, Granularity, Group, Metric},
};
use cost_rules::{
    facts::{Anomaly, Charge, DailySpend, ServiceForecast},
    period::day_of,
    rulebook::Rulebook,
    vocabulary::{component::Component, usage_type::without_region},
};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use rust_decimal::Decimal;

use super::super::{
    Amounts, BILLED, METRIC, QUANTITY, all_charges, by_account_and_charge, by_usage_and_team, keys_and_amounts, of_group,
    with_savings_plans,
};
use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, amount, decimal, every_page},
};

/// The most rows of a day that are cached separately. The others are summed up, because an item of the ledger has a size limit.
pub(super) const ROWS: usize = 500;

/// How many days back AWS's anomalies are read.
const ANOMALY_DAYS: i64 = 28;

/// The confidence of AWS's forecast interval, in percent.
const LEVEL: i32 = 80;

/// Sends requests to Cost Explorer, and counts them.
pub(super) struct Asking<'a> {
    pub(super) clients: &'a Clients,
    pub(super) rulebook: &'a Rulebook,
    pub(super) now: Timestamp,
    pub(super) requests: AtomicU32,
}

/// What was read of each day, and why that is not all, if so.
pub(super) type Answer<T> = (BTreeMap<Date, Vec<T>>, Option<String>);

impl Asking<'_> {
    fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The spend of each day from `first` to the day before `today`, including days without any.
    pub(super) async fn days(&self, first: Date, today: Date) -> Answer<DailySpend> {
        let call = self.clients.costexplorer.get_cost_and_usage().metrics(METRIC).metrics(BILLED).metrics(QUANTITY);
        let call = call.filter(with_savings_plans(self.rulebook)).set_group_by(Some(by_usage_and_team(self.rulebook)));
        let mut days: BTreeMap<Date, BTreeMap<(String, String), Amounts>> = BTreeMap::new();
        let why = self
            .by_day(call, (first, today), |day, group| {
                let rows = days.entry(day).or_default();
                let Some((usage, team, amounts)) = group.map(of_group).transpose()? else { return Ok(()) };
                *rows.entry((usage, team)).or_default() += amounts;
                Ok(())
            })
            .await;
        // The failed page may have more of the last day.
        if why.is_some() {
            days.pop_last();
        }
        (days.into_iter().map(|(day, rows)| (day, the_largest(rows))).collect(), why)
    }

    /// What each type of charge came to on each of these days, by account.
    pub(super) async fn charges(&self, first: Date, today: Date) -> Answer<Charge> {
        let call = self.clients.costexplorer.get_cost_and_usage().metrics(METRIC).metrics(BILLED);
        let call = call.filter(all_charges(self.rulebook)).set_group_by(Some(by_account_and_charge().into()));
        let mut days: BTreeMap<Date, Vec<Charge>> = BTreeMap::new();
        let why = self
            .by_day(call, (first, today), |day, group| {
                let charges = days.entry(day).or_default();
                let Some((account, record_type, amounts)) = group.map(keys_and_amounts).transpose()? else { return Ok(()) };
                let Amounts { usd, billed, .. } = amounts;
                charges.push(Charge { account, record_type, usd: usd.normalize(), billed: billed.unwrap_or(usd).normalize() });
                Ok(())
            })
            .await;
        if why.is_some() {
            days.pop_last();
        }
        (days, why)
    }

    /// Reads all pages of a question about each day, and hands over each day without a group, then its groups. Returns why that is not all, if so: the pages
    /// before one that failed are used, because they are paid for.
    async fn by_day(
        &self,
        call: GetCostAndUsageFluentBuilder,
        (first, today): (Date, Date),
        mut add: impl FnMut(Date, Option<Group>) -> Read<()>,
    ) -> Option<String> {
        if today <= first {
            return None;
        }
        let period = match DateInterval::builder().start(first.to_string()).end(today.to_string()).build() {
            Ok(period) => period,
            Err(error) => return Some(error.to_string()),
        };
        let call = call.time_period(period).granularity(Granularity::Daily);
        let read = every_page(self.clients, async |token| {
            self.request();
            let page = call.clone().set_next_page_token(token).send().await;
            let page = page.map_err(|error| format!("ce:GetCostAndUsage: {}", why(&error)))?;
            for result in page.results_by_time.unwrap_or_default() {
                let start = result.time_period.as_ref().map(|period| period.start.as_str()).unwrap_or_default();
                let day: Date = start.parse().map_err(|_| format!("ce:GetCostAndUsage: a day is `{start}`, expected 2026-11-12"))?;
                add(day, None)?;
                for group in result.groups.unwrap_or_default() {
                    add(day, Some(group))?;
                }
            }
            Ok(page.next_page_token)
        });
        read.await.err()
    }

    /// AWS's anomalies that `SageMaker` contributes to.
    pub(super) async fn anomalies(&self) -> Read<Vec<Anomaly>> {
        let today = day_of(self.now);
        let interval = AnomalyDateInterval::builder()
            .start_date(today.saturating_sub(ANOMALY_DAYS.days()).to_string())
            .end_date(today.saturating_sub(1.day()).to_string())
            .build()
            .map_err(|error| error.to_string())?;
        let mut anomalies = vec![];
        let read = every_page(self.clients, async |token| {
            self.request();
            let call = self.clients.costexplorer.get_anomalies().date_interval(interval.clone()).set_next_page_token(token);
            let page = call.send().await.map_err(|error| format!("ce:GetAnomalies: {}", why(&error)))?;
            anomalies.extend(page.anomalies.into_iter().filter_map(|anomaly| self.anomaly(anomaly)));
            Ok(page.next_page_token)
        });
        read.await.map(|()| anomalies)
    }

    pub(super) fn anomaly(&self, anomaly: Described) -> Option<Anomaly> {
        let services = &self.rulebook.policy.billing.services;
        let causes = anomaly.root_causes.unwrap_or_default();
        let of_service = |service: Option<&String>| service.is_some_and(|service| services.contains(service));
        let is_of_service = of_service(anomaly.dimension_value.as_ref());
        let is_ours = is_of_service || causes.iter().any(|cause| of_service(cause.service.as_ref()));
        let impact = anomaly.impact.filter(|_| is_ours)?;
        // The dates are timestamps: `2026-11-24T00:00:00Z`.
        let day = |moment: Option<&String>| moment?.get(..10)?.parse().ok();
        let causes = causes.into_iter().filter(|cause| of_service(cause.service.as_ref())).filter_map(|cause| {
            let usd = cause.impact.and_then(|impact| amount(impact.contribution)).unwrap_or_default();
            Some((without_region(&cause.usage_type?).to_owned(), usd))
        });
        let causes: Vec<(String, Decimal)> = causes.collect();
        // If the anomaly is not only of `SageMaker`, only its part counts.
        let (expected, actual) = if is_of_service {
            (
                impact.total_expected_spend.and_then(amount).unwrap_or_default(),
                impact.total_actual_spend.or(Some(impact.total_impact)).and_then(amount)?,
            )
        } else {
            (Decimal::ZERO, causes.iter().map(|(_, usd)| *usd).sum())
        };
        Some(Anomaly {
            from: day(anomaly.anomaly_start_date.as_ref())?,
            until: day(anomaly.anomaly_end_date.as_ref()),
            expected,
            actual,
            causes,
        })
    }

    /// AWS's forecast for the rest of this month. `None`: AWS has too little history.
    pub(super) async fn ahead(&self) -> Read<Option<ServiceForecast>> {
        let today = day_of(self.now);
        let until = today.first_of_month().saturating_add(1.month());
        let period = DateInterval::builder().start(today.to_string()).end(until.to_string()).build().map_err(|error| error.to_string())?;
        self.request();
        let call = self.clients.costexplorer.get_cost_forecast().time_period(period).metric(Metric::AmortizedCost);
        let call = call.granularity(Granularity::Monthly).prediction_interval_level(LEVEL).filter(with_savings_plans(self.rulebook));
        let found = match call.send().await {
            Ok(found) => found,
            Err(error) if error.as_service_error().is_some_and(GetCostForecastError::is_data_unavailable_exception) => return Ok(None),
            Err(error) => return Err(format!("ce:GetCostForecast: {}", why(&error))),
        };
        let mut ahead = ServiceForecast { from: today, until, usd: Decimal::ZERO, low: Decimal::ZERO, high: Decimal::ZERO };
        for result in found.forecast_results_by_time.unwrap_or_default() {
            let number = |text: Option<String>| text.as_deref().map(decimal).transpose();
            let mean = number(result.mean_value)?.unwrap_or_default();
            ahead.usd += mean;
            ahead.low += number(result.prediction_interval_lower_bound)?.unwrap_or(mean);
            ahead.high += number(result.prediction_interval_upper_bound)?.unwrap_or(mean);
        }
        Ok(Some(ahead))
    }
}

/// The largest rows of a day; the others are summed up by component and team.
pub(super) fn the_largest(rows: BTreeMap<(String, String), Amounts>) -> Vec<DailySpend> {
    let mut rows: Vec<((String, String), Amounts)> = rows.into_iter().filter(|(_, amounts)| !amounts.are_zero()).collect();
    rows.sort_by(|(a, of_a), (b, of_b)| of_b.usd.abs().cmp(&of_a.usd.abs()).then_with(|| a.cmp(b)));
    let rest = rows.split_off(ROWS.min(rows.len()));
    let mut summed: BTreeMap<(Component, String), Amounts> = BTreeMap::new();
    for ((usage, team), amounts) in rest {
        *summed.entry((Component::of(&usage), team)).or_default() += amounts;
    }
    rows.extend(summed.into_iter().map(|((component, team), amounts)| ((component.rest(), team), amounts)));
    rows.into_iter().map(|((usage, team), amounts)| amounts.into_row(usage, team)).collect()
}
