//! Tests of the report as a whole: all cuts have one sum, and what strangers wrote stays text.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

use super::*;
use crate::{
    facts::{Charge, ServiceForecast},
    mail::MailContext,
    plan::{Entry, State},
    policy::Policy,
    samples,
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
    let ahead = ServiceForecast { from: day("2026-11-23"), until: day("2026-12-01"), usd: dec!(80), low: dec!(60), high: dec!(100) };
    let budget = |name: &str, limit, team: Option<&str>| BudgetOnRecord {
        name: name.into(),
        month: day("2026-11-01"),
        limit,
        spent: dec!(12),
        forecast: Some(dec!(90)),
        team: team.map(str::to_owned),
        is_of_sagemaker: true,
    };
    let budgets = [budget("ml", dec!(3000), None), budget("nlp", dec!(300), Some("NLP"))];
    let sources = Sources {
        account: "123456789012",
        region: "eu-central-1",
        policy,
        cuts,
        estimated_from: day("2026-11-20"),
        ahead: Some(ahead),
        budgets: &budgets,
        budgets_read: Some(now.parse::<Timestamp>().unwrap().min("2026-11-30T23:30:00Z".parse().unwrap())),
        entries,
        saved: &[],
        sleeping: &[],
        exempts: &[],
        advice: None,
        resources: &Resources::default(),
        requests: &BTreeMap::from([(day("2026-11-16"), 5), (day("2026-11-23"), 7)]),
        requests_for_this: 4,
        unread: &[],
        notes: &[],
        now: now.parse().unwrap(),
    };
    make(&sources, team)
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
        let sum = |lines: &[Line]| lines.iter().fold((dec!(0), dec!(0)), |sum, line| (sum.0 + line.spent.usd.0, sum.1 + line.spent.before.unwrap().0));
        prop_assert_eq!(sum(&all.teams), (now, before));
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
    assert_eq!((all.spent.usd, all.spent.difference(), all.spent.percent()), (Money(dec!(98)), Some(Money(dec!(21))), Some(27)));
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

    let team = report_of(&cuts, &Policy::default(), &[], Some("nlp"));
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

#[test]
fn a_plan_is_told_by_the_charges_whatever_their_spelling() {
    let mut cuts = empty();
    let mut charge = |record_type: &str, usd, billed| {
        cuts.add_charge(day("2026-11-17"), &Charge { account: "1".into(), record_type: record_type.into(), usd, billed });
    };
    charge("SavingsPlanCoveredUsage", dec!(70), dec!(100));
    charge("Savings Plan Negation", dec!(0), dec!(-100));
    charge("Savings Plan Recurring Fee", dec!(5), dec!(75));
    charge("Usage", dec!(30), dec!(30));
    charge("Bundled Discount", dec!(-3), dec!(-3));
    charge("Credit", dec!(-9), dec!(-9));
    let all = report_of(&cuts, &Policy::default(), &[], None);
    let plans = &all.savings_plans;
    assert!(plans.is_owned);
    assert_eq!(
        [plans.covered, plans.covered_on_demand, plans.unused, plans.not_covered].map(|usd| usd.0),
        [dec!(70), dec!(100), dec!(5), dec!(30)]
    );
    assert_eq!(all.accounts[0].spent.usd, Money(dec!(102)), "discounts count, credits do not");
    let left_out: Vec<&str> = all.method.charge_types.iter().filter(|one| !one.is_counted).map(|one| one.name.as_str()).collect();
    assert_eq!(left_out, ["Credit"]);
}

#[test]
fn a_view_that_lacks_something_says_so() {
    let view = |types: &[&str], team: Option<&str>| {
        let mut cuts = empty();
        for record_type in types {
            let charge = Charge { account: "1".into(), record_type: (*record_type).to_owned(), usd: dec!(1), billed: dec!(1) };
            cuts.add_charge(day("2026-11-17"), &charge);
        }
        report_of(&cuts, &Policy::default(), &[], team).method.notes.join("")
    };
    assert!(view(&["Usage", "Solution Provider Program Discount"], None).starts_with("this is the view of a reseller's customer"));
    assert!(view(&["Usage", "Savings Plan Covered Usage"], None).contains("another account of the organization"));
    for (types, team) in [
        (&["Usage", "Tax"][..], None),
        (&["SavingsPlanCoveredUsage", "SavingsPlanRecurringFee"], None),
        (&["SolutionProviderProgramDiscount"], Some("nlp")),
    ] {
        assert_eq!(view(types, team), "", "{types:?}");
    }
}

#[test]
fn months_of_different_lengths_are_also_compared_by_the_day() {
    let by_the_day = |period: &str, each: [Decimal; 2]| {
        let period = ReportPeriod::parse(period).unwrap();
        let mut cuts = Cuts::new(period);
        for (of, usd) in [(period.before(), each[0]), (period, each[1])] {
            for one in of.from.series(jiff::Span::new().days(1)).take_while(|one| *one < of.until) {
                cuts.add_day(one);
                cuts.add(row(one, "Host:ml.g5.xlarge", "nlp", usd));
            }
        }
        report_at("2026-12-12T09:00:00Z", &cuts, &Policy::default(), &[], None).by_the_day()
    };
    let november = "since the month before has 31 days and this one 30";
    assert_eq!(by_the_day("2026-11", [dec!(10), dec!(10)]), Some(format!("by the day as much, {november}")));
    assert_eq!(by_the_day("2026-11", [dec!(10), dec!(11)]), Some(format!("by the day 10 % more, {november}")));
    assert_eq!(by_the_day("2026-11", [dec!(10), dec!(5)]), Some(format!("by the day 50 % less, {november}")));
    assert_eq!(by_the_day("2026-11", [dec!(0), dec!(5)]), None);
    assert_eq!(by_the_day("2026-08", [dec!(10), dec!(11)]), None, "July and August have 31 days");
    assert_eq!(by_the_day("2026-W47", [dec!(10), dec!(11)]), None);
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
    assert!(!digest.body.contains("\nBUDGET") && !digest.body.contains('\u{202e}'), "{}", digest.body);
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
    assert!(mail.body.contains("Budget nlp: $12.00 of $300.00, as of 2026-11-30.\n"), "{}", mail.body);
}

#[test]
fn the_budget_that_is_used_most_is_the_first_and_needs_a_decision_first() {
    let exceeded = samples::entry("budget-exceeded", "ml", State::Reported);
    let idle = Entry { usd_per_month: Some(dec!(900)), ..samples::entry("notebook-idle", "x", State::Reported) };
    let report = report_of(&empty(), &Policy::default(), &[&idle, &exceeded], None);
    assert_eq!(report.month.budgets.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["nlp", "ml"], "12 of 300, 12 of 3000");
    assert_eq!(report.decisions.iter().map(|one| one.why.as_str()).collect::<Vec<_>>(), ["budget-exceeded", "notebook-idle"]);
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
    assert!(mail.body.contains("$14.00 for hours that are not known on Spot, $0.00 for 0.0 hours on demand"), "{}", mail.body);
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
