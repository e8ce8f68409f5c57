//! budget-alerter under faults: what is unknown is not notified, nothing is notified or done twice, and nothing is stopped without a warning.

use aws_sdk_budgets::types::{Budget, BudgetType, Spend, TimeUnit};
use aws_sdk_dynamodb::types::AttributeValue;
use cost_aws::Clients;
use rust_decimal::dec;

use super::*;

const HEAD: &str = "timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n";
const QUIET: &str = "[rules.notebook-always-on]\nmode = \"off\"\n[rules.notebook-idle]\nmode = \"off\"\n";

const NOTEBOOK: &str = r#"
[[notebook]]
name = "stoppable"
instance-type = "ml.t3.medium"
tags = { Owner = "ann@example.com", Team = "nlp", "cost-guard:stoppable" = "yes" }
"#;

fn texts(account: &Simulator) -> Vec<String> {
    account.mails().into_iter().map(|mail| format!("{} {}\n{}", mail.at, mail.subject, mail.message)).collect()
}

fn clients(account: &Simulator) -> Clients {
    end_to_end::clients(account)
}

/// The state in the ledger of a rule's finding; empty: there is none.
fn state(account: &Simulator, rule: &str) -> String {
    let items = account.table_items(TABLE);
    items.iter().find(|item| item["sk"].to_string().contains(rule)).map(|item| item["state"].to_string()).unwrap_or_default()
}

#[tokio::test]
async fn what_aws_tells_when_a_month_begins_is_the_last_ones() {
    let account = account_from("2026-11-30T11:00:00Z", &format!("{NLP}{NOTEBOOK}"));
    let guard = guard(&account, STOP);
    guard.run().await.unwrap();
    account.live_until("2026-12-01T02:00:00Z".parse().unwrap());
    let report = guard.run().await.unwrap();
    let said: Vec<&str> = report.findings.iter().filter(|one| one.name == "ml-nlp").map(|one| one.reason.as_str()).collect();
    assert!(said.is_empty() && report.actions.is_empty(), "{said:?} {:?}", report.actions);
    for _ in 0..29 {
        account.advance(hours(24));
        guard.run().await.unwrap();
    }
    // The mails of November's budget period and of December's, each with its own levels: 50, 80 and 100 %.
    let told: Vec<String> = subjects(&account).into_iter().filter(|one| one.starts_with("budget ml-nlp") && one.contains(": $")).collect();
    assert_eq!(told.len(), 4, "{told:?}");
}

#[tokio::test]
async fn a_budget_without_credits_counts_usage_all_the_same() {
    let account = account(
        "[[budget]]\nname = \"console\"\namount = 100\nfilter-expression = { And = [{ Dimensions = { Key = \"SERVICE\", Values = [\"Amazon SageMaker\"] } }, { Not = { Dimensions = { Key = \"RECORD_TYPE\", Values = [\"Credit\", \"Refund\"] } } }] }\nmetrics = [\"UnblendedCost\"]\n",
    );
    let report = guard(&account, "").run().await.unwrap();
    assert_eq!(states_of(&report, "console"), [("budget-exceeded", "reported")], "{:#?}", report.findings);
}

#[tokio::test]
async fn a_raised_limit_is_watched_anew() {
    let account = account_from("2026-11-21T11:00:00Z", NLP);
    let guard = guard(&account, "");
    guard.run().await.unwrap(); // ~$410 of 400
    let before = subjects(&account);
    let client = clients(&account).budgets;
    client.delete_budget().account_id("123456789012").budget_name("ml-nlp").send().await.unwrap();
    #[expect(deprecated, reason = "budgets that were made with CostFilters still have them")]
    let budget = Budget::builder()
        .budget_name("ml-nlp")
        .budget_limit(Spend::builder().amount("480").unit("USD").build().unwrap())
        .time_unit(TimeUnit::Monthly)
        .budget_type(BudgetType::Cost)
        .cost_filters("Service", vec!["Amazon SageMaker".into()])
        .build()
        .unwrap();
    client.create_budget().account_id("123456789012").budget(budget).send().await.unwrap();
    for _ in 0..16 {
        account.advance(hours(12));
        guard.run().await.unwrap();
    }
    let after = subjects(&account);
    assert!(after[before.len()..].iter().any(|one| one.starts_with("budget ml-nlp: $")), "{after:?}");
}

