//! The requests of each minute, computed when somebody asks: a curve is a few numbers, or a file that all who use it share.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use jiff::Timestamp;

use crate::estate::traffic::{TrafficSpec, series};

/// The requests of a `TrafficSpec`, for one endpoint or component.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) spec: Arc<TrafficSpec>,
    data: Option<Arc<Vec<f32>>>,
    /// The minute of the file's first row.
    origin: i64,
    /// The minutes with requests: from, and the first without.
    bounds: (i64, i64),
    seed: u64,
}

/// The files that were read.
pub(crate) type Files = BTreeMap<PathBuf, Arc<Vec<f32>>>;

/// The minute that a moment is in, counted from 1970 on.
pub(crate) fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

pub(crate) fn moment_of(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap_or(Timestamp::MAX)
}

/// A number that looks random and is always the same: the last step of the generator `SplitMix64`.
fn mixed(of: u64) -> u64 {
    let mut z = of.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The same from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn part(of: u64) -> f64 {
    (mixed(of) >> 11) as f64 / (1_u64 << 53) as f64
}

impl Curve {
    pub(crate) fn new(spec: &TrafficSpec, name: &str, start: Timestamp, files: &mut Files) -> Self {
        let data = spec.csv.as_ref().map(|file| {
            // The estate's check has read it.
            Arc::clone(files.entry(file.clone()).or_insert_with(|| Arc::new(series(file).unwrap_or_default())))
        });
        let bound = |when: Option<crate::estate::When>, none| when.map_or(none, |when| minute_of(when.at(start)));
        Self {
            data,
            origin: minute_of(spec.csv_from.at(start)),
            bounds: (bound(spec.from, i64::MIN), bound(spec.until, i64::MAX)),
            seed: crate::life::trail::digest(name),
            spec: Arc::new(spec.clone()),
        }
    }

    /// How many requests per minute an instance carries.
    pub(crate) fn most(&self) -> f64 {
        self.spec.most.unwrap_or(60_000.0 / self.spec.latency_ms)
    }

    /// How many requests a minute an instance of a batch transform job answers, so many at once. One at a time, only their length counts.
    pub(crate) fn rate(&self, at_once: f64) -> f64 {
        let serial = 60_000.0 / self.spec.latency_ms;
        (serial * at_once).min(self.most()).max(serial)
    }

    /// All requests of some minutes.
    pub(crate) fn between(&self, from: i64, until: i64) -> f64 {
        let mut requests = vec![0.0; usize::try_from(until - from).unwrap_or_default()];
        self.add(from, 1.0, &mut requests);
        requests.iter().sum()
    }

    /// Adds a part of the requests from a minute on.
    pub(crate) fn add(&self, from: i64, share: f64, requests: &mut [f64]) {
        let until = from + i64::try_from(requests.len()).unwrap_or(i64::MAX);
        let hours = self.spec.hours.as_ref().map(|hours| hours.between(moment_of(from), moment_of(until)));
        let mut open = hours.iter().flatten().map(|(from, until)| (minute_of(*from), minute_of(*until))).peekable();
        for (minute, value) in (from..until).zip(requests) {
            while open.peek().is_some_and(|(_, end)| *end <= minute) {
                open.next();
            }
            let is_in = hours.is_none() || open.peek().is_some_and(|(begin, _)| *begin <= minute);
            if self.bounds.0 <= minute && minute < self.bounds.1 {
                *value += self.at(minute, is_in, share);
            }
        }
    }

    fn at(&self, minute: i64, is_in_hours: bool, share: f64) -> f64 {
        let plain = match &self.data {
            Some(data) if !data.is_empty() => {
                let length = i64::try_from(data.len()).unwrap_or(i64::MAX);
                let place = usize::try_from((minute - self.origin).rem_euclid(length)).unwrap_or_default();
                data.get(place).copied().map_or(0.0, f64::from)
            }
            _ if is_in_hours => self.spec.requests,
            _ => self.spec.outside,
        };
        let burst = |burst: &crate::estate::traffic::BurstSpec| {
            let (every, lasts, first) = (burst.every.signed().as_mins(), burst.lasts.signed().as_mins(), burst.at.signed().as_mins());
            if (minute - first).rem_euclid(every.max(1)) < lasts { burst.requests } else { 0.0 }
        };
        let wanted = plain + self.spec.bursts.iter().map(burst).sum::<f64>();
        let seed = self.seed ^ minute.unsigned_abs();
        let noisy = if self.spec.noise == 0.0 { wanted } else { wanted * (1.0 + self.spec.noise / 100.0 * (2.0 * part(seed) - 1.0)) };
        let shared = (noisy * share).max(0.0);
        // Requests are whole: a tenth of one is one in ten minutes.
        if shared.fract() == 0.0 { shared } else { shared.floor() + f64::from(u8::from(part(mixed(seed)) < shared.fract())) }
    }
}
