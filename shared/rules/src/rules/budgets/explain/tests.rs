use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::*;
use crate::facts::Reading;
use crate::facts::amount;
use crate::{
    facts::{Asset, At, Charge, Filter, Likeness, ServiceForecast, is_over, limit_of, percent_of},
    samples::{audited, budget, spend},
    vocabulary::resource::Kind,
};
use proptest::prelude::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policy() -> Policy {
    Policy::from_toml("team-tags = [\"Team\"]\nowner-tags = [\"Owner\"]\n[[budget]]\nname = \"ml-dev*\"\nteam = \"nlp\"\non-exceed = \"enforce-off-hours\"").unwrap()
}

fn month(from: &str) -> Period {
    Period::current(TimeUnit::Monthly, day("2020-01-01"), day("2087-06-15"), at(&format!("{from}T00:00:00Z"))).unwrap()
}

#[test]
fn periods_are_those_of_the_calendar_in_utc() {
    let (start, end) = (day("2024-01-01"), day("2087-06-15"));
    for (unit, now, period, before) in [
        (TimeUnit::Daily, "2026-03-01T00:00:00Z", ("2026-02-28", "2026-03-01"), ("2026-02-21", "2026-02-22")),
        (TimeUnit::Monthly, "2026-11-30T23:59:59Z", ("2026-11-01", "2026-12-01"), ("2026-10-01", "2026-11-01")),
        (TimeUnit::Monthly, "2026-12-01T00:00:00Z", ("2026-12-01", "2027-01-01"), ("2026-11-01", "2026-12-01")),
        (TimeUnit::Monthly, "2028-02-29T12:00:00Z", ("2028-02-01", "2028-03-01"), ("2028-01-01", "2028-02-01")),
        (TimeUnit::Quarterly, "2026-11-11T12:00:00Z", ("2026-10-01", "2027-01-01"), ("2026-07-01", "2026-10-01")),
        (TimeUnit::Annually, "2026-11-11T12:00:00Z", ("2026-01-01", "2027-01-01"), ("2025-01-01", "2026-01-01")),
    ] {
        let found = Period::current(unit, start, end, at(now)).unwrap();
        assert_eq!((found.from, found.until), (day(period.0), day(period.1)), "{unit:?} {now}");
        let last = found.before();
        assert_eq!((last.from, last.until), (day(before.0), day(before.1)), "{unit:?} {now}");
    }
    let custom = |now: &str| Period::current(TimeUnit::Custom, day("2026-11-10"), day("2026-11-20"), at(now));
    assert_eq!(custom("2026-11-09T23:00:00Z"), None, "it has not begun");
    assert_eq!(custom("2026-11-10T00:00:00Z").map(|period| (period.days(), period.days_left(at("2026-11-12T12:00:00Z")))), Some((10, 8)));
    assert_eq!(custom("2026-11-12T00:00:00Z").unwrap().before().from, day("2026-10-31"));
    let over = Period::current(TimeUnit::Monthly, day("2026-01-01"), day("2026-11-01"), at("2026-11-11T00:00:00Z"));
    assert_eq!(over, None, "it is over");
}

#[test]
fn planned_limits_go_before_the_one_that_may_be_missing() {
    let planned = BTreeMap::from([(1_791_000_000, dec!(50)), (1_793_491_200, dec!(100)), (1_796_083_200, dec!(200))]);
    let november = month("2026-11-11"); // begins at 1,793,491,200
    for (limit, planned, expected) in [
        (Some(dec!(7)), BTreeMap::new(), Some(dec!(7))),
        (None, planned.clone(), Some(dec!(100))),
        (Some(dec!(7)), planned.clone(), Some(dec!(100))),
        (None, BTreeMap::from([(1_796_083_200, dec!(200))]), None), // of a future month
        (None, BTreeMap::new(), None),
    ] {
        assert_eq!(limit_of(november, limit, &planned), expected);
    }
    assert_eq!(limit_of(month("2027-05-05"), None, &planned), Some(dec!(200)), "the last one goes on");
}

#[test]
fn percents_and_amounts() {
    for (amount, limit, thresholds, percent) in [
        (dec!(999.99), dec!(1000), &[][..], Some(dec!(99))),
        (dec!(1000), dec!(1000), &[], Some(dec!(100))),
        (dec!(1145.7), dec!(1000), &[], Some(dec!(115))),
        (dec!(1144.9), dec!(1000), &[], Some(dec!(114))),
        (dec!(796), dec!(1000), &[], Some(dec!(80))),
        (dec!(796), dec!(1000), &[dec!(50), dec!(80)], Some(dec!(79))),
        (dec!(796), dec!(1000), &[dec!(79.7)], Some(dec!(79))),
        (dec!(796), dec!(1000), &[dec!(79.6)], Some(dec!(80))),
        (dec!(-50), dec!(1000), &[], Some(dec!(-5))),
        (dec!(1), dec!(0), &[], None),
    ] {
        assert_eq!(percent_of(amount, limit, thresholds.iter().copied()), percent, "{amount} of {limit}, {thresholds:?}");
    }
    assert_eq!((amount(dec!(1234.5), "USD"), amount(dec!(12.50), "Hrs")), ("$1,234.50".into(), "12.5 Hrs".into()));
}

