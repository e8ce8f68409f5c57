//! What a call asks IAM for: actions, and on what; and how AWS refuses it.

use iam_rs::{Arn, Context, IAMRequest, Principal, PrincipalId};
use serde_json::Value;

use crate::{
    kinds::{self, api::Verb},
    s3,
    traffic::Asked,
    wire::{Refusal, Request, text},
    world::World,
};

/// One thing that a call needs to be allowed.
pub(crate) struct Ask {
    /// `sagemaker:ListApps`, `budgets:ViewBudget`
    pub(crate) action: String,
    /// The ARN that a denial names; calls about nothing in particular have none.
    resource: Option<String>,
    /// The service that a role is passed to.
    passed_to: Option<&'static str>,
}

/// Whatever a call asks for: its own action first, then what AWS asks for on the caller's behalf.
pub(crate) fn asks(world: &World, request: &Request) -> Vec<Ask> {
    let ask = |action: String, resource| Ask { action, resource, passed_to: None };
    let about = resource(world, request);
    if request.operation == "TransactWriteItems" {
        let items = request.input["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
        let mut actions: Vec<String> = items.map(|(kind, _)| format!("dynamodb:{kind}Item")).collect();
        actions.sort();
        actions.dedup();
        return actions.into_iter().map(|action| ask(action, about.clone())).collect();
    }
    let mut asks = vec![ask(action(request), about.clone())];
    if request.service == "sagemaker" && request.operation.starts_with("Create") {
        if request.input["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
            asks.push(ask("sagemaker:AddTags".into(), about));
        }
        if let Some(role) = text(&request.input, "RoleArn").or_else(|| text(&request.input, "ExecutionRoleArn")) {
            asks.push(Ask { passed_to: Some("sagemaker.amazonaws.com"), ..ask("iam:PassRole".into(), Some(role.to_owned())) });
        }
    }
    asks
}

/// Whether IAM knows no resource for an action (AWS's service authorization reference): only `*` allows it.
fn is_about_nothing(action: &str) -> bool {
    match action.split_once(':').unwrap_or_default() {
        ("ce" | "cloudwatch" | "tag", _) | ("sagemaker", "Search") => true,
        ("sagemaker", "ListTags" | "ListTrainingJobsForHyperParameterTuningJob" | "ListPipelineExecutions") => false,
        ("sagemaker", action) => action.starts_with("List"),
        _ => false,
    }
}

impl Ask {
    /// For the topic's key, when something is published.
    pub(crate) fn of_key(action: &str, key: &str) -> Self {
        Self { action: action.to_owned(), resource: Some(key.to_owned()), passed_to: None }
    }

    pub(crate) fn asked(&self, caller: &str) -> Asked {
        let resource = self.resource.clone().unwrap_or_else(|| "*".to_owned());
        Asked { caller: caller.to_owned(), action: self.action.clone(), resource }
    }

    /// As IAM sees it; `None`: what it is about is no ARN.
    pub(crate) fn request(&self, account: &str) -> Option<IAMRequest> {
        let service = self.action.split(':').next().unwrap_or_default();
        // An ARN that nothing but `*` matches: the judge takes no `*`.
        let nothing = || format!("arn:aws:{service}:::nothing-in-particular");
        let resource = self.resource.clone().filter(|_| !is_about_nothing(&self.action)).unwrap_or_else(nothing);
        let context = self.passed_to.iter().fold(Context::new(), |context, service| context.with_string("iam:PassedToService", *service));
        let principal = Principal::Aws(PrincipalId::String(account.to_owned()));
        Some(IAMRequest::new_with_context(principal, self.action.clone(), Arn::parse(&resource).ok()?, context))
    }

    /// As AWS refuses it to a role's session.
    pub(crate) fn denied(&self, world: &World, service: &str, session: &str) -> Refusal {
        let (status, code) = match service {
            "sns" if self.action.starts_with("kms:") => (400, "KMSAccessDenied"),
            "sns" => (403, "AuthorizationError"),
            "cloudwatch" | "s3" => (403, "AccessDenied"),
            _ => (400, "AccessDeniedException"),
        };
        let action = self.action.replace("sns:", "SNS:");
        let resource = self.resource.as_ref().map(|resource| format!(" on resource: {resource}")).unwrap_or_default();
        let message = format!(
            "User: arn:aws:sts::{}:assumed-role/{session} is not authorized to perform: {action}{resource} because no identity-based policy allows the {action} action",
            world.account
        );
        Refusal::new(status, code, message)
    }
}

/// IAM's actions, and the services before them, are not always named after the operations.
fn action(request: &Request) -> String {
    let service = if request.service == "tagging" { "tag" } else { request.service };
    let action = match (request.service, request.operation.as_str()) {
        ("budgets", operation) if operation.starts_with("Describe") => "ViewBudget",
        ("budgets", _) => "ModifyBudget",
        (_, operation) => operation,
    };
    format!("{service}:{action}")
}

/// The ARN that a denial names; calls about nothing in particular have none.
fn resource(world: &World, request: &Request) -> Option<String> {
    let subject = subject(request);
    if subject.starts_with("arn:") {
        return Some(subject);
    }
    let in_region = |service: &str, what: String| format!("arn:aws:{service}:{}:{}:{what}", world.region, world.account);
    match (request.service, request.operation.as_str()) {
        ("sagemaker", "ListNotebookInstances") => Some(world.arn("notebook-instance/*")),
        ("sagemaker", "ListApps") => Some(world.arn("app/*")),
        ("sagemaker", "ListDomains") => Some(world.arn("domain/*")),
        ("sagemaker", "ListUserProfiles") => Some(world.arn("user-profile/*")),
        ("sagemaker", "ListSpaces") => Some(world.arn("space/*")),
        ("sagemaker", "ListTrainingJobs") => Some(world.arn("training-job/*")),
        ("sagemaker", "ListHyperParameterTuningJobs") => Some(world.arn("hyper-parameter-tuning-job/*")),
        ("sagemaker", "DescribeDomain" | "DescribeSpace" | "DescribeUserProfile" | "DescribeApp" | "DeleteApp") => {
            let of = |field: &str| text(&request.input, field).unwrap_or_default().to_lowercase();
            let (domain, home) = (of("DomainId"), format!("{}{}", of("SpaceName"), of("UserProfileName")));
            Some(world.arn(&match request.operation.trim_start_matches("Describe").trim_start_matches("Delete") {
                "App" => format!("app/{domain}/{home}/{}/{}", of("AppType"), of("AppName")),
                "Space" => format!("space/{domain}/{home}"),
                "UserProfile" => format!("user-profile/{domain}/{home}"),
                _ => format!("domain/{domain}"),
            }))
        }
        ("sagemaker", operation) if kinds::api::verb_of(operation).is_some() => {
            let (kind, verb) = kinds::api::verb_of(operation)?;
            Some(if verb == Verb::List { world.arn(&format!("{}/*", kind.path)) } else { kind.arn_of(world, &subject) })
        }
        ("sagemaker", _) if request.operation.ends_with("HyperParameterTuningJob") => {
            Some(world.arn(&format!("hyper-parameter-tuning-job/{subject}")))
        }
        ("sagemaker", _) if request.operation.ends_with("TrainingJob") => Some(world.arn(&format!("training-job/{subject}"))),
        ("sagemaker", _) if request.operation.ends_with("NotebookInstance") => Some(world.arn(&format!("notebook-instance/{subject}"))),
        ("ssm", _) => Some(in_region("ssm", format!("parameter/{}", subject.trim_start_matches('/')))),
        ("dynamodb", _) => Some(in_region("dynamodb", format!("table/{subject}"))),
        ("ce", operation) => Some(format!("arn:aws:ce:us-east-1:{}:/{operation}", world.account)),
        ("budgets", _) => Some(format!("arn:aws:budgets::{}:budget/{}", world.account, if subject.is_empty() { "*" } else { &subject })),
        ("s3", _) => Some(format!("arn:aws:s3:::{subject}")),
        _ => None,
    }
}

/// What a call is about: the first name or ARN in it.
pub(crate) fn subject(request: &Request) -> String {
    let fields = [
        "NotebookInstanceName",
        "TrainingJobName",
        "HyperParameterTuningJobName",
        "ProcessingJobName",
        "TransformJobName",
        "AutoMLJobName",
        "InferenceComponentName",
        "EndpointName",
        "EndpointConfigName",
        "ModelName",
        "FeatureGroupName",
        "PipelineName",
        "TrackingServerName",
        "ClusterName",
        "AppName",
        "SpaceName",
        "UserProfileName",
        "DomainId",
        "ResourceArn",
        "TableName",
        "Name",
        "Namespace",
    ];
    let in_form = || ["TopicArn", "Name"].iter().find_map(|field| request.form.get(*field)).cloned();
    // A transaction's table is in its first item.
    let in_items =
        || request.input.pointer("/TransactItems/0")?.as_object()?.values().next().and_then(|of| text(of, "TableName")).map(str::to_owned);
    let in_batch = || request.input.get("RequestItems")?.as_object()?.keys().next().cloned();
    let in_rest = || request.rest.as_ref().map(s3::Rest::subject);
    let in_budget = || {
        let created = request.input.pointer("/Budget/BudgetName").and_then(Value::as_str);
        text(&request.input, "BudgetName").or(created).map(str::to_owned)
    };
    let plain = fields.iter().find_map(|field| text(&request.input, field)).map(str::to_owned);
    plain.or_else(in_form).or_else(in_items).or_else(in_batch).or_else(in_budget).or_else(in_rest).unwrap_or_default()
}
