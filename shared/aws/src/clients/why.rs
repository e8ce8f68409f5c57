//! Formats an SDK error for people: AWS's code and message on one line, without the raw response. If a permission is missing, with the policy statement that
//! grants it.

use aws_sdk_sagemaker::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use cost_rules::vocabulary::secrets::without_secrets;

/// For example `AccessDeniedException: User … is not authorized to perform: sagemaker:ListApps …`.
pub(crate) fn why<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("an error without a code");
            let Some(raw) = service.message() else { return code.to_owned() };
            let message = sanitized(raw);
            missing_statement(raw).map_or_else(
                || format!("{code}: {message}"),
                |statement| format!("{code}: {}. What is missing: the statement {statement}", message.trim_end_matches('.')),
            )
        }
        None => match error {
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            SdkError::DispatchFailure(_) => unreached(&sanitized(&innermost(error))),
            _ => sanitized(&DisplayErrorContext(error).to_string()),
        },
    }
}

/// The operation, `sagemaker:ListApps`, that AWS denies, by what could not be read and why, as this crate reports it: `Studio apps (sagemaker:ListApps)` and
/// `why`, or `tags of x` and `sagemaker:ListTags: ` before it. `None`: the reason is another one.
pub fn denied_operation<'a>(what: &'a str, why: &'a str) -> Option<&'a str> {
    let is_denied = |code: &str| DENIED.iter().any(|denied| code.starts_with(denied));
    let is_operation = |text: &&str| text.contains(':') && !text.contains(' ');
    if is_denied(why) {
        return what.split(['(', ')']).find(is_operation);
    }
    let parts: Vec<&str> = why.split(": ").collect();
    let before = parts.windows(2).find(|pair| is_denied(pair[1])).map(|pair| pair[0])?;
    before.rsplit(' ').next().filter(is_operation)
}

/// How the codes begin with which services deny: `AccessDeniedException`, SNS's `AuthorizationError`, EC2's `UnauthorizedOperation`.
const DENIED: [&str; 3] = ["AccessDenied", "AuthorizationError", "Unauthorized"];

/// The statement that the role's policy lacks, according to AWS's message. `None`: no statement is missing (something denies the call, a resource's own policy
/// decides, or it is another kind of error).
fn missing_statement(message: &str) -> Option<String> {
    let (_, asked) = message.split_once("is not authorized to perform: ")?;
    let lacks_identity_policy = asked.contains("because no identity-based policy") || !asked.contains(" because ");
    if asked.contains("explicit") || !lacks_identity_policy {
        return None;
    }
    let action = asked.split_whitespace().next()?.trim_end_matches(['.', ',']);
    let resource = asked.split_once(" on resource: ").and_then(|(_, rest)| rest.split_whitespace().next());
    // Lists and searches need `*`, whatever resource the message names.
    let is_list = action
        .split_once(':')
        .is_some_and(|(_, operation)| operation == "Search" || operation.starts_with("List") && operation != "ListTags");
    let resource = resource.filter(|_| !is_list).map_or("*", |resource| resource.trim_end_matches(['.', ',']));
    let parameter = match action {
        "sagemaker:DeleteEndpoint" | "sagemaker:CreateEndpoint" | "sagemaker:CreateEndpointConfig" => {
            ", which it has with AllowHibernation = yes"
        }
        "iam:PassRole" | "sagemaker:CreateTrainingJob" => ", which it has with AllowResubmission = yes",
        // SageMaker asks for it where a job has a VolumeKmsKeyId: the job's own role may have it instead.
        "kms:CreateGrant" => ", for jobs with an encrypted volume, and so does the job's own role, which is the better place for it",
        _ if ["sagemaker:Stop", "sagemaker:Delete", "sagemaker:AddTags", "ce:Update"].iter().any(|start| action.starts_with(start)) => {
            ", which it has with AllowEnforcement = yes"
        }
        _ => "",
    };
    Some(format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}{parameter} (docs/permissions.md has all)"#))
}

