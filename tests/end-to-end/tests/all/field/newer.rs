//! Kinds that came later to `SageMaker` were counted nowhere: some of them bill while nobody uses them.

use end_to_end::{
    Function, Guard,
    testing::{account, guard_of, minutes},
};
use simulator::{Fault, Simulator, What};

const POLICY: &str = "[rules.missing-tag]\nrequired = { Owner = \".+@.+\" }\n";
const NEWER: [(&str, &str); 8] = [
    ("mlflow-app", "ListMlflowApps"),
    ("partner-app", "ListPartnerApps"),
    ("training-plan", "ListTrainingPlans"),
    ("training-session", "ListTrainingSessions"),
    ("optimization-job", "ListOptimizationJobs"),
    ("inference-recommendations-job", "ListInferenceRecommendationsJobs"),
    ("ai-recommendation-job", "ListAIRecommendationJobs"),
    ("labeling-job", "ListLabelingJobs"),
];

fn one_of_each(more: &str) -> Simulator {
    let sections = NEWER.map(|(kind, _)| format!("[[resource]]\nkind = \"{kind}\"\nname = \"churn-{kind}\"\ntakes = \"20h\"\n{more}\n"));
    account(&sections.concat())
}

fn guard(account: &Simulator, more: &str) -> Guard {
    guard_of(Function::TagAuditor, account, &format!("{POLICY}{more}"))
}

#[tokio::test]
async fn what_is_new_to_sagemaker_was_counted_nowhere() {
    let account = one_of_each("");
    let report = guard(&account, "").run().await.unwrap();
    let mut found: Vec<&str> = report.findings.iter().map(|finding| finding.name.as_str()).collect();
    found.sort_unstable();
    let mut all = NEWER.map(|(kind, _)| format!("churn-{kind}"));
    all.sort();
    assert_eq!(found, all, "{report:?}");
    assert_eq!(report.unread.len(), 0, "{:?}", report.unread);
    let by_kind = &report.coverage.unwrap()["resources"]["by-kind"];
    assert!(NEWER.iter().all(|(kind, _)| by_kind.get(kind).is_some()), "{by_kind}");
    // Only what AWS bills by the hour runs at a price that is not known. The others are billed by token or object, or were paid in advance.
    let mail = &account.mails()[0].message;
    let unpriced = |name: &str| mail.split("\n\n").any(|part| part.contains(name) && part.contains("price"));
    assert!(["churn-partner-app", "churn-optimization-job"].iter().all(|name| unpriced(name)), "{mail}");
    assert!(
        !["churn-training-session", "churn-labeling-job", "churn-training-plan", "churn-mlflow-app"].iter().any(|name| unpriced(name)),
        "{mail}"
    );
}

#[tokio::test]
async fn what_is_tagged_is_fine_and_what_is_over_nobody_has_to_tag() {
    let report = guard(&one_of_each("tags = { Owner = \"ann@example.com\" }"), "").run().await.unwrap();
    assert_eq!((report.total_findings, report.unread.len()), (0, 0), "{report:?}");
    for (kind, status) in [
        ("mlflow-app", "Deleting"),
        ("partner-app", "Deleting"),
        ("training-session", "Deleting"),
        ("training-plan", "Expired"),
        ("training-plan", "Failed"),
    ] {
        let account = account(&format!("[[resource]]\nkind = \"{kind}\"\nname = \"x\"\nstatus = \"{status}\"\n"));
        assert_eq!(guard(&account, "").run().await.unwrap().total_findings, 0, "{kind} {status}");
    }
}

#[tokio::test]
async fn a_region_that_does_not_have_a_kind_has_nothing_of_it() {
    let account = account("[[processing-job]]\nname = \"prep\"\ntakes = \"2h\"\n");
    let guard = guard(&account, "");
    for (_, list) in NEWER {
        let says = "The requested operation is not supported in the called region.";
        account.add_fault(Fault::new(&format!("sagemaker:{list}"), What::Refuse("UnknownOperationException".into(), says.into())));
    }
    let report = guard.run().await.unwrap();
    assert_eq!((report.total_findings, report.unread.len()), (1, 0), "{:?}", report.unread);
}

#[tokio::test]
async fn missing_tags_are_written_and_nothing_of_these_kinds_is_stopped() {
    let account = one_of_each("tags = { owner = \"ann@example.com\" }");
    let guard = guard(&account, "mode = \"enforce\"\nremedy = \"stop-after-grace\"\n");
    let report = guard.run().await.unwrap();
    assert_eq!(report.actions.len(), NEWER.len(), "{report:?}");
    account.advance(minutes(10));
    assert_eq!(guard.run().await.unwrap().total_findings, 0);
    assert!(!account.calls().keys().any(|call| call.contains(":Stop") || call.contains(":Delete")), "{:?}", account.calls());
}

#[tokio::test]
async fn a_budgets_mail_names_a_partner_app_that_nobody_uses() {
    let account = account(
        "budget-topic = \"budgets\"\n[[budget]]\nname = \"ml\"\namount = 10\ncost-filters = { Service = [\"Amazon SageMaker\"] }\n\
        notifications = [{ type = \"ACTUAL\", threshold = 50, topic = true }]\n\
        [[spend]]\nusage-type = \"EUC1-Host:ml.m5.xlarge\"\nusd = 20\n\
        [[resource]]\nkind = \"partner-app\"\nname = \"left-alone\"\n[[resource]]\nkind = \"mlflow-app\"\nname = \"runs\"\n",
    );
    guard_of(Function::BudgetAlerter, &account, "").run().await.unwrap();
    let mails = account.mails();
    let told = |name: &str| mails.iter().any(|mail| mail.message.contains(name));
    assert!(told("left-alone") && !told("runs\n"), "{mails:?}");
}
