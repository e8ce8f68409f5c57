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
    assert_eq!(subjects(&account), ["churn is being stopped, $201.48 a month"]);
    account.advance(minutes(15));
    guard.run().await.unwrap();
    assert_eq!(account.mails().len(), 1, "the stop is told once");
}

#[tokio::test]
async fn a_notebook_that_hangs_or_failed_is_told_once() {
    for (status, since, reason) in [
        ("Stopping", "-26h", "Stopping since Sun 2026-11-22 06:00 UTC, for 1d 2h: the limit is 3h"),
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
        assert!(!mail.message.contains("stopped"), "{status}: {}", mail.message);
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