fn row(usage: &str, team: &str, usd: Decimal) -> DailySpend {
    DailySpend { usage: usage.into(), team: team.into(), usd, ..DailySpend::default() }
}

#[test]
fn what_a_filter_takes_is_told_as_far_as_it_can_be() {
    let policy = policy();
    let sagemaker = Filter::Service(vec!["Amazon SageMaker".into()]);
    let s3 = Filter::Service(vec!["Amazon Simple Storage Service".into()]);
    let nlp = Filter::Tag("Team".into(), vec!["nlp".into()]);
    let region = Filter::Unknown("Region".into());
    let both = |a: &Filter, b: &Filter| Filter::All(vec![a.clone(), b.clone()]);
    let either = |a: &Filter, b: &Filter| Filter::Any(vec![a.clone(), b.clone()]);
    let not = |a: &Filter| Filter::Not(Box::new(a.clone()));
    let charges = |types: &[&str]| Filter::Charges(types.iter().map(|one| (*one).to_owned()).collect());
    let like = |text: &str, at, ignores_case| Filter::ServiceLike(vec![text.to_owned()], Likeness { at, ignores_case });
    for (filter, nlps, visions, any) in [
        (Filter::everything(), Some(true), Some(true), Some(true)),
        (sagemaker.clone(), Some(true), Some(true), Some(true)),
        (s3.clone(), Some(false), Some(false), Some(false)),
        (nlp.clone(), Some(true), Some(false), None),
        (both(&sagemaker, &nlp), Some(true), Some(false), None),
        (both(&s3, &nlp), Some(false), Some(false), Some(false)),
        (either(&s3, &nlp), Some(true), Some(false), None),
        (either(&s3, &sagemaker), Some(true), Some(true), Some(true)),
        (not(&nlp), Some(false), Some(true), None),
        (not(&s3), Some(true), Some(true), Some(true)),
        (both(&sagemaker, &region), None, None, None),
        (both(&s3, &region), Some(false), Some(false), Some(false)),
        (not(&region), None, None, None),
        (Filter::UsageType(vec!["Host:ml.m5.xlarge".into()]), Some(true), Some(false), Some(true)),
        (Filter::UsageType(vec!["USE1-Host:ml.m5.xlarge".into()]), None, Some(false), Some(true)), // of another Region, perhaps
        (not(&Filter::UsageType(vec!["Host:ml.m5.xlarge".into()])), Some(false), Some(true), Some(true)),
        (Filter::UsageType(vec!["EUC1-BoxUsage:m5.xlarge".into()]), Some(false), Some(false), Some(false)),
        (Filter::UsageType(vec!["EUC1-DataTransfer-Out-Bytes".into()]), Some(false), Some(false), None),
        (Filter::InstanceType(vec!["m5.xlarge".into(), "db.r5.large".into()]), None, None, Some(false)),
        (Filter::InstanceType(vec!["m5.xlarge".into(), "ml.m5.xlarge".into()]), None, None, Some(true)),
        (like("Elastic Compute", At::Anywhere, false), Some(false), Some(false), Some(false)),
        (like("SageMaker", At::Anywhere, false), Some(true), Some(true), Some(true)),
        (like("sagemaker", At::Anywhere, false), Some(false), Some(false), Some(false)),
        (like("AMAZON SAGEMAKER", At::Whole, true), Some(true), Some(true), Some(true)),
        (like("Amazon S", At::Start, false), Some(true), Some(true), Some(true)),
        (like("Storage Service", At::End, false), Some(false), Some(false), Some(false)),
        (both(&sagemaker, &not(&charges(&["Credit", "Refund"]))), Some(true), Some(true), Some(true)),
        (Filter::Tag("Project".into(), vec!["x".into()]), None, None, None),
        (both(&sagemaker, &charges(&["Credit", "Refund"])), Some(false), Some(false), Some(false)),
        (both(&sagemaker, &charges(&["Usage", "Tax"])), Some(true), Some(true), Some(true)),
        (both(&sagemaker, &not(&charges(&["Usage"]))), Some(false), Some(false), Some(false)),
        (both(&sagemaker, &charges(&["SavingsPlanCoveredUsage"])), None, None, None),
        (both(&sagemaker, &charges(&["Savings Plan Covered Usage"])), None, None, None),
    ] {
        let taken = |usage, team| filter.takes(&row(usage, team, dec!(1)), &policy);
        assert_eq!((taken("Host:ml.m5.xlarge", "nlp"), taken("Train:ml.m5.xlarge", "vision")), (nlps, visions), "{filter:?}");
        assert_eq!(filter.takes_sagemaker(&policy), any, "{filter:?}");
    }
    let tags = ["Team".to_owned()];
    assert_eq!(both(&sagemaker, &nlp).team(&tags), Some("nlp"));
    assert_eq!(not(&nlp).team(&tags), None);
    assert_eq!(Filter::Tag("Team".into(), vec!["nlp".into(), "vision".into()]).team(&tags), None);
    assert_eq!(both(&nlp, &region).untold(&policy), BTreeSet::from(["Region".to_owned()]));
}

