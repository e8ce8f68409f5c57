//! Owners were told to tag what was being deleted.

use end_to_end::{
    Function,
    testing::{account, guard_of, subjects},
};

#[tokio::test]
async fn owners_were_told_to_tag_what_was_being_deleted() {
    let config = "[[model]]\nname = \"m\"\ntags = { Owner = \"ann@example.com\" }\n[[endpoint-config]]\nname = \"churn\"\nmodel = \"m\"\ninstance-type = \"ml.m5.xlarge\"\ntags = { Owner = \"ann@example.com\" }\n";
    let domain = "[[domain]]\nid = \"d-1\"\ntags = { Owner = \"ann@example.com\" }\n[[space]]\ndomain = \"d-1\"\nname = \"lab\"\ntags = { Owner = \"ann@example.com\" }\n";
    for (before, section) in [
        ("", "[[notebook]]\nname = \"churn\"".to_owned()),
        (config, "[[endpoint]]\nname = \"churn\"".to_owned()),
        ("", "[[resource]]\nkind = \"feature-group\"\nname = \"churn\"".to_owned()),
        ("", "[[resource]]\nkind = \"cluster\"\nname = \"churn\"".to_owned()),
        ("", "[[resource]]\nkind = \"mlflow-tracking-server\"\nname = \"churn\"".to_owned()),
        (domain, "[[app]]\ndomain = \"d-1\"\nspace = \"lab\"".to_owned()),
    ] {
        for (status, told) in [("", 1), ("status = \"Deleting\"\n", 0)] {
            let account = account(&format!("{before}{section}\n{status}"));
            let guard = guard_of(Function::TagAuditor, &account, "[rules.missing-tag]\nrequired = { Owner = \".+@.+\" }\n");
            let report = guard.run().await.unwrap();
            assert_eq!(
                (report.total_findings, account.mails().len()),
                (told, told),
                "{section} {status}: {:?} {report:?}",
                subjects(&account)
            );
        }
    }
}
