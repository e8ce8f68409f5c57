//! The account's spend: a record by hour or UTC day and kind of usage, of what runs here and of the estate's planted spend. One file: one record, and all that
//! writes it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use rust_decimal::{Decimal, dec};

use crate::{
    estate::Estate,
    life::{jobs::life::Job, prices::Prices},
    world::{Runs, TagLog, World},
};
use planted::Planted;

mod bill;
mod cost_tags;
mod filter;
mod plan;
mod planted;
pub(crate) mod sizing;

pub(crate) use cost_tags::CostTags;
pub(crate) use filter::{Filter, dimension, known_dimension};
pub(crate) use plan::{Hour, Owned, Plans, Utilization};

/// How many whole months Cost Explorer has, in addition to the current one (aws-facts §7.1).
const MONTHS: i64 = 13;
pub(crate) const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// USD per request to Cost Explorer. Each page is a request (aws-facts §7.1).
const PER_REQUEST: Decimal = dec!(0.01);
/// The prefixes of usage types by Region (aws-facts §7.3). Those of other Regions are not known.
const PREFIXES: [(&str, &str); 17] = [
    ("us-east-1", "USE1-"),
    ("us-east-2", "USE2-"),
    ("us-west-1", "USW1-"),
    ("us-west-2", "USW2-"),
    ("eu-west-1", "EU-"),
    ("eu-west-2", "EUW2-"),
    ("eu-central-1", "EUC1-"),
    ("eu-north-1", "EUN1-"),
    ("ap-northeast-1", "APN1-"),
    ("ap-northeast-2", "APN2-"),
    ("ap-northeast-3", "APN3-"),
    ("ap-southeast-1", "APS1-"),
    ("ap-southeast-2", "APS2-"),
    ("ap-south-1", "APS3-"),
    ("ca-central-1", "CAN1-"),
    ("sa-east-1", "SAE1-"),
    ("af-south-1", "AFS1-"),
];

/// The Region of a usage type; `None`: it is not known.
pub(crate) fn region_of(usage_type: &str) -> Option<&'static str> {
    PREFIXES.iter().find(|(_, prefix)| usage_type.starts_with(prefix)).map(|(region, _)| *region)
}

/// All columns of a row of the bill except the day and the amounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) service: String,
    pub(crate) usage_type: String,
    pub(crate) operation: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) record_type: String,
    pub(crate) unit: String,
    pub(crate) tags: BTreeMap<String, String>,
}

/// A cost, and the quantity that was used for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// `UnblendedCost`: what the invoice says.
    pub(crate) usd: Decimal,
    /// `AmortizedCost`: usage that a Savings Plan covers is at the plan's rate.
    pub(crate) amortized: Decimal,
    /// `PublicOnDemandCost`: what the usage would cost without any plan.
    pub(crate) on_demand: Decimal,
    pub(crate) quantity: Decimal,
}

/// One of the numbers of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    Unblended,
    Amortized,
    OnDemand,
    Quantity,
}

/// Usage to be billed, spread evenly over its time; at once if `from` is `until`.
pub(crate) struct Metered {
    pub(crate) kind: Kind,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) amount: Amount,
}

/// Instances that ran for some time.
pub(crate) struct InstanceHours<'a> {
    /// The component in the usage type: `Notebk`, `Studio:JupyterLab`, `Train`, `Host`, …
    pub(crate) component: &'a str,
    pub(crate) instance_type: &'a str,
    /// The number of instances.
    pub(crate) count: u64,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    /// The price of one instance; `None`: it is not known, and the hours are billed without a cost.
    pub(crate) usd_per_hour: Option<Decimal>,
    /// The resource's tags at that time.
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// One row of the account's spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The UTC day.
    pub day: Date,
    /// `Amazon SageMaker`, …
    pub service: String,
    /// `EUC1-Notebk:ml.m5.xlarge`, …
    pub usage_type: String,
    /// `RunInstance`, …
    pub operation: String,
    /// The Region.
    pub region: String,
    /// The account.
    pub account: String,
    /// `Usage`, `Credit`, …
    pub record_type: String,
    /// The tags of the resource, whether or not they are cost allocation tags.
    pub tags: BTreeMap<String, String>,
    /// The cost, in USD.
    pub usd: Decimal,
    /// How much was used.
    pub quantity: Decimal,
    /// The unit of the quantity.
    pub unit: String,
}

