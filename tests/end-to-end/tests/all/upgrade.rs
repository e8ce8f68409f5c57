//! A new version reads the ledger of an older one: ledgers/<version>.json was written by that release, ledgers/next.json by this code.

use std::path::PathBuf;

use end_to_end::{Function, Guard, TABLE, project_file};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::{Estate, Simulator};

/// The estate of the releases' ledgers: resources that were warned of, stopped, exempted by their owners, reported, resubmitted or left open, and budgets.
const ESTATE: &str = r#"
region = "eu-central-1"
start = "2026-11-23T06:00:00Z"
trail = true
cost-allocation-tags = { Team = "always", Owner = "inactive" }
bucket = "finops"
[[notebook]]
name = "left-on"
instance-type = "ml.m5.xlarge"
since = "-2h"
tags = { Owner = "ann@example.com", Team = "nlp" }
plan = [{ at = "mon-fri 08:40", do = "start" }]
[[notebook]]
name = "left-on-later"
instance-type = "ml.m5.xlarge"
status = "Stopped"
since = "-2d"
tags = { Owner = "ann@example.com", Team = "nlp" }
plan = [{ at = "2026-11-24 18:30", do = "start" }]
[[notebook]]
name = "kept"
instance-type = "ml.m5.xlarge"
since = "-2h"
tags = { Owner = "bob@example.com", Team = "nlp", "cost-guard:keep-until" = "2026-11-30" }
[[notebook]]
name = "unreadable"
instance-type = "ml.m5.xlarge"
since = "-2h"
tags = { Owner = "bob@example.com", Team = "nlp", "cost-guard:schedule" = "when I like" }
[[notebook]]
name = "forgotten"
status = "Stopped"
since = "-60d"
volume-gb = 200
tags = { Owner = "carol@example.com", Team = "vision" }
[[training-job]]
name = "on-demand"
instance-type = "ml.m5.xlarge"
checkpoint = "s3://ml/{job}/checkpoints"
created = "-1h"
takes = "20h"
max-runtime = "1d"
tags = { Owner = "carol@example.com", Team = "vision" }
[[tuning-job]]
name = "tuned"
created = "-1h"
definition = [{ instance-type = "ml.m5.xlarge", takes = "2d", max-runtime = "3d" }]
tags = { Owner = "carol@example.com", Team = "vision" }
[[model]]
name = "nobodys"
[[spend]]
usage-type = "EUC1-Train:ml.g4dn.xlarge"
usd = 30
tags = { Team = "vision" }
[[budget]]
name = "ml-vision"
amount = 500
cost-filters = { Service = ["Amazon SageMaker"], TagKeyValue = ["user:Team$vision"] }
"#;

const POLICY: &str = r#"
owner-tags = ["Owner"]
team-tags = ["Team"]
[rules.notebook-off-hours]
mode = "enforce"
grace = "30m"
[rules.training-on-demand]
mode = "enforce"
remedy = "resubmit"
grace = "0s"
[rules.tuning-on-demand]
mode = "enforce"
remedy = "stop"
grace = "2d"
[rules.missing-tag]
mode = "enforce"
remedy = "stop-after-grace"
grace = "3d"
"#;

/// When the functions run, before the upgrade and after it.
const BEFORE: [&str; 5] =
    ["2026-11-23T07:00:00Z", "2026-11-23T19:00:00Z", "2026-11-23T19:45:00Z", "2026-11-24T09:00:00Z", "2026-11-24T19:05:00Z"];
const AFTER: [&str; 5] =
    ["2026-11-24T19:20:00Z", "2026-11-24T19:45:00Z", "2026-11-25T09:00:00Z", "2026-11-27T09:00:00Z", "2026-12-02T09:00:00Z"];

async fn live(account: &Simulator, guards: &[Guard], moments: &[&str]) {
    for moment in moments {
        account.live_until(moment.parse::<Timestamp>().unwrap());
        for guard in guards {
            guard.run().await.unwrap();
        }
    }
}

fn guards(account: &Simulator) -> Vec<Guard> {
    Function::ALL.iter().map(|function| Guard::of(*function, account, POLICY).unwrap()).collect()
}

async fn just_before_the_new_version() -> Simulator {
    let account = Simulator::start(Estate::from_toml(ESTATE).unwrap()).unwrap();
    live(&account, &guards(&account), &BEFORE).await;
    account
}

/// The mails and what happened to the resources.
fn history(account: &Simulator) -> Value {
    // Mails of one run have no order.
    let mut mails: Vec<_> = account.mails().into_iter().map(|mail| (mail.at, mail.subject, mail.message)).collect();
    mails.sort();
    let notebooks: Vec<_> = account.notebooks().into_iter().map(|one| (one.name, one.status, one.since)).collect();
    let jobs: Vec<_> = account.training_jobs().into_iter().map(|job| (job.name, job.status)).collect();
    let tunings: Vec<_> = account.tuning_jobs().into_iter().map(|job| (job.name, job.status)).collect();
    json!({"mails": mails, "notebooks": notebooks, "jobs": jobs, "tunings": tunings})
}

fn ledgers() -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(project_file("tests/end-to-end/ledgers")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn stored(path: &std::path::Path) -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_release_that_went_before_is_gone_on_from() {
    let undisturbed = just_before_the_new_version().await;
    let told = undisturbed.mail_count();
    live(&undisturbed, &guards(&undisturbed), &AFTER).await;
    assert!(told < undisturbed.mail_count() && undisturbed.notebook("left-on-later").unwrap().status == "Stopped");
    assert!(!ledgers().is_empty());
    for path in ledgers() {
        let account = just_before_the_new_version().await;
        account.restore_table(TABLE, &stored(&path)).unwrap();
        live(&account, &guards(&account), &AFTER).await;
        assert_eq!(history(&account), history(&undisturbed), "{}", path.display());
    }
}

/// `UPDATE_LEDGER=1 cargo test --workspace --test upgrade` writes the file again, after the ledger's content was changed. A release copies it under its
/// version.
#[tokio::test]
async fn what_this_version_leaves_is_kept_for_the_next_ones() {
    let account = just_before_the_new_version().await;
    let mut items = account.table_items(TABLE);
    items.iter_mut().for_each(Value::sort_all_objects);
    // Who claims a mail draws a number.
    items.iter_mut().filter_map(|item| item.pointer_mut("/claim/S")).for_each(|claim| *claim = "1".into());
    let path = project_file("tests/end-to-end/ledgers/next.json");
    if std::env::var_os("UPDATE_LEDGER").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&items).unwrap() + "\n").unwrap();
    }
    assert_eq!(items, stored(&path), "{} is not what this version writes: see above this test", path.display());
}
