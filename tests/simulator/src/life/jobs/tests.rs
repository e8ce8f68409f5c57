//! The life of training and tuning jobs: completion, stop, Spot, limits, warm pools, submissions, events, money.

use jiff::SignedDuration;
use rust_decimal::dec;
use serde_json::{Value, json};

use super::*;
use crate::{Estate, Fault, What, services};

fn world(estate: &str) -> World {
    World::new(Estate::from_toml(&format!("start = \"2026-11-23T08:00:00Z\"\n{estate}")).unwrap())
}

fn at(time: &str) -> Timestamp {
    let day = if time.len() < 9 { "2026-11-23T" } else { "" };
    format!("{day}{time}Z").parse().unwrap()
}

fn ask(world: &mut World, operation: &str, input: &Value) -> Value {
    services::call(world, "sagemaker", operation, input).map_err(|refusal| format!("{operation}: {}", refusal.message)).unwrap()
}

fn describe(world: &mut World, name: &str) -> Value {
    ask(world, "DescribeTrainingJob", &json!({"TrainingJobName": name}))
}

/// Each `SecondaryStatus` with its time, in minutes and seconds after the creation.
fn history(world: &World, name: &str) -> Vec<(String, String)> {
    let job = world.jobs.training.get(name).unwrap();
    let moment = |moment: &life::Moment| {
        let after = moment.at.duration_since(job.created()).as_secs();
        (moment.secondary.to_owned(), format!("{}:{:02}", after / 60, after % 60))
    };
    job.history().iter().map(moment).collect()
}

fn told(history: &[(String, String)]) -> String {
    history.iter().map(|(status, at)| format!("{at} {status}")).collect::<Vec<_>>().join(", ")
}

fn small(name: &str) -> Value {
    json!({
        "TrainingJobName": name, "RoleArn": "arn:aws:iam::123456789012:role/x",
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 7200},
    })
}

#[test]
fn lives_from_starting_to_its_end() {
    for (keys, life, status) in [
        ("", "0:00 Starting, 2:00 Downloading, 3:00 Training, 33:00 Uploading, 33:30 Completed", "Completed"),
        ("ends = \"Failed\"", "0:00 Starting, 2:00 Downloading, 3:00 Training, 33:00 Uploading, 33:30 Failed", "Failed"),
        ("ends = \"Stopped\"", "0:00 Starting, 2:00 Downloading, 3:00 Training, 33:00 Stopping, 35:00 Stopped", "Stopped"),
        (
            "pending = \"10m\"",
            "0:00 Starting, 0:10 Pending, 12:10 Downloading, 13:10 Training, 43:10 Uploading, 43:40 Completed",
            "Completed",
        ),
        ("max-runtime = \"11m\"", "0:00 Starting, 2:00 Downloading, 3:00 Training, 13:00 Stopping, 15:00 MaxRuntimeExceeded", "Stopped"),
        // The result so far is uploaded, although this exceeds the limit.
        ("max-runtime = \"31m 15s\"", "0:00 Starting, 2:00 Downloading, 3:00 Training, 33:00 Uploading, 33:30 Completed", "Completed"),
        // With a checkpoint it continues: ten minutes before the interruption, twenty after it.
        (
            "spot = true\ncheckpoint = \"s3://b/c\"\ninterruptions = [\"10m\"]",
            "0:00 Starting, 2:00 Downloading, 3:00 Training, 13:00 Interrupted, 18:00 Starting, 20:00 Downloading, 21:00 Training, 41:00 Uploading, 41:30 Completed",
            "Completed",
        ),
        // Without a checkpoint it starts from zero.
        (
            "spot = true\ninterruptions = [\"10m\"]",
            "0:00 Starting, 2:00 Downloading, 3:00 Training, 13:00 Interrupted, 18:00 Starting, 20:00 Downloading, 21:00 Training, 51:00 Uploading, 51:30 Completed",
            "Completed",
        ),
        // On-demand instances are not interrupted.
        ("interruptions = [\"10m\"]", "0:00 Starting, 2:00 Downloading, 3:00 Training, 33:00 Uploading, 33:30 Completed", "Completed"),
        (
            "spot = true\nmax-runtime = \"20m\"\nmax-wait = \"20m\"\nspot-pending = \"5h\"",
            "0:00 Starting, 0:10 Pending, 20:00 Stopping, 22:00 MaxWaitTimeExceeded",
            "Stopped",
        ),
        (
            "spot = true\nmax-runtime = \"40m\"\nmax-wait = \"45m\"\ninterruptions = [\"29m\"]",
            "0:00 Starting, 2:00 Downloading, 3:00 Training, 32:00 Interrupted, 37:00 Starting, 39:00 Downloading, 40:00 Training, 45:00 Stopping, 47:00 MaxWaitTimeExceeded",
            "Stopped",
        ),
    ] {
        let mut world = world(&format!("[[training-job]]\nname = \"a\"\ntakes = \"30m\"\ncreated = \"2026-11-23T08:00:00Z\"\n{keys}"));
        world.live_until(at("20:00:00"));
        assert_eq!((told(&history(&world, "a")).as_str(), world.jobs.training.get("a").unwrap().last().status), (life, status), "{keys}");
    }
}

