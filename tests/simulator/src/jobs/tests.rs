//! The life of training and tuning jobs: completion, stop, Spot, limits, warm pools, submissions, events, money.

use jiff::SignedDuration;
use rust_decimal::dec;
use serde_json::{Value, json};

use super::*;
use crate::{Estate, Fault, What, sagemaker::call, wire::Refusal};

fn world(estate: &str) -> World {
    World::new(Estate::from_toml(&format!("start = \"2026-11-23T08:00:00Z\"\n{estate}")).unwrap())
}

fn at(time: &str) -> Timestamp {
    let day = if time.len() < 9 { "2026-11-23T" } else { "" };
    format!("{day}{time}Z").parse().unwrap()
}

fn ask(world: &mut World, operation: &str, input: &Value) -> Value {
    call(world, operation, input).map_err(|refusal| format!("{operation}: {}", refusal.message)).unwrap()
}

fn refused(world: &mut World, operation: &str, input: &Value) -> Refusal {
    call(world, operation, input).unwrap_err()
}

fn describe(world: &mut World, name: &str) -> Value {
    ask(world, "DescribeTrainingJob", &json!({"TrainingJobName": name}))
}

/// `SecondaryStatus` and when it came, as minutes and seconds after the creation.
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
        // What is trained by then is uploaded, though that goes beyond the limit.
        ("max-runtime = \"31m 15s\"", "0:00 Starting, 2:00 Downloading, 3:00 Training, 33:00 Uploading, 33:30 Completed", "Completed"),
        // With a checkpoint it goes on: ten minutes before the interruption, twenty after it.
        (
            "spot = true\ncheckpoint = \"s3://b/c\"\ninterruptions = [\"10m\"]",
            "0:00 Starting, 2:00 Downloading, 3:00 Training, 13:00 Interrupted, 18:00 Starting, 20:00 Downloading, 21:00 Training, 41:00 Uploading, 41:30 Completed",
            "Completed",
        ),
        // Without one it begins again.
        (
            "spot = true\ninterruptions = [\"10m\"]",
            "0:00 Starting, 2:00 Downloading, 3:00 Training, 13:00 Interrupted, 18:00 Starting, 20:00 Downloading, 21:00 Training, 51:00 Uploading, 51:30 Completed",
            "Completed",
        ),
        // On demand nothing interrupts it.
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
fn a_description_has_the_times_of_an_end_and_the_spot_discount() {
    let mut world =
        world("[[training-job]]\nname = \"a\"\nspot = true\ntakes = \"30m\"\ninstance-count = 2\nspot-discount = 0.7\nsince = \"-1m\"\n");
    let running = describe(&mut world, "a");
    assert_eq!((&running["TrainingJobStatus"], &running["ModelArtifacts"]["S3ModelArtifacts"]), (&json!("InProgress"), &json!("")));
    for absent in [
        "TrainingStartTime",
        "TrainingEndTime",
        "TrainingTimeInSeconds",
        "BillableTimeInSeconds",
        "FailureReason",
        "Tags",
        "WarmPoolStatus",
    ] {
        assert_eq!(running.get(absent), None, "{absent}");
    }
    world.live_until(at("09:00:00"));
    let ended = describe(&mut world, "a");
    // From the download to the upload's end.
    let seconds = 60 + 30 * 60 + 30;
    assert_eq!((ended["TrainingTimeInSeconds"].as_i64(), ended["BillableTimeInSeconds"].as_i64()), (Some(seconds), Some(567)));
    let start = ended["TrainingStartTime"].as_f64().unwrap();
    assert!((ended["TrainingEndTime"].as_f64().unwrap() - start - 1890.0).abs() < 0.01);
    assert_eq!(ended["ModelArtifacts"]["S3ModelArtifacts"], "s3://ml-company/output/a/output/model.tar.gz");
    let line = &world.bill(at("08:00:00"))[0];
    assert_eq!((line.kind, line.ran.as_secs()), ("spot-training-job", seconds));
    assert_eq!(line.usd, Some((dec!(0.23) * dec!(2) * dec!(567) / dec!(3600)).round_dp(6)), "price × instances × billable seconds");
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
fn a_stop_takes_two_minutes_and_an_ended_job_cannot_be_stopped() {
    let mut world = world(
        "[[training-job]]\nname = \"a\"\nsince = \"-30m\"\n[[training-job]]\nname = \"b\"\nsince = \"-1m\"\n[[training-job]]\nname = \"c\"\nstatus = \"Failed\"",
    );
    for name in ["a", "b"] {
        ask(&mut world, "StopTrainingJob", &json!({"TrainingJobName": name}));
        ask(&mut world, "StopTrainingJob", &json!({"TrainingJobName": name}));
    }
    assert_eq!(describe(&mut world, "a")["SecondaryStatus"], "Stopping");
    world.live_until(at("08:02:00"));
    let (trained, never) = (describe(&mut world, "a"), describe(&mut world, "b"));
    assert_eq!((&trained["TrainingJobStatus"], trained["TrainingTimeInSeconds"].as_i64()), (&json!("Stopped"), Some(30 * 60)));
    assert_eq!((&never["TrainingJobStatus"], never.get("TrainingTimeInSeconds")), (&json!("Stopped"), None), "it had no instances yet");
    let model = |job: &Value| job["ModelArtifacts"]["S3ModelArtifacts"].as_str().unwrap().to_owned();
    assert_eq!((model(&trained).as_str(), model(&never).as_str()), ("s3://ml-company/output/a/output/model.tar.gz", ""));
    for (name, text) in [
        ("a", "The request was rejected because the training job is in status Stopped."),
        ("c", "The request was rejected because the training job is in status Failed."),
        ("nobody", "Requested resource not found."),
    ] {
        let refusal = refused(&mut world, "StopTrainingJob", &json!({"TrainingJobName": name}));
        assert_eq!((refusal.code, refusal.message.as_str()), ("ValidationException", text));
    }
    assert_eq!(describe(&mut world, "c")["FailureReason"], "AlgorithmError: ExecuteUserScriptError: ExitCode 1");
}

#[test]
fn creation_is_refused_in_aws_words() {
    let mut world = world("");
    let with = |changes: &[(&str, Value)]| {
        let mut job = small("a");
        for (pointer, value) in changes {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            job.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        job
    };
    let spot = ("/EnableManagedSpotTraining", json!(true));
    let waits = ("/StoppingCondition/MaxWaitTimeInSeconds", json!(7200));
    let tags: Vec<Value> = (0..51).map(|number| json!({"Key": number.to_string(), "Value": "x"})).collect();
    for (changes, says) in [
        (
            vec![("/TrainingJobName", json!("a_b"))],
            "Value 'a_b' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (vec![("/TrainingJobName", json!("a".repeat(64)))], "Member must have length less than or equal to 63"),
        (vec![("/RoleArn", json!("role"))], "at 'roleArn' failed to satisfy constraint"),
        (vec![spot.clone()], "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"),
        (vec![spot.clone(), ("/StoppingCondition/MaxWaitTimeInSeconds", json!(7199))], "It must be present and be greater"),
        (vec![waits.clone()], "It is only supported when EnableManagedSpotTraining is set to true"),
        (
            vec![spot.clone(), waits.clone(), ("/ResourceConfig/KeepAlivePeriodInSeconds", json!(60))],
            "KeepAlivePeriodInSeconds is not supported",
        ),
        (
            vec![
                spot.clone(),
                waits.clone(),
                ("/ResourceConfig", json!({"InstancePreferences": [{"InstanceType": "ml.g5.xlarge", "InstanceCount": 1}]})),
            ],
            "InstancePreferences is not supported",
        ),
        (
            vec![
                spot.clone(),
                waits.clone(),
                ("/AlgorithmSpecification/TrainingImage", json!("1.dkr.ecr.x.amazonaws.com/forecasting-deepar:1")),
            ],
            "above 3600 is not supported for the given algorithm",
        ),
        (
            vec![("/ResourceConfig/KeepAlivePeriodInSeconds", json!(21601))],
            "Value '21601' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must have value less than or equal to 21600",
        ),
        (vec![("/ResourceConfig/SelectedInstanceType", json!("ml.g5.xlarge"))], "SelectedInstanceType is read-only"),
        (vec![("/ResourceConfig/InstanceType", json!("m5.xlarge"))], "at 'resourceConfig.instanceType'"),
        (vec![("/ResourceConfig", json!({"VolumeSizeInGB": 1}))], "Exactly one of InstanceType, InstanceGroups and InstancePreferences"),
        (
            vec![("/StoppingCondition/MaxRuntimeInSeconds", json!(0))],
            "at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (vec![("/StoppingCondition/MaxRuntimeInSeconds", json!(2_419_201))], "Member must have value less than or equal to 2419200"),
        (
            vec![("/CheckpointConfig", json!({"S3Uri": "bucket/x"}))],
            "Value 'bucket/x' at 'checkpointConfig.s3Uri' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(https|s3)://([^/]+)/?(.*)$",
        ),
        (vec![("/OutputDataConfig", json!({"S3OutputPath": "s3://"}))], "at 'outputDataConfig.s3OutputPath'"),
        (
            vec![("/AlgorithmSpecification", json!({"TrainingImage": "x", "TrainingInputMode": "Files"}))],
            "Member must satisfy enum value set: [Pipe, File, FastFile]",
        ),
        (vec![("/Tags", json!(tags))], "at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"),
        (vec![("/Tags", json!([{"Key": "a", "Value": "(b)"}]))], "regular expression pattern"),
        (vec![("/Tags", json!([{"Key": "aws:x", "Value": "b"}]))], "aws:"),
    ] {
        let refusal = refused(&mut world, "CreateTrainingJob", &with(&changes));
        assert!(refusal.code == "ValidationException" && refusal.message.contains(says), "{says}: {} {}", refusal.code, refusal.message);
    }
    ask(&mut world, "CreateTrainingJob", &with(&[spot, waits]));
    let refusal = refused(&mut world, "CreateTrainingJob", &small("A"));
    let says = "Training job names must be unique within an AWS account and region, and a training job with this name already exists (arn:aws:sagemaker:us-east-1:123456789012:training-job/a)";
    assert_eq!((refusal.code, refusal.message.as_str()), ("ResourceInUse", says));
}

#[test]
fn what_is_given_comes_back() {
    let mut world = world("");
    let mut given = small("Whole");
    for (name, value) in [
        ("HyperParameters", json!({"epochs": "3", "sagemaker_job_name": "\"Whole\""})),
        (
            "InputDataConfig",
            json!([{"ChannelName": "train", "CompressionType": "Gzip", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://a/b"}}}]),
        ),
        ("VpcConfig", json!({"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]})),
        ("Environment", json!({"A": "b"})),
        ("RetryStrategy", json!({"MaximumRetryAttempts": 3})),
        ("EnableNetworkIsolation", json!(true)),
        ("ProfilerConfig", json!({"DisableProfiler": true})),
        ("InfraCheckConfig", json!({"EnableInfraCheck": false})),
    ] {
        given[name] = value;
    }
    given["Tags"] = json!([{"Key": "Owner", "Value": "ann"}]);
    given["SessionChainingConfig"] = json!({"EnableSessionTagChaining": true});
    ask(&mut world, "CreateTrainingJob", &given);
    let described = describe(&mut world, "Whole");
    for (name, value) in given.as_object().unwrap() {
        match name.as_str() {
            "Tags" | "SessionChainingConfig" => assert_eq!(described.get(name), None, "{name} is not read back"),
            "OutputDataConfig" => {
                assert_eq!(described[name], json!({"S3OutputPath": "s3://bucket/output", "KmsKeyId": "", "CompressionType": "GZIP"}));
            }
            "InputDataConfig" => assert_eq!(
                (&described[name][0]["CompressionType"], &described[name][0]["RecordWrapperType"]),
                (&json!("Gzip"), &json!("None"))
            ),
            _ => assert_eq!(&described[name], value, "{name}"),
        }
    }
    assert_eq!(described["TrainingJobArn"], "arn:aws:sagemaker:us-east-1:123456789012:training-job/whole");
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
    // 20 minutes' training with its download and upload, and ten minutes of the pool.
    let first = world.bill(at("08:00:00")).into_iter().find(|line| line.name == "first").unwrap();
    assert_eq!((first.kind, first.ran.as_secs()), ("training-job", 1290 + 600));
    assert_eq!(first.usd, Some((dec!(0.23) * dec!(1890) / dec!(3600)).round_dp(6)));
    let listed = ask(&mut world, "ListTrainingJobs", &json!({"WarmPoolStatusEquals": "Terminated"}));
    assert_eq!(names(&listed), ["second"]);
}

fn names(answer: &Value) -> Vec<&str> {
    let list = ["TrainingJobSummaries", "HyperParameterTuningJobSummaries"].iter().find_map(|list| answer.get(*list)).unwrap();
    let name = |one: &'_ Value| ["TrainingJobName", "HyperParameterTuningJobName"].iter().find_map(|name| one.get(*name)).cloned();
    assert!(list.as_array().unwrap().iter().all(|one| name(one).is_some()));
    list.as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one.get("TrainingJobName").or(one.get("HyperParameterTuningJobName"))?.as_str())
        .collect()
}

/// All pages, and how many there were of which size.
fn pages(world: &mut World, mut input: Value) -> (Vec<String>, Vec<usize>) {
    let (mut all, mut sizes) = (vec![], vec![]);
    loop {
        let page = ask(world, "ListTrainingJobs", &input);
        sizes.push(names(&page).len());
        all.extend(names(&page).into_iter().map(str::to_owned));
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => return (all, sizes),
        }
    }
}

const SOME: &str = r#"
[[training-job]]
name = "old-{}"
count = 25
apart = "1h"
status = "Completed"
since = "-1d"
takes = "30m"
[[training-job]]
name = "Running"
since = "-10m"
tags = { team = "nlp" }
[[training-job]]
name = "failed"
status = "Failed"
since = "-2d"
spot = true
"#;

#[test]
fn pages_are_cut_before_the_status_is_looked_at() {
    let mut world = world(SOME);
    let (running, sizes) =
        pages(&mut world, json!({"StatusEquals": "InProgress", "SortBy": "CreationTime", "SortOrder": "Ascending", "MaxResults": 10}));
    assert_eq!((running.as_slice(), sizes.as_slice()), (&["Running".to_owned()][..], &[0, 0, 1][..]), "empty pages that are not the last");
    let first = ask(&mut world, "ListTrainingJobs", &json!({}));
    assert_eq!((names(&first).len(), names(&first)[0]), (10, "Running"), "the most current first where nothing is said");
}

#[test]
fn every_order_lists_all_once() {
    let mut world = world(SOME);
    for by in ["Name", "CreationTime", "Status"] {
        for order in ["Ascending", "Descending"] {
            let (mut all, sizes) = pages(&mut world, json!({"SortBy": by, "SortOrder": order, "MaxResults": 10}));
            assert_eq!(sizes, [10, 10, 7], "{by} {order}");
            let reversed = order == "Descending";
            if reversed {
                all.reverse();
            }
            match by {
                "Name" => assert_eq!((all[0].as_str(), all[26].as_str()), ("failed", "Running")),
                "CreationTime" => assert_eq!((all[0].as_str(), all[1].as_str(), all[26].as_str()), ("failed", "old-00024", "Running")),
                _ => assert_eq!((all[25].as_str(), all[26].as_str()), ("failed", "Running"), "Completed, Failed, InProgress"),
            }
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), 27, "{by} {order}");
        }
    }
    let seconds = |time: &str| crate::wire::seconds(at(time));
    for (filter, count) in [
        (json!({"CreationTimeAfter": seconds("2026-11-22T08:00:00")}), 1),
        (json!({"CreationTimeBefore": seconds("2026-11-22T08:00:00"), "NameContains": "old"}), 25),
        (
            json!({"CreationTimeAfter": seconds("2026-11-22T00:00:00"), "CreationTimeBefore": seconds("2026-11-22T03:00:00"), "SortBy": "CreationTime"}),
            3,
        ),
        (json!({"CreationTimeAfter": seconds("2026-11-23T00:00:00"), "CreationTimeBefore": seconds("2026-11-22T03:00:00")}), 0),
        (json!({"LastModifiedTimeAfter": seconds("2026-11-23T00:00:00"), "SortBy": "Name"}), 1),
        (json!({"NameContains": "ail"}), 1),
    ] {
        assert_eq!(pages(&mut world, filter.clone()).0.len(), count, "{filter}");
    }
    assert!(refused(&mut world, "ListTrainingJobs", &json!({"StatusEquals": "Running"})).message.contains("enum value set"));
}

#[test]
fn a_page_goes_on_where_it_was_though_jobs_have_changed() {
    let mut world = world(SOME);
    let input = json!({"SortBy": "Status", "MaxResults": 26});
    let first = ask(&mut world, "ListTrainingJobs", &input);
    assert_eq!(*names(&first).last().unwrap(), "failed");
    ask(&mut world, "StopTrainingJob", &json!({"TrainingJobName": "Running"}));
    let mut input = input;
    input["NextToken"] = first["NextToken"].clone();
    assert_eq!(names(&ask(&mut world, "ListTrainingJobs", &input)), ["Running"]);
}

#[test]
fn fifty_thousand_jobs_are_listed_page_by_page() {
    let mut world = world(
        "[[training-job]]\nname = \"job-{}\"\ncount = 50000\nstatus = \"Completed\"\nsince = \"-1d\"\napart = \"1m\"\ntags = { team = \"x\" }",
    );
    let newest = ask(&mut world, "ListTrainingJobs", &json!({"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}));
    assert_eq!((names(&newest)[0], names(&newest)[99]), ("job-00000", "job-00099"));
    let oldest = ask(&mut world, "ListTrainingJobs", &json!({"SortBy": "CreationTime", "SortOrder": "Ascending", "MaxResults": 1}));
    assert_eq!(names(&oldest), ["job-49999"]);
    let start = world.now;
    assert_eq!(world.bill(start).len(), 0, "what had ended before costs nothing now");
    let search = ask(&mut world, "Search", &json!({"Resource": "TrainingJob", "MaxResults": 100}));
    assert_eq!(search["Results"][0]["TrainingJob"]["TrainingJobName"], "job-00000", "the last modified first");
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
    // What takes its place takes as long.
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

#[test]
fn people_stop_and_tag_jobs() {
    let mut world = world(
        "[[training-job]]\nname = \"Big\"\nsince = \"-30m\"\ntakes = \"10h\"\nplan = [{ at = \"2026-11-23 08:30\", do = \"tag a=b\" }, { at = \"2026-11-23 09:00\", do = \"stop\" }]\n[[tuning-job]]\nname = \"tune\"\ndefinition = [{ takes = \"1d\" }]",
    );
    world.live_until(at("09:10:00"));
    let job = world.training_job("Big").unwrap();
    assert_eq!((job.status.as_str(), job.tags.get("a").map(String::as_str)), ("Stopped", Some("b")));
    world.deed("arn:aws:sagemaker:us-east-1:123456789012:training-job/big", &Deed::Untag("a".into()));
    assert!(world.training_job("Big").unwrap().tags.is_empty());
    world.deed("tune", &Deed::Stop);
    assert_eq!(world.tuning_jobs()[0].status, "Stopping");
    world.live_until(at("09:20:00"));
    assert_eq!(world.tuning_jobs()[0].status, "Stopped");
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
    // Three rounds of 23:30.
    assert_eq!(
        (&ended["HyperParameterTuningJobStatus"], &ended["ConsumedResources"]["RuntimeInSeconds"]),
        (&json!("Completed"), &json!(3 * (23 * 60 + 30)))
    );
    assert_eq!(ended["ObjectiveStatusCounters"], json!({"Succeeded": 5, "Pending": 0, "Failed": 0}));
    let input = json!({"HyperParameterTuningJobName": "Tune", "SortBy": "FinalObjectiveMetricValue", "MaxResults": 3});
    let children = ask(&mut world, "ListTrainingJobsForHyperParameterTuningJob", &input);
    assert_eq!(
        (names(&children).len(), children["TrainingJobSummaries"][0]["TrainingJobName"].clone()),
        (3, ended["BestTrainingJob"]["TrainingJobName"].clone())
    );
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
fn a_stopped_tuning_job_stops_its_children() {
    let mut world = world(TUNING);
    world.live_until(at("08:10:00"));
    ask(&mut world, "StopHyperParameterTuningJob", &json!({"HyperParameterTuningJobName": "Tune"}));
    world.live_until(at("08:11:00"));
    assert_eq!(tuning(&mut world, "Tune")["HyperParameterTuningJobStatus"], "Stopping");
    world.live_until(at("08:12:00"));
    let stopped = tuning(&mut world, "Tune");
    assert_eq!(
        (&stopped["HyperParameterTuningJobStatus"], &stopped["TrainingJobStatusCounters"]["Stopped"]),
        (&json!("Stopped"), &json!(2))
    );
    assert_eq!(world.training_jobs().len(), 2, "no more are launched");
    let refusal = refused(&mut world, "StopHyperParameterTuningJob", &json!({"HyperParameterTuningJobName": "Tune"}));
    assert!(refusal.message.ends_with("is in status Stopped."));
    let refusal = refused(&mut world, "StopHyperParameterTuningJob", &json!({"HyperParameterTuningJobName": "nobody"}));
    assert_eq!((refusal.code, refusal.message.as_str()), ("ResourceNotFound", "Amazon SageMaker can't find a tuning job called nobody."));
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
fn search_filters() {
    let mut world = world(&format!("{SOME}\n{TUNING}"));
    world.live_until(at("08:01:00"));
    let search = |world: &mut World, filters: Value, more: Value| {
        let mut input = json!({"Resource": "TrainingJob", "MaxResults": 100, "SearchExpression": {"Filters": filters}});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        ask(world, "Search", &input)["Results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["TrainingJob"]["TrainingJobName"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let filter = |name: &str, operator: &str, value: &str| json!([{"Name": name, "Operator": operator, "Value": value}]);
    let tuned = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tune";
    for (filters, count) in [
        (filter("TrainingJobStatus", "Equals", "InProgress"), 3),
        (filter("TrainingJobStatus", "NotEquals", "Completed"), 4),
        (filter("TrainingJobStatus", "In", "Failed,Stopped, InProgress"), 4),
        (filter("TrainingJobName", "Contains", "old-0000"), 10),
        (json!([{"Name": "TrainingJobName", "Value": "Running"}]), 1),
        (filter("CreationTime", "GreaterThan", "2026-11-23T07:00:00"), 3),
        (filter("CreationTime", "GreaterThanOrEqualTo", "2026-11-23T08:00:00"), 2),
        (filter("CreationTime", "LessThan", "2026-11-21T20:00:00Z"), 14),
        (filter("CreationTime", "LessThanOrEqualTo", "2026-11-23T08:00:00"), 29),
        (filter("LastModifiedTime", "LessThan", "2026-11-22T08:00:00"), 25),
        (filter("TuningJobArn", "Equals", tuned), 2),
        (json!([{"Name": "TuningJobArn", "Operator": "Exists"}]), 2),
        (json!([{"Name": "TuningJobArn", "Operator": "NotExists"}, {"Name": "TrainingJobStatus", "Value": "InProgress"}]), 1),
        (filter("Tags.team", "Equals", "nlp"), 1),
        (json!([{"Name": "Tags.team", "Operator": "NotExists"}]), 28),
        (json!([{"Name": "Tags.Owner", "Operator": "Exists"}]), 2),
        (filter("EnableManagedSpotTraining", "Equals", "true"), 3),
        (filter("ResourceConfig.InstanceType", "Equals", "ml.m5.xlarge"), 29),
        (filter("BillableTimeInSeconds", "LessThan", "2000"), 26),
    ] {
        assert_eq!(search(&mut world, filters.clone(), json!({})).len(), count, "{filters}");
        assert_eq!(search(&mut world, filters.clone(), json!({"SortBy": "CreationTime"})).len(), count, "{filters} by creation");
        assert_eq!(search(&mut world, filters.clone(), json!({"SortBy": "TrainingJobStatus"})).len(), count, "{filters} by status");
    }
    let by_age = search(
        &mut world,
        filter("TrainingJobStatus", "NotEquals", "Completed"),
        json!({"SortBy": "CreationTime", "SortOrder": "Ascending"}),
    );
    assert_eq!((by_age[0].as_str(), by_age[1].as_str()), ("failed", "Running"));
    let either = json!({"SearchExpression": {"Operator": "Or", "SubExpressions": [
        {"Filters": filter("Tags.team", "Equals", "nlp")}, {"Filters": filter("TrainingJobStatus", "Equals", "Failed")},
    ]}});
    assert_eq!(search(&mut world, json!([]), either).len(), 2);
    let whole = ask(
        &mut world,
        "Search",
        &json!({"Resource": "TrainingJob", "SearchExpression": {"Filters": filter("TrainingJobName", "Equals", "Running")}}),
    );
    let record = &whole["Results"][0]["TrainingJob"];
    assert_eq!((&record["Tags"], &record["SecondaryStatus"]), (&json!([{"Key": "team", "Value": "nlp"}]), &json!("Training")));
    let tunings = ask(
        &mut world,
        "Search",
        &json!({"Resource": "HyperParameterTuningJob", "SearchExpression": {"Filters": filter("HyperParameterTuningJobStatus", "Equals", "InProgress")}}),
    );
    assert_eq!(tunings["Results"][0]["HyperParameterTuningJob"]["Tags"], json!([{"Key": "Owner", "Value": "ann"}]));
    for (filters, says) in [
        (filter("Nonsense", "Equals", "x"), "Nonsense is not a valid property"),
        (filter("TrainingJobName", "Like", "x"), "enum value set"),
        (filter("CreationTime", "GreaterThan", "yesterday"), "not an ISO 8601 date-time"),
        (filter("TrainingJobName", "Exists", "x"), "takes no Value"),
        (json!([{"Name": "TrainingJobName", "Operator": "Equals"}]), "needs a Value"),
        (json!([]), "at least one subexpression, filter, or nested filter"),
    ] {
        let refusal = refused(&mut world, "Search", &json!({"Resource": "TrainingJob", "SearchExpression": {"Filters": filters}}));
        assert!(refusal.message.contains(says), "{says}: {}", refusal.message);
    }
    assert!(refused(&mut world, "Search", &json!({"Resource": "Endpoint"})).message.starts_with("not simulated"));
}

#[test]
fn search_has_pages_in_every_order() {
    let mut world = world(SOME);
    for (by, order) in [
        ("CreationTime", "Ascending"),
        ("CreationTime", "Descending"),
        ("LastModifiedTime", "Descending"),
        ("TrainingJobStatus", "Ascending"),
        ("TrainingJobName", "Descending"),
    ] {
        let mut input = json!({"Resource": "TrainingJob", "SortBy": by, "SortOrder": order, "MaxResults": 10});
        let mut all = vec![];
        loop {
            let page = ask(&mut world, "Search", &input);
            all.extend(page["Results"].as_array().unwrap().iter().map(|one| one["TrainingJob"][by].clone()));
            match page.get("NextToken") {
                Some(token) => input["NextToken"] = token.clone(),
                None => break,
            }
        }
        assert_eq!(all.len(), 27, "{by}");
        if order == "Descending" {
            all.reverse();
        }
        let sorted = all.is_sorted_by(|one, other| match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one <= other,
            _ => one.as_str().unwrap().to_lowercase() <= other.as_str().unwrap().to_lowercase(),
        });
        assert!(sorted, "{by} {order}: {all:?}");
    }
}

#[test]
fn search_may_be_behind() {
    let mut world = world("[[training-job]]\nname = \"a\"\nsince = \"-90s\"\ntakes = \"1h\"\ntags = { team = \"x\" }");
    world.faults.push(Fault::new("*", What::SearchBehind("2m".parse().unwrap())));
    let found = |world: &mut World| {
        let answer = ask(world, "Search", &json!({"Resource": "TrainingJob"}));
        answer["Results"]
            .as_array()
            .unwrap()
            .first()
            .map(|one| (one["TrainingJob"]["SecondaryStatus"].clone(), one["TrainingJob"]["Tags"].clone()))
    };
    assert_eq!(found(&mut world), None, "younger than that");
    world.live_until(at("08:02:00"));
    assert_eq!(describe(&mut world, "a")["SecondaryStatus"], "Training");
    world.deed("a", &Deed::Untag("team".into()));
    assert_eq!(found(&mut world), Some((json!("Starting"), json!([{"Key": "team", "Value": "x"}]))), "as it was two minutes ago");
    world.live_until(at("08:05:00"));
    assert_eq!(found(&mut world), Some((json!("Training"), json!([]))));
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
