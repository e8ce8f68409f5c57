//! `GetAnomalies`: planted anomalies, and days on which a service cost much more than on its last four such weekdays without an anomaly.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};

use super::{account_name, day, fingerprint, page};
use crate::{
    life::billing::{Kind, Visible, day_of, first_day, midnight, number, plus_days},
    wire::{Refusal, text},
    world::World,
};

/// How many days back anomalies can be asked for (aws-facts §7.4).
const DAYS: i64 = 90;
/// How many of the last such weekdays make the expected cost, and how many are needed at least.
const WEEKDAYS: usize = 4;
const NEEDED: usize = 2;
/// After this many days in a row, the higher cost counts as normal.
const NEW_NORMAL: i64 = 14;

/// A period in which a service cost more than expected.
struct Anomaly {
    service: String,
    start: Date,
    last: Date,
    /// Whether it ended before the last complete day.
    is_over: bool,
    actual: Decimal,
    expected: Decimal,
    most: Decimal,
    causes: Vec<Cause>,
}

struct Cause {
    usage_type: String,
    region: String,
    account: String,
    usd: Decimal,
}

/// The costs by day, and by usage type, Region and account.
type Days = BTreeMap<Date, BTreeMap<(String, String, String), Decimal>>;

impl Cause {
    fn is_like(&self, other: &Self) -> bool {
        (&self.usage_type, &self.region, &self.account) == (&other.usage_type, &other.region, &other.account)
    }
}

impl Anomaly {
    fn impact(&self) -> Decimal {
        self.actual - self.expected
    }

    fn json(&self, monitor: &str) -> Value {
        let causes: Vec<Value> = self
            .causes
            .iter()
            .map(|cause| {
                json!({"Service": self.service, "Region": cause.region, "LinkedAccount": cause.account,
                       "LinkedAccountName": account_name(&cause.account), "UsageType": cause.usage_type,
                       "Impact": {"Contribution": number(cause.usd)}})
            })
            .collect();
        let mut impact = json!({
            "MaxImpact": number(self.most), "TotalImpact": number(self.impact()),
            "TotalActualSpend": number(self.actual), "TotalExpectedSpend": number(self.expected),
        });
        // Absent if nothing was expected (botocore's model).
        if !self.expected.is_zero() {
            impact["TotalImpactPercentage"] = number((self.impact() / self.expected * dec!(100)).round_dp(2));
        }
        let score = if self.actual.is_zero() {
            Decimal::ZERO
        } else {
            (self.impact() / self.actual).clamp(Decimal::ZERO, Decimal::ONE).round_dp(2)
        };
        let id = fingerprint(&format!("{} {}", self.service, self.start));
        let mut anomaly = json!({
            "AnomalyId": format!("{}-{}-4{}-8000-{}", &id[..8], &id[8..12], &id[13..], &fingerprint(&id)[4..]),
            "AnomalyStartDate": format!("{}T00:00:00Z", self.start), "DimensionValue": self.service, "RootCauses": causes,
            "AnomalyScore": {"MaxScore": number(score), "CurrentScore": number(score)}, "Impact": impact, "MonitorArn": monitor,
        });
        if self.is_over {
            anomaly["AnomalyEndDate"] = format!("{}T00:00:00Z", self.last).into();
        }
        anomaly
    }
}

pub(super) fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let interval = input.get("DateInterval").cloned().unwrap_or_default();
    let today = day_of(world.now);
    let start = day(&interval, "StartDate")?;
    let latest = plus_days(today, -1);
    let end = if text(&interval, "EndDate").is_some() { day(&interval, "EndDate")? } else { latest };
    let earliest = plus_days(today, -DAYS);
    if start < earliest {
        return Err(Refusal::validation(format!("Earliest supported detectionDate for GetRecentAnomalies is {earliest}")));
    }
    if latest < end {
        return Err(Refusal::validation(format!("Latest supported detectionDate for GetRecentAnomalies is {latest}")));
    }
    if end < start {
        return Err(Refusal::validation(format!("StartDate {start} must not be after EndDate {end}")));
    }
    let monitor = format!("arn:aws:ce::{}:anomalymonitor/00000000-0000-4000-8000-000000000001", world.account);
    let is_wanted = text(input, "MonitorArn").is_none_or(|wanted| wanted == monitor) && text(input, "Feedback").is_none();
    let bounds = input.get("TotalImpact");
    let mut all = found(world);
    all.extend(planted(world));
    all.retain(|one| is_wanted && (start..=end).contains(&one.last) && bounds.is_none_or(|bounds| within(one.impact(), bounds)));
    all.sort_by(|one, other| (one.start, &one.service).cmp(&(other.start, &other.service)));
    let page = page(world, input, "NextPageToken", all.len())?;
    let list: Vec<Value> = all.get(page.range.clone()).unwrap_or_default().iter().map(|one| one.json(&monitor)).collect();
    Ok(page.sign(json!({"Anomalies": list}), "NextPageToken"))
}

