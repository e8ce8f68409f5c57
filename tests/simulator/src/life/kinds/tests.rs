//! The kinds: planted resources, their life, pages, tags and bill; also with many resources.

use rust_decimal::dec;

use super::*;
use crate::{
    Estate, Fault, What,
    services::{self, tagging},
};

const HOSTING: &str = "[[model]]\nname = \"m\"\n[[endpoint-config]]\nname = \"c\"\nmodel = \"m\"\ninstance-count = 2\n";

fn estate(toml: &str) -> anyhow::Result<Estate> {
    Estate::from_toml(&format!("region = \"eu-central-1\"\nstart = \"2026-11-23T08:00:00Z\"\n{toml}"))
}

fn world(toml: &str) -> World {
    World::new(estate(toml).unwrap())
}

fn at(time: &str) -> Timestamp {
    let day = if time.len() < 9 { "2026-11-23T" } else { "" };
    format!("{day}{time}Z").parse().unwrap()
}

fn ask(world: &mut World, operation: &str, input: &Value) -> Value {
    services::call(world, "sagemaker", operation, input).map_err(|refusal| format!("{operation}: {}", refusal.message)).unwrap()
}

/// `kind/name`, the status, and since when.
fn told(world: &World) -> Vec<String> {
    let since = |asset: &Asset| asset.modified().strftime("%d %H:%M").to_string();
    world.assets.iter().map(|one| format!("{}/{} {} {}", one.kind.name, one.name, one.status(), since(one))).collect()
}

#[test]
fn what_is_planted_has_had_its_life() {
    for (toml, then, later) in [
        ("[[model]]\nname = \"x\"\ncreated = \"-3d\"", "model/x  20 08:00", "model/x  20 08:00"),
        (
            "[[resource]]\nkind = \"feature-group\"\nname = \"a_b\"",
            "feature-group/a_b Created 24 08:01",
            "feature-group/a_b Created 24 08:01",
        ),
        (
            "[[resource]]\nkind = \"cluster\"\nname = \"x\"\nstatus = \"Failed\"\nsince = \"-1d\"",
            "cluster/x Failed 22 08:00",
            "cluster/x Failed 22 08:00",
        ),
        (
            "[[resource]]\nkind = \"cluster\"\nname = \"x\"\nstatus = \"Creating\"\nsince = \"-5m\"",
            "cluster/x Creating 23 07:55",
            "cluster/x InService 23 08:05",
        ),
        (
            "[[resource]]\nkind = \"mlflow-tracking-server\"\nname = \"x\"\nstatus = \"Stopped\"\nsince = \"-2h\"",
            "mlflow-tracking-server/x Stopped 23 06:00",
            "mlflow-tracking-server/x Stopped 23 06:00",
        ),
        ("[[processing-job]]\nname = \"x\"", "processing-job/x InProgress 23 07:00", "processing-job/x Completed 23 08:04"),
        (
            "[[processing-job]]\nname = \"x\"\nends = \"Failed\"\ncreated = \"-10m\"",
            "processing-job/x InProgress 23 07:50",
            "processing-job/x Failed 23 08:54",
        ),
        (
            "[[processing-job]]\nname = \"x\"\nstatus = \"Stopped\"\nsince = \"-1d\"\ntakes = \"3h\"",
            "processing-job/x Stopped 22 08:00",
            "processing-job/x Stopped 22 08:00",
        ),
        (
            "[[processing-job]]\nname = \"x\"\nmax-runtime = \"10m\"\ncreated = \"-5m\"",
            "processing-job/x InProgress 23 07:55",
            "processing-job/x Stopped 23 08:09",
        ),
        (
            "[[processing-job]]\nname = \"x\"\nplan = [{ at = \"2026-11-23 08:01\", do = \"stop\" }]",
            "processing-job/x InProgress 23 07:00",
            "processing-job/x Stopped 23 08:02",
        ),
        ("[[automl-job]]\nname = \"x\"\ntakes = \"2h\"", "automl-job/x InProgress 23 07:00", "automl-job/x Completed 23 09:01"),
    ] {
        let mut world = world(toml);
        assert_eq!(self::told(&world), [then], "{toml}");
        assert!(world.take_events().is_empty(), "{toml}: what was before the start has been told");
        world.live_until(at("11:00:00"));
        assert_eq!(self::told(&world), [later], "{toml}");
    }
    let world = world("[[resource]]\nkind = \"pipeline\"\nname = \"p\"\nexecutions = [\"-1d\", \"-10m\"]\nends = \"Failed\"");
    let executions: Vec<String> = told(&world).into_iter().filter(|one| one.contains("/execution/")).collect();
    assert_eq!(executions.iter().map(|one| one.contains(" Failed ")).filter(|failed| *failed).count(), 1);
    assert!(told(&world).iter().any(|one| one.starts_with("pipeline/p Active")));
}

