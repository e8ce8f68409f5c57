//! One tagged resource that the tag index left out made each audit a first one: 46 calls became 953, in every run.

use end_to_end::{
    Function,
    testing::{account, guard_of, mails_to, subjects},
};
use simulator::{Fault, What};

#[tokio::test]
async fn one_tagged_resource_that_the_index_left_out_made_each_audit_a_first_one() {
    let late = "[[notebook]]\nname = \"late\"\ntags = { Owner = \"ann@example.com\" }\ncreate = \"2026-11-24 07:00\"\n";
    let account = account(&format!("[[notebook]]\nname = \"nobodys-{{}}\"\ncount = 40\n{late}"));
    let guard = guard_of(Function::TagAuditor, &account, "[rules.missing-tag]\nrequired = { Owner = \".+@.+\" }\n");
    assert_eq!(guard.run().await.unwrap().total_findings, 40);
    account.live_until("2026-11-24T08:00:00Z".parse().unwrap());
    account.add_fault(Fault::new("*", What::StaleTags("2h".parse().unwrap())));
    let list_tags = || account.calls().get("sagemaker:ListTags").copied().unwrap_or(0);
    for _ in 0..3 {
        let before = list_tags();
        let report = guard.run().await.unwrap();
        assert_eq!((report.total_findings, report.notified), (40, 0), "{report:?}");
        assert!(list_tags() - before <= 1, "{} calls for one resource", list_tags() - before);
    }
    assert_eq!(account.mails().len(), 1, "{:?}", subjects(&account));
}

#[tokio::test]
async fn each_new_resource_listed_all_the_others_again() {
    let new = |hour: u8| format!("[[notebook]]\nname = \"new-at-{hour}\"\ncreate = \"2026-11-24 0{hour}:30\"\n");
    let account = account(&format!("[[notebook]]\nname = \"nobodys-{{}}\"\ncount = 40\n{}{}{}", new(6), new(7), new(8)));
    let guard = guard_of(Function::TagAuditor, &account, "[rules.missing-tag]\nrequired = { Owner = \".+@.+\" }\n");
    assert_eq!(guard.run().await.unwrap().total_findings, 40);
    let list_tags = || account.calls().get("sagemaker:ListTags").copied().unwrap_or(0);
    for (number, hour) in (41..).zip(7..=9) {
        account.live_until(format!("2026-11-24T0{hour}:00:00Z").parse().unwrap());
        let before = list_tags();
        let report = guard.run().await.unwrap();
        assert_eq!((report.total_findings, report.notified), (number, 1), "{report:?}");
        assert!(list_tags() - before <= 2, "{} calls for one resource", list_tags() - before);
        let mail = account.mails().pop().unwrap();
        assert!(mail.message.contains(&format!("new-at-{}", hour - 1)) && !mail.message.contains("nobodys-"), "{}", mail.message);
        assert!(
            mail.message.contains(&format!("Also:  {} more, of which you were mailed before, are still so.", number - 1)),
            "{}",
            mail.message
        );
    }
}

/// A workflow that trains each night makes a model and the configuration of its endpoint anew: the mails grew by two findings each night.
#[tokio::test]
async fn what_a_workflow_makes_each_night_is_told_once() {
    for (from, to, mails) in [("churn-2026-11-", "-01-30-00-123", [1, 1, 1]), ("churn-v", "", [1, 2, 3])] {
        let of_night = |night: u8| {
            let made = format!("create = \"2026-11-{night} 01:30\"\ntags = {{ Owner = \"ann@example.com\" }}\n");
            let variants = "variants = [{ name = \"all\", model = \"scorer\", instance-type = \"ml.m5.large\" }]\n";
            format!("[[model]]\nname = \"{from}{night}{to}\"\n{made}[[endpoint-config]]\nname = \"{from}{night}{to}\"\n{variants}{made}")
        };
        let nights: String = (24..27).map(of_night).collect();
        let account = account(&format!("[[model]]\nname = \"scorer\"\ntags = {{ CostCenter = \"1\" }}\n{nights}"));
        let guard = guard_of(Function::TagAuditor, &account, "[rules.missing-tag]\nrequired = { CostCenter = \"[0-9]+\" }\n");
        let mut told = vec![];
        for night in 24..27 {
            account.live_until(format!("2026-11-{night}T08:00:00Z").parse().unwrap());
            guard.run().await.unwrap();
            told.push(account.mails().len());
        }
        assert_eq!(told, mails, "{from}: {:?}", subjects(&account));
    }
}

/// Its app is said to be on an instance, which is not what is billed.
#[tokio::test]
async fn a_canvas_session_was_told_with_the_price_of_an_instance() {
    let estate = "[[domain]]\nid = \"d-1\"\nname = \"company\"\n[[user-profile]]\ndomain = \"d-1\"\nname = \"ann\"\n\
                  [[app]]\ndomain = \"d-1\"\nuser-profile = \"ann\"\ntype = \"Canvas\"\ninstance-type = \"ml.m5.xlarge\"\nsince = \"-2d\"\ntags = { Owner = \"ann@example.com\" }\n";
    let account = account(estate);
    guard_of(Function::TagAuditor, &account, "[rules.missing-tag]\nkinds = [\"app\"]\nrequired = { CostCenter = \".+\" }\n")
        .run()
        .await
        .unwrap();
    let mails = account.mails();
    let [mail] = mails_to(&mails, "ann@example.com")[..] else { panic!("{mails:?}") };
    assert!(mail.message.contains("Costs: price not known.\n") && !mail.message.contains("ml.m5.xlarge"), "{}", mail.message);
}
