//! # spend-spike
//!
//! ## What it finds
//! A day on which SageMaker cost far more than usual for its weekday, in all Regions. It must be more than the median of the last eight such weekdays by `min-cost`
//! USD, by `min-percent` and by `deviations` standard deviations. Holidays and past spikes hardly change a median, and the policy's holidays are left out. The first
//! and last day of a month are compared with those of earlier months, too. An anomaly that AWS Cost Anomaly Detection finds on the same days is reported as the same
//! spike. An anomaly that only AWS finds is reported, too. After two weeks a spike is no longer reported, because it is then the usual spend.
//!
//! ## Why it costs money
//! A forgotten cluster or a loop that submits jobs is noticed the next day, and not at the end of the month.
//!
//! ## What happens, and what is lost
//! Whoever runs the platform is mailed once for each spike, however many days it lasts, with the usage types and teams that caused it, and what still runs of
//! these types in the guard's Region. Nothing else happens.
//! A day's cost is known one day later. Cost Explorer is read once a day, at one cent per page of its answer.
//!
//! ## Settings

use std::collections::BTreeMap;

use jiff::{ToSpan as _, civil::Date};
use rust_decimal::{Decimal, dec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    facts::{CostDriver, Running, RunningCost, Spend},
    rules::{
        budgets::{
            spikes::{self, Limits, Spike},
            thresholds as budget,
        },
        context::RuleContext,
        rule::{Manner, Rule},
        verdict::{Detail, Notice, Severity, Verdict, Waste, leveled},
    },
    vocabulary::{
        duration::Duration,
        price::{Usd, dollars},
        usage_type,
    },
};

/// How many causes a mail names.
const NAMED: usize = 5;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SpendSpike {
    /// How much more than usual a day must cost, in USD.
    min_cost: Usd,
    /// How much more than usual a day must cost, in percent.
    min_percent: u32,
    /// How much more than usual a day must cost, in standard deviations.
    deviations: u32,
}

impl Default for SpendSpike {
    fn default() -> Self {
        Self { min_cost: Usd(dec!(25)), min_percent: 50, deviations: 4 }
    }
}

impl Rule for SpendSpike {
    const NAME: &'static str = "spend-spike";
    const TO_DO: &'static str = "look at what grew most";
    const MANNER: Manner = Manner { remind_after: Some(Duration::LONGEST), ..Manner::DEFAULT };
    type Subject = Spend;

    fn nonsense(&self) -> Option<&'static str> {
        let is_any = self.min_percent == 0 && self.deviations == 0;
        is_any.then_some("`min-percent` and `deviations` are both 0: every day that costs a little more would be told")
    }

    fn check(&self, spend: &Spend, cx: &RuleContext<'_>) -> Verdict {
        let Some((last_day, _)) = spend.days.last_key_value() else { return Verdict::Later };
        let limits = Limits { usd: self.min_cost.0, percent: Decimal::from(self.min_percent), deviations: Decimal::from(self.deviations) };
        let daily = spend.daily(&|_| true);
        let anomalies = spend.anomalies.as_deref().unwrap_or_default();
        let Some(spike) = spikes::current(&daily, *last_day, &cx.policy.calendar.holidays, anomalies, limits) else {
            return Verdict::Fine;
        };
        let Spike { from, last, actual, usual, earlier_days, by_aws, is_awss_alone } = &spike;
        let days = if from == last { format!("on {}", from.strftime("%a %F")) } else { format!("from {from} to {last}") };
        let words = if *is_awss_alone {
            format!("SageMaker cost {} more than AWS expected {days}", dollars(*actual - *usual))
        } else {
            format!("SageMaker cost {} {days}, usually {}", dollars(*actual), dollars(*usual))
        };
        let basis = match () {
            () if *is_awss_alone => String::new(),
            () if from == last => format!(" (the median of {earlier_days} earlier {}s)", from.strftime("%A")),
            () => format!(" (each day the median of at least {earlier_days} earlier days of its weekday)"),
        };
        let too = if *by_aws { "; AWS's Cost Anomaly Detection says so" } else { "" };
        let mut details = vec![];
        let causes = causes(spend, &spike);
        if !causes.is_empty() {
            let title = "Cause: what cost more than usual on these days (the bill of the last one may not be final):".into();
            details.push(Detail { title, list: causes.iter().map(budget::words).collect() });
        }
        details.extend(spend.running.as_ref().filter(|_| !causes.is_empty()).map(|running| still_runs(running, &causes)));
        Verdict::Waste(Box::new(Waste {
            reason: format!("{words}{basis}{too}").into(),
            notice: Notice {
                advice: Some(format!(
                    "look at the first cause: is it intended? If not, stop what still runs of it. If it has ended, ask {}.",
                    team_to_ask(&causes)
                )),
                severity: Severity::Warning,
                subject: Some(
                    causes.first().map_or_else(|| words.clone(), |cause| format!("{words}: {}", usage_type::words(&cause.usage))),
                ),
                headline: Some("far above usual"),
                details,
                key: Some(leveled("spike", Decimal::from(from.duration_since(Date::ZERO).as_hours() / 24))),
                ..Notice::default()
            },
            ..Waste::default()
        }))
    }
}

