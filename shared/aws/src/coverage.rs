//! Publishes the tag coverage: in the report, as metrics, and as a CSV table in S3.

use std::{cmp::Reverse, collections::BTreeMap};

use cost_rules::{
    coverage::{Coverage, Row, Share, or_unowned, spend_by_kind},
    policy::{self, CoverageMetric},
    resource::Kind,
    rulebook::Rulebook,
    text::cell,
};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde_json::{Value, json};

use crate::{
    bucket::Object,
    context::Context,
    report::{Report, cents, percent_line},
};

/// Adds the coverage to the report and the metrics. Writes it to the S3 bucket too, if the policy names one and this is no dry run.
///
/// # Errors
/// S3 refuses the table, or the account is not known.
pub async fn tell(context: &Context, rulebook: &Rulebook, coverage: &Coverage, report: &mut Report, now: Timestamp) -> anyhow::Result<()> {
    report.coverage = Some(reported(coverage));
    report.more_metrics.extend(metrics(coverage, &rulebook.policy.coverage, context.function, now));
    match &rulebook.policy.coverage.bucket {
        // An empty result does not overwrite the table that an earlier run of the day wrote.
        Some(bucket) if !report.dry_run && !coverage.resources.is_empty() => {
            store(context, coverage, bucket, &rulebook.policy.coverage.prefix, now).await
        }
        _ => Ok(()),
    }
}

/// The most teams that have a metric of their own: each costs money, and a team is whatever somebody wrote into a tag.
const TEAMS_WITH_METRICS: usize = 20;

/// The other teams, together.
const OTHER_TEAMS: &str = "others";

/// The `coverage` field of the report.
fn reported(coverage: &Coverage) -> Value {
    let shares = |shares: BTreeMap<&str, Share>| {
        Value::Object(shares.into_iter().map(|(of, share)| (of.to_owned(), told(share, json!({})))).collect())
    };
    let resources = told(coverage.all(), json!({"by-team": shares(coverage.by_team()), "by-kind": shares(coverage.by_kind())}));
    let spends = coverage.spends.iter().map(|spend| {
        let by_kind = spend_by_kind(spend).into_iter().map(|(kind, share)| (kind.map_or("other", Kind::as_str), share)).collect();
        let by_team = spend.by_team.iter().map(|(team, split)| (or_unowned(team), (*split).into())).collect();
        told(
            spend.all().into(),
            json!({"tag": spend.keys.join(" or "), "days": spend.days, "by-team": shares(by_team), "by-kind": shares(by_kind)}),
        )
    });
    json!({"resources": resources, "spend-usd": spends.collect::<Vec<_>>()})
}

fn told(share: Share, mut with: Value) -> Value {
    with["total"] = number(share.total);
    with["tagged"] = number(share.tagged);
    with["percent"] = share.percent().map_or(Value::Null, number);
    with
}

/// A JSON number with at most two decimal places; a whole number is a JSON integer.
fn number(number: Decimal) -> Value {
    number.to_i64().filter(|_| number.is_integer()).map_or_else(|| cents(number).into(), Value::from)
}

/// The coverage as metrics in percent: in total, by team and by kind if the policy asks for it, and of the spend by tag. Each metric has a line of its own,
/// because each has its own dimensions.
fn metrics(coverage: &Coverage, settings: &policy::Coverage, function: &str, now: Timestamp) -> Vec<Value> {
    let has = |metric| settings.metrics.contains(&metric);
    let of_resources =
        |dimension: Option<(&str, &str)>, share: Share| Some(percent_line("TagCoverage", share.percent()?, dimension, function, now));
    let mut lines: Vec<Option<Value>> = vec![of_resources(None, coverage.all())];
    if has(CoverageMetric::Team) {
        lines.extend(measured(coverage.by_team()).into_iter().map(|(team, share)| of_resources(Some(("Team", team)), share)));
    }
    if has(CoverageMetric::Kind) {
        lines.extend(coverage.by_kind().into_iter().map(|(kind, share)| of_resources(Some(("Kind", kind)), share)));
    }
    lines.extend(coverage.spends.iter().map(|spend| {
        let tag = spend.keys.join(" or ");
        let tag = Some(tag.as_str()).filter(|tag| is_dimension(tag))?;
        Some(percent_line("TagCoverageSpend", Share::from(spend.all()).percent()?, Some(("Tag", tag)), function, now))
    }));
    lines.into_iter().flatten().collect()
}