#[test]
fn an_estate_that_makes_no_sense_is_refused() {
    for (toml, says) in [
        ("[[model]]", "[[model]]: `name` is missing"),
        ("[[model]]\nname = \"a\"\ncount = 2", "write {} into the name"),
        ("[[model]]\nname = \"a\"\n[[model]]\nname = \"A\"", "there are two of the name A"),
        ("[[model]]\nname = \"a_b\"", "AWS does not take the name a_b"),
        ("[[model]]\nname = \"a\"\nstatus = \"InService\"", "this kind has no `status`"),
        ("[[model]]\nname = \"a\"\nmode = \"Multi\"", "expected one of SingleModel, MultiModel"),
        ("[[model]]\nnmae = \"a\"", "unknown field `nmae`"),
        ("[[model]]\nname = \"a\"\nfails = \"X\"", "write `create`, too"),
        ("[[model]]\nname = \"a\"\ncreate = \"2026-11-24 10:00\"\ncreated = \"-1d\"", "leave out created, status, since and apart"),
        ("[[model]]\nname = \"a\"\ncreate = \"tomorrow\"", "`tomorrow` is not a time of a plan"),
        ("[[model]]\nname = \"a\"\ncreate = \"2026-11-24 10:00\"\nsubmit = [\"mon 10:00\"]", "expected either `create` or `submit`"),
        ("[[model]]\nname = \"a\"\ncreated = \"2026-11-24T10:00:00Z\"", "is after the start: write `create`"),
        ("[[endpoint]]\nname = \"e\"", "there is no [[endpoint-config]] with name \"e\""),
        ("[[endpoint-config]]\nname = \"e\"\nmodel = \"m\"", "there is no [[model]] with name \"m\""),
        ("[[endpoint-config]]\nname = \"e\"\nmodel = \"m\"\nvariants = [{}]", "expected either `variants`, or the keys of its only one"),
        ("[[inference-component]]\nname = \"i\"\nendpoint = \"e\"", "there is no [[endpoint]] with name \"e\""),
        ("[[transform-job]]\nname = \"t\"\nmodel = \"m\"", "there is no [[model]] with name \"m\""),
        ("[[processing-job]]\nname = \"p\"\nstatus = \"Stopping\"", "expected one of InProgress, Completed, Failed, Stopped"),
        ("[[processing-job]]\nname = \"p\"\nends = \"Done\"", "expected one of Completed, Failed, Stopped"),
        ("[[processing-job]]\nname = \"p\"\nstatus = \"InProgress\"\nsince = \"-1d\"", "write a later `since`, or more in `takes`"),
        ("[[resource]]\nkind = \"model\"\nname = \"m\"", "expected one of feature-group, pipeline"),
        ("[[resource]]\nkind = \"pipeline\"\nname = \"m\"\nsize = \"Small\"", "`size` is of a mlflow-tracking-server"),
        ("[[model]]\nname = \"a\"\ncreate = \"2026-11-22 10:00\"", "`create` is not after the start"),
        ("[[app]]\nname = \"a\"\ndomain = \"d\"\ncreate = \"2026-11-22 10:00\"", "there is no [[domain]]"),
        ("[[notebook]]\nname = \"a\"\ncreate = \"2026-11-22 10:00\"", "[[notebook]] a: `create` is not after the start"),
        ("[[notebook]]\nname = \"m\"\nfails = \"X\"", "[[notebook]] m: `fails` is of a creation"),
        ("[[training-job]]\nname = \"m\"\nfails = \"X\"", "[[training-job]] m: `fails` is of a creation"),
        ("[[training-job]]\nname = \"m\"\ncreate = \"2026-11-24 10:00\"\nsince = \"-1d\"", "what is created later is not there before"),
    ] {
        let error = format!("{:#}", estate(toml).unwrap_err());
        assert!(error.contains(says), "{toml}: {error}");
    }
    // A resource that is created later may name another one that is created later.
    let later = "create = \"2026-11-23 09:00\"";
    estate(&format!("{HOSTING}[[endpoint]]\nname = \"e\"\nconfig = \"later\"\n{later}\n[[endpoint-config]]\nname = \"later\"\n{later}"))
        .unwrap();
}

