//! CloudTrail's events: its history of who did what, and those about creations as `EventBridge` delivers them, in the shape of "AWS API Call via CloudTrail" (aws-facts §1.3).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, json};

use crate::{services::sagemaker::studio, wire::Refusal, world::World};

/// Who makes a call: `by = "alice"`, `{ role = "DataScience", session = "alice" }`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creator {
    /// An IAM user.
    User(String),
    /// A role's session. From Studio and notebooks it is often named `SageMaker`.
    Role {
        /// The role's name.
        role: String,
        /// The session's name.
        session: String,
        /// The user profile, if the domain's `ExecutionRoleIdentityConfig` is `USER_PROFILE_NAME`.
        source_identity: Option<String>,
    },
    /// An IAM Identity Center user with a permission set: a session of its role.
    Sso {
        /// The session's name.
        user: String,
        /// `DataScientist`
        permission_set: String,
    },
    /// An IAM Identity Center user, by user id.
    IdentityCenter(String),
    /// Credentials of `GetFederationToken`.
    Federated(String),
    /// Credentials of `AssumeRoleWithSAML`.
    Saml(String),
    /// Credentials of `AssumeRoleWithWebIdentity`.
    Web(String),
    /// A directory user.
    Directory(String),
    /// Another account.
    Account(String),
    /// A service: `sagemaker.amazonaws.com`.
    Service(String),
    /// The account's root user.
    Root,
    /// An identity that CloudTrail does not know.
    Unknown,
}