/// The team of the first cause: `team nlp`, or whose it is not known.
fn team_to_ask(causes: &[CostDriver]) -> String {
    match causes.first() {
        Some(cause) if !cause.team.is_empty() => format!("team {}", cause.team),
        Some(_) => "around: it has no team".to_owned(),
        None => "its team".to_owned(),
    }
}

/// What runs now of what these causes are.
fn still_runs(Running { all, region }: &Running, causes: &[CostDriver]) -> Detail {
    let is_of = |one: &RunningCost, usage: &str| {
        let instance_type = usage.split_once(':').map_or("", |(_, instance_type)| instance_type);
        usage_type::kind_of_usage(usage) == Some(one.kind) && one.types.iter().any(|own| own == instance_type)
    };
    let runs: Vec<&RunningCost> = all.iter().filter(|one| causes.iter().any(|cause| is_of(one, &cause.usage))).collect();
    let whereabouts = format!("in {} (other Regions are not looked at)", region.as_deref().unwrap_or("the guard's Region"));
    if runs.is_empty() {
        return format!("Runs:  nothing of these causes is still on {whereabouts}.").into();
    }
    let usd: Decimal = runs.iter().filter_map(|one| one.usd_per_hour).sum();
    let more = runs.len().saturating_sub(NAMED);
    let mut list = budget::running_lines(runs.into_iter().take(NAMED), None);
    list.extend((0 < more).then(|| format!("and {more} more")));
    Detail { title: format!("Runs:  of these causes, still on {whereabouts}, for {} an hour in all:", dollars(usd)).into(), list }
}

