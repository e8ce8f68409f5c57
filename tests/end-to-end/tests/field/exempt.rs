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
