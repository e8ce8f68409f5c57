//! AWS's own criterion of idle endpoints.

use serde_json::{Value, json};

use crate::{Estate, services, world::World};

const ESTATE: &str = r#"
    region = "eu-central-1"
    start = "2026-11-23T08:00:00Z"
    [hosting]
    compute-optimizer = "Active"
    [[model]]
    name = "m"
    [[endpoint-config]]
    name = "c"
    model = "m"
    instance-count = 2
    [[endpoint-config]]
    name = "async"
    model = "m"
    asynchronous = true
    [[endpoint]]
    name = "Idle"
    config = "c"
    tags = { Owner = "ann" }
    [[endpoint]]
    name = "once"
    config = "c"
    traffic = [{ requests = 1, from = "2026-11-15T10:00:00Z", until = "2026-11-15T10:01:00Z" }]
    [[endpoint]]
    name = "long-ago"
    config = "c"
    counts = { AllTraffic = 1 }
    traffic = [{ requests = 1, until = "2026-11-08T00:00:00Z" }]
    [[endpoint]]
    name = "new"
    config = "c"
    created = "-13d"
    [[endpoint]]
    name = "async"
"#;

fn ask(world: &mut World, operation: &str, input: &Value) -> Result<Value, String> {
    services::call(world, "compute-optimizer", operation, input).map_err(|refusal| refusal.code.to_owned())
}

fn idle(world: &mut World, input: &Value) -> Vec<String> {
    let answer = ask(world, "GetIdleRecommendations", input).unwrap();
    answer["idleRecommendations"].as_array().unwrap().iter().map(|one| one["resourceId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn idle_is_what_had_no_invocation_in_two_weeks() {
    let mut world = World::new(Estate::from_toml(ESTATE).unwrap());
    assert_eq!(idle(&mut world, &json!({})), ["Idle", "long-ago"], "the most expensive first");
    assert_eq!(idle(&mut world, &json!({"orderBy": {"dimension": "SavingsValue", "order": "Asc"}})), ["long-ago", "Idle"]);
    assert_eq!(idle(&mut world, &json!({"resourceArns": ["arn:aws:sagemaker:eu-central-1:123456789012:endpoint/IDLE"]})), ["Idle"]);
    assert_eq!(idle(&mut world, &json!({"filters": [{"name": "ResourceType", "values": ["EBSVolume"]}]})), [""; 0]);
    let one = ask(&mut world, "GetIdleRecommendations", &json!({"maxResults": 1})).unwrap();
    assert_eq!(one["idleRecommendations"][0]["savingsOpportunity"]["estimatedMonthlySavings"]["value"], 402.96);
    assert_eq!(idle(&mut world, &json!({"maxResults": 1, "nextToken": one["nextToken"]})), ["long-ago"]);
    world.live_until("2026-11-30T08:00:00Z".parse().unwrap());
    assert_eq!(idle(&mut world, &json!({})), ["Idle", "new", "once", "long-ago"]);
}

#[test]
fn without_enrollment_there_is_nothing() {
    let mut world = World::new(Estate::from_toml(&ESTATE.replace("Active", "Inactive")).unwrap());
    assert_eq!(ask(&mut world, "GetEnrollmentStatus", &json!({})).unwrap()["status"], "Inactive");
    assert_eq!(ask(&mut world, "GetIdleRecommendations", &json!({})), Err("OptInRequiredException".into()));
}
