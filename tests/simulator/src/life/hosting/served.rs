//! What became of the requests: how many were served, how many came to too little capacity, and how many to nothing. Tests judge the guard by it.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::{
    Decimal, dec,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};
use serde::Serialize;

use crate::{
    life::{
        hosting::{
            Hosting,
            levels::{Level, Mode},
            metrics::Minute,
            traffic::minute_of,
        },
        kinds::table::kind_of,
    },
    world::{BillLine, World},
};

/// The requests to a variant, or to a component.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Served {
    /// `endpoint/churn` or `inference-component/llm`, in lower case.
    pub to: String,
    /// The variant; empty for a component.
    pub variant: String,
    /// All requests.
    pub requests: f64,
    /// Those that were served. What an asynchronous endpoint takes is served, though it waits.
    pub served: f64,
    /// Those above the capacity of the instances that were there.
    pub short: f64,
    /// The minutes with such requests.
    pub short_minutes: u64,
    /// Those that came while there was no endpoint, or no instance or copy.
    pub lost: f64,
    /// The minutes with such requests.
    pub lost_minutes: u64,
}

impl Served {
    fn count(&mut self, minute: &Minute) {
        let missed = minute.requests - minute.served();
        self.requests += minute.requests;
        self.served += minute.served();
        if missed <= 0.0 {
            return;
        }
        let is_there = minute.level.is_some_and(|level| level.is_up && 0.0 < minute.room);
        let (of, minutes) = if is_there { (&mut self.short, &mut self.short_minutes) } else { (&mut self.lost, &mut self.lost_minutes) };
        *of += missed;
        *minutes += 1;
    }
}

impl World {
    /// What became of the requests between two moments.
    pub(crate) fn served(&self, from: Timestamp, until: Timestamp) -> Vec<Served> {
        let hosting = &self.hosting;
        let all = hosting.traffic.keys().flat_map(|of| hosting.variants(of).map(move |variant| (of, variant)));
        let count = |(of, variant): (&String, &str)| {
            let mut served = Served {
                to: of.clone(),
                variant: variant.to_owned(),
                requests: 0.0,
                served: 0.0,
                short: 0.0,
                short_minutes: 0,
                lost: 0.0,
                lost_minutes: 0,
            };
            let minutes = hosting.minutes(of, variant, minute_of(from), minute_of(until));
            minutes.iter().filter(|minute| minute.requests != 0.0).for_each(|minute| served.count(minute));
            served
        };
        all.map(count).collect()
    }
}

impl World {
    /// The cost of serverless variants since a moment.
    pub(crate) fn serverless_lines(&self, from: Timestamp) -> Vec<BillLine> {
        let line = |(of, variant): (&str, &str)| {
            let (arn, key) = (self.arn(of), of.split_once('/').map_or(of, |(_, name)| name));
            let used = self.hosting.used(of, variant, (from, self.now));
            let there = kind_of("endpoint").and_then(|kind| self.assets.shelf(kind)).and_then(|endpoints| endpoints.by_key(key));
            let busy: Decimal = used.iter().filter(|(usage, ..)| !usage.contains(":Usage")).map(|(_, seconds, _)| *seconds).sum();
            BillLine {
                name: there.map_or(key, |asset| asset.name.as_str()).to_owned(),
                kind: "endpoint",
                owner: self.tags.get(&arn).and_then(|log| log.now().get("Owner").cloned()),
                arn,
                instance_type: "serverless".into(),
                ran: SignedDuration::from_secs(busy.to_i64().unwrap_or(i64::MAX)),
                usd: Some(used.iter().map(|(.., usd)| *usd).sum::<Decimal>().round_dp(6)),
            }
        };
        self.hosting.serverless().map(line).collect()
    }
}

/// What serverless capacity costs per second and GB: on demand, provisioned, and a request to provisioned capacity (aws-facts §8.2).
const PRICES: [(&str, Decimal); 3] =
    [("", dec!(0.00002)), ("ProvisionedConcurrency:Usage", dec!(0.000005)), ("ProvisionedConcurrency:Mem", dec!(0.00001165))];

/// Seconds of serverless capacity in some minutes: the usage type, the seconds, and USD.
pub(crate) type Seconds = (String, Decimal, Decimal);

impl Hosting {
    /// The endpoints that have or had serverless variants, with these.
    pub(crate) fn serverless(&self) -> impl Iterator<Item = (&str, &str)> {
        let is = |log: &Vec<(Timestamp, Level)>| log.iter().any(|(_, level)| level.mode == Mode::Serverless);
        self.levels
            .iter()
            .flat_map(move |(of, logs)| logs.iter().filter(move |(_, log)| is(log)).map(move |(name, _)| (of.as_str(), name.as_str())))
    }

    /// What a serverless variant used in some minutes.
    pub(crate) fn used(&self, of: &str, variant: &str, (from, until): (Timestamp, Timestamp)) -> Vec<Seconds> {
        let latency = self.latency(of, variant);
        let mut used = std::collections::BTreeMap::<(usize, u64), f64>::new();
        for minute in self.minutes(of, variant, minute_of(from), minute_of(until)).iter() {
            let Some(level) = minute.level.filter(|level| level.is_up && level.mode == Mode::Serverless) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a provisioned concurrency fits")]
            let warm = level.provisioned as f64;
            let busy = minute.served() * latency;
            let fits = busy.min(warm * 60.0);
            let mut add = |place: usize, seconds: f64| *used.entry((place, level.memory_mb / 1024)).or_default() += seconds;
            add(0, busy - fits);
            add(1, warm * 60.0);
            add(2, fits);
        }
        let row = |((place, gigabytes), seconds): ((usize, u64), f64)| {
            let (of, price) = PRICES.get(place)?;
            let seconds = Decimal::from_f64(seconds)?.round_dp(6);
            let usage = if of.is_empty() { format!("Mem-{gigabytes}GB") } else { format!("{of}-{gigabytes}GB") };
            Some((usage, seconds, seconds * *price * Decimal::from(gigabytes)))
        };
        used.into_iter().filter(|(_, seconds)| *seconds != 0.0).filter_map(row).collect()
    }
}
