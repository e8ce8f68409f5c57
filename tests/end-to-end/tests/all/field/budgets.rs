//! Budgets in the shapes that AWS Budgets allows: limits, periods, types, filters and names that nobody thought of when the guard's rules were written.

use std::collections::BTreeSet;

use end_to_end::{
    Function,
    testing::{account_at, guard_of, hours},
};
use simulator::Simulator;

use super::stop_calls;

/// What is stopped when a budget says so. All teams: what a budget says of its filter's team is tested with the budgets.
const STOPPABLE: &str = r#"
budget-topic = "budgets"
[[notebook]]
name = "stoppable"
instance-type = "ml.m5.xlarge"
tags = { Owner = "ann@example.com", Team = "nlp", "cost-guard:stoppable" = "yes" }
"#;

const STOP: &str =
    "owner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n[[budget]]\nname = \"*\"\nteam = \"*\"\non-exceed = \"stop-stoppable\"\n";

/// An account with these budgets in the fourth week of November, after runs over a day.
async fn after_a_day(budgets: &str) -> Simulator {
    let account = account_at("2026-11-24T11:00:00Z", &format!("{STOPPABLE}{budgets}"));
    let guard = guard_of(Function::BudgetAlerter, &account, STOP);
    for _ in 0..5 {
        guard.run().await.unwrap();
        account.advance(hours(6));
    }
    account
}

fn budget(more: &str) -> String {
    format!("[[budget]]\nname = \"ml\"\n{more}\n")
}

const SAGEMAKER: &str = "cost-filters = { Service = [\"Amazon SageMaker\"] }";

#[tokio::test]
async fn a_budget_that_does_not_say_that_sagemaker_cost_too_much_stops_nothing() {
    for more in [
        format!("amount = 0\nactual = 500\n{SAGEMAKER}"),
        format!("amount = 0.01\nactual = 500\n{SAGEMAKER}"),
        format!("amount = 1\nactual = 500\n{SAGEMAKER}"),
        format!("amount = -5\nactual = 500\n{SAGEMAKER}"),
        format!("amount = 100\nactual = -500\n{SAGEMAKER}"),
        format!("amount = 100\nactual = 100\n{SAGEMAKER}"),
        format!("amount = 9e27\nactual = 500\n{SAGEMAKER}"),
        format!("amount = 100\nactual = 50\nforecast = 5000\n{SAGEMAKER}"),
        // AWS does not update it.
        format!("amount = 100\nactual = 500\nhealth = {{ status = \"UNHEALTHY\", reason = \"BILLING_VIEW_NO_ACCESS\" }}\n{SAGEMAKER}"),
        "amount = 100\nactual = 500\ncost-filters = { Service = [\"Amazon Elastic Compute Cloud - Compute\"] }".to_owned(),
        "amount = 100\nactual = 500\nfilter-expression = { Not = { Dimensions = { Key = \"SERVICE\", Values = [\"Amazon SageMaker\"] } } }\nmetrics = [\"UnblendedCost\"]".to_owned(),
        // What other accounts or Regions cost.
        "amount = 100\nactual = 500\ncost-filters = { Service = [\"Amazon SageMaker\"], Region = [\"us-gov-west-1\"] }".to_owned(),
        "amount = 100\nactual = 500\ncost-filters = { Service = [\"Amazon SageMaker\"], LinkedAccount = [\"999999999999\"] }".to_owned(),
        "amount = 100\nactual = 500\nunit = \"PERCENTAGE\"\ntype = \"RI_UTILIZATION\"".to_owned(),
        "amount = 100\nactual = 500\nunit = \"PERCENTAGE\"\ntype = \"RI_COVERAGE\"".to_owned(),
        format!("amount = 100\nactual = 500\nunit = \"PERCENTAGE\"\ntype = \"SAVINGS_PLANS_UTILIZATION\"\n{SAGEMAKER}"),
        format!("amount = 100\nactual = 500\nunit = \"PERCENTAGE\"\ntype = \"SAVINGS_PLANS_COVERAGE\"\n{SAGEMAKER}"),
        format!("amount = 100\nactual = 500\ntime-unit = \"CUSTOM\"\nfrom = \"2026-10-01\"\nuntil = \"2026-11-20\"\n{SAGEMAKER}"),
        format!("amount = 100\nactual = 500\nfrom = \"2026-12-01\"\n{SAGEMAKER}"),
    ] {
        let account = after_a_day(&budget(&more)).await;
        let warned: Vec<String> = account.mails().into_iter().map(|mail| mail.subject).filter(|subject| subject.contains("stopped")).collect();
        assert_eq!((stop_calls(&account), warned), (0, vec![]), "{more}");
    }
}