/// The record of the spend.
#[derive(Clone)]
pub(crate) struct Billing {
    /// The cost allocation tags.
    pub(crate) tags: CostTags,
    kinds: Vec<Arc<Kind>>,
    ids: BTreeMap<Arc<Kind>, usize>,
    /// How long the parts of the record are: an hour, if the estate has anything that is about hours, else a day, which is faster.
    length: SignedDuration,
    /// The amounts by the begin of their hour or day, and kind. Planted spend is in it only for whole ones, those before the one of `settled`.
    slots: BTreeMap<Timestamp, BTreeMap<usize, Amount>>,
    planted: Vec<Planted>,
    /// The Savings Plans.
    pub(crate) plans: Plans,
    /// All usage before this moment is in the record.
    settled: Timestamp,
    /// When Cost Explorer was called.
    requests: Vec<Timestamp>,
}

/// A part of the record: an hour or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) begin: Timestamp,
    /// The UTC day that it is in.
    pub(crate) day: Date,
}

/// A row's tags as Cost Explorer has them: only those that were cost allocation tags on its day.
pub(crate) struct Visible<'a> {
    kind: &'a Kind,
    tags: &'a CostTags,
    day: Date,
}

impl Visible<'_> {
    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.kind.tags.get(key).filter(|_| self.tags.is_active(key, self.day)).map(String::as_str)
    }

    pub(crate) fn is_tagged(&self) -> bool {
        self.kind.tags.keys().any(|key| self.tag(key).is_some())
    }
}

/// The UTC day of a moment.
pub(crate) fn day_of(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// When a UTC day begins.
pub(crate) fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

pub(crate) fn plus_days(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

pub(crate) fn plus_months(day: Date, months: i64) -> Date {
    day.saturating_add(months.months())
}

/// The first day that Cost Explorer has.
pub(crate) fn first_day(now: Timestamp) -> Date {
    plus_months(day_of(now).first_of_month(), -MONTHS)
}

impl std::ops::SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        self.usd -= other.usd;
        self.amortized -= other.amortized;
        self.on_demand -= other.on_demand;
        self.quantity -= other.quantity;
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.usd += other.usd;
        self.amortized += other.amortized;
        self.on_demand += other.on_demand;
        self.quantity += other.quantity;
    }
}

impl Amount {
    /// At on-demand prices: all costs are the same.
    pub(crate) const fn on_demand(usd: Decimal, quantity: Decimal) -> Self {
        Self { usd, amortized: usd, on_demand: usd, quantity }
    }

    pub(crate) const fn of(self, metric: Metric) -> Decimal {
        match metric {
            Metric::Unblended => self.usd,
            Metric::Amortized => self.amortized,
            Metric::OnDemand => self.on_demand,
            Metric::Quantity => self.quantity,
        }
    }

    /// `part / of` of this amount.
    fn share(self, part: Decimal, of: Decimal) -> Self {
        let part = |whole: Decimal| whole * part / of;
        Self { usd: part(self.usd), amortized: part(self.amortized), on_demand: part(self.on_demand), quantity: part(self.quantity) }
    }
}

impl Billing {
    /// A record with an estate's planted spend. No usage is settled yet.
    pub(crate) fn new(estate: &Estate, start: Timestamp) -> Self {
        let is_hourly = estate.cost_explorer.hourly
            || !estate.savings_plan.is_empty()
            || !estate.savings_plan_rates.is_default()
            || estate.spend.iter().any(|spend| spend.hours.is_some() || spend.csv.is_some());
        let settled = midnight(first_day(start));
        let mut billing = Self {
            tags: CostTags::new(&estate.cost_allocation_tags, start, estate.cost_explorer.tag_activation.signed()),
            kinds: vec![],
            ids: BTreeMap::new(),
            length: if is_hourly { HOUR } else { DAY },
            slots: BTreeMap::new(),
            planted: vec![],
            plans: Plans::new(estate, start, settled),
            settled,
            requests: vec![],
        };
        let prices = Prices::of_region(&estate.region, &estate.prices);
        for (number, spec) in (0u64..).zip(&estate.spend) {
            let seed = estate.cost_explorer.seed.wrapping_mul(1_000_003).wrapping_add(number);
            let planted = Planted::new(&mut billing, estate, &prices, (spec, seed), start);
            billing.planted.push(planted);
        }
        billing
    }

    /// Adds the rows of a bill in a file. A record by hour has a day's cost spread over the day.
    pub(crate) fn add_bill(&mut self, path: &str, region: &str) -> anyhow::Result<()> {
        for row in bill::read(path)? {
            let (from, amount) = (midnight(row.day), row.amount());
            let kind = row.kind(region);
            if self.length == DAY {
                let kind = self.number(kind);
                self.put(from, kind, amount);
            } else {
                self.add(Metered { kind, from, until: from + DAY, amount });
            }
        }
        Ok(())
    }