/// STS returns this identity, too.
impl Default for Creator {
    fn default() -> Self {
        Self::User("simulated".into())
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Form {
    user: Option<String>,
    role: Option<String>,
    session: Option<String>,
    source_identity: Option<String>,
    sso: Option<String>,
    permission_set: Option<String>,
    identity_center: Option<String>,
    federated: Option<String>,
    saml: Option<String>,
    web: Option<String>,
    directory: Option<String>,
    account: Option<String>,
    service: Option<String>,
    root: bool,
    unknown: bool,
}

impl<'de> Deserialize<'de> for Creator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "expected a user's name, or one of user, role, sso, identity-center, federated, saml, web, directory, account, service, root = true or unknown = true";
        let form: Form = match Value::deserialize(deserializer)? {
            Value::String(name) => return Ok(Self::User(name)),
            form => serde_json::from_value(form).map_err(|error| de::Error::custom(format!("`by`: {error}: {expected}")))?,
        };
        let apart = |there: bool, with: &str| if there { Err(de::Error::custom(format!("`by`: {with}"))) } else { Ok(()) };
        apart(form.role.is_none() && form.session.is_some(), "`session` is of a `role`")?;
        apart(form.role.is_none() && form.source_identity.is_some(), "`source-identity` is of a `role`")?;
        apart(form.sso.is_some() != form.permission_set.is_some(), "`sso` and `permission-set` go together")?;
        let (session, source_identity) = (form.session.unwrap_or_else(|| "SageMaker".into()), form.source_identity);
        let mut all = vec![
            form.user.map(Self::User),
            form.role.map(|role| Self::Role { role, session, source_identity }),
            form.sso.zip(form.permission_set).map(|(user, permission_set)| Self::Sso { user, permission_set }),
            form.identity_center.map(Self::IdentityCenter),
            form.federated.map(Self::Federated),
            form.saml.map(Self::Saml),
            form.web.map(Self::Web),
            form.directory.map(Self::Directory),
            form.account.map(Self::Account),
            form.service.map(Self::Service),
            form.root.then_some(Self::Root),
            form.unknown.then_some(Self::Unknown),
        ];
        all.retain(Option::is_some);
        match (all.pop().flatten(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(de::Error::custom(format!("`by`: {expected}"))),
        }
    }
}

/// A number that looks random and is always the same for the same text (FNV-1a).
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// An id in IAM's format, always the same for the same name.
fn id(prefix: &str, name: &str) -> String {
    format!("{prefix}{:016X}", digest(name))
}

impl Creator {
    /// The `userIdentity` in the forms of its reference.
    fn identity(&self, world: &World) -> Value {
        let account = &world.account;
        let session_of = |role: &str, path: &str, session: &str, source_identity: Option<&str>| {
            let role_id = id("AROA", role);
            let since = world.now - SignedDuration::from_mins(30);
            let mut identity = json!({
                "type": "AssumedRole", "principalId": format!("{role_id}:{session}"),
                "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"), "accountId": account, "accessKeyId": id("ASIA", session),
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role", "principalId": role_id, "arn": format!("arn:aws:iam::{account}:role/{path}{role}"),
                        "accountId": account, "userName": role,
                    },
                    "webIdFederationData": {},
                    "attributes": {"mfaAuthenticated": "false", "creationDate": iso(since)},
                },
            });
            if let Some(source_identity) = source_identity {
                identity["sessionContext"]["sourceIdentity"] = source_identity.into();
            }
            identity
        };
        match self {
            Self::User(name) => json!({
                "type": "IAMUser", "principalId": id("AIDA", name), "arn": format!("arn:aws:iam::{account}:user/{name}"),
                "accountId": account, "accessKeyId": id("AKIA", name), "userName": name,
            }),
            Self::Role { role, session, source_identity } => session_of(role, "", session, source_identity.as_deref()),
            Self::Sso { user, permission_set } => {
                let role = format!("AWSReservedSSO_{permission_set}_{}", id("", permission_set).to_lowercase());
                session_of(&role, &format!("aws-reserved/sso.amazonaws.com/{}/", world.region), user, None)
            }
            Self::IdentityCenter(user) => json!({
                "type": "IdentityCenterUser", "accountId": account, "credentialId": id("", user),
                "onBehalfOf": {"userId": user, "identityStoreArn": format!("arn:aws:identitystore::{account}:identitystore/d-0000000000")},
            }),
            Self::Federated(name) => json!({
                "type": "FederatedUser", "principalId": format!("{account}:{name}"),
                "arn": format!("arn:aws:sts::{account}:federated-user/{name}"), "accountId": account, "accessKeyId": id("ASIA", name),
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "IAMUser", "principalId": id("AIDA", "federation"), "arn": format!("arn:aws:iam::{account}:user/federation"),
                        "accountId": account, "userName": "federation",
                    },
                    "attributes": {"mfaAuthenticated": "false", "creationDate": iso(world.now)},
                },
            }),
            Self::Saml(name) => json!({
                "type": "SAMLUser", "principalId": format!("{}:{name}", id("", "saml")), "userName": name, "identityProvider": id("", "saml"),
            }),
            Self::Web(name) => json!({
                "type": "WebIdentityUser", "principalId": format!("accounts.example.com:client:{name}"), "userName": name,
                "identityProvider": "accounts.example.com",
            }),
            Self::Directory(name) => json!({"type": "Directory", "accountId": account, "userName": name}),
            Self::Account(other) => json!({"type": "AWSAccount", "principalId": id("AIDA", other), "accountId": other}),
            Self::Service(name) => json!({"type": "AWSService", "invokedBy": name}),
            Self::Root => json!({
                "type": "Root", "principalId": account, "arn": format!("arn:aws:iam::{account}:root"), "accountId": account,
                "accessKeyId": id("AKIA", "root"),
            }),
            Self::Unknown => json!({"type": "Unknown"}),
        }
    }

    /// The `CreatedBy` of SageMaker's own answers.
    pub(crate) fn context(&self, world: &World) -> Value {
        let identity = self.identity(world);
        let (arn, principal) = (identity.get("arn"), identity.get("principalId"));
        let mut context = json!({});
        if let (Some(arn), Some(principal)) = (arn, principal) {
            context["IamIdentity"] = json!({"Arn": arn, "PrincipalId": principal});
        }
        if let Self::Role { source_identity: Some(profile), .. } = self {
            context["IamIdentity"]["SourceIdentity"] = profile.as_str().into();
            if let Some(((domain, name), _)) = world.profiles.iter().find(|((_, name), _)| name == profile) {
                context["DomainId"] = domain.as_str().into();
                context["UserProfileName"] = name.as_str().into();
                context["UserProfileArn"] = world.arn(&format!("user-profile/{domain}/{name}")).into();
            }
        }
        context
    }
}

pub(crate) fn iso(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Maps whose keys are the customer's and are not changed.
const MAPS: [&str; 3] = ["HyperParameters", "StaticHyperParameters", "Environment"];

/// A request or an answer as CloudTrail writes it: all field names begin with a small letter.
fn camel_case(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let value = if MAPS.contains(&name.as_str()) { value.clone() } else { camel_case(value) };
                let mut letters = name.chars();
                let first = letters.next().map(|first| first.to_ascii_lowercase());
                (first.into_iter().chain(letters).collect::<String>(), value)
            };
            Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(camel_case).collect()),
        other => other.clone(),
    }
}

