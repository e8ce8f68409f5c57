//! What the account spends on `SageMaker` in all Regions, by day, usage type and team; AWS's forecast and anomalies (aws-facts §7). Each page costs 0.01 USD,
//! so what was read is cached in the ledger: a day that is final is never read again, and everything else once a day.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicU32, Ordering},
};

use aws_sdk_costexplorer::operation::get_cost_forecast::GetCostForecastError;
use aws_sdk_costexplorer::types::{Anomaly as Described, AnomalyDateInterval, DateInterval, Granularity, Metric};
use cost_rules::{
    facts::{Anomaly, DailySpend, ServiceForecast, Spend, Unread},
    period::day_of,
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
    vocabulary::usage_type::without_region,
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{METRIC, by_usage_and_team, of_group, with_savings_plans};
use crate::{
    clients::{Clients, why::why},
    gather::read::{IN_FLIGHT, Read, amount, decimal, every_page},
    ledger::Ledger,
};

/// How many days the first read goes back: three months, and a few days.
const DAYS: i64 = 95;

/// A day is final this long after its end. Cost Explorer refreshes its data up to three times a day; what it adds later is little.
const FINAL_AFTER: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The time of day (UTC) from which the bill usually contains the previous day. What is read earlier counts as read on the previous day.
const READ_FROM: SignedDuration = SignedDuration::from_hours(8);

/// How long an item is cached: two quarters and some days.
const KEPT: SignedDuration = SignedDuration::from_hours(200 * 24);

/// The most rows of a day that are cached separately. The others are summed up, because an item of the ledger has a size limit.
const ROWS: usize = 500;

/// How many days back AWS's anomalies are read.
const ANOMALY_DAYS: i64 = 28;

/// The confidence of AWS's forecast interval, in percent.
const LEVEL: i32 = 80;

/// Names of items in the ledger. `DAY` is a prefix.
const DAY: &str = "spend#";
const DAYS_ASKED: &str = "spend-asked";
const ANOMALIES: &str = "anomalies";
const AHEAD: &str = "forecast";

/// What is known of the spend, and what could not be read or cached.
#[derive(Default)]
pub struct Known {
    /// The spend. `None`: nothing is known.
    pub spend: Option<Spend>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What could not be cached: the next run pays for it again.
    pub failures: Vec<String>,
    /// The number of requests to Cost Explorer, 0.01 USD each.
    pub requests: u32,
}

/// Sends requests to Cost Explorer, and counts them.
struct Asking<'a> {
    clients: &'a Clients,
    rulebook: &'a Rulebook,
    now: Timestamp,
    requests: AtomicU32,
}

