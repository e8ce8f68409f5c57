//! savings-plan-advisor: what it advises without the waste, beside what AWS recommends, and what it says of the plans that are owned.

use std::collections::BTreeMap;

use aws_sdk_costexplorer::types::{DateInterval, Granularity, ResultByTime};
use cost_aws::report::Report;
use cost_rules::savings_plan::{Covering, Rate, Rates, Usage};
use end_to_end::{
    Function,
    testing::{account_at, guard_of, hours},
};
use rust_decimal::{Decimal, prelude::FromPrimitive as _};
use serde_json::Value;
use simulator::{Fault, Mail, Simulator, What};

const POLICY: &str = "[savings-plan]\nfinance = \"finops@example.com\"\n[rules.endpoint-idle]\nidle-after = \"7d\"";

/// An endpoint that is called, and two that nobody calls, all for more than two weeks.
const ESTATE: &str = include_str!("../../estates/commitment.toml");

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulator/data");

/// 16 days later, so that Cost Explorer has two weeks.
fn later(estate: &str) -> Simulator {
    let account = account_at("2026-11-14T08:00:00Z", estate);
    account.advance(hours(16 * 24));
    account
}

/// The same without resources, on which instance-hours are on the bill: two weeks of a mixed fleet.
fn fleet(more: &str) -> Simulator {
    let estate = format!(
        "[cost-explorer]\nhourly = true\n[[spend]]\ncsv = \"{DATA}/fleet_c_mixed_336h.csv\"\nfrom = \"-14d\"\n[savings-plan-rates]\ncsv = \"{DATA}/rates.csv\"\n{more}"
    );
    account_at("2026-11-30T09:00:00Z", &estate)
}

async fn advise(account: &Simulator) -> Report {
    guard_of(Function::SavingsPlanAdvisor, account, POLICY).run().await.unwrap()
}

fn of(report: &Report) -> &Value {
    report.savings_plan.as_ref().unwrap()
}

/// USD per hour of the way that the policy prefers, and a number beside it.
fn offered(report: &Report, field: &str) -> Decimal {
    Decimal::from_f64(of(report)["offers"][0][field].as_f64().unwrap()).unwrap().round_dp(6)
}

fn of_finance(account: &Simulator) -> Vec<Mail> {
    account.mails().into_iter().filter(|mail| mail.attributes["owner"].1 == "finops@example.com").collect()
}

#[tokio::test]
async fn aws_recommends_the_waste_and_the_guard_does_not() {
    let account = later(ESTATE);
    guard_of(Function::EndpointAutoscaler, &account, POLICY).run().await.unwrap();
    let before = account.mails().len();
    let report = advise(&account).await;
    assert_eq!(report.unread, [], "{report:?}");
    let (ours, with_waste) = (offered(&report, "commitment"), offered(&report, "commitment-with-waste"));
    let by_aws = Decimal::from_f64(of(&report)["by-aws"][0]["commitment"].as_f64().unwrap()).unwrap();
    // Four of ten instances stay.
    assert!((ours * Decimal::from(10) - with_waste * Decimal::from(4)).abs() < Decimal::new(1, 3), "{ours} of {with_waste}");
    assert!((by_aws - with_waste).abs() < Decimal::new(1, 2), "{by_aws} by AWS, {with_waste} from the same usage");
    let deducted = of(&report)["deducted"].as_array().unwrap();
    assert_eq!(
        (&deducted[0]["what"], &deducted[0]["certainty"]),
        (&"endpoint-idle: 2 resources on ml.g5.xlarge".into(), &"reported".into())
    );
    let mails = &account.mails()[before..];
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(!mails[0].message.contains("Only reported"), "nobody expects a stop: {}", mails[0].message);
    assert_eq!(mails[0].attributes["owner"].1, "finops@example.com");
    let subject = format!(
        "commit ${:.2} an hour, not AWS's ${:.2}: 60 % of use looks forgotten ($",
        ours.trunc_with_scale(2),
        by_aws.trunc_with_scale(2)
    );
    assert!(mails[0].subject.contains(&subject), "{}", mails[0].subject);
    for line in [
        "AWS recommends $",
        "endpoint-idle: 2 resources on ml.g5.xlarge (Real-time endpoints; looks forgotten; its owner decides)",
        ", 3 x ml.g5.xlarge, since 2026-10-15), not called in the last ",
        "; of ann@example.com, who was told on 2026-",
        "Use of AWS account 123456789012 and, if it pays for other accounts, of those, from 2026-",
        "you lose money if what it covers falls by more than 26 %",
        "Ending the waste is worth 5.8 times the plan",
        "10 x ml.g5.xlarge on average, 6 are waste, 4 stay",
        "If the waste is kept and these hours go on, that is the better plan: it saves $",
        "Once the waste has ended, it costs $",
        "of this use ran; at ",
        "Ask who runs what stays whether it goes on: the plan pays if this use lasts 8.9 of its 12 months.",
        "If the use goes on, buy it between 7 and 24 December, whether or not the waste has ended by then",
        "all waste stays: it saves $",
        "50 % less use: it costs $",
        "1 year, No Upfront: $",
    ] {
        assert!(mails[0].message.contains(line), "{line}\n\n{}", mails[0].message);
    }
}