    fn number(&mut self, kind: Kind) -> usize {
        if let Some(number) = self.ids.get(&kind) {
            return *number;
        }
        let kind = Arc::new(kind);
        self.kinds.push(Arc::clone(&kind));
        self.ids.insert(kind, self.kinds.len() - 1);
        self.kinds.len() - 1
    }

    /// The begin of the hour or day that a moment is in.
    fn slot_of(&self, at: Timestamp) -> Timestamp {
        at - SignedDuration::from_secs(at.as_second().rem_euclid(self.length.as_secs()))
            - SignedDuration::from_nanos(at.subsec_nanosecond().into())
    }

    fn put(&mut self, slot: Timestamp, kind: usize, amount: Amount) {
        if amount == Amount::default() {
            return;
        }
        *self.slots.entry(slot).or_default().entry(kind).or_default() += amount;
        if let Some(kind) = self.kinds.get(kind).filter(|kind| !kind.tags.is_empty()) {
            self.tags.seen(kind.tags.keys(), day_of(slot));
        }
    }

    /// Bills some usage, divided among the hours or days that it covers.
    pub(crate) fn add(&mut self, metered: Metered) {
        let Metered { kind, from, until, amount } = metered;
        let kind = self.number(kind);
        let whole = until.duration_since(from).as_secs();
        let mut slot = self.slot_of(from);
        if whole <= 0 {
            return self.put(slot, kind, amount);
        }
        let mut start = from;
        while start < until {
            let next = slot + self.length;
            let end = next.min(until);
            self.put(slot, kind, amount.share(end.duration_since(start).as_secs().into(), whole.into()));
            (slot, start) = (next, end);
        }
    }

    /// Adds all usage until a moment to the record, and applies the Savings Plans to the hours that are over.
    fn settle(&mut self, metered: Vec<Metered>, until: Timestamp) {
        for one in metered {
            self.add(one);
        }
        let (mut begin, last) = (self.slot_of(self.settled), self.slot_of(until));
        while begin < last {
            let end = begin + self.length;
            for place in 0..self.planted.len() {
                for (kind, amount) in self.planted.get(place).map(|planted| planted.rows(begin, end)).unwrap_or_default() {
                    self.put(begin, kind, amount);
                }
            }
            begin = end;
        }
        self.settled = until;
        self.apply_plans();
    }

    /// All usage before this moment is in the record.
    pub(crate) fn settled(&self) -> Timestamp {
        self.settled
    }

    /// Calls `row` for every row between two moments. An incomplete hour or day has the share of its planted spend that belongs to its time so far.
    fn each(&self, from: Timestamp, until: Timestamp, mut row: impl FnMut(Slot, usize, Amount)) {
        if until <= from {
            return;
        }
        for (begin, amounts) in self.slots.range(from..until) {
            let slot = Slot { begin: *begin, day: day_of(*begin) };
            for (kind, amount) in amounts {
                row(slot, *kind, *amount);
            }
        }
        let begin = self.slot_of(self.settled);
        if from <= begin && begin < until {
            let slot = Slot { begin, day: day_of(begin) };
            for (kind, amount) in self.planted.iter().flat_map(|planted| planted.rows(begin, self.settled)) {
                row(slot, kind, amount);
            }
        }
    }

    /// Calls `row` for every row between two moments for which `sort` returns a group. `sort` is called once per kind and state of the cost allocation
    /// tags, to be fast.
    pub(crate) fn sorted<T>(
        &self,
        from: Timestamp,
        until: Timestamp,
        sort: impl Fn(&Kind, &Visible<'_>) -> Option<T>,
        mut row: impl FnMut(Slot, &T, &Kind, Amount),
    ) {
        let mut known: HashMap<(usize, usize), Option<T>> = HashMap::new();
        let (mut last, mut stage) = (None, 0);
        self.each(from, until, |slot, number, amount| {
            if last != Some(slot.day) {
                (last, stage) = (Some(slot.day), self.tags.stage(slot.day));
            }
            let Some(kind) = self.kinds.get(number) else { return };
            let place = known.entry((number, stage)).or_insert_with(|| sort(kind, &Visible { kind, tags: &self.tags, day: slot.day }));
            if let Some(place) = place.as_ref().filter(|_| amount != Amount::default()) {
                row(slot, place, kind, amount);
            }
        });
    }

    /// Cost and quantity by day, of the rows of these days that match a filter.
    pub(crate) fn daily(&self, from: Date, until: Date, filter: &Filter) -> BTreeMap<Date, Amount> {
        let mut days: BTreeMap<Date, Amount> = BTreeMap::new();
        let sort = |kind: &Kind, visible: &Visible<'_>| filter.takes(kind, visible).then_some(());
        self.sorted(midnight(from), midnight(until), sort, |slot, (), _, amount| *days.entry(slot.day).or_default() += amount);
        days
    }

    /// Records a request to Cost Explorer.
    pub(crate) fn requested(&mut self, at: Timestamp) {
        self.requests.push(at);
    }

    /// The cost of the requests to Cost Explorer so far, in USD.
    pub(crate) fn requests_usd(&self) -> Decimal {
        PER_REQUEST * Decimal::from(self.requests.len())
    }
}

impl World {
    /// Adds all usage until a moment to the record. An earlier moment than before has no effect.
    pub(crate) fn settle(&mut self, until: Timestamp) {
        let from = self.billing.settled();
        if from < until {
            let metered = self.metered(from, until);
            self.billing.settle(metered, until);
        }
    }