#[tokio::test]
async fn a_spike_is_found_though_the_bill_is_a_day_behind() {
    for (lag, start) in [("8h", "2026-11-23T11:00:00Z"), ("24h", "2026-11-23T00:10:00Z")] {
        let account = account_from(
            start,
            &format!(
                "[cost-explorer]\nlag = \"{lag}\"\nanomaly-usd = 100000\n[[spend]]\nusage-type = \"EUC1-Cluster:ml.p4d.24xlarge\"\nusd = 0\ntags = {{ Team = \"vision\" }}\nspikes = [{{ day = \"2026-11-24\", usd = 700 }}]\n"
            ),
        );
        let guard = guard(&account, "");
        for _ in 0..16 {
            guard.run().await.unwrap();
            account.advance(hours(6));
        }
        assert!(texts(&account).iter().any(|text| text.contains("spend-spike")), "lag {lag}: {:?}", subjects(&account));
    }
}

#[tokio::test]
async fn another_team_tag_in_the_policy_is_another_question() {
    let account = account(&NLP.replace("amount = 400", "amount = 4000"));
    let guard = Guard::of(Function::BudgetAlerter, &account, "team-tags = [\"CostCenter\"]").unwrap();
    guard.run().await.unwrap();
    let before = account.mail_count();
    let guard = Guard::of(Function::BudgetAlerter, &account, "team-tags = [\"Team\"]").unwrap();
    account.advance(hours(24));
    guard.run().await.unwrap();
    assert_eq!(account.mail_count(), before, "{:#?}", texts(&account));
}

#[tokio::test]
async fn what_the_policy_says_no_more_is_not_done() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    let before = format!("{QUIET}[[budget]]\nname = \"ml-*\"\non-exceed = \"enforce-off-hours\"");
    guard(&account, &before).run().await.unwrap();
    let after = format!(
        "{HEAD}{QUIET}[[budget]]\nname = \"ml-*\"\n[[budget]]\nname = \"other\"\nteam = \"vision\"\non-exceed = \"enforce-off-hours\""
    );
    let stopper = Guard::of(Function::NotebookStopper, &account, &after).unwrap();
    account.advance(hours(10));
    let report = stopper.run().await.unwrap();
    let states = states_of(&report, "stoppable").into_iter().map(|(a, b)| format!("{a} {b}")).collect::<Vec<_>>();
    account.advance(hours(1));
    stopper.run().await.unwrap();
    assert_eq!(states, ["notebook-off-hours reported"], "{:?}", account.notebook("stoppable").unwrap().status);
}

#[tokio::test]
async fn days_that_could_not_be_kept_are_not_taken_for_kept() {
    let account = account(NLP);
    let guard = guard(&account, "");
    let mut fault = Fault::new("dynamodb:PutItem", What::AccessDenied);
    fault.after = 8;
    account.add_fault(fault);
    guard.run().await.unwrap();
    account.clear_faults();
    account.advance(hours(1));
    let second = guard.run().await.unwrap();
    let days = account.table_items(TABLE).iter().filter(|item| item["sk"].to_string().contains("spend#")).count();
    assert!(90 < days || !second.unread.is_empty(), "{days} days, and nothing is said of it");
}

#[tokio::test]
async fn unread_tightenings_close_nothing() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    let guard = guard(&account, STOP);
    let report = guard.run().await.unwrap();
    assert_eq!(states_of(&report, "stoppable"), [("stoppable-over-budget", "warned")]);
    account.advance(hours(1));
    account.add_fault(Fault::new("dynamodb:GetItem", What::AccessDenied));
    account.add_fault(Fault::new("budgets:DescribeBudgets", What::AccessDenied));
    guard.run().await.unwrap();
    let after = state(&account, "stoppable-over-budget");
    account.clear_faults();
    let mails = account.mail_count();
    guard.run().await.unwrap();
    let again = account.mail_count() - mails;
    assert!(after.contains("warned") && again == 0, "{after:?}, mailed again {again}: {:?}", subjects(&account));
}