/// A call that CloudTrail has recorded.
pub(crate) struct Recorded {
    pub(crate) at: Timestamp,
    pub(crate) operation: String,
    /// The id of the event.
    pub(crate) id: String,
    /// The record, as in the event's `detail`.
    pub(crate) detail: Value,
}

/// How the names of operations begin that read, but for the addresses with which somebody opens something. This history does not have them.
const READS: [&str; 5] = ["Describe", "Get", "List", "Search", "BatchGet"];

impl World {
    /// Records a call in CloudTrail's history. If the estate has a trail, a `Create…` call is delivered as an event, too. Calls before the start are not recorded.
    pub(crate) fn note_call(&mut self, by: &Creator, operation: &str, input: &Value, answer: Result<&Value, &Refusal>) {
        if self.is_before_the_start() || READS.iter().any(|read| operation.starts_with(read)) {
            return;
        }
        let detail = self.record_of(by, operation, input, answer);
        if self.trail && operation.starts_with("Create") {
            self.tell("AWS API Call via CloudTrail", &[], &detail);
        }
        let id = detail["eventID"].as_str().unwrap_or_default().to_owned();
        self.recorded.push(Recorded { at: self.now, operation: operation.to_owned(), id, detail });
    }

    /// The record of a call.
    fn record_of(&self, by: &Creator, operation: &str, input: &Value, answer: Result<&Value, &Refusal>) -> Value {
        let mut parameters = camel_case(input);
        if operation == "CreateTrainingJob" {
            // Real accounts' records have these fields; they have no meaning here.
            parameters["disableEFA"] = false.into();
            parameters["withWarmPoolValidationError"] = false.into();
            if let Some(resources) = parameters.get_mut("resourceConfig") {
                resources["useReservedCapacity"] = false.into();
            }
            if let Some(arn) = answer.ok().and_then(|answer| answer.get("TrainingJobArn")) {
                parameters["trainingJobArn"] = arn.clone();
            }
        }
        let (address, agent) = match by {
            Creator::Service(name) => (name.as_str(), name.as_str()),
            _ => ("203.0.113.7", "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux lang/python#3.12.1"),
        };
        let number = self.recorded.len();
        let mut detail = json!({
            "eventVersion": "1.11", "userIdentity": by.identity(self), "eventTime": iso(self.now), "eventSource": SOURCE,
            "eventName": operation, "awsRegion": self.region, "sourceIPAddress": address, "userAgent": agent,
            "requestParameters": parameters, "responseElements": answer.ok().map(camel_case),
            "requestID": format!("00000000-0000-4000-8000-{number:012x}"), "eventID": format!("00000000-0000-4000-9000-{number:012x}"),
            "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        if let Err(refusal) = answer {
            detail["errorCode"] = refusal.code.into();
            detail["errorMessage"] = refusal.message.as_str().into();
        }
        detail
    }

    /// Records what a person did to a notebook, by name.
    pub(crate) fn note_notebook(&mut self, operation: &str, name: &str) {
        let by = self.notebooks.get(name).and_then(|notebook| notebook.spec.by.clone()).unwrap_or_default();
        self.note_call(&by, operation, &json!({"NotebookInstanceName": name}), Ok(&json!({})));
    }

    /// Records what a person did to an app, by ARN.
    pub(crate) fn note_app(&mut self, operation: &str, arn: &str) {
        let Some(app) = self.apps.get(arn) else { return };
        let by = app.spec.by.clone().unwrap_or_default();
        let mut input = studio::app_input(&app.spec);
        match operation {
            "CreatePresignedDomainUrl" => {
                let mine = app.spec.space.as_ref().and_then(|space| self.spaces.get(&(app.spec.domain.clone(), space.clone())));
                let owner = app.spec.user_profile.clone().or_else(|| mine?.owner.clone());
                input = json!({"DomainId": app.spec.domain, "UserProfileName": owner, "SpaceName": app.spec.space});
            }
            "DeleteApp" => drop(input.as_object_mut().map(|input| input.remove("ResourceSpec"))),
            _ => {}
        }
        self.note_call(&by, operation, &input, Ok(&json!({})));
    }
}

/// The service whose calls are recorded.
pub(crate) const SOURCE: &str = "sagemaker.amazonaws.com";

#[cfg(test)]
mod tests;
