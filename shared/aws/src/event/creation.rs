//! Reads who created a resource: `SageMaker`'s `Create…` calls, as CloudTrail sends them to EventBridge (aws-facts §1.3). Only the fields that are needed are
//! read, in all forms that were seen.

use anyhow::bail;
use cost_rules::{
    facts::Creator,
    resource::{Arn, Kind},
    vocabulary::machines::is_named_after,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::request::{Home, Request, Trigger};

/// SDKs add this to their user agent on Lambda and ECS, where a session has the name of a function or a task, and not of a person.
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

/// A call that creates a resource. If CloudTrail leaves out the response, the request may name the resource.
struct Call {
    name: &'static str,
    kind: Kind,
    /// The parameters whose values are the id, in its order. Empty: AWS chooses the id.
    names: &'static [&'static str],
}

impl Call {
    const fn new(name: &'static str, kind: Kind, names: &'static [&'static str]) -> Self {
        Self { name, kind, names }
    }

    /// The id of what the call created. `None`: the parameters do not say it.
    fn id(&self, parameters: &Map<String, Value>) -> Option<String> {
        let value =
            |name: &str| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str().filter(|text| !text.is_empty());
        // An app is in a space or belongs to a user profile.
        let part = |name: &&str| value(name).or_else(|| if *name == "spaceName" { value("userProfileName") } else { None });
        let parts: Vec<&str> = self.names.iter().map(part).collect::<Option<_>>()?;
        (!parts.is_empty()).then(|| self.kind.id(&parts.join("/")))
    }
}

const CALLS: &[Call] = &[
    Call::new("CreateNotebookInstance", Kind::NotebookInstance, &["notebookInstanceName"]),
    Call::new("CreateDomain", Kind::Domain, &[]),
    Call::new("CreateUserProfile", Kind::UserProfile, &["domainId", "userProfileName"]),
    Call::new("CreateSpace", Kind::Space, &["domainId", "spaceName"]),
    Call::new("CreateApp", Kind::App, &["domainId", "spaceName", "appType", "appName"]),
    Call::new("CreateTrainingJob", Kind::TrainingJob, &["trainingJobName"]),
    Call::new("CreateHyperParameterTuningJob", Kind::TuningJob, &["hyperParameterTuningJobName"]),
    Call::new("CreateProcessingJob", Kind::ProcessingJob, &["processingJobName"]),
    Call::new("CreateTransformJob", Kind::TransformJob, &["transformJobName"]),
    Call::new("CreateAutoMLJob", Kind::AutoMlJob, &["autoMLJobName"]),
    Call::new("CreateAutoMLJobV2", Kind::AutoMlJob, &["autoMLJobName"]),
    Call::new("CreateEndpoint", Kind::Endpoint, &["endpointName"]),
    Call::new("CreateEndpointConfig", Kind::EndpointConfig, &["endpointConfigName"]),
    Call::new("CreateModel", Kind::Model, &["modelName"]),
    Call::new("CreateInferenceComponent", Kind::InferenceComponent, &["inferenceComponentName"]),
    Call::new("CreateFeatureGroup", Kind::FeatureGroup, &["featureGroupName"]),
    Call::new("CreatePipeline", Kind::Pipeline, &["pipelineName"]),
    Call::new("CreateMlflowTrackingServer", Kind::TrackingServer, &["trackingServerName"]),
    Call::new("CreateMlflowApp", Kind::MlflowApp, &[]),
    Call::new("CreatePartnerApp", Kind::PartnerApp, &[]),
    Call::new("CreateTrainingPlan", Kind::TrainingPlan, &["trainingPlanName"]),
    Call::new("CreateTrainingSession", Kind::TrainingSession, &["trainingSessionName"]),
    Call::new("CreateOptimizationJob", Kind::OptimizationJob, &["optimizationJobName"]),
    Call::new("CreateInferenceRecommendationsJob", Kind::InferenceRecommendationsJob, &["jobName"]),
    Call::new("CreateAIRecommendationJob", Kind::AiRecommendationJob, &["aIRecommendationJobName"]),
    Call::new("CreateLabelingJob", Kind::LabelingJob, &["labelingJobName"]),
    Call::new("CreateCluster", Kind::Cluster, &[]),
];

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
    let texts = |fields: &Option<Map<String, Value>>| {
        fields.iter().flatten().filter_map(|(_, value)| Some(value.as_str()?.to_owned())).collect::<Vec<_>>()
    };
    if call.error_code.is_some() || !name.starts_with("Create") {
        return Ok(nothing);
    }
    let is_omitted = call.response_elements.as_ref().is_none_or(|elements| elements.get("omitted") == Some(&Value::Bool(true)));
    let created = if is_omitted {
        let Some(call_of) = CALLS.iter().find(|call| call.name == name && kinds.contains(&call.kind)) else { return Ok(nothing) };
        let named = call.request_parameters.as_ref().and_then(|parameters| call_of.id(parameters));
        if named.is_none() {
            return Ok(Request { trigger: Trigger::CreatedUnnamed(name), ..nothing });
        }
        named
    } else {
        // A response has the ARN of what was created: `endpointArn`, `trainingJobArn`, …
        let arns = texts(&call.response_elements);
        let ids = arns.iter().filter_map(|text| Arn::parse(text).filter(|arn| home.has(*arn))?.id());
        ids.into_iter().find(|id| Kind::of(id).is_some_and(|kind| kinds.contains(&kind)))
    };
    let Some(id) = created else { return Ok(nothing) };
    let last = id.rsplit('/').next().unwrap_or_default();
    let spelt = texts(&call.request_parameters).into_iter().find(|text| text.to_lowercase() == last);
    // An unknown creator is recorded too: whoever created an earlier resource with this name did not create this one.
    let is_machine = MACHINES.iter().any(|machine| call.user_agent.as_deref().is_some_and(|agent| agent.contains(machine)));
    let user = user(&call.user_identity).filter(|_| !is_machine).unwrap_or_default();
    Ok(Request { trigger: Trigger::Created(id, spelt, Creator { user, maker: maker(&call.user_identity) }), ..nothing })
}