#[tokio::test]
async fn another_accounts_budget_is_refused() {
    let account = account(NLP);
    let guard = guard(&account, "");
    let event = json!({"resources": ["arn:aws:budgets::999999999999:budget/ml-nlp"]});
    let read = guard.wake(event).await.map(|report| (report.notified, report.examined));
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test]
async fn a_warning_of_one_budget_is_none_of_another() {
    // The budget ml-nlp is monthly and ends with November. The quarterly one is used up a little later.
    let account = account_from(
        "2026-11-30T21:00:00Z",
        &format!(
            "{NLP}{NOTEBOOK}[[budget]]\nname = \"zz-quarter\"\namount = 1214\ntime-unit = \"QUARTERLY\"\nfrom=\"2026-10-01\"\ncost-filters = {{ Service = [\"Amazon SageMaker\"] }}\n"
        ),
    );
    let policy = "[[budget]]\nname = \"ml-*\"\non-exceed = \"stop-stoppable\"\n[[budget]]\nname = \"zz-*\"\nteam = \"*\"\non-exceed = \"stop-stoppable\"";
    let guard = guard(&account, policy);
    guard.run().await.unwrap();
    account.live_until("2026-12-01T12:00:00Z".parse().unwrap());
    let report = guard.run().await.unwrap();
    for text in texts(&account) {
        println!("{text}");
    }
    assert!(report.actions.is_empty(), "{:?}", report.actions.len());
}

#[tokio::test]
async fn one_failed_read_of_the_tightenings_warns_nobody_twice() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    let policy = format!("{QUIET}[[budget]]\nname = \"ml-*\"\non-exceed = \"enforce-off-hours\"");
    guard(&account, &policy).run().await.unwrap();
    let stopper = Guard::of(Function::NotebookStopper, &account, &format!("{HEAD}{policy}")).unwrap();
    account.advance(hours(10));
    stopper.run().await.unwrap();
    let mails = account.mail_count();
    account.advance(minutes(15));
    account.add_fault(Fault::new("dynamodb:GetItem", What::AccessDenied));
    stopper.run().await.unwrap();
    account.clear_faults();
    account.advance(minutes(15));
    stopper.run().await.unwrap();
    let warned = account.mails()[mails..].iter().map(|mail| mail.subject.clone()).collect::<Vec<_>>();
    assert!(warned.iter().all(|subject| !subject.contains("will be stopped")), "{warned:?}");
}

#[tokio::test]
async fn a_budget_that_watches_nothing_covers_nothing() {
    let account = account(
        "[[budget]]\nname = \"sick\"\namount = 5000\ncost-filters = { Service = [\"Amazon SageMaker\"], TagKeyValue = [\"Team$nlp\"] }\n",
    );
    let report = guard(&account, "").run().await.unwrap();
    let rules: Vec<&str> = report.findings.iter().map(|one| one.rule).collect();
    assert!(rules.contains(&"no-budget"), "{rules:?}");
}

#[tokio::test]
async fn unread_notifications_close_nothing() {
    let account = account(&NLP.replace("amount = 400", "amount = 700"));
    let guard = guard(&account, "");
    let report = guard.run().await.unwrap();
    assert_eq!(states_of(&report, "ml-nlp").len(), 1, "{:?}", report.findings);
    account.add_fault(Fault::new("budgets:DescribeNotificationsForBudget", What::AccessDenied));
    account.advance(hours(1));
    guard.run().await.unwrap();
    let state = state(&account, "budget-exceeded");
    assert!(state.contains("reported"), "{state}");
}

#[tokio::test]
async fn one_budget_asked_for_warns_of_nothing_else() {
    let account = account(&format!("{NLP}{NOTEBOOK}\n[[budget]]\nname = \"other\"\namount = 1\nactual = 5"));
    let guard = guard(&account, STOP);
    guard.run().await.unwrap();
    let event = json!({"resources": ["arn:aws:budgets::123456789012:budget/other"]});
    let report = guard.wake(event).await.unwrap();
    assert_eq!(states_of(&report, "stoppable"), [], "{:?} {:?}", report.unread, report.failures);
}

