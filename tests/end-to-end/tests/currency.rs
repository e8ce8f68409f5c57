//! A bill in CNY. The currency is the process's, so this test has one of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cost_rules::{currency::Currency, report::CostReport};
use end_to_end::{Function, testing::guard_of};
use rust_decimal::dec;
use simulator::{Estate, Simulator};

const POLICY: &str = "timezone = \"Asia/Shanghai\"\nteam-tags = [\"Team\"]\n";

fn estate(currency: &str) -> String {
    format!(
        r#"
        region = "eu-central-1"
        start = "2026-11-23T09:00:00Z"
        bucket = "finops"
        [cost-allocation-tags]
        Team = "always"
        [cost-explorer]
        currency = "{currency}"
        [[spend]]
        usage-type = "CNN1-Host:ml.g4dn.xlarge"
        usd = 170
        quantity = 24
        tags = {{ Team = "nlp" }}
        [[budget]]
        name = "nlp"
        amount = 6000
        unit = "{currency}"
        cost-filters = {{ Service = ["Amazon SageMaker"] }}
        "#
    )
}

/// What cost-reporter says of the week before Monday 2026-11-23: the mail's subject and text, or what was not read; the page; the report.
async fn told(currency: &str, policy: &str) -> Result<(String, String, String, CostReport), String> {
    let account = Simulator::start(Estate::from_toml(&estate(currency)).unwrap()).unwrap();
    guard_of(Function::BudgetAlerter, &account, policy).run().await.unwrap();
    let report = guard_of(Function::CostReporter, &account, policy).run().await.unwrap();
    if let Some(unread) = report.unread.first() {
        return Err(unread.why.clone());
    }
    let stored = |name: &str| {
        let key = account.objects().into_iter().map(|one| one.key).find(|key| key.ends_with(name)).unwrap();
        String::from_utf8(account.object(&key).unwrap()).unwrap()
    };
    let mail = account.mails().into_iter().find(|mail| mail.subject.starts_with("SageMaker: ")).unwrap();
    assert!(stored("costs.csv").lines().skip(1).all(|line| line.contains(&format!(",{currency},"))));
    Ok((mail.subject, mail.message, stored("report.html"), serde_json::from_str(&stored("report.json")).unwrap()))
}

/// One after the other: each changes the currency of the process.
#[tokio::test]
async fn a_bill_in_yuan_is_reported_in_yuan_and_two_currencies_are_refused() {
    let in_yuan = &format!("{POLICY}[prices]\ncurrency = \"CNY\"\n");
    let (subject, message, page, report) = told("CNY", in_yuan).await.unwrap();
    assert_eq!(subject, "SageMaker: CNY 1,190.00 in 2026-W47, as before");
    assert!(!message.contains('$') && message.contains("nlp") && message.contains("of CNY 6,000.00"), "{message}");
    assert!(!page.contains('$') && !page.contains("USD") && page.contains("CNY 1,190"), "{page}");
    assert_eq!((report.currency, report.spent.usd.0), (Currency::Cny, dec!(1190)));

    let why = told("USD", in_yuan).await.unwrap_err();
    assert!(why.contains("is in USD, expected CNY: ") && why.contains("`currency = \"USD\"` in [prices]"), "{why}");
    let why = told("CNY", POLICY).await.unwrap_err();
    assert!(why.contains("is in CNY, expected USD: ") && why.contains("`currency = \"CNY\"` in [prices]"), "{why}");
    Currency::Usd.count_in();
}
