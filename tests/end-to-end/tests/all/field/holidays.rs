//! One country's holiday stopped another country's team (instance-scheduler#243, #206).

use end_to_end::{
    Function,
    testing::{account_at, guard_of},
};

const POLICY: &str = r#"
timezone = "America/New_York"
[working-hours]
default = "mon-fri/09:00-18:00"
holidays = ["2026-11-26"]
teams = { bangkok = "mon-fri/09:00-18:00@Asia/Bangkok" }
zone-holidays = { "Asia/Bangkok" = ["2026-12-07"] }
[rules.notebook-off-hours]
mode = "enforce"
grace = "0s"
"#;

const ESTATE: &str = r#"
[[notebook]]
name = "of-the-team"
since = "-1d"
tags = { Owner = "ann@example.com", Team = "bangkok" }
[[notebook]]
name = "with-its-own-hours"
since = "-1d"
tags = { Owner = "ann@example.com", "cost-guard:schedule" = "mon-fri/09:00-18:00@Asia/Bangkok" }
[[notebook]]
name = "in-new-york"
since = "-1d"
tags = { Owner = "bob@example.com" }
"#;

#[tokio::test]
async fn thanksgiving_stopped_a_team_in_bangkok() {
    for (now, stopped, reason) in [
        // Thursday in Bangkok 14:00; in New York it is the night before.
        ("2026-11-26T07:00:00Z", &["in-new-york"][..], "which ended Wed 2026-11-25 18:00 ("),
        (
            "2026-11-26T15:00:00Z",
            &["in-new-york", "of-the-team", "with-its-own-hours"],
            "which ended Wed 2026-11-25 18:00; 2026-11-26 is a holiday",
        ),
        // Monday in Bangkok 14:00, a holiday there.
        ("2026-12-07T07:00:00Z", &["in-new-york", "of-the-team", "with-its-own-hours"], "; 2026-12-07 is a holiday"),
    ] {
        let account = account_at(now, ESTATE);
        let report = guard_of(Function::NotebookStopper, &account, POLICY).run().await.unwrap();
        let mut acted: Vec<&str> =
            report.findings.iter().filter(|one| one.rule == "notebook-off-hours").map(|one| one.name.as_str()).collect();
        acted.sort_unstable();
        assert_eq!(acted, stopped, "{now}: {report:?}");
        assert_eq!(account.calls()["sagemaker:StopNotebookInstance"], stopped.len() as u64, "{now}");
        assert!(account.mails().iter().any(|mail| mail.message.contains(reason)), "{now}: {:#?}", account.mails());
    }
}