#[test]
fn what_is_on_endpoints_and_in_jobs_is_billed() {
    let toml = format!(
        "{HOSTING}[[endpoint]]\nname = \"e\"\nconfig = \"c\"\nstatus = \"Creating\"\nsince = \"-2m\"\ntags = {{ Owner = \"ann\" }}\n[[endpoint]]\nname = \"f\"\nconfig = \"c\"\nstatus = \"Failed\"\n[[processing-job]]\nname = \"p\"\ntakes = \"30m\"\ncreated = \"-4m\"\n[[processing-job]]\nname = \"old\"\nstatus = \"Completed\"\nsince = \"-1d\"\n[[transform-job]]\nname = \"t\"\nmodel = \"m\"\ncreated = \"-4m\"\nplan = [{{ at = \"2026-11-23 08:10\", do = \"stop\" }}]\n[prices]\n\"ml.m5.xlarge\" = 1"
    );
    let mut world = world(&toml);
    let start = world.now;
    world.live_until(at("09:00:00"));
    ask(&mut world, "DeleteEndpoint", &json!({"EndpointName": "e"}));
    world.live_until(at("10:00:00"));
    let bill: Vec<(String, i64, Option<Decimal>)> =
        world.bill(start).into_iter().map(|line| (format!("{} {}", line.kind, line.name), line.ran.as_secs() / 60, line.usd)).collect();
    let line = |what: &str, minutes: i64, usd| (what.to_owned(), minutes, Some(usd));
    let (e, f) = (line("endpoint e", 60, dec!(2)), line("endpoint f", 0, dec!(0)));
    let (p, t) = (line("processing-job p", 30, dec!(0.5)), line("transform-job t", 11, dec!(0.183333)));
    assert_eq!(bill, [f, p, t, e], "of two instances, which are billed while it is created; a stop takes a minute");
    assert_eq!(world.bill(start)[3].owner.as_deref(), Some("ann"));
}

#[test]
fn what_people_plan_is_created_again_and_again_or_fails() {
    let toml = format!(
        "trail = true\n{HOSTING}[[endpoint]]\nname = \"e-{{}}\"\ncount = 2\nconfig = \"c\"\ncreate = \"2026-11-23 09:00\"\ntags = {{ Owner = \"ann\" }}\nplan = [{{ at = \"2026-11-23 10:00\", do = \"tag Owner=bob\" }}]\n[[endpoint]]\nname = \"no\"\nconfig = \"c\"\ncreate = \"2026-11-23 09:00\"\nfails = \"ResourceLimitExceeded\"\n[[processing-job]]\nname = \"daily\"\nsubmit = [\"mon-fri 09:00\"]\ntakes = \"5m\"\n[[notebook]]\nname = \"n\"\ncreate = \"2026-11-23 09:00\"\nused = \"mon-fri/09:00-11:00@Europe/Berlin\"\nplan = [{{ at = \"2026-11-23 10:00\", do = \"stop\" }}]"
    );
    let mut world = world(&toml);
    assert!(world.notebooks.is_empty());
    world.live_until(at("2026-11-24T12:00:00"));
    let owner = |world: &World, name: &str| world.tags[&world.arn(&format!("endpoint/{name}"))].now()["Owner"].clone();
    assert_eq!((owner(&world, "e-00000").as_str(), owner(&world, "e-00001").as_str()), ("bob", "bob"));
    assert!(told(&world).iter().all(|one| !one.starts_with("endpoint/no")));
    let jobs: Vec<&Asset> = world.assets.shelf(table::kind_of("processing-job").unwrap()).unwrap().iter().collect();
    let names: Vec<&str> = jobs.iter().map(|job| &job.name[.."daily-2026-11-23-09-00-00".len()]).collect();
    assert_eq!(names, ["daily-2026-11-23-09-00-00", "daily-2026-11-24-09-00-00"]);
    assert_eq!(jobs[0].modified(), at("09:09:00"), "as the estate says how long it takes");
    assert_eq!((world.notebooks["n"].status, world.notebooks["n"].spec.used.is_some()), ("Stopped", true));
    let events = world.take_events();
    let failed: Vec<&Value> = events.iter().filter(|event| event["detail"].get("errorCode").is_some()).collect();
    assert_eq!((failed.len(), &failed[0]["detail"]["requestParameters"]["endpointName"]), (1, &json!("no")));
    assert_eq!(failed[0]["detail"]["responseElements"], Value::Null);
    let created = events.iter().filter(|event| event["detail-type"] == "AWS API Call via CloudTrail").count();
    assert_eq!(created, 2 + 1 + 2 + 1);
}

