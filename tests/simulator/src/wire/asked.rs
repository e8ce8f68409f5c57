//! The IAM actions and resources that a call needs, and AWS's refusal if the caller lacks one.

use std::collections::BTreeSet;

use iam_rs::{Arn, Context, IAMRequest, Principal, PrincipalId};
use serde_json::Value;

use crate::{
    services::{self, events, s3},
    wire::{Refusal, Request, text, traffic::Asked},
    world::World,
};

/// One permission that a call needs.
pub(crate) struct Ask {
    /// `sagemaker:ListApps`, `budgets:ViewBudget`
    pub(crate) action: String,
    /// The ARN that a denial names; `None`: the call is about no particular resource.
    resource: Option<String>,
    /// Whether IAM has a resource type for the action (AWS's service authorization reference). If not, only a statement on `*` allows it.
    is_about_one: bool,
    /// What the conditions of statements ask for: IAM's key, and its value.
    condition: Option<(&'static str, String)>,
}

/// All permissions that a call needs: first its own action, then those that AWS checks on the caller's behalf.
pub(crate) fn asks(world: &World, request: &Request) -> Vec<Ask> {
    let (about, is_about_one) = resource(world, request);
    let ask = |action: String| Ask { action, resource: about.clone(), is_about_one, condition: None };
    if request.operation == "TransactWriteItems" {
        let items = request.input["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
        let actions: BTreeSet<String> = items.map(|(kind, _)| format!("dynamodb:{kind}Item")).collect();
        return actions.into_iter().map(ask).collect();
    }
    let mut asks = vec![ask(action(request))];
    if request.service == "events" {
        asks[0].condition = Some(("events:source", events::source(&request.input).to_owned()));
    }
    if request.service == "sagemaker" && request.operation.starts_with("Create") {
        if request.input["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
            asks.push(ask("sagemaker:AddTags".into()));
        }
        if let Some(role) = text(&request.input, "RoleArn").or_else(|| text(&request.input, "ExecutionRoleArn")) {
            let condition = Some(("iam:PassedToService", "sagemaker.amazonaws.com".to_owned()));
            asks.push(Ask { resource: Some(role.to_owned()), is_about_one: true, condition, ..ask("iam:PassRole".into()) });
        }
    }
    if request.service == "sagemaker" && request.operation == "DeleteEndpoint" {
        // AWS deregisters them with the caller's permission.
        let targets = world.targets_of(text(&request.input, "EndpointName").unwrap_or_default()).into_iter();
        let deregister = |arn: String| Ask { action: DEREGISTER.into(), resource: Some(arn), is_about_one: true, condition: None };
        asks.extend(targets.map(deregister));
    }
    asks
}

/// What AWS needs to deregister the scalable targets of an endpoint that is deleted.
const DEREGISTER: &str = "application-autoscaling:DeregisterScalableTarget";

impl Ask {
    /// The permission on a topic's KMS key that publishing needs.
    pub(crate) fn of_key(action: &str, key: &str) -> Self {
        Self { action: action.to_owned(), resource: Some(key.to_owned()), is_about_one: true, condition: None }
    }

    pub(crate) fn asked(&self, caller: &str) -> Asked {
        let resource = self.resource.clone().unwrap_or_else(|| "*".to_owned());
        Asked { caller: caller.to_owned(), action: self.action.clone(), resource }
    }

    /// The request as IAM evaluates it; `None`: the resource is not an ARN.
    pub(crate) fn request(&self, account: &str) -> Option<IAMRequest> {
        let service = self.action.split(':').next().unwrap_or_default();
        // An ARN that only `*` matches, because the evaluator does not accept `*` as a resource.
        let nothing = || format!("arn:aws:{service}:::nothing-in-particular");
        let resource = self.resource.clone().filter(|_| self.is_about_one).unwrap_or_else(nothing);
        let context = self.condition.iter().fold(Context::new(), |context, (key, value)| context.with_string(*key, value));
        let principal = Principal::Aws(PrincipalId::String(account.to_owned()));
        Some(IAMRequest::new_with_context(principal, self.action.clone(), Arn::parse(&resource).ok()?, context))
    }

    /// AWS's refusal of this permission to a role's session.
    pub(crate) fn denied(&self, world: &World, service: &str, session: &str) -> Refusal {
        if service == "sagemaker" && self.action == DEREGISTER {
            // AWS's own text (aws-facts §3.1).
            return Refusal::validation(
                "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used to invoke DeleteEndpoint does not have application-autoscaling:DeregisterScalableTarget permission to deregister the scalable target.".into(),
            );
        }
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

/// The IAM action. Its name and its service prefix may differ from the operation's.
fn action(request: &Request) -> String {
    let service = if request.service == "tagging" { "tag" } else { request.service };
    let own = services::find(request.service, &request.operation).and_then(|found| found.action());
    format!("{service}:{}", own.unwrap_or(&request.operation))
}

/// The ARN that a denial names, and whether IAM has a resource type for the action.
fn resource(world: &World, request: &Request) -> (Option<String>, bool) {
    match services::find(request.service, &request.operation) {
        Some(found) => found.resource(world, &request.input),
        None if request.service == "s3" => (Some(format!("arn:aws:s3:::{}", subject(request))), true),
        None => (Some(subject(request)).filter(|subject| subject.starts_with("arn:")), true),
    }
}

/// The first name or ARN in a call; empty if it has none.
pub(crate) fn subject(request: &Request) -> String {
    let fields = [
        "NotebookInstanceName",
        "TrainingJobName",
        "HyperParameterTuningJobName",
        "ProcessingJobName",
        "TransformJobName",
        "AutoMLJobName",
        "InferenceComponentName",
        "MonitoringScheduleName",
        "InferenceRouterName",
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
        "ResourceId",
        "ResourceARN",
        "AlarmName",
        "TableName",
        "Name",
        "Namespace",
    ];
    let in_form = || ["TopicArn", "Name"].iter().find_map(|field| request.form.get(*field)).cloned();
    // A transaction has its table in its first item.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{Estate, wire::Protocol};

    #[test]
    fn the_scalable_targets_of_a_deleted_endpoint_need_a_permission_too() {
        let config = "[[model]]\nname = \"m\"\n[[endpoint-config]]\nname = \"e\"\nmodel = \"m\"\n[[endpoint]]\nname = \"e\"";
        let mut world = World::new(Estate::from_toml(config).unwrap());
        let delete = || Request {
            service: "sagemaker",
            operation: "DeleteEndpoint".into(),
            protocol: Protocol::Json("1.1"),
            input: json!({"EndpointName": "e"}),
            form: BTreeMap::new(),
            rest: None,
        };
        assert_eq!(asks(&world, &delete()).len(), 1);
        let target = json!({
            "ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/AllTraffic", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "MinCapacity": 1, "MaxCapacity": 2,
        });
        let answer = services::call(&mut world, "application-autoscaling", "RegisterScalableTarget", &target).unwrap();
        let asks = asks(&world, &delete());
        let ask = asks.last().unwrap();
        assert_eq!((ask.action.as_str(), ask.resource.as_deref()), (DEREGISTER, answer["ScalableTargetARN"].as_str()));
        let refusal = ask.denied(&world, "sagemaker", "f/f");
        assert_eq!(refusal.code, "ValidationException");
        assert!(refusal.message.starts_with("An Application AutoScaling scalable target exists for a variant being deleted"));
    }
}