/// What cost more than usual (the median of the weekday) on these days, the greatest growth first. If nothing did, the causes that AWS names.
fn causes(spend: &Spend, spike: &Spike) -> Vec<CostDriver> {
    let of_day = |day: Date| {
        let mut rows: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
        for row in spend.days.get(&day).into_iter().flatten() {
            *rows.entry((&row.usage, &row.team)).or_default() += row.usd;
        }
        rows
    };
    let mut sums: BTreeMap<(&str, &str), (Decimal, Decimal)> = BTreeMap::new();
    for (day, _) in spend.days.range(spike.from..=spike.last) {
        let before: Vec<_> = (1..=spikes::WEEKS)
            .map(|weeks| day.saturating_sub((7 * weeks).days()))
            .filter(|day| spend.days.contains_key(day))
            .map(of_day)
            .collect();
        for (what, usd) in of_day(*day) {
            let mut usual: Vec<Decimal> = before.iter().map(|rows| rows.get(&what).copied().unwrap_or_default()).collect();
            let sum = sums.entry(what).or_default();
            *sum = (sum.0 + usd, sum.1 + spikes::median(&mut usual));
        }
    }
    let mut causes: Vec<CostDriver> = sums
        .into_iter()
        .filter(|(_, (now, before))| before + dec!(1) < *now)
        .map(|((usage, team), (now, before))| CostDriver {
            usage: usage.to_owned(),
            team: team.to_owned(),
            now,
            before: Some(before.round_dp(2)),
        })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.now - cause.before.unwrap_or_default()));
    if causes.is_empty() {
        let named = spend.anomalies.iter().flatten().filter(|anomaly| anomaly.from == spike.from).flat_map(|anomaly| &anomaly.causes);
        causes.extend(named.map(|(usage, usd)| CostDriver { usage: usage.clone(), team: String::new(), now: *usd, before: None }));
    }
    causes.truncate(NAMED);
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;
    use crate::{facts::DailySpend, vocabulary::resource::Kind};

    #[test]
    fn a_spike_is_told_with_what_it_is_put_down_to() {
        let mut spend = spend("2026-11-27", dec!(100));
        let thursday: Date = "2026-11-26".parse().unwrap();
        let row = |usage: &str, team: &str, usd| DailySpend { usage: usage.into(), team: team.into(), usd, ..DailySpend::default() };
        spend.days.get_mut(&thursday).unwrap().push(row("Cluster:ml.p4d.24xlarge", "vision", dec!(786)));
        let rule = SpendSpike::default();
        let now = context("2026-11-27T06:00:00Z");
        let Verdict::Waste(waste) = rule.check(&spend, &now) else { panic!("waste") };
        assert_eq!(waste.reason, "SageMaker cost $886.00 on Thu 2026-11-26, usually $100.00 (the median of 8 earlier Thursdays)");
        assert!(
            waste.notice.advice.as_ref().is_some_and(|advice| advice.ends_with("If it has ended, ask team vision.")),
            "{:?}",
            waste.notice
        );
        let [cause] = &waste.notice.details[..] else { panic!("{:?}", waste.notice.details) };
        assert_eq!(cause.list, ["Cluster:ml.p4d.24xlarge, team vision: $786.00, all of it new"]);
        let on = |kind, of: &str| RunningCost {
            what: format!("it on {of}"),
            kind,
            types: vec![of.to_owned()],
            stop: Some("aws stop".to_owned()),
            owner: Some("ann@example.com".to_owned()),
            usd_per_hour: Some(dec!(32.77)),
            instances: 1,
            is_called: false,
        };
        let (same, of_other_kind, of_other_type) =
            (on(Kind::Cluster, "ml.p4d.24xlarge"), on(Kind::Endpoint, "ml.p4d.24xlarge"), on(Kind::Cluster, "ml.m5.xlarge"));
        for (all, title, list) in [
            (
                vec![same, of_other_kind.clone(), of_other_type.clone()],
                "Runs:  of these causes, still on in eu-central-1 (other Regions are not looked at), for $32.77 an hour in all:",
                &["it on ml.p4d.24xlarge, ann@example.com: $32.77 an hour", "  Ask ann@example.com first.", "  aws stop"][..],
            ),
            (
                vec![of_other_kind, of_other_type],
                "Runs:  nothing of these causes is still on in eu-central-1 (other Regions are not looked at).",
                &[],
            ),
        ] {
            let spend = Spend { running: Some(Running { all, region: Some("eu-central-1".to_owned()) }), ..spend.clone() };
            let Verdict::Waste(waste) = rule.check(&spend, &now) else { panic!("waste") };
            assert_eq!(
                (&waste.notice.details[1].title, &waste.notice.details[1].list[..]),
                (&title.into(), &list.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()[..])
            );
        }
        spend.days.get_mut(&thursday).unwrap().pop();
        assert_eq!(rule.check(&spend, &now), Verdict::Fine);
        spend.days.clear();
        assert_eq!(rule.check(&spend, &now), Verdict::Later, "a new account has no days");
    }

    #[test]
    fn what_is_usual_says_what_it_is_a_median_of() {
        let mut spend = spend("2026-11-27", dec!(100));
        let cluster = DailySpend { usage: "Cluster:ml.p4d.24xlarge".into(), usd: dec!(300), ..DailySpend::default() };
        for day in ["2026-11-25", "2026-11-26"] {
            spend.days.get_mut(&day.parse::<Date>().unwrap()).unwrap().push(cluster.clone());
        }
        spend.days.retain(|day, _| *day >= "2026-10-29".parse().unwrap());
        let Verdict::Waste(waste) = SpendSpike::default().check(&spend, &context("2026-11-27T06:00:00Z")) else { panic!("waste") };
        let says = "from 2026-11-25 to 2026-11-26, usually $200.00 (each day the median of at least 3 earlier days of its weekday)";
        assert!(waste.reason.to_string().contains(says), "{}", waste.reason);
        assert!(waste.notice.advice.as_ref().is_some_and(|advice| advice.ends_with("ask around: it has no team.")), "{:?}", waste.notice);
    }
}
