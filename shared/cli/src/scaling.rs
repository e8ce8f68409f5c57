//! `replay-scaling` and `propose-scaling`: traffic and a setting in, cost and short minutes out.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use cost_page::charts::{self, Line};
use cost_rules::{
    duration::Duration,
    price::{Prices, dollars},
    scaling::{
        Advice, Load, MINUTES_PER_MONTH, Proposal, Question, Replayed, Scheduled, Setting, Terms, Traffic, billed_by_minute, dearer,
        propose,
    },
    time_zone::zone_named,
};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde_json::{Value, json};

use crate::{
    output::{Format, table},
    traffic,
};

/// What both commands take.
#[derive(Args)]
struct Given {
    /// The traffic, a CSV file with the header `minute,requests`: minutes from the start, and the requests that began in each. A minute without a row had no
    /// datapoint.
    #[arg(long, value_name = "FILE")]
    traffic: PathBuf,
    /// Requests a minute that one instance carries.
    #[arg(long, value_name = "REQUESTS_PER_MINUTE", allow_negative_numbers = true)]
    per_instance: f64,
    /// The time from the decision for a new instance until it serves.
    #[arg(long, default_value = "5m")]
    start_up: Duration,
    /// When minute 0 was. By default, on a Monday at 00:00 UTC.
    #[arg(long, value_name = "TIME", value_parser = traffic::time, default_value = traffic::A_MONDAY, hide_default_value = true)]
    starts_at: Timestamp,
    /// The instance type, for dollars: `ml.m5.xlarge`.
    #[arg(long, value_name = "TYPE", requires = "region")]
    instance_type: Option<String>,
    /// The Region, for dollars: `eu-central-1`.
    #[arg(long, requires = "instance_type")]
    region: Option<String>,
    /// Draw load and instances into this SVG file.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl Given {
    fn read(&self) -> anyhow::Result<Traffic> {
        is_rate("--per-instance", self.per_instance)?;
        traffic::read(&self.traffic, self.starts_at)
    }

    /// Draws the chart, if one is wanted.
    fn draw(&self, traffic: &Traffic, lines: impl FnOnce() -> Vec<Line>) -> anyhow::Result<()> {
        let Some(file) = &self.chart else { return Ok(()) };
        let svg = charts::scaling(traffic, self.per_instance, &lines())?;
        fs::write(file, svg).with_context(|| format!("{} cannot be written", file.display()))
    }

    /// USD per hour of an instance.
    fn hourly(&self) -> anyhow::Result<Option<Decimal>> {
        let (Some(instance_type), Some(region)) = (&self.instance_type, &self.region) else { return Ok(None) };
        match Prices::of_region(region, []).hourly_hosting(instance_type) {
            Some(usd) => Ok(Some(usd)),
            None => bail!(
                "no price of {instance_type} in {region} is known: leave out --instance-type and --region, and the answer is in instance-minutes"
            ),
        }
    }
}

/// The options of `replay-scaling`.
#[derive(Args)]
pub(crate) struct ReplayScaling {
    #[command(flatten)]
    given: Given,
    /// The minimum number of instances.
    #[arg(long)]
    min: u32,
    /// The maximum number of instances.
    #[arg(long)]
    max: u32,
    /// What the policy aims at: requests a minute and instance.
    #[arg(long, allow_negative_numbers = true)]
    target: f64,
    /// The instances at the start. By default, the minimum.
    #[arg(long)]
    start: Option<u32>,
    /// The policy's `ScaleOutCooldown`.
    #[arg(long, default_value = "300s")]
    scale_out_cooldown: Duration,
    /// The policy's `ScaleInCooldown`.
    #[arg(long, default_value = "300s")]
    scale_in_cooldown: Duration,
    /// The time after which CloudWatch shows a datapoint.
    #[arg(long, default_value = "1m")]
    metric_delay: Duration,
}