#[tokio::test]
async fn the_bill_of_two_months_says_what_is_new_and_is_not_paid_again() {
    let older = ESTATE.replace("created = \"-30d\"", "created = \"-31d\"");
    let (account, without) = (later(&older), later(&older));
    for account in [&account, &without] {
        guard_of(Function::EndpointAutoscaler, account, POLICY).run().await.unwrap();
    }
    guard_of(Function::BudgetAlerter, &account, POLICY).run().await.unwrap();
    let (report, alone) = (advise(&account).await, advise(&without).await);
    assert_eq!(report.cost_usd, alone.cost_usd, "the bill was paid for by the function that read it");
    // It ran on 45 whole days of 60, which is just enough for a plan that pays from 74 % on.
    assert_eq!([&report, &alone].map(|report| offered(report, "commitment")), [offered(&alone, "commitment-by-hours"); 2]);
    let mail = account.mails().into_iter().find(|mail| mail.message.contains("savings-plan-shortfall")).unwrap();
    for line in [
        // The account is 46 days old, and no plan could have saved anything on the 14 days before.
        " a month if the last 13 days go on, and $",
        " a month if the last 60 days repeat themselves",
        "the guard has the bill of 60 days. On these, 7",
        " % of the use that stays ran on average. You know better whether it goes on for 1 year.",
    ] {
        assert!(mail.message.contains(line), "{line}\n\n{}", mail.message);
    }
    assert!(mail.subject.contains("commit $5.21 an hour, not AWS's $13.03"), "{}", mail.subject);
}

/// A plan for a year was advised for use that had run for two weeks, and it was said that it loses money.
#[tokio::test]
async fn what_has_run_for_two_weeks_only_is_not_committed_to_for_a_year() {
    let account = later(&ESTATE.replace("created = \"-30d\"", "created = \"-1d\""));
    guard_of(Function::EndpointAutoscaler, &account, POLICY).run().await.unwrap();
    guard_of(Function::BudgetAlerter, &account, POLICY).run().await.unwrap();
    let report = advise(&account).await;
    assert_eq!(offered(&report, "commitment"), Decimal::ZERO, "{report:?}");
    assert!(Decimal::ONE < offered(&report, "commitment-by-hours"));
}

#[tokio::test]
async fn a_week_is_paid_once_and_mailed_once() {
    let account = later(ESTATE);
    let first = advise(&account).await;
    assert!(first.cost_usd.is_some_and(|usd| (0.07..0.2).contains(&usd)), "{:?}", first.cost_usd);
    let mails = account.mails().len();
    for day in 1..=6 {
        account.advance(hours(24));
        let again = advise(&account).await;
        assert_eq!((again.cost_usd, of(&again), account.mails().len()), (None, of(&first), mails), "day {day}");
    }
    account.advance(hours(24));
    let anew = advise(&account).await;
    assert!(anew.cost_usd.is_some_and(|usd| usd < 0.07), "AWS's own recommendations are asked every fourth week: {:?}", anew.cost_usd);
}

#[tokio::test]
async fn what_was_advised_saves_what_was_promised() {
    let promised = advise(&fleet("")).await;
    let commitment = offered(&promised, "commitment");
    let without = bill(&fleet("")).await;
    let with = bill(&fleet(&format!("[[savings-plan]]\nname = \"advised\"\ncommitment = {commitment}\nstart = \"-20d\"\n"))).await;
    let saved = (without - with) * Decimal::from(730) / Decimal::from(14 * 24);
    let usd = offered(&promised, "usd-per-month");
    assert!((saved - usd).abs() <= usd * Decimal::new(2, 2), "promised {usd}, saved {saved} of {without}");
}