#[tokio::test]
async fn a_day_that_cannot_be_read_from_the_ledger_is_asked_for_again() {
    let account = account(NLP);
    let guard = guard(&account, "");
    guard.run().await.unwrap();
    let client = clients(&account).dynamodb;
    for day in 1..=15 {
        client
            .put_item()
            .table_name(TABLE)
            .item("pk", AttributeValue::S("cache#bill#123456789012#eu-central-1".into()))
            .item("sk", AttributeValue::S(format!("spend#2026-11-{day:02}")))
            .item("at", AttributeValue::S("2026-11-24T11:00:00Z".into()))
            .item("what", AttributeValue::S("{\"of\": \"another version\"}".into()))
            .send()
            .await
            .unwrap();
    }
    account.advance(hours(24));
    let report = guard.run().await.unwrap();
    let items = account.table_items(TABLE);
    let broken = items.iter().filter(|item| item["what"].to_string().contains("another version")).count();
    assert!(broken == 0 || !report.unread.is_empty(), "{broken} days are silently missing: {:?}", report.unread);
}

#[tokio::test]
async fn pages_before_one_that_failed_are_not_paid_again() {
    let account = account(&format!("{NLP}[cost-explorer]\npage = 20\n"));
    let guard = guard(&account, "");
    let mut fault = Fault::new("ce:GetCostAndUsage", What::AccessDenied);
    fault.after = 2;
    account.add_fault(fault);
    guard.run().await.unwrap();
    account.clear_faults();
    guard.run().await.unwrap();
    // Five pages of days, one of them requested twice, anomalies, and a forecast.
    let usd = account.cost_explorer_usd();
    assert!(usd <= dec!(0.08), "{usd}");
}

#[tokio::test]
async fn what_has_no_price_is_not_free() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    guard(&account, "").run().await.unwrap();
    assert!(texts(&account).iter().all(|text| !text.contains("for $0.00 an hour in all")), "{:#?}", texts(&account));
}

#[tokio::test]
async fn nothing_is_warned_of_that_ends_before_it_comes() {
    let account = account_from("2026-11-30T21:00:00Z", &format!("{NLP}{NOTEBOOK}"));
    guard(&account, STOP).run().await.unwrap();
    // Its grace (4 h) would end an hour after the measure ends.
    assert!(subjects(&account).iter().all(|subject| !subject.contains("stoppable")), "{:?}", subjects(&account));
}

#[tokio::test]
async fn what_could_not_be_mailed_is_mailed_once_by_the_next_run() {
    // SNS refuses: nobody is notified, and the next run notifies once.
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    let guard = guard(&account, STOP);
    account.add_fault(Fault::new("sns:Publish", What::AccessDenied));
    let report = guard.run().await.unwrap();
    assert_eq!((report.notified, report.failures.is_empty()), (0, false));
    account.clear_faults();
    account.advance(hours(6));
    let report = guard.run().await.unwrap();
    assert_eq!((report.notified, report.actions.len()), (2, 0), "{:?}", subjects(&account));
    account.advance(hours(1));
    assert_eq!(guard.run().await.unwrap().notified, 0);
}

#[tokio::test]
async fn lost_answers_mail_once_and_warn_first() {
    for on in ["dynamodb:TransactWriteItems", "dynamodb:PutItem"] {
        let account = account(&format!("{NLP}{NOTEBOOK}"));
        let guard = guard(&account, STOP);
        account.add_fault(Fault::new(on, What::LostAnswer(2)));
        for _ in 0..3 {
            let _ = guard.run().await;
            account.advance(minutes(20));
        }
        account.clear_faults();
        for _ in 0..2 {
            account.advance(hours(6));
            guard.run().await.unwrap();
        }
        let told = subjects(&account);
        let of_budget = told.iter().filter(|one| one.starts_with("budget ml-nlp is used up: $")).count();
        assert_eq!(of_budget, 1, "{on}: {told:?}");
    }
}

#[tokio::test]
async fn what_could_not_be_listed_is_not_nothing() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    account.add_fault(Fault::new("sagemaker:ListNotebookInstances", What::AccessDenied));
    let report = guard(&account, "").run().await.unwrap();
    assert!(!report.unread.is_empty());
    assert!(texts(&account).iter().all(|text| !text.contains("Runs:  nothing")), "{:#?}", texts(&account));
}

