//! Resources that hang in a state on their way: the owner was told that they were stopped, and then nothing (amazon-sagemaker-examples#1094, #1798).

use end_to_end::{
    Function,
    testing::{account, guard_of, hours, mails_to, minutes, states, subjects},
};

const ENFORCE: &str =
    "[rules.notebook-always-on]\nmode = \"enforce\"\ngrace = \"0s\"\nmax-uptime = \"1d\"\n[rules.notebook-off-hours]\nmode = \"off\"\n";

fn notebook(status: &str, since: &str) -> String {
    format!(
        "[[notebook]]\nname = \"churn\"\nstatus = \"{status}\"\nsince = \"{since}\"\ninstance-type = \"ml.m5.xlarge\"\ntags = {{ Owner = \"ann@example.com\" }}\n"
    )
}

#[tokio::test]
async fn a_stop_that_aws_took_is_under_way_until_it_is_seen_stopped() {
    let account = account(&notebook("InService", "-2d"));
    let guard = guard_of(Function::NotebookStopper, &account, ENFORCE);
    guard.run().await.unwrap();
    assert_eq!(subjects(&account), ["churn is being stopped, $0.28 an hour"]);
    account.advance(minutes(15));
    guard.run().await.unwrap();
    assert_eq!(account.mails().len(), 1, "the stop is told once");
}

