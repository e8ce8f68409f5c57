//! cost-reporter's cost report: what it says is the bill, when it is mailed, and where it is stored.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cost_rules::report::CostReport;
use end_to_end::{
    Function, Guard, TABLE, clients,
    testing::{account_at, guard_of, hours},
};
use jiff::Timestamp;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use simulator::{Fault, Mail, Simulator, What};

/// The bill of September 2026: two accounts, a plan without upfront payment bought on the 11th at 14:00. The totals were computed exactly, by another program.
const BILL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bills/2026_09.csv");
const TOTALS: &str = include_str!("../../bills/2026_09_totals.json");

const POLICY: &str = "timezone = \"Europe/Berlin\"\nteam-tags = [\"Team\"]\n";

/// A spend of three weeks of two teams and of nobody, with training on Spot.
const ESTATE: &str = r#"
bucket = "finops"
[cost-allocation-tags]
Team = "always"
[[spend]]
usage-type = "EUC1-Host:ml.g5.xlarge"
usd = 33.792
quantity = 24
tags = { Team = "nlp" }
[[spend]]
usage-type = "EUC1-TrSpt:ml.g5.xlarge"
usd = 10
quantity = 20
tags = { Team = "vision" }
[[spend]]
usage-type = "EUC1-Train:ml.g5.xlarge"
usd = 14.08
quantity = 10
tags = { Team = "vision" }
[[spend]]
usage-type = "EUC1-Something:New"
usd = 1.5
"#;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The morning of Monday 2026-11-23, and cost-reporter.
fn morning(estate: &str, policy: &str) -> (Simulator, Guard) {
    let account = account_at("2026-11-23T09:00:00Z", estate);
    let guard = guard_of(Function::CostReporter, &account, policy);
    (account, guard)
}

/// The mails that are cost reports.
fn reports(account: &Simulator) -> Vec<Mail> {
    account.mails().into_iter().filter(|mail| mail.subject.starts_with("SageMaker: ")).collect()
}

fn stored(account: &Simulator, name: &str) -> String {
    let key = account.objects().into_iter().map(|one| one.key).find(|key| key.ends_with(name)).unwrap();
    String::from_utf8(account.object(&key).unwrap()).unwrap()
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn sum<'a>(values: impl IntoIterator<Item = &'a Value>) -> Decimal {
    values.into_iter().map(decimal).sum()
}

#[tokio::test]
async fn every_cut_adds_up_to_the_bill() {
    let estate = format!("bucket = \"finops\"\nbill = \"{BILL}\"\n[cost-allocation-tags]\nTeam = \"always\"");
    let account = account_at("2026-10-05T12:00:00Z", &estate);
    let guard = guard_of(Function::CostReporter, &account, POLICY);
    let report = guard.wake(json!({"period": "2026-09"})).await.unwrap();
    assert_eq!((report.notified, report.failures.len(), report.unread.len()), (1, 0, 0), "{report:?}");
    let told = &report.cost_reports[0];
    let totals: Value = serde_json::from_str(TOTALS).unwrap();
    let charges = totals["record_type"].as_object().unwrap();
    let is_use = |name: &str| !["Credit", "Refund", "Tax"].contains(&name);
    let all: Decimal = charges.iter().filter(|(name, _)| is_use(name)).map(|(_, sums)| decimal(&sums["amortized"])).sum();
    assert_eq!(decimal(&told["usd"]), all);
    for cut in ["by-component", "by-team", "by-account"] {
        assert_eq!(sum(told[cut].as_object().unwrap().values()), all, "{cut}");
    }
    for (name, sums) in charges.iter().filter(|(name, _)| *name != "Tax") {
        assert_eq!(decimal(&told["by-charge-type"][name]["amortized"]), decimal(&sums["amortized"]), "{name}");
        assert_eq!(decimal(&told["by-charge-type"][name]["billed"]), decimal(&sums["unblended"]), "{name}");
    }
    let made: CostReport = serde_json::from_str(&stored(&account, "report.json")).unwrap();
    let trend: Decimal = made.trend.components.iter().flat_map(|series| series.usd.iter().rev().take(30)).map(|usd| usd.0).sum();
    assert_eq!(trend, all, "the days");
    assert_eq!(made.savings_plans.unused.unwrap().0, decimal(&totals["record_type"]["SavingsPlanRecurringFee"]["amortized"]));
    let columns: Vec<BTreeMap<String, String>> =
        csv::Reader::from_reader(stored(&account, "costs.csv").as_bytes()).deserialize().collect::<Result<_, _>>().unwrap();
    let column = |name: &str| columns.iter().map(|row| row[name].parse::<Decimal>().unwrap()).sum::<Decimal>();
    let invoice = |metric: &str| charges.iter().filter(|(name, _)| *name != "Tax").map(|(_, sums)| decimal(&sums[metric])).sum::<Decimal>();
    assert_eq!((column("EffectiveCost"), column("BilledCost")), (invoice("amortized"), invoice("unblended")));
}

