//! Tests of the report as a whole: all cuts have one sum, and what strangers wrote stays text.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

use super::*;
use crate::{
    facts::{Charge, ServiceForecast},
    mail::MailContext,
    plan::{Entry, Saved, SavedBy, State},
    policy::Policy,
    samples,
    vocabulary::period::{day_of, plus_days},
};

const NOW: &str = "2026-11-23T09:00:00Z";

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// The report of week 47 of these cuts: of the account, or of a team.
fn report_of(cuts: &Cuts, policy: &Policy, entries: &[&Entry], team: Option<&str>) -> CostReport {
    report_at(NOW, cuts, policy, entries, team)
}

/// The same, made at this time.
fn report_at(now: &str, cuts: &Cuts, policy: &Policy, entries: &[&Entry], team: Option<&str>) -> CostReport {
    let budget = |name: &str, limit, team: Option<&str>| BudgetOnRecord {
        name: name.into(),
        month: day("2026-11-01"),
        limit,
        spent: dec!(12),
        forecast: Some(dec!(90)),
        team: team.map(str::to_owned),
        is_of_sagemaker: true,
        counts: None,
        unhealthy: None,
        fix: None,
    };
    report_with(&[budget("ml", dec!(3000), None), budget("nlp", dec!(300), Some("NLP"))], now, cuts, policy, entries, team)
}

/// The same with these budgets.
fn report_with(budgets: &[BudgetOnRecord], now: &str, cuts: &Cuts, policy: &Policy, entries: &[&Entry], team: Option<&str>) -> CostReport {
    with_sources(now, cuts, policy, |sources| make(&Sources { budgets, entries, ..sources }, team))
}