#[tokio::test]
async fn a_notebook_that_hangs_or_failed_is_told_once() {
    for (status, since, reason) in [
        ("Stopping", "-26h", "Stopping since Sun 2026-11-22 06:00, for 1d 2h: the limit is 3h"),
        ("Pending", "-5h", "Pending since"),
        ("Updating", "-5h", "Updating since"),
        ("Deleting", "-5h", "Deleting since"),
        ("Failed", "-5h", "it does not run, and its volume is still billed"),
    ] {
        let account = account(&notebook(status, since));
        let guard = guard_of(Function::NotebookStopper, &account, ENFORCE);
        for _ in 0..3 {
            let report = guard.run().await.unwrap();
            assert_eq!(states(&report), [("notebook-stuck", "reported")], "{status}: {report:?}");
            account.advance(hours(1));
        }
        let mails = account.mails();
        let [mail] = &mails_to(&mails, "ann@example.com")[..] else { panic!("{status}: {:?}", subjects(&account)) };
        assert!(mail.message.contains(reason), "{status}: {}", mail.message);
        assert!(!mail.message.contains("was stopped") && !mail.message.contains("being stopped"), "{status}: {}", mail.message);
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_told_once_by_the_auditor() {
    let estate = |status: &str, since: &str| {
        format!(
            "[[model]]\nname = \"churn\"\n[[endpoint-config]]\nname = \"churn\"\nmodel = \"churn\"\ninstance-type = \"ml.m5.xlarge\"\n\
             [[endpoint]]\nname = \"churn\"\nstatus = \"{status}\"\nsince = \"{since}\"\ntags = {{ Owner = \"ann@example.com\", Team = \"nlp\" }}\n"
        )
    };
    for (status, since, told) in [
        ("Updating", "-6h", true),
        ("RollingBack", "-6h", true),
        ("UpdateRollbackFailed", "-6h", true),
        ("OutOfService", "-6h", true),
        ("Updating", "-1h", false),
        ("RollingBack", "-1h", false),
        ("SystemUpdating", "-6h", false),
        ("InService", "-5d", false),
    ] {
        let account = account(&estate(status, since));
        let guard = guard_of(Function::TagAuditor, &account, "[rules.missing-tag]\nrequired = { Owner = \".+\" }\n");
        for _ in 0..2 {
            let report = guard.run().await.unwrap();
            let stuck: Vec<_> = states(&report).into_iter().filter(|(rule, _)| *rule == "resource-stuck").collect();
            assert_eq!(stuck.len(), usize::from(told), "{status} {since}: {report:?}");
            account.advance(hours(1));
        }
        let mails = account.mails();
        let mine: Vec<_> =
            mails_to(&mails, "ann@example.com").into_iter().filter(|mail| mail.message.contains("(resource-stuck)")).collect();
        assert_eq!(mine.len(), usize::from(told), "{status} {since}: {:?}", subjects(&account));
        if let [mail] = &mine[..] {
            assert!(mail.message.contains(&format!("{status} since")), "{}", mail.message);
            assert!(
                mail.message.contains("aws sagemaker describe-endpoint --region eu-central-1 --endpoint-name churn"),
                "{}",
                mail.message
            );
        }
    }
}

/// A cluster that never came up, and a server that nobody could start again, were nobody's finding.
#[tokio::test]
async fn clusters_servers_and_components_that_hang_are_told_once() {
    let served = "[[model]]\nname = \"m\"\n[[endpoint-config]]\nname = \"churn\"\nmodel = \"m\"\ninstance-type = \"ml.m5.xlarge\"\n[[endpoint]]\nname = \"churn\"\n";
    let component = "[[inference-component]]\nname = \"hangs\"\nendpoint = \"churn\"\n";
    let resource = |kind: &str| format!("[[resource]]\nkind = \"{kind}\"\nname = \"hangs\"\n");
    for (section, status, since, told) in [
        (resource("cluster"), "Creating", "-6h", 1),
        (resource("cluster"), "Creating", "-1h", 0),
        (resource("cluster"), "SystemUpdating", "-6h", 0),
        (resource("mlflow-tracking-server"), "Creating", "-6h", 1),
        (resource("mlflow-tracking-server"), "Updating", "-6h", 1),
        (resource("mlflow-tracking-server"), "Created", "-6h", 0),
        (resource("mlflow-tracking-server"), "StopFailed", "-6h", 1),
        (resource("mlflow-tracking-server"), "StopFailed", "-1h", 0),
        (resource("mlflow-tracking-server"), "DeleteFailed", "-6h", 1),
        (format!("{served}{component}"), "Creating", "-6h", 1),
    ] {
        let account =
            account(&format!("{section}status = \"{status}\"\ncreated = \"{since}\"\ntags = {{ Owner = \"ann@example.com\" }}\n"));
        let guard = guard_of(Function::TagAuditor, &account, "[rules.missing-tag]\nrequired = { Owner = \".+\" }\n");
        for _ in 0..2 {
            guard.run().await.unwrap();
            account.advance(minutes(5));
        }
        let mails = account.mails();
        let mine: Vec<_> =
            mails_to(&mails, "ann@example.com").into_iter().filter(|mail| mail.message.contains("(resource-stuck)")).collect();
        assert_eq!(mine.len(), told, "{section}{status} {since}: {:?}", subjects(&account));
    }
}

#[tokio::test]
async fn what_is_on_its_way_for_minutes_or_in_maintenance_is_not_told() {
    for (status, since) in [("Stopping", "-10m"), ("Pending", "-10m"), ("PendingMaintenance", "-5d"), ("InMaintenance", "-5d")] {
        let account = account(&notebook(status, since));
        let report = guard_of(Function::NotebookStopper, &account, ENFORCE).run().await.unwrap();
        assert_eq!((report.total_findings, account.mails().len()), (0, 0), "{status}: {report:?}");
    }
}

/// AWS does not say since when an app has been `Deleting`.
#[tokio::test]
async fn an_app_that_is_being_deleted_is_nobodys_finding_however_old_it_is() {
    let account = account(
        "[[domain]]\nid = \"d-1\"\nname = \"company\"\n[[user-profile]]\ndomain = \"d-1\"\nname = \"ann\"\n[[app]]\ndomain = \"d-1\"\nuser-profile = \"ann\"\n\
         type = \"JupyterLab\"\ninstance-type = \"ml.m5.xlarge\"\nsince = \"-20d\"\nstatus = \"Deleting\"\ntags = { Owner = \"ann@example.com\" }\n",
    );
    let policy = "[rules.studio-app-always-on]\nmode = \"enforce\"\ngrace = \"0s\"\n[rules.studio-idle-shutdown-off]\nmode = \"off\"\n\
        [rules.missing-tag]\nkinds = [\"app\"]\nrequired = { CostCenter = \".+\" }\n[rules.invalid-tag-value]\nkinds = [\"app\"]\n";
    for function in [Function::NotebookStopper, Function::TagAuditor, Function::BudgetAlerter] {
        let report = guard_of(function, &account, policy).run().await.unwrap();
        let of_app: Vec<_> = report.findings.iter().filter(|one| one.resource.contains("jupyterlab")).collect();
        assert_eq!((of_app.len(), report.actions.len()), (0, 0), "{report:?}");
        assert!(!account.mails().iter().any(|mail| mail.message.contains("JupyterLab")), "{:?}", subjects(&account));
    }
}
