//! One tagged resource that the tag index left out made each audit a first one: 46 calls became 953, in every run.

use end_to_end::{
    Function,
    testing::{account, guard_of, subjects},
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