#[tokio::test]
async fn the_week_is_reported_once_on_its_first_working_morning() {
    let (account, guard) = morning(ESTATE, POLICY);
    let first = guard.run().await.unwrap();
    assert_eq!((first.notified, first.failures.as_slice()), (1, &[][..]), "{first:?}");
    for _ in 0..3 {
        account.advance(hours(1));
        assert_eq!(guard.run().await.unwrap().notified, 0);
    }
    let mails = reports(&account);
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    // 59.372 a day.
    assert_eq!(mail.subject, "SageMaker: $415.60 in 2026-W47, as before");
    let attribute = |name: &str| mail.attributes[name].1.as_str();
    assert_eq!(["function", "owner", "team", "audience"].map(attribute), ["cost-reporter", "platform", "unowned", "platform"]);
    for line in [
        "It cost $415.60, as much as the week before.",
        "* Real-time endpoints: $236.54, as much as the week before",
        "* Other: $10.50",
        "* nlp: $236.54",
        "* untagged: $10.50",
        "* $70.00 for 140.0 hours on Spot, $98.56 for 70.0 hours on demand",
        "* AWS may still correct the last 3 days",
        "* aws s3 cp 's3://finops/cost-report/account=123456789012/period=2026-W47/report.html' .",
        "prefix=cost-report/account%3D123456789012/period%3D2026-W47/report.html",
    ] {
        assert!(mail.message.contains(line), "{line}\n{}", mail.message);
    }
    let names: Vec<String> =
        account.objects().into_iter().map(|one| one.key.rsplit("period=2026-W47/").next().unwrap().to_owned()).collect();
    assert_eq!(names, ["report.html", "report.json", "teams/nlp.html", "teams/vision.html", "costs.csv"]);
    let team = stored(&account, "teams/nlp.html");
    assert!(team.contains("$236.54") && !team.contains("vision") && !team.contains("$415.60"), "a team's page has its own numbers only");
    account.live_until(time("2026-11-30T09:00:00Z"));
    assert_eq!(guard.run().await.unwrap().notified, 1, "the next week");
}

#[tokio::test]
async fn the_bill_is_paid_for_once_a_day_whoever_reads_it() {
    let (account, reporter) = morning(ESTATE, "[report]\nweekly = false\nmonthly = false");
    let alerter = guard_of(Function::BudgetAlerter, &account, "");
    let requests = |account: &Simulator| account.calls()["ce:GetCostAndUsage"];
    assert!(alerter.run().await.unwrap().cost_usd.unwrap() > 0.0);
    let asked = requests(&account);
    assert_eq!(asked, 1);
    for _ in 0..3 {
        account.advance(hours(1));
        assert_eq!(reporter.run().await.unwrap().cost_usd, None);
        alerter.run().await.unwrap();
    }
    assert_eq!(requests(&account), asked);
    account.advance(hours(24));
    assert!(reporter.run().await.unwrap().cost_usd.unwrap() > 0.0);
    assert_eq!(alerter.run().await.unwrap().cost_usd, Some(0.0));
    assert_eq!(requests(&account), asked + 1);
}

#[tokio::test]
async fn a_bucket_that_is_gone_keeps_no_mail_back() {
    let (account, guard) = morning(ESTATE, POLICY);
    account.add_fault(Fault::new("s3:PutObject", What::AccessDenied));
    let error = guard.run().await.unwrap();
    assert!(error.failures.iter().any(|why| why.contains("is not stored: s3:PutObject s3://finops/")), "{error:?}");
    let mails = reports(&account);
    assert!(mails[0].message.contains("not stored: s3:PutObject s3://finops/"), "{}", mails[0].message);
    account.advance(hours(1));
    assert_eq!(guard.run().await.unwrap().notified, 0, "the mail is not sent twice");
    let (account, guard) = morning(&ESTATE.replace("bucket = \"finops\"", ""), POLICY);
    assert_eq!(guard.run().await.unwrap().notified, 0, "without any bucket there is no regular report");
    assert_eq!(guard.wake(json!({"period": "2026-W47"})).await.unwrap().failures, [""; 0]);
    assert!(reports(&account)[0].message.contains("not stored: there is no bucket"));
}