/// What the 13 days cost that the advice is worked out from, and the day a week later than the one before them, with the plan.
async fn bill(account: &Simulator) -> Decimal {
    bill_of(account, "2026-11-16", "2026-11-29", Granularity::Daily).await
        + bill_of(account, "2026-11-22", "2026-11-23", Granularity::Daily).await
}

async fn bill_of(account: &Simulator, from: &str, until: &str, granularity: Granularity) -> Decimal {
    let ce = &end_to_end::clients(account).costexplorer;
    let period = DateInterval::builder().start(from).end(until).build().unwrap();
    let call = ce.get_cost_and_usage().time_period(period).granularity(granularity);
    let answer = call.metrics("AmortizedCost").send().await.unwrap();
    let of_one = |one: ResultByTime| one.total.unwrap()["AmortizedCost"].amount.clone().unwrap().parse::<Decimal>().unwrap();
    answer.results_by_time.unwrap().into_iter().map(of_one).sum()
}

/// The hours of the simulator's year at on-demand prices, and the rates of a way to buy (a column of its rates).
fn year(way: &str) -> (Usage, Rates) {
    let data = |name: &str| csv::Reader::from_path(format!("{DATA}/{name}")).unwrap();
    let prices: Vec<BTreeMap<String, String>> = data("rates.csv").deserialize().map(Result::unwrap).collect();
    let number = |text: &String| if text.is_empty() { Decimal::ZERO } else { text.parse().unwrap() };
    let rate = |row: &BTreeMap<String, String>| Rate {
        on_demand: number(&row["on_demand_usd_per_hour_published"]),
        savings_plan: number(&row[&format!("sp_rate_{way}_DERIVED")]),
    };
    let rates: Rates = prices.iter().map(|row| (row["usage_type"].clone(), rate(row))).collect();
    let mut hours = data("year_growing.csv");
    let names: Vec<String> = hours.headers().unwrap().iter().skip(1).map(str::to_owned).collect();
    let mut usage = Usage::new(names.clone());
    for hour in hours.records().map(Result::unwrap) {
        let used = hour.iter().skip(1).zip(&names);
        usage.push(used.map(|(count, name)| number(&count.to_owned()) * rates[name].on_demand)).unwrap();
    }
    (usage, rates)
}

#[tokio::test]
async fn the_best_plan_for_a_year_saves_in_the_simulated_year_what_was_predicted() {
    for (way, bought) in [("1y-none", "term = \"1y\"\npayment = \"no-upfront\""), ("3y-all", "term = \"3y\"\npayment = \"all-upfront\"")] {
        let (usage, rates) = year(way);
        let covering = Covering::new(&usage, &rates);
        let predicted = covering.outcome(covering.best());
        let account = |plan: &str| {
            account_at(
                "2026-10-02T09:00:00Z",
                &format!(
                    "[[spend]]\ncsv = \"{DATA}/year_growing.csv\"\nfrom = \"2025-10-01\"\n[savings-plan-rates]\ncsv = \"{DATA}/rates.csv\"\n{plan}"
                ),
            )
        };
        let plan = format!(
            "[[savings-plan]]\nname = \"advised\"\ncommitment = {}\nstart = \"2025-10-01T00:00:00Z\"\n{bought}\n",
            predicted.commitment.round_dp(5)
        );
        let cost = async |plan: &str| bill_of(&account(plan), "2025-10-01", "2026-10-01", Granularity::Monthly).await;
        let saved = cost("").await - cost(&plan).await;
        let promised = predicted.saving();
        assert!((saved - promised).abs() <= promised * Decimal::new(2, 2), "{way}: promised {promised}, saved {saved}");
    }
}

#[tokio::test]
async fn without_hours_there_is_only_what_aws_says() {
    let estate = ESTATE.replace("hourly = true", "");
    let account = later(&format!("{estate}\n[[savings-plan]]\nname = \"compute\"\ncommitment = 2\nstart = \"-40d\"\ntype = \"Compute\"\n"));
    let report = advise(&account).await;
    assert!(of(&report)["why-not"].as_str().unwrap().starts_with("Cost Explorer has no hourly data"), "{report:?}");
    assert_eq!(of(&report)["by-aws"].as_array().unwrap().len(), 6);
    // What no plan covers is known without hours, too.
    assert_eq!(report.findings.iter().map(|one| one.rule).collect::<Vec<_>>(), ["savings-plan-wrong-kind"]);
    assert_eq!(report.unread, []);
}