#[tokio::test]
async fn an_empty_owner_is_refused_and_spaces_are_a_slip() {
    let account = account(NLP);
    let policy = "[[budget]]\nname = \"ml-*\"\nowner = \"\"\nteam = \" nlp \"\non-exceed = \"enforce-off-hours\"";
    let error = format!("{:#}", guard(&account, policy).run().await.unwrap_err());
    assert!(error.contains("`owner`: is empty"), "{error}");
    guard(&account, &policy.replace("owner = \"\"", "")).run().await.unwrap();
    assert_eq!(account.mails()[0].attributes["team"].1, "nlp");
}

#[tokio::test]
async fn one_absurd_budget_ends_no_run() {
    let account = account(&format!("{NLP}[[budget]]\nname = \"absurd\"\namount = 9e27\nactual = 1\n"));
    let guard = guard(&account, "");
    assert_eq!(guard.run().await.unwrap().notified, 1);
}

#[tokio::test]
async fn a_daily_budget_is_judged_by_its_own_day() {
    // The cost is 10 on the 23rd, 40 on the 24th and 10 on the 25th; the limit is 30.
    let account = account_from(
        "2026-11-23T19:00:00Z",
        "[[budget]]\nname = \"day\"\namount = 30\ntime-unit = \"DAILY\"\nfrom = \"2026-11-01\"\ncost-filters = { Service = [\"Amazon SageMaker\"] }\n[[spend]]\nusage-type = \"EUC1-Train:ml.m5.xlarge\"\nusd = 0\ntags = { Team = \"nlp\" }\nspikes = [{ day = \"2026-11-24\", usd = 40 }]\n",
    );
    let guard = guard(&account, "[rules.no-budget]\nmode = \"off\"\n[rules.spend-spike]\nmode = \"off\"");
    let mut said = vec![];
    for _ in 0..24 {
        account.advance(hours(3));
        let report = guard.run().await.unwrap();
        said.extend(
            report.findings.iter().filter(|one| one.rule == "budget-exceeded").map(|one| format!("{}: {}", account.now(), one.reason)),
        );
    }
    assert!(said.iter().all(|one| one.contains("for Tue 2026-11-24")), "{said:#?}");
}

#[tokio::test]
async fn a_notebook_that_moves_to_another_team_is_warned_anew_or_let_go() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    let guard = guard(&account, STOP);
    guard.run().await.unwrap();
    account.deed("stoppable", &simulator::Deed::Tag("Team".into(), "vision".into()));
    account.advance(hours(6));
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.len(), 0, "{:?}", report.findings);
}

#[tokio::test]
async fn who_asks_for_one_budget_is_told_what_is_done() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    let guard = guard(&account, STOP);
    guard.wake(json!({"resources": ["arn:aws:budgets::123456789012:budget/ml-nlp"]})).await.unwrap();
    guard.run().await.unwrap();
    let of_budget: Vec<String> = texts(&account).into_iter().filter(|text| text.contains("budget ml-nlp is used up: $")).collect();
    assert!(of_budget.len() == 1 && of_budget[0].contains("Next:"), "{of_budget:#?}");
}

#[tokio::test]
async fn another_accounts_spend_stops_nothing_here() {
    let account = account(&format!(
        "{NOTEBOOK}[[budget]]\nname = \"ml-member\"\namount = 100\nactual = 150\ncost-filters = {{ LinkedAccount = [\"999999999999\"], Service = [\"Amazon SageMaker\"], TagKeyValue = [\"user:Team$nlp\"] }}\n"
    ));
    let report = guard(&account, STOP).run().await.unwrap();
    assert_eq!(states_of(&report, "stoppable"), []);
}

#[tokio::test]
async fn a_budget_of_which_nobody_hears_tightens_nothing() {
    let account = account(&format!("{NLP}{NOTEBOOK}"));
    let policy = format!("{STOP}\n[rules.budget-exceeded]\nmode = \"off\"");
    let error = format!("{:#}", guard(&account, &policy).run().await.unwrap_err());
    assert!(error.contains("nobody would hear why something is stopped"), "{error}");
}