impl ReplayScaling {
    pub(crate) fn run(&self) -> anyhow::Result<String> {
        let Self { given, min, max, target, start, .. } = self;
        is_rate("--target", *target)?;
        ensure!(min <= max, "--min {min} is more than --max {max}: expected a minimum of at most the maximum");
        ensure!(0 < *max, "--max 0 is no capacity: expected 1 or more");
        let (traffic, hourly) = (given.read()?, given.hourly()?);
        let terms = Terms { per_instance: given.per_instance, start_up: given.start_up, metric_delay: self.metric_delay };
        let (scale_out_cooldown, scale_in_cooldown) = (self.scale_out_cooldown, self.scale_in_cooldown);
        let setting = Setting { min: *min, max: *max, target: *target, scale_out_cooldown, scale_in_cooldown, schedules: vec![] };
        let load = Load::new(&traffic);
        let replayed = dearer(&load, &setting, &terms, *start);
        given.draw(&traffic, || vec![("instances", billed_by_minute(&load, &setting, &terms, *start))])?;
        if given.format == Format::Json {
            return Ok(format!("{:#}\n", replay_json(&replayed, hourly)));
        }
        let rows: Vec<_> = figures(&replayed, hourly).map(|(name, value)| (name, vec![value])).into();
        Ok(table(&rows))
    }
}

/// The options of `propose-scaling`.
#[derive(Args)]
pub(crate) struct ProposeScaling {
    #[command(flatten)]
    given: Given,
    /// The instances of today.
    #[arg(long)]
    instances: u32,
    /// Never fewer than these: 2 or more for production, 0 where the endpoint can scale to zero (asynchronous, or with inference components).
    #[arg(long, default_value_t = 1)]
    min_instances: u32,
    /// The largest share of minutes in which an instance may get more requests than it carries.
    #[arg(long, default_value_t = 0.001, allow_negative_numbers = true)]
    max_short_share: f64,
    /// The time zone of scheduled actions.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
}

impl ProposeScaling {
    pub(crate) fn run(&self) -> anyhow::Result<String> {
        let Self { given, instances, min_instances, max_short_share, .. } = self;
        ensure!(
            (0.0..=1.0).contains(max_short_share),
            "--max-short-share {max_short_share} is no share: expected 0 to 1, for example 0.001"
        );
        ensure!(0 < *instances, "--instances 0 is no endpoint: expected the instances of today, 1 or more");
        let zone = self.zone()?;
        let (traffic, hourly) = (given.read()?, given.hourly()?);
        let terms = Terms { per_instance: given.per_instance, start_up: given.start_up, metric_delay: Terms::METRIC_DELAY };
        let question = Question { terms, instances: *instances, min_instances: *min_instances, max_short_share: *max_short_share, zone };
        let proposal = propose(&traffic, &question);
        let of = |setting: &Setting| billed_by_minute(&Load::new(&traffic), setting, &terms, None);
        let today = Setting::fixed(*instances, given.per_instance);
        given.draw(&traffic, || vec![("today", of(&today)), ("proposed", of(&proposal.setting))])?;
        Ok(if given.format == Format::Json {
            format!("{:#}\n", proposal_json(&proposal, hourly))
        } else {
            proposal_text(&proposal, hourly)
        })
    }

    fn zone(&self) -> anyhow::Result<TimeZone> {
        if self.timezone == "UTC" { Ok(TimeZone::UTC) } else { zone_named(&self.timezone) }
    }
}

/// Requests a minute are more than nothing, and a number.
fn is_rate(option: &str, value: f64) -> anyhow::Result<()> {
    ensure!(value.is_finite() && 0.0 < value, "{option} {value} is no number of requests: expected more than 0 a minute, for example 120");
    Ok(())
}

/// What instance-minutes cost, in whole cents.
fn usd(instance_minutes: u64, hourly: Option<Decimal>) -> Option<Decimal> {
    let hours = Decimal::from(instance_minutes).checked_div(Decimal::from(60))?;
    Some(hours.checked_mul(hourly?)?.round_dp(2))
}

/// What a proposal saves in a month of 730 hours.
fn saving(proposal: &Proposal, hourly: Option<Decimal>) -> Option<Decimal> {
    let Proposal { today, replay, .. } = proposal;
    let saved = Decimal::from(today.instance_minutes) - Decimal::from(replay.instance_minutes);
    let by_month = saved.checked_mul(Decimal::from(MINUTES_PER_MONTH))?.checked_div(Decimal::from(today.minutes.max(1)))?;
    Some((by_month / Decimal::from(60)).checked_mul(hourly?)?.round_dp(2))
}

