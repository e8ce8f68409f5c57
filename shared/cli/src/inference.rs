//! `inference-options`: traffic, an instance type and a latency in, the cost of each way of serving it out.

pub(crate) mod break_even;

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use cost_rules::{
    duration::Duration,
    inference::{
        Assumptions, Estimate, Feature, Features, Fit, InstanceTypes, Rates, Requests, Scaled, ServingOption, Workload, options,
        options_json, recommended,
    },
    price::{Prices, dollars},
    scaling::{Question, Terms, Traffic, propose},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};
use serde_json::{Value, json};

use crate::{
    output::{Format, table},
    traffic,
};

/// The options of `inference-options`.
#[derive(Args)]
pub(crate) struct InferenceOptions {
    /// The traffic, a CSV file with the header `minute,requests`: minutes from the start, and the requests that began in each. A minute without a row had no
    /// requests.
    #[arg(long, value_name = "FILE")]
    traffic: PathBuf,
    /// When minute 0 was. By default, on a Monday at 00:00 UTC.
    #[arg(long, value_name = "TIME", value_parser = traffic::time, default_value = traffic::A_MONDAY, hide_default_value = true)]
    starts_at: Timestamp,
    /// The instance type of a real-time endpoint: `ml.m5.xlarge`.
    #[arg(long, value_name = "TYPE")]
    instance_type: String,
    /// Its instances.
    #[arg(long)]
    instances: u32,
    /// The Region, for prices.
    #[arg(long, default_value = Rates::KNOWN_REGION)]
    region: String,
    /// How long a request takes on such an instance: `80ms`, `2s`.
    #[arg(long, value_name = "TIME", value_parser = latency)]
    latency: SignedDuration,
    /// The memory that the model and its server need: `3GB`. Without it, it cannot be told whether it fits into a serverless endpoint.
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true)]
    memory: Option<f64>,
    /// What a request and its answer have together: `20KB`. By default, 2 KB are assumed.
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true)]
    payload: Option<f64>,
    /// The model computes on a GPU or another accelerator.
    #[arg(long)]
    gpu: bool,
    /// How long a cold start of a serverless endpoint takes.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    cold_start: Duration,
    /// How long callers may wait for an answer. With 0, options with a queue are not recommended.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    callers_wait: Duration,
    /// The share of requests that may meet a cold start.
    #[arg(long, default_value_t = 0.05, allow_negative_numbers = true)]
    max_cold_share: f64,
    /// What a change must save, in USD a month.
    #[arg(long, value_name = "USD", default_value_t = 20.0, allow_negative_numbers = true)]
    min_saving: f64,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

const KIB: f64 = 1024.0;

