//! `cost-guard rehearse`: the real binary on the history of a simulated account, and the same as what the guard itself does there.

use std::{fs, process::Output, time::Duration};

use end_to_end::{
    Function, Guard, project_file,
    testing::{account, account_at, hours, minutes},
};
use serde_json::{Value, json};
use simulator::{Estate, Fault, Simulator, What};

use crate::scan::{changing, interrupted, run, said};

const OFF_HOURS: &str =
    "timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n[rules.notebook-off-hours]\nmode = \"enforce\"\n";

/// Rehearses a policy on this account's last days, by its own clock.
fn rehearse(account: &Simulator, policy: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("policy.toml");
    fs::write(&file, policy).unwrap();
    let now = account.now().to_string();
    run(account, "rehearse", &[&["--policy", file.to_str().unwrap(), "--clock", &now], arguments].concat(), &[])
}

/// The same as JSON, with the exit status.
fn rehearsed(account: &Simulator, policy: &str, arguments: &[&str]) -> (i32, Value) {
    let (status, text, error) = said(&rehearse(account, policy, &[&["--format", "json"], arguments].concat()));
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{error}")))
}

/// When what was stopped.
fn stops(told: &Value) -> Vec<(String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    told["stops"].as_array().unwrap().iter().map(|one| (text(one, "at"), text(one, "name"))).collect()
}

fn month() -> Simulator {
    Simulator::start(Estate::read(&project_file("tests/end-to-end/estates/budget-month.toml")).unwrap()).unwrap()
}

/// On the 9th somebody starts a notebook and leaves it on; another one is stopped by its owner each evening.
#[tokio::test]
async fn a_rehearsal_of_the_month_stops_what_the_guard_stops() {
    let lived = month();
    lived.advance(hours(30 * 24));
    let (status, told) = rehearsed(&lived, OFF_HOURS, &[]);
    assert_eq!((status, &told["unread"]), (1, &json!([])), "{told:#}");
    assert_eq!(stops(&told), [("2026-11-09T19:30+01:00".to_owned(), "nlp-finetune-lab".to_owned())], "{told:#}");
    let stop = &told["stops"][0];
    assert_eq!((&stop["owner"], &stop["rules"], &stop["wrong"]), (&json!("ann@example.com"), &json!(["notebook-off-hours"]), &Value::Null));
    // Until the end: 21 days and eleven and a half hours at $2.54.
    assert!((1300.0..1320.0).contains(&stop["saved-usd"].as_f64().unwrap()), "{stop}");
    assert_eq!((&told["sums"]["warnings"], &told["mails"][0]["at-once"]), (&json!(1), &json!(2)), "{told:#}");

    // The guard itself in the same days.
    let guarded = month();
    guarded.advance(hours(3 * 24 + 8));
    guarded.advance(hours(5 * 24));
    let guard = Guard::of(Function::NotebookStopper, &guarded, OFF_HOURS).unwrap();
    let mut done = vec![];
    for _ in 0..3 * 24 * 4 {
        guarded.advance(minutes(15));
        let report = guard.run().await.unwrap();
        let now = guarded.now().to_zoned_datetime(cost_rules::time_zone::zone_named("Europe/Berlin").unwrap());
        let at = now.strftime("%Y-%m-%dT%H:%M%:z").to_string();
        let actions = report.actions.iter().filter(|action| action.outcome == "done");
        done.extend(actions.map(|action| (at.clone(), action.resource.rsplit('/').next().unwrap().to_owned())));
    }
    assert_eq!(stops(&told), done);
    assert!(lived.mails().is_empty());
    assert_eq!(changing(&lived), Vec::<String>::new());
}

/// Two notebooks, an app and an endpoint that nobody calls.
const ESTATE: &str = r#"
    [[notebook]]
    name = "night-owl"
    instance-type = "ml.m5.xlarge"
    status = "Stopped"
    since = "-5d"
    by = "ann"
    tags = { Owner = "ann@example.com", Team = "churn" }
    plan = [{ at = "mon-fri 09:00", do = "start" }, { at = "tue 18:50", do = "open" }, { at = "mon-fri 21:00", do = "stop" }]
    [[notebook]]
    name = "kept"
    instance-type = "ml.m5.xlarge"
    since = "-5d"
    tags = { Owner = "ann@example.com", "cost-guard:keep-until" = "2026-12-30" }
    [[notebook]]
    name = "short-lived"
    instance-type = "ml.t3.medium"
    create = "2026-11-24 09:00"
    tags = { Owner = "bob@example.com" }
    plan = [{ at = "2026-11-26 08:50", do = "stop" }, { at = "2026-11-26 09:00", do = "delete" }]
    [[domain]]
    id = "d-1"
    [[user-profile]]
    domain = "d-1"
    name = "cleo"
    tags = { Owner = "cleo@example.com" }
    [[app]]
    domain = "d-1"
    user-profile = "cleo"
    type = "KernelGateway"
    instance-type = "ml.m5.xlarge"
    status = "Deleted"
    since = "-5d"
    plan = [{ at = "wed 09:00", do = "start" }, { at = "thu 08:00", do = "delete" }]
    [[model]]
    name = "m"
    [[endpoint-config]]
    name = "forgotten"
    model = "m"
    instance-type = "ml.m5.xlarge"
    [[endpoint]]
    name = "forgotten"
    created = "-40d"
    tags = { Owner = "dan@example.com" }