/// The user's name, or the ARN of an assumed role's session, whose name alone does not tell a person from a program. `None`: a service, another account, the root user, or an unknown identity.
pub(crate) fn user(identity: &Value) -> Option<String> {
    let text = |pointer: &str| identity.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let last = |text: &str, by: char| text.rsplit_once(by).map(|(_, last)| last.to_owned()).filter(|last| !last.is_empty());
    let last_of_arn = || last(text("/arn")?, '/');
    let last_of_principal = || last(text("/principalId")?, ':');
    match text("/type")? {
        "IAMUser" => text("/userName").map(str::to_owned).or_else(last_of_arn),
        "SAMLUser" | "WebIdentityUser" | "Directory" => text("/userName").map(str::to_owned),
        // If the Studio domain sets a source identity, it is the user profile. The session is then often named SageMaker.
        "AssumedRole" => text("/sessionContext/sourceIdentity").map(str::to_owned).or_else(|| {
            let of_arn = last_of_arn().zip(text("/arn"));
            let (name, session) = of_arn.or_else(|| last_of_principal().zip(text("/principalId")))?;
            (!is_of_program(identity, &name)).then(|| session.to_owned())
        }),
        "FederatedUser" => last_of_arn().or_else(last_of_principal),
        // IdentityCenterUser has only an id, which is not an address.
        _ => None,
    }
}

/// What made the call, also a program, which may wait for what it made: the service that called, else the user's or the session's ARN or name.
fn maker(identity: &Value) -> String {
    let text = |pointer: &str| identity.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    // What SageMaker calls by itself belongs to whoever has the session.
    let service = text("/invokedBy").filter(|service| service.ends_with(".amazonaws.com") && !service.starts_with("sagemaker."));
    service.or_else(|| text("/arn")).or_else(|| text("/userName")).unwrap_or_default().to_owned()
}

