//! Tags with a key that was nearly one of the guard's had no effect, and what they were to protect was stopped
//! (cloud-custodian#10380, #3389, #2640; ec2-scheduler#2).

use end_to_end::{
    Function,
    testing::{account, due, guard_of, hours, mails_to},
};
use simulator::{Fault, Simulator, What};

use super::stop_calls;

const ENFORCE: &str = r#"
[rules.notebook-off-hours]
mode = "enforce"
grace = "10m"
[rules.missing-tag]
mode = "enforce"
remedy = "stop-after-grace"
grace = "1h"
required = { CostCenter = "[0-9]+" }
"#;

fn notebook(key: &str, value: &str) -> String {
    format!(
        "[[notebook]]\nname = \"n\"\ninstance-type = \"ml.t3.medium\"\n\
         tags = {{ Owner = \"ann@example.com\", CostCenter = \"1\", \"{key}\" = \"{value}\" }}\n"
    )
}

#[tokio::test]
async fn a_notebook_was_stopped_although_its_tag_said_keep() {
    for (key, value, stopped, told) in [
        ("cost-centre", "1", true, None),
        ("Cost-Guard:keep-until", "2026-12-31", false, Some("cost-guard:keep-until")),
        ("cost-guard:keep_until", "2026-12-31", false, Some("cost-guard:keep-until")),
        ("cost-guard:keep-until ", "2026-12-31", false, Some("cost-guard:keep-until")),
        ("costguard/keep-untill", "2026-12-31", false, Some("cost-guard:keep-until")),
        ("Cost-Guard:Schedule", "always", false, Some("cost-guard:schedule")),
        ("cost-guard:snooze", "yes", false, Some("none of the guard's")),
    ] {
        let account = account(&notebook(key, value));
        let guard = guard_of(Function::NotebookStopper, &account, ENFORCE);
        account.advance(hours(12));
        guard.run().await.unwrap();
        account.advance(hours(1));
        guard.run().await.unwrap();
        assert_eq!(0 < stop_calls(&account), stopped, "{key}");
        let mails = account.mails();
        let mails = mails_to(&mails, "ann@example.com");
        let named: Vec<_> = mails.iter().filter(|mail| mail.message.contains(&format!("its tag \"{key}\" cannot be read"))).collect();
        assert_eq!(named.len(), usize::from(told.is_some()), "{key}: told once: {mails:#?}");
        assert!(named.iter().zip(told).all(|(mail, told)| mail.message.contains(told)), "{key}: {named:#?}");
    }
}

#[tokio::test]
async fn the_owner_of_a_processing_job_never_heard_of_its_tag() {
    for (key, stopped) in [("Name", true), ("cost-guard:keep-untill", false)] {
        let account = account(&format!(
            "[[processing-job]]\nname = \"prep\"\nmax-runtime = \"20h\"\ntakes = \"20h\"\ncreated = \"-10m\"\n\
             tags = {{ Owner = \"ann@example.com\", \"{key}\" = \"2026-12-31\" }}\n"
        ));
        let guard = guard_of(Function::TagAuditor, &account, ENFORCE);
        guard.run().await.unwrap();
        let tells = |account: &Simulator| account.mails().iter().filter(|mail| mail.message.contains("(guard-tag-unreadable)")).count();
        assert_eq!(tells(&account), usize::from(!stopped), "{key}: {:#?}", account.mails());
        account.advance(hours(2));
        guard.wake(due()).await.unwrap();
        guard.run().await.unwrap();
        assert_eq!((0 < stop_calls(&account), tells(&account)), (stopped, usize::from(!stopped)), "{key}: {:#?}", account.mails());
    }
}

/// A night's job has the tags of the night before.
#[tokio::test]
async fn a_nightly_job_with_a_slip_is_told_of_once() {
    let night = |day: u32| {
        format!(
            "[[training-job]]\nname = \"score-202611{day}\"\ninstance-type = \"ml.m5.xlarge\"\nmax-runtime = \"20h\"\ntakes = \"3h\"\n\
             tags = {{ Owner = \"ann@example.com\", \"cost-guard:keep-untill\" = \"2026-12-31\" }}\ncreate = \"2026-11-{day} 01:30\"\n"
        )
    };
    let account = account(&(24..27).map(night).collect::<String>());
    let guard = guard_of(Function::TrainingJobSpotEnforcer, &account, "");
    account.advance(hours(18));
    let mut mails = vec![];
    for _ in 0..3 {
        assert!(!guard.run().await.unwrap().findings.is_empty());
        mails.push(account.mails().len());
        account.advance(hours(24));
    }
    assert_eq!(mails, [1, 1, 1]);
}

/// Most apps run in a space that belongs to one person. Her profile's tag was not read.
#[tokio::test]
async fn an_app_was_deleted_although_its_owners_profile_said_keep() {
    const APPS: &str = "[rules.studio-app-off-hours]\nmode = \"enforce\"\ngrace = \"10m\"\n";
    const EXEMPT: &str = "[[exempt]]\nmatch = { kind = \"user-profile\", name = \"Ann\" }\nuntil = \"2026-12-31\"\nreason = \"demo\"\n";
    for (profile, exempt, fault, is_stopped) in [
        ("", "", None, true),
        ("\"cost-guard:keep-until\" = \"2026-12-31\"", "", None, false),
        ("\"cost-guard:keep-untill\" = \"2026-12-31\"", "", None, false),
        ("\"cost-guard:schedule\" = \"always\"", "", None, false),
        ("", EXEMPT, None, false),
        ("", "", Some("sagemaker:ListSpaces"), false),
    ] {
        let account = account(&format!(
            "[[domain]]\nid = \"d-1\"\n[[user-profile]]\ndomain = \"d-1\"\nname = \"Ann\"\ntags = {{ Owner = \"ann@example.com\"{}{profile} }}\n\
             [[space]]\ndomain = \"d-1\"\nname = \"lab\"\nowner = \"Ann\"\n[[app]]\ndomain = \"d-1\"\nspace = \"lab\"\ntype = \"JupyterLab\"\ninstance-type = \"ml.m5.large\"\n",
            if profile.is_empty() { "" } else { ", " }
        ));
        if let Some(call) = fault {
            account.add_fault(Fault::new(call, What::AccessDenied));
        }
        let guard = guard_of(Function::NotebookStopper, &account, &format!("{APPS}{exempt}"));
        account.advance(hours(12));
        guard.run().await.unwrap();
        account.advance(hours(1));
        let report = guard.run().await.unwrap();
        assert_eq!(0 < account.calls().get("sagemaker:DeleteApp").copied().unwrap_or(0), is_stopped, "{profile} {fault:?}: {report:?}");
        assert_eq!(fault.is_some(), report.unread.iter().any(|unread| format!("{unread:?}").contains("ListSpaces")), "{report:?}");
        let mails = account.mails();
        assert_eq!(
            mails_to(&mails, "ann@example.com").is_empty(),
            !is_stopped && !profile.contains("untill"),
            "{profile} {fault:?}: {mails:?}"
        );
    }
}