/// `usd` on weekdays and half of it on weekends, on the days before `until`.
fn weekly(until: &str, days: i64, usd: Decimal) -> BTreeMap<Date, Decimal> {
    let until = day(until);
    let is_weekend = |day: Date| 5 <= day.weekday().to_monday_zero_offset();
    (1..=days).map(|ago| plus_days(until, -ago)).map(|day| (day, if is_weekend(day) { usd / dec!(2) } else { usd })).collect()
}

#[test]
fn the_run_rate_goes_on_by_weekday() {
    // November 2026 has 21 weekdays and 9 days of weekends.
    let daily = weekly("2026-11-11", 60, dec!(100));
    let so_far: Decimal = daily.range(day("2026-11-01")..).map(|(_, usd)| *usd).sum();
    let found = run_rate(&daily, month("2026-11-11"), so_far, at("2026-11-11T12:00:00Z")).unwrap();
    assert_eq!((found.amount, found.range, found.by_aws), (dec!(2550), Some((dec!(2550), dec!(2550))), false));
    // The budget counts as much again of other services.
    let found = run_rate(&daily, month("2026-11-11"), so_far * dec!(2), at("2026-11-11T12:00:00Z")).unwrap();
    assert_eq!(found.amount, dec!(2550) + (so_far * dec!(3)).round_dp(2));
    let early = run_rate(&daily, month("2026-11-04"), dec!(200), at("2026-11-04T12:00:00Z"));
    assert_eq!(early, None, "four days say nothing");
    assert_eq!(run_rate(&daily, month("2026-11-11"), so_far / dec!(2), at("2026-11-11T12:00:00Z")), None, "it counts something else");
    assert_eq!(run_rate(&BTreeMap::new(), month("2026-11-11"), so_far, at("2026-11-11T12:00:00Z")), None, "a new account");
}

#[test]
fn a_day_that_is_not_whole_yet_is_expected_to_cost_as_much_as_others() {
    let mut daily = weekly("2026-11-11", 60, dec!(100));
    daily.insert(day("2026-11-10"), dec!(3));
    let so_far: Decimal = daily.range(day("2026-11-01")..).map(|(_, usd)| *usd).sum();
    assert_eq!(run_rate(&daily, month("2026-11-11"), so_far, at("2026-11-11T06:00:00Z")).unwrap().amount, dec!(2550));
}

#[test]
fn causes_are_those_that_grew_most_and_running_is_the_teams() {
    let policy = policy();
    let mut spend = spend("2026-11-11", dec!(10));
    for (date, usd) in [("2026-11-05", dec!(500)), ("2026-10-05", dec!(20))] {
        spend.days.get_mut(&day(date)).unwrap().push(row("Train:ml.p3.2xlarge", "nlp", usd));
    }
    spend.days.get_mut(&day("2026-10-20")).unwrap().push(row("Notebk:x", "nlp", dec!(999)));
    spend.days.get_mut(&day("2026-11-06")).unwrap().push(row("Host:y", "vision", dec!(700)));
    let nlps = Budget { filter: Filter::Tag("Team".into(), vec!["nlp".into()]), actual: Some(dec!(500)), ..budget("ml-dev-nlp") };
    let all = Budget { actual: Some(dec!(1300)), ..budget("everything") };
    let running = |id: &str, team: &str| {
        let audited = audited(id, &[("Team", team), ("Owner", "ann@example.com")]);
        let instances = vec![crate::vocabulary::price::Instances { instance_type: "ml.m5.xlarge".into(), count: 2 }];
        RunningAsset(Asset { run: Some(at("2026-11-10T00:00:00Z")), instances, ..audited })
    };
    let idle = RunningAsset(audited("endpoint/idle", &[("Team", "nlp")]));
    let mut facts = Facts {
        now: at("2026-11-11T12:00:00Z"),
        prices: policy.prices_of("us-east-1"),
        budgets: vec![nlps, all],
        spend: vec![spend],
        running: vec![running("endpoint/a", "nlp"), running("endpoint/b", "vision"), idle],
        reading: Reading { complete: [Kind::Budget].into(), ..Reading::default() },
        ..Facts::default()
    };
    for budget in &mut facts.budgets {
        policy.settle_budget_ownership(budget);
    }
    explain(&mut facts, &policy);
    name_running(&mut facts, &policy, true);
    let [nlps, all] = &facts.budgets[..] else { panic!("two") };
    let cause = |usage: &str, team: &str, now, before| CostDriver { usage: usage.into(), team: team.into(), now, before: Some(before) };
    assert_eq!(nlps.insight.causes, [cause("Train:ml.p3.2xlarge", "nlp", dec!(500), dec!(20))], "the 20th of October is later than today");
    assert_eq!(all.insight.causes[0], cause("Host:y", "vision", dec!(700), dec!(0)));
    assert_eq!((nlps.insight.burning.len(), all.insight.burning.len()), (1, 2));
    assert_eq!((nlps.insight.burning[0].what.as_str(), nlps.insight.running_usd), ("endpoint a (2 x ml.m5.xlarge)", dec!(0.46)));
    let stop = nlps.insight.burning[0].stop.as_deref().unwrap();
    assert_eq!(stop, "aws sagemaker delete-endpoint --region us-east-1 --endpoint-name a");
    assert_eq!(facts.spend[0].uncovered, Some(vec![]), "one counts everything");
    facts.budgets.pop();
    explain(&mut facts, &policy);
    let uncovered = facts.spend[0].uncovered.clone().unwrap();
    assert_eq!(uncovered, [("vision".to_owned(), dec!(700)), (String::new(), dec!(300))]);
    facts.reading.complete.clear();
    facts.spend[0].uncovered = None;
    explain(&mut facts, &policy);
    assert_eq!(facts.spend[0].uncovered, None, "not all budgets are known");
}