/// What is made of these sources, without budgets and findings.
fn with_sources(now: &str, cuts: &Cuts, policy: &Policy, of: impl FnOnce(Sources<'_>) -> CostReport) -> CostReport {
    let ahead = ServiceForecast { from: day("2026-11-23"), until: day("2026-12-01"), usd: dec!(80), low: dec!(60), high: dec!(100) };
    of(Sources {
        account: "123456789012",
        region: "eu-central-1",
        policy,
        cuts,
        estimated_from: plus_days(day_of(now.parse().unwrap()), -3),
        ahead: Some(ahead),
        budgets: &[],
        budgets_read: Some(now.parse::<Timestamp>().unwrap().min("2026-11-30T23:30:00Z".parse().unwrap())),
        entries: &[],
        saved: &[],
        sleeping: &[],
        exempts: &[],
        advice: None,
        resources: &Resources::default(),
        requests: &BTreeMap::from([(day("2026-11-16"), 5), (day("2026-11-23"), 7)]),
        requests_for_this: 4,
        unread: &[],
        unchecked: &[],
        notes: &[],
        now: now.parse().unwrap(),
    })
}

/// Cuts with all days from 2026-10-01 until 2026-11-23.
fn empty() -> Cuts {
    let mut cuts = Cuts::new(ReportPeriod::parse("2026-W47").unwrap());
    for one in day("2026-10-01").series(jiff::Span::new().days(1)).take_while(|one| *one < day("2026-11-23")) {
        cuts.add_day(one);
    }
    cuts
}

fn row<'a>(day: Date, usage: &'a str, team: &'a str, usd: Decimal) -> BillRow<'a> {
    BillRow { day, usage, team, usd, quantity: dec!(2) }
}

proptest! {
    #[test]
    fn every_cut_has_the_same_sum(rows in prop::collection::vec((0i64..53, 0usize..7, 0usize..4, -5_000_000i64..900_000_000), 0..200)) {
        const USAGES: [&str; 7] = ["Host:ml.g5.xlarge", "Train:ml.p4d.24xlarge", "TrSpt:ml.g5.xlarge", "Studio:VolumeUsage.gp3", "X:new", "SageMakerSP:1yrNoUpfront", "others:realtime"];
        const TEAMS: [&str; 4] = ["nlp", "NLP ", "", "vision"];
        let mut cuts = empty();
        for (ago, usage, team, amount) in rows {
            let day = day("2026-10-01").saturating_add(jiff::Span::new().days(ago));
            cuts.add(row(day, USAGES[usage], TEAMS[team], Decimal::new(amount, 9)));
        }
        let policy = Policy::default();
        let all = report_of(&cuts, &policy, &[], None);
        let (now, before) = (all.spent.usd.0, all.spent.before.unwrap().0);
        let sum = |of: fn(&Line) -> Option<Money>| all.teams.iter().map(of).sum::<Option<Money>>().map(|usd| usd.0);
        prop_assert_eq!(sum(|line| Some(line.spent.usd)), Some(now));
        prop_assert!(sum(|line| line.spent.before).is_none_or(|sum| sum == before), "teams may not be comparable");
        let components: Decimal = all.components.iter().map(|line| line.spent.usd.0).sum();
        prop_assert_eq!(components, now);
        let trend: Decimal = all.trend.components.iter().flat_map(|one| one.usd.iter().rev().take(7)).map(|usd| usd.0).sum();
        prop_assert_eq!(trend, now);
        let by_team: Decimal = ["nlp", "vision", UNTAGGED].iter().map(|team| report_of(&cuts, &policy, &[], Some(team)).spent.usd.0).sum();
        prop_assert_eq!(by_team, now, "NLP and nlp are one team");
        for line in all.components.iter().filter(|line| line.component == crate::vocabulary::component::Component::Other) {
            prop_assert_eq!(line.usage_types.values().copied().sum::<Money>(), line.spent.usd, "what is not known is itemised");
        }
    }
}

#[test]
fn the_json_of_a_report_is_as_its_schema_says() {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("cost-report.schema.json", CostReport::schema()).unwrap();
    let schema = compiler.compile("cost-report.schema.json", &mut schemas).unwrap();
    for team in [None, Some("nlp")] {
        let mut report = serde_json::to_value(report_of(&empty(), &Policy::default(), &[], team)).unwrap();
        schemas.validate(&report, schema).unwrap();
        report["spent"] = serde_json::Value::Null;
        assert!(schemas.validate(&report, schema).is_err(), "a report without its sum is none");
    }
}

#[test]
fn the_first_screen_is_of_the_period_its_month_and_the_forecast() {
    let mut cuts = empty();
    for one in day("2026-11-01").series(jiff::Span::new().days(1)).take_while(|one| *one < day("2026-11-23")) {
        cuts.add(row(one, "Host:ml.g5.xlarge", "nlp", if one < day("2026-11-16") { dec!(10) } else { dec!(14) }));
    }
    cuts.add(row(day("2026-11-10"), "Notebk:ml.t3.medium", "vision", dec!(7)));
    let all = report_of(&cuts, &Policy::default(), &[], None);
    assert_eq!((all.spent.usd, all.spent.difference(), all.spent.percent(all.period)), (Money(dec!(98)), Some(Money(dec!(21))), Some(27)));
    let causes: Vec<_> = all.causes.iter().map(|one| (one.what.as_str(), one.team.as_str(), one.difference.0)).collect();
    assert_eq!(causes, [("ml.g5.xlarge", "nlp", dec!(28)), ("ml.t3.medium", "vision", dec!(-7))]);
    assert_eq!(
        (all.month.name.as_str(), all.month.usd, all.month.forecast.unwrap().usd),
        ("November 2026", Money(dec!(255)), Money(dec!(335)))
    );
    assert_eq!(all.month.budgets.len(), 2);
    assert_eq!((all.trend.budget_per_day, all.trend.forecast_per_day), (Some(Money(dec!(100))), Some(Money(dec!(10)))));
    assert_eq!((all.method.estimated_days, all.method.missing_days, all.method.requests), (3, 0, 5));
    assert_eq!(all.guard.own_cost, Money(dec!(0.05)));
    let instance = &all.instance_types[0];
    assert_eq!((instance.hours.0, instance.usd_per_hour), (dec!(14), Some(Money(dec!(7)))));

    assert_eq!(all.trend.budget.as_deref(), Some("ml"), "nlp is lower, and of one team");

    let team = report_of(&cuts, &Policy::default(), &[], Some("nlp"));
    assert_eq!(team.trend.budget.as_deref(), Some("nlp"));
    assert_eq!((team.spent.usd, team.month.forecast, team.month.budgets[0].name.as_str()), (Money(dec!(98)), None, "nlp"));
    assert_eq!((team.trend.budget_per_day, team.accounts.len(), team.method.charge_types.len()), (Some(Money(dec!(10))), 0, 0));
}

/// "Team nlp: $70 more" and "untagged: $70 less" stood there, because the tag became active on the bill.
#[test]
fn causes_are_not_split_by_team_if_the_tag_became_active_in_the_middle() {
    let causes = |active: &str, usd: fn(Date) -> Decimal, team: Option<&str>| {
        let mut cuts = empty();
        for one in day("2026-10-01").series(jiff::Span::new().days(1)).take_while(|one| *one < day("2026-11-23")) {
            cuts.add(row(one, "Host:ml.g5.xlarge", if one < day(active) { "" } else { "nlp" }, usd(one)));
        }
        let report = report_of(&cuts, &Policy::default(), &[], team);
        report.causes.iter().map(|one| (one.team.clone(), one.difference.0)).collect::<Vec<_>>()
    };
    let constant = |_| dec!(10);
    let grows = |on: Date| if on < day("2026-11-16") { dec!(10) } else { dec!(14) };
    for active in ["2026-11-10", "2026-11-16", "2026-11-19"] {
        assert_eq!(causes(active, constant, None), [], "{active}");
        assert_eq!(causes(active, grows, None), [("all teams".to_owned(), dec!(28))], "{active}");
        assert_eq!(causes(active, grows, Some("nlp")), [], "{active}: what it spent before is not known");
    }
    for active in ["2026-10-01", "2026-11-09"] {
        assert_eq!(causes(active, grows, None), [("nlp".to_owned(), dec!(28))], "{active}");
    }
    assert_eq!(causes("2026-12-01", grows, None), [(UNTAGGED.to_owned(), dec!(28))]);
}

#[test]
fn a_period_before_that_is_not_known_is_no_zero() {
    let mut cuts = Cuts::new(ReportPeriod::parse("2026-W47").unwrap());
    cuts.add(row(day("2026-11-17"), "Host:ml.g5.xlarge", "nlp", dec!(14)));
    let all = report_of(&cuts, &Policy::default(), &[], None);
    assert_eq!((all.spent.before, all.spent.difference(), all.causes.len(), all.method.missing_days), (None, None, 0, 6));
}

/// Adds the rows and the charges of a day.
fn billed(cuts: &mut Cuts, on: &str, rows: &[(&str, Decimal)], charges: &[(&str, Decimal, Decimal)]) {
    for (usage, usd) in rows {
        cuts.add(row(day(on), usage, "nlp", *usd));
    }
    for (record_type, usd, billed) in charges {
        cuts.add_charge(day(on), &Charge { account: "1".into(), record_type: (*record_type).to_owned(), usd: *usd, billed: *billed });
    }
}

#[test]
fn a_plan_is_told_by_the_charges_whatever_their_spelling() {
    let mut cuts = empty();
    let rows = [
        ("Host:ml.g5.xlarge", dec!(75)),
        ("TrSpt:ml.g5.xlarge", dec!(12)),
        ("Studio:VolumeUsage.gp3", dec!(6)),
        ("AsyncInf:ml.g5.xlarge", dec!(4)),
        ("SageMakerSP:1yrNoUpfront", dec!(5)),
    ];
    let charges = [
        ("SavingsPlanCoveredUsage", dec!(70), dec!(100)),
        ("Savings Plan Negation", dec!(0), dec!(-100)),
        ("Savings Plan Recurring Fee", dec!(5), dec!(75)),
        ("Usage", dec!(30), dec!(30)),
        ("Bundled Discount", dec!(-3), dec!(-3)),
        ("Credit", dec!(-9), dec!(-9)),
    ];
    billed(&mut cuts, "2026-11-17", &rows, &charges);
    let all = report_of(&cuts, &Policy::default(), &[], None);
    let plans = &all.savings_plans;
    assert!(plans.is_owned);
    assert_eq!((plans.covered.0, plans.covered_on_demand.0, plans.unused), (dec!(70), dec!(100), Some(Money(dec!(5)))));
    assert_eq!([plans.not_covered, plans.never_covered, plans.not_sure].map(|usd| usd.0), [dec!(8), dec!(18), dec!(4)]);
    assert_eq!(all.accounts[0].spent.usd, Money(dec!(102)), "discounts count, credits do not");
    let left_out: Vec<&str> = all.method.charge_types.iter().filter(|one| !one.is_counted).map(|one| one.name.as_str()).collect();
    assert_eq!(left_out, ["Credit"]);
}

/// "A plan can cover $100.00 of the use" was the discount on Spot.
#[test]
fn a_discount_is_nothing_that_a_plan_can_cover() {
    const EDP: &str = "Enterprise Discount Program Discount";
    let (host, spot) = ("Host:ml.g5.xlarge", "TrSpt:ml.g5.xlarge");
    for (rows, charges, not_covered, never_covered) in [
        (&[(spot, dec!(900))][..], &[("Usage", dec!(1000)), (EDP, dec!(-100))][..], dec!(0), dec!(900)),
        (&[(spot, dec!(450)), (host, dec!(450))], &[("Usage", dec!(1000)), (EDP, dec!(-100))], dec!(450), dec!(450)),
        (&[(host, dec!(400))], &[("Usage", dec!(500)), ("PrivateRateDiscount", dec!(-100))], dec!(400), dec!(0)),
        (&[(host, dec!(30))], &[("Usage", dec!(30))], dec!(30), dec!(0)),
        (&[(host, dec!(-3))], &[("Usage", dec!(-3))], dec!(0), dec!(0)), // corrected by more than was used
        (&[(host, dec!(-3)), (spot, dec!(9))], &[("Usage", dec!(6))], dec!(0), dec!(6)),
    ] {
        let mut cuts = empty();
        let charges: Vec<_> = charges.iter().map(|(name, usd)| (*name, *usd, *usd)).collect();
        billed(&mut cuts, "2026-11-17", rows, &charges);
        let plans = report_of(&cuts, &Policy::default(), &[], None).savings_plans;
        assert_eq!((plans.not_covered.0, plans.never_covered.0), (not_covered, never_covered), "{rows:?} {charges:?}");
    }
}

#[test]
fn a_plan_without_a_fee_here_has_a_commitment_that_is_not_known() {
    let mut cuts = empty();
    billed(&mut cuts, "2026-11-17", &[("Host:ml.g5.xlarge", dec!(70))], &[("SavingsPlanCoveredUsage", dec!(70), dec!(100))]);
    let report = report_of(&cuts, &Policy::default(), &[], None);
    assert_eq!((report.savings_plans.is_owned, report.savings_plans.unused), (true, None));
    let body = mail_of(&report);
    assert!(body.contains("* unused commitment: not known: no fee of a plan is on this bill\n"), "{body}");
}

/// "A plan can cover $2,754" stood there alone: nobody could tell whether to buy one.
#[test]
fn what_a_plan_can_cover_is_told_with_whether_buying_one_pays() {
    let advice = |commitment: Decimal, with_waste: Decimal| PlanAdvice {
        offer: "1 year, No Upfront".into(),
        as_of: Some(day("2026-11-20")),
        commitment: Money(commitment),
        saves: Money(dec!(90)),
        with_waste: Money(with_waste),
        without_waste: Money(commitment),
        by_aws: Some(Money(dec!(2))),
        curve: vec![],
    };
    let plans = |is_owned, advice| SavingsPlans { not_covered: Money(dec!(2754)), is_owned, advice, ..SavingsPlans::default() };
    for (plans, words) in [
        (
            plans(false, Some(advice(dec!(1.5), dec!(2)))),
            "Use for $2,754.00 is of kinds that plans cover, one-off use included. savings-plan-advisor says: buy $1.50 per hour (1 year, No Upfront, as of 2026-11-20), which \
             would save $90.00 a month. AWS recommends $2.00 per hour, with the waste in it.",
        ),
        (
            plans(true, Some(advice(dec!(0), dec!(2)))),
            "Other use for $2,754.00 is of kinds that plans cover, one-off use included. Buying one does not pay (1 year, No Upfront, as of 2026-11-20): without what will \
             vanish, none saves enough. So savings-plan-advisor says: do not buy. AWS recommends $2.00 per hour, with the waste in it.",
        ),
        (
            SavingsPlans { not_covered_least: Some(Money(dec!(11.03))), ..plans(false, None) },
            "Use for $2,754.00 is of kinds that plans cover, one-off use included; the cheapest day had $11.03 of it. Whether buying one pays is not \
             known here: savings-plan-advisor works that out once a week and mails it.\n",
        ),
    ] {
        assert!(plans.buying().unwrap().starts_with(words.trim_end()), "{:?}", plans.buying());
        let report = CostReport { savings_plans: plans, ..report_of(&empty(), &Policy::default(), &[], None) };
        assert!(mail_of(&report).contains(&format!("* {words}")), "{}", mail_of(&report));
    }
    assert_eq!(SavingsPlans::default().buying(), None);
    let all_covered = SavingsPlans { advice: Some(advice(dec!(0), dec!(0))), ..SavingsPlans::default() };
    assert!(all_covered.buying().unwrap().starts_with("Do not buy a plan (1 year"), "{:?}", all_covered.buying());
}

#[test]
fn charges_that_do_not_add_up_to_the_days_are_not_told() {
    let usage = |usd: Decimal| [("Usage", usd, usd)];
    for (before, now, is_known, accounts_before) in [
        (dec!(10), dec!(14), true, Some(dec!(10))),
        (dec!(10), dec!(13.995), true, Some(dec!(10))),
        (dec!(9), dec!(14), true, None),
        (dec!(10), dec!(13), false, None),
        (dec!(10), dec!(0), false, None),
    ] {
        let mut cuts = empty();
        billed(&mut cuts, "2026-11-10", &[("Host:ml.g5.xlarge", dec!(10))], &usage(before));
        billed(&mut cuts, "2026-11-17", &[("Host:ml.g5.xlarge", dec!(14))], &usage(now));
        let report = report_of(&cuts, &Policy::default(), &[], None);
        assert_eq!((report.accounts.len() == 1, report.method.charge_types.len() == 1), (is_known, is_known), "{before} {now}");
        assert_eq!(report.accounts.first().and_then(|line| line.spent.before).map(|usd| usd.0), accounts_before, "{before} {now}");
        let body = mail_of(&report);
        assert_eq!(
            (body.contains("on the invoice"), body.contains("the invoice and what plans cover are not known")),
            (is_known, !is_known),
            "{body}"
        );
    }
}

#[test]
fn a_view_that_lacks_something_says_so() {
    let view = |types: &[&str], team: Option<&str>| {
        let mut cuts = empty();
        for record_type in types {
            billed(&mut cuts, "2026-11-17", &[("Host:ml.g5.xlarge", dec!(1))], &[(record_type, dec!(1), dec!(1))]);
        }
        report_of(&cuts, &Policy::default(), &[], team).method.notes.join("")
    };
    assert!(view(&["Usage", "Solution Provider Program Discount"], None).starts_with("this is the view of a reseller's customer"));
    assert!(view(&["Usage", "Savings Plan Covered Usage"], None).contains("another account of the organization"));
    for (types, team) in [
        (&["Usage", "Bundled Discount"][..], None),
        (&["SavingsPlanCoveredUsage", "SavingsPlanRecurringFee"], None),
        (&["SolutionProviderProgramDiscount"], Some("nlp")),
    ] {
        assert_eq!(view(types, team), "", "{types:?}");
    }
}

/// Cuts of a period and the one before, each day with these amounts.
fn each_day(period: &str, before: &[(&str, &str, Decimal)], now: &[(&str, &str, Decimal)]) -> Cuts {
    let period = ReportPeriod::parse(period).unwrap();
    let mut cuts = Cuts::new(period);
    for (of, amounts) in [(period.before(), before), (period, now)] {
        for one in of.all_days() {
            cuts.add_day(one);
            for (usage, team, usd) in amounts {
                cuts.add(row(one, usage, team, *usd));
            }
        }
    }
    cuts
}

fn mail_of(report: &CostReport) -> String {
    digest_of(report).body
}

fn digest_of(report: &CostReport) -> crate::mail::Digest {
    let policy = Policy::default();
    mail(report, &Stored::Nowhere("x".into()), &MailContext { function: "cost-reporter", policy: &policy, now: report.made })
}

fn causes_of(report: &CostReport) -> Vec<(&str, &str, Decimal)> {
    report.causes.iter().map(|one| (one.what.as_str(), one.team.as_str(), one.difference.0)).collect()
}

/// "$3.20 less" and "2 % more" stood side by side: the dollars of whole months, and the percent by the day.
#[test]
fn months_of_different_lengths_are_compared_in_as_many_days_everywhere() {
    let host = "Host:ml.g5.xlarge";
    let of = |period: &str, before, usd| {
        let cuts = each_day(period, &[(host, "nlp", before)], &[(host, "nlp", usd)]);
        report_at("2026-12-12T09:00:00Z", &cuts, &Policy::default(), &[], None)
    };
    let compared = "October scaled to 30 days: $300.00 (its 31 days cost $310.00).";
    for (usd, subject, causes, head, line) in [
        (
            dec!(10),
            "SageMaker: $300.00 in 2026-11, as much a day as October",
            vec![],
            "It cost $300.00: $10.00 a day, as much as October's $10.00 a day.",
            "* nlp: $300.00, as much\n",
        ),
        (
            dec!(10.2),
            "SageMaker: $306.00 in 2026-11, 2 % more a day than October",
            vec![dec!(6)],
            "It cost $306.00: $10.20 a day, 2 % more than October's $10.00 a day.",
            "* nlp: $306.00, $6.00 (2 %) more\n",
        ),
        (
            dec!(5),
            "SageMaker: $150.00 in 2026-11, 50 % less a day than October",
            vec![dec!(-150)],
            "It cost $150.00: $5.00 a day, 50 % less than October's $10.00 a day.",
            "* nlp: $150.00, $150.00 (50 %) less\n",
        ),
    ] {
        let report = of("2026-11", dec!(10), usd);
        let mail = digest_of(&report);
        let all = report.all_causes().map(|usd| format!("* In all: {} ", Money(usd.0.abs())));
        assert!(all.is_none_or(|all| mail.body.contains(&all) && mail.body.contains(" than October scaled to 30 days\n")), "{}", mail.body);
        assert_eq!(report.all_causes().is_some(), !causes.is_empty());
        assert_eq!(mail.subject, subject);
        assert_eq!(report.causes.iter().map(|cause| cause.difference.0).collect::<Vec<_>>(), causes);
        for words in [compared, head, line] {
            assert!(mail.body.contains(words), "{words}: {}", mail.body);
        }
    }
    let new = mail_of(&of("2026-11", dec!(0), dec!(5)));
    assert!(new.contains("It cost $150.00: $5.00 a day, after $0.00 a day in October."), "{new}");
    let august = mail_of(&of("2026-08", dec!(10), dec!(11)));
    assert!(august.contains("It cost $341.00, $31.00 (10 %) more than July."), "July and August have 31 days: {august}");
    assert!(!august.contains("average days"), "{august}");
}

/// "$870.00 more" alone: nobody could tell that it was one job on one day.
#[test]
fn a_cause_of_the_mail_says_when_it_was() {
    let mut cuts = empty();
    let job = |on: &str, quantity| BillRow { quantity, ..row(day(on), "Train:ml.p4d.24xlarge", "vision", dec!(870)) };
    cuts.add(job("2026-11-18", dec!(24)));
    let of = |cuts: &Cuts| mail_of(&report_of(cuts, &Policy::default(), &[], None));
    let one = of(&cuts);
    let line = "* Training on demand, ml.p4d.24xlarge, team vision: $870.00 more, on Wed 18 November only, 24.0 instance hours in all\n";
    assert!(one.contains(line), "{one}");
    cuts.add(job("2026-11-20", dec!(0)));
    let two = of(&cuts);
    assert!(two.contains("team vision: $1,740.00 more, on 2 of 7 days, 24.0 instance hours in all\n"), "{two}");
}

#[test]
fn many_small_differences_are_one_cause() {
    let teams: Vec<String> = (0..200).map(|number| format!("team-{number}")).collect();
    let small: Vec<(&str, &str, Decimal)> = teams.iter().map(|team| ("Host:ml.t3.medium", team.as_str(), dec!(0.14))).collect();
    let train = ("Train:ml.g5.xlarge", "nlp", dec!(10));
    let cause = |what: &str, team: &str, usd| (what.to_owned(), team.to_owned(), usd);
    let week = |before: &[_], now: &[_]| {
        let report = report_of(&each_day("2026-W47", before, now), &Policy::default(), &[], None);
        report.causes.into_iter().map(|one| (one.what, one.team, one.difference.0)).collect::<Vec<_>>()
    };
    assert_eq!(week(&[train], &[&small[..], &[train]].concat()), [cause("ml.t3.medium", SEVERAL_TEAMS, dec!(196))]);
    let two = [("Host:ml.t3.medium", "nlp", dec!(0.1)), ("Host:ml.m5.large", "nlp", dec!(0.1))];
    assert_eq!(week(&[train], &[&two[..], &[train]].concat()), [cause(SEVERAL_TYPES, "nlp", dec!(1.4))]);
    assert_eq!(week(&[train], &[two[0], train]), [], "one of them is no cause");
}

/// The mail's causes came to less than the change that they explain: the page had the rest, the mail had not.
#[test]
fn the_causes_of_the_mail_add_up_to_the_change() {
    let teams: Vec<String> = (0..8).map(|number| format!("team-{number}")).collect();
    let of = |period: &str, usd: Decimal| {
        let hosts: Vec<(&str, &str, Decimal)> = teams.iter().map(|team| ("Host:ml.g5.xlarge", team.as_str(), usd)).collect();
        let report = report_at("2026-12-12T09:00:00Z", &each_day(period, &[], &hosts), &Policy::default(), &[], None);
        let told = report.causes.iter().map(|one| one.difference).chain(report.other_causes()).sum::<Money>();
        assert_eq!(told, report.spent.by_days_of(report.period).difference().unwrap(), "{period}");
        mail_of(&report)
    };
    let (week, month) = (of("2026-W47", dec!(2)), of("2026-11", dec!(2)));
    assert!(week.contains("* Everything else: $42.00 more\n"), "three of eight teams: {week}");
    assert!(month.contains("* Everything else: $180.00 more\n"), "{month}");
    let few = mail_of(&report_of(&each_day("2026-W47", &[], &[("Host:x", "nlp", dec!(2))]), &Policy::default(), &[], None));
    assert!(!few.contains("Everything else"), "{few}");
}

#[test]
fn teams_are_not_compared_if_only_one_period_has_any() {
    let host = "Host:ml.g5.xlarge";
    let (tagged, untagged, nothing) = (&[(host, "nlp", dec!(10))][..], &[(host, "", dec!(10))][..], &[][..]);
    let causes = |causes: &[(&str, &str, Decimal)], before: bool, note: &str, (then, now): (&[_], &[_])| {
        let cuts = each_day("2026-W47", then, now);
        let report = report_of(&cuts, &Policy::default(), &[], None);
        assert_eq!(causes_of(&report), causes);
        assert!(report.teams.iter().all(|line| line.spent.before.is_some() == before));
        assert!(
            report.method.notes.join("").starts_with(note) && report.method.notes.is_empty() == note.is_empty(),
            "{:?}",
            report.method.notes
        );
        let team = report_of(&cuts, &Policy::default(), &[], Some("nlp"));
        assert_eq!((team.spent.before.is_some(), team.not_compared.is_none()), (before, before));
    };
    let more = [(host, "nlp", dec!(12))];
    causes(&[], false, "No spend before 2026-11-16 has a team", (untagged, tagged));
    causes(&[("ml.g5.xlarge", ALL_TEAMS, dec!(14))], false, "No spend before 2026-11-16 has a team", (untagged, &more));
    causes(&[], false, "No spend of this period has a team", (tagged, untagged));
    causes(&[("ml.g5.xlarge", "nlp", dec!(70))], true, "", (nothing, tagged));
    causes(&[("ml.g5.xlarge", "nlp", dec!(14))], true, "", (tagged, &more));
}

#[test]
fn days_that_are_not_on_the_bill_are_named() {
    let without = |missing: &[&str]| {
        let mut cuts = Cuts::new(ReportPeriod::parse("2026-W47").unwrap());
        for one in day("2026-10-01").series(jiff::Span::new().days(1)).take_while(|one| *one < day("2026-11-23")) {
            if !missing.iter().any(|text| day(text) == one) {
                cuts.add(row(one, "Host:ml.g5.xlarge", "nlp", dec!(10)));
            }
        }
        report_of(&cuts, &Policy::default(), &[], None)
    };
    for (missing, lacks, not_compared, words) in [
        (&[][..], 0, None, "November 2026 so far: $220.00. AWS's"),
        (&["2026-11-03"], 1, None, "November 2026 so far: $210.00, without 1 day that is not on the bill. AWS's"),
        (
            &["2026-11-12"],
            1,
            Some("A day of the week before is missing, so the two are not compared"),
            "(between $270.00 and $310.00), without 1 day that is not",
        ),
        (
            &["2026-11-12", "2026-11-13"],
            2,
            Some("2 days of the week before are missing, so the two are not compared"),
            "without 2 days that are not on the bill",
        ),
        (&["2026-11-18"], 1, None, "It cost $60.00 on 6 of its 7 days."),
    ] {
        let report = without(missing);
        assert_eq!(
            (report.month.missing_days, report.month.forecast.unwrap().missing_days, report.trend.missing.len()),
            (lacks, lacks, lacks)
        );
        assert_eq!(report.not_compared.as_deref(), not_compared);
        let body = mail_of(&report);
        assert!(body.contains(words) && not_compared.is_none_or(|why| body.contains(why)), "{words}: {body}");
    }
}

#[test]
fn a_change_that_rests_on_estimated_days_says_so() {
    let of =
        |usd| report_of(&each_day("2026-W47", &[("Host:x", "nlp", dec!(10))], &[("Host:x", "nlp", usd)]), &Policy::default(), &[], None);
    let (less, same) = (digest_of(&of(dec!(9))), digest_of(&of(dec!(10))));
    assert_eq!(
        (less.subject.as_str(), same.subject.as_str()),
        ("SageMaker: $63.00 in 2026-W47, estimated 10 % less", "SageMaker: $70.00 in 2026-W47, as before")
    );
    assert!(less.body.contains("less than the week before. 3 of 7 days are estimated: AWS may still correct them.\n"), "{}", less.body);
}

#[test]
fn the_amount_of_all_decisions_is_told_with_their_number() {
    let entries: Vec<Entry> = (0..30)
        .map(|number| Entry {
            usd_per_month: Some(dec!(201.48)),
            ..samples::entry("notebook-idle", &format!("book-{number}"), State::Reported)
        })
        .collect();
    let report = report_of(&empty(), &Policy::default(), &entries.iter().collect::<Vec<_>>(), None);
    assert_eq!((report.decisions.len(), report.more_decisions), (20, 10));
    assert!(digest_of(&report).subject.ends_with("30 to decide on ($6,044.40 a month)"), "{}", digest_of(&report).subject);
    let most = Money(Decimal::MAX);
    let dear = CostReport { spent: Change { usd: most, before: None }, decisions_usd_per_month: Some(most), ..report };
    assert!(digest_of(&dear).subject.ends_with("30 to decide on"), "too long an amount is left out, and not cut");
}

#[test]
fn the_mail_is_text_and_names_forge_no_line() {
    let hostile = "<b>x</b>\n\nBUDGET\n* \u{202e}gone";
    let mut cuts = empty();
    cuts.add(row(day("2026-11-17"), "Host:ml.g5.xlarge", hostile, dec!(14)));
    let entry = Entry { name: hostile.into(), owner: Some(hostile.into()), ..samples::entry("notebook-idle", "x", State::Reported) };
    let policy = Policy::from_toml("[report]\nto = \"finops@example.com\"").unwrap();
    let context = MailContext { function: "cost-reporter", policy: &policy, now: NOW.parse().unwrap() };
    let report = report_of(&cuts, &policy, &[&entry], None);
    let digest = mail(&report, &Stored::Nowhere("no\nbucket".into()), &context);
    assert!(!digest.body.contains("\nBUDGET\n") && !digest.body.contains('\u{202e}'), "{}", digest.body);
    assert!(digest.subject.len() <= 99 && digest.subject.is_ascii(), "{}", digest.subject);
    assert_eq!((digest.owner.as_str(), digest.audience.words()), ("finops@example.com", &["owner", "platform"][..]));
    assert!(
        digest.body.contains("It cost $14.00, $14.00 more than the week before.") || digest.body.contains("It cost $14.00"),
        "{}",
        digest.body
    );
}

#[test]
fn a_month_that_is_over_has_no_forecast_and_its_budgets_have_their_day() {
    let mut cuts = Cuts::new(ReportPeriod::parse("2026-11").unwrap());
    cuts.add(row(day("2026-11-17"), "Host:ml.g5.xlarge", "nlp", dec!(14)));
    let of = |now: &str| report_at(now, &cuts, &Policy::default(), &[], None);
    let (running, over) = (of(NOW), of("2026-12-02T09:00:00Z"));
    let budget = |report: &CostReport| {
        let budget = &report.month.budgets[0];
        (report.month.is_over, budget.forecast, budget.remembered(report.made))
    };
    assert_eq!(budget(&running), (false, Some(Money(dec!(90))), None));
    assert_eq!(budget(&over), (true, None, Some(day("2026-11-30"))));
    let policy = Policy::default();
    let context = MailContext { function: "cost-reporter", policy: &policy, now: over.made };
    let mail = mail(&over, &Stored::Nowhere("x".into()), &context);
    let budgets = "BUDGETS OF NOVEMBER 2026\n* nlp: $12.00 of $300.00\n* ml: $12.00 of $3,000.00\nThey were read on 2026-11-30 and so are without most of that day.\n";
    assert!(mail.body.contains(budgets), "{}", mail.body);
    assert!(!mail_of(&running).contains("were read on"), "{}", mail_of(&running));
}

/// "And 1 more." was all that was said of a budget that counts nothing.
#[test]
fn a_budget_that_counts_nothing_says_why() {
    let why = "it filters by Team$churn, which no spend has: AWS wants user:Team$churn";
    let budget = |spent, unhealthy: Option<&str>| BudgetOnRecord {
        name: "ml-churn".into(),
        month: day("2026-11-01"),
        limit: dec!(500),
        spent,
        forecast: None,
        team: None,
        is_of_sagemaker: true,
        counts: None,
        unhealthy: unhealthy.map(str::to_owned),
        fix: None,
    };
    for (spent, unhealthy, words) in [
        (dec!(0), Some(why), format!("* ml-churn of $500.00 counts nothing: {why}\n")),
        (dec!(3), Some(why), format!("* ml-churn of $500.00 does not watch the spend: {why}\n")),
        (dec!(0), None, "* ml-churn: $0.00 of $500.00\n".to_owned()),
    ] {
        let mail = mail_of(&report_with(&[budget(spent, unhealthy)], NOW, &empty(), &Policy::default(), &[], None));
        assert!(mail.contains(&words), "{words}: {mail}");
    }
}

#[test]
fn the_budget_that_is_used_most_is_the_first_and_needs_a_decision_first() {
    let exceeded = samples::entry("budget-exceeded", "ml", State::Reported);
    let idle = Entry { usd_per_month: Some(dec!(900)), ..samples::entry("notebook-idle", "x", State::Reported) };
    let report = report_of(&empty(), &Policy::default(), &[&idle, &exceeded], None);
    assert_eq!(report.month.budgets.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["nlp", "ml"], "12 of 300, 12 of 3000");
    assert_eq!(report.decisions.iter().map(|one| one.why.as_str()).collect::<Vec<_>>(), ["budget-exceeded", "notebook-idle"]);
}

/// In December budget-alerter's finding of November's budget is closed, and only the panel told it.
#[test]
fn a_budget_that_was_used_up_in_the_closed_month_needs_a_decision() {
    let budget = |spent, month: &str| BudgetOnRecord {
        name: "ml".into(),
        month: day(month),
        limit: dec!(300),
        spent,
        forecast: None,
        team: Some("NLP".into()),
        is_of_sagemaker: true,
        counts: None,
        unhealthy: None,
        fix: None,
    };
    let policy = Policy::from_toml("[[budget]]\nname = \"ml\"\nowner = \"ann@example.com\"").unwrap();
    let cuts = Cuts::new(ReportPeriod::parse("2026-11").unwrap());
    let finding = |state| samples::entry("budget-exceeded", "ml", state);
    let idle = Entry { usd_per_month: Some(dec!(900)), ..samples::entry("notebook-idle", "x", State::Reported) };
    let of = |budget: BudgetOnRecord, now: &str, state, team: Option<&str>| {
        report_with(&[budget], now, &cuts, &policy, &[&finding(state), &idle], team)
    };
    let told = |report: CostReport| report.decisions.into_iter().filter(|one| one.why == "budget-exceeded").collect::<Vec<_>>();
    let (over, november) = ("2026-12-04T09:00:00Z", "2026-11-01");
    let report = of(budget(dec!(312.5), november), over, State::Closed, None);
    let mail = mail_of(&report);
    let words = "budget ml of ann@example.com: $312.50 of $300.00 spent (104 %) in November 2026, as read on 30 November (budget-exceeded): November 2026 is over: decide whether $300.00 is right for December";
    assert!(mail.contains(words), "{mail}");
    assert_eq!(report.decisions.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["budget ml", "notebook instance x"]);
    assert_eq!(report.decisions[0].team, "NLP");
    assert_eq!(told(of(budget(dec!(312.5), november), over, State::Closed, Some("nlp"))).len(), 1, "on the page of its team");
    assert_eq!(told(of(budget(dec!(312.5), november), over, State::Closed, Some("vision"))), []);
    assert_eq!(told(of(budget(dec!(299), november), over, State::Closed, None)), [], "it was kept");
    assert_eq!(told(of(budget(dec!(312.5), "2026-10-01"), over, State::Closed, None)), [], "another month");
    assert_eq!(told(of(budget(dec!(312.5), november), NOW, State::Closed, None)), [], "the month is not over: its finding tells it");
    assert_eq!(told(of(budget(dec!(312.5), november), over, State::Reported, None)).len(), 1, "told once");
}

#[test]
fn where_the_final_bill_shows_what_a_budget_counts_its_amount_is_told() {
    let team = |name: &str| Some(Counts::Team(name.to_owned()));
    let bill = |usage: &str, until: &str| {
        let mut cuts = Cuts::new(ReportPeriod::parse("2026-11").unwrap());
        for one in day("2026-10-01").series(jiff::Span::new().days(1)).take_while(|one| *one < day(until)) {
            cuts.add_day(one);
            cuts.add(row(one, "Host:ml.m5.xlarge", "nlp", dec!(12)));
            cuts.add(row(one, usage, "vision", dec!(5)));
        }
        cuts
    };
    let (whole, train) = ("2026-12-04", "Train:ml.m5.xlarge");
    for (counts, cuts, now, unhealthy, spent, by_bill) in [
        (Some(Counts::All), bill(train, whole), "2026-12-04T08:00:00Z", None, dec!(510), true),
        (team("NLP"), bill(train, whole), "2026-12-04T08:00:00Z", None, dec!(360), true),
        (team("audio"), bill(train, whole), "2026-12-04T08:00:00Z", None, dec!(0), true),
        (None, bill(train, whole), "2026-12-04T08:00:00Z", None, dec!(312.5), false),
        (team("NLP"), bill(train, whole), "2026-12-02T08:00:00Z", None, dec!(312.5), false), // AWS may still correct it
        (team("NLP"), bill(train, "2026-11-30"), "2026-12-04T08:00:00Z", None, dec!(312.5), false), // a day is missing
        (team("NLP"), bill("SageMakerSP:1yrNoUpfront", whole), "2026-12-04T08:00:00Z", None, dec!(312.5), false),
        (team("NLP"), bill(train, whole), "2026-12-04T08:00:00Z", Some("it is broken".to_owned()), dec!(312.5), false),
    ] {
        let budget = BudgetOnRecord {
            name: "ml".into(),
            month: day("2026-11-01"),
            limit: dec!(300),
            spent: dec!(312.5),
            forecast: None,
            team: None,
            is_of_sagemaker: true,
            counts: counts.clone(),
            unhealthy,
            fix: None,
        };
        let report = report_with(&[budget], now, &cuts, &Policy::default(), &[], None);
        let told = &report.month.budgets[0];
        assert_eq!((told.spent, told.by_bill), (Money(spent), by_bill), "{counts:?} {now}");
        assert_eq!(report.budgets_read().is_none(), by_bill, "{counts:?} {now}");
    }
    let words = "budget ml, owner not known: $360.00 of $300.00 spent (120 %) in November 2026, by the bill (budget-exceeded): November 2026 is over: decide whether $300.00 is right for December. At the $12.00 a day of the last 7 days, it needs $372.00";
    let budget = BudgetOnRecord {
        name: "ml".into(),
        month: day("2026-11-01"),
        limit: dec!(300),
        spent: dec!(312.5),
        forecast: None,
        team: None,
        is_of_sagemaker: true,
        counts: team("nlp"),
        unhealthy: None,
        fix: None,
    };
    let mail = mail_of(&report_with(&[budget], "2026-12-04T08:00:00Z", &bill(train, whole), &Policy::default(), &[], None));
    assert!(mail.contains(words), "{mail}");
    assert!(mail.contains("* ml: $360.00 of $300.00, used up, by the bill\n"), "{mail}");
}

/// AWS's credits paid for all of it, and the mail said that the budget was used up.
#[test]
fn where_the_invoice_is_not_the_cost_of_use_a_budget_has_the_amount_that_aws_read() {
    let of = |charges: &[(&str, Decimal, Decimal)]| {
        let mut cuts = Cuts::new(ReportPeriod::parse("2026-11").unwrap());
        for one in day("2026-10-01").series(jiff::Span::new().days(1)).take_while(|one| *one < day("2026-12-04")) {
            cuts.add_day(one);
            cuts.add(row(one, "Host:ml.m5.xlarge", "nlp", dec!(17)));
        }
        billed(&mut cuts, "2026-11-17", &[], charges);
        cuts
    };
    let covered =
        [("SavingsPlanCoveredUsage", dec!(12), dec!(20)), ("Savings Plan Negation", dec!(0), dec!(-20)), ("Usage", dec!(5), dec!(5))];
    for (charges, by_bill) in [
        (&[("Usage", dec!(17), dec!(17))][..], true),
        (&[("Usage", dec!(19), dec!(19)), ("Enterprise Discount Program Discount", dec!(-2), dec!(-2))], true),
        (&[], true),
        (&[("Usage", dec!(17), dec!(17)), ("Credit", dec!(-17), dec!(-17))], false),
        (&[("Usage", dec!(17), dec!(17)), ("Credit", dec!(-500), dec!(-500))], false),
        (&[("Usage", dec!(17), dec!(17)), ("Refund", dec!(-3), dec!(-3))], false),
        (&covered, false), // another account owns the plan
    ] {
        let budget = BudgetOnRecord { counts: Some(Counts::All), ..small_budget(dec!(300), dec!(12)) };
        let mail = mail_of(&report_with(&[budget], "2026-12-04T08:00:00Z", &of(charges), &Policy::default(), &[], None));
        let words = if by_bill { "* ml: $510.00 of $300.00, used up, by the bill\n" } else { "* ml: $12.00 of $300.00\n" };
        assert!(mail.contains(words), "{charges:?}: {mail}");
        assert_eq!(mail.contains("(budget-exceeded)"), by_bill, "{charges:?}: {mail}");
    }
}

/// The bill's "NLP" was added to the budget of "nlp", which AWS does not do.
#[test]
fn a_budget_of_a_team_that_is_spelt_twice_has_the_amount_that_aws_read() {
    for (other, by_bill) in [("vision", true), ("", true), ("NLP", false), ("nlp ", false)] {
        let mut cuts = Cuts::new(ReportPeriod::parse("2026-11").unwrap());
        for one in day("2026-10-01").series(jiff::Span::new().days(1)).take_while(|one| *one < day("2026-12-04")) {
            cuts.add(row(one, "Host:ml.m5.xlarge", "nlp", dec!(12)));
            cuts.add(row(one, "Host:ml.m5.xlarge", other, dec!(5)));
        }
        let budget = BudgetOnRecord { counts: Some(Counts::Team("nlp".into())), ..small_budget(dec!(300), dec!(12)) };
        let budgets = report_with(&[budget], "2026-12-04T08:00:00Z", &cuts, &Policy::default(), &[], None).month.budgets;
        let spent = if by_bill { dec!(360) } else { dec!(12) };
        assert_eq!((budgets[0].spent.0, budgets[0].by_bill), (spent, by_bill), "{other}");
    }
}

/// A budget without a team.
fn small_budget(limit: Decimal, spent: Decimal) -> BudgetOnRecord {
    BudgetOnRecord {
        name: "ml".into(),
        month: day("2026-11-01"),
        limit,
        spent,
        forecast: None,
        team: None,
        is_of_sagemaker: true,
        counts: None,
        unhealthy: None,
        fix: None,
    }
}

#[test]
fn a_limit_of_nothing_is_used_up_once_something_is_spent() {
    for (limit, spent, is_used_up) in [
        (dec!(0), dec!(0), false),
        (dec!(0), dec!(-4.2), false),
        (dec!(0), dec!(0.01), true),
        (dec!(300), dec!(-4.2), false),
        (dec!(300), dec!(149.99), false),
        (dec!(300), dec!(300), true),
    ] {
        let budgets = [small_budget(limit, spent), BudgetOnRecord { name: "other".into(), ..small_budget(dec!(100), dec!(50)) }];
        let report = report_with(&budgets, "2026-12-01T08:00:00Z", &empty(), &Policy::default(), &[], None);
        assert_eq!(report.month.budgets[0].name == "ml", is_used_up, "{spent} of {limit}: the first is that which is used most");
        assert_eq!((mail_of(&report).contains(", used up"), report.decisions.len() == 1), (is_used_up, is_used_up), "{spent} of {limit}");
    }
}

#[test]
fn a_limit_that_says_nothing_is_neither_drawn_nor_decided_on() {
    let why = "AWS sets its limit from what was spent before, and set $0.01: write a limit".to_owned();
    let budget = BudgetOnRecord { unhealthy: Some(why.clone()), ..small_budget(dec!(0.01), dec!(512.3)) };
    let report = report_with(&[budget], "2026-12-01T08:00:00Z", &empty(), &Policy::default(), &[], None);
    assert_eq!((report.trend.budget_per_day, report.decisions.len()), (None, 0));
    let mail = mail_of(&report);
    assert!(mail.contains(&format!("* ml of $0.01 does not watch the spend: {why}\n")), "{mail}");
}

#[test]
fn hours_that_are_not_on_the_bill_are_not_zero() {
    assert_eq!(Hours(dec!(0)).known_of(Money(dec!(870))), None);
    assert_eq!(Hours(dec!(0)).known_of(Money(dec!(0))), Some(Hours(dec!(0))));
    let mut cuts = empty();
    cuts.add(BillRow { quantity: dec!(0), ..row(day("2026-11-17"), "TrSpt:ml.g5.xlarge", "nlp", dec!(14)) });
    let report = report_of(&cuts, &Policy::default(), &[], None);
    let policy = Policy::default();
    let context = MailContext { function: "cost-reporter", policy: &policy, now: report.made };
    let mail = mail(&report, &Stored::Nowhere("x".into()), &context);
    assert!(mail.body.contains("* $14.00 on Spot, nothing on demand\n"), "{}", mail.body);
}

#[test]
fn resources_are_of_the_findings_only_if_these_have_prices() {
    let entry = Entry { usd_per_month: Some(dec!(9)), ..samples::entry("notebook-idle", "x", State::Reported) };
    let of = |entries: &[&Entry]| from_findings(entries, "no data").how;
    assert_eq!(of(&[&entry]), "by the open findings, at list prices a month. The bill by resource could not be read: no data");
    assert_eq!(of(&[]), "The bill by resource could not be read: no data");
    let off = from_findings(&[], NO_RESOURCE_DATA).how;
    assert!(off.contains("Cost Explorer's resource-level data of SageMaker is off. The payer account switches it on in Billing"), "{off}");
}

#[test]
fn a_link_or_a_folder_that_leads_nowhere_is_refused() {
    let of = |line: &str| Policy::from_toml(&format!("[report]\n{line}")).map(drop).map_err(|error| error.to_string());
    for wrong in
        ["", "javascript:alert(1)", "http://example.com/{key}", "https://", "https://example.com/{bukket}", "https://example.com/a b"]
    {
        let error = of(&format!("console-url = \"{wrong}\"")).unwrap_err();
        assert!(error.contains("write an address that begins with https://"), "{wrong}: {error}");
    }
    for wrong in ["no-slash", "/x/", "x//", "/", "a b/", "a\\nb/"] {
        let error = of(&format!("prefix = \"{wrong}\"")).unwrap_err();
        assert!(error.contains("write folders without blanks"), "{wrong}: {error}");
    }
    for right in ["console-url = \"https://s3.example.com/{bucket}/{key}?r={region}\"", "prefix = \"\"", "prefix = \"finops/sagemaker/\""] {
        assert!(of(right).is_ok(), "{right}");
    }
}

/// A finding about a notebook of nlp in week 47.
fn notebook(state: State) -> Entry {
    Entry {
        team: Some("NLP".into()),
        owner: Some("ann@example.com".into()),
        instance_type: Some("ml.g5.xlarge".into()),
        first_seen: "2026-11-17T08:00:00Z".parse().unwrap(),
        last_seen: "2026-11-18T18:00:00Z".parse().unwrap(),
        ..samples::entry("notebook-off-hours", "lab", state)
    }
}

/// What was saved by the stop of that notebook.
fn stop(by: SavedBy) -> Saved {
    let at = "2026-11-18T18:00:00Z".parse().unwrap();
    let Entry { arn, name, owner, team, .. } = notebook(State::Closed);
    Saved { arn, name, owner, team, by, action: None, is_resubmitted: false, from: at, until: at, usd: None }
}

/// The report of a week in which a type cost $40 on these days, after a week of nothing.
fn week_of(usage: &str, team: &str, days: &[&str], entries: &[Entry], saved: &[Saved]) -> CostReport {
    let mut cuts = empty();
    for on in days {
        cuts.add(row(day(on), usage, team, dec!(40)));
    }
    let (policy, entries): (_, Vec<&Entry>) = (Policy::default(), entries.iter().collect());
    with_sources(NOW, &cuts, &policy, |sources| make(&Sources { entries: &entries, saved, ..sources }, None))
}

/// The headline said "153 % more", and nothing that the rise was over.
#[test]
fn a_rise_that_is_over_is_told_with_what_a_day_has_cost_since() {
    for (days, words) in [
        (&["2026-11-17", "2026-11-18"][..], Some("Since 19 November it cost $0.00 a day; the week before cost $0.00 a day")),
        (&["2026-11-17", "2026-11-18", "2026-11-20"], None), // it may go on
        (&[], None),
    ] {
        let report = week_of("Notebk:ml.g5.xlarge", "nlp", days, &[], &[]);
        assert_eq!(report.since_then().as_deref(), words, "{days:?}");
        assert_eq!(mail_of(&report).contains("* Since 19 November"), words.is_some());
    }
    let mut cuts = empty();
    for on in ["2026-11-17", "2026-11-18"] {
        cuts.add(row(day(on), "Notebk:ml.g5.xlarge", "nlp", dec!(40)));
    }
    for on in day("2026-11-09").series(jiff::Span::new().days(1)).take(14) {
        cuts.add(row(on, "Host:ml.m5.xlarge", "ads", if on < day("2026-11-16") { dec!(5) } else { dec!(6) }));
    }
    // $7 more goes on, $80 has ended.
    let report = report_of(&cuts, &Policy::default(), &[], None);
    assert_eq!(report.since_then().unwrap(), "Since 19 November it cost $6.00 a day; the week before cost $5.00 a day");
}

/// "$870.00 more" and "$783.15 more" had no name and no action, although the ledger knew the one and the bill the other's team.
#[test]
fn a_cause_says_what_is_known_of_it_and_whom_to_ask_what() {
    let (early, late) = (&["2026-11-17", "2026-11-18"][..], &["2026-11-17", "2026-11-18", "2026-11-20"][..]);
    let of = |days: &[&str], entries: &[Entry], saved: &[Saved]| {
        let report = week_of("Notebk:ml.g5.xlarge", "nlp", days, entries, saved);
        (report.causes[0].known(), report.asks().into_iter().map(|ask| ask.words).collect::<Vec<_>>())
    };
    let known = |became: &str| Some(format!("known of these: notebook instance lab (ann@example.com), {became}"));
    let (closed, open) = (notebook(State::Closed), notebook(State::Reported));
    for (days, entries, saved, told, asked) in [
        (early, &[][..], &[][..], None, &["none of it after Wed 18 November: ask team nlp whether it comes again"][..]),
        (late, &[], &[], None, &["ask team nlp whether it is intended"]),
        (
            early,
            std::slice::from_ref(&closed),
            &[stop(SavedBy::Guard)],
            known("which the guard stopped on Wed 18 November; since then it has cost no more than usual"),
            &[],
        ),
        (
            early,
            std::slice::from_ref(&closed),
            &[stop(SavedBy::Owner)],
            known("which its owner stopped on Wed 18 November; since then it has cost no more than usual"),
            &[],
        ),
        (
            late,
            std::slice::from_ref(&closed),
            &[stop(SavedBy::Guard)],
            known("which the guard stopped on Wed 18 November"),
            &["ask ann@example.com whether it is intended"],
        ),
        (
            early,
            std::slice::from_ref(&closed),
            &[],
            known("not found since Wed 18 November"),
            &["none of it after Wed 18 November: ask ann@example.com whether it comes again"],
        ),
        (early, &[open], &[stop(SavedBy::Guard)], known("which needs a decision"), &[]),
        (late, &[notebook(State::Exempt)], &[], known("which its owner keeps"), &["ask ann@example.com whether it is intended"]),
    ] {
        assert_eq!(of(days, entries, saved), (told, asked.iter().map(|one| (*one).to_owned()).collect()), "{entries:?}");
    }
    let other = |change: fn(&mut Entry)| {
        let mut entry = closed.clone();
        change(&mut entry);
        of(early, &[entry], &[stop(SavedBy::Guard)]).0
    };
    assert_eq!(other(|entry| entry.team = Some("vision".into())), None, "of another team");
    assert_eq!(other(|entry| entry.team = None), None);
    assert_eq!(other(|entry| entry.instance_type = Some("ml.g5.2xlarge".into())), None);
    assert_eq!(other(|entry| entry.instance_type = None), None, "not known");
    assert_eq!(other(|entry| entry.id = "endpoint/lab".into()), None);
    assert_eq!(other(|entry| entry.rule = "missing-tag".into()), None, "its cost is no waste");
    assert_eq!(other(|entry| entry.last_seen = "2026-11-15T18:00:00Z".parse().unwrap()), None, "before the week");
    let many: Vec<Entry> = (0..5).map(|number| Entry { arn: format!("a{number}"), ..closed.clone() }).collect();
    let (told, asked) = of(early, &many, &[]);
    assert!(told.unwrap().ends_with("; 2 more"));
    assert_eq!(asked, ["none of it after Wed 18 November: ask team nlp whether it comes again"], "none of the five is meant alone");
}

#[test]
fn only_what_matters_is_asked_and_nobody_who_is_not_known() {
    let asked = |usage: &str, team: &str| {
        week_of(usage, team, &["2026-11-22"], &[], &[]).asks().into_iter().map(|ask| ask.words).collect::<Vec<_>>()
    };
    assert_eq!(asked("Train:ml.g5.xlarge", ""), ["it has no team: find out whose it is, and whether it is intended"]);
    let report = week_of("Train:ml.g5.xlarge", "nlp", &["2026-11-22"], &[], &[]);
    let words = |report: &CostReport| report.asks().into_iter().map(|ask| ask.words).collect::<Vec<_>>();
    assert_eq!(words(&CostReport { team: Some("nlp".into()), ..report.clone() }), ["find out whose it is, and whether it is intended"]);
    let spent = Change { usd: Money(dec!(4001)), ..report.spent };
    assert_eq!(words(&CostReport { spent, ..report.clone() }), [""; 0], "less than a hundredth of all");
    let small = Cause { difference: Money(dec!(4)), ..report.causes[0].clone() };
    let less = Cause { difference: Money(dec!(-400)), ..report.causes[0].clone() };
    let mut some = report.clone();
    some.causes.extend([small, less]);
    assert_eq!(words(&some).len(), 1, "less than a tenth of what is more, and less than before");
    let mail = mail_of(&report);
    assert!(mail.contains("\nWHAT TO DO\n* Training on demand, ml.g5.xlarge, team nlp: ask team nlp whether it is intended\n"), "{mail}");
}

/// As the page: how much, why, what to do, then the rest.
#[test]
fn the_mail_tells_decisions_after_what_to_do_and_before_budgets() {
    let mut cuts = empty();
    cuts.add(row(day("2026-11-22"), "Train:ml.g5.xlarge", "nlp", dec!(40)));
    let idle = samples::entry("notebook-idle", "x", State::Reported);
    let mail = mail_of(&report_of(&cuts, &Policy::default(), &[&idle], None));
    let is_heading = |line: &&str| !line.is_empty() && line.to_uppercase() == **line && !line.starts_with(['*', '-']);
    let headings: Vec<&str> = mail.lines().filter(is_heading).collect();
    assert_eq!(headings[..4], ["WHY", "WHAT TO DO", "WHAT NEEDS A DECISION AS OF 2026-11-23", "BUDGETS OF NOVEMBER 2026"], "{mail}");
    assert!(mail.find("It cost") < mail.find("\nWHY\n"), "{mail}");
}

/// "Correct the budget in the AWS Budgets console": nobody could tell how.
#[test]
fn what_puts_a_budget_right_is_what_to_do_about_it() {
    let budget = BudgetOnRecord {
        name: "ml-churn".into(),
        month: day("2026-11-01"),
        limit: dec!(500),
        spent: dec!(0),
        forecast: None,
        team: None,
        is_of_sagemaker: true,
        counts: None,
        unhealthy: Some("it filters by x".into()),
        fix: Some("let it filter by y instead of x".into()),
    };
    let entry = |rule: &str| Entry { id: "budget/ml-churn".into(), ..samples::entry(rule, "ml-churn", State::Reported) };
    let to_do = |budget: &BudgetOnRecord, rule: &str| {
        let report = report_with(std::slice::from_ref(budget), NOW, &empty(), &Policy::default(), &[&entry(rule)], None);
        report.decisions[0].to_do.clone()
    };
    assert_eq!(to_do(&budget, "budget-unhealthy"), "let it filter by y instead of x");
    assert_eq!(to_do(&budget, "budget-exceeded"), "stop what is not needed, or raise the limit");
    let unknown = BudgetOnRecord { fix: None, ..budget.clone() };
    assert_eq!(to_do(&unknown, "budget-unhealthy"), "correct the budget in the AWS Budgets console");
    let other = BudgetOnRecord { name: "ml-nlp".into(), ..budget };
    assert_eq!(to_do(&other, "budget-unhealthy"), "correct the budget in the AWS Budgets console");
}

/// Whether a budget that counts nothing matters is what its team cost meanwhile.
#[test]
fn a_budget_that_does_not_watch_is_decided_with_what_its_team_cost() {
    let mut cuts = empty();
    cuts.add(row(day("2026-11-18"), "Host:ml.g5.xlarge", "churn", dec!(235.6)));
    cuts.add(row(day("2026-11-18"), "Host:ml.g5.xlarge", "nlp", dec!(7)));
    let next = |team: Option<&str>| {
        let budget = BudgetOnRecord { team: team.map(str::to_owned), name: "ml-churn".into(), ..small_budget(dec!(500), dec!(0)) };
        let entry = Entry { id: "budget/ml-churn".into(), ..samples::entry("budget-unhealthy", "ml-churn", State::Reported) };
        report_with(&[budget], NOW, &cuts, &Policy::default(), &[&entry], None).decisions[0].next.clone()
    };
    let without = next(None);
    assert!(without.starts_with("open since ") && !without.contains("cost"), "{without}");
    assert_eq!(
        next(Some("churn")),
        format!("{without}; team churn cost $235.60 in the week from Mon 2026-11-16 to Sun 2026-11-22"),
        "{without}"
    );
    assert_eq!(next(Some("vision")), without, "it cost nothing");
}

#[test]
fn what_could_not_be_checked_is_said() {
    let policy = Policy::default();
    let unchecked = [Unchecked { function: "inference-advisor".into(), why: "endpoint metrics: denied".into() }];
    let report = with_sources(NOW, &empty(), &policy, |sources| {
        make(&Sources { unchecked: &unchecked, budgets: &[], budgets_read: None, ..sources }, None)
    });
    let words = "could not be checked: inference-advisor: endpoint metrics: denied";
    assert_eq!(report.unchecked(&["inference-advisor"]).as_deref(), Some(words));
    assert_eq!(report.unchecked(&[]).as_deref(), Some(words));
    assert_eq!(report.unchecked(&["endpoint-autoscaler"]), None);
    let mail = mail_of(&report);
    assert!(mail.contains(&format!("* {words}\n")), "{mail}");
    assert!(mail.contains("* Budgets could not be checked: budget-alerter has not read them in November 2026\n"), "{mail}");
}

#[test]
fn of_what_a_plan_can_cover_the_cheapest_day_is_told_too() {
    let of = |charge: &str| {
        let mut cuts = empty();
        for one in ReportPeriod::parse("2026-W47").unwrap().all_days() {
            cuts.add(row(one, "Host:ml.g5.xlarge", "nlp", dec!(10)));
            cuts.add(row(one, "TrSpt:ml.g5.xlarge", "nlp", dec!(3)));
            cuts.add_charge(one, &Charge { account: "1".into(), record_type: charge.into(), usd: dec!(13), billed: dec!(13) });
        }
        billed(&mut cuts, "2026-11-17", &[("Train:ml.p4d.24xlarge", dec!(870))], &[(charge, dec!(870), dec!(870))]);
        let plans = report_of(&cuts, &Policy::default(), &[], None).savings_plans;
        (plans.not_covered.0, plans.not_covered_least)
    };
    assert_eq!(of("Usage"), (dec!(940), Some(Money(dec!(10)))));
    assert_eq!(of("SavingsPlanCoveredUsage"), (dec!(0), None), "the days do not show what is covered");
}