#[tokio::test]
async fn a_dry_run_stores_and_mails_nothing() {
    let (account, guard) = morning(ESTATE, POLICY);
    let dry = guard.wake(json!({"period": "2026-W47", "dry-run": true})).await.unwrap();
    assert_eq!((dry.cost_reports[0]["usd"].as_str(), dry.notified, dry.waiting), (Some("415.604"), 0, 1));
    assert_eq!((guard.wake(json!({"dry-run": true})).await.unwrap().waiting, account.mail_count(), account.objects().len()), (1, 0, 0));
}

#[tokio::test]
async fn a_period_that_cannot_be_is_refused_with_what_was_expected() {
    let (account, guard) = morning(ESTATE, POLICY);
    for (event, says) in [
        (json!({"period": "October"}), "expected for example \"2026-10\" or \"2026-W47\""),
        (json!({"period": "2026-12"}), "has not begun"),
        (json!({"period": "2025-09"}), "is too long ago: Cost Explorer has the bill from 2025-10-01 on"),
        (json!({"period": "2026-10", "mail-now": true}), "leave out the rest"),
        (json!({"period": 10}), "expected"),
    ] {
        let error = format!("{:#}", guard.wake(event.clone()).await.unwrap_err());
        assert!(error.contains(says), "{event}: {error}");
    }
    let alerter = guard_of(Function::BudgetAlerter, &account, "");
    assert!(alerter.wake(json!({"period": "2026-10"})).await.is_err());
    let whole_history = guard.wake(json!({"period": "2025-10"})).await.unwrap();
    assert_eq!((whole_history.notified, whole_history.unread.len()), (1, 0), "{whole_history:?}");
}

#[tokio::test]
async fn where_there_is_no_bill_nobody_is_mailed() {
    let estate = format!("{ESTATE}\n[cost-explorer]\nnew-account = true\n");
    let (account, guard) = morning(&estate, POLICY);
    let run = guard.run().await.unwrap();
    assert_eq!((run.notified, reports(&account).len()), (0, 0));
    assert!(run.unread.iter().any(|one| one.why.contains("DataUnavailableException")), "{:?}", run.unread);
    let (account, guard) = morning(ESTATE, POLICY);
    account.add_fault(Fault::new("ce:GetCostAndUsage", What::AccessDenied));
    let run = guard.run().await.unwrap();
    assert_eq!((run.notified, reports(&account).len()), (0, 0));
    assert!(run.unread.iter().any(|one| one.why.contains("AccessDenied")), "{:?}", run.unread);
}

#[tokio::test]
async fn a_tag_that_is_not_active_is_said_and_is_no_zero() {
    let (account, guard) = morning(&ESTATE.replace("Team = \"always\"", ""), POLICY);
    guard.run().await.unwrap();
    let mail = &reports(&account)[0];
    assert!(mail.message.contains("all spend is untagged: the tag Team is not an active cost allocation tag"), "{}", mail.message);
    assert_eq!(
        dec!(415.604),
        decimal(&serde_json::from_str::<Value>(&stored(&account, "report.json")).unwrap()["teams"][0]["spent"]["usd"])
    );
}

fn subjects(account: &Simulator) -> Vec<String> {
    reports(account).into_iter().map(|mail| mail.subject).collect()
}

#[tokio::test]
async fn a_week_is_not_mailed_before_its_sunday_is_on_the_bill() {
    let account = account_at("2026-07-20T07:30:00Z", ESTATE);
    let guard = guard_of(Function::CostReporter, &account, POLICY);
    assert_eq!(guard.run().await.unwrap().notified, 0, "it is 09:30 in Berlin, and Sunday is not on the bill");
    account.advance(hours(1));
    guard.run().await.unwrap();
    assert!(subjects(&account)[0].starts_with("SageMaker: $415.60 in 2026-W29"), "{:?}", subjects(&account));
}