#[test]
fn both_sides_end_on_the_last_day_of_the_bill() {
    let policy = policy();
    for (missing, until, usd, ran) in [
        (0, "2026-11-11", dec!(100), dec!(5.52)),
        (1, "2026-11-10", dec!(90), dec!(16.56)),
        (2, "2026-11-09", dec!(80), dec!(16.56)), // it runs since the 10th
        (9, "2026-11-02", dec!(10), dec!(16.56)),
        (10, "2026-11-01", dec!(0), dec!(16.56)),
        (20, "2026-11-01", dec!(0), dec!(16.56)),
    ] {
        let mut spend = spend("2026-11-11", dec!(10));
        spend.days.range_mut(plus_days(day("2026-11-11"), -missing)..).for_each(|(_, rows)| rows.clear());
        let instances = vec![crate::vocabulary::price::Instances { instance_type: "ml.m5.xlarge".into(), count: 2 }];
        let running = RunningAsset(Asset { run: Some(at("2026-11-10T00:00:00Z")), instances, ..audited("endpoint/a", &[]) });
        let (prices, budgets) = (policy.prices_of("us-east-1"), vec![budget("all")]);
        let mut facts =
            Facts { now: at("2026-11-11T12:00:00Z"), prices, budgets, spend: vec![spend], running: vec![running], ..Facts::default() };
        explain(&mut facts, &policy);
        name_running(&mut facts, &policy, true);
        let insight = &facts.budgets[0].insight;
        assert_eq!(
            insight.billed,
            Some(Billed { until: day(until), usd: Some(usd), invoiced: Some(usd), prepaid: dec!(0), is_all: true }),
            "{missing}"
        );
        assert_eq!(insight.ran_usd, ran, "{missing}");
        let sums: Vec<_> = insight.causes.iter().map(|cause| (cause.now, cause.before)).collect();
        let as_many = (!usd.is_zero()).then_some((usd, Some(usd)));
        assert_eq!(sums, Vec::from_iter(as_many), "{missing}: as many days of October");
    }
}

#[test]
fn what_the_bill_does_not_show_of_a_budget_is_not_known() {
    let policy = policy();
    let sagemaker = Filter::Service(vec!["Amazon SageMaker".into()]);
    let region = Filter::All(vec![sagemaker.clone(), Filter::Unknown("Region".into())]);
    let mut spend = spend("2026-11-11", dec!(10));
    let usd_of = |filter: &Filter, spend: &Spend| {
        let budgets = vec![Budget { filter: filter.clone(), ..budget("x") }];
        let mut facts = Facts { now: at("2026-11-11T12:00:00Z"), budgets, spend: vec![spend.clone()], ..Facts::default() };
        explain(&mut facts, &policy);
        facts.budgets[0].insight.billed.map(|billed| (billed.usd, billed.is_all))
    };
    assert_eq!(usd_of(&sagemaker, &spend), Some((Some(dec!(100)), true)));
    assert_eq!(usd_of(&Filter::everything(), &spend), Some((Some(dec!(100)), false)));
    assert_eq!(usd_of(&region, &spend), Some((None, true)));
    spend.days.remove(&day("2026-11-05"));
    assert_eq!(usd_of(&sagemaker, &spend), Some((None, true)), "a day is missing");
}

