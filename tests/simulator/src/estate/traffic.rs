//! The requests to an endpoint or component, as an estate writes them, and how endpoints and CloudWatch behave where AWS does not say.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::estate::{
    When, expect_one_of,
    times::{Duration, Hours},
};

/// The requests to an endpoint, or to one of its variants, or to a component. Several add up.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrafficSpec {
    /// The variant; absent: all variants, by their weights.
    pub variant: Option<String>,
    /// The model that they name, of a multi-model endpoint. Each model takes its `memory`; all else is as of the first `traffic`.
    pub target_model: Option<String>,
    /// A file with the columns `minute,requests`. It is repeated from `csv_from` on.
    pub csv: Option<PathBuf>,
    /// When the file's first minute is.
    pub csv_from: When,
    /// Requests per minute.
    pub requests: f64,
    /// The hours in which there are so many; absent: always.
    pub hours: Option<Hours>,
    /// Requests per minute outside of these hours.
    pub outside: f64,
    /// Bursts on top.
    pub bursts: Vec<BurstSpec>,
    /// Up to so many percent more or less, always the same for the same name.
    pub noise: f64,
    /// The first moment with requests; absent: as far as anybody looks back.
    pub from: Option<When>,
    /// The first moment without.
    pub until: Option<When>,
    /// How long a request takes, in milliseconds.
    pub latency_ms: f64,
    /// How much CPU time a request takes, in milliseconds.
    pub cpu_ms: f64,
    /// How much GPU time a request takes, in milliseconds.
    pub gpu_ms: f64,
    /// How much of the memory is used, in percent.
    pub memory: f64,
    /// How much of the accelerators' memory is used, in percent.
    pub gpu_memory: f64,
    /// How many requests per minute an instance or a copy carries; absent: one after the other.
    pub most: Option<f64>,
}

/// Requests that come now and then.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BurstSpec {
    /// From one burst to the next, counted from midnight UTC of 1 January 1970.
    pub every: Duration,
    /// How long each is.
    pub lasts: Duration,
    /// Requests per minute.
    pub requests: f64,
    /// How much later than that count the first is.
    #[serde(default = "none")]
    pub at: Duration,
}

fn none() -> Duration {
    Duration::minutes(0)
}

impl Default for TrafficSpec {
    fn default() -> Self {
        Self {
            variant: None,
            target_model: None,
            csv: None,
            csv_from: When::Before(Duration::days(14)),
            requests: 0.0,
            hours: None,
            outside: 0.0,
            bursts: vec![],
            noise: 0.0,
            from: None,
            until: None,
            latency_ms: 100.0,
            cpu_ms: 50.0,
            gpu_ms: 50.0,
            memory: 30.0,
            gpu_memory: 40.0,
            most: None,
        }
    }
}

impl TrafficSpec {
    pub(crate) fn check(&self, what: &str) -> anyhow::Result<()> {
        ensure!(0.0 < self.latency_ms, "{what}: `latency-ms` is {}: expected more than 0", self.latency_ms);
        ensure!(self.most.is_none_or(|most| 0.0 < most), "{what}: `most` is not above 0");
        let numbers = [self.requests, self.outside, self.noise, self.cpu_ms, self.gpu_ms, self.memory, self.gpu_memory];
        ensure!(numbers.iter().all(|number| 0.0 <= *number && number.is_finite()), "{what}: a number below 0");
        for burst in &self.bursts {
            ensure!(!burst.every.signed().is_zero() && burst.lasts <= burst.every, "{what}: a burst lasts longer than its `every`");
        }
        if let Some(file) = &self.csv {
            let read = series(file)?;
            ensure!(!read.is_empty(), "{what}: {} has no minutes", file.display());
        }
        Ok(())
    }
}

/// The requests of each minute of a file. Minutes that it leaves out have none.
pub(crate) fn series(file: &Path) -> anyhow::Result<Vec<f32>> {
    let mut reader = csv::Reader::from_path(file).with_context(|| format!("traffic {} cannot be read", file.display()))?;
    let mut all: Vec<f32> = vec![];
    for row in reader.deserialize() {
        let (minute, requests): (usize, f32) = row.with_context(|| format!("traffic {}: expected minute,requests", file.display()))?;
        ensure!(minute < 1_000_000, "traffic {}: minute {minute} is more than two years", file.display());
        if all.len() <= minute {
            all.resize(minute + 1, 0.0);
        }
        if let Some(place) = all.get_mut(minute) {
            *place = requests;
        }
    }
    Ok(all)
}

/// How endpoints, their metrics and their scaling behave.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HostingSpec {
    /// Whether a minute without requests has a data point of 0. AWS's documentation says so, users say that it has none.
    pub zero_datapoints: bool,
    /// How long after its minute a data point is there.
    pub metric_delay: Duration,
    /// Whether target tracking takes instances away one by one (`gradual`) or as many as it can (`proportional`). AWS does not document it.
    pub scale_in: String,
    /// The quota of scalable targets.
    pub scalable_targets: usize,
    /// Of Compute Optimizer: `Active`, `Inactive`, `Pending` or `Failed`.
    pub compute_optimizer: String,
    /// The images of the account's own registry, as `repository:tag`, with their compressed sizes in GB.
    pub images: BTreeMap<String, f64>,
}

impl Default for HostingSpec {
    fn default() -> Self {
        Self {
            zero_datapoints: false,
            metric_delay: Duration::minutes(1),
            scale_in: "gradual".into(),
            scalable_targets: 500,
            compute_optimizer: "Inactive".into(),
            images: BTreeMap::new(),
        }
    }
}

impl HostingSpec {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        expect_one_of("[hosting]: scale-in", &self.scale_in, &["gradual", "proportional"])?;
        expect_one_of("[hosting]: compute-optimizer", &self.compute_optimizer, &["Active", "Inactive", "Pending", "Failed"])
    }
}