/// cost-reporter on Monday at 09:00, after the bill was last read on Friday.
async fn after_friday() -> (Simulator, Guard) {
    let account = account_at("2026-11-20T09:00:00Z", ESTATE);
    let guard = guard_of(Function::CostReporter, &account, POLICY);
    guard.run().await.unwrap();
    account.advance(hours(72));
    (account, guard)
}

#[tokio::test]
async fn a_report_waits_while_the_bill_cannot_be_read() {
    let (account, guard) = after_friday().await;
    account.add_fault(Fault::new("ce:GetCostAndUsage", What::AccessDenied));
    let denied = guard.run().await.unwrap();
    assert_eq!((denied.notified, denied.waiting, subjects(&account).len()), (0, 1, 0), "{denied:?}");
    account.clear_faults();
    account.advance(hours(3));
    assert_eq!(guard.run().await.unwrap().notified, 1);
    assert_eq!(subjects(&account), ["SageMaker: $415.60 in 2026-W47, as before"]);
}

#[tokio::test]
async fn a_bill_that_stays_incomplete_is_mailed_at_the_end_and_says_so() {
    let (account, guard) = after_friday().await;
    account.add_fault(Fault::new("ce:GetCostAndUsage", What::AccessDenied));
    guard.run().await.unwrap();
    account.advance(hours(22));
    guard.run().await.unwrap();
    let mails = reports(&account);
    assert_eq!(mails[0].subject, "SageMaker: $237.49 in 2026-W47 (4 of its 7 days)");
    for line in ["It cost $237.49 on 4 of its 7 days.", "* Other: $6.00\n", "* not read: what SageMaker cost by day: "] {
        assert!(mails[0].message.contains(line), "{line}\n{}", mails[0].message);
    }
    account.advance(hours(1));
    guard.run().await.unwrap();
    assert_eq!(reports(&account).len(), 1);
}

#[tokio::test]
async fn a_month_that_is_not_over_is_not_compared_with_a_whole_one() {
    let (account, guard) = morning(ESTATE, POLICY);
    guard.wake(json!({"period": "2026-11"})).await.unwrap();
    let subject = &subjects(&account)[0];
    assert!(subject.ends_with("in 2026-11 (22 of its 30 days)"), "{subject}");
    guard.run().await.unwrap();
    assert_eq!(subjects(&account)[1..], ["SageMaker: $415.60 in 2026-W47, as before"], "the regular one comes all the same");
}

#[tokio::test]
async fn who_asked_for_a_whole_week_is_not_mailed_it_again() {
    let (account, guard) = morning(ESTATE, POLICY);
    guard.wake(json!({"period": "2026-W47"})).await.unwrap();
    assert_eq!((guard.run().await.unwrap().notified, subjects(&account).len()), (0, 1));
    guard.wake(json!({"period": "2026-W47"})).await.unwrap();
    assert_eq!(subjects(&account).len(), 2, "asked again, it comes again");
}

#[tokio::test]
async fn a_run_that_was_killed_before_its_mail_loses_no_report() {
    let (account, guard) = morning(ESTATE, POLICY);
    // What a run leaves that was killed at 08:58.
    let item = [
        ("pk", "report#cost-reporter#123456789012#eu-central-1"),
        ("sk", "2026-W47"),
        ("at", "2026-11-23T08:58:00Z"),
        ("claim", "1"),
        ("lapses", "2026-11-23T09:04:00Z"),
    ];
    let put = clients(&account).dynamodb.put_item().table_name(TABLE);
    let put = item.into_iter().fold(put, |put, (key, value)| put.item(key, AttributeValue::S(value.to_owned())));
    put.send().await.unwrap();
    assert_eq!(guard.run().await.unwrap().notified, 0, "the other run may be at work");
    account.advance(hours(1));
    assert_eq!(guard.run().await.unwrap().notified, 1);
    account.advance(hours(1));
    assert_eq!((guard.run().await.unwrap().notified, subjects(&account).len()), (0, 1));
}

#[tokio::test]
async fn the_mail_goes_out_before_the_pages_of_the_teams() {
    let (account, guard) = morning(ESTATE, POLICY);
    guard.run().await.unwrap();
    let calls: Vec<String> = account.call_log().into_iter().map(|call| call.call).collect();
    let mailed = calls.iter().position(|call| call == "sns:Publish").unwrap();
    let stored = |calls: &[String]| calls.iter().filter(|call| *call == "s3:PutObject").count();
    assert_eq!((stored(&calls[..mailed]), stored(&calls[mailed..])), (3, 2));
}