"#;

const ENFORCE: &str = "timezone = \"Europe/Berlin\"\nowner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n[rules.notebook-off-hours]\nmode = \"enforce\"\n\
    [rules.studio-app-off-hours]\nmode = \"enforce\"\n[rules.endpoint-idle]\nmode = \"enforce\"\nremedy = \"hibernate\"\n";

#[test]
fn each_stop_has_its_owner_and_what_came_after_it() {
    let account = account_at("2026-11-23T00:00:00Z", ESTATE);
    account.advance(hours(5 * 24));
    let (status, told) = rehearsed(&account, ENFORCE, &["--days", "5"]);
    assert_eq!((status, &told["unread"]), (1, &json!([])), "{told:#}");
    let of = |name: &str| -> Vec<&Value> {
        told["stops"].as_array().unwrap().iter().filter(|stop| stop["name"].as_str().unwrap().contains(name)).collect()
    };
    let at = |name: &str| -> Vec<&str> { of(name).iter().map(|stop| stop["at"].as_str().unwrap()).collect() };
    let evening = |day: u32| format!("2026-11-{day}T19:30+01:00");
    // On Tuesday she opened it 20 minutes after the stop, and so she would have had to start it again: off hours, and left alone for four of them.
    assert_eq!(at("night-owl"), [23, 24, 25, 26, 27].map(evening));
    let wrong: Vec<&Value> = told["stops"].as_array().unwrap().iter().filter(|stop| !stop["wrong"].is_null()).collect();
    assert_eq!(wrong.len(), 1, "{told:#}");
    assert_eq!(wrong[0]["wrong"], json!({"at": "2026-11-24T18:50:00Z", "what": "opened", "by": "ann"}));
    assert_eq!((&told["sums"]["wrong"], &told["sums"]["stops"]), (&json!(1), &json!(told["stops"].as_array().unwrap().len())));
    // Deleted since: what it was is known from its creation.
    assert_eq!(at("short-lived"), [24].map(evening));
    assert_eq!(of("short-lived")[0]["owner"], "bob@example.com");
    // An app of a profile has the owner of the profile.
    assert_eq!(at("KernelGateway"), [25].map(evening));
    assert_eq!((&of("KernelGateway")[0]["owner"], &of("KernelGateway")[0]["action"]), (&json!("cleo@example.com"), &json!("delete-app")));
    assert_eq!(at("kept"), Vec::<&str>::new());
    // Warned of in the morning of the first day (07:45 UTC), and hibernated three days later.
    assert_eq!((at("forgotten"), &of("forgotten")[0]["action"]), (vec!["2026-11-26T08:45+01:00"], &json!("hibernate-endpoint")));
    assert_eq!(told["left-out"], json!([]), "{told:#}");
    assert_eq!(of("night-owl")[0]["after"], "it was stopped at Mon 2026-11-23 22:00 CET");
    // Metrics are read once: those of the endpoint, and those of the notebooks' idle agents.
    assert_eq!(account.calls()["cloudwatch:GetMetricData"], 2);
    let not: Vec<&Value> = told["not-rehearsed"].as_array().unwrap().iter().flat_map(|one| one["rules"].as_array().unwrap()).collect();
    assert!(not.contains(&&json!("training-on-demand")) && !not.contains(&&json!("notebook-off-hours")), "{not:?}");
    assert!(account.mails().is_empty());
    assert_eq!(changing(&account), Vec::<String>::new());
}

#[test]
fn every_format_tells_the_stops_and_what_is_not_known() {
    let account = account_at("2026-11-23T00:00:00Z", ESTATE);
    account.advance(hours(2 * 24));
    for format in ["table", "csv", "markdown"] {
        let (status, text, error) = said(&rehearse(&account, ENFORCE, &["--days", "2", "--format", format]));
        assert!(status == 1 && text.contains("night-owl") && text.contains("2026-11-24T19:30+01:00"), "{format}: {status} {text}{error}");
        let rest = if format == "csv" { &error } else { &text };
        assert!(rest.contains("Not known:") && rest.contains("training-on-demand"), "{format}: {text}{error}");
    }
}