    /// All that is billed between two moments. A new kind of billed usage gets a line in this list.
    fn metered(&self, from: Timestamp, until: Timestamp) -> Vec<Metered> {
        let mut all = vec![];
        let notebooks = self.notebooks.values().map(|notebook| (notebook, self.tags.get(&notebook.arn)));
        let gone = self.gone.iter().map(|(notebook, tags)| (notebook, Some(tags)));
        for (notebook, tags) in notebooks.chain(gone) {
            self.meter(&mut all, "Notebk", (&notebook.runs, 1), tags, (from, until));
        }
        for app in self.apps.values() {
            self.meter(&mut all, &format!("Studio:{}", app.spec.app_type), (&app.runs, 1), self.tags.get(&app.arn), (from, until));
        }
        let there = self.assets.iter().map(|asset| (asset, self.tags.get(&asset.arn)));
        for (asset, tags) in there.chain(self.assets.gone().map(|(asset, tags)| (asset, Some(tags)))) {
            for (component, count, runs) in asset.metered() {
                self.meter(&mut all, component, (runs, count), tags, (from, until));
            }
        }
        self.meter_serverless(&mut all, (from, until));
        for job in self.jobs.training.iter().filter(|job| from < job.billed_until()) {
            self.meter_job(&mut all, job, (from, until));
        }
        let requests = self.billing.requests.iter().filter(|at| (from..until).contains(*at));
        all.extend(requests.map(|at| {
            let kind = Kind {
                service: "AWS Cost Explorer".into(),
                usage_type: "USE1-APIRequest".into(),
                operation: "CostExplorer".into(),
                region: "us-east-1".into(),
                account: self.account.clone(),
                record_type: "Usage".into(),
                unit: "Requests".into(),
                tags: BTreeMap::new(),
            };
            Metered { kind, from: *at, until: *at, amount: Amount::on_demand(PER_REQUEST, Decimal::ONE) }
        }));
        all
    }

    /// Adds the instance-hours of `count` instances of one resource between two moments, each with the tags of its time. The type `system` costs nothing.
    pub(crate) fn meter(
        &self,
        all: &mut Vec<Metered>,
        component: &str,
        (runs, count): (&Runs, u64),
        tags: Option<&TagLog>,
        (from, until): (Timestamp, Timestamp),
    ) {
        let untagged = TagLog::default();
        let tags = tags.unwrap_or(&untagged);
        for (start, end, instance_type) in runs.between(from, until).filter(|(.., instance_type)| *instance_type != "system") {
            for (from, until, tags) in tags.between(start, end) {
                let usd_per_hour = self.prices.hourly(instance_type);
                all.push(self.instance_hours(&InstanceHours { component, instance_type, count, from, until, usd_per_hour, tags }));
            }
        }
    }

    /// Adds the seconds of serverless endpoints, by the hour.
    fn meter_serverless(&self, all: &mut Vec<Metered>, (from, until): (Timestamp, Timestamp)) {
        const HOUR: i64 = 3600;
        let prefix = PREFIXES.iter().find(|(region, _)| *region == self.region).map_or("", |(_, prefix)| prefix);
        for (of, variant) in self.hosting.serverless() {
            let arn = self.arn(of);
            let mut begin = from;
            while begin < until {
                let next = Timestamp::from_second((begin.as_second().div_euclid(HOUR) + 1) * HOUR).unwrap_or(until).min(until);
                for (usage, seconds, usd) in self.hosting.used(of, variant, (begin, next)) {
                    let kind = Kind {
                        service: "Amazon SageMaker".into(),
                        usage_type: format!("{prefix}ServerlessInf:{usage}"),
                        operation: "Invoke-Endpoint".into(),
                        region: self.region.clone(),
                        account: self.account.clone(),
                        record_type: "Usage".into(),
                        unit: "Seconds".into(),
                        tags: self.tags.get(&arn).map(TagLog::now).unwrap_or_default(),
                    };
                    all.push(Metered { kind, from: begin, until: next, amount: Amount::on_demand(usd, seconds) });
                }
                begin = next;
            }
        }
    }