/// Why AWS was not reached. If a name is not in DNS, the service is probably not offered in this Region.
fn unreached(why: &str) -> String {
    let is_unknown = ["lookup address", "Name or service not known", "nodename nor servname", "No address associated"]
        .iter()
        .any(|text| why.contains(text));
    let hint = if is_unknown { ": is the service offered in this Region?" } else { "" };
    format!("AWS could not be reached: {why}{hint}")
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// One line. AWS repeats what it refuses, so that it may have secrets of a job in it.
fn sanitized(text: &str) -> String {
    without_secrets(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_is_told_with_its_statement_and_a_denied_one_is_not() {
        let user = "User: arn:aws:sts::123456789012:assumed-role/guard/x is not authorized to perform:";
        for (message, statement) in [
            (
                "sagemaker:ListApps on resource: * because no identity-based policy allows the sagemaker:ListApps action",
                Some(r#""Action": "sagemaker:ListApps", "Resource": "*""#),
            ),
            (
                "dynamodb:Query on resource: arn:aws:dynamodb:eu-central-1:123456789012:table/guard because no identity-based policy allows the dynamodb:Query action",
                Some(r#""Action": "dynamodb:Query", "Resource": "arn:aws:dynamodb:eu-central-1:123456789012:table/guard""#),
            ),
            (
                "SNS:Publish because no identity-based policy allows the SNS:Publish action",
                Some(r#""Action": "SNS:Publish", "Resource": "*""#),
            ),
            (
                "kms:CreateGrant on resource: arn:aws:kms:eu-central-1:123456789012:key/1 because no identity-based policy allows the kms:CreateGrant action",
                Some(r#"key/1"}, for jobs with an encrypted volume, and so does the job's own role, which is the better place for it"#),
            ),
            ("ce:GetCostForecast.", Some(r#""Action": "ce:GetCostForecast", "Resource": "*""#)),
            (
                "sagemaker:ListNotebookInstances on resource: arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/* because no identity-based policy allows the sagemaker:ListNotebookInstances action",
                Some(r#""Action": "sagemaker:ListNotebookInstances", "Resource": "*""#),
            ),
            (
                "sagemaker:StopNotebookInstance on resource: arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/nb because no identity-based policy allows the sagemaker:StopNotebookInstance action",
                Some(r#"notebook-instance/nb"}, which it has with AllowEnforcement = yes"#),
            ),
            (
                "kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
                None,
            ),
            ("sagemaker:ListApps on resource: * with an explicit deny in a service control policy", None),
            ("sagemaker:ListApps on resource: * because no service control policy allows the sagemaker:ListApps action", None),
            ("sagemaker:ListApps on resource: * because no permissions boundary allows the sagemaker:ListApps action", None),
        ] {
            let found = missing_statement(&format!("{user} {message}"));
            assert_eq!(found.is_some(), statement.is_some(), "{message}");
            assert!(found.unwrap_or_default().contains(statement.unwrap_or_default()), "{message}");
        }
        assert_eq!(missing_statement("Rate exceeded"), None);
    }

    #[test]
    fn what_aws_repeats_of_a_refused_definition_is_hidden() {
        let refused = "1 validation error detected: Value '{W=ZQ1}' at\n'environment' failed to satisfy constraint";
        assert_eq!(sanitized(refused), "1 validation error detected: Value '(hidden)' at 'environment' failed to satisfy constraint");
    }

    #[test]
    fn a_denied_operation_is_read_out_of_the_reason() {
        for (what, why, operation) in [
            (
                "Studio apps (sagemaker:ListApps)",
                "AccessDeniedException: User: arn:aws:sts::1:x is not authorized to perform: y",
                Some("sagemaker:ListApps"),
            ),
            (
                "tags of x",
                "sagemaker:ListTags: AccessDeniedException: User: arn:aws:sts::1:x is not authorized",
                Some("sagemaker:ListTags"),
            ),
            ("the bill", "ce:GetCostAndUsage: AccessDenied", Some("ce:GetCostAndUsage")),
            ("tags (tag:GetResources): what they did not name is left alone", "AccessDeniedException: no", Some("tag:GetResources")),
            ("topic", "sns:GetTopicAttributes: AuthorizationError: no", Some("sns:GetTopicAttributes")),
            ("Studio apps (sagemaker:ListApps)", "ThrottlingException: Rate exceeded", None),
            ("the bill", "ce:GetCostAndUsage: DataUnavailableException: no", None),
            ("everything", "no answer in time", None),
        ] {
            assert_eq!(denied_operation(what, why), operation, "{what}: {why}");
        }
    }

    #[test]
    fn a_service_that_is_not_in_the_region_is_told() {
        assert!(
            unreached("failed to lookup address information: Name or service not known")
                .ends_with("is the service offered in this Region?")
        );
        assert_eq!(unreached("Connection refused (os error 111)"), "AWS could not be reached: Connection refused (os error 111)");
    }
}