fn replay_json(replayed: &Replayed, hourly: Option<Decimal>) -> Value {
    json!({
        "minutes": replayed.minutes,
        "instance-minutes": replayed.instance_minutes,
        "short-minutes": replayed.short_minutes,
        "peak-instances": replayed.peak_instances,
        "scale-outs": replayed.scale_outs,
        "scale-ins": replayed.scale_ins,
        "usd": usd(replayed.instance_minutes, hourly).and_then(|usd| usd.to_f64()),
    })
}

fn proposal_json(proposal: &Proposal, hourly: Option<Decimal>) -> Value {
    let Setting { min, max, target, scale_out_cooldown, scale_in_cooldown, schedules } = &proposal.setting;
    let schedule = |action: &Scheduled| {
        json!({
            "days": action.days.to_string(),
            "time": action.time(),
            "timezone": action.zone_name(),
            "min": action.min,
            "max": action.max,
        })
    };
    json!({
        "advice": proposal.advice.name(),
        "reason": proposal.reason,
        "min": min,
        "max": max,
        "target": target,
        "scale-out-cooldown": scale_out_cooldown.signed().as_secs(),
        "scale-in-cooldown": scale_in_cooldown.signed().as_secs(),
        "schedules": schedules.iter().map(schedule).collect::<Vec<_>>(),
        "replay": replay_json(&proposal.replay, hourly),
        "today": replay_json(&proposal.today, hourly),
        "saving-usd-per-month": saving(proposal, hourly).and_then(|usd| usd.to_f64()),
        "saving-instance-hours-per-month": (proposal.saved_hours_per_month() * 10.0).round() / 10.0,
        "saving-promised": proposal.is_promised(),
        "warnings": proposal.doubts.iter().map(|doubt| &doubt.text).collect::<Vec<_>>(),
    })
}

/// The figures of a replay, for people.
fn figures(replayed: &Replayed, hourly: Option<Decimal>) -> [(&'static str, String); 7] {
    let share = 100.0 * Decimal::from(replayed.short_minutes).to_f64().unwrap_or(0.0)
        / Decimal::from(replayed.minutes.max(1)).to_f64().unwrap_or(1.0);
    [
        ("minutes", replayed.minutes.to_string()),
        ("instance-minutes", replayed.instance_minutes.to_string()),
        ("short minutes", format!("{} ({share:.2} %)", replayed.short_minutes)),
        ("most instances", replayed.peak_instances.to_string()),
        ("scaled out", replayed.scale_outs.to_string()),
        ("scaled in", replayed.scale_ins.to_string()),
        ("cost", usd(replayed.instance_minutes, hourly).map_or_else(|| "-".to_owned(), dollars)),
    ]
}

fn proposal_text(proposal: &Proposal, hourly: Option<Decimal>) -> String {
    let mut text = format!("{}\n\n", advice(proposal));
    let today = figures(&proposal.today, hourly);
    let mut rows = vec![("", vec!["today".to_owned(), "proposed".to_owned()])];
    rows.extend(today.into_iter().zip(figures(&proposal.replay, hourly)).map(|((name, before), (_, after))| (name, vec![before, after])));
    text += &table(&rows);
    let saved = saving(proposal, hourly).map_or_else(|| format!("{:.0} instance-hours", proposal.saved_hours_per_month()), dollars);
    let promised = if proposal.is_promised() { "" } else { " if the future is like this past. It is not promised" };
    let _ = writeln!(text, "\nSaves {saved} a month{promised}.");
    for doubt in &proposal.doubts {
        let _ = writeln!(text, "* {}", doubt.text);
    }
    text
}

/// What is advised, in words.
fn advice(proposal: &Proposal) -> String {
    let Setting { min, max, target, scale_out_cooldown, scale_in_cooldown, schedules } = &proposal.setting;
    let reason = &proposal.reason;
    if proposal.advice == Advice::Fixed {
        return format!("Advice: {min} instances, always: {reason}.");
    }
    let mut text = format!(
        "Advice ({}): {min} to {max} instances, target {target} requests a minute and instance, cooldowns {scale_out_cooldown} out and {scale_in_cooldown} in: {reason}.",
        proposal.advice.name()
    );
    for action in schedules {
        let _ = write!(text, "\n  {} {} {}: {} to {} instances", action.days, action.time(), action.zone_name(), action.min, action.max);
    }
    text
}

#[cfg(test)]
mod tests;