/// `usd` a day of use that a plan covers, whose fee of `fee` a day leaves nothing unused, and a purchase of `upfront` on 2026-11-05.
fn with_plan(usd: Decimal, fee: Decimal, upfront: Decimal) -> Spend {
    let mut spend = spend("2026-11-11", usd);
    for (date, rows) in &mut spend.days {
        for row in rows.iter_mut() {
            row.billed = Some(dec!(0));
        }
        let bought = if *date == day("2026-11-05") { upfront } else { dec!(0) };
        rows.push(DailySpend { billed: Some(fee + bought), ..row("SageMakerSP:1yrAllUpfront", "", dec!(0)) });
    }
    spend
}

/// The fee's row, whose service is not known, made the whole sum unknown: nothing was said of a budget at $0 of $1,942.50.
#[test]
fn the_fee_of_a_plan_hid_that_a_budget_counts_what_it_covers_as_nothing() {
    let of = |name: &str| Filter::Service(vec![name.into()]);
    let no_credits = Filter::Not(Box::new(Filter::Charges(vec!["Credit".into()])));
    for (filter, invoiced, is_covered) in [
        (of("Amazon SageMaker"), Some(dec!(0)), true),
        (Filter::All(vec![of("Amazon SageMaker"), no_credits]), Some(dec!(0)), true),
        (Filter::everything(), Some(dec!(1000)), false), // the fee instead of the use
        (Filter::All(vec![of("Amazon SageMaker"), Filter::Unknown("Region".into())]), None, false),
    ] {
        let budgets = vec![Budget { filter: filter.clone(), actual: invoiced, ..budget("ml") }];
        let mut facts =
            Facts { now: at("2026-11-11T12:00:00Z"), budgets, spend: vec![with_plan(dec!(100), dec!(100), dec!(0))], ..Facts::default() };
        explain(&mut facts, &policy());
        let (budget, billed) = (&facts.budgets[0], facts.budgets[0].insight.billed.unwrap());
        assert_eq!((billed.usd, billed.invoiced), (invoiced.map(|_| dec!(1000)), invoiced), "{filter:?}");
        assert_eq!((budget.is_covered_by_plans(), budget.unhealthy.is_some()), (is_covered, false), "{filter:?}");
    }
}

/// A plan that was paid all upfront used up the budget of its account, and notebooks were stopped.
#[test]
fn the_purchase_of_a_plan_stopped_notebooks() {
    let policy = Policy::from_toml("[[budget]]\nname = \"all\"\nteam = \"*\"\non-exceed = \"stop-stoppable\"").unwrap();
    let both = Filter::Service(vec!["Amazon SageMaker".into(), "Machine Learning Savings Plans".into()]);
    let sagemaker = Filter::Service(vec!["Amazon SageMaker".into()]);
    let usage = Filter::Charges(vec!["Usage".into()]);
    let no_fees = Filter::Not(Box::new(Filter::Charges(vec!["SavingsPlanUpfrontFee".into(), "SavingsPlanRecurringFee".into()])));
    for (filter, fee, upfront, is_amortized, prepaid, stops) in [
        (Filter::everything(), dec!(0), dec!(36500), false, dec!(35500), false),
        (both, dec!(0), dec!(36500), false, dec!(35500), false),
        (sagemaker, dec!(0), dec!(36500), false, dec!(0), true),
        (usage, dec!(0), dec!(36500), false, dec!(0), true),
        (no_fees, dec!(0), dec!(36500), false, dec!(0), true),
        (Filter::everything(), dec!(0), dec!(36500), true, dec!(0), true),
        (Filter::everything(), dec!(50), dec!(18250), false, dec!(17750), false),
        (Filter::everything(), dec!(100), dec!(0), false, dec!(0), true), // paid by the month, for what was used
    ] {
        let budgets = vec![Budget { filter: filter.clone(), actual: Some(dec!(1500)), is_amortized, ..budget("all") }];
        let mut facts =
            Facts { now: at("2026-11-11T12:00:00Z"), budgets, spend: vec![with_plan(dec!(100), fee, upfront)], ..Facts::default() };
        explain(&mut facts, &policy);
        assert_eq!(facts.budgets[0].prepaid(), prepaid, "{filter:?} {fee} {upfront}");
        assert_eq!(policy.budget_measures(&facts.budgets, facts.now).len(), usize::from(stops), "{filter:?} {fee} {upfront}");
    }
}

