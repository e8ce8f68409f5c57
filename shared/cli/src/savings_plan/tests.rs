//! The command on files: its answer, and what it says about files that are wrong.

use clap::Parser;
use tempfile::TempDir;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    asked: SavingsPlan,
}

const USAGE: &str = "hour,USE1-Host:ml.m5.xlarge,USE1-Train:ml.m5.xlarge\n1,40,\n2,20,0\n3,10,0\n4,30,0\n";
const RATES: &str = "usage-type,on-demand,savings-plan\nUSE1-Host:ml.m5.xlarge,1,0.7\nUSE1-Train:ml.m5.xlarge,2,\n";

fn answer(usage: &str, rates: &str, more: &[&str]) -> Result<String, String> {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let (usage, rates) = (file("usage.csv", usage), file("rates.csv", rates));
    let line = ["savings-plan", "--usage", &usage, "--rates", &rates].into_iter().chain(more.iter().copied());
    let folder = format!("{}/", folder.path().display());
    Line::parse_from(line).asked.run().map_err(|error| format!("{error:#}").replace(&folder, ""))
}

fn in_json(usage: &str, rates: &str, more: &[&str]) -> Value {
    let text = answer(usage, rates, &[more, &["--format", "json"]].concat()).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_answer_has_the_best_commitment_and_the_curve() {
    let found = in_json(USAGE, RATES, &[]);
    for (key, value) in [
        ("hours", json!(4)),
        ("on-demand-usd", json!(100.0)),
        ("commitment-usd-per-hour", json!(14.0)),
        ("cost-usd", json!(86.0)),
        ("saving-usd", json!(14.0)),
        ("utilisation", json!(0.875)),
        ("under-used-hours", json!(1)),
        ("unused-usd", json!(7.0)),
        ("worst-30-days-unused-usd", json!(null)),
        ("not-covered", json!(["USE1-Train:ml.m5.xlarge"])),
    ] {
        assert_eq!(found[key], value, "{key}");
    }
    let curve = found["curve"].as_array().unwrap();
    assert_eq!(
        (curve.len(), &curve[0], &curve[20]),
        (41, &json!({"commitment": 0.0, "cost": 100.0}), &json!({"commitment": 14.0, "cost": 86.0}))
    );
    let text = answer(USAGE, RATES, &[]).unwrap();
    for line in ["Advice: commit $14 per hour.", "87.5 %", "$14.00 (14 %)", "Not covered by the plan: USE1-Train:ml.m5.xlarge."] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn owned_plans_are_used_first_and_idle_hours_buy_nothing() {
    let owned = in_json(USAGE, RATES, &["--owned", "7"]);
    assert_eq!((&owned["on-demand-usd"], &owned["commitment-usd-per-hour"]), (&json!(60.0), &json!(7.0)));
    assert_eq!(owned["owned"], json!({"commitment-usd-per-hour": 7.0, "covers-on-demand-usd": 40.0, "unused-usd": 0.0}));
    let idle = "hour_utc,USE1-Host:ml.m5.xlarge\na,0\nb,\nc,\nd,1e1\n";
    let none = in_json(idle, &RATES.replace("0.7", "0.75"), &[]);
    assert_eq!((&none["commitment-usd-per-hour"], &none["cost-usd"], &none["utilisation"]), (&json!(0.0), &json!(10.0), &json!(null)));
    assert!(answer(idle, RATES, &[]).unwrap().starts_with("Advice: do not buy."));
}

#[test]
fn hours_follow_each_other_and_less_than_a_week_is_said() {
    for hours in [
        ["2026-08-03T23Z", "2026-08-04T00Z"],
        ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"],
        ["2026-08-03 23:00", "2026-08-04 00:00"],
        ["a", "b"],
    ] {
        let usage = format!("hour,USE1-Host:ml.m5.xlarge\n{},2\n{},2\n", hours[0], hours[1]);
        let note = in_json(&usage, RATES, &[])["note"].clone();
        assert!(note.as_str().is_some_and(|note| note.starts_with("These are only 2 hours.")), "{hours:?}: {note}");
    }
    let week = (0..168).map(|hour| format!("{hour},2")).collect::<Vec<_>>().join("\n");
    assert_eq!(in_json(&format!("hour,USE1-Host:ml.m5.xlarge\n{week}"), RATES, &[])["note"], json!(null));
}

#[test]
fn files_that_are_wrong_are_refused_with_the_line() {
    let host = "USE1-Host:ml.m5.xlarge";
    for (usage, rates, says) in [
        ("", RATES, "usage.csv, line 1: the file is empty: expected the header `hour,<usage type>,…`"),
        ("hour,USE1-Host:ml.m5.xlarge\n", RATES, "usage.csv, line 2: there is no hour"),
        ("minute,requests\n0,1\n", RATES, "usage.csv, line 1: `minute,requests` is not the header: expected `hour,<usage type>,…`"),
        ("hour,x\n1,2\n", RATES, "usage.csv, line 1: `x` has no price in rates.csv: expected a line `x,<on-demand>,<savings-plan>`"),
        ("hour,USE1-Host:ml.m5.xlarge\n1,2\n1,3\n", RATES, "usage.csv, line 3: the hour `1` is there already"),
        ("hour,USE1-Host:ml.m5.xlarge\n1,2\n3,3\n", RATES, "usage.csv, line 3: the hour `3` does not follow the line before"),
        (
            "hour,USE1-Host:ml.m5.xlarge\n2026-08-03T23Z,2\n2026-08-04T01Z,2\n",
            RATES,
            "usage.csv, line 3: the hour `2026-08-04T01Z` does not",
        ),
        ("hour,USE1-Host:ml.m5.xlarge\n2026-08-03T00:00:00Z,2\n2026-08-04T00:00:00Z,2\n", RATES, "usage.csv, line 3: the hour"),
        ("hour,USE1-Host:ml.m5.xlarge\n2026-08-03,2\n2026-08-04,2\n", RATES, "usage.csv, line 2: `2026-08-03` is a day: expected hours"),
        ("hour,USE1-Host:ml.m5.xlarge\n1,-2\n", RATES, "usage.csv, line 2: `-2` are no instance-hours"),
        ("hour,USE1-Host:ml.m5.xlarge\n1,NaN\n", RATES, "usage.csv, line 2: `NaN` are no instance-hours"),
        ("hour,USE1-Host:ml.m5.xlarge\n1,2,3\n", RATES, "usage.csv, line 2: 3 field(s): expected an hour and 1 usage types"),
        (USAGE, "", "rates.csv: there is no price: expected the header"),
        (USAGE, "a,b\n", "rates.csv, line 1: `a,b` is not the header: expected `usage-type,on-demand,savings-plan`"),
        (USAGE, "usage-type,on-demand,savings-plan\nx,0,1\n", "rates.csv, line 2: `0` is no price"),
        (USAGE, "usage-type,on-demand,savings-plan\nx,1\n", "rates.csv, line 2: 2 field(s): expected a usage type and two prices"),
        (USAGE, "usage-type,on-demand,savings-plan\nx,1,1\nx,1,1\n", "rates.csv, line 3: `x` has a price already"),
    ] {
        let said = answer(usage, rates, &[]).unwrap_err();
        assert!(said.starts_with(says), "{usage:?}: {said}");
    }
    let twice = format!("hour,{host},{host}\n1,2,3\n");
    assert!(answer(&twice, RATES, &[]).unwrap_err().contains("is there twice"));
    assert!(answer(USAGE, RATES, &["--owned", "-1"]).unwrap_err().contains("--owned -1 is no commitment"));
}