#[test]
fn a_failing_index_and_late_events_concern_them_too() {
    let mut world = world(HOSTING);
    world.faults.push(Fault::new("*", What::StaleTags("5m".parse().unwrap())));
    world.faults.push(Fault::new("*", What::LateEvents("5m".parse().unwrap())));
    ask(&mut world, "CreateEndpoint", &json!({"EndpointName": "e", "EndpointConfigName": "c", "Tags": [{"Key": "a", "Value": "b"}]}));
    let index = |world: &mut World| {
        let input = json!({"ResourceTypeFilters": ["sagemaker:endpoint"]});
        tagging::resources(world, &input).unwrap()["ResourceTagMappingList"].as_array().unwrap().len()
    };
    assert_eq!((index(&mut world), world.take_events().len()), (0, 0));
    world.live_until(at("08:05:00"));
    assert_eq!((index(&mut world), world.take_events().len()), (1, 1));
}

#[test]
fn a_transform_job_takes_as_long_as_its_records_do() {
    // 60 requests an hour of 10 s each; an instance answers 12 a minute if it gets several at once.
    let traffic = "traffic = [{ bursts = [{ every = \"1h\", lasts = \"1m\", requests = 60 }], latency-ms = 10000, most = 12 }]";
    let toml = format!(
        "{HOSTING}[[transform-job]]\nname = \"t\"\nmodel = \"m\"\ninstance-count = 2\nstart-up = \"5m\"\n{traffic}\nsubmit = [\"mon-sun 09:00\", \"mon-sun 11:00\"]"
    );
    let mut world = world(&toml);
    let start = world.now;
    world.live_until(at("2026-11-23T20:00:00"));
    let minutes = |world: &World| -> Vec<i64> {
        world.bill(start).into_iter().filter(|line| line.kind == "transform-job").map(|line| line.ran.as_secs() / 60).collect()
    };
    let (a_day, two_hours) = (24 * 60 / 6 / 2, 2 * 60 / 6 / 2);
    assert_eq!(minutes(&world), [5 + a_day, 5 + two_hours], "of the day before, and then of what came since the job before");
    let mut job = world.assets.iter().find(|one| one.kind.name == "transform-job").unwrap().definition.as_ref().clone();
    job["TransformJobName"] = "another-t".into();
    job["MaxConcurrentTransforms"] = 4.into();
    ask(&mut world, "CreateTransformJob", &job);
    world.live_until(at("2026-11-24T03:00:00"));
    assert!(minutes(&world).contains(&(5 + 9 * 60 / 12 / 2)), "nine hours, by as many at once as an instance takes: {:?}", minutes(&world));
    job["TransformJobName"] = "more-t".into();
    job["MaxConcurrentTransforms"] = 17.into();
    let refused = services::call(&mut world, "sagemaker", "CreateTransformJob", &job).unwrap_err();
    assert!(refused.message.contains("must not exceed 100 MB"), "{}", refused.message);
}

#[test]
fn a_training_plan_is_scheduled_active_and_expired_by_the_clock() {
    let plan =
        "[[resource]]\nkind = \"training-plan\"\nname = \"p\"\ndefinition = { StartTime = \"2026-11-24T08:00:00Z\", DurationHours = 24 }";
    let mut world = world(plan);
    let mut statuses = vec![];
    for until in ["2026-11-24T07:00:00Z", "2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z"] {
        world.live_until(until.parse().unwrap());
        let answer = ask(&mut world, "ListTrainingPlans", &json!({}));
        statuses.push(answer["TrainingPlanSummaries"][0]["Status"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses, ["Scheduled", "Active", "Expired"]);
}