#[tokio::test]
async fn a_table_that_is_refused_takes_no_link_from_the_mail() {
    let (account, guard) = morning(ESTATE, POLICY);
    account.add_fault(Fault::new("s3:PutObject", What::AccessDenied).after(2).times(1));
    let run = guard.run().await.unwrap();
    assert!(run.failures.iter().any(|why| why.contains("costs.csv")), "{run:?}");
    let mail = &reports(&account)[0];
    assert!(mail.message.contains("period=2026-W47/report.html' ."), "{}", mail.message);
    assert!(account.objects().iter().any(|one| one.key.ends_with("teams/nlp.html")));
}

#[tokio::test]
async fn the_cuts_agree_although_aws_adds_to_the_days_between_two_readings() {
    let account = account_at("2026-11-23T08:10:00Z", &format!("{ESTATE}\n[cost-explorer]\nlag = \"20h\"\n"));
    guard_of(Function::BudgetAlerter, &account, "").run().await.unwrap();
    account.advance(hours(12));
    guard_of(Function::CostReporter, &account, POLICY).run().await.unwrap();
    let made: CostReport = serde_json::from_str(&stored(&account, "report.json")).unwrap();
    let accounts: Decimal = made.accounts.iter().map(|line| line.spent.usd.0).sum();
    assert_eq!((made.spent.usd.0, accounts), (dec!(415.604), dec!(415.604)));
}

/// A Savings Plan that was returned, and its tax: the fee is of another service, and gives and takes like use does.
#[tokio::test]
async fn what_is_given_back_of_a_plans_fee_is_no_spend() {
    let charge = |record_type: &str, usd: i32| {
        format!(
            "[[spend]]\nservice = \"Savings Plans for AWS Machine Learning\"\nusage-type = \"SageMakerSP:1yrAllUpfront\"\noperation = \"\"\nunit = \"\"\n\
             record-type = \"{record_type}\"\nusd = {usd}\nfrom = \"2026-11-18\"\nuntil = \"2026-11-19\"\n"
        )
    };
    let estate = format!("{ESTATE}{}{}{}", charge("Refund", -100), charge("Tax", 19), charge("Credit", -30));
    let (account, guard) = morning(&estate, POLICY);
    guard.run().await.unwrap();
    assert_eq!(subjects(&account), ["SageMaker: $415.60 in 2026-W47, as before"]);
    let made: CostReport = serde_json::from_str(&stored(&account, "report.json")).unwrap();
    assert_eq!((made.savings_plans.unused, made.causes.len()), (None, 0));
    let left_out: Vec<&str> = made.method.charge_types.iter().filter(|one| !one.is_counted).map(|one| one.name.as_str()).collect();
    assert_eq!(left_out, ["Refund", "Credit", "Tax"]);
    let table = stored(&account, "costs.csv");
    assert_eq!(table.lines().filter(|line| line.contains("SageMakerSP")).count(), 0, "{table}");
}

/// The simulated payer has not switched on resource-level data. AWS's name for that says nothing to a reader.
#[tokio::test]
async fn resource_level_data_that_is_off_is_said_in_plain_words() {
    let (account, guard) = morning(ESTATE, POLICY);
    guard.run().await.unwrap();
    let page = stored(&account, "report.html");
    assert!(page.contains("resource-level data of SageMaker is off") && page.contains("Cost Management preferences"), "{page}");
    assert!(!page.contains("DataUnavailableException"), "{page}");
}

#[tokio::test]
async fn a_report_says_what_its_reading_cost() {
    let (account, guard) = morning(ESTATE, POLICY);
    let run = guard.run().await.unwrap();
    let made: CostReport = serde_json::from_str(&stored(&account, "report.json")).unwrap();
    assert_eq!(Some(made.method.cost_of_this.0.to_string().parse::<f64>().unwrap()), run.cost_usd);
    assert!(0 < made.method.requests_for_this);
    let says = format!("reading for this report: {} requests to Cost Explorer, ", made.method.requests_for_this);
    assert!(reports(&account)[0].message.contains(&says), "{}", reports(&account)[0].message);
}
