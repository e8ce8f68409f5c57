//! People who may not set tags could not exempt what they need.

use end_to_end::{
    Function,
    testing::{account_at, guard_of, hours, states},
};

#[tokio::test]
async fn the_policy_exempts_until_a_day_and_then_no_longer() {
    let estate = "[[notebook]]\nname = \"churn\"\nsince = \"-10h\"\ntags = { Owner = \"ann@example.com\" }\n";
    let policy = "[rules.notebook-off-hours]\nmode = \"enforce\"\ngrace = \"1h\"\n\
                  [[exempt]]\nmatch = { name = \"churn\", kind = \"notebook-instance\" }\nuntil = \"2026-11-24\"\nreason = \"demo for the board\"\n";
    let account = account_at("2026-11-23T22:00:00Z", estate);
    let guard = guard_of(Function::NotebookStopper, &account, policy);
    let report = guard.run().await.unwrap();
    assert!(states(&report).contains(&("notebook-off-hours", "exempt")) && account.mails().is_empty(), "{report:?}");
    account.advance(hours(25));
    let report = guard.run().await.unwrap();
    assert!(states(&report).contains(&("notebook-off-hours", "exempt")), "until the end of the day: {report:?}");
    account.advance(hours(2));
    let report = guard.run().await.unwrap();
    assert!(states(&report).contains(&("notebook-off-hours", "warned")), "{report:?}");
}

/// An app knows its domain's id, and people write its name.
#[tokio::test]
async fn a_domain_is_exempt_with_its_apps_by_its_name_and_by_its_id() {
    let estate = "[[domain]]\nid = \"d-1\"\nname = \"Company\"\n[[user-profile]]\ndomain = \"d-1\"\nname = \"ann\"\n\
                  [[app]]\ndomain = \"d-1\"\nuser-profile = \"ann\"\ntype = \"JupyterLab\"\nname = \"default\"\ninstance-type = \"ml.m5.xlarge\"\nsince = \"-3d\"\n";
    for (name, app) in [("Company", "exempt"), ("d-1", "exempt"), ("Other", "done")] {
        let policy = format!(
            "[rules.studio-app-off-hours]\nmode = \"enforce\"\ngrace = \"0s\"\n\
             [[exempt]]\nmatch = {{ kind = \"domain\", name = \"{name}\" }}\nuntil = \"2026-12-31\"\nreason = \"a workshop\"\n"
        );
        let account = account_at("2026-11-23T22:00:00Z", estate);
        let guard = guard_of(Function::NotebookStopper, &account, &policy);
        let mut told = vec![];
        for _ in 0..3 {
            let report = guard.run().await.unwrap();
            assert!(report.unread.is_empty(), "{name}: {:?}", report.unread);
            told.extend(states(&report).into_iter().filter(|(rule, _)| *rule == "studio-app-off-hours").map(|(_, state)| state.to_owned()));
            told.extend(report.actions.iter().map(|action| action.outcome.to_owned()));
            account.advance(hours(1));
        }
        assert!(told.contains(&app.to_owned()), "{name}: {told:?}");
        assert_eq!(told.contains(&"done".to_owned()), app == "done", "{name}: {told:?}");
    }
}