/// The teams that have metrics: the largest ones with a name that CloudWatch takes. The others are summed up.
fn measured(by_team: BTreeMap<&str, Share>) -> BTreeMap<&str, Share> {
    let mut teams: Vec<(&str, Share)> = by_team.into_iter().collect();
    teams.sort_by_key(|(team, share)| (!is_dimension(team), Reverse(share.total)));
    let own = teams.iter().take(TEAMS_WITH_METRICS).take_while(|(team, _)| is_dimension(team)).count();
    let mut measured = BTreeMap::new();
    for (place, (team, share)) in teams.into_iter().enumerate() {
        let of: &mut Share = measured.entry(if place < own { team } else { OTHER_TEAMS }).or_default();
        *of = Share { total: of.total + share.total, tagged: of.tagged + share.tagged };
    }
    measured
}

/// Whether CloudWatch takes this as a dimension's value (aws-facts §4): it drops a line with another one in silence.
fn is_dimension(value: &str) -> bool {
    value.len() <= 1024 && !value.trim().is_empty() && !value.starts_with(':') && value.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

/// Writes the table to `s3://<bucket>/<prefix>account=<account>/region=<region>/2026-11-24.csv`. There is one table per day (UTC), which each run replaces.
/// Many accounts and Regions can share a bucket, which may be in another Region.
///
/// # Errors
/// S3 refuses it, or the account is not known.
async fn store(context: &Context, coverage: &Coverage, bucket: &str, prefix: &str, now: Timestamp) -> anyhow::Result<()> {
    let (account, region) = (context.account()?, &context.clients.region);
    let date = now.to_zoned_datetime(TimeZone::UTC).date().to_string();
    let table = table(&coverage.rows(), &date, account, region)?;
    let key = format!("{prefix}account={account}/region={region}/{date}.csv");
    let object = Object { bucket, key: &key, content_type: "text/csv; charset=utf-8", body: table };
    object.put(&context.clients).await.map_err(|why| anyhow::anyhow!(why))
}

fn table(rows: &[Row], date: &str, account: &str, region: &str) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(["date", "account", "region", "measure", "tag", "team", "kind", "total", "tagged", "percent"])?;
    for Row { measure, tag, team, kind, share } in rows {
        let percent = share.percent().map(|percent| percent.to_string()).unwrap_or_default();
        let (total, tagged) = (share.total.round_dp(2).to_string(), share.tagged.round_dp(2).to_string());
        writer.write_record([date, account, region, measure, &cell(tag), &cell(team), kind, &total, &tagged, &percent])?;
    }
    Ok(writer.into_inner()?)
}

#[cfg(test)]
mod tests {
    use cost_rules::facts::{Split, TagSpend};
    use rust_decimal::dec;

    use super::*;

    fn coverage() -> Coverage {
        let share = |total, tagged| Share { total, tagged };
        let split = |tagged, untagged| Split { tagged, untagged };
        Coverage {
            resources: [
                (("nlp".to_owned(), Kind::Model), share(dec!(3), dec!(2))),
                (("=1+1".to_owned(), Kind::Endpoint), share(dec!(1), dec!(0))),
            ]
            .into(),
            spends: vec![TagSpend {
                keys: vec!["Owner".into(), "owner".into()],
                days: 30,
                by_usage: [("Host:ml.m5.xlarge".to_owned(), split(dec!(30.456), dec!(10)))].into(),
                by_team: [(String::new(), split(dec!(30.456), dec!(10)))].into(),
            }],
        }
    }