#[tokio::test]
async fn without_hours_those_of_the_recommendation_are_used_where_the_policy_says_so() {
    let policy = POLICY.replace("[savings-plan]", "[savings-plan]\nuse-recommendation-hours = true");
    let by_hour = later(ESTATE);
    guard_of(Function::EndpointAutoscaler, &by_hour, POLICY).run().await.unwrap();
    let by_hour = offered(&advise(&by_hour).await, "commitment");
    let account = later(&ESTATE.replace("hourly = true", ""));
    guard_of(Function::EndpointAutoscaler, &account, &policy).run().await.unwrap();
    let report = guard_of(Function::SavingsPlanAdvisor, &account, &policy).run().await.unwrap();
    assert_eq!(report.unread, [], "{report:?}");
    let by_detail = offered(&report, "commitment");
    assert!((by_detail - by_hour).abs() <= by_hour * Decimal::new(2, 2), "{by_detail} from the recommendation, {by_hour} from hours");
    let mail = &of_finance(&account)[0].message;
    assert!(mail.contains("These are the hours of AWS's own recommendation"), "{mail}");

    // Of a plan that begins later nobody knows what it covers of these hours.
    let queued = format!("[[savings-plan]]\nname = \"queued\"\ncommitment = {by_hour}\nstart = \"2026-12-02T00:00:00Z\"\n");
    let account = later(&format!("{}\n{queued}", ESTATE.replace("hourly = true", "")));
    let report = guard_of(Function::SavingsPlanAdvisor, &account, &policy).run().await.unwrap();
    assert_eq!(of(&report)["offers"], Value::Array(vec![]), "{report:?}");
}

#[tokio::test]
async fn an_account_that_uses_nothing_is_advised_nothing() {
    let report = advise(&later("[cost-explorer]\nhourly = true\n")).await;
    assert_eq!((report.total_findings, &of(&report)["offers"]), (0, &Value::Array(vec![])), "{report:?}");
}