/// Budgets whose filter nothing matches stood at $0, and were cover for what others spent.
#[test]
fn a_budget_at_nothing_beside_a_bill_was_said_to_watch_it() {
    let sagemaker = || Filter::Service(vec!["Amazon SageMaker".into()]);
    let tag = |key: &str, value: &str| Filter::All(vec![sagemaker(), Filter::Tag(key.into(), vec![value.into()])]);
    let region = Filter::All(vec![sagemaker(), Filter::Place("Region".into(), true)]);
    for (filter, actual, changed, credit, is_told, covers) in [
        (sagemaker(), dec!(0), None, dec!(0), true, false),
        (sagemaker(), dec!(0), Some("2026-11-11T00:00:00Z"), dec!(0), false, true), // AWS has not counted yet
        (sagemaker(), dec!(0), Some("2026-11-10T00:00:00Z"), dec!(0), true, false),
        (sagemaker(), dec!(0), None, dec!(-100), false, true), // credits paid all
        (sagemaker(), dec!(0.01), None, dec!(0), false, true),
        (tag("Team", "nlp"), dec!(0), None, dec!(0), true, false),
        (tag("Team", "new-team"), dec!(0), None, dec!(0), false, false),
        (tag("Project", "new"), dec!(0), None, dec!(0), false, false), // nobody can tell, but it covers nothing
        (tag("Project", "x"), dec!(5), None, dec!(0), false, true),
        (region.clone(), dec!(0), None, dec!(0), false, false),
        (region, dec!(5), None, dec!(0), false, true),
    ] {
        let mut spend = spend("2026-11-11", dec!(10));
        for row in spend.days.values_mut().flatten() {
            row.team = "nlp".into();
        }
        let charge = Charge { account: "123456789012".into(), record_type: "Credit".into(), usd: credit, billed: credit };
        spend.charges.insert(day("2026-11-05"), vec![charge]);
        let changed = changed.map(at);
        let budgets = vec![Budget { filter: filter.clone(), actual: Some(actual), changed, ..budget("x") }];
        let reading = Reading { complete: [Kind::Budget].into(), ..Reading::default() };
        let mut facts = Facts { now: at("2026-11-11T12:00:00Z"), budgets, spend: vec![spend], reading, ..Facts::default() };
        explain(&mut facts, &policy());
        let why = facts.budgets[0].unhealthy.as_ref().map(|unhealthy| unhealthy.why.as_str());
        assert_eq!(why.is_some_and(|why| why.starts_with("nothing was counted, although")), is_told, "{filter:?} {actual}: {why:?}");
        assert_eq!(facts.spend[0].uncovered.as_deref() == Some(&[]), covers, "{filter:?} {actual}");
    }
}

/// On its first day a daily budget has no period, and `no-budget` said that nothing counts the spend.
#[test]
fn a_budget_that_was_made_today_covers_what_it_will_count() {
    for (unit, start, now, has_period, covers) in [
        (TimeUnit::Daily, "2026-11-11", "2026-11-11T12:00:00Z", false, true),
        (TimeUnit::Daily, "2026-11-10", "2026-11-11T12:00:00Z", true, true),
        (TimeUnit::Daily, "2026-11-13", "2026-11-11T12:00:00Z", false, false),
        (TimeUnit::Monthly, "2026-11-01", "2026-11-11T12:00:00Z", true, true),
        (TimeUnit::Monthly, "2026-12-01", "2026-11-11T12:00:00Z", false, true),
        (TimeUnit::Monthly, "2027-02-01", "2026-11-11T12:00:00Z", false, false),
        (TimeUnit::Custom, "2026-11-12", "2026-11-11T12:00:00Z", false, false),
    ] {
        let (start, end, now) = (day(start), day("2087-06-15"), at(now));
        let period = Period::current(unit, start, end, now);
        let begins_soon = Period::begins_soon(unit, start, end, now);
        assert_eq!((period.is_some(), period.is_some() || begins_soon), (has_period, covers), "{unit:?} {start}");
        let budgets = vec![Budget { period, begins_soon, actual: Some(dec!(5)), ..budget("x") }];
        let reading = Reading { complete: [Kind::Budget].into(), ..Reading::default() };
        let mut facts = Facts { now, budgets, spend: vec![spend("2026-11-11", dec!(10))], reading, ..Facts::default() };
        explain(&mut facts, &policy());
        assert_eq!(facts.spend[0].uncovered.as_deref() == Some(&[]), covers, "{unit:?} {start}");
    }
    let over = Period::begins_soon(TimeUnit::Monthly, day("2026-01-01"), day("2026-11-01"), at("2026-11-11T00:00:00Z"));
    assert!(!over, "it is over");
}

#[test]
fn awss_forecast_goes_before_ours() {
    let policy = policy();
    let ours = Budget { actual: Some(dec!(100)), ..budget("ours") };
    let awss = Budget { forecast: Some(dec!(5000)), ..ours.clone() };
    let mut facts = Facts {
        now: at("2026-11-11T12:00:00Z"),
        budgets: vec![ours, awss],
        spend: vec![spend("2026-11-11", dec!(10))],
        ..Facts::default()
    };
    explain(&mut facts, &policy);
    let forecasts: Vec<_> =
        facts.budgets.iter().map(|budget| budget.insight.forecast.clone().unwrap()).map(|one| (one.amount, one.by_aws)).collect();
    assert_eq!(forecasts, [(dec!(300), false), (dec!(5000), true)]);
}

