//! `replay-scaling` and `propose-scaling`: traffic and a setting in, cost and short minutes out.

use std::{fmt::Write as _, path::PathBuf};

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use cost_rules::{
    duration::Duration,
    price::{Instances, Prices, dollars},
    scaling::{
        Advice, Load, MINUTES_PER_MONTH, Proposal, Question, Replayed, Scheduled, Setting, Terms, Traffic, billed_by_minute, dearer,
        propose,
    },
    time_zone::zone_named,
};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde_json::{Value, json};

use crate::{chart, traffic};

/// How an answer is printed.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

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
    fn draw(&self, traffic: &Traffic, lines: impl FnOnce() -> Vec<chart::Line>) -> anyhow::Result<()> {
        self.chart.as_ref().map_or(Ok(()), |file| chart::write(file, traffic, self.per_instance, &lines()))
    }

    /// USD per hour of an instance.
    fn hourly(&self) -> anyhow::Result<Option<Decimal>> {
        let (Some(instance_type), Some(region)) = (&self.instance_type, &self.region) else { return Ok(None) };
        let one = [Instances { instance_type: instance_type.clone(), count: 1 }];
        match Prices::of_region(region, []).hourly_of(&one) {
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

/// Names on the left, values in columns.
fn table(rows: &[(&str, Vec<String>)]) -> String {
    let wide = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let names = wide(&mut rows.iter().map(|(name, _)| *name));
    let values = wide(&mut rows.iter().flat_map(|(_, values)| values.iter().map(String::as_str)));
    let line = |(name, of): &(&str, Vec<String>)| {
        let columns: String = of.iter().map(|value| format!("  {value:>values$}")).collect();
        format!("{name:names$}{columns}\n")
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Parser as _, error::ErrorKind};

    use super::*;
    use crate::{Arguments, Command};

    const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/data/traffic/web-diurnal-nasa.csv");

    /// Runs a command line, without `--traffic`, on these minutes.
    fn run_on(csv: &str, line: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("traffic.csv");
        std::fs::write(&file, csv).unwrap();
        run(file.to_str().unwrap(), line)
    }

    fn run(file: &str, line: &str) -> Result<String, String> {
        let arguments = ["cost-guard"].into_iter().chain(line.split(' ')).chain(["--traffic", file]);
        let answer = match Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?.command {
            Command::ReplayScaling(asked) => asked.run(),
            Command::ProposeScaling(asked) => asked.run(),
            _ => unreachable!("these tests are of two commands"),
        };
        answer.map_err(|error| format!("{error:#}"))
    }

    /// The traffic of the reference trace: 100 requests for 5 minutes, 1,000 for 25, 100 for 60.
    fn reference() -> String {
        let requests = [(100, 5), (1000, 25), (100, 60)].into_iter().flat_map(|(requests, minutes)| std::iter::repeat_n(requests, minutes));
        requests.enumerate().fold("minute,requests\n".to_owned(), |text, (minute, requests)| text + &format!("{minute},{requests}\n"))
    }

    #[test]
    fn a_replay_has_the_fields_of_the_contract() {
        let line = "replay-scaling --per-instance 400 --min 1 --max 8 --target 200 --format json";
        let json: Value = serde_json::from_str(&run_on(&reference(), line).unwrap()).unwrap();
        let expected = json!({"minutes": 90, "instance-minutes": 268, "short-minutes": 8, "peak-instances": 5, "scale-outs": 1, "scale-ins": 4, "usd": null});
        assert_eq!(json, expected);
        let priced = run_on(&reference(), &format!("{line} --instance-type ml.m5.xlarge --region us-east-1")).unwrap();
        let priced: Value = serde_json::from_str(&priced).unwrap();
        assert_eq!(priced["usd"], json!(1.03)); // 268 minutes at 0.23 an hour
        let started = run_on(&reference(), &format!("{line} --start 5")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&started).unwrap()["short-minutes"], 0);
    }

    #[test]
    fn people_get_a_table() {
        let text = run_on(&reference(), "replay-scaling --per-instance 400 --min 1 --max 8 --target 200").unwrap();
        assert!(text.contains("instance-minutes         268\n") && text.contains("short minutes     8 (8.89 %)\n"), "{text}");
        let text = run(SAMPLE, "propose-scaling --per-instance 46 --instances 8 --instance-type ml.m5.xlarge --region us-east-1").unwrap();
        assert!(
            text.starts_with("Advice (") && text.contains("proposed") && text.contains("Saves $") && text.contains("not promised"),
            "{text}"
        );
    }

    #[test]
    fn a_proposal_has_the_fields_of_the_contract_and_its_replay_is_that_of_its_setting() {
        let csv = (0..20_160).fold("minute,requests\n".to_owned(), |text, minute| {
            let requests = 300 + 250 * u32::from((480..1080).contains(&(minute % 1440))) * (minute % 7);
            text + &format!("{minute},{requests}\n")
        });
        let proposed = run_on(&csv, "propose-scaling --per-instance 200 --instances 12 --max-short-share 0.01 --format json").unwrap();
        let proposed: Value = serde_json::from_str(&proposed).unwrap();
        for key in [
            "advice",
            "min",
            "max",
            "target",
            "scale-out-cooldown",
            "scale-in-cooldown",
            "schedules",
            "replay",
            "today",
            "saving-usd-per-month",
            "warnings",
        ] {
            assert!(proposed.get(key).is_some(), "{key}: {proposed}");
        }
        assert_eq!(proposed["today"]["instance-minutes"], 12 * 20_160);
        if proposed["schedules"].as_array().unwrap().is_empty() {
            let of = |key: &str| proposed[key].to_string();
            let line = format!(
                "replay-scaling --per-instance 200 --min {} --max {} --target {} --scale-out-cooldown {}s --scale-in-cooldown {}s --format json",
                of("min"),
                of("max"),
                of("target"),
                of("scale-out-cooldown"),
                of("scale-in-cooldown")
            );
            assert_eq!(serde_json::from_str::<Value>(&run_on(&csv, &line).unwrap()).unwrap(), proposed["replay"]);
        }
    }

    #[test]
    fn a_chart_is_written() {
        let file = tempfile::NamedTempFile::with_suffix(".svg").unwrap();
        let path = file.path().display();
        run(SAMPLE, &format!("propose-scaling --per-instance 46 --instances 8 --chart {path}")).unwrap();
        assert!(std::fs::read_to_string(file.path()).unwrap().contains("proposed"));
        let error = run(SAMPLE, "propose-scaling --per-instance 46 --instances 8 --chart /none/x.svg").unwrap_err();
        assert!(error.contains("/none/x.svg cannot be written"), "{error}");
    }

    #[test]
    fn odd_options_are_refused_with_what_was_expected() {
        let replay = "replay-scaling --per-instance 400 --min 1 --max 8 --target 200";
        for (line, says) in [
            (replay.replace("400", "0"), "--per-instance 0 is no number of requests: expected more than 0"),
            (replay.replace("400", "-5"), "--per-instance -5 is no number"),
            (replay.replace("400", "NaN"), "--per-instance NaN is no number"),
            (replay.replace("200", "0"), "--target 0 is no number of requests"),
            (replay.replace("200", "inf"), "--target inf is no number of requests"),
            (replay.replace("--min 1", "--min 9"), "--min 9 is more than --max 8"),
            (replay.replace("--min 1 --max 8", "--min 0 --max 0"), "--max 0 is no capacity"),
            (format!("{replay} --start-up 5"), "`5` is not a duration: write for example"),
            (format!("{replay} --starts-at monday"), "`monday` is not a time: write for example"),
            (format!("{replay} --instance-type ml.m5.xlarge"), "--region"),
            (format!("{replay} --instance-type ml.x --region us-east-1"), "no price of ml.x in us-east-1 is known"),
            ("propose-scaling --per-instance 400 --instances 0".to_owned(), "--instances 0 is no endpoint"),
            ("propose-scaling --per-instance 400 --instances 2 --max-short-share 2".to_owned(), "--max-short-share 2 is no share"),
            ("propose-scaling --per-instance 400 --instances 2 --max-short-share NaN".to_owned(), "--max-short-share NaN is no share"),
            ("propose-scaling --per-instance 400 --instances 2 --timezone Mars/Base".to_owned(), "is not a time zone"),
        ] {
            let error = run_on("minute,requests\n0,5\n", &line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
        assert!(run_on(&reference(), &format!("{replay} --scale-in-cooldown 5m --scale-out-cooldown 300s --start-up 300s")).is_ok());
        let error = run("/none.csv", replay).unwrap_err();
        assert!(error.contains("/none.csv cannot be read"), "{error}");
        assert_eq!(Arguments::try_parse_from(["cost-guard", "replay-scaling"]).err().unwrap().kind(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn huge_numbers_are_counted_and_not_wrapped() {
        let csv = "minute,requests\n0,18446744073709551614\n1,18446744073709551614\n2,18446744073709551614\n9,1\n";
        let replayed = run_on(
            csv,
            "replay-scaling --per-instance 1 --min 1 --max 4000000000 --target 0.001 --start-up 0s --metric-delay 0s --format json",
        );
        let replayed: Value = serde_json::from_str(&replayed.unwrap()).unwrap();
        assert_eq!((replayed["minutes"].as_u64(), replayed["peak-instances"].as_u64()), (Some(10), Some(4_000_000_000)));
        let proposed = run_on(csv, "propose-scaling --per-instance 0.001 --instances 4000000000 --format json").unwrap();
        assert_eq!(serde_json::from_str::<Value>(&proposed).unwrap()["advice"], "fixed");
    }
}
