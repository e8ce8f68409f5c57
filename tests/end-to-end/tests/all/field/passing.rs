//! Endpoints that jobs of SageMaker made for minutes were each a finding, and one model of a series was named for all of them.

use end_to_end::{
    Function,
    testing::{account, days, guard_of, hours, mails_to},
};

const REQUIRED: &str = "[rules.missing-tag]\nrequired = { CostCenter = \".+\" }\n[rules.untagged-spend]\nmode = \"off\"\n[rules.inactive-cost-allocation-tag]\nmode = \"off\"\n";

fn hosted(name: &str, config: &str) -> String {
    format!(
        "[[endpoint-config]]\nname = \"{config}\"\nvariants = [{{ name = \"all\", model = \"scorer\", instance-type = \"ml.m5.large\" }}]\ncreated = \"-10m\"\n\
         [[endpoint]]\nname = \"{name}\"\nconfig = \"{config}\"\ncreated = \"-10m\"\n"
    )
}

#[tokio::test]
async fn endpoints_that_clarify_and_inference_recommender_made_for_minutes_were_findings() {
    let scorer = "[[model]]\nname = \"scorer\"\ntags = { CostCenter = \"1\" }\n";
    let clarify = hosted("sm-clarify-fraud-1795570200-5fe3", "sm-clarify-config-1795570200-5fe3");
    let recommender = hosted("sm-epc-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "sm-epc-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f");
    let account = account(&format!("{scorer}{clarify}{recommender}"));
    let guard = guard_of(Function::TagAuditor, &account, REQUIRED);
    account.advance(hours(1));
    let first = guard.run().await.unwrap();
    assert_eq!((first.total_findings, first.notified, account.mail_count()), (0, 0, 0), "{first:?}");
    // The job failed, and what it left is billed.
    account.advance(days(1));
    assert_eq!(guard.run().await.unwrap().total_findings, 4);
}

#[tokio::test]
async fn the_mail_about_forty_models_of_a_series_named_one() {
    let model = |n| format!("[[model]]\nname = \"churn-2026-11-20-01-{n}-00-123\"\ntags = {{ Owner = \"ann@example.com\" }}\n");
    let models: String = (10..50).map(model).collect();
    let account = account(&models);
    guard_of(Function::TagAuditor, &account, REQUIRED).run().await.unwrap();
    let mails = account.mails();
    let [mail] = mails_to(&mails, "ann@example.com")[..] else { panic!("{mails:?}") };
    assert!(mail.message.contains("  Also:  39 more of its series, for which the same holds:\n"), "{}", mail.message);
    for n in 10..50 {
        assert!(mail.message.contains(&format!(":model/churn-2026-11-20-01-{n}-00-123")), "{n}: {}", mail.message);
    }
}