#[test]
fn waiting_and_interruptions_are_not_billed() {
    let mut world = world(
        "[[training-job]]\nname = \"a\"\nspot = true\nspot-discount = 0.5\ntakes = \"30m\"\npending = \"1h\"\ncheckpoint = \"s3://b/c\"\ninterruptions = [\"10m\"]\nsince = \"-1s\"",
    );
    world.live_until(at("20:00:00"));
    let ended = describe(&mut world, "a");
    assert_eq!((ended["TrainingTimeInSeconds"].as_i64(), ended["BillableTimeInSeconds"].as_i64()), (Some(1950), Some(975)));
}

#[test]
fn a_warm_pool_is_reused_by_the_same_shape_or_expires() {
    let mut world = world(
        r#"
[[training-job]]
name = "first"
keep-alive = "30m"
takes = "20m"
created = "2026-11-23T08:00:00Z"
[[training-job]]
name = "other"
instance-count = 2
takes = "5m"
created = "2026-11-23T08:30:00Z"
[[training-job]]
name = "second"
takes = "5m"
keep-alive = "10m"
created = "2026-11-23T08:33:30Z"
[[training-job]]
name = "third"
takes = "5m"
created = "2026-11-23T09:00:00Z"
"#,
    );
    let pool = |world: &mut World, name: &str| describe(world, name).get("WarmPoolStatus").cloned().unwrap_or_default();
    world.live_until(at("08:10:00"));
    assert_eq!(pool(&mut world, "first"), json!({"Status": "InUse"}));
    // It ends at 08:23:30.
    world.live_until(at("08:33:00"));
    assert_eq!(
        pool(&mut world, "first"),
        json!({"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 570}),
        "another shape started"
    );
    world.live_until(at("08:34:00"));
    let reused = json!({"Status": "Reused", "ResourceRetainedBillableTimeInSeconds": 600, "ReusedByJob": "second"});
    assert_eq!((pool(&mut world, "first"), pool(&mut world, "second")), (reused, json!({"Status": "InUse"})));
    world.live_until(at("09:10:00"));
    assert_eq!(
        told(&history(&world, "second")),
        "0:00 Starting, 0:10 Downloading, 1:10 Training, 6:10 Uploading, 6:40 Completed",
        "a quick start"
    );
    assert_eq!(pool(&mut world, "second"), json!({"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 600}));
    assert_eq!(told(&history(&world, "third")[..2]), "0:00 Starting, 2:00 Downloading", "the pool had expired");
    assert_eq!(pool(&mut world, "third"), Value::Null);
    // 20 minutes of training with download and upload, and ten minutes of the warm pool.
    let first = world.bill(at("08:00:00")).into_iter().find(|line| line.name == "first").unwrap();
    assert_eq!((first.kind, first.ran.as_secs()), ("training-job", 1290 + 600));
    assert_eq!(first.usd, Some((dec!(0.23) * dec!(1890) / dec!(3600)).round_dp(6)));
}

#[test]
fn people_submit_again_and_again() {
    let mut world = world(
        r#"
[[training-job]]
name = "churn"
takes = "20m"
checkpoint = "s3://b/{job}/checkpoints"
hyper-parameters = { sagemaker_job_name = "{job}" }
tags = { Owner = "ann" }
submit = [{ at = "mon-fri 09:10", zone = "Europe/Berlin" }, { at = "2026-11-24 12:00" }]
"#,
    );
    assert!(world.jobs.training.iter().next().is_none(), "not there before");
    world.live_until(at("2026-11-24T23:00:00"));
    let jobs = world.training_jobs();
    let starts: Vec<&str> = jobs.iter().map(|job| &job.name[..job.name.len() - 4]).collect();
    assert_eq!(starts, ["churn-2026-11-23-08-10-00", "churn-2026-11-24-08-10-00", "churn-2026-11-24-12-00-00"]);
    let first = &jobs[0];
    assert_eq!(first.definition["CheckpointConfig"]["S3Uri"], format!("s3://b/{}/checkpoints", first.name));
    assert_eq!(first.definition["HyperParameters"]["sagemaker_job_name"], first.name.as_str());
    assert_eq!((first.status.as_str(), first.tags.get("Owner").map(String::as_str)), ("Completed", Some("ann")));
    // A new job whose name contains the first one's takes as long.
    let again = format!("{}-again", first.name);
    ask(&mut world, "CreateTrainingJob", &small(&again));
    ask(&mut world, "CreateTrainingJob", &small("unheard-of"));
    world.live_until(at("2026-11-25T07:00:00"));
    assert_eq!(told(&history(&world, &again)[2..4]), "3:00 Training, 23:00 Uploading");
    assert_eq!(told(&history(&world, "unheard-of")[2..4]), "3:00 Training, 63:00 Uploading", "an hour where nothing is known");
}

#[test]
fn each_change_of_state_is_an_event() {
    let mut world = world(
        "[[training-job]]\nname = \"a\"\nspot = true\ntakes = \"30m\"\nmax-wait = \"2d\"\ncheckpoint = \"s3://b/c\"\nsince = \"-1h\"\ntags = { Owner = \"ann\" }\nends = \"Failed\"\npending = \"1h\"",
    );
    assert!(world.take_events().is_empty(), "what was before the start has been delivered");
    world.live_until(at("10:00:00"));
    let events = world.take_events();
    let status =
        |event: &Value| format!("{}/{}", event["detail"]["TrainingJobStatus"], event["detail"]["SecondaryStatus"]).replace('"', "");
    let statuses: Vec<String> = events.iter().map(status).collect();
    assert_eq!(statuses, ["InProgress/Downloading", "InProgress/Training", "InProgress/Uploading", "Failed/Failed"]);
    let last = &events[3];
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:training-job/a";
    assert_eq!(
        (&last["detail-type"], &last["source"], &last["resources"]),
        (&json!("SageMaker Training Job State Change"), &json!("aws.sagemaker"), &json!([arn]))
    );
    let detail = &last["detail"];
    assert_eq!((&detail["Tags"], &detail["CreationTime"]), (&json!({"Owner": "ann"}), &json!(at("07:00:00").as_millisecond())));
    assert_eq!(detail["FailureReason"], "AlgorithmError: ExecuteUserScriptError: ExitCode 1");
    assert_eq!(detail["StoppingCondition"], json!({"MaxRuntimeInSeconds": 86400}));
    assert_eq!(detail["SecondaryStatusTransitions"][5]["Status"], "Failed");
    for absent in ["EnableManagedSpotTraining", "CheckpointConfig", "BillableTimeInSeconds", "TrainingTimeInSeconds", "WarmPoolStatus"] {
        assert_eq!(detail.get(absent), None, "{absent}");
    }
    world.faults.push(Fault::new("*", What::DuplicateEvents));
    world.faults.push(Fault::new("*", What::LateEvents("5m".parse().unwrap())));
    ask(&mut world, "CreateTrainingJob", &small("b"));
    world.live_until(at("10:04:00"));
    assert!(world.take_events().is_empty());
    world.live_until(at("10:05:00"));
    let late: Vec<String> = world.take_events().iter().map(status).collect();
    assert_eq!(late, ["InProgress/Starting", "InProgress/Starting"]);
}

#[test]
fn instances_of_several_kinds_are_billed_together() {
    let mut world = world(
        r#"
[[training-job]]
name = "groups"
takes = "58m 30s"
created = "2026-11-23T08:00:00Z"
instance-groups = [
    { name = "cpu", instance-type = "ml.m5.xlarge", instance-count = 2 },
    { name = "gpu", instance-type = "ml.m5.4xlarge", instance-count = 1 },
]
[[training-job]]
name = "any"
takes = "58m 30s"
created = "2026-11-23T08:00:00Z"
instance-preferences = ["ml.m5.xlarge", "ml.m5.4xlarge"]
[[training-job]]
name = "none"
created = "2026-11-23T08:00:00Z"
serverless = "FineTuning"
"#,
    );
    world.live_until(at("10:00:00"));
    let bill: BTreeMap<String, BillLine> = world.bill(at("08:00:00")).into_iter().map(|line| (line.name.clone(), line)).collect();
    assert_eq!(
        (bill["groups"].usd, bill["groups"].instance_type.as_str()),
        (Some(dec!(2) * dec!(0.23) + dec!(0.922)), "ml.m5.xlarge + ml.m5.4xlarge")
    );
    assert_eq!(bill["any"].usd, Some(dec!(0.23)));
    assert_eq!(bill["none"].usd, Some(dec!(0)));
    let any = describe(&mut world, "any");
    assert_eq!((&any["ResourceConfig"]["SelectedInstanceType"], any["ResourceConfig"].get("InstanceType")), (&json!("ml.m5.xlarge"), None));
    assert_eq!(describe(&mut world, "groups")["ResourceConfig"]["InstanceGroups"][1]["InstanceGroupName"], "gpu");
}

#[test]
fn only_what_is_after_the_start_is_billed() {
    let mut world = world("[[training-job]]\nname = \"a\"\nsince = \"-30m\"\ntakes = \"1h\"");
    world.live_until(at("08:10:00"));
    assert_eq!(world.bill(at("08:00:00"))[0].ran, SignedDuration::from_mins(10));
    world.live_until(at("10:00:00"));
    assert_eq!(world.bill(at("08:00:00"))[0].ran.as_secs(), 3 * 60 + 30 * 60 + 30);
}

const TUNING: &str = r#"
[[tuning-job]]
name = "Tune"
jobs = 5
parallel = 2
created = "2026-11-23T08:00:00Z"
tags = { Owner = "ann" }
definition = [{ spot = true, max-runtime = "2h", max-wait = "3h", takes = "20m", hyper-parameters = { epochs = "3" } }]
"#;

fn tuning(world: &mut World, name: &str) -> Value {
    ask(world, "DescribeHyperParameterTuningJob", &json!({"HyperParameterTuningJobName": name}))
}

#[test]
fn a_tuning_job_runs_its_children_a_few_at_a_time() {
    let mut world = world(TUNING);
    world.live_until(at("08:10:00"));
    let described = tuning(&mut world, "Tune");
    assert_eq!(
        described["TrainingJobStatusCounters"],
        json!({"Completed": 0, "InProgress": 2, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0})
    );
    assert_eq!(described["TrainingJobDefinition"]["EnableManagedSpotTraining"], true);
    world.live_until(at("08:30:00"));
    assert_eq!(tuning(&mut world, "Tune")["TrainingJobStatusCounters"]["Completed"], 2);
    world.live_until(at("12:00:00"));
    let ended = tuning(&mut world, "Tune");
    // Three rounds of 23:30 each.
    assert_eq!(
        (&ended["HyperParameterTuningJobStatus"], &ended["ConsumedResources"]["RuntimeInSeconds"]),
        (&json!("Completed"), &json!(3 * (23 * 60 + 30)))
    );
    assert_eq!(ended["ObjectiveStatusCounters"], json!({"Succeeded": 5, "Pending": 0, "Failed": 0}));
    let input = json!({"HyperParameterTuningJobName": "Tune", "SortBy": "FinalObjectiveMetricValue", "MaxResults": 3});
    let children = ask(&mut world, "ListTrainingJobsForHyperParameterTuningJob", &input);
    assert_eq!(children["TrainingJobSummaries"][0]["TrainingJobName"], ended["BestTrainingJob"]["TrainingJobName"]);
    let jobs = world.training_jobs();
    let parent = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tune";
    assert!(
        jobs.iter().all(|job| job.spot
            && job.tuning_job_arn.as_deref() == Some(parent)
            && job.tags.get("Owner").is_some_and(|owner| owner == "ann"))
    );
    let child = describe(&mut world, &jobs[1].name);
    assert_eq!(
        (&child["TuningJobArn"], &child["HyperParameters"]),
        (&json!(parent), &json!({"_tuning_objective_metric": "validation:loss", "epochs": "3", "learning_rate": "0.0109"}))
    );
    let events = world.take_events();
    let of_tuning: Vec<&Value> =
        events.iter().filter(|event| event["detail-type"] == "SageMaker HyperParameter Tuning Job State Change").collect();
    let statuses: Vec<&Value> = of_tuning.iter().map(|event| &event["detail"]["HyperParameterTuningJobStatus"]).collect();
    assert_eq!(statuses, ["Completed"], "it was created before the start");
    assert_eq!(of_tuning[0]["detail"]["TrainingJobDefinition"].get("EnableManagedSpotTraining"), None);
}

#[test]
fn a_tuning_job_gives_up_after_five_failures_and_may_be_planted_with_children_without_spot() {
    let mut world = world(
        &TUNING
            .replace("definition = [{", "children-without-spot = true\ndefinition = [{ ends = \"Failed\",")
            .replace("jobs = 5", "jobs = 50"),
    );
    world.live_until(at("12:00:00"));
    let failed = tuning(&mut world, "Tune");
    assert_eq!(failed["HyperParameterTuningJobStatus"], "Failed");
    assert_eq!(
        failed["FailureReason"],
        "No training job succeeded after 5 attempts. Please take a look at the training job failures to get more details."
    );
    assert!(world.tuning_jobs()[0].spot);
    assert!(world.training_jobs().iter().all(|job| !job.spot && job.definition["StoppingCondition"].get("MaxWaitTimeInSeconds").is_none()));
}

#[test]
fn a_tuning_job_of_the_past_has_had_its_children() {
    let mut world = world(&TUNING.replace("created = \"2026-11-23T08:00:00Z\"", "created = \"-25m\""));
    let now = tuning(&mut world, "Tune");
    assert_eq!((&now["TrainingJobStatusCounters"]["Completed"], &now["TrainingJobStatusCounters"]["InProgress"]), (&json!(2), &json!(2)));
    assert!(world.take_events().is_empty());
    world.live_until(at("08:30:00"));
    assert!(!world.take_events().is_empty());
}

#[test]
fn an_estate_that_aws_would_refuse_is_refused() {
    for (toml, says) in [
        ("[[training-job]]\ntakes = \"1h\"", "[[training-job]]: `name` is missing"),
        ("[[training-job]]\nname = \"a_b\"", "a name has letters, digits and dashes"),
        ("[[training-job]]\nname = \"a\"\ncount = 3", "write {} into the name"),
        ("[[training-job]]\nname = \"a\"\n[[training-job]]\nname = \"a\"", "two of this name"),
        ("[[training-job]]\nname = \"a\"\nstatus = \"Running\"", "status is \"Running\": expected one of InProgress, Completed"),
        ("[[training-job]]\nname = \"a\"\nends = \"Crashed\"", "ends is \"Crashed\""),
        ("[[training-job]]\nname = \"a\"\nspto = true", "unknown field `spto`"),
        ("[[training-job]]\nname = \"a\"\nmax-wait = \"1h\"", "without `spot`"),
        ("[[training-job]]\nname = \"a\"\nspot = true\nmax-wait = \"1h\"", "max-wait is less than max-runtime (1d)"),
        ("[[training-job]]\nname = \"a\"\nspot = true\nkeep-alive = \"1h\"", "`keep-alive` and `spot`"),
        ("[[training-job]]\nname = \"a\"\nspot = true\ninstance-preferences = [\"ml.m5.xlarge\"]", "`instance-preferences` and `spot`"),
        ("[[training-job]]\nname = \"a\"\nspot-discount = 70", "write 0.7 for 70 %"),
        ("[[training-job]]\nname = \"a\"\nimage = \"x\"\nalgorithm = \"y\"", "either `image` or `algorithm`"),
        ("[[training-job]]\nname = \"a\"\nsince = \"-1h\"\ncreated = \"-1h\"", "either `since` or `created`"),
        ("[[training-job]]\nname = \"a\"\nstatus = \"InProgress\"\nsince = \"-3h\"\ntakes = \"1h\"", "but it is Completed by the start"),
        ("[[training-job]]\nname = \"a\"\nstatus = \"Completed\"\ncreated = \"-3h\"", "write `since`"),
        ("[[training-job]]\nname = \"a\"\nstatus = \"Completed\"\nsince = \"2999-01-01T00:00:00Z\"", "cannot be later"),
        ("[[training-job]]\nname = \"a\"\nsince = \"-1h\"\nsubmit = [{ at = \"mon 09:00\" }]", "leave out status, since"),
        ("[[training-job]]\nname = \"a\"\nsubmit = [{ at = \"monday\" }]", "`monday` is not a time of a plan"),
        ("[[training-job]]\nname = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\nsubmit = [{ at = \"mon 09:00\" }]", "39 at most"),
        ("[[tuning-job]]\njobs = 1", "[[tuning-job]]: `name` is missing"),
        ("[[tuning-job]]\nname = \"a\"", "`definition` is missing"),
        ("[[tuning-job]]\nname = \"a\"\ndefinition = [{}, {}]", "each has a `name`"),
        ("[[tuning-job]]\nname = \"a\"\nparallel = 0\ndefinition = [{}]", "at least 1"),
        ("[[tuning-job]]\nname = \"a\"\nstrategy = \"Luck\"\ndefinition = [{}]", "expected one of Bayesian"),
        ("[[tuning-job]]\nname = \"a\"\ndefinition = [{ since = \"-1h\" }]", "not for a tuning job's definitions"),
    ] {
        let error = format!("{:#}", Estate::from_toml(toml).unwrap_err());
        assert!(error.contains(says), "{toml}: {error}");
    }
}