/// A budget of which credits had paid all was mailed as heading for the whole bill, "by AWS's forecast".
#[test]
fn a_forecast_of_the_bill_is_none_of_a_budget_that_counts_less_or_something_else() {
    let of = |service: &str| Filter::Service(vec![service.into()]);
    let both = Filter::Service(vec!["Amazon SageMaker".into(), "Amazon Elastic Compute Cloud - Compute".into()]);
    let ahead = ServiceForecast { from: day("2026-11-11"), until: day("2026-12-01"), usd: dec!(600), low: dec!(500), high: dec!(700) };
    for (actual, filter, by_aws) in [
        (dec!(100), of("Amazon SageMaker"), Some(dec!(700))),
        (dec!(95), of("Amazon SageMaker"), Some(dec!(695))), // AWS lags a little
        (dec!(0), of("Amazon SageMaker"), None),
        (dec!(40), of("Amazon SageMaker"), None),
        (dec!(-40), of("Amazon SageMaker"), None),
        (dec!(100), of("Amazon Elastic Compute Cloud - Compute"), None),
        (dec!(400), both, None),
    ] {
        let budgets = vec![Budget { actual: Some(actual), filter: filter.clone(), ..budget("credits") }];
        let spend = vec![Spend { ahead: Some(ahead), ..spend("2026-11-11", dec!(10)) }];
        let mut facts = Facts { now: at("2026-11-11T12:00:00Z"), budgets, spend, ..Facts::default() };
        explain(&mut facts, &policy());
        let told = facts.budgets[0].insight.forecast.clone().filter(|one| one.by_aws).map(|one| one.amount);
        assert_eq!(told, by_aws, "{actual} {filter:?}");
    }
}

#[test]
fn a_used_up_budget_tightens_for_its_team_until_its_end() {
    let now = at("2026-11-20T12:00:00Z");
    let policy = Policy::from_toml(
        "team-tags = [\"Team\"]\n[[budget]]\nname = \"all\"\nteam = \"*\"\non-exceed = \"stop-stoppable\"\n[[budget]]\nname = \"*\"\non-exceed = \"enforce-off-hours\"",
    )
    .unwrap();
    let full = |name: &str| Budget { actual: Some(dec!(1000.01)), ..budget(name) };
    let nlps = Budget { filter: Filter::Tag("Team".into(), vec!["nlp".into()]), ..full("nlp") };
    let s3 = Filter::Service(vec!["Amazon Simple Storage Service".into()]);
    let anothers = Budget { filter: Filter::All(vec![s3, Filter::Tag("Team".into(), vec!["nlp".into()])]), ..full("s3") };
    let tightened =
        policy.budget_measures(&[full("all"), nlps.clone(), full("nobodys"), anothers, Budget { actual: Some(dec!(1000)), ..nlps }], now);
    let found: Vec<_> = tightened.iter().map(|one| (one.budget.as_str(), one.team.as_deref(), one.until.to_string())).collect();
    assert_eq!(found, [("all", None, "2026-12-01T00:00:00Z".to_owned()), ("nlp", Some("nlp"), "2026-12-01T00:00:00Z".to_owned())]);
}

fn any_day() -> impl Strategy<Value = Date> {
    (0_i64..36_500).prop_map(|days| plus_days(day("2000-01-01"), days))
}