#[tokio::test]
async fn the_plans_that_are_owned_are_looked_after() {
    let plans = r#"
[[savings-plan]]
name = "too-much"
commitment = 40
start = "-40d"
[[savings-plan]]
name = "ends"
commitment = 0.5
start = "-340d"
[[savings-plan]]
name = "compute"
commitment = 2
start = "-40d"
type = "Compute"
"#;
    let account = fleet(plans);
    let report = advise(&account).await;
    let mut found: Vec<(&str, &str)> = report.findings.iter().map(|one| (one.rule, one.name.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found.len(), 2, "{:?}", report.findings);
    assert_eq!(found.iter().map(|one| one.0).collect::<Vec<_>>(), ["savings-plan-expiring", "savings-plan-underused"]);
    let body = &of_finance(&account)[0].message;
    assert!(body.contains("nobody uses $") && body.contains("ends on "), "{body}");
}

#[tokio::test]
async fn a_plan_that_can_be_given_back_is_looked_at_within_the_week() {
    let account =
        fleet("[[savings-plan]]\nname = \"new\"\ncommitment = 40\nstart = \"-1d\"\nreturnable-until = \"2026-12-06T09:00:00Z\"\n");
    let of_rule = |report: &Report| report.findings.iter().filter(|one| one.rule == "savings-plan-returnable").count();
    assert_eq!(of_rule(&advise(&account).await), 0, "Cost Explorer does not know yet how it is used");
    account.advance(hours(3 * 24));
    let report = advise(&account).await;
    assert_eq!((of_rule(&report), report.cost_usd), (1, Some(0.01)), "{report:?}");
    assert!(
        of_finance(&account).last().unwrap().message.contains("can be given back until Sun 2026-12-06"),
        "{:?}",
        of_finance(&account).last()
    );
}

#[tokio::test]
async fn a_training_plan_that_stands_idle_is_told_to_its_owner() {
    let plan = r#"
[[resource]]
kind = "training-plan"
name = "reserved"
tags = { Owner = "ann@example.com" }
definition = { StartTime = "-3d", DurationHours = 168, TotalInstanceCount = 4, InUseInstanceCount = 0, InstanceType = "ml.p5.48xlarge", UpfrontFee = "70000.00", CurrencyCode = "USD", TargetResources = ["training-job"] }
"#;
    let account = account_at("2026-11-30T09:00:00Z", plan);
    let report = advise(&account).await;
    assert_eq!(report.findings.iter().map(|one| one.rule).collect::<Vec<_>>(), ["training-plan-idle"], "{report:?}");
    assert!(
        report.findings[0].reason.contains("4 ml.p5.48xlarge") && report.findings[0].reason.contains("$40,000.00 are left in it"),
        "{:?}",
        report.findings
    );
    assert_eq!(account.mails()[0].attributes["owner"].1, "ann@example.com");
}

#[tokio::test]
async fn without_all_plans_and_all_findings_nothing_is_advised_and_the_next_run_advises() {
    for call in ["savingsplans:DescribeSavingsPlans", "dynamodb:Query"] {
        let account = later(&format!("{ESTATE}\n[[savings-plan]]\nname = \"owned\"\ncommitment = 1\nstart = \"-40d\"\n"));
        let mut fault = Fault::new(call, What::AccessDenied);
        (fault.times, fault.after) = (Some(1), u64::from(call == "dynamodb:Query") * 3);
        account.add_fault(fault);
        let report = advise(&account).await;
        assert_eq!((&of(&report)["offers"], account.mails().len()), (&Value::Array(vec![]), 0), "{call}: {report:?}");
        assert!(!report.unread.is_empty(), "{call}");
        account.advance(hours(24));
        assert!(Decimal::ZERO < offered(&advise(&account).await, "commitment"), "{call}");
    }
}

#[tokio::test]
async fn a_plan_that_is_queued_is_not_bought_again() {
    let before = offered(&advise(&fleet("")).await, "commitment");
    let queued = format!("[[savings-plan]]\nname = \"queued\"\ncommitment = {before}\nstart = \"2026-12-01T00:00:00Z\"\n");
    assert_eq!(offered(&advise(&fleet(&queued)).await, "commitment"), Decimal::ZERO);
}

#[tokio::test]
async fn a_page_that_comes_twice_is_not_counted_twice() {
    let account = later(ESTATE);
    let mut fault = Fault::new("ce:GetCostAndUsage", What::RepeatToken);
    fault.times = Some(1);
    account.add_fault(fault);
    let report = advise(&account).await;
    let whole = Decimal::new(12_856, 3);
    let is_right = of(&report)["offers"].as_array().is_none_or(Vec::is_empty) || offered(&report, "commitment") <= whole;
    assert!(is_right, "{report:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_nothing_is_advised() {
    for (call, what) in [
        ("savingsplans:DescribeSavingsPlans", "Savings Plans (savingsplans:DescribeSavingsPlans)"),
        ("savingsplans:DescribeSavingsPlansOfferingRates", "the rates of Savings Plans"),
        ("ce:GetCostAndUsage", "what SageMaker cost by the hour"),
        ("ce:GetSavingsPlansPurchaseRecommendation", "AWS's recommendations of Savings Plans"),
    ] {
        let account = later(ESTATE);
        account.add_fault(Fault::new(call, What::AccessDenied));
        let report = advise(&account).await;
        assert!(report.unread.iter().any(|one| one.what == what), "{call}: {:?}", report.unread);
        assert_eq!(report.is_whole, call != "savingsplans:DescribeSavingsPlans", "{call}");
    }
}

/// $10 an hour of one type all the time, of which plans cost 27 % less; more use and plans beside it.
fn steady(more: &str) -> Simulator {
    let estate = format!(
        "[cost-explorer]\nhourly = true\n[savings-plan-rates]\ndiscounts = {{ 1y-no-upfront = 27 }}\n\
         [[spend]]\nusage-type = \"EUC1-Host:ml.g5.xlarge\"\nusd = 240\nquantity = 24\nfrom = \"-60d\"\n{more}"
    );
    account_at("2026-11-30T09:00:00Z", &estate)
}

fn plan(name: &str, commitment: &str, start: &str) -> String {
    format!("[[savings-plan]]\nname = \"{name}\"\ncommitment = {commitment}\nstart = \"{start}\"\n")
}

#[tokio::test]
async fn who_has_bought_what_was_advised_is_not_told_to_buy_it_again() {
    let account = steady(&plan("bought", "7.3", "2026-11-30T15:00:00Z").replace("commitment", "state = \"returned\"\ncommitment"));
    assert_eq!(offered(&advise(&account).await, "commitment"), Decimal::new(73, 1));
    let clients = end_to_end::clients(&account);
    let ledger = clients.dynamodb.scan().table_name(end_to_end::TABLE).send().await.unwrap().items.unwrap();
    // The same ledger in the account that has bought the plan.
    let account = steady(&plan("bought", "7.3", "2026-11-30T08:00:00Z"));
    let guard = guard_of(Function::SavingsPlanAdvisor, &account, POLICY);
    for item in ledger {
        end_to_end::clients(&account).dynamodb.put_item().table_name(end_to_end::TABLE).set_item(Some(item)).send().await.unwrap();
    }
    account.advance(hours(24));
    let report = guard.run().await.unwrap();
    assert_eq!((offered(&report, "commitment"), &of(&report)["by-aws"]), (Decimal::ZERO, &Value::Array(vec![])), "{report:?}");
    assert_eq!(account.mails().len(), 0, "{:?}", account.mails());
}

#[tokio::test]
async fn plans_that_end_together_are_renewed_together() {
    let both = [plan("a", "4", "-345d"), plan("b", "4", "-343d")].concat();
    let account = steady(&both);
    let report = advise(&account).await;
    assert_eq!(report.findings.iter().filter(|one| one.rule == "savings-plan-expiring").count(), 2, "{report:?}");
    let mail = &of_finance(&account)[0].message;
    assert_eq!(mail.matches("renew $3.650 per hour").count(), 2, "$7.30 for both: {mail}");
    // What is queued follows one of them.
    let account = steady(&format!("{both}{}", plan("queued", "4", "2026-12-15T00:00:00Z")));
    let report = advise(&account).await;
    assert_eq!(report.findings.iter().filter(|one| one.rule == "savings-plan-expiring").count(), 1, "{report:?}");
}

#[tokio::test]
async fn a_correction_or_an_hour_for_nothing_raises_no_commitment() {
    for odd in ["usd = -300\nquantity = 0", "usd = 0\nquantity = 24"] {
        let spend = format!("[[spend]]\nusage-type = \"EUC1-Host:ml.g5.xlarge\"\n{odd}\nfrom = \"2026-11-20\"\nuntil = \"2026-11-21\"\n");
        assert!(offered(&advise(&steady(&spend)).await, "commitment") <= Decimal::new(73, 1), "{odd}");
    }
}

#[tokio::test]
async fn the_hours_of_a_recommendation_never_lead_above_it() {
    let policy = POLICY.replace("[savings-plan]", "[savings-plan]\nuse-recommendation-hours = true");
    let dear = "[[spend]]\nusage-type = \"EUC1-Train:ml.m5.4xlarge\"\nusd = 330\nquantity = 11\nhours = \"mon-sun/08:00-19:00\"\nfrom = \"-60d\"\n";
    let rates = "EUC1-Host:ml.g5.xlarge,10,4,4,4,4,4,4\nEUC1-Train:ml.m5.4xlarge,30,28.5,28.5,28.5,28.5,28.5,28.5\n";
    let header = std::fs::read_to_string(format!("{DATA}/rates.csv")).unwrap().lines().next().unwrap().to_owned();
    let file = std::env::temp_dir().join(format!("rates-{}.csv", std::process::id()));
    std::fs::write(&file, format!("{header}\n{rates}")).unwrap();
    let estate = format!(
        "[savings-plan-rates]\ncsv = \"{}\"\n[[spend]]\nusage-type = \"EUC1-Host:ml.g5.xlarge\"\nusd = 240\nquantity = 24\nfrom = \"-60d\"\n{dear}",
        file.display()
    );
    let account = account_at("2026-11-30T09:00:00Z", &estate);
    let report = guard_of(Function::SavingsPlanAdvisor, &account, &policy).run().await.unwrap();
    std::fs::remove_file(file).unwrap();
    let by_aws = Decimal::from_f64(of(&report)["by-aws"][0]["commitment"].as_f64().unwrap()).unwrap();
    assert!(offered(&report, "commitment") <= by_aws, "{report:?}");
}
