//! The identities in CloudTrail's events, and what they have of a call.

use serde_json::json;

use super::*;
use crate::Estate;

fn world() -> World {
    let estate = "region = \"eu-central-1\"\nstart = \"2026-11-23T08:00:00Z\"\ntrail = true\n[[domain]]\nid = \"d-1\"\n[[user-profile]]\ndomain = \"d-1\"\nname = \"ann\"";
    World::new(Estate::from_toml(estate).unwrap())
}

fn creator(by: &str) -> Result<Creator, String> {
    #[derive(Deserialize)]
    struct Who {
        by: Creator,
    }
    toml::from_str::<Who>(&format!("by = {by}")).map(|who| who.by).map_err(|error| error.to_string())
}

#[test]
fn each_identity_has_its_form() {
    let world = world();
    for (by, kind, arn) in [
        ("\"alice\"", "IAMUser", Some("arn:aws:iam::123456789012:user/alice")),
        ("{ user = \"alice\" }", "IAMUser", Some("arn:aws:iam::123456789012:user/alice")),
        (
            "{ role = \"DataScience\", session = \"alice\" }",
            "AssumedRole",
            Some("arn:aws:sts::123456789012:assumed-role/DataScience/alice"),
        ),
        ("{ role = \"Execution\" }", "AssumedRole", Some("arn:aws:sts::123456789012:assumed-role/Execution/SageMaker")),
        ("{ federated = \"alice\" }", "FederatedUser", Some("arn:aws:sts::123456789012:federated-user/alice")),
        ("{ root = true }", "Root", Some("arn:aws:iam::123456789012:root")),
        ("{ identity-center = \"id\" }", "IdentityCenterUser", None),
        ("{ saml = \"alice\" }", "SAMLUser", None),
        ("{ web = \"alice\" }", "WebIdentityUser", None),
        ("{ directory = \"alice\" }", "Directory", None),
        ("{ account = \"222222222222\" }", "AWSAccount", None),
        ("{ service = \"sagemaker.amazonaws.com\" }", "AWSService", None),
        ("{ unknown = true }", "Unknown", None),
    ] {
        let identity = creator(by).unwrap().identity(&world);
        assert_eq!((identity["type"].as_str(), identity["arn"].as_str()), (Some(kind), arn), "{by}");
    }
    let sso = creator("{ sso = \"alice@example.com\", permission-set = \"DataScientist\" }").unwrap().identity(&world);
    let (arn, issuer) = (sso["arn"].as_str().unwrap(), &sso["sessionContext"]["sessionIssuer"]);
    let role = issuer["userName"].as_str().unwrap();
    assert!(role.starts_with("AWSReservedSSO_DataScientist_") && role.len() == "AWSReservedSSO_DataScientist_".len() + 16, "{role}");
    assert_eq!(arn, format!("arn:aws:sts::123456789012:assumed-role/{role}/alice@example.com"));
    assert_eq!(issuer["arn"], format!("arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-central-1/{role}"));
    let profile = creator("{ role = \"Execution\", source-identity = \"ann\" }").unwrap();
    assert_eq!(profile.identity(&world)["sessionContext"]["sourceIdentity"], "ann");
    assert_eq!(profile.context(&world)["UserProfileArn"], "arn:aws:sagemaker:eu-central-1:123456789012:user-profile/d-1/ann");
    assert_eq!(Creator::Unknown.context(&world), json!({}));
}

#[test]
fn who_nobody_can_be_is_refused() {
    for (by, says) in [
        ("{}", "expected a user's name"),
        ("{ rol = \"x\" }", "unknown field `rol`"),
        ("{ root = true, service = \"x\" }", "expected a user's name"),
        ("{ session = \"x\", user = \"y\" }", "`session` is of a `role`"),
        ("{ sso = \"x\" }", "`sso` and `permission-set` go together"),
        ("{ source-identity = \"x\", root = true }", "`source-identity` is of a `role`"),
        ("3", "invalid type"),
    ] {
        let error = creator(by).unwrap_err();
        assert!(error.contains(says), "{by}: {error}");
    }
}

#[test]
fn every_field_begins_with_a_small_letter_but_the_customers() {
    let input = json!({
        "ModelName": "m", "Tags": [{"Key": "Team", "Value": "NLP"}], "PrimaryContainer": {"ModelDataUrl": "s3://X", "Environment": {"SOME_KEY": "Value"}},
        "HyperParameters": {"Epochs": "3"}, "VolumeSizeInGB": 5, "EnableNetworkIsolation": true,
    });
    let written = json!({
        "modelName": "m", "tags": [{"key": "Team", "value": "NLP"}],
        "primaryContainer": {"modelDataUrl": "s3://X", "environment": {"SOME_KEY": "Value"}},
        "hyperParameters": {"Epochs": "3"}, "volumeSizeInGB": 5, "enableNetworkIsolation": true,
    });
    assert_eq!(camel_case(&input), written);
}

#[test]
fn only_creations_are_told_and_only_if_there_is_a_trail() {
    let mut world = world();
    let answer = json!({"ModelArn": "arn"});
    for operation in ["CreateModel", "DescribeModel", "ListModels", "AddTags", "DeleteModel"] {
        world.note_call(&Creator::default(), operation, &json!({"ModelName": "m"}), Ok(&answer));
    }
    let events = world.take_events();
    assert_eq!(events.len(), 1);
    let detail = &events[0]["detail"];
    assert_eq!((&detail["eventName"], &detail["responseElements"]), (&json!("CreateModel"), &json!({"modelArn": "arn"})));
    assert_eq!((events[0]["time"].as_str(), detail["eventTime"].as_str()), (Some("2026-11-23T08:00:00Z"), Some("2026-11-23T08:00:00Z")));
    assert!(detail.get("errorCode").is_none());
    world.trail = false;
    world.note_call(&Creator::default(), "CreateModel", &json!({}), Ok(&answer));
    assert!(world.take_events().is_empty());
}

#[test]
fn the_history_has_what_changes_something_whether_or_not_there_is_a_trail() {
    let mut world = world();
    world.trail = false;
    for operation in ["CreateModel", "DescribeModel", "ListModels", "AddTags", "DeleteModel"] {
        world.note_call(&Creator::default(), operation, &json!({"ModelName": "m"}), Ok(&json!({})));
    }
    let recorded: Vec<&str> = world.recorded.iter().map(|one| one.operation.as_str()).collect();
    assert_eq!(recorded, ["CreateModel", "AddTags", "DeleteModel"]);
}