proptest! {
    #[test]
    fn every_moment_lies_in_its_period_and_the_one_before_ends_where_it_begins(date in any_day(), second in 0_i64..86_400, which in 0_usize..3) {
        let now = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap() + jiff::SignedDuration::from_secs(second);
        let unit = [TimeUnit::Monthly, TimeUnit::Quarterly, TimeUnit::Annually][which];
        let period = Period::current(unit, day("1990-01-01"), day("2200-01-01"), now).unwrap();
        prop_assert!(period.from <= date && date < period.until);
        prop_assert_eq!(period.days_over(now) + period.days_left(now), period.days());
        let before = period.before();
        prop_assert_eq!(before.until, period.from);
        prop_assert!(before.from < before.until && now < period.end());
        let days = match unit { TimeUnit::Monthly => 28..=31, TimeUnit::Quarterly => 90..=92, _ => 365..=366 };
        prop_assert!(days.contains(&period.days()));
    }

    #[test]
    fn a_run_rate_is_never_below_what_is_spent_and_lies_in_its_range(
        cents in proptest::collection::vec(-50_000_i64..1_000_000, 70),
        date in 6_i64..30,
        other in -100_000_i64..1_000_000,
    ) {
        let now = at("2026-11-01T15:00:00Z") + jiff::SignedDuration::from_hours(24 * (date - 1));
        let today = day_of(now);
        let daily: BTreeMap<Date, Decimal> = cents.iter().zip(1..).map(|(cents, ago)| (plus_days(today, -ago), Decimal::new(*cents, 2))).collect();
        let told: Decimal = daily.range(day("2026-11-01")..).map(|(_, usd)| *usd).sum();
        let actual = told + Decimal::new(other, 2);
        let Some(found) = run_rate(&daily, month("2026-11-11"), actual, now) else {
            prop_assert!(actual < told);
            return Ok(());
        };
        let (low, high) = found.range.unwrap();
        prop_assert!(actual.round_dp(2) <= low && low <= found.amount && found.amount <= high, "{:?} of {}", found, actual);
    }

    #[test]
    fn percents_agree_with_thresholds(amount in -100_000_i64..10_000_000, limit in 1_i64..1_000_000, percent in 1_u32..300) {
        let (amount, limit, percent) = (Decimal::new(amount, 2), Decimal::new(limit, 2), Decimal::from(percent));
        if is_over(amount, limit, percent) {
            prop_assert!(percent <= percent_of(amount, limit, [percent]).unwrap());
        } else if amount < limit * percent / Decimal::ONE_HUNDRED {
            prop_assert!(percent_of(amount, limit, [percent]).unwrap() < percent);
        } else {
            prop_assert_eq!(percent_of(amount, limit, [percent]).unwrap(), percent);
        }
    }
}

#[test]
fn a_budget_of_a_team_that_no_spend_has_counts_nothing() {
    for (value, actual, meant) in [
        ("NLP", Some(dec!(0)), Some("nlp")),
        ("nlp ", Some(dec!(0)), Some("nlp")),
        ("computer_vision", Some(dec!(0)), Some("computer-vision")),
        ("computer-visoin", Some(dec!(0)), Some("computer-vision")),
        ("nlp", Some(dec!(0)), None),
        ("nlp-eu", Some(dec!(0)), None), // a new team
        ("NLP", Some(dec!(3)), None),    // it counts something of others
        ("NLP", None, None),
        ("forecasting", Some(dec!(0)), None), // nothing is spent yet
    ] {
        let mut spend = spend("2026-11-11", dec!(10));
        let rows = spend.days.get_mut(&day("2026-11-05")).unwrap();
        rows.extend([row("Host:ml.m5.xlarge", "nlp", dec!(20)), row("Host:ml.m5.xlarge", "computer-vision", dec!(20))]);
        let budget = Budget { filter: Filter::Tag("Team".into(), vec![value.into()]), actual, ..budget("team") };
        let mut facts = Facts { now: at("2026-11-11T12:00:00Z"), budgets: vec![budget], spend: vec![spend], ..Facts::default() };
        explain(&mut facts, &policy());
        let why =
            facts.budgets[0].unhealthy.as_ref().map(|unhealthy| unhealthy.why.clone()).filter(|why| why.contains("which no spend has"));
        let says = meant.map(|meant| format!("nothing was counted, and it filters by Team = `{value}`, which no spend has: the bill has `{meant}`, and AWS compares to the letter"));
        assert_eq!(why, says, "{value} {actual:?}");
    }
}

#[test]
fn hours_and_dollars_are_not_added() {
    let policy = policy();
    let hours = Budget { is_cost: false, unit: "Hrs".into(), actual: Some(dec!(300)), ..budget("gpu-hours") };
    let ahead = ServiceForecast { from: day("2026-11-11"), until: day("2026-12-01"), usd: dec!(5000), low: dec!(4000), high: dec!(6000) };
    let spend = Spend { ahead: Some(ahead), ..spend("2026-11-11", dec!(100)) };
    let mut facts = Facts { now: at("2026-11-11T12:00:00Z"), budgets: vec![hours], spend: vec![spend], ..Facts::default() };
    explain(&mut facts, &policy);
    assert_eq!(facts.budgets[0].insight.forecast, None);
}

#[test]
fn a_filter_for_a_star_is_not_for_everybody() {
    let now = at("2026-11-20T12:00:00Z");
    let policy = Policy::from_toml("team-tags = [\"Team\"]\n[[budget]]\nname = \"*\"\non-exceed = \"stop-stoppable\"").unwrap();
    let star = Budget { filter: Filter::Tag("Team".into(), vec!["*".into()]), actual: Some(dec!(1500)), ..budget("x") };
    assert!(policy.budget_measures(&[star], now).iter().all(|one| one.team.is_some()));
}

#[test]
fn an_absurd_limit_ends_no_run() {
    assert!(!is_over(dec!(1), dec!(9000000000000000000000000000), dec!(100)));
    assert_eq!(percent_of(dec!(9000000000000000000000000000), dec!(1), []), None);
}