/// Whether an impact matches the input's `TotalImpact`.
fn within(impact: Decimal, bounds: &Value) -> bool {
    let bound = |name: &str| bounds.get(name).and_then(|bound| bound.to_string().parse::<Decimal>().ok()).unwrap_or_default();
    let start = bound("StartValue");
    match text(bounds, "NumericOperator").unwrap_or_default() {
        "EQUAL" => impact == start,
        "GREATER_THAN_OR_EQUAL" => start <= impact,
        "LESS_THAN_OR_EQUAL" => impact <= start,
        "GREATER_THAN" => start < impact,
        "LESS_THAN" => impact < start,
        _ => (start..=bound("EndValue")).contains(&impact),
    }
}

fn planted(world: &World) -> impl Iterator<Item = Anomaly> {
    let (start_day, known) = (day_of(world.started), plus_days(day_of(world.billing.settled()), -1));
    world.anomalies.iter().filter_map(move |spec| {
        let start = spec.start.on(start_day);
        let end = spec.end.map(|end| end.on(start_day));
        let impact = spec.actual - spec.expected;
        let cause = |usage_type: &String| Cause {
            usage_type: usage_type.clone(),
            region: world.region.clone(),
            account: world.account.clone(),
            usd: impact,
        };
        (start <= known).then(|| Anomaly {
            service: spec.service.clone(),
            start,
            last: end.unwrap_or(known).min(known),
            is_over: end.is_some_and(|end| end <= known),
            actual: spec.actual,
            expected: spec.expected,
            most: impact,
            causes: spec.usage_type.iter().map(cause).collect(),
        })
    })
}

/// The anomalies in the spend.
fn found(world: &World) -> Vec<Anomaly> {
    let today = day_of(world.billing.settled());
    let mut services: BTreeMap<String, Days> = BTreeMap::new();
    let sort = |kind: &Kind, _: &Visible<'_>| {
        let cause = (kind.usage_type.clone(), kind.region.clone(), kind.account.clone());
        matches!(kind.record_type.as_str(), "Usage" | "SavingsPlanCoveredUsage").then(|| (kind.service.clone(), cause))
    };
    world.billing.sorted(midnight(first_day(world.now)), midnight(today), sort, |slot, (service, cause), _, amount| {
        let days = services.entry(service.clone()).or_default();
        *days.entry(slot.day).or_default().entry(cause.clone()).or_default() += amount.usd;
    });
    services.into_iter().flat_map(|(service, days)| of_service(world, &service, &days, today)).collect()
}

fn of_service(world: &World, service: &str, days: &Days, today: Date) -> Vec<Anomaly> {
    let spec = &world.cost_explorer;
    let mut anomalies: Vec<Anomaly> = vec![];
    // The days without an anomaly by weekday, oldest first.
    let mut usual: [Vec<Date>; 7] = Default::default();
    let total = |day: &Date| -> Decimal { days.get(day).map(|causes| causes.values().copied().sum()).unwrap_or_default() };
    let mean = |of: &[Date], what: &dyn Fn(&Date) -> Decimal| of.iter().map(what).sum::<Decimal>() / Decimal::from(of.len().max(1));
    let Some(first) = days.keys().next().copied() else { return anomalies };
    for day in (0..).map(|offset| plus_days(first, offset)).take_while(|day| *day < today) {
        let Some(usual) = usual.get_mut(usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default()) else { continue };
        let actual = total(&day);
        let expected = mean(usual, &total);
        let more = actual - expected;
        let much = NEEDED <= usual.len() && spec.anomaly_usd <= more && expected * spec.anomaly_percent / dec!(100) <= more;
        let under_way = anomalies.last_mut().filter(|last| plus_days(last.last, 1) == day);
        let is_normal_by_now = under_way.as_ref().is_some_and(|one| plus_days(one.start, NEW_NORMAL) <= day);
        if !much || is_normal_by_now {
            usual.push(day);
            if WEEKDAYS < usual.len() {
                usual.remove(0);
            }
            continue;
        }
        let causes: Vec<Cause> = days
            .get(&day)
            .into_iter()
            .flatten()
            .map(|(cause, usd)| {
                let before = mean(usual, &|day| days.get(day).and_then(|causes| causes.get(cause)).copied().unwrap_or_default());
                let (usage_type, region, account) = cause.clone();
                Cause { usage_type, region, account, usd: usd - before }
            })
            .filter(|cause| Decimal::ZERO < cause.usd)
            .collect();
        if let Some(one) = under_way {
            one.last = day;
            one.actual += actual;
            one.expected += expected;
            one.most = one.most.max(more);
            for cause in causes {
                match one.causes.iter_mut().find(|known| known.is_like(&cause)) {
                    Some(known) => known.usd += cause.usd,
                    None => one.causes.push(cause),
                }
            }
        } else {
            let service = service.to_owned();
            anomalies.push(Anomaly { service, start: day, last: day, is_over: true, actual, expected, most: more, causes });
        }
    }
    for one in &mut anomalies {
        one.is_over = plus_days(one.last, 1) < today;
        one.causes.sort_by_key(|cause| -cause.usd);
    }
    anomalies
}