/// The spend: from the ledger, and what is new today from Cost Explorer. `keeps`: whether what was read is cached; if not (in a dry run), the next run reads it
/// again.
pub async fn read(clients: &Clients, rulebook: &Rulebook, ledger: &Ledger<'_>, account: &str, keeps: bool, now: Timestamp) -> Known {
    let mut known = Known::default();
    let cached = match ledger.all_kept().await {
        Ok(cached) => cached,
        // Without the ledger, every run would pay for it again.
        Err(error) => {
            known.unread.push(unread("what SageMaker cost", format!("{error:#}")));
            return known;
        }
    };
    let question = question(rulebook);
    let cached: Kept = cached.into_iter().filter_map(|(name, (at, text))| Some((name, (at, answer_to(&question, &text)?)))).collect();
    let today = day_of(now);
    let asking = Asking { clients, rulebook, now, requests: AtomicU32::new(0) };
    let is_todays = |name: &str| cached.get(name).is_some_and(|(at, _)| day_of(*at - READ_FROM) == day_of(now - READ_FROM));
    let days = async {
        let first = first_not_final(&cached, today);
        if is_todays(DAYS_ASKED) { (Days::new(), None) } else { asking.days(first, today).await }
    };
    let anomalies = async { if is_todays(ANOMALIES) { Ok(None) } else { asking.anomalies().await.map(Some) } };
    let ahead = async { if is_todays(AHEAD) { Ok(None) } else { asking.ahead().await.map(Some) } };
    let (days, anomalies, ahead) = tokio::join!(Box::pin(days), Box::pin(anomalies), Box::pin(ahead));

    let mut keep = Keep { ledger, keeps, now, question: &question, items: vec![] };
    let mut all = kept_days(&cached);
    let (days, why) = days;
    let is_whole = why.is_none();
    known.unread.extend(why.map(|why| unread("what SageMaker cost by day", why)));
    for (day, rows) in days {
        keep.add(format!("{DAY}{day}"), &rows);
        all.insert(day, rows);
    }
    let anomalies = keep.told(ANOMALIES, anomalies, &cached, &mut known, "anomalies of what SageMaker cost");
    let ahead = keep.told(AHEAD, ahead, &cached, &mut known, "forecast of what SageMaker will cost").flatten();
    known.failures = keep.all().await;
    // The days count as read only if they are cached.
    if is_whole && known.failures.is_empty() && !is_todays(DAYS_ASKED) {
        keep.add(DAYS_ASKED.to_owned(), &());
        known.failures = keep.all().await;
    }
    known.requests = asking.requests.into_inner();
    if !all.is_empty() {
        let resource = Resource {
            id: Kind::Spend.id("sagemaker"),
            arn: None,
            name: format!("SageMaker of account {account}"),
            tags: Tags::Known(BTreeMap::new()),
            ownership: Ownership::default(),
        };
        known.spend = Some(Spend { resource, days: all, anomalies, ahead, uncovered: None, running: None });
    }
    known
}

fn unread(what: &str, why: String) -> Unread {
    Unread::new(what, why)
}

/// The cached items by name: when each was cached, and its value.
type Kept = HashMap<String, (Timestamp, Value)>;

/// The spend of each day.
type Days = BTreeMap<Date, Vec<DailySpend>>;

/// The parts of the policy that the answers depend on. Answers to another question are not used.
fn question(rulebook: &Rulebook) -> String {
    format!(
        "{METRIC} of {} by {}",
        rulebook.policy.billing.services.join(", "),
        rulebook.policy.team_tags.first().map_or("", String::as_str)
    )
}

fn answer_to(question: &str, text: &str) -> Option<Value> {
    let mut item: Value = serde_json::from_str(text).ok()?;
    (item["of"] == question).then(|| item["what"].take())
}

/// The first day that is not final or not cached: from this one on, the days are read again.
fn first_not_final(kept: &Kept, today: Date) -> Date {
    let is_final = |day: Date| {
        let read = kept.get(&format!("{DAY}{day}")).filter(|(_, what)| rows_of(what).is_some()).map(|(at, _)| *at);
        let end = TimeZone::UTC.to_timestamp(day.saturating_add(1.day()).at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX);
        read.is_some_and(|at| FINAL_AFTER <= at.duration_since(end))
    };
    let mut days = (1..=DAYS).rev().map(|ago| today.saturating_sub(ago.days()));
    days.find(|day| !is_final(*day)).unwrap_or(today)
}

fn rows_of(what: &Value) -> Option<Vec<DailySpend>> {
    Deserialize::deserialize(what).ok()
}

fn kept_days(kept: &Kept) -> Days {
    let day = |(name, (_, what)): (&String, &(Timestamp, Value))| Some((name.strip_prefix(DAY)?.parse().ok()?, rows_of(what)?));
    kept.iter().filter_map(day).collect()
}

/// Collects what is cached in the ledger.
struct Keep<'a> {
    ledger: &'a Ledger<'a>,
    keeps: bool,
    now: Timestamp,
    question: &'a str,
    items: Vec<(String, String)>,
}

