//! The capacity of each variant in the course of time. Metrics and bills of the past follow from it, though the endpoint is gone.

use jiff::Timestamp;

use crate::{
    life::{
        hosting::{Hosting, fleet::Variant},
        kinds::Kind,
        order::Listed as _,
    },
    world::World,
};

/// How a variant takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    RealTime,
    Asynchronous,
    Serverless,
    /// The copies of a component.
    Copies,
    /// Instances for components.
    Holder,
}

/// The capacity of a variant for some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) mode: Mode,
    /// Whether requests are taken at all.
    pub(crate) is_up: bool,
    pub(crate) count: u64,
    /// Its part of the endpoint's requests.
    pub(crate) share: f64,
    pub(crate) memory_mb: u64,
    pub(crate) provisioned: u64,
    pub(crate) concurrency: u64,
    pub(crate) is_accelerated: bool,
}

impl World {
    /// The capacity that each variant has now.
    fn levels_now(&self, kind: &Kind, key: &str) -> Vec<(String, Level)> {
        let Some(asset) = self.assets.shelf(kind).and_then(|shelf| shelf.by_key(key)) else { return vec![] };
        let Some(fleet) = &asset.grown.fleet else { return vec![] };
        let is_up = matches!(asset.status(), "InService" | "Updating" | "SystemUpdating" | "RollingBack" | "UpdateRollbackFailed");
        let all: f64 = fleet.variants.iter().filter(|variant| !variant.is_shadow).map(|variant| variant.weight.current).sum();
        let level = |variant: &Variant| {
            let setting = |name: &str| {
                let serverless = variant.serverless.as_ref()?;
                serverless.current.get(name).and_then(serde_json::Value::as_u64)
            };
            let mode = match () {
                () if fleet.config.is_empty() => Mode::Copies,
                () if variant.serverless.is_some() => Mode::Serverless,
                () if fleet.is_asynchronous() => Mode::Asynchronous,
                () if variant.holds_components() => Mode::Holder,
                () => Mode::RealTime,
            };
            let share = if all == 0.0 { 0.0 } else { (variant.weight.current / all).min(1.0) };
            let level = Level {
                mode,
                is_up,
                count: variant.count.current,
                share,
                memory_mb: setting("MemorySizeInMB").unwrap_or_default(),
                provisioned: setting("ProvisionedConcurrency").unwrap_or_default(),
                concurrency: setting("MaxConcurrency").unwrap_or_default(),
                is_accelerated: variant.is_accelerated(),
            };
            (if mode == Mode::Copies { String::new() } else { variant.name().to_owned() }, level)
        };
        fleet.variants.iter().map(level).collect()
    }

    /// Notes the capacity from a moment on, if it is another one.
    pub(crate) fn note_levels(&mut self, kind: &Kind, key: &str, at: Timestamp) {
        let (of, now) = (Hosting::key(kind, key), self.levels_now(kind, key));
        for (variant, log) in self.hosting.levels.entry(of.clone()).or_default().iter_mut() {
            let last = log.last().map(|(_, level)| *level);
            if let Some(gone) = last.filter(|level| level.is_up && !now.iter().any(|(name, _)| name == variant)) {
                log.push((at, Level { is_up: false, count: 0, ..gone }));
            }
        }
        let logs = self.hosting.levels.entry(of).or_default();
        for (variant, level) in now {
            let log = logs.entry(variant).or_default();
            if log.last().is_none_or(|(_, last)| *last != level) {
                log.push((at, level));
            }
        }
    }
}