#[test]
fn a_policy_that_only_reports_stops_nothing() {
    let account = account_at("2026-11-23T00:00:00Z", ESTATE);
    account.advance(hours(24));
    let (status, told) = rehearsed(&account, "timezone = \"Europe/Berlin\"\n", &["--days", "1"]);
    assert_eq!((status, &told["stops"], &told["sums"]["warnings"]), (0, &json!([]), &json!(0)), "{told:#}");
}

#[test]
fn bad_input_is_one_clear_line() {
    let empty = account("");
    let (status, text, _) = said(&rehearse(&empty, OFF_HOURS, &[]));
    assert!(status == 0 && text.contains("there is nothing to rehearse"), "{status}: {text}");
    let (status, text, error) = said(&rehearse(&empty, "[rules.notebook-idle]\nmode = \"of\"\n", &[]));
    assert!(status == 3 && text.is_empty() && error.contains("mode"), "{status}: {error}");
    let (status, _, error) = said(&rehearse(&empty, OFF_HOURS, &["--days", "91"]));
    assert!(status == 2 && error.contains("91 is not in 1..=90"), "{status}: {error}");
    let (status, _, error) = said(&rehearse(&empty, OFF_HOURS, &["--profile", "nobody"]));
    assert!(status == 2 && error.lines().count() == 1, "{status}: {error}");
    let (status, _, error) = said(&rehearse(&empty, OFF_HOURS, &["--region", "cn-north-1"]));
    assert!(status == 2 && error.contains("another partition"), "{status}: {error}");
    // CloudTrail keeps its events for 90 days from now, whatever time is rehearsed.
    let as_of = (empty.now() - hours(70 * 24)).to_string();
    let (status, text, error) = said(&rehearse(&empty, OFF_HOURS, &["--as-of", &as_of]));
    assert!(status == 2 && text.is_empty() && error.contains("CloudTrail has only the events since"), "{status}: {error}");
    let (status, text, error) = said(&rehearse(&empty, OFF_HOURS, &["--as-of", &as_of, "--days", "20"]));
    assert!(status == 0 && text.contains("nothing to rehearse"), "{status}: {text}{error}");
    let arguments = ["--policy", "/nonexistent/policy.toml"];
    let (status, _, error) = said(&run(&empty, "rehearse", &arguments, &[]));
    assert!(status == 3 && error.contains("cannot be read"), "{status}: {error}");
}

#[test]
fn who_interrupts_a_rehearsal_hears_that_there_is_none() {
    let account = account_at("2026-11-23T00:00:00Z", ESTATE);
    account.set_latency(Duration::from_millis(400));
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("policy.toml");
    fs::write(&file, ENFORCE).unwrap();
    let (policy, now) = (file.to_str().unwrap(), account.now().to_string());
    let (status, text, error) = interrupted(&account, "rehearse", &["--policy", policy, "--clock", &now]);
    assert!(status == 2 && text.is_empty() && error == "Interrupted: nothing was rehearsed.\n", "{status}: {text}{error}");
}

#[test]
fn what_aws_refuses_is_told_and_nothing_is_made_up() {
    let account = account_at("2026-11-23T00:00:00Z", ESTATE);
    account.advance(hours(24));
    account.add_fault(Fault::new("cloudtrail:LookupEvents", What::AccessDenied));
    let (status, text, error) = said(&rehearse(&account, ENFORCE, &["--days", "1"]));
    assert!(
        status == 2 && text.contains("CloudTrail's events of notebook instances (cloudtrail:LookupEvents): AccessDenied"),
        "{text}{error}"
    );
    assert!(!text.contains("night-owl"), "{text}");
    // A Region that the account has not enabled is one line.
    let closed = account_at("2026-11-23T00:00:00Z", ESTATE);
    let refused = What::Refuse("UnrecognizedClientException".into(), "The security token included in the request is invalid.".into());
    for service in ["sagemaker:*", "tagging:*", "cloudtrail:*", "application-autoscaling:*", "compute-optimizer:*", "cloudwatch:*"] {
        closed.add_fault(Fault::new(service, refused.clone()));
    }
    let (status, text, _) = said(&rehearse(&closed, ENFORCE, &["--days", "1"]));
    assert!(status == 2 && text.contains("* everything: AWS does not know the credentials there"), "{text}");
    // Two requests a second is all that CloudTrail takes: what is refused for that is asked for again.
    let slow = account_at("2026-11-23T00:00:00Z", ESTATE);
    slow.advance(hours(24));
    slow.add_fault(Fault::new("cloudtrail:LookupEvents", What::Throttle(3)));
    let (status, told) = rehearsed(&slow, OFF_HOURS, &["--days", "1"]);
    assert_eq!((status, stops(&told).len()), (1, 1), "{told:#}");
}
