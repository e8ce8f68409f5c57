//! Reads who created a resource: `SageMaker`'s `Create…` calls, as CloudTrail sends them to EventBridge (aws-facts §1.3). Only the fields that are needed are
//! read, in all forms that were seen.

use anyhow::bail;
use cost_rules::{
    facts::Creator,
    resource::{Arn, Kind},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::request::{Home, Request, Trigger};

/// What SDKs add to their user agent on Lambda and ECS. The name of a session there is that of a function or a task, and not of a person.
const MACHINES: [&str; 2] = ["exec-env/AWS_Lambda", "exec-env/AWS_ECS"];

/// The `detail` of an event `AWS API Call via CloudTrail`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiCall {
    event_source: Option<String>,
    event_name: Option<String>,
    error_code: Option<String>,
    user_agent: Option<String>,
    #[serde(default)]
    user_identity: Value,
    request_parameters: Option<Map<String, Value>>,
    response_elements: Option<Map<String, Value>>,
}

/// The resource that was created, and its creator. A call that failed, or that created nothing of these kinds, becomes [`Trigger::Nothing`].
///
/// # Errors
/// The call is not one of `SageMaker`, or it has no name.
pub(super) fn read(detail: &Value, kinds: &[Kind], home: Home<'_>) -> anyhow::Result<Request> {
    let call: ApiCall = serde_json::from_value(detail.clone())?;
    let Some(name) = call.event_name else { bail!("half an event: an API call without detail.eventName") };
    if let Some(other) = call.event_source.filter(|source| source != "sagemaker.amazonaws.com") {
        bail!("a call of {name} of another service, {other}: expected sagemaker.amazonaws.com");
    }
    let nothing = Request { trigger: Trigger::Nothing, dry_run: false };
    if call.error_code.is_some() || !name.starts_with("Create") {
        return Ok(nothing);
    }
    // Every response has the ARN of what was created: `endpointArn`, `trainingJobArn`, …
    let texts = |fields: &Option<Map<String, Value>>| {
        fields.iter().flatten().filter_map(|(_, value)| Some(value.as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let created = texts(&call.response_elements)
        .iter()
        .filter_map(|text| Arn::parse(text).filter(|arn| home.has(*arn))?.id())
        .find(|id| Kind::of(id).is_some_and(|kind| kinds.contains(&kind)));
    let Some(id) = created else { return Ok(nothing) };
    let last = id.rsplit('/').next().unwrap_or_default();
    let spelt = texts(&call.request_parameters).into_iter().find(|text| text.to_lowercase() == last);
    // An unknown creator is recorded too: whoever created an earlier resource with this name did not create this one.
    let is_machine = MACHINES.iter().any(|machine| call.user_agent.as_deref().is_some_and(|agent| agent.contains(machine)));
    let user = user(&call.user_identity).filter(|_| !is_machine).unwrap_or_default();
    Ok(Request { trigger: Trigger::Created(id, spelt, Creator { user }), ..nothing })
}

/// The user's name, or the session's name of an assumed role. `None`: a service, another account, the root user, or an unknown identity.
fn user(identity: &Value) -> Option<String> {
    let text = |pointer: &str| identity.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let last = |text: &str, by: char| text.rsplit_once(by).map(|(_, last)| last.to_owned()).filter(|last| !last.is_empty());
    match text("/type")? {
        "IAMUser" | "SAMLUser" | "WebIdentityUser" | "Directory" => text("/userName").map(str::to_owned),
        // If the Studio domain sets a source identity, it is the user profile. The session is then often named SageMaker.
        "AssumedRole" => text("/sessionContext/sourceIdentity")
            .map(str::to_owned)
            .or_else(|| last(text("/arn")?, '/'))
            .or_else(|| last(text("/principalId")?, ':')),
        "FederatedUser" => text("/arn").and_then(|arn| last(arn, '/')).or_else(|| last(text("/principalId")?, ':')),
        // IdentityCenterUser has only an id, which is not an address.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use cost_rules::scope::Scope;
    use serde_json::json;

    use super::*;

    const HOME: Home<'_> = Home { region: "us-east-1", account: Some("123456789012") };
    const ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/churn";

    fn call(identity: &Value) -> Value {
        json!({
            "eventSource": "sagemaker.amazonaws.com", "eventName": "CreateEndpoint", "userIdentity": identity,
            "requestParameters": {"endpointName": "Churn", "endpointConfigName": "churn-1", "tags": [{"Key": "a", "value": "b"}], "disableEFA": false},
            "responseElements": {"endpointArn": ARN},
        })
    }

    fn read_call(detail: &Value) -> Request {
        read(detail, Kind::TAGGED, HOME).unwrap()
    }

    #[test]
    fn the_creator_is_known_in_all_forms_of_an_identity() {
        for (identity, expected) in [
            (json!({"type": "IAMUser", "userName": "ann"}), Some("ann")),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/DataScience/ann@example.com"}),
                Some("ann@example.com"),
            ),
            (json!({"type": "AssumedRole", "principalId": "AROA1:bob"}), Some("bob")),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Studio/SageMaker", "sessionContext": {"sourceIdentity": "cleo"}}),
                Some("cleo"),
            ),
            (json!({"type": "FederatedUser", "arn": "arn:aws:sts::1:federated-user/dan"}), Some("dan")),
            (json!({"type": "FederatedUser", "principalId": "1:dan"}), Some("dan")),
            (json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}), None),
            (json!({"type": "SAMLUser", "userName": "eve"}), Some("eve")),
            (json!({"type": "WebIdentityUser", "userName": "fay"}), Some("fay")),
            (json!({"type": "Directory", "userName": "gil"}), Some("gil")),
            (json!({"type": "AWSAccount", "accountId": "999999999999"}), None),
            (json!({"type": "AWSService", "invokedBy": "sagemaker.amazonaws.com"}), None),
            (json!({"type": "Root", "arn": "arn:aws:iam::1:root"}), None),
            (json!({"type": "Unknown"}), None),
            (json!({"type": "IAMUser"}), None),
            (json!({}), None),
            (Value::Null, None),
            (json!("ann"), None),
        ] {
            let request = read_call(&call(&identity));
            assert_eq!(request.creator().map(|(_, creator)| creator.user.as_str()), Some(expected.unwrap_or_default()), "{identity}");
            assert_eq!(request.scope(), Scope::Only([("endpoint/churn".to_owned(), Some("Churn".to_owned()))].into()));
        }
    }

    #[test]
    fn what_created_nothing_is_a_run_that_looks_at_nothing() {
        let ann = json!({"type": "IAMUser", "userName": "ann"});
        let with = |field: &str, value: Value| {
            let mut detail = call(&ann);
            detail[field] = value;
            detail
        };
        for detail in [
            with("errorCode", json!("AccessDenied")),
            with("responseElements", Value::Null),
            with("responseElements", json!({"url": "https://example.com"})),
            with("responseElements", json!({"imageArn": "arn:aws:sagemaker:us-east-1:123456789012:image/x"})),
            with("responseElements", json!({"endpointArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn"})),
            with("eventName", json!("UpdateEndpoint")),
        ] {
            assert_eq!(read_call(&detail).scope(), Scope::Only([].into()), "{detail}");
        }
        for (detail, says) in
            [(with("eventSource", json!("amplify.amazonaws.com")), "another service"), (with("eventName", Value::Null), "half an event")]
        {
            assert!(read(&detail, Kind::TAGGED, HOME).unwrap_err().to_string().contains(says), "{detail}");
        }
    }
}
