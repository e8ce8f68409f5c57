//! Every sample event in events/, and the functions that it is for.

use end_to_end::{Function, Guard, deploy, project_file};
use serde_json::Value;
use simulator::{Estate, Simulator};

fn samples() -> Vec<(String, Value)> {
    let mut samples: Vec<(String, Value)> = std::fs::read_dir(project_file("events"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let event = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), event)
        })
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

/// Whether a sample is for a function.
fn is_for(sample: &str, function: Function) -> bool {
    match sample {
        "schedule" | "scheduler-without-input" | "dry-run" => true,
        "due-only" => matches!(function, Function::EndpointAutoscaler | Function::TagAuditor | Function::TrainingJobSpotEnforcer),
        _ if sample.starts_with("budget-") => function == Function::BudgetAlerter,
        "resources" => matches!(function, Function::NotebookStopper | Function::TagAuditor),
        "detach" | "hibernate" | "restore" => function == Function::EndpointAutoscaler,
        "period" => function == Function::CostReporter,
        "endpoint-resources" => matches!(function, Function::EndpointAutoscaler | Function::InferenceAdvisor | Function::TagAuditor),
        "training-resources" => matches!(function, Function::TrainingJobSpotEnforcer | Function::TagAuditor),
        _ if sample.starts_with("creation-") => function == Function::TagAuditor,
        _ if sample.starts_with("training-") || sample.starts_with("tuning-") => function == Function::TrainingJobSpotEnforcer,
        _ if sample.starts_with("endpoint-") => function == Function::EndpointAutoscaler,
        _ if sample.starts_with("notebook-") => function == Function::NotebookStopper,
        other => panic!("{other}.json: whose is it?"),
    }
}

#[tokio::test]
async fn each_sample_is_read_by_the_functions_it_is_for_and_refused_by_the_others() {
    let readme = std::fs::read_to_string(project_file("events/README.md")).unwrap();
    for (name, event) in samples() {
        assert!(readme.contains(&format!("`{name}.json`")), "events/README.md does not tell of {name}.json");
        for function in Function::ALL {
            let account = Simulator::start(Estate::from_toml("region = \"eu-central-1\"").unwrap()).unwrap();
            let report = Guard::of(function, &account, "").unwrap().wake(event.clone()).await;
            assert_eq!(report.is_ok(), is_for(&name, function), "{name}.json to {}: {report:?}", function.name());
            if let Err(error) = report {
                assert!(format!("{error:#}").contains("expected"), "{name}.json to {}: {error:#}", function.name());
            }
        }
    }
}

/// Samples that no rule of the template matches: a status that does not exist yet, and a call that AWS refused.
const PASSED_OVER: [&str; 2] = ["training-job-of-a-new-status", "creation-that-failed"];

#[test]
fn each_sample_is_delivered_by_the_template_to_the_functions_it_is_for() {
    // The budget topic in the samples has this name.
    let estate = "region = \"eu-central-1\"\nbudget-topic = \"cost-guard-budgets\"";
    let account = Simulator::start(Estate::from_toml(estate).unwrap()).unwrap();
    let stack = deploy(&account, &[]).unwrap();
    let mut delivered = 0;
    for (name, event) in samples() {
        let comes_by_itself = event.get("Records").is_some() || event.get("source").is_some_and(|source| source != "aws.events");
        let is_for = |function: &&Function| comes_by_itself && !PASSED_OVER.contains(&name.as_str()) && is_for(&name, **function);
        let expected: Vec<&str> = Function::ALL.iter().filter(is_for).map(|function| function.name()).collect();
        assert_eq!(stack.targets(&event).unwrap(), expected, "{name}.json");
        delivered += expected.len();
    }
    assert!(20 <= delivered, "{delivered} of the samples come by a rule or a topic");
}