    /// Adds the instance-hours of a training job and its warm pool. Spot is billed at the price less the discount.
    fn meter_job(&self, all: &mut Vec<Metered>, job: &Job, (from, until): (Timestamp, Timestamp)) {
        let untagged = TagLog::default();
        let tags = self.tags.get(&self.job_arn(&job.name)).unwrap_or(&untagged);
        let (component, part) = if job.spot { ("TrSpt", Decimal::ONE - job.script.spot_discount) } else { ("Train", Decimal::ONE) };
        let held = job.holds(from, until).map(|(from, until)| (component, part, from, until));
        let kept = job.kept(from, until).map(|(from, until)| ("Train", Decimal::ONE, from, until));
        for (component, part, from, until) in held.chain(kept) {
            for (instance_type, count) in job.instances() {
                for (from, until, tags) in tags.between(from, until) {
                    let usd_per_hour = self.prices.hourly(instance_type).map(|usd| usd * part);
                    all.push(self.instance_hours(&InstanceHours { component, instance_type, count, from, until, usd_per_hour, tags }));
                }
            }
        }
    }

    /// The row that instance-hours have on the bill: `EUC1-Notebk:ml.m5.xlarge`, `EUC1-Studio:JupyterLab-ml.t3.medium`.
    pub(crate) fn instance_hours(&self, ran: &InstanceHours<'_>) -> Metered {
        let prefix = PREFIXES.iter().find(|(region, _)| *region == self.region).map_or("", |(_, prefix)| prefix);
        let separator = if ran.component.contains(':') { '-' } else { ':' };
        let hours = Decimal::from(ran.until.duration_since(ran.from).as_secs()) * Decimal::from(ran.count) / dec!(3600);
        let kind = Kind {
            service: "Amazon SageMaker".into(),
            usage_type: format!("{prefix}{}{separator}{}", ran.component, ran.instance_type),
            operation: "RunInstance".into(),
            region: self.region.clone(),
            account: self.account.clone(),
            record_type: "Usage".into(),
            unit: "Hrs".into(),
            tags: ran.tags.clone(),
        };
        let usd = hours * ran.usd_per_hour.unwrap_or_default();
        Metered { kind, from: ran.from, until: ran.until, amount: Amount::on_demand(usd, hours) }
    }

    /// Every row until now, including those that Cost Explorer does not have yet.
    pub(crate) fn spend(&self) -> Vec<Spend> {
        let mut billing = self.billing.clone();
        if billing.settled < self.now {
            billing.settle(self.metered(billing.settled, self.now), self.now);
        }
        let mut days: BTreeMap<(Date, usize), Amount> = BTreeMap::new();
        billing.each(Timestamp::MIN, Timestamp::MAX, |slot, kind, amount| *days.entry((slot.day, kind)).or_default() += amount);
        let row = |((day, number), amount): ((Date, usize), Amount)| {
            let kind = billing.kinds.get(number)?;
            Some(Spend {
                day,
                service: kind.service.clone(),
                usage_type: kind.usage_type.clone(),
                operation: kind.operation.clone(),
                region: kind.region.clone(),
                account: kind.account.clone(),
                record_type: kind.record_type.clone(),
                tags: kind.tags.clone(),
                usd: amount.usd.round_dp(10).normalize(),
                quantity: amount.quantity.round_dp(10).normalize(),
                unit: kind.unit.clone(),
            })
        };
        days.into_iter().filter(|(_, amount)| *amount != Amount::default()).filter_map(row).collect()
    }
}

/// An amount as AWS writes it: at most ten decimals, no trailing zeros.
pub(crate) fn amount_text(amount: Decimal) -> String {
    let rounded = amount.round_dp(10).normalize();
    if rounded.is_zero() { "0".into() } else { rounded.to_string() }
}

/// The same as a JSON number.
pub(crate) fn number(amount: Decimal) -> serde_json::Value {
    serde_json::from_str(&amount_text(amount)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
