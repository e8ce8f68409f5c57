//! Every sample event in events/, and which functions it is for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use end_to_end::{Function, Guard, project_file};
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

/// Whose an event is, by its name.
fn is_for(sample: &str, function: Function) -> bool {
    match sample {
        "schedule" | "scheduler-without-input" | "dry-run" => true,
        "due-only" => matches!(function, Function::TagAuditor | Function::TrainingJobSpotEnforcer),
        _ if sample.starts_with("budget-") => function == Function::BudgetAlerter,
        "resources" => matches!(function, Function::NotebookStopper | Function::TagAuditor),
        "training-resources" => matches!(function, Function::TrainingJobSpotEnforcer | Function::TagAuditor),
        _ if sample.starts_with("creation-") => function == Function::TagAuditor,
        _ if sample.starts_with("training-") || sample.starts_with("tuning-") => function == Function::TrainingJobSpotEnforcer,
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