/// Whether a program works in a session of this name, by all that `CloudTrail` says besides the name: a service, a function, a task or an instance of EC2 has the
/// session, or a workflow or a pod has it from its own identity provider. An address is a person's there. A program's role is named as the program is.
fn is_of_program(identity: &Value, name: &str) -> bool {
    let text = |pointer: &str| identity.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let role =
        text("/sessionContext/sessionIssuer/arn").or_else(|| text("/arn")?.rsplit_once('/').map(|(role, _)| role)).unwrap_or_default();
    let is_of_provider = text("/sessionContext/webIdFederationData/federatedProvider").is_some_and(|one| one.contains("oidc-provider/"));
    text("/invokedBy").is_some()
        || ["/inScopeOf", "/sessionContext/ec2RoleDelivery"].iter().any(|sign| identity.pointer(sign).is_some_and(|sign| !sign.is_null()))
        || is_role_of_service(role)
        || (is_of_provider && !name.contains('@'))
        || is_named_after(name, role.rsplit('/').next().unwrap_or_default())
}

/// Whether the ARN is that of a role that only an AWS service can assume, or of a session of one.
fn is_role_of_service(arn: &str) -> bool {
    arn.contains("/aws-service-role/") || arn.contains("/AWSServiceRoleFor")
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

    const GITHUB: &str = "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com";

    fn of_provider(session: &str, provider: &str) -> Value {
        let arn = format!("arn:aws:sts::1:assumed-role/Deploy/{session}");
        json!({"type": "AssumedRole", "arn": arn, "sessionContext": {"webIdFederationData": {"federatedProvider": provider}}})
    }

    #[test]
    fn the_creator_is_known_in_all_forms_of_an_identity() {
        for (identity, expected) in [
            (json!({"type": "IAMUser", "userName": "ann"}), Some("ann")),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/DataScience/ann@example.com"}),
                Some("arn:aws:sts::123456789012:assumed-role/DataScience/ann@example.com"),
            ),
            (json!({"type": "AssumedRole", "principalId": "AROA1:bob"}), Some("AROA1:bob")),
            (json!({"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/people/ann"}), Some("ann")),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Cdk/ann", "invokedBy": "cloudformation.amazonaws.com"}),
                None,
            ),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Studio/SageMaker", "invokedBy": "sagemaker.amazonaws.com",
                    "sessionContext": {"sourceIdentity": "cleo"}}),
                Some("cleo"),
            ),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/X/Scaler", "sessionContext": {"sessionIssuer":
                    {"arn": "arn:aws:iam::1:role/aws-service-role/autoscaling.amazonaws.com/X"}}}),
                None,
            ),
            (json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/AWSServiceRoleForAmazonEKS/x"}), None),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Studio/SageMaker", "sessionContext": {"sourceIdentity": "cleo"}}),
                Some("cleo"),
            ),
            // Sessions of programs whose names are those of persons, too.
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Train/ray",
                    "inScopeOf": {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": "arn:aws:lambda:us-east-1:1:function:x"}}),
                None,
            ),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Train/hue", "sessionContext": {"ec2RoleDelivery": "2.0"}}),
                None,
            ),
            (of_provider("octocat", GITHUB), None),
            (
                of_provider("ann@example.com", "arn:aws:iam::1:oidc-provider/example.okta.com"),
                Some("arn:aws:sts::1:assumed-role/Deploy/ann@example.com"),
            ),
            (of_provider("ann", "accounts.google.com"), Some("arn:aws:sts::1:assumed-role/Deploy/ann")),
            (json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Ray-Cluster/ray"}), None),
            (json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/SparkOnEks/spark"}), None),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Sparkling/spark"}),
                Some("arn:aws:sts::1:assumed-role/Sparkling/spark"),
            ),
            (
                json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/AWSReservedSSO_Ann_0123456789abcdef/ann",
                    "sessionContext": {"webIdFederationData": {}, "sessionIssuer": {"arn": "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ann_0123456789abcdef"}}}),
                Some("arn:aws:sts::1:assumed-role/AWSReservedSSO_Ann_0123456789abcdef/ann"),
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
    fn a_program_that_made_the_call_is_kept_though_it_is_nobody() {
        const SESSION: &str = "arn:aws:sts::1:assumed-role/AmazonMWAA-ml/AmazonMWAA-airflow";
        for (identity, maker) in [
            (json!({"type": "AssumedRole", "arn": SESSION, "sessionContext": {"ec2RoleDelivery": "2.0"}}), SESSION),
            (json!({"type": "AssumedRole", "arn": SESSION, "invokedBy": "states.amazonaws.com"}), "states.amazonaws.com"),
            (json!({"type": "AssumedRole", "arn": SESSION, "invokedBy": "sagemaker.amazonaws.com"}), SESSION),
            (json!({"type": "AWSService", "invokedBy": "glue.amazonaws.com"}), "glue.amazonaws.com"),
            (Value::Null, ""),
        ] {
            let request = read_call(&call(&identity));
            assert_eq!(
                request.creator().map(|(_, creator)| (creator.user.as_str(), creator.maker.as_str())),
                Some(("", maker)),
                "{identity}"
            );
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

    #[test]
    fn a_response_that_cloud_trail_left_out_lost_the_creator() {
        let ann = json!({"type": "IAMUser", "userName": "ann"});
        let read = |name: &str, parameters: Value, response: &Value| {
            read_call(&json!({
                "eventSource": "sagemaker.amazonaws.com", "eventName": name, "userIdentity": ann, "requestParameters": parameters,
                "responseElements": response,
            }))
        };
        let omitted = json!({"omitted": true, "originalSize": 123_456, "reason": "too long"});
        for response in [&omitted, &Value::Null] {
            for (name, parameters, id) in [
                ("CreateEndpoint", json!({"endpointName": "Churn", "endpointConfigName": "c"}), "endpoint/churn"),
                ("CreateAutoMLJobV2", json!({"autoMLJobName": "pilot"}), "automl-job/pilot"),
                ("CreateHyperParameterTuningJob", json!({"hyperParameterTuningJobName": "hpo"}), "hyper-parameter-tuning-job/hpo"),
                ("CreateUserProfile", json!({"domainId": "d-1", "userProfileName": "Ann"}), "user-profile/d-1/ann"),
                (
                    "CreateApp",
                    json!({"domainId": "d-1", "spaceName": "Lab", "appType": "JupyterLab", "appName": "default"}),
                    "app/d-1/lab/jupyterlab/default",
                ),
                (
                    "CreateApp",
                    json!({"domainId": "d-1", "userProfileName": "ann", "appType": "Canvas", "appName": "default"}),
                    "app/d-1/ann/canvas/default",
                ),
            ] {
                assert_eq!(
                    read(name, parameters, response).creator(),
                    Some((&id.to_owned(), &Creator { user: "ann".into(), maker: "ann".into() })),
                    "{name}"
                );
            }
            for (name, parameters) in [
                ("CreateCluster", json!({"clusterName": "pretrain"})),
                ("CreateDomain", json!({"domainName": "studio"})),
                ("CreateEndpoint", json!({"omitted": true})),
                ("CreateSpace", json!({"spaceName": "lab"})),
            ] {
                let request = read(name, parameters, response);
                assert_eq!(
                    (request.trigger.clone(), request.scope()),
                    (Trigger::CreatedUnnamed(name.into()), Scope::Only([].into())),
                    "{name}"
                );
                assert!(request.unread().is_some_and(|unread| unread.why.contains(name)), "{name}");
            }
            assert_eq!(read("CreatePresignedDomainUrl", json!({"domainId": "d-1"}), response).trigger, Trigger::Nothing);
        }
    }
}