impl Keep<'_> {
    fn add(&mut self, name: String, what: &impl Serialize) {
        if self.keeps {
            self.items.push((name, json!({"of": self.question, "what": what}).to_string()));
        }
    }

    /// Returns what was read now, or else what is cached. What another version cached in another form is ignored.
    fn told<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        read: Read<Option<T>>,
        kept: &Kept,
        known: &mut Known,
        what: &str,
    ) -> Option<T> {
        match read {
            Ok(Some(new)) => {
                self.add(name.to_owned(), &new);
                Some(new)
            }
            Ok(None) => kept.get(name).and_then(|(_, what)| T::deserialize(what).ok()),
            Err(why) => {
                known.unread.push(unread(what, why));
                None
            }
        }
    }

    async fn all(&mut self) -> Vec<String> {
        let (ledger, now, items) = (self.ledger, self.now, std::mem::take(&mut self.items));
        let written = stream::iter(items).map(async |(name, text)| ledger.keep_for(&name, &text, now, KEPT).await);
        written
            .buffer_unordered(IN_FLIGHT)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .filter_map(|written| Some(format!("{:#}", written.err()?)))
            .collect()
    }
}

impl Asking<'_> {
    fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The spend of each day from `first` to the day before `today`, including days without any. Also returns why that is not all, if so: the pages before one
    /// that failed are used, because they are paid for.
    async fn days(&self, first: Date, today: Date) -> (Days, Option<String>) {
        let mut days: BTreeMap<Date, BTreeMap<(String, String), Decimal>> = BTreeMap::new();
        if today <= first {
            return (Days::new(), None);
        }
        let period = match DateInterval::builder().start(first.to_string()).end(today.to_string()).build() {
            Ok(period) => period,
            Err(error) => return (Days::new(), Some(error.to_string())),
        };
        let read = every_page(self.clients, async |token| {
            let call = self.clients.costexplorer.get_cost_and_usage().time_period(period.clone()).granularity(Granularity::Daily);
            let call = call
                .metrics(METRIC)
                .filter(with_savings_plans(self.rulebook))
                .set_group_by(Some(by_usage_and_team(self.rulebook)))
                .set_next_page_token(token);
            self.request();
            let page = call.send().await.map_err(|error| format!("ce:GetCostAndUsage: {}", why(&error)))?;
            for result in page.results_by_time.unwrap_or_default() {
                let start = result.time_period.as_ref().map(|period| period.start.as_str()).unwrap_or_default();
                let day: Date = start.parse().map_err(|_| format!("ce:GetCostAndUsage: a day is `{start}`, expected 2026-11-12"))?;
                let rows = days.entry(day).or_default();
                for group in result.groups.unwrap_or_default() {
                    let (usage, team, usd) = of_group(group)?;
                    *rows.entry((usage, team)).or_default() += usd;
                }
            }
            Ok(page.next_page_token)
        });
        let why = read.await.err();
        // The failed page may have more of the last day.
        if why.is_some() {
            days.pop_last();
        }
        (days.into_iter().map(|(day, rows)| (day, the_largest(rows))).collect(), why)
    }

    /// AWS's anomalies that `SageMaker` contributes to.
    async fn anomalies(&self) -> Read<Vec<Anomaly>> {
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

    fn anomaly(&self, anomaly: Described) -> Option<Anomaly> {
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
    async fn ahead(&self) -> Read<Option<ServiceForecast>> {
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

/// The largest rows of a day; the others are summed up by team.
fn the_largest(rows: BTreeMap<(String, String), Decimal>) -> Vec<DailySpend> {
    let mut rows: Vec<DailySpend> = rows.into_iter().map(|((usage, team), usd)| DailySpend { usage, team, usd: usd.normalize() }).collect();
    rows.retain(|row| !row.usd.is_zero());
    rows.sort_by(|a, b| b.usd.abs().cmp(&a.usd.abs()).then_with(|| (&a.usage, &a.team).cmp(&(&b.usage, &b.team))));
    let rest = rows.split_off(ROWS.min(rows.len()));
    let mut by_team: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in rest {
        *by_team.entry(row.team).or_default() += row.usd;
    }
    rows.extend(by_team.into_iter().map(|(team, usd)| DailySpend { usage: "others".to_owned(), team, usd }));
    rows
}

#[cfg(test)]
mod tests;