    #[test]
    fn the_table_is_of_resources_and_of_dollars() {
        let table = String::from_utf8(table(&coverage().rows(), "2026-11-24", "123456789012", "eu-central-1").unwrap()).unwrap();
        let place = "2026-11-24,123456789012,eu-central-1";
        let expected = [
            "date,account,region,measure,tag,team,kind,total,tagged,percent".to_owned(),
            format!("{place},resources,,'=1+1,endpoint,1,0,0"),
            format!("{place},resources,,nlp,model,3,2,66.7"),
            format!("{place},usd-30d,Owner or owner,unowned,,40.46,30.46,75.3"),
            format!("{place},usd-30d,Owner or owner,,endpoint,40.46,30.46,75.3"),
        ];
        assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_report_and_the_metrics_are_in_percent() {
        let report = reported(&coverage());
        assert_eq!((&report["resources"]["percent"], &report["resources"]["by-team"]["nlp"]["tagged"]), (&json!(50), &json!(2)));
        assert_eq!((&report["spend-usd"][0]["tag"], &report["spend-usd"][0]["percent"]), (&json!("Owner or owner"), &json!(75.3)));
        let lines = |settings: &str| {
            let rulebook = Rulebook::from_toml(settings).unwrap();
            metrics(&coverage(), &rulebook.policy.coverage, "tag-auditor", "2026-11-24T12:00:00Z".parse().unwrap())
        };
        let all = lines("[coverage]\nmetrics = [\"team\", \"kind\"]");
        assert_eq!(all.len(), 6, "{all:?}");
        assert_eq!(
            (&all[0]["TagCoverage"], &all[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"]),
            (&json!(50.0), &json!([["FunctionName"]]))
        );
        assert_eq!(all[2]["Team"], "nlp");
        assert_eq!(all[2]["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["FunctionName", "Team"]]));
        assert_eq!(lines("").len(), 2, "each metric costs money");
        let nothing = metrics(&Coverage::default(), &policy::Coverage::default(), "tag-auditor", Timestamp::UNIX_EPOCH);
        assert_eq!(nothing, [Value::Null; 0], "of nothing there is no percentage");
        assert_eq!(reported(&Coverage::default())["resources"]["percent"], Value::Null);
        assert_eq!(Share { total: Decimal::ZERO, tagged: Decimal::ZERO }.percent(), None);
    }

    #[test]
    fn only_the_largest_teams_have_metrics_and_none_whose_name_cloudwatch_drops() {
        let share = |total: u32, tagged: u32| Share { total: total.into(), tagged: tagged.into() };
        let names: Vec<String> = (1..=30).map(|n| format!("team{n:02}")).collect();
        let mut by_team: BTreeMap<&str, Share> = (1..=30).zip(&names).map(|(n, name)| (name.as_str(), share(n, 1))).collect();
        by_team.extend([("Z\u{fc}rich", share(99, 50)), (" ", share(99, 0)), (":x", share(99, 0)), ("a\u{7}", share(99, 0))]);
        let measured = measured(by_team);
        assert_eq!(measured.len(), TEAMS_WITH_METRICS + 1);
        assert!(measured.contains_key("team11") && !measured.contains_key("team10"), "{measured:?}");
        // Ten teams of 1 to 10 resources, with one tagged in each, and those without a name that can be one.
        assert_eq!(measured[OTHER_TEAMS], share(55 + 4 * 99, 10 + 50));
        let few = [("nlp", share(3, 2)), ("R&D, 2nd floor", share(1, 0))];
        assert_eq!(super::measured(few.into()), few.into());
    }

    #[test]
    fn a_team_is_no_formula_and_no_line() {
        for (team, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1+1", "'=1+1"),
            ("\r=1+1", "'=1+1"),
            (" \n=1+1", "'=1+1"),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("a\nb", "a b"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("\u{1b}[31m\u{202e}a", "\u{fffd}[31m\u{fffd}a"),
            ("<script>", "<script>"),
        ] {
            let share = Share { total: dec!(1), tagged: dec!(1) };
            let row = Row { measure: "resources".into(), tag: String::new(), team: team.into(), kind: "model", share };
            let table = String::from_utf8(table(&[row], "2026-11-24", "123456789012", "eu-central-1").unwrap()).unwrap();
            assert_eq!(
                table.lines().nth(1).unwrap(),
                format!("2026-11-24,123456789012,eu-central-1,resources,,{cell},model,1,1,100"),
                "{team:?}"
            );
        }
    }
}