#[tokio::test]
async fn periods_and_names_of_every_sort_are_read_told_once_and_enforced() {
    let long = "n".repeat(100);
    for (name, more) in [
        ("ml", "time-unit = \"QUARTERLY\""),
        ("ml", "time-unit = \"ANNUALLY\""),
        ("ml", "time-unit = \"CUSTOM\"\nfrom = \"2026-11-01\"\nuntil = \"2026-12-24\""),
        ("ml/nlp/dev", ""),
        ("ml@nlp#dev", ""),
        ("予算 Zoë 💰", ""),
        (" ml ", ""),
        (long.as_str(), ""),
        ("=HYPERLINK(1)", ""),
    ] {
        let budget = format!("[[budget]]\nname = \"{name}\"\namount = 100\nactual = 500\n{more}\n{SAGEMAKER}\n");
        let account = after_a_day(&budget).await;
        assert_eq!(stop_calls(&account), 1, "{name} {more}");
        let subjects: Vec<String> = account.mails().into_iter().map(|mail| mail.subject).collect();
        let once: BTreeSet<&String> = subjects.iter().collect();
        assert_eq!(once.len(), subjects.len(), "{subjects:#?}");
        // The budget, the warning, and that it is being stopped.
        assert!((3..=4).contains(&subjects.len()), "{subjects:#?}");
        let said = account.mails().into_iter().find(|mail| mail.subject.contains("budget")).unwrap();
        assert!(said.subject.is_ascii() && said.subject.len() < 100, "{}", said.subject);
        assert!(said.message.contains(name.trim()), "{}", said.message);
    }
}

/// Budgets compares names to the letter.
#[tokio::test]
async fn budgets_whose_names_differ_by_case_are_two() {
    let of = |name: &str, actual: u32| format!("[[budget]]\nname = \"{name}\"\namount = 100\nactual = {actual}\n{SAGEMAKER}\n");
    let account = account_at("2026-11-24T11:00:00Z", &format!("{STOPPABLE}{}{}", of("ML", 500), of("ml", 50)));
    let report = guard_of(Function::BudgetAlerter, &account, STOP).run().await.unwrap();
    assert_eq!(report.examined["budget"], 2);
    let told: Vec<&str> = report.findings.iter().filter(|one| one.rule == "budget-exceeded").map(|one| one.name.as_str()).collect();
    assert_eq!(told, ["ML"]);
}

/// A budget was deleted while what it caused was warned of: nothing is stopped because of it, and it is no error.
#[tokio::test]
async fn a_budget_that_is_deleted_stops_nothing_more() {
    let exceeded = budget(&format!("amount = 100\nactual = 500\n{SAGEMAKER}"));
    let account = account_at("2026-11-24T11:00:00Z", &format!("{STOPPABLE}{exceeded}"));
    let guard = guard_of(Function::BudgetAlerter, &account, STOP);
    guard.run().await.unwrap();
    assert!(account.mails().iter().any(|mail| mail.subject.contains("will be stopped")));
    let budgets = end_to_end::clients(&account).budgets;
    budgets.delete_budget().account_id("123456789012").budget_name("ml").send().await.unwrap();
    account.advance(hours(6));
    let report = guard.run().await.unwrap();
    assert_eq!((stop_calls(&account), report.failures.len()), (0, 0), "{:?}", report.failures);
}