impl InferenceOptions {
    pub(crate) fn run(&self) -> anyhow::Result<String> {
        self.check()?;
        let traffic = traffic::read(&self.traffic, self.starts_at)?;
        let requests = Requests::by_minute(&traffic);
        let assumptions = self.assumptions();
        let usd_per_hour = self.hourly();
        let mut workload = Workload {
            requests: &requests,
            instances: self.instances,
            usd_per_hour: usd_per_hour.and_then(|usd| usd.to_f64()),
            volume_gb: None,
            seconds: self.latency.as_secs_f64(),
            slowest: None,
            memory_gib: self.memory.map(|bytes| bytes / (KIB * KIB * KIB)),
            payload: self.payload,
            carries: None,
            scaled: None,
            hardware: None,
            features: self.features(),
        };
        let proposal = propose(&traffic, &self.question(workload.carried()));
        workload.scaled = Some(Scaled::from(&proposal));
        let rates = Rates::of_region(&self.region);
        let estimates = options(&workload, &assumptions, rates.as_ref());
        let best = recommended(&estimates, &assumptions, self.min_saving, |_| Some(self.callers_wait)).map(|one| one.option);
        let warnings = self.warnings(&traffic, usd_per_hour, rates.is_some());
        Ok(match self.format {
            Format::Json => format!("{:#}\n", as_json(&estimates, best, &warnings)),
            Format::Table => as_text(&estimates, best, &warnings),
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(0 < self.instances, "--instances 0 is no endpoint: expected the instances of a real-time endpoint, 1 or more");
        let share = self.max_cold_share;
        ensure!((0.0..=1.0).contains(&share), "--max-cold-share {share} is no share: expected 0 to 1, for example 0.05");
        let usd = self.min_saving;
        ensure!(usd.is_finite() && 0.0 <= usd, "--min-saving {usd} is no amount: expected USD a month, 0 or more");
        ensure!(
            self.instance_type.starts_with("ml."),
            "--instance-type {} is no instance type of SageMaker: expected for example ml.m5.xlarge",
            self.instance_type
        );
        Ok(())
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { cold_start: self.cold_start, max_cold_share: self.max_cold_share, ..Assumptions::default() }
    }

    fn hourly(&self) -> Option<Decimal> {
        Prices::of_region(&self.region, []).hourly_hosting(&self.instance_type)
    }

    /// An accelerator is certain where it is said; where the instances have one, it may be used.
    fn features(&self) -> Features {
        let accelerator = BTreeSet::from([Feature::Accelerator]);
        let may_use = InstanceTypes::shipped().get(&self.instance_type).is_none_or(|one| 0 < one.gpus + one.accelerators);
        match (self.gpu, may_use) {
            (true, _) => Features { has: accelerator, ..Features::default() },
            (false, true) => Features { unknown: accelerator, ..Features::default() },
            (false, false) => Features::default(),
        }
    }

    fn question(&self, per_instance: f64) -> Question {
        let (max_short_share, zone) = (0.001, TimeZone::UTC);
        Question { terms: Terms::usual(per_instance), instances: self.instances, min_instances: 1, max_short_share, zone }
    }

    /// What to know before the answer is believed.
    fn warnings(&self, traffic: &Traffic, usd_per_hour: Option<Decimal>, has_rates: bool) -> Vec<String> {
        let (instance_type, region) = (&self.instance_type, &self.region);
        let mut warnings = vec![];
        if usd_per_hour.is_none() {
            warnings.push(format!("no price of {instance_type} in {region} is known: what runs on instances has no dollars"));
        }
        if InstanceTypes::shipped().get(instance_type).is_none() {
            warnings.push(format!("{instance_type} is no instance type that is known: whether it has an accelerator cannot be told"));
        }
        if !has_rates {
            warnings.push(format!("the serverless prices of {region} are not known, only those of {}", Rates::KNOWN_REGION));
        }
        if self.payload.is_none() {
            warnings.push("the size of requests and answers is assumed: 2 KB together. Say it with --payload".to_owned());
        }
        if traffic.minutes() < 7 * 24 * 60 {
            let days = traffic.minutes() / (24 * 60);
            warnings.push(format!("the traffic has {days} whole days: less than a week says little of a month"));
        }
        warnings
    }
}

/// `80ms`: more than nothing, and less than a day.
fn latency(text: &str) -> Result<SignedDuration, String> {
    let parsed = text.parse::<SignedDuration>().ok();
    let is_latency = |length: &SignedDuration| SignedDuration::ZERO < *length && *length <= SignedDuration::from_hours(24);
    parsed.filter(is_latency).ok_or_else(|| format!("`{text}` is no latency: write for example 80ms or 2s"))
}

/// Bytes in `20KB`: 1 KB is 1,024 bytes, as AWS counts them.
fn size(text: &str) -> Result<f64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_uppercase();
    let bytes = match unit.replace('I', "").as_str() {
        "B" => Some(1.0),
        "KB" => Some(KIB),
        "MB" => Some(KIB * KIB),
        "GB" => Some(KIB * KIB * KIB),
        _ => None,
    };
    let number = digits.trim().parse::<f64>().ok().filter(|number| number.is_finite() && 0.0 <= *number);
    bytes
        .zip(number)
        .map(|(unit, number)| unit * number)
        .with_context(String::new)
        .map_err(|_| format!("`{text}` is no size: write for example 20KB, 3GB"))
}

/// Whole cents.
fn cents(usd: f64) -> Option<Decimal> {
    Some(Decimal::from_f64(usd)?.round_dp(2))
}

fn as_json(estimates: &[Estimate], best: Option<ServingOption>, warnings: &[String]) -> Value {
    json!({"options": options_json(estimates), "recommended": best.map(ServingOption::name), "warnings": warnings})
}

fn as_text(estimates: &[Estimate], best: Option<ServingOption>, warnings: &[String]) -> String {
    let columns = ["USD a month", "at least", "at most", "cold", "can be used"];
    let mut rows = vec![(String::new(), columns.map(str::to_owned).to_vec())];
    rows.extend(estimates.iter().map(|one| (name_of(one), figures(one))));
    let rows: Vec<(&str, Vec<String>)> = rows.iter().map(|(name, values)| (name.as_str(), values.clone())).collect();
    let advice = best.map_or("none. Nothing that can be used saves enough and leaves callers what they have", ServingOption::words);
    let text = format!("{}\nRecommended: {advice}.\n", table(&rows));
    let reasons = estimates.iter().filter_map(|one| match &one.fit {
        Fit::Yes => None,
        Fit::No(why) => Some(format!("{}: no: {why}", one.option.name())),
        Fit::CannotTell(why) => Some(format!("{}: cannot tell: {why}", one.option.name())),
    });
    let assumed = estimates.iter().map(|one| format!("{}: assumes that {}", one.option.name(), one.assumes));
    let mut notes: Vec<String> = warnings.iter().cloned().chain(reasons).chain(assumed).collect();
    notes.dedup();
    notes.iter().fold(text, |text, note| text + "* " + note + ".\n")
}

/// `serverless, 3 GB, 2 ready`
fn name_of(one: &Estimate) -> String {
    let memory = one.memory_gb.map_or_else(String::new, |gb| format!(", {gb} GB"));
    let ready = one.provisioned.map_or_else(String::new, |count| format!(", {count} ready"));
    format!("{}{memory}{ready}", one.option.name())
}

fn figures(one: &Estimate) -> Vec<String> {
    let usd = |of: fn(&cost_rules::inference::Usd) -> f64| {
        one.usd.as_ref().and_then(|usd| cents(of(usd))).map_or_else(|| "-".to_owned(), dollars)
    };
    let fit = match one.fit {
        Fit::Yes => "yes",
        Fit::No(_) => "no",
        Fit::CannotTell(_) => "cannot tell",
    };
    vec![usd(|usd| usd.expected), usd(|usd| usd.low), usd(|usd| usd.high), format!("{:.2} %", 100.0 * one.cold_share), fit.to_owned()]
}

#[cfg(test)]
mod tests;
